"""How often each number occurred: sums, percentiles and 95 % intervals, merged from parts.

Up to `MOST_EXACT` different numbers everything is exact.  Beyond that numbers that share their
first ten binary digits are counted together, so a percentile is right to 0.1 %; count, sum, mean
and extremes stay exact.  Everything kept is a whole number, so the order of merging does not matter.
"""

from __future__ import annotations

import math
from collections import Counter
from operator import mul
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from sfnbook.errors import UsageError
from sfnbook.values import is_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_EXACT: Final = 10_000
"""Different numbers that are counted one by one."""

DIGITS: Final = 10
"""Binary digits that are kept of a number beyond that."""

ERROR: Final = 2.0**-DIGITS
"""How far a percentile may then be off, relative to itself: the middle stands for all of a bin."""

Z: Final = NormalDist().inv_cdf(0.975)
"""Standard errors on either side of a 95 % interval."""


class Estimate(NamedTuple):
    """A figure with its 95 % interval.

    >>> print(Estimate(2.5, 2.25, 2.75))
    2.5 [2.25, 2.75]
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.6g} [{self.low:.6g}, {self.high:.6g}]"

    def per(self, size: float) -> Estimate:
        """The estimate in a unit of another size."""
        return Estimate(self.value / size, self.low / size, self.high / size)


class Tally:
    """A multiset of whole numbers that are not negative.

    >>> tally = Tally([3, 1, 2])
    >>> tally.count, tally.mean().value, tally.percentile(50).value, tally.highest
    (3, 2.0, 2, 3)
    """

    __slots__ = ("count", "counts", "highest", "lowest", "rough", "squares", "total")

    def __init__(self, numbers: Sequence[int] = ()) -> None:
        self.lowest: int | None = min(numbers, default=None)
        self.highest: int | None = max(numbers, default=None)
        self.count, self.total = len(numbers), sum(numbers)
        self.squares = sum(map(mul, numbers, numbers))
        self.rough = False
        self.counts: dict[int, int] = {}
        self._put(Counter(numbers))

    @classmethod
    def of(
        cls, counts: Mapping[int, int], total: int, squares: int, lowest: int, highest: int, rough: bool
    ) -> Self:
        """A tally of numbers that have been counted, one by one or in bins, and summed up already."""
        tally = cls()
        tally.rough = rough
        tally.count, tally.total, tally.squares = sum(counts.values()), total, squares
        tally.lowest, tally.highest = lowest, highest
        tally._put(counts)
        return tally

    def merge(self, other: Tally) -> None:
        """Count everything that another tally has counted."""
        if other.lowest is None or other.highest is None:  # it has counted nothing
            return
        self.count += other.count
        self.total += other.total
        self.squares += other.squares
        if self.lowest is None or self.highest is None:
            self.lowest, self.highest = other.lowest, other.highest
        else:
            self.lowest, self.highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        if other.rough:
            self._roughen()
        self._put(other.counts)

    def _put(self, more: Mapping[int, int]) -> None:
        counts = self.counts
        for number, times in more.items():
            kept = binned(number) if self.rough else number
            counts[kept] = counts.get(kept, 0) + times
        if not self.rough and len(counts) > MOST_EXACT:
            self._roughen()

    def _roughen(self) -> None:
        if not self.rough:
            self.rough = True
            exact, self.counts = self.counts, {}
            self._put(exact)

    # --- what it says ---------------------------------------------------------------------------
    def mean(self) -> Estimate:
        """The mean with its interval, by the normal approximation; without bounds for a single number."""
        self._check("a mean")
        mean = self.total / self.count
        spread = Z * self.deviation() / math.sqrt(self.count) if self.count > 1 else math.inf
        return Estimate(mean, mean - spread, mean + spread)

    def deviation(self) -> float:
        """The standard deviation of the sample; 0 for a single number."""
        if self.count < 2:
            return 0.0
        # In whole numbers: the squares of microseconds lose their last digits as floats.
        return math.sqrt((self.squares * self.count - self.total**2) / (self.count * (self.count - 1)))

    def percentile(self, percent: float) -> Estimate:
        """The smallest number that ``percent`` of all do not exceed, with its interval by ranks.

        Where there are too few numbers to tell, the interval has no bound on that side.
        """
        given: Any = percent
        if not is_number(given) or not 0 <= given <= 100:
            raise UsageError(f"percentile({percent!r}): give a number from 0 to 100.")
        self._check("a percentile")
        part = percent / 100
        spread = Z * math.sqrt(self.count * part * (1 - part))
        ranks = [math.ceil(part * self.count + away) for away in (0, -spread, spread)]
        value, low, high = self._at([min(max(rank, 1), self.count) for rank in ranks])
        if not 0 < percent < 100:
            return Estimate(value, low, high)
        return Estimate(
            value, low if ranks[1] >= 1 else -math.inf, high if ranks[2] <= self.count else math.inf
        )

    def _at(self, ranks: list[int]) -> list[int]:
        """The numbers of these ranks, counted from 1."""
        found: dict[int, int] = {}
        wanted = sorted(set(ranks))
        below = 0
        for number, times in self.sorted():
            below += times
            while wanted and wanted[0] <= below:
                found[wanted.pop(0)] = number
        return [found[rank] for rank in ranks]

    def sorted(self) -> Iterator[tuple[int, int]]:
        """The numbers in order and how often each occurred; of a rough tally the middle of each bin."""
        for number in sorted(self.counts):
            shown = middle(number) if self.rough else number
            # The middle of the first and last bin may lie beyond what occurred.
            yield min(max(shown, self.lowest or 0), self.highest or 0), self.counts[number]

    def _check(self, what: str) -> None:
        if not self.count:
            raise UsageError(f"Not one run is counted here, so there is no such thing as {what} of them.")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tally):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment] # it grows

    def __repr__(self) -> str:
        return f"<Tally of {self.count:,} numbers{', rough' if self.rough else ''}>"


def binned(number: int) -> int:
    """The least number of a number's bin.

    >>> binned(1_000), binned(1_000_001)
    (1000, 999424)
    """
    shift = number.bit_length() - DIGITS
    return number >> shift << shift if shift > 0 else number


def middle(number: int) -> int:
    """The number in the middle of the bin that begins with this one."""
    shift = number.bit_length() - DIGITS
    return number + (1 << shift >> 1) if shift > 0 else number


def share_of(part: int, whole: int) -> Estimate:
    """A share with its interval by Wilson's score, which holds near 0 and 1, too.

    >>> share_of(0, 100).low, round(share_of(0, 100).high, 4)
    (0.0, 0.037)
    """
    if not whole:
        raise UsageError("Not one run is counted here, so there are no shares of them.")
    rate, weight = part / whole, Z * Z / whole
    center = (rate + weight / 2) / (1 + weight)
    spread = Z * math.sqrt(rate * (1 - rate) / whole + weight / (4 * whole)) / (1 + weight)
    low = 0.0 if part == 0 else max(0.0, center - spread)
    return Estimate(rate, low, 1.0 if part == whole else min(1.0, center + spread))
