"""What a rule reports, what it may know about its surroundings, and AWS's sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

from sfnbook.definition import JSONPATH
from sfnbook.values import Json

ERROR: Final = "ERROR"
WARNING: Final = "WARNING"
SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"


class Problem(NamedTuple):
    """One finding of a rule; ``pointer`` is the location as AWS writes it, None where it has none."""

    message: str
    pointer: str | None
    code: str = SCHEMA
    severity: str = ERROR
    hint: str = ""  # ours, beside AWS's words: what might be meant


class Scope(NamedTuple):
    """What a rule may know besides the value before it."""

    machine: str = JSONPATH
    """The query language of the whole machine, which states inherit (never that of a Map)."""
    language: str = JSONPATH
    """The query language of the state at hand."""
    downgraded: bool = False
    """A JSONPath state in a JSONata machine: AWS then says nothing about fields of the other language."""
    express: bool = False
    result: bool = False
    """May ``$states.result`` be read here?"""
    error_output: bool = False
    """May ``$states.errorOutput`` be read here?"""


Problems: TypeAlias = Iterator[Problem]
Check: TypeAlias = Callable[[Json, str, Scope], Problems]
"""A rule about one value, at a location."""


def names(fields: object) -> str:
    """A list of names as AWS prints it.

    >>> names(["Next", "End"])
    '[Next, End]'
    """
    return f"[{', '.join(map(str, fields))}]"  # type: ignore[call-overload]


def wrong_type(expected: str, pointer: str) -> Problem:
    """AWS writes Integer and Number bare, the other types in brackets and capitals."""
    return Problem(f"Expected value of type {expected}", pointer)


def required(fields: object, pointer: str) -> Problem:
    return Problem(f"These fields are required: {names(fields)}", pointer)


def unsupported(field: str, pointer: str) -> Problem:
    return Problem(f"Field '{field}' is not supported", pointer)
