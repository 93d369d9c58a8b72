"""The TestState API: one state, run alone, with a mock in place of the outside.

    request.py  what is checked of a request
    mocks.py    the form of each service's answer
    trial.py    the state in a frame of its own, under the engine's own rules

https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
"""

# ruff: noqa: PT028 - test_state is a function of the API, not a test

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance, parse, source, validation
from sfnbook.clock import seconds, start_instant
from sfnbook.definition import Definition, Task
from sfnbook.errors import DefinitionError, UnansweredTask
from sfnbook.frames import ENTER, FIRST_VISIT, TOP, WORLD, Frame, Identity, Scope
from sfnbook.items.store import open_store
from sfnbook.limits import AWS_LIMITS
from sfnbook.outside import paths_of
from sfnbook.program import compile_definition
from sfnbook.scene import world_of
from sfnbook.tasks.answers import TaskRef, compile_answers, task_ref
from sfnbook.tasks.protocol import Call, Outcome
from sfnbook.teststate.mocks import ApiError, refuse
from sfnbook.teststate.request import (
    Mock,
    check_alone,
    check_cause,
    check_context,
    check_mock,
    check_parameters,
    check_type,
    read_configuration,
    read_mock,
)
from sfnbook.teststate.trial import Trial, TrialScene
from sfnbook.validation.transitions import targets
from sfnbook.validation.walk import blocks
from sfnbook.values import Json, checked, copied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sfnbook.errors import Diagnostic

__all__ = ["ApiError", "test_state"]

STATE: Final = "StateName"
"""What AWS calls the state under test, whatever its name is in the machine."""

ACCOUNT: Final = "111122223333"


