"""Calling people's Python functions as Lambda calls a handler.

A function sees an event and, if it asks for it, a context; what it returns becomes the
response of the Task's integration, what it raises a Lambda failure.  For ``lambda:invoke``
event and return value are the Payload.  With ``.waitForTaskToken`` the return value is what
SendTaskSuccess would deliver, the Task's own result; a function that hands the token on to
someone else returns ``waiting()``.
"""

from __future__ import annotations

import decimal
import hashlib
import inspect
import json
import traceback
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sfnbook.errors import SfnbookError
from sfnbook.tasks.protocol import (
    ENDINGS,
    Backend,
    Call,
    Outcome,
    TaskFailure,
    checked_outcome,
    ended,
    failed,
)
from sfnbook.tasks.resources import Resource, function_name, invokes_lambda, parse_resource
from sfnbook.values import Json, copied, misfit, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MARSHAL_ERROR: Final = "Runtime.MarshalError"
VERSION: Final = "$LATEST"

# No Lambda function runs longer than 15 minutes.
_LONGEST_RUN_SECONDS: Final = 900


class LambdaContext:
    """The second argument of a handler: AWS's fields, and where in the execution the Task is.

    >>> context = LambdaContext(Call("Charge", "Charge", "arn:aws:lambda:us-east-1:1:function:pay", {}))
    >>> context.function_name, context.attempt, context.get_remaining_time_in_millis()
    ('pay', 1, 900000)
    """

    function_version = VERSION
    # Text, as the Python runtime has it from its environment.
    memory_limit_in_mb = "128"
    client_context = None
    identity = None

    def __init__(self, call: Call) -> None:
        self.state, self.path, self.resource = call.state, call.path, call.resource
        self.attempt, self.time, self.token = call.attempt, call.time, call.token
        self.function_name = _name(call)
        self.invoked_function_arn = function_arn(call)
        self.aws_request_id = request_id(call)
        self.log_group_name = f"/aws/lambda/{self.function_name}"
        self.log_stream_name = f"{_date(call)}/[{VERSION}]{self.aws_request_id.replace('-', '')}"
        self._remaining = call.remaining

    def get_remaining_time_in_millis(self) -> int:
        """Virtual milliseconds until the Task times out, at most Lambda's 15 minutes."""
        seconds = _LONGEST_RUN_SECONDS if self._remaining is None else self._remaining
        return int(min(max(seconds, 0), _LONGEST_RUN_SECONDS) * 1000)


def takes_context(function: Callable[..., Any]) -> bool:
    """Is the function called with a context too?

    >>> takes_context(lambda event, context=None: 1), takes_context(lambda event, retries=3: 1)
    (True, False)
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [
        parameter
        for parameter in parameters
        if parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    ]
    second = positional[1] if len(positional) > 1 else None
    return second is not None and (second.default is second.empty or second.name == "context")


def call_function(function: Callable[..., Any], with_context: bool, call: Call) -> Outcome:
    """Call a task function and put what comes out of it into the integration's form.

    >>> call = Call("A", "A", "arn:aws:states:::lambda:invoke", {"FunctionName": "f", "Payload": {"n": 1}})
    >>> call_function(lambda event: event["n"] + 1, False, call).result["Payload"]
    2
    """
    resource = parse_resource(call.resource)
    event = copied(_event(resource, call.input))
    arguments = (event, LambdaContext(call)) if with_context else (event,)
    try:
        returned = function(*arguments)
        outcome = ended(returned) if isinstance(returned, ENDINGS) else Outcome(returned)
    except Exception as problem:  # noqa: BLE001 - whatever a handler raises is its Task's failure
        return raised(problem, call)
    if outcome.failed or outcome.never or outcome.waits:
        return outcome
    try:
        value = json.loads(_marshal(outcome.result))
    except (TypeError, ValueError, RecursionError) as problem:
        cause = _lambda_cause(MARSHAL_ERROR, f"Unable to marshal response: {problem}", [], call)
        where = misfit(outcome.result, _marshal)
        place = f"{where} of what was returned" if where else "what was returned"
        return failed(MARSHAL_ERROR, cause)._replace(why=f"{place} is not JSON: {problem}")
    return outcome._replace(result=response(resource, call, value))


def call_backend(backend: Backend, call: Call) -> Outcome:
    """Ask a backend.  Its own exceptions fail the Task, but what sfnbook itself refuses is raised:
    a backend that cannot answer says so with a UsageError."""
    private = call._replace(input=copied(call.input), context=copied(call.context))
    try:
        returned = backend.call(private)
    except SfnbookError:
        raise
    except Exception as problem:  # noqa: BLE001 - as for a function
        return raised(problem, call)
    return checked_outcome(returned, f"The backend {type(backend).__name__}")


def raised(problem: Exception, call: Call) -> Outcome:
    """The failure that an exception in user code makes of its Task.

    >>> raised(KeyError("orderId"), Call("A", "A", "", {})).error
    'KeyError'
    """
    # The first frame is the caller's own, which Lambda's runtime leaves out as well.
    trace = problem.__traceback__ and problem.__traceback__.tb_next
    report = "".join(traceback.format_exception(type(problem), problem, trace))
    if isinstance(problem, TaskFailure):
        return failed(problem.error, problem.cause, traceback=report)
    # Plain tuples, as Lambda's runtime passes on: a FrameSummary would add lines of carets.
    frames = [
        (frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in traceback.extract_tb(trace)
    ]
    name = type(problem).__name__
    cause = _lambda_cause(name, _message(problem), traceback.format_list(frames), call)
    return failed(name, cause, traceback=report)


def request_id(call: Call) -> str:
    """The id of a request: the same call in the same execution has the same one.

    >>> request_id(Call("A", "A", "", {})) == request_id(Call("A", "A", "", {}, attempt=2))
    False
    """
    execution = call.context.get("Execution", {}).get("Id", "")
    lineage = repr((execution, call.path, call.visit, call.attempt, call.count, call.time))
    digest = hashlib.blake2b(lineage.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return str(UUID(bytes=digest, version=4))


def _event(resource: Resource, sent: Json) -> Json:
    if not invokes_lambda(resource):
        return sent
    payload = sent.get("Payload") if isinstance(sent, dict) else None
    if resource.kind == "sdk" and isinstance(payload, str):
        payload = _parsed(payload)
    return {} if payload is None else payload


def _parsed(payload: str) -> Json:
    try:
        return json.loads(payload)
    except ValueError:
        return payload


def response(resource: Resource, call: Call, value: Json) -> Json:
    """What a Task gets when its function returned ``value``: the API's answer where an API was asked."""
    if not invokes_lambda(resource) or resource.pattern == "token":
        return value
    if isinstance(call.input, dict) and call.input.get("InvocationType") == "Event":
        # Lambda has only taken the event in; what the function returns goes nowhere.
        answer: dict[str, Json] = {}
        payload, status = "", 202
    else:
        payload = text(value) if resource.kind == "sdk" else value
        answer, status = {"ExecutedVersion": VERSION}, 200
    answer |= {"Payload": payload, "StatusCode": status}
    return answer if resource.kind == "sdk" else answer | metadata(call, text(payload), status, _OF_LAMBDA)


