"""Nested workflows: request-response, .sync and .sync:2, failing children, their histories."""

import json

import pytest

import sfnbook
from sfnbook.tasks import failure, never, result
from tests.machines import START, block, definition, details, load, one, outline, task, types

CHILD = load({"A": {"Type": "Pass", "Parameters": {"got.$": "$"}, "Next": "W"}, "W": {"Type": "Wait", "Seconds": 5,
              "End": True}})  # fmt: skip
FAILING = load({"F": {"Type": "Fail", "Error": "SomeFailure", "Cause": "why"}})
CHILD_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:Child"


def starting(pattern="", parameters=None, **fields):
    parameters = (
        {"StateMachineArn": CHILD_ARN, "Input": {"a": 1}, "Name": "kid"} if parameters is None else parameters
    )
    return {"Type": "Task", "Resource": START + pattern, "Parameters": parameters, **fields}


def ran(pattern, child=CHILD, **fields):
    return one(starting(pattern, **fields)).start(machines={"Child": child}).run()


def test_request_response_does_not_wait():
    execution = ran("")
    assert types(execution.history())[2:5] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    assert set(execution.output) >= {"ExecutionArn", "StartDate"}
    assert execution.output["ExecutionArn"].endswith(":kid")
    assert execution.time == 0
    (child,) = execution.children
    assert child.arn == execution.output["ExecutionArn"]


def test_a_child_that_nobody_waits_for_goes_on_beside_its_parent():
    states = {"S": {**starting(), "Next": "W"}, "W": {"Type": "Wait", "Seconds": 9, "End": True}}
    (child,) = load(states).start(machines={"Child": CHILD}).run().children
    assert (child.status, child.output) == ("SUCCEEDED", {"got": {"a": 1}})


def test_a_child_that_nobody_waits_for_may_fail():
    execution = ran("", FAILING)
    assert execution.status == "SUCCEEDED"


@pytest.mark.parametrize("pattern", [".sync", ".sync:2"])
def test_sync_waits_for_the_child(pattern):
    execution = ran(pattern)
    assert types(execution.history())[2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]
    assert execution.time == 5
    record = execution.output
    given, output = {"a": 1}, {"got": {"a": 1}}
    if pattern == ".sync":
        given, output = '{"a":1}', '{"got":{"a":1}}'
    assert (record["Input"], record["Output"]) == (given, output)
    assert (record["InputDetails"], record["OutputDetails"]) == ({"Included": True}, {"Included": True})
    assert (record["Name"], record["Status"]) == ("kid", "SUCCEEDED")
    assert (record["StartDate"], record["StopDate"]) == ("2025-01-01T00:00:00Z", "2025-01-01T00:00:05Z")
    assert record["ExecutionArn"] == execution.children[0].arn


def test_the_child_has_a_history_of_its_own():
    (child,) = ran(".sync:2").children
    assert (child.name, child.path, child.status, child.input) == ("kid", "S", "SUCCEEDED", {"a": 1})
    events = child.history()
    assert outline(events) == [
        [1, 0, "ExecutionStarted"],
        [2, 0, "PassStateEntered"],
        [3, 2, "PassStateExited"],
        [4, 3, "WaitStateEntered"],
        [5, 4, "WaitStateExited"],
        [6, 5, "ExecutionSucceeded"],
    ]
    assert details(events[0])["input"] == {"a": 1}
    assert [item.path for item in child.transitions if item.kind == "StateEntered"] == ["S/A", "S/W"]


@pytest.mark.parametrize("pattern", [".sync", ".sync:2"])
def test_task_submitted_has_the_answer_of_start_execution(pattern):
    execution = ran(pattern)
    submitted = details(execution.history()[4])
    assert submitted["resource"] == f"startExecution{pattern}"
    assert submitted["output"]["ExecutionArn"] == execution.children[0].arn
    assert "StartDate" in submitted["output"]


@pytest.mark.parametrize("pattern", [".sync", ".sync:2"])
def test_a_child_that_fails(pattern):
    execution = ran(pattern, FAILING)
    assert (execution.status, execution.error) == ("FAILED", "States.TaskFailed")
    record = json.loads(execution.cause)
    assert (record["Error"], record["Cause"], record["Status"]) == ("SomeFailure", "why", "FAILED")
    assert record["Input"] == ('{"a":1}' if pattern == ".sync" else {"a": 1})
    assert "Output" not in record
    (child,) = execution.children
    assert (child.status, child.error, child.cause, child.output) == ("FAILED", "SomeFailure", "why", None)


@pytest.mark.parametrize("error_equals", [["States.TaskFailed"], ["States.ALL"]], ids=str)
def test_a_child_that_fails_is_caught_and_retried_as_task_failed(error_equals):
    state = starting(".sync:2", Retry=[{"ErrorEquals": error_equals, "MaxAttempts": 1}],
                     Catch=[{"ErrorEquals": error_equals, "Next": "Z"}], End=True)  # fmt: skip
    execution = load({"S": state, "Z": {"Type": "Succeed"}}).start(machines={"Child": FAILING}).run()
    assert execution.output["Error"] == "States.TaskFailed"
    assert len(execution.children) == 2


def test_a_child_that_times_out_is_a_failed_task():
    slow = load({"W": {"Type": "Wait", "Seconds": 100, "End": True}}, TimeoutSeconds=7)
    execution = ran(".sync:2", slow)
    assert execution.error == "States.TaskFailed"
    assert json.loads(execution.cause)["Status"] == "TIMED_OUT"
    assert execution.children[0].history()[-1]["type"] == "ExecutionTimedOut"
    assert execution.time == 7


