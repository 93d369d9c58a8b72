"""The debugger's panels without a browser: what a click, a key or a field does."""

import json
import re

import pytest

import sfnbook
from sfnbook.tasks import attempts, failure
from sfnbook.widgets.markup import Act, Markup, PlainMarkup
from sfnbook.widgets.panels import PANELS
from sfnbook.widgets.panels.events import WINDOW
from tests.panels import ATTACK, ORDER, PAID, Views, shown

CHARGE = "/States/Charge"
BUSY = {"Charge": attempts(failure("Busy", "full"), PAID["Charge"])}
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
LAMBDA = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:111122223333:function:f"}
TWO = {"StartAt": "A", "States": {"A": {**LAMBDA, "Next": "B"}, "B": {**LAMBDA, "End": True}}}
ASK = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"},
            "TimeoutSeconds": 3600,
            "Catch": [{"ErrorEquals": ["TooDear"], "Next": "No"}],
            "End": True,
        },
        "No": {"Type": "Pass", "End": True},
    },
}


@pytest.fixture
def show():
    views = Views()
    yield views
    views.close()


@pytest.fixture(params=[False, True], ids=["live", "plain"])
def both(request, show):
    """Views with anywidget, and plain ones."""
    return lambda *given, **options: show(*given, plain=request.param, **options)


def message(form):
    return form.message.value


# --- places to click ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("made", [Markup, PlainMarkup])
def test_only_what_is_offered_is_done(made):
    done = []
    text = made(done.append)
    text.show("<b>x</b>", [Act("go:1", "Go")])
    for name in ("go:1", "go:2", ""):
        text.click(name)
    assert (text.html, done) == ("<b>x</b>", ["go:1"])
    text.show("", [])
    text.click("go:1")
    assert done == ["go:1"]
    text.close()


def test_messages_from_the_browser_are_acts_and_nonsense_is_not():
    done = []
    text = Markup(done.append)
    text.show("", [Act("go:1", "Go")])
    for sent in ({"act": "go:1"}, {"act": 1}, {"act": None}, {}, "go:1", None):
        text._hear(text, sent, [])
    assert done == ["go:1"]
    text.close()


def test_an_act_is_a_button_that_says_what_it_does():
    html = Act("remove:<1>", ATTACK, "x", pressed=True).html()
    assert "<img" not in html
    assert 'aria-pressed="true"' in html
    assert 'data-lm-suppress-shortcuts="true"' in html
    assert f'aria-label="{ATTACK.replace("<", "&lt;").replace(">", "&gt;")}"' in html


# --- breakpoints --------------------------------------------------------------------------------------------
def add(panel, **fields):
    for name, value in fields.items():
        getattr(panel, name).value = value
    panel.form.button.click()


@pytest.mark.parametrize(
    ("fields", "stop"),
    [
        ({"state": "Charge"}, "StateEntered Charge"),
        ({"kind": "exit", "state": "Prepare"}, "StateExited Prepare"),
        ({"state": "Large?", "when": "$states.input.total > 100"}, "StateEntered Large?"),
        ({"state": "Large?", "when": '{"Variable": "$.total", "NumericEquals": 120}'}, "StateEntered Large?"),
        ({"when": "$states.input.total > 1000"}, "ExecutionSucceeded "),
        ({"hits": "3"}, "StateEntered Large?"),
        ({"kind": "all"}, "TaskFailed Charge"),
        ({"kind": "named", "error": "Busy"}, "TaskFailed Charge"),
        ({"kind": "named", "error": "Other"}, "ExecutionSucceeded "),
        ({"kind": "uncaught"}, "ExecutionSucceeded "),
        ({"kind": "time", "time": "9"}, "TaskScheduled Charge"),
    ],
)
def test_a_breakpoint_stops(both, fields, stop):
    view = both(tasks=BUSY)
    panel = view.show_panel("breakpoints")
    add(panel, **fields)
    assert message(panel.form) == ""
    view.press("run")
    transition = view.debugger.transition
    assert f"{transition.kind} {transition.path}" == stop


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "Chrage"}, "Did you mean &#x27;Charge&#x27;"),
        ({"when": "1 +"}, "JSONata"),
        ({"when": '{"Variable": }'}, "Line 1, column 14"),
        ({"when": '{"Variable": "$.a"}'}, "when"),
        ({"hits": "many"}, "From hit"),
        ({"hits": "0"}, "from 1 on"),
        ({"kind": "time", "time": ""}, "virtual seconds"),
        ({"kind": "time", "time": "soon"}, "virtual seconds"),
        ({"kind": "named", "error": " "}, "its name"),
    ],
)
def test_a_bad_breakpoint_is_told_and_nothing_is_lost(show, fields, said):
    view = show()
    panel = view.show_panel("breakpoints")
    add(panel, **fields)
    assert said in message(panel.form)
    assert {name: getattr(panel, name).value for name in fields} == fields
    assert len(view.debugger.breakpoints) == 0


