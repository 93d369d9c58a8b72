"""Which resources a Task can have.

Actions are listed where the list is known; a service with None takes any action, because a
wrong refusal is worse than a late one.  Source: the Developer Guide's table of optimized
integrations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

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
        )
    elif scope.express and pattern:
        yield Problem(f"Express state machine does not support {_EXPRESS_LACKS[pattern]}", pointer)


def _exists(sdk: str | None, name: str, action: str, pattern: str | None) -> bool:
    if sdk:
        return pattern in (None, ".waitForTaskToken")
    service = SERVICES.get(name)
    if service is None or (service.actions is not None and action not in service.actions):
        return False
    if pattern == ".sync:2":
        return name == "states"
    return pattern is None or (service.sync if pattern == ".sync" else service.token)
