"""How JSONata 2.0.6 counts, compares and prints: the operators, shared by both evaluators.

The compiled closures and the library are given the same functions, so they cannot disagree.
Values here are plain JSON (null is None); the library's own null is never equal to anything else.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.values import Json

EXACT: Final = 2**53
"""Up to here integers and IEEE doubles agree; beyond, JSONata's arithmetic rounds."""

_LONG: Final = 2.0**63


def whole(number: float) -> float:
    """A whole double as an integer while it fits 64 bits, as AWS prints it.

    >>> whole(3.0), whole(2.5), whole(1e300)
    (3, 2.5, 1e+300)
    """
    return int(number) if number.is_integer() and abs(number) < _LONG else number


def is_number(value: Any) -> bool:
    """Is this a JSON number?  (True is none.)"""
    return type(value) is int or type(value) is float


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.copysign(math.inf, left) if left else math.nan


def _remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right else math.nan


def _exact(compute: Callable[[Any, Any], Any]) -> Callable[[float, float], float]:
    def evaluate(left: float, right: float) -> float:
        if type(left) is int is type(right) and -EXACT <= left <= EXACT and -EXACT <= right <= EXACT:
            result: int = compute(left, right)
            return result if -EXACT <= result <= EXACT else int(float(result))
        return whole(compute(float(left), float(right)))

    return evaluate


ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": _exact(lambda left, right: left + right),
    "-": _exact(lambda left, right: left - right),
    "*": _exact(lambda left, right: left * right),
    "/": lambda left, right: whole(_divide(float(left), float(right))),
    "%": lambda left, right: whole(_remainder(float(left), float(right))),
}
"""The operators on two finite numbers; ``1/0`` is infinite, no error."""


COMPARISON: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
"""The operators on two numbers or two strings."""


def equal(left: Any, right: Any) -> bool:
    """Deep equality, in which true is not 1.

    >>> equal({"a": [1]}, {"a": [1.0]}), equal(1, True)
    (True, False)
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def contains(sequence: Any, value: Any) -> bool:
    """The operator ``in``: JavaScript's ``===``, so an object is found by identity only."""
    items = sequence if isinstance(sequence, list) else [sequence]
    if isinstance(value, (list, dict)):
        return any(item is value for item in items)
    return any(equal(item, value) for item in items)


def truth(value: Json) -> bool:
    """What ``$boolean`` makes of a value.

    >>> [truth(value) for value in ("", "0", 0, [0, 1], [], {}, None)]
    [False, True, False, True, False, False, False]
    """
    if isinstance(value, list):
        return any(map(truth, value))
    return bool(value)


def number_text(number: float) -> str:
    """A number as ``$string`` prints it: 15 digits, no exponent below 1e21.

    >>> [number_text(number) for number in (0.1 + 0.2, 1e20, 1e21, 0.0000001)]
    ['0.3', '100000000000000000000', '1e+21', '1e-7']
    """
    if type(number) is int and -(10**15) < number < 10**15:
        return str(number)
    rounded = float(f"{number:.15g}")
    if 1e-6 <= abs(rounded) < 1e21 or not rounded:
        digits = format(Decimal(repr(rounded)), "f")
        return digits.removesuffix(".0") if rounded else "0"
    return re.sub(r"e([+-])0*", r"e\1", repr(rounded))


def string(value: Json, *, pretty: bool = False) -> str:
    """What ``$string`` and ``&`` make of a value; functions must have become "" before.

    >>> string({"a": [1.0, "ü"]}), string("as it is")
    ('{"a":[1,"ü"]}', 'as it is')
    """
    return value if isinstance(value, str) else "".join(_pieces(value, "\n" if pretty else ""))


def _pieces(value: Json, indent: str) -> Any:
    if isinstance(value, dict):
        keys = (f"{_quoted(key)}:{' ' if indent else ''}" for key in value)
        yield from _enclosed("{", "}", zip(keys, value.values(), strict=True), indent)
    elif isinstance(value, list):
        yield from _enclosed("[", "]", (("", item) for item in value), indent)
    elif is_number(value):
        yield number_text(value) if math.isfinite(value) else "null"
    else:
        yield _quoted(value)


def _enclosed(opening: str, closing: str, members: Any, indent: str) -> Any:
    inner = indent and indent + "  "
    separator = opening + inner
    for label, item in members:
        yield separator + label
        yield from _pieces(item, inner)
        separator = "," + inner
    yield opening + closing if separator[0] == opening else indent + closing


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
