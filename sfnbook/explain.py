"""Transition -> data flow: every stage of a state's data, computed again when someone asks.

Nothing here is recorded while an execution runs: a state's frame keeps what went in and what came
out, so the stages can be computed again, long after the run, exactly as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.definition import ABSENT
from sfnbook.errors import Failed
from sfnbook.failing import error_output_of
from sfnbook.family import fan_of
from sfnbook.frames import (
    BIRTH,
    ENDED,
    ENTER,
    READING,
    WORLD,
    Change,
    Failure,
    Frame,
    Running,
    Scheduled,
    task_in,
)
from sfnbook.history import failure_of
from sfnbook.scene import Scene, world_of
from sfnbook.values import Json, copied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.limits import Limits
    from sfnbook.program import Program


class Origin(NamedTuple):
    """What transitions need to explain themselves; immutable, and shared by all of an execution."""

    programs: Mapping[str, Program]
    limits: Limits
    seed: int
    started: int


def scene_at(origin: Origin, frame: Frame, time: int, number: int) -> Scene:
    """A scene of the moment at which a frame was decided."""
    counters = {frame.scope.execution.key: frame.event}
    scene = Scene(
        {WORLD: world_of(frame), frame.id: frame}, counters, origin.programs, origin.limits, origin.seed
    )
    scene.look(frame, time, number)
    return scene


def state_of(origin: Origin, frame: Frame) -> Any:
    """The compiled state that a frame stands at."""
    return origin.programs[frame.scope.execution.machine].states[frame.state]


# --- data flow ------------------------------------------------------------------------------------
def data_flow(change: Change, origin: Origin, number: int) -> dict[str, Json]:
    """The stages of the state's data flow as far as this transition had come, in TestState's names.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_InspectionData.html
    """
    copy: dict[str, Json] = copied(stages(change, origin, number))
    return copy


def stages(change: Change, origin: Origin, number: int) -> dict[str, Json]:
    """The same without copies, for those who only read: stages that are alike share their parts."""
    frame = subject_of(change)
    if frame is None or frame.id == WORLD or (frame.phase in NOT_AT_WORK and change.kind != "StateEntered"):
        return {}
    state = state_of(origin, frame)
    scene = scene_at(origin, frame, change.time, number)
    flow: dict[str, Json] = {"input": frame.data}
    if change.kind in BEFORE_WORK:
        return flow
    _incoming(flow, change, frame, state, scene)
    failure = failure_at(change, frame) if change.kind in FAILING else None
    if failure is not None and change.kind != "TaskStarted":
        flow["errorOutput"] = error_output_of(failure)
    if change.kind == "FanOutStarted" and change.after is not None:
        flow |= _fan_stages(change.after, state)
    if change.kind in WITH_RESULT and (running := _running(frame, change)) is not None:
        flow["result"] = running.result
    if change.kind == "StateExited":
        _outgoing(flow, frame, state, scene)
    if change.kind in LEAVING and change.after is not None:
        flow["output"] = change.after.data
        flow["variables"] = dict(change.after.variables)
    return flow


NOT_AT_WORK: Final = frozenset({ENTER, ENDED, BIRTH})
BEFORE_WORK: Final = frozenset({"StateEntered", "ExecutionStarted", "IterationStarted"})
FAILING: Final = frozenset(
    {"TaskFailed", "TaskTimedOut", "RetryScheduled", "Caught", "ExecutionFailed", "FanOutFailed"}
)
WITH_RESULT: Final = frozenset({"TaskSucceeded", "FanOutSucceeded", "StateExited"})
LEAVING: Final = frozenset({"StateExited", "Caught"})
_WITHOUT_WORK: Final = frozenset({"Choice", "Wait", "Succeed", "Fail"})


def subject_of(change: Change) -> Frame | None:
    """The frame whose state a change is about, as it stood at that state."""
    return change.after if change.kind == "StateEntered" else change.before


def _incoming(flow: dict[str, Json], change: Change, frame: Frame, state: Any, scene: Scene) -> None:
    task = task_in(frame.work) or (None if change.after is None else task_in(change.after.work))
    if task is not None:
        scene.token = task.token
    sent = _sent(frame, change, task)
    value = frame.data
    for stage in state.flow.incoming:
        try:
            value = stage.run(value, scene)
        except Failed as problem:
            flow["error"] = f"{stage.field}: {problem.cause}"
            return
        flow[stage.name] = value
    if sent is not ABSENT and state.flow.incoming:
        # What was sent stands in the frame; the expressions may read the clock or chance.
        flow[state.flow.incoming[-1].name] = sent


def _sent(frame: Frame, change: Change, task: Scheduled | None) -> Json:
    """What the work was given, where the frame remembers it: a Task's arguments, a fan-out's input."""
    if task is not None:
        return task.arguments
    for one in (frame, change.after):
        fan = None if one is None else fan_of(one)
        if fan is not None:
            return fan.effective
    return frame.work.task if isinstance(frame.work, Running) else ABSENT


def _fan_stages(after: Frame, state: Any) -> dict[str, Json]:
    """A Map's items, batches and settings, as far as they are known."""
    fan = fan_of(after)
    if fan is None or state.type != "Map" or after.phase == READING:
        return {}
    items = [{"Key": item[0], "Value": item[1]} if isinstance(item, tuple) else item for item in fan.items]
    stage = "afterItemsPath" if fan.run is None or fan.run.batches is None else "afterItemBatcher"
    flow: dict[str, Json] = {stage: items, "maxConcurrency": fan.limit}
    if fan.run is not None:
        flow["toleratedFailureCount"] = fan.run.tolerated_count
        flow["toleratedFailurePercentage"] = fan.run.tolerated_percentage
    return flow


def failure_at(change: Change, frame: Frame) -> Failure | None:
    # Once it is caught, the failure is in the frame as it stood before alone.
    return failure_of(change.frame) or failure_of(frame)


def _running(frame: Frame, change: Change) -> Running | None:
    for work in (None if change.after is None else change.after.work, frame.work):
        if isinstance(work, Running):
            return work
    return None


def _outgoing(flow: dict[str, Json], frame: Frame, state: Any, scene: Scene) -> None:
    result = flow.get("result")
    if not isinstance(frame.work, Running):
        result = next(
            (flow[stage.name] for stage in reversed(state.flow.incoming) if stage.name in flow), frame.data
        )
        flow["result"] = result
    if state.type in _WITHOUT_WORK:
        del flow["result"]
    for stage in state.flow.outgoing:
        if stage.name == "output":
            return
        try:
            result = stage.run(result, frame.data, scene)
        except Failed:
            return
        flow[stage.name] = result
