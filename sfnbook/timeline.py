"""The timeline of an execution: its table of frames, the changes so far, and a cursor that goes both ways.

A step is: the frame that is due -> `decide` -> a change -> the table.  `_write` writes one, both ways;
`_rush` writes many in a row, forwards.  This file alone calls whoever answers for a Task.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from dataclasses import replace
from heapq import heappush
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from sfnbook import distributed, failing, polling, stepfunctions, working
from sfnbook.decide import decide
from sfnbook.errors import UnansweredTask
from sfnbook.explain import Origin
from sfnbook.faults import find
from sfnbook.frames import (
    AWAITING,
    BILLED,
    DEADLINE,
    OVER,
    POLLING,
    QUEUED,
    RANK,
    SCHEDULED,
    TOP,
    WORLD,
    Change,
    Failure,
    Frame,
    FrameId,
)
from sfnbook.limits import UNBOUNDED
from sfnbook.scene import Scene, world_of
from sfnbook.setting import Setup, call_of, place, replayed, waits_outside
from sfnbook.tasks.answers import EVERY_TASK
from sfnbook.timers import TimerIndex

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.tasks.answers import Answer
    from sfnbook.tasks.needs import Need
    from sfnbook.tasks.recorded import Recorded

LONGEST_CHANGE: Final = 8
"""No change has more events: closer than this to the limit, a run goes step by step."""

RECORDING: Final = "recording"
"""Who answered, where it was the recording that is replayed."""

ENDS: Final = frozenset({"ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"})
GATED: Final = frozenset({AWAITING, DEADLINE})


def _pass_over(_change: Change) -> None:
    """What is told of changes where nobody watches."""


class without_collector:  # noqa: N801 - read as `with without_collector():`
    """Pause Python's cycle collector: frames and changes never form cycles.

    It would look through all of them again and again: a quarter of the time of a 10,000-item Map.
    """

    __slots__ = ("enabled",)

    def __enter__(self) -> None:
        self.enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self.enabled:
            gc.enable()


Writing: TypeAlias = tuple[Change, int, int, int, bool]
"""A change on its way into the table, and how things stand after it: cursor, billed, clock; forward?"""


class Timeline:
    """What an execution does; `Execution` adds what people ask of it.

    ``frames`` is the table, ``changes`` the list, ``cursor`` how many of them are applied,
    ``counters`` the latest event id of each execution, ``clock`` the virtual time in microseconds.
    Where no history is kept, ``watch`` is shown each change as it is made.
    """

    def __init__(
        self, setup: Setup, *, keep_history: bool = True, watch: Callable[[Change], Any] | None = None
    ) -> None:
        self.setup = setup
        self._keep, self._watch = keep_history, watch
        self.frames: dict[FrameId, Frame] = {}
        self.changes: list[Change] = []
        self.counters: dict[FrameId, int] = defaultdict(int)
        self.cursor = 0
        self.billed = 0
        self.clock = setup.birth.time
        self._pending: Writing | None = None
        birth = setup.birth
        assert birth.after is not None  # noqa: S101 - an execution starts with its top frame
        self.frames[WORLD] = world_of(birth.after)
        self._ready()

    def _ready(self) -> None:
        """Make what is derived: the scene and the timer index."""
        setup = self.setup
        self.scene = Scene(self.frames, self.counters, setup.programs, setup.limits, setup.seed)
        self.scene.machines, self.scene.files = setup.machines, setup.files
        self.scene.activities, self.scene.queues = setup.activities, setup.queues
        self.scene.is_answered, self.scene.waited = setup.is_answered, setup.waited
        self._index: TimerIndex | None = None
        self.origin = Origin(setup.programs, setup.limits, setup.seed, setup.birth.time)
        events = setup.limits.events
        self._last_event = UNBOUNDED if events is None else events

    # --- stepping -----------------------------------------------------------------------------------
    def proceed(self) -> Change | None:
        """Make the next change, or apply the recorded one again; None at the end or when blocked."""
        self.settle()
        if self.cursor < len(self.changes):
            recorded = self.changes[self.cursor]
            self._apply(recorded, self.cursor + 1)
            return recorded
        change = self.decided()
        if change is not None:
            self.commit(change)
        return change

    def decided(self) -> Change | None:
        """The next change, not yet written."""
        if TOP not in self.frames:
            return self.setup.birth
        frame = self.next_frame()
        if frame is None:
            return None
        now = max(frame.due or 0, self.clock)
        made = decide(frame, self.scene, now, self.cursor)
        change = self._perform(made) if isinstance(made, working.Request) else made
        if change is None:
            return None
        full = change.first + len(change.events) - 1 >= self._last_event
        if full and change.frame.scope.execution.type != "EXPRESS":
            return self._over_the_limit(change)
        return change

    def coming(self) -> tuple[Frame | None, int] | None:
        """What comes next and when: the frame that is about to step; in a recorded part, to enter."""
        self.settle()
        if self.cursor < len(self.changes):
            change = self.changes[self.cursor]
            return change.before if change.kind == "StateEntered" else None, change.time
        frame = self.next_frame()
        return None if frame is None else (frame, max(frame.due or 0, self.clock))

    def next_frame(self) -> Frame | None:
        """The frame that is due, unless the execution is over or blocked."""
        self.settle()
        top = self.frames.get(TOP)
        if top is None:
            return self.setup.birth.after
        if top.phase in OVER:
            return None
        frame = self.first_due()
        return frame if frame is not None and self.may_pass(frame) else None

    def first_due(self) -> Frame | None:
        """The frame that is due next, whoever has to let time pass for it."""
        if self._index is None:
            self._index = TimerIndex(self.frames.values())
        return self._index.first(self.frames)

    def may_pass(self, frame: Frame) -> bool:
        """The clock never passes the deadline of an open outside wait unless someone lets it."""
        if frame.phase == AWAITING:
            return frame.due is not None and frame.due <= self.scene.world.passed
        if frame.phase == DEADLINE and frame.due is not None and frame.due > self.scene.world.passed:
            return not any(other.phase == AWAITING for other in self.frames.values())
        return True

    def _perform(self, request: working.Request) -> Change | None:
        """Ask whoever answers for a Task that is about to start."""
        state, frame = request
        scene, recorded = self.scene, self.setup.recorded
        if state.type == "Map":
            run = None if recorded is None else replayed().map_run(state, frame, scene, recorded)
            return run or distributed.PERFORM[frame.phase](state, frame, scene)
        if recorded is not None and self._is_recorded(recorded, state, frame):
            outcome = recorded.call(call_of(self.setup, scene, state, frame))
            return working.started(state, frame, scene, outcome, (), RECORDING)
        answer = self.setup.answers.find(self.setup.refs[place(frame, state)])
        if answer is None or answer.key == EVERY_TASK:
            own = stepfunctions.inside(state, frame, scene, alone=answer is None)
            if own is not None:
                return own
        if answer is None:
            if waits_outside(state) and frame.phase == SCHEDULED:
                return working.started(state, frame, scene, working.TO_OUTSIDE)
            path, why = frame.scope.prefix + state.name, self.left_recording(state, frame)
            raise UnansweredTask(path, state.name, self.literal_of(state, frame), why)
        return self._answered(state, frame, answer)

    def _scripted(self, request: Any) -> Change | None:
        """The start of a Task whose answer is written down: nobody has to be called."""
        if self.setup.recorded is not None:
            return None
        state, frame = request
        scripts = self.setup.answers.scripts
        if state not in scripts:
            scripts[state] = self._script(state, frame)
        answer = scripts[state]
        return None if answer is None else self._answered(state, frame, answer)

    def _script(self, state: Any, frame: Frame) -> Answer | None:
        if state.type == "Map":
            return None
        answer = self.setup.answers.find(self.setup.refs[place(frame, state)])
        if answer is None or answer.asks or (answer.key == EVERY_TASK and stepfunctions.concerns(state)):
            return None
        return answer

    def _answered(self, state: Any, frame: Frame, answer: Answer) -> Change:
        written = answer.outcomes
        others: Any = ()
        if written:
            outcome = written[min(frame.visit.retries, len(written) - 1)]
        else:
            outcome = answer.run(call_of(self.setup, self.scene, state, frame, answer))
            others = working.remembered(self.scene, answer, outcome.memory)
        begin = working.taken if frame.phase == QUEUED else working.started
        return begin(state, frame, self.scene, outcome, others, answer.key)

    def literal_of(self, state: Any, frame: Frame) -> str:
        """The code to paste for a Task that nobody answers for."""
        ref = self.setup.refs[place(frame, state)]
        return self.setup.answers.literal(ref, state.resource, self.need_of(state))

    def need_of(self, state: Any) -> Need:
        """What later states read of a Task's result."""
        return self.setup.sampler.need(state.name, state.definition.resource)

    def _is_recorded(self, recorded: Recorded, state: Any, frame: Frame) -> bool:
        if not recorded.inside and stepfunctions.inside(state, frame, self.scene) is not None:
            return False
        return not self.left_recording(state, frame)

    def left_recording(self, state: Any, frame: Frame) -> str:
        """Why the recording that is replayed does not answer a Task that is about to start."""
        recorded = self.setup.recorded
        return "" if recorded is None else recorded.declines(call_of(self.setup, self.scene, state, frame))

    def _over_the_limit(self, change: Change) -> Change:
        """AWS ends an execution whose history is full; the last event says so."""
        if change.kind in ENDS and change.first <= self._last_event >= change.first + len(change.events) - 1:
            return change
        cause = f"The execution reached the maximum number of history events ({self._last_event})."
        top = self.frames[change.frame.scope.execution.key]
        failure = Failure("States.Runtime", cause, top.state, limit=("history events", self._last_event))
        return failing.fail_execution(top, self.scene, failure)

    def run_on(self) -> None:
        """`step` until the end, without views.

        Kept flat because everything else waits for it: the frame that has just stepped goes on
        without passing through the timer index when no other one is due before it, and a change
        that is anything special goes the slow way.  A test holds it equal to repeated `step`.
        """
        while self.proceed() is not None:
            live = TOP in self.frames and self.cursor >= len(self.changes)
            if live and (frame := self.next_frame()) is not None:
                try:
                    with without_collector():
                        self._rush(frame)
                finally:
                    self.settle()

    def _rush(self, frame: Any) -> None:  # noqa: C901, PLR0912, PLR0915 - flat on purpose
        frames, changes, counters, scene = self.frames, self.changes, self.counters, self.scene
        note = changes.append if self._keep else self._watch or _pass_over
        last_event = self._last_event - LONGEST_CHANGE
        number, billed, now = self.cursor, self.billed, self.clock
        index, self._index = self._index or TimerIndex(frames.values()), None
        index.take(frames)
        heap, rank = index.heap, RANK.get
        while frame is not None:
            if frame.phase in GATED and not self.may_pass(frame):
                break
            if frame.due > now:  # noqa: PLR1730 - max() costs three times as much
                now = frame.due
            change: Any = decide(frame, scene, now, number)
            if type(change) is not Change:
                change = self._scripted(change)
                if change is None:
                    break
            kind, _, _, after, others, first, events = change
            if first > last_event:
                break
            number += 1
            if kind in BILLED:
                billed += 1
            self._pending = change, number, billed, now, True
            for old, new in others:
                if new is None:
                    del frames[old.id]
                    continue
                frames[new.id] = new
                if new.due is not None:
                    heappush(heap, (new.due, rank(new.phase, 1), new.event, new.id))
            frame = after
            frames[frame.id] = frame
            if events:
                counters[frame.scope.execution.key] = first + len(events) - 1
            note(change)
            due = frame.due
            if due is None:
                if kind in ENDS:
                    break
            elif not heap or due < heap[0][0]:
                continue
            else:
                key = (due, rank(frame.phase, 1), frame.event, frame.id)
                if key < heap[0]:
                    continue
                heappush(heap, key)
            frame = index.take(frames)
        # Nothing above calls people's code, so nobody has missed these.
        self.cursor, self.billed, self.clock = number, billed, now
        self._pending = None
        if frame is not None:
            index.add(frame)
        self._index = index

    # --- the one writer -------------------------------------------------------------------------------
    def commit(self, change: Change) -> None:
        """Write a new change at the cursor; what was recorded after it is cut off."""
        del self.changes[self.cursor :]
        if self._keep:
            self.changes.append(change)
        elif self._watch is not None:
            self._watch(change)
        self._apply(change, self.cursor + 1)

    def _apply(self, change: Change, cursor: int) -> None:
        billed = self.billed + (change.kind in BILLED)
        self._pending = change, cursor, billed, change.time, True
        self._write()

    def unapply(self, change: Change) -> None:
        """Take the change before the cursor back."""
        cursor = self.cursor - 1
        before = self.changes[cursor - 1].time if cursor else self.setup.birth.time
        billed = self.billed - (change.kind in BILLED)
        self._pending = change, cursor, billed, before, False
        self._write()

    def settle(self) -> None:
        """Finish what an interrupt left half written: writing it again completes it."""
        if self._pending is not None:
            change, cursor, _, _, forward = self._pending
            if self._keep and forward and len(self.changes) < cursor:
                self.changes.append(change)
            self._index = None
            self._write()

    def _write(self) -> None:
        """Put one side of the pending change into the table; doing it twice changes nothing more."""
        assert self._pending is not None  # noqa: S101 - set by its callers
        change, cursor, billed, clock, forward = self._pending
        index, self._index = self._index, None
        frames, others = self.frames, change.others
        pair = (change.before, change.after)
        for before, after in (pair, *others) if others else (pair,):
            old, new = (before, after) if forward else (after, before)
            if new is not None:
                frames[new.id] = new
                if index is not None:
                    index.add(new)
            elif old is not None:
                frames.pop(old.id, None)
        if change.events:
            latest = change.first + len(change.events) - 1 if forward else change.first - 1
            self.counters[change.frame.scope.execution.key] = latest
        self.cursor, self.billed, self.clock = cursor, billed, clock
        # Going back and forth leaves keys that no longer count; a new index is made when it is needed.
        self._index = None if index is not None and len(index.heap) > 4 * len(frames) + 64 else index
        self._pending = None

    # --- what it stands at --------------------------------------------------------------------------
    @property
    def top(self) -> Frame:
        """The top-level flow; before the first step, as it will be born."""
        self.settle()
        top = self.frames.get(TOP) or self.setup.birth.after
        assert top is not None  # noqa: S101 - the birth has a frame
        return top

    @property
    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED, as DescribeExecution says it."""
        return self.top.phase if self.top.phase in OVER else "RUNNING"

    @property
    def blocked(self) -> str | None:
        """None, "outside" (a callback or activity is open) or "unanswered" (a Task nobody answers for)."""
        if self.status != "RUNNING" or TOP not in self.frames or self.cursor < len(self.changes):
            return None
        frame = self.next_frame()
        if frame is None:
            return "outside"
        return "unanswered" if self._lacks_answer(frame) else None

    def acting_for(self, frame: Frame) -> Frame | None:
        """The flow that a frame steps for: the whole of a deadline, the task that a worker takes next."""
        if frame.phase == DEADLINE:
            return self.frames.get(frame.work)
        return polling.first_in_line(frame, self.scene) if frame.phase == POLLING else frame

    def _lacks_answer(self, frame: Frame) -> bool:
        task = self.acting_for(frame)
        if task is None or task.phase not in {SCHEDULED, QUEUED}:
            return False
        state = self.scene.look(task, self.clock, self.cursor)
        if find(task, state.name, self.scene) is not None:
            return False
        if task.phase == QUEUED:
            return not self.scene.is_answered(self.scene, state, task)
        if waits_outside(state):
            return False
        return (
            not self.scene.is_answered(self.scene, state, task)
            and stepfunctions.inside(state, task, self.scene) is None
        )

    def answered_by_recording(self, recorded: Recorded) -> Self:
        """The same start, answered by a recording before anyone else is asked; nothing has run yet."""
        programs = replayed().programs(self.setup.programs, recorded)
        return type(self)(replace(self.setup, recorded=recorded, programs=programs), keep_history=self._keep)

    # --- copies -------------------------------------------------------------------------------------
    def fork(self) -> Self:
        """An execution that stands where this one does and goes its own way from here on."""
        self.settle()
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.frames = dict(self.frames)
        other.changes = list(self.changes)
        other.counters = defaultdict(int, self.counters)
        other._ready()  # noqa: SLF001 - one of its kind
        return other

    __copy__ = fork

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self.fork()

    def __getstate__(self) -> dict[str, Any]:
        self.settle()
        derived = {"scene", "origin", "_index", "_watch"}
        return {name: value for name, value in self.__dict__.items() if name not in derived}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._watch = None
        self._ready()
