"""Iterations of a Map, one by one: how they stand, and how one is found among many."""

import pytest

from sfnbook.debugging.iterations import PICKS, iterations, matching
from tests.debugging import block, debug, task

RETRY = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "MaxAttempts": 3}]
EACH = block(
    Try={
        "Type": "Parallel",
        "Branches": [block(Call=task(Retry=RETRY, End=True))],
        "Next": "Rest",
    },
    Rest={"Type": "Wait", "SecondsPath": "$[0]", "End": True},
)
MAP = block(
    Orders={
        "Type": "Map",
        "ItemProcessor": EACH,
        "MaxConcurrency": 2,
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Last"}],
        "Next": "Last",
    },
    Last={"Type": "Succeed"},
)


def call(event, context):
    from sfnbook import TaskFailure

    if event.get("busy", 0) >= context.attempt:
        raise TaskFailure("Busy")
    if event.get("bad"):
        raise TaskFailure("Bad")
    return event["wait"]


def found(items):
    debugger = debug(MAP, items, tasks={"Call": call})
    debugger.run()
    return iterations(debugger.execution.changes, debugger.position, 2), debugger


ITEMS = [
    {"id": "a-1", "wait": 1},
    {"id": "b-2", "wait": 9, "busy": 1},
    {"id": "c-3", "wait": 3},
    {"id": "d-4", "wait": 1, "busy": 2},
]


def test_each_has_its_time_and_its_retries_also_those_of_a_branch_inside():
    all_of_them, _ = found(ITEMS)
    assert [(one.index, one.status, one.seconds, one.retries) for one in all_of_them] == [
        (0, "SUCCEEDED", 1, 0),
        (1, "SUCCEEDED", 19, 1),
        (2, "SUCCEEDED", 3, 0),
        (3, "SUCCEEDED", 31, 2),
    ]


@pytest.mark.parametrize(
    ("name", "indices"), [("failed", []), ("slowest", [3, 1, 2, 0]), ("retried", [3, 1])], ids=str
)
def test_the_most_interesting_come_first(name, indices):
    assert [one.index for one in PICKS[name](found(ITEMS)[0])] == indices


def test_those_that_failed_and_those_that_were_stopped():
    all_of_them, debugger = found([{"wait": 50}, {"wait": 1, "busy": 1, "bad": True}, {"wait": 1}])
    assert [(one.index, one.status) for one in all_of_them] == [(0, "ABORTED"), (1, "FAILED")]
    assert [one.index for one in PICKS["failed"](all_of_them)] == [1]
    debugger.goto(4)
    assert {one.status for one in iterations(debugger.execution.changes, debugger.position, 2)} == {"RUNNING"}


@pytest.mark.parametrize(
    ("wanted", "indices"), [("2", [2]), ("B-2", [1]), ("wait", [0, 1, 2, 3]), (" ", []), ("x", [])]
)
def test_an_iteration_is_found_by_its_index_or_a_value(wanted, indices):
    assert [one.index for one in matching(found(ITEMS)[0], wanted)] == indices
