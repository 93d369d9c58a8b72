"""Mocked results against the shapes of the services' answers: the table, and botocore's models."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.tasks import models, shapes
from sfnbook.tasks.resources import parse_resource
from sfnbook.teststate import mocks as teststate_mocks

JOB = {
    "ExecutionArn": "a",
    "StateMachineArn": "m",
    "Status": "SUCCEEDED",
    "StartDate": "2025-01-01T00:00:00Z",
}
SHAPES = {
    "no required field": ("states:startExecution", {}, "Required field 'ExecutionArn' is missing"),
    "required only when strict": (
        "states:startExecution",
        {"executionArn": "a"},
        "Required field 'ExecutionArn' is",
    ),
    "unknown field": ("sqs:sendMessage", {"Other": 1}, None),
    "null": ("sqs:sendMessage", {"MessageId": None}, None),
    "string": ("sqs:sendMessage", {"MessageId": 7}, "Field 'MessageId' must be a string"),
    "number": ("lambda:invoke", {"StatusCode": "200"}, "Field 'StatusCode' must be a number"),
    "number is no flag": ("lambda:invoke", {"StatusCode": True}, "Field 'StatusCode' must be a number"),
    "flag": ("aws-sdk:s3:getObject", {"DeleteMarker": "no"}, "Field 'DeleteMarker' must be a boolean"),
    "array": ("events:putEvents", {"Entries": "x"}, "Field 'Entries' must be an array"),
    "inside an array": (
        "events:putEvents",
        {"Entries": [{}, {"EventId": 1}]},
        "Field 'EventId' must be a string",
    ),
    "object": ("dynamodb:putItem", {"ConsumedCapacity": 1}, "Field 'ConsumedCapacity' must be an object"),
    "inside a map": (
        "dynamodb:getItem",
        {"Item": {"a": {"M": {"b": {"S": 1}}}}},
        "Field 'S' must be a string",
    ),
    "low": (
        "aws-sdk:lambda:getFunction",
        {"Configuration": {"MemorySize": 127}},
        "is less than the minimum value",
    ),
    "high": (
        "aws-sdk:lambda:getFunction",
        {"Configuration": {"MemorySize": 10241}},
        "exceeds the maximum value",
    ),
    "short": ("aws-sdk:kms:encrypt", {"CiphertextBlob": ""}, "is smaller than the minimum length"),
    "long": ("aws-sdk:kms:encrypt", {"KeyId": "k" * 2049}, "exceeds the maximum length"),
    "enum": ("aws-sdk:s3:getObject", {"StorageClass": "Papyrus"}, "is not an expected value"),
    "payload is JSON": ("lambda:invoke", {"Payload": {"a": 1}}, None),
    "payload is text": ("aws-sdk:lambda:invoke", {"Payload": {"a": 1}}, "Field 'Payload' must be a string"),
    "callback": ("sqs:sendMessage.waitForTaskToken", "anything", None),
    "job as text": ("states:startExecution.sync", {**JOB, "Output": {}}, "Field 'Output' must be a string"),
    "job as JSON": (
        "states:startExecution.sync:2",
        {"Output": {}},
        "Required field 'ExecutionArn' is missing",
    ),
    "no service known": ("aws-sdk:nosuchservice:act", {"A": 1}, None),
    "no object": ("sqs:sendMessage", [1], "must be an object"),
}


@pytest.mark.parametrize(("resource", "result", "problem"), SHAPES.values(), ids=SHAPES)
def test_a_mocked_result_has_the_form_of_the_service_s_answer(resource, result, problem):
    call = parse_resource(f"arn:aws:states:::{resource}")
    required = problem is not None and problem.startswith("Required")
    expected = {"STRICT": problem, "PRESENT": None if required else problem, "NONE": None}
    for mode, words in expected.items():
        if words is None:
            teststate_mocks.check_result(call, result, mode)
            continue
        with pytest.raises(teststate_mocks.ApiError) as refused:
            teststate_mocks.check_result(call, result, mode)
        assert refused.value.message.startswith("Mock result schema validation error: ")
        assert words in refused.value.message


MODEL = {
    "operations": {"GetTree": {"output": {"shape": "Tree"}}, "Drop": {}},
    "shapes": {
        "Tree": {"type": "structure", "required": ["name"], "members": {
            "name": {"shape": "Name"}, "size": {"shape": "Size"}, "left": {"shape": "Tree"},
            "kinds": {"shape": "Kinds"}, "tags": {"shape": "Tags"}, "nested": {"shape": "Nested"}}},
        "Name": {"type": "string", "min": 2, "max": 4},
        "Size": {"type": "long", "min": 0},
        "Kind": {"type": "string", "enum": ["A", "B"]},
        "Kinds": {"type": "list", "member": {"shape": "Kind"}},
        "Tags": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Size"}},
        "Nested": {"type": "list", "member": {"shape": "Nested"}},
    },
}  # fmt: skip
OF_MODEL = {
    "fits": ({"Name": "oak", "Left": {"Name": "fir"}, "Nested": [[[]]]}, None),
    "missing": ({"Size": 1}, "Required field 'Name' is missing"),
    "missing inside": ({"Name": "oak", "Left": {}}, "Required field 'Name' is missing"),
    "short": ({"Name": "o"}, "Field 'Name' is smaller than the minimum length"),
    "long": ({"Name": "maple"}, "Field 'Name' exceeds the maximum length"),
    "low": ({"Name": "oak", "Size": -1}, "Field 'Size' is less than the minimum value"),
    "enum": ({"Name": "oak", "Kinds": ["A", "C"]}, "Field 'Kinds' is not an expected value"),
    "map": ({"Name": "oak", "Tags": {"t": "x"}}, "Field 't' must be a number"),
}


@pytest.mark.parametrize(("result", "problem"), OF_MODEL.values(), ids=OF_MODEL)
def test_a_service_model_becomes_a_shape(result, problem):
    shape = shapes.shape_of(MODEL, "getTree")
    assert teststate_mocks.problem(result, shape) == problem


def test_an_operation_without_output_takes_any_object_and_an_unknown_one_has_no_shape():
    assert shapes.shape_of(MODEL, "drop") == shapes.structure()
    assert shapes.shape_of(MODEL, "nothing") is None


class Loader:
    """Stands for botocore's, with one service."""

    BUILTIN_DATA_PATH = "models"

    def __init__(self, extra_search_paths, *, include_default_search_paths):
        assert (extra_search_paths, include_default_search_paths) == (["models"], False)

    def list_available_services(self, _kind):
        return ["tree-house"]

    def load_service_model(self, name, _kind):
        assert name == "tree-house"
        return MODEL


