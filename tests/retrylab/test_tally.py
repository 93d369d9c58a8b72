"""Tallies: means, percentiles and their intervals, exact and in bins, in any order of merging."""

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import UsageError
from sfnbook.retrylab.tally import ERROR, MOST_EXACT, Tally, binned, middle, share_of

NUMBERS = st.lists(st.integers(0, 10**13), min_size=1, max_size=60)


@given(NUMBERS, st.integers(0, 100))
def test_it_says_what_the_numbers_say(numbers, percent):
    tally = Tally(numbers)
    assert tally.mean().value == pytest.approx(statistics.fmean(numbers))
    if len(numbers) > 1:
        assert tally.deviation() == pytest.approx(statistics.stdev(numbers), rel=1e-6, abs=1e-6)
    rank = max(1, math.ceil(percent / 100 * len(numbers)))
    assert tally.percentile(percent).value == sorted(numbers)[rank - 1]


@given(NUMBERS, st.data())
def test_merging_parts_is_counting_all(numbers, data):
    cut = data.draw(st.integers(0, len(numbers)))
    merged = Tally(numbers[:cut])
    merged.merge(Tally(numbers[cut:]))
    assert merged == Tally(numbers)


def test_many_different_numbers_are_counted_in_bins_whoever_counted_them():
    draw = random.Random(1)
    numbers = [int(draw.expovariate(1e-7)) for _ in range(3 * MOST_EXACT)]
    whole, parts = Tally(numbers), Tally()
    for start in range(0, len(numbers), 256):
        parts.merge(Tally(numbers[start : start + 256]))
    assert whole == parts
    assert whole.rough
    assert len(whole.counts) < MOST_EXACT
    assert whole.mean().value == pytest.approx(statistics.fmean(numbers), rel=1e-12)
    for percent in (1, 50, 95, 99.9):
        exact = sorted(numbers)[math.ceil(percent / 100 * len(numbers)) - 1]
        assert whole.percentile(percent).value == pytest.approx(exact, rel=ERROR)


def test_up_to_ten_thousand_different_numbers_it_is_exact():
    assert not Tally(range(MOST_EXACT)).rough
    assert Tally(range(MOST_EXACT + 1)).rough


@given(st.integers(0, 1 << 60))
def test_a_bin_stands_for_its_numbers(number):
    least = binned(number)
    assert least <= number
    assert binned(middle(least)) == least
    assert abs(middle(least) - number) <= ERROR * number


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    draw = random.Random(7)
    held = {"mean": 0, "median": 0, "share": 0}
    for _ in range(400):
        numbers = [round(draw.expovariate(1) * 1e6) for _ in range(300)]
        tally = Tally(numbers)
        held["mean"] += tally.mean().low <= 1e6 <= tally.mean().high
        median = tally.percentile(50)
        held["median"] += median.low <= math.log(2) * 1e6 <= median.high
        low, high = share_of(sum(number > 1e6 for number in numbers), 300)[1:]
        held["share"] += low <= math.exp(-1) <= high
    assert all(0.91 <= count / 400 <= 0.985 for count in held.values()), held


def test_nothing_has_no_percentiles():
    for ask in (Tally().mean, lambda: Tally().percentile(50), lambda: share_of(0, 0)):
        with pytest.raises(UsageError, match="Not one run"):
            ask()


# Of 20 numbers not one is sure to lie beyond the 95th percentile: how far that may be nobody knows.
FEW = [([5], 50, (5, -math.inf, math.inf)), (range(1, 21), 95, (19, 18, math.inf)),
       (range(1, 21), 5, (1, -math.inf, 3)), (range(1, 21), 100, (20, 20, 20)), (range(1, 21), 0, (1, 1, 1))]  # fmt: skip


@pytest.mark.parametrize(("numbers", "percent", "estimate"), FEW)
def test_from_too_few_numbers_an_interval_has_no_bound(numbers, percent, estimate):
    assert Tally(list(numbers)).percentile(percent) == estimate


def test_one_number_does_not_say_how_far_the_next_may_be():
    assert Tally([5]).mean() == (5, -math.inf, math.inf)


@pytest.mark.parametrize("percent", [-1, 101, "99", True, math.nan])
def test_percentiles_go_from_0_to_100(percent):
    with pytest.raises(UsageError, match="from 0 to 100"):
        Tally([1]).percentile(percent)
