"""Which resources a Task can have.

Actions are listed where the list is known; a service with None takes any action, because a
wrong refusal is worse than a late one.  Source: the Developer Guide's table of optimized
integrations.  What ``aws-sdk`` can call is in botocore's models, and unchecked without them.
AWS only says that it does not know a resource; the nearest names are ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.errors import nearest
from sfnbook.tasks import models
from sfnbook.validation.checks import string
from sfnbook.validation.problems import Problem, Problems, Scope

if TYPE_CHECKING:
    from sfnbook.values import Json


class Service(NamedTuple):
    """An optimized integration: its actions, and the patterns it has besides request-response."""

    actions: frozenset[str] | None
    sync: bool = False
    token: bool = False


def _service(actions: str | None, *patterns: str) -> Service:
    return Service(frozenset(actions.split()) if actions else None, "sync" in patterns, "token" in patterns)


SERVICES: Final[dict[str, Service]] = {
    "apigateway": _service("invoke", "token"),
    "athena": _service("startQueryExecution stopQueryExecution getQueryExecution getQueryResults", "sync"),
    "batch": _service("submitJob", "sync"),
    "bedrock": _service(None, "sync", "token"),
    "bedrock-agentcore": _service(None),
    "codebuild": _service(None, "sync"),
    "databrew": _service("startJobRun", "sync"),
    "dynamodb": _service("getItem putItem updateItem deleteItem"),
    "ecs": _service("runTask", "sync", "token"),
    "eks": _service(None, "sync", "token"),
    "elasticmapreduce": _service(None, "sync"),
    "emr-containers": _service(None, "sync"),
    "emr-serverless": _service(None, "sync"),
    "events": _service("putEvents", "token"),
    "glue": _service("startJobRun", "sync"),
    "http": _service("invoke"),
    "lambda": _service("invoke", "token"),
    "mediaconvert": _service("createJob", "sync"),
    "sagemaker": _service(None, "sync"),
    "sns": _service("publish", "token"),
    "sqs": _service("sendMessage", "token"),
    "states": _service("startExecution", "sync", "token"),
}

_ARN: Final = re.compile(r"arn:[^:]+:([^:]+):([^:]*):([^:]*):(.+)", re.DOTALL)
_INTEGRATION: Final = re.compile(r"(aws-sdk:)?([\w-]+):(\w+)(\.sync(?::2)?|\.waitForTaskToken)?", re.ASCII)
_EXPRESS_LACKS: Final = {
    ".sync": "'.sync' service integration",
    ".sync:2": "'.sync' service integration",
    # AWS's own trailing blank.
    ".waitForTaskToken": "'.waitForTaskToken' service integration ",
}


def is_activity(resource: Json) -> bool:
    return isinstance(resource, str) and ":states:" in resource and ":activity:" in resource


def resource(value: Json, pointer: str, scope: Scope) -> Problems:
    """Is it something that a Task can call?

    >>> [problem.message[:46] for problem in resource("arn:aws:states:::dynamodb:query", "/R", Scope())]
    ['The resource provided arn:aws:states:::dynamod']
    """
    if not isinstance(value, str):
        yield from string(value, pointer, scope)
        return
    arn = _ARN.fullmatch(value)
    if not arn:
        yield Problem("Value is not a valid resource ARN", pointer)
    elif is_activity(value):
        if scope.express:
            yield Problem("Express state machine does not support Activity ARN", pointer)
    elif arn[1] == "states":
        yield from _integration(value, arn[4], pointer, scope)


def _integration(value: str, call: str, pointer: str, scope: Scope) -> Problems:
    match = _INTEGRATION.fullmatch(call)
    pattern = match[4] if match else None
    if not match or not _exists(*match.groups()):
        yield Problem(
            f"The resource provided {value} is not recognized. The value is not a valid resource ARN, "
            "or the resource is not available in this region.",
            pointer,
            hint=_advice(call),
        )
    elif scope.express and pattern:
        yield Problem(f"Express state machine does not support {_EXPRESS_LACKS[pattern]}", pointer)


def _exists(sdk: str | None, name: str, action: str, pattern: str | None) -> bool:
    if sdk:
        return pattern in (None, ".waitForTaskToken") and _is_modelled(name, action)
    service = SERVICES.get(name)
    if service is None or (service.actions is not None and action not in service.actions):
        return False
    if pattern == ".sync:2":
        return name == "states"
    return pattern is None or (service.sync if pattern == ".sync" else service.token)


def _is_modelled(service: str, action: str) -> bool:
    known = models.services()
    return not known or (service in known and action in _actions(known[service]))


def _actions(service: str) -> list[str]:
    model = models.load(service)
    return [] if model is None else [models.action(name) for name in model["operations"]]


# --- the nearest names ------------------------------------------------------------------------------
def _advice(call: str) -> str:
    """What might be meant instead of what follows ``arn:aws:states:::``.

    >>> _advice("dynamodb:putitem"), _advice("sqs:sendMessage.sync")
    ('Did you mean dynamodb:putItem?', 'sqs has no .sync. Did you mean sqs:sendMessage?')
    """
    sdk, name, action, pattern = _parts(call)
    named = _service_meant(name, sdk)
    if named is None:
        return ""
    if sdk:
        meant = nearest(action, _actions(models.services()[named]))
        return f"Did you mean aws-sdk:{named}:{meant}?" if meant else f"aws-sdk:{named} has no {action!r}."
    service = SERVICES[named]
    meant = action if service.actions is None else nearest(action, sorted(service.actions))
    if meant is None:
        return _only_sdk(named, action, service)
    if (named, meant) == (name, action):
        return f"{name} has no {pattern}. Did you mean {name}:{action}?"
    return (
        f"Did you mean {named}:{meant}{pattern if _exists(None, named, meant, pattern) and pattern else ''}?"
    )


def _parts(call: str) -> tuple[bool, str, str, str | None]:
    match = _INTEGRATION.fullmatch(call)
    if match:
        return bool(match[1]), match[2], match[3], match[4]
    sdk, rest = call.startswith("aws-sdk:"), call.removeprefix("aws-sdk:")
    name, _, action = rest.partition(":")
    action, dot, pattern = action.partition(".")
    return sdk, name, action, dot + pattern


def _service_meant(name: str, sdk: bool) -> str | None:
    """The service, also by the name that botocore and the command line give it."""
    by_botocore = {
        ours: theirs for theirs, ours in (models.services() if sdk else models.INTEGRATIONS).items()
    }
    return by_botocore.get(name) or nearest(name, models.services() if sdk else SERVICES)


def _only_sdk(name: str, action: str, service: Service) -> str:
    """An action that no optimized integration has; aws-sdk may have it."""
    sdk = {ours: theirs for theirs, ours in models.services().items()}.get(
        models.INTEGRATIONS.get(name, name)
    )
    if sdk is not None and action in _actions(models.services()[sdk]):
        return f"Did you mean aws-sdk:{sdk}:{action}?"
    return f"The actions of {name} are: {', '.join(sorted(service.actions or ()))}."
