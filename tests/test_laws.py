"""The laws of the engine, for every machine, input and set of answers that `scenarios` can think of."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook import AWS_LIMITS, UsageError
from sfnbook.frames import AWAITING, BILLED, KINDS, WORLD
from sfnbook.tasks import attempts, failure, result
from sfnbook.timers import TimerIndex
from tests.scenarios import ACTIVITY, LAMBDA, LAW, MOVES, Scenario, drive, scenarios

ENGINE = Path(sfnbook.__file__).parent
COPIES = {
    "fork": lambda execution: execution.fork(),
    "pickle": lambda execution: pickle.loads(pickle.dumps(execution)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


# --- what an execution is -------------------------------------------------------------------------
def state_of(execution):
    """All that a step may move, rendered so that nothing in it is shared."""
    execution.settle()
    counters = {key: number for key, number in execution.counters.items() if number}
    cursor, billed, now = execution.cursor, execution.billed, execution.clock
    return copy.deepcopy((execution.frames, counters, cursor, billed, now)), execution.next_frame()


def outcome_of(execution):
    """What people see of a run."""
    return (
        execution.status, execution.output, execution.error, execution.cause, execution.time, execution.now,
        execution.billed_transitions,
    )  # fmt: skip


def story_of(execution):
    return execution.transitions, execution.history(), outcome_of(execution)


def check_derived(execution):
    """The table, the counters, the clock and the timer index are what the changes make of them."""
    execution.settle()
    changes = execution.changes[: execution.cursor]
    fresh = execution.setup
    frames = {WORLD: type(execution)(fresh).frames[WORLD]}
    counters = defaultdict(int)
    for change in changes:
        for old, new in (*change.others, (change.before, change.after)):
            if new is None:
                frames.pop(old.id, None)
            else:
                frames[new.id] = new
        if change.events:
            key = change.frame.scope.execution.key
            assert change.first == counters[key] + 1
            counters[key] += len(change.events)
    assert execution.frames == frames
    assert {key: number for key, number in execution.counters.items() if number} == dict(counters)
    assert execution.billed == sum(change.kind in BILLED for change in changes)
    assert execution.clock == (changes[-1].time if changes else fresh.birth.time)
    if execution._index is not None:
        assert execution._index.live(frames) == TimerIndex(frames.values()).live(frames)


def cursor_at(execution, share):
    """Take the execution back to a share (0 to 99) of its length."""
    wanted = execution.cursor * share // 100
    while execution.cursor > wanted:
        execution.back()
    return execution


SHARES = st.integers(0, 99)


# --- back and forth -------------------------------------------------------------------------------
@LAW
@given(scenarios())
def test_back_restores_everything_and_redo_gives_the_same_transitions(scenario):
    execution = scenario.run()
    story, length = story_of(execution), execution.cursor
    before = [state_of(execution)]
    while (transition := execution.back()) is not None:
        assert transition == story[0][execution.cursor]
        before.append(state_of(execution))
        check_derived(execution)
    for earlier, transition in zip(reversed(before[:-1]), execution, strict=True):
        assert transition == story[0][transition.number]
        assert state_of(execution) == earlier
    assert execution.cursor == length
    assert story_of(execution) == story


@LAW
@given(scenarios(), SHARES)
def test_the_next_decision_after_back_is_the_one_that_was_made(scenario, share):
    execution = scenario.run()
    story = execution.transitions
    cursor_at(execution, share)
    while execution.cursor < len(story):
        forgetful = execution.fork()
        del forgetful.changes[forgetful.cursor :]
        recorded = execution.step()
        if recorded.kind not in {"Answered", "Heartbeat", "Edited", "ExecutionAborted"} and not by_hand(
            recorded
        ):
            assert forgetful.step() == recorded


def by_hand(transition):
    """Did people take an activity task?  What a pool of workers takes is decided like any other step."""
    change = transition._change
    return change.events == ("ActivityStarted",) and change.before.phase == AWAITING


@LAW
@given(scenarios(), SHARES, st.sampled_from(["run", "iterate", "run until the end"]))
def test_going_on_after_back_ends_in_the_same_place(scenario, share, way):
    execution = scenario.run()
    story = story_of(execution)
    cursor_at(execution, share)
    ways = {
        "run": execution.run,
        "iterate": lambda: [*execution],
        "run until the end": lambda: execution.run(lambda _: False),
    }
    ways[way]()
    assert story_of(execution) == story


# --- copies ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("way", COPIES)
@LAW
@given(scenarios(), SHARES, SHARES)
def test_a_copy_goes_on_identically_and_alone(way, scenario, share, further):
    story = story_of(scenario.run())
    execution = scenario.start()
    for _ in zip(range(len(story[0]) * share // 100), execution, strict=False):
        pass
    before = state_of(execution)
    clone = COPIES[way](execution)
    assert state_of(clone) == before
    moves = scenario.moves[sum(map(is_move, execution.transitions)) :]
    drive(clone, moves)
    check_derived(clone)
    assert state_of(execution) == before
    drive(execution, moves)
    assert story_of(execution) == story_of(clone)
    cursor_at(clone, further)
    clone.inject_error(*first_task(scenario), attempts="all") if first_task(
        scenario
    ) else clone.clear_faults()
    drive(clone, scenario.moves)
    assert story_of(execution) == story_of(drive(execution.fork(), ()))
    check_derived(execution)


def is_move(transition):
    return transition.kind in {"Answered", "Heartbeat", "Edited", "ExecutionAborted"}


def first_task(scenario):
    return [next(iter(scenario.tasks)), "Injected"] if scenario.tasks else []


@LAW
@given(scenarios())
def test_the_same_seed_gives_the_same_run(scenario):
    assert story_of(scenario.run()) == story_of(scenario.run())


# --- ways of running ------------------------------------------------------------------------------
def stepping(execution):
    while execution.step() is not None:
        check_derived(execution)


@LAW
@given(scenarios())
def test_run_equals_repeated_step(scenario):
    stepped, ran = drive(scenario.start(), scenario.moves, stepping), scenario.run()
    check_derived(ran)
    assert story_of(stepped) == story_of(ran)
    assert state_of(stepped) == state_of(ran)


@LAW
@given(scenarios(), st.lists(st.sampled_from([0, 0.5, 1, 2, 3, 5, 8, 60]), max_size=8).map(sorted))
def test_running_in_portions_of_time_equals_running(scenario, moments):
    def portions(execution):
        for moment in moments:
            assert execution.run(until=moment).time <= max(moment, execution.time)
        execution.run()

    assert story_of(drive(scenario.start(), scenario.moves, portions)) == story_of(scenario.run())


@LAW
@given(scenarios())
def test_a_run_without_history_decides_the_same(scenario):
    forgetful, ran = scenario.run(keep_history=False), scenario.run()
    assert outcome_of(forgetful) == outcome_of(ran)
    assert forgetful.cursor == ran.cursor
    assert forgetful.frames == ran.frames
    assert forgetful.counters == ran.counters
    assert forgetful.transitions == forgetful.history() == []


@LAW
@given(scenarios())
def test_who_watches_a_run_without_history_sees_every_change(scenario):
    seen, ran = [], scenario.run()
    assert outcome_of(scenario.watch(seen.append)) == outcome_of(ran)
    assert seen == ran.changes


ORDERED = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 0.5, 1, 2, 3])), max_size=7)


@LAW
@given(ORDERED, st.integers(0, 3), st.booleans(), st.booleans())
def test_a_map_keeps_the_order_of_its_items(items, concurrency, distributed, waits):
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} if distributed else {"Mode": "INLINE"}
    work = {"Type": "Task", "Resource": LAMBDA, "End": True}
    states = (
        {"Wait": {"Type": "Wait", "SecondsPath": "$[0]", "Next": "Work"}, "Work": work}
        if waits
        else {"Work": work}
    )
    processor = {"ProcessorConfig": config, "StartAt": next(iter(states)), "States": states}
    each = {"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": concurrency, "End": True}
    execution = sfnbook.load({"StartAt": "Each", "States": {"Each": each}}).start(
        items, tasks=lambda event: result(event[0] * 10, seconds=event[1])
    )
    assert execution.result() == [number * 10 for number, _ in items]
    spans = [number * waits + seconds for number, seconds in items]
    assert execution.time == scheduled(spans, concurrency or len(items))


def scheduled(spans, workers):
    """When the last is done, if whoever is free takes the next."""
    free = [0.0] * workers
    for span in spans:
        free.sort()
        free[0] += span
    return max(free, default=0)


# --- interrupts -----------------------------------------------------------------------------------
@contextmanager
def interrupted_at(line):
    """A KeyboardInterrupt before the n-th line that the engine runs."""
    left = line

    def trace(frame, event, _argument):
        nonlocal left
        if not frame.f_code.co_filename.startswith(str(ENGINE)):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    old = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(old)


@LAW
@given(scenarios(), st.lists(st.integers(1, 3000), min_size=1, max_size=8))
def test_an_interrupt_leaves_a_whole_transition(scenario, lines):
    story = story_of(scenario.run())

    def stubborn(execution):
        for line in lines:
            with suppress(KeyboardInterrupt), interrupted_at(line):
                execution.run()
            check_derived(execution)
        execution.run()

    execution = drive(scenario.start(), scenario.moves, stubborn)
    check_derived(execution)
    assert story_of(execution) == story


def fanned_out():
    """Every kind of bookkeeping in one run: children, a shared counter, a retry, a catch."""
    branch = {"StartAt": "Work", "States": {"Work": {
        "Type": "Task", "Resource": LAMBDA, "Retry": [{"ErrorEquals": ["E1"]}], "End": True,
    }}}  # fmt: skip
    each = {"Type": "Map", "ItemProcessor": branch, "MaxConcurrency": 2, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}], "Next": "Z"}  # fmt: skip
    machine = {"StartAt": "Each", "States": {"Each": each, "Z": {"Type": "Pass", "End": True}}}
    answer = attempts(failure("E1"), result(1, seconds=1))
    return Scenario(machine, [1, 2, 3], {"Work": answer}, 0, ())


WAYS = {
    "run": (lambda execution: execution, lambda execution: execution.run()),
    "step": (lambda execution: execution, lambda execution: [*execution]),
    "redo": (lambda execution: cursor_at(execution.run(), 0), lambda execution: execution.run()),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupt_at_every_single_line(way):
    prepare, go = WAYS[way]
    story, line = story_of(fanned_out().run()), 0
    while True:
        line += 1 + line // 40
        execution = prepare(fanned_out().start())
        try:
            with interrupted_at(line):
                go(execution)
        except KeyboardInterrupt:
            check_derived(execution)
            assert story_of(execution.run()) == story
        else:
            break
    assert line > 100


def test_an_interrupted_step_back_leaves_a_whole_transition():
    execution = fanned_out().run()
    story = story_of(execution)
    for line in range(1, 40):
        while execution.cursor:
            with suppress(KeyboardInterrupt), interrupted_at(line):
                execution.back()
            check_derived(execution)
            with suppress(KeyboardInterrupt):
                execution.back()
        assert story_of(execution.run()) == story


# --- views ----------------------------------------------------------------------------------------
def views_of(transition):
    return {
        name: getattr(transition, name)
        for name in (
            "kind", "time", "state", "path", "attempt", "visit", "id", "input", "output", "error", "cause",
            "traceback", "variables", "events", "data_flow", "why",
        )
    } | {"repr": repr(transition), "bundle": transition._repr_mimebundle_()}  # fmt: skip


@LAW
@given(scenarios())
def test_what_a_transition_shows_never_fails_and_never_changes(scenario):
    execution, seen = scenario.start(), {}

    def watching(execution):
        seen.update({transition.number: views_of(transition) for transition in execution})

    drive(execution, scenario.moves, watching)
    for number, transition in enumerate(execution.transitions):
        views = views_of(transition)
        assert views == seen.get(number, views)
        assert transition.number == number
        assert views["kind"] in KINDS
        json.dumps([views["data_flow"], views["events"], views["output"]], default=str)


# --- the history ----------------------------------------------------------------------------------
@LAW
@given(scenarios())
def test_every_history_is_well_formed(scenario):
    execution = scenario.run()
    events = execution.history()
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(0 <= event["previousEventId"] < event["id"] for event in events)
    assert events[0]["type"] == "ExecutionStarted"
    assert events[-1]["type"] == "Execution" + {"TIMED_OUT": "TimedOut"}.get(
        execution.status, execution.status.title()
    )
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    json.dumps(events)
    entered, exited = (names_of(events, "state" + word) for word in ("Entered", "Exited"))
    assert not exited - entered
    if not FAILING & {transition.kind for transition in execution.transitions}:
        assert entered == exited


FAILING = {"TaskFailed", "TaskTimedOut", "RetryScheduled", "Caught", "FanOutFailed", "ExecutionFailed",
           "ExecutionTimedOut", "ExecutionAborted"}  # fmt: skip


def names_of(events, kind):
    """How often each state's name stands in events of a kind."""
    details = f"{kind}EventDetails"
    return Counter(event[details]["name"] for event in events if details in event)