def test_a_breakpoint_is_switched_off_on_and_away(both):
    view = both()
    panel = view.show_panel("breakpoints")
    add(panel, state="Charge")
    panel.text.click("enable:1")
    assert "(disabled)" in shown(panel)
    view.press("run")
    assert view.debugger.status == "SUCCEEDED"
    view.press("restart")
    panel.text.click("enable:1")
    view.press("run")
    assert "stopped here" in shown(panel)
    panel.text.click("remove:1")
    assert len(view.debugger.breakpoints) == 0
    assert "None yet" in shown(panel)


def test_a_condition_that_raises_is_told_in_the_list(show):
    view = show()
    panel = view.show_panel("breakpoints")
    add(panel, state="Large?", when="$number('x')")
    view.press("run")
    assert view.debugger.status == "SUCCEEDED"
    assert "not evaluated" in shown(panel)


def test_what_is_set_in_code_is_listed(show):
    view = show()
    panel = view.show_panel("breakpoints")
    view.debugger.breakpoints.add("Done")
    assert "on enter of Done" in shown(panel)


def test_a_breakpoint_that_is_switched_off_in_code_is_shown_at_once(show):
    view = show()
    panel = view.show_panel("breakpoints")
    stop = view.debugger.breakpoints.add("Done")
    assert 'aria-pressed="true"' in shown(panel)
    stop.enabled = False
    assert 'aria-pressed="false"' in shown(panel)
    assert "on enter of Done (disabled)" in shown(panel)


# --- faults -------------------------------------------------------------------------------------------------
def test_the_errors_of_the_state_and_of_its_service_are_offered(show):
    panel = show().show_panel("faults")
    assert list(panel.error.options)[:2] == ["Busy", "Declined"]
    assert {"Lambda.TooManyRequestsException", "States.Timeout"} <= set(panel.error.options)
    assert panel.error.value == "Busy"


def test_the_state_that_is_next_is_offered_once_one_was_left(show):
    view = show(TWO, {}, tasks={"A": 1, "B": 2})
    panel = view.show_panel("faults")
    assert panel.state.value == "A"
    view.press("next")
    assert panel.state.value == "B"
    view.select("/States/A")  # who picks it means it
    assert panel.state.value == "A"


def test_an_error_for_an_execution_that_is_over_is_told_beside_the_button(both):
    view = both()
    view.press("run")
    panel = view.show_panel("faults")
    add(panel, error="Declined")
    assert "no attempt is to come" in message(panel.form)


def test_an_error_is_injected_and_taken_back(both):
    view = both()
    panel = view.show_panel("faults")
    add(panel, error="Declined", attempts="all")
    add(panel, error="Busy", attempts="#1")
    assert shown_waiting(panel).count("<li>") == 2
    panel.waiting.click("remove:1")
    assert [fault.error for fault in view.debugger.faults] == ["Declined"]
    view.press("run")
    assert view.debugger.statuses()[CHARGE] == "caught"
    view.press("restart")
    assert shown_waiting(panel) == ""


def shown_waiting(panel):
    return panel.waiting.html


