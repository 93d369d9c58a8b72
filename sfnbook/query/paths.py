"""JSONPath -> closure: ``$`` reads the input, ``$$`` the context object, ``$name`` a variable.

Nearly every path of a real definition is a few names, so those are compiled to plain
subscripting (0.1 microseconds a path); only when that fails is the path read again, slowly,
for Jayway's message.  All other paths go through `path_search`, and so to jsonpath-ng.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, TypeAlias

from sfnbook.errors import RESULT_PATH_MATCH_FAILURE, RUNTIME, Failed
from sfnbook.query.path_reading import NotFound
from sfnbook.query.path_search import reader
from sfnbook.query.path_syntax import DEFINITE, Path, PathProblem, Step, parse
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from sfnbook.query.environment import Environment, Evaluate

Miss: TypeAlias = Callable[[str, Json], Exception]
"""Makes the exception of a path that found nothing, from Jayway's text and what was searched."""

Put: TypeAlias = Callable[[Json, Json], Json]
"""A compiled ResultPath: the raw input and the result -> the output."""

# What subscripting raises; a string has no index 0 here, so indexes are guarded apart.
_MISSES: Final = (KeyError, TypeError, IndexError)


def compile_path(path: str) -> Evaluate:
    """A closure that follows the path, or raises `Failed` with AWS's words.

    >>> from sfnbook.query.environment import Environment
    >>> env = Environment({"order": {"id": 7}}, lambda: {"Execution": {"Id": "x"}}, lambda purpose: 0, 0)
    >>> compile_path("$.a.b")({"a": {"b": 1}}, env), compile_path("$order.id")({}, env)
    (1, 7)
    """
    return _compile(path, lambda told, _searched: _invalid(path, told), lenient=False)


def _invalid(path: str, told: str) -> Failed:
    return Failed(RUNTIME, f"Invalid path '{path}' : {told}")


def compile_lookup(path: str, miss: Miss) -> Evaluate:
    """A closure that follows the path, or raises what ``miss`` makes where it finds nothing.

    An indefinite path then gives an empty list, as AWS was recorded to do in payload templates;
    Jayway itself would fail where the path's first, definite steps find nothing.
    """
    return _compile(path, miss, lenient=not is_definite(path))


def _compile(path: str, miss: Miss, *, lenient: bool) -> Evaluate:
    try:
        root, steps = parse(path)
    except PathProblem as problem:
        return raising(_invalid(path, str(problem)))
    if root == "$":
        return _follow(steps, miss, lenient=lenient, null=_NULL) if steps else _whole_input
    follow = _follow(steps, miss, lenient=lenient)
    if root == "$$":
        return lambda _value, env: follow(env.context, env)

    def variable(_value: Json, env: Environment) -> Json:
        try:
            value = env.variables[root]
        except KeyError:
            raise miss(f"No results for path: $['{root}']", dict(env.variables)) from None
        return follow(value, env)

    return variable


_NULL: Final = "Unable to apply Path transformation to null or empty input."
"""AWS has no path, not even ``$``, in an input (or result) that is null:
https://github.com/awslabs/states-language/issues/29"""


def _whole_input(value: Json, _env: Environment) -> Json:
    if value is None:
        raise Failed(RUNTIME, _NULL)
    return value


def raising(failure: Failed) -> Evaluate:
    """What a field that cannot be compiled becomes: a closure that fails when it is reached."""

    def fail(_value: Json, _env: Environment) -> Json:
        raise Failed(failure.error, failure.cause)

    return fail


def _follow(steps: Sequence[Step], miss: Miss, *, lenient: bool, null: str | None = None) -> Evaluate:
    """``null`` is the cause where the searched value itself is null."""
    read = reader(steps)

    def slowly(value: Json, _env: Environment) -> Json:
        if value is None and null is not None:
            raise Failed(RUNTIME, null)
        try:
            return read(value)
        except NotFound as nothing:
            if lenient:
                return []
            raise miss(str(nothing), value) from None

    if all(step.kind == "name" for step in steps) and len(steps) < len(_BY_NAMES):
        return _BY_NAMES[len(steps)]([step.argument for step in steps], slowly)
    if all(step.kind in {"name", "index"} for step in steps):
        return _by_keys([step.argument for step in steps], slowly)
    return slowly


def _no_name(_names: list[str], _slowly: Evaluate) -> Evaluate:
    return lambda value, _env: value


def _one_name(names: list[str], slowly: Evaluate) -> Evaluate:
    (first,) = names

    def follow(value: Json, env: Environment) -> Json:
        try:
            return value[first]
        except _MISSES:
            return slowly(value, env)

    return follow


def _two_names(names: list[str], slowly: Evaluate) -> Evaluate:
    first, second = names

    def follow(value: Json, env: Environment) -> Json:
        try:
            return value[first][second]
        except _MISSES:
            return slowly(value, env)

    return follow


def _three_names(names: list[str], slowly: Evaluate) -> Evaluate:
    first, second, third = names

    def follow(value: Json, env: Environment) -> Json:
        try:
            return value[first][second][third]
        except _MISSES:
            return slowly(value, env)

    return follow


_BY_NAMES: Final[tuple[Callable[[list[str], Evaluate], Evaluate], ...]] = (
    _no_name,
    _one_name,
    _two_names,
    _three_names,
)


