"""Recorded executions replayed: opened at the failure, answered from the recording, edited beyond it."""

from __future__ import annotations

import copy
import json
import pickle
import re
from typing import Any

import pytest
from hypothesis import assume, given, settings

import sfnbook
from sfnbook.tasks import attempts, failure, result
from tests.conformance.engine import described
from tests.conformance.test_conformance import CASES, load_comparator
from tests.machines import LAMBDA, block, load
from tests.scenarios import Scenario, scenarios

SQS = "arn:aws:states:::sqs:sendMessage"
CALLBACK = f"{SQS}.waitForTaskToken"
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 1}]
ORDER = block(
    Check={"Type": "Task", "Resource": LAMBDA, "ResultPath": "$.stock", "Next": "Enough?"},
    **{
        "Enough?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.stock", "NumericGreaterThan": 0, "Next": "Charge"}],
            "Default": "Refuse",
        }
    },
    Charge={"Type": "Task", "Resource": LAMBDA, "Retry": RETRY, "End": True},
    Refuse={"Type": "Pass", "Result": "sold out", "End": True},
)
FAILING = {
    "Check": result(3, seconds=2),
    "Charge": attempts(failure("Busy", "later", seconds=1), failure("CardDeclined", "no funds", seconds=4)),
}


def recorded(definition: Any, given: Any = None, tasks: Any = None, **options: Any) -> sfnbook.Execution:
    """An execution that went wrong, or well: its history is a production history to us."""
    return load(definition["States"]).start(given, tasks=tasks, **options).run()


def last_night() -> list[dict[str, Any]]:
    return recorded(ORDER, {"id": 7}, FAILING).history()


def replay_order(**options: Any) -> sfnbook.Debugger:
    return sfnbook.replay(load(ORDER["States"]), last_night(), **options)


# --- opening ----------------------------------------------------------------------------------------
def test_it_stands_at_the_attempt_that_failed_for_good() -> None:
    debugger = replay_order()
    transition = debugger.transition
    assert transition is not None
    assert (transition.kind, transition.path, transition.attempt) == ("TaskFailed", "Charge", 2)
    assert (transition.error, transition.cause) == ("CardDeclined", "no funds")
    assert "retrier 1 [States.ALL]: matches, but its only retry is used up" in str(transition.why)
    assert debugger.notes == ()


def test_it_goes_on_to_the_recorded_end_and_back_to_the_beginning() -> None:
    debugger = replay_order()
    debugger.run()
    assert (debugger.status, debugger.error) == ("FAILED", "CardDeclined")
    debugger.reset()
    debugger.run()
    assert debugger.execution.history() == last_night()


def test_an_execution_that_succeeded_opens_at_its_end() -> None:
    tasks = FAILING | {"Charge": "paid"}
    debugger = sfnbook.replay(load(ORDER["States"]), recorded(ORDER, {}, tasks).history())
    assert debugger.transition.kind == "ExecutionSucceeded"
    assert debugger.output == "paid"


def test_one_that_still_ran_opens_at_its_last_event() -> None:
    history = last_night()[:9]
    debugger = sfnbook.replay(load(ORDER["States"]), history)
    assert debugger.execution.history() == history
    assert debugger.status == "RUNNING"
    assert "The recording ends at event 9" in debugger.notes[0]


@pytest.mark.parametrize(
    ("definition", "path"),
    {
        "a Fail state": (block(A={"Type": "Fail", "Error": "E"}), "A"),
        "a path that finds nothing": (block(A={"Type": "Pass", "InputPath": "$.no", "End": True}), "A"),
        "in a Map": (
            block(M={"Type": "Map", "ItemProcessor": block(T={"Type": "Task", "Resource": LAMBDA, "End": True}), "End": True}),
            "M[0].T",
        ),
        "in a Map in a Parallel": (
            block(P={"Type": "Parallel", "End": True, "Branches": [
                block(W={"Type": "Wait", "Seconds": 9, "End": True}),
                block(M={"Type": "Map", "End": True, "ItemProcessor": block(T={"Type": "Task", "Resource": LAMBDA, "End": True})}),
            ]}),
            "P[1].M[0].T",
        ),
    }.values(),
)  # fmt: skip
def test_where_it_opens(definition: Any, path: str) -> None:
    execution = recorded(definition, [1, 2], {"*": failure("Broken")} if ".T" in path else None)
    transition = sfnbook.replay(load(definition["States"]), execution.history()).transition
    assert transition is not None
    assert transition.path == path
    assert transition.why


