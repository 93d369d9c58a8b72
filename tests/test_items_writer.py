"""ResultWriter: the list that stays in the state, the files of an export, their manifest."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.errors import RESULT_WRITER_FAILED, Failed, UsageError
from sfnbook.items.store import StoreError, open_store
from sfnbook.items.writer import ChildResult, record, transformed, write_results

RUN = "arn:aws:states:us-east-1:111111111111:mapRun:m/Label:uuid"
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {}}


def child(name, status="SUCCEEDED", output=None, **more):
    started = {} if status == "PENDING" else {"start": "2025-01-01T00:00:00Z", "stop": "2025-01-01T00:00:01Z"}
    return ChildResult(f"arn:{name}", name, {"in": name}, status, output=output, **started, **more)


CHILDREN = [
    child("a", output=[1, [2]]),
    child("b", "FAILED", error="Boom", cause="why"),
    child("c", output={"x": None}),
    child("d", "TIMED_OUT", error="States.Timeout"),
    child("e", "ABORTED"),
    child("f", "PENDING"),
]
RECORDS = {each.name: record(each) for each in CHILDREN}
REST = [RECORDS["d"], RECORDS["e"], RECORDS["f"]]


def exported(config=None, prefix="out", children=CHILDREN, **more):
    store = open_store({"b/k": ""})
    parameters = {"Bucket": "b", **({"Prefix": prefix} if prefix is not None else {})}
    result = write_results(
        children,
        writer=WRITER,
        parameters=parameters,
        config=config,
        store=store,
        map_run_arn=RUN,
        uuid="run-id",
        **more,
    )
    return result, store.written


def test_a_record_of_success():
    assert record(child("a", output={"x": 1}, state_machine_arn="arn:machine")) == {
        "ExecutionArn": "arn:a",
        "Input": '{"in":"a"}',
        "InputDetails": {"Included": True},
        "Name": "a",
        "Output": '{"x":1}',
        "OutputDetails": {"Included": True},
        "RedriveCount": 0,
        "RedriveStatus": "NOT_REDRIVABLE",
        "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        "StartDate": "2025-01-01T00:00:00Z",
        "StateMachineArn": "arn:machine",
        "Status": "SUCCEEDED",
        "StopDate": "2025-01-01T00:00:01Z",
    }


def test_a_record_of_failure():
    found = record(child("b", "FAILED", error="Boom", cause="why"))
    assert (found["Error"], found["Cause"], found["Status"]) == ("Boom", "why", "FAILED")
    assert "Output" not in found
    assert found["RedriveStatus"] == "REDRIVABLE_BY_MAP_RUN"


def test_an_output_of_null_is_there():
    assert record(child("a"))["Output"] == "null"


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        ("NONE", [RECORDS["a"], RECORDS["b"], RECORDS["c"], *REST]),
        ("COMPACT", [[1, [2]], RECORDS["b"], {"x": None}, *REST]),
        ("FLATTEN", [1, [2], RECORDS["b"], {"x": None}, *REST]),
    ],
)
def test_transformed(transformation, expected):
    assert transformed(CHILDREN, transformation) == expected


@pytest.mark.parametrize(
    "writer", [None, {}, {"WriterConfig": {}}, {"WriterConfig": {"Transformation": "COMPACT"}}]
)
def test_without_an_export_the_outputs_are_the_result(writer):
    assert write_results(CHILDREN[:1], writer=writer) == [[1, [2]]]


def test_a_preview_takes_its_transformation():
    writer = {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}}
    assert write_results(CHILDREN[:1], writer=writer) == [1, [2]]
    assert write_results(CHILDREN[:1], writer=writer, config={"Transformation": "NONE"}) == [RECORDS["a"]]


def test_an_export_gives_the_place_of_the_manifest():
    result, written = exported()
    assert result == {
        "MapRunArn": RUN,
        "ResultWriterDetails": {"Bucket": "b", "Key": "out/run-id/manifest.json"},
    }
    manifest = json.loads(written["b/out/run-id/manifest.json"])
    assert manifest == {
        "DestinationBucket": "b",
        "MapRunArn": RUN,
        "ResultFiles": {
            group: [
                {"Key": f"out/run-id/{group}_0.json", "Size": len(written[f"b/out/run-id/{group}_0.json"])}
            ]
            for group in ("FAILED", "PENDING", "SUCCEEDED")
        },
    }


def test_an_export_writes_records_by_default():
    _, written = exported()
    assert json.loads(written["b/out/run-id/SUCCEEDED_0.json"]) == [RECORDS["a"], RECORDS["c"]]
    assert json.loads(written["b/out/run-id/FAILED_0.json"]) == [RECORDS["b"], RECORDS["d"], RECORDS["e"]]
    assert json.loads(written["b/out/run-id/PENDING_0.json"]) == [RECORDS["f"]]


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        ({"Transformation": "COMPACT", "OutputType": "JSONL"}, [[1, [2]], {"x": None}]),
        ({"Transformation": "FLATTEN", "OutputType": "JSONL"}, [1, [2], {"x": None}]),
        ({"OutputType": "JSONL"}, [RECORDS["a"], RECORDS["c"]]),
    ],
    ids=str,
)
def test_json_lines(config, lines):
    _, written = exported(config)
    text = written["b/out/run-id/SUCCEEDED_0.json"].decode()
    assert [json.loads(line) for line in text.splitlines()] == lines
    failed = written["b/out/run-id/FAILED_0.json"].decode()
    assert [json.loads(line)["Name"] for line in failed.splitlines()] == ["b", "d", "e"]


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        (None, "run-id/manifest.json"),
        ("", "run-id/manifest.json"),
        ("a/b", "a/b/run-id/manifest.json"),
        ("a/", "a/run-id/manifest.json"),
    ],
)
def test_prefixes(prefix, key):
    result, written = exported(prefix=prefix)
    assert result["ResultWriterDetails"]["Key"] == key
    assert f"b/{key}" in written


def test_files_without_children_are_not_written():
    _, written = exported(children=[])
    assert list(written) == ["b/out/run-id/manifest.json"]
    assert json.loads(written["b/out/run-id/manifest.json"])["ResultFiles"] == {
        "FAILED": [],
        "PENDING": [],
        "SUCCEEDED": [],
    }


def test_large_results_are_split_over_files():
    children = [child(str(n), output="x" * 10) for n in range(5)]
    _, written = exported({"Transformation": "COMPACT"}, children=children, max_file_bytes=26)
    sizes = {
        name.rpartition("/")[2]: len(json.loads(data)) for name, data in written.items() if "SUCC" in name
    }
    assert sizes == {"SUCCEEDED_0.json": 2, "SUCCEEDED_1.json": 2, "SUCCEEDED_2.json": 1}


def test_without_files_the_error_says_how_to_give_them():
    with pytest.raises(UsageError, match="files="):
        write_results(CHILDREN, writer=WRITER, parameters={"Bucket": "b"}, uuid="u")


class ReadOnly:
    def put(self, *_):
        raise StoreError("AccessDenied", "Access Denied")

    get = list = None


@pytest.mark.parametrize(
    ("parameters", "config", "store", "cause"),
    [
        ({"Bucket": "b"}, {}, ReadOnly(), "Access Denied"),
        ({}, {}, open_store({}), "'Bucket'"),
        ({"Bucket": 7}, {}, open_store({}), "'Bucket'"),
        ([], {}, open_store({}), "must be an object"),
        ({"Bucket": "b"}, {"Transformation": "ZIP"}, open_store({}), "ZIP"),
        ({"Bucket": "b"}, {"Transformation": ["NONE"]}, open_store({}), "Transformation"),
        ({"Bucket": "b"}, {"OutputType": "CSV"}, open_store({}), "CSV"),
    ],
    ids=[
        "refused",
        "no_bucket",
        "bucket_not_text",
        "list",
        "transformation",
        "transformation_list",
        "output_type",
    ],
)
def test_what_fails_the_writer(parameters, config, store, cause):
    with pytest.raises(Failed) as caught:
        write_results(CHILDREN, writer=WRITER, parameters=parameters, config=config, store=store, uuid="u")
    assert caught.value.error == RESULT_WRITER_FAILED
    assert cause in caught.value.cause
    assert not caught.value.prefixed


OUTPUTS = st.lists(st.one_of(st.integers(), st.lists(st.integers(), max_size=3)), max_size=8)


@given(OUTPUTS)
def test_transformations_keep_the_order(outputs):
    children = [child(str(n), output=output) for n, output in enumerate(outputs)]
    flat = [item for output in outputs for item in (output if isinstance(output, list) else [output])]
    assert transformed(children, "COMPACT") == outputs
    assert transformed(children, "FLATTEN") == flat
    assert [each["Name"] for each in transformed(children, "NONE")] == [each.name for each in children]


@given(OUTPUTS, st.integers(1, 40), st.sampled_from(["JSON", "JSONL"]))
def test_files_put_together_are_the_results(outputs, limit, form):
    children = [child(str(n), output=output) for n, output in enumerate(outputs)]
    config = {"Transformation": "COMPACT", "OutputType": form}
    _, written = exported(config, children=children, max_file_bytes=limit)
    found = []
    for number in range(len(written) - 1):
        text = written[f"b/out/run-id/SUCCEEDED_{number}.json"].decode()
        found += json.loads(text) if form == "JSON" else [json.loads(line) for line in text.splitlines()]
    assert found == outputs
