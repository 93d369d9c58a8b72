"""The retry lab in JupyterLab: what moves is seen, compared, copied; by keyboard, narrow and in the dark."""

import json
import statistics

import pytest

from tests.browser.test_access import serious
from tests.browser.test_debugger import ATTACK, LAMBDA, WAIT, expect_text
from tests.browser.test_speed import BARE, CLICK_UNTIL_SHOWN

LAB = ".sfn-lab"
FIRST = "import sfnbook\nlab = sfnbook.RetryLab()\nlab"
CHARTS = f"{LAB} .sfn-chart svg"
MACHINE = {
    "StartAt": "Charge",
    "States": {
        "Charge": {
            "Type": "Task",
            "Resource": LAMBDA,
            "Retry": [
                {"ErrorEquals": [ATTACK], "IntervalSeconds": 2},
                {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 30, "MaxAttempts": 2},
            ],
            "End": True,
        }
    },
}


@pytest.fixture
def shown(notebook):
    """A notebook that shows a lab."""

    def show(*cells, place="lab"):
        opened = notebook(*(cells or [FIRST]), place=place)
        opened.page.wait_for_selector(CHARTS, timeout=30_000)
        opened.page.wait_for_selector(f"{LAB} .sfn-slider input", timeout=WAIT)
        return opened

    return show


def slider(page, label):
    return page.locator(f"{LAB} .sfn-slider:visible", has=page.locator(f'label:text-is("{label}")'))


def field(page, label):
    return slider(page, label).locator("input[type=text]")


def drag(page, label, to):
    """Take the thumb of a slider and move it to a part of its length, in some steps."""
    box = slider(page, label).locator("input[type=range]").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * to, middle, steps=8)
    page.mouse.up()


def pick(page, group, option):
    one = page.locator(f"{LAB} .sfn-segments", has=page.locator(f'span:text-is("{group}")'))
    one.locator("label", has_text=option).click()


def expect_asl(page, text):
    page.wait_for_function(
        "([one, text]) => document.querySelector(one)?.value.includes(text)",
        arg=[f"{LAB} .sfn-copying textarea", text],
        timeout=WAIT,
    )


def test_dragging_a_slider_changes_the_pictures_and_the_policy(shown):
    page = shown().page
    before = page.locator(CHARTS).all_text_contents()
    drag(page, "IntervalSeconds", 0.5)
    seconds = field(page, "IntervalSeconds").input_value()
    assert int(seconds) > 5
    expect_asl(page, f'"IntervalSeconds": {seconds}')
    expect_text(page, CHARTS, "10,000 runs each")  # it rests
    after = page.locator(CHARTS).all_text_contents()
    assert len(after) == 5
    assert [one for one in range(5) if before[one] == after[one]] == []


@pytest.mark.parametrize("place", ["notebook", "voila"])
def test_it_moves_in_other_places(shown, place):
    page = shown(place=place).page
    slider(page, "MaxAttempts").locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    expect_asl(page, '"MaxAttempts": 7')
    expect_text(page, CHARTS, "10,000 runs each")


def test_a_and_b_are_compared(shown):
    page = shown().page
    pick(page, "Policy", "A")
    expect_text(page, f"{LAB} .sfn-advice", "no jitter")
    pick(page, "JitterStrategy", "FULL")
    expect_asl(page, '"JitterStrategy": "FULL"')
    drag(page, "MaxAttempts", 0)
    expect_text(page, f"{LAB} .sfn-figures", "succeeds")
    cells = page.locator(f'{LAB} .sfn-figures tr:has(th:text-is("succeeds")) td').all_inner_texts()
    few, many = (float(cell.removesuffix(" %")) for cell in cells)
    assert few < 90 < many
    pick(page, "Policy", "B")
    expect_asl(page, '"MaxAttempts": 6')


def test_bad_values_are_told_beside_their_field_and_kept(shown):
    page = shown().page
    field(page, "BackoffRate").fill("0.5")
    page.keyboard.press("Enter")
    expect_text(page, f"{LAB} .sfn-problem", "Minimum value is 1")
    assert field(page, "BackoffRate").input_value() == "0.5"
    field(page, "Clients").fill("a few")
    page.keyboard.press("Tab")
    expect_text(page, f"{LAB} .sfn-problem", "whole number")
    assert field(page, "Clients").input_value() == "a few"
    expect_asl(page, '"BackoffRate": 2')
    field(page, "BackoffRate").fill("3")
    page.keyboard.press("Enter")
    expect_asl(page, '"BackoffRate": 3')


