"""The graph: what happened to each state, and which iteration of a Map is looked at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.debugging.iterations import PICKS, Iteration, iterations, matching
from sfnbook.drawing.statuses import container_of
from sfnbook.values import text
from sfnbook.widgets.forms import button, update
from sfnbook.widgets.graph import GraphView
from sfnbook.widgets.plain import PlainGraph
from sfnbook.widgets.words import clipped, heading, message_html

if TYPE_CHECKING:
    from sfnbook.widgets.panel import Desk, Moment


class Graph:
    """The picture of the machine, following the debugger; below it the iterations of a Map."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.graph: Any = (
            PlainGraph(desk.height) if desk.plain else GraphView(desk.debugger, height=desk.height)
        )
        self.graph.on_select(desk.select)
        self.graph.on_breakpoint(desk.toggle_breakpoint)
        self.chooser = Iterations(desk)
        self.widget = w.VBox([self.graph, self.chooser.widget])

    def show(self, moment: Moment) -> None:
        """Show what happened so far."""
        marks = moment.marks
        if self.desk.compared:
            marks = marks._replace(notes={**marks.notes, **self.desk.compared})
        self.graph.show(moment.debugger.machine, marks, moment.pointer, moment.stops)
        self.chooser.show(moment)


class Iterations:
    """Jumps to an iteration: the failed, the slowest, the retried, an index, a value of the item."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.title, self.message = w.HTML(), w.HTML()
        self.all = button("All", "", "What happened in all iterations together", lambda: desk.look_at(None))
        self.picks = {
            name: button(name.capitalize(), "", f"The next one of: {name}", partial(self._pick, name))
            for name in PICKS
        }
        self.before = button("", "chevron-left", "The iteration before", lambda: self._move(-1))
        self.after = button("", "chevron-right", "The next iteration", lambda: self._move(1))
        self.wanted = w.Text(
            placeholder="index or value",
            tooltip="An index, or text of an item",
            continuous_update=False,
            layout=w.Layout(width="130px"),
        )
        self.wanted.observe(lambda change: self._search(change["new"]), "value")
        row = w.HBox([self.all, *self.picks.values(), self.before, self.after, self.wanted])
        row.add_class("sfn-form-row")
        self.widget = w.VBox([self.title, row, self.message])
        self.widget.add_class("sfn-iterations")
        self._map, self._at = "", -1
        self._known: tuple[str, str | None, Iteration | None] = "", None, None

    # --- what people do -----------------------------------------------------------------------------
    def _found(self) -> list[Iteration]:
        debugger = self.desk.debugger
        run = debugger.followed().run_at(self._map)
        return [] if run is None else iterations(debugger.execution.changes, debugger.position, run)

    def _pick(self, name: str) -> None:
        self._jump(PICKS[name](self._found()), f"No iteration is among the {name} ones.")

    def _search(self, wanted: str) -> None:
        if wanted.strip():
            self._jump(
                matching(self._found(), wanted), f"No iteration has the index or the value {wanted!r}."
            )

    def _move(self, by: int) -> None:
        known = [one.index for one in self._found()]
        at = self._at + by
        if at in known or (known and self._at < 0):
            self._look(at if at in known else known[0])

    def _jump(self, among: list[Iteration], nobody: str) -> None:
        """To the first of these; from one of them, to the one after it."""
        places = [one.index for one in among]
        if not places:
            self.message.value = message_html(nobody, "waiting")
        else:
            after = places.index(self._at) + 1 if self._at in places else 0
            self._look(places[after % len(places)])

    def _look(self, index: int) -> None:
        self.message.value = ""
        self.desk.look_at((self._map, index))

    # --- showing ------------------------------------------------------------------------------------
    def show(self, moment: Moment) -> None:
        """Offer the iterations of the Map that is looked at, or that is around what is looked at."""
        pointer = _map_around(moment)
        update(self.widget.layout, display=None if pointer else "none")
        if pointer != self._map:
            self._map, self.message.value = pointer, ""
        self._at = moment.iteration[1] if moment.iteration and moment.iteration[0] == pointer else -1
        if pointer:
            update(self.all, disabled=self._at < 0)
            update(self.title, value=self._title(moment))

    def _title(self, moment: Moment) -> str:
        name = moment.states[self._map].name
        if self._at < 0:
            return heading(name, moment.overall.notes[self._map])
        one, place = self._iteration(moment), f"{name}[{self._at}]"
        if one is None:
            return heading(place, "")
        retries = f", {one.retries} retries" if one.retries else ""
        said = f"{one.status.lower().replace('_', ' ')}, {duration(one.seconds)}{retries}: {text(one.value)}"
        return heading(place, clipped(said, 160))

    def _iteration(self, moment: Moment) -> Iteration | None:
        """The one that is looked at; all changes are gone through only when its status is another one."""
        followed = moment.debugger.followed()
        run = followed.run_at(self._map)
        place = f"{run} {self._at}"
        status = None if run is None else followed.child(run, self._at)
        if self._known[:2] != (place, status):
            one = next((one for one in self._found() if one.index == self._at), None)
            self._known = place, status, one
        return self._known[2]


def _map_around(moment: Moment) -> str:
    """The pointer of the nearest Map around the looked-at state, itself included, that has started; or ""."""
    pointer = moment.pointer
    while pointer:
        if moment.states[pointer].type == "Map" and pointer in moment.overall.notes:
            return pointer
        pointer = container_of(pointer)
    return ""
