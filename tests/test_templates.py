"""Payload templates: filling in, constants, causes, and what is reported at definition time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.chance import digest
from sfnbook.errors import RUNTIME, Failed
from sfnbook.query import templates
from sfnbook.query.environment import Environment
from tests.naming import named

SHARED = (Path(__file__).resolve().parents[1] / "../shared").resolve()
MISSING = "The JSONPath '{}' specified for the field '{}' could not be found in the input '{}'"
WRONG_TYPE = "The value for the field '{}' must be a STRING that contains a JSONPath but was {}"
AWS_TEXT = "The value for the field '{}' must be a valid JSONPath or a valid intrinsic function call"


def fill(template, value, **variables):
    env = Environment(variables, lambda: {"State": {"Name": "S"}}, digest, 0)
    return templates.compile_template(template)(value, env)


def cause(template, value, **variables):
    with pytest.raises(Failed) as failure:
        fill(template, value, **variables)
    assert failure.value.error == RUNTIME
    return failure.value.cause


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        (
            {"n.$": "$.counter", "tag": "s0", "nested": {"v.$": "$.payload.value"}},
            {"n": 4, "tag": "s0", "nested": {"v": 9}},
        ),
        ({"b": 1, "a.$": "$.counter", "c": 2}, {"b": 1, "a": 4, "c": 2}),
        (
            {"all.$": "$", "path": "$.counter"},
            {"all": {"counter": 4, "payload": {"value": 9}}, "path": "$.counter"},
        ),
        ([{"x.$": "$.counter"}, 1, [{"y.$": "$limit"}]], [{"x": 4}, 1, [{"y": 5}]]),
        ({"state.$": "$$.State.Name"}, {"state": "S"}),
        ({"text.$": "States.Format('{}!', $.counter)"}, {"text": "4!"}),
        ({f"k{i}.$": "$.counter" for i in range(5)}, {f"k{i}": 4 for i in range(5)}),
        ({"a.$": "$.counter", "b.$": "$.payload", "c.$": "$limit"}, {"a": 4, "b": {"value": 9}, "c": 5}),
        ({"$": 1, ".$": "$limit"}, {"$": 1, "": 5}),
        ("$.counter", "$.counter"),
        (None, None),
    ],
    ids=str,
)
def test_filling(template, filled):
    before = json.dumps(template)
    assert json.dumps(fill(template, {"counter": 4, "payload": {"value": 9}}, limit=5)) == json.dumps(filled)
    assert json.dumps(template) == before


def test_a_constant_template_is_not_copied():
    template = {"a": [1, {"b": "$.c"}]}
    assert fill(template, {}) is template


def test_filling_twice_gives_separate_objects():
    compiled = templates.compile_template({"constant": {"x": 1}, "v.$": "$"})
    env = Environment({}, dict, digest, 0)
    first, second = compiled(1, env), compiled(2, env)
    assert (first["v"], second["v"]) == (1, 2)
    assert first["constant"] is second["constant"]


def test_equal_calls_in_different_fields_draw_apart():
    filled = fill(
        {"a.$": "States.UUID()", "b": {"a.$": "States.UUID()"}, "l": [{"a.$": "States.UUID()"}]}, {}
    )
    assert len({filled["a"], filled["b"]["a"], filled["l"][0]["a"]}) == 3


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ({"value.$": "$.x"}, MISSING.format("$.x", "value.$", '{"a":[1,null]}')),
        ({"n": {"v.$": "$.x.y"}}, MISSING.format("$.x.y", "v.$", '{"a":[1,null]}')),
        ({"t.$": "$$.Task.Token"}, MISSING.format("$$.Task.Token", "t.$", '{"State":{"Name":"S"}}')),
        ({"t.$": "$none"}, MISSING.format("$none", "t.$", "{}")),
        ({"t.$": 1}, WRONG_TYPE.format("t.$", "a NUMBER")),
        (
            {"t.$": "$.x.append(1)"},
            "Invalid path '$.x.append(1)' : the path function append(1) is not supported by the simulator",
        ),
    ],
    ids=str,
)
def test_causes(template, told):
    assert cause(template, {"a": [1, None]}) == told


def test_one_value_names_its_field():
    with pytest.raises(Failed) as failure:
        templates.compile_value("$.Error", "ErrorPath")({}, Environment({}, dict, digest, 0))
    assert failure.value.cause == MISSING.format("$.Error", "ErrorPath", "{}")


@pytest.mark.parametrize(
    ("template", "problems"),
    [
        ({"a.$": "$.x", "b": {"c.$": "States.UUID()"}, "d.$": "$$", "e.$": "$v"}, []),
        ({"a.$": "x"}, [("/P", AWS_TEXT.format("a.$"))]),
        ({"a.$": "States.Nope()"}, [("/P", AWS_TEXT.format("a.$"))]),
        ({"parsed.$": 'States.StringToJson(\'{"a":"\\"b"}\')'}, [("/P", AWS_TEXT.format("parsed.$"))]),
        ({"n": [1, {"a.$": "$."}]}, [("/P/n[1]", AWS_TEXT.format("a.$"))]),
        ({"a.$": {}}, [("/P", WRONG_TYPE.format("a.$", "an OBJECT"))]),
        ({"a": 1, "a.$": "$.x"}, [("/P", "The field 'a' is given twice: as 'a' and as 'a.$'")]),
        ("text", []),
    ],
    ids=str,
)
def test_check(template, problems):
    assert templates.check(template, "/P") == problems


def test_check_says_what_cannot_be_simulated():
    ((_, message),) = templates.check({"a.$": "$.x.concat('y')"}, "/P")
    assert "not supported by the simulator" in message


@pytest.mark.parametrize(
    ("template", "variables"),
    [
        ({"a.$": "$x.y", "b": [{"c.$": "States.Array($z, $.w)"}], "d": "$not"}, {"x", "z"}),
        ("$x", set()),
    ],
    ids=named,
)
def test_variables(template, variables):
    assert templates.variables_in(template) == variables


KEYS = st.sampled_from(["a", "b", "c.d", "$"])
CONSTANTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TEMPLATES = st.recursive(
    CONSTANTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.lists(st.sampled_from(["p", "q", "r", "s"]), unique=True).map(
            lambda names: {f"{name}.$": f"$.{name}" for name in names}
        )
    ),
    max_leaves=8,
)


def plainly(template, value):
    """What a template means, without any cleverness."""
    if isinstance(template, list):
        return [plainly(item, value) for item in template]
    if isinstance(template, dict):
        return {
            key.removesuffix(".$"): value[item[2:]] if key.endswith(".$") else plainly(item, value)
            for key, item in template.items()
        }
    return template


@given(TEMPLATES)
def test_filling_is_what_it_means(template):
    value = {"p": 1, "q": [2], "r": {"x": 3}, "s": None}
    assert json.dumps(fill(template, value)) == json.dumps(plainly(template, value))


def recorded_references():
    folder = SHARED / "conformance/cases/validation/api"
    cases = [
        json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*variable_references*.json"))
    ]
    return [case for case in cases if "InputPath" not in json.dumps(case["definition"])]


@pytest.mark.parametrize("case", recorded_references(), ids=lambda case: case["id"])
def test_recorded_variable_references_of_parameters(case):
    references = case["expect"]["variableReferences"]
    for name, state in case["definition"]["States"].items():
        if "Parameters" in state:
            assert sorted(templates.variables_in(state["Parameters"])) == references[name]
