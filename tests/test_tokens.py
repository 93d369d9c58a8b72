"""Answers from outside: who gets the token, answers that are on their way, heartbeats that are planned."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook.tasks import attempts, failure, never, result, uniform, waiting
from tests.machines import block, callback, details, one, task, types
from tests.scenarios import LAW


def asked(**fields):
    """An execution that waits for the answer to a callback."""
    return one(callback(**fields)).start({"a": 1}).run()


def timed_out(execution):
    return "TaskTimedOut" in types(execution.history())


# --- the token reaches whoever is called --------------------------------------------------------------------------
def test_a_function_stores_the_token_and_leaves_the_answer_to_others():
    sent = []

    def send(event, context):
        sent.append((event["MessageBody"]["token"], context.token))
        return waiting()

    execution = one(callback()).start(tasks={"S": send}).run()
    assert execution.blocked == "outside"
    ((in_the_event, in_the_context),) = sent
    assert in_the_event == in_the_context == execution.pending[0].token
    execution.send_task_success(in_the_event, {"ok": True})
    assert execution.result() == {"ok": True}
    assert len(sent) == 1


def test_lambda_invoke_sends_the_token_in_its_payload():
    seen = {}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
    }

    def ask(event):
        seen.update(event)
        return waiting()

    execution = one(state).start(tasks={"ask": ask}).run()
    execution.send_task_failure(seen["token"], "Refused")
    assert execution.run().error == "Refused"


def test_waiting_is_an_answer_among_others():
    tasks = {"S": attempts(failure("Busy"), waiting())}
    execution = one(callback(Retry=[{"ErrorEquals": ["Busy"]}])).start(tasks=tasks).run()
    assert (execution.time, execution.blocked) == (1, "outside")


def test_a_task_without_a_token_cannot_wait_for_one():
    execution = one(task()).start(tasks={"S": lambda _event: waiting()})
    with pytest.raises(sfnbook.UsageError, match="waitForTaskToken"):
        execution.run()
    assert execution.cursor == 3


def test_a_token_cannot_come_back_while_it_is_sent():
    problems = []

    def send(event, context):
        with pytest.raises(sfnbook.UsageError, match="still being sent") as problem:
            execution.send_task_success(context.token, 1)
        problems.append(problem)
        return waiting()

    execution = one(callback()).start(tasks={"S": send})
    assert (execution.run().blocked, len(problems)) == ("outside", 1)


# --- answers that are on their way -------------------------------------------------------------------------------
def test_an_answer_after_an_hour():
    execution = asked()
    execution.pending[0].succeed({"ok": True}, after=3600)
    assert (execution.time, execution.blocked) == (0, None)
    assert [repr(item) for item in execution.pending] == ["<Pending S answered at 1 h>"]
    assert execution.result() == {"ok": True}
    assert execution.time == 3600
    assert len(execution.transitions) == 9  # the answer itself is the only transition more


def test_an_answer_after_a_time_that_is_drawn():
    def answered(seed):
        execution = one(callback()).start(seed=seed).run()
        execution.pending[0].succeed("ok", after=uniform(10, 20))
        return execution.run().time

    assert 10 <= answered(1) == answered(1) <= 20
    assert answered(1) != answered(2)


def test_a_failure_after_an_hour_by_token():
    execution = asked()
    execution.send_task_failure(execution.pending[0].token, "E", "why", after=60)
    assert (execution.run().error, execution.time) == ("E", 60)


def test_the_clock_stops_at_another_deadline_on_the_way():
    branches = [block(A=callback(End=True)), block(B=callback(TimeoutSeconds=30, End=True))]
    execution = one({"Type": "Parallel", "Branches": branches}).start().run()
    execution.pending[0].succeed("a", after=60)
    assert (execution.run().time, execution.blocked) == (0, "outside")
    execution.pending[1].succeed("b", after=30)
    assert execution.result() == ["a", "b"]
    assert execution.time == 60


LIMITS = {
    "in time": ({}, 60, None),
    "at the timeout": ({"TimeoutSeconds": 60}, 60, None),
    "after the timeout": ({"TimeoutSeconds": 59}, 59, "TimeoutSeconds"),
    "without a heartbeat": ({"TimeoutSeconds": 90, "HeartbeatSeconds": 20}, 20, "HeartbeatSeconds"),
    "at the heartbeat": ({"TimeoutSeconds": 90, "HeartbeatSeconds": 60}, 60, None),
}


@pytest.mark.parametrize("case", LIMITS.values(), ids=list(LIMITS))
def test_a_limit_strikes_before_an_answer_that_comes_too_late(case):
    fields, time, limit = case
    execution = asked(**fields)
    execution.pending[0].succeed("ok", after=60)
    why = str(execution.transitions[-1].why)
    assert (limit in why) if limit else ("arrives at 1 min" in why)
    execution.run()
    assert (execution.time, execution.error) == (time, "States.Timeout" if limit else None)
    assert timed_out(execution) is bool(limit)


BEATS = {
    "often enough": ([15, 30, 45], 60, None),
    "at the last moment": ([20, 40], 60, None),
    "with a pause that is too long": ([15, 30], 50, "States.Timeout"),
    "too late to begin with": ([21, 40], 20, "States.Timeout"),
}


@pytest.mark.parametrize("case", BEATS.values(), ids=list(BEATS))
def test_an_answer_with_its_own_heartbeats(case):
    beats, time, error = case
    execution = asked(HeartbeatSeconds=20, TimeoutSeconds=90)
    execution.pending[0].answer(result("ok", seconds=60, heartbeats=beats))
    execution.run()
    assert (execution.time, execution.error) == (time, error)


def test_an_answer_of_each_kind():
    execution = asked()
    execution.pending[0].answer(failure("E", seconds=5))
    assert (execution.run().error, execution.time) == ("E", 5)
    execution = asked(TimeoutSeconds=7)
    execution.pending[0].answer(never())
    assert (execution.blocked, execution.pending[0].answered_at) == (None, None)
    assert (execution.run().error, execution.time) == ("States.Timeout", 7)


def test_a_quicker_answer_overtakes_one_that_is_on_its_way():
    execution = asked()
    execution.pending[0].succeed("slow", after=100)
    execution.pending[0].fail("Quick", after=40)
    assert (execution.run().error, execution.time) == ("Quick", 40)
    with pytest.raises(sfnbook.UsageError, match="TaskTimedOut"):
        execution.send_task_success(token_of(execution), "slow")


def token_of(execution):
    return details(execution.history()[2])["parameters"]["MessageBody"]["token"]


def test_an_answer_that_has_arrived_ends_the_wait():
    execution = asked()
    execution.pending[0].succeed(1)
    assert execution.pending == []


REFUSED_ANSWERS = {
    "negative": lambda task: task.succeed(1, after=-1),
    "no number": lambda task: task.fail("E", after="soon"),
    "not finite": lambda task: task.succeed(1, after=float("inf")),
    "no JSON": lambda task: task.succeed({1, 2}),
    "no ending": lambda task: task.answer({"ok": True}),
    "no answer": lambda task: task.answer(waiting()),
    "an error that is no text": lambda task: task.fail(KeyError("x")),
    "no period": lambda task: task.heartbeat(every=0),
    "no period, but an end": lambda task: task.heartbeat(until=10),
}


@pytest.mark.parametrize("act", REFUSED_ANSWERS.values(), ids=list(REFUSED_ANSWERS))
def test_an_answer_that_is_refused_changes_nothing(act):
    execution = asked()
    with pytest.raises(sfnbook.UsageError):
        act(execution.pending[0])
    assert (execution.cursor, execution.blocked) == (5, "outside")


# --- heartbeats that are planned ----------------------------------------------------------------------------------
ELEVEN_MONTHS, DAY = 334 * 86_400, 86_400


def test_heartbeats_keep_a_task_alive_for_eleven_months_in_one_transition():
    execution = asked(HeartbeatSeconds=2 * DAY)
    length = execution.cursor
    execution.pending[0].heartbeat(every=DAY)
    execution.pending[0].succeed("at last", after=ELEVEN_MONTHS)
    assert execution.cursor == length + 2
    assert execution.result() == "at last"
    assert (execution.time, execution.cursor) == (ELEVEN_MONTHS, length + 5)


def test_heartbeats_that_stop_do_not():
    execution = asked(HeartbeatSeconds=2 * DAY)
    execution.pending[0].heartbeat(every=DAY, until=30 * DAY)
    assert execution.pending[0].deadline == 32 * DAY
    execution.pending[0].succeed("too late", after=ELEVEN_MONTHS)
    assert "HeartbeatSeconds strikes before" in str(execution.transitions[-1].why)
    assert (execution.run().error, execution.time) == ("States.Timeout", 32 * DAY)


def test_a_plan_blocks_until_its_deadline_as_a_single_heartbeat_does():
    execution = asked(HeartbeatSeconds=10)
    execution.pending[0].heartbeat(every=5, until=100)
    assert (execution.run().time, execution.blocked) == (0, "outside")
    execution.advance(50).pending[0].heartbeat()
    assert execution.pending[0].deadline == 110
    execution.pending[0].heartbeat(every=5, until=60)
    assert execution.pending[0].deadline == 70
    assert execution.advance().time == 70


def test_heartbeats_that_are_too_rare():
    execution = asked(HeartbeatSeconds=10)
    execution.pending[0].heartbeat(every=11)
    assert execution.pending[0].deadline == 10


def test_a_heartbeat_saves_an_answer_that_would_come_too_late():
    execution = asked(HeartbeatSeconds=10)
    execution.pending[0].succeed("ok", after=15)
    execution.pending[0].heartbeat(every=5)
    assert (execution.result(), execution.time) == ("ok", 15)


def test_heartbeats_never_move_the_timeout():
    execution = asked(HeartbeatSeconds=10, TimeoutSeconds=100)
    execution.send_task_heartbeat(execution.pending[0].token, every=5)
    assert execution.pending[0].deadline == 100


# --- in the debugger, back, copies ------------------------------------------------------------------------------
def test_a_late_answer_in_the_past_makes_a_branch():
    debugger = sfnbook.Debugger(one(callback(TimeoutSeconds=100)))
    debugger.run()
    debugger.pending[0].succeed("yes", after=30)
    debugger.run()
    assert (debugger.status, debugger.time) == ("SUCCEEDED", 30)
    debugger.goto(4)
    debugger.pending[0].fail("No", after=50)
    debugger.run()
    assert (debugger.error, debugger.time) == ("No", 50)
    assert debugger.branches.names == ["main", "branch 1"]
    assert debugger.branches["branch 1"].why == "S failed from outside"
    assert debugger.switch("main").kind == "StateExited" or debugger.status in {"RUNNING", "SUCCEEDED"}


@LAW
@given(
    st.lists(
        st.tuples(st.sampled_from(["succeed", "fail", "beat", "plan", "answer"]), st.integers(0, 50)),
        max_size=5,
    ),
    st.sampled_from(
        [{}, {"TimeoutSeconds": 40}, {"HeartbeatSeconds": 9}, {"HeartbeatSeconds": 9, "TimeoutSeconds": 40}]
    ),
)
def test_whatever_is_answered_goes_back_and_travels(moves, limits):
    execution = asked(Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}], **limits)
    states = [(execution.frames.copy(), execution.clock)]
    for move, seconds in moves:
        if execution.pending:
            act(execution.pending[0], move, seconds)
            states.append((execution.frames.copy(), execution.clock))
    other = pickle.loads(pickle.dumps(execution))
    forked = execution.fork()
    assert [repr(item) for item in other.pending] == [repr(item) for item in execution.pending]
    last = execution.cursor
    story = [execution.advance(60).run() and execution.status, execution.time, execution.history()]
    for copy in (other, forked):
        assert [copy.advance(60).run() and copy.status, copy.time, copy.history()] == story
    while execution.cursor > last:
        execution.back()
    for frames, clock in reversed(states):
        assert (execution.frames, execution.clock) == (frames, clock)
        execution.back()


def act(task, move, seconds):
    {
        "succeed": lambda: task.succeed({"n": seconds}, after=seconds),
        "fail": lambda: task.fail("E", after=seconds),
        "beat": task.heartbeat,
        "plan": lambda: task.heartbeat(every=seconds + 1, until=30),
        "answer": lambda: task.answer(result(1, seconds=seconds, heartbeats=range(0, seconds, 7))),
    }[move]()
