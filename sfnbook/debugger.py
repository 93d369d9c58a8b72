"""The debugger: one execution, its branches and a cursor that goes anywhere.

It decides where to stop and what an edit in the past does; what happens in between is the
execution's.  It works without a notebook and displays itself in one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from sfnbook.debugging.branches import Branch, Branches, OpenTask, Recording, Seat, Stop
from sfnbook.errors import UnansweredTask, UsageError, did_you_mean
from sfnbook.limits import AWS_LIMITS, Limits
from sfnbook.machine import StateMachine
from sfnbook.notebook import in_a_notebook
from sfnbook.sessions.keeping import Keeping
from sfnbook.transition import Transition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sfnbook.debugging.breakpoints import Breakpoint
    from sfnbook.execution import Execution
    from sfnbook.frames import Fault, FrameId, StartedBy
    from sfnbook.values import Json


class Debugger(Keeping):
    """Steps an execution forwards and backwards, stops it at breakpoints, and edits it.

    Takes every keyword of `StateMachine.start`.  Whatever moves returns the Transition at which it
    stopped, None if nothing is before it or it could not move.

    >>> import sfnbook
    >>> states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": True}}
    >>> debugger = Debugger(sfnbook.load({"StartAt": "A", "States": states}), {"x": 1})
    >>> debugger.step_over()
    <StateExited A at 0 s>
    >>> debugger.edit_input({"x": 2}).run()
    <ExecutionSucceeded at 0 s>
    >>> debugger.output
    {'x': 2}
    """

    def __init__(
        self,
        machine: StateMachine,
        input: Json = None,  # noqa: A002 - the API's word
        *,
        tasks: Any = None,
        machines: Mapping[str, StateMachine] | None = None,
        files: Any = None,
        activities: Iterable[str] | None = None,
        name: str | None = None,
        start_time: Any = None,
        seed: int = 0,
        type: str | None = None,  # noqa: A002 - the API's word
        limits: Limits | None = AWS_LIMITS,
        arn: str | None = None,
        role_arn: str | None = None,
        started_by: StartedBy | None = None,
    ) -> None:
        if not isinstance(machine, StateMachine):
            raise UsageError("The first argument is a StateMachine: give sfnbook.load(...).")
        execution = machine.start(
            input, tasks=tasks, machines=machines, files=files, activities=activities, name=name,
            start_time=start_time, seed=seed, type=type, limits=limits, arn=arn, role_arn=role_arn,
            started_by=started_by,
        )  # fmt: skip
        super().__init__(machine, Branches(Recording.of(execution)))

    @classmethod
    def of(cls, machine: StateMachine, execution: Execution) -> Self:
        """A debugger over an execution that has run already; the execution itself is left as it is."""
        debugger = cls.__new__(cls)
        Keeping.__init__(debugger, machine, Branches(Recording.of(execution)))
        return debugger

    # --- the current frame ----------------------------------------------------------------------------
    def select(self, path: str | None) -> None:
        """Make the flow at a path ("Orders[3].Charge", "Orders[3]") the current frame; None: the next one's.

        It stays selected until it ends.
        """
        paths: dict[str, FrameId] = {}
        for frame in self.execution.live():
            paths.setdefault(self.execution.path_of(frame), frame.id)
            paths.setdefault(frame.scope.prefix.rstrip("./"), frame.id)
        if path is not None and path not in paths:
            raise UsageError(f"No flow stands at {path!r} now. {did_you_mean(path, paths)}")
        self._selected = None if path is None else paths[path]
        self._tell()

    # --- forwards -----------------------------------------------------------------------------------
    def step(self) -> Transition | None:
        """One transition, of any frame."""
        return self._go(lambda _: True)

    def step_into(self) -> Transition | None:
        """To the next transition of the current frame, or of one that it started."""
        return self._go(self.execution.concerning(self._current().id))

    def step_over(self) -> Transition | None:
        """Until the current frame has left its state, with all retries, waits, branches and iterations."""
        return self._go(self.execution.leaving(self._current().id))

    def step_out(self) -> Transition | None:
        """Until the enclosing Map, Parallel or Task is left; at the top, to the end."""
        parent = self._current().scope.parent
        return self._go(None if parent is None else self.execution.leaving(parent))

    def run(self, at_most: int | None = None) -> Transition | None:
        """To the end, a breakpoint or a block; ``at_most`` so many transitions."""
        if at_most is not None and not (type(at_most) is int and at_most >= 0):
            raise UsageError(f"at_most={at_most!r}: give a number of transitions, or None for no limit.")
        return self._go(None, at_most)

    def run_to(self, state: str) -> Transition | None:
        """Until a state (a name or a path) is about to be entered; never stays where it is."""
        return self._go(self.execution.arriving(state))

    def _go(self, stop: Stop | None, at_most: int | None = None) -> Transition | None:
        """Move on until ``stop`` says so, a breakpoint is hit, or nothing is left to do."""
        execution, start = self.execution, self.position
        watch = self.breakpoints.watch(execution)
        self._stop = None
        try:
            if stop is None and at_most is None and not watch:
                with suppress(UnansweredTask):  # `unanswered` says it
                    execution.run()
            end = None if at_most is None else start + at_most
            while execution.cursor != end and (change := execution.forward()) is not None:
                hit = watch.hit(execution.cursor - 1)
                if hit is not None:
                    self._stop = execution, execution.cursor, hit
                if hit is not None or (stop is not None and stop(change)):
                    break
        finally:
            self._tell()
        return self.transition if self.position != start else None

    def advance(self, seconds: float | None = None) -> Transition | None:
        """Go to the end and let virtual time pass, over open deadlines; None: to the next one."""
        with suppress(UnansweredTask):  # `unanswered` says it
            self.execution.advance(seconds)
        self._tell()
        return self.transition

    # --- backwards, and anywhere --------------------------------------------------------------------
    def back(self) -> Transition | None:
        """Take one transition back.  What a task function did stays done."""
        return self._stand(max(self.position - 1, 0))

    def run_back(self) -> Transition | None:
        """Back to the last breakpoint that was hit on the way here, or to the beginning."""
        hit = self.breakpoints.last_hit(self.execution)
        return self._stand(*(hit or (0, None)))

    def restart(self) -> None:
        """Go to the beginning; what is recorded stays, and going on calls nobody again."""
        self._stand(0)

    def reset(self) -> None:
        """Begin anew: all branches, edits and faults are forgotten, and Tasks are called again.

        Breakpoints and watches stay.
        """
        self._branches = self._heard(Branches(self.branches[0].execution.anew()))
        self._selected = None
        self._stand(0)

    def goto(self, where: Transition | int) -> Transition | None:
        """Stand right after a recorded transition, or the one with this number; calls nobody.

        A transition of another branch switches to it.
        """
        if isinstance(where, Transition):
            self.branches.switch(self._branch_of(where))
        number: Any = where.number if isinstance(where, Transition) else where
        if type(number) is not int:
            raise UsageError(f"goto({where!r}): give a Transition or its number.")
        if not 0 <= number < self.length:
            raise UsageError(f"There is no transition {number}; {self.length} are recorded, from 0 on.")
        return self._stand(number + 1)

    def _branch_of(self, transition: Transition) -> Branch:
        number = transition.number
        branches: list[Branch] = [self.branches.current, *self.branches]
        for branch in branches:
            if number < branch.length and branch.execution.shown(number) == transition:
                return branch
        raise UsageError(f"{transition!r} is in no branch of this debugger.")

    def switch(self, branch: Branch | str) -> Transition | None:
        """Go to another branch, where it was left."""
        self.branches.switch(branch)
        return self.transition

    def _stand(self, position: int, hit: Breakpoint | None = None) -> Transition | None:
        self._stop = None if hit is None else (self.execution, position, hit)
        self.execution.seek(position)
        self._tell()
        return self.transition

    # --- edits --------------------------------------------------------------------------------------
    def edit_input(self, value: Json, at: str | None = None) -> Self:
        """Change the input of the state that is next: the selected flow's, or the one that ``at`` names."""
        at = at or (self.path if self._current().id == self._selected else None)
        where = at or self.path
        return self._edit(f"input of {where} edited", lambda execution: execution.edit_input(value, at))

    def set_variable(self, name: str, value: Json) -> Self:
        """Change a workflow variable."""
        return self._edit(f"${name} set", lambda execution: execution.set_variable(name, value))

    def set_result(self, state: str, value: Json) -> Self:
        """Let the next attempt of a Task succeed with this result."""
        return self._prepare(f"result of {state} set", lambda execution: execution.set_result(state, value))

    def inject_error(
        self, state: str, error: str, cause: str = "", attempts: int | list[int] | str = 1
    ) -> Self:
        """Let a Task, Map or Parallel fail: the next n attempts, these attempt numbers, or "all"."""
        return self._prepare(
            f"{error} injected into {state}",
            lambda execution: execution.inject_error(state, error, cause, attempts),
        )

    def inject_latency(self, state: str, seconds: float, attempts: int | list[int] | str = 1) -> Self:
        """Let whoever in ``tasks`` answers for a Task come later by ``seconds``, in these attempts."""
        return self._prepare(
            f"latency injected into {state}",
            lambda execution: execution.inject_latency(state, seconds, attempts),
        )

    def lose_heartbeats(self, state: str, after: float = 0, attempts: int | list[int] | str = 1) -> Self:
        """Let no heartbeat that ``tasks`` sends be heard later than ``after`` seconds, in these attempts."""
        return self._prepare(
            f"heartbeats of {state} lost",
            lambda execution: execution.lose_heartbeats(state, after, attempts),
        )

    def remove_fault(self, fault: Fault | int) -> Self:
        """Take one of `faults` back: it, or its number there."""
        return self._edit("a fault taken back", lambda execution: execution.remove_fault(fault))

    def clear_faults(self, state: str | None = None) -> Self:
        """Take back what was injected and set: of one state, or all."""
        why = f"faults of {state} cleared" if state else "faults cleared"
        return self._edit(why, lambda execution: execution.clear_faults(state))

    @property
    def pending(self) -> list[OpenTask]:
        """The open callbacks and activity tasks; answering one in the past makes a branch."""
        seat = Seat(lambda: self.execution, self._edit, self.observe)
        return [OpenTask(pending, seat) for pending in self.execution.pending]

    def answer(self, value: Json) -> Self:
        """Answer the Task that nobody answers for, this once, with a result as the history shows it."""
        question = self.unanswered
        if question is None:
            raise UsageError("No Task waits for an answer here. Open callbacks: see debugger.pending.")
        return self._edit(
            f"{question.path} answered", lambda execution: execution.set_result(question.path, value)
        )

    def stop(self, error: str | None = None, cause: str | None = None) -> Self:
        """StopExecution: abort the execution where it stands."""
        return self._edit("stopped", lambda execution: execution.stop(error, cause))

    def isolate(self, path: str) -> Self:
        """A debugger on one iteration or branch alone ("Orders[7312]"): its states, its input, its answers.

        What was recorded of it answers first.  It stands where it failed, or as far as it is known.
        Raises UsageError where nothing is known of it.

        >>> import sfnbook
        >>> inner = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Oops"}}}
        >>> machine = sfnbook.load({"StartAt": "Orders", "States": {
        ...     "Orders": {"Type": "Map", "ItemProcessor": inner, "End": True}}})
        >>> debugger = Debugger(machine, [{"id": 1}, {"id": 2}])
        >>> _ = debugger.run()
        >>> debugger.isolate("Orders[0]").execution.input
        {'id': 1}
        """
        from sfnbook.replaying import failing_transition  # noqa: PLC0415
        from sfnbook.sessions.isolating import isolated  # noqa: PLC0415 - few sessions look at one item alone

        machine, execution = isolated(self.execution, path, self.children)
        alone = type(self).of(machine, execution)
        position = failing_transition(alone.execution)
        if position is not None:
            alone.execution.seek(position + 1)
        return alone

    def try_machine(self, machine: StateMachine) -> Transition | None:
        """Run the current branch again under a changed definition, as a new branch; where it came to.

        Input, edits and faults are the same, and so are recorded results wherever path, visit, attempt
        and the Task's input are; elsewhere ``tasks`` answer, or `unanswered` asks.  The branch's ``why``
        says what was changed, `notes` what could not be taken along.

        >>> import sfnbook
        >>> states = {"A": {"Type": "Fail", "Error": "Oops"}}
        >>> debugger = Debugger(sfnbook.load({"StartAt": "A", "States": states}))
        >>> debugger.run()
        <ExecutionFailed A Oops at 0 s>
        >>> debugger.try_machine(sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}))
        <ExecutionSucceeded at 0 s>
        >>> debugger.branches.current.why
        'tried a machine: A: Type, Error'
        """
        if not isinstance(machine, StateMachine):
            raise UsageError("try_machine takes a StateMachine: give sfnbook.load(...).")
        from sfnbook.sessions.trying import tried  # noqa: PLC0415 - few sessions try a second machine

        trial = tried(self.execution, machine)
        self._machines[trial.execution.setup] = machine
        self.notes = (*self.notes, *trial.notes)
        self._selected = None
        self.branches.add(trial.execution, f"tried a machine: {trial.why}")
        return self.transition

    def _prepare(self, why: str, change: Callable[[Recording], Any]) -> Self:
        """An edit about attempts to come; where none can come it would be silently in vain."""
        if self.status != "RUNNING":
            raise UsageError(
                f"The execution is over ({self.status}): no attempt is to come. "
                "Go back first: debugger.back(), goto(...) or restart()."
            )
        return self._edit(why, change)

    def _edit(self, why: str, change: Callable[[Recording], Any]) -> Self:
        """At the end of the recording it simply goes on; in the past, a copy does, as a new branch."""
        if self.position == self.length:
            change(self.execution)
            self._tell()
        else:
            execution = self.execution.fork()
            change(execution)
            self.branches.add(execution, why)
        return self

    # --- display ------------------------------------------------------------------------------------
    def show(self, **options: Any) -> Any:
        """The notebook's view; ``options`` are those of `widgets.debugger.DebuggerView`."""
        from sfnbook.widgets.debugger import DebuggerView  # noqa: PLC0415

        return DebuggerView(self, **options)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: Any = self.show()._repr_mimebundle_() if in_a_notebook() else {}
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return {"image/svg+xml": self.to_svg(), **(data or {}), "text/plain": repr(self)}
