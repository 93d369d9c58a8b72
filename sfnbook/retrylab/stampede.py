"""One run of many clients against one service, as a small discrete-event simulation.

Each client is an execution that stands at its Task: it calls, and where a call fails its policy decides
by the engine's own `retry` what comes next.  Times are whole microseconds.  A client's draws depend on
the seed of the run and its number alone, so every policy meets the same arrivals.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook import chance, retry
from sfnbook.clock import microseconds
from sfnbook.errors import TIMEOUT, UsageError
from sfnbook.retrylab.service import Desk, Service
from sfnbook.tasks.durations import drawn
from sfnbook.values import is_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.definition import Retrier
    from sfnbook.retrylab.load import Load
    from sfnbook.retrylab.policies import Policy

MOST_CALLS: Final = 1_000_000
"""A run that has made so many calls is cut off: some policies never end."""


PLACES: Final = 0
"""The rank of an event that frees a place: at one instant places are left before they are asked for."""


class Arrivals(NamedTuple):
    """When clients come: ``at once``, at ``random`` or from a ``map``; see `at_random` and `from_map`."""

    how: str
    number: float = 0.0

    def __str__(self) -> str:
        words = {
            "random": f"at random, {self.number:g} a second",
            "map": f"from a Map, {self.number:g} at a time",
        }
        return words.get(self.how, self.how)


AT_ONCE: Final = Arrivals("at once")


def at_random(per_second: float) -> Arrivals:
    """Clients come independently of each other (Poisson), so many a second on average.

    >>> print(at_random(5))
    at random, 5 a second
    """
    if not (is_number(per_second) and 0 < per_second < math.inf):
        raise UsageError(f"at_random({per_second!r}): give how many come in a second, a number above 0.")
    return Arrivals("random", per_second)


def from_map(max_concurrency: int) -> Arrivals:
    """Clients are the iterations of one Map: the next one starts when one of them has ended.

    >>> print(from_map(10))
    from a Map, 10 at a time
    """
    if not (is_number(max_concurrency) and max_concurrency >= 1 and max_concurrency % 1 == 0):
        raise UsageError(f"from_map({max_concurrency!r}): MaxConcurrency is a whole number from 1 on.")
    return Arrivals("map", max_concurrency)


class Stampede(NamedTuple):
    """What one run came to; times in microseconds."""

    calls: int
    wasted: int  # calls whose answer did no client any good
    done: int  # when the last client had its answer
    gave_up: int  # clients that ended without a result
    unfinished: int = 0  # clients that still tried when the run was cut off


class Client:
    """One execution at its Task: which retriers it has used, and its own stream of draws."""

    __slots__ = ("drawn", "stream", "used")

    def __init__(self, stream: int, retriers: int) -> None:
        self.stream, self.drawn = stream, 0
        self.used = [0] * retriers

    def bits(self) -> int:
        """The next 64 bits of this client."""
        self.drawn += 1
        return chance.mix(self.stream + self.drawn & chance.MASK)

    def delay(self, retriers: tuple[Retrier, ...], error: str) -> int | None:
        """Microseconds until it tries again; None: it gives up."""
        index = retry.first_match(retriers, error)
        if index is None:
            return None
        used, retrier = self.used[index], retriers[index]
        if used >= retrier.max_attempts:
            return None
        self.used[index] += 1
        return microseconds(retry.delay(retrier, used, self.bits()))


class Running:
    """One run of one policy under way: the calendar of events, and what each of them does.

    ``load`` is told of every call.  An event is (time, rank, number of the event, what happens, client,
    what it needs to know).
    """

    def __init__(
        self, policy: Policy, arrivals: Arrivals, service: Service, clients: int, seed: int, load: Load
    ) -> None:
        self.policy, self.arrivals, self.service, self.load = policy, arrivals, service, load
        retriers = len(policy.retry)
        self.clients = [Client(chance.combine(seed, number), retriers) for number in range(clients)]
        self.waiting = deque(range(clients))
        self.events: list[tuple[int, int, int, Callable[[int, int, Any], None], int, Any]] = []
        self.desk = Desk(service)
        self.version = 0  # of the row, under optimistic locking
        self.scheduled = self.calls = self.wasted = self.done = self.gave_up = 0
        self.open = clients
        self._arrive()

    def advance(self, calls: int) -> bool:
        """Let so many calls happen; is there more to come?"""
        events, until = self.events, min(self.calls + calls, MOST_CALLS)
        while events and self.open and self.calls < until:
            now, _, _, happen, number, extra = heappop(events)
            happen(now, number, extra)
        return bool(events and self.open and self.calls < MOST_CALLS)

    def so_far(self) -> Stampede:
        """What it came to until now."""
        return Stampede(self.calls, self.wasted, self.done, self.gave_up, self.open)

    def at(
        self,
        time: int,
        happen: Callable[[int, int, Any], None],
        number: int,
        extra: Any = None,
        rank: int = 1,
    ) -> None:
        """Put an event on the calendar; at one instant the one with the lowest rank is first."""
        self.scheduled += 1
        heappush(self.events, (time, rank, self.scheduled, happen, number, extra))

    def _arrive(self) -> None:
        how, number = self.arrivals
        time, arriving = 0, int(number) if how == "map" else len(self.clients)
        for _ in range(min(arriving, len(self.clients))):
            client = self.waiting.popleft()
            if how == "random":
                u = chance.fraction(self.clients[client].bits())
                time += microseconds(-math.log(1 - u) / number)
            self.attempt(time, client)

    def attempt(self, time: int, number: int) -> None:
        """A client begins an attempt."""
        if self.service.locking:
            self.at(time + self._message(number), self.read, number)
        else:
            self.at(time, self.call, number)

    # --- a service with a capacity ------------------------------------------------------------------
    def call(self, now: int, number: int, _: Any) -> None:
        """A call reaches the service: there is room for it or not."""
        self.calls += 1
        taken = self.desk.takes(now)
        self.load.call(now, served=taken, in_progress=self.desk.in_progress)
        if not taken:
            self.fail(now, number, self.service.error)
            return
        end = now + self.desk.work(self.clients[number].bits())
        self.at(end, self.leave, number, rank=PLACES)
        timeout = self.policy.timeout
        if timeout is not None and now + timeout < end:
            # The client has gone; the service does not know and goes on.
            self.at(now + timeout, self.fail, number, TIMEOUT)
        elif self._strikes(number):
            self.at(end, self.fail, number, self.service.error)
        else:
            self.at(end, self.end, number)

    def leave(self, _now: int, _number: int, _: Any) -> None:
        """The service has finished a call, wanted or not."""
        self.desk.done()

    # --- one row under optimistic locking -----------------------------------------------------------
    def read(self, now: int, number: int, _: Any) -> None:
        """A read reaches the row; its answer goes back, and the write comes."""
        arrival = now + self._message(number) + self._message(number)
        self.at(arrival, self.write, number, self.version)

    def write(self, now: int, number: int, version: Any) -> None:
        """A write reaches the row: it fails if another one came between."""
        self.calls += 1
        fresh = version == self.version and not self._strikes(number)
        self.load.call(now, served=fresh, in_progress=1)
        back = now + self._message(number)
        if fresh:
            self.version += 1
            self.end(back, number)
        else:
            self.fail(back, number, self.service.error)

    def _message(self, number: int) -> int:
        return microseconds(drawn(self.service.seconds, self.clients[number].bits()))

    def _strikes(self, number: int) -> bool:
        """Does this call fail by itself?"""
        rate = self.service.failure_rate
        return rate > 0 and chance.fraction(self.clients[number].bits()) < rate

    # --- answers ------------------------------------------------------------------------------------
    def fail(self, now: int, number: int, error: str) -> None:
        """A client has an error in hand: it tries again or gives up."""
        self.wasted += 1
        delay = self.clients[number].delay(self.policy.retry, error)
        if delay is None:
            self.gave_up += 1
            self.end(now, number)
        else:
            self.attempt(now + delay, number)

    def end(self, now: int, _number: int, _: Any = None) -> None:
        """A client is done; the Map it belongs to starts the next one."""
        self.done, self.open = max(self.done, now), self.open - 1
        if self.waiting:
            self.attempt(now, self.waiting.popleft())


def stampede(
    policy: Policy, arrivals: Arrivals, service: Service, clients: int, seed: int, load: Load
) -> Stampede:
    """One run of one policy; ``load`` is told of every call.

    Under optimistic locking this is Marc Brooker's simulation of "Exponential Backoff And Jitter":
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    running = Running(policy, arrivals, service, clients, seed, load)
    running.advance(MOST_CALLS)
    return running.so_far()
