"""Frames, scopes and changes: the data that an execution is made of.

Theory of operation
===================

1.  **An execution is a table of frames and a list of changes.**  A *frame* is one thread of
    control: the top-level flow, a Parallel branch, a Map iteration, a nested execution, an
    activity with its workers, a deadline.  Frames are immutable.  The table maps a frame's id to
    its newest value; cursor, clock and counters follow from the changes that it stands after.

2.  **A step writes one change.**  A `Change` carries a frame ``before`` and ``after`` and, in
    ``others``, every other frame that the step touched, as pairs.  Writing the after sides is
    a step forward; writing the before sides is a step back.  There is no third writer.  A None
    on one side means that the frame is born or gone.  What people look at is a `Transition`: a
    change with the means to explain itself.

3.  **Nothing is decided from the list.**  ``decide`` reads frames and the clock, never the
    changes so far.  What a rule has to remember (which retrier was used how often, the errors
    that someone injected, how many answers a mock gave) is in a frame.  So the list may be cut
    off, thrown away or replayed, and the next decision is the same.  A rule that needs somebody
    outside gives a *Request*; the timeline alone calls, and what was done out there stays done.

4.  **The list has every use.**  It is the undo log, the base of a fork, the history (events are
    numbered when the step is made and rendered when someone looks) and what a view redraws.

5.  **Time is a number.**  All times are whole microseconds since the epoch.  A frame that wants
    to run says when (``due``); a frame without a ``due`` waits for another frame or for the
    outside.  So an activity with idle workers is due at their next poll once a task waits for
    them, and not before: nobody steps in vain.  The clock does not pass the deadline of somebody
    outside by itself: people let it.  The *timer index* orders the frames that are due; it is
    derived from the table and can be rebuilt from it at any moment, so it is never saved.

6.  **Who goes first** at one instant: first what belongs to a fan-out (rank 0), so that a Map
    starts all the iterations it may before the first of them moves, and a failed one stops its
    siblings without interruption; then ordinary steps and outcomes (rank 1); then timeouts
    (rank 2), so that an answer at the deadline is in time.  Equal ranks go in the order of their
    latest events, which makes concurrent iterations advance in turn, as on AWS.

7.  **Ids cost nothing.**  A frame's id is the number of the change that made it and a counter.
    The children of a fan-out are ``(n, 0) ... (n, length - 1)``, where n is the number of the
    FanOutStarted: the container finds them without a list, the join is a loop over the range.
    The tasks that wait for an activity's workers are ``(-2 - a, 1), (-2 - a, 2) ...``, where a is the
    activity's number: the queue is a row in the table, too.

8.  **A failure climbs one level a change, at one instant.**  A failed iteration stops its
    siblings one by one, then its Map fails in turn, asks its own Retry and Catch, and so on.
    Only States.Runtime, which nothing catches, ends the execution from wherever it is.  Frames of
    a failed execution stay as they stood: redrive starts from there.

9.  **Payloads are shared, never mutated.**  ResultPath and Assign copy the spine only, so twenty
    thousand frames hold a few new dictionaries, not twenty thousand documents.

10. **An interrupt leaves whole changes.**  A change is noted before it is written, and writing it
    twice does no more than writing it once: whatever was cut short is completed at the next look.

11. **Chance is a function.**  A draw hashes the seed, the place (state, visit, attempt, indices of
    all enclosing iterations) and the purpose.  Undo has nothing to restore, and two forks that
    reach the same place draw the same numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfnbook.values import Json

FrameId: TypeAlias = tuple[int, int]

WORLD: Final[FrameId] = (-1, 0)
"""The frame that remembers what people and answers did: `World`."""

TOP: Final[FrameId] = (0, 0)
"""The top-level flow of the execution that was started."""

# --- phases: what a frame does next ------------------------------------------------------------
ENTER: Final = "enter"  # stands before a state
WORK: Final = "work"  # has entered it
WAITING: Final = "waiting"  # a Wait state's delay runs
SCHEDULED: Final = "scheduled"  # TaskScheduled is written, the Task is about to start
STARTED: Final = "started"  # the Task started; .sync and .waitForTaskToken submit next
ANSWERED: Final = "answered"  # the outcome is known, and due now or later
EXPIRING: Final = "expiring"  # no outcome in time: TimeoutSeconds or HeartbeatSeconds is due
AWAITING: Final = "awaiting"  # someone outside must answer: a callback or an activity
QUEUED: Final = "queued"  # an activity task waits for one of the workers that poll
NESTED: Final = "nested"  # a nested execution runs, until TimeoutSeconds is due
RETURNED: Final = "returned"  # the nested execution that the Task waits for has ended
RESULT: Final = "result"  # the result is there, the state's output is to be made
FAILED: Final = "failed"  # has failed; Retry and Catch are to be asked
LAPSED: Final = "lapsed"  # has timed out; likewise, but after the other timeouts of this instant
RETRYING: Final = "retrying"  # a retrier's delay runs
BIRTH: Final = "birth"  # a nested execution or a Distributed Map's child, about to start
READING: Final = "reading"  # a Distributed Map before its Map Run: items are still to be read
FANNING: Final = "fanning"  # a Map or Parallel with children to start
JOINING: Final = "joining"  # all children have started, some still run
STOPPING: Final = "stopping"  # a child failed: the others are being aborted
ENDED: Final = "ended"  # left a state with End: true; ``data`` is its output
NAMED: Final = "named"  # the name that somebody chose for a nested execution
POLLING: Final = "polling"  # an activity: its queue, and the workers that poll it
TICKET: Final = "ticket"  # a place in the queue of an activity
DEADLINE: Final = "deadline"  # the execution's own TimeoutSeconds
SUCCEEDED: Final = "SUCCEEDED"
FAILED_FOR_GOOD: Final = "FAILED"
TIMED_OUT: Final = "TIMED_OUT"
ABORTED: Final = "ABORTED"

OVER: Final = frozenset({SUCCEEDED, FAILED_FOR_GOOD, TIMED_OUT, ABORTED})

RANK: Final[dict[str, int]] = {
    **dict.fromkeys((READING, FANNING, JOINING, STOPPING), 0),
    **dict.fromkeys((EXPIRING, AWAITING, NESTED, LAPSED, DEADLINE), 2),
}
"""Who goes first at one instant (rule 6); a phase that is not named has rank 1."""

# --- the kinds of change ------------------------------------------------------------------------
KINDS: Final[dict[str, str]] = {
    "ExecutionStarted": "the execution, or a nested one, started",
    "StateEntered": "a state was entered",
    "TaskScheduled": "a Task was scheduled with its arguments",
    "TaskStarted": "a Task started: whoever answers for it was called",
    "TaskSubmitted": "the service accepted the job or the callback request",
    "TaskSucceeded": "a Task has its result",
    "TaskFailed": "a Task failed",
    "TaskTimedOut": "a Task missed its timeout or a heartbeat",
    "RetryScheduled": "a retrier took the error: the state runs again after a delay",
    "Caught": "a catcher took the error: the state is left for its fallback",
    "StateExited": "a state was left with its output",
    "FanOutStarted": "a Map or Parallel started its iterations or branches",
    "IterationStarted": "an iteration started",
    "IterationSucceeded": "an iteration or branch came to its end",
    "FanOutSucceeded": "all iterations or branches came to their end",
    "FanOutFailed": "an iteration or branch failed, and with it the Map or Parallel",
    "Aborted": "an iteration or branch was stopped because another one failed",
    "ExecutionSucceeded": "the execution ended with an output",
    "ExecutionFailed": "the execution failed",
    "ExecutionTimedOut": "the execution ran longer than its TimeoutSeconds",
    "ExecutionAborted": "the execution was stopped",
    "Redriven": "the execution goes on from where it failed",
    "Edited": "someone edited an input, a variable or the clock",
    "Injected": "someone asked for an error or a result, or took it back",
    "Answered": "someone answered an open callback or activity",
    "Heartbeat": "someone sent a heartbeat",
}

BILLED: Final = frozenset({"StateEntered", "RetryScheduled", "Redriven"})
"""What AWS bills as a state transition of a Standard workflow."""


Lineage: TypeAlias = "tuple[Any, str, int, int, int]"
"""(the enclosing lineage or None, state, visit, retries, index)"""


class StartedBy(NamedTuple):
    """What started an execution, as `sfnbook.triggers` tell it.

    ``kind`` is rule, schedule, api or sdk; ``text`` and ``rows`` say in words why it started, ``event``
    is what came in.
    """

    kind: str
    text: str
    rows: tuple[str, ...] = ()
    event: Json = None


class Identity(NamedTuple):
    """One execution: the one that was started, a nested one or a Distributed Map's child."""

    key: FrameId  # the id of its top-level frame: `TOP` for the one that was started
    machine: str  # key of its program
    arn: str
    name: str
    machine_arn: str
    machine_name: str
    role_arn: str
    input: Json
    started: int
    type: str
    started_by: StartedBy | None = None


