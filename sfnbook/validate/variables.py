"""Rules about variables: their names, who may assign them, and where JSONPath fields read them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from sfnbook.query.templates import variables_of
from sfnbook.validate.problems import Problem, Problems
from sfnbook.validate.walk import blocks, entries, is_jsonpath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json

MAX_NAME: Final = 80


def variables(machine: Json) -> Problems:
    """Every problem of the names in Assign."""
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


_INNER: Final = frozenset({"ItemProcessor", "Iterator", "Branches"})


def variable_references(definition: Json) -> dict[str, list[str]]:
    """State -> the variables that its JSONPath fields read, as DescribeStateMachine lists them.

    >>> variable_references({"States": {"A": {"Type": "Pass", "InputPath": "$order.id"}}})
    {'A': ['order']}
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for block in blocks(definition):
        for name, state, _ in block.states():
            if is_jsonpath(state, definition):
                own = {field: value for field, value in state.items() if field not in _INNER}
                found[name].update(*map(variables_of, _evaluated(own)))
    return {name: sorted(read) for name, read in found.items() if read}


def _evaluated(value: Json) -> Iterator[str]:
    """The texts within a JSONPath state that are evaluated: by the name of their field."""
    if isinstance(value, list):
        for item in value:
            yield from _evaluated(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(item, str):
                yield from _evaluated(item)
            elif name.endswith((".$", "Path")) or name == "Variable":
                yield item
