"""The parts of the debugger's view that people type into and pick from.

Each part is a small tree of ipywidgets with a `show` that sets it from the debugger and callbacks
for what people do; what was typed is parsed here, and a mistake is told beside its field.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ipywidgets as w

from sfnbook.errors import UsageError
from sfnbook.outside import FAILABLE
from sfnbook.theme import STATUSES
from sfnbook.widgets.rendering import SAID, duration, faults_html, heading, message_html

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sfnbook.values import Json

ERRORS: Final = (
    "States.TaskFailed",
    "States.Timeout",
    "States.HeartbeatTimeout",
    "States.Permissions",
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
)
"""Offered while an error's name is typed; any other name will do."""

LONGEST: Final = 100 * 365 * 86400
"""Seconds that may pass at once; an execution ends after a year."""

TIMELINE: Final = 300
"""How many transitions the list shows."""


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


def _refused(name: str) -> Json:
    raise UsageError(f"{name} is no JSON value; use null, a number or a string.")


def printed(value: Json) -> str:
    """JSON text for editing."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def attempts_of(text: str) -> int | list[int] | str:
    """What ``inject_error`` takes as attempts, from a text: "all", "2", or "#1, #3".

    >>> attempts_of("2"), attempts_of(" all "), attempts_of("#1, #3")
    (2, 'all', [1, 3])
    """
    text = text.strip().lower()
    if text == "all":
        return "all"
    try:
        if text.startswith("#"):
            return [int(part.strip().lstrip("#")) for part in text.split(",")]
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise UsageError('Attempts: a number (the next n), "all", or attempt numbers such as "#1, #3".')
    return count


def seconds_of(text: str) -> float | None:
    """How long to let time pass, from a text; None, for nothing, is to the next deadline.

    >>> seconds_of("1800"), seconds_of(" ")
    (1800.0, None)
    """
    if not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST:
        raise UsageError("Let time pass: a number of seconds, or nothing for the next deadline.")
    return seconds


# --- the toolbar ----------------------------------------------------------------------------------
class Command(NamedTuple):
    """A button: its words, icon and tooltip, and the debugger's method behind it."""

    label: str
    icon: str
    tooltip: str
    method: str


COMMANDS: Final[dict[str, Command]] = {
    "next": Command("Next state", "arrow-right", "Run until this state is left (F10)", "step_over"),
    "step": Command("Step", "step-forward", "One transition (F11)", "step"),
    "back": Command("Back", "step-backward", "Take the last transition back (Shift+F10)", "back"),
    "run": Command("Run", "play", "Run to the end, to a breakpoint or to a question (F5)", "run"),
    "stop": Command("Stop", "stop", "Stop running (Shift+F5)", ""),
    "restart": Command("Restart", "undo", "Go back to the beginning; edits and errors stay (F6)", "restart"),
}

KEYS: Final[dict[str, str]] = {
    "F10": "next",
    "F11": "step",
    "Shift+F10": "back",
    "F5": "run",
    "Shift+F5": "stop",
    "F6": "restart",
}


class Toolbar:
    """The buttons, the branches, the clock."""

    def __init__(self, do: Callable[[str], None], choose: Callable[[str], None]) -> None:
        self.buttons = {name: _button(command) for name, command in COMMANDS.items()}
        for name, button in self.buttons.items():
            button.add_class(f"sfn-do-{name}")
            button.on_click(lambda _, name=name: do(name))
        self.buttons["next"].add_class("sfn-primary")
        self.branches = w.Dropdown(options=(), description="Branch", layout=w.Layout(width="auto"))
        self.branches.observe(lambda change: self._chosen(change["new"], choose), "value")
        self.clock = w.HTML()
        self.clock.add_class("sfn-clock-box")
        self.widget = w.HBox([*self.buttons.values(), self.branches, self.clock])
        self.widget.add_class("sfn-toolbar")
        self._quiet = False

    def _chosen(self, name: str | None, choose: Callable[[str], None]) -> None:
        if name is not None and not self._quiet:
            choose(name)

    def show(self, *, running: bool, over: bool, fresh: bool, clock: str) -> None:
        """Enable what can be done now."""
        off = {"next": over, "step": over, "run": over, "back": fresh, "restart": fresh}
        for name, button in self.buttons.items():
            _set(button, disabled=name != "stop" and (running or off[name]))
            _set(button.layout, display="none" if name == ("run" if running else "stop") else None)
        _set(self.clock, value=clock)

    def show_branches(self, branches: Mapping[str, str], current: str) -> None:
        """Offer the branches, each with the edit that made it, if there is a choice."""
        self._quiet = True
        try:
            options = tuple((f"{name}: {why}" if why else name, name) for name, why in branches.items())
            if self.branches.options != options:
                self.branches.options = options
            _set(self.branches, value=current)
            _set(self.branches.layout, display=None if len(options) > 1 else "none")
        finally:
            self._quiet = False


