"""AWS's quotas: the size of payloads, the number of events, concurrency and durations; each can be lifted."""

import pytest

import sfnbook
from sfnbook.tasks import failure
from tests.machines import CALLBACK, LAMBDA, START, block, definition, details, load, one, prefix, task, types

LIMIT = 262_144
DATA = "States.DataLimitExceeded"


def text_of(size):
    """A value whose JSON text has this many bytes."""
    return "x" * (size - 2)


def too_large(name):
    return f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit."


# --- payloads -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("size", "succeeds"), [(LIMIT, True), (LIMIT + 1, False)])
@pytest.mark.parametrize("resource", [LAMBDA, "arn:aws:states:::aws-sdk:s3:getObject"])
def test_the_result_of_a_task(size, succeeds, resource):
    state = {"Type": "Task", "Resource": resource, "ResultPath": None}
    execution = one(state).start(tasks={"S": sfnbook.tasks.result(text_of(size))}).run()
    if succeeds:
        assert execution.status == "SUCCEEDED"
        return
    name = resource if resource == LAMBDA else "aws-sdk:s3"
    assert (execution.error, execution.cause) == (DATA, too_large(name))
    failed = execution.history()[-2]
    assert failed["type"] in {"LambdaFunctionFailed", "TaskFailed"}
    assert details(failed)["error"] == DATA


def test_bytes_are_counted_not_characters():
    for value, succeeds in (("ü" * (LIMIT // 2 - 1), True), ("ü" * (LIMIT // 2), False)):
        execution = one(task(ResultPath=None)).start(tasks={"S": sfnbook.tasks.result(value)}).run()
        assert (execution.status == "SUCCEEDED") is succeeds


@pytest.mark.parametrize("error_equals", [[DATA], ["States.ALL"], ["States.TaskFailed"]], ids=str)
def test_a_result_that_is_too_large_can_be_caught(error_equals):
    states = {"S": task(Catch=[{"ErrorEquals": error_equals, "Next": "Z"}]), "Z": {"Type": "Succeed"}}
    execution = load(states).start(tasks={"S": sfnbook.tasks.result(text_of(LIMIT + 1))}).run()
    assert execution.output == {"Error": DATA, "Cause": too_large(LAMBDA)}


def test_a_callback_s_output():
    execution = (
        one({"Type": "Task", "Resource": CALLBACK, "Parameters": {"MessageBody.$": "$$.Task.Token"}})
        .start()
        .run()
    )
    execution.pending[0].succeed(text_of(LIMIT + 1))
    assert execution.run().error == DATA


GROWING = {
    "Pass": ({"Type": "Pass", "Parameters": {"a.$": "$", "b.$": "$"}}, None),
    "Pass ResultPath": ({"Type": "Pass", "ResultPath": "$.again"}, None),
    "JSONata Pass": ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": ["{% $states.input %}",
                      "{% $states.input %}"]}, None),
    "Map": ({"Type": "Map", "ItemProcessor": block(P={"Type": "Pass", "End": True}), "ItemsPath": "$.twice",
             "ItemSelector": {"all.$": "$"}}, None),
    "Parallel": ({"Type": "Parallel", "Branches": [block(L={"Type": "Pass", "End": True}),
                  block(R={"Type": "Pass", "End": True})]}, None),
    "Task Parameters": (task(Parameters={"a.$": "$", "b.$": "$"}), {"S": 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", GROWING.values(), ids=list(GROWING))
def test_a_state_that_lets_its_data_grow_fails(case):
    state, tasks = case
    given = {"text": text_of(LIMIT * 2 // 3), "twice": [1, 2]}
    execution = one(state).start(given, tasks=tasks).run()
    assert (execution.status, execution.error, execution.cause) == ("FAILED", DATA, too_large("S"))
    lifted = one(state).start(given, tasks=tasks, limits=None).run()
    assert lifted.status == "SUCCEEDED"


def test_the_limit_can_be_moved():
    limits = sfnbook.AWS_LIMITS._replace(payload_bytes=10)
    assert one(task()).start(tasks={"S": "x" * 8}, limits=limits).run().status == "SUCCEEDED"
    assert one(task()).start(tasks={"S": "x" * 9}, limits=limits).run().error == DATA


# --- events ---------------------------------------------------------------------------------------------------------
ENDLESS = {
    "A": {"Type": "Pass", "Next": "B"},
    "B": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "Z"}],
        "Default": "A",
    },
    "Z": {"Type": "Succeed"},
}
FULL = "The execution reached the maximum number of history events (25000)."


def test_an_endless_loop_stops_at_25_000_events():
    execution = load(ENDLESS).start().run()
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "States.Runtime", FULL)
    events = execution.history()
    assert len(events) == 25_000
    assert (events[-1]["id"], events[-1]["type"]) == (25_000, "ExecutionFailed")


def test_stepping_and_running_stop_at_the_same_event():
    limits = sfnbook.AWS_LIMITS._replace(events=40)
    machine = load(ENDLESS)
    stepped = machine.start(limits=limits)
    assert len(list(stepped)) == 40
    assert stepped.history() == machine.start(limits=limits).run().history()


def test_the_number_of_events_can_be_raised_and_lifted():
    states = {**ENDLESS, "A": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "B"}}
    states["B"] = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericEquals": 7000, "Next": "Z"}],
        "Default": "A",
    }
    machine = load(states)
    assert machine.start({"n": 0}).run().cause == FULL
    assert machine.start({"n": 0}, limits=sfnbook.AWS_LIMITS._replace(events=30_000)).run().output == {
        "n": 7000
    }
    lifted = machine.start({"n": 0}, limits=None).run()
    assert len(lifted.history()) == 28_004


