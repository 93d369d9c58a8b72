"""What happened to each state, for the picture: a fold over the changes that can be taken back.

Each frame notes, by pointer, what became of the states that it visited; a state's status is the
most urgent of those notes.  Every note is journaled, so following the cursor costs as much
as the way it went, forwards or backwards, whatever the length of the history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

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
    WORLD,
    Change,
    Frame,
    FrameId,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfnbook.frames import Fan

URGENCY: Final = ("current", "retrying", "waiting", "failed", "caught", "aborted", "succeeded")
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
    ABORTED: "aborted",
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
_COUNTED: Final = "#"  # after a Map's pointer: the notes on its iterations; no pointer ends so inside a block


class Statuses:
    """The statuses of the states of the main machine, following a list of changes.

    >>> import sfnbook
    >>> from sfnbook.branches import Recording
    >>> states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}
    >>> machine = sfnbook.load({"StartAt": "A", "States": states})
    >>> recording = Recording.of(machine.start().run(until="B"))
    >>> Statuses().follow(recording.changes, recording.cursor).states()
    {'/States/A': 'succeeded', '/States/B': 'current'}
    """

    __slots__ = ("_counts", "_done", "_journal", "_lengths", "_notes", "_runs")

    def __init__(self) -> None:
        self._done: list[Change] = []
        self._journal: list[list[tuple[dict[Any, Any], Any, Any]]] = []
        self._notes: dict[FrameId, dict[str, str]] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._runs: dict[FrameId, dict[str, int]] = {}  # the latest fan-out of a frame at a pointer
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
        shown: dict[str, str] = {
            pointer: next(status for status in URGENCY if status in counts)
            for pointer, counts in self._counts.items()
            if counts and not pointer.endswith(_COUNTED)
        }
        _aggregate(shown)
        return shown

    def iterations(self) -> dict[str, dict[str, int]]:
        """How many iterations of each Map are "running", "succeeded", "failed" or "aborted"."""
        return {
            pointer.removesuffix(_COUNTED): dict(counts)
            for pointer, counts in self._counts.items()
            if counts and pointer.endswith(_COUNTED)
        }

    # --- one change -------------------------------------------------------------------------------
    def _note(self, change: Change) -> None:
        kind, before = change.kind, change.before
        if before is not None and before.id != WORLD:
            if kind in _LEFT:
                self._set(before, _LEFT[kind])
            elif kind in {"StateEntered", "RetryScheduled"}:
                self._forget_run(before.id, before.state)
            elif kind == "FanOutStarted" and change.after is not None:
                run: Fan = change.after.work  # a Distributed Map starts twice: itself, then its Map Run
                self._write(self._runs.setdefault(before.id, {}), before.state, run.number)
        self._see(before, change.after)
        if kind != "FanOutSucceeded":  # its children go, and stay in the picture as they ended
            for old, new in change.others:
                self._see(old, new)

    def _see(self, old: Frame | None, new: Frame | None) -> None:
        if new is None or new.id[0] < 0 or new.scope.execution.machine != "main":
            return
        if new.phase == DEADLINE or (old is not None and old.phase == DEADLINE):
            return
        if new.scope.parent is not None and (old is None or new.phase in OVER):
            self._count(new)
        status = _OF_PHASE.get(new.phase, "current")
        if status is None:
            return
        if new.phase not in OVER or old is None or old.phase not in _BETWEEN:
            self._set(new, "aborted" if new.phase == TIMED_OUT and new.scope.parent else status)
        elif old.phase != ENDED:
            self._set(new, None)  # stopped before it entered the state

    def _count(self, child: Frame) -> None:
        run, index = child.id
        self._lengths[run] = max(self._lengths.get(run, 0), index + 1)
        block = child.state.rpartition("/States/")[0]
        container, _, name = block.rpartition("/")
        if name in _PROCESSORS:
            self._say(child.id, container + _COUNTED, _ITERATION.get(child.phase, "running"))

    # --- notes ------------------------------------------------------------------------------------
    def _set(self, frame: Frame, status: str | None) -> None:
        if frame.scope.execution.machine == "main":
            self._say(frame.id, frame.state, status)

    def _say(self, frame: FrameId, pointer: str, status: str | None) -> None:
        notes = self._notes.setdefault(frame, {})
        old = notes.get(pointer)
        if old == status:
            return
        self._write(notes, pointer, status)
        counts = self._counts.setdefault(pointer, {})
        if old is not None:
            self._write(counts, old, counts[old] - 1 or None)
        if status is not None:
            self._write(counts, status, counts.get(status, 0) + 1)

    def _forget_run(self, frame: FrameId, pointer: str) -> None:
        """A Map or Parallel begins anew: what its children did is no longer shown."""
        run = self._runs.get(frame, {}).get(pointer)
        if run is not None:
            for index in range(self._lengths.get(run, 0)):
                self._forget((run, index))

    def _forget(self, frame: FrameId) -> None:
        for pointer in tuple(self._runs.get(frame, ())):
            self._forget_run(frame, pointer)
        for pointer in tuple(self._notes.get(frame, ())):
            self._say(frame, pointer, None)

    def _write(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        self._journal[-1].append((mapping, key, mapping.get(key)))
        _put(mapping, key, value)


def _put(mapping: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


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
