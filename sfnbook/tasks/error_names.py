"""The errors worth offering for a state: those that its definition, its service and AWS have names for.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sfnbook.definition import ABSENT, JSONPATH, Map, Retryable, State, Task
from sfnbook.errors import (
    ALL,
    DATA_LIMIT_EXCEEDED,
    EXCEED_TOLERATED_FAILURE_THRESHOLD,
    HEARTBEAT_TIMEOUT,
    ITEM_READER_FAILED,
    PERMISSIONS,
    QUERY_EVALUATION_ERROR,
    RESULT_PATH_MATCH_FAILURE,
    RESULT_WRITER_FAILED,
    TASK_FAILED,
    TIMEOUT,
)
from sfnbook.tasks import models
from sfnbook.tasks.resources import Resource, parse_resource
from sfnbook.tasks.services.failures import exception_class, own_exception, prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def error_names(state: State) -> tuple[str, ...]:
    """The error names that can happen in a Task, Map or Parallel.

    First those of its own Retry and Catch, then its service's as AWS spells them (from botocore's
    models, where it is installed), then ``States.*``.  Other states have none.

    >>> from sfnbook.parse import definition
    >>> catch = [{"ErrorEquals": ["SoldOut"], "Next": "B"}]
    >>> task = {"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Catch": catch, "Next": "B"}
    >>> machine = definition({"StartAt": "A", "States": {"A": task, "B": {"Type": "Succeed"}}})
    >>> error_names(machine.states["A"])[:3]
    ('SoldOut', 'States.Http.StatusCode.400', 'States.Http.StatusCode.401')
    """
    if not isinstance(state, Retryable):
        return ()
    found = [*_named(state), *_of_service(state), *_of_states(state)]
    return tuple(dict.fromkeys(name for name in found if name != ALL))


def _named(state: Retryable) -> Iterator[str]:
    for retrier in state.retry:
        yield from retrier.error_equals
    for catcher in state.catch:
        yield from catcher.error_equals


def _of_service(state: State) -> Iterator[str]:
    if not isinstance(state, Task):
        return
    resource = parse_resource(state.resource)
    if resource.kind == "lambda" or resource[1:3] == ("lambda", "invoke"):
        yield from LAMBDA
    elif resource.service in UNMODELLED:
        yield from UNMODELLED[resource.service]
    elif resource.kind in {"integration", "sdk"}:
        yield from _modelled(resource)


def _modelled(resource: Resource) -> Iterator[str]:
    operation, sdk = models.operation(resource), resource.kind == "sdk"
    prefix = prefix_of(resource)
    for shape in operation.errors if operation is not None else ():
        yield f"{prefix}.{exception_class(shape, sdk=sdk)}"
    yield from (f"{prefix}.{own_exception(resource, prefix)}", f"{prefix}.SdkClientException")
    if resource.service == "events":
        yield "EventBridge.FailedEntry"


LAMBDA: Final = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ResourceNotFoundException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
)
_STATUSES: Final = (400, 401, 403, 404, 409, 429, 500, 502, 503, 504)

UNMODELLED: Final[Mapping[str, tuple[str, ...]]] = {
    "apigateway": tuple(f"ApiGateway.{status}" for status in _STATUSES),
    "http": (*(f"States.Http.StatusCode.{status}" for status in _STATUSES), "States.Http.Socket"),
}
"""Optimized integrations whose errors are no API's."""


def _of_states(state: Retryable) -> Iterator[str]:
    if isinstance(state, Map) and state.distributed:
        yield EXCEED_TOLERATED_FAILURE_THRESHOLD
        yield from (ITEM_READER_FAILED,) if state.item_reader else ()
        yield from (RESULT_WRITER_FAILED,) if state.result_writer else ()
    if isinstance(state, Task):
        yield from (TASK_FAILED, TIMEOUT)
        if state.heartbeat_seconds is not ABSENT or state.heartbeat_seconds_path is not ABSENT:
            yield HEARTBEAT_TIMEOUT
        yield PERMISSIONS
    yield DATA_LIMIT_EXCEEDED
    if state.query_language != JSONPATH:
        yield QUERY_EVALUATION_ERROR
    elif isinstance(state.result_path, str):
        yield RESULT_PATH_MATCH_FAILURE
