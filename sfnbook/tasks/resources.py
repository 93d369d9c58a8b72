"""What the Resource of a Task says: which kind of integration, which service, action and pattern.

Pure parsing of ARNs, with the tables that depend on the service alone: how AWS names its
errors, and which parameters it turns into JSON text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Mapping


class Resource(NamedTuple):
    """A Resource, taken apart.

    ``kind`` is lambda (a function's own ARN), activity, integration, sdk, http or unknown
    (``${Placeholder}``); ``pattern`` is request, sync, sync:2 or token.  ``resource_type`` and
    ``resource`` are what history events show: the ARN, without a type, for functions and
    activities, whose events have no resourceType.
    """

    kind: str
    service: str
    action: str
    pattern: str
    resource_type: str | None
    resource: str
    function_name: str | None = None


class EventTypes(NamedTuple):
    """The history events of a Task, as a change writes them: each alone in a tuple."""

    scheduled: tuple[str]
    started: tuple[str]
    succeeded: tuple[str]
    failed: tuple[str]
    timed_out: tuple[str]


def _events(prefix: str) -> EventTypes:
    return EventTypes(
        (f"{prefix}Scheduled",),
        (f"{prefix}Started",),
        (f"{prefix}Succeeded",),
        (f"{prefix}Failed",),
        (f"{prefix}TimedOut",),
    )


TASK_EVENTS: Final = _events("Task")
EVENT_TYPES: Final[Mapping[str, EventTypes]] = {
    "lambda": _events("LambdaFunction"),
    "activity": _events("Activity"),
}
"""By kind of resource; all others have `TASK_EVENTS`."""

_LAMBDA: Final = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:]+)(?::[^:]+)?")
_ACTIVITY: Final = re.compile(r"arn:[^:]+:states:[^:]+:[^:]+:activity:([^:]+)")
_SDK: Final = re.compile(r"arn:[^:]+:states:::aws-sdk:([a-z0-9]+):(\w+)(\.waitForTaskToken)?")
_HTTP: Final = re.compile(r"arn:[^:]+:states:::http:invoke")
_INTEGRATION: Final = re.compile(
    r"arn:[^:]+:states:::([a-z0-9-]+):(\w+)(\.sync:2|\.sync|\.waitForTaskToken)?"
)
_PATTERNS: Final = {None: "request", ".sync": "sync", ".sync:2": "sync:2", ".waitForTaskToken": "token"}

# A function's name, its ARN or the account's part of it, each with or without a qualifier.
_FUNCTION: Final = re.compile(r"(?:arn:[^:]+:lambda:[^:]*:[^:]*:function:|\d+:function:)?([^:]+)(?::[^:]+)?")


@cache
def parse_resource(arn: str) -> Resource:
    """Take a Resource apart; what cannot be understood is of the kind ``unknown``.

    >>> parse_resource("arn:aws:states:::sqs:sendMessage.waitForTaskToken")[1:6]
    ('sqs', 'sendMessage', 'token', 'sqs', 'sendMessage.waitForTaskToken')
    >>> parse_resource("arn:aws:lambda:us-east-1:123456789012:function:charge:live").function_name
    'charge'
    """
    if found := _LAMBDA.fullmatch(arn):
        return Resource("lambda", "lambda", "invoke", "request", None, arn, found[1])
    if found := _ACTIVITY.fullmatch(arn):
        return Resource("activity", "activity", found[1], "request", None, arn)
    if found := _SDK.fullmatch(arn):
        shown = found[2] + (found[3] or "")
        return Resource("sdk", found[1], found[2], _PATTERNS[found[3]], f"aws-sdk:{found[1]}", shown)
    if _HTTP.fullmatch(arn):
        return Resource("http", "http", "invoke", "request", "http", "invoke")
    if found := _INTEGRATION.fullmatch(arn):
        shown = found[2] + (found[3] or "")
        return Resource("integration", found[1], found[2], _PATTERNS[found[3]], found[1], shown)
    return Resource("unknown", "", "", "request", None, arn)


def invokes_lambda(resource: Resource) -> bool:
    """Is a Lambda function called through an API, with FunctionName and Payload?

    >>> invokes_lambda(parse_resource("arn:aws:states:::lambda:invoke"))
    True
    """
    return resource.kind in {"integration", "sdk"} and resource[1:3] == ("lambda", "invoke")


def function_name(arn: str, parameters: Json) -> str | None:
    """The name of the Lambda function behind a Task, where the definition says it.

    >>> function_name("arn:aws:states:::lambda:invoke", {"FunctionName": "charge:live"})
    'charge'
    >>> function_name("arn:aws:states:::lambda:invoke", {"FunctionName.$": "$.name"})
    """
    resource = parse_resource(arn)
    if not invokes_lambda(resource):
        return resource.function_name
    given = parameters.get("FunctionName") if isinstance(parameters, dict) else None
    if not isinstance(given, str) or given.startswith("{%"):
        return None
    found = _FUNCTION.fullmatch(given)
    return found[1] if found else None


# Optimized integrations name errors after the Java SDK 1, aws-sdk ones after the classes of the
# Java SDK 2; EMR, ECS, Athena and Glue are as people report them, the rest of the unrecorded
# ones follow the name of the service.
ERROR_PREFIXES: Final[Mapping[str, str]] = {
    "apigateway": "ApiGateway",
    "athena": "Athena",
    "batch": "Batch",
    "bedrock": "Bedrock",
    "codebuild": "CodeBuild",
    "databrew": "DataBrew",
    "dynamodb": "DynamoDB",
    "ecs": "ECS",
    "eks": "EKS",
    "elasticmapreduce": "EMR",
    "emr-containers": "EMRContainers",
    "emr-serverless": "EMRServerless",
    "events": "EventBridge",
    "glue": "Glue",
    "http": "States.Http",
    "lambda": "Lambda",
    "mediaconvert": "MediaConvert",
    "sagemaker": "SageMaker",
    "sns": "SNS",
    "sqs": "SQS",
    "states": "StepFunctions",
}

# Only the services whose class is not simply the capitalized name.
SDK_ERROR_PREFIXES: Final[Mapping[str, str]] = {
    "apigateway": "ApiGateway",
    "bedrockruntime": "BedrockRuntime",
    "cloudformation": "CloudFormation",
    "cloudfront": "CloudFront",
    "cloudtrail": "CloudTrail",
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "codebuild": "CodeBuild",
    "codepipeline": "CodePipeline",
    "cognitoidentityprovider": "CognitoIdentityProvider",
    "databrew": "DataBrew",
    "dynamodb": "DynamoDb",
    "elasticache": "ElastiCache",
    "emrserverless": "EmrServerless",
    "eventbridge": "EventBridge",
    "mediaconvert": "MediaConvert",
    "rdsdata": "RdsData",
    "redshiftdata": "RedshiftData",
    "sagemaker": "SageMaker",
    "sagemakerruntime": "SageMakerRuntime",
    "secretsmanager": "SecretsManager",
}


def error_prefix(resource: Resource) -> str:
    """What stands before the dot in the names of a service's errors.

    >>> error_prefix(parse_resource("arn:aws:states:::dynamodb:getItem"))
    'DynamoDB'
    >>> error_prefix(parse_resource("arn:aws:states:::aws-sdk:dynamodb:getItem"))
    'DynamoDb'
    """
    table = SDK_ERROR_PREFIXES if resource.kind == "sdk" else ERROR_PREFIXES
    return table.get(resource.service, resource.service.capitalize())


# Where an API wants text, Step Functions takes JSON and writes it as text; a list on the way
# means each of its entries.
JSON_TEXT_PARAMETERS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("sqs", "sendMessage"): ("MessageBody",),
    ("sns", "publish"): ("Message",),
    ("events", "putEvents"): ("Entries", "Detail"),
    ("states", "startExecution"): ("Input",),
}


def parameters_for_api(resource: Resource, parameters: Json) -> Json:
    """The parameters as the service receives them, JSON written as text where it wants text.

    >>> sqs = parse_resource("arn:aws:states:::sqs:sendMessage")
    >>> parameters_for_api(sqs, {"MessageBody": {"id": 1}, "QueueUrl": "q"})
    {'MessageBody': '{"id":1}', 'QueueUrl': 'q'}
    """
    if resource.kind != "integration":
        return parameters
    path = JSON_TEXT_PARAMETERS.get((resource.service, resource.action))
    return _with_text(parameters, path) if path else parameters


def _with_text(value: Json, path: tuple[str, ...]) -> Json:
    if not path:
        return value if isinstance(value, str) else text(value)
    if isinstance(value, list):
        return [_with_text(entry, path) for entry in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    return value | {path[0]: _with_text(value[path[0]], path[1:])}
