"""Breakpoints: where they stop, forwards and backwards."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sfnbook
from sfnbook.debugger import Debugger
from tests.machines import block

LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:f"
ALL = ["States.ALL"]


MACHINE = block(
    First={"Type": "Pass", "Next": "Orders"},
    Orders={
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": 1,
        "ItemProcessor": block(
            Charge={
                "Type": "Task",
                "Resource": LAMBDA,
                "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "MaxAttempts": 1}],
                "Catch": [{"ErrorEquals": ["Declined"], "Next": "Mend"}],
                "Next": "Rest",
            },
            Mend={"Type": "Pass", "Next": "Rest"},
            Rest={"Type": "Wait", "Seconds": 5, "End": True},
        ),
        "ResultPath": "$.items",
        "Next": "Last",
    },
    Last={"Type": "Fail", "Error": "Over", "Cause": "done"},
)
ITEMS = [{"total": 50}, {"total": 500}, {"total": 70, "error": "Declined"}, {"total": 600}]


def charge(event, context):
    if event.get("error") or (event["total"] == 50 and context.attempt == 1):
        raise sfnbook.TaskFailure(event.get("error", "Busy"), "told so")
    return event


def debug(items=ITEMS):
    return Debugger(sfnbook.load(MACHINE), {"items": items}, tasks={"Charge": charge})


def stops(debugger):
    """Where running on stops, until the end."""
    found = []
    while (transition := debugger.run()) is not None and debugger.stopped_by is not None:
        found.append(transition)
    return found


def shown(transitions):
    return [f"{one.kind} {one.path}" for one in transitions]


CASES = {
    "a state": ({"state": "Mend"}, ["StateEntered Orders[2].Mend"]),
    "a state in every iteration": (
        {"state": "Rest"},
        [f"StateEntered Orders[{index}].Rest" for index in range(4)],
    ),
    "a path of one iteration": ({"state": "Orders[1].Rest"}, ["StateEntered Orders[1].Rest"]),
    "a path without indices": ({"state": "Orders.Mend"}, ["StateEntered Orders[2].Mend"]),
    "exit": ({"state": "First", "on": "exit"}, ["StateExited First"]),
    "exit by a catcher": (
        {"state": "Orders[2].Charge", "on": "exit"},
        ["Caught Orders[2].Charge"],
    ),
    "fail, once for each failing": (
        {"state": "Charge", "on": "fail"},
        ["TaskFailed Orders[0].Charge", "TaskFailed Orders[2].Charge"],
    ),
    "fail anywhere": (
        {"on": "fail"},
        ["TaskFailed Orders[0].Charge", "TaskFailed Orders[2].Charge", "ExecutionFailed Last"],
    ),
    "fail of a Fail state": ({"state": "Last", "on": "fail"}, ["ExecutionFailed Last"]),
    "JSONata": (
        {"state": "Charge", "when": "$states.input.total > 100"},
        ["StateEntered Orders[1].Charge", "StateEntered Orders[3].Charge"],
    ),
    "JSONata with delimiters": (
        {"state": "Charge", "when": "{% $states.input.total > 500 %}"},
        ["StateEntered Orders[3].Charge"],
    ),
    "JSONata reads the context": (
        {"state": "Charge", "when": "$states.context.State.Name = 'Charge' and $states.input.total = 70"},
        ["StateEntered Orders[2].Charge"],
    ),
    "a condition that finds nothing is false": (
        {"when": "$states.input.error = 'Declined'", "state": "Charge"},
        ["StateEntered Orders[2].Charge"],
    ),
    "a Choice rule": (
        {"state": "Charge", "when": {"Variable": "$.total", "NumericGreaterThan": 100}},
        ["StateEntered Orders[1].Charge", "StateEntered Orders[3].Charge"],
    ),
    "a Choice rule whose path finds nothing is false": (
        {"state": "Charge", "when": {"Variable": "$.error", "StringEquals": "Declined"}},
        ["StateEntered Orders[2].Charge"],
    ),
    "a function of any transition": (
        {"when": lambda transition: transition.kind == "RetryScheduled"},
        ["RetryScheduled Orders[0].Charge"],
    ),
    "a function at a state": (
        {"state": "Rest", "when": lambda transition: transition.time >= 20},
        ["StateEntered Orders[2].Rest", "StateEntered Orders[3].Rest"],
    ),
    "an error that is caught": ({"on_error": "caught"}, ["Caught Orders[2].Charge"]),
    "an error that is not": ({"on_error": "uncaught"}, ["ExecutionFailed Last"]),
    "all errors": (
        {"on_error": "all"},
        ["TaskFailed Orders[0].Charge", "TaskFailed Orders[2].Charge", "ExecutionFailed Last"],
    ),
    "an error's name": ({"on_error": "Declined"}, ["TaskFailed Orders[2].Charge"]),
    "an error that never comes": ({"on_error": "Nobody"}, []),
    "hits": ({"state": "Charge", "hits": 3}, [f"StateEntered Orders[{index}].Charge" for index in (2, 3)]),
    "hits of a condition": (
        {"state": "Charge", "when": "$states.input.total > 100", "hits": 2},
        ["StateEntered Orders[3].Charge"],
    ),
    "a moment": ({"at_time": 12}, ["StateExited Orders[0].Rest"]),
    "a moment that something happens at": ({"at_time": 10}, ["TaskScheduled Orders[0].Charge"]),
    "the beginning": ({"at_time": 0}, ["ExecutionStarted "]),
    "a state from a moment on": ({"state": "Rest", "at_time": 21}, ["StateEntered Orders[3].Rest"]),
}


@pytest.mark.parametrize(("spec", "expected"), CASES.values(), ids=CASES)
def test_where_it_stops(spec, expected):
    debugger = debug()
    added = debugger.breakpoints.add(**spec)
    found = stops(debugger)
    assert shown(found) == expected
    assert debugger.status == "FAILED"
    debugger.restart()
    assert stops(debugger) == found
    assert str(added)


@pytest.mark.parametrize(("spec", "expected"), CASES.values(), ids=CASES)
def test_backwards_stops_at_the_same_places(spec, expected):
    debugger = debug()
    debugger.run()
    debugger.breakpoints.add(**spec)
    found = []
    while (transition := debugger.run_back()) is not None:
        found.insert(0, transition)
        assert debugger.stopped_by is not None
    # The last transition itself is where it starts from.
    assert shown(found) == [one for one in expected if not one.startswith("ExecutionFailed")]


def test_every_move_stops_early():
    for move in ("step_over", "step_out", "run"):
        debugger = debug()
        debugger.run_to("Orders")
        stop = debugger.breakpoints.add("Orders[1].Rest")
        assert shown([getattr(debugger, move)()]) == ["StateEntered Orders[1].Rest"]
        assert debugger.stopped_by is stop
    debugger = debug()
    debugger.breakpoints.add("First")
    assert shown([debugger.run_to("Last")]) == ["StateEntered First"]


def test_stopped_by_is_forgotten_by_the_next_move():
    debugger = debug()
    debugger.breakpoints.add("First")
    debugger.run()
    debugger.back()
    assert debugger.stopped_by is None


def test_a_failing_iteration_fails_its_map():
    debugger = debug([{"total": 1, "error": "Unknown"}])
    debugger.breakpoints.add("Orders", on="fail")
    assert shown(stops(debugger)) == ["FanOutFailed Orders"]


def test_an_error_in_data_flow_is_a_failing_of_its_state():
    machine = sfnbook.load(block(A={"Type": "Pass", "InputPath": "$.missing", "End": True}))
    debugger = Debugger(machine)
    debugger.breakpoints.add("A", on="fail")
    assert shown(stops(debugger)) == ["ExecutionFailed A"]


def test_a_timeout_is_uncaught():
    machine = sfnbook.load({**block(A={"Type": "Wait", "Seconds": 99, "End": True}), "TimeoutSeconds": 9})
    debugger = Debugger(machine)
    debugger.breakpoints.add(on_error="uncaught")
    assert [one.kind for one in stops(debugger)] == ["ExecutionTimedOut"]


def test_variables_in_a_condition():
    machine = block(A={"Type": "Pass", "Assign": {"limit": 3}, "Next": "B"}, B={"Type": "Pass", "End": True})
    debugger = Debugger(sfnbook.load(machine))
    debugger.breakpoints.add(when="$limit = 3")
    assert shown(stops(debugger)) == ["StateEntered B"]


def test_remove_and_clear():
    debugger = debug()
    one, two = debugger.breakpoints.add("Charge"), debugger.breakpoints.add("Rest")
    debugger.breakpoints.add("Rest", on="exit")
    assert len(debugger.breakpoints) == 3
    debugger.breakpoints.remove(one)
    assert two in list(debugger.breakpoints)
    debugger.breakpoints.remove("Rest")
    assert list(debugger.breakpoints) == []
    debugger.breakpoints.add("Mend")
    debugger.breakpoints.clear()
    assert stops(debugger) == []
    with pytest.raises(sfnbook.UsageError, match="There is no breakpoint"):
        debugger.breakpoints.remove(one)


def test_a_breakpoint_is_known_by_its_id_and_can_be_switched_off():
    debugger = debug()
    one, two = debugger.breakpoints.add("Charge"), debugger.breakpoints.add("Last", at_time=1)
    assert repr(one) == "<Breakpoint 1: on enter of Charge>"
    assert repr(debugger.breakpoints) == "1: on enter of Charge\n2: on enter of Last from 1 s on"
    assert debugger.breakpoints[2] is two
    debugger.breakpoints.disable(one)
    assert str(one) == "on enter of Charge (disabled)"
    assert {stop.state for stop in stops(debugger)} <= {"Last"}
    other = debugger.fork()
    other.breakpoints.enable(1)
    assert not one.enabled
    debugger.breakpoints.remove(1)
    assert debugger.breakpoints.add("Rest").id == 3
    for wrong in (lambda: debugger.breakpoints[1], lambda: debugger.breakpoints.remove(9)):
        with pytest.raises(sfnbook.UsageError, match=r"(?s)There is no breakpoint .*2: on enter of Last"):
            wrong()


def test_an_expression_that_cannot_be_evaluated_is_told_beside_the_breakpoint():
    debugger = debug()
    one = debugger.breakpoints.add("Orders", when="$states.input > 'a'")
    assert stops(debugger) == []
    assert one.problem is not None
    assert "not evaluated: States.QueryEvaluationError" in repr(debugger.breakpoints)
    assert "$states.input, not as $." not in one.problem


def test_a_path_in_a_condition_is_told_how_jsonata_reads_the_input():
    debugger = debug()
    one = debugger.breakpoints.add("Orders", when="$.items > 1")
    assert stops(debugger) == []
    assert one.problem is not None
    assert one.problem.endswith("JSONata reads the input as $states.input, not as $.")


REFUSED = {
    "a misspelt state": ({"state": "Chrage"}, "Did you mean 'Charge'"),
    "a misspelt path": ({"state": "Orders.Chrage"}, "Did you mean"),
    "a misspelt moment": ({"state": "Charge", "on": "entry"}, "Did you mean 'enter'"),
    "no hits": ({"state": "Charge", "hits": 0}, "from 1 on"),
    "hits that are no number": ({"state": "Charge", "hits": "3"}, "from 1 on"),
    "a state that is no text": ({"state": 5}, "5 is no state"),
    "no time": ({"at_time": "soon"}, "virtual seconds"),
    "a time that never comes": ({"at_time": float("inf")}, "virtual seconds"),
    "a time that is no number": ({"at_time": float("nan")}, "virtual seconds"),
    "a time before the start": ({"at_time": -1}, "virtual seconds"),
    "a flag for a time": ({"at_time": True}, "virtual seconds"),
    "an empty error name": ({"on_error": ""}, "an error's name"),
    "no JSONata": ({"when": "1 +"}, "JSONata"),
    "no Choice rule": ({"when": {"Variable": "$.n"}}, "exactly one of"),
    "no condition": ({"when": 5}, "a function of a Transition"),
    "no error name": ({"on_error": 5}, "an error's name"),
}


@pytest.mark.parametrize(("spec", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(spec, told):
    debugger = debug()
    with pytest.raises(sfnbook.UsageError, match=told):
        debugger.breakpoints.add(**spec)
    assert len(debugger.breakpoints) == 0


def test_a_condition_that_raises_leaves_a_whole_transition():
    debugger = debug()
    debugger.breakpoints.add("Orders", when=lambda transition: transition.input["nothing"])
    with pytest.raises(sfnbook.UsageError, match=r"breakpoint 1 .* raised KeyError: 'nothing'. It was asked"):
        debugger.run()
    assert shown([debugger.transition]) == ["StateEntered Orders"]
    debugger.breakpoints.clear()
    debugger.run()
    assert debugger.status == "FAILED"


@given(chosen=st.lists(st.sampled_from(sorted(CASES)), max_size=3), start=st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_stops_do_not_depend_on_the_way(chosen, start):
    """From any point, forwards stops at exactly the places behind it that the whole run stops at."""
    debugger = debug()
    for name in chosen:
        debugger.breakpoints.add(**CASES[name][0])
    whole = stops(debugger)
    debugger.goto(start % debugger.length)
    position = debugger.position
    assert stops(debugger) == [one for one in whole if one.number >= position]
    debugger.goto(start % debugger.length)
    before = [one for one in whole if one.number < position - 1]
    assert debugger.run_back() == (before[-1] if before else None)
