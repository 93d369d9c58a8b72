"""The Task state: schedule, start, wait for what comes of it, take the result.

Who answers is none of this file's business: `start` gives a `Request` to the timeline, the one
place that calls anybody, and `started` makes the change of what came back.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from sfnbook import chance, faults, polling
from sfnbook.clock import NEVER, SECOND, microseconds
from sfnbook.errors import RUNTIME, TIMEOUT, Failed, UsageError
from sfnbook.failing import resolve, too_large
from sfnbook.frames import (
    ANSWERED,
    AWAITING,
    EXPIRING,
    FAILED,
    LAPSED,
    QUEUED,
    RESULT,
    SCHEDULED,
    STARTED,
    WORLD,
    Activity,
    Awaiting,
    Change,
    Failure,
    Frame,
    Nested,
    Running,
    Scheduled,
    Submitting,
    World,
    failure_in,
)
from sfnbook.tasks.durations import Duration, drawn
from sfnbook.tasks.protocol import Outcome
from sfnbook.values import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sfnbook.definition import Task
    from sfnbook.frames import FrameId
    from sfnbook.polling import Pairs
    from sfnbook.program import Compiled, CompiledTask
    from sfnbook.scene import Scene
    from sfnbook.tasks.answers import Answer
    from sfnbook.tasks.resources import Resource

_new = tuple.__new__  # see decide: a NamedTuple's own constructor costs three times as much

DEFAULT_TIMEOUT = 99_999_999 * SECOND

TO_OUTSIDE = Outcome(waits=True)
"""Nobody here answers for a callback: its request is sent, and the Task waits for the token."""


class Request(NamedTuple):
    """Someone outside is needed: to answer for a Task, to read items, to write results."""

    state: Any
    frame: Frame


TOKEN = re.compile(r"sfnbook\.[0-9a-f]{64}\.(\d{1,18})\.(\d{1,18})")


def schedule(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """Make the arguments and write TaskScheduled; each attempt does it anew."""
    raw, resource = frame.data, state.resource
    activity = resource.kind == "activity"
    token = task_token(scene, frame) if activity or resource.pattern != "request" else None
    if not activity:
        scene.token = token
    arguments = state.before(raw, scene)
    if resource.service in REFUSED:
        REFUSED[resource.service](state, arguments, scene)
    if arguments is not scene.measured:
        large = too_large(arguments, state.name, "arguments", state, scene.payload_bytes)
        if large is not None:
            return resolve(state, frame, scene, large)
        scene.measured = arguments
    timeout = state.timeout(raw, scene) if state.timeout else None
    heartbeat = state.heartbeat(raw, scene) if state.heartbeat else None
    role = state.role(raw, scene) if state.role else None
    task = _new(Scheduled, (arguments, timeout, heartbeat, token, role, None))
    first = scene.first
    after = frame.at(SCHEDULED, scene.now, first, task)
    others: Pairs = ()
    if activity:
        after, others = queued(state, after, scene)
    return _new(Change, ("TaskScheduled", scene.now, frame, after, others, first, state.events.scheduled))


def queued(state: CompiledTask, frame: Frame, scene: Scene) -> tuple[Frame, Pairs]:
    """An activity task goes to the end of its queue, unless it has an answer that is no worker's."""
    queue = scene.queues.get((frame.scope.execution.machine, state.pointer))
    if queue is None or faults.find(frame, state.name, scene) is not None:
        return frame, ()
    waited = scene.waited(scene, state, frame)
    if waited is not None:
        return frame._replace(due=scene.now + waited), ()
    if queue.pool is None and scene.is_answered(scene, state, frame):
        return frame, ()
    ticket, others = polling.joined(frame, queue, scene)
    phase = AWAITING if queue.pool is None else QUEUED
    return frame.at(phase, None, frame.event, Awaiting(frame.work, scene.now, ticket=ticket)), others


def _unknown_activity(state: CompiledTask, _arguments: Any, scene: Scene) -> None:
    arn = cast("Task", state.definition).resource
    if scene.activities is not None and arn not in scene.activities:
        raise Failed(RUNTIME, f"The activity {arn} does not exist.")


def _no_lists(state: CompiledTask, arguments: Any, _scene: Scene) -> None:
    if state.resource.kind != "integration" or not isinstance(arguments, dict):
        return
    for field in ("Headers", "QueryParameters"):
        if not _lists_of_text(arguments.get(field)):
            problem = f"The value of the field '{field}' has an invalid format"
            raise Failed(
                RUNTIME,
                f"The Parameters '{text(arguments)}' could not be used to start the Task: [{problem}]",
            )


