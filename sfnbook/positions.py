"""Where things stand in a JSON text, and what is wrong with one that cannot be read.

`json.loads` gives values without places and keeps the last of two equal keys.  Nothing is wrong
with a definition nearly always, so it stays the reader; this second, slower reader runs only
when a diagnostic is to be printed.  Places are written as AWS writes locations:
``/States/Check/Choices[0]/Next``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from json import JSONDecodeError

Place: TypeAlias = tuple[int, int]
"""Line and column, counted from 1."""


class Positions(NamedTuple):
    """The place of every value by location, and the locations of keys that occur twice."""

    places: dict[str, Place]
    duplicates: dict[str, Place]


_TOKEN: Final = re.compile(r'[\s,:]*(?:([\[{\]}"])|([^\s,:\[\]{}"]+))')


def lines(text: str) -> list[int]:
    r"""The offset at which each line begins.

    >>> lines("a\nbc\n")
    [0, 2, 5]
    """
    return [0, *(match.end() for match in re.finditer("\n", text))]


def place(starts: list[int], offset: int) -> Place:
    """Line and column of an offset."""
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


class _Open:
    """An object or array that is not yet closed: its location and what it held so far."""

    __slots__ = ("array", "count", "keys", "location")

    def __init__(self, location: str, array: bool) -> None:
        self.location, self.array = location, array
        self.count = 0
        self.keys: set[str] = set()


def of_json(text: str) -> Positions:
    r"""Read the places out of a JSON text that `json.loads` accepts.

    >>> of_json('{"a": [1,\n 2], "a": 3}').places["/a[1]"]
    (2, 2)
    >>> of_json('{"a": [1,\n 2], "a": 3}').duplicates
    {'/a': (2, 6)}
    """
    starts = lines(text)
    found = Positions({}, {})
    stack: list[_Open] = []
    location, end = "", 0
    while match := _TOKEN.match(text, end):
        top = stack[-1] if stack else None
        if match[1] in ("]", "}"):
            end = match.end()
            stack.pop()
            continue
        if top and top.array:
            location = f"{top.location}[{top.count}]"
            top.count += 1
        elif top:
            key_at = match.start(1)
            name, end = scanstring(text, key_at + 1)
            location = f"{top.location}/{name}"
            if name in top.keys:
                found.duplicates[location] = place(starts, key_at)
            top.keys.add(name)
            match = _TOKEN.match(text, end)
            assert match is not None  # noqa: S101 - the text is known to be JSON
        end = match.end()
        start = match.start(1) if match[1] else match.start(2)
        found.places[location] = place(starts, start)
        if match[1] == '"':
            end = scanstring(text, start + 1)[1]
        elif match[1]:
            stack.append(_Open(location, match[1] == "["))
    return found


_STRING: Final = r'"(?:\\.|[^"\\])*"'
_BRACKET: Final = re.compile(rf"{_STRING}|([\[{{])|([\]}}])", re.DOTALL)
_ODD_NUMBER: Final = re.compile(rf"{_STRING}|(-?(?:NaN|Infinity|\d{{4300,}}))", re.DOTALL)


def too_deep(text: str, limit: int) -> Place:
    """Where the first bracket stands that is inside more than ``limit`` others.

    >>> too_deep('{"[[": [[1]]}', 2)
    (1, 9)
    """
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += bool(match[1]) - bool(match[2])
        if depth > limit:
            return place(lines(text), match.start())
    return 1, 1


def odd_number(text: str) -> Place:
    """Where the first number stands that JSON does not have, or that has too many digits to be read."""
    found = (match.start() for match in _ODD_NUMBER.finditer(text) if match[1])
    return place(lines(text), next(found, 0))


# Python's complaint -> Jackson's, which AWS prints.
_EXPECTED: Final = {
    "Expecting property name enclosed in double quotes": "was expecting double-quote to start field name",
    "Illegal trailing comma before end of object": "was expecting double-quote to start field name",
    "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
    "Expecting ',' delimiter": "was expecting comma to separate {} entries",
}
_VALUES: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SHOWN_CHARACTERS: Final = 500


class Unreadable(NamedTuple):
    """Why a text is not JSON: AWS's message and location, and the place for people."""

    message: str
    location: str
    place: Place


def unreadable(text: str, problem: JSONDecodeError) -> Unreadable:
    """Say it as Jackson does, the JSON reader of AWS.

    >>> import json
    >>> try: json.loads("nonsense")
    ... except json.JSONDecodeError as problem: print(unreadable("nonsense", problem).location)
    [Source: (String)"nonsense"; line: 1, column: 9]
    """
    complaint, end = _complaint(text, problem)
    location = _location(text, end)
    return Unreadable(f"{complaint}\n at {location}", location, (problem.lineno, problem.colno))


def _location(text: str, offset: int) -> str:
    line, column = place(lines(text), offset)
    cut = len(text) - _SHOWN_CHARACTERS
    shown = f'"{text[:_SHOWN_CHARACTERS]}"' + (f"[truncated {cut} chars]" if cut > 0 else "")
    return f"[Source: (String){shown}; line: {line}, column: {column}]"


def _complaint(text: str, problem: JSONDecodeError) -> tuple[str, int]:
    """Jackson's sentence and the offset behind what it stumbled over."""
    at = problem.pos
    if at >= len(text):
        return f"Unexpected end-of-input{_unfinished(text, problem)}", at
    if problem.msg.startswith("Unterminated string"):
        return "Unexpected end-of-input: was expecting closing quote for a string value", len(text)
    character = text[at]
    unexpected = f"Unexpected character ({character!r} (code {ord(character)})): "
    if problem.msg in _EXPECTED:
        return unexpected + _EXPECTED[problem.msg].format(_container(text[:at])), at + 1
    if problem.msg.startswith("Invalid control character"):
        return (
            f"Illegal unquoted character ((CTRL-CHAR, code {ord(character)})): has to be escaped using "
            "backslash to be included in string value"
        ), at + 1
    if problem.msg.startswith("Invalid \\"):
        escaped = text[at + 1 : at + 2]
        return f"Unrecognized character escape '{escaped}' (code {ord(escaped or ' ')})", at + 2
    if token := re.compile(r"[^\W\d][\w$]*").match(text, at):
        return f"Unrecognized token '{token[0]}': was expecting {_VALUES}", token.end()
    return f"{unexpected}expected a valid value {_VALUES}", at + 1


def _unfinished(text: str, problem: JSONDecodeError) -> str:
    """What the end of the text leaves open: an entry, or the container that it stands in."""
    if text.rstrip().endswith((":", ",")) or problem.msg == "Expecting ':' delimiter":
        return f" within/between {_container(text)} entries"
    start = _location(text, _opened(text) or 0)
    return f": expected close marker for {_container(text)} (start marker at {start})"


def _container(text: str) -> str:
    """Is the innermost bracket that is still open one of an Object, of an Array, or is there none?"""
    opened = _opened(text)
    return "Root" if opened is None else {"{": "Object", "[": "Array"}[text[opened]]


def _opened(text: str) -> int | None:
    """The offset of the innermost bracket that is still open."""
    opened: list[int] = []
    for match in _BRACKET.finditer(text):
        if match[1]:
            opened.append(match.start())
        elif match[2] and opened:
            opened.pop()
    return opened[-1] if opened else None
