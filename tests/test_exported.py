"""The public names: those of the design, each with a docstring, and nothing else by accident."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import sfnbook

DESIGNED = {
    "AWS_LIMITS", "Debugger", "DefinitionError", "Diagnostic", "Execution", "ExecutionFailed", "RetryLab",
    "Service", "SfnbookError", "StateMachine", "TaskFailure", "Transition", "UnansweredTask", "UsageError",
    "compare", "herd", "load", "replay", "retry_schedule", "simulate", "validate",
}  # fmt: skip
"""What people may rely on."""

BESIDES = {"Comparison", "NO_LIMITS", "Limits", "Why", "advise", "compare_policies"}
"""Types and values that the designed names give out, and what came up beside them."""

LATER: set[str] = set()
"""Designed and not there yet; a name leaves this set when it comes."""

METHODS = {
    "StateMachine": "graph to_svg plot unanswered test_state start",
    "Execution": """
        step back run result fork status output error cause time now transitions billed_transitions history
        children map_runs blocked pending advance send_task_success send_task_failure send_task_heartbeat
        get_activity_task stop redrive redrive_plan edit_input set_variable set_result inject_error
    """,
    "Transition": "kind time state path attempt input output error cause events data_flow why id",
    "Debugger": """
        step step_into step_over step_out back run run_back run_to goto restart reset select
        edit_input set_variable set_result inject_error breakpoints faults branches watches find isolate
        try_machine show plot plot_timeline to_html to_pytest save open
    """,
}
METHODS_LATER: set[str] = set()
"""Like LATER, as "Class.name"."""

A = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


def _instances() -> dict[str, Any]:
    """One object of each class: some names are made with the object."""
    machine = sfnbook.load(A)
    execution = machine.start()
    return {
        "StateMachine": machine,
        "Execution": execution,
        "Transition": execution.step(),
        "Debugger": sfnbook.Debugger(machine),
    }


@pytest.mark.parametrize("owner", _instances())
def test_the_methods_that_were_designed(owner: str) -> None:
    one = _instances()[owner]
    missing = {f"{owner}.{name}" for name in METHODS[owner].split() if not hasattr(one, name)}
    assert missing == {name for name in METHODS_LATER if name.startswith(f"{owner}.")}


def _documented() -> dict[str, Any]:
    """The public functions and classes, and the public methods and properties of the classes."""
    found: dict[str, Any] = {}
    for name in sfnbook.__all__:
        value = getattr(sfnbook, name)
        if not callable(value):
            continue
        found[name] = value
        if inspect.isclass(value):
            own = {part: member for part, member in vars(value).items() if not part.startswith("_")}
            found |= {
                f"{name}.{part}": member
                for part, member in own.items()
                if inspect.isfunction(member) or isinstance(member, property | classmethod | staticmethod)
            }
    return found


@pytest.mark.parametrize("name", sorted(_documented()))
def test_a_public_name_has_a_docstring(name: str) -> None:
    text = inspect.getdoc(_documented()[name])
    assert text
    # What `dataclass` and `NamedTuple` write by themselves says nothing.
    assert not text.startswith(f"{name}(")
