"""Any steps and a document -> what they find; the indefinite ones by jsonpath-ng.

A path becomes one tree of the library's nodes.  Nodes of our own stand in it where Jayway
answers otherwise: for several names that make one object, for whom a filter asks, and for the
comparisons that are not in `_AGREED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from sfnbook.query.path_reading import NotFound, descend, kind_of, merged, refuse
from sfnbook.query.path_syntax import DEFINITE, Condition, Operand, Step
from sfnbook.values import Json, text

Datum: TypeAlias = Any
"""A value of the library, which knows what contains it; `$` is what nothing contains."""


class Node(NamedTuple):
    """A node among the library's; as a part of a filter it finds anything or nothing."""

    find: Callable[[Datum], list[Datum]]


def reader(steps: Sequence[Step]) -> Callable[[Json], Json]:
    """What the steps find in a document: one value if they are definite, else a list.

    >>> from sfnbook.query.path_syntax import parse
    >>> reader(parse("$.a[?(@ > 1)]").steps)({"a": [1, 2, 3]})
    [2, 3]
    """
    first = next((place for place, step in enumerate(steps) if step.kind not in DEFINITE), None)
    if first is None:
        return lambda document: descend(document, steps)
    from jsonpath_ng import DatumInContext, This  # noqa: PLC0415 - not for `import sfnbook`

    find = _tree(steps[first:], This()).find

    def read(document: Json) -> list[Json]:
        start = descend(document, steps, first)
        refuse(start, steps, first)
        return [hit.value for hit in find(DatumInContext(start, context=DatumInContext(document)))]

    return read


def _tree(steps: Iterable[Step], start: Any) -> Any:
    from jsonpath_ng import Child, Descendants  # noqa: PLC0415
    from jsonpath_ng.ext import parse  # noqa: PLC0415

    for step in steps:
        scan = step.kind == "scan"
        kind, argument, _ = step.argument if scan else step
        node = parse(_WORDS[kind](argument)) if kind in _WORDS else _OWN[kind](argument, scan)
        start = Descendants(start, node) if scan else Child(start, node)
    return start


def _quoted(name: str) -> str:
    return "'" + name.replace("\\", r"\\").replace("'", r"\'") + "'"


def _limits(limits: tuple[int | None, int | None]) -> str:
    return ":".join("" if limit is None else str(limit) for limit in limits)


_WORDS: Final[dict[str, Callable[[Any], str]]] = {
    "name": lambda name: f"[{_quoted(name)}]",
    "names": lambda names: f"[{','.join(map(_quoted, names))}]",
    "index": lambda index: f"[{index}]",
    "indexes": lambda indexes: f"[{','.join(map(str, indexes))}]",
    "slice": lambda limits: f"[{_limits(limits)}]",
    "wildcard": lambda _none: "[*]",
}
"""The kinds of step for which the library is right, in its words."""


def _merge(names: Sequence[str], scan: bool) -> Node:
    """The library lists the values of several names.  After `..` Jayway wants all of them there."""

    def find(datum: Datum) -> list[Datum]:
        value = datum.value
        if type(value) is not dict or (scan and not all(name in value for name in names)):
            return []
        return [type(datum)(merged(value, names), context=datum)]

    return Node(find)


def _filter(condition: Condition, scan: bool) -> Node:
    """The library asks what is in an object, Jayway the object itself; after `..`, an array too."""
    test = _test(condition).find

    def find(datum: Datum) -> list[Datum]:
        if type(datum.value) is dict:
            return [datum] if test(datum) else []
        if type(datum.value) is not list or (scan and not test(datum)):
            return []
        items = [type(datum)(item, context=datum) for item in datum.value]
        return [item for item in items if test(item)]

    return Node(find)


_OWN: Final[dict[str, Callable[[Any, bool], Node]]] = {"merge": _merge, "filter": _filter}


# --- filters --------------------------------------------------------------------------------------

_UNDEFINED: Final = object()


def _test(test: Condition) -> Any:
    return _TESTS.get(test.operator, _comparison)(test)


def _holding(holds: Callable[[Datum], bool]) -> Node:
    return Node(lambda datum: [datum] if holds(datum) else [])


def _and(test: Condition) -> Any:
    from jsonpath_ng.ext.filter import And  # noqa: PLC0415

    return And(map(_test, test.left))


def _or(test: Condition) -> Any:
    from jsonpath_ng.ext.filter import Or  # noqa: PLC0415

    return Or(map(_test, test.left))


def _not(test: Condition) -> Node:
    find = _test(test.left).find
    return _holding(lambda datum: not find(datum))


def _exists(test: Condition) -> Any:
    if _is_plain(test.left):
        return _path(test.left)
    look = _side(test.left)
    return _holding(lambda datum: look(datum) is not _UNDEFINED)


_TESTS: Final[dict[str, Callable[[Condition], Any]]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "exists": _exists,
}

