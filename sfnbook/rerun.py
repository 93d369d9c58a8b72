"""What came to an execution from outside, change by change, and the same changes made again from it.

All else is decided by the engine, so this log is enough to stand at the same moment without the
task functions, the files and the people of the first time.  It is read off the recorded changes:
nothing is written down while an execution runs.  A digest of each change tells whether the second
run is the first one again.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook import (
    clock,
    distributed,
    failing,
    faults,
    outside,
    polling,
    redriving,
    stepfunctions,
    tokens,
    working,
)
from sfnbook.branches import Recording
from sfnbook.decide import leave
from sfnbook.definition import ABSENT
from sfnbook.errors import UsageError
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
    Coming,
    Failure,
    Fault,
    Frame,
    Left,
    Running,
    Submitting,
    World,
    failure_in,
    task_in,
)
from sfnbook.items.reader import ReadItems
from sfnbook.program import CompiledChoice
from sfnbook.tasks.protocol import Outcome
from sfnbook.timeline import waits_outside, without_collector
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sfnbook.timeline import Setup

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


class Differs(Exception):  # noqa: N818 - caught where the run is made again
    """The change that is due needs something from outside that the log does not have."""


# --- reading the log off the changes --------------------------------------------------------------
def log_of(execution: Recording, start: int = 0) -> list[Entry]:
    """The entries of the changes from number ``start`` on.

    >>> import sfnbook
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


def _thawed(memory: Json) -> Any:
    return tuple(map(_thawed, memory)) if isinstance(memory, list) else memory


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
    named = state.reader if reading else _writes(state)
    if not named:
        return None
    after = change.others[0][1] if change.kind == "FanOutFailed" else change.after
    entry: Entry = {"do": "read" if reading else "write"}
    work: Any = None if after is None else after.work
    if change.kind == "FanOutStarted":
        read: ReadItems = work.run.sources
        pairs = {"pairs": True} if any(isinstance(item, tuple) for item in read.items) else {}
        return entry | {"items": read.items, "source": read.source, "sources": read.sources, **pairs}
    if change.kind == "FanOutSucceeded":
        return entry | {"result": work.result}
    failure = failure_in(work)
    return None if failure is None else entry | _failure(failure)


def _writes(state: Any) -> bool:
    writer = getattr(state.definition, "result_writer", ABSENT)
    return isinstance(writer, dict) and "Resource" in writer


def _edited(change: Change) -> Entry:
    before, after = change.before, change.after
    assert before is not None and after is not None  # noqa: S101, PT018 - an edit has both sides
    if before.id == WORLD:
        return {"do": "time", "value": after.work.passed}
    if before.variables is after.variables:
        return {"do": "input", "frame": list(before.id), "value": after.data}
    changed = {
        name: value for name, value in after.variables.items() if before.variables.get(name) is not value
    }
    return {"do": "variables", "frame": list(before.id), "value": changed}


def _faults(change: Change) -> Entry:
    return {"do": "faults", "value": [_fault(fault) for fault in change.frame.work.faults]}


def _fault(fault: Fault) -> Entry:
    attempts = fault.attempts
    return fault._asdict() | {"attempts": list(attempts) if isinstance(attempts, tuple) else attempts}


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


