"""Schedules: who takes an error, when it goes on, when it gives up; and policies that AWS refuses."""

import json

import pytest

import sfnbook
from sfnbook import DefinitionError, UsageError, retry_schedule
from sfnbook.definition import Retrier
from sfnbook.tasks import attempts, failure, result
from tests.retrylab.policies import SEED, one_task, retrier

DELAYS = [("CustomError", [1, 2]), ("Other", [30, 60]), ("States.Timeout", [5, 10, 20, 40, 80])]


@pytest.mark.parametrize(("error", "delays"), DELAYS)
@pytest.mark.parametrize(
    "given",
    [
        SEED,
        {"Type": "Task", "Retry": SEED},
        (one_task(*SEED), "Call"),
        one_task(*SEED).definition.states["Call"],
    ],
    ids=["retriers", "state", "machine", "definition"],
)
def test_the_delays_of_the_first_sample(given, error, delays):
    schedule = retry_schedule(given, [error] * 10)
    assert schedule.delays == retry_schedule(given, error).delays == delays
    assert schedule.outcome == "fails"
    assert schedule.table().column("then") == ["retry"] * len(delays) + ["fails"]


MIXED = {
    "each retrier counts for itself": (
        ["CustomError", "Other", "CustomError", "Other", None],
        [1, 30, 2, 60],
    ),
    "a used up retrier is not replaced by a later one": (["CustomError"] * 9, [1, 2]),
    "success at once": ([None], []),
    "never retried": ("States.Runtime", []),
    "a success after an error": (["Other", None], [30]),
}


@pytest.mark.parametrize(("errors", "delays"), MIXED.values(), ids=list(MIXED))
def test_mixed_errors(errors, delays):
    assert retry_schedule(SEED, errors).delays == delays


@pytest.mark.parametrize(
    "errors", [["CustomError", "Other", None], ["Other"] * 3, ["States.Timeout"] * 6, [None]]
)
@pytest.mark.parametrize("seconds", [0, 0.5, 7])
def test_a_schedule_is_what_the_engine_does(errors, seconds):
    machine = one_task(*SEED, TimeoutSeconds=5)
    answers = [result({}, seconds=seconds) if e is None else failure(e, seconds=seconds) for e in errors]
    execution = machine.start(tasks={"Call": attempts(*answers)}).run()
    schedule = retry_schedule((machine, "Call"), errors, task_seconds=seconds)
    ends = [
        t.time for t in execution.transitions if t.kind in {"TaskFailed", "TaskTimedOut", "TaskSucceeded"}
    ]
    assert schedule.table().column("end") == ends
    assert (schedule.outcome == "succeeds") == (execution.status == "SUCCEEDED")
    assert schedule.end.mean == execution.time


def test_a_timeout_strikes_where_the_task_takes_longer():
    schedule = retry_schedule(SEED, [None], task_seconds=[9, 3], timeout_seconds=4)
    first, second = schedule.attempts
    assert (first.error, first.end.mean, first.delay.mean) == ("States.Timeout", 4, 5)
    assert (second.error, second.start.mean, second.end.mean, second.then) == (None, 9, 12, "succeeds")


def test_a_heartbeat_that_is_shorter_strikes_first_and_has_its_own_name():
    retry = [{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 7, "MaxAttempts": 1}]
    state = {"Type": "Task", "Retry": retry, "TimeoutSeconds": 60, "HeartbeatSeconds": 10}
    assert retry_schedule(state, [None], task_seconds=[20, 1]).delays == [7]
    assert retry_schedule(state | {"HeartbeatSeconds": 60}, [None], task_seconds=70).outcome == "fails"


@pytest.mark.parametrize(
    "given",
    [
        {"errors": []},
        {"errors": 3},
        {"errors": ["E", 5]},
        {"task_seconds": -1},
        {"task_seconds": []},
        {"task_seconds": "soon"},
        {"task_seconds": None},
        {"task_seconds": True},
        {"task_seconds": float("inf")},
        {"timeout_seconds": 0},
    ],
)
def test_what_is_no_schedule_is_told(given):
    with pytest.raises(UsageError, match=f"{next(iter(given))}="):
        retry_schedule(SEED, **{"errors": "E", **given})