def _lists_of_text(value: Any) -> bool:
    return value is None or (
        isinstance(value, dict) and all(isinstance(item, list) for item in value.values())
    )


REFUSED: Final[dict[str, Callable[[CompiledTask, Any, Scene], None]]] = {
    "activity": _unknown_activity,
    "apigateway": _no_lists,
}
"""By service: what AWS refuses, in the arguments, before it writes that the Task is scheduled."""


def task_token(scene: Scene, frame: Frame) -> str:
    """A token that no other attempt has; the same place in the same run has the same one."""
    bits = scene.draw_bits("token")
    words = [chance.mix(bits + number) for number in range(4)]
    return "sfnbook." + "".join(f"{word:016x}" for word in words) + f".{frame.id[0]}.{frame.id[1]}"


def frame_of(token: str) -> FrameId | None:
    """The id of the frame that a token was made for."""
    found = TOKEN.fullmatch(token)
    return None if found is None else (int(found[1]), int(found[2]))


def start(state: CompiledTask, frame: Frame, scene: Scene) -> Change | Request:
    """Start the Task: an injected error or a set result answers first, else whoever is asked."""
    fault = faults.find(frame, state.name, scene) if scene.frames[WORLD].work.faults else None
    if fault is None:
        return _new(Request, (state, frame))
    outcome = Outcome(fault.result, fault.error, fault.cause, fault.kind == "error")
    begin = taken if frame.phase == QUEUED else started
    return begin(state, frame, scene, outcome, answered_by="injected")


def poll(_state: Compiled, frame: Frame, scene: Scene) -> Change | Request:
    """A worker of an activity polls, and takes the task that waits longest."""
    task = polling.first_in_line(frame, scene)
    assert task is not None  # noqa: S101 - it is due because a task waits
    return start(scene.look(task, scene.now, scene.number), task, scene)


def started(
    state: CompiledTask,
    frame: Frame,
    scene: Scene,
    outcome: Outcome,
    others: Any = (),
    answered_by: str = "",
) -> Change:
    """TaskStarted, with what will come of it and when."""
    if scene.frames[WORLD].work.faults and not outcome.waits:
        outcome = faults.laid_over(frame, state.name, scene, outcome)
        others = faults.used_up(frame, state.name, scene, others)
    arguments, timeout, heartbeat, token, role, _ = frame.work
    task: Scheduled = _new(Scheduled, (arguments, timeout, heartbeat, token, role, scene.now))
    seconds = outcome.seconds
    if isinstance(seconds, Duration):
        seconds = seconds.draw(scene.draw_bits("seconds"))
    due, in_time, missed_beat = when(outcome, seconds, task, scene.now)
    failure = None
    if not in_time:
        failure = Failure(TIMEOUT, None, state.pointer, heartbeat=missed_beat)
    elif outcome.failed:
        failure = _new(
            Failure, (outcome.error, outcome.cause, state.pointer, None, False, False, None, None, None)
        )
    if failure is not None and outcome.backoff is not None:
        failure = failure._replace(backoff=microseconds(outcome.backoff))
    result = outcome.result if in_time else None
    submits = state.resource.pattern != "request" and not outcome.refused
    if outcome.waits and not submits:
        if state.resource.kind != "activity" and answered_by != "recording":
            raise UsageError(
                f"The answer for {state.name!r} waits for a task token, and its Task has none: only "
                ".waitForTaskToken, .sync and activities have one."
            )
        return handed_on(state, frame, scene, task, outcome, others)
    submitted = outcome.submitted
    if submits and submitted is None:
        submitted = accepted(state.resource)
    told = outcome.traceback, answered_by, outcome.worker, None, outcome.why
    work = _new(Running, (task, result, failure, submitted, *told))
    return begun(state, frame, scene, work, None if outcome.waits else due, in_time, submits, others)


def begun(
    state: CompiledTask,
    frame: Frame,
    scene: Scene,
    work: Running,
    due: int | None,
    in_time: bool,
    submits: bool,
    others: Any,
) -> Change:
    """TaskStarted, where it is known what comes of it and when; ``submits`` a job or callback first."""
    first = scene.first
    if submits:
        after = frame.at(STARTED, scene.now, first, Submitting(work, due, in_time))
    else:
        after = frame.at(ANSWERED if in_time else EXPIRING, due, first, work)
    events = state.events.started
    return _new(Change, ("TaskStarted", scene.now, frame, after, others, first, events))