@LAW
@given(scenarios(), st.integers(2, 60))
def test_no_history_is_longer_than_the_limit(scenario, limit):
    execution = scenario.run(limits=AWS_LIMITS._replace(events=limit))
    events = execution.history()
    assert len(events) <= limit
    check_derived(execution)
    unlimited = scenario.run().history()
    assert len(unlimited) <= limit or execution.status != "RUNNING"


def test_an_endless_loop_ends_at_25000_events():
    again = {"Variable": "$.stop", "IsPresent": False, "Next": "A"}
    states = {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [again], "Default": "C"},
        "C": {"Type": "Succeed"},
    }
    execution = sfnbook.load({"StartAt": "A", "States": states}).start().run()
    assert len(execution.history()) == 25_000
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")


# --- payloads -------------------------------------------------------------------------------------
def spoil(value):
    """Change a JSON value in every place where it can be."""
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value["spoilt"] = ["spoilt"]
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoilt")


@LAW
@given(scenarios())
def test_what_goes_out_is_never_shared(scenario):
    execution = scenario.run()
    before = pickle.dumps((execution.changes, execution.frames))
    for transition in execution.transitions:
        for value in views_of(transition).values():
            spoil(value)
    for value in (execution.output, execution.input, execution.history()):
        spoil(value)
    assert pickle.dumps((execution.changes, execution.frames)) == before


