"""Breakpoints: where and when to stop, switched off and on, and taken away."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.errors import UsageError
from sfnbook.tasks.error_names import error_names
from sfnbook.widgets.forms import Form, parsed, seconds_of, update, wide
from sfnbook.widgets.markup import REMOVE, Act, markup
from sfnbook.widgets.words import clipped, heading

if TYPE_CHECKING:
    from sfnbook.values import Json
    from sfnbook.widgets.panel import Desk, Moment

NAMED: Final = "named"
TIME: Final = "time"
KINDS: Final = (
    ("When a state is entered", "enter"),
    ("When a state is left", "exit"),
    ("When a state fails", "fail"),
    ("On any error", "all"),
    ("On an error that is caught", "caught"),
    ("On an error that nobody catches", "uncaught"),
    ("On an error by its name", NAMED),
    ("At a time", TIME),
)
"""What a breakpoint waits for."""
ON: Final = frozenset({"enter", "exit", "fail"})


class Breakpoints:
    """A form for a new breakpoint, and the list of those that are there."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.kind = w.Dropdown(options=KINDS, description="Stop", layout=wide())
        self.state = w.Combobox(
            description="State", placeholder="any state", ensure_option=False, layout=wide(),
            tooltip="A name or a path; with an index that iteration only: Orders[3].Charge",
        )  # fmt: skip
        self.error = w.Combobox(
            description="Error", placeholder="its name", ensure_option=False, layout=wide()
        )
        self.time = w.Text(description="Time", placeholder="virtual seconds since the start", layout=wide())
        self.when = w.Text(
            description="If", placeholder="JSONata, or a Choice rule; nothing: always", layout=wide(),
            tooltip='$states.input.total > 100, or {"Variable": "$.total", "NumericGreaterThan": 100}',
        )  # fmt: skip
        self.hits = w.Text(
            description="From hit", value="1", layout=wide(), tooltip="3 passes over the first two"
        )
        fields = [self.kind, self.state, self.error, self.time, self.when, self.hits]
        self.form = Form("Breakpoints", fields, "Add", "circle", self._add)
        self.text = markup(desk.plain, self._do)
        self.widget = w.VBox([self.form.widget, self.text])
        self.kind.observe(lambda _: self._arrange(), "value")
        self._states: Any = None
        self._arrange()

    def _arrange(self) -> None:
        """Ask for what this kind of breakpoint needs."""
        kind = self.kind.value
        update(self.error.layout, display=None if kind == NAMED else "none")
        update(self.time.layout, display=None if kind == TIME else "none")

    # --- what people do -----------------------------------------------------------------------------
    def _add(self) -> None:
        kind = self.kind.value
        given: dict[str, Any] = {
            "state": self.state.value.strip() or None,
            "when": condition_of(self.when.value),
            "hits": _count(self.hits.value),
        }
        if kind == TIME:
            given["at_time"] = _time(self.time.value)
        elif kind in ON:
            given["on"] = kind
        else:
            given["on_error"] = _name(self.error.value) if kind == NAMED else kind
        self.desk.change(lambda: self.desk.debugger.breakpoints.add(**given))
        self.when.value, self.hits.value = "", "1"

    def _do(self, act: str) -> None:
        what, _, number = act.partition(":")
        there, identity = self.desk.debugger.breakpoints, int(number)
        if what == "remove":
            self.desk.visit(there.remove, identity)
        else:
            self.desk.visit(there.enable, identity, not there[identity].enabled)

    # --- showing ------------------------------------------------------------------------------------
    def show(self, moment: Moment) -> None:
        """Offer the states and their errors; list the breakpoints, that which stopped here marked."""
        if moment.states is not self._states:
            self._states = moment.states
            names = sorted(state.name for state in moment.states.values())
            errors = dict.fromkeys(name for state in moment.states.values() for name in error_names(state))
            self.state.options, self.error.options = tuple(names), tuple(errors)
        debugger = moment.debugger
        acts: list[Act] = []
        rows = []
        for one in debugger.breakpoints:
            words = clipped(str(one))
            dot = "●" if one.enabled else "○"
            on = Act(f"enable:{one.id}", f"Breakpoint {one.id} stops: {words}", dot, pressed=one.enabled)
            off = Act(f"remove:{one.id}", f"Remove breakpoint {one.id}: {words}", REMOVE)
            acts += [on, off]
            here = " (stopped here)" if one is debugger.stopped_by else ""
            rows.append(f"<li>{on.html()} <span>{escape(words)}{here}</span> {off.html()}</li>")
        listed = f'<ul class="sfn-list">{"".join(rows)}</ul>' if rows else "<p>None yet.</p>"
        self.text.show(heading("Set", f"{len(rows)}" if rows else "") + listed, acts)


def condition_of(text: str) -> str | dict[str, Json] | None:
    """A condition as it was typed: nothing, a Choice rule as JSON, or JSONata.

    >>> condition_of(" "), condition_of('{"Variable": "$.a", "IsNull": true}')
    (None, {'Variable': '$.a', 'IsNull': True})
    """
    text = text.strip()
    if text.startswith("{") and not text.startswith("{%"):
        rule: dict[str, Json] = parsed(text)
        return rule
    return text or None


def _count(text: str) -> int:
    try:
        return int(text.strip() or "1")
    except ValueError:
        raise UsageError("From hit: give a number from 1 on.") from None


def _time(text: str) -> float:
    seconds = seconds_of(text, "Time: give virtual seconds since the start.")
    if seconds is None:
        raise UsageError("Time: give virtual seconds since the start.")
    return seconds


def _name(text: str) -> str:
    if not text.strip():
        raise UsageError("Error: give its name, for example States.Timeout.")
    return text.strip()
