"""Sample results: a plausible answer for any Task, so that a definition nobody prepared steps to its end.

What a service answers is in its model (`shapes`, `plausible`), what later states read of it in the
definition (`reading`).  Where a Choice waits for a value, the first visit gets the one that leads on,
and later visits move through the others, so a loop ends.  The same seed gives the same samples.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sfnbook.definition import ABSENT, Task
from sfnbook.tasks import functions, models, shapes
from sfnbook.tasks.plausible import NOTHING, Facts, value
from sfnbook.tasks.protocol import Call, Outcome
from sfnbook.tasks.reading import Reading
from sfnbook.tasks.resources import Resource, invokes_lambda, parse_resource
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sfnbook.definition import Definition
    from sfnbook.tasks.needs import Need


class Sampler:
    """The answer that `sample` makes: a backend that knows the definitions whose Tasks it answers for."""

    __slots__ = ("_readings", "definitions")

    def __init__(self, definitions: Iterable[Definition] = ()) -> None:
        self.definitions = tuple(definitions)
        self._readings: dict[int, Reading] = {}

    def call(self, call: Call) -> Outcome:
        """A sample for one attempt.  How often each Task was asked is its memory."""
        need = self.need(call.state, call.resource)
        visits: dict[str, int] = call.memory or {}
        visit = visits.get(call.path, 0)
        if _varies(need):
            visits = {**visits, call.path: visit + 1}
        return Outcome(result_of(call, need, visit), submitted=accepted(call), memory=visits)

    def need(self, state: str, resource: str) -> Need:
        """What the definition of a Task reads of its result."""
        for number, definition in enumerate(self.definitions):
            for task in definition.walk():
                if isinstance(task, Task) and (task.name, task.resource) == (state, resource):
                    return self._reading(number).results.get(task.pointer, NOTHING)
        return NOTHING

    def _reading(self, number: int) -> Reading:
        if number not in self._readings:
            self._readings[number] = Reading(self.definitions[number])
        return self._readings[number]

    def __repr__(self) -> str:
        return "sample()"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Sampler, (self.definitions,))


def sample_input(definition: Definition) -> Json:
    """An input with all that a definition reads of it.

    >>> from sfnbook.parse import definition
    >>> states = {"A": {"Type": "Pass", "InputPath": "$.order.quantity", "End": True}}
    >>> sample_input(definition({"StartAt": "A", "States": states}))
    {'order': {'quantity': 1}}
    """
    made = value(None, Reading(definition).input, "", Facts())
    return {} if made is ABSENT else made


# --- one result -------------------------------------------------------------------------------------
def result_of(call: Call, need: Need | None = None, visit: int = 0, *, brief: bool = False) -> Json:
    """A result for a call, as the history would show it; ``brief`` is for reading and pasting."""
    need = need or NOTHING
    resource = parse_resource(call.resource)
    facts = facts_of(call, resource, visit, brief=brief)
    if resource.pattern == "token" or resource.kind not in {"integration", "sdk", "http"}:
        return _free(need, facts)
    if invokes_lambda(resource):
        return _invoked(resource, call, need, facts)
    special = SPECIAL.get((resource.service, resource.action))
    if special is not None:
        return special(need, facts)
    shape = _job_shape(resource) if resource.pattern != "request" else None
    shape = shape or shapes.output_shape(resource) or shapes.FALLBACKS.get(_key(resource))
    made = _free(need, facts) if shape is None else value(shape, need, "", facts)
    made = {} if made is ABSENT else made
    if isinstance(made, dict):
        made |= ENDED.get(_key(resource), {})
        if resource.kind == "integration" and resource.pattern == "request" and not brief:
            made |= functions.metadata(call, text(made), 200, {})
    return made


def _key(resource: Resource) -> str:
    suffix = "" if resource.pattern == "request" else f".{resource.pattern}"
    return f"{resource.service}:{resource.action}{suffix}"


def _free(need: Need, facts: Facts) -> Json:
    """A result that is anyone's to choose: what is read of it."""
    made = value(None, need, "", facts)
    return {} if made is ABSENT else made


def _invoked(resource: Resource, call: Call, need: Need, facts: Facts) -> Json:
    payload = need.members.get("Payload", NOTHING)
    if resource.kind == "sdk":
        payload = payload.parsed or NOTHING
    if facts.brief:
        return {"Payload": _free(payload, facts)}
    return functions.response(resource, call, _free(payload, facts))


def accepted(call: Call) -> Json:
    """What a service answers when it takes a job or a callback request; None where nothing is submitted."""
    resource = parse_resource(call.resource)
    if resource.pattern == "request" or resource.kind == "activity":
        return None
    suffix = {"sync": ".sync", "sync:2": ".sync:2", "token": ".waitForTaskToken"}[resource.pattern]
    return result_of(call._replace(resource=call.resource.removesuffix(suffix)))


def facts_of(call: Call, resource: Resource, visit: int, *, brief: bool = False) -> Facts:
    """What a sample may tell of its call."""
    context = call.context
    machine = str(context.get("StateMachine", {}).get("Id", "")).split(":")
    operation = models.operation(resource)
    facts = Facts(
        bits=call.bits,
        service=operation.service if operation else resource.service,
        given=call.input if isinstance(call.input, dict) else {},
        visit=visit,
        begins=resource.pattern == "request" and resource.action.startswith(_BEGIN),
        brief=brief,
    )
    if len(machine) > 4:
        facts = facts._replace(region=machine[3], account=machine[4])
    entered = context.get("State", {}).get("EnteredTime")
    return facts._replace(now=entered) if entered else facts


