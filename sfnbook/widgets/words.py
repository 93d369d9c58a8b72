"""What the debugger's view says: transitions in words, cards, messages, the virtual clock.

Values -> HTML text, without a widget.  Names, payloads and causes are somebody else's text: every
one goes through `html.escape` here, and nothing is given to a browser in another way.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import duration
from sfnbook.theme import STATUSES
from sfnbook.widgets.documents import json_html

if TYPE_CHECKING:
    from sfnbook.values import Json


class Said(NamedTuple):
    """How a kind of transition is told: the words after the state, and the status it looks like."""

    words: str
    status: str


SAID: Final[dict[str, Said]] = {
    "ExecutionStarted": Said("The execution started", "current"),
    "StateEntered": Said("was entered", "current"),
    "TaskScheduled": Said("was scheduled with its arguments", "current"),
    "TaskStarted": Said("started", "current"),
    "TaskSubmitted": Said("was accepted by the service", "waiting"),
    "TaskSucceeded": Said("has its result", "succeeded"),
    "TaskFailed": Said("failed", "failed"),
    "TaskTimedOut": Said("timed out", "failed"),
    "RetryScheduled": Said("will be tried again", "retrying"),
    "Caught": Said("failed and was caught", "caught"),
    "StateExited": Said("was left", "succeeded"),
    "FanOutStarted": Said("started its branches or iterations", "current"),
    "IterationStarted": Said("started", "current"),
    "IterationSucceeded": Said("came to its end", "succeeded"),
    "FanOutSucceeded": Said("has all its results", "succeeded"),
    "FanOutFailed": Said("failed with one of its branches or iterations", "failed"),
    "Aborted": Said("was stopped because another one failed", "aborted"),
    "ExecutionSucceeded": Said("The execution succeeded", "succeeded"),
    "ExecutionFailed": Said("The execution failed", "failed"),
    "ExecutionTimedOut": Said("The execution timed out", "failed"),
    "ExecutionAborted": Said("The execution was stopped", "aborted"),
    "Redriven": Said("The execution goes on from where it failed", "current"),
    "Edited": Said("was edited by you", "waiting"),
    "Injected": Said("The outcome of coming attempts was changed by you", "waiting"),
    "Answered": Said("was answered by you", "waiting"),
    "Heartbeat": Said("was heard of", "waiting"),
}
"""One entry for each of `frames.KINDS`."""


def sentence(transition: Any) -> str:
    """What happened, in words, as plain text.

    >>> import sfnbook
    >>> execution = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}).start()
    >>> [sentence(transition) for transition in execution][:2]
    ['The execution started', 'A was entered']
    """
    said = SAID[transition.kind]
    whole = said.words.startswith("The ")
    text = said.words if whole else f"{subject(transition)} {said.words}"
    return f"{text}: {transition.error}" if transition.error else text


def subject(transition: Any) -> str:
    """Whom a transition is about; what people do may be about the whole execution."""
    return str(transition.path or transition.state or "The execution")


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


def clipped(text: str) -> str:
    return text if len(text) <= 1000 else f"{text[:1000]}… ({len(text):,} characters)"


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
