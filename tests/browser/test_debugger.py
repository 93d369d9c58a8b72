"""The debugger in JupyterLab, in a real browser."""

import json
from itertools import pairwise

import pytest

LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:f"
ATTACK = "<img src=x onerror=alert(1)>"
ORDER = {
    "StartAt": "Prepare",
    "States": {
        "Prepare": {"Type": "Pass", "Next": "Charge"},
        "Charge": {
            "Type": "Task",
            "Resource": LAMBDA,
            "Catch": [{"ErrorEquals": ["Broken"], "ResultPath": "$.error", "Next": "Refund"}],
            "Next": "Done",
        },
        "Refund": {"Type": "Pass", "End": True},
        "Done": {"Type": "Succeed"},
    },
}
DEBUGGER = ".sfn-debugger"
WAIT = 15_000


def cell(definition, given="{}", more=""):
    return (
        "import json, sfnbook\nfrom sfnbook.debugger import Debugger\n"
        f"machine = sfnbook.load(json.loads({json.dumps(json.dumps(definition))}))\n"
        f"debugger = Debugger(machine, {given}{more})\ndebugger"
    )


@pytest.fixture
def shown(notebook):
    """The page of a notebook that shows a debugger."""

    def show(definition, given="{}", more="", then=()):
        opened = notebook(cell(definition, given, more), *then)
        opened.page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=15_000)
        return opened.page

    return show


def press(page, name):
    page.click(f"{DEBUGGER} .sfn-do-{name}")


def panel(page, name):
    page.click(f"{DEBUGGER} .sfn-open-{name}")


def expect_status(page, **statuses):
    for name, status in statuses.items():
        page.wait_for_selector(f'[data-pointer="/States/{name}"][data-status="{status}"]', timeout=WAIT)


def expect_text(page, selector, text):
    page.wait_for_function(
        "([one, text]) => [...document.querySelectorAll(one)].some(node => node.textContent.includes(text))",
        arg=[selector, text],
        timeout=WAIT,
    )


def test_stepping_forwards_and_back_changes_the_graph(shown):
    page = shown(ORDER, more=", tasks={'Charge': {'paid': True}}")
    expect_status(page, Charge="none")
    press(page, "step")
    press(page, "step")
    expect_status(page, Prepare="current")
    press(page, "next")
    expect_status(page, Prepare="succeeded")
    press(page, "next")
    expect_status(page, Charge="succeeded")
    press(page, "back")
    expect_status(page, Charge="current")
    press(page, "run")
    expect_status(page, Done="succeeded")
    expect_text(page, f"{DEBUGGER} .sfn-card", '"paid": true')
    assert page.get_attribute('[data-pointer="/States/Done"]', "aria-label") == "Done, Succeed, succeeded"
    assert page.is_disabled(f"{DEBUGGER} .sfn-do-run")
    press(page, "restart")
    expect_status(page, Prepare="none", Charge="none", Done="none")


def test_an_input_is_edited_and_bad_json_is_told(shown):
    page = shown(ORDER, '{"id": 1}', ", tasks={'Charge': lambda event: event}")
    press(page, "next")
    expect_status(page, Prepare="succeeded")
    panel(page, "edit")
    field = page.locator(f"{DEBUGGER} .sfn-code .cm-content")
    expect_text(page, f"{DEBUGGER} .sfn-code .cm-content", '"id": 1')
    field.fill('{"id": }')
    page.click("text=Apply")
    expect_text(page, f"{DEBUGGER} .sfn-message", "Line 1, column 8")
    assert field.inner_text() == '{"id": }'
    field.fill('{"id": 2}')
    page.click("text=Apply")
    page.wait_for_selector(f"{DEBUGGER} .sfn-message", state="detached")
    press(page, "run")
    expect_status(page, Done="succeeded")
    expect_text(page, f"{DEBUGGER} .sfn-card", '"id": 2')


def test_an_injected_error_takes_the_other_branch(shown):
    page = shown(ORDER, more=", tasks={'Charge': {}}")
    panel(page, "faults")
    page.locator(".sfn-panel-faults").get_by_label("Error").fill("Broken")
    page.click('.sfn-panel-faults button:has-text("Inject")')
    expect_text(page, ".sfn-panel-faults .sfn-list", "Charge fails with Broken")
    press(page, "run")
    expect_status(page, Charge="caught", Refund="succeeded", Done="none")


def test_a_question_is_answered(shown):
    page = shown(ORDER)
    press(page, "run")
    expect_text(page, f"{DEBUGGER} .sfn-question", "Charge asks")
    page.fill(f"{DEBUGGER} .sfn-question textarea", '"thanks"')
    page.click(f'{DEBUGGER} .sfn-question button:has-text("Answer")')
    expect_status(page, Charge="succeeded", Done="succeeded")
    expect_text(page, f"{DEBUGGER} .sfn-card", '"thanks"')


def in_sight(page, name):
    page.wait_for_function(
        """pointer => {
          const [at, box] = [`[data-pointer="${pointer}"]`, ".sfn-stage"]
            .map(one => document.querySelector(one).getBoundingClientRect());
          return at.top >= box.top && at.bottom <= box.bottom;
        }""",
        arg=f"/States/{name}",
        timeout=WAIT,
    )


