"""StateMachine: what people hold.  Loading, checking, drawing and starting."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance, parse, source, validation
from sfnbook.clock import DEFAULT_START, start_instant
from sfnbook.definition import Definition, Map, Task, inner_blocks
from sfnbook.errors import DefinitionError, UsageError
from sfnbook.execution import Execution
from sfnbook.family import deadline_frame
from sfnbook.frames import ENTER, FIRST_VISIT, TOP, Change, Frame, Identity, Scope, StartedBy
from sfnbook.limits import AWS_LIMITS, NO_LIMITS, Limits
from sfnbook.listing import Listing
from sfnbook.nested import Startable
from sfnbook.outside import payload
from sfnbook.polling import queues_of
from sfnbook.program import Program, compile_definition, start_of
from sfnbook.setting import Setup
from sfnbook.tasks.answers import SAMPLE, TaskRef, compile_answers, task_ref
from sfnbook.values import Json, copied, exceeds, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sfnbook.errors import Diagnostic

ACCOUNT: Final = "arn:aws:states:us-east-1:111122223333"
ROLE: Final = "arn:aws:iam::111122223333:role/StepFunctionsRole"
TYPES: Final = ("STANDARD", "EXPRESS")


def load(
    source: str | Path | Mapping[str, Json],
    *,
    name: str | None = None,
    substitutions: Mapping[str, Json] | None = None,
) -> StateMachine:
    """Load a state machine from a file, from JSON or YAML text, or from a dict.

    A string that begins with "{" or has a newline is text, any other string a file's name.  What
    ``aws stepfunctions describe-state-machine`` prints loads, too.  ``substitutions`` fill
    ``${Name}``; unfilled ones stay, listed in `StateMachine.placeholders`.  Raises
    `DefinitionError` with every problem at once, `UsageError` when there is nothing to read.

    >>> load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}).definition.start_at
    'A'
    """
    return StateMachine(_read(source, substitutions), name=name)


def _read(given: Any, substitutions: Mapping[str, Json] | None) -> source.Source:
    if substitutions is not None and not isinstance(substitutions, Mapping):
        raise UsageError(f"substitutions={substitutions!r}: give a dict, the values by their names.")
    return source.read(given, substitutions=None if substitutions is None else dict(substitutions))


class StateMachine:
    """A state machine that is valid: it can be drawn and started.  Immutable; pickles.

    ``definition`` is the parsed form, ``source`` the JSON as given, ``placeholders`` the names of
    the ``${...}`` that nobody filled, ``diagnostics`` the warnings.
    """

    def __init__(self, read: source.Source, *, name: str | None = None) -> None:
        diagnostics = validation.validate(read)
        if any(diagnostic.severity == "ERROR" for diagnostic in diagnostics):
            raise DefinitionError(diagnostics)
        self._read = read
        self.diagnostics: list[Diagnostic] = diagnostics
        self.definition: Definition = parse.definition(read.data)
        self.name: str = name or read.name or "StateMachine"
        self.type: str = read.type or "STANDARD"
        self._checked = {self.type}

    @property
    def source(self) -> Json:
        """The definition as JSON; a copy."""
        return copied(self._read.data)

    @cached_property
    def listing(self) -> Listing:
        """The definition as text, as it was given or else printed, with the lines of each part."""
        return Listing.of(self._read)

    @property
    def placeholders(self) -> list[str]:
        """The names of the ``${...}`` that are left as they are."""
        return list(self._read.placeholders)

    def renamed(self, arn: str) -> StateMachine:
        """The same machine under the ARN, and its name, with which it ran somewhere."""
        other = copy(self)
        other.name = arn.rpartition(":")[2]
        other._read = replace(self._read, arn=arn)  # noqa: SLF001 - its own
        return other

    @property
    def arn(self) -> str:
        """The machine's ARN: its own, if it was described by AWS."""
        return self._read.arn or f"{ACCOUNT}:stateMachine:{self.name}"

    @property
    def told_type(self) -> str | None:
        """STANDARD or EXPRESS if its description says it."""
        return self._read.type

    @property
    def role_arn(self) -> str:
        """The role that executions run with: its own, if it was described by AWS."""
        return self._read.role_arn or ROLE

    # --- running --------------------------------------------------------------------------------
    def start(
        self,
        input: Json = None,  # noqa: A002 - the API's word
        *,
        tasks: Any = None,
        machines: Mapping[str, StateMachine] | None = None,
        files: Any = None,
        activities: Iterable[str] | None = None,
        name: str | None = None,
        start_time: Any = None,
        seed: int = 0,
        type: str | None = None,  # noqa: A002 - the API's word
        limits: Limits | None = AWS_LIMITS,
        keep_history: bool = True,
        arn: str | None = None,
        role_arn: str | None = None,
        started_by: StartedBy | None = None,
    ) -> Execution:
        """Start an execution; nothing runs before its first step.

        ``tasks`` says who answers for the Tasks (see `sfnbook.tasks`), ``machines`` which state
        machines nested executions run, ``files`` what a Distributed Map reads, ``activities`` the ARNs
        of the activities that exist (None: all).  The same seed and
        start time (by default 2025-01-01T00:00:00Z) give the same run and history.
        ``limits=None`` lifts AWS's quotas.  ``input`` defaults to ``{}``.

        With ``tasks="sample"`` all that is not given is a sample: results, files, and the input.
        ``started_by`` is told by `sfnbook.triggers`, whose rules, schedules and APIs start executions.

        >>> task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:1:function:f", "End": True}
        >>> machine = load({"StartAt": "A", "States": {"A": task}})
        >>> machine.start({"n": 1}, tasks={"A": lambda event: event["n"] + 1}).result()
        2
        """
        prepared = self.prepare(
            tasks=tasks, machines=machines, files=files, activities=activities, type=type, limits=limits
        )
        return prepared.start(
            input, name=name, start_time=start_time, seed=seed, keep_history=keep_history, arn=arn,
            role_arn=role_arn, started_by=started_by,
        )  # fmt: skip

    def prepare(
        self,
        *,
        tasks: Any = None,
        machines: Mapping[str, StateMachine] | None = None,
        files: Any = None,
        activities: Iterable[str] | None = None,
        type: str | None = None,  # noqa: A002 - the API's word
        limits: Limits | None = AWS_LIMITS,
    ) -> Prepared:
        """Check and compile what many executions share: each of them then starts at once.

        The keywords are those of `start`.

        >>> prepared = load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}).prepare()
        >>> [prepared.start(number).result() for number in range(3)]
        [0, 1, 2]
        """
        workflow = type or self.type
        if workflow not in TYPES:
            raise UsageError(f"type={workflow!r}: a workflow is {' or '.join(TYPES)}.")
        self._check_type(workflow)
        limits = NO_LIMITS if limits is None else limits
        if not isinstance(limits, Limits):
            raise UsageError(
                f"limits={limits!r}: give None, or AWS_LIMITS with other values, for example "
                "sfnbook.AWS_LIMITS._replace(events=None)."
            )
        nested = _machines(machines)
        by_key = {"main": self, **nested}
        refs = {(key, pointer): ref for key, one in by_key.items() for pointer, ref in one.task_refs(key)}
        definitions = {key: one.definition for key, one in by_key.items()}
        answers = compile_answers(tasks, list(refs.values()), definitions.values())
        setup = partial(
            Setup,
            definitions=definitions,
            sources={key: one._read for key, one in by_key.items()},  # noqa: SLF001 - its own
            refs=refs,
            answers=answers,
            limits=limits,
            machines={key: Startable(one.arn, one.name, one.told_type) for key, one in nested.items()},
            files=_open(files, definitions.values() if tasks == SAMPLE else ()),
            activities=None if activities is None else frozenset(activities),
            queues=queues_of(refs, answers),
            programs={key: one.program for key, one in by_key.items()},
        )
        return Prepared(self, workflow, limits, setup, self.sample_input() if tasks == SAMPLE else {})

    def sample_input(self) -> Json:
        """An input with all that the definition reads of it.

        >>> states = {"A": {"Type": "Pass", "InputPath": "$.order.quantity", "End": True}}
        >>> load({"StartAt": "A", "States": states}).sample_input()
        {'order': {'quantity': 1}}
        """
        from sfnbook.tasks.samples import sample_input  # noqa: PLC0415

        return sample_input(self.definition)

    def _check_type(self, workflow: str) -> None:
        """What AWS refuses when a machine of this type is created: Express has no callbacks, for one."""
        if workflow not in self._checked:
            diagnostics = validation.validate(self._read, workflow_type=workflow)
            if any(diagnostic.severity == "ERROR" for diagnostic in diagnostics):
                raise DefinitionError(diagnostics)
            self._checked.add(workflow)

    def unanswered(self, tasks: Any = None) -> list[str]:
        """The paths of the Tasks that nobody in ``tasks`` answers for.

        >>> task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
        >>> machine = load({"StartAt": "A", "States": {"A": task}})
        >>> machine.unanswered(), machine.unanswered({"A": {"MessageId": "1"}})
        (['A'], [])
        """
        refs = [ref for _, ref in self.task_refs("main")]
        return compile_answers(tasks, refs).unanswered(refs)

    def test_state(
        self,
        name: str,
        input: Json = None,  # noqa: A002 - the API's word
        *,
        mock: Mapping[str, Json] | None = None,
        context: Mapping[str, Json] | None = None,
        variables: Mapping[str, Json] | None = None,
        inspection_level: str = "TRACE",
        state_configuration: Mapping[str, Json] | None = None,
        role_arn: str | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Test one state alone: the TestState API's response; see `sfnbook.teststate.test_state`.

        >>> machine = load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
        >>> machine.test_state("A", {"n": 1}, inspection_level="INFO")
        {'status': 'SUCCEEDED', 'output': '{"n":1}'}
        """
        from sfnbook.teststate import test_state  # noqa: PLC0415

        role = role_arn or self.role_arn
        return test_state(
            self, name, input, mock=mock, context=context, variables=variables, role_arn=role,
            inspection_level=inspection_level, state_configuration=state_configuration, **options,
        )  # fmt: skip

    @cached_property
    def program(self) -> Program:
        """The compiled states, made when first needed."""
        return compile_definition(self.definition)

    def task_refs(self, key: str) -> list[tuple[str, TaskRef]]:
        """Every Task with its path, under its pointer."""
        return [*_task_refs(self.definition, "" if key == "main" else f"{key}/")]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "program"}

    # --- drawing --------------------------------------------------------------------------------
    def graph(self) -> Any:
        """The states as a `networkx.DiGraph`: nodes are JSON pointers, edges have a kind and a label."""
        from sfnbook.drawing.graph import graph  # noqa: PLC0415

        return graph(self.definition)

    def to_svg(self) -> str:
        """The picture as SVG text, standing alone."""
        from sfnbook.drawing.layout import layout  # noqa: PLC0415
        from sfnbook.drawing.svg import to_svg  # noqa: PLC0415

        return to_svg(layout(self.definition), title=self.name)

    def plot(self) -> Any:
        """The same picture as a matplotlib Figure, for slides and papers."""
        from sfnbook.drawing.layout import layout  # noqa: PLC0415
        from sfnbook.drawing.plots import plot  # noqa: PLC0415

        return plot(layout(self.definition))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "image/svg+xml": self.to_svg()}

    def __repr__(self) -> str:
        count = sum(1 for _ in self.definition.walk())
        return f"<StateMachine {self.name!r}: {count} states, starts at {self.definition.start_at!r}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StateMachine):
            return NotImplemented
        return (self.name, self.definition) == (other.name, other.definition)

    __hash__ = None  # type: ignore[assignment] # definitions hold JSON


class Prepared:
    """What the executions of a machine share, checked and compiled once: see `StateMachine.prepare`."""

    def __init__(
        self, machine: StateMachine, workflow: str, limits: Limits, setup: partial[Setup], default: Json
    ) -> None:
        self.machine, self.workflow, self.limits, self.default = machine, workflow, limits, default
        self._setup = setup
        self._start = start_of(machine.definition)
        self._account = machine.arn.rpartition(":stateMachine:")[0] or ACCOUNT
        self._naming = chance.digest(machine.name), chance.digest("name")

    def start(
        self,
        input: Json = None,  # noqa: A002 - the API's word
        *,
        name: str | None = None,
        start_time: Any = None,
        seed: int = 0,
        keep_history: bool = True,
        arn: str | None = None,
        role_arn: str | None = None,
        started_by: StartedBy | None = None,
    ) -> Execution:
        """Start an execution; the keywords are those of `StateMachine.start`."""
        if not isinstance(seed, int):
            raise UsageError(f"seed={seed!r}: give a whole number.")
        given = self.checked(self.default if input is None else input)
        identity = self._identity(given, name, start_instant(start_time), seed, arn, role_arn)
        if started_by is not None:
            identity = identity._replace(started_by=started_by)
        return self._execution(identity, seed, keep_history, None)

    def checked(self, given: Json) -> Json:
        """A copy of an input that AWS would take."""
        given = payload(given, "The input")
        if self.limits.payload_bytes is not None and exceeds(given, self.limits.payload_bytes):
            raise UsageError(
                f"InvalidExecutionInput: the input has {size(given):,} bytes, AWS takes "
                f"{self.limits.payload_bytes:,}. limits=None lifts the limit."
            )
        return given

    def watched(self, given: Json, watch: Callable[[Change], Any], *, name: str, seed: int) -> Execution:
        """An execution that keeps no history and shows each change to ``watch``; its input is `checked`."""
        identity = self._identity(given, name, DEFAULT_START, seed, None, None)
        return self._execution(identity, seed, False, watch)

    def _execution(
        self, identity: Identity, seed: int, keep_history: bool, watch: Callable[[Change], Any] | None
    ) -> Execution:
        birth = _birth(self.machine.definition, self._start, identity, self.limits)
        return Execution(self._setup(birth=birth, seed=seed), keep_history=keep_history, watch=watch)

    def _identity(
        self, given: Json, name: str | None, started: int, seed: int, arn: str | None, role_arn: str | None
    ) -> Identity:
        machine = self.machine
        name = name or chance.uuid_text(chance.combine(seed, *self._naming))
        if arn is None:
            arn = f"{self._account}:execution:{machine.name}:{name}"
            if self.workflow == "EXPRESS":
                run = chance.uuid_text(chance.combine(seed, chance.digest(name), chance.digest("express")))
                arn = f"{self._account}:express:{machine.name}:{name}:{run}"
        role = role_arn or machine.role_arn
        return Identity(
            TOP, "main", arn, name, machine.arn, machine.name, role, given, started, self.workflow
        )


def _machines(machines: Mapping[str, StateMachine] | None) -> dict[str, StateMachine]:
    if machines is None:
        return {}
    for key, machine in machines.items():
        if not isinstance(machine, StateMachine):
            raise UsageError(f"machines[{key!r}] is no StateMachine; load it first: sfnbook.load(...).")
    return dict(machines)


def _open(files: Any, sampled: Iterable[Definition]) -> Any:
    """The store that a Distributed Map reads; ``sampled`` are the definitions whose files are samples."""
    if files is None:
        if not any(isinstance(state, Map) and state.item_reader for one in sampled for state in one.walk()):
            return None
        from sfnbook.items.samples import SampleSource  # noqa: PLC0415
        from sfnbook.items.store import LocalStore  # noqa: PLC0415

        return LocalStore(SampleSource(sampled))
    from sfnbook.items.store import open_store  # noqa: PLC0415

    return open_store(files)


def _task_refs(definition: Definition, prefix: str) -> Iterator[tuple[str, TaskRef]]:
    for state in definition.states.values():
        if isinstance(state, Task):
            yield state.pointer, task_ref(prefix + state.name, state)
        for inner in inner_blocks(state):
            yield from _task_refs(inner, f"{prefix}{state.name}.")


def _birth(definition: Definition, start: str, identity: Identity, limits: Limits) -> Change:
    """The first change: the top-level frame before its first state, and its deadline."""
    scope = Scope("", identity, None, 0, None)
    started = identity.started
    top = Frame(TOP, scope, start, ENTER, identity.input, {}, FIRST_VISIT, started, 0, None)
    return Change(
        "ExecutionStarted",
        started,
        None,
        top,
        deadline_frame(top, definition.timeout_seconds, limits),
        1,
        ("ExecutionStarted",),
    )
