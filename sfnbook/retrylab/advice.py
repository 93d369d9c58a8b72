"""What to think of a retry policy: a closed table of rules, each of them a sentence with its numbers.

A rule looks at one policy where it stands (`Facts`) and says what it found, or nothing.  The worst
case is that every attempt fails until the policy gives up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook import retry as rules
from sfnbook.definition import Map, Retryable, inner_blocks
from sfnbook.errors import ALL, TASK_FAILED
from sfnbook.limits import AWS_LIMITS
from sfnbook.machine import StateMachine
from sfnbook.prices import PRICES, Prices, standard_price
from sfnbook.retrylab.policies import Policy, read_policy
from sfnbook.retrylab.words import dollars, duration, plural
from sfnbook.tables import Table

if TYPE_CHECKING:
    from sfnbook.definition import Definition, Retrier

WARNING: Final = "warning"
NOTE: Final = "note"

LONG: Final = 86_400
"""Seconds: who holds an execution longer than a day should know it."""

STANDARD_SECONDS: Final = 31_536_000
EXPRESS_SECONDS: Final = 300

EVENTS_OF_ATTEMPT: Final = 3  # scheduled, started, failed
EVENTS_OF_ITERATION: Final = 4  # iteration started and ended, state entered and left


class Finding(NamedTuple):
    """What a rule says: its name, "warning" or "note", the words, and which retrier it is about."""

    rule: str
    severity: str
    text: str
    retrier: int | None = None
    state: str = ""


class Facts(NamedTuple):
    """A policy and what stands around it; times in seconds."""

    policy: Policy
    items: int
    """How many items a Map around it is thought to have."""
    limit: int | None = None
    """The execution's TimeoutSeconds, or the limit of its kind."""
    within: str = ""
    """The name of the inline Map or Parallel around it."""
    express: bool = False
    prices: Prices = PRICES


Rule: TypeAlias = Callable[[Facts], Iterator[Finding]]


# --- the worst case -------------------------------------------------------------------------------
def longest_wait(retrier: Retrier) -> float:
    """The seconds of all its delays together, without jitter; the sum is not made delay by delay.

    >>> from sfnbook.definition import Retrier
    >>> longest_wait(Retrier(error_equals=("E",), max_attempts=5, interval_seconds=5))
    155.0
    """
    total, used, last = 0.0, 0, -1.0
    while used < retrier.max_attempts:
        delay = rules.base_delay(retrier, used)
        if delay == last:  # from here on all are the same
            return total + delay * (retrier.max_attempts - used)
        total, used, last = total + delay, used + 1, delay
    return total


def most_retries(policy: Policy) -> int:
    """How many retries all retriers allow together."""
    return sum(retrier.max_attempts for retrier in policy.retry)


def worst_seconds(policy: Policy) -> float:
    """How long the policy can hold its state, if every attempt takes as long as it may.

    Attempts without TimeoutSeconds are taken to end at once.
    """
    attempt = (policy.timeout or 0) / 1_000_000
    return sum(map(longest_wait, policy.retry)) + attempt * (most_retries(policy) + 1)


# --- the rules ------------------------------------------------------------------------------------
def _holds(facts: Facts) -> Iterator[Finding]:
    """A policy that can hold an execution for days."""
    for index, retrier in enumerate(facts.policy.retry):
        wait = longest_wait(retrier)
        if wait < LONG:
            continue
        held = duration(wait) if wait < STANDARD_SECONDS else "a whole year, after which AWS ends it"
        text = (
            f"can hold the execution for {held}: {plural(retrier.max_attempts, 'retry')} for "
            f"{', '.join(retrier.error_equals)}, the last after {duration(_last(retrier))}."
        )
        if retrier.max_delay_seconds is None and retrier.backoff_rate > 1:
            text += f" With MaxDelaySeconds 60 it would be {duration(_capped(retrier, 60))}."
        yield Finding("holds", WARNING, text, index + 1)


def _last(retrier: Retrier) -> float:
    return rules.base_delay(retrier, retrier.max_attempts - 1)


def _capped(retrier: Retrier, seconds: int) -> float:
    return longest_wait(replace(retrier, max_delay_seconds=seconds))


