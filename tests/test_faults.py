"""What people lay over states while they debug: which attempts it meets, what is left, and how it is taken back."""

import pickle

import pytest

import sfnbook
from sfnbook import UsageError
from sfnbook.faults import described
from sfnbook.tasks import attempts, failure, faulty, latency, result, sequence
from tests.machines import block, load, mapping, of_kind, one, task, times
from tests.test_rerun import again

RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 5, "BackoffRate": 1}]
WORK = task(TimeoutSeconds=5, Retry=RETRY)
BEATING = result("done", seconds=4, heartbeats=[1, 2, 3])
BEATS = task(TimeoutSeconds=9, HeartbeatSeconds=2, Retry=RETRY)


def start(state=WORK, tasks=None):
    return one(state).start(tasks={"S": 7} if tasks is None else tasks)


def left(execution):
    return [described(fault) for fault in execution.faults]


@pytest.mark.parametrize(
    ("attempts", "late", "waiting"),
    [
        (1, [1], []),
        (2, [1, 2], []),
        ([2], [], ["S takes 9 s longer, attempt 2"]),
        ([1, 3], [1], ["S takes 9 s longer, attempt 1, 3"]),
        (7, [1, 2, 3, 4, 5, 6], ["S takes 9 s longer, the next attempt"]),
        ("all", [1, 2, 3, 4, 5, 6], ["S takes 9 s longer, every attempt"]),
    ],
    ids=str,
)
def test_latency_meets_its_attempts(attempts, late, waiting):
    execution = start().inject_latency("S", 9, attempts).run()
    assert [one.attempt for one in of_kind(execution, "TaskTimedOut")] == late
    assert left(execution) == waiting
    assert (execution.status == "FAILED") == (len(late) == 6)


def test_latency_is_added_to_what_answers_and_says_so():
    execution = start(tasks={"S": faulty(result(7, seconds=1), latency(2))}).inject_latency("S", 1.5).run()
    assert times(execution, "TaskSucceeded") == [4.5]
    (started,) = of_kind(execution, "TaskStarted")
    assert started.why.rows == ("2 s of latency are added; 1.5 s of latency are added",)


def test_heartbeats_are_lost_from_a_moment_on():
    assert start(BEATS, {"S": BEATING}).run().status == "SUCCEEDED"
    execution = start(BEATS, {"S": BEATING}).lose_heartbeats("S", after=1).run()
    assert times(execution, "TaskTimedOut") == [3.0]
    assert "heartbeats are lost from 1 s on" in str(of_kind(execution, "TaskTimedOut")[0].why)
    assert execution.output == "done"


def test_errors_results_latency_and_silence_lie_over_each_other():
    execution = (
        start().inject_latency("S", 2, "all").inject_error("S", "Busy", attempts=2).set_result("S", "set")
    )
    execution.run()
    assert [(one.kind, one.time) for one in execution.transitions if one.kind in {"TaskFailed", "TaskSucceeded"}] == [
        ("TaskFailed", 2.0), ("TaskFailed", 5.0), ("TaskSucceeded", 8.0),
    ]  # fmt: skip
    assert execution.output == "set"
    assert left(execution) == ["S takes 2 s longer, every attempt"]
    assert str(of_kind(execution, "TaskFailed")[0].why).startswith("the error was injected")


def test_counts_and_faults_are_written_together():
    execution = start(tasks={"S": sequence(failure("E"), 2)}).inject_latency("S", 1).run()
    assert (execution.output, execution.faults) == (2, ())


def test_one_iteration_or_all():
    machine = load({"All": mapping(block(S=task()), End=True)})
    execution = (
        machine.start([1, 2, 3], tasks={"S": 7}).inject_latency("All[1].S", 5).inject_latency("S", 3).run()
    )
    assert sorted(times(execution, "TaskSucceeded")) == [0.0, 3.0, 5.0]


def test_all_replaces_its_like_only():
    execution = start().inject_error("S", "A", attempts=[9]).inject_latency("S", 1).lose_heartbeats("S")
    execution.inject_latency("S", 2, "all").set_result("S", 1).inject_error("S", "B", attempts="all")
    assert left(execution) == [
        "S is not heard of after 0 s, the next attempt",
        "S takes 2 s longer, every attempt",
        "S fails with B, every attempt",
    ]


def test_a_single_one_is_taken_back():
    execution = start().inject_error("S", "A").inject_latency("S", 1).lose_heartbeats("S")
    first, second, _ = execution.faults
    execution.remove_fault(second)
    execution.remove_fault(-1)
    assert execution.faults == (first,)
    assert execution.run(until=lambda one: one.kind == "TaskFailed").error is None
    assert execution.faults == ()
    with pytest.raises(UsageError, match=r"No fault 0 waits here\. Those that do: none\."):
        execution.remove_fault(0)
    execution.inject_error("S", "C")
    with pytest.raises(UsageError, match="Those that do: 0: S fails with C, the next attempt"):
        execution.remove_fault(first)


def test_they_go_back_and_forth_fork_and_pickle():
    execution = start(BEATS, {"S": BEATING}).inject_latency("S", 9, 2).lose_heartbeats("S", 1, [3])
    copies = [execution.fork(), pickle.loads(pickle.dumps(execution))]
    story = execution.run().transitions
    assert [copy.run().transitions for copy in copies] == [story, story]
    while execution.back():
        pass
    assert (execution.faults, list(execution)) == ((), story)


def test_a_run_made_again_from_its_log_has_the_same_faults():
    execution = start(BEATS, {"S": BEATING}).inject_latency("S", 9, 2).lose_heartbeats("S", 1, [3]).run()
    rerun, differs = again(execution)
    assert differs is None
    assert rerun.changes == execution.changes


@pytest.mark.parametrize(
    ("act", "advice"),
    [
        (lambda one: one.inject_latency("S", -1), "not negative"),
        (lambda one: one.inject_latency("S", "5"), "numbers"),
        (lambda one: one.lose_heartbeats("S", float("nan")), "not negative"),
        (lambda one: one.inject_latency("S", 1, attempts=0), "attempts=0"),
        (lambda one: one.inject_latency("T", 1), "no state 'T'"),
        (lambda one: one.inject_latency("Done", 1), "'Done' is a Succeed state; this works for Task."),
        (lambda one: one.lose_heartbeats("All", 1), "'All' is a Map state; this works for Task."),
    ],
)
def test_misuse_changes_nothing(act, advice):
    states = {
        "S": {**WORK, "Next": "All"},
        "All": mapping(block(In=task()), Next="Done"),
        "Done": {"Type": "Succeed"},
    }
    del states["S"]["End"]
    execution = load(states).start(tasks={"*": 1})
    execution.step()
    before = execution.cursor
    with pytest.raises(UsageError) as raised:
        act(execution)
    assert advice in str(raised.value)
    assert execution.cursor == before


def test_in_the_debugger_they_make_branches_in_the_past():
    debugger = sfnbook.Debugger(one(WORK), tasks={"S": attempts(7)})
    debugger.run()
    debugger.goto(debugger.transitions[0])
    debugger.inject_latency("S", 9).lose_heartbeats("S").run()
    assert [branch.why for branch in debugger.branches] == ["", "latency injected into S"]
    assert debugger.find(kind="TaskTimedOut")
    debugger.restart()
    debugger.inject_error("S", "E").remove_fault(debugger.faults[0])
    assert debugger.faults == ()
