"""A plausible value of a shape, for a need, under a name.

The shape (of the service's own model) says what there can be, the need what the definition reads;
the name of a field says the rest: an ``Arn`` looks like one, a ``Status`` is a good one, a
``FailedEntryCount`` is 0.  What was sent comes back under the same name.  All chance comes from
`Facts.bits`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook import chance
from sfnbook.clock import parse_timestamp
from sfnbook.definition import ABSENT
from sfnbook.tasks.needs import EVERY, KINDS, Need
from sfnbook.tasks.shapes import ANY, Shape
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

OTHER: Final[Any] = object()
"""An option: any value but those that the Choice names."""


class Facts(NamedTuple):
    """What a sample may tell of the call that it answers.

    ``visit`` counts from 0 how often the Task was asked; ``begins`` says that the call only starts
    something; ``brief`` asks for little, to be read.
    """

    bits: int = 0
    now: str = "2025-01-01T00:00:00Z"
    region: str = "us-east-1"
    account: str = "111122223333"
    service: str = ""
    given: Mapping[str, Json] = {}
    visit: int = 0
    begins: bool = False
    brief: bool = False


NOTHING: Final = Need()


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
            scores.setdefault(_key(option.value), (_score(option.value, need), option.value))
    ordered = sorted(scores.values(), key=lambda scored: scored[0])
    return ordered[visit % len(ordered)][1]


def _score(candidate: Json, need: Need) -> int:
    """How badly a value does at all the Choices that look at it."""
    total = 0
    for options in need.options.values():
        by_value = {_key(option.value): option.score for option in options}
        total += by_value.get(_key(candidate), by_value.get(_key(OTHER), 0))
    return total


def _key(candidate: Json) -> str:
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
        return characters[:1].join(f"part {number + 1}" for number in range(max(parts, 2)))
    if need.members:
        made = ((key, value(None, inner, key, facts, depth + 1)) for key, inner in need.members.items())
        return {key: one for key, one in made if one is not ABSENT}
    if need.items:
        return _list(None, need, name, facts, depth, several=2)
    kind = next((kind for kind in KINDS if kind in need.kinds), "")
    return PLAIN[kind](name, facts) if kind else _by_name(name, facts)


def _list(
    item: Shape | None, need: Need, name: str, facts: Facts, depth: int, several: int = 1
) -> list[Json]:
    highest = max((index if index >= 0 else ~index for index in need.items if index is not EVERY), default=-1)
    length = max(highest + 1, several if EVERY in need.items else 1)
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
    "array": lambda name, facts: [_by_name(_singular(name), facts)] * 2 if name else [],
    "object": lambda _name, _facts: {},
    "number": lambda name, _facts: _number(name),
    "boolean": lambda _name, _facts: True,
    "timestamp": lambda _name, facts: facts.now,
    "seconds": lambda _name, _facts: 5,
    "base64": lambda _name, _facts: "c2FtcGxl",
    "digits": lambda _name, _facts: "1",
    "text": lambda name, facts: _text(name, facts),  # noqa: PLW0108 - comes below
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
    words = _words(name)
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
    sent = _sent(name, facts)
    if shape.kind == "boolean":
        return sent if isinstance(sent, bool) else bool(_GOOD.search(name))
    if shape.kind == "number":
        if isinstance(sent, int | float) and not isinstance(sent, bool):
            return sent
        number = _number(name)
        return max(shape.low or number, min(shape.high or number, number))
    if shape.values:
        return sent if sent in shape.values else _of_enum(shape.values, name, facts)
    if shape.form == "blob":
        return PLAIN["base64"](name, facts)
    if need.parsed is not None or need.split is not None or "digits" in need.kinds or "base64" in need.kinds:
        return _of_need(need, name, facts, 0)
    return sent if isinstance(sent, str) else _fitted(_text(name, facts), shape)


MAKERS: Final[dict[str, Callable[[Shape, Need, str, Facts, int], Json]]] = {
    "object": _structure,
    "array": _array,
    "map": _map,
    **dict.fromkeys(("string", "number", "boolean"), _scalar),
}


def _sent(name: str, facts: Facts) -> Json:
    """What was sent under the same name, or as the only one of several."""
    several = facts.given.get(f"{name}s")
    if isinstance(several, list) and len(several) == 1:
        return several[0]
    return facts.given.get(name)


def _fitted(written: str, shape: Shape) -> str:
    low, high = int(shape.low or 0), int(shape.high or len(written))
    return written[: max(high, 1)].ljust(low, "0")


def _of_enum(values: tuple[str, ...], name: str, facts: Facts) -> str:
    """The first value; of a status a good one, or the first that it has when something begins."""
    if (_words(name) or [""])[-1] not in _STATUS_WORDS:
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


# --- by name ----------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def _words(name: str) -> list[str]:
    """The words of a name, in small letters.

    >>> _words("MD5OfMessageBody"), _words("order_id")
    (['md5', 'of', 'message', 'body'], ['order', 'id'])
    """
    return [word.lower() for word in re.findall(r"[A-Z]+\d*(?![a-z])|[A-Z]?[a-z]+\d*|\d+", name)]


_NUMBERS: Final = frozenset(
    [
        "age",
        "amount",
        "attempt",
        "attempts",
        "balance",
        "cost",
        "count",
        "counter",
        "days",
        "duration",
        "hours",
        "index",
        "interval",
        "iteration",
        "length",
        "limit",
        "max",
        "maximum",
        "min",
        "minimum",
        "minutes",
        "number",
        "page",
        "percent",
        "price",
        "quantity",
        "rate",
        "remaining",
        "retries",
        "score",
        "seconds",
        "size",
        "sum",
        "timeout",
        "total",
        "ttl",
        "weight",
    ]
)
_FLAGS: Final = frozenset(["is", "has", "should", "can", "needs"])
_TRUE: Final = frozenset(
    [
        "approved",
        "available",
        "completed",
        "done",
        "enabled",
        "exists",
        "found",
        "ok",
        "ready",
        "success",
        "valid",
    ]
)


def _by_name(name: str, facts: Facts) -> Json:
    """A value of which nothing is known but its name."""
    words = _words(name)
    if not words or name in _DOCUMENTS:
        return {}
    if words[0] in _FLAGS or words[-1] in _TRUE:
        return True
    sent = _sent(name, facts)
    if isinstance(sent, str | int | float):
        return sent
    return _number(name) if words[-1] in _NUMBERS else _text(name, facts)


_DOCUMENTS: Final = frozenset({"Body", "Input", "Output", "Payload", "ResponseBody"})
"""Fields that hold any JSON."""


def _number(name: str) -> int:
    words = _words(name)
    if _NONE.search(name):
        return 0
    if words[-2:] == ["status", "code"]:
        return 200
    if words[-1:] and words[-1] in {"at", "date", "timestamp"}:
        return 1_735_689_600_000  # the default start time
    return 100 if words and words[-1] in {"percent", "progress", "percentage"} else 1


_NONE: Final = re.compile(r"Fail|Error|ExitCode|Throttl|Pending|Unprocessed|Aborted|TimedOut|exitCode")


def _text(name: str, facts: Facts) -> str:
    words = _words(name) or ["text"]
    if name in _DOCUMENTS:
        return "{}"
    make = _digest if words[0] == "md5" or name == "ETag" else TEXTS.get(words[-1])
    return make(words[:-1], facts) if make else "-".join(words)


def _identifier(words: list[str], facts: Facts) -> str:
    if facts.brief:
        return "1"
    bits = chance.combine(facts.bits, chance.digest(" ".join(words)))
    prefix = _PREFIXES.get("".join(words[-2:])) or _PREFIXES.get("".join(words[-1:]))
    return f"{prefix}-{_hex(bits, 17)}" if prefix else chance.uuid_text(bits)


_PREFIXES: Final = {
    "image": "ami",
    "instance": "i",
    "networkinterface": "eni",
    "routetable": "rtb",
    "securitygroup": "sg",
    "snapshot": "snap",
    "subnet": "subnet",
    "volume": "vol",
    "vpc": "vpc",
}  # fmt: skip
"""What stands before the digits of an id of EC2."""


def _hex(bits: int, digits: int) -> str:
    words = "".join(f"{chance.mix(bits + number):016x}" for number in range(2))
    return words[:digits]


def _digest(words: list[str], facts: Facts) -> str:
    return "1" if facts.brief else _hex(chance.combine(facts.bits, chance.digest(" ".join(words))), 32)


def _arn(words: list[str], facts: Facts) -> str:
    noun = "".join(words[-2:]) if words[-2:] == ["state", "machine"] else (words or ["resource"])[-1]
    own = ARNS.get(noun, "arn:aws:{service}:{region}:{account}:{noun}/sample")
    service = _NAMESPACES.get(facts.service, facts.service or "service")
    return own.format(
        service=service, region=facts.region, account=facts.account, noun=noun, id=_identifier(words, facts)
    )


_NAMESPACES: Final = {
    "bedrock-agent": "bedrock", "cognito-idp": "cognito-idp", "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing", "emr": "elasticmapreduce", "stepfunctions": "states",
}  # fmt: skip

ARNS: Final = {
    "bucket": "arn:aws:s3:::sample-bucket",
    "execution": "arn:aws:states:{region}:{account}:execution:sample:{id}",
    "function": "arn:aws:lambda:{region}:{account}:function:sample",
    "policy": "arn:aws:iam::{account}:policy/sample",
    "queue": "arn:aws:sqs:{region}:{account}:sample",
    "role": "arn:aws:iam::{account}:role/sample",
    "statemachine": "arn:aws:states:{region}:{account}:stateMachine:sample",
    "topic": "arn:aws:sns:{region}:{account}:sample",
    "user": "arn:aws:iam::{account}:user/sample",
}


def _moment(_words_before: list[str], facts: Facts) -> str:
    return facts.now


TEXTS: Final[dict[str, Callable[[list[str], Facts], str]]] = {
    **dict.fromkeys(("account", "owner"), lambda _words, facts: facts.account),
    **dict.fromkeys(("at", "created", "date", "modified", "time", "timestamp", "updated"), _moment),
    **dict.fromkeys(("digest", "etag", "hash", "sha256", "token"), _digest),
    **dict.fromkeys(("endpoint", "href", "link", "url"), lambda *_: "https://example.com/sample"),
    **dict.fromkeys(
        ("phase", "state", "status"), lambda _words, facts: "PENDING" if facts.begins else "SUCCEEDED"
    ),
    "address": lambda words, _facts: "10.0.0.10" if words[-1:] == ["ip"] else "1 Sample Street",
    "arn": _arn,
    "bucket": lambda *_: "sample-bucket",
    "currency": lambda *_: "USD",
    "email": lambda *_: "someone@example.com",
    "id": lambda words, facts: (
        facts.account if words[-1:] in (["account"], ["owner"]) else _identifier(words, facts)
    ),
    "ip": lambda *_: "10.0.0.10",
    "name": lambda words, _facts: f"{'-'.join(words) or 'name'}-1",
    "role": lambda words, facts: _arn([*words, "role"], facts),
    "region": lambda _words, facts: facts.region,
    "uri": lambda words, _facts: (
        "s3://sample-bucket/sample" if "s3" in words else "https://example.com/sample"
    ),
    "uuid": _identifier,
    "version": lambda *_: "1",
    "zone": lambda _words, facts: f"{facts.region}a",
}
"""A text by the last word of its name, given the words before it; others are the name itself."""
