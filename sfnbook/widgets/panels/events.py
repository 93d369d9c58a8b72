"""The transitions as a list; picking one goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.telling import SAID
from sfnbook.theme import STATUSES
from sfnbook.widgets.forms import update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sfnbook.widgets.panel import Desk, Moment

MOST: Final = 300
"""How many transitions the list shows."""


class Events:
    """A window of transitions around the cursor."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.list = w.Select(
            options=(), rows=18, layout=w.Layout(width="auto"), tooltip="Transitions; pick one to go there"
        )
        self.list.add_class("sfn-events")
        self.list.observe(lambda change: self._picked(change["new"]), "index")
        self.note = w.HTML()
        self.widget = w.VBox([self.list, self.note])
        self._first, self._quiet = 0, False

    def _picked(self, index: int | None) -> None:
        if index is not None and not self._quiet:
            self.desk.visit(self.desk.debugger.goto, self._first + index)

    def show(self, moment: Moment) -> None:
        """Show the transitions around the one at which the debugger stands."""
        debugger = moment.debugger
        self._first = max(0, min(debugger.position - MOST * 2 // 3, debugger.length - MOST))
        numbers = range(self._first, min(self._first + MOST, debugger.length))
        current = debugger.position - 1 - self._first if debugger.position else None
        self._quiet = True
        try:
            with self.list.hold_sync():
                labels = rows([debugger.execution.shown(number) for number in numbers])
                if self.list.options != labels:
                    self.list.options = labels
                update(self.list, index=current)
        finally:
            self._quiet = False
        left_out = debugger.length - len(numbers)
        note = f'<p class="sfn-note">{left_out:,} more are not listed.</p>' if left_out else ""
        update(self.note, value=note)


def rows(transitions: Sequence[Any]) -> tuple[str, ...]:
    """The lines of the list, in columns: number, time, what happened, where."""
    times = [duration(transition.time) for transition in transitions]
    wide = max(map(len, times), default=0)
    digits = len(str(transitions[-1].number + 1)) if transitions else 0
    return tuple(
        f"{transition.number + 1:>{digits}} {when:>{wide}} {_happened(transition)}".replace(" ", "\u00a0")
        for transition, when in zip(transitions, times, strict=True)
    )


def _happened(transition: Any) -> str:
    glyph = STATUSES[SAID[transition.kind].status].glyph
    parts = (glyph, transition.kind, transition.error, transition.path)
    return " ".join(part for part in parts if part)
