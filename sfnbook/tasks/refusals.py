"""What a service says when it is down, throttles or denies: the error name and cause that a Task sees.

Lambda's words are as people report them; those of other services follow their API models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.errors import PERMISSIONS, TASK_FAILED
from sfnbook.tasks.functions import function_arn, request_id
from sfnbook.tasks.resources import Resource, parse_resource
from sfnbook.tasks.services.failures import Fault, cause_of, own_exception, prefix_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.tasks.protocol import Call


class Said(NamedTuple):
    """What a service says: its exception (None: the service's own one), and what the cause quotes."""

    name: str | None
    status: int
    message: str
    code: str = ""  # where it is not the name


DOWN: Final = "down"
THROTTLED: Final = "throttled"
DENIED: Final = "denied"

UNREACHABLE: Final = "SdkClientException"

# By reason and service; "" is for all other services.
SAID: Final[Mapping[tuple[str, str], Said]] = {
    (DOWN, ""): Said(UNREACHABLE, 503, "Unable to execute HTTP request: Connect timed out"),
    (DOWN, "lambda"): Said("ServiceException", 500, "The Lambda service encountered an internal error."),
    (THROTTLED, ""): Said(None, 400, "Rate exceeded", "ThrottlingException"),
    (THROTTLED, "athena"): Said("TooManyRequestsException", 400, "Rate exceeded"),
    (THROTTLED, "bedrock"): Said("ThrottlingException", 429, "Too many requests"),
    (THROTTLED, "dynamodb"): Said(
        "ProvisionedThroughputExceededException",
        400,
        "The level of configured provisioned throughput for the table was exceeded. "
        "Consider increasing your provisioning level with the UpdateTable API.",
    ),
    (THROTTLED, "glue"): Said("ThrottlingException", 400, "Rate exceeded"),
    (THROTTLED, "lambda"): Said("TooManyRequestsException", 429, "Rate Exceeded."),
    (THROTTLED, "s3"): Said(None, 503, "Please reduce your request rate.", "SlowDown"),
    (THROTTLED, "sns"): Said("ThrottledException", 429, "Rate exceeded", "Throttled"),
    (DENIED, ""): Said("AccessDeniedException", 403, ""),
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
    said = SAID.get((reason, resource.service)) or SAID[reason, ""]
    if reason == DENIED:
        said = said._replace(message=_denied(resource, call))
    return _error(reason, resource, said), _cause(resource, said, call)


def _error(reason: str, resource: Resource, said: Said) -> str:
    if reason == DENIED:
        # The name of the specification.  People report the service's own for functions
        # (Lambda.AWSLambdaException, with this cause), so both belong into a Retry or Catch.
        return PERMISSIONS
    if resource.kind == "http":
        return f"States.Http.StatusCode.{429 if reason == THROTTLED else said.status}"
    if resource.kind not in CALLED:
        return TASK_FAILED
    service = prefix_of(resource)
    return f"{service}.{said.name or own_exception(resource, service)}"


def _cause(resource: Resource, said: Said, call: Call) -> str:
    if resource.kind not in CALLED or said.name == UNREACHABLE:
        return said.message
    fault = Fault(said.code or said.name or "", said.message, said.status, request_id(call))
    return cause_of(resource, prefix_of(resource), fault)


CALLED: Final = frozenset({"integration", "lambda", "sdk"})
"""The kinds of resources that are an AWS API."""


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
