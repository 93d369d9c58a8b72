"""Histories as AWS's tools print them: pages, orders, times, logs; and what is no history."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

import sfnbook
from sfnbook.recordings.reading import MAX_BYTES, RecordedExecution, read
from sfnbook.tasks import failure, result
from tests.machines import LAMBDA, load

if TYPE_CHECKING:
    from pathlib import Path

STATES = {
    "A": {"Type": "Pass", "Result": {"n": 1}, "Next": "T"},
    "T": {"Type": "Task", "Resource": LAMBDA, "End": True},
}
HISTORY = load(STATES).start({"id": 7}, tasks={"T": failure("Busy", "later", seconds=2.5)}).run().history()
ARN = "arn:aws:states:eu-central-1:123456789012:express:Orders:run-1:4135929f-8d60-4ea5-b3c3-b243bec43271"


def logged(events: list[dict[str, Any]] = HISTORY, arn: str = ARN, **changes: Any) -> list[dict[str, Any]]:
    """The records of CloudWatch Logs: numbers are text there, times milliseconds."""
    return [
        {
            "id": str(event["id"]),
            "type": event["type"],
            "details": next((value for key, value in event.items() if key.endswith("EventDetails")), {}),
            "previous_event_id": str(event["previousEventId"]),
            "event_timestamp": str(round(datetime.fromisoformat(event["timestamp"]).timestamp() * 1000)),
            "execution_arn": arn,
            "redrive_count": "0",
            **changes,
        }
        for event in events
    ]


def with_times(form: Any) -> list[dict[str, Any]]:
    return [event | {"timestamp": form(datetime.fromisoformat(event["timestamp"]))} for event in HISTORY]


def text_of(value: Any) -> str:
    return json.dumps(value, default=str)


PAGES = [{"events": HISTORY[:4], "nextToken": "t"}, {"events": HISTORY[4:]}]
LINES = "\n".join(text_of(event) for event in HISTORY)
INSIGHTS = {"results": [[{"field": "@message", "value": text_of(one)}, {"field": "@ptr", "value": "x"}] for one in logged()],
            "status": "Complete"}  # fmt: skip

SPELLINGS: dict[str, Any] = {
    "a list of events": HISTORY,
    "a page": {"events": HISTORY},
    "a page of boto3": {"events": with_times(lambda time: time), "ResponseMetadata": {"HTTPStatusCode": 200}},
    "pages": PAGES,
    "newest first": {"events": HISTORY[::-1]},
    "pages newest first": [{"events": HISTORY[:3:-1], "nextToken": "t"}, {"events": HISTORY[3::-1]}],
    "overlapping pages": [{"events": HISTORY[:5]}, {"events": HISTORY[3:]}],
    "the text of a page": json.dumps({"events": HISTORY}, indent=2),
    "the text of a list": json.dumps(HISTORY),
    "JSON Lines": LINES,
    "concatenated pages": "".join(json.dumps(page) for page in PAGES),
    "with a byte order mark": "\ufeff" + json.dumps({"events": HISTORY}),
    "epoch seconds": with_times(lambda time: time.timestamp()),
    "epoch milliseconds": with_times(lambda time: round(time.timestamp() * 1000)),
    "another zone": with_times(lambda time: time.isoformat().replace("+00:00", "Z")),
    "str(datetime)": with_times(str),
    "payloads that are values": json.loads(LINES and json.dumps([
        {key: ({name: json.loads(item) if name in {"input", "output"} else item for name, item in value.items()}
               if key.endswith("EventDetails") else value) for key, value in event.items()}
        for event in HISTORY
    ])),
    "log records": logged(),
    "filter-log-events": {"events": [{"logStreamName": "s", "timestamp": 1, "message": text_of(one), "eventId": "1"} for one in logged()],
                          "searchedLogStreams": []},
    "Logs Insights": INSIGHTS,
    "an export of Logs Insights": [{"@timestamp": "2025-01-01 00:00:00.000", "@message": one} for one in logged()],
    "a subscription": {"messageType": "DATA_MESSAGE", "logEvents": [{"id": "37", "timestamp": 1, "message": text_of(one)} for one in logged()]},
    "aws logs tail": "\n".join(f"2025-01-01T00:00:00.000000+00:00 states/Orders/2025-01-01-00-00/7851b2d9 {text_of(one)}" for one in logged()),
    "sam logs": "\n".join(f"states/Orders/2025 2025-01-01T00:00:00 {json.dumps(one, indent=2)}" for one in logged()),
    "log lines of others between": "[MOCK] hello\n" + "\n".join(f"{text_of(one)}\nSTART RequestId: 1" for one in logged()),
}  # fmt: skip


@pytest.mark.parametrize("given", SPELLINGS.values(), ids=list(SPELLINGS))
def test_every_spelling_is_the_same_history(given: Any) -> None:
    assert (read(given).events, read(given).notes) == (read(HISTORY).events, ())


@pytest.mark.parametrize("given", SPELLINGS.values(), ids=list(SPELLINGS))
def test_every_spelling_can_be_a_file(given: Any, tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    file.write_text(given if isinstance(given, str) else text_of(given), encoding="utf-8")
    assert read(file).events == read(str(file)).events == read(HISTORY).events


def test_a_log_says_which_execution_it_was() -> None:
    recording = read(logged())
    assert (recording.name, recording.type, recording.status) == ("run-1", "EXPRESS", "FAILED")
    assert recording.machine_arn == "arn:aws:states:eu-central-1:123456789012:stateMachine:Orders"
    debugger = sfnbook.replay(load(STATES), logged())
    assert debugger.execution.arn == ARN
    assert (debugger.machine.name, debugger.transition.error) == ("Orders", "Busy")


OTHER = ARN.replace("run-1", "run-2")
MIXED = logged() + logged(load(STATES).start({}, tasks={"T": result(1)}).run().history(), OTHER)


@pytest.mark.parametrize(
    "execution", ["run-2", OTHER, {"executionArn": OTHER}, json.dumps({"executionArn": OTHER})]
)
def test_one_of_several_is_chosen(execution: Any) -> None:
    recording = read(MIXED[::-1], execution)
    assert (recording.name, recording.status) == ("run-2", "SUCCEEDED")


def test_several_without_a_choice_are_listed_the_failed_first() -> None:
    with pytest.raises(
        sfnbook.UsageError, match=r"Choose with execution=:\n    .*run-1.*\(FAILED\)\n    .*run-2"
    ):
        read(MIXED)
    with pytest.raises(
        sfnbook.UsageError, match=r"No execution 'run2' is recorded here. Did you mean 'run-2'"
    ):
        read(MIXED, "run2")


# --- descriptions -------------------------------------------------------------------------------------
DESCRIBED = {
    "executionArn": "arn:aws:states:us-east-1:1:execution:Shop:last-night",
    "stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:Shop",
    "name": "last-night",
    "status": "FAILED",
    "startDate": "2026-03-22T03:15:00+00:00",
    "input": '{"id": 7}',
}


def test_a_description_gives_name_arn_and_input(tmp_path: Path) -> None:
    file = tmp_path / "execution.json"
    file.write_text(json.dumps(DESCRIBED))
    for execution in (DESCRIBED, file, str(file), json.dumps(DESCRIBED)):
        recording = read(HISTORY, execution)
        assert (recording.name, recording.arn, recording.input) == (
            "last-night",
            DESCRIBED["executionArn"],
            {"id": 7},
        )


def test_a_description_may_lie_in_the_same_text() -> None:
    assert read(json.dumps(DESCRIBED) + json.dumps({"events": HISTORY})).name == "last-night"


def test_a_definition_that_ran_is_compared() -> None:
    ran = {"StartAt": "A", "States": {**STATES, "T": STATES["T"] | {"TimeoutSeconds": 5}}}
    debugger = sfnbook.replay(load(STATES), HISTORY, execution=DESCRIBED | {"definition": json.dumps(ran)})
    assert debugger.notes == ("The machine is not the definition that ran: T: TimeoutSeconds.",)


# --- what is missing ----------------------------------------------------------------------------------
def notes(given: Any, **options: Any) -> tuple[str, ...]:
    return read(given, **options).notes


def test_gaps_and_ends_are_said_once() -> None:
    assert notes(HISTORY[:4] + HISTORY[6:]) == ("The recording lacks events 5 to 6.",)
    assert notes({"events": HISTORY[:4], "nextToken": "t"}) == (
        "A nextToken was left: the history goes on after event 4.",
    )
    (note,) = notes(HISTORY[:4])
    assert note.startswith("The recording ends at event 4 (TaskStateEntered)")


def test_a_text_that_breaks_off_is_read_as_far_as_it_goes() -> None:
    text = json.dumps({"events": HISTORY}, indent=1)
    recording = read(text[: text.index('"id": 6')])
    assert [event.id for event in recording.events] == [1, 2, 3, 4, 5]
    assert recording.notes[0].startswith("The text is broken JSON at line ")


def without_data(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {key: ({name: item for name, item in value.items() if name not in {"input", "output"}} if isinstance(value, dict) else value)
         for key, value in event.items()}
        for event in events
    ]  # fmt: skip


def test_no_execution_data() -> None:
    debugger = sfnbook.replay(load(STATES), without_data(HISTORY))
    assert debugger.transition.error == "Busy"
    assert debugger.notes[0].startswith("Execution data was not recorded (includeExecutionData is off)")
    assert "execution= takes what describe-execution prints" in debugger.notes[1]
    ok = load(STATES).start({}, tasks={"T": 1}).run().history()
    debugger = sfnbook.replay(load(STATES), without_data(ok), execution=DESCRIBED)
    assert "event 7 (LambdaFunctionSucceeded) has no output: it was not recorded" in debugger.unanswered.why


def test_truncated_payloads_count_as_missing() -> None:
    history = json.loads(json.dumps(HISTORY))
    history[4]["lambdaFunctionScheduledEventDetails"] |= {
        "input": '{"id"',
        "inputDetails": {"truncated": True},
    }
    assert notes(history) == ("Payloads were truncated in event 5; they count as not recorded.",)
    assert sfnbook.replay(load(STATES), history).transition.error == "Busy"


def test_a_log_of_errors_alone() -> None:
    errors = [record for record in logged() if record["type"].endswith("Failed")]
    assert notes(errors) == (
        "The log holds errors only (log level ERROR or FATAL): no results are recorded in it.",
    )
    with pytest.raises(
        sfnbook.UsageError, match="its first page is missing, or its log level is ERROR or FATAL"
    ):
        sfnbook.replay(load(STATES), errors)
    debugger = sfnbook.replay(load(STATES), errors, execution=DESCRIBED | {"executionArn": ARN})
    assert debugger.unanswered.path == "T"


# --- what is no history --------------------------------------------------------------------------------
NO_HISTORY = {
    "nothing": ("{}", "no event with an id and a type"),
    "a definition": (STATES, "no event with an id and a type"),
    "a list of numbers": ([1, 2], "no event with an id and a type"),
    "text": ("not json\nat all", "no event with an id and a type"),
    "an empty page": ({"events": []}, "no event with an id and a type"),
    "a number": (7, "is a path, a text, a dict or a list, not an int"),
    "no such file": ("nowhere.json", "There is no file 'nowhere.json'"),
    "a bad id": ([{"id": "x", "type": "ExecutionStarted"}], "An event's id is a number, not 'x'"),
    "a bad time": ([{"id": 1, "type": "ExecutionStarted", "timestamp": "soon"}], "The time of event 1 cannot be read: 'soon'"),
    "two events of one id": (
        [*HISTORY, {"id": 2, "previousEventId": 0, "type": "WaitStateEntered"}],
        "two events with the id 2, PassStateEntered and WaitStateEntered",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "message"), NO_HISTORY.values(), ids=list(NO_HISTORY))
def test_what_is_no_history(given: Any, message: str) -> None:
    with pytest.raises(sfnbook.UsageError, match=message):
        read(given)


def test_a_file_that_is_too_large_or_binary_is_not_read(tmp_path: Path) -> None:
    large, binary = tmp_path / "large.json", tmp_path / "binary.json"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(sfnbook.UsageError, match="bytes"):
        read(large)
    with pytest.raises(sfnbook.UsageError, match="is not a UTF-8 text"):
        read(binary)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(sfnbook.UsageError):
        read("[" * 100_000)


def test_a_history_of_another_machine() -> None:
    with pytest.raises(sfnbook.UsageError, match="state 'A' of event 2 is not in 'StateMachine'"):
        sfnbook.replay(load({"Other": {"Type": "Succeed"}}), HISTORY)
    partly = sfnbook.replay(load({"A": {"Type": "Pass", "End": True}}), HISTORY)
    assert any("state 'T' of event 4 is not in it" in note for note in partly.notes)


def test_an_execution_argument_that_makes_no_sense() -> None:
    with pytest.raises(sfnbook.UsageError, match="give a name, an ARN"):
        read(HISTORY, 7)
    assert isinstance(read(HISTORY, "any name"), RecordedExecution)
