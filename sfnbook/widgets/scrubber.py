"""The slider over all recorded transitions: to the left is the past, and nobody is called again.

ipywidgets' own slider sends an old value back when its maximum grows, which took steps back that
had just been made; so this one is our own, and the plain view has a number to type.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import ipywidgets as w
import traitlets

from sfnbook.widgets.forms import update

if TYPE_CHECKING:
    from collections.abc import Callable


class Scrubber(anywidget.AnyWidget):
    """``scrub(position)`` is called with how many transitions are to lie before the cursor."""

    _esm: ClassVar[Any] = Path(__file__).with_name("scrubber.js")

    position = traitlets.Int(0).tag(sync=True)
    length = traitlets.Int(0).tag(sync=True)
    words = traitlets.Unicode("").tag(sync=True)

    def __init__(self, scrub: Callable[[int], None]) -> None:
        super().__init__()
        self._scrub = scrub
        self.on_msg(self._hear)

    def show(self, position: int, length: int, words: str) -> None:
        """Put the thumb where the cursor is; the words are for those who do not see it."""
        with self.hold_sync():
            self.position, self.length, self.words = position, length, words

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        position = message.get("position") if isinstance(message, dict) else None
        if isinstance(position, int) and 0 <= position <= self.length:
            self._scrub(position)
        self.send({"answered": True})


class PlainScrubber(w.IntText):  # type: ignore[misc] # ipywidgets has no types
    """The same as a number: the position, to read and to type."""

    def __init__(self, scrub: Callable[[int], None]) -> None:
        super().__init__(style={"description_width": "initial"}, layout=w.Layout(width="auto"))
        self._length, self._quiet = 0, False
        self.observe(lambda change: self._typed(change["new"], scrub), "value")

    def _typed(self, position: int, scrub: Callable[[int], None]) -> None:
        if not self._quiet:
            scrub(min(max(position, 0), self._length))

    def show(self, position: int, length: int, words: str) -> None:
        """Show the position; the card says the words."""
        del words
        self._length, self._quiet = length, True
        update(self, value=position, description=f"Transition (of {length:,})")
        self._quiet = False