def test_the_task_s_own_timeout_counts_while_the_child_runs():
    execution = ran(".sync:2", load({"W": {"Type": "Wait", "Seconds": 100, "End": True}}), TimeoutSeconds=7)
    assert (execution.error, execution.time) == ("States.Timeout", 7)


INPUTS = {
    "an object": ({"Input": {"a": 1}}, {"a": 1}),
    "a path": ({"Input.$": "$"}, {"in": 1}),
    "JSON text": ({"Input": '{"a": [1]}'}, {"a": [1]}),
    "null": ({"Input": None}, {}),
    "none": ({}, {}),
}


@pytest.mark.parametrize("case", INPUTS.values(), ids=list(INPUTS))
def test_the_input_of_the_child(case):
    given, expected = case
    state = starting(".sync:2", {"StateMachineArn": CHILD_ARN, **given})
    execution = one(state).start({"in": 1}, machines={"Child": CHILD}).run()
    assert execution.children[0].input == expected


@pytest.mark.parametrize("named", ["Child", CHILD_ARN, CHILD_ARN.replace("us-east-1", "eu-west-1")])
def test_how_the_child_is_named(named):
    state = starting(".sync:2", {"StateMachineArn": named})
    assert one(state).start(machines={"Child": CHILD}).run().output["Status"] == "SUCCEEDED"


def test_a_machine_that_is_not_there_is_a_task_that_nobody_answers_for():
    state = starting(".sync:2", {"StateMachineArn": "Other"})
    with pytest.raises(sfnbook.UnansweredTask):
        one(state).start(machines={"Child": CHILD}).run()


def test_an_answer_comes_before_the_machine():
    execution = (
        one(starting(".sync:2")).start(machines={"Child": CHILD}, tasks={"S": {"Status": "mocked"}}).run()
    )
    assert execution.output == {"Status": "mocked"}
    assert execution.children == []


@pytest.mark.parametrize("answer", [{"Status": "mocked"}, lambda _event: {"Status": "called"}])
def test_the_machine_comes_before_the_answer_for_every_task(answer):
    execution = one(starting(".sync:2")).start(machines={"Child": CHILD}, tasks={"*": answer}).run()
    assert execution.output["Status"] == "SUCCEEDED"
    assert len(execution.children) == 1


def test_tasks_of_a_child_are_answered_by_path_or_name():
    child = load({"T": task(Retry=[{"ErrorEquals": ["E"]}])})
    for key in ("Child/T", "T"):
        execution = one(starting(".sync:2")).start(machines={"Child": child}, tasks={key: {"by": key}}).run()
        assert execution.output["Output"] == {"by": key}


def test_children_without_a_name_get_different_ones():
    state = {
        "Type": "Map",
        "ItemProcessor": block(T={**starting(".sync:2", {"StateMachineArn": "Child"}), "End": True}),
    }
    execution = one(state).start([1, 2, 3], machines={"Child": CHILD}).run()
    assert len({child.name for child in execution.children}) == 3
    assert [child.path for child in execution.children] == ["S[0].T", "S[1].T", "S[2].T"]
    assert execution.time == 5


def test_a_child_of_a_child():
    middle = load({"M": {**starting(".sync:2", {"StateMachineArn": "Leaf", "Input.$": "$"}), "End": True}})
    execution = one(starting(".sync:2")).start(machines={"Child": middle, "Leaf": CHILD}).run()
    assert execution.output["Output"]["Output"] == {"got": {"a": 1}}
    assert [child.path for child in execution.children] == ["S", "S/M"]


def test_variables_and_context_are_the_child_s_own():
    child = sfnbook.load(
        definition({"P": {"Type": "Pass", "QueryLanguage": "JSONata", "End": True, "Output": {
            "v": "{% $exists($v) %}", "machine": "{% $states.context.StateMachine.Name %}",
            "name": "{% $states.context.Execution.Name %}"}}}), name="Kids")  # fmt: skip
    states = {
        "A": {"Type": "Pass", "Assign": {"v": 1}, "Next": "S"},
        "S": {**starting(".sync:2"), "End": True},
    }
    output = load(states).start(machines={"Child": child}).run().output["Output"]
    assert output == {"v": False, "machine": "Kids", "name": "kid"}


def test_stopping_the_parent_aborts_the_child():
    execution = one(starting(".sync")).start(machines={"Child": CHILD}).run(until=1)
    assert execution.children[0].status == "RUNNING"
    execution.stop()
    assert [child.status for child in execution.children] == ["ABORTED"]


def test_a_child_s_task_that_never_answers_times_out_in_the_child():
    child = load({"T": task(TimeoutSeconds=3)})
    execution = one(starting(".sync:2")).start(machines={"Child": child}, tasks={"T": never()}).run()
    record = json.loads(execution.cause)
    assert (record["Error"], record["Status"]) == ("States.Timeout", "FAILED")
    assert "Cause" not in record


def test_children_can_be_undone():
    execution = ran(".sync:2")
    history = execution.children[0].history()
    while execution.back() is not None:
        pass
    assert execution.children == []
    assert execution.run().children[0].history() == history


def test_a_redriven_parent_starts_another_child():
    child = load({"T": task()})
    answers = sfnbook.tasks.sequence(failure("E"), result({"ok": 1}))
    execution = one(starting(".sync:2")).start(machines={"Child": child}, tasks={"T": answers}).run()
    assert execution.status == "FAILED"
    execution.redrive().run()
    assert execution.output["Output"] == {"ok": 1}
    assert [one_child.status for one_child in execution.children] == ["FAILED", "SUCCEEDED"]
