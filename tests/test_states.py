"""The eight kinds of state, field by field, in both query languages: what comes out, or why it failed."""

import pytest

from sfnbook.tasks import failure, never, result
from tests.machines import INVOKE, block, details, load, one, prefix, task

NOW = "2025-01-01T00:00:00Z"
RUNTIME = "States.Runtime"
QUERY = "States.QueryEvaluationError"


class Fails:
    """The execution fails with this error and this cause; ``at`` is the event that the prefix names."""

    def __init__(self, error, cause=None, at=2):
        self.error, self.cause, self.at = error, cause, at


def check(execution, expected):
    execution.run()
    if isinstance(expected, Fails):
        cause = expected.cause
        if expected.at and cause is not None:
            cause = prefix(event=expected.at) + cause
        assert (execution.status, execution.error, execution.cause) == ("FAILED", expected.error, cause)
    else:
        assert (execution.status, execution.output) == ("SUCCEEDED", expected), execution.cause


def table(cases):
    return pytest.mark.parametrize("case", cases.values(), ids=list(cases))


# --- Pass ---------------------------------------------------------------------------------------------
PASS = {
    "as it is": ({}, {"a": 1}, {"a": 1}),
    "Result": ({"Result": 1}, {"a": 1}, 1),
    "Result null": ({"Result": None}, {"a": 1}, None),
    "Result false": ({"Result": False}, {"a": 1}, False),
    "Result is not evaluated": ({"Result": {"b.$": "$.a"}}, {"a": 1}, {"b.$": "$.a"}),
    "Result replaces Parameters": ({"Parameters": {"b.$": "$.a"}, "Result": 2}, {"a": 1}, 2),
    "Result is put at ResultPath": ({"Result": 2, "ResultPath": "$.b"}, {"a": 1}, {"a": 1, "b": 2}),
    "ResultPath makes objects": ({"Result": 2, "ResultPath": "$.b.c"}, {"a": 1}, {"a": 1, "b": {"c": 2}}),
    "ResultPath overwrites": ({"Result": 2, "ResultPath": "$.a"}, {"a": {"x": 1}}, {"a": 2}),
    "ResultPath null": ({"Result": 2, "ResultPath": None}, {"a": 1}, {"a": 1}),
    "ResultPath $": ({"Result": 2, "ResultPath": "$"}, {"a": 1}, 2),
    "ResultPath into the raw input": (
        {"InputPath": "$.a", "ResultPath": "$.r"}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "r": 1},
    ),
    "ResultPath on text": ({"Result": 2, "ResultPath": "$.b"}, "text", Fails("States.ResultPathMatchFailure", ...)),
    "InputPath": ({"InputPath": "$.a"}, {"a": [1]}, [1]),
    "InputPath $": ({"InputPath": "$"}, {"a": 1}, {"a": 1}),
    "InputPath null": ({"InputPath": None}, {"a": 1}, {}),
    "InputPath context": ({"InputPath": "$$.State.Name"}, {}, "S"),
    "InputPath context whole": ({"InputPath": "$$", "OutputPath": "$.State.Name"}, {}, "S"),
    "InputPath slice": ({"InputPath": "$.a[1:]"}, {"a": [1, 2, 3]}, [2, 3]),
    "OutputPath": ({"OutputPath": "$.a"}, {"a": None}, None),
    "OutputPath null": ({"OutputPath": None}, {"a": 1}, {}),
    "OutputPath context": ({"OutputPath": "$$.Execution.Input"}, {"a": 1}, {"a": 1}),
    "OutputPath after ResultPath": ({"Result": 2, "ResultPath": "$.b", "OutputPath": "$.b"}, {"a": 1}, 2),
    "Parameters": ({"Parameters": {"x.$": "$.a", "y": "$.a"}}, {"a": 1}, {"x": 1, "y": "$.a"}),
    "Parameters nested": (
        {"Parameters": {"x": [{"y.$": "$.a"}], "z": {"w.$": "$"}}}, {"a": 1},
        {"x": [{"y": 1}], "z": {"w": {"a": 1}}},
    ),
    "Parameters after InputPath": ({"InputPath": "$.a", "Parameters": {"x.$": "$.b"}}, {"a": {"b": 1}}, {"x": 1}),
    "Parameters intrinsic": ({"Parameters": {"x.$": "States.Format('{}!', $.a)"}}, {"a": 1}, {"x": "1!"}),
    "Parameters context": (
        {"Parameters": {"n.$": "$$.State.Name", "t.$": "$$.State.EnteredTime", "r.$": "$$.Execution.RedriveCount"}},
        {}, {"n": "S", "t": NOW, "r": 0},
    ),
    "InputPath misses": (
        {"InputPath": "$.NoSuch"}, {}, Fails(RUNTIME, "Invalid path '$.NoSuch' : No results for path: $['NoSuch']"),
    ),
    "InputPath misses deeper": (
        {"InputPath": "$.no.such"}, {}, Fails(RUNTIME, "Invalid path '$.no.such' : Missing property in path $['no']"),
    ),
    "OutputPath misses": (
        {"OutputPath": "$.no"}, {}, Fails(RUNTIME, "Invalid path '$.no' : No results for path: $['no']"),
    ),
    "Parameters miss": (
        {"Parameters": {"value.$": "$.no"}}, {"a": 1},
        Fails(RUNTIME, "The JSONPath '$.no' specified for the field 'value.$' could not be found in the input "
              "'{\"a\":1}'"),
    ),
    "Parameters miss in the context": (
        {"Parameters": {"value.$": "$$.No"}}, {"a": 1}, Fails(RUNTIME, ...),
    ),
}  # fmt: skip

PASS_JSONATA = {
    "as it is": ({}, {"a": 1}, {"a": 1}),
    "Output": ({"Output": "{% $states.input.a %}"}, {"a": 1}, 1),
    "Output null": ({"Output": None}, {"a": 1}, None),
    "Output evaluates to null": ({"Output": {"x": "{% null %}"}}, {}, {"x": None}),
    "Output of numbers": ({"Output": 42}, {}, 42),
    "Output of lists": ({"Output": ["{% 1 + 1 %}", "text"]}, {}, [2, "text"]),
    "text around is text": ({"Output": " {% 1 %}"}, {}, " {% 1 %}"),
    "context": ({"Output": "{% $states.context.State.Name %}"}, {}, "S"),
    "one of a range": ({"Output": "{% $range(1, 9, 9) %}"}, {}, 1),
    "undefined": (
        {"Output": {"x": ["{% $states.input.no %}"]}}, {},
        Fails(QUERY, "The JSONata expression '$states.input.no' specified for the field 'Output/x[0]' returned "
              "nothing (undefined)."),
    ),
    "a function": (
        {"Output": "{% function($x) { $x } %}"}, {},
        Fails(QUERY, "The JSONata expression 'function($x) { $x }' specified for the field 'Output' returned an "
              "unsupported result type."),
    ),
    "no such function": (
        {"Output": "{% $eval('1') %}"}, {},
        Fails(QUERY, "The JSONata expression '$eval('1')' specified for the field 'Output' threw an error during "
              "evaluation. T1006: Attempted to invoke a non-function"),
    ),
}  # fmt: skip


