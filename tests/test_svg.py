"""The SVG: well formed, escaped, complete, themable, and with marks that a live view can use."""

import json
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnbook import parse
from sfnbook.drawing.layout import layout
from sfnbook.drawing.statuses import Marks, Way
from sfnbook.drawing.svg import STATUSES, TYPES, fresh_strokes, to_svg
from sfnbook.errors import UsageError

SAMPLES = sorted((Path(__file__).resolve().parents[1] / "../shared/samples").resolve().glob("*.asl.json"))
NS = "{http://www.w3.org/2000/svg}"
EVIL = "<img src=x onerror=alert(1)>"

EVERY_TYPE = {
    "StartAt": "Task",
    "States": {
        "Task": {
            "Type": "Task",
            "Resource": "r",
            "Next": "Choice",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Fail"}],
        },
        "Choice": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericLessThan": 5, "Next": "Wait"}],
            "Default": "Parallel",
        },
        "Wait": {"Type": "Wait", "Seconds": 5, "Next": "Choice"},
        "Parallel": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}} for name in ("L", "R")
            ],
            "Next": "Map",
        },
        "Map": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
            "Next": "Succeed",
        },
        "Succeed": {"Type": "Succeed"},
        "Fail": {"Type": "Fail"},
    },
}


def picture(source=EVERY_TYPE):
    return layout(parse.definition(source))


def one_state(name):
    return {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}


def nodes(svg):
    return {
        group.get("data-pointer"): group
        for group in ET.fromstring(svg).iter(f"{NS}g")
        if group.get("data-pointer") is not None
    }


def test_each_state_is_a_button_that_says_what_it_is():
    geometry = picture()
    found = nodes(to_svg(geometry, status={"/States/Task": "retrying"}))
    assert set(found) == set(geometry.nodes)
    task = found["/States/Task"]
    assert (task.get("role"), task.get("tabindex")) == ("button", "0")
    assert task.get("aria-label") == "Task, Task, retrying"
    assert found["/States/Wait"].get("aria-label") == "Wait, Wait"
    assert all(group.get("data-lm-suppress-shortcuts") == "true" for group in found.values())


def test_each_type_has_an_icon_of_its_own():
    icons = {}
    for group in nodes(to_svg(picture())).values():
        icons.setdefault(group.get("data-type"), set()).add(group.find(f"{NS}path").get("d"))
    assert set(icons) == set(TYPES)
    assert all(len(found) == 1 for found in icons.values())
    assert len(set.union(*icons.values())) == len(TYPES)


def test_each_status_differs_in_fill_icon_and_border():
    assert len({status.color for status in STATUSES.values()}) == len(STATUSES)
    assert len({status.icon for status in STATUSES.values()}) == len(STATUSES)
    assert len({(status.border, status.dash) for status in STATUSES.values()}) == len(STATUSES)


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_is_drawn(name):
    svg = to_svg(picture(), status={"/States/Task": name})
    group = nodes(svg)["/States/Task"]
    assert group.get("data-status") == name
    face = group.find(f"{NS}rect")
    status = STATUSES[name]
    assert face.get("stroke") == status.color
    assert face.get("stroke-dasharray") == (status.dash or None)
    badge = group.find(f"{NS}g")
    assert badge.get("display") == (None if status.icon else "none")
    assert badge.find(f"{NS}path").get("d") == status.icon
    assert (f'[data-status="{name}"]' in svg.partition("</style>")[0]) == (name != "none")


def test_an_unknown_status_is_refused_and_an_unknown_state_ignored():
    with pytest.raises(UsageError, match=r"'done' .* there are none, current"):
        to_svg(picture(), status={"/States/Task": "done"})
    assert to_svg(picture(), status={"/States/Gone": "failed"}) == to_svg(picture())


