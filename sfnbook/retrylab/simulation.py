"""`simulate`: many executions of a machine, and the `Simulation` that people hold of them."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import SECOND
from sfnbook.debugger import Debugger
from sfnbook.drawing.charts import beside
from sfnbook.errors import SfnbookError, UsageError
from sfnbook.frames import SUCCEEDED
from sfnbook.limits import AWS_LIMITS, Limits
from sfnbook.machine import StateMachine
from sfnbook.notebook import displayed
from sfnbook.prices import PRICES, Prices, express_price, standard_price
from sfnbook.retrylab.comparing import Comparison, compare_simulations
from sfnbook.retrylab.executors import Workers, executor_of
from sfnbook.retrylab.figures import figure
from sfnbook.retrylab.pictures import success_chart, time_chart
from sfnbook.retrylab.plan import CHUNK, Chunk, Plan
from sfnbook.retrylab.policies import check_count, check_seed
from sfnbook.retrylab.progress import Bar, uninterrupted
from sfnbook.retrylab.summary import Summary
from sfnbook.retrylab.tally import ERROR, Estimate, Tally, share_of
from sfnbook.retrylab.vectorised import BLOCK, NotPlain, vector_of
from sfnbook.retrylab.words import dollars, duration, share
from sfnbook.tables import Table
from sfnbook.values import state_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sfnbook.execution import Execution
    from sfnbook.values import Json

PERCENTILES: Final = (50, 95, 99)


class Measure:
    """A figure of all runs: its mean, percentiles and bounds, in ``unit``."""

    def __init__(self, tally: Tally, unit: str, size: int = 1) -> None:
        self.tally, self.unit, self._size = tally, unit, size

    @property
    def mean(self) -> Estimate:
        """The mean with its 95 % interval."""
        return self.tally.mean().per(self._size)

    def percentile(self, percent: float) -> Estimate:
        """What ``percent`` of the runs do not exceed, with its 95 % interval.

        Exact up to 10,000 different values; beyond that right to `error`, relative to itself.
        """
        return self.tally.percentile(percent).per(self._size)

    @property
    def median(self) -> Estimate:
        """The middle."""
        return self.percentile(50)

    @property
    def lowest(self) -> float:
        """The least of all."""
        return self.percentile(0).value

    @property
    def highest(self) -> float:
        """The most of all."""
        return self.percentile(100).value

    @property
    def error(self) -> float:
        """How far percentiles may be off, relative to themselves; 0 where they are exact."""
        return ERROR if self.tally.rough else 0.0

    def counts(self) -> list[tuple[float, int]]:
        """The values in order and how often each occurred."""
        return [(value / self._size, times) for value, times in self.tally.sorted()]

    def __repr__(self) -> str:
        return f"<{self.mean} {self.unit} on average, median {self.median.value:.6g}>"


class Run:
    """One run of a simulation; it can be made again, with its history."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._plan, self.number = plan, number

    @property
    def seed(self) -> int:
        """Its own seed."""
        return self._plan.seed_of(self.number)

    @property
    def input(self) -> Json:
        """Its input."""
        return self.execution().input

    def execution(self) -> Execution:
        """The execution with its full history, before the first step."""
        return self._plan.start(self.number)

    def debugger(self) -> Debugger:
        """The run in the debugger, made again and standing at its end."""
        debugger = Debugger.of(self._plan.machine, self.execution())
        with suppress(SfnbookError):  # it stands where an answer was refused, and the next step says why
            debugger.run()
        return debugger

    def __repr__(self) -> str:
        return f"<Run {self.number:,}, seed {self.seed}>"


