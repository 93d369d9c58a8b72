"""The debugger's view without a browser: buttons are clicked, fields are set, traits are read."""

import asyncio
import gc
import json
import signal

import ipywidgets
import pytest

import sfnbook
from sfnbook.debugger import Debugger
from sfnbook.errors import UsageError
from sfnbook.widgets import DebuggerView, GraphView, cells
from sfnbook.widgets.controls import COMMANDS, FORWARD, KEYS
from sfnbook.widgets.debugger import descendants
from sfnbook.widgets.panels import PANELS
from sfnbook.widgets.running import Runner

ATTACK = "<img src=x onerror=alert(1)>"
LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:f"
TASK = {"Type": "Task", "Resource": LAMBDA}
RETRY = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10}]
ORDER = {
    "StartAt": "Prepare",
    "States": {
        "Prepare": {"Type": "Pass", "Result": {"n": 1}, "ResultPath": "$.extra", "Next": "Charge"},
        "Charge": {
            **TASK,
            "Retry": RETRY,
            "Catch": [{"ErrorEquals": ["Broken"], "Next": "Refund"}],
            "Next": "Done",
        },
        "Refund": {"Type": "Pass", "End": True},
        "Done": {"Type": "Succeed"},
    },
}
PREPARE, CHARGE, REFUND, DONE = (f"/States/{name}" for name in ORDER["States"])
LOOP = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.enough", "IsPresent": True, "Next": "C"}],
            "Default": "A",
        },
        "C": {"Type": "Succeed"},
    },
}


@pytest.fixture
def show():
    """A view of a debugger of a definition; closed afterwards."""
    views = []

    def made(definition=ORDER, given=None, *, panels=None, plain=False, **more):
        debugger = Debugger(sfnbook.load(definition), given, **more)
        views.append(DebuggerView(debugger, panels=panels, plain=plain))
        return views[-1]

    yield made
    for view in views:
        view.close()


def click(view, *names):
    for name in names:
        view.toolbar.buttons[name].click()


def opened(view, name):
    return view.show_panel(name)


def graph(view):
    return view.panels["graph"].graph


def data(view):
    return view.panels["data"].text.html


def key(view, name):
    view.frame._hear(view.frame, {"key": name}, [])


def enabled(view):
    return {
        name
        for name, button in view.toolbar.buttons.items()
        if not button.disabled and button.layout.display != "none"
    }


# --- the graph ---------------------------------------------------------------------------------------
def test_a_graph_of_a_machine_has_its_picture_and_no_status():
    view = GraphView(sfnbook.load(ORDER))
    assert 'data-pointer="/States/Charge"' in view.geometry
    assert (view.status, view.selected) == ({}, "")
    assert set(view.looks) >= {"none", "current", "succeeded", "failed"}


def test_a_graph_of_a_debugger_shows_how_it_stands():
    debugger = Debugger(sfnbook.load(ORDER), {}, tasks={"Charge": {}})
    debugger.run()
    assert GraphView(debugger).status == {PREPARE: "succeeded", CHARGE: "succeeded", DONE: "succeeded"}


def test_a_status_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="'happy'"):
        GraphView(sfnbook.load(ORDER)).show_status({CHARGE: "happy"})


def test_messages_from_the_browser_reach_the_listeners_and_nonsense_does_not():
    view, heard = GraphView(sfnbook.load(ORDER)), []
    view.on_select(heard.append)
    view.on_breakpoint(lambda pointer: heard.append(f"break {pointer}"))
    for message in (
        {"type": "select", "pointer": CHARGE}, {"type": "breakpoint", "pointer": CHARGE},
        {"type": "select"}, {"type": "select", "pointer": 1}, {"type": "other", "key": "x"}, {}, "x", None,
    ):  # fmt: skip
        view._hear(view, message, [])
    assert heard == [CHARGE, f"break {CHARGE}"]


def test_a_state_s_name_is_text_in_the_picture():
    machine = sfnbook.load(
        {"StartAt": ATTACK, "States": {ATTACK: {"Type": "Pass", "End": True}}}, name=ATTACK
    )
    view = GraphView(machine)
    assert "<img" not in view.geometry
    assert "<img" not in view.svg()


