"""Map and Parallel: start the children, admit more as others finish, join their results, stop the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfnbook import distributed
from sfnbook.definition import JSONATA
from sfnbook.errors import QUERY_EVALUATION_ERROR, RUNTIME, Failed
from sfnbook.failing import resolve
from sfnbook.family import admitted, capped, children_gone, moved, settle, stopped, stopped_below
from sfnbook.faults import injected
from sfnbook.frames import (
    ABORTED,
    ENDED,
    ENTER,
    FIRST_VISIT,
    JOINING,
    OVER,
    RESULT,
    Change,
    Fan,
    Frame,
    Item,
    Running,
    Scope,
    Stopping,
)
from sfnbook.scene import lineage_of
from sfnbook.values import text
from sfnbook.working import Request

if TYPE_CHECKING:
    from sfnbook.program import CompiledMap, CompiledParallel
    from sfnbook.scene import Scene
    from sfnbook.values import Json


_new = tuple.__new__  # a NamedTuple's own constructor costs three times as much

ITERATION_STARTED = ("MapIterationStarted",)
ITERATION_SUCCEEDED = ("MapIterationSucceeded",)


# --- starting -------------------------------------------------------------------------------------
def start_parallel(state: CompiledParallel, frame: Frame, scene: Scene) -> Change:
    """Start all branches at once, each with the effective input."""
    if (fault := injected(state, frame, scene)) is not None:
        return fault
    effective = state.before(frame.data, scene)
    first = scene.next_event(frame)
    length = len(state.starts)
    fan = Fan(scene.number, length, length, length, 0, first, 0, effective, None)
    after = frame._replace(phase=JOINING, due=None, event=first, work=fan)
    branches = tuple(
        (None, _child(frame, scene, start, index, effective, first, fan.number))
        for index, start in enumerate(state.starts)
    )
    return Change("FanOutStarted", scene.now, frame, after, branches, first, ("ParallelStateStarted",))


def start_map(state: CompiledMap, frame: Frame, scene: Scene) -> Change | Request:
    """Read the items, once, and start as many iterations as MaxConcurrency admits."""
    if (fault := injected(state, frame, scene)) is not None:
        return fault
    effective = state.before(frame.data, scene)
    if state.distributed:
        return distributed.start(state, frame, scene, effective)
    limit = concurrency(state, effective, scene, scene.limits.inline_concurrency)
    items = read_items(state, effective, scene)
    first = scene.next_event(frame)
    fan = Fan(scene.number, len(items), 0, 0, 0, first, limit, effective, items)
    after = settle(frame, fan, scene.now, first)
    return Change("FanOutStarted", scene.now, frame, after, (), first, ("MapStateStarted",))


def concurrency(state: CompiledMap, effective: Json, scene: Scene, ceiling: int | None) -> int:
    """How many iterations may run at once; 0 means as many as there are items."""
    wanted = state.max_concurrency(effective, scene) if state.max_concurrency else 0
    return capped(wanted, ceiling)


def read_items(state: CompiledMap, effective: Json, scene: Scene) -> list[Json]:
    """The array that an inline Map runs over."""
    items = state.items(effective, scene)
    if isinstance(items, list):
        return items
    if state.definition.query_language == JSONATA:
        raise Failed(QUERY_EVALUATION_ERROR, f"Map state input must be an array but was: {text(items)}")
    path = getattr(state.definition, "items_path", None) or "$"
    path = path[1:] if path.startswith("$$") else path  # AWS drops one of the context's dollars
    raise Failed(RUNTIME, f'Reference path "{path}" must point to array.')


def admit(state: CompiledMap, frame: Frame, scene: Scene) -> Change:
    """Start the next iteration."""
    fan: Fan = frame.work
    if fan.run is not None:
        return distributed.admit(state, frame, scene)
    index = fan.started
    value = fan.items[index]
    if state.selector is not None:
        scene.item = Item(index, value, None, "STATE_DATA")
        value = state.selector(fan.effective, scene)
    first = scene.first
    child = _child(frame, scene, state.start, index, value, first, fan.number)
    after = admitted(frame, fan, scene.now)
    return _new(
        Change, ("IterationStarted", scene.now, None, child, ((frame, after),), first, ITERATION_STARTED)
    )


def _child(
    parent: Frame,
    scene: Scene,
    start: str,
    index: int,
    data: Json,
    event: int,
    number: int,
) -> Frame:
    outer = parent.scope
    prefix = f"{outer.prefix}{scene.state(parent).name}[{index}]."
    scope = _new(Scope, (prefix, outer.execution, parent.id, index, lineage_of(parent, index)))
    return _new(
        Frame,
        ((number, index), scope, start, ENTER, data, parent.variables, FIRST_VISIT, scene.now, event, None),
    )


# --- finishing ------------------------------------------------------------------------------------
def finish(frame: Frame, parent: Frame, scene: Scene) -> Change:
    """An iteration or branch has come to its end; its output stays in its frame until the join."""
    fan: Fan = parent.work
    first = scene.first
    in_map = fan.items is not None
    event = first if in_map else frame.event
    after = frame.at("SUCCEEDED", None, event, None)
    # AWS: the next iteration's MapIterationStarted points at the last StateExited of this one.
    settled = settle(parent, moved(fan, fan.started, fan.running - 1, frame.event), scene.now, event)
    events = ITERATION_SUCCEEDED if in_map else ()
    return _new(Change, ("IterationSucceeded", scene.now, frame, after, ((parent, settled),), first, events))


def join(state: Any, frame: Frame, scene: Scene) -> Change | Request:
    """All children have ended: their outputs, in the order of items or branches, are the result."""
    fan: Fan = frame.work
    if fan.run is not None:
        return Request(state, frame)
    frames, number = scene.frames, fan.number
    result = [frames[number, index].data for index in range(fan.length)]
    gone = children_gone(frame, scene)
    first = scene.first
    # The event stays: ...StateExited points beside ...StateSucceeded, not at it.
    after = frame._replace(phase=RESULT, due=scene.now, work=Running(fan.effective, result, None))
    return Change("FanOutSucceeded", scene.now, frame, after, gone, first, (f"{state.type}StateSucceeded",))


# --- stopping -------------------------------------------------------------------------------------
def stop(state: Any, frame: Frame, scene: Scene) -> Change:
    """Abort the next child that is still alive; when none is, the Map or Parallel itself has failed."""
    work: Stopping = frame.work
    fan = work.fan
    for index in range(work.next, fan.started):
        child = scene.frames[fan.number, index]
        if child.phase not in OVER:
            return _abort(state, frame, child, scene, index)
    assert fan.failure is not None  # noqa: S101 - only a failure stops a fan-out
    return resolve(state, frame, scene, fan.failure)


def _abort(state: Any, frame: Frame, child: Frame, scene: Scene, index: int) -> Change:
    work: Stopping = frame.work
    if fan_run(frame) is not None:
        return distributed.abort(frame, child, scene, index)
    first = scene.next_event(frame)
    failure = work.fan.failure
    at_once = failure is not None and failure.error == RUNTIME  # see failing.events_of_failing
    events = () if at_once else _events_of_aborted(state, child, scene)
    after = stopped(child, ABORTED, scene.now)
    others = (
        (frame, frame._replace(work=work._replace(next=index + 1))),
        *stopped_below(child, scene, ABORTED),
    )
    return Change("Aborted", scene.now, child, after, others, first, events)


def _events_of_aborted(state: Any, child: Frame, scene: Scene) -> tuple[str, ...]:
    events: tuple[str, ...] = ()
    if child.phase not in {ENTER, ENDED} and (kind := scene.state(child).type) in ABORTABLE:
        events += (f"{kind}StateAborted",)
    return (*events, "MapIterationAborted") if state.type == "Map" else events


def fan_run(frame: Frame) -> object:
    """The Map Run of a Distributed Map that is being stopped."""
    work = frame.work
    return work.fan.run if isinstance(work, Stopping) else None


ABORTABLE = frozenset({"Task", "Wait", "Map", "Parallel"})
