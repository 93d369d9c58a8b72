"""The rules about machines, states, paths, transitions, query languages and variables."""

import json

import pytest

from sfnbook.definition import STATE_TYPES
from sfnbook.tasks import models
from sfnbook.validation import validate
from tests.definitions import (
    CATCH,
    INNER,
    LONG,
    RETRY,
    RULE,
    SCHEMA,
    check_fault,
    choosing,
    errors,
    jsonata,
    machine,
    mapping,
    only_one,
    other_language,
    passing,
    task,
    waiting,
)

# what is built, the message (or its beginning, with ...), the pointer, the code if not SCHEMA
FAULTS = {
    # the machine
    "not an object": ([], "Definition must be a valid JSON object", None),
    "nothing": ({}, "These fields are required: [States, StartAt]", "/"),
    "no States": ({"StartAt": "A"}, "These fields are required: [States]", "/"),
    "no StartAt": ({"States": INNER["States"]}, "These fields are required: [StartAt]", "/"),
    "empty States": ({"StartAt": "A", "States": {}}, "Value cannot be empty", "/States"),
    "States an array": ({"StartAt": "A", "States": []}, "Expected value of type [OBJECT]", "/States"),
    "StartAt a number": (INNER | {"StartAt": 5}, "Expected value of type [STRING]", "/StartAt"),
    "unknown field": (INNER | {"Foo": 1}, "Field 'Foo' is not supported", "/"),
    "language": (
        INNER | {"QueryLanguage": "XPath"},
        "Value should be one of the following: [JSONPath, JSONata]",
        "/QueryLanguage",
    ),
    "version": (INNER | {"Version": "2.0"}, "Value should be one of the following: [1.0]", "/Version"),
    "machine timeout": (INNER | {"TimeoutSeconds": "5"}, "Expected value of type Integer", "/TimeoutSeconds"),
    # states
    "state not an object": (
        machine({"Next": ""}) | {"States": {"S": 5}},
        "Expected value of type [OBJECT]",
        "/States/S",
    ),
    "no type": (machine({"End": True}), "These fields are required: [Type]", "/States/S"),
    "type": (
        machine({"Type": "Tusk", "End": True}),
        f"The field 'Type' should have one of these values: [{', '.join(STATE_TYPES)}]",
        "/States/S/Type",
    ),
    "foreign field": (passing(TimeoutSeconds=5), "Field 'TimeoutSeconds' is not supported", "/States/S"),
    "retry of a pass": (passing(Retry=[RETRY]), "Field 'Retry' is not supported", "/States/S"),
    "misspelt": (passing(inputPath="$"), "Field 'inputPath' is not supported", "/States/S"),
    "end of a succeed": (
        machine({"Type": "Succeed", "End": True}),
        "Field 'End' is not supported",
        "/States/S",
    ),
    "next and end": (passing(Next="Z"), only_one("Next", "End"), "/States/S"),
    "no resource": (
        machine({"Type": "Task", "End": True}),
        "These fields are required: [Resource]",
        "/States/S",
    ),
    "timeout pair": (
        task(TimeoutSeconds=5, TimeoutSecondsPath="$.t"),
        only_one("TimeoutSeconds", "TimeoutSecondsPath"),
        "/States/S",
    ),
    "timeout 0": (task(TimeoutSeconds=0), "Minimum value is 1", "/States/S/TimeoutSeconds"),
    "timeout huge": (task(TimeoutSeconds=10**40), "Maximum value is 99999999", "/States/S/TimeoutSeconds"),
    "timeout true": (task(TimeoutSeconds=True), "Expected value of type Integer", "/States/S/TimeoutSeconds"),
    "heartbeat": (
        task(TimeoutSeconds=5, HeartbeatSeconds=5),
        "HeartbeatSeconds must be smaller than TimeoutSeconds",
        "/States/S/HeartbeatSeconds",
    ),
    "no role": (
        task(Credentials={"Role": "r"}),
        "The field 'RoleArn' is required but was missing",
        "/States/S/Credentials",
    ),
    "credentials with a number": (
        task(Credentials={"RoleArn": 1}),
        "Expected value of type [STRING]",
        "/States/S/Credentials/RoleArn",
    ),
    "credentials null": (task(Credentials=None), "Expected value of type [OBJECT]", "/States/S/Credentials"),
    "wait for nothing": (
        waiting(),
        "This object should have only one of the following fields: [SecondsPath, Seconds, ...",
        "/States/S",
    ),
    "wait twice": (
        waiting(Seconds=1, Timestamp="2016-03-14T01:59:00Z"),
        only_one("SecondsPath", "Seconds", "TimestampPath", "Timestamp"),
        "/States/S",
    ),
    "wait back": (waiting(Seconds=-1), "Minimum value is 0", "/States/S/Seconds"),
    "timestamp": (
        waiting(Timestamp="2016-03-14"),
        "String does not match RFC3339 timestamp",
        "/States/S/Timestamp",
    ),
    "more digits than nanoseconds": (
        waiting(Timestamp="2016-03-14T01:59:00.1234567890Z"),
        "String does not match RFC3339 timestamp",
        "/States/S/Timestamp",
    ),
    "leap day": (
        waiting(Timestamp="2015-02-29T00:00:00Z"),
        "String does not match RFC3339 timestamp",
        "/States/S/Timestamp",
    ),
    "expression in JSONPath": (
        waiting(Timestamp="{% $now() %}"),
        "String does not match RFC3339 timestamp",
        "/States/S/Timestamp",
    ),
    "two errors": (
        machine({"Type": "Fail", "Error": "E", "ErrorPath": "$.e"}),
        only_one("Error", "ErrorPath"),
        "/States/S",
    ),
    "cause path": (
        machine({"Type": "Fail", "CausePath": "States.Nothing($.x)"}),
        "Value must be a valid JSONPath or a valid intrinsic function call",
        "/States/S/CausePath",
    ),
    # paths and templates
    "input path": (passing(InputPath="x.y"), "Value must be a valid JSONPath.", "/States/S/InputPath"),
    "input path number": (passing(InputPath=5), "Expected value of type [STRING]", "/States/S/InputPath"),
    "result path wild": (
        passing(ResultPath="$.a[*]"),
        "Value is not a Reference Path...",
        "/States/S/ResultPath",
    ),
    "result path context": (
        passing(ResultPath="$$.a"),
        "Value is not a Reference Path...",
        "/States/S/ResultPath",
    ),
    "result path variable": (
        passing(ResultPath="$a"),
        "Value is not a Reference Path...",
        "/States/S/ResultPath",
    ),
    "template": (
        passing(Parameters={"a": [{"b.$": "nothing"}]}),
        "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call",
        "/States/S/Parameters/a[0]",
    ),
    # transitions
    "start": (INNER | {"StartAt": "X"}, "Missing 'Next' target: X", "/StartAt", "MISSING_TRANSITION_TARGET"),
    "next": (
        machine({"Type": "Pass", "Next": "X"}, then={"Type": "Pass", "Next": "S"})
        | {"States": {"S": {"Type": "Choice", "Choices": [RULE], "Default": "X"}, "Z": {"Type": "Succeed"}}},
        "Missing 'Next' target: X",
        "/States/S/Default",
        "MISSING_TRANSITION_TARGET",
    ),
    "choice next": (
        choosing(RULE, RULE | {"Next": "X"}),
        "Missing 'Next' target: X",
        "/States/S/Choices[1]/Next",
        "MISSING_TRANSITION_TARGET",
    ),
    "catch next": (
        task(Catch=[CATCH, CATCH | {"Next": "X"}]),
        "Missing 'Next' target: X",
        "/States/S/Catch[1]/Next",
        "MISSING_TRANSITION_TARGET",
    ),
    "out of a branch": (
        machine(
            {
                "Type": "Parallel",
                "Next": "Z",
                "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Pass", "Next": "Z"}}}],
            }
        ),
        "Missing 'Next' target: Z",
        "/States/S/Branches[0]/States/B/Next",
        "MISSING_TRANSITION_TARGET",
    ),
    "unreachable": (
        {"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}},
        'State "B" is not reachable.',
        "/States/B",
        "MISSING_TRANSITION_TARGET",
    ),
    "unreachable inside": (
        mapping(
            ItemProcessor={"StartAt": "A", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}}
        ),
        'State "B" is not reachable.',
        "/States/S/ItemProcessor/States/B",
        "MISSING_TRANSITION_TARGET",
    ),
    "no end": (
        machine({"Type": "Pass", "Next": "Z"}, then={"Type": "Pass", "Next": "S"}),
        "Workflow has no terminal state",
        None,
        "MISSING_END_STATE",
    ),
    "long name": (
        {"StartAt": LONG, "States": {LONG: {"Type": "Succeed"}}},
        f"Invalid State name: {LONG} exceeds the 80-character limit allowed by the service",
        f"/States/{LONG}",
        "INVALID_STATE_NAME",
    ),
    "name twice": (
        machine(
            {
                "Type": "Map",
                "Next": "Z",
                "ItemProcessor": {"StartAt": "Z", "States": {"Z": {"Type": "Succeed"}}},
            }
        ),
        "Duplicate State name: Z",
        "/States/S/ItemProcessor/States/Z",
        "DUPLICATE_STATE_NAME",
    ),
    "too deep": (
        passing(Result=json.loads("[" * 120 + "]" * 120)),
        "The states are too deeply nested",
        None,
        "TOO_DEEPLY_NESTED",
    ),
    # query languages
    "downgrade": (
        jsonata(passing(QueryLanguage="JSONPath", InputPath="$.a")),
        "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
        "/States/S",
    ),
    "path in JSONata": (
        jsonata(passing(InputPath="$.a")),
        other_language("JSONata", "InputPath", "JSONPath"),
        "/States/S",
    ),
    "output in JSONPath": (passing(Output={}), other_language("JSONPath", "Output", "JSONata"), "/States/S"),
    "syntax": (
        jsonata(passing(Output={"a": ["{% 1 + %}"]})),
        "Unexpected end of expression",
        "/States/S/Output/a[0]",
        "INVALID_JSONATA_EXPRESSION",
    ),
    "not closed": (
        jsonata(passing(Output="{% 1 ")),
        "JSONata string must start with {% and end with %}",
        "/States/S/Output",
    ),
    "context item": (
        jsonata(passing(Output="{% name %}")),
        "Reference to 'name' at the top level is not supported.",
        "/States/S/Output",
        "UNSUPPORTED_JSONATA_EXPRESSION",
    ),
    "result of a pass": (
        jsonata(passing(Output="{% $states.result %}")),
        "Field '$states.result' does not exist.",
        "/States/S/Output",
        "UNSUPPORTED_JSONATA_EXPRESSION",
    ),
    "error output outside": (
        jsonata(task(Output="{% $states.errorOutput %}")),
        "Field '$states.errorOutput' does not exist.",
        "/States/S/Output",
        "UNSUPPORTED_JSONATA_EXPRESSION",
    ),
    "result in a catcher": (
        jsonata(task(Catch=[CATCH | {"Assign": {"e": "{% $states.result %}"}}])),
        "Field '$states.result' does not exist.",
        "/States/S/Catch[0]/Assign/e",
        "UNSUPPORTED_JSONATA_EXPRESSION",
    ),
    # variables
    "assign a list": (passing(Assign=[]), "Expected value of type [OBJECT]", "/States/S/Assign"),
    "reserved": (
        passing(Assign={"states": 1}),
        "Cannot assign to reserved variable '$states'.",
        "/States/S/Assign",
        "RESERVED_VARIABLE_NAME",
    ),
    **{
        f"variable {name}": (
            passing(Assign={name: 1}),
            f"Invalid variable name '{name}': the variable name contains invalid characters.",
            "/States/S/Assign",
            "INVALID_VARIABLE_NAME",
        )
        for name in ("a.b", "a[0]", "_a", "1a", "")
    },
    "long variable": (
        passing(Assign={LONG: 1}),
        f"Invalid variable name '{LONG}': the variable name exceeds 80 characters.",
        "/States/S/Assign",
        "INVALID_VARIABLE_NAME",
    ),
    "outer variable": (
        mapping(
            Assign={"x.$": "$"},
            ItemProcessor={
                "StartAt": "In",
                "States": {"In": {"Type": "Pass", "End": True, "Assign": {"x": 1}}},
            },
        ),
        "Variable 'x' is already assigned in an outer scope",
        "/States/S/ItemProcessor/States/In/Assign/x",
        "DUPLICATE_VARIABLE_NAME",
    ),
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
def test_faults(case):
    check_fault(*case)


