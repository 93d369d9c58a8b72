"""The same execution under a changed definition: its input, edits, faults and recorded results again.

States are matched by path.  A Task is answered as it was where path, visit, attempt and input are
equal, else by whoever answered before; an edit is made again when the run comes to the same place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook import outside, working
from sfnbook.debugging.branches import Recording
from sfnbook.debugging.looking import machines_of
from sfnbook.debugging.revising import revisions, told
from sfnbook.frames import ENTER, WORLD, Change, Frame
from sfnbook.recordings.places import Places
from sfnbook.recordings.reading import read
from sfnbook.scene import around
from sfnbook.sessions.log import latencies, variables_set
from sfnbook.tasks.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sfnbook.execution import Execution
    from sfnbook.frames import World
    from sfnbook.machine import StateMachine
    from sfnbook.setting import Setup

Spot: TypeAlias = tuple[str, tuple[tuple[int, int], ...], str, int, int]
"""Where a frame stands, whatever the definition: path, what is around it, phase, visit and retries so far."""

EDITS: Final = frozenset({"Edited", "Injected", "Answered", "Heartbeat"})


class Trial(NamedTuple):
    """A run under a changed definition, what was changed, and what could not be taken along."""

    execution: Recording
    why: str
    notes: tuple[str, ...]


def tried(old: Recording, machine: StateMachine) -> Trial:
    """Run an execution again under a changed definition, to its end or to a question."""
    execution, notes = _started(old, machine)
    trial = Recording.of(execution)
    notes += _played(old, trial)
    source = old.setup.sources["main"].data
    return Trial(trial, told(revisions(source, machine.source)), tuple(notes))


def _started(old: Recording, machine: StateMachine) -> tuple[Execution, list[str]]:
    """The same start; of the answers those whose Tasks are still there."""
    setup = old.setup
    identity = setup.birth.frame.scope.execution
    others = {key: one for key, one in machines_of(setup).items() if key != "main"}
    machine = machine.renamed(identity.machine_arn)
    tasks, notes = _tasks(setup, machine, others)
    prepared = machine.prepare(
        tasks=tasks, machines=others, files=setup.files, activities=setup.activities, type=identity.type,
        limits=setup.limits,
    )  # fmt: skip
    execution = prepared.start(
        identity.input, name=identity.name, start_time=identity.started / 1_000_000, seed=setup.seed,
        arn=identity.arn, role_arn=identity.role_arn,
    )  # fmt: skip
    recorded = setup.recorded or recorded_of(old)
    return execution if recorded is None else execution.answered_by_recording(recorded), notes


def _tasks(
    setup: Setup, machine: StateMachine, others: Mapping[str, StateMachine]
) -> tuple[dict[str, Any], list[str]]:
    refs = [ref for key, one in {"main": machine, **others}.items() for _, ref in one.task_refs(key)]
    known = {name for ref in refs for name in ref.names()}
    given = setup.answers.given()
    gone = [key for key in given if key not in known and key != "*"]
    notes = [f"tasks[{key!r}] answers for no Task of the changed machine." for key in gone]
    return {key: spec for key, spec in given.items() if key in known}, notes


def recorded_of(old: Recording) -> Recorded | None:
    """What the execution itself went through, as a recording; what it did inside is done again."""
    whole = old.fork()
    whole.seek(whole.length)
    history = whole.history()
    if not history:
        return None
    source = old.setup.sources["main"].data
    places = Places(read(history), old.setup.definitions["main"])
    for number, seconds in latencies(old).items():
        frame = old.changes[number].before
        assert frame is not None  # noqa: S101 - a Task that starts was scheduled
        _without(places, old.path_of(frame), frame, seconds)
    return Recorded(places, inside=False, sources=(source, source))


def _without(places: Places, path: str, frame: Frame, seconds: float) -> None:
    """Let a recorded attempt last as long as without that latency: it comes again with the faults."""
    visit = places.visit(path, around(frame), frame.visit.number)
    attempt = None if visit is None else visit.attempted(frame.visit.retries + 1)
    ended = None if attempt is None else attempt.ended
    if attempt is not None and ended is not None and not ended.type.endswith("TimedOut"):
        attempt.slowed = seconds


# --- edits ----------------------------------------------------------------------------------------
def _played(old: Recording, trial: Recording) -> list[str]:
    """Run to the end, and make each edit again when its place is reached."""
    waiting = list(_edits(old))
    trial.forward()  # nothing is edited before it has started
    while True:
        spot = _spot_next(trial)
        # Where nothing goes on by itself, whatever people did next may be what it waits for.
        due = waiting[:1] if spot is None else [edit for edit in waiting if edit[0] == spot]
        done = [edit for edit in due if _edit_again(trial, edit[1])]
        waiting = [edit for edit in waiting if edit not in done]
        if not done and trial.forward() is None:
            break
    lost = (edit for _, edit in waiting if _is_missed(edit))
    return [f"An edit of the earlier run has no place in this one: {_named(old, edit)}." for edit in lost]


def _is_missed(edit: Change) -> bool:
    """Answers from outside, and time that passed for one, are in the recorded results, too."""
    return edit.kind == "Injected" or (edit.kind == "Edited" and edit.frame.id != WORLD)


def _edits(old: Recording) -> Iterator[tuple[Spot | None, Change]]:
    """What people did, each with the spot of the frame that went on after it."""
    run = old.fork()
    run.seek(0)
    pending: list[Change] = []
    for change in old.changes:
        if change.kind in EDITS:
            pending.append(change)
        elif pending:
            yield from ((_spot_next(run), edit) for edit in pending)
            pending = []
        run.seek(run.cursor + 1)
    if run.status == "RUNNING":  # what was asked for afterwards is in vain
        yield from ((_spot_next(run), edit) for edit in pending)


def _spot_next(run: Recording) -> Spot | None:
    """Where the frame stands that goes on next; None where nothing goes on by itself."""
    frame = run.upcoming()
    return None if frame is None else spot_of(run, frame)


def spot_of(run: Recording, frame: Frame) -> Spot:
    """Where a frame stands, in words that hold under another definition."""
    visit, enters = frame.visit, frame.phase == ENTER
    number = visit.counts.get(frame.state, 0) if enters else visit.number
    return run.path_of(frame), around(frame), frame.phase, number, 0 if enters else visit.retries


def _edit_again(trial: Recording, edit: Change) -> bool:
    """Make an edit again; False where it has no place."""
    if trial.status != "RUNNING":
        return False
    before, after = edit.before, edit.after
    assert before is not None and after is not None  # noqa: S101, PT018 - an edit has both sides
    if before.id == WORLD:
        _world_again(trial, edit.kind, after.work)
        return True
    frame = _same_frame(trial, before)
    if frame is None:
        return False
    if edit.kind == "Edited":
        outside.write(trial, "Edited", frame, _edited(frame, before, after))
        return True
    now, then = working.wait_in(frame), working.wait_in(after)
    if now is None or then is None:
        return False
    coming = None if then.coming is None else _moved(then.coming, trial.clock - edit.time)
    waiting = now._replace(beat=trial.clock, beats=then.beats, coming=coming)
    outside.write(trial, edit.kind, frame, working.awaiting(frame, waiting))
    return True


def _world_again(trial: Recording, kind: str, then: World) -> None:
    """Let the same time pass, or the same faults wait."""
    world = trial.frames[WORLD]
    if kind == "Edited":
        outside.let_pass(trial, then.passed)
    else:
        outside.write(trial, kind, world, world._replace(work=world.work._replace(faults=then.faults)))


def _edited(frame: Frame, before: Frame, after: Frame) -> Frame:
    changed = variables_set(before, after)
    if changed is None:
        return frame._replace(data=after.data)
    return frame._replace(variables={**frame.variables, **changed})


def _moved(coming: Any, by: int) -> Any:
    """An answer on its way, as long after now as it was then."""
    return coming._replace(due=coming.due + by)


def _same_frame(trial: Recording, old: Frame) -> Frame | None:
    """The live frame of the same flow."""
    place = (old.scope.prefix, around(old))
    return next((one for one in trial.live() if (one.scope.prefix, around(one)) == place), None)


def _named(old: Recording, edit: Change) -> str:
    frame = edit.frame
    return "a fault" if frame.id == WORLD else f"at {old.path_of(frame)}"
