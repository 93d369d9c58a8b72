"""Where each item of a net stands from left to right: the second half of the layout.

Straightness comes first and by construction: items that should stand under each other (the
main path before all, long edges, a label and its target) are tied into one *column*, which
then moves as one.  Columns are drawn to the middle of what they are joined to, and held apart
by what stands beside them in each row.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sfnbook.drawing.layering import LABEL, LINE, NODE, TURN, Net

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GAPS: Final[dict[tuple[int, int], float]] = {
    (NODE, NODE): 36,
    (NODE, LINE): 22,
    (NODE, LABEL): 18,
    (LINE, LINE): 16,
    (LINE, LABEL): 12,
    (LABEL, LABEL): 10,
}
_TURN_GAP: Final = 4

_MAIN_PATH: Final = 8
# By the upper and the lower item.
_TIES: Final[dict[tuple[int, int], int]] = {
    (LINE, LINE): 5,
    (LABEL, LABEL): 5,
    (LINE, LABEL): 5,
    (LINE, NODE): 4,
    (LABEL, NODE): 3,
    (LABEL, LINE): 3,
    (NODE, LINE): 2,
    (NODE, LABEL): 2,
}
_LOOSE: Final = 1
_ROUNDS: Final = 14


def columns(net: Net) -> list[float]:
    """The middle of each item.

    >>> from sfnbook.drawing.layering import Link, Size, net
    >>> columns(net([Size(100, 40)] * 3, [Link(0, 1, weight=2), Link(0, 2)]))
    [50.0, 50.0, 186.0]
    """
    column = _tied(net)
    right_of = _neighbours(net, column)
    left_of: dict[int, dict[int, float]] = {name: {} for name in right_of}
    for left, others in right_of.items():
        for right, gap in others.items():
            left_of[right][left] = gap
    order = _from_left(right_of, left_of)
    x = _settled(order, left_of, right_of, _pulls(net, column))
    middles = [x[column[item]] for item in range(len(net.sizes))]
    edge = min((middle - size.w / 2 for middle, size in zip(middles, net.sizes, strict=True)), default=0)
    return [middle - edge for middle in middles]


def _tied(net: Net) -> list[int]:
    """The column of each item, named by its topmost item.

    Ties of one row to the next never cross, so "left of" among columns has no circle.
    """
    column = list(range(len(net.sizes)))
    place = net.places()
    for row in net.rows:
        taken: list[tuple[int, int]] = []
        for _, upper, lower in sorted(_candidates(net, place, row)):
            a, b = place[upper], place[lower]
            if all((a - c) * (b - d) > 0 for c, d in taken):
                taken.append((a, b))
                column[lower] = column[upper]
    return column


def _candidates(
    net: Net, place: Sequence[int], row: Sequence[int]
) -> list[tuple[tuple[float, ...], int, int]]:
    """What could be tied below a row: first what matters most, then what is in the middle."""
    found: list[tuple[tuple[float, ...], int, int]] = []
    for upper in row:
        for lower in net.below[upper]:
            if TURN not in (net.kinds[upper], net.kinds[lower]):
                off = _off_middle(net.below[upper], lower, place) + _off_middle(
                    net.above[lower], upper, place
                )
                found.append(((-_strength(net, upper, lower), off, place[upper]), upper, lower))
    return found


def _strength(net: Net, upper: int, lower: int) -> int:
    if (upper, lower) in net.main:
        return _MAIN_PATH
    return _TIES.get((net.kinds[upper], net.kinds[lower]), _LOOSE)


def _off_middle(items: Sequence[int], item: int, place: Sequence[int]) -> float:
    before = sum(place[other] < place[item] for other in items)
    return abs(before - (len(items) - 1) / 2)


def _neighbours(net: Net, column: Sequence[int]) -> dict[int, dict[int, float]]:
    """For each column those right of it, and how far their middles must be apart."""
    right_of: dict[int, dict[int, float]] = {name: {} for name in column}
    for row in net.rows:
        for left, right in pairwise(row):
            apart = (net.sizes[left].w + net.sizes[right].w) / 2 + _gap(net.kinds[left], net.kinds[right])
            found = right_of[column[left]]
            found[column[right]] = max(apart, found.get(column[right], 0))
    return right_of


def _gap(left: int, right: int) -> float:
    return _GAPS.get((left, right)) or _GAPS.get((right, left), _TURN_GAP)


def _from_left(
    right_of: Mapping[int, Mapping[int, float]], left_of: Mapping[int, Mapping[int, float]]
) -> list[int]:
    """The columns so that each comes after all that are left of it."""
    waiting = {name: len(others) for name, others in left_of.items()}
    order = [name for name, count in waiting.items() if not count]
    for name in order:
        for right in right_of[name]:
            waiting[right] -= 1
            if not waiting[right]:
                order.append(right)
    return order


def _pulls(net: Net, column: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """For each column the columns it is joined to, and how strongly."""
    pulls: dict[int, list[tuple[int, int]]] = {name: [] for name in column}
    for upper, others in enumerate(net.below):
        for lower in others:
            a, b = column[upper], column[lower]
            if a != b:
                weight = _strength(net, upper, lower)
                pulls[a].append((b, weight))
                pulls[b].append((a, weight))
    return pulls


def _settled(
    order: Sequence[int],
    left_of: Mapping[int, Mapping[int, float]],
    right_of: Mapping[int, Mapping[int, float]],
    pulls: Mapping[int, Sequence[tuple[int, int]]],
) -> dict[int, float]:
    """Each column as near to the mean of what pulls it as its neighbours allow.

    Pushing everything too close to the right keeps all distances; so does pushing to the left;
    so does the mean of both, which treats both sides alike.
    """
    x = dict.fromkeys(order, 0.0)
    for _ in range(_ROUNDS):
        wish = {name: _mean(x, pulls[name], x[name]) for name in order}
        right, left = dict(wish), dict(wish)
        for name in order:
            right[name] = max([wish[name], *(right[other] + gap for other, gap in left_of[name].items())])
        for name in reversed(order):
            left[name] = min([wish[name], *(left[other] - gap for other, gap in right_of[name].items())])
        x = {name: (right[name] + left[name]) / 2 for name in order}
    for name in [*order, *reversed(order)]:
        least = max((x[other] + gap for other, gap in left_of[name].items()), default=-float("inf"))
        most = min((x[other] - gap for other, gap in right_of[name].items()), default=float("inf"))
        x[name] = max(least, min(most, _mean(x, pulls[name], x[name])))
    return x


def _mean(x: Mapping[int, float], pulls: Sequence[tuple[int, int]], otherwise: float) -> float:
    if not pulls:
        return otherwise
    return sum(x[name] * weight for name, weight in pulls) / sum(weight for _, weight in pulls)
