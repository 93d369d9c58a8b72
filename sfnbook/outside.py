"""What people and the outside do to an execution: edits, injected errors, answers, time, stop.

Each is one change, written like any other step and taken back like any other.  At an earlier
point of the history an edit cuts off what came after it (`Debugger` keeps that as a branch).
The functions here are the methods of `Execution`.
"""

from __future__ import annotations

import difflib
import json
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import microseconds, seconds
from sfnbook.errors import UsageError
from sfnbook.family import halted, stopped_below, wake
from sfnbook.faults import find
from sfnbook.frames import (
    ABORTED,
    ANSWERED,
    AWAITING,
    ENTER,
    OVER,
    RETRYING,
    SCHEDULED,
    STARTED,
    TOP,
    WORK,
    WORLD,
    Awaiting,
    Change,
    Failure,
    Fault,
    Frame,
    Running,
)
from sfnbook.values import Json, checked, copied
from sfnbook.working import deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sfnbook.execution import Execution
    from sfnbook.scene import Scene

EDITABLE: Final = frozenset({ENTER, WORK, RETRYING})
FAILABLE: Final = frozenset({"Task", "Map", "Parallel"})
INDICES: Final = re.compile(r"\[\d+\]")


# --- places ---------------------------------------------------------------------------------------
def place(frame: Frame, state: Any) -> tuple[str, str]:
    """The key of a Task among the answers: its machine and its pointer."""
    return frame.scope.execution.machine, state.pointer


def paths_of(programs: Any) -> dict[str, tuple[str, str]]:
    """Every state by its path without indices: (machine key, pointer)."""
    found: dict[str, tuple[str, str]] = {}

    def add(block: Any, prefix: str, key: str) -> None:
        for state in block.states.values():
            found[prefix + state.name] = (key, state.pointer)
            for inner in inner_blocks(state):
                add(inner, f"{prefix}{state.name}.", key)

    for key, program in programs.items():
        add(program.definition, "" if key == "main" else f"{key}/", key)
    return found


def inner_blocks(state: Any) -> Iterable[Any]:
    from sfnbook.definition import inner_blocks as blocks  # noqa: PLC0415

    return blocks(state)


def check_target(execution: Execution, where: str) -> Callable[[Frame], bool]:
    """A test for "this frame is about to enter that state"; ``where`` is a name or a path."""
    name, path = known_state(execution, where)
    programs = execution._setup.programs

    def stands_before(frame: Frame) -> bool:
        if frame.phase != ENTER:
            return False
        state = programs[frame.scope.execution.machine].states[frame.state].name
        full = frame.scope.prefix + state
        return bool(state == name if path is None else path in {full, INDICES.sub("", full)})

    return stands_before


