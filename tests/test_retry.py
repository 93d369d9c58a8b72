"""Retry and Catch as pure functions: who takes an error, and how long a retrier waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.definition import Catcher, Retrier
from sfnbook.retry import base_delay, count_use, delay, first_match, matches

TAKEN = [
    (["E"], "E", True),
    (["E"], "e", False),
    (["E"], "EE", False),
    (["D", "E"], "E", True),
    (["States.ALL"], "E", True),
    (["States.ALL"], "States.Timeout", True),
    (["States.ALL"], "States.DataLimitExceeded", True),
    (["States.ALL"], "States.QueryEvaluationError", True),
    (["States.ALL"], None, True),
    (["States.ALL"], "States.Runtime", False),
    (["States.Runtime"], "States.Runtime", False),
    (["States.TaskFailed"], "States.Runtime", False),
    (["States.TaskFailed"], "E", True),
    (["States.TaskFailed"], "States.TaskFailed", True),
    (["States.TaskFailed"], "States.Permissions", True),
    (["States.TaskFailed"], "States.ExceedToleratedFailureThreshold", True),
    (["States.TaskFailed"], "States.Timeout", False),
    (["States.TaskFailed"], "States.HeartbeatTimeout", False),
    (["States.Timeout"], "States.Timeout", True),
    (["States.HeartbeatTimeout"], "States.Timeout", False),
    ([], "E", False),
]


@pytest.mark.parametrize(("error_equals", "error", "taken"), TAKEN, ids=str)
def test_matches(error_equals, error, taken):
    assert matches(error_equals, error) is taken


@pytest.mark.parametrize("name", ["States.Timeout", "States.HeartbeatTimeout", "States.ALL"])
def test_a_missed_heartbeat_has_two_names(name):
    assert matches([name], "States.Timeout", heartbeat=True)


def test_a_missed_heartbeat_is_no_task_failure():
    assert not matches(["States.TaskFailed"], "States.Timeout", heartbeat=True)


def test_the_first_entry_that_matches_decides():
    entries = [Retrier(error_equals=names) for names in (("D",), ("E",), ("E",), ("States.ALL",))]
    assert [first_match(entries, error) for error in ("D", "E", "F", "States.Runtime")] == [0, 1, 3, None]
    assert first_match([Catcher(error_equals=("E",), next="Z")], "D") is None
    assert first_match([], "E") is None


DELAYS = {
    "defaults": ({}, [1, 2, 4, 8]),
    "interval": ({"interval_seconds": 5}, [5, 10, 20, 40]),
    "rate": ({"interval_seconds": 2, "backoff_rate": 1.5}, [2, 3, 4.5, 6.75]),
    "rate 1": ({"interval_seconds": 7, "backoff_rate": 1}, [7, 7, 7, 7]),
    "bounded": ({"interval_seconds": 5, "max_delay_seconds": 12}, [5, 10, 12, 12]),
    "bounded from the start": ({"interval_seconds": 50, "max_delay_seconds": 12}, [12, 12, 12, 12]),
}


@pytest.mark.parametrize("case", DELAYS.values(), ids=list(DELAYS))
def test_base_delay(case):
    fields, delays = case
    retrier = Retrier(error_equals=("E",), **fields)
    assert [base_delay(retrier, used) for used in range(4)] == delays
    assert [delay(retrier, used, bits=12345) for used in range(4)] == delays


def test_a_back_off_that_overflows_ends_somewhere():
    retrier = Retrier(error_equals=("E",), interval_seconds=99_999_999, backoff_rate=1000)
    assert base_delay(retrier, 10_000) == base_delay(retrier, 9_999)
    assert base_delay(Retrier(error_equals=("E",), backoff_rate=1e300, max_delay_seconds=9), 9) == 9


JITTERED = Retrier(error_equals=("E",), interval_seconds=8, jitter_strategy="FULL")
bits = st.integers(0, 2**64 - 1)


@given(bits, st.integers(0, 20))
def test_full_jitter_is_between_nothing_and_the_base_delay(drawn, used):
    assert 0 <= delay(JITTERED, used, drawn) < base_delay(JITTERED, used)


@given(bits, bits)
def test_full_jitter_grows_with_the_draw(one, other):
    low, high = sorted((one, other))
    assert delay(JITTERED, 0, low) <= delay(JITTERED, 0, high)


def test_full_jitter_covers_the_whole_range_evenly():
    assert delay(JITTERED, 0, 0) == 0
    assert delay(JITTERED, 0, 2**63) == 4
    assert delay(JITTERED, 0, 2**64 - 1) == pytest.approx(8)


@given(st.lists(st.integers(0, 4), max_size=30))
def test_counters_count_each_retrier_by_itself(indices):
    used = ()
    for index in indices:
        used = count_use(used, index, 5)
    assert used == (tuple(indices.count(index) for index in range(5)) if indices else ())
