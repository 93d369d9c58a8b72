"""The TestState API: requests that are refused, statuses, the stages shown, mocks against shapes."""

from __future__ import annotations

import importlib
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook import teststate

CASES = (Path(__file__).resolve().parents[1] / "../shared/conformance").resolve()

SQS = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Next": "After"}
TOKEN = {**SQS, "Resource": SQS["Resource"] + ".waitForTaskToken"}
INNER = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
MAP = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": INNER, "Next": "After"}
DISTRIBUTED = {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
READING = {
    "Type": "Map",
    "ItemProcessor": DISTRIBUTED,
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "b", "Key": "k"},
    },
    "End": True,
}
PARALLEL = {"Type": "Parallel", "Branches": [INNER], "End": True}
BOOM = {"errorOutput": {"error": "Boom", "cause": "bang"}}
OK = {"result": {"MessageId": "1"}}
DEEP = {"Type": "Pass", "Output": "{% $states.input.n + 1 %}", "End": True}
ASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
MACHINE = {
    "QueryLanguage": "JSONata",
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "Deep", "States": {"Deep": DEEP}},
            "Next": "Ask",
        },
        "Ask": {**ASK, "Arguments": {"FunctionName": "f", "Payload": 1}},
    },
}


def run(state, value=None, **request):
    return teststate.test_state(state, None, value, **request)


def shown(state, value=None, **request):
    """inspectionData with its JSON text parsed."""
    data = run(state, value, **request)["inspectionData"]
    return {name: json.loads(value) if isinstance(value, str) else value for name, value in data.items()}


# --- requests that are refused ------------------------------------------------------------------------
VALIDATION, PARAMETER, DEFINITION = "ValidationException", "ParamValidationError", "InvalidDefinition"
PASS = {"Type": "Pass", "End": True}


def configured(**fields):
    return {"state_configuration": fields}


def in_context(**fields):
    return {"mock": OK, "context": fields}


REFUSED = {
    "name empty": (SQS, {"name": ""}, PARAMETER, "Invalid length for parameter stateName"),
    "name long": (SQS, {"name": "x" * 81}, VALIDATION, "less than or equal to 80"),
    "name unknown": (MACHINE, {"name": "Nope"}, VALIDATION, "State not found in definition"),
    "level": (SQS, {"inspection_level": "LOUD"}, VALIDATION, "[INFO, DEBUG, TRACE]"),
    "mock of both": (SQS, {"mock": {**OK, **BOOM}}, VALIDATION, "only one of the following fields"),
    "mock of nothing": (SQS, {"mock": {}}, VALIDATION, "only one of the following fields"),
    "mock misspelled": (SQS, {"mock": {"results": 1}}, PARAMETER, '"results", must be one of'),
    "mock no object": (
        SQS,
        {"mock": {"errorOutput": "E"}},
        PARAMETER,
        "Invalid type for parameter mock.errorOutput",
    ),
    "mode": (SQS, {"mock": {**OK, "fieldValidationMode": "SOME"}}, VALIDATION, "fieldValidationMode"),
    "mock no JSON": (SQS, {"mock": {"result": {1, 2}}}, VALIDATION, "Mocked result must be valid JSON"),
    "mock on Pass": (PASS, {"mock": OK}, VALIDATION, "State type 'Pass' is not supported when"),
    "secrets": (SQS, {"mock": OK, "reveal_secrets": True}, VALIDATION, "RevealSecrets when a mock is"),
    "no role": (SQS, {}, VALIDATION, "RoleArn must be specified"),
    "Map alone": (MAP, {}, DEFINITION, "does not support Map or Parallel"),
    "Map of no list": (MAP, {"mock": {"result": {}}}, VALIDATION, "must be an array."),
    "Map that exports a list": (
        {
            **READING,
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}},
        },
        {"mock": {"result": []}},
        VALIDATION,
        "must be a JSON object.",
    ),
    "Parallel of no list": (PARALLEL, {"mock": {"result": {}}}, VALIDATION, "must be an array."),
    "Parallel of too few": (PARALLEL, {"mock": {"result": []}}, VALIDATION, "number of Parallel branches"),
    "configuration alone": (
        SQS,
        configured(retrierRetryCount=1),
        VALIDATION,
        "TestState does not support RetrierRetryCount when a mock is not specified.",
    ),
    "configuration negative": (
        SQS,
        {"mock": OK, **configured(retrierRetryCount=-1)},
        PARAMETER,
        "stateConfiguration.retrierRetryCount, value: -1, valid min value: 0",
    ),
    "context alone": (SQS, {"context": {}}, VALIDATION, "does not support Context when a mock"),
    "context no object": (SQS, {"mock": OK, "context": []}, VALIDATION, "it must be a JSON object"),
    "context unknown": (SQS, in_context(A=1), VALIDATION, "Field 'A' is not allowed"),
    "context unknown inside": (SQS, in_context(State={"B": 1}), VALIDATION, "Field 'B' is not allowed"),
    "context of the wrong type": (
        SQS,
        in_context(State={"Name": 1}),
        VALIDATION,
        "Field 'Name' must be a string",
    ),
    "context of a Map": (SQS, in_context(Map={}), VALIDATION, "'Map' field is not supported"),
    "token for no callback": (
        SQS,
        in_context(Task={"Token": "t"}),
        VALIDATION,
        "Field 'Task' is not allowed",
    ),
    "cause from nowhere": (
        MAP,
        {"mock": BOOM, **configured(errorCausedByState="X")},
        VALIDATION,
        "State not found",
    ),
    "more failures than items": (
        MAP,
        {"mock": {"result": [1]}, "input": {"items": [1]}, **configured(mapIterationFailureCount=2)},
        VALIDATION,
        "less than or equal to the number of Map iterations",
    ),
    "definition": (
        {"Type": "Parallel", "Branches": [], "End": True},
        {"mock": {"result": []}},
        DEFINITION,
        "'SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/StateName/Branches'",
    ),
    "machine without a name": (MACHINE, {}, DEFINITION, "These fields are required: [Type]"),
    "text that is no JSON": ("{", {}, DEFINITION, "INVALID_JSON_DESCRIPTION"),
}


