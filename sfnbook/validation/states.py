"""The tables: which fields a machine, a branch and each kind of state has, and what they may hold.

A new field of the States Language is one line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sfnbook.definition import JSONATA, JSONPATH, STATE_TYPES
from sfnbook.validation.checks import (
    EMPTY,
    MAX_SECONDS,
    anything,
    array_of,
    boolean,
    integer,
    label,
    name,
    number,
    one_of,
    or_expression,
    string,
    timestamp,
)
from sfnbook.validation.policies import (
    ITEM_BATCHER,
    ITEM_READER,
    RESULT_WRITER,
    catch,
    credentials,
    retry,
    rule,
)
from sfnbook.validation.problems import Problem, Problems, Scope, names, required, unsupported, wrong_type
from sfnbook.validation.queries import (
    assign,
    path,
    path_or_intrinsic,
    reference,
    result_path,
    template,
    with_result,
)
from sfnbook.validation.resources import is_activity, resource
from sfnbook.validation.shapes import Field, Shape, both, is_unfilled, jsonata_only, path_only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.values import Json

_LANGUAGES: Final = one_of(JSONPATH, JSONATA)


# -- blocks: the machine, a branch, an item processor ---------------------------------------


def _states(value: Json, pointer: str, scope: Scope) -> Problems:
    if not isinstance(value, dict):
        yield wrong_type("[OBJECT]", pointer)
        return
    if not value:
        yield Problem(EMPTY, pointer)
    for state_name, item in value.items():
        where = f"{pointer}/{state_name}"
        if not state_name:
            yield Problem("Invalid State name: it is empty", where, "INVALID_STATE_NAME")
        if len(state_name) > 80:
            yield Problem(
                f"Invalid State name: {state_name} exceeds the 80-character limit allowed by the service",
                where,
                "INVALID_STATE_NAME",
            )
        yield from state(item, where, scope)


_BLOCK: Final[Mapping[str, Field]] = {
    "Comment": both(string),
    "StartAt": both(name),
    "States": both(_states),
}

MACHINE: Final = Shape(
    {
        **_BLOCK,
        "Version": both(one_of("1.0")),
        "TimeoutSeconds": both(integer(0, MAX_SECONDS)),
        "QueryLanguage": both(_LANGUAGES),
    },
    required=("States", "StartAt"),
)

BRANCH: Final = Shape(_BLOCK, required=("States", "StartAt"))


def _mode(value: dict[str, Json], pointer: str, _scope: Scope) -> Problems:
    if value.get("Mode") == "DISTRIBUTED":
        if "ExecutionType" not in value:
            yield required(["ExecutionType"], pointer)
    elif value.get("Mode", "INLINE") == "INLINE" and "ExecutionType" in value:
        yield unsupported("ExecutionType", pointer)


_PROCESSOR_CONFIG: Final = Shape(
    {
        "Mode": both(one_of("INLINE", "DISTRIBUTED")),
        "ExecutionType": both(one_of("STANDARD", "EXPRESS")),
    },
    rules=(_mode,),
)

_PROCESSOR: Final = Shape(
    {**_BLOCK, "ProcessorConfig": both(_PROCESSOR_CONFIG.check)}, required=("States", "StartAt")
)


def _processor(value: Json, pointer: str, scope: Scope) -> Problems:
    """The children of a Distributed Map may be Express executions, with what those lack."""
    config = value.get("ProcessorConfig") if isinstance(value, dict) else None
    config = config if isinstance(config, dict) else {}
    if scope.express and config.get("Mode") == "DISTRIBUTED":
        yield Problem(
            "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines",
            f"{pointer}/ProcessorConfig/Mode",
        )
    express = scope.express or config.get("ExecutionType") == "EXPRESS"
    yield from _PROCESSOR.check(value, pointer, scope._replace(express=express))


# -- the eight states -----------------------------------------------------------------------

_COMMON: Final[Mapping[str, Field]] = {
    "Type": both(string),
    "Comment": both(string),
    "QueryLanguage": both(_LANGUAGES),
}
_MOVING: Final[Mapping[str, Field]] = {"Next": both(name), "End": both(boolean)}
_FILTERS: Final[Mapping[str, Field]] = {
    "InputPath": path_only(path(null=True)),
    "OutputPath": path_only(path(null=True)),
}
_GIVING: Final[Mapping[str, Field]] = {"Output": jsonata_only(template), "Assign": both(assign)}
_WORKING: Final[Mapping[str, Field]] = {
    "Parameters": path_only(template),
    "ResultSelector": path_only(template),
    "ResultPath": path_only(result_path),
    "Output": jsonata_only(with_result(template)),
    "Assign": both(with_result(assign)),
    "Retry": both(retry),
    "Catch": both(catch),
}
_SECONDS: Final = both(or_expression(integer(1, MAX_SECONDS)))
_COUNT: Final = both(or_expression(integer(0)))
_EITHER_WAY: Final = (("Next", "End"),)


def _heartbeat(value: dict[str, Json], pointer: str, _scope: Scope) -> Problems:
    beat, limit = value.get("HeartbeatSeconds"), value.get("TimeoutSeconds")
    if isinstance(beat, int) and isinstance(limit, int) and beat >= limit:
        yield Problem("HeartbeatSeconds must be smaller than TimeoutSeconds", f"{pointer}/HeartbeatSeconds")


def _no_credentials(value: dict[str, Json], pointer: str, _scope: Scope) -> Problems:
    if "Credentials" in value and is_activity(value.get("Resource")):
        yield Problem("The field 'Credentials' is not supported for activities", pointer)


def _pairs(*fields: str) -> tuple[tuple[str, str], ...]:
    """Each field and its Path form exclude each other."""
    return tuple((field, f"{field}Path") for field in fields)


STATES: Final[Mapping[str, Shape]] = {
    "Task": Shape(
        {
            **_COMMON,
            **_MOVING,
            **_FILTERS,
            **_WORKING,
            "Arguments": jsonata_only(template),
            "Resource": both(resource),
            "Credentials": both(credentials),
            "TimeoutSeconds": _SECONDS,
            "TimeoutSecondsPath": path_only(path()),
            "HeartbeatSeconds": _SECONDS,
            "HeartbeatSecondsPath": path_only(path()),
        },
        required=("Resource",),
        exactly_one=_EITHER_WAY,
        at_most_one=_pairs("TimeoutSeconds", "HeartbeatSeconds"),
        rules=(_heartbeat, _no_credentials),
    ),
    "Pass": Shape(
        {
            **_COMMON,
            **_MOVING,
            **_FILTERS,
            **_GIVING,
            "Parameters": path_only(template),
            "Result": path_only(anything),
            "ResultPath": path_only(result_path),
        },
        exactly_one=_EITHER_WAY,
    ),
    "Wait": Shape(
        {
            **_COMMON,
            **_MOVING,
            **_FILTERS,
            **_GIVING,
            "Seconds": both(or_expression(integer(0, MAX_SECONDS))),
            "SecondsPath": path_only(path()),
            "Timestamp": both(or_expression(timestamp)),
            "TimestampPath": path_only(path()),
        },
        exactly_one=(("Next", "End"), ("SecondsPath", "Seconds", "TimestampPath", "Timestamp")),
    ),
    "Choice": Shape(
        {
            **_COMMON,
            **_FILTERS,
            **_GIVING,
            "Choices": both(array_of(rule)),
            "Default": both(name),
        },
        required=("Choices",),
    ),
    "Succeed": Shape({**_COMMON, **_FILTERS, "Output": jsonata_only(template)}),
    "Fail": Shape(
        {
            **_COMMON,
            "Error": both(or_expression(string)),
            "ErrorPath": path_only(path_or_intrinsic),
            "Cause": both(or_expression(string)),
            "CausePath": path_only(path_or_intrinsic),
        },
        at_most_one=_pairs("Error", "Cause"),
    ),
    "Parallel": Shape(
        {
            **_COMMON,
            **_MOVING,
            **_FILTERS,
            **_WORKING,
            "Arguments": jsonata_only(template),
            "Branches": both(array_of(BRANCH.check)),
        },
        required=("Branches",),
        exactly_one=_EITHER_WAY,
    ),
    "Map": Shape(
        {
            **_COMMON,
            **_MOVING,
            **_FILTERS,
            **_WORKING,
            "ItemProcessor": both(_processor),
            "Iterator": both(_processor),
            "ItemsPath": path_only(path()),
            "Items": jsonata_only(template),
            "ItemSelector": both(template),
            "ItemReader": both(ITEM_READER.check),
            "ItemBatcher": both(ITEM_BATCHER.check),
            "ResultWriter": both(RESULT_WRITER.check),
            "MaxConcurrency": _COUNT,
            "MaxConcurrencyPath": path_only(reference),
            "ToleratedFailureCount": _COUNT,
            "ToleratedFailureCountPath": path_only(reference),
            "ToleratedFailurePercentage": both(or_expression(number(0.0, 100.0))),
            "ToleratedFailurePercentagePath": path_only(reference),
            "Label": both(label),
        },
        exactly_one=(("Next", "End"), ("ItemProcessor", "Iterator")),
        at_most_one=(
            ("ItemSelector", "Parameters"),
            *_pairs("MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"),
        ),
    ),
}


def state(value: Json, pointer: str, scope: Scope) -> Problems:
    """Every problem of one state and of what is inside it."""
    if not isinstance(value, dict):
        yield wrong_type("[OBJECT]", pointer)
        return
    kind = value.get("Type")
    if is_unfilled(kind):
        return
    if "Type" not in value:
        yield required(["Type"], pointer)
    elif not isinstance(kind, str) or kind not in STATES:
        yield Problem(
            f"The field 'Type' should have one of these values: {names(STATE_TYPES)}", f"{pointer}/Type"
        )
    else:
        language = _language(value, scope)
        downgraded = scope.machine == JSONATA and language == JSONPATH
        if downgraded:
            yield Problem(
                "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", pointer
            )
        yield from STATES[kind].check(
            value, pointer, scope._replace(language=language, downgraded=downgraded)
        )


def _language(value: dict[str, Json], scope: Scope) -> str:
    """AWS takes anything but exactly "JSONPath" for JSONata, and complains of the spelling besides."""
    declared = value.get("QueryLanguage", scope.machine)
    return JSONPATH if declared == JSONPATH or is_unfilled(declared) else JSONATA
