"""Where everything stands in the picture of a state machine.

Blocks are laid out from the inside out: each Parallel branch and each Map processor by itself,
then the state around them, as large as they need, in its own block.  The outcome is one
`Geometry`, from which the SVG, the notebook's view and matplotlib draw the same picture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.definition import Map, Task, Wait, inner_blocks
from sfnbook.drawing.graph import CATCH, CHOICE, DEFAULT, NEXT, START, Edge, edges
from sfnbook.drawing.layering import Link, Size
from sfnbook.drawing.routing import Command, Rect, Routed, routed
from sfnbook.drawing.textwidth import clipped, width, wrap
from sfnbook.values import escape_pointer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfnbook.definition import Definition, State

END: Final = "end"
END_POINTER: Final = "/End"

NAME_SIZE: Final = 13.0
NAME_LINE: Final = 17.0
DETAIL_SIZE: Final = 10.5
DETAIL_LINE: Final = 15.0
LABEL_SIZE: Final = 11.0
LABEL_LINE: Final = 14.0
TILE: Final = 28.0
TEXT_AT: Final = 48.0
"""How far inside its box a state's text begins, right of the icon's tile."""
HEAD: Final = 11.0
"""How far below the top of its box a state's text begins."""

_MARGIN: Final = 24.0
_TEXT_ROOM: Final = 178.0
_LEAST_W: Final = 168.0
_RIGHT: Final = 14.0
_LABEL_ROOM: Final = 172.0
_LABEL_PAD: Final = 6.0
_NOTE_ROOM: Final = 146.0  # right of a container's type: how many of its iterations are done
_LINES: Final = 3
_INSIDE: Final = 14.0
_LANE_GAP: Final = 14.0
_TERMINAL: Final = Size(58, 26)
_DOT: Final = Size(10, 10)

# The main path, drawn straight, is the heaviest: it avoids catchers and reaches an end.
_WEIGHTS: Final[dict[str, int]] = {START: 1, NEXT: 4, CHOICE: 3, DEFAULT: 3, CATCH: -500, END: 1}
_REACHES_END: Final = 1000


class Box(NamedTuple):
    """A state: its rectangle, the ``lines`` of its name and the line above them (``detail``)."""

    x: float
    y: float
    w: float
    h: float
    name: str
    type: str
    detail: str
    lines: tuple[str, ...]
    container: bool = False
    depth: int = 0


class Mark(NamedTuple):
    """Where a block begins or the machine ends; inside a container a dot without text."""

    x: float
    y: float
    w: float
    h: float
    kind: str
    text: str


class EdgePath(NamedTuple):
    """An edge: its strokes (the last is the arrowhead's shaft), and its label in lines in a box.

    ``source`` or ``target`` is the pointer of a state or the key of a mark; ``back`` says that
    the edge closes a loop.
    """

    source: str
    target: str
    kind: str
    label: str
    path: tuple[Command, ...]
    lines: tuple[str, ...] = ()
    label_box: Rect | None = None
    back: bool = False


@dataclass(frozen=True, slots=True)
class Geometry:
    """The whole picture, in pixels from its upper left corner.

    ``nodes`` are the states by pointer, outer ones first; ``lanes`` the blocks of a state that
    has more than one; ``marks`` the start of each block (``/StartAt`` ...) and the end (``/End``).
    """

    width: float
    height: float
    nodes: Mapping[str, Box]
    lanes: Mapping[str, Rect]
    marks: Mapping[str, Mark]
    edges: tuple[EdgePath, ...]

    def lanes_of(self, pointer: str) -> list[Rect]:
        """The frames inside one state: those of its branches, if it has several."""
        start = f"{pointer}/Branches/"
        return [
            lane
            for block, lane in self.lanes.items()
            if block.startswith(start) and block[len(start) :].isdigit()
        ]


class _Plan(NamedTuple):
    """A block that is laid out: what its nodes stand for, where they stand, their names in lines."""

    keys: tuple[str, ...]
    edges: tuple[Edge, ...]
    routed: Routed
    lines: Mapping[str, tuple[str, ...]]


def layout(definition: Definition) -> Geometry:
    """Lay out a state machine; the same definition gives the same picture.

    >>> from sfnbook.parse import definition
    >>> picture = layout(definition({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}))
    >>> picture.nodes["/States/A"].lines, [edge.kind for edge in picture.edges]
    (('A',), ['start', 'end'])
    """
    plans: dict[str, _Plan] = {}
    _plan(definition, plans)
    sheet = _Sheet({}, {}, {}, [])
    _place(definition, plans, sheet, (_MARGIN, _MARGIN), 0)
    size = plans[definition.pointer].routed.size
    return Geometry(
        width=_round(size.w + 2 * _MARGIN),
        height=_round(size.h + 2 * _MARGIN),
        nodes=sheet.nodes,
        lanes=sheet.lanes,
        marks=sheet.marks,
        edges=tuple(sheet.edges),
    )


