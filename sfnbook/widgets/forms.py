"""Fields that people type into: parsing what was typed, and telling a mistake beside its field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.errors import UsageError
from sfnbook.widgets.words import heading, message_html

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfnbook.values import Json


def parsed(text: str) -> Json:
    """The JSON value of a text, or a UsageError with the line and column of the mistake.

    >>> parsed('{"a": 1.0}')
    {'a': 1.0}
    >>> parsed('{"a": }')
    Traceback (most recent call last):
    ...
    sfnbook.errors.UsageError: Line 1, column 7: Expecting value
    """
    try:
        return json.loads(text, parse_constant=_refused)
    except RecursionError:
        raise UsageError("The JSON is nested too deeply.") from None
    except json.JSONDecodeError as problem:
        raise UsageError(f"Line {problem.lineno}, column {problem.colno}: {problem.msg}") from None
    except ValueError as problem:  # a number of more digits than Python reads
        raise UsageError(f"The JSON cannot be read: {problem}") from None


def _refused(name: str) -> Json:
    raise UsageError(f"{name} is no JSON value; use null, a number or a string.")


def printed(value: Json) -> str:
    """JSON text for editing."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def update(widget: Any, **traits: Any) -> None:
    """Set only what differs: each trait that is set crosses to the browser."""
    for name, value in traits.items():
        if getattr(widget, name) != value:
            setattr(widget, name, value)


def button(label: str, icon: str, tooltip: str, act: Callable[[], None]) -> Any:
    """A button as wide as its words."""
    made = w.Button(description=label, icon=icon, tooltip=tooltip, layout=w.Layout(width="auto"))
    made.on_click(lambda _: act())
    return made


def wide() -> Any:
    """A layout as wide as there is room, for one widget alone: widgets that share one are hidden together."""
    return w.Layout(width="auto")


def json_field(label: str, rows: int = 6) -> Any:
    """A field for JSON text."""
    field = w.Textarea(layout=w.Layout(width="auto"), rows=rows, tooltip=label, placeholder="JSON")
    field.add_class("sfn-editor")
    return field


class Form:
    """Fields, a button, and a place for what is wrong with them.

    ``act`` is called by the button; a UsageError is told under the fields, which keep their text.
    """

    def __init__(
        self, title: str, fields: Sequence[Any], label: str, icon: str, act: Callable[[], None]
    ) -> None:
        self.title, self.act = w.HTML(heading(title, "")), act
        self.button = button(label, icon, "", self.submit)
        self.message = w.HTML()
        self.row = w.HBox([self.button])
        self.row.add_class("sfn-form-row")
        self.widget = w.VBox([self.title, *fields, self.row, self.message])
        self.widget.add_class("sfn-form")

    def submit(self) -> None:
        """What the button does."""
        self.attempt(self.act)

    def attempt(self, act: Callable[[], None]) -> None:
        """Do something; what is wrong with it is told under the fields."""
        try:
            act()
        except UsageError as problem:
            self.message.value = message_html(str(problem))
        else:
            self.message.value = ""


LONGEST: Final = 100 * 365 * 86400
"""Seconds that may pass at once; an execution ends after a year."""


def seconds_of(text: str, otherwise: str) -> float | None:
    """Virtual seconds from a text; None for nothing, and a UsageError that says ``otherwise``.

    >>> seconds_of("1800", "no number"), seconds_of(" ", "no number")
    (1800.0, None)
    """
    if not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST:
        raise UsageError(otherwise)
    return seconds
