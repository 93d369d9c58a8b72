"""Activities: the queue of each, and the workers that poll it.

An activity is a frame of its own, made when its first task comes.  Its tasks wait in the order in which
they were scheduled, each with a *ticket*: a frame whose id is the activity's number and the place in
line, as the children of a Map have theirs.  So a queue of any length is joined and left in constant time,
and goes back and forth with everything else.  A queue is due when a task waits and a worker will poll:
idle workers make no transitions.  What happens to a task that is taken is in `working`.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sfnbook.clock import NEVER
from sfnbook.frames import POLLING, TICKET, WORLD, Activity, Awaiting, Frame, FrameId, Pool, Queue
from sfnbook.tasks.resources import parse_resource
from sfnbook.tasks.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sfnbook.frames import Change
    from sfnbook.scene import Scene
    from sfnbook.tasks.answers import Answer, Answers, TaskRef

Pairs = tuple[tuple[Frame | None, Frame | None], ...]


def queues_of(refs: Mapping[tuple[str, str], TaskRef], answers: Answers) -> dict[tuple[str, str], Queue]:
    """The queue of every activity Task: one for each ARN, and for each pool of workers at it."""
    numbers: dict[tuple[str, str | None], int] = {}
    found = {}
    for place, ref in refs.items():
        if parse_resource(ref.resource).kind == "activity":
            answer = answers.find(ref)
            pool = pool_of(answer)
            key = None if pool is None or answer is None else answer.key
            number = numbers.setdefault((ref.resource, key), len(numbers))
            found[place] = Queue(number, ref.resource, pool)
    return found


def pool_of(answer: Answer | None) -> Pool | None:
    """The workers that an answer is; None if it is something else."""
    spec: Any = None if answer is None else answer.spec
    if not isinstance(spec, Worker):
        return None
    return Pool(spec.count, spec.poll, spec.speed, spec.name)


def activity_id(number: int) -> FrameId:
    """The id of the frame of an activity; its tickets are (the same, 1), (the same, 2) ..."""
    return -2 - number, 0


def activity_id_of(wait: Awaiting) -> FrameId:
    """The id of the activity in whose queue a task waits."""
    assert wait.ticket is not None  # noqa: S101 - it waits in line
    return wait.ticket[0], 0


# --- joining --------------------------------------------------------------------------------------
def joined(task: Frame, queue: Queue, scene: Scene) -> tuple[FrameId, Pairs]:
    """The ticket of a task that goes to the end of a queue, and what that changes.

    An idle worker is woken for its next poll.
    """
    key = activity_id(queue.number)
    before = scene.frames.get(key)
    activity = opened(queue, scene) if before is None else before.work
    ticket = (key[0], activity.tail)
    activity = activity._replace(tail=activity.tail + 1, waiting=activity.waiting + 1)
    frame = before or scene.frames[WORLD]._replace(id=key)
    if frame.due is None:
        after = frame.at(POLLING, next_poll(activity, scene.now), task.event, activity)
    else:
        after = frame.at(POLLING, frame.due, frame.event, activity)
    place = frame.at(TICKET, None, task.event, task.id)._replace(id=ticket)
    return ticket, ((before, after), (None, place))


def opened(queue: Queue, scene: Scene) -> Activity:
    """An activity without tasks; its workers began to poll when the execution started."""
    count = 0 if queue.pool is None else queue.pool.count
    began = scene.frames[WORLD].scope.execution.started
    workers = tuple((began, number) for number in range(1, count + 1))
    return Activity(queue.arn, queue.pool, 1, 1, 0, workers)


# --- polling --------------------------------------------------------------------------------------
def next_poll(activity: Activity, now: int) -> int | None:
    """When a worker polls next; None while nothing waits, or nobody polls (any more)."""
    if not activity.waiting or activity.pool is None:
        return None
    moment = next_worker(activity, now)[0]
    return moment if moment < NEVER else None


def next_worker(activity: Activity, now: int) -> tuple[int, int, int]:
    """(when it polls, since when it is free, its number) of the worker that polls first.

    One that found nothing polls again after ``poll`` microseconds, over and over; with 0 it waits at the
    line until a task comes.
    """
    assert activity.pool is not None  # noqa: S101 - people do not poll
    poll = activity.pool.poll
    if not poll:
        free, number = activity.workers[0]
        return max(free, now), free, number
    return min((poll_at(free, now, poll), free, number) for free, number in activity.workers)


def poll_at(free: int, now: int, poll: int) -> int:
    """The first poll from now on of a worker that has been free since some time."""
    return free if now <= free else now + -(now - free) % poll


def first_in_line(activity: Frame, scene: Scene) -> Frame | None:
    """The task that has waited longest."""
    ticket = scene.frames.get((activity.id[0], activity.work.head))
    return None if ticket is None else scene.frames[ticket.work]


# --- leaving --------------------------------------------------------------------------------------
def taken(wait: Awaiting, scene: Scene) -> Pairs:
    """What it changes that a task is taken by hand."""
    frame = scene.frames[activity_id_of(wait)]
    return _without(frame, frame.work, _ticket(wait), scene)


def busy(wait: Awaiting, scene: Scene, until: int) -> Pairs:
    """What it changes that the worker who polls next takes a task, and is busy until then."""
    frame = scene.frames[activity_id_of(wait)]
    activity: Activity = frame.work
    number = next_worker(activity, scene.now)[2]
    others = (one for one in activity.workers if one[1] != number)
    workers = tuple(sorted((*others, (until, number))))
    return _without(frame, activity._replace(workers=workers, done=activity.done + 1), _ticket(wait), scene)


def until_in(change: Change) -> int | None:
    """Until when a worker is busy who took a task with this change; None: no worker did."""
    for before, after in change.others:
        if before is not None and after is not None and after.phase == POLLING:
            old, new = before.work, after.work
            if new.done == old.done:
                return None
            changed = set(new.workers) - set(old.workers)  # not if it takes no time
            return min(changed)[0] if changed else change.time
    return None


def _ticket(wait: Awaiting) -> tuple[FrameId, ...]:
    return () if wait.ticket is None else (wait.ticket,)


def left(frames: Iterable[Frame], scene: Scene) -> Pairs:
    """What it changes that some frames are stopped: those that wait in a queue leave it."""
    lines: dict[int, list[FrameId]] = defaultdict(list)
    for frame in frames:
        if isinstance(frame.work, Awaiting) and (ticket := frame.work.ticket) is not None:
            lines[ticket[0]].append(ticket)
    pairs: Pairs = ()
    for line, tickets in lines.items():
        frame = scene.frames[line, 0]
        pairs += _without(frame, frame.work, tickets, scene)
    return pairs


def _without(frame: Frame, activity: Activity, tickets: Iterable[FrameId], scene: Scene) -> Pairs:
    gone = {ticket: scene.frames[ticket] for ticket in tickets}
    activity = activity._replace(waiting=activity.waiting - len(gone))
    head = next(_in_line(frame, activity, gone, scene), activity.tail)
    activity = activity._replace(head=head)
    after = frame.at(POLLING, next_poll(activity, scene.now), scene.first, activity)
    return ((frame, after), *((place, None) for place in gone.values()))


def _in_line(frame: Frame, activity: Activity, gone: Mapping[FrameId, Frame], scene: Scene) -> Iterator[int]:
    """The places from the head on that are still taken: those who left early are passed over once."""
    for place in range(activity.head, activity.tail):
        ticket = (frame.id[0], place)
        if ticket in scene.frames and ticket not in gone:
            yield place
