"""What TestState checks of a request before it runs anything: the mock, the context, the configuration.

Messages are AWS's where they were recorded; what boto3 finds before it sends is a
ParamValidationError in its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.definition import inner_blocks
from sfnbook.errors import UsageError
from sfnbook.tasks.shapes import ANY, NUMBER, TEXT, Shape, structure
from sfnbook.teststate.mocks import check_result, problem, refuse
from sfnbook.values import Json, checked, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sfnbook.program import Compiled

LEVELS: Final = ("INFO", "DEBUG", "TRACE")
MODES: Final = ("STRICT", "PRESENT", "NONE")
MOCKED: Final = frozenset({"Task", "Map", "Parallel"})
FANNING_OUT: Final = frozenset({"Map", "Parallel"})
LONGEST_NAME: Final = 80


class Mock(NamedTuple):
    """What stands in for the outside: a result, or an error and its cause."""

    result: Json
    fails: bool
    error: str | None
    cause: str | None
    mode: str


class Configuration(NamedTuple):
    """Where the test stands: retries so far, failed iterations, what an ItemReader would read."""

    retries: int = 0
    caused_by: str | None = None
    failed_items: int | None = None
    reader_data: bytes | None = None


# --- parameters -------------------------------------------------------------------------------------
def _invalid(report: str) -> None:
    refuse(f"Parameter validation failed:\n{report}", "ParamValidationError")


def _known(given: Any, fields: Iterable[str], where: str) -> dict[str, Json]:
    """The fields of a parameter that are set, or boto3's complaint of one that does not exist."""
    fields = tuple(fields)
    if not isinstance(given, dict):
        _invalid(
            f"Invalid type for parameter {where}, value: {given!r}, type: {type(given)}, "
            "valid types: <class 'dict'>"
        )
    for name in given:
        if name not in fields:
            _invalid(f'Unknown parameter in {where}: "{name}", must be one of: {", ".join(fields)}')
    return {name: value for name, value in given.items() if value is not None}


def _one_of(value: Json, allowed: tuple[str, ...], where: str) -> None:
    if value not in allowed:
        refuse(
            f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        )


def check_type(value: object, kind: type, parameter: str) -> None:
    """Refuse a parameter of another type, in the words of the API's clients; None is not given."""
    if value is not None and not isinstance(value, kind):
        given = f"value: {value!r}, type: {type(value)}, valid types: {kind}"
        _invalid(f"Invalid type for parameter {parameter}, {given}")


def check_parameters(name: str | None, level: str) -> None:
    """The state's name and the inspection level."""
    check_type(name, str, "stateName")
    check_type(level, str, "inspectionLevel")
    _one_of(level, LEVELS, "inspectionLevel")
    if name is None:
        return
    if not name:
        _invalid("Invalid length for parameter stateName, value: 0, valid min length: 1")
    if len(name) > LONGEST_NAME:
        refuse(
            f"1 validation error detected: Value '{name}' at 'stateName' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LONGEST_NAME}"
        )


def read_mock(given: Mapping[str, Json] | None) -> Mock | None:
    """The mock of a request.

    >>> read_mock({"errorOutput": {"error": "Boom"}}).error
    'Boom'
    """
    check_type(given, dict, "mock")
    if given is None:
        return None
    fields = _known(dict(given), ("result", "errorOutput", "fieldValidationMode"), "mock")
    # A result that is null is a result: only its absence is none.
    if ("result" in given) == ("errorOutput" in fields):
        refuse("A test mock should have only one of the following fields: [result, errorOutput].")
    mode = fields.get("fieldValidationMode", "STRICT")
    check_type(mode, str, "mock.fieldValidationMode")
    _one_of(mode, MODES, "mock.fieldValidationMode")
    check_type(fields.get("errorOutput"), dict, "mock.errorOutput")
    error = _known(fields.get("errorOutput") or {}, ("error", "cause"), "mock.errorOutput")
    for field in ("error", "cause"):
        check_type(error.get(field), str, f"mock.errorOutput.{field}")
    return Mock(
        _json(given.get("result")), "errorOutput" in fields, error.get("error"), error.get("cause"), mode
    )


def _json(value: Json) -> Json:
    try:
        return checked(value, "The mocked result")
    except UsageError:
        refuse("Mocked result must be valid JSON")


CONFIGURATION: Final = (
    "retrierRetryCount",
    "errorCausedByState",
    "mapIterationFailureCount",
    "mapItemReaderData",
)


