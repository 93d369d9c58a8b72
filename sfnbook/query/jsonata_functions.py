"""The functions that AWS adds to JSONata, and those of the library that AWS answers otherwise.

Inside an evaluation undefined is None and null is a value of the library's own; `to_library` and
`from_library` are the border.  AWS's documentation of its functions:
https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import json
import math
import random
import re
import sys
import urllib.parse
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sfnbook import chance
from sfnbook.query.jsonata_values import ARITHMETIC, equal, is_number, string, truth, whole
from sfnbook.values import no_constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.query.environment import Environment
    from sfnbook.values import Json

LARGEST_VALUE: Final = 6_990_256
"""Bytes that one value of an expression may hold, a number counting 8 and a character 1."""

LARGEST_RANGE: Final = 360_145
LARGEST_SEQUENCE: Final = LARGEST_VALUE // 8

MEMORY: Final = "Expression evaluation memory limit exceeded: Check for excessive memory usage"

DIGESTS: Final = {
    "SHA-1": "sha1", "SHA-384": "sha384", "SHA-256": "sha256", "SHA-512": "sha512", "MD5": "md5"
}  # fmt: skip


@functools.cache
def library() -> Any:
    """The module ``jsonata``, imported at its first use; it raises the recursion limit for good."""
    limit = sys.getrecursionlimit()
    import jsonata  # noqa: PLC0415 - not for `import sfnbook`

    sys.setrecursionlimit(limit)
    return jsonata


def refuse(code: str, *details: Any) -> NoReturn:
    """Raise the library's exception; a ``code`` that is a whole sentence is shown as it is."""
    raise library().JException(code, -1, *details)


class NotJson(Exception):  # noqa: N818 - a signal, no error
    """A result is a function, or holds one."""


class Internal(Exception):  # noqa: N818 - a signal, no error
    """AWS's evaluator itself stumbles; it shows a UUID, and no reason."""


def to_library(value: Json) -> Any:
    """A JSON value as the library wants it: its own null, and no whole double (AWS drops the ``.0``)."""
    null = library().Utils.NULL_VALUE

    def convert(item: Json) -> Any:
        if isinstance(item, dict):
            return {key: convert(member) for key, member in item.items()}
        if isinstance(item, list):
            return [convert(member) for member in item]
        if item is None:
            return null
        return whole(item) if isinstance(item, float) else item

    return convert(value)


def from_library(value: Any, *, printed: bool = False) -> Json:
    """The JSON of a value of the library; printed, a function in it is ``""``.

    An infinite number becomes its name, as on AWS.  Counting what the value holds ends the
    writing out of a value that refers to itself many times over.
    """
    null, held = library().Utils.NULL_VALUE, 0

    def convert(item: Any) -> Json:
        nonlocal held
        held += len(item) if isinstance(item, str) else 8
        if held > LARGEST_VALUE:
            refuse(MEMORY)
        if isinstance(item, dict):
            return {key: convert(member) for key, member in item.items()}
        if isinstance(item, list):
            return [convert(member) for member in item]
        if isinstance(item, float):
            return whole(item) if math.isfinite(item) or printed else _NAMES.get(item, "NaN")
        if item is None or item is null:
            return None
        if isinstance(item, (str, int)):
            return item
        if printed:
            return ""
        raise NotJson

    return convert(value)


_NAMES: Final = {math.inf: "Infinity", -math.inf: "-Infinity"}


def _mismatch(function: str, argument: int) -> NoReturn:
    refuse("T0410", argument, function)


def _integer(value: Any, function: str, argument: int) -> int:
    """AWS rounds towards zero: -1.7 is -1."""
    if not is_number(value):
        _mismatch(function, argument)
    return int(value)


def _only(function: str, allowed: int, surplus: Any) -> None:
    if surplus is not None:
        _mismatch(function, allowed + 1)


# What AWS adds.  Each takes one argument more than it has, to name the surplus one as AWS does.


def partition(array: Any = None, size: Any = None, surplus: Any = None) -> Any:
    """``$partition``: chunks of ``size``; of an empty array, or of size zero, nothing."""
    _only("partition", 2, surplus)
    if array is None:
        return None
    if not isinstance(array, list):
        refuse('T0412: Argument 1 of function "partition" must be an array of undefined')
    if not array or size is None:
        return [list(array)] if array else None
    step = _integer(size, "partition", 2)
    if step < 0:
        refuse("D3137: Second argument must be zero or greater")
    return [list(array[at : at + step]) for at in range(0, len(array), step)] if step else None


def range_(start: Any = None, end: Any = None, step: Any = None, surplus: Any = None) -> Any:
    """``$range``: both ends inclusive; a single number comes bare, as every JSONata sequence."""
    _only("range", 3, surplus)
    first, last = _integer(start, "range", 1), _integer(end, "range", 2)
    stride = 0 if step is None else _integer(step, "range", 3)
    if not stride or (last - first) * stride < 0:
        return None
    numbers = range(first, last + (1 if stride > 0 else -1), stride)
    if len(numbers) > LARGEST_RANGE:
        refuse(MEMORY)
    return list(numbers) if len(numbers) > 1 else first


