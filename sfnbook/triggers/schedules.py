"""Schedules: an EventBridge scheduled rule, or a schedule of EventBridge Scheduler, on the virtual clock.

    rate(5 minutes)    cron(0 18 ? * MON-FRI *)    at(2025-01-31T09:00:00)

A rule runs in UTC and sends a Scheduled Event; Scheduler has time zones and one-time schedules, and
sends its constant input.  A wall-clock time that a zone skips is skipped, one that it has twice counts once.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sfnbook import chance
from sfnbook.clock import EPOCH, instant, iso, start_instant
from sfnbook.frames import StartedBy
from sfnbook.triggers import cron
from sfnbook.triggers.rules import event
from sfnbook.triggers.starts import ACCOUNT, REGION, Start, refuse
from sfnbook.triggers.transforms import Transform, filled
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sfnbook.debugger import Debugger
    from sfnbook.execution import Execution
    from sfnbook.machine import StateMachine

SCHEDULES: Final = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default"

MOST: Final = 10_000
"""So many executions are made of one window at most."""

UNITS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_EXPRESSION: Final = re.compile(r"(rate|cron|at)\((.*)\)")
_RATE: Final = re.compile(r"(\d+) (minute|hour|day)(s?)")
_AT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")


class Schedule:
    """Starts a state machine at a rate, at the times of a cron expression, or once.

    With a ``timezone``, or ``at(...)``, it is one of EventBridge Scheduler, whose input is the constant
    ``input`` (``{}`` if none is given); else a scheduled rule, whose input is the Scheduled Event
    unless ``input``, ``input_path`` or ``input_transformer`` says otherwise.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> nightly = Schedule("cron(0 2 * * ? *)", name="nightly", input={"full": True})
    >>> runs = nightly.executions(machine, "2025-01-01T00:00:00Z", "2025-01-04T00:00:00Z")
    >>> [str(run.now)[:16] for run in runs]
    ['2025-01-01 02:00', '2025-01-02 02:00', '2025-01-03 02:00']
    >>> print(runs[0].step().why)
    Started by schedule 'nightly', cron(0 2 * * ? *): due at 2025-01-01T02:00:00Z; the input is a constant.
    """

    def __init__(
        self,
        expression: str,
        *,
        name: str = "schedule",
        timezone: str | None = None,
        input: Json = None,  # noqa: A002 - the API's word
        input_path: str | None = None,
        input_transformer: dict[str, Any] | None = None,
    ) -> None:
        found = _EXPRESSION.fullmatch(str(expression))
        if found is None:
            refuse(
                f"{expression!r} is no schedule.",
                "Write rate(5 minutes), cron(0 18 ? * MON-FRI *) or at(...).",
            )
        kind, inside = found.groups()
        self.expression, self.name = expression, name
        self.zone = _zone(timezone)
        self.of_scheduler = timezone is not None or kind == "at"
        if self.of_scheduler and (input_path or input_transformer):
            refuse(
                "EventBridge Scheduler has no event to read.",
                "Give input=, without a timezone, or none of these.",
            )
        self._transform = Transform(input, input_path, input_transformer)
        self._instants = KINDS[kind](inside, self.zone)

    def instants(self, begin: Any, end: Any = None) -> Iterator[datetime]:
        """When it is due, from ``begin`` on and before ``end``, in UTC; both as ``start_time`` takes them.

        A rate counts from ``begin``.

        >>> [str(one.time()) for one in Schedule("rate(20 minutes)").instants(0, 3600)]
        ['00:00:00', '00:20:00', '00:40:00']
        """
        first = instant(start_instant(begin))
        last = None if end is None else instant(start_instant(end))
        if last is not None and last < first:
            refuse(
                f"The window ends at {end!r} before it begins at {begin!r}.", "Give the earlier one first."
            )
        for one in self._instants(first):
            if last is not None and one >= last:
                return
            yield one

    def at(self, moment: Any) -> Start:
        """What it starts when it is due."""
        micros = start_instant(moment)
        due = iso(micros)
        name = chance.uuid_text(chance.combine(chance.digest(self.name), chance.digest(due)))
        if self.of_scheduler:
            given, origin, came = self._by_scheduler(due, name), "the input is a constant", None
        else:
            came = event(
                "aws.events",
                "Scheduled Event",
                time=due,
                resources=[f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{self.name}"],
            )
            given, origin = self._transform.of(
                came, {"aws.events.event.json": came, "aws.events.event": came}
            )
        words = (
            f"Started by schedule {self.name!r}, {self.expression}{self._where()}: due at {due}; {origin}."
        )
        return Start(given, StartedBy("schedule", words, (), came), due, name)

    def _where(self) -> str:
        return "" if self.zone is UTC else f" in {self.zone}"

    def _by_scheduler(self, due: str, name: str) -> Json:
        """The constant input, with the attributes of this run in it."""
        if self._transform.constant is None:
            return {}
        written = text(self._transform.constant)
        if "<aws.scheduler." not in written:
            return self._transform.constant
        attributes = {
            "aws.scheduler.schedule-arn": f"{SCHEDULES}/{self.name}",
            "aws.scheduler.scheduled-time": due,
            "aws.scheduler.execution-id": name,
            "aws.scheduler.attempt-number": "1",
        }
        return filled(written, attributes)

    def executions(self, machine: StateMachine, begin: Any, end: Any, **options: Any) -> list[Execution]:
        """An execution for each time that it is due in a window, each starting then, none run yet.

        ``options`` are those of `StateMachine.start`; each execution draws other numbers of ``seed``.
        """
        due = list(islice(self.instants(begin, end), MOST + 1))
        if len(due) > MOST:
            refuse(
                f"{self.expression} is due more than {MOST:,} times in this window.", "Give a shorter one."
            )
        seed = options.pop("seed", 0)
        return [
            self.at(one).execution(
                machine, seed=chance.combine(seed, (one - EPOCH) // _MICROSECOND), **options
            )
            for one in due
        ]

    def debug(self, machine: StateMachine, begin: Any = None, **options: Any) -> Debugger:
        """A debugger on the next execution from ``begin`` on."""
        moment = next(self.instants(begin), None)
        if moment is None:
            refuse(f"{self.expression} is never due after {begin!r}.", "Look at its last field, the year.")
        return self.at(moment).debugger(machine, **options)

    def __repr__(self) -> str:
        return f"Schedule({self.expression!r}, name={self.name!r})"


_MICROSECOND: Final = timedelta(microseconds=1)


def _zone(name: str | None) -> Any:
    if name is None or name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        refuse(f"timezone={name!r} is no time zone.", "Write one such as 'Europe/Berlin'.")


# --- the kinds --------------------------------------------------------------------------------------
def _rate(written: str, _zone: Any) -> Callable[[datetime], Iterator[datetime]]:
    found = _RATE.fullmatch(written)
    if found is None or int(found[1]) == 0:
        refuse(f"rate({written}) is no rate.", "Write rate(1 minute), rate(12 hours) or rate(7 days).")
    number = int(found[1])
    if (number == 1) is bool(found[3]):
        meant = found[2] if number == 1 else f"{found[2]}s"
        refuse(f"rate({written}) is refused by EventBridge.", f"Write rate({number} {meant}).")
    step = number * UNITS[found[2]]

    def instants(first: datetime) -> Iterator[datetime]:
        while True:
            yield first
            first += step

    return instants


def _at(written: str, zone: Any) -> Callable[[datetime], Iterator[datetime]]:
    try:
        moment = datetime.fromisoformat(written).replace(tzinfo=zone) if _AT.fullmatch(written) else None
    except ValueError:
        moment = None
    if moment is None:
        refuse(f"at({written}) is no time.", "Write at(2025-01-31T09:00:00); the zone is given by timezone=.")
    due = moment.astimezone(UTC)
    return lambda first: iter((due,) if due >= first else ())


def _cron(written: str, zone: Any) -> Callable[[datetime], Iterator[datetime]]:
    parsed = cron.parse(written)

    def instants(first: datetime) -> Iterator[datetime]:
        # The zone may be a day ahead or behind.
        day, last = (first.astimezone(zone) - timedelta(days=1)).date(), max(parsed.years)
        before = first - _MICROSECOND
        while day.year <= last:
            if parsed.on(day):
                for due in _of_day(day, parsed, zone):
                    if due > before:
                        yield due
                        before = due
            day = _next_day(day, parsed)

    return instants


def _next_day(day: date, parsed: cron.Cron) -> date:
    """The next day that can be due: months and years that cannot are passed over."""
    if day.year not in parsed.years:
        return date(day.year + 1, 1, 1)
    if day.month not in parsed.months:
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day + timedelta(days=1)


def _of_day(day: date, parsed: cron.Cron, zone: Any) -> Iterator[datetime]:
    for hour in parsed.hours:
        for minute in parsed.minutes:
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
            due = local.astimezone(UTC)
            # A time that the zone skips comes back as another one.
            if due.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                yield due


KINDS: Final[dict[str, Callable[[str, Any], Callable[[datetime], Iterator[datetime]]]]] = {
    "at": _at,
    "cron": _cron,
    "rate": _rate,
}
"""What stands before the bracket: from the text inside to the instants from a moment on."""
