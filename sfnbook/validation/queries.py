"""Rules about what is evaluated at run time: paths, payload templates, conditions, JSONata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook.definition import JSONATA
from sfnbook.query import choice, intrinsics, jsonata_check, paths, templates
from sfnbook.validation.problems import WARNING, Check, Problem, Problems, Scope, wrong_type
from sfnbook.validation.shapes import is_unfilled

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.values import Json

_TOO_DEEP: Final = "The expression is nested too deeply"
_NO_REFERENCE: Final = "Value is not a Reference Path"
_OURS: Final = "by the simulator"  # how the query modules mark what they lack


def is_expression(value: Json) -> bool:
    """Does it begin as a JSONata expression does?  Whether it also ends so is judged apart.

    >>> is_expression("{% 1 %}"), is_expression(" {% 1 %}"), is_expression("{% 1")
    (True, False, True)
    """
    return isinstance(value, str) and value.startswith("{%")


def _said(check: Callable[..., list[tuple[str, str]]], where: str, *arguments: Any, **options: Any) -> Any:
    """What a checker of the query languages finds; ``where`` answers for one that got lost in depth."""
    try:
        return check(*arguments, **options)
    except RecursionError:
        return [(where, _TOO_DEEP)]


def _problem(message: str, pointer: str) -> Problem:
    """What AWS knows and sfnbook does not is no error of the definition: it fails when it is reached."""
    if _OURS in message:
        return Problem(message, pointer, "NOT_SIMULATED", WARNING)
    return Problem(message, pointer)


def path(*, null: bool = False) -> Check:
    def check(value: Json, pointer: str, _scope: Scope) -> Problems:
        if value is None and null:
            return
        if not isinstance(value, str):
            yield wrong_type("[STRING]", pointer)
        elif found := _complaint(paths.check, value):
            yield _problem(found if _OURS in found else "Value must be a valid JSONPath.", pointer)

    return check


def _complaint(check: Callable[[str], str | None], text: str) -> str | None:
    try:
        return check(text)
    except RecursionError:
        return _TOO_DEEP


def result_path(value: Json, pointer: str, scope: Scope) -> Problems:
    """Where a result goes: one place in the input, so nothing that can mean several, or none."""
    wrong = list(path(null=True)(value, pointer, scope))
    yield from wrong
    if wrong or value is None:
        return
    if value[1:2] not in ("", ".", "["):
        yield Problem(f"{_NO_REFERENCE}: neither the context object nor a variable can be set", pointer)
    elif not paths.is_reference_path(value):
        yield Problem(f"{_NO_REFERENCE}: it must name one single place", pointer)


def reference(value: Json, pointer: str, scope: Scope) -> Problems:
    """A path to one number in the state's input or in a variable; AWS takes no context object here."""
    wrong = list(path()(value, pointer, scope))
    yield from wrong
    if not wrong and value.startswith("$$"):
        yield Problem(f"{_NO_REFERENCE}: it must not read the context object", pointer)
    elif not wrong and not paths.is_reference_path(value):
        yield Problem(f"{_NO_REFERENCE}: it must name one single place", pointer)


def path_or_intrinsic(value: Json, pointer: str, scope: Scope) -> Problems:
    """ErrorPath and CausePath: a path, or an intrinsic function that makes a string."""
    if isinstance(value, str) and value.startswith("States."):
        if _complaint(intrinsics.check, value):
            yield Problem("Value must be a valid JSONPath or a valid intrinsic function call", pointer)
    else:
        yield from path()(value, pointer, scope)


def template(value: Json, pointer: str, scope: Scope) -> Problems:
    """A payload template, or in a JSONata state a value with expressions anywhere in it."""
    if scope.language == JSONATA:
        yield from jsonata(value, pointer, scope)
        return
    for where, message in _said(templates.check, pointer, _without_unfilled(value), pointer):
        yield _problem(message, where)


def assign(value: Json, pointer: str, scope: Scope) -> Problems:
    """The variables of an Assign: a template that is an object."""
    if isinstance(value, dict):
        yield from template(value, pointer, scope)
    else:
        yield wrong_type("[OBJECT]", pointer)


def _without_unfilled(value: Json) -> Json:
    """The same template without the fields that have a ``${Placeholder}`` for a value."""
    if isinstance(value, dict):
        return {name: _without_unfilled(item) for name, item in value.items() if not is_unfilled(item)}
    if isinstance(value, list):
        return [_without_unfilled(item) for item in value]
    return value


def jsonata(value: Json, pointer: str, scope: Scope) -> Problems:
    """Every expression within a value."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from jsonata(item, f"{pointer}/{name}", scope)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from jsonata(item, f"{pointer}[{index}]", scope)
    elif is_expression(value) and not is_unfilled(value):
        yield from _expression(value, pointer, scope)


def _expression(text: str, pointer: str, scope: Scope) -> Problems:
    if not text.endswith("%}") or len(text) < 4:
        yield Problem("JSONata string must start with {% and end with %}", pointer)
        return
    found = _said(
        jsonata_check.check,
        "INVALID_JSONATA_EXPRESSION",
        text,
        allow_result=scope.result,
        allow_error_output=scope.error_output,
    )
    for code, message in found:
        yield Problem(message, pointer, code)


def condition(value: Json, pointer: str, scope: Scope) -> Problems:
    """The Condition of a JSONata rule."""
    if is_expression(value):
        yield from jsonata(value, pointer, scope)
    elif not isinstance(value, bool):
        yield Problem("JSONata string must start with {% and end with %}", pointer)


def choice_rule(value: Json, pointer: str, _scope: Scope) -> Problems:
    """The comparison of a JSONPath rule, at any depth of And, Or and Not."""
    for where, message in _said(choice.check, pointer, value, pointer):
        # AWS has a sentence of its own here, where Jayway's would be "Path must start with '$'".
        yield _problem(message.replace("Path must start with", "Reference path didn't start with"), where)


def with_result(check: Check) -> Check:
    """In this field ``$states.result`` exists."""
    return lambda value, pointer, scope: check(value, pointer, scope._replace(result=True))


def with_error_output(check: Check) -> Check:
    """In this field ``$states.errorOutput`` exists, and ``$states.result`` does not."""
    return lambda value, pointer, scope: check(
        value, pointer, scope._replace(result=False, error_output=True)
    )
