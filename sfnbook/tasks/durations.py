"""How long things take: a number of virtual seconds, or a distribution that is drawn from the seed.

A distribution is a value; the engine draws from it when a Task starts, with 64 bits that belong to
that attempt.  So the same seed gives the same run, and a fork that reaches the attempt again the
same duration.

>>> from sfnbook.tasks import exponential, result, uniform
>>> result({"ok": True}, seconds=uniform(1, 3))
result({'ok': True}, seconds=uniform(1, 3))
>>> exponential(0.2).draw(1 << 63)
0.13862943611198905
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook.chance import fraction, mix
from sfnbook.errors import UsageError
from sfnbook.values import is_number

if TYPE_CHECKING:
    from collections.abc import Callable


class Duration(NamedTuple):
    """A distribution of virtual seconds, made by `uniform`, `exponential` or `normal`.

    ``more`` seconds are added to what is drawn: a number, or another distribution.
    """

    name: str  # a key of DRAWS
    numbers: tuple[float, ...]
    more: float | Duration = 0

    def draw(self, bits: int) -> float:
        """The seconds that 64 random bits stand for."""
        seconds = DRAWS[self.name](bits, *self.numbers)
        return seconds + drawn(self.more, mix(bits)) if self.more else seconds

    def __repr__(self) -> str:
        shown = f"{self.name}({', '.join(map(repr, self.numbers))})"
        return f"{shown} + {self.more!r}" if self.more else shown


Seconds: TypeAlias = float | Duration
"""Virtual seconds: a number, or a distribution of them."""


def uniform(low: float, high: float) -> Duration:
    """Anything between ``low`` and ``high`` seconds, equally likely.

    >>> uniform(1, 3).draw(1 << 63)
    2.0
    """
    _check("uniform", low, high)
    if low > high:
        raise UsageError(f"uniform({low!r}, {high!r}): the lower bound comes first.")
    return Duration("uniform", (low, high))


def exponential(mean: float) -> Duration:
    """Mostly short and sometimes long, ``mean`` seconds on average: the time to the next arrival.

    >>> exponential(2).draw(0)
    0.0
    """
    _check("exponential", mean)
    return Duration("exponential", (mean,))


def normal(mean: float, deviation: float) -> Duration:
    """Around ``mean`` seconds, two thirds of them within ``deviation``; never below 0.

    >>> normal(10, 0).draw(12345)
    10.0
    """
    _check("normal", mean, deviation)
    return Duration("normal", (mean, deviation))


def drawn(seconds: Seconds, bits: int) -> float:
    """The seconds themselves, drawn if they are a distribution.

    >>> drawn(3, 99), drawn(uniform(2, 2), 99)
    (3, 2.0)
    """
    return seconds.draw(bits) if isinstance(seconds, Duration) else seconds


def longer(seconds: Seconds, by: Seconds) -> Seconds:
    """The sum of two durations; what is drawn for the first does not change.

    >>> longer(1, 2), longer(uniform(1, 3), 2)
    (3, uniform(1, 3) + 2)
    """
    if isinstance(seconds, Duration):
        return seconds._replace(more=longer(seconds.more, by))
    return by._replace(more=longer(by.more, seconds)) if isinstance(by, Duration) else seconds + by


def _check(name: str, *numbers: Any) -> None:
    for number in numbers:
        if not is_number(number) or not math.isfinite(number) or number < 0:
            shown = ", ".join(map(repr, numbers))
            raise UsageError(f"{name}({shown}): give finite numbers of seconds that are not negative.")


# Only sums and products of `fraction`, so that NumPy computes the same bits for many runs at once.
def _uniform(bits: int, low: float, high: float) -> float:
    return low + (high - low) * fraction(bits)


def _exponential(bits: int, mean: float) -> float:
    return -mean * math.log1p(-fraction(bits))


def _normal(bits: int, mean: float, deviation: float) -> float:
    # Box and Muller's way from two uniform draws to a normal one.
    radius = math.sqrt(-2 * math.log1p(-fraction(bits)))
    return max(0.0, mean + deviation * radius * math.cos(2 * math.pi * fraction(mix(bits))))


DRAWS: Final[dict[str, Callable[..., float]]] = {
    "uniform": _uniform,
    "exponential": _exponential,
    "normal": _normal,
}
