"""Jobs (``.sync``): polled on the virtual clock until they end, stopped when the Task times out."""

import json
import time

import pytest

import sfnbook
from sfnbook.tasks import aws, models
from sfnbook.tasks.resources import parse_resource
from sfnbook.tasks.services.casing import field
from sfnbook.tasks.services.jobs import JOBS
from tests.accounts import ACCOUNT, HERE, do, done, with_answers
from tests.machines import details, of_kind, one, times, types

pytestmark = pytest.mark.usefixtures("no_network")

SUBMITTED = ["TaskScheduled", "TaskStarted", "TaskSubmitted"]


# --- against moto ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def account():
    """An account with something to run in Batch, ECS, Glue and CodeBuild."""
    account = aws()
    role = account.client("iam").create_role(RoleName="work", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    batch = account.client("batch")
    environment = batch.create_compute_environment(
        computeEnvironmentName="machines", type="UNMANAGED", state="ENABLED", serviceRole=role
    )["computeEnvironmentArn"]
    batch.create_job_queue(
        jobQueueName="queue",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )
    container = {"image": "busybox", "vcpus": 1, "memory": 128, "command": ["true"]}
    batch.register_job_definition(jobDefinitionName="resize", type="container", containerProperties=container)
    ecs = account.client("ecs")
    ecs.create_cluster(clusterName="cluster")
    ecs.register_task_definition(
        family="resize",
        containerDefinitions=[{"name": "main", "image": "busybox", "memory": 128, "essential": True}],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
    )
    account.client("glue").create_job(
        Name="clean", Role=role, Command={"Name": "glueetl", "ScriptLocation": "s3://files/clean.py"}
    )
    account.client("codebuild").create_project(
        name="website",
        source={"type": "S3", "location": "files/source.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "x", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=role,
    )
    account.client("stepfunctions").create_state_machine(
        name="child", definition='{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}', roleArn=role
    )
    return account


RESIZE = {"JobName": "resize-7", "JobQueue": "queue", "JobDefinition": "resize"}
CHILD = {"StateMachineArn": HERE.format("states", "stateMachine:child"), "Input": {"id": 7}}


def run_task(account, **more):
    subnet = account.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    group = account.client("ec2").describe_security_groups()["SecurityGroups"][0]["GroupId"]
    network = {"AwsvpcConfiguration": {"Subnets": [subnet], "SecurityGroups": [group]}}
    task = {"Cluster": "cluster", "TaskDefinition": "resize", "LaunchType": "FARGATE"}
    return do("ecs:runTask.sync", {**task, "NetworkConfiguration": network}, account, **more)


def test_a_batch_job(account):
    overrides = {"ContainerOverrides": {"Environment": [{"Name": "ORDER", "Value": "7"}]}}
    execution = do("batch:submitJob.sync", {**RESIZE, **overrides}, account)
    assert types(execution.history())[2:6] == [*SUBMITTED, "TaskSucceeded"]
    assert (execution.time, execution.output["Status"]) == (10, "SUCCEEDED")
    submitted = details(execution.history()[4])["output"]
    assert (submitted["JobId"], "SdkHttpMetadata" in submitted) == (execution.output["JobId"], True)
    assert isinstance(execution.output["StartedAt"], int)


def test_a_job_that_is_not_taken_was_not_submitted(account):
    execution = do("batch:submitJob.sync", {**RESIZE, "JobDefinition": "none"}, account)
    assert types(execution.history())[2:5] == ["TaskScheduled", "TaskStarted", "TaskFailed"]
    assert execution.error == "Batch.ClientException"
    assert execution.cause.startswith("Job definition none does not exist (Service: AWSBatch; ")


def test_an_ecs_task_goes_through_its_statuses(account):
    execution = run_task(account)
    assert execution.output["LastStatus"] == "STOPPED"
    assert execution.output["Containers"][0]["Name"] == "main"
    assert times(execution, "TaskSucceeded") == [40]


def test_an_ecs_task_is_stopped_when_the_task_times_out(account):
    before = account.client("ecs").list_tasks(cluster="cluster", desiredStatus="STOPPED")["taskArns"]
    execution = run_task(account, TimeoutSeconds=15)
    assert (execution.error, execution.time) == ("States.Timeout", 15)
    after = account.client("ecs").list_tasks(cluster="cluster", desiredStatus="STOPPED")["taskArns"]
    assert len(after) == len(before) + 1


OTHERS = {
    "glue:startJobRun.sync": ({"JobName": "clean"}, "JobRunState", "SUCCEEDED"),
    "codebuild:startBuild.sync": ({"ProjectName": "website"}, "Build.BuildStatus", "SUCCEEDED"),
    "athena:startQueryExecution.sync": (
        {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": "s3://files/"}},
        "QueryExecution.Status.State",
        "SUCCEEDED",
    ),
    "eks:createCluster.sync": (
        {
            "Name": "pods",
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/work",
            "ResourcesVpcConfig": {"SubnetIds": []},
        },
        "Cluster.Status",
        "ACTIVE",
    ),
    "eks:deleteCluster.sync": ({"Name": "pods"}, "Cluster.Name", "pods"),
    "elasticmapreduce:createCluster.sync": (
        {"Name": "big", "Instances": {"KeepJobFlowAliveWhenNoSteps": True}},
        "Cluster.Status.State",
        "WAITING",
    ),
}


@pytest.mark.parametrize("resource", OTHERS)
def test_other_jobs(resource, account):
    parameters, path, expected = OTHERS[resource]
    value = do(resource, parameters, account).result()
    for step in path.split("."):
        value = value[step]
    assert value == expected


def test_steps_of_a_cluster(account):
    cluster = done(
        "elasticmapreduce:createCluster", OTHERS["elasticmapreduce:createCluster.sync"][0], account
    )
    identified = {"ClusterId": cluster["ClusterId"]}
    step = {"Name": "count", "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["true"]}}
    added = done("elasticmapreduce:addStep", {**identified, "Step": step}, account)
    assert added["StepId"].startswith("s-")
    ended = done("elasticmapreduce:terminateCluster.sync", identified, account)
    assert ended["Cluster"]["Status"]["State"] == "TERMINATED"


def test_a_job_that_never_ends_is_told_unless_there_is_a_timeout(account):
    with pytest.raises(sfnbook.UsageError, match="stays 'RUNNING' for ever"):
        do("states:startExecution.sync", CHILD, account)
    execution = do("states:startExecution.sync", {**CHILD, "Name": "late"}, account, TimeoutSeconds=600)
    assert (execution.error, execution.time) == ("States.Timeout", 600)
    stopped = account.client("stepfunctions").describe_execution(
        executionArn=HERE.format("states", "execution:child:late")
    )
    assert stopped["status"] == "ABORTED"


# --- against answers that are written down ----------------------------------------------------------
def batch_job(*statuses, **more):
    return [{"jobs": [{"jobId": "j-1", "status": status, **more}]} for status in statuses]


def submitting(*statuses, **more):
    factory = with_answers(
        "batch",
        submit_job=[{"jobName": "n", "jobId": "j-1"}],
        describe_jobs=batch_job(*statuses, **more),
        terminate_job=[{}],
    )
    return factory, aws(factory, poll_seconds=60, pause_seconds=7)


@pytest.fixture
def slept(monkeypatch):
    seconds = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def test_a_job_is_described_every_few_virtual_seconds(slept):
    factory, tasks = submitting("RUNNABLE", "RUNNING", "RUNNING", "SUCCEEDED")
    execution = do("batch:submitJob.sync", RESIZE, tasks)
    assert (execution.time, execution.output) == (240, {"JobId": "j-1", "Status": "SUCCEEDED"})
    assert [name for name, _ in factory.asked] == ["submit_job", *["describe_jobs"] * 4]
    assert factory.asked[1][1] == {"jobs": ["j-1"]}
    assert slept == [7] * 4


def test_a_failed_job_fails_with_its_description(slept):
    _, tasks = submitting("RUNNING", "FAILED", statusReason="Essential container in task exited")
    execution = do("batch:submitJob.sync", RESIZE, tasks)
    assert (execution.error, execution.time) == ("States.TaskFailed", 120)
    assert json.loads(execution.cause) == {
        "JobId": "j-1",
        "Status": "FAILED",
        "StatusReason": "Essential container in task exited",
    }
    assert types(execution.history())[2:6] == [*SUBMITTED, "TaskFailed"]


def test_a_job_that_outlives_its_task_is_stopped(slept):
    factory, tasks = submitting("RUNNING")
    execution = do("batch:submitJob.sync", RESIZE, tasks, TimeoutSeconds=150)
    assert (execution.error, execution.time) == ("States.Timeout", 150)
    assert [name for name, _ in factory.asked][1:] == ["describe_jobs", "describe_jobs", "terminate_job"]
    assert factory.asked[-1][1]["jobId"] == "j-1"


def test_an_interrupt_while_a_client_waits_leaves_the_execution_whole(monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    _, tasks = submitting("SUCCEEDED")
    state = {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob.sync", "Parameters": RESIZE}
    execution = one(state).start(tasks=tasks)
    with pytest.raises(KeyboardInterrupt):
        execution.run()
    assert execution.transitions[-1].kind == "TaskScheduled"
    monkeypatch.undo()
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert execution.run().status == "SUCCEEDED"


def test_going_back_and_forth_asks_nobody_again(slept):
    factory, tasks = submitting("RUNNING", "SUCCEEDED")
    execution = do("batch:submitJob.sync", RESIZE, tasks)
    asked = list(factory.asked)
    while execution.back():
        pass
    assert execution.run().status == "SUCCEEDED"
    assert factory.asked == asked


STOPPED = {"taskArn": "t-1", "lastStatus": "STOPPED"}


@pytest.mark.parametrize(
    ("task", "error"),
    [
        ({**STOPPED, "containers": [{"name": "main", "exitCode": 0}]}, None),
        ({**STOPPED, "containers": [{"name": "main", "exitCode": 1}]}, "States.TaskFailed"),
        ({**STOPPED, "stopCode": "TaskFailedToStart", "containers": []}, "States.TaskFailed"),
    ],
)
def test_an_ecs_task_fails_with_a_container(task, error, slept):
    answers = {"run_task": [{"tasks": [{"taskArn": "t-1"}]}], "describe_tasks": [{"tasks": [task]}]}
    execution = do("ecs:runTask.sync", {"TaskDefinition": "t"}, aws(with_answers("ecs", **answers)))
    assert execution.error == error
    assert json.loads(execution.cause or "{}").get("TaskArn", "t-1") == "t-1"


@pytest.mark.parametrize(
    ("pattern", "error"),
    [("", None), (".sync", "AmazonECS.Unknown"), (".waitForTaskToken", "AmazonECS.Unknown")],
)
def test_an_ecs_task_that_finds_no_place(pattern, error, slept):
    nowhere = {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}
    tasks = aws(with_answers("ecs", run_task=[nowhere]))
    execution = do(f"ecs:runTask{pattern}", {"TaskDefinition": "t"}, tasks)
    assert execution.error == error
    if error:
        assert json.loads(execution.cause) == {"Tasks": [], "Failures": [{"Reason": "RESOURCE:MEMORY"}]}


def child(status, **more):
    described = {
        "executionArn": "e-1", "stateMachineArn": "m-1", "name": "x", "status": status, "input": '{"id":7}', **more
    }  # fmt: skip
    answers = {"start_execution": [{"executionArn": "e-1"}], "describe_execution": [described]}
    return aws(with_answers("stepfunctions", **answers))


def test_another_workflow_gives_its_output_as_text_or_as_json(slept):
    tasks = child("SUCCEEDED", output='{"ok":true}', stateMachineVersionArn="v-1")
    as_text = do("states:startExecution.sync", CHILD, tasks).result()
    assert (as_text["Input"], as_text["Output"]) == ('{"id":7}', '{"ok":true}')
    assert "StateMachineVersionArn" not in as_text
    as_json = do("states:startExecution.sync:2", CHILD, tasks).result()
    assert (as_json["Input"], as_json["Output"]) == ({"id": 7}, {"ok": True})


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_another_workflow_that_fails(status, slept):
    execution = do("states:startExecution.sync:2", CHILD, child(status, error="E", cause="why"))
    assert execution.error == "States.TaskFailed"
    record = json.loads(execution.cause)
    assert (record["Status"], record["Error"], record["Cause"], record["Input"]) == (
        status,
        "E",
        "why",
        {"id": 7},
    )


def test_what_is_no_job_is_told_before_anything_is_sent():
    factory = with_answers("sagemaker", create_model=[{}])
    with pytest.raises(sfnbook.UsageError, match=r"no job .*:createTrainingJob"):
        do("sagemaker:createModel.sync", {"ModelName": "m"}, aws(factory))
    assert factory.asked == []


# --- the table ------------------------------------------------------------------------------------
def at(shape, path):
    for step in filter(None, path.split(".")):
        named = {} if step.isdigit() else {field(name, sdk=False): name for name in shape.members}
        shape = shape.member if step.isdigit() else shape.members[named[step]]
    return shape


@pytest.mark.parametrize("key", JOBS, ids=":".join)
def test_a_job_of_the_table_fits_the_models(key):
    """Operations, their parameters, the way to the status and the statuses are those of the API."""
    from botocore.model import ServiceModel

    job = JOBS[key]
    found = models.operation(parse_resource("arn:aws:states:::{}:{}.sync".format(*key)))
    model = ServiceModel(models.load(found.service), found.service)
    for operation, asked in ((job.describe, job.asks), (job.stop, job.stops or job.asks)):
        if operation:
            wanted = model.operation_model(operation).input_shape
            named = {field(name, sdk=False) for name in wanted.members}
            required = {field(name, sdk=False) for name in wanted.required_members}
            assert required <= set(asked) <= named, operation
    status = at(model.operation_model(job.describe).output_shape, f"{job.at}.{job.status}")
    known = set(getattr(status, "enum", ()))
    assert not known or set(f"{job.good} {job.bad}".split()) <= known


def test_a_poll_is_no_transition(slept):
    _, tasks = submitting("RUNNING", "RUNNING", "SUCCEEDED")
    execution = do("batch:submitJob.sync", RESIZE, tasks)
    assert len(of_kind(execution, "TaskSucceeded")) == 1
    assert len(execution.transitions) == 8