def test_a_saved_notebook_has_a_picture(show):
    view = show(tasks={"Charge": {}})
    click(view, "run")
    for shown in (view, graph(view)):
        bundle = shown._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        assert 'data-status="succeeded"' in data["image/svg+xml"]
        assert "application/vnd.jupyter.widget-view+json" in data
        assert ("pip install ipywidgets anywidget" in data["image/svg+xml"]) == (shown is view)


# --- the buttons -------------------------------------------------------------------------------------
def test_it_begins_before_the_first_transition(show):
    view = show()
    assert enabled(view) == FORWARD
    assert "Nothing has happened yet" in view.now.value
    assert graph(view).status == view.debugger.statuses()


def test_step_makes_one_transition_and_back_takes_it_back(show):
    view = show()
    before = graph(view).status, view.now.value
    click(view, "step", "step")
    assert view.debugger.position == 2
    assert "Prepare was entered" in view.now.value
    assert graph(view).selected == PREPARE
    click(view, "back", "back")
    assert (graph(view).status, view.now.value) == before


def test_next_state_leaves_the_state(show):
    view = show(tasks={"Charge": {}})
    click(view, "next")
    assert graph(view).status[PREPARE] == "succeeded"
    assert "StateExited" in view.now.value


def test_run_goes_to_the_end_and_shows_the_output(show):
    view = show(tasks={"Charge": {"paid": True}})
    click(view, "run")
    assert graph(view).status == {PREPARE: "succeeded", CHARGE: "succeeded", DONE: "succeeded"}
    assert "&quot;paid&quot;: " in view.outcome.value
    assert "SUCCEEDED" in view.toolbar.clock.value
    assert enabled(view) == {"back", "run_back", "restart"}


def test_restart_goes_to_the_beginning_and_calls_nobody_again(show):
    calls = []
    view = show(tasks={"Charge": lambda event: calls.append(event)})  # noqa: PLW0108
    click(view, "run", "restart")
    assert view.debugger.position == 0
    click(view, "run")
    assert len(calls) == 1


def test_run_stops_at_a_breakpoint_and_says_so(show):
    view = show(tasks={"Charge": {}})
    view.debugger.breakpoints.add("Done")
    click(view, "run")
    assert view.debugger.transition.path == "Done"
    assert "Stopped by the breakpoint" in view.now.value
    click(view, "run")
    assert view.debugger.status == "SUCCEEDED"


def test_every_key_is_a_command(show):
    view = show(tasks={"Charge": {}})
    assert set(KEYS.values()) == set(COMMANDS)
    for one in ("F10", "F11", "Shift+F10", "F5"):
        key(view, one)
    assert view.debugger.status == "SUCCEEDED"
    key(view, "F1")
    assert view.problem.value == ""


def test_what_is_done_in_code_is_shown(show):
    view = show(tasks={"Charge": {}})
    view.debugger.step_over()
    assert graph(view).status == view.debugger.statuses() != {}
    view.debugger.back()
    assert graph(view).status == view.debugger.statuses()


def test_two_views_of_one_debugger_agree(show):
    view = show(tasks={"Charge": {}})
    other = DebuggerView(view.debugger)
    click(view, "run")
    assert other.outcome.value == view.outcome.value != ""
    other.close()
    click(view, "back")
    assert view.debugger.status == "RUNNING"


def test_the_clock_shows_virtual_time(show):
    states = {"W": {"Type": "Wait", "Seconds": 5400, "End": True}}
    view = show({"StartAt": "W", "States": states})
    click(view, "run")
    assert "1 h 30 min" in view.toolbar.clock.value
    assert "2025-01-01 01:30:00 UTC" in view.toolbar.clock.value


# --- looking -----------------------------------------------------------------------------------------
def test_a_picked_state_is_shown_until_the_next_step(show):
    view = show(tasks={"Charge": {}})
    click(view, "run")
    graph(view)._hear(graph(view), {"type": "select", "pointer": PREPARE}, [])
    assert graph(view).selected == PREPARE
    assert "<b>Prepare</b>" in data(view)
    assert "After ResultPath" in data(view)
    click(view, "back")
    assert graph(view).selected != PREPARE


def test_a_state_that_was_not_entered_shows_its_definition(show):
    view = show()
    view.select(REFUND)
    assert "not entered" in data(view)
    assert "Definition" in data(view)
    assert "&quot;Type&quot;: " in data(view)