def check_cause(execution, expected):
    """As `check`, but a cause of ``...`` may say anything."""
    if isinstance(expected, Fails) and expected.cause is ...:
        execution.run()
        assert (execution.status, execution.error) == ("FAILED", expected.error)
        assert execution.cause.startswith(prefix())
    else:
        check(execution, expected)


@table(PASS)
def test_pass(case):
    fields, given, expected = case
    check_cause(one({"Type": "Pass", **fields}).start(given), expected)


@table(PASS_JSONATA)
def test_pass_in_jsonata(case):
    fields, given, expected = case
    check(one({"Type": "Pass", **fields}, QueryLanguage="JSONata").start(given), expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, {"a": 1}), ({"InputPath": "$.a"}, 1), ({"InputPath": "$.a", "OutputPath": None}, {}),
     ({"OutputPath": "$.a"}, 1), ({"QueryLanguage": "JSONata", "Output": "{% $states.input.a + 1 %}"}, 2)],
    ids=str,
)  # fmt: skip
def test_succeed(fields, expected):
    check(one({"Type": "Succeed", **fields}).start({"a": 1}), expected)


def test_a_single_jsonata_state_in_a_jsonpath_machine():
    machine = load(
        {
            "A": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"n": "{% 1 + 1 %}"}, "Next": "B"},
            "B": {"Type": "Pass", "Parameters": {"m.$": "$.n"}, "End": True},
        }
    )
    assert machine.start().result() == {"m": 2}


# --- Fail ---------------------------------------------------------------------------------------------
FAIL = {
    "neither": ({}, Fails(None)),
    "Error": ({"Error": "E"}, Fails("E")),
    "Cause": ({"Cause": "c"}, Fails(None, "c", at=0)),
    "both": ({"Error": "E", "Cause": "c"}, Fails("E", "c", at=0)),
    "not evaluated": ({"Error": "$.error"}, Fails("$.error")),
    "ErrorPath and CausePath": ({"ErrorPath": "$.error", "CausePath": "$.why.text"}, Fails("Bad", "because", at=0)),
    "context": ({"ErrorPath": "$$.State.Name", "Cause": "c"}, Fails("S", "c", at=0)),
    "intrinsic": ({"ErrorPath": "States.Format('{}!', $.error)", "CausePath": "States.JsonToString($.why)"},
                  Fails("Bad!", '{"text":"because"}', at=0)),
    "ErrorPath misses": (
        {"ErrorPath": "$.no"},
        Fails(RUNTIME, "The JSONPath '$.no' specified for the field 'ErrorPath' could not be found in the input "
              "'{\"error\":\"Bad\",\"why\":{\"text\":\"because\"}}'"),
    ),
    "CausePath misses": (
        {"CausePath": "$.no"},
        Fails(RUNTIME, "The JSONPath '$.no' specified for the field 'CausePath' could not be found in the input "
              "'{\"error\":\"Bad\",\"why\":{\"text\":\"because\"}}'"),
    ),
    "JSONata": ({"QueryLanguage": "JSONata", "Error": "{% $states.input.error %}", "Cause": "{% 'a' & 'b' %}"},
                Fails("Bad", "ab", at=0)),
    "JSONata wrong type": (
        {"QueryLanguage": "JSONata", "Error": "{% 1 %}"},
        Fails(QUERY, "The JSONata expression '1' specified for the field 'Error' returned an unexpected result type. "
              "Expected 'string', but was 'number' for value: 1"),
    ),
}  # fmt: skip


@table(FAIL)
def test_fail(case):
    fields, expected = case
    execution = one({"Type": "Fail", **fields}).start({"error": "Bad", "why": {"text": "because"}})
    check(execution, expected)
    assert "FailStateExited" not in {event["type"] for event in execution.history()}


# --- Wait ---------------------------------------------------------------------------------------------
WAIT = {
    "Seconds": ({"Seconds": 10}, {}, 10),
    "Seconds 0": ({"Seconds": 0}, {}, 0),
    "SecondsPath": ({"SecondsPath": "$.s"}, {"s": 7}, 7),
    "SecondsPath in text": ({"SecondsPath": "$.s"}, {"s": "7"}, 7),
    "SecondsPath after InputPath": ({"InputPath": "$.a", "SecondsPath": "$.s"}, {"a": {"s": 3}}, 3),
    "SecondsPath context": ({"SecondsPath": "$$.Execution.Input.s"}, {"s": 4}, 4),
    "Timestamp": ({"Timestamp": "2025-01-01T00:01:00Z"}, {}, 60),
    "Timestamp with an offset": ({"Timestamp": "2025-01-01T01:01:00+01:00"}, {}, 60),
    "Timestamp past": ({"Timestamp": "2020-01-01T00:00:00Z"}, {}, 0),
    "TimestampPath": ({"TimestampPath": "$.t"}, {"t": "2025-01-01T00:00:00.5Z"}, 0.5),
    "JSONata Seconds": ({"QueryLanguage": "JSONata", "Seconds": "{% $states.input.s * 2 %}"}, {"s": 5}, 10),
    "JSONata Timestamp": ({"QueryLanguage": "JSONata", "Timestamp": "{% $states.input.t %}"},
                          {"t": "2025-01-01T00:00:09Z"}, 9),
    "a year but a day": ({"Seconds": 31_449_600}, {}, 31_449_600),
    "SecondsPath misses": (
        {"SecondsPath": "$.p"}, {}, "The SecondsPath parameter does not reference an input value: $.p",
    ),
    "SecondsPath negative": (
        {"SecondsPath": "$.p"}, {"p": -1}, "The SecondsPath parameter references a negative value: $.p == -1",
    ),
    "SecondsPath fractional": (
        {"SecondsPath": "$.p"}, {"p": 1.5}, "The SecondsPath parameter cannot be parsed as a long value: $.p == 1.5",
    ),
    "TimestampPath not RFC 3339": (
        {"TimestampPath": "$.p"}, {"p": "2025-01-01 00:00:00"},
        "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
        "$.p == 2025-01-01 00:00:00",
    ),
    "Timestamp 24856 days ahead": ({"TimestampPath": "$.p"}, {"p": "2093-01-20T00:00:00Z"},
                                   "Wait state delay is too long."),
}  # fmt: skip