# From the inside out: how large everything is.


def _plan(block: Definition, plans: dict[str, _Plan]) -> Size:
    """Lay out a block by itself, those inside it first."""
    start = f"{block.pointer}/StartAt"
    sizes = [_DOT if block.pointer else _TERMINAL]
    keys = [start, *(state.pointer for state in block.states.values())]
    lines: dict[str, tuple[str, ...]] = {}
    for state in block.states.values():
        lanes = [_plan(inner, plans) for inner in inner_blocks(state)]
        lines[state.pointer] = _name_lines(state, lanes)
        sizes.append(_state_size(state, lines[state.pointer], lanes))
    found = _all_edges(block, start)
    if any(edge.kind == END for edge in found):
        keys.append(END_POINTER)
        sizes.append(_TERMINAL)
    ends = {state.pointer for state in block.states.values() if _ends(state)}
    number = {key: index for index, key in enumerate(keys)}
    links = [
        Link(number[edge.source], number[edge.target], _track(edge), _weight(edge, ends), _label_size(edge))
        for edge in found
    ]
    plans[block.pointer] = _Plan(tuple(keys), tuple(found), routed(sizes, links), lines)
    return plans[block.pointer].routed.size


def _all_edges(block: Definition, start: str) -> list[Edge]:
    """The edges between the states, from where the block begins, and to the machine's end."""
    found = [Edge(start, f"{block.pointer}/States/{escape_pointer(block.start_at)}", START), *edges(block)]
    if not block.pointer:
        found += [Edge(state.pointer, END_POINTER, END) for state in block.states.values() if _ends(state)]
    return found


def _ends(state: State) -> bool:
    """Does the block end well with this state?"""
    return state.end or state.type == "Succeed"


def _weight(edge: Edge, ends: set[str]) -> int:
    return _WEIGHTS[edge.kind] + (_REACHES_END if edge.target in ends else 0)


def _track(edge: Edge) -> str:
    return edge.kind if edge.kind in {CATCH, END} else NEXT


def _state_size(state: State, lines: Sequence[str], lanes: Sequence[Size]) -> Size:
    text = max(width(_detail(state), DETAIL_SIZE), *(width(line, NAME_SIZE) for line in lines))
    w = max(_LEAST_W, TEXT_AT + text + _RIGHT)
    h = _head(lines)
    if not lanes:
        return Size(w, h)
    w = max(w, TEXT_AT + width(_detail(state), DETAIL_SIZE) + _NOTE_ROOM)
    return Size(
        max(w, _lanes_width(lanes) + 2 * _INSIDE), h + max(_lane(size, lanes).h for size in lanes) + _INSIDE
    )


def _head(lines: Sequence[str]) -> float:
    """The height of a state's icon and text; a container has its blocks below."""
    return 2 * HEAD + DETAIL_LINE + len(lines) * NAME_LINE


def _lane(size: Size, among: Sequence[Size]) -> Size:
    """A block's room in its container; one of several has a frame of its own."""
    pad = 2 * _INSIDE if len(among) > 1 else 0
    return Size(size.w + pad, size.h + pad)


def _lanes_width(sizes: Sequence[Size]) -> float:
    return sum(_lane(size, sizes).w for size in sizes) + _LANE_GAP * (len(sizes) - 1)


def _name_lines(state: State, lanes: Sequence[Size]) -> tuple[str, ...]:
    room = max(_TEXT_ROOM, _lanes_width(lanes) - TEXT_AT) if lanes else _TEXT_ROOM
    return wrap(state.name, room, NAME_SIZE, _LINES)


# Drawn labels are short, the whole is in the edge: a test for presence is left out before
# another test of the same value, and a long path stands by its last step.
_GUARD: Final = re.compile(r"(?<!not )(\$\S+) is present and (?=.*\1(?!\w))")
_LONG_PATH: Final = re.compile(r"\$[\w.$\[\]'-]{22,}?(?:\.([\w-]+)|(\[[\w'-]+\]))(?![\w.$\['-])")


def _label_lines(label: str) -> tuple[str, ...]:
    short = _LONG_PATH.sub(r"$…\1\2", _GUARD.sub("", label))
    return wrap(short, _LABEL_ROOM, LABEL_SIZE, _LINES)


