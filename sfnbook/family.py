"""Parents and children among frames: who waits for whom, and what a child's end does to its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfnbook import polling
from sfnbook.clock import SECOND
from sfnbook.errors import EXCEED_TOLERATED_FAILURE_THRESHOLD
from sfnbook.frames import (
    DEADLINE,
    FANNING,
    JOINING,
    NESTED,
    OVER,
    RETURNED,
    STOPPING,
    Failure,
    Fan,
    Frame,
    Halted,
    Nested,
    Stopped,
    Stopping,
)
from sfnbook.tolerance import THRESHOLD_EXCEEDED, exceeded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.frames import FrameId
    from sfnbook.limits import Limits
    from sfnbook.scene import Scene
    from sfnbook.values import Json

_WITH_CHILDREN = (Fan, Stopping, Halted, Stopped, Nested)

Pairs = tuple[tuple[Frame | None, Frame | None], ...]


def parent_of(frame: Frame, scene: Scene) -> Frame | None:
    """The frame that made this one and waits for it, if it is still there."""
    return None if frame.scope.parent is None else scene.frames.get(frame.scope.parent)


def container_of(frame: Frame, scene: Scene) -> Frame | None:
    """The Parallel or inline Map whose branch or iteration this is: they fail together."""
    parent = parent_of(frame, scene)
    if parent is None or not isinstance(parent.work, Fan):
        return None
    return parent if parent.scope.execution is frame.scope.execution else None


def indices_of(frame: Frame, scene: Scene) -> tuple[int, ...]:
    """The indices of the Map iterations around a frame, the outermost first."""
    indices: tuple[int, ...] = ()
    while (parent := parent_of(frame, scene)) is not None:
        if scene.state(parent).type == "Map":
            indices = (frame.scope.index, *indices)
        frame = parent
    return indices


def fan_of(frame: Frame) -> Fan | None:
    """The fan-out that a frame is at work on."""
    work = frame.work
    if isinstance(work, Stopped):
        work = work.work
    if isinstance(work, (Stopping, Halted)):
        work = work.fan
    return work if isinstance(work, Fan) else None


def children(frame: Frame, scene: Scene) -> Iterator[Frame]:
    """The children of a fan-out that have started, in order."""
    fan = fan_of(frame)
    if fan is not None:
        for index in range(fan.started):
            child = scene.frames.get((fan.number, index))
            if child is not None:
                yield child


def descendants(frame: Frame, scene: Scene) -> Iterator[Frame]:
    """Everything below a frame, nested executions included, outer ones first."""
    for child in children(frame, scene):
        yield child
        yield from descendants(child, scene)
    work = frame.work.work if isinstance(frame.work, Stopped) else frame.work
    if isinstance(work, Nested) and (nested := scene.frames.get(work.child)) is not None:
        yield nested
        yield from descendants(nested, scene)
        if (limit := deadline_of(nested, scene)) is not None:
            yield limit


def deadline_id(top: Frame) -> FrameId:
    """The id of the frame of an execution's own limit; no fan-out has a child of that number."""
    return top.id[0], -1 - top.id[1]


def deadline_of(top: Frame, scene: Scene) -> Frame | None:
    """The frame of an execution's own limit, if it has one."""
    frame = scene.frames.get(deadline_id(top))
    return frame if frame is not None and frame.phase == DEADLINE and frame.work == top.id else None


def children_gone(frame: Frame, scene: Scene) -> Pairs:
    """The frames of a fan-out and everything below them, leaving the table."""
    if not isinstance(frame.work, _WITH_CHILDREN):
        return ()
    return tuple((below, None) for below in descendants(frame, scene))


def stopped(frame: Frame, phase: str, now: int) -> Frame:
    """A frame put into an end phase from outside; it remembers what it was at."""
    return frame.at(phase, None, frame.event, Stopped(frame.phase, frame.work, now))


def halted(frame: Frame, failure: Failure) -> Failure | Halted:
    """The work of a frame that failed for good."""
    fan = fan_of(frame)
    return failure if fan is None else Halted(failure, fan)