@table(WAIT)
def test_wait(case):
    fields, given, expected = case
    execution = one({"Type": "Wait", **fields}).start(given)
    if isinstance(expected, str):
        check(execution, Fails(RUNTIME, expected))
        return
    check(execution, given["a"] if "InputPath" in fields else given)
    assert execution.time == expected


def test_wait_of_24855_days_is_no_failure_of_the_state():
    execution = one({"Type": "Wait", "TimestampPath": "$.p"}).start(
        {"p": "2093-01-19T00:00:00Z"}, limits=None
    )
    check(execution, {"p": "2093-01-19T00:00:00Z"})
    assert execution.time == 24_855 * 86_400


def test_wait_for_an_unreadable_timestamp_in_jsonata():
    execution = one({"Type": "Wait", "Timestamp": "{% 'soon' %}"}, QueryLanguage="JSONata").start()
    check(execution, Fails(QUERY, "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time "
                           "format string: soon"))  # fmt: skip


# --- Choice -------------------------------------------------------------------------------------------
CHOICES = [
    {"Variable": "$.n", "NumericGreaterThan": 10, "Next": "Big"},
    {
        "And": [{"Variable": "$.n", "IsPresent": True}, {"Variable": "$.n", "NumericGreaterThan": 5}],
        "Next": "Middle",
    },
]


def choosing(choices=CHOICES, default="Other", *, language="JSONPath", **fields):
    chooser = {"Type": "Choice", "Choices": choices, **({"Default": default} if default else {}), **fields}
    names = {rule["Next"] for rule in choices} | ({default} if default else set())
    ends = {name: {"Type": "Pass", "End": True} for name in sorted(names)}
    return load({"S": chooser, **ends}, QueryLanguage=language)


def visited(execution):
    return [
        transition.state for transition in execution.run().transitions if transition.kind == "StateEntered"
    ]


@pytest.mark.parametrize(
    ("n", "target"),
    [(11, "Big"), (6, "Middle"), (5, "Other"), ("11", "Other"), (True, "Other"), (10.5, "Big")],
)
def test_choice_takes_the_first_rule_that_is_true(n, target):
    assert visited(choosing().start({"n": n})) == ["S", target]


def test_choice_leaves_the_data_alone():
    execution = choosing(InputPath="$.in", OutputPath="$.n").start({"in": {"n": 11}})
    assert visited(execution) == ["S", "Big"]
    assert execution.output == 11


def test_choice_without_a_match_or_a_default():
    execution = choosing(default=None).start({"n": 1})
    check(
        execution,
        Fails(RUNTIME, "Failed to transition out of the state. The state does not point to a next state."),
    )


def test_choice_on_a_path_that_is_not_there():
    execution = choosing().start({})
    check(execution, Fails(RUNTIME, "Invalid path '$.n': The choice state's condition path references an invalid "
                           "value."))  # fmt: skip


def test_choice_in_jsonata():
    rules = [
        {
            "Condition": "{% $states.input.n > 10 %}",
            "Next": "Big",
            "Output": {"big": "{% $states.input.n %}"},
        },
        {"Condition": "{% $states.input.n > 5 %}", "Next": "Middle"},
    ]
    machine = choosing(rules, language="JSONata", Output="state's own")
    for n, target, output in [
        (11, "Big", {"big": 11}),
        (6, "Middle", "state's own"),
        (1, "Other", "state's own"),
    ]:
        execution = machine.start({"n": n})
        assert visited(execution) == ["S", target]
        assert execution.output == output


def test_choice_whose_condition_is_no_boolean():
    rules = [{"Condition": "{% 1 %}", "Next": "Big"}]
    execution = choosing(rules, language="JSONata").start()
    check(execution, Fails(QUERY, "The JSONata expression '1' specified for the field 'Choices[0]/Condition' returned "
                           "an unexpected result type. Expected 'boolean', but was 'number' for value: 1"))  # fmt: skip


# --- Task ---------------------------------------------------------------------------------------------
TASK = {
    "the result is the output": ({}, {"r": 1}),
    "InputPath": ({"InputPath": "$.a"}, {"r": 1}),
    "ResultPath": ({"ResultPath": "$.out"}, {"a": {"b": 1}, "out": {"r": 1}}),
    "ResultPath null": ({"ResultPath": None}, {"a": {"b": 1}}),
    "ResultSelector": ({"ResultSelector": {"x.$": "$.r"}}, {"x": 1}),
    "ResultSelector reads the context": ({"ResultSelector": {"x.$": "$$.Execution.Input.a.b"}}, {"x": 1}),
    "ResultSelector, ResultPath, OutputPath": (
        {"ResultSelector": {"x.$": "$.r"}, "ResultPath": "$.out", "OutputPath": "$.out.x"}, 1,
    ),
    "OutputPath null": ({"OutputPath": None}, {}),
    "Parameters": ({"Parameters": {"p.$": "$.a.b"}, "ResultPath": "$.a"}, {"a": {"r": 1}}),
    "JSONata Output": ({"QueryLanguage": "JSONata", "Output": {"r": "{% $states.result.r %}",
                        "i": "{% $states.input.a.b %}"}}, {"r": 1, "i": 1}),
    "JSONata default": ({"QueryLanguage": "JSONata"}, {"r": 1}),
}  # fmt: skip


@table(TASK)
def test_task_output(case):
    fields, expected = case
    check(one(task(**fields)).start({"a": {"b": 1}}, tasks={"S": {"r": 1}}), expected)


SENT = {
    "the input": ({}, {"a": {"b": 1}}),
    "InputPath": ({"InputPath": "$.a"}, {"b": 1}),
    "InputPath null": ({"InputPath": None}, {}),
    "Parameters": (
        {"InputPath": "$.a", "Parameters": {"p.$": "$.b", "n.$": "$$.State.RetryCount"}},
        {"p": 1, "n": 0},
    ),
    "Arguments": ({"QueryLanguage": "JSONata", "Arguments": {"p": "{% $states.input.a.b %}"}}, {"p": 1}),
    "no Arguments": ({"QueryLanguage": "JSONata"}, {"a": {"b": 1}}),
    "Arguments is text": ({"QueryLanguage": "JSONata", "Arguments": "{% $string(1) %}"}, "1"),
}


@table(SENT)
def test_task_input(case):
    fields, sent = case
    execution = one(task(**fields)).start({"a": {"b": 1}}, tasks={"S": lambda event: {"got": event}})
    check(execution, {"got": sent})


