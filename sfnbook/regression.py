"""A session as a regression test: a pytest file that people read, keep and change.

The answers of the session are its mocks, what people did is done again at the same places, and the
test says how it ended and which states were entered.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import DEFAULT_START, iso, seconds
from sfnbook.errors import UsageError
from sfnbook.frames import QUEUED, Change, Fault, Frame, task_in
from sfnbook.limits import AWS_LIMITS, NO_LIMITS
from sfnbook.rerun import OF_PEOPLE, entry_of
from sfnbook.session import machines_of
from sfnbook.timeline import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sfnbook.branches import Recording
    from sfnbook.frames import Pool
    from sfnbook.limits import Limits
    from sfnbook.rerun import Entry
    from sfnbook.source import Source
    from sfnbook.timeline import Setup

WIDTH: Final = 96
MOST_PATHS: Final = 200
"""How many entered states the test lists; of more it counts how often each was entered."""

MOST_HEARTBEATS: Final = 1_000

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


class Called(NamedTuple):
    """One call of a Task, and how its answer is written."""

    attempt: int
    iteration: int | None  # the index of the innermost around it
    answer: str


def test_text(recording: Recording) -> str:
    """The text of a pytest file about a recording, which stands at its end.

    Raises UsageError for what cannot be written down: files that were read, a Choice that stand-ins
    would lead elsewhere.
    """
    setup = recording.setup
    refused = next((one for one in map(_refused(recording), range(recording.length)) if one), None)
    if refused:
        raise UsageError(f"No test can be written of this session: {refused}.")
    tasks = {key: _answer(calls) for key, calls in _calls(recording).items()}
    tasks |= {key: _worker(pool, tasks[key]) for key, pool in _pools(recording).items()}
    actions = "".join(f"    {line}\n" for line in _actions(recording))
    text = HEAD.format(
        imports=_imports([*tasks.values(), actions], setup.sources["main"].arn is not None),
        name=_literal(setup.birth.frame.scope.execution.machine_name),
        definition=_literal(setup.sources["main"].data),
        input=_literal(setup.birth.frame.data),
        tasks="{" + "".join(f"\n    {_in_a_line(key)}: {told}," for key, told in tasks.items()) + "\n}",
    )
    text += GO if "go(debugger" in actions else ""
    text += OPEN_TASK if "open_task(" in actions else ""
    keywords = ["INPUT", "tasks=TASKS", *_options(setup)]
    options = ", ".join(keywords)
    if len(keywords) > 2:
        options = "".join(f"\n        {one}," for one in keywords) + "\n    "
    text += RUN.format(loaded=_loaded(setup.sources["main"]), options=options, actions=actions)
    return text + TESTS.format(
        status=_literal(recording.status),
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


def _literal(value: Any, depth: int = 0) -> str:
    """A value as Python text, over several lines where it is long; ``depth`` is how far it is indented."""
    short = _in_a_line(value)
    if len(short) + 4 * depth <= WIDTH or not value or not isinstance(value, dict | list):
        return short
    inner, outer = "    " * (depth + 1), "    " * depth
    if isinstance(value, list):
        return "[\n" + "".join(f"{inner}{_literal(one, depth + 1)},\n" for one in value) + outer + "]"
    rows = (f"{inner}{_in_a_line(key)}: {_literal(one, depth + 1)},\n" for key, one in value.items())
    return "{\n" + "".join(rows) + outer + "}"


def _in_a_line(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{_in_a_line(key)}: {_in_a_line(one)}" for key, one in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_in_a_line, value))}]"
    shown = repr(value)
    quoted = isinstance(value, str) and shown.startswith("'") and '"' not in shown
    return f'"{shown[1:-1]}"' if quoted else shown


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
            yield f"{name}={_literal(shown, 2)}"
    if setup.limits != AWS_LIMITS:
        yield f"limits={_limits(setup.limits)}"
    if setup.machines:
        rows = (_machine(key, one.name, setup) for key, one in setup.machines.items())
        yield "machines={\n" + "".join(rows) + "        }"


def _machine(key: str, name: str, setup: Setup) -> str:
    definition = _literal(setup.sources[key].data, 4)
    return (
        f"            {_in_a_line(key)}: sfnbook.load(\n"
        f"                {definition}, name={_in_a_line(name)}\n            ),\n"
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


# --- who answered what ------------------------------------------------------------------------------
def _calls(recording: Recording) -> dict[str, list[Called]]:
    """The calls of each Task, by the path of the Task, in their order."""
    found: dict[str, list[Called]] = defaultdict(list)
    setup = recording.setup
    for change in recording.changes:
        entry = entry_of(change, setup)
        if entry is None or entry["do"] != "call" or entry.get("answered_by") == "injected":
            continue
        frame = change.before
        assert frame is not None  # noqa: S101 - a Task that starts was scheduled
        key = _key(frame, entry, recording)
        called = Called(frame.visit.retries + 1, _iteration(frame, setup), _outcome(entry, change))
        found[key].append(called)
    return found


def _key(frame: Frame, entry: Entry, recording: Recording) -> str:
    """Under which key the answer of a call stands: the Task's path; workers keep theirs, they share it."""
    where = place(frame, recording.scene.state(frame))
    pool = frame.phase == QUEUED and entry.get("answered_by")
    return pool or recording.setup.refs[where].path


