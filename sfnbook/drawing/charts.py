"""Charts as data, and their SVG: drawn without matplotlib and NumPy, so also in a browser's kernel.

A `Chart` says what is to be seen: axes and marks.  `to_svg` draws it here, `retrylab.figures` the same
with matplotlib.  Marks differ in dash, hatch and shape as well as in colour: black and white does.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from sfnbook.drawing.svg import escaped
from sfnbook.drawing.textwidth import clipped
from sfnbook.drawing.textwidth import width as text_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Point: TypeAlias = tuple[float, float]


class Style(NamedTuple):
    """How a series looks: colour, SVG dashes, hatch (a name of `HATCHES`) and marker."""

    color: str
    dash: str
    hatch: str
    marker: str


STYLES: Final = (
    Style("#1f5fae", "", "plain", "circle"),
    Style("#c4560c", "7 4", "rising", "square"),
    Style("#2f7d32", "2 3", "falling", "triangle"),
    Style("#8a3fb0", "10 3 2 3", "dots", "diamond"),
    Style("#5f6b7a", "1 4", "cross", "cross"),
)
"""Taken in turn; all are dark enough on paper."""

HATCHES: Final[dict[str, str]] = {
    "plain": "",
    "rising": "M0 8L8 0M-2 2L2 -2M6 10L10 6",
    "falling": "M0 0L8 8M-2 6L2 10M6 -2L10 2",
    "dots": "M2 2h1.5v1.5h-1.5zM6 6h1.5v1.5h-1.5z",
    "cross": "M0 8L8 0M0 0L8 8",
}
"""Strokes on a tile of 8 by 8."""


class Line(NamedTuple):
    """A line through points; ``steps`` goes level from each point to the next, ``dots`` marks them."""

    name: str
    points: tuple[Point, ...]
    style: int = 0
    steps: bool = False
    dots: bool = False


class Box(NamedTuple):
    """A rectangle in the units of the axes, with a text beside it, on the side where there is room."""

    left: float
    right: float
    bottom: float
    top: float
    label: str = ""


class Boxes(NamedTuple):
    """Bars, spans or a histogram; ``faint`` ones are only hatched and outlined."""

    name: str
    boxes: tuple[Box, ...]
    style: int = 0
    faint: bool = False


class Rule(NamedTuple):
    """A line across the whole chart at one x, or one y, with its name beside it, so many rows down."""

    name: str
    x: float | None = None
    y: float | None = None
    style: int = 4
    row: int = 0


Mark: TypeAlias = Line | Boxes | Rule


class Axis(NamedTuple):
    """An axis: its label, its bounds, and what is written at which number."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


class Chart(NamedTuple):
    """One chart; ``note`` is said under the title."""

    title: str
    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    note: str = ""


# --- axes -----------------------------------------------------------------------------------------
def axis(label: str, low: float, high: float, *, count: int = 6, percent: bool = False) -> Axis:
    """An axis with round numbers.

    >>> [text for _, text in axis("x", 0, 10).ticks]
    ['0', '2', '4', '6', '8', '10']
    """
    if high <= low:
        high = low + 1
    step = round_step((high - low) / count)
    first = math.ceil(low / step - 1e-9)
    numbers = [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]
    return Axis(label, low, high, tuple((number, _said(number, percent)) for number in numbers))


TIME_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms"))


def time_axis(label: str, high: float) -> Axis:
    """An axis of virtual seconds from 0 on, written in the unit that suits.

    >>> time_axis("delay", 7_200).label, [text for _, text in time_axis("delay", 7_200).ticks]
    ('delay (min)', ['0', '20', '40', '60', '80', '100', '120'])
    """
    high = high if high > 0 else 1.0
    size, unit = next((each for each in TIME_UNITS if high >= 2.5 * each[0]), TIME_UNITS[-1])
    scaled = axis(f"{label} ({unit})", 0, high / size)
    return Axis(scaled.label, 0, high, tuple((number * size, text) for number, text in scaled.ticks))


def round_step(about: float) -> float:
    """1, 2 or 5 times a power of ten, not less than a number.

    >>> round_step(0.3), round_step(17)
    (0.5, 20.0)
    """
    power = 10.0 ** math.floor(math.log10(about))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= about * (1 - 1e-9))


def _said(number: float, percent: bool) -> str:
    return f"{number * 100:g} %" if percent else f"{number:,.10g}"


