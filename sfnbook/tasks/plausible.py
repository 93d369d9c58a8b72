"""A plausible value of a shape, for a need, under a name.

The shape (of the service's own model) says what there can be, the need what the definition reads, the
name of a field the rest (see `naming`).  What was sent comes back under the same name.  All chance comes
from `Facts.bits`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance
from sfnbook.clock import parse_timestamp
from sfnbook.definition import ABSENT
from sfnbook.tasks.naming import Facts, by_name, number_for, sent_as, text_for, words_of
from sfnbook.tasks.needs import EVERY, KINDS, Need
from sfnbook.tasks.shapes import ANY, Shape
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OTHER: Final[Any] = object()
"""An option: any value but those that the Choice names."""


NOTHING: Final = Need()

MOST: Final = 100
"""A list of a sample, or a text that is split, has no more parts, whatever index is read."""


def value(shape: Shape | None, need: Need, name: str, facts: Facts, depth: int = 0) -> Json:
    """A value, or ABSENT where a Choice goes on well if there is none.

    >>> from sfnbook.tasks.shapes import enum, structure
    >>> value(structure(State=enum("FAILED SUCCEEDED")), NOTHING, "", Facts())
    {'State': 'SUCCEEDED'}
    """
    chosen = _chosen(need, facts.visit)
    if chosen is not OTHER:
        return chosen
    made = _made(shape or ANY, need, name, facts, depth)
    named = [option.value for options in need.options.values() for option in options]
    return _another(shape, named) if made in named else made


def _chosen(need: Need, visit: int) -> Json:
    """The option of this visit: the best first, then the others in turn."""
    if not need.options:
        return OTHER
    scores: dict[str, tuple[int, Json]] = {}
    for options in need.options.values():
        for option in options:
            scores.setdefault(key_of(option.value), (_score(option.value, need), option.value))
    ordered = sorted(scores.values(), key=lambda scored: scored[0])
    return ordered[visit % len(ordered)][1]


def _score(candidate: Json, need: Need) -> int:
    """How badly a value does at all the Choices that look at it."""
    total = 0
    for options in need.options.values():
        by_value = {key_of(option.value): option.score for option in options}
        total += by_value.get(key_of(candidate), by_value.get(key_of(OTHER), 0))
    return total


def key_of(candidate: Json) -> str:
    """A value as the key of a mapping: `OTHER` and ABSENT have keys of their own."""
    return repr(candidate) if candidate in (OTHER, ABSENT) else text(candidate)


def _another(shape: Shape | None, named: list[Json]) -> Json:
    return next((one for one in (shape.values if shape else ()) if one not in named), "other")


def _made(shape: Shape, need: Need, name: str, facts: Facts, depth: int) -> Json:
    if shape.form == "timestamp":
        return facts.now if shape.kind == "string" else (parse_timestamp(facts.now) or 0) // 1000
    if shape.kind == "any":
        return _of_need(need, name, facts, depth)
    return MAKERS[shape.kind](shape, need, name, facts, depth)


# --- without a shape --------------------------------------------------------------------------------
def _of_need(need: Need, name: str, facts: Facts, depth: int) -> Json:
    if need.parsed is not None:
        return text(value(None, need.parsed, "", facts, depth))
    if need.split is not None:
        characters, parts = need.split
        return characters[:1].join(f"part {number + 1}" for number in range(min(max(parts, 2), MOST)))
    if need.members:
        made = ((key, value(None, inner, key, facts, depth + 1)) for key, inner in need.members.items())
        return {key: one for key, one in made if one is not ABSENT}
    if need.items:
        return _list(None, need, name, facts, depth, several=2)
    kind = next((kind for kind in KINDS if kind in need.kinds), "")
    return PLAIN[kind](name, facts) if kind else by_name(name, facts)


def _list(
    item: Shape | None, need: Need, name: str, facts: Facts, depth: int, several: int = 1
) -> list[Json]:
    highest = max((index if index >= 0 else ~index for index in need.items if index is not EVERY), default=-1)
    length = min(max(highest + 1, several if EVERY in need.items else 1), MOST)
    made = (
        value(item, _item(need, index), _singular(name), _apart(facts, index), depth)
        for index in range(length)
    )
    return [None if one is ABSENT else one for one in made]


def _item(need: Need, index: int) -> Need:
    """What is needed of an item; one that nobody reads is as the others are."""
    found = need.item(index) if index in need.items or EVERY in need.items else need.item(EVERY)
    # JSONata reads a field of a list as that field of every item.
    found.take(Need(members=need.members))
    return found


def _apart(facts: Facts, index: int) -> Facts:
    return facts._replace(bits=chance.combine(facts.bits, index)) if index else facts


def _singular(name: str) -> str:
    return name.removesuffix("List").removesuffix("s")


PLAIN: Final[dict[str, Callable[[str, Facts], Json]]] = {
    "array": lambda name, facts: [by_name(_singular(name), facts)] * 2 if name else [],
    "object": lambda _name, _facts: {},
    "larger": lambda _name, _facts: 10,
    "number": lambda name, _facts: number_for(name),
    "boolean": lambda _name, _facts: True,
    "timestamp": lambda _name, facts: facts.now,
    "seconds": lambda _name, _facts: 5,
    "base64": lambda _name, _facts: "c2FtcGxl",
    "digits": lambda _name, _facts: "1",
    "algorithm": lambda _name, _facts: "SHA-256",
    "text": text_for,
    "null": lambda _name, _facts: None,
}
"""A value by what it is used as."""


# --- with one ---------------------------------------------------------------------------------------
def _structure(shape: Shape, need: Need, _name: str, facts: Facts, depth: int) -> Json:
    names = _members(shape, need, facts, depth)
    made = {
        key: value(shape.members[key], need.members.get(key, NOTHING), key, facts, depth + 1) for key in names
    }
    wanted = {*shape.required, *need.members}
    return {
        key: one
        for key, one in made.items()
        if one is not ABSENT and (key in wanted or one not in ({}, [{}]))
    }


def _members(shape: Shape, need: Need, facts: Facts, depth: int) -> Iterable[str]:
    """Which members: what must be there and what is read, then what is usual, fewer the deeper it goes."""
    if shape.union:
        read = [key for key in shape.members if key in need.members]
        return (read or list(shape.members))[:1]
    usual = [key for key, member in shape.members.items() if _is_usual(key, member, depth)]
    wanted = dict.fromkeys([key for key in (*shape.required, *need.members) if key in shape.members])
    room = (_BRIEF if facts.brief else _ROOM)[min(depth, 3)]
    for key in sorted(usual, key=_rank):
        if len(wanted) >= room:
            break
        wanted[key] = None
    return [key for key in shape.members if key in wanted]


_ROOM: Final = (40, 12, 8, 3)
_BRIEF: Final = (5, 3, 1, 0)
"""How many members an object gets, by its depth."""


def _is_usual(name: str, shape: Shape, depth: int) -> bool:
    scalar = shape.kind in {"string", "number", "boolean"} or bool(shape.form)
    if shape.kind not in {"number", "boolean"} and _UNUSUAL.search(name):
        return False
    return scalar or depth < 2


_UNUSUAL: Final = re.compile(
    r"Error|Fail|Fault|Exception|Warning|Reason|Cause|NextToken|Marker|PaginationToken|LastEvaluated|Unprocessed"
    r"|ConsumedCapacity|ItemCollectionMetrics|Attributes|SequenceNumber|Checksum|SSE|ServerSideEncryption"
    r"|RequestCharged|LogResult|Expiration|Restore|Expires|Replication|ObjectLock|Website|TraceHeader|Redrive"
    r"|MapRun|SecretBinary|Spot|CapacityBlock|CapacityReservation|Kernel|Ramdisk|Previous|Outpost|Requester|Deletion|Deleted|Cancel|Stopp|MasterArn|Layers|Vpc|FileSystem|DeadLetter"
)


def _rank(name: str) -> tuple[int, int]:
    """What says most comes first, and the shorter name of two."""
    words = words_of(name)
    return (_RANKS.index(words[-1]) if words[-1:] and words[-1] in _RANKS else len(_RANKS), len(words))


_RANKS: Final = ("status", "state", "output", "id", "arn", "name", "body", "count")


def _array(shape: Shape, need: Need, name: str, facts: Facts, depth: int) -> Json:
    if facts.brief and not need and depth > 1:
        return []
    return _list(shape.item, need, name, facts, depth)


def _map(shape: Shape, need: Need, name: str, facts: Facts, depth: int) -> Json:
    key = facts.given.get("Key")
    made = dict(key) if name in {"Item", "Attributes"} and isinstance(key, dict) else {}
    for member, inner in need.members.items():
        one = value(shape.item, inner, member, facts, depth + 1)
        if one is ABSENT:
            made.pop(member, None)
        else:
            made[member] = one
    if not made and name == "Item":
        made = {"id": value(shape.item, NOTHING, "id", facts, depth + 1)}
    return made


def _scalar(shape: Shape, need: Need, name: str, facts: Facts, _depth: int) -> Json:
    sent = sent_as(name, facts)
    if shape.kind == "boolean":
        return sent if isinstance(sent, bool) else bool(_GOOD.search(name))
    if shape.kind == "number":
        if isinstance(sent, int | float) and not isinstance(sent, bool):
            return sent
        number = number_for(name)
        return max(shape.low or number, min(shape.high or number, number))
    if shape.values:
        return sent if sent in shape.values else _of_enum(shape.values, name, facts)
    if shape.form == "blob":
        return PLAIN["base64"](name, facts)
    if need.parsed is not None or need.split is not None or "digits" in need.kinds or "base64" in need.kinds:
        return _of_need(need, name, facts, 0)
    return sent if isinstance(sent, str) else _fitted(text_for(name, facts), shape)


MAKERS: Final[dict[str, Callable[[Shape, Need, str, Facts, int], Json]]] = {
    "object": _structure,
    "array": _array,
    "map": _map,
    **dict.fromkeys(("string", "number", "boolean"), _scalar),
}


def _fitted(written: str, shape: Shape) -> str:
    low, high = int(shape.low or 0), int(shape.high or len(written))
    return written[: max(high, 1)].ljust(low, "0")


def _of_enum(values: tuple[str, ...], name: str, facts: Facts) -> str:
    """The first value; of a status a good one, or the first that it has when something begins."""
    if (words_of(name) or [""])[-1] not in _STATUS_WORDS:
        return values[0]
    plain = {re.sub(r"[^a-z]", "", one.lower()): one for one in values}
    order = (_BEGINNINGS + _SUCCESSES) if facts.begins else _SUCCESSES
    return next((plain[word] for word in order if word in plain), values[0])


_STATUS_WORDS: Final = frozenset({"status", "state", "phase"})
_SUCCESSES: Final = (
    "succeeded", "success", "successful", "completed", "complete", "finished", "available", "active",
    "inservice", "ready", "waiting", "running", "enabled", "associated", "attached", "stopped", "terminated",
)  # fmt: skip
_BEGINNINGS: Final = (
    "submitted", "pending", "queued", "starting", "provisioning", "creating", "inprogress", "updating",
    "deleting", "running",
)  # fmt: skip
_GOOD: Final = re.compile(r"^(Return|Success|Succeed|Healthy|Enabled|Valid|Acknowledged|Include)")
