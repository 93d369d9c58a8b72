"""Tolerated failures: the numbers that AWS takes and refuses, and when a run has had enough."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import tolerance
from sfnbook.errors import RUNTIME, Failed

CASES = Path(__file__).resolve().parents[1] / "../shared/conformance/cases/execution"
PREFIX = re.compile(r"An error occurred while executing the state '.*' \(entered at the event id #\d+\)\. ")

READERS = {
    "ToleratedFailureCountPath": tolerance.failure_count,
    "ToleratedFailurePercentagePath": tolerance.failure_percentage,
    "MaxConcurrencyPath": lambda value, path: tolerance.integer(value, "MaxConcurrencyPath", path),
}


def recorded():
    for path in sorted(CASES.glob("scenarios/*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        states = case["definition"].get("States", {}) if isinstance(case.get("definition"), dict) else {}
        for state in states.values():
            for field in READERS.keys() & state.keys():
                yield pytest.param(case, field, state[field], id=case["id"].rpartition("/")[2])


@pytest.mark.skipif(not CASES.is_dir(), reason="the recorded cases are not here")
def test_there_are_recorded_cases():
    assert len(list(recorded())) > 8


@pytest.mark.parametrize(("case", "field", "path"), list(recorded()))
def test_recorded(case, field, path):
    value = case["input"][path[2:]]
    if case["expect"]["status"] == "SUCCEEDED":
        assert READERS[field](value, path) == value
    else:
        with pytest.raises(Failed) as caught:
            READERS[field](value, path)
        assert (caught.value.error, caught.value.prefixed) == (case["expect"]["error"], True)
        assert caught.value.cause == PREFIX.sub("", case["expect"]["cause"])


@pytest.mark.parametrize(("value", "number"), [(7, 7), ("7", 7), ("+7", 7), ("-7", -7), ("007", 7), (0, 0)])
def test_whole_numbers(value, number):
    assert tolerance.integer(value, "MaxItemsPath", "$.n") == number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("many", "many"),
        ("", ""),
        (" 7", " 7"),
        ("7.0", "7.0"),
        ("1_000", "1_000"),
        ("٧", "٧"),
        (1.5, "1.5"),
        (2.0, "2.0"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({"a": 1}, '{"a":1}'),
    ],
)
def test_what_is_no_whole_number(value, shown):
    with pytest.raises(Failed) as caught:
        tolerance.integer(value, "MaxItemsPath", "$.n")
    assert caught.value.error == RUNTIME
    assert (
        caught.value.cause
        == f'The MaxItemsPath field refers to value "{shown}" which is not a valid integer: $.n'
    )


def test_a_literal_may_be_a_whole_float():
    assert tolerance.integer(2.0, "MaxItems") == 2
    with pytest.raises(Failed, match="MaxItems field has the value"):
        tolerance.integer(2.5, "MaxItems")


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1.0), (0.5, 0.5), ("12.5", 12.5), (".5", 0.5), ("1e1", 10.0)]
)
def test_percentages(value, number):
    assert tolerance.failure_percentage(value, "$.p") == number


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "", "x", None, False, {}, []], ids=repr)
def test_what_is_no_percentage(value):
    with pytest.raises(Failed, match=r"ToleratedFailurePercentagePath .* is not a valid float: \$\.p"):
        tolerance.failure_percentage(value, "$.p")


@pytest.mark.parametrize("value", [-0.1, 100.1, "101"])
def test_percentages_out_of_range(value):
    with pytest.raises(Failed, match="ToleratedFailurePercentage must be between 0 and 100"):
        tolerance.failure_percentage(value)


@pytest.mark.parametrize(
    ("failed", "total", "count", "percentage", "over"),
    [
        (0, 10, 0, 0, False),
        (1, 10, 0, 0, True),
        (1, 10, 1, 0, False),
        (2, 10, 1, 0, True),
        (1, 10, 0, 10, False),
        (2, 10, 0, 10, True),
        (1, 3, 0, 33.3, True),
        (1, 3, 0, 33.4, False),
        (3, 10, 5, 20, True),
        (3, 10, 2, 50, True),
        (2, 10, 2, 20, False),
        (10, 10, 0, 100, False),
        (0, 0, 0, 0, False),
        (0, 0, 0, 50, False),
    ],
)
def test_exceeded(failed, total, count, percentage, over):
    assert tolerance.exceeded(failed, total, count, percentage) is over


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 20), st.floats(0, 100))
def test_one_more_failure_never_helps(failed, succeeded, count, percentage):
    total = failed + succeeded + 1
    before = tolerance.exceeded(failed, total, count, percentage)
    assert tolerance.exceeded(failed + 1, total, count, percentage) >= before
    assert not tolerance.exceeded(0, total, count, percentage)
