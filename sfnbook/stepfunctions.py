"""Step Functions as the service that a Task calls: a simulation answers for its own machines and tokens.

A Task that starts an execution starts one of ``machines=``; one that sends a token ends the wait that
the token belongs to.  Nobody outside is needed, and everything goes back and forth as usual.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance, nested, working
from sfnbook.frames import (
    NAMED,
    OVER,
    WORLD,
    Change,
    Coming,
    Failure,
    Frame,
    Named,
    Nested,
    Running,
    Submitting,
    task_in,
)
from sfnbook.tasks.protocol import Outcome
from sfnbook.tasks.resources import Resource, error_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.frames import Scheduled
    from sfnbook.program import CompiledTask
    from sfnbook.scene import Scene
    from sfnbook.values import Json


def inside(state: CompiledTask, frame: Frame, scene: Scene, *, alone: bool = True) -> Change | None:
    """TaskStarted of a Task that is about this simulation itself; None: somebody else has to answer.

    When it is not ``alone``, what it does not know is left to the others.
    """
    resource = state.resource
    act = ACTIONS.get((resource.service, resource.action))
    if act is None:
        return None
    scene.draws = {}  # a replay asks twice, and is to get the same
    return act(state, frame, scene, alone)


def concerns(state: CompiledTask) -> bool:
    """May a simulation answer for this Task itself?"""
    return (state.resource.service, state.resource.action) in ACTIONS


# --- starting ---------------------------------------------------------------------------------------
def start_execution(state: CompiledTask, frame: Frame, scene: Scene, alone: bool) -> Change | None:
    """StartExecution: the child goes on by itself, or the Task waits for it or for its token."""
    if not scene.machines:
        return None
    key = nested.machine_of(frame, scene)
    if key is None:
        return no_such_machine(state, frame, scene) if alone else None
    machine = scene.machines[key]
    child = nested.child_of(state, frame, scene, key, machine.type or "STANDARD")
    entry, earlier = _entry(frame, child, scene)
    if earlier is not None:
        return _started_before(state, frame, scene, child, earlier)
    task = frame.work._replace(started=scene.now)
    accepted = nested.accepted(child, state.resource, scene)
    others = (*nested.births(child, scene, key), *entry)
    if state.resource.pattern == "request":
        work = Running(task, accepted, None)
        return working.begun(state, frame, scene, work, scene.now, True, False, others)
    if state.resource.pattern == "token":
        work = Running(task, None, None, accepted)
        return working.begun(state, frame, scene, work, None, True, True, others)
    return nested.awaited(frame, scene, Nested(task, child.id, accepted), others)


def start_sync_execution(state: CompiledTask, frame: Frame, scene: Scene, alone: bool) -> Change | None:
    """StartSyncExecution: an Express execution, whose result comes even when it failed."""
    if not scene.machines:
        return None
    key = nested.machine_of(frame, scene)
    if key is None:
        return no_such_machine(state, frame, scene) if alone else None
    if scene.machines[key].type == "STANDARD":
        message = "This operation is not supported by this type of state machine"
        return refused(state, frame, scene, "StateMachineTypeNotSupported", message)
    child = nested.child_of(state, frame, scene, key, "EXPRESS")
    task = frame.work._replace(started=scene.now)
    work = Nested(task, child.id, None)
    return nested.awaited(frame, scene, work, nested.births(child, scene, key), submits=False)


def _entry(frame: Frame, child: Frame, scene: Scene) -> tuple[Any, Frame | None]:
    """The entry of a chosen name among those of Standard executions, and the one that has it already.

    A redrive starts with fresh names: on AWS it redrives the children that have them.
    """
    execution = child.scope.execution
    if "Name" not in nested.arguments_of(frame) or execution.type == "EXPRESS":
        return (), None
    place = (-1, chance.digest(f"{execution.arn}#{scene.world.redrives}"))
    earlier = scene.frames.get(place)
    world = scene.frames[WORLD]
    named = world.at(NAMED, None, 0, Named(child.id, execution.input))
    return ((None, named._replace(id=place)),), earlier


def _started_before(state: CompiledTask, frame: Frame, scene: Scene, child: Frame, earlier: Frame) -> Change:
    """The same name again: the same answer while that execution runs on the same input, else an error."""
    name: Named = earlier.work
    running = scene.frames.get(name.child)
    same = running is not None and running.phase not in OVER and name.input == child.data
    if same and running is not None and state.resource.pattern == "request":
        task = frame.work._replace(started=scene.now)
        work = Running(task, nested.accepted(running, state.resource, scene), None)
        return working.begun(state, frame, scene, work, scene.now, True, False, ())
    message = f"Execution Already Exists: '{child.scope.execution.arn}'"
    return refused(state, frame, scene, "ExecutionAlreadyExists", message)


def no_such_machine(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """The error of an ARN that is not among ``machines=``."""
    arn = nested.arguments_of(frame).get("StateMachineArn", "")
    message = f"State Machine Does Not Exist: '{arn}'"
    known = ", ".join(map(repr, scene.machines))
    return refused(state, frame, scene, "StateMachineDoesNotExist", message, f"machines= has {known}")


# --- tokens -----------------------------------------------------------------------------------------
def send_task_success(state: CompiledTask, frame: Frame, scene: Scene, alone: bool) -> Change | None:
    """SendTaskSuccess: its Output is JSON text."""
    output = nested.arguments_of(frame).get("Output")

    def succeeded(task: Scheduled, _pointer: str) -> Running:
        value: Json = json.loads(output) if isinstance(output, str) else output
        return Running(task, value, None)

    return _send(state, frame, scene, alone, succeeded)


def send_task_failure(state: CompiledTask, frame: Frame, scene: Scene, alone: bool) -> Change | None:
    """SendTaskFailure, with or without Error and Cause."""
    given = nested.arguments_of(frame)
    error, cause = given.get("Error"), given.get("Cause")
    return _send(
        state, frame, scene, alone, lambda task, pointer: Running(task, None, Failure(error, cause, pointer))
    )


def send_task_heartbeat(state: CompiledTask, frame: Frame, scene: Scene, alone: bool) -> Change | None:
    """SendTaskHeartbeat."""
    return _send(state, frame, scene, alone, None)


def _send(
    state: CompiledTask, frame: Frame, scene: Scene, alone: bool, ending: Callable[..., Running] | None
) -> Change | None:
    token = str(nested.arguments_of(frame).get("TaskToken"))
    place = working.frame_of(token)
    if place is None:
        message = "Invalid Token: 'Invalid token'"
        return refused(state, frame, scene, "InvalidToken", message) if alone else None
    target = scene.frames.get(place)
    try:
        after = None if target is None else _told(target, token, scene.now, ending)
    except ValueError:  # an Output that is no JSON; AWS looks at the token first
        return refused(state, frame, scene, "InvalidOutput", "Invalid Output: 'Output is not valid JSON'")
    if after is None:
        message = "Task Timed Out: 'Provided task does not exist anymore'"
        return refused(state, frame, scene, "TaskTimedOut", message)
    return working.started(state, frame, scene, Outcome({}), ((target, after),))


def _told(target: Frame, token: str, now: int, ending: Callable[..., Running] | None) -> Frame | None:
    """The frame of a token's Task after an answer (None: a heartbeat); None if it is no longer open."""
    task = task_in(target.work)
    if task is None or task.token != token:
        return None
    work = target.work
    if isinstance(work, Submitting) and work.due is None:
        # The child was quicker than its parent's TaskSubmitted, with which heartbeats begin to count.
        if ending is None:
            return target
        running = ending(task, target.state)._replace(submitted=work.running.submitted)
        return target.at(target.phase, target.due, target.event, Submitting(running, now, True))
    wait = working.open_wait_in(target, now)
    if wait is None or not wait.taken:
        return None
    if ending is None:
        return working.awaiting(target, wait._replace(beat=now))
    return working.awaiting(target, wait._replace(coming=Coming(ending(task, target.state), now)))


