"""The input of the next state, as JSON text to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfnbook.outside import EDITABLE
from sfnbook.values import copied
from sfnbook.widgets.forms import Form, json_field, parsed, printed, update
from sfnbook.widgets.words import heading

if TYPE_CHECKING:
    from sfnbook.values import Json
    from sfnbook.widgets.panel import Desk, Moment


class Edit:
    """The next input in a field, and a button that applies it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.field = json_field("The input of the next state")
        self.form = Form("Input of the next state", [self.field], "Apply", "check", self._apply)
        self.widget = self.form.widget
        self._shown: Any = None

    def _apply(self) -> None:
        self.desk.change(self.desk.debugger.edit_input, parsed(self.field.value))

    def show(self, moment: Moment) -> None:
        """Put the next input into the field, unless it is there already."""
        place, value = next_input(moment.debugger.execution)
        if (place, value) == self._shown:
            return
        self._shown = (place, value)
        note = place or "nothing to edit here; step on or back"
        self.form.title.value = heading("Input of the next state", note)
        self.form.message.value = ""
        update(self.field, value="" if place is None else printed(value), disabled=place is None)
        lines = self.field.value.count("\n") + 1
        update(self.field, rows=min(max(lines, 3), 16))
        update(self.form.button, disabled=place is None)


def next_input(execution: Any) -> tuple[str | None, Json]:
    """The path of the state whose input can be edited now, and that input; None when there is none."""
    frame = execution.upcoming()
    if frame is None or frame.phase not in EDITABLE:
        return None, None
    return execution.path_of(frame), copied(frame.data)
