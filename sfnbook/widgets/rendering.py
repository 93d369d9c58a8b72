"""What the debugger's view says: transitions in words, virtual time, and JSON with what changed.

Values -> HTML text, without a widget.  Names, payloads and causes are somebody else's text: every
one goes through `html.escape` here, and nothing is given to a browser in another way.
"""

from __future__ import annotations

import json
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.theme import STATUSES
from sfnbook.values import size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sfnbook.values import Json

LINES: Final = 60
"""How many lines of a document are shown at once; the next `MORE_LINES` are folded up."""
MORE_LINES: Final = 2000
LETTERS: Final = 400
SHORT: Final = 64
"""A list or object of plain values goes on one line up to this length."""


class _Nothing:
    """What a value is compared with: `UNCOMPARED` marks nothing, `ABSENT` says that it is new."""


UNCOMPARED: Final = _Nothing()
ABSENT: Final = _Nothing()


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


def duration(seconds: float) -> str:
    """Virtual time for people; exact below a minute.

    >>> duration(0), duration(31.5), duration(3661), duration(86400 * 365)
    ('0 s', '31.5 s', '1 h 1 min 1 s', '365 d')
    """
    if seconds < 60:
        return f"{round(seconds, 6):g} s"
    whole, parts = round(seconds, 3), []
    for unit, long in (("d", 86400), ("h", 3600), ("min", 60)):
        count, whole = divmod(whole, long)
        parts += [f"{int(count):,} {unit}"] if count else []
    return " ".join([*parts, *([f"{round(whole, 3):g} s"] if whole else [])])


# --- JSON ------------------------------------------------------------------------------------------
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


def json_html(value: Json, before: Any = UNCOMPARED) -> str:
    """A JSON value as an escaped ``<pre>``, what changed marked; a long one is folded.

    >>> "<b>" in json_html("<b>")
    False
    """
    lines = json_lines(value, before)
    shown = [_line_html(line) for line in islice(lines, LINES)]
    folded = [_line_html(line) for line in islice(lines, MORE_LINES)]
    text = f'<pre class="sfn-json">{"".join(shown)}</pre>'
    if folded:
        more = "" if next(lines, None) is None else '<span class="sfn-line">…</span>'
        text += (
            f'<details class="sfn-more"><summary>{len(folded):,} more lines</summary>'
            f'<pre class="sfn-json">{"".join(folded)}{more}</pre></details>'
        )
    return text


def _line_html(line: Line) -> str:
    key, value = escape(line.label), escape(line.value)
    mark = f' sfn-{line.mark}" title="{line.mark}"' if line.mark else '"'
    return (
        f'<span class="sfn-line{mark} style="--depth:{line.depth}"><span class="sfn-key">{key}</span>'
        f'<span class="sfn-{line.kind}">{value}</span></span>'
    )


# --- the stages of the data flow ------------------------------------------------------------------
class Stage(NamedTuple):
    """A stage in words, and the stages it is compared with: the first one that is there."""

    title: str
    field: str
    against: tuple[str, ...] = ()


_EFFECTIVE: Final = ("afterInputPath", "input")
STAGES: Final[dict[str, Stage]] = {
    "input": Stage("Input", "what went in"),
    "afterInputPath": Stage("After InputPath", "InputPath", ("input",)),
    "afterParameters": Stage("After Parameters", "Parameters", _EFFECTIVE),
    "afterArguments": Stage("After Arguments", "Arguments", ("input",)),
    "afterItemsPath": Stage("Items", "ItemsPath"),
    "afterItemsPointer": Stage("Items", "ItemsPointer"),
    "afterItemSelector": Stage("After ItemSelector", "ItemSelector"),
    "afterItemBatcher": Stage("After ItemBatcher", "ItemBatcher"),
    "error": Stage("Could not be evaluated", "the field that failed"),
    "errorOutput": Stage("Error output", "what a catcher is given"),
    "result": Stage("Result", "what came back"),
    "afterResultSelector": Stage("After ResultSelector", "ResultSelector", ("result",)),
    "afterResultPath": Stage("After ResultPath", "ResultPath, put into the input", ("input",)),
    "output": Stage(
        "Output",
        "what comes out",
        ("afterResultPath", "afterResultSelector", "result", *_EFFECTIVE),
    ),
    "variables": Stage("Variables", "after Assign"),
}
"""TestState's names of the stages, in the order in which a state goes through them."""