# --- SVG ------------------------------------------------------------------------------------------
WIDTH: Final = 640
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 20, 34, 52
_HEAD: Final = 16  # where the title, the note and the legend begin: in a small chart they need the room
_FONT: Final = "var(--jp-ui-font-family,Helvetica,Arial),sans-serif"
_SIZE: Final = 13

_STYLE: Final = """
ID{--c-ink:var(--jp-ui-font-color1,#16202c);--c-paper:var(--jp-layout-color1,#fff);max-width:100%;height:auto}
@media (prefers-color-scheme:dark){ID{--c-ink:var(--jp-ui-font-color1,#e8edf3);
--c-paper:var(--jp-layout-color1,#0f1823)}}
ID .c-paper{fill:var(--c-paper)}ID text{fill:var(--c-ink)}
ID .c-axis{stroke:color-mix(in srgb,var(--c-ink) 60%,var(--c-paper))}
ID .c-grid{stroke:color-mix(in srgb,var(--c-ink) 14%,var(--c-paper))}
ID .c-halo{stroke:var(--c-paper)}
ID .c-s{--c-hue:color-mix(in srgb,var(--c-own) 80%,var(--c-ink));stroke:var(--c-hue)}
"""


class _Frame:
    """Where numbers of the axes lie on the paper."""

    def __init__(self, chart: Chart, width: float, height: float, top: float, identity: str) -> None:
        self.chart, self.identity = chart, identity
        self.left, self.right = _LEFT, width - _RIGHT
        self.top, self.bottom = top, height - _BOTTOM

    def x(self, number: float) -> float:
        axis = self.chart.x
        part = (number - axis.low) / (axis.high - axis.low)
        return self.left + min(max(part, -0.01), 1.01) * (self.right - self.left)

    def y(self, number: float) -> float:
        axis = self.chart.y
        part = (number - axis.low) / (axis.high - axis.low)
        return self.bottom - min(max(part, -0.01), 1.01) * (self.bottom - self.top)


def to_svg(chart: Chart, *, width: float = WIDTH, height: float = HEIGHT) -> str:
    """The chart as SVG that stands alone and follows the theme around it.

    >>> chart = Chart("<A>", axis("x", 0, 1), axis("y", 0, 1), (Line("l", ((0, 0), (1, 1))),))
    >>> "<A>" in to_svg(chart), "&lt;A&gt;" in to_svg(chart)
    (False, True)
    """
    identity = "sfn-" + hashlib.sha256(repr((chart, width, height)).encode()).hexdigest()[:12]
    below = _TOP + (18 if chart.note else 0)
    legend, rows = _legend(chart, width, below, identity)
    top = below + 18 * rows
    height += top - _TOP
    frame = _Frame(chart, width, height, top, identity)
    body = "".join([*_axes(frame), *(_drawn(frame, mark) for mark in chart.marks), *legend])
    title = escaped(f"{chart.title}. {chart.note}" if chart.note else chart.title)
    name = clipped(chart.title, (width - _HEAD - _RIGHT) * 0.93, _SIZE + 2)  # bold is wider
    head = _text(name, _HEAD, 20, f'font-size="{_SIZE + 2}" font-weight="600"')
    if chart.note:
        head += _text(
            clipped(chart.note, width - _HEAD - _RIGHT, _SIZE - 1), _HEAD, 38, f'font-size="{_SIZE - 1}"'
        )
    paint = "".join(_pattern(identity, number) for number in range(len(STYLES)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{identity}" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'width="{_n(width)}" height="{_n(height)}" role="img" aria-label="{title}" '
        f'font-family="{_FONT}" font-size="{_SIZE}">\n<style>{_STYLE.strip().replace("ID", f"#{identity}")}'
        f"</style>\n<defs>{paint}</defs>\n"
        f'<rect class="c-paper" width="100%" height="100%" fill="#fff"/>\n{head}'
        f"{body}</svg>\n"
    )


def together(charts: Sequence[Chart], *, columns: int, width: float = WIDTH, height: float = HEIGHT) -> str:
    """Charts in rows of ``columns``, as one SVG; those of an unfilled row are wider.

    >>> one = Chart("A", axis("x", 0, 1), axis("y", 0, 1), ())
    >>> together([one, one], columns=2).count("<svg")
    3
    """
    shown, top, whole = [], 0.0, width * columns
    for first in range(0, len(charts), columns):
        row = charts[first : first + columns]
        wide = whole / len(row)
        for number, chart in enumerate(row):
            svg = to_svg(chart, width=wide, height=height)
            shown.append(svg.replace("<svg ", f'<svg x="{_n(number * wide)}" y="{_n(top)}" ', 1))
        top += max(full_height(chart, wide, height) for chart in row)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(whole)} {_n(top)}" width="{_n(whole)}" '
        f'height="{_n(top)}" style="max-width:100%;height:auto" role="group">\n{"".join(shown)}</svg>\n'
    )


