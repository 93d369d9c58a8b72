"""Run a job (``.sync``): the Task ends when the job that it started has ended.

`JOBS` says for each action how the job is described, when it is over and how it is stopped.  The
job is described again every few virtual seconds; its last description is the Task's result or, as
JSON text, the cause of its failure.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from sfnbook.errors import TASK_FAILED, UsageError
from sfnbook.tasks.protocol import Outcome
from sfnbook.tasks.services.failures import Refusal
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.tasks.resources import Resource

Ask: TypeAlias = "Callable[[str, dict[str, Json]], Json]"
"""Calls an operation of the job's service, with parameters in Step Functions' form."""

Template: TypeAlias = "Mapping[str, str | list[str]]"
"""Parameters; text that begins with ``$.`` is a path into the Task's parameters and the first answer."""

PATIENCE: Final = 100
"""An emulated job whose description stays the same for so many polls will never end."""


class Job(NamedTuple):
    """How to wait for one kind of job; all names are Step Functions'.

    ``describe`` is asked with ``asks``; ``at`` is where its answer has the job, ``status`` where the job
    has its status, and ``good`` and ``bad`` are the statuses that end it.  ``fails`` looks at a job that
    ended well, ``shown`` makes the result.  ``stop`` is called with ``stops``, or with ``asks``.  With
    ``gone`` the job has ended when nothing is left to describe.
    """

    describe: str
    asks: Template
    at: str
    status: str
    good: str
    bad: str = ""
    stop: str = ""
    stops: Template | None = None
    shown: Callable[[Json], Json] = lambda job: job
    fails: Callable[[Json], bool] = lambda _: False
    gone: bool = False


class Pace(NamedTuple):
    """How a job is polled: virtual seconds between polls, what lets real time pass, and until when."""

    seconds: float
    pause: Callable[[], None] | None
    remaining: float | None


def finished(
    job: Job, resource: Resource, started: dict[str, Json], parameters: dict[str, Json], ask: Ask, pace: Pace
) -> Outcome:
    """Poll the job until it ends or the Task has no time left; in that case the job is stopped."""
    known = {**parameters, **started}
    seconds, before, same = 0.0, None, 0
    while same < PATIENCE:
        seconds += pace.seconds
        if pace.remaining is not None and seconds > pace.remaining:
            break
        if pace.pause is not None:
            pace.pause()
        try:
            described = _at(ask(job.describe, filled(job.asks, known)), job.at)
        except Refusal as refusal:
            if job.gone and refusal.error.endswith("NotFoundException"):
                return Outcome(before or started, seconds=seconds)
            return Outcome(None, refusal.error, refusal.cause, True, seconds)
        if (outcome := _ended(job, described, resource)) is not None:
            return outcome._replace(seconds=seconds)
        same = same + 1 if described == before and pace.pause is None else 0
        before = described
    return _abandoned(job, known, ask, pace, before)


def job_of(resource: Resource) -> Job:
    """How to wait for what a ``.sync`` resource starts, or a UsageError."""
    job = JOBS.get((resource.service, resource.action))
    if job is None:
        near = sorted(f"{service}:{action}" for service, action in JOBS if service == resource.service)
        advice = f" Of this service: {', '.join(near)}." if near else ""
        raise UsageError(
            f"{resource.service}:{resource.action} is no job that can be waited for (.sync).{advice}"
        )
    return job


def _ended(job: Job, described: Json, resource: Resource) -> Outcome | None:
    status = _at(described, job.status)
    if status not in f"{job.good} {job.bad}".split():
        return None
    shown = job.shown(described)
    if resource.pattern == "sync:2":
        shown = _with_json(shown)
    if status in job.bad.split() or job.fails(described):
        return Outcome(None, TASK_FAILED, text(shown), failed=True)
    return Outcome(shown)


def _abandoned(job: Job, known: dict[str, Json], ask: Ask, pace: Pace, last: Json) -> Outcome:
    """The Task times out: its job is stopped, as far as the service can."""
    if pace.remaining is None:
        raise UsageError(
            f"The emulated job stays {_at(last, job.status)!r} for ever, and the Task has no TimeoutSeconds. "
            "Give the Task an answer of its own, a TimeoutSeconds, or end the job: "
            "backend.client(...) reaches it."
        )
    if job.stop:
        # It may have ended by itself; AWS, too, makes no more than an attempt.
        with suppress(Refusal, UsageError):
            ask(job.stop, filled(job.stops or job.asks, known))
    return Outcome(never=True)


def filled(template: Template, known: dict[str, Json]) -> dict[str, Json]:
    """The parameters of a template.

    >>> filled({"Jobs": ["$.JobId"], "Reason": "timeout"}, {"JobId": "j-1"})
    {'Jobs': ['j-1'], 'Reason': 'timeout'}
    """

    def value(part: str | list[str]) -> Json:
        if isinstance(part, list):
            return [value(item) for item in part]
        return _at(known, part[2:]) if part.startswith("$.") else part

    made = {name: value(part) for name, part in template.items()}
    return {name: part for name, part in made.items() if part is not None}


