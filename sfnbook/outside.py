"""What people do to an execution: edits, injected errors, letting time pass, stopping.

Each is one change, written like any other step and taken back like any other.  At an earlier
point of the history an edit cuts off what came after it (`Debugger` keeps that as a branch).
`Execution` has a method for each of them.  Answers to open Tasks are in `tokens`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sfnbook import stepfunctions
from sfnbook.clock import microseconds
from sfnbook.definition import inner_blocks
from sfnbook.errors import UsageError, did_you_mean, warn
from sfnbook.family import halted, stopped_below, wake
from sfnbook.faults import ANSWERING, described, names_of
from sfnbook.frames import (
    ABORTED,
    ENTER,
    OVER,
    RETRYING,
    TOP,
    WORK,
    WORLD,
    Change,
    Failure,
    Fault,
    Frame,
)
from sfnbook.tasks.answers import EVERY_TASK
from sfnbook.tasks.protocol import moments
from sfnbook.values import Json, checked, without_indices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sfnbook.timeline import Timeline

EDITABLE: Final = frozenset({ENTER, WORK, RETRYING})
FAILABLE: Final = frozenset({"Task", "Map", "Parallel"})


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
    return state == name if path is None else path in names_of(frame, state)


def known_state(timeline: Timeline, where: str) -> tuple[str | None, str | None]:
    """(name, None) for a state's name, (None, path) for a path; UsageError with the nearest otherwise."""
    if not isinstance(where, str):
        raise UsageError(f"{where!r} is no state: give its name or its path as text.")
    paths = paths_of(timeline.setup.programs)
    names = {path.rpartition(".")[2].rpartition("/")[2] for path in paths} | {
        state.name for program in timeline.setup.programs.values() for state in program.states.values()
    }
    if where in names:
        return where, None
    if leads_to(where, paths):
        return None, where
    hint = did_you_mean(where, [*sorted(names), *paths], "The states are")
    raise UsageError(f"There is no state {where!r} in this machine. {hint}")