@pytest.mark.parametrize("events", range(12, 22))
def test_no_history_is_longer_than_its_limit(events):
    inner = block(F={"Type": "Fail"})
    state = {
        "Type": "Map",
        "ItemProcessor": inner,
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 99}],
    }
    execution = one(state).start([1, 2], limits=sfnbook.AWS_LIMITS._replace(events=events)).run()
    assert execution.error == "States.Runtime"
    assert len(execution.history()) <= events
    assert execution.history()[-1]["type"] == "ExecutionFailed"


def test_nothing_catches_a_full_history():
    inner = block(**{name: dict(state) for name, state in ENDLESS.items()})
    state = {
        "Type": "Parallel",
        "Branches": [inner],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Q"}],
        "End": True,
    }
    execution = (
        load({"S": state, "Q": {"Type": "Succeed"}})
        .start(limits=sfnbook.AWS_LIMITS._replace(events=60))
        .run()
    )
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")


def test_an_express_execution_has_no_limit_of_events():
    limits = sfnbook.AWS_LIMITS._replace(events=20)
    execution = load(ENDLESS).start(type="EXPRESS", limits=limits)
    for _ in range(50):
        execution.step()
    assert execution.status == "RUNNING"


def test_each_execution_has_a_history_of_its_own():
    limits = sfnbook.AWS_LIMITS._replace(events=60)
    state = {"Type": "Task", "Resource": START + ".sync:2", "Parameters": {"StateMachineArn": "Child"},
             "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}], "End": True}  # fmt: skip
    execution = (
        load({"S": state, "Z": {"Type": "Succeed"}})
        .start(machines={"Child": load(ENDLESS)}, limits=limits)
        .run()
    )
    (child,) = execution.children
    assert (child.status, child.error, len(child.history())) == ("FAILED", "States.Runtime", 60)
    assert (execution.status, execution.output["Error"]) == ("SUCCEEDED", "States.TaskFailed")


def test_a_child_of_a_map_run_whose_history_is_full_fails_alone():
    limits = sfnbook.AWS_LIMITS._replace(events=60)
    inner = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **block(**ENDLESS)}
    state = {"Type": "Map", "ItemProcessor": inner, "ToleratedFailureCount": 1}
    execution = one(state).start([{}, {"end": 1}], limits=limits).run()
    assert [child.status for child in execution.children] == ["FAILED", "SUCCEEDED"]
    assert execution.status == "SUCCEEDED"


def test_an_edit_after_the_end_of_a_full_history_is_refused_or_cut():
    execution = load(ENDLESS).start(limits=sfnbook.AWS_LIMITS._replace(events=20)).run()
    for _ in range(5):
        execution.back()
    execution.edit_input({"end": True})
    assert execution.run().status == "SUCCEEDED"
    assert len(execution.history()) <= 20


# --- variables ------------------------------------------------------------------------------------------------------
def test_a_variable_is_at_most_256_kib():
    state = {"Type": "Pass", "Assign": {"v.$": "States.Array($, $)"}}
    assert one(state).start(text_of(LIMIT * 2 // 3)).run().error == DATA
    assert one(state).start(text_of(LIMIT * 2 // 3), limits=None).run().status == "SUCCEEDED"


# --- what else is limited -------------------------------------------------------------------------------------------
def test_aws_limits_are_those_of_the_service():
    assert sfnbook.AWS_LIMITS.payload_bytes == 262_144
    assert sfnbook.AWS_LIMITS.events == 25_000
    assert sfnbook.AWS_LIMITS.inline_concurrency == 40
    assert sfnbook.AWS_LIMITS.distributed_concurrency == 10_000
    assert sfnbook.AWS_LIMITS.standard_seconds == 365 * 86_400
    assert sfnbook.AWS_LIMITS.express_seconds == 300


def test_a_wait_longer_than_the_quota_is_cut():
    machine = one({"Type": "Wait", "Seconds": 100})
    execution = machine.start(limits=sfnbook.AWS_LIMITS._replace(standard_seconds=60)).run()
    assert (execution.status, execution.time) == ("TIMED_OUT", 60)


def test_the_machine_s_own_timeout_is_no_quota():
    machine = sfnbook.load(
        definition({"S": {"Type": "Wait", "Seconds": 100, "End": True}}, TimeoutSeconds=60)
    )
    assert machine.start(limits=None).run().status == "TIMED_OUT"


def test_a_failure_is_not_made_of_the_limits_prefix():
    execution = one(task()).start(tasks={"S": failure("E", "c")}, limits=None).run()
    assert not execution.cause.startswith(prefix())
    assert types(execution.history())[-1] == "ExecutionFailed"
