"""Distributed Map: a Map Run whose iterations are executions of their own.

Reading items and writing results is the outside's business: both are asked for with a `Request`
and done by the functions of `PERFORM`, which the timeline calls.
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance
from sfnbook.clock import iso
from sfnbook.definition import ABSENT, JSONATA
from sfnbook.errors import QUERY_EVALUATION_ERROR, RUNTIME, Failed
from sfnbook.failing import failure_of, resolve
from sfnbook.family import admitted, capped, children_gone, deadline_frame, settle, stopped, stopped_below
from sfnbook.frames import (
    ABORTED,
    BIRTH,
    FIRST_VISIT,
    JOINING,
    READING,
    RESULT,
    Change,
    Fan,
    Frame,
    Identity,
    Item,
    MapRun,
    Running,
    Scope,
    end_of,
    failure_in,
)
from sfnbook.scene import hashed, lineage_of
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.definition import Map
    from sfnbook.items.reader import ReadItems
    from sfnbook.items.writer import ChildResult
    from sfnbook.program import CompiledMap
    from sfnbook.scene import Scene


def start(state: CompiledMap, frame: Frame, scene: Scene, effective: Json) -> Change:
    """MapStateStarted: the state began; its items are read in the next step."""
    wanted = state.max_concurrency(effective, scene) if state.max_concurrency else 0
    items = [] if state.reader else items_of(state, effective, scene)
    definition: Any = state.definition
    base = frame.scope.execution.machine_arn
    label = definition.label or chance.uuid_text(scene.draw_bits("label"))
    run_id = chance.uuid_text(scene.draw_bits("map run"))
    name = frame.scope.execution.machine_name
    run = MapRun(
        f"{base.rpartition(':stateMachine:')[0]}:mapRun:{name}/{label}:{run_id}",
        f"{base}/{label}",
        definition.processor_config.get("ExecutionType", "STANDARD"),
        scene.now,
        wanted,
    )
    first = scene.next_event(frame)
    fan = Fan(scene.number, len(items), 0, 0, 0, first, 0, effective, items, run=run)
    after = frame._replace(phase=READING, due=scene.now, event=first, work=fan)
    return Change("FanOutStarted", scene.now, frame, after, (), first, ("MapStateStarted",))


def items_of(state: CompiledMap, effective: Json, scene: Scene) -> list[Json]:
    """The items from the state's own data: an array, or an object as (key, value) pairs."""
    items = state.items(effective, scene)
    if isinstance(items, dict):
        return list(items.items())
    if isinstance(items, list):
        return items
    if state.definition.query_language == JSONATA:
        raise Failed(
            QUERY_EVALUATION_ERROR, f"Map state input must be an array or object but was: {text(items)}"
        )
    raise Failed(RUNTIME, "Attempting to map over non-iterable node.")


# --- reading --------------------------------------------------------------------------------------
def read_here(state: CompiledMap, effective: Json, scene: Scene) -> ReadItems:
    """What the ItemReader finds in the execution's files."""
    from sfnbook.items.reader import read_items  # noqa: PLC0415 - csv, gzip and the like: few machines read files

    definition: Any = state.definition
    parameters = state.reader(effective, scene)  # type: ignore[misc] # asked only where there is one
    limit = state.max_items(effective, scene) if state.max_items else None
    return read_items(definition.item_reader, parameters, scene.files, max_items=limit)


def opened(
    state: CompiledMap, frame: Frame, scene: Scene, read: Callable[..., ReadItems] = read_here
) -> Change:
    """The Map Run starts: tolerances are known, items read and batched."""
    scene.look(frame, scene.now, scene.number)
    fan: Fan = frame.work
    try:
        return _opened(state, frame, scene, fan, read)
    except Failed as problem:
        return resolve(state, frame, scene, failure_of(problem, state, frame))


def _opened(
    state: CompiledMap, frame: Frame, scene: Scene, fan: Fan, read: Callable[..., ReadItems]
) -> Change:
    effective, run = fan.effective, fan.run
    assert run is not None  # noqa: S101 - this is a Distributed Map
    count = state.tolerated_count(effective, scene) if state.tolerated_count else 0
    percentage = state.tolerated_percentage(effective, scene) if state.tolerated_percentage else 0.0
    items, sources = fan.items, None
    definition: Any = state.definition
    if state.reader is not None:
        sources = read(state, effective, scene)
        items = sources.items
    total = len(items)
    sizes = None
    if definition.item_batcher is not ABSENT:
        items, sizes = _batched(state, effective, items, sources, scene)
    run = run._replace(
        tolerated_count=count, tolerated_percentage=percentage, total=total, sources=sources, batches=sizes
    )
    first = scene.next_event(frame)
    limit = capped(run.max_concurrency, scene.limits.distributed_concurrency)
    fan = fan._replace(number=scene.number, length=len(items), items=items, run=run, limit=limit)
    after = settle(frame, fan, scene.now, first)
    return Change("FanOutStarted", scene.now, frame, after, (), first, ("MapRunStarted",))


def _batched(
    state: CompiledMap, effective: Json, items: list[Json], sources: Any, scene: Scene
) -> tuple[list[Json], tuple[int, ...]]:
    from sfnbook.items.batcher import batches  # noqa: PLC0415 - as above

    values = [_value(state, effective, items, index, sources, scene) for index in range(len(items))]
    scene.item = None
    sizes = [limit for limit in (scene.limits.payload_bytes,) if limit is not None]
    if state.batch_bytes is not None:
        sizes.append(state.batch_bytes(effective, scene))
    grouped = batches(
        values,
        max_items=state.batch_items(effective, scene) if state.batch_items else None,
        max_bytes=min(sizes) if sizes else None,
        batch_input=state.batch_input(effective, scene) if state.batch_input else ABSENT,
    )
    return list(grouped), tuple(len(batch["Items"]) for batch in grouped)