class Item(NamedTuple):
    """A Map iteration's item, as ``$$.Map.Item`` shows it."""

    index: int  # type: ignore[assignment] # hides tuple.index
    value: Json
    key: str | None = None
    source: str | None = None


class Scope(NamedTuple):
    """What never changes while a frame lives."""

    prefix: str  # put before a state's name it gives the path: "Orders[3]." or "Child/"
    execution: Identity
    parent: FrameId | None
    index: int  # type: ignore[assignment] # of the iteration or branch; hides tuple.index
    lineage: Lineage | None  # the place, for `chance`


class Visit(NamedTuple):
    """One visit of a state, from entering to leaving, retries included."""

    number: int
    time: int
    before: int  # the event that the StateEntered points at
    entered: int  # the event id of the StateEntered
    retries: int
    used: tuple[int, ...]  # how often each retrier was used
    counts: Mapping[str, int]  # visits so far, of states that lie on a cycle


class Frame(NamedTuple):
    """One thread of control.  ``data`` is the raw input of the state that it stands at."""

    id: FrameId
    scope: Scope
    state: str  # JSON pointer: survives an edited definition
    phase: str
    data: Json
    variables: Mapping[str, Json]
    visit: Visit
    due: int | None
    event: int  # the id that the frame's next event points at
    work: Any  # one of the tuples below, by phase

    def at(self, phase: str, due: int | None, event: int, work: Any, own: FrameId | None = None) -> Frame:
        """The frame, or one with its ``own`` id, at another phase; a third of what ``_replace`` costs."""
        mine, scope, state, _, data, variables, visit, _, _, _ = self
        values = (own or mine, scope, state, phase, data, variables, visit, due, event, work)
        return tuple.__new__(Frame, values)


