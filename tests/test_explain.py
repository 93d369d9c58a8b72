"""Why a transition happened, in words and rows, and the stages of the data flow at each of them."""

import contextlib

import pytest

import sfnbook
from sfnbook.tasks import failure, never, result
from tests.machines import block, load, of_kind, one, task

ENDS = {"Y": {"Type": "Succeed"}, "Z": {"Type": "Succeed"}}
CHOICES = [
    {
        "And": [{"Variable": "$.n", "IsPresent": True}, {"Variable": "$.n", "NumericGreaterThan": 10}],
        "Next": "Y",
    },
    {"Not": {"Variable": "$.t", "StringEquals": "a"}, "Next": "Y"},
    {"Variable": "$.n", "NumericEqualsPath": "$.m", "Next": "Y"},
]


def last(execution, kind):
    with contextlib.suppress(sfnbook.UnansweredTask):
        execution.run()
    return of_kind(execution, kind)[-1]


def why(execution, kind):
    reason = last(execution, kind).why
    return reason.text, list(reason.rows)


NEVER = "States.Runtime is never retried and never caught, not even by States.ALL"


# --- Choice -------------------------------------------------------------------------------------------------------
CHOICE = {
    "the first rule": (
        {"n": 11, "t": "a", "m": 1}, "Rule 1 of 3 is the first that is true: Y.",
        ["rule 1: And: true", "  $.n (11) IsPresent true: true", "  $.n (11) NumericGreaterThan 10: true"],
    ),
    "a later rule": (
        {"n": 1, "t": "a", "m": 1}, "Rule 3 of 3 is the first that is true: Y.",
        ["rule 1: And: false", "  $.n (1) IsPresent true: true", "  $.n (1) NumericGreaterThan 10: false",
         "rule 2: Not: false", '  $.t ("a") StringEquals "a": true', "rule 3: $.n (1) NumericEqualsPath $.m (1): true"],
    ),
    "Default": (
        {"n": 1, "t": "a", "m": 2}, "No rule is true, so Default decides: Z.",
        ["rule 1: And: false", "  $.n (1) IsPresent true: true", "  $.n (1) NumericGreaterThan 10: false",
         "rule 2: Not: false", '  $.t ("a") StringEquals "a": true', "rule 3: $.n (1) NumericEqualsPath $.m (2): false"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHOICE.values(), ids=list(CHOICE))
def test_why_a_choice(case):
    given, text, rows = case
    machine = load({"S": {"Type": "Choice", "Choices": CHOICES, "Default": "Z"}, **ENDS})
    execution = machine.start(given).run()
    (exited, *_) = of_kind(execution, "StateExited")
    assert (exited.why.text, list(exited.why.rows)) == (text, rows)


def test_why_a_choice_in_jsonata():
    rules = [
        {"Condition": "{% $states.input.n > 10 %}", "Next": "Y"},
        {"Condition": "{% true %}", "Next": "Z"},
    ]
    execution = (
        load({"S": {"Type": "Choice", "Choices": rules}, **ENDS}, QueryLanguage="JSONata")
        .start({"n": 1})
        .run()
    )
    (exited, *_) = of_kind(execution, "StateExited")
    assert exited.why.text == "Rule 2 of 2 is the first that is true: Z."
    assert list(exited.why.rows) == ["rule 1: {% $states.input.n > 10 %}: false", "rule 2: {% true %}: true"]


def test_why_no_rule_was_true():
    machine = load({"S": {"Type": "Choice", "Choices": CHOICES[1:]}, "Y": ENDS["Y"]})
    text, rows = why(machine.start({"n": 1, "t": "a", "m": 2}), "ExecutionFailed")
    assert text == "States.Runtime in S: nobody takes it, so the execution fails."
    assert rows == [NEVER, "rule 1: Not: false", '  $.t ("a") StringEquals "a": true',
                    "rule 2: $.n (1) NumericEqualsPath $.m (2): false"]  # fmt: skip


# --- Retry and Catch ------------------------------------------------------------------------------------------------
RETRIED = task(
    Retry=[
        {"ErrorEquals": ["X"]},
        {"ErrorEquals": ["E"], "IntervalSeconds": 3, "MaxDelaySeconds": 5, "MaxAttempts": 2},
        {"ErrorEquals": ["States.ALL"]},
    ],
    Catch=[{"ErrorEquals": ["Y"], "Next": "Y"}, {"ErrorEquals": ["E"], "ResultPath": "$.err", "Next": "Z"}],
)


def retried():
    return load({"S": RETRIED, **ENDS}).start({"a": 1}, tasks={"S": failure("E", "c")}).run()


def test_why_a_retry():
    first, second = of_kind(retried(), "RetryScheduled")
    assert first.why.text == "Retrier 2 takes E: attempt 2 starts in 3 s (3 s × 2^0; 1 of 2 retries used)."
    assert first.why.rows == (
        "retrier 1 [X]: does not match E",
        "retrier 2 [E]: matches, used 0 of 2 times before",
    )
    assert second.why.text == (
        "Retrier 2 takes E: attempt 3 starts in 5 s (3 s × 2^1, at most MaxDelaySeconds 5 s; 2 of 2 retries used)."
    )
    assert second.why.rows[1] == "retrier 2 [E]: matches, used 1 of 2 times before"


def test_why_a_retry_with_jitter():
    state = task(
        Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 4, "JitterStrategy": "FULL", "MaxAttempts": 1}]
    )
    text, _ = why(one(state).start(tasks={"S": failure("E")}), "RetryScheduled")
    assert "JitterStrategy FULL: somewhere between 0 and 4 s" in text