IN_A_ROW: Final = 3


def columns_of(count: int) -> int:
    """How many of so many charts stand in a row, so that the rows are even.

    >>> [columns_of(count) for count in (1, 2, 3, 4, 5)]
    [1, 2, 3, 2, 3]
    """
    return -(-count // -(-count // IN_A_ROW))


def beside(charts: Sequence[Chart], width: float = 960) -> str:
    """Charts side by side in even rows, as one SVG that is so many pixels wide; one alone is smaller."""
    columns = columns_of(len(charts))
    return together(charts, columns=columns, width=min(WIDTH, width / columns))


def full_height(chart: Chart, width: float, height: float) -> float:
    """The height of a chart with its note and legend, which come on top of ``height``."""
    _, rows = _legend(chart, width, 0, "")
    return height + 18 * rows + (18 if chart.note else 0)


def _axes(frame: _Frame) -> Iterable[str]:
    chart = frame.chart
    for number, said in chart.y.ticks:
        y = _n(frame.y(number))
        yield f'<path class="c-grid" d="M{_n(frame.left)} {y}H{_n(frame.right)}" stroke="#dde2e8"/>'
        yield _text(said, frame.left - 8, frame.y(number) + 4, 'text-anchor="end"')
    for number, said in chart.x.ticks:
        x = _n(frame.x(number))
        yield f'<path class="c-axis" d="M{x} {_n(frame.bottom)}v5" stroke="#6b7683"/>'
        yield _text(said, frame.x(number), frame.bottom + 20, 'text-anchor="middle"')
    line = f"M{_n(frame.left)} {_n(frame.top)}V{_n(frame.bottom)}H{_n(frame.right)}"
    yield f'<path class="c-axis" d="{line}" stroke="#6b7683" fill="none"/>\n'
    middle = (frame.left + frame.right) / 2
    yield _text(chart.x.label, middle, frame.bottom + 41, 'text-anchor="middle"')
    y = _n((frame.top + frame.bottom) / 2)
    yield _text(chart.y.label, 16, (frame.top + frame.bottom) / 2,
                f'text-anchor="middle" transform="rotate(-90 16 {y})"')  # fmt: skip


def _drawn(frame: _Frame, mark: Mark) -> str:
    style = STYLES[mark.style % len(STYLES)]
    number = mark.style % len(STYLES)
    if isinstance(mark, Boxes):
        inside = "".join(_box(frame, box, number, mark.faint) for box in mark.boxes)
    elif isinstance(mark, Rule):
        inside = _rule(frame, mark, style)
    else:
        inside = _line(frame, mark, style)
    return f'<g class="c-s" style="--c-own:{style.color}" stroke="{style.color}">{inside}</g>\n'


def _line(frame: _Frame, line: Line, style: Style) -> str:
    points = [(frame.x(x), frame.y(y)) for x, y in line.points]
    if not points:
        return ""
    path = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for x, y in points[1:]:
        path += f"H{_n(x)}V{_n(y)}" if line.steps else f"L{_n(x)} {_n(y)}"
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    shown = f'<path d="{path}" fill="none" stroke-width="2"{dash}/>'
    return shown + "".join(_marker(x, y, style) for x, y in points) if line.dots else shown


_MARKERS: Final[dict[str, str]] = {
    "circle": "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
    "square": "m-3.5 -3.5h7v7h-7z",
    "triangle": "m0 -4.5l4.5 8h-9z",
    "diamond": "m0 -5l4.5 5l-4.5 5l-4.5 -5z",
    "cross": "m-4 -4l8 8m0 -8l-8 8",
}


def _marker(x: float, y: float, style: Style) -> str:
    return (
        f'<path d="M{_n(x)} {_n(y)}{_MARKERS[style.marker]}" class="c-s c-fill" style="--c-own:{style.color};'
        f'fill:var(--c-hue,{style.color})" fill="{style.color}"/>'
    )


def _box(frame: _Frame, box: Box, style: int, faint: bool) -> str:
    x, y = frame.x(box.left), frame.y(box.top)
    width, height = max(frame.x(box.right) - x, 1.5), max(frame.y(box.bottom) - y, 0.5)
    fill = _fill(frame.identity, style, faint)
    shown = (
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" fill="{fill}" '
        f'stroke-width="1"/>'
    )
    if box.label:
        needs = text_width(box.label, 12) + 6
        inside = x + width + needs > frame.right and x - needs < frame.left
        at = x + width + 6 if x + width + needs <= frame.right else x + width - 6 if inside else x - 6
        anchor = "start" if at > x + width else "end"
        shown += _halo(box.label, at, y + height / 2 + 4, f'text-anchor="{anchor}" font-size="12"')
    return shown


def _rule(frame: _Frame, rule: Rule, style: Style) -> str:
    if rule.x is not None:
        x = frame.x(rule.x)
        path, at = f"M{_n(x)} {_n(frame.top)}V{_n(frame.bottom)}", (x, frame.top + 12 + 16 * rule.row)
        near_end = x > (frame.left + frame.right) / 2
        anchor, shift = ("end", -5.0) if near_end else ("start", 5.0)
    else:
        y = frame.y(rule.y or 0)
        path, at = f"M{_n(frame.left)} {_n(y)}H{_n(frame.right)}", (frame.right, y - 5 - 16 * rule.row)
        anchor, shift = "end", 0.0
    label = _halo(rule.name, at[0] + shift, at[1], f'text-anchor="{anchor}" font-size="12"')
    return f'<path d="{path}" stroke-width="1.5" stroke-dasharray="{style.dash}" fill="none"/>{label}'


def _legend(chart: Chart, width: float, top: float, identity: str) -> tuple[list[str], int]:
    """The samples and names of the series, in as many rows as they need."""
    marks = [mark for mark in chart.marks if not isinstance(mark, Rule) and mark.name]
    if len(marks) < 2:
        return [], 0
    shown, x, row = [], float(_HEAD), 0
    for mark in marks:
        name = clipped(mark.name, width - _HEAD - 40, _SIZE)
        needs = 36 + text_width(name, _SIZE) + 18
        if x + needs > width and x > _HEAD:
            x, row = float(_HEAD), row + 1
        y = top + 18 * row + 2
        number = mark.style % len(STYLES)
        style = STYLES[number]
        if isinstance(mark, Boxes):
            fill = _fill(identity, number, mark.faint)
            sample = f'<rect x="{_n(x)}" y="{y - 6}" width="26" height="12" fill="{fill}"/>'
        else:
            dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
            sample = f'<path d="M{_n(x)} {y}h26" stroke-width="2"{dash}/>'
            sample += _marker(x + 13, y, style) if mark.dots else ""
        shown.append(f'<g class="c-s" style="--c-own:{style.color}" stroke="{style.color}">{sample}</g>')
        shown.append(_text(name, x + 33, y + 4, ""))
        x += needs
    return shown, row + 1


def _fill(identity: str, style: int, faint: bool) -> str:
    return f"url(#{identity}-{'faint' if faint else 'fill'}{style})"


def _pattern(identity: str, number: int) -> str:
    style = STYLES[number]
    strokes = f'<path d="{HATCHES[style.hatch]}" stroke="{style.color}" fill="none" stroke-width="1.2"/>'
    tiles = ""
    for name, opacity in (("fill", 0.45), ("faint", 0.1)):
        tiles += (
            f'<pattern id="{identity}-{name}{number}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8" fill="{style.color}" fill-opacity="{opacity}"/>{strokes}</pattern>'
        )
    return tiles


def _text(said: str, x: float, y: float, more: str) -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" stroke="none" {more}>{escaped(said)}</text>'


def _halo(said: str, x: float, y: float, more: str) -> str:
    """A text that is read over lines, too."""
    halo = 'class="c-halo" stroke="#fff" stroke-width="3" paint-order="stroke" stroke-linejoin="round"'
    return f'<text x="{_n(x)}" y="{_n(y)}" {halo} {more}>{escaped(said)}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
