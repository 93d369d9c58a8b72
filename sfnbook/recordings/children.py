"""What a Map Run left behind: the histories of its child executions, or its result files.

Failed items are grouped by error and cause.  A record has no index; an item's number is found by its
input where the items are known, else it is the child's place in what was given.
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, Final, NamedTuple

from sfnbook.errors import UsageError
from sfnbook.notebook import displayed
from sfnbook.recordings.events import parsed
from sfnbook.recordings.reading import RecordedExecution, read_all, values_of
from sfnbook.tables import Table
from sfnbook.values import Json, text

FAILED: Final = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})
_LONGEST: Final = 100


@dataclass(frozen=True)
class Child:
    """One child execution of a Map Run; ``recording`` is its history, if that was given."""

    index: int
    status: str
    input: Json = None
    output: Json = None
    error: str | None = None
    cause: str | None = None
    name: str | None = None
    arn: str | None = None
    recording: RecordedExecution | None = None

    def __str__(self) -> str:
        return f"[{self.index}] {self.status} {self.error or ''}".rstrip()


class Group(NamedTuple):
    """The children that failed in the same way."""

    error: str | None
    cause: str | None
    children: tuple[Child, ...]


class Children:
    """The children of a Map Run that were recorded, by index; ``path`` is that of the Map.

    It displays itself as a table of the failures, and is indexed by item number.
    """

    def __init__(self, path: str, children: Iterable[Child]) -> None:
        self.path = path
        self._children = {child.index: child for child in children}

    @property
    def failed(self) -> list[Child]:
        """Those that failed, timed out or were aborted, in the order of their items."""
        return [child for child in self if child.status in FAILED]

    @property
    def groups(self) -> list[Group]:
        """The failed ones by error and cause, the largest group first."""
        found: dict[tuple[str | None, str | None], list[Child]] = {}
        for child in self.failed:
            found.setdefault((child.error, child.cause), []).append(child)
        groups = [Group(*key, tuple(children)) for key, children in found.items()]
        return sorted(groups, key=lambda group: -len(group.children))

    def get(self, index: int) -> Child | None:
        """The child of an item, None if it was not recorded."""
        return self._children.get(index)

    def __iter__(self) -> Iterator[Child]:
        return iter(sorted(self._children.values(), key=lambda child: child.index))

    def __len__(self) -> int:
        return len(self._children)

    def table(self) -> Table:
        """The failures by error and cause, a row each, with the code that opens the first of them."""
        return Table(
            {
                "failed": len(group.children),
                "error": group.error,
                "cause": _short(group.cause),
                "open one": f'isolate("{self.path}[{group.children[0].index}]")',
            }
            for group in self.groups
        )

    def _head(self) -> str:
        return f"{self.path}: {len(self.failed)} of {len(self)} recorded executions failed"

    def __repr__(self) -> str:
        return f"{self._head()}\n{self.table()!r}" if self.failed else self._head()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        table = self.table().to_html() if self.failed else ""
        return displayed(repr(self), f"<p>{escape(self._head())}</p>{table}")


def _short(cause: str | None) -> str:
    line = (cause or "").partition("\n")[0]
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


# --- reading --------------------------------------------------------------------------------------
def read_children(given: Any) -> list[Child]:
    """The children in histories, in records of result files, or in lists and paths of either.

    >>> [str(child) for child in read_children([{"ExecutionArn": "a:b", "Name": "b", "Status": "FAILED",
    ...                                          "Input": "7", "Error": "Busy"}])]
    ['[0] FAILED Busy']
    """
    found: dict[str | None, Child] = {}
    for number, child in enumerate(_children(given)):
        key = child.arn or f"#{number}"
        known = found.get(key)
        # A record and a history of the same child belong together.
        found[key] = child if known is None else _joined(known, child)
    if not found:
        raise UsageError(
            "children= has no child execution: give their histories, or the FAILED_n.json and "
            "SUCCEEDED_n.json that the Map Run's ResultWriter wrote."
        )
    return [replace(child, index=index) for index, child in enumerate(found.values())]


def _joined(one: Child, other: Child) -> Child:
    return replace(one, recording=one.recording or other.recording)


def _children(given: Any) -> Iterator[Child]:
    given = _in_folder(given)
    if isinstance(given, (list, tuple)) and not _is_one(given):
        for one in given:
            yield from _children(one)
        return
    for value in values_of(given, "children=", []):
        records = [one for one in (value if isinstance(value, list) else [value]) if _is_record(one)]
        if records:
            yield from map(_of_record, records)
        else:
            for recording in read_all(value)[0]:
                yield _of_history(recording)


def _is_one(given: Any) -> bool:
    """Is the list one history, or one file of records, rather than several of them?"""
    return bool(given) and all(
        isinstance(one, Mapping) and (("type" in one and "id" in one) or _is_record(one)) for one in given
    )


def _is_record(value: Any) -> bool:
    return isinstance(value, Mapping) and "ExecutionArn" in value and "Status" in value


def _of_record(record: Mapping[str, Any]) -> Child:
    return Child(
        0,
        str(record["Status"]),
        parsed(record.get("Input")),
        parsed(record.get("Output")),
        record.get("Error"),
        record.get("Cause"),
        record.get("Name"),
        str(record["ExecutionArn"]),
    )


def _of_history(recording: RecordedExecution) -> Child:
    details = {} if recording.ended is None else recording.ended.details
    return Child(
        0,
        recording.status,
        recording.input,
        details.get("output"),
        details.get("error"),
        details.get("cause"),
        recording.name,
        recording.arn,
        recording,
    )


def by_item(children: Iterable[Child], items: Iterable[Json]) -> list[Child]:
    """The children with the numbers of their items, found by input; the others follow in their order."""
    numbers: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        numbers.setdefault(text(item), []).append(index)
    found, rest = [], []
    for child in children:
        fitting = numbers.get(text(child.input))
        if fitting:
            found.append(replace(child, index=fitting.pop(0)))
        else:
            rest.append(child)
    taken = {child.index for child in found}
    free = (number for number in range(len(taken) + len(rest) + 1) if number not in taken)
    return found + [replace(child, index=next(free)) for child in rest]


def _in_folder(given: Any) -> Any:
    """A folder of files as the list of its JSON files."""
    if isinstance(given, (str, Path)) and "\n" not in str(given) and Path(given).is_dir():
        return sorted(Path(given).glob("*.json"))
    return given
