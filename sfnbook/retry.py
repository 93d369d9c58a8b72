"""Retry and Catch: which entry takes an error, and how long a retrier waits.  Pure functions.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sfnbook.chance import fraction
from sfnbook.errors import ALL, HEARTBEAT_TIMEOUT, RUNTIME, TASK_FAILED, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfnbook.definition import Catcher, Retrier

NEVER_CAUGHT: Final = frozenset({RUNTIME})
"""Interpreter errors: no Retry, no Catch, not even ``States.ALL``."""

LONGEST_DELAY: Final = 99_999_999.0 * 1_000
"""Seconds; where BackoffRate ** attempts overflows, the delay ends here."""


def matches(error_equals: Sequence[str], error: str | None, heartbeat: bool = False) -> bool:
    """Does an ErrorEquals list take this error?  A missed heartbeat is known under two names.

    >>> matches(["States.TaskFailed"], "CustomError"), matches(["States.TaskFailed"], "States.Timeout")
    (True, False)
    """
    if error in NEVER_CAUGHT:
        return False
    if error in error_equals or (heartbeat and HEARTBEAT_TIMEOUT in error_equals):
        return True
    return ALL in error_equals or (TASK_FAILED in error_equals and error not in {TIMEOUT, HEARTBEAT_TIMEOUT})


def first_match(
    entries: Sequence[Retrier | Catcher], error: str | None, heartbeat: bool = False
) -> int | None:
    """The index of the first retrier or catcher that takes the error; later ones are never asked."""
    for index, entry in enumerate(entries):
        if matches(entry.error_equals, error, heartbeat):
            return index
    return None


def base_delay(retrier: Retrier, used: int) -> float:
    """Seconds before the next attempt when the retrier was used ``used`` times before, without jitter.

    >>> from sfnbook.definition import Retrier
    >>> [base_delay(Retrier(error_equals=("E",), interval_seconds=5), n) for n in range(5)]
    [5.0, 10.0, 20.0, 40.0, 80.0]
    """
    try:
        delay = retrier.interval_seconds * float(retrier.backoff_rate) ** used
    except OverflowError:
        delay = LONGEST_DELAY
    if retrier.max_delay_seconds is not None:
        delay = min(delay, float(retrier.max_delay_seconds))
    return min(delay, LONGEST_DELAY)


def delay(retrier: Retrier, used: int, bits: int) -> float:
    """Seconds before the next attempt; FULL jitter draws evenly between 0 and the base delay."""
    base = base_delay(retrier, used)
    return fraction(bits) * base if retrier.jitter_strategy == "FULL" else base


def count_use(used: tuple[int, ...], index: int, length: int) -> tuple[int, ...]:
    """The counters of a state's retriers after retrier ``index`` was used once more.

    >>> count_use((), 1, 3)
    (0, 1, 0)
    """
    counters = list(used) if used else [0] * length
    counters[index] += 1
    return tuple(counters)
