"""Why a state went as it did: each decision in words, and the lines of the definition that made it."""

from __future__ import annotations

import re
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.debugging.telling import sentence
from sfnbook.widgets.markup import Act, markup
from sfnbook.widgets.words import clipped, heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sfnbook.transition import Transition
    from sfnbook.values import Json
    from sfnbook.widgets.panel import Desk, Moment

MOST: Final = 8
"""How many decisions of a state are told: the latest."""
ROWS: Final = 60
"""How many rows of one decision."""

NUMBERED: Final = {"rule": "Choices", "retrier": "Retry", "catcher": "Catch"}
"""Where the numbered things of a reason stand in the definition."""
_NUMBERED: Final = re.compile(r"\b(rule|retrier|catcher) (\d+)", re.IGNORECASE)


class Cited(NamedTuple):
    """A reason or a row of it, and the pointer of what it is about; "" for the state as a whole."""

    words: str
    pointer: str
    depth: int = 0


class Why:
    """The decisions of the state that is looked at, beside its lines of the definition."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.text = self.widget = markup(desk.plain, self._do)
        self._moment: Moment | None = None
        self._chosen: tuple[str, str] = "", ""

    def _do(self, act: str) -> None:
        what, _, where = act.partition(":")
        if what == "go":
            self.desk.visit(self.desk.debugger.goto, int(where))
        elif self._moment is not None:
            self._chosen = self._moment.pointer, where.partition(":")[2]
            self._show(self._moment)

    def show(self, moment: Moment) -> None:
        """Tell the latest decisions."""
        self._moment = moment
        if self._chosen[0] != moment.pointer:
            self._chosen = "", ""
        self._show(moment)

    def _show(self, moment: Moment) -> None:
        state = moment.state
        if state is None:
            self.text.show(heading("Why", "select a state, or step into one"))
            return
        decisions = decided(moment)
        reasons = [_reason(one, moment) for one in decisions]
        acts = [act for _, offered in reasons for act in offered]
        told = "".join(html for html, _ in reasons) or "<p>Nothing was decided here yet.</p>"
        cited = _cited(decisions, moment)
        chosen = self._chosen[1]
        self.text.show(
            f"{heading(f'Why: {state.name}', state.type)}"
            f'<div class="sfn-reasons"><div>{told}</div>'
            f"{listing_html(moment.debugger.machine.listing, moment.pointer, cited, chosen)}</div>",
            acts,
        )


def decided(moment: Moment) -> list[Transition]:
    """The latest transitions of the state that have a reason, the oldest first."""
    found = (one for one in moment.back() if one.why or one.error or one.traceback)
    return list(islice(found, MOST))[::-1]


def cited_of(transition: Transition, moment: Moment) -> Iterator[Cited]:
    """The reason of a transition and its rows, each with the part of the definition that it is about."""
    why, definition = transition.why, moment.definition
    base = moment.pointer
    yield Cited(why.text, place_of(why.text, base, definition))
    above = base
    for row in why.rows[:ROWS]:
        depth = (len(row) - len(row.lstrip())) // 2
        above = place_of(row, base, definition) if not depth else above
        yield Cited(row.strip(), above, depth)


def _cited(decisions: list[Transition], moment: Moment) -> list[str]:
    """The parts of the definition that the latest decision is about which is about any."""
    for one in reversed(decisions):
        found = [cited.pointer for cited in cited_of(one, moment) if cited.pointer != moment.pointer]
        if found:
            return found
    return []


def place_of(words: str, base: str, definition: Json) -> str:
    """The pointer of what a sentence is about: a rule, a retrier, a catcher or a field that it names.

    >>> place_of("Rule 2 of 2 is the first that is true", "/States/A", {"Choices": [{}, {}]})
    '/States/A/Choices/1'
    """
    fields = definition if isinstance(definition, dict) else {}
    found = _NUMBERED.search(words)
    if found is not None:
        field, index = NUMBERED[found[1].lower()], int(found[2]) - 1
        if index < len(fields.get(field, ())):
            return f"{base}/{field}/{index}"
    named = next((word for word in re.findall(r"[A-Z]\w+", words) if word in fields), None)
    return base if named is None else f"{base}/{named}"


def _reason(transition: Transition, moment: Moment) -> tuple[str, list[Act]]:
    """A decision as HTML: a link to its moment, the reason, a link to the lines of each row."""
    go = Act(f"go:{transition.number}", f"{sentence(transition)} (go there)", escape(sentence(transition)))
    acts, rows = [go], []
    for number, one in enumerate(cited_of(transition, moment)):
        if not one.words:
            continue
        words = clipped(one.words)
        act = Act(
            f"row:{transition.number}.{number}:{one.pointer}", f"{words} (show its lines)", escape(words)
        )
        acts.append(act)
        tag = "p" if not number else "li"
        rows.append(f'<{tag} style="--depth:{one.depth}">{act.html("sfn-link")}</{tag}>')
    text = "".join(row for row in rows if row.startswith("<p"))
    items = "".join(row for row in rows if row.startswith("<li"))
    trace = f'<ol class="sfn-rows">{items}</ol>' if items else ""
    return (
        f'<div class="sfn-reason"><b>{go.html("sfn-link")}</b>{text}{trace}{_told(transition)}</div>',
        acts,
    )


def _told(transition: Transition) -> str:
    """The cause, and the traceback of a task function that raised."""
    cause = f"<p>{escape(clipped(transition.cause))}</p>" if transition.cause else ""
    if not transition.traceback:
        return cause
    return (
        f'{cause}<details data-key="traceback:{transition.number}"><summary>Python traceback</summary>'
        f'<pre class="sfn-json">{escape(transition.traceback)}</pre></details>'
    )


def listing_html(listing: Any, pointer: str, cited: Iterable[str], chosen: str = "") -> str:
    """The lines of a state, with their numbers in the definition; what is cited and chosen is marked."""
    marked = {line for one in cited if one != pointer for line in listing.lines_of(one)}
    picked = set(listing.lines_of(chosen)) if chosen else set()
    first = min(picked or marked, default=0)
    lines = (
        _line_html(number, listing.lines[number - 1], marked, picked, number == first)
        for number in listing.lines_of(pointer)
    )
    return (
        '<div class="sfn-listing" data-box="listing" tabindex="0" role="region" aria-label="Definition">'
        f"{''.join(lines)}</div>"
    )


def _line_html(number: int, text: str, marked: set[int], picked: set[int], first: bool) -> str:
    css = "sfn-chosen" if number in picked else "sfn-cited" if number in marked else ""
    scroll = " data-scroll" if first else ""
    return f'<span class="{css}"{scroll}><i>{number}</i>{escape(text)}</span>'