def test_state(
    machine: Any,
    name: str | None = None,
    input: Json = None,  # noqa: A002 - the API's word
    *,
    mock: Mapping[str, Json] | None = None,
    context: Mapping[str, Json] | None = None,
    variables: Mapping[str, Json] | None = None,
    inspection_level: str = "TRACE",
    state_configuration: Mapping[str, Json] | None = None,
    reveal_secrets: bool = False,
    tasks: Any = None,
    files: Any = None,
    role_arn: str | None = None,
    account: str | None = None,
    start_time: Any = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Test one state and give the TestState API's response; what the API refuses raises `ApiError`.

    ``machine`` is a StateMachine or a definition, and ``name`` the state in it, nested ones
    included; without ``name`` it is the definition of a single state.  ``mock`` and
    ``state_configuration`` have the API's fields, with JSON values where the API has text;
    ``tasks`` and ``files`` answer where there is no mock.

    >>> state = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Next": "B"}
    >>> test_state(state, mock={"result": {"MessageId": "7"}}, inspection_level="INFO")
    {'status': 'SUCCEEDED', 'output': '{"MessageId":"7"}', 'nextState': 'B'}
    """
    check_parameters(name, inspection_level)
    mocked = read_mock(mock)
    configuration = read_configuration(state_configuration)
    check_alone(mocked, state_configuration, context, reveal_secrets=reveal_secrets)
    definition = _definition(machine)
    program = compile_definition(_isolated(definition, name))
    state = program.states[program.start]
    if state.type == "Task" and mocked is None and role_arn is None and tasks is None:
        refuse("RoleArn must be specified when testing a Task state")
    check_type(variables, dict, "variables")
    check_mock(state, mocked)
    check_cause(state, configuration)
    context = None if context is None else checked(context, "The context object")
    check_context(context, state)

    given = {} if input is None else checked(input, "The input")
    identity = _identity(given, role_arn, account or _account(role_arn), start_instant(start_time), seed)
    top = _frame(program.start, identity, checked(dict(variables or {}), "The variables"))
    scene = TrialScene({WORLD: world_of(top), TOP: top}, program, AWS_LIMITS, seed, context)
    scene.files = open_store(files)
    answer = (
        _mocked(mocked)
        if mocked is not None or state.type != "Task"
        else _asking(tasks, definition, name, scene)
    )
    trial = Trial(state, scene, mocked, configuration, answer)
    return trial.response(trial.run(), inspected=inspection_level != "INFO")


# Test frameworks take a function of this name for a test.
test_state.__test__ = False  # type: ignore[attr-defined]


# --- the definition -----------------------------------------------------------------------------------
def _definition(machine: Any) -> Json:
    """The JSON of a machine or a state; a StateMachine gives its ``source``."""
    try:
        return source.read(getattr(machine, "source", machine)).data
    except DefinitionError as unreadable:
        raise _invalid(unreadable.diagnostics) from None


def _isolated(data: Json, name: str | None) -> Definition:
    """A machine of the one state; its targets need not exist, unless the whole machine is given."""
    whole = data if name is not None else _with_targets(data)
    errors = [one for one in validation.diagnose(whole) if one.severity == "ERROR"]
    if errors:
        raise _invalid(errors)
    state = data if name is None else _state(data, name)
    # A state of a machine inherits the machine's language, however deep it stands.
    language = {"QueryLanguage": whole["QueryLanguage"]} if "QueryLanguage" in whole else {}
    return parse.definition({"StartAt": STATE, "States": {STATE: state}, **language})


def _with_targets(state: Json) -> Json:
    """A machine in which the state is the first, and every state that it leads to an end."""
    names = [name for name, _ in targets(state)] if isinstance(state, dict) else []
    ends = {name: {"Type": "Succeed"} for name in names if name != STATE}
    return {"StartAt": STATE, "States": {STATE: state, **ends}}


def _state(machine: Json, name: str) -> Json:
    for block in blocks(machine):
        if name in block.source["States"]:
            return block.source["States"][name]
    return refuse("State not found in definition")


def _invalid(errors: Sequence[Diagnostic]) -> ApiError:
    shown = ", ".join(
        f"{one.code}: {one.message}" + ("" if one.pointer is None else f" at {one.pointer or '/'}")
        for one in errors
    )
    return ApiError("InvalidDefinition", f"Invalid State Machine Definition: '{shown}'")


# --- the execution it seems to be in --------------------------------------------------------------------
def _account(role_arn: str | None) -> str:
    """The account of the role, or the one that machines are in otherwise."""
    fields = (role_arn or "").split(":")
    return fields[4] if len(fields) > 4 and fields[4] else ACCOUNT


def _identity(given: Json, role_arn: str | None, account: str, started: int, seed: int) -> Identity:
    """An Express execution with names of its own, of a machine with a name of its own."""
    machine, run = (
        chance.uuid_text(chance.combine(seed, chance.digest(what))) for what in ("machine", "run")
    )
    region = f"arn:aws:states:us-east-1:{account}"
    return Identity(
        TOP,
        machine="main",
        arn=f"{region}:express:{machine}:{run}",
        name=run,
        machine_arn=f"{region}:stateMachine:{machine}",
        machine_name=machine,
        role_arn=role_arn,  # type: ignore[arg-type] # AWS shows null where no role is given
        input=given,
        started=started,
        type="EXPRESS",
    )


def _frame(start: str, identity: Identity, variables: dict[str, Json]) -> Frame:
    scope = Scope("", identity, parent=None, index=0, lineage=None)
    due = identity.started
    return Frame(TOP, scope, start, ENTER, identity.input, variables, FIRST_VISIT, due, event=0, work=None)


# --- who answers ------------------------------------------------------------------------------------------
def _mocked(mock: Mock | None) -> Callable[[Frame], Outcome]:
    outcome = Outcome(mock.result, mock.error, mock.cause, mock.fails) if mock else Outcome()
    return lambda _frame: outcome


def _asking(tasks: Any, definition: Json, name: str | None, scene: TrialScene) -> Callable[[Frame], Outcome]:
    """Whoever answers in ``tasks``, which may speak of any Task of the machine."""
    program = compile_definition(parse.definition(definition if name else _with_targets(definition)))
    states = program.states
    refs = {
        path: task_ref(path, states[pointer].definition)
        for path, (_, pointer) in paths_of({"main": program}).items()
        if isinstance(states[pointer].definition, Task)
    }
    answers = compile_answers(tasks, refs.values())
    ref = next(ref for ref in refs.values() if ref.name == (name or STATE))

    def ask(frame: Frame) -> Outcome:
        found = answers.find(ref)
        if found is None:
            raise UnansweredTask(ref.path, ref.name, answers.literal(ref, scene.state(frame).resource))
        return answers.perform(found, _call(ref, scene, frame))

    return ask


def _call(ref: TaskRef, scene: TrialScene, frame: Frame) -> Call:
    task = frame.work
    return Call(
        path=ref.path,
        state=ref.name,
        resource=ref.resource,
        input=copied(task.arguments),
        attempt=frame.visit.retries + 1,
        token=task.token,
        context=copied(scene.context_of(frame)),
        remaining=None if task.timeout is None else seconds(task.timeout),
    )
