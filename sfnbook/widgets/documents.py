"""JSON values as HTML text: line by line, with what changed against another value marked.

Somebody else's text goes through `html.escape` here; nothing is given to a browser in another way.
"""

from __future__ import annotations

import json
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json

LINES: Final = 60
"""How many lines of a document are shown at once; the next `MORE_LINES` are folded up."""
MORE_LINES: Final = 2000
STEP_LINES: Final = 500
"""How many more a click shows."""
LETTERS: Final = 400
SHORT: Final = 64
"""A list or object of plain values goes on one line up to this length."""


class _Nothing:
    """What a value is compared with: `UNCOMPARED` marks nothing, `ABSENT` says that it is new."""


UNCOMPARED: Final = _Nothing()
ABSENT: Final = _Nothing()


class Line(NamedTuple):
    """One line of a printed document: ``mark`` is "", "new", "changed" or "gone"."""

    mark: str
    depth: int
    label: str
    value: str
    kind: str


def json_lines(value: Json, before: Any = UNCOMPARED) -> Iterator[Line]:
    """A JSON value line by line, each marked with what it is against ``before``.

    >>> [(line.mark, line.label + line.value) for line in json_lines({"a": 1, "b": 2}, {"a": 1, "c": 3})]
    [('', '{'), ('', '"a": 1,'), ('new', '"b": 2'), ('gone', '"c": 3'), ('', '}')]
    """
    return _lines("", value, before, 0, "")


def _lines(label: str, value: Json, before: Any, depth: int, comma: str) -> Iterator[Line]:
    mark = _mark(value, before)
    if not isinstance(value, dict | list) or not value or (depth and mark != "changed" and _short(value)):
        yield Line(mark, depth, label, _scalar(value) + comma, _kind(value))
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    alike = before is UNCOMPARED or isinstance(before, type(value))
    mark = "" if alike else mark
    yield Line(mark, depth, label, opening, "plain")
    entries = list(value.items() if isinstance(value, dict) else enumerate(value))
    for number, (key, item) in enumerate(entries, 1):
        name = f"{json.dumps(key, ensure_ascii=False)}: " if isinstance(value, dict) else ""
        yield from _lines(
            name, item, _part(before, key, alike), depth + 1, "," if number < len(entries) else ""
        )
    yield from _gone(value, before, depth + 1)
    yield Line(mark, depth, "", closing + comma, "plain")


def _gone(value: Json, before: Any, depth: int) -> Iterator[Line]:
    if isinstance(value, dict) and isinstance(before, dict):
        for key in before:
            if key not in value:
                label = f"{json.dumps(key, ensure_ascii=False)}: "
                yield Line("gone", depth, label, _scalar(before[key]), _kind(before[key]))
    elif isinstance(value, list) and isinstance(before, list):
        for item in before[len(value) :]:
            yield Line("gone", depth, "", _scalar(item), _kind(item))


def _part(before: Any, key: Any, alike: bool) -> Any:
    if before is UNCOMPARED:
        return UNCOMPARED
    if not alike:
        return ABSENT
    if isinstance(before, dict):
        return before.get(key, ABSENT)
    return before[key] if key < len(before) else ABSENT


def _mark(value: Json, before: Any) -> str:
    if before is UNCOMPARED:
        return ""
    if before is ABSENT:
        return "new"
    return "" if same(value, before) else "changed"


def same(one: Json, other: Json) -> bool:
    """Are two JSON values the same?  True is not 1, and 1 is not 1.0, as in their texts.

    >>> same({"a": [1]}, {"a": [1]}), same({"a": True}, {"a": 1})
    (True, False)
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _short(value: Json) -> bool:
    items = value.values() if isinstance(value, dict) else value
    if len(items) > SHORT / 2 or any(isinstance(item, dict | list) for item in items):
        return False
    return (
        sum(len(_scalar(item)) + 2 for item in items)
        + (len("".join(value)) if isinstance(value, dict) else 0)
        < SHORT
    )


def _scalar(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}… ({len(text):,} characters)"


def _kind(value: Json) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict | list):
        return "plain"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else "word"


def json_html(value: Json, before: Any = UNCOMPARED, most: int = LINES, more: str = "") -> str:
    """A JSON value as an escaped ``<pre>`` of ``most`` lines, what changed marked.

    ``more`` names an act (see `markup`) that shows more of a longer one; without it, the next
    `MORE_LINES` are there, folded.

    >>> "<b>" in json_html("<b>")
    False
    """
    lines = json_lines(value, before)
    text = f'<pre class="sfn-json">{"".join(map(_line_html, islice(lines, most)))}</pre>'
    if more:
        next_one = next(lines, None)
        return text if next_one is None else text + _more_html(more)
    folded = [_line_html(line) for line in islice(lines, MORE_LINES)]
    if folded:
        left = "" if next(lines, None) is None else '<span class="sfn-line">…</span>'
        text += (
            f'<details class="sfn-more"><summary>{len(folded):,} more lines</summary>'
            f'<pre class="sfn-json">{"".join(folded)}{left}</pre></details>'
        )
    return text


def _more_html(act: str) -> str:
    return (
        f'<button type="button" class="sfn-act" data-act="{escape(act)}" '
        f'data-lm-suppress-shortcuts="true">{STEP_LINES} more lines</button>'
    )


def _line_html(line: Line) -> str:
    key, value = escape(line.label), escape(line.value)
    mark = f' sfn-{line.mark}" title="{line.mark}"' if line.mark else '"'
    return (
        f'<span class="sfn-line{mark} style="--depth:{line.depth}"><span class="sfn-key">{key}</span>'
        f'<span class="sfn-{line.kind}">{value}</span></span>'
    )
