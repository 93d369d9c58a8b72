"""The debugger without a notebook: control, time travel, edits, branches, statuses."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sfnbook
from sfnbook.debugger import Debugger
from sfnbook.debugging.branches import Recording
from sfnbook.drawing.statuses import Statuses
from tests.debugging import (
    CALLBACK,
    CAUGHT,
    CHARGE,
    INPUTS,
    LINE,
    LOOP,
    MACHINES,
    MAP,
    PARALLEL,
    FailsFirst,
    block,
    debug,
    debug_map,
    do,
    shown,
    task,
)

COPIES = {
    "fork": Debugger.fork,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda debugger: pickle.loads(pickle.dumps(debugger)),
}


# --- control --------------------------------------------------------------------------------------
CONTROL = {
    "step makes one transition": (LINE, ["step"], "ExecutionStarted", "A"),
    "step_over leaves the first state": (LINE, ["step_over"], "StateExited A", "B"),
    "step_over after entering leaves the state": (LINE, ["step", "step", "step_over"], "StateExited A", "B"),
    "step_over thrice reaches the end of the flow": (LINE, ["step_over"] * 3, "StateExited C", "C"),
    "step_over after the last state ends the execution": (LINE, ["step_over"] * 4, "ExecutionSucceeded", "C"),
    "step_over at the end goes nowhere": (LINE, ["step_over"] * 5, None, "C"),
    "step_over takes a whole Map": (MAP, ["run_to Orders", "step_over"], "StateExited Orders", "Last"),
    "step_over takes a whole Parallel": (PARALLEL, ["step_over"], "StateExited Both", "After"),
    "step_over ends with a caught error": (CAUGHT, ["step_over"], "Caught Both", "Mend"),
    "step_over inside takes retries and waits": (
        MAP,
        ["run_to Orders[0].Charge", "select Orders[0]", "step_over"],
        "StateExited Orders[0].Charge",
        "Orders[0].Rest",
    ),
    "step_over of a selected flow lets the others run": (
        PARALLEL,
        ["run_to Both[0].Left2", "select Both[0]", "step_over"],
        "StateExited Both[0].Left2",
        "Both[0].Left2",
    ),
    "step_into follows the Map into an iteration": (
        MAP,
        ["run_to Orders", "step_into", "step_into", "step_into"],
        "IterationStarted Orders[0]",
        "Orders",
    ),
    "step_into passes over other iterations": (
        MAP,
        ["run_to Orders[0].Charge", "select Orders[0]", "step_into", "step_into"],
        "TaskScheduled Orders[0].Charge",
        "Orders[0].Charge",
    ),
    "step_out leaves the Map": (MAP, ["run_to Orders[1].Rest", "step_out"], "StateExited Orders", "Last"),
    "step_out leaves the Parallel": (PARALLEL, ["run_to Left2", "step_out"], "StateExited Both", "After"),
    "step_out at the top runs to the end": (LINE, ["step", "step_out"], "ExecutionSucceeded", "C"),
    "run_to stops before the state": (LINE, ["run_to C"], "StateExited B", "C"),
    "run_to the first state": (LINE, ["run_to A"], "ExecutionStarted", "A"),
    "run_to a name stops at the first iteration": (
        MAP,
        ["run_to Rest", "step"],
        "StateEntered Orders[0].Rest",
        "Orders[1].Rest",
    ),
    "run_to a path without indices": (
        MAP,
        ["run_to Orders.Rest", "step"],
        "StateEntered Orders[0].Rest",
        "Orders[1].Rest",
    ),
    "run_to an iteration": (
        MAP,
        ["run_to Orders[2].Charge"],
        "IterationSucceeded Orders[1]",
        "Orders[2].Charge",
    ),
    "run_to never stays": (LOOP, ["run_to Turn", "run_to Turn"], "StateExited Each", "Turn"),
    "run_to what is not reached runs to the end": (LINE, ["run_to C", "run_to A"], "ExecutionSucceeded", "C"),
    "run goes to the end": (PARALLEL, ["run"], "ExecutionSucceeded", "After"),
    "back": (LINE, ["run_to B", "back"], "StateEntered A", "A"),
    "back to the beginning": (LINE, ["step", "back"], None, "A"),
    "back at the beginning goes nowhere": (LINE, ["back"], None, "A"),
    "run_back without breakpoints": (LINE, ["run", "run_back"], None, "A"),
    "restart, then on": (LINE, ["run", "restart", "step_over"], "StateExited A", "B"),
    "reset, then on": (LINE, ["run", "reset", "step_over"], "StateExited A", "B"),
}


@pytest.mark.parametrize(("definition", "moves", "stops_at", "path"), CONTROL.values(), ids=CONTROL)
def test_control(definition, moves, stops_at, path):
    tasks = {"Charge": FailsFirst()} if definition is MAP else None
    debugger = debug(definition, INPUTS.get(id(definition)), tasks=tasks)
    assert shown(do(debugger, moves)) == stops_at
    assert debugger.path == path


def test_run_may_be_cut_into_slices():
    debugger, whole = debug_map(), debug_map()
    while debugger.run(7) is not None:
        assert debugger.position % 7 == 0 or debugger.status == "SUCCEEDED"
    whole.run()
    assert debugger.transitions == whole.transitions


def test_step_out_of_a_nested_execution_leaves_its_task():
    child = sfnbook.load(LINE, name="Child")
    resource = "arn:aws:states:::states:startExecution.sync:2"
    call = task(Resource=resource, Parameters={"StateMachineArn": child.arn, "Input": {}}, Next="After")
    debugger = debug(block(Call=call, After={"Type": "Succeed"}), machines={"Child": child})
    debugger.run_to("B")
    assert debugger.path == "Call/B"
    assert shown(debugger.step_out()) == "StateExited Call"
    assert set(debugger.statuses()) == {"/States/Call", "/States/After"}


# --- time travel: names that say what holds -------------------------------------------------------
def test_going_on_after_back_calls_nobody():
    answer = FailsFirst()
    debugger = debug_map(answer=answer)
    debugger.run()
    calls = answer.calls
    debugger.restart()
    debugger.run()
    assert calls == answer.calls == 6


def test_reset_calls_the_tasks_again_and_forgets_branches_and_faults():
    answer = FailsFirst()
    debugger = debug_map(answer=answer)
    debugger.run()
    debugger.goto(3)
    debugger.inject_error("Charge", "X", attempts="all")
    debugger.reset()
    assert (debugger.position, debugger.length, debugger.faults, len(debugger.branches)) == (0, 0, (), 1)
    debugger.run()
    assert debugger.status == "SUCCEEDED"
    assert answer.calls == 12


def test_replay_from_the_end_is_a_noop():
    debugger = debug_map()
    debugger.run()
    before = (debugger.transitions, debugger.output, debugger.time)
    assert debugger.run() is debugger.step() is debugger.step_over() is None
    assert (debugger.transitions, debugger.output, debugger.time) == before


def test_fork_reruns_with_modified_input():
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": lambda event: {"n": event["n"] * 10}})
    debugger.run()
    debugger.restart()
    debugger.run_to("Charge")
    debugger.edit_input({"n": 7})
    debugger.run()
    assert debugger.output == {"n": 70}
    assert debugger.branches["main"].execution.output is None
    debugger.switch("main")
    debugger.run()
    assert debugger.output == {"n": 10}


def test_an_edit_at_the_end_makes_no_branch():
    debugger = debug(LINE, {"n": 1})
    debugger.run_to("B")
    debugger.edit_input({"n": 2}).set_variable("x", 3)
    assert debugger.branches.names == ["main"]
    debugger.run()
    assert debugger.output == {"n": 2}


def test_multiple_branches_from_the_same_transition():
    debugger = debug(LINE, {"n": 0})
    debugger.run()
    at = debugger.find(kind="StateExited", state="A")[0]
    for n in (1, 2, 3):
        debugger.switch("main")
        debugger.goto(at)
        debugger.edit_input({"n": n})
        debugger.run()
    assert [branch.execution.output for branch in debugger.branches] == [None, {"n": 1}, {"n": 2}, {"n": 3}]
    assert {branch.parent for branch in debugger.branches} == {None, "main"}
    assert {branch.fork for branch in debugger.branches} == {0, at.number + 1}
    assert {branch.why for branch in debugger.branches} == {"", "input of B edited"}
    assert [branch.length for branch in debugger.branches] == [8, 9, 9, 9]


def test_a_branch_of_a_branch_names_its_parent():
    debugger = debug(LINE)
    debugger.run()
    debugger.goto(2)
    debugger.set_variable("a", 1)
    debugger.run()
    debugger.goto(4)
    debugger.set_variable("b", 2)
    assert [(one.parent, one.fork) for one in debugger.branches] == [(None, 0), ("main", 3), ("branch 1", 5)]


def test_an_edit_that_is_refused_makes_no_branch():
    debugger = debug_map()
    debugger.run()
    debugger.goto(4)
    before = debugger.transition
    for refused in (
        lambda: debugger.set_result("Orders", 1),
        lambda: debugger.inject_error("Chrage", "X"),
        lambda: debugger.edit_input({1, 2}),
        lambda: debugger.edit_input({}, at="Last"),
    ):
        with pytest.raises(sfnbook.UsageError):
            refused()
    assert debugger.branches.names == ["main"]
    assert debugger.transition == before


def test_an_edit_before_the_start_keeps_what_is_recorded():
    debugger = debug(LINE, {"n": 1})
    debugger.run()
    debugger.restart()
    debugger.edit_input({"n": 5})
    debugger.run()
    assert debugger.output == {"n": 5}
    assert debugger.branches["branch 1"].fork == 1
    debugger.switch("main")
    assert debugger.length == 8


def test_edits_are_transitions_and_are_taken_back():
    debugger = debug(LINE, {"n": 1})
    debugger.run_to("B")
    debugger.edit_input({"n": 9})
    assert debugger.transition.kind == "Edited"
    debugger.back()
    assert debugger.branches.names == ["main"]
    debugger.edit_input({"n": 8})
    assert debugger.branches.names == ["main", "branch 1"]


def test_a_fault_in_the_past_strikes_on_its_branch_only():
    debugger = debug(CHARGE, tasks={"Charge": {"ok": True}})
    debugger.run()
    debugger.restart()
    debugger.inject_error("Charge", "Card", "declined")
    assert [fault.error for fault in debugger.faults] == ["Card"]
    debugger.run()
    assert (debugger.status, debugger.error, debugger.cause) == ("FAILED", "Card", "declined")
    debugger.switch("main")
    assert debugger.faults == ()
    debugger.run()
    assert debugger.output == {"ok": True}


def test_clear_faults_takes_them_back():
    debugger = debug(CHARGE, tasks={"Charge": {"ok": True}})
    debugger.inject_error("Charge", "Card", attempts="all").clear_faults("Charge")
    debugger.run()
    assert debugger.status == "SUCCEEDED"


def test_edit_input_is_for_the_selected_flow():
    debugger = debug_map()
    debugger.run_to("Orders[1].Charge")
    debugger.select("Orders[1]")
    debugger.run_to("Orders[1].Rest")
    debugger.edit_input({"mine": True})
    debugger.run()
    assert debugger.output == [{"item": 1}, {"mine": True}, {"item": 3}]


def test_goto_a_transition_of_another_branch_switches_to_it():
    debugger = debug(LINE, {"n": 1})
    debugger.run()
    last = debugger.transition
    debugger.goto(2)
    debugger.edit_input({"n": 2})
    debugger.run()
    assert debugger.goto(last) == last
    assert debugger.branches.current.name == "main"


@pytest.mark.parametrize("where", [-1, 8, 99, "A", None, True, 1.0])
def test_goto_refuses_what_is_not_recorded(where):
    debugger = debug(LINE)
    debugger.run()
    with pytest.raises(sfnbook.UsageError):
        debugger.goto(where)
    assert debugger.position == 8


def test_goto_refuses_a_transition_of_another_debugger():
    other = debug(LINE, {"n": 2})
    with pytest.raises(sfnbook.UsageError, match="in no branch"):
        debug(LINE, {"n": 1}).goto(other.step())


def test_switch_to_an_unknown_branch_names_the_nearest():
    with pytest.raises(sfnbook.UsageError, match="Did you mean 'main'"):
        debug(LINE).switch("mian")


# --- questions and the outside --------------------------------------------------------------------
def test_a_task_without_an_answer_pauses():
    debugger = debug(CHARGE, {"n": 1})
    debugger.run()
    assert debugger.blocked == "unanswered"
    assert debugger.step() is debugger.run() is debugger.step_over() is None
    question = debugger.unanswered
    assert (question.path, question.input) == ("Charge", {"n": 1})
    assert str(question) == "Charge"
    assert question.literal == 'tasks={"Charge": lambda event: {}}'
    debugger.answer({"paid": True})
    debugger.run()
    assert (debugger.output, debugger.unanswered) == ({"paid": True}, None)


def test_an_answer_is_for_one_iteration():
    debugger = debug(MAP, {"items": ["a", "b"]})
    asked = []
    debugger.run()
    while debugger.blocked == "unanswered":
        asked.append(debugger.unanswered.path)
        debugger.answer(debugger.unanswered.input + "!")
        debugger.run()
    assert asked == ["Orders[0].Charge", "Orders[1].Charge"]
    assert debugger.output == ["a!", "b!"]


def test_set_result_goes_on_too():
    debugger = debug(CHARGE)
    debugger.run()
    debugger.set_result("Charge", 5).run()
    assert debugger.output == 5


def test_answer_without_a_question():
    with pytest.raises(sfnbook.UsageError, match="No Task waits"):
        debug(LINE).answer(1)


def test_a_callback_blocks_and_is_answered():
    debugger = debug(CALLBACK)
    debugger.run()
    assert (debugger.blocked, debugger.path) == ("outside", "Ask")
    assert debugger.statuses() == {"/States/Ask": "waiting"}
    (pending,) = debugger.pending
    pending.heartbeat()
    debugger.pending[0].succeed({"approved": True})
    debugger.run()
    assert debugger.output == {"approved": True}
    assert debugger.branches.names == ["main"]


def test_another_answer_in_the_past_makes_a_branch():
    debugger = debug(CALLBACK)
    debugger.run()
    at = debugger.transition
    debugger.pending[0].succeed(1)
    debugger.run()
    debugger.goto(at)
    debugger.pending[0].fail("No", "not today")
    debugger.run()
    assert (debugger.status, debugger.error) == ("FAILED", "No")
    debugger.switch("main")
    debugger.run()
    assert debugger.output == 1


def test_advance_goes_past_a_deadline():
    waiting = {**CALLBACK["States"]["Ask"], "TimeoutSeconds": 30}
    debugger = debug(block(Ask=waiting, Then={"Type": "Succeed"}))
    assert debugger.advance().kind == "TaskTimedOut"
    assert debugger.time == 30.0


def test_stop_aborts():
    debugger = debug(LINE)
    debugger.step_over()
    assert debugger.stop("Enough").status == "ABORTED"


# --- looking --------------------------------------------------------------------------------------
FIND = {
    "state": ({"state": "Rest", "kind": "StateEntered"}, 3),
    "path of one iteration": ({"path": "Orders[1].Charge", "kind": "TaskFailed"}, 1),
    "path without indices": ({"path": "Orders.Charge", "kind": "TaskFailed"}, 3),
    "error": ({"error": "ValueError", "kind": "RetryScheduled"}, 3),
    "text in any case": ({"text": "AGAIN", "kind": "TaskFailed"}, 3),
    "text of a payload": ({"text": '"item":2', "kind": "StateExited", "state": "Charge"}, 1),
    "nothing given is everything": ({}, 49),
    "nothing fits": ({"text": "nowhere to be found"}, 0),
}


@pytest.mark.parametrize(("wanted", "count"), FIND.values(), ids=FIND)
def test_find(wanted, count):
    debugger = debug_map()
    debugger.run()
    debugger.goto(0)
    assert len(debugger.find(**wanted)) == count


@pytest.mark.parametrize("wanted", [{"state": "Chrage"}, {"kind": "TaskFialed"}])
def test_find_names_the_nearest(wanted):
    with pytest.raises(sfnbook.UsageError, match=r"Did you mean '(Charge|TaskFailed)'"):
        debug_map().find(**wanted)


def test_select_refuses_where_nothing_stands():
    debugger = debug_map()
    debugger.run_to("Orders[1].Charge")
    with pytest.raises(sfnbook.UsageError, match=r"Did you mean 'Orders\[1\]"):
        debugger.select("Order[1]")
    debugger.select("Orders")
    assert debugger.path == "Orders"
    debugger.select(None)
    assert debugger.path == "Orders[1].Charge"


def test_watches_are_evaluated_where_the_debugger_stands():
    debugger = debug(LINE, {"items": [1, 2], "name": "Ada"})
    debugger.watches["count"] = "$count($states.input.items)"
    debugger.watches["first"] = "$.items[0]"
    debugger.watches["who"] = "States.Format('{}!', $.name)"
    debugger.watches["variable"] = "$n"
    debugger.watches["missing"] = "$.nothing"
    debugger.watches["start"] = "$$.Execution.StartTime"
    expected = {"count": 2, "first": 1, "who": "Ada!", "variable": None, "missing": None}
    assert debugger.watches.values() == {**expected, "start": "2025-01-01T00:00:00Z"}
    debugger.run_to("B")
    debugger.set_variable("n", 4).edit_input({"items": []})
    assert debugger.watches.values()["variable"] == 4
    assert debugger.watches.values()["count"] == 0
    assert repr(debugger.watches).startswith(
        "count: $count($states.input.items) is 0\nfirst: $.items[0] is nothing: "
    )
    del debugger.watches["count"]
    assert "count" not in debugger.watches.values()
    debugger.watches.clear()
    assert repr(debugger.watches) == "no watches"


@pytest.mark.parametrize("expression", ["1 +", "$[", 5, None])
def test_watches_refuse_what_is_no_expression(expression):
    debugger = debug(LINE)
    with pytest.raises(sfnbook.UsageError):
        debugger.watches["x"] = expression
    assert debugger.watches.values() == {}


def furnished():
    """A debugger with two branches, two breakpoints and a watch; it stands on the second branch."""
    debugger = debug(LINE, {"n": 1})
    debugger.run()
    debugger.goto(1)
    debugger.edit_input({"n": 2})
    debugger.breakpoints.add("B")
    debugger.breakpoints.add("C")
    debugger.watches["n"] = "$.n"
    return debugger


def parts(debugger):
    """How the parts of a debugger stand."""
    return repr((debugger.branches, debugger.breakpoints, debugger.watches, debugger.prices))


def merge_watches(debugger, expressions):
    debugger.watches |= expressions


CHANGES = {
    "a breakpoint that is set": lambda debugger: setattr(debugger.breakpoints[1], "enabled", False),
    "a breakpoint that is disabled": lambda debugger: debugger.breakpoints.disable(2),
    "a breakpoint that is disabled by its state": lambda debugger: debugger.breakpoints.disable("B"),
    "a breakpoint that is added": lambda debugger: debugger.breakpoints.add("A"),
    "a breakpoint that is removed": lambda debugger: debugger.breakpoints.remove(1),
    "no more breakpoints": lambda debugger: debugger.breakpoints.clear(),
    "a branch that is gone to": lambda debugger: debugger.branches.switch("main"),
    "a branch that the debugger goes to": lambda debugger: debugger.switch("main"),
    "a branch that is added": lambda debugger: debugger.branches.add(debugger.execution.fork(), "by hand"),
    "a branch that is renamed": lambda debugger: debugger.branches.rename("branch 1", "two"),
    "a watch that is set": lambda debugger: debugger.watches.__setitem__("all", "$"),
    "watches that are merged": lambda debugger: merge_watches(debugger, {"all": "$", "m": "$.m"}),
    "watches that are updated": lambda debugger: debugger.watches.update({"all": "$"}, m="$.m"),
    "watches that are replaced": lambda debugger: setattr(debugger, "watches", {"m": "$.m"}),
    "a watch that is deleted": lambda debugger: debugger.watches.__delitem__("n"),
    "a watch that is popped": lambda debugger: debugger.watches.pop("n"),
    "no more watches": lambda debugger: debugger.watches.clear(),
    "other prices": lambda debugger: setattr(debugger, "prices", debugger.prices._replace(region="eu")),
    "an edit in the past": lambda debugger: [debugger.execution.seek(1), debugger.edit_input({"n": 3})],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_observers_hear_once_of_each_part_that_changed(change):
    debugger, heard = furnished(), []
    before = parts(debugger)
    debugger.observe(lambda: heard.append(parts(debugger)))
    change(debugger)
    assert heard == [parts(debugger)]
    assert heard != [before]


REFUSED = {
    "a breakpoint that is set to no flag": (
        lambda debugger: setattr(debugger.breakpoints[1], "enabled", "no"),
        "give True or False",
    ),
    "another state of a breakpoint": (
        lambda debugger: setattr(debugger.breakpoints[1], "state", "C"),
        "state stays as it is: remove the breakpoint, and add another",
    ),
    "no breakpoint": (lambda debugger: debugger.breakpoints.disable("A"), "There is no breakpoint 'A'"),
    "no branch": (lambda debugger: debugger.branches.switch("mian"), "Did you mean 'main'"),
    "no expression": (
        lambda debugger: merge_watches(debugger, {"good": "$.a", "bad": "1 +"}),
        "'1 \\+' is neither",
    ),
    "no text": (lambda debugger: merge_watches(debugger, {"n": 5}), "5 is no expression"),
    "no names": (lambda debugger: merge_watches(debugger, ["$.n"]), "give expressions by name"),
    "a name that is no text": (lambda debugger: merge_watches(debugger, {1: "$"}), "1 is no name"),
    "watches that are none": (lambda debugger: setattr(debugger, "watches", None), "expressions by name"),
    "prices that are none": (lambda debugger: setattr(debugger, "prices", 0.01), "PRICES._replace"),
}


@pytest.mark.parametrize(("change", "told"), REFUSED.values(), ids=REFUSED)
def test_a_part_refuses_what_is_none_of_it_and_stays_as_it_is(change, told):
    debugger, heard = furnished(), []
    before = parts(debugger)
    debugger.observe(lambda: heard.append(1))
    with pytest.raises(sfnbook.UsageError, match=told):
        change(debugger)
    assert (heard, parts(debugger)) == ([], before)


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_has_observers_of_its_own(copied):
    debugger, heard, other_heard = furnished(), [], []
    other = copied(debugger)
    debugger.observe(lambda: heard.append(1))
    other.observe(lambda: other_heard.append(1))
    assert parts(other) == parts(debugger)
    other.breakpoints[1].enabled = False
    other.branches.switch("main")
    other.watches |= {"all": "$"}
    assert (heard, other_heard) == ([], [1, 1, 1])
    assert debugger.breakpoints[1].enabled


def test_what_stopped_it_is_told_while_it_stands_there():
    debugger = debug(LINE)
    stop = debugger.breakpoints.add("B")
    debugger.run()
    assert debugger.stopped_by is stop
    debugger.branches.add(debugger.execution.fork(), "by hand")
    assert debugger.stopped_by is None
    debugger.branches.switch("main")
    assert debugger.stopped_by is stop
    debugger.edit_input({"n": 2})
    assert debugger.stopped_by is None


def test_observers_hear_of_moves_and_edits():
    debugger, heard = debug(LINE), []
    end = debugger.observe(lambda: heard.append(debugger.position))
    debugger.step()
    debugger.run()
    debugger.back()
    debugger.goto(debugger.transitions[3])
    end()
    debugger.restart()
    assert heard == [1, 8, 7, 4]


MISUSED = {
    "a state that is no text": (lambda debugger: debugger.run_to(5), "5 is no state"),
    "a kind that is no text": (lambda debugger: debugger.find(kind=5), "There is no kind 5"),
    "fewer transitions than none": (lambda debugger: debugger.run(-1), "at_most=-1"),
    "a number that is text": (lambda debugger: debugger.run("3"), "at_most='3'"),
    "a branch by a number": (lambda debugger: debugger.switch(7), "There is no branch 7"),
    "a branch's name": (lambda debugger: debugger.branches.rename("main", 5), "give text"),
    "a reserved variable": (lambda debugger: debugger.set_variable("states", 1), "reserved: edit_input"),
    "an error without a name": (lambda debugger: debugger.inject_error("Charge", ""), "has a name"),
    "a cause that is no text": (
        lambda debugger: debugger.inject_error("Charge", "E", {"a": 1}),
        "both text",
    ),
    "no attempts": (lambda debugger: debugger.inject_error("Charge", "E", attempts=[]), "attempts="),
    "attempts from 0 on": (lambda debugger: debugger.inject_error("Charge", "E", attempts=[0]), "attempts="),
    "faults of no state": (lambda debugger: debugger.clear_faults("Chrage"), "Did you mean 'Charge'"),
}


@pytest.mark.parametrize(("misuse", "told"), MISUSED.values(), ids=MISUSED)
def test_what_is_misused_is_refused_and_changes_nothing(misuse, told):
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": {"n": 2}})
    debugger.step()
    with pytest.raises(sfnbook.UsageError, match=told):
        misuse(debugger)
    assert (debugger.position, debugger.length, debugger.faults) == (1, 1, ())


@pytest.mark.parametrize("name", ["inject_error", "inject_latency", "set_result"])
def test_nothing_is_prepared_for_an_execution_that_is_over(name):
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": {"n": 2}})
    debugger.run()
    given = {"inject_error": "Busy", "inject_latency": 3, "set_result": {"n": 5}}[name]
    with pytest.raises(sfnbook.UsageError, match=r"over \(SUCCEEDED\): no attempt is to come. Go back first"):
        getattr(debugger, name)("Charge", given)
    debugger.goto(1)
    getattr(debugger, name)("Charge", given)
    assert (len(debugger.faults), debugger.branches.current.name) == (1, "branch 1")


@pytest.mark.parametrize(
    "give",
    [
        lambda: Debugger(sfnbook.load(LINE), '{"n": 1}'),
        lambda: debug(LINE).edit_input('{"n": 1}'),
        lambda: sfnbook.load(LINE).start('{"n": 1}'),
        lambda: Debugger(sfnbook.load(CHARGE), tasks={"Charge": sfnbook.tasks.result('{"n": 1}')}),
    ],
)
def test_a_warning_points_at_the_line_of_the_one_who_is_warned(give):
    with pytest.warns(UserWarning, match=r"json\.loads") as caught:
        give()
    assert [one.filename for one in caught] == [__file__]


# --- copies ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_copies_go_their_own_way(copied):
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": {"n": 2}})
    debugger.breakpoints.add("Last")
    debugger.watches["n"] = "$.n"
    debugger.run()
    debugger.back()
    debugger.set_variable("x", 1)
    other = copied(debugger)
    assert (other.branches.names, other.branches.current.name) == (["main", "branch 1"], "branch 1")
    assert other.transitions == debugger.transitions
    assert other.watches.values() == {"n": 2}
    assert shown(other.run()) == "StateEntered Last"
    assert debugger.position == other.position - 1
    other.breakpoints.clear()
    other.watches["m"] = "$.m"
    other.switch("main")
    other.restart()
    assert (len(debugger.breakpoints), list(debugger.watches)) == (1, ["n"])
    assert debugger.branches["main"].execution.cursor > 0
    assert debugger.statuses() == {"/States/Charge": "succeeded", "/States/Last": "current"}


def test_a_breakpoint_that_cannot_be_pickled_stays_behind():
    debugger = debug(LINE)
    debugger.breakpoints.add("B", when=lambda _: True)
    debugger.breakpoints.add("C")
    assert [one.state for one in pickle.loads(pickle.dumps(debugger)).breakpoints] == ["C"]


def test_an_interrupt_leaves_a_whole_transition():
    def interrupted(event, context):
        if context.path == "Orders[1].Charge":
            raise KeyboardInterrupt
        return event

    debugger = debug_map(answer=interrupted)
    with pytest.raises(KeyboardInterrupt):
        debugger.run()
    stopped = debugger.transition
    assert debugger.position == debugger.length
    with pytest.raises(KeyboardInterrupt):
        debugger.step()
    assert debugger.transition == stopped
    debugger.back()
    debugger.set_result("Orders[1].Charge", "set")
    debugger.run()
    assert debugger.output == [1, "set", 3]


def test_of_takes_an_execution_that_has_run():
    machine = sfnbook.load(LINE)
    execution = machine.start({"n": 1}).run()
    debugger = Debugger.of(machine, execution)
    debugger.restart()
    assert (debugger.length, execution.status) == (8, "SUCCEEDED")


def test_a_definition_must_be_loaded():
    with pytest.raises(sfnbook.UsageError, match=r"sfnbook\.load"):
        Debugger(LINE)


# --- display --------------------------------------------------------------------------------------
def test_it_shows_itself_without_a_notebook():
    debugger = debug(LINE)
    debugger.run_to("B")
    bundle = debugger._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml"}
    assert bundle["text/plain"].startswith(
        "<Debugger 'StateMachine': RUNNING at 0 s, 3 of 3 transitions, next B>"
    )
    assert bundle["image/svg+xml"].count('data-status="succeeded"') >= 1


def test_a_running_kernel_gets_the_view_as_well(monkeypatch):
    class View:
        def _repr_mimebundle_(self):
            return {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "View()"}, {}

    class Shell:
        kernel = object()

    monkeypatch.setattr("IPython.get_ipython", Shell)
    monkeypatch.setattr(Debugger, "show", lambda _debugger: View())
    bundle = debug(LINE)._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.jupyter.widget-view+json", "text/plain", "image/svg+xml"}
    assert bundle["text/plain"].startswith("<Debugger")


# --- laws -----------------------------------------------------------------------------------------
MOVES = st.one_of(
    st.sampled_from(["step", "back", "step_over", "step_into", "step_out", "run_back", "restart"]),
    st.integers(0, 200),
)


@pytest.mark.parametrize("name", MACHINES)
@given(moves=st.lists(MOVES, max_size=25))
@settings(max_examples=25, deadline=None)
def test_any_way_comes_to_the_same_transitions(name, moves):
    debugger, reference = MACHINES[name](), MACHINES[name]()
    reference.run()
    for move in moves:
        if isinstance(move, str):
            getattr(debugger, move)()
        elif debugger.length:
            debugger.goto(move % debugger.length)
        fresh = Statuses().follow(debugger.execution.changes, debugger.position)
        assert debugger.statuses() == fresh.states()
        assert debugger.iterations() == fresh.iterations()
    debugger.run()
    assert debugger.transitions == reference.transitions
    assert debugger.output == reference.output


def test_a_recording_leaves_its_execution_alone():
    execution = sfnbook.load(LINE).start().run()
    recording = Recording.of(execution)
    recording.seek(0)
    assert (recording.status, execution.status) == ("RUNNING", "SUCCEEDED")


# --- the tree of branches -------------------------------------------------------------------------
def with_branches() -> Debugger:
    """main, branch 1 off it, branch 2 off branch 1."""
    debugger = debug(LINE, {})
    debugger.run()
    for position, name in ((1, "one"), (3, "two")):
        debugger.goto(position)
        debugger.edit_input({"by": name})
        debugger.run()
    return debugger


def test_a_branch_is_renamed_and_its_children_know() -> None:
    debugger = with_branches()
    debugger.branches.rename("branch 1", "with <b>")
    assert debugger.branches["branch 2"].parent == "with <b>"
    assert [line.strip(" *")[:18] for line in repr(debugger.branches).splitlines()] == [
        "<Branch 'main', 8 ", "<Branch 'with <b>'", "<Branch 'branch 2'",
    ]  # fmt: skip
    shown = debugger.branches._repr_mimebundle_()["text/html"]
    assert "with &lt;b&gt; (RUNNING at 4 of 9 transitions, from " in shown
    assert shown.count("<ul>") == 3
    for name, message in (("main", "already"), (" ", "needs a name")):
        with pytest.raises(sfnbook.UsageError, match=message):
            debugger.branches.rename("branch 2", name)


def test_a_branch_is_deleted_and_its_children_stay() -> None:
    debugger = with_branches()
    length = debugger.length
    debugger.branches.delete("branch 1")
    two = debugger.branches["branch 2"]
    assert (debugger.branches.names, two.parent, two.fork) == (["main", "branch 2"], "main", 2)
    assert two.length == length
    debugger.goto(0)
    debugger.edit_input({"by": "three"})
    assert debugger.branches.names == ["main", "branch 2", "branch 3"]


@pytest.mark.parametrize(
    ("name", "message"), [("main", "first branch"), ("branch 2", "current"), ("x", "no branch")]
)
def test_the_first_branch_and_the_current_one_stay(name: str, message: str) -> None:
    with pytest.raises(sfnbook.UsageError, match=message):
        with_branches().branches.delete(name)


def test_a_renamed_first_branch_is_the_one_that_begins_anew() -> None:
    debugger = with_branches()
    debugger.branches.rename("main", "last night")
    debugger.reset()
    assert debugger.branches.names == ["main"]
