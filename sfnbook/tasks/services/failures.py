"""How AWS names what went wrong with a call, and the cause it writes.

Optimized integrations speak as the Java SDK 1 did, aws-sdk integrations as the Java SDK 2 does: a
modelled error has an exception class of its own, any other error is the service's exception.  The
texts are as recorded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.tasks import models
from sfnbook.tasks.resources import error_prefix
from sfnbook.values import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sfnbook.tasks.resources import Resource


class Refusal(Exception):  # noqa: N818 - a call that did not succeed; becomes a value at once
    """A call that failed, with its error name and cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause


class Fault(NamedTuple):
    """What a service said: its error code and message, the HTTP status and the request's id.

    ``modelled`` is the code by which the model knows the error, where that is another one.
    """

    code: str
    message: str
    status: int = 400
    request_id: str = ""
    extended_id: str | None = None
    modelled: str | None = None


V1_SERVICES: Final[Mapping[str, str]] = {
    "apigateway": "AmazonApiGateway",
    "athena": "AmazonAthena",
    "batch": "AWSBatch",
    "bedrock": "AmazonBedrock",
    "codebuild": "AWSCodeBuild",
    "databrew": "AWSGlueDataBrew",
    "dynamodb": "AmazonDynamoDBv2",
    "ecs": "AmazonECS",
    "eks": "AmazonEKS",
    "elasticmapreduce": "AmazonElasticMapReduce",
    "emr-containers": "AmazonEMRContainers",
    "emr-serverless": "AWSEMRServerless",
    "events": "AmazonEventBridge",
    "glue": "AWSGlue",
    "lambda": "AWSLambda",
    "mediaconvert": "AWSMediaConvert",
    "sagemaker": "AmazonSageMaker",
    "sns": "AmazonSNS",
    "sqs": "AmazonSQS",
    "states": "AWSStepFunctions",
}
"""What the Java SDK 1 calls the services in its messages."""


def refusal(resource: Resource, fault: Fault, model: Any = None) -> Refusal:
    """The error and cause of what a service said; ``model`` is botocore's model of the service.

    >>> from sfnbook.tasks.resources import parse_resource
    >>> fault = Fault("ValidationException", "no", 400, "r-1")
    >>> refusal(parse_resource("arn:aws:states:::dynamodb:putItem"), fault).error
    'DynamoDB.AmazonDynamoDBException'
    >>> refusal(parse_resource("arn:aws:states:::aws-sdk:dynamodb:putItem"), fault).cause
    'no (Service: DynamoDb, Status Code: 400, Request ID: r-1) (SDK Attempt Count: 1)'
    """
    sdk = resource.kind == "sdk"
    code = fault.code.rpartition("#")[2]
    shape = None if model is None else model.shape_for_error_code(fault.modelled or code)
    service = class_name(model.service_id) if sdk and model is not None else error_prefix(resource)
    name = own_exception(resource, service) if shape is None else exception_class(shape.name, sdk=sdk)
    return Refusal(f"{service}.{name}", cause_of(resource, service, fault._replace(code=code)))


def prefix_of(resource: Resource) -> str:
    """What stands before the dot in the names of a service's errors; aws-sdk's is in botocore's model.

    >>> from sfnbook.tasks.resources import parse_resource
    >>> prefix_of(parse_resource("arn:aws:states:::aws-sdk:dynamodb:getItem"))
    'DynamoDb'
    """
    operation = models.operation(resource) if resource.kind == "sdk" else None
    if operation is None:
        return error_prefix(resource)
    return class_name(operation.model["metadata"]["serviceId"])


def own_exception(resource: Resource, service: str) -> str:
    """The exception class of a service itself, for errors that have none of their own."""
    name = service if resource.kind == "sdk" else _v1_service(resource).removesuffix("v2")
    return f"{name}Exception"


def cause_of(resource: Resource, service: str, fault: Fault) -> str:
    """The cause of what a service said; ``service`` is what stands before the dot in its error's name."""
    if resource.kind == "sdk":
        return _v2_cause(service, fault)
    return _v1_cause(_v1_service(resource), fault)


def lost(resource: Resource, problem: Exception) -> Refusal:
    """The service could not be reached or the request not be made."""
    return Refusal(f"{prefix_of(resource)}.SdkClientException", str(problem))


def unstartable(parameters: Any, problems: Sequence[str]) -> Refusal:
    """AWS's words for parameters that fit no request; nothing catches it."""
    cause = (
        f"The Parameters '{text(parameters)}' could not be used to start the Task: [{', '.join(problems)}]"
    )
    return Refusal("States.Runtime", cause)


def absent(resource: Resource, members: Sequence[str]) -> Fault:
    """What a service says when required members did not come."""
    if resource.service == "sqs":
        return Fault("MissingParameter", f"The request must contain the parameter {members[0]}.")
    said = "; ".join(
        f"Value null at '{name[:1].lower()}{name[1:]}' failed to satisfy constraint: Member must not be null"
        for name in members
    )
    count = f"{len(members)} validation error{'s' if len(members) > 1 else ''} detected: "
    return Fault("ValidationException", count + said)


def exception_class(shape: str, *, sdk: bool) -> str:
    """The Java class of a modelled error.

    >>> exception_class("NoSuchKey", sdk=True), exception_class("DBClusterNotFoundFault", sdk=True)
    ('NoSuchKeyException', 'DbClusterNotFoundException')
    """
    name = shape.removesuffix("Fault").removesuffix("Exception")
    return (_pascal(name) if sdk else name[:1].upper() + name[1:]) + "Exception"


# Where a word begins: at a space or hyphen, inside camelCase, after an acronym or digit, at a version.
_BOUNDARIES: Final = re.compile(
    r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z][A-Za-z0-9])|(?<=[A-Z])(?=[A-Z](?!v\d)[a-z])"
    r"|(?<=[A-Z]{2})(?=v\d)|(?<=\d)(?=[A-Za-z])"
)


def class_name(service_id: str) -> str:
    """The Java SDK 2's name of a service, from its service id.

    >>> class_name("DynamoDB"), class_name("SFN"), class_name("Cognito Identity Provider")
    ('DynamoDb', 'Sfn', 'CognitoIdentityProvider')
    """
    name = _pascal(service_id)
    return name.removeprefix("Amazon").removeprefix("Aws").removesuffix("Service")


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in _BOUNDARIES.split(name))


def _v1_service(resource: Resource) -> str:
    return V1_SERVICES.get(resource.service, f"Amazon{error_prefix(resource)}")


def _v1_cause(service: str, fault: Fault) -> str:
    return (
        f"{fault.message} (Service: {service}; Status Code: {fault.status}; Error Code: {fault.code}; "
        f"Request ID: {fault.request_id}; Proxy: null)"
    )


def _v2_cause(service: str, fault: Fault) -> str:
    extended = f", Extended Request ID: {fault.extended_id or fault.request_id}"
    more = extended if service == "S3" else ""
    return (
        f"{fault.message} (Service: {service}, Status Code: {fault.status}, "
        f"Request ID: {fault.request_id}{more}) (SDK Attempt Count: 1)"
    )
