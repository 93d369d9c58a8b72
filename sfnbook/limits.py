"""AWS's quotas that an execution can run into; each can be changed or lifted.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Limits(NamedTuple):
    """Quotas of one execution; None in a field lifts it.

    >>> AWS_LIMITS._replace(events=100_000).events
    100000
    """

    payload_bytes: int | None = 262_144
    variable_bytes: int | None = 262_144  # one variable, and all of one Assign
    stored_variable_bytes: int | None = 10_485_760
    events: int | None = 25_000
    inline_concurrency: int | None = 40
    distributed_concurrency: int | None = 10_000
    standard_seconds: int | None = 31_536_000
    express_seconds: int | None = 300


AWS_LIMITS: Final = Limits()
NO_LIMITS: Final = Limits(*[None] * len(Limits._fields))
UNBOUNDED: Final = 1 << 62
