"""What happened to each state, for the picture: a fold over the changes that can be taken back.

Each frame notes what became of the states that it visited and which ways it took; a state's status
is the most urgent of those notes.  Every note is journaled, so following the cursor costs as much
as the way it went, forwards or backwards, whatever the length of the history.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from sfnbook.drawing.layout import END_POINTER
from sfnbook.frames import (
    ABORTED,
    AWAITING,
    BIRTH,
    DEADLINE,
    ENDED,
    ENTER,
    EXPIRING,
    FAILED,
    FAILED_FOR_GOOD,
    OVER,
    QUEUED,
    RETRYING,
    STOPPING,
    SUCCEEDED,
    TIMED_OUT,
    WAITING,
    Change,
    Frame,
    FrameId,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sfnbook.frames import Fan

URGENCY: Final = (
    "current", "retrying", "waiting", "failed", "caught", "aborted", "cancelled", "succeeded",
)  # fmt: skip
"""Which status a state shows that several iterations have visited; names of `theme.STATUSES`."""

LIVE: Final = frozenset({"current", "retrying", "waiting"})

_OF_PHASE: Final[dict[str, str | None]] = {
    WAITING: "waiting",
    AWAITING: "waiting",
    QUEUED: "waiting",
    EXPIRING: "waiting",
    RETRYING: "retrying",
    FAILED: "failed",
    STOPPING: "failed",
    FAILED_FOR_GOOD: "failed",
    TIMED_OUT: "failed",
    ABORTED: "cancelled",
    ENDED: None,
    SUCCEEDED: None,
}
"""What a frame's phase says of the state it stands at; None: what was said when it was left.

A phase that is not named here is "current".
"""

_BETWEEN: Final = frozenset({BIRTH, ENTER, ENDED})
_LEFT: Final = {"StateExited": "succeeded", "Caught": "caught"}
_ITERATION: Final = {
    SUCCEEDED: "succeeded",
    FAILED_FOR_GOOD: "failed",
    ABORTED: "aborted",
    TIMED_OUT: "aborted",
}
_PROCESSORS: Final = frozenset({"ItemProcessor", "Iterator"})
_FINISHED: Final = ("succeeded", "failed", "aborted")

STATE: Final = "state"  # by pointer: its status
CHILD: Final = "child"  # by pointer of a Map or Parallel: what became of an iteration or branch
LENGTH: Final = "length"  # by pointer of a Map or Parallel: how many iterations or branches it has
ATTEMPT: Final = "attempt"  # by pointer: the attempt, from the second on
WAY: Final = "way"  # by `Way`: taken
_SORTS: Final = (STATE, CHILD, LENGTH, ATTEMPT, WAY)


class Way(NamedTuple):
    """An edge of the picture, as `layout.EdgePath` names its ends; ``caught`` is a Catch's."""

    source: str
    target: str
    caught: bool = False


class Marks(NamedTuple):
    """What the picture shows of an execution.

    ``status`` is by pointer, a name of `theme.STATUSES`; ``notes`` are short texts by pointer (the
    attempt, how many iterations are done); ``taken`` are the ways that were taken.
    """

    status: Mapping[str, str] = {}
    notes: Mapping[str, str] = {}
    taken: frozenset[Way] = frozenset()


