"""Distributed Map: what children get, tolerance, batches, readers, result files, Map Runs, histories."""

import json
import re

import pytest

from sfnbook.tasks import failure, never, sequence
from tests.machines import block, definition, details, load, one, outline, prefix, task, types

EXCEEDED = "States.ExceedToleratedFailureThreshold"
CAUSE = "The specified tolerated failure threshold was exceeded"

PASSING = block(P={"Type": "Pass", "End": True})
PICKY = block(
    C={
        "Type": "Choice",
        "Choices": [{"Variable": "$.bad", "BooleanEquals": True, "Next": "F"}],
        "Default": "P",
    },
    F={"Type": "Fail", "Error": "Bad", "Cause": "why"},
    P={"Type": "Pass", "Result": "good", "End": True},
)


def mapped(processor=PASSING, kind="STANDARD", **fields):
    inner = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, **processor}
    return {"Type": "Map", "Label": "run", "ItemProcessor": inner, **fields}


def marked(*bad):
    return [{"bad": each} for each in bad]


# --- what children get -------------------------------------------------------------------------------------------
INPUTS = {
    "items": ({}, [1, 2], [1, 2]),
    "an object gives pairs": ({}, {"a": 1, "b": 2}, [{"Key": "a", "Value": 1}, {"Key": "b", "Value": 2}]),
    "ItemsPath": ({"ItemsPath": "$.l"}, {"l": [1]}, [1]),
    "ItemSelector": (
        {"ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "all.$": "$[1]"}}, [5, 6],
        [{"i": 0, "v": 5, "all": 6}, {"i": 1, "v": 6, "all": 6}],
    ),
    "ItemSelector with keys": (
        {"ItemsPath": "$.o", "ItemSelector": {"k.$": "$$.Map.Item.Key"}}, {"o": {"a": 1}}, [{"k": "a"}],
    ),
    "batches": ({"ItemBatcher": {"MaxItemsPerBatch": 2}}, [1, 2, 3], [{"Items": [1, 2]}, {"Items": [3]}]),
    "batches with an input": (
        {"ItemBatcher": {"MaxItemsPerBatch": 9, "BatchInput": {"n.$": "$[0]"}}}, [1, 2],
        [{"BatchInput": {"n": 1}, "Items": [1, 2]}],
    ),
    "batches after ItemSelector": (
        {"ItemBatcher": {"MaxItemsPerBatch": 2}, "ItemSelector": {"v.$": "$$.Map.Item.Value"}}, [1, 2],
        [{"Items": [{"v": 1}, {"v": 2}]}],
    ),
    "MaxItemsPerBatchPath": (
        {"ItemsPath": "$.l", "ItemBatcher": {"MaxItemsPerBatchPath": "$.n"}}, {"l": [1, 2, 3], "n": 2},
        [{"Items": [1, 2]}, {"Items": [3]}],
    ),
    "none": ({}, [], []),
}  # fmt: skip


@pytest.mark.parametrize("case", INPUTS.values(), ids=list(INPUTS))
def test_what_the_children_get(case):
    fields, given, inputs = case
    execution = one(mapped(**fields)).start(given).run()
    assert execution.output == inputs
    assert [child.input for child in execution.children] == inputs


def test_jsonata():
    state = mapped(Items="{% $states.input.l %}", ItemSelector={"v": "{% $states.context.Map.Item.Value * 2 %}"},
                   ItemBatcher={"MaxItemsPerBatch": "{% 1 + 1 %}", "BatchInput": {"n": "{% $states.input.n %}"}},
                   Output="{% $states.result.Items.v %}")  # fmt: skip
    execution = one(state, QueryLanguage="JSONata").start({"l": [1, 2, 3], "n": 7}).run()
    assert execution.output == [2, 4, 6]
    assert execution.children[1].input == {"BatchInput": {"n": 7}, "Items": [{"v": 6}]}


def test_neither_an_array_nor_an_object():
    execution = one(mapped()).start("text").run()
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert execution.cause == prefix() + "Attempting to map over non-iterable node."
    assert "MapRunStarted" not in types(execution.history())


def test_children_do_not_see_outer_variables():
    inner = block(P={"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $exists($v) %}", "End": True})
    states = {"A": {"Type": "Pass", "Assign": {"v": 1}, "Next": "M"}, "M": {**mapped(inner), "ItemsPath": "$.l",
                                                                           "End": True}}  # fmt: skip
    assert load(states).start({"l": [0]}).result() == [False]


# --- tolerance -------------------------------------------------------------------------------------------------
TOLERANCE = {
    "none is tolerated by default": ({}, (False, True), True),
    "count not exceeded": ({"ToleratedFailureCount": 1}, (True, False), False),
    "count exceeded": ({"ToleratedFailureCount": 1}, (True, True, False), True),
    "percentage not exceeded": ({"ToleratedFailurePercentage": 50}, (True, False), False),
    "percentage exceeded": ({"ToleratedFailurePercentage": 50}, (True, True, False), True),
    "one of both exceeded": ({"ToleratedFailureCount": 2, "ToleratedFailurePercentage": 10}, (True, False), True),
    "all may fail": ({"ToleratedFailurePercentage": 100}, (True, True), False),
    "ToleratedFailureCountPath": ({"ItemsPath": "$.l", "ToleratedFailureCountPath": "$.n"}, (True, False), False),
    "ToleratedFailurePercentagePath": (
        {"ItemsPath": "$.l", "ToleratedFailurePercentagePath": "$.p"}, (True, False), False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLERANCE.values(), ids=list(TOLERANCE))
def test_tolerance(case):
    fields, bad, exceeded = case
    given = {"l": marked(*bad), "n": 1, "p": 50.0} if "ItemsPath" in fields else marked(*bad)
    execution = one(mapped(PICKY, **fields)).start(given).run()
    if exceeded:
        assert (execution.status, execution.error, execution.cause) == ("FAILED", EXCEEDED, CAUSE)
    else:
        assert execution.status == "SUCCEEDED"
        shown = [
            item if item == "good" else (item["Status"], item["Error"], item["Cause"])
            for item in execution.output
        ]
        assert shown == [("FAILED", "Bad", "why") if each else "good" for each in bad]


def test_tolerance_counts_items_not_batches():
    inner = block(C={"Type": "Choice", "Choices": [{"Variable": "$.Items[0].bad", "BooleanEquals": True, "Next": "F"}],
                     "Default": "P"}, F={"Type": "Fail"}, P={"Type": "Pass", "End": True})  # fmt: skip
    state = mapped(inner, ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=1)
    execution = one(state).start(marked(True, True, False)).run()
    assert execution.error == EXCEEDED


BAD_TOLERANCE = {
    "negative": ({"ToleratedFailureCountPath": "$.n"}, {"n": -1}, "ToleratedFailureCount cannot be negative."),
    "over 100": ({"ToleratedFailurePercentagePath": "$.n"}, {"n": 101},
                 "ToleratedFailurePercentage must be between 0 and 100."),
    "no integer": ({"ToleratedFailureCountPath": "$.n"}, {"n": "x"},
                   'The ToleratedFailureCountPath field refers to value "x" which is not a valid integer: $.n'),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TOLERANCE.values(), ids=list(BAD_TOLERANCE))
def test_a_tolerance_that_is_none_fails_after_map_state_started(case):
    fields, given, cause = case
    execution = one(mapped(ItemsPath="$.l", **fields)).start({"l": [1], **given}).run()
    assert execution.error == "States.Runtime"
    assert execution.cause.endswith(cause)
    assert outline(execution.history())[2:] == [[3, 2, "MapStateStarted"], [4, 3, "ExecutionFailed"]]


def test_an_expression_that_fails_before_the_map_run_starts_none():
    state = mapped(QueryLanguage="JSONata", Items=[1], ToleratedFailureCount="{% 'x' %}")
    assert types(one(state).start().run().history())[2:] == [
        "MapStateStarted",
        "EvaluationFailed",
        "MapStateFailed",
        "ExecutionFailed",
    ]


def test_a_map_run_that_exceeds_its_tolerance_can_be_caught_and_stops_the_rest():
    inner = block(C={"Type": "Choice", "Choices": [{"Variable": "$.bad", "BooleanEquals": True, "Next": "F"}],
                     "Default": "W"}, F={"Type": "Fail"}, W={"Type": "Wait", "Seconds": 60, "End": True})  # fmt: skip
    state = {**mapped(inner, Catch=[{"ErrorEquals": [EXCEEDED], "Next": "Z"}]), "End": True}
    execution = load({"S": state, "Z": {"Type": "Pass", "End": True}}).start(marked(False, True)).run()
    assert (execution.status, execution.time) == ("SUCCEEDED", 0)
    assert execution.output == {"Error": EXCEEDED, "Cause": CAUSE}
    assert [child.status for child in execution.children] == ["ABORTED", "FAILED"]


# --- histories ---------------------------------------------------------------------------------------------------
def test_children_have_histories_of_their_own():
    execution = one(mapped()).start(["a", "b"]).run()
    assert outline(execution.history()) == [
        [1, 0, "ExecutionStarted"],
        [2, 0, "MapStateEntered"],
        [3, 2, "MapStateStarted"],
        [4, 3, "MapRunStarted"],
        [5, 4, "MapRunSucceeded"],
        [6, 5, "MapStateSucceeded"],
        [7, 5, "MapStateExited"],
        [8, 7, "ExecutionSucceeded"],
    ]
    for child, given in zip(execution.children, ["a", "b"], strict=True):
        events = child.history()
        assert outline(events) == [
            [1, 0, "ExecutionStarted"],
            [2, 0, "PassStateEntered"],
            [3, 2, "PassStateExited"],
            [4, 3, "ExecutionSucceeded"],
        ]
        assert (child.status, child.output, details(events[0])["input"]) == ("SUCCEEDED", given, given)


def test_names_and_arns_of_a_map_run():
    import sfnbook

    machine = sfnbook.load(definition({"S": {**mapped(), "End": True}}), name="Shop")
    execution = machine.start([1]).run()
    arn = details(execution.history()[3])["mapRunArn"]
    assert re.fullmatch(r"arn:aws:states:us-east-1:\d{12}:mapRun:Shop/run:[0-9a-f-]{36}", arn)
    (child,) = execution.children
    assert child.arn.rpartition(":")[0] == execution.arn.rpartition(":")[0] + "/run"
    assert child.path == "S[0]"


def test_a_map_without_a_label_has_a_uuid_in_its_place():
    state = mapped()
    del state["Label"]
    arn = details(one(state).start([1]).run().history()[3])["mapRunArn"]
    assert re.search(r":mapRun:[^/]+/[0-9a-f-]{36}:[0-9a-f-]{36}$", arn)


def test_express_children_have_express_arns():
    (child,) = one(mapped(kind="EXPRESS")).start([1]).run().children
    assert ":express:" in child.arn


def test_an_express_child_ends_after_five_minutes():
    inner = block(W={"Type": "Wait", "Seconds": 301, "End": True})
    execution = one(mapped(inner, "EXPRESS", ToleratedFailureCount=1)).start([1]).run()
    assert [child.status for child in execution.children] == ["TIMED_OUT"]


def test_a_retry_starts_a_new_map_run_with_all_items():
    state = mapped(block(T=task()), MaxConcurrency=1, Retry=[{"ErrorEquals": [EXCEEDED]}])
    execution = one(state).start([1, 2], tasks={"T": sequence(10, failure("E"), 20, 30)}).run()
    assert execution.output == [20, 30]
    first, second = execution.map_runs
    assert (first["status"], second["status"]) == ("FAILED", "SUCCEEDED")
    assert first["mapRunArn"] != second["mapRunArn"]
    assert len(execution.children) == 4
    assert types(execution.history()).count("MapStateStarted") == 2
    assert "MapStateFailed" not in types(execution.history())


def test_max_concurrency():
    inner = block(W={"Type": "Wait", "Seconds": 10, "End": True})
    assert one(mapped(inner, MaxConcurrency=2)).start([0] * 5).run().time == 30
    assert one(mapped(inner)).start([0] * 50).run().time == 10


# --- Map Runs ----------------------------------------------------------------------------------------------------
def counted(run, which="executionCounts"):
    return {name: number for name, number in run[which].items() if number}


def test_a_map_run_counts_its_children_and_items():
    state = mapped(ItemBatcher={"MaxItemsPerBatch": 2})
    (run,) = one(state).start([1, 2, 3]).run().map_runs
    assert run["status"] == "SUCCEEDED"
    assert counted(run) == {"succeeded": 2, "total": 2}
    assert counted(run, "itemCounts") == {"succeeded": 3, "total": 3}


def test_a_map_run_that_failed_has_nothing_running():
    inner = block(C={"Type": "Choice", "Choices": [{"Variable": "$.bad", "BooleanEquals": True, "Next": "F"}],
                     "Default": "W"}, F={"Type": "Fail"}, W={"Type": "Wait", "Seconds": 60, "End": True})  # fmt: skip
    execution = one(mapped(inner, MaxConcurrency=2)).start(marked(False, True, False)).run()
    (run,) = execution.map_runs
    assert (run["status"], run["stopDate"]) == ("FAILED", "2025-01-01T00:00:00Z")
    assert counted(run) == {"aborted": 1, "failed": 1, "pending": 1, "total": 3}


def test_a_map_run_under_way():
    inner = block(W={"Type": "Wait", "Seconds": 10, "End": True})
    execution = one(mapped(inner, MaxConcurrency=2)).start([1, 2, 3]).run(until=5)
    (run,) = execution.map_runs
    assert run["status"] == "RUNNING"
    assert "stopDate" not in run
    assert counted(run) == {"running": 2, "pending": 1, "total": 3}
    assert run["maxConcurrency"] == 2


# --- readers -----------------------------------------------------------------------------------------------------
def reading(config=None, resource="getObject", **parameters):
    reader = {"Resource": f"arn:aws:states:::s3:{resource}", "Parameters": {"Bucket": "b", **parameters}}
    return {"ItemReader": reader | ({"ReaderConfig": config} if config else {})}


FILES = {
    "b/items.json": [{"n": 1}, {"n": 2}, {"n": 3}],
    "b/deep.json": {"a": {"l": [1, 2]}},
    "b/items.csv": "n,name\n1,one\n2\n3,three,more\n",
    "b/items.jsonl": '{"n": 1}\n{"n": 2}\n',
    "b/data/x": "1",
    "b/data/y": "22",
}

READ = {
    "JSON": (reading({"InputType": "JSON"}, Key="items.json"), [{"n": 1}, {"n": 2}, {"n": 3}]),
    "MaxItems": (reading({"InputType": "JSON", "MaxItems": 2}, Key="items.json"), [{"n": 1}, {"n": 2}]),
    "ItemsPointer": (reading({"InputType": "JSON", "ItemsPointer": "/a/l"}, Key="deep.json"), [1, 2]),
    "CSV": (
        reading({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}, Key="items.csv"),
        [{"n": "1", "name": "one"}, {"n": "2", "name": ""}, {"n": "3", "name": "three"}],
    ),
    "CSV with given headers": (
        reading({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["x"], "MaxItems": 1}, Key="items.csv"),
        [{"x": "n"}],
    ),
    "JSONL": (reading({"InputType": "JSONL"}, Key="items.jsonl"), [{"n": 1}, {"n": 2}]),
}  # fmt: skip


@pytest.mark.parametrize("case", READ.values(), ids=list(READ))
def test_readers(case):
    fields, items = case
    execution = one(mapped(**fields)).start({}, files=FILES).run()
    assert execution.output == items
    started = next(event for event in execution.history() if event["type"] == "MapStateStarted")
    assert details(started) == {"length": 0}


def test_a_listing():
    execution = one(mapped(**reading(resource="listObjectsV2", Prefix="data/"))).start({}, files=FILES).run()
    assert [(item["Key"], item["Size"]) for item in execution.output] == [("data/x", 1), ("data/y", 2)]


def test_where_an_item_was_read():
    selector = {"s.$": "$$.Map.Item.Source"}
    state = mapped(ItemSelector=selector, **reading({"InputType": "JSON", "MaxItems": 1}, Key="items.json"))
    assert one(state).start({}, files=FILES).result() == [{"s": "S3://b/items.json"}]
    assert one(mapped(ItemSelector=selector)).start([1]).result() == [{"s": "STATE_DATA"}]


READ_FAILURES = {
    "no such file": (reading({"InputType": "JSON"}, Key="no.json"), None),
    "no list": (
        reading({"InputType": "JSON", "ItemsPointer": "/a/l/0"}, Key="deep.json"),
        "Attempting to map over non-iterable node.",
    ),
    "duplicate headers": (
        reading(
            {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "a"]}, Key="items.csv"
        ),
        "CSV headers cannot contain duplicates.",
    ),
}


@pytest.mark.parametrize("case", READ_FAILURES.values(), ids=list(READ_FAILURES))
def test_a_reader_that_fails_fails_the_map_run(case):
    fields, cause = case
    execution = one(mapped(**fields)).start({}, files=FILES).run()
    assert execution.error == "States.ItemReaderFailed"
    assert cause is None or execution.cause == cause
    assert outline(execution.history())[3:] == [
        [4, 3, "MapRunStarted"],
        [5, 4, "MapRunFailed"],
        [6, 5, "MapStateFailed"],
        [7, 6, "ExecutionFailed"],
    ]


# --- writers -----------------------------------------------------------------------------------------------------
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "p"}}


