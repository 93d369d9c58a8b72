"""The emulated account: only our own clients reach it, and it reads nothing of the user's."""

import os
import pickle
import re
import subprocess
import sys

import pytest

import sfnbook
from sfnbook.tasks import Call, aws, models
from tests.accounts import ACCOUNT, do, done, pay, with_answers
from tests.machines import activity, one
from tests.naming import named

pytestmark = pytest.mark.usefixtures("no_network")

TABLE = {
    "TableName": "T",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def own_client(service="dynamodb"):
    """A client as users make them."""
    import boto3

    keys = {"aws_access_key_id": "mine", "aws_secret_access_key": "mine"}
    return boto3.Session(region_name="us-east-1", **keys).client(service)


def test_the_users_own_clients_are_left_alone():
    before = own_client()
    account = aws()
    account.client("dynamodb").create_table(**TABLE)
    for client in (before, own_client()):
        sent = []

        def stop(request, sent=sent, **_):
            sent.append(request.url)
            raise ConnectionError("would be sent to AWS")

        client.meta.events.register_last("before-send", stop)
        with pytest.raises(ConnectionError):
            client.list_tables()
        assert sent == ["https://dynamodb.us-east-1.amazonaws.com/"]


def test_a_subscriber_behind_http_is_not_called():
    account = aws()
    sns = account.client("sns")
    topic = sns.create_topic(Name="News")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://example.com/hook")
    with pytest.raises(sfnbook.UsageError, match=r"nothing is sent to http://example\.com/hook"):
        do("sns:publish", {"TopicArn": topic, "Message": "m"}, account)


def test_the_users_own_moto_is_left_alone():
    from moto import mock_aws

    account = aws()
    account.client("dynamodb").create_table(**TABLE)
    with mock_aws():
        theirs = own_client()
        theirs.create_table(**TABLE | {"TableName": "Theirs"})
        own_client("s3").create_bucket(Bucket="files")
        assert account.client("dynamodb").list_tables()["TableNames"] == ["T"]
        account.client("s3").create_bucket(Bucket="files")
        assert theirs.list_tables()["TableNames"] == ["Theirs"]
    assert account.client("dynamodb").list_tables()["TableNames"] == ["T"]
    assert [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]] == ["files"]


def test_each_object_is_an_account_of_its_own():
    first, second = aws(), aws()
    first.client("dynamodb").create_table(**TABLE)
    assert second.client("dynamodb").list_tables()["TableNames"] == []
    assert first.client("dynamodb").list_tables()["TableNames"] == ["T"]
    assert first.client("dynamodb") is first.client("dynamodb")


def test_nothing_is_read_from_the_users_settings(tmp_path):
    """A broken profile, an endpoint and credentials of the user's change nothing."""
    (tmp_path / "config").write_text("[profile broken]\nregion = eu-west-1\nrole_arn = x\n")
    (tmp_path / "credentials").write_text("not an ini file")
    code = (
        "import socket; socket.socket.connect = None\n"
        "import os; before = dict(os.environ)\n"
        "from sfnbook.tasks import aws\n"
        "client = aws().client('sqs')\n"
        "print(client.create_queue(QueueName='q')['QueueUrl'])\n"
        "print(aws().client('ec2').describe_vpcs()['Vpcs'][0]['OwnerId'])\n"
        "assert dict(os.environ) == before"
    )
    settings = {
        "AWS_PROFILE": "missing",
        "AWS_ENDPOINT_URL": "http://localhost:1",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "MOTO_ACCOUNT_ID": "999999999999",
    }
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout.split() == [f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/q", ACCOUNT], shown.stderr


def test_a_factory_is_called_for_each_service_once():
    asked, real = [], aws()

    def factory(service):
        asked.append(service)
        return real.client(service)

    mine = aws(factory)
    for _ in range(2):
        do("aws-sdk:s3:listBuckets", {}, mine)
    do("states:startExecution", {"StateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:x"}, mine)
    assert asked == ["s3", "stepfunctions"]


# --- ids, pickles, misuse --------------------------------------------------------------------------
def message_id(tasks, **more):
    url = tasks.client("sqs").create_queue(QueueName="Jobs")["QueueUrl"]
    machine = one({
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": url, "MessageBody": "m"},
    })  # fmt: skip
    return machine.start(tasks=tasks, **more).result()["MessageId"]


def test_ids_come_from_the_seed_and_never_twice():
    account = aws()
    ids = [message_id(account, seed=1), message_id(account, seed=1)]
    assert ids[0] != ids[1]
    assert [message_id(other := aws(), seed=1), message_id(other, seed=1)] == ids
    assert message_id(aws(), seed=2) not in ids


def test_a_pickle_is_the_configuration():
    account = aws(functions={"pay": pay}, poll_seconds=3)
    account.client("dynamodb").create_table(**TABLE)
    copy = pickle.loads(pickle.dumps(account))
    assert (copy.functions, copy.poll_seconds) == ({"pay": pay}, 3)
    assert copy.client("dynamodb").list_tables()["TableNames"] == []


def test_a_factory_that_cannot_be_pickled_leaves_its_tasks_unanswered():
    execution = one({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets"}).start(
        tasks=aws(lambda service: aws().client(service))
    )
    copy = pickle.loads(pickle.dumps(execution.run(until="S")))
    with pytest.raises(sfnbook.UnansweredTask):
        copy.run()
    assert execution.run().status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"client_factory": "dynamodb"}, "is called with the name of a service"),
        ({"functions": [pay]}, "maps names to functions; it is a list"),
        ({"functions": {"pay": {"ok": True}}}, "functions['pay'] is a Python function, not a dict"),
        ({"http": "https://x"}, "http is a function"),
        ({"poll_seconds": 0}, "poll_seconds is a positive number of seconds, not 0"),
        ({"pause_seconds": "5"}, "pause_seconds is a positive number"),
    ],
    ids=lambda value: named(value)[:40],
)
def test_misuse(arguments, advice):
    with pytest.raises(sfnbook.UsageError, match=re.escape(advice)):
        aws(**arguments)