def test_what_people_wrote_is_text():
    source = {
        "StartAt": EVIL,
        "States": {
            EVIL: {
                "Type": "Task",
                "Resource": EVIL,
                "Next": "]]>&amp;\"'",
                "Catch": [{"ErrorEquals": [EVIL], "Next": "]]>&amp;\"'"}],
            },
            "]]>&amp;\"'": {"Type": "Succeed"},
        },
    }
    svg = to_svg(picture(source), title=EVIL)
    assert "<img" not in svg
    tree = ET.fromstring(svg)
    assert {element.tag.removeprefix(NS) for element in tree.iter()} <= {
        *("svg", "title", "style", "rect", "g", "path", "text", "circle")
    }
    assert tree.find(f"{NS}title").text == EVIL
    assert nodes(svg)[f"/States/{EVIL}"].find(f"{NS}title").text == EVIL


@settings(deadline=None, max_examples=80)
@given(st.text(st.characters(codec=None), min_size=1, max_size=90))
def test_any_name_gives_well_formed_svg(name):
    svg = to_svg(picture(one_state(name)))
    assert len(nodes(svg)) == 1
    svg.encode("utf-8")


def test_a_cut_name_is_whole_in_the_title():
    name = "a very long name " * 12
    svg = to_svg(picture(one_state(name)))
    (group,) = nodes(svg).values()
    assert group.find(f"{NS}title").text == name
    assert "…" in "".join(text.text or "" for text in group.iter(f"{NS}text"))


def test_two_pictures_on_a_page_do_not_meet():
    first, second = to_svg(picture()), to_svg(picture(one_state("B")))
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (first, second)]
    assert all(ids)
    assert not ids[0] & ids[1]
    for svg in (first, second):
        identity = ET.fromstring(svg).get("id")
        style = re.sub(r"@media[^{]*\{|\}", "}", svg.partition("<style>")[2].partition("</style>")[0])
        selectors = [rule.partition("{")[0].strip() for rule in style.split("}") if "{" in rule]
        assert selectors
        assert all(
            part.strip().startswith(f"#{identity}") for selector in selectors for part in selector.split(",")
        )


def test_it_stands_alone_and_follows_the_theme():
    svg = to_svg(picture())
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme:dark" in svg
    assert "var(--jp-layout-color1," in svg
    assert to_svg(picture()) == svg


def test_no_stroke_is_drawn_twice():
    edges = picture(
        {
            "StartAt": "A",
            "States": {
                **{
                    name: {
                        "Type": "Task",
                        "Resource": "r",
                        "Next": after,
                        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "F"}],
                    }
                    for name, after in ("AB", "BC", "CD")
                },
                "D": {"Type": "Succeed"},
                "F": {"Type": "Fail"},
            },
        }
    ).edges
    strokes = [
        (edge.kind, before[1][-2:], stroke)
        for edge, drawn in fresh_strokes(edges)
        for before, stroke in pairwise(drawn)
        if stroke[0] != "M"
    ]
    assert len(strokes) == len(set(strokes))
    assert len(strokes) < sum(len(edge.path) - 1 for edge in edges)


@pytest.mark.skipif(not SAMPLES, reason="the shared samples are not here")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_real_machines_are_drawn_whole(path):
    geometry = picture(json.loads(path.read_text()))
    svg = to_svg(geometry)
    assert set(nodes(svg)) == set(geometry.nodes)
    drawn = [group for group in ET.fromstring(svg).iter(f"{NS}g") if group.get("data-source")]
    assert len(drawn) == len(geometry.edges)


def test_what_happened_is_drawn():
    geometry = picture()
    edge = next(edge for edge in geometry.edges if edge.kind == "catch")
    marks = Marks(
        {"/States/Task": "caught"},
        {"/States/Map": f"1 of 2 {EVIL}"},
        frozenset({Way(edge.source, edge.target, True)}),
    )
    svg = to_svg(geometry, marks=marks)
    found = nodes(svg)
    assert found["/States/Task"].get("data-status") == "caught"
    assert found["/States/Map"].get("data-note") == f"1 of 2 {EVIL}"
    assert EVIL not in svg
    taken = [group.get("class") for group in ET.fromstring(svg).iter(f"{NS}g") if group.get("data-taken")]
    assert taken == ["sfn-way sfn-catch"]