@LAW
@given(scenarios())
def test_what_comes_in_is_never_shared(scenario):
    story = story_of(scenario.run())
    private = Scenario(*copy.deepcopy(tuple(scenario)))
    machine = sfnbook.load(private.definition)
    execution = private._replace(definition=machine.source).start()
    spoil(private.definition)
    spoil(private.input)
    spoil(machine.source)
    assert story_of(drive(execution, scenario.moves)) == story


def spoiling(event, context):
    spoil(event)
    return event


def test_a_function_that_spoils_its_event_spoils_nothing_else():
    work = {"Type": "Task", "Resource": LAMBDA, "ResultPath": None, "End": True}
    execution = sfnbook.load({"StartAt": "S", "States": {"S": work}}).start({"a": [1]}, tasks=spoiling)
    assert execution.result() == {"a": [1]}


# --- what people do, anywhere ---------------------------------------------------------------------
def at_a_state(execution, action):
    names = [state.name for state in execution.setup.programs["main"].definition.walk()]
    return action(names[execution.cursor % len(names)])


ACTIONS = {
    "step": lambda execution: execution.step(),
    "back": lambda execution: execution.back(),
    "back five": lambda execution: [execution.back() for _ in range(5)],
    "run": lambda execution: execution.run(),
    "run a second": lambda execution: execution.run(until=execution.time + 1),
    "run to": lambda execution: at_a_state(execution, lambda name: execution.run(until=name)),
    "edit": lambda execution: execution.edit_input({"n": 2, "items": [{"n": 1, "items": []}]}),
    "edit at": lambda execution: at_a_state(execution, lambda name: execution.edit_input({"n": 9}, at=name)),
    "variable": lambda execution: execution.set_variable("v1", [1]),
    "inject": lambda execution: at_a_state(
        execution, lambda name: execution.inject_error(name, "E1", "injected")
    ),
    "inject all": lambda execution: at_a_state(
        execution, lambda name: execution.inject_error(name, "States.Timeout", attempts="all")
    ),
    "inject second": lambda execution: at_a_state(
        execution, lambda name: execution.inject_error(name, "E2", attempts=[2])
    ),
    "set": lambda execution: at_a_state(
        execution, lambda name: execution.set_result(name, {"n": 0, "items": []})
    ),
    "slow down": lambda execution: at_a_state(
        execution, lambda name: execution.inject_latency(name, 1.5, attempts=2)
    ),
    "silence": lambda execution: at_a_state(
        execution, lambda name: execution.lose_heartbeats(name, 0.3, attempts="all")
    ),
    "remove a fault": lambda execution: execution.remove_fault(0),
    "clear": lambda execution: execution.clear_faults(),
    "stop": lambda execution: execution.stop("Stopped", "by hand"),
    "take": lambda execution: execution.get_activity_task(ACTIVITY, "worker"),
    "redrive": lambda execution: execution.redrive(),
    "advance": lambda execution: execution.advance(2),
    **{name: move for name, move in MOVES.items() if name in {"succeed", "fail", "beat"}},
}


def act(execution, name):
    """Do it, if it can be done here; what cannot changes nothing but the place it had run to."""
    if execution.cursor == 0:  # see test_a_fault_before_the_first_step_can_be_done_again
        execution.step()
    before = state_of(execution)
    try:
        ACTIONS[name](execution)
    except (UsageError, IndexError, StopIteration):
        if name not in {"advance", "edit", "edit at", "variable", "stop", "succeed", "fail", "beat"}:
            assert state_of(execution) == before
    check_derived(execution)


@LAW
@given(scenarios(), st.lists(st.sampled_from(list(ACTIONS)), min_size=3, max_size=25))
def test_whatever_people_do_can_be_taken_back_and_done_again(scenario, names):
    execution = scenario.start()
    for name in names:
        act(execution, name)
    execution.run()
    check_derived(execution)
    story, state = story_of(execution), state_of(execution)
    for transition in execution.transitions:
        views_of(transition)
    while execution.back() is not None:
        check_derived(execution)
    clone = pickle.loads(pickle.dumps(execution))
    assert story_of(execution.run()) == story_of(clone.run()) == story
    assert state_of(execution) == state_of(clone) == state
