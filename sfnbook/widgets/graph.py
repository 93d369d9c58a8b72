"""The graph of a state machine as a live view: the picture is sent once, then only statuses.

At each step only the names of the statuses cross to the browser, where drawing the picture anew
took several times as long.  A view that is opened late finds everything in the synced traits.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import anywidget
import traitlets

from sfnbook.layout import layout
from sfnbook.svg import STATUSES, known, to_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE: Final = Path(__file__).parent
LOOKS: Final = {name: {"label": status.label, "icon": status.icon} for name, status in STATUSES.items()}


class GraphView(anywidget.AnyWidget):
    """The picture of a `StateMachine`, or of what a `Debugger` debugs, with a status for each state.

    ``status`` maps pointers to names of `sfnbook.svg.STATUSES`; ``selected`` is the pointer of the
    state that is marked.  `on_select` calls back when somebody picks a state in the browser.

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
    selected = traitlets.Unicode("").tag(sync=True)
    height = traitlets.Int(560).tag(sync=True)

    def __init__(self, source: Any, **traits: Any) -> None:
        statuses = getattr(source, "statuses", None)
        self._machine = source.machine if callable(statuses) else source
        self._listeners: list[Callable[[str], None]] = []
        super().__init__(geometry=picture(self._machine), **traits)
        if callable(statuses):
            self.show_status(statuses())
        self.on_msg(self._hear)

    def show_machine(self, machine: Any) -> None:
        """Draw another definition, if it is another one."""
        if machine is not self._machine:
            self._machine = machine
            self.geometry = picture(machine)

    def show_status(self, status: Mapping[str, str]) -> None:
        """Give the states their statuses; those that are not named have none."""
        self.status = {pointer: name for pointer, name in known(status).items() if name != "none"}

    def on_select(self, listener: Callable[[str], None]) -> None:
        """Call ``listener(pointer)`` when a state is picked."""
        self._listeners.append(listener)

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, dict):
            return
        pointer = message.get("pointer") if message.get("type") == "select" else None
        if isinstance(pointer, str):
            for listener in self._listeners:
                listener(pointer)

    def svg(self) -> str:
        """The picture as it stands, as SVG text that stands alone."""
        return to_svg(layout(self._machine.definition), status=self.status, title=self._machine.name)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**options), self.svg())


def picture(machine: Any) -> str:
    """The picture without statuses, as the browser is given it."""
    return to_svg(layout(machine.definition), title=machine.name)


def with_picture(bundle: Any, svg: str) -> Any:
    """A widget's display data with a picture for a notebook that is read without a kernel."""
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, None)
    if data is None:
        return bundle
    data = {**data, "image/svg+xml": svg}
    return data if metadata is None else (data, metadata)
