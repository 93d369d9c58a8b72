"""A debugging session as something to look at: where it stands, what happened, the pictures of it.

Nothing here moves it, calls anybody or changes what is recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sfnbook import outside
from sfnbook.clock import duration
from sfnbook.debugging.breakpoints import Breakpoint, Breakpoints
from sfnbook.debugging.totals import Payloads, Totals, totals
from sfnbook.debugging.watches import Watches
from sfnbook.drawing.gantt import Chart, Gantt
from sfnbook.drawing.statuses import Marks, Statuses
from sfnbook.errors import UsageError, did_you_mean
from sfnbook.frames import KINDS, OVER
from sfnbook.growing import Mentions
from sfnbook.machine import StateMachine
from sfnbook.observed import Observed
from sfnbook.prices import PRICES, Prices
from sfnbook.values import Json, text, without_indices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sfnbook.debugging.branches import Branches, Recording, Unanswered
    from sfnbook.debugging.part import Part
    from sfnbook.frames import Fault, Frame, FrameId
    from sfnbook.recordings.children import Children
    from sfnbook.recordings.reading import RecordedExecution
    from sfnbook.setting import Setup
    from sfnbook.transition import Transition


P = TypeVar("P", bound="Part")


class Looking(Observed):
    """What a `Debugger` shows, in numbers, words and pictures; `Keeping` copies it, `Debugger` moves it.

    It is made of a machine and the fields of a `sessions.session.Session`.

    >>> import sfnbook
    >>> from sfnbook.debugging.branches import Branches, Recording
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> Looking(machine, Branches(Recording.of(machine.start().run()))).statuses()
    {'/States/A': 'succeeded'}
    """

    notes: tuple[str, ...]
    """What a saved session or a replayed recording lacks, or is not as it was."""
    recording: RecordedExecution | None
    """What is replayed, if the debugger was opened on a recorded execution."""
    children: Children | None
    """The children of a Map Run, if their recordings were given to `sfnbook.replay`."""

    def __init__(
        self,
        machine: StateMachine,
        branches: Branches,
        breakpoints: Iterable[Breakpoint] = (),
        watches: Mapping[str, str] = {},
        selected: FrameId | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self._branches = self._heard(branches)
        self._breakpoints = self._heard(Breakpoints(lambda: self.execution, breakpoints))
        self._watches = self._heard(Watches(self._watched))
        self._watches.update(watches)
        self._machines = {branches.current.execution.setup: machine}
        self._selected, self.notes = selected, notes
        self._stop: tuple[Recording, int, Breakpoint] | None = None
        self.recording = self.children = None
        self._statuses, self._gantt, self._mentions = Statuses(), Gantt(), Mentions()
        self._payloads, self._prices = Payloads(), PRICES
        self._drawn: tuple[StateMachine, Any] | None = None

    # --- who hears of it ----------------------------------------------------------------------------
    def _heard(self, part: P) -> P:
        """A part of this debugger from now on: what changes it is told."""
        part.tell = self._tell
        return part

    # --- its parts ------------------------------------------------------------------------------------
    @property
    def branches(self) -> Branches:
        """What was tried, each as a line of recorded transitions."""
        return self._branches

    @property
    def breakpoints(self) -> Breakpoints:
        """Where it stops."""
        return self._breakpoints

    @property
    def watches(self) -> Watches:
        """Expressions by name, evaluated where it stands; may be set to others."""
        return self._watches

    @watches.setter
    def watches(self, expressions: Mapping[str, str]) -> None:
        if expressions is not self._watches:  # as at the end of ``watches |= ...``
            self._watches.replace(expressions)

    @property
    def prices(self) -> Prices:
        """The price list of `totals`; may be set to another."""
        return self._prices

    @prices.setter
    def prices(self, prices: Prices) -> None:
        if not isinstance(prices, Prices):
            raise UsageError(f"prices = {prices!r}: give sfnbook.prices.PRICES._replace(...).")
        self._prices = prices
        self._tell()

    # --- where it stands ----------------------------------------------------------------------------
    @property
    def machine(self) -> StateMachine:
        """The state machine of the current branch."""
        setup = self.execution.setup
        if setup not in self._machines:
            self._machines[setup] = machines_of(setup)["main"]
        return self._machines[setup]

    @property
    def execution(self) -> Recording:
        """The execution of the current branch."""
        return self.branches.current.execution

    @property
    def position(self) -> int:
        """How many transitions lie before the cursor."""
        return self.execution.cursor

    @property
    def length(self) -> int:
        """How many transitions the current branch has recorded."""
        return self.execution.length

    @property
    def transition(self) -> Transition | None:
        """The transition before the cursor; None at the beginning."""
        execution = self.execution
        return execution.shown(execution.cursor - 1) if execution.cursor else None

    @property
    def transitions(self) -> list[Transition]:
        """All recorded transitions of the current branch, those after the cursor included."""
        execution = self.execution
        return [execution.shown(number) for number in range(execution.length)]

    @property
    def stopped_by(self) -> Breakpoint | None:
        """The breakpoint at which it stands; None where it came by another way."""
        execution, position, hit = self._stop or (None, 0, None)
        return hit if execution is self.execution and position == self.position else None

    @property
    def time(self) -> float:
        """Virtual seconds since the execution started."""
        return self.execution.time

    @property
    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return self.execution.status

    @property
    def output(self) -> Json:
        """The output of an execution that succeeded, else None."""
        return self.execution.output

    @property
    def error(self) -> str | None:
        """The error name of an execution that failed."""
        return self.execution.error

    @property
    def cause(self) -> str | None:
        """The cause of an execution that failed."""
        return self.execution.cause

    @property
    def blocked(self) -> str | None:
        """None, "outside" (see `pending`) or "unanswered" (see `unanswered`)."""
        return self.execution.blocked

    @property
    def unanswered(self) -> Unanswered | None:
        """The Task that nobody answers for: its path, its input, and the tasks= to paste."""
        return self.execution.question()

    @property
    def path(self) -> str:
        """The path of the state at which the current frame stands."""
        return self.execution.path_of(self._current())

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What was injected or set and waits for its attempts, oldest first."""
        return self.execution.faults

    def _current(self) -> Frame:
        selected = self.execution.frame(self._selected)
        return selected if selected is not None and selected.phase not in OVER else self.execution.standing()

    # --- what happened ------------------------------------------------------------------------------
    def find(
        self,
        state: str | None = None,
        path: str | None = None,
        kind: str | None = None,
        error: str | None = None,
        text: str | None = None,
    ) -> list[Transition]:
        """The recorded transitions of the current branch that fit everything given.

        ``path`` may leave its indices out; ``text`` is looked for, in any case of letters, in path,
        kind, events, input, output, variables, error and cause.
        """
        if state is not None:
            outside.known_state(self.execution, state)
        if kind is not None and kind not in KINDS:
            raise UsageError(f"There is no kind {kind!r}. {did_you_mean(kind, KINDS)}")
        return [
            transition
            for transition in self.transitions
            if (kind is None or transition.kind == kind)
            and (state is None or transition.state == state)
            and (path is None or path in {transition.path, without_indices(transition.path)})
            and (error is None or transition.error == error)
            and (text is None or text.casefold() in _searched(transition))
        ]

    def statuses(self) -> dict[str, str]:
        """What happened to each state so far, by pointer: names of `theme.STATUSES`; others: not entered."""
        return self.followed().states()

    def iterations(self) -> dict[str, dict[str, int]]:
        """How many iterations and branches are running, succeeded, failed or aborted, by pointer."""
        return self.followed().iterations()

    def marks(self) -> Marks:
        """All that the picture shows: statuses, attempts, how far Maps are, the ways that were taken."""
        return self.followed().marks()

    def followed(self) -> Statuses:
        """What happened to each state, ready to be asked for more."""
        return self._statuses.follow(self.execution.changes, self.execution.cursor)

    def _watched(self) -> tuple[Json, Any]:
        frame = self._current()
        return frame.data, self.execution.environment(frame)

    # --- display ------------------------------------------------------------------------------------
    def to_svg(self, caption: str = "") -> str:
        """The picture with what happened so far, and a line below."""
        from sfnbook.drawing.svg import to_svg  # noqa: PLC0415

        return to_svg(self._picture(), marks=self.marks(), title=self.machine.name, caption=caption)

    def plot(self) -> Any:
        """The same picture as a matplotlib Figure, for slides and papers.

        >>> import sfnbook
        >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
        >>> sfnbook.Debugger(machine).plot().axes[0].get_title()
        'StateMachine: RUNNING at 0 s'
        """
        from sfnbook.drawing.plots import plot  # noqa: PLC0415

        title = f"{self.machine.name}: {self.status} at {duration(self.time)}"
        return plot(self._picture(), marks=self.marks(), title=title)

    def plot_timeline(self) -> Any:
        """All recorded attempts, waits and back-offs on the virtual clock, as a matplotlib Figure.

        >>> import sfnbook
        >>> wait = {"Type": "Wait", "Seconds": 60, "End": True}
        >>> debugger = sfnbook.Debugger(sfnbook.load({"StartAt": "W", "States": {"W": wait}}))
        >>> _ = debugger.run()
        >>> [label.get_text() for label in debugger.plot_timeline().axes[0].get_xticklabels()][-1]
        '1 min'
        """
        from sfnbook.drawing.gantt_drawing import plot_chart  # noqa: PLC0415

        title = f"{self.machine.name}: {self.status} at {duration(self.time)}"
        return plot_chart(self.gantt(), cursor=self.time, title=title)

    def gantt(self) -> Chart:
        """The rows and bars of the timeline of the current branch, those after the cursor included."""
        self.execution.settle()
        return self._gantt.follow(self.execution.changes).chart()

    def about(self, pointer: str) -> Iterator[Transition]:
        """The transitions about a state before the cursor, the latest first, by its pointer."""
        execution = self.execution
        mentions = self._mentions.follow(execution.changes)
        return map(execution.shown, mentions.before(pointer, execution.cursor))

    def totals(self) -> Totals:
        """What was used up to the cursor: transitions, events, the largest payload, and dollars.

        The price list is `prices`.
        """
        self.execution.settle()
        return totals(self.execution, self._payloads, self.prices)

    def _picture(self) -> Any:
        from sfnbook.drawing.layout import layout  # noqa: PLC0415

        if self._drawn is None or self._drawn[0] is not self.machine:
            self._drawn = self.machine, layout(self.machine.definition)
        return self._drawn[1]

    def __repr__(self) -> str:
        branch = "" if self.branches.current.name == "main" else f", {self.branches.current.name}"
        where = {"RUNNING": f", next {self.path}"}.get(
            self.status, f", error={self.error!r}" if self.error else ""
        )
        blocked = f", blocked: {self.blocked}" if self.blocked else ""
        return (
            f"<Debugger {self.machine.name!r}{branch}: {self.status} at {self.time:.15g} s, "
            f"{self.position} of {self.length} transitions{where}{blocked}>"
            + "".join(f"\n  note: {note}" for note in self.notes)
        )


def machines_of(setup: Setup) -> dict[str, StateMachine]:
    """The state machines of an execution, "main" the one that was started."""
    names = {"main": setup.birth.frame.scope.execution.machine_name}
    names |= {key: one.name for key, one in setup.machines.items()}
    return {key: StateMachine(read, name=names[key]) for key, read in setup.sources.items()}


def _searched(transition: Transition) -> str:
    change = transition._change  # noqa: SLF001 - payloads that are only read need no copies
    values = (transition.input, transition.output, dict(change.frame.variables))
    names = (transition.path, transition.kind, *change.events, transition.error or "", transition.cause or "")
    return "\n".join((*names, *map(text, values))).casefold()
