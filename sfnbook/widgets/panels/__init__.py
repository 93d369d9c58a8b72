"""The panels of the debugger's view, in the order of its menu: each is a file here and a row below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.widgets.panels.ask import Ask
from sfnbook.widgets.panels.before import Before
from sfnbook.widgets.panels.branches import Branches
from sfnbook.widgets.panels.breakpoints import Breakpoints
from sfnbook.widgets.panels.data import Data
from sfnbook.widgets.panels.edit import Edit
from sfnbook.widgets.panels.events import Events
from sfnbook.widgets.panels.faults import Faults
from sfnbook.widgets.panels.graph import Graph
from sfnbook.widgets.panels.notes import Notes
from sfnbook.widgets.panels.search import Search
from sfnbook.widgets.panels.timeline import Timeline
from sfnbook.widgets.panels.watch import Watch
from sfnbook.widgets.panels.why import Why

if TYPE_CHECKING:
    from sfnbook.widgets.panel import Panel


class Entry(NamedTuple):
    """A panel: its title and tooltip in the menu, its class, and where it opens.

    The places are "head" (above all, always there, shows itself when it has something to say),
    "main" (the graph), "side" (beside it) and "foot" (below both, over the whole width).
    """

    title: str
    tooltip: str
    panel: type[Panel]
    place: str = "side"


PANELS: Final[dict[str, Entry]] = {
    "before": Entry("Before", "The session of an earlier run of this cell", Before, "head"),
    "notes": Entry("Notes", "What is not as it was when this was recorded", Notes, "head"),
    "ask": Entry("Ask", "Tasks that wait for an answer", Ask, "head"),
    "graph": Entry("Graph", "What happened to each state", Graph, "main"),
    "data": Entry("Data", "The data flow of the selected state, stage by stage", Data),
    "why": Entry("Why", "The reasons, with the lines of the definition that they are about", Why),
    "edit": Entry("Edit", "Change the input of the next state, a variable or a result", Edit),
    "faults": Entry("Faults", "Inject errors, latency, lost heartbeats", Faults),
    "breakpoints": Entry("Breakpoints", "Where to stop, and on what condition", Breakpoints),
    "watch": Entry("Watch", "Expressions, evaluated where the debugger stands", Watch),
    "timeline": Entry("Timeline", "Attempts, waits and back-offs on the virtual clock", Timeline, "foot"),
    "events": Entry("Events", "The history; click to go there", Events, "foot"),
    "branches": Entry("Branches", "What was tried, as a tree: switch, compare", Branches, "foot"),
    "search": Entry("Search", "In states, events and values", Search),
}

FIRST: Final = ("graph", "data")
"""What is open at first; the rest is one click away."""
