"""The panels that explain a state: its data flow and its reasons, without a browser."""

import re

import pytest

import sfnbook
from sfnbook.listing import Listing
from sfnbook.source import from_text
from sfnbook.tasks import attempts, failure
from sfnbook.widgets.documents import LINES, STEP_LINES
from sfnbook.widgets.panels.data import MOST
from sfnbook.widgets.panels.why import place_of
from sfnbook.widgets.stages import STAGES, said
from tests.panels import ATTACK, ORDER, PAID, Views, shown

CHARGE = "/States/Charge"
TWICE = {"Charge": attempts(failure("Busy", ATTACK), PAID["Charge"])}


@pytest.fixture
def show():
    views = Views()
    yield views
    views.close()


def opened(view, name, pointer):
    panel = view.show_panel(name)
    view.select(pointer)
    return panel


def titles(panel):
    return re.findall(r"<summary><b>(.*?)</b>", shown(panel))


def stage(panel, title):
    return next(part for part in shown(panel).split("<details")[1:] if f"<b>{title}</b>" in part)


# --- the data flow ----------------------------------------------------------------------------------------
def test_each_stage_is_shown_with_the_field_that_made_it_and_its_size(show):
    view = show()
    view.press("run")
    panel = opened(view, "data", CHARGE)
    assert titles(panel) == [
        "Input", "After Parameters", "Result", "After ResultSelector", "After ResultPath", "Output",
        "Context object",
    ]  # fmt: skip
    assert "&quot;ResultPath&quot;: &quot;$.payment&quot;" in stage(panel, "After ResultPath")
    assert "<small>28 bytes</small>" in stage(panel, "After ResultSelector") or "bytes" in stage(
        panel, "Input"
    )
    assert "$.total" in stage(panel, "After Parameters")


def test_result_path_is_explained(show):
    view = show()
    view.press("run")
    html = stage(opened(view, "data", CHARGE), "After ResultPath")
    assert "the input, with the result put into it at $.payment" in html
    assert re.findall('sfn-line sfn-(new|changed|gone)"', html) == ["new"]
    assert "&quot;payment&quot;" in html[html.index("sfn-line sfn-new") :]


@pytest.mark.parametrize(
    ("stage", "fields", "words"),
    [
        ("afterResultPath", {}, "in place of the input"),
        ("afterResultPath", {"ResultPath": None}, "thrown away"),
        ("output", {"OutputPath": "$.a"}, "what $.a finds, alone"),
        ("output", {"OutputPath": None}, "nothing"),
        ("output", {}, "all of it"),
        ("output", {"Output": "{% 1 %}"}, "what comes out"),
    ],
)
def test_a_stage_says_what_its_field_does(stage, fields, words):
    assert words in said(STAGES[stage], fields)


def test_the_way_of_the_data_names_the_fields_that_are_set(show):
    view = show()
    view.press("run")
    html = shown(opened(view, "data", CHARGE))
    assert "<b>ResultPath</b>" in html
    assert "<span>InputPath</span>" in html
    choice = shown(opened(view, "data", "/States/Large?"))
    assert re.findall(r"<(?:b|span)>(\w+)</(?:b|span)>", choice.split("sfn-pipeline")[1].split("</p>")[0]) == [
        "Input", "InputPath", "Choice", "OutputPath", "Output",
    ]  # fmt: skip


def test_variables_are_compared_with_those_before(show):
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"y": 2}, "End": True},
    }
    view = show({"StartAt": "A", "States": states})
    view.press("run")
    html = stage(opened(view, "data", "/States/B"), "Variables")
    assert html.count("sfn-line sfn-new") == 1
    assert "&quot;y&quot;: " in html[html.index("sfn-new") :]
    assert "&quot;x&quot;: " not in html[html.index("sfn-new") :]


def test_the_context_object_is_there(show):
    view = show()
    view.press("next")
    assert "&quot;EnteredTime&quot;" in stage(opened(view, "data", "/States/Prepare"), "Context object")
    assert view.debugger.transition.context["State"]["Name"] == "Prepare"


def test_an_attempt_can_be_chosen(show):
    view = show(tasks=TWICE)
    view.press("run")
    panel = opened(view, "data", CHARGE)
    labels = [label for label, _ in panel.attempt.options]
    assert labels == ["Charge: visit 1, attempt 2, at 10 s", "Charge: visit 1, attempt 1, at 0 s"]
    assert "After ResultPath" in titles(panel)
    panel.attempt.index = 1
    assert "Error output" in titles(panel)
    assert "After ResultPath" not in titles(panel)
    view.debugger.breakpoints.add("Done")  # something else happens: the choice stays
    assert panel.attempt.index == 1
    view.press("back")
    view.select(CHARGE)
    assert panel.attempt.index == 0


def test_the_attempt_follows_the_debugger(show):
    view = show(tasks=TWICE)
    panel = view.show_panel("data")
    while view.debugger.transition is None or view.debugger.transition.attempt < 2:
        view.press("step")
    assert panel.attempt.value == ("Charge", 1, 2)


def test_of_many_visits_the_latest_are_offered(show):
    loop = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Next": "B"},
            "B": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "C"}],
                  "Default": "A"},
            "C": {"Type": "Succeed"},
        },
    }  # fmt: skip
    view = show(loop)
    view.debugger.run(1000)
    panel = opened(view, "data", "/States/A")
    assert len(panel.attempt.options) == MOST
    assert panel.attempt.value[1] == 250


