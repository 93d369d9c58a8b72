"""ResultWriter: what child executions gave -> the state's result, and the files in S3.

    NONE      a record of each child: input, output and metadata; the default of an export
    COMPACT   the outputs alone; the default where nothing is exported
    FLATTEN   the outputs, arrays among them taken apart (one level)

A child that did not succeed is always its NONE record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.errors import RESULT_WRITER_FAILED, Failed
from sfnbook.items.store import Store, StoreError, required
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

MAX_FILE_BYTES: Final = 5 * 1024**3
"""AWS starts another result file at 5 GB."""


class ChildResult(NamedTuple):
    """One child execution of a Map Run; ``start`` and ``stop`` are ISO 8601 texts.

    ``status`` is AWS's: SUCCEEDED, FAILED, TIMED_OUT, ABORTED; PENDING for a child that was
    never started.
    """

    execution_arn: str
    name: str
    input: Json
    status: str
    output: Json = None
    error: str | None = None
    cause: str | None = None
    start: str | None = None
    stop: str | None = None
    state_machine_arn: str = ""
    redrive_count: int = 0

    @property
    def group(self) -> str:
        """The kind of result file that the child is written to."""
        return _GROUPS.get(self.status, "PENDING")


_GROUPS: Final = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "TIMED_OUT": "FAILED", "ABORTED": "FAILED"}


def write_results(
    children: Sequence[ChildResult],
    *,
    writer: Mapping[str, Json] | None = None,
    parameters: Mapping[str, Json] | None = None,
    config: Mapping[str, Json] | None = None,
    store: Store | None = None,
    map_run_arn: str = "",
    uuid: str = "",
    max_file_bytes: int = MAX_FILE_BYTES,
) -> Json:
    """The result of a Distributed Map: where its files are, or the list itself without an export.

    ``writer`` is the ResultWriter's JSON (None or empty: there is none), ``parameters`` and
    ``config`` its Parameters or Arguments and its WriterConfig, evaluated; ``uuid`` is the Map
    Run's and names the folder.  With OutputType JSONL it is the files that change, a list that
    stays in the state's result is a list.

    >>> write_results([ChildResult("arn:...", "c", {}, "SUCCEEDED", output=7)])
    [7]
    """
    config = config if config is not None else (writer or {}).get("WriterConfig") or {}
    if not writer or "Resource" not in writer:
        return transformed(children, config.get("Transformation", "COMPACT"))
    fields = {} if parameters is None else parameters
    if not isinstance(fields, dict):  # an expression may give anything
        raise _failed(f"The ResultWriter's parameters must be an object, but were: {text(fields)}")
    bucket, prefix = _text(fields, "Bucket"), str(fields.get("Prefix") or "").rstrip("/")
    folder = f"{prefix}/{uuid}" if prefix else uuid
    key = f"{folder}/manifest.json"
    store = required(store, bucket, key)
    files: dict[str, list[Json]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    try:
        for group, data in _files(children, config, max_file_bytes):
            file = f"{folder}/{group}_{len(files[group])}.json"
            store.put(bucket, file, data)
            files[group].append({"Key": file, "Size": len(data)})
        manifest = {"DestinationBucket": bucket, "MapRunArn": map_run_arn, "ResultFiles": files}
        store.put(bucket, key, _encoded(text(manifest)))
    except StoreError as problem:
        raise _failed(str(problem)) from None
    return {"MapRunArn": map_run_arn, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}


def transformed(children: Sequence[ChildResult], transformation: str) -> list[Json]:
    """The results of children in their order: NONE, COMPACT or FLATTEN.

    >>> child = ChildResult("arn:...", "c", {}, "SUCCEEDED", output=[1, [2]])
    >>> transformed([child], "COMPACT"), transformed([child, child], "FLATTEN")
    ([[1, [2]]], [1, [2], 1, [2]])
    """
    try:
        give = TRANSFORMATIONS[transformation]
    except (KeyError, TypeError):
        known = ", ".join(TRANSFORMATIONS)
        raise _failed(f"The Transformation {text(transformation)} is none of {known}.") from None
    results: list[Json] = []
    for child in children:
        results += give(child) if child.group == "SUCCEEDED" else [record(child)]
    return results


def record(child: ChildResult) -> dict[str, Json]:
    """A child as AWS writes it under NONE, its input and output as JSON text.

    >>> record(ChildResult("arn:...", "c", {"a": 1}, "FAILED", error="Boom"))["Input"]
    '{"a":1}'
    """
    fields = {
        "Cause": child.cause,
        "Error": child.error,
        "ExecutionArn": child.execution_arn,
        "Input": text(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "Output": text(child.output) if child.group == "SUCCEEDED" else None,
        "OutputDetails": {"Included": True},
        "RedriveCount": child.redrive_count,
        **_redrive_status(child),
        "StartDate": child.start,
        "StateMachineArn": child.state_machine_arn,
        "Status": child.status,
        "StopDate": child.stop,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _redrive_status(child: ChildResult) -> dict[str, str]:
    if child.group == "FAILED":
        return {"RedriveStatus": "REDRIVABLE_BY_MAP_RUN"}
    reason = f"Execution is {child.status} and cannot be redriven"
    return {"RedriveStatus": "NOT_REDRIVABLE", "RedriveStatusReason": reason}


TRANSFORMATIONS: Final[dict[str, Callable[[ChildResult], list[Json]]]] = {
    "NONE": lambda child: [record(child)],
    "COMPACT": lambda child: [child.output],
    "FLATTEN": lambda child: child.output if isinstance(child.output, list) else [child.output],
}


class Layout(NamedTuple):
    """What stands before, between and after the results in a file."""

    before: bytes
    between: bytes
    after: bytes


LAYOUTS: Final = {"JSON": Layout(b"[", b",", b"]"), "JSONL": Layout(b"", b"\n", b"\n")}


def _files(
    children: Sequence[ChildResult], config: Mapping[str, Json], limit: int
) -> Iterator[tuple[str, bytes]]:
    """The group and the content of each result file; a group without children has none."""
    form = config.get("OutputType", "JSON")
    if form not in LAYOUTS:
        raise _failed(f"The OutputType {text(form)} is none of {', '.join(LAYOUTS)}.")
    for group in ("FAILED", "PENDING", "SUCCEEDED"):
        members = [child for child in children if child.group == group]
        lines = map(_encoded, map(text, transformed(members, config.get("Transformation", "NONE"))))
        for part in _parts(lines, limit):
            yield group, _joined(part, LAYOUTS[form])


def _parts(lines: Iterable[bytes], limit: int) -> Iterator[list[bytes]]:
    """The lines of each file, as many as the limit allows but at least one."""
    part: list[bytes] = []
    used = 0
    for line in lines:
        if part and used + len(line) > limit:
            yield part
            part, used = [], 0
        part.append(line)
        used += len(line) + 1
    if part:
        yield part


def _joined(lines: list[bytes], layout: Layout) -> bytes:
    return layout.before + layout.between.join(lines) + layout.after


def _encoded(line: str) -> bytes:
    return line.encode("utf-8", "surrogatepass")


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _failed(f"The field '{name}' must be a string that is not empty, but was: {text(value)}")
    return value


def _failed(cause: str) -> Failed:
    return Failed(RESULT_WRITER_FAILED, cause, prefixed=False)