def test_result_writer():
    state = mapped(PICKY, ResultWriter=WRITER, ToleratedFailureCount=1)
    files = Bucket()
    execution = one(state).start(marked(False, True), files=files).run()
    (run,) = execution.map_runs
    uuid = run["mapRunArn"].rpartition(":")[2]
    assert execution.output == {
        "MapRunArn": run["mapRunArn"],
        "ResultWriterDetails": {"Bucket": "out", "Key": f"p/{uuid}/manifest.json"},
    }
    manifest = json.loads(files.written[f"out/p/{uuid}/manifest.json"])
    assert manifest["MapRunArn"] == run["mapRunArn"]
    assert [len(manifest["ResultFiles"][kind]) for kind in ("SUCCEEDED", "FAILED", "PENDING")] == [1, 1, 0]
    (good,) = json.loads(files.written[f"out/p/{uuid}/SUCCEEDED_0.json"])
    (bad,) = json.loads(files.written[f"out/p/{uuid}/FAILED_0.json"])
    assert (good["Status"], good["Output"], good["Input"]) == ("SUCCEEDED", '"good"', '{"bad":false}')
    assert (bad["Status"], bad["Error"], bad["Cause"]) == ("FAILED", "Bad", "why")
    assert [good["ExecutionArn"], bad["ExecutionArn"]] == [child.arn for child in execution.children]


