"""The stages of a state's data flow as HTML text: each with the field that made it and what it changed.

The names are TestState's.  Somebody else's text is escaped here and in `documents`.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.values import size
from sfnbook.widgets.documents import LINES, UNCOMPARED, json_html, same
from sfnbook.widgets.words import clipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.values import Json


class Stage(NamedTuple):
    """A stage in words, the field that makes it, and what it is compared with: the first that is there."""

    title: str
    note: str
    field: str = ""
    against: tuple[str, ...] = ()


_EFFECTIVE: Final = ("afterInputPath", "input")
STAGES: Final[dict[str, Stage]] = {
    "input": Stage("Input", "what went in"),
    "afterInputPath": Stage("After InputPath", "what the path found in the input", "InputPath", ("input",)),
    "afterParameters": Stage(
        "After Parameters", "made from the template: this is what the work is given", "Parameters", _EFFECTIVE
    ),
    "afterArguments": Stage(
        "After Arguments", "made from the template: this is what the work is given", "Arguments", ("input",)
    ),
    "afterItemsPath": Stage("Items", "the array that the path found", "ItemsPath"),
    "afterItemsPointer": Stage("Items", "the array that the pointer found", "ItemsPointer"),
    "afterItemSelector": Stage("After ItemSelector", "the input of each iteration", "ItemSelector"),
    "afterItemBatcher": Stage("After ItemBatcher", "the batches", "ItemBatcher"),
    "error": Stage("Could not be evaluated", "the field that failed"),
    "errorOutput": Stage("Error output", "what a catcher is given", "Catch"),
    "result": Stage("Result", "what came back"),
    "afterResultSelector": Stage(
        "After ResultSelector", "made from the result by the template", "ResultSelector", ("result",)
    ),
    "afterResultPath": Stage("After ResultPath", "", "ResultPath", ("input",)),
    "output": Stage(
        "Output",
        "what comes out",
        "OutputPath",
        ("afterResultPath", "afterResultSelector", "result", *_EFFECTIVE),
    ),
    "variables": Stage("Variables", "after Assign", "Assign", ("variablesBefore",)),
    "context": Stage("Context object", "what $$ or $states.context reads"),
}
"""TestState's names of the stages, in the order in which a state goes through them."""

HIDDEN: Final = frozenset({"variablesBefore"})
"""What stages are compared with and is not shown itself."""


def stages_html(
    flow: Mapping[str, Json], definition: Json = None, lines: Mapping[str, int] | None = None
) -> str:
    """Each stage of a state's data flow, with what it changed; unchanged ones are folded up.

    ``definition`` is the state's: its fields are shown beside the stages that they make.  ``lines``
    are how many of a stage are shown, where that is not `LINES`.
    """
    order = [name for name in STAGES if name in flow] + [name for name in flow if name not in STAGES]
    shown = [name for name in order if name not in HIDDEN and (flow[name] != {} or name != "variables")]
    fields = definition if isinstance(definition, dict) else {}
    cards = (_stage_html(name, flow, fields, (lines or {}).get(name, LINES)) for name in shown)
    return f'<div class="sfn-stages">{"".join(cards)}</div>'


def _stage_html(name: str, flow: Mapping[str, Json], fields: Mapping[str, Json], most: int) -> str:
    stage = STAGES.get(name, Stage(name, ""))
    against = next((other for other in stage.against if other in flow), None)
    before = UNCOMPARED if against is None else flow[against]
    unchanged = against is not None and same(flow[name], before)
    note = said(stage, fields)
    if unchanged and against in STAGES:
        note = f"the same as {STAGES[against].title}" + (f": {note}" if stage.field in fields else "")
    if name == "error":
        body = f"<p>{escape(clipped(flow[name]))}</p>"
    else:
        body = json_html(flow[name], before, most, f"more:{name}")
    folded = unchanged or name == "context"
    return (
        f'<details class="sfn-flow{" sfn-unchanged" if unchanged else ""}" data-key="{escape(name)}"'
        f"{'' if folded else ' open'}><summary><b>{escape(stage.title)}</b>"
        f"<small>{in_bytes(size(flow[name]))}</small></summary>"
        f'<p class="sfn-note">{escape(note)}</p>{_field_html(stage, fields)}{body}</details>'
    )


