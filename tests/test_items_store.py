"""S3 from a dict, a folder or a client: reading, listing, writing, and staying inside."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from sfnbook.errors import UsageError
from sfnbook.items.store import StoreError, open_store, required


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "s3"
    (root / "bucket" / "in").mkdir(parents=True)
    (root / "bucket" / "in" / "a.txt").write_text("A", encoding="utf-8")
    (root / "bucket" / "b.txt").write_text("BB", encoding="utf-8")
    (tmp_path / "secret").write_text("keep out", encoding="utf-8")
    return root


@pytest.fixture(params=["dict", "folder"])
def store(request, folder):
    files = {"bucket/in/a.txt": "A", "bucket/b.txt": b"BB"} if request.param == "dict" else folder
    return open_store(files)


def test_reads_lists_and_writes(store):
    assert store.get("bucket", "in/a.txt") == b"A"
    assert [entry["Key"] for entry in store.list("bucket")] == ["b.txt", "in/a.txt"]
    assert [entry["Size"] for entry in store.list("bucket", "in/")] == [1]
    store.put("bucket", "in/new", b"123")
    store.put("bucket", "b.txt", b"")
    assert store.get("bucket", "in/new") == b"123"
    assert [(entry["Key"], entry["Size"]) for entry in store.list("bucket")] == [
        ("b.txt", 0),
        ("in/a.txt", 1),
        ("in/new", 3),
    ]
    assert store.written == {"bucket/in/new": b"123", "bucket/b.txt": b""}


def test_a_listing_has_the_fields_of_s3(store):
    (entry,) = store.list("bucket", "in/")
    assert list(entry) == ["Etag", "Key", "LastModified", "Size", "StorageClass"]
    assert entry["Etag"] == '"7fc56270e7a70fa81a5935b72eacbe29"'
    assert isinstance(entry["LastModified"], int)


def test_writing_leaves_the_dict_and_the_disk_alone(folder):
    files = {"bucket/a": "1"}
    for source in (files, folder, str(folder)):
        open_store(source).put("bucket", "a", b"2")
    assert files == {"bucket/a": "1"}
    assert not (folder / "bucket" / "a").exists()


@pytest.mark.parametrize(
    ("bucket", "key", "code"),
    [("bucket", "none", "NoSuchKey"), ("bucket", "in", "NoSuchKey"), ("other", "a", "NoSuchBucket")],
)
def test_what_is_not_there(store, bucket, key, code):
    with pytest.raises(StoreError, match=f"The specified .* does not exist.*{bucket}") as caught:
        store.get(bucket, key)
    assert caught.value.code == code


def test_a_bucket_that_is_not_there_cannot_be_listed_until_written_to(store):
    with pytest.raises(StoreError, match="The specified bucket does not exist"):
        store.list("other")
    store.put("other", "k", b"v")
    assert [entry["Key"] for entry in store.list("other")] == ["k"]


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("bucket", "../../secret"),
        ("bucket", "in/../../../secret"),
        ("bucket", "in/../b.txt"),
        ("..", "secret"),
        ("bucket/..", "b.txt"),
        ("", "secret"),
        (".", "bucket/b.txt"),
        ("bucket", ""),
        ("bucket", "."),
        ("bucket", "a\0b"),
        ("bucket", "x" * 5000),
        ("bucket", "\ud800"),
    ],
)
def test_no_name_leads_out_of_the_folder(folder, bucket, key):
    with pytest.raises(StoreError):
        open_store(folder).get(bucket, key)


def test_an_absolute_key_leads_nowhere(folder):
    with pytest.raises(StoreError):
        open_store(folder).get("bucket", str(folder.parent / "secret"))


def test_no_link_leads_out_of_the_folder(folder):
    (folder / "bucket" / "link").symlink_to(folder.parent / "secret")
    (folder / "bucket" / "loop").symlink_to(folder / "bucket" / "loop")
    (folder / "bucket" / "dir").symlink_to(folder.parent, target_is_directory=True)
    (folder / "linked").symlink_to(folder.parent, target_is_directory=True)
    store = open_store(folder)
    for bucket, key in [
        ("bucket", "link"),
        ("bucket", "loop"),
        ("bucket", "dir/secret"),
        ("linked", "secret"),
    ]:
        with pytest.raises(StoreError):
            store.get(bucket, key)
    assert [entry["Key"] for entry in store.list("bucket")] == ["b.txt", "in/a.txt"]


def test_json_values_are_written_as_json():
    store = open_store({"b/list": [{"a": None}], "b/text": "[1]", "b/number": 1})
    assert store.get("b", "list") == b'[{"a":null}]'
    assert store.get("b", "text") == b"[1]"
    assert store.get("b", "number") == b"1"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"nokey": ""}, "nokey"),
        ({"bucket/": ""}, "bucket/key"),
        ({"/key": ""}, "bucket/key"),
        ({7: ""}, "7"),
        ({"b/k": {1, 2}}, "b/k"),
        ("no/such/folder", "no folder"),
        (7, "int"),
        ([], "list"),
    ],
    ids=str,
)
def test_wrong_files_are_refused_with_an_example(files, says):
    with pytest.raises(UsageError, match=says):
        open_store(files)


def test_no_files_and_a_need_for_them():
    assert open_store(None) is None
    with pytest.raises(UsageError, match=r'files=\{"b/k": \.\.\.\}'):
        required(None, "b", "k")


class RefusedError(Exception):
    def __init__(self, code, message):
        self.response = {"Error": {"Code": code, "Message": message}}


class Client:
    """The shape of boto3's S3 client, two objects a page."""

    def __init__(self):
        self.objects = {"k1": b"1", "k2": b"22", "k3": b"333"}

    def get_object(self, *, Bucket, Key, VersionId=None):  # noqa: N803
        if Bucket == "offline":
            raise OSError("no network")
        if Key not in self.objects:
            raise RefusedError("NoSuchKey", "The specified key does not exist.")
        return {"Body": io.BytesIO(self.objects[Key] + (VersionId or "").encode())}

    def list_objects_v2(self, *, Bucket, Prefix, ContinuationToken="0"):  # noqa: N803
        assert Bucket == "b"
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        start = int(ContinuationToken)
        page = [
            {
                "Key": key,
                "Size": len(self.objects[key]),
                "ETag": '"e"',
                "LastModified": datetime(2025, 1, 1, tzinfo=UTC),
                "StorageClass": "STANDARD",
            }
            for key in keys[start : start + 2]
        ]
        more = start + 2 < len(keys)
        return (
            {"Contents": page, "IsTruncated": more, "NextContinuationToken": str(start + 2)} if keys else {}
        )

    def put_object(self, *, Bucket, Key, Body):  # noqa: N803
        assert Bucket == "b"
        self.objects[Key] = Body


def test_a_client_is_read_page_by_page_and_written_to():
    client = Client()
    store = open_store(client)
    assert [entry["Key"] for entry in store.list("b")] == ["k1", "k2", "k3"]
    assert store.list("b")[0] == {
        "Etag": '"e"',
        "Key": "k1",
        "LastModified": 1735689600,
        "Size": 1,
        "StorageClass": "STANDARD",
    }
    assert store.list("b", "none") == []
    assert store.get("b", "k2") == b"22"
    assert store.get("b", "k2", version="v") == b"22v"
    store.put("b", "k4", b"4")
    assert client.objects["k4"] == b"4"


def test_a_refusal_of_s3_is_told_from_trouble_of_ones_own():
    store = open_store(Client())
    with pytest.raises(StoreError, match="The specified key does not exist") as caught:
        store.get("b", "none")
    assert caught.value.code == "NoSuchKey"
    with pytest.raises(OSError, match="no network"):
        store.get("offline", "k1")


def test_any_object_with_the_three_methods_is_a_store():
    mine = open_store({"b/k": "1"})
    assert open_store(mine) is mine
