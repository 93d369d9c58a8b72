"""Steps and a document -> a value, with Jayway's rules and, word for word, its messages.

A path of definite steps finds one value or raises `NotFound`.  Any other finds a list, which
may be empty; only the definite steps before its first indefinite one must be there.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sfnbook.query.path_syntax import DEFINITE, Condition, Operand, Step
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


class NotFound(Exception):  # noqa: N818 - the name that Jayway gives it
    """A path found nothing; the text is Jayway's."""


def read(document: Json, steps: Sequence[Step]) -> Json:
    """What the steps find in a document.

    >>> from sfnbook.query.path_syntax import parse
    >>> read({"a": [1, 2, 3]}, parse("$.a[1:]").steps)
    [2, 3]
    >>> read({}, parse("$.a").steps)
    Traceback (most recent call last):
    ...
    sfnbook.query.path_reading.NotFound: No results for path: $['a']
    """
    value = document
    for position, step in enumerate(steps):
        if step.kind not in DEFINITE:
            _refuse(value, steps, position)
            return _read_many(value, steps[position:], document)
        value = DESCEND[step.kind](value, steps, position)
    return value


def _read_many(value: Json, steps: Iterable[Step], document: Json) -> list[Json]:
    values = [value]
    for step in steps:
        select = SELECT[step.kind]
        values = [hit for item in values for hit in select(item, step.argument, document)]
    return values


# --- one value: the definite steps ----------------------------------------------------------------


def _name(value: Json, steps: Sequence[Step], position: int) -> Json:
    name = steps[position].argument
    if type(value) is not dict:
        _refuse(value, steps, position)
    if name not in value:
        _missing(steps, position)
    return value[name]


def _index(value: Json, steps: Sequence[Step], position: int) -> Json:
    _refuse(value, steps, position)
    hits = list(_at_indexes(value, (steps[position].argument,), None))
    if not hits:
        raise NotFound(f"No results for path: {_whole(steps)}")
    return hits[0]


def _merge(value: Json, steps: Sequence[Step], position: int) -> Json:
    _refuse(value, steps, position)
    return {name: value[name] for name in steps[position].argument if name in value}


def _function(value: Json, steps: Sequence[Step], position: int) -> Json:
    return FUNCTIONS[steps[position].argument](value)


DESCEND: Final[dict[str, Callable[[Json, Sequence[Step], int], Json]]] = {
    "name": _name,
    "index": _index,
    "merge": _merge,
    "function": _function,
}

# What a step can be applied to; the others take anything.
_NEEDS_OBJECT: Final = frozenset({"name", "merge", "names"})
_NEEDS_ARRAY: Final = frozenset({"index", "indexes", "slice"})


def _refuse(value: Json, steps: Sequence[Step], position: int) -> None:
    """Raise if a step that must find something stands before a value of the wrong type."""
    step = steps[position]
    rest = "".join(later.fragment for later in steps[position:])
    if step.kind in _NEEDS_OBJECT and type(value) is not dict:
        raise NotFound(
            f"Expected to find an object with property {step.fragment} in path {_until(steps, position)} "
            f"but found '{_java_class(value)}'. This is not a json object according to the JsonProvider: "
            "'com.jayway.jsonpath.spi.json.JsonSmartJsonProvider'."
        )
    if step.kind in _NEEDS_ARRAY and value is None:
        raise NotFound(f"The path {_until(steps, position)} is null")
    if step.kind in _NEEDS_ARRAY and type(value) is not list:
        raise NotFound(
            f"Filter: {rest} can only be applied to arrays. Current context is: {java_text(value)}"
        )
    if step.kind == "filter" and type(value) not in {dict, list}:
        raise NotFound(
            f"Filter: {rest} can not be applied to primitives. Current context is: {java_text(value)}"
        )


def _missing(steps: Sequence[Step], position: int) -> NoReturn:
    if position == len(steps) - 1:
        raise NotFound(f"No results for path: {_whole(steps)}")
    raise NotFound(f"Missing property in path {_until(steps, position + 1)}")


def _whole(steps: Sequence[Step]) -> str:
    return "$" + "".join(step.fragment for step in steps)


def _until(steps: Sequence[Step], position: int) -> str:
    # A path that has been walked is printed with single quotes, however it was written.
    walked = (f"['{step.argument}']" if step.kind == "name" else step.fragment for step in steps[:position])
    return "$" + "".join(walked)


# --- several values: any step after an indefinite one ---------------------------------------------


def _at_name(value: Json, name: str, _document: Json) -> Iterable[Json]:
    return (value[name],) if type(value) is dict and name in value else ()


def _at_names(value: Json, names: tuple[str, ...], _document: Json) -> Iterable[Json]:
    return [value[name] for name in names if name in value] if type(value) is dict else ()


def _merged(value: Json, names: tuple[str, ...], _document: Json) -> Iterable[Json]:
    return ({name: value[name] for name in names if name in value},) if type(value) is dict else ()


def _at_index(value: Json, index: int, _document: Json) -> Iterable[Json]:
    return _at_indexes(value, (index,), None)


def _at_indexes(value: Json, indexes: Iterable[int], _document: Json) -> Iterable[Json]:
    if type(value) is not list:
        return ()
    return [value[index] for index in indexes if -len(value) <= index < len(value)]


def _sliced(value: Json, limits: tuple[int | None, int | None], _document: Json) -> Iterable[Json]:
    """Jayway counts one-sided limits from the end where negative, but not two-sided ones."""
    if type(value) is not list:
        return ()
    start, stop = limits
    if start is None or stop is None:
        return value[start:stop]
    return _at_indexes(value, range(start, min(stop, len(value))), None)


def _children(value: Json, _argument: None, _document: Json) -> Iterable[Json]:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list else ()


