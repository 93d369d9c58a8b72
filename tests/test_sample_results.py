"""Sample results: what a definition reads of them, what a service's model says, and loops that end."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook.parse import definition
from sfnbook.tasks import Call, failure, models, sample, shapes
from sfnbook.tasks.naming import Facts
from sfnbook.tasks.needs import EVERY, Need, of_expression, of_template, of_value
from sfnbook.tasks.plausible import NOTHING, value
from sfnbook.tasks.reading import Reading
from sfnbook.tasks.resources import parse_resource
from sfnbook.tasks.samples import result_of, sample_input
from sfnbook.tasks.services.jobs import JOBS
from sfnbook.teststate.mocks import problem
from tests.machines import LAMBDA, block, load

INVOKE = "arn:aws:states:::lambda:invoke"
SDK = "arn:aws:states:::aws-sdk:"


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": LAMBDA, "End": True} | fields


def pas(**fields: Any) -> dict[str, Any]:
    return {"Type": "Pass", "End": True} | fields


def then(state: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: one for key, one in state.items() if key != "End"} | {"Next": name}


def chooses(*rules: dict[str, Any], default: str | None = None) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": list(rules)} | ({"Default": default} if default else {})


# --- what an expression reads -------------------------------------------------------------------------
READS: dict[str, tuple[Any, list[tuple[str, tuple[Any, ...]]]]] = {
    "$": ("$", [("$", ())]),
    "$.a.b[0]": ("$.a.b[0]", [("$", ("a", "b", 0))]),
    "every": ("$.a[*].b", [("$", ("a", EVERY, "b"))]),
    "filter": ("$.a[?(@.x == 1)].b", [("$", ("a", EVERY, "b"))]),
    "several": ("$.a['b','c']", [("$", ("a", "b")), ("$", ("a", "c"))]),
    "variable": ("$order.id", [("$order", ("id",))]),
    "context": ("$$.Execution.Input.id", [("$$", ("Execution", "Input", "id"))]),
    "function": ("States.Format('{}', $.a, $$.Execution.Id)", [("$", ("a",)), ("$$", ("Execution", "Id"))]),
    "nested": ("States.ArrayGetItem(States.StringSplit($.a, ':'), 1)", [("$", ("a",))]),
}


@pytest.mark.parametrize(("text", "places"), READS.values(), ids=READS)
def test_what_a_value_reads(text, places):
    assert [(read.root, read.steps) for read in of_value(text, Need())] == places


JSONATA: dict[str, tuple[str, list[tuple[str, tuple[Any, ...]]]]] = {
    "input": ("$states.input.a.b", [("input", ("a", "b"))]),
    "result": ("$states.result.a[0] & 'x'", [("result", ("a", 0))]),
    "context": ("$states.context.Execution.Id", [("$$", ("Execution", "Id"))]),
    "variable": ("$count($orders) > $limit.most", [("$orders", ()), ("$limit", ("most",))]),
    "constructor": ("{'a': $x, 'b': [$y]}", [("$x", ()), ("$y", ())]),
    "predicate": (
        "$states.input.items[id = $wanted].name",
        [("input", ("items", EVERY, "name")), ("$wanted", ())],
    ),
}


@pytest.mark.parametrize(("text", "places"), JSONATA.values(), ids=JSONATA)
def test_what_an_expression_reads(text, places):
    assert [(read.root, read.steps) for read in of_expression(f"{{% {text} %}}", Need())] == places


def test_what_is_needed_of_a_template_is_needed_of_what_it_reads():
    wanted = Need(members={"id": Need(kinds={"number"})})
    (read, other) = of_template({"id.$": "$.n", "other": {"x.$": "$.m"}}, wanted, "JSONPath")
    assert (read.need.kinds, other.need.kinds) == ({"number"}, set())


@pytest.mark.parametrize(
    ("expression", "example"),
    {
        "States.MathAdd($.n, 1)": {"n": 1},
        "States.ArrayLength($.names)": {"names": ["name-1", "name-1"]},
        "States.StringToJson($.body)": {"body": "{}"},
        "States.ArrayGetItem(States.StringSplit($.path, '/'), 2)": {"path": "part 1/part 2/part 3"},
        "States.Base64Decode($.data)": {"data": "c2FtcGxl"},
        "States.JsonMerge($.a, $.b, false)": {"a": {}, "b": {}},
        "$.orders[1].totalPrice": {"orders": [{"totalPrice": 1}, {"totalPrice": 1}]},
    }.items(),
)
def test_a_lambda_s_result_has_what_later_states_need(expression, example):
    states = {"A": then(task(), "B"), "B": pas(Parameters={"x.$": expression})}
    machine = load(states)
    execution = machine.start(tasks="sample").run()
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert [one.output for one in execution.transitions if one.kind == "TaskSucceeded"] == [example]


# --- through the data flow ------------------------------------------------------------------------------
FLOWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ResultPath": ({"A": then(task(ResultPath="$.r"), "B"), "B": pas(InputPath="$.r.count")}, {"count": 1}),
    "ResultPath null": ({"A": then(task(ResultPath=None), "B"), "B": pas()}, {}),
    "ResultSelector": (
        {"A": then(task(ResultSelector={"x.$": "$.y"}), "B"), "B": pas(InputPath="$.x.count")},
        {"y": {"count": 1}},
    ),
    "OutputPath": (
        {"A": then(task(OutputPath="$.body"), "B"), "B": pas(InputPath="$.count")},
        {"body": {"count": 1}},
    ),
    "Assign": (
        {"A": then(task(Assign={"v.$": "$.w"}), "B"), "B": pas(Parameters={"x.$": "$v.count"})},
        {"w": {"count": 1}},
    ),
    "through a Pass": (
        {
            "A": then(task(), "B"),
            "B": then(pas(Parameters={"q.$": "$.p"}, ResultPath="$.o"), "C"),
            "C": pas(InputPath="$.o.q.count"),
        },
        {"p": {"count": 1}},
    ),
    "put into": (
        {"A": then(task(), "B"), "B": pas(Result=1, ResultPath="$.a.b", OutputPath="$.a")},
        {"a": {}},
    ),
    "Wait": (
        {"A": then(task(), "B"), "B": {"Type": "Wait", "SecondsPath": "$.delay", "Next": "C"}, "C": pas()},
        {"delay": 5},
    ),
    "Map": (
        {
            "A": then(task(), "B"),
            "B": {
                "Type": "Map",
                "ItemsPath": "$.lines",
                "ItemProcessor": block(C=pas(InputPath="$.price")),
                "End": True,
            },
        },
        {"lines": [{"price": 1}, {"price": 1}]},
    ),
    "ItemSelector": (
        {
            "A": then(task(), "B"),
            "B": {
                "Type": "Map",
                "ItemsPath": "$.lines",
                "ItemSelector": {"one.$": "$$.Map.Item.Value.price", "all.$": "$.total"},
                "ItemProcessor": block(C=pas()),
                "End": True,
            },
        },
        {"lines": [{"price": 1}, {"price": 1}], "total": 1},
    ),
    "JSONata": (
        {
            "A": then(
                {"Type": "Task", "QueryLanguage": "JSONata", "Resource": LAMBDA, "End": True}
                | {"Output": "{% $states.result.rows %}", "Assign": {"n": "{% $states.result.count %}"}},
                "B",
            ),
            "B": pas(QueryLanguage="JSONata", Output="{% $states.input.amount + $n %}"),
        },
        {"count": 1, "rows": {"amount": 1}},
    ),
}


@pytest.mark.parametrize(("states", "example"), FLOWS.values(), ids=FLOWS)
def test_needs_go_back_through_the_data_flow(states, example):
    machine = load(states)
    need = Reading(machine.definition).results["/States/A"]
    made = value(None, need, "", Facts())
    assert made == example or {key: made[key] for key in example} == example
    assert machine.start(tasks="sample").run().status == "SUCCEEDED"


def test_a_branch_s_result_is_read_after_the_parallel():
    both = {"Type": "Parallel", "Branches": [block(L=task()), block(R=pas())], "Next": "B"}
    machine = load({"A": both, "B": pas(InputPath="$[0].count")})
    assert machine.start(tasks="sample").result() == 1


# --- choices, and loops that end ------------------------------------------------------------------------
def poll(choice: dict[str, Any], **more: Any) -> sfnbook.StateMachine:
    """Get, look, and where the Choice goes: Yes, Bad, or Wait and get again."""
    ends = {
        "Wait": {"Type": "Wait", "Seconds": 10, "Next": "Get"},
        "Yes": pas(),
        "Bad": {"Type": "Fail", "Error": "Bad"},
    }
    states = {"Get": then(task(), "Done?"), "Done?": choice, **more}
    reached = json.dumps(states)
    return load(states | {name: state for name, state in ends.items() if f'"{name}"' in reached})


POLLS: dict[str, tuple[dict[str, Any], Any]] = {
    "the good one": (
        chooses(
            {"Variable": "$.status", "StringEquals": "FAILED", "Next": "Bad"},
            {"Variable": "$.status", "StringEquals": "DONE", "Next": "Yes"},
            default="Wait",
        ),
        {"status": "DONE"},
    ),
    "none of those": (
        chooses({"Variable": "$.status", "StringEquals": "RUNNING", "Next": "Wait"}, default="Yes"),
        {"status": "SUCCEEDED"},
    ),
    "not": (
        chooses({"Not": {"Variable": "$.status", "StringEquals": "ready"}, "Next": "Wait"}, default="Yes"),
        {"status": "ready"},
    ),
    "absent": (chooses({"Variable": "$.next", "IsPresent": True, "Next": "Wait"}, default="Yes"), {}),
    "present": (
        chooses({"Variable": "$.url", "IsPresent": False, "Next": "Wait"}, default="Yes"),
        {"url": "https://example.com/sample"},
    ),
    "number": (
        chooses({"Variable": "$.left", "NumericGreaterThan": 3, "Next": "Wait"}, default="Yes"),
        {"left": 3},
    ),
    "boolean": (
        chooses({"Variable": "$.ok", "BooleanEquals": False, "Next": "Bad"}, default="Yes"),
        {"ok": True},
    ),
    "pattern": (
        chooses({"Variable": "$.file", "StringMatches": "*.csv", "Next": "Yes"}, default="Bad"),
        {"file": "x.csv"},
    ),
    "null": (chooses({"Variable": "$.error", "IsNull": True, "Next": "Yes"}, default="Bad"), {"error": None}),
    "two": (
        chooses(
            {
                "And": [
                    {"Variable": "$.a", "NumericEquals": 1},
                    {"Variable": "$.b", "StringEquals": "x"},
                ],
                "Next": "Yes",
            },
            default="Bad",
        ),
        {"a": 1, "b": "x"},
    ),
    "JSONata": (
        chooses({"Condition": "{% $states.input.status in ['DONE', 'OK'] %}", "Next": "Yes"}, default="Wait")
        | {"QueryLanguage": "JSONata"},
        {"status": "DONE"},
    ),
    "JSONata list": (
        chooses({"Condition": "{% $count($states.input.rows) > 0 %}", "Next": "Wait"}, default="Yes")
        | {"QueryLanguage": "JSONata"},
        {"rows": []},
    ),
}


@pytest.mark.parametrize(("choice", "example"), POLLS.values(), ids=POLLS)
def test_the_value_that_leads_on(choice, example):
    execution = poll(choice).start(tasks="sample").run()
    assert (execution.status, execution.output) == ("SUCCEEDED", example)


def test_visits_move_through_the_values():
    """Two Choices want different things of the same field: a loop that the first value does not end."""
    first = chooses({"Variable": "$.status", "StringEquals": "A", "Next": "Then"}, default="Wait")
    second = chooses({"Variable": "$$.State.Name", "StringEquals": "Never", "Next": "Yes"}, default="Wait")
    machine = poll(first, Then=second)
    got = [
        one.output["status"]
        for one in machine.start(tasks="sample").run(until=60).transitions
        if one.kind == "TaskSucceeded"
    ]
    assert got[:4] == ["A", "SUCCEEDED", "A", "SUCCEEDED"]


def test_a_sample_says_what_it_is_made_of():
    told = [
        one.why.rows
        for one in poll(POLLS["the good one"][0]).start(tasks="sample")
        if one.kind == "TaskStarted"
    ]
    assert told == [("a sample, of no special form, with what later states read of it",)]


def test_each_iteration_polls_for_itself():
    inner = poll(POLLS["the good one"][0]).source
    machine = load({"M": {"Type": "Map", "ItemProcessor": inner, "End": True}})
    assert machine.start([1, 2], tasks="sample").result() == [{"status": "DONE"}] * 2


# --- from the services' models ----------------------------------------------------------------------------
CALLS = [
    "sqs:sendMessage", "sns:publish", "events:putEvents", "dynamodb:getItem", "dynamodb:updateItem",
    "states:startExecution", "states:startExecution.sync", "states:startExecution.sync:2",
    "aws-sdk:s3:getObject", "aws-sdk:secretsmanager:getSecretValue", "aws-sdk:lambda:getFunction",
    "aws-sdk:ec2:describeInstances", "aws-sdk:rds:describeDBInstances", "aws-sdk:cloudformation:describeStacks",
    "aws-sdk:sfn:describeExecution", "aws-sdk:kms:encrypt", "aws-sdk:dynamodb:query", "batch:submitJob",
    "ecs:runTask", "glue:startJobRun", "athena:getQueryResults", "aws-sdk:organizations:describeAccount",
    "aws-sdk:textract:getDocumentAnalysis", "aws-sdk:quicksight:describeDashboardDefinition",
]  # fmt: skip


def call_of(resource: str, **fields: Any) -> Call:
    return Call("T", "T", f"arn:aws:states:::{resource}", fields.pop("input", {}), **fields)


@pytest.mark.parametrize("resource", CALLS)
def test_a_sample_has_the_form_of_the_service_s_answer(resource):
    made = result_of(call_of(resource))
    shape = shapes.output_shape(parse_resource(f"arn:aws:states:::{resource}"))
    assert shape is None or problem(made, shape) is None
    assert len(json.dumps(made)) < 100_000


@given(
    bits=st.integers(0, 2**64 - 1),
    action=st.sampled_from(["dynamodb:scan", "ec2:runInstances", "s3:listObjectsV2"]),
)
def test_any_bits_make_a_result_of_that_form_and_the_same_bits_the_same_one(bits, action):
    call = call_of(f"aws-sdk:{action}", bits=bits)
    made = result_of(call)
    assert made == result_of(call)
    shape = shapes.output_shape(parse_resource(call.resource))
    assert shape is None or problem(made, shape) is None


ENDS = {
    "athena:startQueryExecution": ("QueryExecution", "Status", "State", "SUCCEEDED"),
    "batch:submitJob": ("Status", "SUCCEEDED"),
    "codebuild:startBuild": ("Build", "BuildStatus", "SUCCEEDED"),
    "ecs:runTask": ("LastStatus", "STOPPED"),
    "elasticmapreduce:addStep": ("Step", "Status", "State", "COMPLETED"),
    "elasticmapreduce:createCluster": ("Cluster", "Status", "State", "WAITING"),
    "eks:createCluster": ("Cluster", "Status", "ACTIVE"),
    "glue:startJobRun": ("JobRunState", "SUCCEEDED"),
    "mediaconvert:createJob": ("Job", "Status", "COMPLETE"),
    "sagemaker:createTrainingJob": ("TrainingJobStatus", "Completed"),
    "states:startExecution": ("Status", "SUCCEEDED"),
}


@pytest.mark.parametrize(("job", "way"), ENDS.items(), ids=ENDS)
def test_a_job_has_ended_well(job, way):
    pytest.importorskip("botocore")
    found = result_of(call_of(f"{job}.sync"))
    for name in way[:-1]:
        found = found[name]
    assert found == way[-1]


def test_every_job_is_described():
    pytest.importorskip("botocore")
    assert [job for job in JOBS if not result_of(call_of(f"{':'.join(job)}.sync"))] == []


def test_the_exit_code_of_a_container_is_0():
    pytest.importorskip("botocore")
    assert result_of(call_of("ecs:runTask.sync"))["Containers"][0]["ExitCode"] == 0


def test_what_was_sent_comes_back_under_its_name():
    made = result_of(call_of("batch:submitJob", input={"JobName": "nightly"}))
    assert made["JobName"] == "nightly"
    key = {"id": {"S": "7"}}
    assert result_of(call_of("dynamodb:getItem", input={"Key": key}))["Item"] == key


def test_aws_sdk_has_names_and_times_of_its_own_form():
    """As the same call gets them from `aws`."""
    pytest.importorskip("botocore")
    table = result_of(call_of("aws-sdk:dynamodb:describeTable"))["Table"]
    assert table["ProvisionedThroughput"]["LastIncreaseDateTime"] == "2025-01-01T00:00:00Z"
    assert list(result_of(call_of("aws-sdk:rds:createDBInstance"))) == ["DbInstance"]
    assert result_of(call_of("batch:submitJob.sync"))["StartedAt"] == 1735689600000


def test_an_optimized_integration_has_its_metadata_and_aws_sdk_has_none():
    assert result_of(call_of("sqs:sendMessage"))["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert "SdkHttpMetadata" not in result_of(call_of("aws-sdk:sqs:sendMessage"))


def test_the_payload_of_lambda_is_json_and_through_aws_sdk_text():
    need = Need(members={"Payload": Need(members={"n": Need(kinds={"number"})})})
    assert result_of(call_of("lambda:invoke"), need)["Payload"] == {"n": 1}
    text = Need(members={"Payload": Need(parsed=Need(members={"n": Need(kinds={"number"})}))})
    assert json.loads(result_of(call_of("aws-sdk:lambda:invoke"), text)["Payload"]) == {"n": 1}


@pytest.mark.parametrize(
    ("resource", "payload"),
    [
        (f"{INVOKE}.waitForTaskToken", {"approved": True}),
        ("arn:aws:states:us-east-1:111122223333:activity:a", {"approved": True}),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", {"approved": True}),
    ],
)
def test_callbacks_and_activities_are_answered(resource, payload):
    waits = task(Resource=resource, TimeoutSeconds=60)
    machine = load({"A": then(waits, "B"), "B": pas(Parameters={"x.$": "$.approved"})})
    execution = machine.start(tasks="sample").run()
    assert (execution.status, execution.time) == ("SUCCEEDED", 0)
    assert [one.output for one in execution.transitions if one.kind == "TaskSucceeded"] == [payload]


# --- without botocore ---------------------------------------------------------------------------------------
@pytest.fixture
def alone(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(models, "import_module", absent)
    _forget()
    yield
    monkeypatch.undo()
    _forget()


def _forget():
    models.forget()
    shapes.model_shape.cache_clear()
    from sfnbook.tasks import samples

    samples._described.cache_clear()


@pytest.mark.usefixtures("alone")
def test_without_botocore_what_is_read_is_there():
    machine = load(
        {"A": then(task(Resource=f"{SDK}ec2:describeVolumes"), "B"), "B": pas(InputPath="$.Volumes[0].State")}
    )
    assert machine.start(tasks="sample").result() == "SUCCEEDED"
    assert result_of(call_of("glue:startJobRun.sync"))["JobRunState"] == "SUCCEEDED"
    assert result_of(call_of("sqs:sendMessage"), brief=True)["MessageId"] == "1"


# --- as an answer among others --------------------------------------------------------------------------------
def test_sample_stands_behind_other_answers():
    machine = load({"A": then(task(), "B"), "B": task(Resource=f"{LAMBDA}2")})
    execution = machine.start(tasks={"A": {"n": 1}, "*": sample()}).run()
    assert execution.status == "SUCCEEDED"
    failing = machine.start(tasks={"A": failure("E"), "*": sample()}).run()
    assert failing.error == "E"


def test_sample_goes_back_and_forth_forks_and_pickles():
    machine = poll(POLLS["the good one"][0])
    execution = machine.start(tasks="sample")
    steps = list(execution)
    while execution.back():
        pass
    assert list(execution) == steps
    again = pickle.loads(pickle.dumps(machine.start(tasks="sample")))
    assert [one.output for one in again] == [one.output for one in steps]


def test_the_same_seed_gives_the_same_samples():
    machine = load({"A": task(Resource="arn:aws:states:::sqs:sendMessage")})
    one, same, other = (machine.start(tasks="sample", seed=seed).result()["MessageId"] for seed in (1, 1, 2))
    assert one == same != other


def test_the_words_of_sample():
    assert repr(sample()) == "sample()"
    machine = load({"A": task()})
    assert machine.unanswered("sample") == []
    with pytest.raises(sfnbook.UsageError, match=r"^tasks='samples': did you mean tasks=\"sample\"\?"):
        machine.start(tasks="samples")
    with pytest.raises(sfnbook.UsageError, match=r"tasks is a mapping .*, not a str"):
        machine.start(tasks="nobody")
    assert machine.start(tasks=sfnbook.tasks.sample()).result() == machine.start(tasks="sample").result()


def test_an_input_has_what_dynamodb_needs():
    item = {
        "id": {"S.$": "$.count"}, "n": {"N.$": "$.name"}, "yes": {"BOOL.$": "$.size"}, "all": {"SS.$": "$.total"},
        "S": {"M": {"S": {"N.$": "$.cost"}, "x.$": "$.rate"}},
    }  # fmt: skip
    sent = {"TableName": "T", "TransactItems": [{"Put": {"Item": {"id": {"N.$": "$.age"}}}}], "Item": item}
    machine = load({"A": task(Resource=f"{SDK}dynamodb:putItem", Parameters=sent)})
    assert sample_input(machine.definition) == {
        "count": "count", "name": "1", "size": True, "total": ["total"], "cost": "1", "rate": 1, "age": "1",
    }  # fmt: skip


def test_an_input_has_what_the_definition_reads():
    states = {
        "A": then(pas(Parameters={"n.$": "States.MathAdd($.order.quantity, 1)"}, ResultPath="$.x"), "B"),
        "B": pas(Parameters={"id.$": "$$.Execution.Input.order.id", "n.$": "$.x.n"}),
    }
    made = sample_input(definition(block(**states)))
    assert made == {"order": {"quantity": 1, "id": made["order"]["id"]}}
    assert load(states).start(tasks="sample").run().status == "SUCCEEDED"


def test_an_index_that_nobody_has_makes_no_endless_list():
    states = {"A": then(task(), "B"), "B": pas(InputPath="$.rows[99999999].id")}
    split = "States.ArrayGetItem(States.StringSplit($.path, '/'), 99999999)"
    for last in (states["B"], pas(Parameters={"x.$": split})):
        execution = load(states | {"B": last}).start(tasks="sample").run()
        assert (execution.status, execution.error) == ("FAILED", "States.Runtime")


RECORDED = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "cases" / "execution"


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded cases are not beside this checkout")
def test_the_definitions_of_recorded_executions_step_to_an_end():
    """Many of them fail on purpose; nine in ten of the others come to a good end."""
    ended = []
    for file in sorted(RECORDED.glob("*/*.json")):
        source = json.loads(file.read_text("utf-8")).get("definition")
        if isinstance(source, dict) and not any(one.severity == "ERROR" for one in sfnbook.validate(source)):
            execution = sfnbook.load(source).start(tasks="sample", keep_history=False).run()
            assert execution.blocked is None, file.name
            ended.append(execution.status == "SUCCEEDED")
    assert sum(ended) / len(ended) > 0.85


def test_nothing_is_needed_of_a_result_that_nobody_reads():
    assert not Reading(definition(block(A=task()))).results["/States/A"]
    assert not NOTHING
