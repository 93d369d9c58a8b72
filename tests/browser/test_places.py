"""The same debugger in JupyterLab, Notebook 7 and Voila: what a person would click works in each."""

import pytest

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
