"""The figures: the same picture in matplotlib, quiet about fonts, written by suffix."""

import warnings
from itertools import pairwise

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from sfnbook import parse
from sfnbook.drawing import plots
from sfnbook.drawing.layout import layout
from sfnbook.drawing.plots import cjk_font, plot, save_figure
from sfnbook.drawing.svg import STATUSES
from sfnbook.errors import UsageError

SOURCE = {
    "StartAt": "Both $x$",
    "States": {
        "Both $x$": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}} for name in ("L", "R")
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
            "Next": "Again?",
        },
        "Again?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.a_b$", "IsPresent": True, "Next": "Both $x$"}],
            "Default": "Failed",
        },
        "Failed": {"Type": "Fail"},
    },
}


def definition(source=SOURCE):
    return parse.definition(source)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def one_state(name):
    return definition({"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}})


def test_it_draws_every_line_of_text_as_it_stands():
    geometry = layout(definition())
    figure = plot(geometry)
    drawn = texts(figure)
    for box in geometry.nodes.values():
        assert box.detail in drawn
        assert set(box.lines) <= set(drawn)
    assert "$.a_b$ is present" in drawn
    figure.draw_without_rendering()


def test_nothing_is_shown_or_kept():
    import matplotlib.pyplot as plt

    figure = plot(layout(definition()), title="$a$")
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_changes_the_picture(name):
    geometry = layout(one_state("A"))
    plain, drawn = plot(geometry), plot(geometry, status={"/States/A": name})
    faces = [figure.axes[0].patches[0] for figure in (plain, drawn)]
    looks = [(face.get_facecolor(), face.get_linewidth()) for face in faces]
    assert (looks[0] == looks[1]) == (name == "none")
    more = len(drawn.axes[0].patches) - len(plain.axes[0].patches)
    assert more == (2 if STATUSES[name].icon else 0)


def test_an_unknown_status_is_refused():
    with pytest.raises(UsageError, match="no status"):
        plot(layout(definition()), status={"/States/Failed": "done"})


def test_it_draws_on_given_axes_to_their_scale():
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots(1, 2)
    geometry = layout(definition())
    assert plot(geometry, ax=axes[1]) is figure
    assert not axes[0].texts
    whole = plot(geometry).axes[0].texts[0].get_fontsize()
    assert 0 < axes[1].texts[0].get_fontsize() < whole / 2


@pytest.mark.skipif(cjk_font() is None, reason="no CJK font is installed")
@pytest.mark.parametrize("name", ["注文を受け付ける", "결제 승인", "订单"])
def test_east_asian_names_are_drawn_without_a_warning(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(one_state(name), tmp_path / "a.png", title=name)
    assert name in texts(plot(layout(one_state(name))))


def test_without_a_font_one_warning_names_those_looked_for(monkeypatch):
    monkeypatch.setattr(plots, "cjk_font", lambda: None)
    machine = definition(
        {"StartAt": "注文", "States": {"注文": {"Type": "Pass", "Next": "発送"}, "発送": {"Type": "Succeed"}}}
    )
    with pytest.warns(UserWarning, match="Noto Sans CJK") as caught:
        figure = plot(layout(machine))
    figure.draw_without_rendering()
    assert len(caught) == 1
    assert "発送" not in texts(figure)
    assert "□□" in texts(figure)


@pytest.mark.parametrize(("suffix", "magic"), [(".svg", b"<svg"), (".PNG", b"\x89PNG"), (".pdf", b"%PDF")])
def test_a_file_is_written_by_its_suffix(tmp_path, suffix, magic):
    target = tmp_path / f"machine{suffix}"
    assert save_figure(definition(), target, status={"/States/Failed": "failed"}, title="T") == target
    assert target.read_bytes().startswith(magic)


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"a\.gif: .*\.svg, \.png or \.pdf"):
        save_figure(definition(), tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_a_very_long_machine_stays_within_what_png_can_hold():
    names = [f"S{index}" for index in range(400)]
    states = {name: {"Type": "Pass", "Next": after} for name, after in pairwise(names)} | {
        names[-1]: {"Type": "Succeed"}
    }
    figure = plot(layout(definition({"StartAt": "S0", "States": states})))
    assert max(figure.get_size_inches()) * 2 * 96 < 65_536


def test_peoples_settings_do_not_change_the_picture():
    geometry = layout(definition())
    with mpl.rc_context({"font.size": 40, "font.family": "serif", "axes.facecolor": "black"}):
        changed = plot(geometry)
    plain = plot(geometry)
    assert changed.axes[0].texts[0].get_fontsize() == plain.axes[0].texts[0].get_fontsize()
    assert changed.get_facecolor() == plain.get_facecolor()
