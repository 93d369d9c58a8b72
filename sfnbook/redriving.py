"""Redrive: a failed execution goes on from where it failed.

What succeeded is kept; failed and aborted states run again with the input that they had; counters
and timeouts start anew.  `Execution` has a method for each of `redrive` and `plan`.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import SECOND
from sfnbook.errors import DATA_LIMIT_EXCEEDED, UsageError
from sfnbook.family import children, deadline_frame, descendants, fan_of, settle
from sfnbook.frames import (
    BIRTH,
    ENDED,
    ENTER,
    OVER,
    TOP,
    WAITING,
    WORK,
    WORLD,
    Change,
    Fan,
    Frame,
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
    pairs = dict(_revived(top, scene, now, first))
    after = pairs.pop(TOP)[1]
    world = frames[WORLD]
    others: list[tuple[Frame | None, Frame | None]] = list(pairs.values())
    others.append((world, world._replace(work=world.work._replace(redrives=world.work.redrives + 1))))
    others += _deadline(timeline, top, now)
    timeline.commit(Change("Redriven", now, top, after, tuple(others), first, ("ExecutionRedriven",)))


def plan(timeline: Timeline) -> list[PlannedState]:
    """Which states a redrive would run again, and which Tasks it would call a second time."""
    _check(timeline)
    scene = timeline.scene
    scene.look(timeline.frames[TOP], timeline.clock, timeline.cursor)
    rows = []
    for old, new in dict(_revived(timeline.frames[TOP], scene, timeline.clock, 0)).values():
        if new is not None and fan_of(new) is None:
            state = scene.state(old)
            called = state.type == "Task" and old.phase != ENTER and old.visit.entered > 0 and _began(old)
            rows.append(PlannedState(old.scope.prefix + state.name, state.type, old.phase, called))
    return rows


def _began(frame: Frame) -> bool:
    work = frame.work
    return not (isinstance(work, Stopped) and work.phase in {ENTER, BIRTH, WORK})


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


def _revived(frame: Frame, scene: Scene, now: int, event: int) -> Iterator[tuple[Any, tuple[Frame, Any]]]:
    """(id, (before, after)) of a frame and all below it that have to run again; outer ones last."""
    fan = fan_of(frame)
    failure = failure_in(frame.work)
    if fan is None or (failure is not None and failure.error == DATA_LIMIT_EXCEEDED):
        if fan is not None:
            for below in descendants(frame, scene):
                yield below.id, (below, None)
        yield frame.id, (frame, _leaf(frame, scene, now, event))
        return
    running = 0
    for child in children(frame, scene):
        if child.phase != "SUCCEEDED":
            running += 1
            yield from _revived(child, scene, now, event)
    yield frame.id, (frame, _container(frame, fan, running, now, event))


def _container(frame: Frame, fan: Fan, running: int, now: int, event: int) -> Frame:
    run = None if fan.run is None else fan.run._replace(failed_items=0)
    fan = fan._replace(running=running, failed=0, failure=None, run=run)
    fresh = frame._replace(visit=frame.visit._replace(retries=0, used=()))
    return settle(fresh, fan, now, event)


def _leaf(frame: Frame, scene: Scene, now: int, event: int) -> Frame:
    phase = frame.work.phase if isinstance(frame.work, Stopped) else WORK
    if phase in {ENTER, BIRTH, ENDED}:
        return frame.at(phase, now, frame.event, None)
    fresh = frame._replace(visit=frame.visit._replace(retries=0, used=()))
    state = scene.state(frame)
    if state.type == "Wait":
        scene.look(fresh, now, scene.number)
        return fresh.at(WAITING, now + state.delay(state.before(frame.data, scene), scene), event, None)
    return fresh.at(WORK, now, event, None)


def _deadline(timeline: Timeline, top: Frame, now: int) -> list[tuple[Frame | None, Frame]]:
    """The execution's own TimeoutSeconds starts anew."""
    setup = timeline.setup
    identity = top.scope.execution._replace(started=now)
    fresh = top._replace(scope=top.scope._replace(execution=identity))
    frames = deadline_frame(fresh, setup.definitions["main"], setup.limits)
    return [(timeline.frames.get(new.id), new._replace(scope=top.scope)) for _, new in frames]
