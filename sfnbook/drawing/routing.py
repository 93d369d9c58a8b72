"""How the edges of a net run: heights of the rows, ports on the nodes, curves, labels.

An edge passes a row as a vertical line at its item's place and bends only between rows, where
nothing stands; so it cannot meet a node.  Every edge leaves a node at the bottom and
arrives at the top, loops included.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from sfnbook.drawing.columns import columns
from sfnbook.drawing.layering import LABEL, LINE, NODE, TURN, Link, Net, Size, net

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Command: TypeAlias = tuple[str, tuple[float, ...]]
"""One stroke of a path: ("M", (x, y)), ("L", (x, y)) or ("C", (x1, y1, x2, y2, x, y))."""

Key = TypeVar("Key", int, "int | str")

ARROW: Final = 8.0
"""The length of an arrowhead: the last stroke of each path, always straight down."""


class Rect(NamedTuple):
    x: float
    y: float
    w: float
    h: float


class Routed(NamedTuple):
    """A block laid out by itself, with its corner at (0, 0)."""

    size: Size
    nodes: list[Rect]
    paths: list[tuple[Command, ...]]
    labels: list[Rect | None]
    backward: set[int]


_GAP: Final = 40.0
_GAP_BESIDE_DOT: Final = 24.0
_GAP_BESIDE_LABEL: Final = 21.0
_GAP_BESIDE_TURN: Final = 17.0
_DOT: Final = 12.0
# Flat curves are hard to follow: rows move apart a little where an edge goes far sideways.
_SLOPE: Final = 0.1
_SLOPE_MOST: Final = 44.0
_TURN_LEAST: Final = 9.0
_TURN_STEP: Final = 8.0
_PORT_STEP: Final = 22.0
_PORT_MARGIN: Final = 14.0
# Bézier's handle for a quarter of a circle.
_ROUND: Final = 0.5523

_OUT: Final = 0
_IN: Final = 1


class _Rows(NamedTuple):
    """Top and bottom of each row; and by link and end how far a turn keeps from its row."""

    top: list[float]
    bottom: list[float]
    turns: dict[tuple[int, int], float]


def routed(sizes: Sequence[Size], links: Sequence[Link]) -> Routed:
    """Lay out one block of nodes; node 0 is where it begins.

    >>> plan = routed([Size(100, 40), Size(100, 40)], [Link(0, 1)])
    >>> plan.nodes[1], plan.paths[0]
    (Rect(x=0.0, y=80.0, w=100, h=40), (('M', (50.0, 40.0)), ('L', (50.0, 72.0)), ('L', (50.0, 80.0))))
    """
    made = net(sizes, links)
    x = columns(made)
    rows = _heights(made, x)
    leaving, arriving = _ports(made, links, x)
    nodes = [
        Rect(x[node] - size.w / 2, rows.top[made.row_of[node]], size.w, size.h)
        for node, size in enumerate(sizes)
    ]
    paths = [
        _loop(made, x, rows, number, (leaving[number], arriving[number]))
        if number in made.backward
        else _descent(made, x, rows, route, (leaving[number], arriving[number]))
        for number, route in enumerate(made.routes)
    ]
    width = max(middle + size.w / 2 for middle, size in zip(x, made.sizes, strict=True))
    size = Size(width, rows.bottom[-1])
    return Routed(size, nodes, paths, [_label(made, x, rows, route) for route in made.routes], made.backward)


def _heights(made: Net, x: Sequence[float]) -> _Rows:
    turns, bends = _turns(made, x)
    rows = _Rows([], [], turns)
    y = 0.0
    for index, row in enumerate(made.rows):
        height = max(made.sizes[item].h for item in row)
        rows.top.append(y)
        rows.bottom.append(y + height)
        y += height + bends[index]
        if index + 1 < len(made.rows):
            y += _gap(made, index) + _slope(made, x, row)
    return rows


def _turns(made: Net, x: Sequence[float]) -> tuple[dict[tuple[int, int], float], list[float]]:
    """How deep each turn is, and what room the turns between two rows need.

    A wider turn is deeper than all narrower ones beside it, so that nested ones do not touch.
    """
    places: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
    for number in sorted(made.backward):
        route = made.routes[number]
        places[made.row_of[route[0]], _OUT].append((abs(x[route[2]] - x[route[0]]), number))
        places[made.row_of[route[-2]], _IN].append((abs(x[route[-3]] - x[route[-1]]), number))
    turns: dict[tuple[int, int], float] = {}
    bends = [0.0] * len(made.rows)
    for (row, end), found in places.items():
        for index, (_, number) in enumerate(sorted(found)):
            turns[number, end] = _TURN_LEAST + index * _TURN_STEP
        bends[row] += _TURN_LEAST + (len(found) - 1) * _TURN_STEP + (ARROW if end == _IN else 0)
    return turns, bends


def _gap(made: Net, index: int) -> float:
    """What stays free between a row and the next; nothing at a rim where only turns are."""
    upper, lower = made.rows[index], made.rows[index + 1]
    rim = (index == 0 and _bare(made, upper)) or (index + 2 == len(made.rows) and _bare(made, lower))
    return 0.0 if rim else min(_base_gap(made, upper), _base_gap(made, lower))


def _bare(made: Net, row: Iterable[int]) -> bool:
    return all(made.kinds[item] in {TURN, LINE} for item in row)


def _base_gap(made: Net, row: Iterable[int]) -> float:
    nodes = [made.sizes[item].h for item in row if made.kinds[item] == NODE]
    if nodes:
        return _GAP if max(nodes) > _DOT else _GAP_BESIDE_DOT
    return _GAP_BESIDE_LABEL if any(made.kinds[item] == LABEL for item in row) else _GAP_BESIDE_TURN


def _slope(made: Net, x: Sequence[float], row: Iterable[int]) -> float:
    joints = [(item, other) for item in row for other in made.below[item]]
    far = [abs(x[a] - x[b]) for a, b in joints if TURN not in (made.kinds[a], made.kinds[b])]
    widest = max(far, default=0)
    return min(_SLOPE_MOST, widest * _SLOPE)


def _ports(made: Net, links: Sequence[Link], x: Sequence[float]) -> tuple[list[float], list[float]]:
    """Where each link leaves its source and arrives at its target, from left to right.

    A straight edge has the middle.  Links that arrive on one track share a port.  A loop is
    outermost on its side, and of two loops the wider one is inside: so they nest.
    """
    out: dict[int, dict[int, tuple[float, float]]] = defaultdict(dict)
    into: dict[int, dict[int | str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for number, (link, route) in enumerate(zip(links, made.routes, strict=True)):
        if number in made.backward:
            out[link.source][number] = _outermost(x[route[2]], x[link.source])
            into[link.target][number].append(_outermost(x[route[-3]], x[link.target]))
        else:
            out[link.source][number] = (0, x[route[1]])
            into[link.target][link.track].append((0, x[route[-2]]))
    leaving = {node: _spread(made.sizes[node].w, x[node], ports) for node, ports in out.items()}
    arriving = {
        node: _spread(
            made.sizes[node].w, x[node], {key: _middle(x[node], found) for key, found in ports.items()}
        )
        for node, ports in into.items()
    }
    return (
        [leaving[link.source][number] for number, link in enumerate(links)],
        [
            arriving[link.target][number if number in made.backward else link.track]
            for number, link in enumerate(links)
        ],
    )


def _outermost(beside: float, middle: float) -> tuple[float, float]:
    return (1 if beside > middle else -1, -beside)


def _middle(straight: float, found: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Where a port that several links share is drawn to: one that comes straight decides."""
    if (0, straight) in found:
        return (0, straight)
    return (found[0][0], sum(place for _, place in found) / len(found))


