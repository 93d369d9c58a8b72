"""How many failed items a Map tolerates, and the whole numbers that its ``...Path`` fields may name.

AWS takes a number in a string wherever a path of a Map names a number: the variable ``"2"``
is a good ``MaxItemsPath``, ``MaxConcurrencyPath`` and so on.  What it refuses is States.Runtime.
"""

from __future__ import annotations

import math
import re
from typing import Final

from sfnbook.errors import RUNTIME, Failed
from sfnbook.values import Json, text

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_FLOAT: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

THRESHOLD_EXCEEDED: Final = "The specified tolerated failure threshold was exceeded"
"""The cause of States.ExceedToleratedFailureThreshold."""


def integer(value: Json, field: str, path: str | None = None) -> int:
    """The whole number that ``field`` names at ``path``, or as a literal where ``path`` is None.

    >>> integer("2", "MaxItemsPath", "$maxItems")
    2
    >>> integer("many", "MaxItemsPath", "$.n")
    Traceback (most recent call last):
    ...
    sfnbook.errors.Failed: ('States.Runtime', \
'The MaxItemsPath field refers to value "many" which is not a valid integer: $.n')
    """
    shown = _shown(value)
    if isinstance(value, int | str) and _INTEGER.fullmatch(shown):
        return int(shown)
    # JSONata has no integers of its own: a whole number may arrive as 2.0, but never from a path.
    if path is None and isinstance(value, float) and value.is_integer():
        return int(value)
    raise _not_valid("integer", shown, field, path)


def number(value: Json, field: str, path: str | None = None) -> float:
    """The number that ``field`` names, whole or not.

    >>> number("12.5", "ToleratedFailurePercentagePath", "$.p")
    12.5
    """
    shown = _shown(value)
    if isinstance(value, int | float | str) and _FLOAT.fullmatch(shown) and math.isfinite(float(shown)):
        return float(shown)
    raise _not_valid("float", shown, field, path)


def failure_count(value: Json, path: str | None = None) -> int:
    """ToleratedFailureCount, or what ToleratedFailureCountPath found at ``path``.

    >>> failure_count(-1)
    Traceback (most recent call last):
    ...
    sfnbook.errors.Failed: ('States.Runtime', 'ToleratedFailureCount cannot be negative.')
    """
    count = integer(value, "ToleratedFailureCount" + ("Path" if path else ""), path)
    if count < 0:
        raise Failed(RUNTIME, "ToleratedFailureCount cannot be negative.")
    return count


def failure_percentage(value: Json, path: str | None = None) -> float:
    """ToleratedFailurePercentage, or what ToleratedFailurePercentagePath found at ``path``.

    >>> failure_percentage("33.4", "$.percentage")
    33.4
    """
    percentage = number(value, "ToleratedFailurePercentage" + ("Path" if path else ""), path)
    if not 0 <= percentage <= 100:
        raise Failed(RUNTIME, "ToleratedFailurePercentage must be between 0 and 100.")
    return percentage


def exceeded(failed: int, total: int, count: int, percentage: float) -> bool:
    """Have more items failed than are tolerated, by number or by share?

    Items are counted, not batches.  AWS reports a threshold that is not given as 0, so a 0
    beside a given threshold sets no bound; with two zeros nothing may fail.

    >>> exceeded(1, 10, count=0, percentage=0), exceeded(1, 10, count=1, percentage=0)
    (True, False)
    >>> exceeded(2, 10, count=5, percentage=10)
    True
    """
    if not count and not percentage:
        return failed > 0
    return bool(count and failed > count) or bool(percentage and failed * 100 > percentage * total)


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else text(value)


def _not_valid(kind: str, shown: str, field: str, path: str | None) -> Failed:
    if path is None:
        return Failed(RUNTIME, f'The {field} field has the value "{shown}" which is not a valid {kind}')
    return Failed(RUNTIME, f'The {field} field refers to value "{shown}" which is not a valid {kind}: {path}')
