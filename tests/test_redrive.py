"""Redrive: which executions, what runs again and what is kept (histories: tests/histories/redrive.json)."""

import pytest

import sfnbook
from sfnbook.tasks import failure, never, sequence
from tests.machines import CALLBACK, block, details, load, one, outline, task, times, types

FAILS = failure("E", "why")


def failed_once(**fields):
    return one(task(**fields)).start({"a": 1}, tasks={"S": sequence(FAILS, 1)}).run()


# --- which executions -----------------------------------------------------------------------------------------
def test_an_execution_that_succeeded_cannot_be_redriven():
    execution = one({"Type": "Succeed"}).start().run()
    with pytest.raises(sfnbook.UsageError, match=r"ExecutionNotRedrivable.*SUCCEEDED"):
        execution.redrive()


def test_a_running_execution_cannot_be_redriven():
    execution = one(task()).start(tasks={"S": 1})
    execution.step()
    with pytest.raises(sfnbook.UsageError, match=r"ExecutionNotRedrivable.*RUNNING"):
        execution.redrive()


def test_an_express_execution_cannot_be_redriven():
    execution = one(task()).start(tasks={"S": FAILS}, type="EXPRESS").run()
    with pytest.raises(sfnbook.UsageError, match=r"ExecutionNotRedrivable.*Express"):
        execution.redrive()


def test_an_execution_older_than_14_days_cannot_be_redriven():
    states = {"W": {"Type": "Wait", "Seconds": 14 * 86_400 + 1, "Next": "F"}, "F": {"Type": "Fail"}}
    with pytest.raises(sfnbook.UsageError, match=r"ExecutionNotRedrivable.*14 days"):
        load(states).start().run().redrive()


def test_an_execution_with_too_many_events_cannot_be_redriven():
    loop = {"A": {"Type": "Pass", "Next": "B"},
            "B": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": True, "Next": "Z"}], "Default": "A"},
            "Z": {"Type": "Succeed"}}  # fmt: skip
    execution = load(loop).start().run()
    assert len(execution.history()) == 25_000
    with pytest.raises(sfnbook.UsageError, match=r"ExecutionNotRedrivable.*25000 events"):
        execution.redrive()


def test_redrive_asks_to_go_to_the_end_first():
    execution = failed_once()
    execution.back()
    with pytest.raises(sfnbook.UsageError, match=r"execution.run\(\)"):
        execution.redrive()


# --- what it does ---------------------------------------------------------------------------------------------
def test_the_state_gets_the_input_that_it_had():
    seen = []

    def charge(event):
        seen.append(event)
        raise KeyError(len(seen))

    states = {"P": {"Type": "Pass", "Result": {"made": 1}, "Next": "T"}, "T": task()}
    execution = load(states).start(tasks={"T": charge}).run()
    execution.redrive().run()
    assert seen == [{"made": 1}, {"made": 1}]
    assert types(execution.history()).count("PassStateEntered") == 1


def test_counters_and_timeouts_start_anew():
    state = task(TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}])
    execution = one(state).start(tasks={"S": never()}).run()
    assert times(execution, "TaskTimedOut") == [5, 11]
    execution.redrive().run()
    assert times(execution, "TaskTimedOut") == [5, 11, 16, 22]


def test_redrive_count_is_in_the_context_object_and_in_the_event():
    state = task(Parameters={"n.$": "$$.Execution.RedriveCount", "r.$": "$$.State.RetryCount"})
    counts = []

    def fails(event):
        counts.append((event["n"], event["r"]))
        raise KeyError

    execution = one(state).start(tasks={"S": fails}).run().redrive().run().redrive().run()
    assert counts == [(0, 0), (1, 0), (2, 0)]
    redriven = [details(event) for event in execution.history() if event["type"] == "ExecutionRedriven"]
    assert redriven == [{"redriveCount": 1}, {"redriveCount": 2}]


def test_redrive_time_is_in_the_context_object():
    state = task(Parameters={"t.$": "$$.Execution.RedriveTime"})
    states = {"W": {"Type": "Wait", "Seconds": 9, "Next": "F"}, "F": task(Retry=[], Next="S"), "S": state}
    del states["F"]["End"]
    execution = load(states).start(tasks={"F": sequence(FAILS, 1), "S": lambda event: event}).run()
    assert execution.redrive().run().output == {"t": "2025-01-01T00:00:09Z"}


def test_a_redrive_is_a_billed_transition():
    execution = failed_once()
    before = execution.billed_transitions
    assert execution.redrive().billed_transitions == before + 1


def test_a_redrive_can_be_taken_back():
    execution = failed_once()
    history = execution.history()
    execution.redrive().run()
    assert execution.status == "SUCCEEDED"
    while execution.transitions[-1].kind != "Redriven":
        execution.back()
    execution.back()
    assert (execution.status, execution.history()) == ("FAILED", history)
    execution.run()
    assert execution.status == "SUCCEEDED"


def test_a_wait_that_cannot_be_read_fails_again():
    execution = one({"Type": "Wait", "SecondsPath": "$.no"}).start().run()
    assert execution.error == "States.Runtime"
    execution.redrive().run()
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert execution.history()[-1]["previousEventId"] == 4


def test_a_wait_of_seconds_and_a_callback():
    branches = [block(C={"Type": "Task", "Resource": CALLBACK, "Parameters": {"MessageBody.$": "$$.Task.Token"},
                         "End": True}), block(W={"Type": "Wait", "Seconds": 30, "End": True})]  # fmt: skip
    execution = one({"Type": "Parallel", "Branches": branches}).start().run(until=1)
    execution.pending[0].fail("E")
    assert execution.run().status == "FAILED"
    execution.redrive().run()
    assert execution.blocked == "outside"
    execution.pending[0].succeed("yes")
    assert execution.result() == ["yes", {}]