def test_a_state_that_does_not_exist_is_not_picked(show):
    view = show()
    view.select("/States/Nobody")
    assert (graph(view).selected, view.problem.value) == ("", "")


def test_the_data_flow_marks_what_a_state_added(show):
    view = show(given={"id": 7})
    click(view, "next")
    assert 'class="sfn-line sfn-new"' in data(view)
    assert "After ResultPath" in data(view)


def test_the_reasons_of_a_retry_are_shown(show):
    def busy(event):
        raise sfnbook.TaskFailure("Busy", "too many")

    view = show(tasks={"Charge": busy})
    click(view, "next")
    while view.debugger.transition.kind != "RetryScheduled":
        click(view, "step")
    assert "attempt 2 starts in 10 s" in view.now.value
    assert "sfn-rows" in view.now.value
    assert graph(view).status[CHARGE] == "retrying"


def test_a_map_counts_its_iterations(show):
    inner = {"StartAt": "Each", "States": {"Each": {"Type": "Pass", "End": True}}}
    view = show(
        {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}}}, [1, 2, 3]
    )
    click(view, "run")
    view.select("/States/M")
    assert "3 succeeded" in data(view)


@pytest.mark.parametrize("panels", [(), ("data",), ("graph", "events", "edit"), tuple(PANELS)])
def test_panels_can_be_chosen(show, panels):
    view = show(panels=panels, tasks={"Charge": {}})
    shown = {name for name, panel in view.panels.items() if panel.widget in descendants(view)}
    assert shown == {"ask", "before", "notes", *panels}
    click(view, "run")
    assert view.debugger.status == "SUCCEEDED"


def test_a_panel_is_opened_and_closed_with_its_switch(show):
    view = show(panels=())
    assert view.body.children == ()
    view.switches["data"].value = True
    assert view.opened == ("data",)
    assert "The execution" in data(view)
    click(view, "next")
    view.switches["data"].value = False
    text = data(view)
    click(view, "step")
    assert (view.body.children, data(view)) == ((), text)


def test_a_panel_that_does_not_exist_is_refused(show):
    with pytest.raises(UsageError, match="Did you mean 'data'"):
        show(panels=("date",))


def test_a_panel_is_shown_as_things_stand_when_it_is_opened(show):
    view = show(given={"id": 7}, tasks={"Charge": {}})
    click(view, "next")
    assert "events" not in view.panels
    events = opened(view, "events")
    assert events.text.html.count("<tr") == view.debugger.length + 1
    edit = opened(view, "edit")
    assert json.loads(edit.field.value)["id"] == 7
    click(view, "back", "back", "back")
    opened(view, "data")
    assert "The execution" in data(view)


# --- editing -----------------------------------------------------------------------------------------
def test_the_next_input_is_edited(show):
    view = show(given={"id": 7}, tasks={"Charge": lambda event: event})
    edit = opened(view, "edit")
    click(view, "next")
    assert json.loads(edit.field.value) == {"id": 7, "extra": {"n": 1}}
    edit.field.value = '{"id": 8.0}'
    edit.form.button.click()
    assert edit.form.message.value == ""
    click(view, "run")
    assert json.dumps(view.debugger.output) == '{"id": 8.0}'


def test_bad_json_is_told_beside_the_field_and_nothing_else_happens(show):
    view = show(given={"id": 7})
    edit = opened(view, "edit")
    click(view, "next")
    position, length = view.debugger.position, view.debugger.length
    edit.field.value = '{"id": }'
    edit.form.button.click()
    assert "Line 1, column 8: Expecting value" in edit.form.message.value
    assert edit.field.value == '{"id": }'
    assert (view.debugger.position, view.debugger.length) == (position, length)
    edit.field.value = "{}"
    edit.form.button.click()
    assert edit.form.message.value == ""


def test_nothing_can_be_edited_at_the_end(show):
    view = show(tasks={"Charge": {}})
    edit = opened(view, "edit")
    click(view, "run")
    assert edit.field.disabled
    assert edit.form.button.disabled


