"""The history as a table, as AWS's event view: filtered, a window of rows at a time; a click goes there."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.values import text
from sfnbook.widgets.documents import json_html
from sfnbook.widgets.forms import update
from sfnbook.widgets.markup import Act, markup
from sfnbook.widgets.words import clipped, heading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.widgets.panel import Desk, Moment

WINDOW: Final = 60
"""How many rows are shown at once."""
ANY: Final = ""
HEAD: Final = "".join(f'<th scope="col">{name}</th>' for name in ("ID", "Type", "State", "Time"))


class Row(NamedTuple):
    """An event: the number of its change, its id (None: what people did has none) and its type."""

    number: int
    event: int | None
    kind: str


class Filter(NamedTuple):
    """What is listed: text in the event or its path, a state, a type; "" for all."""

    text: str = ""
    state: str = ""
    kind: str = ""


class Events:
    """The table, its filters, and the event at which the debugger stands."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        narrow = w.Layout(width="auto", flex="1 1 140px")
        self.search = w.Text(
            placeholder="Text", tooltip="Text in an event", continuous_update=False, layout=narrow
        )
        self.state = w.Dropdown(options=[("All states", ANY)], tooltip="State", layout=narrow)
        self.kind = w.Dropdown(options=[("All types", ANY)], tooltip="Type", layout=narrow)
        for field in (self.search, self.state, self.kind):
            field.observe(lambda _: self._filtered(), "value")
        bar = w.HBox([self.search, self.state, self.kind])
        bar.add_class("sfn-form-row")
        self.text = markup(desk.plain, self._do)
        self.widget = w.VBox([bar, self.text])
        self._rows = Rows()
        self._first: int | None = None  # of the window; None: around the cursor
        self._moment: Moment | None = None
        self._quiet = False

    # --- what people do -----------------------------------------------------------------------------
    def _filtered(self) -> None:
        if not self._quiet and self._moment is not None:
            self._first = None
            self._show(self._moment)

    def _do(self, act: str) -> None:
        what, _, where = act.partition(":")
        if what == "go":
            self.desk.visit(self.desk.debugger.goto, int(where))
        elif what == "export":
            name = re.sub(r"[^\w.-]+", "-", self.desk.debugger.machine.name)
            events = {"events": self.desk.debugger.history()}
            self.text.save(f"{name}-history.json", json.dumps(events, indent=2, ensure_ascii=False))
        elif self._moment is not None:
            self._first = None if where == "here" else int(where)
            self._show(self._moment)

    # --- showing ------------------------------------------------------------------------------------
    def show(self, moment: Moment) -> None:
        """Show the rows around the transition at which the debugger stands."""
        self._first = None
        self._moment = moment
        self._show(moment)

    def _show(self, moment: Moment) -> None:
        wanted = Filter(self.search.value.strip(), self.state.value or ANY, self.kind.value or ANY)
        rows = self._rows.follow(moment.debugger, wanted)
        self._offer(moment)
        current = moment.debugger.position - 1
        here = bisect_right(rows, current, key=lambda row: row.number) - 1
        first = here - WINDOW * 2 // 3 if self._first is None else self._first
        first = max(0, min(first, len(rows) - WINDOW))
        shown = rows[first : first + WINDOW]
        acts = [*_moves(first, len(rows)), Act("export:", "Export the history as JSON")]
        bar = " ".join(act.html() for act in acts)
        left_out = f"{first + 1:,} to {first + len(shown):,} of {len(rows):,}" if shown else "none"
        body = "".join(_row_html(row, moment.debugger.execution, current) for row in shown)
        html = (
            f"{heading('Events', left_out)}<p>{bar}</p>"
            '<div class="sfn-scroll" data-box="rows"><table class="sfn-table"><thead><tr>'
            f"{HEAD}</tr></thead><tbody>{body}</tbody></table></div>{_details(moment)}"
        )
        go = [Act(f"go:{row.number}", f"{row.event or ''} {row.kind} (go there)") for row in shown]
        self.text.show(html, [*acts, *go])

    def _offer(self, moment: Moment) -> None:
        """Offer the states of the machine and the types that occur."""
        states = [("All states", ANY), *((one.name, one.name) for one in moment.states.values())]
        kinds = [("All types", ANY), *((kind, kind) for kind in sorted(self._rows.kinds))]
        self._quiet = True
        try:
            for field, options in ((self.state, tuple(states)), (self.kind, tuple(kinds))):
                if field.options != options:
                    kept = field.value
                    field.options = options
                    update(field, value=kept if kept in dict(options).values() else ANY)
        finally:
            self._quiet = False


