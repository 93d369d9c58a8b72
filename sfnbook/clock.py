"""Instants and durations: whole microseconds inside, seconds and ISO 8601 text outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from sfnbook.errors import UsageError

SECOND: Final = 1_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_START: Final = 1_735_689_600 * SECOND
"""2025-01-01T00:00:00Z: when an execution starts unless it is told otherwise."""

NEVER: Final = 1 << 62
"""A time that does not come."""

LAST: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
"""The calendar ends with the year 9999; a virtual clock may go on and is shown as its last instant."""

_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


def microseconds(seconds: float) -> int:
    """Virtual seconds as whole microseconds.

    >>> microseconds(1.5)
    1500000
    """
    try:
        return round(seconds * SECOND)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{seconds!r} is no number of seconds.") from None


def seconds(duration: int) -> float:
    """Microseconds as virtual seconds; whole seconds come out as a whole float.

    >>> seconds(2_500_000)
    2.5
    """
    return duration / SECOND


def instant(time: int) -> datetime:
    """A time of the virtual clock as a datetime in UTC."""
    return EPOCH + timedelta(microseconds=min(time, LAST))


def iso(time: int) -> str:
    """ISO 8601 in UTC as AWS writes it: milliseconds, without them when they are zero.

    >>> iso(1_735_689_600_500_000), iso(1_735_689_600_000_000)
    ('2025-01-01T00:00:00.500Z', '2025-01-01T00:00:00Z')
    """
    text = instant(time).strftime("%Y-%m-%dT%H:%M:%S")
    rest = time % SECOND
    if not rest:
        return text + "Z"
    return f"{text}.{rest // 1000:03}Z" if rest % 1000 == 0 else f"{text}.{rest:06}Z"


def parse_timestamp(text: object) -> int | None:
    """Microseconds since the epoch of an RFC 3339 timestamp as ASL wants it; None for anything else.

    >>> parse_timestamp("1970-01-01T01:00:00+01:00")
    0
    >>> parse_timestamp("2023-02-24 12:15:56") is None
    True
    """
    match = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, zone_hours, zone_minutes = match.groups()
    offset = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        whole = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=zone)
    except ValueError:
        return None
    return (whole - EPOCH) // timedelta(microseconds=1) + int((fraction or "").ljust(6, "0")[:6])


def start_instant(given: object) -> int:
    """What ``start_time=`` may be: None, a datetime with a zone, seconds since the epoch, or ISO text.

    >>> start_instant("2025-06-01T00:00:00Z") - start_instant(None) == 151 * 86_400 * SECOND
    True
    """
    if given is None:
        return DEFAULT_START
    if isinstance(given, datetime) and given.tzinfo is not None:
        return (given - EPOCH) // timedelta(microseconds=1)
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return microseconds(given)
    time = parse_timestamp(given)
    if time is None:
        raise UsageError(
            f"start_time={given!r} is no instant. Give a datetime with a time zone, seconds since the epoch, "
            "or text such as '2025-06-01T09:00:00Z'."
        )
    return time


def duration(seconds: float) -> str:
    """Virtual time for people; exact below a minute.

    >>> duration(0), duration(31.5), duration(3661), duration(86400 * 365)
    ('0 s', '31.5 s', '1 h 1 min 1 s', '365 d')
    """
    if seconds < 60:
        return f"{round(seconds, 6):g} s"
    whole, parts = round(seconds, 3), []
    for unit, long in (("d", 86400), ("h", 3600), ("min", 60)):
        count, whole = divmod(whole, long)
        parts += [f"{int(count):,} {unit}"] if count else []
    return " ".join([*parts, *([f"{round(whole, 3):g} s"] if whole else [])])
