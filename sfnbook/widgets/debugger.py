"""The debugger in a notebook: controls, graph and panels bound to a `Debugger`.

The view holds no state of the execution.  Whatever is done, with a button, a key or in code, ends in
`DebuggerView.refresh`, which shows the debugger as it stands in one go.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.debugging.telling import sentence
from sfnbook.errors import SfnbookError, UnansweredTask, UsageError, did_you_mean
from sfnbook.values import state_name
from sfnbook.widgets import words
from sfnbook.widgets.cells import forget, register
from sfnbook.widgets.controls import COMMANDS, KEYS, Toolbar
from sfnbook.widgets.forms import update
from sfnbook.widgets.frame import Frame, styles
from sfnbook.widgets.graph import with_picture
from sfnbook.widgets.panel import Moment
from sfnbook.widgets.panels import FIRST, PANELS
from sfnbook.widgets.running import SLICE, Runner, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sfnbook.widgets.panel import Panel

BY_PEOPLE: Final = frozenset({"Edited", "Injected", "Answered", "Heartbeat"})
ABSENT: Final = (
    "A picture of this moment. To step here: pip install ipywidgets anywidget where Jupyter runs, "
    "then run the cell (sfnbook doctor finds what is missing)."
)
"""What is said where there is no kernel, or no front end for widgets."""

HINT: Final = (
    '<div class="sfn-missing">The graph and the keys need the front end of anywidget: <code>pip install '
    "anywidget</code> where Jupyter itself runs, and reload the page. Until then "
    "<code>debugger.show(plain=True)</code> shows all but the keys; <code>sfnbook doctor</code> finds what "
    "is missing.</div>"
)
"""What is said where ipywidgets are shown and anywidget is not: its style sheet hides this line."""

MOST_AT_ONCE: Final = 1024
"""Transitions between two looks at the time while running."""


class DebuggerView(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """A `Debugger` with buttons: step, go back, look, edit, answer.

    ``panels`` are those of `panels.PANELS` that are open at first, ``scale`` makes everything larger,
    ``height`` is that of the graph at most, in pixels.  ``plain`` uses core ipywidgets only, for
    places that lack anywidget's front end.

    >>> import sfnbook
    >>> from sfnbook.debugger import Debugger
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> view = DebuggerView(Debugger(machine, {"x": 1}))
    >>> view.press("run")
    >>> view.debugger.status, view.opened
    ('SUCCEEDED', ('graph', 'data'))
    >>> view.close()
    """

    # None also while it is not whole: Python's end of a view whose options were refused calls `close`, too.
    _unobserve: Callable[[], None] | None = None

    def __init__(
        self,
        debugger: Any,
        *,
        panels: Iterable[str] | None = None,
        scale: float = 1.0,
        height: int | None = None,
        plain: bool = False,
    ) -> None:
        opened = _known(FIRST if panels is None else panels)
        scale, self.height = _positive("scale", scale), int(_positive("height", height or 560))
        self.debugger, self.plain = debugger, plain
        self._picked = self._problem = ""
        self._iteration: tuple[str, int] | None = None
        self._compared: Mapping[str, str] = {}
        self.earlier: Any = None
        self._again: str | None = None
        self._machine: Any = None
        self._busy = False
        self._shown_at = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._runner = Runner(self._advance, self._ran)
        self._at_once = 1
        self.panels: dict[str, Panel] = {}
        self.frame = styles(scale) if plain else self._frame(scale)
        hint = [] if plain else [w.HTML(HINT)]
        self._build(opened)
        self._unobserve = debugger.observe(self._hear)
        above = [self.frame, *hint, self.toolbar.widget, self.used, self.now, self.head, self.menu]
        super().__init__([*above, self.body, self.foot, self.outcome, self.problem])
        if not plain:
            self.frame.view = self.model_id
        self.add_class("sfn-debugger").add_class(f"sfn-scale-{scale * 100:.0f}")
        before = [one.debugger for one in register(self) if isinstance(one, DebuggerView)]
        self.earlier = next((one for one in before if one is not debugger and one.length), None)
        self._arrange()

    def _frame(self, scale: float) -> Frame:
        return Frame(list(KEYS), lambda key: self.press(KEYS[key]), scale, lambda: self.svg(ABSENT))

    def _build(self, opened: tuple[str, ...]) -> None:
        self.toolbar = Toolbar(self.press, self._switch, self._scrub, plain=self.plain)
        self.now, self.used, self.outcome, self.problem = (w.HTML() for _ in range(4))
        self.switches = {name: _switch(name, name in opened) for name in PANELS if _in_menu(name)}
        for switch in self.switches.values():
            switch.observe(lambda _: self._arrange(), "value")
        self.menu = w.HBox([*self.switches.values(), *([] if self.plain else [_present()])])
        self.head, self.main, self.side, self.foot = (w.VBox() for _ in range(4))
        self.body = w.HBox()
        for name in ("head", "main", "side", "foot", "body", "menu"):
            getattr(self, name).add_class(f"sfn-{name}")

    # --- panels -------------------------------------------------------------------------------------
    @property
    def opened(self) -> tuple[str, ...]:
        """The panels of the menu that are open."""
        return tuple(name for name, switch in self.switches.items() if switch.value)

    def show_panel(self, name: str, shown: bool = True) -> Panel:
        """Open or close a panel; the panel."""
        (known,) = _known([name])
        if known in self.switches:
            self.switches[known].value = shown
        return self._made(known)

    def _made(self, name: str) -> Panel:
        """A panel, made when it is first needed."""
        if name not in self.panels:
            self.panels[name] = panel = PANELS[name].panel(self)
            panel.widget.add_class("sfn-panel").add_class(f"sfn-panel-{name}")
        return self.panels[name]

    def _arrange(self) -> None:
        """Show the open panels as things stand, then put them where they belong: nobody sees an empty one."""
        places: dict[str, list[Any]] = {"head": [], "main": [], "side": [], "foot": []}
        for name in self._visible():
            places[PANELS[name].place].append(self._made(name).widget)
        self.refresh()
        for place, widgets in places.items():
            update(getattr(self, place), children=tuple(widgets))
        update(self.body, children=tuple(part for part in (self.main, self.side) if part.children))

    def _visible(self) -> tuple[str, ...]:
        return tuple(name for name in PANELS if not _in_menu(name) or self.switches[name].value)

    # --- what people do -----------------------------------------------------------------------------
    def press(self, name: str) -> None:
        """Do what a button does: a key of `COMMANDS`."""
        picked, self._picked = self._picked, ""
        if name == "pause":
            self._runner.stop()
        elif self._runner.running:
            return
        elif name in {"run", "play"}:
            self._again, self._problem, self._at_once = name, "", 1
            self._runner.start(self.toolbar.speed.value if name == "play" else None)
            self.refresh()
        elif name == "run_to":
            self.perform(self._run_to, picked)
        else:
            self._again = name if name in {"next", "step", "into"} else None
            self.perform(getattr(self.debugger, COMMANDS[name].method))

    def _run_to(self, pointer: str) -> None:
        if not pointer:
            raise UsageError("Run to where? Click a state first.")
        self.debugger.run_to(self._states[pointer].name)

    def select(self, pointer: str) -> None:
        """Look at a state, until the next step."""
        if not pointer or pointer in self._states:
            self._picked = pointer
            self.refresh()

    def look_at(self, iteration: tuple[str, int] | None) -> None:
        """Look at one iteration of a Map (its pointer, the index) until it is gone; None: at all."""
        self._iteration = iteration
        self.refresh()

    def toggle_breakpoint(self, pointer: str) -> None:
        """Set a breakpoint on entering a state, or take those of the state away."""
        if pointer in self._states:
            self.perform(self._toggle, pointer)

    def _toggle(self, pointer: str) -> None:
        breakpoints, name = self.debugger.breakpoints, self._states[pointer].name
        there = [one for one in breakpoints if self._moment().stops_at(one) == pointer]
        for one in there:
            breakpoints.remove(one)
        if not there:
            breakpoints.add(name)

    def perform(self, act: Callable[..., Any], *given: Any) -> None:
        """Do something with the debugger; what goes wrong is shown, and the view follows in any case."""
        try:
            self._do(act, *given)
        except UsageError as problem:
            self._problem = told(problem)
        self.refresh()

    def _do(self, act: Callable[..., Any], *given: Any) -> None:
        """The same but for a UsageError, which a form tells beside its field."""
        if self._runner.running:
            raise UsageError("The execution is running. Stop it first.")
        self._problem, self._busy = "", True
        try:
            with interruptible():
                act(*given)
        except UnansweredTask:
            pass  # the question says it
        except UsageError:
            raise
        except BaseException as problem:  # noqa: BLE001 - nothing that a click does may be lost
            self._problem = told(problem)
        finally:
            self._busy = False

    def change(self, act: Callable[..., Any], *given: Any) -> None:
        """Edit something; a UsageError goes through, for a form to tell it beside its field."""
        self._do(act, *given)
        self.refresh()

    def visit(self, act: Callable[..., Any], *given: Any) -> None:
        """Move to another place; what goes wrong is told under the view."""
        self._picked, self._again = "", None
        self.perform(act, *given)

    @property
    def compared(self) -> Mapping[str, str]:
        """What is said beside states while two branches are compared, by pointer."""
        return self._compared if "branches" in self.opened else {}

    def mark(self, compared: Mapping[str, str]) -> None:
        """Say something beside states of the graph while branches are compared; nothing: no more."""
        if compared != self._compared:
            self._compared = compared
            if "graph" in self.opened:
                self._show("graph", self._moment())

    def resume(self) -> None:
        """Go on with what a question interrupted."""
        if self._again and not self._problem:
            self.press(self._again)

    def _switch(self, branch: str) -> None:
        self.visit(self.debugger.switch, branch)

    def _scrub(self, position: int) -> None:
        if position:
            self.visit(self.debugger.goto, position - 1)
        else:
            self.visit(self.debugger.restart)

    # --- running ------------------------------------------------------------------------------------
    def _advance(self) -> bool:
        """Some transitions; more at once as long as they are quick, one at a time while it plays."""
        debugger, began, self._busy = self.debugger, time.monotonic(), True
        at_once = 1 if self._runner.paced else self._at_once
        wanted = debugger.position + at_once
        try:
            debugger.run(at_once)
        finally:
            self._busy = False
        quick = time.monotonic() - began < SLICE / 10
        self._at_once = min(self._at_once * 2, MOST_AT_ONCE) if quick else max(self._at_once // 2, 1)
        return bool(debugger.position == wanted and debugger.stopped_by is None)

    def _ran(self, problem: BaseException | None) -> None:
        if problem is not None:
            self._problem = told(problem)
        self.refresh()

    # --- showing ------------------------------------------------------------------------------------
    def _hear(self) -> None:
        """Somebody moved the debugger in code: follow, but not more often than twenty times a second."""
        if self._busy or self._later is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.refresh()
            return
        pause = self._shown_at + SLICE - time.monotonic()
        if pause <= 0:
            self.refresh()
        else:
            self._later = loop.call_later(pause, self.refresh)

    def refresh(self) -> None:
        """Show the debugger as it stands: the graph first, it is what people look at."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        debugger, transition = self.debugger, self.debugger.transition
        self._see_machine(debugger.machine)
        moment = self._moment()
        if "graph" in (visible := self._visible()):
            self.panels["graph"].show(moment)
        self._show_toolbar(sentence(transition) if transition else "the beginning")
        update(self.used, value=words.totals_html(debugger.totals()))
        update(self.now, value=words.transition_html(transition, debugger.stopped_by))
        update(self.outcome, value=words.outcome_html(debugger.status, debugger.output, transition))
        update(self.problem, value=words.message_html(self._problem))
        for name in visible:
            if name != "graph":
                self._show(name, moment)
        if not self.plain:
            self.frame.moment += 1
        self._shown_at = time.monotonic()

    def _show(self, name: str, moment: Moment) -> None:
        """Show one panel; one that cannot be shown leaves the others as they are."""
        try:
            self.panels[name].show(moment)
        except Exception as problem:  # noqa: BLE001 - a view goes on whatever it is asked to show
            update(self.problem, value=words.message_html(f"{PANELS[name].title}: {told(problem)}"))

    def _moment(self) -> Moment:
        """Where the debugger stands; an iteration that is no longer there is let go."""
        if self._iteration is not None:
            around, index = self._iteration
            run = self.debugger.followed().run_at(around)
            if run is None or self.debugger.followed().child(run, index) is None:
                self._iteration = None
        pointer, picked = self._picked or self._here(), bool(self._picked)
        return Moment(self.debugger, pointer, self._states, self._iteration, picked=picked)

    def _here(self) -> str:
        """The state to look at: that of the last transition; after an edit, the next one."""
        transition, execution = self.debugger.transition, self.debugger.execution
        if transition is None:
            return ""
        frame = execution.upcoming() if transition.kind in BY_PEOPLE else None
        name = transition.state if frame is None else state_name(frame.state)
        pointer: str = self._pointers.get(name, "")
        return pointer

    def _see_machine(self, machine: Any) -> None:
        if machine is not self._machine:
            self._machine = machine
            self._states = {state.pointer: state for state in machine.definition.walk()}
            self._pointers = {state.name: pointer for pointer, state in self._states.items()}

    def _show_toolbar(self, said: str) -> None:
        debugger = self.debugger
        self.toolbar.show(
            running=self._runner.running,
            over=debugger.status != "RUNNING",
            position=debugger.position,
            length=debugger.length,
            clock=words.clock_html(debugger.time, debugger.execution.now, debugger.status),
            words=said,
        )
        branches = debugger.branches
        self.toolbar.show_branches({branch.name: branch.why for branch in branches}, branches.current.name)

    @property
    def running(self) -> bool:
        """Is it running or playing?"""
        return self._runner.running

    # --- ending -------------------------------------------------------------------------------------
    def close(self) -> None:
        """Stop, and take the view and every part of it away."""
        if self._unobserve is not None:
            if self._runner.running:
                self._runner.stop()
            self._unobserve()
            self._unobserve = None
            forget(self)
            if self._later is not None:
                self._later.cancel()
            closed = (panel.widget for panel in self.panels.values())
            for root in (self, self.main, self.side, *closed):
                for widget in descendants(root):
                    widget.close()
                if root is not self:
                    root.close()
        super().close()

    def svg(self, caption: str = "") -> str:
        """The graph as it stands, as SVG text."""
        drawn: str = self.debugger.to_svg(caption)
        return drawn

    def _repr_mimebundle_(self, **options: Any) -> Any:
        shown = getattr(super(), "_repr_mimebundle_", None)
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        own = {"text/plain": repr(self.debugger), "application/vnd.jupyter.widget-view+json": view}
        # ipywidgets 7 displays a widget in a way that leaves no room for a picture.
        return with_picture(own if shown is None else shown(**options), self.svg(ABSENT))


