"""What the retry lab says beside its charts, as HTML: the figures, the advice, how far the runs are."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

from sfnbook.retrylab.advice import WARNING
from sfnbook.retrylab.words import dollars, duration, plural, share

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.retrylab.lab import RetryLab

FIGURES: Final[dict[str, dict[str, tuple[str, Callable[[Any], str]]]]] = {
    "One execution": {
        "succeeded": ("succeeds", share),
        "mean_seconds": ("time on average", duration),
        "p95_seconds": ("95 % are over within", duration),
        "attempts": ("attempts on average", lambda value: f"{value:.3g}"),
    },
    "A million executions": {
        "dollars_standard": ("Standard", dollars),
        "dollars_express": ("Express", dollars),
    },
    "All clients": {
        "clients_succeeded": ("succeed", share),
        "all_done_seconds": ("are done after", duration),
        "calls": ("calls", lambda value: f"{value:,.0f}"),
        "wasted": ("of them wasted", lambda value: f"{value:,.0f}"),
    },
}
"""The columns of `RetryLab.rows` that are shown, in words."""


def figures_html(lab: RetryLab) -> str:
    """The figures of all policies, a column for each, and what differs by more than chance."""
    rows = lab.rows()
    head = "".join(f'<th scope="col">{escape(row["policy"])}</th>' for row in rows)
    body = ""
    for part, figures in FIGURES.items():
        body += f'<tbody><tr><th colspan="{len(rows) + 1}" scope="rowgroup">{part}</th></tr>'
        for column, (label, shown) in figures.items():
            cells = "".join(f"<td>{escape(shown(row[column]))}</td>" for row in rows)
            body += f'<tr><th scope="row">{label}</th>{cells}</tr>'
        body += "</tbody>"
    table = f'<table class="sfn-figures"><thead><tr><td></td>{head}</tr></thead>{body}</table>'
    sentences = lab.comparison.sentences() if len(rows) > 1 else []
    return table + "".join(f'<p class="sfn-verdict">{escape(sentence)}</p>' for sentence in sentences)


def advice_html(lab: RetryLab) -> str:
    """What to think of the chosen policy, and of any policy that does not know the service's error."""
    items = [(WARNING, text) for text in lab.herd.warnings]
    for finding in lab.advice[lab.policy]:
        who = f"Retrier {finding.retrier}" if finding.retrier else "It"
        items.append((finding.severity, f"{who} {finding.text}"))
    told = "".join(
        f'<li data-severity="{severity}">{"⚠ " if severity == WARNING else ""}{escape(text)}</li>'
        for severity, text in items
    )
    told = told or "<li>Nothing stands out.</li>"
    return f'<div class="sfn-advice"><b>{escape(lab.policy)}</b><ul>{told}</ul></div>'


def progress_html(lab: RetryLab) -> str:
    """How many runs the charts are made of."""
    study = min(lab.studies.values(), key=lambda study: study.done)
    herds = study.trial.load.runs
    said = f"{plural(study.summary.runs, 'execution')}, {plural(herds, 'run')} of all clients"
    return f'<p class="sfn-runs">{said}{"" if lab.is_done else " so far"}</p>'
