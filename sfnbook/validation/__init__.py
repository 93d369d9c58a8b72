"""Definition -> diagnostics: every problem at once, in AWS's wording.

    problems.py    what a rule reports; AWS's sentences
    shapes.py      which fields an object has
    states.py      the tables of the machine and of the eight states
    policies.py    Retry, Catch, Choices, and the I/O of Distributed Maps
    checks.py      one value: type, range, form
    queries.py     paths, templates, conditions, JSONata
    resources.py   what a Task can call
    transitions.py the graph; names and labels
    variables.py   Assign; which state reads which variable
    hints.py       warnings

An error keeps a definition from being loaded, a warning does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook.definition import JSONATA, JSONPATH
from sfnbook.errors import DefinitionError, Diagnostic
from sfnbook.source import MAX_DEFINITION_BYTES, MAX_DEPTH, Source, deeper_than, read
from sfnbook.validation.hints import hints
from sfnbook.validation.problems import ERROR, SCHEMA, WARNING, Problem, Problems, Scope
from sfnbook.validation.states import MACHINE
from sfnbook.validation.transitions import transitions
from sfnbook.validation.variables import variable_references, variables

if TYPE_CHECKING:
    from sfnbook.values import Json

__all__ = ["diagnose", "validate", "variable_references"]

EXPRESS: Final = "EXPRESS"
Positions: TypeAlias = Callable[[str], tuple[int, int] | None]
"""Says where a location stands in the text."""

_LAST_STEP: Final = re.compile(r"(?:/[^/\[]*|\[[^\[]*|.)\Z", re.DOTALL)


def validate(source: Any, *, workflow_type: str | None = None) -> list[Diagnostic]:
    """Every problem of a definition; takes what `source.read` takes, and any JSON value.

    >>> for diagnostic in validate('{"StartAt": "A", "States": {"A": {"Type": "Succeed", "End": true}}}'):
    ...     print(diagnostic)
    ERROR SCHEMA_VALIDATION_FAILED: Field 'End' is not supported at /States/A (line 1, column 34)
    """
    if not isinstance(source, str | Path | Mapping | Source):
        return diagnose(source, workflow_type=workflow_type or "STANDARD")
    try:
        given = read(source)
    except DefinitionError as unreadable:
        return unreadable.diagnostics
    found = diagnose(given.data, given.position, workflow_type=workflow_type or given.type or "STANDARD")
    return found + list(_of_text(given))


def diagnose(
    data: Json,
    positions: Positions | None = None,
    *,
    workflow_type: str = "STANDARD",
) -> list[Diagnostic]:
    """Every problem of a definition's JSON; ``positions`` says where a location stands in its text.

    >>> [diagnostic.message for diagnostic in diagnose({"StartAt": "A"})]
    ['These fields are required: [States]']
    """
    return [_diagnostic(problem, positions) for problem in _problems(data, workflow_type)]


def _problems(data: Json, workflow_type: str) -> Problems:
    if not isinstance(data, dict):
        yield Problem("Definition must be a valid JSON object", None)
    elif deeper_than(data, MAX_DEPTH):
        yield Problem("The states are too deeply nested", None, "TOO_DEEPLY_NESTED")
    else:
        language = JSONPATH if data.get("QueryLanguage", JSONPATH) == JSONPATH else JSONATA
        scope = Scope(machine=language, language=language, express=workflow_type == EXPRESS)
        yield from MACHINE.check(data, "", scope)
        for rule in (transitions, variables, hints):
            yield from rule(data)


def _diagnostic(problem: Problem, positions: Positions | None) -> Diagnostic:
    place = _place(positions, problem.pointer) if positions and problem.pointer is not None else None
    line, column = place or (None, None)
    return Diagnostic(
        problem.severity, problem.code, problem.message, problem.pointer, line, column, problem.hint
    )


def _place(positions: Positions, pointer: str) -> tuple[int, int] | None:
    """The place of a location, or of the nearest thing around it that the text has."""
    while not (place := positions(pointer)) and pointer:
        pointer = _LAST_STEP.sub("", pointer)
    return place


def _of_text(source: Source) -> Iterator[Diagnostic]:
    """What the values do not show any more: keys that occur twice, and the length."""
    if source.repeats:
        for pointer, (line, column) in source.positions.duplicates.items():
            yield Diagnostic(ERROR, *_repeated(pointer), pointer, line, column)
    if source.text is not None and len(source.text.encode("utf-8", "replace")) > MAX_DEFINITION_BYTES:
        yield Diagnostic(
            WARNING,
            SCHEMA,
            f"AWS takes definitions of at most {MAX_DEFINITION_BYTES} bytes; this one is longer",
        )


def _repeated(pointer: str) -> tuple[str, str]:
    """Code and message for a key that occurs twice in one object."""
    holder, _, name = pointer.rpartition("/")
    if holder.endswith("/States"):
        return "DUPLICATE_STATE_NAME", f"Duplicate State name: {name}"
    return "INVALID_JSON_DESCRIPTION", f"Duplicate field '{name}'"
