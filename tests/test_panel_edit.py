"""The edit panel and its editor, without a browser."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from sfnbook.widgets import editor
from sfnbook.widgets.editor import Editor, PlainEditor, problem_of
from tests.panels import ORDER, PAID, Views

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "sfnbook/widgets/editor_source"
WIDGETS = Path(editor.__file__).parent
SOURCES = ("editor.js", "build.mjs", "package.json", "package-lock.json")


@pytest.fixture
def show():
    views = Views()
    yield views
    views.close()


def offered(panel):
    return [key for _, key in panel.what.options]


# --- what is built ------------------------------------------------------------------------------------
def test_the_bundle_was_built_from_its_source():
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in SOURCES)).hexdigest()
    head = (WIDGETS / "editor.js").read_text("utf-8").splitlines()[0]
    assert digest in head, "run `npm ci && npm run build` in sfnbook/widgets/editor_source"


def test_the_bundle_asks_no_network_and_comes_with_its_licences():
    text = (WIDGETS / "editor.js").read_text("utf-8")
    assert not re.search(r"\bimport\s*[({*\"']|fetch\(|cdn", text)
    licences = (WIDGETS / "editor.LICENSES.txt").read_text("utf-8")
    locked = json.loads((SOURCE / "package-lock.json").read_text("utf-8"))["packages"]
    for path, package in locked.items():
        name = path.removeprefix("node_modules/")
        if name and not package.get("dev"):
            assert f"{name} {package['version']} (MIT)" in licences


def test_codemirror_is_the_version_that_is_6():
    locked = json.loads((SOURCE / "package-lock.json").read_text("utf-8"))["packages"]
    assert locked["node_modules/codemirror"]["version"] == "6.0.2"


# --- the editor -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": }', (1, 7)),
        ('{\n  "a": 1,\n  "b": x\n}', (3, 8)),
        ("[" * 100_000, (1, 1)),
        ("9" * 5000, (1, 1)),
        ('{"a": NaN}', (1, 1)),
    ],
)
def test_a_mistake_has_a_place(text, place):
    problem = problem_of(text)
    assert (problem["line"], problem["column"]) == place
    assert problem["message"]


def test_ctrl_enter_submits_and_nonsense_does_not():
    field, calls = Editor("JSON"), []
    field.on_submit(lambda: calls.append(1))
    for message in ({"submit": True}, {"submit": 1}, {"other": True}, "submit", None):
        field._hear(field, message, [])
    field.disabled = True
    field._hear(field, {"submit": True}, [])
    assert calls == [1]
    field.close()


def test_a_plain_view_edits_in_a_text_area(show):
    view = show(plain=True)
    edit = view.show_panel("edit")
    assert isinstance(edit.field, PlainEditor)
    edit.field.area.value = '{"total": 5}'
    edit.form.button.click()
    view.press("run")
    assert view.debugger.output["total"] == 5


# --- what is edited --------------------------------------------------------------------------------------
def test_the_next_input_a_variable_or_a_result_is_offered(show):
    edit = show().show_panel("edit")
    assert offered(edit) == ["input", "variable:", "result:Charge"]
    assert edit.what.value == "input"


def test_a_number_stays_as_it_was_typed(show):
    view = show()
    edit = view.show_panel("edit")
    edit.field.value = '{"total": 1.0, "big": 12345678901234567890}'
    edit.form.button.click()
    view.press("run")
    assert '"total": 1.0, "big": 12345678901234567890' in json.dumps(view.debugger.output)


def test_a_variable_is_made_and_changed(show):
    view = show()
    edit = view.show_panel("edit")
    edit.what.value = "variable:"
    assert edit.name.layout.display is None
    edit.field.value = "[1]"
    edit.form.button.click()
    assert "needs a name" in edit.form.message.value
    edit.name.value = "no name"
    edit.form.button.click()
    assert "no variable" in edit.form.message.value
    assert edit.field.value == "[1]"
    edit.name.value = "$x"
    edit.form.button.click()
    assert view.debugger.transition.variables == {"x": [1]}
    edit.what.value = "variable:x"
    assert json.loads(edit.field.value) == [1]
    assert edit.name.layout.display == "none"


def test_the_result_of_a_task_is_set(show):
    view = show()
    edit = view.show_panel("edit")
    edit.what.value = "result:Charge"
    edit.field.value = '{"Payload": {"id": "mine"}}'
    edit.form.button.click()
    view.press("run")
    assert view.debugger.output["payment"] == {"id": "mine"}


def test_the_draft_of_a_result_is_the_sample_of_the_question(show):
    view = show(tasks={})
    view.press("run")
    edit = view.show_panel("edit")
    edit.what.value = "result:Charge"
    assert json.loads(edit.field.value) == view.debugger.unanswered.draft != {}


# --- nothing that is typed is lost -----------------------------------------------------------------------
@pytest.mark.parametrize("text", ['{"total": 7}', '{"total": '])
def test_what_is_typed_outlives_steps(show, text):
    view = show()
    edit = view.show_panel("edit")
    edit.field.value = text
    for move in ("step", "next", "back", "run", "restart"):
        view.press(move)
        assert edit.field.value == text
    assert "not applied yet" in edit.form.title.value
    edit.undo.click()
    assert json.loads(edit.field.value) == {"total": 120}
    assert (edit.undo.disabled, edit.form.message.value) == (True, "")


def test_what_is_typed_outlives_a_mistake_and_a_look_at_another_value(show):
    edit = show().show_panel("edit")
    edit.field.value = '{"total": }'
    assert "Line 1, column 11" in edit.form.message.value
    assert edit.field.problems[0]["column"] == 11
    edit.what.value = "result:Charge"
    assert edit.form.message.value == ""
    edit.what.value = "input"
    assert edit.field.value == '{"total": }'
    edit.form.button.click()
    assert "Line 1, column 11" in edit.form.message.value


def test_an_edit_in_the_past_says_that_it_makes_a_branch(show):
    view = show()
    view.press("run")
    view.press("restart")
    edit = view.show_panel("edit")
    assert "makes a new branch" in edit.form.title.value
    edit.field.value = '{"total": 1}'
    edit.form.button.click()
    assert view.debugger.branches.names == ["main", "branch 1"]


def test_nothing_can_be_edited_at_the_end(show):
    view = show()
    view.press("run")
    edit = view.show_panel("edit")
    assert edit.field.disabled
    assert edit.form.button.disabled
    assert "step on or back" in edit.form.title.value


def test_the_order_of_the_tests_is_a_machine():
    assert set(PAID) < set(ORDER["States"])
