"""Nested workflows: request-response, .sync and .sync:2, failing children, their histories."""

import json
import pickle

import pytest

import sfnbook
from sfnbook.tasks import failure, never, result
from tests.machines import START, block, definition, details, load, of_kind, one, outline, task, types

CHILD = load({"A": {"Type": "Pass", "Parameters": {"got.$": "$"}, "Next": "W"}, "W": {"Type": "Wait", "Seconds": 5,
              "End": True}})  # fmt: skip
FAILING = load({"F": {"Type": "Fail", "Error": "SomeFailure", "Cause": "why"}})
OTHER = "arn:aws:states:us-east-1:123456789012:stateMachine:Other"
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
    state = starting(".sync:2", {"StateMachineArn": CHILD_ARN},
                     Retry=[{"ErrorEquals": error_equals, "MaxAttempts": 1}],
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


def test_without_machines_it_is_a_task_that_nobody_answers_for():
    with pytest.raises(sfnbook.UnansweredTask):
        one(starting(".sync:2")).start().run()


REFUSALS = {
    "request": (
        "states:startExecution",
        "StepFunctions.",
        "AWSStepFunctions; Status Code: 400; Error Code: {}; Req",
    ),
    ".sync": (
        "states:startExecution.sync",
        "StepFunctions.",
        "AWSStepFunctions; Status Code: 400; Error Code: {}; Req",
    ),
    "sdk": ("aws-sdk:sfn:startExecution", "Sfn.", "Sfn, Status Code: 400, Request ID: "),
    "sync sdk": ("aws-sdk:sfn:startSyncExecution", "Sfn.", "Sfn, Status Code: 400, Request ID: "),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=list(REFUSALS))
def test_a_machine_that_is_not_there(case):
    action, prefix, cause = case
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{action}",
        "Parameters": {"StateMachineArn": OTHER},
    }
    execution = one(state).start(machines={"Child": CHILD}).run()
    assert execution.error == f"{prefix}StateMachineDoesNotExistException"
    assert execution.cause.startswith(f"State Machine Does Not Exist: '{OTHER}' (Service: ")
    assert cause.format("StateMachineDoesNotExist") in execution.cause
    assert types(execution.history())[2:5] == ["TaskScheduled", "TaskStarted", "TaskFailed"]
    assert str(of_kind(execution, "TaskFailed")[0].why) == "machines= has 'Child'"


def test_a_default_answer_is_asked_for_machines_that_are_not_there():
    tasks = {"*": {"Status": "mocked"}}
    state = starting(".sync:2", {"StateMachineArn": "Other"})
    assert one(state).start(machines={"Child": CHILD}, tasks=tasks).run().output == {"Status": "mocked"}
    execution = one(starting(".sync:2")).start(machines={"Child": CHILD}, tasks=tasks).run()
    assert execution.output["Output"] == {"got": {"a": 1}}


@pytest.mark.parametrize("suffix", [":3", ":PROD"])
def test_a_version_or_an_alias(suffix):
    state = starting(".sync:2", {"StateMachineArn": CHILD_ARN + suffix})
    assert one(state).start(machines={"Child": CHILD}).run().output["Status"] == "SUCCEEDED"


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


# --- names ----------------------------------------------------------------------------------------------------------
def twice(first, second, pattern="", child=CHILD):
    """The child is started twice, one after the other."""
    states = {
        "A": {**starting(pattern, {"StateMachineArn": "Child", **first}), "ResultPath": "$.a", "Next": "B"},
        "B": {**starting(pattern, {"StateMachineArn": "Child", **second}), "ResultPath": "$.b", "End": True},
    }
    return load(states).start(machines={"Child": child}).run()


def test_a_name_again_with_other_input():
    execution = twice({"Name": "x", "Input": {"n": 1}}, {"Name": "x", "Input": {"n": 2}})
    assert execution.error == "StepFunctions.ExecutionAlreadyExistsException"
    arn = execution.children[0].arn
    assert execution.cause.startswith(f"Execution Already Exists: '{arn}' (Service: AWSStepFunctions; ")
    assert len(execution.children) == 1


