"""Answers from outside: task tokens (push) and activity tasks (pull).

`Pending` is an open task as people hold it.  An answer is one change, with its time: one that is to
come later is on its way, and the clock goes up to it by itself.  Heartbeats to come are kept as a plan, not
as changes: on AWS they write no events either.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import NEVER, duration, microseconds, seconds
from sfnbook.errors import UsageError, did_you_mean
from sfnbook.frames import SCHEDULED, STARTED, Awaiting, Change, Coming, Failure, Frame, Running, task_in
from sfnbook.history import task_of
from sfnbook.notebook import in_a_notebook
from sfnbook.outside import payload, write
from sfnbook.polling import activity_id, first_in_line, taken
from sfnbook.tasks.durations import drawn
from sfnbook.tasks.protocol import ENDINGS, Outcome, ended, failed, failure, succeeded, timing
from sfnbook.values import Json, checked, copied
from sfnbook.working import ahead, awaiting, deadline, expiry, frame_of, heard, open_wait_in, wait_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.frames import FrameId
    from sfnbook.tasks.durations import Seconds
    from sfnbook.tasks.protocol import Ending
    from sfnbook.timeline import Timeline
    from sfnbook.widgets.approval import Approval

APPROVED: Final = {"approved": True}
REJECTED: Final = failure("Rejected")

LATE = frozenset({SCHEDULED, STARTED})
"""Phases of a Task whose request is still being sent."""


class Pending:
    """An open callback or activity task: answer it, or let it be heard of.

    >>> import sfnbook
    >>> resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    >>> task = {"Type": "Task", "Resource": resource, "TimeoutSeconds": 9000, "End": True}
    >>> execution = sfnbook.load({"StartAt": "Ask", "States": {"Ask": task}}).start().run()
    >>> execution.pending
    [<Pending Ask until 2 h 30 min>]
    >>> execution.pending[0].succeed({"approved": True}, after=3600)
    >>> execution.pending
    [<Pending Ask answered at 1 h>]
    >>> execution.result(), execution.time
    ({'approved': True}, 3600.0)
    """

    __slots__ = ("_execution", "_seen", "_state")

    def __init__(self, execution: Timeline, frame: Frame, state: Any) -> None:
        self._execution, self._seen, self._state = execution, frame, state

    @property
    def _timeline(self) -> Timeline:
        return self._execution

    # --- what it is -----------------------------------------------------------------------------
    @property
    def frame(self) -> Frame:
        """Its frame as it stands; once it is no longer open, as it was last seen."""
        return still_open(self._timeline, self._seen) or self._seen

    @property
    def _wait(self) -> Awaiting:
        wait = wait_in(self.frame)
        assert wait is not None  # noqa: S101 - an open task's frame waits
        return wait

    @property
    def token(self) -> str | None:
        """The task token; None for an activity task that no worker has taken."""
        return self._wait.task.token if self._wait.taken else None

    @property
    def state(self) -> str:
        """The name of the Task."""
        name: str = self._state.name
        return name

    @property
    def path(self) -> str:
        """The Task with the iterations around it."""
        return self.frame.scope.prefix + self.state

    @property
    def input(self) -> Json:
        """What was sent with the token, or is given to the worker."""
        return copied(self._wait.task.arguments)

    @property
    def deadline(self) -> float | None:
        """Virtual seconds at which it times out, with the heartbeats that are planned; None: never."""
        return self._shown(deadline(self._wait))

    @property
    def answered_at(self) -> float | None:
        """Virtual seconds at which an answer that is on its way arrives; None when there is none."""
        coming = self._wait.coming
        return None if coming is None or coming.due >= NEVER else self._shown(coming.due)

    @property
    def is_open(self) -> bool:
        """May it still be answered?"""
        return still_open(self._timeline, self._seen) is not None

    @property
    def now(self) -> float:
        """The virtual clock of the execution, in seconds since its start."""
        self._timeline.settle()
        return seconds(self._timeline.clock - self._timeline.setup.birth.time)

    @property
    def standing(self) -> str:
        """How the execution stands, in a few words."""
        return f"{self._timeline.status} at {duration(self.now)}"

    def _shown(self, moment: int | None) -> float | None:
        return None if moment is None else seconds(moment - self._timeline.setup.birth.time)

    # --- what is done to it -----------------------------------------------------------------------
    def succeed(self, output: Json, after: Seconds = 0) -> None:
        """SendTaskSuccess, now or so many virtual seconds from now (a number or a distribution).

        Raises UsageError when the task is no longer open, as the API says TaskTimedOut.
        """
        seen, given = self.frame, succeeded(payload(output, "The output"), after)
        self._act("answered", lambda timeline: _answer(timeline, seen, given))

    def fail(self, error: str | None = None, cause: str | None = None, after: Seconds = 0) -> None:
        """SendTaskFailure, now or so many virtual seconds from now."""
        seen, given = self.frame, failed(error, cause, after)
        self._act("failed from outside", lambda timeline: _answer(timeline, seen, given))

    def answer(self, ending: Ending, after: Seconds = 0) -> None:
        """Answer with ``result(...)``, ``failure(...)`` or ``never()``, their times included.

        ``result({"ok": True}, seconds=3600, heartbeats=[600, 1200])`` arrives after an hour, if heartbeats
        keep the task alive until then.  With ``never()`` nobody answers: the timeout strikes unasked.
        ``after`` is the time of an ending that has none of its own.
        """
        if not isinstance(ending, ENDINGS):
            raise UsageError(
                f"answer({ending!r}): give result(...), failure(...) or never(), or call succeed."
            )
        outcome = ended(ending)
        if not outcome.seconds and not outcome.never:
            outcome = outcome._replace(seconds=timing(after, ())[0])
        if outcome.waits:
            raise UsageError("It waits already: answer with result(...), failure(...) or never().")
        seen, given = self.frame, outcome._replace(result=checked(outcome.result, "The output"))
        self._act("answered", lambda timeline: _answer(timeline, seen, given))

    def heartbeat(self, every: float | None = None, until: float | None = None) -> None:
        """SendTaskHeartbeat: the deadline moves to HeartbeatSeconds from now.

        With ``every`` it beats again so often, ``until`` a time of the execution's clock (virtual seconds
        since the start) or for ever: a plan, which makes no transitions.  A new plan replaces the old one.
        """
        seen, period = self.frame, None if every is None else _period(every)
        if until is not None and period is None:
            raise UsageError("until= says when regular heartbeats end: give every=, too.")
        end = None if until is None else self._timeline.setup.birth.time + microseconds(until)
        self._act("sent a heartbeat", lambda timeline: _beat(timeline, seen, period, end))

    def ask(self, approve: Any = APPROVED, reject: Any = REJECTED, *, title: str = "") -> Approval:
        """A view with buttons for a person: approve, reject, or any other answer; for notebooks.

        ``approve`` and ``reject`` are what these buttons answer: an output, ``result(...)`` or
        ``failure(...)``.
        """
        from sfnbook.widgets.approval import Approval  # noqa: PLC0415

        return Approval(self, approve=approve, reject=reject, title=title)

    def observe(self, _listener: Callable[[], None]) -> Callable[[], None]:
        """Nobody tells of the moves of an execution; a debugger does."""
        return lambda: None

    def resume(self) -> None:
        """Go on with the execution after an answer: to its end, or until it is blocked again."""
        self._timeline.run_on()

    def _act(self, _what: str, change: Callable[[Timeline], None]) -> None:
        change(self._timeline)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: Any = self.ask()._repr_mimebundle_() if in_a_notebook() else {}
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return {**(data or {}), "text/plain": repr(self)}

    def __repr__(self) -> str:
        if self.answered_at is not None:
            return f"<Pending {self.path} answered at {duration(self.answered_at)}>"
        due = "no deadline" if self.deadline is None else f"until {duration(self.deadline)}"
        return f"<Pending {self.path} {due}>"


def _period(every: float) -> int:
    period = microseconds(every)
    if period <= 0:
        raise UsageError(f"every={every!r}: give a positive number of seconds.")
    return period


def _answer(timeline: Timeline, seen: Frame, outcome: Outcome) -> None:
    """Write an answer that has come, or is on its way."""
    frame, now = _open_frame(timeline, seen), timeline.clock
    wait = wait_in(frame)
    assert wait is not None  # noqa: S101 - it is open
    if not wait.taken:
        # Who answers an activity task that no worker has taken is the worker that takes it.
        frame = take(timeline, frame, None)
        wait = frame.work
    failure = Failure(outcome.error, outcome.cause, frame.state) if outcome.failed else None
    running = Running(wait.task, outcome.result, failure, worker=wait.worker)
    timeline.scene.look(frame, now, timeline.cursor)
    later = drawn(outcome.seconds, timeline.scene.draw_bits("seconds"))
    due = NEVER if outcome.never else now + microseconds(later)
    if outcome.heartbeats and wait.task.heartbeat is not None:
        wait = wait._replace(beat=heard(wait, now), beats=ahead(outcome.heartbeats, now, due))
    write(timeline, "Answered", frame, awaiting(frame, wait._replace(coming=Coming(running, due))))


def _beat(timeline: Timeline, seen: Frame, period: int | None, end: int | None) -> None:
    """Write a heartbeat, and the plan of those that follow."""
    frame, now = _open_frame(timeline, seen), timeline.clock
    wait = wait_in(frame)
    assert wait is not None  # noqa: S101 - it is open
    if not wait.taken:
        raise UsageError("No worker has taken this task yet, so nobody can beat: get_activity_task takes it.")
    beats = wait.beats
    if period is not None:
        last = expiry(wait.task._replace(heartbeat=None), now)[0] if end is None else end
        beats = range(now + period, last + 1, period)
    write(timeline, "Heartbeat", frame, awaiting(frame, wait._replace(beat=now, beats=beats)))


def _open_frame(timeline: Timeline, seen: Frame) -> Frame:
    timeline.settle()
    frame = still_open(timeline, seen)
    if frame is None:
        raise UsageError("TaskTimedOut: this task is no longer open. See execution.pending.")
    return frame


def still_open(timeline: Timeline, seen: Frame) -> Frame | None:
    """The frame of an open task as it stands; None once the task is answered or over."""
    frame, before = timeline.frames.get(seen.id), wait_in(seen)
    wait = None if frame is None else open_wait_in(frame, timeline.clock)
    same = wait is not None and before is not None and wait.task.token == before.task.token
    return frame if same else None


def pending(timeline: Timeline) -> list[Pending]:
    """The open callbacks and activity tasks, the longest open first."""
    timeline.settle()
    waiting = [frame for frame in timeline.frames.values() if open_wait_in(frame, timeline.clock) is not None]
    waiting.sort(key=lambda frame: (frame.event, frame.id))
    return [Pending(timeline, frame, timeline.scene.state(frame)) for frame in waiting]


def by_token(timeline: Timeline, token: str) -> Pending:
    """The open task of a token, or the API's error."""
    timeline.settle()
    place = frame_of(str(token))
    frame = None if place is None else timeline.frames.get(place)
    if frame is not None and (task := task_in(frame.work)) is not None and task.token == token:
        wait = open_wait_in(frame, timeline.clock)
        if wait is not None and wait.taken:
            return Pending(timeline, frame, timeline.scene.state(frame))
        if frame.phase in LATE:
            raise UsageError(
                "The request with this token is still being sent: answer after its TaskSubmitted, or let the "
                "task function return the answer itself."
            )
    scheduled = (change for change in timeline.changes[: timeline.cursor] if change.kind == "TaskScheduled")
    if any(task_of(change.frame).token == token for change in scheduled):
        raise UsageError("TaskTimedOut: the task of this token has ended or timed out.")
    raise UsageError("InvalidToken: this is not a task token of this execution.")


