"""ItemReader: recorded cases, the formats, where items come from, and files that are broken."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import types
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import tolerance
from sfnbook.errors import ITEM_READER_FAILED, Failed, UsageError
from sfnbook.items.formats import csv_rows, items_of
from sfnbook.items.reader import read_items
from sfnbook.items.store import open_store

CASES = Path(__file__).resolve().parents[1] / "../shared/conformance/cases/execution"

GET = "arn:aws:states:::s3:getObject"
LIST = "arn:aws:states:::s3:listObjectsV2"
FIRST_ROW = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}


def given_headers(*headers, **more):
    return {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": list(headers), **more}


def read(content, config, **options):
    """The items of one file ``b/k``."""
    reader = {"Resource": GET, "ReaderConfig": config}
    return read_items(reader, {"Bucket": "b", "Key": "k"}, open_store({"b/k": content}), **options).items


def cause_of(content, config, **options):
    with pytest.raises(Failed) as caught:
        read(content, config, **options)
    assert (caught.value.error, caught.value.prefixed) == (ITEM_READER_FAILED, False)
    return caught.value.cause


# --- what AWS was recorded doing -------------------------------------------------------------


def recorded():
    for path in sorted(CASES.glob("*/*.json")):
        text = path.read_text(encoding="utf-8")
        if '"ItemReader"' in text:
            case = json.loads(text)
            if case["mock"].get("files") is not None:
                yield pytest.param(case, id=case["id"].rpartition("::")[2].rpartition("/")[2])


def reading_map(states):
    return next((state for state in states.values() if "ItemReader" in state), None)


def max_items_of(config, case):
    if "MaxItemsPath" not in config:
        literal = config.get("MaxItems")  # in JSONata recorded as an assignment of a number
        return int(re.search(r":= *(\d+)", literal)[1]) if isinstance(literal, str) else literal
    path = config["MaxItemsPath"]
    assigned = {k: v for s in case["definition"]["States"].values() for k, v in s.get("Assign", {}).items()}
    value = case["input"][path[2:]] if path.startswith("$.") else assigned[path[1:]]
    return tolerance.integer(value, "MaxItemsPath", path)


@pytest.mark.skipif(not CASES.is_dir(), reason="the recorded cases are not here")
def test_there_are_recorded_cases():
    assert len(list(recorded())) > 10


@pytest.mark.parametrize("case", list(recorded()))
def test_recorded(case):
    """Every recorded machine passes its items through, so its output is what was read."""
    state = reading_map(case["definition"]["States"])
    config = state["ItemReader"]["ReaderConfig"]
    parameters = {"Bucket": case["input"]["Bucket"], "Key": case["input"]["Key"]}
    store = open_store(case["mock"]["files"])
    if case["expect"]["status"] == "SUCCEEDED":
        result = read_items(state["ItemReader"], parameters, store, max_items=max_items_of(config, case))
        assert result.items == case["expect"]["output"]
        assert result.source == f"S3://{parameters['Bucket']}/{parameters['Key']}"
    else:
        with pytest.raises(Failed) as caught:
            read_items(state["ItemReader"], parameters, store, max_items=max_items_of(config, case))
        assert caught.value.error == case["expect"]["error"]
        assert caught.value.cause == case["expect"]["cause"]
        assert not caught.value.prefixed


# --- CSV -------------------------------------------------------------------------------------

CSV = [
    ("rows", "a,b\n1,2\n", [{"a": "1", "b": "2"}]),
    ("no_last_line_end", "a,b\n1,2", [{"a": "1", "b": "2"}]),
    ("windows_line_ends", "a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
    ("missing_columns", "a,b,c\n1\n", [{"a": "1", "b": "", "c": ""}]),
    ("surplus_columns", "a\n1,2,3\n", [{"a": "1"}]),
    ("only_delimiters", "a,b\n,,,\n", [{"a": "", "b": ""}]),
    ("blanks_are_a_value", "a,b\n   \n", [{"a": "   ", "b": ""}]),
    ("blanks_stay", "a,b\n 1 , 2\n", [{"a": " 1 ", "b": " 2"}]),
    ("an_empty_line_is_no_row", "a,b\n\n1,2\n\n", [{"a": "1", "b": "2"}]),
    ("an_empty_header", "a,\n1,2\n", [{"a": "1", "": "2"}]),
    ("quoted", 'a,b\n"1,5","say ""hi"""\n', [{"a": "1,5", "b": 'say "hi"'}]),
    ("quoted_line_end", 'a\n"1\r\n2"\n', [{"a": "1\r\n2"}]),
    ("a_quoted_empty_value_is_a_row", 'a\n""\n', [{"a": ""}]),
    ("quotes_inside", 'a,b\n5" pipe,x"y\n', [{"a": '5" pipe', "b": 'x"y'}]),
    ("single_quotes_mean_nothing", "a\n'x'\n", [{"a": "'x'"}]),
    ("escaped_delimiter", "a,b\n1\\,5,2\n", [{"a": "1,5", "b": "2"}]),
    ("escaped_quote", 'a\n"x\\"y"\n', [{"a": 'x"y'}]),
    ("escaped_quote_outside", 'a\n\\"x\n', [{"a": '"x'}]),
    ("escaped_backslash", "a\nC:\\\\dir\n", [{"a": "C:\\dir"}]),
    ("other_backslashes_go", "a\nC:\\dir\\new\n", [{"a": "C:dirnew"}]),
    ("a_backslash_does_not_hold_a_line_end", "a\n1\\\n2\n", [{"a": "1"}, {"a": "2"}]),
    ("a_last_backslash_goes", "a\n1\\", [{"a": "1"}]),
    ("unicode", "ключ\nZoë ☃\n", [{"ключ": "Zoë ☃"}]),
    ("byte_order_mark", "\ufeffa\n1\n", [{"a": "1"}]),
    ("line_separators_of_unicode", "a\nx\u2028y\x0bz\n", [{"a": "x\u2028y\x0bz"}]),
    ("headers_alone", "a,b\n", []),
    ("nothing", "", []),
    ("a_long_value", "a\n" + "x" * 200_000 + "\n", [{"a": "x" * 200_000}]),
]