def test_an_edit_in_the_past_makes_a_branch_that_can_be_left_again(show):
    view = show(given={"id": 7}, tasks={"Charge": lambda event: event})
    edit = opened(view, "edit")
    click(view, "run")
    assert view.toolbar.branches.layout.display == "none"
    click(view, "restart", "next")
    edit.field.value = '{"id": 8}'
    edit.form.button.click()
    click(view, "run")
    assert view.debugger.output == {"id": 8}
    assert view.toolbar.branches.layout.display is None
    assert [name for _, name in view.toolbar.branches.options] == ["main", "branch 1"]
    view.toolbar.branches.value = "main"
    assert view.debugger.branches.current.name == "main"
    assert view.toolbar.branches.value == "main"


def test_an_error_is_injected(show):
    view = show(tasks={"Charge": {}})
    faults = opened(view, "faults")
    assert list(faults.state.options) == ["Charge"]
    faults.error.value, faults.cause.value = "Broken", "by hand"
    faults.form.button.click()
    click(view, "run")
    assert graph(view).status == {PREPARE: "succeeded", CHARGE: "caught", REFUND: "succeeded"}
    assert "by hand" in view.outcome.value


def test_after_an_edit_the_next_state_is_looked_at(show):
    view = show(tasks={"Charge": {}})
    faults = opened(view, "faults")
    click(view, "next")
    faults.form.button.click()
    assert "changed by you" in view.now.value
    assert graph(view).selected == CHARGE


@pytest.mark.parametrize(("field", "text"), [("attempts", "never"), ("error", " ")])
def test_a_bad_field_is_told_and_keeps_its_text(show, field, text):
    view = show(tasks={"Charge": {}})
    faults = opened(view, "faults")
    getattr(faults, field).value = text
    faults.form.button.click()
    assert 'role="alert"' in faults.form.message.value
    assert getattr(faults, field).value == text
    assert view.debugger.faults == ()


def test_a_state_that_cannot_fail_is_not_offered(show):
    view = show({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    faults = opened(view, "faults")
    assert faults.state.options == ()
    assert faults.form.button.disabled


# --- questions ---------------------------------------------------------------------------------------
def test_an_unanswered_task_asks_and_goes_on_when_it_is_answered(show):
    view = show()
    assert view.panels["ask"].widget.layout.display == "none"
    click(view, "run")
    assert view.panels["ask"].widget.layout.display is None
    assert "Charge asks" in view.panels["ask"].form.title.value
    assert view.problem.value == ""
    view.panels["ask"].field.value = "[1"
    view.panels["ask"].form.button.click()
    assert "Line 1, column 3" in view.panels["ask"].form.message.value
    assert view.debugger.blocked == "unanswered"
    view.panels["ask"].field.value = "[1]"
    view.panels["ask"].form.button.click()
    assert view.debugger.output == [1]
    assert view.panels["ask"].widget.layout.display == "none"


def test_a_question_can_be_answered_with_an_error(show):
    view = show()
    click(view, "run")
    view.panels["ask"].error.value = "Broken"
    view.panels["ask"].fail.click()
    assert graph(view).status[CHARGE] == "caught"


def test_after_next_state_an_answer_finishes_that_state_only(show):
    view = show()
    click(view, "next", "next")
    view.panels["ask"].form.button.click()
    assert view.debugger.transition.kind == "StateExited"
    assert view.debugger.status == "RUNNING"


CALLBACK = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"MessageBody.$": "$$.Task.Token", "QueueUrl": "q"},
            "TimeoutSeconds": 60,
            "End": True,
        }
    },
}


@pytest.mark.parametrize(
    ("act", "status"),
    [
        pytest.param(lambda question: question.form.button.click(), "SUCCEEDED", id="answer"),
        pytest.param(lambda question: question.fail.click(), "FAILED", id="fail"),
        pytest.param(lambda question: question.wait.click(), "FAILED", id="let time pass"),
    ],
)
def test_an_open_callback_asks(show, act, status):
    view = show(CALLBACK)
    click(view, "run")
    assert "Ask waits for an answer from outside" in view.panels["ask"].form.title.value
    assert "until 1 min" in view.panels["ask"].form.title.value
    act(view.panels["ask"])
    assert view.debugger.status == status


