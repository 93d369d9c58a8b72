"""What a Resource says, and the operation of botocore that it means."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from sfnbook.tasks import models
from sfnbook.tasks.resources import parse_resource

botocore = pytest.importorskip("botocore")

CALLS = {
    "aws-sdk:sfn:startSyncExecution": ("stepfunctions", "StartSyncExecution"),
    "aws-sdk:cloudwatchlogs:putLogEvents": ("logs", "PutLogEvents"),
    "aws-sdk:dynamodb:query": ("dynamodb", "Query"),
    "aws-sdk:rds:describeDBInstances": ("rds", "DescribeDBInstances"),
    "states:startExecution.sync:2": ("stepfunctions", "StartExecution"),
    "events:putEvents": ("events", "PutEvents"),
    "elasticmapreduce:addStep.sync": ("emr", "AddJobFlowSteps"),
    "bedrock:invokeModel": ("bedrock-runtime", "InvokeModel"),
    "emr-serverless:startJobRun": ("emr-serverless", "StartJobRun"),
    "eks:runJob.sync": None,
    "http:invoke": None,
    "apigateway:invoke": None,
    "aws-sdk:stepfunctions:startExecution": None,
    "aws-sdk:dynamodb:Query2": None,
}


@pytest.mark.parametrize(("call", "operation"), CALLS.items(), ids=CALLS)
def test_a_resource_is_an_operation(call, operation):
    found = models.operation(parse_resource(f"arn:aws:states:::{call}"))
    assert (found and found[:2]) == operation


def test_an_operation_knows_its_errors():
    found = models.named("dynamodb", "PutItem")
    assert "ConditionalCheckFailedException" in found.errors


def _java_name(service: Path) -> str:
    """The name that the Java SDK 2 makes of the service id, which stands in the head of the model."""
    versions = sorted(service.glob("*/service-2.json*"))
    opened = gzip.open if versions[-1].suffix == ".gz" else open
    with opened(versions[-1], "rb") as file:
        identity = re.search(rb'"serviceId":\s*"([^"]+)"', file.read(8000))
    name = re.sub(r"^(Amazon|AWS)\s*|\s*[Ss]ervice$", "", identity[1].decode())
    return re.sub(r"[^a-z0-9]", "", name.lower())


def test_services_have_the_names_of_the_java_sdk():
    data = Path(botocore.__file__).parent / "data"
    named = {_java_name(data / name): name for name in models.services().values()}
    assert dict(models.services()) == named
