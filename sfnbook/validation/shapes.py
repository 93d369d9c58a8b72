"""Which fields an object of the States Language has: the one rule behind most tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sfnbook.definition import JSONATA, JSONPATH
from sfnbook.source import PLACEHOLDER
from sfnbook.validation.problems import (
    Check,
    Problem,
    Problems,
    Scope,
    names,
    required,
    unsupported,
    wrong_type,
)
from sfnbook.values import Json

Rule: TypeAlias = Callable[[dict[str, Json], str, Scope], Problems]
"""A rule about several fields of one object."""


@dataclass(frozen=True, slots=True)
class Field:
    """How the value of a field is checked, and the one query language that has it (None: both)."""

    check: Check
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one kind of object; what must be there, and what excludes each other."""

    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()
    exactly_one: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()
    rules: tuple[Rule, ...] = ()

    def check(self, value: Json, pointer: str, scope: Scope) -> Problems:
        """Every problem of an object: unknown, missing and exclusive fields, then each value."""
        if not isinstance(value, dict):
            yield wrong_type("[OBJECT]", pointer)
            return
        yield from self._strangers(value, pointer, scope)
        yield from self._groups(value, pointer)
        for rule in self.rules:
            yield from rule(value, pointer, scope)
        for name, item in value.items():
            field = self.fields.get(name)
            if field and field.language in (None, scope.language) and not is_unfilled(item):
                yield from field.check(item, f"{pointer}/{name}", scope)

    def _strangers(self, value: dict[str, Json], pointer: str, scope: Scope) -> Problems:
        for name in value:
            field = self.fields.get(name)
            if field is None:
                yield unsupported(name, pointer or "/")
            elif field.language not in (None, scope.language) and not scope.downgraded:
                yield Problem(
                    f"The QueryLanguage is set to '{scope.language}', but field '{name}' is only supported "
                    f"for the '{field.language}' QueryLanguage",
                    pointer,
                )

    def _groups(self, value: dict[str, Json], pointer: str) -> Problems:
        if missing := [name for name in self.required if name not in value]:
            yield required(missing, pointer or "/")
        for group in self.exactly_one + self.at_most_one:
            given = sum(name in value and not (name == "End" and value[name] is False) for name in group)
            if given > 1:
                yield Problem(f"There should only be one of the following fields: {names(group)}", pointer)
            elif not given and group in self.exactly_one:
                yield Problem(
                    f"This object should have only one of the following fields: {names(group)}", pointer
                )


def is_unfilled(value: Any) -> bool:
    """A string with a ``${Placeholder}`` is judged when it has been filled, not before."""
    return isinstance(value, str) and "${" in value and PLACEHOLDER.search(value) is not None


def both(check: Check) -> Field:
    return Field(check)


def path_only(check: Check) -> Field:
    return Field(check, JSONPATH)


def jsonata_only(check: Check) -> Field:
    return Field(check, JSONATA)
