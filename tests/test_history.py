"""Histories derived by hand from the written rules, and what holds for every history.

`tests/histories` has what AWS is hardly recorded doing: a list of events, each ``[id,
previousEventId, type, essential details]``, beside the rule it follows from.  In the details ``at``
is the second since the start, ``after`` the bounds of the seconds since the event before it,
null a key that must not be there.  At one instant fan-outs and failures come first, then the
others in the order of their latest events.
"""

import json
from datetime import datetime
from pathlib import Path

import pytest

import sfnbook
from sfnbook.tasks import failure, never, result, sequence
from tests.machines import definition, details, load, outline, task

HERE = Path(__file__).parent / "histories"

CASES = {
    f"{file.stem}: {case['id']}": case
    for file in sorted(HERE.glob("*.json"))
    for case in json.loads(file.read_text(encoding="utf-8"))
}


def answer(given):
    if given == "never":
        return never()
    seconds = given.get("seconds", 0)
    if "result" in given:
        return result(given["result"], seconds=seconds)
    return failure(given["error"], given.get("cause"), seconds=seconds)


def start(case, **more):
    tasks = {name: sequence(*map(answer, answers)) for name, answers in case.get("tasks", {}).items()}
    machine = sfnbook.load(definition(case["states"], **case.get("more", {})))
    return machine.start(case["input"], tasks=tasks, **more)


def ran(case, **more):
    execution = start(case, **more).run()
    for step in case.get("then", []):
        if step == "redrive":
            execution.redrive().run()
        else:
            execution.stop(*step[1:])
    return execution


def seconds_of(event, events):
    first = datetime.fromisoformat(events[0]["timestamp"])
    return (datetime.fromisoformat(event["timestamp"]) - first).total_seconds()


def essential(event, events, wanted):
    """The details that a case speaks of, in its own words."""
    shown = details(event)
    found = {}
    for key, value in wanted.items():
        if key == "at":
            found[key] = seconds_of(event, events)
        elif key == "after":
            waited = seconds_of(event, events) - seconds_of(events[event["previousEventId"] - 1], events)
            found[key] = value if value[0] - 0.001 < waited < value[1] + 0.001 else waited
        else:
            found[key] = shown.get(key)
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_history(case):
    execution = ran(case)
    events = execution.history()
    assert outline(events) == [event[:3] for event in case["events"]]
    for event, expected in zip(events, case["events"], strict=True):
        wanted = expected[3] if len(expected) > 3 else {}
        assert essential(event, events, wanted) == wanted, expected
    assert execution.status == case["status"]


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_ids_count_from_one_and_links_point_back(case):
    events = ran(case).history()
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(event["previousEventId"] < event["id"] for event in events)
    stamps = [event["timestamp"] for event in events]
    assert stamps == sorted(stamps)


PLAIN = {name: case for name, case in CASES.items() if "then" not in case}


@pytest.mark.parametrize("case", PLAIN.values(), ids=list(PLAIN))
def test_a_run_in_steps_there_and_back_has_the_same_history(case):
    stepped = start(case)
    shown = [event for transition in stepped for event in transition.events]
    assert shown == stepped.history() == ran(case).history()
    while stepped.back() is not None:
        pass
    assert stepped.history() == []
    assert stepped.run().history() == shown


# --- the details of events ----------------------------------------------------------------------------------
def test_payloads_are_json_text_with_truncation_marks():
    started, entered, exited, ended = (
        load({"P": {"Type": "Pass", "End": True}}).start({"ü": [1.5, None]}).run().history()
    )
    for event, name, key in [
        (started, "executionStartedEventDetails", "input"),
        (entered, "stateEnteredEventDetails", "input"),
        (exited, "stateExitedEventDetails", "output"),
        (ended, "executionSucceededEventDetails", "output"),
    ]:
        assert event[name][key] == '{"ü":[1.5,null]}'
        assert event[name][f"{key}Details"] == {"truncated": False}
    assert started["executionStartedEventDetails"]["roleArn"].startswith("arn:aws:iam::")


RESOURCES = {
    "arn:aws:lambda:us-east-1:111111111111:function:f": (
        "LambdaFunction", {"resource": "arn:aws:lambda:us-east-1:111111111111:function:f", "input": {"a": 1}}, {},
    ),
    "arn:aws:states:us-east-1:111111111111:activity:work": (
        "Activity", {"resource": "arn:aws:states:us-east-1:111111111111:activity:work", "input": {"a": 1}}, {},
    ),
    "arn:aws:states:::aws-sdk:s3:getObject": (
        "Task", {"resourceType": "aws-sdk:s3", "resource": "getObject", "parameters": {"a": 1}},
        {"resourceType": "aws-sdk:s3", "resource": "getObject"},
    ),
    "arn:aws:states:::batch:submitJob.sync": (
        "Task", {"resourceType": "batch", "resource": "submitJob.sync", "parameters": {"a": 1}},
        {"resourceType": "batch", "resource": "submitJob.sync"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_events_of_a_resource(resource):
    family, scheduled, started = RESOURCES[resource]
    state = {"Type": "Task", "Resource": resource, "End": True}
    events = load({"T": state}).start({"a": 1}, tasks={"T": {"r": 1}}).run().history()
    submitted = ["TaskSubmitted"] if resource.endswith("sync") else []
    assert [event["type"] for event in events[2:-2]] == [
        f"{family}Scheduled", f"{family}Started", *submitted, f"{family}Succeeded",
    ]  # fmt: skip
    shown = details(events[2])
    assert {key: shown[key] for key in scheduled} == scheduled
    assert details(events[3]) == started
    assert details(events[-3])["output"] == {"r": 1}


def test_the_service_s_first_answer_is_in_task_submitted():
    state = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
             "Parameters": {"MessageBody.$": "$$.Task.Token"}, "End": True}  # fmt: skip
    for tasks in (None, {"T": {"r": 1}}):
        events = load({"T": state}).start(tasks=tasks).run().history()
        assert "MessageId" in details(events[4])["output"]


def test_a_failure_without_a_name_shows_neither_error_nor_cause():
    events = load({"T": task()}).start(tasks={"T": failure(None, None)}).run().history()
    assert [details(event) for event in events[-2:]] == [{}, {}]


@pytest.mark.parametrize("field", ["Output", "Assign"])
def test_an_expression_that_fails_after_the_work_and_is_caught(field):
    given = (
        {"Output": {"x": "{% $states.input.no %}"}} if field == "Output" else {"Assign": {"x": "{% $no %}"}}
    )
    state = task(**given, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z"}])
    states = {"T": state, "Z": {"Type": "Pass", "End": True}}
    execution = load(states, QueryLanguage="JSONata").start(tasks={"T": 1}).run()
    assert execution.status == "SUCCEEDED"
    (failed,) = (event for event in execution.history() if event["type"] == "EvaluationFailed")
    shown = details(failed)
    assert (shown["error"], shown["state"], shown["location"]) == (
        "States.QueryEvaluationError", "T", f"{field}/x",
    )  # fmt: skip
    assert shown["cause"] == execution.output["Cause"]
    (caught,) = (item for item in execution.transitions if item.kind == "Caught")
    assert caught.error == "States.QueryEvaluationError"
    assert "Catcher 1 takes States.QueryEvaluationError" in caught.why.text
