"""A session as a regression test: a pytest file that people read, keep and change.

The answers of the session are its mocks, what people did is done again at the same places, and the
test says how it ended and which states were entered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import DEFAULT_START, iso, seconds
from sfnbook.debugging.looking import machines_of
from sfnbook.errors import UsageError
from sfnbook.limits import AWS_LIMITS, NO_LIMITS
from sfnbook.sessions.log import entry_of
from sfnbook.sessions.retold import answers_of, in_a_line, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sfnbook.debugging.branches import Recording
    from sfnbook.frames import Change, Fault, Frame
    from sfnbook.limits import Limits
    from sfnbook.sessions.log import Entry
    from sfnbook.setting import Setup
    from sfnbook.source import Source

MOST_PATHS: Final = 200
"""How many entered states the test lists; of more it counts how often each was entered."""

HEAD: Final = '''"""A session of sfnbook as a test: the same answers, the same actions, the same end."""

{imports}

NAME = {name}

DEFINITION = {definition}

INPUT = {input}

TASKS = {tasks}
'''

RUN: Final = '''

def session() -> sfnbook.Debugger:
    """Run as it was run."""
    machine = sfnbook.load({loaded})
    execution = machine.start({options})
    debugger = sfnbook.Debugger.of(machine, execution)
{actions}    return debugger
'''

GO: Final = '''

def go(debugger: sfnbook.Debugger, position: int) -> None:
    """Run until so many transitions are made."""
    debugger.run(at_most=max(position - debugger.position, 0))
'''

OPEN_TASK: Final = '''

def open_task(debugger: sfnbook.Debugger, path: str):
    """The callback or activity task that waits for an answer there."""
    return next(task for task in debugger.pending if task.path == path)
'''

TESTS: Final = """

def test_how_it_ends() -> None:
    debugger = session()
    assert debugger.status == {status}
{end}    assert debugger.time == {time}


def test_which_states_are_entered() -> None:
    entered = [transition.path for transition in session().transitions if transition.kind == "StateEntered"]
    assert {entered}