def _spread(w: float, middle: float, ports: Mapping[Key, tuple[float, float]]) -> dict[Key, float]:
    order = sorted(ports, key=ports.__getitem__)
    straight = next((index for index, key in enumerate(order) if ports[key] == (0, middle)), None)
    centre = (len(order) - 1) / 2 if straight is None else straight
    furthest = max(centre, len(order) - 1 - centre, 0.5)
    step = max(0.0, min(_PORT_STEP, (w / 2 - _PORT_MARGIN) / furthest))
    return {key: middle + (index - centre) * step for index, key in enumerate(order)}


def _descent(
    made: Net, x: Sequence[float], rows: _Rows, route: Sequence[int], ports: tuple[float, float]
) -> tuple[Command, ...]:
    row = made.row_of[route[0]]
    path: list[Command] = [("M", (ports[0], rows.top[row] + made.sizes[route[0]].h))]
    _line(path, ports[0], rows.bottom[row])
    for item in route[1:-1]:
        row = made.row_of[item]
        _curve(path, x[item], rows.top[row])
        _line(path, x[item], rows.bottom[row])
    top = rows.top[made.row_of[route[-1]]]
    _curve(path, ports[1], top - ARROW)
    _line(path, ports[1], top)
    return tuple(path)


def _loop(
    made: Net, x: Sequence[float], rows: _Rows, number: int, ports: tuple[float, float]
) -> tuple[Command, ...]:
    route = made.routes[number]
    source, column, target = route[0], route[2:-2], route[-1]
    row = made.row_of[source]
    bottom = rows.top[row] + made.sizes[source].h
    path: list[Command] = [("M", (ports[0], bottom))]
    floor = bottom if _beside(made, source, column[0]) else rows.bottom[row]
    _turn(path, x[column[0]], floor, rows.turns[number, _OUT])
    _line(path, x[column[0]], rows.top[row])
    for item in column[1:]:
        _curve(path, x[item], rows.bottom[made.row_of[item]])
        _line(path, x[item], rows.top[made.row_of[item]])
    top = rows.top[made.row_of[target]]
    _turn(path, ports[1], top - ARROW, -rows.turns[number, _IN])
    _line(path, ports[1], top)
    return tuple(path)


