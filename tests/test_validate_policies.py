"""The rules about Retry, Catch, Choice, Map, Parallel, and the resources of Tasks."""

import pytest

from tests.definitions import (
    CATCH,
    CONDITION,
    INNER,
    LAMBDA,
    RETRY,
    RULE,
    SCHEMA,
    WRITE,
    check_fault,
    choosing,
    distributed,
    errors,
    jsonata,
    machine,
    mapping,
    only_one,
    other_language,
    reading,
    task,
)

# what is built, the message (or its beginning, with ...), the pointer, the code if not SCHEMA
FAULTS = {
    # Retry and Catch
    "retry an object": (task(Retry=RETRY), "Expected value of type [ARRAY]", "/States/S/Retry"),
    "retrier a string": (task(Retry=["E"]), "Expected value of type [OBJECT]", "/States/S/Retry[0]"),
    "no errors": (task(Retry=[{}]), "These fields are required: [ErrorEquals]", "/States/S/Retry[0]"),
    "empty errors": (
        task(Retry=[{"ErrorEquals": []}]),
        "Value cannot be empty",
        "/States/S/Retry[0]/ErrorEquals",
    ),
    "error a number": (
        task(Retry=[{"ErrorEquals": [5]}]),
        "Expected value of type [STRING]",
        "/States/S/Retry[0]/ErrorEquals[0]",
    ),
    "all not alone": (
        task(Retry=[{"ErrorEquals": ["States.ALL", "E"]}]),
        "States.ALL must appear alone and at end of list",
        "/States/S/Retry[0]/ErrorEquals",
    ),
    "all not last": (
        task(Catch=[CATCH | {"ErrorEquals": ["States.ALL"]}, CATCH]),
        "States.ALL must appear alone and at end of list",
        "/States/S/Catch[0]/ErrorEquals",
    ),
    "interval": (
        task(Retry=[RETRY | {"IntervalSeconds": 0}]),
        "Minimum value is 1",
        "/States/S/Retry[0]/IntervalSeconds",
    ),
    "interval 1.5": (
        task(Retry=[RETRY | {"IntervalSeconds": 1.5}]),
        "Expected value of type Integer",
        "/States/S/Retry[0]/IntervalSeconds",
    ),
    "attempts": (
        task(Retry=[RETRY | {"MaxAttempts": -1}]),
        "Minimum value is 0",
        "/States/S/Retry[0]/MaxAttempts",
    ),
    "rate": (
        task(Retry=[RETRY | {"BackoffRate": 0.9}]),
        "Minimum value is 1.0",
        "/States/S/Retry[0]/BackoffRate",
    ),
    "delay": (
        task(Retry=[RETRY | {"MaxDelaySeconds": 31_622_401}]),
        "Maximum value is 31622400",
        "/States/S/Retry[0]/MaxDelaySeconds",
    ),
    "jitter": (
        task(Retry=[RETRY | {"JitterStrategy": "SOME"}]),
        "Value should be one of the following: [NONE, FULL]",
        "/States/S/Retry[0]/JitterStrategy",
    ),
    "next in a retrier": (
        task(Retry=[RETRY | {"Next": "S"}]),
        "Field 'Next' is not supported",
        "/States/S/Retry[0]",
    ),
    "catch without next": (
        machine({"Type": "Task", "Resource": LAMBDA, "Next": "Z", "Catch": [RETRY]}),
        "These fields are required: [Next]",
        "/States/S/Catch[0]",
    ),
    # Choice
    "no rules": (
        machine({"Type": "Choice", "Default": "Z", "Choices": []}),
        "Value cannot be empty",
        "/States/S/Choices",
    ),
    "no choices": (
        machine({"Type": "Choice", "Default": "S"}, then={})
        | {"States": {"S": {"Type": "Choice", "Default": "Z"}, "Z": {"Type": "Succeed"}}},
        "These fields are required: [Choices]",
        "/States/S",
    ),
    "rule without next": (
        choosing(RULE, {"Variable": "$.n", "IsNull": True}),
        "These fields are required: [Next]",
        "/States/S/Choices[1]",
    ),
    "operand": (
        choosing(RULE | {"NumericEquals": "1"}),
        "Expected value of type [NUMBER]",
        "/States/S/Choices[0]/NumericEquals",
    ),
    "unknown operator": (
        choosing(RULE | {"NumericEqual": 1}),
        "Field 'NumericEqual' is not supported",
        "/States/S/Choices[0]",
    ),
    "variable": (
        choosing(RULE | {"Variable": "n"}),
        "Value is not a Reference Path: Reference path didn't start with '$'",
        "/States/S/Choices[0]/Variable",
    ),
    "nested next": (
        choosing({"Not": RULE, "Next": "Z"}),
        "Field 'Next' is not supported",
        "/States/S/Choices[0]/Not",
    ),
    "condition in JSONPath": (
        choosing(CONDITION),
        other_language("JSONPath", "Condition", "JSONata"),
        "/States/S/Choices[0]",
    ),
    "variable in JSONata": (
        jsonata(choosing({"Variable": "$.n", "Next": "Z"})),
        other_language("JSONata", "Variable", "JSONPath"),
        "/States/S/Choices[0]",
    ),
    "no expression": (
        jsonata(choosing(CONDITION | {"Condition": "true"})),
        "JSONata string must start with {% and end with %}",
        "/States/S/Choices[0]/Condition",
    ),
    # Map and Parallel
    "no processor": (
        machine({"Type": "Map", "End": True}),
        "This object should have only one of the following fields: [ItemProcessor, Iterator]",
        "/States/S",
    ),
    "no branches": (
        machine({"Type": "Parallel", "End": True}),
        "These fields are required: [Branches]",
        "/States/S",
    ),
    "empty branches": (
        machine({"Type": "Parallel", "End": True, "Branches": []}),
        "Value cannot be empty",
        "/States/S/Branches",
    ),
    "language of a branch": (
        machine({"Type": "Parallel", "End": True, "Branches": [INNER | {"QueryLanguage": "JSONata"}]}),
        "Field 'QueryLanguage' is not supported",
        "/States/S/Branches[0]",
    ),
    "concurrency": (mapping(MaxConcurrency=-1), "Minimum value is 0", "/States/S/MaxConcurrency"),
    "percentage": (
        mapping(ToleratedFailurePercentage=100.5),
        "Maximum value is 100.0",  # measured on AWS: github.com/floci-io/floci/issues/3733
        "/States/S/ToleratedFailurePercentage",
    ),
    "a number of the context object": (
        mapping(MaxConcurrencyPath="$$.Execution.Input.n"),  # the same source
        "Value is not a Reference Path: it must not read the context object",
        "/States/S/MaxConcurrencyPath",
    ),
    "numbers": (
        mapping(ToleratedFailureCountPath="$.n[*]"),
        "Value is not a Reference Path: it must name one single place",
        "/States/S/ToleratedFailureCountPath",
    ),
    "two selectors": (
        mapping(ItemSelector={}, Parameters={}),
        only_one("ItemSelector", "Parameters"),
        "/States/S",
    ),
    "execution type": (
        distributed({"Mode": "DISTRIBUTED"}),
        "These fields are required: [ExecutionType]",
        "/States/S/ItemProcessor/ProcessorConfig",
    ),
    "inline with execution type": (
        distributed({"Mode": "INLINE", "ExecutionType": "EXPRESS"}),
        "Field 'ExecutionType' is not supported",
        "/States/S/ItemProcessor/ProcessorConfig",
    ),
    "mode": (
        distributed({"Mode": "DISTRIBUTE"}),
        "Value should be one of the following: [INLINE, DISTRIBUTED]",
        "/States/S/ItemProcessor/ProcessorConfig/Mode",
    ),
    "label": (distributed(Label="a b"), "Invalid Label name: 'a b'", "/States/S/Label", "INVALID_LABEL_NAME"),
    "long label": (
        distributed(Label="x" * 41),
        f"Invalid Label name: {'x' * 41} exceeds the 40-character limit allowed by the service",
        "/States/S/Label",
        "INVALID_LABEL_NAME",
    ),
    "label twice": (
        machine(
            {
                "Type": "Parallel",
                "End": True,
                "Branches": [
                    {
                        "StartAt": n,
                        "States": {
                            n: distributed(Label="L")["States"]["S"]
                            | {
                                "ItemProcessor": {
                                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                                    "StartAt": n + n,
                                    "States": {n + n: {"Type": "Succeed"}},
                                }
                            }
                        },
                    }
                    for n in "AB"
                ],
            }
        ),
        "Duplicate Label name: L",
        "/States/S/Branches[1]/States/B/Label",
        "DUPLICATE_LABEL_NAME",
    ),
    "reader": (
        distributed(ItemReader={"Resource": "arn:aws:states:::s3:readObject"}),
        "The field 'Resource' does not match any of the allowed values. Examples: ...",
        "/States/S/ItemReader/Resource",
    ),
    "input type": (
        reading(InputType="XML"),
        "Value should be one of the following: [CSV, JSON, JSONL, PARQUET, MANIFEST]",
        "/States/S/ItemReader/ReaderConfig/InputType",
    ),
    "csv": (
        reading(InputType="CSV"),
        "These fields are required: [CSVHeaderLocation]",
        "/States/S/ItemReader/ReaderConfig",
    ),
    "csv headers": (
        reading(InputType="CSV", CSVHeaderLocation="GIVEN"),
        "These fields are required: [CSVHeaders]",
        "/States/S/ItemReader/ReaderConfig",
    ),
    "json headers": (
        reading(InputType="JSON", CSVHeaderLocation="FIRST_ROW"),
        "Field 'CSVHeaderLocation' is not supported",
        "/States/S/ItemReader/ReaderConfig",
    ),
    "inventory": (
        reading(ManifestType="S3_INVENTORY", InputType="CSV", CSVHeaderLocation="FIRST_ROW"),
        "Field 'InputType' is not supported",
        "/States/S/ItemReader/ReaderConfig",
    ),
    "max items": (
        reading(InputType="JSON", MaxItems=1, MaxItemsPath="$.n"),
        only_one("MaxItems", "MaxItemsPath"),
        "/States/S/ItemReader/ReaderConfig",
    ),
    "batcher": (
        distributed(ItemBatcher={"BatchInput": {}}),
        "This object should have at least one of the following fields: ...",
        "/States/S/ItemBatcher",
    ),
    "batch size": (
        distributed(ItemBatcher={"MaxInputBytesPerBatch": 262_145}),
        "Maximum value is 262144",
        "/States/S/ItemBatcher/MaxInputBytesPerBatch",
    ),
    "empty writer": (distributed(ResultWriter={}), "Value cannot be empty", "/States/S/ResultWriter"),
    "writer": (
        distributed(ResultWriter={"Resource": WRITE["Resource"]}),
        "These fields are required: [Parameters]",
        "/States/S/ResultWriter",
    ),
    "writer config": (
        distributed(ResultWriter={"WriterConfig": {"Transformation": "COMPACT"}}),
        "These fields are required: [OutputType]",
        "/States/S/ResultWriter/WriterConfig",
    ),
    # resources
    "not an ARN": (task(Resource="f"), "Value is not a valid resource ARN", "/States/S/Resource"),
    "resource a number": (task(Resource=5), "Expected value of type [STRING]", "/States/S/Resource"),
    "credentials of an activity": (
        task(Resource="arn:aws:states:us-east-1:1:activity:a", Credentials={"RoleArn": "r"}),
        "The field 'Credentials' is not supported for activities",
        "/States/S",
    ),
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
def test_faults(case):
    check_fault(*case)


@pytest.mark.parametrize(
    "resource",
    [
        "dynamodb:query",
        "lambda:invoke.sync",
        "sqs:sendMessage.sync:2",
        "glue:startJobRun.waitForTaskToken",
        "nosuch:thing",
        "aws-sdk:s3:getObject.sync",
        "lambda",
        "lambda:invoke.later",
        "",
    ],
)
def test_unknown_integrations(resource):
    arn = f"arn:aws:states:::{resource}"
    message = (
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region."
    )
    expected = message if resource else "Value is not a valid resource ARN"
    assert errors(task(Resource=arn)) == [(SCHEMA, expected, "/States/S/Resource")]


@pytest.mark.parametrize(
    ("resource", "lacks"),
    [
        ("arn:aws:states:::ecs:runTask.sync", "'.sync' service integration"),
        ("arn:aws:states:::states:startExecution.sync:2", "'.sync' service integration"),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "'.waitForTaskToken' service integration "),
        ("arn:aws:states:us-east-1:1:activity:a", "Activity ARN"),
    ],
)
def test_express(resource, lacks):
    expected = (SCHEMA, f"Express state machine does not support {lacks}")
    inner = {"StartAt": "In", "States": {"In": {"Type": "Task", "Resource": resource, "End": True}}}
    assert errors(task(Resource=resource)) == []
    assert errors(task(Resource=resource), workflow_type="EXPRESS") == [(*expected, "/States/S/Resource")]
    children = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **inner}
    assert errors(mapping(ItemProcessor=children)) == [
        (*expected, "/States/S/ItemProcessor/States/In/Resource")
    ]


def test_express_has_no_distributed_map():
    assert errors(distributed(), workflow_type="EXPRESS") == [
        (
            SCHEMA,
            "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines",
            "/States/S/ItemProcessor/ProcessorConfig/Mode",
        )
    ]
