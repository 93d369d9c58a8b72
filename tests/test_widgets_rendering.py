"""What the debugger's view says, without a widget: JSON with its changes, times, sentences."""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.clock import duration
from sfnbook.debugging.telling import SAID
from sfnbook.drawing.svg import STATUSES
from sfnbook.errors import UsageError
from sfnbook.frames import KINDS
from sfnbook.widgets import documents, words
from sfnbook.widgets.documents import ABSENT, UNCOMPARED, json_html, json_lines, same
from sfnbook.widgets.forms import parsed, printed
from sfnbook.widgets.panels.faults import attempts_of
from sfnbook.widgets.stages import definition_html, stages_html

ATTACK = "<img src=x onerror=alert(1)>"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Tags(HTMLParser):
    """Which elements and what text a browser would make of it."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.handlers = [], "", []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text += data


@given(JSON)
def test_the_lines_of_a_value_are_its_json_text(value):
    text = "".join(line.label + line.value for line in json_lines(value))
    if "characters)" not in text:
        assert same(json.loads(text), value)


@given(JSON, JSON)
def test_the_lines_that_are_not_gone_are_the_new_value(value, before):
    kept = [line for line in json_lines(value, before) if line.mark != "gone"]
    text = "".join(line.label + line.value for line in kept)
    if "characters)" not in text:
        assert same(json.loads(text), value)


@given(JSON)
def test_a_value_compared_with_itself_has_no_mark(value):
    assert {line.mark for line in json_lines(value, value)} == {""}


@given(JSON, JSON)
def test_values_that_differ_have_a_mark(value, before):
    assert same(value, before) == all(line.mark == "" for line in json_lines(value, before))


@given(JSON, JSON)
def test_payloads_make_no_element(value, before):
    made = Tags(json_html({"given": value, ATTACK: [ATTACK]}, before))
    assert set(made.tags) <= {"pre", "span", "details", "summary"}
    assert made.handlers == []
    assert ATTACK in made.text


@pytest.mark.parametrize(
    ("value", "before", "marks"),
    [
        pytest.param({"a": 1}, {"a": 1}, [], id="same"),
        pytest.param({"a": 1, "b": 2}, {"a": 1}, [("new", '"b": 2')], id="a new key"),
        pytest.param({"a": 2}, {"a": 1}, [("changed", '"a": 2')], id="another value"),
        pytest.param({}, {"a": 1}, [("changed", "{}")], id="emptied"),
        pytest.param({"b": 1}, {"a": 1, "b": 1}, [("gone", '"a": 1')], id="a key is gone"),
        pytest.param([1], [1, 2], [("gone", "2")], id="an item is gone"),
        pytest.param(True, 1, [("changed", "true")], id="true is not 1"),
        pytest.param(1.0, 1, [("changed", "1.0")], id="1.0 is not 1"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 2}}, [("changed", '"b": 1')], id="inside an object"),
        pytest.param({"a": [1, 2]}, {}, [("new", '"a": [1, 2]')], id="short lists stay on their line"),
        pytest.param(
            {"a": 1}, [1], [("changed", "{"), ("new", '"a": 1'), ("changed", "}")], id="another kind"
        ),
        pytest.param({"a": 1}, ABSENT, [("new", "{"), ("new", '"a": 1'), ("new", "}")], id="all new"),
        pytest.param({"a": 1}, UNCOMPARED, [], id="not compared"),
    ],
)
def test_what_changed_is_marked(value, before, marks):
    assert [(line.mark, line.label + line.value) for line in json_lines(value, before) if line.mark] == marks


def test_a_long_document_is_folded_and_cut():
    html = json_html([{"n": "x" * 90} for _ in range(5000)])
    assert html.count("sfn-line") == documents.LINES + documents.MORE_LINES + 1
    assert "2,000 more lines" in html


def test_a_long_string_is_cut_with_its_length():
    (line,) = json_lines("x" * 10_000)
    assert len(line.value) < 500
    assert "(10,002 characters)" in line.value


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.25, "0.25 s"),
        (59.999, "59.999 s"),
        (60, "1 min"),
        (90, "1 min 30 s"),
        (3600.5, "1 h 0.5 s"),
        (31_536_000, "365 d"),
        (99_999_999, "1,157 d 9 h 46 min 39 s"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_every_kind_of_transition_has_words_and_a_status():
    assert SAID.keys() == KINDS.keys()
    assert {said.status for said in SAID.values()} <= STATUSES.keys()


def test_stages_come_in_order_and_say_when_nothing_changed():
    html = stages_html({"output": {"a": 1}, "input": {"a": 1}, "afterInputPath": {"a": 1}, "variables": {}})
    assert re.findall("<b>(.*?)</b>", html) == ["Input", "After InputPath", "Output"]
    assert re.findall('<p class="sfn-note">(.*?)</p>', html) == [
        "what went in",
        "the same as Input",
        "the same as After InputPath",
    ]
    assert html.count('<details class="sfn-flow sfn-unchanged"') == 2


def test_an_unknown_stage_is_shown_too():
    assert "<b>afterSomething</b>" in stages_html({"afterSomething": 1})


@pytest.mark.parametrize(
    "html",
    [
        words.message_html(ATTACK),
        words.outcome_html("SUCCEEDED", {ATTACK: ATTACK}, None),
        words.heading(ATTACK, ATTACK),
        stages_html({ATTACK: ATTACK, "error": ATTACK}),
        definition_html({ATTACK: ATTACK}, folded=False),
    ],
)
def test_untrusted_text_is_text(html):
    made = Tags(html)
    assert "img" not in made.tags
    assert made.text.count(ATTACK) >= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "Line 1, column 2: Expecting property name enclosed in double quotes", id="open"),
        pytest.param('{\n  "a": \n}', "Line 3, column 1: Expecting value", id="on line 3"),
        pytest.param("", "Line 1, column 1: Expecting value", id="empty"),
        pytest.param("NaN", "NaN is no JSON value", id="NaN"),
        pytest.param("[Infinity]", "Infinity is no JSON value", id="Infinity"),
        pytest.param("[" * 100_000, "nested too deeply", id="too deep"),
    ],
)
def test_bad_json_is_told_with_its_place(text, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        parsed(text)


@given(JSON)
def test_printed_is_parsed_again(value):
    assert same(parsed(printed(value)), value)


@pytest.mark.parametrize(
    ("text", "attempts"),
    [("1", 1), (" 3 ", 3), ("ALL", "all"), ("#2", [2]), ("#1, 3", [1, 3]), ("# 4,#5", [4, 5])],
)
def test_attempts(text, attempts):
    assert attempts_of(text) == attempts


@pytest.mark.parametrize("text", ["", "0", "-1", "two", "#", "1.5", "#1;2"])
def test_attempts_that_are_none(text):
    with pytest.raises(UsageError, match="Attempts"):
        attempts_of(text)
