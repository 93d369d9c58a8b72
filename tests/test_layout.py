"""The layout: laws that every picture keeps, on machines of all shapes and on real ones."""

import json
import random
import statistics
import time
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfnbook import parse
from sfnbook.drawing import textwidth
from sfnbook.drawing.graph import condition
from sfnbook.drawing.layering import Link, Size, crossings, net
from sfnbook.drawing.layout import NAME_SIZE, TEXT_AT, layout, service

SAMPLES = sorted((Path(__file__).resolve().parents[1] / "../shared/samples").resolve().glob("*.asl.json"))
NAMES = [
    "Check",
    "Charge the customer's card",
    "注文を受け付けて在庫を確認する",
    "결제 승인",
    "SendPaymentFailedEventToTheNotificationBus",
]


@st.composite
def blocks(draw, depth=2, most=7):
    """A block whose states lead anywhere: loops, self loops, unreachable states included."""
    names = [f"{draw(st.sampled_from(NAMES))} {index}" for index in range(draw(st.integers(1, most)))]
    kinds = ["Task", "Pass", "Choice", "Wait", "Succeed", "Fail"] + (["Parallel", "Map"] if depth else [])
    anywhere = st.sampled_from(names)
    states = {}
    for name in names:
        kind = draw(st.sampled_from(kinds))
        state = states[name] = {"Type": kind}
        if kind == "Choice":
            rules = draw(st.lists(anywhere, min_size=1, max_size=4))
            state["Choices"] = [
                {"Variable": "$.order.count", "NumericEquals": index, "Next": target}
                for index, target in enumerate(rules)
            ]
            state["Default"] = draw(anywhere)
        elif kind not in {"Succeed", "Fail"}:
            state |= {"End": True} if draw(st.booleans()) else {"Next": draw(anywhere)}
        if kind in {"Task", "Parallel", "Map"}:
            caught = draw(st.lists(anywhere, max_size=2))
            state["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": target} for target in caught]
        if kind == "Task":
            state["Resource"] = "arn:aws:states:::lambda:invoke"
        if kind == "Parallel":
            state["Branches"] = draw(st.lists(blocks(depth - 1, 3), min_size=1, max_size=3))
        if kind == "Map":
            state["ItemProcessor"] = draw(blocks(depth - 1, 4))
    return {"StartAt": names[0], "States": states}


def random_machine(count, seed, depth=0, prefix=""):
    """About ``count`` states in a chain with loops, choices, catches and blocks within blocks."""
    chance = random.Random(f"{seed}{prefix}")
    names = [f"{prefix}{index} {chance.choice(NAMES[:2])}" for index in range(count)]
    states = {}
    for index, name in enumerate(names):
        onward = {"Next": names[index + 1]} if index + 1 < count else {"End": True}
        kind = chance.choices(["Task", "Choice", "Parallel", "Map"], [12, 3, 1 - depth / 2, 1 - depth / 2])[0]
        state = states[name] = {"Type": kind, **onward}
        if kind == "Choice":
            states[name] = {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": chance.choice(names)}],
                "Default": names[min(index + 1, count - 1)],
            }
        elif kind == "Parallel":
            state["Branches"] = [random_machine(3, seed, depth + 1, f"{name}{side}") for side in "ab"]
        elif kind == "Map":
            state["ItemProcessor"] = random_machine(4, seed, depth + 1, f"{name}m")
        else:
            state["Resource"] = "arn:aws:states:::lambda:invoke"
            if chance.random() < 0.3:
                state["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": names[-1]}]
    return {"StartAt": names[0], "States": states}


def boxes(picture):
    return {**picture.nodes, **picture.marks}


def around(pointer):
    """The pointers of the states that enclose a state or a mark."""
    steps = pointer.split("/")
    return {"/".join(steps[:end]) for end in range(3, len(steps))}


def apart(a, b):
    """Do two rectangles share no area?  Numbers are rounded to a tenth of a pixel."""
    slack = 0.11
    return (
        a.x + a.w <= b.x + slack
        or b.x + b.w <= a.x + slack
        or a.y + a.h <= b.y + slack
        or b.y + b.h <= a.y + slack
    )


def inside(inner, outer):
    return (
        inner.x >= outer.x
        and inner.y >= outer.y
        and inner.x + inner.w <= outer.x + outer.w + 0.11
        and inner.y + inner.h <= outer.y + outer.h + 0.11
    )


def points(path, steps=10):
    """Points along a path, curves included."""
    (x, y) = path[0][1]
    found = [(x, y)]
    for name, numbers in path[1:]:
        ends = [(x, y), *zip(numbers[::2], numbers[1::2], strict=True)]
        for step in range(1, steps + 1):
            t = step / steps
            row = ends
            while len(row) > 1:
                row = [(a + (c - a) * t, b + (d - b) * t) for (a, b), (c, d) in pairwise(row)]
            found.append(row[0])
        assert name in "LC"
        x, y = ends[-1]
    return found


