"""Retry, Catch, the rules of a Choice, and what Distributed Maps read, batch and write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sfnbook.definition import JSONATA
from sfnbook.errors import ALL
from sfnbook.query.choice import OPERATORS
from sfnbook.validation.checks import (
    MAX_SECONDS,
    anything,
    array_of,
    integer,
    name,
    number,
    one_of,
    or_expression,
    string,
)
from sfnbook.validation.problems import Problem, Problems, Scope, names, required, unsupported, wrong_type
from sfnbook.validation.queries import (
    assign,
    choice_rule,
    condition,
    reference,
    result_path,
    template,
    with_error_output,
)
from sfnbook.validation.shapes import Shape, both, is_unfilled, jsonata_only, path_only

if TYPE_CHECKING:
    from sfnbook.values import Json

RETRIER: Final = Shape(
    {
        "ErrorEquals": both(array_of(name)),
        "IntervalSeconds": both(integer(1, MAX_SECONDS)),
        "MaxAttempts": both(integer(0, MAX_SECONDS)),
        "BackoffRate": both(number(1.0)),
        "MaxDelaySeconds": both(integer(1, 31_622_400)),
        "JitterStrategy": both(one_of("NONE", "FULL")),
        "Comment": both(string),
    },
    required=("ErrorEquals",),
)

CATCHER: Final = Shape(
    {
        "ErrorEquals": both(array_of(name)),
        "Next": both(name),
        "ResultPath": path_only(result_path),
        "Output": jsonata_only(with_error_output(template)),
        "Assign": both(with_error_output(assign)),
        "Comment": both(string),
    },
    required=("ErrorEquals", "Next"),
)


def retry(value: Json, pointer: str, scope: Scope) -> Problems:
    yield from array_of(RETRIER.check, filled=False)(value, pointer, scope)
    yield from _catch_all(value, pointer)


def catch(value: Json, pointer: str, scope: Scope) -> Problems:
    yield from array_of(CATCHER.check, filled=False)(value, pointer, scope)
    yield from _catch_all(value, pointer)


def _catch_all(entries: Json, pointer: str) -> Problems:
    """States.ALL matches everything, so nothing beside or behind it would ever be looked at."""
    if not isinstance(entries, list):
        return
    for index, entry in enumerate(entries):
        errors = entry.get("ErrorEquals") if isinstance(entry, dict) else None
        if isinstance(errors, list) and ALL in errors and (len(errors) > 1 or index < len(entries) - 1):
            yield Problem(f"{ALL} must appear alone and at end of list", f"{pointer}[{index}]/ErrorEquals")


# -- Choice ---------------------------------------------------------------------------------

RULE_TARGETS: Final = {
    "Next": both(name),
    "Assign": both(assign),
    "Output": jsonata_only(template),
    "Comment": both(string),
}
_COMPARISON: Final = frozenset({"Variable", "And", "Or", "Not", *OPERATORS})
JSONATA_RULE: Final = Shape(
    {
        **RULE_TARGETS,
        "Condition": jsonata_only(condition),
        **dict.fromkeys(_COMPARISON, path_only(anything)),
    },
    required=("Next",),
    exactly_one=(("And", "Or", "Not", "Variable", "Condition"),),
)
PATH_RULE: Final = Shape(RULE_TARGETS, required=("Next",))


def rule(value: Json, pointer: str, scope: Scope) -> Problems:
    """One entry of Choices: where it leads, and what it asks."""
    if scope.language == JSONATA or not isinstance(value, dict) or "Condition" in value:
        yield from JSONATA_RULE.check(value, pointer, scope)
        return
    yield from PATH_RULE.check({key: value[key] for key in value if key in RULE_TARGETS}, pointer, scope)
    comparison = {key: value[key] for key in value if key not in RULE_TARGETS}
    yield from _strangers(comparison, pointer)
    if not _is_unfilled_within(comparison):
        yield from choice_rule(comparison, pointer, scope)


def _strangers(value: Json, pointer: str) -> Problems:
    """Fields of a comparison, or of one inside it, that no rule has."""
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "Not":
            yield from _strangers(item, f"{pointer}/Not")
        elif key in ("And", "Or"):
            for index, each in enumerate(item if isinstance(item, list) else ()):
                yield from _strangers(each, f"{pointer}/{key}[{index}]")
        elif key not in _COMPARISON and key not in RULE_TARGETS:
            yield unsupported(key, pointer)


def _is_unfilled_within(value: Json) -> bool:
    if isinstance(value, dict | list):
        return any(map(_is_unfilled_within, value.values() if isinstance(value, dict) else value))
    return is_unfilled(value)


# -- Distributed Map ------------------------------------------------------------------------

_READERS: Final = re.compile(r"arn:[^:]+:states:::s3:(?:getObject|listObjectsV2)")
_WRITERS: Final = re.compile(r"arn:[^:]+:states:::s3:putObject")


def _reads(value: Json, pointer: str, _scope: Scope) -> Problems:
    if not isinstance(value, str) or not _READERS.fullmatch(value):
        yield Problem(
            "The field 'Resource' does not match any of the allowed values. Examples: "
            "[arn:<partition>:states:::s3:getObject, arn:<partition>:states:::s3:listObjectsV2]",
            pointer,
        )


def _writes(value: Json, pointer: str, _scope: Scope) -> Problems:
    if not isinstance(value, str) or not _WRITERS.fullmatch(value):
        yield Problem(
            "The field 'Resource' does not match any of the allowed values. Examples: "
            "[arn:<partition>:states:::s3:putObject]",
            pointer,
        )


def _csv(value: dict[str, Json], pointer: str, _scope: Scope) -> Problems:
    if value.get("InputType") == "CSV":
        if "CSVHeaderLocation" not in value:
            yield required(["CSVHeaderLocation"], pointer)
        if value.get("CSVHeaderLocation") == "GIVEN" and "CSVHeaders" not in value:
            yield required(["CSVHeaders"], pointer)
    elif isinstance(value.get("InputType"), str) and value.get("ManifestType") is None:
        for field in ("CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"):
            if field in value and value["InputType"] != "MANIFEST" and not is_unfilled(value["InputType"]):
                yield unsupported(field, pointer)


def _manifest(value: dict[str, Json], pointer: str, _scope: Scope) -> Problems:
    if value.get("ManifestType") == "S3_INVENTORY" and "InputType" in value:
        yield unsupported("InputType", pointer)
    if value.get("ManifestType") == "ATHENA_DATA" and value.get("InputType") not in (
        "CSV",
        "JSONL",
        "PARQUET",
    ):
        yield Problem("Value should be one of the following: [CSV, JSONL, PARQUET]", f"{pointer}/InputType")


READER_CONFIG: Final = Shape(
    {
        "InputType": both(one_of("CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")),
        "Transformation": both(one_of("NONE", "LOAD_AND_FLATTEN")),
        "ManifestType": both(one_of("ATHENA_DATA", "S3_INVENTORY")),
        "CSVDelimiter": both(one_of("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")),
        "CSVHeaderLocation": both(one_of("FIRST_ROW", "GIVEN")),
        "CSVHeaders": both(array_of(string)),
        "ItemsPointer": both(string),
        "MaxItems": both(or_expression(integer(0, 100_000_000))),
        "MaxItemsPath": path_only(reference),
    },
    at_most_one=(("MaxItems", "MaxItemsPath"),),
    rules=(_csv, _manifest),
)

ITEM_READER: Final = Shape(
    {
        "Resource": both(_reads),
        "ReaderConfig": both(READER_CONFIG.check),
        "Parameters": path_only(template),
        "Arguments": jsonata_only(template),
    },
    required=("Resource",),
)


def _limits(value: dict[str, Json], pointer: str, _scope: Scope) -> Problems:
    limits = (
        "MaxItemsPerBatch",
        "MaxItemsPerBatchPath",
        "MaxInputBytesPerBatch",
        "MaxInputBytesPerBatchPath",
    )
    if not any(limit in value for limit in limits):
        yield Problem(
            f"This object should have at least one of the following fields: {names(limits)}", pointer
        )


ITEM_BATCHER: Final = Shape(
    {
        "MaxItemsPerBatch": both(or_expression(integer(1))),
        "MaxItemsPerBatchPath": path_only(reference),
        "MaxInputBytesPerBatch": both(or_expression(integer(1, 262_144))),
        "MaxInputBytesPerBatchPath": path_only(reference),
        "BatchInput": both(template),
    },
    at_most_one=(
        ("MaxItemsPerBatch", "MaxItemsPerBatchPath"),
        ("MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath"),
    ),
    rules=(_limits,),
)


def _destination(value: dict[str, Json], pointer: str, scope: Scope) -> Problems:
    """WriterConfig alone, or a Resource with its parameters, or all of them; never nothing."""
    parameters = "Arguments" if scope.language == JSONATA else "Parameters"
    if not value:
        yield Problem("Value cannot be empty", pointer)
    elif ("Resource" in value) != (parameters in value):
        yield required([parameters if "Resource" in value else "Resource"], pointer)


WRITER_CONFIG: Final = Shape(
    {
        "Transformation": both(one_of("NONE", "COMPACT", "FLATTEN")),
        "OutputType": both(one_of("JSON", "JSONL")),
    },
    required=("Transformation", "OutputType"),
)

RESULT_WRITER: Final = Shape(
    {
        "Resource": both(_writes),
        "WriterConfig": both(WRITER_CONFIG.check),
        "Parameters": path_only(template),
        "Arguments": jsonata_only(template),
    },
    rules=(_destination,),
)


def credentials(value: Json, pointer: str, scope: Scope) -> Problems:
    """Whose rights a Task uses: an object with a RoleArn."""
    if not isinstance(value, dict):
        yield wrong_type("[OBJECT]", pointer)
        return
    if "RoleArn" not in value and not (scope.language != JSONATA and "RoleArn.$" in value):
        yield Problem("The field 'RoleArn' is required but was missing", pointer)
    elif not isinstance(value.get("RoleArn", ""), str):
        yield wrong_type("[STRING]", f"{pointer}/RoleArn")
    yield from template(value, pointer, scope)
