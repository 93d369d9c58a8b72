"""EventBridge rules: patterns, inputs, and what a debugger shows of who started an execution."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook import UsageError
from sfnbook.triggers import Rule, event
from sfnbook.triggers.patterns import check, match
from sfnbook.triggers.transforms import filled
from tests.machines import load

ECHO = load({"A": {"Type": "Pass", "End": True}})
ORDER = event(
    "shop", "OrderPlaced", {"id": 7, "total": 12.5, "lines": [{"sku": "a"}, {"sku": "b"}], "ip": "10.0.0.7"}
)


# --- patterns -----------------------------------------------------------------------------------------
MATCHES: dict[str, tuple[Any, Any]] = {
    "exact": ({"a": ["x", "y"]}, {"a": "y"}),
    "number": ({"a": [300]}, {"a": 300}),
    "null": ({"a": [None]}, {"a": None}),
    "empty text": ({"a": [""]}, {"a": ""}),
    "true": ({"a": [True]}, {"a": True}),
    "one of a list": ({"a": ["x"]}, {"a": ["w", "x"]}),
    "several fields": ({"a": ["x"], "b": {"c": [1]}}, {"a": "x", "b": {"c": 1}, "d": 0}),
    "prefix": ({"a": [{"prefix": "us-"}]}, {"a": "us-east-1"}),
    "prefix in any case": ({"a": [{"prefix": {"equals-ignore-case": "US"}}]}, {"a": "us-east-1"}),
    "suffix": ({"a": [{"suffix": ".png"}]}, {"a": "b.png"}),
    "any case": ({"a": [{"equals-ignore-case": "ALICE"}]}, {"a": "alice"}),
    "wildcard": ({"a": [{"wildcard": "dir/*.png"}]}, {"a": "dir/a/b.png"}),
    "escaped star": ({"a": [{"wildcard": "a\\*b"}]}, {"a": "a*b"}),
    "anything but": ({"a": [{"anything-but": "x"}]}, {"a": "y"}),
    "anything but some": ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}),
    "anything but numbers": ({"a": [{"anything-but": [1, 2]}]}, {"a": 3}),
    "anything but a prefix": ({"a": [{"anything-but": {"prefix": "init"}}]}, {"a": "stop"}),
    "anything but suffixes": ({"a": [{"anything-but": {"suffix": [".a", ".b"]}}]}, {"a": "x.c"}),
    "anything but in any case": ({"a": [{"anything-but": {"equals-ignore-case": ["X"]}}]}, {"a": "y"}),
    "anything but a wildcard": ({"a": [{"anything-but": {"wildcard": "*/lib/*"}}]}, {"a": "a/bin/b"}),
    "numeric": ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}),
    "numeric equal": ({"a": [{"numeric": ["=", 3.018e2]}]}, {"a": 301.8}),
    "cidr": ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.0.255"}),
    "cidr 6": ({"a": [{"cidr": "2001:db8::/32"}]}, {"a": "2001:db8::1"}),
    "exists": ({"a": {"b": [{"exists": True}]}}, {"a": {"b": None}}),
    "exists not": ({"a": {"b": [{"exists": False}]}}, {"a": {}}),
    "or": ({"$or": [{"a": [1]}, {"b": [{"numeric": [">", 1]}]}]}, {"a": 2, "b": 2}),
    "or below": ({"d": {"$or": [{"a": [1]}, {"b": [2]}], "c": ["x"]}}, {"d": {"b": 2, "c": "x"}}),
    "list of objects": ({"a": {"b": ["y"], "c": [2]}}, {"a": [{"b": "x", "c": 2}, {"b": "y", "c": 2}]}),
}
DIFFERS: dict[str, tuple[Any, Any, str]] = {
    "exact": ({"a": ["x"]}, {"a": "y"}, 'a is "y", the pattern wants "x"'),
    "absent": ({"a": {"b": ["x"]}}, {"a": {}}, 'a.b is not there, the pattern wants "x"'),
    "text is no number": ({"a": [1]}, {"a": "1"}, 'a is "1", the pattern wants 1'),
    "true is no 1": ({"a": [1]}, {"a": True}, "a is true, the pattern wants 1"),
    "300.0 is not 300": ({"a": [300]}, {"a": 300.0}, "a is 300.0, the pattern wants 300"),
    "prefix": ({"a": [{"prefix": "us-"}]}, {"a": "eu-1"}, 'a is "eu-1", the pattern wants {"prefix":"us-"}'),
    "anything but": (
        {"a": [{"anything-but": ["x"]}]},
        {"a": "x"},
        'a is "x", the pattern wants {"anything-but":["x"]}',
    ),
    "anything but needs a field": ({"a": [{"anything-but": "x"}]}, {}, "a is not there, the pattern wants"),
    "numeric": ({"a": [{"numeric": ["<", 5]}]}, {"a": 5}, "a is 5, the pattern wants"),
    "numeric of a text": ({"a": [{"numeric": ["<", 5]}]}, {"a": "4"}, 'a is "4", the pattern wants'),
    "cidr": ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": "10.0.1.0"}, 'a is "10.0.1.0", the pattern wants'),
    "exists": ({"a": [{"exists": True}]}, {}, "a is not there, the pattern wants"),
    "exists is for leaves": ({"a": [{"exists": True}]}, {"a": {"b": 1}}, 'a is {"b":1}, the pattern wants'),
    "exists not": ({"a": [{"exists": False}]}, {"a": 1}, "a is 1, the pattern wants"),
    "or": (
        {"$or": [{"a": [1]}, {"b": [2]}]},
        {"a": 2},
        "$or: none of 2 alternatives: a is 2, the pattern wants 1; b is",
    ),
    "one object at a time": (
        {"a": {"b": ["y"], "c": [2]}},
        {"a": [{"b": "y", "c": 1}]},
        "a.c is 1, the pattern",
    ),
    "second of two": ({"a": ["x"], "b": [2]}, {"a": "x", "b": 1}, "b is 1, the pattern wants 2"),
}
MALFORMED: dict[str, tuple[Any, str]] = {
    "empty": ({}, "The event pattern is {}. Give an object"),
    "a list": (["x"], 'The event pattern is ["x"]'),
    "a text": ({"source": "shop"}, 'source is "shop". A pattern has a list of what may be there: ["shop"].'),
    "nothing in the list": ({"a": {"b": []}}, "a.b is []"),
    "unknown operator": (
        {"a": [{"prefx": "x"}]},
        "a has the operator 'prefx', which EventBridge does not know. Did you mean 'prefix'?",
    ),
    "two operators": ({"a": [{"prefix": "x", "suffix": "y"}]}, "An operator is an object with one key"),
    "a list in a list": ({"a": [[1]]}, "a has a list inside its list"),
    "numeric": ({"a": [{"numeric": [">", "5"]}]}, "numeric takes one or two comparisons"),
    "cidr": ({"a": [{"cidr": "10.0.0"}]}, "cidr takes a range of addresses"),
    "exists": ({"a": [{"exists": "yes"}]}, "exists takes true or false"),
    "anything but": ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "anything-but takes a value"),
    "wildcard": ({"a": [{"wildcard": "a\\"}]}, "wildcard takes a text with *"),
    "or": ({"$or": [{"a": [1]}]}, "$or has 1 patterns. Give at least two"),
}


@pytest.mark.parametrize(("pattern", "one"), MATCHES.values(), ids=MATCHES)
def test_an_event_matches(pattern, one):
    check(pattern)
    found = match(pattern, one)
    assert found
    assert found.rows


@pytest.mark.parametrize(("pattern", "one", "row"), DIFFERS.values(), ids=DIFFERS)
def test_why_an_event_does_not_match(pattern, one, row):
    check(pattern)
    found = match(pattern, one)
    assert not found
    assert [shown for shown in found.rows if shown.startswith(row)]


@pytest.mark.parametrize(("pattern", "says"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_pattern(pattern, says):
    with pytest.raises(UsageError) as refused:
        Rule("r", pattern)
    assert says in str(refused.value)


# --- rules --------------------------------------------------------------------------------------------
def test_a_rule_starts_an_execution_at_the_event_s_time_and_says_so():
    rule = Rule("nightly", {"source": ["shop"]}, input_path="$.detail")
    execution = rule.start(ECHO, event("shop", "OrderPlaced", {"id": 7}, time="2025-03-01T10:00:00Z"), seed=3)
    started = execution.step()
    assert str(started.why).splitlines() == [
        "Started by rule 'nightly': the event matched; the input is $.detail of the event.",
        '  source is "shop": "shop"',
    ]
    assert execution.result() == {"id": 7}
    assert execution.now == datetime(2025, 3, 1, 10, tzinfo=UTC)
    assert execution.started_by.kind == "rule"
    assert execution.started_by.event["detail-type"] == "OrderPlaced"


def test_an_event_that_does_not_match_says_which_field():
    rule = Rule("big", {"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}})
    assert not rule.match(ORDER)
    with pytest.raises(UsageError, match=r"The rule 'big' is not for this event: detail.total is 12.5"):
        rule.start(ECHO, ORDER)
    big = event("shop", "OrderPlaced", {"total": 101})
    assert [run.result()["detail"] for run in rule.executions(ECHO, [ORDER, big])] == [{"total": 101}]


TRANSFORMS: dict[str, tuple[dict[str, Any], Any]] = {
    "constant": ({"input": {"x": 1}}, {"x": 1}),
    "path": ({"input_path": "$.detail.lines[0].sku"}, "a"),
    "transformer": (
        {
            "input_transformer": {
                "InputPathsMap": {"id": "$.detail.id", "kind": "$.detail-type", "lines": "$.detail.lines"},
                "InputTemplate": '{"id": <id>, "text": "<kind> \\"<id>\\"", "lines": <lines>, "all": "<lines>"}',
            }
        },
        {
            "id": 7,
            "text": 'OrderPlaced "7"',
            "lines": [{"sku": "a"}, {"sku": "b"}],
            "all": '[{"sku":"a"},{"sku":"b"}]',
        },
    ),
    "every": (
        {
            "input_transformer": {
                "InputPathsMap": {"s": "$.detail.lines[*].sku"},
                "InputTemplate": '{"s": <s>}',
            }
        },
        {"s": ["a", "b"]},
    ),
    "reserved": (
        {
            "input_transformer": {
                "InputTemplate": '{"rule": <aws.events.rule-name>, "at": "<aws.events.event.ingestion-time>"}'
            }
        },
        {"rule": "r", "at": ORDER["time"]},
    ),
    "whole event": ({"input_transformer": {"InputTemplate": '{"e": <aws.events.event.json>}'}}, {"e": ORDER}),
    "nothing there": (
        {"input_transformer": {"InputPathsMap": {"no": "$.detail.no"}, "InputTemplate": '{"x": "<no>"}'}},
        {"x": ""},
    ),
}


@pytest.mark.parametrize(("given", "expected"), TRANSFORMS.values(), ids=TRANSFORMS)
def test_the_input_of_a_rule_s_target(given, expected):
    assert Rule("r", {"source": ["shop"]}, **given).start(ECHO, ORDER).input == expected


BAD_INPUTS: dict[str, tuple[dict[str, Any], str]] = {
    "two": ({"input": 1, "input_path": "$.detail"}, "input and input_path exclude each other"),
    "path": ({"input_path": "detail"}, "input_path is 'detail', which is no path"),
    "finds nothing": ({"input_path": "$.detial"}, "finds nothing in the event. The nearest: detail"),
    "no template": ({"input_transformer": {"InputPathsMap": {}}}, 'give {"InputPathsMap"'),
    "field": (
        {"input_transformer": {"InputTemplate": "1", "InputPathMap": {}}},
        "Did you mean 'InputPathsMap'?",
    ),
    "reserved name": (
        {"input_transformer": {"InputTemplate": "1", "InputPathsMap": {"aws.x": "$.id"}}},
        "Names that begin with aws.",
    ),
    "reserved variable": (
        {"input_transformer": {"InputTemplate": "<aws.events.rule-nam>"}},
        "Did you mean 'aws.events.rule-name'?",
    ),
    "no JSON": ({"input_transformer": {"InputTemplate": "order <aws.events.rule-name>"}}, "makes no JSON"),
}


def test_a_rule_has_a_name():
    with pytest.raises(UsageError, match=r"^A rule's name is text, not a StateMachine\. Write Rule\("):
        Rule(ECHO, {"source": ["shop"]})


@pytest.mark.parametrize(("given", "says"), BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_what_is_wrong_with_an_input(given, says):
    with pytest.raises(UsageError) as refused:
        Rule("r", {"source": ["shop"]}, **given).start(ECHO, ORDER)
    assert says in str(refused.value)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=3),
        max_leaves=5,
    )
)
def test_a_value_outside_of_quotes_stays_what_it_is_and_inside_it_is_text(value):
    assert filled('{"x": <x>}', {"x": value}) == {"x": value}
    inside = filled('{"x": "<x>"}', {"x": value})["x"]
    assert inside == value if isinstance(value, str) else json.loads(inside) == value


def test_an_event_with_a_misspelled_field():
    with pytest.raises(UsageError, match="Did you mean 'detail-type'"):
        Rule("r", {"source": ["x"]}).match({"source": "x", "detail_type": "y"})


# --- the debugger shows it ------------------------------------------------------------------------------
def test_what_started_it_is_saved_pickled_and_forked(tmp_path):
    debugger = Rule("r", {"source": ["shop"]}).debug(ECHO, ORDER)
    debugger.run()
    expected = debugger.transitions[0].why
    assert expected.text.startswith("Started by rule 'r'")
    debugger.save(tmp_path / "session.json")
    opened = sfnbook.Debugger.open(tmp_path / "session.json")
    assert opened.transitions[0].why == expected
    assert opened.execution.started_by == debugger.execution.started_by
    assert debugger.fork().transitions[0].why == expected
    assert pickle.loads(pickle.dumps(debugger)).transitions[0].why == expected
    hidden = debugger.redacted(["$..ip"])
    assert "10.0.0.7" not in json.dumps(hidden.execution.started_by.event)


def test_nothing_is_said_of_an_execution_that_somebody_just_started():
    execution = ECHO.start()
    assert not execution.step().why
    assert execution.started_by is None


def test_the_triggers_are_found_when_they_are_asked_for():
    assert sfnbook.triggers.Rule is Rule