def holds(rect, point):
    x, y = point
    return rect.x + 0.11 < x < rect.x + rect.w - 0.11 and rect.y + 0.11 < y < rect.y + rect.h - 0.11


def check(definition):
    picture = layout(definition)
    _check_boxes(picture)
    _check_edges(picture)
    _check_labels(picture)
    return picture


def _check_boxes(picture):
    everything = boxes(picture)
    for (a, box), (b, other) in combinations(everything.items(), 2):
        if a in around(b):
            assert inside(other, box), f"{b} leaves {a}"
        elif b not in around(a):
            assert apart(box, other), f"{a} overlaps {b}"
    for pointer, lane in picture.lanes.items():
        for key, box in everything.items():
            assert inside(box, lane) == key.startswith(f"{pointer}/"), f"{key} and the lane {pointer}"
    for box in everything.values():
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.w <= picture.width
        assert box.y + box.h <= picture.height


def _check_edges(picture):
    everything = boxes(picture)
    for edge in picture.edges:
        source, target = everything[edge.source], everything[edge.target]
        if not edge.back:
            assert source.y + source.h < target.y, f"{edge.source} -> {edge.target} does not go down"
        (start_x, start_y), (end_x, end_y) = edge.path[0][1], edge.path[-1][1]
        assert start_y == pytest.approx(source.y + source.h, abs=0.11)
        assert source.x < start_x < source.x + source.w
        assert end_y == pytest.approx(target.y, abs=0.11)
        assert target.x < end_x < target.x + target.w
        enclosing = around(edge.source)
        track = points(edge.path)
        for key, box in everything.items():
            if key not in enclosing:
                assert not any(holds(box, point) for point in track), (
                    f"{edge.source} -> {edge.target} on {key}"
                )
        assert all(0 <= x <= picture.width and 0 <= y <= picture.height for x, y in track)


def _check_labels(picture):
    labelled = [edge for edge in picture.edges if edge.label]
    assert all(edge.label_box and edge.lines for edge in labelled)
    for a, b in combinations(labelled, 2):
        assert apart(a.label_box, b.label_box), f"{a.label} overlaps {b.label}"
    for edge in labelled:
        for key, box in boxes(picture).items():
            if key in around(edge.source):
                assert inside(edge.label_box, box)
            else:
                assert apart(edge.label_box, box), f"{edge.label} overlaps {key}"
        for other in picture.edges:
            if other is not edge:
                assert not any(holds(edge.label_box, point) for point in points(other.path)), (
                    f"{other.source} -> {other.target} runs over {edge.label}"
                )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(blocks())
def test_every_picture_keeps_the_laws(source):
    definition = parse.definition(source)
    picture = check(definition)
    assert set(picture.nodes) == {state.pointer for state in definition.walk()}
    assert layout(parse.definition(json.loads(json.dumps(source)))) == picture


@pytest.mark.skipif(not SAMPLES, reason="the shared samples are not here")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name.partition(".")[0])
def test_real_machines_keep_the_laws(path):
    check(parse.definition(json.loads(path.read_text())))


@pytest.mark.parametrize(("count", "seed"), [(19, 1), (60, 2)])
def test_large_machines_keep_the_laws(count, seed):
    check(parse.definition(random_machine(count, seed)))


def test_a_long_chain_needs_no_recursion():
    names = [f"S{index}" for index in range(1500)]
    states = {name: {"Type": "Pass", "Next": after} for name, after in pairwise(names)} | {
        names[-1]: {"Type": "Succeed"}
    }
    picture = layout(parse.definition({"StartAt": "S0", "States": states}))
    assert len({box.x + box.w / 2 for box in picture.nodes.values()}) == 1


def middle(box):
    return box.x + box.w / 2


def test_the_main_path_is_straight():
    task = {"Type": "Task", "Resource": "r", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]}
    picture = layout(
        parse.definition(
            {
                "StartAt": "A",
                "States": {
                    "A": {**task, "Next": "B"},
                    "B": {
                        "Type": "Choice",
                        "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "Failed"}],
                        "Default": "C",
                    },
                    "C": {**task, "Next": "D"},
                    "D": {**task, "End": True},
                    "Failed": {"Type": "Fail"},
                },
            }
        )
    )
    straight = [picture.nodes[f"/States/{name}"] for name in "ABCD"] + list(picture.marks.values())
    assert [middle(box) for box in straight] == pytest.approx([middle(straight[0])] * 6, abs=0.11)


def test_a_loop_leaves_at_the_bottom_and_arrives_at_the_top():
    rule = {"Variable": "$.n", "NumericLessThan": 5, "Next": "A"}
    source = {
        "StartAt": "A",
        "States": {"A": {"Type": "Choice", "Choices": [rule], "Default": "B"}, "B": {"Type": "Succeed"}},
    }
    picture = layout(parse.definition(source))
    loop = next(edge for edge in picture.edges if edge.source == edge.target)
    assert loop.back
    assert loop.lines == ("$.n < 5",)
    box = picture.nodes["/States/A"]
    beside = [x for x, y in points(loop.path) if box.y < y < box.y + box.h]
    assert beside
    assert all(x < box.x or x > box.x + box.w for x in beside)


