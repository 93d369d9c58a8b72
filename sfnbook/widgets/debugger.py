"""The debugger in a notebook: controls, graph and panels bound to a `Debugger`.

The view holds no state of the execution.  Whatever is done, with a button, a key or in code, ends in
`DebuggerView.refresh`, which shows the debugger as it stands in one go.
"""

from __future__ import annotations

import traceback
from html import escape
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.errors import SfnbookError, UnansweredTask, UsageError
from sfnbook.svg import STATUSES
from sfnbook.values import unescape_pointer
from sfnbook.widgets import rendering
from sfnbook.widgets.cells import forget, register
from sfnbook.widgets.graph import HERE, GraphView, with_picture
from sfnbook.widgets.panels import COMMANDS, KEYS, TIMELINE, EditForm, InjectForm, Question, Timeline, Toolbar
from sfnbook.widgets.running import Runner, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.values import Json


class DebuggerGraph(GraphView):
    """The graph in a debugger's view; it carries the style of the whole view."""

    _css = (HERE / "graph.css").read_text("utf-8") + (HERE / "debugger.css").read_text("utf-8")


class DebuggerView(w.VBox):
    """A `Debugger` with buttons: step, go back, look, edit, answer.

    >>> import sfnbook
    >>> from sfnbook.debugger import Debugger
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> view = DebuggerView(Debugger(machine, {"x": 1}))
    >>> view.press("run")
    >>> view.debugger.status, view.graph.status
    ('SUCCEEDED', {'/States/A': 'succeeded'})
    >>> view.close()
    """

    def __init__(self, debugger: Any, *, height: int = 560) -> None:
        self.debugger = debugger
        self._picked: str | None = None
        self._problem = ""
        self._again: str | None = None
        self._machine: Any = None
        self._states: dict[str, Any] = {}
        self._runner = Runner(self._advance, self._ran)
        self._build(height)
        super().__init__([self.toolbar.widget, self.now, self.question.widget, self.body, self.outcome, self.problem])
        self.add_class("sfn-debugger")
        register(self)
        self.refresh()

    def _build(self, height: int) -> None:
        self.toolbar = Toolbar(self.press, self._choose_branch)
        self.now, self.data, self.outcome, self.problem = (w.HTML() for _ in range(4))
        self.question = Question(self._answer, self._fail, self._wait)
        self.graph = DebuggerGraph(self.debugger, height=height)
        self.graph.on_select(self.select)
        self.graph.on_key(lambda key: self.press(KEYS[key]) if key in KEYS else None)
        self.edit = EditForm(lambda value: self._edit(self.debugger.edit_input, value))
        clear = getattr(self.debugger, "clear_faults", None)
        self.inject = InjectForm(
            lambda *fault: self._edit(self.debugger.inject_error, *fault),
            lambda *result: self._edit(self.debugger.set_result, *result),
            clear and (lambda: self.perform(clear)),
        )
        self.timeline = Timeline(lambda transition: self.perform(self.debugger.goto, transition))
        self.tabs = w.Tab(
            [self.data, w.VBox([self.edit.widget, self.inject.widget]), self.timeline.widget],
            titles=("Data", "Change", "Transitions"),
        )
        self.tabs.add_class("sfn-tabs")
        self.body = w.HBox([self.graph, self.tabs])
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
            self._again, self._problem = name, ""
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
        self._problem = ""
        try:
            with interruptible():
                act(*given)
        except UnansweredTask:
            pass  # the question says it
        except BaseException as problem:  # noqa: BLE001 - nothing that a click does may be lost
            self._problem = told(problem)
        self.refresh()

    def _edit(self, change: Callable[..., Any], *given: Any) -> None:
        """An edit: a UsageError is the form's, to be told beside the field."""
        if self._runner.running:
            raise UsageError("The execution is running. Stop it first.")
        try:
            change(*given)
        except UsageError:
            raise
        except BaseException as problem:  # noqa: BLE001
            self._problem = told(problem)
        else:
            self._problem = ""
        self.refresh()

    def _choose_branch(self, index: int) -> None:
        branch = list(self.debugger.branches)[index]
        self.perform(lambda: choose(self.debugger, branch))

    # --- questions ----------------------------------------------------------------------------------
    def _answer(self, value: Json) -> None:
        if self.debugger.blocked == "outside":
            self._edit(lambda: self._open.succeed(value))
        else:
            self._edit(self.debugger.set_result, self._unanswered, value)
        self._go_on()

    def _fail(self, error: str) -> None:
        if self.debugger.blocked == "outside":
            self.perform(self._open.fail, error, "")
        else:
            self.perform(self.debugger.inject_error, self._unanswered, error)
        self._go_on()

    def _wait(self) -> None:
        self.perform(self.debugger.execution.advance)
        self._go_on()

    def _go_on(self) -> None:
        """Go on with what the question interrupted."""
        if self._again and not self._problem:
            self.press(self._again)

    @property
    def _open(self) -> Any:
        return self.debugger.execution.pending[0]

    @property
    def _unanswered(self) -> str:
        return str(self.debugger.unanswered)

    # --- running --------------------------------------------------------------------------------------
    def _advance(self) -> bool:
        return self.debugger.run(1) is not None

    def _ran(self, problem: BaseException | None) -> None:
        if problem is not None and not isinstance(problem, UnansweredTask):
            self._problem = told(problem)
        self.refresh()

    # --- showing --------------------------------------------------------------------------------------
    def refresh(self) -> None:
        """Show the debugger as it stands."""
        debugger = self.debugger
        self._show_machine(debugger.machine)
        pointer = self._picked or self._pointer(debugger.transition)
        with self.graph.hold_sync():
            self.graph.show_status(debugger.statuses())
            self.graph.selected = pointer or ""
        self._show_toolbar()
        self._show_question()
        html = {
            self.now: rendering.transition_html(debugger.transition),
            self.data: self._data_html(pointer),
            self.outcome: self._outcome_html(),
            self.problem: rendering.message_html(self._problem),
        }
        for widget, value in html.items():
            if widget.value != value:
                widget.value = value
        self._show_forms(pointer)
        self._show_timeline()

    def _show_machine(self, machine: Any) -> None:
        if machine is not self._machine:
            self._machine = machine
            self._states = {state.pointer: state for state in machine.definition.walk()}
            self._pointers = {state.name: pointer for pointer, state in self._states.items()}
            self.graph.show_machine(machine)
            self.inject.show_states(list(self._states.values()))

    def _pointer(self, transition: Any) -> str | None:
        return None if transition is None else self._pointers.get(transition.state)

    def _show_toolbar(self) -> None:
        debugger, execution = self.debugger, self.debugger.execution
        self.toolbar.show(
            running=self._runner.running,
            over=debugger.status != "RUNNING",
            fresh=debugger.transition is None,
            clock=rendering.clock_html(debugger.time, execution.now, debugger.status),
        )
        branches = list(debugger.branches)
        current = next((number for number, branch in enumerate(branches) if is_current(debugger, branch)), None)
        self.toolbar.show_branches([branch_name(number, branch) for number, branch in enumerate(branches)], current)

    def _show_question(self) -> None:
        blocked = self.debugger.blocked
        if self._runner.running or blocked is None:
            self.question.show(None)
        elif blocked == "outside":
            pending = self.debugger.execution.pending
            due = pending[0].deadline if pending else None
            note = "no deadline" if due is None else f"until {rendering.duration(due)}"
            self.question.show((pending[0].path, note) if pending else None, outside=True)
        else:
            self.question.show((self._unanswered, "nobody answers for this Task; the answer is its result"))

    def _show_forms(self, pointer: str | None) -> None:
        self.edit.show(*next_input(self.debugger))
        if pointer is not None:
            self.inject.pick(self._states[pointer].name)

    def _show_timeline(self) -> None:
        transitions = self.debugger.execution.transitions
        self.timeline.show(transitions[-TIMELINE:], len(transitions), min(len(transitions), TIMELINE) - 1 if transitions else None)

    def _outcome_html(self) -> str:
        execution = self.debugger.execution
        return rendering.outcome_html(execution.status, execution.output, execution.error, execution.cause)

    def _data_html(self, pointer: str | None) -> str:
        transition = self.debugger.transition
        if pointer is None or self._pointer(transition) != pointer:
            transition = self._latest(pointer)
        if pointer is None:
            return rendering.heading("The execution", "") + rendering.stages_html(whole_flow(self.debugger))
        state = self._states[pointer]
        status = STATUSES[self.graph.status.get(pointer, "none")]
        flow = {} if transition is None else transition.data_flow
        return (
            rendering.heading(state.name, f"{state.type} · {status.label}")
            + rendering.stages_html(flow)
            + rendering.definition_html(self._at(pointer), folded=bool(flow))
        )

    def _latest(self, pointer: str | None) -> Any:
        name = None if pointer is None else self._states[pointer].name
        found = (item for item in reversed(self.debugger.execution.transitions) if item.state == name)
        return next(found, None)

    def _at(self, pointer: str) -> Json:
        value = self._machine.source
        for step in pointer.split("/")[1:]:
            value = value[int(step) if isinstance(value, list) else unescape_pointer(step)]
        return value

    # --- ending -----------------------------------------------------------------------------------------
    def close(self) -> None:
        """Stop, and take the view and every part of it away."""
        self._runner.stop()
        forget(self)
        for widget in descendants(self):
            widget.close()
        super().close()

    def svg(self) -> str:
        """The graph as it stands, as SVG text."""
        return self.graph.svg()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**options), self.svg())