def leads_to(where: str, paths: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """The states that a path may mean: behind a Task that starts an execution stands a state of any machine.

    >>> paths = {"Start": ("main", "/States/Start"), "Child/Charge": ("Child", "/States/Charge")}
    >>> leads_to("Start/Charge", paths) == leads_to("Child/Charge", paths) == [("Child", "/States/Charge")]
    True
    """
    bare = without_indices(where)
    if bare in paths:
        return [paths[bare]]
    machines = {key for key, _ in paths.values()}
    return [
        paths[f"{key}/{bare[slash + 1 :]}"]
        for slash, letter in enumerate(bare)
        if letter == "/" and leads_to(bare[:slash], paths)
        for key in sorted(machines)
        if f"{key}/{bare[slash + 1 :]}" in paths
    ]


def payload(value: Json, what: str) -> Json:
    """A JSON value from outside, copied; text that looks like an object gets a warning."""
    if isinstance(value, str) and value.strip()[:1] in {"{", "["}:
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            pass
        else:
            warn(f"{what} is text that holds JSON. If you mean the value, give json.loads(...) of it.")
    return checked(value, what)


# --- edits ----------------------------------------------------------------------------------------
def edit_input(timeline: Timeline, value: Json, at: str | None = None) -> None:
    """Change the input of the state that is about to run (or that ``at`` names); undoable."""
    frame = _editable(timeline, at)
    write(timeline, "Edited", frame, frame._replace(data=payload(value, "The input")))


def set_variable(timeline: Timeline, name: str, value: Json) -> None:
    """Change a workflow variable where the execution stands; undoable."""
    if not str(name).isidentifier():
        raise UsageError(
            f"{name!r} is no variable's name. Write it without the dollar: set_variable('x', 1)."
        )
    if name == "states":
        raise UsageError("$states is reserved: edit_input changes $states.input.")
    frame = _editable(timeline, None)
    variables = {**frame.variables, name: payload(value, f"The variable ${name}")}
    write(timeline, "Edited", frame, frame._replace(variables=variables))


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


def write(timeline: Timeline, kind: str, old: Frame, new: Frame, others: Any = ()) -> None:
    """One change at this instant, without an event."""
    timeline.settle()
    timeline.commit(Change(kind, timeline.clock, old, new, others, 0, ()))


# --- faults ---------------------------------------------------------------------------------------
def inject_error(
    timeline: Timeline, state: str, error: str, cause: str = "", attempts: int | list[int] | str = 1
) -> None:
    """Let a Task, Map or Parallel fail: the next n attempts, these attempt numbers, or "all".

    ``state`` is a name (all iterations) or a path (one).
    """
    if not error or not all(isinstance(one, str) for one in (error, cause)):
        raise UsageError(f"An error has a name and a cause, both text: not {error!r} and {cause!r}.")
    _add_fault(timeline, Fault("error", _failable(timeline, state), _attempts(attempts), error, cause))


def inject_latency(
    timeline: Timeline, state: str, seconds: float, attempts: int | list[int] | str = 1
) -> None:
    """Let what answers for a Task come later by ``seconds``, in these attempts."""
    _slow(timeline, "latency", state, seconds, attempts)


def lose_heartbeats(
    timeline: Timeline, state: str, after: float = 0, attempts: int | list[int] | str = 1
) -> None:
    """Let no heartbeat of a Task be heard later than ``after`` seconds, in these attempts."""
    _slow(timeline, "heartbeats", state, after, attempts)


def _slow(timeline: Timeline, kind: str, state: str, seconds: float, attempts: int | list[int] | str) -> None:
    (moment,) = moments((seconds,))
    target = _failable(timeline, state, {"Task"})
    if all(_answered_here(timeline, key, one) for key, one in _meant_by(timeline, target)):
        raise UsageError(
            f"{target!r} asks nobody in tasks: the simulation itself starts the execution or sends the "
            "token. Slow down a Task of the nested execution; inject_error fails this one."
        )
    _add_fault(timeline, Fault(kind, target, _attempts(attempts), seconds=moment))


def _answered_here(timeline: Timeline, key: str, state: Any) -> bool:
    """Is a Task about this simulation itself, and nobody else asked for it?"""
    if state.type != "Task" or not timeline.setup.machines or not stepfunctions.concerns(state):
        return False
    answer = timeline.setup.answers.find(timeline.setup.refs[key, state.pointer])
    return answer is None or answer.key == EVERY_TASK


def set_result(timeline: Timeline, state: str, value: Json) -> None:
    """Let the next attempt of a Task succeed with this result, as the history would show it."""
    target = _failable(timeline, state, {"Task"})
    _add_fault(timeline, Fault("result", target, 1, result=payload(value, "The result")))


def clear_faults(timeline: Timeline, state: str | None = None) -> None:
    """Take back what was injected and set: of one state, or all."""
    if state is not None:
        known_state(timeline, state)
    _begin(timeline)
    kept = (fault for fault in timeline.scene.world.faults if state is not None and fault.target != state)
    _write_faults(timeline, *kept)


def remove_fault(timeline: Timeline, fault: Fault | int) -> None:
    """Take one fault back: it, or its number in ``execution.faults``."""
    _begin(timeline)
    there = list(timeline.scene.world.faults)
    try:
        del there[fault if isinstance(fault, int) else there.index(fault)]
    except (ValueError, IndexError):
        waiting = "; ".join(f"{number}: {described(one)}" for number, one in enumerate(there)) or "none"
        raise UsageError(f"No fault {fault!r} waits here. Those that do: {waiting}.") from None
    _write_faults(timeline, *there)


def _write_faults(timeline: Timeline, *faults: Fault) -> None:
    world = timeline.frames[WORLD]
    write(timeline, "Injected", world, world._replace(work=world.work._replace(faults=faults)))


def _failable(timeline: Timeline, where: str, kinds: Iterable[str] = FAILABLE) -> str:
    states = _meant_by(timeline, where)
    if not any(state.type in kinds for _, state in states):
        kind = states[0][1].type
        raise UsageError(f"{where!r} is a {kind} state; this works for {', '.join(sorted(kinds))}.")
    return where


def _meant_by(timeline: Timeline, where: str) -> list[tuple[str, Any]]:
    """The compiled states that a name or path may mean, each with the key of its machine."""
    name, path = known_state(timeline, where)
    programs = timeline.setup.programs
    if path is not None:
        return [(key, programs[key].states[pointer]) for key, pointer in leads_to(path, paths_of(programs))]
    return [
        (key, state)
        for key, program in programs.items()
        for state in program.states.values()
        if state.name == name
    ]


def _attempts(attempts: int | list[int] | str) -> int | tuple[int, ...] | None:
    if attempts == "all":
        return None
    if isinstance(attempts, int) and not isinstance(attempts, bool) and attempts > 0:
        return attempts
    numbers = attempts if isinstance(attempts, (list, tuple, set, range)) else ()
    if numbers and all(type(number) is int and number > 0 for number in numbers):
        return tuple(numbers)
    raise UsageError(
        f"attempts={attempts!r}: give a number (the next n), a list of attempt numbers, or 'all'."
    )


def _add_fault(timeline: Timeline, fault: Fault) -> None:
    _begin(timeline)
    kept = timeline.scene.world.faults
    if fault.attempts is None:
        # "all" replaces what was there; others wait in turn.
        kept = tuple(old for old in kept if old.target != fault.target or _group(old) != _group(fault))
    _write_faults(timeline, *kept, fault)


def _group(fault: Fault) -> str:
    """Errors and results stand in for each other."""
    return "answer" if fault.kind in ANSWERING else fault.kind


# --- time, and the end -------------------------------------------------------------------------------
def advance(timeline: Timeline, seconds: float | None = None) -> None:
    """Let virtual time pass, over the deadlines of open callbacks and activities; None: to the next one."""
    if seconds is not None and microseconds(seconds) < 0:
        raise UsageError(f"Time goes forward: {seconds!r} is no number of seconds to advance by.")
    timeline.run_on()
    if seconds is None:
        frame = timeline.first_due()
        if timeline.status != "RUNNING" or frame is None or frame.due is None:
            raise UsageError("Nothing here has a deadline to advance to: answer execution.pending, or stop.")
        let_pass(timeline, frame.due)
        timeline.proceed()
        return
    moment = timeline.clock + microseconds(seconds)
    while timeline.status == "RUNNING":
        frame = timeline.first_due()
        if frame is None or frame.due is None or frame.due > moment:
            break
        let_pass(timeline, frame.due)
        timeline.proceed()
    if timeline.status == "RUNNING":
        let_pass(timeline, moment)


def let_pass(timeline: Timeline, moment: int) -> None:
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
    timeline.scene.look(top, timeline.clock, timeline.cursor)
    first = timeline.scene.first
    failure = Failure(error, cause, top.state)
    after = top._replace(phase=ABORTED, due=None, event=first, work=halted(top, failure))
    others = (*stopped_below(top, timeline.scene, ABORTED), *wake(after, timeline.scene))
    timeline.commit(
        Change("ExecutionAborted", timeline.clock, top, after, others, first, ("ExecutionAborted",))
    )