def said(stage: Stage, fields: Mapping[str, Json]) -> str:
    """What a stage does, in words that fit how the field is set.

    >>> said(STAGES["afterResultPath"], {"ResultPath": "$.payment"})
    'the input, with the result put into it at $.payment'
    """
    if stage.field == "ResultPath":
        path = fields.get("ResultPath", "$")
        if path is None:
            return "the input as it was: the result is thrown away"
        if path == "$":
            return "the result, in place of the input"
        return f"the input, with the result put into it at {path}"
    if stage.field == "OutputPath" and "Output" not in fields:
        path = fields.get("OutputPath", "$")
        if path is None:
            return "what comes out: nothing, {}"
        return "what comes out: all of it" if path == "$" else f"what comes out: what {path} finds, alone"
    return stage.note


def _field_html(stage: Stage, fields: Mapping[str, Json]) -> str:
    """The field that makes a stage, as the definition has it."""
    field = "Output" if stage.field == "OutputPath" and "Output" in fields else stage.field
    if not field or field not in fields:
        return ""
    value = fields[field]
    plain = json.dumps(value, ensure_ascii=False)
    text = escape(f'"{field}": ') + escape(clipped(plain))
    if isinstance(value, dict | list) and len(plain) > SHORT_FIELD:
        text = f"{escape(field)}{json_html(value, UNCOMPARED, LINES)}"
        return f'<details class="sfn-field"><summary>{escape(field)}</summary>{text}</details>'
    return f'<code class="sfn-field">{text}</code>'


SHORT_FIELD: Final = 160
"""A field is written out up to this length."""


def pipeline_html(fields: Mapping[str, Json], jsonata: bool, kind: str) -> str:
    """The way of the data through a state, those steps that the definition has set apart from the rest."""
    work = {"Map": "iterations", "Parallel": "branches"}.get(kind, kind)
    steps = (JSONATA if jsonata else JSONPATH).get(kind, JSONATA_REST if jsonata else JSONPATH_REST)
    parts = ["Input", *(work if step == WORK else step for step in steps), "Output"]
    there = {"Input", "Output", work, *fields}
    return (
        '<p class="sfn-pipeline" aria-label="The way of the data">'
        + " › ".join(
            f"<b>{escape(part)}</b>" if part in there else f"<span>{escape(part)}</span>" for part in parts
        )
        + "</p>"
    )


WORK: Final = "the state's work"
JSONPATH_REST: Final = ("InputPath", WORK, "OutputPath")
JSONPATH: Final[Mapping[str, tuple[str, ...]]] = {
    "Pass": ("InputPath", "Parameters", WORK, "ResultPath", "OutputPath"),
    "Task": ("InputPath", "Parameters", WORK, "ResultSelector", "ResultPath", "OutputPath"),
    "Parallel": ("InputPath", "Parameters", WORK, "ResultSelector", "ResultPath", "OutputPath"),
    "Map": ("InputPath", "ItemsPath", "ItemSelector", WORK, "ResultSelector", "ResultPath", "OutputPath"),
}
JSONATA_REST: Final = (WORK, "Assign")
JSONATA: Final[Mapping[str, tuple[str, ...]]] = {
    "Task": ("Arguments", WORK, "Assign"),
    "Parallel": ("Arguments", WORK, "Assign"),
    "Map": ("Items", "ItemSelector", WORK, "Assign"),
}
"""The fields that a kind of state may have, in the order in which the data goes through them."""


def in_bytes(count: int) -> str:
    """A size as people read it.

    >>> in_bytes(1234567)
    '1,234,567 bytes'
    """
    return f"{count:,} byte{'' if count == 1 else 's'}"


def definition_html(definition: Json, *, folded: bool) -> str:
    """A state as the definition has it."""
    title = "<summary><b>Definition</b><span>as written</span></summary>"
    return f'<details class="sfn-flow"{"" if folded else " open"}>{title}{json_html(definition)}</details>'


def with_variables(
    flow: Mapping[str, Json], before: Mapping[str, Json], after: Mapping[str, Json]
) -> dict[str, Json]:
    """The stages with the variables as they were on entering the state, and as they are."""
    if not flow:
        return {}
    found = {**flow, "variablesBefore": dict(before)}
    if "variables" not in flow and (before or after):
        found["variables"] = dict(after)
    return found