def _in_menu(name: str) -> bool:
    return PANELS[name].place != "head"


def _switch(name: str, opened: bool) -> Any:
    entry = PANELS[name]
    made = w.ToggleButton(
        value=opened, description=entry.title, tooltip=entry.tooltip, layout=w.Layout(width="auto")
    )
    made.add_class(f"sfn-open-{name}")
    return made


def _present() -> Any:
    """The button for full screen; the browser acts on it by itself (frame.js)."""
    made = w.Button(
        icon="desktop", tooltip="Present: full screen, in large type", layout=w.Layout(width="auto")
    )
    return made.add_class("sfn-do-present")


def _known(panels: Iterable[str]) -> tuple[str, ...]:
    names = (panels,) if isinstance(panels, str) else tuple(panels)
    for name in names:
        if name not in PANELS:
            raise UsageError(f"There is no panel {name!r}. {did_you_mean(name, PANELS)}")
    return names


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100_000:
        raise UsageError(f"{name}={value!r}: give a positive number.")
    return value


def told(problem: BaseException) -> str:
    """An exception in words: what sfnbook says on purpose as it is, anything else with where it happened."""
    if isinstance(problem, SfnbookError):
        return str(problem)
    if isinstance(problem, KeyboardInterrupt):
        return "Interrupted. The execution stands where its last finished transition left it."
    where = traceback.extract_tb(problem.__traceback__)[-1:]
    at = "".join(f" ({frame.filename}, line {frame.lineno})" for frame in where)
    return f"{type(problem).__name__}: {problem}{at}"


def descendants(widget: Any) -> list[Any]:
    """Every widget below one, layouts and styles included, the innermost first."""
    found: list[Any] = []
    for child in getattr(widget, "children", ()):
        found += [*descendants(child), child]
    for name in ("layout", "style"):
        found += [part] if isinstance(part := getattr(widget, name, None), w.Widget) else []
    return found