def _by_keys(keys: list[str | int], slowly: Evaluate) -> Evaluate:
    guarded = [(key, isinstance(key, int)) for key in keys]

    def follow(value: Json, env: Environment) -> Json:
        found = value
        try:
            for key, indexed in guarded:
                if indexed and type(found) is not list:
                    return slowly(value, env)
                found = found[key]
        except _MISSES:
            return slowly(value, env)
        return found

    return follow


# --- questions about a path -----------------------------------------------------------------------


def is_path(path: Json) -> bool:
    """Is this text a path?

    >>> is_path("$.a"), is_path("a"), is_path("$."), is_path(1)
    (True, False, False, False)
    """
    return isinstance(path, str) and check(path) is None


def check(path: str) -> str | None:
    """What is wrong with a path, or None.

    >>> check("$.a.")
    "Path must not end with a '.' or '..'"
    """
    try:
        parse(path)
    except PathProblem as problem:
        return str(problem)
    return None


def _parsed(path: Json) -> Path | None:
    try:
        return parse(path) if isinstance(path, str) else None
    except PathProblem:
        return None


def is_definite(path: str) -> bool:
    """Does the path find one value (or fail), by its syntax alone?

    >>> is_definite("$.a[-1]"), is_definite("$.a[0:1]")
    (True, False)
    """
    parsed = _parsed(path)
    return parsed is not None and all(step.kind in DEFINITE for step in parsed.steps)


def is_reference_path(path: Json) -> bool:
    """Is it a path of names and indexes only, which names one place?

    >>> is_reference_path("$.a[0].b"), is_reference_path("$.a[*]")
    (True, False)
    """
    parsed = _parsed(path)
    return parsed is not None and all(_is_place(step) for step in parsed.steps)


def _is_place(step: Step) -> bool:
    return step.kind == "name" or (step.kind == "index" and step.argument >= 0)


def variables_in(path: str) -> set[str]:
    """The variables that a path reads.

    >>> variables_in("$order.id"), variables_in("$.id"), variables_in("$$.State")
    ({'order'}, set(), set())
    """
    parsed = _parsed(path)
    return {parsed.root} if parsed and not parsed.root.startswith("$") else set()


def nearest(value: Json, path: str) -> list[str]:
    """The keys most like the one that a path looked for in vain, nearest first.

    ``value`` is what the path's root stands for.

    >>> nearest({"order": {"orderId": 1, "total": 2}}, "$.order.orderid")
    ['orderId']
    """
    parsed = _parsed(path)
    for step in parsed.steps if parsed else ():
        if type(value) is dict and step.kind == "name" and step.argument not in value:
            return _similar(step.argument, list(value))
        try:
            value = reader((step,))(value)
        except NotFound:
            break
    return []


def _similar(name: str, keys: list[str]) -> list[str]:
    lowered = {key.lower(): key for key in keys}
    return [lowered[match] for match in get_close_matches(name.lower(), list(lowered))]


# --- ResultPath -----------------------------------------------------------------------------------


def compile_result_path(path: str) -> Put:
    """A closure that gives a copy of the raw input with the result put at the path.

    Only the objects along the path are copied, and made where they are missing.

    >>> compile_result_path("$.a.b")({"c": 1}, 2)
    {'c': 1, 'a': {'b': 2}}
    """
    if not is_reference_path(path) or parse(path).root != "$":
        return _refusing(path)
    keys = [step.argument for step in parse(path).steps]

    def put(raw: Json, result: Json) -> Json:
        try:
            return _put(raw, keys, 0, result)
        except (_NoPlace, RecursionError):
            raise _unfit(path, raw) from None

    if not keys:
        return lambda _raw, result: result
    # Nearly every ResultPath has one or two names; the general way costs three times as much.
    plain = PLAIN_PUTS.get(len(keys))
    return plain(*keys, put) if plain and all(isinstance(key, str) for key in keys) else put


class _NoPlace(Exception):  # noqa: N818 - never leaves this module
    pass


def _put_one(name: str, otherwise: Put) -> Put:
    def put(raw: Json, result: Json) -> Json:
        return {**raw, name: result} if type(raw) is dict else otherwise(raw, result)

    return put


def _put_two(outer: str, inner: str, otherwise: Put) -> Put:
    def put(raw: Json, result: Json) -> Json:
        if type(raw) is dict and type(below := raw.get(outer)) is dict:
            return {**raw, outer: {**below, inner: result}}
        return otherwise(raw, result)

    return put


PLAIN_PUTS: Final[dict[int, Callable[..., Put]]] = {1: _put_one, 2: _put_two}


def _put(value: Json, keys: Sequence[str | int], position: int, result: Json) -> Json:
    if position == len(keys):
        return result
    key = keys[position]
    if isinstance(key, str) and type(value) is dict:
        return {**value, key: _put(value.get(key, {}), keys, position + 1, result)}
    if isinstance(key, int) and type(value) is list and key < len(value):
        return [*value[:key], _put(value[key], keys, position + 1, result), *value[key + 1 :]]
    raise _NoPlace


def _unfit(path: str, raw: Json) -> Failed:
    return Failed(RESULT_PATH_MATCH_FAILURE, f"Unable to apply ReferencePath {path} to input {text(raw)}")


def _refusing(path: str) -> Put:
    def refuse(raw: Json, _result: Json) -> Json:
        raise _unfit(path, raw)

    return refuse
