"""Parents and children among frames: who waits for whom, and what a child's end does to its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfnbook.frames import FANNING, JOINING, NESTED, OVER, Fan, Frame, Stopping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.scene import Scene

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


def fan_of(frame: Frame) -> Fan | None:
    """The fan-out that a frame is at work on."""
    work = frame.work.fan if isinstance(frame.work, Stopping) else frame.work
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
    if frame.phase == NESTED and (nested := scene.frames.get(frame.work.child)) is not None:
        yield nested
        yield from descendants(nested, scene)


def children_gone(frame: Frame, scene: Scene) -> Pairs:
    """The frames of a fan-out and everything below them, leaving the table."""
    return tuple((below, None) for below in descendants(frame, scene))


def stopped_below(frame: Frame, scene: Scene, phase: str) -> Pairs:
    """Everything alive below a frame, put into an end phase and out of the timer index."""
    return tuple(
        (below, below._replace(phase=phase, due=None))
        for below in descendants(frame, scene)
        if below.phase not in OVER
    )


def settle(parent: Frame, fan: Fan, now: int, event: int) -> Frame:
    """A Map or Parallel after one of its children came to an end: it starts more, joins, or waits."""
    if fan.started < fan.length:
        return parent._replace(phase=FANNING, due=now, event=event, work=fan)
    return parent._replace(phase=JOINING, due=None if fan.running else now, event=event, work=fan)


def wake(child: Frame, scene: Scene) -> Pairs:
    """What the end of a whole execution does to the frame that waits for it."""
    parent = parent_of(child, scene)
    if parent is None:
        return ()
    if parent.phase == NESTED and parent.work.child == child.id:
        return ((parent, parent._replace(due=scene.now)),)
    if isinstance(parent.work, Fan):  # a Distributed Map
        fan = parent.work
        failed = fan.failed + (child.phase != "SUCCEEDED")
        after = settle(parent, fan._replace(running=fan.running - 1, failed=failed), scene.now, parent.event)
        return ((parent, after),)
    return ()
