"""Execution: the table of frames, the changes so far, and a cursor that goes both ways.

`apply` and `unapply` are the only writers.  A step is: the frame that is due -> `decide` -> a change
-> the table.  This file alone calls whoever answers for a Task.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from contextlib import contextmanager
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final, Self

from sfnbook import distributed, failing, nested, outside, redriving, runs, working
from sfnbook.clock import instant, microseconds, seconds
from sfnbook.decide import decide
from sfnbook.errors import ExecutionFailed, UnansweredTask, UsageError
from sfnbook.explain import Origin
from sfnbook.frames import (
    AWAITING,
    BILLED,
    DEADLINE,
    OVER,
    RANK,
    TOP,
    WORLD,
    Change,
    Failure,
    Frame,
    FrameId,
    World,
    failure_in,
)
from sfnbook.history import events_of
from sfnbook.limits import UNBOUNDED, Limits
from sfnbook.program import Program, compile_definition
from sfnbook.scene import Scene
from sfnbook.tasks.protocol import Call
from sfnbook.timers import TimerIndex
from sfnbook.transition import Transition
from sfnbook.values import Json, copied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sfnbook.definition import Definition
    from sfnbook.tasks.answers import Answers, TaskRef


LONGEST_CHANGE: Final = 8
"""No change has more events: closer than this to the limit, a run goes step by step."""

ENDS: Final = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"})
GATED: Final = frozenset({AWAITING, DEADLINE})


class Setup:
    """What does not change in an execution: shared by its forks."""

    __slots__ = (
        "activities",
        "answers",
        "birth",
        "definitions",
        "files",
        "limits",
        "machines",
        "programs",
        "refs",
        "seed",
    )

    def __init__(
        self,
        definitions: Mapping[str, Definition],
        refs: Mapping[tuple[str, str], TaskRef],
        answers: Answers,
        birth: Change,
        limits: Limits,
        seed: int,
        machines: Mapping[str, Any],
        files: Any,
        activities: frozenset[str] | None = None,
        programs: dict[str, Program] | None = None,
    ) -> None:
        self.definitions, self.refs, self.answers = definitions, refs, answers
        self.birth, self.limits, self.seed = birth, limits, seed
        self.machines, self.files, self.activities = machines, files, activities
        self.programs = programs or {key: compile_definition(item) for key, item in definitions.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        # A program holds closures: the definition travels, and is compiled again.
        return (
            type(self),
            (
                self.definitions, self.refs, self.answers, self.birth, self.limits, self.seed, self.machines,
                self.files, self.activities,
            ),
        )  # fmt: skip


@contextmanager
def without_collector() -> Iterator[None]:
    """Pause Python's cycle collector: frames and changes never form cycles.

    It would look through all of them again and again, which doubles the time of a long history.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def write(frames: dict[FrameId, Frame], old: Frame | None, new: Frame | None) -> None:
    """Put ``new`` where ``old`` was; writing twice changes nothing more."""
    if new is not None:
        frames[new.id] = new
    elif old is not None:
        frames.pop(old.id, None)