# --- making the changes again -----------------------------------------------------------------------
class Rerun(Recording):
    """A recording whose outside is a log."""

    def again(self, log: Iterable[Entry], length: int, fits: Callable[[int, Change], bool]) -> int | None:
        """Make changes until there are ``length``; the number of the first that does not fit, if one does."""
        entries = {entry["at"]: entry for entry in log}
        self.scene.is_answered = lambda *_: self._entry is not None
        with without_collector():
            while (number := self.cursor) < length:
                self._entry = entries.get(number)
                made = self._made()
                for one in range(number, min(self.cursor, length)):
                    if not fits(one, self.changes[one]):
                        return one
                if not made:
                    return number
        return None

    _entry: Entry | None = None

    def _made(self) -> bool:
        """One change, or those of one redrive; False where the run cannot go on as it did."""
        entry, number = self._entry, self.cursor
        try:
            if entry is not None and entry["do"] in DO:
                DO[entry["do"]](self, entry)
            else:
                self.proceed()
        except (Differs, UsageError, LookupError, AttributeError, TypeError, ValueError):
            # A log that belongs to another run speaks of frames that are not there, or not so.
            return False
        return self.cursor > number

    def _perform(self, request: working.Request) -> Change | None:
        state, frame = request
        scene, entry = self.scene, self._entry
        if state.type == "Map":
            return _map(state, frame, scene, entry)
        if entry is not None:
            return _started(state, frame, scene, entry)
        if frame.phase == QUEUED:
            raise Differs
        if (own := stepfunctions.inside(state, frame, scene)) is not None:
            return own
        if waits_outside(state):
            return working.started(state, frame, scene, working.TO_OUTSIDE)
        raise Differs

    def standing_at(self, entry: Entry) -> Frame:
        """The frame that an entry names, as it stands."""
        return self.frames[tuple(entry["frame"])]


def _map(state: Any, frame: Frame, scene: Any, entry: Entry | None) -> Change:
    """A Distributed Map goes on with what its files gave."""
    reading = frame.phase == READING
    if entry is None:
        if state.reader if reading else _writes(state):
            raise Differs
        return distributed.PERFORM[frame.phase](state, frame, scene)
    if "error" in entry:
        scene.look(frame, scene.now, scene.number)
        return failing.resolve(state, frame, scene, _failed(entry, state.pointer))
    if not reading:
        return distributed.joined(state, frame, scene, lambda *_: entry["result"])
    items = list(map(tuple, entry["items"])) if entry.get("pairs") else entry["items"]
    read = ReadItems(items, entry["source"], entry["sources"])
    return distributed.opened(state, frame, scene, lambda *_: read)


def _failed(entry: Entry, pointer: str) -> Failure:
    limit = entry.get("limit")
    names = ("location", "evaluation", "heartbeat", "backoff")
    fields = {name: entry[name] for name in names if name in entry}
    return Failure(entry["error"], entry.get("cause"), pointer, limit=limit and tuple(limit), **fields)


def _started(state: Any, frame: Frame, scene: Any, entry: Entry) -> Change:
    """TaskStarted, with the outcome of the log."""
    others: Any = _remembering(scene, entry)
    if frame.phase == QUEUED:
        until = clock.NEVER if entry["busy"] is None else scene.now + entry["busy"]
        others += polling.busy(frame.work, scene, until)
    asked = task_in(frame.work)
    if asked is None:
        raise Differs
    task = asked._replace(started=scene.now)
    if entry.get("handed_on"):
        outcome = Outcome(waits=True, worker=entry.get("worker"))
        return working.handed_on(state, frame, scene, task, outcome, others)
    if scene.world.faults and entry.get("after") is not None:
        others = faults.used_up(frame, state.name, scene, others)
    failure = _failed(entry, state.pointer) if "error" in entry else None
    work = Running(
        task, entry.get("result"), failure, entry.get("submitted"),
        entry.get("traceback"), entry["answered_by"], entry.get("worker"), why=entry.get("why", ""),
    )  # fmt: skip
    after = entry.get("after")
    due = None if after is None else scene.now + after
    submits = state.resource.pattern != "request" and not entry.get("refused")
    return working.begun(state, frame, scene, work, due, not entry.get("late"), submits, others)


def _remembering(scene: Any, entry: Entry) -> polling.Pairs:
    world = scene.frames[WORLD]
    work: World = world.work
    for key in entry.get("counted", ()):
        work = work._replace(counts={**work.counts, key: work.counts.get(key, 0) + 1})
    for key, memory in entry.get("remembered", {}).items():
        work = work._replace(memories={**work.memories, key: _thawed(memory)})
    return () if work is world.work else ((world, world._replace(work=work)),)