def test_a_redriven_callback_has_a_new_token():
    state = {"Type": "Task", "Resource": CALLBACK, "Parameters": {"MessageBody.$": "$$.Task.Token"}}
    execution = one(state).start().run()
    old = execution.pending[0].token
    execution.pending[0].fail("E")
    execution.run().redrive().run()
    assert execution.pending[0].token != old


def test_the_variables_are_those_of_the_failure():
    states = {"A": {"Type": "Pass", "Assign": {"v": 1}, "Next": "T"}, "T": task(Parameters={"v.$": "$v"})}
    execution = load(states).start(tasks={"T": sequence(FAILS, {"ok": 1})}).run().redrive()
    seen = [item for item in execution if item.kind == "TaskScheduled"]
    assert seen[0].data_flow["afterParameters"] == {"v": 1}


def test_max_concurrency_holds_in_a_redriven_map():
    inner = block(W={"Type": "Wait", "Seconds": 5, "Next": "T"}, T=task())
    state = {"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": inner}
    answers = sequence(FAILS, 1, 1, 1, 1, 1)
    execution = one(state).start([0] * 5, tasks={"T": answers}).run()
    assert execution.status == "FAILED"
    execution.redrive().run()
    assert execution.status == "SUCCEEDED"
    running = most = 0
    for event in execution.history():
        running += (event["type"] == "MapIterationStarted") - (event["type"] == "MapIterationSucceeded")
        most = max(most, running)
    assert most == 2


# --- Distributed Maps --------------------------------------------------------------------------------------------
def distributed(kind="STANDARD", **fields):
    inner = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
             **block(P={"Type": "Pass", "Next": "T"}, T=task())}  # fmt: skip
    return one({"Type": "Map", "Label": "run", "ItemProcessor": inner, "MaxConcurrency": 1, **fields})


def test_the_failed_children_of_a_map_run_go_on_where_they_failed():
    execution = distributed().start([0, 1, 2], tasks={"T": sequence(10, FAILS, 11, 12)}).run()
    assert [child.status for child in execution.children] == ["SUCCEEDED", "FAILED"]
    assert execution.redrive().run().output == [10, 11, 12]
    kept, redriven, late = execution.children
    assert types(kept.history()).count("ExecutionRedriven") == 0
    assert outline(redriven.history())[5:] == [
        [6, 5, "LambdaFunctionStarted"],
        [7, 6, "LambdaFunctionFailed"],
        [8, 7, "ExecutionFailed"],
        [9, 8, "ExecutionRedriven"],
        [10, 9, "LambdaFunctionScheduled"],
        [11, 10, "LambdaFunctionStarted"],
        [12, 11, "LambdaFunctionSucceeded"],
        [13, 12, "TaskStateExited"],
        [14, 13, "ExecutionSucceeded"],
    ]
    assert outline(late.history())[0] == [1, 0, "ExecutionStarted"]
    (run,) = execution.map_runs
    assert (run["status"], run["redriveCount"]) == ("SUCCEEDED", 1)
    assert run["executionCounts"] | {"total": 3, "succeeded": 3, "failed": 0} == run["executionCounts"]


def test_express_children_are_started_again():
    execution = distributed("EXPRESS").start([0, 1], tasks={"T": sequence(10, FAILS, 11)}).run()
    assert execution.redrive().run().output == [10, 11]
    again = types(execution.children[1].history())
    assert again.count("ExecutionStarted") == 2
    assert "ExecutionRedriven" not in again
    assert again.count("PassStateEntered") == 2


def test_a_map_that_is_retried_starts_a_new_map_run_and_a_redrive_does_not():
    machine = distributed(Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}])
    execution = machine.start([0], tasks={"T": sequence(FAILS, FAILS, 1)}).run()
    assert len(execution.map_runs) == 2
    execution.redrive().run()
    assert execution.output == [1]
    assert len(execution.map_runs) == 2


def test_a_map_run_whose_items_could_not_be_read_is_made_anew():
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
              "Parameters": {"Bucket": "b", "Key": "k.json"}}  # fmt: skip
    execution = distributed(ItemReader=reader).start({}, files={"b/other": "1"}, tasks={"T": 1}).run()
    assert execution.error == "States.ItemReaderFailed"
    execution.redrive().run()
    assert (execution.status, execution.error) == ("FAILED", "States.ItemReaderFailed")
    assert types(execution.history())[8:] == [
        "MapStateStarted", "MapRunStarted", "MapRunFailed", "MapStateFailed", "ExecutionFailed",
    ]  # fmt: skip
    assert len(execution.map_runs) == 2


# --- the plan ---------------------------------------------------------------------------------------------------
def test_the_plan_names_what_runs_again():
    branches = [block(T=task()), block(P={"Type": "Pass", "End": True}), block(W={"Type": "Wait", "Seconds": 9,
                                                                                  "End": True})]  # fmt: skip
    execution = one({"Type": "Parallel", "Branches": branches}).start(tasks={"T": FAILS}).run()
    plan = execution.redrive_plan()
    assert [(row.path, row.type, row.status, row.calls_again) for row in plan] == [
        ("S[0].T", "Task", "FAILED", True),
        ("S[2].W", "Wait", "ABORTED", False),
    ]
    assert "called a second time" in str(plan[0])
    assert "called" not in str(plan[1])
    assert execution.status == "FAILED"


def test_a_task_that_was_never_called_is_not_called_a_second_time():
    execution = one(task(Parameters={"x.$": "$.no"})).start(tasks={"S": 1}).run()
    (row,) = execution.redrive_plan()
    assert not row.calls_again
