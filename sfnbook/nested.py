"""Nested workflows: a Task that starts another state machine, and waits for it or does not.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sfnbook import chance, polling, working
from sfnbook.clock import iso
from sfnbook.errors import TASK_FAILED, TIMEOUT
from sfnbook.family import deadline_frame, deadline_of, descendants, stopped, stopped_below
from sfnbook.frames import (
    ABORTED,
    ANSWERED,
    BIRTH,
    FIRST_VISIT,
    NESTED,
    OVER,
    STARTED,
    Change,
    Failure,
    Frame,
    Identity,
    Nested,
    Running,
    Scope,
    failure_in,
)
from sfnbook.scene import hashed, lineage_of
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from sfnbook.program import CompiledTask
    from sfnbook.scene import Scene

ACTION = "startExecution"


def machine_of(state: CompiledTask, frame: Frame, scene: Scene) -> str | None:
    """The key in ``machines=`` of the state machine that a Task starts, if it is there."""
    resource = state.resource
    if resource.service != "states" or resource.action != ACTION or not scene.machines:
        return None
    wanted = str(frame.work.arguments.get("StateMachineArn", ""))
    for key, (arn, name) in scene.machines.items():
        if wanted in {key, arn, name} or wanted.rpartition(":")[2] in {key, name}:
            return key
    return None


def start(state: CompiledTask, frame: Frame, scene: Scene, key: str) -> Change:
    """TaskStarted, with the child execution about to start."""
    task = frame.work._replace(started=scene.now)
    child = _child(state, frame, scene, key)
    program = scene.programs[key]
    first = scene.next_event(frame)
    after = frame._replace(
        due=scene.now, event=first, phase=STARTED, work=Nested(task, child.id, _accepted(child))
    )
    if state.resource.pattern == "request":
        # Fire and forget: the child goes on by itself.
        after = after._replace(phase=ANSWERED, work=Running(task, _accepted(child), None))
    others = ((None, child), *deadline_frame(child, program.definition.timeout_seconds, scene.limits))
    return Change("TaskStarted", scene.now, frame, after, others, first, ("TaskStarted",))


def _child(state: CompiledTask, frame: Frame, scene: Scene, key: str) -> Frame:
    arguments = frame.work.arguments
    arn, name = scene.machines[key]
    lineage = lineage_of(frame)
    bits = chance.combine(scene.seed, hashed(lineage), chance.digest("name"))
    given = arguments.get("Name") or chance.uuid_text(bits)
    child_id = (scene.number, 0)
    base = arn.partition(":stateMachine:")[0]
    execution = Identity(
        child_id,
        key,
        f"{base}:execution:{name}:{given}",
        str(given),
        arn,
        name,
        frame.scope.execution.role_arn,
        _input(arguments),
        scene.now,
        "STANDARD",
    )
    scope = Scope(f"{frame.scope.prefix}{state.name}/", execution, frame.id, 0, lineage)
    start_at = scene.programs[key].start
    return Frame(child_id, scope, start_at, BIRTH, execution.input, {}, FIRST_VISIT, scene.now, 0, None)


def _input(arguments: Json) -> Json:
    given = arguments.get("Input")
    if isinstance(given, str):
        try:
            return json.loads(given)
        except ValueError:
            return given
    return {} if given is None else given


def _accepted(child: Frame) -> dict[str, Json]:
    execution = child.scope.execution
    return {"ExecutionArn": execution.arn, "StartDate": iso(execution.started)}


def submit(frame: Frame, scene: Scene) -> Frame:
    """The Task waits for the child from here on."""
    work: Nested = frame.work
    child = scene.frames[work.child]
    due = scene.now if child.phase in OVER else None
    if due is None and work.task.timeout is not None and work.task.started is not None:
        due = work.task.started + work.task.timeout
    return frame._replace(phase=NESTED, due=due)


def finished(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """The child has ended: its description is the Task's result, or the cause of its failure."""
    work: Nested = frame.work
    child = scene.frames[work.child]
    if child.phase not in OVER:
        return _too_late(state, frame, child, scene)
    record = _record(child, scene.now, as_json=state.resource.pattern == "sync:2")
    failure = None
    if child.phase != "SUCCEEDED":
        failure = Failure(TASK_FAILED, text(record), state.pointer)
    running = Running(work.task, None if failure else record, failure)
    change = working.answered(state, frame._replace(work=running), scene)
    below = (child, *descendants(child, scene))
    gone = tuple((one, None) for one in below)
    return change._replace(before=frame, others=change.others + gone + polling.left(below, scene))


def _too_late(state: CompiledTask, frame: Frame, child: Frame, scene: Scene) -> Change:
    """The Task's own TimeoutSeconds: the child is stopped where it stands."""
    failure = Failure(TIMEOUT, None, state.pointer)
    change = working.expire(state, frame._replace(work=Running(frame.work.task, None, failure)), scene)
    deadline = tuple((below, None) for below in deadline_of(child, scene))
    others = ((child, stopped(child, ABORTED, scene.now)), *stopped_below(child, scene, ABORTED), *deadline)
    return change._replace(before=frame, others=change.others + others)


def _record(child: Frame, now: int, *, as_json: bool) -> dict[str, Json]:
    execution = child.scope.execution

    def shown(value: Json) -> Json:
        return value if as_json else text(value)

    record: dict[str, Json] = {
        "ExecutionArn": execution.arn,
        "Input": shown(execution.input),
        "InputDetails": {"Included": True},
        "Name": execution.name,
        "StartDate": iso(execution.started),
        "StateMachineArn": execution.machine_arn,
        "Status": child.phase,
        "StopDate": iso(now),
    }
    if child.phase == "SUCCEEDED":
        return {**record, "Output": shown(child.data), "OutputDetails": {"Included": True}}
    failure = failure_in(child.work)
    named = {"Error": failure.error, "Cause": failure.cause} if failure else {}
    return {**record, **{key: value for key, value in named.items() if value is not None}}