def _again_answered(run: Rerun, entry: Entry) -> None:
    frame, wait = _waiting(run, entry)
    failure = _failed(entry, frame.state) if "error" in entry else None
    running = Running(wait.task, entry.get("result"), failure, worker=wait.worker)
    due = clock.NEVER if entry["after"] is None else run.clock + entry["after"]
    outside.write(run, "Answered", frame, working.awaiting(frame, wait._replace(coming=Coming(running, due))))


def _again_beaten(run: Rerun, entry: Entry) -> None:
    frame, wait = _waiting(run, entry)
    outside.write(run, "Heartbeat", frame, working.awaiting(frame, wait))


def _waiting(run: Rerun, entry: Entry) -> tuple[Frame, Awaiting]:
    """The frame of an open wait, and the wait as it was heard of."""
    frame = run.standing_at(entry)
    wait = working.wait_in(frame)
    if wait is None:
        raise Differs
    beats = range(*entry["regular"]) if "regular" in entry else tuple(entry.get("beats", ()))
    return frame, wait._replace(beat=entry["beat"], beats=beats)


def _again_edited(run: Rerun, entry: Entry) -> None:
    frame = run.standing_at(entry)
    outside.write(run, "Edited", frame, frame._replace(data=entry["value"]))


def _again_varied(run: Rerun, entry: Entry) -> None:
    frame = run.standing_at(entry)
    outside.write(run, "Edited", frame, frame._replace(variables={**frame.variables, **entry["value"]}))


def _again_faulty(run: Rerun, entry: Entry) -> None:
    world = run.frames[WORLD]
    faults = tuple(map(_again_fault, entry["value"]))
    outside.write(run, "Injected", world, world._replace(work=world.work._replace(faults=faults)))


def _again_fault(one: Entry) -> Fault:
    attempts = one["attempts"]
    return Fault(**{**one, "attempts": tuple(attempts) if isinstance(attempts, list) else attempts})


def _again_passed(run: Rerun, entry: Entry) -> None:
    outside.let_pass(run, entry["value"])


def _again_chosen(run: Rerun, entry: Entry) -> None:
    """A Choice goes where it went, whatever its conditions say now."""
    frame, run.kept = run.next_frame(), run.kept | {run.cursor}
    if frame is None or not isinstance(state := run.scene.state(frame), CompiledChoice):
        raise Differs
    scene, rule = run.scene, entry["rule"]
    scene.look(frame, max(frame.due or 0, run.clock), run.cursor)
    value = state.before(frame.data, scene)
    if rule is None:
        run.commit(leave(state, frame, scene, value, to=state.default))
        return
    taken = state.rules[rule]
    run.commit(
        leave(state, frame, scene, value, to=taken.next, after=taken.after, assign=taken.assign, rule=rule)
    )


DO: Final[dict[str, Callable[[Rerun, Entry], Any]]] = {
    "input": _again_edited,
    "variables": _again_varied,
    "time": _again_passed,
    "faults": _again_faulty,
    "answer": _again_answered,
    "beat": _again_beaten,
    "take": lambda run, entry: tokens.take(run, run.standing_at(entry), entry.get("worker")),
    "stop": lambda run, entry: outside.stop(run, entry.get("error"), entry.get("cause")),
    "redrive": lambda run, _entry: redriving.redrive(run),
    "choose": _again_chosen,
}
"""How each thing that people do is done again."""


# --- digests --------------------------------------------------------------------------------------
DIGEST_BYTES: Final = 5


def digest(change: Change) -> str:
    """Ten characters that are the same when the change is: kind, time, place, events and data."""
    frame = change.frame
    work = frame.work.running if isinstance(frame.work, Submitting) else frame.work
    failure, task = failure_in(work), task_in(work)
    told = (
        change.kind, change.time, frame.id, frame.state, frame.phase, frame.due, change.first, change.events,
        failure and (failure.error, failure.cause),
    )  # fmt: skip
    sent = task and task.arguments
    result = work.result if isinstance(work, Running) else None
    data = text([frame.data, dict(frame.variables), sent, result])
    made = blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES)
    made.update(data.encode("utf-8", "surrogatepass"))
    return made.hexdigest()
