"""The contract of a panel: what it is given to show, and what it may do.

A panel is a class with three things: it is made with a `Desk`, has a ``widget``, and its
``show(moment)`` sets that widget from a `Moment`.  ``show`` is called only while the panel is open,
after every move and edit, and when it is opened; it sets only traits that differ (`forms.update`).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from sfnbook.values import copied, unescape_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.debugger import Debugger
    from sfnbook.definition import State
    from sfnbook.transition import Transition
    from sfnbook.values import Json


class Moment:
    """Where the debugger stands and which state is looked at; what is dear is computed when it is asked.

    ``pointer`` is that of the state that somebody picked, else of the one that the last transition
    was about; "" for the whole execution.  ``states`` are those of the machine by pointer.
    """

    def __init__(self, debugger: Debugger, pointer: str, states: Mapping[str, State]) -> None:
        self.debugger, self.pointer, self.states = debugger, pointer, states

    @property
    def state(self) -> State | None:
        """The state that is looked at."""
        return self.states.get(self.pointer)

    @cached_property
    def statuses(self) -> dict[str, str]:
        """What happened to each state, by pointer."""
        return self.debugger.statuses()

    @cached_property
    def transition(self) -> Transition | None:
        """The last transition, whatever it was about."""
        return self.debugger.transition

    @cached_property
    def latest(self) -> Transition | None:
        """The last transition in the state that is looked at; None if it was not entered yet."""
        if self.pointer not in self.statuses:
            return None
        execution, name = self.debugger.execution, self.states[self.pointer].name
        found = (execution.shown(number) for number in reversed(range(execution.cursor)))
        return next((transition for transition in found if transition.state == name), None)

    @cached_property
    def definition(self) -> Json:
        """The state that is looked at, as its author wrote it."""
        value = self.debugger.machine.source
        for step in self.pointer.split("/")[1:]:
            value = value[int(step) if isinstance(value, list) else unescape_pointer(step)]
        return copied(value)


class Desk(Protocol):
    """What a panel may do: each ends in the whole view being shown anew.

    ``height`` is what a tall panel takes at most, in pixels; ``plain`` views use core ipywidgets only.
    """

    debugger: Debugger
    height: int
    plain: bool

    def change(self, act: Callable[..., Any], *given: Any) -> None:
        """Edit something; a UsageError goes through, for a form to tell it beside its field."""

    def visit(self, act: Callable[..., Any], *given: Any) -> None:
        """Move; what goes wrong is told under the view."""

    def select(self, pointer: str) -> None:
        """Look at a state until the next step; "" looks at the last one again."""

    def resume(self) -> None:
        """Go on with what a question interrupted."""


class Panel(Protocol):
    """A part of the view that can be opened."""

    widget: Any

    def __init__(self, desk: Desk) -> None: ...

    def show(self, moment: Moment) -> None:
        """Set the widget from how things stand."""
