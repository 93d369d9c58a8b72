"""Results -> charts: what is drawn of a schedule, a simulation, a comparison and a herd."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from sfnbook.clock import SECOND
from sfnbook.drawing.charts import Axis, Box, Boxes, Chart, Line, Mark, Rule, axis, time_axis
from sfnbook.retrylab.load import Bin
from sfnbook.retrylab.words import duration, plural, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sfnbook.retrylab.herd import Herd, Trial
    from sfnbook.retrylab.load import Load
    from sfnbook.retrylab.schedule import Attempt, Schedule, Span
    from sfnbook.retrylab.service import Service
    from sfnbook.retrylab.simulation import Measure, Simulation

MOST_ROWS: Final = 24
"""Attempts that fit into a picture of a schedule."""

BINS_OF_LOAD: Final = 240

FEW_BINS: Final = 100

LONG_LOAD: Final = 10
"""Seconds of a load from which on its bins are not less than a second: so its capacity is told.
Below that they are finer, and a burst stands out."""

ROOM: Final = 1.3
FEW_ROOM: Final = 1.6
"""A schedule's time axis is longer by this factor, in little room by more: for the text of the last delay."""

FEW_ROWS: Final = 8
"""Attempts that fit into a small one."""

BINS: Final = 40

MOST_SHOWN: Final = 99
"""Percent of the runs that a time axis has room for, where the others take much longer."""

LONG_TAIL: Final = 1.5

MOST_STEPS: Final = 400
"""Points of a curve: more cannot be seen."""


def schedule_charts(schedules: Mapping[str, Schedule], when: str) -> list[Chart]:
    """A chart for each schedule, for little room and on the same time axis; ``when`` is when it is so."""
    return on_one_clock(
        schedule_chart(schedule, FEW_ROWS, FEW_ROOM)._replace(title=f"{name}: attempts {when}")
        for name, schedule in schedules.items()
    )


def schedule_chart(schedule: Schedule, most: int = MOST_ROWS, room: float = ROOM) -> Chart:
    """The attempts on the clock, a row each, with the delays between them."""
    shown = schedule.attempts[:most]
    jitter = schedule.has_jitter
    high = max(attempt.end.high for attempt in shown)
    rows = tuple((float(number), str(attempt.number)) for number, attempt in enumerate(reversed(shown), 1))
    place = {attempt.number: len(shown) + 1.0 - attempt.number for attempt in shown}
    waits = Boxes("waits for it", tuple(_waits(shown, place)), 1, faint=True)
    spans = Boxes("may start", tuple(_spans(shown, place)), 2, faint=True)
    made = Boxes("on average" if jitter else "attempt", tuple(_attempts(shown, place)), 0)
    marks: tuple[Mark, ...] = (spans, made) if jitter else (waits, made)
    rest = len(schedule.attempts) - len(shown)
    last = f"{'mean ' if jitter else ''}{duration(schedule.end.mean)}"
    note = f"{plural(len(schedule.attempts), 'attempt')}, {last}: {schedule.outcome or 'goes on'}"
    if rest:
        note += f"; {len(shown)} shown"
    y = Axis("attempt", 0.4, len(shown) + 0.7, rows)
    name = schedule.policy.state
    return Chart(f"Retries of {name}" if name else "Retries", time_axis("time", high * room), y, marks, note)


def _attempts(shown: Sequence[Attempt], place: Mapping[int, float]) -> list[Box]:
    """The attempts, each with the delay before it, where that is known."""
    delays = ["", *("" if one.delay is None else _said(one.delay) for one in shown)]
    return [
        Box(
            one.start.mean,
            one.end.mean,
            row - 0.3,
            row + 0.3,
            delay if one.start.low == one.start.high else "",
        )
        for one, row, delay in zip(shown, place.values(), delays, strict=False)
    ]


def _spans(shown: Sequence[Attempt], place: Mapping[int, float]) -> list[Box]:
    """When each attempt may start, where chance decides it."""
    delays = ["", *("" if one.delay is None else _said(one.delay) for one in shown)]
    return [
        Box(one.start.low, one.start.high, row - 0.3, row + 0.3, delay)
        for one, row, delay in zip(shown, place.values(), delays, strict=False)
        if one.start.high > one.start.low
    ]


def _said(delay: Span) -> str:
    """A delay in few words."""
    return duration(delay.mean) if delay.low == delay.high else f"≤ {duration(delay.high)}"


def _waits(shown: Sequence[Attempt], place: Mapping[int, float]) -> list[Box]:
    found = []
    for one in shown:
        if one.delay is not None and one.number + 1 in place:
            row, end = place[one.number + 1], one.end.mean
            found.append(Box(end, end + one.delay.mean, row - 0.12, row + 0.12))
    return found


