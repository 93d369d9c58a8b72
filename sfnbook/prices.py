"""What Step Functions costs, in US dollars: one table of prices, and the two formulas.

https://aws.amazon.com/step-functions/pricing/
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Prices(NamedTuple):
    """List prices of one region.  Free tiers are left out; change a field with ``_replace``.

    ``express_gb_seconds`` are the steps of the price of memory over time: up to so many GB-seconds
    in a month, so many dollars each; the last step has no end.

    >>> PRICES._replace(standard_transition=0.0000279).region
    'us-east-1'
    """

    region: str = "us-east-1"
    standard_transition: float = 0.000025
    express_request: float = 0.000001
    express_gb_seconds: tuple[tuple[float, float], ...] = (
        (3_600_000, 0.00001667),
        (18_000_000, 0.00000833),
        (float("inf"), 0.00000456),
    )


PRICES: Final = Prices()
"""us-east-1, as listed."""

EXPRESS_UNIT: Final = 100_000
"""Microseconds: the duration of an Express execution is rounded up to whole units."""

EXPRESS_MEMORY: Final = 64
"""MB: the memory of an Express execution is rounded up to whole chunks, and never less than one."""


def standard_price(transitions: float, prices: Prices = PRICES) -> float:
    """Dollars for state transitions of Standard executions.

    >>> standard_price(1_000)
    0.025
    """
    return transitions * prices.standard_transition


def express_units(duration: int) -> int:
    """How many units of 100 ms an Express execution of so many microseconds is billed for.

    >>> express_units(1), express_units(100_001)
    (1, 2)
    """
    return -(-duration // EXPRESS_UNIT)


def express_price(requests: float, units: float, memory_mb: float = 64, prices: Prices = PRICES) -> float:
    """Dollars for Express executions that together last so many units of 100 ms, in one month.

    >>> round(express_price(1_000_000, 10_000_000), 2)
    2.04
    """
    chunks = max(1, -(-memory_mb // EXPRESS_MEMORY))
    left = units / 10 * chunks * EXPRESS_MEMORY / 1024
    total, below = requests * prices.express_request, 0.0
    for limit, price in prices.express_gb_seconds:
        taken = min(left, limit - below)
        total, left, below = total + taken * price, left - taken, limit
    return total
