"""What moves the debugger: the commands with their buttons and keys, the scrubber, the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ipywidgets as w

from sfnbook.widgets.forms import button, update
from sfnbook.widgets.scrubber import PlainScrubber, Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Command(NamedTuple):
    """A button: its words ("" for an icon alone), icon, tooltip and key; the debugger's method behind it."""

    label: str
    icon: str
    tooltip: str
    key: str
    method: str = ""


COMMANDS: Final[dict[str, Command]] = {
    "next": Command("Next state", "arrow-right", "Step over: until this state is left", "F10", "step_over"),
    "back": Command("Back", "step-backward", "Take the last transition back", "Shift+F10", "back"),
    "step": Command("Step", "step-forward", "One transition, of any branch", "Ctrl+F11", "step"),
    "into": Command("", "long-arrow-down", "Step into: one transition of this flow", "F11", "step_into"),
    "out": Command(
        "", "long-arrow-up", "Step out: until the Map, Parallel or child is left", "Shift+F11", "step_out"
    ),
    "run": Command(
        "Continue", "fast-forward", "Continue to the end, to a breakpoint or to a question", "F5", "run"
    ),
    "run_back": Command(
        "", "fast-backward", "Continue backwards, to a breakpoint or the beginning", "Shift+F5", "run_back"
    ),
    "run_to": Command("", "crosshairs", "Run to here: until the selected state is next", "Ctrl+F10"),
    "restart": Command("", "undo", "Go to the beginning; edits and errors stay", "Ctrl+Shift+F5", "restart"),
    "play": Command("Play", "play", "Step by step by itself, at this speed", "Ctrl+F5"),
    "pause": Command("Pause", "pause", "Stop running", "F6"),
}
"""The keys are those of VS Code where it has one."""

KEYS: Final[dict[str, str]] = {command.key: name for name, command in COMMANDS.items()}

SPEEDS: Final = {"1 a second": 1, "2 a second": 2, "5 a second": 5, "10 a second": 10, "20 a second": 20}
"""Transitions a second while it plays."""

FORWARD: Final = frozenset({"next", "step", "into", "out", "run", "run_to", "play"})


class Toolbar:
    """Buttons for the commands, the speed, the branches, the clock; below them the scrubber.

    ``do(name)`` is called with a key of `COMMANDS`, ``choose(branch)`` with a branch's name,
    ``scrub(position)`` with how many transitions are to lie before the cursor.
    """

    def __init__(
        self,
        do: Callable[[str], None],
        choose: Callable[[str], None],
        scrub: Callable[[int], None],
        *,
        plain: bool,
    ) -> None:
        self._quiet = False
        self.buttons = {name: _button(name, command, do) for name, command in COMMANDS.items()}
        self.buttons["next"].add_class("sfn-primary")
        self.speed = w.Dropdown(
            options=tuple(SPEEDS.items()), value=2, tooltip="Speed", layout=w.Layout(width="auto")
        )
        self.branches = w.Dropdown(options=(), description="Branch", layout=w.Layout(width="auto"))
        self.branches.observe(lambda change: self._said(choose, change["new"]), "value")
        self.clock = w.HTML()
        self.clock.add_class("sfn-clock-box")
        self.scrubber = (PlainScrubber if plain else Scrubber)(scrub)
        self.row = w.HBox([*self.buttons.values(), self.speed, self.branches, self.clock])
        self.row.add_class("sfn-toolbar")
        self.widget = w.VBox([self.row, self.scrubber])
        self.widget.add_class("sfn-controls")

    def _said(self, tell: Callable[[Any], None], value: Any) -> None:
        if value is not None and not self._quiet:
            tell(value)

    def show(self, *, running: bool, over: bool, position: int, length: int, clock: str, words: str) -> None:
        """Enable what can be done now, and put the scrubber where the cursor is."""
        for name, one in self.buttons.items():
            off = over if name in FORWARD else position == 0
            update(one, disabled=name != "pause" and (running or off))
            update(one.layout, display="none" if name == ("play" if running else "pause") else None)
        update(self.clock, value=clock)
        self.scrubber.show(position, length, words)

    def show_branches(self, branches: Mapping[str, str], current: str) -> None:
        """Offer the branches, each with the edit that made it, if there is a choice."""
        self._quiet = True
        try:
            options = tuple((f"{name}: {why}" if why else name, name) for name, why in branches.items())
            if self.branches.options != options:
                self.branches.options = options
            update(self.branches, value=current)
            update(self.branches.layout, display=None if len(options) > 1 else "none")
        finally:
            self._quiet = False


def _button(name: str, command: Command, do: Callable[[str], None]) -> Any:
    made = button(command.label, command.icon, f"{command.tooltip} ({command.key})", lambda: do(name))
    made.add_class(f"sfn-do-{name}")
    return made
