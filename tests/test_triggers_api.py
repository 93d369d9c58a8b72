"""The SDK and API Gateway: names, inputs, idempotence, mappings and responses."""

from __future__ import annotations

import json

import pytest

import sfnbook
from sfnbook import UsageError
from sfnbook.tasks import never
from sfnbook.triggers import HttpApi, RestApi, Sdk
from tests.machines import LAMBDA, load

ECHO = load({"A": {"Type": "Pass", "End": True}})
WAITS = load({"A": {"Type": "Wait", "Seconds": 60, "End": True}})
FAILS = load({"A": {"Type": "Fail", "Error": "Odd", "Cause": "why"}})


# --- the SDK ------------------------------------------------------------------------------------------
NAMES = {
    "a b": "InvalidName", "a<b": "InvalidName", "a*": "InvalidName", "a/b": "InvalidName", "a\x07": "InvalidName",
    "a,b": "InvalidName", "": "ValidationException", "a" * 81: "ValidationException",
}  # fmt: skip


@pytest.mark.parametrize(("name", "code"), NAMES.items(), ids=map(repr, NAMES))
def test_names_that_aws_refuses(name, code):
    with pytest.raises(UsageError) as refused:
        Sdk(ECHO).start_execution(name=name)
    assert refused.value.code == code


INPUTS = {
    "{'a': 1}": "InvalidExecutionInput",
    "": "InvalidExecutionInput",
    "NaN": "InvalidExecutionInput",
    json.dumps("x" * 262_144): "InvalidExecutionInput",
}


@pytest.mark.parametrize(("given", "code"), INPUTS.items(), ids=["quotes", "empty", "NaN", "too long"])
def test_inputs_that_aws_refuses(given, code):
    with pytest.raises(UsageError) as refused:
        Sdk(ECHO).start_execution(input=given)
    assert refused.value.code == code


def test_an_input_is_text():
    with pytest.raises(UsageError, match=r"json.dumps\({'a': 1}\)"):
        Sdk(ECHO).start_execution(input={"a": 1})


def test_the_same_name_and_input_give_the_execution_that_runs():
    sdk = Sdk(WAITS)
    first = sdk.start_execution(name="n", input='{"a": 1}')
    assert sdk.start_execution(name="n", input='{"a":1}') is first
    with pytest.raises(UsageError, match="ExecutionAlreadyExists"):
        sdk.start_execution(name="n", input='{"a":2}')
    first.run()
    with pytest.raises(UsageError, match="ExecutionAlreadyExists"):
        sdk.start_execution(name="n", input='{"a":1}')
    later = sdk.start_execution(name="n", input='{"a":1}', start_time="2025-04-02T00:00:00Z")
    assert later is not first


def test_express_executions_may_share_a_name():
    sdk = Sdk(ECHO, type="EXPRESS")
    assert sdk.start_execution(name="n") is not sdk.start_execution(name="n")


def test_each_call_without_a_name_has_one_of_its_own():
    sdk = Sdk(ECHO)
    one, other = sdk.start_execution(), sdk.start_execution()
    assert one.name != other.name
    assert one.input == {}
    assert str(one.step().why) == "Started by StartExecution, with a name of its own."


def test_the_machine_must_exist():
    assert Sdk(ECHO).start_execution(stateMachineArn=ECHO.arn).status == "RUNNING"
    with pytest.raises(UsageError, match="StateMachineDoesNotExist"):
        Sdk(ECHO).start_execution(stateMachineArn="arn:aws:states:us-east-1:1:stateMachine:other")


def test_a_synchronous_start_is_for_express():
    with pytest.raises(UsageError, match="StateMachineTypeNotSupported"):
        Sdk(ECHO).start_sync_execution()
    run = Sdk(ECHO, type="EXPRESS").start_sync_execution(input='{"a": 1}')
    assert (run.status, run.output) == ("SUCCEEDED", {"a": 1})


# --- API Gateway --------------------------------------------------------------------------------------
TEMPLATE = """
#set($data = $util.escapeJavaScript($input.json('$')).replaceAll("\\\\'", "'"))
{"input": "$data", "name": "$input.params('id')", "stateMachineArn": "ARN"}
""".replace("ARN", ECHO.arn)


def test_a_rest_api_starts_an_execution():
    api = RestApi(ECHO, template=TEMPLATE)
    response = api.request(
        {"note": 'it\'s "7"'}, query={"id": "order-7"}, path="/orders", time="2025-01-01T00:00:10Z"
    )
    assert response.status == 200
    assert response.body == {"executionArn": response.execution.arn, "startDate": 1735689610.0}
    assert response.execution.name == "order-7"
    assert response.execution.result() == {"note": 'it\'s "7"'}
    why = response.execution.transitions[0].why
    assert why.text == (
        "Started by StartExecution, called by API Gateway for POST /orders; the mapping template made its arguments."
    )
    assert "query id=order-7" in why.rows


def test_a_quote_that_nobody_puts_right_is_refused_with_advice():
    api = RestApi(ECHO, template='{"input": "$util.escapeJavaScript($input.body)"}')
    response = api.request({"note": "it's"})
    assert (response.status, response.execution) == (400, None)
    assert "SerializationException" in response.body["__type"]
    assert "replaceAll" in response.body["message"]


