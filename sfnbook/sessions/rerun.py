"""The same changes made again from a log, without the task functions, the files and the people.

Whoever saved or edited a session stands at the same moment again.  A digest of each change tells
whether the second run is the first one.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from sfnbook import (
    clock,
    distributed,
    failing,
    faults,
    outside,
    polling,
    recalled,
    redriving,
    stepfunctions,
    tokens,
    working,
)
from sfnbook.debugging.branches import Recording
from sfnbook.decide import leave
from sfnbook.errors import UsageError
from sfnbook.frames import (
    QUEUED,
    READING,
    WORLD,
    Awaiting,
    Change,
    Coming,
    Failure,
    Fault,
    Frame,
    Running,
    Submitting,
    World,
    failure_in,
    task_in,
)
from sfnbook.items.reader import ReadItems
from sfnbook.program import CompiledChoice
from sfnbook.setting import waits_outside
from sfnbook.tasks.protocol import Outcome
from sfnbook.timeline import without_collector
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

from sfnbook.sessions.log import Entry, writes_files


class Differs(Exception):  # noqa: N818 - caught where the run is made again
    """The change that is due needs something from outside that the log does not have."""


def _thawed(memory: Json) -> Any:
    return tuple(map(_thawed, memory)) if isinstance(memory, list) else memory


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
            recorded = self.setup.recorded
            ended = None if recorded is None else recalled.map_run(state, frame, scene, recorded)
            return ended or _map(state, frame, scene, entry)
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
        if state.reader if reading else writes_files(state):
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
