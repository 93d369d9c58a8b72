"""What the name of a field says of its value, where nothing else says it.

The last word decides: an ``Arn`` looks like one, a ``Status`` is a good one, a ``FailedEntryCount`` is 0.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook import chance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.values import Json


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


def sent_as(name: str, facts: Facts) -> Json:
    """What was sent under the same name, or as the only one of several."""
    several = facts.given.get(f"{name}s")
    if isinstance(several, list) and len(several) == 1:
        return several[0]
    return facts.given.get(name)


@lru_cache(maxsize=4096)
def words_of(name: str) -> list[str]:
    """The words of a name, in small letters.

    >>> words_of("MD5OfMessageBody"), words_of("order_id")
    (['md5', 'of', 'message', 'body'], ['order', 'id'])
    """
    return [word.lower() for word in re.findall(r"[A-Z]+\d*(?![a-z])|[A-Z]?[a-z]+\d*|\d+", name)]


_NUMBERS: Final = frozenset({
    "age", "amount", "attempt", "attempts", "balance", "cost", "count", "counter", "days", "duration",
    "hours", "index", "interval", "iteration", "length", "limit", "max", "maximum", "min", "minimum",
    "minutes", "number", "page", "percent", "price", "quantity", "rate", "remaining", "retries", "score",
    "seconds", "size", "sum", "timeout", "total", "ttl", "weight",
})  # fmt: skip
_FLAGS: Final = frozenset({"is", "has", "should", "can", "needs"})
_TRUE: Final = frozenset({
    "approved", "available", "completed", "done", "enabled", "exists", "found", "ok", "ready", "success",
    "valid",
})  # fmt: skip


def by_name(name: str, facts: Facts) -> Json:
    """A value of which nothing is known but its name."""
    words = words_of(name)
    if not words or name in _DOCUMENTS:
        return {}
    if words[0] in _FLAGS or words[-1] in _TRUE:
        return True
    sent = sent_as(name, facts)
    if isinstance(sent, str | int | float):
        return sent
    return number_for(name) if words[-1] in _NUMBERS else text_for(name, facts)


_DOCUMENTS: Final = frozenset({"Body", "Input", "Output", "Payload", "ResponseBody"})
"""Fields that hold any JSON."""


def number_for(name: str) -> int:
    words = words_of(name)
    if _NONE.search(name):
        return 0
    if words[-2:] == ["status", "code"]:
        return 200
    if words[-1:] and words[-1] in {"at", "date", "timestamp"}:
        return 1_735_689_600_000  # the default start time
    return 100 if words and words[-1] in {"percent", "progress", "percentage"} else 1


_NONE: Final = re.compile(r"Fail|Error|ExitCode|Throttl|Pending|Unprocessed|Aborted|TimedOut|exitCode")


def text_for(name: str, facts: Facts) -> str:
    words = words_of(name) or ["text"]
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


def _moment(_before: list[str], facts: Facts) -> str:
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
