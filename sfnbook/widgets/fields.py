"""Controls that ipywidgets lacks: a slider with stops and a field to type in, segments, text to copy.

ipywidgets' own sliders have no name for a screen reader, no units and only even steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import anywidget
import traitlets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfnbook.retrylab.conditions import Field

HERE: Final = Path(__file__).parent


class Slider(anywidget.AnyWidget):
    """A number: ``value``, None where it is not set, or the text that was typed where that is no number.

    >>> from sfnbook.retrylab.conditions import RETRIER
    >>> slider = Slider(RETRIER["MaxAttempts"], lambda value: print("moved to", value))
    >>> slider.value = 7
    moved to 7
    >>> slider.show(9)
    >>> slider.value, slider.problem
    (9, '')
    """

    _esm: ClassVar[Any] = HERE / "slider.js"
    _css: ClassVar[Any] = HERE / "retrylab.css"

    label = traitlets.Unicode().tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    help = traitlets.Unicode().tag(sync=True)
    stops: Any = traitlets.List().tag(sync=True)
    factor = traitlets.Float(1.0).tag(sync=True)
    value = traitlets.Any(None, allow_none=True).tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    shown = traitlets.Bool(True).tag(sync=True)

    def __init__(self, field: Field, move: Callable[[Any], None]) -> None:
        super().__init__(
            label=field.label, unit=field.unit, help=field.tooltip, stops=list(field.stops),
            factor=field.factor,
        )  # fmt: skip
        self._quiet = False
        self._move = move
        self.observe(self._moved, "value")

    def _moved(self, change: Any) -> None:
        if not self._quiet:
            self._move(change["new"])

    def show(self, value: Any, problem: str = "", *, shown: bool = True) -> None:
        """Show a value and what is wrong with it, without saying that it was moved."""
        self._quiet = True
        try:
            with self.hold_sync():
                self.value, self.problem, self.shown = value, problem, shown
        finally:
            self._quiet = False


class Segments(anywidget.AnyWidget):
    """One of a few words, side by side; ``choose(value)`` is called when another one is picked."""

    _esm: ClassVar[Any] = HERE / "segments.js"

    label = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    value = traitlets.Unicode().tag(sync=True)
    shown = traitlets.Bool(True).tag(sync=True)

    def __init__(self, label: str, choose: Callable[[str], None]) -> None:
        super().__init__(label=label)
        self._quiet = False
        self._choose = choose
        self.observe(self._picked, "value")

    def _picked(self, change: Any) -> None:
        if not self._quiet:
            self._choose(change["new"])

    def show(self, options: Sequence[str], value: str, *, shown: bool = True) -> None:
        """Show the options and which one is picked."""
        self._quiet = True
        try:
            with self.hold_sync():
                self.options, self.value, self.shown = list(options), value, shown
        finally:
            self._quiet = False


class Copying(anywidget.AnyWidget):
    """Text with a button that copies it."""

    _esm: ClassVar[Any] = HERE / "copying.js"

    label = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str) -> None:
        super().__init__(label=label)
