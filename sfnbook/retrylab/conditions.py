"""What the retry lab lets people move: the fields of a retrier, and the conditions that it is tried under.

Each has a label, a unit, the stops of its slider and the bounds of what may be typed.  A retrier's bounds
are AWS's own and are held by `policies.read_policy`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.errors import UsageError
from sfnbook.retrylab.service import Service, mean_seconds
from sfnbook.retrylab.stampede import AT_ONCE, Arrivals
from sfnbook.tasks import faulty, flaky, latency, outage, result
from sfnbook.tasks.durations import Duration, Seconds
from sfnbook.values import is_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.retrylab.policies import Policy
    from sfnbook.tasks.faults import Faulty

Stops = tuple[float | None, ...]
"""Where a slider may stand; None is "not set"."""


class Field(NamedTuple):
    """A number that people move: how it is called and where its slider stops."""

    label: str
    unit: str
    stops: Stops
    tooltip: str
    factor: float = 1.0
    """What is shown is the value times this: a share is shown in percent."""


_SECONDS: Final = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800, 3600)
_COUNTS: Final = (1, 2, 5, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500)
_RATES: Final = (1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500)

RETRIER: Final[dict[str, Field]] = {
    "IntervalSeconds": Field("IntervalSeconds", "s", _SECONDS, "The delay before the first retry"),
    "MaxAttempts": Field("MaxAttempts", "retries", tuple(range(21)), "How many retries at most"),
    "BackoffRate": Field(
        "BackoffRate",
        "×",
        tuple(1 + number / 10 for number in range(31)),
        "By how much each delay is longer than the one before",
    ),
    "MaxDelaySeconds": Field("MaxDelaySeconds", "s", (*_SECONDS, None), "No delay is longer than this"),
}
"""The fields of a retrier that are numbers."""

CONDITIONS: Final[dict[str, Field]] = {
    "failure_rate": Field(
        "Failure rate",
        "%",
        tuple(number / 20 for number in range(21)),
        "The share of attempts that the service takes and that fail by themselves",
        100,
    ),
    "task_seconds": Field(
        "Task takes",
        "s",
        (0, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 30, 60),
        "How long an attempt takes in virtual time",
    ),
    "timeout_seconds": Field(
        "TimeoutSeconds",
        "s",
        (*_SECONDS, None),
        "The Task's limit for one attempt; the service goes on with an abandoned call",
    ),
    "outage_seconds": Field(
        "Outage",
        "s",
        (0, *_SECONDS),
        "The service is down so long from the start, and refuses every call at once",
    ),
    "clients": Field("Clients", "", _COUNTS, "Executions that call the same service"),
    "capacity": Field("Capacity", "calls/s", (*_RATES, None), "What the service takes; it refuses the rest"),
}
"""The conditions that are numbers."""

ARRIVING: Final[dict[str, Field]] = {
    "random": Field("Arrivals", "per s", _RATES, "Clients come independently of each other (Poisson)"),
    "map": Field("MaxConcurrency", "", _COUNTS, "Clients are the iterations of one Map"),
}
"""The number of an arrival, by how clients come."""

MOST_CLIENTS: Final = 10_000


class Conditions(NamedTuple):
    """What a policy is tried under; times in virtual seconds.

    ``failure_rate`` of the attempts fail with ``error``; the service is down for the first
    ``outage_seconds``.  Both meet one execution as well as many.  ``capacity`` is what it takes in a second
    (or at once, where ``service`` has a concurrency and no rate); ``service`` has everything else about it.

    >>> Conditions(clients=50).served.rate
    20
    """

    error: str = "Lambda.TooManyRequestsException"
    failure_rate: float = 0.3
    task_seconds: Seconds = 0.5
    timeout_seconds: int | None = None
    outage_seconds: float = 0
    clients: int = 100
    arrivals: Arrivals = AT_ONCE
    capacity: float | None = 20
    service: Service = Service(rate=20)

    @classmethod
    def of(cls, service: Service | None, **more: Any) -> Conditions:
        """The conditions that a service brings with it."""
        if service is None:
            return cls(**more)
        down = max((end for begin, end in service.outages if begin == 0), default=0.0)
        capacity = service.concurrency if counts_at_once(service) else service.rate
        given = {
            "error": service.error, "failure_rate": service.failure_rate,
            "task_seconds": service.seconds, **more,
        }  # fmt: skip
        return cls(**given, capacity=capacity, outage_seconds=down, service=service)

    @property
    def served(self) -> Service:
        """The service under these conditions."""
        service, later = self.service, tuple(window for window in self.service.outages if window[0] > 0)
        answers: dict[str, Any] = {
            "seconds": self.task_seconds, "error": self.error, "failure_rate": self.failure_rate,
        }  # fmt: skip
        if service.locking:
            return replace(service, **answers)
        limit: dict[str, Any] = {"concurrency" if counts_at_once(service) else "rate": self.capacity}
        own_burst = service.rate is not None and service.burst != float(max(1, service.rate))
        return replace(
            service,
            **limit,
            burst=service.burst if own_burst else None,
            outages=((0.0, self.outage_seconds), *later) if self.outage_seconds else later,
            **answers,
        )

    @property
    def answer(self) -> Faulty:
        """What the Task answers in one execution: an outage at once, another failure takes its time."""
        down = (outage(0, self.outage_seconds, self.error),) if self.outage_seconds else ()
        slow = (latency(self.task_seconds),) if self.task_seconds else ()
        return faulty(result({}), *down, *slow, flaky(self.failure_rate, self.error))

    @property
    def mean_task_seconds(self) -> float:
        """How long an attempt takes on average."""
        return mean_seconds(self.task_seconds)

    @property
    def crowd(self) -> str | None:
        """Who may fail together; None where at most one client calls at a time."""
        at_a_time = self.arrivals.number if self.arrivals.how == "map" else self.clients
        return f"the {self.clients:,} clients" if min(at_a_time, self.clients) > 1 else None

    def applied(self, policy: Policy) -> Policy:
        """A policy with the Task's limit; nobody sends heartbeats here."""
        limit = None if self.timeout_seconds is None else self.timeout_seconds * 1_000_000
        return policy._replace(timeout=limit, heartbeat=None)

    def changed(self, **changes: Any) -> Conditions:
        """These conditions with others in their place; UsageError for what is none.

        >>> Conditions().changed(failure_rate=30)
        Traceback (most recent call last):
        ...
        sfnbook.errors.UsageError: failure_rate=30: give a number from 0 to 1.
        """
        for name, value in changes.items():
            CHECKS[name](name, value)
        if self.service.locking and {"capacity", "outage_seconds"} & set(changes):
            raise UsageError("A row under optimistic locking has no capacity and no outages.")
        return self._replace(**changes)


