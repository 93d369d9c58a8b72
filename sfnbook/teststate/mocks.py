"""Does a mocked result have the form of the API's own answer?

The forms are in `tasks.shapes`.  An operation whose form is not known is not checked, because a
wrong refusal is worse than a late one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from sfnbook.errors import UsageError
from sfnbook.tasks.shapes import Shape, output_shape
from sfnbook.values import is_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.tasks.resources import Resource
    from sfnbook.values import Json


class ApiError(UsageError):
    """The TestState API refuses a request: ``code`` is AWS's name of the exception.

    >>> str(ApiError("ValidationException", "State not found in definition"))
    'ValidationException: State not found in definition'
    """

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{code}: {message}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.code, self.message))


def refuse(message: str, code: str = "ValidationException") -> NoReturn:
    """Raise an `ApiError`."""
    raise ApiError(code, message)


# --- the check --------------------------------------------------------------------------------------
TYPES: Final[dict[str, tuple[Callable[[Json], bool], str]]] = {
    "string": (lambda value: isinstance(value, str), "a string"),
    "number": (is_number, "a number"),
    "boolean": (lambda value: isinstance(value, bool), "a boolean"),
    "array": (lambda value: isinstance(value, list), "an array"),
    "object": (lambda value: isinstance(value, dict), "an object"),
    "map": (lambda value: isinstance(value, dict), "an object"),
    "any": (lambda _value: True, ""),
}
"""By kind: the test, and what AWS says that the field must be."""


def problem(value: Json, shape: Shape, name: str = "", *, strict: bool = True) -> str | None:
    """What is wrong with a value, in AWS's words, which name the innermost field; None: nothing.

    >>> from sfnbook.tasks.shapes import number_of, structure
    >>> problem({"Memory": 64}, structure(Memory=number_of(128)))
    "Field 'Memory' is less than the minimum value"
    """
    fits, expected = TYPES[shape.kind]
    if not fits(value):
        return f"Field '{name}' must be {expected}"
    if shape.kind in {"string", "number"}:
        return _out_of_bounds(value, shape, name)
    if shape.kind == "object":
        return _member_problem(value, shape, strict)
    if shape.item is None or shape.kind == "any":
        return None
    inner = value.items() if shape.kind == "map" else ((name, item) for item in value)
    return next(filter(None, (problem(item, shape.item, key, strict=strict) for key, item in inner)), None)


BOUNDS: Final = {
    "string": ("is smaller than the minimum length", "exceeds the maximum length"),
    "number": ("is less than the minimum value", "exceeds the maximum value"),
}


def _out_of_bounds(value: Any, shape: Shape, name: str) -> str | None:
    amount = len(value) if shape.kind == "string" else value
    below, above = BOUNDS[shape.kind]
    if shape.values and value not in shape.values:
        return f"Field '{name}' is not an expected value"
    if shape.low is not None and amount < shape.low:
        return f"Field '{name}' {below}"
    if shape.high is not None and amount > shape.high:
        return f"Field '{name}' {above}"
    return None


def _member_problem(value: dict[str, Json], shape: Shape, strict: bool) -> str | None:
    """Fields that the API does not have pass; one that is null counts as absent."""
    missing = [name for name in shape.required if value.get(name) is None]
    if strict and missing:
        return f"Required field '{missing[0]}' is missing"
    given = ((name, value.get(name), member) for name, member in shape.members.items())
    found = (problem(item, member, name, strict=strict) for name, item, member in given if item is not None)
    return next(filter(None, found), None)


def check_result(resource: Resource, result: Json, mode: str) -> None:
    """Refuse a mocked result that the service could not have given.

    >>> from sfnbook.tasks.resources import parse_resource
    >>> check_result(parse_resource("arn:aws:states:::states:startExecution"), {}, "PRESENT")
    >>> check_result(parse_resource("arn:aws:states:::states:startExecution"), {}, "STRICT")
    Traceback (most recent call last):
    ...
    sfnbook.teststate.mocks.ApiError: ValidationException: Mock result schema validation error: \
Required field 'ExecutionArn' is missing
    """
    shape = None if mode == "NONE" else output_shape(resource)
    if shape is None:
        return
    if not isinstance(result, dict):
        refuse("Mock result schema validation error: the result must be an object")
    found = problem(result, shape, strict=mode == "STRICT")
    if found:
        refuse(f"Mock result schema validation error: {found}")
