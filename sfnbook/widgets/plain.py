"""The graph with core ipywidgets alone: the whole picture anew at each step, and a list to pick from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as w

from sfnbook.drawing.layout import layout
from sfnbook.drawing.svg import to_svg
from sfnbook.widgets.forms import button, update

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.drawing.layout import Geometry
    from sfnbook.drawing.statuses import Marks


class PlainGraph(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """What `GraphView` shows and hears, where anywidget's front end is missing."""

    def __init__(self, height: int) -> None:
        self.picture = w.HTML(layout=w.Layout(max_height=f"{height}px", overflow="auto"))
        self.states = w.Dropdown(options=(), description="State", layout=w.Layout(width="auto"))
        self.states.observe(lambda change: self._pick(change["new"]), "value")
        self.stop = button("Breakpoint", "circle", "Set or remove a breakpoint on this state", self._toggle)
        super().__init__([self.picture, w.HBox([self.states, self.stop])])
        self._select: list[Callable[[str], None]] = []
        self._breakpoint: list[Callable[[str], None]] = []
        self._machine: Any = None
        self._geometry: Geometry | None = None
        self._quiet = False

    def on_select(self, listener: Callable[[str], None]) -> None:
        """Call ``listener(pointer)`` when a state is picked."""
        self._select.append(listener)

    def on_breakpoint(self, listener: Callable[[str], None]) -> None:
        """Call ``listener(pointer)`` when the breakpoint of the picked state is to change."""
        self._breakpoint.append(listener)

    def _pick(self, pointer: str) -> None:
        if not self._quiet:
            for listener in self._select:
                listener(pointer)

    def _toggle(self) -> None:
        if self.states.value:
            for listener in self._breakpoint:
                listener(self.states.value)

    def show(self, machine: Any, marks: Marks, selected: str, stops: Mapping[str, bool]) -> None:
        """Show all of it."""
        self._quiet = True
        if machine is not self._machine:
            self._machine, self._geometry = machine, layout(machine.definition)
            names = [(box.name, pointer) for pointer, box in self._geometry.nodes.items()]
            self.states.options = [("the execution", ""), *names]
        assert self._geometry is not None  # noqa: S101 - made with the machine
        update(self.states, value=selected)
        icon = {None: "circle-o", False: "dot-circle-o", True: "circle"}[stops.get(selected)]
        update(self.stop, icon=icon, disabled=not selected)
        update(self.picture, value=to_svg(self._geometry, marks=marks, title=machine.name))
        self._quiet = False
