"""What people and the outside do to an execution: edits, injected errors, answers, time, stop.

Each is one change, written like any other step and taken back like any other.  At an earlier
point of the history an edit cuts off what came after it (`Debugger` keeps that as a branch).
`Execution` has a method for each of them.
"""

from __future__ import annotations

import difflib
import json
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import microseconds, seconds
from sfnbook.definition import inner_blocks
from sfnbook.errors import UsageError
from sfnbook.family import halted, stopped_below, wake
from sfnbook.frames import (
    ABORTED,
    ANSWERED,
    AWAITING,
    ENTER,
    OVER,
    RETRYING,
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
from sfnbook.history import task_of
from sfnbook.values import Json, checked, copied
from sfnbook.working import deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sfnbook.timeline import Timeline

EDITABLE: Final = frozenset({ENTER, WORK, RETRYING})
FAILABLE: Final = frozenset({"Task", "Map", "Parallel"})
INDICES: Final = re.compile(r"\[\d+\]")


# --- places ---------------------------------------------------------------------------------------
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


def check_target(timeline: Timeline, where: str) -> Callable[[Frame], bool]:
    """A test for "this frame is about to enter that state"; ``where`` is a name or a path."""
    place = known_state(timeline, where)
    return lambda frame: frame.phase == ENTER and _is_at(timeline, frame, place)


def _is_at(timeline: Timeline, frame: Frame, place: tuple[str | None, str | None]) -> bool:
    """Does a frame stand at what `known_state` found?"""
    name, path = place
    state: str = timeline.scene.state(frame).name
    full = frame.scope.prefix + state
    return state == name if path is None else path in {full, INDICES.sub("", full)}


def known_state(timeline: Timeline, where: str) -> tuple[str | None, str | None]:
    """(name, None) for a state's name, (None, path) for a path; UsageError with the nearest otherwise."""
    paths = paths_of(timeline.setup.programs)
    names = {path.rpartition(".")[2].rpartition("/")[2] for path in paths} | {
        state.name for program in timeline.setup.programs.values() for state in program.states.values()
    }
    if where in names:
        return where, None
    if INDICES.sub("", where) in paths or _inside_a_child(where, paths):
        return None, where
    near = difflib.get_close_matches(where, [*names, *paths], n=1)
    hint = (
        f" Did you mean {near[0]!r}?" if near else f" The states are: {', '.join(map(repr, sorted(names)))}."
    )
    raise UsageError(f"There is no state {where!r} in this machine.{hint}")


def _inside_a_child(where: str, paths: Iterable[str]) -> bool:
    """Is this "Task/State": a state of a nested execution under the Task that starts it?"""
    starter, separator, state = INDICES.sub("", where).rpartition("/")
    return bool(separator and starter in paths and any(path.endswith(f"/{state}") for path in paths))


def payload(value: Json, what: str) -> Json:
    """A JSON value from outside, copied; text that looks like an object gets a warning."""
    if isinstance(value, str) and value.strip()[:1] in {"{", "["}:
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            pass
        else:
            warnings.warn(
                f"{what} is text that holds JSON. If you mean the value, give json.loads(...) of it.",
                stacklevel=4,
            )
    return checked(value, what)


# --- edits ----------------------------------------------------------------------------------------
def edit_input(timeline: Timeline, value: Json, at: str | None = None) -> None:
    """Change the input of the state that is about to run (or that ``at`` names); undoable."""
    frame = _editable(timeline, at)
    _edit(timeline, "Edited", frame, frame._replace(data=payload(value, "The input")))


def set_variable(timeline: Timeline, name: str, value: Json) -> None:
    """Change a workflow variable where the execution stands; undoable."""
    if not str(name).isidentifier():
        raise UsageError(
            f"{name!r} is no variable's name. Write it without the dollar: set_variable('x', 1)."
        )
    frame = _editable(timeline, None)
    variables = {**frame.variables, name: payload(value, f"The variable ${name}")}
    _edit(timeline, "Edited", frame, frame._replace(variables=variables))


def _editable(timeline: Timeline, at: str | None) -> Frame:
    _begin(timeline)
    if at is None:
        frame = timeline.next_frame()
        if frame is None:
            raise UsageError(
                "There is no next state to edit: the execution is over or waits for the outside."
            )
        if frame.phase not in EDITABLE:
            name = timeline.scene.state(frame).name
            raise UsageError(
                f"{name} has already begun its work ({frame.phase}). "
                "Step back to before it, or go on to the next state."
            )
        return frame
    place = known_state(timeline, at)
    for frame in timeline.frames.values():
        if frame.id != WORLD and frame.phase in EDITABLE and _is_at(timeline, frame, place):
            return frame
    raise UsageError(f"Nothing stands before {at!r} now. Run to it first: execution.run(until={at!r}).")


def _begin(timeline: Timeline) -> None:
    timeline.settle()
    while TOP not in timeline.frames:
        timeline.proceed()


def _edit(timeline: Timeline, kind: str, old: Frame, new: Frame, others: Any = ()) -> None:
    timeline.settle()
    timeline.commit(Change(kind, timeline.clock, old, new, others, 0, ()))


# --- faults ---------------------------------------------------------------------------------------
def inject_error(
    timeline: Timeline, state: str, error: str, cause: str = "", attempts: int | list[int] | str = 1
) -> None:
    """Let a Task, Map or Parallel fail: the next n attempts, these attempt numbers, or "all".

    ``state`` is a name (all iterations) or a path (one).
    """
    _add_fault(timeline, Fault(_failable(timeline, state), error, cause, _attempts(attempts)))


def set_result(timeline: Timeline, state: str, value: Json) -> None:
    """Let the next attempt of a Task succeed with this result, as the history would show it."""
    target = _failable(timeline, state, {"Task"})
    _add_fault(timeline, Fault(target, None, None, 1, payload(value, "The result"), fails=False))


def clear_faults(timeline: Timeline, state: str | None = None) -> None:
    """Take injected errors and set results back: of one state, or all."""
    _begin(timeline)
    world = timeline.frames[WORLD]
    kept = tuple(fault for fault in world.work.faults if state is not None and fault.target != state)
    _edit(timeline, "Injected", world, world._replace(work=world.work._replace(faults=kept)))


def _failable(timeline: Timeline, where: str, kinds: Iterable[str] = FAILABLE) -> str:
    name, path = known_state(timeline, where)
    states = [state for program in timeline.setup.programs.values() for state in program.states.values()]
    if path is not None:
        key, pointer = paths_of(timeline.setup.programs)[INDICES.sub("", path)]
        states = [timeline.setup.programs[key].states[pointer]]
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


def _add_fault(timeline: Timeline, fault: Fault) -> None:
    _begin(timeline)
    world = timeline.frames[WORLD]
    # "all" replaces what was there; others wait in turn.
    kept = world.work.faults
    if fault.attempts is None:
        kept = tuple(old for old in kept if old.target != fault.target)
    _edit(timeline, "Injected", world, world._replace(work=world.work._replace(faults=(*kept, fault))))


# --- the outside ----------------------------------------------------------------------------------
class Pending:
    """An open callback or activity task: answer it, or let it be heard of."""

    __slots__ = ("_seen", "_state", "_timeline")

    def __init__(self, timeline: Timeline, frame: Frame, state: Any) -> None:
        self._timeline, self._seen, self._state = timeline, frame, state

    @property
    def frame(self) -> Frame:
        """Its frame as it stands; once it is no longer open, as it was last seen."""
        now = self._timeline.frames.get(self._seen.id)
        return now if now is not None and self._is_open(now) else self._seen

    def _is_open(self, frame: Frame) -> bool:
        seen: Awaiting = self._seen.work
        return frame.phase == AWAITING and frame.work.task.token == seen.task.token

    @property
    def token(self) -> str | None:
        """The task token; None for an activity task that no worker has taken."""
        work: Awaiting = self.frame.work
        return work.task.token if work.taken else None

    @property
    def state(self) -> str:
        """The name of the Task."""
        name: str = self._state.name
        return name

    @property
    def path(self) -> str:
        """The Task with the iterations around it."""
        return self.frame.scope.prefix + self.state

    @property
    def input(self) -> Json:
        """What was sent with the token, or is given to the worker."""
        return copied(self.frame.work.task.arguments)

    @property
    def deadline(self) -> float | None:
        """Virtual seconds at which it times out; None: never."""
        due = self.frame.due
        return None if due is None else seconds(due - self._timeline.setup.birth.time)

    def succeed(self, output: Json) -> None:
        """SendTaskSuccess."""
        answer(self._timeline, self._taken(), Running(self._task, payload(output, "The output"), None))

    def fail(self, error: str | None = None, cause: str | None = None) -> None:
        """SendTaskFailure."""
        failure = Failure(error, cause, self.frame.state)
        answer(self._timeline, self._taken(), Running(self._task, None, failure))

    def heartbeat(self) -> None:
        """SendTaskHeartbeat: the deadline moves to HeartbeatSeconds from now."""
        frame = self._now()
        if not frame.work.taken:
            raise UsageError(
                "No worker has taken this task yet, so nobody can beat: get_activity_task takes it."
            )
        work = frame.work._replace(beat=self._timeline.clock)
        _edit(self._timeline, "Heartbeat", frame, frame._replace(work=work, due=deadline(work)))

    def _now(self) -> Frame:
        self._timeline.settle()
        frame = self._timeline.frames.get(self._seen.id)
        if frame is None or not self._is_open(frame):
            raise UsageError("TaskTimedOut: this task is no longer open. See execution.pending.")
        return frame

    def _taken(self) -> Frame:
        # Who answers an activity task that no worker has taken is the worker that takes it.
        frame = self._now()
        return frame if frame.work.taken else take(self._timeline, frame, None)

    @property
    def _task(self) -> Any:
        return self.frame.work.task

    def __repr__(self) -> str:
        due = "no deadline" if self.deadline is None else f"until {self.deadline:g} s"
        return f"<Pending {self.path} {due}>"


def pending(timeline: Timeline) -> list[Pending]:
    """The open callbacks and activity tasks, the longest open first."""
    timeline.settle()
    waiting = [frame for frame in timeline.frames.values() if frame.phase == AWAITING]
    waiting.sort(key=lambda frame: (frame.event, frame.id))
    return [Pending(timeline, frame, timeline.scene.state(frame)) for frame in waiting]


def answer(timeline: Timeline, frame: Frame, running: Running) -> None:
    """Someone answered: the outcome comes before any timer of this instant."""
    _edit(timeline, "Answered", frame, frame._replace(phase=ANSWERED, due=timeline.clock, work=running))


def by_token(timeline: Timeline, token: str) -> Pending:
    """The open task of a token, or the API's error."""
    for open_task in pending(timeline):
        if open_task.token == token:
            return open_task
    scheduled = (change for change in timeline.changes[: timeline.cursor] if change.kind == "TaskScheduled")
    if any(task_of(change.frame).token == token for change in scheduled):
        raise UsageError("TaskTimedOut: the task of this token has ended or timed out.")
    raise UsageError("InvalidToken: this is not a task token of this execution.")


def get_activity_task(
    timeline: Timeline, activity_arn: str, worker_name: str | None = None
) -> dict[str, Json]:
    """GetActivityTask: a worker takes the task that waits longest; no token when there is none."""
    for open_task in pending(timeline):
        frame = open_task.frame
        if timeline.scene.state(frame).definition.resource == activity_arn and not frame.work.taken:
            task = take(timeline, frame, worker_name).work.task
            return {"taskToken": task.token, "input": copied(task.arguments)}
    return {"taskToken": None}


def take(timeline: Timeline, frame: Frame, worker_name: str | None) -> Frame:
    """A worker takes an activity task: its timeouts begin."""
    task = frame.work.task._replace(started=timeline.clock)
    work = frame.work._replace(task=task, taken=True, beat=timeline.clock, worker=worker_name)
    first = timeline.scene.next_event(frame)
    after = frame._replace(work=work, due=deadline(work), event=first)
    change = Change("TaskStarted", timeline.clock, frame, after, (), first, ("ActivityStarted",))
    timeline.commit(change)
    return after


def advance(timeline: Timeline, seconds: float | None = None) -> None:
    """Let virtual time pass, over the deadlines of open callbacks and activities; None: to the next one."""
    if seconds is not None and microseconds(seconds) < 0:
        raise UsageError(f"Time goes forward: {seconds!r} is no number of seconds to advance by.")
    timeline.run_on()
    if seconds is None:
        frame = timeline.first_due()
        if timeline.status != "RUNNING" or frame is None or frame.due is None:
            raise UsageError("Nothing here has a deadline to advance to: answer execution.pending, or stop.")
        _let_pass(timeline, frame.due)
        timeline.proceed()
        return
    moment = timeline.clock + microseconds(seconds)
    while timeline.status == "RUNNING":
        frame = timeline.first_due()
        if frame is None or frame.due is None or frame.due > moment:
            break
        _let_pass(timeline, frame.due)
        timeline.proceed()
    if timeline.status == "RUNNING":
        _let_pass(timeline, moment)


def _let_pass(timeline: Timeline, moment: int) -> None:
    """Move the clock, and let the deadlines of open waits strike up to there."""
    world = timeline.frames[WORLD]
    if moment > world.work.passed:
        timeline.settle()
        after = world._replace(work=world.work._replace(passed=moment))
        timeline.commit(Change("Edited", max(moment, timeline.clock), world, after, (), 0, ()))


def stop(timeline: Timeline, error: str | None = None, cause: str | None = None) -> None:
    """StopExecution: the execution is aborted where it stands."""
    _begin(timeline)
    timeline.settle()
    top = timeline.frames[TOP]
    if top.phase in OVER:
        raise UsageError(f"The execution is over already: {top.phase}.")
    first = timeline.scene.next_event(top)
    failure = Failure(error, cause, top.state)
    after = top._replace(phase=ABORTED, due=None, event=first, work=halted(top, failure))
    others = (*stopped_below(top, timeline.scene, ABORTED), *wake(after, timeline.scene))
    timeline.commit(
        Change("ExecutionAborted", timeline.clock, top, after, others, first, ("ExecutionAborted",))
    )
