"""AWS services as answers: what is sent, what comes back, what fails and how it is called."""

import itertools
import json
import os
import pickle
import re
import socket
import subprocess
import sys

import pytest

import sfnbook
from sfnbook.tasks import Call, aws, models
from sfnbook.tasks.resources import SDK_ERROR_PREFIXES, parse_resource
from sfnbook.tasks.services import casing, failures
from tests.machines import details, load, one, types

ACCOUNT = "123456789012"
HERE = f"arn:aws:{{}}:us-east-1:{ACCOUNT}:{{}}"
V1 = "{} (Service: {}; Status Code: {}; Error Code: {}; Request ID: "
V2 = "{} (Service: {}, Status Code: {}, Request ID: "


def do(resource, parameters, tasks, **more):
    """Run the one Task S to its end."""
    arn = resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}"
    state = {"Type": "Task", "Resource": arn, "Parameters": parameters, **more}
    return one(state).start(tasks=tasks).run()


def done(resource, parameters, tasks, **more):
    """The result, without what every response of an optimized integration has."""
    result = do(resource, parameters, tasks, **more).result()
    return {name: value for name, value in result.items() if not name.startswith("Sdk")}


def pay(event):
    return {"paid": event}


def broken(event):
    raise ValueError("no funds")


@pytest.fixture(scope="module")
def account():
    """One account with a table, a queue, topics, a bucket and a secret in it."""
    account = aws(functions={"pay": pay, HERE.format("lambda", "function:broken"): broken})
    account.client("dynamodb").create_table(
        TableName="Orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    account.client("sqs").create_queue(QueueName="Jobs")
    account.client("sns").create_topic(Name="News")
    account.client("s3").create_bucket(Bucket="files")
    account.client("secretsmanager").create_secret(Name="key", SecretString="s3cret")
    return account


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nobody opens a connection, in any test of this file."""

    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def queue_url(account):
    return account.client("sqs").get_queue_url(QueueName="Jobs")["QueueUrl"]


# --- DynamoDB -------------------------------------------------------------------------------------
ORDER = {"id": {"S": "7"}, "count": {"N": "1"}}
KEY = {"id": {"S": "7"}}


def test_an_item_is_put_read_updated_and_deleted(account):
    table = {"TableName": "Orders"}
    done("dynamodb:putItem", {**table, "Item": ORDER}, account)
    assert done("dynamodb:getItem", {**table, "Key": KEY}, account) == {"Item": ORDER}
    updated = done(
        "dynamodb:updateItem",
        {
            **table,
            "Key": KEY,
            "UpdateExpression": "SET #c = #c + :one",
            "ConditionExpression": "#c = :one",
            "ExpressionAttributeNames": {"#c": "count"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
        account,
    )
    assert updated["Attributes"]["count"] == {"N": "2"}
    queried = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "7"}}}
    assert done("aws-sdk:dynamodb:query", {**table, **queried}, account)["Count"] == 1
    done("dynamodb:deleteItem", {**table, "Key": KEY}, account)
    assert done("aws-sdk:dynamodb:getItem", {**table, "Key": KEY}, account) == {}


def test_a_conditional_update_that_does_not_hold_can_be_caught(account):
    parameters = {
        "TableName": "Orders",
        "Key": {"id": {"S": "none"}},
        "UpdateExpression": "SET paid = :yes",
        "ConditionExpression": "attribute_exists(id)",
        "ExpressionAttributeValues": {":yes": {"BOOL": True}},
    }
    task = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:updateItem", "Parameters": parameters}
    catch = [{"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Next": "New"}]
    machine = load({"S": {**task, "Catch": catch, "End": True}, "New": {"Type": "Succeed"}})
    assert machine.start(tasks=account).result()["Cause"].startswith("The conditional request failed (Serv")


# --- what fails: error names and causes as AWS was recorded ----------------------------------------
NULL_ITEM = (
    "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null"
)
STARTING = "The Parameters '{}' could not be used to start the Task: [{}]"
FAILURES = {
    "a missing table": (
        "dynamodb:putItem", {"TableName": "None", "Item": ORDER}, "DynamoDB.ResourceNotFoundException",
        V1.format("Requested resource not found", "AmazonDynamoDBv2", 400, "ResourceNotFoundException"),
    ),
    "a required member that is null": (
        "dynamodb:putItem", {"TableName": "Orders", "Item": None}, "DynamoDB.AmazonDynamoDBException",
        V1.format(NULL_ITEM, "AmazonDynamoDBv2", 400, "ValidationException"),
    ),
    "no message": (
        "sqs:sendMessage", {"QueueUrl": "q", "MessageBody": None}, "SQS.AmazonSQSException",
        V1.format(
            "The request must contain the parameter MessageBody.", "AmazonSQS", 400, "MissingParameter"
        ),
    ),
    "a missing queue": (
        "sqs:sendMessage",
        {"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/None", "MessageBody": "m"},
        "SQS.QueueDoesNotExistException", "The specified queue does not exist",
    ),
    "a missing topic": (
        "sns:publish", {"TopicArn": HERE.format("sns", "None"), "Message": "m"}, "SNS.NotFoundException",
        "",
    ),
    "a missing machine": (
        "states:startExecution", {"StateMachineArn": HERE.format("states", "stateMachine:None")},
        "StepFunctions.StateMachineDoesNotExistException",
        V1.format(
            f"State Machine Does Not Exist: '{HERE.format('states', 'stateMachine:None')}'",
            "AWSStepFunctions", 400, "StateMachineDoesNotExist",
        ),
    ),
    "a missing function": (
        "lambda:invoke", {"FunctionName": HERE.format("lambda", "function:None"), "Payload": {}},
        "Lambda.ResourceNotFoundException",
        V1.format(
            f"Function not found: {HERE.format('lambda', 'function:None')}:$LATEST",
            "AWSLambda", 404, "ResourceNotFoundException",
        ),
    ),
    "a missing function by its ARN": (
        HERE.format("lambda", "function:None"), {}, "Lambda.ResourceNotFoundException",
        f"Function not found: {HERE.format('lambda', 'function:None')}:$LATEST (Service: AWSLambda; ",
    ),
    "an event without a source": (
        "events:putEvents", {"Entries": [{"DetailType": "d", "Detail": {"a": 1}}]}, "EventBridge.FailedEntry",
        '{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter Source',
    ),
    "a missing key": (
        "aws-sdk:s3:getObject", {"Bucket": "files", "Key": "none"}, "S3.NoSuchKeyException",
        V2.format("The specified key does not exist.", "S3", 404),
    ),
    "a missing bucket": (
        "aws-sdk:s3:listObjects", {"Bucket": "none"}, "S3.NoSuchBucketException",
        V2.format("The specified bucket does not exist", "S3", 404),
    ),
    "a missing secret": (
        "aws-sdk:secretsmanager:getSecretValue", {"SecretId": "none"},
        "SecretsManager.ResourceNotFoundException",
        V2.format("Secrets Manager can't find the specified secret.", "SecretsManager", 404),
    ),
    "a missing table, by aws-sdk": (
        "aws-sdk:dynamodb:getItem", {"TableName": "None", "Key": KEY}, "DynamoDb.ResourceNotFoundException",
        V2.format("Requested resource not found", "DynamoDb", 400),
    ),
    "an error that the model calls a Fault": (
        "aws-sdk:rds:describeDBInstances", {"DbInstanceIdentifier": "none"},
        "Rds.DbInstanceNotFoundException", V2.format("DBInstance none not found.", "Rds", 404),
    ),
    "an error that no model knows": (
        "aws-sdk:iam:getUser", {"UserName": "none"}, "Iam.NoSuchEntityException", "",
    ),
    "a number for a text": (
        "dynamodb:putItem", {"TableName": "Orders", "Item": {"id": {"S": 7}}}, "States.Runtime",
        STARTING.format(
            '{"TableName":"Orders","Item":{"id":{"S":7}}}', "The value for the field 'S' must be a STRING"
        ),
    ),
    "a number for a Payload": (
        "lambda:invoke", {"FunctionName": "pay", "Payload": 1}, "States.Runtime",
        STARTING.format(
            '{"FunctionName":"pay","Payload":1}', "The value for the field 'Payload' must be a STRING"
        ),
    ),
    "an unknown field": (
        "aws-sdk:dynamodb:getItem", {"Tablename": "Orders", "Key": KEY}, "States.Runtime",
        STARTING.format(
            '{"Tablename":"Orders","Key":{"id":{"S":"7"}}}',
            """The field "Tablename" is not supported by Step Functions. Did you mean 'TableName'?""",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES.values(), ids=list(FAILURES))
def test_how_a_failure_is_called(case, account):
    resource, parameters, error, cause = case
    execution = do(resource, parameters, account)
    assert execution.error == error
    assert execution.cause.startswith(cause)
    if "Service: S3" in execution.cause:
        assert re.search(r"Request ID: \w+, Extended Request ID: \w+\)", execution.cause)
    assert "TaskSubmitted" not in types(execution.history())


def test_every_problem_of_the_parameters_is_told(account):
    parameters = {"TableName": ["Orders"], "Key": 1, "ConsistentRead": "yes", "Nothing": 1}
    cause = do("aws-sdk:dynamodb:getItem", parameters, account).cause
    assert cause.count("must be a ") == 3
    assert cause.endswith('The field "Nothing" is not supported by Step Functions]')


def test_a_request_that_cannot_be_sent_is_a_client_exception():
    def unreachable(service):
        client = aws().client(service)
        client.meta.events.register_first("before-send", raising)
        return client

    def raising(**_):
        from botocore.exceptions import EndpointConnectionError

        raise EndpointConnectionError(endpoint_url="https://nowhere")

    execution = do("sqs:sendMessage", {"QueueUrl": "q", "MessageBody": "m"}, aws(unreachable))
    assert (execution.error, "nowhere" in execution.cause) == ("SQS.SdkClientException", True)


def test_what_is_not_emulated_is_told_and_changes_nothing(account):
    machine = one({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:mediaconvert:listJobs"})
    execution = machine.start(tasks=account)
    with pytest.raises(sfnbook.UsageError, match="cannot do ListJobs of mediaconvert"):
        execution.run()
    assert execution.transitions[-1].kind == "TaskScheduled"


# --- Lambda ---------------------------------------------------------------------------------------
def test_functions_are_found_by_name_and_by_arn(account):
    by_name = {"FunctionName": "pay:live", "Payload": {"n": 1}}
    assert done("lambda:invoke", by_name, account)["Payload"] == {"paid": {"n": 1}}
    assert do(HERE.format("lambda", "function:pay"), {"n": 1}, account).result() == {"paid": {"n": 1}}
    assert done("aws-sdk:lambda:invoke", by_name, account)["Payload"] == '{"paid":{"n":1}}'
    failed = do("lambda:invoke", {"FunctionName": HERE.format("lambda", "function:broken:live")}, account)
    assert (failed.error, json.loads(failed.cause)["errorMessage"]) == ("ValueError", "no funds")


def invocations(payload, **more):
    """A client factory whose Lambda answers with this payload."""

    def factory(service):
        client = aws().client(service)
        answer = {"StatusCode": 200, "Payload": Body(json.dumps(payload).encode()), **more}
        client.invoke = lambda **_: answer | {"ResponseMetadata": {"HTTPStatusCode": 200}}
        return client

    return factory


class Body:
    def __init__(self, data):
        self.read = lambda: data


def test_a_function_behind_a_client():
    found = aws(invocations({"ok": True}))
    assert done("lambda:invoke", {"FunctionName": "f", "Payload": {"a": 1}}, found) == {
        "StatusCode": 200,
        "Payload": {"ok": True},
    }
    assert do(HERE.format("lambda", "function:f"), {"a": 1}, found).result() == {"ok": True}


def test_a_function_behind_a_client_that_raises():
    raised = {"errorType": "KeyError", "errorMessage": "'n'"}
    found = aws(invocations(raised, FunctionError="Unhandled"))
    for resource in ("lambda:invoke", HERE.format("lambda", "function:f")):
        execution = do(resource, {"FunctionName": "f"}, found)
        assert (execution.error, json.loads(execution.cause)) == ("KeyError", raised)
    unharmed = done("aws-sdk:lambda:invoke", {"FunctionName": "f"}, found)
    assert unharmed["FunctionError"] == "Unhandled"


# --- messages and events --------------------------------------------------------------------------
def test_objects_become_the_text_of_a_message(account):
    sqs = account.client("sqs")
    url = queue_url(account)
    sent = done("sqs:sendMessage", {"QueueUrl": url, "MessageBody": {"id": 7}}, account)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert (message["Body"], message["MessageId"]) == ('{"id":7}', sent["MessageId"])


def test_a_message_reaches_the_subscribers_of_a_topic(account):
    sns, sqs, url = account.client("sns"), account.client("sqs"), queue_url(account)
    topic = HERE.format("sns", "News")
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=HERE.format("sqs", "Jobs"))
    done("sns:publish", {"TopicArn": topic, "Message": {"id": 7}, "Subject": "Order"}, account)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    assert json.loads(message["Body"])["Message"] == '{"id":7}'


def test_an_event_says_where_it_came_from(account):
    events, sqs, url = account.client("events"), account.client("sqs"), queue_url(account)
    events.put_rule(Name="all", EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": HERE.format("sqs", "Jobs")}])
    entry = {"Source": "shop", "DetailType": "Paid", "Detail": {"id": 7}, "Resources": ["order-7"]}
    execution = do("events:putEvents", {"Entries": [entry]}, account)
    assert execution.output.keys() == {"Entries", "FailedEntryCount"}
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    event = json.loads(message["Body"])
    assert event["detail"] == {"id": 7}
    machine = execution.arn.replace(":execution:", ":stateMachine:").rpartition(":")[0]
    assert event["resources"] == ["order-7", execution.arn, machine]


def test_a_token_goes_through_a_queue_to_a_worker(account):
    url, sqs = queue_url(account), account.client("sqs")
    message = {"order": 7, "token.$": "$$.Task.Token"}
    parameters = {"QueueUrl": url, "MessageBody": message}
    execution = do("sqs:sendMessage.waitForTaskToken", parameters, account, TimeoutSeconds=60)
    assert execution.blocked == "outside"
    submitted = details(execution.history()[-1])["output"]
    assert submitted["SdkHttpMetadata"]["HttpStatusCode"] == 200

    (received,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert received["MessageId"] == submitted["MessageId"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])
    work = json.loads(received["Body"])
    execution.send_task_success(work["token"], {"packed": work["order"]})
    assert execution.result() == {"packed": 7}


# --- aws-sdk --------------------------------------------------------------------------------------
def test_an_object_is_stored_and_read(account):
    done("aws-sdk:s3:putObject", {"Bucket": "files", "Key": "a", "Body": {"Dict": "Value"}}, account)
    read = done("aws-sdk:s3:getObject", {"Bucket": "files", "Key": "a"}, account)
    assert read["Body"] == '{"Dict":"Value"}'
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", read["LastModified"])
    assert read["ContentLength"] == 16
    assert not any(name.startswith(("Sdk", "Response")) for name in read)


def test_a_secret_is_read(account):
    read = done("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "key"}, account)
    assert (read["Name"], read["SecretString"]) == ("key", "s3cret")


def test_timestamps_are_sent_as_text(account):
    day = {"StartTime": "2025-01-01T00:00:00Z", "EndTime": "2025-01-02T00:00:00Z", "Period": 60}
    metric = {"Namespace": "Shop", "MetricName": "Orders", "Statistics": ["Sum"]}
    found = done("aws-sdk:cloudwatch:getMetricStatistics", {**metric, **day}, account)
    assert found == {"Label": "Orders", "Datapoints": []}


def test_optimized_integrations_have_the_metadata_of_the_request(account):
    result = do("dynamodb:getItem", {"TableName": "Orders", "Key": KEY}, account).result()
    http = result["SdkHttpMetadata"]
    assert http["HttpStatusCode"] == 200
    assert http["AllHttpHeaders"] == {name: [value] for name, value in http["HttpHeaders"].items()}
    assert result["SdkResponseMetadata"]["RequestId"] == http["HttpHeaders"]["x-amzn-requestid"]


# --- the models of all services --------------------------------------------------------------------
def all_operations():
    """(the service's aws-sdk name, its model) of every service; models of AWS come from botocore."""
    from botocore.model import ServiceModel

    for name, service in models.services().items():
        yield name, ServiceModel(models.load(service), service)


SOME = "batch cognitoidentityprovider cloudwatchlogs dynamodb ecs eventbridge glue kms rds s3 sfn sns sqs ssm"


def test_every_operation_of_every_service_is_found_by_its_arn():
    seen = 0
    for name, model in all_operations():
        for operation in model.operation_names:
            arn = f"arn:aws:states:::aws-sdk:{name}:{models.action(operation)}"
            found = models.operation(parse_resource(arn))
            assert found is not None, arn
            assert found.name == operation
            seen += 1
        models.load.cache_clear()  # hundreds of models are hundreds of megabytes
    assert seen > 9000


def test_a_service_is_called_in_arns_as_its_class_in_errors():
    known = models.services()
    for name in SOME.split():
        service_id = models.load(known[name])["metadata"]["serviceId"]
        assert failures.class_name(service_id).lower() == name
        if name in SDK_ERROR_PREFIXES:
            assert failures.class_name(service_id) == SDK_ERROR_PREFIXES[name]


def example(shape, depth=3):
    """A value in the form of the API that fits a shape, with every member."""
    kind = shape.type_name
    if depth == 0:
        return {"structure": {}, "map": {}, "list": []}.get(kind)
    if kind == "structure":
        found = {name: example(member, depth - 1) for name, member in shape.members.items()}
        return {name: value for name, value in found.items() if value is not None}
    if kind in {"list", "map"}:
        inner = example(shape.member if kind == "list" else shape.value, depth - 1)
        return None if inner is None else [inner] if kind == "list" else {"aKey": inner}
    values = {"string": "text", "boolean": True, "blob": b"bytes", "integer": 1, "long": 2, "double": 0.5}
    return {**values, "float": 0.5}.get(kind)


@pytest.mark.parametrize("sdk", [True, False])
@pytest.mark.parametrize("name", SOME.split())
def test_parameters_go_out_as_responses_come_in(name, sdk):
    """Casing loses nothing: what is shown in Step Functions' form is sent in the API's again."""
    from botocore.model import ServiceModel

    service = models.services()[name]
    model = ServiceModel(models.load(service), service)
    for operation in itertools.islice(model.operation_names, 60):
        shape = model.operation_model(operation).input_shape
        if shape is None:
            continue
        given = example(shape)
        shown = casing.response(shape, given, sdk=sdk)
        request = casing.Request(sdk=sdk)
        assert request.build(shape, shown) == given, operation
        assert request.problems == []


# --- only our own clients --------------------------------------------------------------------------
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
    ids=lambda value: str(value)[:40],
)
def test_misuse(arguments, advice):
    with pytest.raises(sfnbook.UsageError, match=re.escape(advice)):
        aws(**arguments)


def test_no_api_behind_a_resource(account):
    call = Call("S", "S", "arn:aws:states:::eks:call", {})
    with pytest.raises(sfnbook.UsageError, match="No AWS API is known behind"):
        account.call(call)
    with pytest.raises(sfnbook.UsageError, match="workers answer for it"):
        account.call(call._replace(resource="arn:aws:states:us-east-1:111111111111:activity:work"))


@pytest.mark.parametrize("missing", ["boto3", "moto.core.base_backend"])
def test_what_to_install(missing, monkeypatch):
    from sfnbook.tasks.services import embedded

    embedded.libraries.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(sfnbook.UsageError, match=re.escape('pip install "sfnbook[aws]"')):
        aws().client("s3")
    monkeypatch.undo()
    embedded.libraries.cache_clear()


def test_how_it_shows_itself():
    assert repr(aws()) == "aws()"
    assert repr(aws(functions={"pay": 1 and pay})).startswith("aws(functions={'pay': ")
