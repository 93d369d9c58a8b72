"""Simulations side by side: what differs, by how much, and whether that is more than chance.

Where two simulations have the same seeds they are compared run by run: what chance does to both
falls out of the difference, so a smaller one can be told.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import SECOND
from sfnbook.drawing.charts import to_svg
from sfnbook.errors import UsageError
from sfnbook.notebook import displayed
from sfnbook.retrylab.figures import figure
from sfnbook.retrylab.pictures import comparison_chart
from sfnbook.retrylab.tally import Estimate, Tally, Z
from sfnbook.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sfnbook.retrylab.simulation import Measure, Simulation

PERCENTILES: Final = (50, 95, 99)


class Difference(NamedTuple):
    """One figure of a policy against the same of the first: both values, and what lies between them."""

    figure: str
    policy: str
    first: float
    value: float
    difference: Estimate

    @property
    def verdict(self) -> str:
        """Is it "more", "less", or "none"?  A difference whose 95 % interval holds 0 is none."""
        if self.difference.low <= 0 <= self.difference.high:
            return "none"
        return "more" if self.difference.value > 0 else "less"


class Comparison:
    """Simulations by name, the first of them being what the others are held against.

    Made by `Simulation.compare` and `compare_policies`.
    """

    def __init__(self, simulations: Mapping[str, Simulation]) -> None:
        self.simulations = dict(simulations)
        (self.baseline, first), *others = self.simulations.items()
        self.differences = [one for name, other in others for one in _differences(name, first, other)]

    def table(self) -> Table:
        """A row for each figure of each policy but the first: both values, the difference, its interval."""
        return Table(
            {
                "figure": one.figure, "policy": one.policy, self.baseline: one.first, "value": one.value,
                "difference": one.difference.value, "low": one.difference.low,
                "high": one.difference.high, "verdict": one.verdict,
            }
            for one in self.differences
        )  # fmt: skip

    def overview(self) -> Table:
        """A row for each policy: success, time, attempts, price of a million executions."""
        return Table(
            {**figures_of(name, one), "dollars_per_million": one.price().value}
            for name, one in self.simulations.items()
        )

    def to_svg(self) -> str:
        """How much of the runs is over by which time, as SVG."""
        return to_svg(comparison_chart(self.simulations))

    def plot(self) -> Any:
        """The same as a matplotlib Figure."""
        return figure(comparison_chart(self.simulations))

    def sentences(self) -> list[str]:
        """What differs from the first policy, a sentence for each of the others."""
        _, *others = self.simulations
        told = [[_said(one) for one in self.differences if one.policy == name and one.figure in _WORDS]
                for name in others]  # fmt: skip
        return [
            f"{name} against {self.baseline}: {', '.join(words)}."
            for name, words in zip(others, told, strict=True)
        ]

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    def __repr__(self) -> str:
        return f"{self.overview()!r}\n{self}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        words = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences())
        shown = f"{self.to_svg()}{self.overview().to_html()}<ul>{words}</ul>"
        return displayed(repr(self), shown)


_WORDS: Final[dict[str, tuple[str, str, str, float]]] = {
    "succeeded": ("success", "{} percentage points more success", "{} percentage points less success", 100),
    "time (s), mean": ("time", "{} s longer on average", "{} s shorter on average", 1),
    "attempts, mean": ("attempts", "{} more attempts", "{} fewer attempts", 1),
}
"""What differs, how that is said where it is more, and where it is less; and its factor."""


def _said(one: Difference) -> str:
    what, more, less, factor = _WORDS[one.figure]
    if one.verdict == "none":
        return f"no difference in {what}"
    words = more if one.verdict == "more" else less
    low, high = (f"{bound:.3g}" for bound in sorted(abs(each) * factor for each in one.difference[1:]))
    by = words.format(f"{abs(one.difference.value) * factor:.3g}")
    return by if low == high else f"{by} ({low} to {high})"


def compare_simulations(simulations: Mapping[str, Simulation]) -> Comparison:
    """The comparison of some simulations; UsageError where one of them has no runs."""
    if len(simulations) < 2:
        raise UsageError("A comparison takes at least two simulations.")
    for name, simulation in simulations.items():
        if not simulation.runs:
            raise UsageError(f"{name!r} has no runs: there is nothing to compare.")
    return Comparison(simulations)


def figures_of(name: str, one: Simulation) -> dict[str, Any]:
    """A policy's row in an overview: success, time, attempts."""
    return {
        "policy": name,
        "succeeded": one.success.value,
        "mean_seconds": one.time.mean.value,
        **{f"p{percent}_seconds": one.time.percentile(percent).value for percent in PERCENTILES},
        "attempts": one.attempts.mean.value,
    }


def _differences(policy: str, first: Simulation, other: Simulation) -> Iterator[Difference]:
    one, two = first.success.value, other.success.value
    yield Difference("succeeded", policy, one, two, _between(first, other, "success", two - one))
    for key, label in (("time", "time (s)"), ("attempts", "attempts"), ("transitions", "transitions")):
        measures: tuple[Measure, Measure] = getattr(first, key), getattr(other, key)
        one, two = (measure.mean.value for measure in measures)
        yield Difference(f"{label}, mean", policy, one, two, _between(first, other, key, two - one))
        for percent in PERCENTILES if key == "time" else ():
            a, b = (measure.percentile(percent) for measure in measures)
            yield Difference(f"{label}, {percent} % of runs within", policy, a.value, b.value, _apart(a, b))


def _are_paired(first: Simulation, other: Simulation) -> bool:
    return first.plan.seed == other.plan.seed and first.runs == other.runs


def _between(first: Simulation, other: Simulation, key: str, difference: float) -> Estimate:
    """A difference of means with its interval, by pairs of runs where there are any."""
    if min(first.runs, other.runs) < 2:  # one run does not say how far the next one would be
        return Estimate(difference, -math.inf, math.inf)
    columns = [simulation.summary.paired[key] for simulation in (first, other)]
    if _are_paired(first, other):
        gaps = [two - one for one, two in zip(*columns, strict=True)]
        least = min(gaps)
        error = Tally([gap - least for gap in gaps]).deviation() / math.sqrt(first.runs)
    else:
        runs = (first.runs, other.runs)
        error = math.hypot(
            *(
                Tally(column).deviation() / math.sqrt(count)
                for column, count in zip(columns, runs, strict=True)
            )
        )
    spread = Z * error / (SECOND if key == "time" else 1)
    return Estimate(difference, difference - spread, difference + spread)


def _apart(one: Estimate, two: Estimate) -> Estimate:
    """The difference of two percentiles; their intervals are added as if they were independent."""
    low = math.hypot(two.value - two.low, one.high - one.value)
    high = math.hypot(two.high - two.value, one.value - one.low)
    difference = two.value - one.value
    return Estimate(difference, difference - low, difference + high)
