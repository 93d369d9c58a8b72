"""HTML text with places to click: what ipywidgets' own HTML cannot do.

A place is an element with ``data-act``; `Act` makes one.  Only what is offered at the moment is
done, whatever a browser sends.  Where anywidget's front end is missing, the acts
are in a list below the text.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import anywidget
import ipywidgets as w
import traitlets

from sfnbook.widgets.forms import button, update
from sfnbook.widgets.words import message_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Act(NamedTuple):
    """Something to click: a name for the program, words for people, and ``inside``, escaped HTML to show."""

    name: str
    words: str
    inside: str = ""
    pressed: bool | None = None

    def html(self, css: str = "") -> str:
        """The button."""
        state = "" if self.pressed is None else f' aria-pressed="{str(self.pressed).lower()}"'
        label = f' aria-label="{escape(self.words)}" title="{escape(self.words)}"' if self.inside else ""
        return (
            f'<button type="button" class="sfn-act {css}" data-act="{escape(self.name)}"'
            f'{label}{state} data-lm-suppress-shortcuts="true">{self.inside or escape(self.words)}</button>'
        )


REMOVE = "✕"


class Markup(anywidget.AnyWidget):
    """Shows HTML text; ``do(name)`` is called with the name of an act that is offered and was clicked."""

    _esm: ClassVar[Any] = Path(__file__).with_name("markup.js")

    html = traitlets.Unicode("").tag(sync=True)

    def __init__(self, do: Callable[[str], None]) -> None:
        super().__init__()
        self._do = do
        self.acts: dict[str, Act] = {}
        self.on_msg(self._hear)

    def show(self, html: str, acts: Iterable[Act] = ()) -> None:
        """Show a text, every part of it escaped, in which these acts are."""
        self.acts = {act.name: act for act in acts}
        update(self, html=html)

    def click(self, name: str) -> None:
        """What a click on an act does; one that is not offered does nothing."""
        if name in self.acts:
            self._do(name)

    def save(self, name: str, text: str) -> None:
        """Give the browser a file to keep."""
        self.send({"file": name, "text": text})

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        name = message.get("act") if isinstance(message, dict) else None
        if isinstance(name, str):
            self.click(name)


class PlainMarkup(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """The same of core ipywidgets: the text, and below it a list of what can be done."""

    def __init__(self, do: Callable[[str], None]) -> None:
        self._do = do
        self.acts: dict[str, Act] = {}
        self.text, self.note = w.HTML(), w.HTML()
        self.choice = w.Dropdown(options=(), tooltip="What to do", layout=w.Layout(width="auto"))
        self.go = button("Do", "", "Do what is chosen", lambda: self.click(self.choice.value))
        self.row = w.HBox([self.choice, self.go])
        super().__init__([self.text, self.row, self.note])

    @property
    def html(self) -> str:
        """The text."""
        shown: str = self.text.value
        return shown

    def show(self, html: str, acts: Iterable[Act] = ()) -> None:
        """Show a text, and offer the acts; nothing in the text itself can be clicked here."""
        self.acts = {act.name: act for act in acts}
        update(self.text, value=html.replace('<button type="button"', '<button type="button" disabled'))
        options = tuple((act.words, act.name) for act in self.acts.values())
        if self.choice.options != options:
            self.choice.options = options
        update(self.row.layout, display=None if options else "none")

    def click(self, name: str | None) -> None:
        """Do one of the acts."""
        if name in self.acts:
            self._do(str(name))

    def save(self, name: str, text: str) -> None:
        """Write the file beside the notebook, as no browser can be asked to."""
        try:
            Path(name).write_text(text, encoding="utf-8")
        except OSError as problem:
            self.note.value = message_html(f"{name} was not written: {problem.strerror or problem}")
        else:
            self.note.value = message_html(f"{name} was written.", "succeeded")


def markup(plain: bool, do: Callable[[str], None]) -> Any:
    """A `Markup`, or a `PlainMarkup` for a plain view."""
    return PlainMarkup(do) if plain else Markup(do)
