"""Activities with workers: who takes which task when, who is busy, and what can be seen of the queue."""

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook.frames import POLLING, QUEUED, TICKET
from sfnbook.tasks import attempts, failure, never, result, timed, waiting, worker
from tests.machines import (
    ACTIVITY,
    START,
    activity,
    block,
    details,
    load,
    mapping,
    of_kind,
    one,
    parallel,
    task,
    times,
    types,
)
from tests.scenarios import LAW

HOUR = result("done", seconds=3600)


def items(count, **fields):
    """A machine of a Map whose iterations are tasks of the activity; and its input."""
    return one(mapping(block(A=activity(End=True, **fields)))), list(range(count))


def ran(count, answer, **fields):
    machine, given = items(count, **fields)
    return machine.start(given, tasks={ACTIVITY: answer}).run()


def workers_of(execution):
    """Which worker took which item, in the order of taking."""
    taken = of_kind(execution, "TaskStarted")
    return [(details(one.events[0])["workerName"], one.input) for one in taken]


def double(event):
    return event * 2


# --- who takes what -----------------------------------------------------------------------------------------------
def test_a_worker_takes_a_task_and_answers_it():
    execution = one(activity()).start({"n": 2}, tasks={ACTIVITY: worker(lambda event: event["n"] * 2)}).run()
    assert execution.output == 4
    assert types(execution.history())[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]


@pytest.mark.parametrize("key", [ACTIVITY, "S", "*"])
def test_a_worker_is_found_by_the_activity_the_state_or_as_the_default(key):
    assert one(activity()).start(3, tasks={key: worker(double)}).run().output == 6


def test_one_worker_does_one_task_at_a_time_in_the_order_of_scheduling():
    execution = ran(3, worker(HOUR))
    assert times(execution, "TaskStarted") == [0, 3600, 7200]
    assert [item for _, item in workers_of(execution)] == [0, 1, 2]
    assert (execution.output, execution.time) == (["done"] * 3, 3 * 3600)


def test_the_worker_that_is_free_first_takes_the_next_task():
    seconds = [50, 10, 10, 10]
    execution = ran(4, worker(lambda event: result(event, seconds=seconds[event]), count=2, name="pack"))
    assert workers_of(execution) == [("pack-1", 0), ("pack-2", 1), ("pack-2", 2), ("pack-2", 3)]
    assert times(execution, "TaskStarted") == [0, 0, 10, 20]


def test_workers_have_the_name_of_their_function():
    execution = ran(1, worker(double))
    assert workers_of(execution) == [("double-1", 0)]
    assert repr(worker(double, count=2)) == "worker(double, count=2)"
    assert repr(worker(HOUR, name="x", speed=2)) == "worker(result('done', seconds=3600), speed=2, name='x')"


def test_speed_divides_the_time_and_the_heartbeats():
    answer = worker(timed(double, seconds=60, heartbeats=[20, 40]), speed=2)
    assert ran(2, answer, HeartbeatSeconds=10, TimeoutSeconds=90).time == 60
    slow = worker(timed(double, seconds=60, heartbeats=[20, 40]), speed=0.5)
    assert ran(1, slow, HeartbeatSeconds=39, TimeoutSeconds=900).status == "FAILED"


def test_the_function_is_called_when_the_task_is_taken():
    called = []

    def pack(event, context):
        called.append((event, context.time, context.token))
        return result("ok", seconds=30)

    execution = ran(2, worker(pack))
    assert [call[:2] for call in called] == [(0, 0), (1, 30)]
    assert called[0][2] != called[1][2]
    assert execution.time == 60


def test_an_error_of_the_function_fails_its_task_alone():
    def picky(event):
        if event == 1:
            raise KeyError("one")
        return event

    catch = [{"ErrorEquals": ["KeyError"], "Next": "C"}]
    inner = block(A=activity(Next="C", Catch=catch), C={"Type": "Pass", "Result": "next", "End": True})
    execution = one(mapping(inner)).start([0, 1, 2], tasks={"A": worker(picky)}).run()
    assert execution.output == ["next"] * 3
    assert "KeyError" in of_kind(execution, "TaskFailed")[0].traceback


# --- polling ------------------------------------------------------------------------------------------------------
def late(seconds, **fields):
    return load({"W": {"Type": "Wait", "Seconds": seconds, "Next": "S"}, "S": activity(End=True, **fields)})