def counts_at_once(service: Service) -> bool:
    """Is the service's capacity a number of calls at once?"""
    return service.concurrency is not None and service.rate is None


# --- bounds ---------------------------------------------------------------------------------------
def _number(
    low: float, high: float = math.inf, *, whole: bool = False, unset: bool = False
) -> Callable[[str, Any], None]:
    def check(name: str, value: Any) -> None:
        if value is None and unset:
            return
        if not is_number(value) or not low <= value <= high or (whole and value != int(value)):
            bound = f"from {low:g} on" if high == math.inf else f"from {low:g} to {high:,g}"
            kind = "whole number" if whole else "number"
            raise UsageError(f"{name}={value!r}: give a {kind} {bound}{', or None' if unset else ''}.")

    return check


def _seconds(name: str, value: Any) -> None:
    if not isinstance(value, Duration):
        _number(0, 31_536_000)(name, value)


def _arrivals(name: str, value: Any) -> None:
    if not isinstance(value, Arrivals):
        raise UsageError(
            f'{name}={value!r}: clients come "at once", at_random(per_second) or from_map(max_concurrency).'
        )


def _error(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{name}={value!r}: give the name of an error.")


CHECKS: Final[dict[str, Callable[[str, Any], None]]] = {
    "error": _error,
    "failure_rate": _number(0, 1),
    "task_seconds": _seconds,
    "timeout_seconds": _number(1, 99_999_999, whole=True, unset=True),
    "outage_seconds": _number(0, 31_536_000),
    "clients": _number(1, MOST_CLIENTS, whole=True),
    "arrivals": _arrivals,
    "capacity": _number(0.001, 1_000_000, unset=True),
}
"""What each condition may be."""
