"""A Task that nobody answers for, or an open callback or activity: what comes back, and when?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.errors import UsageError
from sfnbook.widgets.forms import Form, button, json_field, parsed, update
from sfnbook.widgets.panels.faults import ERRORS
from sfnbook.widgets.words import heading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfnbook.values import Json
    from sfnbook.widgets.panel import Desk, Moment

LONGEST: Final = 100 * 365 * 86400
"""Seconds that may pass at once; an execution ends after a year."""


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
        self.error = w.Combobox(
            value=ERRORS[0], options=ERRORS, ensure_option=False, layout=narrow, tooltip="Error name"
        )
        self.cause = w.Text(placeholder="Cause", tooltip="Cause", layout=w.Layout(width="130px"))
        self.fail = self._button("Fail with", "bolt", "Fail with this error and cause", self._fail)
        return self.fail, self.error, self.cause

    def _outside_only(self) -> tuple[Any, ...]:
        self.seconds = w.Text(
            placeholder="seconds",
            tooltip="Virtual seconds; nothing: to the next deadline",
            layout=w.Layout(width="90px"),
        )
        tooltip = "So many virtual seconds; without a number, to the next deadline"
        self.wait = self._button("Let time pass", "clock-o", tooltip, self._wait)
        self.beat = self._button(
            "Heartbeat", "heartbeat", "SendTaskHeartbeat: it is still at work", self._heartbeat
        )
        return self.wait, self.seconds, self.beat

    def _button(self, label: str, icon: str, tooltip: str, act: Callable[[], None]) -> Any:
        return button(label, icon, tooltip, lambda: self.form.attempt(act))

    # --- what people do -----------------------------------------------------------------------------
    def _answer(self) -> None:
        value, debugger = parsed(self.field.value), self.desk.debugger
        self._give(self._open().succeed if debugger.blocked == "outside" else debugger.answer, value)

    def _fail(self) -> None:
        error, cause, debugger = self.error.value.strip() or ERRORS[0], self.cause.value, self.desk.debugger
        question = debugger.unanswered
        if question is None:
            self._give(self._open().fail, error, cause)
        else:
            self._give(debugger.inject_error, question.path, error, cause)

    def _wait(self) -> None:
        self._give(self.desk.debugger.advance, seconds_of(self.seconds.value))

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
            self._show_unanswered(asked.path, asked.draft)
        else:
            waiting = debugger.pending if debugger.blocked == "outside" else []
            self._show_open([(one.path, one.deadline) for one in waiting])

    def _show_unanswered(self, path: str, draft: Json) -> None:
        note = "nobody answers for this Task; the answer is its result, as the history shows it"
        self._ask(path, f"{path} asks: what comes back?", note, draft)
        for part in self._outside:
            update(part.layout, display="none")

    def _show_open(self, waiting: Sequence[tuple[str, float | None]]) -> None:
        """Ask about the callbacks and activities that wait for the outside: (path, deadline)."""
        words = f"{waiting[0][0]} waits for an answer from outside" if waiting else ""
        if len(waiting) > 1:
            words = f"{len(waiting)} Tasks wait for answers from outside"
        due = [deadline for _, deadline in waiting if deadline is not None]
        note = f"until {duration(min(due))}" if due else "no deadline"
        self._ask(tuple(path for path, _ in waiting) or None, words, note, {})
        options = tuple((path, number) for number, (path, _) in enumerate(waiting))
        if self.which.options != options:
            self.which.options = options
            self.which.value = 0 if options else None
        for part in self._outside:
            update(part.layout, display=None)
        update(self.which.layout, display=None if len(waiting) > 1 else "none")

    def _ask(self, asked: Any, words: str, note: str, draft: Json) -> None:
        update(self.widget.layout, display="none" if asked is None else None)
        if asked is not None:
            update(self.form.title, value=heading(words, note))
        if asked is not None and asked != self._asked:
            self.form.message.value = self.cause.value = self.seconds.value = ""
            self.field.value = json.dumps(draft)
        self._asked = asked


def seconds_of(text: str) -> float | None:
    """How long to let time pass, from a text; None, for nothing, is to the next deadline.

    >>> seconds_of("1800"), seconds_of(" ")
    (1800.0, None)
    """
    if not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST:
        raise UsageError("Let time pass: a number of seconds, or nothing for the next deadline.")
    return seconds