def test_all_faults_are_taken_back(show):
    view = show()
    panel = view.show_panel("faults")
    assert panel.clear.disabled
    add(panel, error="Declined")
    panel.clear.click()
    assert view.debugger.faults == ()


def test_latency_is_injected(show):
    view = show()
    panel = view.show_panel("faults")
    panel.kind.value = "latency"
    assert (panel.error.layout.display, panel.seconds.layout.display) == ("none", None)
    add(panel, seconds="")
    assert "how much longer" in message(panel.form)
    add(panel, seconds="40")
    assert "takes 40 s longer" in shown_waiting(panel)
    view.press("run")
    assert view.debugger.time == 3640


def test_heartbeats_are_lost(show):
    view = show()
    panel = view.show_panel("faults")
    add(panel, kind="heartbeats", seconds="5")
    assert "is not heard of after 5 s" in shown_waiting(panel)


def test_a_state_that_is_not_there_is_told(show):
    panel = show().show_panel("faults")
    add(panel, state="Chrage")
    assert "Did you mean" in message(panel.form)
    assert panel.state.value == "Chrage"


# --- ask ----------------------------------------------------------------------------------------------------
def test_a_question_comes_with_a_sample_and_the_errors_to_choose_from(show):
    view = show(tasks={})
    view.press("run")
    ask = view.panels["ask"]
    assert json.loads(ask.field.value) == view.debugger.unanswered.draft
    assert ask.error.options[:2] == ("Busy", "Declined")
    ask.form.button.click()
    assert view.debugger.status == "SUCCEEDED"


def test_an_open_task_is_answered_later(show):
    view = show(ASK)
    view.press("run")
    ask = view.panels["ask"]
    assert ask.error.options[0] == "TooDear"
    ask.field.value, ask.after.value = '{"ok": true}', "60"
    ask.form.button.click()
    assert (view.debugger.output, view.debugger.time) == ({"ok": True}, 60)


def test_an_open_task_fails_later(show):
    view = show(ASK)
    view.press("run")
    ask = view.panels["ask"]
    ask.after.value = "soon"
    ask.fail.click()
    assert "after: give virtual seconds" in message(ask.form)
    ask.after.value = "30"
    ask.fail.click()
    assert (view.debugger.statuses()["/States/Ask"], view.debugger.time) == ("caught", 30)


# --- events -------------------------------------------------------------------------------------------------
def rows(panel):
    return shown(panel).count("<tr") - 1


def test_the_history_is_a_table_and_a_click_goes_there(both):
    view = both()
    panel = view.show_panel("events")
    view.press("run")
    assert rows(panel) == len(view.debugger.history())
    panel.text.click("go:3")
    assert view.debugger.position == 4
    assert 'aria-current="true"' in shown(panel)
    assert rows(panel) == view.debugger.length


def test_the_history_is_filtered(show):
    view = show(tasks=BUSY)
    panel = view.show_panel("events")
    view.press("run")
    everything = rows(panel)
    panel.state.value = "Charge"
    of_charge = rows(panel)
    assert 0 < of_charge < everything
    panel.kind.value = "TaskFailed"
    assert rows(panel) == 1
    panel.kind.value = ""
    panel.search.value = "FULL"
    assert rows(panel) == 1
    panel.search.value = "nowhere"
    assert (rows(panel), "none" in shown(panel)) == (0, True)
    panel.search.value = panel.state.value = ""
    assert rows(panel) == everything


def test_what_people_did_is_in_the_table_without_a_number(show):
    view = show()
    panel = view.show_panel("events")
    view.press("next")
    view.debugger.edit_input({"total": 5})
    assert "Edited" in shown(panel)
    assert rows(panel) == view.debugger.length


