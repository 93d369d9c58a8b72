"""Choice rules: every recorded branch, the operators' laws, the rules in words, and their checks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.errors import RUNTIME, Failed
from sfnbook.query import choice
from sfnbook.query.environment import Environment
from tests.naming import named

MISSING = "Invalid path '{}': The choice state's condition path references an invalid value."
SHARED = (Path(__file__).resolve().parents[1] / "../shared").resolve()


def environment(**variables):
    return Environment(variables, lambda: {"State": {"Name": "S"}}, lambda _purpose: 0, 0)


def decide(rule, value, **variables):
    return choice.compile_rule(rule)(value, environment(**variables))


def compare(name, left, right):
    return decide({"Variable": "$.l", name: right}, {"l": left})


def recorded():
    folder = SHARED / "conformance/cases/execution/choice_operators"
    return [json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))]


def test_there_are_recordings():
    assert not SHARED.exists() or len(recorded()) > 250


@pytest.mark.parametrize("case", recorded(), ids=lambda case: case["id"])
def test_recorded(case):
    states = case["definition"]["States"]
    state = states[case["definition"]["StartAt"]]
    taken = (rule["Next"] for rule in state["Choices"] if decide(rule, case["input"]))
    assert states[next(taken, state["Default"])]["Result"] == case["expect"]["output"]
    for rule in state["Choices"]:
        assert choice.explain_rule(rule, case["input"], environment()).outcome == decide(rule, case["input"])


def test_there_are_39_operators():
    assert len(choice.OPERATORS) == 39


@pytest.mark.parametrize(
    ("name", "left", "right", "outcome"),
    [
        ("NumericEquals", 0, 0.0, True),
        ("NumericEquals", True, 1, False),
        ("NumericEquals", "1", 1, False),
        ("NumericLessThan", 2**60, 2**60 + 1, True),
        ("StringEquals", "a", "a", True),
        ("StringEquals", 1, "1", False),
        ("StringLessThan", "\uffff", "\U0001f600", False),
        ("StringGreaterThanEquals", "b", "a", True),
        ("BooleanEquals", 0, False, False),
        ("BooleanEquals", False, False, True),
        ("TimestampEquals", "2012-10-09T19:00:55Z", "2012-10-09T20:00:55.000+01:00", True),
        ("TimestampLessThan", "2012-10-09T19:00:55.000000001Z", "2012-10-09T19:00:55.000000002Z", True),
        ("TimestampEquals", "2012-10-09 19:00:55Z", "2012-10-09T19:00:55Z", False),
        ("IsTimestamp", "2023-02-24", True, False),
        ("IsTimestamp", "2023-02-24T12:15:56", False, True),
        ("IsTimestamp", "2023-02-30T12:15:56Z", True, False),
        ("IsTimestamp", "2023-02-24t12:15:56z", True, False),
        ("IsNumeric", True, True, False),
        ("IsNumeric", 1.5, True, True),
        ("IsNull", None, True, True),
        ("IsNull", 0, False, True),
        ("IsPresent", None, True, True),
        ("IsPresent", None, False, False),
        ("IsString", "", True, True),
        ("IsBoolean", 0, True, False),
        ("StringMatches", "zebra.log", "*.log", True),
        ("StringMatches", "log", "*", True),
        ("StringMatches", "", "*", True),
        ("StringMatches", "a*c", r"a\*c", True),
        ("StringMatches", "abc", r"a\*c", False),
        ("StringMatches", "a\\c", r"a\\c", True),
        ("StringMatches", "a\nb", "a*b", True),
        ("StringMatches", "aXbXc", "a*b*c", True),
        ("StringMatches", "ab", "ab*b", False),
        ("StringMatches", "abc", "a?c", False),
        ("StringMatches", 5, "*", False),
    ],
)
def test_operators(name, left, right, outcome):
    assert compare(name, left, right) is outcome
    if name + "Path" in choice.OPERATORS:
        assert decide({"Variable": "$.l", name + "Path": "$.r"}, {"l": left, "r": right}) is outcome


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"Variable": "$.x", "NumericEquals": 1}, "$.x"),
        ({"Variable": "$.x.y", "IsNull": True}, "$.x.y"),
        ({"Variable": "$.a", "NumericEqualsPath": "$.x"}, "$.x"),
        ({"Variable": "$undefined", "StringEquals": ""}, "$undefined"),
        ({"Variable": "$$.Nothing", "StringMatches": "*"}, "$$.Nothing"),
        ({"Not": {"Variable": "$.x", "BooleanEquals": True}}, "$.x"),
    ],
    ids=str,
)
def test_a_missing_variable_fails(rule, path):
    with pytest.raises(Failed) as failure:
        decide(rule, {"a": 1})
    assert (failure.value.error, failure.value.cause) == (RUNTIME, MISSING.format(path))
    row = choice.explain_rule(rule, {"a": 1}, environment())
    assert row.outcome is None
    assert "fails" in row.text


@pytest.mark.parametrize("path", ["$.x", "$.a.x", "$.a[0]", "$undefined", "$$.Nothing"])
def test_is_present_does_not_fail(path):
    assert decide({"Variable": path, "IsPresent": False}, {"a": "text"})
    assert not decide({"Variable": path, "IsPresent": True}, {"a": "text"})


def test_an_open_escape_fails():
    with pytest.raises(Failed, match="open escape"):
        compare("StringMatches", "a", "a\\")


def test_a_rule_without_operator_fails():
    with pytest.raises(Failed, match="no comparison operator"):
        decide({"Variable": "$.x"}, {"x": 1})


TRUE = {"Variable": "$.t", "BooleanEquals": True}
FALSE = {"Variable": "$.t", "BooleanEquals": False}
FAILS = {"Variable": "$.none", "BooleanEquals": True}


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ({"And": [TRUE, TRUE]}, True),
        ({"And": [TRUE, FALSE]}, False),
        ({"And": [FALSE, FAILS]}, False),
        ({"Or": [FALSE, FALSE]}, False),
        ({"Or": [TRUE, FAILS]}, True),
        ({"Not": FALSE}, True),
        ({"And": [{"Or": [FALSE, TRUE]}, {"Not": {"Not": TRUE}}]}, True),
    ],
    ids=str,
)
def test_combinations_stop_early(rule, outcome):
    assert decide(rule, {"t": True}) is outcome
    assert choice.explain_rule(rule, {"t": True}, environment()).outcome is outcome


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"Variable": "$.count", "NumericLessThan": 5}, "$.count (3) NumericLessThan 5: true"),
        (
            {"Variable": "$.count", "NumericLessThanPath": "$max"},
            "$.count (3) NumericLessThanPath $max (2): false",
        ),
        ({"Variable": "$.s", "StringEquals": "b"}, '$.s ("a") StringEquals "b": false'),
        ({"Variable": "$.none", "IsPresent": False}, "$.none (not found) IsPresent false: true"),
        (
            {"Variable": "$.none", "IsNull": True},
            f"$.none (not found) IsNull true: fails. {MISSING.format('$.none')}",
        ),
    ],
    ids=str,
)
def test_a_rule_in_words(rule, text):
    row = choice.explain_rule(rule, {"count": 3, "s": "a"}, environment(max=2))
    assert row.text == text
    assert row.rows == ()


def test_nested_rules_in_words():
    row = choice.explain_rule(
        {"Or": [{"Not": TRUE}, TRUE, {"And": [FAILS]}, FAILS]}, {"t": True}, environment()
    )
    assert row.text == "Or: true"
    assert [inner.text for inner in row.rows] == [
        "Not: false",
        "$.t (true) BooleanEquals true: true",
        "And: not reached",
        "$.none BooleanEquals true: not reached",
    ]
    assert row.rows[0].rows[0].outcome is True


def test_long_values_are_cut():
    row = choice.explain_rule({"Variable": "$", "IsNull": False}, "x" * 500, environment())
    assert len(row.text) < 120


RULE = "/States/A/Choices[0]"


@pytest.mark.parametrize(
    ("rule", "problems"),
    [
        ({"Variable": "$.a", "NumericEquals": 1, "Next": "B", "Assign": {}}, []),
        ({"Not": {"And": [TRUE, {"Or": [FALSE]}]}, "Next": "B"}, []),
        ({"Variable": "$.a", "NumericEqualsPath": "$v.x"}, []),
        (1, ["" + RULE]),
        ({"Variable": "$.a"}, [RULE]),
        ({"Variable": "$.a", "NumericEquals": 1, "IsNull": True}, [RULE]),
        ({"NumericEquals": 1}, [RULE]),
        ({"And": [TRUE], "Variable": "$.a"}, [RULE]),
        ({"And": [TRUE], "IsNull": True}, [RULE]),
        ({"And": []}, [RULE + "/And"]),
        ({"Or": {}}, [RULE + "/Or"]),
        ({"Not": [TRUE]}, [RULE + "/Not"]),
        ({"And": [TRUE, {**TRUE, "Next": "B"}]}, [RULE + "/And[1]"]),
        ({"Variable": "States.UUID()", "IsNull": True}, [RULE + "/Variable"]),
        ({"Variable": 1, "IsNull": True}, [RULE + "/Variable"]),
        ({"Variable": "$.a", "NumericEquals": "1"}, [RULE + "/NumericEquals"]),
        ({"Variable": "$.a", "NumericEquals": True}, [RULE + "/NumericEquals"]),
        ({"Variable": "$.a", "StringEquals": 1}, [RULE + "/StringEquals"]),
        ({"Variable": "$.a", "IsNull": 1}, [RULE + "/IsNull"]),
        ({"Variable": "$.a", "BooleanEquals": 0}, [RULE + "/BooleanEquals"]),
        ({"Variable": "$.a", "TimestampEquals": "2023-02-24"}, [RULE + "/TimestampEquals"]),
        ({"Variable": "$.a", "StringEqualsPath": "a"}, [RULE + "/StringEqualsPath"]),
    ],
    ids=str,
)
def test_check(rule, problems):
    assert [pointer for pointer, _ in choice.check(rule, RULE)] == problems


@pytest.mark.parametrize(
    ("rule", "variables"),
    [
        ({"Variable": "$a.x", "NumericEquals": 1}, {"a"}),
        ({"Variable": "$.a", "NumericEqualsPath": "$b"}, {"b"}),
        (
            {
                "And": [
                    {"Not": {"Variable": "$c", "IsNull": True}},
                    {"Or": [{"Variable": "$d", "IsNull": True}]},
                ]
            },
            {"c", "d"},
        ),
        ({"Variable": "$.a", "StringEquals": "$no"}, set()),
    ],
    ids=named,
)
def test_variables(rule, variables):
    assert choice.variables_in(rule) == variables


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.text("ab", max_size=2)


@pytest.mark.parametrize("kind", ["String", "Numeric"])
@given(left=SCALARS, right=SCALARS)
def test_the_relations_hang_together(kind, left, right):
    relations = ("LessThan", "Equals", "GreaterThan")
    less, equal, greater = (compare(f"{kind}{relation}", left, right) for relation in relations)
    assert less + equal + greater <= 1
    assert compare(f"{kind}LessThanEquals", left, right) == (less or equal)
    assert compare(f"{kind}GreaterThanEquals", left, right) == (greater or equal)
    assert compare(f"{kind}GreaterThan", right, left) == less


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_offsets_are_normalized(naive, minutes):
    moment = naive.replace(tzinfo=timezone.utc)  # noqa: UP017
    shifted = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert compare("TimestampEquals", shifted.isoformat(), moment.isoformat().replace("+00:00", "Z"))


@given(st.text("ab", max_size=8), st.text("ab*", max_size=6))
def test_matching_agrees_with_globs(value, pattern):
    assert compare("StringMatches", value, pattern) == fnmatchcase(value, pattern)
