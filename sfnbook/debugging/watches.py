"""Watch expressions: what a JSONata expression or a path says where the debugger stands."""

from __future__ import annotations

from collections import UserDict
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sfnbook.errors import DefinitionError, Failed, UsageError
from sfnbook.query import intrinsics, jsonata, paths, templates
from sfnbook.values import Json, copied

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.query.environment import Environment, Evaluate


class Watches(UserDict[str, str]):
    """Expressions by name; `values` evaluates them on the input of the state that is next.

    An expression is JSONata (it reads ``$states.input`` and variables), or a path or an intrinsic
    function as in JSONPath states.

    >>> import sfnbook
    >>> from sfnbook.debugger import Debugger
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> debugger = Debugger(machine, {"items": [1, 2]})
    >>> debugger.watches["count"] = "$count($states.input.items)"
    >>> debugger.watches["first"] = "$.items[0]"
    >>> debugger.watches.values()
    {'count': 2, 'first': 1}
    """

    def __init__(
        self, look: Callable[[], tuple[Json, Environment]], tell: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__()
        self._look, self._tell = look, tell

    def __setitem__(self, name: str, expression: str) -> None:
        if not isinstance(expression, str):
            raise UsageError(f"{expression!r} is no expression: give text.")
        compiled(expression)
        self.data[name] = expression
        self._tell()

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._tell()

    def values(self) -> dict[str, Json]:  # type: ignore[override] # the values of the expressions, by name
        """What each expression gives now; None where it gives nothing."""
        return {name: result.value for name, result in self.results().items()}

    def results(self) -> dict[str, Result]:
        """What each expression gives now, or why it gives nothing."""
        if not self.data:
            return {}
        data, environment = self._look()
        return {name: result_of(expression, data, environment) for name, expression in self.data.items()}


class Result(NamedTuple):
    """The value of an expression; without one, why."""

    value: Json
    problem: str | None = None


def result_of(expression: str, data: Json, environment: Environment) -> Result:
    """The value of an expression on an input, if it has one."""
    try:
        return Result(copied(compiled(expression)(data, environment)))
    except Failed as problem:
        return Result(None, problem.cause or problem.error)


@lru_cache(maxsize=256)
def compiled(expression: str) -> Evaluate:
    """A closure over the raw input of a state; UsageError for what is no expression at all.

    >>> compiled("1 +")
    Traceback (most recent call last):
    ...
    sfnbook.errors.UsageError: '1 +' is neither a path nor JSONata: Unexpected end of expression
    """
    is_path = paths.is_path(expression) and not expression.startswith("$states")
    if is_path or intrinsics.is_intrinsic(expression):
        return templates.compile_value(expression, "watch")
    evaluate = compiled_jsonata(expression)
    return lambda data, environment: evaluate({"input": data}, environment)


def compiled_jsonata(expression: str) -> Evaluate:
    """A JSONata expression, with or without its delimiters; UsageError if it cannot be parsed."""
    try:
        return jsonata.compile_expression(expression, "expression")
    except DefinitionError as problem:
        told = problem.diagnostics[0].message
        raise UsageError(f"{expression!r} is neither a path nor JSONata: {told}") from None
