"""Makes the pictures of the debugger in docs/: ``python -m tests.browser.pictures [name ...]``.

Each is a real notebook in JupyterLab: a definition is run, some things are clicked, and the view is
photographed.  Look at them before they are committed.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.browser.conftest import CHROMIUM, FLAGS, ROOT, VIEWPORT, Notebook, Server

DOCS = ROOT / "docs"
ORDER = (DOCS / "order.asl.json").read_text(encoding="utf-8")
CODE = '''import sfnbook

machine = sfnbook.load("""{order}""", name="Order")
items = [{{"sku": f"A-{{n}}", "count": n % 3 + 1}} for n in range({many})]


def charge(event, context):
    if context.attempt < {busy}:
        raise sfnbook.TaskFailure("Busy", "429 from the payment service")
    if event["total"] > 500:
        raise sfnbook.TaskFailure("Declined", "The card was declined")
    return {{"id": "pay-81", "paid": event["total"]}}


found = sfnbook.tasks.result({{"found": True}}, seconds=20)
debugger = sfnbook.Debugger(
    machine, {{"total": {total}, "items": items}}, tasks={{"Charge": charge, "Fetch": {fetch}}}
)
{then}debugger'''
DAMAGED = "sfnbook.tasks.iterations({17: sfnbook.tasks.failure('Damaged', 'broken glass', seconds=7)}, found)"
COMPARED = """debugger.run()
debugger.restart()
debugger.run_to("Charge")
debugger.edit_input({"total": 999, "items": items})
debugger.run()
"""


def code(*, many=3, busy=1, total=250, fetch="found", then=""):
    return CODE.format(order=ORDER, many=many, busy=busy, total=total, fetch=fetch, then=then)


class Picture(NamedTuple):
    """What is run, and what is done in the page before it is taken."""

    code: str
    act: Callable[[Any], None]
    theme: str = "JupyterLab Light"


def press(*names):
    def act(page):
        for name in names:
            page.click(f".sfn-debugger .sfn-{name}")
            page.wait_for_timeout(250)

    return act


def to_the_retry(page):
    press("do-next")(page)
    for _ in range(6):
        press("do-step")(page)


def to_the_failed_iteration(page):
    press("do-run")(page)
    page.wait_for_selector('[data-pointer="/States/Pack"][data-status="failed"]')
    page.click('[data-pointer="/States/Pack"] .sfn-name')
    page.click('.sfn-iterations button:has-text("Failed")')
    page.click('[data-pointer$="/States/Fetch"]')


def to_the_comparison(page):
    press("open-data", "open-branches")(page)
    page.click('.sfn-panel-branches button:has-text("Compare")')


PICTURES = {
    "mid-run": Picture(code(busy=3), to_the_retry),
    "failed": Picture(code(total=999), press("do-run")),
    "caught": Picture(code(total=999), press("do-run", "do-back", "do-back", "open-data", "open-why")),
    "map-with-failures": Picture(code(many=100, fetch=DAMAGED), to_the_failed_iteration),
    "timeline": Picture(code(many=6, busy=3), press("do-run", "open-data", "open-timeline")),
    "branches-compared": Picture(code(then=COMPARED), to_the_comparison),
    "dark": Picture(code(busy=3), press("do-run"), "JupyterLab Dark"),
}


def take(server, page, name, picture):
    made = Notebook(server, page, [picture.code])
    try:
        page.set_viewport_size(VIEWPORT | {"height": 2400})  # all of the view in sight
        made.theme(picture.theme)
        made.run()
        page.wait_for_selector(".sfn-debugger .sfn-node")
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
        picture.act(page)
        page.mouse.move(0, 0)
        page.wait_for_timeout(800)
        page.locator(".sfn-debugger").screenshot(path=DOCS / f"debugger-{name}.png")
        page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    finally:
        made.close()
    assert made.errors == []


def main(names):
    from playwright.sync_api import sync_playwright

    server = Server(Path(tempfile.mkdtemp()))
    try:
        server.wait()
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
            page = chromium.new_context(viewport=VIEWPORT).new_page()
            for name in names or PICTURES:
                take(server, page, name, PICTURES[name])
    finally:
        server.close()


if __name__ == "__main__":
    main(sys.argv[1:])