def test_several_open_callbacks_are_offered(show):
    branches = [{"StartAt": f"Ask{n}", "States": {f"Ask{n}": CALLBACK["States"]["Ask"]}} for n in (1, 2)]
    view = show(
        {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "Branches": branches, "End": True}}}
    )
    click(view, "run")
    assert [path for path, _ in view.panels["ask"].which.options] == ["Both[0].Ask1", "Both[1].Ask2"]
    view.panels["ask"].which.value = 1
    view.panels["ask"].field.value = '"second"'
    view.panels["ask"].form.button.click()
    view.panels["ask"].field.value = '"first"'
    view.panels["ask"].form.button.click()
    assert view.debugger.output == ["first", "second"]


def test_a_lambda_s_draft_of_an_answer_has_a_payload(show):
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload"}
    call = {**task, "Parameters": {"FunctionName": "f"}, "End": True}
    view = show({"StartAt": "Call", "States": {"Call": call}})
    click(view, "run")
    assert json.loads(view.panels["ask"].field.value) == {"Payload": {}}
    view.panels["ask"].form.button.click()
    assert view.debugger.output == {}


def test_a_failure_from_outside_has_a_cause(show):
    view = show(CALLBACK)
    click(view, "run")
    view.panels["ask"].error.value, view.panels["ask"].cause.value = "Rejected", "too dear"
    view.panels["ask"].fail.click()
    assert (view.debugger.error, view.debugger.cause) == ("Rejected", "too dear")


def with_heartbeat(seconds):
    return {"StartAt": "Ask", "States": {"Ask": CALLBACK["States"]["Ask"] | {"HeartbeatSeconds": seconds}}}


def test_time_passes_and_a_heartbeat_moves_the_deadline(show):
    view = show(with_heartbeat(20))
    click(view, "run")
    assert "until 20 s" in view.panels["ask"].form.title.value
    view.panels["ask"].field.value = '"typed before"'
    view.panels["ask"].seconds.value = "15"
    view.panels["ask"].wait.click()
    view.panels["ask"].beat.click()
    assert "until 35 s" in view.panels["ask"].form.title.value
    view.panels["ask"].form.button.click()
    assert (view.debugger.output, view.debugger.time) == ("typed before", 15)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e300"])
def test_a_time_that_cannot_pass_is_told_beside_its_field(show, text):
    view = show(CALLBACK)
    click(view, "run")
    view.panels["ask"].seconds.value = text
    view.panels["ask"].wait.click()
    assert "a number of seconds" in view.panels["ask"].form.message.value
    assert (view.debugger.blocked, view.debugger.time) == ("outside", 0)


def test_a_callback_without_a_deadline_ends_with_the_execution(show):
    ask = {name: value for name, value in CALLBACK["States"]["Ask"].items() if name != "TimeoutSeconds"}
    view = show({"StartAt": "Ask", "States": {"Ask": ask}})
    click(view, "run")
    assert "no deadline" in view.panels["ask"].form.title.value
    view.panels["ask"].wait.click()
    assert view.debugger.status == "TIMED_OUT"


# --- what goes wrong ---------------------------------------------------------------------------------
def test_a_function_that_raises_is_a_failure_with_its_traceback(show):
    def broken(event):
        return event["nothing"]

    view = show(tasks={"Charge": broken})
    click(view, "run")
    assert view.debugger.error == "KeyError"
    while view.debugger.transition.kind not in {"TaskStarted", "TaskFailed"}:
        click(view, "back")
    assert "KeyError" in view.now.value
    assert "Traceback (most recent call last)" in view.now.value


def test_any_other_exception_is_shown_and_the_view_goes_on(show, monkeypatch):
    view = show(tasks={"Charge": {}})
    for name, method in (("next", "step_over"), ("run", "run")):
        with monkeypatch.context() as patch:
            patch.setattr(view.debugger, method, lambda *_: 1 / 0)
            click(view, name)
        assert "ZeroDivisionError: division by zero" in view.problem.value
    click(view, "run")
    assert (view.problem.value, view.debugger.status) == ("", "SUCCEEDED")


def test_an_interrupt_of_the_kernel_ends_a_click(show):
    def forever(event):
        signal.raise_signal(signal.SIGINT)

    view = show(tasks={"Charge": forever})
    before = signal.getsignal(signal.SIGINT)
    click(view, "next", "next")
    assert "Interrupted" in view.problem.value
    assert signal.getsignal(signal.SIGINT) is before
    click(view, "back")
    assert view.problem.value == ""


