"""JSON values: copying, measuring, printing, and the text of paths.

Payloads inside an execution are never mutated, so they are shared freely; `copied` is for the
boundary to people's own code.
"""

from __future__ import annotations

import json
import marshal
import re
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias, TypeGuard

from sfnbook.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json: TypeAlias = Any
"""A JSON value: dict, list, str, int, float, bool or None."""

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
_strict = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

# No JSON text is more than this many times longer than its marshalled form: a control
# character takes 1 byte there and 6 in JSON, `false` and its comma 1 and 6.
_WORST_GROWTH = 6

# The levels that marshal takes; nothing deeper passes the payload quota.
_DEEPEST = 2_000


def is_number(value: object) -> TypeGuard[float]:
    """A number of JSON's; Python counts truth values among them, JSON does not.

    >>> is_number(1.5), is_number(True)
    (True, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def no_constant(name: str) -> NoReturn:
    """For ``json.loads(parse_constant=)``: Python reads NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{name} is no JSON value")


def copied(value: Json) -> Json:
    """A deep copy of a JSON value.

    >>> original = {"a": [1]}
    >>> copied(original) == original, copied(original)["a"] is original["a"]
    (True, False)
    """
    return _at_any_depth(_copied, value)


def _copied(value: Json) -> Json:
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    if type(value) is list:
        return [_copied(item) for item in value]
    return value


def _at_any_depth(function: Callable[[Json], Any], value: Json) -> Any:
    """Call a recursive function; a payload that a loop has nested deeply gets the stack that it takes."""
    try:
        return function(value)
    except RecursionError:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + 4 * _DEEPEST)
        try:
            return function(value)
        finally:
            sys.setrecursionlimit(limit)


def text(value: Json) -> str:
    """Compact JSON text, as AWS writes it into events and causes.

    >>> text({"a": [1, None]})
    '{"a":[1,null]}'
    """
    try:
        return _compact.encode(value)
    except RecursionError:  # Python 3.12 does not move the limit of its encoder in C
        deep: str = _at_any_depth(lambda value: "".join(_compact.iterencode(value)), value)
        return deep


def size(value: Json) -> int:
    """Bytes of the UTF-8 JSON text of a value.

    >>> size({"name": "Zoë"})
    15
    """
    return len(text(value).encode("utf-8", "surrogatepass"))


def exceeds(value: Json, limit: int) -> bool:
    """Is the value's JSON text longer than ``limit`` bytes?

    Marshalling bounds the answer in a fifth of the time that encoding takes, and nearly
    every payload is far from the limit.
    """
    try:
        if len(marshal.dumps(value, 2)) * _WORST_GROWTH <= limit:
            return False
    except ValueError:  # nested more deeply than marshal goes: AWS's own bound is lower
        return True
    return size(value) > limit


def checked(value: Json, what: str) -> Json:
    """A private copy of a value that came from outside, or a UsageError that says what is wrong.

    >>> checked({"when": {1, 2}}, "The input")
    Traceback (most recent call last):
    ...
    sfnbook.errors.UsageError: The input is not JSON: Object of type set is not JSON serializable (at /when)
    """
    try:
        plain = json.loads(_strict(value))
    except (TypeError, ValueError, RecursionError) as problem:
        where = misfit(value)
        raise UsageError(f"{what} is not JSON: {problem}{f' (at {where})' if where else ''}") from None
    return plain


def misfit(value: Any, encode: Callable[[Any], str] = _strict) -> str:
    """The JSON pointer of the first part of a value that JSON cannot hold; "" if that is the whole.

    >>> misfit({"order": [1, {"when": 1j}]})
    '/order/1/when'
    """
    try:
        return _misfit(value, "", frozenset(), encode) or ""
    except RecursionError:
        return ""


def _misfit(value: Any, pointer: str, around: frozenset[int], encode: Callable[[Any], str]) -> str | None:
    if not isinstance(value, dict | list | tuple):
        try:
            encode(value)
        except (TypeError, ValueError):
            return pointer
        return None
    if id(value) in around:
        return pointer
    around |= {id(value)}
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if not isinstance(key, str | int | float | None):
            return pointer
        found = _misfit(item, f"{pointer}/{escape_pointer(str(key))}", around, encode)
        if found is not None:
            return found
    return None


def escape_pointer(name: str) -> str:
    """One step of a JSON pointer (RFC 6901).

    >>> escape_pointer("a/b~c")
    'a~1b~0c'
    """
    return name.replace("~", "~0").replace("/", "~1")


def unescape_pointer(step: str) -> str:
    """The name behind one step of a JSON pointer."""
    return step.replace("~1", "/").replace("~0", "~")


_INDEX: Final = re.compile(r"\[\d+\]")


def without_indices(path: str) -> str:
    """The path of a state, the same in all iterations.

    >>> without_indices("Orders[3].Charge")
    'Orders.Charge'
    """
    return _INDEX.sub("", path)


def state_name(pointer: str) -> str:
    """The name of the state that a pointer ends in.

    >>> state_name("/States/Both/Branches/0/States/Left")
    'Left'
    """
    return unescape_pointer(pointer.rpartition("/")[2])


class Difference(NamedTuple):
    """Where two JSON values differ, and what is there; `MISSING` where there is nothing."""

    pointer: str
    left: Json
    right: Json


class Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "nothing"


MISSING = Missing()


def difference(left: Json, right: Json) -> Difference | None:
    """The first difference of two JSON values, None if they are equal.

    >>> difference({"a": [1, 2]}, {"a": [1, 3]})
    Difference(pointer='/a/1', left=2, right=3)
    """
    return next(differences(left, right), None)


def differences(left: Json, right: Json, pointer: str = "") -> Iterator[Difference]:
    """Every difference of two JSON values, with the JSON pointer of its place."""
    if left is right:
        return
    if isinstance(left, dict) and isinstance(right, dict):
        for key in {**left, **right}:
            place = f"{pointer}/{escape_pointer(key)}"
            yield from differences(left.get(key, MISSING), right.get(key, MISSING), place)
    elif isinstance(left, list) and isinstance(right, list):
        for index in range(max(len(left), len(right))):
            one = left[index] if index < len(left) else MISSING
            other = right[index] if index < len(right) else MISSING
            yield from differences(one, other, f"{pointer}/{index}")
    elif left != right or isinstance(left, bool) != isinstance(right, bool):
        yield Difference(pointer, left, right)
