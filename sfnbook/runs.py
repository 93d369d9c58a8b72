"""Child executions and Map Runs, read from the changes of the execution that started them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import iso
from sfnbook.frames import (
    BIRTH,
    OVER,
    TOP,
    Change,
    Fan,
    Frame,
    FrameId,
    Halted,
    MapRun,
    Stopping,
    failure_in,
)
from sfnbook.history import events_of
from sfnbook.transition import Transition
from sfnbook.values import Json, copied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfnbook.timeline import Timeline


class ChildExecution:
    """An execution that another one started: a nested workflow, or a child of a Distributed Map."""

    def __init__(self, timeline: Timeline, changes: list[tuple[int, Change]]) -> None:
        self._timeline, self._changes = timeline, changes
        self._identity = changes[0][1].frame.scope.execution

    @property
    def _last(self) -> Frame:
        """Its top-level frame as it stands, or last stood."""
        key = self._identity.key
        written = (change.frame for _, change in reversed(self._changes) if change.frame.id == key)
        return self._timeline.frames.get(key) or next(written)

    @property
    def name(self) -> str:
        """The execution's name."""
        return self._identity.name

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        return self._identity.arn

    @property
    def path(self) -> str:
        """Where it was started: "Orders[3]" or "Child"."""
        return self._last.scope.prefix.rstrip("./")

    @property
    def input(self) -> Json:
        """Its input."""
        return copied(self._identity.input)

    @property
    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return self._last.phase if self._last.phase in OVER else "RUNNING"

    @property
    def output(self) -> Json:
        """Its output, if it succeeded."""
        return copied(self._last.data) if self.status == "SUCCEEDED" else None

    @property
    def error(self) -> str | None:
        """The error name, if it failed."""
        failure = failure_in(self._last.work) if self.status in OVER else None
        return None if failure is None else failure.error

    @property
    def cause(self) -> str | None:
        """The cause, if it failed."""
        failure = failure_in(self._last.work) if self.status in OVER else None
        return None if failure is None else failure.cause

    @property
    def transitions(self) -> list[Transition]:
        """Its own transitions."""
        return [Transition(change, number, self._timeline.origin) for number, change in self._changes]

    def history(self) -> list[dict[str, Any]]:
        """Its own events, numbered from 1."""
        programs = self._timeline.setup.programs
        return [event for _, change in self._changes for event in events_of(change, programs)]

    def __repr__(self) -> str:
        return f"<ChildExecution {self.path} {self.status}>"


def children(timeline: Timeline) -> list[ChildExecution]:
    """The executions that this one started, in the order of their start."""
    timeline.settle()
    by_key: dict[Any, list[tuple[int, Change]]] = {}
    for number, change in enumerate(timeline.changes[: timeline.cursor]):
        key = change.frame.scope.execution.key
        # A child that was stopped before it started is none.
        if key != TOP and (key in by_key or change.kind == "ExecutionStarted"):
            by_key.setdefault(key, []).append((number, change))
    return [ChildExecution(timeline, changes) for changes in by_key.values()]


def map_runs(timeline: Timeline) -> list[dict[str, Any]]:
    """The Map Runs so far, each as DescribeMapRun shows it."""
    timeline.settle()
    found: dict[str, tuple[Fan, Frame, int]] = {}
    newest: dict[FrameId, Frame] = {}
    redrives: Counter[str] = Counter()
    for change in timeline.changes[: timeline.cursor]:
        for frame in (change.after, *(pair[1] for pair in change.others)):
            if frame is None:
                continue
            newest[frame.id] = frame
            fan = _fan(frame)
            if fan is not None and fan.run is not None:
                found[fan.run.arn] = (fan, frame, change.time)
                redrives[fan.run.arn] += "MapRunRedriven" in change.events
        if change.kind == "FanOutSucceeded" and change.before is not None and change.after is not None:
            fan = _fan(change.before)
            if fan is not None and fan.run is not None:
                found[fan.run.arn] = (fan, change.after, change.time)
    return [
        _described(fan, frame, time, newest) | {"redriveCount": redrives[arn]}
        for arn, (fan, frame, time) in found.items()
    ]


def _fan(frame: Frame) -> Fan | None:
    work = frame.work.fan if isinstance(frame.work, (Stopping, Halted)) else frame.work
    return work if isinstance(work, Fan) else None


def _described(fan: Fan, frame: Frame, time: int, newest: Mapping[FrameId, Frame]) -> dict[str, Any]:
    run = fan.run
    assert isinstance(run, MapRun)  # noqa: S101 - only Map Runs are described
    work = frame.work
    status = "RUNNING"
    if not isinstance(work, (Fan, Stopping)):
        status = "FAILED" if isinstance(work, Halted) else "SUCCEEDED"
    elif isinstance(work, Stopping):
        status = "FAILED"
    statuses = [_status(newest.get((fan.number, index))) for index in range(fan.length)]
    described: dict[str, Any] = {
        "mapRunArn": run.arn,
        "executionArn": frame.scope.execution.arn,
        "status": status,
        "startDate": iso(run.started),
        "maxConcurrency": run.max_concurrency,
        "toleratedFailureCount": run.tolerated_count,
        "toleratedFailurePercentage": run.tolerated_percentage,
        "itemCounts": _counts(statuses, run.batches or [1] * fan.length),
        "executionCounts": _counts(statuses, [1] * fan.length),
    }
    if status != "RUNNING":
        described["stopDate"] = iso(time)
    return described


STATUSES: Final = {
    "PENDING": "pending",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "timedOut",
    "ABORTED": "aborted",
}
"""What DescribeMapRun calls the states of children."""


def _status(child: Frame | None) -> str:
    if child is None or child.phase == BIRTH or getattr(child.work, "phase", None) == BIRTH:
        return "PENDING"
    return child.phase if child.phase in OVER else "RUNNING"


def _counts(statuses: list[str], sizes: Sequence[int]) -> dict[str, int]:
    """How many items, or executions where every size is 1, are in each state."""
    counts = {**dict.fromkeys(STATUSES.values(), 0), "resultsWritten": 0, "total": sum(sizes)}
    for status, items in zip(statuses, sizes, strict=True):
        counts[STATUSES[status]] += items
    return counts
