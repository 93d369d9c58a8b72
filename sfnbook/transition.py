"""Transition: one step of an execution as people look at it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import seconds
from sfnbook.explain import Origin, data_flow, scene_at, state_of, subject_of
from sfnbook.frames import WORLD, Change, Failure, Frame, Running, Submitting
from sfnbook.history import events_of, failure_of
from sfnbook.notebook import displayed
from sfnbook.values import Json, copied, text
from sfnbook.why import Why, why

if TYPE_CHECKING:
    from collections.abc import Mapping

WITHOUT_STATE: Final = frozenset(
    {"ExecutionStarted", "ExecutionSucceeded", "ExecutionTimedOut", "ExecutionAborted", "Redriven"}
)
OF_A_STATE_THAT_FAILED: Final = frozenset(
    {
        "TaskFailed",
        "TaskTimedOut",
        "RetryScheduled",
        "Caught",
        "FanOutFailed",
        "ExecutionFailed",
        "ExecutionTimedOut",
        "ExecutionAborted",
    }
)


class Transition:
    """One step of the engine: what happened, where, when, and why.

    ``kind`` is a word of `frames.KINDS`; ``time`` is virtual seconds since the start.  Everything
    that it gives out is a copy.

    >>> import sfnbook
    >>> execution = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}).start()
    >>> _, entered, exited, _ = execution
    >>> entered.kind, entered.path, exited.output
    ('StateEntered', 'A', {})
    """

    __slots__ = ("_change", "_origin", "number")

    def __init__(self, change: Change, number: int, origin: Origin) -> None:
        self._change, self.number, self._origin = change, number, origin

    @property
    def kind(self) -> str:
        """What happened: a key of `frames.KINDS`."""
        return self._change.kind

    @property
    def time(self) -> float:
        """Virtual seconds since the execution started."""
        return seconds(self._change.time - self._origin.started)

    @property
    def _frame(self) -> Frame:
        change = self._change
        if change.kind == "IterationStarted":
            parent = change.others[0][0]
            assert parent is not None  # noqa: S101 - an iteration has a Map
            return parent
        return subject_of(change) or change.frame

    @property
    def state(self) -> str | None:
        """The name of the state it happened in; None for what happens to a whole execution."""
        if self.kind in WITHOUT_STATE or self._frame.id == WORLD:
            return None
        name: str = state_of(self._origin, self._frame).name
        return name

    @property
    def path(self) -> str:
        """The state with the iterations, branches and nested executions around it: "Orders[3].Charge"."""
        frame = self._frame
        if frame.id == WORLD:
            return ""
        if self.kind in {"IterationStarted", "IterationSucceeded", "Aborted"} | WITHOUT_STATE:
            return (self._change.frame.scope.prefix).rstrip("./")
        return frame.scope.prefix + (self.state or "")

    @property
    def attempt(self) -> int:
        """1 at the first attempt of a visit, one more for each retry."""
        return self._frame.visit.retries + 1

    @property
    def visit(self) -> int:
        """1 at the first visit of the state in its scope, one more each time a loop comes back."""
        return self._frame.visit.number

    @property
    def id(self) -> str:
        """Path, visit, attempt and kind: the same place in another run has the same id."""
        return f"{self.path}#{self.visit}.{self.attempt}:{self.kind}"

    @property
    def input(self) -> Json:
        """The raw input of the state, or of the execution."""
        change = self._change
        if change.kind == "IterationStarted" and change.after is not None:
            return copied(change.after.data)
        return copied(self._frame.data)

    @property
    def output(self) -> Json:
        """What came out: the state's output, a Task's result, the execution's output; else None."""
        change = self._change
        after = change.after
        if after is None:
            return None
        if change.kind in {"StateExited", "Caught", "IterationSucceeded", "ExecutionSucceeded"}:
            return copied(after.data)
        if change.kind in {"TaskSucceeded", "FanOutSucceeded"} and isinstance(after.work, Running):
            return copied(after.work.result)
        return None

    @property
    def _failure(self) -> Failure | None:
        change = self._change
        if change.kind not in OF_A_STATE_THAT_FAILED:
            return None
        before = failure_of(change.before) if change.before is not None else None
        return failure_of(change.frame) or before

    @property
    def error(self) -> str | None:
        """The error name, where something failed."""
        return None if self._failure is None else self._failure.error

    @property
    def cause(self) -> str | None:
        """The cause, where something failed."""
        return None if self._failure is None else self._failure.cause

    @property
    def traceback(self) -> str | None:
        """The Python traceback of a task function that raised."""
        work = self._frame.work
        work = work.running if isinstance(work, Submitting) else work
        return work.traceback if isinstance(work, Running) else None

    @property
    def variables(self) -> Mapping[str, Json]:
        """The workflow variables after this transition."""
        return dict(copied(dict(self._change.frame.variables)))

    @property
    def context(self) -> dict[str, Json]:
        """The context object (``$$``, ``$states.context``) as the state sees it.

        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
        """
        frame = self._frame
        if frame.id == WORLD:
            return {}
        scene = scene_at(self._origin, frame, self._change.time, self.number)
        return dict(copied(scene.context_of(frame)))

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its history events, as GetExecutionHistory shows them."""
        return events_of(self._change, self._origin.programs)

    @property
    def data_flow(self) -> dict[str, Json]:
        """The stages of the state's data flow so far, in TestState's names.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_InspectionData.html
        """
        return data_flow(self._change, self._origin, self.number)

    @property
    def why(self) -> Why:
        """The decision in words, with the rows behind it; falsy where nothing was decided."""
        return why(self._change, self._origin, self.number)

    def __repr__(self) -> str:
        where = f" {self.path}" if self.path else ""
        error = f" {self.error}" if self.error else ""
        return f"<{self.kind}{where}{error} at {self.time:.15g} s>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Transition):
            return NotImplemented
        return self._change == other._change and self.number == other.number

    __hash__ = None  # type: ignore[assignment] # payloads do not hash

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        rows = [
            ("state", self.path),
            ("time", f"{self.time:.15g} s"),
            ("error", self.error),
            ("cause", self.cause),
        ]
        rows += [("output", text(self.output))] if self.output is not None else []
        rows += [("why", str(self.why))] if self.why else []
        left = "style='text-align:left;white-space:pre-wrap'"
        cells = "".join(
            f"<tr><th {left}>{name}</th><td {left}>{escape(str(value))}</td></tr>"
            for name, value in rows
            if value
        )
        return displayed(repr(self), f"<b>{escape(self.kind)}</b><table>{cells}</table>")
