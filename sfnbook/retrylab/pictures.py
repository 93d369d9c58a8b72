"""Results -> charts: what is drawn of a schedule, a simulation, a comparison and a herd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sfnbook.charts import Axis, Box, Boxes, Chart, Line, Mark, Rule, axis, time_axis
from sfnbook.clock import SECOND
from sfnbook.retrylab.words import duration, plural, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfnbook.retrylab.herd import Herd, Trial
    from sfnbook.retrylab.schedule import Attempt, Schedule
    from sfnbook.retrylab.service import Service
    from sfnbook.retrylab.simulation import Measure, Simulation

MOST_ROWS: Final = 24
"""Attempts that fit into a picture of a schedule."""

BINS: Final = 40

MOST_STEPS: Final = 400
"""Points of a curve: more cannot be seen."""


def schedule_chart(schedule: Schedule) -> Chart:
    """The attempts on the clock, a row each, with the delays between them."""
    shown = schedule.attempts[:MOST_ROWS]
    jitter = schedule.has_jitter
    high = max(attempt.end.high for attempt in shown)
    rows = tuple((float(number), str(attempt.number)) for number, attempt in enumerate(reversed(shown), 1))
    place = {attempt.number: row for (row, _), attempt in zip(rows, reversed(shown), strict=True)}
    marks: list[Mark] = [Boxes("waits for it", tuple(_waits(shown, place)), 1, faint=True)]
    if jitter:
        spans = (
            Box(one.start.low, one.start.high, place[one.number] - 0.3, place[one.number] + 0.3)
            for one in shown
            if one.start.high > one.start.low
        )
        marks = [Boxes("may start (full jitter)", tuple(spans), 2, faint=True)]
    marks.append(Boxes("attempt, on average" if jitter else "attempt", tuple(_attempts(shown, place)), 0))
    rest = len(schedule.attempts) - len(shown)
    note = f"{plural(len(shown), 'attempt')}, {schedule.end}: {schedule.outcome or 'goes on'}"
    if rest:
        note = f"The first {len(shown)} of {len(schedule.attempts):,} attempts."
    y = Axis("attempt", 0.4, len(shown) + 0.7, rows)
    name = schedule.policy.state
    return Chart(
        f"Retries of {name}" if name else "Retries", time_axis("time", high * 1.04), y, tuple(marks), note
    )


def _attempts(shown: Sequence[Attempt], place: Mapping[int, float]) -> list[Box]:
    return [
        Box(one.start.mean, one.end.mean, place[one.number] - 0.3, place[one.number] + 0.3) for one in shown
    ]


def _waits(shown: Sequence[Attempt], place: Mapping[int, float]) -> list[Box]:
    found = []
    for one in shown:
        if one.delay is not None and one.number + 1 in place:
            row = place[one.number + 1]
            end = one.end.mean
            label = duration(one.delay.mean)
            found.append(Box(end, end + one.delay.mean, row - 0.12, row + 0.12, label))
    return found


def time_chart(simulation: Simulation) -> Chart:
    """The distribution of the total time: the share of runs by time, and three percentiles."""
    boxes = histogram(simulation.time)
    top = max(box.top for box in boxes)
    high = max(boxes[-1].right, 1e-3)
    rules = []
    for row, percent in enumerate((50, 95)):
        value = simulation.time.percentile(percent).value
        rules.append(Rule(f"{percent} %: {duration(value)}", x=value, row=row))
    mean = simulation.time.mean
    note = f"{simulation.runs:,} runs, {duration(mean.value)} on average"
    return Chart(
        "Total time of an execution",
        time_axis("time", high * 1.04),
        axis("share of runs", 0, top * 1.12, count=6, percent=True),
        (Boxes("", tuple(boxes), 0), *(rules[:1] if _same(rules) else rules)),
        note,
    )


def _same(rules: Sequence[Rule]) -> bool:
    return len({rule.x for rule in rules}) == 1


def histogram(measure: Measure, bins: int = BINS) -> list[Box]:
    """The share of runs in each of some bins of the same width."""
    counts = measure.counts()
    total = sum(times for _, times in counts)
    low, high = counts[0][0], counts[-1][0]
    if low == high:
        half = (high or 1.0) * 0.02
        return [Box(max(0.0, low - half), high + half, 0, 1)]
    width = (high - low) / bins
    found = [0] * bins
    for value, times in counts:
        found[min(int((value - low) / width), bins - 1)] += times
    return [
        Box(low + number * width, low + (number + 1) * width, 0, times / total)
        for number, times in enumerate(found)
        if times
    ]


def success_chart(simulation: Simulation) -> Chart:
    """The chance that a run has succeeded with at most so many attempts."""
    points = tuple((float(attempts), chance) for attempts, chance in simulation.chance_by_attempts())
    most = max(simulation.attempts.highest, 2)
    drawn = (*points, (most, points[-1][1])) if points and points[-1][0] < most else points
    x = axis("attempts", 0.5, most + 0.5, count=8)
    whole = tuple((number, said) for number, said in x.ticks if number == int(number))
    return Chart(
        "Chance of success by attempts",
        x._replace(ticks=whole),
        axis("succeeded", 0, 1.06, count=6, percent=True),
        (Line("", drawn, 0, steps=True, dots=len(points) <= 30),),
        f"{share(simulation.success.value)} succeed in the end",
    )


def comparison_chart(simulations: Mapping[str, Simulation]) -> Chart:
    """How much of the runs has succeeded by which time, a curve for each policy."""
    high = max(simulation.time.highest for simulation in simulations.values()) or 1.0
    lines = tuple(
        Line(name, tuple(curve(simulation, high)), number, steps=True)
        for number, (name, simulation) in enumerate(simulations.items())
    )
    runs = next(iter(simulations.values())).runs
    return Chart(
        "Executions that have succeeded by then",
        time_axis("time", high * 1.02),
        axis("share of runs", 0, 1.04, count=6, percent=True),
        lines,
        f"{runs:,} runs each, on the same seeds",
    )


def curve(simulation: Simulation, end: float) -> list[tuple[float, float]]:
    """The share of all runs that have succeeded by each time, up to ``end``."""
    counts = simulation.success_time.counts()
    every = max(1, len(counts) // MOST_STEPS)
    found, below = [(0.0, 0.0)], 0
    for number, (value, times) in enumerate(counts, 1):
        below += times
        if number % every == 0 or number == len(counts):
            found.append((value, below / simulation.runs))
    return [*found, (end, below / simulation.runs)]


def load_charts(herd: Herd) -> list[Chart]:
    """The load on the service over time, a chart for each policy on the same scale of calls."""
    service = herd.service
    top = max([service.per_second or 0.0, *(trial.load.peak() for trial in herd.trials.values())])
    return [_load_chart(trial, service, top) for trial in herd.trials.values()]


def _load_chart(trial: Trial, service: Service, top: float) -> Chart:
    bins, done = trial.load.bins(), trial.done.mean().value / SECOND
    last = bins[-1].end if bins else 1.0
    # All clients at once are more in their instant than in any second: the line leaves the picture there.
    every = [(one.begin, min(one.served + one.refused, top * 1.15)) for one in bins]
    served = [(one.begin, min(one.served, top * 1.15)) for one in bins]
    marks: list[Mark] = [
        Line("all calls", (*every, (last, 0.0)), 1, steps=True),
        Line("served", (*served, (last, 0.0)), 0, steps=True),
    ]
    if (capacity := service.per_second) is not None:
        marks.append(Rule(f"capacity: {capacity:.3g} a second", y=capacity))
    wasted, calls = trial.wasted.mean().value, trial.calls.mean().value
    return Chart(
        trial.name,
        time_axis("time", max(last, done) * 1.02),
        axis("calls per second", 0, top * 1.15, count=6),
        tuple(marks),
        f"everyone is done after {duration(done)}; {wasted:,.0f} of {calls:,.0f} calls wasted",
    )
