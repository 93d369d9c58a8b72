"""EKS's Kubernetes API, over a function that stands for the cluster."""

import json

import pytest

import sfnbook
from sfnbook.tasks import aws
from tests.accounts import do

pytestmark = pytest.mark.usefixtures("no_network")

CLUSTER = {
    "ClusterName": "work",
    "CertificateAuthority": "LS0t",
    "Endpoint": "https://EXAMPLE.gr7.us-east-1.eks.amazonaws.com",
}
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "pi"},
    "spec": {
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "pi", "image": "perl"}]}}
    },
}
RUN = {**CLUSTER, "Namespace": "tools", "Job": JOB}


def condition(kind):
    return {**JOB, "status": {"conditions": [{"type": kind, "status": "True"}]}}


class Cluster:
    """Answers one request after the other, the last answer again and again."""

    def __init__(self, *answers, status=200):
        self.answers, self.status, self.asked = list(answers), status, []

    def __call__(self, method, url, _headers, body):
        self.asked.append((method, url, body and json.loads(body)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return self.status, {"Content-Type": "application/json"}, json.dumps(answer)


def test_any_request_to_the_cluster():
    cluster = Cluster({"items": []})
    call = {
        **CLUSTER,
        "Method": "GET",
        "Path": "/api/v1/pods",
        "QueryParameters": {"labelSelector": ["job=pi"]},
    }
    execution = do("eks:call", call, aws(http=cluster))
    assert execution.result() == {"ResponseBody": {"items": []}, "StatusCode": 200, "StatusText": "OK"}
    assert cluster.asked == [("GET", f"{CLUSTER['Endpoint']}/api/v1/pods?labelSelector=job%3Dpi", None)]


def test_a_status_that_is_no_success_names_the_error():
    execution = do("eks:runJob", RUN, aws(http=Cluster({"reason": "AlreadyExists"}, status=409)))
    assert (execution.error, execution.cause) == ("EKS.409", '{"reason": "AlreadyExists"}')


def test_a_job_is_started_and_not_waited_for():
    cluster = Cluster(JOB)
    assert do("eks:runJob", RUN, aws(http=cluster)).result() == JOB
    assert cluster.asked == [("POST", f"{CLUSTER['Endpoint']}/apis/batch/v1/namespaces/tools/jobs", JOB)]


def test_a_job_is_read_until_it_is_complete():
    cluster = Cluster(JOB, JOB, JOB, condition("Complete"))
    execution = do("eks:runJob.sync", RUN, aws(http=cluster, poll_seconds=60))
    assert execution.result() == condition("Complete")
    assert execution.time == 180
    assert cluster.asked[-1][:2] == ("GET", f"{CLUSTER['Endpoint']}/apis/batch/v1/namespaces/tools/jobs/pi")
    assert [event["type"] for event in execution.history()][3:6] == [
        "TaskStarted",
        "TaskSubmitted",
        "TaskSucceeded",
    ]


def test_a_job_that_fails_is_the_cause():
    execution = do("eks:runJob.sync", RUN, aws(http=Cluster(JOB, condition("Failed"))))
    assert execution.error == "States.TaskFailed"
    assert json.loads(execution.cause)["status"]["conditions"][0]["type"] == "Failed"


def test_a_job_that_takes_too_long_times_out():
    execution = do("eks:runJob.sync", RUN, aws(http=Cluster(JOB)), TimeoutSeconds=30)
    assert (execution.error, execution.time) == ("States.Timeout", 30)


def test_without_a_function_nothing_is_called():
    with pytest.raises(sfnbook.UsageError, match=r"aws\(http=function\)"):
        do("eks:runJob", RUN, aws())


# --- logs -----------------------------------------------------------------------------------------
PODS = {
    "items": [
        {"metadata": {"name": "pi-7x"}, "spec": {"containers": [{"name": "pi"}, {"name": "side"}]}},
        {"metadata": {"name": "pi-9z"}, "spec": {"containers": [{"name": "pi"}]}},
    ]
}
LOGS = {
    "pi-7x/log?container=pi": '{"digits": 3}',
    "pi-7x/log?container=side": "ready",
    "pi-9z/log?container=pi": "[1.50]",
}


def logging(end="Complete", job=JOB):
    """A cluster by paths, whose job ends at once, and the paths that were asked for."""
    asked = []

    def http(method, url, _headers, _body):
        path = url.removeprefix(CLUSTER["Endpoint"])
        asked.append(path)
        log = path.removeprefix("/api/v1/namespaces/tools/pods/").replace("tailLines=6&", "")
        if log in LOGS:
            return 200, {}, LOGS[log]
        pods = path.startswith("/api/v1/namespaces/tools/pods?")
        return 200, {}, json.dumps(PODS if pods else job if method == "POST" else condition(end))

    return http, asked


def run_with(options, **cluster):
    http, asked = logging(**cluster)
    return do("eks:runJob.sync", {**RUN, "LogOptions": options}, aws(http=http)), asked


def logs_of(pods):
    return {
        pod: {"containers": {name: {"log": log} for name, log in containers.items()}}
        for pod, containers in pods.items()
    }


@pytest.mark.parametrize(
    ("options", "logs"),
    [
        ({"RetrieveLogs": True}, {"pi-7x": {"pi": {"digits": 3}, "side": "ready"}, "pi-9z": {"pi": [1.5]}}),
        (
            {"RetrieveLogs": True, "RawLogs": True, "LogParameters": {"tailLines": ["6"]}},
            {"pi-7x": {"pi": '{"digits": 3}', "side": "ready"}, "pi-9z": {"pi": "[1.50]"}},
        ),
    ],
    ids=["as JSON where it is that", "raw"],
)
def test_the_logs_of_a_job(options, logs):
    execution, asked = run_with(options)
    assert execution.result() == {**condition("Complete"), "logs": {"pods": logs_of(logs)}}
    assert asked[2] == "/api/v1/namespaces/tools/pods?labelSelector=job-name%3Dpi"
    assert all(("tailLines=6" in path) is ("LogParameters" in options) for path in asked[3:])
    assert len(asked) == 6


@pytest.mark.parametrize("options", [{}, {"RetrieveLogs": False}, {"RawLogs": True}, None], ids=str)
def test_no_logs_unless_they_are_asked_for(options):
    execution, asked = run_with(options)
    assert execution.result() == condition("Complete")
    assert len(asked) == 2


def test_the_logs_of_a_job_that_fails_are_in_the_cause():
    execution, _ = run_with({"RetrieveLogs": True}, end="Failed")
    assert json.loads(execution.cause)["logs"]["pods"]["pi-7x"]["containers"]["side"] == {"log": "ready"}
