"""Breakpoints: tests of transitions, after which the debugger stops.

Whether one is hit depends on what is recorded and nothing else.  So going back and on again stops
at the same places, and going backwards stops where going forwards would have.
"""

from __future__ import annotations

import math
import pickle
from typing import TYPE_CHECKING, Any, Final

from sfnbook import outside
from sfnbook.clock import microseconds
from sfnbook.debugging.part import Part
from sfnbook.debugging.watches import compiled_jsonata
from sfnbook.errors import Failed, UsageError, did_you_mean
from sfnbook.explain import scene_at, subject_of
from sfnbook.frames import FAILED, STOPPING, TOP, Change, Frame, Running
from sfnbook.query import choice
from sfnbook.query.jsonata_values import truth
from sfnbook.values import copied, is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sfnbook.debugging.branches import Recording
    from sfnbook.transition import Transition
    from sfnbook.values import Json

UNCAUGHT: Final = frozenset({"ExecutionFailed", "ExecutionTimedOut"})
ERRORS: Final = ("caught", "uncaught", "all")


# --- which frames a change concerns ---------------------------------------------------------------
def entering(change: Change) -> list[Frame]:
    """The frame that entered a state."""
    return [change.frame] if change.kind == "StateEntered" else []


def leaving(change: Change) -> list[Frame]:
    """The frame, as it was, that left a state."""
    return [change.before] if change.kind in {"StateExited", "Caught"} and change.before else []


def failing(change: Change) -> list[Frame]:
    """The frames whose states failed just now: an attempt of a Task, or what made a state fail.

    A Map or Parallel fails with its first iteration or branch; what Retry and Catch say of a
    failure that was already told is none of its own.
    """
    kind, before = change.kind, change.before
    if before is None:
        return []
    if kind in {"TaskFailed", "TaskTimedOut"}:
        return [before]
    if kind == "FanOutFailed":
        child = change.others[0][0]
        return [*([child] if child is not None and not _told(child) else []), before]
    return [before] if kind in {"RetryScheduled", "Caught", "ExecutionFailed"} and not _told(before) else []


def _told(frame: Frame) -> bool:
    return frame.phase == STOPPING or (frame.phase == FAILED and isinstance(frame.work, Running))


MOMENTS: Final[dict[str, Callable[[Change], list[Frame]]]] = {
    "enter": entering,
    "exit": leaving,
    "fail": failing,
}
"""What ``on`` may be."""


def catching(change: Change) -> list[Frame]:
    """The frame whose failure a catcher took."""
    return leaving(change) if change.kind == "Caught" else []


def uncaught(change: Change) -> list[Frame]:
    """The top frame of the execution, when it fails for good."""
    ends = change.kind in UNCAUGHT and change.frame.id == TOP
    return [change.before] if ends and change.before is not None else []


def anything(change: Change) -> list[Frame]:
    """The frame that a change is about, whatever it is."""
    return [subject_of(change) or change.frame]


# --- a breakpoint ---------------------------------------------------------------------------------
ASKED: Final = ("state", "when", "on", "on_error", "hits", "at_time")
"""What is asked of a breakpoint when it is added."""


