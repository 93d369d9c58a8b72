"""Errors, latency and lost heartbeats for coming attempts: inject them, see them, take them back."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import ipywidgets as w

from sfnbook.debugging.branches import LEFT
from sfnbook.errors import UsageError
from sfnbook.faults import described
from sfnbook.outside import FAILABLE
from sfnbook.tasks.error_names import error_names
from sfnbook.values import state_name
from sfnbook.widgets.forms import Form, button, seconds_of, update, wide
from sfnbook.widgets.markup import REMOVE, Act, markup
from sfnbook.widgets.words import clipped, heading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.definition import State
    from sfnbook.widgets.panel import Desk, Moment

ERROR, LATENCY, SILENCE = "error", "latency", "heartbeats"
KINDS: Final = (("fails", ERROR), ("takes longer", LATENCY), ("loses its heartbeats", SILENCE))


class Faults:
    """A form for what happens to the next attempts of a state, and the list of what still waits for them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.state = w.Combobox(
            description="State", ensure_option=False, layout=wide(),
            tooltip="A name, or the path of one iteration: Orders[3].Charge",
        )  # fmt: skip
        self.kind = w.Dropdown(options=KINDS, description="What", layout=wide())
        self.error = w.Combobox(description="Error", ensure_option=False, layout=wide())
        self.cause = w.Text(description="Cause", layout=wide())
        self.seconds = w.Text(description="Seconds", placeholder="virtual", layout=wide())
        self.attempts = w.Text(
            value="1",
            description="Attempts",
            layout=wide(),
            tooltip='The next n, "all", or attempt numbers: "#1, #3"',
        )
        fields = [self.state, self.kind, self.error, self.cause, self.seconds, self.attempts]
        self.form = Form("Let something go wrong", fields, "Inject", "bolt", self._inject)
        self.clear = button(
            "Take all back",
            "eraser",
            "Forget everything that is injected or set and still waits",
            lambda: desk.visit(desk.debugger.clear_faults),
        )
        self.form.row.children = (*self.form.row.children, self.clear)
        self.waiting = markup(desk.plain, self._remove)
        self.widget = w.VBox([self.form.widget, self.waiting])
        self._states: Mapping[str, State] | None = None
        self._followed = ""
        self.kind.observe(lambda _: self._arrange(), "value")
        self.state.observe(lambda _: self._offer_errors(), "value")
        self._arrange()

    def _arrange(self) -> None:
        """Ask for what this kind of fault needs."""
        failing = self.kind.value == ERROR
        for field in (self.error, self.cause):
            update(field.layout, display=None if failing else "none")
        update(self.seconds.layout, display="none" if failing else None)

    # --- what people do -----------------------------------------------------------------------------
    def _inject(self) -> None:
        debugger, state = self.desk.debugger, self.state.value.strip()
        attempts = attempts_of(self.attempts.value)
        if self.kind.value == ERROR:
            name = self.error.value.strip()
            if not name:
                raise UsageError("An error needs a name, for example States.TaskFailed.")
            self.desk.change(debugger.inject_error, state, name, self.cause.value, attempts)
            return
        seconds = seconds_of(self.seconds.value, "Seconds: give a number of virtual seconds.")
        if self.kind.value == LATENCY and seconds is None:
            raise UsageError("Seconds: how much longer does it take?")
        inject = debugger.inject_latency if self.kind.value == LATENCY else debugger.lose_heartbeats
        self.desk.change(inject, state, seconds or 0, attempts)

    def _remove(self, act: str) -> None:
        self.desk.visit(self.desk.debugger.remove_fault, int(act.partition(":")[2]))

    # --- showing ------------------------------------------------------------------------------------
    def show(self, moment: Moment) -> None:
        """Offer the states that can fail, the one that is looked at first; list what still waits."""
        if moment.states is not self._states:
            self._states = moment.states
            self.state.options = [one.name for one in moment.states.values() if one.type in FAILABLE]
            update(self.state, value=next(iter(self.state.options), ""))
            update(self.form.button, disabled=not self.state.options)
        self._follow(moment)
        faults = moment.debugger.faults
        acts = [
            Act(f"remove:{number}", f"Take back: {clipped(described(fault))}", REMOVE)
            for number, fault in enumerate(faults)
        ]
        rows = "".join(
            f"<li><span>{escape(clipped(described(fault)))}</span> {act.html()}</li>"
            for fault, act in zip(faults, acts, strict=True)
        )
        html = heading("Waiting for their attempts", "") + f'<ul class="sfn-list">{rows}</ul>' if rows else ""
        self.waiting.show(html, acts)
        update(self.clear, disabled=not faults)

    def _follow(self, moment: Moment) -> None:
        """Choose the state that is looked at, once: what somebody typed afterwards stays."""
        name = _coming(moment)
        if name != self._followed:
            self._followed = name
            if name in self.state.options:
                update(self.state, value=name)

    def _offer_errors(self) -> None:
        """Offer the names of the state's own Retry and Catch, of its service and of AWS."""
        name = self.state.value.rpartition(".")[2].rpartition("/")[2]
        state = next((one for one in (self._states or {}).values() if one.name == name), None)
        names = () if state is None else error_names(state)
        if names and names != tuple(self.error.options):
            kept = self.error.value
            self.error.options = names
            update(self.error, value=kept if kept in names else names[0])


def _coming(moment: Moment) -> str:
    """The state that is looked at; the next one where it was just left and nobody picked it."""
    transition, frame = moment.transition, moment.debugger.execution.upcoming()
    left = transition is not None and transition.kind in LEFT and not moment.picked
    if left and frame is not None:
        return state_name(frame.state)
    return "" if moment.state is None else moment.state.name


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
