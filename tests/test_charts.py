"""Charts: round numbers on the axes, every series told apart without colour, text escaped."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from sfnbook.drawing.charts import (
    HATCHES,
    STYLES,
    Axis,
    Box,
    Boxes,
    Chart,
    Line,
    Rule,
    axis,
    beside,
    round_step,
    time_axis,
    to_svg,
)
from sfnbook.retrylab.figures import figure

MARKS = (
    Boxes("<bars>", (Box(0, 1, 0, 1, "<label>"), Box(1, 2, 0, 3)), 1),
    Line("<line>", ((0, 0), (1, 2), (2, 3)), 0, steps=True, dots=True),
    Rule("<rule>", x=1.5),
    Rule("<level>", y=2),
)
CHART = Chart("<title>", axis("<x>", 0, 2), axis("<y>", 0, 3), MARKS, "<note>")

AXES = [
    ((0, 10), ["0", "2", "4", "6", "8", "10"]),
    ((0, 1), ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
    ((3, 3), ["3", "3.2", "3.4", "3.6", "3.8", "4"]),
    ((0, 12_000), ["0", "2,000", "4,000", "6,000", "8,000", "10,000", "12,000"]),
]


@pytest.mark.parametrize(("bounds", "ticks"), AXES)
def test_axes_have_round_numbers(bounds, ticks):
    assert [text for _, text in axis("", *bounds).ticks] == ticks


@pytest.mark.parametrize(
    ("high", "unit"),
    [(0.004, "ms"), (0, "ms"), (2, "ms"), (100, "s"), (1_000, "min"), (50_000, "h"), (10**7, "d")],
)
def test_times_are_written_in_the_unit_that_suits(high, unit):
    made = time_axis("time", high)
    assert made.label == f"time ({unit})"
    assert all(0 <= number <= made.high * (1 + 1e-9) for number, _ in made.ticks)
    assert 3 <= len(made.ticks) <= 8


@pytest.mark.parametrize("power", range(-6, 9))
def test_steps_are_1_2_or_5(power):
    for about in (1.0, 1.1, 3, 6):
        step = round_step(about * 10.0**power)
        assert about * 0.999 <= step / 10.0**power <= about * 2.51
        assert f"{step:.0e}"[0] in "125"


def test_the_svg_is_well_formed_and_escaped():
    svg = to_svg(CHART)
    root = ET.fromstring(svg)
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"<title>", "<note>", "<bars>", "<line>", "<rule>", "<level>", "<label>", "<x>", "<y>"} <= texts
    assert root.get("aria-label") == "<title>. <note>"


def test_two_charts_on_a_page_do_not_share_their_patterns():
    other = to_svg(CHART._replace(title="another"))
    ids = [{part.split('"')[0] for part in svg.split('id="')[1:]} for svg in (to_svg(CHART), other)]
    assert not ids[0] & ids[1]
    assert to_svg(CHART) == to_svg(CHART)


def test_series_differ_without_their_colours():
    for part in ("dash", "hatch", "marker"):
        assert len({getattr(style, part) for style in STYLES}) == len(STYLES)
    assert {style.hatch for style in STYLES} == set(HATCHES)


def test_matplotlib_draws_the_same():
    drawn = figure(CHART, CHART._replace(note=""))
    first = drawn.axes[0]
    assert len(drawn.axes) == 2
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["<bars>", "<line>"]
    assert [label.get_text() for label in first.get_xticklabels()] == [text for _, text in CHART.x.ticks]
    assert len({patch.get_hatch() for patch in first.patches}) == 1


def test_dollars_and_underscores_are_no_formulas():
    chart = CHART._replace(title="$a_1$", note="$b_$", marks=(Line("$c$", ((0, 0), (1, 1))),))
    figure(chart).canvas.draw()


def test_numbers_outside_the_axes_stay_near_the_frame():
    wild = CHART._replace(marks=(Line("", ((0, 0), (1e9, 1e9))),))
    assert "e+" not in to_svg(wild)


def test_an_empty_chart_is_drawn_too():
    empty = Chart("", Axis("", 0, 1, ()), Axis("", 0, 1, ()), (Line("", ()), Boxes("", ())))
    ET.fromstring(to_svg(empty))


def test_charts_need_neither_numpy_nor_matplotlib():
    code = "import sys, sfnbook.drawing.charts; print({'numpy', 'matplotlib'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )


EVEN = [(1, None, (1, 1), [0]), (3, None, (1, 3), [2]), (4, None, (2, 2), [1]), (5, 2, (3, 2), [0, 1])]


@pytest.mark.parametrize(("count", "columns", "shape", "last"), EVEN)
def test_charts_stand_in_even_rows_and_one_that_is_left_alone_is_wide(count, columns, shape, last):
    drawn = figure(*[CHART] * count, columns=columns).axes
    assert drawn[0].get_gridspec().get_geometry() == shape
    assert list(drawn[-1].get_subplotspec().colspan) == last


@pytest.mark.parametrize(("count", "width"), [(1, 640), (2, 960), (3, 960), (4, 960)])
def test_charts_side_by_side_are_as_wide_as_a_page(count, width):
    drawn = ET.fromstring(beside([CHART] * count))
    assert drawn.get("width") == str(width)
    assert len(drawn) == count


def test_a_title_is_not_wider_than_its_chart():
    (axes,) = figure(CHART._replace(title="A title that is far too long " * 3)).axes
    assert axes.get_title(loc="left").strip().endswith("…")
