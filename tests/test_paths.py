"""Paths: Jayway's answers and messages, fast closures against slow reading, ResultPath."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.errors import RESULT_PATH_MATCH_FAILURE, RUNTIME, Failed
from sfnbook.query import paths
from sfnbook.query.environment import Environment
from sfnbook.query.path_reading import NotFound, descend
from sfnbook.query.path_syntax import parse

SHARED = (Path(__file__).resolve().parents[1] / "../shared").resolve()
FIXTURE = SHARED / "conformance/jsonpath.json"
ORACLE = json.loads(FIXTURE.read_text("utf-8")) if FIXTURE.exists() else {"document": {}, "answers": []}

DOCUMENT = {
    "a": {"b": {"c": {"d": 42}}, "list": [10, 20, 30], "nothing": None},
    "text": "hello",
    "number": 3,
    "odd key": 1,
    "items": [
        {"id": 1, "price": 5.5, "tags": ["x"], "ok": True},
        {"id": 2, "price": 12, "tags": [], "ok": False},
        {"id": 3, "name": "Zoë"},
    ],
}
CONTEXT = {"Execution": {"Id": "arn", "Input": {"k": [1, 2]}}}
VARIABLES = {"order": {"id": 7, "lines": [1, 2]}, "größe": 1}


def environment():
    return Environment(VARIABLES, lambda: CONTEXT, lambda _purpose: 0, 0)


def follow(path, document=DOCUMENT):
    return paths.compile_path(path)(document, environment())


def cause(path, document=DOCUMENT):
    with pytest.raises(Failed) as failure:
        follow(path, document)
    assert failure.value.error == RUNTIME
    return failure.value.cause


@pytest.mark.skipif(not ORACLE["answers"], reason="the shared data are absent")
@pytest.mark.parametrize("answer", ORACLE["answers"], ids=lambda answer: answer["path"])
def test_jayway_answers(answer):
    path = answer["path"]
    if "value" not in answer:
        expected = answer.get("readError", ": Invalid path").split(": ", 1)[1]
        assert expected in cause(path, ORACLE["document"])
    elif "not supported by the simulator" in (paths.check(path) or ""):
        assert "not supported by the simulator" in cause(path, ORACLE["document"])
    else:
        assert json.dumps(follow(path, ORACLE["document"])) == json.dumps(answer["value"])
        assert paths.is_definite(path) == answer["definite"]


def test_jayway_answers_are_nearly_all_supported():
    refused = [
        answer["path"]
        for answer in ORACLE["answers"]
        if "not supported" in (paths.check(answer["path"]) or "")
    ]
    assert refused in ([], ["$.vals.concat('x')"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.number", 3),
        ("$.a.b.c.d", 42),
        ("$['odd key']", 1),
        ("$.a.list[1]", 20),
        ("$.a.list[-1]", 30),
        ("$.a.list[(@.length-1)]", 30),
        ("$.a.nothing", None),
        ("$.items[2]['id','name','none']", {"id": 3, "name": "Zoë"}),
        ("$$.Execution.Id", "arn"),
        ("$$.Execution.Input.k[1]", 2),
        ("$$", CONTEXT),
        ("$order", VARIABLES["order"]),
        ("$order.lines[0]", 1),
        ("$größe", 1),
        ("$.items[*].id", [1, 2, 3]),
        ("$.items[0:1].id", [1]),
        ("$.items[?(@.id == 9)]", []),
        ("$.a.list[-2:]", [20, 30]),
        ("$.a.list[:-1]", [10, 20]),
        ("$.a.list[0:-1]", []),
        ("$.a.list[7,0]", [10]),
        ("$..id", [1, 2, 3]),
        ("$..['id','price']", [{"id": 1, "price": 5.5}, {"id": 2, "price": 12}]),
        ("$['a','none','text'].b.c", [{"d": 42}]),
        ("$.text[*]", []),
        ("$.items.length()", 3),
        ("$.a.list.sum()", 60.0),
        ("$.a.keys()", ["b", "list", "nothing"]),
        ("$.a.list.last()", 30),
    ]
    + [
        (f"$.items[?({test})].id", ids)
        for test, ids in {
            "@.price": [1, 2],
            "!@.price": [3],
            "@.ok == true": [1],
            "@.ok == 1": [],
            "@.ok != true": [2, 3],
            "@.price > 5 && @.ok": [1, 2],
            "@.price > 6 || @.name": [2, 3],
            "!(@.price > 6)": [1, 3],
            "@.price < '9'": [],
            "@.id == '1'": [1],
            "@.id === '1'": [],
            "@.id in [1, 3]": [1, 3],
            "@.id nin [1, 3]": [2],
            "@.tags contains 'x'": [1],
            "@.tags size 0": [2],
            "@.tags empty false": [1],
            "@.tags anyof ['x','y']": [1],
            "@.tags noneof ['x']": [2],
            "@.tags subsetof ['x','y']": [1, 2],
            "@.name =~ /z.*/i": [3],
            "@.name =~ /Z/": [],
            "@.id < $.number": [1, 2],
            "@['name'] == 'Zoë'": [3],
            "3 == @.id": [3],
            "@.id == null": [],
        }.items()
    ],
    ids=str,
)
def test_values(path, value):
    assert paths.check(path) is None
    assert json.dumps(follow(path)) == json.dumps(value)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("$.none", "No results for path: $['none']"),
        ("$.a.none", "No results for path: $['a']['none']"),
        ("$.no.such.path", "Missing property in path $['no']"),
        ("$.a.no.path", "Missing property in path $['a']['no']"),
        ("$.a.list[9]", "No results for path: $['a']['list'][9]"),
        ("$.a.list[-9]", "No results for path: $['a']['list'][-9]"),
        ("$.a.list[9].x", "No results for path: $['a']['list'][9]['x']"),
        ("$.none[*]", "Missing property in path $['none']"),
        ("$.text[0]", "Filter: [0] can only be applied to arrays. Current context is: hello"),
        ("$.text[0:1]", "Filter: [0:1] can only be applied to arrays. Current context is: hello"),
        ("$.a.b[0]", "Filter: [0] can only be applied to arrays. Current context is: {c={d=42}}"),
        ("$.a.nothing[0]", "The path $['a']['nothing'] is null"),
        ("$.number[?(@.x)]", "Filter: [?] can not be applied to primitives. Current context is: 3"),
        ("$$.Task.Token", "Missing property in path $['Task']"),
        ("$missing", "No results for path: $['missing']"),
        ("$order.none", "No results for path: $['none']"),
        ("$.vals.", "Path must not end with a '.' or '..'"),
        ("$.a.list[1].append(1)", "the path function append(1) is not supported by the simulator"),
    ],
)
def test_misses(path, told):
    assert cause(path) == f"Invalid path '{path}' : {told}"


@pytest.mark.parametrize("path", ["$.text.x", "$.number.x", "$.a.list.x", "$.a.nothing.x", "$.text.x.y.z"])
def test_name_of_what_is_no_object(path):
    told = cause(path)
    assert told.startswith(
        f"Invalid path '{path}' : Expected to find an object with property ['x'] in path $['"
    )


@pytest.mark.parametrize(
    "path",
    [
        *("", "a", ".a", "..a", "()", "$...", "$.", "$a b", "$.a b", "$[", "$[a]", "$['a'", "$['a' 'b']"),
        *("$[1:2:3:4]", "$[--1]", "$[:]", "$x-y", "$$$", "$.a[?(@.b ==)]", "$.a[?(1)]", "$.a[?(@.b]"),
        *("$.f(", "$.nofunction()"),
    ],
)
def test_what_is_no_path(path):
    assert paths.check(path) is not None
    assert not paths.is_path(path)
    assert not paths.is_reference_path(path)
    assert not paths.is_definite(path)


@pytest.mark.parametrize(
    "path",
    [
        "$.a.concat('x')",
        "$..x.sum()",
        "$.a.length().b",
        "$..[0].x",
        "$.a[?(@.b matches 'x')]",
        "$.a[?(@ =~ /(?<n>x)/)]",
    ],
)
def test_what_is_not_supported_says_so(path):
    assert "not supported by the simulator" in paths.check(path)
    assert "not supported by the simulator" in cause(path)


def test_a_filter_nested_too_deeply_is_refused():
    assert "not supported by the simulator" in paths.check("$.a[?(" + "!" * 5000 + "@.b)]")


@pytest.mark.parametrize(
    ("path", "reference", "definite"),
    [
        ("$", True, True),
        ("$.a[0]['b']", True, True),
        ("$$.State.Name", True, True),
        ("$order.id", True, True),
        ("$.a[-1]", False, True),
        ("$['a','b']", False, True),
        ("$['a','b'].c", False, False),
        ("$.a.length()", False, True),
        ("$.a[*]", False, False),
        ("$..a", False, False),
        ("$.a[0,1]", False, False),
        ("$.a[?(@.b)]", False, False),
    ],
)
def test_kinds_of_path(path, reference, definite):
    assert (paths.is_reference_path(path), paths.is_definite(path)) == (reference, definite)


def test_aws_keeps_the_backslash_of_the_other_quote():
    assert follow('$[\'Test\\""Name"\']', {'Test\\""Name"': "found"}) == "found"
    assert follow("$['f\\'g']", {"f'g": "found"}) == "found"


@pytest.mark.parametrize(
    ("path", "variables"),
    [("$.a", set()), ("$$.a", set()), ("$order.a[*]", {"order"}), ("nothing", set())],
)
def test_variables(path, variables):
    assert paths.variables_in(path) == variables


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("$.nubmer", ["number"]),
        ("$.TEXT", ["text"]),
        ("$.a.lists[0]", ["list"]),
        ("$.items[0].prices", ["price"]),
        ("$.a.b", []),
        ("$.text.x", []),
        ("$.completely_different", []),
    ],
)
def test_nearest(path, keys):
    assert paths.nearest(DOCUMENT, path) == keys


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
STEPS = st.lists(
    NAMES.map(lambda name: f".{name}")
    | NAMES.map(lambda name: f"['{name}']")
    | st.integers(-2, 2).map(lambda index: f"[{index}]"),
    max_size=5,
)


@given(VALUES.filter(lambda value: value is not None), STEPS)
def test_fast_closures_agree_with_reading_step_by_step(value, steps):
    path = "$" + "".join(steps)
    try:
        expected = descend(value, parse(path).steps)
    except NotFound as miss:
        expected = f"Invalid path '{path}' : {miss}"
    try:
        found = follow(path, value)
    except Failed as failure:
        found = failure.cause
    assert json.dumps(found) == json.dumps(expected)


@pytest.mark.parametrize("path", ["$", "$.a", "$[0]", "$[*]", "$..a", "$.length()"])
def test_there_is_no_path_in_null(path):
    """As people report it of AWS: github.com/awslabs/states-language/issues/29."""
    told = "Unable to apply Path transformation to null or empty input."
    assert cause(path, None) == told
    with pytest.raises(Failed, match=told):
        paths.compile_lookup(path, lambda _told, _searched: Failed(RUNTIME, "not found"))(None, environment())


@pytest.mark.parametrize("path", ["$.none[*]", "$.a.none[1:].x", "$.text[0:1]", "$.number[?(@.x)]"])
def test_a_lookup_of_an_indefinite_path_never_fails(path):
    def miss(_told, _searched):
        pytest.fail("a lookup failed")

    assert paths.compile_lookup(path, miss)(DOCUMENT, environment()) == []


# --- ResultPath -----------------------------------------------------------------------------------


@given(VALUES, STEPS)
def test_what_result_path_puts_the_path_finds(raw, steps):
    path = "$" + "".join(steps)
    before = json.dumps(raw)
    with suppress(Failed):
        output = paths.compile_result_path(path)(raw, "result")
        assert follow(path, output) == "result"
    assert json.dumps(raw) == before


@pytest.mark.parametrize(
    ("path", "raw", "output"),
    [
        ("$", {"x": 1}, "R"),
        ("$.a", {"x": 1}, {"x": 1, "a": "R"}),
        ("$.x", {"x": 1, "y": 2}, {"x": "R", "y": 2}),
        ("$.a.b.c", {}, {"a": {"b": {"c": "R"}}}),
        ("$['a b']", {}, {"a b": "R"}),
        ("$.l[1]", {"l": [1, 2, 3]}, {"l": [1, "R", 3]}),
        ("$.l[0].x", {"l": [{"y": 1}]}, {"l": [{"y": 1, "x": "R"}]}),
    ],
)
def test_result_path(path, raw, output):
    assert json.dumps(paths.compile_result_path(path)(raw, "R")) == json.dumps(output)


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        *[("$.a", "text"), ("$.a", [1]), ("$.a", None), ("$.a.b", {"a": 1}), ("$.l[3]", {"l": []})],
        *[("$.l[0]", {}), ("$.a[*]", {}), ("$variable", {}), ("$$.a", {})],
    ],
)
def test_result_path_that_does_not_fit(path, raw):
    with pytest.raises(Failed) as failure:
        paths.compile_result_path(path)(raw, "R")
    assert failure.value.error == RESULT_PATH_MATCH_FAILURE
    assert path in failure.value.cause


def test_result_path_shares_what_it_does_not_change():
    raw = {"kept": [1], "a": {"kept": {"x": 1}}}
    output = paths.compile_result_path("$.a.b")(raw, 1)
    assert output["kept"] is raw["kept"]
    assert output["a"]["kept"] is raw["a"]["kept"]
