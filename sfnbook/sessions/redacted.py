"""A session run again on stand-ins, for everything that leaves the house.

Running it again gives data that is consistent with itself: what the machine makes of a stand-in is
made of the stand-in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sfnbook import source
from sfnbook.debugging.branches import Branches, Recording
from sfnbook.frames import failure_in, task_in
from sfnbook.sessions import retained
from sfnbook.sessions.log import chosen, log_of
from sfnbook.sessions.redaction import Redaction, of_definition
from sfnbook.sessions.rerun import Rerun
from sfnbook.sessions.session import NOTHING, Reader, cut, setup_of, sharing, start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sfnbook.debugging.branches import Branch
    from sfnbook.frames import Change
    from sfnbook.sessions.log import Entry
    from sfnbook.sessions.session import Session
    from sfnbook.setting import Setup
    from sfnbook.values import Json


def redacted(session: Session, paths: Iterable[str]) -> Session:
    """The same session with stand-ins for what the paths find, run again on them.

    A Choice whose conditions no longer hold still goes where it went; where something else takes
    another way, the branch ends.  Both are in the notes.
    """
    redaction = Redaction(paths)
    for branch in session.branches:
        _learn(branch.execution, redaction)
    setups: dict[int, Setup] = {}
    made: list[Branch] = []
    notes = list(session.notes)
    earlier = list(session.branches)
    for number, branch in enumerate(earlier):
        setup = branch.execution.setup
        if id(setup) not in setups:
            setups[id(setup)] = _setup(setup, redaction)
        parent, count = sharing(branch, earlier[:number])
        start = None if parent is None else made[parent].execution
        rerun = Rerun(setups[id(setup)]) if start is None else Rerun.of(start)
        execution = _again(branch, rerun, count, redaction, notes)
        made.append(branch.with_execution(execution))
    current = session.branches.current.name
    return session._replace(
        branches=Branches.of(made, current),
        notes=tuple(notes),
        breakpoints=tuple(one.but(when=_condition(one.when, redaction)) for one in session.breakpoints),
        watches={name: str(redaction.text(one)) for name, one in session.watches.items()},
    )


def _condition(when: Any, redaction: Redaction) -> Any:
    return redaction.text(when) if isinstance(when, str) else of_definition(when, redaction)


def _learn(execution: Recording, redaction: Redaction) -> None:
    redaction.learn(execution.setup.birth.frame.data)
    redaction.learn(getattr(execution.started_by, "event", None))
    if execution.setup.recorded is not None:
        for payload in retained.payloads(execution.setup.recorded):
            redaction.learn(payload)
    for change in execution.changes:
        pairs = ((change.before, change.after), *change.others)
        for frame in (side for pair in pairs for side in pair if side is not None):
            redaction.learn(frame.data)
            redaction.learn(frame.variables)
            task, failure = task_in(frame.work), failure_in(frame.work)
            redaction.learn(None if task is None else task.arguments)
            redaction.learn(None if failure is None else failure.cause)
            redaction.learn(getattr(frame.work, "result", None))


def _setup(setup: Setup, redaction: Redaction) -> Setup:
    start = start_of(setup)
    for machine in start["machines"].values():
        definition = machine.get("definition") or source.from_text(machine["text"]).data
        changed = of_definition(definition, redaction)
        if changed != definition:
            machine.pop("text", None)
            machine["definition"] = changed
    start["input"] = redaction.of(start["input"])
    start["started_by"] = redaction.of(start["started_by"])
    if start["recording"] is not None:
        retained.replaced(start["recording"], redaction.of)
        for name in ("definition", "own"):
            start["recording"][name] = of_definition(start["recording"][name], redaction)
    return replace(setup_of(Reader(start, "", "The session"), NOTHING), answers=setup.answers)


def _again(branch: Branch, rerun: Rerun, count: int, redaction: Redaction, notes: list[str]) -> Recording:
    """The branch on stand-ins, from the changes on that it shares with an earlier one."""
    old = branch.execution
    log = [redacted_entry(entry, redaction) for entry in log_of(old, count)]
    cut(rerun, count)
    differs: int | None = min(count, rerun.length)
    while differs is not None:
        differs = rerun.again(log, old.length, lambda number, change: alike(change, old.changes[number]))
        if differs is None:
            break
        choice = chosen(old.changes[differs], old.setup)
        cut(rerun, differs)
        if choice is None or differs in rerun.kept:
            notes.append(_ends(branch, differs))
            break
        notes.append(_kept(branch, differs))
        log.append({"at": differs, **choice})
    execution = Recording.of(rerun)
    execution.seek(min(old.cursor, execution.length))
    return execution


def _ends(branch: Branch, number: int) -> str:
    return (
        f"Branch {branch.name!r} ends at transition {number}: with stand-ins it does not go on with "
        f"{branch.execution.shown(number)!r}. Redact less to keep the rest."
    )


def _kept(branch: Branch, number: int) -> str:
    return (
        f"Branch {branch.name!r}, transition {number}: stand-ins lead the Choice "
        f"{branch.execution.shown(number).path!r} elsewhere; it was kept on its way."
    )


def alike(change: Change, other: Change) -> bool:
    """Do two changes say the same but for their data: kind, place, events and the way taken?"""
    return _way(change) == _way(other)


def _way(change: Change) -> tuple[Any, ...]:
    frame = change.frame
    return change.kind, frame.id, frame.state, frame.phase, change.first, change.events


# --- stand-ins ------------------------------------------------------------------------------------
def redacted_entry(entry: Entry, redaction: Redaction) -> Entry:
    """An entry with stand-ins in its payloads and texts."""
    return {
        field: PAYLOADS[field](value, redaction) if field in PAYLOADS else value
        for field, value in entry.items()
    }


def _of_value(value: Json, redaction: Redaction) -> Json:
    """An input or variables; the faults, a number, or microseconds."""
    if not isinstance(value, list):
        return redaction.of(value)
    faults = all(isinstance(one, dict) and "target" in one for one in value)
    return [redacted_entry(one, redaction) for one in value] if faults else redaction.of(value)


PAYLOADS: Final[dict[str, Callable[[Json, Redaction], Json]]] = {
    "result": lambda value, redaction: redaction.of(value),
    "submitted": lambda value, redaction: redaction.of(value),
    "items": lambda value, redaction: [redaction.of(item) for item in value],
    "remembered": lambda value, redaction: redaction.of(value),
    "value": _of_value,
    "cause": lambda value, redaction: redaction.text(value),
    "error": lambda value, redaction: redaction.text(value),
    "traceback": lambda value, redaction: redaction.text(value),
    "why": lambda value, redaction: redaction.text(value),
}
"""The fields of entries that hold data."""
