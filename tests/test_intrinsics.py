"""Intrinsic functions: every recorded case, the rules of each function, and what is refused."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.chance import digest
from sfnbook.errors import RUNTIME, Failed
from sfnbook.query import intrinsics, paths, templates
from sfnbook.query.environment import Environment

SHARED = (Path(__file__).resolve().parents[1] / "../shared").resolve()


def recorded():
    folder = SHARED / "conformance/cases/execution/intrinsic_functions"
    cases = [json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))]
    return [case for case in cases if "ql:JSONata" not in case["features"]]


def environment(context=None, variables=None):
    return Environment(variables or {}, lambda: context or {}, digest, 0)


def call(text, value=None, **variables):
    return intrinsics.compile_intrinsic(text)(value, environment(variables=variables))


def run_pass(state, value, env):
    """One Pass state with Parameters: the recorded machines have nothing else."""
    result = templates.compile_template(state["Parameters"])(value, env)
    output = paths.compile_result_path(state.get("ResultPath", "$"))(value, result)
    return paths.compile_path(state.get("OutputPath", "$"))(output, env)


def test_there_are_recordings():
    assert not SHARED.exists() or len(recorded()) > 70


@pytest.mark.parametrize("case", recorded(), ids=lambda case: case["id"])
def test_recorded(case):
    (state,) = case["definition"]["States"].values()
    env = environment({"Execution": {"Input": case["input"]}})
    output = run_pass(state, case["input"], env)
    if case.get("wildcards"):
        assert output.keys() == case["expect"]["output"].keys()
    else:
        assert json.dumps(output, sort_keys=True) == json.dumps(case["expect"]["output"], sort_keys=True)


def test_there_are_18():
    assert len(intrinsics.INTRINSICS) == 18


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("States.Format('{} and {}', 'a', 1)", "a and 1"),
        ("States.Format('{}', $)", "{Arg1=1, Arg2=[], t=x y, n=null, b=true}"),
        ("States.Format('{}', $.Arg2)", "[]"),
        (r"States.Format('\{\} is {}, it\'s \\', 1.5)", "{} is 1.5, it's \\"),
        ("States.Format('no placeholder')", "no placeholder"),
        ("States.Format('{}', '{}')", "{}"),
        ("States.Format('{}{}', true, null)", "truenull"),
        ("States.Format($.t)", "x y"),
        ("States.StringToJson('{\"a\": [1, 2.5]}')", {"a": [1, 2.5]}),
        ("States.StringToJson(' ')", None),
        ("States.StringToJson('-0')", 0),
        ("States.JsonToString($)", '{"Arg1":1,"Arg2":[],"t":"x y","n":null,"b":true}'),
        ("States.JsonToString('Zoë')", '"Zoë"'),
        ("States.Array()", []),
        ("States.Array(1, 'a', null, true, $.Arg2, States.Array(1.5))", [1, "a", None, True, [], [1.5]]),
        ("States.ArrayPartition(States.Array(1,2,3), 2)", [[1, 2], [3]]),
        ("States.ArrayPartition(States.Array(1,2,3), 1.5)", [[1, 2], [3]]),
        ("States.ArrayContains(States.Array(1, 2), 2.0)", True),
        ("States.ArrayContains(States.Array(1, 2), true)", False),
        ("States.ArrayContains(States.Array('1'), 1)", False),
        ("States.ArrayRange(9, 0, -3)", [9, 6, 3, 0]),
        ("States.ArrayRange(0.5, 2.4, 1)", [1, 2]),
        ("States.ArrayRange(5, 1, 1)", []),
        ("States.ArrayRange(1, 1000, 1)", list(range(1, 1001))),
        ("States.ArrayGetItem(States.Array('a', 'b'), 1)", "b"),
        ("States.ArrayLength($.Arg2)", 0),
        ("States.ArrayUnique(States.Array(1, 2, 1, 1.0, true, '1'))", [1, 2, True, "1"]),
        ("States.Base64Encode('Zoë')", "Wm/Dqw=="),
        ("States.Base64Decode('Wm/Dqw==')", "Zoë"),
        ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("States.Hash($.Arg2, 'MD5')", "d751713988987e9331980363e24189ce"),
        ("States.JsonMerge($, States.StringToJson('{\"Arg1\":{}}'), false)", None),
        ("States.MathAdd(2.5, -2.5)", 1),
        ("States.MathAdd(2147483647, 0)", 2147483647),
        ("States.StringSplit('a-b]c^d', ']^-')", ["a", "b", "c", "d"]),
        ("States.StringSplit(',,,,', ',')", []),
        ("States.StringSplit('abc', '')", ["abc"]),
        ("States.StringSplit(' a , b ', ', ')", ["a", "b"]),
        ("  States.MathAdd ( 1 , -1 )  ", 0),
        ("States.Array($[\"Arg1\",'t'], $[?(@.t == ')')])", [{"Arg1": 1, "t": "x y"}, []]),
        ("States.MathAdd($.Arg1, $more[0])", 6),
    ],
)
def test_values(text, value):
    document = {"Arg1": 1, "Arg2": [], "t": "x y", "n": None, "b": True}
    if text.startswith("States.JsonMerge"):
        value = {**document, "Arg1": {}}
    assert intrinsics.check(text) is None
    assert json.dumps(call(text, document, more=[5])) == json.dumps(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("States.Format('{} {}', 1)", "2 placeholders for 1 arguments"),
        ("States.Format(1)", "Expected a string"),
        ("States.StringToJson('{')", "not JSON"),
        ("States.StringToJson('NaN')", "not JSON"),
        ("States.StringToJson('1e400')", "not JSON"),
        ("States.StringToJson(1)", "Expected a string"),
        ("States.ArrayPartition(States.Array(1), 0)", "positive"),
        ("States.ArrayPartition('text', 1)", "Expected an array"),
        ("States.ArrayPartition(5, 1)", "Expected an array"),
        ("States.ArrayRange(0, 1, 0)", "step"),
        ("States.ArrayRange(0, 1000, 1)", "1000"),
        ("States.ArrayRange(0, '1', 1)", "Expected a number"),
        ("States.ArrayRange(0, true, 1)", "Expected a number"),
        ("States.ArrayGetItem(States.Array(), 0)", "out of bounds"),
        ("States.ArrayGetItem(States.Array(1), -1)", "out of bounds"),
        ("States.ArrayGetItem(5, -1)", "Expected an array"),
        ("States.ArrayLength('abc')", "Expected an array"),
        ("States.Base64Decode('é')", "not Base64"),
        ("States.Base64Decode('abc')", "not Base64"),
        ("States.Base64Encode($.long)", "10000"),
        ("States.Hash('a', 'sha-1')", "SHA-1"),
        ("States.Hash('a', States.Array())", "Expected a string"),
        ("States.JsonMerge($, $, true)", "shallow"),
        ("States.JsonMerge($, 'x', false)", "Expected an object"),
        ("States.MathAdd(2147483647, 1)", "2147483648"),
        ("States.MathAdd('1', 1)", "Expected a number"),
        ("States.MathRandom(3, 3)", "less than"),
        ("States.Array($.none)", "JsonPath argument for the field '$.none' could not be found in the input"),
    ],
)
def test_refusals_at_run_time(text, problem):
    assert intrinsics.check(text) is None
    with pytest.raises(Failed) as failure:
        call(text, {"long": "x" * 10_001})
    assert failure.value.error == RUNTIME
    assert (
        failure.value.cause.startswith(f"The function '{text}' had the following error: ")
        or "Array()" in text
    )
    assert problem in failure.value.cause


def test_the_failing_function_is_the_one_named():
    with pytest.raises(Failed) as failure:
        call("States.Array(1, States.MathAdd( $.x, 1))", {})
    assert failure.value.cause == (
        "The function 'States.MathAdd( $.x, 1)' had the following error: "
        "The JsonPath argument for the field '$.x' could not be found in the input '{}'"
    )


def nested(depth):
    return "States.Array(" * depth + ")" * depth


@pytest.mark.parametrize(
    "text",
    [
        "States.NoSuch()",
        "States.UUID(",
        "States.UUID() x",
        "States.UUID(1)",
        "States.ArrayLength()",
        "States.Array(1e400)",
        "States.MathAdd(1)",
        "States.MathAdd(1 2)",
        "States.MathAdd(1,)",
        "States.Array(,)",
        "States.Array(abc)",
        "States.Array($.)",
        "States.Array($[)",
        "States.Array('a)",
        'States.Array("a")',
        "States.Array(01)",
        r"States.StringToJson('{\"text\":1}')",
        r"States.Format('\x')",
        nested(11),
    ],
)
def test_what_is_no_call(text):
    assert intrinsics.is_intrinsic(text)
    assert intrinsics.check(text) is not None
    with pytest.raises(Failed):
        call(text, {})


def test_ten_deep_is_allowed():
    assert call(nested(10)) == [[[[[[[[[[]]]]]]]]]]


def test_uuids_depend_on_the_place_alone():
    def draw(place):
        return intrinsics.compile_intrinsic("States.Array(States.UUID(), States.UUID())", place)(
            None, environment()
        )

    first, second = draw("Parameters/a")
    assert uuid.UUID(first).version == 4
    assert len({first, second, *draw("Parameters/b")}) == 4
    assert draw("Parameters/a") == [first, second]


@given(st.integers(-1000, 1000), st.integers(1, 1000), st.integers())
def test_random_numbers_exclude_the_end_and_repeat_with_a_seed(start, width, seed):
    text = f"States.MathRandom({start}, {start + width}, {seed})"
    assert start <= call(text) < start + width
    assert call(text) == call("States.MathRandom($.a, $.b, $.c)", {"a": start, "b": start + width, "c": seed})
    assert start <= call(f"States.MathRandom({start}, {start + width})") < start + width


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_json_text_and_back(value):
    assert call("States.StringToJson(States.JsonToString($.value))", {"value": value}) == value


@given(st.text(max_size=50))
def test_base64_and_back(value):
    assert call("States.Base64Decode(States.Base64Encode($))", value) == value


@given(st.lists(JSON, max_size=8), st.integers(1, 4))
def test_partitions_joined_are_the_array(array, size):
    parts = call("States.ArrayPartition($.a, $.n)", {"a": array, "n": size})
    assert [item for part in parts for item in part] == array
    assert all(len(part) == size for part in parts[:-1])


@given(st.lists(st.sampled_from([0, 0.0, False, "0", None, [], {}, [0], [False]])))
def test_unique_keeps_one_of_each(array):
    unique = call("States.ArrayUnique($)", array)
    assert all(call("States.ArrayContains($.u, $.x)", {"u": unique, "x": item}) for item in array)
    assert call("States.ArrayUnique($)", unique) == unique


@given(st.text(alphabet="'{}\\ab", max_size=12))
def test_any_text_can_be_quoted(value):
    quoted = "".join("\\" + char if char in "'{}\\" else char for char in value)
    assert call(f"States.Array('{quoted}')") == [value]
    assert call(f"States.Format('{quoted}')") == value


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("States.UUID()", set()),
        ("States.Format('{}{}', $a, States.Array($b.x, $.c, $$.d))", {"a", "b"}),
        ("States.Broken($a", set()),
    ],
)
def test_variables(text, variables):
    assert intrinsics.variables_in(text) == variables