@pytest.mark.parametrize(("content", "items"), [pytest.param(*row[1:], id=row[0]) for row in CSV])
def test_csv(content, items):
    assert read(content, FIRST_ROW) == items


@pytest.mark.parametrize(
    ("name", "line"),
    [("COMMA", "1,2"), ("PIPE", "1|2"), ("SEMICOLON", "1;2"), ("SPACE", "1 2"), ("TAB", "1\t2")],
)
def test_csv_delimiters(name, line):
    assert read(line, given_headers("a", "b", CSVDelimiter=name)) == [{"a": "1", "b": "2"}]


def test_with_given_headers_the_first_line_is_data():
    assert read("a,b\n1,2\n", given_headers("x")) == [{"x": "a"}, {"x": "1"}]


def test_a_backslash_escapes_the_delimiter_of_the_file_only():
    config = given_headers("a", "b", CSVDelimiter="PIPE")
    assert read("1\\|2|3\\,4", config) == [{"a": "1|2", "b": "3,4"}]


def test_reading_csv_leaves_the_csv_module_as_it_was():
    before = csv.field_size_limit()
    read("a\n" + "x" * 200_000, FIRST_ROW, max_items=1)
    cause_of('a\n"x', FIRST_ROW)
    assert csv.field_size_limit() == before


FIELDS = st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.lists(FIELDS, min_size=1, max_size=4), max_size=6), st.sampled_from(",|; \t"))
def test_what_the_csv_module_writes_reads_back(rows, delimiter):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    assert list(csv_rows(text.getvalue(), delimiter)) == rows


def items_or_failure(content, config):
    """The items, or the error of the ItemReader; anything else is raised."""
    try:
        return list(items_of(content, config)), None
    except Failed as problem:
        return [], problem.error


@given(st.text(st.sampled_from('ab,"\\\n\r '), max_size=30))
def test_any_csv_is_read_or_fails_as_a_reader_does(content):
    items, error = items_or_failure(content.encode(), given_headers("a", "b"))
    assert error in {None, ITEM_READER_FAILED}
    assert all(list(item) == ["a", "b"] for item in items)
    assert all(isinstance(value, str) for item in items for value in item.values())


# --- JSON, JSON Lines, Parquet, compression --------------------------------------------------

JSON = [
    ("array", [1, {"a": 2}, None], {}, [1, {"a": 2}, None]),
    ("empty_array", [], {}, []),
    ("pointer_to_array", {"a": {"b": [1]}}, {"ItemsPointer": "/a/b"}, [1]),
    ("pointer_to_object", {"a": {"x": 1, "y": 2}}, {"ItemsPointer": "/a"}, [("x", 1), ("y", 2)]),
    ("pointer_with_escapes", {"a/b": {"~": [1]}}, {"ItemsPointer": "/a~1b/~0"}, [1]),
    ("pointer_into_array", [[1], [2]], {"ItemsPointer": "/1"}, [2]),
    ("pointer_to_empty_key", {"": [1]}, {"ItemsPointer": "/"}, [1]),
    ("pointer_to_all", [1], {"ItemsPointer": ""}, [1]),
    ("blanks", " [ 1 ]\n", {}, [1]),
]


