"""Lambda functions: Python ones where the backend has them, else whatever a client reaches.

A call of a function that raises fails the Task in the function's words, whoever runs it.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook.tasks.functions import (
    VERSION,
    call_function,
    function_arn,
    request_id,
    response,
    takes_context,
)
from sfnbook.tasks.protocol import Outcome
from sfnbook.tasks.resources import function_name, parse_resource
from sfnbook.tasks.services.calling import Answered, Clients, decorated, request
from sfnbook.tasks.services.failures import Fault, Refusal, refusal, unstartable
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.tasks.protocol import Call
    from sfnbook.tasks.resources import Resource

Functions: TypeAlias = "Mapping[str, Callable[..., Any]]"
"""Python functions by the name or the ARN of the Lambda function that they stand for."""

INVOKE: Final = "arn:aws:states:::lambda:invoke"


def called(functions: Functions, clients: Clients, resource: Resource, call: Call) -> Outcome:
    """Call the function that a Task names."""
    if resource.kind == "integration":
        _check_payload(call)
    function = _found(functions, call)
    if function is not None:
        return _by_python(function, resource, call)
    if resource.kind == "lambda":
        answered = _invoked(
            clients, parse_resource(INVOKE), {"FunctionName": call.resource, "Payload": call.input}, call
        )
        return _ended(answered, answered.result["Payload"])
    answered = _invoked(clients, resource, call.input, call)
    result = decorated(answered, resource, call)
    if resource.pattern == "token":
        return Outcome(submitted=result, waits=True)
    # AWS: the aws-sdk integration leaves a FunctionError to the definition.
    return Outcome(result) if resource.kind == "sdk" else _ended(answered, result)


def _by_python(function: Callable[..., Any], resource: Resource, call: Call) -> Outcome:
    """The function's end; with ``.waitForTaskToken`` only its failure is one: who has the token answers."""
    outcome = call_function(function, takes_context(function), call)
    if resource.pattern != "token" or outcome.failed or outcome.never:
        return outcome
    submitted = response(resource._replace(pattern="request"), call, outcome.result)
    return Outcome(submitted=submitted, waits=True)


def _found(functions: Functions, call: Call) -> Callable[..., Any] | None:
    name = function_name(call.resource, call.input) or ""
    arn = function_arn(call)
    known = (key for key in (arn, _unqualified(arn), name) if key in functions)
    return functions.get(next(known, ""))


def _unqualified(arn: str) -> str:
    return ":".join(arn.split(":")[:7])


def _check_payload(call: Call) -> None:
    payload = call.input.get("Payload") if isinstance(call.input, dict) else None
    if isinstance(payload, bool | int | float):
        raise unstartable(call.input, ["The value for the field 'Payload' must be a STRING"])


def _invoked(clients: Clients, resource: Resource, parameters: Json, call: Call) -> Answered:
    """Invoke through a client; for the optimized integration the Payload is JSON on both ways."""
    optimized = resource.kind == "integration"
    if optimized and isinstance(parameters, dict) and "Payload" in parameters:
        parameters = parameters | {"Payload": text(parameters["Payload"])}
    try:
        answered = request(clients("lambda"), resource, "Invoke", parameters, call)
    except Refusal as problem:
        if problem.error.endswith(".ResourceNotFoundException"):
            model = clients("lambda").meta.service_model
            raise refusal(resource, _not_found(parameters["FunctionName"], call), model) from None
        raise
    if not optimized:
        return answered
    payload = answered.result.get("Payload", "")
    return answered._replace(result=answered.result | {"Payload": _parsed(payload)})


def _not_found(name: str, call: Call) -> Fault:
    arn = function_arn(call._replace(resource=INVOKE, input={"FunctionName": name}))
    qualified = arn if arn != _unqualified(arn) else f"{arn}:{VERSION}"
    return Fault("ResourceNotFoundException", f"Function not found: {qualified}", 404, request_id(call))


def _ended(answered: Answered, result: Json) -> Outcome:
    """A function that raised fails the Task with its own error."""
    if "FunctionError" not in answered.result:
        return Outcome(result)
    payload = answered.result["Payload"]
    error = payload.get("errorType") if isinstance(payload, dict) else None
    return Outcome(None, error or "Lambda.Unknown", text(payload), failed=True)


def _parsed(payload: str) -> Json:
    try:
        return json.loads(payload) if payload else ""
    except ValueError:
        return payload