def _at(value: Json, path: str) -> Json:
    """The value at a dotted path, None where there is none; ``""`` is the value itself."""
    for step in filter(None, path.split(".")):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


# --- results --------------------------------------------------------------------------------------
def _under(name: str) -> Callable[[Json], Json]:
    return lambda job: {name: job}


def _container_failed(task: Json) -> bool:
    """ECS: a stopped task has failed when a container of it has, or when it never started."""
    if task.get("StopCode") == "TaskFailedToStart":
        return True
    return any(container.get("ExitCode") for container in task.get("Containers", ()))


def _cluster(described: Json) -> Json:
    return {"ClusterId": _at(described, "Cluster.Id"), **described}


def _record(execution: Json) -> Json:
    return {name: value for name, value in execution.items() if name not in _UNRECORDED}


_UNRECORDED: Final = frozenset({"TraceHeader", "MapRunArn", "StateMachineVersionArn", "StateMachineAliasArn"})


def _with_json(execution: Json) -> Json:
    """``.sync:2`` gives Input and Output as JSON."""
    parsed = {name: json.loads(execution[name]) for name in ("Input", "Output") if name in execution}
    return execution | parsed


# --- the table ------------------------------------------------------------------------------------
_SAGEMAKER_JOBS: Final = {
    action: Job(
        f"Describe{kind}Job", {f"{name}JobName": f"$.{name}JobName"}, "", f"{status}Status",
        "Completed", "Failed Stopped", f"Stop{kind}Job",
    )
    for action, kind, name, status in (
        ("createTrainingJob", "Training", "Training", "TrainingJob"),
        ("createTransformJob", "Transform", "Transform", "TransformJob"),
        ("createProcessingJob", "Processing", "Processing", "ProcessingJob"),
        ("createLabelingJob", "Labeling", "Labeling", "LabelingJob"),
        (
            "createHyperParameterTuningJob", "HyperParameterTuning", "HyperParameterTuning",
            "HyperParameterTuningJob",
        ),
    )
}  # fmt: skip

_APPLICATION: Final = {"ApplicationId": "$.ApplicationId"}
_BUILD: Final = Job(
    "BatchGetBuilds", {"Ids": ["$.Build.Id"]}, "Builds.0", "BuildStatus", "SUCCEEDED",
    "FAILED FAULT TIMED_OUT STOPPED", "StopBuild", {"Id": "$.Build.Id"}, _under("Build"),
)  # fmt: skip
_BUILD_BATCH: Final = Job(
    "BatchGetBuildBatches", {"Ids": ["$.BuildBatch.Id"]}, "BuildBatches.0", "BuildBatchStatus",
    "SUCCEEDED", "FAILED FAULT TIMED_OUT STOPPED", "StopBuildBatch", {"Id": "$.BuildBatch.Id"},
    _under("BuildBatch"),
)  # fmt: skip
_CLUSTER: Final = {"ClusterId": "$.ClusterId"}
_NODEGROUP: Final = {"ClusterName": "$.ClusterName", "NodegroupName": "$.NodegroupName"}
_PROFILE: Final = {"ClusterName": "$.ClusterName", "FargateProfileName": "$.FargateProfileName"}
_REASON: Final = "The Task of the execution that started it timed out."

