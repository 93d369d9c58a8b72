"""The debugger in a notebook: controls, graph and panels bound to a `Debugger`.

The view holds no state of the execution.  Whatever is done, with a button, a key or in code, ends in
`DebuggerView.refresh`, which shows the debugger as it stands in one go.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import TYPE_CHECKING, Any, ClassVar, Final

import ipywidgets as w

from sfnbook.errors import SfnbookError, UnansweredTask, UsageError
from sfnbook.outside import EDITABLE
from sfnbook.theme import STATUSES
from sfnbook.values import copied, state_name, unescape_pointer
from sfnbook.widgets import rendering
from sfnbook.widgets.cells import forget, register
from sfnbook.widgets.graph import HERE, GraphView, with_picture
from sfnbook.widgets.panels import COMMANDS, KEYS, TIMELINE, EditForm, InjectForm, Question, Timeline, Toolbar
from sfnbook.widgets.running import SLICE, Runner, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfnbook.values import Json

PANELS: Final = ("Data", "Change", "Transitions")
BY_PEOPLE: Final = frozenset({"Edited", "Injected", "Answered", "Heartbeat"})
MOST_AT_ONCE: Final = 1024
"""Transitions between two looks at the time while running."""


class DebuggerGraph(GraphView):
    """The graph in a debugger's view; it carries the style of the whole view."""

    _css: ClassVar[Any] = "\n".join(
        (HERE / name).read_text("utf-8") for name in ("graph.css", "debugger.css")
    )


