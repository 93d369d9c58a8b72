"""API Gateway in front of a state machine: a REST API with mapping templates, or an HTTP API.

Both turn a request into the arguments of StartExecution or StartSyncExecution, and the answer into what
the client gets.
https://docs.aws.amazon.com/step-functions/latest/dg/tutorial-api-gateway.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services.html
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote

from sfnbook import chance
from sfnbook.clock import SECOND, instant, iso, start_instant
from sfnbook.errors import Failed, did_you_mean
from sfnbook.frames import StartedBy
from sfnbook.query import paths
from sfnbook.query.environment import Environment
from sfnbook.teststate.mocks import ApiError
from sfnbook.triggers import velocity
from sfnbook.triggers.sdk import Sdk, ended, started
from sfnbook.triggers.starts import ACCOUNT, refuse
from sfnbook.triggers.velocity import Methods
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.execution import Execution
    from sfnbook.machine import StateMachine

ACTIONS: Final = ("StartExecution", "StartSyncExecution")
PASSED_ON: Final = {r"4\d{2}": 400, r"5\d{2}": 500}
"""Integration responses as most people define them: an error of Step Functions is one for the client."""


class Request(NamedTuple):
    """What a client sends; ``body`` is text, or any other JSON value."""

    body: Json = None
    method: str = "POST"
    path: str = "/"
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    path_parameters: Mapping[str, str] = {}
    stage_variables: Mapping[str, str] = {}
    source_ip: str = "203.0.113.10"
    time: Any = None

    @property
    def text(self) -> str:
        """The body as it is sent."""
        return "" if self.body is None else self.body if isinstance(self.body, str) else text(self.body)

    @property
    def id(self) -> str:
        """The request's id; the same request has the same one."""
        facts = (self.method, self.path, self.text, iso(start_instant(self.time)))
        return chance.uuid_text(chance.combine(*map(chance.digest, facts)))


class Response(NamedTuple):
    """What the client gets, and the execution behind it; None where none was started."""

    status: int
    body: Json
    execution: Execution | None = None

    def __repr__(self) -> str:
        shown = self.body if isinstance(self.body, str) else text(self.body)
        return f"<Response {self.status}: {shown}>"


class _Api:
    """What the two kinds of API share: the SDK behind them, and requests."""

    def __init__(self, machine: StateMachine, action: str, stage: str, options: dict[str, Any]) -> None:
        if action not in ACTIONS:
            refuse(f"action={action!r} is no action that starts executions.", did_you_mean(action, ACTIONS))
        sync = action == "StartSyncExecution"
        if sync and machine.type == "STANDARD":
            # A definition alone says nothing of the type; StartSyncExecution is for Express.
            options = {"type": "EXPRESS", **options}
        self.action, self.stage = action, stage
        self.sdk = Sdk(machine, **options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.sdk.machine.name!r}: {self.action}, stage {self.stage}>"

    def request(self, body: Json = None, **more: Any) -> Response:
        """What a client gets for a request: ``body`` and the other fields of `Request`."""
        unknown = set(more) - set(Request._fields)
        if unknown:
            refuse(f"request() has no {min(unknown)!r}.", did_you_mean(min(unknown), Request._fields))
        return self._respond(Request(body, **more))

    def _respond(self, request: Request) -> Response:
        raise NotImplementedError

    def _call(self, request: Request, arguments: Mapping[str, Json], mapped: str) -> Response:
        """Call Step Functions; its refusals are answers."""
        words = (
            f"Started by {self.action}, called by API Gateway for {request.method} {request.path}; {mapped}."
        )
        started_by = StartedBy("api", words, _rows(request), request.body)
        call = self.sdk.start_sync_execution if self.action == ACTIONS[1] else self.sdk.start_execution
        try:
            execution = call(start_time=request.time, started_by=started_by, **arguments)
        except ApiError as refused:
            body = {
                "__type": f"com.amazonaws.swf.service.v2.model#{refused.code}",
                "message": refused.message,
            }
            return Response(400, body)
        return Response(200, ended(execution) if self.action == ACTIONS[1] else started(execution), execution)

    def _context(self, request: Request) -> dict[str, Any]:
        moment = start_instant(request.time)
        return {
            "accountId": ACCOUNT,
            "apiId": "a1b2c3d4e5",
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": _header(request, "user-agent")},
            "path": f"/{self.stage}{request.path}",
            "protocol": "HTTP/1.1",
            "requestId": request.id,
            "requestTime": instant(moment).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": moment // (SECOND // 1000),
            "resourcePath": request.path,
            "responseOverride": {},
            "stage": self.stage,
        }


