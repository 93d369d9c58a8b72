"""The vectorised path gives what the engine gives, to the last bit; what it cannot do it leaves alone."""

import pytest

import sfnbook
from sfnbook.limits import AWS_LIMITS
from sfnbook.retrylab.plan import Plan, run_chunk
from sfnbook.retrylab.vectorised import vector_of
from sfnbook.tasks import (
    attempts,
    denied,
    exponential,
    failing,
    failure,
    faulty,
    flaky,
    latency,
    never,
    normal,
    outage,
    result,
    sequence,
    throttled,
    uniform,
)
from tests.retrylab.policies import SEED, one_task, retrier

pytest.importorskip("numpy")

OK = {"ok": True}
ANSWERS = {
    "given": attempts(failure("Busy"), failure("Busy", seconds=0.3), OK),
    "a failure for ever": failure("Busy", seconds=uniform(0, 1)),
    "never, then something": attempts(never(), failure("Other"), OK),
    "uniform": result(OK, seconds=uniform(0.5, 4)),
    "exponential": result(OK, seconds=exponential(2)),
    "normal": result(OK, seconds=normal(2, 1)),
    "flaky": faulty(OK, flaky(0.4, error="Busy")),
    "as the service says it": faulty(OK, flaky(0.6)),
    "faults upon faults": faulty(
        faulty(result(OK, seconds=uniform(0, 3)), flaky(0.2, error="Busy")), outage(1, 9, error="Down"), latency(0.5),
        flaky(0.2, error="CustomError"), failing(2, error="Busy"), latency(exponential(0.4)),
    ),
    "faults for a while": attempts(faulty(OK, flaky(0.9, error="Busy")), failure("CustomError"), OK),
    "denied": faulty(OK, denied()),
}  # fmt: skip
POLICIES = {
    "none": [],
    "three retriers": SEED,
    "jitter": [retrier(MaxAttempts=4, JitterStrategy="FULL", MaxDelaySeconds=5)],
    "mixed": [
        retrier(ErrorEquals=["Busy"], MaxAttempts=2, JitterStrategy="FULL", BackoffRate=1.5),
        retrier(ErrorEquals=["States.Timeout"], MaxAttempts=3, JitterStrategy="FULL"),
        retrier(IntervalSeconds=7, MaxAttempts=1),
    ],
}


def both(machine, answer, runs=300, first=0, **options):
    plan = Plan(machine, {"a": 1}, {"Call": answer}, 11, {"limits": AWS_LIMITS, **options})
    vector = vector_of(plan)
    assert vector is not None
    return vector.run(first, runs), run_chunk(plan, first, runs)


@pytest.mark.parametrize("retry", POLICIES.values(), ids=list(POLICIES))
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=list(ANSWERS))
def test_both_paths_are_equal(answer, retry):
    vectorised, engine = both(one_task(*retry, TimeoutSeconds=3), answer)
    assert vectorised == engine


FIELDS = {
    "no timeout": {},
    "a heartbeat": {"TimeoutSeconds": 9, "HeartbeatSeconds": 2},
    "a path": {"InputPath": "$.a", "TimeoutSecondsPath": "$.a"},
    "data flow": {"Parameters": {"x.$": "$.a"}, "ResultSelector": {"y.$": "$.ok"}, "ResultPath": "$.r"},
}


@pytest.mark.parametrize("fields", FIELDS.values(), ids=list(FIELDS))
def test_both_paths_are_equal_whatever_is_around_the_policy(fields):
    if "InputPath" in fields:
        fields = fields | {"InputPath": "$"}
    answer = attempts(result(OK, seconds=uniform(0, 20), heartbeats=()), result(OK, seconds=exponential(2)))
    vectorised, engine = both(one_task(*POLICIES["mixed"], **fields), answer)
    assert vectorised == engine


LIMITED = {
    "the year of a Standard execution": (one_task(retrier(MaxAttempts=40, JitterStrategy="FULL")), {}),
    "25,000 events": (one_task(retrier(MaxAttempts=30_000, BackoffRate=1)), {}),
    "many attempts": (one_task(retrier(MaxAttempts=1_500, BackoffRate=1, JitterStrategy="FULL")), {}),
    "five minutes of Express": (one_task(retrier(MaxAttempts=9, JitterStrategy="FULL")), {"type": "EXPRESS"}),
}


@pytest.mark.parametrize(("machine", "options"), LIMITED.values(), ids=list(LIMITED))
def test_runs_that_reach_a_limit_are_made_by_the_engine(machine, options):
    vectorised, engine = both(machine, failure("Busy"), runs=3, first=40, **options)
    assert vectorised == engine


def test_chunks_and_blocks_come_to_the_same():
    machine, tasks = one_task(*POLICIES["jitter"]), {"Call": ANSWERS["flaky"]}
    options = {"tasks": tasks, "runs": 2_000, "seed": 5, "progress": False}
    assert (
        sfnbook.simulate(machine, **options).summary
        == sfnbook.simulate(machine, vectorised=False, **options).summary
    )


JSONATA = {"QueryLanguage": "JSONata", "Arguments": {"n": "{% $random() %}"}}
NOT_PLAIN = {
    "two states": (sfnbook.load({"StartAt": "P", "States": {
        "P": {"Type": "Pass", "Next": "Call"}, "Call": one_task().source["States"]["Call"]}}), OK),
    "a function": (one_task(), lambda event: event),
    "what counts its calls": (one_task(), sequence(failure("E"), OK)),
    "what remembers its calls": (one_task(), faulty(OK, throttled(5))),
    "arguments that may differ": (one_task(**JSONATA), OK),
    "a callback": (one_task(Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                            Parameters={"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}), OK),
    "arguments that fail": (one_task(Parameters={"x.$": "$.b"}), OK),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "answer"), NOT_PLAIN.values(), ids=list(NOT_PLAIN))
def test_what_is_not_plain_is_left_to_the_engine(machine, answer):
    plan = Plan(machine, {"a": 1}, {"Call": answer}, 0, {"limits": AWS_LIMITS})
    assert vector_of(plan) is None


def test_a_result_that_the_state_cannot_take_goes_to_the_engine():
    machine = one_task(*SEED, ResultSelector={"y.$": "$.missing"})
    simulation = sfnbook.simulate(machine, tasks={"Call": OK}, runs=5, progress=False)
    assert simulation.outcomes()[0]["error"] == "States.Runtime"


def test_without_numpy_the_engine_does_it(monkeypatch):
    monkeypatch.setattr("sfnbook.retrylab.vectorised.find_spec", lambda _name: None)
    assert vector_of(Plan(one_task(), {}, {"Call": OK}, 0, {"limits": AWS_LIMITS})) is None
    assert sfnbook.simulate(one_task(), tasks={"Call": OK}, runs=3).runs == 3