def test_untrusted_text_is_escaped_in_every_html_widget(show):
    def fail(event):
        raise sfnbook.TaskFailure(ATTACK, ATTACK)

    states = {
        ATTACK: {
            **TASK,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": f"2{ATTACK}"}],
            "End": True,
        },
        f"2{ATTACK}": {**TASK, "End": True},
    }
    view = show({"StartAt": ATTACK, "States": states}, {ATTACK: ATTACK}, tasks={ATTACK: fail})
    seen = 0
    for _ in range(30):
        click(view, "step")
        for widget in descendants(view):
            if isinstance(widget, ipywidgets.HTML):
                assert "<img" not in widget.value
                seen += widget.value.count("&lt;img")
    assert seen > 50
    assert view.debugger.blocked == "unanswered"


# --- running for long --------------------------------------------------------------------------------
def test_a_long_run_leaves_the_loop_free_and_can_be_stopped(show):
    view = show(LOOP, limits=None)

    async def scenario():
        click(view, "run")
        assert enabled(view) == {"pause"}
        ticks = 0
        while view.debugger.position < 2000:
            await asyncio.sleep(0)
            ticks += 1
        click(view, "step", "run")
        assert view._runner.running
        click(view, "pause")
        stood = view.debugger.position
        await asyncio.sleep(0.02)
        assert ticks > 0
        return stood

    stood = asyncio.run(scenario())
    assert view.debugger.position == stood
    assert not view._runner.running
    assert "run" in enabled(view)


def test_an_edit_while_it_runs_is_refused_beside_the_field(show):
    view = show(LOOP, limits=None)
    edit = opened(view, "edit")

    async def scenario():
        click(view, "run")
        await asyncio.sleep(0)
        edit.field.value = "{}"
        edit.form.button.click()
        click(view, "pause")

    asyncio.run(scenario())
    assert "Stop it first" in edit.form.message.value


def test_an_endless_loop_stops_at_the_limit_of_aws(show):
    view = show(LOOP)
    click(view, "run")
    assert view.debugger.status == "FAILED"
    assert "25000" in view.now.value.replace(",", "")


def test_moves_in_code_are_shown_at_most_twenty_times_a_second(show):
    view, shown = show(LOOP, limits=None), []
    graph(view).observe(lambda change: shown.append(change["new"]), "selected")

    async def scenario():
        for _ in range(200):
            view.debugger.step()
        few = len(shown)
        while graph(view).selected != view._pointers[view.debugger.transition.state]:
            await asyncio.sleep(0.01)
        return few

    assert asyncio.run(scenario()) < 100


def test_a_runner_reports_what_went_wrong():
    reports = []
    runner = Runner(lambda: 1 / 0, reports.append)
    runner.start()
    assert [type(report) for report in reports] == [ZeroDivisionError]
    assert not runner.running


# --- cells -------------------------------------------------------------------------------------------
def test_running_a_cell_again_closes_its_old_views(show, monkeypatch):
    runs = iter([("a", "1"), ("a", "1"), ("b", "2"), ("a", "3")])
    monkeypatch.setattr(cells, "current_cell", lambda: next(runs))
    one, two, other, again = (show() for _ in range(4))
    assert [view.comm is None for view in (one, two, other, again)] == [True, True, False, False]


@pytest.mark.parametrize("plain", [False, True])
def test_the_session_of_an_earlier_run_is_offered_until_somebody_moves(show, monkeypatch, plain):
    runs = iter([("a", "1"), ("a", "2"), ("a", "3")])
    monkeypatch.setattr(cells, "current_cell", lambda: next(runs))

    def offer(view):
        return view.panels["before"].text.html

    first = show(tasks={"Charge": {}})
    assert offer(first) == ""
    first.press("run")
    length = first.debugger.length
    second = show(tasks={"Charge": {}}, plain=plain)
    assert f"This cell ran before: {length} of {length} transitions, SUCCEEDED." in offer(second)
    second.panels["before"].text.click("resume:")
    assert (second.debugger.status, second.debugger.length) == ("SUCCEEDED", length)
    assert offer(second) == ""
    third = show(tasks={"Charge": {}})
    third.press("step")
    assert offer(third) == ""