def test_why_a_catch():
    text, rows = why(retried(), "Caught")
    assert text == "Catcher 2 takes E: next is Z; the Error Output is put at $.err of the raw input."
    assert rows == [
        "retrier 1 [X]: does not match E",
        "retrier 2 [E]: matches, but its 2 retries are used up; the first match decides, so later retriers are not asked",
        "catcher 1 [Y]: does not match E",
        "catcher 2 [E]: matches, goes to Z",
    ]


def test_why_a_catch_that_replaces_the_input():
    machine = load({"S": task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z"}]), "Z": ENDS["Z"]})
    text, _ = why(machine.start(tasks={"S": failure("E")}), "Caught")
    assert text == "Catcher 1 takes E: next is Z; the Error Output replaces the input."


def test_why_nobody_took_it():
    state = task(Retry=[{"ErrorEquals": ["X"]}], Catch=[{"ErrorEquals": ["Y"], "Next": "Z"}])
    text, rows = why(load({"S": state, "Z": ENDS["Z"]}).start(tasks={"S": failure("E")}), "ExecutionFailed")
    assert text == "E in S: nobody takes it, so the execution fails."
    assert rows == ["retrier 1 [X]: does not match E", "catcher 1 [Y]: does not match E"]
    _, rows = why(one(task()).start(tasks={"S": failure("E")}), "ExecutionFailed")
    assert rows == ["S has no Retry and no Catch"]


def test_why_task_failed_does_not_take_a_timeout():
    state = task(TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.TaskFailed"]}])
    _, rows = why(one(state).start(tasks={"S": never()}), "ExecutionFailed")
    assert rows == [
        (
            "retrier 1 [States.TaskFailed]: does not match States.Timeout "
            "(States.TaskFailed matches every error but a timeout)"
        )
    ]


# --- paths that found nothing ---------------------------------------------------------------------------------------
NEAREST = {
    "InputPath": ({"Type": "Pass", "InputPath": "$.ordr"}, "nearest to $.ordr: order"),
    "Parameters": ({"Type": "Pass", "Parameters": {"x.$": "$.order.idd"}}, "nearest to $.order.idd: id"),
    "Parameters after InputPath": (
        {"Type": "Pass", "InputPath": "$.order", "Parameters": {"x.$": "$.idd"}}, "nearest to $.idd: id",
    ),
    "OutputPath": ({"Type": "Pass", "OutputPath": "$.Order"}, "nearest to $.Order: order"),
    "OutputPath after ResultPath": (
        {"Type": "Pass", "Result": 1, "ResultPath": "$.result", "OutputPath": "$.reslt"}, "nearest to $.reslt: result",
    ),
    "ResultSelector": (task(ResultSelector={"x.$": "$.Paylod"}), "nearest to $.Paylod: Payload"),
    "OutputPath of a Task": (task(OutputPath="$.Paylod"), "nearest to $.Paylod: Payload"),
    "SecondsPath": ({"Type": "Wait", "SecondsPath": "$.secs"}, "nearest to $.secs: seconds"),
    "ErrorPath": ({"Type": "Fail", "ErrorPath": "$.ordr"}, "nearest to $.ordr: order"),
    "the context object": ({"Type": "Pass", "Parameters": {"x.$": "$$.Exection.Name"}},
                           "nearest to $$.Exection.Name: Execution"),
    "Choice": ({"Type": "Choice", "Choices": [{"Variable": "$.ordr", "NumericEquals": 1, "Next": "Z"}]},
               "nearest to $.ordr: order"),
}  # fmt: skip


@pytest.mark.parametrize("case", NEAREST.values(), ids=list(NEAREST))
def test_the_nearest_keys_of_a_path_that_found_nothing(case):
    state, row = case
    state = state if state["Type"] in {"Choice", "Fail"} else {**state, "End": True}
    more = {"Z": ENDS["Z"]} if state["Type"] == "Choice" else {}
    tasks = {"S": {"Payload": 1}} if state["Type"] == "Task" else None
    _, rows = why(
        load({"S": state, **more}).start({"order": {"id": 1}, "seconds": 2}, tasks=tasks), "ExecutionFailed"
    )
    assert rows[0] == NEVER
    assert rows[-1] == row


def test_a_path_with_nothing_near():
    _, rows = why(one({"Type": "Pass", "InputPath": "$.q"}).start({"order": 1}), "ExecutionFailed")
    assert rows == [NEVER]


def test_a_path_in_an_iteration():
    inner = block(P={"Type": "Pass", "InputPath": "$.nme", "End": True})
    execution = one({"Type": "Map", "ItemProcessor": inner}).start([{"name": 1}])
    text, rows = why(execution, "FanOutFailed")
    assert text == "States.Runtime in P: nobody takes it, so the Map or Parallel around it fails at once."
    assert rows == [NEVER, "nearest to $.nme: name"]


# --- limits and timeouts ----------------------------------------------------------------------------------------------
def test_why_a_payload_was_too_large():
    _, rows = why(one(task()).start(tasks={"S": result("x" * 300_000)}), "ExecutionFailed")
    assert rows[0].startswith("result: 300,002 bytes, AWS takes 262,144; limits=None lifts the limit")
    growing = one({"Type": "Pass", "Parameters": {"a.$": "$", "b.$": "$"}})
    _, rows = why(growing.start("x" * 200_000), "ExecutionFailed")
    assert rows[0].startswith("output: 400,015 bytes")


def test_why_a_history_was_full():
    loop = {"A": {"Type": "Pass", "Next": "B"},
            "B": {"Type": "Choice", "Choices": [{"Variable": "$.no", "IsPresent": True, "Next": "Z"}], "Default": "A"},
            "Z": ENDS["Z"]}  # fmt: skip
    _, rows = why(load(loop).start(limits=sfnbook.AWS_LIMITS._replace(events=30)), "ExecutionFailed")
    assert rows[-1] == "30 history events are all that AWS allows; limits=None lifts the limit"


TIMEOUTS = {
    "TimeoutSeconds": (task(TimeoutSeconds=5), never(), "TimeoutSeconds (5 s) of the start of the attempt"),
    "HeartbeatSeconds": (
        task(TimeoutSeconds=50, HeartbeatSeconds=5), result(1, seconds=40, heartbeats=[3]),
        "HeartbeatSeconds (5 s) of the last heartbeat",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TIMEOUTS.values(), ids=list(TIMEOUTS))
def test_why_a_task_timed_out(case):
    state, answer, text = case
    assert why(one(state).start(tasks={"S": answer}), "TaskTimedOut") == (
        f"No answer within {text}: States.Timeout.",
        [],
    )


def test_why_an_execution_timed_out():
    waiting = {"Type": "Wait", "Seconds": 900}
    text, _ = why(one(waiting, TimeoutSeconds=5).start(), "ExecutionTimedOut")
    assert text == "The state machine's TimeoutSeconds (5 s) is over; nothing can catch that."
    text, _ = why(one(waiting).start(type="EXPRESS"), "ExecutionTimedOut")
    assert text == "An Express execution runs at most 300 s; nothing can catch that."
    text, _ = why(one(waiting, TimeoutSeconds=600).start(type="EXPRESS"), "ExecutionTimedOut")
    assert text == "An Express execution runs at most 300 s; nothing can catch that."


# --- what has no reason --------------------------------------------------------------------------------------------------
def test_most_transitions_decide_nothing():
    execution = one({"Type": "Pass"}).start().run()
    assert [bool(item.why) for item in execution.transitions] == [False] * 4
    assert str(execution.transitions[1].why) == ""


def test_the_text_of_a_why_is_its_rows_indented():
    reason = of_kind(retried(), "Caught")[0].why
    assert str(reason).splitlines() == [reason.text, *(f"  {row}" for row in reason.rows)]


def test_a_failed_execution_raises_with_its_reason():
    with pytest.raises(sfnbook.ExecutionFailed) as problem:
        one({"Type": "Pass", "InputPath": "$.ordr"}).start({"order": 1}).result()
    assert problem.value.state == "S"
    assert "nearest to $.ordr: order" in problem.value.why


# --- data flow -----------------------------------------------------------------------------------------------------------
FULL = task(InputPath="$.a", Parameters={"p.$": "$.b"}, ResultSelector={"s.$": "$.r"}, ResultPath="$.out",
            OutputPath="$.out", Assign={"v.$": "$"})  # fmt: skip
COMING = {"input": {"a": {"b": 1}}, "afterInputPath": {"b": 1}, "afterParameters": {"p": 1}}

STAGES = {
    "StateEntered": {"input": {"a": {"b": 1}}},
    "TaskScheduled": COMING,
    "TaskStarted": COMING,
    "TaskSucceeded": {**COMING, "result": {"r": 2}},
    "StateExited": {
        **COMING, "result": {"r": 2}, "afterResultSelector": {"s": 2},
        "afterResultPath": {"a": {"b": 1}, "out": {"s": 2}}, "output": {"s": 2}, "variables": {"v": {"r": 2}},
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", STAGES)
def test_data_flow_of_a_task(kind):
    execution = one(FULL).start({"a": {"b": 1}}, tasks={"S": {"r": 2}})
    flow = last(execution, kind).data_flow
    assert flow == STAGES[kind]
    assert list(flow) == list(STAGES[kind])


FLOWS = {
    "JSONata Task": (
        task(QueryLanguage="JSONata", Arguments={"x": "{% $states.input.a %}"}, Output="{% $states.result.r %}",
             Assign={"v": 1}), {"a": 1},
        {"input": {"a": 1}, "afterArguments": {"x": 1}, "result": {"r": 2}, "output": 2, "variables": {"v": 1}},
    ),
    "Pass": ({"Type": "Pass"}, 5, {"input": 5, "result": 5, "output": 5, "variables": {}}),
    "Pass with a Result": (
        {"Type": "Pass", "Parameters": {"x": 1}, "Result": 3, "ResultPath": "$.r"}, {"a": 1},
        {"input": {"a": 1}, "afterParameters": {"x": 1}, "result": 3, "afterResultPath": {"a": 1, "r": 3},
         "output": {"a": 1, "r": 3}, "variables": {}},
    ),
    "Pass with a Result of null": (
        {"Type": "Pass", "Result": None}, {"a": 1}, {"input": {"a": 1}, "result": None, "output": None, "variables": {}},
    ),
    "Wait": (
        {"Type": "Wait", "Seconds": 1, "InputPath": "$.a", "OutputPath": None}, {"a": 1},
        {"input": {"a": 1}, "afterInputPath": 1, "output": {}, "variables": {}},
    ),
    "Map": (
        {"Type": "Map", "ItemsPath": "$.l", "ResultPath": "$.r", "ItemProcessor": block(P={"Type": "Pass", "End": True})},
        {"l": [1]},
        {"input": {"l": [1]}, "result": [1], "afterResultPath": {"l": [1], "r": [1]}, "output": {"l": [1], "r": [1]},
         "variables": {}},
    ),
    "Parallel": (
        {"Type": "Parallel", "Parameters": {"x": 1}, "Branches": [block(P={"Type": "Pass", "End": True})]}, {},
        {"input": {}, "afterParameters": {"x": 1}, "result": [{"x": 1}], "output": [{"x": 1}], "variables": {}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FLOWS.values(), ids=list(FLOWS))
def test_data_flow_of_a_state_that_was_left(case):
    state, given, flow = case
    tasks = {"S": {"r": 2}} if state["Type"] == "Task" else None
    assert last(one(state).start(given, tasks=tasks), "StateExited").data_flow == flow


def test_data_flow_of_a_caught_error():
    flow = last(retried(), "Caught").data_flow
    error_output = {"Error": "E", "Cause": "c"}
    assert flow["errorOutput"] == error_output
    assert flow["output"] == {"a": 1, "err": error_output}
    assert "result" not in flow


def test_data_flow_of_a_retry():
    flow = of_kind(retried(), "RetryScheduled")[0].data_flow
    assert flow == {"input": {"a": 1}, "errorOutput": {"Error": "E", "Cause": "c"}}


def test_data_flow_stops_where_it_failed():
    flow = last(one({"Type": "Pass", "InputPath": "$.a", "Parameters": {"x.$": "$.no"}}).start({"a": {}}),
                "ExecutionFailed").data_flow  # fmt: skip
    assert flow["afterInputPath"] == {}
    assert "afterParameters" not in flow
    assert flow["error"].startswith("Parameters: ")


def test_data_flow_can_be_read_at_the_end_as_at_the_moment():
    state = task(Parameters={"id.$": "States.UUID()", "t.$": "$$.State.EnteredTime"}, ResultPath="$.r",
                 Retry=[{"ErrorEquals": ["E"]}])  # fmt: skip
    answers = sfnbook.tasks.attempts(failure("E"), {"ok": 1})
    execution = one(state).start({}, tasks={"S": answers})
    at_the_moment = [(item.data_flow, str(item.why)) for item in execution]
    assert [(item.data_flow, str(item.why)) for item in execution.transitions] == at_the_moment


def test_what_data_flow_gives_out_is_a_copy():
    execution = one({"Type": "Pass"}).start({"l": [1]}).run()
    exited = of_kind(execution, "StateExited")[0]
    exited.data_flow["input"]["l"].append(2)
    assert exited.data_flow["input"] == {"l": [1]}


# --- Maps, waits and callbacks --------------------------------------------------------------------------------
ROW = {
    "ItemProcessor": {
        **block(Row={"Type": "Pass", "End": True}),
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    }
}
READ = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "JSON"},
    "Parameters": {"Bucket": "b", "Key": "k"},
}


def distributed(**fields):
    return load({"M": {"Type": "Map", **ROW, **fields, "End": True}})


def test_why_a_map_run_started():
    machine = distributed(
        ItemReader=READ, ItemBatcher={"MaxItemsPerBatch": 2}, MaxConcurrency=5, ToleratedFailureCount=1
    )
    text, rows = why(machine.start(files={"b/k": [1, 2, 3]}), "FanOutStarted")
    assert text == "3 items of S3://b/k in 2 batches (MaxItemsPerBatch 2), at most 5 at a time."
    assert rows == ["tolerated failures: 1 items, 0 %; a 0 sets no bound"]


def test_the_batches_of_a_map_run_are_a_stage():
    machine = distributed(ItemReader=READ, ItemBatcher={"MaxItemsPerBatch": 2})
    flow = last(machine.start(files={"b/k": [1, 2, 3]}), "FanOutStarted").data_flow
    assert flow["afterItemBatcher"] == [{"Items": [1, 2]}, {"Items": [3]}]
    assert flow["toleratedFailureCount"] == 0


def test_why_too_many_items_failed():
    processor = {
        **block(Row={"Type": "Fail", "Error": "E"}),
        "ProcessorConfig": ROW["ItemProcessor"]["ProcessorConfig"],
    }
    _, rows = why(distributed(ItemProcessor=processor).start([1, 2]), "ExecutionFailed")
    assert rows[0] == "1 of 2 items failed; tolerated failures: none"


def test_why_a_callback_waits():
    machine = one(task(Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken", TimeoutSeconds=60))
    execution = machine.start()
    text, rows = why(execution, "TaskSubmitted")
    assert text == "Waits for SendTaskSuccess or SendTaskFailure with the task token."
    assert rows == [f"token {execution.pending[0].token}", "it times out at 1 min"]


def test_why_a_wait_waits():
    text, _ = why(load({"W": {"Type": "Wait", "Seconds": 90, "End": True}}).start(), "StateEntered")
    assert text == "Waits 90 s, until 90 s, 2025-01-01T00:01:30Z."
    text, _ = why(load({"W": {"Type": "Wait", "Seconds": 31536000, "End": True}}).start(), "StateEntered")
    assert text == "Waits 31536000 s, until 31536000 s, 2026-01-01T00:00:00Z."
