"""The JSON editor: CodeMirror, which is bundled, or a text area where anywidget's front end is missing.

Its value is the JSON *text*, so 1.0 and large integers stay what was typed.  The editor's program is
400 kB and travels with each widget of it, so a view has one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import ipywidgets as w
import traitlets

from sfnbook.errors import UsageError
from sfnbook.widgets.forms import json_field, parsed

if TYPE_CHECKING:
    from collections.abc import Callable


class Editor(anywidget.AnyWidget):
    """A field for JSON text; ``problems`` are marked in it: ``{"line": 1, "column": 8, "message": ...}``.

    ``most`` is its height in lines before it scrolls.  `on_submit` calls back on Ctrl+Enter.
    """

    _esm: ClassVar[Any] = Path(__file__).with_name("editor.js")

    value = traitlets.Unicode("").tag(sync=True)
    problems = traitlets.List(traitlets.Dict()).tag(sync=True)
    label = traitlets.Unicode("JSON").tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    most = traitlets.Int(18).tag(sync=True)

    def __init__(self, label: str) -> None:
        super().__init__(label=label)
        self._submit: Callable[[], None] = lambda: None
        self.on_msg(self._hear)

    def on_submit(self, act: Callable[[], None]) -> None:
        """Call ``act()`` when Ctrl+Enter is pressed."""
        self._submit = act

    def _hear(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if isinstance(message, dict) and message.get("submit") is True and not self.disabled:
            self._submit()


class PlainEditor(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """The same as a text area; what is wrong is told below it alone."""

    value = traitlets.Unicode("")
    problems: Any = traitlets.List()
    label = traitlets.Unicode("")
    disabled = traitlets.Bool(False)

    def __init__(self, label: str) -> None:
        self.area = json_field(label, 10)
        super().__init__([self.area])
        self.label = label
        for name, of_area in (("value", "value"), ("disabled", "disabled"), ("label", "tooltip")):
            if self.area.has_trait(of_area):  # ipywidgets 7 has no tooltips on text areas
                traitlets.link((self, name), (self.area, of_area))

    def on_submit(self, act: Callable[[], None]) -> None:
        """A text area has no such key."""


def json_editor(label: str, plain: bool) -> Any:
    """An `Editor`, or a `PlainEditor` for a plain view."""
    return PlainEditor(label) if plain else Editor(label)


def problem_of(text: str) -> dict[str, Any] | None:
    """What is wrong with a JSON text, and where; None for a text that can be read.

    >>> problem_of('{"a": }')
    {'line': 1, 'column': 7, 'message': 'Line 1, column 7: Expecting value'}
    >>> problem_of('{"a": 12345678901234567890.0}') is None
    True
    """
    try:
        parsed(text)
    except UsageError as problem:
        line, column = place_of(text)
        return {"line": line, "column": column, "message": str(problem)}
    return None


def place_of(text: str) -> tuple[int, int]:
    """Where a text stops being JSON; its beginning, where that is not known."""
    try:
        json.loads(text)
    except json.JSONDecodeError as problem:
        return problem.lineno, problem.colno
    except (RecursionError, ValueError):
        pass
    return 1, 1
