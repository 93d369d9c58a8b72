"""One recorded event, whatever it was printed by: the API, the CLI, boto3, CloudWatch Logs.

Payloads are values here, times microseconds since the epoch, ids numbers; what was not recorded
(``includeExecutionData`` off, a truncated payload) is not there.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import EPOCH, LAST, SECOND
from sfnbook.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.values import Json

PAYLOADS: Final = ("input", "output", "parameters")
"""The details that are JSON text."""

ENDS: Final[dict[str, str]] = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
"""What the last event of an execution says of its status."""

# Epoch seconds stay below this until the year 5138, epoch milliseconds have been above it since 1973.
_MILLISECONDS_FROM: Final = 100_000_000_000


class Event(NamedTuple):
    """One event of a history; ``time`` is None where the recording has no times.

    >>> event_of({"id": "2", "type": "PassStateEntered", "details": {"name": "A"}, "execution_arn": "a",
    ...           "previous_event_id": "0", "event_timestamp": "1713959670680"})
    Event(id=2, previous=0, type='PassStateEntered', time=1713959670680000, details={'name': 'A'})
    """

    id: int
    previous: int
    type: str
    time: int | None
    details: Mapping[str, Json]

    def __str__(self) -> str:
        return f"event {self.id} ({self.type})"


def is_event(value: Any) -> bool:
    """Does this look like an event, of the API or of a log?"""
    return isinstance(value, dict) and isinstance(value.get("type"), str) and "id" in value


def is_logged(value: Mapping[str, Any]) -> bool:
    """Is this event as CloudWatch Logs has it?"""
    return "previous_event_id" in value or "event_timestamp" in value


def event_of(given: Mapping[str, Any]) -> Event:
    """An event of the API or of a log as one of ours; UsageError where it cannot be one."""
    if is_logged(given):
        previous, time, details = "previous_event_id", "event_timestamp", given.get("details") or {}
    else:
        previous, time = "previousEventId", "timestamp"
        details = next((value for key, value in given.items() if key.endswith("EventDetails")), None) or {}
    number = _number(given["id"], given, "id")
    if not isinstance(details, dict):
        raise UsageError(f"The details of event {number} are no object.")
    return Event(
        number,
        _number(given.get(previous, 0), given, previous),
        given["type"],
        _time(given.get(time), number),
        dict(_details(details)),
    )


def _number(value: Any, given: Mapping[str, Any], name: str) -> int:
    """Logs write numbers as text."""
    if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit()):
        return int(value)
    raise UsageError(f"An event's {name} is a number, not {value!r} ({given.get('type')}).")


def _details(details: Mapping[str, Any]) -> Any:
    for name, value in details.items():
        if name in PAYLOADS:
            cut = details.get(f"{name}Details")
            # Logs also write the flag as text.
            if not (isinstance(cut, dict) and cut.get("truncated") in {True, "true"}):
                yield name, parsed(value)
        elif name == "assignedVariables" and isinstance(value, dict):
            yield name, {variable: parsed(text) for variable, text in value.items()}
        else:
            yield name, value


def is_cut(given: Mapping[str, Any]) -> bool:
    """Has the event a payload that was truncated?"""
    details = next((value for key, value in given.items() if key.lower().endswith("details")), None)
    return isinstance(details, dict) and any(
        isinstance(flag, dict) and flag.get("truncated") in {True, "true"} for flag in details.values()
    )


def parsed(value: Any) -> Json:
    """The value of a JSON text; a text that is none is itself the value.

    >>> parsed('{"a": 1}'), parsed("plain"), parsed({"a": 1})
    ({'a': 1}, 'plain', {'a': 1})
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _time(given: Any, number: int) -> int | None:
    if given is None:
        return None
    found = instant_of(given)
    if found is None:
        raise UsageError(f"The time of event {number} cannot be read: {given!r}.")
    return found


def instant_of(given: Any) -> int | None:
    """Microseconds since the epoch of a datetime, of ISO text, or of epoch seconds or milliseconds.

    >>> instant_of("2025-01-01T01:00:00.5+01:00") == instant_of(1735689600.5) == instant_of("1735689600500")
    True
    """
    if isinstance(given, datetime):
        zoned = given if given.tzinfo else given.replace(tzinfo=UTC)
        return (zoned - EPOCH) // timedelta(microseconds=1)
    if isinstance(given, str):
        try:
            return instant_of(float(given) if given.replace(".", "", 1).isdigit() else _from_iso(given))
        except ValueError:
            return None
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    scale = 1000 if abs(given) >= _MILLISECONDS_FROM else SECOND
    return round(given * scale) if abs(given) * scale <= LAST else None


def _from_iso(text: str) -> datetime:
    return datetime.fromisoformat(text)
