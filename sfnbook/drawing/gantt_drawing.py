"""A Gantt chart -> SVG for the notebook, and a matplotlib Figure for slides: the same rows and bars.

Waits and back-offs are hatched, so that they differ from work without colour, too.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import duration
from sfnbook.drawing.gantt import BACKOFF, WAIT, Bar, Chart
from sfnbook.drawing.svg import escaped
from sfnbook.drawing.textwidth import clipped, width
from sfnbook.drawing.theme import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

ROW: Final = 22.0
"""Pixels from row to row."""
LABELS: Final = 190.0
"""Pixels for the names of the rows."""
_HEAD: Final = 24.0
_SIZE: Final = 11.0
_INDENT: Final = 12.0
_LEAST: Final = 3.0  # what takes no virtual time is still to be seen
_STEPS: Final = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
    1800, 3600, 7200, 14400, 43200, 86400,
)  # fmt: skip

_STYLE: Final = """
ID{--sfn-surface:var(--jp-layout-color1,#fff);--sfn-ink:var(--jp-ui-font-color1,#16202c);
font-family:var(--jp-ui-font-family,system-ui,sans-serif)}
ID text{fill:var(--sfn-ink)}
ID .sfn-grid{stroke:var(--sfn-ink);stroke-opacity:.14}
ID .sfn-band{fill:var(--sfn-ink);fill-opacity:.035}
ID .sfn-bar{cursor:pointer;outline:none}
ID .sfn-bar:hover rect,ID .sfn-bar:focus-visible rect{stroke:var(--sfn-ink);stroke-width:2}
ID .sfn-bar text{pointer-events:none}
ID .sfn-cursor{stroke:var(--jp-brand-color1,#0972d3);stroke-width:2;pointer-events:none}
"""


def ticks(end: float, most: int = 8) -> list[float]:
    """Round virtual seconds for an axis that ends here.

    >>> ticks(31), ticks(0.5)
    ([0, 5, 10, 15, 20, 25, 30], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    """
    step = next((step for step in _STEPS if end / step < most), None)
    if step is None:
        step = 86400 * -(-end // (86400 * (most - 1)))
    return [round(number * step, 3) for number in range(int(end / step + 1e-9) + 1)]


def chart_svg(chart: Chart, *, cursor: float = 0.0, wide: float = 880.0) -> str:
    """The chart as SVG text.

    Each bar is a ``<g class="sfn-bar">`` with ``data-number``, the transition it began with; the cursor
    is a line that a live view moves with the root's ``data-left`` and ``data-scale``.
    """
    scale = (wide - LABELS - 16) / chart.end if chart.end else 0.0
    tall = _HEAD + ROW * max(len(chart.rows), 1) + 6
    body = "".join([*_grid(chart, scale, wide, tall), *_bars(chart, scale), *_names(chart)])
    at = _x(cursor, scale)
    line = f'<line class="sfn-cursor" x1="{at}" x2="{at}" y1="{_HEAD - 6}" y2="{tall}" stroke="#0972d3"/>'
    identity = "sfn-" + hashlib.sha256(body.encode()).hexdigest()[:12]
    hatch = (
        f'<pattern id="{identity}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="2.4" height="6" fill="#000" fill-opacity=".32"/>'
        '<rect x="2.4" width="3.6" height="6" fill="#fff" fill-opacity=".62"/></pattern>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{identity}" class="sfn-chart" '
        f'viewBox="0 0 {wide:g} {tall:g}" width="{wide:g}" height="{tall:g}" data-left="{LABELS:g}" '
        f'data-scale="{scale:.6g}" role="group" aria-label="Timeline" font-size="{_SIZE:g}" '
        'font-family="Helvetica, Arial, sans-serif">'
        f"<style>{_STYLE.strip().replace('ID', f'#{identity}')}</style><defs>{hatch}</defs>"
        f"{body.replace('#HATCH', f'#{identity}-hatch')}{line}</svg>"
    )


def _x(seconds: float, scale: float) -> str:
    return f"{LABELS + seconds * scale:.1f}".removesuffix(".0")


def _grid(chart: Chart, scale: float, wide: float, tall: float) -> Iterator[str]:
    for number in range(0, len(chart.rows), 2):
        y = _HEAD + number * ROW
        yield f'<rect class="sfn-band" y="{y:g}" width="{wide:g}" height="{ROW:g}" fill="none"/>'
    for second in ticks(chart.end) if chart.end else [0.0]:
        at = _x(second, scale)
        yield f'<line class="sfn-grid" x1="{at}" x2="{at}" y1="{_HEAD - 4}" y2="{tall}" stroke="#ccc"/>'
        yield f'<text x="{at}" y="12" text-anchor="middle">{duration(second)}</text>'


def _names(chart: Chart) -> Iterator[str]:
    for number, row in enumerate(chart.rows):
        left = 4 + row.depth * _INDENT
        name = clipped(row.label, LABELS - left - 10, _SIZE)
        y = _HEAD + number * ROW + 15
        yield f'<text x="{left:g}" y="{y:g}"><title>{escaped(row.label)}</title>{escaped(name)}</text>'


def _bars(chart: Chart, scale: float) -> Iterator[str]:
    # What takes no virtual time is drawn last, or what follows it would cover it.
    for order, bar in enumerate(sorted(chart.bars, key=lambda bar: bar.start == bar.end)):
        x, y = LABELS + bar.start * scale, _HEAD + bar.row * ROW + 3
        w = max((bar.end - bar.start) * scale, _LEAST)
        said = f"{bar.label}, {duration(bar.start)} to {duration(bar.end)}"
        box = f'x="{x:.1f}" y="{y:g}" width="{w:.1f}" height="{ROW - 6:g}" rx="2"'
        hatched = f'<rect {box} fill="url(#HATCH)"/>' if bar.kind in {WAIT, BACKOFF} else ""
        yield (
            f'<g class="sfn-bar" data-number="{bar.number}" data-kind="{bar.kind}" '
            f'role="button" tabindex="{-1 if order else 0}" data-lm-suppress-shortcuts="true" '
            f'aria-label="{escaped(said)}"><title>{escaped(said)}</title>'
            f'<rect {box} fill="{STATUSES[bar.status].color}"/>{hatched}{_inside(chart, bar, x, y, w)}</g>'
        )


def _inside(chart: Chart, bar: Bar, x: float, y: float, w: float) -> str:
    """The status in the bar, as an icon, and in an iteration's row the state, where there is room."""
    status = STATUSES[bar.status]
    name = bar.label.partition(", attempt")[0]
    text = f"{status.glyph} {name}" if name != chart.rows[bar.row].label else status.glyph
    text = text if width(text, _SIZE) + 8 < w else status.glyph
    if bar.kind in {WAIT, BACKOFF} or width(text, _SIZE) + 6 > w:
        return ""
    return f'<text x="{x + 4:.1f}" y="{y + 12:g}" style="fill:#fff" fill="#fff">{escaped(text)}</text>'


def plot_chart(chart: Chart, *, cursor: float | None = None, title: str = "") -> Figure:
    """The chart as a Figure; the cursor, in virtual seconds, is a vertical line."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy

    figure = Figure(figsize=(9, 1.1 + 0.26 * max(len(chart.rows), 1)), layout="constrained")
    axes = figure.add_subplot()
    least = (chart.end or 1) * _LEAST / 700
    for bar in chart.bars:
        hatched = bar.kind in {WAIT, BACKOFF}
        style: dict[str, Any] = {
            "facecolor": "white",
            "edgecolor": STATUSES[bar.status].color,
            "hatch": "////",
        }
        style = style if hatched else {"facecolor": STATUSES[bar.status].color, "edgecolor": "white"}
        long = max(bar.end - bar.start, least)
        axes.broken_barh([(bar.start, long)], (bar.row - 0.36, 0.72), linewidth=0.8, **style)
    if cursor is not None:
        axes.axvline(cursor, color="#0972d3", linewidth=1.5)
    labels = ["  " * row.depth + clipped(row.label, LABELS, _SIZE) for row in chart.rows]
    axes.set_yticks(range(len(chart.rows)), labels, parse_math=False)
    axes.set_ylim(max(len(chart.rows), 1) - 0.4, -0.6)
    marks = ticks(chart.end) if chart.end else [0.0]
    axes.set_xticks(marks, [duration(second) for second in marks])
    axes.set_xlim(-least, (chart.end or 1) + least)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.set_title(title, parse_math=False, fontsize="medium")
    return figure