def time_chart(simulation: Simulation) -> Chart:
    """The distribution of the total time: the share of runs by time, and three percentiles."""
    most, slowest = simulation.time.percentile(MOST_SHOWN).value, simulation.time.highest
    end = most if slowest > LONG_TAIL * most > 0 else slowest
    boxes = histogram(simulation.time, end)
    top = max(box.top for box in boxes)
    high = max(boxes[-1].right, 1e-3)
    rules = []
    for row, percent in enumerate((50, 95)):
        value = simulation.time.percentile(percent).value
        rules.append(Rule(f"{percent} %: {duration(value)}", x=value, row=row))
    mean = simulation.time.mean
    note = f"{simulation.runs:,} runs, {duration(mean.value)} on average"
    if end < slowest:
        note += f"; {100 - MOST_SHOWN} % take longer, up to {duration(slowest)}"
    return Chart(
        "Total time of an execution",
        time_axis("time", high * 1.04),
        axis("share of runs", 0, top * 1.12, count=6, percent=True),
        (Boxes("", tuple(boxes), 0), *(rules[:1] if _same(rules) else rules)),
        note,
    )


def _same(rules: Sequence[Rule]) -> bool:
    return len({rule.x for rule in rules}) == 1


def histogram(measure: Measure, end: float, bins: int = BINS) -> list[Box]:
    """The share of all runs in each of some bins of the same width, up to ``end``."""
    counts = [(value, times) for value, times in measure.counts() if value <= end]
    total = measure.tally.count
    low, high = counts[0][0], counts[-1][0]
    if low == high:
        half = (high or 1.0) * 0.02
        return [Box(max(0.0, low - half), high + half, 0, counts[0][1] / total)]
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
    """How much of the runs has succeeded by which time, a curve for each policy.

    It ends a little after nearly all of the slowest policy's runs are over: the last few take long.
    """
    most = max(simulation.time.percentile(MOST_SHOWN).value for simulation in simulations.values())
    high = (most or 1.0) * 1.06
    lines = tuple(
        Line(name, tuple(curve(simulation, high)), number, steps=True)
        for number, (name, simulation) in enumerate(simulations.items())
    )
    runs = next(iter(simulations.values())).runs
    return Chart(
        "Executions that have succeeded by then",
        time_axis("time", high),
        axis("share of runs", 0, 1.04, count=6, percent=True),
        lines,
        f"{runs:,} runs each, on the same seeds",
    )


def curve(simulation: Simulation, end: float) -> list[tuple[float, float]]:
    """The share of all runs that have succeeded by each time, up to ``end``."""
    found, below, shown = [(0.0, 0.0)], 0, 0
    step = simulation.runs / MOST_STEPS
    for value, times in simulation.success_time.counts():
        if value > end:
            break
        below += times
        if below - shown >= step:
            found.append((value, below / simulation.runs))
            shown = below
    return [*found, (end, below / simulation.runs)]


def load_charts(herd: Herd, most: int = BINS_OF_LOAD) -> list[Chart]:
    """The load on the service over time, a chart for each policy: all in the same bins on the same scales."""
    service, trials = herd.service, herd.trials.values()
    width = _width([trial.load for trial in trials], most)
    top = max([service.per_second or 0.0, *(_top(trial.load, width) for trial in trials)])
    return on_one_clock(_load_chart(trial, service, top, width) for trial in trials)


def _top(load: Load, width: int) -> float:
    """The most that is drawn of a load, but not more than it is in any second."""
    drawn = max((one.served + one.refused for one in _coarser(load, width)), default=0.0)
    return min(drawn, load.peak())


def _width(loads: Sequence[Load], most: int) -> int:
    """Microseconds of a bin: so many fit, and where there is time enough none is less than a second."""
    width, end = max(load.width for load in loads), max(load.end for load in loads)
    least = SECOND if end >= LONG_LOAD * SECOND else 0
    while width < least or width * most < end:
        width *= 2
    return width


def small_load_charts(herd: Herd) -> list[Chart]:
    """The same for little room: coarser, and all on the same time axis."""
    runs = "1 run" if herd.runs == 1 else f"mean of {herd.runs} runs"
    return [
        chart._replace(
            title=f"{chart.title}: load on the service",
            x=chart.x._replace(label=f"{chart.x.label}, {runs}"),
        )
        for chart in load_charts(herd, FEW_BINS)
    ]


def on_one_clock(charts: Iterable[Chart]) -> list[Chart]:
    """The charts with the longest of their time axes."""
    made = list(charts)
    longest = max((chart.x for chart in made), key=attrgetter("high"))
    return [chart._replace(x=longest) for chart in made]


def _load_chart(trial: Trial, service: Service, top: float, width: int) -> Chart:
    bins, done = _coarser(trial.load, width), trial.done.mean().value / SECOND
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
    ended = "not over" if trial.unfinished.highest else "done"
    wasted, calls = trial.wasted.mean().value, trial.calls.mean().value
    return Chart(
        trial.name,
        time_axis("time", max(last, done) * 1.02),
        axis("calls per second", 0, top * 1.15, count=6),
        tuple(marks),
        f"{ended} after {duration(done)}; {wasted:,.0f} of {calls:,.0f} wasted",
    )


def _coarser(load: Load, width: int) -> list[Bin]:
    """The bins of a load, put together to a width."""
    bins, together = load.bins(), width // load.width
    groups = [bins[first : first + together] for first in range(0, len(bins), together)]
    return [
        Bin(
            group[0].begin,
            group[0].begin + width / SECOND,
            sum(one.served for one in group) / together,
            sum(one.refused for one in group) / together,
            max(one.in_progress for one in group),
        )
        for group in groups
    ]