def test_what_a_task_function_does_to_its_event_is_its_own_affair():
    def spoils(event):
        event["a"]["b"] = "spoilt"
        return event

    given = {"a": {"b": 1}}
    execution = one(task(ResultPath="$.r")).start(given, tasks={"S": spoils})
    check(execution, {"a": {"b": 1}, "r": {"a": {"b": "spoilt"}}})
    assert given == {"a": {"b": 1}}


def test_lambda_invoke_answers_with_the_payload():
    state = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", "Payload.$": "$"},
             "ResultSelector": {"n.$": "$.Payload.n"}}  # fmt: skip
    check(one(state).start({"n": 3}, tasks={"f": lambda event: {"n": event["n"] + 1}}), {"n": 4})


def test_result_path_of_a_task_that_cannot_be_applied_can_be_caught():
    catch = [{"ErrorEquals": ["States.ResultPathMatchFailure"], "Next": "Z"}]
    machine = load(
        {"S": task(ResultPath="$.r", Catch=catch), "Z": {"Type": "Pass", "Result": "caught", "End": True}}
    )
    check(machine.start("text", tasks={"S": 1}), "caught")


CREDENTIALS = {
    "literal": ({"RoleArn": "arn:aws:iam::1:role/r"}, {}),
    "path": ({"RoleArn.$": "$.role"}, {}),
    "JSONata": ({"RoleArn": "{% $states.input.role %}"}, {"QueryLanguage": "JSONata"}),
}


@table(CREDENTIALS)
def test_credentials_are_in_the_scheduled_event(case):
    credentials, fields = case
    state = task(Credentials=credentials, **fields)
    execution = one(state).start({"role": "arn:aws:iam::1:role/r"}, tasks={"S": 1}).run()
    scheduled = execution.history()[2]
    assert scheduled["type"] == "LambdaFunctionScheduled"
    assert details(scheduled)["taskCredentials"] == {"roleArn": "arn:aws:iam::1:role/r"}


