"""What surrounds all parts of a view: the style sheet, the debugger's keys, full screen.

The view itself is a tree of ipywidgets; this one widget, which shows nothing, does in the browser
what they cannot.  Where anywidget's front end is missing, `styles` alone has to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import anywidget
import ipywidgets
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE: Final = Path(__file__).parent
STYLE: Final = "\n".join((HERE / name).read_text("utf-8") for name in ("debugger.css", "panels.css"))


class Frame(anywidget.AnyWidget):
    """Listens for ``shortcuts`` ("Shift+F10") in the view around it and makes it ``scale`` times as large.

    When nothing has moved for a while, the browser asks for the ``picture`` of the ``view`` and puts
    it into the notebook, which so shows without a kernel the moment at which it was left.
    """

    _esm: ClassVar[Any] = HERE / "frame.js"
    _css: ClassVar[Any] = STYLE

    shortcuts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    scale = traitlets.Float(1.0).tag(sync=True)
    view = traitlets.Unicode("").tag(sync=True)
    moment = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        keys: Sequence[str],
        press: Callable[[str], None],
        scale: float,
        picture: Callable[[], str] = lambda: "",
    ) -> None:
        self._press, self._picture = press, picture
        super().__init__(shortcuts=list(keys), scale=scale)
        self.on_msg(self._hear)

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        said = message if isinstance(message, dict) else {}
        if said.get("key") in self.shortcuts:
            self._press(said["key"])
        elif said.get("picture"):
            self.send({"svg": self._picture()})


def styles(scale: float) -> Any:
    """The style sheet as a widget of ipywidgets itself."""
    larger = "" if scale == 1 else f".sfn-scale-{scale * 100:.0f} {{ zoom: {scale} }}"
    return ipywidgets.HTML(f"<style>{STYLE}{larger}</style>")