def known_state(execution: Execution, where: str) -> tuple[str | None, str | None]:
    """(name, None) for a state's name, (None, path) for a path; UsageError with the nearest otherwise."""
    paths = paths_of(execution._setup.programs)
    names = {path.rpartition(".")[2].rpartition("/")[2] for path in paths} | {
        state.name for program in execution._setup.programs.values() for state in program.states.values()
    }
    if where in names:
        return where, None
    if INDICES.sub("", where) in paths:
        return None, where
    near = difflib.get_close_matches(where, [*names, *paths], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" The states are: {', '.join(sorted(names))}."
    raise UsageError(f"There is no state {where!r} in this machine.{hint}")


def payload(value: Json, what: str) -> Json:
    """A JSON value from outside, copied; text that looks like an object gets a warning."""
    if isinstance(value, str) and value.strip()[:1] in {"{", "["}:
        try:
            json.loads(value)
        except ValueError:
            pass
        else:
            warnings.warn(
                f"{what} is text that holds JSON. If you mean the value, give json.loads(...) of it.",
                stacklevel=4,
            )
    return checked(value, what)


# --- edits ----------------------------------------------------------------------------------------
def edit_input(self: Execution, value: Json, at: str | None = None) -> Execution:
    """Change the input of the state that is about to run (or that ``at`` names); undoable."""
    frame = _editable(self, at)
    return _edit(self, "Edited", frame, frame._replace(data=payload(value, "The input")))


def set_variable(self: Execution, name: str, value: Json) -> Execution:
    """Change a workflow variable where the execution stands; undoable."""
    frame = _editable(self, None)
    variables = {**frame.variables, name: payload(value, f"The variable ${name}")}
    return _edit(self, "Edited", frame, frame._replace(variables=variables))


def _editable(self: Execution, at: str | None) -> Frame:
    _begin(self)
    if at is None:
        frame = self._next()
        if frame is None:
            raise UsageError(
                "There is no next state to edit: the execution is over or waits for the outside."
            )
        if frame.phase not in EDITABLE:
            name = self._scene.state(frame).name
            raise UsageError(
                f"{name} has already begun its work ({frame.phase}). "
                "Step back to before it, or go on to the next state."
            )
        return frame
    name, path = known_state(self, at)
    for frame in self._frames.values():
        if frame.id != WORLD and frame.phase in EDITABLE:
            state = self._scene.state(frame).name
            if state == name or frame.scope.prefix + state == path:
                return frame
    raise UsageError(f"Nothing stands before {at!r} now. Run to it first: execution.run(until={at!r}).")


def _begin(self: Execution) -> None:
    if TOP not in self._frames:
        self._step()


def _edit(self: Execution, kind: str, old: Frame, new: Frame, others: Any = ()) -> Execution:
    self._settle()
    self._commit(Change(kind, self._now, old, new, others, 0, ()))
    return self


# --- faults ---------------------------------------------------------------------------------------
def inject_error(
    self: Execution, state: str, error: str, cause: str = "", attempts: int | list[int] | str = 1
) -> Execution:
    """Let a Task, Map or Parallel fail: the next n attempts, these attempt numbers, or "all".

    ``state`` is a name (all iterations) or a path (one).
    """
    return _add_fault(self, Fault(_failable(self, state), error, cause, _attempts(attempts)))


def set_result(self: Execution, state: str, value: Json) -> Execution:
    """Let the next attempt of a Task succeed with this result, as the history would show it."""
    target = _failable(self, state, {"Task"})
    return _add_fault(self, Fault(target, None, None, 1, payload(value, "The result"), fails=False))


def clear_faults(self: Execution, state: str | None = None) -> Execution:
    """Take injected errors and set results back: of one state, or all."""
    world = self._frames[WORLD]
    kept = tuple(fault for fault in world.work.faults if state is not None and fault.target != state)
    return _edit(self, "Injected", world, world._replace(work=world.work._replace(faults=kept)))


def _failable(self: Execution, where: str, kinds: Iterable[str] = FAILABLE) -> str:
    name, path = known_state(self, where)
    states = [state for program in self._setup.programs.values() for state in program.states.values()]
    if path is not None:
        key, pointer = paths_of(self._setup.programs)[INDICES.sub("", path)]
        states = [self._setup.programs[key].states[pointer]]
    kind = next(state.type for state in states if name in {None, state.name})
    if kind not in kinds:
        raise UsageError(f"{where!r} is a {kind} state; this works for {', '.join(sorted(kinds))}.")
    return where


def _attempts(attempts: int | list[int] | str) -> int | tuple[int, ...] | None:
    if attempts == "all":
        return None
    if isinstance(attempts, int) and not isinstance(attempts, bool) and attempts > 0:
        return attempts
    if isinstance(attempts, (list, tuple, set, range)) and all(
        isinstance(number, int) for number in attempts
    ):
        return tuple(attempts)
    raise UsageError(
        f"attempts={attempts!r}: give a number (the next n), a list of attempt numbers, or 'all'."
    )


def _add_fault(self: Execution, fault: Fault) -> Execution:
    world = self._frames[WORLD]
    kept = tuple(old for old in world.work.faults if old.target != fault.target)
    return _edit(self, "Injected", world, world._replace(work=world.work._replace(faults=(*kept, fault))))


# --- the outside ----------------------------------------------------------------------------------
def waits_outside(state: Any) -> bool:
    """Is this a Task that someone outside may answer: a callback or an activity?"""
    return bool(state.resource.kind == "activity" or state.resource.pattern == "token")


def open_to_outside(frame: Frame, scene: Scene) -> Change:
    """Nobody here answers for the callback: its request is sent, and the Task waits for the token."""
    first = scene.next_event(frame)
    after = frame._replace(
        phase=STARTED, due=scene.now, event=first, work=frame.work._replace(started=scene.now)
    )
    return Change("TaskStarted", scene.now, frame, after, (), first, ("TaskStarted",))


def lacks_answer(self: Execution, frame: Frame) -> bool:
    """Is this a Task about to start that nobody answers for?"""
    if frame.phase != SCHEDULED:
        return False
    state = self._scene.state(frame)
    self._scene.look(frame, self._now, self._cursor)
    if find(frame, state.name, self._scene) is not None or waits_outside(state):
        return False
    return not self._scene.is_answered(state, frame)


class Pending:
    """An open callback or activity task: answer it, or let it be heard of."""

    __slots__ = ("_execution", "_frame", "_state")

    def __init__(self, execution: Execution, frame: Frame, state: Any) -> None:
        self._execution, self._frame, self._state = execution, frame, state

    @property
    def token(self) -> str | None:
        """The task token; None for an activity task that no worker has taken."""
        work: Awaiting = self._frame.work
        return work.task.token if work.taken else None

    @property
    def state(self) -> str:
        """The name of the Task."""
        name: str = self._state.name
        return name

    @property
    def path(self) -> str:
        """The Task with the iterations around it."""
        return self._frame.scope.prefix + self.state

    @property
    def input(self) -> Json:
        """What was sent with the token, or is given to the worker."""
        return copied(self._frame.work.task.arguments)

    @property
    def deadline(self) -> float | None:
        """Virtual seconds at which it times out; None: never."""
        due = self._frame.due
        return None if due is None else seconds(due - self._execution._setup.birth.time)

    def succeed(self, output: Json) -> Execution:
        """SendTaskSuccess."""
        return answer(self._execution, self._frame, Running(self._task, payload(output, "The output"), None))

    def fail(self, error: str | None = None, cause: str | None = None) -> Execution:
        """SendTaskFailure."""
        failure = Failure(error, cause, self._frame.state)
        return answer(self._execution, self._frame, Running(self._task, None, failure))

    def heartbeat(self) -> Execution:
        """SendTaskHeartbeat: the deadline moves to HeartbeatSeconds from now."""
        frame = self._frame
        work = frame.work._replace(beat=self._execution._now)
        return _edit(self._execution, "Heartbeat", frame, frame._replace(work=work, due=deadline(work)))

    @property
    def _task(self) -> Any:
        return self._frame.work.task

    def __repr__(self) -> str:
        due = "no deadline" if self.deadline is None else f"until {self.deadline:g} s"
        return f"<Pending {self.path} {due}>"


def pending(self: Execution) -> list[Pending]:
    """The open callbacks and activity tasks, the longest open first."""
    self._settle()
    waiting = [frame for frame in self._frames.values() if frame.phase == AWAITING]
    waiting.sort(key=lambda frame: (frame.event, frame.id))
    return [Pending(self, frame, self._scene.state(frame)) for frame in waiting]


def answer(self: Execution, frame: Frame, running: Running) -> Execution:
    """Someone answered: the outcome comes before any timer of this instant."""
    if self._frames.get(frame.id) != frame:
        raise UsageError("TaskTimedOut: this task is no longer open. See execution.pending.")
    return _edit(self, "Answered", frame, frame._replace(phase=ANSWERED, due=self._now, work=running))


def send_task_success(self: Execution, token: str, output: Json) -> Execution:
    """SendTaskSuccess for a token of this execution."""
    return _by_token(self, token).succeed(output)


def send_task_failure(
    self: Execution, token: str, error: str | None = None, cause: str | None = None
) -> Execution:
    """SendTaskFailure for a token of this execution."""
    return _by_token(self, token).fail(error, cause)


def send_task_heartbeat(self: Execution, token: str) -> Execution:
    """SendTaskHeartbeat for a token of this execution."""
    return _by_token(self, token).heartbeat()


def _by_token(self: Execution, token: str) -> Pending:
    for open_task in pending(self):
        if open_task.token == token:
            return open_task
    if str(token).startswith("sfnbook."):
        raise UsageError("TaskTimedOut: the task of this token has ended or timed out.")
    raise UsageError("InvalidToken: this is not a task token of this execution.")


def get_activity_task(self: Execution, activity_arn: str, worker_name: str | None = None) -> dict[str, Json]:
    """GetActivityTask: a worker takes the task that waits longest; no token when there is none."""
    for open_task in pending(self):
        frame = open_task._frame
        state = self._scene.state(frame)
        if state.definition.resource == activity_arn and not frame.work.taken:
            task = frame.work.task._replace(started=self._now)
            work = frame.work._replace(task=task, taken=True, beat=self._now, worker=worker_name)
            first = self._scene.next_event(frame)
            after = frame._replace(work=work, due=deadline(work), event=first)
            self._commit(Change("TaskStarted", self._now, frame, after, (), first, ("ActivityStarted",)))
            return {"taskToken": task.token, "input": copied(task.arguments)}
    return {"taskToken": None}


def advance(self: Execution, seconds: float | None = None) -> Execution:
    """Let virtual time pass, over the deadlines of open callbacks and activities; None: to the next one."""
    self.run()
    if seconds is None:
        frame = None if self._index is None else self._index.first(self._frames)
        if self.status != "RUNNING" or frame is None or frame.due is None:
            raise UsageError("Nothing here has a deadline to advance to: answer execution.pending, or stop.")
        _set_clock(self, frame.due)
        self._step()
        return self
    moment = self._now + microseconds(seconds)
    while self.status == "RUNNING" and self._index is not None:
        frame = self._index.first(self._frames)
        if frame is None or frame.due is None or frame.due > moment:
            break
        _set_clock(self, frame.due)
        self._step()
    if self.status == "RUNNING":
        _set_clock(self, moment)
    return self


def _set_clock(self: Execution, moment: int) -> None:
    if moment > self._now:
        world = self._frames[WORLD]
        self._settle()
        self._commit(Change("Edited", moment, world, world, (), 0, ()))


def stop(self: Execution, error: str | None = None, cause: str | None = None) -> Execution:
    """StopExecution: the execution is aborted where it stands."""
    _begin(self)
    self._settle()
    top = self._frames[TOP]
    if top.phase in OVER:
        raise UsageError(f"The execution is over already: {top.phase}.")
    first = self._scene.next_event(top)
    failure = Failure(error, cause, top.state)
    after = top._replace(phase=ABORTED, due=None, event=first, work=halted(top, failure))
    others = (*stopped_below(top, self._scene, ABORTED), *wake(after, self._scene))
    self._commit(Change("ExecutionAborted", self._now, top, after, others, first, ("ExecutionAborted",)))
    return self
