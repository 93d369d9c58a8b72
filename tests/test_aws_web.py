"""HTTPS endpoints: over a function that the caller passes, and never by themselves."""

import json

import pytest

import sfnbook
from sfnbook.tasks import aws
from tests.accounts import do

pytestmark = pytest.mark.usefixtures("no_network")

ENDPOINT = {
    "ApiEndpoint": "https://api.example.com/orders",
    "Method": "POST",
    "Authentication": {"ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/c/1"},
    "Headers": {"Accept": "application/json"},
    "QueryParameters": {"tag": ["a", "b c"]},
    "RequestBody": {"id": 7},
}
GATEWAY = {
    "ApiEndpoint": "abc.execute-api.us-east-1.amazonaws.com",
    "Method": "PUT",
    "Stage": "dev",
    "Path": "/orders/7",
    "Headers": {"Accept": ["text/plain", "text/html"]},
    "QueryParameters": {"full": ["yes"]},
    "RequestBody": {"paid": True},
}


def server(status=200, body='{"ok":true}'):
    """A backend over a function that keeps what it is asked and always answers the same."""
    asked = []

    def http(method, url, headers, sent):
        asked.append((method, url, headers, sent))
        return status, {"Content-Type": "application/json"}, body

    return asked, aws(http=http)


def test_an_http_endpoint_is_called():
    asked, tasks = server()
    assert do("http:invoke", ENDPOINT, tasks).result() == {
        "Headers": {"Content-Type": ["application/json"]},
        "ResponseBody": {"ok": True},
        "StatusCode": 200,
        "StatusText": "OK",
    }
    (request,) = asked
    assert request == (
        "POST",
        "https://api.example.com/orders?tag=a&tag=b+c",
        {"Accept": "application/json", "Content-Type": "application/json"},
        '{"id":7}',
    )


def test_a_body_can_be_encoded_for_a_url():
    asked, tasks = server()
    do("http:invoke", {**ENDPOINT, "Transform": {"RequestBodyEncoding": "URL_ENCODED"}}, tasks)
    assert asked[0][2]["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked[0][3] == "id=7"


def test_an_api_of_api_gateway_is_called():
    asked, tasks = server(body="plain")
    assert do("apigateway:invoke", GATEWAY, tasks).result()["ResponseBody"] == "plain"
    method, url, headers, body = asked[0]
    assert (method, body) == ("PUT", '{"paid":true}')
    assert url == "https://abc.execute-api.us-east-1.amazonaws.com/dev/orders/7?full=yes"
    assert headers["Accept"] == "text/plain,text/html"


@pytest.mark.parametrize(
    ("resource", "parameters", "error", "cause"),
    [
        ("http:invoke", ENDPOINT, "States.Http.StatusCode.404", "Not Found"),
        ("apigateway:invoke", GATEWAY, "ApiGateway.404", '{"message":"no such order"}'),
    ],
)
def test_a_status_that_is_no_success_fails(resource, parameters, error, cause):
    _, tasks = server(404, '{"message":"no such order"}')
    execution = do(resource, parameters, tasks)
    assert (execution.error, execution.cause) == (error, cause)


def test_the_token_goes_with_the_request():
    asked, tasks = server()
    parameters = {**GATEWAY, "RequestBody": {"token.$": "$$.Task.Token"}}
    execution = do("apigateway:invoke.waitForTaskToken", parameters, tasks)
    assert json.loads(asked[0][3])["token"] == execution.pending[0].token


@pytest.mark.parametrize(
    ("resource", "parameters"), [("http:invoke", ENDPOINT), ("apigateway:invoke", GATEWAY)]
)
def test_nothing_is_reached_without_a_function(resource, parameters):
    with pytest.raises(sfnbook.UsageError, match="opens no connection by itself"):
        do(resource, parameters, aws())
