"""One request to a service: from a Task's parameters to what the service answers.

Which API is called, and the names and types of all fields, come from botocore's models.  `RESHAPED`
holds the few optimized actions whose parameters or results Step Functions changes.
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook.errors import UsageError
from sfnbook.tasks import models
from sfnbook.tasks.functions import request_id
from sfnbook.tasks.resources import parameters_for_api
from sfnbook.tasks.services.casing import Request, missing, response
from sfnbook.tasks.services.failures import Fault, Refusal, absent, lost, refusal, unstartable
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.tasks.protocol import Call
    from sfnbook.tasks.resources import Resource

Clients: TypeAlias = "Callable[[str], Any]"
"""Gives the boto3 client of a service, by botocore's name of it."""


class Answered(NamedTuple):
    """What a service answered: its response in Step Functions' form, and the metadata of the request."""

    result: dict[str, Json]
    metadata: Mapping[str, Any]


def send(clients: Clients, resource: Resource, call: Call) -> Answered:
    """Make the request that a Task's resource stands for; raises `Refusal` when it fails."""
    found = models.operation(resource)
    if models.loader() is None:
        raise UsageError('Calling AWS services needs boto3: pip install "sfnbook[aws]"')
    if found is None:
        unfilled = "Fill its placeholder: load(..., substitutions={...}). " if "${" in call.resource else ""
        raise UsageError(
            f"No AWS API is known behind {call.resource!r}. {unfilled}Give the Task an answer of its own: "
            f"tasks={{{call.state!r}: {{...}}}}."
        )
    outward, inward = RESHAPED.get((resource.service, resource.action), (_as_it_is, _unchanged))
    parameters = call.input
    if resource.kind == "integration" and isinstance(parameters, dict):
        present = {name: value for name, value in parameters.items() if value is not None}
        if (part := BY_NAME.get((resource.service, resource.action))) is not None:
            present = _with_id(part, present, clients, resource, call)
        parameters = outward(parameters_for_api(resource, present), call)
    answered = request(clients(found.service), resource, found.name, parameters, call)
    if resource.kind == "integration":
        return answered._replace(result=inward(answered.result))
    return answered


def request(client: Any, resource: Resource, operation: str, parameters: Json, call: Call) -> Answered:
    """Call one operation of a client; fields and errors are named as the resource's kind wants it."""
    from botocore import xform_name  # noqa: PLC0415 - heavy; whoever made the client has it
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    model = client.meta.service_model.operation_model(operation)
    sdk = resource.kind == "sdk"
    built = Request(sdk=sdk)
    arguments = built.build(model.input_shape, parameters)
    if built.problems:
        raise unstartable(parameters, built.problems)
    if lacking := missing(model, arguments):
        fault = absent(resource, lacking)._replace(request_id=request_id(call))
        raise refusal(resource, fault, client.meta.service_model)
    try:
        answered = getattr(client, xform_name(operation))(**arguments)
        result = response(model.output_shape, answered, sdk=sdk)
    except ClientError as problem:
        raise refusal(resource, _fault(problem.response, call), client.meta.service_model) from None
    except BotoCoreError as problem:
        raise lost(resource, problem) from None
    return Answered(result, answered.get("ResponseMetadata", {}))


def asked(clients: Clients, resource: Resource, operation: str, parameters: Json, call: Call) -> Json:
    """Another operation of the service that a Task has called, to describe its job or to stop it."""
    found = models.operation(resource)
    assert found is not None  # noqa: S101 - it was called before
    return request(clients(found.service), resource, operation, parameters, call).result


def _fault(answered: Mapping[str, Any], call: Call) -> Fault:
    error, metadata = answered.get("Error", {}), answered.get("ResponseMetadata", {})
    return Fault(
        str(error.get("Code", "")),
        str(error.get("Message", "")),
        metadata.get("HTTPStatusCode", 400),
        metadata.get("RequestId") or request_id(call),
        metadata.get("HostId"),
        error.get("QueryErrorCode"),
    )


def decorated(answered: Answered, resource: Resource, call: Call) -> dict[str, Json]:
    """The response with what optimized integrations add to it: the headers and the request's id."""
    if resource.kind == "sdk" or resource.service in UNDECORATED:
        return answered.result
    metadata = answered.metadata
    headers = {name: str(value) for name, value in metadata.get("HTTPHeaders", {}).items()}
    return answered.result | {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": metadata.get("HTTPStatusCode", 200),
        },
        "SdkResponseMetadata": {"RequestId": metadata.get("RequestId") or request_id(call)},
    }


UNDECORATED: Final = frozenset({"events"})
"""Optimized integrations recorded without metadata in their results."""