@pytest.mark.parametrize(
    ("service", "advice"),
    [
        ("dynamo", "Did you mean 'dynamodb'?"),
        ("sfn", "boto3 calls it 'stepfunctions'."),
        ("DynamoDB", "'dynamodb'?"),
    ],
)
def test_a_client_of_no_service(service, advice):
    with pytest.raises(sfnbook.UsageError, match=re.escape(f"There is no service {service!r}. ")) as refused:
        aws().client(service)
    assert str(refused.value).endswith(advice)


def test_no_api_behind_a_resource():
    account = aws()
    call = Call("S", "S", "arn:aws:states:::codebuild:dance", {})
    unfilled = call._replace(resource="${Dance}")
    with pytest.raises(
        sfnbook.UsageError, match=r"'\$\{Dance\}'\. Fill its placeholder: load\(\.\.\., subst"
    ):
        account.call(unfilled)
    with pytest.raises(sfnbook.UsageError, match="No AWS API is known behind"):
        account.call(call)


def test_a_part_of_a_cluster_is_found_by_its_name():
    # moto changes fleets and groups without a word, so clients with answers stand for it.
    parts = {"InstanceGroups": [{"Id": "ig-1", "Name": "core"}, {"Id": "ig-2", "Name": "tasks"}]}
    factory = with_answers("emr", list_instance_groups=[parts], modify_instance_groups=[{}])
    wanted = {"ClusterId": "j-1", "InstanceGroupName": "tasks", "InstanceGroup": {"InstanceCount": 5}}
    done("elasticmapreduce:modifyInstanceGroupByName", wanted, aws(factory))
    assert factory.asked == [
        ("list_instance_groups", {"ClusterId": "j-1"}),
        (
            "modify_instance_groups",
            {"ClusterId": "j-1", "InstanceGroups": [{"InstanceCount": 5, "InstanceGroupId": "ig-2"}]},
        ),
    ]
    factory = with_answers(
        "emr", list_instance_fleets=[{"InstanceFleets": [{"Id": "if-1", "Name": "core"}]}],
        modify_instance_fleet=[{}],
    )  # fmt: skip
    wanted = {"ClusterId": "j-1", "InstanceFleetName": "core", "InstanceFleet": {"TargetSpotCapacity": 2}}
    done("elasticmapreduce:modifyInstanceFleetByName", wanted, aws(factory))
    assert factory.asked[-1] == (
        "modify_instance_fleet",
        {"ClusterId": "j-1", "InstanceFleet": {"TargetSpotCapacity": 2, "InstanceFleetId": "if-1"}},
    )
    execution = do(
        "elasticmapreduce:modifyInstanceFleetByName", {**wanted, "InstanceFleetName": "x"}, aws(factory)
    )
    assert execution.error.startswith("EMR.")
    assert "InstanceFleet with name 'x' does not exist in cluster 'j-1'." in execution.cause


def test_activities_are_left_to_workers():
    execution = one(activity()).start({"n": 1}, tasks=aws()).run()
    (task,) = execution.pending
    task.succeed({"done": task.input["n"]})
    assert execution.result() == {"done": 1}


@pytest.mark.parametrize("missing", ["boto3", "moto.core.base_backend"])
def test_what_to_install(missing, monkeypatch):
    from sfnbook.tasks.services import embedded

    embedded.libraries.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(sfnbook.UsageError, match=re.escape('pip install "sfnbook[aws]"')):
        aws().client("s3")
    monkeypatch.undo()
    embedded.libraries.cache_clear()


def test_what_to_install_without_any_models(monkeypatch):
    models.forget()
    monkeypatch.setitem(sys.modules, "botocore.loaders", None)
    with pytest.raises(sfnbook.UsageError, match=re.escape('pip install "sfnbook[aws]"')):
        do("aws-sdk:s3:listBuckets", {}, aws())
    monkeypatch.undo()
    models.forget()


def test_how_it_shows_itself():
    assert repr(aws()) == "aws()"
    assert repr(aws(functions={"pay": 1 and pay})).startswith("aws(functions={'pay': ")
