"""Branches of a debugging session: recordings that share their beginning.

A recording is an execution seen as a list of changes with a cursor.  An edit at an earlier point
goes to a copy, so what was recorded is still there to go back to.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias

from sfnbook import outside
from sfnbook.debugging.part import Part
from sfnbook.errors import UnansweredTask, UsageError, did_you_mean
from sfnbook.execution import Execution
from sfnbook.explain import scene_at, stages, subject_of
from sfnbook.faults import names_of
from sfnbook.frames import AWAITING, DEADLINE, OVER, QUEUED, Change, Frame, FrameId
from sfnbook.notebook import displayed
from sfnbook.setting import call_of
from sfnbook.tasks.answers import Answer
from sfnbook.tasks.error_names import error_names
from sfnbook.tasks.protocol import Outcome
from sfnbook.tasks.samples import result_of
from sfnbook.tokens import Pending
from sfnbook.values import Json, copied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sfnbook.query.environment import Environment
    from sfnbook.transition import Transition


Stop: TypeAlias = "Callable[[Change], bool]"
"""Asked after each change that was made or re-applied: stop here?"""

LEFT: Final = frozenset({"StateExited", "Caught"})


class Unanswered(NamedTuple):
    """A Task that nobody answers for.

    ``input`` is what it was sent, ``literal`` the code to paste, ``draft`` a sample result to begin
    with, ``errors`` the names of the errors that it may fail with, ``why`` where a replay left its
    recording; empty where there is none.
    """

    path: str
    input: Json
    literal: str
    draft: Json
    errors: tuple[str, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        return self.path


class Recording(Execution):
    """An execution that shows its changes and goes to any of them.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> recording = Recording.of(machine.start().run())
    >>> recording.seek(1)
    >>> recording.cursor, recording.length, recording.path_of(recording.standing())
    (1, 4, 'A')
    """

    kept: frozenset[int] = frozenset()
    """The numbers of changes at which a Choice was kept on its way: see `redacted`."""

    @classmethod
    def of(cls, execution: Execution) -> Self:
        """A recording that stands where an execution stands, independent of it."""
        recording = cls.__new__(cls)
        recording.__setstate__(execution.fork().__getstate__())
        return recording

    def anew(self) -> Self:
        """The same start with nothing recorded."""
        return type(self)(self.setup)

    @property
    def length(self) -> int:
        """How many transitions are recorded, those after the cursor included."""
        self.settle()
        return len(self.changes)

    @property
    def started(self) -> int:
        """When it started, in microseconds."""
        return self.setup.birth.time

    def shown(self, number: int) -> Transition:
        """A recorded change as people look at it."""
        return self.transition(self.changes[number], number)

    def stages(self, number: int) -> dict[str, Json]:
        """`Transition.data_flow` of a recorded change, with its context object, for those who only read."""
        change = self.changes[number]
        flow = stages(change, self.origin, number)
        frame = subject_of(change)
        if flow and frame is not None:
            flow["context"] = scene_at(self.origin, frame, change.time, number).context_of(frame)
        return flow

    def forward(self) -> Change | None:
        """The next change, made or re-applied; None at the end, or where an answer is missing."""
        try:
            return self.proceed()
        except UnansweredTask:
            return None

    def seek(self, cursor: int) -> None:
        """Go to where ``cursor`` of the recorded changes are applied; calls nobody."""
        self.settle()
        while self.cursor > cursor:
            self.unapply(self.changes[self.cursor - 1])
        while self.cursor < cursor:
            self.proceed()

    # --- where to stop ------------------------------------------------------------------------------
    def concerning(self, frame: FrameId) -> Stop:
        """Stops at a change of a frame, or of one that it started."""

        def concerns(change: Change) -> bool:
            pairs = ((change.before, change.after), *change.others)
            if any(side is not None and side.id == frame for pair in pairs for side in pair):
                return True
            above: Frame | None = change.frame
            while above is not None and above.id != frame:
                above = self.frame(above.scope.parent)
            return above is not None

        return concerns

    def leaving(self, frame: FrameId) -> Stop:
        """Stops when a frame has left its state, or has ended."""

        def left(change: Change) -> bool:
            if change.kind in LEFT and change.frame.id == frame:
                return True
            now = self.frame(frame)
            return now is None or now.phase in OVER

        return left

    def arriving(self, state: str) -> Stop:
        """Stops when a state, by name or path, is about to be entered."""
        about_to_enter = outside.check_target(self, state)

        def arrived(_: Change) -> bool:
            frame = self.upcoming()
            return frame is not None and about_to_enter(frame)

        return arrived

    # --- frames -----------------------------------------------------------------------------------
    def frame(self, identity: FrameId | None) -> Frame | None:
        """A frame as it stands, if it is there."""
        self.settle()
        return None if identity is None else self.frames.get(identity)

    def upcoming(self) -> Frame | None:
        """The frame of the next transition; None when the execution is over or blocked outside."""
        frame = self.next_frame()
        return None if frame is None else self.acting_for(frame)

    def standing(self) -> Frame:
        """The frame that goes on next; else the one that waits outside the longest; else the top."""
        waiting = (frame for frame in self.live() if frame.phase in {AWAITING, QUEUED})
        return self.upcoming() or min(waiting, key=lambda frame: (frame.event, frame.id), default=self.top)

    def live(self) -> Iterator[Frame]:
        """The frames of the flows that have not ended."""
        self.settle()
        for frame in tuple(self.frames.values()):
            if frame.id[0] >= 0 and frame.phase != DEADLINE and frame.phase not in OVER:
                yield frame

    def path_of(self, frame: Frame) -> str:
        """The path of the state that a frame stands at."""
        return f"{frame.scope.prefix}{self.scene.state(frame).name}"

    def is_at(self, frame: Frame, where: str) -> bool:
        """Does a frame stand at this state, by one of its `names_of`?"""
        return where in names_of(frame, self.scene.state(frame).name)

    def environment(self, frame: Frame) -> Environment:
        """What an expression may read where a frame stands."""
        self.scene.look(frame, self.clock, self.cursor)
        return self.scene

    def question(self) -> Unanswered | None:
        """The Task that nobody answers for, if that is what blocks."""
        frame = self.upcoming() if self.blocked == "unanswered" else None
        if frame is None:
            return None
        state = self.scene.look(frame, self.clock, self.cursor)
        call = call_of(self.setup, self.scene, state, frame, ASKED)
        return Unanswered(
            self.path_of(frame),
            copied(call.input),
            self.literal_of(state, frame),
            result_of(call, self.need_of(state), call.visit - 1, brief=True),
            error_names(state.definition),
            self.left_recording(state, frame),
        )


ASKED: Final = Answer("", None, lambda _: Outcome(), False, False, True, True)
"""Stands for the person who is asked: wants to know all of a call."""


class Seat(NamedTuple):
    """Where a debugger lets others act: its execution as it is now, its edits, and who hears of its moves."""

    execution: Callable[[], Recording]
    edit: Callable[[str, Callable[[Recording], Any]], Any]
    observe: Callable[[Callable[[], None]], Callable[[], None]]


class OpenTask(Pending):
    """An open callback or activity task whose answer goes through the debugger."""

    __slots__ = ("_seat",)

    def __init__(self, pending: Pending, seat: Seat) -> None:
        self._seat = seat
        super().__init__(seat.execution(), pending.frame, pending._state)  # noqa: SLF001 - one of its kind

    @property
    def _timeline(self) -> Recording:
        return self._seat.execution()

    def observe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener()`` after every move and edit of the debugger; what is returned ends that."""
        return self._seat.observe(listener)

    def resume(self) -> None:
        """A debugger stays where it is: whoever holds it steps on."""

    def _act(self, what: str, change: Callable[[Any], None]) -> None:
        self._seat.edit(f"{self.path} {what}", change)


