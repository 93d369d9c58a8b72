"""A session as a page of its own: the picture, a slider over the transitions, data and reasons at each.

The page loads nothing and needs no Python.  It has each text once, and for each transition what
changed, so that ten thousand of them fit; what people wrote is data in it, never markup.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from sfnbook.debugging.telling import sentence
from sfnbook.drawing.layout import layout
from sfnbook.drawing.statuses import Statuses
from sfnbook.drawing.svg import ways
from sfnbook.drawing.theme import STATUSES
from sfnbook.explain import subject_of
from sfnbook.values import Json, size

if TYPE_CHECKING:
    from sfnbook.debugging.looking import Looking
    from sfnbook.frames import Change
    from sfnbook.transition import Transition

LONGEST_TEXT: Final = 4_000
"""Characters of one value; beyond, the page says how many bytes there are."""

LONGEST_TEXTS: Final = 20_000_000
"""Characters of all values together; those that come later are left out, and the page says so."""


class Texts:
    """All texts of a page, once each, by number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._room = LONGEST_TEXTS
        self.left_out = 0

    def __iter__(self) -> Any:
        return iter(self._numbers)

    def number(self, text: str | None) -> int | None:
        """A short text's number; None for none."""
        return self._numbers.setdefault(text, len(self._numbers)) if text else None

    def value(self, value: Json) -> int | None:
        """The number of a JSON value as text, cut where it is long."""
        text = json.dumps(value, indent=2, ensure_ascii=False)
        if len(text) > LONGEST_TEXT:
            text = f"{text[:LONGEST_TEXT]}\n... ({size(value):,} bytes in all)"
        if text not in self._numbers:
            if len(text) > self._room:
                self.left_out += 1
                return self.number(f"({size(value):,} bytes, left out of this page)")
            self._room -= len(text)
        return self.number(text)


def page(debugger: Looking) -> str:
    """The HTML text of a page about the current branch of a debugger."""
    texts = Texts()
    steps = _steps(debugger, texts)
    data = {
        "cursor": debugger.position,
        "steps": steps,
        "texts": list(texts),
        "looks": {name: {"label": one.label, "icon": one.icon} for name, one in STATUSES.items()},
    }
    name = debugger.machine.name
    notes = [*debugger.notes]
    if texts.left_out:
        notes.append(f"{texts.left_out:,} values are left out of this page, which would be too large.")
    parts = {
        "TITLE": escape(name),
        "STYLE": _asset("page.css"),
        "GRAPH": debugger.to_svg(),
        "STILL": escape(_still(debugger)),
        "NOTES": "".join(f"<p>{escape(note)}</p>" for note in notes),
        "DATA": script_safe(data),
        "SCRIPT": _asset("page.js"),
    }
    made = _asset("page.html")
    head, *rest = made.split("{{")
    return head + "".join(parts[part.partition("}}")[0]] + part.partition("}}")[2] for part in rest)


def script_safe(data: Json) -> str:
    r"""JSON for a script element: nothing in it ends the element or a line of the script.

    >>> script_safe(["</script>", "\u2028"])
    '["\\u003c/script\\u003e","\\u2028"]'
    """
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return files("sfnbook.sessions").joinpath(name).read_text(encoding="utf-8")


def _still(debugger: Looking) -> str:
    """What a reader sees for whom no script runs."""
    made = debugger.transition
    happened = "nothing has happened yet" if made is None else sentence(made)
    return f"{debugger.position} of {debugger.length} transitions: {happened}"


def _steps(debugger: Looking, texts: Texts) -> list[dict[str, Json]]:
    changes, follower = debugger.execution.changes, Statuses()
    numbers = ways(layout(debugger.machine.definition))
    before: list[dict[str, str]] = [{}, {}, {}]
    steps = []
    for number, transition in enumerate(debugger.transitions):
        marks = follower.follow(changes, number + 1).marks()
        taken = {str(numbers[way]): "taken" for way in marks.taken}
        now = [dict(marks.status), dict(marks.notes), taken]
        status, notes, edges = (_differences(old, new, texts) for old, new in zip(before, now, strict=True))
        step = _step(transition, texts) | {
            "at": texts.number(_pointer(changes[number], transition)),
            "s": status,
            "n": notes,
            "v": edges,
            "f": [[texts.number(name), texts.value(value)] for name, value in transition.data_flow.items()],
        }
        steps.append(step)
        before = now
    return steps


def _step(transition: Transition, texts: Texts) -> dict[str, Json]:
    return {
        "k": texts.number(transition.kind),
        "t": transition.time,
        "p": texts.number(transition.path),
        "a": transition.attempt,
        "w": texts.number(sentence(transition)),
        "e": texts.number(transition.error),
        "c": texts.number(_short(transition.cause)),
        "y": texts.number(_short(str(transition.why))),
        "h": [[event["id"], texts.number(event["type"])] for event in transition.events],
    }


def _pointer(change: Change, transition: Transition) -> str | None:
    """The state in the picture that a transition is about."""
    frame = change.others[0][0] if change.kind == "IterationStarted" else subject_of(change)
    frame = frame or change.frame
    in_picture = transition.state is not None and frame.scope.execution.machine == "main"
    return frame.state if in_picture else None


def _short(text: str | None) -> str | None:
    if text is None or len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}\n... ({len(text):,} characters in all)"


def _differences(old: dict[str, str], new: dict[str, str], texts: Texts) -> list[list[Json]]:
    return [
        [texts.number(key), texts.number(old.get(key)), texts.number(new.get(key))]
        for key in {**old, **new}
        if old.get(key) != new.get(key)
    ]
