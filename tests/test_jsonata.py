"""JSONata: AWS's rules on top of the library, and closures that agree with it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sfnbook.errors import QUERY_EVALUATION_ERROR, DefinitionError, Failed
from sfnbook.query import jsonata, jsonata_check, jsonata_library
from sfnbook.query.environment import Environment
from sfnbook.query.jsonata_compile import UNDEFINED, NotPlain
from sfnbook.values import copied

SHARED = (Path(__file__).resolve().parents[1] / "../shared").resolve()
NEW_YEAR = 1_735_689_600_000_000


def environment(variables=None, seed=1):
    draw = lambda purpose: hash_bits(f"{seed}/{purpose}")  # noqa: E731
    return Environment(variables or {}, lambda: {"State": {"Name": "S"}}, draw, NEW_YEAR)


def hash_bits(text):
    bits = 1469598103934665603
    for byte in text.encode():
        bits = ((bits ^ byte) * 1099511628211) % 2**64
    return bits


DATA = {
    "n": 2,
    "f": 3.0,
    "nil": None,
    "text": "ab",
    "yes": True,
    "list": [1, None, 2],
    "one": [5],
    "none": [],
    "nested": [[1], [2, 3]],
    "objects": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
    "object": {"a": {"b": 1}, "c d": 2},
}
VARIABLES = {"x": 1, "y": "text", "z": None, "list": [1, 2], "object": {"a": 1, "deep": {"b": [7]}}}


def evaluated(text, variables=None, **states):
    return jsonata.compile_expression(text, "Output")(
        states or {"input": DATA}, environment(variables or VARIABLES)
    )


def failure(text, variables=None, **states):
    with pytest.raises(Failed) as failed:
        evaluated(text, variables, **states)
    assert failed.value.error == QUERY_EVALUATION_ERROR
    assert failed.value.location == "Output"
    said = f"The JSONata expression '{jsonata.bare(text)}' specified for the field 'Output'"
    assert failed.value.cause.startswith(said)
    return failed.value.cause.removeprefix(said)


def same(left, right):
    """Equal as JSON: true is not 1."""
    return json.dumps(left) == json.dumps(right)


def test_the_module_jsonata_is_the_one_of_jsonata_python():
    import jsonata as library

    files = {Path(str(file.locate())) for file in importlib.metadata.files("jsonata-python") or ()}
    assert Path(library.__file__) in files
    owners = importlib.metadata.packages_distributions()["jsonata"]
    assert set(owners) == {"jsonata-python"}


def test_the_library_is_imported_late():
    code = "import sys, sfnbook.query.jsonata, sfnbook.query.jsonata_check; print('jsonata' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("{% 1 %}", True),
        ("{%%}", True),
        ("{%}", False),
        (" {% 1 %}", False),
        ("{% 1 %} ", False),
        ("$x", False),
        (["{% 1 %}"], False),
    ],
)
def test_is_expression(value, is_one):
    assert jsonata.is_expression(value) is is_one


VALUES = {
    # null and undefined
    "null": None,
    "$states.input.nil": None,
    "$z": None,
    "[null][0]": None,
    "{'a': null}": {"a": None},
    "{'a': $missing}": {},
    "[$missing, null]": [None],
    "$exists(null)": True,
    "$exists($missing)": False,
    "$type(null)": "null",
    "$count(null)": 1,
    "$map([1, null], function($v) { $v })": [1, None],
    "$states.input.list": [1, None, 2],
    "$states.input.list[1]": None,
    "$clone({'a': null})": {"a": None},
    # sequences
    "$states.input.one": [5],
    "$states.input.one[0]": 5,
    "$states.input.none": [],
    "$states.input.objects.a": [1, 2],
    "$states.input.objects[a = 2]": {"a": 2, "b": "y"},
    "$states.input.objects[a = 2][]": [{"a": 2, "b": "y"}],
    "$states.input.nested": [[1], [2, 3]],
    "[$states.input.one, [6]]": [5, [6]],
    "$states.input.objects[-1].b": "y",
    "$states.input.object.`c d`": 2,
    "$object.deep.b": [7],
    "$object.deep.b[0]": 7,
    # numbers
    "$states.input.f": 3,
    "3 * 1.0": 3,
    "10 / 4": 2.5,
    "5.5 % 2": 1.5,
    "-5 % 3": -2,
    "0.1 + 0.2": 0.30000000000000004,
    "9007199254740993 + 0": 9007199254740992,
    "1 / 0": "Infinity",
    "-1 / 0": "-Infinity",
    "0 / 0": "NaN",
    "5 % 0": "NaN",
    "1e308 * 10": "Infinity",
    "[1 / 0]": ["Infinity"],
    "{'k': 1 / 0}": {"k": "Infinity"},
    "$parseInteger('abc', '0')": "NaN",
    "$sum([0.1, 0.2, 0.3])": 0.6000000000000001,
    "$average([1, 2])": 1.5,
    "$number('0x1F')": 31,
    "$number('1e2')": 100,
    "$number(true)": 1,
    # strings
    "$string(1e20)": "100000000000000000000",
    "$string(1e21)": "1e+21",
    "$string(1234567890123456)": "1234567890123460",
    "$string(1e-7)": "1e-7",
    "$string(0.000001)": "0.000001",
    "$string(0.1 + 0.2)": "0.3",
    "$string({'a': [1.0, null, 'ü', true]})": '{"a":[1,null,"ü",true]}',
    "$string([$sum])": '[""]',
    "$string([])": "[]",
    "$string({'a': [1, {}]}, true)": '{\n  "a": [\n    1,\n    {}\n  ]\n}',
    "'a' & $missing & null & [1.0] & true": "anull[1]true",
    "$lowercase('ẞ')": "ß",
    # comparisons
    "null = null": True,
    "1 = true": False,
    "$missing = $missing": False,
    "$missing != 1": False,
    "[1, {'a': 2}] = [1.0, {'a': 2}]": True,
    "1 in [true]": False,
    "{'a': 1} in [{'a': 1}]": False,
    "$distinct([1, true, 1.0])": [1, True],
    "$missing < 1 ? 1 : 2": 2,
    # sorting
    "$sort([{'a': 1, 'b': 1}, {'a': 1, 'b': 2}, {'a': 0, 'b': 3}], function($l, $r) { $l.a > $r.a }).b": [
        3,
        1,
        2,
    ],
    "$sort([3, 1, 2], function($l, $r) { $l - $r })": [1, 2, 3],
    "$sort(['b', 'a'])": ["a", "b"],
    "$states.input.objects^(>a).a": [2, 1],
    # time
    "$now()": "2025-01-01T00:00:00.000Z",
    "$millis()": 1735689600000,
    "$toMillis('2018-02-03T11:15:33.1234567Z')": 1517656533123,
    "$toMillis('2018-02-03T11:15:33+01:00')": 1517652933000,
    "$toMillis('2018')": 1514764800000,
    "$fromMillis($millis())": "2025-01-01T00:00:00.000Z",
    # $states and variables
    "$states.context.State.Name": "S",
    "$states": {"input": DATA, "context": {"State": {"Name": "S"}}},
    "$keys($states)": ["input", "context"],
    "$y & $x": "text1",
    "($x := 5; $x + 1)": 6,
    "$variable := 1": 1,
    "$merge([$object, {'a': 2}]).a": 2,
    # what AWS adds
    "$partition([0], 3)": [[0]],
    "$partition([1, 2, 3], 2.9)": [[1, 2], [3]],
    "$partition([1, 2])": [[1, 2]],
    "$range(1, 9, 9)": 1,
    "$range(1, 9, 4)": [1, 5, 9],
    "$range(-1.7, 2, 1)": [-1, 0, 1, 2],
    "$range(3, 1, -1)": [3, 2, 1],
    "$hash('a', 'MD5')": "0cc175b9c0f1b6a831c399e269772661",
    "$hash('', 'SHA-1')": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "$random(42)": 0.7275636800328681,
    "$parse('{\"a\": [1.0, null]}')": {"a": [1, None]},
    "$parse('null')": None,
    "$base64decode(' YQ ')": "a",
    "$map(['1', '[2]'], $parse)": [1, [2]],
    "$contains('hello$world', /^hello\\ /)": False,
    "$replace('ab', /(?<first>a)/, '$1$1')": "aab",
}


@pytest.mark.parametrize("text", VALUES, ids=str)
def test_values(text):
    assert same(evaluated(text), VALUES[text])


NOTHING = [
    "$missing", "$states.input.missing", "$states.input.text.a", "$states.input.nil.a", "$states.result",
    "$missing + 1", "1 < $missing", "-$missing", "$x ? $missing", "()", "$states.input.list[9]",
    "$states.input.none.a", "$partition([], 2)", "$partition([1], 0)", "$partition($missing, 1)",
    "$range(1, 3)", "$range(1, 3, -1)", "$range(1, 3, 0)", "$hash('a')", "$parse($missing)",
    "$map([], function($v) { $v })", "[1..0][0]",
]  # fmt: skip


@pytest.mark.parametrize("text", NOTHING, ids=str)
def test_undefined(text):
    assert failure(text) == " returned nothing (undefined)."


@pytest.mark.parametrize("text", ["$base64decode('!!!')", "$base64decode('a')"])
def test_what_the_evaluator_of_aws_stumbles_over(text):
    """Measured on AWS, a fresh UUID each time: github.com/floci-io/floci/issues/2736."""
    said = r" threw an internal error during evaluation\. [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.fullmatch(said, failure(text))


@pytest.mark.parametrize("text", ["$sum", "function($v) { $v }", "[$sum]", "{'a': $uuid}", "/a/"], ids=str)
def test_functions_are_no_results(text):
    assert failure(text) == " returned an unsupported result type."


ERRORS = {
    "$eval('1')": ". T1006: Attempted to invoke a non-function",
    "$randomSeeded(1)": ". T1006: Attempted to invoke a non-function",
    "$x()": ". T1006: Attempted to invoke a non-function",
    "'a' - 1": '. T2001: The left side of the "-" operator must evaluate to a number',
    "1 + null": '. T2002: The right side of the "+" operator must evaluate to a number',
    "(0 / 0) + 1": '. T2001: The left side of the "+" operator must evaluate to a number',
    "(1 / 0) + 1": ". D1001: Number out of range: null",
    "-'a'": '. D1002: Cannot negate a non-numeric value: "a"',
    "1 < 'a'": '. T2009: The values 1 and "a" either side of operator "<" must be of the same data type',
    "null < 1": '. T2010: The expressions either side of operator "<" '
    "must evaluate to numeric or string values",
    "{1: 2}": ". T1003: Key in object structure must evaluate to a string; got: 1",
    "{'a': 1, 'a': 2}": '. D1009: Multiple key definitions evaluate to same key: "a"',
    "$abs('x')": '. T0410: Argument 1 of function "abs" does not match function signature',
    "$length(null)": '. T0410: Argument 1 of function "length" does not match function signature',
    "$lookup({}, null)": '. T0410: Argument 2 of function "lookup" does not match function signature',
    "true and $lookup({}, null)": '. T0410: Argument 2 of function "and" does not match function signature',
    "$sum('x')": '. T0412: Argument 1 of function "sum" must be an array of "numbers"',
    "$merge([1])": '. T0412: Argument 1 of function "merge" must be an array of "objects"',
    "$number('abc')": '. D3030: Unable to cast value to a number: "abc"',
    "$number('1_0')": '. D3030: Unable to cast value to a number: "1_0"',
    "$error('boom')": ". D3137: boom",
    "$replace('a', '', 'b')": ". D3010: Second argument of replace function cannot be an empty string",
    "$replace('a', 'b', 'c', -1)": (
        ". D3011: Fourth argument of replace function must evaluate to a positive number"
    ),
    "$formatBase(10, 50)": (
        ". D3100: The radix of the formatBase function must be between 2 and 36.  It was given 50"
    ),
    "$decodeUrl('%')": '. D3140: Malformed URL passed to $decodeUrl(): "%"',
    "$decodeUrlComponent('%C3')": '. D3140: Malformed URL passed to $decodeUrlComponent(): "%C3"',
    "$sift({'a': 1})": ". T1006: Attempted to invoke a non-function",
    "$assert(false, 'no')": ". D3141: no",
    "[1..1e8]": ". D2014: The size of the sequence allocated by the range operator (..) must not exceed 1e6."
    "  Attempted to allocate 100000000.",
    "$partition('x', 2)": '. T0412: Argument 1 of function "partition" must be an array of undefined',
    "$partition([1], -1)": ". D3137: Second argument must be zero or greater",
    "$partition([1], 'x')": '. T0410: Argument 2 of function "partition" does not match function signature',
    "$partition([1], 2, 3)": '. T0410: Argument 3 of function "partition" does not match function signature',
    "$range(1, 'x', 1)": '. T0410: Argument 2 of function "range" does not match function signature',
    "$range(1, true, 1)": '. T0410: Argument 2 of function "range" does not match function signature',
    "$hash(1, 'MD5')": '. T0410: Argument 1 of function "hash" does not match function signature',
    "$hash('a', 'md5')": ". D3137: Hash algorithm 'md5' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5",
    "$parse('')": ". D3137: Invalid JSON",
    "$parse('1 2')": ". D3137: Invalid JSON",
    "$parse('NaN')": ". D3137: Invalid JSON",
    '$parse(\'{"a":1,"a":2}\')': ". D3137: Invalid JSON",
    "$parse(1)": '. T0410: Argument 1 of function "parse" does not match function signature',
    "$uuid(1)": '. T0410: Argument 1 of function "uuid" does not match function signature',
    "$toMillis('2018-02-03 11:15:33')": ". D3110: The argument of the toMillis function must be an ISO 8601"
    ' formatted timestamp. Given "2018-02-03 11:15:33"',
}


@pytest.mark.parametrize("text", ERRORS, ids=str)
def test_errors(text):
    assert failure(text) == " threw an error during evaluation" + ERRORS[text]


def test_the_cause_quotes_the_expression_trimmed_and_names_the_field():
    evaluate = jsonata.compile_template({"a": [0, {"b": "{%   $doesNotExist  %}"}]}, "Output")
    with pytest.raises(Failed) as failed:
        evaluate({}, environment())
    assert failed.value.location == "Output/a[1]/b"
    assert failed.value.cause == (
        "The JSONata expression '$doesNotExist' specified for the field 'Output/a[1]/b' "
        "returned nothing (undefined)."
    )


# Limits.

NESTING = {
    "terms": lambda n: "+".join(["1"] * (n + 1)),
    "parentheses": lambda n: "(" * n + "1" + ")" * n,
    "brackets": lambda n: "[" * n + "1" + "]" * n,
    "chains": lambda n: "1" + " ~> $string()" * n,
}


@pytest.mark.parametrize("shape", sorted(NESTING))
def test_depth_is_limited_as_on_aws(shape):
    assert evaluated(NESTING[shape](99)) is not None
    assert failure(NESTING[shape](100)) == f" threw an error during evaluation: {jsonata_library.STACK}"


def test_recursion_is_limited_as_on_aws():
    recursive = "($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(%d))"
    assert evaluated(recursive % 31) == 31
    assert failure(recursive % 32).endswith(jsonata_library.STACK)


def test_depth_is_not_used_up_by_iterations():
    assert evaluated("$count($map([1..150], function($v) { {'a': $v, 'b': [1, 2]} }))") == 150


@pytest.mark.parametrize(
    ("text", "result"),
    [("$count([1..873782])", 873782), ("$count($range(1, 360145, 1))", 360145)],
)
def test_the_longest_sequences(text, result):
    assert evaluated(text) == result


DOUBLING = "; ".join(f"$v{n + 1} := [[$v{n}], [$v{n}]]" for n in range(40))


@pytest.mark.parametrize(
    "text",
    [
        "[1..873783]",
        "$range(1, 360146, 1)",
        "$range(1, 1e18, 1)",
        "$reduce([1..30], function($a, $b) { $a & $a }, 'x')",
        f"($v0 := 1; {DOUBLING})",
        f"$string(($v0 := 1; {DOUBLING}))",
    ],
    ids=["sequence", "range", "long range", "doubled text", "doubled list", "printed list"],
)
def test_memory_is_limited(text):
    expected = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
    assert failure(text) == f" threw an error during evaluation: {expected}"


@pytest.mark.parametrize(
    "text",
    ["($f := function() { $f() }; $f())", f"$match('{'a' * 40}b', /^(a+)+$/)"],
    ids=["endless", "regular expression"],
)
def test_what_runs_away_is_ended(text, monkeypatch):
    monkeypatch.setattr(jsonata_library, "TIME_LIMIT", 0.05)
    assert failure(text) == f" threw an error during evaluation: {jsonata_library.TIMEOUT}"


def in_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_other_threads_evaluate_too_and_refuse_a_pattern_that_no_alarm_would_stop():
    assert in_thread(lambda: evaluated("$map([1, 2], function($v) { $v + $x })")) == [2, 3]
    assert in_thread(lambda: failure("$match('aab', /^(a+)+$/)")).endswith(jsonata_library.TIMEOUT)


def test_other_users_of_the_library_notice_nothing():
    import jsonata as library

    theirs = library.Jsonata("$eval('1 + 1') ?? 7 in [true]")
    evaluated("$map([1], function($v) { $v })")
    assert library.Jsonata.CURRENT.jsonata is theirs
    assert theirs.evaluate(None) == library.Jsonata("2").evaluate(None)


def test_the_recursion_limit_stays():
    code = (
        "import sys; before = sys.getrecursionlimit(); from sfnbook.query.jsonata import program; "
        "program('1'); print(sys.getrecursionlimit() == before)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "True"


# Chance and time.


def test_chance_depends_on_seed_field_and_call_alone():
    text = "[$random(), $random(), $uuid()]"
    first, again = (jsonata.compile_expression(text, "Output")({}, environment()) for _ in range(2))
    assert first == again
    assert first[0] != first[1]
    assert 0 <= first[0] < 1
    assert jsonata.compile_expression(text, "Assign/a")({}, environment())[0] != first[0]
    assert jsonata.compile_expression(text, "Output")({}, environment(seed=2))[0] != first[0]
    assert sorted(evaluated("$shuffle([1, 2, 3])")) == [1, 2, 3]


def test_the_context_object_is_built_only_for_those_who_read_it():
    def build():
        raise AssertionError("nobody asked")

    blind = Environment({"x": 1}, build, hash_bits, 0)
    for text in ("$states.input.a", "$map([1], function($v) { $v + $states.input.a })", "$x"):
        assert jsonata.compile_expression(text, "Output")({"input": {"a": 1}}, blind) in (1, 2)


# Templates and types.


def test_template_evaluates_strings_anywhere_and_copies_nothing_else():
    constant = {"c": [1, " {% $x %} ", "$x"]}
    template = {"a": "{% $x %}", "b": [constant, "{% $states.input.n %}"], "d": None}
    before = copied(template)
    result = jsonata.compile_template(template, "Output")({"input": DATA}, environment(VARIABLES))
    assert result == {"a": 1, "b": [constant, 2], "d": None}
    assert list(result) == list(template)
    assert result["b"][0] is constant
    assert template == before
    assert jsonata.compile_template(constant, "Output")({}, environment()) is constant


@pytest.mark.parametrize(
    ("expected", "text", "mismatch"),
    [
        ("array", "'string'", "Expected 'array', but was 'string' for value: \"string\""),
        ("array", "1", "Expected 'array', but was 'number' for value: 1"),
        ("array", "true", "Expected 'array', but was 'boolean' for value: true"),
        ("array", "null", "Expected 'array', but was 'null' for value: null"),
        ("array", "{'foo': 'bar'}", "Expected 'array', but was 'object' for value: {\"foo\":\"bar\"}"),
        ("boolean", "1", "Expected 'boolean', but was 'number' for value: 1"),
        ("number", "true", "Expected 'number', but was 'boolean' for value: true"),
        ("string", "[1, 2]", "Expected 'string', but was 'array' for value: [1,2]"),
        ("integer", "'1'", "Expected 'number', but was 'string' for value: \"1\""),
    ],
)
def test_typed_refuses(expected, text, mismatch):
    evaluate = jsonata.typed(jsonata.compile_expression(text, "Items"), expected, f"{{% {text} %}}", "Items")
    with pytest.raises(Failed) as failed:
        evaluate({}, environment())
    assert failed.value.location == "Items"
    assert failed.value.cause == (
        f"The JSONata expression '{text}' specified for the field 'Items' "
        f"returned an unexpected result type. {mismatch}"
    )


@pytest.mark.parametrize(
    ("expected", "text", "value"),
    [
        ("array", "[1]", [1]),
        ("number", "1.5", 1.5),
        ("integer", "4 / 2", 2),
        ("object", "{}", {}),
        ("boolean", "1 = 1", True),
    ],
)
def test_typed_lets_pass(expected, text, value):
    evaluate = jsonata.typed(jsonata.compile_expression(text, "F"), expected, text, "F")
    assert evaluate({}, environment()) == value


def test_typed_integer_has_no_fraction():
    evaluate = jsonata.typed(jsonata.compile_expression("1.5", "Seconds"), "integer", "1.5", "Seconds")
    with pytest.raises(Failed, match=r"cannot be parsed as an integer: 1\.5"):
        evaluate({}, environment())


# Definition time.

SYNTAX = {
    "a[1,2)": 'Expected "]", got ","',
    '"unterminated': "String literal must be terminated by a matching quote",
    "1 +": "Unexpected end of expression",
    '{"a":}': 'The symbol "}" cannot be used as a unary operator',
    "$x :=": "Unexpected end of expression",
    '$match("a", /abc': "No terminating / in regular expression",
    "phone %.other": 'The symbol "." cannot be used as a unary operator',
    "": "Unexpected end of expression",
    "$a ?? 1": 'The symbol "?" cannot be used as a unary operator',
    "$a ?: 1": 'The symbol ":" cannot be used as a unary operator',
    "1 /": "Unexpected end of expression",
    "$a ! 1": 'Unknown operator: "!"',
    "1 /* x": "Comment has no closing tag",
    "$a.1": "The literal value 1 cannot be used as a step within a path expression",
}


@pytest.mark.parametrize("text", SYNTAX, ids=repr)
def test_syntax_errors(text):
    found = jsonata_check.check(text, allow_result=True, allow_error_output=True)
    assert found == [("INVALID_JSONATA_EXPRESSION", SYNTAX[text])]
    with pytest.raises(DefinitionError, match="INVALID_JSONATA_EXPRESSION"):
        jsonata.compile_expression(text, "Output")


@pytest.mark.parametrize("text", ["'a ?? b'", "$x ? 1 : 2", "$f(?, 1)", "/* ?: */ 1", "$x ? 1"], ids=repr)
def test_what_only_looks_like_a_later_operator(text):
    assert jsonata_check.check(text, allow_result=True, allow_error_output=True) == []


def top_level(name):
    return f"Reference to '{name}' at the top level is not supported."


REFUSED = {
    "phone": [top_level("phone")],
    "phone[0]": [top_level("phone")],
    "aaa + bbb + aaa": [top_level("aaa"), top_level("bbb")],
    "$.phone": [top_level("$")],
    "$": [top_level("$")],
    "$$": ["Reference to '$$' is not supported."],
    "{aaa: bbb}": [top_level("aaa"), top_level("bbb")],
    "[aaa, -bbb]": [top_level("aaa"), top_level("bbb")],
    "$map($states.input.a, function($v) { b })": [top_level("b")],
    "$f(aaa) ~> $g": [top_level("aaa")],
    "aaa ? bbb : ccc": [top_level("aaa"), top_level("bbb"), top_level("ccc")],
    "($v := aaa; bbb)": [top_level("aaa"), top_level("bbb")],
    "$states.errorOutput.Cause": ["Field '$states.errorOutput' does not exist."],
    "$states.result": ["Field '$states.result' does not exist."],
    "$states.inputs.a": ["Field '$states.inputs' does not exist."],
    "$states.input.items[value > 3]": [],
    "$states.input.a.(b)": [],
    "$states.input.a^(b)": [],
    "$states.input.a{b: c}": [],
    "$map($states.input.a, function($v) { $v.b })": [],
    "$states.context.Execution.Id": [],
    "$states": [],
    "$undefined": [],
}


@pytest.mark.parametrize("text", REFUSED, ids=str)
def test_unsupported_expressions(text):
    found = jsonata_check.check(f"{{% {text} %}}", allow_result=False, allow_error_output=False)
    assert found == [("UNSUPPORTED_JSONATA_EXPRESSION", message) for message in REFUSED[text]]


def test_result_and_error_output_where_they_are():
    text = "{% [$states.result, $states.errorOutput] %}"
    assert jsonata_check.check(text, allow_result=True, allow_error_output=True) == []
    assert len(jsonata_check.check(text, allow_result=True, allow_error_output=False)) == 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("$states.input.a", set()),
        ("$a + $b[$c = 1].x.($d)", {"a", "b", "c", "d"}),
        ("$map($items, function($v, $i) { $v + $i + $n })", {"items", "n"}),
        ("($x := $y; $x)", {"y"}),
        ("$items@$i#$p.{'a': $i, 'b': $p}", {"items"}),
        ("$sum($now())", set()),
    ],
)
def test_variables_in(text, names):
    assert jsonata_check.variables_in(f"{{% {text} %}}") == names


def test_deep_text_is_refused_or_checked_but_never_crashes():
    deep = "(" * 2000 + "1" + ")" * 2000
    assert jsonata_check.check(deep, allow_result=True, allow_error_output=True) in (
        [],
        [("INVALID_JSONATA_EXPRESSION", jsonata_library.STACK)],
    )


# The closures agree with the library.

LEAVES = st.sampled_from(
    ["0", "1", "-2", "2.5", "1e308", "9007199254740993", "''", "'a'", "'[1]'", "true", "false", "null"]
    + ["$x", "$y", "$z", "$list", "$object", "$missing", "$sum", "$states.context.State.Name"]
    + [f"$states.input.{key}" for key in DATA]
    + [
        "$states.input.object.a.b",
        "$states.input.objects.a",
        "$states.input.`nil`",
        "$states.input.nested[1]",
    ]
    + [
        "$states.input.one[0]",
        "$list[-1]",
        "$object.deep.b[0]",
        "$states.input.n[0]",
        "$states.input.list[1].a",
    ]
)
OPERATORS = ["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "=", "!=", "and", "or", "&", "in"]


def grown(inner):
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("-{}".format, inner),
        st.builds("({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("({} ? {})".format, inner, inner),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.builds("{{'a': {}, {}: {}}}".format, inner, st.sampled_from(["'b'", "'a'", "$y", "$x"]), inner),
        st.builds(
            "${}({})".format, st.sampled_from(["merge", "count", "exists", "boolean", "not", "string"]), inner
        ),
    )


EXPRESSIONS = st.recursive(LEAVES, grown, max_leaves=6)
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.sampled_from(["", "a", "1"])
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


def both(text, states, variables):
    parsed = jsonata.program(text)
    assume(parsed.plain is not None)
    env = environment(variables)
    try:
        quick = parsed.plain(states, env)
    except NotPlain:
        assume(False)
    given_states = {**states, "context": env.context} if parsed.reads_context else states
    slow = jsonata_library.evaluate(parsed.tree, given_states, env, parsed.names, "Output")
    return quick, slow


def agree(quick, slow):
    if quick is UNDEFINED or slow is UNDEFINED:
        return quick is slow
    if isinstance(quick, list) and isinstance(slow, list):
        return len(quick) == len(slow) and all(map(agree, quick, slow))
    if isinstance(quick, dict) and isinstance(slow, dict):
        return list(quick) == list(slow) and all(agree(quick[key], slow[key]) for key in quick)
    return quick == slow and isinstance(quick, bool) is isinstance(slow, bool)


@given(EXPRESSIONS)
def test_closures_agree_with_the_library_over_expressions(text):
    quick, slow = both(text, {"input": DATA}, VARIABLES)
    assert agree(quick, slow), text


SHAPES = [
    "$states.input", "$states.input.a", "$states.input.a.b", "$states.input.a[0]", "$states.input.a[1].b",
    "$states.input[0].a[-1]", "$x", "$x.a", "$x[0]", "$x.a.b", "[$x, $states.input.a]", "[[$x], $x]",
    "{'k': $x, 'l': $states.input.a.b}", "$x + $states.input", "$x = $states.input", "$x != $states.input.a",
    "$x < $states.input", "$x & $states.input.a", "$x and $states.input", "$x or $states.input.a", "-$x",
    "$x % $states.input", "$x ? 'yes' : 'no'", "$merge([$x, $states.input])", "$merge($x)", "$count($x)",
    "$string($x)", "$boolean($x)", "$not($states.input.a)", "$exists($x.a)", "$states",
]  # fmt: skip


@given(st.sampled_from(SHAPES), ANY_JSON, ANY_JSON)
def test_closures_agree_with_the_library_over_data(text, value, variable):
    assert jsonata.program(text).plain is not None
    before = copied([value, variable])
    quick, slow = both(text, {"input": value}, {"x": variable})
    assert agree(quick, slow), text
    assert [value, variable] == before


@given(st.sampled_from([*VALUES, *ERRORS]))
def test_payloads_are_never_changed(text):
    before = copied([DATA, VARIABLES])
    with contextlib.suppress(Failed):
        evaluated(text)
    assert same([DATA, VARIABLES], before)


@given(st.text(alphabet="$abx.[](){}'\"/*?:;,=<>&|^%@#~ 1-+\\`", max_size=20))
def test_any_text_is_an_expression_or_a_diagnostic(text):
    found = jsonata_check.check(text, allow_result=True, allow_error_output=True)
    if found and found[0][0] == jsonata.INVALID:
        with pytest.raises(DefinitionError):
            jsonata.compile_expression(text, "Output")
    else:
        assert jsonata.compile_expression(text, "Output") is not None


# What AWS was recorded doing.


def recorded():
    """(id, input, output template, output or cause) of the single Pass states with an Output."""
    for file in sorted((SHARED / "conformance/cases/execution").glob("*/*.json")):
        case = json.loads(file.read_text())
        machine = case.get("definition", {})
        if "ql:JSONata" not in case.get("features", ()) or len(machine.get("States", ())) != 1:
            continue
        (state,) = machine["States"].values()
        chancy = any(name in json.dumps(state) for name in ("context", "$random(", "$uuid", "<"))
        if state["Type"] == "Pass" and "Output" in state and not chancy and not case.get("wildcards"):
            yield pytest.param(case, state, id=case["id"].rpartition("/")[2])


@pytest.mark.parametrize(("case", "state"), list(recorded()))
def test_recorded_outputs(case, state):
    evaluate = jsonata.compile_template(state["Output"], "Output")
    expect = case["expect"]
    try:
        output = evaluate({"input": case.get("input")}, environment())
    except Failed as failed:
        assert expect["status"] == "FAILED"
        assert expect["cause"].endswith(failed.cause)  # noqa: PT017
    else:
        assert (expect["status"], expect["output"]) == ("SUCCEEDED", output)


def texts(value):
    if jsonata.is_expression(value):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from texts(child)


def test_every_recorded_expression_is_accepted():
    refused = {}
    for file in sorted((SHARED / "conformance/cases/execution").glob("*/*.json")):
        for text in texts(json.loads(file.read_text()).get("definition")):
            problems = jsonata_check.check(text, allow_result=True, allow_error_output=True)
            refused |= {text: problems} if problems else {}
    assert refused == {}


@pytest.mark.benchmark
def test_benchmark_workloads(capsys):
    """Prints microseconds per evaluation of the two JSONata workloads."""
    import timeit

    folder = SHARED / "bench/workloads"
    chain = json.loads((folder / "jsonata_chain_500.json").read_text())
    rows = {
        "chain": (chain["definition"]["States"]["S0"]["Output"], chain["input"], {}),
        "count + 1": ("{% $count + 1 %}", {}, {"count": 5}),
        "count < limit": ("{% $count < $states.input.limit %}", {"limit": 9}, {"count": 5}),
    }
    for name, (text, value, variables) in rows.items():
        evaluate, env = jsonata.compile_expression(text, "Output"), environment(variables)
        best = min(
            timeit.repeat(lambda e=evaluate, v=value, n=env: e({"input": v}, n), number=2000, repeat=5)
        )
        with capsys.disabled():
            print(f"{name}: {best / 2000 * 1e6:.2f} us")  # noqa: T201
    assert len(rows) == 3
