"""The Gantt chart: a bar for each attempt, wherever it runs, and few enough of them to be drawn."""

import xml.etree.ElementTree as ET

import pytest

import sfnbook
from sfnbook.drawing.gantt import MOST_BARS, MOST_ITERATIONS, Bar, Chart, Gantt, Row
from sfnbook.drawing.gantt_drawing import chart_svg, plot_chart, ticks
from tests.debugging import (
    CALLBACK,
    CAUGHT,
    MACHINES,
    PARALLEL,
    block,
    debug,
    debug_map,
    task,
)

ATTACK = "<img src=x onerror=alert(1)>"


def shown(debugger):
    chart = debugger.gantt()
    return [(chart.rows[bar.row].label, bar.kind, bar.status, bar.start, bar.end) for bar in chart.bars]


def test_attempts_and_back_offs_of_a_retry():
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 2}]
    answer = sfnbook.tasks.attempts(
        sfnbook.tasks.failure("Busy", seconds=1),
        sfnbook.tasks.failure("Busy", seconds=2),
        sfnbook.tasks.result(1, seconds=3),
    )
    debugger = debug(block(Call=task(Retry=retry, End=True)), tasks={"Call": answer})
    debugger.run()
    assert shown(debugger) == [
        ("Call", "work", "failed", 0, 1),
        ("Call", "backoff", "retrying", 1, 11),
        ("Call", "work", "failed", 11, 13),
        ("Call", "backoff", "retrying", 13, 33),
        ("Call", "work", "succeeded", 33, 36),
    ]
    assert [bar.label for bar in debugger.gantt().bars][1] == "back-off before Call, attempt 2: retrying"


def test_branches_have_rows_below_their_parallel():
    debugger = debug(CAUGHT)
    debugger.run()
    assert debugger.gantt().rows == (Row("Both", 0), Row("Slow", 1), Row("Bad", 1), Row("Mend", 0))
    assert [status for _, _, status, *_ in shown(debugger)] == ["caught", "cancelled", "failed", "succeeded"]


def test_an_iteration_is_one_row():
    debugger = debug_map([1, 2])
    debugger.run()
    rows = debugger.gantt().rows
    assert [row.label for row in rows] == ["First", "Orders", "Orders[0]", "Orders[1]", "Last"]
    first = [
        (kind, status, start, end)
        for label, kind, status, start, end in shown(debugger)
        if label == "Orders[0]"
    ]
    assert first == [
        ("work", "failed", 0, 0),
        ("backoff", "retrying", 0, 10),
        ("work", "succeeded", 10, 10),
        ("wait", "succeeded", 10, 15),
    ]


def test_a_nested_execution_has_rows_below_its_task():
    child = sfnbook.load(block(Inner={"Type": "Wait", "Seconds": 7, "End": True}), name="Child")
    start = task(
        Resource="arn:aws:states:::states:startExecution.sync:2",
        Parameters={"StateMachineArn": child.arn},
        End=True,
    )
    debugger = debug(block(Start=start), machines={"Child": child})
    debugger.run()
    assert debugger.gantt().rows == (Row("Start", 0), Row("Inner", 1))


def test_what_waits_outside_is_a_wait_that_is_still_open():
    debugger = debug(CALLBACK)
    debugger.run()
    assert [(kind, status) for _, kind, status, *_ in shown(debugger)] == [("wait", "waiting")]


def test_of_a_large_map_the_interesting_iterations_have_rows():
    class Rare:
        def __call__(self, event, context):
            if event == 700 and context.attempt == 1:
                raise ValueError

    debugger = debug_map(range(1000), Rare())
    debugger.run()
    chart = debugger.gantt()
    labels = [row.label for row in chart.rows]
    assert len(labels) == MOST_ITERATIONS + 3
    assert "Orders[700]" in labels
    assert "977 more" in labels
    assert [bar.kind for bar in chart.bars if labels[bar.row] == "977 more"] == ["group"]


def test_many_visits_in_a_row_are_few_bars():
    wait = {"Type": "Wait", "Seconds": 1, "Next": "More?"}
    rules = [{"Variable": "$", "IsNull": True, "Next": "Done"}]
    more = {"Type": "Choice", "Choices": rules, "Default": "Wait"}
    debugger = debug(block(Wait=wait, Done={"Type": "Succeed"}, **{"More?": more}), {})
    debugger.run(8000)
    chart = debugger.gantt()
    assert len(chart.rows) == 2
    assert len(chart.bars) <= 2 * MOST_BARS + 2
    assert {bar.kind for bar in chart.bars} == {"group"}


@pytest.mark.parametrize("name", MACHINES)
def test_a_chart_that_followed_step_by_step_is_a_new_one(name):
    debugger = MACHINES[name]()
    follower = Gantt()
    while debugger.step():
        changes = debugger.execution.changes
        assert follower.follow(changes).chart() == Gantt().follow(changes).chart()
    fewer = debugger.execution.changes[:7]
    assert follower.follow(fewer).chart() == Gantt().follow(fewer).chart()


def test_another_branch_is_another_chart():
    debugger = debug_map([1])
    debugger.run()
    long = debugger.gantt()
    debugger.goto(3)
    debugger.inject_error("Charge", "X", attempts="all")
    debugger.run()
    assert debugger.gantt() != long
    debugger.switch("main")
    assert debugger.gantt() == long


# --- drawing ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("end", "last", "most"),
    [(0.002, 0.002, 8), (1, 1, 8), (31.5, 30, 8), (3600, 3600, 8), (31_536_000, 318 * 86400, 8)],
)
def test_ticks_are_round_and_few(end, last, most):
    found = ticks(end)
    assert (found[0], found[-1]) == (0, last)
    assert len(found) <= most + 1


CHART = Chart(
    (Row(ATTACK, 0), Row("M[1]", 1)),
    (
        Bar(0, 0, 5, "work", "failed", f"{ATTACK}, attempt 1: failed", 1),
        Bar(0, 5, 25, "backoff", "retrying", "back-off", 4),
        Bar(1, 5, 5, "wait", "succeeded", "W, attempt 1", 7),
    ),
    25,
)


def test_the_svg_has_a_button_for_each_bar_and_hatches_what_waits():
    svg = chart_svg(CHART, cursor=5)
    root = ET.fromstring(svg)
    bars = [part for part in root.iter() if part.get("class") == "sfn-bar"]
    assert [(bar.get("data-number"), bar.get("role"), bar.get("tabindex")) for bar in bars] == [
        ("1", "button", "0"), ("4", "button", "-1"), ("7", "button", "-1"),
    ]  # fmt: skip
    assert [any("url(" in (part.get("fill") or "") for part in bar) for bar in bars] == [False, True, True]
    assert "<img" not in svg
    assert bars[0].get("aria-label") == f"{ATTACK}, attempt 1: failed, 0 s to 5 s"


def test_nothing_is_drawn_of_nothing():
    ET.fromstring(chart_svg(Chart((), (), 0)))
    plot_chart(Chart((), (), 0))


def test_the_figure_has_the_rows_and_the_cursor():
    debugger = debug(PARALLEL)
    debugger.run()
    axes = debugger.plot_timeline().axes[0]
    assert [label.get_text().strip() for label in axes.get_yticklabels()] == [
        "Both",
        "Left",
        "Left2",
        "Right",
        "After",
    ]
    assert axes.lines[0].get_xdata()[0] == 9


def test_mathematics_is_text_in_the_figure():
    debugger = debug(block(**{"$x_1$ costs $5": {"Type": "Pass", "End": True}}))
    debugger.run()
    debugger.plot_timeline().canvas.draw()
