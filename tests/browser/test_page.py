"""The page of a session in a browser: by keyboard, by mouse, on paper, without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.debugging import debug_map

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def address(tmp_path: Path) -> str:
    debugger = debug_map()
    debugger.run()
    debugger.to_html(tmp_path / "page.html")
    return (tmp_path / "page.html").as_uri()


def test_keys_the_slider_and_a_state_move_through_the_session(browser: Any, address: str) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda problem: said.append(str(problem)))
    page.goto(address)
    length = int(page.get_attribute("#slider", "max"))

    def where() -> int:
        return int(page.text_content("#where").split()[0])

    assert where() == length
    for key, expected in (
        ("Home", 0),
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", length),
    ):
        page.keyboard.press(key)
        assert where() == expected
    page.focus("#slider")
    page.keyboard.press("ArrowLeft")
    assert where() == length - 1
    state = page.locator('[data-pointer="/States/Orders"]')
    page.click("#first")
    state.focus()
    page.keyboard.press("Enter")
    assert page.text_content("#said") == "Orders was entered"
    assert state.get_attribute("data-status") == "current"
    assert state.get_attribute("aria-label") == "Orders, Map, running"
    page.locator("#near button").first.click()
    assert where() == 1
    assert said == []
    page.close()


def test_without_a_script_the_moment_is_there(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert "it needs JavaScript" in page.inner_text("body")
    assert page.locator('[data-pointer="/States/Last"][data-status="succeeded"]').count() == 1
    assert page.locator("#controls").is_hidden()
    context.close()


def test_on_paper_it_is_light_without_controls(browser: Any, address: str) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(address)
    page.emulate_media(media="print")
    assert page.locator("#controls").is_hidden()
    paper = page.evaluate("getComputedStyle(document.querySelector('svg .sfn-paper')).fill")
    assert paper == "rgb(255, 255, 255)"
    page.close()