def _value(
    state: CompiledMap, effective: Json, items: list[Json], index: int, sources: Any, scene: Scene
) -> Json:
    """What one iteration gets: the item, a key and value, or what ItemSelector makes of them."""
    item = item_of(items, index, sources)
    if state.selector is not None:
        scene.item = item
        return state.selector(effective, scene)
    return item.value if item.key is None else {"Key": item.key, "Value": item.value}


def item_of(items: list[Json], index: int, sources: Any) -> Item:
    """``$$.Map.Item`` of one item."""
    found = items[index]
    source = "STATE_DATA" if sources is None else sources.source_of(index)
    return (
        Item(index, found[1], found[0], source)
        if isinstance(found, tuple)
        else Item(index, found, None, source)
    )


# --- children -------------------------------------------------------------------------------------
def admit(state: CompiledMap, frame: Frame, scene: Scene) -> Change:
    """Start the next child execution."""
    fan: Fan = frame.work
    run = fan.run
    assert run is not None  # noqa: S101 - this is a Distributed Map
    index = fan.started
    value = (
        fan.items[index]
        if run.batches is not None
        else _value(state, fan.effective, fan.items, index, run.sources, scene)
    )
    child = _child(state, frame, scene, index, value, fan, run)
    after = admitted(frame, fan, scene.now)
    limit = deadline_frame(child, None, scene.limits) if run.type == "EXPRESS" else ()
    return Change("IterationStarted", scene.now, None, child, ((frame, after), *limit), 0, ())


def _child(
    state: CompiledMap, frame: Frame, scene: Scene, index: int, value: Json, fan: Fan, run: MapRun
) -> Frame:
    outer, key = frame.scope, (fan.number, index)
    lineage = lineage_of(frame, index)
    name = chance.uuid_text(chance.combine(scene.seed, hashed(lineage), chance.digest("name")))
    kind = "express" if run.type == "EXPRESS" else "execution"
    place = run.machine_arn.partition(":stateMachine:")
    execution = Identity(
        key,
        outer.execution.machine,
        f"{place[0]}:{kind}:{place[2]}:{name}",
        name,
        run.machine_arn,
        place[2],
        outer.execution.role_arn,
        value,
        scene.now,
        run.type,
    )
    prefix = f"{outer.prefix}{state.name}[{index}]."
    scope = Scope(prefix, execution, frame.id, index, lineage)
    return Frame(key, scope, state.start, BIRTH, value, {}, FIRST_VISIT, scene.now, frame.event, None)


def abort(frame: Frame, child: Frame, scene: Scene, index: int) -> Change:
    """A child execution is stopped because too many others failed."""
    born = child.phase != BIRTH
    first = scene.next_event(child)
    after = stopped(child, ABORTED, scene.now)
    others = (
        (frame, frame._replace(work=frame.work._replace(next=index + 1))),
        *stopped_below(child, scene, ABORTED),
    )
    return Change(
        "Aborted",
        scene.now,
        child,
        after,
        others,
        first if born else 0,
        ("ExecutionAborted",) if born else (),
    )


# --- joining --------------------------------------------------------------------------------------
def written_here(state: CompiledMap, fan: Fan, scene: Scene) -> Json:
    """The state's result, with what the ResultWriter writes to the execution's files."""
    from sfnbook.items.writer import write_results  # noqa: PLC0415 - as above

    run = fan.run
    assert run is not None  # noqa: S101 - this is a Distributed Map
    definition: Map = state.definition  # type: ignore[assignment]
    writer = None if definition.result_writer is ABSENT else definition.result_writer
    return write_results(
        [child_result(scene.frames[fan.number, index], scene.now) for index in range(fan.started)],
        writer=writer,
        parameters=state.writer(fan.effective, scene) if state.writer else None,
        config=(writer or {}).get("WriterConfig"),
        store=scene.files,
        map_run_arn=run.arn,
        uuid=run.arn.rpartition(":")[2],
    )


def joined(
    state: CompiledMap, frame: Frame, scene: Scene, write: Callable[..., Json] = written_here
) -> Change:
    """The Map Run succeeded: its results are written, or become the state's result."""
    scene.look(frame, scene.now, scene.number)
    fan: Fan = frame.work
    try:
        result = write(state, fan, scene)
    except Failed as problem:
        return resolve(state, frame, scene, failure_of(problem, state, frame))
    first = scene.next_event(frame)
    after = frame._replace(
        phase=RESULT, due=scene.now, event=first, work=Running(fan.effective, result, None)
    )
    events = ("MapRunSucceeded", "MapStateSucceeded")
    return Change("FanOutSucceeded", scene.now, frame, after, children_gone(frame, scene), first, events)


def child_result(child: Frame, now: int) -> ChildResult:
    """A finished child execution, as the result files describe it."""
    from sfnbook.items.writer import ChildResult  # noqa: PLC0415 - as above

    execution = child.scope.execution
    failure = failure_in(child.work)
    return ChildResult(
        execution.arn,
        execution.name,
        execution.input,
        child.phase,
        child.data if child.phase == "SUCCEEDED" else None,
        failure.error if failure else None,
        failure.cause if failure else None,
        iso(execution.started),
        iso(end_of(child.work) or now),
        execution.machine_arn,
    )


PERFORM: Final[dict[str, Callable[[Any, Frame, Scene], Change]]] = {READING: opened, JOINING: joined}
"""What the execution does for a Map that asks the outside, by phase."""