def told(problem: BaseException) -> str:
    """An exception in words: what sfnbook says on purpose as it is, anything else with where it happened."""
    if isinstance(problem, SfnbookError):
        return str(problem)
    if isinstance(problem, KeyboardInterrupt):
        return "Interrupted. Everything is as it was before the transition that was interrupted."
    where = traceback.extract_tb(problem.__traceback__)[-1:]
    at = "".join(f" ({frame.filename}, line {frame.lineno})" for frame in where)
    return f"{type(problem).__name__}: {problem}{at}"


EDITABLE_AFTER: Final = {"ExecutionStarted": "input", "StateEntered": "input", "RetryScheduled": "input",
                         "IterationStarted": "input", "StateExited": "output", "Caught": "output"}  # fmt: skip


def next_input(debugger: Any) -> tuple[str | None, Json]:
    """The state whose input can be edited now, and that input."""
    return None, None


def whole_flow(debugger: Any) -> dict[str, Json]:
    """What went into the execution and what came out."""
    execution = debugger.execution
    flow = {"input": execution.input}
    return {**flow, "output": execution.output} if execution.status == "SUCCEEDED" else flow


def descendants(widget: Any) -> list[Any]:
    """Every widget below one, layouts and styles included, the innermost first."""
    found: list[Any] = []
    for child in getattr(widget, "children", ()):
        found += [*descendants(child), child]
    for name in ("layout", "style"):
        found += [part] if isinstance(part := getattr(widget, name, None), w.Widget) else []
    return found
