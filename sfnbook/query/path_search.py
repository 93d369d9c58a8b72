"""Any steps and a document -> what they find; from the first indefinite step on by jsonpath-ng.

The steps become one tree of the library's nodes.  Nodes of our own stand in it only where Jayway
answers otherwise: the steps in `_OWN`, and the comparisons that are not in `_AGREED`.
"""

from __future__ import annotations

import re
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook.query.path_reading import NotFound, descend, kind_of, merged, refuse
from sfnbook.query.path_syntax import DEFINITE, Condition, Operand, Step
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Datum: TypeAlias = Any
"""The library's wrapping of a value, which knows what contains it, up to the document (its `$`)."""

Node: TypeAlias = Any
"""What has `find`, from a datum to data.  One that tests an item finds anything, or nothing."""


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

    find = _tree(This(), steps[first:]).find

    def read(document: Json) -> list[Json]:
        start = descend(document, steps, first)
        refuse(start, steps, first)
        return [hit.value for hit in find(DatumInContext(start, context=DatumInContext(document)))]

    return read


def _tree(node: Node, steps: Iterable[Step]) -> Node:
    from jsonpath_ng import Child, Descendants  # noqa: PLC0415
    from jsonpath_ng.ext.parser import parse  # noqa: PLC0415

    for step in steps:
        scan = step.kind == "scan"
        inner: Step = step.argument if scan else step
        own = _OWN.get(inner.kind)
        right = own(inner.argument, scan) if own else parse(_words(inner))
        node = Descendants(node, right) if scan else Child(node, right)
    return node


def _words(step: Step) -> str:
    if step.kind not in {"name", "names"}:
        return step.fragment
    names = [step.argument] if step.kind == "name" else step.argument
    quoted = ("'" + re.sub(r"(['\\])", r"\\\1", name) + "'" for name in names)
    return f"[{','.join(quoted)}]"


# --- steps that Jayway does otherwise -------------------------------------------------------------


def _node(find: Callable[[Datum], list[Datum]]) -> Node:
    return SimpleNamespace(find=find)


def _under(datum: Datum, values: Iterable[Json]) -> list[Datum]:
    return [type(datum)(value, context=datum) for value in values]


def _merge(names: Sequence[str], scan: bool, datum: Datum) -> list[Datum]:
    """The library lists the values of several names.  After `..` Jayway wants all of them there."""
    value = datum.value
    if type(value) is not dict or (scan and not all(name in value for name in names)):
        return []
    return _under(datum, [merged(value, names)])


def _span(limits: tuple[int, int], datum: Datum) -> list[Datum]:
    """The library counts negative limits from the end; Jayway goes from one to the other by index."""
    length = len(datum.value) if type(datum.value) is list else 0
    indexes = range(max(limits[0], -length), min(limits[1], length))
    return _under(datum, [datum.value[index] for index in indexes])


def _filter(test: Node, scan: bool, datum: Datum) -> list[Datum]:
    """The library asks what is in an object, Jayway the object itself; after `..`, an array too."""
    if type(datum.value) is dict:
        return [datum] if test.find(datum) else []
    if type(datum.value) is not list or (scan and not test.find(datum)):
        return []
    return [item for item in _under(datum, datum.value) if test.find(item)]


_OWN: Final[dict[str, Callable[[Any, bool], Node]]] = {
    "merge": lambda names, scan: _node(partial(_merge, names, scan)),
    "span": lambda limits, _scan: _node(partial(_span, limits)),
    "filter": lambda condition, scan: _node(partial(_filter, _test(condition), scan)),
}


# --- filters --------------------------------------------------------------------------------------


def _test(test: Condition) -> Node:
    return _TESTS.get(test.operator, _comparison)(test)


def _joined(test: Condition) -> Node:
    from jsonpath_ng.ext.filter import And, Or  # noqa: PLC0415

    return (And if test.operator == "and" else Or)(map(_test, test.left))


def _negated(test: Condition) -> Node:
    find = _test(test.left).find
    return _node(lambda datum: [] if find(datum) else [datum])


_TESTS: Final[dict[str, Callable[[Condition], Node]]] = {
    "and": _joined,
    "or": _joined,
    "not": _negated,
    "exists": lambda test: _side(test.left),
}

# The right sides for which the library compares as Jayway does.  Its `<=` holds of any two equal
# values, and of two paths that find nothing; its `==` does not take 1 for "1", which is a numeral.
_AGREED: Final = (
    dict.fromkeys(("==", "!="), ("boolean", "null", "string"))
    | dict.fromkeys(("<=", ">="), ("number", "string", "numeral"))
    | dict.fromkeys(("<", ">"), ("number", "string", "numeral", "boolean", "null", "json", "path", ""))
)


def _comparison(test: Condition) -> Node:
    left, kind = _side(test.left), _kind(test.right)
    if kind in _AGREED.get(test.operator, ()):
        from jsonpath_ng.ext.filter import Expression  # noqa: PLC0415

        return Expression(left, test.operator, _side(test.right) if kind == "path" else test.right.value)
    right, relation = _side(test.right), RELATIONS[test.operator]
    return _node(lambda datum: [datum] if relation(_found(left, datum), _found(right, datum)) else [])


def _kind(side: Operand) -> str:
    kind = "path" if side.kind in {"item", "root"} else kind_of(side.value)
    return "numeral" if kind == "string" and _as_number(side.value) is not None else kind


def _side(side: Operand) -> Node:
    """What finds the value of one side, or nothing."""
    from jsonpath_ng import Child, Root, This  # noqa: PLC0415

    if side.kind not in {"item", "root"}:
        return _node(lambda datum: _under(datum, [side.value]))
    start = This() if side.kind == "item" else Root()
    if all(step.kind in {"name", "index"} for step in side.value):
        return _tree(start, side.value)
    # What an indefinite path finds is one list for Jayway, and found even when it is empty.
    return Child(start, _node(partial(_whole, reader(side.value))))


def _whole(read: Callable[[Json], Json], datum: Datum) -> list[Datum]:
    try:
        return _under(datum, [read(datum.value)])
    except NotFound:
        return []


def _found(side: Node, datum: Datum) -> Any:
    return next((hit.value for hit in side.find(datum)), _UNDEFINED)


# --- comparisons that the library has not, or decides otherwise -----------------------------------

_UNDEFINED: Final = object()


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
    "<=": lambda left, right: _ordered(left, right) and left <= right,
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
