"""Rules about one value: its type, its range, its form."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from sfnbook.clock import parse_timestamp
from sfnbook.definition import JSONATA
from sfnbook.validation.problems import Check, Problem, Problems, Scope, names, wrong_type
from sfnbook.validation.queries import is_expression, jsonata
from sfnbook.validation.shapes import is_unfilled

if TYPE_CHECKING:
    from sfnbook.values import Json

MAX_SECONDS: Final = 99_999_999
EMPTY: Final = "Value cannot be empty"


def anything(_value: Json, _pointer: str, _scope: Scope) -> Problems:
    yield from ()


def string(value: Json, pointer: str, _scope: Scope) -> Problems:
    if not isinstance(value, str):
        yield wrong_type("[STRING]", pointer)


def name(value: Json, pointer: str, scope: Scope) -> Problems:
    """A string that says something: the name of a state, of an error."""
    if value == "":
        yield Problem(EMPTY, pointer)
    yield from string(value, pointer, scope)


def boolean(value: Json, pointer: str, _scope: Scope) -> Problems:
    if not isinstance(value, bool):
        yield wrong_type("[BOOLEAN]", pointer)


def integer(minimum: int, maximum: int | None = None) -> Check:
    """A whole number in a range.

    >>> [problem.message for problem in integer(1)(0, "/Seconds", Scope())]
    ['Minimum value is 1']
    """

    def check(value: Json, pointer: str, _scope: Scope) -> Problems:
        if not isinstance(value, int) or isinstance(value, bool):
            yield wrong_type("Integer", pointer)
        else:
            yield from _in_range(value, minimum, maximum, pointer)

    return check


def number(minimum: float, maximum: float | None = None) -> Check:
    """A number in a range, whose bounds AWS prints as it prints a double: 0.0."""

    def check(value: Json, pointer: str, _scope: Scope) -> Problems:
        if not isinstance(value, int | float) or isinstance(value, bool) or not _finite(value):
            yield wrong_type("Number", pointer)
        else:
            yield from _in_range(value, minimum, maximum, pointer)

    return check


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _in_range(value: float, minimum: float, maximum: float | None, pointer: str) -> Problems:
    if value < minimum:
        yield Problem(f"Minimum value is {minimum}", pointer)
    elif maximum is not None and value > maximum:
        yield Problem(f"Maximum value is {maximum}", pointer)


def one_of(*allowed: str) -> Check:
    def check(value: Json, pointer: str, scope: Scope) -> Problems:
        if not isinstance(value, str):
            yield from string(value, pointer, scope)
        elif value not in allowed:
            yield Problem(f"Value should be one of the following: {names(allowed)}", pointer)

    return check


def array_of(each: Check, *, filled: bool = True) -> Check:
    """An array, by default not an empty one, each element of which passes a check."""

    def check(value: Json, pointer: str, scope: Scope) -> Problems:
        if not isinstance(value, list):
            yield wrong_type("[ARRAY]", pointer)
            return
        if filled and not value:
            yield Problem(EMPTY, pointer)
        for index, item in enumerate(value):
            if not is_unfilled(item):
                yield from each(item, f"{pointer}[{index}]", scope)

    return check


def or_expression(check: Check) -> Check:
    """In a JSONata state a field may hold an expression instead of the value itself."""

    def either(value: Json, pointer: str, scope: Scope) -> Problems:
        if scope.language == JSONATA and is_expression(value):
            return jsonata(value, pointer, scope)
        return check(value, pointer, scope)

    return either


def timestamp(value: Json, pointer: str, scope: Scope) -> Problems:
    if not isinstance(value, str):
        yield from string(value, pointer, scope)
    elif not is_timestamp(value):
        yield Problem("String does not match RFC3339 timestamp", pointer)


def is_timestamp(text: str) -> bool:
    """Is it a time in the profile of RFC 3339 that the States Language wants?

    >>> is_timestamp("2016-03-14T01:59:00Z"), is_timestamp("2016-13-14T01:59:00Z")
    (True, False)
    """
    return parse_timestamp(text) is not None


_LABEL_FORBIDS: Final = re.compile(r'[\s?*<>{}\[\]:;,\\|^~$#%&`"\x00-\x1f\x7f-\x9f]')


def label(value: Json, pointer: str, scope: Scope) -> Problems:
    """The name of a Distributed Map's children: at most 40 characters, all of them harmless."""
    if not isinstance(value, str):
        yield from string(value, pointer, scope)
    elif len(value) > 40:
        yield Problem(
            f"Invalid Label name: {value} exceeds the 40-character limit allowed by the service",
            pointer,
            "INVALID_LABEL_NAME",
        )
    elif not value or _LABEL_FORBIDS.search(value):
        yield Problem(f"Invalid Label name: {value!r}", pointer, "INVALID_LABEL_NAME")