def test_edges_to_one_state_run_together():
    names = "ABCD"
    states = {
        name: {
            "Type": "Task",
            "Resource": "r",
            "Next": after,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "F"}],
        }
        for name, after in zip(names, "BCDG", strict=True)
    }
    states |= {"F": {"Type": "Fail"}, "G": {"Type": "Succeed"}}
    picture = layout(parse.definition({"StartAt": "A", "States": states}))
    ends = {edge.path[-1] for edge in picture.edges if edge.kind == "catch"}
    assert len(ends) == 1


def test_a_long_name_ends_in_an_ellipsis_and_fits():
    name = "word " * 40
    picture = layout(parse.definition({"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}))
    (box,) = picture.nodes.values()
    assert len(box.lines) == 3
    assert box.lines[-1].endswith("…")
    assert all(TEXT_AT + textwidth.width(line, NAME_SIZE) <= box.w for line in box.lines)


def test_two_edges_that_need_not_cross_do_not():
    assert crossings(net([Size(1, 1)] * 4, [Link(0, 3), Link(1, 2)])) == 0


@pytest.mark.parametrize(
    ("resource", "short"),
    [
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "sqs:sendMessage.waitForTaskToken"),
        ("arn:aws:states:::aws-sdk:ec2:stopInstances", "ec2:stopInstances"),
        ("arn:aws:lambda:us-east-1:123456789012:function:Charge", "lambda:Charge"),
        ("arn:aws:states:us-east-1:123456789012:activity:Approve", "activity:Approve"),
        ("${FunctionArn}", "${FunctionArn}"),
        ("arn:aws:x", "arn:aws:x"),
    ],
)
def test_what_a_task_calls_is_shortened(resource, short):
    assert service(resource) == short


def compared(variable):
    return {"Variable": variable, "StringEquals": "x"}


def present(variable):
    return {"Variable": variable, "IsPresent": True}


@pytest.mark.parametrize(
    ("rules", "drawn"),
    [
        pytest.param([present("$.a"), compared("$.a.b")], '$.a.b == "x"', id="guard"),
        pytest.param([present("$.a"), compared("$.ab")], '$.a is present and $.ab == "x"', id="no-guard"),
        pytest.param(
            [{"Not": present("$.a")}, compared("$.a")], 'not $.a is present and $.a == "x"', id="negated"
        ),
        pytest.param(
            [present("$.order.customer.addresses[0].street")], "$…street is present", id="long-path"
        ),
    ],
)
def test_a_drawn_label_is_short_and_the_whole_is_kept(rules, drawn):
    choice = {"Type": "Choice", "Choices": [{"And": rules, "Next": "B"}]}
    source = {"StartAt": "A", "States": {"A": choice, "B": {"Type": "Succeed"}}}
    edge = next(edge for edge in layout(parse.definition(source)).edges if edge.kind == "choice")
    assert " ".join(edge.lines) == drawn
    assert edge.label == condition({"And": rules})


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        pytest.param("one two three", 60, ("one two", "three"), id="words"),
        pytest.param("在庫を確認する", 40, ("在庫を確", "認する"), id="ideographs"),
        pytest.param("결제 승인 요청", 40, ("결제", "승인", "요청"), id="korean-by-word"),
        pytest.param("SendPaymentFailedEvent", 80, ("SendPayment", "FailedEvent"), id="humps"),
        pytest.param("a\nb", 60, ("a", "b"), id="given-lines"),
        pytest.param("", 60, ("",), id="empty"),
        pytest.param("aaaa bbbb cccc dddd", 30, ("aaaa", "bbbb", "ccc…"), id="too-much"),
    ],
)
def test_text_is_wrapped(text, room, lines):
    assert textwidth.wrap(text, room, 10) == lines


@given(st.text(max_size=60), st.integers(30, 200))
def test_wrapped_text_fits_and_loses_nothing_unsaid(text, room):
    lines = textwidth.wrap(text, room, 10)
    assert 1 <= len(lines) <= 3
    assert all(textwidth.width(line, 10) <= room for line in lines)
    if not lines[-1].endswith("…"):
        assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.benchmark
def test_layout_of_200_states(capsys):
    definition = parse.definition(random_machine(100, 1))
    times = []
    for _ in range(9):
        begun = time.perf_counter()
        layout(definition)
        times.append(time.perf_counter() - begun)
    with capsys.disabled():
        count = sum(1 for _ in definition.walk())
        print(f"\nlayout of {count} states: {statistics.median(times) * 1000:.1f} ms (bar: 100 ms for 200)")  # noqa: T201 - the figure is the point
