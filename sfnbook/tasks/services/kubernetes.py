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
    """The job as it stands, with its logs once it has ended, and its status: one of `ENDS`, or Active."""
    name = quote(str(job["metadata"]["name"]))
    now = _asked(http, call, "GET", f"{_jobs(call)}/{name}")[1]
    conditions = now.get("status", {}).get("conditions") or ()
    true = [one["type"] for one in conditions if one.get("status") == "True"]
    status = next((end for end in ENDS if end in true), "Active")
    if status in ENDS and (call.input.get("LogOptions") or {}).get("RetrieveLogs"):
        now = {**now, "logs": {"pods": _logs(http, call, name)}}
    return {"Job": now, "Status": status}


def _logs(http: Http | None, call: Call, job: str) -> dict[str, Json]:
    """What the containers of a job's pods wrote, pod by pod."""
    pods = f"/api/v1/namespaces/{_namespace(call)}/pods"
    found = _asked(http, call, "GET", f"{pods}?labelSelector=job-name%3D{job}")[1]
    return {
        pod["metadata"]["name"]: {
            "containers": {
                one["name"]: {
                    "log": _log(http, call, f"{pods}/{quote(pod['metadata']['name'])}/log", one["name"])
                }
                for one in pod["spec"]["containers"]
            }
        }
        for pod in found.get("items", ())
    }


def _log(http: Http | None, call: Call, path: str, container: str) -> Json:
    """One log: as JSON if it is that, unless RawLogs asks for the text."""
    options = call.input["LogOptions"]
    query = urlencode({**(options.get("LogParameters") or {}), "container": container}, doseq=True)
    written = _answer(http, call, "GET", f"{path}?{query}")[1]
    return written if options.get("RawLogs") else parsed(written)


def _jobs(call: Call) -> str:
    return f"/apis/batch/v1/namespaces/{_namespace(call)}/jobs"


def _namespace(call: Call) -> str:
    given = call.input.get("Namespace") or call.input["Job"].get("metadata", {}).get("namespace", "default")
    return quote(given)


def _asked(http: Http | None, call: Call, method: str, path: str, body: Json = None) -> tuple[int, Json]:
    status, answered = _answer(http, call, method, path, body)
    return status, parsed(answered)


def _answer(http: Http | None, call: Call, method: str, path: str, body: Json = None) -> tuple[int, str]:
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    url = str(call.input["Endpoint"]).rstrip("/") + "/" + path.lstrip("/")
    status, _, answered = given(http, call)(method, url, headers, None if body is None else text(body))
    if not 200 <= status < 300:
        raise Refusal(f"EKS.{status}", answered)
    return status, answered
