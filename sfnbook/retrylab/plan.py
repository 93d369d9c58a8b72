"""One run of a simulation through the engine, and a chunk of them in a row.

Run k has a seed of its own, made of the simulation's seed and k, so any run can be made again, alone
and with its history.  A plan is data: it travels to other processes and machines.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from operator import add
from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance
from sfnbook.errors import UnansweredTask, UsageError
from sfnbook.frames import OVER, failure_in
from sfnbook.retrylab.summary import Record, StateCount, StateKey, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.execution import Execution
    from sfnbook.frames import Change, Frame
    from sfnbook.machine import Prepared, StateMachine
    from sfnbook.values import Json

CHUNK: Final = 256
"""Runs that go to a worker together: whoever gets them, they are summed up by themselves."""

RAISED: Final = "RAISED"
"""The status of a run that could not be made: its input or an answer was refused."""


@dataclass(frozen=True)
class Plan:
    """What is to be run.  ``input`` is one for all runs, a list of inputs, or a sampler."""

    machine: StateMachine
    input: Any = None
    tasks: Any = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)  # of StateMachine.prepare

    def seed_of(self, run: int) -> int:
        """The seed of one run."""
        return chance.combine(self.seed, run)

    def prepare(self) -> Prepared:
        """What all runs share; UsageError for answers that are none."""
        return self.machine.prepare(tasks=self.tasks, **self.options)

    def inputs(self, prepared: Prepared) -> Callable[[int], Json]:
        """A function that gives the input of a run."""
        if callable(self.input):
            return lambda run: prepared.checked(self.input(random.Random(self.seed_of(run))))  # noqa: S311
        if isinstance(self.input, list):
            if not self.input:
                raise UsageError("The list of inputs is empty. One input that is an empty list is [[]].")
            given = [prepared.checked(one) for one in self.input]
            return lambda run: given[run % len(given)]
        same = prepared.checked({} if self.input is None else self.input)
        return lambda _: same

    def start(self, run: int) -> Execution:
        """The execution of one run, with its history, before its first step."""
        prepared = self.prepare()
        return prepared.start(self.inputs(prepared)(run), name=named(run), seed=self.seed_of(run))


def named(run: int) -> str:
    """The name of the execution of one run.

    >>> named(7312)
    'run-7312'
    """
    return f"run-{run}"


class Watch:
    """Counts what happens at each state of one run, from the changes as they are made."""

    __slots__ = ("_execution", "_pointer", "_row", "states")

    def __init__(self) -> None:
        self.states: dict[StateKey, list[int]] = {}
        self._execution: Any = None
        self._pointer: str | None = None
        self._row: list[int] = []

    def see(self, change: Change) -> None:
        """Count a change."""
        kind = change.kind
        if kind in COUNTED:
            frame: Any = change.after
            if frame.state is not self._pointer or frame.scope.execution is not self._execution:
                self.row(frame)
            self._row[COUNTED[kind]] += 1
        elif kind in LEAVING:
            LEAVING[kind](self, change)

    @property
    def attempts(self) -> int:
        """How often a Task was started, at all states together."""
        return sum([row[ATTEMPTS] for row in self.states.values()])

    def row(self, frame: Frame) -> list[int]:
        """The counts of the state that a frame stands at, in the order of `StateCount`."""
        execution, pointer = frame.scope.execution, frame.state
        key = execution.machine, pointer
        self._row = self.states.setdefault(key, [0] * len(StateCount._fields))
        self._execution, self._pointer = execution, pointer
        return self._row

    def left(self, frame: Frame, time: int) -> None:
        """A visit came to its end."""
        row = self.row(frame)
        row[EXITS] += 1
        row[TIME] += time - frame.visit.time


VISITS, ATTEMPTS, FAILURES, RETRIES, CAUGHT, EXITS, TIME = range(len(StateCount._fields))


def _left(watch: Watch, change: Change) -> None:
    if change.before is not None:
        watch.left(change.before, change.time)
        watch.row(change.before)[CAUGHT] += change.kind == "Caught"


def _child_failed(watch: Watch, change: Change) -> None:
    child = change.others[0][0] if change.others else None
    if child is not None:
        watch.left(child, change.time)


COUNTED: Final[dict[str, int]] = {
    "StateEntered": VISITS,
    "TaskStarted": ATTEMPTS,
    "TaskFailed": FAILURES,
    "TaskTimedOut": FAILURES,
    "RetryScheduled": RETRIES,
}
"""What is counted of each kind of change; others are passed over."""

LEAVING: Final[dict[str, Callable[[Watch, Change], None]]] = {
    "StateExited": _left,
    "Caught": _left,
    "ExecutionFailed": _left,
    "FanOutFailed": _child_failed,
}
"""Where a visit ends."""


class Chunk:
    """Runs in a row, from ``first`` on; what was run so far can be summed up at any time."""

    def __init__(self, plan: Plan, first: int) -> None:
        self.plan, self.first = plan, first
        self.prepared = plan.prepare()
        self.input_of = plan.inputs(self.prepared)
        self.begin(first)

    def begin(self, first: int) -> None:
        """Begin another chunk of the same plan."""
        self.first = first
        self.records: list[Record] = []
        self.states: dict[StateKey, list[int]] = {}

    def run(self, count: int) -> Summary:
        """Run so many."""
        for run in range(self.first, self.first + count):
            watch = Watch()
            record = self._record(run, watch)
            for key, row in watch.states.items():
                known = self.states.get(key)
                self.states[key] = row if known is None else list(map(add, known, row))
            self.records.append(record)
        return self.summary()

    def summary(self) -> Summary:
        """The runs so far."""
        states = {key: StateCount(*row) for key, row in self.states.items()}
        return Summary.of(self.records, self.first, states)

    def _record(self, run: int, watch: Watch) -> Record:
        try:
            given, seed = self.input_of(run), self.plan.seed_of(run)
            execution = self.prepared.watched(given, watch.see, name=named(run), seed=seed)
        except Exception as problem:  # noqa: BLE001 - a sampler is people's code: this run fails, others go on
            return Record(run, RAISED, type(problem).__name__, 0, 0, 0)
        status, error = None, None
        try:
            execution.run_on()
        except UnansweredTask:
            raise
        except Exception as problem:  # noqa: BLE001 - a backend is people's code, too
            status, error = RAISED, type(problem).__name__
        top = execution.top
        if status is None:
            status = top.phase if top.phase in OVER else "RUNNING"
            failure = failure_in(top.work) if status == "FAILED" else None
            error = None if failure is None else failure.error
        time = execution.clock - execution.setup.birth.time
        return Record(run, status, error, time, watch.attempts, execution.billed)


def run_chunk(plan: Plan, first: int, count: int) -> Summary:
    """Run so many, from ``first`` on: what a worker does."""
    return Chunk(plan, first).run(count)
