"""A Task that nobody answers for, or an open callback or activity: what comes back, and when?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.errors import UsageError
from sfnbook.tasks.error_names import error_names
from sfnbook.widgets.forms import Form, button, json_field, parsed, printed, seconds_of, update
from sfnbook.widgets.words import heading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfnbook.debugging.branches import OpenTask, Unanswered
    from sfnbook.values import Json
    from sfnbook.widgets.panel import Desk, Moment

NO_TIME: Final = "Let time pass: a number of seconds, or nothing for the next deadline."


class Ask:
    """Answer, fail or let time pass; nothing is shown while nobody asks."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.field = json_field("The answer", 4)
        self.form = Form("", [self.field], "Answer", "reply", self._answer)
        self.form.button.add_class("sfn-primary")
        self.which = w.Dropdown(options=(), layout=w.Layout(width="auto"), tooltip="Which one is answered")
        failing, outside = self._failing(), self._outside_only()
        self._outside = (self.which, *outside)
        self.form.row.children = (self.which, self.form.button, *failing, *outside)
        self.widget = self.form.widget
        self.widget.add_class("sfn-question")
        self._asked: Any = None

    def _failing(self) -> tuple[Any, ...]:
        narrow = w.Layout(width="auto")
        self.error = w.Combobox(placeholder="Error", ensure_option=False, layout=narrow, tooltip="Error name")
        self.cause = w.Text(placeholder="Cause", tooltip="Cause", layout=w.Layout(width="130px"))
        self.fail = self._button("Fail with", "bolt", "Fail with this error and cause", self._fail)
        return self.fail, self.error, self.cause

    def _outside_only(self) -> tuple[Any, ...]:
        self.seconds = w.Text(
            placeholder="seconds",
            tooltip="Virtual seconds; nothing: to the next deadline",
            layout=w.Layout(width="90px"),
        )
        self.after = w.Text(
            placeholder="now",
            description="after",
            tooltip="Virtual seconds after which the answer or failure arrives; nothing: now",
            layout=w.Layout(width="130px"),
        )
        tooltip = "So many virtual seconds; without a number, to the next deadline"
        self.wait = self._button("Let time pass", "clock-o", tooltip, self._wait)
        self.beat = self._button(
            "Heartbeat", "heartbeat", "SendTaskHeartbeat: it is still at work", self._heartbeat
        )
        passing = w.HBox([self.wait, self.seconds])  # stay together where the row is too long
        return self.after, self.beat, passing.add_class("sfn-form-row")

    def _button(self, label: str, icon: str, tooltip: str, act: Callable[[], None]) -> Any:
        return button(label, icon, tooltip, lambda: self.form.attempt(act))

    # --- what people do -----------------------------------------------------------------------------
    def _answer(self) -> None:
        value, debugger = parsed(self.field.value), self.desk.debugger
        if debugger.unanswered is None:
            self._give(self._open().succeed, value, self._later())
        else:
            self._give(debugger.answer, value)

    def _fail(self) -> None:
        error, cause, debugger = self.error.value.strip(), self.cause.value, self.desk.debugger
        question = debugger.unanswered
        if question is None:
            self._give(self._open().fail, error or None, cause or None, self._later())
        elif not error:
            raise UsageError("Fail with which error? For example States.TaskFailed.")
        else:
            self._give(debugger.inject_error, question.path, error, cause)

    def _later(self) -> float:
        return seconds_of(self.after.value, "after: give virtual seconds, or nothing for now.") or 0

    def _wait(self) -> None:
        self._give(self.desk.debugger.advance, seconds_of(self.seconds.value, NO_TIME))

    def _heartbeat(self) -> None:
        self._give(self._open().heartbeat)

    def _give(self, act: Callable[..., Any], *given: Any) -> None:
        self.desk.change(act, *given)
        self.desk.resume()

    def _open(self) -> Any:
        return self.desk.debugger.pending[self.which.value or 0]

    # --- showing ------------------------------------------------------------------------------------
    def show(self, moment: Moment) -> None:
        """Ask what the debugger is blocked by; the field keeps its text while the question stays."""
        debugger = moment.debugger
        asked = debugger.unanswered
        if asked is not None:
            self._show_unanswered(asked)
        else:
            self._show_open(debugger.pending if debugger.blocked == "outside" else [], moment)

    def _show_unanswered(self, asked: Unanswered) -> None:
        note = asked.why or "nobody answers for this Task; the answer is its result, as the history shows it"
        self._ask(asked.path, f"{asked.path} asks: what comes back?", note, asked.draft, asked.errors)
        for part in self._outside:
            update(part.layout, display="none")

    def _show_open(self, waiting: Sequence[OpenTask], moment: Moment) -> None:
        """Ask about the callbacks and activities that wait for the outside."""
        words = f"{waiting[0].path} waits for an answer from outside" if waiting else ""
        if len(waiting) > 1:
            words = f"{len(waiting)} Tasks wait for answers from outside"
        due = [one.deadline for one in waiting if one.deadline is not None]
        note = f"until {duration(min(due))}" if due else "no deadline"
        paths = [one.path for one in waiting]
        names = {one.state for one in waiting}
        states = [state for state in moment.states.values() if state.name in names]
        errors = tuple(dict.fromkeys(name for state in states for name in error_names(state)))
        self._ask(tuple(paths) or None, words, note, {}, errors)
        options = tuple((path, number) for number, path in enumerate(paths))
        if self.which.options != options:
            self.which.options = options
            self.which.value = 0 if options else None
        for part in self._outside:
            update(part.layout, display=None)
        update(self.which.layout, display=None if len(waiting) > 1 else "none")

    def _ask(self, asked: Any, words: str, note: str, draft: Json, errors: tuple[str, ...]) -> None:
        update(self.widget.layout, display="none" if asked is None else None)
        if asked is not None:
            update(self.form.title, value=heading(words, note))
        if asked is not None and asked != self._asked:
            self.form.message.value = self.cause.value = self.seconds.value = self.after.value = ""
            self.field.value = printed(draft)
            update(self.field, rows=min(self.field.value.count("\n") + 1, 10))
            self.error.options, self.error.value = errors, next(iter(errors), "States.TaskFailed")
        self._asked = asked
