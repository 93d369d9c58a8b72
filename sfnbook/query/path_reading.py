"""Definite steps and a document -> one value, with Jayway's rules and, word for word, its messages.

Names and indexes walk down; only as the last step do several names (one object) and a path
function stand here too.  What a path finds from its first indefinite step on is
`path_search`'s affair.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sfnbook.query.path_syntax import Step


class NotFound(Exception):  # noqa: N818 - the name that Jayway gives it
    """A path found nothing; the text is Jayway's."""


def descend(document: Json, steps: Sequence[Step], stop: int | None = None) -> Json:
    """The one value that definite steps find; ``stop`` is the place of the first indefinite one.

    >>> from sfnbook.query.path_syntax import parse
    >>> descend({"a": [1, 2, 3]}, parse("$.a[-1]").steps)
    3
    >>> descend({}, parse("$.a").steps)
    Traceback (most recent call last):
    ...
    sfnbook.query.path_reading.NotFound: No results for path: $['a']
    """
    value = document
    for position in range(len(steps) if stop is None else stop):
        value = _DESCEND[steps[position].kind](value, steps, position)
    return value


def _name(value: Json, steps: Sequence[Step], position: int) -> Json:
    name = steps[position].argument
    if type(value) is not dict:
        refuse(value, steps, position)
    if name not in value:
        _missing(steps, position)
    return value[name]


def _index(value: Json, steps: Sequence[Step], position: int) -> Json:
    refuse(value, steps, position)
    index = steps[position].argument
    if not -len(value) <= index < len(value):
        raise NotFound(f"No results for path: {_whole(steps)}")
    return value[index]


def _merge(value: Json, steps: Sequence[Step], position: int) -> Json:
    refuse(value, steps, position)
    return merged(value, steps[position].argument)


def merged(value: dict[str, Json], names: Iterable[str]) -> dict[str, Json]:
    """What Jayway makes of several names at the end of a path: one object.

    >>> merged({"a": 1, "b": 2, "c": 3}, ("c", "none", "a"))
    {'c': 3, 'a': 1}
    """
    return {name: value[name] for name in names if name in value}


def _function(value: Json, steps: Sequence[Step], position: int) -> Json:
    return FUNCTIONS[steps[position].argument](value)


_DESCEND: Final[dict[str, Callable[[Json, Sequence[Step], int], Json]]] = {
    "name": _name,
    "index": _index,
    "merge": _merge,
    "function": _function,
}

# What a step can be applied to; the others take anything.
_NEEDS_OBJECT: Final = frozenset({"name", "merge", "names"})
_NEEDS_ARRAY: Final = frozenset({"index", "indexes", "slice", "span"})


def refuse(value: Json, steps: Sequence[Step], position: int) -> None:
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


# --- functions at the end of a path ---------------------------------------------------------------


def _numbers(value: Json) -> list[float]:
    found = [float(item) for item in value if kind_of(item) == "number"] if type(value) is list else []
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


# --- kinds of value, and Java's words for them ----------------------------------------------------

_KINDS: Final = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    type(None): "null",
    list: "json",
    dict: "json",
}


def kind_of(value: Any) -> str:
    """What Jayway compares a value as; the empty text for what is no JSON value.

    >>> kind_of(True), kind_of(1.5), kind_of([]), kind_of(...)
    ('boolean', 'number', 'json', '')
    """
    return _KINDS.get(type(value), "")


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
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(java_text, value)) + "]"
    return text(value)