def _pools(recording: Recording) -> dict[str, Pool]:
    """The workers of activities by their keys."""
    found: dict[str, Pool] = {}
    for change in recording.changes:
        frame = change.before
        if change.kind == "TaskStarted" and frame is not None and frame.phase == QUEUED:
            entry = entry_of(change, recording.setup)
            pool = recording.setup.queues[place(frame, recording.scene.state(frame))].pool
            if pool is not None and entry is not None and entry["do"] == "call":
                found[_key(frame, entry, recording)] = pool
    return found


def _worker(pool: Pool, answer: str) -> str:
    """Workers that take as long as those did; how fast they were is in the times."""
    given = {"count": (pool.count, 1), "poll_seconds": (seconds(pool.poll), 0), "name": (pool.name, "worker")}
    words = (f", {key}={_in_a_line(value)}" for key, (value, usual) in given.items() if value != usual)
    return f"worker({answer}{''.join(words)})"


def _iteration(frame: Frame, setup: Setup) -> int | None:
    """The index of the innermost Map iteration around a frame."""
    states, lineage = setup.programs[frame.scope.execution.machine].states, frame.scope.lineage
    while lineage is not None:
        outer, pointer, _, _, index = lineage
        if pointer in states and states[pointer].type == "Map":
            return index
        lineage = outer
    return None


def _outcome(entry: Entry, change: Change) -> str:
    """The answer of one call, as one would write it."""
    if entry.get("handed_on") or entry.get("after") is None:
        return "waiting()" if not entry.get("late") else "never()"
    if entry.get("late") and "busy" in entry:
        return "never()" if entry["busy"] is None else f"result(None, seconds={seconds(entry['busy'])!r})"
    task = task_in(change.frame.work)
    beats = _heartbeats(entry, None if task is None else task.heartbeat)
    if entry.get("late"):
        return f"Outcome(never=True, heartbeats={beats!r})" if beats else "never()"
    after = seconds(entry["after"])
    timing = (f", seconds={after!r}" if after else "") + (f", heartbeats={beats!r}" if beats else "")
    failed = "error" in entry
    if entry.get("refused") or "backoff" in entry:
        return _whole_outcome(entry, timing)
    if failed:
        cause = entry.get("cause")
        shown = f", {_in_a_line(cause)}" if cause or cause is None else ""
        return f"failure({_in_a_line(entry['error'])}{shown}{timing})"
    value = entry.get("result")
    plain = not timing and not isinstance(value, list)
    return _literal(value, 1) if plain else f"result({_literal(value, 1)}{timing})"


def _whole_outcome(entry: Entry, timing: str) -> str:
    fields = {"result": entry.get("result"), "error": entry.get("error"), "cause": entry.get("cause")}
    shown = [f"{name}={_literal(value, 1)}" for name, value in fields.items() if value is not None]
    shown += ["failed=True"] if "error" in entry else []
    shown += ["refused=True"] if entry.get("refused") else []
    shown += [f"backoff={seconds(entry['backoff'])!r}"] if "backoff" in entry else []
    return f"Outcome({', '.join(shown)}{timing})"


def _heartbeats(entry: Entry, limit: int | None) -> tuple[float, ...]:
    """Heartbeats that keep a Task alive for as long as it was; those of the first time are not known."""
    if limit is None:
        return ()
    last = entry["after"] - (limit if entry.get("heartbeat") else 0)
    if last > MOST_HEARTBEATS * limit:
        return ()
    beats = [*range(limit, last, limit), *([last] if entry.get("heartbeat") and last > 0 else [])]
    return tuple(map(seconds, beats))


def _answer(calls: list[Called]) -> str:
    """The answers of a Task: one for all, by attempt, by iteration, else call by call."""
    by_attempt = _by_attempt(calls)
    if by_attempt is not None:
        return by_attempt
    return _by_iteration(calls) or _listed("sequence", [call.answer for call in calls])