def taken(
    state: CompiledTask, frame: Frame, scene: Scene, outcome: Outcome, others: Any = (), answered_by: str = ""
) -> Change:
    """TaskStarted: a worker takes the task that waits longest, and is busy until its work is done."""
    wait: Awaiting = frame.work
    activity: Activity = scene.frames[polling.activity_id_of(wait)].work
    pool, (_, _, number) = activity.pool, polling.next_worker(activity, scene.now)
    assert pool is not None  # noqa: S101 - a worker has a pool
    seconds = drawn(outcome.seconds, scene.draw_bits("seconds")) / pool.speed
    beats = tuple(beat / pool.speed for beat in outcome.heartbeats)
    outcome = outcome._replace(seconds=seconds, heartbeats=beats, worker=f"{pool.name}-{number}")
    until = NEVER if outcome.never else scene.now + microseconds(seconds)
    others = (*others, *polling.busy(wait, scene, until))
    ready = frame.at(SCHEDULED, scene.now, frame.event, wait.task)
    return started(state, ready, scene, outcome, others, answered_by)._replace(before=frame)


def handed_on(
    state: CompiledTask, frame: Frame, scene: Scene, task: Scheduled, outcome: Outcome, others: Any
) -> Change:
    """Whoever took the task hands it on: somebody else will answer, an activity's with its token."""
    first = scene.first
    after = open_wait(frame, scene, task, outcome.worker)._replace(event=first)
    return Change("TaskStarted", scene.now, frame, after, others, first, state.events.started)


def accepted(resource: Resource) -> dict[str, Any]:
    """What a service answers when it takes a job or a callback request, where no answer says more."""
    return {
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        **ACCEPTED.get((resource.service, resource.action), {}),
    }


ACCEPTED: dict[tuple[str | None, str | None], dict[str, Any]] = {
    ("sqs", "sendMessage"): {"MD5OfMessageBody": "", "MessageId": ""},
    ("sns", "publish"): {"MessageId": ""},
    ("lambda", "invoke"): {"ExecutedVersion": "$LATEST", "Payload": None, "StatusCode": 200},
}


def when(outcome: Outcome, seconds: float, task: Scheduled, now: int) -> tuple[int, bool, bool]:
    """When the outcome comes or the Task expires: (time, in time?, was a heartbeat missed?)."""
    if not seconds and not outcome.never:
        return now, True, False
    end = NEVER if outcome.never else now + microseconds(seconds)
    beats = ahead(outcome.heartbeats, now, end) if task.heartbeat is not None else ()
    expires, missed = expiry(task, now, beats)
    return (end, True, False) if end <= expires else (expires, False, missed)


def ahead(heartbeats: Iterable[float], now: int, end: int) -> tuple[int, ...]:
    """The instants of heartbeats so many seconds from now, but for those after the end."""
    beats = sorted(now + microseconds(seconds) for seconds in heartbeats)
    return tuple(beats[: bisect_right(beats, end)])


def expiry(task: Scheduled, beat: int, beats: Sequence[int] = ()) -> tuple[int, bool]:
    """When a Task expires if nobody answers, and whether of a missed heartbeat.

    ``beat`` is when it was last heard of, ``beats`` are the heartbeats to come.
    """
    end = NEVER
    if task.started is not None:
        end = task.started + (DEFAULT_TIMEOUT if task.timeout is None else task.timeout)
    if task.heartbeat is not None:
        silent = last_beat(beat, beats, task.heartbeat) + task.heartbeat
        if silent < end:
            return silent, True
    return end, False


def last_beat(beat: int, beats: Sequence[int], limit: int) -> int:
    """The last heartbeat before the first pause that is too long."""
    if isinstance(beats, range) and beats and beats.step <= limit:
        return max(beat, beats[-1]) if beats[0] - beat <= limit else beat
    for moment in beats:
        if moment - beat > limit:
            break
        beat = max(beat, moment)
    return beat