@pytest.mark.parametrize(
    ("wait", "poll", "taken"), [(7, 0, 7), (7, 5, 10), (10, 5, 10), (0, 5, 0), (11, 2.5, 12.5)]
)
def test_a_worker_that_found_nothing_asks_again_after_its_interval(wait, poll, taken):
    execution = late(wait).start(tasks={"S": worker(result(1), poll_seconds=poll)}).run()
    assert times(execution, "TaskStarted") == [taken]


def test_the_interval_counts_from_the_end_of_the_last_task():
    states = {
        "A": activity(Next="W"),
        "W": {"Type": "Wait", "Seconds": 1, "Next": "B"},
        "B": activity(End=True),
    }
    execution = load(states).start(tasks={ACTIVITY: worker(result(1, seconds=3), poll_seconds=10)}).run()
    assert times(execution, "TaskStarted") == [0, 13]


def test_an_idle_pool_makes_no_transitions():
    plain = late(86_400).start(tasks={"S": result(1)}).run()
    polled = late(86_400).start(tasks={"S": worker(result(1), count=50, poll_seconds=1)}).run()
    assert polled.cursor == plain.cursor


# --- timeouts, aborts, and what becomes of the worker --------------------------------------------------------------
def test_waiting_in_the_queue_does_not_time_out():
    execution = ran(5, worker(HOUR), TimeoutSeconds=3601)
    assert (execution.status, execution.time) == ("SUCCEEDED", 5 * 3600)


def test_a_worker_finishes_the_work_whose_task_has_timed_out():
    retry = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    answer = worker(attempts(result("slow", seconds=100), result("quick", seconds=1)))
    execution = ran(1, answer, TimeoutSeconds=10, Retry=retry)
    assert times(execution, "TaskTimedOut") == [10]
    assert times(execution, "TaskScheduled") == [0, 11]
    assert times(execution, "TaskStarted") == [0, 100]
    assert (execution.output, execution.time) == (["quick"], 101)


def test_a_second_worker_takes_it_meanwhile():
    retry = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    answer = worker(attempts(result("slow", seconds=100), result("quick", seconds=1)), count=2)
    execution = ran(1, answer, TimeoutSeconds=10, Retry=retry)
    assert workers_of(execution) == [("worker-1", 0), ("worker-2", 0)]
    assert execution.time == 12


def test_a_missed_heartbeat_is_the_worker_s():
    answer = worker(result("late", seconds=60, heartbeats=[5, 10]))
    execution = ran(1, answer, HeartbeatSeconds=8, TimeoutSeconds=90)
    assert (execution.error, execution.time) == ("States.Timeout", 18)


def test_a_worker_that_never_answers_is_gone():
    execution = ran(2, worker(never()), TimeoutSeconds=10)
    assert (execution.error, execution.time) == ("States.Timeout", 10)
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    machine, given = items(2, TimeoutSeconds=10, Retry=retry)
    execution = machine.start(given, tasks={"A": worker(never())}, limits=None).run()
    assert (execution.blocked, execution.time) == ("outside", 11)
    record = execution.activities[ACTIVITY]
    assert (record.waiting, record.busy) == (2, 1)
    while execution.get_activity_task(ACTIVITY, "by hand")["taskToken"]:
        pass
    for open_task in execution.pending:
        open_task.succeed("saved")
    assert execution.result() == ["saved", "saved"]


def test_the_machine_s_timeout_strikes_unasked_while_tasks_wait():
    machine = one(mapping(block(A=activity(End=True))), TimeoutSeconds=100)
    execution = machine.start([1, 2, 3], tasks={"A": worker(HOUR)}).run()
    assert (execution.status, execution.time) == ("TIMED_OUT", 100)


def test_tasks_of_an_aborted_branch_leave_the_queue():
    failing = block(W={"Type": "Wait", "Seconds": 5, "Next": "F"}, F={"Type": "Fail", "Error": "E"})
    branches = [*(block(**{name: activity(End=True)}) for name in "ABC"), failing]
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]
    machine = load({"P": parallel(*branches, Catch=catch, End=True), "Z": activity(End=True)})
    execution = machine.start(tasks={ACTIVITY: worker(result(1, seconds=60))}).run(until="Z")
    assert execution.activities[ACTIVITY].waiting == 0
    assert not [frame for frame in execution.frames.values() if frame.phase in {TICKET, QUEUED}]
    execution.run()
    # The worker is busy with the task of the aborted branch until second 60.
    assert times(execution, "TaskStarted") == [0, 60]
    assert execution.time == 120