def _label_size(edge: Edge) -> Size | None:
    if not edge.label:
        return None
    lines = _label_lines(edge.label)
    text = max(width(line, LABEL_SIZE) for line in lines)
    return Size(text + 2 * _LABEL_PAD, len(lines) * LABEL_LINE + 4)


def _detail(state: State) -> str:
    """The small line above a state's name: its type, and what kind of it."""
    about = ""
    if isinstance(state, Task):
        about = service(state.resource)
    elif isinstance(state, Map) and state.distributed:
        about = "distributed"
    elif isinstance(state, Wait) and isinstance(state.seconds, int | float):
        about = f"{state.seconds:g} s"
    return clipped(f"{state.type} · {about}" if about else state.type, _TEXT_ROOM, DETAIL_SIZE)


def service(resource: str) -> str:
    """What a Task calls, in short.

    >>> service("arn:aws:states:::dynamodb:putItem"), service("arn:aws:states:::aws-sdk:ec2:stopInstances")
    ('dynamodb:putItem', 'ec2:stopInstances')
    >>> service("arn:aws:lambda:us-east-1:123456789012:function:Charge:live")
    'lambda:Charge'
    """
    parts = resource.split(":")
    if len(parts) < 6 or parts[0] != "arn":
        return resource
    if parts[2] == "states" and parts[5] != "activity":
        return ":".join(part for part in parts[5:] if part != "aws-sdk")
    if parts[2] == "states":
        return ":".join(parts[5:])
    return f"{parts[2]}:{parts[6] if len(parts) > 6 else parts[5]}"


# From the outside in: where everything stands.


class _Sheet(NamedTuple):
    nodes: dict[str, Box]
    lanes: dict[str, Rect]
    marks: dict[str, Mark]
    edges: list[EdgePath]


def _place(
    block: Definition, plans: Mapping[str, _Plan], sheet: _Sheet, corner: tuple[float, float], depth: int
) -> None:
    plan = plans[block.pointer]
    states = {state.pointer: state for state in block.states.values()}
    for key, rect in zip(plan.keys, plan.routed.nodes, strict=True):
        at = _moved(rect, corner)
        if key not in states:
            kind = END if key == END_POINTER else START
            sheet.marks[key] = Mark(*at, kind, "" if block.pointer else kind.capitalize())
            continue
        state = states[key]
        blocks = inner_blocks(state)
        sheet.nodes[key] = Box(
            *at, state.name, state.type, _detail(state), plan.lines[key], bool(blocks), depth
        )
        _place_lanes(blocks, plans, sheet, sheet.nodes[key])
    _place_edges(plan, sheet, corner)


def _place_lanes(blocks: Sequence[Definition], plans: Mapping[str, _Plan], sheet: _Sheet, box: Box) -> None:
    sizes = [plans[block.pointer].routed.size for block in blocks]
    pad = _INSIDE if len(blocks) > 1 else 0
    x = box.x + (box.w - _lanes_width(sizes)) / 2
    y = box.y + _head(box.lines)
    for block, size in zip(blocks, sizes, strict=True):
        lane = _lane(size, sizes)
        if pad:
            height = box.y + box.h - _INSIDE - y
            sheet.lanes[block.pointer] = _moved(Rect(0, 0, lane.w, height), (x, y))
        _place(block, plans, sheet, (x + pad, y + pad), box.depth + 1)
        x += lane.w + _LANE_GAP


def _place_edges(plan: _Plan, sheet: _Sheet, corner: tuple[float, float]) -> None:
    for number, (edge, path, label) in enumerate(
        zip(plan.edges, plan.routed.paths, plan.routed.labels, strict=True)
    ):
        sheet.edges.append(
            EdgePath(
                source=edge.source,
                target=edge.target,
                kind=edge.kind,
                label=edge.label,
                path=tuple((name, _shifted(numbers, corner)) for name, numbers in path),
                lines=_label_lines(edge.label) if edge.label else (),
                label_box=_moved(label, corner) if label else None,
                back=number in plan.routed.backward,
            )
        )


def _moved(rect: Rect, corner: tuple[float, float]) -> Rect:
    x, y = _shifted((rect.x, rect.y), corner)
    return Rect(x, y, _round(rect.w), _round(rect.h))


def _shifted(numbers: tuple[float, ...], corner: tuple[float, float]) -> tuple[float, ...]:
    return tuple(_round(number + corner[index % 2]) for index, number in enumerate(numbers))


def _round(number: float) -> float:
    return round(number, 1)
