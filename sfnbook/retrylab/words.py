"""Numbers in words: durations, shares and money as a person would say them."""

from __future__ import annotations

import math
from typing import Final

UNITS: Final = ((31_536_000, "y"), (86_400, "d"), (3_600, "h"), (60, "min"))


def duration(seconds: float) -> str:
    """Virtual seconds in at most two units.

    >>> duration(0.25), duration(90), duration(7_200), duration(2_678_400), duration(31)
    ('0.25 s', '1 min 30 s', '2 h', '31 d', '31 s')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    rest = round(seconds)
    said: list[str] = []
    for size, name in (*UNITS, (1, "s")):
        count, rest = divmod(rest, size)
        if count or said:
            said.append(f"{count:,} {name}" if count else "")
        if len(said) == 2:
            break
    return " ".join(filter(None, said))


def share(part: float) -> str:
    """A share as a percentage; what is not quite nothing or all does not become it.

    >>> share(0.5), share(0), share(0.0001), share(0.99999)
    ('50 %', '0 %', '0.01 %', 'over 99.99 %')
    """
    percent = part * 100
    if 0 < percent < 0.01:
        return "under 0.01 %"
    if 99.99 < percent < 100:
        return "over 99.99 %"
    return f"{percent:.2f}".rstrip("0").rstrip(".") + " %"


def dollars(amount: float) -> str:
    """Money in US dollars, with the digits that matter.

    >>> dollars(0.000225), dollars(1234.5), dollars(0), dollars(0.05)
    ('$0.000225', '$1,234.50', '$0', '$0.05')
    """
    if amount == 0:
        return "$0"
    if amount >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.{2 - math.floor(math.log10(amount))}f}".rstrip("0")


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "retry"), plural(3, "retry"), plural(2, "call")
    ('1 retry', '3 retries', '2 calls')
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{count:,} {noun}s"
