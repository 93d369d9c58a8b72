"""What came to an execution from outside, as a log read off its changes.

All else is decided by the engine.  Nothing is written down while an execution runs: a change tells by
itself whether a Task's outcome, a file or a person stands behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook import clock, polling, working
from sfnbook.definition import ABSENT
from sfnbook.faults import among
from sfnbook.frames import (
    AWAITING,
    EXPIRING,
    JOINING,
    QUEUED,
    READING,
    SCHEDULED,
    TOP,
    WORLD,
    Awaiting,
    Change,
    Failure,
    Fault,
    Frame,
    Left,
    Running,
    Submitting,
    failure_in,
)
from sfnbook.values import state_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.debugging.branches import Recording
    from sfnbook.items.reader import ReadItems
    from sfnbook.setting import Setup
    from sfnbook.values import Json

Entry: TypeAlias = "dict[str, Json]"
"""One thing from outside, as JSON: ``at`` is the number of its change, ``do`` a key of `FIELDS`."""

FIELDS: Final[dict[str, dict[str, Any]]] = {
    "call": {},
    "expect": {},
    "read": {},
    "write": {},
    "input": {"frame": list, "value": object},
    "variables": {"frame": list, "value": dict},
    "time": {"value": int},
    "faults": {"value": list},
    "answer": {"frame": list, "beat": int},
    "beat": {"frame": list, "beat": int},
    "take": {"frame": list},
    "stop": {},
    "redrive": {},
    "choose": {"rule": (int, None)},
}
"""What an entry may be, and the fields that it cannot be without.

