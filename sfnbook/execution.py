"""Execution: one execution of a state machine, as people hold it.

It is an iterable of transitions that goes both ways.  How it steps is in `timeline`; what people do to
it is in `outside`, answers to open Tasks in `tokens`, redrive in `redriving`, its children in `runs`.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Self

from sfnbook import activities, outside, redriving, runs, tokens
from sfnbook.clock import instant, microseconds, seconds
from sfnbook.errors import ExecutionFailed, UsageError
from sfnbook.frames import OVER, TOP, Failure, failure_in
from sfnbook.history import events_of
from sfnbook.notebook import displayed
from sfnbook.timeline import Timeline
from sfnbook.transition import Transition
from sfnbook.values import Json, copied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sfnbook.activities import Activities
    from sfnbook.frames import Change, Fault, StartedBy
    from sfnbook.redriving import PlannedState
    from sfnbook.runs import ChildExecution
    from sfnbook.tasks.durations import Seconds
    from sfnbook.tokens import Pending


class Execution(Timeline):
    """One execution of a state machine, as an iterable of transitions on a virtual clock.

    Made by `StateMachine.start`.  Iterating steps from the cursor until the execution is over or
    blocked; `step` and `back` move the cursor by one transition.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> execution = machine.start({"x": 1})
    >>> [transition.kind for transition in execution]
    ['ExecutionStarted', 'StateEntered', 'StateExited', 'ExecutionSucceeded']
    >>> execution.output
    {'x': 1}
    """

    # --- stepping -------------------------------------------------------------------------------
    def step(self) -> Transition | None:
        """Make the next transition, or re-apply the recorded one; None at the end or when blocked.

        Raises UnansweredTask, and changes nothing, before a Task that nobody answers for.
        """
        change = self.proceed()
        return None if change is None else self.transition(change, self.cursor - 1)

    def back(self) -> Transition | None:
        """Take the last transition back; None at the beginning.  What a task function did stays done."""
        self.settle()
        if not self._keep:
            raise UsageError("This execution keeps no history (keep_history=False), so it cannot step back.")
        if self.cursor == 0:
            return None
        change = self.changes[self.cursor - 1]
        self.unapply(change)
        return self.transition(change, self.cursor)

    def __iter__(self) -> Iterator[Transition]:
        """The transitions from the cursor on, until the execution is over or blocked."""
        while (transition := self.step()) is not None:
            yield transition

    def run(self, until: float | str | Callable[[Transition], bool] | None = None) -> Self:
        """Run to the end, or until a virtual second, before a state (name or path), or a predicate.

        >>> import sfnbook
        >>> states = {"A": {"Type": "Wait", "Seconds": 60, "Next": "B"}, "B": {"Type": "Succeed"}}
        >>> execution = sfnbook.load({"StartAt": "A", "States": states}).start().run(until="B")
        >>> execution.time
        60.0
        """
        if until is None:
            self.run_on()
        elif isinstance(until, str):
            self._run_to(until)
        elif callable(until):
            for transition in self:
                if until(transition):
                    break
        else:
            self._run_for(self.setup.birth.time + microseconds(until))
        return self

    def _run_to(self, where: str) -> None:
        arrives = outside.check_target(self, where)
        while (ahead := self.coming()) is not None and not (ahead[0] and arrives(ahead[0])):
            if self.proceed() is None:
                return

    def _run_for(self, moment: int) -> None:
        while (ahead := self.coming()) is not None and ahead[1] <= moment:
            if self.proceed() is None:
                return

    # --- what it is -----------------------------------------------------------------------------
    @property
    def output(self) -> Json:
        """The output of an execution that succeeded, else None."""
        return copied(self.top.data) if self.status == "SUCCEEDED" else None

    @property
    def input(self) -> Json:
        """The input that the execution was started with."""
        return copied(self.top.scope.execution.input)

    @property
    def _failure(self) -> Failure | None:
        return failure_in(self.top.work) if self.top.phase in OVER else None

    @property
    def error(self) -> str | None:
        """The error name of an execution that failed."""
        return None if self._failure is None or self.status == "TIMED_OUT" else self._failure.error

    @property
    def cause(self) -> str | None:
        """The cause of an execution that failed."""
        return None if self._failure is None else self._failure.cause

    @property
    def time(self) -> float:
        """Virtual seconds since the execution started."""
        self.settle()
        return seconds(self.clock - self.setup.birth.time)

    @property
    def now(self) -> datetime:
        """The virtual clock, in UTC."""
        self.settle()
        return instant(self.clock)

    @property
    def started_by(self) -> StartedBy | None:
        """What started it, where one of `sfnbook.triggers` did; ``event`` is what came in."""
        return self.top.scope.execution.started_by

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.top.scope.execution.name

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        return self.top.scope.execution.arn

    @property
    def billed_transitions(self) -> int:
        """State transitions as AWS bills them: states entered, retries and redrives."""
        self.settle()
        return self.billed

    @property
    def transitions(self) -> list[Transition]:
        """The transitions up to the cursor, oldest first."""
        self.settle()
        return [self.transition(change, number) for number, change in enumerate(self.changes[: self.cursor])]

    def history(self) -> list[dict[str, Any]]:
        """The events of GetExecutionHistory up to the cursor; times are ISO 8601 text."""
        self.settle()
        programs = self.setup.programs
        return [
            event
            for change in self.changes[: self.cursor]
            if change.events and change.frame.scope.execution.key == TOP
            for event in events_of(change, programs)
        ]

    def result(self) -> Json:
        """Run to the end and give the output, or raise ExecutionFailed; UsageError when it is blocked."""
        self.run()
        if self.status == "SUCCEEDED":
            return self.output
        if self.status == "RUNNING":
            raise UsageError(
                "The execution waits for an answer from outside: see execution.pending, answer with "
                ".succeed(output) or .fail(error, cause), or let time pass with execution.advance()."
            )
        failure = self._failure or Failure(None, None, self.top.state)
        why = str(self.transition(self.changes[self.cursor - 1], self.cursor - 1).why) if self.changes else ""
        state = self.setup.programs[self.top.scope.execution.machine].states[failure.state].name
        raise ExecutionFailed(self.status, state, failure.error, failure.cause, why)

    def transition(self, change: Change, number: int) -> Transition:
        """A change of this execution as people look at it."""
        return Transition(change, number, self.origin)

    def __repr__(self) -> str:
        error = f", error={self.error!r}" if self.error else ""
        return (
            f"<Execution {self.name!r} {self.status} at {self.time:.15g} s, {self.cursor} transitions{error}>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """How it stands, and the last transition: its output, error and reason."""
        shown = f"<p>{escape(repr(self))}</p>"
        if self.cursor and self._keep:
            last = self.transition(self.changes[self.cursor - 1], self.cursor - 1)
            shown += last._repr_mimebundle_()["text/html"]
        return displayed(repr(self), shown)

    # --- what people and the outside do -------------------------------------------------------------
    def edit_input(self, value: Json, at: str | None = None) -> Self:
        """Change the input of the state that is about to run, or of the one that ``at`` names; undoable.

        ``at`` is a state's name or path.  A past edit cuts off what came after it.  Raises UsageError
        where nothing stands before the state.
        """
        outside.edit_input(self, value, at)
        return self

    def set_variable(self, name: str, value: Json) -> Self:
        """Change a workflow variable where the execution stands; undoable."""
        outside.set_variable(self, name, value)
        return self

    def set_result(self, state: str, value: Json) -> Self:
        """Let the next attempt of a Task succeed with this result, as the history would show it."""
        outside.set_result(self, state, value)
        return self

    def inject_error(
        self, state: str, error: str, cause: str = "", attempts: int | list[int] | str = 1
    ) -> Self:
        """Let a Task, Map or Parallel fail: the next n attempts, these attempt numbers, or "all".

        ``state`` is a name (all iterations) or a path (one).

        >>> import sfnbook
        >>> task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
        >>> execution = sfnbook.load({"StartAt": "A", "States": {"A": task}}).start(tasks={"A": {}})
        >>> execution.inject_error("A", "SQS.AmazonSQSException").run().error
        'SQS.AmazonSQSException'
        """
        outside.inject_error(self, state, error, cause, attempts)
        return self

    def inject_latency(self, state: str, seconds: float, attempts: int | list[int] | str = 1) -> Self:
        """Let whoever in ``tasks`` answers for a Task come later by ``seconds``: a timeout may strike.

        ``attempts`` as for `inject_error`.

        >>> import sfnbook
        >>> task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
        >>> task["TimeoutSeconds"] = 5
        >>> execution = sfnbook.load({"StartAt": "A", "States": {"A": task}}).start(tasks={"A": {}})
        >>> execution.inject_latency("A", 9).run().error
        'States.Timeout'
        """
        outside.inject_latency(self, state, seconds, attempts)
        return self

    def lose_heartbeats(self, state: str, after: float = 0, attempts: int | list[int] | str = 1) -> Self:
        """Let no heartbeat that ``tasks`` sends be heard later than ``after`` seconds into the attempt."""
        outside.lose_heartbeats(self, state, after, attempts)
        return self

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What was injected or set and waits for its attempts, oldest first."""
        self.settle()
        return self.scene.world.faults

    def remove_fault(self, fault: Fault | int) -> Self:
        """Take one of `faults` back: it, or its number there."""
        outside.remove_fault(self, fault)
        return self

    def clear_faults(self, state: str | None = None) -> Self:
        """Take back what was injected and set: of one state, or all."""
        outside.clear_faults(self, state)
        return self

    @property
    def pending(self) -> list[Pending]:
        """The open callbacks and activity tasks: ``.succeed(output) .fail(error, cause) .heartbeat()``."""
        return tokens.pending(self)

    def advance(self, seconds: float | None = None) -> Self:
        """Let virtual time pass, over the deadlines of open callbacks and activities.

        The only way past an open outside wait; None goes to the next deadline.
        """
        outside.advance(self, seconds)
        return self

    def send_task_success(self, token: str, output: Json, after: Seconds = 0) -> Self:
        """SendTaskSuccess, ``after`` so many virtual seconds; the clock then goes on up to it by itself.

        Raises UsageError with the API's error for a forged or expired token.
        """
        tokens.by_token(self, token).succeed(output, after)
        return self

    def send_task_failure(
        self, token: str, error: str | None = None, cause: str | None = None, after: Seconds = 0
    ) -> Self:
        """SendTaskFailure; UsageError with the API's error for a forged or expired token."""
        tokens.by_token(self, token).fail(error, cause, after)
        return self

    def send_task_heartbeat(self, token: str, every: float | None = None, until: float | None = None) -> Self:
        """SendTaskHeartbeat, once or ``every`` so many seconds (see `Pending.heartbeat`).

        Raises UsageError with the API's error for a forged or expired token.
        """
        tokens.by_token(self, token).heartbeat(every, until)
        return self

    def get_activity_task(self, activity_arn: str, worker_name: str | None = None) -> dict[str, Json]:
        """GetActivityTask: ``taskToken`` and ``input`` of the task that waits longest, or a null token."""
        return tokens.get_activity_task(self, activity_arn, worker_name)

    def stop(self, error: str | None = None, cause: str | None = None) -> Self:
        """StopExecution: the execution is aborted where it stands."""
        outside.stop(self, error, cause)
        return self

    def redrive(self) -> Self:
        """RedriveExecution: ready what failed; the next steps run it again.

        https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
        """
        redriving.redrive(self)
        return self

    def redrive_plan(self) -> list[PlannedState]:
        """Which states a redrive would run again, and which Tasks it would call a second time."""
        return redriving.plan(self)

    @property
    def children(self) -> list[ChildExecution]:
        """The executions that this one started, each with its own history, in the order of their start."""
        return runs.children(self)

    @property
    def activities(self) -> Activities:
        """The activities by ARN: who waits in each queue, how long, and how many workers are busy."""
        return activities.activities(self)

    @property
    def map_runs(self) -> list[dict[str, Any]]:
        """The Map Runs so far, each as DescribeMapRun shows it."""
        return runs.map_runs(self)
