"""What stands behind a Task: a service with a capacity, and how it answers a call.

`Service` is what people describe; `Desk` is one service at work in one run.  Times inside are whole
microseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance
from sfnbook.clock import SECOND, microseconds
from sfnbook.errors import UsageError
from sfnbook.retrylab.words import share
from sfnbook.tasks.durations import Duration, Seconds, drawn
from sfnbook.values import is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEFAULT_ERROR: Final = "Lambda.TooManyRequestsException"
_DRAWS: Final = 1_000  # to know the mean of a distribution
CONFLICT: Final = "DynamoDB.ConditionalCheckFailedException"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that many executions call; without a limit it takes every call.

    ``rate`` is calls per second, refilled evenly up to ``burst`` (default: one second's worth);
    ``concurrency`` is how many calls it works on at once, as Lambda's limit is.  A call takes
    ``seconds`` (a number, or a distribution of `sfnbook.tasks`), multiplied by ``slowdown``: a function
    of the number of calls in progress, or how much each other call in progress adds (0.1: 10 %).
    In an outage, given as ``(begin, end)`` in seconds, every call is refused.

    A ``failure_rate`` of the calls that it takes fail by themselves, after their time.

    ``locking`` makes it one row under optimistic locking: a call reads, then writes, and the write
    fails when another one came between; then ``seconds`` is the time of each of the four messages.

    ``error`` is the name with which it refuses or fails a call.

    >>> Service(rate=10, seconds=0.2).burst
    10.0
    """

    rate: float | None = None
    burst: float | None = None
    concurrency: int | None = None
    seconds: Seconds = 0.1
    slowdown: float | Callable[[int], float] | None = None
    outages: tuple[tuple[float, float], ...] = ()
    locking: bool = False
    error: str = ""
    failure_rate: float = 0.0

    def __post_init__(self) -> None:
        for name, (holds, said) in _FIELDS.items():
            given: Any = getattr(self, name)
            if not holds(given):
                raise UsageError(f"Service({name}={given!r}): give {said}.")
        if self.burst is not None and self.rate is None:
            raise UsageError(f"Service(burst={self.burst!r}): a burst goes with a rate, as in rate=10.")
        if self.locking and (self.rate or self.concurrency or self.slowdown or self.outages):
            raise UsageError(
                "Service(locking=True) is one row: it has no rate, concurrency, slowdown or outages."
            )
        given = self.outages
        object.__setattr__(self, "outages", tuple(_outage(window) for window in _windows(given)))
        if self.burst is None and self.rate is not None:
            object.__setattr__(self, "burst", float(max(1, self.rate)))
        object.__setattr__(self, "error", self.error or (CONFLICT if self.locking else DEFAULT_ERROR))

    @property
    def per_second(self) -> float | None:
        """How many calls a second it takes in the long run, as long as load does not slow it; None: any."""
        limits = [] if self.rate is None else [float(self.rate)]
        mean = mean_seconds(self.seconds)
        if self.concurrency is not None and mean:
            limits.append(self.concurrency / mean)
        return min(limits, default=None)

    @property
    def limited(self) -> bool:
        """Does it ever refuse or fail a call?"""
        return bool(self.rate or self.concurrency or self.outages or self.locking or self.failure_rate)

    def may_take_longer(self, seconds: float) -> bool:
        """Can a call take longer than so many seconds?  A row answers message by message, without a limit."""
        if self.locking:
            return False
        return isinstance(self.seconds, Duration) or bool(self.slowdown) or self.seconds > seconds

    @property
    def capacity(self) -> str:
        """Its limits in words."""
        limits = []
        if self.rate is not None:
            limits.append(f"{self.rate:g} calls a second, bursts of {self.burst:g}")
        if self.concurrency is not None:
            limits.append(f"{self.concurrency:,} calls at once")
        if self.locking:
            limits.append("one row, optimistic locking")
        limits += [f"down from {begin:g} s to {end:g} s" for begin, end in self.outages]
        if self.failure_rate:
            limits.append(f"{share(self.failure_rate)} of its calls fail by themselves")
        return "; ".join(limits) or "no limit"


