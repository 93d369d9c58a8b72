"""Sample files: what an ItemReader finds where nobody has prepared a file.

Every bucket exists, and every key: what stands in it has the ReaderConfig's format and the fields that
the iterations read.  Manifests and Parquet files are not made up.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

from sfnbook.definition import ABSENT, JSONPATH, Definition, Map
from sfnbook.items.formats import DELIMITERS
from sfnbook.items.store import NO_AGE
from sfnbook.tasks.naming import Facts
from sfnbook.tasks.plausible import value
from sfnbook.tasks.reading import Reading
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ITEMS: Final = 3


class SampleSource:
    """Objects made up for the ItemReaders of these definitions; a source for `store.LocalStore`."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._definitions = tuple(definitions)

    def has(self, bucket: str) -> bool:  # noqa: ARG002 - each one
        return True

    def read(self, bucket: str, key: str) -> bytes | None:
        readers = [(state, definition) for definition in self._definitions for state in _readers(definition)]
        if not readers:
            return None
        state, definition = max(readers, key=lambda reader: _fitness(reader[0], bucket, key))
        config = state.item_reader.get("ReaderConfig") or {}
        write = None if config.get("ManifestType") else FORMATS.get(str(config.get("InputType", "JSON")))
        return None if write is None else write(_items(state, definition), config)

    def find(self, bucket: str, prefix: str) -> Iterator[tuple[str, bytes, int]]:
        for number in range(ITEMS):
            key = f"{prefix}sample-{number + 1}"
            yield key, self.read(bucket, key) or b"", NO_AGE


def _readers(definition: Definition) -> Iterator[Map]:
    for state in definition.walk():
        if isinstance(state, Map) and isinstance(state.item_reader, dict):
            yield state


def _fitness(state: Map, bucket: str, key: str) -> int:
    """How much an ItemReader looks like the one that asks: by what it names, then by the file's ending."""
    given = state.item_reader.get("Parameters" if state.query_language == JSONPATH else "Arguments")
    given = given if isinstance(given, dict) else {}
    kind = str((state.item_reader.get("ReaderConfig") or {}).get("InputType", "JSON")).lower()
    return 2 * (given.get("Bucket") == bucket) + 4 * (given.get("Key") == key) + key.endswith(f".{kind}")


def _items(state: Map, definition: Definition) -> list[Json]:
    need = Reading(definition).items[state.pointer]
    made = [value(None, need, "", Facts(bits=number)) for number in range(ITEMS)]
    return [one if one not in (ABSENT, {}) else {"id": str(number + 1)} for number, one in enumerate(made)]


def _json(items: list[Json], config: dict[str, Any]) -> bytes:
    pointer = str(config.get("ItemsPointer", ""))
    document: Json = items
    for name in reversed(pointer.split("/")[1:]):
        document = {name.replace("~1", "/").replace("~0", "~"): document}
    return text(document).encode()


def _json_lines(items: list[Json], _config: dict[str, Any]) -> bytes:
    return "\n".join(map(text, items)).encode()


def _csv(items: list[Json], config: dict[str, Any]) -> bytes:
    rows = [item if isinstance(item, dict) else {"value": item} for item in items]
    headers = config.get("CSVHeaders") or list(rows[0])
    file = io.StringIO()
    writer = csv.writer(file, delimiter=DELIMITERS[config.get("CSVDelimiter", "COMMA")], lineterminator="\n")
    if config.get("CSVHeaderLocation") != "GIVEN":
        writer.writerow(headers)
    for row in rows:
        cells = (row.get(name, name) for name in headers)
        writer.writerow([cell if isinstance(cell, str) else text(cell) for cell in cells])
    return file.getvalue().encode()


FORMATS: Final[dict[str, Callable[[list[Json], dict[str, Any]], bytes]]] = {
    "CSV": _csv,
    "JSON": _json,
    "JSONL": _json_lines,
}