def _rows(request: Request) -> tuple[str, ...]:
    shown = [f"body {request.text[:200]}"] if request.text else []
    return (*shown, *(f"query {name}={value}" for name, value in request.query.items()))


def _header(request: Request, name: str) -> str:
    return next((value for key, value in request.headers.items() if key.lower() == name), "")


class RestApi(_Api):
    """A REST API whose integration calls Step Functions.

    ``template`` is the mapping template of the request (None: the body is passed on), which makes the
    arguments of the API: ``input`` (JSON text), ``name``, ``stateMachineArn``.  ``response_template`` maps
    the answer.  ``responses`` are the integration responses, by the pattern of Step Functions' status;
    without any a client gets 200 whatever happened.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> api = RestApi(machine, template='''{"input": "$util.escapeJavaScript($input.json('$.order'))"}''')
    >>> response = api.request({"order": {"id": 7}})
    >>> response.status, response.execution.input
    (200, {'id': 7})
    """

    def __init__(
        self,
        machine: StateMachine,
        action: str = "StartExecution",
        *,
        template: str | None = None,
        response_template: str | None = None,
        responses: Mapping[str, int] = PASSED_ON,
        stage: str = "prod",
        **options: Any,
    ) -> None:
        super().__init__(machine, action, stage, options)
        self.template, self.response_template, self.responses = template, response_template, dict(responses)

    def _respond(self, request: Request) -> Response:
        context = self._context(request)
        mapped = "the mapping template made its arguments" if self.template else "the body was passed on"
        try:
            written = self._rendered(self.template, request, request.text, context)
            answered = self._call(request, _arguments(written), mapped)
        except ApiError as refused:
            answered = Response(
                400, {"__type": f"com.amazon.coral.service#{refused.code}", "message": refused.message}
            )
        status = next(
            (one for pattern, one in self.responses.items() if re.fullmatch(pattern, str(answered.status))),
            200,
        )
        if self.response_template is None:
            return answered._replace(status=status)
        body = self._rendered(self.response_template, request, text(answered.body), context)
        override = context["responseOverride"].get("status")
        return answered._replace(status=status if override is None else int(override), body=_parsed(body))

    def _rendered(self, template: str | None, request: Request, body: str, context: dict[str, Any]) -> str:
        if template is None:
            return body
        variables = {
            "input": _input(request, body),
            "util": UTIL,
            "context": context,
            "stageVariables": dict(request.stage_variables),
        }
        return velocity.render(template, variables)


def _arguments(written: str) -> dict[str, Json]:
    """The arguments that the integration sends; what is no JSON is refused by Step Functions."""
    try:
        found = json.loads(written)
    except ValueError as problem:
        quotes = "\\'" in written
        hint = (
            " (escapeJavaScript writes ' as \\', which is no JSON: add .replaceAll(\"\\\\'\", \"'\"))"
            if quotes
            else ""
        )
        raise ApiError("SerializationException", f"{problem}{hint}") from None
    if not isinstance(found, dict):
        raise ApiError("SerializationException", "the request is no object")
    known = ("input", "name", "stateMachineArn", "traceHeader")
    return {name: one for name, one in found.items() if name in known}


def _parsed(body: str) -> Json:
    try:
        return json.loads(body)
    except ValueError:
        return body


# --- what templates read ------------------------------------------------------------------------------
_EMPTY: Final = Environment({}, dict, lambda _purpose: 0, 0)


def _at(path: str, body: str) -> Json:
    try:
        return paths.compile_path(path)(json.loads(body or "{}"), _EMPTY)
    except (Failed, ValueError):
        return None


def _input(request: Request, body: str) -> Methods:
    places = {
        "path": dict(request.path_parameters),
        "querystring": dict(request.query),
        "header": dict(request.headers),
    }

    def params(name: str | None = None) -> Any:
        if name is None:
            return places
        return next((place[name] for place in places.values() if name in place), "")

    def as_json(path: str) -> str:
        found = _at(path, body)
        return '""' if found is None else text(found)

    return Methods(body=body, json=as_json, path=lambda path: _at(path, body), params=params)


_ESCAPES: Final = {
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
    '"': '\\"',
    "'": "\\'",
    "\\": "\\\\",
}


def escape_javascript(value: Any) -> str:
    r"""Text as it stands in a JavaScript string; single quotes are escaped, too, which JSON forbids.

    >>> print(escape_javascript('{"a": "it\'s"}'))
    {\"a\": \"it\'s\"}
    """
    written = velocity.shown(value)
    return "".join(_ESCAPES.get(one, one if " " <= one <= "~" else _unicode(one)) for one in written)