class Change(NamedTuple):
    """One step of the engine; ``events`` are the types of its history events, numbered from ``first``."""

    kind: str
    time: int
    before: Frame | None
    after: Frame | None
    others: tuple[tuple[Frame | None, Frame | None], ...]
    first: int
    events: tuple[str, ...]

    @property
    def frame(self) -> Frame:
        """The frame as it stands after the change, or stood before its end."""
        frame = self.after or self.before
        assert frame is not None  # noqa: S101 - one side is always there
        return frame


# --- work, by phase ------------------------------------------------------------------------------
class Failure(NamedTuple):
    """What failed, until Retry and Catch have been asked (FAILED, STOPPING, the end)."""

    error: str | None
    cause: str | None
    state: str  # pointer of the state in which it began
    location: str | None = None  # the JSONata field
    evaluation: bool = False  # is an EvaluationFailed event to be written?
    heartbeat: bool = False  # known as States.HeartbeatTimeout, too
    limit: tuple[str, int] | None = None  # the stage and its bytes, when a payload was too large
    time: int | None = None  # when it ended an execution
    backoff: int | None = None  # replaces the delay that a retrier computes


class Left(NamedTuple):
    """ENTER: how the state before was left, for its StateExited event."""

    assigned: Mapping[str, Json]
    rule: int | None = None  # the Choice rule or catcher taken; None: none or Default
    failure: Failure | None = None  # what was caught


class Scheduled(NamedTuple):
    """SCHEDULED and STARTED: the Task's arguments, its two limits (microseconds) and token."""

    arguments: Json
    timeout: int | None
    heartbeat: int | None
    token: str | None
    role_arn: str | None = None
    started: int | None = None


class Running(NamedTuple):
    """ANSWERED, EXPIRING and RESULT: what the Task was given and what came of it."""

    task: Scheduled
    result: Json
    failure: Failure | None
    submitted: Json = None
    traceback: str | None = None
    answered_by: str = ""
    worker: str | None = None
    wait: Awaiting | None = None  # who answers from outside may still be overtaken
    why: str = ""  # how it came to this, in the words of whoever answered


class Submitting(NamedTuple):
    """STARTED: what will come of a job or callback, once its TaskSubmitted is written, and when.

    Without a ``due`` someone outside will answer.
    """

    running: Running
    due: int | None
    in_time: bool


class Awaiting(NamedTuple):
    """AWAITING and QUEUED: an open callback or activity task."""

    task: Scheduled
    beat: int  # when it was last heard of
    worker: str | None = None
    ticket: FrameId | None = None  # its place in line, until a worker takes it
    beats: Sequence[int] = ()  # heartbeats to come, a range if they are regular
    coming: Coming | None = None

    @property
    def taken(self) -> bool:
        """Has somebody got the token?"""
        return self.ticket is None