def stages_html(flow: Mapping[str, Json]) -> str:
    """Each stage of a state's data flow, with what it changed; unchanged ones are folded up."""
    order = [name for name in STAGES if name in flow] + [name for name in flow if name not in STAGES]
    return "".join(_stage_html(name, flow) for name in order if flow[name] != {} or name != "variables")


def _stage_html(name: str, flow: Mapping[str, Json]) -> str:
    stage = STAGES.get(name, Stage(name, ""))
    against = next((other for other in stage.against if other in flow), None)
    before = UNCOMPARED if against is None else flow[against]
    unchanged = against is not None and same(flow[name], before)
    note = f"same as {STAGES[against].title}" if unchanged and against else stage.field
    body = f"<p>{escape(_clipped(flow[name]))}</p>" if name == "error" else json_html(flow[name], before)
    return (
        f'<details class="sfn-flow{" sfn-unchanged" if unchanged else ""}"{"" if unchanged else " open"}>'
        f"<summary><b>{escape(stage.title)}</b><span>{escape(note)}</span>"
        f"<small>{_bytes(size(flow[name]))}</small></summary>{body}</details>"
    )


def _bytes(count: int) -> str:
    return f"{count} B" if count < 1024 else f"{count / 1024:,.1f} KiB"


# --- what happened --------------------------------------------------------------------------------
def badge(status: str) -> str:
    """The icon of a status, as in the graph."""
    return (
        f'<svg class="sfn-icon sfn-tone" data-tone="{status}" viewBox="-2 -2 20 20" aria-hidden="true">'
        f'<circle cx="8" cy="8" r="10"/><path d="{STATUSES[status].icon}"/></svg>'
    )


def transition_html(transition: Any, stopped_by: Any = None) -> str:
    """The transition at which the debugger stands: what happened, why, and the breakpoint that stopped it."""
    if transition is None:
        return _card("current", "<b>Nothing has happened yet</b>", "Press <b>Next state</b> to begin.", "")
    said = SAID[transition.kind]
    head = f"<b>{escape(sentence(transition))}</b>"
    why = transition.why
    body = f"<p>{escape(why.text)}</p>" if why else ""
    if transition.cause:
        body = f"<p>{escape(_clipped(transition.cause))}</p>{body}"
    if why.rows:
        body += f'<ol class="sfn-rows">{"".join(_row(row) for row in why.rows)}</ol>'
    if stopped_by is not None:
        body += f'<p class="sfn-note">Stopped by the breakpoint {escape(_clipped(str(stopped_by)))}</p>'
    if transition.traceback:
        body += (
            "<details><summary>Python traceback</summary>"
            f'<pre class="sfn-json">{escape(transition.traceback)}</pre></details>'
        )
    attempt = f" · attempt {transition.attempt}" if transition.state else ""
    return _card(said.status, head, body, transition.kind + attempt)


def _row(row: str) -> str:
    depth = (len(row) - len(row.lstrip())) // 2
    return f'<li style="--depth:{depth}">{escape(_clipped(row.strip()))}</li>'


def _clipped(text: str) -> str:
    return text if len(text) <= 1000 else f"{text[:1000]}… ({len(text):,} characters)"


def _card(tone: str, head: str, body: str, note: str) -> str:
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
        return _card("succeeded", "<b>Output of the execution</b>", json_html(output), "")
    if status in OUTCOMES and transition.error is None and transition.kind not in ENDINGS:
        return _card(OUTCOMES[status], f"<b>{escape(status)}</b>", "", "")
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


def definition_html(definition: Json, *, folded: bool) -> str:
    """A state as the definition has it."""
    title = "<summary><b>Definition</b><span>as written</span></summary>"
    return f'<details class="sfn-flow"{"" if folded else " open"}>{title}{json_html(definition)}</details>'


def faults_html(faults: Sequence[Any]) -> str:
    """The injected errors and set results that wait for their attempts."""
    if not faults:
        return ""
    return f'<ol class="sfn-rows">{"".join(f"<li>{escape(_fault(fault))}</li>" for fault in faults)}</ol>'


def _fault(fault: Any) -> str:
    what = f"fails with {fault.error}" if fault.fails else "gets the result that was set"
    if fault.attempts is None:
        return f"{fault.target} {what}, every attempt"
    if isinstance(fault.attempts, int):
        count = f"{fault.attempts} attempts" if fault.attempts > 1 else "attempt"
        return f"{fault.target} {what}, the next {count}"
    return f"{fault.target} {what}, attempt {', '.join(map(str, fault.attempts))}"
