"""Watch expressions: what a JSONata expression or a path says where the debugger stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sfnbook.debugging.part import Part
from sfnbook.errors import DefinitionError, Failed, UsageError
from sfnbook.query import intrinsics, jsonata, paths, templates
from sfnbook.values import Json, copied, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.query.environment import Environment, Evaluate


class Watches(Part, MutableMapping[str, str]):
    """Expressions by name; `values` evaluates them on the input of the state that is next.

    An expression is JSONata (it reads ``$states.input`` and variables), or a path or an intrinsic
    function as in JSONPath states.  Several are set all or not at all.

    >>> import sfnbook
    >>> from sfnbook.debugger import Debugger
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> debugger = Debugger(machine, {"items": [1, 2]})
    >>> debugger.watches["count"] = "$count($states.input.items)"
    >>> debugger.watches |= {"first": "$.items[0]"}
    >>> debugger.watches.values()
    {'count': 2, 'first': 1}
    """

    __slots__ = ("_expressions", "_look")

    def __init__(self, look: Callable[[], tuple[Json, Environment]]) -> None:
        super().__init__()
        self._look = look
        self._expressions: dict[str, str] = {}

    def replace(self, expressions: Mapping[str, str]) -> None:
        """Have these instead."""
        self._expressions = _checked(_mapping(expressions))
        self.tell()

    def update(self, expressions: Any = (), /, **named: str) -> None:
        """Set several; UsageError, and none is set, where one is no expression."""
        self.replace({**self._expressions, **_mapping(expressions), **named})

    def __setitem__(self, name: str, expression: str) -> None:
        self.update({name: expression})

    def __ior__(self, expressions: Mapping[str, str]) -> Self:
        self.update(expressions)
        return self

    def __delitem__(self, name: str) -> None:
        del self._expressions[name]
        self.tell()

    def clear(self) -> None:
        """Take all away."""
        self.replace({})

    def __getitem__(self, name: str) -> str:
        return self._expressions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._expressions)

    def __len__(self) -> int:
        return len(self._expressions)

    def __repr__(self) -> str:
        lines = (f"{name}: {self[name]} is {result}" for name, result in self.results().items())
        return "\n".join(lines) or "no watches"

    def values(self) -> dict[str, Json]:  # type: ignore[override] # the values of the expressions, by name
        """What each expression gives now; None where it gives nothing."""
        return {name: result.value for name, result in self.results().items()}

    def results(self) -> dict[str, Result]:
        """What each expression gives now, or why it gives nothing."""
        if not self:
            return {}
        data, environment = self._look()
        return {name: result_of(expression, data, environment) for name, expression in self.items()}


def _mapping(expressions: Any) -> dict[str, str]:
    try:
        return dict(expressions)
    except (TypeError, ValueError):
        raise UsageError(f'{expressions!r}: give expressions by name, {{"total": "$.total"}}.') from None


def _checked(expressions: dict[str, str]) -> dict[str, str]:
    for name, expression in expressions.items():
        if not isinstance(name, str):
            raise UsageError(f"{name!r} is no name for a watch: give text.")
        if not isinstance(expression, str):
            raise UsageError(f"{expression!r} is no expression: give text.")
        compiled(expression)
    return expressions


class Result(NamedTuple):
    """The value of an expression; without one, why."""

    value: Json
    problem: str | None = None

    def __str__(self) -> str:
        return text(self.value) if self.problem is None else f"nothing: {self.problem}"


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