class Branch:
    """One line of recorded transitions.

    ``fork`` is how many of them it shares with its ``parent``, and ``why`` the edit that made it.
    """

    __slots__ = ("execution", "fork", "name", "parent", "why")

    def __init__(
        self, name: str, execution: Recording, parent: str | None = None, fork: int = 0, why: str = ""
    ) -> None:
        self.name, self.execution = name, execution
        self.parent, self.fork, self.why = parent, fork, why

    @property
    def length(self) -> int:
        """How many transitions are recorded on it, those before its fork included."""
        return self.execution.length

    def copy(self) -> Branch:
        """The same branch with an execution of its own."""
        return self.with_execution(self.execution.fork())

    def with_execution(self, execution: Recording) -> Branch:
        """The same branch over another execution."""
        return Branch(self.name, execution, self.parent, self.fork, self.why)

    def __repr__(self) -> str:
        origin = f" from {self.parent!r} at {self.fork}: {self.why}" if self.parent else ""
        return f"<Branch {self.name!r}, {self.length} transitions{origin}>"


class Branches(Part):
    """The branches of a debugging session, oldest first; the first is "main".

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> Branches(Recording.of(machine.start())).names
    ['main']
    """

    __slots__ = ("_branches", "_current")

    def __init__(self, execution: Recording) -> None:
        self.__setstate__(([Branch("main", execution)], "main"))

    def __getstate__(self) -> tuple[list[Branch], str]:
        return self._branches, self.current.name

    def __setstate__(self, state: tuple[list[Branch], str]) -> None:
        super().__init__()
        self._branches, current = state
        self._current = self[current]

    @property
    def current(self) -> Branch:
        """The branch that is looked at and goes on; `switch` goes to another."""
        return self._current

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [branch.name for branch in self]

    def add(self, execution: Recording, why: str) -> Branch:
        """Make an execution that was forked off the current branch a branch, and go to it."""
        parent = self.current
        fork = shared(parent.execution.changes, execution.changes)
        branch = Branch(self._new_name(), execution, parent.name, fork, why)
        self._branches.append(branch)
        return self.switch(branch)

    def switch(self, branch: Branch | str) -> Branch:
        """Go to a branch: where it was left."""
        found = self._found(branch)
        if found is not self._current:
            self._current = found
            self.tell()
        return found

    def rename(self, branch: Branch | str, name: str) -> Branch:
        """Give a branch another name, which no other has."""
        found = self._found(branch)
        if type(name) is not str or not name.strip():
            raise UsageError("A branch needs a name: give text.")
        if name != found.name and name in self.names:
            raise UsageError(f"There is a branch {name!r} already.")
        for child in self:
            child.parent = name if child.parent == found.name else child.parent
        found.name = name
        self.tell()
        return found

    def delete(self, branch: Branch | str) -> None:
        """Forget a branch; those that were forked off it stay whole.

        The first branch stays, and so does the current one: go to another before.
        """
        found = self._found(branch)
        if found is self._branches[0]:
            raise UsageError(f"{found.name!r} is the first branch: it stays. debugger.reset() begins anew.")
        if found is self.current:
            raise UsageError(f"{found.name!r} is the current branch: switch to another one first.")
        for child in self:
            if child.parent == found.name:
                child.parent, child.fork = found.parent, min(child.fork, found.fork)
        self._branches.remove(found)
        self.tell()

    @classmethod
    def of(cls, branches: Sequence[Branch], current: str) -> Branches:
        """Branches that were made elsewhere, the first one first."""
        made = cls.__new__(cls)
        made.__setstate__((list(branches), current))
        return made

    def copy(self) -> Branches:
        """The same branches, independent of these."""
        return Branches.of([branch.copy() for branch in self], self.current.name)

    def _found(self, branch: Branch | str) -> Branch:
        return self[branch.name if isinstance(branch, Branch) else branch]

    def _new_name(self) -> str:
        numbers = range(len(self._branches), 2 * len(self._branches) + 1)
        return next(name for number in numbers if (name := f"branch {number}") not in self.names)

    def __getitem__(self, key: str | int) -> Branch:
        if isinstance(key, int) and -len(self) <= key < len(self):
            return self._branches[key]
        for branch in self:
            if branch.name == key:
                return branch
        raise UsageError(f"There is no branch {key!r}. {did_you_mean(key, self.names, 'The branches are')}")

    def __iter__(self) -> Iterator[Branch]:
        return iter(self._branches)

    def __len__(self) -> int:
        return len(self._branches)

    def __contains__(self, key: Any) -> bool:
        return key in self.names or any(branch is key for branch in self)

    def _children(self, parent: str | None) -> list[Branch]:
        return [branch for branch in self if branch.parent == parent]

    def __repr__(self) -> str:
        return "\n".join(self._lines(None, 0))

    def _lines(self, parent: str | None, depth: int) -> Iterator[str]:
        """The tree as text: each branch below the one that it was forked off."""
        for branch in self._children(parent):
            mark = "*" if branch is self.current else " "
            yield f"{mark} {'   ' * depth}{branch!r}"
            yield from self._lines(branch.name, depth + 1)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return displayed(repr(self), self._list(None))

    def _list(self, parent: str | None) -> str:
        rows = "".join(
            f"<li{' aria-current=true' if branch is self.current else ''}>{_told(branch, self.current)}"
            f"{self._list(branch.name)}</li>"
            for branch in self._children(parent)
        )
        return f"<ul>{rows}</ul>" if rows else ""


def _told(branch: Branch, current: Branch) -> str:
    name = escape(branch.name)
    origin = f", from {branch.fork}: {escape(branch.why)}" if branch.parent else ""
    shown = f"<b>{name}</b>" if branch is current else name
    execution = branch.execution
    return f"{shown} ({execution.status} at {execution.cursor} of {branch.length} transitions{origin})"


def shared(one: Sequence[Change], other: Sequence[Change]) -> int:
    """How many changes two lists have in common at their beginning."""
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left is not right:
            return number
    return min(len(one), len(other))
