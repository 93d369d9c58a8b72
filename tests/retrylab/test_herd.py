"""A herd: what many clients do to one service."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook.errors import UsageError
from sfnbook.retrylab import at_random, from_map
from sfnbook.retrylab.load import BINS, Load
from sfnbook.retrylab.pictures import load_charts
from sfnbook.retrylab.service import Desk
from sfnbook.tasks import exponential, normal, uniform

if TYPE_CHECKING:
    from sfnbook.retrylab.herd import Herd

BUSY = {"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 9}
FULL = {**BUSY, "JitterStrategy": "FULL"}


def herd(policies: dict[str, Any], **options: Any) -> Herd:
    return sfnbook.herd(policies, **{"clients": 20, "runs": 5, "progress": False, **options})


def column(made: Herd, name: str) -> list[Any]:
    return made.table().column(name)


# --- the published simulation -----------------------------------------------------------------------
# Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: one row under optimistic
# locking, messages of |normal(10, 2)|, delays of min(2000, 5 * 2^n).
PUBLISHED = {**BUSY, "ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "BackoffRate": 2,
             "MaxDelaySeconds": 2000, "MaxAttempts": 99_999_999}  # fmt: skip
RIVALS: dict[str, Any] = {
    "none": "immediately",
    "exponential": PUBLISHED,
    "full jitter": {**PUBLISHED, "JitterStrategy": "FULL"},
}
WRITES_AND_TIME = {"none": (2420, 2030), "exponential": (1860, 63_700), "full jitter": (796, 4920)}
ROW = sfnbook.Service(locking=True, seconds=normal(10, 2))


def test_the_published_simulation_of_100_clients_is_reproduced() -> None:
    made = herd(RIVALS, service=ROW, clients=100, runs=400)
    for name, writes, time in zip(RIVALS, column(made, "calls"), column(made, "done_seconds"), strict=True):
        assert (writes, time) == pytest.approx(WRITES_AND_TIME[name], rel=0.03), name


def test_the_published_simulation_of_50_clients_is_reproduced() -> None:
    policies = {name: RIVALS[name] for name in ("exponential", "full jitter")}
    made = herd(policies, service=ROW, clients=50, runs=400)
    assert column(made, "calls") == pytest.approx([623, 333], rel=0.03)


# --- capacities that can be counted by hand -----------------------------------------------------------
def test_without_a_limit_every_client_calls_once() -> None:
    made = herd({"any": BUSY}, service=sfnbook.Service(seconds=2))
    (row,) = made.table()
    assert (row["calls"], row["wasted"], row["done_seconds"], row["succeeded"]) == (20, 0, 2, 1)


def test_a_service_takes_so_many_at_once() -> None:
    made = herd({"none": []}, service=sfnbook.Service(concurrency=5, seconds=1))
    (row,) = made.table()
    assert (row["calls"], row["wasted"], row["succeeded"], row["peak_in_progress"]) == (20, 15, 0.25, 5)


def test_a_burst_is_taken_and_then_the_rate() -> None:
    # 5 at once; after 1 s two more have room, after 1 + 2 s four more, after 1 + 2 + 4 s all the others.
    made = herd({"plain": BUSY}, service=sfnbook.Service(rate=2, burst=5, seconds=0))
    assert column(made, "calls") == [20 + 15 + 13 + 9 + 4]
    assert column(made, "done_seconds") == [15]


def test_an_outage_refuses_whoever_comes_in_it() -> None:
    made = herd({"plain": BUSY}, service=sfnbook.Service(outages=[(0, 5)], seconds=0))
    assert (column(made, "calls"), column(made, "done_seconds")) == ([20 * 4], [7])


def test_a_slow_service_goes_on_with_calls_that_nobody_waits_for() -> None:
    slow = sfnbook.Service(concurrency=10, seconds=8)
    impatient = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    made = herd({"impatient": impatient}, service=slow, clients=10, timeout_seconds=5)
    (row,) = made.table()
    # All ten places are still taken at 6 s, when the ten come back.
    assert (row["calls"], row["wasted"], row["succeeded"]) == (20, 20, 0)


def test_a_share_of_the_calls_fails_after_its_time() -> None:
    service = sfnbook.Service(seconds=2, failure_rate=0.25)
    made = herd({"none": [], "plain": BUSY}, service=service, clients=400, runs=20)
    none, plain = made.table()
    assert (none["done_seconds"], none["succeeded"]) == (2, pytest.approx(0.75, abs=0.02))
    assert plain["calls"] == pytest.approx(400 / 0.75, rel=0.02)
    assert plain["succeeded"] == 1
    row = sfnbook.Service(locking=True, seconds=1, failure_rate=1)
    assert column(herd({"none": []}, service=row, clients=1), "succeeded") == [0]


def test_latency_grows_with_the_load() -> None:
    made = herd({"none": []}, service=sfnbook.Service(seconds=1, slowdown=0.5), clients=3)
    assert column(made, "done_seconds") == [2]
    made = herd({"none": []}, service=sfnbook.Service(seconds=1, slowdown=lambda calls: calls**2), clients=3)
    assert column(made, "done_seconds") == [9]


# --- arrivals -----------------------------------------------------------------------------------------
def test_a_map_starts_the_next_item_when_one_has_ended() -> None:
    service = sfnbook.Service(concurrency=4, seconds=1)
    made = herd({"retry": BUSY, "map": ([], from_map(4))}, service=service)
    retry, rival = made.table()
    assert (rival["wasted"], rival["done_seconds"], rival["peak_in_progress"]) == (0, 5, 4)
    assert retry["wasted"] > 0


def test_clients_that_come_at_random_come_so_many_a_second() -> None:
    made = herd({"none": []}, service=sfnbook.Service(seconds=0), arrivals=at_random(4), clients=400, runs=20)
    assert column(made, "done_seconds") == [pytest.approx(100, rel=0.05)]


def test_calls_that_find_no_place_are_as_many_as_erlang_says() -> None:
    # Poisson arrivals, places without a queue: Erlang's formula B for an offered load of 4 * 0.5.
    load, places = 2.0, 3
    terms = [load**number / math.factorial(number) for number in range(places + 1)]
    service = sfnbook.Service(concurrency=places, seconds=exponential(0.5))
    made = herd({"none": []}, service=service, arrivals=at_random(4), clients=2_000, runs=20)
    assert column(made, "wasted") == [pytest.approx(2_000 * terms[-1] / sum(terms), rel=0.03)]


def test_all_policies_meet_the_same_arrivals() -> None:
    service = sfnbook.Service(rate=3, seconds=uniform(0, 1))
    alone = herd({"full": FULL}, service=service, arrivals=at_random(5))
    beside = herd({"other": BUSY, "full": FULL}, service=service, arrivals=at_random(5))
    assert alone.table()[0] == beside.table()[1]


# --- what it says -------------------------------------------------------------------------------------
def test_a_policy_that_does_not_know_the_error_is_told_first() -> None:
    wrong = [{"ErrorEquals": ["Lambda.TooManyRequests"]}]
    made = herd({"wrong": wrong, "right": BUSY, "none": []}, service=sfnbook.Service(rate=1))
    (warning,) = made.warnings
    assert warning.startswith("'wrong' has no retrier for Lambda.TooManyRequestsException")
    assert repr(made).startswith(warning)


@pytest.mark.parametrize(
    ("service", "told"),
    [
        ({"seconds": 0.1, "rate": 9}, False),
        ({"seconds": 6}, True),
        ({"seconds": 1, "slowdown": 0.1}, True),
        ({"seconds": uniform(0, 1)}, True),
        ({"seconds": 6, "locking": True, "error": "Lambda.TooManyRequestsException"}, False),
    ],
)
def test_a_timeout_is_told_of_where_it_can_strike(service: dict[str, Any], told: bool) -> None:
    made = herd({"it": [BUSY]}, service=sfnbook.Service(**service), timeout_seconds=5, clients=2)
    assert any("States.Timeout" in warning for warning in made.warnings) == told


def test_jitter_spreads_the_load() -> None:
    made = herd(
        {"plain": BUSY, "full": FULL}, service=sfnbook.Service(concurrency=3, seconds=0.5), clients=60
    )
    plain, full = made.table()
    assert full["wasted"] < plain["wasted"]
    assert full["done_seconds"] < plain["done_seconds"]


def test_a_policy_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfnbook.retrylab.stampede.MOST_CALLS", 100)
    made = herd({"none": "immediately"}, service=sfnbook.Service(outages=[(0, 1e9)]), clients=3, runs=1)
    assert (column(made, "calls"), column(made, "succeeded")) == ([100], [0])


def test_an_interrupt_gives_what_is_done_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    from sfnbook.retrylab import herd as module

    def interrupted(self: Any, count: int) -> None:
        if count == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(module.Bar, "done", interrupted)
    assert herd({"a": BUSY, "b": FULL}, service=sfnbook.Service(rate=2), runs=50).runs == 3


def test_it_shows_itself_and_escapes_names() -> None:
    made = herd({"<b>bold</b>": BUSY}, service=sfnbook.Service(rate=5, concurrency=3))
    bundle = made._repr_mimebundle_()
    assert "<b>bold" not in bundle["text/html"]
    assert "&lt;b&gt;bold" in bundle["text/html"]
    assert made.plot().axes[0].get_title(loc="left").startswith("<b>bold</b>")
    assert "5 calls a second" in bundle["text/plain"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"clients": 0}, "clients=0"),
        ({"runs": True}, "runs=True"),
        ({"arrivals": "soon"}, "arrivals='soon'"),
        ({"seed": "x"}, "seed='x'"),
        ({"service": 5}, "service=5"),
        ({"timeout_seconds": 0.5}, "timeout_seconds=0.5"),
        ({"policies": {}}, "policies by name"),
        ({"policies": {"x": 5}}, "5 is no retry policy"),
    ],
)
def test_misuse_is_told(given: dict[str, Any], said: str) -> None:
    given = {"policies": {"a": BUSY}, "service": sfnbook.Service(rate=1), "clients": 2, **given}
    with pytest.raises(UsageError, match=said):
        sfnbook.herd(given.pop("policies"), **given)


@pytest.mark.parametrize(
    "given",
    [
        {"rate": 0},
        {"concurrency": -1},
        {"seconds": -1},
        {"seconds": "1"},
        {"seconds": float("inf")},
        {"rate": float("inf")},
        {"concurrency": 2.5},
        {"rate": 1, "burst": 0.5},
        {"burst": 3},
        {"error": 3},
        {"locking": 1},
        {"failure_rate": 1.5},
        {"slowdown": -0.1},
        {"outages": [(5, 2)]},
        {"outages": "never"},
        {"locking": True, "rate": 2},
    ],
)
def test_a_service_that_cannot_be_is_told(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"Service\("):
        sfnbook.Service(**given)


def test_the_peak_is_of_a_second_however_long_a_run_is() -> None:
    patient = {**BUSY, "IntervalSeconds": 600}
    made = herd({"none": [], "plain": BUSY, "patient": patient}, service=sfnbook.Service(rate=2, burst=5))
    assert column(made, "peak_per_second") == [20, 20, 20]


def test_loads_are_drawn_in_the_same_bins_on_one_clock() -> None:
    service = sfnbook.Service(rate=10, seconds=0.1)
    made = herd({"none": [], "plain": BUSY, "full": FULL}, service=service, clients=50)
    assert len({made.trials[name].load.width for name in made.trials}) > 1
    charts = load_charts(made)
    assert len({chart.x for chart in charts}) == 1
    for chart in charts[:2]:  # 50 calls in the first second, of which ten are served
        every, served = chart.marks[:2]
        assert (every.points[0], served.points[0]) == ((0, 50), (0, 10))


# --- laws ---------------------------------------------------------------------------------------------
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.booleans(), st.integers(0, 9)), max_size=50),
    st.lists(st.tuples(st.integers(0, 10**9), st.booleans(), st.integers(0, 9)), max_size=50),
)
def test_loads_that_are_merged_are_as_if_counted_together(one: Any, other: Any) -> None:
    def counted(calls: Any) -> Load:
        load = Load()
        for now, served, in_progress in calls:
            load.call(now, served=served, in_progress=in_progress)
        return load

    together, merged = counted([*one, *other]), counted(one)
    merged.merge(counted(other))
    assert merged.bins() == together.bins()
    assert len(together.bins()) <= BINS


@given(st.lists(st.integers(0, 2_000_000), max_size=60), st.floats(0.1, 20), st.floats(1, 20))
def test_a_service_never_takes_more_than_its_burst_and_its_rate(
    gaps: list[int], rate: float, burst: float
) -> None:
    desk, now, taken = Desk(sfnbook.Service(rate=rate, burst=burst)), 0, 0
    for gap in gaps:
        now += gap
        taken += desk.takes(now)
    assert taken <= burst + rate * now / 1_000_000 + 1e-6