class Simulation:
    """The runs of a state machine, summed up; made by `simulate`.

    ``runs`` is how many there are; fewer than were asked for if it was interrupted.  ``time`` (virtual
    seconds), ``attempts`` (calls of Tasks) and ``transitions`` (as Standard bills them) are measures with
    mean and percentiles; ``success_time`` is the time of those that succeeded.
    """

    def __init__(self, plan: Plan, summary: Summary, asked: int) -> None:
        self.plan, self.summary, self.asked = plan, summary, asked
        self.time = Measure(summary.time, "s", SECOND)
        self.success_time = Measure(summary.success_time, "s", SECOND)
        self.attempts = Measure(summary.attempts, "attempts")
        self.transitions = Measure(summary.transitions, "transitions")

    @property
    def machine(self) -> StateMachine:
        """The state machine."""
        return self.plan.machine

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return self.summary.runs

    @property
    def interrupted(self) -> bool:
        """Are these fewer runs than were asked for?"""
        return self.runs < self.asked

    @property
    def success(self) -> Estimate:
        """The share of runs that succeeded, with its 95 % interval."""
        return share_of(self.summary.succeeded, self.runs)

    # --- what happened --------------------------------------------------------------------------
    def outcomes(self) -> Table:
        """How the runs ended: a row for each status and error, the most frequent first."""
        rows = []
        for (status, error), ending in sorted(
            self.summary.endings.items(), key=lambda item: (-item[1].runs, item[1].first)
        ):
            part = share_of(ending.runs, self.runs)
            rows.append(
                {"status": status, "error": error, "runs": ending.runs, "share": part.value,
                 "low": part.low, "high": part.high, "first_run": ending.first}
            )  # fmt: skip
        return Table(rows)

    def states(self) -> Table:
        """A row for each state that was entered: sums over all runs, and the mean time of a visit (s)."""
        rows = []
        for (machine, pointer), count in sorted(self.summary.states.items()):
            mean = count.time / count.exits / SECOND if count.exits else None
            name = state_name(pointer) if machine == "main" else f"{machine}/{state_name(pointer)}"
            rows.append(
                {"state": name, "visits": count.visits, "attempts": count.attempts,
                 "failures": count.failures, "retries": count.retries, "caught": count.caught,
                 "mean_seconds": mean}
            )  # fmt: skip
        return Table(rows)

    def table(self) -> Table:
        """The figures with their 95 % intervals: times in virtual seconds, prices in dollars."""
        rows = [_row("succeeded (share)", self.success)]
        for name, measure in self.measures().items():
            rows.append(_row(f"{name}, mean", measure.mean))
            rows += [_row(f"{name}, {p} % of runs within", measure.percentile(p)) for p in PERCENTILES]
        rows.append(_row("price of a million, Standard ($)", self.price()))
        rows.append(_row("price of a million, Express ($)", self.price("EXPRESS")))
        return Table(rows)

    def measures(self) -> dict[str, Measure]:
        """The measures by name."""
        return {"time (s)": self.time, "attempts": self.attempts, "transitions": self.transitions}

    def price(
        self,
        type: str = "STANDARD",  # noqa: A002 - the API's word
        *,
        executions: int = 1_000_000,
        memory_mb: float = 64,
        prices: Prices = PRICES,
    ) -> Estimate:
        """Dollars for so many executions like these, as a Standard or an Express workflow.

        Express is billed by the 100 ms and by memory (``memory_mb``, in chunks of 64).  Its executions end
        after 5 minutes; how many of these would not have is ``summary.too_long``.

        https://aws.amazon.com/step-functions/pricing/
        """
        if type == "STANDARD":
            return Estimate(*(standard_price(each * executions, prices) for each in self.transitions.mean))
        if type != "EXPRESS":
            raise UsageError(f"type={type!r}: a workflow is STANDARD or EXPRESS.")
        mean = self.time.mean  # says so where there are no runs
        units = self.summary.units / self.runs
        spread = 10 * (mean.high - mean.value)  # of 100 ms in a second
        return Estimate(
            *(
                express_price(executions, max(0.0, each) * executions, memory_mb, prices)
                for each in (units, units - spread, units + spread)
            )
        )

    # --- single runs ----------------------------------------------------------------------------
    def run(self, number: int) -> Run:
        """One of the runs, from 0 on."""
        if type(number) is not int or not 0 <= number < self.runs:
            raise UsageError(f"There is no run {number!r}; there are {self.runs:,}, from 0 on.")
        return Run(self.plan, number)

    @property
    def slowest(self) -> Run | None:
        """The first of the runs that took longest."""
        return None if self.summary.slowest is None else Run(self.plan, self.summary.slowest[1])

    @property
    def failed(self) -> Run | None:
        """The first run that did not succeed; None if all did."""
        first = [ending.first for (status, _), ending in self.summary.endings.items() if status != SUCCEEDED]
        return Run(self.plan, min(first)) if first else None

    def example(self, error: str | None) -> Run:
        """The first run that ended with an error."""
        first = [ending.first for (_, known), ending in self.summary.endings.items() if known == error]
        if not first:
            known = ", ".join(str(name) for _, name in self.summary.endings if name) or "none"
            raise UsageError(f"No run ended with {error!r}. The errors are: {known}.")
        return Run(self.plan, min(first))

    # --- against others, and to look at ---------------------------------------------------------
    def compare(self, other: Simulation) -> Comparison:
        """Hold another one against this, run by run where both have the same seed."""
        return compare_simulations({"this": self, "other": other})

    def chance_by_attempts(self) -> list[tuple[int, float]]:
        """The share of runs that succeeded with at most so many attempts."""
        total, found = 0, []
        for attempts, runs in sorted(self.summary.successes.items()):
            total += runs
            found.append((attempts, total / self.runs))
        return found

    def to_svg(self) -> str:
        """The distribution of the total time and the chance of success by attempts, as SVG."""
        return beside([time_chart(self), success_chart(self)])

    def plot(self) -> Any:
        """The same as a matplotlib Figure."""
        return figure(time_chart(self), success_chart(self))

    def __str__(self) -> str:
        if not self.runs:
            return "No runs: it was interrupted at once."
        calls = f"{self.attempts.mean.value:.3g}"
        mean, late = self.time.mean.value, self.time.percentile(95).value
        said = (
            f"{self.runs:,} runs: {share(self.success.value)} succeeded; {duration(mean)} on average, 95 % "
            f"within {duration(late)}; {calls} attempt{'' if calls == '1' else 's'}; a million cost "
            f"{dollars(self.price().value)} (Standard) or {dollars(self.price('EXPRESS').value)} (Express)."
        )
        if self.summary.too_long:
            said += f" {share(self.summary.too_long / self.runs)} are too long for Express."
        if self.interrupted:
            said = f"Interrupted after {self.runs:,} of {self.asked:,} runs. {said}"
        return said

    def __repr__(self) -> str:
        return f"<Simulation of {self.machine.name!r}: {self}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        if not self.runs:
            return displayed(repr(self), f"<p>{escape(str(self))}</p>")
        shown = f"<p>{escape(str(self))}</p>{self.to_svg()}{self.outcomes().to_html()}"
        return displayed(repr(self), shown)