_BEGIN: Final = ("start", "create", "run", "submit", "delete", "update")


def _varies(need: Need) -> bool:
    inner = [*need.members.values(), *need.items.values(), *([need.parsed] if need.parsed else ())]
    return bool(need.options) or any(map(_varies, inner))


# --- what has a form of its own ---------------------------------------------------------------------
def _answered_by_http(need: Need, facts: Facts) -> Json:
    return {
        "ResponseBody": _free(need.members.get("ResponseBody", NOTHING), facts),
        "Headers": {"Content-Type": ["application/json"]},
        "StatusCode": 200,
        "StatusText": "OK",
    }


SPECIAL: Final[dict[tuple[str, str], Callable[[Need, Facts], Json]]] = {
    ("apigateway", "invoke"): _answered_by_http,
    ("http", "invoke"): _answered_by_http,
    ("bedrock", "invokeModel"): lambda need, facts: {
        "Body": _free(need.members.get("Body", NOTHING), facts),
        "ContentType": "application/json",
    },
    ("eks", "call"): lambda need, facts: {
        "ResponseBody": _free(need.members.get("ResponseBody", NOTHING), facts),
        "StatusCode": 200,
        "StatusText": "OK",
    },
    ("eks", "runJob"): lambda need, facts: _free(need, facts) or {"status": {"succeeded": 1}},
}
"""Optimized integrations whose answer is no API's."""

JOBS: Final = {
    "athena:startQueryExecution": ("athena", "GetQueryExecution", "", ""),
    "batch:submitJob": ("batch", "DescribeJobs", "Jobs", ""),
    "bedrock:createModelCustomizationJob": ("bedrock", "GetModelCustomizationJob", "", ""),
    "codebuild:retryBuildBatch": ("codebuild", "BatchGetBuildBatches", "BuildBatches", "BuildBatch"),
    "codebuild:startBuild": ("codebuild", "BatchGetBuilds", "Builds", "Build"),
    "codebuild:startBuildBatch": ("codebuild", "BatchGetBuildBatches", "BuildBatches", "BuildBatch"),
    "databrew:startJobRun": ("databrew", "DescribeJobRun", "", ""),
    "ecs:runTask": ("ecs", "DescribeTasks", "Tasks", ""),
    "eks:createCluster": ("eks", "DescribeCluster", "", ""),
    "eks:createFargateProfile": ("eks", "DescribeFargateProfile", "", ""),
    "eks:createNodegroup": ("eks", "DescribeNodegroup", "", ""),
    "eks:deleteCluster": ("eks", "DescribeCluster", "", ""),
    "eks:deleteFargateProfile": ("eks", "DescribeFargateProfile", "", ""),
    "eks:deleteNodegroup": ("eks", "DescribeNodegroup", "", ""),
    "elasticmapreduce:addStep": ("emr", "DescribeStep", "", ""),
    "elasticmapreduce:createCluster": ("emr", "DescribeCluster", "", ""),
    "elasticmapreduce:terminateCluster": ("emr", "DescribeCluster", "", ""),
    "emr-containers:createVirtualCluster": ("emr-containers", "DescribeVirtualCluster", "", ""),
    "emr-containers:startJobRun": ("emr-containers", "DescribeJobRun", "", ""),
    "emr-serverless:startJobRun": ("emr-serverless", "GetJobRun", "", ""),
    "glue:startJobRun": ("glue", "GetJobRun", "JobRun", ""),
    "mediaconvert:createJob": ("mediaconvert", "GetJob", "", ""),
    "sagemaker:createHyperParameterTuningJob": ("sagemaker", "DescribeHyperParameterTuningJob", "", ""),
    "sagemaker:createLabelingJob": ("sagemaker", "DescribeLabelingJob", "", ""),
    "sagemaker:createProcessingJob": ("sagemaker", "DescribeProcessingJob", "", ""),
    "sagemaker:createTrainingJob": ("sagemaker", "DescribeTrainingJob", "", ""),
    "sagemaker:createTransformJob": ("sagemaker", "DescribeTransformJob", "", ""),
}
"""What describes a job that ended: service, operation, the member of its answer that is taken (of a
list, the first item) and the name it then has."""

ENDED: Final[dict[str, dict[str, Json]]] = {
    "ecs:runTask.sync": {"DesiredStatus": "STOPPED", "LastStatus": "STOPPED"},
}
"""The good end of jobs whose status is free text."""


@cache
def _job_shape(resource: Resource) -> shapes.Shape | None:
    job = JOBS.get(f"{resource.service}:{resource.action}")
    operation = models.named(job[0], job[1]) if job else None
    if job is None or operation is None:
        return None
    shape = shapes.shape_of(operation.model, operation.name)
    if shape is not None and job[2]:
        shape = shape.members[job[2]]
        shape = shape.item or shape
    return shapes.structure(**{job[3]: shape}) if shape is not None and job[3] else shape
