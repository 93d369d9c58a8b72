"""Warnings: what is legal and probably not meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sfnbook.validation.problems import WARNING, Problem, Problems
from sfnbook.validation.walk import blocks, is_jsonpath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json

_EVALUATES: Final = re.compile(r"\$(?:\$?\.[\w*.]|\$?\[).*|\$\$?|States\.[A-Z]\w*\(.*\)", re.DOTALL)
_TEMPLATES: Final = ("Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials")
_NESTED_TEMPLATES: Final = (
    ("ItemReader", "Parameters"),
    ("ItemBatcher", "BatchInput"),
    ("ResultWriter", "Parameters"),
)
_LITERALS: Final = ("Error", "Cause", "Timestamp")


def hints(machine: Json) -> Problems:
    """Every warning about a machine."""
    for block in blocks(machine):
        for _, state, where in block.states():
            if is_jsonpath(state, machine):
                yield from _no_dollar(state, where)
                yield from _static_result(state, where)
                yield from _no_path(state, where)


def _looks_evaluated(value: Json) -> bool:
    return isinstance(value, str) and _EVALUATES.fullmatch(value) is not None


def _no_dollar(state: dict[str, Json], where: str) -> Problems:
    templates = [(field, state.get(field)) for field in _TEMPLATES]
    for outer, inner in _NESTED_TEMPLATES:
        holder = state.get(outer)
        templates.append((f"{outer}/{inner}", holder.get(inner) if isinstance(holder, dict) else None))
    for field, template in templates:
        for name, value, end in _fields(template):
            if not name.endswith(".$") and _looks_evaluated(value):
                yield Problem(
                    f"The value of the field '{name}' looks like a path or an intrinsic function; it stays "
                    f"a plain text unless the field is called '{name}.$'",
                    f"{where}/{field}{end}",
                    "NO_DOLLAR",
                    WARNING,
                )


def _fields(value: Json, end: str = "") -> Iterator[tuple[str, Json, str]]:
    """Name, value and end of the pointer of every field within a template."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, item, f"{end}/{name}"
            yield from _fields(item, f"{end}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _fields(item, f"{end}[{index}]")


def _static_result(state: dict[str, Json], where: str) -> Problems:
    if state.get("Type") != "Pass":
        return
    for name, value, end in _fields({"Result": state.get("Result")}):
        if name.endswith(".$") or _looks_evaluated(value):
            yield Problem(
                f"The Result of a Pass state is given as it stands; '{name}' is not evaluated there, "
                "but it would be in Parameters",
                f"{where}{end}",
                "PASS_RESULT_IS_STATIC",
                WARNING,
            )


def _no_path(state: dict[str, Json], where: str) -> Problems:
    for name in _LITERALS:
        if _looks_evaluated(state.get(name)):
            yield _without_path(name, f"{where}/{name}")
    for name, value, end in _fields({"Choices": state.get("Choices")}):
        compares = ("Equals" in name or "Than" in name) and not name.endswith("Path")
        if compares and _looks_evaluated(value):
            yield _without_path(name, where + end)


def _without_path(name: str, pointer: str) -> Problem:
    return Problem(
        f"The value of the field '{name}' looks like a path; it stays a plain text unless the field is "
        f"called '{name}Path'",
        pointer,
        "NO_PATH",
        WARNING,
    )
