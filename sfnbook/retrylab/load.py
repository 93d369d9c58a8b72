"""The load on a service over time, in a bounded number of bins.

Bins begin narrow; when the time outgrows them, two become one.  So the memory is the same for a
second and for a month, and the same calls give the same bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.clock import SECOND, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

BINS: Final = 240
FIRST_WIDTH: Final = SECOND // 64
"""Six doublings make it a second."""


class Bin(NamedTuple):
    """One stretch of time: calls per second and run, and the most that were in progress."""

    begin: float
    end: float
    served: float
    refused: float
    in_progress: int


class Load:
    """Counts calls by time, over all runs.

    >>> load = Load()
    >>> load.call(0, served=True, in_progress=1)
    >>> load.call(5_000_000, served=False, in_progress=3)
    >>> load.runs = 1
    >>> [(bin.begin, bin.served, bin.refused) for bin in load.bins() if bin.served or bin.refused]
    [(0.0, 32.0, 0.0), (5.0, 0.0, 32.0)]
    """

    __slots__ = (
        "_in_progress", "_in_second", "_most", "_peaks", "_refused", "_second", "_served", "runs", "width",
    )  # fmt: skip

    def __init__(self) -> None:
        self.width = FIRST_WIDTH
        self.runs = 0
        self._served, self._refused, self._in_progress = [0] * BINS, [0] * BINS, [0] * BINS
        self._second = self._in_second = self._most = self._peaks = 0

    def call(self, now: int, *, served: bool, in_progress: int) -> None:
        """A call reached the service, which has so many in progress then; they come in the order of time."""
        number = now // self.width
        while number >= BINS:
            self._widen()
            number = now // self.width
        (self._served if served else self._refused)[number] += 1
        self._in_progress[number] = max(self._in_progress[number], in_progress)
        second = now // SECOND
        self._in_second = self._in_second + 1 if second == self._second else 1
        self._second, self._most = second, max(self._most, self._in_second)

    def _widen(self) -> None:
        self.width *= 2
        self._served, self._refused = _paired(self._served, sum), _paired(self._refused, sum)
        self._in_progress = _paired(self._in_progress, max)

    def merge(self, other: Load) -> None:
        """Add the calls of another run."""
        while self.width < other.width:
            self._widen()
        self._peaks += other._most + other._peaks
        step = self.width // other.width
        for number in range(BINS):
            mine = number // step
            self._served[mine] += other._served[number]
            self._refused[mine] += other._refused[number]
            self._in_progress[mine] = max(self._in_progress[mine], other._in_progress[number])

    def peak(self) -> float:
        """The most calls in a second of a run, on average over the runs."""
        return (self._most + self._peaks) / max(self.runs, 1)

    def peak_in_progress(self) -> int:
        """The most calls that were ever in progress."""
        return max(self._in_progress)

    @property
    def end(self) -> int:
        """The microsecond at which the bin of the last call ends."""
        used = [number for number in range(BINS) if self._served[number] or self._refused[number]]
        return (used[-1] + 1) * self.width if used else 0

    def bins(self) -> list[Bin]:
        """Calls per second and run, up to the last call."""
        share = seconds(self.width) * max(self.runs, 1)
        counts = list(zip(self._served, self._refused, self._in_progress, strict=True))
        while counts and counts[-1][:2] == (0, 0):
            counts.pop()
        return [
            Bin(
                seconds(number * self.width),
                seconds((number + 1) * self.width),
                served / share,
                refused / share,
                in_progress,
            )
            for number, (served, refused, in_progress) in enumerate(counts)
        ]


def _paired(counts: list[int], joined: Callable[[tuple[int, int]], int]) -> list[int]:
    return [joined(pair) for pair in zip(counts[::2], counts[1::2], strict=True)] + [0] * (BINS // 2)