class Desk:
    """A `Service` at work: takes calls in the order of time, refuses those over its capacity."""

    __slots__ = ("_rate", "_refilled", "_service", "_tokens", "in_progress")

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tokens = service.burst or 0.0
        self._rate = (service.rate or 0.0) / SECOND
        self._refilled = 0
        self.in_progress = 0

    def takes(self, now: int) -> bool:
        """Is there room for a call that comes now?  It is in progress from here on if there is."""
        service = self._service
        if service.concurrency is not None and self.in_progress >= service.concurrency:
            return False
        if any(begin * SECOND <= now < end * SECOND for begin, end in service.outages):
            return False
        if service.rate is not None and not self._has_token(now):
            return False
        self.in_progress += 1
        return True

    def _has_token(self, now: int) -> bool:
        burst = self._service.burst or 0.0
        self._tokens = min(burst, self._tokens + (now - self._refilled) * self._rate)
        self._refilled = now
        # Refilling in parts may miss a whole token by a rounding.
        if self._tokens < 1 - 1e-9:
            return False
        self._tokens -= 1
        return True

    def work(self, bits: int) -> int:
        """How long the call that was just taken takes, in microseconds."""
        service = self._service
        seconds = drawn(service.seconds, bits)
        slowdown = service.slowdown
        if callable(slowdown):
            seconds *= _factor(slowdown, self.in_progress)
        elif slowdown is not None:
            seconds *= 1 + slowdown * (self.in_progress - 1)
        return microseconds(seconds)

    def done(self) -> None:
        """A call leaves its place."""
        self.in_progress -= 1


def mean_seconds(seconds: Seconds) -> float:
    """The mean of a number of seconds or of a distribution.

    >>> mean_seconds(3)
    3.0
    """
    if not isinstance(seconds, Duration):
        return float(seconds)
    return sum(drawn(seconds, chance.mix(number)) for number in range(_DRAWS)) / _DRAWS


def _factor(slowdown: Callable[[int], float], in_progress: int) -> float:
    factor = slowdown(in_progress)
    if not is_number(factor) or factor < 0:
        raise UsageError(f"slowdown({in_progress}) gave {factor!r}: a factor is a number from 0 on.")
    return factor


def _is_limit(value: Any) -> bool:
    return value is None or (_is_finite(value) and value > 0)


def _is_finite(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)


_FIELDS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "rate": (_is_limit, "a number above 0, or None for no limit"),
    "burst": (
        lambda value: value is None or (_is_finite(value) and value >= 1),
        "how many calls it takes at once, a number from 1 on",
    ),
    "concurrency": (
        lambda value: _is_limit(value) and (value is None or value == int(value)),
        "a whole number above 0, or None for no limit",
    ),
    "seconds": (
        lambda value: isinstance(value, Duration) or (_is_finite(value) and value >= 0),
        "seconds, or a distribution such as sfnbook.tasks.uniform(1, 3)",
    ),
    "slowdown": (
        lambda value: value is None or callable(value) or (_is_finite(value) and value >= 0),
        "a function of the calls in progress, or a number from 0 on",
    ),
    "locking": (lambda value: isinstance(value, bool), "True or False"),
    "error": (lambda value: isinstance(value, str), "the name of an error"),
    "failure_rate": (lambda value: is_number(value) and 0 <= value <= 1, "a share from 0 to 1"),
}
"""What may be given for each field, and how that is said."""


def _windows(outages: Any) -> Iterable[Any]:
    if isinstance(outages, (tuple, list)) and len(outages) == 2 and all(map(is_number, outages)):
        return [outages]
    if not isinstance(outages, (tuple, list)):
        raise UsageError(f"Service(outages={outages!r}): give windows of seconds, as in outages=[(10, 60)].")
    return outages


def _outage(window: Any) -> tuple[float, float]:
    pair = tuple(window) if isinstance(window, (tuple, list)) else ()
    if len(pair) != 2 or not all(map(is_number, pair)) or not 0 <= pair[0] < pair[1]:
        raise UsageError(
            f"Service(outages=...): {window!r} is no window; give (begin, end) in seconds, as in (10, 60)."
        )
    return pair
