"""A recording that is replayed, as JSON in the file of a session, and back again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook import parse
from sfnbook.recordings.events import PAYLOADS, Event
from sfnbook.recordings.places import Places
from sfnbook.recordings.reading import RecordedExecution
from sfnbook.tasks.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sfnbook.values import Json

DESCRIBED: Final = ("executionArn", "name", "stateMachineArn", "status", "startDate")
"""What is kept of a description; its input is that of the execution."""

PRIVATE: Final = (*PAYLOADS, "assignedVariables", "error", "cause")
"""The details of an event that hold people's data."""


def document(recorded: Recorded) -> dict[str, Json]:
    """The recording as JSON."""
    execution = recorded.places.recording
    recorded_source, own = recorded.sources
    return {
        "arn": execution.arn,
        "described": {name: execution.described[name] for name in DESCRIBED if name in execution.described},
        "events": [{**event._asdict(), "details": dict(event.details)} for event in execution.events],
        "definition": recorded_source,
        "own": None if own == recorded_source else own,
        "inside": recorded.inside,
        "prefix": recorded.prefix,
        "outer": [list(pair) for pair in recorded.outer],
    }


def recorded_of(document: Mapping[str, Any]) -> Recorded:
    """The recording of such a document.  Raises LookupError, TypeError or ValueError for a damaged one."""
    events = tuple(sorted(Event(**event) for event in document["events"]))
    execution = RecordedExecution(events, document["arn"], dict(document["described"]))
    source = document["definition"]
    own = source if document["own"] is None else document["own"]
    return Recorded(
        Places(execution, parse.definition(source)),
        inside=bool(document["inside"]),
        prefix=str(document["prefix"]),
        outer=tuple((int(visit), int(attempt)) for visit, attempt in document["outer"]),
        definition=None if own is source else parse.definition(own),
        sources=(source, own),
    )


def payloads(recorded: Recorded) -> Iterator[Json]:
    """The data that was recorded."""
    for event in recorded.places.recording.events:
        yield from (value for name, value in event.details.items() if name in PRIVATE)


def replaced(document: dict[str, Json], of: Callable[[Json], Json]) -> None:
    """Put something else in the place of the data in a document."""
    for event in document["events"]:
        event["details"] = {
            name: of(value) if name in PRIVATE else value for name, value in event["details"].items()
        }