def test_stop_empties_the_queue():
    machine, given = items(3)
    execution = machine.start(given, tasks={"A": worker(HOUR)}).run(until=10)
    other = execution.fork().stop()
    assert (other.activities[ACTIVITY].waiting, execution.activities[ACTIVITY].waiting) == (0, 2)
    other.back()
    assert other.frames == execution.frames
    assert execution.run().status == "SUCCEEDED"


def test_what_a_stop_leaves_does_not_depend_on_what_was_looked_at_last():
    machine, given = items(3)
    execution = machine.start(given, tasks={"A": worker(HOUR)}).run(until=10)
    other = execution.fork()
    assert execution.stop().frames == other.stop().frames


# --- with people ----------------------------------------------------------------------------------------------------
def test_a_task_in_the_queue_can_be_taken_by_hand():
    machine, given = items(3)
    execution = machine.start(given, tasks={"A": worker(HOUR)}).run(until=10)
    assert len(execution.pending) == 2
    taken = execution.get_activity_task(ACTIVITY, "me")
    assert taken["input"] == 1
    execution.send_task_success(taken["taskToken"], "by hand")
    assert execution.run().output == ["done", "by hand", "done"]
    assert execution.time == 7200


def test_a_worker_hands_its_token_on():
    machine, given = items(2, TimeoutSeconds=1000)
    execution = machine.start(given, tasks={"A": worker(lambda event: waiting())}).run()  # noqa: ARG005
    assert execution.blocked == "outside"
    assert [task.token is not None for task in execution.pending] == [True, True]
    for open_task in execution.pending:
        open_task.succeed(open_task.input, after=10)
    assert execution.result() == [0, 1]


def test_an_injected_error_takes_a_worker_too():
    machine, given = items(3)
    execution = machine.start(given, tasks={"A": worker(HOUR)}).run(until=10)
    execution.inject_error("S[1].A", "Broken")
    execution.run()
    assert (execution.error, execution.time) == ("Broken", 3600)


def test_a_fault_known_before_needs_no_worker():
    execution = one(activity()).start(tasks={"S": worker(HOUR)}).inject_error("S", "E").run()
    assert (execution.error, execution.time) == ("E", 0)


def test_a_worker_shares_its_activity_with_a_nested_execution():
    child = load({"C": activity(End=True)})
    nested = block(
        N={
            "Type": "Task",
            "Resource": f"{START}.sync:2",
            "Parameters": {"StateMachineArn": "Child"},
            "End": True,
        }
    )
    machine = one(parallel(block(A=activity(End=True)), nested))
    execution = machine.start(machines={"Child": child}, tasks={ACTIVITY: worker(HOUR)}).run()
    assert times(execution, "TaskSucceeded") == [3600, 7200, 7200]
    assert execution.activities[ACTIVITY].taken == 2


def test_two_states_with_workers_of_their_own():
    branches = [block(A=activity(End=True)), block(B=activity(End=True))]
    tasks = {"A": worker(result("a", seconds=5)), "B": worker(result("b", seconds=9))}
    execution = one(parallel(*branches)).start(tasks=tasks).run()
    assert (execution.output, execution.time) == (["a", "b"], 9)


# --- redrive, copies -------------------------------------------------------------------------------------------------
def test_redrive_puts_the_task_at_the_end_of_the_queue_again():
    answers = worker(attempts(failure("E", seconds=5), result("ok", seconds=5)))
    execution = ran(2, answers)
    assert (execution.status, execution.time) == ("FAILED", 5)
    execution.redrive()
    execution.set_result("A", "set").set_result("A", "set too")
    assert execution.run().output == ["set", "set too"]


def test_a_pickled_execution_keeps_its_queue_and_its_busy_workers():
    machine, given = items(4)
    execution = machine.start(given, tasks={"A": worker(timed(double, seconds=60), count=2)}).run(until=10)
    other = pickle.loads(pickle.dumps(execution))
    assert other.activities[ACTIVITY].over_time() == execution.activities[ACTIVITY].over_time()
    assert other.run().history() == execution.run().history()
    assert other.output == [0, 2, 4, 6]


def test_a_worker_that_cannot_be_pickled_is_missed_when_it_would_take_a_task():
    machine, given = items(3)
    execution = machine.start(given, tasks={"A": worker(timed(lambda event: event, seconds=60))}).run(
        until=10
    )
    other = pickle.loads(pickle.dumps(execution))
    with pytest.raises(sfnbook.UnansweredTask, match="A"):
        other.run()
    assert (other.coming()[1] - other.clock, other.blocked) == (60_000_000, "unanswered")
    debugger = sfnbook.Debugger.of(machine, other)
    assert (debugger.unanswered.path, debugger.unanswered.input) == ("S[1].A", 1)


