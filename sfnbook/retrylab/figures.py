"""Charts -> a matplotlib Figure: for slides and papers, in colour or in black and white.

The figure is made without pyplot: nothing opens a window, nothing is kept open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook.drawing.charts import STYLES, Box, Boxes, Chart, Line, Rule, columns_of
from sfnbook.drawing.textwidth import clipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE: Final = (7.2, 4.5)
"""Inches of one chart."""

FONT: Final = 13

BOLD: Final = 0.87
"""What fits of bold text where so much fits of other text."""

HATCHES: Final = {"plain": "", "rising": "///", "falling": "\\\\\\", "dots": "...", "cross": "xxx"}
MARKERS: Final = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "x"}


def figure(*charts: Chart, columns: int | None = None) -> Figure:
    """The charts side by side, so many in a row, as a new Figure; one that is left alone is as wide as a row.

    >>> from sfnbook.drawing.charts import axis
    >>> figure(Chart("A line", axis("x", 0, 1), axis("y", 0, 1), ())).axes[0].get_title(loc="left")
    'A line'
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    columns = columns or columns_of(len(charts))
    rows = -(-len(charts) // columns)
    size = (SIZE[0] * columns, SIZE[1] * rows)
    made = Figure(figsize=size, layout="constrained", facecolor="white")
    places = made.add_gridspec(rows, columns)
    for number, chart in enumerate(charts):
        row, column = divmod(number, columns)
        alone = column == 0 and number == len(charts) - 1
        _draw(made.add_subplot(places[row, :] if alone else places[row, column]), chart)
    return made


def _draw(axes: Axes, chart: Chart) -> None:
    room = SIZE[0] * 72 * 0.85
    title = clipped(chart.title, room * BOLD, FONT + 2) + ("\n" if chart.note else "")
    axes.set_title(title, loc="left", fontsize=FONT + 2, fontweight="bold", parse_math=False)
    if chart.note:
        note = clipped(chart.note, room, FONT - 2)
        shown = axes.text(0, 1.03, note, transform=axes.transAxes, fontsize=FONT - 2, parse_math=False)
        shown.set_in_layout(False)
    axes.set(xlim=(chart.x.low, chart.x.high), ylim=(chart.y.low, chart.y.high))
    axes.set_xlabel(chart.x.label, fontsize=FONT)
    axes.set_ylabel(chart.y.label, fontsize=FONT)
    axes.set_xticks([number for number, _ in chart.x.ticks], [text for _, text in chart.x.ticks])
    axes.set_yticks([number for number, _ in chart.y.ticks], [text for _, text in chart.y.ticks])
    axes.tick_params(labelsize=FONT - 1)
    axes.grid(axis="y", alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for mark in chart.marks:
        DRAWS[type(mark)](axes, mark)
    _legend(axes, chart)


def _legend(axes: Any, chart: Chart) -> None:
    """The names of the series in the order of the marks, where there is more than one."""
    handles, names = axes.get_legend_handles_labels()
    known = dict(zip(names, handles, strict=True))  # a series without marks has no sample
    shown = [mark.name for mark in chart.marks if mark.name in known]
    if len(shown) > 1:
        axes.legend([known[name] for name in shown], shown, fontsize=FONT - 2, framealpha=0.9, loc="best")


def _boxes(axes: Axes, mark: Boxes) -> None:
    style = STYLES[mark.style % len(STYLES)]
    for number, box in enumerate(mark.boxes):
        axes.bar(
            box.left, box.top - box.bottom, width=box.right - box.left, bottom=box.bottom, align="edge",
            facecolor=f"{style.color}{'18' if mark.faint else '73'}", edgecolor=style.color,
            linewidth=1, hatch=HATCHES[style.hatch], label=mark.name if not number else None,
        )  # fmt: skip
        if box.label:
            _beside(axes, box)


def _beside(axes: Axes, box: Box) -> None:
    """The text of a box to its right; where that is outside, to its left."""
    low, high = axes.get_xlim()
    late = box.right > low + 0.85 * (high - low)
    axes.annotate(
        box.label, (box.left if late else box.right, (box.bottom + box.top) / 2), (-4 if late else 4, 0),
        textcoords="offset points", ha="right" if late else "left", va="center", fontsize=FONT - 3,
        parse_math=False, bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
    )  # fmt: skip


def _line(axes: Axes, mark: Line) -> None:
    style = STYLES[mark.style % len(STYLES)]
    on_off = [float(length) / 2 for length in style.dash.split()]
    axes.plot(
        [x for x, _ in mark.points], [y for _, y in mark.points], color=style.color, linewidth=2,
        drawstyle="steps-post" if mark.steps else "default", label=mark.name or None,
        linestyle=(0, tuple(on_off)) if on_off else "-",
        marker=MARKERS[style.marker] if mark.dots else None, markersize=6,
    )  # fmt: skip


def _rule(axes: Axes, mark: Rule) -> None:
    style = STYLES[mark.style % len(STYLES)]
    if mark.x is not None:
        axes.axvline(mark.x, color=style.color, linewidth=1.5, linestyle=":")
        late = mark.x > sum(axes.get_xlim()) / 2
        shift = (-5 if late else 5, -4 - 18 * mark.row)
        axes.annotate(
            mark.name, (mark.x, 1), shift, xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="right" if late else "left", va="top", fontsize=FONT - 2,
            parse_math=False, bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    else:
        axes.axhline(mark.y or 0, color=style.color, linewidth=1.5, linestyle=":")
        axes.annotate(
            mark.name, (1, mark.y or 0), (0, 3 + 18 * mark.row), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="bottom", fontsize=FONT - 2, parse_math=False,
        )  # fmt: skip


DRAWS: Final[dict[type, Callable[[Any, Any], None]]] = {Boxes: _boxes, Line: _line, Rule: _rule}
