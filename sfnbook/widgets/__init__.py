"""The notebook's face: live views of a state machine and of a debugger, over ipywidgets and anywidget."""

from __future__ import annotations

from sfnbook.widgets.debugger import DebuggerView
from sfnbook.widgets.graph import GraphView

__all__ = ["DebuggerView", "GraphView"]
