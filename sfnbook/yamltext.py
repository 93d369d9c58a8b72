"""YAML text -> plain JSON, with places.

Events are read one by one onto a stack of our own, so deep nesting cannot exhaust Python's, and
every copy that an alias makes is counted, so that a few lines cannot become a billion nodes.
No tag makes an object: CloudFormation's ``!Sub`` and the like are refused by name.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sfnbook.positions import Place, Positions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sfnbook.values import Json

MAX_NODES: Final = 500_000
MAX_DEPTH: Final = 500
_MERGE: Final = object()
_PLAIN: Final = "tag:yaml.org,2002:"
_JSON_TAGS: Final = frozenset({"str", "int", "float", "bool", "null", "map", "seq", "timestamp"})


class UnreadableYaml(Exception):  # noqa: N818 - says what the text is
    """The text is not YAML that has a JSON form; ``place`` is where."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.place: Place = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


class _Container:
    """A mapping or sequence being read, and the key that waits for its value."""

    __slots__ = ("anchor", "first", "key", "location", "merged", "value")

    def __init__(self, value: Any, location: str, anchor: str | None, first: int) -> None:
        self.value, self.location, self.anchor, self.first = value, location, anchor, first
        self.key: Any = None
        self.merged: list[Any] = []


class _Reader:
    def __init__(self, fill: Callable[[str, bool], Json]) -> None:
        self.fill = fill
        self.stack: list[_Container] = []
        self.anchors: dict[str, tuple[Json, int]] = {}
        self.found = Positions({}, {})
        self.nodes = 0
        self.result: Json = None

    def count(self, more: int, mark: Any) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES or len(self.stack) > MAX_DEPTH:
            raise UnreadableYaml("The YAML is nested too deeply or its aliases make it too large", mark)

    def location(self) -> str:
        if not self.stack:
            return ""
        top = self.stack[-1]
        return (
            f"{top.location}[{len(top.value)}]"
            if isinstance(top.value, list)
            else f"{top.location}/{top.key}"
        )

    def awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def add_key(self, name: str, plain: bool, mark: Any) -> None:
        top = self.stack[-1]
        top.key = _MERGE if plain and name == "<<" else name
        if name in top.value and top.key is not _MERGE:
            self.found.duplicates[f"{top.location}/{name}"] = (mark.line + 1, mark.column + 1)

    def add(self, value: Json, mark: Any) -> None:
        self.found.places.setdefault(self.location(), (mark.line + 1, mark.column + 1))
        if not self.stack:
            self.result = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is _MERGE:
            top.merged += value if isinstance(value, list) else [value]
            top.key = None
        else:
            top.value[top.key] = value
            top.key = None

    def open(self, value: Json, event: Any) -> None:
        if self.awaits_key():
            raise UnreadableYaml("A key must be a string", event.start_mark)
        self.count(1, event.start_mark)
        location = self.location()
        self.found.places.setdefault(location, (event.start_mark.line + 1, event.start_mark.column + 1))
        self.stack.append(_Container(value, location, event.anchor, self.nodes))

    def close(self, mark: Any) -> None:
        done = self.stack.pop()
        for merged in reversed(done.merged):
            if not isinstance(merged, dict):
                raise UnreadableYaml("Only a mapping can be merged with <<", mark)
            self.count(len(merged), mark)
            done.value = {**merged, **done.value}
        if done.anchor:
            self.anchors[done.anchor] = (done.value, self.nodes - done.first + 1)
        self.add(done.value, mark)

    def alias(self, event: Any) -> None:
        if event.anchor not in self.anchors or self.awaits_key():
            raise UnreadableYaml(f"The alias *{event.anchor} stands for nothing yet", event.start_mark)
        value, size = self.anchors[event.anchor]
        self.count(size, event.start_mark)
        self.add(value, event.start_mark)

    def scalar(self, event: Any) -> None:
        self.count(1, event.start_mark)
        if self.awaits_key():
            self.add_key(event.value, not event.style, event.start_mark)
            return
        value = _scalar(event, self.fill)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self.add(value, event.start_mark)


def read(
    text: str, fill: Callable[[str, bool], Json] = lambda value, _plain: value
) -> tuple[Json, Positions]:
    r"""The JSON value of a YAML text and the place of everything in it.

    ``fill`` gets every string, and whether it was written without quotes; what it returns
    takes the string's place.

    >>> read("StartAt: A\nStates:\n  A: {Type: Pass, End: true}")[0]["States"]
    {'A': {'Type': 'Pass', 'End': True}}
    """
    reader = _Reader(fill)
    try:
        for event in _events(text):
            kind = type(event).__name__
            _refuse_tags(event)
            if kind == "ScalarEvent":
                reader.scalar(event)
            elif kind == "AliasEvent":
                reader.alias(event)
            elif kind in ("MappingStartEvent", "SequenceStartEvent"):
                reader.open({} if kind == "MappingStartEvent" else [], event)
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                reader.close(event.start_mark)
    except _yaml().YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        raise UnreadableYaml(str(getattr(problem, "problem", None) or problem), mark) from None
    return reader.result, reader.found


def _events(text: str) -> Iterator[Any]:
    yield from _yaml().parse(text, Loader=getattr(_yaml(), "CSafeLoader", _yaml().SafeLoader))


def _refuse_tags(event: Any) -> None:
    tag = getattr(event, "tag", None)
    if tag and tag != "!" and tag.removeprefix(_PLAIN) not in _JSON_TAGS:
        raise UnreadableYaml(
            f"The YAML tag {tag} is not evaluated; write the value, or ${{Name}} with substitutions=",
            event.start_mark,
        )


@cache
def _yaml() -> Any:
    import yaml  # noqa: PLC0415 - not for `import sfnbook`

    return yaml


@cache
def _resolver() -> Any:
    return _yaml().resolver.Resolver()


def _scalar(event: Any, fill: Callable[[str, bool], Json]) -> Json:
    plain = not event.style
    tag = event.tag or _resolver().resolve(_yaml().ScalarNode, event.value, event.implicit)
    node = _yaml().ScalarNode(tag, event.value)
    convert = _CONVERT.get(tag.removeprefix(_PLAIN))
    if convert is None:
        return fill(event.value, plain)
    try:
        value = getattr(_yaml().constructor.SafeConstructor(), convert)(node)
    except (ValueError, KeyError, IndexError, TypeError):
        raise UnreadableYaml(f"{event.value!r} is not a valid {tag}", event.start_mark) from None
    if isinstance(value, float) and not math.isfinite(value):
        raise UnreadableYaml(f"{event.value} has no JSON form", event.start_mark)
    return value


# Dates stay the text they are: a Timestamp is a string in the States Language.
_CONVERT: Final = {
    "int": "construct_yaml_int",
    "float": "construct_yaml_float",
    "bool": "construct_yaml_bool",
    "null": "construct_yaml_null",
}
