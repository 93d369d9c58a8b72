"""Advice: each rule speaks where it should, with the right numbers, and is silent elsewhere."""

import json

import pytest

import sfnbook
from sfnbook import advise
from sfnbook.retry import base_delay
from sfnbook.retrylab.advice import RULES, longest_wait, worst_seconds
from sfnbook.retrylab.policies import read_policy
from tests.retrylab.policies import SEED, one_task, retrier

GOOD = retrier(MaxAttempts=3, JitterStrategy="FULL")

# the policy, options, the rule, what it says
SAID = [
    ([retrier(IntervalSeconds=3_600, MaxAttempts=8)], {}, "holds", "for 10 d 15 h: 8 retries"),
    (
        [retrier(IntervalSeconds=3_600, MaxAttempts=8)],
        {},
        "holds",
        "With MaxDelaySeconds 3600 it would be 8 h",
    ),
    ([retrier(MaxAttempts=31, MaxDelaySeconds=86_400)], {}, "holds", "for 15 d 12 h"),
    ([retrier(MaxAttempts=99)], {}, "holds", "a whole year, after which AWS ends it"),
    (
        [retrier(IntervalSeconds=60, MaxAttempts=5)],
        {"timeout_seconds": 300},
        "outlasts",
        "at most 2 of its 5 retries",
    ),
    (
        [retrier(ErrorEquals=["E"]), retrier(ErrorEquals=["E"])],
        {},
        "unreachable",
        "retrier 1 takes E before it",
    ),
    (
        [retrier(ErrorEquals=["States.TaskFailed"]), retrier(ErrorEquals=["E", "F"])],
        {},
        "unreachable",
        "never reached",
    ),
    ([retrier(ErrorEquals=["E"]), retrier(ErrorEquals=["E", "F"])], {}, "unreachable", "never sees E"),
    (
        [retrier(ErrorEquals=["States.Timeout"]), retrier(ErrorEquals=["States.HeartbeatTimeout"])],
        {},
        "unreachable",
        "retrier 1 takes States.HeartbeatTimeout before it",
    ),
    (
        [retrier(ErrorEquals=["States.TaskFailed"]), retrier(ErrorEquals=["States.Timeout"]), retrier()],
        {},
        "unreachable",
        "retriers 1 and 2 take States.ALL before it",
    ),
    (
        [retrier(ErrorEquals=["E"], IntervalSeconds=100, MaxAttempts=1), retrier(MaxAttempts=7)],
        {"timeout_seconds": 200},
        "outlasts",
        "all its retriers together can take 3 min 47 s",
    ),
    ([retrier(ErrorEquals=["States.Runtime"])], {}, "unreachable", "States.Runtime, which is never retried"),
    ([retrier(MaxAttempts=9_000, BackoffRate=1)], {}, "events", "up to 27,007 events alone"),
    ([retrier(MaxAttempts=2)], {}, "herd", "after 1 s, 2 s"),
    (SEED, {}, "herd", "retrier 3: after 5 s, 10 s, 20 s ..."),
    (
        [retrier(ErrorEquals=["E"], MaxAttempts=1), retrier(ErrorEquals=["E"], MaxAttempts=9)],
        {},
        "price",
        "up to 2 transitions",
    ),
    (SEED, {}, "price", "up to 10 transitions for this state, $0.00025: a million of them cost $250.00"),
]


@pytest.mark.parametrize(("retry", "options", "rule", "words"), SAID, ids=lambda part: str(part)[-30:])
def test_a_rule_speaks(retry, options, rule, words):
    texts = [finding.text for finding in advise(retry, **options) if finding.rule == rule]
    assert any(words in text for text in texts), texts


SILENT = [
    ([GOOD], {}, set(RULES) - {"price"}),
    ([], {}, set(RULES)),
    (
        [retrier(ErrorEquals=["E"]), retrier(ErrorEquals=["States.TaskFailed"]), retrier()],
        {},
        {"unreachable"},
    ),
    (
        [retrier(ErrorEquals=["States.TaskFailed"]), retrier(ErrorEquals=["States.Timeout"])],
        {},
        {"unreachable"},
    ),
    ([retrier(MaxAttempts=5)], {"timeout_seconds": 32}, {"outlasts"}),
    ([retrier(MaxAttempts=99)], {}, {"outlasts"}),
    ([retrier(IntervalSeconds=3_600, MaxAttempts=8)], {"timeout_seconds": 3_600}, {"holds"}),
    (
        [
            retrier(ErrorEquals=["States.HeartbeatTimeout"]),
            retrier(ErrorEquals=["States.Timeout"]),
            retrier(),
        ],
        {},
        {"unreachable"},
    ),
    ([retrier(MaxAttempts=5_000, JitterStrategy="FULL", BackoffRate=1)], {}, {"events", "herd", "holds"}),
    ([retrier(MaxAttempts=0)], {}, {"herd", "price", "holds"}),
]


@pytest.mark.parametrize(("retry", "options", "rules"), SILENT)
def test_a_rule_is_silent(retry, options, rules):
    assert not {finding.rule for finding in advise(retry, **options)} & rules


def in_a_map(config=None, *, around=None, **fields):
    inner = {"StartAt": "Call", "States": {"Call": one_task(retrier(MaxAttempts=8)).source["States"]["Call"]}}
    processor = inner if config is None else {**inner, "ProcessorConfig": config}
    state = {"Type": "Map", "ItemProcessor": processor, "End": True, **(around or {})}
    return sfnbook.load({"StartAt": "Orders", "States": {"Orders": state}, **fields})


