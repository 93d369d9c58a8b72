"""Watch expressions: what they say where the debugger stands."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import ipywidgets as w

from sfnbook.errors import UsageError
from sfnbook.widgets.documents import json_html
from sfnbook.widgets.forms import Form, wide
from sfnbook.widgets.markup import REMOVE, Act, markup
from sfnbook.widgets.words import clipped

if TYPE_CHECKING:
    from sfnbook.widgets.panel import Desk, Moment


class Watch:
    """A field for a new expression, and the values of all."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.expression = w.Text(
            description="Watch", placeholder="$.items[0], or $count($states.input.items)", layout=wide()
        )
        self.name = w.Text(description="Name", placeholder="the expression itself", layout=wide())
        self.form = Form("Watch", [self.expression, self.name], "Add", "eye", self._add)
        self.text = markup(desk.plain, self._remove)
        self.widget = w.VBox([self.form.widget, self.text])

    def _add(self) -> None:
        expression = self.expression.value.strip()
        if not expression:
            raise UsageError("Give an expression: a path such as $.total, or JSONata.")
        name = self.name.value.strip() or expression
        self.desk.change(self.desk.debugger.watches.__setitem__, name, expression)
        self.expression.value = self.name.value = ""

    def _remove(self, act: str) -> None:
        self.desk.visit(self.desk.debugger.watches.pop, act.partition(":")[2])

    def show(self, moment: Moment) -> None:
        """Evaluate the expressions on the input of the state that is next."""
        acts, rows = [], []
        for name, result in moment.debugger.watches.results().items():
            act = Act(f"remove:{name}", f"Remove {clipped(name)}", REMOVE)
            acts.append(act)
            expression = moment.debugger.watches[name]
            note = "" if expression == name else f" <small>{escape(clipped(expression))}</small>"
            if result.problem is None:
                value = json_html(result.value)
            else:
                value = f'<p class="sfn-note">{escape(clipped(result.problem))}</p>'
            rows.append(f"<li><div><b>{escape(clipped(name))}</b>{note}{value}</div> {act.html()}</li>")
        self.text.show(f'<ul class="sfn-list">{"".join(rows)}</ul>' if rows else "", acts)