# Jayway's operator -> the library's, and the right sides for which the two agree: a `numeral` is
# a text that Jayway takes for a number.  `<=` of the library is also true of equal values without
# an order, and of two paths that find nothing.
_AGREED: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "==": ("==", frozenset({"boolean", "null", "string"})),
    "!=": ("!=", frozenset({"boolean", "null", "string"})),
    "===": ("==", frozenset({"boolean", "null", "string", "number", "numeral"})),
    "!==": ("!=", frozenset({"boolean", "null", "string", "number", "numeral"})),
    "<": ("<", frozenset({"string", "number", "numeral", "path"})),
    "<=": ("<=", frozenset({"string", "number", "numeral"})),
    ">": (">", frozenset({"string", "number", "numeral", "path"})),
    ">=": (">=", frozenset({"string", "number", "numeral"})),
}


def _comparison(test: Condition) -> Any:
    operator, kinds = _AGREED.get(test.operator, ("", ()))
    if _is_plain(test.left) and _side_kind(test.right) in kinds:
        from jsonpath_ng.ext.filter import Expression  # noqa: PLC0415

        right = test.right.value if test.right.kind == "literal" else _path(test.right)
        return Expression(_path(test.left), operator, right)
    left, relation, other = _side(test.left), RELATIONS[test.operator], _side(test.right)
    return _holding(lambda datum: relation(left(datum), other(datum)))


def _side_kind(side: Operand) -> str:
    if side.kind in {"item", "root"}:
        return "path" if _is_plain(side) else ""
    kind = kind_of(side.value)
    return "numeral" if kind == "string" and _as_number(side.value) is not None else kind


def _is_plain(side: Operand) -> bool:
    return side.kind in {"item", "root"} and all(step.kind in {"name", "index"} for step in side.value)


def _path(side: Operand) -> Any:
    from jsonpath_ng import Root, This  # noqa: PLC0415

    return _tree(side.value, This() if side.kind == "item" else Root())


def _side(side: Operand) -> Callable[[Datum], Any]:
    if side.kind not in {"item", "root"}:
        return lambda _datum: side.value
    start, read = _path(side._replace(value=())), reader(side.value)

    def look(datum: Datum) -> Any:
        try:
            return read(start.find(datum)[0].value)
        except NotFound:
            return _UNDEFINED

    return look


# --- comparisons that the library has not, or decides otherwise -----------------------------------


def _equal(left: Any, right: Any) -> bool:
    kinds = kind_of(left), kind_of(right)
    if kinds == ("number", "string"):
        return bool(_as_number(right) == left)
    if kinds == ("string", "number"):
        return bool(left == text(right))
    if "" in kinds or kinds[0] != kinds[1]:
        return False
    return text(left) == text(right) if kinds[0] == "json" else bool(left == right)


def _as_number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None


def _ordered(left: Any, right: Any) -> bool:
    return kind_of(left) == kind_of(right) and kind_of(left) in {"number", "string"}


def _matches(left: Any, right: Any) -> bool:
    if isinstance(left, re.Pattern):
        left, right = right, left
    if not isinstance(right, re.Pattern):
        return False
    candidates = left if type(left) is list else [left]
    return any(right.fullmatch(_subject(candidate)) for candidate in candidates)


def _subject(value: Any) -> str:
    if isinstance(value, str):
        return value
    return text(value) if kind_of(value) in {"number", "boolean"} else ""


def _among(value: Any, listed: Any) -> bool:
    return type(listed) is list and any(_equal(item, value) for item in listed)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return right in left
    return _among(right, left)


def _has_size(left: Any, right: Any) -> bool:
    return kind_of(right) == "number" and kind_of(left) in {"string", "json"} and len(left) == right


def _is_empty(left: Any, right: Any) -> bool:
    return isinstance(right, bool) and kind_of(left) in {"string", "json"} and (not left) == right


def _overlap(left: Any, right: Any) -> int | None:
    """How many of the left list are in the right one; None where they are not both lists."""
    if type(left) is not list or type(right) is not list:
        return None
    return sum(_among(item, right) for item in left)


RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "===": lambda left, right: kind_of(left) == kind_of(right) and _equal(left, right),
    "!==": lambda left, right: kind_of(left) != kind_of(right) or not _equal(left, right),
    "<": lambda left, right: _ordered(left, right) and left < right,
    "<=": lambda left, right: _ordered(left, right) and left <= right,
    ">": lambda left, right: _ordered(left, right) and left > right,
    ">=": lambda left, right: _ordered(left, right) and left >= right,
    "=~": _matches,
    "IN": _among,
    "NIN": lambda left, right: not _among(left, right),
    "CONTAINS": _contains,
    "SIZE": _has_size,
    "EMPTY": _is_empty,
    "ANYOF": lambda left, right: bool(_overlap(left, right)),
    "NONEOF": lambda left, right: _overlap(left, right) == 0,
    "SUBSETOF": lambda left, right: type(left) is list and _overlap(left, right) == len(left),
    "ALL": lambda left, right: type(right) is list and _overlap(right, left) == len(right),
}