def test_a_long_history_is_a_window_of_rows(show):
    view = show(LOOP)
    panel = view.show_panel("events")
    view.debugger.run(10_000)
    assert rows(panel) == WINDOW
    first = next(name for name in panel.text.acts if name.startswith("windowFirst"))
    panel.text.click(first)
    assert "<td>1</td>" in shown(panel)
    later = next(name for name in panel.text.acts if name.startswith("windowLater"))
    panel.text.click(later)
    assert f"<td>{WINDOW + 1}</td>" in shown(panel)
    panel.text.click("window:here")
    assert "<td>10000</td>" in shown(panel)
    assert len(shown(panel)) < 60_000


def test_another_branch_has_another_history(show):
    view = show()
    panel = view.show_panel("events")
    view.press("run")
    view.press("restart")
    view.debugger.edit_input({"total": 1})
    view.press("run")
    assert rows(panel) == view.debugger.length
    view.debugger.switch("main")
    assert "Review" in shown(panel)


def test_the_history_is_exported(show, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for plain in (False, True):
        view = show(plain=plain)
        panel = view.show_panel("events")
        view.press("run")
        sent = []
        if not plain:
            panel.text.send = sent.append
        panel.text.click("export:")
        found = sent[0]["text"] if sent else (tmp_path / "StateMachine-history.json").read_text("utf-8")
        assert json.loads(found)["events"] == view.debugger.history()


# --- branches -----------------------------------------------------------------------------------------------
def branched(show, **options):
    view = show(**options)
    view.press("run")
    view.press("restart")
    view.debugger.edit_input({"total": 5})
    view.press("run")
    return view, view.show_panel("branches")


def test_branches_are_a_tree_with_their_figures(both):
    _, panel = branched(both)
    html = panel.tree.html
    assert "aria-current=true" in html
    assert "from transition 1: input of Prepare edited" in html
    assert "SUCCEEDED at 14 of 14 transitions" in html
    assert "billed, $0.0001" in html


def test_a_branch_is_gone_to_renamed_and_deleted(both):
    view, panel = branched(both)
    panel.tree.click("switch:main")
    assert view.debugger.branches.current.name == "main"
    panel.name.value = "branch 1"
    panel.form.button.click()
    assert "already" in message(panel.form)
    panel.name.value = "first"
    panel.form.button.click()
    assert view.debugger.branches.names == ["first", "branch 1"]
    panel.tree.click("delete:first")  # the current one: not offered
    panel.tree.click("delete:branch 1")
    assert view.debugger.branches.names == ["first"]


def test_a_branch_that_is_gone_to_in_code_is_shown_at_once(show):
    view, panel = branched(show)
    assert view.toolbar.branches.value == "branch 1"
    view.debugger.branches.switch("main")
    assert view.toolbar.branches.value == "main"
    assert view.toolbar.scrubber.position == view.debugger.position == 0
    assert re.search(r"aria-current=true><div><b><[^>]*>main", panel.tree.html)


def test_two_branches_are_compared(both):
    view, panel = branched(both)
    panel.tree.click("compare:main")
    html = panel.compared.html
    assert "branch 1 | main" in html
    assert "after Large? (StateExited): the end | Review (StateEntered)" in html
    assert "billed_transitions" in html
    assert "price as Standard" in html
    assert "<b>Only in main</b>" in html
    beside = {"/States/Large?": "parts here", "/States/Review": "only there"}
    assert view.compared.items() >= beside.items()
    panel.compared.click("select:/States/Review")
    assert "Review" in view.show_panel("data").text.html
    go = next(name for name in panel.compared.acts)
    panel.compared.click(go)
    assert view.debugger.transition.path == "Large?"
    panel.tree.click("compare:main")
    assert panel.compared.html == ""
    assert view.compared == {}


def test_a_changed_definition_is_a_branch_too(show):
    view = show()
    view.press("run")
    changed = json.loads(json.dumps(ORDER).replace('"Seconds": 3600', '"Seconds": 60'))
    view.debugger.try_machine(sfnbook.load(changed))
    panel = view.show_panel("branches")
    assert panel.tree.html.count("<li") == 2
    panel.tree.click("compare:main")
    assert "time" in panel.compared.html


# --- watch and search -----------------------------------------------------------------------------------------
def test_expressions_are_watched(both):
    view = both()
    panel = view.show_panel("watch")
    add(panel, expression="$.total")
    add(panel, expression="$states.input.total * 2", name="double")
    add(panel, expression="$.nowhere")
    assert "120" in shown(panel)
    assert "240" in shown(panel)
    assert "nowhere" in shown(panel)
    view.debugger.edit_input({"total": 7})
    assert "14" in shown(panel)
    panel.text.click("remove:double")
    assert dict(view.debugger.watches) == {"$.total": "$.total", "$.nowhere": "$.nowhere"}


def test_watches_that_are_merged_or_replaced_in_code_are_shown_at_once(show):
    view = show()
    panel = view.show_panel("watch")
    view.debugger.watches |= {"sum": "$.total", "double": "$states.input.total * 2"}
    assert "240" in shown(panel)
    view.debugger.watches = {"half": "$states.input.total / 2"}
    assert "60" in shown(panel)
    assert "240" not in shown(panel)


@pytest.mark.parametrize("expression", ["", "1 +"])
def test_what_is_no_expression_is_told(show, expression):
    panel = show().show_panel("watch")
    add(panel, expression=expression)
    assert 'role="alert"' in message(panel.form)
    assert panel.expression.value == expression


def test_search_finds_states_events_and_values(both):
    view = both()
    view.press("run")
    panel = view.show_panel("search")
    panel.field.value = "declined"
    assert f"select:{CHARGE}" in panel.text.acts
    panel.text.click(f"select:{CHARGE}")
    assert view.show_panel("data").text.html.count("<b>Charge</b>")
    panel.field.value = "p1"
    moves = [name for name in panel.text.acts if name.startswith("go:")]
    assert moves
    assert "&quot;id&quot;:&quot;p1&quot;" in shown(panel)
    panel.text.click(moves[0])
    assert view.debugger.transition.kind == "TaskSucceeded"
    panel.field.value = ""
    assert shown(panel) == ""


# --- all ------------------------------------------------------------------------------------------------------
def test_notes_are_shown_until_they_are_read(both):
    view = both()
    notes = view.panels["notes"]
    assert notes.widget.layout.display == "none"
    view.debugger.notes = (f"one {ATTACK}",)
    view.refresh()
    assert "&lt;img" in shown(notes)
    notes.text.click("read:")
    assert shown(notes) == ""
    view.press("step")
    assert shown(notes) == ""


@pytest.mark.parametrize("plain", [False, True])
def test_names_and_payloads_are_text_in_every_panel(show, plain):
    task = {
        "Type": "Task",
        "Resource": "arn:aws:lambda:us-east-1:111122223333:function:f",
        "Next": f"2{ATTACK}",
    }
    definition = {
        "StartAt": ATTACK,
        "States": {ATTACK: task, f"2{ATTACK}": {"Type": "Fail", "Cause": ATTACK}},
    }
    view = show(definition, {ATTACK: ATTACK}, plain=plain, tasks={"*": {ATTACK: ATTACK}})
    for name in PANELS:
        view.show_panel(name)
    view.debugger.breakpoints.add(ATTACK, when=f"$states.input = '{ATTACK}'")
    view.debugger.watches[ATTACK] = f"'{ATTACK}'"
    view.debugger.inject_error(ATTACK, ATTACK, ATTACK, attempts=[9])
    view.press("run")
    view.press("restart")
    view.debugger.edit_input({ATTACK: [ATTACK]})
    view.debugger.branches.rename("branch 1", ATTACK)
    view.press("run")
    view.show_panel("search").field.value = "<img"
    view.show_panel("branches").tree.click("compare:main")
    texts = {
        name: value
        for name, panel in view.panels.items()
        for part in vars(panel).values()
        if isinstance(part, Markup | PlainMarkup) and (value := part.html)
    }
    assert {"data", "why", "breakpoints", "watch", "events", "branches", "search"} <= texts.keys()
    for name, html in texts.items():
        assert "<img" not in html, name
        assert "&lt;img" in html, name
