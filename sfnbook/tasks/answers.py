"""Who answers for which Task: the `tasks` argument, checked and compiled against the Tasks of a machine.

A Task looks for its answer by path, by its state's name, by its resource, by its function's
name and last under ``"*"``.  Everything wrong with `tasks` is found here, at the start, save
what a function or a backend does when it is called.
"""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.errors import UsageError, did_you_mean, kind_of, nearest
from sfnbook.tasks import resources
from sfnbook.tasks.compiling import compiled, parts, settled
from sfnbook.tasks.composed import Sample, Timed, sample
from sfnbook.tasks.faults import Faulty
from sfnbook.tasks.mockfile import Mocked
from sfnbook.tasks.protocol import Call, Outcome, Perform, Result, ended, is_backend, pasted, spelled
from sfnbook.tasks.resources import Resource, parse_resource
from sfnbook.tasks.workers import Worker

if TYPE_CHECKING:
    from sfnbook.definition import Definition, Task
    from sfnbook.tasks.needs import Need
    from sfnbook.values import Json

EVERY_TASK: Final = "*"
SAMPLE: Final = "sample"
"""The whole of `tasks`: everything is answered by samples."""


class TaskRef(NamedTuple):
    """A Task as `tasks` may speak of it; ``path`` is without indices (``Orders.Charge``)."""

    path: str
    name: str
    resource: str
    function_name: str | None = None

    def names(self) -> tuple[str | None, ...]:
        """The keys under which its answer may stand, the most specific first."""
        return (self.path, self.name, self.resource, self.function_name, EVERY_TASK)


class Answer(NamedTuple):
    """One compiled answer: its key, what was given, and what `compiled` made of it."""

    key: str
    spec: Any
    run: Perform
    counted: bool
    remembers: bool
    draws: bool
    asks: bool
    outcomes: tuple[Outcome, ...] = ()


class Answers:
    """The answers of one execution: immutable, and picklable whatever is in it.

    An answer that cannot be pickled, or not be loaded where the pickle is read, is
    *unanswered* there: its Tasks find nobody, rather than a less specific answer.
    """

    __slots__ = ("_answers", "_found", "scripts")

    def __init__(self, answers: Mapping[str, Answer | None]) -> None:
        self._answers = dict(answers)
        self._found: dict[TaskRef, Answer | None] = {}
        self.scripts: dict[Any, Answer | None] = {}  # by compiled Task: those that need no Call, as met

    def find(self, ref: TaskRef) -> Answer | None:
        """The most specific answer for a Task, None if nobody answers.

        >>> answers = compile_answers({"*": 1, "Charge": 2}, [TaskRef("Charge", "Charge", "r")])
        >>> answers.find(TaskRef("Charge", "Charge", "r")).key
        'Charge'
        """
        if ref not in self._found:
            key = next(
                (key for key in ref.names() if key in self._answers and not self._leaves(key, ref)), None
            )
            self._found[ref] = None if key is None else self._answers[key]
        return self._found[ref]

    def _leaves(self, key: str, ref: TaskRef) -> bool:
        """Does an answer leave this kind of Task to others, as `aws` leaves activities to who polls them?"""
        answer = self._answers[key]
        left = (inspect.getattr_static(part, "leaves", None) for part in parts(answer and answer.spec))
        return any(
            isinstance(kinds, frozenset) and parse_resource(ref.resource).kind in kinds for kinds in left
        )

    def given(self) -> dict[str, Any]:
        """What was given as ``tasks``, without the answers that did not survive a pickle."""
        return {key: answer.spec for key, answer in self._answers.items() if answer is not None}

    @staticmethod
    def perform(answer: Answer, call: Call) -> Outcome:
        """Let the answer answer; this calls people's functions."""
        return answer.run(call)

    @staticmethod
    def literal(ref: TaskRef, resource: Resource | None = None, need: Need | None = None) -> str:
        """The code to paste for a Task that nobody answers for: see `literal`."""
        return literal(ref, resource, need)

    def unanswered(self, tasks_of: Iterable[TaskRef]) -> list[str]:
        """The paths of the Tasks that nobody answers for."""
        return [ref.path for ref in tasks_of if self.find(ref) is None]

    def __repr__(self) -> str:
        entries = (f"{key!r}: {spelled(answer and answer.spec)}" for key, answer in self._answers.items())
        return f"Answers({{{', '.join(entries)}}})"

    def __copy__(self) -> Answers:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Answers:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (_unpacked, ({key: _packed(answer) for key, answer in self._answers.items()},))


def compile_answers(
    tasks: object, tasks_of: Iterable[TaskRef], definitions: Iterable[Definition] = ()
) -> Answers:
    """Check and compile ``tasks``: None, "sample", a mapping, or a function or backend for every Task.

    ``definitions`` are those of the Tasks: samples are made for them.

    >>> compile_answers({"Chrage": 1}, [TaskRef("Charge", "Charge", "r")])
    Traceback (most recent call last):
    ...
    sfnbook.errors.UsageError: tasks['Chrage'] matches no Task. Did you mean 'Charge'?
    """
    refs = tuple(tasks_of)
    given = _by_key(tasks)
    for key, spec in given.items():
        _check_key(key, spec, refs)
    answers = Answers(
        {key: _answer(key, settled(spec, _place(key), definitions)) for key, spec in given.items()}
    )
    for ref in refs:
        answer = answers.find(ref)
        if answer is not None:
            _check_form(answer, ref)
    return answers


def task_ref(path: str, task: Task) -> TaskRef:
    """The reference to a Task of a definition at ``path`` (without indices)."""
    parameters = task.arguments or task.parameters
    return TaskRef(path, task.name, task.resource, resources.function_name(task.resource, parameters))