def test_a_name_again_with_the_same_input_while_it_runs():
    execution = twice({"Name": "x"}, {"Name": "x"})
    assert execution.output["a"]["ExecutionArn"] == execution.output["b"]["ExecutionArn"]
    assert len(execution.children) == 1


def test_a_name_again_after_it_ended():
    execution = twice({"Name": "x"}, {"Name": "x"}, ".sync")
    assert execution.error == "StepFunctions.ExecutionAlreadyExistsException"
    execution.back()
    assert len(execution.fork().run().children) == 1


def test_a_name_that_is_retried_exists_already():
    state = starting(".sync:2", Retry=[{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1}])
    execution = one(state).start(machines={"Child": FAILING}).run()
    assert [one.error for one in of_kind(execution, "TaskFailed")] == [
        "States.TaskFailed", "StepFunctions.ExecutionAlreadyExistsException",
    ]  # fmt: skip


def test_other_names_and_other_machines_do_not_collide():
    assert twice({"Name": "x"}, {"Name": "y"}, ".sync").status == "SUCCEEDED"
    states = {
        "A": {**starting(".sync", {"StateMachineArn": "Child", "Name": "x"}), "Next": "B"},
        "B": {**starting(".sync", {"StateMachineArn": "Two", "Name": "x"}), "End": True},
    }
    two = load({"P": {"Type": "Pass", "End": True}})
    two.name = "Two"
    assert load(states).start(machines={"Child": CHILD, "Two": two}).run().status == "SUCCEEDED"


def test_the_parent_is_named_in_the_input_of_the_child():
    field = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"
    given = {"StateMachineArn": "Child", "Input": {f"{field}.$": "$$.Execution.Id"}}
    execution = one(starting(".sync:2", given)).start(machines={"Child": CHILD}).run()
    assert execution.children[0].input == {field: execution.arn}