class Bucket:
    """A store that remembers what was written."""

    def __init__(self):
        self.written = {}

    def get(self, bucket, key, version=None):
        raise AssertionError(f"nobody reads {bucket}/{key} {version}")

    def list(self, bucket, prefix=""):
        raise AssertionError(f"nobody lists {bucket}/{prefix}")

    def put(self, bucket, key, data):
        self.written[f"{bucket}/{key}"] = data


def test_each_record_has_the_time_at_which_its_child_stopped():
    files = Bucket()
    inner = block(W={"Type": "Wait", "SecondsPath": "$", "End": True})
    execution = one(mapped(inner, ResultWriter=WRITER)).start([5, 9], files=files).run()
    folder = execution.output["ResultWriterDetails"]["Key"].rpartition("/")[0]
    records = json.loads(files.written[f"out/{folder}/SUCCEEDED_0.json"])
    assert [record["StopDate"] for record in records] == ["2025-01-01T00:00:05Z", "2025-01-01T00:00:09Z"]


TRANSFORMATIONS = {
    "COMPACT": (["a", "b"], "COMPACT", ["a", "b"]),
    "FLATTEN": ([["a"], ["b", "c"]], "FLATTEN", ["a", "b", "c"]),
}


@pytest.mark.parametrize("case", TRANSFORMATIONS.values(), ids=list(TRANSFORMATIONS))
def test_writer_config_without_an_export(case):
    items, transformation, output = case
    state = mapped(ResultWriter={"WriterConfig": {"Transformation": transformation, "OutputType": "JSON"}})
    assert one(state).start(items).result() == output


def test_undo_and_step_give_the_same_children():
    machine = one(mapped(PICKY, ToleratedFailureCount=1))
    execution = machine.start(marked(False, True))
    transitions = list(execution)
    histories = [child.history() for child in execution.children]
    while execution.back() is not None:
        pass
    assert execution.children == []
    assert execution.map_runs == []
    execution.run()
    assert [child.history() for child in execution.children] == histories
    assert len(execution.transitions) == len(transitions)


def test_a_child_s_task_that_never_answers():
    execution = (
        one(mapped(block(T=task(TimeoutSeconds=9)), ToleratedFailureCount=1))
        .start([1], tasks={"T": never()})
        .run()
    )
    assert execution.output[0]["Error"] == "States.Timeout"
    assert execution.time == 9
