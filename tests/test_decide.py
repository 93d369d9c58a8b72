"""What happens next: the table of rules, that a rule only reads, who goes first, how a failure climbs."""

import copy

import pytest

from sfnbook.decide import ENTERED, EXITED, RULES, decide
from sfnbook.definition import STATE_TYPES
from sfnbook.frames import BILLED, KINDS, OVER, TOP, WORLD, Change
from sfnbook.tasks import failure, never, result
from sfnbook.working import Request
from tests.machines import CALLBACK, MESSAGE, block, load, of_kind, one, task, types

MIXED = {
    "A": {"Type": "Pass", "Assign": {"n": 1}, "Next": "C"},
    "C": {"Type": "Choice", "Choices": [{"Variable": "$.go", "IsPresent": True, "Next": "M"}], "Default": "Z"},
    "M": {"Type": "Map", "ItemsPath": "$.go", "MaxConcurrency": 2, "ResultPath": "$.made",
          "ItemProcessor": block(W={"Type": "Wait", "SecondsPath": "$", "Next": "T"},
                                 T=task(Retry=[{"ErrorEquals": ["E"], "JitterStrategy": "FULL"}])),
          "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}], "Next": "B"},
    "B": {"Type": "Parallel", "Branches": [block(L={"Type": "Pass", "End": True}),
                                           block(R={"Type": "Wait", "Seconds": 2, "End": True})], "Next": "Z"},
    "Z": {"Type": "Succeed"},
}  # fmt: skip


def mixed(error=False):
    answer = failure("E") if error else result(1, seconds=1)
    return load(MIXED).start({"go": [1, 0, 3]}, tasks={"T": answer})


# --- the table ------------------------------------------------------------------------------------------------------
def test_every_state_type_has_rules():
    assert set(RULES) == set(STATE_TYPES) == set(ENTERED) == set(EXITED)


@pytest.mark.parametrize("kind", RULES)
def test_every_state_can_be_entered_failed_and_ended(kind):
    assert {"birth", "enter", "ended", "failed"} <= set(RULES[kind])


def test_events_are_named_after_the_type():
    assert ENTERED["Pass"] == ("PassStateEntered",)
    assert EXITED["Map"] == ("MapStateExited",)


# --- a rule only reads ------------------------------------------------------------------------------------------------
def decisions(execution):
    """At each step: the frame that is due and what is decided about it, twice."""
    while True:
        frame = execution.next_frame()
        if frame is None:
            return
        if execution.cursor:
            now = max(frame.due, execution.clock)
            table, length = dict(execution.frames), len(execution.changes)
            made = [decide(frame, execution.scene, now, execution.cursor) for _ in range(2)]
            assert execution.frames == table
            assert len(execution.changes) == length
            yield frame, made
        if execution.step() is None:
            return


def essentials(made):
    return made[:2] if isinstance(made, Change) else ("Request", made.frame)


@pytest.mark.parametrize("error", [False, True])
def test_deciding_twice_is_deciding_the_same_and_writes_nothing(error):
    seen = set()
    for frame, (first, second) in decisions(mixed(error)):
        assert essentials(first) == essentials(second)
        if isinstance(first, Change):
            assert first == second
            assert (
                first.before is None
                or first.before is frame
                or frame.phase in {"deadline", "birth"}
                or first.others
            )
        seen.add(type(first))
    assert seen == {Change, Request}


def test_the_payloads_of_earlier_frames_never_change():
    kept = [
        (transition, copy.deepcopy(transition.input), copy.deepcopy(transition.output))
        for transition in mixed()
    ]
    for transition, given, output in kept:
        assert (transition.input, transition.output) == (given, output)


def test_only_a_task_about_to_start_asks_the_outside():
    for _, (made, _) in decisions(mixed()):
        if isinstance(made, Request):
            assert made.frame.phase == "scheduled"
            assert made.state.type == "Task"


def test_every_kind_is_one_of_the_table_and_bills_what_it_should():
    execution = mixed(error=True).run()
    kinds = [transition.kind for transition in execution.transitions]
    assert set(kinds) <= set(KINDS)
    assert execution.billed_transitions == sum(kind in BILLED for kind in kinds)


# --- frames -------------------------------------------------------------------------------------------------------------
def test_the_children_of_a_fan_out_are_numbered_after_it():
    execution = mixed().run(until="B")
    started = of_kind(execution, "FanOutStarted")[0]
    children = [transition._change.frame.id for transition in of_kind(execution, "IterationStarted")]
    assert children == [(started.number, index) for index in range(3)]


def test_children_live_until_their_container_is_left():
    execution = mixed().run()
    assert execution.status == "SUCCEEDED"
    assert set(execution.frames) - {(0, 1)} == {WORLD, TOP}


def test_the_frames_of_a_failed_execution_stay():
    states = {name: dict(state) for name, state in MIXED.items()}
    del states["M"]["Catch"]
    execution = load(states).start({"go": [1, 0, 3]}, tasks={"T": failure("E")}).run()
    assert execution.status == "FAILED"
    assert len(execution.frames) > 3
    assert all(
        frame.due is None or frame.phase == "deadline"
        for frame in execution.frames.values()
        if frame.id != WORLD
    )


# --- who goes first -------------------------------------------------------------------------------------------------------
def sequence_of(execution):
    return [(item.kind, item.path) for item in execution.run().transitions]


def test_a_map_starts_all_it_may_before_the_first_iteration_moves():
    state = {"Type": "Map", "ItemProcessor": block(P={"Type": "Pass", "End": True})}
    kinds = [kind for kind, _ in sequence_of(one(state).start([1, 2, 3]))]
    assert kinds[2:9] == ["FanOutStarted", *["IterationStarted"] * 3, *["StateEntered"] * 3]


def test_iterations_go_on_in_turn():
    state = {
        "Type": "Map",
        "ItemProcessor": block(P={"Type": "Pass", "Next": "Q"}, Q={"Type": "Pass", "End": True}),
    }
    paths = [path for kind, path in sequence_of(one(state).start([1, 2])) if kind == "StateEntered"]
    assert paths == ["S", "S[0].P", "S[1].P", "S[0].Q", "S[1].Q"]


def test_a_failure_climbs_a_level_at_a_time_at_one_instant():
    inner = {"Type": "Parallel", "Branches": [block(T=task())], "End": True}
    branches = [block(Q=inner), block(W={"Type": "Wait", "Seconds": 9, "End": True})]
    execution = one({"Type": "Parallel", "Branches": branches}).start(tasks={"T": failure("E", seconds=1)})
    after = sequence_of(execution)
    start = after.index(("TaskFailed", "S[0].Q[0].T"))
    kinds = [kind for kind, _ in after[start:]]
    assert kinds == ["TaskFailed", "FanOutFailed", "FanOutFailed", "Aborted", "ExecutionFailed"]
    assert {item.time for item in execution.transitions[start:]} == {1}


def test_outcomes_come_before_timeouts_of_the_same_instant():
    branches = [block(T=task(TimeoutSeconds=5)), block(U=task())]
    state = {"Type": "Parallel", "Branches": branches}
    execution = one(state).start(tasks={"T": never(), "U": result(1, seconds=5)})
    kinds = [kind for kind, _ in sequence_of(execution)]
    assert kinds.index("TaskSucceeded") < kinds.index("TaskTimedOut")


def test_a_wait_that_ends_at_the_deadline_of_the_execution_is_in_time():
    execution = one({"Type": "Wait", "Seconds": 5}, TimeoutSeconds=5).start().run()
    assert execution.status == "SUCCEEDED"


def test_time_never_goes_back():
    times = [item.time for item in mixed(error=True).run().transitions]
    assert times == sorted(times)


# --- ends ----------------------------------------------------------------------------------------------------------------
ENDS = {
    "SUCCEEDED": (one({"Type": "Succeed"}), "ExecutionSucceeded"),
    "FAILED": (one({"Type": "Fail"}), "ExecutionFailed"),
    "TIMED_OUT": (one({"Type": "Wait", "Seconds": 9}, TimeoutSeconds=1), "ExecutionTimedOut"),
    "ABORTED": (one({"Type": "Task", "Resource": CALLBACK, "Parameters": MESSAGE}), "ExecutionAborted"),
}


@pytest.mark.parametrize("status", ENDS)
def test_the_four_ends(status):
    machine, kind = ENDS[status]
    execution = machine.start().run()
    if status == "ABORTED":
        execution.stop()
    assert execution.status == status
    assert status in OVER
    assert execution.transitions[-1].kind == kind
    assert types(execution.history())[-1] == kind
    assert execution.step() is None