def test_in_the_debugger():
    machine, given = items(2)
    debugger = sfnbook.Debugger(machine, given, tasks={"A": worker(HOUR)})
    while (transition := debugger.step()).kind != "TaskScheduled":
        pass
    debugger.run(2)
    assert debugger.path == "S[1].A"
    assert debugger.statuses()["/States/S/ItemProcessor/States/A"] == "current"
    debugger.run()
    started = debugger.find(kind="TaskStarted")[1]
    assert str(started.why) == "worker-1 took it after 1 h in the queue; its answer is tasks['A']."
    debugger.goto(transition)
    assert debugger.execution.activities[ACTIVITY].waiting == 1


# --- what can be seen ----------------------------------------------------------------------------------------------
def test_the_queue_over_time():
    execution = ran(5, worker(HOUR, count=2))
    record = execution.activities[ACTIVITY]
    assert [tuple(moment) for moment in record.over_time()] == [
        (0, 3, 2),
        (3600, 1, 2),
        (7200, 0, 1),
        (10800, 0, 0),
    ]
    assert tuple(record.waits) == (0, 2880, 7200, 7200)
    assert (record.taken, record.waiting, record.most_waiting, record.busy, record.workers) == (5, 0, 3, 0, 2)


def test_the_95_percent():
    assert ran(20, worker(HOUR)).activities[ACTIVITY].waits.p95 == 18 * 3600


def test_activities_by_hand():
    machine, given = items(2)
    execution = machine.start(given).run()
    record = execution.activities[ACTIVITY]
    assert (record.waiting, record.busy, record.workers, record.waits) == (2, 0, 0, None)
    taken = execution.advance(30).get_activity_task(ACTIVITY)
    record = execution.activities[ACTIVITY]
    assert (record.waiting, record.busy, record.waited) == (1, 1, [30])
    execution.send_task_success(taken["taskToken"], 1)
    assert execution.run().activities[ACTIVITY].busy == 0


def test_an_activity_that_has_had_no_task_is_not_listed():
    execution = one(activity()).start(tasks={"S": worker(HOUR)})
    assert dict(execution.activities) == {}
    assert repr(execution.activities) == "<no activity has had a task>"


def test_one_state_alone_needs_no_queue():
    assert one(activity()).test_state("S", {"n": 1}, mock={"result": "7"})["status"] == "SUCCEEDED"


def test_the_queue_is_drawn_once_time_has_passed():
    page = ran(3, worker(HOUR)).activities[ACTIVITY]._repr_mimebundle_()["text/html"]
    assert 'd="M0 0.0 H160.0 V40.0 H320.0 V80.0 H480.0 V80.0 H480 V80 H0 Z"' in page
    assert "up to 2 at a time; from 0 s to 3 h" in page
    machine, given = items(2)
    assert "<svg" not in machine.start(given).run().activities[ACTIVITY]._repr_mimebundle_()["text/html"]


def test_activities_show_themselves():
    shown = ran(3, worker(HOUR, name="<b>")).activities
    page = shown._repr_mimebundle_()["text/html"]
    assert "work" in page
    assert page.count("<tr>") == 2
    assert shown[ACTIVITY]._repr_mimebundle_()["text/html"].count("<tr>") == 2 + 1 + 4
    assert (
        ran(60, worker(HOUR)).activities[ACTIVITY]._repr_mimebundle_()["text/html"].count("<tr>")
        == 2 + 1 + 20
    )


# --- misuse --------------------------------------------------------------------------------------------------------
MISUSED = {
    "no worker": lambda: worker(1, count=0),
    "half a worker": lambda: worker(1, count=1.5),
    "true workers": lambda: worker(1, count=True),
    "too many": lambda: worker(1, count=1001),
    "no speed": lambda: worker(1, speed=0),
    "negative speed": lambda: worker(1, speed=-1),
    "speed as text": lambda: worker(1, speed="fast"),
    "negative interval": lambda: worker(1, poll_seconds=-5),
    "endless interval": lambda: worker(1, poll_seconds=float("inf")),
    "a worker of a worker": lambda: worker(worker(1)),
    "no name": lambda: worker(1, name=""),
}


@pytest.mark.parametrize("make", MISUSED.values(), ids=list(MISUSED))
def test_a_worker_that_cannot_be(make):
    with pytest.raises(sfnbook.UsageError):
        make()