def test_a_large_value_is_folded_and_more_of_it_comes_on_demand(show):
    rows = [{"id": number, "name": "x" * 60} for number in range(12_000)]
    view = show(given={"total": 1, "rows": rows}, limits=None)
    view.press("next")
    panel = view.show_panel("data")
    assert len(shown(panel)) < 80_000
    before = shown(panel).count('class="sfn-line')
    panel.text.click("more:input")
    assert shown(panel).count('class="sfn-line') == before + STEP_LINES
    panel.text.click("more:nonsense")
    view.press("next")
    assert stage(panel, "Input").count('class="sfn-line') == LINES


def test_what_cannot_be_evaluated_is_told(show):
    view = show(given={"no": "total"})
    view.press("run")
    assert "Could not be evaluated" in titles(opened(view, "data", CHARGE))


# --- why ----------------------------------------------------------------------------------------------------
def marked(panel, css):
    return [
        int(number)
        for number in re.findall(rf'<span class="{css}"(?: data-scroll)?><i>(\d+)</i>', shown(panel))
    ]


def test_a_decision_is_told_with_its_lines(show):
    view = show()
    for _ in range(3):
        view.press("next")
    panel = view.show_panel("why")
    assert "Rule 2 of 2 is the first that is true: Review." in shown(panel)
    lines = view.debugger.machine.listing.lines
    said = [lines[number - 1].strip() for number in marked(panel, "sfn-cited")]
    assert '"NumericGreaterThan": 1000,' in said
    assert '"NumericGreaterThan": 100,' in said
    assert '"Default": "Done"' not in said


def test_a_row_shows_its_lines(show):
    view = show()
    for _ in range(3):
        view.press("next")
    panel = view.show_panel("why")
    row = next(name for name in panel.text.acts if name.startswith("row:") and name.endswith("/Choices/0"))
    panel.text.click(row)
    lines = view.debugger.machine.listing.lines
    assert [lines[number - 1].strip() for number in marked(panel, "sfn-chosen")] == [
        "{", '"Variable": "$.total",', '"NumericGreaterThan": 1000,', '"Next": "Review"', "},",
    ]  # fmt: skip
    view.select(CHARGE)
    assert marked(panel, "sfn-chosen") == []


def test_a_retry_cites_its_retrier_and_a_click_goes_there(show):
    view = show(tasks=TWICE)
    view.press("run")
    panel = opened(view, "why", CHARGE)
    assert "Retrier 1 takes Busy: attempt 2 starts in 10 s" in shown(panel)
    lines = view.debugger.machine.listing.lines
    assert any('"IntervalSeconds": 10' in lines[number - 1] for number in marked(panel, "sfn-cited"))
    retried = next(one for one in view.debugger.transitions if one.kind == "RetryScheduled")
    panel.text.click(f"go:{retried.number}")
    assert view.debugger.transition == retried
    assert marked(panel, "sfn-cited")


def test_the_traceback_of_a_function_is_on_view(show):
    def broken(event):
        raise ValueError(ATTACK)

    view = show(tasks={"Charge": broken})
    view.press("run")
    html = shown(opened(view, "why", CHARGE))
    assert "Python traceback" in html
    assert "<img" not in html


def test_a_definition_from_a_dict_has_lines_too_and_yaml_as_well():
    dict_machine = sfnbook.load(ORDER)
    assert dict_machine.listing.lines_of(CHARGE)
    yaml = "StartAt: A\nStates:\n  A:\n    Type: Task\n    Resource: 'arn:aws:states:::lambda:invoke'\n    Retry:\n      - ErrorEquals: [Busy]\n        MaxAttempts: 2\n      - ErrorEquals: [Late]\n\n    End: true\n"
    listing = Listing.of(from_text(yaml))
    assert list(listing.lines_of("/States/A")) == list(range(3, 12))
    assert list(listing.lines_of("/States/A/Retry/1")) == [9]
    assert list(listing.lines_of("/States/B")) == []


@pytest.mark.parametrize(
    ("words", "pointer"),
    [
        ("rule 1: no", "/S/Choices/0"),
        ("catcher 9 [X]: matches", "/S"),
        ("No rule is true, so Default decides: B.", "/S/Default"),
        ("No answer within TimeoutSeconds (5 s)", "/S"),
        ("", "/S"),
    ],
)
def test_a_sentence_has_a_place(words, pointer):
    assert place_of(words, "/S", {"Choices": [{}], "Catch": [{}], "Default": "B"}) == pointer


@pytest.mark.parametrize("plain", [False, True])
def test_names_and_payloads_are_text(show, plain):
    definition = {"StartAt": ATTACK, "States": {ATTACK: {"Type": "Fail", "Cause": ATTACK, "Error": ATTACK}}}
    view = show(definition, {ATTACK: ATTACK}, plain=plain)
    for name in ("data", "why"):
        view.show_panel(name)
    view.press("run")
    for name in ("data", "why"):
        html = shown(opened(view, name, f"/States/{ATTACK}"))
        assert "<img" not in html
        assert "&lt;img" in html
