"""The graph of a state machine as a live view: the picture is sent once, then only what changed.

At each step only the names of the statuses cross to the browser, where drawing the picture anew
took several times as long.  A view that is opened late finds everything in the synced traits.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import anywidget
import traitlets

from sfnbook.drawing.layout import layout
from sfnbook.drawing.statuses import Marks
from sfnbook.drawing.svg import STATUSES, known, to_svg, ways

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE: Final = Path(__file__).parent
LOOKS: Final = {name: {"label": status.label, "icon": status.icon} for name, status in STATUSES.items()}


class GraphView(anywidget.AnyWidget):
    """The picture of a `StateMachine`, or of what a `Debugger` debugs, with a status for each state.

    ``status`` maps pointers to names of `sfnbook.drawing.svg.STATUSES`, ``notes`` to short texts; ``taken``
    are the numbers of the edges that were taken; ``stops`` the pointers of states with a breakpoint,
    ``off`` of those where it is disabled;
    ``selected`` is the pointer of the state that is marked.  `on_select` and `on_breakpoint` call
    back when somebody picks a state in the browser, or its breakpoint.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> view = GraphView(machine)
    >>> view.show_status({"/States/A": "succeeded"})
    >>> view.status
    {'/States/A': 'succeeded'}
    """

    _esm: ClassVar[Any] = HERE / "graph.js"
    _css: ClassVar[Any] = HERE / "graph.css"

    geometry = traitlets.Unicode("").tag(sync=True)
    looks = traitlets.Dict(LOOKS).tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    notes = traitlets.Dict().tag(sync=True)
    taken: Any = traitlets.List().tag(sync=True)
    stops: Any = traitlets.List().tag(sync=True)
    off: Any = traitlets.List().tag(sync=True)
    selected = traitlets.Unicode("").tag(sync=True)
    height = traitlets.Int(560).tag(sync=True)

    def __init__(self, source: Any, **traits: Any) -> None:
        self._machine: Any = None
        self._listeners: dict[str, list[Callable[[str], None]]] = {"select": [], "breakpoint": []}
        super().__init__(**traits)
        marks = getattr(source, "marks", None)
        self.show_machine(source.machine if callable(marks) else source)
        if callable(marks):
            self.show_marks(marks())
        self.on_msg(self._hear)

    def show_machine(self, machine: Any) -> None:
        """Draw another definition, if it is another one."""
        if machine is not self._machine:
            self._machine = machine
            drawn = layout(machine.definition)
            self._ways = ways(drawn)
            self.geometry = to_svg(drawn, title=machine.name)

    def show_marks(self, marks: Marks) -> None:
        """Show what happened: in one message, and only the kinds of marks that changed."""
        with self.hold_sync():
            self.show_status(marks.status)
            self.notes = dict(marks.notes)
            self.taken = sorted(self._ways[way] for way in marks.taken if way in self._ways)

    def show_status(self, status: Mapping[str, str]) -> None:
        """Give the states their statuses; those that are not named have none."""
        self.status = {pointer: name for pointer, name in known(status).items() if name != "none"}

    def show(self, machine: Any, marks: Marks, selected: str, stops: Mapping[str, bool]) -> None:
        """Show all of it, in one message."""
        with self.hold_sync():
            self.show_machine(machine)
            self.show_marks(marks)
            self.selected, self.stops = selected, sorted(stops)
            self.off = sorted(pointer for pointer, enabled in stops.items() if not enabled)

    def on_select(self, listener: Callable[[str], None]) -> None:
        """Call ``listener(pointer)`` when a state is picked."""
        self._listeners["select"].append(listener)

    def on_breakpoint(self, listener: Callable[[str], None]) -> None:
        """Call ``listener(pointer)`` when a state's breakpoint is clicked, or F9 pressed on the state."""
        self._listeners["breakpoint"].append(listener)

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, dict):
            return
        pointer = message.get("pointer")
        if isinstance(pointer, str):
            for listener in self._listeners.get(message.get("type") or "", ()):
                listener(pointer)

    def svg(self) -> str:
        """The picture as it stands, as SVG text that stands alone."""
        numbers = {number: way for way, number in self._ways.items()}
        marks = Marks(self.status, self.notes, frozenset(numbers[number] for number in self.taken))
        return to_svg(layout(self._machine.definition), marks=marks, title=self._machine.name)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**options), self.svg())


def with_picture(bundle: Any, svg: str) -> Any:
    """A widget's display data with a picture for a notebook that is read without a kernel."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, None)
    if data is None:
        return bundle
    data = {**data, "image/svg+xml": svg}
    return data if metadata is None else (data, metadata)
