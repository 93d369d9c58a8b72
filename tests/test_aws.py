"""AWS services as answers: what is sent, what comes back, what fails and how it is called."""

import io
import json
import re

import pytest

import sfnbook
from sfnbook.tasks import aws, faulty, latency, worker
from tests.accounts import ACCOUNT, HERE, broken, do, done, pay, with_answers
from tests.machines import ACTIVITY, block, details, load, one, types

pytestmark = pytest.mark.usefixtures("no_network")

V1 = "{} (Service: {}; Status Code: {}; Error Code: {}; Request ID: "
V2 = "{} (Service: {}, Status Code: {}, Request ID: "


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
    from botocore.exceptions import EndpointConnectionError

    nowhere = aws(with_answers("sqs", send_message=[EndpointConnectionError(endpoint_url="https://x")]))
    execution = do("sqs:sendMessage", {"QueueUrl": "q", "MessageBody": "m"}, nowhere)
    assert (execution.error, "https://x" in execution.cause) == ("SQS.SdkClientException", True)


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


def lambda_answers(payload, **more):
    """A backend whose Lambda client answers every Invoke with this payload."""
    answer = {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(payload).encode()), **more}
    return aws(with_answers("lambda", invoke=[answer]))


def test_a_function_behind_a_client():
    invoked = done("lambda:invoke", {"FunctionName": "f", "Payload": {}}, lambda_answers({"ok": True}))
    assert invoked == {"StatusCode": 200, "Payload": {"ok": True}}
    by_arn = do(HERE.format("lambda", "function:f"), {"a": 1}, lambda_answers({"ok": True}))
    assert by_arn.result() == {"ok": True}


def test_a_function_behind_a_client_that_raises():
    raised = {"errorType": "KeyError", "errorMessage": "'n'"}
    named = {"FunctionName": "f"}
    for resource in ("lambda:invoke", HERE.format("lambda", "function:f")):
        execution = do(resource, named, lambda_answers(raised, FunctionError="Unhandled"))
        assert (execution.error, json.loads(execution.cause)) == ("KeyError", raised)
    unharmed = done("aws-sdk:lambda:invoke", named, lambda_answers(raised, FunctionError="Unhandled"))
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


def test_a_worker_in_another_branch_reads_the_queue_and_sends_the_token(account):
    url, arn = queue_url(account), "arn:aws:states:::{}".format
    message = {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}
    receive = {"m.$": "States.StringToJson($.Messages[0].Body)"}
    answer = {"TaskToken.$": "$.m.token", "Output": '{"packed":true}'}
    worker = block(
        Later={"Type": "Wait", "Seconds": 3600, "Next": "Read"},
        Read={
            "Type": "Task",
            "Resource": arn("aws-sdk:sqs:receiveMessage"),
            "Parameters": {"QueueUrl": url},
            "ResultSelector": receive,
            "Next": "Tell",
        },
        Tell={
            "Type": "Task",
            "Resource": arn("aws-sdk:sfn:sendTaskSuccess"),
            "Parameters": answer,
            "End": True,
        },
    )
    waits = {"Type": "Task", "Resource": arn("sqs:sendMessage.waitForTaskToken"), "Parameters": message}
    branches = [block(Ask={**waits, "End": True}), worker]
    execution = one({"Type": "Parallel", "Branches": branches}).start(tasks=account).run()
    assert (execution.output, execution.time) == ([{"packed": True}, {}], 3600)
    account.client("sqs").purge_queue(QueueUrl=url)


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


# --- who waits for whom ---------------------------------------------------------------------------
def told(answered):
    """A function that keeps what it was told and returns, or raises, something."""
    heard = []

    def tell(event):
        heard.append(event)
        if isinstance(answered, Exception):
            raise answered
        return answered

    return tell, heard


@pytest.mark.parametrize("answered", [None, {"sent": True}], ids=str)
def test_a_function_that_is_given_a_token_does_not_answer_for_it(answered):
    tell, heard = told(answered)
    parameters = {"FunctionName": "tell", "Payload": {"token.$": "$$.Task.Token"}}
    execution = do("lambda:invoke.waitForTaskToken", parameters, aws(functions={"tell": tell}))
    assert execution.blocked == "outside"
    submitted = details(execution.history()[-1])["output"]
    assert (submitted["Payload"], submitted["StatusCode"]) == (answered, 200)
    execution.send_task_success(heard[0]["token"], {"approved": True})
    assert execution.result() == {"approved": True}


def test_a_function_that_is_given_a_token_may_fail():
    tell, _ = told(ValueError("no"))
    parameters = {"FunctionName": "tell", "Payload": {"token.$": "$$.Task.Token"}}
    execution = do("lambda:invoke.waitForTaskToken", parameters, aws(functions={"tell": tell}))
    assert execution.error == "ValueError"


@pytest.mark.parametrize(
    "over", [lambda account: account, lambda account: {"*": faulty(account, latency(9))}]
)
def test_an_activity_is_left_to_who_polls_it(over):
    execution = one({"Type": "Task", "Resource": ACTIVITY}).start({"n": 1}, tasks=over(aws())).run()
    assert execution.blocked == "outside"
    work = execution.get_activity_task(ACTIVITY, "Ann")
    assert work["input"] == {"n": 1}
    execution.send_task_success(work["taskToken"], {"n": 2})
    assert execution.result() == {"n": 2}
    worked = one({"Type": "Task", "Resource": ACTIVITY}).start(tasks={"S": worker(lambda _: 3), "*": aws()})
    assert worked.result() == 3