def test_refusals_of_step_functions_are_answers():
    api = RestApi(ECHO)
    refused = api.request({"input": "{}", "name": "a b"})
    assert (refused.status, refused.body["message"]) == (400, "Invalid Name: 'a b'")
    bare = RestApi(ECHO, responses={})
    assert bare.request({"input": "{}", "name": "a b"}).status == 200
    assert RestApi(ECHO).request("[1]").status == 400


def test_a_synchronous_api_answers_with_the_output_or_the_error():
    template = '{"input": "$util.escapeJavaScript($input.json(\'$\'))"}'
    good = RestApi(ECHO, "StartSyncExecution", template=template).request({"a": 1})
    assert (good.body["status"], good.body["output"]) == ("SUCCEEDED", '{"a":1}')
    assert good.body["billingDetails"]["billedDurationInMilliseconds"] == 100
    bad = RestApi(FAILS, "StartSyncExecution", template=template).request({})
    assert (bad.status, bad.body["status"], bad.body["error"], bad.body["cause"]) == (
        200,
        "FAILED",
        "Odd",
        "why",
    )


def test_a_response_template_may_choose_the_status():
    answer = """
#set($found = $util.parseJson($input.body))
#if($found.status == "FAILED")#set($context.responseOverride.status = 422){"error": "$found.error"}
#else$found.output#end
"""
    api = {"response_template": answer, "template": '{"input": "{}"}'}
    failed = RestApi(FAILS, "StartSyncExecution", **api).request()
    assert (failed.status, failed.body) == (422, {"error": "Odd"})
    assert RestApi(ECHO, "StartSyncExecution", **api).request().body == {}


def test_a_standard_machine_has_no_synchronous_start():
    response = RestApi(ECHO, "StartSyncExecution", type="STANDARD").request({"input": "{}"})
    assert response.status == 400
    assert "StateMachineTypeNotSupported" in response.body["__type"]


def test_an_http_api_maps_parameters():
    parameters = {
        "StateMachineArn": ECHO.arn,
        "Input": "$request.body.order",
        "Name": "o-${request.querystring.id}",
    }
    response = HttpApi(ECHO, parameters=parameters).request({"order": {"id": 7}}, query={"id": "7"})
    assert (response.execution.name, response.execution.input) == ("o-7", {"id": 7})
    assert response.execution.step().why.text.endswith("its parameter mapping made the arguments.")


MAPPED = {
    "$request.body": '{"a":{"b":1}}', "$request.body.a": '{"b":1}', "$request.header.X-Id": "h",
    "$request.path.id": "p", "$request.querystring.q": "1", "$context.stage": "$default",
    "$stageVariables.v": "s", "${request.path.id}-${stageVariables.v}": "p-s", "plain": "plain",
}  # fmt: skip


@pytest.mark.parametrize(("mapping", "value"), MAPPED.items(), ids=MAPPED)
def test_what_an_http_api_can_read(mapping, value):
    from sfnbook.triggers.apigateway import Request

    api = HttpApi(ECHO, parameters={"Input": mapping})
    request = Request(
        {"a": {"b": 1}},
        headers={"x-id": "h"},
        query={"q": "1"},
        path_parameters={"id": "p"},
        stage_variables={"v": "s"},
    )
    assert api._mapped(mapping, request, api._context(request)) == value


def test_what_an_http_api_refuses():
    with pytest.raises(UsageError, match="Did you mean 'Input'"):
        HttpApi(ECHO, parameters={"Inputs": "$request.body"})
    with pytest.raises(UsageError, match=r"Did you mean 'request\.body'"):
        HttpApi(ECHO, parameters={"Input": "${reqest.body}"})
    with pytest.raises(UsageError, match="action='Start'"):
        HttpApi(ECHO, "Start", parameters={})
    with pytest.raises(UsageError, match="Did you mean 'headers'"):
        HttpApi(ECHO, parameters={}).request(header={})
    with pytest.raises(
        UsageError, match=r"calls \.jsn\(\) of one of API Gateway's own objects\. Did you mean 'json'"
    ):
        RestApi(ECHO, template="$input.jsn('$')").request({})
    assert repr(HttpApi(ECHO, parameters={})) == "<HttpApi of 'StateMachine': StartExecution, stage $default>"
    bad = HttpApi(ECHO, parameters={"Input": "$request.body"}).request("no JSON")
    assert (bad.status, list(bad.body)) == (400, ["message"])


def test_a_synchronous_api_with_an_unanswered_task_asks():
    task = load({"A": {"Type": "Task", "Resource": LAMBDA, "End": True}})
    api = HttpApi(task, "StartSyncExecution", parameters={"Input": "{}"})
    with pytest.raises(sfnbook.UnansweredTask):
        api.request()
    answered = HttpApi(task, "StartSyncExecution", parameters={"Input": "{}"}, tasks={"A": 5})
    assert answered.request().body["output"] == "5"
    late = HttpApi(task, "StartSyncExecution", parameters={"Input": "{}"}, tasks={"A": never()})
    assert late.request().body["status"] == "TIMED_OUT"
