"""The outside: callbacks and activities, tokens, blocking, advancing, stopping, and what Express refuses."""

import pytest

import sfnbook
from sfnbook.tasks import Outcome, result
from tests.machines import (
    ACTIVITY,
    activity,
    block,
    callback,
    definition,
    details,
    load,
    one,
    outline,
    task,
    types,
)


def waiting(**fields):
    return one(callback(**fields)).start({"a": 1}).run()


def timed_out(execution):
    return "TaskTimedOut" in types(execution.history())


# --- blocked and pending ------------------------------------------------------------------------------------------
def test_a_callback_blocks_the_execution():
    execution = waiting()
    assert (execution.blocked, execution.status) == ("outside", "RUNNING")
    assert execution.step() is None
    assert types(execution.history())[2:] == ["TaskScheduled", "TaskStarted", "TaskSubmitted"]
    (open_task,) = execution.pending
    assert (open_task.state, open_task.path, open_task.deadline) == ("S", "S", None)
    assert open_task.input == {"QueueUrl": "q", "MessageBody": {"token": open_task.token}}


def test_nothing_is_blocked_before_the_start_or_after_the_end():
    execution = one(callback()).start()
    assert execution.blocked is None
    execution.run().pending[0].succeed(1)
    assert execution.run().blocked is None
    assert execution.pending == []


def test_a_task_that_nobody_answers_for_is_blocked_otherwise():
    execution = one(task()).start()
    with pytest.raises(sfnbook.UnansweredTask) as problem:
        execution.run()
    assert execution.blocked == "unanswered"
    assert problem.value.state == "S"
    length = len(execution.transitions)
    with pytest.raises(sfnbook.UnansweredTask):
        execution.step()
    assert len(execution.transitions) == length


def test_the_result_of_a_blocked_execution_is_asked_in_vain():
    with pytest.raises(sfnbook.UsageError, match="pending"):
        waiting().result()


def test_a_callback_succeeds_with_any_json():
    for output in ({"ok": True}, [1], "text", 7, None):
        execution = waiting(ResultPath="$.r")
        execution.pending[0].succeed(output)
        assert execution.run().output == {"a": 1, "r": output}


def test_the_output_of_a_callback_is_copied():
    execution = waiting()
    output = {"l": [1]}
    execution.pending[0].succeed(output)
    output["l"].append(2)
    assert execution.run().output == {"l": [1]}


def test_a_callback_fails():
    execution = waiting()
    execution.pending[0].fail("Refused", "no funds")
    execution.run()
    assert (execution.status, execution.error, execution.cause) == ("FAILED", "Refused", "no funds")
    assert details(execution.history()[-2]) == {
        "resource": "sendMessage.waitForTaskToken", "resourceType": "sqs", "error": "Refused", "cause": "no funds",
    }  # fmt: skip


def test_a_callback_fails_without_a_name():
    state = callback(
        Catch=[
            {"ErrorEquals": ["States.Runtime"], "Next": "No"},
            {"ErrorEquals": ["States.ALL"], "Next": "Z"},
        ]
    )
    machine = load({"S": {**state, "End": True}, "Z": {"Type": "Succeed"}, "No": {"Type": "Fail"}})
    execution = machine.start().run()
    execution.pending[0].fail()
    assert execution.run().output == {"Error": None, "Cause": None}


def test_each_retry_waits_with_a_token_of_its_own():
    execution = waiting(Retry=[{"ErrorEquals": ["E"]}])
    first = execution.pending[0].token
    execution.pending[0].fail("E")
    second = execution.run().pending[0].token
    assert first != second
    with pytest.raises(sfnbook.UsageError, match="TaskTimedOut"):
        execution.send_task_success(first, 1)
    execution.send_task_success(second, 1)
    assert execution.result() == 1