def _row(name: str, estimate: Estimate) -> dict[str, Any]:
    return {"figure": name, "value": estimate.value, "low": estimate.low, "high": estimate.high}


def simulate(
    machine: StateMachine,
    input: Any = None,  # noqa: A002 - the API's word
    *,
    tasks: Any = None,
    runs: int = 10_000,
    seed: int = 0,
    executor: Any = None,
    progress: bool = True,
    vectorised: bool = True,
    machines: Mapping[str, StateMachine] | None = None,
    files: Any = None,
    type: str | None = None,  # noqa: A002 - the API's word
    limits: Limits | None = AWS_LIMITS,
) -> Simulation:
    """Execute a machine many times, each time with a seed of its own, and sum up what happens.

    ``input`` is the input of all runs, a list of inputs (taken in turn), or a sampler: a function of
    a `random.Random` seeded for the run.  ``tasks``, ``machines``, ``files``, ``type`` and ``limits`` are
    those of `StateMachine.start`.  ``executor`` is any `concurrent.futures.Executor`; the result is the
    same to the last bit whoever makes the runs.  A machine that is one Task with Retry is computed with
    NumPy, to the same bits, unless ``vectorised=False``.  An interrupt gives what is done so far.

    Raises UsageError for answers or inputs that are none, UnansweredTask for a Task that nobody answers.
    What goes wrong in single runs is counted as an outcome of theirs.

    >>> import sfnbook
    >>> from sfnbook.tasks import attempts, failure
    >>> retry = [{"ErrorEquals": ["Busy"], "JitterStrategy": "FULL"}]
    >>> work = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Retry": retry, "End": True}
    >>> machine = sfnbook.load({"StartAt": "Work", "States": {"Work": work}})
    >>> simulation = simulate(machine, tasks={"Work": attempts(failure("Busy"), failure("Busy"), {})})
    >>> round(simulation.time.mean.value, 1), simulation.attempts.highest, simulation.price().value
    (1.5, 3.0, 75.0)
    """
    if not isinstance(machine, StateMachine):
        raise UsageError("The first argument is a StateMachine: give sfnbook.load(...).")
    check_count("runs", runs)
    check_seed(seed)
    options = {"machines": machines, "files": files, "type": type, "limits": limits}
    plan = Plan(machine, input, tasks, seed, options)
    workers = None if executor is None else Workers(executor_of(executor), plan)
    summary = Summary()
    with Bar("runs", runs, shown=progress) as bar:
        try:
            for part in _parts(plan, runs, workers, vectorised):
                with uninterrupted():
                    summary.merge(part)
                bar.done(summary.runs)
        except Interrupted as stop:
            summary.merge(stop.part)
        except KeyboardInterrupt:
            pass  # what has been merged is the answer
    return Simulation(plan, summary, runs)


class Interrupted(Exception):  # noqa: N818 - what the user did
    """The user stopped a chunk; ``part`` is the summary of its runs so far."""

    def __init__(self, part: Summary) -> None:
        super().__init__()
        self.part = part


def _parts(plan: Plan, runs: int, workers: Workers | None, vectorised: bool) -> Iterator[Summary]:
    """The summaries of all runs, in order."""
    vector = vector_of(plan) if vectorised else None
    done = 0
    if vector is not None:
        with suppress(NotPlain):
            while done < runs:
                yield vector.run(done, min(BLOCK, runs - done))
                done += min(BLOCK, runs - done)
    if workers is not None:
        yield from workers.chunks(done, runs)
    elif done < runs:
        yield from _here(plan, done, runs)


def _here(plan: Plan, done: int, runs: int) -> Iterator[Summary]:
    chunk = Chunk(plan, done)
    for first in range(done, runs, CHUNK):
        chunk.begin(first)
        try:
            part = chunk.run(min(CHUNK, runs - first))
        except KeyboardInterrupt:
            raise Interrupted(chunk.summary()) from None
        yield part