def _unicode(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02X}{units[at + 1]:02X}" for at in range(0, len(units), 2))


UTIL: Final = Methods(
    base64Decode=lambda value: base64.b64decode(value).decode("utf-8", "replace"),
    base64Encode=lambda value: base64.b64encode(value.encode()).decode(),
    escapeJavaScript=escape_javascript,
    parseJson=_parsed,
    urlDecode=unquote,
    urlEncode=lambda value: quote(value, safe=""),
)
"""``$util`` of mapping templates."""


# --- HTTP APIs ----------------------------------------------------------------------------------------
class HttpApi(_Api):
    """An HTTP API with a first-class integration (``StepFunctions-StartExecution``, ``-StartSyncExecution``).

    ``parameters`` map the request: ``{"Input": "$request.body", "Name": "$request.body.id"}``.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> api = HttpApi(machine, "StartSyncExecution", parameters={"Input": "$request.body"})
    >>> api.request({"id": 7}).body["output"]
    '{"id":7}'
    """

    def __init__(
        self,
        machine: StateMachine,
        action: str = "StartExecution",
        *,
        parameters: Mapping[str, str],
        stage: str = "$default",
        **options: Any,
    ) -> None:
        super().__init__(machine, action, stage, options)
        known = ("StateMachineArn", "Input", "Name", "Region", "TraceHeader")
        for name, value in parameters.items():
            if name not in known:
                refuse(f"parameters has {name!r}.", did_you_mean(name, known))
            if not isinstance(value, str):
                refuse(f"parameters[{name!r}] is {value!r}.", "A mapping is a text such as $request.body.id.")
            for selector in _SELECTOR.findall(value):
                _check_selector(selector, name)
        self.parameters = dict(parameters)

    def _respond(self, request: Request) -> Response:
        context = self._context(request)
        filled = {name: self._mapped(value, request, context) for name, value in self.parameters.items()}
        arguments = {
            ARGUMENTS[name]: one for name, one in filled.items() if name in ARGUMENTS and one is not None
        }
        answered = self._call(request, arguments, "its parameter mapping made the arguments")
        return (
            answered if answered.execution else answered._replace(body={"message": _message(answered.body)})
        )

    def _mapped(self, value: str, request: Request, context: dict[str, Any]) -> str | None:
        """A parameter; None where the one thing that it reads is not there."""
        whole = _WHOLE.fullmatch(value)
        if whole:
            found = _selected(whole[1] or whole[2], request, context)
            return found if found is None or isinstance(found, str) else text(found)

        def put(found: re.Match[str]) -> str:
            one = _selected(found[1], request, context)
            return "" if one is None else one if isinstance(one, str) else text(one)

        return _SELECTOR.sub(put, value)


def _message(body: Json) -> str:
    return str(body.get("message", ""))


ARGUMENTS: Final = {
    "StateMachineArn": "stateMachineArn",
    "Input": "input",
    "Name": "name",
    "TraceHeader": "traceHeader",
}
_SELECTOR: Final = re.compile(r"\$\{([^}]+)\}")
_WHOLE: Final = re.compile(r"\$\{([^}]+)\}|\$((?:request|context|stageVariables)\..+)")

SELECTORS: Final[dict[str, Callable[[Request, dict[str, Any], str], Json]]] = {
    "request.body": lambda request, _context, rest: (
        _at(f"${rest}", request.text) if rest else request.text or None
    ),
    "request.header": lambda request, _context, rest: _header(request, rest[1:].lower()) or None,
    "request.path": lambda request, _context, rest: (
        request.path_parameters.get(rest[1:]) if rest else request.path
    ),
    "request.querystring": lambda request, _context, rest: request.query.get(rest[1:]),
    "context": lambda _request, context, rest: _at(f"${rest}", text(context)),
    "stageVariables": lambda request, _context, rest: request.stage_variables.get(rest[1:]),
}
"""What a parameter mapping reads, by how it begins."""


def _source(selector: str) -> str | None:
    return next((one for one in SELECTORS if selector == one or selector.startswith(f"{one}.")), None)


def _check_selector(selector: str, name: str) -> None:
    if _source(selector) is None:
        refuse(f"parameters[{name!r}] reads {selector!r}.", did_you_mean(selector, SELECTORS))


def _selected(selector: str, request: Request, context: dict[str, Any]) -> Json:
    source = _source(selector)
    return None if source is None else SELECTORS[source](request, context, selector[len(source) :])