# --- the SDK, and Express -------------------------------------------------------------------------------------------
def calling(action, **parameters):
    return {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:sfn:{action}", "Parameters": parameters}


EXPRESS = sfnbook.load(
    {"type": "EXPRESS", "name": "Quick", "stateMachineArn": CHILD_ARN, "definition": json.dumps(CHILD.source)}
)


def test_start_execution_of_the_sdk():
    execution = one(calling("startExecution", StateMachineArn="Child")).start(machines={"Child": CHILD}).run()
    assert set(execution.output) == {"ExecutionArn", "StartDate"}
    assert execution.time == 0


@pytest.mark.parametrize("child", [CHILD, EXPRESS], ids=["a definition", "an Express machine"])
def test_start_sync_execution(child):
    state = calling("startSyncExecution", StateMachineArn="Child", Input='{"a": 1}')
    execution = one(state).start(machines={"Child": child}).run()
    assert types(execution.history())[2:5] == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    output = execution.output
    assert (output["Status"], output["Input"], output["Output"]) == (
        "SUCCEEDED",
        '{"a":1}',
        '{"got":{"a":1}}',
    )
    assert output["BillingDetails"] == {"BilledDurationInMilliseconds": 5000, "BilledMemoryUsedInMB": 64}
    assert ":express:" in output["ExecutionArn"]
    assert execution.time == 5


def test_start_sync_execution_does_not_fail_with_its_execution():
    state = calling("startSyncExecution", StateMachineArn="Child")
    output = one(state).start(machines={"Child": FAILING}).run().output
    assert (output["Status"], output["Error"], output["Cause"]) == ("FAILED", "SomeFailure", "why")
    assert "Output" not in output


def test_start_sync_execution_ends_after_five_minutes():
    state = calling("startSyncExecution", StateMachineArn="Child")
    slow = load({"W": {"Type": "Wait", "Seconds": 1000, "End": True}})
    execution = one(state).start(machines={"Child": slow}).run()
    assert (execution.output["Status"], execution.time) == ("TIMED_OUT", 300)


def test_start_sync_execution_of_a_standard_machine():
    standard = sfnbook.load(
        {
            "type": "STANDARD",
            "name": "S",
            "stateMachineArn": CHILD_ARN,
            "definition": json.dumps(CHILD.source),
        }
    )
    state = calling("startSyncExecution", StateMachineArn="Child")
    execution = one(state).start(machines={"Child": standard}).run()
    assert execution.error == "Sfn.StateMachineTypeNotSupportedException"


def test_a_task_s_timeout_stops_a_synchronous_execution():
    state = {**calling("startSyncExecution", StateMachineArn="Child"), "TimeoutSeconds": 3}
    execution = one(state).start(machines={"Child": CHILD}).run()
    assert (execution.error, execution.time) == ("States.Timeout", 3)
    assert execution.children[0].status == "ABORTED"


def test_an_express_child_goes_on_by_itself():
    execution = (
        one(starting("", {"StateMachineArn": "Child", "Name": "x"})).start(machines={"Child": EXPRESS}).run()
    )
    assert ":express:Quick:x:" in execution.output["ExecutionArn"]


# --- tokens ---------------------------------------------------------------------------------------------------------
def with_token(child, **fields):
    """A Task that starts the child with its token, and waits for it."""
    given = {"StateMachineArn": "Child", "Input": {"token.$": "$$.Task.Token", "n": 7}}
    state = starting(".waitForTaskToken", given, **fields)
    return one(state).start(machines={"Child": child})


def child_that(action, **parameters):
    state = calling(action, **{"TaskToken.$": "$.token", **parameters})
    return load({"W": {"Type": "Wait", "Seconds": 4, "Next": "T"}, "T": {**state, "End": True}})


def test_a_child_answers_with_the_token_of_its_parent():
    child = child_that("sendTaskSuccess", **{"Output.$": "States.JsonToString($.n)"})
    execution = with_token(child).run()
    assert types(execution.history())[2:6] == [
        "TaskScheduled",
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]
    assert (execution.output, execution.time) == (7, 4)
    assert details(execution.history()[4])["output"]["ExecutionArn"] == execution.children[0].arn
    sent = [one for one in execution.children[0].transitions if one.kind == "TaskStarted"]
    assert [one.state for one in sent] == ["T"]


def test_a_child_fails_its_parent_with_the_token():
    execution = with_token(child_that("sendTaskFailure", Error="Refused", Cause="no")).run()
    assert (execution.error, execution.cause, execution.time) == ("Refused", "no", 4)
    assert (with_token(child_that("sendTaskFailure")).run().error) is None


def test_a_child_keeps_its_parent_alive():
    child = load({
        "T": {**calling("sendTaskHeartbeat", **{"TaskToken.$": "$.token"}), "ResultPath": None, "Next": "W"},
        "W": {"Type": "Wait", "Seconds": 4, "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$$.State.EnteredTime", "StringLessThan": "2025-01-01T00:00:20Z",
              "Next": "T"}], "Default": "S"},
        "S": {**calling("sendTaskSuccess", **{"TaskToken.$": "$.token"}, Output='"done"'), "End": True},
    })  # fmt: skip
    assert with_token(child, HeartbeatSeconds=5).run().output == "done"
    lazy = with_token(child, HeartbeatSeconds=3).run()
    assert (lazy.blocked, lazy.pending[0].deadline) == ("outside", 3)
    assert lazy.advance().run().error == "States.Timeout"


def test_a_child_that_ends_without_an_answer_leaves_its_parent_waiting():
    execution = with_token(CHILD).run()
    assert (execution.blocked, execution.children[0].status) == ("outside", "SUCCEEDED")
    execution = with_token(FAILING).run()
    assert execution.blocked == "outside"
    execution.pending[0].succeed("by hand")
    assert execution.result() == "by hand"


