"""The debugger's panels in JupyterLab, as people use them: click, type, look."""

import json

import pytest

from tests.browser.test_debugger import ATTACK, DEBUGGER, WAIT, expect_status, expect_text, panel, press
from tests.panels import GIVEN, ORDER

BUSY = """{'Charge': sfnbook.tasks.attempts(sfnbook.tasks.failure('Busy', 'full'),
    {'Payload': {'id': 'p1'}, 'StatusCode': 200})}"""
IN_SIGHT = """name => {
  const part = document.querySelector(name), {x, y, width} = part?.getBoundingClientRect() ?? {};
  return part?.contains(document.elementFromPoint(x + width / 2, y + 10));
}"""
CODE = ".sfn-panel-edit .cm-content"


def cell(given=GIVEN, tasks=BUSY, then=""):
    """A cell with a debugger of the order; its definition is a text, so that it has lines."""
    definition = json.dumps(json.dumps(ORDER, indent=2))
    return (
        f"import sfnbook\ndebugger = sfnbook.Debugger(sfnbook.load({definition}), {given!r}, tasks={tasks})\n"
        f"{then}\ndebugger"
    )


@pytest.fixture
def show(notebook):
    def show(*panels, **options):
        page = notebook(cell(**options)).page
        page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=15_000)
        panel(page, "data")
        for name in panels:
            panel(page, name)
            page.wait_for_selector(f".sfn-panel-{name}", timeout=WAIT)
        return page

    return show


def field(page, name, label):
    return page.locator(f".sfn-panel-{name}").get_by_label(label, exact=True)


def click(page, name, text):
    page.click(f'.sfn-panel-{name} button:has-text("{text}")')


def cells(page):
    return page.locator(".jp-Notebook .jp-Cell").count()


def test_the_stages_explain_result_path(show):
    page = show()
    panel(page, "data")
    press(page, "next")
    press(page, "next")
    stage = '.sfn-panel-data details[data-key="afterResultPath"]'
    expect_text(page, stage, "put into it at $.payment")
    assert page.inner_text(f"{stage} .sfn-field") == '"ResultPath": "$.payment"'
    assert '"payment"' in page.inner_text(f"{stage} .sfn-new")
    page.select_option(".sfn-panel-data select", index=1)
    expect_text(page, ".sfn-panel-data summary", "Error output")
    page.click('.sfn-panel-data details[data-key="context"] summary')
    expect_text(page, '.sfn-panel-data details[data-key="context"][open]', "EnteredTime")
    # Side by side where there is room, in a column where there is none.
    tops = "() => [...document.querySelectorAll('.sfn-stages > .sfn-flow')].map(one => one.offsetTop)"
    assert len(set(page.evaluate(tops))) > 2
    panel(page, "graph")
    page.wait_for_function(f"() => new Set(({tops})().slice(0, 3)).size === 1", timeout=WAIT)


def test_a_panel_that_is_opened_is_in_sight_and_the_controls_stay(show):
    page = show()
    page.set_viewport_size({"width": 1360, "height": 700})
    panel(page, "data")
    press(page, "next")
    press(page, "next")
    panel(page, "faults")
    for part in (".sfn-panel-faults .sfn-form-row button", ".sfn-do-next", ".sfn-zoom"):
        page.wait_for_function(IN_SIGHT, arg=part, timeout=WAIT)


def test_what_code_sets_is_seen(notebook):
    change = "debugger.watches |= {'sum': '$.total'}\ndebugger.breakpoints[1].enabled = False"
    made = notebook(cell(then="debugger.breakpoints.add('Large?')"), change)
    page = made.page
    page.wait_for_selector('[data-pointer="/States/Large?"][data-stop="off"]', timeout=15_000)
    panel(page, "watch")
    expect_text(page, ".sfn-panel-watch .sfn-list", "120")


def test_more_of_a_large_value_comes_on_demand(show):
    page = show(given={"total": 1, "rows": [{"id": number} for number in range(3000)]})
    panel(page, "data")
    press(page, "next")
    lines = page.locator('.sfn-panel-data details[data-key="input"] .sfn-line')
    page.wait_for_selector('[data-act="more:input"]', timeout=WAIT)
    before = lines.count()
    page.click('[data-act="more:input"]')
    page.wait_for_function(
        "n => document.querySelectorAll('.sfn-panel-data details[data-key=input] .sfn-line').length > n",
        arg=before,
        timeout=WAIT,
    )
    assert lines.count() == before + 500


def test_a_reason_shows_its_lines(show):
    page = show("why")
    for _ in range(3):
        press(page, "next")
    expect_text(page, ".sfn-panel-why", "Rule 2 of 2 is the first that is true")
    expect_text(page, ".sfn-panel-why .sfn-cited", '"NumericGreaterThan": 100')
    page.click('.sfn-panel-why [data-act$="/Choices/0"]')
    expect_text(page, ".sfn-panel-why .sfn-chosen", '"NumericGreaterThan": 1000')
    number = page.inner_text(".sfn-panel-why .sfn-chosen i >> nth=0")
    assert json.dumps(ORDER, indent=2).split("\n")[int(number) - 1].strip() == "{"
    page.click('.sfn-panel-why [data-act^="go:"]')
    expect_text(page, f"{DEBUGGER} .sfn-card", "Large? was left")