def _outlasts(facts: Facts) -> Iterator[Finding]:
    """Retries that outlast the execution's TimeoutSeconds."""
    if facts.limit is None or worst_seconds(facts.policy) <= facts.limit:
        return
    for index, retrier in enumerate(facts.policy.retry):
        made = _within(facts.policy, retrier, facts.limit)
        if made >= retrier.max_attempts:
            continue
        name = "the 5 minutes of an Express execution" if facts.express else "the execution's TimeoutSeconds"
        yield Finding(
            "outlasts",
            WARNING,
            f"outlasts {name}, {duration(facts.limit)}: at most {made:,} of its "
            f"{plural(retrier.max_attempts, 'retry')} can be made before that, and Catch is never asked.",
            index + 1,
        )


def _within(policy: Policy, retrier: Retrier, limit: float) -> int:
    """How many retries start before a limit, if nothing else takes time but the attempts."""
    attempt = (policy.timeout or 0) / 1_000_000
    time, made = attempt, 0
    while made < retrier.max_attempts:
        delay = rules.base_delay(retrier, made)
        if time + delay >= limit:
            break
        if delay + attempt <= 0 or made > 100_000:
            return retrier.max_attempts
        time, made = time + delay + attempt, made + 1
    return made


def _unreachable(facts: Facts) -> Iterator[Finding]:
    """A retrier that is never reached, because those before it take all its errors."""
    seen: list[Retrier] = []
    for index, retrier in enumerate(facts.policy.retry):
        takers = {name: _taker(seen, name) for name in retrier.error_equals}
        seen.append(retrier)
        if any(name in rules.NEVER_CAUGHT for name in retrier.error_equals):
            names = ", ".join(name for name in retrier.error_equals if name in rules.NEVER_CAUGHT)
            yield Finding("unreachable", WARNING, f"names {names}, which is never retried.", index + 1)
        shadowed = [name for name, taker in takers.items() if taker is not None]
        if shadowed and len(shadowed) == len(takers):
            by = sorted({str(taker) for taker in takers.values()})
            text = (
                f"is never reached: retrier {', '.join(by)} takes {', '.join(shadowed)} before it. Once "
                "that one is used up the state fails; later retriers are not asked."
            )
            yield Finding("unreachable", WARNING, text, index + 1)
        elif shadowed:
            first = takers[shadowed[0]]
            text = f"never sees {', '.join(shadowed)}: retrier {first} takes it before."
            yield Finding("unreachable", NOTE, text, index + 1)


def _taker(before: list[Retrier], name: str) -> int | None:
    """Which of the retriers before takes every error that this name stands for, from 1 on."""
    for number, retrier in enumerate(before, 1):
        if name == ALL:
            takes = ALL in retrier.error_equals
        elif name == TASK_FAILED:
            takes = bool({ALL, TASK_FAILED} & set(retrier.error_equals))
        else:
            takes = rules.matches(retrier.error_equals, name)
        if takes:
            return number
    return None


def _events(facts: Facts) -> Iterator[Finding]:
    """MaxAttempts that would pass the 25,000 events of a history, in a Map or alone."""
    limit = AWS_LIMITS.events
    if limit is None or facts.express:
        return
    attempts = most_retries(facts.policy) + 1
    each = EVENTS_OF_ITERATION + EVENTS_OF_ATTEMPT * attempts
    if facts.within and each * facts.items > limit:
        yield Finding(
            "events",
            WARNING,
            f"writes up to {each:,} events for each item of {facts.within!r}: with more than "
            f"{limit // each:,} items the history can pass {limit:,} events, and the execution fails.",
        )
    elif each > limit:
        yield Finding(
            "events", WARNING, f"writes up to {each:,} events alone; the execution fails at {limit:,}."
        )


def _herd(facts: Facts) -> Iterator[Finding]:
    """No jitter where many may fail together."""
    steady = {
        index: retrier
        for index, retrier in enumerate(facts.policy.retry, 1)
        if retrier.jitter_strategy != "FULL" and retrier.max_attempts
    }
    if not steady:
        return
    who = f"the iterations of {facts.within!r}" if facts.within else "executions"
    waits = "; ".join(f"retrier {index}: {_first_waits(retrier)}" for index, retrier in steady.items())
    yield Finding(
        "herd",
        WARNING if facts.within else NOTE,
        f"has no jitter: {who} that fail together try again together ({waits}). JitterStrategy "
        '"FULL" spreads them and halves the mean delay.',
        next(iter(steady)) if len(steady) == 1 else None,
    )


def _first_waits(retrier: Retrier) -> str:
    shown = [duration(rules.base_delay(retrier, used)) for used in range(min(3, retrier.max_attempts))]
    return f"after {', '.join(shown)}" + (" ..." if retrier.max_attempts > 3 else "")


