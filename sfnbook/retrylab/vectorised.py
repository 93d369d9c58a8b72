"""The numbers of many runs at once, where the machine is a single Task with Retry.

NumPy computes the same bits as the engine: every draw is a SplitMix64 hash of the run's seed, the
place and the purpose (`sfnbook.chance`), and all sums are of whole microseconds.  What is not plain
goes to the engine: another machine altogether, or single runs that reach a limit.
"""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook import chance, retry
from sfnbook.clock import SECOND
from sfnbook.definition import Task
from sfnbook.errors import TIMEOUT, SfnbookError
from sfnbook.frames import FAILED, FAILED_FOR_GOOD, LAPSED, SCHEDULED, SUCCEEDED
from sfnbook.prices import EXPRESS_UNIT
from sfnbook.retrylab.plan import Chunk, Plan
from sfnbook.retrylab.summary import EXPRESS_LIMIT, PAIRED, Ending, Record, StateCount, Summary, added
from sfnbook.retrylab.tally import DIGITS, MOST_EXACT, Tally
from sfnbook.scene import hashed
from sfnbook.tasks.answers import EVERY_TASK
from sfnbook.tasks.composed import Attempts
from sfnbook.tasks.durations import Duration
from sfnbook.tasks.faults import OVERLAYS, Fault, Faulty, laid_over
from sfnbook.tasks.protocol import Call, Failure, Never, Outcome, Result, ended
from sfnbook.timeline import LONGEST_CHANGE
from sfnbook.values import text
from sfnbook.working import when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sfnbook.execution import Execution
    from sfnbook.frames import Scheduled

Array: TypeAlias = Any
"""A NumPy array with one number for each run."""

Parting: TypeAlias = tuple[Array, Outcome]
"""Some of the runs, and the outcome that they get."""

BLOCK: Final = 1 << 16
"""Runs that are computed at once: few enough for the processor's cache, and memory stays flat."""

MOST_ATTEMPTS: Final = 1_000
"""A run with more is left to the engine."""

EVENTS: Final = 3
"""Events of one attempt: scheduled, started, ended."""

_FIXED: Final = frozenset({"Type", "Resource", "Retry", "Comment"})
_DYNAMIC: Final = ("{%", "$$", "States.")
"""Signs of expressions that may see the attempt or draw random numbers."""