class Breakpoint(Part):
    """Where to stop; made by `Breakpoints.add`.

    ``enabled`` may be set, everything else stays.  ``id`` is its number in the debugger, and
    ``problem`` why the condition could not be evaluated the last time, if so.

    >>> print(Breakpoint("Charge", when="$states.input.total > 100"))
    on enter of Charge when $states.input.total > 100
    """

    __slots__ = ("_enabled", "at_time", "hits", "id", "on", "on_error", "problem", "state", "when")

    def __init__(
        self,
        state: str | None = None,
        when: str | dict[str, Json] | Callable[[Transition], Any] | None = None,
        on: str = "enter",
        on_error: str | None = None,
        hits: int = 1,
        at_time: float | None = None,
        enabled: bool = True,
        id: int = 0,  # noqa: A002 - the word
    ) -> None:
        super().__init__()
        self.state, self.when, self.on, self.on_error = state, when, on, on_error
        self.hits, self.at_time, self.id = hits, at_time, id
        self._enabled = enabled
        self.problem: str | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ASKED and hasattr(self, name):
            raise UsageError(f"A breakpoint's {name} stays as it is: remove the breakpoint, and add another.")
        super().__setattr__(name, value)

    @property
    def enabled(self) -> bool:
        """Does it stop?  Else it is passed over, and kept."""
        return self._enabled

    @enabled.setter
    def enabled(self, on: bool) -> None:
        if not isinstance(on, bool):
            raise UsageError(f"enabled = {on!r}: give True or False.")
        self._enabled = on
        self.tell()

    def fields(self) -> dict[str, Any]:
        """What makes it what it is, by name, in the order in which `Breakpoint` takes it."""
        asked = {name: getattr(self, name) for name in ASKED}
        return {**asked, "enabled": self._enabled, "id": self.id}

    def but(self, **changes: Any) -> Breakpoint:
        """A copy, with some fields changed."""
        return Breakpoint(**{**self.fields(), **changes})

    def __reduce__(self) -> tuple[type[Breakpoint], tuple[Any, ...]]:
        return Breakpoint, tuple(self.fields().values())

    @property
    def only_time(self) -> bool:
        """Does it wait for a moment, whatever happens then?"""
        return self.at_time is not None and self.state is None and self.when is None and self.on_error is None

    def __str__(self) -> str:
        if self.only_time:
            return f"at {self.at_time:g} s" + ("" if self.enabled else " (disabled)")
        what = f"on error {self.on_error}" if self.on_error else f"on {self.on}"
        when = getattr(self.when, "__name__", self.when)
        parts = (
            f" of {self.state}" if self.state else "",
            f" when {when}" if when is not None else "",
            f" from hit {self.hits} on" if self.hits > 1 else "",
            f" from {self.at_time:g} s on" if self.at_time is not None else "",
            "" if self.enabled else " (disabled)",
            f" (not evaluated: {self.problem})" if self.problem else "",
        )
        return what + "".join(parts)

    def __repr__(self) -> str:
        return f"<Breakpoint {self.id}: {self}>"