def _filtered(value: Json, test: Condition, document: Json) -> Iterable[Json]:
    if type(value) is dict:
        return (value,) if holds(test, value, document) else ()
    if type(value) is list:
        return [item for item in value if holds(test, item, document)]
    return ()


def _scanned(value: Json, inner: Step, document: Json) -> Iterable[Json]:
    select = SELECT[inner.kind]
    for container in _containers(value):
        if _eligible(container, inner, document):
            yield from select(container, inner.argument, document)


def _containers(value: Json) -> Iterator[Json]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            waiting.extend(reversed(value.values()))
        elif type(value) is list:
            waiting.extend(reversed(value))
        else:
            continue
        yield value


def _eligible(container: Json, inner: Step, document: Json) -> bool:
    if inner.kind == "merge":
        return type(container) is dict and all(name in container for name in inner.argument)
    if inner.kind == "filter":
        return holds(inner.argument, container, document)
    return True


SELECT: Final[dict[str, Callable[[Json, Any, Json], Iterable[Json]]]] = {
    "name": _at_name,
    "names": _at_names,
    "merge": _merged,
    "index": _at_index,
    "indexes": _at_indexes,
    "slice": _sliced,
    "wildcard": _children,
    "filter": _filtered,
    "scan": _scanned,
}


# --- functions at the end of a path ---------------------------------------------------------------


def _numbers(value: Json) -> list[float]:
    found = [float(item) for item in value if _kind(item) == "number"] if type(value) is list else []
    if not found:
        raise NotFound("Aggregation function attempted to calculate value using empty array")
    return found


def _deviation(value: Json) -> float:
    numbers = _numbers(value)
    mean = sum(numbers) / len(numbers)
    return math.sqrt(sum((number - mean) ** 2 for number in numbers) / len(numbers))


def _end(value: Json, index: int) -> Json:
    if type(value) is not list or not value:
        raise NotFound("Aggregation function attempted to calculate value using empty array")
    return value[index]


FUNCTIONS: Final[dict[str, Callable[[Json], Json]]] = {
    "length": lambda value: len(value) if type(value) in {dict, list} else None,
    "keys": lambda value: list(value) if type(value) is dict else None,
    "min": lambda value: min(_numbers(value)),
    "max": lambda value: max(_numbers(value)),
    "sum": lambda value: sum(_numbers(value)),
    "avg": lambda value: sum(_numbers(value)) / len(_numbers(value)),
    "stddev": _deviation,
    "first": lambda value: _end(value, 0),
    "last": lambda value: _end(value, -1),
}


# --- filters --------------------------------------------------------------------------------------

_UNDEFINED: Final = object()


def holds(test: Condition, item: Json, document: Json) -> bool:
    """Does a filter accept an item?"""
    logic = LOGIC.get(test.operator)
    if logic:
        return logic(test, item, document)
    left, right = _side(test.left, item, document), _side(test.right, item, document)
    return RELATIONS[test.operator](left, right)


def _exists(test: Condition, item: Json, document: Json) -> bool:
    return _side(test.left, item, document) is not _UNDEFINED


LOGIC: Final[dict[str, Callable[[Condition, Json, Json], bool]]] = {
    "or": lambda test, item, document: holds(test.left, item, document) or holds(test.right, item, document),
    "and": lambda test, item, document: (
        holds(test.left, item, document) and holds(test.right, item, document)
    ),
    "not": lambda test, item, document: not holds(test.left, item, document),
    "exists": _exists,
}


def _side(operand: Operand, item: Json, document: Json) -> Any:
    if operand.kind not in {"item", "root"}:
        return operand.value
    try:
        return read(item if operand.kind == "item" else document, operand.value)
    except NotFound:
        return _UNDEFINED


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "")


_KINDS: Final = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    type(None): "null",
    list: "json",
    dict: "json",
}


def _equal(left: Any, right: Any) -> bool:
    kinds = _kind(left), _kind(right)
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
    return _kind(left) == _kind(right) and _kind(left) in {"number", "string"}


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
    return text(value) if _kind(value) in {"number", "boolean"} else ""


def _among(value: Any, listed: Any) -> bool:
    return type(listed) is list and any(_equal(item, value) for item in listed)


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return right in left
    return _among(right, left)


def _has_size(left: Any, right: Any) -> bool:
    return _kind(right) == "number" and _kind(left) in {"string", "json"} and len(left) == right


def _is_empty(left: Any, right: Any) -> bool:
    return isinstance(right, bool) and _kind(left) in {"string", "json"} and (not left) == right


def _overlap(left: Any, right: Any) -> int | None:
    """How many of the left list are in the right one; None where they are not both lists."""
    if type(left) is not list or type(right) is not list:
        return None
    return sum(_among(item, right) for item in left)


RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "===": lambda left, right: _kind(left) == _kind(right) and _equal(left, right),
    "!==": lambda left, right: _kind(left) != _kind(right) or not _equal(left, right),
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


# --- Java's words ---------------------------------------------------------------------------------

_JAVA_CLASSES: Final = {
    str: "java.lang.String",
    bool: "java.lang.Boolean",
    int: "java.lang.Integer",
    float: "java.lang.Double",
    list: "net.minidev.json.JSONArray",
    dict: "java.util.LinkedHashMap",
    type(None): "null",
}


def _java_class(value: Json) -> str:
    return _JAVA_CLASSES.get(type(value), "java.lang.Object")


def java_text(value: Json) -> str:
    """A value as Java prints maps and lists; strings stand as they are.

    >>> java_text({"Arg1": 1, "Arg2": [None, "x y"]})
    '{Arg1=1, Arg2=[null, x y]}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return value if isinstance(value, str) else text(value)
