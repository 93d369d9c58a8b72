"""Payload templates (Parameters, ResultSelector, ItemSelector, Assign ...) -> closures.

A key that ends in ``.$`` holds a path or an intrinsic function; everything else is constant.  A
template is compiled to a frame that holds its constant part, in the order of its keys, and the
few places to fill in: filling copies the frame and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook.errors import RUNTIME, Failed
from sfnbook.query import intrinsics, paths
from sfnbook.query.environment import Environment, Evaluate
from sfnbook.query.path_syntax import PathProblem, UnsupportedPath, parse
from sfnbook.values import Json, escape_pointer, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Place: TypeAlias = str | int
Filling: TypeAlias = tuple[Place, Evaluate]

_DYNAMIC: Final = ".$"


def compile_template(template: Json, *, field: str = "Parameters") -> Evaluate:
    """A closure that fills the template in; a template without paths is given out as it is.

    >>> from sfnbook.query.environment import Environment
    >>> env = Environment({"limit": 5}, dict, lambda purpose: 0, 0)
    >>> compile_template({"id.$": "$.order", "max.$": "$limit", "tag": "x"})({"order": 7}, env)
    {'id': 7, 'max': 5, 'tag': 'x'}
    """
    return _compile(template, field) or (lambda _value, _env: template)


def compile_value(expression: str, field: str, *, place: str = "") -> Evaluate:
    """One ``.$`` value: a path, a context path, a variable or an intrinsic function.

    ``field`` is the name for causes, ``place`` where the field stands, for random draws.
    """
    if intrinsics.is_intrinsic(expression):
        return intrinsics.compile_intrinsic(expression, place or field)
    return paths.compile_lookup(expression, lambda _told, searched: _not_found(expression, field, searched))


def _not_found(expression: str, field: str, searched: Json) -> Failed:
    return Failed(
        RUNTIME,
        f"The JSONPath '{expression}' specified for the field '{field}' could not be found in the input "
        f"'{text(searched)}'",
    )


def _compile(node: Json, place: str) -> Evaluate | None:
    """None for a constant, which then stays in the frame of what contains it."""
    if isinstance(node, dict):
        return _compile_object(node, place)
    return _compile_array(node, place) if isinstance(node, list) else None


def _compile_object(node: dict[str, Json], place: str) -> Evaluate | None:
    frame: dict[str, Json] = {}
    fillings: list[Filling] = []
    for key, value in node.items():
        name, evaluate = _compile_entry(key, value, f"{place}/{escape_pointer(key)}")
        frame[name] = value if evaluate is None else None
        if evaluate:
            fillings.append((name, evaluate))
    return _fill(frame, fillings)


def _compile_entry(key: str, value: Json, place: str) -> tuple[str, Evaluate | None]:
    if not key.endswith(_DYNAMIC):
        return key, _compile(value, place)
    name = key.removesuffix(_DYNAMIC)
    problem = _type_problem(key, value)
    return name, paths.raising(Failed(RUNTIME, problem)) if problem else compile_value(
        value, key, place=place
    )


def _compile_array(node: list[Json], place: str) -> Evaluate | None:
    compiled = [_compile(item, f"{place}/{index}") for index, item in enumerate(node)]
    fillings: list[Filling] = [(index, evaluate) for index, evaluate in enumerate(compiled) if evaluate]
    return _fill(list(node), fillings)


# --- filling in: closures for one to three places, since nearly all templates have no more -------


def _fill(frame: Any, fillings: list[Filling]) -> Evaluate | None:
    if not fillings:
        return None
    return _FILL.get(len(fillings), _fill_many)(frame, fillings)


def _fill_one(frame: Any, fillings: list[Filling]) -> Evaluate:
    ((place, evaluate),) = fillings

    def fill(value: Json, env: Environment) -> Json:
        filled = frame.copy()
        filled[place] = evaluate(value, env)
        return filled

    return fill


def _fill_two(frame: Any, fillings: list[Filling]) -> Evaluate:
    (first, evaluate_first), (second, evaluate_second) = fillings

    def fill(value: Json, env: Environment) -> Json:
        filled = frame.copy()
        filled[first] = evaluate_first(value, env)
        filled[second] = evaluate_second(value, env)
        return filled

    return fill


def _fill_three(frame: Any, fillings: list[Filling]) -> Evaluate:
    (first, evaluate_first), (second, evaluate_second), (third, evaluate_third) = fillings

    def fill(value: Json, env: Environment) -> Json:
        filled = frame.copy()
        filled[first] = evaluate_first(value, env)
        filled[second] = evaluate_second(value, env)
        filled[third] = evaluate_third(value, env)
        return filled

    return fill


def _fill_many(frame: Any, fillings: list[Filling]) -> Evaluate:
    def fill(value: Json, env: Environment) -> Json:
        filled = frame.copy()
        for place, evaluate in fillings:
            filled[place] = evaluate(value, env)
        return filled

    return fill


_FILL: Final[dict[int, Callable[[Any, list[Filling]], Evaluate]]] = {
    1: _fill_one,
    2: _fill_two,
    3: _fill_three,
}


# --- questions about a template -------------------------------------------------------------------


def check(template: Json, pointer: str) -> list[tuple[str, str]]:
    """What is wrong with a template: (pointer of the object that holds the field, AWS's text).

    >>> check({"n.$": "count"}, "/States/A/Parameters")[0][1]
    "The value for the field 'n.$' must be a valid JSONPath or a valid intrinsic function call"
    """
    found: list[tuple[str, str]] = []
    for where, node in _objects(template, pointer):
        for key, value in node.items():
            problem = _problem(key, value) if key.endswith(_DYNAMIC) else None
            if problem:
                found.append((where, problem))
            elif key + _DYNAMIC in node:
                found.append(
                    (where, f"The field '{key}' is given twice: as '{key}' and as '{key}{_DYNAMIC}'")
                )
    return found


def variables_in(template: Json) -> set[str]:
    """The variables that a template reads.

    >>> variables_in({"a": [{"b.$": "$order.id"}]})
    {'order'}
    """
    found: set[str] = set()
    for _, node in _objects(template, ""):
        for key, value in node.items():
            if key.endswith(_DYNAMIC) and isinstance(value, str):
                found |= variables_of(value)
    return found


def variables_of(expression: str) -> set[str]:
    """The variables that one ``.$`` value reads."""
    if intrinsics.is_intrinsic(expression):
        return intrinsics.variables_in(expression)
    return paths.variables_in(expression)


def _objects(node: Json, pointer: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every object of a template that is not itself inside a ``.$`` value, outer ones first."""
    if isinstance(node, dict):
        yield pointer, node
        for key, value in node.items():
            if not key.endswith(_DYNAMIC):
                yield from _objects(value, f"{pointer}/{escape_pointer(key)}")
    elif isinstance(node, list):
        for index, item in enumerate(node):
            yield from _objects(item, f"{pointer}[{index}]")


def _problem(key: str, value: Json) -> str | None:
    if problem := _type_problem(key, value):
        return problem
    if intrinsics.is_intrinsic(value):
        wrong = intrinsics.check(value) is not None
    else:
        try:
            wrong = not parse(value)
        except UnsupportedPath as unsupported:
            return f"The value for the field '{key}' cannot be simulated: {unsupported}"
        except PathProblem:
            wrong = True
    if wrong:
        return f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"
    return None


def _type_problem(key: str, value: Json) -> str | None:
    if isinstance(value, str):
        return None
    given = _TYPES[type(value)]
    return f"The value for the field '{key}' must be a STRING that contains a JSONPath but was {given}"


_TYPES: Final[dict[type, str]] = {
    dict: "an OBJECT",
    list: "an ARRAY",
    bool: "a BOOLEAN",
    int: "a NUMBER",
    float: "a NUMBER",
    type(None): "NULL",
}