def test_a_closed_view_leaves_no_widget_behind():
    from ipywidgets.widgets.widget import _instances

    def views():
        return {key for key, widget in _instances.items() if not isinstance(widget, GraphView)}

    before = views()
    view = DebuggerView(Debugger(sfnbook.load(ORDER)))
    assert len(views()) > len(before) + 30
    view.close()
    assert views() == before
    view.debugger.step()


@pytest.mark.parametrize(
    ("options", "problem"), [({"hight": 1}, TypeError), ({"panels": ["dta"]}, UsageError)], ids=str
)
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_view_that_was_refused_ends_quietly(options, problem):
    debugger = Debugger(sfnbook.load(ORDER))
    with pytest.raises(problem):
        debugger.show(**options)
    gc.collect()
    assert debugger.restart() is None


def test_outside_of_a_notebook_there_is_no_cell():
    assert cells.current_cell() is None


# --- iterations --------------------------------------------------------------------------------------
def _each(event, context):
    if event % 4 == 2 and context.attempt == 1:
        raise sfnbook.TaskFailure("Busy")
    if event == 7:
        raise sfnbook.TaskFailure("Broken")
    return event


@pytest.fixture
def many(show):
    each = {"StartAt": "Charge", "States": {"Charge": {**TASK, "Retry": RETRY, "Next": "Rest"}, "Rest": REST}}
    states = {
        "M": {"Type": "Map", "ItemProcessor": each, "Catch": [CATCH], "Next": "Z"},
        "Z": {"Type": "Succeed"},
    }
    view = show({"StartAt": "M", "States": states}, list(range(9)), tasks={"Charge": _each})
    click(view, "run")
    view.select("/States/M")
    return view


REST = {"Type": "Wait", "SecondsPath": "$", "End": True}
CATCH = {"ErrorEquals": ["States.ALL"], "Next": "Z"}
INNER = "/States/M/ItemProcessor/States"


def chooser(view):
    return view.panels["graph"].chooser


def test_the_chooser_is_there_for_a_map_only(many):
    assert chooser(many).widget.layout.display is None
    assert "9 of 9, 1 failed" in chooser(many).title.value
    many.select("/States/Z")
    assert chooser(many).widget.layout.display == "none"
    many.select(f"{INNER}/Charge")
    assert chooser(many).widget.layout.display is None


def test_the_failed_iteration_is_looked_at_alone(many):
    before = graph(many).taken, graph(many).notes
    chooser(many).picks["failed"].click()
    assert "M[7]" in chooser(many).title.value
    assert graph(many).status == {
        "/States/M": "caught", "/States/Z": "succeeded", f"{INNER}/Charge": "failed",
    }  # fmt: skip
    many.select(f"{INNER}/Charge")
    assert "<b>M[7].Charge</b>" in data(many)
    assert len(graph(many).taken) < len(before[0])
    chooser(many).all.click()
    assert (graph(many).taken, graph(many).notes) == before


def test_one_goes_from_iteration_to_iteration(many):
    seen = []
    for act in (chooser(many).picks["retried"].click, chooser(many).picks["retried"].click,
                chooser(many).before.click, chooser(many).after.click, chooser(many).after.click):  # fmt: skip
        act()
        seen.append(many._iteration[1])
    assert seen == [2, 6, 5, 6, 7]


@pytest.mark.parametrize(("wanted", "place"), [("3", "M[3]"), ("nothing", "M")])
def test_an_iteration_is_looked_up(many, wanted, place):
    chooser(many).wanted.value = wanted
    assert f"<b>{place}</b>" in chooser(many).title.value
    assert ("No iteration has" in chooser(many).message.value) == (place == "M")


def test_an_iteration_that_is_gone_is_let_go(many):
    chooser(many).picks["failed"].click()
    click(many, "restart")
    assert many._iteration is None
    assert graph(many).status == {}