def test_a_large_graph_follows_to_the_end_and_back_to_the_beginning(shown):
    names = [f"State{number}" for number in range(60)]
    states = {name: {"Type": "Pass", "Next": after} for name, after in pairwise(names)}
    page = shown({"StartAt": names[0], "States": states | {names[-1]: {"Type": "Succeed"}}})
    in_sight(page, names[0])
    press(page, "run")
    expect_status(page, State59="succeeded")
    in_sight(page, names[-1])
    press(page, "restart")
    in_sight(page, names[0])


def test_an_open_callback_is_answered_after_some_time(shown):
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"},
        "TimeoutSeconds": 3600,
        "End": True,
    }
    page = shown({"StartAt": "Ask", "States": {"Ask": ask}})
    press(page, "run")
    expect_text(page, f"{DEBUGGER} .sfn-question", "until 1 h")
    page.fill(f'{DEBUGGER} .sfn-question input[placeholder="seconds"]', "1800")
    page.click(f'{DEBUGGER} .sfn-question button:has-text("Let time pass")')
    expect_text(page, f"{DEBUGGER} .sfn-clock", "30 min")
    page.click(f'{DEBUGGER} .sfn-question button:has-text("Answer")')
    expect_status(page, Ask="succeeded")


def test_the_graph_is_used_with_the_keyboard_and_the_notebook_keeps_its_hands_off(shown):
    page = shown(ORDER, more=", tasks={'Charge': {}}")
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    page.focus('[data-pointer="/States/Prepare"]')
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect_text(page, f"{DEBUGGER} .sfn-heading", "Charge")
    assert page.get_attribute('[data-pointer="/States/Charge"]', "aria-pressed") == "true"
    for key in ("b", "a", "d", "d", "F10", "F10"):
        page.keyboard.press(key)
    expect_status(page, Charge="succeeded")
    page.focus(f"{DEBUGGER} .sfn-do-step")
    page.keyboard.press("b")
    press(page, "back")
    expect_status(page, Charge="current")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_a_click_on_a_state_shows_its_data_and_one_on_a_transition_goes_there(shown):
    page = shown(ORDER, '{"id": 1}', ", tasks={'Charge': {}}")
    press(page, "run")
    expect_status(page, Done="succeeded")
    page.click('[data-pointer="/States/Prepare"]')
    expect_text(page, f"{DEBUGGER} .sfn-heading", "Prepare")
    panel(page, "events")
    page.click('.sfn-panel-events [data-act="go:1"]')
    expect_status(page, Prepare="current", Charge="none")


def test_names_and_payloads_are_text(shown):
    definition = {
        "StartAt": ATTACK,
        "States": {
            ATTACK: {"Type": "Task", "Resource": LAMBDA, "Next": f"2{ATTACK}"},
            f"2{ATTACK}": {"Type": "Fail", "Cause": ATTACK},
        },
    }
    page = shown(definition, json.dumps({ATTACK: ATTACK}), f", tasks={{'*': {{{ATTACK!r}: 1}}}}")
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    for _ in range(5):
        press(page, "step")
    press(page, "run")
    expect_text(page, f"{DEBUGGER} .sfn-chip", "FAILED")
    for name in ("edit", "faults", "events"):
        panel(page, name)
    expect_text(page, f"{DEBUGGER} .sfn-node title", ATTACK)
    expect_text(page, f"{DEBUGGER} .sfn-card", ATTACK)
    assert page.locator(f"{DEBUGGER} img").count() == 0
    assert alerts == []


def test_running_a_cell_again_leaves_one_view(notebook):
    count = "from ipywidgets.widgets.widget import _instances\nprint('widgets', len(_instances))"
    opened = notebook(cell(ORDER), count)
    page = opened.page
    page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=15_000)
    expect_text(page, ".jp-OutputArea-output pre", "widgets ")
    alive = page.inner_text('.jp-OutputArea-output pre:has-text("widgets")')
    for _ in range(2):
        opened.run()
        page.wait_for_timeout(800)
        opened.idle()
    page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=WAIT)
    assert page.locator(DEBUGGER).count() == 1
    assert page.inner_text('.jp-OutputArea-output pre:has-text("widgets")') == alive


def test_the_session_before_is_resumed(notebook):
    opened = notebook(cell(ORDER, '{"id": 1}', ", tasks={'Charge': {}}"))
    page = opened.page
    press(page, "run")
    expect_status(page, Done="succeeded")
    opened.run()
    page.click("text=Resume", timeout=WAIT)
    # Until the offer is gone what is shown may be the session before.
    page.wait_for_selector("text=Resume", state="detached", timeout=WAIT)
    expect_status(page, Done="succeeded")


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


def test_a_long_run_is_stopped_and_other_cells_run_meanwhile(notebook):
    opened = notebook(cell(LOOP, more=", limits=None"), "print('free at', debugger.position > 100)")
    page = opened.page
    page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=15_000)
    press(page, "run")
    page.wait_for_selector(f"{DEBUGGER} .sfn-do-pause", state="visible", timeout=WAIT)
    page.wait_for_timeout(500)
    opened.run_cell(1)
    expect_text(page, ".jp-OutputArea-output pre", "free at True")
    press(page, "pause")
    page.wait_for_selector(f"{DEBUGGER} .sfn-do-play", state="visible", timeout=WAIT)
