"""What happens to a failure: Retry, then Catch, then one level up.  One change each.

Rules: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfnbook import retry
from sfnbook.clock import microseconds
from sfnbook.errors import DATA_LIMIT_EXCEEDED, QUERY_EVALUATION_ERROR, RUNTIME, Failed
from sfnbook.family import children_gone, container_of, halted, wake
from sfnbook.frames import (
    ENTER,
    FAILED_FOR_GOOD,
    JOINING,
    READING,
    RETRYING,
    STOPPING,
    Change,
    Failure,
    Fan,
    Finished,
    Frame,
    Left,
    Stopping,
    Visit,
)
from sfnbook.values import exceeds, size

if TYPE_CHECKING:
    from sfnbook.program import Compiled, CompiledCatcher
    from sfnbook.scene import Scene
    from sfnbook.values import Json

_new = tuple.__new__  # see decide

CONTAINERS = frozenset({"Map", "Parallel"})

SUCCEEDED = ("ExecutionSucceeded",)


def failure_of(problem: Failed, state: Compiled, frame: Frame) -> Failure:
    """An evaluation that failed, as a value, with the words that AWS puts in front of the cause.

    A state under test was entered by no event: TestState gives the bare cause.
    """
    cause = problem.cause
    if problem.prefixed and cause is not None and frame.visit.entered:
        cause = (
            f"An error occurred while executing the state '{state.name}' "
            f"(entered at the event id #{frame.visit.entered}). {cause}"
        )
    evaluation = problem.error == QUERY_EVALUATION_ERROR
    return Failure(problem.error, cause, state.pointer, problem.location, evaluation)


def too_large(value: Json, name: str, stage: str, state: Compiled, limit: int) -> Failure | None:
    """The failure of a payload over the limit; ``name`` is what AWS calls the culprit."""
    if not exceeds(value, limit):
        return None
    cause = (
        f"The state/task '{name}' returned a result with a size exceeding the maximum number of "
        "bytes service limit."
    )
    return Failure(DATA_LIMIT_EXCEEDED, cause, state.pointer, limit=(stage, size(value)))


def resolve(state: Compiled, frame: Frame, scene: Scene, failure: Failure) -> Change:
    """Ask Retry, then Catch; what neither takes goes up."""
    if failure.error != RUNTIME:
        index = retry.first_match(state.retry, failure.error, failure.heartbeat)
        if index is not None and uses(frame, index) < state.retry[index].max_attempts:
            return _retried(state, frame, scene, failure, index)
        definitions = [catcher.definition for catcher in state.catch]
        index = retry.first_match(definitions, failure.error, failure.heartbeat)
        if index is not None:
            return _caught(state, frame, scene, failure, index)
    return climb(state, frame, scene, failure)


def uses(frame: Frame, index: int) -> int:
    """How often a retrier was used in this visit of the state."""
    return frame.visit.used[index] if frame.visit.used else 0


def _retried(state: Compiled, frame: Frame, scene: Scene, failure: Failure, index: int) -> Change:
    retrier = state.retry[index]
    own, scope, pointer, _, data, variables, visit, _, event, _ = frame
    number, time, before, entered, retries, used, counts = visit
    if failure.backoff is None and state.backoff is not None:
        failure = failure._replace(backoff=state.backoff(frame, failure))
    delay = failure.backoff
    if delay is None:
        bits = scene.draw_bits("jitter") if retrier.jitter_strategy == "FULL" else 0
        delay = microseconds(retry.delay(retrier, uses(frame, index), bits))
    used = retry.count_use(used, index, len(state.retry))
    visit = _new(Visit, (number, time, before, entered, retries + 1, used, counts))
    events = events_of_failing(state, frame, failure)
    first, now = scene.first, scene.now
    if events:
        # AWS: a Map or Parallel that is retried does not write that it failed.
        events = tuple(event for event in events if not event.endswith("StateFailed"))
        event = first + len(events) - 1 if events else event
    values = (own, scope, pointer, RETRYING, data, variables, visit, now + delay, event, failure)
    after = _new(Frame, values)
    return _new(Change, ("RetryScheduled", now, frame, after, children_gone(frame, scene), first, events))


def _caught(state: Compiled, frame: Frame, scene: Scene, failure: Failure, index: int) -> Change:
    catcher: CompiledCatcher = state.catch[index]
    error_output = error_output_of(failure)
    try:
        output = catcher.after(error_output, frame.data, scene)
        assigned = catcher.assign(error_output, frame.data, scene) if catcher.assign else {}
    except Failed as problem:
        return climb(state, frame, scene, failure_of(problem, state, frame))
    if (large := too_large(output, state.name, "catch", state, scene.payload_bytes)) is not None:
        return climb(state, frame, scene, large)
    events = (*events_of_failing(state, frame, failure), f"{state.type}StateExited")
    first = scene.next_event(frame)
    after = frame._replace(
        state=catcher.next,
        phase=ENTER,
        data=output,
        variables={**frame.variables, **assigned} if assigned else frame.variables,
        due=scene.now,
        event=first + len(events) - 1,
        work=Left(assigned, index, failure),
    )
    return Change("Caught", scene.now, frame, after, children_gone(frame, scene), first, events)


def error_output_of(failure: Failure) -> dict[str, Json]:
    """The Error Output: a nameless failure has nulls, an error without a cause an empty one."""
    cause = failure.cause if failure.cause is not None or failure.error is None else ""
    return {"Error": failure.error, "Cause": cause}


def events_of_failing(state: Compiled, frame: Frame, failure: Failure) -> tuple[str, ...]:
    """The events with which a state itself fails, before what its failure leads to."""
    events: tuple[str, ...] = ("EvaluationFailed",) if failure.evaluation else ()
    if state.type not in CONTAINERS:
        return events
    if getattr(state, "distributed", False):
        if frame.phase == READING and failure.error != RUNTIME and not failure.evaluation:
            return (*events, "MapRunStarted", "MapRunFailed", "MapStateFailed")
        if frame.phase in {STOPPING, JOINING}:
            return (*events, "MapRunFailed", "MapStateFailed")
    # AWS: States.Runtime fails the execution at once, so what stands around it is not written about.
    if failure.evaluation or (frame.phase == STOPPING and failure.error != RUNTIME):
        events += (f"{state.type}StateFailed",)
    return events


def climb(state: Compiled, frame: Frame, scene: Scene, failure: Failure) -> Change:
    """Nobody took the failure: the execution fails, or the enclosing Map or Parallel."""
    own = events_of_failing(state, frame, failure)
    first = scene.next_event(frame)
    parent = container_of(frame, scene)
    if parent is None:
        return fail_execution(frame, scene, failure, own)
    fan: Fan = parent.work
    kept = failure._replace(evaluation=False)
    culprit = first + len(own) - 1 if own else frame.event
    container = scene.state(parent)
    stopped = frame._replace(phase=FAILED_FOR_GOOD, due=None, event=culprit, work=halted(frame, failure))
    after = parent._replace(
        phase=STOPPING,
        due=scene.now,
        event=culprit,
        work=Stopping(fan._replace(failure=kept, failed=fan.failed + 1, running=fan.running - 1), 0),
    )
    events = own + _events_of_child(container.type, state, frame, failure)
    return Change("FanOutFailed", scene.now, parent, after, ((frame, stopped),), first, events)


def _events_of_child(container: str, state: Compiled, frame: Frame, failure: Failure) -> tuple[str, ...]:
    if failure.error == RUNTIME:
        return ()
    # AWS writes that the failed Task was aborted, too, even in the only branch.
    task_failed = state.type == "Task" and not failure.evaluation and frame.event > frame.visit.entered
    aborted = ("TaskStateAborted",) if task_failed else ()
    return ("MapIterationFailed", *aborted) if container == "Map" else aborted


def fail_execution(frame: Frame, scene: Scene, failure: Failure, own: tuple[str, ...] = ()) -> Change:
    """The top-level flow of an execution fails, and with it the Task that waits for it."""
    first = scene.next_event(frame)
    events = (*own, "ExecutionFailed")
    work = halted(frame, failure._replace(time=scene.now))
    after = frame._replace(phase=FAILED_FOR_GOOD, due=None, event=first + len(events) - 1, work=work)
    return Change("ExecutionFailed", scene.now, frame, after, wake(after, scene), first, events)


def ended(_state: Compiled, frame: Frame, scene: Scene) -> Change:
    """The top-level flow has come to its end: the execution succeeds."""
    first = scene.next_event(frame)
    after = frame.at("SUCCEEDED", None, first, Finished(scene.now))
    others = wake(after, scene)
    return Change("ExecutionSucceeded", scene.now, frame, after, others, first, SUCCEEDED)