def submit(_state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """The service accepted the job, or sent the request whose token comes back."""
    first = scene.next_event(frame)
    if isinstance(frame.work, Nested):
        after = frame._replace(event=first)
    elif frame.work.due is None:
        after = open_wait(frame, scene, frame.work.running.task)._replace(event=first)
    else:
        work, due, in_time = frame.work
        after = frame.at(ANSWERED if in_time else EXPIRING, due, first, work)
    return Change("TaskSubmitted", scene.now, frame, after, (), first, ("TaskSubmitted",))


def open_wait(frame: Frame, scene: Scene, task: Scheduled, worker: str | None = None) -> Frame:
    """The Task now waits for someone outside, until a deadline if it has one."""
    return awaiting(frame, Awaiting(task, scene.now, worker))


def awaiting(frame: Frame, wait: Awaiting) -> Frame:
    """The frame of an open wait: until its deadline, or until the answer that is on its way arrives."""
    if wait.coming is None:
        return frame.at(AWAITING, deadline(wait), frame.event, wait)
    running, due = wait.coming
    expires, missed = expiry(wait.task, wait.beat, wait.beats)
    if due <= expires:
        return frame.at(ANSWERED, due, frame.event, running._replace(wait=wait))
    failure = Failure(TIMEOUT, None, frame.state, heartbeat=missed)
    return frame.at(EXPIRING, expires, frame.event, Running(wait.task, None, failure, wait=wait))


def deadline(wait: Awaiting) -> int | None:
    """When an open wait expires; None: not before anyone cares."""
    if not wait.taken or (wait.task.timeout is None and wait.task.heartbeat is None):
        return None
    return expiry(wait.task, wait.beat, wait.beats)[0]


def heard(wait: Awaiting, now: int) -> int:
    """When an open wait was last heard of, the heartbeats that were planned until now included."""
    assert wait.task.heartbeat is not None  # noqa: S101 - asked of no others
    return last_beat(wait.beat, wait.beats[: bisect_right(wait.beats, now)], wait.task.heartbeat)


def open_wait_in(frame: Frame, now: int) -> Awaiting | None:
    """The wait of a frame that may still be answered: an answer that has arrived ends it."""
    wait = wait_in(frame)
    if wait is not None and wait.coming is not None and wait.coming.due <= now:
        return None
    return wait


def wait_in(frame: Frame) -> Awaiting | None:
    """The open wait that a frame stands in, with its answer on the way or not."""
    if frame.phase in {AWAITING, QUEUED}:
        return cast("Awaiting", frame.work)
    return frame.work.wait if frame.phase in {ANSWERED, EXPIRING} else None


def answered(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """The outcome is due: TaskSucceeded or TaskFailed."""
    work: Running = frame.work
    failure = work.failure
    if failure is None and work.result is not None:
        failure = too_large(work.result, culprit(state), "result", state, scene.payload_bytes)
    first = scene.first
    if failure is None:
        after = frame.at(RESULT, scene.now, first, work)
        return _new(Change, ("TaskSucceeded", scene.now, frame, after, (), first, state.events.succeeded))
    if failure is not work.failure:
        work = work._replace(failure=failure)
    after = frame.at(FAILED, scene.now, first, work)
    return _new(Change, ("TaskFailed", scene.now, frame, after, (), first, state.events.failed))


def culprit(state: CompiledTask) -> str:
    """What AWS calls a Task whose result is too large: a Lambda's ARN, else the kind of service."""
    definition = cast("Task", state.definition)
    return definition.resource if state.resource.kind == "lambda" else str(state.resource.resource_type)


def expire(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """The Task, or the one who should have answered, was too late."""
    work = frame.work
    if isinstance(work, Awaiting):
        missed = expiry(work.task, work.beat, work.beats)[1]
        work = Running(work.task, None, Failure(TIMEOUT, None, state.pointer, heartbeat=missed))
    first = scene.next_event(frame)
    after = frame.at(LAPSED, scene.now, first, work)
    return Change("TaskTimedOut", scene.now, frame, after, (), first, state.events.timed_out)


def failed(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """Ask Retry and Catch about the failure."""
    failure = failure_in(frame.work)
    assert failure is not None  # noqa: S101 - the phase says so
    return resolve(state, frame, scene, failure)


def remembered(scene: Scene, answer: Answer, memory: Any) -> tuple[tuple[Frame, Frame], ...]:
    """The WORLD frame after an answer that counts its calls, or remembers something, was asked once more."""
    world, key = scene.frames[WORLD], answer.key
    work: World = world.work
    if answer.counted:
        work = work._replace(counts={**work.counts, key: work.counts.get(key, 0) + 1})
    if answer.remembers and memory != work.memories.get(key):
        work = work._replace(memories={**work.memories, key: memory})
    return () if work is world.work else ((world, world._replace(work=work)),)
