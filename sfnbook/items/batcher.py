"""ItemBatcher: items -> the inputs of child executions, each within the limits.

A batch is closed when one more item would pass a limit.  Bytes are those of the whole input,
BatchInput included; no child can take more than AWS's 262,144 in any case, so the caller gives
the smaller of that quota and MaxInputBytesPerBatch.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from sfnbook.definition import ABSENT
from sfnbook.errors import DATA_LIMIT_EXCEEDED, RUNTIME, Failed
from sfnbook.values import Json, size

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMA: Final = 1


def batches(
    items: list[Json], *, max_items: int | None, max_bytes: int | None, batch_input: Json = ABSENT
) -> list[dict[str, Json]]:
    """``{"BatchInput": ..., "Items": [...]}`` for each batch; without BatchInput where it is ABSENT.

    >>> batches([1, 2, 3], max_items=2, max_bytes=None)
    [{'Items': [1, 2]}, {'Items': [3]}]
    """
    _check_positive("MaxItemsPerBatch", max_items)
    _check_positive("MaxInputBytesPerBatch", max_bytes)
    shared = {} if batch_input is ABSENT else {"BatchInput": batch_input}
    lengths = _lengths(items, max_items, max_bytes, size({**shared, "Items": []}))
    ends = list(accumulate(lengths, initial=0))
    return [{**shared, "Items": items[start:end]} for start, end in pairwise(ends)]


def _lengths(items: list[Json], max_items: int | None, max_bytes: int | None, empty: int) -> Iterator[int]:
    """How many items each batch takes; ``empty`` is the size of a batch without items."""
    length, used = 0, empty
    for item in items:
        weight = size(item) if max_bytes is not None else 0
        if length and (length == max_items or _over(used + _COMMA + weight, max_bytes)):
            yield length
            length, used = 0, empty
        used += weight + (_COMMA if length else 0)
        if _over(used, max_bytes):
            raise Failed(
                DATA_LIMIT_EXCEEDED,
                f"A batch of a single item has {used} bytes, more than the maximum of {max_bytes}.",
            )
        length += 1
    if length:
        yield length


def _over(used: int, limit: int | None) -> bool:
    return limit is not None and used > limit


def _check_positive(field: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise Failed(RUNTIME, f"{field} must be positive.")
