"""Rates, cron expressions and one-time schedules on the virtual clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import UsageError
from sfnbook.triggers import Schedule, cron
from tests.machines import load

ECHO = load({"A": {"Type": "Pass", "End": True}})


# --- cron ---------------------------------------------------------------------------------------------
CRONS: dict[str, tuple[str, str, list[str]]] = {
    "daily": ("0 10 * * ? *", "2025-01-01", ["01-01 10:00", "01-02 10:00"]),
    "a quarter past": ("15 12 * * ? *", "2025-01-01", ["01-01 12:15", "01-02 12:15"]),
    "weekdays": ("0 18 ? * MON-FRI *", "2025-01-03", ["01-03 18:00", "01-06 18:00"]),
    "first of the month": ("0 8 1 * ? *", "2025-01-02", ["02-01 08:00", "03-01 08:00"]),
    "every ten minutes": ("0/10 * ? * MON-FRI *", "2025-01-06", ["01-06 00:00", "01-06 00:10"]),
    "office hours": ("0/5 8-17 ? * MON-FRI *", "2025-01-06", ["01-06 08:00", "01-06 08:05"]),
    "from the first minute": ("1/10 * * * ? *", "2025-01-06", ["01-06 00:01", "01-06 00:11"]),
    "first Monday": ("0 9 ? * 2#1 *", "2025-01-01", ["01-06 09:00", "02-03 09:00"]),
    "last Friday": ("15 10 ? * 6L 2025-2026", "2025-01-01", ["01-31 10:15", "02-28 10:15"]),
    "last day": ("0 0 L * ? *", "2025-01-01", ["01-31 00:00", "02-28 00:00"]),
    "last day of the week": ("0 0 ? * L *", "2025-01-01", ["01-04 00:00", "01-11 00:00"]),
    "weekday nearest": ("0 0 1W * ? *", "2025-01-31", ["02-03 00:00", "03-03 00:00"]),
    "weekday before": ("0 0 15W * ? *", "2025-02-01", ["02-14 00:00", "03-14 00:00"]),
    "last weekday": ("0 0 LW * ? *", "2025-05-01", ["05-30 00:00", "06-30 00:00"]),
    "months by name": ("0 0 1 JAN,jul ? *", "2025-01-02", ["07-01 00:00", "01-01 00:00"]),
    "over midnight": ("0 22-1 ? * MON *", "2025-01-06", ["01-06 00:00", "01-06 01:00", "01-06 22:00"]),
    "leap day": ("0 0 29 2 ? *", "2025-01-01", ["02-29 00:00", "02-29 00:00"]),
}


@pytest.mark.parametrize(("written", "begin", "due"), CRONS.values(), ids=CRONS)
def test_cron(written, begin, due):
    schedule = Schedule(f"cron({written})")
    found = schedule.instants(f"{begin}T00:00:00Z")
    assert [next(found).strftime("%m-%d %H:%M") for _ in due] == due


BAD_SCHEDULES = {
    "every 5 minutes": "is no schedule. Write rate(5 minutes)",
    "rate(5 minute)": "Write rate(5 minutes).",
    "rate(1 minutes)": "Write rate(1 minute).",
    "rate(0 minutes)": "is no rate",
    "rate(5 weeks)": "is no rate",
    "cron(0 10 * * *)": "has 5 fields. EventBridge has six",
    "cron(0 10 * * * *)": "One of day-of-month and day-of-week must be ?",
    "cron(0 10 ? * ? *)": "One of day-of-month and day-of-week must be ?",
    "cron(60 10 * * ? *)": "'60' is no minutes of a cron expression: numbers are 0 to 59.",
    "cron(0 10 ? * MOON *)": "numbers are 1 to 7, or SUN, MON",
    "cron(0 10 ? * 0 *)": "'0' is no day-of-week",
    "cron(0/0 10 * * ? *)": "after / comes a whole number of at least 1",
    "cron(0 0 ? * 3#6 *)": "# is followed by the week",
    "cron(0 0 ? * 3#1,6#3 *)": "with # it is one day alone",
    "at(tomorrow)": "is no time. Write at(2025-01-31T09:00:00)",
    "at(2025-02-30T09:00:00)": "is no time",
}


@pytest.mark.parametrize(("written", "says"), BAD_SCHEDULES.items(), ids=BAD_SCHEDULES)
def test_what_is_no_schedule(written, says):
    with pytest.raises(UsageError) as refused:
        Schedule(written)
    assert says in str(refused.value)


def numbers(field: cron.Field) -> st.SearchStrategy[str]:
    one = st.integers(field.low, field.high)
    spans = st.tuples(one, one).map(lambda pair: f"{pair[0]}-{pair[1]}")
    steps = st.tuples(one, st.integers(1, 20)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    return st.lists(st.just("*") | one.map(str) | spans | steps, min_size=1, max_size=3).map(",".join)


DAYS = st.sampled_from(["?", "L", "LW", "15W", "1,31", "*"]) | numbers(cron.FIELDS[2])
WEEKDAYS = st.sampled_from(["L", "6L", "3#2", "MON-FRI", "*"]) | numbers(cron.FIELDS[4])


@given(
    minutes=numbers(cron.FIELDS[0]),
    hours=numbers(cron.FIELDS[1]),
    days=DAYS,
    weekdays=WEEKDAYS,
    months=numbers(cron.FIELDS[3]),
    begin=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - made aware below
    zone=st.sampled_from([None, "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_instants_increase_stay_in_the_window_and_match_the_fields(
    minutes, hours, days, weekdays, months, begin, zone
):
    written = f"{minutes} {hours} {days} {months} {weekdays if days == '?' else '?'} *"
    parsed, schedule = cron.parse(written), Schedule(f"cron({written})", timezone=zone)
    begin = begin.replace(tzinfo=UTC)
    end = begin + timedelta(days=40)
    due = []
    for one in schedule.instants(begin, end):
        due.append(one)
        if len(due) == 100:
            break
    assert due == sorted(set(due))
    for one in due:
        local = one.astimezone(schedule.zone)
        assert begin <= one < end
        assert (local.minute in parsed.minutes, local.hour in parsed.hours) == (True, True)
        assert parsed.on(local.date())
        assert (local.second, local.microsecond) == (0, 0)


@given(day=st.dates(date(2024, 1, 1), date(2028, 12, 31)), wanted=st.integers(1, 31))
def test_the_nearest_weekday_is_one_day_of_the_month_at_most_two_days_away(day, wanted):
    month = [
        one for one in (day.replace(day=1) + timedelta(days=n) for n in range(31)) if one.month == day.month
    ]
    found = [one for one in month if cron.parse(f"0 0 {wanted}W * ? *").on(one)]
    assert len(found) == (wanted <= len(month))
    assert all(one.weekday() < 5 and abs(one.day - wanted) <= 2 for one in found)


# --- schedules ----------------------------------------------------------------------------------------
def test_a_rule_s_schedule_sends_the_scheduled_event():
    (run,) = Schedule("rate(1 day)", name="daily").executions(
        ECHO, "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"
    )
    assert (run.input["source"], run.input["detail-type"]) == ("aws.events", "Scheduled Event")
    assert run.input["time"] == "2025-01-01T00:00:00Z"
    assert run.input["resources"] == ["arn:aws:events:us-east-1:111122223333:rule/daily"]


def test_each_execution_has_its_time_its_name_and_its_chance():
    draws = load({"A": {"Type": "Pass", "Parameters": {"n.$": "States.UUID()"}, "End": True}})
    runs = Schedule("rate(12 hours)", input={}).executions(
        draws, "2025-01-01T00:00:00Z", "2025-01-02T12:00:00Z"
    )
    assert [str(run.now)[8:13] for run in runs] == ["01 00", "01 12", "02 00"]
    assert len({run.name for run in runs}) == len({run.result()["n"] for run in runs}) == 3
    again = Schedule("rate(12 hours)", input={}).executions(
        draws, "2025-01-01T00:00:00Z", "2025-01-02T12:00:00Z"
    )
    assert [run.result() for run in again] == [run.result() for run in runs]


def test_scheduler_has_time_zones_and_its_own_attributes():
    given = {"due": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}
    schedule = Schedule("cron(0 9 * * ? *)", name="wake", timezone="Europe/Berlin", input=given)
    runs = schedule.executions(ECHO, "2025-03-29T00:00:00Z", "2025-03-31T00:00:00Z")
    assert [run.input["due"] for run in runs] == ["2025-03-29T08:00:00Z", "2025-03-30T07:00:00Z"]
    assert runs[0].input["by"] == "arn:aws:scheduler:us-east-1:111122223333:schedule/default/wake"
    assert "in Europe/Berlin" in runs[0].step().why.text


def test_a_time_that_a_zone_skips_is_skipped_and_one_that_it_repeats_counts_once():
    night = Schedule("cron(30 2 * * ? *)", timezone="Europe/Berlin")
    spring = [*night.instants("2025-03-29T00:00:00Z", "2025-03-31T12:00:00Z")]
    assert [one.isoformat()[:16] for one in spring] == ["2025-03-29T01:30", "2025-03-31T00:30"]
    autumn = [*night.instants("2025-10-25T12:00:00Z", "2025-10-27T00:00:00Z")]
    assert [one.isoformat()[:16] for one in autumn] == ["2025-10-26T00:30"]


def test_at_happens_once():
    once = Schedule("at(2025-06-01T12:00:00)", timezone="America/New_York", input=1)
    assert [run.now.hour for run in once.executions(ECHO, 0, "2026-01-01T00:00:00Z")] == [16]
    assert once.executions(ECHO, "2025-06-02T00:00:00Z", "2026-01-01T00:00:00Z") == []
    with pytest.raises(UsageError, match="is never due after"):
        once.debug(ECHO, "2025-06-02T00:00:00Z")


def test_a_debugger_stands_at_the_next_time():
    debugger = Schedule("rate(1 hour)", name="hourly").debug(ECHO, "2025-01-01T05:00:00Z")
    assert debugger.step().why.text.startswith(
        "Started by schedule 'hourly', rate(1 hour): due at 2025-01-01T05:00"
    )


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Schedule("rate(1 day)", timezone="Mars/Olympus"), "is no time zone"),
        (lambda: Schedule("at(2025-01-01T00:00:00)", input_path="$.time"), "Scheduler has no event"),
        (lambda: Schedule("rate(1 minute)").executions(ECHO, 0, 10**7), "due more than 10,000 times"),
        (lambda: Schedule("rate(1 minute)").executions(ECHO, 10, 0), "before it begins"),
        (
            lambda: Schedule("rate(1 minute)").at(0).execution({"StartAt": "A"}),
            "A trigger starts a StateMachine",
        ),
    ],
)
def test_what_a_schedule_refuses(make, says):
    with pytest.raises(UsageError) as refused:
        make()
    assert says in str(refused.value)
