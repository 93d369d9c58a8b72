"""What people may ask of an Execution, one row for each behaviour."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import pytest

import sfnbook
from sfnbook import AWS_LIMITS, ExecutionFailed, UnansweredTask, UsageError
from sfnbook.frames import TOP, WORLD
from sfnbook.tasks import attempts, failure, result

LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:f"
ACTIVITY = "arn:aws:states:us-east-1:111122223333:activity:a"
START = "arn:aws:states:::states:startExecution"
SEND = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
EVERYTHING = {"ErrorEquals": ["States.ALL"]}

WORK = {"Type": "Task", "Resource": LAMBDA}
WAIT = {"Type": "Wait", "Seconds": 60}
ASK = {
    "Type": "Task",
    "Resource": SEND,
    "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}},
}
SERVE = {"Type": "Task", "Resource": ACTIVITY}


def chain(**states):
    """The states one after another; the last one ends, unless it says how to go on."""
    names = list(states)
    for name, following in zip(names, [*names[1:], None], strict=True):
        if not states[name].keys() & {"End", "Next"} and states[name]["Type"] not in {
            "Fail",
            "Succeed",
            "Choice",
        }:
            states[name] = states[name] | ({"Next": following} if following else {"End": True})
    return {"StartAt": names[0], "States": states}


def start(given=None, *, machine_fields=None, options=None, **states):
    return sfnbook.load(chain(**states) | (machine_fields or {})).start(given, **(options or {}))


def a_pass(**fields):
    return {"Type": "Pass", **fields}


def two_waits(**options):
    return start({"n": 1}, A=WAIT, B=a_pass(ResultPath="$.b", Result=2), C=WAIT, options=options)


def asking(**fields):
    return start(Ask={**ASK, **fields}, Last=a_pass()).run()


def mapping(answer, **fields):
    each = {"Type": "Map", "ItemProcessor": chain(Work=WORK), **fields}
    return start([1, 2, 3], Each=each, Last=a_pass(), options={"tasks": {"Work": answer}})


def kinds(execution, last=None):
    return [transition.kind for transition in execution.transitions][-(last or 0) :]


# --- before, during, after ------------------------------------------------------------------------
STANDS = {
    "new": (two_waits, ("RUNNING", None, 0.0, 0, 0)),
    "one step": (lambda: stepped(two_waits(), 1), ("RUNNING", None, 0.0, 0, 1)),
    "in a Wait": (lambda: stepped(two_waits(), 2), ("RUNNING", None, 0.0, 1, 2)),
    "before B": (lambda: two_waits().run(until="B"), ("RUNNING", None, 60.0, 1, 3)),
    "over": (lambda: two_waits().run(), ("SUCCEEDED", {"n": 1, "b": 2}, 120.0, 3, 8)),
    "one back": (lambda: stepped_back(two_waits().run(), 1), ("RUNNING", None, 120.0, 3, 7)),
    "all back": (lambda: stepped_back(two_waits().run(), 99), ("RUNNING", None, 0.0, 0, 0)),
    "stopped": (lambda: two_waits().run(until="B").stop("E", "c"), ("ABORTED", None, 60.0, 1, 4)),
}  # fmt: skip


def stepped(execution, times):
    for _ in range(times):
        execution.step()
    return execution


def stepped_back(execution, times):
    for _ in range(times):
        execution.back()
    return execution


@pytest.mark.parametrize("name", STANDS)
def test_where_it_stands(name):
    make, expected = STANDS[name]
    execution = make()
    shown = (
        execution.status,
        execution.output,
        execution.time,
        execution.billed_transitions,
        len(execution.transitions),
    )
    assert shown == expected
    assert execution.blocked is None
    assert (execution.now - datetime(2025, 1, 1, tzinfo=UTC)).total_seconds() == execution.time
    assert execution.status in repr(execution)


def test_step_and_back_give_the_transition_they_made_and_took():
    execution = two_waits()
    first = execution.step()
    assert (first.kind, first.number, first.state) == ("ExecutionStarted", 0, None)
    assert execution.back() == first
    assert execution.back() is None
    assert execution.step() == first
    assert stepped(execution, 99).step() is None


def test_iterating_goes_on_from_the_cursor_and_may_be_done_again():
    execution = two_waits()
    iterator = iter(execution)
    assert [next(iterator).kind, next(iterator).kind] == ["ExecutionStarted", "StateEntered"]
    assert len([*execution]) == 6
    assert [*execution] == []
    assert len([*stepped_back(execution, 3)]) == 3


UNTIL = {
    "seconds": (59.9, 2),
    "the very second": (60, 7),
    "a name": ("C", 5),
    "a predicate": (lambda transition: transition.kind == "StateExited", 3),
    "never": (lambda _: False, 8),
    "no time": (0, 2),
}


@pytest.mark.parametrize("name", UNTIL)
@pytest.mark.parametrize("replayed", [False, True])
def test_run_until(name, replayed):
    until, length = UNTIL[name]
    execution = stepped_back(two_waits().run(), 99) if replayed else two_waits()
    assert execution.run(until=until) is execution
    assert len(execution.transitions) in {length, length - 1 if name == "the very second" else length}


def test_run_until_a_path_stops_in_that_iteration_only():
    execution = mapping(lambda event: event)
    execution.run(until="Each[1].Work")
    assert execution.step().path == "Each[1].Work"
    assert mapping(1).run(until="Each.Work").step().path == "Each[0].Work"


@pytest.mark.parametrize("fails", [False, True])
def test_run_until_stops_at_the_same_place_in_what_is_recorded(fails):
    def stops(execution):
        execution.run(until="Work")
        while execution.status == "RUNNING":
            yield len(execution.transitions)
            execution.step()
            execution.run(until="Work")

    execution = mapping(failure("E") if fails else 1)
    first = [*stops(execution)]
    assert [*stops(stepped_back(execution, 99))] == first


def test_run_until_a_state_that_is_not_there_names_the_nearest():
    with pytest.raises(UsageError, match=r"'Wrok'.*Did you mean"):
        mapping(1).run(until="Wrok")


# --- results --------------------------------------------------------------------------------------
def test_result_is_the_output_or_raises():
    assert two_waits().result() == {"n": 1, "b": 2}
    with pytest.raises(ExecutionFailed, match="FAILED in state 'Work': E: why") as caught:
        mapping(failure("E", "why")).result()
    problem = caught.value
    assert (problem.status, problem.state, problem.error, problem.cause) == ("FAILED", "Work", "E", "why")
    assert pickle.loads(pickle.dumps(problem)).args == problem.args
    with pytest.raises(ExecutionFailed, match="E: c"):
        start(A={"Type": "Fail", "Error": "E", "Cause": "c"}, options={"keep_history": False}).result()
    with pytest.raises(UsageError, match="waits for an answer"):
        asking().result()


ENDINGS = {
    "a Fail": (lambda: start(A={"Type": "Fail", "Error": "E", "Cause": "c"}), ("FAILED", "E", "c")),
    "a nameless Fail": (lambda: start(A={"Type": "Fail"}), ("FAILED", None, None)),
    "a timeout": (lambda: start(A=WAIT, machine_fields={"TimeoutSeconds": 5}), ("TIMED_OUT", None, None)),
    "a stop": (lambda: two_waits().stop("E", "c"), ("ABORTED", "E", "c")),
    "a stop in words": (lambda: two_waits().run(until="C").stop(cause="enough"), ("ABORTED", None, "enough")),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_how_it_ends(name):
    make, expected = ENDINGS[name]
    execution = make().run()
    assert (execution.status, execution.error, execution.cause) == expected
    assert execution.output is None
    assert execution.step() is None
    assert execution.transitions[-1].kind.startswith("Execution")


def test_an_unanswered_task_is_reported_and_nothing_changes():
    execution = start(A=a_pass(), B=WORK).run(until="B")
    for again in (
        execution.run,
        execution.step,
        execution.result,
        lambda: [*execution],
        lambda: execution.advance(1),
    ):
        with pytest.raises(UnansweredTask, match=r"tasks=\{\"B\": lambda event: \{\}\}"):
            again()
    assert (execution.blocked, execution.status) == ("unanswered", "RUNNING")
    assert kinds(execution, 1) == ["TaskScheduled"]
    assert execution.set_result("B", 5).result() == 5


def test_a_nested_execution_that_is_there_is_not_unanswered():
    child = sfnbook.load(chain(X=a_pass()), name="Child")
    nested = {"Type": "Task", "Resource": f"{START}.sync:2", "Parameters": {"StateMachineArn": "Child"}}
    execution = start(A=nested, options={"machines": {"Child": child}})
    while execution.step() is not None:
        assert execution.blocked is None
    assert execution.output["Status"] == "SUCCEEDED"


# --- copies ---------------------------------------------------------------------------------------
COPIES = {
    "fork": lambda execution: execution.fork(),
    "pickle": lambda execution: pickle.loads(pickle.dumps(execution)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", COPIES)
def test_a_blocked_copy_is_answered_alone(way):
    execution = asking()
    other = COPIES[way](execution)
    assert [task.token for task in other.pending] == [task.token for task in execution.pending]
    other.pending[0].succeed({"from": "other"})
    assert other.run().output == {"from": "other"}
    assert (execution.blocked, execution.status) == ("outside", "RUNNING")
    execution.pending[0].fail("E")
    assert (execution.run().error, other.status) == ("E", "SUCCEEDED")


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("kept", [True, False])
def test_a_copy_amid_the_stopping_of_siblings(way, kept):
    execution = mapping(lambda event: event, Catch=[{**EVERYTHING, "Next": "Last"}])
    execution._keep = kept
    execution.inject_error("Each[2].Work", "E")
    execution.run(until=lambda transition: transition.kind == "FanOutFailed")
    other = COPIES[way](execution)
    assert other.run().output == execution.run().output == {"Error": "E", "Cause": ""}
    assert other.time == execution.time
    assert set(other.frames) == {TOP, WORLD}


def test_a_lambda_expression_is_unanswered_in_a_pickle():
    execution = start(A=WORK, options={"tasks": {"A": lambda event: event}})
    with pytest.raises(UnansweredTask):
        pickle.loads(pickle.dumps(execution)).run()
    assert execution.fork().result() == {}


# --- without history ------------------------------------------------------------------------------
def test_without_history_there_is_no_way_back_but_all_else():
    execution = two_waits(keep_history=False).run(until="C")
    with pytest.raises(UsageError, match="keep_history"):
        execution.back()
    assert (execution.transitions, execution.history()) == ([], [])
    execution.edit_input({"edited": True})
    assert pickle.loads(pickle.dumps(execution)).fork().result() == execution.result() == {"edited": True}
    assert (execution.time, execution.billed_transitions) == (120.0, 3)


# --- edits ----------------------------------------------------------------------------------------
def test_edit_input_of_the_next_state_can_be_taken_back():
    execution = two_waits().run(until="B")
    assert execution.edit_input({"n": 9}) is execution
    assert kinds(execution, 1) == ["Edited"]
    assert execution.result() == {"n": 9, "b": 2}
    stepped_back(execution, 99)
    assert execution.result() == {"n": 9, "b": 2}


def test_an_edit_in_the_past_cuts_off_what_came_after():
    execution = stepped_back(two_waits().run(), 5)
    assert execution.step().state == execution.back().state == "B"
    execution.edit_input({"n": 5})
    assert len(execution.transitions) == 4
    assert execution.result() == {"n": 5, "b": 2}


def test_edit_input_of_one_iteration():
    execution = mapping(lambda event: event)
    execution.run(until="Each[1].Work").edit_input(20, at="Each[1].Work")
    assert execution.result() == [1, 20, 3]


def test_a_variable_can_be_set():
    execution = start(A=a_pass(Assign={"v": 1}), B=a_pass(Parameters={"v.$": "$v"}))
    assert execution.run(until="B").set_variable("v", [2]).result() == {"v": [2]}
    assert execution.transitions[0].variables == {}


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda execution: execution.edit_input({}), "no next state"),
        (lambda execution: execution.edit_input({}, at="Nowhere"), "There is no state 'Nowhere'"),
        (lambda execution: execution.edit_input({}, at="A"), "Nothing stands before 'A'"),
        (lambda execution: execution.edit_input({1, 2}, at="A"), "not JSON|Nothing stands"),
        (lambda execution: execution.inject_error("A", "E"), "is a Wait state"),
        (lambda execution: execution.set_result("B", 1), "is a Pass state"),
        (lambda execution: execution.stop(), "over already: SUCCEEDED"),
        (lambda execution: execution.advance(), "deadline"),
        (lambda execution: execution.send_task_success("sfnbook.gone", 1), "InvalidToken"),
        (lambda execution: execution.send_task_failure("nonsense"), "InvalidToken"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(act, message):
    execution = two_waits().run()
    before = execution.transitions
    with pytest.raises(UsageError, match=message):
        act(execution)
    assert execution.transitions == before


# --- injected errors ------------------------------------------------------------------------------
RETRY = {"Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 3, "IntervalSeconds": 1, "BackoffRate": 1}]}

FAULTS = {
    "once": ({}, 1, "SUCCEEDED"),
    "all three": ({"attempts": 3}, 3, "SUCCEEDED"),
    "more than the retries": ({"attempts": 4}, 3, "FAILED"),
    "for ever": ({"attempts": "all"}, 3, "FAILED"),
    "the first attempt": ({"attempts": [1]}, 1, "SUCCEEDED"),
    "an attempt that never comes": ({"attempts": [2]}, 0, "SUCCEEDED"),
    "the first two": ({"attempts": [1, 2]}, 2, "SUCCEEDED"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("state", ["Work", "Map"])
def test_injected_errors_meet_the_retriers(name, state):
    options, retries, status = FAULTS[name]
    states = {"Work": WORK, "Map": {"Type": "Map", "ItemProcessor": chain(X=a_pass())}}
    execution = start(
        [1], S={**states[state], **RETRY}, options={"tasks": {"S": 1} if state == "Work" else None}
    )
    execution.inject_error("S", "E", "why", **options).run()
    assert (execution.status, kinds(execution).count("RetryScheduled")) == (status, retries)
    assert execution.time == retries
    stepped_back(execution, 999)
    assert execution.run().status == status


def test_an_injected_error_in_one_iteration():
    execution = mapping(
        lambda event: event,
        ItemProcessor=chain(Work={**WORK, "Catch": [{**EVERYTHING, "Next": "Z"}]}, Z=a_pass()),
    )
    execution.inject_error("Each[1].Work", "E", "why")
    assert execution.result() == [1, {"Error": "E", "Cause": "why"}, 3]


def test_faults_are_cleared_and_come_back_with_the_past():
    execution = mapping(lambda event: event)
    execution.inject_error("Work", "E", attempts="all").clear_faults()
    assert execution.result() == [1, 2, 3]
    stepped_back(execution, 999)
    execution.step()
    assert execution.fork().inject_error("Work", "F").run().error == "F"
    assert execution.result() == [1, 2, 3]


def test_clear_faults_of_one_state_keeps_the_others():
    execution = start(A=WORK, B=WORK, options={"tasks": lambda _event: 1})
    execution.inject_error("A", "E1").inject_error("B", "E2").clear_faults("A")
    assert execution.run().error == "E2"


@pytest.mark.parametrize("attempts_", [0, -1, True, "some", ["1"], 1.5], ids=repr)
def test_attempts_that_mean_nothing_are_refused(attempts_):
    with pytest.raises(UsageError, match="attempts="):
        mapping(1).inject_error("Work", "E", attempts=attempts_)


def test_text_that_holds_json_gets_a_warning():
    with pytest.warns(UserWarning, match=r"json\.loads"):
        two_waits().edit_input('{"n": 1}')


# --- the outside ----------------------------------------------------------------------------------
def test_a_callback_blocks_until_it_is_answered():
    execution = asking(TimeoutSeconds=30)
    (task,) = execution.pending
    assert (execution.blocked, execution.status, execution.step()) == ("outside", "RUNNING", None)
    assert (task.path, task.deadline) == ("Ask", 30.0)
    assert task.input["MessageBody"]["token"] == task.token
    execution.advance(29)
    assert (execution.time, execution.blocked) == (29.0, "outside")
    execution.send_task_success(task.token, {"yes": True})
    assert (execution.result(), execution.time) == ({"yes": True}, 29.0)
    with pytest.raises(UsageError, match="TaskTimedOut"):
        execution.send_task_success(task.token, 1)


def test_a_callback_times_out_only_when_it_is_let():
    execution = asking(TimeoutSeconds=30, HeartbeatSeconds=10)
    assert execution.advance(9).blocked == "outside"
    execution.send_task_heartbeat(execution.pending[0].token)
    assert execution.pending[0].deadline == 19.0
    execution.advance()
    assert execution.time == 19.0
    assert execution.run().error == "States.Timeout"
    assert "HeartbeatSeconds" in str(next(t.why for t in execution.transitions if t.kind == "TaskTimedOut"))


def test_an_activity_task_is_taken_by_a_worker():
    execution = start({"n": 1}, Serve={**SERVE, "HeartbeatSeconds": 10}).run()
    assert [task.token for task in execution.pending] == [None]
    taken = execution.get_activity_task(ACTIVITY, "worker")
    assert (taken["input"], execution.pending[0].deadline) == ({"n": 1}, 10.0)
    assert execution.get_activity_task(ACTIVITY) == {"taskToken": None}
    execution.back()
    assert execution.get_activity_task(ACTIVITY) == taken
    execution.send_task_failure(taken["taskToken"], "E", "why")
    assert (execution.run().error, execution.cause) == ("E", "why")


def test_an_answer_can_be_taken_back_and_given_again():
    execution = asking()
    token = execution.pending[0].token
    assert execution.send_task_success(token, 1).run().output == 1
    while execution.blocked != "outside":
        execution.back()
        if kinds(execution, 1) == ["TaskSubmitted"]:
            break
    assert execution.send_task_success(token, 2).result() == 2


def test_a_wait_blocks_other_branches_too_at_its_deadline():
    both = {"Type": "Parallel", "Branches": [chain(Ask={**ASK, "TimeoutSeconds": 30}), chain(W=WAIT)]}
    execution = start(Both=both).run()
    assert (execution.blocked, execution.time) == ("outside", 0.0)
    execution.pending[0].succeed(1)
    assert (execution.result(), execution.time) == ([1, {}], 60.0)


def test_stop_reaches_every_branch_and_can_be_taken_back():
    both = {"Type": "Parallel", "Branches": [chain(Ask=ASK), chain(W=WAIT)]}
    execution = start(Both=both).run()
    assert (execution.time, execution.blocked) == (60.0, "outside")
    execution.stop("E", "c")
    assert (execution.pending, execution.blocked, execution.history()[-1]["type"]) == (
        [],
        None,
        "ExecutionAborted",
    )
    execution.back()
    assert execution.run().status == "ABORTED"  # it is recorded: redo stops again
    execution.back()
    execution.pending[0].succeed(1)
    assert execution.result() == [1, {}]


# --- seeds and limits -----------------------------------------------------------------------------
def drawn(**options):
    return start(A=a_pass(Parameters={"id.$": "States.UUID()"}), options=options).run()


def test_the_seed_decides_what_is_drawn():
    assert drawn(seed=1).output == drawn(seed=1).output != drawn(seed=2).output
    assert drawn(seed=1).history() == drawn(seed=1).history()
    assert drawn(seed=1).name == drawn(seed=1).name != drawn(seed=2).name


@pytest.mark.parametrize("limit", range(2, 12))
def test_the_history_ends_at_the_limit(limit):
    execution = two_waits(limits=AWS_LIMITS._replace(events=limit)).run()
    assert len(execution.history()) == min(limit, 8)
    assert execution.status == ("SUCCEEDED" if limit >= 8 else "FAILED")


def test_an_answer_with_seconds_moves_the_clock_only():
    execution = mapping(attempts(failure("E", seconds=2), result(7, seconds=3)), MaxConcurrency=1,
                        ItemProcessor=chain(Work={**WORK, **RETRY}))  # fmt: skip
    assert (execution.result(), execution.time) == ([7, 7, 7], 18.0)


# --- what was once wrong, or still is -------------------------------------------------------------------------------
def child(**fields):
    return {"Child": sfnbook.load(chain(X={"Type": "Wait", "Seconds": 5}) | fields, name="Child")}


def nesting(pattern="", **fields):
    return {"Type": "Task", "Resource": START + pattern, "Parameters": {"StateMachineArn": "Child"}, **fields}


def test_a_pending_task_beats_twice_and_is_answered():
    execution = asking(HeartbeatSeconds=10)
    (task,) = execution.pending
    task.heartbeat()
    execution.advance(5)
    task.heartbeat()
    assert (execution.pending[0].deadline, task.deadline) == (15.0, 15.0)
    task.succeed(1)
    assert execution.result() == 1


def test_a_heartbeat_for_a_task_that_has_ended_is_refused():
    execution = asking(HeartbeatSeconds=10)
    (task,) = execution.pending
    task.succeed(1)
    assert execution.result() == 1
    with pytest.raises(UsageError, match="TaskTimedOut"):
        task.heartbeat()
    assert execution.status == "SUCCEEDED"


@pytest.mark.parametrize("until", ["Last", 1000])
def test_run_until_goes_over_a_recorded_answer(until):
    execution = asking()
    execution.pending[0].succeed(1)
    length = len(execution.run().transitions)
    stepped_back(execution, 99)
    execution.run(until=until)
    assert len(execution.transitions) in {length, length - 3}


@pytest.mark.parametrize("mode", ["Parallel", "INLINE", "DISTRIBUTED"])
def test_a_child_that_nobody_waits_for_ends_while_its_starter_fans_out(mode):
    config = {"Mode": mode} | ({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})
    both = {
        "Type": "Map",
        "ItemProcessor": {"ProcessorConfig": config, **chain(W=WAIT, A=WAIT)},
        "MaxConcurrency": 1,
    }
    if mode == "Parallel":
        both = {"Type": "Parallel", "Branches": [chain(W=WAIT, A=WAIT)]}
    execution = start([1, 2], Go=nesting(ResultPath=None), Both=both, options={"machines": child()}).run()
    assert (execution.status, execution.time) == ("SUCCEEDED", 120.0 if mode == "Parallel" else 240.0)


def test_a_child_that_has_ended_does_not_time_out_later():
    machines = child(TimeoutSeconds=10)
    execution = start(Go=nesting(), W=WAIT, options={"machines": machines}).run()
    assert [run.status for run in execution.children] == ["SUCCEEDED"]
    assert "ExecutionTimedOut" not in kinds(execution)


def test_a_child_of_an_aborted_branch_goes_with_it():
    both = {"Type": "Parallel", "Branches": [chain(Go=nesting(".sync:2")), chain(W={"Type": "Wait", "Seconds": 1}, F={"Type": "Fail"})],
            "Catch": [{**EVERYTHING, "Next": "W2"}]}  # fmt: skip
    execution = start(Both=both, W2=WAIT, options={"machines": child(TimeoutSeconds=10)}).run()
    assert "ExecutionTimedOut" not in kinds(execution)


def test_nothing_is_left_of_a_child_of_an_aborted_branch():
    both = {"Type": "Parallel", "Branches": [chain(Go=nesting(".sync:2")), chain(W={"Type": "Wait", "Seconds": 1}, F={"Type": "Fail"})],
            "Catch": [{**EVERYTHING, "Next": "Last"}]}  # fmt: skip
    execution = start(Both=both, Last=a_pass(), options={"machines": child(TimeoutSeconds=10)}).run()
    assert set(execution.frames) == {TOP, WORLD}


def test_a_nested_execution_times_out_with_its_task():
    execution = start(Go=nesting(".sync:2", TimeoutSeconds=2), options={"machines": child()}).run()
    assert (execution.status, execution.error, execution.time) == ("FAILED", "States.Timeout", 2.0)


def test_an_end_with_two_events_stays_within_the_limit():
    states = {"A": {"Type": "Pass", "Output": "{% $states.input.x + 'a' %}", "End": True}}
    machine = sfnbook.load({"QueryLanguage": "JSONata", "StartAt": "A", "States": states})
    assert len(machine.start({"x": 1}, limits=AWS_LIMITS._replace(events=3)).run().history()) == 3


def test_an_injection_is_not_about_the_first_state():
    execution = start(A=a_pass(), B=WORK, options={"tasks": lambda _event: 1})
    execution.step()
    transition = execution.inject_error("B", "E").transitions[-1]
    assert (transition.state, transition.path, transition.data_flow) == (None, "", {})


def test_a_parallel_shows_the_arguments_that_its_branches_got():
    both = {"Type": "Parallel", "Parameters": {"id.$": "States.UUID()"}, "Branches": [chain(X=a_pass())]}
    execution = start(Both=both).run()
    shown = [
        t.data_flow["afterParameters"] for t in execution.transitions if "afterParameters" in t.data_flow
    ]
    assert shown == execution.output * len(shown)


def test_a_path_without_indices_stands_for_the_first_iteration():
    execution = mapping(lambda event: event).run(until="Each.Work")
    assert execution.edit_input(9, at="Each.Work").result() == [9, 2, 3]


def test_a_deadline_at_the_instant_of_another_timer_still_waits():
    both = {"Type": "Parallel", "Branches": [chain(Ask={**ASK, "TimeoutSeconds": 60}), chain(W=WAIT)]}
    execution = start(Both=both).run()
    assert (execution.time, execution.blocked) == (60.0, "outside")
    execution.pending[0].succeed(1)
    assert execution.result() == [1, {}]


def test_a_fault_before_the_first_step_can_be_done_again():
    execution = mapping(lambda event: event).inject_error("Work", "E")
    execution.back()
    assert kinds(execution.run())[:2] == ["ExecutionStarted", "Injected"]


def test_a_stop_before_the_first_step_after_a_fault_taken_back():
    execution = mapping(lambda event: event).inject_error("Work", "E")
    execution.back()
    assert execution.stop().status == "ABORTED"


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_seconds_that_are_no_time_are_refused(seconds):
    with pytest.raises(UsageError, match="seconds"):
        asking().advance(seconds)


def test_a_run_beyond_the_calendar_has_a_history():
    retry = {"ErrorEquals": ["E"], "IntervalSeconds": 99_999_999, "MaxAttempts": 9, "BackoffRate": 9}
    execution = start(
        A={**WORK, "Retry": [retry]}, options={"tasks": {"A": failure("E")}, "limits": None}
    ).run()
    assert execution.history()


# --- what a notebook shows --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (lambda: start(A=a_pass(Result="<b>")).run(), "&quot;&lt;b&gt;&quot;"),
        (lambda: start(A={"Type": "Fail", "Error": "Oops", "Cause": "a<b"}).run(), "a&lt;b"),
        (asking, "SendTaskSuccess"),
        (lambda: start(A=a_pass()), "RUNNING"),
        (lambda: start(A=a_pass(), options={"keep_history": False}).run(), "SUCCEEDED"),
    ],
    ids=["output", "cause", "what it waits for", "before the first transition", "no history"],
)
def test_an_execution_displays_how_it_stands(made, shown):
    execution = made()
    bundle = execution._repr_mimebundle_()
    assert shown in bundle["text/html"]
    assert bundle["text/plain"] == repr(execution)
    assert execution.status in bundle["text/html"]


# --- deep payloads and names --------------------------------------------------------------------------------------
def test_a_payload_that_a_loop_nests_ends_at_the_quota():
    states = {
        "Nest": {"Type": "Pass", "Parameters": {"in.$": "$"}, "Next": "Again"},
        "Again": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "End"}],
            "Default": "Nest",
        },
        "End": {"Type": "Succeed"},
    }
    execution = sfnbook.load({"StartAt": "Nest", "States": states}).start().run()
    assert (execution.status, execution.error) == ("FAILED", "States.DataLimitExceeded")
    *_, entered, failed = execution.transitions
    assert list(entered.input) == ["in"]
    assert [event["type"] for event in failed.events] == ["ExecutionFailed"]


@pytest.mark.parametrize("name", ["$x", "", "a.b"])
def test_a_variable_is_named_without_the_dollar(name):
    with pytest.raises(sfnbook.UsageError, match="without the dollar"):
        start(A=a_pass()).set_variable(name, 1)


def test_who_answers_an_activity_task_has_taken_it():
    task = {"Type": "Task", "Resource": "arn:aws:states:us-east-1:111122223333:activity:a", "End": True}
    execution = start(A=task).run()
    execution.pending[0].succeed(1)
    assert [event["type"] for event in execution.run().history()][3:5] == [
        "ActivityStarted",
        "ActivitySucceeded",
    ]


def test_a_long_time_is_told_in_seconds():
    states = {"W": {"Type": "Wait", "Seconds": 5_242_880, "End": True}}
    execution = sfnbook.load({"StartAt": "W", "States": states}).start().run()
    assert "SUCCEEDED at 5242880 s, 4 transitions" in repr(execution)
    assert repr(execution.transitions[-1]) == "<ExecutionSucceeded at 5242880 s>"
