"""Redrive: a failed execution goes on from where it failed.

What succeeded is kept; failed and aborted states run again with the input that they had; counters
and timeouts start anew.  `Execution` has them as its methods `redrive` and `redrive_plan`.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import SECOND
from sfnbook.errors import DATA_LIMIT_EXCEEDED, Failed, UsageError
from sfnbook.failing import failure_of
from sfnbook.family import children, deadline_frame, descendants, fan_of, settle
from sfnbook.frames import (
    BIRTH,
    ENDED,
    ENTER,
    FAILED,
    FIRST_VISIT,
    JOINING,
    OVER,
    TOP,
    WAITING,
    WORK,
    WORLD,
    Change,
    Fan,
    Frame,
    FrameId,
    Stopped,
    failure_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.scene import Scene
    from sfnbook.timeline import Timeline

DAYS_14: Final = 14 * 86_400 * SECOND
LAST_EVENT: Final = 24_999
REDRIVABLE: Final = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


class PlannedState(NamedTuple):
    """One state that a redrive runs again."""

    path: str
    type: str
    status: str
    calls_again: bool

    def __str__(self) -> str:
        again = "; its Task is called a second time" if self.calls_again else ""
        return f"{self.path} ({self.type}, {self.status}) runs again{again}"


def redrive(timeline: Timeline) -> None:
    """Ready the failed states again (RedriveExecution); the next steps run them.

    Raises UsageError, as AWS raises ExecutionNotRedrivable, unless a Standard execution failed, was
    aborted or timed out, in the last 14 days and with fewer than 24,999 events.
    """
    _check(timeline)
    frames, scene, now = timeline.frames, timeline.scene, timeline.clock
    top = frames[TOP]
    scene.look(top, now, timeline.cursor)
    first = scene.next_event(top)
    pairs = dict(_revived(top, scene, now))
    after = pairs.pop(TOP)[1]
    world = frames[WORLD]
    others: list[tuple[Frame | None, Frame | None]] = list(pairs.values())
    others.append(
        (world, world._replace(work=world.work._replace(redrives=world.work.redrives + 1, redriven=now)))
    )
    others += _deadline(timeline, top, now)
    timeline.commit(Change("Redriven", now, top, after, tuple(others), first, ("ExecutionRedriven",)))
    for _, revived in ((top, after), *reversed(pairs.values())):
        if revived is not None:
            _write_events(timeline, revived)


def _write_events(timeline: Timeline, revived: Frame) -> None:
    """The events that others than the execution itself get: its Map Runs, and their children."""
    if _is_child(revived) and revived.phase != BIRTH:
        _write_event(timeline, revived.id, "Redriven", "ExecutionRedriven")
    fan = fan_of(revived)
    if fan is not None and fan.run is not None:
        _write_event(timeline, revived.id, "FanOutStarted", "MapRunRedriven")


def _write_event(timeline: Timeline, frame_id: FrameId, kind: str, event: str) -> None:
    frame, world = timeline.frames[frame_id], timeline.frames[WORLD]
    first = timeline.scene.next_event(frame)
    after = frame._replace(event=first)
    timeline.commit(Change(kind, timeline.clock, frame, after, ((world, world),), first, (event,)))


def _is_child(frame: Frame) -> bool:
    """Is this the top-level flow of a child execution?"""
    return frame.id == frame.scope.execution.key != TOP


def plan(timeline: Timeline) -> list[PlannedState]:
    """Which states a redrive would run again, and which Tasks it would call a second time."""
    _check(timeline)
    scene = timeline.scene
    scene.look(timeline.frames[TOP], timeline.clock, timeline.cursor)
    rows = []
    for old, new in dict(_revived(timeline.frames[TOP], scene, timeline.clock)).values():
        if new is not None and fan_of(new) is None:
            state = scene.state(old)
            called = state.type == "Task" and old.phase != ENTER and old.visit.entered > 0 and _began(old)
            rows.append(PlannedState(old.scope.prefix + state.name, state.type, old.phase, called))
    return rows


def _began(frame: Frame) -> bool:
    work = frame.work
    if isinstance(work, Stopped):
        return work.phase not in {ENTER, BIRTH, WORK}
    # The latest event of a whole execution's flow is the one that ended it.
    ended = frame.id == frame.scope.execution.key
    return frame.event - ended > frame.visit.entered


def _check(timeline: Timeline) -> None:
    timeline.settle()
    top = timeline.frames.get(TOP)
    status = "RUNNING" if top is None or top.phase not in OVER else top.phase
    if timeline.cursor < len(timeline.changes):
        raise UsageError("Go to the end of the execution before you redrive it: execution.run().")
    problem = None
    if status not in REDRIVABLE:
        problem = f"its status is {status}"
    elif timeline.setup.birth.frame.scope.execution.type == "EXPRESS":
        problem = "Express executions have no redrive"
    elif timeline.counters[TOP] >= LAST_EVENT:
        problem = f"it has {timeline.counters[TOP]} events"
    elif timeline.clock - timeline.setup.birth.time > DAYS_14:
        problem = "it started more than 14 days ago"
    if problem:
        raise UsageError(f"ExecutionNotRedrivable: the execution cannot be redriven, {problem}.")


def _revived(frame: Frame, scene: Scene, now: int) -> Iterator[tuple[Any, tuple[Frame, Any]]]:
    """(id, (before, after)) of a frame and all below it that have to run again; outer ones last."""
    fan = fan_of(frame)
    # What goes on points at the ExecutionRedriven of its own execution, which is its next event.
    event = frame.event if _is_child(frame) else scene.next_event(frame)
    failure = failure_in(frame.work)
    whole = failure is not None and failure.error == DATA_LIMIT_EXCEEDED
    # A Map Run whose items could not be read has no children to redrive: it is made anew.
    unread = fan is not None and fan.run is not None and not fan.started
    if fan is None or whole or unread:
        if fan is not None:
            for below in descendants(frame, scene):
                yield below.id, (below, None)
        yield frame.id, (frame, _leaf(frame, scene, now, event))
        return
    running = 0
    for child in children(frame, scene):
        if child.phase != "SUCCEEDED":
            running += 1
            if child.scope.execution.type == "EXPRESS":
                yield from _started_anew(child, scene, scene.state(frame).start, now)
            else:
                yield from _revived(child, scene, now)
    yield frame.id, (frame, _container(frame, fan, running, now, event))


def _started_anew(
    child: Frame, scene: Scene, start: str, now: int
) -> Iterator[tuple[Any, tuple[Frame, Any]]]:
    """An Express child of a Map Run cannot go on: it is started again under the same name."""
    for below in descendants(child, scene):
        yield below.id, (below, None)
    execution = child.scope.execution._replace(started=now)
    scope = child.scope._replace(execution=execution)
    yield (
        child.id,
        (child, Frame(child.id, scope, start, BIRTH, execution.input, {}, FIRST_VISIT, now, 0, None)),
    )


def _container(frame: Frame, fan: Fan, running: int, now: int, event: int) -> Frame:
    run = None if fan.run is None else fan.run._replace(failed_items=0)
    fan = fan._replace(running=running, failed=0, failure=None, run=run)
    fresh = frame._replace(visit=frame.visit._replace(retries=0, used=()))
    if fan.limit and running >= fan.limit:
        return fresh.at(JOINING, None, event, fan)
    return settle(fresh, fan, now, event)


def _leaf(frame: Frame, scene: Scene, now: int, event: int) -> Frame:
    phase = frame.work.phase if isinstance(frame.work, Stopped) else WORK
    if phase in {ENTER, BIRTH, ENDED}:
        return frame.at(phase, now, frame.event, None)
    fresh = frame._replace(visit=frame.visit._replace(retries=0, used=()))
    state = scene.state(frame)
    if state.type == "Wait":
        scene.look(fresh, now, scene.number)
        try:
            delay = state.delay(state.before(frame.data, scene), scene)
        except Failed as problem:
            return fresh.at(FAILED, now, event, failure_of(problem, state, fresh))
        return fresh.at(WAITING, now + delay, event, None)
    return fresh.at(WORK, now, event, None)


def _deadline(timeline: Timeline, top: Frame, now: int) -> list[tuple[Frame | None, Frame]]:
    """The execution's own TimeoutSeconds starts anew."""
    setup = timeline.setup
    identity = top.scope.execution._replace(started=now)
    fresh = top._replace(scope=top.scope._replace(execution=identity))
    frames = deadline_frame(fresh, setup.definitions["main"].timeout_seconds, setup.limits)
    return [(timeline.frames.get(new.id), new._replace(scope=top.scope)) for _, new in frames]
