"""Change -> history events: what GetExecutionHistory shows, rendered when someone looks.

Each type of event has one line in `DETAILS`.  Links (previousEventId) follow the recordings: they
are explained where they surprise.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import SECOND, instant
from sfnbook.errors import TIMEOUT
from sfnbook.frames import (
    WORLD,
    Awaiting,
    Change,
    Failure,
    Fan,
    Frame,
    Running,
    Scheduled,
    Submitting,
    failure_in,
    task_in,
)
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.program import Program

REGION: Final = "us-east-1"


class Subject(NamedTuple):
    """What an event is about: the frame before and after the change, and its compiled state."""

    change: Change
    before: Frame
    after: Frame
    state: Any
    container: Any = None  # the compiled Map or Parallel around it


def events_of(change: Change, programs: Mapping[str, Program]) -> list[dict[str, Any]]:
    """The history events of one change, oldest first."""
    if not change.events:
        return []
    subject = _subject(change, programs)
    timestamp = instant(change.time).isoformat(timespec="milliseconds")
    link = subject.before.event if change.before is not None else change.frame.event
    rendered = []
    for number, kind in enumerate(change.events, change.first):
        previous = LINKS[kind](subject, link) if kind in LINKS else link
        event: dict[str, Any] = {
            "timestamp": timestamp, "type": kind, "id": number, "previousEventId": previous,
        }  # fmt: skip
        name, details = _details(kind, subject)
        if details is not None:
            event[name] = details
        rendered.append(event)
        if kind in CHAINED:
            link = number
    return rendered


def _subject(change: Change, programs: Mapping[str, Program]) -> Subject:
    before, after = change.before or change.after, change.after or change.before
    assert before is not None and after is not None  # noqa: S101, PT018 - a change has one side
    container = None
    if change.kind in {"FanOutFailed", "Aborted", "IterationStarted", "IterationSucceeded"}:
        parent, around = change.others[0][0], before
        if change.kind == "FanOutFailed":
            child, stopped = change.others[0]
            assert child is not None and stopped is not None  # noqa: S101, PT018 - a child that failed
            parent, before, after = around, child, stopped
        assert parent is not None  # noqa: S101 - a child has a parent
        container = programs[parent.scope.execution.machine].states[parent.state]
    state = programs[before.scope.execution.machine].states[before.state]
    return Subject(change, before, after, state, container)


# --- links ----------------------------------------------------------------------------------------
CHAINED: Final = frozenset(
    {
        "EvaluationFailed",
        "MapStateFailed",
        "ParallelStateFailed",
        "MapRunStarted",
        "MapRunFailed",
        "MapRunSucceeded",
    }
)
"""The later events of the same change point at these; otherwise they stand side by side."""


def _evaluation_link(subject: Subject, link: int) -> int:
    # AWS writes it together with ...StateEntered, and both point at what stood before; later than
    # that (a Wait is entered first, a Task has worked) it points at the latest event, as others do.
    visit = subject.before.visit
    at_once = subject.state.type != "Wait" and subject.before.event == visit.entered
    return visit.before if at_once else link


def _iteration_link(subject: Subject, _link: int) -> int:
    parent = subject.change.others[0][0]
    assert parent is not None  # noqa: S101 - an iteration has a Map
    work = parent.work
    return work.link if isinstance(work, Fan) else parent.event


def _abort_link(subject: Subject, link: int) -> int:
    if subject.change.kind != "Aborted":
        return link
    parent = subject.change.others[0][0]
    return parent.event if parent is not None else link


LINKS: Final[dict[str, Callable[[Subject, int], int]]] = {
    "ExecutionStarted": lambda _subject, _link: 0,
    "ExecutionAborted": lambda _subject, _link: 0,
    "ExecutionTimedOut": lambda _subject, _link: 0,
    "EvaluationFailed": _evaluation_link,
    "MapIterationStarted": _iteration_link,
    "MapIterationAborted": _abort_link,
    **{f"{kind}StateAborted": _abort_link for kind in ("Task", "Wait", "Map", "Parallel")},
}


# --- details --------------------------------------------------------------------------------------
def _details(kind: str, subject: Subject) -> tuple[str, dict[str, Json] | None]:
    if kind in DETAILS:
        return f"{kind[0].lower()}{kind[1:]}EventDetails", DETAILS[kind](subject)
    if kind.endswith("StateEntered"):
        return "stateEnteredEventDetails", _entered(subject)
    if kind.endswith("StateExited"):
        return "stateExitedEventDetails", _exited(subject)
    return "", None


def _entered(subject: Subject) -> dict[str, Json]:
    return {"name": subject.state.name, "input": text(subject.after.data), "inputDetails": _not_truncated()}


def _exited(subject: Subject) -> dict[str, Json]:
    details: dict[str, Json] = {
        "name": subject.state.name, "output": text(subject.after.data), "outputDetails": _not_truncated(),
    }  # fmt: skip
    assigned = getattr(subject.after.work, "assigned", None)
    if assigned:
        details["assignedVariables"] = {name: text(value) for name, value in assigned.items()}
        details["assignedVariablesDetails"] = _not_truncated()
    return details


def task_of(frame: Frame) -> Scheduled:
    """The Task that a frame is at."""
    task = task_in(frame.work)
    assert task is not None  # noqa: S101 - these events are a Task's
    return task


def failure_of(frame: Frame) -> Failure | None:
    """What a frame failed of."""
    return failure_in(frame.work)


def _error(subject: Subject) -> dict[str, Json]:
    failure = failure_of(subject.after) or failure_of(subject.before)
    if failure is None:
        return {}
    shown = {"error": failure.error, "cause": failure.cause}
    return {key: value for key, value in shown.items() if value is not None}


def _not_truncated() -> dict[str, Json]:
    return {"truncated": False}


def _output(subject: Subject) -> dict[str, Json]:
    running: Running = subject.after.work
    return {"output": text(running.result), "outputDetails": _not_truncated()}


def _service(subject: Subject) -> dict[str, Json]:
    resource = subject.state.resource
    return {"resourceType": resource.resource_type, "resource": resource.resource}


def _limits_of(task: Scheduled) -> dict[str, Json]:
    given = {"timeoutInSeconds": task.timeout, "heartbeatInSeconds": task.heartbeat}
    return {name: value // SECOND for name, value in given.items() if value is not None}


def _credentials(task: Scheduled) -> dict[str, Json]:
    return {} if task.role_arn is None else {"taskCredentials": {"roleArn": task.role_arn}}


def _task_scheduled(subject: Subject) -> dict[str, Json]:
    task = task_of(subject.after)
    return {
        **_service(subject),
        "region": REGION,
        "parameters": text(task.arguments),
        **_limits_of(task),
        **_credentials(task),
    }


def _scheduled_with_input(subject: Subject) -> dict[str, Json]:
    task = task_of(subject.after)
    return {
        "resource": subject.state.definition.resource,
        "input": text(task.arguments),
        "inputDetails": _not_truncated(),
        **_limits_of(task),
        **_credentials(task),
    }


def _submitted(subject: Subject) -> dict[str, Json]:
    before = subject.before.work
    submitted = before.running.submitted if isinstance(before, Submitting) else before.submitted
    return {**_service(subject), "output": text(submitted), "outputDetails": _not_truncated()}


def _activity_started(subject: Subject) -> dict[str, Json] | None:
    work = subject.after.work
    worker = work.worker if isinstance(work, Awaiting) else getattr(work, "worker", None)
    return {} if worker is None else {"workerName": worker}


def _iteration(subject: Subject) -> dict[str, Json]:
    return {"name": subject.container.name, "index": subject.before.scope.index}


def _execution_started(subject: Subject) -> dict[str, Json]:
    execution = subject.after.scope.execution
    return {
        "input": text(execution.input), "inputDetails": _not_truncated(), "roleArn": execution.role_arn,
    }  # fmt: skip


def _evaluation_failed(subject: Subject) -> dict[str, Json]:
    failure = failure_of(subject.after) or failure_of(subject.before)
    details = {**_error(subject), "state": subject.state.name}
    if failure is not None and failure.location is not None:
        details["location"] = failure.location
    return details


def _map_run(subject: Subject) -> dict[str, Json]:
    fan: Any = subject.after.work if isinstance(subject.after.work, Fan) else subject.before.work
    return {"mapRunArn": fan.run.arn}


def _redrives(subject: Subject) -> int:
    for _, world in subject.change.others:
        if world is not None and world.id == WORLD:
            count: int = world.work.redrives
            return count
    return 0


DETAILS: Final[dict[str, Callable[[Subject], dict[str, Json] | None]]] = {
    "ExecutionStarted": _execution_started,
    "ExecutionSucceeded": lambda subject: {
        "output": text(subject.after.data),
        "outputDetails": _not_truncated(),
    },
    "ExecutionFailed": _error,
    "ExecutionAborted": _error,
    "ExecutionTimedOut": lambda _subject: {"error": TIMEOUT},
    "ExecutionRedriven": lambda subject: {"redriveCount": _redrives(subject)},
    "MapRunRedriven": lambda subject: {**_map_run(subject), "redriveCount": _redrives(subject)},
    "TaskScheduled": _task_scheduled,
    "TaskStarted": _service,
    "TaskSubmitted": _submitted,
    "TaskSucceeded": lambda subject: {**_service(subject), **_output(subject)},
    "TaskFailed": lambda subject: {**_service(subject), **_error(subject)},
    "TaskTimedOut": lambda subject: {**_service(subject), **_error(subject)},
    "LambdaFunctionScheduled": _scheduled_with_input,
    "LambdaFunctionSucceeded": _output,
    "LambdaFunctionFailed": _error,
    "LambdaFunctionTimedOut": _error,
    "ActivityScheduled": _scheduled_with_input,
    "ActivityStarted": _activity_started,
    "ActivitySucceeded": _output,
    "ActivityFailed": _error,
    "ActivityTimedOut": _error,
    "MapStateStarted": lambda subject: {"length": subject.after.work.length},
    "MapIterationStarted": _iteration,
    "MapIterationSucceeded": _iteration,
    "MapIterationFailed": _iteration,
    "MapIterationAborted": _iteration,
    "MapRunStarted": _map_run,
    "MapRunFailed": _error,
    "EvaluationFailed": _evaluation_failed,
}
