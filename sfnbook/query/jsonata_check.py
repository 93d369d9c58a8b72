"""What AWS refuses in an expression when the state machine is created.

There is no context item, so nothing may be read from one: the first step of every path must be
``$states`` or a variable.  Later steps, predicates, sort terms and groupings read what stands
before them and are free; the body of a function is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook.query.jsonata import INVALID, bare, program
from sfnbook.query.jsonata_compile import layers
from sfnbook.query.jsonata_library import NotJsonata, built_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNSUPPORTED: Final = "UNSUPPORTED_JSONATA_EXPRESSION"

ALWAYS: Final = frozenset({"input", "context"})


def check(
    text: str,
    *,
    allow_result: bool,
    allow_error_output: bool,
) -> list[tuple[str, str]]:
    """Every problem of one expression as (code, message), in the order they are written.

    >>> check("{% name + $states.result %}", allow_result=False, allow_error_output=False)
    [('UNSUPPORTED_JSONATA_EXPRESSION', "Reference to 'name' at the top level is not supported."), \
('UNSUPPORTED_JSONATA_EXPRESSION', "Field '$states.result' does not exist.")]
    """
    try:
        tree = program(bare(text)).tree
    except NotJsonata as problem:
        return [(INVALID, problem.message)]
    fields = (
        ALWAYS | ({"result"} if allow_result else set()) | ({"errorOutput"} if allow_error_output else set())
    )
    messages = (message for part in _top_level(tree) if (message := _refusal(part, fields)))
    return [(UNSUPPORTED, message) for message in dict.fromkeys(messages)]


def variables_in(text: str) -> set[str]:
    """The workflow variables that an expression reads.

    Functions and what the expression itself binds do not count.

    >>> variables_in("{% ($x := $limit; $map($items, function($v) { $v + $x })) %}") == {"limit", "items"}
    True
    """
    trees = [part for layer in layers(program(bare(text)).tree) for part in layer]
    bound = {name for part in trees for name in _bound(part)}
    return (
        {part.value for part in trees if part.type == "variable"} - bound - built_in() - {"states", "", "$"}
    )


def _bound(tree: Any) -> Iterator[str]:
    if tree.type == "bind":
        yield tree.lhs.value
    if tree.type == "lambda":
        yield from (parameter.value for parameter in tree.arguments)
    if tree.type == "index":
        yield tree.value
    yield from (name for name in (tree.focus, tree.index) if isinstance(name, str))


def _refusal(tree: Any, fields: frozenset[str] | set[str]) -> str | None:
    """AWS's message for a tree that is evaluated without a context item, if it refuses it."""
    if tree.type == "path":
        first, second = (*tree.steps, None)[:2]
        on_states = first.type == "variable" and first.value == "states" and second is not None
        if on_states and second.type == "name" and second.value not in fields:
            return f"Field '$states.{second.value}' does not exist."
    elif tree.type == "name" or (tree.type == "variable" and not tree.value):
        return f"Reference to '{tree.value or '$'}' at the top level is not supported."
    elif tree.type == "variable" and tree.value == "$":
        return "Reference to '$$' is not supported."
    return None


def _top_level(tree: Any) -> Iterator[Any]:
    """The parts of a tree that are evaluated without a context item, in the order they are written."""
    pending = [tree]
    while pending:
        part = pending.pop()
        if part is not None:
            yield part
            pending.extend(reversed(_INSIDE.get(part.type, _none)(part)))


def _none(_tree: Any) -> list[Any]:
    return []


def _operands(tree: Any) -> list[Any]:
    pairs = [part for pair in tree.lhs_object or () for part in pair]
    return [tree.expression, *(tree.expressions or ()), *pairs]


_INSIDE: Final[dict[str, Callable[[Any], list[Any]]]] = {
    "path": lambda tree: tree.steps[:1],
    "unary": _operands,
    "binary": lambda tree: [tree.lhs, tree.rhs],
    "apply": lambda tree: [tree.lhs, tree.rhs],
    "function": lambda tree: [tree.procedure, *tree.arguments],
    "partial": lambda tree: [tree.procedure, *tree.arguments],
    "lambda": lambda tree: [tree.body],
    "condition": lambda tree: [tree.condition, tree.then, tree._else],  # noqa: SLF001 - the library's name
    "block": lambda tree: tree.expressions,
    "bind": lambda tree: [tree.rhs],
}