def get_activity_task(
    timeline: Timeline, activity_arn: str, worker_name: str | None = None
) -> dict[str, Json]:
    """GetActivityTask: a worker takes the task that waits longest; no token when there is none."""
    timeline.settle()
    known = timeline.setup.activities
    if known is not None and activity_arn not in known:
        hint = did_you_mean(activity_arn, sorted(known), "The activities are")
        raise UsageError(f"ActivityDoesNotExist: Activity does not exist: {activity_arn!r}. {hint}")
    numbers = {queue.number for queue in timeline.setup.queues.values() if queue.arn == activity_arn}
    activities = (timeline.frames.get(activity_id(number)) for number in numbers)
    waiting = (first_in_line(frame, timeline.scene) for frame in activities if frame is not None)
    first = min((task for task in waiting if task is not None), key=_scheduled_at, default=None)
    if first is None:
        return {"taskToken": None}
    task = take(timeline, first, worker_name).work.task
    return {"taskToken": task.token, "input": copied(task.arguments)}


def _scheduled_at(task: Frame) -> tuple[int, int, FrameId]:
    return task.work.beat, task.event, task.id


def take(timeline: Timeline, frame: Frame, worker_name: str | None) -> Frame:
    """Somebody takes an activity task by hand: its timeouts begin."""
    timeline.scene.look(frame, timeline.clock, timeline.cursor)
    others = taken(frame.work, timeline.scene)
    task = frame.work.task._replace(started=timeline.clock)
    first = timeline.scene.first
    wait = Awaiting(task, timeline.clock, worker_name)
    after = awaiting(frame, wait)._replace(event=first)
    timeline.commit(Change("TaskStarted", timeline.clock, frame, after, others, first, ("ActivityStarted",)))
    return after
