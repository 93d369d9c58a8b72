"""What an execution has used up so far, against AWS's limits and prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.frames import TOP
from sfnbook.growing import Growing
from sfnbook.prices import PRICES, Prices, express_price, express_units, standard_price
from sfnbook.values import exceeds, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.frames import Change
    from sfnbook.timeline import Timeline
    from sfnbook.values import Json

CLOSE: Final = 0.8
"""From this part of a limit on, a view warns."""


class Totals(NamedTuple):
    """How much was used: counts, bytes, and US dollars as a Standard and as an Express workflow.

    ``events_limit`` and ``payload_limit`` are None where there is none.
    """

    transitions: int
    billed_transitions: int
    events: int
    events_limit: int | None
    largest_payload: int
    payload_limit: int | None
    standard: float
    express: float

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is close to its limit, in words.

        >>> Totals(9, 9, 24_000, 25_000, 10, 262_144, 0.1, 0.1).warnings
        ('24,000 of 25,000 events: at the limit the execution fails',)
        """
        found = []
        if self.events_limit and self.events >= CLOSE * self.events_limit:
            limit = f"{self.events_limit:,}"
            found.append(f"{self.events:,} of {limit} events: at the limit the execution fails")
        if self.payload_limit and self.largest_payload >= CLOSE * self.payload_limit:
            large, limit = f"{self.largest_payload:,}", f"{self.payload_limit:,}"
            found.append(f"a payload of {large} bytes: over {limit} a state fails")
        return tuple(found)


def totals(execution: Timeline, payloads: Payloads, prices: Prices = PRICES) -> Totals:
    """What an execution has used up to its cursor."""
    limits, duration = execution.setup.limits, execution.clock - execution.setup.birth.time
    express = execution.setup.birth.frame.scope.execution.type == "EXPRESS"
    return Totals(
        transitions=execution.cursor,
        billed_transitions=execution.billed,
        events=execution.counters.get(TOP, 0),
        events_limit=None if express else limits.events,
        largest_payload=payloads.follow(execution.changes).largest(execution.cursor),
        payload_limit=limits.payload_bytes,
        standard=standard_price(execution.billed, prices),
        express=express_price(1, express_units(duration), prices=prices),
    )


class Payloads(Growing):
    """The largest payload up to any point of a list of changes that grows; another list begins anew.

    >>> import sfnbook
    >>> execution = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}).start("abc").run()
    >>> Payloads().follow(execution.changes).largest(len(execution.changes))
    5
    """

    def begin(self) -> None:
        """Forget everything."""
        self._largest: list[int] = []

    def see(self, change: Change, number: int) -> None:
        """Take in a change; most payloads are known to be no larger without being written as text."""
        most = self._largest[-1] if number else 0
        for payload in _payloads(change):
            if exceeds(payload, most):
                most = size(payload)
        self._largest.append(most)

    def largest(self, cursor: int) -> int:
        """In bytes of JSON text, over the first ``cursor`` changes."""
        return self._largest[cursor - 1] if cursor else 0


def _payloads(change: Change) -> Iterator[Json]:
    """The values that are new with a change: a state's input or output, a Task's arguments and result."""
    before, after = change.before, change.after
    if after is None:
        return
    if before is None or after.data is not before.data:
        yield after.data
    if change.kind in {"TaskScheduled", "TaskSucceeded"}:
        work: Any = after.work
        yield work.arguments if change.kind == "TaskScheduled" else work.result
