"""S3 as the simulator sees it: a dict, a local folder, or a client with boto3's methods.

What an execution writes to a dict or a folder stays in the store (``written``): neither the
caller's dict nor the disk is touched.  A client is the real thing, and is written to.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from sfnbook.errors import SfnbookError, UsageError, kind_of
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Listing: TypeAlias = list[dict[str, Json]]
"""Objects as AWS lists them: Etag, Key, LastModified (seconds since the epoch), Size, StorageClass."""

# Objects of a dict have no age; a fixed one keeps two runs alike.  It is the default start time.
NO_AGE: Final = 1_735_689_600

_EXAMPLE: Final = 'files={"bucket/key.json": [{"id": 1}]}, or files="folder" with folder/bucket/key.json'


class StoreError(SfnbookError):
    """S3 refused; ``code`` is S3's (NoSuchKey, NoSuchBucket, AccessDenied ...)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message

    def __str__(self) -> str:
        return self.message


class Store(Protocol):
    """What readers and writers need of S3."""

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:
        """The content of one object, or a `StoreError`."""
        ...

    def list(self, bucket: str, prefix: str = "") -> Listing:
        """The objects whose key starts with ``prefix``, in S3's order (by UTF-8 bytes of the key)."""
        ...

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Write one object."""
        ...


def open_store(files: Any) -> Store | None:
    """The store behind ``files``: None, a dict, a folder, or an S3 client.

    >>> store = open_store({"bucket/a.txt": "hello"})
    >>> store.get("bucket", "a.txt")
    b'hello'
    >>> [(listed["Key"], listed["Size"]) for listed in store.list("bucket")]
    [('a.txt', 5)]
    """
    if files is None:
        return None
    if isinstance(files, dict):
        return LocalStore(DictSource(files))
    if isinstance(files, str | os.PathLike):
        return LocalStore(FolderSource(Path(files)))
    if all(hasattr(files, method) for method in ("get_object", "list_objects_v2", "put_object")):
        return ClientStore(files)
    if all(hasattr(files, method) for method in ("get", "list", "put")):
        store: Store = files
        return store
    raise UsageError(f"files cannot be {kind_of(files)}. Give {_EXAMPLE}, or a boto3 S3 client.")


def required(store: Store | None, bucket: str, key: str) -> Store:
    """The store, or a UsageError that says how to give one."""
    if store is None:
        raise UsageError(
            f'The execution needs the S3 object "{bucket}/{key}" and has no files. '
            f'Start it with files={{"{bucket}/{key}": ...}}, a folder, or a boto3 S3 client.'
        )
    return store


class Source(Protocol):
    """What can be read, and is never written to."""

    def has(self, bucket: str) -> bool:
        """Does this bucket exist?"""
        ...

    def read(self, bucket: str, key: str) -> bytes | None:
        """The content of one object; None if there is none."""
        ...

    def find(self, bucket: str, prefix: str) -> Iterator[tuple[str, bytes, int]]:
        """Key, content and age (seconds since the epoch) of the objects whose key starts so."""
        ...


class LocalStore:
    """A dict or a folder, and over it what executions wrote (``written``, by ``"bucket/key"``)."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.written: dict[str, bytes] = {}

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:  # noqa: ARG002 - one version
        data = self.written.get(f"{bucket}/{key}")
        if data is None:
            data = self._source.read(bucket, key)
        if data is None:
            self._require(bucket)
            raise StoreError(
                "NoSuchKey", _refusal("The specified key does not exist.", 404, f"{bucket}/{key}")
            )
        return data

    def list(self, bucket: str, prefix: str = "") -> Listing:
        self._require(bucket)
        found = {
            key: _listed(key, data, modified) for key, data, modified in self._source.find(bucket, prefix)
        }
        for name, data in self.written.items():
            if name.startswith(f"{bucket}/{prefix}"):
                key = name[len(bucket) + 1 :]
                found[key] = _listed(key, data, NO_AGE)
        return sorted(found.values(), key=lambda entry: str(entry["Key"]).encode("utf-8", "surrogatepass"))

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self.written[f"{bucket}/{key}"] = data

    def _require(self, bucket: str) -> None:
        written = any(name.startswith(f"{bucket}/") for name in self.written)
        if not written and not self._source.has(bucket):
            raise StoreError("NoSuchBucket", _refusal("The specified bucket does not exist.", 404, bucket))


class DictSource:
    """Objects under ``"bucket/key"``: text, bytes, or any other JSON value (written as JSON)."""

    def __init__(self, files: Mapping[str, Any]) -> None:
        self._files = {_checked_name(name): _content(name, value) for name, value in files.items()}

    def has(self, bucket: str) -> bool:
        return any(name.startswith(f"{bucket}/") for name in self._files)

    def read(self, bucket: str, key: str) -> bytes | None:
        return self._files.get(f"{bucket}/{key}")

    def find(self, bucket: str, prefix: str) -> Iterator[tuple[str, bytes, int]]:
        for name, data in self._files.items():
            if name.startswith(f"{bucket}/{prefix}"):
                yield name[len(bucket) + 1 :], data, NO_AGE


