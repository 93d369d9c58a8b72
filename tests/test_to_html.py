"""The page of a session: all of it is data, nothing is markup, and ten thousand transitions fit."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

import sfnbook
from sfnbook.debugger import Debugger
from sfnbook.drawing.statuses import Statuses
from sfnbook.sessions import page
from tests.debugging import CHARGE, LINE, MACHINES, debug, debug_map, task
from tests.machines import block

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "</script><img src=x onerror=alert(1)>\u2028{{DATA}}&amp;"


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="session">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    made: dict[str, Any] = json.loads(found[1])
    return made


class Elements(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", MACHINES)
def test_each_step_leads_to_the_statuses_that_the_debugger_shows(name: str) -> None:
    debugger = MACHINES[name]()
    debugger.run()
    data = data_of(debugger.to_html())
    texts, shown = data["texts"], {}
    follower = Statuses()
    for number, step in enumerate(data["steps"]):
        for pointer, before, after in step["s"]:
            assert shown.get(texts[pointer]) == (None if before is None else texts[before])
            shown[texts[pointer]] = None if after is None else texts[after]
        states = follower.follow(debugger.execution.changes, number + 1).states()
        assert {pointer: status for pointer, status in shown.items() if status} == states


def test_what_is_told_of_a_step() -> None:
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": sfnbook.tasks.failure("E", "why not")})
    debugger.run()
    debugger.goto(4)
    data = data_of(debugger.to_html())
    step, texts = data["steps"][4], data["texts"]
    assert (data["cursor"], len(data["steps"])) == (5, debugger.length)
    assert [texts[step[key]] for key in ("k", "p", "at", "e", "c")] == [
        "TaskFailed", "Charge", "/States/Charge", "E", "why not",
    ]  # fmt: skip
    name, value = step["f"][0]
    assert (texts[name], json.loads(texts[value])) == ("input", {"n": 1})
    assert [[number, texts[kind]] for number, kind in step["h"]] == [[5, "LambdaFunctionFailed"]]


def test_what_people_wrote_is_never_markup() -> None:
    states = {EVIL: {"Type": "Pass", "Parameters": {EVIL: EVIL}, "Next": "T"}, "T": task(End=True)}
    machine = sfnbook.load({"StartAt": EVIL, "States": states}, name=EVIL)
    debugger = Debugger(machine, {"x": EVIL}, tasks={"T": sfnbook.tasks.failure("E", EVIL)})
    debugger.run()
    text = debugger.to_html()
    found = Elements(text).found
    assert [tag for tag, _ in found if tag in {"img", "script"}] == ["script", "script"]
    assert not [attributes for _, attributes in found if any(name.startswith("on") for name in attributes)]
    assert "\u2028" not in text.partition('id="session">')[2]
    assert EVIL in data_of(text)["texts"]


def test_nothing_is_loaded() -> None:
    debugger = debug(LINE)
    debugger.run()
    text = debugger.to_html()
    addresses = [
        value
        for _, attributes in Elements(text).found
        for name, value in attributes.items()
        if name in {"src", "href", "xlink:href", "data", "action"}
    ]
    assert addresses == []
    assert "default-src 'none'" in text
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|eval\(|innerHTML|url\(", text)


def test_a_long_value_is_cut_and_its_size_told() -> None:
    debugger = debug(LINE, {"long": "x" * 10_000})
    debugger.run()
    texts = data_of(debugger.to_html())["texts"]
    assert max(map(len, texts)) < page.LONGEST_TEXT + 100
    assert any(text.endswith("... (10,011 bytes in all)") for text in texts)


def test_what_would_make_the_page_too_large_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LONGEST_TEXTS", 300)
    debugger = debug_map(items=range(50), answer=lambda event: {"item": event, "more": "x" * 50})
    debugger.run()
    text = debugger.to_html()
    assert "bytes, left out of this page)" in text
    assert re.search(r"<p>[\d,]+ values are left out of this page", text)


def test_a_page_with_stand_ins_has_no_value_that_was_found(tmp_path: Path) -> None:
    states = block(
        A={
            "Type": "Pass",
            "Parameters": {"t.$": "States.Format('card {}', $.card)", "card.$": "$.card"},
            "Next": "C",
        },
        C={"Type": "Choice", "Choices": [{"Variable": "$.card", "StringEquals": "4111-2222", "Next": "D"}]},
        D={"Type": "Succeed"},
    )
    debugger = debug(states, {"card": "4111-2222"})
    debugger.run()
    text = debugger.to_html(tmp_path / "page.html", redact=["$..card"])
    assert "4111" not in text
    assert "0000-0001" in text
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == text
    assert "4111" in debugger.to_html()


def test_ten_thousand_transitions_fit() -> None:
    debugger = debug_map(items=[{"order": number} for number in range(1_200)], answer=lambda event: event)
    debugger.run()
    assert debugger.length > 10_000
    assert len(debugger.to_html()) < 5_000_000


def test_before_the_first_step() -> None:
    text = debug(LINE).to_html()
    assert data_of(text)["steps"] == []
    assert "0 of 0 transitions: nothing has happened yet" in text
