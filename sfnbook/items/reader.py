"""ItemReader -> items: which objects of S3 are read, and what each of them gives.

    getObject       one file; or, with a manifest, the files that the manifest lists
    listObjectsV2   the listing itself; with LOAD_AND_FLATTEN the items of every listed file

`read_items` is given ReaderConfig and Parameters evaluated.  Nothing here knows of states.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.items.formats import Pair, csv_rows, decoded, decompressed, failed, items_of, json_items
from sfnbook.items.store import Store, StoreError, required
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_ITEMS_NEGATIVE: Final = "field MaxItems must be positive"


class ReadItems(NamedTuple):
    """What an ItemReader found: values, or ``(key, value)`` pairs of a JSON object.

    ``source`` is ``$$.Map.Item.Source``; where the items come from several files, ``sources``
    has one for each item.
    """

    items: list[Json | Pair]
    source: str
    sources: list[str] | None = None

    def source_of(self, index: int) -> str:
        """``$$.Map.Item.Source`` of one item."""
        return self.sources[index] if self.sources else self.source


class Place(NamedTuple):
    """One object of S3."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        return f"S3://{self.bucket}/{self.key}"


def read_items(
    reader: Mapping[str, Json],
    parameters: Mapping[str, Json],
    store: Store | None,
    *,
    max_items: int | None = None,
) -> ReadItems:
    """Read at most ``max_items`` items (None or 0: all), or raise `errors.Failed`.

    >>> from sfnbook.items.store import open_store
    >>> reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"}}
    >>> read_items(reader, {"Bucket": "b", "Key": "k"}, open_store({"b/k": [1, 2, 3]}), max_items=2)
    ReadItems(items=[1, 2], source='S3://b/k', sources=None)
    """
    if max_items is not None and max_items < 0:
        raise failed(MAX_ITEMS_NEGATIVE)
    if not isinstance(parameters, dict):  # an expression may give anything
        raise failed(f"The ItemReader's parameters must be an object, but were: {text(parameters)}")
    config = reader.get("ReaderConfig") or {}
    action = str(reader.get("Resource", "")).rpartition(":")[2]
    if action not in ACTIONS:
        raise failed(f"The ItemReader's Resource {text(reader.get('Resource'))} is not supported.")
    try:
        return ACTIONS[action](config, parameters, store, max_items or None)
    except StoreError as problem:
        raise failed(str(problem)) from None


def _get_object(
    config: Mapping[str, Json], parameters: Mapping[str, Json], store: Store | None, limit: int | None
) -> ReadItems:
    place = Place(_text(parameters, "Bucket"), _text(parameters, "Key"))
    store = required(store, *place)
    content = store.get(*place, version=parameters.get("VersionId"))
    kind = config.get("ManifestType") or ("S3_INVENTORY" if config.get("InputType") == "MANIFEST" else None)
    if kind is None:
        return ReadItems(list(islice(items_of(content, config), limit)), place.uri)
    if kind not in MANIFESTS:
        raise failed(f"The ManifestType {text(kind)} is none of {', '.join(MANIFESTS)}.")
    return _loaded(MANIFESTS[kind](content, config, place, store), place.uri, limit)


def _list_objects(
    config: Mapping[str, Json], parameters: Mapping[str, Json], store: Store | None, limit: int | None
) -> ReadItems:
    bucket, prefix = _text(parameters, "Bucket"), parameters.get("Prefix") or ""
    store = required(store, bucket, prefix or "key")
    listing = store.list(bucket, prefix)
    if config.get("Transformation", "NONE") != "LOAD_AND_FLATTEN":
        return ReadItems([*listing[:limit]], f"S3://{bucket}")
    return _loaded(_listed_files(listing, config, bucket, store), f"S3://{bucket}", limit)


def _loaded(found: Iterator[tuple[str, Json]], source: str, limit: int | None) -> ReadItems:
    pairs = list(islice(found, limit))
    return ReadItems([item for _, item in pairs], source, [uri for uri, _ in pairs])


def _listed_files(
    listing: list[dict[str, Json]], config: Mapping[str, Json], bucket: str, store: Store
) -> Iterator[tuple[str, Json]]:
    for entry in listing:
        place = Place(bucket, entry["Key"])
        if not place.key.endswith("/"):  # the empty objects that stand for folders
            yield from _file_items(place, config, store)


def _file_items(place: Place, config: Mapping[str, Json], store: Store) -> Iterator[tuple[str, Json]]:
    for item in items_of(store.get(*place), config):
        yield place.uri, item


def _inventory(
    content: bytes,
    config: Mapping[str, Json],  # noqa: ARG001 - the table's form
    place: Place,
    store: Store,
) -> Iterator[tuple[str, Json]]:
    """S3's inventory: the manifest names CSV files without headers, and their columns."""
    (manifest,) = json_items(b"[" + decompressed(content) + b"]", {})
    if not isinstance(manifest, dict) or not isinstance(manifest.get("fileSchema"), str):
        raise failed("The file is not the manifest of an S3 inventory: it has no fileSchema.")
    if manifest.get("fileFormat", "CSV") != "CSV":
        raise failed("The S3 inventory must be in CSV format.")
    headers = [name.strip() for name in manifest["fileSchema"].split(",")]
    rows = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": headers}
    bucket = str(manifest.get("destinationBucket") or place.bucket).rpartition(":")[2]
    for file in _objects(manifest.get("files")):
        yield from _file_items(Place(bucket, _text(file, "key")), rows, store)


def _athena(
    content: bytes,
    config: Mapping[str, Json],
    place: Place,  # noqa: ARG001 - the table's form
    store: Store,
) -> Iterator[tuple[str, Json]]:
    """What Athena's UNLOAD wrote: the manifest has the URI of a data file in each line."""
    for row in csv_rows(decoded(decompressed(content))):
        scheme, _, rest = row[0].strip().partition("://")
        bucket, _, key = rest.partition("/")
        if scheme.lower() != "s3" or not bucket or not key:
            raise failed(f"The Athena manifest names {text(row[0])}, which is not the URI of an S3 object.")
        yield from _file_items(Place(bucket, key), config, store)


def _text(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise failed(f"The field '{name}' must be a string that is not empty, but was: {text(value)}")
    return value


def _objects(value: Json) -> list[dict[str, Json]]:
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        return value
    raise failed("The file is not the manifest of an S3 inventory: its 'files' are not objects.")


ACTIONS: Final = {"getObject": _get_object, "listObjectsV2": _list_objects}
MANIFESTS: Final = {"S3_INVENTORY": _inventory, "ATHENA_DATA": _athena}
