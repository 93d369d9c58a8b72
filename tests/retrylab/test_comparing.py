"""Policies on the same seeds: real differences are told, chance is not."""

import pytest

import sfnbook
from sfnbook import UsageError, compare_policies, simulate
from sfnbook.retrylab.policies import read_policy
from sfnbook.retrylab.rivals import with_policy
from sfnbook.tasks import attempts, failure, faulty, flaky, result, uniform
from tests.retrylab.policies import one_task, retrier

FLAKY = faulty(result({}, seconds=uniform(0, 1)), flaky(0.4, error="Busy"))
NONE, PLAIN = [], [retrier(MaxAttempts=4)]
JITTER = [retrier(MaxAttempts=4, JitterStrategy="FULL")]


def verdicts(comparison):
    return {one.figure: one.verdict for one in comparison.differences}


def test_what_differs_and_what_does_not():
    found = verdicts(compare_policies({"plain": PLAIN, "jitter": JITTER}, FLAKY, runs=2_000, progress=False))
    assert found["succeeded"] == found["attempts, mean"] == "none"
    assert found["time (s), mean"] == found["time (s), 95 % of runs within"] == "less"


def test_a_policy_does_not_differ_from_itself():
    comparison = compare_policies({"a": JITTER, "b": JITTER}, FLAKY, runs=500, progress=False)
    assert set(verdicts(comparison).values()) == {"none"}
    assert all(one.difference[:1] == (0,) for one in comparison.differences)
    words = "no difference in success, no difference in time, no difference in attempts."
    assert str(comparison) == f"b against a: {words}"


def test_one_run_tells_no_difference():
    comparison = compare_policies({"none": NONE, "plain": PLAIN}, attempts(failure("Busy"), {}), runs=1)
    assert set(verdicts(comparison).values()) == {"none"}


def test_pairs_tell_a_difference_that_is_smaller_than_the_noise():
    tasks = [{"Call": faulty(result({}, seconds=uniform(0, 10)), flaky(0.4, error="Busy"))} for _ in range(2)]
    slow, fast = one_task(retrier(IntervalSeconds=2, MaxAttempts=1)), one_task(retrier(MaxAttempts=1))
    options = {"runs": 1_000, "progress": False}
    same = simulate(slow, tasks=tasks[0], **options).compare(simulate(fast, tasks=tasks[1], **options))
    other = simulate(slow, tasks=tasks[0], **options).compare(
        simulate(fast, tasks=tasks[1], seed=1, **options)
    )
    width = {name: one.differences[1].difference.high - one.differences[1].difference.low
             for name, one in {"same": same, "other": other}.items()}  # fmt: skip
    assert width["same"] < width["other"] / 4
    assert same.differences[1].verdict == "less"


def test_a_paired_interval_holds_the_true_difference():
    # Both wait once with chance 0.4: for 3 seconds, or for half of that on average.
    policies = {"plain": [retrier(IntervalSeconds=3, MaxAttempts=1)],
                "jitter": [retrier(IntervalSeconds=3, MaxAttempts=1, JitterStrategy="FULL")]}  # fmt: skip
    held = 0
    for seed in range(60):
        comparison = compare_policies(policies, FLAKY, runs=400, seed=seed, progress=False)
        difference = comparison.differences[1].difference
        held += difference.low <= -0.4 * 1.5 <= difference.high
    assert held >= 52


@pytest.mark.parametrize(("before", "names"), [(700, ["a", "b"]), (1_300, ["a", "b", "c"])])
def test_an_interrupt_compares_what_is_done(before, names):
    done = []

    def answer(_event):
        done.append(1)
        if len(done) == before:
            raise KeyboardInterrupt
        return {}

    policies = {"a": NONE, "b": NONE, "c": PLAIN}
    comparison = compare_policies(policies, answer, runs=600, progress=False)
    assert list(comparison.simulations) == names
    assert [one.runs for one in comparison.simulations.values()][-1] == (before - 1) % 600


def test_an_interrupt_that_leaves_nothing_to_compare_is_one():
    def answer(_event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_policies({"a": NONE, "b": PLAIN}, answer, runs=600, progress=False)


def test_on_a_machine_the_policies_replace_the_retry_of_a_state():
    inner = {"StartAt": "Call", "States": {"Call": one_task(*PLAIN).source["States"]["Call"]}}
    machine = sfnbook.load(
        {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
    )
    changed = with_policy(machine, "Call", read_policy(JITTER))
    state = changed.source["States"]["M"]["ItemProcessor"]["States"]["Call"]
    assert state["Retry"][0]["JitterStrategy"] == "FULL"
    assert changed.source != machine.source
    assert with_policy(changed, "Call", read_policy(JITTER)).source == changed.source
    comparison = compare_policies(
        {"none": NONE, "plain": PLAIN}, {"Call": attempts(failure("Busy"), {})}, machine=machine, state="Call",
        input=[[1, 2]], runs=5, progress=False,
    )  # fmt: skip
    assert comparison.overview().column("succeeded") == [0, 1]


MISUSED = {
    "one policy": (lambda: compare_policies({"a": PLAIN}, {}), "at least two policies"),
    "no names": (lambda: compare_policies([PLAIN, JITTER], {}), "by name"),
    "no state": (lambda: compare_policies({"a": NONE, "b": PLAIN}, {}, machine=one_task()), "state="),
}


@pytest.mark.parametrize(("call", "words"), MISUSED.values(), ids=list(MISUSED))
def test_misuse_says_how_to_mend_it(call, words):
    with pytest.raises(UsageError, match=words):
        call()


def test_it_shows_itself_escaped():
    comparison = compare_policies({"<a>": NONE, "<b>": PLAIN}, FLAKY, runs=300, progress=False)
    html = comparison._repr_mimebundle_()["text/html"]
    assert "<a>" not in html
    assert "&lt;a&gt;" in html
    assert [line.get_label() for line in comparison.plot().axes[0].lines] == ["<a>", "<b>"]
    assert len(comparison.table()) == len(comparison.differences)