_OF_LAMBDA: Final = {"X-Amz-Executed-Version": VERSION, "x-amzn-Remapped-Content-Length": "0"}


def metadata(call: Call, body: str, status: int, more: Mapping[str, str]) -> dict[str, Json]:
    """What Step Functions adds to the answer of an optimized integration; ``more`` are further headers."""
    identifier = request_id(call)
    headers = {
        "Connection": "keep-alive",
        "Content-Length": str(len(body.encode("utf-8", "surrogatepass"))),
        "Content-Type": "application/json",
        **more,
        "x-amzn-RequestId": identifier,
    }
    every = {name: [header] for name, header in headers.items()}
    return {
        "SdkHttpMetadata": {"AllHttpHeaders": every, "HttpHeaders": headers, "HttpStatusCode": status},
        "SdkResponseMetadata": {"RequestId": identifier},
    }


def _lambda_cause(error: str, message: str, trace: list[str], call: Call) -> str:
    return text(
        {"errorMessage": message, "errorType": error, "requestId": request_id(call), "stackTrace": trace}
    )


def _message(problem: Exception) -> str:
    try:
        return str(problem)
    except Exception:  # noqa: BLE001 - a broken __str__ must not take the notebook with it
        return ""


def _number(value: object) -> Json:
    if isinstance(value, decimal.Decimal):
        return json.loads(str(value))
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


# Lambda's runtime writes a Decimal as the number it is; a NaN would not be JSON.
_marshal: Final = json.JSONEncoder(allow_nan=False, default=_number).encode


def _name(call: Call) -> str:
    return function_name(call.resource, call.input) or call.state


def function_arn(call: Call) -> str:
    """The ARN of the Lambda function behind a call, in the account of the state machine.

    >>> function_arn(Call("A", "A", "arn:aws:states:::lambda:invoke", {"FunctionName": "pay"}))
    'arn:aws:lambda:us-east-1:123456789012:function:pay'
    """
    if parse_resource(call.resource).kind == "lambda":
        return call.resource
    given = call.input.get("FunctionName", "") if isinstance(call.input, dict) else ""
    if isinstance(given, str) and given.startswith("arn:"):
        return given
    machine = str(call.context.get("StateMachine", {}).get("Id", "")).split(":")
    partition, region, account = (
        (machine[1], machine[3], machine[4]) if len(machine) > 4 else ("aws", "us-east-1", "123456789012")
    )
    return f"arn:{partition}:lambda:{region}:{account}:function:{_name(call)}"


def _date(call: Call) -> str:
    entered = call.context.get("State", {}).get("EnteredTime") or "2025-01-01"
    return str(entered)[:10].replace("-", "/")