@pytest.fixture
def fresh():
    _forget()
    yield
    _forget()


def _forget():
    models.forget()
    shapes.model_shape.cache_clear()


def test_botocore_s_models_are_used_where_they_are_installed(monkeypatch, fresh):
    monkeypatch.setitem(sys.modules, "botocore.loaders", SimpleNamespace(Loader=Loader))
    monkeypatch.setitem(sys.modules, "botocore", SimpleNamespace())
    shape = shapes.output_shape(parse_resource("arn:aws:states:::aws-sdk:treehouse:getTree"))
    assert teststate_mocks.problem({}, shape) == "Required field 'Name' is missing"
    assert shapes.output_shape(parse_resource("arn:aws:states:::aws-sdk:other:getTree")) is None


def test_without_botocore_only_the_table_is_checked(monkeypatch, fresh):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(models, "import_module", absent)
    assert shapes.output_shape(parse_resource("arn:aws:states:::aws-sdk:ec2:describeInstances")) is None
    assert shapes.output_shape(parse_resource("arn:aws:states:::sqs:sendMessage")) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("SNML"), inner, max_size=3),
    max_leaves=6,
)


@given(value=JSON)
def test_any_json_passes_any_shape_or_names_a_field(value):
    shape = shapes.OUTPUTS["dynamodb:putItem"]
    problem = teststate_mocks.problem({"Attributes": value}, shape)
    assert problem is None or problem.startswith("Field '")
