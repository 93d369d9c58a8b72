"""A debugging session as a file: versioned JSON that runs nothing when it is opened.

The file has the definitions, how the execution was started, and for each branch the log of what
came from outside (see `rerun`).  Opening runs the engine again on that log; the recorded outcomes
answer for the Tasks, so a colleague opens the same moment without the task functions.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from sfnbook import source
from sfnbook.clock import iso
from sfnbook.debugging.branches import Branch, Branches, Recording, shared
from sfnbook.debugging.breakpoints import Breakpoint
from sfnbook.debugging.looking import machines_of
from sfnbook.debugging.watches import compiled
from sfnbook.errors import SfnbookError, UsageError
from sfnbook.frames import Pool, Queue, StartedBy
from sfnbook.limits import Limits
from sfnbook.machine import StateMachine
from sfnbook.sessions import retained
from sfnbook.sessions.log import FIELDS, log_of, plain
from sfnbook.sessions.rerun import DIGEST_BYTES, Rerun, digest
from sfnbook.values import no_constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sfnbook.frames import FrameId
    from sfnbook.setting import Setup
    from sfnbook.tasks.recorded import Recorded
    from sfnbook.values import Json

FORMAT: Final = "sfnbook session"
VERSION: Final = 1
MAX_BYTES: Final = 256 * 1024 * 1024
CHARACTERS: Final = 2 * DIGEST_BYTES
DEPTH_OF_LINES: Final = 4
"""How deep the file's text begins new lines: each entry of a log has its own."""


class Session(NamedTuple):
    """What a debugger keeps; ``notes`` tell what could not be kept or is not as it was."""

    branches: Branches
    breakpoints: tuple[Breakpoint, ...] = ()
    watches: Mapping[str, str] = {}
    selected: FrameId | None = None
    notes: tuple[str, ...] = ()

    @property
    def machine(self) -> StateMachine:
        """The state machine of the current branch."""
        return machines_of(self.branches.current.execution.setup)["main"]


# --- saving ---------------------------------------------------------------------------------------
def document(session: Session, version: str) -> dict[str, Json]:
    """The session as JSON."""
    setups: dict[int, Setup] = {}
    for branch in session.branches:
        setups.setdefault(id(branch.execution.setup), branch.execution.setup)
    numbers = {identity: number for number, identity in enumerate(setups)}
    return {
        "format": FORMAT,
        "version": VERSION,
        "sfnbook": version,
        "starts": [start_of(setup) for setup in setups.values()],
        "current": session.branches.current.name,
        "branches": list(_branches(session.branches, numbers)),
        "selected": session.selected and list(session.selected),
        "breakpoints": [one.fields() for one in session.breakpoints if not callable(one.when)],
        "watches": dict(session.watches),
        "notes": [*session.notes, *_left_out(session)],
    }


def start_of(setup: Setup) -> dict[str, Json]:
    """How an execution was started, as JSON: its machines, input, clock, seed and limits."""
    identity = setup.birth.frame.scope.execution
    names = {"main": identity.machine_name, **{key: one.name for key, one in setup.machines.items()}}
    return {
        "machines": {key: _machine(read, names[key]) for key, read in setup.sources.items()},
        "input": identity.input,
        "name": identity.name,
        "arn": identity.arn,
        "role_arn": identity.role_arn,
        "started_by": _cause(identity.started_by),
        "start_time": iso(identity.started),
        "seed": setup.seed,
        "type": identity.type,
        "limits": setup.limits._asdict(),
        "activities": None if setup.activities is None else sorted(setup.activities),
        "recording": None if setup.recorded is None else retained.document(setup.recorded),
        "queues": [
            {"machine": machine, "state": pointer, "number": queue.number,
             "pool": None if queue.pool is None else queue.pool._asdict()}
            for (machine, pointer), queue in setup.queues.items()
        ],
    }  # fmt: skip


def _cause(started_by: StartedBy | None) -> dict[str, Json] | None:
    return None if started_by is None else {**started_by._asdict(), "rows": list(started_by.rows)}


def _machine(read: source.Source, name: str) -> dict[str, Json]:
    # The text is kept where it says the same: so that lines can be shown.
    text = read.text if read.text is not None and source.from_text(read.text).data == read.data else None
    definition = {"definition": read.data} if text is None else {"text": text}
    return {"name": name, "arn": read.arn, "type": read.type, "role_arn": read.role_arn, **definition}


