"""The data flow of a state, stage by stage, at the attempt that is chosen."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.drawing.theme import STATUSES
from sfnbook.widgets.documents import LINES, STEP_LINES
from sfnbook.widgets.forms import update
from sfnbook.widgets.markup import Act, markup
from sfnbook.widgets.stages import definition_html, pipeline_html, stages_html, with_variables
from sfnbook.widgets.words import heading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json
    from sfnbook.widgets.panel import Desk, Moment

MOST: Final = 100
"""How many attempts are offered: the latest."""
FARTHEST: Final = 50_000
"""How many transitions back they are looked for."""


class Attempt(NamedTuple):
    """One attempt of a visit of a state: the numbers of its first and its last transition so far."""

    key: tuple[str, int, int]
    first: int
    last: int


class Data:
    """Input, stages and output of the state that is looked at; without one, of the execution."""

    def __init__(self, desk: Desk) -> None:
        self.attempt = w.Dropdown(
            options=(),
            description="Attempt",
            tooltip="Which visit and attempt",
            layout=w.Layout(width="auto"),
        )
        self.text = markup(desk.plain, self._more)
        form = w.VBox([self.attempt])
        form.add_class("sfn-form")
        self.widget = w.VBox([form, self.text])
        self._form = form
        self.attempt.observe(lambda _: self._chosen(), "value")
        self._moment: Moment | None = None
        self._place: tuple[str, tuple[str, int, int] | None] = "", None
        self._lines: dict[str, int] = {}
        self._attempts: list[Attempt] = []
        self._quiet = False

    def _chosen(self) -> None:
        if not self._quiet:
            self._show()

    def _more(self, act: str) -> None:
        name = act.partition(":")[2]
        self._lines[name] = self._lines.get(name, LINES) + STEP_LINES
        self._show()

    def show(self, moment: Moment) -> None:
        """Show the stages so far, of the latest attempt until another one is chosen."""
        self._moment = moment
        self._attempts = list(attempts(moment))
        transition = moment.transition
        labels = tuple((_label(one, moment), one.key) for one in self._attempts)
        self._quiet = True
        try:
            if self.attempt.options != labels:
                self.attempt.options = labels
            follows = transition is not None and moment.concerns(transition)
            update(self.attempt, value=self._wanted(moment, follows))
        finally:
            self._quiet = False
        update(self._form.layout, display=None if len(labels) > 1 else "none")
        self._show()

    def _wanted(self, moment: Moment, follows: bool) -> Any:
        """The attempt to show: the latest when the debugger moves in it, else the one that was chosen."""
        keys = [one.key for one in self._attempts]
        chosen = self.attempt.value if moment.pointer == self._place[0] and not follows else None
        return chosen if chosen in keys else next(iter(keys), None)

    def _show(self) -> None:
        moment = self._moment
        assert moment is not None  # noqa: S101 - shown before anything is chosen
        place = moment.pointer, self.attempt.value
        if place != self._place:
            self._place, self._lines = place, {}
        html, flow = self._execution(moment) if moment.state is None else self._state(moment)
        acts = [Act(f"more:{name}", f"More of {name}") for name in flow]
        self.text.show(html, [act for act in acts if f'data-act="{act.name}"' in html])

    def _execution(self, moment: Moment) -> tuple[str, dict[str, Json]]:
        debugger = moment.debugger
        flow: dict[str, Json] = {"input": debugger.execution.input}
        flow |= {"output": debugger.output} if debugger.status == "SUCCEEDED" else {}
        return heading("The execution", debugger.machine.name) + stages_html(flow, {}, self._lines), flow

    def _state(self, moment: Moment) -> tuple[str, dict[str, Json]]:
        state, definition = moment.state, moment.definition
        assert state is not None  # noqa: S101 - the caller asked
        one = next((one for one in self._attempts if one.key == self.attempt.value), None)
        if one is None:
            return heading(state.name, _notes(moment)) + definition_html(definition, folded=False), {}
        execution = moment.debugger.execution
        entered, last = execution.changes[one.first].frame, execution.changes[one.last].frame
        flow = with_variables(execution.stages(one.last), entered.variables, last.variables)
        way = pipeline_html(definition, state.query_language == "JSONata", state.type)
        stages = stages_html(flow, definition, self._lines)
        return heading(one.key[0], _notes(moment)) + way + stages, flow


def _notes(moment: Moment) -> str:
    state = moment.state
    assert state is not None  # noqa: S101 - as above
    notes = [state.type, STATUSES[moment.statuses.get(moment.pointer, "none")].label]
    happened = moment.debugger.iterations().get(moment.pointer, {}).items()
    counts = ", ".join(f"{count:,} {what}" for what, count in happened if count)
    parts = "branches" if state.type == "Parallel" else "iterations"
    notes += [f"{parts}: {counts}"] if counts else []
    return " · ".join(notes)


def _label(one: Attempt, moment: Moment) -> str:
    path, visit, attempt = one.key
    since = duration(moment.debugger.execution.shown(one.first).time)
    return f"{path}: visit {visit}, attempt {attempt}, at {since}"


def attempts(moment: Moment) -> Iterator[Attempt]:
    """The attempts of the state that is looked at, the latest first."""
    if moment.pointer not in moment.statuses:
        return iter(())
    found: dict[tuple[str, int, int], Attempt] = {}
    for transition in islice(moment.back(), FARTHEST):
        key = transition.path, transition.visit, transition.attempt
        known = found.get(key)
        if known is None and len(found) == MOST:
            break
        found[key] = Attempt(key, transition.number, transition.number if known is None else known.last)
    return iter(found.values())