def test_a_state_that_leads_nowhere():
    assert errors(machine({"Type": "Pass"})) == [
        (SCHEMA, "This object should have only one of the following fields: [Next, End]", "/States/S"),
        ("MISSING_END_STATE", "Workflow has no terminal state", None),
    ]
    assert errors({"StartAt": "S", "States": {"S": {"Type": "Pass", "Next": "X"}}}) == [
        ("MISSING_TRANSITION_TARGET", "Missing 'Next' target: X", "/States/S/Next"),
        ("MISSING_END_STATE", "Workflow has no terminal state", None),
    ]


HINTS = {
    "dynamodb:putitem": "Did you mean dynamodb:putItem?",
    "dynamo:getItem": "Did you mean dynamodb:getItem?",
    "lambda:invok": "Did you mean lambda:invoke?",
    "lambda": "The actions of lambda are: invoke.",
    "sqs:sendMessage.sync": "sqs has no .sync. Did you mean sqs:sendMessage?",
    "sqs:sendMesage.waitForTaskToken": "Did you mean sqs:sendMessage.waitForTaskToken?",
    "batch:submitJob.waitForTaskToken": "batch has no .waitForTaskToken. Did you mean batch:submitJob?",
    "states:startExecution.sync:3": "states has no .sync:3. Did you mean states:startExecution?",
    "stepfunctions:startExecution": "Did you mean states:startExecution?",
    "quux:act": "",
}
MODELLED = {
    "dynamodb:query": "Did you mean aws-sdk:dynamodb:query?",
    "aws-sdk:dynamodb:qeury": "Did you mean aws-sdk:dynamodb:query?",
    "aws-sdk:logs:putLogEvents": "Did you mean aws-sdk:cloudwatchlogs:putLogEvents?",
    "aws-sdk:sqs:frobnicate": "aws-sdk:sqs has no 'frobnicate'.",
    "aws-sdk:ecs:runTask.sync": "Did you mean aws-sdk:ecs:runTask?",
    "aws-sdk:quux:act": "",
}


def _refusal_of(call):
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{call}", "End": True}
    (found,) = validate({"StartAt": "A", "States": {"A": task}})
    assert found.message.startswith(f"The resource provided arn:aws:states:::{call} is not recognized. The ")
    assert str(found).endswith(found.hint)
    return found.hint


@pytest.mark.parametrize(("call", "hint"), HINTS.items(), ids=HINTS)
def test_an_unknown_resource_is_refused_with_the_nearest_name(call, hint):
    assert _refusal_of(call) == hint


@pytest.mark.parametrize(("call", "hint"), MODELLED.items(), ids=MODELLED)
def test_with_botocore_every_action_of_aws_sdk_is_known(call, hint):
    pytest.importorskip("botocore")
    assert _refusal_of(call) == hint


def test_without_botocore_aws_sdk_takes_any_action(monkeypatch):
    monkeypatch.setattr(models, "services", dict)
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:quux:act", "End": True}
    assert validate({"StartAt": "A", "States": {"A": task}}) == []
