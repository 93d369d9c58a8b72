"""`aws`: Tasks are answered by AWS's services, emulated in this process or behind a client factory."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sfnbook.errors import UsageError
from sfnbook.tasks.protocol import Outcome
from sfnbook.tasks.resources import invokes_lambda, parse_resource
from sfnbook.tasks.services import calling, jobs, lambdas, web
from sfnbook.tasks.services.embedded import Account
from sfnbook.tasks.services.failures import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.tasks.protocol import Call
    from sfnbook.tasks.resources import Resource
    from sfnbook.values import Json

POLL_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 5.0


class AWS:
    """A backend for Tasks, made by `aws`: it makes the API calls that Step Functions would make."""

    def __init__(
        self,
        client_factory: Callable[[str], Any] | None,
        functions: Mapping[str, Callable[..., Any]],
        http: web.Http | None,
        poll_seconds: float,
        pause_seconds: float,
    ) -> None:
        self.client_factory, self.functions, self.http = client_factory, dict(functions), http
        self.poll_seconds, self.pause_seconds = poll_seconds, pause_seconds
        self._clients: dict[str, Any] = {}
        self._account: Account | None = None

    def client(self, service: str) -> Any:
        """The boto3 client of a service (``"dynamodb"``, ``"stepfunctions"``): to prepare and to look.

        Without a client factory it reaches the account that lives in this process.  Raises UsageError
        when boto3 or moto is not installed.
        """
        if service not in self._clients:
            self._clients[service] = (self.client_factory or self._emulated().client)(service)
        return self._clients[service]

    def _emulated(self) -> Account:
        if self._account is None:
            self._account = Account()
        return self._account

    def call(self, call: Call) -> Outcome:
        """Answer one Task."""
        resource = parse_resource(call.resource)
        if self._account is not None:
            self._account.seed(call.bits)
        try:
            return self._answered(resource, call)
        except Refusal as refusal:
            return Outcome(None, refusal.error, refusal.cause, failed=True, refused=True)

    def _answered(self, resource: Resource, call: Call) -> Outcome:
        if resource.kind == "lambda" or invokes_lambda(resource):
            return lambdas.called(self.functions, self.client, resource, call)
        if resource.kind == "activity":
            raise UsageError(f"{call.state!r} is an activity: workers answer for it, not an AWS service.")
        if resource.service in web.SERVICES and resource.kind != "sdk":
            result: dict[str, Json] = web.invoked(self.http, resource, call)
            return Outcome(submitted=result, waits=True) if resource.pattern == "token" else Outcome(result)
        return self._requested(resource, call)

    def _requested(self, resource: Resource, call: Call) -> Outcome:
        waits = resource.pattern in {"sync", "sync:2"}
        if waits:
            jobs.job_of(resource)
        answered = calling.send(self.client, resource, call)
        calling.check_accepted(answered, resource)
        result = calling.decorated(answered, resource, call)
        if waits:
            return self._waited(resource, call, answered.result)._replace(submitted=result)
        if resource.pattern == "token":
            return Outcome(submitted=result, waits=True)
        return Outcome(result)

    def _waited(self, resource: Resource, call: Call, started: dict[str, Json]) -> Outcome:
        def ask(operation: str, parameters: dict[str, Json]) -> Json:
            return calling.asked(self.client, resource, operation, parameters, call)

        pace = jobs.Pace(self.poll_seconds, self._pause if self.client_factory else None, call.remaining)
        parameters = call.input if isinstance(call.input, dict) else {}
        return jobs.finished(resource, started, parameters, ask, pace)

    def _pause(self) -> None:
        time.sleep(self.pause_seconds)

    def __getstate__(self) -> dict[str, Any]:
        # Clients hold sockets and locks, moto's tables hold anything: both are made anew.
        return {**self.__dict__, "_clients": {}, "_account": None}

    def __repr__(self) -> str:
        given = {"client_factory": self.client_factory, "functions": self.functions, "http": self.http}
        shown = (
            f"{name}={value if isinstance(value, dict) else getattr(value, '__name__', value)!r}"
            for name, value in given.items()
            if value
        )
        return f"aws({', '.join(shown)})"


def aws(
    client_factory: Callable[[str], Any] | None = None,
    *,
    functions: Mapping[str, Callable[..., Any]] | None = None,
    http: web.Http | None = None,
    poll_seconds: float = POLL_SECONDS,
    pause_seconds: float = PAUSE_SECONDS,
) -> AWS:
    """Answer Tasks with AWS's services: optimized integrations and every ``aws-sdk:*`` action.

    Without ``client_factory`` an account of its own is emulated in this process by moto: us-east-1,
    123456789012, empty at first, with no credentials, no network and no container.  ``client(service)``
    reaches it.  Its state is not part of an execution: stepping back or forking rewinds nothing there,
    and a pickled backend comes back with an empty account.

    ``client_factory(service)`` gives boto3 clients of your own (LocalStack, or AWS itself): only then is
    anything reached outside this process.

    ``functions`` are Python functions by the name or ARN of the Lambda function that they stand for,
    called as any task function is.  ``http(method, url, headers, body) -> (status, headers, body)`` makes the
    requests of ``http:invoke`` and ``apigateway:invoke``.

    A job (``.sync``) is described again every ``poll_seconds`` virtual seconds; with a client factory
    ``pause_seconds`` of real time pass before each poll.  All its polls are made when the Task starts.

    >>> import sfnbook
    >>> put = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "End": True,
    ...        "Parameters": {"Bucket": "orders", "Key": "7", "Body": "paid"}}
    >>> account = aws()
    >>> bucket = account.client("s3").create_bucket(Bucket="orders")
    >>> execution = sfnbook.load({"StartAt": "Put", "States": {"Put": put}}).start(tasks=account)
    >>> execution.result()["ETag"]
    '"76e084771e78c194efd0e2d5b8920bea"'
    >>> account.client("s3").get_object(Bucket="orders", Key="7")["Body"].read()
    b'paid'

    https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
    """
    _check(client_factory, functions or {}, http, poll_seconds=poll_seconds, pause_seconds=pause_seconds)
    return AWS(client_factory, functions or {}, http, poll_seconds, pause_seconds)


def _check(client_factory: Any, functions: Any, http: Any, **seconds: Any) -> None:
    if client_factory is not None and not callable(client_factory):
        raise UsageError(
            "client_factory is called with the name of a service and gives its client, for example "
            f"boto3.Session(...).client; it is a {type(client_factory).__name__}."
        )
    if http is not None and not callable(http):
        raise UsageError(f"http is a function(method, url, headers, body), not a {type(http).__name__}.")
    if not isinstance(functions, Mapping):
        raise UsageError(f"functions maps names to functions; it is a {type(functions).__name__}.")
    for name, function in functions.items():
        if not callable(function):
            raise UsageError(f"functions[{name!r}] is a Python function, not a {type(function).__name__}.")
    for name, given in seconds.items():
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < math.inf:
            raise UsageError(f"{name} is a positive number of seconds, not {given!r}.")
