"""What many runs have in common: counts and whole sums, merged in the order of the runs.

A summary of a chunk of runs is small, travels between processes, and two of them make one.  Whoever
ran a chunk, the sum of all is the same to the last bit.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeAlias

from sfnbook.frames import SUCCEEDED
from sfnbook.prices import express_units
from sfnbook.retrylab.tally import MOST_EXACT, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPRESS_LIMIT: Final = 300_000_000
"""Microseconds: an Express execution cannot run longer."""

StateKey: TypeAlias = tuple[str, str]
"""The key of a machine ("main" is the one that was simulated) and the pointer of a state in it."""


class Record(NamedTuple):
    """One run: how it ended, its time in microseconds, calls of Tasks and billed transitions."""

    run: int
    status: str
    error: str | None
    time: int
    attempts: int
    transitions: int


class Ending(NamedTuple):
    """A way to end: how many runs did, and the first of them."""

    runs: int
    first: int


class StateCount(NamedTuple):
    """What happened at a state in all runs: sums, time in microseconds.

    A visit goes from entering the state to leaving it, its retries included; one that was cut short
    from outside has no end.
    """

    visits: int = 0
    attempts: int = 0
    failures: int = 0
    retries: int = 0
    caught: int = 0
    exits: int = 0
    time: int = 0


PAIRED: Final = ("time", "attempts", "transitions", "success")


def _columns() -> dict[str, array[int]]:
    return {name: array("q") for name in PAIRED}


@dataclass
class Summary:
    """Merged figures of the runs from ``first`` on.

    ``paired`` has the figures of the first 10,000 runs one by one, in order: two simulations on the
    same seeds are compared run by run.
    """

    first: int = 0
    runs: int = 0
    endings: dict[tuple[str, str | None], Ending] = field(default_factory=dict)
    time: Tally = field(default_factory=Tally)
    success_time: Tally = field(default_factory=Tally)
    attempts: Tally = field(default_factory=Tally)
    transitions: Tally = field(default_factory=Tally)
    units: int = 0  # of 100 ms, as Express is billed
    too_long: int = 0  # runs that Express would have ended
    successes: dict[int, int] = field(default_factory=dict)  # by the number of attempts
    states: dict[StateKey, StateCount] = field(default_factory=dict)
    slowest: tuple[int, int] | None = None  # its time, its number
    paired: dict[str, array[int]] = field(default_factory=_columns)

    @classmethod
    def of(cls, records: Sequence[Record], first: int, states: dict[StateKey, StateCount]) -> Self:
        """The summary of runs in a row."""
        times = [record.time for record in records]
        summary = cls(
            first,
            len(records),
            endings_of(records),
            Tally(times),
            Tally([record.time for record in records if record.status == SUCCEEDED]),
            Tally([record.attempts for record in records]),
            Tally([record.transitions for record in records]),
            sum(map(express_units, times)),
            sum(time > EXPRESS_LIMIT for time in times),
            dict(Counter(record.attempts for record in records if record.status == SUCCEEDED)),
            states,
        )
        if records:
            slowest = max(records, key=attrgetter("time"))
            summary.slowest = (slowest.time, slowest.run)
        for record in records[: max(MOST_EXACT - first, 0)]:
            for column, value in zip(summary.paired.values(), record[3:], strict=False):
                column.append(value)
            summary.paired["success"].append(record.status == SUCCEEDED)
        return summary

    def merge(self, later: Summary) -> None:
        """Add the summary of the runs that come after these."""
        self.runs += later.runs
        for key, ending in later.endings.items():
            known = self.endings.get(key)
            self.endings[key] = Ending(known.runs + ending.runs, known.first) if known else ending
        for name in ("time", "success_time", "attempts", "transitions"):
            getattr(self, name).merge(getattr(later, name))
        self.units += later.units
        self.too_long += later.too_long
        for attempts, runs in later.successes.items():
            self.successes[attempts] = self.successes.get(attempts, 0) + runs
        for state, count in later.states.items():
            self.states[state] = added(self.states.get(state, StateCount()), count)
        if later.slowest is not None and (self.slowest is None or later.slowest[0] > self.slowest[0]):
            self.slowest = later.slowest
        for name, column in later.paired.items():
            self.paired[name].extend(column)

    @property
    def succeeded(self) -> int:
        """How many runs succeeded."""
        return sum(ending.runs for (status, _), ending in self.endings.items() if status == SUCCEEDED)


def endings_of(records: Sequence[Record]) -> dict[tuple[str, str | None], Ending]:
    """How often the runs ended in each way."""
    runs = Counter((record.status, record.error) for record in records)
    first = {(record.status, record.error): record.run for record in reversed(records)}
    return {ending: Ending(count, first[ending]) for ending, count in runs.items()}


def added(one: StateCount, other: StateCount) -> StateCount:
    """The sums of two counts."""
    return StateCount(*map(sum, zip(one, other, strict=True)))