# --- times ------------------------------------------------------------------------------------------
def test_durations_and_delays_are_the_recorded_ones() -> None:
    history = last_night()
    for event in history:
        if event["id"] >= 12:  # the back-off took 13 s, not 10
            event["timestamp"] = (
                event["timestamp"].replace("00:00:13", "00:00:16").replace("00:00:17", "00:00:20")
            )
    debugger = sfnbook.replay(load(ORDER["States"]), history)
    assert debugger.time == 20
    (retried,) = debugger.find(kind="RetryScheduled")
    assert "starts in 13 s (the recorded delay; the retrier computes 10 s × 2^0" in str(retried.why)


def test_start_name_and_role_are_the_recorded_ones() -> None:
    context = {"Type": "Pass", "Parameters": {"all.$": "$$.Execution"}, "End": True}
    machine = load({"A": context})
    was = machine.start(
        7, name="last-night", start_time="2026-03-22T03:15:00.250Z", role_arn="arn:aws:iam::1:role/r"
    ).run()
    debugger = sfnbook.replay(
        machine, was.history(), execution={"name": "last-night", "executionArn": was.arn}
    )
    assert debugger.output == was.output


# --- what was drawn -----------------------------------------------------------------------------------
DRAWING = {
    "JSONPath": block(
        A={"Type": "Pass", "Parameters": {"id.$": "States.UUID()", "at.$": "$$.State.EnteredTime"}, "ResultPath": "$.drawn", "Next": "B"},
        B={"Type": "Task", "Resource": LAMBDA, "Parameters": {"key.$": "States.UUID()", "id.$": "$.drawn.id"}, "ResultPath": "$.r", "End": True},
    ),
    "JSONata": {
        "QueryLanguage": "JSONata",
        **block(
            A={"Type": "Pass", "Assign": {"dice": "{% $random() %}"}, "Output": {"at": "{% $now() %}", "m": "{% $millis() %}"}, "Next": "W"},
            W={"Type": "Wait", "Seconds": "{% $floor($random() * 100) %}", "Next": "C"},
            C={"Type": "Choice", "Choices": [{"Condition": "{% $random() < 0.5 %}", "Next": "T"}], "Default": "T2"},
            T={"Type": "Task", "Resource": LAMBDA, "Arguments": {"key": "{% $uuid() %}", "dice": "{% $dice %}"}, "Next": "M"},
            T2={"Type": "Task", "Resource": LAMBDA, "Arguments": {"other": "{% $uuid() %}"}, "Next": "M"},
            M={"Type": "Map", "Items": [1, 2], "ItemSelector": {"id": "{% $uuid() %}"}, "ItemProcessor": block(I={"Type": "Task", "Resource": LAMBDA, "End": True}), "End": True},
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize("language", DRAWING)
@pytest.mark.parametrize("seed", [5, 6, 8])
def test_what_was_drawn_is_drawn_again(language: str, seed: int) -> None:
    machine = sfnbook.load(DRAWING[language])
    was = machine.start({}, tasks=lambda event: {"was": event}, seed=seed).run()
    debugger = sfnbook.replay(machine, was.history())
    assert debugger.notes == ()
    assert debugger.output == was.output
    assert debugger.execution.history() == was.history()


def test_an_edited_input_is_computed_with() -> None:
    machine = sfnbook.load(DRAWING["JSONPath"])
    debugger = sfnbook.replay(machine, machine.start({"n": 1}, tasks={"B": 7}, seed=5).run().history())
    debugger.restart()
    debugger.step()
    debugger.edit_input({"n": 2})
    debugger.run()
    assert "other arguments here" in debugger.unanswered.why


# --- leaving the recording ------------------------------------------------------------------------------
def test_an_edit_leads_to_the_other_branch() -> None:
    debugger = replay_order()
    debugger.restart()
    debugger.run_to("Enough?")
    debugger.edit_input({"id": 7, "stock": 0})
    debugger.run()
    assert debugger.output == "sold out"
    assert debugger.branches["main"].execution.error is None or debugger.branches["main"].length > 0


def test_recorded_results_are_kept_where_the_input_is_equal_and_asked_for_where_not() -> None:
    debugger = replay_order()
    debugger.restart()
    debugger.run_to("Charge")
    debugger.edit_input({"id": 8, "stock": 3})
    debugger.run()
    question = debugger.unanswered
    assert question.path == "Charge"
    assert question.why == (
        'the recording has other arguments here: event 10 (LambdaFunctionScheduled) was sent {"id":7,"stock":3}. '
        "They differ at /id."
    )
    with pytest.raises(sfnbook.UnansweredTask, match="leaves the recording here: the recording has other"):
        debugger.execution.step()
    debugger.answer("paid")
    debugger.run()
    assert debugger.output == "paid"


def test_tasks_answer_behind_the_recording() -> None:
    debugger = replay_order(tasks={"Charge": lambda event: {"paid": event["id"]}})
    assert debugger.transition.error == "CardDeclined"
    debugger.restart()
    debugger.run_to("Charge")
    debugger.edit_input({"id": 8})
    debugger.run()
    assert debugger.output == {"paid": 8}


def test_a_branch_that_was_not_taken_is_asked_about() -> None:
    states = {**ORDER["States"], "Refuse": {"Type": "Task", "Resource": LAMBDA, "End": True}}
    debugger = sfnbook.replay(
        load(states), recorded(block(**states), {"id": 7}, FAILING | {"Refuse": 1}).history()
    )
    debugger.restart()
    debugger.run_to("Enough?")
    debugger.edit_input({"stock": 0})
    debugger.run()
    assert debugger.unanswered.why == "this branch was not taken in the recording."


def test_a_further_attempt_is_asked_about() -> None:
    debugger = replay_order()
    debugger.inject_error("Charge", "Again", attempts=[2])
    debugger.restart()
    again = json.loads(json.dumps(ORDER["States"]))
    again["Charge"]["Retry"][0]["MaxAttempts"] = 3
    debugger = sfnbook.replay(load(again), last_night())
    debugger.run()
    assert debugger.unanswered.why.startswith("the recording has no attempt 3 here")
    assert "event 15 (LambdaFunctionFailed)" in debugger.unanswered.why


def test_a_task_that_was_stopped_in_the_recording_waits_for_an_answer_once_nothing_stops_it() -> None:
    both = {
        "Type": "Parallel", "End": True, "Branches": [
            block(Slow={"Type": "Task", "Resource": LAMBDA, "End": True}),
            block(Fast={"Type": "Task", "Resource": LAMBDA, "End": True}),
        ],
    }  # fmt: skip
    tasks = {"Slow": result("slow", seconds=60), "Fast": failure("Broken", seconds=1)}
    debugger = sfnbook.replay(load({"Both": both}), recorded(block(Both=both), {}, tasks).history())
    assert debugger.notes == ()
    assert debugger.transition.path == "Both[1].Fast"
    debugger.restart()
    debugger.set_result("Fast", "mended")
    debugger.run()
    assert (debugger.blocked, debugger.pending[0].path) == ("outside", "Both[0].Slow")
    debugger.pending[0].succeed("at last")
    debugger.run()
    assert debugger.output == ["at last", "mended"]


# --- kinds of Tasks ---------------------------------------------------------------------------------
def test_callbacks_are_answered_at_their_time() -> None:
    ask = {"Type": "Task", "Resource": CALLBACK, "HeartbeatSeconds": 86_400, "End": True,
           "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}}  # fmt: skip
    was = (
        load({"Ask": ask})
        .start(tasks={"Ask": result("yes", seconds=864_000, heartbeats=range(0, 864_000, 80_000))})
        .run()
    )
    history = json.loads(json.dumps(was.history()).replace("sfnbook.", "AAAAKgAAAAIAAAAA"))
    debugger = sfnbook.replay(load({"Ask": ask}), history)
    assert (debugger.output, debugger.time, debugger.notes) == ("yes", 864_000, ())


def test_one_that_nobody_had_answered_is_open() -> None:
    ask = {"Type": "Task", "Resource": CALLBACK, "End": True,
           "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}}  # fmt: skip
    history = load({"Ask": ask}).start().run().history()
    debugger = sfnbook.replay(load({"Ask": ask}), history)
    assert debugger.blocked == "outside"
    debugger.pending[0].succeed("now")
    debugger.run()
    assert debugger.output == "now"


@pytest.mark.parametrize("limits", [{"TimeoutSeconds": 30}, {"TimeoutSeconds": 90, "HeartbeatSeconds": 20}])
def test_timeouts_strike_when_they_did(limits: dict[str, int]) -> None:
    task = {"Type": "Task", "Resource": LAMBDA, "End": True, **limits}
    was = (
        load({"T": task}).start(tasks={"T": sfnbook.tasks.Outcome(never=True, heartbeats=(15, 30, 44))}).run()
    )
    debugger = sfnbook.replay(load({"T": task}), was.history())
    assert debugger.transition.kind == "TaskTimedOut"
    assert debugger.time == was.time
    assert debugger.notes == ()


def test_a_longer_timeout_is_a_question() -> None:
    task = {"Type": "Task", "Resource": LAMBDA, "End": True, "TimeoutSeconds": 30}
    was = load({"T": task}).start(tasks={"T": sfnbook.tasks.never()}).run()
    debugger = sfnbook.replay(load({"T": task | {"TimeoutSeconds": 300}}), was.history())
    debugger.run()
    assert "is a timeout after 30 s, and this Task may take longer" in debugger.unanswered.why


def test_a_stopped_execution_is_stopped_again() -> None:
    machine = load({"W": {"Type": "Wait", "Seconds": 100, "Next": "X"}, "X": {"Type": "Succeed"}})
    was = machine.start().run(until=3)
    was.step()
    was = machine.start()
    was.run(until=1)
    was.stop("Operator", "no longer needed")
    debugger = sfnbook.replay(machine, was.history())
    assert (debugger.status, debugger.error, debugger.cause) == ("ABORTED", "Operator", "no longer needed")


# --- loops and rounds ---------------------------------------------------------------------------------
def test_rounds_of_a_retried_map_are_told_apart() -> None:
    """The same iteration, visit, attempt and input, once with a failure and once without."""
    inner = block(T={"Type": "Task", "Resource": LAMBDA, "End": True})
    states = {"M": {"Type": "Map", "ItemProcessor": inner, "Retry": RETRY, "End": True}}
    calls: list[Any] = []

    def second_time_lucky(event: Any) -> Any:
        calls.append(event)
        if len(calls) == 2:
            raise ValueError(event)
        return {"call": len(calls)}

    was = load(states).start([1, 2, 3], tasks={"T": second_time_lucky}).run()
    debugger = sfnbook.replay(load(states), was.history())
    assert was.status == "SUCCEEDED"
    assert (debugger.output, debugger.notes) == (was.output, ())
    assert debugger.execution.history() == was.history()


# --- keeping it -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "keep", [copy.copy, lambda one: pickle.loads(pickle.dumps(one))], ids=["fork", "pickle"]
)
def test_a_kept_replay_goes_on_as_recorded(keep: Any) -> None:
    debugger = keep(replay_order())
    debugger.reset()
    debugger.run()
    assert debugger.execution.history() == last_night()


# --- the law --------------------------------------------------------------------------------------------
@settings(max_examples=100, deadline=None)
@given(scenarios(depth=1))
def test_a_replayed_history_is_the_history(scenario: Scenario) -> None:
    definition = json.dumps(scenario.definition)
    # A history has milliseconds; jitter draws microseconds, and a tie may be broken otherwise.
    assume("FULL" not in definition)
    # The recording answers for a nested execution at once, so at one instant others go first.
    assume("startExecution" not in definition)
    was = scenario.run()
    debugger = sfnbook.replay(sfnbook.load(scenario.definition), was.history())
    assert debugger.notes == ()
    debugger.run()
    assert (debugger.status, debugger.error, debugger.output) == (was.status, was.error, was.output)
    assert sorted(map(_told, debugger.execution.history())) == sorted(map(_told, was.history()))


def _told(event: dict[str, Any]) -> str:
    """An event without its place in the interleaving, and without the task token: a replay has its own."""
    told = {name: value for name, value in event.items() if name not in {"id", "previousEventId"}}
    return re.sub(r"sfnbook\.[0-9a-f.]+", "token", json.dumps(told, sort_keys=True))


# --- recorded by AWS ----------------------------------------------------------------------------------
HIDDEN = {
    "scenarios/test_base_scenarios/TestBaseScenarios.test_parallel_state[PARALLEL_STATE]": "the recorder removed the ids",
    "scenarios/test_base_scenarios/TestBaseScenarios.test_parallel_state[PARALLEL_STATE_PARAMETERS]": "the recorder removed the ids",
    "scenarios/test_base_scenarios/TestBaseScenarios.test_parallel_state_order": "the recorder removed the ids",
}
"""Recordings that cannot be replayed, and why."""


def recordings() -> list[Any]:
    cases = [json.loads(file.read_text("utf-8")) for file in sorted(CASES.glob("execution/*/*.json"))]
    return [case for case in cases if case["clean"] and case["expect"].get("events")]


@pytest.mark.skipif(not CASES.is_dir(), reason="the recorded cases are not beside this checkout")
def test_what_aws_recorded_is_reproduced() -> None:
    comparator = load_comparator()
    differing: dict[str, Any] = {}
    for case in recordings():
        if case["id"] in HIDDEN:
            continue
        debugger = replay_case(case)
        debugger.run()
        ended = debugger.execution
        actual = {name: getattr(ended, name) for name in ("status", "output", "error", "cause")}
        differences = comparator.compare_case(case, actual | {"events": ended.history()})
        if differences:
            differing[case["id"]] = differences
    assert differing == {}


def replay_case(case: dict[str, Any]) -> sfnbook.Debugger:
    context = case.get("context") or {}
    execution = context.get("Execution", {})
    events = copy.deepcopy(case["expect"]["events"])
    if "timestamp" in case["id"]:  # the recorder put a word in its place
        events[0]["executionStartedEventDetails"]["input"] = case["input"]
    return sfnbook.replay(
        sfnbook.load(described(case, context.get("StateMachine") or {})),
        events,
        execution={
            "executionArn": execution.get("Id"),
            "startDate": case.get("clock") or "2025-01-01T00:00:00Z",
        },
    )


@pytest.mark.skipif(not CASES.is_dir(), reason="the recorded cases are not beside this checkout")
def test_a_failure_that_aws_recorded_goes_the_other_way_after_an_edit() -> None:
    case = next(
        one for one in recordings() if "api_gateway" in one["id"] and one["expect"]["status"] == "FAILED"
    )
    debugger = replay_case(case)
    assert (debugger.transition.kind, debugger.transition.path) == ("ExecutionFailed", "Failure")
    debugger.restart()
    debugger.run_to("Pet was Added Successfully?")
    debugger.edit_input({"ResponseBody": {"pet": "Zoë"}})
    ended = debugger.run()
    assert (ended.kind, debugger.output) == ("ExecutionSucceeded", {"ResponseBody": {"pet": "Zoë"}})
    parted = sfnbook.compare(debugger.branches["main"], debugger).path
    assert str(parted).endswith("Failure (StateEntered) | Success (StateEntered)")
