"""States field by field, in both query languages: Pass, Succeed, Fail, Wait, Choice and Task."""

import pytest

from tests.machines import INVOKE, Fails, check, details, load, one, table, task, visited

NOW = "2025-01-01T00:00:00Z"
RUNTIME = "States.Runtime"
QUERY = "States.QueryEvaluationError"


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


@table(PASS)
def test_pass(case):
    fields, given, expected = case
    check(one({"Type": "Pass", **fields}).start(given), expected)


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
    "ErrorPath finds no string": (
        {"ErrorPath": "$.why"},
        Fails(RUNTIME, 'The ErrorPath field refers to value "{"text":"because"}" which is not a string: $.why'),
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
        ("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
        "$.p == 2025-01-01 00:00:00"),
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


def test_what_is_too_deep_for_python_is_refused_as_the_rest_is():
    text = "[" * 100_000 + "]" * 100_000
    reading = {"Type": "Pass", "Parameters": {"v.$": "States.StringToJson($)"}}
    check(one(reading).start(text), Fails(RUNTIME, ...))
    placing = {"Type": "Pass", "ResultPath": "$" + ".a" * 5_000}
    check(one(placing).start({}), Fails("States.ResultPathMatchFailure", ...))


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


NO_ROLE = {
    "path": Fails(RUNTIME, 'The RoleArn.$ field refers to value "5" which is not a string: $.role'),
    "JSONata": Fails(
        "States.QueryEvaluationError",
        "The JSONata expression '$states.input.role' specified for the field 'Credentials/RoleArn' "
        "returned an unexpected result type. Expected 'string', but was 'number' for value: 5",
    ),
}


@pytest.mark.parametrize("kind", NO_ROLE)
def test_credentials_that_are_no_role(kind):
    credentials, fields = CREDENTIALS[kind]
    state = task(Credentials=credentials, **fields)
    check(one(state).start({"role": 5}, tasks={"S": 1}), NO_ROLE[kind])