def test_the_retry_field_is_copied(shown, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = shown().page
    page.click(f"{LAB} .sfn-copy")
    expect_text(page, f"{LAB} .sfn-copying [role=status]", "Copied")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert json.loads(f"{{{copied}}}")["Retry"][0]["JitterStrategy"] == "FULL"


def test_a_machines_retriers_are_chosen_and_names_are_text(shown):
    code = f"import json, sfnbook\nlab = sfnbook.RetryLab(json.loads({json.dumps(json.dumps(MACHINE))}), 'Charge')\nlab"
    page = shown(code).page
    pick(page, "Retrier", "2: States.ALL")
    page.wait_for_function(
        "one => document.querySelector(one).value === '30'",
        arg=f"{LAB} .sfn-slider input[type=text]",
        timeout=WAIT,
    )
    expect_text(page, f"{LAB} .sfn-segments", ATTACK)
    assert page.locator(f"{LAB} img").count() == 0


def test_what_code_does_is_seen(shown):
    opened = shown(FIRST, "_ = lab.set(IntervalSeconds=45, clients=7)")
    page = opened.page
    expect_asl(page, '"IntervalSeconds": 45')
    assert field(page, "Clients").input_value() == "7"


def test_by_keyboard_and_the_notebook_keeps_its_hands_off(shown):
    page = shown().page
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    slider(page, "MaxAttempts").locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    expect_asl(page, '"MaxAttempts": 7')
    page.keyboard.press("b")
    page.locator(f"{LAB} .sfn-segments input:checked").first.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("d")
    page.keyboard.press("d")
    expect_text(page, f"{LAB} .sfn-advice b", "A")
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    assert page.locator(f"{LAB} input[type=range]").first.get_attribute("aria-valuetext") == "1 s"


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_no_serious_fault(shown, theme):
    opened = shown()
    opened.theme(theme)
    try:
        field(opened.page, "BackoffRate").fill("0")
        opened.page.keyboard.press("Enter")
        expect_text(opened.page, f"{LAB} .sfn-problem", "Minimum value is 1")
        assert serious(opened.page) == []
    finally:
        opened.theme("JupyterLab Light")


@pytest.mark.parametrize("width", [1360, 700])
def test_nothing_is_wider_than_its_cell(shown, width):
    page = shown().page
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(300)
    for one in (LAB, f"{LAB} .sfn-pictures", f"{LAB} .sfn-slider"):
        sizes = page.eval_on_selector(one, "one => [one.scrollWidth, one.clientWidth]")
        assert sizes[0] <= sizes[1]


def test_running_the_cell_again_leaves_one_lab(shown):
    count = "from ipywidgets.widgets.widget import _instances\nprint('widgets', len(_instances))"
    opened = shown(FIRST, count)
    page = opened.page
    expect_text(page, ".jp-OutputArea-output pre", "widgets ")
    alive = page.inner_text('.jp-OutputArea-output pre:has-text("widgets")')
    for _ in range(2):
        opened.run()
        page.wait_for_timeout(1_000)
        opened.idle()
    page.wait_for_selector(CHARTS, timeout=WAIT)
    assert page.locator(LAB).count() == 1
    assert page.inner_text('.jp-OutputArea-output pre:has-text("widgets")') == alive


# Moved: the slider says so. Shown: the schedule, the load, the distribution and the figures have changed, and
# a frame has been painted since.
MOVE_UNTIL_SHOWN = """([stop, range, parts]) => new Promise((done, failed) => {
  const words = () => parts.map((one) => document.querySelector(one).textContent);
  const slider = document.querySelector(range);
  const before = words(), start = performance.now();
  const limit = setTimeout(() => failed(new Error('nothing was shown: ' + parts.filter((_, n) => words()[n] === before[n]))), 5000);
  const look = () => {
    if (words().some((text, number) => text === before[number])) return requestAnimationFrame(look);
    clearTimeout(limit);
    requestAnimationFrame(() => done(performance.now() - start));
  };
  slider.value = String(stop);
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  look();
})"""
WITHOUT_NUMPY = """import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "numpy" else find(name, *more)
"""


@pytest.mark.benchmark
@pytest.mark.parametrize("without", ["", WITHOUT_NUMPY], ids=["with NumPy", "without NumPy"])
def test_latency_of_a_slider(shown, capsys, without):
    """Beside it a bare button that changes a label: what the way there and back takes on this machine."""
    page = shown(without + FIRST, BARE).page
    page.wait_for_selector(".count", timeout=WAIT)
    page.wait_for_timeout(4_000)
    first = f"{LAB} .sfn-slider:nth-child(1 of .sfn-slider) input[type=range]"
    parts = [f"{LAB} .sfn-chart:nth-child({number})" for number in (2, 4, 5)] + [f"{LAB} .sfn-figures"]
    kinds = {
        "a bare button": (0, lambda _: page.evaluate(CLICK_UNTIL_SHOWN, [".bare", ".count"])),
        "one move after the other": (30, lambda stop: page.evaluate(MOVE_UNTIL_SHOWN, [stop, first, parts])),
        "a move after a rest": (450, lambda stop: page.evaluate(MOVE_UNTIL_SHOWN, [stop, first, parts])),
    }
    for what, (pause, move) in kinds.items():
        times = []
        for number in range(36):
            page.wait_for_timeout(pause)
            times.append(move(5 + number % 2 * 3 + number % 3))
        times = sorted(times[6:])
        with capsys.disabled():
            median, p95 = statistics.median(times), times[int(len(times) * 0.95)]
            print(f"\n{what}, until shown: median {median:.0f} ms, p95 {p95:.0f} ms (bar: 150 ms)")  # noqa: T201
