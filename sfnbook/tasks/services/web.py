"""HTTPS endpoints: ``http:invoke`` and ``apigateway:invoke``, over a function that the caller gave.

sfnbook opens no connection: whoever wants one passes a function that makes the request.
https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlencode

from sfnbook.errors import UsageError
from sfnbook.tasks.services.failures import Refusal
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from sfnbook.tasks.protocol import Call
    from sfnbook.tasks.resources import Resource

Http: TypeAlias = Callable[[str, str, dict[str, str], str | None], tuple[int, Mapping[str, str], str]]
"""``http(method, url, headers, body)`` makes a request and gives its status, headers and body."""

SERVICES: Final = frozenset({"http", "apigateway"})


def invoked(http: Http | None, resource: Resource, call: Call) -> dict[str, Json]:
    """Make the request of a Task; a status that is no success fails it."""
    gateway = resource.service == "apigateway"
    parameters = call.input
    headers = {name: _first(value) for name, value in (parameters.get("Headers") or {}).items()}
    status, answered, body = given(http, call)(
        parameters["Method"], _url(parameters), headers, _body(parameters, headers)
    )
    if not 200 <= status < 300:
        prefix = "ApiGateway" if gateway else "States.Http.StatusCode"
        raise Refusal(f"{prefix}.{status}", body if gateway else phrase(status))
    return {
        "Headers": {name: [value] for name, value in answered.items()},
        "ResponseBody": parsed(body),
        "StatusCode": status,
        "StatusText": phrase(status),
    }


def given(http: Http | None, call: Call) -> Http:
    """What makes requests; UsageError where the caller gave nothing."""
    if http is None:
        raise UsageError(
            f"{call.state!r} calls an HTTPS endpoint, and sfnbook opens no connection by itself. Give the "
            f"Task an answer, tasks={{{call.state!r}: {{...}}}}, or pass what makes the request: "
            "aws(http=function), called as function(method, url, headers, body)."
        )
    return http


def _url(parameters: dict[str, Json]) -> str:
    endpoint = parameters["ApiEndpoint"]
    parts = [endpoint if "://" in endpoint else f"https://{endpoint}"]
    parts += [str(parameters[name]).strip("/") for name in ("Stage", "Path") if parameters.get(name)]
    query = urlencode(parameters.get("QueryParameters") or {}, doseq=True)
    return "/".join(parts) + (f"?{query}" if query else "")


def _body(parameters: dict[str, Json], headers: dict[str, str]) -> str | None:
    body = parameters.get("RequestBody")
    if body is None:
        return None
    encoding = (parameters.get("Transform") or {}).get("RequestBodyEncoding")
    if encoding == "URL_ENCODED" and isinstance(body, dict):
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return urlencode(body, doseq=True)
    headers.setdefault("Content-Type", "application/json")
    return body if isinstance(body, str) else text(body)


def _first(value: Json) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def parsed(body: str) -> Json:
    """A body as JSON, or as the text that it is."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def phrase(status: int) -> str:
    """The words of a status, "" for one that HTTP does not know."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