def _by_iteration(calls: list[Called]) -> str | None:
    groups: dict[int, list[Called]] = {}
    for call in calls:
        if call.iteration is None:
            return None
        groups.setdefault(call.iteration, []).append(call)
    answers = {index: answer for index in sorted(groups) if (answer := _by_attempt(groups[index]))}
    if len(answers) < len(groups):
        return None
    *chosen, last = answers
    shown = "".join(f"            {index}: {_deeper(_deeper(answers[index]))},\n" for index in chosen)
    return f"iterations(\n        {{\n{shown}        }},\n        {_deeper(answers[last])},\n    )"


def _by_attempt(calls: list[Called]) -> str | None:
    answers: dict[int, str] = {}
    for call in calls:
        if answers.setdefault(call.attempt, call.answer) != call.answer:
            return None
    ordered = [answers[number] for number in sorted(answers)]
    if len(set(ordered)) == 1:
        return ordered[0]
    # An attempt that nobody was asked about (an injected error answered) has the next one's answer.
    numbers = sorted(answers)
    filled = [answers[next(one for one in numbers if one >= wanted)] for wanted in range(1, numbers[-1] + 1)]
    return _listed("attempts", filled)


def _listed(word: str, answers: list[str]) -> str:
    shown = "".join(f"        {_deeper(answer)},\n" for answer in answers)
    return f"{word}(\n{shown}    )"


def _deeper(answer: str) -> str:
    return answer.replace("\n", "\n    ")


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
        moved += len(lines) - 1 if entry["do"] == "faults" else 0
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
    return [f"debugger.edit_input({_literal(here.entry['value'], 1)}, at={_in_a_line(here.path)})"]


def _to_variables(here: Place) -> list[str]:
    pairs = here.entry["value"].items()
    return [f"debugger.set_variable({_in_a_line(name)}, {_literal(value, 1)})" for name, value in pairs]


def _to_faults(here: Place) -> list[str]:
    """Injected errors and set results; what slowed answers down is in the answers."""
    before, after = (
        [fault for fault in frame.work.faults if fault.kind in {"error", "result"}]
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
            return [f"debugger.clear_faults({_in_a_line(target)})"]
    return ["debugger.clear_faults()", *map(_fault, after)]


def _fault(fault: Fault) -> str:
    if fault.kind == "result":
        return f"debugger.set_result({_in_a_line(fault.target)}, {_literal(fault.result, 1)})"
    attempts: Any = "all" if fault.attempts is None else fault.attempts
    given = [*map(_in_a_line, (fault.target, fault.error, fault.cause))]
    shown = list(attempts) if isinstance(attempts, tuple) else attempts
    return f"debugger.inject_error({', '.join(given)}, attempts={_in_a_line(shown)})"


def _to_time(here: Place) -> list[str]:
    recording, number, moment = here.recording, here.number, here.entry["value"]
    following = recording.changes[number + 1 : number + 2]
    if following and following[0].time == moment and following[0].kind not in OF_PEOPLE:
        return ["debugger.advance()"]
    before = recording.changes[number - 1].time if number else recording.started
    return [f"debugger.advance({seconds(moment - before)!r})"]


def _to_an_open_task(here: Place) -> list[str]:
    entry, task = here.entry, f"open_task(debugger, {_in_a_line(here.path)})"
    after = entry.get("after", 0)
    later = f", after={seconds(after)!r}" if after else ""
    if entry["do"] == "beat":
        return [f"{task}.heartbeat({_plan(here)})"]
    if after is None:
        return [f"{task}.answer(never())"]
    if "error" in entry:
        return [f"{task}.fail({_in_a_line(entry['error'])}, {_in_a_line(entry.get('cause'))}{later})"]
    beats = tuple(seconds(beat - here.change.time) for beat in entry.get("beats", ()))
    if beats:
        timing = f", seconds={seconds(after)!r}, heartbeats={beats!r}"
        return [f"{task}.answer(result({_literal(entry['result'], 1)}{timing}))"]
    return [f"{task}.succeed({_literal(entry['result'], 1)}{later})"]


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
    return [
        f"debugger.execution.get_activity_task({_in_a_line(resource)}, {_in_a_line(entry.get('worker'))})"
    ]


def _to_the_end(here: Place) -> list[str]:
    return [f"debugger.stop({_in_a_line(here.entry.get('error'))}, {_in_a_line(here.entry.get('cause'))})"]


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
        yield f"output == {_literal(recording.output, 1)}"
    elif recording.status == "RUNNING":
        yield f"blocked == {_in_a_line(recording.blocked)}"
    else:
        yield f"error == {_in_a_line(recording.error)}"
        yield f"cause == {_literal(recording.cause, 1)}"


def _entered(recording: Recording) -> str:
    paths = [
        recording.shown(number).path
        for number, change in enumerate(recording.changes)
        if change.kind == "StateEntered"
    ]
    if len(paths) <= MOST_PATHS:
        return f"entered == {_literal(paths, 1)}"
    return f"len(entered) == {len(paths)}"
