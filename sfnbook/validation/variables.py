"""Rules about variables: their names, who may assign them, and which states read them."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sfnbook.query import jsonata_check
from sfnbook.query.jsonata_library import NotJsonata
from sfnbook.query.templates import variables_of
from sfnbook.validation.problems import WARNING, Problem, Problems
from sfnbook.validation.queries import is_expression
from sfnbook.validation.shapes import is_unfilled
from sfnbook.validation.walk import blocks, entries, is_jsonpath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json

MAX_NAME: Final = 80


def variables(machine: Json) -> Problems:
    """Every problem of the names in Assign, and the reads of what nobody assigns."""
    assigned: defaultdict[str, set[str]] = defaultdict(set)
    for block in blocks(machine):
        taken: set[str] = set().union(*(assigned[outer] for outer in block.outer))
        for _, state, where in block.states():
            path_based = is_jsonpath(state, machine)
            for name, pointer in _assignments(state, where):
                variable = name.removesuffix(".$") if path_based else name
                assigned[block.pointer].add(variable)
                yield from _name(variable, pointer)
                if variable in taken:
                    yield Problem(
                        f"Variable '{variable}' is already assigned in an outer scope",
                        f"{pointer}/{name}",
                        "DUPLICATE_VARIABLE_NAME",
                    )
    for block in blocks(machine):
        visible: set[str] = set().union(*(assigned[scope] for scope in (*block.outer, block.pointer)))
        for _, state, where in block.states():
            read = _read_by_paths if is_jsonpath(state, machine) else _read_by_expressions
            for name in sorted(read(state, visible) - visible):
                yield Problem(
                    f"Variable '${name}' is read here, and no state in sight assigns it",
                    where,
                    "POSSIBLY_UNDEFINED_VARIABLE",
                    WARNING,
                )


def _assignments(state: dict[str, Json], where: str) -> Iterator[tuple[str, str]]:
    """Each name in an Assign of a state, of its rules and of its catchers, with the Assign's pointer."""
    holders = [(state, ""), *entries(state, "Choices"), *entries(state, "Catch")]
    for holder, end in holders:
        assign = holder.get("Assign")
        if isinstance(assign, dict):
            for name in assign:
                yield name, f"{where}{end}/Assign"


def _name(name: str, pointer: str) -> Problems:
    if name == "states":
        yield Problem("Cannot assign to reserved variable '$states'.", pointer, "RESERVED_VARIABLE_NAME")
    elif not name.isidentifier() or name.startswith("_"):
        yield Problem(
            f"Invalid variable name '{name}': the variable name contains invalid characters.",
            pointer,
            "INVALID_VARIABLE_NAME",
        )
    elif len(name) > MAX_NAME:
        yield Problem(
            f"Invalid variable name '{name}': the variable name exceeds {MAX_NAME} characters.",
            pointer,
            "INVALID_VARIABLE_NAME",
        )


# What other states evaluate, or nobody: a Pass gives its Result as it stands.
_NOT_READ: Final = frozenset({"ItemProcessor", "Iterator", "Branches", "Result"})
_TEMPLATES: Final = frozenset(
    {"Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials", "BatchInput"}
)


def variable_references(definition: Json) -> dict[str, list[str]]:
    """State -> the variables that its JSONPath fields read, as DescribeStateMachine lists them.

    >>> variable_references({"States": {"A": {"Type": "Pass", "InputPath": "$order.id"}}})
    {'A': ['order']}
    """
    return {
        name: sorted(read)
        for block in blocks(definition)
        for name, state, _ in block.states()
        if is_jsonpath(state, definition) and (read := _read_by_paths(state, set()))
    }


def _own(state: dict[str, Json]) -> dict[str, Json]:
    return {field: value for field, value in state.items() if field not in _NOT_READ}


def _read_by_paths(state: dict[str, Json], _known: set[str]) -> set[str]:
    return set().union(*map(variables_of, _evaluated(_own(state))))


def _evaluated(value: Json, *, template: bool = False) -> Iterator[str]:
    """The texts within a JSONPath state that are evaluated: by the name of their field."""
    if isinstance(value, list):
        for item in value:
            yield from _evaluated(item, template=template)
    elif isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(item, str):
                yield from _evaluated(item, template=template or name in _TEMPLATES)
            elif name.endswith(".$") or (not template and (name.endswith("Path") or name == "Variable")):
                yield item


# A name that is only called is a built-in function nearly always.
_READ: Final = re.compile(r"\$(\w+)\b(?!\s*\()")


def _read_by_expressions(state: dict[str, Json], known: set[str]) -> set[str]:
    """The variables besides ``known`` ones that a JSONata state reads."""
    found: set[str] = set()
    waiting: list[Json] = [_own(state)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict | list):
            waiting.extend(item.values() if isinstance(item, dict) else item)
        elif is_expression(item) and not is_unfilled(item):
            # A glance at the text spares most expressions the walk through their tree.
            glimpsed = set(_READ.findall(item)) - known - {"states"}
            found |= glimpsed and glimpsed & _variables_of_expression(item)
    return found


def _variables_of_expression(text: str) -> set[str]:
    try:
        return jsonata_check.variables_in(text)
    except (NotJsonata, RecursionError):
        return set()
