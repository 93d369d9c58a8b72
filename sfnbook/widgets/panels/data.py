"""The data flow of a state, stage by stage, with what each stage changed."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import ipywidgets as w

from sfnbook.theme import STATUSES
from sfnbook.values import size
from sfnbook.widgets.documents import UNCOMPARED, json_html, same
from sfnbook.widgets.forms import update
from sfnbook.widgets.words import bytes_of, clipped, heading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.values import Json
    from sfnbook.widgets.panel import Desk, Moment


class Data:
    """Input, stages and output of the state that is looked at; without one, of the execution."""

    def __init__(self, desk: Desk) -> None:
        del desk  # it only shows
        self.widget = w.HTML()

    def show(self, moment: Moment) -> None:
        """Show the stages so far."""
        update(self.widget, value=_execution(moment) if moment.state is None else _state(moment))


def _execution(moment: Moment) -> str:
    debugger = moment.debugger
    flow: dict[str, Any] = {"input": debugger.execution.input}
    flow |= {"output": debugger.output} if debugger.status == "SUCCEEDED" else {}
    return heading("The execution", debugger.machine.name) + stages_html(flow)


def _state(moment: Moment) -> str:
    state, transition = moment.state, moment.latest
    assert state is not None  # noqa: S101 - the caller asked
    notes = [state.type, STATUSES[moment.statuses.get(moment.pointer, "none")].label]
    happened = moment.debugger.iterations().get(moment.pointer, {}).items()
    counts = ", ".join(f"{count:,} {what}" for what, count in happened if count)
    notes += [f"iterations: {counts}"] if counts else []
    flow = {} if transition is None else transition.data_flow
    return (
        heading((transition and transition.path) or state.name, " · ".join(notes))
        + stages_html(flow)
        + definition_html(moment.definition, folded=bool(flow))
    )


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
    body = f"<p>{escape(clipped(flow[name]))}</p>" if name == "error" else json_html(flow[name], before)
    return (
        f'<details class="sfn-flow{" sfn-unchanged" if unchanged else ""}"{"" if unchanged else " open"}>'
        f"<summary><b>{escape(stage.title)}</b><span>{escape(note)}</span>"
        f"<small>{bytes_of(size(flow[name]))}</small></summary>{body}</details>"
    )


def definition_html(definition: Json, *, folded: bool) -> str:
    """A state as the definition has it."""
    title = "<summary><b>Definition</b><span>as written</span></summary>"
    return f'<details class="sfn-flow"{"" if folded else " open"}>{title}{json_html(definition)}</details>'
