"""Timeouts, heartbeats, Retry and Catch of a state, and the execution's own timeout."""

import itertools

import pytest

from sfnbook.tasks import failure, never, result
from tests.machines import Fails, check, details, load, one, table, task, visited

RUNTIME = "States.Runtime"
QUERY = "States.QueryEvaluationError"


# --- timeouts and heartbeats -----------------------------------------------------------------------------
TIMEOUTS = {
    "in time": ({"TimeoutSeconds": 10}, result(1, seconds=9), None),
    "at the deadline": ({"TimeoutSeconds": 10}, result(1, seconds=10), None),
    "too late": ({"TimeoutSeconds": 10}, result(1, seconds=10.001), 10),
    "a failure that comes too late": ({"TimeoutSeconds": 10}, failure("E", seconds=11), 10),
    "never": ({"TimeoutSeconds": 10}, never(), 10),
    "TimeoutSecondsPath": ({"TimeoutSecondsPath": "$.t"}, never(), 5),
    "JSONata": ({"QueryLanguage": "JSONata", "TimeoutSeconds": "{% $states.input.t + 1 %}"}, never(), 6),
    "no heartbeat": ({"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=30), 10),
    "a heartbeat at its deadline": (
        {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=30, heartbeats=[10, 20]), None,
    ),
    "a heartbeat too late": (
        {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=30, heartbeats=[8, 19]), 18,
    ),
    "the last beat plus HeartbeatSeconds": (
        {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=30, heartbeats=[5, 13]), 23,
    ),
    "answered at the heartbeat's deadline": (
        {"TimeoutSeconds": 60, "HeartbeatSeconds": 10}, result(1, seconds=15, heartbeats=[5]), None,
    ),
    "the timeout comes first": (
        {"TimeoutSeconds": 12, "HeartbeatSeconds": 10}, result(1, seconds=30, heartbeats=[9]), 12,
    ),
    "HeartbeatSecondsPath": ({"TimeoutSeconds": 60, "HeartbeatSecondsPath": "$.t"}, never(), 5),
    "no timeout of its own": ({}, result(1, seconds=1_000_000), None),
}  # fmt: skip


@table(TIMEOUTS)
def test_timeouts(case):
    fields, answer, expires = case
    execution = one(task(**fields)).start({"t": 5}, tasks={"S": answer}).run()
    if expires is None:
        assert (execution.output, execution.time) == (1, answer.seconds)
    else:
        assert (execution.status, execution.error, execution.cause) == ("FAILED", "States.Timeout", None)
        assert execution.time == expires
        timed_out = next(event for event in execution.history() if event["type"] == "LambdaFunctionTimedOut")
        assert details(timed_out) == {"error": "States.Timeout"}


def test_timeouts_are_in_the_scheduled_event_when_they_are_set():
    execution = one(task(TimeoutSeconds=60, HeartbeatSeconds=10)).start(tasks={"S": 1}).run()
    scheduled = details(execution.history()[2])
    assert (scheduled["timeoutInSeconds"], scheduled["heartbeatInSeconds"]) == (60, 10)
    plain = details(one(task()).start(tasks={"S": 1}).run().history()[2])
    assert not {"timeoutInSeconds", "heartbeatInSeconds"} & set(plain)


def test_a_timeout_path_that_finds_nothing():
    execution = one(task(TimeoutSecondsPath="$.no")).start({}, tasks={"S": 1})
    check(execution, Fails(RUNTIME, "Invalid path '$.no' : No results for path: $['no']"))
    assert "LambdaFunctionScheduled" not in {event["type"] for event in execution.history()}


@pytest.mark.parametrize("seconds", [0, -1])
@pytest.mark.parametrize("field", ["TimeoutSeconds", "HeartbeatSeconds"])
@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_a_timeout_that_is_not_positive(language, field, seconds):
    read = {field: "{% $states.input.t %}"} if language == "JSONata" else {field + "Path": "$.t"}
    execution = one(task(QueryLanguage=language, **read)).start({"t": seconds}, tasks={"S": 1})
    check(execution, Fails(RUNTIME, f"{field} must be positive."))


@pytest.mark.parametrize(
    ("error_equals", "caught"),
    [(["States.Timeout"], True), (["States.HeartbeatTimeout"], True), (["States.ALL"], True),
     (["States.TaskFailed"], False)],
    ids=str,
)  # fmt: skip
def test_a_missed_heartbeat_has_two_names(error_equals, caught):
    catch = [{"ErrorEquals": error_equals, "Next": "Z"}]
    machine = load(
        {"S": task(TimeoutSeconds=9, HeartbeatSeconds=3, Catch=catch), "Z": {"Type": "Pass", "End": True}}
    )
    execution = machine.start(tasks={"S": never()}).run()
    assert execution.status == ("SUCCEEDED" if caught else "FAILED")
    if caught:
        assert execution.output == {"Error": "States.Timeout", "Cause": ""}


def test_a_missed_timeout_is_no_heartbeat_timeout():
    catch = [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Z"}]
    machine = load({"S": task(TimeoutSeconds=9, Catch=catch), "Z": {"Type": "Pass", "End": True}})
    assert machine.start(tasks={"S": never()}).run().error == "States.Timeout"


# --- the execution's own clock ------------------------------------------------------------------------------
def test_top_level_timeout_seconds():
    machine = one({"Type": "Wait", "Seconds": 100}, TimeoutSeconds=60)
    execution = machine.start().run()
    assert (execution.status, execution.error, execution.cause) == ("TIMED_OUT", None, None)
    assert execution.time == 60
    last = execution.history()[-1]
    assert (last["type"], last["previousEventId"]) == ("ExecutionTimedOut", 0)
    assert details(last) == {
        "error": "States.Timeout"
    }  # measured on AWS: github.com/floci-io/floci/pull/2782


def test_an_end_at_the_execution_s_deadline_is_in_time():
    assert one({"Type": "Wait", "Seconds": 60}, TimeoutSeconds=60).start().run().status == "SUCCEEDED"


def test_nothing_catches_the_execution_s_timeout():
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]
    machine = load({"S": task(Catch=catch), "Z": {"Type": "Pass", "End": True}}, TimeoutSeconds=5)
    assert machine.start(tasks={"S": never()}).run().status == "TIMED_OUT"


def test_a_standard_execution_ends_after_a_year_and_an_express_one_after_five_minutes():
    machine = one({"Type": "Wait", "Seconds": 40_000_000})
    assert machine.start().run().time == 365 * 86_400
    express = machine.start(type="EXPRESS").run()
    assert (express.status, express.time) == ("TIMED_OUT", 300)
    assert machine.start(limits=None).run().status == "SUCCEEDED"


# --- Retry ------------------------------------------------------------------------------------------------
def retrying(*retriers, **fields):
    return one(task(Retry=list(retriers), **fields))


def starts(execution):
    """The virtual seconds at which each attempt was scheduled."""
    return [item.time for item in execution.run().transitions if item.kind == "TaskScheduled"]


RETRIES = {
    "defaults": ([{"ErrorEquals": ["E"]}], [0, 1, 3, 7]),
    "interval and rate": ([{"ErrorEquals": ["E"], "IntervalSeconds": 3, "BackoffRate": 1.5}], [0, 3, 7.5, 14.25]),
    "rate 1": ([{"ErrorEquals": ["E"], "IntervalSeconds": 5, "BackoffRate": 1}], [0, 5, 10, 15]),
    "MaxAttempts": ([{"ErrorEquals": ["E"], "MaxAttempts": 1}], [0, 1]),
    "MaxAttempts 0": ([{"ErrorEquals": ["E"], "MaxAttempts": 0}], [0]),
    "MaxDelaySeconds": (
        [{"ErrorEquals": ["E"], "IntervalSeconds": 10, "MaxDelaySeconds": 15, "MaxAttempts": 3}], [0, 10, 25, 40],
    ),
    "another error": ([{"ErrorEquals": ["F"]}], [0]),
    "case matters": ([{"ErrorEquals": ["e"]}], [0]),
    "States.ALL": ([{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}], [0, 1]),
    "States.TaskFailed": ([{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1}], [0, 1]),
    "an exhausted retrier does not hand over": (
        [{"ErrorEquals": ["E"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}], [0, 1],
    ),
    "MaxAttempts 0 shields from a later one": (
        [{"ErrorEquals": ["E"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}], [0],
    ),
    "NONE is no jitter": ([{"ErrorEquals": ["E"], "JitterStrategy": "NONE", "MaxAttempts": 1}], [0, 1]),
}  # fmt: skip


@table(RETRIES)
def test_retry(case):
    retriers, expected = case
    execution = retrying(*retriers).start(tasks={"S": failure("E")})
    assert starts(execution) == expected
    assert execution.error == "E"
    assert execution.billed_transitions == len(expected)


def test_each_retrier_has_its_own_counter():
    retriers = [
        {"ErrorEquals": ["A", "B"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 2},
        {"ErrorEquals": ["C"], "IntervalSeconds": 5},
    ]
    execution = retrying(*retriers).start(tasks={"S": AlternatingBackend("ACBB")})
    # A uses retrier 1 (1 s), C retrier 2 (5 s), B retrier 1 again (2 s), and B finds it used up.
    assert starts(execution) == [0, 1, 6, 8]
    assert execution.error == "B"


class AlternatingBackend:
    """Fails with one error after the other."""

    def __init__(self, errors):
        self.errors = list(errors)

    def call(self, call):
        return failure(self.errors[call.attempt - 1])


def test_the_counters_start_anew_when_the_state_is_entered_again():
    states = {
        "S": task(Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 1}], Catch=[{"ErrorEquals": ["E"], "Next": "Count"}],
                  Next="Z") | {"ResultPath": None},
        "Count": {"Type": "Choice", "Choices": [{"Variable": "$.Error", "StringEquals": "E", "Next": "Wait"}]},
        "Wait": {"Type": "Wait", "Seconds": 100, "Next": "S"},
        "Z": {"Type": "Succeed"},
    }  # fmt: skip
    del states["S"]["End"]
    execution = load(states).start(tasks={"S": failure("E")}).run(until=350)
    scheduled = [
        (item.time, item.attempt, item.visit)
        for item in execution.transitions
        if item.kind == "TaskScheduled"
    ]
    assert scheduled[:4] == [(0, 1, 1), (1, 2, 1), (101, 1, 2), (102, 2, 2)]


def test_retry_count_counts_all_retries_of_the_visit():
    seen = []
    state = task(
        Parameters={"n.$": "$$.State.RetryCount"},
        Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 2}, {"ErrorEquals": ["B"]}],
    )

    class Backend(AlternatingBackend):
        def call(self, call):
            seen.append(call.input["n"])
            return super().call(call) if call.attempt <= len(self.errors) else result(1)

    assert one(state).start(tasks={"S": Backend("AB")}).result() == 1
    assert seen == [0, 1, 2]


JITTERED = [{"ErrorEquals": ["E"], "IntervalSeconds": 10, "MaxDelaySeconds": 30, "JitterStrategy": "FULL",
             "MaxAttempts": 5}]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_jitter_is_within_bounds_and_reproducible(seed):
    machine = retrying(*JITTERED)
    times = starts(machine.start(tasks={"S": failure("E")}, seed=seed))
    delays = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(delays) == 5
    assert all(0 <= delay <= bound for delay, bound in zip(delays, [10, 20, 30, 30, 30], strict=True))
    assert times == starts(machine.start(tasks={"S": failure("E")}, seed=seed))


def test_jitter_differs_from_seed_to_seed_and_draw_to_draw():
    machine = retrying(*JITTERED)
    runs = {tuple(starts(machine.start(tasks={"S": failure("E")}, seed=seed))) for seed in range(20)}
    assert len(runs) == 20
    delays = [times[1] / 10 for times in runs]
    assert min(delays) < 0.4
    assert max(delays) > 0.6


NEVER_RETRIED = {
    "States.Runtime of a path": ({"Parameters": {"x.$": "$.no"}}, RUNTIME, 1),
    "States.Runtime from outside": ({}, RUNTIME, 1),
}


@table(NEVER_RETRIED)
def test_states_runtime_is_neither_retried_nor_caught(case):
    fields, error, attempts = case
    entry = [{"ErrorEquals": ["States.ALL"]}]
    state = task(Retry=entry, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z"}], **fields)
    machine = load({"S": state, "Z": {"Type": "Pass", "End": True}})
    execution = machine.start(tasks={"S": failure(RUNTIME)}).run()
    assert (execution.status, execution.error) == ("FAILED", error)
    assert execution.billed_transitions == attempts


def test_a_query_that_fails_can_be_retried_and_caught():
    state = task(
        QueryLanguage="JSONata",
        Arguments="{% $states.input.no %}",
        Retry=[{"ErrorEquals": [QUERY], "MaxAttempts": 1}],
        Catch=[{"ErrorEquals": [QUERY], "Next": "Z"}],
    )
    execution = load({"S": state, "Z": {"Type": "Pass", "End": True}}).start(tasks={"S": 1}).run()
    assert execution.status == "SUCCEEDED"
    assert execution.output["Error"] == QUERY
    assert len([item for item in execution.transitions if item.kind == "RetryScheduled"]) == 1


# --- Catch ------------------------------------------------------------------------------------------------
CAUGHT = {"Error": "E", "Cause": "why"}

CATCHES = {
    "by name": ([{"ErrorEquals": ["E"]}], "Z0", CAUGHT),
    "States.ALL": ([{"ErrorEquals": ["States.ALL"]}], "Z0", CAUGHT),
    "States.TaskFailed": ([{"ErrorEquals": ["States.TaskFailed"]}], "Z0", CAUGHT),
    "one of several": ([{"ErrorEquals": ["D", "E"]}], "Z0", CAUGHT),
    "the first that matches": ([{"ErrorEquals": ["D"]}, {"ErrorEquals": ["E"]}, {"ErrorEquals": ["States.ALL"]}],
                               "Z1", CAUGHT),
    "ResultPath": ([{"ErrorEquals": ["E"], "ResultPath": "$.error"}], "Z0", {"a": 1, "error": CAUGHT}),
    "ResultPath null": ([{"ErrorEquals": ["E"], "ResultPath": None}], "Z0", {"a": 1}),
    "nobody": ([{"ErrorEquals": ["D"]}], None, None),
}  # fmt: skip


@table(CATCHES)
def test_catch(case):
    catchers, target, output = case
    catch = [{**catcher, "Next": f"Z{index}"} for index, catcher in enumerate(catchers)]
    ends = {entry["Next"]: {"Type": "Pass", "End": True} for entry in catch}
    execution = load({"S": task(Catch=catch), **ends}).start({"a": 1}, tasks={"S": failure("E", "why")}).run()
    if target is None:
        assert (execution.status, execution.error, execution.cause) == ("FAILED", "E", "why")
    else:
        assert visited(execution) == ["S", target]
        assert execution.output == output


def test_catch_in_jsonata():
    catch = [{"ErrorEquals": ["E"], "Next": "Z", "Assign": {"cause": "{% $states.errorOutput.Cause %}"},
              "Output": {"e": "{% $states.errorOutput.Error %}", "a": "{% $states.input.a %}"}}]  # fmt: skip
    states = {"S": task(Catch=catch),
              "Z": {"Type": "Pass", "Output": ["{% $states.input %}", "{% $cause %}"], "End": True}}  # fmt: skip
    execution = load(states, QueryLanguage="JSONata").start({"a": 1}, tasks={"S": failure("E", "why")})
    check(execution, [{"e": "E", "a": 1}, "why"])


def test_catch_comes_after_the_retries():
    state = task(
        Retry=[{"ErrorEquals": ["E"], "MaxAttempts": 2}], Catch=[{"ErrorEquals": ["E"], "Next": "Z"}]
    )
    execution = load({"S": state, "Z": {"Type": "Pass", "End": True}}).start(tasks={"S": failure("E")})
    assert starts(execution) == [0, 1, 3]
    assert execution.output == {"Error": "E", "Cause": ""}


def test_a_catcher_that_fails_itself_is_the_end():
    catch = [{"ErrorEquals": ["E"], "Output": "{% $states.input.no %}", "Next": "Z"},
             {"ErrorEquals": ["States.ALL"], "Next": "Z"}]  # fmt: skip
    machine = load({"S": task(Catch=catch), "Z": {"Type": "Pass", "End": True}}, QueryLanguage="JSONata")
    check(machine.start(tasks={"S": failure("E")}), Fails(
        QUERY, "The JSONata expression '$states.input.no' specified for the field 'Catch[0]/Output' returned nothing "
        "(undefined)."))  # fmt: skip


def test_a_failure_without_a_name_is_caught_with_nulls():
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]
    machine = load({"S": task(Catch=catch), "Z": {"Type": "Pass", "End": True}})
    check(machine.start(tasks={"S": failure(None, None)}), {"Error": None, "Cause": None})
