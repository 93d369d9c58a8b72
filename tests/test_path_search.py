"""Indefinite paths: what is left to jsonpath-ng, and that it answers there as Jayway does."""

from __future__ import annotations

import json
import operator
import subprocess
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.query import path_search
from sfnbook.query.path_syntax import parse

NAMES = st.sampled_from(["a", "b", "c"])


def read(path, document):
    return path_search.reader(parse(path).steps)(document)


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("$.a[*].b", 0),
        ("$['a','*'].b[0]", 0),
        ("$..a[1:][:2][0:1][0,-1]", 0),
        ("$[?(@.a < 1 || @.b > $.c && @.d == 'x')]", 1),
        ("$[?(@.a >= '1' && @ != null)]", 1),
        ("$[0:-1]", 1),
        ("$[*]['a','b']", 1),
        ("$[?(!@.a)]", 2),
        ("$[?(@.a == @.b)]", 2),
        ("$[?(@.a in [1])]", 3),
        ("$[?(@.a == 1)]", 3),
    ],
)
def test_nodes_of_our_own_stand_only_where_jayway_answers_otherwise(path, own, monkeypatch):
    made = []
    make = path_search._node
    monkeypatch.setattr(path_search, "_node", lambda find: made.append(find) or make(find))
    path_search.reader(parse(path).steps)
    assert len(made) == own


def test_jsonpath_ng_is_imported_for_indefinite_paths_only():
    code = (
        "import sys, sfnbook; from sfnbook.query.paths import compile_path as compiled\n"
        "for path in ('$', '$.a[0].b', \"$['a','b']\", '$.a.length()'): compiled(path)\n"
        "print('jsonpath_ng' in sys.modules); compiled('$[*]'); print('jsonpath_ng' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]


def children(value):
    return list(value.values()) if type(value) is dict else value if type(value) is list else []


def by_name(value, names):
    return [value[name] for name in names if name in value] if type(value) is dict else []


def by_index(value, indexes):
    return [value[i] for i in indexes if -len(value) <= i < len(value)] if type(value) is list else []


def by_slice(value, limits):
    return value[slice(*limits)] if type(value) is list else []


def everything(value):
    return [value, *(below for child in children(value) for below in everything(child))]


ORACLE_STEPS = {
    "name": lambda value, name: by_name(value, [name]),
    "names": by_name,
    "index": lambda value, index: by_index(value, [index]),
    "indexes": by_index,
    "slice": by_slice,
    "wildcard": lambda value, _none: children(value),
    "scan": lambda value, step: [
        hit for below in everything(value) for hit in ORACLE_STEPS[step[0]](below, step[1])
    ],
}
ODD_NAMES = NAMES | st.text(max_size=4)
SIMPLE = st.one_of(
    st.tuples(st.just("name"), ODD_NAMES),
    st.tuples(st.just("index"), st.integers(-3, 3)),
    st.tuples(st.just("indexes"), st.lists(st.integers(-3, 3), min_size=2, max_size=3)),
    st.tuples(st.just("slice"), st.tuples(st.integers(0, 3), st.integers(0, 3))),
    st.tuples(st.just("slice"), st.tuples(st.integers(-3, 3), st.none())),
    st.tuples(st.just("slice"), st.tuples(st.none(), st.integers(-3, 3))),
    st.tuples(st.just("wildcard"), st.none()),
)
NAMED = st.tuples(st.just("names"), st.lists(ODD_NAMES, min_size=2, max_size=3))
SCANNED = st.tuples(st.just("scan"), st.tuples(st.just("name"), ODD_NAMES))
ODD_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_NAMES, inner, max_size=3),
    max_leaves=12,
)


def quoted(name):
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def written(step):
    kind, argument = step
    if kind in {"name", "names"}:
        return "[" + ",".join(map(quoted, [argument] if kind == "name" else argument)) + "]"
    if kind in {"index", "indexes"}:
        return str([argument] if kind == "index" else argument)
    if kind == "slice":
        return "[" + ":".join("" if limit is None else str(limit) for limit in argument) + "]"
    return "[*]" if kind == "wildcard" else ".." + written(argument)


@given(ODD_VALUES, st.lists(SIMPLE | NAMED | SCANNED, max_size=3), SIMPLE, st.booleans())
def test_jsonpath_ng_finds_what_is_there_in_the_order_of_the_document(value, steps, last, scan):
    steps = [("wildcard", None), *steps, ("scan", last) if scan else last]
    expected = [value]
    for kind, argument in steps:
        expected = [hit for item in expected for hit in ORACLE_STEPS[kind](item, argument)]
    # A wildcard takes anything, so the path cannot fail.
    assert json.dumps(read("$" + "".join(map(written, steps)), value)) == json.dumps(expected)


COMPARED = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MISSING = object()
SCALARS = st.none() | st.booleans() | st.sampled_from([-1, 0, 1, 1.5, 10, "", "1", "10", "1.5", "a", "b'\\"])


def jayway_compares(left, symbol, right):
    """Texts and numbers are ordered among themselves and equal across; all else is equal or not."""
    kinds = {type(left), type(right)}
    if MISSING in (left, right):
        return symbol == "!="
    if kinds <= {int, float} or kinds == {str}:
        return COMPARED[symbol](left, right)
    if symbol in {"==", "!="}:
        return COMPARED[symbol](jayway_equates(left, right), True)
    return False


def jayway_equates(left, right):
    if type(left) in {int, float} and type(right) is str:
        with suppress(ValueError):
            return float(right) == left
        return False
    if type(left) is str and type(right) in {int, float}:
        return left == json.dumps(right)
    return type(left) is type(right) and left == right


def literal(value):
    return quoted(value) if isinstance(value, str) else json.dumps(value)


@given(st.lists(SCALARS, max_size=6), st.sampled_from(sorted(COMPARED)), SCALARS, st.booleans())
def test_filters_compare_as_jayway_does(values, symbol, right, to_path):
    items = [{"x": value} for value in values] + [{}]
    path = f"$.items[?(@.x {symbol} {'$.right' if to_path else literal(right)})]"
    expected = [item for item in items if jayway_compares(item.get("x", MISSING), symbol, right)]
    assert json.dumps(read(path, {"items": items, "right": right})) == json.dumps(expected)
