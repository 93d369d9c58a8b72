"""Child executions and Map Runs, read from the changes of the execution that started them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfnbook.clock import iso
from sfnbook.frames import OVER, TOP, Change, Fan, Frame, Halted, MapRun, Stopping, failure_in
from sfnbook.history import events_of
from sfnbook.values import Json, copied

if TYPE_CHECKING:
    from sfnbook.execution import Execution
    from sfnbook.transition import Transition


class ChildExecution:
    """An execution that another one started: a nested workflow, or a child of a Distributed Map."""

    def __init__(self, execution: Execution, changes: list[tuple[int, Change]]) -> None:
        self._execution, self._changes = execution, changes
        self._identity = changes[0][1].frame.scope.execution

    @property
    def _last(self) -> Frame:
        """Its top-level frame as it stands, or last stood."""
        key = self._identity.key
        written = (change.frame for _, change in reversed(self._changes) if change.frame.id == key)
        return self._execution._frames.get(key) or next(written)

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
        return [self._execution._shown(change, number) for number, change in self._changes]

    def history(self) -> list[dict[str, Any]]:
        """Its own events, numbered from 1."""
        programs = self._execution._setup.programs
        return [event for _, change in self._changes for event in events_of(change, programs)]

    def __repr__(self) -> str:
        return f"<ChildExecution {self.path} {self.status}>"


def children(self: Execution) -> list[ChildExecution]:
    """The executions that this one started, in the order of their start."""
    self._settle()
    by_key: dict[Any, list[tuple[int, Change]]] = {}
    for number, change in enumerate(self._changes[: self._cursor]):
        key = change.frame.scope.execution.key
        if key != TOP and change.frame.phase != "birth":
            by_key.setdefault(key, []).append((number, change))
    return [ChildExecution(self, changes) for changes in by_key.values()]


def map_runs(self: Execution) -> list[dict[str, Any]]:
    """The Map Runs so far, each as DescribeMapRun shows it."""
    self._settle()
    found: dict[str, tuple[Fan, Frame, int]] = {}
    for change in self._changes[: self._cursor]:
        for frame in (change.after, *(pair[1] for pair in change.others)):
            fan = None if frame is None else _fan(frame)
            if fan is not None and fan.run is not None and frame is not None:
                found[fan.run.arn] = (fan, frame, change.time)
        if change.kind == "FanOutSucceeded" and change.before is not None and change.after is not None:
            fan = _fan(change.before)
            if fan is not None and fan.run is not None:
                found[fan.run.arn] = (fan, change.after, change.time)
    return [_described(fan, frame, time) for fan, frame, time in found.values()]


def _fan(frame: Frame) -> Fan | None:
    work = frame.work.fan if isinstance(frame.work, (Stopping, Halted)) else frame.work
    return work if isinstance(work, Fan) else None


def _described(fan: Fan, frame: Frame, time: int) -> dict[str, Any]:
    run = fan.run
    assert isinstance(run, MapRun)  # noqa: S101 - only Map Runs are described
    work = frame.work
    status = "RUNNING"
    if not isinstance(work, (Fan, Stopping)):
        status = "FAILED" if isinstance(work, Halted) else "SUCCEEDED"
    elif isinstance(work, Stopping):
        status = "FAILED"
    counts = _counts(fan)
    described: dict[str, Any] = {
        "mapRunArn": run.arn,
        "executionArn": frame.scope.execution.arn,
        "status": status,
        "startDate": iso(run.started),
        "maxConcurrency": run.max_concurrency,
        "toleratedFailureCount": run.tolerated_count,
        "toleratedFailurePercentage": run.tolerated_percentage,
        "itemCounts": {**counts, "total": run.total},
        "executionCounts": {**counts, "total": fan.length},
        "redriveCount": 0,
    }
    if status != "RUNNING":
        described["stopDate"] = iso(time)
    return described


def _counts(fan: Fan) -> dict[str, int]:
    succeeded = fan.started - fan.running - fan.failed
    return {
        "pending": fan.length - fan.started,
        "running": fan.running,
        "succeeded": succeeded,
        "failed": fan.failed,
        "timedOut": 0,
        "aborted": 0,
        "resultsWritten": 0,
    }
