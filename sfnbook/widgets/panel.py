"""The contract of a panel: what it is given to show, and what it may do.

A panel is a class with three things: it is made with a `Desk`, has a ``widget``, and its
``show(moment)`` sets that widget from a `Moment`.  ``show`` is called only while the panel is open,
after every move and edit, and when it is opened; it sets only traits that differ (`forms.update`).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from sfnbook.drawing.statuses import Marks
from sfnbook.values import copied, unescape_pointer, without_indices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sfnbook.debugger import Debugger
    from sfnbook.debugging.breakpoints import Breakpoint
    from sfnbook.definition import State
    from sfnbook.transition import Transition
    from sfnbook.values import Json


class Moment:
    """Where the debugger stands and which state is looked at; what is dear is computed when it is asked.

    ``pointer`` is that of the state that somebody ``picked``, else of the one that the last transition
    was about; "" for the whole execution.  ``states`` are those of the machine by pointer.
    ``iteration`` is set while one iteration of a Map is looked at: the Map's pointer and the index.
    """

    def __init__(
        self,
        debugger: Debugger,
        pointer: str,
        states: Mapping[str, State],
        iteration: tuple[str, int] | None = None,
        *,
        picked: bool = False,
    ) -> None:
        self.debugger, self.pointer, self.states = debugger, pointer, states
        self.iteration, self.picked = iteration, picked

    @property
    def state(self) -> State | None:
        """The state that is looked at."""
        return self.states.get(self.pointer)

    @cached_property
    def overall(self) -> Marks:
        """What happened to each state, in all iterations."""
        return self.debugger.marks()

    @cached_property
    def marks(self) -> Marks:
        """What happened to each state; inside a Map of which one iteration is looked at, in that one."""
        marks = self.overall
        if self.iteration is None:
            return marks
        around, index = self.iteration
        run = self.debugger.followed().run_at(around)
        assert run is not None  # noqa: S101 - the view lets go of an iteration that is not there
        alone, inside = self.debugger.followed().marks_of(run, index), f"{around}/"
        return Marks(
            _outside(marks.status, inside) | dict(alone.status),
            _outside(marks.notes, inside) | dict(alone.notes),
            frozenset(way for way in marks.taken if not way.source.startswith(inside)) | alone.taken,
        )

    @property
    def statuses(self) -> Mapping[str, str]:
        """The status of each state that something happened to, by pointer."""
        return self.marks.status

    @cached_property
    def stops(self) -> dict[str, bool]:
        """The pointers of the states that have a breakpoint: is one of them enabled?"""
        found: dict[str, bool] = {}
        for one in self.debugger.breakpoints:
            if pointer := self.stops_at(one):
                found[pointer] = found.get(pointer, False) or one.enabled
        return found

    def stops_at(self, breakpoint: Breakpoint) -> str:  # noqa: A002 - the word
        """The pointer of the state of a breakpoint, which names it or has its path; "" if it has none."""
        if breakpoint.state is None:
            return ""
        bare = f".{without_indices(breakpoint.state)}"
        found = (pointer for pointer, state in self.states.items() if bare.endswith(f".{state.name}"))
        return next(found, "")

    @cached_property
    def transition(self) -> Transition | None:
        """The last transition, whatever it was about."""
        return self.debugger.transition

    @cached_property
    def latest(self) -> Transition | None:
        """The last transition in the state that is looked at; None if it was not entered yet."""
        return next(self.back(), None)

    def back(self) -> Iterator[Transition]:
        """The transitions of the state that is looked at, the latest first."""
        return filter(self.concerns, self.debugger.about(self.pointer))

    def concerns(self, transition: Transition) -> bool:
        """Is a transition one of the state that is looked at, in the iteration that is looked at?"""
        state = self.states.get(self.pointer)
        here = state is not None and transition.state == state.name
        return here and transition.path.startswith(self._within())

    def _within(self) -> str:
        """How the paths of the looked-at state begin: those of one iteration, if one is looked at."""
        if self.iteration is None or not self.pointer.startswith(f"{self.iteration[0]}/"):
            return ""
        around, index = self.iteration
        run = self.debugger.followed().run_at(around)
        assert run is not None  # noqa: S101 - as in `marks`
        container = self.debugger.execution.changes[run].frame
        return f"{container.scope.prefix}{self.states[around].name}[{index}]."

    @cached_property
    def definition(self) -> Json:
        """The state that is looked at, as its author wrote it."""
        value = self.debugger.machine.source
        for step in self.pointer.split("/")[1:]:
            value = value[int(step) if isinstance(value, list) else unescape_pointer(step)]
        return copied(value)


def _outside(by_pointer: Mapping[str, str], inside: str) -> dict[str, str]:
    return {pointer: value for pointer, value in by_pointer.items() if not pointer.startswith(inside)}


class Desk(Protocol):
    """What a panel may do: each ends in the whole view being shown anew.

    ``height`` is what a tall panel takes at most, in pixels; ``plain`` views use core ipywidgets only.
    ``earlier`` is the debugger of an earlier run of the same cell, until it is of no use any more, and
    ``compared`` what the graph says beside its states while two branches are compared, by pointer.
    """

    debugger: Debugger
    height: int
    plain: bool
    earlier: Debugger | None

    @property
    def compared(self) -> Mapping[str, str]: ...

    def mark(self, compared: Mapping[str, str]) -> None:
        """Say something beside states of the graph while branches are compared; nothing: no more."""

    def change(self, act: Callable[..., Any], *given: Any) -> None:
        """Edit something; a UsageError goes through, for a form to tell it beside its field."""

    def visit(self, act: Callable[..., Any], *given: Any) -> None:
        """Move; what goes wrong is told under the view."""

    def select(self, pointer: str) -> None:
        """Look at a state until the next step; "" looks at the last one again."""

    def look_at(self, iteration: tuple[str, int] | None) -> None:
        """Look at one iteration of a Map (its pointer, the index) until it is gone; None: at all."""

    def toggle_breakpoint(self, pointer: str) -> None:
        """Set a breakpoint on entering a state, or take those of the state away."""

    def resume(self) -> None:
        """Go on with what a question interrupted."""


class Panel(Protocol):
    """A part of the view that can be opened."""

    widget: Any

    def __init__(self, desk: Desk) -> None: ...

    def show(self, moment: Moment) -> None:
        """Set the widget from how things stand."""