@pytest.mark.parametrize(("content", "config", "items"), [pytest.param(*row[1:], id=row[0]) for row in JSON])
def test_json(content, config, items):
    assert read(content, {"InputType": "JSON", **config}) == items


def test_json_lines():
    content = '{"a": "x\u2028y"}\r\n\n[1]\n  \n"last"'
    assert read(content, {"InputType": "JSONL"}) == [{"a": "x\u2028y"}, [1], "last"]


def test_parquet():
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [
        {
            "n": 1,
            "f": 0.5,
            "t": datetime(2025, 1, 2, tzinfo=UTC),
            "b": b"\x00",
            "d": Decimal("1.5"),
            "l": [1],
        },
        {"n": None, "f": float("nan"), "t": None, "b": None, "d": Decimal("2.0"), "l": []},
    ]
    file = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), file)
    items = read(file.getvalue(), {"InputType": "PARQUET"})
    assert items == [
        {"n": 1, "f": 0.5, "t": "2025-01-02T00:00:00+00:00", "b": "AA==", "d": 1.5, "l": [1]},
        {"n": None, "f": None, "t": None, "b": None, "d": 2, "l": []},
    ]
    json.dumps(items, allow_nan=False)


def test_parquet_without_pyarrow_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install sfnbook\[scale\]"):
        read(b"PAR1", {"InputType": "PARQUET"})


def test_gzip():
    assert read(gzip.compress(b"[1]"), {"InputType": "JSON"}) == [1]
    assert read(gzip.compress(b"a\n1\n"), FIRST_ROW) == [{"a": "1"}]


ZSTD = b"\x28\xb5\x2f\xfd...."


def test_zstd_without_a_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UsageError, match="pip install zstandard"):
        read(ZSTD, {"InputType": "JSON"})


def test_zstd_with_a_library(monkeypatch):
    library = types.ModuleType("zstandard")
    library.ZstdError = type("ZstdError", (Exception,), {})
    library.open = lambda file, *_: io.BytesIO(b"[1]" if file.read() == ZSTD else b"")
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", library)
    assert read(ZSTD, {"InputType": "JSON"}) == [1]


# --- which files -----------------------------------------------------------------------------

FILES = {"b/in/": "", "b/in/1.json": [1, 2], "b/in/2.json": [3], "b/other.json": [9]}


def test_a_listing_gives_its_objects():
    reader = {"Resource": LIST, "ReaderConfig": {}}
    result = read_items(reader, {"Bucket": "b", "Prefix": "in/"}, open_store(FILES), max_items=2)
    assert [item["Key"] for item in result.items] == ["in/", "in/1.json"]
    assert (result.source, result.source_of(1)) == ("S3://b", "S3://b")


def test_a_listing_needs_no_reader_config_and_no_prefix():
    result = read_items({"Resource": LIST}, {"Bucket": "b"}, open_store(FILES))
    assert len(result.items) == 4


