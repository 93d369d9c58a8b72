"""A geometry -> matplotlib Figure: the same picture for slides, papers, PNG and PDF.

The figure is made without pyplot: nothing opens a window, nothing is kept open.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sfnbook.drawing.graph import CATCH
from sfnbook.drawing.layout import (
    DETAIL_LINE,
    DETAIL_SIZE,
    HEAD,
    LABEL_LINE,
    LABEL_SIZE,
    NAME_LINE,
    NAME_SIZE,
    TEXT_AT,
    TILE,
    Box,
    EdgePath,
    Geometry,
    layout,
)
from sfnbook.drawing.routing import ARROW
from sfnbook.drawing.statuses import Marks, Way
from sfnbook.drawing.svg import NOTE_SIZE, fresh_strokes, known, note_pill, to_svg
from sfnbook.drawing.theme import STATUSES, TYPES
from sfnbook.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sfnbook.definition import Definition
    from sfnbook.drawing.routing import Command

CJK_FONTS: Final = (
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans KR",
    "Noto Sans JP",
    "Source Han Sans",
    "NanumGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "IPAexGothic",
    "Microsoft YaHei",
    "PingFang SC",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
)
_LATIN_FONT: Final = "DejaVu Sans"
_UNDRAWABLE: Final = "□"

_PIXELS_PER_INCH: Final = 96
_POINTS_PER_INCH: Final = 72
# PNG writers stop at 65,535 pixels a side; a figure that is larger shrinks with its text.
_MOST_INCHES: Final = 200

_INK: Final = "#16202c"
_MUTED: Final = "#56616e"
_LINE: Final = "#6b7683"
_CATCH: Final = "#c0361a"
_TAKEN: Final = "#0d5ba8"
_SURFACE: Final = "#ffffff"


def plot(
    geometry: Geometry,
    *,
    status: Mapping[str, str] | None = None,
    marks: Marks | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the picture on ``ax``, or on a new figure of its own size, and return the figure.

    ``status`` gives states a status by pointer, ``marks`` that and all else that happened.

    >>> from sfnbook.parse import definition
    >>> machine = definition({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> plot(layout(machine), title="One state").axes[0].get_title()
    'One state'
    """
    marks = Marks(status or {}) if marks is None else marks
    known(marks.status)
    axes = _new_axes(geometry, title) if ax is None else ax
    axes.set(xlim=(0, geometry.width), ylim=(geometry.height, 0), aspect="equal")
    axes.set_axis_off()
    pen = _Pen(axes, geometry)
    if title:
        axes.set_title(pen.drawable(title), fontfamily=pen.fonts, parse_math=False)
    for pointer, box in geometry.nodes.items():
        _draw_box(pen, geometry, pointer, box, marks.status.get(pointer, "none"))
    _draw_marks(pen, geometry)
    for edge, strokes in fresh_strokes(geometry.edges):
        _draw_edge(pen, edge, strokes, taken=Way(edge.source, edge.target, edge.kind == CATCH) in marks.taken)
    for edge in geometry.edges:
        _draw_label(pen, edge)
    for pointer, note in marks.notes.items():
        _draw_note(pen, geometry.nodes[pointer], note)
    pen.warn()
    return pen.figure


