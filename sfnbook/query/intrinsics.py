"""Intrinsic functions of JSONPath payload templates: ``States.Format('{}', $.name)`` -> closure.

A tokenizer and a parser for calls nested up to ten deep, and the table `INTRINSICS` of the 18
functions.  A function that cannot do its work raises `Refused`, which becomes States.Runtime.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from sfnbook.chance import mix, uuid_text
from sfnbook.errors import RUNTIME, Failed
from sfnbook.query import paths
from sfnbook.query.path_reading import java_text
from sfnbook.query.path_syntax import PathProblem, closing
from sfnbook.values import Json, no_constant, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.query.environment import Environment, Evaluate

DEEPEST: Final = 10
_LONGEST_TEXT: Final = 10_000
_LONGEST_RANGE: Final = 1_000


class Refused(Exception):  # noqa: N818 - the function refused its arguments
    """An intrinsic function cannot work with its arguments."""


class BadCall(Exception):  # noqa: N818 - a problem of the definition
    """The text is not an intrinsic function call."""


class Intrinsic(NamedTuple):
    """``most`` is None for any number of arguments; one that ``draws`` takes 64 random bits first."""

    call: Callable[..., Json]
    fewest: int
    most: int | None
    draws: bool = False


class Argument(NamedTuple):
    """``kind`` is literal, path or call."""

    kind: str
    value: Any


class Call(NamedTuple):
    """A parsed call; ``text`` is how it was written."""

    name: str
    arguments: tuple[Argument, ...]
    text: str


# --- the functions --------------------------------------------------------------------------------


def _refuse(problem: str) -> NoReturn:
    raise Refused(problem)


def _string(value: Json) -> str:
    return value if isinstance(value, str) else _refuse(f"Expected a string, but was: {text(value)}")


def _array(value: Json) -> list[Json]:
    return value if isinstance(value, list) else _refuse(f"Expected an array, but was: {text(value)}")


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else _refuse(f"Expected an object, but was: {text(value)}")


def _whole(value: Json) -> int:
    """A number, rounded half up as Java's Math.round does: -2.5 is -2, 2.5 is 3."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        _refuse(f"Expected a number, but was: {text(value)}")
    return value if isinstance(value, int) else math.floor(value + 0.5)


def _short(value: str) -> str:
    return (
        value
        if len(value) <= _LONGEST_TEXT
        else _refuse(f"The text has more than {_LONGEST_TEXT} characters")
    )


_PLACEHOLDER: Final = re.compile(r"\\(['{}\\])|\{\}")


def _format(template: Json, *values: Json) -> str:
    pieces = _pieces(_string(template))
    if len(pieces) - 1 != len(values):
        _refuse(f"The template has {len(pieces) - 1} placeholders for {len(values)} arguments")
    filled = (piece + java_text(value) for piece, value in zip(pieces, values, strict=False))
    return "".join(filled) + pieces[-1]


def _pieces(template: str) -> list[str]:
    """What stands between the placeholders; an escaped brace is none of them."""
    if "\\" not in template:
        return template.split("{}")
    pieces, last = [""], 0
    for match in _PLACEHOLDER.finditer(template):
        pieces[-1] += template[last : match.start()] + (match[1] or "")
        last = match.end()
        if match[1] is None:
            pieces.append("")
    pieces[-1] += template[last:]
    return pieces


def _finite(written: str) -> float:
    number = float(written)
    if math.isinf(number):  # no JSON can hold it
        raise ValueError(f"{written} is out of range")
    return number


