"""The iterations of one run of a Map, one by one: which failed, which was slow, where a value went.

Computed from the changes when somebody asks: one pass, some 20 ms for ten thousand iterations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import seconds
from sfnbook.frames import OVER
from sfnbook.values import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfnbook.frames import Change, Frame, FrameId
    from sfnbook.values import Json


class Iteration(NamedTuple):
    """One iteration or branch: its input, how it stands, virtual seconds so far, retries inside it."""

    index: int  # type: ignore[assignment] # hides tuple.index
    value: Json
    status: str = "RUNNING"
    seconds: float = 0.0
    retries: int = 0

    def __str__(self) -> str:
        retries = f", {self.retries} retries" if self.retries else ""
        return f"[{self.index}] {self.status}, {self.seconds:g} s{retries}"


def iterations(changes: Sequence[Change], cursor: int, run: int) -> list[Iteration]:
    """The iterations that the fan-out with this number has started, up to the cursor, by index.

    >>> import sfnbook
    >>> inner = {"StartAt": "W", "States": {"W": {"Type": "Wait", "SecondsPath": "$", "End": True}}}
    >>> each = {"Type": "Map", "ItemProcessor": inner, "End": True}
    >>> execution = sfnbook.load({"StartAt": "M", "States": {"M": each}}).start([3, 5]).run()
    >>> [str(one) for one in iterations(execution.changes, len(execution.changes), 2)]
    ['[0] SUCCEEDED, 3 s', '[1] SUCCEEDED, 5 s']
    """
    found = _Found(run)
    for number in range(run, cursor):
        change = changes[number]
        found.see(change, change.before, change.after)
        if change.kind != "FanOutSucceeded":
            for before, after in change.others:
                found.see(change, before, after)
        if change.kind == "RetryScheduled":
            found.retried(change.frame)
    now = changes[cursor - 1].time if cursor else 0
    return [found.iteration(index, now) for index in sorted(found.began)]


class _Found:
    """What a pass over the changes has gathered, by index."""

    def __init__(self, run: int) -> None:
        self.run = run
        self.began: dict[int, tuple[int, Json]] = {}
        self.ended: dict[int, tuple[int, str]] = {}
        self.retries: dict[int, int] = {}
        self.owners: dict[FrameId, int] = {}  # of the frames inside: the iteration that they belong to

    def see(self, change: Change, before: Frame | None, after: Frame | None) -> None:
        if after is None:
            return
        run, index = after.id
        if run != self.run:
            if (
                before is None
                and after.scope.parent is not None
                and (owner := self._owner(after)) is not None
            ):
                self.owners[after.id] = owner
        elif before is None:
            self.began[index] = (change.time, after.data)
        elif after.phase in OVER and index in self.began:
            self.ended[index] = (change.time, after.phase)

    def retried(self, frame: Frame) -> None:
        owner = frame.id[1] if frame.id[0] == self.run else self.owners.get(frame.id)
        if owner is not None:
            self.retries[owner] = self.retries.get(owner, 0) + 1

    def _owner(self, frame: Frame) -> int | None:
        parent = frame.scope.parent
        assert parent is not None  # noqa: S101 - the caller asked
        return parent[1] if parent[0] == self.run else self.owners.get(parent)

    def iteration(self, index: int, now: int) -> Iteration:
        began, value = self.began[index]
        ended, status = self.ended.get(index, (now, "RUNNING"))
        return Iteration(index, value, status, seconds(ended - began), self.retries.get(index, 0))


def _failed(found: list[Iteration]) -> list[Iteration]:
    return [one for one in found if one.status in {"FAILED", "TIMED_OUT"}]


def _slowest(found: list[Iteration]) -> list[Iteration]:
    return sorted(found, key=lambda one: -one.seconds)


def _retried(found: list[Iteration]) -> list[Iteration]:
    return sorted((one for one in found if one.retries), key=lambda one: -one.retries)


PICKS: Final[dict[str, Callable[[list[Iteration]], list[Iteration]]]] = {
    "failed": _failed,
    "slowest": _slowest,
    "retried": _retried,
}
"""Ways to pick iterations, the most interesting first."""


def matching(found: list[Iteration], wanted: str) -> list[Iteration]:
    """Those with this index; without such an index, those whose input has this text.

    >>> both = [Iteration(0, {"id": "x-7"}), Iteration(1, {"id": "x-8"})]
    >>> [one.index for one in matching(both, "1")], [one.index for one in matching(both, "X-7")]
    ([1], [0])
    """
    wanted = wanted.strip()
    by_index = [one for one in found if str(one.index) == wanted]
    if by_index or not wanted:
        return by_index
    return [one for one in found if wanted.casefold() in _searched(one.value)]


def _searched(value: Any) -> str:
    return (value if isinstance(value, str) else text(value)).casefold()