def _beside(made: Net, node: int, line: int) -> bool:
    row = made.rows[made.row_of[node]]
    return abs(row.index(node) - row.index(line)) == 1


def _line(path: list[Command], x: float, y: float) -> None:
    if path[-1][1][-2:] != (x, y):
        path.append(("L", (x, y)))


def _curve(path: list[Command], x: float, y: float) -> None:
    """To (x, y), upright at both ends."""
    from_x, from_y = path[-1][1][-2:]
    if abs(from_x - x) < 0.01:
        _line(path, x, y)
    else:
        half = (from_y + y) / 2
        path.append(("C", (from_x, half, x, half, x, y)))


def _turn(path: list[Command], x: float, y: float, depth: float) -> None:
    """On past the line ``y`` by ``depth`` (upwards when negative), sideways, and back to it at ``x``."""
    from_x = path[-1][1][-2]
    side = 1 if x > from_x else -1
    down = 1 if depth > 0 else -1
    r = min(abs(depth), _TURN_LEAST, abs(x - from_x) / 2)
    far, near = y + depth, y + depth - down * r
    handle = r * (1 - _ROUND)
    _line(path, from_x, near)
    path.append(("C", (from_x, far - down * handle, from_x + side * handle, far, from_x + side * r, far)))
    _line(path, x - side * r, far)
    path.append(("C", (x - side * handle, far, x, far - down * handle, x, near)))
    _line(path, x, y)


def _label(made: Net, x: Sequence[float], rows: _Rows, route: Sequence[int]) -> Rect | None:
    """The box of a route's label: in the middle of its row, or of the node it stands beside."""
    item = next((item for item in route if made.kinds[item] == LABEL), None)
    if item is None:
        return None
    row, (w, h) = made.row_of[item], made.sizes[item]
    turning = route[1] != item
    room = made.sizes[route[0]].h if turning else rows.bottom[row] - rows.top[row]
    return Rect(x[item] - w / 2, rows.top[row] + max(0, (room - h) / 2), w, h)