class FolderSource:
    """Objects as files ``folder/bucket/key``; nothing outside of the folder can be read."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"There is no folder {str(folder)!r}. Give {_EXAMPLE}.")
        self._root = folder.resolve()

    def has(self, bucket: str) -> bool:
        return self._home(bucket) is not None

    def read(self, bucket: str, key: str) -> bytes | None:
        file = self._file(bucket, key)
        if file is None:
            return None
        try:
            return file.read_bytes()
        except PermissionError:
            raise StoreError("AccessDenied", _refusal("Access Denied", 403, f"{bucket}/{key}")) from None

    def find(self, bucket: str, prefix: str) -> Iterator[tuple[str, bytes, int]]:
        home = self._home(bucket)
        if home is None:
            return
        for folder, _, names in os.walk(home):
            for name in names:
                path = Path(folder) / name
                key = path.relative_to(home).as_posix()
                data = self.read(bucket, key) if key.startswith(prefix) else None
                if data is not None:
                    yield key, data, int(path.stat().st_mtime)

    def _home(self, bucket: str) -> Path | None:
        return self._resolved(self._root, bucket, Path.is_dir) if "/" not in bucket else None

    def _file(self, bucket: str, key: str) -> Path | None:
        home = self._home(bucket)
        return self._resolved(home, key, Path.is_file) if home else None

    @staticmethod
    def _resolved(home: Path, name: str, is_there: Callable[[Path], bool]) -> Path | None:
        """``home/name`` where it is there and, all links followed, still below ``home``."""
        if not name or {".", ".."} & set(name.replace("\\", "/").split("/")):
            return None
        try:
            path = (home / name).resolve()
            return path if path.is_relative_to(home) and is_there(path) else None
        except (OSError, RuntimeError, ValueError):  # a name too long, a loop of links, a NUL
            return None


class ClientStore:
    """A client with boto3's S3 methods; boto3 itself is never imported."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get(self, bucket: str, key: str, version: str | None = None) -> bytes:
        given = {"VersionId": version} if version else {}
        data: bytes = self._call("get_object", Bucket=bucket, Key=key, **given)["Body"].read()
        return data

    def list(self, bucket: str, prefix: str = "") -> Listing:
        page = self._call("list_objects_v2", Bucket=bucket, Prefix=prefix)
        found = [_from_client(entry) for entry in page.get("Contents", ())]
        while page.get("IsTruncated"):
            token = page["NextContinuationToken"]
            page = self._call("list_objects_v2", Bucket=bucket, Prefix=prefix, ContinuationToken=token)
            found += [_from_client(entry) for entry in page.get("Contents", ())]
        return found

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self._call("put_object", Bucket=bucket, Key=key, Body=data)

    def _call(self, method: str, **given: Any) -> Any:
        try:
            return getattr(self._client, method)(**given)
        except Exception as problem:
            # botocore's ClientError, known by its shape: a refusal of S3 is the state's failure,
            # anything else (no credentials, no network) is the caller's own.
            error = getattr(problem, "response", {}).get("Error")
            if not error:
                raise
            raise StoreError(error.get("Code", ""), error.get("Message", str(problem))) from problem


def _checked_name(name: Any) -> str:
    bucket, slash, key = name.partition("/") if isinstance(name, str) else ("", "", "")
    if not (bucket and slash and key):
        raise UsageError(f'files has the name {name!r}; a name is "bucket/key".')
    return str(name)


def _content(name: str, value: Any) -> bytes:
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    try:
        return text(value).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError) as problem:
        raise UsageError(f"files[{name!r}] is neither text, bytes nor JSON: {problem}") from None


def _listed(key: str, data: bytes, modified: int) -> dict[str, Json]:
    return {
        # S3's ETag has quotes of its own.
        "Etag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"',
        "Key": key,
        "LastModified": modified,
        "Size": len(data),
        "StorageClass": "STANDARD",
    }


def _from_client(entry: Mapping[str, Any]) -> dict[str, Json]:
    modified = entry.get("LastModified")
    return {
        "Etag": entry.get("ETag"),
        "Key": entry["Key"],
        "LastModified": int(modified.timestamp()) if isinstance(modified, datetime) else modified,
        "Size": entry.get("Size"),
        "StorageClass": entry.get("StorageClass", "STANDARD"),
    }


def _refusal(message: str, status: int, name: str) -> str:
    """S3's sentence, with the name of the object in the place of AWS's request id."""
    return f"{message} (Service: S3, Status Code: {status}, Object: {name})"
