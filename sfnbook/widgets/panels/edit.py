"""The input of the next state, a variable or a result, as JSON text to change.

What is typed stays until it is applied or taken back: neither a step nor a mistake throws it away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.errors import UsageError
from sfnbook.outside import EDITABLE
from sfnbook.widgets.editor import json_editor, problem_of
from sfnbook.widgets.forms import Form, button, parsed, printed, update
from sfnbook.widgets.words import heading, message_html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json
    from sfnbook.widgets.panel import Desk, Moment

INPUT: Final = "input"
VARIABLE: Final = "variable:"
RESULT: Final = "result:"
NEW: Final = VARIABLE
"""What can be edited, by the keys of the list: the input, a variable's or a Task's name after its prefix."""


class Edit:
    """A list of what can be changed now, an editor for it, and a button that applies it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.what = w.Dropdown(options=(), description="Change", layout=w.Layout(width="auto"))
        self.name = w.Text(
            description="Name", placeholder="of the new variable", layout=w.Layout(width="auto")
        )
        self.field = json_editor("JSON", desk.plain)
        self.form = Form("Edit", [self.what, self.name, self.field], "Apply", "check", self._apply)
        self.form.button.tooltip = "Apply: in the past this makes a new branch (Ctrl+Enter in the editor)"
        self.undo = button("Take back what I typed", "undo", "Show the value as it is", self._undo)
        self.form.row.children = (self.form.button, self.undo)
        self.widget = self.form.widget
        self._values: dict[str, Json] = {}
        self._drafts: dict[str, str] = {}
        self._given, self._quiet = "", False
        self._shown: Json = None
        self._of: str | None = None
        self.field.on_submit(self.form.submit)
        self.field.observe(lambda _: self._typed(), "value")
        self.what.observe(lambda change: self._chosen(change["old"]), "value")

    # --- what people do -----------------------------------------------------------------------------
    def _apply(self) -> None:
        value, what, debugger = parsed(self.field.value), self.what.value, self.desk.debugger
        self._quiet = True
        try:
            if what == INPUT:
                self.desk.change(debugger.edit_input, value)
            elif what.startswith(VARIABLE):
                self.desk.change(debugger.set_variable, self._variable(what), value)
            else:
                self.desk.change(debugger.set_result, what.removeprefix(RESULT), value)
        finally:
            self._quiet = False
        self._given = self.field.value
        self._drafts.pop(what, None)
        self.name.value, self._of = "", None
        self._load()

    def _variable(self, what: str) -> str:
        name: str = what.removeprefix(VARIABLE) or self.name.value.strip().removeprefix("$")
        if not name:
            raise UsageError("A new variable needs a name.")
        return name

    def _undo(self) -> None:
        self._drafts.pop(self.what.value, None)
        self._given, self._of = self.field.value, None
        self.form.message.value = ""
        self._load()

    def _typed(self) -> None:
        problem = problem_of(self.field.value) if self.field.value.strip() else None
        self.field.problems = [problem] if problem else []
        self.form.message.value = message_html(problem["message"]) if problem else ""
        self._tell()

    def _chosen(self, before: str | None) -> None:
        if self._quiet:
            return
        if before is not None and self._dirty:
            self._drafts[before] = self.field.value
        self._given = self.field.value
        self._load()

    # --- showing ------------------------------------------------------------------------------------
    @property
    def _dirty(self) -> bool:
        return bool(self.field.value != self._given)

    def show(self, moment: Moment) -> None:
        """Offer what can be changed now; the editor keeps what is typed."""
        place, value = next_input(moment.debugger.execution)
        offered = list(_offered(moment, place))
        self._values = _values(moment, value)
        if self._dirty and self.what.value not in dict(offered):
            offered.append((self.what.value, self._words(self.what.value)))
        options = tuple((words, key) for key, words in offered)
        if self.what.options != options:
            self._choose(options)
        self._load()

    def _choose(self, options: tuple[tuple[str, str], ...]) -> None:
        """Another list of what can be changed; the chosen one stays, or what was typed for it is kept."""
        before, keys = self.what.value, [key for _, key in options]
        self._quiet = True
        try:
            self.what.options = options
            self.what.value = before if before in keys else next(iter(keys), None)
        finally:
            self._quiet = False
        if self.what.value != before:
            self._chosen(before)

    def _load(self) -> None:
        """Put the value into the editor, or what was typed for it."""
        what = self.what.value
        if self._quiet:
            return
        value = self._values.get(what, {})
        # What is there already is not printed again: it may be large.
        if not self._dirty and (value is not self._shown or what != self._of or what in self._drafts):
            self._shown, self._of = value, what
            self._given = "" if what is None else printed(value)
            update(self.field, value=self._drafts.pop(what, self._given))
        off = what is None
        update(self.field, disabled=off, label=self._words(what))
        update(self.form.button, disabled=off)
        update(self.name.layout, display=None if what == NEW else "none")
        self._tell()

    def _tell(self) -> None:
        debugger = self.desk.debugger
        note = "nothing to edit here; step on or back" if self.what.value is None else ""
        if self._dirty:
            note = "typed, not applied yet"
        elif not note and debugger.position < debugger.length:
            note = "here in the past, Apply makes a new branch"
        update(self.form.title, value=heading("Edit", note))
        update(self.undo, disabled=not self._dirty)

    def _words(self, what: str | None) -> str:
        return next((words for words, key in self.what.options if key == what), "JSON")


def _offered(moment: Moment, place: str | None) -> Iterator[tuple[str, str]]:
    """What can be changed now, and its words."""
    frame = moment.debugger.execution.upcoming()
    if place is not None and frame is not None:
        yield INPUT, f"Input of {place}, which is next"
        yield from ((VARIABLE + name, f"Variable ${name}") for name in frame.variables)
        yield NEW, "A new variable"
    if moment.debugger.status == "RUNNING":
        tasks = (state.name for state in moment.states.values() if state.type == "Task")
        yield from ((RESULT + name, f"Result of the next attempt of {name}") for name in tasks)


def _values(moment: Moment, following: Json) -> dict[str, Json]:
    """What stands there now: by the keys of the list, as far as it is known."""
    debugger = moment.debugger
    frame, question = debugger.execution.upcoming(), debugger.unanswered
    found: dict[str, Json] = {INPUT: following}
    if frame is not None:
        found |= {VARIABLE + name: value for name, value in frame.variables.items()}
    if question is not None:
        name = question.path.rpartition(".")[2].rpartition("/")[2]
        found[RESULT + name] = question.draft
    return found


def next_input(execution: Any) -> tuple[str | None, Json]:
    """The path of the state whose input can be edited now, and that input; None when there is none."""
    frame = execution.upcoming()
    if frame is None or frame.phase not in EDITABLE:
        return None, None
    return execution.path_of(frame), frame.data