class Breakpoints(Part):
    """The breakpoints of a debugger.

    >>> import sfnbook
    >>> from sfnbook.debugger import Debugger
    >>> states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}}
    >>> debugger = Debugger(sfnbook.load({"StartAt": "A", "States": states}))
    >>> _ = debugger.breakpoints.add("B")
    >>> debugger.run()
    <StateEntered B at 0 s>
    """

    __slots__ = ("_breakpoints", "_recording")

    def __init__(self, recording: Callable[[], Recording], breakpoints: Iterable[Breakpoint] = ()) -> None:
        super().__init__()
        self._recording = recording
        self.replace(breakpoints)

    def add(
        self,
        state: str | None = None,
        *,
        when: str | dict[str, Json] | Callable[[Transition], Any] | None = None,
        on: str = "enter",
        on_error: str | None = None,
        hits: int = 1,
        at_time: float | None = None,
    ) -> Breakpoint:
        """Stop after the transition with which a state is entered, left ("exit") or fails ("fail").

        ``state`` is a name or a path (with an index: that iteration only); None is every state.
        ``when`` narrows it down: JSONata over ``$states.input`` and variables, a Choice rule, or a
        function of a Transition (without a state it is asked about every transition).
        ``on_error`` instead stops at failures: "all" or an error's name at the moment of failing,
        "caught" when a catcher takes one, "uncaught" when the execution fails.  ``hits=3`` passes
        over the first two.  ``at_time`` alone stops at the first transition at that virtual second
        or later; with others it says from when on they count.
        """
        number = max((one.id for one in self), default=0) + 1
        made = Breakpoint(state, copied(when), on, on_error, hits, at_time, id=number)
        _check(made, self._recording())
        self._have([*self, made])
        return made

    def remove(self, breakpoint: Breakpoint | str | int) -> None:  # noqa: A002 - the word
        """Take a breakpoint away, by itself or by its id, or all of a state."""
        gone = self._those(breakpoint)
        self._have([one for one in self if one not in gone])

    def enable(self, breakpoint: Breakpoint | str | int, on: bool = True) -> None:  # noqa: A002 - the word
        """Let a breakpoint, by itself or by its id, or all of a state, stop again."""
        for one in self._those(breakpoint):
            one.enabled = on

    def disable(self, breakpoint: Breakpoint | str | int) -> None:  # noqa: A002 - the word
        """Let a breakpoint, or all of a state, be passed over, and keep it."""
        self.enable(breakpoint, on=False)

    def __getitem__(self, identity: int) -> Breakpoint:
        """The breakpoint with an id."""
        return self._those(identity)[0]

    def _those(self, wanted: Breakpoint | str | int) -> list[Breakpoint]:
        found = [one for one in self if _is(one, wanted)]
        if not found:
            raise UsageError(f"There is no breakpoint {str(wanted)!r}. {self._listed()}")
        return found

    def _listed(self) -> str:
        return f"There are:\n{self!r}" if self._breakpoints else "There is none at all."

    def replace(self, breakpoints: Iterable[Breakpoint]) -> None:
        """Have copies of these instead."""
        self._have([one.but() for one in breakpoints])

    def clear(self) -> None:
        """Take all away."""
        self._have([])

    def _have(self, breakpoints: list[Breakpoint]) -> None:
        self._breakpoints = breakpoints
        for one in breakpoints:
            one.tell = self._tell
        self.tell()

    def _tell(self) -> None:
        self.tell()  # whoever listens by then

    def watch(self, recording: Recording) -> Watch:
        """What asks about the transitions from the cursor on."""
        return Watch(self._breakpoints, recording, recording.cursor)

    def last_hit(self, recording: Recording) -> tuple[int, Breakpoint] | None:
        """The latest hit before the transition at the cursor, and how many transitions are made there."""
        watch, found = Watch(self._breakpoints, recording, 0), None
        for number in range(recording.cursor - 1):
            hit = watch.hit(number)
            found = found if hit is None else (number + 1, hit)
        return found

    def picklable(self) -> tuple[Breakpoint, ...]:
        """Those that can be saved; a function of a notebook may not be."""
        return tuple(one for one in self if not callable(one.when) or _pickles(one.when))

    def __iter__(self) -> Iterator[Breakpoint]:
        return iter(tuple(self._breakpoints))

    def __len__(self) -> int:
        return len(self._breakpoints)

    def __repr__(self) -> str:
        return "\n".join(f"{one.id}: {one}" for one in self) or "no breakpoints"


def _is(one: Breakpoint, wanted: Breakpoint | str | int) -> bool:
    by_id, by_state = (
        type(wanted) is int and one.id == wanted,
        isinstance(wanted, str) and one.state == wanted,
    )
    return one is wanted or by_id or by_state


def _pickles(value: Any) -> bool:
    try:
        pickle.loads(pickle.dumps(value))  # noqa: S301 - made a moment ago
    except Exception:  # noqa: BLE001 - anything in a user's object may refuse
        return False
    return True


def _check(made: Any, recording: Recording) -> None:
    if made.state is not None:
        outside.known_state(recording, made.state)
    if made.on not in MOMENTS:
        raise UsageError(f"on={made.on!r} is no moment. {did_you_mean(made.on, MOMENTS)}")
    if type(made.hits) is not int or made.hits < 1:
        raise UsageError(f"hits={made.hits!r}: give a number from 1 on.")
    if made.at_time is not None and not (is_number(made.at_time) and 0 <= made.at_time < math.inf):
        raise UsageError(f"at_time={made.at_time!r}: give virtual seconds since the start.")
    if made.on_error is not None and not (isinstance(made.on_error, str) and made.on_error):
        raise UsageError(f"on_error={made.on_error!r}: {', '.join(ERRORS)}, or an error's name.")
    _condition(made.when)