def test_the_editor_keeps_its_keys_and_what_is_typed(show):
    page = show("edit")
    before = cells(page)
    page.click(CODE)
    page.keyboard.press("Control+a")
    page.keyboard.type('{"total": 1.0')
    page.keyboard.press("Shift+Enter")
    for key in ("Escape", "b", "a"):
        page.keyboard.press(key)
    assert cells(page) == before
    expect_text(page, ".sfn-panel-edit .sfn-message", "Line 2, column 1")
    page.wait_for_selector(".sfn-panel-edit .cm-lint-marker-error", timeout=WAIT)
    press(page, "next")
    expect_status(page, Prepare="succeeded")
    assert page.inner_text(CODE).startswith('{"total": 1.0')
    page.click(CODE)
    page.keyboard.press("F10")  # the debugger's own keys work here, too
    expect_status(page, Charge="succeeded")
    click(page, "edit", "Take back")
    page.wait_for_selector(".sfn-panel-edit .cm-lint-marker-error", state="detached", timeout=WAIT)
    page.locator(CODE).fill('{"total": 5.0, "big": 12345678901234567890}')
    page.keyboard.press("Control+Enter")
    press(page, "run")
    expect_status(page, Done="succeeded", Review="none")
    expect_text(page, f"{DEBUGGER} .sfn-card", "12345678901234567890")


def test_a_result_is_set_in_the_editor(show):
    page = show("edit")
    field(page, "edit", "Change").select_option(label="Result of the next attempt of Charge")
    shows_the_input = "code => document.querySelector(code).textContent.includes('total')"
    page.wait_for_function(f"code => !({shows_the_input})(code)", arg=CODE, timeout=WAIT)
    page.locator(CODE).fill('{"Payload": {"id": "typed"}}')
    click(page, "edit", "Apply")
    press(page, "run")
    expect_text(page, f"{DEBUGGER} .sfn-card", '"typed"')


def test_faults_are_injected_listed_and_removed(show):
    page = show("faults")
    options = (
        "() => [...document.querySelectorAll('.sfn-panel-faults datalist option')].map(one => one.value)"
    )
    assert {"Busy", "Declined", "Lambda.TooManyRequestsException"} <= set(page.evaluate(options))
    field(page, "faults", "Error").fill("Declined")
    click(page, "faults", "Inject")
    expect_text(page, ".sfn-panel-faults .sfn-list", "Charge fails with Declined")
    field(page, "faults", "What").select_option(label="takes longer")
    field(page, "faults", "Seconds").fill("long")
    click(page, "faults", "Inject")
    expect_text(page, ".sfn-panel-faults .sfn-message", "number of virtual seconds")
    field(page, "faults", "Seconds").fill("40")
    click(page, "faults", "Inject")
    expect_text(page, ".sfn-panel-faults .sfn-list", "takes 40 s longer")
    page.click('.sfn-panel-faults [data-act="remove:0"]')
    page.wait_for_function(
        "() => document.querySelectorAll('.sfn-panel-faults .sfn-list li').length === 1", timeout=WAIT
    )
    press(page, "run")
    expect_text(page, f"{DEBUGGER} .sfn-clock", "1 h")
    expect_status(page, Review="succeeded")


def test_a_question_has_a_sample_and_is_failed(show):
    page = show(tasks="None")
    press(page, "run")
    expect_text(page, ".sfn-question", "Charge asks")
    assert "Payload" in page.input_value(".sfn-question textarea")
    page.fill(".sfn-question input[list]", "Declined")
    click(page, "ask", "Fail with")
    expect_status(page, Charge="caught", Refund="succeeded")


def test_a_breakpoint_with_a_condition_is_added_switched_off_and_removed(show):
    page = show("breakpoints")
    field(page, "breakpoints", "State").fill("Lrge?")
    click(page, "breakpoints", "Add")
    expect_text(page, ".sfn-panel-breakpoints .sfn-message", "Did you mean 'Large?'")
    field(page, "breakpoints", "State").fill("Large?")
    field(page, "breakpoints", "If").fill("1 +")
    click(page, "breakpoints", "Add")
    expect_text(page, ".sfn-panel-breakpoints .sfn-message", "Unexpected end")
    assert field(page, "breakpoints", "If").input_value() == "1 +"
    field(page, "breakpoints", "If").fill("$states.input.total > 100")
    click(page, "breakpoints", "Add")
    expect_text(page, ".sfn-panel-breakpoints .sfn-list", "on enter of Large? when")
    page.wait_for_selector('[data-pointer="/States/Large?"][data-stop]', timeout=WAIT)
    press(page, "run")
    expect_text(page, ".sfn-panel-breakpoints .sfn-list", "stopped here")
    page.click('.sfn-panel-breakpoints [data-act="enable:1"]')
    expect_text(page, ".sfn-panel-breakpoints .sfn-list", "(disabled)")
    page.wait_for_selector('[data-pointer="/States/Large?"][data-stop="off"]', timeout=WAIT)
    assert page.evaluate("() => document.activeElement.dataset.act") == "enable:1"
    page.keyboard.press("Space")
    page.wait_for_selector('.sfn-panel-breakpoints [data-act="enable:1"][aria-pressed="true"]', timeout=WAIT)
    page.click('.sfn-panel-breakpoints [data-act="remove:1"]')
    expect_text(page, ".sfn-panel-breakpoints", "None yet")


