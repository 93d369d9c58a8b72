"""How long things take: distributions drawn from 64 bits, and from the seed of an execution."""

import math
import pickle
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import UsageError
from sfnbook.chance import MASK, mix
from sfnbook.tasks import exponential, normal, result, timed, uniform
from sfnbook.tasks.durations import drawn, longer
from tests.machines import mapping, of_kind, one, task, times

BITS = st.integers(0, MASK)
SECONDS = st.floats(0, 1e6)
MANY = [mix(number) for number in range(20_000)]


@given(BITS, SECONDS, SECONDS)
def test_uniform_stays_within_its_bounds(bits, one, other):
    low, high = sorted((one, other))
    assert low <= uniform(low, high).draw(bits) <= math.nextafter(high, math.inf)


@given(BITS, SECONDS, SECONDS)
def test_no_duration_is_negative_or_endless(bits, mean, deviation):
    for duration in (exponential(mean), normal(mean, deviation)):
        assert 0 <= duration.draw(bits) < math.inf


@pytest.mark.parametrize(
    ("duration", "mean", "deviation"),
    [(uniform(1, 3), 2, 2 / math.sqrt(12)), (exponential(2), 2, 2), (normal(10, 2), 10, 2)],
    ids=repr,
)
def test_what_is_drawn_has_the_distribution(duration, mean, deviation):
    some = [duration.draw(bits) for bits in MANY]
    assert statistics.fmean(some) == pytest.approx(mean, rel=0.02)
    assert statistics.stdev(some) == pytest.approx(deviation, rel=0.02)


@given(SECONDS, SECONDS)
def test_numpy_draws_the_same_uniform_bits(one, other):
    low, high = sorted((one, other))
    fractions = (np.array(MANY[:100], dtype=np.uint64) >> np.uint64(11)) * (1.0 / (1 << 53))
    assert (low + (high - low) * fractions).tolist() == [uniform(low, high).draw(bits) for bits in MANY[:100]]


@given(BITS, st.lists(st.sampled_from([0, 2.5, uniform(1, 3), exponential(4)]), min_size=1))
def test_a_sum_draws_what_its_first_part_draws(bits, parts):
    total = parts[0]
    for part in parts[1:]:
        total = longer(total, part)
    assert drawn(total, bits) >= drawn(parts[0], bits)
    assert drawn(longer(uniform(1, 3), 5), bits) == drawn(uniform(1, 3), bits) + 5
    assert drawn(longer(5, uniform(1, 3)), bits) == drawn(uniform(1, 3), bits) + 5


@pytest.mark.parametrize(
    "make",
    [
        lambda: uniform(3, 1), lambda: uniform(-1, 1), lambda: uniform("1", 2), lambda: exponential(-1),
        lambda: exponential(float("inf")), lambda: normal(1, float("nan")), lambda: normal(True, 1),
    ],
)  # fmt: skip
def test_wrong_numbers_are_refused(make):
    with pytest.raises(UsageError, match=r"lower bound|finite numbers of seconds"):
        make()


# --- in an execution ------------------------------------------------------------------------------
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}]


def slowly(event):
    return result(event, seconds=normal(50, 10))


ANSWERS = {
    "value": result(1, seconds=uniform(1, 100)),
    "function": timed(abs, seconds=exponential(10)),
    "function's own": slowly,
}


def taken(answer, **options):
    execution = one(task()).start(1, tasks={"*": answer}, **options).run()
    return times(execution, "TaskSucceeded")[0]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=list(ANSWERS))
def test_the_same_seed_draws_the_same_and_another_seed_other_durations(answer):
    assert taken(answer) == taken(answer) > 0
    assert len({taken(answer, seed=seed) for seed in range(5)}) == 5


def test_each_iteration_and_each_visit_draws_anew():
    work = mapping({"StartAt": "W", "States": {"W": task()}}, ItemsPath="$")
    execution = one(work).start([0, 1, 2, 3], tasks={"W": result(1, seconds=uniform(1, 2))}).run()
    assert len(set(times(execution, "TaskSucceeded"))) == 4


def test_fork_pickle_and_redo_draw_the_same():
    execution = one(task()).start(tasks={"S": result(1, seconds=uniform(1, 100))})
    execution.run(until="S")
    copies = [execution.fork(), pickle.loads(pickle.dumps(execution))]
    whole = execution.run().transitions
    assert [copy.run().transitions for copy in copies] == [whole, whole]
    while execution.back():
        pass
    assert execution.run().transitions == whole


def test_a_long_draw_is_a_timeout():
    execution = one(task(TimeoutSeconds=5)).start(tasks={"S": result(1, seconds=uniform(10, 20))}).run()
    assert execution.error == "States.Timeout"
    assert times(execution, "TaskTimedOut") == [5.0]


def test_a_function_that_fails_takes_its_time_too():
    def broken(event):
        raise KeyError("orderId")

    execution = one(task(Retry=RETRY)).start(tasks={"S": timed(broken, seconds=2)}).run()
    assert times(execution, "TaskFailed") == [2.0, 5.0, 9.0, 15.0]
    (failed, *_) = of_kind(execution, "TaskFailed")
    assert 'raise KeyError("orderId")' in failed.traceback