# --- conditions -----------------------------------------------------------------------------------
def _condition(when: Any) -> Callable[[Transition, Frame, Any], Any]:
    """``when`` as a function of a transition, the frame it concerns, and a scene for expressions."""
    if when is None:
        return lambda _transition, _frame, _scene: True
    if isinstance(when, str):
        evaluate = compiled_jsonata(when)
        return lambda _transition, frame, scene: truth(evaluate({"input": frame.data}, scene()))
    if isinstance(when, dict):
        problems = choice.check(when, "when")
        if problems:
            raise UsageError("\n".join(f"{pointer}: {message}" for pointer, message in problems))
        decide = choice.compile_rule(when)
        return lambda _transition, frame, scene: decide(frame.data, scene())
    if callable(when):
        return lambda transition, _frame, _scene: when(transition)
    raise UsageError(
        f"when={when!r}: give a JSONata expression, a Choice rule, or a function of a Transition."
    )


def _hint(when: Any) -> str:
    mistaken = isinstance(when, str) and "$." in when
    return " JSONata reads the input as $states.input, not as $." if mistaken else ""


class Watch:
    """Asks the breakpoints about one transition after the other, and counts their hits."""

    __slots__ = ("_recording", "_tests")

    def __init__(self, breakpoints: list[Breakpoint], recording: Recording, start: int) -> None:
        self._recording = recording
        self._tests = [_Test(one, recording) for one in breakpoints if one.enabled]
        for test in self._tests:
            if test.breakpoint.hits > 1:
                test.left -= sum(test.matches(number) for number in range(start))

    def __bool__(self) -> bool:
        return bool(self._tests)

    def hit(self, number: int) -> Breakpoint | None:
        """The first breakpoint at which this transition stops."""
        stops = [test.breakpoint for test in self._tests if test.stops(number)]
        return stops[0] if stops else None


class _Test:
    """A breakpoint, compiled for a recording."""

    __slots__ = ("_condition", "_frames", "_path", "_recording", "_start", "_time", "breakpoint", "left")

    def __init__(self, breakpoint: Breakpoint, recording: Recording) -> None:  # noqa: A002 - the word
        self.breakpoint, self._recording = breakpoint, recording
        self.left = breakpoint.hits - 1
        self._condition = _condition(breakpoint.when)
        self._frames = self._asked()
        self._start = recording.started
        self._time = None if breakpoint.at_time is None else self._start + microseconds(breakpoint.at_time)

    def _asked(self) -> Callable[[Change], list[Frame]]:
        one = self.breakpoint
        if one.on_error is None:
            everywhere = callable(one.when) and one.state is None and one.on == "enter"
            return anything if one.only_time or everywhere else MOMENTS[one.on]
        return {"caught": catching, "uncaught": uncaught}.get(one.on_error, failing)

    def stops(self, number: int) -> bool:
        """Does it match, for the ``hits``-th time at least?"""
        if not self.matches(number):
            return False
        self.left -= 1
        return self.left < 0

    def matches(self, number: int) -> bool:
        """Is it hit by this transition?"""
        change = self._recording.changes[number]
        if self._time is not None and not self._in_time(change, number):
            return False
        return any(self._concerns(change, number, frame) for frame in self._frames(change))

    def _in_time(self, change: Change, number: int) -> bool:
        assert self._time is not None  # noqa: S101 - the only caller asks
        before = self._recording.changes[number - 1].time if number else self._start - 1
        return change.time >= self._time and not (self.breakpoint.only_time and before >= self._time)

    def _concerns(self, change: Change, number: int, frame: Frame) -> bool:
        one, recording = self.breakpoint, self._recording
        if one.state is not None and not recording.is_at(frame, one.state):
            return False
        transition = recording.shown(number)
        if one.on_error not in {None, *ERRORS} and one.on_error != transition.error:
            return False
        one.problem = None
        try:
            return bool(
                self._condition(
                    transition, frame, lambda: scene_at(recording.origin, frame, change.time, number)
                )
            )
        except Failed as problem:
            one.problem = f"{problem.error}: {problem.cause}{_hint(one.when)}"
            return False
        except Exception as problem:
            raise UsageError(
                f"The condition of breakpoint {one.id} ({one}) raised {type(problem).__name__}: {problem}. "
                f"It was asked about {transition!r}; debugger.breakpoints.disable({one.id}) passes it over."
            ) from problem