def _string_to_json(value: Json) -> Json:
    if not _string(value).strip():
        return None
    try:
        return json.loads(value, parse_constant=no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        _refuse(f"The text is not JSON: {value}")


def _array_partition(array: Json, length: Json) -> list[Json]:
    size = _whole(length)
    if size < 1:
        _refuse(f"The chunk size must be a positive integer, but was: {text(length)}")
    return [array[start : start + size] for start in range(0, len(_array(array)), size)]


def _array_range(first: Json, last: Json, step: Json) -> list[int]:
    start, stop, stride = _whole(first), _whole(last), _whole(step)
    if stride == 0:
        _refuse("The step must not be 0")
    numbers = range(start, stop + (1 if stride > 0 else -1), stride)
    if len(numbers) > _LONGEST_RANGE:
        _refuse(f"The range has more than {_LONGEST_RANGE} elements")
    return list(numbers)


def _array_get_item(array: Json, index: Json) -> Json:
    place, length = _whole(index), len(_array(array))
    if not 0 <= place < length:
        _refuse(f"The index {place} is out of bounds for an array of length {length}")
    return array[place]


def _alike(value: Json) -> Any:
    """A hashable stand-in that is equal for equal JSON only: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, dict):
        return frozenset((key, _alike(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(map(_alike, value))
    return (bool, value) if isinstance(value, bool) else value


def _array_contains(array: Json, wanted: Json) -> bool:
    looked_for = _alike(wanted)
    return any(_alike(item) == looked_for for item in _array(array))


def _array_unique(array: Json) -> list[Json]:
    first: dict[Any, Json] = {}
    for item in _array(array):
        first.setdefault(_alike(item), item)
    return list(first.values())


def _base64_encode(value: Json) -> str:
    return base64.b64encode(_short(_string(value)).encode("utf-8", "surrogatepass")).decode("ascii")


def _base64_decode(value: Json) -> str:
    try:
        return base64.b64decode(_short(_string(value)), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        _refuse(f"The text is not Base64: {value}")


_DIGESTS: Final = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


def _hash(data: Json, algorithm: Json) -> str:
    if _string(algorithm) not in _DIGESTS:
        _refuse(f"The algorithm must be one of {', '.join(_DIGESTS)}, but was: {text(algorithm)}")
    written = _short(data if isinstance(data, str) else text(data))
    encoded = written.encode("utf-8", "surrogatepass")
    return hashlib.new(_DIGESTS[algorithm], encoded, usedforsecurity=False).hexdigest()


def _json_merge(first: Json, second: Json, deep: Json) -> dict[str, Json]:
    if deep is not False:
        _refuse("The third argument must be false: only the shallow merging mode is supported")
    return {**_object(first), **_object(second)}


def _math_random(bits: int, start: Json, end: Json, seed: Json = None) -> int:
    lowest, above = _whole(start), _whole(end)
    if lowest >= above:
        _refuse(f"The start {lowest} must be less than the end {above}")
    chosen = bits if seed is None else mix(_whole(seed))
    return lowest + chosen % (above - lowest)


def _math_add(first: Json, second: Json) -> int:
    one, other = _whole(first), _whole(second)
    for number in (one, other, one + other):
        if not -2_147_483_648 <= number <= 2_147_483_647:
            _refuse(f"{number} is not in the range of integers -2147483648 to 2147483647")
    return one + other


def _string_split(value: Json, delimiters: Json) -> list[str]:
    """Every character of ``delimiters`` splits, and empty parts vanish, as in Java's StringTokenizer."""
    pieces = [_string(value)]
    for separator in set(_string(delimiters)):
        pieces = [part for piece in pieces for part in piece.split(separator)]
    return [piece for piece in pieces if piece]


INTRINSICS: Final[dict[str, Intrinsic]] = {
    "States.Format": Intrinsic(_format, 1, None),
    "States.StringToJson": Intrinsic(_string_to_json, 1, 1),
    "States.JsonToString": Intrinsic(text, 1, 1),
    "States.Array": Intrinsic(lambda *items: list(items), 0, None),
    "States.ArrayPartition": Intrinsic(_array_partition, 2, 2),
    "States.ArrayContains": Intrinsic(_array_contains, 2, 2),
    "States.ArrayRange": Intrinsic(_array_range, 3, 3),
    "States.ArrayGetItem": Intrinsic(_array_get_item, 2, 2),
    "States.ArrayLength": Intrinsic(lambda array: len(_array(array)), 1, 1),
    "States.ArrayUnique": Intrinsic(_array_unique, 1, 1),
    "States.Base64Encode": Intrinsic(_base64_encode, 1, 1),
    "States.Base64Decode": Intrinsic(_base64_decode, 1, 1),
    "States.Hash": Intrinsic(_hash, 2, 2),
    "States.JsonMerge": Intrinsic(_json_merge, 3, 3),
    "States.MathRandom": Intrinsic(_math_random, 2, 3, draws=True),
    "States.MathAdd": Intrinsic(_math_add, 2, 2),
    "States.StringSplit": Intrinsic(_string_split, 2, 2),
    "States.UUID": Intrinsic(uuid_text, 0, 0, draws=True),
}


# --- text -> call ---------------------------------------------------------------------------------

_HEAD: Final = re.compile(r"\s*(States\.\w+)\s*\(\s*")
_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?=\s*[,)])", re.ASCII)
_WORD: Final = re.compile(r"(true|false|null)(?=\s*[,)])")
_PATH_PART: Final = re.compile(r"[^,()\[\]]+")
_SPACE: Final = re.compile(r"\s*")
_WORDS: Final = {"true": True, "false": False, "null": None}


