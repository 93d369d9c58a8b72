"""The timeline: every attempt, wait and back-off on the virtual clock; a click goes there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import ipywidgets as w
import traitlets

from sfnbook.drawing.gantt_drawing import chart_svg
from sfnbook.widgets.forms import update

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.drawing.gantt import Chart
    from sfnbook.widgets.panel import Desk, Moment


class TimelineView(anywidget.AnyWidget):
    """A chart with a cursor; ``pick(number)`` is called with the transition at which a bar begins."""

    _esm: ClassVar[Any] = Path(__file__).parents[1] / "timeline.js"

    picture = traitlets.Unicode("<svg xmlns='http://www.w3.org/2000/svg'/>").tag(sync=True)
    cursor = traitlets.Float(0.0).tag(sync=True)

    def __init__(self, pick: Callable[[int], None]) -> None:
        super().__init__()
        self._pick = pick
        self.on_msg(self._hear)

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        number = message.get("number") if isinstance(message, dict) else None
        if isinstance(number, int):
            self._pick(number)


class Timeline:
    """The whole recording, and where the debugger stands in it; a plain view has the picture alone."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.chart: Chart | None = None
        self.view = None if desk.plain else TimelineView(self._go)
        self.picture = w.HTML()
        self.note = w.HTML()
        self.widget = w.VBox([self.view or self.picture, self.note])

    def _go(self, number: int) -> None:
        self.desk.visit(self.desk.debugger.goto, number)

    def show(self, moment: Moment) -> None:
        """Draw the chart anew only when something new was recorded; else only the cursor moves."""
        chart, time = moment.debugger.gantt(), moment.debugger.time
        if self.view is None:
            update(self.picture, value=chart_svg(chart, cursor=time))
        else:
            with self.view.hold_sync():
                if chart is not self.chart:
                    self.view.picture = chart_svg(chart, cursor=time)
                self.view.cursor = time
        self.chart = chart
        still = chart.rows and not chart.end
        note = "No virtual time has passed: Tasks take none unless their answers say so." if still else ""
        update(self.note, value=f'<p class="sfn-note">{note}</p>' if note else "")