def check_accepted(answered: Answered, resource: Resource) -> None:
    """A response that says in itself that something was not taken fails the Task."""
    result = answered.result
    if resource.kind != "integration":
        return
    if resource.service == "events" and result.get("FailedEntryCount"):
        raise Refusal("EventBridge.FailedEntry", text(result))
    # AWS: request-response only passes the Failures on.
    if resource.service == "ecs" and resource.pattern != "request" and result.get("Failures"):
        raise Refusal("AmazonECS.Unknown", text(result))


# --- what Step Functions changes ------------------------------------------------------------------
def _as_it_is(parameters: Json, _call: Call) -> Json:
    return parameters


def _unchanged(result: dict[str, Json]) -> dict[str, Json]:
    return result


def _with_resources(parameters: Json, call: Call) -> Json:
    """EventBridge: each event names the execution and the state machine that it came from."""
    entries = parameters.get("Entries")
    if not isinstance(entries, list):
        return parameters
    ids = [call.context.get(name, {}).get("Id") for name in ("Execution", "StateMachine")]
    sources = [arn for arn in ids if arn]

    def sourced(entry: Json) -> Json:
        if not isinstance(entry, dict):
            return entry
        return entry | {"Resources": [*(entry.get("Resources") or ()), *sources]}

    return parameters | {"Entries": [sourced(entry) for entry in entries]}


def _renamed(**names: str) -> Callable[[Json, Call], Json]:
    """Parameters under the API's names; a name that ends in ``[]`` wants a list."""

    def rename(parameters: Json, _call: Call) -> Json:
        renamed = {}
        for name, value in parameters.items():
            target = names.get(name, name)
            renamed[target.removesuffix("[]")] = [value] if target.endswith("[]") else value
        return renamed

    return rename


class Part(NamedTuple):
    """A part of a cluster that a Task calls by its name, where the API wants its id."""

    listing: str
    parts: str
    name: str
    changes: str
    id: str


BY_NAME: Final[Mapping[tuple[str, str], Part]] = {
    ("elasticmapreduce", "modifyInstanceFleetByName"): Part(
        "ListInstanceFleets", "InstanceFleets", "InstanceFleetName", "InstanceFleet", "InstanceFleetId"
    ),
    ("elasticmapreduce", "modifyInstanceGroupByName"): Part(
        "ListInstanceGroups", "InstanceGroups", "InstanceGroupName", "InstanceGroup", "InstanceGroupId"
    ),
}
"""https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html"""


def _with_id(
    part: Part, parameters: dict[str, Json], clients: Clients, resource: Resource, call: Call
) -> dict[str, Json]:
    """The parameters with the id of the part that has the name."""
    cluster, name = parameters.get("ClusterId"), parameters.get(part.name)
    listed = asked(clients, resource, part.listing, {"ClusterId": cluster}, call)[part.parts]
    found = next((one["Id"] for one in listed if one.get("Name") == name), None)
    if found is None:
        # The words are ours: no failure of this kind is known.
        message = f"{part.changes} with name '{name}' does not exist in cluster '{cluster}'."
        fault = Fault("InvalidRequestException", message, 400, request_id(call), None, None)
        raise refusal(resource, fault)
    kept = {key: value for key, value in parameters.items() if key != part.name}
    return kept | {part.changes: {**(parameters.get(part.changes) or {}), part.id: found}}


def _parsed_body(result: dict[str, Json]) -> dict[str, Json]:
    try:
        return result | {"Body": json.loads(result.get("Body", ""))}
    except ValueError:
        return result


RESHAPED: Final[
    Mapping[
        tuple[str, str], tuple[Callable[[Json, Call], Json], Callable[[dict[str, Json]], dict[str, Json]]]
    ]
] = {
    ("bedrock", "invokeModel"): (_as_it_is, _parsed_body),
    ("events", "putEvents"): (_with_resources, _unchanged),
    ("elasticmapreduce", "createCluster"): (
        _as_it_is,
        lambda result: {"ClusterId": result.get("JobFlowId"), "ClusterArn": result.get("ClusterArn")},
    ),
    ("elasticmapreduce", "terminateCluster"): (_renamed(ClusterId="JobFlowIds[]"), _unchanged),
    ("elasticmapreduce", "setClusterTerminationProtection"): (
        _renamed(ClusterId="JobFlowIds[]"),
        _unchanged,
    ),
    ("elasticmapreduce", "modifyInstanceGroupByName"): (
        _renamed(InstanceGroup="InstanceGroups[]"),
        _unchanged,
    ),
    ("elasticmapreduce", "addStep"): (
        _renamed(ClusterId="JobFlowId", Step="Steps[]"),
        lambda result: {"StepId": result["StepIds"][0]},
    ),
    ("elasticmapreduce", "cancelStep"): (
        _renamed(StepId="StepIds[]"),
        lambda result: {"CancelStepsInfo": result["CancelStepsInfoList"][0]},
    ),
}
"""By service and action: how the parameters go out, and how the result comes back."""