def read_configuration(given: Mapping[str, Json] | None) -> Configuration:
    """The stateConfiguration of a request; what an ItemReader reads may be text or a JSON value.

    >>> read_configuration({"mapItemReaderData": [1, 2]}).reader_data
    b'[1,2]'
    """
    check_type(given, dict, "stateConfiguration")
    fields = _known(dict(given or {}), CONFIGURATION, "stateConfiguration")
    for name in ("retrierRetryCount", "mapIterationFailureCount"):
        count = fields.get(name, 0)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            _invalid(
                f"Invalid range for parameter stateConfiguration.{name}, value: {count}, valid min value: 0"
            )
    check_type(fields.get("errorCausedByState"), str, "stateConfiguration.errorCausedByState")
    data = fields.get("mapItemReaderData")
    if data is not None and not isinstance(data, bytes):
        shown = data if isinstance(data, str) else text(checked(data, "mapItemReaderData"))
        data = shown.encode("utf-8", "surrogatepass")
    return Configuration(
        fields.get("retrierRetryCount", 0),
        fields.get("errorCausedByState"),
        fields.get("mapIterationFailureCount"),
        data,
    )


def check_alone(
    mock: Mock | None, configuration: Mapping[str, Json] | None, context: Json, *, reveal_secrets: bool
) -> None:
    """What goes only with a mock, and the one thing that goes only without."""
    if mock is not None:
        if reveal_secrets:
            refuse("TestState does not support RevealSecrets when a mock is specified.")
        return
    given = [name for name in CONFIGURATION if (configuration or {}).get(name) is not None]
    given += ["context"] if context is not None else []
    for name in given:
        refuse(f"TestState does not support {name[:1].upper()}{name[1:]} when a mock is not specified.")


# --- the mock and the state ---------------------------------------------------------------------------
def check_cause(state: Compiled, configuration: Configuration) -> None:
    """The state that an error comes from stands inside the Map or Parallel."""
    name = configuration.caused_by
    inside = {one.name for block in inner_blocks(state.definition) for one in block.walk()}
    if name is not None and state.type in FANNING_OUT and name not in inside:
        refuse("State not found in definition")


def check_mock(state: Compiled, mock: Mock | None) -> None:
    """Does the mock suit the kind of state, and its result what the state would get?"""
    if mock is None:
        if state.type in FANNING_OUT:
            refuse(
                "TestState API does not support Map or Parallel states. "
                "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]",
                "InvalidDefinition",
            )
        return
    if state.type not in MOCKED:
        refuse(f"State type '{state.type}' is not supported when a mock is specified")
    if not mock.fails:
        RESULT_CHECKS[state.type](state, mock)


def _task_result(state: Any, mock: Mock) -> None:
    check_result(state.resource, mock.result, mock.mode)


def _map_result(state: Any, mock: Mock) -> None:
    """With its results exported to S3 a Map gives the place of their manifest."""
    writer = state.definition.result_writer
    if writer and "Resource" in writer:
        if not isinstance(mock.result, dict):
            refuse("Mocked result must be a JSON object.")
    elif not isinstance(mock.result, list):
        refuse("Mocked result must be an array.")


def _parallel_result(state: Any, mock: Mock) -> None:
    if not isinstance(mock.result, list):
        refuse("Mocked result must be an array.")
    if len(mock.result) != len(state.starts):
        refuse("Mocked result must contain the same number of items as number of Parallel branches.")


RESULT_CHECKS: Final = {"Task": _task_result, "Map": _map_result, "Parallel": _parallel_result}


# --- the context object -------------------------------------------------------------------------------
CONTEXT: Final[Mapping[str, Shape]] = {
    "Execution": structure(
        Id=TEXT, Input=ANY, Name=TEXT, RoleArn=TEXT, StartTime=TEXT, RedriveCount=NUMBER, RedriveTime=TEXT
    ),
    "State": structure(EnteredTime=TEXT, Name=TEXT, RetryCount=NUMBER),
    "StateMachine": structure(Id=TEXT, Name=TEXT),
}
_TASK: Final = structure(Token=TEXT)


def check_context(context: Json, state: Compiled) -> None:
    """Refuse what a context object does not have; a Task's token is for those that wait for one."""
    if context is None:
        return
    found = _context_problem(context, state)
    if found:
        refuse(f"Invalid Context object provided: {found}")


def _context_problem(context: Json, state: Any) -> str | None:
    if not isinstance(context, dict):
        return "it must be a JSON object"
    waits = state.type == "Task" and state.resource.pattern != "request"
    fields = {**CONTEXT, "Task": _TASK} if waits else CONTEXT
    for name, value in context.items():
        if name == "Map":
            return "'Map' field is not supported when mocking a Context object"
        if name not in fields:
            return f"Field '{name}' is not allowed"
        unknown = [key for key in value if key not in fields[name].members] if isinstance(value, dict) else []
        if unknown:
            return f"Field '{unknown[0]}' is not allowed"
        if found := problem(value, fields[name], name):
            return found
    return None