class Rows:
    """The rows that a filter lets through; only what is new since the last look is gone through."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self._rows: list[Row] = []
        self._filter = Filter()
        self._seen, self._last = 0, None

    def follow(self, debugger: Any, wanted: Filter) -> list[Row]:
        """The rows of all that is recorded on the current branch."""
        execution = debugger.execution
        length, changes = execution.length, execution.changes
        seen = self._seen
        if wanted != self._filter or seen > length or (seen and changes[seen - 1] is not self._last):
            self._rows, self.kinds, self._filter, seen = [], set(), wanted, 0
        for number in range(seen, length):
            change = changes[number]
            self.kinds.update(change.events or (change.kind,))
            if wanted == Filter() or _fits(execution.shown(number), wanted):
                self._rows += (row for row in rows_of(change, number) if wanted.kind in {ANY, row.kind})
        self._seen, self._last = length, changes[length - 1] if length else None
        return self._rows


def rows_of(change: Any, number: int) -> Iterator[Row]:
    """The rows of a change: its events, or what people did."""
    for event, kind in enumerate(change.events, change.first):
        yield Row(number, event, kind)
    if not change.events:
        yield Row(number, None, change.kind)


def _fits(transition: Any, wanted: Filter) -> bool:
    if wanted.state and transition.state != wanted.state:
        return False
    return not wanted.text or wanted.text.casefold() in _searched(transition)


def _searched(transition: Any) -> str:
    events = "\n".join(text(event) for event in transition.events)
    return f"{transition.kind}\n{transition.path}\n{events}".casefold()


def _moves(first: int, length: int) -> Iterator[Act]:
    """Other windows of a table that is longer than one."""
    if length <= WINDOW:
        return
    last = length - WINDOW
    for words, at in (("First", 0), ("Earlier", max(first - WINDOW, 0)), ("Later", min(first + WINDOW, last)),
                      ("Last", last)):  # fmt: skip
        yield Act(f"window{words}:{at}", f"{words} events", words)
    yield Act("window:here", "Events around where the debugger stands", "Here")


def _row_html(row: Row, execution: Any, current: int) -> str:
    transition = execution.shown(row.number)
    mark = ' aria-current="true" data-scroll' if row.number == current else ""
    future = ' class="sfn-future"' if row.number > current else ""
    act = Act(f"go:{row.number}", f"{row.kind} {transition.path} (go there)", escape(row.kind)).html(
        "sfn-link"
    )
    error = f" <small>{escape(clipped(transition.error))}</small>" if transition.error else ""
    return (
        f"<tr{mark}{future}><td>{'' if row.event is None else row.event}</td><td>{act}{error}</td>"
        f"<td>{escape(transition.path)}</td><td>{escape(duration(transition.time))}</td></tr>"
    )


def _details(moment: Moment) -> str:
    """The events of the transition at which the debugger stands, as the API gives them."""
    transition = moment.transition
    events = [] if transition is None else transition.events
    return "".join(
        f'<details class="sfn-flow" data-key="event"><summary><b>Event {event["id"]}</b>'
        f"<span>as GetExecutionHistory gives it</span></summary>{json_html(event)}</details>"
        for event in events
    )