class DebuggerView(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """A `Debugger` with buttons: step, go back, look, edit, answer.

    ``height`` is that of the graph at most, in pixels; ``panels`` are those of `PANELS` to show.

    >>> import sfnbook
    >>> from sfnbook.debugger import Debugger
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> view = DebuggerView(Debugger(machine, {"x": 1}))
    >>> view.press("run")
    >>> view.debugger.status, view.graph.status
    ('SUCCEEDED', {'/States/A': 'succeeded'})
    >>> view.close()
    """

    # None also while it is not whole: Python's end of a view whose options were refused calls `close`, too.
    _unobserve: Callable[[], None] | None = None

    def __init__(self, debugger: Any, *, height: int = 560, panels: Sequence[str] | None = None) -> None:
        self.debugger = debugger
        self._picked: str | None = None
        self._problem = ""
        self._again: str | None = None
        self._machine: Any = None
        self._busy = False
        self._shown_at = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._runner = Runner(self._advance, self._ran)
        self._at_once = 1
        self._build(height, PANELS if panels is None else panels)
        self._unobserve = debugger.observe(self._hear)
        super().__init__(
            [self.toolbar.widget, self.now, self.question.widget, self.body, self.outcome, self.problem]
        )
        self.add_class("sfn-debugger")
        register(self)
        self.refresh()

    def _build(self, height: int, panels: Sequence[str]) -> None:
        debugger = self.debugger
        self.toolbar = Toolbar(self.press, self._switch)
        self.now, self.data, self.outcome, self.problem = (w.HTML() for _ in range(4))
        self.question = Question(self._answer, self._fail, self._wait, self._beat)
        self.graph = DebuggerGraph(debugger, height=height)
        self.graph.on_select(self.select)
        self.graph.on_key(lambda key: self.press(KEYS[key]) if key in KEYS else None)
        self.edit = EditForm(lambda value: self._edit(debugger.edit_input, value))
        self.inject = InjectForm(
            lambda *fault: self._edit(debugger.inject_error, *fault),
            lambda *result: self._edit(debugger.set_result, *result),
            lambda: self.perform(debugger.clear_faults),
        )
        self.timeline = Timeline(lambda transition: self._visit(debugger.goto, transition))
        changes = w.VBox([self.edit.widget, self.inject.widget])
        made = dict(zip(PANELS, (self.data, changes, self.timeline.widget), strict=True))
        self._panels = _known(panels)
        self.tabs = w.Tab([made[name] for name in self._panels], titles=self._panels)
        self.tabs.observe(lambda _: self.refresh(), "selected_index")
        self.tabs.add_class("sfn-tabs")
        self.body = w.HBox([self.graph, self.tabs] if panels else [self.graph])
        self.body.add_class("sfn-body")

    # --- what people do -----------------------------------------------------------------------------
    def press(self, name: str) -> None:
        """Do what a button does: a key of `COMMANDS`."""
        self._picked = None
        if name == "stop":
            self._runner.stop()
        elif self._runner.running:
            return
        elif name == "run":
            self._again, self._problem, self._at_once = name, "", 1
            self._runner.start()
            self.refresh()
        else:
            self._again = name if name in {"next", "step"} else None
            self.perform(getattr(self.debugger, COMMANDS[name].method))

    def select(self, pointer: str) -> None:
        """Look at a state, until the next step."""
        if pointer in self._states:
            self._picked = pointer
            self.refresh()

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

    def _edit(self, change: Callable[..., Any], *given: Any) -> None:
        self._do(change, *given)
        self.refresh()

    def _visit(self, act: Callable[..., Any], *given: Any) -> None:
        self._picked = self._again = None
        self.perform(act, *given)

    def _switch(self, branch: str) -> None:
        self._visit(self.debugger.switch, branch)

    # --- questions ----------------------------------------------------------------------------------
    def _answer(self, value: Json) -> None:
        if self.debugger.blocked == "outside":
            self._do(self._open().succeed, value)
        else:
            self._do(self.debugger.answer, value)
        self._go_on()

    def _fail(self, error: str, cause: str) -> None:
        question = self.debugger.unanswered
        if question is None:
            self._do(self._open().fail, error, cause)
        else:
            self._do(self.debugger.inject_error, question.path, error, cause)
        self._go_on()

    def _wait(self, seconds: float | None) -> None:
        self._do(self.debugger.advance, seconds)
        self._go_on()

    def _beat(self) -> None:
        self._do(self._open().heartbeat)
        self._go_on()

    def _go_on(self) -> None:
        """Go on with what the question interrupted."""
        self.refresh()
        if self._again and not self._problem:
            self.press(self._again)

    def _open(self) -> Any:
        return self.debugger.pending[self.question.which.value or 0]

    # --- running ------------------------------------------------------------------------------------
    def _advance(self) -> bool:
        """Some transitions; more at once as long as they are quick."""
        debugger, began, self._busy = self.debugger, time.monotonic(), True
        wanted = debugger.position + self._at_once
        try:
            debugger.run(self._at_once)
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
        """Show the debugger as it stands."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        debugger, transition = self.debugger, self.debugger.transition
        self._show_machine(debugger.machine)
        pointer = self._picked or self._here()
        with self.graph.hold_sync():
            self.graph.show_status(debugger.statuses())
            self.graph.selected = pointer or ""
        self._show_toolbar()
        self._show_question()
        _set_html(self.now, rendering.transition_html(transition, debugger.stopped_by))
        _set_html(self.outcome, rendering.outcome_html(debugger.status, debugger.output, transition))
        _set_html(self.problem, rendering.message_html(self._problem))
        self._show_panel(pointer)
        self._shown_at = time.monotonic()

    def _here(self) -> str | None:
        """The state to look at: that of the last transition; after an edit, the next one."""
        transition, execution = self.debugger.transition, self.debugger.execution
        if transition is None:
            return None
        frame = execution.upcoming() if transition.kind in BY_PEOPLE else None
        name = transition.state if frame is None else state_name(frame.state)
        return self._pointers.get(name)

    def _show_machine(self, machine: Any) -> None:
        if machine is not self._machine:
            self._machine, self._source = machine, machine.source
            self._states = {state.pointer: state for state in machine.definition.walk()}
            self._pointers = {state.name: pointer for pointer, state in self._states.items()}
            self.graph.show_machine(machine)
            self.inject.show_states(list(self._states.values()))

    def _show_toolbar(self) -> None:
        debugger = self.debugger
        self.toolbar.show(
            running=self._runner.running,
            over=debugger.status != "RUNNING",
            fresh=debugger.position == 0,
            clock=rendering.clock_html(debugger.time, debugger.execution.now, debugger.status),
        )
        branches = debugger.branches
        self.toolbar.show_branches({branch.name: branch.why for branch in branches}, branches.current.name)

    def _show_question(self) -> None:
        if self._runner.running:
            self.question.show(None)
        elif (asked := self.debugger.unanswered) is not None:
            self.question.show(asked.path, asked.draft)
        else:
            waiting = self.debugger.pending if self.debugger.blocked == "outside" else []
            self.question.show_open([(one.path, one.deadline) for one in waiting])

    def _show_panel(self, pointer: str | None) -> None:
        """Show the panel that is open; the others when they are opened, for each message takes its time."""
        index = self.tabs.selected_index
        panel = None if index is None else self._panels[index]
        if panel == "Data":
            _set_html(self.data, self._data_html(pointer))
        elif panel == "Change":
            self.edit.show(*next_input(self.debugger.execution))
            self.inject.pick(self._states[pointer].name if pointer else None)
            self.inject.show_faults(self.debugger.faults)
        elif panel == "Transitions":
            self._show_timeline()

    def _show_timeline(self) -> None:
        debugger = self.debugger
        first = max(0, min(debugger.position - TIMELINE * 2 // 3, debugger.length - TIMELINE))
        numbers = range(first, min(first + TIMELINE, debugger.length))
        shown = [debugger.execution.shown(number) for number in numbers]
        self.timeline.show(
            shown, debugger.length, debugger.position - 1 - first if debugger.position else None
        )

    def _data_html(self, pointer: str | None) -> str:
        debugger = self.debugger
        if pointer is None:
            flow = {"input": debugger.execution.input}
            flow |= {"output": debugger.output} if debugger.status == "SUCCEEDED" else {}
            return rendering.heading("The execution", debugger.machine.name) + rendering.stages_html(flow)
        state, transition = self._states[pointer], self._latest(pointer)
        notes = [state.type, STATUSES[self.graph.status.get(pointer, "none")].label]
        happened = debugger.iterations().get(pointer, {}).items()
        counts = ", ".join(f"{count:,} {what}" for what, count in happened if count)
        notes += [f"iterations: {counts}"] if counts else []
        path = state.name if transition is None else transition.path or state.name
        flow = {} if transition is None else transition.data_flow
        return (
            rendering.heading(path, " · ".join(notes))
            + rendering.stages_html(flow)
            + rendering.definition_html(self._definition(pointer), folded=bool(flow))
        )

    def _latest(self, pointer: str) -> Any:
        """The last transition in a state, before the cursor."""
        execution, name = self.debugger.execution, self._states[pointer].name
        found = (execution.shown(number) for number in reversed(range(execution.cursor)))
        return next((transition for transition in found if transition.state == name), None)

    def _definition(self, pointer: str) -> Json:
        value = self._source
        for step in pointer.split("/")[1:]:
            value = value[int(step) if isinstance(value, list) else unescape_pointer(step)]
        return value

    # --- ending -------------------------------------------------------------------------------------
    def close(self) -> None:
        """Stop, and take the view and every part of it away."""
        if self._unobserve is not None:
            if self._runner.running:
                self._runner.stop()
            self._unobserve()
            self._unobserve = None
            forget(self)
            for widget in descendants(self):
                widget.close()
        super().close()

    def svg(self) -> str:
        """The graph as it stands, as SVG text."""
        return self.graph.svg()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**options), self.svg())


def _known(panels: Sequence[str]) -> tuple[str, ...]:
    for name in panels:
        if name not in PANELS:
            raise UsageError(f"There is no panel {name!r}; there are {', '.join(PANELS)}.")
    return tuple(panels)


def _set_html(widget: Any, value: str) -> None:
    if widget.value != value:
        widget.value = value


def told(problem: BaseException) -> str:
    """An exception in words: what sfnbook says on purpose as it is, anything else with where it happened."""
    if isinstance(problem, SfnbookError):
        return str(problem)
    if isinstance(problem, KeyboardInterrupt):
        return "Interrupted. The execution stands where its last finished transition left it."
    where = traceback.extract_tb(problem.__traceback__)[-1:]
    at = "".join(f" ({frame.filename}, line {frame.lineno})" for frame in where)
    return f"{type(problem).__name__}: {problem}{at}"


def next_input(execution: Any) -> tuple[str | None, Json]:
    """The path of the state whose input can be edited now, and that input; None when there is none."""
    frame = execution.upcoming()
    if frame is None or frame.phase not in EDITABLE:
        return None, None
    return execution.path_of(frame), copied(frame.data)


def descendants(widget: Any) -> list[Any]:
    """Every widget below one, layouts and styles included, the innermost first."""
    found: list[Any] = []
    for child in getattr(widget, "children", ()):
        found += [*descendants(child), child]
    for name in ("layout", "style"):
        found += [part] if isinstance(part := getattr(widget, name, None), w.Widget) else []
    return found
