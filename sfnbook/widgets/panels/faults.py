"""Errors and results for coming attempts: inject them, see which still wait, take them back."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.errors import UsageError
from sfnbook.faults import described
from sfnbook.outside import FAILABLE
from sfnbook.widgets.forms import Form, button, json_field, parsed, update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfnbook.definition import State
    from sfnbook.widgets.panel import Desk, Moment

ERRORS: Final = (
    "States.TaskFailed",
    "States.Timeout",
    "States.HeartbeatTimeout",
    "States.Permissions",
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
)
"""Offered while an error's name is typed; any other name will do."""


class Faults:
    """An error, or a result, for the next attempts of a state; and what still waits for its attempts."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.state = w.Dropdown(options=(), description="State", layout=w.Layout(width="auto"))
        self.form, self.result_form = self._error_form(), self._result_form()
        self.clear = button(
            "Take all back",
            "eraser",
            "Forget every injected error and set result that is still waiting",
            lambda: desk.visit(desk.debugger.clear_faults),
        )
        self.form.row.children = (*self.form.row.children, self.clear)
        self.waiting = w.HTML()
        self.widget = w.VBox([self.form.widget, self.result_form.widget, self.waiting])
        self._states: Mapping[str, State] | None = None

    def _error_form(self) -> Form:
        wide = w.Layout(width="auto")
        self.error = w.Combobox(
            value=ERRORS[0], options=ERRORS, ensure_option=False, description="Error", layout=wide
        )
        self.cause = w.Text(description="Cause", layout=wide)
        self.attempts = w.Text(
            value="1",
            description="Attempts",
            layout=wide,
            tooltip='The next n, "all", or attempt numbers: "#1, #3"',
        )
        fields = [self.state, self.error, self.cause, self.attempts]
        return Form("Let a state fail", fields, "Inject error", "bolt", self._inject)

    def _result_form(self) -> Form:
        self.result = json_field("The result", 3)
        self.result.value = "{}"
        return Form(
            "Or give its next attempt a result", [self.result], "Set result", "check", self._set_result
        )

    def _inject(self) -> None:
        name = self.error.value.strip()
        if not name:
            raise UsageError("An error needs a name, for example States.TaskFailed.")
        attempts = attempts_of(self.attempts.value)
        self.desk.change(self.desk.debugger.inject_error, self.state.value, name, self.cause.value, attempts)

    def _set_result(self) -> None:
        self.desk.change(self.desk.debugger.set_result, self.state.value, parsed(self.result.value))

    def show(self, moment: Moment) -> None:
        """Offer the states that can fail, the one that is looked at first; say what still waits."""
        if moment.states is not self._states:
            self._states = moment.states
            self._offer([state.name for state in moment.states.values() if state.type in FAILABLE])
        if moment.state is not None and moment.state.name in self.state.options:
            update(self.state, value=moment.state.name)
        update(self.waiting, value=faults_html(moment.debugger.faults))
        update(self.clear, disabled=not moment.debugger.faults)

    def _offer(self, names: list[str]) -> None:
        self.state.options, self.state.value = names, next(iter(names), None)
        for form in (self.form, self.result_form):
            form.button.disabled = not names


def attempts_of(text: str) -> int | list[int] | str:
    """What ``inject_error`` takes as attempts, from a text: "all", "2", or "#1, #3".

    >>> attempts_of("2"), attempts_of(" all "), attempts_of("#1, #3")
    (2, 'all', [1, 3])
    """
    text = text.strip().lower()
    if text == "all":
        return "all"
    try:
        if text.startswith("#"):
            return [int(part.strip().lstrip("#")) for part in text.split(",")]
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise UsageError('Attempts: a number (the next n), "all", or attempt numbers such as "#1, #3".')
    return count


def faults_html(faults: Sequence[Any]) -> str:
    """What was injected or set and waits for its attempts."""
    if not faults:
        return ""
    return f'<ol class="sfn-rows">{"".join(f"<li>{escape(described(fault))}</li>" for fault in faults)}</ol>'
