"""Nested workflows: a Task that starts another state machine, and waits for it or does not.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook import chance, polling, working
from sfnbook.clock import SECOND, iso
from sfnbook.errors import TASK_FAILED, TIMEOUT
from sfnbook.family import deadline_frame, deadline_of, descendants, stopped, stopped_below
from sfnbook.frames import (
    ABORTED,
    BIRTH,
    FIRST_VISIT,
    NESTED,
    OVER,
    RETURNED,
    STARTED,
    Change,
    Failure,
    Frame,
    Identity,
    Nested,
    Running,
    Scope,
    failure_in,
    task_in,
)
from sfnbook.scene import hashed, lineage_of
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from sfnbook.family import Pairs
    from sfnbook.program import CompiledTask
    from sfnbook.scene import Scene
    from sfnbook.tasks.resources import Resource

BILLED_STEP: Final = SECOND // 10


class Startable(NamedTuple):
    """A state machine that Tasks can start; ``type`` is None where nobody said it."""

    arn: str
    name: str
    type: str | None


def arguments_of(frame: Frame) -> dict[str, Json]:
    """What a Task sends to Step Functions."""
    task = task_in(frame.work)
    return task.arguments if task is not None and isinstance(task.arguments, dict) else {}


def machine_of(frame: Frame, scene: Scene) -> str | None:
    """The key in ``machines=`` of the state machine that a Task starts, if it is there."""
    wanted = str(arguments_of(frame).get("StateMachineArn", ""))
    # A version or an alias stands behind the name.
    named = wanted.rpartition(":stateMachine:")[2].partition(":")[0]
    for key, machine in scene.machines.items():
        if wanted in {key, machine.arn, machine.name} or named in {key, machine.name}:
            return key
    return None


def child_of(state: CompiledTask, frame: Frame, scene: Scene, key: str, workflow: str) -> Frame:
    """The child execution that a Task starts, before its first step."""
    arguments = arguments_of(frame)
    machine = scene.machines[key]
    lineage = lineage_of(frame)
    bits = chance.combine(scene.seed, hashed(lineage), chance.digest("name"))
    name = str(arguments.get("Name") or chance.uuid_text(bits))
    child_id = (scene.number, 0)
    base = machine.arn.partition(":stateMachine:")[0]
    arn = f"{base}:execution:{machine.name}:{name}"
    if workflow == "EXPRESS":
        run = chance.uuid_text(chance.combine(bits, chance.digest("express")))
        arn = f"{base}:express:{machine.name}:{name}:{run}"
    role = frame.scope.execution.role_arn
    execution = Identity(
        child_id, key, arn, name, machine.arn, machine.name, role, _input(arguments), scene.now, workflow
    )
    scope = Scope(f"{frame.scope.prefix}{state.name}/", execution, frame.id, 0, lineage)
    start_at = scene.programs[key].start
    return Frame(child_id, scope, start_at, BIRTH, execution.input, {}, FIRST_VISIT, scene.now, 0, None)


def births(child: Frame, scene: Scene, key: str) -> Pairs:
    """The child, and its own limit of time."""
    limit = scene.programs[key].definition.timeout_seconds
    return ((None, child), *deadline_frame(child, limit, scene.limits))


def _input(arguments: dict[str, Json]) -> Json:
    given = arguments.get("Input")
    if isinstance(given, str):
        try:
            return json.loads(given)
        except ValueError:
            return given
    return {} if given is None else given


def accepted(child: Frame, resource: Resource, scene: Scene) -> dict[str, Json]:
    """What StartExecution answers."""
    execution = child.scope.execution
    answer: dict[str, Json] = {"ExecutionArn": execution.arn, "StartDate": iso(execution.started)}
    if resource.kind == "sdk":
        return answer
    request = chance.uuid_text(scene.draw_bits("request"))
    return {
        **answer,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request},
    }


def awaited(frame: Frame, scene: Scene, work: Nested, others: Pairs, *, submits: bool = True) -> Change:
    """TaskStarted, where the Task is going to wait for the child's end."""
    after = frame.at(STARTED, scene.now, scene.first, work)
    if not submits:
        after = after.at(NESTED, _limit(work), scene.first, work)
    return Change("TaskStarted", scene.now, frame, after, others, scene.first, ("TaskStarted",))


def _limit(work: Nested) -> int | None:
    """When the Task's own TimeoutSeconds strikes."""
    task = work.task
    return None if task.timeout is None or task.started is None else task.started + task.timeout


def submit(frame: Frame, scene: Scene) -> Frame:
    """The Task waits for the child from here on."""
    work: Nested = frame.work
    ended = scene.frames[work.child].phase in OVER
    phase, due = (RETURNED, scene.now) if ended else (NESTED, _limit(work))
    return frame._replace(phase=phase, due=due)


def finished(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """The child has ended: its description is the Task's result, or the cause of its failure."""
    work: Nested = frame.work
    child = scene.frames[work.child]
    # StartSyncExecution has an answer whatever became of the execution: its Status tells.
    waits = state.resource.pattern != "request"
    as_json = state.resource.pattern == "sync:2"
    record = _record(child, scene.now, as_json=as_json) if waits else _answer(child, scene.now)
    failure = None
    if waits and child.phase != "SUCCEEDED":
        failure = Failure(TASK_FAILED, text(record), state.pointer)
    running = Running(work.task, None if failure else record, failure)
    change = working.answered(state, frame._replace(work=running), scene)
    below = (child, *descendants(child, scene))
    gone = tuple((one, None) for one in below)
    return change._replace(before=frame, others=change.others + gone + polling.left(below, scene))


def expire(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """The Task's own TimeoutSeconds: the child is stopped where it stands."""
    child = scene.frames[frame.work.child]
    failure = Failure(TIMEOUT, None, state.pointer)
    change = working.expire(state, frame._replace(work=Running(frame.work.task, None, failure)), scene)
    others = ((child, stopped(child, ABORTED, scene.now)), *stopped_below(child, scene, ABORTED))
    if (limit := deadline_of(child, scene)) is not None:
        others = (*others, (limit, None))
    return change._replace(before=frame, others=change.others + others)


def _answer(child: Frame, now: int) -> dict[str, Json]:
    """What StartSyncExecution answers; Express is billed in steps of 100 ms and of 64 MB."""
    lasted = now - child.scope.execution.started
    billed = max(-(-lasted // BILLED_STEP), 1) * (BILLED_STEP // 1000)
    return {
        "BillingDetails": {"BilledDurationInMilliseconds": billed, "BilledMemoryUsedInMB": 64},
        **_record(child, now, as_json=False),
    }


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