class Execution:
    """One execution of a state machine, as an iterable of transitions on a virtual clock.

    Made by `StateMachine.start`.  Iterating steps from the cursor until the execution is over or
    blocked; `step` and `back` move the cursor by one transition.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> execution = machine.start({"x": 1})
    >>> [transition.kind for transition in execution]
    ['ExecutionStarted', 'StateEntered', 'StateExited', 'ExecutionSucceeded']
    >>> execution.output
    {'x': 1}
    """

    def __init__(self, setup: Setup, *, keep_history: bool = True) -> None:
        self._setup = setup
        self._keep = keep_history
        self._frames: dict[FrameId, Frame] = {}
        self._changes: list[Change] = []
        self._counters: dict[FrameId, int] = defaultdict(int)
        self._cursor = 0
        self._billed = 0
        self._now = setup.birth.time
        self._pending: tuple[Change, int, int] | None = None
        self._unanswered = False
        birth = setup.birth
        assert birth.after is not None  # noqa: S101 - an execution starts with its top frame
        world = birth.after._replace(id=WORLD, due=None, phase="world", work=World())
        self._frames[WORLD] = world
        self._ready()

    def _ready(self) -> None:
        """Make what is derived: the scene and the timer index."""
        setup = self._setup
        self._scene = Scene(self._frames, self._counters, setup.programs, setup.limits, setup.seed)
        self._scene.machines, self._scene.files = setup.machines, setup.files
        self._scene.activities = setup.activities
        self._scene.is_answered = lambda state, frame: (
            setup.answers.find(setup.refs[outside.place(frame, state)]) is not None
        )
        self._index: TimerIndex | None = None
        events = setup.limits.events
        self._last_event = UNBOUNDED if events is None else events

    # --- stepping -------------------------------------------------------------------------------
    def step(self) -> Transition | None:
        """Make the next transition, or re-apply the recorded one; None at the end or when blocked.

        Raises UnansweredTask, and changes nothing, before a Task that nobody answers for.
        """
        change = self._step()
        return None if change is None else self._shown(change, self._cursor - 1)

    def back(self) -> Transition | None:
        """Take the last transition back; None at the beginning.  What a task function did stays done."""
        self._settle()
        if not self._keep:
            raise UsageError("This execution keeps no history (keep_history=False), so it cannot step back.")
        if self._cursor == 0:
            return None
        change = self._changes[self._cursor - 1]
        self._unapply(change)
        return self._shown(change, self._cursor)

    def __iter__(self) -> Iterator[Transition]:
        """The transitions from the cursor on, until the execution is over or blocked."""
        while (transition := self.step()) is not None:
            yield transition

    def run(self, until: float | str | Callable[[Transition], bool] | None = None) -> Self:
        """Run to the end, or until a virtual second, before a state (name or path), or a predicate.

        >>> import sfnbook
        >>> states = {"A": {"Type": "Wait", "Seconds": 60, "Next": "B"}, "B": {"Type": "Succeed"}}
        >>> execution = sfnbook.load({"StartAt": "A", "States": states}).start().run(until="B")
        >>> execution.time
        60.0
        """
        if until is None:
            self._run()
        elif isinstance(until, str):
            self._run_to(until)
        elif callable(until):
            for transition in self:
                if until(transition):
                    break
        else:
            self._run_for(self._setup.birth.time + microseconds(until))
        return self

    def _run_to(self, where: str) -> None:
        self._settle()
        check = outside.check_target(self, where)
        while (frame := self._next()) is not None and not check(frame):
            if self._step() is None:
                return

    def _run_for(self, moment: int) -> None:
        while (frame := self._next()) is not None and (frame.due or 0) <= moment:
            if self._step() is None:
                return

    def _run(self) -> None:
        """`step` until the end, without views.

        Kept flat because everything else waits for it: the frame that has just stepped goes on
        without passing through the timer index when no other one is due before it, and a change
        that is anything special goes the slow way.  A test holds it equal to repeated `step`.
        """
        while self._step() is not None:
            if self._cursor >= len(self._changes) and (frame := self._next()) is not None:
                with without_collector():
                    self._rush(frame)

    def _rush(self, frame: Frame) -> None:  # noqa: PLR0912 - flat on purpose
        frames, changes, counters, scene = self._frames, self._changes, self._counters, self._scene
        keep, last_event = self._keep, self._last_event - LONGEST_CHANGE
        number, billed, now = self._cursor, self._billed, self._now
        index, self._index = self._index or TimerIndex(frames.values()), None
        heap, first = index.heap, index.first
        rank = RANK.get
        while True:
            due: Any = frame.due  # a frame without one is never picked
            if due > now:
                if frame.phase in GATED and not self._may_pass(frame):
                    break
                now = due
            change = decide(frame, scene, now, number)
            if type(change) is not Change or change.first > last_event or change.kind in ENDS:
                break
            number += 1
            if change.kind in BILLED:
                billed += 1
            self._pending = (change, number, billed)
            for old, new in change.others:
                if new is None:
                    del frames[old.id]  # type: ignore[union-attr] # one side is always there
                    continue
                frames[new.id] = new
                if new.due is not None:
                    heappush(heap, (new.due, rank(new.phase, 1), new.event, new.id))
            after: Any = change.after  # only the end of a frame has none, and that is among the others
            frames[after.id] = after
            events = change.events
            if events:
                counters[after.scope.execution.key] = change.first + len(events) - 1
            if keep:
                changes.append(change)
            self._cursor, self._billed, self._now = number, billed, now
            self._pending = None
            if after.due is not None:
                key = (after.due, rank(after.phase, 1), after.event, after.id)
                if not heap or key < heap[0]:
                    frame = after
                    continue
                heappush(heap, key)
            following = first(frames)
            if following is None:
                break
            frame = following

    def _step(self) -> Change | None:
        self._settle()
        if self._cursor < len(self._changes):
            change = self._changes[self._cursor]
            self._apply(change, self._cursor + 1)
            return change
        change_or_none = self._decided()
        if change_or_none is not None:
            self._commit(change_or_none)
        return change_or_none

    def _decided(self) -> Change | None:
        """The next change, not yet written."""
        if TOP not in self._frames:
            return self._setup.birth
        frame = self._next()
        if frame is None:
            return None
        now = max(frame.due or 0, self._now)
        made = decide(frame, self._scene, now, self._cursor)
        change = self._perform(made) if isinstance(made, working.Request) else made
        if change is None:
            return None
        if change.first + len(change.events) - 1 >= self._last_event:
            return self._over_the_limit(change)
        return change

    def _next(self) -> Frame | None:
        """The frame that is due, unless the execution is over or blocked."""
        self._settle()
        top = self._frames.get(TOP)
        if top is None:
            return self._setup.birth.after
        if top.phase in OVER:
            return None
        if self._index is None:
            self._index = TimerIndex(self._frames.values())
        frame = self._index.first(self._frames)
        return frame if frame is not None and self._may_pass(frame) else None

    def _may_pass(self, frame: Frame) -> bool:
        """The clock never passes the deadline of an open outside wait by itself."""
        if frame.due is None or frame.due <= self._now:
            return True
        if frame.phase == DEADLINE:
            return not any(other.phase == AWAITING for other in self._frames.values())
        return frame.phase != AWAITING

    def _perform(self, request: working.Request) -> Change | None:
        """Ask whoever answers for a Task that is about to start."""
        state, frame = request
        scene, setup = self._scene, self._setup
        if state.type == "Map":
            return distributed.PERFORM[frame.phase](state, frame, scene)
        ref = setup.refs[outside.place(frame, state)]
        answer = setup.answers.find(ref)
        if answer is None:
            if (key := nested.machine_of(state, frame, scene)) is not None:
                return nested.start(state, frame, scene, key)
            if outside.waits_outside(state):
                return outside.open_to_outside(frame, scene)
            raise UnansweredTask(
                frame.scope.prefix + state.name, state.name, setup.answers.literal(ref, state.resource)
            )
        counts = scene.world.counts.get(answer.key, 0)
        outcome = setup.answers.perform(answer, self._call(state, frame, counts))
        others = working.counted(scene, answer.key) if answer.counted else ()
        return working.started(state, frame, scene, outcome, others, answer.key)

    def _call(self, state: Any, frame: Frame, count: int) -> Call:
        task = frame.work
        return Call(
            path=frame.scope.prefix + state.name,
            state=state.name,
            resource=state.definition.resource,
            input=copied(task.arguments),
            attempt=frame.visit.retries + 1,
            visit=frame.visit.number,
            count=count,
            time=seconds(self._scene.now - self._setup.birth.time),
            token=task.token,
            context=copied(self._scene.context_of(frame)),
            remaining=None if task.timeout is None else seconds(task.timeout),
        )

    def _over_the_limit(self, change: Change) -> Change:
        """AWS ends an execution whose history is full; the last event says so."""
        if change.kind in ENDS:
            return change
        cause = f"The execution reached the maximum number of history events ({self._last_event})."
        top = self._frames[change.frame.scope.execution.key]
        failure = Failure("States.Runtime", cause, top.state, limit=("history events", self._last_event))
        return failing.fail_execution(top, self._scene, failure)

    # --- the two writers ------------------------------------------------------------------------
    def _commit(self, change: Change) -> None:
        del self._changes[self._cursor :]
        if self._keep:
            self._changes.append(change)
        self._apply(change, self._cursor + 1)

    def _apply(self, change: Change, cursor: int) -> None:
        billed = self._billed + (change.kind in BILLED)
        self._pending = (change, cursor, billed)
        self._finish()

    def _settle(self) -> None:
        """Finish a change that an interrupt left half written: writing it again completes it."""
        if self._pending is not None:
            change, cursor, _billed = self._pending
            if self._keep and len(self._changes) < cursor:
                self._changes.append(change)
            self._index = None
            self._finish()

    def _finish(self) -> None:
        assert self._pending is not None  # noqa: S101 - set by the only two callers
        change, cursor, billed = self._pending
        index, self._index = self._index, None
        frames = self._frames
        for old, new in change.others:
            write(frames, old, new)
            if index is not None and new is not None:
                index.add(new)
        write(frames, change.before, change.after)
        if index is not None and change.after is not None:
            index.add(change.after)
        if change.events:
            self._counters[change.frame.scope.execution.key] = change.first + len(change.events) - 1
        self._cursor, self._billed, self._now = cursor, billed, change.time
        self._unanswered = False
        self._index = index
        self._pending = None

    def _unapply(self, change: Change) -> None:
        self._index, index = None, self._index
        frames = self._frames
        write(frames, change.after, change.before)
        for old, new in reversed(change.others):
            write(frames, new, old)
        if index is not None:
            for old in (change.before, *(pair[0] for pair in change.others)):
                if old is not None:
                    index.add(old)
        if change.events:
            self._counters[change.frame.scope.execution.key] = change.first - 1
        self._billed -= change.kind in BILLED
        self._cursor -= 1
        self._now = self._changes[self._cursor - 1].time if self._cursor else self._setup.birth.time
        self._index = index

    # --- what it is -----------------------------------------------------------------------------
    @property
    def _top(self) -> Frame:
        self._settle()
        top = self._frames.get(TOP) or self._setup.birth.after
        assert top is not None  # noqa: S101 - the birth has a frame
        return top

    @property
    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED, as DescribeExecution says it."""
        return self._top.phase if self._top.phase in OVER else "RUNNING"

    @property
    def output(self) -> Json:
        """The output of an execution that succeeded, else None."""
        return copied(self._top.data) if self.status == "SUCCEEDED" else None

    @property
    def input(self) -> Json:
        """The input that the execution was started with."""
        return copied(self._top.scope.execution.input)

    @property
    def _failure(self) -> Failure | None:
        return failure_in(self._top.work) if self._top.phase in OVER else None

    @property
    def error(self) -> str | None:
        """The error name of an execution that failed."""
        return None if self._failure is None or self.status == "TIMED_OUT" else self._failure.error

    @property
    def cause(self) -> str | None:
        """The cause of an execution that failed."""
        return None if self._failure is None else self._failure.cause

    @property
    def time(self) -> float:
        """Virtual seconds since the execution started."""
        self._settle()
        return seconds(self._now - self._setup.birth.time)

    @property
    def now(self) -> datetime:
        """The virtual clock, in UTC."""
        self._settle()
        return instant(self._now)

    @property
    def name(self) -> str:
        """The execution's name."""
        return self._top.scope.execution.name

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        return self._top.scope.execution.arn

    @property
    def billed_transitions(self) -> int:
        """State transitions as AWS bills them: states entered, retries and redrives."""
        self._settle()
        return self._billed

    @property
    def transitions(self) -> list[Transition]:
        """The transitions up to the cursor, oldest first."""
        self._settle()
        return [self._shown(change, number) for number, change in enumerate(self._changes[: self._cursor])]

    @property
    def blocked(self) -> str | None:
        """None, "outside" (a callback or activity is open) or "unanswered" (a Task nobody answers for)."""
        if self.status != "RUNNING" or TOP not in self._frames or self._cursor < len(self._changes):
            return None
        frame = self._next()
        if frame is None:
            return "outside"
        return "unanswered" if outside.lacks_answer(self, frame) else None

    def history(self) -> list[dict[str, Any]]:
        """The events of GetExecutionHistory up to the cursor; times are ISO 8601 text."""
        self._settle()
        programs = self._setup.programs
        return [
            event
            for change in self._changes[: self._cursor]
            if change.events and change.frame.scope.execution.key == TOP
            for event in events_of(change, programs)
        ]

    def result(self) -> Json:
        """Run to the end and give the output, or raise ExecutionFailed; UsageError when it is blocked."""
        self.run()
        if self.status == "SUCCEEDED":
            return self.output
        if self.status == "RUNNING":
            raise UsageError(
                "The execution waits for an answer from outside: see execution.pending, answer with "
                ".succeed(output) or .fail(error, cause), or let time pass with execution.advance()."
            )
        failure = self._failure or Failure(None, None, self._top.state)
        why = str(self._shown(self._changes[self._cursor - 1], self._cursor - 1).why) if self._changes else ""
        state = self._setup.programs[self._top.scope.execution.machine].states[failure.state].name
        raise ExecutionFailed(self.status, state, failure.error, failure.cause, why)

    def _shown(self, change: Change, number: int) -> Transition:
        return Transition(change, number, self._origin)

    @property
    def _origin(self) -> Origin:
        setup = self._setup
        return Origin(setup.programs, setup.limits, setup.seed, setup.birth.time)

    # --- copies -----------------------------------------------------------------------------------
    def fork(self) -> Self:
        """An execution that stands where this one does and goes its own way from here on."""
        self._settle()
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._frames = dict(self._frames)
        other._changes = list(self._changes)
        other._counters = defaultdict(int, self._counters)
        other._ready()
        return other

    __copy__ = fork

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self.fork()

    def __getstate__(self) -> dict[str, Any]:
        self._settle()
        derived = {"_scene", "_index"}
        return {name: value for name, value in self.__dict__.items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._ready()

    def __repr__(self) -> str:
        error = f", error={self.error!r}" if self.error else ""
        return (
            f"<Execution {self.name!r} {self.status} at {self.time:g} s, {self._cursor} transitions{error}>"
        )

    # --- what people do: see outside.py -------------------------------------------------------------
    edit_input = outside.edit_input
    set_variable = outside.set_variable
    set_result = outside.set_result
    inject_error = outside.inject_error
    clear_faults = outside.clear_faults
    advance = outside.advance
    pending = property(outside.pending)
    send_task_success = outside.send_task_success
    send_task_failure = outside.send_task_failure
    send_task_heartbeat = outside.send_task_heartbeat
    get_activity_task = outside.get_activity_task
    stop = outside.stop
    redrive = redriving.redrive
    redrive_plan = redriving.redrive_plan
    children = property(runs.children)
    map_runs = property(runs.map_runs)
