"""What the debugger's view says: transitions in words, cards, messages, the virtual clock.

Values -> HTML text, without a widget.  Names, payloads and causes are somebody else's text: every
one goes through `html.escape` here, and nothing is given to a browser in another way.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import duration
from sfnbook.debugging.telling import SAID, sentence
from sfnbook.drawing.theme import STATUSES
from sfnbook.widgets.documents import json_html

if TYPE_CHECKING:
    from sfnbook.debugging.totals import Totals
    from sfnbook.values import Json


def badge(status: str) -> str:
    """The icon of a status, as in the graph."""
    return (
        f'<svg class="sfn-icon sfn-tone" data-tone="{status}" viewBox="-2 -2 20 20" aria-hidden="true">'
        f'<circle cx="8" cy="8" r="10"/><path d="{STATUSES[status].icon}"/></svg>'
    )


def transition_html(transition: Any, stopped_by: Any = None) -> str:
    """The transition at which the debugger stands: what happened, why, and the breakpoint that stopped it."""
    if transition is None:
        return card("current", "<b>Nothing has happened yet</b>", "Press <b>Next state</b> to begin.", "")
    said = SAID[transition.kind]
    head = f"<b>{escape(sentence(transition))}</b>"
    why = transition.why
    body = f"<p>{escape(why.text)}</p>" if why else ""
    if transition.cause:
        body = f"<p>{escape(clipped(transition.cause))}</p>{body}"
    if why.rows:
        body += f'<ol class="sfn-rows">{"".join(_row(row) for row in why.rows)}</ol>'
    if stopped_by is not None:
        body += f'<p class="sfn-note">Stopped by the breakpoint {escape(clipped(str(stopped_by)))}</p>'
    if transition.traceback:
        body += (
            "<details><summary>Python traceback</summary>"
            f'<pre class="sfn-json">{escape(transition.traceback)}</pre></details>'
        )
    attempt = f" · attempt {transition.attempt}" if transition.state else ""
    return card(said.status, head, body, transition.kind + attempt)


def _row(row: str) -> str:
    depth = (len(row) - len(row.lstrip())) // 2
    return f'<li style="--depth:{depth}">{escape(clipped(row.strip()))}</li>'


def clipped(text: str, most: int = 1000) -> str:
    """The beginning of a long text, with how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def card(tone: str, head: str, body: str, note: str) -> str:
    return (
        f'<div class="sfn-card sfn-tone" data-tone="{tone}">{badge(tone)}<div><div class="sfn-head">'
        f"<span>{head}</span><small>{escape(note)}</small></div>{body}</div></div>"
    )


OUTCOMES: Final[dict[str, str]] = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "TIMED_OUT": "failed",
    "ABORTED": "aborted",
}


def outcome_html(status: str, output: Json, transition: Any) -> str:
    """How it ended, where the card of the last transition does not say it: the output; "" while it runs."""
    if status == "SUCCEEDED":
        return card("succeeded", "<b>Output of the execution</b>", json_html(output), "")
    if status in OUTCOMES and transition.error is None and transition.kind not in ENDINGS:
        return card(OUTCOMES[status], f"<b>{escape(status)}</b>", "", "")
    return ""


ENDINGS: Final = frozenset({"ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"})


def clock_html(seconds: float, now: Any, status: str) -> str:
    """The virtual clock, and the status of the execution."""
    tone = OUTCOMES.get(status, "current")
    exact = escape(f"{now:%Y-%m-%d %H:%M:%S} UTC, virtual time") if now is not None else "virtual time"
    return (
        f'<span class="sfn-clock" title="{exact}">{escape(duration(seconds))}</span>'
        f'<span class="sfn-chip sfn-tone" data-tone="{tone}">{escape(status)}</span>'
    )


def totals_html(used: Totals) -> str:
    """What was used up so far, and what is close to a limit.

    >>> from sfnbook.debugging.totals import Totals
    >>> "<b>$0.000050</b> Standard" in totals_html(Totals(9, 2, 10, 25_000, 10, 262_144, 0.00005, 0.000001))
    True
    """
    parts = [
        f"<b>{used.transitions:,}</b> transitions, {used.billed_transitions:,} billed",
        f"<b>${_dollars(used.standard)}</b> Standard, ${_dollars(used.express)} Express",
        f"<b>{used.events:,}</b>{_of(used.events_limit)} events",
        f"largest payload <b>{bytes_of(used.largest_payload)}</b>"
        + ("" if used.payload_limit is None else f" of {bytes_of(used.payload_limit)}"),
    ]
    warnings = "".join(message_html(f"Close to a limit: {one}.", "caught") for one in used.warnings)
    return f'<div class="sfn-totals">{"".join(f"<span>{part}</span>" for part in parts)}</div>{warnings}'


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 10 else f"{amount:.6f}"


def _of(limit: int | None) -> str:
    return "" if limit is None else f" of {limit:,}"


def bytes_of(count: int) -> str:
    """A size for people.

    >>> bytes_of(445), bytes_of(262_144)
    ('445 B', '256 KiB')
    """
    return f"{count} B" if count < 1024 else f"{count / 1024:,.1f}".removesuffix(".0") + " KiB"


def message_html(text: str, tone: str = "failed") -> str:
    """A message under a field or under the whole view; "" for no text."""
    return (
        f'<div class="sfn-message sfn-tone" data-tone="{tone}" role="alert">{escape(text)}</div>'
        if text
        else ""
    )


def heading(title: str, note: str) -> str:
    """The title of a panel or form."""
    return f'<div class="sfn-heading"><b>{escape(title)}</b><span>{escape(note)}</span></div>'
