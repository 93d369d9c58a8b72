"""What to think of a retry policy: a closed table of rules, each of them a sentence with its numbers.

A rule looks at one policy where it stands (`Facts`) and says what it found, or nothing.  The worst
case is that every attempt fails until the policy gives up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook import retry as rules
from sfnbook.clock import microseconds
from sfnbook.definition import Map, Retryable, inner_blocks
from sfnbook.errors import ALL, HEARTBEAT_TIMEOUT, TASK_FAILED, TIMEOUT, UsageError
from sfnbook.limits import AWS_LIMITS
from sfnbook.machine import TYPES, StateMachine
from sfnbook.notebook import displayed
from sfnbook.prices import PRICES, Prices, express_price, express_units, standard_price
from sfnbook.retrylab.policies import Policy, check_count, read_policy
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

SHORT: Final = 60
"""Seconds: a MaxDelaySeconds to compare with, unless the first delay is longer."""

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
    """How many items a Map around it, or it itself, is thought to have."""
    limit: int | None = None
    """The execution's TimeoutSeconds, or the limit of an Express execution."""
    within: str = ""
    """The name of the inline Map around it: its iterations share one history."""
    is_map: bool = False
    """Is it the policy of an inline Map?"""
    crowd: str | None = ""
    """Who may fail together, where that is known; None: nobody does."""
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


def reached(policy: Policy) -> dict[int, Retrier]:
    """The retriers that take an error at all, by their numbers from 1 on."""
    return {
        number: retrier
        for number, retrier in enumerate(policy.retry, 1)
        if any(
            name not in rules.NEVER_CAUGHT and not _takers(policy.retry[: number - 1], name)
            for name in retrier.error_equals
        )
    }


def most_retries(policy: Policy) -> int:
    """How many retries all retriers allow together."""
    return sum(retrier.max_attempts for retrier in reached(policy).values())


def worst_seconds(policy: Policy) -> float:
    """How long the policy can hold its state, if every attempt takes as long as it may.

    Attempts without TimeoutSeconds are taken to end at once.
    """
    attempt = (policy.timeout or 0) / 1_000_000
    return sum(map(longest_wait, reached(policy).values())) + attempt * (most_retries(policy) + 1)


# --- the rules ------------------------------------------------------------------------------------
def _holds(facts: Facts) -> Iterator[Finding]:
    """A policy that can hold an execution for days; where a limit ends that, see `_outlasts`."""
    for number, retrier in reached(facts.policy).items():
        wait = longest_wait(retrier)
        if not LONG <= wait <= (facts.limit or math.inf):
            continue
        held = duration(wait) if wait < STANDARD_SECONDS else "a whole year, after which AWS ends it"
        text = (
            f"can hold the execution for {held}: {plural(retrier.max_attempts, 'retry')} for "
            f"{', '.join(retrier.error_equals)}, the last after {duration(_last(retrier))}."
        )
        if retrier.max_delay_seconds is None and retrier.backoff_rate > 1:
            most = max(SHORT, retrier.interval_seconds)
            text += f" With MaxDelaySeconds {most} it would be {duration(_capped(retrier, most))}."
        yield Finding("holds", WARNING, text, number)


def _last(retrier: Retrier) -> float:
    return rules.base_delay(retrier, retrier.max_attempts - 1)


def _capped(retrier: Retrier, seconds: int) -> float:
    return longest_wait(replace(retrier, max_delay_seconds=seconds))