def hash_(text: Any = None, algorithm: Any = None, surplus: Any = None) -> Any:
    """``$hash``: the hexadecimal digest."""
    _only("hash", 2, surplus)
    if not isinstance(text, str):
        _mismatch("hash", 1)
    if algorithm is None:
        return None
    if not isinstance(algorithm, str):
        _mismatch("hash", 2)
    if algorithm not in DIGESTS:
        refuse(f"D3137: Hash algorithm '{algorithm}' must be one of {', '.join(DIGESTS)}")
    return hashlib.new(DIGESTS[algorithm], text.encode("utf-8", "replace")).hexdigest()


def parse(text: Any = None, surplus: Any = None) -> Any:
    """``$parse``: strict JSON (no repeated key, nothing after it); AWS's replacement of ``$eval``."""
    _only("parse", 1, surplus)
    if text is None:
        return None
    if not isinstance(text, str):
        _mismatch("parse", 1)
    try:
        return to_library(json.loads(text, object_pairs_hook=_unrepeated, parse_constant=no_constant))
    except (ValueError, RecursionError):
        refuse("D3137: Invalid JSON")


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def java_random(seed: int) -> float:
    """The first double of java.util.Random, which AWS's seeded ``$random`` gives.

    >>> java_random(42)
    0.7275636800328681
    """
    mask, factor = (1 << 48) - 1, 0x5DEECE66D
    first = (((seed ^ factor) & mask) * factor + 0xB) & mask
    second = (first * factor + 0xB) & mask
    return (((first >> 22) << 27) + (second >> 21)) / float(1 << 53)


# What the library answers otherwise than JSONata 2.0.6.


def sum_(numbers: list[Any] | None) -> Any:
    """The sum, one addition after the other: Python's own ``sum`` of floats rounds otherwise."""
    for number in numbers or ():
        if not math.isfinite(number):
            refuse("D1001", number)
    add: Callable[[Any, Any], Any] = ARITHMETIC["+"]
    return None if numbers is None else functools.reduce(add, numbers, 0)


def average(numbers: Any) -> Any:
    return ARITHMETIC["/"](sum_(numbers), len(numbers)) if numbers else None


_NUMERAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?")
_PREFIXED: Final = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")


def number(value: Any) -> Any:
    if isinstance(value, str):
        if _PREFIXED.fullmatch(value):
            return int(value, 0)
        if not _NUMERAL.fullmatch(value) or math.isinf(float(value)):
            refuse("D3030", value)
        return whole(float(value))
    return int(value) if isinstance(value, bool) else value


def string_(value: Any, prettify: Any = None) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        refuse("D3001")
    return None if value is None else string(from_library(value, printed=True), pretty=prettify is True)


def power(base: Any, exponent: Any) -> Any:
    if base is None or exponent is None:
        return None
    try:
        return whole(math.pow(base, exponent))
    except (OverflowError, ValueError, ZeroDivisionError):
        return refuse("D3061", base, exponent)


def count(values: Any) -> int:
    return 0 if values is None else len(values)


def lowercase(text: Any) -> Any:
    return None if text is None else text.lower()


def distinct(values: Any) -> Any:
    if not isinstance(values, list):
        return values
    kept = values[:0]
    for value in values:
        if not any(equal(value, other) for other in kept):
            kept.append(value)
    return kept


def clone(value: Any) -> Any:
    """A deep copy that keeps the library's null."""
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    return [clone(item) for item in value] if isinstance(value, list) else value


class _Sorted:
    """A sort key: ``comparator(a, b)`` says whether a must come after b."""

    __slots__ = ("after", "value")

    def __init__(self, value: Any, after: Callable[[Any, Any], bool]) -> None:
        self.value, self.after = value, after

    def __lt__(self, other: _Sorted) -> bool:
        return self.after(other.value, self.value)


def sort(values: Any, comparator: Any = None) -> Any:
    """Stable, also where the comparator answers booleans."""
    if not isinstance(values, list) or len(values) < 2:
        return values
    if comparator is None:
        if not all(map(is_number, values)) and not all(isinstance(value, str) for value in values):
            refuse("D3070")
        return sorted(values)

    def after(left: Any, right: Any) -> bool:
        verdict = library().Functions.func_apply(comparator, [left, right])
        return verdict > 0 if is_number(verdict) else truth(verdict)

    return sorted(values, key=lambda value: _Sorted(value, after))


_INSTANT: Final = re.compile(
    r"(\d{4})(?:-([01]\d))?(?:-([0-3]\d))?(?:T([0-2]\d):([0-5]\d):([0-5]\d))?(?:\.(\d+))?"
    r"(?:([+-])([0-2]\d):?([0-5]\d)|Z)?"
)


def to_millis(text: Any, picture: Any = None) -> Any:
    """``$toMillis``: only ISO 8601, where the library takes more."""
    if text is None:
        return None
    if picture is not None:
        return library().Functions.datetime_to_millis(text, picture)
    found = _INSTANT.fullmatch(text)
    try:
        return _millis(*found.groups()) if found else refuse("D3110", text)
    except ValueError:
        return refuse("D3110", text)


