"""From an event to the input of the target: the event itself, a part of it, a constant, or a template.

An input transformer reads values by paths and puts them for ``<name>`` into a template; inside quotes
a text stands as it is, outside every value stands as JSON.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from sfnbook.errors import Failed, did_you_mean
from sfnbook.query import paths
from sfnbook.query.environment import Environment
from sfnbook.triggers.starts import refuse
from sfnbook.values import Json, checked, text

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Final[Any] = object()
"""A path that finds nothing; null is something."""

_EMPTY: Final = Environment({}, dict, lambda _purpose: 0, 0)
_VARIABLE: Final = re.compile(r"<([A-Za-z0-9._-]+)>")


class Transform:
    """How a target gets its input of an event; at most one of the three may be given."""

    def __init__(self, input: Json = None, input_path: str | None = None, transformer: Any = None) -> None:  # noqa: A002
        given = [
            name
            for name, one in (
                ("input", input),
                ("input_path", input_path),
                ("input_transformer", transformer),
            )
            if one is not None
        ]
        if len(given) > 1:
            refuse(f"{' and '.join(given)} exclude each other.", "A target takes one of them.")
        self.constant = checked(input, "The constant input")
        self.path = input_path
        if input_path is not None:
            _check_path(input_path, "input_path")
        self.paths, self.template = _transformer(transformer)

    def of(self, event: Json, reserved: Mapping[str, Json]) -> tuple[Json, str]:
        """The input, and in words where it comes from."""
        if self.constant is not None:
            return self.constant, "the input is a constant"
        if self.path is not None:
            return _read(self.path, event), f"the input is {self.path} of the event"
        if self.template is None:
            return event, "the input is the event"
        values = dict(reserved)
        for name, path in self.paths.items():
            found = _found(path, event)
            if found is not NOTHING:
                values[name] = found
        return filled(self.template, values), "the input is made by the input transformer"


def _transformer(given: Any) -> tuple[dict[str, str], str | None]:
    if given is None:
        return {}, None
    if not isinstance(given, dict) or "InputTemplate" not in given:
        refuse(
            f"input_transformer={text(given) if isinstance(given, dict) else repr(given)}:",
            'give {"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": \'{"order": <id>}\'}.',
        )
    known = ("InputPathsMap", "InputTemplate")
    for name in given:
        if name not in known:
            refuse(f"input_transformer has the field {name!r}.", did_you_mean(name, known))
    read = dict(given.get("InputPathsMap") or {})
    for name, path in read.items():
        if name.startswith("aws."):
            refuse(f"InputPathsMap has {name!r}.", "Names that begin with aws. are EventBridge's own.")
        _check_path(path, f"InputPathsMap.{name}")
    template = given["InputTemplate"]
    return read, template if isinstance(template, str) else text(template)


def _check_path(path: object, where: str) -> None:
    problem = paths.check(path) if isinstance(path, str) else "it is no text"
    if problem:
        refuse(f"{where} is {path!r}, which is no path: {problem}.", "Give one such as $.detail.id.")


def _read(path: str, event: Json) -> Json:
    found = _found(path, event)
    if found is NOTHING:
        near = paths.nearest(event, path)
        how = f"The nearest: {', '.join(near)}." if near else "Give a path that every such event has."
        refuse(f"input_path {path} finds nothing in the event.", how)
    return found


def _found(path: str, event: Json) -> Json:
    try:
        return paths.compile_path(path)(event, _EMPTY)
    except Failed:
        return NOTHING


def filled(template: str, values: Mapping[str, Json]) -> Json:
    """The JSON that a template makes.

    >>> filled('{"id": <id>, "note": "order <id>"}', {"id": "o-7"})
    {'id': 'o-7', 'note': 'order o-7'}
    """
    made: list[str] = []
    position, quoted = 0, False
    for found in _VARIABLE.finditer(template):
        before = template[position : found.start()]
        quoted ^= _quotes(before)
        made += [before, _put(found[1], values, quoted=quoted)]
        position = found.end()
    whole = "".join(made) + template[position:]
    try:
        return json.loads(whole)
    except ValueError as problem:
        refuse(
            f"The input transformer makes no JSON: {problem}. It made: {whole[:300]}",
            "Put texts outside of quotes as <name> alone, and see that the paths find something.",
        )


def _quotes(written: str) -> bool:
    """Does a text, once read over, change between inside and outside of quotes?"""
    return len(re.findall(r'(?<!\\)(?:\\\\)*"', written)) % 2 == 1


def _put(name: str, values: Mapping[str, Json], *, quoted: bool) -> str:
    if name not in values:
        if name.startswith("aws."):
            refuse(f"The input transformer reads <{name}>.", did_you_mean(name, values))
        # A path that found nothing makes no variable.
        return ""
    found = values[name]
    if not quoted:
        return text(found)
    inside = found if isinstance(found, str) else text(found)
    return json.dumps(inside, ensure_ascii=False)[1:-1]