def _button(command: Command) -> Any:
    return w.Button(
        description=command.label, icon=command.icon, tooltip=command.tooltip, layout=w.Layout(width="auto")
    )


def _set(widget: Any, **traits: Any) -> None:
    """Set only what differs: each trait that is set crosses to the browser."""
    for name, value in traits.items():
        if getattr(widget, name) != value:
            setattr(widget, name, value)


# --- forms ----------------------------------------------------------------------------------------
class Form:
    """Fields, a button, and a place for what is wrong with them.

    ``act`` is called by the button; a UsageError is told under the fields, which keep their text.
    """

    def __init__(
        self, title: str, fields: Sequence[Any], button: str, icon: str, act: Callable[[], None]
    ) -> None:
        self.title, self.act = w.HTML(heading(title, "")), act
        self.button = w.Button(description=button, icon=icon, layout=w.Layout(width="auto"))
        self.button.on_click(lambda _: self.submit())
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


def _json_field(label: str, rows: int = 6) -> Any:
    field = w.Textarea(layout=w.Layout(width="auto"), rows=rows, tooltip=label, placeholder="JSON")
    field.add_class("sfn-editor")
    return field


class EditForm:
    """The input of the next state, as JSON text."""

    def __init__(self, edit: Callable[[Json], None]) -> None:
        self.field = _json_field("The input of the next state")
        self.field.disabled = True  # until its text is there: what is typed before would be lost
        self.form = Form(
            "Input of the next state", [self.field], "Apply", "check", lambda: edit(parsed(self.field.value))
        )
        self.widget = self.form.widget
        self._shown: Any = None

    def show(self, place: str | None, value: Json) -> None:
        """Put the next input into the field, unless it is there already; None: nothing to edit."""
        if (place, value) == self._shown:
            return
        self._shown = (place, value)
        self.form.title.value = heading(
            "Input of the next state", place or "nothing to edit here; step on or back"
        )
        self.form.message.value = ""
        _set(self.field, value="" if place is None else printed(value), disabled=place is None)
        lines = self.field.value.count("\n") + 1
        _set(self.field, rows=min(max(lines, 3), 16))
        _set(self.form.button, disabled=place is None)