class Vector:
    """A plan whose runs can be computed at once; ``execution`` stands before its Task starts."""

    def __init__(self, plan: Plan, execution: Execution, spec: Any) -> None:
        self.plan, self.spec = plan, spec
        setup, top = execution.setup, execution.top
        self.state: Any = setup.definitions["main"].states[execution.scene.state(top).name]
        self.task: Scheduled = top.work._replace(started=0)
        events = math.inf if setup.limits.events is None else setup.limits.events - LONGEST_CHANGE
        self.most_attempts = int(min(MOST_ATTEMPTS, (events - 4) // EVENTS))
        self.deadline = min(
            (frame.due - setup.birth.time for _, frame in setup.birth.others if frame and frame.due),
            default=math.inf,
        )
        self._good: dict[str, bool] = {}

    def run(self, first: int, count: int) -> Summary:
        """The summary of so many runs from ``first`` on; at most a `BLOCK` of them."""
        import numpy as np  # noqa: PLC0415 - heavy

        runs = Runs(np, self, first, count)
        for number in range(1, self.most_attempts + 1):
            if not runs.attempt(number):
                break
        return runs.summary()

    def succeeds(self, outcome: Outcome) -> bool:
        """Is the state left with this result, or does its data flow fail?  The engine says so, once."""
        key = text(outcome.result)
        if key not in self._good:
            plan = replace(self.plan, tasks={EVERY_TASK: Outcome(outcome.result)})
            self._good[key] = plan.start(0).run().status == SUCCEEDED
        return self._good[key]

    def refusal(self, fault: Fault, attempt: int) -> Outcome:
        """What a fault says where it strikes."""
        name = self.state.name
        certain = fault if fault.name == "denied" else fault._replace(name="failing", arguments=())
        call = Call(name, name, self.state.resource, self.task.arguments, attempt)
        return laid_over(lambda _: Outcome(), (certain,))(call)


class NotPlain(Exception):  # noqa: N818 - it says why, and nobody sees it
    """These runs are for the engine after all."""


class Runs:
    """A block of runs under way."""

    def __init__(self, np: Any, vector: Vector, first: int, count: int) -> None:
        self.np, self.vector, self.first, self.count = np, vector, first, count
        self.seeds = self._mixed(self._mixed_seed(first, count))
        self.time = np.zeros(count, np.int64)
        self.attempts = np.zeros(count, np.int64)
        self.used = np.zeros((max(1, len(vector.state.retry)), count), np.int64)
        self.ended = np.full(count, -1, np.int64)  # the index of its ending; -1: none yet
        self.endings: list[tuple[str, str | None]] = []
        self.alive = np.arange(count)

    # --- chance -----------------------------------------------------------------------------------
    def _mixed_seed(self, first: int, count: int) -> Array:
        np = self.np
        numbers = np.arange(first, first + count, dtype=np.uint64)
        return self._mixed(np.uint64(chance.combine(self.vector.plan.seed)) ^ numbers)

    def _mixed(self, bits: Array) -> Array:
        """`chance.mix` of many; NumPy's whole numbers of 64 bits wrap around by themselves."""
        u = self.np.uint64
        z = bits + u(chance.GAMMA)
        for shift, factor in zip((30, 27), chance.FACTORS, strict=True):
            z = (z ^ (z >> u(shift))) * u(factor)
        return z ^ (z >> u(31))

    def draw(self, where: Array, number: int, phase: str, purpose: str) -> Array:
        """`Scene.draw_bits` for the runs in ``where``, at an attempt."""
        place = hashed((None, self.vector.state.pointer, 1, number - 1, 0))
        bits = self.seeds[where]
        for part in (place, chance.digest(phase), chance.digest(purpose), 0):
            bits = self._mixed(bits ^ self.np.uint64(part))
        return bits

    def fraction(self, bits: Array) -> Array:
        """`chance.fraction` of many."""
        return (bits >> self.np.uint64(11)) * (1.0 / (1 << 53))

    # --- one attempt ------------------------------------------------------------------------------
    def attempt(self, number: int) -> bool:
        """Make the next attempt of all runs that are alive; are there any left?"""
        alive, self.alive = self.alive, self.alive[:0]
        self.attempts[alive] = number
        for where, outcome in self.outcomes(self.vector.spec, alive, number):
            self.settle(where, outcome, number)
        return bool(len(self.alive))

    def outcomes(self, spec: Any, where: Array, number: int, bits: Array = None) -> Iterator[Parting]:
        """Which runs get which outcome of an answer, as `tasks.compiling` compiles it."""
        match spec:
            case Attempts(answers):
                yield from self.outcomes(answers[min(number, len(answers)) - 1], where, number, bits)
            case Faulty(answer, faults):
                bits = self.draw(where, number, SCHEDULED, "answer") if bits is None else bits
                yield from self.under(answer, faults, where, number, bits)
            case _:
                yield where, ended(spec)

    def under(
        self, answer: Any, faults: tuple[Fault, ...], where: Array, number: int, bits: Array
    ) -> Iterator[Parting]:
        """The outcomes of an answer under faults, as `faults.laid_over` lays them."""
        for index, fault in enumerate(faults):
            if fault.name not in STRIKES:
                continue
            strikes = STRIKES[fault.name](self, where, number, bits, *fault.arguments)
            yield where[strikes], _overlaid(self.vector.refusal(fault, number), faults[:index])
            where, bits = where[~strikes], self._mixed(bits[~strikes])
        for some, outcome in self.outcomes(answer, where, number, bits):
            yield some, _overlaid(outcome, faults)

    def settle(self, where: Array, outcome: Outcome, number: int) -> None:
        """Let time pass until an outcome, or a limit, comes, and see what becomes of it."""
        task = self.vector.task
        if not isinstance(outcome.seconds, Duration):
            due, in_time, missed = when(outcome, outcome.seconds, task, 0)
            self.time[where] += due
            self.ends(where, outcome, number, in_time, missed)
            return
        takes = self.lasting(outcome.seconds, self.draw(where, number, SCHEDULED, "seconds"))
        takes = self.np.rint(takes * SECOND).astype(self.np.int64)
        limit, _, missed = when(outcome._replace(never=True), 0, task, 0)
        late = takes > limit
        self.time[where] += self.np.minimum(takes, limit)
        self.ends(where[~late], outcome, number, True, False)
        self.ends(where[late], outcome, number, False, missed)

    def lasting(self, seconds: float | Duration, bits: Array) -> Array:
        """`Duration.draw` of many."""
        if not isinstance(seconds, Duration):
            return self.np.full(len(bits), float(seconds))
        drawn = DRAWS[seconds.name](self, bits, *seconds.numbers)
        return drawn + self.lasting(seconds.more, self._mixed(bits))

    def each(self, function: Any, numbers: Array) -> Array:
        """A function of Python's ``math`` on each number: NumPy's own may differ in the last bit."""
        return self.np.fromiter(map(function, numbers.tolist()), float, len(numbers))

    def ends(self, where: Array, outcome: Outcome, number: int, in_time: bool, missed: bool) -> None:
        """An attempt has ended: the run succeeds, fails, or waits for its next attempt."""
        if not len(where):
            return
        if in_time and not outcome.failed:
            if not self.vector.succeeds(outcome):
                raise NotPlain
            self.end(where, SUCCEEDED, None)
            return
        error = outcome.error if in_time else TIMEOUT
        retriers = self.vector.state.retry
        index = retry.first_match(retriers, error, heartbeat=missed)
        if index is None:
            self.end(where, FAILED_FOR_GOOD, error)
            return
        left = self.used[index][where] < retriers[index].max_attempts
        self.end(where[~left], FAILED_FOR_GOOD, error)
        self.wait(where[left], index, number, FAILED if in_time else LAPSED)

    def wait(self, where: Array, index: int, number: int, phase: str) -> None:
        """The delay before the next attempt."""
        if not len(where):
            return
        np, retrier = self.np, self.vector.state.retry[index]
        used = self.used[index][where]
        base = np.array([retry.base_delay(retrier, times) for times in range(int(used.max()) + 1)])[used]
        if retrier.jitter_strategy == "FULL":
            base = self.fraction(self.draw(where, number, phase, "jitter")) * base
        self.time[where] += np.rint(base * SECOND).astype(np.int64)
        self.used[index][where] += 1
        self.alive = np.concatenate([self.alive, where])

    def end(self, where: Array, status: str, error: str | None) -> None:
        """Runs that are over."""
        key = (status, error)
        if key not in self.endings:
            self.endings.append(key)
        self.ended[where] = self.endings.index(key)

    # --- the summary ------------------------------------------------------------------------------
    def summary(self) -> Summary:
        """What the engine's records of the same runs would be summed up to."""
        odd = self._by_the_engine()
        np, count = self.np, self.count
        success = self.ended == self._index((SUCCEEDED, None))
        state = ("main", self.vector.state.pointer)
        plain = ~odd
        time, attempts = self.tally(self.time), self.tally(self.attempts)
        summary = Summary(
            self.first,
            count,
            self._counted(),
            time,
            time if success.all() else self.tally(self.time[success]),
            attempts,
            self.tally(self.transitions) if odd.any() else attempts,
            int((-(-self.time // EXPRESS_UNIT)).sum()),
            int((self.time > EXPRESS_LIMIT).sum()),
            _pairs(np, self.attempts[success]),
            {state: self._state_count(plain, success & plain)} if plain.any() else {},
            (int(self.time.max()), self.first + int(self.time.argmax())),
        )
        for key, more in self.engine_states.items():
            summary.states[key] = added(summary.states.get(key, StateCount()), more)
        kept = max(0, min(count, MOST_EXACT - self.first))
        columns = (self.time, self.attempts, self.transitions, success)
        for name, column in zip(PAIRED, columns, strict=True):
            summary.paired[name].extend(column[:kept].astype(np.int64).tolist())
        return summary

    def _index(self, key: tuple[str, str | None]) -> int:
        return self.endings.index(key) if key in self.endings else -2

    def _counted(self) -> dict[tuple[str, str | None], Ending]:
        found = {}
        for index, key in enumerate(self.endings):
            where = self.np.flatnonzero(self.ended == index)
            if len(where):
                found[key] = Ending(len(where), self.first + int(where[0]))
        return found

    def _state_count(self, plain: Array, success: Array) -> StateCount:
        """Of the runs that were computed here: each of them visits the state once and leaves it."""
        visits, attempts = int(plain.sum()), int(self.attempts[plain].sum())
        failures = attempts - int(success.sum())
        time = int(self.time[plain].sum())
        return StateCount(visits, attempts, failures, attempts - visits, 0, visits, time)

    def _by_the_engine(self) -> Array:
        """Let the engine make the runs that reached a limit; which ones they are."""
        vector, np = self.vector, self.np
        self.transitions = self.attempts.copy()
        odd = (self.ended < 0) | (self.time >= vector.deadline)
        self.engine_states: dict[tuple[str, str], StateCount] = {}
        if odd.any():
            chunk = Chunk(vector.plan, self.first)
            for place in np.flatnonzero(odd).tolist():
                chunk.begin(self.first + place)
                alone = chunk.run(1)
                record: Record = chunk.records[0]
                self.time[place], self.attempts[place] = record.time, record.attempts
                self.transitions[place] = record.transitions
                self.end(np.array([place]), record.status, record.error)
                for key, more in alone.states.items():
                    known = self.engine_states.get(key, StateCount())
                    self.engine_states[key] = added(known, more)
        return odd

    def tally(self, numbers: Array) -> Tally:
        """`Tally` of many numbers."""
        np = self.np
        if not len(numbers):
            return Tally()
        counts = _pairs(np, numbers)
        rough = len(counts) > MOST_EXACT
        if rough:  # `tally.binned`
            shift = np.maximum(np.frexp(numbers.astype(float))[1] - DIGITS, 0)
            counts = _pairs(np, numbers >> shift << shift)
        sums = int(numbers.sum()), _squares(np, numbers)
        return Tally.of(counts, *sums, int(numbers.min()), int(numbers.max()), rough)


def _pairs(np: Any, numbers: Array) -> dict[int, int]:
    values, counts = np.unique(numbers, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _squares(np: Any, numbers: Array) -> int:
    """The sum of the squares, exactly: in halves of 24 bits nothing of a block overflows."""
    high, low = (numbers >> 24).astype(np.uint64), (numbers & 0xFFFFFF).astype(np.uint64)
    parts = ((high * high).sum(), (high * low).sum(), (low * low).sum())
    return (int(parts[0]) << 48) + (int(parts[1]) << 25) + int(parts[2])


def _overlaid(outcome: Outcome, faults: tuple[Fault, ...]) -> Outcome:
    for fault in reversed(faults):
        if fault.name in OVERLAYS:
            outcome = OVERLAYS[fault.name](outcome, *fault.arguments)
    return outcome


# --- faults ---------------------------------------------------------------------------------------
def _failing(runs: Runs, where: Array, number: int, _bits: Array, *attempts: int) -> Array:
    return runs.np.full(len(where), not attempts or number in attempts)


def _flaky(runs: Runs, _where: Array, _number: int, bits: Array, rate: float) -> Array:
    return runs.fraction(bits) < rate


def _outage(runs: Runs, where: Array, _number: int, _bits: Array, start: float, end: float) -> Array:
    time = runs.time[where] / SECOND
    return (start <= time) & (time < end)


STRIKES: Final[dict[str, Callable[..., Array]]] = {
    "failing": _failing,
    "flaky": _flaky,
    "outage": _outage,
    "denied": _failing,
}
"""`faults.STRIKES` of many, but for what remembers earlier calls."""


# --- durations ------------------------------------------------------------------------------------
def _uniform(runs: Runs, bits: Array, low: float, high: float) -> Array:
    return low + (high - low) * runs.fraction(bits)


def _exponential(runs: Runs, bits: Array, mean: float) -> Array:
    return -mean * runs.each(math.log1p, -runs.fraction(bits))


def _normal(runs: Runs, bits: Array, mean: float, deviation: float) -> Array:
    radius = runs.np.sqrt(-2 * runs.each(math.log1p, -runs.fraction(bits)))
    angle = 2 * math.pi * runs.fraction(runs._mixed(bits))  # noqa: SLF001 - a part of it
    return runs.np.maximum(0.0, mean + deviation * radius * runs.each(math.cos, angle))


DRAWS: Final[dict[str, Callable[..., Array]]] = {
    "uniform": _uniform,
    "exponential": _exponential,
    "normal": _normal,
}
"""`durations.DRAWS` of many."""


# --- does it apply? -------------------------------------------------------------------------------
def vector_of(plan: Plan) -> Vector | None:
    """The plan as a `Vector`; None where only the engine can make its runs."""
    if find_spec("numpy") is None or not _is_one_task(plan):
        return None
    try:
        execution = plan.start(0)
        while execution.top.phase != SCHEDULED:
            if execution.step() is None:
                return None
    except SfnbookError:
        return None
    state = execution.scene.state(execution.top)
    answer = execution.setup.answers.find(execution.setup.refs["main", state.pointer])
    if answer is None or not _is_plain(answer.spec) or state.resource.pattern != "request":
        return None
    return Vector(plan, execution, answer.spec)


def _is_one_task(plan: Plan) -> bool:
    """Is there one Task and nothing else, and are its arguments the same in every run?"""
    states = list(plan.machine.definition.walk())
    if len(states) > 1 or not isinstance(states[0], Task) or states[0].catch:
        return False
    if callable(plan.input) or isinstance(plan.input, list):
        return False
    fields = plan.machine.source["States"][states[0].name]
    written = text({name: value for name, value in fields.items() if name not in _FIXED})
    return not any(sign in written for sign in _DYNAMIC)


def _is_plain(spec: Any) -> bool:
    """Does an answer depend on nothing but the attempt, its time and its bits?"""
    match spec:
        case Attempts(answers):
            return all(map(_is_plain, answers))
        case Faulty(answer, faults):
            return _is_plain(answer) and all(fault.name in {*STRIKES, *OVERLAYS} for fault in faults)
        case Result() | Failure() | Never() | Outcome():
            outcome = ended(spec)
            return not outcome.waits and outcome.backoff is None
    return False