# --- timeouts and heartbeats -----------------------------------------------------------------------------
TIMEOUTS = {
    "in time": ({"TimeoutSeconds": 10}, result(1, seconds=9), None),
    "at the deadline": ({"TimeoutSeconds": 10}, result(1, seconds=10), None),
    "too late": ({"TimeoutSeconds": 10}, result(1, seconds=10.001), 10),
    "a failure that comes too late": ({"TimeoutSeconds": 10}, failure("E", seconds=11), 10),
    "never": ({"TimeoutSeconds": 10}, never(), 10),
    "TimeoutSecondsPath": ({"TimeoutSecondsPath": "$.t"}, never(), 5),
    "JSONata": ({"QueryLanguage": "JSONata", "TimeoutSeconds": "{% $states.input.t + 1 %}"}, never(), 6),
    "no heartbeat": ({"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=30), 10),
    "a heartbeat at its deadline": (
        {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=30, heartbeats=[10, 20]), None,
    ),
    "a heartbeat too late": (
        {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=30, heartbeats=[8, 19]), 18,
    ),
    "the last beat plus HeartbeatSeconds": (
        {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=30, heartbeats=[5, 13]), 23,
    ),
    "answered at the heartbeat's deadline": (
        {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=15, heartbeats=[5]), None,
    ),
    "the timeout comes first": (
        {"TimeoutSeconds": 12, "HeartbeatSeconds": 10}, result(1, seconds=30, heartbeats=[9]), 12,
    ),
    "HeartbeatSecondsPath": ({"TimeoutSeconds": 60, "HeartbeatSecondsPath": "$.t"}, never(), 5),
    "no timeout of its own": ({}, result(1, seconds=1_000_000), None),
}  # fmt: skip


@table(TIMEOUTS)
def test_timeouts(case):
    fields, answer, expires = case
    execution = one(task(**fields)).start({"t": 5}, tasks={"S": answer}).run()
    if expires is None:
        assert (execution.output, execution.time) == (1, answer.seconds)
    else:
        assert (execution.status, execution.error, execution.cause) == ("FAILED", "States.Timeout", None)
        assert execution.time == expires
        timed_out = next(event for event in execution.history() if event["type"] == "LambdaFunctionTimedOut")
        assert details(timed_out) == {"error": "States.Timeout"}


def test_timeouts_are_in_the_scheduled_event_when_they_are_set():
    execution = one(task(TimeoutSeconds=60, HeartbeatSeconds=10)).start(tasks={"S": 1}).run()
    scheduled = details(execution.history()[2])
    assert (scheduled["timeoutInSeconds"], scheduled["heartbeatInSeconds"]) == (60, 10)
    plain = details(one(task()).start(tasks={"S": 1}).run().history()[2])
    assert not {"timeoutInSeconds", "heartbeatInSeconds"} & set(plain)


def test_a_timeout_path_that_finds_nothing():
    execution = one(task(TimeoutSecondsPath="$.no")).start({}, tasks={"S": 1})
    check(execution, Fails(RUNTIME, "Invalid path '$.no' : No results for path: $['no']"))
    assert "LambdaFunctionScheduled" not in {event["type"] for event in execution.history()}


@pytest.mark.parametrize(
    ("error_equals", "caught"),
    [(["States.Timeout"], True), (["States.HeartbeatTimeout"], True), (["States.ALL"], True),
     (["States.TaskFailed"], False)],
    ids=str,
)  # fmt: skip
def test_a_missed_heartbeat_has_two_names(error_equals, caught):
    catch = [{"ErrorEquals": error_equals, "Next": "Z"}]
    machine = load(
        {"S": task(TimeoutSeconds=9, HeartbeatSeconds=3, Catch=catch), "Z": {"Type": "Pass", "End": True}}
    )
    execution = machine.start(tasks={"S": never()}).run()
    assert execution.status == ("SUCCEEDED" if caught else "FAILED")
    if caught:
        assert execution.output == {"Error": "States.Timeout", "Cause": ""}


def test_a_missed_timeout_is_no_heartbeat_timeout():
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Z"}]
    machine = load({"S": task(TimeoutSeconds=9, Catch=catch), "Z": {"Type": "Pass", "End": True}})
    assert machine.start(tasks={"S": never()}).run().error == "States.Timeout"


# --- the execution's own clock ------------------------------------------------------------------------------
def test_top_level_timeout_seconds():
    machine = one({"Type": "Wait", "Seconds": 100}, TimeoutSeconds=60)
    execution = machine.start().run()
    assert (execution.status, execution.error, execution.cause) == ("TIMED_OUT", None, None)
    assert execution.time == 60
    last = execution.history()[-1]
    assert (last["type"], last["previousEventId"]) == ("ExecutionTimedOut", 0)


def test_an_end_at_the_execution_s_deadline_is_in_time():
    assert one({"Type": "Wait", "Seconds": 60}, TimeoutSeconds=60).start().run().status == "SUCCEEDED"


def test_nothing_catches_the_execution_s_timeout():
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]
    machine = load({"S": task(Catch=catch), "Z": {"Type": "Pass", "End": True}}, TimeoutSeconds=5)
    assert machine.start(tasks={"S": never()}).run().status == "TIMED_OUT"


def test_a_standard_execution_ends_after_a_year_and_an_express_one_after_five_minutes():
    machine = one({"Type": "Wait", "Seconds": 40_000_000})
    assert machine.start().run().time == 365 * 86_400
    express = machine.start(type="EXPRESS").run()
    assert (express.status, express.time) == ("TIMED_OUT", 300)
    assert machine.start(limits=None).run().status == "SUCCEEDED"


# --- Retry ------------------------------------------------------------------------------------------------
def retrying(*retriers, **fields):
    return one(task(Retry=list(retriers), **fields))


def starts(execution):
    """The virtual seconds at which each attempt was scheduled."""
    return [item.time for item in execution.run().transitions if item.kind == "TaskScheduled"]


RETRIES = {
    "defaults": ([{"ErrorEquals": ["E"]}], [0, 1, 3, 7]),
    "interval and rate": ([{"ErrorEquals": ["E"], "IntervalSeconds": 3, "BackoffRate": 1.5}], [0, 3, 7.5, 14.25]),
    "rate 1": ([{"ErrorEquals": ["E"], "IntervalSeconds": 5, "BackoffRate": 1}], [0, 5, 10, 15]),
    "MaxAttempts": ([{"ErrorEquals": ["E"], "MaxAttempts": 1}], [0, 1]),
    "MaxAttempts 0": ([{"ErrorEquals": ["E"], "MaxAttempts": 0}], [0]),
    "MaxDelaySeconds": (
        [{"ErrorEquals": ["E"], "IntervalSeconds": 10, "MaxDelaySeconds": 15, "MaxAttempts": 3}], [0, 10, 25, 40],
    ),
    "another error": ([{"ErrorEquals": ["F"]}], [0]),
    "case matters": ([{"ErrorEquals": ["e"]}], [0]),
    "States.ALL": ([{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}], [0, 1]),
    "States.TaskFailed": ([{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1}], [0, 1]),
    "an exhausted retrier does not hand over": (
        [{"ErrorEquals": ["E"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}], [0, 1],
    ),
    "MaxAttempts 0 shields from a later one": (
        [{"ErrorEquals": ["E"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}], [0],
    ),
    "NONE is no jitter": ([{"ErrorEquals": ["E"], "JitterStrategy": "NONE", "MaxAttempts": 1}], [0, 1]),
}  # fmt: skip


@table(RETRIES)
def test_retry(case):
    retriers, expected = case
    execution = retrying(*retriers).start(tasks={"S": failure("E")})
    assert starts(execution) == expected
    assert execution.error == "E"
    assert execution.billed_transitions == len(expected)


def test_each_retrier_has_its_own_counter():
    retriers = [
        {"ErrorEquals": ["A", "B"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 2},
        {"ErrorEquals": ["C"], "IntervalSeconds": 5},
    ]
    execution = retrying(*retriers).start(tasks={"S": AlternatingBackend("ACBB")})
    # A uses retrier 1 (1 s), C retrier 2 (5 s), B retrier 1 again (2 s), and B finds it used up.
    assert starts(execution) == [0, 1, 6, 8]
    assert execution.error == "B"


class AlternatingBackend:
    """Fails with one error after the other."""

    def __init__(self, errors):
        self.errors = list(errors)

    def call(self, call):
        return failure(self.errors[call.attempt - 1])


def test_the_counters_start_anew_when_the_state_is_entered_again():
    states = {
        "S": task(Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}], Catch=[{"ErrorEquals": ["E"], "Next": "Count"}],
                  Next="Z") | {"ResultPath": None},
        "Count": {"Type": "Choice", "Choices": [{"Variable": "$.Error", "StringEquals": "E", "Next": "Wait"}]},
        "Wait": {"Type": "Wait", "Seconds": 100, "Next": "S"},
        "Z": {"Type": "Succeed"},
    }  # fmt: skip
    del states["S"]["End"]
    execution = load(states).start(tasks={"S": failure("E")}).run(until=350)
    scheduled = [
        (item.time, item.attempt, item.visit)
        for item in execution.transitions
        if item.kind == "TaskScheduled"
    ]
    assert scheduled[:4] == [(0, 1, 1), (1, 2, 1), (101, 1, 2), (102, 2, 2)]


def test_retry_count_counts_all_retries_of_the_visit():
    seen = []
    state = task(
        Parameters={"n.$": "$$.State.RetryCount"},
        Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 2}, {"ErrorEquals": ["B"]}],
    )

    class Backend(AlternatingBackend):
        def call(self, call):
            seen.append(call.input["n"])
            return super().call(call) if call.attempt <= len(self.errors) else result(1)

    assert one(state).start(tasks={"S": Backend("AB")}).result() == 1
    assert seen == [0, 1, 2]


JITTERED = [{"ErrorEquals": ["E"], "IntervalSeconds": 10, "MaxDelaySeconds": 30, "JitterStrategy": "FULL",
             "MaxAttempts": 5}]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_jitter_is_within_bounds_and_reproducible(seed):
    machine = retrying(*JITTERED)
    times = starts(machine.start(tasks={"S": failure("E")}, seed=seed))
    delays = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert len(delays) == 5
    assert all(0 <= delay <= bound for delay, bound in zip(delays, [10, 20, 30, 30, 30], strict=True))
    assert times == starts(machine.start(tasks={"S": failure("E")}, seed=seed))


def test_jitter_differs_from_seed_to_seed_and_draw_to_draw():
    machine = retrying(*JITTERED)
    runs = {tuple(starts(machine.start(tasks={"S": failure("E")}, seed=seed))) for seed in range(20)}
    assert len(runs) == 20
    delays = [times[1] / 10 for times in runs]
    assert min(delays) < 0.4 < 0.6 < max(delays)


NEVER_RETRIED = {
    "States.Runtime of a path": ({"Parameters": {"x.$": "$.no"}}, RUNTIME, 1),
    "States.Runtime from outside": ({}, RUNTIME, 1),
}