class InjectForm:
    """An error, or a result, for the next attempts of a state."""

    def __init__(
        self,
        fail: Callable[[str, str, str, int | list[int] | str], None],
        succeed: Callable[[str, Json], None],
        clear: Callable[[], None],
    ) -> None:
        self.state = w.Dropdown(options=(), description="State", layout=w.Layout(width="auto"))
        self._build_error(fail)
        self._build_result(succeed)
        self.clear = w.Button(
            description="Take all back",
            icon="eraser",
            tooltip="Forget every injected error and set result that is still waiting",
            layout=w.Layout(width="auto"),
        )
        self.clear.on_click(lambda _: clear())
        self.form.row.children = (*self.form.row.children, self.clear)
        self.waiting = w.HTML()
        self.widget = w.VBox([self.form.widget, self.result_form.widget, self.waiting])

    def _build_error(self, fail: Callable[[str, str, str, int | list[int] | str], None]) -> None:
        wide = w.Layout(width="auto")
        self.error = w.Combobox(
            value=ERRORS[0], options=ERRORS, ensure_option=False, description="Error", layout=wide
        )
        self.cause = w.Text(description="Cause", layout=wide)
        self.attempts = w.Text(
            value="1",
            description="Attempts",
            layout=wide,
            tooltip='The next n, "all", or attempt numbers: "#1, #3"',
        )
        self.form = Form(
            "Let a state fail",
            [self.state, self.error, self.cause, self.attempts],
            "Inject error",
            "bolt",
            lambda: fail(self.state.value, self._name(), self.cause.value, attempts_of(self.attempts.value)),
        )

    def _build_result(self, succeed: Callable[[str, Json], None]) -> None:
        self.result = _json_field("The result", 3)
        self.result.value = "{}"
        self.result_form = Form(
            "Or give its next attempt a result",
            [self.result],
            "Set result",
            "check",
            lambda: succeed(self.state.value, parsed(self.result.value)),
        )

    def _name(self) -> str:
        if not self.error.value.strip():
            raise UsageError("An error needs a name, for example States.TaskFailed.")
        return str(self.error.value.strip())

    def show_states(self, states: Sequence[Any]) -> None:
        """Offer the states that can fail."""
        self.state.options = [state.name for state in states if state.type in FAILABLE]
        self.state.value = next(iter(self.state.options), None)
        for button in (self.form.button, self.result_form.button):
            button.disabled = not self.state.options

    def show_faults(self, faults: Sequence[Any]) -> None:
        """Say which errors and results still wait for their attempts."""
        _set(self.waiting, value=faults_html(faults))
        _set(self.clear, disabled=not faults)

    def pick(self, name: str | None) -> None:
        """Choose the state that somebody looks at, if it can fail."""
        if name in self.state.options:
            _set(self.state, value=name)


class Question:
    """A Task that nobody answers for, or an open callback: what comes back, and when?"""

    def __init__(
        self,
        answer: Callable[[Json], None],
        fail: Callable[[str, str], None],
        wait: Callable[[float | None], None],
        beat: Callable[[], None],
    ) -> None:
        self.field = _json_field("The answer", 4)
        self.form = Form("", [self.field], "Answer", "reply", lambda: answer(parsed(self.field.value)))
        self.form.button.add_class("sfn-primary")
        self.which = w.Dropdown(options=(), layout=w.Layout(width="auto"), tooltip="Which one is answered")
        failing, outside = self._build_failing(fail), self._build_outside(wait, beat)
        self._outside = (self.which, *outside)
        self.form.row.children = (self.which, self.form.button, *failing, *outside)
        self.widget = self.form.widget
        self.widget.add_class("sfn-question")
        self._asked: Any = None

    def _build_failing(self, fail: Callable[[str, str], None]) -> tuple[Any, ...]:
        narrow = w.Layout(width="auto")
        self.error = w.Combobox(
            value=ERRORS[0], options=ERRORS, ensure_option=False, layout=narrow, tooltip="Error name"
        )
        self.cause = w.Text(placeholder="Cause", tooltip="Cause", layout=w.Layout(width="130px"))
        self.fail = self._button(
            "Fail with",
            "bolt",
            "Fail with this error and cause",
            lambda: fail(self.error.value.strip() or ERRORS[0], self.cause.value),
        )
        return self.fail, self.error, self.cause

    def _build_outside(
        self, wait: Callable[[float | None], None], beat: Callable[[], None]
    ) -> tuple[Any, ...]:
        self.seconds = w.Text(
            placeholder="seconds",
            tooltip="Virtual seconds; nothing: to the next deadline",
            layout=w.Layout(width="90px"),
        )
        self.wait = self._button(
            "Let time pass",
            "clock-o",
            "So many virtual seconds; without a number, to the next deadline",
            lambda: wait(seconds_of(self.seconds.value)),
        )
        self.beat = self._button("Heartbeat", "heartbeat", "SendTaskHeartbeat: it is still at work", beat)
        return self.wait, self.seconds, self.beat

    def _button(self, label: str, icon: str, tooltip: str, act: Callable[[], None]) -> Any:
        button = w.Button(description=label, icon=icon, tooltip=tooltip, layout=w.Layout(width="auto"))
        button.on_click(lambda _: self.form.attempt(act))
        return button

    def show(self, path: str | None, draft: Json = None) -> None:
        """Ask about a Task, or ask nothing; the field keeps its text while the question stays."""
        note = "nobody answers for this Task; the answer is its result, as the history shows it"
        self._ask(path, f"{path} asks: what comes back?", note, draft)
        for part in self._outside:
            _set(part.layout, display="none")

    def show_open(self, waiting: Sequence[tuple[str, float | None]]) -> None:
        """Ask about the callbacks and activities that wait for the outside: (path, deadline)."""
        words = f"{waiting[0][0]} waits for an answer from outside" if waiting else ""
        if len(waiting) > 1:
            words = f"{len(waiting)} Tasks wait for answers from outside"
        due = [deadline for _, deadline in waiting if deadline is not None]
        note = f"until {duration(min(due))}" if due else "no deadline"
        self._ask(tuple(path for path, _ in waiting) or None, words, note, {})
        options = tuple((path, number) for number, (path, _) in enumerate(waiting))
        if self.which.options != options:
            self.which.options = options
            self.which.value = 0 if options else None
        for part in self._outside:
            _set(part.layout, display=None)
        _set(self.which.layout, display=None if len(waiting) > 1 else "none")

    def _ask(self, asked: Any, words: str, note: str, draft: Json) -> None:
        _set(self.widget.layout, display="none" if asked is None else None)
        if asked is not None:
            _set(self.form.title, value=heading(words, note))
        if asked is not None and asked != self._asked:
            self.form.message.value = self.cause.value = self.seconds.value = ""
            self.field.value = json.dumps(draft)
        self._asked = asked


