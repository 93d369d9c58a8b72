"""The graph: what happened to each state; a click looks at one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfnbook.widgets.graph import GraphView

if TYPE_CHECKING:
    from sfnbook.widgets.panel import Desk, Moment


class Graph:
    """The picture of the machine, following the debugger."""

    def __init__(self, desk: Desk) -> None:
        self.widget = GraphView(desk.debugger, height=desk.height)
        self.widget.on_select(desk.select)

    def show(self, moment: Moment) -> None:
        """Only what changed crosses to the browser, in one message."""
        with self.widget.hold_sync():
            self.widget.show_machine(moment.debugger.machine)
            self.widget.show_status(moment.statuses)
            self.widget.selected = moment.pointer
