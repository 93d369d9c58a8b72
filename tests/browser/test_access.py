"""Everybody can use the debugger: by keyboard, with a screen reader, in the dark, narrow, enlarged, on paper."""

import json
from pathlib import Path

import pytest

from sfnbook.widgets.panels import FIRST, PANELS
from tests.browser.test_debugger import (
    ATTACK,
    DEBUGGER,
    LAMBDA,
    ORDER,
    WAIT,
    cell,
    expect_status,
    expect_text,
    panel,
    press,
)

RETRY = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10}]
EACH = {
    "StartAt": "Charge",
    "States": {"Charge": {"Type": "Task", "Resource": LAMBDA, "Retry": RETRY, "End": True}},
}
MAP = {
    "StartAt": "Orders",
    "States": {
        "Orders": {
            "Type": "Map",
            "ItemProcessor": EACH,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Clean up"}],
            "Next": "Done",
        },
        "Clean up": {"Type": "Pass", "End": True},
        "Done": {"Type": "Succeed"},
    },
}
ANSWERS = """, tasks={'Charge': sfnbook.tasks.iterations({7: sfnbook.tasks.failure('Damaged'),
    3: sfnbook.tasks.attempts(sfnbook.tasks.failure('Busy'), {})}, {'ok': True})}"""


@pytest.fixture
def opened(notebook):
    def opened(definition, given="{}", more="", then=()):
        made = notebook(cell(definition, given, more), *then)
        made.page.wait_for_selector(f"{DEBUGGER} :is(.sfn-node, svg)", timeout=15_000)
        return made

    return opened