def _branches(branches: Branches, numbers: Mapping[int, int]) -> Iterator[dict[str, Json]]:
    earlier: list[Branch] = []
    for branch in branches:
        execution = branch.execution
        if execution.cursor > execution.length:
            raise UsageError("This execution keeps no history (keep_history=False), so it cannot be saved.")
        parent, count = sharing(branch, earlier)
        changes = execution.changes[count:]
        yield {
            "name": branch.name,
            "parent": branch.parent,
            "fork": branch.fork,
            "why": branch.why,
            "start": numbers[id(execution.setup)],
            "shares": None if parent is None else [parent, count],
            "cursor": execution.cursor,
            "digests": "".join(map(digest, changes)),
            "log": log_of(execution, count),
        }
        earlier.append(branch)


def sharing(branch: Branch, earlier: Sequence[Branch]) -> tuple[int | None, int]:
    """With which earlier branch a branch shares most of its beginning, and how many changes."""
    common = [shared(one.execution.changes, branch.execution.changes) for one in earlier]
    count = max(common, default=0)
    return (common.index(count), count) if count else (None, 0)


def _left_out(session: Session) -> Iterator[str]:
    for one in session.breakpoints:
        if callable(one.when):
            yield f"The breakpoint {str(one)!r} is not in the file: its condition is a function."
    forgotten = {
        key
        for branch in session.branches
        for key, memory in branch.execution.scene.world.memories.items()
        if not plain(memory)
    }
    for key in sorted(forgotten):
        yield f"What the answer for {key!r} remembers is not in the file: it is no JSON."


def text_of(made: Json) -> str:
    """The text of a file: JSON, a line for each thing that one may want to compare."""
    try:
        return "".join(_lines(made, "", DEPTH_OF_LINES)) + "\n"
    except (RecursionError, ValueError) as problem:
        raise UsageError(f"The session cannot be written as JSON: {problem}.") from None