@table(NEVER_RETRIED)
def test_states_runtime_is_neither_retried_nor_caught(case):
    fields, error, attempts = case
    entry = [{"ErrorEquals": ["States.ALL"]}]
    state = task(Retry=entry, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z"}], **fields)
    machine = load({"S": state, "Z": {"Type": "Pass", "End": True}})
    execution = machine.start(tasks={"S": failure(RUNTIME)}).run()
    assert (execution.status, execution.error) == ("FAILED", error)
    assert execution.billed_transitions == attempts


def test_a_query_that_fails_can_be_retried_and_caught():
    state = task(
        QueryLanguage="JSONata",
        Arguments="{% $states.input.no %}",
        Retry=[{"ErrorEquals": [QUERY], "MaxAttempts": 1}],
        Catch=[{"ErrorEquals": [QUERY], "Next": "Z"}],
    )
    execution = load({"S": state, "Z": {"Type": "Pass", "End": True}}).start(tasks={"S": 1}).run()
    assert execution.status == "SUCCEEDED"
    assert execution.output["Error"] == QUERY
    assert len([item for item in execution.transitions if item.kind == "RetryScheduled"]) == 1


# --- Catch ------------------------------------------------------------------------------------------------
CAUGHT = {"Error": "E", "Cause": "why"}

CATCHES = {
    "by name": ([{"ErrorEquals": ["E"]}], "Z0", CAUGHT),
    "States.ALL": ([{"ErrorEquals": ["States.ALL"]}], "Z0", CAUGHT),
    "States.TaskFailed": ([{"ErrorEquals": ["States.TaskFailed"]}], "Z0", CAUGHT),
    "one of several": ([{"ErrorEquals": ["D", "E"]}], "Z0", CAUGHT),
    "the first that matches": ([{"ErrorEquals": ["D"]}, {"ErrorEquals": ["E"]}, {"ErrorEquals": ["States.ALL"]}],
                               "Z1", CAUGHT),
    "ResultPath": ([{"ErrorEquals": ["E"], "ResultPath": "$.error"}], "Z0", {"a": 1, "error": CAUGHT}),
    "ResultPath null": ([{"ErrorEquals": ["E"], "ResultPath": None}], "Z0", {"a": 1}),
    "nobody": ([{"ErrorEquals": ["D"]}], None, None),
}  # fmt: skip


@table(CATCHES)
def test_catch(case):
    catchers, target, output = case
    catch = [{**catcher, "Next": f"Z{index}"} for index, catcher in enumerate(catchers)]
    ends = {entry["Next"]: {"Type": "Pass", "End": True} for entry in catch}
    execution = load({"S": task(Catch=catch), **ends}).start({"a": 1}, tasks={"S": failure("E", "why")}).run()
    if target is None:
        assert (execution.status, execution.error, execution.cause) == ("FAILED", "E", "why")
    else:
        assert visited(execution) == ["S", target]
        assert execution.output == output


def test_catch_in_jsonata():
    catch = [{"ErrorEquals": ["E"], "Next": "Z", "Assign": {"cause": "{% $states.errorOutput.Cause %}"},
              "Output": {"e": "{% $states.errorOutput.Error %}", "a": "{% $states.input.a %}"}}]  # fmt: skip
    states = {"S": task(Catch=catch),
              "Z": {"Type": "Pass", "Output": ["{% $states.input %}", "{% $cause %}"], "End": True}}  # fmt: skip
    execution = load(states, QueryLanguage="JSONata").start({"a": 1}, tasks={"S": failure("E", "why")})
    check(execution, [{"e": "E", "a": 1}, "why"])


def test_catch_comes_after_the_retries():
    state = task(
        Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 2}], Catch=[{"ErrorEquals": ["E"], "Next": "Z"}]
    )
    execution = load({"S": state, "Z": {"Type": "Pass", "End": True}}).start(tasks={"S": failure("E")})
    assert starts(execution) == [0, 1, 3]
    assert execution.output == {"Error": "E", "Cause": ""}


def test_a_catcher_that_fails_itself_is_the_end():
    catch = [{"ErrorEquals": ["E"], "Output": "{% $states.input.no %}", "Next": "Z"},
             {"ErrorEquals": ["States.ALL"], "Next": "Z"}]  # fmt: skip
    machine = load({"S": task(Catch=catch), "Z": {"Type": "Pass", "End": True}}, QueryLanguage="JSONata")
    check(machine.start(tasks={"S": failure("E")}), Fails(
        QUERY, "The JSONata expression '$states.input.no' specified for the field 'Catch[0]/Output' returned nothing "
        "(undefined)."))  # fmt: skip


def test_a_failure_without_a_name_is_caught_with_nulls():
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]
    machine = load({"S": task(Catch=catch), "Z": {"Type": "Pass", "End": True}})
    check(machine.start(tasks={"S": failure(None, None)}), {"Error": None, "Cause": None})


# --- Parallel and Map -------------------------------------------------------------------------------------
def parallel(*branches, **fields):
    return {"Type": "Parallel", "Branches": list(branches), **fields}


def mapping(processor, **fields):
    return {"Type": "Map", "ItemProcessor": processor, **fields}


def passing(**fields):
    return {"Type": "Pass", **({} if "Next" in fields else {"End": True}), **fields}


PARALLEL = {
    "results in branch order": (
        {}, [block(L={"Type": "Wait", "Seconds": 9, "Next": "LL"}, LL=passing(Result="left")),
             block(R=passing(Result="right"))], ["left", "right"],
    ),
    "each branch gets the input": ({}, [block(L=passing()), block(R=passing())], [{"a": 1}, {"a": 1}]),
    "Parameters": ({"Parameters": {"x.$": "$.a"}}, [block(L=passing())], [{"x": 1}]),
    "InputPath": ({"InputPath": "$.a"}, [block(L=passing())], [1]),
    "ResultSelector": ({"ResultSelector": {"x.$": "$[0].a"}}, [block(L=passing())], {"x": 1}),
    "ResultPath": ({"ResultPath": "$.r"}, [block(L=passing(Result=2))], {"a": 1, "r": [2]}),
    "Succeed ends its branch alone": (
        {}, [block(L={"Type": "Succeed"}), block(R=passing(Next="RR"), RR=passing(Result=2))], [{"a": 1}, 2],
    ),
    "JSONata": (
        {"QueryLanguage": "JSONata", "Arguments": {"x": "{% $states.input.a + 1 %}"},
         "Output": "{% $states.result[0].x %}"}, [block(L=passing())], 2,
    ),
}  # fmt: skip


@table(PARALLEL)
def test_parallel(case):
    fields, branches, expected = case
    check(one(parallel(*branches, **fields)).start({"a": 1}), expected)