def _outlasts(facts: Facts) -> Iterator[Finding]:
    """Retries that outlast the execution's TimeoutSeconds."""
    worst = worst_seconds(facts.policy)
    if facts.limit is None or worst <= facts.limit:
        return
    is_quota = facts.express and facts.limit == EXPRESS_SECONDS
    name = "the 5 minutes of an Express execution" if is_quota else "the execution's TimeoutSeconds"
    name += "" if is_quota else f", {duration(facts.limit)}"
    alone = True
    for number, retrier in reached(facts.policy).items():
        made = _within(facts.policy, retrier, facts.limit)
        if made >= retrier.max_attempts:
            continue
        alone = False
        yield Finding(
            "outlasts",
            WARNING,
            f"outlasts {name}: at most {made:,} of its "
            f"{plural(retrier.max_attempts, 'retry')} can be made before that, and Catch is never asked.",
            number,
        )
    if alone:
        text = f"outlasts {name}: all its retriers together can take {duration(worst)}."
        yield Finding("outlasts", WARNING, text)


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
    for index, retrier in enumerate(facts.policy.retry):
        takers = {name: _takers(facts.policy.retry[:index], name) for name in retrier.error_equals}
        if any(name in rules.NEVER_CAUGHT for name in retrier.error_equals):
            names = ", ".join(name for name in retrier.error_equals if name in rules.NEVER_CAUGHT)
            yield Finding("unreachable", WARNING, f"names {names}, which is never retried.", index + 1)
        shadowed = [name for name, taken in takers.items() if taken]
        if not shadowed:
            continue
        who = _named({number for name in shadowed for number in takers[name]})
        if len(shadowed) == len(takers):
            text = (
                f"is never reached: {who} {', '.join(shadowed)} before it. Once a retrier is used up "
                "the state fails; later ones are not asked."
            )
            yield Finding("unreachable", WARNING, text, index + 1)
        else:
            text = f"never sees {', '.join(shadowed)}: {who} that before."
            yield Finding("unreachable", NOTE, text, index + 1)


def _named(retriers: set[int]) -> str:
    numbers = " and ".join(map(str, sorted(retriers)))
    return f"retriers {numbers} take" if len(retriers) > 1 else f"retrier {numbers} takes"


def _takers(before: Sequence[Retrier], name: str) -> list[int]:
    """The retriers before that take all errors that a name stands for, from 1 on; none if one is left."""
    found = []
    for error, heartbeat in STANDS_FOR.get(name, ((name, False),)):
        index = rules.first_match(before, error, heartbeat=heartbeat)
        if index is None:
            return []
        found.append(index + 1)
    return found


STANDS_FOR: Final[dict[str, tuple[tuple[str, bool], ...]]] = {
    ALL: ((TASK_FAILED, False), (TIMEOUT, False), (TIMEOUT, True)),
    HEARTBEAT_TIMEOUT: ((TIMEOUT, True),),
}
"""Names that stand for other errors: which ones, and are they a missed heartbeat, as in `retry.matches`?"""


