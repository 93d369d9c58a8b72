"""Which row each state stands in, and in what order within it: the first half of the layout.

A block of states becomes a *net*: items in rows, joined only from one row to the next.  Besides
the states there are items for what passes between them:

- a LINE where an edge passes a row; edges that lead to the same state share theirs, and so run
  together like tracks (a Catch shares with Catches only);
- a LABEL where an edge has text: an item as wide as the text, in a row of its own height, so that
  no two texts can touch;
- a TURN where an edge that goes back up bends: out below its source, round it, in above its
  target.  With them a loop, and a state that follows itself, are nothing special.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NODE: Final = 0
LINE: Final = 1
LABEL: Final = 2
TURN: Final = 3

_SWEEPS: Final = 10
_PATIENCE: Final = 3
_LARGE: Final = 400


class Size(NamedTuple):
    w: float
    h: float


class Link(NamedTuple):
    """An edge between two nodes, by number; node 0 is where everything begins.

    ``track`` tells apart the edges that may run together; the main path is the heaviest by ``weight``.
    """

    source: int
    target: int
    track: str = ""
    weight: int = 1
    label: Size | None = None


@dataclass(slots=True)
class Net:
    """Items by number (the nodes first), and how they are joined from row to row."""

    sizes: list[Size]
    kinds: list[int]
    row_of: list[int]
    above: list[list[int]]
    below: list[list[int]]
    rows: list[list[int]]
    routes: list[list[int]] = field(default_factory=list)
    """For each link the items it passes, from its source to its target."""
    backward: set[int] = field(default_factory=set)
    main: set[tuple[int, int]] = field(default_factory=set)
    """The joints of the main path, upper item first."""

    def add(self, kind: int, row: int, size: Size = Size(0, 0)) -> int:  # noqa: B008 - immutable
        item = len(self.sizes)
        self.sizes.append(size)
        self.kinds.append(kind)
        self.row_of.append(row)
        self.above.append([])
        self.below.append([])
        self.rows[row].append(item)
        return item

    def join(self, upper: int, lower: int) -> None:
        if lower not in self.below[upper]:
            self.below[upper].append(lower)
            self.above[lower].append(upper)

    def places(self) -> list[int]:
        """Where each item stands in its row, counted from the left."""
        place = [0] * len(self.sizes)
        for row in self.rows:
            for index, item in enumerate(row):
                place[item] = index
        return place


def net(sizes: Sequence[Size], links: Sequence[Link]) -> Net:
    """The net of a block, its rows in an order with few crossings.

    >>> small = net([Size(10, 10)] * 3, [Link(0, 1), Link(0, 2), Link(2, 0)])
    >>> small.rows[small.row_of[1]][:2], small.backward
    ([1, 2], {2})
    """
    backward, order = _explored(len(sizes), links)
    forward = [number for number in range(len(links)) if number not in backward]
    made = _expanded(sizes, links, backward, _ranks(order, [links[number] for number in forward]))
    for number in _main_path(order, links, forward):
        route = made.routes[number]
        made.main.update(pairwise(route))
    _untangle(made)
    return made


def _explored(count: int, links: Sequence[Link]) -> tuple[set[int], list[int]]:
    """The links that close a loop, and the nodes so that all other links lead onwards.

    Depth first from node 0, without recursion: a chain may be thousands of states long.
    """
    leaving: list[list[int]] = [[] for _ in range(count)]
    for number, link in enumerate(links):
        leaving[link.source].append(number)
    backward: set[int] = set()
    seen, finished = [False] * count, [False] * count
    order: list[int] = []
    for root in range(count):
        stack = [] if seen[root] else [(root, iter(leaving[root]))]
        seen[root] = True
        while stack:
            node, rest = stack[-1]
            for number in rest:
                target = links[number].target
                if not seen[target]:
                    seen[target] = True
                    stack.append((target, iter(leaving[target])))
                    break
                if not finished[target]:
                    backward.add(number)
            else:
                finished[node] = True
                order.append(node)
                stack.pop()
    return backward, order[::-1]


def _ranks(order: Sequence[int], forward: Iterable[Link]) -> list[int]:
    """The longest way from the top; then nodes with more ways out than in move down to those."""
    targets: dict[int, list[int]] = {node: [] for node in order}
    ways_in = dict.fromkeys(order, 0)
    for link in forward:
        targets[link.source].append(link.target)
        ways_in[link.target] += 1
    rank = [0] * len(order)
    for node in order:
        for target in targets[node]:
            rank[target] = max(rank[target], rank[node] + 1)
    for node in reversed(order):
        if len(targets[node]) > ways_in[node]:
            rank[node] = min(rank[target] for target in targets[node]) - 1
    return rank


def _main_path(order: Sequence[int], links: Sequence[Link], forward: Iterable[int]) -> list[int]:
    """The links of the heaviest way from node 0."""
    leaving: dict[int, list[int]] = {node: [] for node in order}
    for number in forward:
        leaving[links[number].source].append(number)
    best = [0] * len(order)
    onward: dict[int, int] = {}
    for node in reversed(order):
        for number in leaving[node]:
            weight = links[number].weight + best[links[number].target]
            if weight > best[node]:
                best[node], onward[node] = weight, number
    path: list[int] = []
    node = 0
    while node in onward:
        path.append(onward[node])
        node = links[onward[node]].target
    return path


def _expanded(sizes: Sequence[Size], links: Sequence[Link], backward: set[int], rank: Sequence[int]) -> Net:
    # Nodes stand on odd levels; the even ones between exist only where a label or a turn needs them.
    level = [2 * place + 1 for place in rank]
    used = set(level)
    for number, link in enumerate(links):
        if number in backward:
            used |= {level[link.target] - 1, level[link.source] + 1}
        elif link.label:
            used.add(level[link.source] + 1)
    row = {name: index for index, name in enumerate(sorted(used))}
    made = Net([], [], [], [], [], [[] for _ in row], backward=backward)
    for node, size in enumerate(sizes):
        made.add(NODE, row[level[node]], size)
    tracks: dict[tuple[int, str, int], int] = {}
    for number, link in enumerate(links):
        lay = _lay_back if number in backward else _lay_forward
        made.routes.append(lay(made, link, tracks))
    return made


def _lay_forward(made: Net, link: Link, tracks: dict[tuple[int, str, int], int]) -> list[int]:
    route = [link.source]
    row = made.row_of[link.source] + 1
    if link.label:
        route.append(made.add(LABEL, row, link.label))
        row += 1
    for passed in range(row, made.row_of[link.target]):
        key = (link.target, link.track, passed)
        if key not in tracks:
            tracks[key] = made.add(LINE, passed)
        route.append(tracks[key])
    route.append(link.target)
    for upper, lower in pairwise(route):
        made.join(upper, lower)
    return route


def _lay_back(made: Net, link: Link, _tracks: dict[tuple[int, str, int], int]) -> list[int]:
    bottom, top = made.row_of[link.source], made.row_of[link.target]
    below = made.add(TURN, bottom + 1)
    column = [made.add(LABEL, bottom, link.label) if link.label else made.add(LINE, bottom)]
    column += [made.add(LINE, row) for row in range(bottom - 1, top - 1, -1)]
    above = made.add(TURN, top - 1)
    made.join(link.source, below)
    for lower, upper in zip([below, *column], [*column, above], strict=True):
        made.join(upper, lower)
    made.join(above, link.target)
    return [link.source, below, *column, above, link.target]


def _untangle(made: Net) -> None:
    """Order the rows so that few edges cross: from several first orders, the best outcome."""
    best: list[list[int]] = []
    fewest = -1
    for upwards, mirrored in ((False, False), (True, False), (False, True)):
        _first_order(made, upwards=upwards, mirrored=mirrored)
        _improve(made)
        _choose_sides(made)
        found = crossings(made)
        if not best or found < fewest:
            best, fewest = [row[:] for row in made.rows], found
        # In a large net another start costs 50 ms and hardly ever finds better.
        if not fewest or len(made.sizes) > _LARGE:
            break
    made.rows[:] = best


def _first_order(made: Net, *, upwards: bool, mirrored: bool) -> None:
    """As a walk from the start meets the items: what belongs together begins together.

    It goes down as far as it can before it looks up (or the other way), so that the ways out of
    a state begin in their order.
    """
    seen = [False] * len(made.sizes)
    rows: list[list[int]] = [[] for _ in made.rows]
    first, then = (made.above, made.below) if upwards else (made.below, made.above)
    for root in range(len(made.sizes)):
        waiting = deque([root])
        stack: list[int] = []
        while stack or waiting:
            item = stack.pop() if stack else waiting.popleft()
            if not seen[item]:
                seen[item] = True
                rows[made.row_of[item]].append(item)
                stack += first[item] if mirrored else reversed(first[item])
                waiting += then[item]
    made.rows[:] = rows


def _improve(made: Net) -> None:
    """Sweep down and up by the mean place of the neighbours, and swap pairs."""
    best, fewest, since = [row[:] for row in made.rows], crossings(made), 0
    for sweep in range(_SWEEPS):
        if not fewest or since >= _PATIENCE:
            break
        _sweep(made, downwards=sweep % 2 == 0)
        _swap_pairs(made)
        found = crossings(made)
        since += 1
        if found < fewest:
            best, fewest, since = [row[:] for row in made.rows], found, 0
    made.rows[:] = best


def _choose_sides(made: Net) -> None:
    """Put each loop outermost on the better side where that crosses less, or is shorter.

    Sweeps move single items, a loop's column has to move as one; short loops go first, so that
    longer ones come to lie around them.
    """
    for number in sorted(made.backward, key=lambda number: len(made.routes[number])):
        route = made.routes[number]
        loop = dict.fromkeys(route[1:-1])
        span = range(max(0, made.row_of[route[-2]] - 1), made.row_of[route[1]] + 1)
        now = [made.rows[row] for row in span]
        others = [[item for item in row if item not in loop] for row in now]
        own = [[item for item in row if item in loop] for row in now]
        right = [rest + mine for rest, mine in zip(others, own, strict=True)]
        left = [mine + rest for rest, mine in zip(others, own, strict=True)]
        costs: list[tuple[tuple[int, int], int, list[list[int]]]] = []
        for rows in (now, right, left):
            made.rows[span.start : span.stop] = rows
            costs.append((_cost(made, route, span), len(costs), rows))
        made.rows[span.start : span.stop] = min(costs)[2]


def _cost(made: Net, route: Sequence[int], span: range) -> tuple[int, int]:
    """The crossings beside a loop, and how far its ends are from its column."""
    place = {item: index for row in span for index, item in enumerate(made.rows[row])}
    far = abs(place[route[0]] - place[route[2]]) + abs(place[route[-1]] - place[route[-3]])
    return sum(_crossings_below(made, place, made.rows[row]) for row in span[:-1]), far


def _sweep(made: Net, *, downwards: bool) -> None:
    beside = made.above if downwards else made.below
    place = made.places()
    for row in made.rows if downwards else reversed(made.rows):
        if len(row) < 2:
            continue
        mean: dict[int, float] = {}
        for item in row:
            if others := beside[item]:
                mean[item] = sum([place[other] for other in others]) / len(others)
        moved = iter(sorted(mean, key=mean.__getitem__))
        # An item without neighbours on that side keeps its place.
        row[:] = [next(moved) if item in mean else item for item in row]
        for index, item in enumerate(row):
            place[item] = index


def _swap_pairs(made: Net) -> None:
    place = made.places()
    tangled = [_crossings_below(made, place, row) > 0 for row in made.rows]
    for number, row in enumerate(made.rows):
        improved = tangled[number] or tangled[number - 1]
        while improved:
            improved = False
            for index in range(len(row) - 1):
                left, right = row[index], row[index + 1]
                if _gain(made, place, left, right) > 0:
                    row[index], row[index + 1] = right, left
                    place[left], place[right] = index + 1, index
                    improved = True


def _gain(made: Net, place: Sequence[int], left: int, right: int) -> int:
    """How many crossings fewer when two neighbours change places."""
    gain = 0
    kinds = made.kinds
    if kinds[left] == TURN == kinds[right]:
        return 0
    for beside in (made.above, made.below):
        for a in beside[left]:
            for b in beside[right]:
                if kinds[a] == TURN == kinds[b]:
                    continue
                gain += (place[a] > place[b]) - (place[a] < place[b])
    return gain


def crossings(made: Net) -> int:
    """How often edges cross between the rows.

    >>> crossings(net([Size(1, 1)] * 4, [Link(0, 2), Link(0, 3), Link(1, 2), Link(1, 3)]))
    1
    """
    place = made.places()
    return sum(_crossings_below(made, place, row) for row in made.rows)


def _crossings_below(made: Net, place: Sequence[int] | Mapping[int, int], row: Sequence[int]) -> int:
    """Two turns do not cross each other: the wider is drawn around the narrower."""
    if len(row) < 2:
        return 0
    found = _inversions([[place[other] for other in made.below[item]] for item in row])
    if not found:
        return 0
    turning = [
        [place[other] for other in made.below[item] if TURN in (made.kinds[item], made.kinds[other])]
        for item in row
    ]
    return found - _inversions(turning)


def _inversions(ends_of: Iterable[list[int]]) -> int:
    """How many pairs of edges end in the other order than they begin."""
    found = 0
    ends: list[int] = []
    for lower in ends_of:
        for end in lower:
            if ends and ends[-1] > end:
                found += len(ends) - bisect(ends, end)
        for end in lower:
            insort(ends, end)
    return found