def _lines(value: Json, indent: str, depth: int) -> Iterator[str]:
    if not depth or not value or not isinstance(value, dict | list):
        yield json.dumps(value, separators=(",", ":"), allow_nan=False)
        return
    begin, end = "{}" if isinstance(value, dict) else "[]"
    keys = [f"{json.dumps(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    parts = value.values() if isinstance(value, dict) else value
    for number, (key, one) in enumerate(zip(keys, parts, strict=True)):
        yield f"{',' if number else begin}\n{indent} {key}"
        yield from _lines(one, indent + " ", depth - 1)
    yield f"\n{indent}{end}"


# --- opening --------------------------------------------------------------------------------------
class Given(NamedTuple):
    """What the one who opens a file brings along, for what comes after the recorded part."""

    tasks: Any = None
    files: Any = None


NOTHING: Final = Given()


def opened(text: str, where: str, given: Given = NOTHING) -> Session:
    """The session of a file's text; ``where`` is what errors call the file.

    Raises UsageError for what is no session, is damaged, or comes from a newer version.
    """
    made = _parsed(text, where)
    try:
        return _session(made, where, given)
    except UsageError:
        raise
    except SfnbookError as problem:
        raise UsageError(f"{where} holds a state machine that is not valid:\n{problem}") from None


def _parsed(text: str, where: str) -> dict[str, Json]:
    try:
        made = json.loads(text, parse_constant=no_constant)
    except json.JSONDecodeError as problem:
        ends = problem.pos >= len(text.rstrip())
        what = "ends too early" if ends and text.strip() else "is not JSON"
        raise UsageError(f"{where} {what}: {problem}.") from None
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{where} cannot be read as JSON: {problem}.") from None
    if not isinstance(made, dict) or made.get("format") != FORMAT:
        raise UsageError(f'{where} is no session of sfnbook: it does not begin with "format": "{FORMAT}".')
    version = made.get("version")
    if type(version) is not int or version < 1:
        _damaged(where, "version", "a number from 1 on")
    if version > VERSION:
        raise UsageError(
            f"{where} was written by a newer sfnbook ({made.get('sfnbook')}, format {version}). "
            f"This one reads format {VERSION}; get a newer one: pip install --upgrade sfnbook"
        )
    return made


class Reader(NamedTuple):
    """A part of the file, and where it stands: what is not as it should be is told with its place."""

    value: Any
    place: str
    where: str

    def get(self, key: str, *kinds: type | None, among: Iterable[Any] = ()) -> Any:
        """A field of one of these types (None: may be null)."""
        if not isinstance(self.value, dict) or key not in self.value:
            self.damaged(key, "there")
        found = self.value[key]
        if None in kinds and found is None:
            return None
        types = tuple(kind for kind in kinds if kind is not None)
        a_flag = isinstance(found, bool) and not {bool, object} & set(types)
        if not isinstance(found, types) or a_flag:
            self.damaged(key, " or ".join(WORDS[kind] for kind in types))
        if (among := list(among)) and found not in among:
            self.damaged(key, f"one of {', '.join(map(repr, among))}")
        return found

    def within(self, key: str) -> list[Reader]:
        """The parts of a list or of an object."""
        found = self.get(key, list, dict)
        pairs = found.items() if isinstance(found, dict) else enumerate(found)
        return [Reader(one, f"{self.place}{key}[{name!r}].", self.where) for name, one in pairs]

    def damaged(self, key: str, wanted: str) -> NoReturn:
        _damaged(self.where, f"{self.place}{key}", wanted)


WORDS: Final[dict[type, str]] = {
    str: "text", int: "a whole number", list: "a list", dict: "an object", bool: "true or false",
    float: "a number", object: "a value",
}  # fmt: skip


def _damaged(where: str, place: str, wanted: str) -> NoReturn:
    raise UsageError(f"{where} is damaged: {place} is not {wanted}. The file was left as it is.")


def _session(made: dict[str, Json], where: str, given: Given) -> Session:
    whole = Reader(made, "", where)
    notes = [str(note) for note in whole.get("notes", list)]
    setups = [setup_of(one, given) for one in whole.within("starts")]
    branches: list[Branch] = []
    for one in whole.within("branches"):
        branches.append(_branch(one, branches, setups, notes, str(made.get("sfnbook"))))
    names = [branch.name for branch in branches]
    if not branches or len(set(names)) < len(names):
        whole.damaged("branches", "a list of branches with different names")
    current = whole.get("current", str, among=names)
    selected = whole.get("selected", list, None)
    kept = Branches.of(branches, current)
    breakpoints = tuple(_read_breakpoint(one) for one in whole.within("breakpoints"))
    watches = {name: _watch(name, whole) for name in whole.get("watches", dict)}
    frame = None if selected is None else _id(selected, whole)
    return Session(kept, breakpoints, watches, frame, tuple(notes))


def setup_of(start: Reader, given: Given) -> Setup:
    """The setup of such a start."""
    machines = {one: _read_machine(reader) for one, reader in _named(start, "machines").items()}
    if "main" not in machines:
        start.damaged("machines", "an object with a machine 'main'")
    limits = start.get("limits", dict)
    unknown = set(limits) ^ set(Limits._fields)
    if unknown or not all(one is None or type(one) is int for one in limits.values()):
        start.damaged("limits", f"an object of {', '.join(Limits._fields)}")
    main = machines.pop("main")
    execution = main.start(
        start.get("input", object),
        tasks=given.tasks,
        machines=machines,
        files=given.files,
        activities=start.get("activities", list, None),
        name=start.get("name", str),
        start_time=start.get("start_time", str),
        seed=start.get("seed", int),
        type=start.get("type", str),
        limits=Limits(**limits),
        arn=start.get("arn", str),
        role_arn=start.get("role_arn", str),
        started_by=_read_cause(start),
    )
    queues = dict(_read_queue(one, execution.setup) for one in start.within("queues"))
    execution.setup = replace(execution.setup, queues=queues)
    recorded = _read_recording(start)
    return execution.setup if recorded is None else execution.answered_by_recording(recorded).setup


def _read_recording(start: Reader) -> Recorded | None:
    """The recording that was replayed; files from before there were any have none."""
    if not isinstance(start.value, dict) or start.value.get("recording") is None:
        return None
    try:
        return retained.recorded_of(start.get("recording", dict))
    except (LookupError, TypeError, ValueError, AttributeError):
        start.damaged("recording", "the recording of an execution")


def _read_cause(start: Reader) -> StartedBy | None:
    """What started the execution, where one of the triggers did."""
    given = start.get("started_by", dict, None)
    if given is None:
        return None
    one = Reader(given, f"{start.place}started_by.", start.where)
    rows = one.get("rows", list)
    if not all(isinstance(row, str) for row in rows):
        one.damaged("rows", "a list of texts")
    return StartedBy(one.get("kind", str), one.get("text", str), tuple(rows), one.get("event", object, None))


def _read_queue(one: Reader, setup: Setup) -> tuple[tuple[str, str], Queue]:
    """A queue of activity tasks, with the workers that polled it."""
    place = one.get("machine", str), one.get("state", str)
    if place not in setup.refs:
        one.damaged("state", "a Task of the machine")
    pool = one.get("pool", dict, None)
    return place, Queue(
        one.get("number", int),
        setup.refs[place].resource,
        None if pool is None else _read_pool(Reader(pool, f"{one.place}pool.", one.where)),
    )


def _read_pool(one: Reader) -> Pool:
    return Pool(
        one.get("count", int), one.get("poll", int), one.get("speed", int, float), one.get("name", str)
    )


def _named(start: Reader, key: str) -> dict[str, Reader]:
    return dict(zip(start.get(key, dict), start.within(key), strict=True))


def _read_machine(one: Reader) -> StateMachine:
    text = one.value.get("text") if isinstance(one.value, dict) else None
    read = source.from_text(text) if isinstance(text, str) else source.read(one.get("definition", dict))
    described = {name: one.get(name, str, None) for name in ("arn", "type", "role_arn")}
    return StateMachine(replace(read, **described), name=one.get("name", str))


def _branch(
    one: Reader, earlier: list[Branch], setups: list[Setup], notes: list[str], version: str
) -> Branch:
    name = one.get("name", str)
    start = one.get("start", int, among=range(len(setups)))
    digests = one.get("digests", str)
    told = [digests[place : place + CHARACTERS] for place in range(0, len(digests), CHARACTERS)]
    rerun, begin = _beginning(one, earlier, setups[start])
    length = begin + len(told)
    differs: int | None = rerun.length
    if rerun.length == begin:
        differs = rerun.again(
            _log(one, length), length, lambda number, change: digest(change) == told[number - begin]
        )
    if differs is not None:
        notes.append(_difference(name, rerun, differs, length, version))
    cut(rerun, length if differs is None else differs)
    execution = Recording.of(rerun)
    execution.seek(min(one.get("cursor", int), execution.length))
    return Branch(name, execution, one.get("parent", str, None), one.get("fork", int), one.get("why", str))


def _beginning(one: Reader, earlier: list[Branch], setup: Setup) -> tuple[Rerun, int]:
    """The part that a branch shares with an earlier one."""
    shares = one.get("shares", list, None)
    if shares is None:
        return Rerun(setup), 0
    if len(shares) != 2 or not all(type(part) is int for part in shares):
        one.damaged("shares", "a branch's number and a count")
    number, count = shares
    if not 0 <= number < len(earlier) or count < 0:
        one.damaged("shares", "a branch before this one and a count")
    rerun = Rerun.of(earlier[number].execution)
    cut(rerun, count)
    return rerun, count


def cut(rerun: Rerun, length: int) -> None:
    """Go back to where a number of changes is made, and forget the later ones."""
    rerun.seek(min(length, rerun.length))
    del rerun.changes[rerun.cursor :]


def _log(one: Reader, length: int) -> list[dict[str, Json]]:
    entries = one.within("log")
    for entry in entries:
        kind = entry.get("do", str, among=FIELDS)
        for field, wanted in {"at": int, **FIELDS[kind]}.items():
            entry.get(field, *(wanted if isinstance(wanted, tuple) else (wanted,)))
        if not 0 <= entry.value["at"] < length:
            entry.damaged("at", f"the number of a transition, below {length}")
        if "frame" in entry.value:
            _id(entry.value["frame"], entry)
    return [entry.value for entry in entries]


def _difference(name: str, rerun: Rerun, number: int, length: int, version: str) -> str:
    what = rerun.shown(number) if number < rerun.length else "nothing"
    return (
        f"Branch {name!r} differs from what was saved at transition {number}: now it is {what!r}. "
        f"The {length - number} saved transitions from there on are left out; the file keeps them. "
        f"It was written by sfnbook {version}: another version or a changed definition does this."
    )


def _id(parts: Any, reader: Reader) -> FrameId:
    if not isinstance(parts, list) or len(parts) != 2 or not all(type(part) is int for part in parts):
        reader.damaged("frame", "two numbers")
    return parts[0], parts[1]


def _read_breakpoint(one: Reader) -> Breakpoint:
    return Breakpoint(
        one.get("state", str, None),
        one.get("when", str, dict, None),
        one.get("on", str),
        one.get("on_error", str, None),
        one.get("hits", int),
        one.get("at_time", int, float, None),
        one.get("enabled", bool),
        one.get("id", int),
    )


def _watch(name: str, whole: Reader) -> str:
    expression = Reader(whole.value["watches"], "watches.", whole.where).get(name, str)
    compiled(expression)
    return str(expression)
