"""Faults laid over answers: when they strike, what the Task sees, why, and that nobody is called."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import UsageError
from sfnbook.tasks import (
    Call,
    attempts,
    denied,
    exponential,
    failing,
    failure,
    faulty,
    flaky,
    iterations,
    latency,
    lost_heartbeats,
    never,
    outage,
    result,
    sequence,
    throttled,
    timed,
    uniform,
)
from sfnbook.tasks.compiling import compiled, settled
from tests.machines import INVOKE, LAMBDA, block, load, mapping, of_kind, one, task

RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "BackoffRate": 1, "MaxAttempts": 9}]
PAY = task(Retry=RETRY)


def double(event):
    return event * 2


def a_call(resource=LAMBDA, **fields):
    return Call("S", "S", resource, {}, **fields)


def compiled_answer(spec):
    return compiled(settled(spec, "tasks['S']"))


def run(answer, state=PAY, given=1, **options):
    return one(state).start(given, tasks={"*": answer}, **options).run()


def failures(execution):
    return [(one.time, one.error, str(one.why)) for one in of_kind(execution, "TaskFailed")]


# --- when they strike -----------------------------------------------------------------------------
def test_an_error_at_given_attempts():
    execution = run(faulty(double, failing(1, 3, error="CardDeclined", cause="no funds")))
    assert failures(execution) == [(0.0, "CardDeclined", "attempt 1 is to fail")]
    execution = run(faulty(sequence(failure("Own"), 1), failing(1, 2, error="E")))
    assert [error for _, error, _ in failures(execution)] == ["E", "E", "Own"]


def test_an_error_at_every_attempt():
    execution = run(faulty(double, failing(error="E", cause="why")), task())
    assert (execution.error, execution.cause) == ("E", "why")


def test_a_window_of_the_clock():
    why = "the service is down from 10 s to 25 s"
    assert failures(run(faulty(double, outage(10, 25)))) == []
    execution = run(faulty(attempts(failure("E"), 1), outage(10, 25)))
    assert failures(execution) == [
        (0.0, "E", "The Task failed with E\n  retrier 1 [States.ALL]: matches, used 0 of 9 times before"),
        (10.0, "Lambda.ServiceException", why),
        (20.0, "Lambda.ServiceException", why),
    ]
    assert execution.time == 30


@pytest.mark.parametrize(("start", "struck"), [(0, 1), (0.000001, 0)])
def test_an_outage_begins_at_its_start_and_is_over_at_its_end(start, struck):
    assert len(failures(run(faulty(double, outage(start, 10))))) == struck


def test_above_a_capacity():
    items = mapping(block(Work=task()), ToleratedFailureCount=9)
    items["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    execution = run(faulty(double, throttled(5)), items, list(range(7)))
    struck = failures(execution)
    assert len(struck) == 2
    assert {error for _, error, _ in struck} == {"Lambda.TooManyRequestsException"}
    assert struck[0][2] == "above the capacity of 5 a second, 5 at once; there is room again in 0.2 s"


@pytest.mark.parametrize(
    ("fault", "gap", "expected"),
    [
        (throttled(1), 1, [0, 0, 0, 0]),
        (throttled(0.5), 1, [0, 1, 0, 1]),
        (throttled(0.5, burst=2), 1, [0, 0, 0, 1]),
        (throttled(3), 0.3, [0] * 8),
    ],
    ids=repr,
)
def test_a_bucket_fills_again(fault, gap, expected):
    calls = [(number * gap, struck) for number, struck in enumerate(expected)]
    answer, memory = compiled_answer(faulty(1, fault)), None
    for time, struck in calls:
        outcome = answer.run(a_call(time=time, memory=memory))
        memory = outcome.memory
        assert outcome.failed == bool(struck), time


@given(st.floats(0.1, 50), st.integers(1, 20), st.lists(st.integers(0, 3_000_000), min_size=1, max_size=60))
def test_no_window_ever_takes_more_than_rate_and_burst(rate, burst, gaps):
    answer, memory, taken, now = compiled_answer(faulty(1, throttled(rate, burst))), None, [], 0
    for gap in gaps:
        now += gap
        outcome = answer.run(a_call(time=now / 1_000_000, memory=memory))
        memory = outcome.memory
        taken += [] if outcome.failed else [now]
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            seconds = (taken[last] - taken[first]) / 1_000_000
            assert last - first + 1 <= burst + seconds * rate * 1.0001 + 0.001


def test_a_seeded_rate():
    struck = [bool(failures(run(faulty(1, flaky(0.3)), seed=seed))) for seed in range(400)]
    assert 0.2 < sum(struck) / 400 < 0.4
    assert struck == [bool(failures(run(faulty(1, flaky(0.3)), seed=seed))) for seed in range(400)]
    assert not failures(run(faulty(1, flaky(0))))
    assert len(failures(run(faulty(1, flaky(1)), task()))) == 1


def test_two_rates_draw_apart():
    both = [
        run(faulty(1, flaky(0.5, error="A"), flaky(0.5, error="B")), task(), seed=seed).error
        for seed in range(400)
    ]
    assert 70 < both.count("B") < 130
    nested = faulty(faulty(1, flaky(0.5, error="B")), flaky(0.5, error="A"))
    assert [run(nested, task(), seed=seed).error for seed in range(400)] == both


def test_latency_makes_the_timeout_strike():
    limited = task(TimeoutSeconds=5)
    execution = run(faulty(result(1, seconds=2), latency(4)), limited)
    assert (execution.error, execution.time) == ("States.Timeout", 5.0)
    (timed_out,) = of_kind(execution, "TaskTimedOut")
    assert timed_out.why.rows == ("4 s of latency are added",)
    assert "latency" in str(execution.transitions[-1].why)
    assert run(faulty(result(1, seconds=2), latency(3)), limited).time == 5.0


def test_latency_leaves_the_durations_below_as_they_are():
    plain = run(result(1, seconds=exponential(9)), task()).time
    assert run(faulty(result(1, seconds=exponential(9)), latency(4)), task()).time == pytest.approx(plain + 4)
    assert (
        plain
        < run(faulty(result(1, seconds=exponential(9)), latency(uniform(1, 2))), task()).time
        < plain + 2
    )


def test_heartbeats_that_stop():
    beating = result(1, seconds=60, heartbeats=[20, 40])
    watched = task(TimeoutSeconds=100, HeartbeatSeconds=25)
    assert run(beating, watched).status == "SUCCEEDED"
    execution = run(faulty(beating, lost_heartbeats(after=30)), watched)
    assert (execution.error, execution.time) == ("States.Timeout", 45.0)
    (timed_out,) = of_kind(execution, "TaskTimedOut")
    assert "heartbeats are lost from 30 s on" in str(timed_out.why)


def test_a_missing_permission():
    execution = run(faulty(double, denied()), task())
    assert execution.error == "States.Permissions"
    assert execution.cause.startswith("User: arn:aws:sts::111122223333:assumed-role/")
    assert f"is not authorized to perform: lambda:InvokeFunction on resource: {LAMBDA}" in execution.cause
    assert "(Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException;" in execution.cause


# --- what the services say ------------------------------------------------------------------------
DYNAMODB = "arn:aws:states:::dynamodb:putItem"


@pytest.mark.parametrize(
    ("resource", "fault", "error", "cause"),
    [
        (
            LAMBDA,
            throttled(0.001),
            "Lambda.TooManyRequestsException",
            "Rate Exceeded. (Service: AWSLambda; Status",
        ),
        (INVOKE, outage(0, 9), "Lambda.ServiceException", "; Error Code: ServiceException; Request ID: "),
        (
            DYNAMODB,
            throttled(0.001),
            "DynamoDB.ProvisionedThroughputExceededException",
            "(Service: AmazonDynamoDBv2;",
        ),
        (
            "arn:aws:states:::sqs:sendMessage",
            outage(0, 9),
            "SQS.SdkClientException",
            "Unable to execute HTTP",
        ),
        (
            "arn:aws:states:::aws-sdk:dynamodb:putItem",
            throttled(0.001),
            "DynamoDb.ProvisionedThroughputExceededException",
            "(Service: DynamoDb, Status Code: 400, Request ID: ",
        ),
        (
            "arn:aws:states:::ecs:runTask",
            throttled(0.001),
            "ECS.AmazonECSException",
            "Rate exceeded (Service: AmazonECS; Status Code: 400; Error Code: ThrottlingException; Request ID: ",
        ),
        (
            "arn:aws:states:::aws-sdk:s3:getObject",
            throttled(0.001),
            "S3.S3Exception",
            "(Service: S3, Status Code: 503",
        ),
        (
            "arn:aws:states:::aws-sdk:bedrockagent:getIngestionJob",
            outage(0, 9),
            "BedrockAgent.SdkClientException",
            "",
        ),
        ("arn:aws:states:::http:invoke", throttled(0.001), "States.Http.StatusCode.429", "Rate exceeded"),
        ("arn:aws:states:::http:invoke", outage(0, 9), "States.Http.StatusCode.503", ""),
        ("arn:aws:states:us-east-1:1:activity:a", outage(0, 9), "States.TaskFailed", ""),
        ("arn:aws:states:::sfn:x", denied(), "States.Permissions", "states:X"),
        (
            "arn:aws:states:::aws-sdk:s3:getObject",
            denied(),
            "States.Permissions",
            "perform: s3:GetObject because",
        ),
        (LAMBDA, throttled(0.001, error="Busy"), "Busy", ""),
        (LAMBDA, throttled(0.001, error="Busy", cause="full"), "Busy", "full"),
        (LAMBDA, outage(0, 9, cause="on fire"), "Lambda.ServiceException", "on fire"),
    ],
)
def test_what_the_service_says(resource, fault, error, cause):
    answer, call = compiled_answer(faulty(1, fault)), a_call(resource)
    outcome = answer.run(call._replace(memory=answer.run(call).memory))
    assert outcome.error == error
    assert cause in outcome.cause


# --- laid over ------------------------------------------------------------------------------------
def test_nobody_is_called_where_a_fault_strikes():
    calls = []
    execution = run(faulty(calls.append, failing(1, 2)))
    assert execution.status == "SUCCEEDED"
    assert calls == [1]


def test_only_calls_count_for_a_sequence_below():
    assert run(faulty(sequence("first", "second"), failing(1))).output == "first"


def test_the_outermost_fault_is_asked_first():
    execution = run(faulty(1, latency(2), outage(0, 9), latency(100)), task())
    assert (execution.error, execution.time) == ("Lambda.ServiceException", 2.0)


FAULTS = st.sampled_from(
    [failing(1), flaky(0.5), outage(0, 15), throttled(0.2), latency(1), latency(uniform(1, 2))]
)


@given(st.lists(FAULTS, min_size=1, max_size=3), st.lists(FAULTS, min_size=1, max_size=3), st.integers(0, 99))
def test_faults_over_faults_are_faults_in_a_row(outer, inner, seed):
    answer = attempts(failure("E"), result(1, seconds=uniform(0, 3)))
    nested, flat = faulty(faulty(answer, *inner), *outer), faulty(answer, *outer, *inner)
    first, second = run(nested, seed=seed), run(flat, seed=seed)
    assert failures(first) == failures(second)
    assert (first.output, first.time, first.cursor) == (second.output, second.time, second.cursor)


def test_over_the_whole_of_tasks():
    states = {"A": task(Retry=RETRY) | {"Next": "B"}, "B": task(Retry=RETRY)}
    del states["A"]["End"]
    machine = load(states)
    wholes = [
        double,
        timed(double, seconds=1),
        {"A": double, "*": attempts(2)},
        {"A": 1, "B": faulty(2, failing(1))},
    ]
    for whole in wholes:
        execution = machine.start(1, tasks=faulty(whole, outage(0, 5))).run()
        assert execution.status == "SUCCEEDED"
        assert failures(execution)[0][0] == 0.0
    assert machine.unanswered(faulty({"A": 1}, outage(0, 5))) == ["B"]


def test_inside_iterations_and_attempts():
    answer = iterations(
        {1: faulty(double, failing(1, error="Damaged"))}, attempts(faulty(double, flaky(1)), double)
    )
    execution = run(answer, mapping(block(Work=PAY)), [1, 2, 3])
    assert execution.output == [2, 4, 6]
    assert [error for _, error, _ in failures(execution)] == [
        "Lambda.ServiceException", "Damaged", "Lambda.ServiceException",
    ]  # fmt: skip


def test_a_job_that_the_service_refuses_is_not_submitted():
    job = {
        "Type": "Task",
        "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "Parameters": {"JobName": "j"},
    }
    execution = run(faulty({}, outage(0, 9)), job)
    assert not of_kind(execution, "TaskSubmitted")
    execution = run(faulty({}, failing(error="States.TaskFailed")), job)
    assert of_kind(execution, "TaskSubmitted")


@pytest.mark.parametrize(
    "wrap", [lambda execution: execution.fork(), lambda one: pickle.loads(pickle.dumps(one))]
)
def test_a_memory_goes_back_and_forth_with_the_execution(wrap):
    execution = one(mapping(block(Work=PAY), MaxConcurrency=1)).start(
        [1, 2, 3], tasks={"Work": faulty(sequence(1, 2, 3), throttled(0.05))}
    )
    for _ in range(12):
        execution.step()
    copy = wrap(execution)
    story = execution.run().transitions
    assert copy.run().transitions == story
    while execution.back():
        pass
    del execution.changes[:]
    assert execution.run().transitions == story


def test_the_start_of_the_task_says_so_too():
    execution = run(faulty(double, latency(2)), task())
    (started,) = of_kind(execution, "TaskStarted")
    assert str(started.why) == "Answered by tasks['*'].\n  2 s of latency are added"


def test_the_execution_that_failed_says_which_fault_it_was():
    execution = run(faulty(double, outage(0, 5)), task())
    assert "the service is down from 0 s to 5 s" in str(execution.transitions[-1].why)


# --- misuse ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: faulty(1), "an answer and then faults"),
        (lambda: faulty(outage(1, 2), 1), "an answer and then faults"),
        (lambda: faulty(1, failure("E")), "an answer and then faults"),
        (lambda: failing(0), "counted from 1"),
        (lambda: failing([1]), "counted from 1"),
        (lambda: failing(1, error=KeyError), "named by text"),
        (lambda: flaky(1.5), "between 0 and 1"),
        (lambda: flaky("0.5"), "between 0 and 1"),
        (lambda: outage(60, 10), "ends after it started"),
        (lambda: outage(-1, 10), "not negative"),
        (lambda: throttled(0), "above 0"),
        (lambda: throttled(5, burst=0), "at least 1"),
        (lambda: latency(-1), "not negative"),
        (lambda: latency("2"), "numbers"),
        (lambda: lost_heartbeats(float("nan")), "not negative"),
    ],
)
def test_wrong_words_are_refused_where_they_are_written(make, advice):
    with pytest.raises(UsageError) as raised:
        make()
    assert advice in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        faulty({"ok": True}, failing(1, 2, error="E", cause=""), flaky(0.1), outage(10, 60, cause="why")),
        faulty(never(), throttled(5), denied(), latency(uniform(1, 2)), lost_heartbeats(30)),
    ],
    ids=repr,
)
def test_reprs_are_python(answer):
    words = (faulty, failing, flaky, outage, throttled, denied, latency, lost_heartbeats, uniform, never)
    assert eval(repr(answer), {word.__name__: word for word in words}) == answer
