"""The service models of botocore, found by what a Resource says.

AWS's own description of every API: operations, shapes, modelled errors.  botocore names a service
as the command line does (``stepfunctions``), Step Functions as the Java SDK 2 does (``sfn``) or in
its own way (``states``); the tables here hold what no rule gives.  Without botocore, or for what it
does not know, the answer is None, and nothing here opens a connection.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.tasks.resources import Resource

Model: TypeAlias = Any
"""A service model: the JSON of AWS's ``service-2`` form."""


class Operation(NamedTuple):
    """An operation of an API: ``service`` is botocore's name, ``name`` is in PascalCase."""

    service: str
    name: str
    model: Model

    @property
    def errors(self) -> list[str]:
        """The names of the exceptions that are modelled for it."""
        return [error["shape"] for error in self.model["operations"][self.name].get("errors", ())]


SDK_SERVICES: Final[Mapping[str, str]] = {
    "applicationdiscovery": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "costandusagereport": "cur",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "directory": "ds",
    "directoryservicedata": "ds-data",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearch": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntimev2": "lexv2-runtime",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "pinpointsmsvoice": "sms-voice",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
}
"""Services of aws-sdk whose name is not botocore's without its hyphens."""

INTEGRATIONS: Final[Mapping[str, str]] = {"elasticmapreduce": "emr", "states": "stepfunctions"}
"""Optimized integrations whose name is not botocore's."""

ACTIONS: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("bedrock", "invokeModel"): ("bedrock-runtime", "InvokeModel"),
    ("elasticmapreduce", "addStep"): ("emr", "AddJobFlowSteps"),
    ("elasticmapreduce", "cancelStep"): ("emr", "CancelSteps"),
    ("elasticmapreduce", "createCluster"): ("emr", "RunJobFlow"),
    ("elasticmapreduce", "modifyInstanceFleetByName"): ("emr", "ModifyInstanceFleet"),
    ("elasticmapreduce", "modifyInstanceGroupByName"): ("emr", "ModifyInstanceGroups"),
    ("elasticmapreduce", "setClusterTerminationProtection"): ("emr", "SetTerminationProtection"),
    ("elasticmapreduce", "terminateCluster"): ("emr", "TerminateJobFlows"),
}
"""Optimized actions that Step Functions names in its own words."""


def operation(resource: Resource) -> Operation | None:
    """The operation that a Task's Resource calls, with its service's model.

    >>> from sfnbook.tasks.resources import parse_resource
    >>> found = operation(parse_resource("arn:aws:states:::states:startExecution.sync"))
    >>> found and found[:2]
    ('stepfunctions', 'StartExecution')
    """
    if resource.kind == "sdk":
        service = services().get(resource.service)
        return None if service is None else named(service, pascal(resource.action))
    if resource.kind != "integration":
        return None
    own = INTEGRATIONS.get(resource.service, resource.service)
    return named(*ACTIONS.get((resource.service, resource.action), (own, pascal(resource.action))))


def named(service: str, name: str) -> Operation | None:
    """An operation by botocore's name of its service and its own."""
    model = load(service)
    return Operation(service, name, model) if model is not None and name in model["operations"] else None


@cache
def services() -> Mapping[str, str]:
    """Botocore's name of each service that aws-sdk calls, by aws-sdk's name; empty without botocore."""
    known = loader()
    if known is None:
        return {}
    renamed = {theirs: ours for ours, theirs in SDK_SERVICES.items()}
    return {
        renamed.get(name, name.replace("-", "")): name for name in known.list_available_services("service-2")
    }


@cache
def load(service: str) -> Model | None:
    """The model of a service by botocore's name; None without botocore or such a service."""
    known = loader()
    if known is None or service not in known.list_available_services("service-2"):
        return None
    return known.load_service_model(service, "service-2")


@cache
def loader() -> Any:
    """What reads botocore's models, and no others: people can add some in their home; None without it."""
    try:
        own = import_module("botocore.loaders").Loader
    except ImportError:
        return None
    return own(extra_search_paths=[own.BUILTIN_DATA_PATH], include_default_search_paths=False)


def forget() -> None:
    """Look for botocore again: for tests that take it away."""
    for one in (loader, load, services):
        one.cache_clear()


def pascal(name: str) -> str:
    """A name as Step Functions writes fields and AWS operations.

    >>> pascal("putItem")
    'PutItem'
    """
    return name[:1].upper() + name[1:]


def action(name: str) -> str:
    """An operation as a Resource writes it.

    >>> action("PutItem")
    'putItem'
    """
    return name[:1].lower() + name[1:]
