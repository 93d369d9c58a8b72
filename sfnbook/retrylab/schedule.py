"""One policy and its errors -> the schedule: attempt by attempt, who took the error and when it goes on.

The delays are those of `sfnbook.retry`, which the engine asks, too.  Jitter makes each of them a span:
its bounds and its mean.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook import retry as rules
from sfnbook.clock import SECOND, microseconds
from sfnbook.drawing.charts import to_svg
from sfnbook.errors import TIMEOUT, UsageError
from sfnbook.notebook import displayed
from sfnbook.retrylab.figures import figure
from sfnbook.retrylab.pictures import schedule_chart
from sfnbook.retrylab.policies import Policy, read_policy, with_timeout
from sfnbook.retrylab.words import duration
from sfnbook.tables import Table
from sfnbook.values import is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_ATTEMPTS: Final = 1_000
"""A policy may go on for a hundred million attempts; a schedule shows the first of them."""

RETRIED: Final = "retry"
SUCCEEDS: Final = "succeeds"
CAUGHT: Final = "caught"
FAILS: Final = "fails"


class Span(NamedTuple):
    """A time in virtual seconds that chance moves: its bounds and its mean, all equal without jitter."""

    low: float
    mean: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return duration(self.mean)
        return f"{duration(self.low)} to {duration(self.high)}, {duration(self.mean)} on average"


class Attempt(NamedTuple):
    """One attempt: when it starts and ends, its error, and what becomes of that.

    ``retrier`` and ``used`` are which retrier took the error, from 1 on, and for the how many-th time.
    """

    number: int
    start: Span
    end: Span
    error: str | None
    then: str  # RETRIED, SUCCEEDS, CAUGHT or FAILS
    retrier: int | None = None
    used: int = 0
    delay: Span | None = None
    why: str = ""


class Schedule:
    """What a policy does about some errors; made by `retry_schedule`.

    ``attempts`` are the attempts, ``delays`` the seconds between them (means, where there is jitter),
    ``outcome`` is "succeeds", "caught", "fails", or None where the attempts go on past those listed.
    """

    def __init__(self, policy: Policy, attempts: tuple[Attempt, ...]) -> None:
        self.policy, self.attempts = policy, attempts

    @property
    def delays(self) -> list[float]:
        """Seconds between the attempts."""
        return [attempt.delay.mean for attempt in self.attempts if attempt.delay is not None]

    @property
    def outcome(self) -> str | None:
        """How it ends."""
        last = self.attempts[-1].then
        return None if last == RETRIED else last

    @property
    def end(self) -> Span:
        """When the last attempt ends, in seconds from the first one's start."""
        return self.attempts[-1].end

    @property
    def has_jitter(self) -> bool:
        """Does chance move any of the attempts?"""
        return any(attempt.start.low != attempt.start.high for attempt in self.attempts)

    def table(self) -> Table:
        """A row for each attempt, times in seconds; with jitter also the bounds of start and delay."""
        return Table(_row(attempt, self.has_jitter) for attempt in self.attempts)

    def __str__(self) -> str:
        last = self.attempts[-1]
        count = f"{len(self.attempts)} attempts" if len(self.attempts) != 1 else "1 attempt"
        if last.then == RETRIED:
            return f"Goes on after {count} and {self.end}."
        return f"{last.why} That is after {count} and {self.end}."

    def __repr__(self) -> str:
        return f"{self.table()!r}\n{self}"

    def to_svg(self) -> str:
        """The attempts on the clock, as SVG that stands alone."""
        return to_svg(schedule_chart(self))

    def plot(self) -> Any:
        """The attempts on the clock, as a matplotlib Figure."""
        return figure(schedule_chart(self))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        shown = f"{self.to_svg()}{self.table().to_html()}<p>{escape(str(self))}</p>"
        return displayed(repr(self), shown)


