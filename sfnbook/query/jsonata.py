"""JSONata fields: expression text -> closure, with AWS's rules and AWS's words.

A value is evaluated by the closures of `jsonata_compile` where they can, else by the library.  An
expression has no context item: it reads ``$states`` and the variables.  One that gives nothing
fails the state; one that gives null does not.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.chance import uuid_text
from sfnbook.errors import QUERY_EVALUATION_ERROR, DefinitionError, Diagnostic, Failed
from sfnbook.query import jsonata_compile, jsonata_library
from sfnbook.query.jsonata_compile import UNDEFINED, Node, NotPlain
from sfnbook.query.jsonata_functions import Internal, NotJson
from sfnbook.query.jsonata_values import whole
from sfnbook.values import Json
from sfnbook.values import text as json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.query.environment import Environment, Evaluate

INVALID: Final = "INVALID_JSONATA_EXPRESSION"


def is_expression(value: Json) -> bool:
    """Does AWS evaluate this value?  Blanks outside the delimiters make it plain text.

    >>> is_expression("{% 1 %}"), is_expression(" {% 1 %}"), is_expression(1)
    (True, False, False)
    """
    return isinstance(value, str) and len(value) > 3 and value.startswith("{%") and value.endswith("%}")


def bare(text: str) -> str:
    """An expression as AWS quotes it: without its delimiters, trimmed.

    >>> bare("{% $x %}"), bare(" $x ")
    ('$x', '$x')
    """
    return (text[2:-2] if is_expression(text) else text).strip()


class Program(NamedTuple):
    """An expression, parsed once and shared; ``plain`` is None if only the library evaluates it."""

    source: str
    tree: Any
    plain: Node | None
    names: frozenset[str]
    reads_context: bool
    patterns: tuple[str, ...]


@lru_cache(maxsize=4096)
def program(source: str) -> Program:
    """Parse an expression without delimiters; raises `jsonata_library.NotJsonata`.

    >>> sorted(program("$a + $states.input.b").names)
    ['a', 'states']
    """
    tree = jsonata_library.parse(source)
    layers = jsonata_compile.layers(tree)
    trees = [part for layer in layers for part in layer]
    shallow = len(layers) <= jsonata_compile.DEEPEST
    return Program(
        source,
        tree,
        jsonata_compile.compiled(tree, jsonata_library.built_in()) if shallow else None,
        frozenset(str(part.value) for part in trees if part.type == "variable"),
        _reads_context(trees),
        tuple(part.value.pattern for part in trees if part.type == "regex"),
    )


def _reads_context(trees: list[Any]) -> bool:
    """Building the context object costs more than most expressions, so ask whether it is wanted."""
    mentions = sum(part.type == "variable" and part.value == "states" for part in trees)
    without = sum(part.type == "path" and _reads_other_field(part.steps) for part in trees)
    return bool(mentions > without)


def _reads_other_field(steps: list[Any]) -> bool:
    first, second = steps[0], steps[min(1, len(steps) - 1)]
    starts = first.type == "variable" and first.value == "states" and not first.predicate
    return bool(starts and second.type == "name" and second.value != "context")


def compile_expression(text: str, location: str) -> Evaluate:
    """The closure of one expression; ``location`` is the field that errors name.

    >>> from sfnbook.query.environment import Environment
    >>> evaluate = compile_expression("{% $n + $states.input.m %}", "Output")
    >>> env = Environment({"n": 1}, dict, lambda purpose: 0, 0)
    >>> evaluate({"input": {"m": 2}}, env)
    3
    """
    try:
        parsed = program(bare(text))
    except jsonata_library.NotJsonata as problem:
        raise DefinitionError([Diagnostic("ERROR", INVALID, problem.message, location)]) from None
    plain = parsed.plain

    def by_library(states: Mapping[str, Json], env: Environment) -> Json:
        value = _by_library(parsed, states, env, location)
        return (
            value
            if value is not UNDEFINED
            else _fail(parsed.source, location, " returned nothing (undefined).")
        )

    if plain is None:
        return by_library

    def evaluate(states: Mapping[str, Json], env: Environment) -> Json:
        try:
            value = plain(states, env)
        except (NotPlain, OverflowError, RecursionError):
            return by_library(states, env)
        if value is UNDEFINED:
            _fail(parsed.source, location, " returned nothing (undefined).")
        return whole(value) if type(value) is float else value

    return evaluate


def _by_library(parsed: Program, states: Mapping[str, Json], env: Environment, location: str) -> Any:
    if any(map(jsonata_library.may_hang, parsed.patterns)):
        _fail(parsed.source, location, f" threw an error during evaluation: {jsonata_library.TIMEOUT}")
    if parsed.reads_context:
        states = {**states, "context": env.context}
    try:
        return jsonata_library.evaluate(parsed.tree, states, env, parsed.names, location)
    except jsonata_library.EvaluationError as problem:
        return _fail(parsed.source, location, f" threw an error during evaluation{problem}")
    except NotJson:
        return _fail(parsed.source, location, " returned an unsupported result type.")
    except Internal:
        number = uuid_text(env.draw(f"{location}/internal"))
        return _fail(parsed.source, location, f" threw an internal error during evaluation. {number}")


def _fail(source: str, location: str, what: str) -> Any:
    cause = f"The JSONata expression '{source}' specified for the field '{location}'{what}"
    raise Failed(QUERY_EVALUATION_ERROR, cause, location=location) from None


def compile_template(value: Json, location: str) -> Evaluate:
    """The closure of JSON with expressions anywhere in it; JSON without any is given out as it is.

    >>> from sfnbook.query.environment import Environment
    >>> evaluate = compile_template({"a": ["{% $n %}", "$n"]}, "Output")
    >>> evaluate({}, Environment({"n": 1}, dict, lambda purpose: 0, 0))
    {'a': [1, '$n']}
    """
    return _template(value, location) or (lambda _states, _env: value)


def _template(value: Json, location: str) -> Evaluate | None:
    if is_expression(value):
        return compile_expression(value, location)
    if isinstance(value, dict):
        return _members(value, [(key, _template(item, f"{location}/{key}")) for key, item in value.items()])
    if isinstance(value, list):
        return _members(value, [(i, _template(item, f"{location}[{i}]")) for i, item in enumerate(value)])
    return None


def _members(value: Json, parts: list[tuple[Any, Evaluate | None]]) -> Evaluate | None:
    evaluated = [(key, part) for key, part in parts if part is not None]
    if not evaluated:
        return None

    def evaluate(states: Mapping[str, Json], env: Environment) -> Json:
        filled = value.copy()
        for key, part in evaluated:
            filled[key] = part(states, env)
        return filled

    return evaluate


JSON_TYPES: Final[dict[type, str]] = {
    dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number",
    type(None): "null",
}  # fmt: skip


def typed(evaluate: Evaluate, expected: str, expression: str, location: str) -> Evaluate:
    """Let only values of one JSON type pass; "integer" is a number without a fraction.

    >>> from sfnbook.query.environment import Environment
    >>> items = typed(compile_expression("1", "Items"), "array", "{% 1 %}", "Items")
    >>> items({}, Environment({}, dict, lambda purpose: 0, 0))
    Traceback (most recent call last):
    ...
    sfnbook.errors.Failed: ('States.QueryEvaluationError', "The JSONata expression '1' specified for \
the field 'Items' returned an unexpected result type. Expected 'array', but was 'number' for value: 1")
    """
    wanted = "number" if expected == "integer" else expected

    def checked(states: Json, env: Environment) -> Json:
        value = evaluate(states, env)
        found = JSON_TYPES[type(value)]
        if found != wanted:
            mismatch = f"Expected '{wanted}', but was '{found}' for value: {json_text(value)}"
            _fail(bare(str(expression)), location, f" returned an unexpected result type. {mismatch}")
        if expected == "integer" and value != int(value):
            cause = f"The {location} field cannot be parsed as an integer: {json_text(value)}"
            raise Failed(QUERY_EVALUATION_ERROR, cause, location=location)
        return value

    return checked