"""


def test_text(recording: Recording) -> str:
    """The text of a pytest file about a recording, which stands at its end.

    Raises UsageError for what cannot be written down: files that were read, a Choice that stand-ins
    would lead elsewhere.
    """
    setup = recording.setup
    refused = next((one for one in map(_refused(recording), range(recording.length)) if one), None)
    if refused:
        raise UsageError(f"No test can be written of this session: {refused}.")
    tasks = answers_of(recording)
    actions = "".join(f"    {line}\n" for line in _actions(recording))
    text = HEAD.format(
        imports=_imports([*tasks.values(), actions], setup.sources["main"].arn is not None),
        name=literal(setup.birth.frame.scope.execution.machine_name),
        definition=literal(setup.sources["main"].data),
        input=literal(setup.birth.frame.data),
        tasks="{" + "".join(f"\n    {in_a_line(key)}: {told}," for key, told in tasks.items()) + "\n}",
    )
    text += GO if "go(debugger" in actions else ""
    text += OPEN_TASK if "open_task(" in actions else ""
    keywords = ["INPUT", "tasks=TASKS", *_options(setup)]
    options = ", ".join(keywords)
    if len(keywords) > 2:
        options = "".join(f"\n        {one}," for one in keywords) + "\n    "
    text += RUN.format(loaded=_loaded(setup.sources["main"]), options=options, actions=actions)
    return text + TESTS.format(
        status=literal(recording.status),
        end="".join(f"    assert debugger.{line}\n" for line in _end(recording)),
        time=repr(recording.time),
        entered=_entered(recording),
    )


test_text.__test__ = False  # type: ignore[attr-defined] # it is not itself a test


def _refused(recording: Recording) -> Callable[[int], str | None]:
    def refused(number: int) -> str | None:
        entry = entry_of(recording.changes[number], recording.setup)
        if entry is not None and entry["do"] in {"read", "write"}:
            return f"at transition {number} a Distributed Map uses files, which are not part of it"
        if number in recording.kept:
            return f"at transition {number} a Choice goes where its stand-ins do not lead; redact less"
        return None

    return refused


WORDS: Final = (
    "Outcome", "attempts", "failure", "iterations", "never", "result", "sequence", "waiting", "worker",
)  # fmt: skip
"""What a test may need of `sfnbook.tasks`."""


def _imports(texts: list[str], described: bool) -> str:
    whole = "\n".join(texts)
    used = [word for word in WORDS if f"{word}(" in whole]
    lines = ["import json\n"] if described else []
    lines += ["import sfnbook"]
    lines += [f"from sfnbook.tasks import {', '.join(used)}"] if used else []
    return "\n".join(lines)


# --- how it was started ---------------------------------------------------------------------------
def _options(setup: Setup) -> Iterator[str]:
    """The keywords of `StateMachine.start` that are not as they would be."""
    identity = setup.birth.frame.scope.execution
    plain = machines_of(setup)["main"].start(seed=setup.seed, type=identity.type, limits=None)
    usual = plain.top.scope.execution
    given: dict[str, tuple[Any, Any]] = {
        "seed": (setup.seed, 0),
        "name": (identity.name, usual.name),
        "arn": (identity.arn, usual.arn),
        "start_time": (iso(identity.started), iso(DEFAULT_START)),
        "type": (identity.type, "STANDARD"),
        "role_arn": (identity.role_arn, usual.role_arn),
        "activities": (setup.activities, None),
    }
    for name, (value, default) in given.items():
        if value != default:
            shown = sorted(value) if isinstance(value, frozenset) else value
            yield f"{name}={literal(shown, 2)}"
    if setup.limits != AWS_LIMITS:
        yield f"limits={_limits(setup.limits)}"
    if setup.machines:
        rows = (_machine(key, one.name, setup) for key, one in setup.machines.items())
        yield "machines={\n" + "".join(rows) + "        }"


def _machine(key: str, name: str, setup: Setup) -> str:
    definition = literal(setup.sources[key].data, 4)
    return (
        f"            {in_a_line(key)}: sfnbook.load(\n"
        f"                {definition}, name={in_a_line(name)}\n            ),\n"
    )


def _limits(limits: Limits) -> str:
    changed = {key: one for key, one in limits._asdict().items() if one != getattr(AWS_LIMITS, key)}
    if limits == NO_LIMITS:
        return "None"
    return f"sfnbook.AWS_LIMITS._replace({', '.join(f'{key}={one!r}' for key, one in changed.items())})"


def _loaded(read: Source) -> str:
    """What `sfnbook.load` is given: the definition, as AWS describes it where it was described."""
    if read.arn is None:
        return "DEFINITION, name=NAME"
    fields = {"name": "NAME", "stateMachineArn": repr(read.arn), "definition": "json.dumps(DEFINITION)"}
    fields |= {"type": repr(read.type)} if read.type else {}
    fields |= {"roleArn": repr(read.role_arn)} if read.role_arn else {}
    rows = (f'            "{name}": {value},\n' for name, value in fields.items())
    return "\n        {\n" + "".join(rows) + "        }\n    "


# --- what people did --------------------------------------------------------------------------------
def _actions(recording: Recording) -> Iterator[str]:
    """The lines that do again what people did, each at its place."""
    moved = 0  # transitions that the test makes beyond those of the session
    for number, change in enumerate(recording.changes):
        entry = entry_of(change, recording.setup)
        if entry is None or entry["do"] not in ACTIONS:
            continue
        lines = ACTIONS[entry["do"]](Place(recording, number, change, entry))
        if lines:
            yield f"go(debugger, {number + moved})"
            yield from lines
        moved += len(lines) - 1 if entry["do"] in {"faults", "variables"} else 0
    ended = recording.status != "RUNNING" or recording.blocked is not None
    yield "debugger.run()" if ended else f"go(debugger, {recording.length + moved})"


class Place(NamedTuple):
    """An entry with the change that it is of."""

    recording: Recording
    number: int
    change: Change
    entry: Entry

    @property
    def path(self) -> str:
        """The path of the state."""
        return self.recording.path_of(self.frame)

    @property
    def frame(self) -> Frame:
        """The frame as it stood before."""
        frame = self.change.before
        assert frame is not None  # noqa: S101 - what people do is done to a frame
        return frame


def _to_an_input(here: Place) -> list[str]:
    return [f"debugger.edit_input({literal(here.entry['value'], 1)}, at={in_a_line(here.path)})"]


def _to_variables(here: Place) -> list[str]:
    pairs = here.entry["value"].items()
    return [f"debugger.set_variable({in_a_line(name)}, {literal(value, 1)})" for name, value in pairs]


def _to_faults(here: Place) -> list[str]:
    """Injected errors, set results and latency; which heartbeats were lost is in the answers."""
    before, after = (
        [fault for fault in frame.work.faults if fault.kind != "heartbeats"]
        for frame in (here.frame, here.change.frame)
    )
    if after == before:
        return []
    if after and after[:-1] == before:
        return [_fault(after[-1])]
    gone = [number for number in range(len(before)) if before[:number] + before[number + 1 :] == after]
    if gone:
        return [f"debugger.remove_fault({gone[0]})"]
    for target in {fault.target for fault in before}:
        if [fault for fault in before if fault.target != target] == after:
            return [f"debugger.clear_faults({in_a_line(target)})"]
    return ["debugger.clear_faults()", *map(_fault, after)]


def _fault(fault: Fault) -> str:
    if fault.kind == "result":
        return f"debugger.set_result({in_a_line(fault.target)}, {literal(fault.result, 1)})"
    attempts: Any = "all" if fault.attempts is None else fault.attempts
    shown = list(attempts) if isinstance(attempts, tuple) else attempts
    what, *fields = (
        ("latency", fault.seconds) if fault.kind == "latency" else ("error", fault.error, fault.cause)
    )
    given = ", ".join(map(in_a_line, (fault.target, *fields)))
    return f"debugger.inject_{what}({given}, attempts={in_a_line(shown)})"


def _to_time(here: Place) -> list[str]:
    recording, number, moment = here.recording, here.number, here.entry["value"]
    following = recording.changes[number + 1 : number + 2]
    struck = bool(following) and following[0].time == moment and not _by_people(following[0], recording)
    if struck:
        return ["debugger.advance()"]
    if _is_due(recording, number, moment):  # somebody acts at the deadline, before it strikes
        return ["debugger.advance()", "debugger.back()"]
    before = recording.changes[number - 1].time if number else recording.started
    return [f"debugger.advance({seconds(moment - before)!r})"]


def _is_due(recording: Recording, number: int, moment: int) -> bool:
    """Does something wait to strike at a moment, after a change?"""
    run = recording.fork()
    run.seek(number + 1)
    frame = run.first_due()
    return frame is not None and frame.due is not None and frame.due <= moment


def _by_people(change: Change, recording: Recording) -> bool:
    entry = entry_of(change, recording.setup)
    return entry is not None and entry["do"] in ACTIONS


def _to_an_open_task(here: Place) -> list[str]:
    entry, task = here.entry, f"open_task(debugger, {in_a_line(here.path)})"
    after = entry.get("after", 0)
    later = f", after={seconds(after)!r}" if after else ""
    if entry["do"] == "beat":
        return [f"{task}.heartbeat({_plan(here)})"]
    if after is None:
        return [f"{task}.answer(never())"]
    if "error" in entry:
        return [f"{task}.fail({in_a_line(entry['error'])}, {in_a_line(entry.get('cause'))}{later})"]
    beats = tuple(seconds(beat - here.change.time) for beat in entry.get("beats", ()))
    if beats:
        timing = f", seconds={seconds(after)!r}, heartbeats={beats!r}"
        return [f"{task}.answer(result({literal(entry['result'], 1)}{timing}))"]
    return [f"{task}.succeed({literal(entry['result'], 1)}{later})"]


def _plan(here: Place) -> str:
    if "regular" not in here.entry:
        return ""
    start, stop, step = here.entry["regular"]
    last = range(start, stop, step)[-1] if stop > start else start
    return f"every={seconds(step)!r}, until={seconds(last - here.recording.started)!r}"


def _to_a_worker(here: Place) -> list[str]:
    entry, following = here.entry, here.recording.changes[here.number + 1 : here.number + 2]
    answered = bool(following) and following[0].kind == "Answered" and following[0].frame.id == here.frame.id
    if answered and entry.get("worker") is None:
        return []  # who answers a task that nobody has taken takes it
    resource = here.recording.scene.state(here.frame).definition.resource
    return [f"debugger.execution.get_activity_task({in_a_line(resource)}, {in_a_line(entry.get('worker'))})"]


def _to_the_end(here: Place) -> list[str]:
    return [f"debugger.stop({in_a_line(here.entry.get('error'))}, {in_a_line(here.entry.get('cause'))})"]


ACTIONS: Final[dict[str, Callable[[Place], list[str]]]] = {
    "input": _to_an_input,
    "variables": _to_variables,
    "faults": _to_faults,
    "time": _to_time,
    "answer": _to_an_open_task,
    "beat": _to_an_open_task,
    "take": _to_a_worker,
    "stop": _to_the_end,
    "redrive": lambda _here: ["debugger.execution.redrive()"],
}
"""What people do -> the lines that do it again."""


# --- what is expected -------------------------------------------------------------------------------
def _end(recording: Recording) -> Iterator[str]:
    if recording.status == "SUCCEEDED":
        yield f"output == {literal(recording.output, 1)}"
    elif recording.status == "RUNNING":
        if recording.blocked is not None:  # else it was not run further; who answers next is not known
            yield f"blocked == {in_a_line(recording.blocked)}"
    else:
        yield f"error == {in_a_line(recording.error)}"
        yield f"cause == {literal(recording.cause, 1)}"


def _entered(recording: Recording) -> str:
    paths = [
        recording.shown(number).path
        for number, change in enumerate(recording.changes)
        if change.kind == "StateEntered"
    ]
    if len(paths) <= MOST_PATHS:
        return f"entered == {literal(paths, 1)}"
    return f"len(entered) == {len(paths)}"