def serious(page):
    """The faults that axe-core calls serious or critical, each with the first element that has it."""
    import axe_playwright_python

    script = Path(axe_playwright_python.__file__).with_name("axe.min.js")
    page.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run('.sfn-debugger', {resultTypes: ['violations']})")
    return [
        (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def test_axe_finds_no_serious_fault(opened):
    made = opened(MAP, "list(range(12))", ANSWERS)
    page = made.page
    for name in PANELS:
        if PANELS[name].place != "head" and name not in FIRST:
            panel(page, name)
    press(page, "run")
    expect_status(page, Orders="caught")
    page.click('[data-pointer="/States/Orders"] .sfn-name')
    page.wait_for_selector(f"{DEBUGGER} .sfn-iterations", state="visible", timeout=WAIT)
    assert serious(page) == []
    made.theme("JupyterLab Dark")
    try:
        assert serious(page) == []
    finally:
        made.theme("JupyterLab Light")


def test_the_failed_iteration_of_a_map_is_one_click_away(opened):
    page = opened(MAP, "list(range(12))", ANSWERS).page
    press(page, "run")
    expect_status(page, Orders="caught")
    expect_text(page, '[data-pointer="/States/Orders"] .sfn-note-text', "1 failed")
    page.click('[data-pointer="/States/Orders"] .sfn-name')
    page.click(f'{DEBUGGER} .sfn-iterations button:has-text("Failed")')
    expect_text(page, f"{DEBUGGER} .sfn-iterations", "Orders[7]")
    page.fill(f"{DEBUGGER} .sfn-iterations input", "3")
    page.keyboard.press("Tab")
    expect_text(page, f"{DEBUGGER} .sfn-iterations", "Orders[3]")


def test_breakpoints_are_set_by_a_click_on_their_place(opened):
    page = opened(ORDER, more=", tasks={'Charge': {}}").page
    page.hover('[data-pointer="/States/Charge"]')
    page.click('[data-pointer="/States/Charge"] .sfn-stop')
    page.wait_for_selector('[data-pointer="/States/Charge"][data-stop]', timeout=WAIT)
    press(page, "run")
    expect_status(page, Charge="current")
    expect_text(page, f"{DEBUGGER} .sfn-card", "Stopped by the breakpoint")


def test_the_ways_that_were_taken_stand_out(opened):
    page = opened(ORDER, more=", tasks={'Charge': sfnbook.tasks.failure('Broken')}").page
    press(page, "run")
    expect_status(page, Charge="caught", Refund="succeeded")
    assert page.locator(f"{DEBUGGER} .sfn-way[data-taken]").count() == 4
    assert page.locator(f"{DEBUGGER} .sfn-way.sfn-catch[data-taken]").count() == 1


def test_the_picture_is_panned_zoomed_and_followed(opened):
    page = opened(ORDER, more=", tasks={'Charge': {}}").page
    seen = lambda: page.get_attribute(f"{DEBUGGER} .sfn-stage > svg", "viewBox")  # noqa: E731
    before = seen()
    for _ in range(3):
        page.click(f'{DEBUGGER} button[title="Zoom in"]')
    assert seen() != before
    follow = page.locator(f'{DEBUGGER} button[title="Follow the current state"]')
    follow.click()
    assert follow.get_attribute("aria-pressed") == "false"
    zoomed = seen()
    press(page, "run")
    expect_status(page, Done="succeeded")
    assert seen() == zoomed
    page.click(f'{DEBUGGER} button[title="Show all of it"]')
    assert seen() != zoomed


def test_nothing_is_wider_than_its_cell(opened):
    page = opened(ORDER, more=", tasks={'Charge': {}}").page
    for name in ("edit", "timeline", "events"):
        panel(page, name)
    press(page, "run")
    expect_status(page, Done="succeeded")
    # 680 is also how wide a window of 1360 pixels is at 200 %.
    for width in (1360, 900, 680):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(200)
        sizes = page.eval_on_selector(DEBUGGER, "one => [one.scrollWidth, one.clientWidth]")
        assert sizes[0] <= sizes[1]


def test_a_view_is_made_larger_with_fewer_panels(opened):
    code = cell(ORDER, "{}", ", tasks={'Charge': {}}").rpartition("\n")[0]
    made = opened(ORDER, then=[f"{code}\ndebugger.show(panels=('graph',), scale=1.5, height=300)"])
    page = made.page
    page.wait_for_function("() => document.querySelectorAll('.sfn-debugger .sfn-stage svg').length === 2")
    one, two = (page.locator(DEBUGGER).nth(number) for number in (0, 1))
    heights = [view.locator(".sfn-do-next").bounding_box()["height"] for view in (one, two)]
    assert heights[1] == pytest.approx(1.5 * heights[0], rel=0.05)
    assert two.locator(".sfn-stage").bounding_box()["height"] <= 1.5 * 300 + 1
    assert two.locator(".sfn-panel-data").count() == 0
    two.locator(".sfn-do-run").click()
    two.locator('[data-pointer="/States/Done"][data-status="succeeded"]').wait_for(timeout=WAIT)


def test_a_plain_view_works_where_the_front_end_of_anywidget_is_missing(opened):
    code = cell(ORDER, json.dumps({ATTACK: 1}), ", tasks={'Charge': {}}").rpartition("\n")[0]
    page = opened(ORDER, then=[f"{code}\ndebugger.show(plain=True)"]).page
    plain = page.locator(DEBUGGER).nth(1)
    plain.locator(".sfn-do-next").click()
    plain.locator('[data-pointer="/States/Prepare"][data-status="succeeded"]').wait_for(timeout=WAIT)
    plain.get_by_label("State", exact=True).select_option(label="Prepare")
    plain.locator(".sfn-heading:has-text('Prepare')").wait_for(timeout=WAIT)
    assert plain.locator("img").count() == 0


def test_on_paper_there_is_nothing_to_press(opened):
    page = opened(ORDER, more=", tasks={'Charge': {}}").page
    press(page, "run")
    expect_status(page, Done="succeeded")
    page.emulate_media(media="print")
    for hidden in (".sfn-do-next", ".sfn-menu", ".sfn-scrubber", ".sfn-zoom"):
        assert page.locator(f"{DEBUGGER} {hidden}").is_hidden()
    assert page.locator(f"{DEBUGGER} .sfn-card").first.is_visible()
    page.emulate_media(media="screen")


def test_a_saved_notebook_shows_the_moment_at_which_it_was_left_without_a_kernel(opened):
    made = opened(ORDER, more=", tasks={'Charge': {}}")
    page = made.page
    press(page, "next")
    expect_status(page, Prepare="succeeded", Charge="current")
    page.focus(f"{DEBUGGER} .sfn-do-next")
    page.wait_for_function(
        "() => JSON.stringify(window.jupyterapp.shell.currentWidget.context.model.toJSON())"
        """.includes('data-pointer=\\\\"/States/Prepare\\\\" data-type=\\\\"Pass\\\\" data-status=\\\\"succeeded')""",
        timeout=WAIT,
    )
    assert page.evaluate("() => document.activeElement.classList.contains('sfn-do-next')")
    made.run("docmanager:save")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=WAIT)
    saved = json.loads(made.file.read_text(encoding="utf-8"))
    picture = "".join(saved["cells"][0]["outputs"][0]["data"]["image/svg+xml"])
    assert 'data-pointer="/States/Prepare" data-type="Pass" data-status="succeeded"' in picture
    assert 'data-pointer="/States/Charge" data-type="Task" data-status="current"' in picture
    press(page, "next")
    expect_status(page, Charge="succeeded")
