"""Search in states, events and values; a click goes there."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.values import text, unescape_pointer
from sfnbook.widgets.markup import Act, markup
from sfnbook.widgets.words import clipped, heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sfnbook.definition import State
    from sfnbook.widgets.panel import Desk, Moment

MOST: Final = 100
"""How many transitions are listed."""
QUICK: Final = 2000
"""Up to so many transitions, what is new is searched at once."""
AROUND: Final = 40
"""Letters of a value to the left and right of what was found."""


class Search:
    """A field, and what was found when it was last used."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.field = w.Text(
            description="Search", placeholder="in states, events and values", continuous_update=False,
            layout=w.Layout(width="auto"),
        )  # fmt: skip
        self.field.observe(lambda _: self._search(), "value")
        self.text = markup(desk.plain, self._do)
        form = w.VBox([self.field])
        form.add_class("sfn-form")
        self.widget = w.VBox([form, self.text])
        self._moment: Moment | None = None
        self._recorded: tuple[Any, int] = None, 0

    def _do(self, act: str) -> None:
        what, _, where = act.partition(":")
        if what == "go":
            self.desk.visit(self.desk.debugger.goto, int(where))
        else:
            self.desk.select(where)

    def show(self, moment: Moment) -> None:
        """What was found stays; where much is recorded, it is looked for again on another branch only."""
        self._moment = moment
        debugger = moment.debugger
        recorded = debugger.branches.current, min(debugger.length, QUICK)
        if recorded != self._recorded:
            self._recorded = recorded
            self._search()

    def _search(self) -> None:
        wanted = self.field.value.strip()
        if not wanted or self._moment is None:
            self.text.show("")
            return
        debugger = self._moment.debugger
        states = list(states_with(self._moment.states, debugger.machine.source, wanted))
        found = debugger.find(text=wanted)
        acts = [Act(f"select:{pointer}", f"{name} (look at it)", escape(name)) for pointer, name in states]
        rows = "".join(f"<li>{act.html('sfn-link')}</li>" for act in acts)
        html = heading("States", str(len(states))) + f'<ul class="sfn-list">{rows}</ul>'
        moves = [_act(one, wanted) for one in found[:MOST]]
        rows = "".join(f"<li>{act.html('sfn-link')}</li>" for act in moves)
        note = f"{len(found):,} of {debugger.length:,}" + (
            f", the first {MOST} are listed" if len(found) > MOST else ""
        )
        html += heading("Transitions", note) + f'<ul class="sfn-list">{rows}</ul>'
        self.text.show(html, [*acts, *moves])


def states_with(states: Mapping[str, State], source: Any, wanted: str) -> Iterable[tuple[str, str]]:
    """The states whose definition, without the states inside it, has a text in it: pointer and name."""
    for pointer, state in states.items():
        inside = {key: value for key, value in _at(source, pointer).items() if key not in CONTAINERS}
        if wanted.casefold() in f"{state.name}\n{json.dumps(inside, ensure_ascii=False)}".casefold():
            yield pointer, state.name


CONTAINERS: Final = frozenset({"Branches", "ItemProcessor", "Iterator"})


def _at(source: Any, pointer: str) -> dict[str, Any]:
    for step in pointer.split("/")[1:]:
        source = source[int(step) if isinstance(source, list) else unescape_pointer(step)]
    return dict(source)


def _act(transition: Any, wanted: str) -> Act:
    where = f"{transition.number + 1} {transition.kind} {transition.path} at {duration(transition.time)}"
    found = snippet(transition, wanted)
    return Act(
        f"go:{transition.number}",
        f"{where} (go there)",
        f"{escape(where)}<br><small>{escape(found)}</small>" if found else escape(where),
    )


def snippet(transition: Any, wanted: str) -> str:
    """Where in the values of a transition a text was found, with a little around it."""
    values = {
        "input": transition.input, "output": transition.output, "error": transition.error,
        "cause": transition.cause, "variables": transition.variables,
    }  # fmt: skip
    for name, value in values.items():
        shown = value if isinstance(value, str) else text(value)
        at = shown.casefold().find(wanted.casefold())
        if at >= 0:
            left, right = max(at - AROUND, 0), at + len(wanted) + AROUND
            return clipped(f"{name}: {'…' * (left > 0)}{shown[left:right]}{'…' * (right < len(shown))}")
    return ""