def test_the_history_is_filtered_gone_to_and_exported(show):
    page = show("events")
    press(page, "run")
    expect_text(page, ".sfn-panel-events", "ExecutionSucceeded")
    types, states = (page.locator(".sfn-panel-events select").nth(number) for number in (1, 0))
    types.select_option(label="TaskFailed")
    rows = page.locator(".sfn-panel-events tbody tr")
    page.wait_for_function(
        "() => document.querySelectorAll('.sfn-panel-events tbody tr').length === 1", timeout=WAIT
    )
    assert "Busy" in rows.inner_text()
    types.select_option(label="All types")
    states.select_option(label="Prepare")
    page.wait_for_function(
        "() => document.querySelectorAll('.sfn-panel-events tbody tr').length === 2", timeout=WAIT
    )
    states.select_option(label="All states")
    with page.expect_download() as download:
        click(page, "events", "Export")
    assert download.value.suggested_filename == "StateMachine-history.json"
    exported = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert exported["events"][0]["type"] == "ExecutionStarted"
    page.focus('.sfn-panel-events [data-act="go:1"]')
    page.keyboard.press("Enter")
    expect_status(page, Prepare="current", Charge="none")
    assert page.evaluate("() => document.activeElement.dataset.act") == "go:1"
    expect_text(page, '.sfn-panel-events tr[aria-current="true"]', "PassStateEntered")


def test_branches_are_compared_renamed_and_deleted(show):
    more = "debugger.run(); debugger.restart(); debugger.edit_input({'total': 1}); debugger.run()"
    page = show("branches", then=more)
    expect_text(page, ".sfn-panel-branches", "input of Prepare edited")
    page.click('[data-act="compare:main"]')
    expect_text(page, ".sfn-compared", "after Large? (StateExited)")
    expect_text(page, ".sfn-compared", "price as Standard")
    field(page, "branches", "Name").fill("small")
    click(page, "branches", "Rename")
    page.wait_for_selector('[data-act="switch:small"]', timeout=WAIT)
    page.click('[data-act="switch:main"]')
    page.wait_for_selector('[data-act="delete:small"]', timeout=WAIT)
    page.click('[data-act="delete:small"]')
    page.wait_for_selector('[data-act="switch:small"]', state="detached", timeout=WAIT)


def test_expressions_are_watched_and_texts_are_found(show):
    page = show("watch", "search")
    field(page, "watch", "Watch").fill("$states.input.total * 2")
    click(page, "watch", "Add")
    expect_text(page, ".sfn-panel-watch .sfn-list", "240")
    press(page, "run")
    field(page, "search", "Search").fill("p1")
    page.keyboard.press("Enter")
    expect_text(page, ".sfn-panel-search", "TaskSucceeded Charge")
    page.click('.sfn-panel-search [data-act^="go:"] >> nth=0')
    expect_status(page, Charge="current", Done="none")
    field(page, "search", "Search").fill("declined")
    page.keyboard.press("Enter")
    page.click('.sfn-panel-search [data-act="select:/States/Charge"]')
    page.wait_for_selector('[data-pointer="/States/Charge"][aria-pressed="true"]', timeout=WAIT)


def test_names_in_the_panels_are_text(show):
    more = (
        f"debugger.notes = ({ATTACK!r},); debugger.watches['a'] = '$.html'\n"
        f"debugger.breakpoints.add(when={json.dumps(f'$states.input = {ATTACK!r}')})\n"
    )
    page = show("why", "edit", "faults", "breakpoints", "watch", "events", "branches", "search",
                given={"total": 1, "html": ATTACK}, then=more)  # fmt: skip
    alerts = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    press(page, "run")
    expect_status(page, Done="succeeded")
    field(page, "search", "Search").fill("<img")
    page.keyboard.press("Enter")
    expect_text(page, ".sfn-panel-search", ATTACK)
    assert page.locator(f"{DEBUGGER} img").count() == 0
    assert alerts == []
    click(page, "notes", "I have read this")
    page.wait_for_selector(".sfn-panel-notes .sfn-message", state="detached", timeout=WAIT)