def test_the_longest_open_is_the_first():
    branches = [
        block(A=callback(End=True)),
        block(W={"Type": "Wait", "Seconds": 5, "Next": "B"}, B=callback(End=True)),
    ]
    execution = one({"Type": "Parallel", "Branches": branches}).start().run()
    assert [(item.path) for item in execution.pending] == ["S[0].A", "S[1].B"]
    assert execution.time == 5
    execution.pending[1].succeed("b")
    execution.pending[0].succeed("a")
    assert execution.result() == ["a", "b"]


# --- tokens -----------------------------------------------------------------------------------------------------
def test_send_task_by_token():
    execution = waiting()
    execution.send_task_success(execution.pending[0].token, {"by": "token"})
    assert execution.result() == {"by": "token"}
    execution = waiting()
    execution.send_task_failure(execution.pending[0].token, "E", "why")
    assert execution.run().error == "E"


def test_a_token_that_is_used_up():
    execution = waiting()
    token = execution.pending[0].token
    execution.send_task_success(token, 1)
    for send in (execution.send_task_success, execution.send_task_failure):
        with pytest.raises(sfnbook.UsageError, match="TaskTimedOut"):
            send(token, "x")
    with pytest.raises(sfnbook.UsageError, match="TaskTimedOut"):
        execution.send_task_heartbeat(token)


def test_a_token_that_expired():
    execution = waiting(TimeoutSeconds=5)
    token, open_task = execution.pending[0].token, execution.pending[0]
    execution.advance()
    with pytest.raises(sfnbook.UsageError, match="TaskTimedOut"):
        execution.send_task_success(token, 1)
    with pytest.raises(sfnbook.UsageError, match="TaskTimedOut"):
        open_task.succeed(1)
    assert execution.run().error == "States.Timeout"


FORGED = {
    "another word": ("", "forged"),
    "something after it": ("token", "0"),
    "nothing": ("", ""),
    "of the right form": ("", "sfnbook." + "0" * 64 + ".0.0"),
}


@pytest.mark.parametrize("case", FORGED.values(), ids=list(FORGED))
def test_a_forged_token(case):
    start, end = case
    execution = waiting()
    token = execution.pending[0].token if start else ""
    with pytest.raises(sfnbook.UsageError, match="InvalidToken"):
        execution.send_task_success(token + end, 1)
    assert execution.blocked == "outside"


def test_a_token_of_another_execution():
    mine, other = waiting(), one(callback()).start(seed=1).run()
    with pytest.raises(sfnbook.UsageError, match="InvalidToken"):
        mine.send_task_success(other.pending[0].token, 1)


def test_a_token_is_at_most_1024_characters():
    assert 1 <= len(waiting().pending[0].token) <= 1024


# --- a request that is really sent ----------------------------------------------------------------------------------
class Sent:
    """A backend that sends the request and leaves the answer to the outside."""

    def __init__(self, **outcome):
        self.outcome = Outcome(**outcome)
        self.tokens = []

    def call(self, call):
        self.tokens.append(call.token)
        return self.outcome


def test_a_backend_sends_the_request_and_the_outside_answers():
    queue = Sent(waits=True, submitted={"MessageId": "m-1"})
    execution = one(callback(TimeoutSeconds=10)).start(tasks=queue).run()
    assert (execution.blocked, execution.pending[0].deadline) == ("outside", 10)
    assert types(execution.history())[2:] == ["TaskScheduled", "TaskStarted", "TaskSubmitted"]
    assert details(execution.history()[-1])["output"] == {"MessageId": "m-1"}
    execution.back()
    execution.fork().run()
    execution.run().send_task_success(queue.tokens[0], 7)
    assert execution.result() == 7
    assert len(queue.tokens) == 1


def test_a_request_that_was_refused_is_not_submitted():
    sent = Sent(failed=True, error="SQS.SqsException", refused=True)
    execution = one(callback()).start(tasks=sent).run()
    assert types(execution.history())[2:] == [
        "TaskScheduled", "TaskStarted", "TaskFailed", "ExecutionFailed",
    ]  # fmt: skip


def test_a_task_without_a_token_waits_for_nobody():
    execution = one(task()).start(tasks=Sent(waits=True))
    with pytest.raises(sfnbook.UsageError, match="waits for a task token"):
        execution.run()


