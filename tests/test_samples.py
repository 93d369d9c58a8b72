"""Real definitions: each loads, draws without overlaps, and steps to its end when its Tasks are answered.

The definitions lie beside the repository; without them these tests are skipped.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

import sfnbook
from sfnbook.drawing.layout import layout
from sfnbook.tasks import attempts, failure, result, sequence

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
FILES = sorted(SAMPLES.glob("*.asl.json"))

pytestmark = pytest.mark.skipif(not FILES, reason="the samples are not beside this checkout")

PAID = {"CartId": "c1", "Status": "PaymentSuccessful"}
SHIPPED = {"CartId": "c1", "Status": "ShippingSuccessful"}
CART = {"CartId": "c1", "Email": "a@b.example", "Address": "x", "Orange": "1", "Banana": "0", "Lemon": "2",
        "total_cost": "9"}  # fmt: skip
INSTANCE = {
    "InstanceType": "t3.micro",
    "ImageId": "ami-1",
    "NetworkInterfaces": [{"SubnetId": "subnet-1"}],
    "BlockDeviceMappings": [{"Ebs": {"VolumeId": "vol-1"}}],
    "Placement": {"AvailabilityZone": "us-east-1a"},
    "SecurityGroups": [{"GroupId": "sg-1"}],
}
KEY = {"idempotencyConfig": {"ttl": "1", "idempotencyKey": "k"}}
RESOURCE = {
    "ResourceId": "r",
    "ResourceType": "AWS::EC2::VPC",
    "SourceAccountId": "1",
    "SourceRegion": "us-east-1",
}
CONFIGURATION = {
    "AccountId": "1",
    "AwsRegion": "us-east-1",
    "ResourceType": "AWS::EC2::VPC",
    "ResourceId": "r",
}


def bedrock(suffix: str) -> dict[str, Any]:
    return {
        f"{'CreateKnowledgeBase' if not suffix else 'Create Knowledge Base 2'}": {
            "KnowledgeBase": {"KnowledgeBaseId": f"kb{suffix}"}
        },
        f"Create Data Source{suffix}": {"DataSource": {"DataSourceId": "ds"}},
        f"Start Ingestion Job{suffix}": {"IngestionJob": {"IngestionJobId": "ij"}},
        f"Get Ingestion Job{suffix}": sequence(
            {"IngestionJob": {"Status": "IN_PROGRESS"}}, {"IngestionJob": {"Status": "COMPLETE"}}
        ),
        f"Create Evaluation Job{suffix}": {"JobArn": "job"},
        f"Get Evaluation Job Status{suffix}": sequence({"Status": "InProgress"}, {"Status": "Completed"}),
    }


# name -> (input, tasks, files, virtual seconds at the end)
RUNS: dict[str, tuple[Any, Any, Any, float]] = {
    "activity": ({}, {"*": result({"done": True}, seconds=150)}, None, 150),
    "batch-lambda": (
        {},
        {"Generate batch job input": {"key": "v"}, "Submit Batch Job": result({"JobId": "1"}, seconds=600)},
        None,
        600,
    ),
    "bedrock-evaluations-jsonata": ({}, {**bedrock(""), **bedrock(" 2")}, None, 30 + 2 * 60 + 2 * 600),
    "checkout": (
        CART,
        {
            "arn:aws:states:::dynamodb:putItem": {"SdkHttpMetadata": {}},
            "arn:aws:states:::dynamodb:updateItem": {},
            "arn:aws:states:::events:putEvents": {"FailedEntryCount": 0},
            "Third Party Payment Service HTTPS Endpoint": PAID,
            "Third Party Shipping Service HTTPS Endpoint": SHIPPED,
        },
        None,
        0,
    ),
    "dynamodb-semaphore": (
        {},
        {
            "Get Lock.Acquire Lock": sequence(failure("DynamoDB.AmazonDynamoDBException", "no row"), {}),
            "Initialize Lock Item": {},
            "Get Current Lock Record": {"Item": {}},
            "Run Lambda Function With Controlled Concurrency": lambda event: event,
            "Release Lock": {},
        },
        None,
        0,
    ),
    "ec2-instance-isolation": (
        {"IsolatedInstanceId": "i-1"},
        {
            "Get EC2 Instance Info": {"Reservations": [{"Instances": [INSTANCE]}]},
            "Get AutoScalingGroup Info": {"AutoScalingInstances": [{"AutoScalingGroupName": "asg"}]},
            "Create Forensic Instance": {"Instances": [{"InstanceId": "i-2"}]},
            "Create Snapshot from Isolated Instance": {"SnapshotId": "snap-1"},
            "Get Snapshot Status": sequence(
                {"Snapshots": [{"State": "pending"}]}, {"Snapshots": [{"State": "completed"}]}
            ),
            "Create EBS Volume from Snapshot": {"VolumeId": "vol-2"},
            "Get EBS Volume Status": sequence(
                {"Volumes": [{"State": "creating"}]}, {"Volumes": [{"State": "available"}]}
            ),
            "*": {},
        },
        None,
        30,
    ),
    "human-in-the-loop": (
        {"amount": 7},
        {
            "Notify Approver": result({"result": True}, seconds=90),
            "Handle approval": lambda event: event["result"],
        },
        None,
        90,
    ),
    "idempotent-workflow": (
        {},
        {
            "Create idempotency settings (key and ttl)": KEY,
            "Your Workflow.(which can fail occasionally)": {"ok": True},
            "*": {},
        },
        None,
        0,
    ),
    "migrate-csv-distributed-map": (
        {"bucket_name": "b", "file_key": "items.csv"},
        {
            "Validate, Transform, and Migrate Items": lambda batch: {"count": len(batch["Items"])},
            "Consolidate Migration": lambda event: {"batches": len(event["report"])},
            "Publish Results": {"MessageId": "m"},
        },
        {"b/items.csv": "id,name\n" + "".join(f"{n},item {n}\n" for n in range(250))},
        0,
    ),
    "resource-configuration-backup": (
        {
            "ConfigAggregatorName": "c",
            "PaginationLimit": 1,
            "S3BucketName": "b",
            "ResourceTypesToLookup": ["AWS::EC2::VPC", "AWS::EC2::Subnet"],
        },
        {
            "ListAggregateDiscoveredResources": {"ResourceIdentifiers": [RESOURCE], "NextToken": "t"},
            "ListAggregateDiscoveredResources-Pagination": {"ResourceIdentifiers": [RESOURCE]},
            "BatchGetAggregateResourceConfig": {"BaseConfigurationItems": [CONFIGURATION]},
            "PutObjectUsingResourceId": {"ETag": "e"},
        },
        None,
        0,
    ),
    "retry-with-exponential-backoff": (
        {},
        {"Generate random response": attempts(*[failure("InternalServerError")] * 3, {"Payload": "ok"})},
        None,
        2 + 4 + 8,
    ),
    "saga": (
        {"trip": 1},
        {
            "arn:aws:states:::lambda:invoke": lambda event: event,
            "arn:aws:states:::sns:publish": {"MessageId": "m"},
        },
        None,
        0,
    ),
    "seed-catch": ({}, {"HelloWorld": failure("States.Timeout")}, None, 0),
    "seed-retry": (
        {},
        {"HelloWorld": attempts(failure("CustomError"), failure("CustomError"), {"done": True})},
        None,
        3,
    ),
}


def name_of(file: Path) -> str:
    return file.name.removesuffix(".asl.json")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_loads_and_runs_to_its_end(file: Path) -> None:
    given, tasks, files, seconds = RUNS[name_of(file)]
    execution = sfnbook.load(file).start(given, tasks=tasks, files=files).run()
    assert (execution.status, execution.error, execution.cause) == ("SUCCEEDED", None, None)
    assert execution.time == seconds


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_steps_to_its_end_with_no_preparation(file: Path) -> None:
    execution = sfnbook.load(file).start(tasks="sample").run()
    assert (execution.status, execution.error, execution.cause) == ("SUCCEEDED", None, None)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_every_step_can_be_taken_back(file: Path) -> None:
    given, tasks, files, _ = RUNS[name_of(file)]
    execution = sfnbook.load(file).start(given, tasks=tasks, files=files)
    forward = list(execution)
    assert list(iter(execution.back, None)) == forward[::-1]
    assert list(execution) == forward


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_placeholders_are_left_and_can_be_filled(file: Path) -> None:
    machine = sfnbook.load(file)
    arn = "arn:aws:lambda:us-east-1:111122223333:function:f"
    values = {name: "aws" if name == "partition" else arn for name in machine.placeholders}
    filled = sfnbook.load(file, substitutions=values)
    assert filled.placeholders == []
    assert ("${" in file.read_text("utf-8")) == bool(machine.placeholders)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_draws_without_overlaps(file: Path) -> None:
    geometry = layout(sfnbook.load(file).definition)
    for (first, one), (second, two) in itertools.combinations(geometry.nodes.items(), 2):
        nested = first.startswith(f"{second}/") or second.startswith(f"{first}/")
        apart = (
            one.x + one.w <= two.x
            or two.x + two.w <= one.x
            or one.y + one.h <= two.y
            or two.y + two.h <= one.y
        )
        assert nested or apart, (first, second)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_validates_without_a_false_alarm(file: Path) -> None:
    assert [one for one in sfnbook.validate(file) if one.severity == "ERROR"] == []
