"""What was used up: counts, the largest payload at any cursor, dollars, and warnings before a limit."""

import pytest

import sfnbook
from sfnbook.debugging.totals import Payloads, Totals
from sfnbook.prices import PRICES
from sfnbook.values import size
from tests.debugging import LINE, MACHINES, block, debug, debug_map, task


def test_counts_and_dollars():
    debugger = debug_map([1, 2])
    debugger.run()
    used = debugger.totals()
    execution = debugger.execution
    assert (used.transitions, used.billed_transitions) == (execution.cursor, execution.billed_transitions)
    assert used.events == len(execution.history())
    assert used.standard == pytest.approx(0.000025 * execution.billed_transitions)
    assert used.express == pytest.approx(0.000001 + 15 * 64 / 1024 * 0.00001667)


def test_everything_goes_back_with_the_cursor():
    debugger = debug(LINE, {"a": "x" * 100})
    begin = debugger.totals()
    debugger.run()
    assert debugger.totals() != begin
    debugger.restart()
    assert debugger.totals() == begin


def test_the_largest_payload_is_that_of_a_result_too():
    debugger = debug(block(Call=task(ResultPath=None, End=True)), {}, tasks={"Call": "x" * 1000})
    debugger.run_to("Call")
    assert debugger.totals().largest_payload == 2
    debugger.run()
    assert debugger.totals().largest_payload == 1002


@pytest.mark.parametrize("name", MACHINES)
def test_the_largest_payload_at_each_cursor_is_that_of_a_new_computation(name):
    debugger = MACHINES[name]()
    debugger.run()
    changes = debugger.execution.changes
    follower = Payloads()
    seen = [follower.follow(changes[:number]).largest(number) for number in range(1, len(changes) + 1)]
    assert seen == [Payloads().follow(changes).largest(number) for number in range(1, len(changes) + 1)]
    assert seen == sorted(seen)
    assert seen[-1] >= size(debugger.execution.input)


def test_prices_can_be_changed():
    debugger = debug(LINE, {})
    debugger.run()
    before = debugger.totals().standard
    debugger.prices = PRICES._replace(standard_transition=1.0)
    assert debugger.totals().standard == pytest.approx(before / 0.000025)


def test_an_express_workflow_has_no_limit_of_events():
    machine = sfnbook.load(LINE)
    assert sfnbook.Debugger(machine, {}, type="EXPRESS").totals().events_limit is None
    assert sfnbook.Debugger(machine, {}, limits=None).totals()[3::2][:2] == (None, None)


@pytest.mark.parametrize(
    ("used", "words"),
    [
        ({}, []),
        ({"events": 19_999}, []),
        ({"events": 20_000}, ["20,000 of 25,000 events"]),
        ({"largest_payload": 262_000}, ["262,000 bytes"]),
        ({"events": 24_000, "events_limit": None}, []),
        ({"events": 25_000, "largest_payload": 250_000}, ["25,000", "250,000"]),
    ],
    ids=str,
)
def test_there_is_a_warning_before_a_limit(used, words):
    warnings = Totals(1, 1, 10, 25_000, 10, 262_144, 0, 0)._replace(**used).warnings
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))