def literal(ref: TaskRef, resource: Resource | None = None, need: Need | None = None) -> str:
    """The Python code to paste for a Task that nobody answers for, fit for its integration.

    ``need`` is what is read of its result.

    >>> literal(TaskRef("Orders.Charge", "Charge", "arn:aws:states:::lambda:invoke"))
    'tasks={"Charge": lambda event: {}}'
    >>> literal(TaskRef("Tell", "Tell", "arn:aws:states:::sns:publish"))
    'tasks={"Tell": {"MessageId": "1"}}'
    """
    resource = resource or parse_resource(ref.resource)
    return f"tasks={{{json.dumps(ref.name, ensure_ascii=False)}: {_example(ref, resource, need)}}}"


def _example(ref: TaskRef, resource: Resource, need: Need | None) -> str:
    from sfnbook.tasks.samples import result_of  # noqa: PLC0415

    answer = result_of(Call(ref.path, ref.name, ref.resource, {}), need, brief=True)
    if resource.kind == "lambda":
        return f"lambda event: {_written(answer)}"
    if resources.invokes_lambda(resource):
        return f"lambda event: {_written(answer['Payload'] if resource.pattern != 'token' else answer)}"
    return _written(answer)


def _written(value: Json) -> str:
    """JSON as Python writes it, with the quotes of JSON."""
    if isinstance(value, dict):
        inner = (f"{json.dumps(key, ensure_ascii=False)}: {_written(one)}" for key, one in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _by_key(tasks: object) -> Mapping[Any, Any]:
    if tasks is None:
        return {}
    if tasks == SAMPLE:
        return {EVERY_TASK: sample()}
    if isinstance(tasks, Mapping):
        return tasks
    if isinstance(tasks, Faulty):
        return {key: Faulty(answer, tasks.faults) for key, answer in _by_key(tasks.answer).items()}
    if callable(tasks) or is_backend(tasks) or isinstance(tasks, Timed | Sample):
        return {EVERY_TASK: tasks}
    if isinstance(tasks, str) and nearest(tasks, [SAMPLE]):
        raise UsageError(f'tasks={tasks!r}: did you mean tasks="{SAMPLE}"?')
    raise UsageError(
        "tasks is a mapping from Tasks to answers, a function or a backend, "
        f"not {kind_of(tasks)}. For every Task: tasks={{{EVERY_TASK!r}: {spelled(tasks)}}}"
    )


def _check_key(key: object, spec: Any, refs: tuple[TaskRef, ...]) -> None:
    known = {name: None for ref in refs for name in ref.names() if name}
    if key in known or key == EVERY_TASK:
        return
    known.pop(EVERY_TASK, None)
    # People see "Start/Charge", the Task that starts a machine; here the machine itself is named.
    behind = f"/{str(key).rpartition('/')[2]}"
    nested = [ref.path for ref in refs if "/" in str(key) and ref.path.endswith(behind)]
    paths = [ref.path for ref in refs]
    near = nested[0] if nested else nearest(key, [*paths, *known])
    advice = f"Did you mean {near!r}?" if near else did_you_mean(key, paths, "The Tasks are")
    sources = [f" ({part.place})" for part in parts(spec) if isinstance(part, Mocked)]
    raise UsageError(f"{_place(key)}{''.join(sources[:1])} matches no Task. {advice}")


def _place(key: object) -> str:
    return f"tasks[{key!r}]"


def _answer(key: str, spec: Any) -> Answer:
    return Answer(key, spec, *compiled(spec))


def _check_form(answer: Answer, ref: TaskRef) -> None:
    """A mocked response of ``lambda:invoke`` is the whole response, as the history shows it."""
    resource = parse_resource(ref.resource)
    _check_worker(answer, ref, resource)
    if (
        resource.kind != "integration"
        or not resources.invokes_lambda(resource)
        or resource.pattern == "token"
    ):
        return
    for part in parts(answer.spec):
        if isinstance(part, Result | Outcome):
            _check_payload(ended(part), answer.key, ref.path)


def _check_worker(answer: Answer, ref: TaskRef, resource: Resource) -> None:
    """Workers poll an activity, and stand for the whole of an answer."""
    whole, *inner = parts(answer.spec)
    if any(isinstance(part, Worker) for part in inner):
        raise UsageError(f"{_place(answer.key)}: worker() goes around the rest: worker(attempts(...)).")
    if isinstance(whole, Worker) and resource.kind != "activity":
        raise UsageError(
            f"{_place(answer.key)} is a worker, and {ref.path!r} is no activity: its Resource is "
            f"{ref.resource}. Nobody polls that; give {spelled(whole.answer)} itself."
        )


def _check_payload(outcome: Outcome, key: str, path: str) -> None:
    value = outcome.result
    if outcome.failed or outcome.never or (isinstance(value, dict) and "Payload" in value):
        return
    raise UsageError(
        f"{_place(key)} answers for {path!r}, which is lambda:invoke: its result has what the function "
        f'returns as its "Payload". Write\n\n    {{"Payload": {pasted(value)}}}\n\n'
        "or give a function: what it returns is the Payload."
    )


def _packed(answer: Answer | None) -> bytes | None:
    if answer is None:
        return None
    try:
        return pickle.dumps(answer.spec)
    except Exception:  # noqa: BLE001 - anything in a user's object may refuse to be pickled
        return None


def _unpacked(packed: Mapping[str, bytes | None]) -> Answers:
    return Answers({key: _loaded(key, data) for key, data in packed.items()})


def _loaded(key: str, data: bytes | None) -> Answer | None:
    if data is None:
        return None
    try:
        # Only ever bytes out of a pickle that somebody has chosen to load already.
        return _answer(key, pickle.loads(data))  # noqa: S301
    except Exception:  # noqa: BLE001 - a function that is not there any more leaves its Task unanswered
        return None
