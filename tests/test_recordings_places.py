"""Which place each recorded event belongs to: by its link, never by its order."""

from __future__ import annotations

import random
from typing import Any

import pytest

import sfnbook
from sfnbook.recordings.places import Places
from sfnbook.recordings.reading import read
from sfnbook.tasks import failure, result
from tests.machines import LAMBDA, block, load

TASK = {"Type": "Task", "Resource": LAMBDA, "End": True}
NESTED = {
    "Outer": {
        "Type": "Map",
        "ItemProcessor": block(
            Both={
                "Type": "Parallel",
                "Next": "Inner",
                "Branches": [
                    block(Left={"Type": "Wait", "SecondsPath": "$.n", "End": True}),
                    block(Right={"Type": "Pass", "Next": "Right2"}, Right2=TASK),
                ],
                "ResultPath": "$.both",
            },
            Inner={"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": block(T=TASK), "End": True},
        ),
        "End": True,
    }
}
ITEMS = [{"n": 3, "items": [1, 2]}, {"n": 1, "items": [3]}, {"n": 2, "items": []}]


def places_of(states: dict[str, Any], history: list[dict[str, Any]]) -> Places:
    return Places(read(history), load(states).definition)


def slow(event: Any, context: Any) -> Any:
    return result({"path": context.path}, seconds=1 + len(context.path) % 5)


def paths(places: Places) -> dict[int, str]:
    return {event: place.visit.path for event, place in places.at.items() if place.visit is not None}


def test_the_places_are_those_of_the_transitions() -> None:
    execution = load(NESTED).start(ITEMS, tasks=slow).run()
    places = places_of(NESTED, execution.history())
    found = paths(places)
    assert places.lost == []
    for transition in execution.transitions:
        if transition.kind in {
            "StateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "StateExited",
        }:
            (event,) = transition.events
            assert found[event["id"]] == transition.path


def test_the_order_says_nothing() -> None:
    """Renumbered at random, but with every event after what it points at and after its flow's events before."""
    execution = load(NESTED).start(ITEMS, tasks=slow).run()
    history = execution.history()
    for seed in range(5):
        debugger = sfnbook.replay(load(NESTED), shuffled(history, random.Random(seed)))
        assert debugger.notes == ()
        assert debugger.output == execution.output


def shuffled(history: list[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """The same history as AWS might have interleaved it: a flow's own events keep their order."""
    places = places_of(NESTED, history)
    waiting = {event["id"]: event for event in history}
    flows: dict[str, list[int]] = {}
    for event in history:
        flows.setdefault(places.at[event["id"]].flow.prefix, []).append(event["id"])
    order: list[int] = []
    while waiting:
        ready = [ids[0] for prefix, ids in flows.items() if ids and _may_come(ids[0], waiting, flows, prefix)]
        chosen = chance.choice(ready)
        order.append(chosen)
        event = waiting.pop(chosen)
        flows[places.at[event["id"]].flow.prefix].pop(0)
    numbers = {old: new for new, old in enumerate(order, 1)} | {0: 0}
    by_id = {event["id"]: event for event in history}
    return [
        by_id[old] | {"id": numbers[old], "previousEventId": numbers[by_id[old]["previousEventId"]]}
        for old in order
    ]


def _may_come(event: int, waiting: dict[int, Any], flows: dict[str, list[int]], prefix: str) -> bool:
    inside = [ids for other, ids in flows.items() if other != prefix and other.startswith(prefix) and ids]
    ends = waiting[event]["type"] in {"MapStateSucceeded", "ParallelStateSucceeded", "MapIterationSucceeded"}
    held = ends and any(earlier < event for ids in inside for earlier in ids)
    return not held and waiting[event]["previousEventId"] not in waiting


def test_attempts_rounds_and_visits() -> None:
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 1}]
    states = {
        "M": {
            "Type": "Map",
            "MaxConcurrency": 1,
            "Retry": retry,
            "ItemProcessor": block(T=TASK | {"Retry": retry}),
            "End": True,
        }
    }
    execution = load(states).start([1], tasks={"T": failure("Busy", seconds=2)}).run()
    places = places_of(states, execution.history())
    assert [key for key in places.visits if key[0] == "M[0].T"] == [
        ("M[0].T", ((1, 1),), 1),
        ("M[0].T", ((1, 2),), 1),
    ]
    first = places.visits["M[0].T", ((1, 1),), 1]
    assert [(one.number, one.seconds, one.backoff) for one in first.attempts] == [(1, 2, 5), (2, 2, 5)]


def test_what_could_not_be_scheduled_is_an_attempt() -> None:
    error = {"error": "Lambda.TooManyRequestsException", "cause": "Rate exceeded"}
    history = [
        {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "executionStartedEventDetails": {"input": "{}"}},
        {"id": 2, "previousEventId": 0, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "T", "input": "{}"}},
        {"id": 3, "previousEventId": 2, "type": "LambdaFunctionScheduleFailed", "lambdaFunctionScheduleFailedEventDetails": error},
        {"id": 4, "previousEventId": 3, "type": "ExecutionFailed", "executionFailedEventDetails": error},
    ]  # fmt: skip
    debugger = sfnbook.replay(load({"T": TASK}), history)
    assert (debugger.transition.error, debugger.transition.cause) == (error["error"], error["cause"])
    assert debugger.notes == ("The recording has no times: everything happens at once.",)


def test_a_result_that_was_just_in_time_is_in_time() -> None:
    states = {"T": TASK | {"TimeoutSeconds": 5}}
    history = load(states).start(tasks={"T": result(1, seconds=5)}).run().history()
    for event in history[4:]:
        event["timestamp"] = event["timestamp"].replace("00:00:05.000", "00:00:05.040")
    assert sfnbook.replay(load(states), history).output == 1


def test_events_whose_link_is_missing_are_told() -> None:
    execution = load(NESTED).start(ITEMS, tasks=slow).run()
    lacking = [event for event in execution.history() if event["type"] != "ParallelStateStarted"]
    debugger = sfnbook.replay(load(NESTED), lacking)
    assert any("is not known: what it points at is missing" in note for note in debugger.notes)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_map_run_ends_as_it_did(status: str) -> None:
    states = {"M": {"Type": "Map", "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"}, "Parameters": {"Bucket": "b", "Key": "k.json"}},
                    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **block(T=TASK)}, "ResultPath": "$.r", "End": True}}  # fmt: skip
    answer = {"T": result("done", seconds=4) if status == "SUCCEEDED" else failure("Broken", seconds=4)}
    was = load(states).start({"a": 1}, tasks=answer, files={"b/k.json": "[1, 2]"}).run()
    assert was.status == status
    debugger = sfnbook.replay(load(states), was.history())
    debugger.run()
    assert (debugger.status, debugger.output, debugger.error, debugger.notes) == (
        status,
        was.output,
        was.error,
        (),
    )
    assert debugger.execution.history() == was.history()