ITEM = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "b.$": "$.b"}

MAP = {
    "the items": ({"ItemsPath": "$.a"}, [1, 2]),
    "results in item order": ({"ItemsPath": "$.waits", "ItemProcessor": block(W={"Type": "Wait", "SecondsPath": "$",
                               "End": True})}, [9, 1, 5]),
    "InputPath before ItemsPath": ({"InputPath": "$.deep", "ItemsPath": "$.a"}, [3]),
    "ItemsPath defaults to $": ({"InputPath": "$.a"}, [1, 2]),
    "ItemsPath context": ({"ItemsPath": "$$.Execution.Input.a"}, [1, 2]),
    "ItemSelector": ({"ItemsPath": "$.a", "ItemSelector": ITEM}, [{"i": 0, "v": 1, "b": "b"},
                                                                   {"i": 1, "v": 2, "b": "b"}]),
    "Parameters is ItemSelector": ({"ItemsPath": "$.a", "Parameters": {"v.$": "$$.Map.Item.Value"}},
                                   [{"v": 1}, {"v": 2}]),
    "ResultSelector": ({"ItemsPath": "$.a", "ResultSelector": {"n.$": "States.ArrayLength($)"}}, {"n": 2}),
    "ResultPath": ({"InputPath": "$.deep", "ItemsPath": "$.a", "ResultPath": "$.deep.r", "OutputPath": "$.deep"},
                   {"a": [3], "r": [3]}),
    "empty": ({"ItemsPath": "$.none"}, []),
    "MaxConcurrency 1": ({"ItemsPath": "$.a", "MaxConcurrency": 1}, [1, 2]),
    "MaxConcurrencyPath": ({"ItemsPath": "$.a", "MaxConcurrencyPath": "$.m"}, [1, 2]),
    "not an array": ({"ItemsPath": "$.b"}, Fails(RUNTIME, 'Reference path "$.b" must point to array.', at=0)),
    "MaxConcurrencyPath is text": (
        {"ItemsPath": "$.a", "MaxConcurrencyPath": "$.b"},
        Fails(RUNTIME, 'The MaxConcurrencyPath field refers to value "b" which is not a valid integer: $.b'),
    ),
    "JSONata Items": ({"QueryLanguage": "JSONata", "Items": "{% $states.input.a %}"}, [1, 2]),
    "JSONata literal Items": ({"QueryLanguage": "JSONata", "Items": [1, "{% 1 + 1 %}"]}, [1, 2]),
    "JSONata ItemSelector": (
        {"QueryLanguage": "JSONata", "Items": "{% $states.input.a %}",
         "ItemSelector": {"v": "{% $states.context.Map.Item.Value * 10 %}", "i": "{% $states.context.Map.Item.Index %}"},
         "Output": "{% $states.result.v %}"}, [10, 20],
    ),
    "JSONata Items wrong type": (
        {"QueryLanguage": "JSONata", "Items": "{% 1 %}"},
        Fails(QUERY, "The JSONata expression '1' specified for the field 'Items' returned an unexpected result type. "
              "Expected 'array', but was 'number' for value: 1"),
    ),
    "JSONata input is no array": (
        {"QueryLanguage": "JSONata"}, Fails(QUERY, ...),
    ),
}  # fmt: skip


@table(MAP)
def test_map(case):
    fields, expected = case
    given = {"a": [1, 2], "b": "b", "m": 1, "waits": [9, 1, 5], "none": [], "deep": {"a": [3]}}
    state = mapping(fields.get("ItemProcessor", block(P=passing())), **{k: v for k, v in fields.items()
                                                                        if k != "ItemProcessor"})  # fmt: skip
    check_cause(one(state).start(given), expected)


def test_map_admits_at_most_max_concurrency():
    state = mapping(block(W={"Type": "Wait", "Seconds": 10, "End": True}), MaxConcurrency=2)
    execution = one(state).start([0] * 5).run()
    started = [item.time for item in execution.transitions if item.kind == "IterationStarted"]
    assert started == [0, 0, 10, 10, 20]


def test_an_inline_map_runs_at_most_forty_iterations_at_once():
    state = mapping(block(W={"Type": "Wait", "Seconds": 10, "End": True}))
    assert one(state).start([0] * 41).run().time == 20
    assert one(state).start([0] * 41, limits=None).run().time == 10


def test_the_iterator_of_old_is_the_item_processor():
    state = {"Type": "Map", "Iterator": block(P=passing(Parameters={"n.$": "$"}))}
    check(one(state).start([1]), [{"n": 1}])


def test_inner_states_do_not_see_the_item_in_the_context():
    state = mapping(block(P=passing(Parameters={"i.$": "$$.Map.Item.Index"})))
    execution = one(state).start([1]).run()
    assert (execution.status, execution.error) == ("FAILED", RUNTIME)


def test_a_failing_branch_fails_the_parallel_with_its_own_error():
    state = parallel(block(F={"Type": "Fail", "Error": "E", "Cause": "why"}),
                     block(W={"Type": "Wait", "Seconds": 9, "End": True}))  # fmt: skip
    execution = one(state).start()
    check(execution, Fails("E", "why", at=0))
    assert execution.time == 0


def test_a_map_that_is_retried_runs_all_its_iterations_again():
    calls = []

    def fails_once(event):
        calls.append(event)
        if event == 2 and calls.count(2) == 1:
            raise KeyError(event)
        return event

    state = mapping(block(T=task()), MaxConcurrency=1, Retry=[{"ErrorEquals": ["KeyError"]}])
    execution = one(state).start([1, 2, 3], tasks={"T": fails_once})
    check(execution, [1, 2, 3])
    assert calls == [1, 2, 1, 2, 3]


def test_what_a_map_read_once_stays_as_it_was():
    state = mapping(block(P=passing()), ItemsPath="$.a", ResultPath="$.a")
    check(one(state).start({"a": [1, 2]}), {"a": [1, 2]})


# --- the context object ----------------------------------------------------------------------------------
CONTEXT = {
    "Execution.Name": ("$$.Execution.Name", "run"),
    "Execution.Id": ("$$.Execution.Id", "arn:aws:states:us-east-1:123456789012:execution:Shop:run"),
    "Execution.Input": ("$$.Execution.Input", {"a": 1}),
    "Execution.StartTime": ("$$.Execution.StartTime", "2025-06-01T09:00:00.500Z"),
    "Execution.RedriveCount": ("$$.Execution.RedriveCount", 0),
    "StateMachine.Name": ("$$.StateMachine.Name", "Shop"),
    "StateMachine.Id": ("$$.StateMachine.Id", "arn:aws:states:us-east-1:123456789012:stateMachine:Shop"),
    "State.Name": ("$$.State.Name", "S"),
    "State.EnteredTime": ("$$.State.EnteredTime", "2025-06-01T09:01:00.500Z"),
}


