"""The backend that `aws` makes: which kind of Task is it, and who answers for that?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sfnbook.tasks.protocol import Outcome
from sfnbook.tasks.resources import invokes_lambda, parse_resource
from sfnbook.tasks.services import calling, jobs, kubernetes, lambdas, web
from sfnbook.tasks.services.embedded import Account
from sfnbook.tasks.services.failures import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.tasks.protocol import Call
    from sfnbook.tasks.resources import Resource
    from sfnbook.values import Json


class AWS:
    """A backend for Tasks, made by `aws`: it makes the API calls that Step Functions would make."""

    leaves = frozenset({"activity"})
    """The kinds of resource that it leaves to others: for an activity no service answers, its workers do."""

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
        if resource.service in web.SERVICES and resource.kind != "sdk":
            result: dict[str, Json] = web.invoked(self.http, resource, call)
            return Outcome(submitted=result, waits=True) if resource.pattern == "token" else Outcome(result)
        if kubernetes.concerns(resource):
            return self._in_cluster(resource, call)
        return self._requested(resource, call)

    def _requested(self, resource: Resource, call: Call) -> Outcome:
        job = jobs.job_of(resource) if resource.pattern in {"sync", "sync:2"} else None
        answered = calling.send(self.client, resource, call)
        calling.check_accepted(answered, resource)
        result = calling.decorated(answered, resource, call)
        if job is not None:
            return self._waited(job, resource, call, answered.result)._replace(submitted=result)
        if resource.pattern == "token":
            return Outcome(submitted=result, waits=True)
        return Outcome(result)

    def _waited(self, job: jobs.Job, resource: Resource, call: Call, started: dict[str, Json]) -> Outcome:
        def ask(operation: str, parameters: dict[str, Json]) -> Json:
            return calling.asked(self.client, resource, operation, parameters, call)

        parameters = call.input if isinstance(call.input, dict) else {}
        return jobs.finished(job, resource, started, parameters, ask, self._pace(call))

    def _in_cluster(self, resource: Resource, call: Call) -> Outcome:
        if resource.action == "call":
            return Outcome(kubernetes.called(self.http, call))
        job = kubernetes.started(self.http, call)
        if resource.pattern == "request":
            return Outcome(job)

        def ask(_operation: str, _parameters: dict[str, Json]) -> Json:
            return kubernetes.described(self.http, call, job)

        ended = jobs.finished(kubernetes.JOB, resource, {}, {}, ask, self._pace(call))
        return ended._replace(submitted=job)

    def _pace(self, call: Call) -> jobs.Pace:
        return jobs.Pace(self.poll_seconds, self._pause if self.client_factory else None, call.remaining)

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
