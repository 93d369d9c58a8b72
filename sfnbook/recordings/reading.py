"""Whatever AWS's tools print of an execution -> its events in the order of their ids.

Takes pages of GetExecutionHistory (one, several, concatenated, JSON Lines, newest first), bare lists
of events, and the records of CloudWatch Logs: as they are, as ``filter-log-events``, a Logs Insights
query, ``aws logs tail`` or a subscription give them.  Nothing is evaluated, files are bounded, and
what is missing is said in the notes.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sfnbook.errors import UsageError, kind_of, nearest
from sfnbook.files import read_text
from sfnbook.recordings.events import ENDS, Event, event_of, instant_of, is_cut, is_event, is_logged, parsed

if TYPE_CHECKING:
    from sfnbook.values import Json

MAX_BYTES: Final = 256 * 1024 * 1024
_SHOWN: Final = 10


@dataclass(frozen=True)
class RecordedExecution:
    """One execution as it was recorded.

    ``events`` are in the order of their ids; ``described`` is what describe-execution says, if it was
    given; ``notes`` say once what the recording lacks.
    """

    events: tuple[Event, ...]
    arn: str | None = None
    described: Mapping[str, Json] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def started(self) -> Event | None:
        """Its ExecutionStarted; None where the recording begins later."""
        first = self.events[0] if self.events else None
        return first if first is not None and first.type == "ExecutionStarted" else None

    @property
    def ended(self) -> Event | None:
        """The event that ended it; None if it was still running."""
        return self.events[-1] if self.events and self.events[-1].type in ENDS else None

    @property
    def status(self) -> str:
        """As DescribeExecution says it."""
        return str(self.described.get("status") or (ENDS[self.ended.type] if self.ended else "RUNNING"))

    @property
    def name(self) -> str | None:
        """Its name: from the description, or out of its ARN."""
        # Without an ARN of its own it is the description of a state machine.
        given = self.described.get("name") if "executionArn" in self.described else None
        parts = (self.arn or "").split(":")
        return str(given) if given else (parts[7] if len(parts) > 7 else None)

    @property
    def type(self) -> str | None:
        """EXPRESS or STANDARD, as its ARN says."""
        parts = (self.arn or "").split(":")
        return None if len(parts) < 6 else ("EXPRESS" if parts[5] == "express" else "STANDARD")

    @property
    def machine_arn(self) -> str | None:
        """The ARN of its state machine."""
        given = self.described.get("stateMachineArn")
        parts = (self.arn or "").split(":")
        derived = ":".join([*parts[:5], "stateMachine", parts[6]]) if len(parts) > 6 else None
        return str(given) if given else derived

    @property
    def time(self) -> int | None:
        """When it started, in microseconds."""
        given = instant_of(self.described["startDate"]) if "startDate" in self.described else None
        return self.events[0].time if self.started is not None and self.started.time is not None else given

    @property
    def has_input(self) -> bool:
        """Is its input known?"""
        return "input" in (self.started.details if self.started else {}) or "input" in self.described

    @property
    def input(self) -> Json:
        """Its input; ``{}`` where that is not recorded."""
        started = self.started
        if started is not None and "input" in started.details:
            return started.details["input"]
        return parsed(self.described.get("input", "{}"))

    def __str__(self) -> str:
        return f"{self.name or 'the execution'} ({self.status}, {len(self.events)} events)"


# --- choosing -------------------------------------------------------------------------------------
def read(history: Any, execution: Any = None) -> RecordedExecution:
    """Read the history of one execution.

    ``history`` is a path, a text, a dict or a list.  ``execution`` chooses one of several by name or
    ARN, or is what describe-execution prints.  Raises UsageError where there is no history in it.

    >>> read([{"id": 1, "previousEventId": 0, "type": "ExecutionStarted",
    ...        "executionStartedEventDetails": {"input": "[1]"}}]).input
    [1]
    """
    wanted, described = _wanted(execution)
    found, described_there = read_all(history)
    described = described or described_there
    wanted = wanted or str(described.get("executionArn") or described.get("name") or "") or None
    chosen = found[0] if len(found) == 1 and found[0].arn is None else _chosen(found, wanted)
    arn = chosen.arn or described.get("executionArn")
    if arn is None and wanted is not None and wanted.startswith("arn:"):
        arn = wanted
    return RecordedExecution(chosen.events, arn, described, chosen.notes)


def read_all(history: Any) -> tuple[list[RecordedExecution], Mapping[str, Json]]:
    """Every execution that is recorded in what was given, and a description that lay beside."""
    gathered = _Gathered()
    for value in values_of(history, "The history", gathered.notes):
        gathered.take(value)
    if not gathered.events:
        raise UsageError(
            "This is no history of an execution: no event with an id and a type is in it. Give what "
            "`aws stepfunctions get-execution-history` prints, or the records of CloudWatch Logs."
        )
    return gathered.executions(), gathered.described


def _wanted(execution: Any) -> tuple[str | None, Mapping[str, Json]]:
    """What ``execution=`` means: (a name or ARN, a description)."""
    if execution is None:
        return None, {}
    if isinstance(execution, Mapping):
        return None, execution
    if isinstance(execution, Path) or (isinstance(execution, str) and _is_source(execution)):
        described = next(values_of(execution, "execution=", []), None)
        if not isinstance(described, dict):
            raise UsageError("execution= is no description: give what describe-execution prints.")
        return None, described
    if isinstance(execution, str):
        return execution, {}
    raise UsageError(f"execution={execution!r}: give a name, an ARN, or what describe-execution prints.")


def _is_source(text: str) -> bool:
    if text.startswith("arn:"):
        return False
    return text.lstrip().startswith("{") or (text.endswith(".json") and Path(text).is_file())


def _chosen(found: list[RecordedExecution], wanted: str | None) -> RecordedExecution:
    if wanted is None and len(found) == 1:
        return found[0]
    fitting = [one for one in found if wanted is not None and wanted in {one.arn, one.name}]
    if len(fitting) == 1:
        return fitting[0]
    ranked = sorted(fitting or found, key=lambda one: one.status == "SUCCEEDED")
    listed = "\n".join(f"    {one.arn} ({one.status})" for one in ranked[:_SHOWN])
    more = f"\n    and {len(ranked) - _SHOWN} more" if len(ranked) > _SHOWN else ""
    if wanted is None or fitting:
        raise UsageError(f"Several executions are recorded here. Choose with execution=:\n{listed}{more}")
    near = nearest(wanted, (str(one.name) for one in found))
    hint = f" Did you mean {near!r}?" if near else ""
    raise UsageError(f"No execution {wanted!r} is recorded here.{hint} There are:\n{listed}{more}")


# --- gathering ------------------------------------------------------------------------------------
class _Gathered:
    """Events by execution, as they are found."""

    def __init__(self) -> None:
        self.events: dict[str | None, dict[int, tuple[Event, bool]]] = {}
        self.notes: list[str] = []
        self.described: Mapping[str, Json] = {}
        self.left = False  # does the last page say that there is more?

    def take(self, value: Any) -> None:
        """Find the events in a page, a record, a list of either."""
        if isinstance(value, list):
            for item in value:
                self.take(item)
        elif is_event(value):
            self._event(value)
        elif isinstance(value, dict):
            self._page(value)

    def _page(self, page: Mapping[str, Any]) -> None:
        rows = [page[name] for name in ("events", "logEvents", "Events") if isinstance(page.get(name), list)]
        for row in rows:
            self.take(row)
        if rows:
            self.left = bool(page.get("nextToken") or page.get("NextToken"))
        if isinstance(page.get("results"), list):
            self.take([_fields(row) for row in page["results"]])
        message = page.get("message", page.get("@message"))
        if isinstance(message, str):
            for value in documents(message, []):
                self.take(value)
        elif message is not None:
            self.take(message)
        if "executionArn" in page and not rows:
            self.described = page

    def _event(self, given: Mapping[str, Any]) -> None:
        event = event_of(given)
        arn = given.get("execution_arn") if is_logged(given) else None
        known = self.events.setdefault(arn, {})
        before = known.get(event.id)
        if before is not None and before[0] != event:
            raise UsageError(
                f"There are two events with the id {event.id}, {before[0].type} and {event.type}: "
                "the histories of several executions, perhaps. Give one."
            )
        known[event.id] = event, is_cut(given)

    def executions(self) -> list[RecordedExecution]:
        """The executions, each with its events in order and what they lack."""
        return [self._execution(arn, events) for arn, events in self.events.items()]

    def _execution(self, arn: str | None, found: Mapping[int, tuple[Event, bool]]) -> RecordedExecution:
        events = tuple(found[number][0] for number in sorted(found))
        notes = [*self.notes, *_gaps(events, left=self.left), *_missing(events)]
        cut = [number for number, (_, is_cut_off) in found.items() if is_cut_off]
        if cut:
            notes.append(f"Payloads were truncated in {_numbered(cut)}; they count as not recorded.")
        return RecordedExecution(events, arn, {}, tuple(notes))


def _fields(row: Any) -> Any:
    """A row of a Logs Insights query as an object."""
    if not isinstance(row, list):
        return row
    return {cell["field"]: cell.get("value") for cell in row if isinstance(cell, dict) and "field" in cell}


# --- what is missing ------------------------------------------------------------------------------
_ERRORS_ONLY: Final = ("Failed", "TimedOut", "Aborted")


def _gaps(events: tuple[Event, ...], *, left: bool) -> Iterator[str]:
    ids = [event.id for event in events]
    missing = sorted(set(range(1, ids[-1] + 1)) - set(ids)) if ids[-1] <= len(ids) * 1000 else []
    if missing and all(event.type.endswith(_ERRORS_ONLY) for event in events):
        yield "The log holds errors only (log level ERROR or FATAL): no results are recorded in it."
    elif missing:
        yield f"The recording lacks {_numbered(missing)}."
    if left and events[-1].type not in ENDS:
        yield f"A nextToken was left: the history goes on after event {ids[-1]}."
    elif events[-1].type not in ENDS:
        yield f"The recording ends at {events[-1]}: the execution still ran, or the history is cut off."


def _missing(events: tuple[Event, ...]) -> Iterator[str]:
    """Is execution data in it?  ``includeExecutionData`` is all or nothing."""
    carrying = [event for event in events if event.type.endswith(("StateEntered", "StateExited"))]
    if carrying and not any({"input", "output"} & event.details.keys() for event in carrying):
        yield (
            "Execution data was not recorded (includeExecutionData is off): inputs and results are unknown, "
            "and Tasks are asked about."
        )


def _numbered(ids: list[int]) -> str:
    """Event numbers in words, runs of them as a range."""
    runs: list[list[int]] = []
    for number in ids:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    shown = [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[1]}" for run in runs]
    more = "" if len(shown) <= _SHOWN else f" and {len(shown) - _SHOWN} more"
    return f"event{'s' * (len(ids) > 1)} {', '.join(shown[:_SHOWN])}{more}"


# --- text -----------------------------------------------------------------------------------------
def values_of(given: Any, what: str, notes: list[str]) -> Iterator[Any]:
    """The JSON values in a path, a text, a dict or a list; what could not be read goes to the notes."""
    if isinstance(given, Path) or (isinstance(given, str) and not _is_text(given)):
        yield from documents(read_text(given, MAX_BYTES), notes)
    elif isinstance(given, str):
        yield from documents(given, notes)
    elif isinstance(given, (Mapping, list, tuple)):
        yield dict(given) if isinstance(given, Mapping) else list(given)
    else:
        raise UsageError(f"{what} is a path, a text, a dict or a list, not {kind_of(given)}.")


def _is_text(given: str) -> bool:
    return given.lstrip(_BLANK)[:1] in {"{", "["} or "\n" in given or not given.strip()


def documents(text: str, notes: list[str]) -> Iterator[Any]:
    r"""The JSON documents in a text, one after the other; what stands between them is passed over.

    >>> list(documents('{"a": 1}\n12:00 stream/1 {"b": 2}', []))
    [{'a': 1}, {'b': 2}]
    """
    decoder = json.JSONDecoder()
    position = _opening(text, 0, at_start=True)
    while position >= 0:
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as problem:
            # A text that breaks off still has whole events in it.
            if not notes or not notes[-1].startswith("The text"):
                line = text.count("\n", 0, problem.pos) + 1
                notes.append(f"The text is broken JSON at line {line}; what can be read of it is used.")
            position += 1
        except RecursionError:
            raise UsageError("The history is nested too deeply to be read.") from None
        else:
            yield value
        position = _opening(text, position)


def _opening(text: str, position: int, *, at_start: bool = False) -> int:
    """Where the next document begins; a list only at the start or after another document.

    Lines of a log have brackets of their own.
    """
    found = _LIST.match(text, position)
    if found is not None and (at_start or text[position - 1] in "]}"):
        return found.start(1)
    return text.find("{", position)


_BLANK: Final = "\ufeff \t\r\n"
_LIST: Final = re.compile(rf"[{_BLANK},]*(\[)\s*[{{\[\]]")
