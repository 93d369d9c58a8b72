"""The answers of a session, and JSON values, as the Python text in which one would write them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import microseconds, seconds
from sfnbook.frames import QUEUED, SCHEDULED, Change, Frame, task_in
from sfnbook.sessions.log import entry_of, latencies
from sfnbook.setting import place

if TYPE_CHECKING:
    from sfnbook.debugging.branches import Recording
    from sfnbook.frames import Pool
    from sfnbook.sessions.log import Entry
    from sfnbook.setting import Setup

WIDTH: Final = 96
MOST_HEARTBEATS: Final = 1_000


def literal(value: Any, depth: int = 0) -> str:
    """A value as Python text, over several lines where it is long; ``depth`` is how far it is indented."""
    short = in_a_line(value)
    if len(short) + 4 * depth <= WIDTH or not value or not isinstance(value, dict | list):
        return short
    inner, outer = "    " * (depth + 1), "    " * depth
    if isinstance(value, list):
        return "[\n" + "".join(f"{inner}{literal(one, depth + 1)},\n" for one in value) + outer + "]"
    rows = (f"{inner}{in_a_line(key)}: {literal(one, depth + 1)},\n" for key, one in value.items())
    return "{\n" + "".join(rows) + outer + "}"


def in_a_line(value: Any) -> str:
    """A value as Python text in one line."""
    if isinstance(value, dict):
        pairs = (f"{in_a_line(key)}: {in_a_line(one)}" for key, one in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(in_a_line, value))}]"
    shown = repr(value)
    quoted = isinstance(value, str) and shown.startswith("'") and '"' not in shown
    return f'"{shown[1:-1]}"' if quoted else shown


class Called(NamedTuple):
    """One call of a Task, and how its answer is written."""

    attempt: int
    iteration: int | None  # the index of the innermost around it
    answer: str


def answers_of(recording: Recording) -> dict[str, str]:
    """Who answered: for each Task that was called the text of what goes into ``tasks``."""
    tasks = {key: _answer(calls) for key, calls in _calls(recording).items()}
    tasks |= {key: _worker(pool, tasks[key]) for key, pool in _pools(recording).items()}
    return {**_uncalled(recording), **tasks}


def _uncalled(recording: Recording) -> dict[str, str]:
    """Activities whose tasks had somebody to do them, who did not come to it: no people are waited for."""
    setup = recording.setup
    asked: dict[int, tuple[str, str]] = {}  # a Task of each queue, by the queue's number
    for change in recording.changes:
        where = place(change.frame, recording.scene.state(change.frame))
        if (
            change.kind == "TaskScheduled"
            and change.frame.phase in {QUEUED, SCHEDULED}
            and where in setup.queues
        ):
            asked.setdefault(setup.queues[where].number, where)
    for change in recording.changes:
        where = place(change.frame, recording.scene.state(change.frame))
        if change.kind == "TaskStarted" and where in setup.queues:
            asked.pop(setup.queues[where].number, None)
    return {setup.refs[where].path: _nobody(setup.queues[where].pool) for where in asked.values()}


def _nobody(pool: Pool | None) -> str:
    return "never()" if pool is None else _worker(pool, "never()")


def _calls(recording: Recording) -> dict[str, list[Called]]:
    """The calls of each Task, by the path of the Task, in their order."""
    found: dict[str, list[Called]] = defaultdict(list)
    setup, slowed = recording.setup, latencies(recording)
    for number, change in enumerate(recording.changes):
        entry = entry_of(change, setup)
        if entry is None or entry["do"] != "call" or entry.get("answered_by") == "injected":
            continue
        if entry.get("after"):  # without what is injected again
            entry["after"] = max(entry["after"] - microseconds(slowed.get(number, 0)), 0)
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
    words = (f", {key}={in_a_line(value)}" for key, (value, usual) in given.items() if value != usual)
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
        shown = f", {in_a_line(cause)}" if cause or cause is None else ""
        return f"failure({in_a_line(entry['error'])}{shown}{timing})"
    value = entry.get("result")
    plain = not timing and not isinstance(value, list)
    return literal(value, 1) if plain else f"result({literal(value, 1)}{timing})"


def _whole_outcome(entry: Entry, timing: str) -> str:
    fields = {"result": entry.get("result"), "error": entry.get("error"), "cause": entry.get("cause")}
    shown = [f"{name}={literal(value, 1)}" for name, value in fields.items() if value is not None]
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
