"""Kubernetes behind EKS: ``eks:call`` and ``eks:runJob``, over a function that the caller gave.

They are requests to the cluster's own endpoint and no API of AWS; a job is read again until one of its
conditions says that it is complete or has failed.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-eks.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from sfnbook.tasks.services.failures import Refusal
from sfnbook.tasks.services.jobs import Job
from sfnbook.tasks.services.web import given, parsed, phrase
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from sfnbook.tasks.protocol import Call
    from sfnbook.tasks.resources import Resource
    from sfnbook.tasks.services.web import Http

ACTIONS: Final = frozenset({"call", "runJob"})
ENDS: Final = ("Complete", "Failed")
"""The conditions with which a job is over."""

JOB: Final = Job("", {}, "", "Status", *ENDS, shown=lambda found: found["Job"])
"""How to wait for a job, by what `described` says of it."""


def concerns(resource: Resource) -> bool:
    """Is this one of EKS's actions that speak to the cluster itself?"""
    return resource.kind == "integration" and resource.service == "eks" and resource.action in ACTIONS


def called(http: Http | None, call: Call) -> dict[str, Json]:
    """``eks:call``: any request to the Kubernetes API."""
    parameters = call.input
    query = urlencode(parameters.get("QueryParameters") or {}, doseq=True)
    path = parameters["Path"] + (f"?{query}" if query else "")
    status, body = _asked(http, call, parameters["Method"], path, parameters.get("RequestBody"))
    return {"ResponseBody": body, "StatusCode": status, "StatusText": phrase(status)}


def started(http: Http | None, call: Call) -> Json:
    """``eks:runJob``: the job as the cluster took it."""
    return _asked(http, call, "POST", _jobs(call), call.input["Job"])[1]


def described(http: Http | None, call: Call, job: Json) -> dict[str, Json]:
    """The job as it stands, and its status: one of `ENDS`, or Active."""
    name = quote(str(job["metadata"]["name"]))
    now = _asked(http, call, "GET", f"{_jobs(call)}/{name}")[1]
    conditions = now.get("status", {}).get("conditions") or ()
    true = [one["type"] for one in conditions if one.get("status") == "True"]
    return {"Job": now, "Status": next((end for end in ENDS if end in true), "Active")}


def _jobs(call: Call) -> str:
    space = call.input.get("Namespace") or call.input["Job"].get("metadata", {}).get("namespace", "default")
    return f"/apis/batch/v1/namespaces/{quote(space)}/jobs"


def _asked(http: Http | None, call: Call, method: str, path: str, body: Json = None) -> tuple[int, Json]:
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    url = str(call.input["Endpoint"]).rstrip("/") + "/" + path.lstrip("/")
    status, _, answered = given(http, call)(method, url, headers, None if body is None else text(body))
    if not 200 <= status < 300:
        raise Refusal(f"EKS.{status}", answered)
    return status, parsed(answered)
