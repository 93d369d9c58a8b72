"""A cell is run again: the session from before goes on as far as it still holds."""

from __future__ import annotations

from typing import Any

from hypothesis import given

import sfnbook
from sfnbook.debugger import Debugger
from tests.debugging import CHARGE, LINE, debug
from tests.machines import block
from tests.scenarios import LAW, Scenario, scenarios


def before() -> Debugger:
    """A session with two branches, a breakpoint and a watch."""
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": lambda event: {"was": event}})
    debugger.breakpoints.add("Last")
    debugger.watches["n"] = "$.n"
    debugger.run()
    debugger.goto(0)
    debugger.edit_input({"n": 2})
    debugger.run()
    return debugger


def test_the_same_cell_again_goes_on_where_it_was() -> None:
    earlier, told, calls = before(), [], []
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": lambda event: calls.append(event) or {"new": event}})
    debugger.observe(lambda: told.append(1))
    debugger.resume(earlier)
    assert debugger.notes == ()
    assert [one.execution.changes for one in debugger.branches] == [
        one.execution.changes for one in earlier.branches
    ]
    assert (debugger.position, debugger.branches.current.name) == (earlier.position, "branch 1")
    assert (list(map(str, debugger.breakpoints)), dict(debugger.watches)) == (
        ["on enter of Last"],
        {"n": "$.n"},
    )
    assert (calls, bool(told)) == ([], True)
    debugger.run()
    assert debugger.output == {"was": {"n": 2}}


def test_tasks_that_were_changed_answer_what_comes_then() -> None:
    earlier = debug(CHARGE, {"n": 1}, tasks={"Charge": {"old": True}})
    earlier.run_to("Charge")
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": {"new": True}}).resume(earlier)
    assert debugger.position == earlier.position
    debugger.run()
    assert debugger.output == {"new": True}


def test_a_definition_that_was_changed_is_told_with_the_first_transition_that_differs() -> None:
    earlier = debug(LINE, {"n": 1})
    earlier.run()
    earlier.breakpoints.add("C")
    states = {name: dict(state) for name, state in LINE["States"].items() if name != "C"}
    states["B"] = {"Type": "Pass", "Result": {"new": 1}, "End": True}
    debugger = debug(block(**states), {"n": 1}).resume(earlier)
    assert debugger.notes == (
        "Branch 'main' goes on as before up to transition 4, which differs now; before it was <StateExited B at 0 s>.",
        "The breakpoint 'on enter of C' is gone: There is no state 'C' in this machine. The states are: 'A', 'B'.",
    )
    assert debugger.position == 4
    debugger.run()
    assert debugger.output == {"new": 1}


def test_another_input_begins_anew() -> None:
    debugger = debug(LINE, {"n": 2}).resume(before_line())
    assert debugger.position == 0
    assert "transition 0, which differs now" in debugger.notes[0]


def before_line() -> Debugger:
    earlier = debug(LINE, {"n": 1})
    earlier.run()
    return earlier


@LAW
@given(scenarios())
def test_any_session_goes_on_in_the_same_machine(scenario: Scenario) -> None:
    machine = sfnbook.load(scenario.definition)
    earlier = Debugger.of(machine, scenario.run())
    debugger: Any = Debugger.of(machine, scenario.start()).resume(earlier)
    assert debugger.notes == ()
    assert debugger.transitions == earlier.transitions
    assert debugger.execution.frames == earlier.execution.frames
