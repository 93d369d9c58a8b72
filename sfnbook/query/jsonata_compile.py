"""Parse tree -> closures, for the expressions that most fields hold.

Paths into objects, literals, operators, conditions, constructors and a few functions are
compiled; everything else is left to the library, which takes 10 to 100 times longer.  A closure
never guesses and never raises an error of its own: where a value is not of the simple kind (a
list in the middle of a path, a wrong type, an infinite number) it raises `NotPlain`, and the
library evaluates the same expression, or says what is wrong with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from sfnbook.query.environment import Environment
from sfnbook.query.jsonata_values import ARITHMETIC, COMPARISON, EXACT, equal, is_number, string, truth
from sfnbook.values import Json

Node: TypeAlias = Callable[[Mapping[str, Json], Environment], Any]
"""A compiled piece of an expression: the fields of ``$states`` without context, environment -> value."""

UNDEFINED: Final[Any] = object()

DEEPEST: Final = 100
"""AWS refuses to evaluate deeper than this; each step into the parse tree counts."""


class NotPlain(Exception):  # noqa: N818 - a signal, no error
    """The values are not of the kind that the closures know."""


class _Unknown(Exception):  # noqa: N818 - a signal, no error
    """The tree has a part that is not compiled."""


def compiled(tree: Any, built_in: frozenset[str]) -> Node | None:
    """The closure of a parse tree, or None if the library must evaluate it."""
    try:
        return _node(tree, built_in)
    except _Unknown:
        return None


_CHILDREN: Final = (
    "steps", "lhs", "rhs", "expression", "expressions", "procedure", "arguments", "body", "condition",
    "then", "_else", "predicate", "stages", "expr", "group", "lhs_object", "terms", "pattern", "update",
    "delete",
)  # fmt: skip


def children(tree: Any) -> list[Any]:
    """The parse trees directly inside a parse tree, predicates and groups included."""
    found: list[Any] = []
    parts = tree.__dict__
    for name in _CHILDREN:
        part = parts.get(name)
        if isinstance(part, list):
            for item in part:
                found.extend(item) if isinstance(item, list) else found.append(item)
        elif part is not None:
            found.append(part)
    return found


def layers(tree: Any) -> list[list[Any]]:
    """Everything inside a parse tree, by how deep the library nests to evaluate it."""
    found = [[tree]]
    while inner := [child for parent in found[-1] for child in children(parent)]:
        found.append(inner)
    return found


_UNUSUAL: Final = ("predicate", "stages", "group", "focus", "index", "ancestor", "tuple", "seeking_parent")
_KEEPING: Final = ("keep_array", "keep_singleton_array")


def _node(tree: Any, built_in: frozenset[str]) -> Node:
    make = _MAKERS.get(tree.type)
    if make is None or any(getattr(tree, flag) for flag in _KEEPING):
        raise _Unknown
    if make is not _variable and any(getattr(tree, part) is not None for part in _UNUSUAL):
        raise _Unknown
    return make(tree, built_in)


def _literal(tree: Any, _built_in: frozenset[str]) -> Node:
    value = tree.value
    return lambda _states, _env: value


def _variable(tree: Any, built_in: frozenset[str]) -> Node:
    if any(getattr(tree, part) is not None for part in _UNUSUAL if part != "predicate"):
        raise _Unknown
    read = _all_states if tree.value == "states" else _named(tree.value, built_in)
    for index in _indexes(tree.predicate):
        read = _item(read, index)
    return read


def _all_states(states: Mapping[str, Json], env: Environment) -> Json:
    return {**states, "context": env.context}


def _named(name: str, built_in: frozenset[str]) -> Node:
    if name in ("", "$"):
        raise _Unknown
    missing = name in built_in

    def read(_states: Mapping[str, Json], env: Environment) -> Any:
        value = env.variables.get(name, UNDEFINED)
        if value is UNDEFINED and missing:
            raise NotPlain
        return value

    return read


def _indexes(filters: Any) -> list[int]:
    indexes = [stage.expr.value for stage in filters or () if stage.expr.type == "number"]
    if len(indexes) != len(filters or ()) or not all(type(index) is int for index in indexes):
        raise _Unknown
    return indexes


def _item(read: Node, index: int) -> Node:
    def item(states: Mapping[str, Json], env: Environment) -> Any:
        value = read(states, env)
        values = value if type(value) is list else [value]
        return values[index] if -len(values) <= index < len(values) else UNDEFINED

    return item


def _path(tree: Any, built_in: frozenset[str]) -> Node:
    first, *steps = tree.steps
    if first.type != "variable" or any(getattr(step, flag) for step in tree.steps for flag in _KEEPING):
        raise _Unknown
    if first.value == "states" and first.predicate is None and steps and steps[0].type == "name":
        read = _field(steps[0].value)
        for index in _indexes(_plain_step(steps.pop(0)).stages):
            read = _item(read, index)
    else:
        read = _variable(first, built_in)
    keys: list[str] = []
    for step in steps:
        keys.append(_plain_step(step).value)
        for index in _indexes(step.stages):
            read, keys = _item(_steps(read, keys), index), []
    return _steps(read, keys)


def _plain_step(step: Any) -> Any:
    unusual = any(getattr(step, part) is not None for part in _UNUSUAL if part != "stages")
    if step.type != "name" or unusual:
        raise _Unknown
    return step


def _field(name: str) -> Node:
    if name == "context":
        return lambda _states, env: env.context
    return lambda states, _env: states.get(name, UNDEFINED)


def _steps(read: Node, keys: list[str]) -> Node:
    if not keys:
        return read

    def follow(states: Mapping[str, Json], env: Environment) -> Any:
        value = read(states, env)
        for key in keys:
            if type(value) is dict:
                value = value.get(key, UNDEFINED)
            elif type(value) is list:
                raise NotPlain
            else:
                return UNDEFINED
        return value

    return follow


def _binary(tree: Any, built_in: frozenset[str]) -> Node:
    operator = str(tree.value)
    make = _BINARY.get(operator)
    if make is None:
        raise _Unknown
    return make(operator, _node(tree.lhs, built_in), _node(tree.rhs, built_in))


def _arithmetic(operator: str, left: Node, right: Node) -> Node:
    compute = ARITHMETIC[operator]

    def evaluate(states: Mapping[str, Json], env: Environment) -> Any:
        a, b = left(states, env), right(states, env)
        if not (is_number(a) and is_number(b)):
            if (a is UNDEFINED or is_number(a)) and (b is UNDEFINED or is_number(b)):
                return UNDEFINED
            raise NotPlain
        result = compute(a, b) if math.isfinite(a) and math.isfinite(b) else math.inf
        if type(result) is float and not math.isfinite(result):
            raise NotPlain
        return result

    return evaluate


def _counting(operator: str, left: Node, right: Node) -> Node:
    """Addition and subtraction, with a way past the checks for small integers."""
    general = _arithmetic(operator, left, right)
    sign = 1 if operator == "+" else -1

    def evaluate(states: Mapping[str, Json], env: Environment) -> Any:
        a, b = left(states, env), right(states, env)
        if type(a) is int is type(b) and -_SMALL <= a <= _SMALL and -_SMALL <= b <= _SMALL:
            return a + sign * b
        return general(states, env)

    return evaluate


_SMALL: Final = EXACT // 2


def _comparison(operator: str, left: Node, right: Node) -> Node:
    compare = COMPARISON[operator]

    def evaluate(states: Mapping[str, Json], env: Environment) -> Any:
        a, b = left(states, env), right(states, env)
        if type(a) is type(b) and (type(a) is int or type(a) is str):
            return compare(a, b)
        if is_number(a) and is_number(b):
            return compare(float(a), float(b))
        if (a is UNDEFINED and _comparable(b)) or (b is UNDEFINED and _comparable(a)):
            return UNDEFINED
        raise NotPlain

    return evaluate


def _comparable(value: Any) -> bool:
    return value is UNDEFINED or is_number(value) or type(value) is str


def _equality(operator: str, left: Node, right: Node) -> Node:
    wanted = operator == "="

    def evaluate(states: Mapping[str, Json], env: Environment) -> Any:
        a, b = left(states, env), right(states, env)
        if a is UNDEFINED or b is UNDEFINED:
            return False  # of "!=" too
        return equal(a, b) is wanted

    return evaluate


def _boolean(operator: str, left: Node, right: Node) -> Node:
    stop = operator == "or"

    def evaluate(states: Mapping[str, Json], env: Environment) -> Any:
        if _holds(left(states, env)) is stop:
            return stop
        return _holds(right(states, env))

    return evaluate


def _holds(value: Any) -> bool:
    return value is not UNDEFINED and truth(value)


def _concatenation(_operator: str, left: Node, right: Node) -> Node:
    return lambda states, env: _shown(left(states, env)) + _shown(right(states, env))


def _shown(value: Any) -> str:
    return "" if value is UNDEFINED else string(value)


_BINARY: Final[dict[str, Callable[[str, Node, Node], Node]]] = {
    **dict.fromkeys(("*", "/", "%"), _arithmetic),
    **dict.fromkeys(("+", "-"), _counting),
    **dict.fromkeys(("<", "<=", ">", ">="), _comparison),
    **dict.fromkeys(("=", "!="), _equality),
    **dict.fromkeys(("and", "or"), _boolean),
    "&": _concatenation,
}


def _unary(tree: Any, built_in: frozenset[str]) -> Node:
    return _UNARY[str(tree.value)](tree, built_in)


def _minus(tree: Any, built_in: frozenset[str]) -> Node:
    return _counting("-", lambda _states, _env: 0, _node(tree.expression, built_in))


def _array(tree: Any, built_in: frozenset[str]) -> Node:
    # A constructor inside a constructor stays a list; any other list is spread.
    parts = [(_node(item, built_in), str(item.value) == "[") for item in tree.expressions]

    def evaluate(states: Mapping[str, Json], env: Environment) -> Any:
        items: list[Json] = []
        for part, nested in parts:
            value = part(states, env)
            if type(value) is list and not nested:
                items.extend(value)
            elif value is not UNDEFINED:
                items.append(value)
        return items

    return evaluate


def _object(tree: Any, built_in: frozenset[str]) -> Node:
    keys = [key.value for key, _value in tree.lhs_object if key.type == "string"]
    if len(set(keys)) != len(tree.lhs_object):
        raise _Unknown
    parts = [(key, _node(value, built_in)) for key, (_key, value) in zip(keys, tree.lhs_object, strict=True)]

    def evaluate(states: Mapping[str, Json], env: Environment) -> Any:
        members = {}
        for key, part in parts:
            value = part(states, env)
            if value is not UNDEFINED:
                members[key] = value
        return members

    return evaluate


_UNARY: Final[dict[str, Callable[[Any, frozenset[str]], Node]]] = {"-": _minus, "[": _array, "{": _object}


def _condition(tree: Any, built_in: frozenset[str]) -> Node:
    test, then = _node(tree.condition, built_in), _node(tree.then, built_in)
    otherwise = _nothing if tree._else is None else _node(tree._else, built_in)  # noqa: SLF001 - the library's name
    return lambda states, env: then(states, env) if _holds(test(states, env)) else otherwise(states, env)


def _nothing(_states: Mapping[str, Json], _env: Environment) -> Any:
    return UNDEFINED


def _block(tree: Any, built_in: frozenset[str]) -> Node:
    if len(tree.expressions) != 1:
        raise _Unknown
    return _node(tree.expressions[0], built_in)


def _function(tree: Any, built_in: frozenset[str]) -> Node:
    name = tree.procedure.value if tree.procedure.type == "variable" else None
    call = _CALLS.get(name)
    if call is None or len(tree.arguments) != 1:
        raise _Unknown
    argument = _node(tree.arguments[0], built_in)

    def evaluate(states: Mapping[str, Json], env: Environment) -> Any:
        if name in env.variables:
            raise NotPlain
        return call(argument(states, env))

    return evaluate


def _merge(value: Any) -> Any:
    if type(value) is not list:
        if type(value) is dict or value is UNDEFINED:
            return value
        raise NotPlain
    merged: dict[str, Json] = {}
    for item in value:
        if type(item) is not dict:
            raise NotPlain
        merged.update(item)
    return merged


def _count(value: Any) -> int:
    if value is UNDEFINED:
        return 0
    return len(value) if type(value) is list else 1


def _unless_undefined(compute: Callable[[Json], Any]) -> Callable[[Any], Any]:
    return lambda value: UNDEFINED if value is UNDEFINED else compute(value)


_CALLS: Final[dict[str | None, Callable[[Any], Any]]] = {
    "merge": _merge,
    "count": _count,
    "exists": lambda value: value is not UNDEFINED,
    "boolean": _unless_undefined(truth),
    "not": _unless_undefined(lambda value: not truth(value)),
    "string": _unless_undefined(string),
}

_MAKERS: Final[dict[str, Callable[[Any, frozenset[str]], Node]]] = {
    "string": _literal,
    "number": _literal,
    "value": _literal,
    "variable": _variable,
    "path": _path,
    "binary": _binary,
    "unary": _unary,
    "condition": _condition,
    "block": _block,
    "function": _function,
}