JOBS: Final[Mapping[tuple[str, str], Job]] = {
    ("athena", "startQueryExecution"): Job(
        "GetQueryExecution", {"QueryExecutionId": "$.QueryExecutionId"}, "",
        "QueryExecution.Status.State", "SUCCEEDED", "FAILED CANCELLED", "StopQueryExecution",
    ),
    ("batch", "submitJob"): Job(
        "DescribeJobs", {"Jobs": ["$.JobId"]}, "Jobs.0", "Status", "SUCCEEDED", "FAILED",
        "TerminateJob", {"JobId": "$.JobId", "Reason": _REASON},
    ),
    ("bedrock", "createModelCustomizationJob"): Job(
        "GetModelCustomizationJob", {"JobIdentifier": "$.JobArn"}, "", "Status", "Completed",
        "Failed Stopped", "StopModelCustomizationJob",
    ),
    ("codebuild", "startBuild"): _BUILD,
    ("codebuild", "startBuildBatch"): _BUILD_BATCH,
    ("codebuild", "retryBuildBatch"): _BUILD_BATCH,
    ("databrew", "startJobRun"): Job(
        "DescribeJobRun", {"Name": "$.Name", "RunId": "$.RunId"}, "", "State", "SUCCEEDED",
        "FAILED STOPPED TIMEOUT", "StopJobRun",
    ),
    ("ecs", "runTask"): Job(
        "DescribeTasks", {"Cluster": "$.Cluster", "Tasks": ["$.Tasks.0.TaskArn"]}, "Tasks.0",
        "LastStatus", "STOPPED", "", "StopTask",
        {"Cluster": "$.Cluster", "Task": "$.Tasks.0.TaskArn", "Reason": _REASON},
        fails=_container_failed,
    ),
    ("eks", "createCluster"): Job(
        "DescribeCluster", {"Name": "$.Name"}, "", "Cluster.Status", "ACTIVE", "FAILED"
    ),
    ("eks", "deleteCluster"): Job(
        "DescribeCluster", {"Name": "$.Name"}, "", "Cluster.Status", "", "FAILED", gone=True
    ),
    ("eks", "createNodegroup"): Job(
        "DescribeNodegroup", _NODEGROUP, "", "Nodegroup.Status", "ACTIVE", "CREATE_FAILED DEGRADED"
    ),
    ("eks", "deleteNodegroup"): Job(
        "DescribeNodegroup", _NODEGROUP, "", "Nodegroup.Status", "", "DELETE_FAILED", gone=True
    ),
    ("eks", "createFargateProfile"): Job(
        "DescribeFargateProfile", _PROFILE, "", "FargateProfile.Status", "ACTIVE", "CREATE_FAILED"
    ),
    ("eks", "deleteFargateProfile"): Job(
        "DescribeFargateProfile", _PROFILE, "", "FargateProfile.Status", "", "DELETE_FAILED", gone=True
    ),
    ("elasticmapreduce", "createCluster"): Job(
        "DescribeCluster", _CLUSTER, "", "Cluster.Status.State", "WAITING TERMINATED",
        "TERMINATED_WITH_ERRORS", "TerminateJobFlows", {"JobFlowIds": ["$.ClusterId"]}, _cluster,
    ),
    ("elasticmapreduce", "terminateCluster"): Job(
        "DescribeCluster", _CLUSTER, "", "Cluster.Status.State", "TERMINATED TERMINATED_WITH_ERRORS"
    ),
    ("elasticmapreduce", "addStep"): Job(
        "DescribeStep", {"ClusterId": "$.ClusterId", "StepId": "$.StepId"}, "", "Step.Status.State",
        "COMPLETED", "CANCELLED FAILED INTERRUPTED", "CancelSteps",
        {"ClusterId": "$.ClusterId", "StepIds": ["$.StepId"]},
    ),
    ("emr-containers", "startJobRun"): Job(
        "DescribeJobRun", {"Id": "$.Id", "VirtualClusterId": "$.VirtualClusterId"}, "JobRun", "State",
        "COMPLETED", "FAILED CANCELLED", "CancelJobRun",
    ),
    ("emr-containers", "deleteVirtualCluster"): Job(
        "DescribeVirtualCluster", {"Id": "$.Id"}, "VirtualCluster", "State", "TERMINATED", "ARRESTED",
        gone=True,
    ),
    ("emr-serverless", "startJobRun"): Job(
        "GetJobRun", {**_APPLICATION, "JobRunId": "$.JobRunId"}, "JobRun", "State", "SUCCESS",
        "FAILED CANCELLED", "CancelJobRun",
    ),
    ("emr-serverless", "createApplication"): Job(
        "GetApplication", _APPLICATION, "Application", "State", "CREATED STARTED", "TERMINATED"
    ),
    ("emr-serverless", "startApplication"): Job(
        "GetApplication", _APPLICATION, "Application", "State", "STARTED", "TERMINATED"
    ),
    ("emr-serverless", "stopApplication"): Job(
        "GetApplication", _APPLICATION, "Application", "State", "STOPPED", "TERMINATED"
    ),
    ("emr-serverless", "deleteApplication"): Job(
        "GetApplication", _APPLICATION, "Application", "State", "TERMINATED", gone=True
    ),
    ("glue", "startJobRun"): Job(
        "GetJobRun", {"JobName": "$.JobName", "RunId": "$.JobRunId"}, "JobRun", "JobRunState",
        "SUCCEEDED", "FAILED STOPPED TIMEOUT ERROR EXPIRED", "BatchStopJobRun",
        {"JobName": "$.JobName", "JobRunIds": ["$.JobRunId"]},
    ),
    ("mediaconvert", "createJob"): Job(
        "GetJob", {"Id": "$.Job.Id"}, "", "Job.Status", "COMPLETE", "ERROR CANCELED", "CancelJob"
    ),
    ("states", "startExecution"): Job(
        "DescribeExecution", {"ExecutionArn": "$.ExecutionArn"}, "", "Status", "SUCCEEDED",
        "FAILED TIMED_OUT ABORTED", "StopExecution", shown=_record,
    ),
    **{("sagemaker", action): job for action, job in _SAGEMAKER_JOBS.items()},
}  # fmt: skip
"""By service and action: the jobs that Step Functions waits for."""
