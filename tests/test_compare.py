"""Two executions side by side: path, data, outcome; across interleavings, edits and definitions."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings

import sfnbook
from sfnbook.tasks import attempts, failure, result
from tests.machines import LAMBDA, block, load
from tests.scenarios import Scenario, scenarios

RETRY = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "MaxAttempts": 1}]
STATES: dict[str, Any] = {
    "Count": {"Type": "Pass", "Next": "Many?"},
    "Many?": {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericGreaterThan": 1, "Next": "Many"}],
        "Default": "One",
    },
    "One": {"Type": "Pass", "Next": "End"},
    "Many": {"Type": "Task", "Resource": LAMBDA, "Retry": RETRY, "Next": "End"},
    "End": {"Type": "Succeed"},
}
MAP = block(
    M={"Type": "Map", "ItemProcessor": block(T={"Type": "Task", "Resource": LAMBDA, "Retry": RETRY, "End": True}), "End": True}
)  # fmt: skip


def run(states: Any = STATES, given: Any = None, **options: Any) -> sfnbook.Execution:
    return load(states).start(given, **options).run()


def test_two_runs_of_the_same_are_the_same() -> None:
    comparison = sfnbook.compare(run(given={"n": 1}), run(given={"n": 1}))
    assert comparison.same
    assert (comparison.path, comparison.data) == (None, None)
    assert "path  the same" in repr(comparison)


def test_where_they_part_and_what_differed_first() -> None:
    comparison = sfnbook.compare(run(given={"n": 1}), run(given={"n": 2}, tasks={"Many": "many"}))
    assert str(comparison.path) == "after Many? (StateExited): One (StateEntered) | Many (StateEntered)"
    assert str(comparison.data) == "the execution (ExecutionStarted), input/n: 1 | 2"
    assert {row[""]: row["b"] for row in comparison.outcome}["output"] == "many"
    assert not comparison.same


def test_a_further_attempt_is_a_parting() -> None:
    busy = {"Many": attempts(failure("Busy", seconds=3), "many")}
    comparison = sfnbook.compare(run(given={"n": 2}, tasks={"Many": "many"}), run(given={"n": 2}, tasks=busy))
    assert str(comparison.path) == "after Many (TaskStarted): Many (TaskSucceeded) | Many (TaskFailed)"
    figures = {row[""]: (row["a"], row["b"]) for row in comparison.outcome}
    assert figures["time"] == (0, 13)
    assert figures["billed_transitions"] == (4, 5)


def test_interleaving_makes_no_difference() -> None:
    def quick(event: Any, context: Any) -> Any:
        return result(event, seconds=event)

    def slow(event: Any, context: Any) -> Any:
        return result(event, seconds=10 - event)

    comparison = sfnbook.compare(
        run(MAP["States"], [1, 2, 3], tasks=quick), run(MAP["States"], [1, 2, 3], tasks=slow)
    )
    assert comparison.same


def test_the_parting_in_an_iteration_names_what_came_before_in_it() -> None:
    def fails(event: Any) -> Any:
        if event == 2:
            raise sfnbook.TaskFailure("Broken")
        return event

    comparison = sfnbook.compare(
        run(MAP["States"], [1, 2, 3], tasks=lambda event: event), run(MAP["States"], [1, 2, 3], tasks=fails)
    )
    assert "after M[1].T (TaskStarted)" in str(comparison.path)
    assert "M[1].T (TaskFailed)" in str(comparison.path)


def test_branches_of_a_debugger() -> None:
    debugger = sfnbook.Debugger(load(STATES), {"n": 1}, tasks={"Many": "many"})
    debugger.run()
    debugger.restart()
    debugger.run_to("Many?")
    debugger.edit_input({"n": 5, "why": "edited"})
    debugger.run()
    comparison = sfnbook.compare(debugger.branches["main"], debugger)
    assert comparison.names == ("main", "branch 1")
    assert str(comparison.path).endswith("One (StateEntered) | Many (StateEntered)")
    assert [(one.what, one.pointer) for one in comparison.differences][:2] == [
        ("input", "/n"),
        ("input", "/why"),
    ]


def test_one_that_goes_no_further() -> None:
    stopped = load(STATES).start({"n": 1}).run(until="End")
    assert (
        str(sfnbook.compare(stopped, run(given={"n": 1})).path)
        == "after One (StateExited): the end | End (StateEntered)"
    )


def test_what_lies_after_the_cursor_counts() -> None:
    execution = run(given={"n": 1})
    execution.back()
    execution.back()
    assert sfnbook.compare(execution, run(given={"n": 1})).same


def test_recordings_of_two_definitions() -> None:
    repaired = copy.deepcopy(STATES)
    repaired["Many"]["Retry"][0]["MaxAttempts"] = 3
    busy = attempts(failure("Busy"), failure("Busy"), "many")
    first, second = run(given={"n": 2}, tasks={"Many": busy}), run(repaired, {"n": 2}, tasks={"Many": busy})
    one = sfnbook.replay(load(STATES), first.history())
    other = sfnbook.replay(load(repaired), second.history())
    comparison = sfnbook.compare(one, other)
    assert str(comparison.path) == (
        "after Many (TaskFailed, attempt 2): Many (ExecutionFailed, attempt 2) | Many (RetryScheduled, attempt 2)"
    )
    assert {row[""]: row["b"] for row in comparison.outcome}["status"] == "SUCCEEDED"


def test_it_displays_itself_and_escapes() -> None:
    bad = "<img src=x>"
    bundle = sfnbook.compare(
        run(given={"n": 1, "text": bad}), run(given={"n": 1, "text": "ok"})
    )._repr_mimebundle_()
    assert bad in bundle["text/plain"]
    assert bad not in bundle["text/html"]
    assert "&lt;img" in bundle["text/html"]


def test_what_cannot_be_compared() -> None:
    with pytest.raises(sfnbook.UsageError, match=r"sfnbook.replay\(machine, history\)"):
        sfnbook.compare([], run(given={"n": 1}))
    forgetful = load(STATES).start({"n": 1}, keep_history=False).run()
    with pytest.raises(sfnbook.UsageError, match="keeps no history"):
        sfnbook.compare(forgetful, forgetful)


@settings(max_examples=40, deadline=None)
@given(scenarios(depth=1))
def test_an_execution_is_the_same_as_its_fork(scenario: Scenario) -> None:
    execution = scenario.run()
    assert sfnbook.compare(execution, execution.fork()).same
