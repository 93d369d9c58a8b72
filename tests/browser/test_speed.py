"""How quick the view is in a browser: prints the figures of the bars (run with -m benchmark)."""

import statistics
from itertools import pairwise

import pytest

from tests.browser.test_debugger import DEBUGGER, LAMBDA, cell, press

pytestmark = pytest.mark.benchmark

BARE = """
import ipywidgets
bare, count = ipywidgets.Button(description="bare"), ipywidgets.HTML("0")
bare.add_class("bare")
count.add_class("count")
def clicked(_):
    count.value = str(int(count.value) + 1)
bare.on_click(clicked)
ipywidgets.HBox([bare, count])
"""

# Shown: the words, which are sent after the graph, have changed, and a frame has been painted since.
CLICK_UNTIL_SHOWN = """([button, text]) => new Promise((done, failed) => {
  const words = () => document.querySelector(text).textContent;
  const before = words(), start = performance.now();
  const limit = setTimeout(() => failed(new Error('nothing was shown')), 5000);
  const look = () => {
    if (words() === before) return requestAnimationFrame(look);
    clearTimeout(limit);
    requestAnimationFrame(() => done(performance.now() - start));
  };
  document.querySelector(button).click();
  look();
})"""


def line(count, last):
    names = [f"S{number:03}" for number in range(count)]
    states = {name: {"Type": "Pass", "Next": after} for name, after in pairwise(names)}
    return {"StartAt": names[0], "States": states | {names[-1]: last}}


LINE = line(200, {"Type": "Succeed"})
AGAIN = {
    "Type": "Choice",
    "Choices": [{"Variable": "$.enough", "IsPresent": True, "Next": "End"}],
    "Default": "S000",
}
LOOP = line(199, AGAIN)
LOOP["States"]["End"] = {"Type": "Succeed"}
EACH = {"StartAt": "Charge", "States": {"Charge": {"Type": "Task", "Resource": LAMBDA, "End": True}}}
MAP = {"StartAt": "Map", "States": {"Map": {"Type": "Map", "ItemProcessor": EACH, "End": True}}}
RUN = "\ndebugger.run({})\ndebugger"

SITUATIONS = {
    "200 states": (LINE, '{"a": 1}', "", ""),
    "200 states, after 10,000 transitions": (LOOP, '{"a": 1}', "", RUN.format(10_000)),
    "a Map of 10,000 items, half done": (
        MAP, "list(range(10_000))", ", limits=None, tasks={'Charge': {'ok': True}}", RUN.format(40_000),
    ),
}  # fmt: skip


@pytest.fixture
def show(notebook):
    def show(definition, given, more="", then=""):
        code = cell(definition, given, more)
        code = f"{code.removesuffix('debugger')}{then.lstrip()}" if then else code
        page = notebook(code, BARE).page
        page.wait_for_selector(f"{DEBUGGER} .sfn-node", timeout=60_000)
        page.wait_for_selector(".count", timeout=60_000)
        return page

    return show


def timed(page, button, text, times=36):
    """Milliseconds of each click, without the first six."""
    return sorted([page.evaluate(CLICK_UNTIL_SHOWN, [button, text]) for _ in range(times)][6:])


@pytest.mark.parametrize("name", SITUATIONS)
def test_latency_of_a_step(show, capsys, name):
    page = show(*SITUATIONS[name])
    what = {"a bare button and a label": (".bare", ".count"), "Step": (".sfn-do-step", ".sfn-count")}
    for action, selectors in what.items():
        times = timed(page, *selectors)
        with capsys.disabled():
            median, p95 = statistics.median(times), times[int(len(times) * 0.95)]
            print(f"\n{name}: {action}, until shown: median {median:.0f} ms, p95 {p95:.0f} ms")  # noqa: T201
    assert page.locator(f"{DEBUGGER} [data-status]").count() > 1


DRAG = """([from, to]) => new Promise((done) => {
  const slider = document.querySelector('.sfn-scrubber input'), count = document.querySelector('.sfn-count');
  const seen = new Set(), start = performance.now();
  const steps = 120;
  let step = 0;
  const look = () => {
    seen.add(count.textContent);
    const wanted = Math.round(from + ((to - from) * Math.min(step++, steps)) / steps);
    if (step <= steps + 1) { slider.value = String(wanted); slider.dispatchEvent(new Event('input')); }
    if (step > steps + 1 && count.textContent.startsWith(to.toLocaleString('en'))) return done([seen.size, performance.now() - start]);
    requestAnimationFrame(look);
  };
  look();
})"""


def test_scrubbing_over_ten_thousand_transitions(show, capsys):
    page = show(*SITUATIONS["200 states, after 10,000 transitions"])
    shown, milliseconds = page.evaluate(DRAG, [10_000, 100])
    with capsys.disabled():
        print(f"\nscrubbing: {shown / milliseconds * 1000:.0f} pictures a second")  # noqa: T201
    assert shown > 2


def test_playing(show, capsys):
    page = show(LINE, "{}")
    page.select_option(f"{DEBUGGER} .sfn-toolbar select >> nth=0", label="20 a second")
    press(page, "play")
    page.wait_for_timeout(3000)
    press(page, "pause")
    position = int(page.locator(f"{DEBUGGER} .sfn-count").inner_text().partition(" ")[0])
    with capsys.disabled():
        print(f"\nplaying at 20 a second: {position / 3:.0f} transitions a second")  # noqa: T201
    assert position > 2


OPEN = """
import time
began = time.perf_counter()
shown = debugger.show()
bundle = shown._repr_mimebundle_()
print("opened in", round(1000 * (time.perf_counter() - began)), "ms")
"""


def test_opening_a_session_of_ten_thousand_transitions(notebook, capsys):
    code = cell(LOOP, '{"a": 1}').removesuffix("debugger") + "_ = debugger.run(10_000)"
    page = notebook(code, OPEN).page
    output = page.locator('.jp-OutputArea-output pre:has-text("opened in")')
    output.wait_for(timeout=60_000)
    with capsys.disabled():
        print(f"\na session of 10,000 transitions: {output.inner_text()}")  # noqa: T201
    assert page.locator(DEBUGGER).count() == 0