def _events(facts: Facts) -> Iterator[Finding]:
    """MaxAttempts that would pass the 25,000 events of a history, in a Map or alone."""
    limit = AWS_LIMITS.events
    if limit is None or facts.express:
        return
    attempts = most_retries(facts.policy) + 1
    if facts.is_map and attempts > 1 and (least := attempts * facts.items * EVENTS_OF_ITERATION) > limit:
        yield Finding(
            "events",
            WARNING,
            f"makes all iterations again: {attempts:,} times {facts.items:,} items write at least {least:,} "
            f"events, and the execution fails at {limit:,}.",
        )
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
        number: retrier
        for number, retrier in reached(facts.policy).items()
        if retrier.jitter_strategy != "FULL" and retrier.max_attempts
    }
    if not steady or facts.crowd is None:
        return
    who = facts.crowd or "executions"
    waits = [_first_waits(retrier) for retrier in steady.values()]
    if len(steady) > 1:
        waits = [f"retrier {number}: {said}" for number, said in zip(steady, waits, strict=True)]
    yield Finding(
        "herd",
        WARNING if facts.crowd else NOTE,
        f"has no jitter: {who} that fail together try again together ({'; '.join(waits)}). JitterStrategy "
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
    if facts.express:
        yield Finding("price", NOTE, _express_price(facts))
        return
    each = standard_price(retries + 1, facts.prices)
    yield Finding(
        "price",
        NOTE,
        f"bills up to {plural(retries + 1, 'transition')} for this state, {dollars(each)}: a million of them "
        f"cost {dollars(each * 1_000_000)} instead of {dollars(standard_price(1_000_000, facts.prices))}.",
    )


def _express_price(facts: Facts) -> str:
    held = min(worst_seconds(facts.policy), facts.limit or EXPRESS_SECONDS)
    least, most = (
        express_price(1_000_000, 1_000_000 * units, prices=facts.prices)
        for units in (1, max(1, express_units(microseconds(held))))
    )
    return (
        f"can hold an Express execution for {duration(held)}: a million of them cost {dollars(most)} instead "
        f"of {dollars(least)}."
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
        return displayed(str(self), shown)


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
    given: Any,
    *,
    items: int = 1_000,
    timeout_seconds: int | None = None,
    type: str | None = None,  # noqa: A002 - the API's word
    prices: Prices = PRICES,
) -> Advice:
    """What to think of a retry policy, a state's, or every policy of a machine.

    ``given`` is what `retry_schedule` takes, or a whole machine.  A Map is thought to have ``items``.
    ``timeout_seconds`` is the execution's TimeoutSeconds and ``type`` the workflow's, STANDARD or EXPRESS,
    where no machine says it.  Raises UsageError for what is none of these.

    >>> patient = {"ErrorEquals": ["Busy"], "IntervalSeconds": 60, "MaxAttempts": 15}
    >>> advise([patient | {"JitterStrategy": "FULL"}])
    ⚠ Retrier 1 can hold the execution for 22 d 18 h: 15 retries for Busy, the last after 11 d 9 h. \
With MaxDelaySeconds 60 it would be 15 min.
    The policy bills up to 16 transitions for this state, $0.0004: a million of them cost $400.00 \
instead of $25.00.
    """
    check_count("items", items)
    if timeout_seconds is not None:
        check_count("timeout_seconds", timeout_seconds)
    if type not in (None, *TYPES):
        raise UsageError(f"type={type!r}: a workflow is STANDARD or EXPRESS.")
    around = Facts(Policy(()), items, timeout_seconds, express=type == "EXPRESS", prices=prices)
    if isinstance(given, StateMachine):
        return Advice(
            finding._replace(state=facts.policy.state)
            for facts in _everywhere(given.definition, _around(given, around))
            for finding in found(facts)
        )
    return Advice(found(facts_of(given, around)))


def facts_of(given: Any, around: Facts | None = None) -> Facts:
    """A policy, or a state's of a machine, and what stands around it."""
    around = around or Facts(Policy(()), 1_000)
    policy = read_policy(given)
    if isinstance(given, tuple) and isinstance(given[0], StateMachine):
        everywhere = _everywhere(given[0].definition, _around(given[0], around))
        return next(facts for facts in everywhere if facts.policy.state == policy.state)
    return _limited(around._replace(policy=policy))


def found(facts: Facts) -> Iterator[Finding]:
    """What the rules say of one policy."""
    for rule in RULES.values():
        yield from rule(facts)


def _around(machine: StateMachine, around: Facts) -> Facts:
    """What stands around every state of a machine; what it says itself counts."""
    express = around.express or machine.type == "EXPRESS"
    limit = machine.definition.timeout_seconds or around.limit
    return _limited(around._replace(limit=limit, express=express))


def _limited(around: Facts) -> Facts:
    """An Express execution has a limit of its own."""
    if not around.express:
        return around
    return around._replace(limit=min(around.limit or EXPRESS_SECONDS, EXPRESS_SECONDS))


def _everywhere(block: Definition, around: Facts) -> Iterator[Facts]:
    """Every state that may have a Retry, with what stands around it."""
    for state in block.states.values():
        if isinstance(state, Retryable):
            is_map = isinstance(state, Map) and not state.distributed
            yield around._replace(policy=read_policy(state), is_map=is_map)
        inside = _inside(state, around) if isinstance(state, Map) else around
        for inner in inner_blocks(state):
            yield from _everywhere(inner, inside)


def _inside(state: Map, around: Facts) -> Facts:
    """What stands around an iteration; of a Distributed Map it is an execution with a history of its own."""
    if state.max_concurrency != 1:
        around = around._replace(crowd=f"the iterations of {state.name!r}")
    if not state.distributed:
        return around._replace(within=state.name)
    express = state.processor_config.get("ExecutionType") == "EXPRESS"
    return _limited(around._replace(within="", express=express))