# --- the list of transitions ----------------------------------------------------------------------
class Timeline:
    """The transitions as a list; picking one goes there."""

    def __init__(self, goto: Callable[[Any], None]) -> None:
        self.list = w.Select(
            options=(), rows=18, layout=w.Layout(width="auto"), tooltip="Transitions; pick one to go there"
        )
        self.list.add_class("sfn-timeline")
        self.list.observe(lambda change: self._picked(change["new"], goto), "index")
        self.note = w.HTML()
        self.widget = w.VBox([self.list, self.note])
        self._transitions: Sequence[Any] = ()
        self._quiet = False

    def _picked(self, index: int | None, goto: Callable[[Any], None]) -> None:
        if index is not None and not self._quiet:
            goto(self._transitions[index])

    def show(self, transitions: Sequence[Any], count: int, current: int | None) -> None:
        """Show transitions (the tail of ``count``) with the one at which the debugger stands."""
        self._quiet = True
        try:
            self._transitions = transitions
            labels = rows(transitions)
            with self.list.hold_sync():
                if self.list.options != labels:
                    self.list.options = labels
                _set(self.list, index=current)
            left_out = count - len(transitions)
            _set(
                self.note,
                value=f'<p class="sfn-note">{left_out:,} more are not listed.</p>' if left_out else "",
            )
        finally:
            self._quiet = False


def rows(transitions: Sequence[Any]) -> tuple[str, ...]:
    """The lines of the list, in columns: number, time, what happened, where."""
    times = [duration(transition.time) for transition in transitions]
    wide = max(map(len, times), default=0)
    digits = len(str(transitions[-1].number + 1)) if transitions else 0
    return tuple(
        f"{transition.number + 1:>{digits}} {when:>{wide}} {_happened(transition)}".replace(" ", "\u00a0")
        for transition, when in zip(transitions, times, strict=True)
    )


def _happened(transition: Any) -> str:
    glyph = STATUSES[SAID[transition.kind].status].glyph
    parts = (glyph, transition.kind, transition.error, transition.path)
    return " ".join(part for part in parts if part)