def retry_schedule(
    retry: Any,
    errors: str | Sequence[str | None],
    *,
    task_seconds: float | Sequence[float] = 0,
    timeout_seconds: int | None = None,
) -> Schedule:
    """What a retry policy does when these errors come, attempt by attempt.

    ``retry`` is a list of retriers, a state as a dict, or ``(machine, name)``.  ``errors`` has an error
    name for each attempt, None where it succeeds; like an answer of `sfnbook.tasks.attempts` the last
    one repeats, and a name alone comes every time.  Attempts take ``task_seconds`` of virtual time (a
    number, or one for each); one that takes longer than the state's TimeoutSeconds, or
    ``timeout_seconds``, ends there with States.Timeout.  Raises DefinitionError for a policy that AWS
    refuses.

    >>> retry_schedule([{"ErrorEquals": ["Busy"], "MaxAttempts": 2}], "Busy", task_seconds=0.5)
    attempt  start  end  error  retrier  delay  then
          1      0  0.5  Busy         1      1  retry
          2    1.5    2  Busy         1      2  retry
          3      4  4.5  Busy                   fails
    No retrier is left for Busy (retrier 1 was used 2 of 2 times): the state fails. That is after \
3 attempts and 4.5 s.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    policy = read_policy(retry)
    if timeout_seconds is not None:
        policy = with_timeout(policy, timeout_seconds)
    return Schedule(policy, tuple(_attempts(policy, _names(errors), _durations(task_seconds))))


def _attempts(policy: Policy, errors: Sequence[str | None], durations: Sequence[int]) -> list[Attempt]:
    used = [0] * len(policy.retry)
    found: list[Attempt] = []
    low = mean = high = 0.0
    for number in range(1, MOST_ATTEMPTS + 1):
        given = errors[min(number, len(errors)) - 1]
        error, missed, took = _ending(policy, given, durations[min(number, len(durations)) - 1])
        start, end = _span(low, mean, high), _span(low + took, mean + took, high + took)
        attempt = Attempt(number, start, end, error, *_then(policy, error, missed, used))
        found.append(attempt)
        if attempt.delay is None:
            break
        low, mean, high = (
            moment + took + microseconds(wait)
            for moment, wait in zip((low, mean, high), attempt.delay, strict=True)
        )
    return found


def _ending(policy: Policy, error: str | None, takes: int) -> tuple[str | None, bool, int]:
    """How an attempt ends: its error, was it a missed heartbeat, how long it took (microseconds)."""
    limits = [limit for limit in (policy.timeout, policy.heartbeat) if limit is not None]
    if not limits or takes <= min(limits):
        return error, False, takes
    missed = policy.heartbeat is not None and (policy.timeout is None or policy.heartbeat < policy.timeout)
    return TIMEOUT, missed, min(limits)


def _then(
    policy: Policy, error: str | None, missed: bool, used: list[int]
) -> tuple[str, int | None, int, Span | None, str]:
    """What becomes of an attempt's error; counts the use of the retrier that takes it."""
    if error is None:
        return SUCCEEDS, None, 0, None, "The Task succeeds."
    index = rules.first_match(policy.retry, error, heartbeat=missed)
    if index is not None and used[index] < policy.retry[index].max_attempts:
        used[index] += 1
        delay = delay_of(policy, index, used[index] - 1)
        why = f"Retrier {index + 1} takes {error}, use {used[index]} of {policy.retry[index].max_attempts}."
        return RETRIED, index + 1, used[index], delay, why
    left = _why_no_retry(policy, error, index, used)
    catcher = rules.first_match(policy.catch, error, heartbeat=missed)
    if catcher is None:
        return FAILS, None, 0, None, f"{left}: the state fails."
    return CAUGHT, None, 0, None, f"{left}: catcher {catcher + 1} goes to {policy.catch[catcher].next}."


def delay_of(policy: Policy, index: int, used: int) -> Span:
    """The seconds that a retrier waits when it was used ``used`` times before."""
    retrier = policy.retry[index]
    base = rules.base_delay(retrier, used)
    return Span(0.0, base / 2, base) if retrier.jitter_strategy == "FULL" else Span(base, base, base)


def _why_no_retry(policy: Policy, error: str, index: int | None, used: list[int]) -> str:
    if error in rules.NEVER_CAUGHT:
        return f"Nothing retries or catches {error}"
    if index is None:
        return f"No retrier takes {error}"
    most = policy.retry[index].max_attempts
    return f"No retrier is left for {error} (retrier {index + 1} was used {used[index]} of {most} times)"


def _span(low: float, mean: float, high: float) -> Span:
    return Span(low / SECOND, mean / SECOND, high / SECOND)


def _names(errors: Any) -> Sequence[str | None]:
    names = [errors] if isinstance(errors, str | None) else errors
    if (
        not isinstance(names, list | tuple)
        or not names
        or not all(isinstance(name, str | None) for name in names)
    ):
        raise UsageError(
            f"errors={errors!r}: give the name of an error for each attempt, None for a success."
        )
    return names


def _durations(task_seconds: Any) -> Sequence[int]:
    given = task_seconds if isinstance(task_seconds, list | tuple) else [task_seconds]
    if not given or not all(is_number(takes) and 0 <= takes < math.inf for takes in given):
        raise UsageError(f"task_seconds={task_seconds!r}: give seconds that are not negative.")
    return [microseconds(takes) for takes in given]


def _row(attempt: Attempt, has_jitter: bool) -> dict[str, Any]:
    delay = attempt.delay
    row: dict[str, Any] = {"attempt": attempt.number, "start": attempt.start.mean}
    if has_jitter:
        row |= {"start_low": attempt.start.low, "start_high": attempt.start.high}
    row |= {"end": attempt.end.mean, "error": attempt.error, "retrier": attempt.retrier}
    row["delay"] = None if delay is None else delay.mean
    if has_jitter:
        row |= {"delay_low": delay and delay.low, "delay_high": delay and delay.high}
    return row | {"then": attempt.then}
