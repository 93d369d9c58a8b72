"""The bytes of one S3 object -> items: CSV, JSON, JSON Lines and Parquet, plain or compressed.

`FORMATS` has one function for each InputType: ``(content, config) -> iterator of items``, where
``config`` is the ReaderConfig.  What cannot be read is `errors.Failed` with
States.ItemReaderFailed; AWS puts no "An error occurred while executing the state" before it.
The recorded causes are constants here, the other texts are sfnbook's own.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from base64 import b64encode
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook.errors import ITEM_READER_FAILED, Failed, UsageError
from sfnbook.values import Json, no_constant, unescape_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NOT_ITERABLE: Final = "Attempting to map over non-iterable node."
DUPLICATE_HEADERS: Final = "CSV headers cannot contain duplicates."

DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}

Pair: TypeAlias = tuple[str, Json]
"""An item of a JSON object: ``$$.Map.Item.Key`` and ``$$.Map.Item.Value``."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ESCAPE: Final = re.compile(r"\\(.?)", re.DOTALL)


def failed(cause: str) -> Failed:
    """The error of an ItemReader."""
    return Failed(ITEM_READER_FAILED, cause, prefixed=False)


def items_of(content: bytes, config: Mapping[str, Json]) -> Iterator[Json | Pair]:
    r"""The items of one object, read as the ReaderConfig says.

    >>> list(items_of(b"id,name\n7,Ann\n8\n", {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}))
    [{'id': '7', 'name': 'Ann'}, {'id': '8', 'name': ''}]
    """
    kind = config.get("InputType")
    read = FORMATS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise failed(f"The ItemReader cannot read the InputType {json.dumps(kind)} here.")
    return read(decompressed(content), config)


def decompressed(content: bytes) -> bytes:
    """The content of a GZIP or ZSTD file, known by its first bytes; anything else as it is.

    >>> decompressed(gzip.compress(b"[1]"))
    b'[1]'
    """
    if content.startswith(_GZIP):
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as problem:
            raise failed(f"The GZIP file is damaged: {problem}") from None
    return _unzstd(content) if content.startswith(_ZSTD) else content


def _unzstd(content: bytes) -> bytes:
    zstd = _zstd()
    try:
        return bytes(zstd.open(io.BytesIO(content), "rb").read())
    except (zstd.ZstdError, EOFError) as problem:
        raise failed(f"The ZSTD file is damaged: {problem}") from None


def _zstd() -> Any:
    """The standard library's module (Python 3.14) or the package zstandard; both have `open`."""
    for name in ("compression.zstd", "zstandard"):
        try:
            return import_module(name)
        except ImportError:
            continue
    raise UsageError("Reading a ZSTD file needs Python 3.14 or `pip install zstandard`.")