def test_load_and_flatten_gives_the_items_of_every_file():
    reader = {"Resource": LIST, "ReaderConfig": {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"}}
    result = read_items(reader, {"Bucket": "b", "Prefix": "in/"}, open_store(FILES))
    assert result.items == [1, 2, 3]
    assert [result.source_of(index) for index in range(3)] == [
        "S3://b/in/1.json",
        "S3://b/in/1.json",
        "S3://b/in/2.json",
    ]


INVENTORY = {
    "sourceBucket": "source",
    "destinationBucket": "arn:aws:s3:::inventory",
    "fileFormat": "CSV",
    "fileSchema": "Bucket, Key, Size",
    "files": [{"key": "data/1.csv.gz", "size": 1, "MD5checksum": "x"}, {"key": "data/2.csv.gz"}],
}


@pytest.mark.parametrize("config", [{"InputType": "MANIFEST"}, {"ManifestType": "S3_INVENTORY"}], ids=str)
def test_an_inventory(config):
    store = open_store(
        {
            "inventory/manifest.json": INVENTORY,
            "inventory/data/1.csv.gz": gzip.compress(b'"source","a.txt","5"\n"source","b.txt","6"\n'),
            "inventory/data/2.csv.gz": gzip.compress(b'"source","c.txt","7"\n'),
        }
    )
    place = {"Bucket": "inventory", "Key": "manifest.json"}
    result = read_items({"Resource": GET, "ReaderConfig": config}, place, store)
    assert result.items == [
        {"Bucket": "source", "Key": key, "Size": size}
        for key, size in [("a.txt", "5"), ("b.txt", "6"), ("c.txt", "7")]
    ]
    assert result.source_of(2) == "S3://inventory/data/2.csv.gz"


def test_an_athena_manifest():
    store = open_store(
        {
            "b/manifest.csv": "s3://b/part1.jsonl\ns3://c/dir/part2.jsonl\n",
            "b/part1.jsonl": "1\n2",
            "c/dir/part2.jsonl": "3",
        }
    )
    reader = {"Resource": GET, "ReaderConfig": {"ManifestType": "ATHENA_DATA", "InputType": "JSONL"}}
    result = read_items(reader, {"Bucket": "b", "Key": "manifest.csv"}, store, max_items=3)
    assert result.items == [1, 2, 3]
    assert result.source_of(2) == "S3://c/dir/part2.jsonl"


@pytest.mark.parametrize(("limit", "count"), [(None, 5), (0, 5), (3, 3), (100_000_001, 5)])
@pytest.mark.parametrize("kind", ["CSV", "JSON", "JSONL"])
def test_max_items(kind, limit, count):
    content = {"CSV": "a\n1\n2\n3\n4\n5\n", "JSON": "[1,2,3,4,5]", "JSONL": "1\n2\n3\n4\n5"}[kind]
    assert len(read(content, {"InputType": kind, "CSVHeaderLocation": "FIRST_ROW"}, max_items=limit)) == count


def test_what_lies_behind_max_items_is_not_read():
    assert read('a\n1\n"broken', FIRST_ROW, max_items=1) == [{"a": "1"}]
    assert read("1\n2\n{", {"InputType": "JSONL"}, max_items=2) == [1, 2]


def test_a_version_is_asked_for():
    class Versions:
        def get(self, *_, version=None):
            return f'["{version}"]'.encode()

        list = put = None

    place = {"Bucket": "b", "Key": "k", "VersionId": "v7", "ExpectedBucketOwner": "1"}
    reader = {"Resource": GET, "ReaderConfig": {"InputType": "JSON"}}
    assert read_items(reader, place, open_store(Versions())).items == ["v7"]


# --- what fails ------------------------------------------------------------------------------

BAD = [
    ("json_truncated", b'[{"a": 1}, {"a"', {"InputType": "JSON"}, "not JSON"),
    ("json_empty", b"", {"InputType": "JSON"}, "not JSON"),
    ("json_nan", b"[NaN]", {"InputType": "JSON"}, "NaN"),
    ("json_deep", b"[" * 100_000, {"InputType": "JSON"}, "not JSON"),
    ("json_object", b'{"a": 1}', {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
    ("json_text", b'"text"', {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
    ("json_number", b"7", {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
    ("json_null", b"null", {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
    ("json_pointer_misses", b'{"a": []}', {"InputType": "JSON", "ItemsPointer": "/b"}, "/b"),
    ("json_pointer_beyond", b"[[1]]", {"InputType": "JSON", "ItemsPointer": "/1"}, "/1"),
    ("json_pointer_leading_zero", b"[[1]]", {"InputType": "JSON", "ItemsPointer": "/00"}, "/00"),
    ("json_pointer_to_number", b'{"a": 1}', {"InputType": "JSON", "ItemsPointer": "/a"}, "non-iterable"),
    ("json_not_utf8", b'["\xff"]', {"InputType": "JSON"}, "not UTF-8"),
    ("jsonl_broken", b'1\n{"a"', {"InputType": "JSONL"}, "Line 2"),
    ("csv_duplicates", b"a,b,a\n1,2,3\n", FIRST_ROW, "CSV headers cannot contain duplicates."),
    ("csv_duplicates_given", b"1,2\n", given_headers("a", "a"), "CSV headers cannot contain duplicates."),
    ("csv_duplicates_without_rows", b"a,a\n", FIRST_ROW, "CSV headers cannot contain duplicates."),
    ("csv_open_quote", b'a\n"x\n', FIRST_ROW, "CSV file is broken"),
    ("csv_text_after_quote", b'a\n"x"y\n', FIRST_ROW, "CSV file is broken"),
    ("csv_not_utf8", b"a\n\xe9\n", FIRST_ROW, "not UTF-8"),
    ("csv_delimiter", b"a", {**FIRST_ROW, "CSVDelimiter": "COLON"}, "CSVDelimiter"),
    ("gzip_truncated", gzip.compress(b"[1]")[:-9], {"InputType": "JSON"}, "GZIP"),
    ("gzip_garbage", b"\x1f\x8bgarbage", {"InputType": "JSON"}, "GZIP"),
    ("parquet_garbage", b"PAR1garbage", {"InputType": "PARQUET"}, "Parquet"),
    ("no_input_type", b"[]", {}, "InputType"),
    ("unknown_input_type", b"[]", {"InputType": "XML"}, "XML"),
    ("input_type_not_text", b"[]", {"InputType": ["JSON"]}, "InputType"),
    ("unknown_manifest", b"[]", {"ManifestType": "OTHER"}, "ManifestType"),
    ("inventory_not_json", b"nope", {"InputType": "MANIFEST"}, "not JSON"),
    ("inventory_without_schema", b"{}", {"InputType": "MANIFEST"}, "fileSchema"),
    ("inventory_is_a_list", b"[]", {"InputType": "MANIFEST"}, "fileSchema"),
    ("inventory_orc", b'{"fileSchema": "a", "fileFormat": "ORC"}', {"InputType": "MANIFEST"}, "CSV format"),
    ("inventory_files", b'{"fileSchema": "a", "files": [1]}', {"InputType": "MANIFEST"}, "'files'"),
    ("inventory_file_key", b'{"fileSchema": "a", "files": [{}]}', {"InputType": "MANIFEST"}, "'key'"),
    ("athena_not_a_uri", b"nope\n", {"ManifestType": "ATHENA_DATA", "InputType": "CSV"}, "nope"),
    (
        "athena_file_missing",
        b"s3://b/none\n",
        {"ManifestType": "ATHENA_DATA", "InputType": "CSV"},
        "does not exist",
    ),
]


@pytest.mark.parametrize(("content", "config", "cause"), [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_broken_files_fail_the_reader(content, config, cause):
    assert cause in cause_of(content, config)


def test_a_negative_max_items():
    assert cause_of("[1]", {"InputType": "JSON"}, max_items=-1) == "field MaxItems must be positive"


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"Bucket": "b", "Key": "none"}, "The specified key does not exist."),
        ({"Bucket": "other", "Key": "k"}, "The specified bucket does not exist."),
        ({"Bucket": "b"}, "'Key' must be a string that is not empty, but was: null"),
        ({"Key": "k"}, "'Bucket' must be a string that is not empty, but was: null"),
        ({"Bucket": "b", "Key": 7}, "'Key' must be a string that is not empty, but was: 7"),
        ({"Bucket": "b", "Key": ""}, "'Key' must be a string that is not empty"),
        (["b", "k"], 'must be an object, but were: ["b","k"]'),
    ],
    ids=str,
)
def test_wrong_places_fail_the_reader(parameters, cause):
    reader = {"Resource": GET, "ReaderConfig": {"InputType": "JSON"}}
    with pytest.raises(Failed) as caught:
        read_items(reader, parameters, open_store({"b/k": []}))
    assert caught.value.error == ITEM_READER_FAILED
    assert cause in caught.value.cause


def test_an_unknown_resource_fails_the_reader():
    with pytest.raises(Failed, match="s3:putObject"):
        read_items({"Resource": "arn:aws:states:::s3:putObject"}, {}, open_store({}))


def test_without_files_the_error_says_how_to_give_them():
    with pytest.raises(UsageError, match=r'files=\{"b/k": \.\.\.\}'):
        read_items(
            {"Resource": GET, "ReaderConfig": {"InputType": "JSON"}}, {"Bucket": "b", "Key": "k"}, None
        )
    with pytest.raises(UsageError, match="files="):
        read_items({"Resource": LIST}, {"Bucket": "b"}, None)


@given(
    st.binary(max_size=60).filter(lambda content: not content.startswith(ZSTD[:4])),
    st.sampled_from(["CSV", "JSON", "JSONL"]),
)
def test_any_bytes_are_read_or_fail_as_a_reader_does(content, kind):
    _, error = items_or_failure(content, {"InputType": kind, "CSVHeaderLocation": "FIRST_ROW"})
    assert error in {None, ITEM_READER_FAILED}