def stopped_below(frame: Frame, scene: Scene, phase: str) -> Pairs:
    """Everything alive below a frame, put into an end phase and out of the timer index.

    What waits there for a worker, the frame itself included, leaves its queue.
    """
    living = [below for below in descendants(frame, scene) if below.phase not in OVER]
    ended = tuple(
        (below, None if below.phase == DEADLINE else stopped(below, phase, scene.now)) for below in living
    )
    return ended + polling.left((frame, *living), scene)


def settle(parent: Frame, fan: Fan, now: int, event: int) -> Frame:
    """A Map or Parallel after one of its children came to an end: it starts more, joins, or waits."""
    if fan.started < fan.length:
        return parent.at(FANNING, now, event, fan)
    return parent.at(JOINING, None if fan.running else now, event, fan)


def moved(fan: Fan, started: int, running: int, link: int) -> Fan:
    """A fan-out with other counts; written out because it happens twice an iteration."""
    return tuple.__new__(
        Fan,
        (fan.number, fan.length, started, running, fan.failed, link, fan.limit, fan.effective, fan.items,
         fan.failure, fan.run),
    )  # fmt: skip


def admitted(parent: Frame, fan: Fan, now: int) -> Frame:
    """A Map after it started its next child: it goes on at once while there is room, else it waits."""
    started, running = fan.started + 1, fan.running + 1
    more = started < fan.length and (not fan.limit or running < fan.limit)
    fan = moved(fan, started, running, fan.link)
    return parent.at(FANNING if more else JOINING, now if more else None, parent.event, fan)


def capped(wanted: int, ceiling: int | None) -> int:
    """How many children may run at once under a quota; 0 means as many as there are."""
    if not ceiling:
        return wanted
    return min(wanted, ceiling) if wanted else ceiling


def deadline_frame(top: Frame, timeout_seconds: Json, limits: Limits) -> tuple[tuple[None, Frame], ...]:
    """A frame for an execution's own limit: its TimeoutSeconds, or the quota of its kind."""
    quota = limits.express_seconds if top.scope.execution.type == "EXPRESS" else limits.standard_seconds
    given = timeout_seconds if isinstance(timeout_seconds, int) else None
    bound = given if quota is None else quota if given is None else min(quota, given)
    if bound is None:
        return ()
    due = top.scope.execution.started + bound * SECOND
    return ((None, top.at(DEADLINE, due, top.event, top.id, deadline_id(top))),)


def wake(top: Frame, scene: Scene) -> Pairs:
    """What the end of a whole execution does besides: its limit is gone, and who waits for it is due."""
    limit = deadline_of(top, scene)
    gone: Pairs = () if limit is None else ((limit, None),)
    parent = parent_of(top, scene)
    if parent is None:
        return gone
    if parent.phase == NESTED and parent.work.child == top.id:
        return (*gone, (parent, parent._replace(phase=RETURNED, due=scene.now)))
    fan = parent.work
    if isinstance(fan, Fan) and fan.run is not None and top.id[0] == fan.number:
        return (*gone, (parent, after_child(parent, top, scene)))
    return gone


def after_child(parent: Frame, child: Frame, scene: Scene) -> Frame:
    """A Distributed Map after one of its executions ended; it stops when too many items have failed."""
    fan: Fan = parent.work
    run = fan.run
    assert run is not None  # noqa: S101 - only a Map Run has executions of its own
    fan = fan._replace(running=fan.running - 1)
    if child.phase != "SUCCEEDED":
        items = run.batches[child.scope.index] if run.batches else 1
        run = run._replace(failed_items=run.failed_items + items)
        fan = fan._replace(failed=fan.failed + 1, run=run)
        if exceeded(run.failed_items, run.total, run.tolerated_count, run.tolerated_percentage):
            failure = Failure(EXCEED_TOLERATED_FAILURE_THRESHOLD, THRESHOLD_EXCEEDED, parent.state)
            work = Stopping(fan._replace(failure=failure), 0)
            return parent._replace(phase=STOPPING, due=scene.now, work=work)
    return settle(parent, fan, scene.now, parent.event)