def decoded(content: bytes) -> str:
    """The text of a file, which must be UTF-8; a byte order mark is not part of it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise failed(f"The file is not UTF-8: {problem.reason} at byte {problem.start}.") from None


def csv_items(content: bytes, config: Mapping[str, Json]) -> Iterator[Json]:
    """Rows as objects of strings.

    Columns that a row lacks are "", surplus ones are dropped; an empty line is no row, but one
    of blanks or delimiters is.
    """
    rows = csv_rows(decoded(content), _delimiter(config))
    given = config.get("CSVHeaderLocation") == "GIVEN"
    headers = list(config.get("CSVHeaders", ())) if given else next(rows, [])
    if len(set(headers)) < len(headers):
        raise failed(DUPLICATE_HEADERS)
    blanks = [""] * len(headers)
    for row in rows:
        yield dict(zip(headers, row + blanks[len(row) :], strict=False))


def csv_rows(text: str, delimiter: str = ",") -> Iterator[list[str]]:
    r"""The fields of each line that is not empty.

    A quoted field may hold delimiters, line ends and quotes (written twice).  A backslash is
    dropped, and takes the meaning from a delimiter, a quote or a backslash after it.

    >>> list(csv_rows('a,"b ""c"" d",e\\,\\f'))
    [['a', 'b "c" d', 'e,f']]
    """
    if "\\" in text:
        # Python's reader has the escapes, but would take a line end after a backslash for data.
        kept = {"\\", '"', delimiter}
        text = _ESCAPE.sub(lambda pair: pair[0] if pair[1] in kept else pair[1], text)
    # The module's limit of 128 KiB a field is below AWS's for an item.
    limit = csv.field_size_limit(max(len(text), csv.field_size_limit()))
    try:
        lines = io.StringIO(text, newline="")
        for row in csv.reader(lines, delimiter=delimiter, escapechar="\\", strict=True):
            if row:
                yield row
    except csv.Error as problem:
        raise failed(f"The CSV file is broken: {problem}.") from None
    finally:
        csv.field_size_limit(limit)


def _delimiter(config: Mapping[str, Json]) -> str:
    name = config.get("CSVDelimiter", "COMMA")
    if name not in DELIMITERS:
        raise failed(f"The CSVDelimiter {json.dumps(name)} is none of {', '.join(DELIMITERS)}.")
    return DELIMITERS[name]


def json_items(content: bytes, config: Mapping[str, Json]) -> Iterator[Json | Pair]:
    """The items of an array, or the members of an object that an ItemsPointer names.

    An object as the whole file is refused: that is what AWS was recorded doing.

    >>> list(json_items(b'{"prices": {"a": 1}}', {"ItemsPointer": "/prices"}))
    [('a', 1)]
    """
    node = _parsed(decoded(content), "The file")
    pointer = config.get("ItemsPointer")
    if pointer:
        node = _pointed(node, pointer)
    if isinstance(node, list):
        return iter(node)
    if isinstance(node, dict) and pointer:
        return iter(node.items())
    raise failed(NOT_ITERABLE)


def _parsed(text: str, what: str) -> Json:
    try:
        return json.loads(text, parse_constant=no_constant)
    except (ValueError, RecursionError) as problem:
        raise failed(f"{what} is not JSON: {problem}") from None


def _pointed(node: Json, pointer: str) -> Json:
    """What an ItemsPointer (RFC 6901) finds."""
    for step in map(unescape_pointer, pointer.split("/")[1:]):
        if isinstance(node, dict) and step in node:
            node = node[step]
        elif isinstance(node, list) and re.fullmatch("0|[1-9][0-9]*", step) and int(step) < len(node):
            node = node[int(step)]
        else:
            raise failed(f"The ItemsPointer '{pointer}' finds nothing in the file: no '{step}'.")
    return node


def jsonl_items(content: bytes, config: Mapping[str, Json]) -> Iterator[Json]:  # noqa: ARG001 - the table's form
    """One JSON value a line; empty lines are none."""
    # splitlines() would also cut at U+2028, which JSON strings may contain.
    for number, line in enumerate(decoded(content).split("\n"), 1):
        if line.strip():
            yield _parsed(line, f"Line {number} of the file")


def parquet_items(content: bytes, config: Mapping[str, Json]) -> Iterator[Json]:  # noqa: ARG001 - the table's form
    """The rows of a Parquet file, row group by row group."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - heavy, and an extra
        from pyarrow import parquet  # noqa: PLC0415 - the same
    except ImportError:
        raise UsageError("Reading a Parquet file needs pyarrow: `pip install sfnbook[scale]`.") from None
    try:
        for batch in parquet.ParquetFile(io.BytesIO(content)).iter_batches():
            for row in batch.to_pylist():
                yield _plain(row)
    except (pa.ArrowException, OSError) as problem:
        raise failed(f"The Parquet file cannot be read: {problem}") from None


def _plain(value: Any) -> Json:
    """A value of a Parquet column as JSON: times as ISO text, bytes as Base64, decimals as numbers."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and value - value != 0:
        return None  # JSON has no NaN and no infinity
    return value if isinstance(value, str | int | float | bool | None) else str(value)


FORMATS: Final[dict[str, Callable[[bytes, Mapping[str, Json]], Iterator[Json]]]] = {
    "CSV": csv_items,
    "JSON": json_items,
    "JSONL": jsonl_items,
    "PARQUET": parquet_items,
}