def test_what_catch_does():
    state = {
        "Type": "Task", "Retry": [retrier(MaxAttempts=1)],
        "Catch": [{"ErrorEquals": ["Other"], "Next": "No"}, {"ErrorEquals": ["States.ALL"], "Next": "Clean up"}],
    }  # fmt: skip
    schedule = retry_schedule(state, "Busy")
    assert schedule.outcome == "caught"
    assert "catcher 2 goes to Clean up" in str(schedule)


def test_full_jitter_has_bounds_and_half_the_mean():
    schedule = retry_schedule(
        [retrier(IntervalSeconds=4, MaxAttempts=2, JitterStrategy="FULL")], "E", task_seconds=1
    )
    assert [attempt.delay for attempt in schedule.attempts[:2]] == [(0, 2, 4), (0, 4, 8)]
    assert [attempt.start for attempt in schedule.attempts] == [(0, 0, 0), (1, 3, 5), (2, 8, 14)]
    assert schedule.table()[1]["delay_high"] == 8


def test_a_policy_without_end_is_cut_and_says_so():
    schedule = retry_schedule([retrier(MaxAttempts=99_999_999, BackoffRate=1)], "E")
    assert len(schedule.attempts) == 1_000
    assert schedule.outcome is None
    assert "Goes on after 1000 attempts" in str(schedule).replace(",", "")


def test_a_retrier_may_be_an_object():
    assert retry_schedule([Retrier(error_equals=("E",), max_attempts=2)], "E").delays == [1, 2]


REFUSED = [
    ({"IntervalSeconds": 0}, "Minimum value is 1", "IntervalSeconds"),
    ({"IntervalSeconds": 1.5}, "Integer", "IntervalSeconds"),
    ({"BackoffRate": 0.5}, "Minimum value is 1", "BackoffRate"),
    ({"MaxDelaySeconds": 0}, "Minimum value is 1", "MaxDelaySeconds"),
    ({"MaxDelaySeconds": 31_622_401}, "Maximum value is 31622400", "MaxDelaySeconds"),
    ({"MaxAttempts": -1}, "Minimum value is 0", "MaxAttempts"),
    ({"JitterStrategy": "SOME"}, "NONE, FULL", "JitterStrategy"),
    ({"ErrorEquals": []}, "cannot be empty", "ErrorEquals"),
    ({"Intervall": 1}, "not supported", ""),
]


@pytest.mark.parametrize(("fields", "rule", "field"), REFUSED, ids=lambda part: str(part)[:30])
def test_policies_that_aws_refuses(fields, rule, field):
    for given in ([retrier(), retrier(**fields)], {"Type": "Task", "Retry": [retrier(), retrier(**fields)]}):
        with pytest.raises(DefinitionError) as refused:
            retry_schedule(given, "E")
        found = [one for one in refused.value.diagnostics if rule in one.message or rule in str(one)]
        assert any(one.pointer == f"/Retry[1]/{field}".rstrip("/") for one in found), refused.value


def test_every_problem_at_once():
    with pytest.raises(DefinitionError) as refused:
        retry_schedule([retrier(IntervalSeconds=0, BackoffRate=0.5)], "E")
    assert len(refused.value.diagnostics) == 2


MISUSED = {
    "no policy": (lambda: retry_schedule(7, "E"), "list of retriers"),
    "a dict that is no state": (lambda: retry_schedule({"a": 1}, "E"), "'a'"),
    "a state's name": (lambda: retry_schedule((one_task(), "Cal"), "E"), "Did you mean 'Call'"),
    "no errors": (lambda: retry_schedule(SEED, []), "for each attempt"),
    "an exception": (lambda: retry_schedule(SEED, [ValueError]), "name of an error"),
    "negative time": (lambda: retry_schedule(SEED, "E", task_seconds=-1), "not negative"),
    "no timeout": (lambda: retry_schedule(SEED, "E", timeout_seconds=0), "from 1 on"),
    "no Retry": (
        lambda: retry_schedule((sfnbook.load({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}), "P"), "E"),
        "Task, Map and Parallel",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "words"), MISUSED.values(), ids=list(MISUSED))
def test_misuse_says_how_to_mend_it(call, words):
    with pytest.raises(UsageError, match=words):
        call()


def test_it_shows_itself_escaped():
    state = {"Type": "Task", "Retry": [{"ErrorEquals": ["<b>"]}]}
    schedule = retry_schedule(state, "<b>")
    html = schedule._repr_mimebundle_()["text/html"]
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    json.dumps(schedule.table())