class Statuses:
    """The statuses of the states of the main machine, following a list of changes.

    >>> import sfnbook
    >>> from sfnbook.debugging.branches import Recording
    >>> states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}
    >>> machine = sfnbook.load({"StartAt": "A", "States": states})
    >>> recording = Recording.of(machine.start().run(until="B"))
    >>> Statuses().follow(recording.changes, recording.cursor).states()
    {'/States/A': 'succeeded', '/States/B': 'current'}
    """

    __slots__ = ("_counts", "_done", "_journal", "_latest", "_lengths", "_notes", "_runs")

    def __init__(self) -> None:
        self._done: list[Change] = []
        self._journal: list[list[tuple[dict[Any, Any], Any, Any]]] = []
        self._notes: dict[FrameId, dict[tuple[str, Any], Any]] = {}
        self._counts: dict[str, dict[Any, dict[Any, int]]] = {sort: {} for sort in _SORTS}
        self._runs: dict[FrameId, dict[str, int]] = {}  # the latest fan-out of a frame at a pointer
        self._latest: dict[str, int] = {}  # the latest fan-out of any frame at a pointer
        self._lengths: dict[int, int] = {}  # the children that a fan-out ever had; never taken back

    def follow(self, changes: Sequence[Change], cursor: int) -> Self:
        """Stand after the first ``cursor`` changes: back to where they part from those before, then on."""
        done = self._done
        keep = min(len(done), cursor)
        # Branches share the changes before their fork, so one identical pair says all.
        while keep and done[keep - 1] is not changes[keep - 1]:
            keep -= 1
        del done[keep:]
        while len(self._journal) > keep:  # an interrupt may have left one more than is done
            for mapping, key, old in reversed(self._journal[-1]):
                _put(mapping, key, old)
            self._journal.pop()
        for number in range(keep, cursor):
            self._journal.append([])
            self._note(changes[number])
            done.append(changes[number])
        return self

    def states(self) -> dict[str, str]:
        """The status of every state that something happened to, by pointer."""
        return _most_urgent(self._counts[STATE])

    def iterations(self) -> dict[str, dict[str, int]]:
        """How many iterations or branches are "running", "succeeded", "failed" or "aborted", by pointer."""
        return {pointer: dict(counts) for pointer, counts in self._counts[CHILD].items() if counts}

    def marks(self) -> Marks:
        """All that the picture shows."""
        return _marks(self._counts)

    def run_at(self, pointer: str) -> int | None:
        """The number of the latest fan-out of a Map or Parallel: its children are (number, index)."""
        return self._latest.get(pointer)

    def child(self, run: int, index: int) -> str | None:
        """What became of one iteration or branch: "running", "succeeded", "failed", "aborted" or None."""
        notes = self._notes.get((run, index), {})
        return next((value for (sort, _), value in notes.items() if sort == CHILD), None)

    def marks_of(self, run: int, index: int) -> Marks:
        """What happened in one iteration or branch alone."""
        counts: dict[str, dict[Any, dict[Any, int]]] = {sort: {} for sort in _SORTS}
        for frame in self._below((run, index)):
            for (sort, key), value in self._notes.get(frame, {}).items():
                # That it ended is a note of the iteration, but about the Map around it.
                if sort != CHILD or frame != (run, index):
                    counts[sort].setdefault(key, Counter())[value] += 1
        return _marks(counts)

    def _below(self, frame: FrameId) -> Iterator[FrameId]:
        yield frame
        for run in self._runs.get(frame, {}).values():
            for index in range(self._lengths.get(run, 0)):
                yield from self._below((run, index))

    # --- one change -------------------------------------------------------------------------------
    def _note(self, change: Change) -> None:
        kind, before, after = change.kind, change.before, change.after
        if kind == "ExecutionStarted" and after is not None:
            self._go(after, _start(after.state))
        elif before is not None and before.id[0] >= 0 and before.scope.execution.machine == "main":
            self._note_kind(kind, before, after)
        self._see(before, after, kind)
        if kind != "FanOutSucceeded":  # its children go, and stay in the picture as they ended
            for old, new in change.others:
                self._see(old, new, kind)

    def _note_kind(self, kind: str, before: Frame, after: Frame | None) -> None:
        frame, pointer = before.id, before.state
        if kind in _LEFT:
            self._say(frame, STATE, pointer, _LEFT[kind])
            self._leave(before, after, kind == "Caught")
        elif kind in {"StateEntered", "RetryScheduled"}:
            self._forget_run(frame, pointer)
            retries = 0 if after is None else after.visit.retries
            self._say(frame, ATTEMPT, pointer, retries + 1 if retries else None)
        elif kind == "FanOutStarted" and after is not None:
            run: Fan = after.work  # a Distributed Map starts twice: itself, then its Map Run
            self._write(self._runs.setdefault(frame, {}), pointer, run.number)
            self._write(self._latest, pointer, run.number)
            self._say(frame, LENGTH, pointer, run.length)

    def _leave(self, before: Frame, after: Frame | None, caught: bool) -> None:
        if after is not None and after.phase == ENTER:
            self._go(before, Way(before.state, after.state, caught))
        elif after is not None and after.phase == ENDED and before.scope.parent is None:
            self._go(before, Way(before.state, END_POINTER))

    def _go(self, frame: Frame, way: Way) -> None:
        if frame.scope.execution.machine == "main":
            self._say(frame.id, WAY, way, "taken")

    def _see(self, old: Frame | None, new: Frame | None, kind: str) -> None:
        if new is None or new.id[0] < 0 or new.scope.execution.machine != "main":
            return
        if new.phase == DEADLINE or (old is not None and old.phase == DEADLINE):
            return
        if new.scope.parent is not None and (old is None or new.phase in OVER):
            self._count(old, new)
        status = _OF_PHASE.get(new.phase, "current")
        if status is None:
            return
        if new.phase not in OVER or old is None or old.phase not in _BETWEEN:
            ended = new.phase == ABORTED and kind == "ExecutionAborted"
            timed_out = new.phase == TIMED_OUT and new.scope.parent
            self._say(new.id, STATE, new.state, "aborted" if ended or timed_out else status)
        elif old.phase != ENDED:
            self._say(new.id, STATE, new.state, None)  # stopped before it entered the state

    def _count(self, old: Frame | None, child: Frame) -> None:
        run, index = child.id
        self._lengths[run] = max(self._lengths.get(run, 0), index + 1)
        self._say(child.id, CHILD, container_of(child.state), _ITERATION.get(child.phase, "running"))
        if old is None:
            self._go(child, _start(child.state))

    # --- notes ------------------------------------------------------------------------------------
    def _say(self, frame: FrameId, sort: str, key: Any, value: Any) -> None:
        notes = self._notes.setdefault(frame, {})
        old = notes.get((sort, key))
        if old == value:
            return
        self._write(notes, (sort, key), value)
        counts = self._counts[sort].setdefault(key, {})
        if old is not None:
            self._write(counts, old, counts[old] - 1 or None)
        if value is not None:
            self._write(counts, value, counts.get(value, 0) + 1)

    def _forget_run(self, frame: FrameId, pointer: str) -> None:
        """A Map or Parallel begins anew: what its children did is no longer shown."""
        run = self._runs.get(frame, {}).get(pointer)
        if run is not None:
            self._say(frame, LENGTH, pointer, None)
            for index in range(self._lengths.get(run, 0)):
                self._forget((run, index))

    def _forget(self, frame: FrameId) -> None:
        for pointer in tuple(self._runs.get(frame, ())):
            self._forget_run(frame, pointer)
        for sort, key in tuple(self._notes.get(frame, ())):
            self._say(frame, sort, key, None)

    def _write(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        self._journal[-1].append((mapping, key, mapping.get(key)))
        _put(mapping, key, value)


def _put(mapping: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


def _start(pointer: str) -> Way:
    """The way into a block, to the state that it begins with."""
    return Way(f"{pointer.rpartition('/States/')[0]}/StartAt", pointer)


def _marks(counts: Mapping[str, Mapping[Any, Mapping[Any, int]]]) -> Marks:
    notes = {pointer: f"attempt {max(attempts)}" for pointer, attempts in counts[ATTEMPT].items() if attempts}
    for pointer, lengths in counts[LENGTH].items():
        if lengths:
            total = sum(length * count for length, count in lengths.items())
            notes[pointer] = _progress(total, counts[CHILD].get(pointer, {}))
    taken = frozenset(way for way, found in counts[WAY].items() if found)
    return Marks(_most_urgent(counts[STATE]), notes, taken)


def _progress(total: int, children: Mapping[str, int]) -> str:
    """How far a Map or Parallel is.

    >>> _progress(100, {"running": 40, "succeeded": 35, "failed": 2})
    '37 of 100, 2 failed'
    """
    done = sum(children.get(status, 0) for status in _FINISHED)
    failed = children.get("failed", 0)
    return f"{done:,} of {total:,}" + (f", {failed:,} failed" if failed else "")


def _most_urgent(states: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    shown: dict[str, str] = {
        pointer: next(status for status in URGENCY if status in counts)
        for pointer, counts in states.items()
        if counts
    }
    _aggregate(shown)
    return shown


def _aggregate(shown: dict[str, str]) -> None:
    """A Map or Parallel at work waits or retries when all that is at work inside does."""
    inside: dict[str, set[str]] = {}
    live = [pointer for pointer, status in shown.items() if status in LIVE]
    for pointer in sorted(live, key=len, reverse=True):
        if shown[pointer] == "current" and pointer in inside:
            shown[pointer] = next(status for status in URGENCY if status in inside[pointer])
        inside.setdefault(container_of(pointer), set()).add(shown[pointer])


def container_of(pointer: str) -> str:
    """The pointer of the Map or Parallel around a state, "" at the top.

    >>> container_of("/States/Both/Branches/0/States/Left"), container_of("/States/A")
    ('/States/Both', '')
    """
    around, _, last = pointer.rpartition("/States/")[0].rpartition("/")
    return around if last in _PROCESSORS else around.removesuffix("/Branches")