@table(CONTEXT)
def test_context_object(case):
    import sfnbook

    path, expected = case
    source = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "S"},
                                         "S": {"Type": "Pass", "Parameters": {"x.$": path}, "End": True}}}  # fmt: skip
    machine = sfnbook.load(source, name="Shop")
    execution = machine.start({"a": 1}, name="run", start_time="2025-06-01T09:00:00.5Z").run()
    found = execution.output["x"]
    if path == "$$.Execution.Id" or path == "$$.StateMachine.Id":
        expected, found = expected.split(":")[5:], found.split(":")[5:]
    assert found == expected


def test_what_the_context_object_of_each_state_has():
    states = {"P": passing(Parameters={"c.$": "$$"}, Next="S"),
              "S": task(Parameters={"before.$": "$.c", "c.$": "$$"})}  # fmt: skip
    output = load(states).start(tasks={"S": lambda event: event}).run().output
    assert set(output["before"]) == {"Execution", "StateMachine", "State"}
    assert set(output["before"]["Execution"]) == {
        "Id",
        "Input",
        "Name",
        "RoleArn",
        "StartTime",
        "RedriveCount",
    }
    assert set(output["before"]["State"]) == {"Name", "EnteredTime"}
    assert output["c"]["State"]["RetryCount"] == 0


def test_an_express_execution_has_an_express_arn():
    execution = one(passing(Parameters={"x.$": "$$.Execution.Id"})).start(type="EXPRESS", name="n").run()
    parts = execution.output["x"].split(":")
    assert (parts[5], parts[7], len(parts)) == ("express", "n", 9)


# --- variables -------------------------------------------------------------------------------------------
def test_assign_is_visible_from_the_next_state_on():
    states = {
        "A": passing(Assign={"n": 1, "old.$": "$.x"}, Next="B"),
        "B": passing(Assign={"n.$": "States.MathAdd($n, 1)"}, OutputPath="$n", Next="C"),
        "C": passing(Parameters={"in.$": "$", "n.$": "$n", "old.$": "$old"}),
    }
    # OutputPath of B sees the value from before its own Assign.
    check(load(states).start({"x": "old"}), {"in": 1, "n": 2, "old": "old"})


def test_all_assignments_of_a_state_happen_at_once():
    states = {
        "A": passing(Assign={"a": 1, "b": 2}, Next="B"),
        "B": passing(Assign={"a.$": "$b", "b.$": "$a"}, Next="C"),
        "C": passing(Parameters={"ab.$": "States.Array($a, $b)"}),
    }
    check(load(states).start(), {"ab": [2, 1]})


SEEN_BY_ASSIGN = {
    "Task: the result": (task(ResultSelector={"x": 0}, Assign={"v.$": "$"}), {"r": 1}),
    "Pass: its result": (passing(Result=5, Assign={"v.$": "$"}), 5),
    "Wait: the effective input": (
        {"Type": "Wait", "Seconds": 1, "InputPath": "$.a", "Assign": {"v.$": "$"}},
        1,
    ),
    "Map: the results": (mapping(block(P=passing()), ItemsPath="$.l", Assign={"v.$": "$"}), [7]),
    "Parallel: the results": (parallel(block(P=passing(Result=8)), Assign={"v.$": "$"}), [8]),
    "JSONata Task": (
        task(QueryLanguage="JSONata", Assign={"v": "{% $states.result.r + $states.input.a %}"}),
        2,
    ),
    "JSONata Pass": (passing(QueryLanguage="JSONata", Assign={"v": "{% $states.input.a %}"}), 1),
}


@table(SEEN_BY_ASSIGN)
def test_what_assign_sees(case):
    state, expected = case
    state = {key: value for key, value in state.items() if key != "End"} | {"Next": "Z"}
    machine = load({"S": state, "Z": passing(Parameters={"v.$": "$v"})})
    check(
        machine.start({"a": 1, "l": [7]}, tasks={"*": {"r": 1}} if state["Type"] == "Task" else None),
        {"v": expected},
    )


def test_the_assign_of_the_rule_that_matched_and_else_the_state_s_own():
    rules = [{"Variable": "$.n", "NumericEquals": 1, "Next": "Z", "Assign": {"v": "rule"}}]
    states = {"S": {"Type": "Choice", "Choices": rules, "Default": "Z", "Assign": {"v": "state"}},
              "Z": passing(Parameters={"v.$": "$v"})}  # fmt: skip
    machine = load(states)
    check(machine.start({"n": 1}), {"v": "rule"})
    check(machine.start({"n": 2}), {"v": "state"})


def test_a_catcher_assigns_in_place_of_the_state():
    catch = [{"ErrorEquals": ["E"], "Next": "Z", "Assign": {"v.$": "$.Error"}}]
    states = {"A": passing(Assign={"v": "none"}, Next="S"), "S": task(Assign={"v": "state"}, Catch=catch),
              "Z": passing(Parameters={"v.$": "$v"})}  # fmt: skip
    check(load(states).start(tasks={"S": failure("E")}), {"v": "E"})


def test_inner_scopes_read_outer_variables_and_keep_their_own():
    inner = block(
        I=passing(Assign={"mine.$": "$"}, Next="J"),
        J=passing(Parameters={"x.$": "States.Array($mine, $outer)"}),
    )
    states = {
        "A": passing(Assign={"outer": "o"}, Next="M"),
        "M": mapping(inner, ItemsPath="$.l") | {"Next": "Z"},
        "Z": passing(
            QueryLanguage="JSONata", Output={"r": "{% $states.input.x %}", "mine": "{% $exists($mine) %}"}
        ),
    }
    check(load(states).start({"l": [1, 2]}), {"r": [1, "o", 2, "o"], "mine": False})


def test_assigned_variables_are_in_the_exited_event_as_json_text():
    execution = one(passing(Assign={"x": 42, "s": "42", "o": {"a": [1]}})).start().run()
    exited = next(event for event in execution.history() if event["type"] == "PassStateExited")
    assert details(exited)["assignedVariables"] == {"x": "42", "s": '"42"', "o": '{"a":[1]}'}
    plain = one(passing()).start().run().history()[2]
    assert "assignedVariables" not in details(plain)


def test_a_variable_that_is_not_there():
    execution = one(passing(Parameters={"x.$": "$no"})).start().run()
    assert (execution.status, execution.error) == ("FAILED", RUNTIME)
