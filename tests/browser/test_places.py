"""The same in JupyterLab, Notebook 7 and Voila: what a person would click works in each, and what is shown is text."""

import pytest

from tests.browser import test_panels as panels
from tests.browser.test_debugger import DEBUGGER, ORDER, WAIT, cell, expect_status, expect_text, panel, press

PLACES = ("lab", "notebook", "voila")


@pytest.fixture(params=PLACES)
def page(request, notebook):
    """The page of a notebook that shows a debugger, in each place."""
    code = cell(ORDER, '{"id": 1}', ", tasks={'Charge': {'paid': True}}")
    opened = notebook(code, place=request.param)
    opened.page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=30_000)
    return opened.page


def test_it_steps_scrubs_plays_and_presents(page):
    press(page, "next")
    expect_status(page, Prepare="succeeded", Charge="current")
    page.focus('[data-pointer="/States/Charge"]')
    page.keyboard.press("F9")
    page.wait_for_selector('[data-pointer="/States/Charge"][data-stop]', timeout=WAIT)
    page.keyboard.press("F10")
    expect_status(page, Charge="current")
    page.keyboard.press("F5")
    expect_status(page, Charge="succeeded", Done="succeeded")
    page.focus(f"{DEBUGGER} .sfn-scrubber input")
    page.keyboard.press("Home")
    expect_status(page, Prepare="none", Charge="none")
    page.keyboard.press("End")
    expect_status(page, Done="succeeded")
    panel(page, "timeline")
    page.click(f'{DEBUGGER} .sfn-bar[aria-label^="Prepare"]')
    expect_status(page, Prepare="current")
    page.select_option(f"{DEBUGGER} .sfn-toolbar select >> nth=0", label="20 a second")
    press(page, "play")
    expect_status(page, Charge="current")  # at the breakpoint
    press(page, "play")
    expect_status(page, Done="succeeded")
    page.click(f"{DEBUGGER} .sfn-do-present")
    page.wait_for_selector(f"{DEBUGGER}.sfn-presenting", timeout=WAIT)
    page.keyboard.press("Escape")
    page.wait_for_selector(f"{DEBUGGER}:not(.sfn-presenting)", timeout=WAIT)
    expect_text(page, f"{DEBUGGER} .sfn-totals", "11 transitions")


@pytest.mark.parametrize("place", [place for place in PLACES if place != "lab"])
def test_the_panels_work_outside_of_jupyterlab(notebook, place):
    """What `test_panels` does in JupyterLab, once through."""
    page = notebook(panels.cell(), place=place).page
    page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=30_000)
    for name in ("why", "edit", "faults", "breakpoints", "watch", "events", "branches", "search"):
        panel(page, name)
        page.wait_for_selector(f".sfn-panel-{name}", timeout=WAIT)
    panels.field(page, "faults", "Error").fill("Declined")
    panels.click(page, "faults", "Inject")
    expect_text(page, ".sfn-panel-faults .sfn-list", "Charge fails with Declined")
    page.click('.sfn-panel-faults [data-act="remove:0"]')
    panels.field(page, "breakpoints", "State").fill("Large?")
    panels.click(page, "breakpoints", "Add")
    expect_text(page, ".sfn-panel-breakpoints .sfn-list", "on enter of Large?")
    panels.field(page, "watch", "Watch").fill("$states.input.total * 2")
    panels.click(page, "watch", "Add")
    expect_text(page, ".sfn-panel-watch .sfn-list", "240")
    press(page, "run")
    expect_text(page, ".sfn-panel-breakpoints .sfn-list", "stopped here")
    expect_text(page, ".sfn-panel-data", "Large?")
    expect_text(page, ".sfn-panel-why", "Large?")
    press(page, "restart")
    later = "code => document.querySelector(code).textContent.includes('payment')"
    page.wait_for_function(f"code => !({later})(code)", arg=panels.CODE, timeout=WAIT)
    page.locator(panels.CODE).fill('{"total": 5}')
    panels.click(page, "edit", "Apply")
    expect_text(page, ".sfn-panel-branches", "input of Prepare edited")
    press(page, "run")
    press(page, "run")
    expect_status(page, Done="succeeded", Review="none")
    expect_text(page, ".sfn-panel-events", "ExecutionSucceeded")
    page.click('[data-act="compare:main"]')
    expect_text(page, ".sfn-compared", "price as Standard")
    panels.field(page, "search", "Search").fill("p1")
    page.keyboard.press("Enter")
    page.click('.sfn-panel-search [data-act^="go:"] >> nth=0')
    expect_status(page, Charge="current", Done="none")


@pytest.mark.parametrize("place", [place for place in PLACES if place != "lab"])
def test_a_question_is_answered_outside_of_jupyterlab(notebook, place):
    page = notebook(panels.cell(tasks="None"), place=place).page
    page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=30_000)
    press(page, "run")
    expect_text(page, ".sfn-question", "Charge asks")
    panels.click(page, "ask", "Answer")
    expect_status(page, Done="succeeded")


@pytest.mark.parametrize("place", ["lab", "notebook"])
def test_two_dollars_begin_no_formula(notebook, place):
    paths = "$.a (2) is not $.b (3)"
    book = notebook(
        f'from sfnbook.tables import Table\nTable([{{"why": "{paths}"}}])',
        'from IPython.display import HTML\nHTML("<p>$x + y$</p>")',
        place=place,
    )
    book.page.wait_for_selector("mjx-container")  # the second cell's: formulas are typeset here
    assert book.page.locator("mjx-container").count() == 1
    assert book.page.locator("td", has_text=paths).count() == 1