def save_figure(
    definition: Definition,
    path: str | Path,
    *,
    status: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Path:
    """Write the picture of a machine to a file: .svg, .png or .pdf, by its suffix."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in {".svg", ".png", ".pdf"}:
        raise UsageError(f"{target.name}: a picture is written as .svg, .png or .pdf.")
    geometry = layout(definition)
    if suffix == ".svg":
        target.write_text(to_svg(geometry, status=status, title=title), encoding="utf-8")
    else:
        # Two pixels for one of the layout; a figure too large for that has been made smaller.
        figure = plot(geometry, status=status, title=title)
        figure.savefig(target, dpi=2 * _PIXELS_PER_INCH)
    return target


def _new_axes(geometry: Geometry, title: str | None) -> Axes:
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    scale = min(1 / _PIXELS_PER_INCH, _MOST_INCHES / max(geometry.width, geometry.height))
    head = 0.4 if title else 0.0
    height = geometry.height * scale + head
    figure = Figure(figsize=(geometry.width * scale, height), facecolor=_SURFACE)
    return figure.add_axes((0, 0, 1, 1 - head / height))


class _Pen:
    """Draws on one axes in the pixels of the layout, text to the same scale as the rest."""

    def __init__(self, axes: Axes, geometry: Geometry) -> None:
        figure: Any = axes.get_figure(root=True)
        self.axes = axes
        self.figure: Figure = figure
        extent = axes.get_window_extent()
        scale = min(extent.width / geometry.width, extent.height / geometry.height)
        self.points = scale * _POINTS_PER_INCH / self.figure.dpi
        cjk = cjk_font()
        self.fonts = [_LATIN_FONT, cjk] if cjk else [_LATIN_FONT]
        self.missing: set[str] = set()

    def path(self, commands: Iterable[Command], **style: Any) -> None:
        from matplotlib.patches import PathPatch  # noqa: PLC0415 - heavy
        from matplotlib.path import Path as Strokes  # noqa: PLC0415 - heavy

        codes: list[Any] = []
        points: list[tuple[float, float]] = []
        for name, numbers in commands:
            pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
            codes += [
                {"M": Strokes.MOVETO, "L": Strokes.LINETO, "C": Strokes.CURVE4, "Z": Strokes.CLOSEPOLY}[name]
            ] * len(pairs)
            points += pairs
        style["linewidth"] = style.get("linewidth", 0) * self.points
        self.axes.add_patch(PathPatch(Strokes(points, codes), **style))

    def rounded(self, x: float, y: float, w: float, h: float, radius: float, **style: Any) -> None:
        from matplotlib.patches import FancyBboxPatch  # noqa: PLC0415 - heavy

        shape = f"round,pad=0,rounding_size={radius}"
        style["linewidth"] = style.get("linewidth", 0) * self.points
        self.axes.add_patch(FancyBboxPatch((x, y), w, h, boxstyle=shape, **style))

    def circle(self, x: float, y: float, radius: float, **style: Any) -> None:
        from matplotlib.patches import Circle  # noqa: PLC0415 - heavy

        style["linewidth"] = style.get("linewidth", 0) * self.points
        self.axes.add_patch(Circle((x, y), radius, **style))

    def text(self, text: str, x: float, y: float, size: float, color: str, *, centred: bool = False) -> None:
        # "$.count" is a path, not mathematics.
        self.axes.text(
            x,
            y,
            self.drawable(text),
            fontsize=size * self.points,
            color=color,
            fontfamily=self.fonts,
            ha="center" if centred else "left",
            va="baseline",
            parse_math=False,
        )

    def icon(self, icon: str, x: float, y: float, width: float) -> None:
        self.path(
            icon_strokes(icon, x, y),
            edgecolor="white",
            facecolor="none",
            linewidth=width,
            capstyle="round",
            joinstyle="round",
        )

    def drawable(self, text: str) -> str:
        """The text with a box for what no font draws: matplotlib would warn glyph by glyph."""
        drawn = _coverage(tuple(self.fonts))
        self.missing.update(character for character in text if ord(character) not in drawn)
        return "".join(character if ord(character) in drawn else _UNDRAWABLE for character in text)

    def warn(self) -> None:
        if self.missing:
            shown = "".join(sorted(self.missing)[:20])
            warnings.warn(
                f"No font found that draws {shown!r}. Looked for: {', '.join((_LATIN_FONT, *CJK_FONTS))}.",
                UserWarning,
                stacklevel=3,
            )


@cache
def cjk_font() -> str | None:
    """The first of `CJK_FONTS` that is installed."""
    from matplotlib import font_manager  # noqa: PLC0415 - heavy

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CJK_FONTS if name in installed), None)


@cache
def _coverage(fonts: tuple[str, ...]) -> frozenset[int]:
    """The code points that the fonts draw between them."""
    from matplotlib import font_manager  # noqa: PLC0415 - heavy

    found: set[int] = set()
    for name in fonts:
        found.update(font_manager.get_font(font_manager.findfont(name)).get_charmap())
    return frozenset(found)


_STROKE: Final = re.compile(r"([MLCZ])([^MLCZ]*)")


def icon_strokes(icon: str, x: float, y: float) -> list[Command]:
    """An icon's path moved to (x, y).

    >>> icon_strokes("M1 2 L3 4 Z", 10, 10)
    [('M', (11.0, 12.0)), ('L', (13.0, 14.0)), ('Z', (11.0, 12.0))]
    """
    strokes: list[Command] = []
    start: tuple[float, ...] = (x, y)
    for name, numbers in _STROKE.findall(icon):
        moved = tuple(float(number) + (x, y)[index % 2] for index, number in enumerate(numbers.split()))
        start = moved if name == "M" else start
        strokes.append((name, moved or start))
    return strokes


def _draw_box(pen: _Pen, geometry: Geometry, pointer: str, box: Box, name: str) -> None:
    status = STATUSES[name]
    strength = (0.06 if name == "none" else 0.1) if box.container else 0.0 if name == "none" else 0.15
    dash = tuple(map(float, status.dash.split()))
    pen.rounded(
        box.x,
        box.y,
        box.w,
        box.h,
        8,
        facecolor=_mixed(status.color, strength),
        edgecolor=status.color,
        linewidth=status.border,
        linestyle=(0, dash) if dash else "solid",
    )
    for lane in geometry.lanes_of(pointer):
        pen.rounded(*lane, 6, facecolor="none", edgecolor=_LINE, linewidth=0.8, linestyle=(0, (3, 3)))
    pen.rounded(
        box.x + 10, box.y + HEAD + 2, TILE, TILE, 6, facecolor=TYPES[box.type].color, edgecolor="none"
    )
    pen.icon(TYPES[box.type].icon, box.x + 16, box.y + HEAD + 8, 1.5)
    left = box.x + TEXT_AT
    pen.text(box.detail, left, box.y + HEAD + 10, DETAIL_SIZE, _MUTED)
    for index, line in enumerate(box.lines):
        pen.text(line, left, box.y + HEAD + DETAIL_LINE + NAME_SIZE + index * NAME_LINE, NAME_SIZE, _INK)
    if status.icon:
        x, y = box.x + box.w - 4, box.y + 3
        pen.circle(x, y, 10, facecolor=status.color, edgecolor=_SURFACE, linewidth=1.5)
        pen.icon(status.icon, x - 8, y - 8, 2)


def _mixed(color: str, strength: float) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb  # noqa: PLC0415 - heavy

    return tuple(1 - strength + strength * part for part in to_rgb(color))


def _draw_marks(pen: _Pen, geometry: Geometry) -> None:
    for mark in geometry.marks.values():
        x, y = mark.x + mark.w / 2, mark.y + mark.h / 2
        if mark.text:
            pen.rounded(mark.x, mark.y, mark.w, mark.h, mark.h / 2, facecolor=_LINE, edgecolor="none")
            pen.text(mark.text, x, y + 4, LABEL_SIZE, _SURFACE, centred=True)
        else:
            pen.circle(x, y, mark.w / 2, facecolor=_LINE, edgecolor="none")


def _draw_edge(pen: _Pen, edge: EdgePath, strokes: list[Command], *, taken: bool) -> None:
    catch = edge.kind == CATCH
    color = _CATCH if catch else _TAKEN if taken else _LINE
    if taken:
        pen.path(edge.path, facecolor="none", edgecolor=color, linewidth=3)
    elif strokes:
        pen.path(
            strokes,
            facecolor="none",
            edgecolor=color,
            linewidth=1.5,
            linestyle=(0, (3.4, 2.4)) if catch else "solid",
        )
    x, y = edge.path[-1][1]
    head: list[Command] = [
        ("M", (x, y)),
        ("L", (x - 4.5, y - ARROW - 1)),
        ("L", (x, y - ARROW + 1)),
        ("L", (x + 4.5, y - ARROW - 1)),
        ("Z", (x, y)),
    ]
    pen.path(head, facecolor=color, edgecolor="none")


def _draw_note(pen: _Pen, box: Box, note: str) -> None:
    pill = note_pill(box, note)
    pen.rounded(*pill, 8, facecolor=_SURFACE, edgecolor=_LINE, linewidth=1, zorder=3)
    pen.text(note, pill.x + 7, pill.y + pill.h / 2 + 4, NOTE_SIZE, _INK)


def _draw_label(pen: _Pen, edge: EdgePath) -> None:
    box = edge.label_box
    if box:
        pen.rounded(*box, 4, facecolor=_SURFACE, edgecolor="none")
        color = _CATCH if edge.kind == CATCH else _INK
        for index, line in enumerate(edge.lines):
            y = box.y + 2 + LABEL_SIZE + index * LABEL_LINE
            pen.text(line, box.x + box.w / 2, y, LABEL_SIZE, color, centred=True)