@lru_cache(maxsize=4096)
def parse(written: str) -> Call:
    """Read a call, or raise `BadCall`.

    >>> parse("States.MathAdd($.a, 1)").arguments
    (Argument(kind='path', value='$.a'), Argument(kind='literal', value=1))
    """
    call, position = _call(written, 0, 1)
    if written[position:].strip():
        raise BadCall(f"Unexpected text after the call: {written[position:]}")
    return call


def _call(written: str, position: int, depth: int) -> tuple[Call, int]:
    head = _HEAD.match(written, position)
    if head is None or head[1] not in INTRINSICS:
        raise BadCall(f"Not an intrinsic function: {written[position:]}")
    if depth > DEEPEST:
        raise BadCall(f"Intrinsic functions can be nested {DEEPEST} deep, not deeper")
    arguments: list[Argument] = []
    end = head.end()
    while not written.startswith(")", end) or arguments:
        argument, end = _argument(written, end, depth, raw=head[1] == "States.Format" and not arguments)
        arguments.append(argument)
        end = _skip(written, end)
        if not written.startswith(",", end):
            break
        end = _skip(written, end + 1)
    if not written.startswith(")", end):
        raise BadCall(f"Expected ',' or ')' at position {end}")
    _check_count(head[1], len(arguments))
    return Call(head[1], tuple(arguments), written[head.start(1) : end + 1]), end + 1


def _skip(written: str, position: int) -> int:
    match = _SPACE.match(written, position)
    return match.end() if match else position


def _check_count(name: str, count: int) -> None:
    function = INTRINSICS[name]
    if count < function.fewest or (function.most is not None and count > function.most):
        raise BadCall(f"{name} does not take {count} arguments")


def _argument(written: str, position: int, depth: int, *, raw: bool) -> tuple[Argument, int]:
    if written.startswith("$", position):
        return _path_argument(written, position)
    if quoted := _QUOTED.match(written, position):
        plain = _unescaped(quoted[1])
        # Format reads its own escapes: \{\} is text there, {} a placeholder.
        return Argument("literal", quoted[1] if raw else plain), quoted.end()
    if number := _NUMBER.match(written, position):
        try:
            return Argument("literal", json.loads(number[0], parse_float=_finite)), number.end()
        except ValueError as problem:
            raise BadCall(str(problem)) from None
    if word := _WORD.match(written, position):
        return Argument("literal", _WORDS[word[1]]), word.end()
    call, end = _call(written, position, depth + 1)
    return Argument("call", call), end


