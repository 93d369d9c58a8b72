"""What a service says when it refuses a request: its error name and cause, as a Task sees them.

Recorded for Lambda, and for the form of both kinds of cause (Java SDK 1 for optimized integrations,
Java SDK 2 for ``aws-sdk``).  The other services' words are those of their API models; an error that the
SDK 1 has no class for would be ``<Prefix>.Amazon<Service>Exception`` on AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.errors import PERMISSIONS, TASK_FAILED
from sfnbook.tasks.functions import function_arn, request_id
from sfnbook.tasks.resources import Resource, error_prefix, parse_resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.tasks.protocol import Call


class Refusal(NamedTuple):
    """The exception's name, the HTTP status and the message of a refused request."""

    name: str
    status: int
    message: str


DOWN: Final = "down"
THROTTLED: Final = "throttled"
DENIED: Final = "denied"

# By reason and service; "" is for all other services.
REFUSALS: Final[Mapping[tuple[str, str], Refusal]] = {
    (DOWN, ""): Refusal("SdkClientException", 503, "Unable to execute HTTP request: Connect timed out"),
    (DOWN, "lambda"): Refusal("ServiceException", 500, "The Lambda service encountered an internal error."),
    (THROTTLED, ""): Refusal("ThrottlingException", 400, "Rate exceeded"),
    (THROTTLED, "athena"): Refusal("TooManyRequestsException", 400, "Rate exceeded"),
    (THROTTLED, "dynamodb"): Refusal(
        "ProvisionedThroughputExceededException",
        400,
        "The level of configured provisioned throughput for the table was exceeded. "
        "Consider increasing your provisioning level with the UpdateTable API.",
    ),
    (THROTTLED, "lambda"): Refusal("TooManyRequestsException", 429, "Rate Exceeded."),
    (THROTTLED, "sns"): Refusal("ThrottledException", 429, "Rate exceeded"),
    (DENIED, ""): Refusal("AccessDeniedException", 403, ""),
}

# How the Java SDK 1 calls the services in a cause; a service that is not here is AWS and its prefix.
_SERVICE_NAMES: Final[Mapping[str, str]] = {
    "athena": "AmazonAthena",
    "dynamodb": "AmazonDynamoDBv2",
    "ecs": "AmazonECS",
    "elasticmapreduce": "AmazonElasticMapReduce",
    "events": "AmazonCloudWatchEvents",
    "sagemaker": "AmazonSageMaker",
    "sns": "AmazonSNS",
    "sqs": "AmazonSQS",
}

# Where the permission for a service is not called as its integration is.
_IAM_PREFIXES: Final[Mapping[str, str]] = {
    "apigateway": "execute-api",
    "bedrockruntime": "bedrock",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "http": "states",
    "sfn": "states",
}
_IAM_ACTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("http", "invoke"): "InvokeHTTPEndpoint",
    ("lambda", "invoke"): "InvokeFunction",
}


def refused(reason: str, call: Call) -> tuple[str, str]:
    """The error name and the cause with which the service behind a call refuses it.

    >>> from sfnbook.tasks import Call
    >>> refused(THROTTLED, Call("A", "A", "arn:aws:states:::lambda:invoke", {}))[0]
    'Lambda.TooManyRequestsException'
    """
    resource = parse_resource(call.resource)
    refusal = REFUSALS.get((reason, resource.service)) or REFUSALS[reason, ""]
    if reason == DENIED:
        refusal = refusal._replace(message=_denied(resource, call))
    return _error(reason, resource, refusal), _cause(resource, refusal, call)


def _error(reason: str, resource: Resource, refusal: Refusal) -> str:
    if reason == DENIED:
        # The name of the specification.  People report the service's own for functions
        # (Lambda.AWSLambdaException, with this cause), so both belong into a Retry or Catch.
        return PERMISSIONS
    if resource.kind == "http":
        return f"States.Http.StatusCode.{429 if reason == THROTTLED else refusal.status}"
    if resource.kind not in {"integration", "lambda", "sdk"}:
        return TASK_FAILED
    return f"{error_prefix(resource)}.{refusal.name}"


def _cause(resource: Resource, refusal: Refusal, call: Call) -> str:
    identity = request_id(call)
    if resource.kind == "sdk":
        told = f"Service: {error_prefix(resource)}, Status Code: {refusal.status}, Request ID: {identity}"
        return f"{refusal.message} ({told}) (SDK Attempt Count: 1)"
    if resource.kind not in {"integration", "lambda"} or refusal.name == "SdkClientException":
        return refusal.message
    service = _SERVICE_NAMES.get(resource.service, f"AWS{error_prefix(resource)}")
    told = f"Service: {service}; Status Code: {refusal.status}; Error Code: {refusal.name}"
    return f"{refusal.message} ({told}; Request ID: {identity}; Proxy: null)"


def _denied(resource: Resource, call: Call) -> str:
    """IAM's words, as people report them for functions; the session's name is made up."""
    role = str(
        call.context.get("Execution", {}).get("RoleArn", "arn:aws:iam::123456789012:role/StepFunctions")
    )
    account, name = role.split(":")[4:5], role.rpartition("/")[2]
    action = iam_action(resource)
    user = f"arn:aws:sts::{''.join(account)}:assumed-role/{name}/{request_id(call).replace('-', '')[:20]}"
    on = f" on resource: {function_arn(call)}" if resource.service == "lambda" else ""
    return (
        f"User: {user} is not authorized to perform: {action}{on} "
        f"because no identity-based policy allows the {action} action"
    )


def iam_action(resource: Resource) -> str:
    """The permission that a Task needs.

    >>> iam_action(parse_resource("arn:aws:states:::aws-sdk:sfn:startExecution"))
    'states:StartExecution'
    """
    action = _IAM_ACTIONS.get((resource.service, resource.action)) or (
        resource.action[:1].upper() + resource.action[1:]
    )
    return f"{_IAM_PREFIXES.get(resource.service, resource.service)}:{action}"