# --- time ---------------------------------------------------------------------------------------------------------
def test_running_never_jumps_to_a_timeout():
    execution = waiting(TimeoutSeconds=10)
    assert (execution.run().time, execution.run().blocked, execution.pending[0].deadline) == (
        0,
        "outside",
        10,
    )
    assert execution.run(until=1000).time == 0
    assert not timed_out(execution)


def test_advance_goes_to_the_deadline():
    execution = waiting(TimeoutSeconds=10).advance()
    assert execution.time == 10
    assert timed_out(execution)
    execution.run()
    assert (execution.error, execution.cause) == ("States.Timeout", None)


def test_advance_by_some_seconds():
    execution = waiting(TimeoutSeconds=10).advance(4)
    assert (execution.time, execution.blocked) == (4, "outside")
    execution.advance(5.5)
    assert (execution.time, execution.blocked) == (9.5, "outside")
    execution.pending[0].succeed("in time")
    assert execution.result() == "in time"
    assert execution.time == 9.5


def test_advance_over_the_deadline():
    execution = waiting(TimeoutSeconds=10).advance(25)
    assert execution.run().error == "States.Timeout"
    timeout = next(event for event in execution.history() if event["type"] == "TaskTimedOut")
    assert timeout["timestamp"].startswith("2025-01-01T00:00:10")


def test_advance_without_a_deadline_says_so_or_ends_the_execution():
    execution = waiting()
    execution.advance()
    assert (execution.status, execution.time) == ("TIMED_OUT", 365 * 86_400)
    unlimited = one(callback()).start(limits=None).run()
    with pytest.raises(sfnbook.UsageError, match="deadline"):
        unlimited.advance()


def test_other_branches_go_on_until_the_deadline_and_no_further():
    branches = [block(C=callback(TimeoutSeconds=10, End=True)),
                block(W={"Type": "Wait", "Seconds": 4, "Next": "V"}, V={"Type": "Wait", "Seconds": 60, "End": True})]  # fmt: skip
    execution = one({"Type": "Parallel", "Branches": branches}).start().run()
    assert (execution.time, execution.blocked) == (4, "outside")
    assert types(execution.history())[-1] == "WaitStateEntered"
    execution.pending[0].succeed("ok")
    execution.run()
    assert (execution.status, execution.time) == ("SUCCEEDED", 64)


def test_an_answer_at_the_deadline_is_still_possible():
    branches = [
        block(C=callback(TimeoutSeconds=10, End=True)),
        block(W={"Type": "Wait", "Seconds": 10, "End": True}),
    ]
    execution = one({"Type": "Parallel", "Branches": branches}).start().run()
    assert (execution.time, execution.blocked) == (10, "outside")
    execution.pending[0].succeed("at the last moment")
    assert execution.result() == ["at the last moment", {}]


def test_the_execution_s_own_timeout_waits_for_the_outside_too():
    execution = one(callback(), TimeoutSeconds=60).start().run()
    assert (execution.time, execution.blocked) == (0, "outside")
    assert execution.advance().status == "TIMED_OUT"
    assert execution.time == 60


