"""The errors worth offering: what the definition names, what the service says, what AWS adds."""

from __future__ import annotations

from typing import Any

import pytest

import sfnbook
from sfnbook.parse import definition
from sfnbook.tasks.error_names import error_names
from tests.machines import LAMBDA, block, load

RETRY = [{"ErrorEquals": ["Busy", "States.TaskFailed"]}, {"ErrorEquals": ["States.ALL"]}]


def names_of(resource: str, **fields: Any) -> tuple[str, ...]:
    task = {"Type": "Task", "Resource": resource, "End": True} | fields
    return error_names(definition(block(A=task)).states["A"])


OFFERED = {
    "lambda": (LAMBDA, ("Lambda.ServiceException", "Lambda.TooManyRequestsException", "States.Timeout")),
    "lambda:invoke": ("arn:aws:states:::lambda:invoke", ("Lambda.SdkClientException", "States.TaskFailed")),
    "http": ("arn:aws:states:::http:invoke", ("States.Http.StatusCode.404", "States.Http.Socket")),
    "apigateway": ("arn:aws:states:::apigateway:invoke", ("ApiGateway.503",)),
    "unmodelled": ("arn:aws:states:::sqs:sendMessage", ("SQS.AmazonSQSException", "SQS.SdkClientException")),
    "events": ("arn:aws:states:::events:putEvents", ("EventBridge.FailedEntry",)),
    "activity": ("arn:aws:states:us-east-1:111122223333:activity:a", ("States.TaskFailed", "States.Timeout")),
}
MODELLED = {
    "optimized": (
        "arn:aws:states:::dynamodb:putItem",
        ("DynamoDB.ConditionalCheckFailedException", "DynamoDB.AmazonDynamoDBException"),
    ),
    "aws-sdk": (
        "arn:aws:states:::aws-sdk:dynamodb:putItem",
        ("DynamoDb.ConditionalCheckFailedException", "DynamoDb.DynamoDbException"),
    ),
    "a class of its own": (
        "arn:aws:states:::aws-sdk:s3:getObject",
        ("S3.NoSuchKeyException", "S3.S3Exception"),
    ),
    "renamed": (
        "arn:aws:states:::aws-sdk:cloudwatchlogs:putLogEvents",
        ("CloudWatchLogs.ResourceNotFoundException",),
    ),
}


@pytest.mark.parametrize(("resource", "names"), OFFERED.values(), ids=OFFERED)
def test_what_is_offered(resource, names):
    assert set(names) <= set(names_of(resource))


@pytest.mark.parametrize(("resource", "names"), MODELLED.values(), ids=MODELLED)
def test_what_the_service_s_model_names(resource, names):
    pytest.importorskip("botocore")
    assert set(names) <= set(names_of(resource))


def test_the_definition_s_own_come_first_and_the_wildcard_never():
    found = names_of(LAMBDA, Retry=RETRY)
    assert found[:3] == ("Busy", "States.TaskFailed", "Lambda.ServiceException")
    assert "States.ALL" not in found
    assert len(set(found)) == len(found)


def test_what_the_fields_make_possible():
    assert "States.HeartbeatTimeout" not in names_of(LAMBDA)
    assert "States.HeartbeatTimeout" in names_of(LAMBDA, TimeoutSeconds=60, HeartbeatSeconds=30)
    assert "States.ResultPathMatchFailure" in names_of(LAMBDA, ResultPath="$.a")
    assert "States.QueryEvaluationError" in names_of(LAMBDA, QueryLanguage="JSONata")


def test_maps_and_parallels():
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    inner = block(P={"Type": "Pass", "End": True})
    distributed = {"Type": "Map", "ItemProcessor": inner | config, "End": True}
    both = {
        "Type": "Parallel",
        "Branches": [inner],
        "Catch": [{"ErrorEquals": ["Odd"], "Next": "M"}],
        "Next": "M",
    }
    states = definition(block(B=both, M=distributed)).states
    assert error_names(states["M"])[0] == "States.ExceedToleratedFailureThreshold"
    assert error_names(states["B"])[0] == "Odd"
    assert error_names(definition(inner).states["P"]) == ()


def test_the_question_offers_a_sample_and_errors():
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload"}
    task |= {"Parameters": {"FunctionName": "f", "Payload.$": "$"}, "Retry": RETRY, "Next": "B"}
    machine = load({"A": task, "B": {"Type": "Pass", "InputPath": "$.order.quantity", "End": True}})
    debugger = sfnbook.Debugger(machine, {"n": 1})
    debugger.run()
    question = debugger.unanswered
    assert question.input == {"FunctionName": "f", "Payload": {"n": 1}}
    assert question.draft == {"Payload": {"order": {"quantity": 1}}}
    assert question.literal == 'tasks={"A": lambda event: {"order": {"quantity": 1}}}'
    assert question.errors[0] == "Busy"
    assert debugger.answer(question.draft).run().kind == "ExecutionSucceeded"
    assert debugger.output == 1


def test_the_question_of_a_later_visit_moves_on():
    """A loop that a person answers with the drafts comes to its end, too."""
    get = {"Type": "Task", "Resource": LAMBDA, "Next": "Done?"}
    rules = [{"Variable": "$.status", "StringEquals": "DONE", "Next": "Yes"}]
    choice = {"Type": "Choice", "Choices": rules, "Default": "Get"}
    machine = load({"Get": get, "Done?": choice, "Yes": {"Type": "Succeed"}})
    debugger = sfnbook.Debugger(machine)
    debugger.run()
    assert debugger.unanswered.draft == {"status": "DONE"}
    debugger.answer({"status": "BUSY"}).run()
    assert debugger.unanswered.draft != {"status": "DONE"}