``call`` is how an answer ended a Task, ``expect`` that an activity had one, ``read`` and ``write``
what a Distributed Map's files gave; ``choose`` keeps a Choice on its way where stand-ins do not satisfy
its conditions; the others are what people do.
"""


def log_of(execution: Recording, start: int = 0) -> list[Entry]:
    """The entries of the changes from number ``start`` on.

    >>> import sfnbook
    >>> from sfnbook.debugging.branches import Recording
    >>> task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:1:function:f", "End": True}
    >>> execution = sfnbook.load({"StartAt": "A", "States": {"A": task}}).start(tasks={"A": 7}).run()
    >>> log_of(Recording.of(execution))
    [{'at': 3, 'do': 'call', 'answered_by': 'A', 'after': 0, 'result': 7}]
    """
    setup, kept = execution.setup, execution.kept
    return [
        {"at": number, **entry}
        for number, change in enumerate(execution.changes[start:], start)
        if (entry := chosen(change, setup) if number in kept else entry_of(change, setup)) is not None
    ]


def entry_of(change: Change, setup: Setup) -> Entry | None:
    """What came from outside with a change; None where the engine decides it alone."""
    if change.kind in OF_PEOPLE:
        return OF_PEOPLE[change.kind](change)
    before = failed_frame(change)
    if before is None:
        return None
    if change.kind == "TaskStarted":
        if before.phase in {AWAITING, QUEUED} and polling.until_in(change) is None:
            return _take(change)
        return _call(change, _state(before, setup))
    if change.kind == "TaskScheduled" and change.frame.phase == SCHEDULED:
        return {"do": "expect"} if _state(before, setup).resource.kind == "activity" else None
    if before.phase in {READING, JOINING} and change.events != ("MapRunRedriven",):
        return _files(change, before, setup)
    return None


def failed_frame(change: Change) -> Frame | None:
    """The frame that stepped; a failure that climbs is the child's, the change its container's."""
    return change.others[0][0] if change.kind == "FanOutFailed" else change.before


def _state(frame: Frame, setup: Setup) -> Any:
    return setup.programs[frame.scope.execution.machine].states[frame.state]


def _call(change: Change, state: Any) -> Entry | None:
    work = change.frame.work
    until = polling.until_in(change)
    busy: Entry = {} if until is None else {"busy": _after(until, change)}
    if isinstance(work, Awaiting):
        return {"do": "call", "handed_on": True, "worker": work.worker, **busy, **_remembered(change)}
    submits = isinstance(work, Submitting)
    due = work.due if submits else change.frame.due
    running: Any = work.running if submits else work
    if not isinstance(running, Running) or not running.answered_by:
        return None
    entry: Entry = {"do": "call", "answered_by": running.answered_by, "after": _after(due, change)}
    in_time = work.in_time if submits else change.frame.phase != EXPIRING
    refused = state.resource.pattern != "request" and not submits
    flags = {"late": not in_time, "refused": refused}
    entry |= {name: True for name, holds in flags.items() if holds}
    entry |= {"result": running.result} if running.failure is None else _failure(running.failure)
    told = {"submitted": running.submitted, "traceback": running.traceback, "worker": running.worker,
            "why": running.why or None}  # fmt: skip
    entry |= {name: value for name, value in told.items() if value is not None}
    return entry | busy | _remembered(change)


def _after(due: int | None, change: Change) -> int | None:
    """Microseconds until something is due; None where nothing comes by itself."""
    return None if due is None or due >= clock.NEVER else due - change.time


def _remembered(change: Change) -> Entry:
    """The count and the memory that an answer left in the WORLD frame."""
    for old, new in change.others:
        if old is not None and new is not None and old.id == WORLD:
            counted, remembered = _grown(old.work.counts, new.work.counts), {}
            remembered = _grown(old.work.memories, new.work.memories)
            entry: Entry = {"counted": list(counted)} if counted else {}
            kept = {key: memory for key, memory in remembered.items() if plain(memory)}
            return entry | ({"remembered": kept} if kept else {})
    return {}


def _grown(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in new.items() if key not in old or old[key] != value}


def plain(memory: Any) -> bool:
    """Can what an answer remembers be written as JSON: scalars, and tuples of them?"""
    if type(memory) is tuple:
        return all(map(plain, memory))
    return memory is None or type(memory) in {bool, int, float, str}


def _failure(failure: Failure) -> Entry:
    """A failure without what the place of it says already."""
    told = failure._asdict()
    told |= {"state": None, "time": None, "limit": failure.limit and list(failure.limit)}
    return {
        name: value
        for name, value in told.items()
        if name == "error" or (value is not None and value is not False)
    }


def _files(change: Change, before: Frame, setup: Setup) -> Entry | None:
    """What was read or written, where the state names files at all."""
    state = _state(before, setup)
    reading = before.phase == READING
    named = state.reader if reading else writes_files(state)
    if not named:
        return None
    after = change.others[0][1] if change.kind == "FanOutFailed" else change.after
    entry: Entry = {"do": "read" if reading else "write"}
    work: Any = None if after is None else after.work
    if change.kind == "FanOutStarted":
        read: ReadItems | None = work.run.sources
        if read is None:  # a recording has the end of a Map Run, not its items
            return None
        pairs = {"pairs": True} if any(isinstance(item, tuple) for item in read.items) else {}
        return entry | {"items": read.items, "source": read.source, "sources": read.sources, **pairs}
    if change.kind == "FanOutSucceeded":
        return entry | {"result": work.result}
    failure = failure_in(work)
    return None if failure is None else entry | _failure(failure)


def writes_files(state: Any) -> bool:
    """Does a Distributed Map write its results to files?"""
    writer = getattr(state.definition, "result_writer", ABSENT)
    return isinstance(writer, dict) and "Resource" in writer


def _edited(change: Change) -> Entry:
    before, after = change.before, change.after
    assert before is not None and after is not None  # noqa: S101, PT018 - an edit has both sides
    if before.id == WORLD:
        return {"do": "time", "value": after.work.passed}
    changed = variables_set(before, after)
    if changed is None:
        return {"do": "input", "frame": list(before.id), "value": after.data}
    return {"do": "variables", "frame": list(before.id), "value": changed}


def variables_set(before: Frame, after: Frame) -> dict[str, Json] | None:
    """The variables that an edit set; None for an edit of the input, which leaves them as they are."""
    if before.variables is after.variables:
        return None
    return {name: value for name, value in after.variables.items() if before.variables.get(name) is not value}


def _faults(change: Change) -> Entry:
    return {"do": "faults", "value": [_fault(fault) for fault in change.frame.work.faults]}


def _fault(fault: Fault) -> Entry:
    attempts = fault.attempts
    return fault._asdict() | {"attempts": list(attempts) if isinstance(attempts, tuple) else attempts}


def latencies(execution: Recording) -> dict[int, float]:
    """The numbers of the TaskStarted that somebody slowed down, and by how many virtual seconds."""
    found: dict[int, float] = {}
    waiting: tuple[Fault, ...] = ()
    for number, change in enumerate(execution.changes):
        frame = change.before
        if waiting and frame is not None and change.kind == "TaskStarted":
            meant = among(waiting, frame, state_name(frame.state))
            found[number] = sum(fault.seconds for fault in meant if fault.kind == "latency")
        for _, after in ((frame, change.after), *change.others):
            if after is not None and after.id == WORLD:
                waiting = after.work.faults
    return found


def _answered(change: Change) -> Entry:
    wait = working.wait_in(change.frame)
    assert wait is not None and wait.coming is not None  # noqa: S101, PT018 - that is what an answer makes
    running, due = wait.coming
    ending = {"result": running.result} if running.failure is None else _failure(running.failure)
    return _heard(change, wait) | {"do": "answer", "after": _after(due, change), **ending}


def _beaten(change: Change) -> Entry:
    wait = working.wait_in(change.frame)
    assert wait is not None  # noqa: S101 - only an open wait is heard of
    return _heard(change, wait) | {"do": "beat"}


def _heard(change: Change, wait: Awaiting) -> Entry:
    """When an open wait was last heard of, and the heartbeats to come."""
    beats = wait.beats
    plan = {"beats": list(beats)} if not isinstance(beats, range) else {"regular": _limits(beats)}
    return {"frame": list(change.frame.id), "beat": wait.beat, **(plan if beats else {})}


def _limits(beats: range) -> list[int]:
    return [beats.start, beats.stop, beats.step]


def _take(change: Change) -> Entry:
    return {"do": "take", "frame": list(change.frame.id), "worker": change.frame.work.worker}


def _stopped(change: Change) -> Entry | None:
    failure = failure_in(change.frame.work)
    if change.frame.id != TOP or failure is None:
        return None
    return {"do": "stop", "error": failure.error, "cause": failure.cause}


OF_PEOPLE: Final[dict[str, Callable[[Change], Entry | None]]] = {
    "Edited": _edited,
    "Injected": _faults,
    "Answered": _answered,
    "Heartbeat": _beaten,
    "ExecutionAborted": _stopped,
    "Redriven": lambda change: {"do": "redrive"} if change.frame.id == TOP else None,
}
"""The kinds of change that people make, by kind."""


def chosen(change: Change, setup: Setup) -> Entry | None:
    """Which rule a Choice took (None: Default), as an entry; None for any other change."""
    before, after = change.before, change.after
    if before is None or after is None or change.kind != "StateExited":
        return None
    if _state(before, setup).type != "Choice":
        return None
    return {"do": "choose", "rule": after.work.rule if isinstance(after.work, Left) else None}