def test_a_caught_timeout():
    machine = load({"S": callback(TimeoutSeconds=5, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Z"}], End=True),
                    "Z": {"Type": "Succeed"}})  # fmt: skip
    execution = machine.start().run().advance()
    assert execution.run().output == {"Error": "States.Timeout", "Cause": ""}


# --- heartbeats ---------------------------------------------------------------------------------------------------
def test_a_heartbeat_moves_the_deadline():
    execution = waiting(TimeoutSeconds=60, HeartbeatSeconds=10)
    assert execution.pending[0].deadline == 10
    execution.advance(8).pending[0].heartbeat()
    assert execution.pending[0].deadline == 18
    execution.advance(9)
    execution.send_task_heartbeat(execution.pending[0].token)
    assert execution.pending[0].deadline == 27
    assert len(execution.history()) == 5  # a heartbeat is no event
    execution.advance()
    assert (execution.time, timed_out(execution)) == (27, True)
    assert execution.run().error == "States.Timeout"


def test_heartbeats_do_not_move_the_timeout():
    execution = waiting(TimeoutSeconds=12, HeartbeatSeconds=10)
    execution.advance(9).pending[0].heartbeat()
    assert execution.pending[0].deadline == 12


def test_a_missed_heartbeat_can_be_caught_by_its_name():
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Z"}]
    machine = load(
        {
            "S": callback(TimeoutSeconds=60, HeartbeatSeconds=5, Catch=catch, End=True),
            "Z": {"Type": "Succeed"},
        }
    )
    assert machine.start().run().advance().run().output == {"Error": "States.Timeout", "Cause": ""}


def test_a_heartbeat_is_taken_back_with_the_step():
    execution = waiting(TimeoutSeconds=60, HeartbeatSeconds=10).advance(8)
    execution.pending[0].heartbeat()
    execution.back()
    assert execution.pending[0].deadline == 10


# --- activities ---------------------------------------------------------------------------------------------------
def test_an_activity_waits_for_a_worker():
    execution = one(activity()).start({"a": 1}).run()
    assert execution.blocked == "outside"
    assert types(execution.history())[2:] == ["ActivityScheduled"]
    assert execution.pending[0].token is None
    taken = execution.get_activity_task(ACTIVITY, "worker-7")
    assert taken["input"] == {"a": 1}
    assert taken["taskToken"] == execution.pending[0].token
    assert details(execution.history()[3]) == {"workerName": "worker-7"}
    execution.send_task_success(taken["taskToken"], {"done": True})
    assert execution.result() == {"done": True}
    assert outline(execution.history())[2:] == [
        [3, 2, "ActivityScheduled"],
        [4, 3, "ActivityStarted"],
        [5, 4, "ActivitySucceeded"],
        [6, 5, "TaskStateExited"],
        [7, 6, "ExecutionSucceeded"],
    ]


def test_an_activity_task_that_failed():
    execution = one(activity()).start().run()
    taken = execution.get_activity_task(ACTIVITY)
    assert details(execution.history()[3]) == {}
    execution.send_task_failure(taken["taskToken"], "Tired", "late")
    execution.run()
    assert (execution.error, execution.cause) == ("Tired", "late")
    assert execution.history()[4]["type"] == "ActivityFailed"


def test_there_is_no_task_for_another_activity_or_a_second_worker():
    execution = one(activity()).start().run()
    assert execution.get_activity_task(ACTIVITY + "2").get("taskToken") is None
    assert execution.get_activity_task(ACTIVITY)["taskToken"]
    assert execution.get_activity_task(ACTIVITY).get("taskToken") is None


def test_nobody_polls_an_activity_that_is_none():
    execution = one(activity()).start(activities=[ACTIVITY]).run()
    with pytest.raises(
        sfnbook.UsageError, match=r"^ActivityDoesNotExist: .*\. Did you mean 'arn:"
    ) as refused:
        execution.get_activity_task(ACTIVITY + "2")
    assert str(refused.value).endswith(f"{ACTIVITY}'?")
    assert execution.get_activity_task(ACTIVITY)["taskToken"]


def test_workers_take_the_task_that_waits_longest():
    inner = block(A=activity(End=True))
    execution = one({"Type": "Map", "ItemProcessor": inner}).start(["a", "b"]).run()
    assert [execution.get_activity_task(ACTIVITY)["input"] for _ in range(2)] == ["a", "b"]
    for open_task in execution.pending:
        open_task.succeed(open_task.input * 2)
    assert execution.result() == ["aa", "bb"]


def test_an_activity_s_clock_starts_when_a_worker_takes_it():
    execution = one(activity(TimeoutSeconds=10, HeartbeatSeconds=4)).start().run()
    assert execution.pending[0].deadline is None
    execution.advance(100)
    execution.get_activity_task(ACTIVITY)
    assert execution.pending[0].deadline == 104
    execution.advance(3).pending[0].heartbeat()
    assert execution.pending[0].deadline == 107
    execution.advance(3).pending[0].heartbeat()
    assert execution.pending[0].deadline == 110
    execution.advance()
    assert execution.time == 110
    assert execution.history()[-1]["type"] == "ActivityTimedOut"


def test_a_task_that_no_worker_took_cannot_beat():
    execution = one(activity(HeartbeatSeconds=4, TimeoutSeconds=9)).start().run()
    with pytest.raises(sfnbook.UsageError, match="get_activity_task"):
        execution.pending[0].heartbeat()
    assert execution.pending[0].deadline is None


def test_an_activity_that_does_not_exist():
    execution = one(activity()).start(activities=[]).run()
    assert execution.error == "States.Runtime"
    assert execution.cause.endswith(f"The activity {ACTIVITY} does not exist.")
    assert "ActivityScheduled" not in types(execution.history())


def test_an_activity_with_an_answer_has_a_worker():
    execution = one(activity()).start({"n": 2}, tasks={"S": result(4, seconds=30)}).run()
    assert (execution.output, execution.time) == (4, 30)
    assert types(execution.history())[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]


# --- stop --------------------------------------------------------------------------------------------------------
def test_stop():
    execution = waiting()
    execution.stop("Enough", "of this")
    assert (execution.status, execution.error, execution.cause) == ("ABORTED", "Enough", "of this")
    last = execution.history()[-1]
    assert outline([last]) == [[6, 0, "ExecutionAborted"]]
    assert details(last) == {"error": "Enough", "cause": "of this"}
    assert execution.pending == []
    assert execution.step() is None


def test_stop_without_a_reason():
    execution = waiting()
    execution.stop()
    assert (execution.error, execution.cause) == (None, None)
    assert details(execution.history()[-1]) == {}


def test_stop_among_branches_writes_no_other_abortions():
    inner = block(W={"Type": "Wait", "Seconds": 9, "End": True})
    execution = one({"Type": "Map", "ItemProcessor": inner}).start([1, 2]).run(until=1)
    before = types(execution.history())
    execution.stop()
    assert types(execution.history()) == [*before, "ExecutionAborted"]


def test_what_is_over_cannot_be_stopped():
    execution = one({"Type": "Succeed"}).start().run()
    with pytest.raises(sfnbook.UsageError, match="SUCCEEDED"):
        execution.stop()


def test_stop_can_be_taken_back():
    execution = waiting()
    execution.stop()
    execution.back()
    assert (execution.status, execution.blocked) == ("RUNNING", None)
    execution.fork().run()
    execution.step()
    assert execution.status == "ABORTED"


# --- Express -------------------------------------------------------------------------------------------------------
REFUSED = {
    "callback": (callback(End=True), "Express state machine does not support '.waitForTaskToken' service integration"),
    ".sync": (
        {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob.sync", "End": True},
        "Express state machine does not support '.sync' service integration",
    ),
    ".sync:2": (
        {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": True},
        "Express state machine does not support '.sync' service integration",
    ),
    "activity": (activity(End=True), "Express state machine does not support Activity ARN"),
    "Distributed Map": (
        {"Type": "Map", "End": True, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED",
         "ExecutionType": "EXPRESS"}, **block(P={"Type": "Pass", "End": True})}}, "'DISTRIBUTED' is not supported inside 'EXPRESS'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=list(REFUSED))
def test_express_refuses(case):
    state, message = case
    machine = sfnbook.load(definition({"S": state}))
    with pytest.raises(sfnbook.DefinitionError) as problem:
        machine.start(type="EXPRESS")
    assert message in str(problem.value)
    assert machine.start(type="STANDARD").status == "RUNNING"


def test_express_runs_what_it_may():
    execution = one(task()).start({"n": 1}, tasks={"S": {"r": 1}}, type="EXPRESS").run()
    assert execution.output == {"r": 1}