_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def _millis(*parts: str | None) -> int:
    year, month, day = (int(part or 1) for part in parts[:3])
    hour, minute, second = (int(part or 0) for part in parts[3:6])
    fraction, sign, *offset = parts[6:]
    hours, minutes = (int(part or 0) * (-1 if sign == "-" else 1) for part in offset)
    instant = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    since = instant - _EPOCH - dt.timedelta(hours=hours, minutes=minutes)
    return since // dt.timedelta(milliseconds=1) + int(((fraction or "") + "000")[:3])


def parse_integer(text: Any, picture: Any) -> Any:
    """NaN where the picture cannot read the text."""
    if text is None:
        return None
    try:
        parsed = library().Functions.parse_integer(text, picture)
    except (ValueError, TypeError):
        return math.nan
    return math.nan if parsed is None else parsed


def sift(members: Any, keep: Any = None) -> Any:
    """The library counts the parameters of a function that is not there."""
    return refuse("T1006") if keep is None and members else library().Functions.sift(members, keep)


_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def base64_decode(text: Any) -> Any:
    """``$base64decode``: the padding may be missing, but what is no Base64 is no text, as in the library."""
    if text is None:
        return None
    compact = "".join(text.split())
    digits = compact.rstrip("=")
    if not _BASE64.fullmatch(compact) or len(digits) % 4 == 1:
        raise Internal
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("utf-8", "replace")


_NO_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED: Final = re.compile(r"%(?=2[346BCF]|3[ABDF]|40)", re.IGNORECASE)


def _decoded(text: str) -> str:
    if _NO_ESCAPE.search(text):
        raise ValueError(text)
    return urllib.parse.unquote(text, errors="strict")


def _url(name: str, convert: Callable[[str], str]) -> tuple[Callable[..., Any], str]:
    """A function that refuses a malformed text, as those of JavaScript do."""

    def converted(text: Any) -> Any:
        try:
            return None if text is None else convert(text)
        except ValueError:
            return refuse("D3140", name, text)

    return converted, "<s-:s>"


FUNCTIONS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "partition": (partition, "<x?x?x?:x>"),
    "range": (range_, "<x?x?x?x?:x>"),
    "hash": (hash_, "<x?x?x?:x>"),
    "parse": (parse, "<x?x?:x>"),
    "sum": (sum_, "<a<n>:n>"),
    "average": (average, "<a<n>:n>"),
    "string": (string_, "<x-b?:s>"),
    "number": (number, "<(nsb)-:n>"),
    "power": (power, "<n-n:n>"),
    "count": (count, "<a:n>"),
    "lowercase": (lowercase, "<s-:s>"),
    "distinct": (distinct, "<x:x>"),
    "clone": (clone, "<(oa)-:o>"),
    "sort": (sort, "<af?:a>"),
    "toMillis": (to_millis, "<s-s?:n>"),
    "parseInteger": (parse_integer, "<s-s:n>"),
    "sift": (sift, "<o-f?:o>"),
    "base64decode": (base64_decode, "<s-:s>"),
    "encodeUrl": _url("encodeUrl", lambda text: urllib.parse.quote(text, safe="~@#$&()*!+=:;,.?/'")),
    "encodeUrlComponent": _url("encodeUrlComponent", lambda text: urllib.parse.quote(text, safe="~()*!.'")),
    # JavaScript's decodeURI leaves the escapes of what separates the parts of a URL.
    "decodeUrl": _url("decodeUrl", lambda text: _decoded(_RESERVED.sub("%25", text))),
    "decodeUrlComponent": _url("decodeUrlComponent", _decoded),
}
"""Name -> function and its signature in JSONata's notation."""


def drawing(environment: Environment, location: str) -> dict[str, tuple[Callable[..., Any], str]]:
    """The functions that read the clock or draw chance, for one evaluation of one field."""
    draws = 0

    def draw(function: str) -> int:
        nonlocal draws
        draws += 1
        return environment.draw(f"{location}/${function}/{draws}")

    def random_(seed: Any = None, surplus: Any = None) -> float:
        _only("random", 1, surplus)
        return chance.fraction(draw("random")) if seed is None else java_random(_integer(seed, "random", 1))

    def uuid(surplus: Any = None) -> str:
        _only("uuid", 0, surplus)
        return chance.uuid_text(draw("uuid"))

    def shuffle(values: Any) -> Any:
        shuffled = list(values) if isinstance(values, list) else values
        if isinstance(shuffled, list):
            random.Random(draw("shuffle")).shuffle(shuffled)  # noqa: S311 - a simulation
        return shuffled

    def millis() -> int:
        return environment.now // 1000

    def now(picture: Any = None, timezone: Any = None) -> Any:
        return library().Functions.datetime_from_millis(millis(), picture, timezone)

    return {
        "random": (random_, "<x?x?:n>"),
        "uuid": (uuid, "<x?:s>"),
        "shuffle": (shuffle, "<a:a>"),
        "millis": (millis, "<:n>"),
        "now": (now, "<s?s?:s>"),
    }


DRAWN: Final = frozenset({"random", "uuid", "shuffle", "millis", "now"})