# --- refusals ---------------------------------------------------------------------------------------
def refused(
    state: CompiledTask, frame: Frame, scene: Scene, code: str, message: str, why: str = ""
) -> Change:
    """TaskStarted of a request that Step Functions refuses, in the words of its Java SDKs."""
    resource: Resource = state.resource
    request = chance.uuid_text(scene.draw_bits("request"))
    if resource.kind == "sdk":
        told = f"(Service: Sfn, Status Code: 400, Request ID: {request}) (SDK Attempt Count: 1)"
    else:
        service = "Service: AWSStepFunctions; Status Code: 400"
        told = f"({service}; Error Code: {code}; Request ID: {request}; Proxy: null)"
    error = f"{error_prefix(resource)}.{code}Exception"
    outcome = Outcome(None, error, f"{message} {told}", failed=True, refused=True, why=why)
    return working.started(state, frame, scene, outcome)


ACTIONS: Final[dict[tuple[str, str], Callable[..., Change | None]]] = {
    ("states", "startExecution"): start_execution,
    ("sfn", "startExecution"): start_execution,
    ("sfn", "startSyncExecution"): start_sync_execution,
    ("sfn", "sendTaskSuccess"): send_task_success,
    ("sfn", "sendTaskFailure"): send_task_failure,
    ("sfn", "sendTaskHeartbeat"): send_task_heartbeat,
}
"""What a simulation can answer by itself, by service and action."""