def test_a_token_is_sent_back_by_the_same_execution():
    branches = [
        block(A=task(Resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
                     Parameters={"FunctionName": "f", "Payload": {"t.$": "$$.Task.Token"}})),
        block(W={"Type": "Wait", "Seconds": 3, "Next": "B"},
              B={**calling("sendTaskSuccess", **{"TaskToken.$": "$.t"}, Output="{}"), "End": True}),
    ]  # fmt: skip
    machine = one({"Type": "Parallel", "Branches": branches})
    execution = machine.start(tasks={"f": sfnbook.tasks.waiting()}).run(until="B")
    execution.edit_input({"t": execution.pending[0].token}, at="B")
    assert execution.run().output == [{}, {}]


BAD_TOKENS = {
    "forged": ("nonsense", "Sfn.InvalidTokenException", "Invalid Token: 'Invalid token' (Service: Sfn, "),
    "of the right form": (f"sfnbook.{'0' * 64}.7.0", "Sfn.TaskTimedOutException", "Task Timed Out: "),
}


@pytest.mark.parametrize("action", ["sendTaskSuccess", "sendTaskFailure", "sendTaskHeartbeat"])
@pytest.mark.parametrize("case", BAD_TOKENS.values(), ids=list(BAD_TOKENS))
def test_a_token_that_is_none(case, action):
    token, error, cause = case
    state = calling(action, TaskToken=token, **({"Output": "{}"} if action == "sendTaskSuccess" else {}))
    execution = one(state).start().run()
    assert execution.error == error
    assert execution.cause.startswith(cause)


def test_an_answered_token_is_used_up():
    child = load({
        "A": {**calling("sendTaskSuccess", **{"TaskToken.$": "$.token"}, Output="1"), "ResultPath": None, "Next": "B"},
        "B": {**calling("sendTaskSuccess", **{"TaskToken.$": "$.token"}, Output="2"), "End": True},
    })  # fmt: skip
    states = {"S": {**starting(".waitForTaskToken", {"StateMachineArn": "Child", "Input": {"token.$": "$$.Task.Token"}}),
                    "Next": "W"}, "W": {"Type": "Wait", "Seconds": 1, "End": True}}  # fmt: skip
    execution = load(states).start(machines={"Child": child}).run()
    assert (execution.output, execution.children[0].error) == (1, "Sfn.TaskTimedOutException")


def test_an_output_that_is_no_json():
    execution = with_token(child_that("sendTaskSuccess", Output="{")).run()
    assert (execution.children[0].error, execution.blocked) == ("Sfn.InvalidOutputException", "outside")


def test_a_mock_for_the_task_itself_comes_first():
    execution = one(calling("sendTaskSuccess", TaskToken="x", Output="1")).start(tasks={"S": {}}).run()
    assert execution.output == {}


# --- in the debugger -------------------------------------------------------------------------------------------------
def test_stepping_into_a_child_and_out_of_it():
    machine = load({"S": {**starting(".sync:2"), "Next": "Z"}, "Z": {"Type": "Succeed"}})
    debugger = sfnbook.Debugger(machine, machines={"Child": CHILD})
    debugger.run_to("S")
    while (transition := debugger.step_into()).path != "S/A":
        assert transition.path in {"S", "S/A"} or transition.kind == "ExecutionStarted"
    assert debugger.path == "S/A"
    debugger.step_over()
    assert debugger.path == "S/W"
    assert debugger.statuses()["/States/S"] == "current"
    assert debugger.step_out().kind == "StateExited"
    assert debugger.path == "Z"
    assert debugger.statuses()["/States/S"] == "succeeded"
    debugger.restart()
    debugger.run_to("S/W")
    assert debugger.transition.path == "S/A"


def test_everything_goes_back_and_travels():
    child = child_that("sendTaskSuccess", Output="1")
    state = starting(
        ".waitForTaskToken", {"StateMachineArn": "Child", "Name": "x", "Input": {"token.$": "$$.Task.Token"}}
    )
    execution = one(state).start(machines={"Child": child}).run()
    story, frames = execution.history(), dict(execution.frames)
    other = pickle.loads(pickle.dumps(execution))
    for one_of_them in (execution, other):
        while one_of_them.back() is not None:
            pass
        del one_of_them.changes[:]
        assert one_of_them.run().history() == story
        assert one_of_them.frames == frames