def described(states):
    arn = "arn:aws:states:us-east-1:111122223333:stateMachine:Fast"
    return sfnbook.load(
        {"stateMachineArn": arn, "name": "Fast", "type": "EXPRESS", "definition": json.dumps(states)}
    )


def rules_of(machine, **options):
    return {finding.rule: finding for finding in advise(machine, **options)}


def test_in_a_map_the_events_of_all_items_count():
    found = {finding.rule: finding for finding in advise(in_a_map())}
    assert "up to 31 events for each item of 'Orders': with more than 806 items" in found["events"].text
    assert found["herd"].severity == "warning"
    assert "iterations of 'Orders'" in found["herd"].text
    assert "events" not in {finding.rule for finding in advise(in_a_map(), items=800)}
    assert advise((in_a_map(), "Call"))[0].rule == "events"


def test_the_retry_of_a_map_makes_all_iterations_again():
    around = {"Retry": [retrier(MaxAttempts=7, JitterStrategy="FULL")]}
    texts = [finding.text for finding in advise(in_a_map(around=around)) if finding.state == "Orders"]
    assert "8 times 1,000 items write at least 32,000 events" in texts[0]
    texts = [
        finding.text for finding in advise(in_a_map(around=around), items=700) if finding.state == "Orders"
    ]
    assert not any("events" in text for text in texts)


def test_iterations_that_come_one_by_one_are_no_herd():
    assert rules_of(in_a_map(around={"MaxConcurrency": 1}))["herd"].severity == "note"
    assert rules_of(in_a_map(around={"MaxConcurrency": 2}))["herd"].severity == "warning"


def test_the_iterations_of_a_distributed_map_have_histories_of_their_own():
    found = rules_of(in_a_map({"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}))
    assert "events" not in found
    assert "outlasts" not in found
    assert "iterations of 'Orders'" in found["herd"].text
    assert "bills up to 9 transitions" in found["price"].text
    found = rules_of(in_a_map({"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}))
    # 64 MB for 255 s: 1 + 2 + ... + 128
    assert "can hold an Express execution for 4 min 15 s" in found["price"].text


def test_express_executions_end_after_five_minutes_and_are_billed_by_time():
    states = one_task(retrier(IntervalSeconds=60, MaxAttempts=4)).source
    machine = described(states)
    found = rules_of(machine)
    assert "outlasts the 5 minutes of an Express execution: at most 2 of its 4" in found["outlasts"].text
    # 300 s with 64 MB, a million times: 18.75 million GB-seconds, the last 150,000 of them at the lowest step.
    dollars = 1 + 3.6 * 16.67 + 14.4 * 8.33 + 0.75 * 4.56
    assert f"for 5 min: a million of them cost ${dollars:.2f} instead of $1.10" in found["price"].text
    limited = rules_of(described({**states, "TimeoutSeconds": 100}))
    assert "the execution's TimeoutSeconds, 1 min 40 s" in limited["outlasts"].text


def test_what_no_machine_says_can_be_said():
    machine, policy = one_task(retrier(IntervalSeconds=60, MaxAttempts=4)), [retrier(IntervalSeconds=60)]
    for given in (machine, (machine, "Call"), policy):
        assert "the 5 minutes" in rules_of(given, type="EXPRESS")["outlasts"].text
        assert "TimeoutSeconds, 10 s" in rules_of(given, timeout_seconds=10)["outlasts"].text
        assert "TimeoutSeconds, 10 s" in rules_of(given, timeout_seconds=10, type="EXPRESS")["outlasts"].text


@pytest.mark.parametrize(
    "options", [{"items": 0}, {"items": "many"}, {"timeout_seconds": 0.5}, {"type": "FAST"}], ids=str
)
def test_what_is_no_fact_is_told(options):
    with pytest.raises(sfnbook.UsageError, match=f"{next(iter(options))}="):
        advise(SEED, **options)


def test_the_timeout_of_the_machine_counts():
    found = [finding for finding in advise(in_a_map(TimeoutSeconds=100)) if finding.rule == "outlasts"]
    assert [(finding.state, finding.severity) for finding in found] == [("Call", "warning")]
    assert "at most 6 of its 8 retries" in found[0].text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"MaxAttempts": 9, "MaxDelaySeconds": 20},
        {"BackoffRate": 1, "MaxAttempts": 500},
        {"BackoffRate": 1.3},
    ],
)
def test_the_longest_wait_is_the_sum_of_the_delays(fields):
    (one,) = read_policy([retrier(**fields)]).retry
    assert longest_wait(one) == pytest.approx(sum(base_delay(one, used) for used in range(one.max_attempts)))


def test_the_longest_wait_of_a_hundred_million_attempts_takes_no_time():
    (one,) = read_policy([retrier(MaxAttempts=99_999_999, MaxDelaySeconds=60)]).retry
    assert longest_wait(one) == 63 + 60 * (99_999_999 - 6)


def test_attempts_take_the_time_that_they_may():
    state = {"Type": "Task", "Retry": [retrier(MaxAttempts=2)], "TimeoutSeconds": 10}
    assert worst_seconds(read_policy(state)) == 1 + 2 + 3 * 10


def test_it_shows_itself_escaped():
    machine = sfnbook.load({"StartAt": "<b>", "States": {"<b>": one_task(*SEED).source["States"]["Call"]}})
    html = advise(machine)._repr_mimebundle_()["text/html"]
    assert "<b>" not in html
    assert str(advise([])).startswith("Nothing to say")
    assert len(advise(machine).table()) == len(advise(machine))