def _unescaped(quoted: str) -> str:
    if any(match[1] not in "'{}\\" for match in _ESCAPE.finditer(quoted)):
        raise BadCall(f"Only \\', \\{{, \\}} and \\\\ are escapes: {quoted}")
    return _ESCAPE.sub(r"\1", quoted)


def _path_argument(written: str, position: int) -> tuple[Argument, int]:
    end = position
    try:
        while end < len(written) and written[end] not in ",)]":
            part = _PATH_PART.match(written, end)
            end = part.end() if part else closing(written, end) + 1
    except PathProblem as problem:
        raise BadCall(str(problem)) from None
    path = written[position:end].rstrip()
    problem_text = paths.check(path)
    if problem_text:
        raise BadCall(f"{path}: {problem_text}")
    return Argument("path", path), end


# --- call -> closure ------------------------------------------------------------------------------


def is_intrinsic(expression: Json) -> bool:
    """Does the text mean to be an intrinsic function call? `check` says whether it is one.

    >>> is_intrinsic("States.UUID()"), is_intrinsic("$.States")
    (True, False)
    """
    return isinstance(expression, str) and expression.lstrip().startswith("States.")


def check(expression: str) -> str | None:
    """What is wrong with a call, or None.

    >>> check("States.ArrayLength()")
    'States.ArrayLength does not take 0 arguments'
    """
    try:
        parse(expression)
    except BadCall as problem:
        return str(problem)
    return None


def variables_in(expression: str) -> set[str]:
    """The variables that a call reads.

    >>> variables_in("States.MathAdd($count, States.ArrayLength($list))") == {"count", "list"}
    True
    """
    try:
        return _variables(parse(expression))
    except BadCall:
        return set()


def _variables(call: Call) -> set[str]:
    found: set[str] = set()
    for kind, value in call.arguments:
        if kind == "path":
            found |= paths.variables_in(value)
        elif kind == "call":
            found |= _variables(value)
    return found


def compile_intrinsic(expression: str, place: str = "") -> Evaluate:
    """A closure that makes the call; ``place`` keeps the draws of equal calls in different fields apart.

    >>> from sfnbook.query.environment import Environment
    >>> env = Environment({}, dict, lambda purpose: 0, 0)
    >>> compile_intrinsic("States.Format('{} of {}', $.n, 5)")({"n": 2}, env)
    '2 of 5'
    """
    try:
        return _compile(parse(expression), place)
    except BadCall as problem:
        return paths.raising(Failed(RUNTIME, f"The function '{expression}' is not valid: {problem}"))


def _compile(call: Call, place: str) -> Evaluate:
    function = INTRINSICS[call.name]
    purpose = f"{place}:{call.name}"
    read = [
        _compile_argument(argument, call, f"{purpose}/{index}")
        for index, argument in enumerate(call.arguments)
    ]

    def evaluate(value: Json, env: Environment) -> Json:
        arguments = [argument(value, env) for argument in read]
        if function.draws:
            arguments.insert(0, env.draw(purpose))
        try:
            return made(*arguments)
        except Refused as problem:
            raise _failed(call, str(problem)) from None

    def evaluate_two(value: Json, env: Environment) -> Json:
        one, other = first(value, env), second(value, env)
        try:
            return made(one, other)
        except Refused as problem:
            raise _failed(call, str(problem)) from None

    made = function.call
    if len(read) != 2 or function.draws:
        return evaluate
    first, second = read
    return evaluate_two


def _compile_argument(argument: Argument, call: Call, place: str) -> Evaluate:
    kind, given = argument
    if kind == "call":
        return _compile(given, place)
    if kind == "literal":
        return lambda _value, _env: given
    return paths.compile_lookup(given, lambda _told, searched: _failed(call, _not_found(given, searched)))


def _not_found(path: str, searched: Json) -> str:
    return f"The JsonPath argument for the field '{path}' could not be found in the input '{text(searched)}'"


def _failed(call: Call, problem: str) -> Failed:
    return Failed(RUNTIME, f"The function '{call.text}' had the following error: {problem}")
