"""What people give as a retry policy -> retriers and catchers, held against AWS's rules.

A policy is a list of retriers, a state, or a machine with a state's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import SECOND
from sfnbook.definition import Retrier, Retryable, State, Task
from sfnbook.errors import DefinitionError, Diagnostic, UsageError, nearest
from sfnbook.machine import StateMachine
from sfnbook.parse import READERS
from sfnbook.validation import policies as rules
from sfnbook.validation.checks import MAX_SECONDS, integer
from sfnbook.validation.problems import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sfnbook.definition import Catcher
    from sfnbook.validation.problems import Problem
    from sfnbook.values import Json

ASL: Final[dict[str, str]] = {
    "ErrorEquals": "error_equals",
    "IntervalSeconds": "interval_seconds",
    "MaxAttempts": "max_attempts",
    "BackoffRate": "backoff_rate",
    "MaxDelaySeconds": "max_delay_seconds",
    "JitterStrategy": "jitter_strategy",
    "Comment": "comment",
}
"""The fields of a retrier, as the States Language and as `Retrier` call them."""


class Policy(NamedTuple):
    """A checked retry policy; ``timeout`` and ``heartbeat`` are the Task's, in microseconds."""

    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...] = ()
    timeout: int | None = None
    heartbeat: int | None = None
    state: str = ""
    """The state's name, where there is one."""

    @property
    def asl(self) -> list[dict[str, Json]]:
        """The Retry field, to copy."""
        return [as_json(retrier) for retrier in self.retry]


def read_policy(given: Any) -> Policy:
    """The policy in what was given; DefinitionError with every rule that it breaks.

    >>> read_policy([{"ErrorEquals": ["Busy"], "MaxAttempts": 2}]).retry[0].interval_seconds
    1
    >>> read_policy({"ErrorEquals": ["Busy"], "IntervalSeconds": 0})
    Traceback (most recent call last):
    ...
    sfnbook.errors.DefinitionError: ERROR SCHEMA_VALIDATION_FAILED: Minimum value is 1 at \
/Retry[0]/IntervalSeconds
    """
    match given:
        case Policy():
            return given
        case (StateMachine() as machine, str() as name):
            return _of_state(find_state(machine, name))
        case State():
            return _of_state(given)
        case Retrier():
            return _checked([given])
        case list() | tuple():
            return _checked(list(given))
        case {"ErrorEquals": _}:
            return _checked([given])
        case dict():
            return _of_fields(given)
    raise UsageError(
        f"{_kind(given)} is no retry policy. Give a list of retriers, a state as a dict, or (machine, name)."
    )


def with_timeout(policy: Policy, timeout_seconds: Any) -> Policy:
    """The policy of a Task with another TimeoutSeconds; UsageError for what AWS would not take."""
    if isinstance(timeout_seconds, bool) or not isinstance(timeout_seconds, int) or timeout_seconds < 1:
        raise UsageError(f"timeout_seconds={timeout_seconds!r}: TimeoutSeconds is a whole number from 1 on.")
    return policy._replace(timeout=timeout_seconds * SECOND)


def check_count(name: str, given: Any) -> None:
    """UsageError for what is no whole number from 1 on.

    >>> check_count("runs", 0)
    Traceback (most recent call last):
    ...
    sfnbook.errors.UsageError: runs=0: give a whole number from 1 on.
    """
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise UsageError(f"{name}={given!r}: give a whole number from 1 on.")


def check_seed(seed: Any) -> None:
    """UsageError for what is no whole number.

    >>> check_seed("mine")
    Traceback (most recent call last):
    ...
    sfnbook.errors.UsageError: seed='mine': give a whole number.
    """
    if type(seed) is not int:
        raise UsageError(f"seed={seed!r}: give a whole number.")


def find_state(machine: StateMachine, name: str) -> State:
    """A state of a machine by its name; UsageError with the nearest one."""
    states = {state.name: state for state in machine.definition.walk()}
    if name not in states:
        retryable = [other for other, state in states.items() if isinstance(state, Retryable)]
        near = nearest(name, states)
        hint = f"Did you mean {near!r}?" if near else f"Those with Retry are: {', '.join(retryable)}."
        raise UsageError(f"There is no state {name!r} in this machine. {hint}")
    return states[name]


def as_json(retrier: Retrier) -> dict[str, Json]:
    """A retrier as the States Language writes it, without what is not set.

    >>> as_json(Retrier(error_equals=("Busy",), jitter_strategy="FULL"))["JitterStrategy"]
    'FULL'
    """
    shown: dict[str, Json] = {name: getattr(retrier, attribute) for name, attribute in ASL.items()}
    shown["ErrorEquals"] = list(retrier.error_equals)
    if retrier.jitter_strategy == "NONE":
        del shown["JitterStrategy"]
    return {name: value for name, value in shown.items() if value is not None}


def _of_state(state: State) -> Policy:
    if not isinstance(state, Retryable):
        raise UsageError(f"{state.name!r} is a {state.type} state; Task, Map and Parallel have a Retry.")
    policy = Policy(state.retry, state.catch, state=state.name)
    if not isinstance(state, Task):
        return policy
    return policy._replace(timeout=_limit(state.timeout_seconds), heartbeat=_limit(state.heartbeat_seconds))


def _of_fields(state: Mapping[str, Json]) -> Policy:
    """The policy of a state as JSON; only what belongs to it is read."""
    if not set(state) & {"Type", "Retry", "Catch", "Resource"}:
        known = ", ".join(map(repr, state)) or "nothing"
        raise UsageError(f"This dict is no state: it has {known}. A state has a Type and may have a Retry.")
    retry, catch = state.get("Retry", []), state.get("Catch", [])
    _refuse([*rules.retry(retry, "/Retry", Scope()), *rules.catch(catch, "/Catch", Scope()), *_limits(state)])
    timeout, heartbeat = _limit(state.get("TimeoutSeconds")), _limit(state.get("HeartbeatSeconds"))
    return Policy(READERS["retry"](retry), READERS["catch"](catch), timeout, heartbeat)


def _limits(state: Mapping[str, Json]) -> Iterator[Problem]:
    for field in ("TimeoutSeconds", "HeartbeatSeconds"):
        if field in state and not isinstance(state[field], str):
            yield from integer(1, MAX_SECONDS)(state[field], f"/{field}", Scope())


def _checked(retriers: list[Any]) -> Policy:
    entries = [as_json(entry) if isinstance(entry, Retrier) else entry for entry in retriers]
    _refuse(list(rules.retry(entries, "/Retry", Scope())))
    return Policy(READERS["retry"](entries))


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise DefinitionError(
            [
                Diagnostic(problem.severity, problem.code, problem.message, problem.pointer)
                for problem in problems
            ]
        )


def _limit(seconds: Json) -> int | None:
    """A limit that is written down; one that is read from the input is not known here."""
    return seconds * SECOND if isinstance(seconds, int) else None


def _kind(given: Any) -> str:
    return f"{given!r}" if isinstance(given, str | int | float | None) else f"A {type(given).__name__}"
