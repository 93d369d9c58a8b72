"""EventBridge's cron expressions: six fields, read into the minutes, hours and days that they name.

    cron(Minutes Hours Day-of-month Month Day-of-week Year)

Days of the week count from 1, Sunday.  ``L``, ``W`` and ``#`` stand for days that each month has
elsewhere; one of the two day fields must be ``?``.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple, NoReturn, TypeAlias

from sfnbook.triggers.starts import refuse

Days: TypeAlias = Callable[[date], bool]
"""Is a date one of them?"""

MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1
    )
}
WEEKDAYS: Final = {
    name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)
}


class Field(NamedTuple):
    """One field: its place in the expression, its bounds and the names of its numbers."""

    name: str
    low: int
    high: int
    names: dict[str, int] = {}  # noqa: RUF012 - never changed


FIELDS: Final = (
    Field("minutes", 0, 59),
    Field("hours", 0, 23),
    Field("day-of-month", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day-of-week", 1, 7, WEEKDAYS),
    Field("year", 1970, 2199),
)


class Cron(NamedTuple):
    """A cron expression, read."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: Days
    months: frozenset[int]
    years: frozenset[int]

    def on(self, day: date) -> bool:
        """Is it due on this day?"""
        return day.year in self.years and day.month in self.months and self.days(day)


def parse(written: str) -> Cron:
    """Read the six fields of a cron expression.

    >>> weekdays = parse("0 18 ? * MON-FRI *")
    >>> weekdays.hours, weekdays.on(date(2025, 1, 3)), weekdays.on(date(2025, 1, 4))
    ((18,), True, False)
    """
    parts = written.split()
    if len(parts) != len(FIELDS):
        names = " ".join(field.name for field in FIELDS)
        refuse(f"cron({written}) has {len(parts)} fields.", f"EventBridge has six: cron({names}).")
    minutes, hours, days, months, weekdays, years = parts
    if (days == "?") is (weekdays == "?"):
        refuse(
            f"cron({written}) has {'no' if days != '?' else 'two'} question mark.",
            "One of day-of-month and day-of-week must be ?, the other says which days.",
        )
    by_weekday = days == "?"
    return Cron(
        tuple(sorted(_numbers(minutes, FIELDS[0]))),
        tuple(sorted(_numbers(hours, FIELDS[1]))),
        _days_of_week(weekdays) if by_weekday else _days_of_month(days),
        _numbers(months, FIELDS[3]),
        _numbers(years, FIELDS[5]),
    )


# --- numbers ----------------------------------------------------------------------------------------
def _numbers(written: str, field: Field) -> frozenset[int]:
    return frozenset(number for part in written.split(",") for number in _range(part, field))


def _range(part: str, field: Field) -> list[int]:
    """The numbers of one entry; a range that ends before it begins goes on from the lowest number."""
    span, slash, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span == "*":
        low, high = field.low, field.high
    else:
        low = _number(first, field, part)
        high = _number(last, field, part) if dash else (field.high if slash else low)
    if slash and not (step.isdecimal() and int(step)):
        _wrong(part, field, "after / comes a whole number of at least 1")
    count = field.high - field.low + 1
    offsets = range(0, (high - low) % count + 1, int(step) if slash else 1)
    return [(low - field.low + offset) % count + field.low for offset in offsets]


def _number(written: str, field: Field, part: str) -> int:
    number = field.names.get(written.upper(), int(written) if written.isdecimal() else -1)
    if not field.low <= number <= field.high:
        names = f", or {', '.join(field.names)}" if field.names else ""
        _wrong(part, field, f"numbers are {field.low} to {field.high}{names}")
    return number


def _wrong(part: str, field: Field, how: str) -> NoReturn:
    refuse(f"{part!r} is no {field.name} of a cron expression:", f"{how}.")


# --- days -------------------------------------------------------------------------------------------
def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _days_of_month(written: str) -> Days:
    tests = [_day_of_month(part) for part in written.split(",")]
    return lambda day: any(test(day) for test in tests)


def _day_of_month(part: str) -> Days:
    field = FIELDS[2]
    if part == "L":
        return lambda day: day.day == _last(day)
    if part == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last(day))
    if part.endswith("W"):
        wanted = _number(part[:-1], field, part)
        return lambda day: wanted <= _last(day) and day.day == _nearest_weekday(day, wanted)
    numbers = frozenset(_range(part, field))
    return lambda day: day.day in numbers


def _nearest_weekday(day: date, wanted: int) -> int:
    """The day from Monday to Friday that is nearest to a day, in the same month."""
    weekday, last = date(day.year, day.month, wanted).weekday(), _last(day)
    if weekday == calendar.SATURDAY:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == calendar.SUNDAY:
        return wanted + 1 if wanted < last else wanted - 2
    return wanted


_ORDINAL: Final = re.compile(r"(\w+)#([1-5])")


def _days_of_week(written: str) -> Days:
    parts = written.split(",")
    if "#" in written and len(parts) > 1:
        _wrong(written, FIELDS[4], "with # it is one day alone")
    tests = [_day_of_week(part) for part in parts]
    return lambda day: any(test(day) for test in tests)


def _day_of_week(part: str) -> Days:
    field = FIELDS[4]
    if part == "L":
        return lambda day: _weekday(day) == field.high
    if found := _ORDINAL.fullmatch(part):
        wanted, week = _number(found[1], field, part), int(found[2])
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == week
    if part.endswith("L"):
        wanted = _number(part[:-1], field, part)
        return lambda day: _weekday(day) == wanted and day.day + 7 > _last(day)
    if "#" in part:
        _wrong(part, field, "# is followed by the week, 1 to 5: 3#2 is the second Tuesday")
    numbers = frozenset(_range(part, field))
    return lambda day: _weekday(day) in numbers


def _weekday(day: date) -> int:
    """1 is Sunday, 7 is Saturday."""
    return day.isoweekday() % 7 + 1