@pytest.mark.parametrize(("definition", "request_", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_what_the_api_refuses_has_its_code_and_words(definition, request_, code, words):
    with pytest.raises(teststate.ApiError) as refused:
        teststate.test_state(definition, **request_)
    assert refused.value.code == code
    assert words in refused.value.message


def test_a_refusal_is_a_usage_error_and_pickles():
    refused = pickle.loads(pickle.dumps(teststate.ApiError("C", "m")))
    assert isinstance(refused, sfnbook.UsageError)
    assert (refused.code, refused.message, str(refused)) == ("C", "m", "C: m")


# --- status, output, next state -------------------------------------------------------------------------
RETRY = [{"ErrorEquals": ["Boom"], "IntervalSeconds": 2, "MaxAttempts": 2, "BackoffRate": 3}]
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Rescue"}]
TAKEN = {
    "retried first": ({"Retry": RETRY}, 0, "RETRIABLE", {"retryIndex": 0, "retryBackoffIntervalSeconds": 2}),
    "retried again": ({"Retry": RETRY}, 1, "RETRIABLE", {"retryIndex": 0, "retryBackoffIntervalSeconds": 6}),
    "used up": ({"Retry": RETRY}, 2, "FAILED", {"retryIndex": 0}),
    "used up and caught": (
        {"Retry": RETRY, "Catch": CATCH},
        2,
        "CAUGHT_ERROR",
        {"retryIndex": 0, "catchIndex": 0},
    ),
    "caught": ({"Catch": CATCH}, 0, "CAUGHT_ERROR", {"catchIndex": 0}),
    "nobody": ({}, 0, "FAILED", None),
}


@pytest.mark.parametrize(("policies", "count", "status", "details"), TAKEN.values(), ids=TAKEN)
@pytest.mark.parametrize("state", [SQS, MAP, PARALLEL], ids=["Task", "Map", "Parallel"])
def test_a_mocked_error_goes_through_retry_and_catch(state, policies, count, status, details):
    given = {"items": [1]}
    response = run({**state, **policies}, given, mock=BOOM, **configured(retrierRetryCount=count))
    assert (response["status"], response["error"], response["cause"]) == (status, "Boom", "bang")
    assert response["inspectionData"].get("errorDetails") == details
    if status == "CAUGHT_ERROR":
        assert response["nextState"] == "Rescue"
        assert json.loads(response["output"]) == {**given, "e": {"Error": "Boom", "Cause": "bang"}}
    else:
        assert "nextState" not in response
        assert "output" not in response


THRESHOLDS = {
    "none given": ({}, 3, "SUCCEEDED"),
    "at the count": ({"ToleratedFailureCount": 1}, 1, "SUCCEEDED"),
    "over the count": ({"ToleratedFailureCount": 1}, 2, "FAILED"),
    "zero": ({"ToleratedFailureCount": 0}, 1, "FAILED"),
    "at the share": ({"ToleratedFailurePercentage": 50}, 1, "SUCCEEDED"),
    "over the share": ({"ToleratedFailurePercentage": 50}, 2, "FAILED"),
}


@pytest.mark.parametrize(("threshold", "failures", "status"), THRESHOLDS.values(), ids=THRESHOLDS)
def test_failed_iterations_are_tolerated_up_to_the_threshold(threshold, failures, status):
    response = run(
        {**MAP, **threshold},
        {"items": [1, 2, 3]},
        mock={"result": [1, 2, 3]},
        state_configuration={"mapIterationFailureCount": failures},
    )
    assert response["status"] == status
    if status == "FAILED":
        assert response["error"] == "States.ExceedToleratedFailureThreshold"


def test_a_state_inside_a_map_is_found_and_speaks_the_language_of_the_machine():
    response = teststate.test_state(MACHINE, "Deep", {"n": 1}, inspection_level="INFO")
    assert response == {"status": "SUCCEEDED", "output": "2"}


def test_a_wait_beyond_five_minutes_times_out():
    assert run({"Type": "Wait", "Seconds": 300, "Next": "After"})["nextState"] == "After"
    response = run({"Type": "Wait", "Seconds": 301, "Next": "After"})
    assert (response["status"], response["error"]) == ("FAILED", "States.Timeout")


def test_a_path_that_finds_nothing_shows_the_stages_before_it():
    state = {**SQS, "InputPath": "$.a", "Parameters": {"x.$": "$.missing"}}
    response = run(state, {"a": {"b": 1}}, mock=OK)
    assert (response["status"], response["error"]) == ("FAILED", "States.Runtime")
    # TestState gives the bare cause: github.com/floci-io/floci/pull/2689, and the one that is recorded.
    assert response["cause"].startswith("The JSONPath '$.missing' specified for the field 'x.$' ")
    assert set(response["inspectionData"]) == {"input", "afterInputPath"}


def test_no_cause_names_an_event():
    wait = run({"Type": "Wait", "SecondsPath": "$.s", "Next": "After"}, {"s": -1})
    assert wait["cause"] == "The SecondsPath parameter references a negative value: $.s == -1"
    undefined = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Output": "{% $states.input.no %}",
        "Next": "After",
    }
    assert run(undefined)["cause"].startswith("The JSONata expression '$states.input.no' specified")


# --- what is shown --------------------------------------------------------------------------------------
JSONATA = {"QueryLanguage": "JSONata"}
BOTH = {"input", "afterInputPath", "afterParameters", "afterResultSelector", "afterResultPath"}
STAGES = {
    "Pass": ({"Type": "Pass", "End": True}, {}, BOTH),
    "Pass with a Result": (
        {"Type": "Pass", "InputPath": "$.items", "Result": 1, "End": True}, {},
        {"input", "result", "afterResultSelector", "afterResultPath"},
    ),
    "Pass in JSONata": ({"Type": "Pass", **JSONATA, "End": True}, {}, {"input"}),
    "Choice": (
        {"Type": "Choice", "Choices": [{"Variable": "$.items", "IsPresent": True, "Next": "A"}]}, {},
        {"input", "afterInputPath"},
    ),
    "Fail": ({"Type": "Fail", "Error": "E"}, {}, {"input", "afterInputPath"}),
    "Task": (SQS, {"mock": OK}, BOTH | {"result"}),
    "Task that fails": (SQS, {"mock": BOOM}, {"input", "afterInputPath", "afterParameters"}),
    "Task in JSONata": (
        {**SQS, **JSONATA, "Arguments": {"a": 1}}, {"mock": OK}, {"input", "afterArguments", "result"},
    ),
    "Parallel": (
        {**PARALLEL, "InputPath": "$.items"}, {"mock": {"result": [1]}},
        {"input", "afterResultSelector", "afterResultPath"},
    ),
    "Map that fails": (
        {**MAP, "ToleratedFailureCount": 1}, {"mock": BOOM},
        {"input", "afterInputPath", "afterItemsPath", "maxConcurrency", "toleratedFailureCount"},
    ),
    "Map over no list": (
        {**MAP, "ItemsPath": "$.more"}, {"mock": {"result": []}}, {"input", "afterInputPath"},
    ),
    "Map in JSONata": (
        {"Type": "Map", **JSONATA, "Items": "{% $states.input.items %}", "ItemProcessor": INNER, "End": True},
        {"mock": {"result": []}}, {"input", "maxConcurrency"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("state", "request_", "stages"), STAGES.values(), ids=STAGES)
def test_each_kind_of_state_shows_its_stages(state, request_, stages):
    given = {"items": [1, 2], "more": {"a": 1}}
    assert set(shown(state, given, **request_)) == stages
    assert "inspectionData" not in run(state, given, inspection_level="INFO", **request_)


def test_the_stages_hold_what_the_fields_made():
    state = {
        **SQS, "InputPath": "$.a", "Parameters": {"m.$": "$.b"}, "ResultSelector": {"id.$": "$.MessageId"},
        "ResultPath": "$.sent", "OutputPath": "$.sent",
    }  # fmt: skip
    given = {"a": {"b": 1}}
    assert shown(state, given, mock=OK) == {
        "input": given,
        "afterInputPath": {"b": 1},
        "afterParameters": {"m": 1},
        "result": {"MessageId": "1"},
        "afterResultSelector": {"id": "1"},
        "afterResultPath": {"a": {"b": 1}, "sent": {"id": "1"}},
    }


def test_random_values_are_the_same_in_the_stages_and_in_the_output():
    response = run({"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "End": True})
    assert response["output"] == response["inspectionData"]["afterParameters"]


def test_variables_are_shown_as_they_are_after_the_state():
    state = {"Type": "Pass", "Assign": {"n.$": "$.n"}, "Parameters": {"n": 2, "old.$": "$n"}, "End": True}
    response = run(state, variables={"n": 1, "kept": True})
    assert json.loads(response["inspectionData"]["variables"]) == {"n": 2, "kept": True}
    assert json.loads(response["output"]) == {"n": 2, "old": 1}


def test_a_map_shows_the_inputs_of_its_iterations():
    state = {
        **MAP,
        "ItemSelector": {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"},
        "MaxConcurrency": 3,
    }
    data = shown(state, {"items": ["x", "y"]}, mock={"result": [1, 2]})
    assert data["afterItemSelector"] == [{"v": "x", "i": 0}, {"v": "y", "i": 1}]
    assert data["maxConcurrency"] == 3


def test_a_distributed_map_shows_its_batches():
    state = {**READING, "ItemBatcher": {"MaxItemsPerBatch": 2}}
    data = shown(state, mock={"result": [1, 2]}, state_configuration={"mapItemReaderData": "[1, 2, 3]"})
    assert data["afterItemBatcher"] == [{"Items": [1, 2]}, {"Items": [3]}]


@pytest.mark.parametrize(
    ("configuration", "files", "items"),
    [
        ({"mapItemReaderData": '{"at": {"a": 1}}'}, None, {"a": 1}),
        ({"mapItemReaderData": {"at": [5, 6, 7]}}, None, [5, 6]),
        ({}, {"b/k": {"at": [8]}}, [8]),
        ({}, None, None),
    ],
    ids=["text", "value", "file", "nothing"],
)
def test_an_item_reader_reads_what_is_given(configuration, files, items):
    reader = {
        **READING["ItemReader"],
        "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/at", "MaxItems": 2},
    }
    data = shown(
        {**READING, "ItemReader": reader}, mock={"result": []}, state_configuration=configuration, files=files
    )
    assert data.get("afterItemsPointer") == items


# --- the context object ---------------------------------------------------------------------------------
def test_the_context_object_is_an_express_execution_of_a_state_called_state_name():
    state = {"Type": "Pass", "Parameters": {"c.$": "$$"}, "End": True}
    role = "arn:aws:iam::999999999999:role/R"
    context = json.loads(run(state, {"n": 1}, role_arn=role)["output"])["c"]
    assert context["Execution"]["Id"].startswith("arn:aws:states:us-east-1:999999999999:express:")
    assert context["Execution"]["Input"] == {"n": 1}
    assert context["Execution"]["RoleArn"] == role
    assert "RedriveCount" not in context["Execution"]
    assert context["State"]["Name"] == "StateName"


@pytest.mark.parametrize("context", [{}, {"Execution": {"Name": "mine"}}], ids=["empty", "named"])
def test_a_given_context_object_is_the_whole_of_it(context):
    response = run({**SQS, "ResultSelector": {"c.$": "$$"}}, mock=OK, context=context)
    assert json.loads(response["output"]) == {"c": context}


def test_a_callback_reads_the_token_of_the_given_context():
    state = {**TOKEN, "Parameters": {"MessageBody": {"t.$": "$$.Task.Token"}}}
    data = shown(state, mock={"result": "anything"}, context={"Task": {"Token": "abc"}})
    assert data["afterParameters"] == {"MessageBody": {"t": "abc"}}


def test_a_callback_without_a_context_has_a_token_of_its_own():
    data = shown({**TOKEN, "Parameters": {"t.$": "$$.Task.Token"}}, mock={"result": 1})
    assert data["afterParameters"]["t"]


# --- who answers without a mock -------------------------------------------------------------------------
def test_tasks_answer_where_there_is_no_mock():
    calls = []

    def ask(event, context):
        calls.append((event, context.state, context.path))
        return event + 1

    response = teststate.test_state(MACHINE, "Ask", {}, tasks={"Ask": ask})
    assert json.loads(response["output"])["Payload"] == 2
    assert calls == [(1, "Ask", "Ask")]


def test_a_task_that_nobody_answers_for_says_what_to_paste():
    with pytest.raises(sfnbook.UnansweredTask, match=r'tasks=\{"Ask"'):
        sfnbook.load(MACHINE).test_state("Ask", {})


def test_a_machine_tests_its_own_states():
    machine = sfnbook.load(MACHINE)
    mock = {"result": {"Payload": [1]}}
    response = machine.test_state("Ask", {}, mock=mock, inspection_level="INFO")
    assert response == {"status": "SUCCEEDED", "output": '{"Payload":[1]}'}


# --- laws -------------------------------------------------------------------------------------------------
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab$.", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abn"), inner, max_size=3),
    max_leaves=6,
)
ALIKE = {
    "Pass": {
        "Type": "Pass",
        "InputPath": "$.a",
        "Parameters": {"x.$": "$.b", "y.$": "$"},
        "ResultPath": "$.n",
    },
    "Task": {**SQS, "ResultSelector": {"r.$": "$.MessageId"}, "ResultPath": "$.a.b", "OutputPath": "$.a"},
    "Task in JSONata": {
        **SQS,
        **JSONATA,
        "Output": "{% $states.result.MessageId & $string($states.input.a) %}",
    },
}


@pytest.mark.parametrize("state", ALIKE.values(), ids=ALIKE)
@given(value=st.dictionaries(st.sampled_from("abn"), JSON, max_size=3))
def test_a_state_alone_does_what_it_does_in_an_execution(state, value):
    state = {**state, "Next": "After"}
    machine = sfnbook.load({"StartAt": "S", "States": {"S": state, "After": {"Type": "Succeed"}}})
    alone = machine.test_state(
        "S", value, mock=OK if state["Type"] == "Task" else None, inspection_level="INFO"
    )
    execution = machine.start(value, tasks={"*": OK["result"]} if state["Type"] == "Task" else None)
    execution.run()
    assert alone["status"] == execution.status
    if execution.status == "SUCCEEDED":
        assert json.loads(alone["output"]) == execution.output
    else:
        assert alone["error"] == execution.error


# --- recorded ---------------------------------------------------------------------------------------------
@pytest.mark.skipif(not (CASES / "compare.py").exists(), reason="the recorded cases are not here")
def test_recorded_responses_are_reproduced(monkeypatch):
    from tests.conformance.engine import run as engine

    monkeypatch.syspath_prepend(str(CASES))
    compare = importlib.import_module("compare")
    cases = [case for _, case in compare.load_cases(str(CASES / "cases/test_state")) if case.get("clean")]
    wrong = {case["id"] for case in cases if compare.compare_case(case, engine(case))}
    assert len(cases) > 100
    assert len(wrong) <= len(cases) * 0.05, wrong


@pytest.mark.parametrize(
    "more",
    [
        {"mock": 3},
        {"mock": {"errorOutput": "E"}},
        {"mock": {"errorOutput": {"error": {}}}},
        {"mock": {"result": 1, "fieldValidationMode": []}},
        {"mock": {"result": 1}, "state_configuration": [1]},
        {"mock": {"result": 1}, "state_configuration": {"errorCausedByState": 7}},
        {"mock": {"result": 1}, "variables": "x"},
        {"inspection_level": 5},
    ],
    ids=str,
)
def test_parameters_of_another_type_are_refused(more):
    task = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sqs:listQueues", "End": True}
    machine = sfnbook.load({"StartAt": "A", "States": {"A": task}})
    with pytest.raises(sfnbook.UsageError, match="Invalid type for parameter"):
        machine.test_state("A", {}, **more)