# --- breakpoints on the graph ------------------------------------------------------------------------
def test_a_breakpoint_is_set_and_taken_away_on_the_graph(show):
    view = show(tasks={"Charge": {}})
    graph(view)._hear(graph(view), {"type": "breakpoint", "pointer": CHARGE}, [])
    assert graph(view).stops == [CHARGE]
    click(view, "run")
    assert view.debugger.transition.path == "Charge"
    graph(view)._hear(graph(view), {"type": "breakpoint", "pointer": CHARGE}, [])
    assert (graph(view).stops, len(view.debugger.breakpoints)) == ([], 0)


def test_a_breakpoint_that_is_set_in_code_is_shown_at_once(many):
    stop = many.debugger.breakpoints.add("M[3].Charge")
    assert graph(many).stops == [f"{INNER}/Charge"]
    stop.enabled = False
    assert (graph(many).stops, graph(many).off) == ([f"{INNER}/Charge"], [f"{INNER}/Charge"])
    many.debugger.breakpoints.add("Charge")
    assert graph(many).off == []
    many.debugger.breakpoints.clear()
    assert graph(many).stops == []


# --- the plain view ----------------------------------------------------------------------------------
def test_a_plain_view_uses_core_widgets_only():
    view = DebuggerView(
        Debugger(sfnbook.load(ORDER), {}, tasks={"Charge": {}}), plain=True, panels=tuple(PANELS)
    )
    modules = {widget._view_module for widget in descendants(view) if widget._view_module}
    assert modules == {"@jupyter-widgets/controls", "@jupyter-widgets/base"}
    click(view, "run")
    assert 'data-status="succeeded"' in graph(view).picture.value
    graph(view).states.value = CHARGE
    assert "<b>Charge</b>" in data(view)
    graph(view).stop.click()
    assert [str(one) for one in view.debugger.breakpoints] == ["on enter of Charge"]
    view.toolbar.scrubber.value = 2
    assert view.debugger.position == 2
    view.close()


# --- the scrubber ------------------------------------------------------------------------------------
def test_the_scrubber_goes_anywhere_and_says_when_it_is_there(show, monkeypatch):
    view, said = show(tasks={"Charge": {}}), []
    click(view, "run")
    scrubber = view.toolbar.scrubber
    monkeypatch.setattr(type(scrubber), "send", lambda _, message: said.append(message))
    length = view.debugger.length
    for position in (3, 0, length, length + 1, -1, "2", None):
        scrubber._hear(scrubber, {"position": position}, [])
        assert (scrubber.position, scrubber.length) == (view.debugger.position, length)
    assert view.debugger.position == length
    assert said == [{"answered": True}] * 7


# --- playing -----------------------------------------------------------------------------------------
def test_it_plays_one_transition_at_a_time_and_can_be_paused(show):
    view = show(LOOP, limits=None)
    view.toolbar.speed.value = 20

    async def scenario():
        click(view, "play")
        assert enabled(view) == {"pause"}
        await asyncio.sleep(0.18)
        click(view, "pause")
        stood = view.debugger.position
        await asyncio.sleep(0.08)
        return stood

    stood = asyncio.run(scenario())
    assert 2 <= stood <= 5
    assert view.debugger.position == stood


def test_playing_ends_with_the_view(show):
    view = show(LOOP, limits=None)

    async def scenario():
        click(view, "play")
        view.close()
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert not view.running


def test_run_to_here_goes_to_the_selected_state(show):
    view = show(tasks={"Charge": {}})
    click(view, "run_to")
    assert "Click a state first" in view.problem.value
    view.select(DONE)
    click(view, "run_to")
    assert view.debugger.path == "Done"
    assert view.problem.value == ""


# --- the timeline ------------------------------------------------------------------------------------
def test_a_click_in_the_timeline_goes_there_and_draws_nothing_anew(show):
    view = show(tasks={"Charge": {}})
    timeline = opened(view, "timeline").view
    click(view, "run")
    drawn, seen = timeline.picture, []
    timeline.observe(lambda change: seen.append(change["name"]), ["picture", "cursor"])
    charge = next(bar for bar in view.debugger.gantt().bars if bar.label.startswith("Charge"))
    for message in ({"number": charge.number}, {"number": "x"}, {"number": 10_000}, None):
        timeline._hear(timeline, message, [])
    assert view.debugger.transition.id == "Charge#1.1:StateEntered"
    assert (timeline.picture, seen) == (drawn, [])
    assert "There is no transition 10000" in view.problem.value