def _price(facts: Facts) -> Iterator[Finding]:
    """What the worst case costs."""
    retries = most_retries(facts.policy)
    if not retries:
        return
    each = standard_price(retries + 1, facts.prices)
    yield Finding(
        "price",
        NOTE,
        f"bills up to {plural(retries + 1, 'transition')} for this state, {dollars(each)}: a million of them "
        f"cost {dollars(each * 1_000_000)} instead of {dollars(standard_price(1_000_000, facts.prices))}.",
    )


RULES: Final[dict[str, Rule]] = {
    "holds": _holds,
    "outlasts": _outlasts,
    "unreachable": _unreachable,
    "events": _events,
    "herd": _herd,
    "price": _price,
}
"""All rules, in the order in which they speak."""


# --- asking ---------------------------------------------------------------------------------------
class Advice(list[Finding]):
    """The findings about some policies; shows itself."""

    def table(self) -> Table:
        """A row for each finding."""
        return Table(finding._asdict() for finding in self)

    def __str__(self) -> str:
        return "\n".join(map(sentence, self)) or "Nothing to say: no retrier, or none that stands out."

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        items = "".join(f"<li>{escape(sentence(finding))}</li>" for finding in self)
        shown = f"<ul>{items}</ul>" if items else f"<p>{escape(str(self))}</p>"
        return {"text/plain": str(self), "text/html": shown}


def sentence(finding: Finding) -> str:
    """A finding as a sentence.

    >>> sentence(Finding("price", "note", "bills up to 4 transitions.", None, "Charge"))
    'Charge bills up to 4 transitions.'
    """
    who = f"Retrier {finding.retrier}" if finding.retrier else "The policy"
    if finding.state:
        who = f"{finding.state}, retrier {finding.retrier}," if finding.retrier else finding.state
    return f"{'⚠ ' if finding.severity == WARNING else ''}{who} {finding.text}"


def advise(
    given: Any, *, items: int = 1_000, timeout_seconds: int | None = None, prices: Prices = PRICES
) -> Advice:
    """What to think of a retry policy, a state's, or every policy of a machine.

    ``given`` is what `retry_schedule` takes, or a whole machine.  A Map is thought to have ``items``.
    ``timeout_seconds`` is the execution's TimeoutSeconds, where no machine says it.

    >>> patient = {"ErrorEquals": ["Busy"], "IntervalSeconds": 60, "MaxAttempts": 15}
    >>> advise([patient | {"JitterStrategy": "FULL"}])
    ⚠ Retrier 1 can hold the execution for 22 d 18 h: 15 retries for Busy, the last after 11 d 9 h. \
With MaxDelaySeconds 60 it would be 15 min.
    The policy bills up to 16 transitions for this state, $0.0004: a million of them cost $400.00 \
instead of $25.00.
    """
    if isinstance(given, StateMachine):
        return Advice(
            finding._replace(state=facts.policy.state)
            for facts in _everywhere(given, given.definition, "", items, prices)
            for finding in found(facts)
        )
    return Advice(found(facts_of(given, items, timeout_seconds, prices)))


def facts_of(given: Any, items: int = 1_000, limit: int | None = None, prices: Prices = PRICES) -> Facts:
    """A policy, or a state's of a machine, and what stands around it."""
    policy = read_policy(given)
    if isinstance(given, tuple) and isinstance(given[0], StateMachine):
        everywhere = _everywhere(given[0], given[0].definition, "", items, prices)
        return next(facts for facts in everywhere if facts.policy.state == policy.state)
    return Facts(policy, items, limit, prices=prices)


def found(facts: Facts) -> Iterator[Finding]:
    """What the rules say of one policy."""
    for rule in RULES.values():
        yield from rule(facts)


def _everywhere(
    machine: StateMachine, block: Definition, within: str, items: int, prices: Prices
) -> Iterator[Facts]:
    """Every state that may have a Retry, with what stands around it."""
    express = machine.type == "EXPRESS"
    quota = EXPRESS_SECONDS if express else STANDARD_SECONDS
    limit = min(quota, machine.definition.timeout_seconds or quota)
    for state in block.states.values():
        if isinstance(state, Retryable):
            yield Facts(read_policy(state), items, limit, within, express, prices)
        inside = within
        if isinstance(state, Map) and not state.distributed:
            inside = state.name
        for inner in inner_blocks(state):
            yield from _everywhere(machine, inner, inside, items, prices)