class Coming(NamedTuple):
    """An answer from outside that is on its way, and when it arrives."""

    running: Running
    due: int


class Pool(NamedTuple):
    """The workers of an activity: how many, how often they poll (microseconds; 0: they wait), how fast."""

    count: int  # type: ignore[assignment] # hides tuple.count
    poll: int
    speed: float
    name: str


class Queue(NamedTuple):
    """Where the tasks of an activity wait, and for whom: a pool, or people who take them by hand."""

    number: int
    arn: str
    pool: Pool | None


class Activity(NamedTuple):
    """POLLING: an activity at work.

    Its tickets are numbered; ``head`` is the first that still waits, ``tail`` the next to be given out.
    A worker is since when, or from when on, it is free, and its number; the first to be free comes first.
    """

    arn: str
    pool: Pool | None
    head: int
    tail: int
    waiting: int
    workers: tuple[tuple[int, int], ...]
    done: int = 0  # tasks that workers have taken


class Nested(NamedTuple):
    """NESTED: the frame of the child execution that the Task waits for."""

    task: Scheduled
    child: FrameId
    submitted: Json = None


class Named(NamedTuple):
    """NAMED: which nested execution has a name that a Task chose, and with what input."""

    child: FrameId
    input: Json


class MapRun(NamedTuple):
    """A Distributed Map at work: what DescribeMapRun knows of it."""

    arn: str
    machine_arn: str  # of the children
    type: str
    started: int
    max_concurrency: int
    tolerated_count: int = 0
    tolerated_percentage: float = 0.0
    total: int = 0  # items, before batching
    sources: Any = None  # where each item was read
    batches: tuple[int, ...] | None = None  # items in each child
    failed_items: int = 0


class Fan(NamedTuple):
    """FANNING, JOINING, STOPPING: a Map or Parallel at work.

    ``number`` is that of its FanOutStarted: the children are ``(number, 0 ... length - 1)``.
    """

    number: int
    length: int
    started: int  # children made so far
    running: int
    failed: int
    link: int  # the event that the next MapIterationStarted points at
    limit: int  # concurrency; 0: none
    effective: Json  # what ItemSelector and the branches see
    items: Any  # the items of a Map, read once; None in a Parallel
    failure: Failure | None = None
    run: MapRun | None = None


class Stopping(NamedTuple):
    """STOPPING: the next child to look at."""

    fan: Fan
    next: int


class Halted(NamedTuple):
    """What a Map or Parallel that failed for good was at, for a redrive."""

    failure: Failure
    fan: Fan


class Stopped(NamedTuple):
    """What a frame was at when it was aborted or timed out with others, for a redrive."""

    phase: str
    work: Any
    time: int


class Finished(NamedTuple):
    """When an execution succeeded."""

    time: int


class Fault(NamedTuple):
    """What someone laid over a state for attempts to come.

    ``kind`` is "error" or "result", which answer instead of whoever is asked, or "latency" or
    "heartbeats", which change what is answered.
    """

    kind: str
    target: str  # a state's name (all iterations) or a path (one)
    attempts: int | tuple[int, ...] | None  # the next n, these numbers, or None: all
    error: str | None = None
    cause: str | None = None
    result: Json = None
    seconds: float = 0  # of latency, or after which no heartbeat is heard


class World(NamedTuple):
    """The WORLD frame's work: what rules must remember of people and answers."""

    faults: tuple[Fault, ...] = ()
    counts: Mapping[str, int] = {}  # how often each counted answer was asked
    memories: Mapping[str, Any] = {}  # what each answer asked to be remembered
    redrives: int = 0
    redriven: int | None = None  # when
    passed: int = 0  # up to when the deadlines of open outside waits may strike


def failure_in(work: Any) -> Failure | None:
    """The failure in a frame's work, in whichever phase it is."""
    if isinstance(work, Failure):
        return work
    failure: Failure | None = getattr(work.fan if isinstance(work, Stopping) else work, "failure", None)
    return failure


def task_in(work: Any) -> Scheduled | None:
    """The Task in a frame's work, in whichever phase it is."""
    if isinstance(work, Submitting):
        work = work.running
    task = work if isinstance(work, Scheduled) else getattr(work, "task", None)
    return task if isinstance(task, Scheduled) else None


def end_of(work: Any) -> int | None:
    """When an execution ended, from the work of its top-level frame."""
    ending = work if isinstance(work, (Finished, Stopped)) else failure_in(work)
    return None if ending is None else ending.time


FIRST_VISIT: Final = Visit(0, 0, 0, 0, 0, (), {})