async def slow(event):
    return event


REFUSED = {
    "no activity": (task(), worker(1), "no activity"),
    "inside another answer": (activity(), attempts(worker(1), 2), "goes around the rest"),
    "async": (activity(), worker(slow), "async function"),
    "a list": (activity(), worker([1, 2]), "list"),
    "an exception": (activity(), worker(KeyError), "exception"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_a_worker_that_is_refused_at_the_start(case):
    state, answer, words = case
    with pytest.raises(sfnbook.UsageError, match=words):
        one(state).start(tasks={"S": answer})


# --- laws ------------------------------------------------------------------------------------------------------------
SECONDS = [0, 1, 2.5, 7, 30]
POOLS = st.builds(
    lambda count, poll, speed: {"count": count, "poll_seconds": poll, "speed": speed},
    st.integers(1, 4), st.sampled_from([0, 1, 4]), st.sampled_from([0.5, 1, 2]),
)  # fmt: skip
STATES = st.builds(
    lambda limits, retry, catch: {**limits, **retry, **catch},
    st.sampled_from([{}, {"TimeoutSeconds": 5}, {"TimeoutSeconds": 20, "HeartbeatSeconds": 2}]),
    st.sampled_from(
        [{}, {"Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2, "JitterStrategy": "FULL"}]}]
    ),
    st.sampled_from([{}, {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]}]),
)


def answer_of(event, context):
    seconds = SECONDS[(event["n"] + context.attempt) % len(SECONDS)]
    if (event["n"] * 7 + context.attempt) % 5 == 0:
        return failure("E", seconds=seconds)
    return result(event["n"], seconds=seconds, heartbeats=range(int(seconds)))


@st.composite
def pooled(draw):
    """An execution of tasks that come at different times, with a pool of workers, not yet run."""
    waits = draw(st.lists(st.integers(0, 9), min_size=1, max_size=9))
    states = {
        "W": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "A"},
        "A": activity(Next="Z", **draw(STATES)),
        "Z": {"Type": "Succeed"},
    }
    machine = one(mapping(block(**states), **draw(st.sampled_from([{}, {"MaxConcurrency": 2}]))))
    given = [{"n": number, "wait": wait} for number, wait in enumerate(waits)]
    return machine.start(given, tasks={"A": worker(answer_of, **draw(POOLS))}, seed=draw(st.integers(0, 9)))


def invariants(execution):
    """What holds of a queue after every transition."""
    frames = execution.frames.values()
    tickets = {frame.id: frame.work for frame in frames if frame.phase == TICKET}
    waiting = {frame.work.ticket: frame.id for frame in frames if frame.phase == QUEUED}
    assert tickets == waiting
    for frame in frames:
        if frame.phase == POLLING:
            assert frame.work.waiting == len(tickets)
            assert (frame.due is not None) == bool(tickets)
            assert [n for _, n in sorted(frame.work.workers, key=lambda one: one[1])] == list(
                range(1, frame.work.pool.count + 1)
            )


@LAW
@given(pooled())
def test_no_task_is_lost_and_none_overtakes_another(execution):
    for _ in execution:
        invariants(execution)
    scheduled, taken, gone = [], [], Counter()
    for transition in execution.transitions:
        key = (transition.path, transition.attempt)
        if transition.kind == "TaskScheduled":
            scheduled.append(key)
        elif transition.kind == "TaskStarted":
            taken.append(key)
        elif transition.kind == "Aborted":
            gone[transition.path] += 1
    order = [key for key in scheduled if key in set(taken)]
    assert taken == order
    lost = [key for key in scheduled if key not in set(taken)]
    assert all(gone[path.rpartition(".")[0]] for path, _ in lost)


@LAW
@given(pooled())
def test_never_more_workers_are_busy_than_there_are(execution):
    execution.run()
    for record in execution.activities.values():
        moments = record.over_time()
        assert all(0 <= moment.busy <= record.workers and moment.waiting >= 0 for moment in moments)
        assert record.waiting == 0
        assert all(wait >= 0 for wait in record.waited)


@LAW
@given(pooled(), st.integers(0, 99))
def test_back_and_forth_and_copies(execution, share):
    execution.run()
    story = execution.history()
    while execution.cursor > len(execution.changes) * share // 100:
        execution.back()
        invariants(execution)
    for copy in (execution.fork(), pickle.loads(pickle.dumps(execution))):
        del copy.changes[copy.cursor :]
        assert copy.run().history() == story
    assert execution.run().history() == story
