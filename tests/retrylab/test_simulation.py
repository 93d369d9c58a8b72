"""Simulations: what they count, what they keep, how they are interrupted, and who may make the runs."""

import io
import math
import os
import pickle
import random
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

import sfnbook
from sfnbook import TaskFailure, UnansweredTask, UsageError, simulate
from sfnbook.drawing.charts import Boxes
from sfnbook.prices import PRICES, Prices, express_price, standard_price
from sfnbook.retrylab import progress
from sfnbook.retrylab.pictures import time_chart
from sfnbook.retrylab.plan import CHUNK, Plan
from sfnbook.tasks import attempts, exponential, failure, faulty, flaky, result, uniform
from tests.retrylab.policies import LAMBDA, one_task, retrier

BUSY = failure("Busy")
FLAKY = {"Call": faulty({"ok": True}, flaky(0.4, error="Busy"))}
QUIET = {"progress": False}


def by_engine(machine, **options):
    return simulate(machine, **{"progress": False, "vectorised": False, "runs": 600} | options)


# --- what is counted ------------------------------------------------------------------------------
def two_states():
    call = {"Type": "Task", "Resource": LAMBDA, "Retry": [retrier(MaxAttempts=2)], "Next": "Then",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Then"}]}  # fmt: skip
    return sfnbook.load(
        {"StartAt": "Call", "States": {"Call": call, "Then": {"Type": "Wait", "Seconds": 4, "End": True}}}
    )


def test_figures_of_each_state():
    simulation = by_engine(two_states(), tasks={"Call": failure("Busy", seconds=1)}, runs=10)
    call, then = simulation.states()
    assert call == {
        "state": "Call",
        "visits": 10,
        "attempts": 30,
        "failures": 30,
        "retries": 20,
        "caught": 10,
        "mean_seconds": 6,
    }
    assert then == {
        "state": "Then",
        "visits": 10,
        "attempts": 0,
        "failures": 0,
        "retries": 0,
        "caught": 0,
        "mean_seconds": 4,
    }
    assert (simulation.time.mean.value, simulation.attempts.mean.value) == (10, 3)
    assert simulation.transitions.mean.value == 4  # two states and two retries


def test_every_run_is_an_execution_of_its_own():
    machine = one_task(retrier(JitterStrategy="FULL"))
    simulation = by_engine(machine, tasks=FLAKY, runs=40)
    ran = [simulation.run(number).execution().run() for number in range(40)]
    assert sorted(run.time for run in ran) == [
        value for value, times in simulation.time.counts() for _ in range(times)
    ]
    assert sum(run.billed_transitions for run in ran) == simulation.summary.transitions.total
    assert simulation.summary.succeeded == sum(run.status == "SUCCEEDED" for run in ran)
    assert simulation.slowest.number == max(range(40), key=lambda number: ran[number].time)
    assert simulation.slowest.debugger().time == simulation.time.highest


def test_map_iterations_are_counted_where_they_fail():
    inner = {"StartAt": "In", "States": {"In": {"Type": "Task", "Resource": LAMBDA, "End": True}}}
    machine = sfnbook.load(
        {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
    )
    simulation = by_engine(machine, input=[[1, 2, 3]], tasks={"In": failure("E", seconds=2)}, runs=4)
    rows = {row["state"]: row for row in simulation.states()}
    assert rows["In"]["visits"] == rows["In"]["attempts"] == 12
    assert rows["M"]["visits"] == 4
    assert (rows["In"]["mean_seconds"], rows["M"]["mean_seconds"]) == (2, 2)
    assert simulation.outcomes()[0]["error"] == "E"


def test_an_execution_that_waits_outside_is_an_outcome_too():
    resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    body = {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}
    machine = one_task(Resource=resource, Parameters=body)
    (row,) = by_engine(machine, runs=3).outcomes()
    assert (row["status"], row["error"], row["runs"]) == ("RUNNING", None, 3)


# --- inputs ---------------------------------------------------------------------------------------
def tell(event):
    if event["n"] > 7:
        raise TaskFailure("TooMuch")
    return event


def sampled(draw: random.Random):
    return {"n": draw.randint(0, 9)}


def test_inputs_may_be_a_list_or_a_sampler():
    machine, tasks = one_task(), {"Call": tell}
    listed = by_engine(machine, input=[{"n": 1}, {"n": 8}, {"n": 9}], tasks=tasks, runs=300)
    assert {row["error"]: row["runs"] for row in listed.outcomes()} == {None: 100, "TooMuch": 200}
    assert listed.run(4).input == {"n": 8}
    drawn = by_engine(machine, input=sampled, tasks=tasks, runs=400)
    assert drawn.success.low < 0.8 < drawn.success.high
    assert [drawn.run(k).input for k in range(5)] == [
        sampled(random.Random(drawn.run(k).seed)) for k in range(5)
    ]


# --- what goes wrong --------------------------------------------------------------------------------
def odd(event):
    if event["run"] == 312:
        raise ZeroDivisionError("unexpected")
    return event


def test_a_function_that_raises_fails_its_run_and_the_others_go_on():
    simulation = by_engine(one_task(), input=[{"run": run} for run in range(600)], tasks={"Call": odd})
    assert {row["error"]: row["runs"] for row in simulation.outcomes()} == {None: 599, "ZeroDivisionError": 1}
    assert simulation.failed.number == simulation.example("ZeroDivisionError").number == 312
    debugger = simulation.failed.debugger()
    assert (debugger.status, debugger.error) == ("FAILED", "ZeroDivisionError")
    with pytest.raises(UsageError, match="ZeroDivisionError"):
        simulation.example("Division")


class Unwilling:
    def call(self, call):
        return {"no": "Outcome"} if call.input["run"] == 5 else result({})


def shy(draw):
    value = draw.random()
    if value < 0.5:
        raise LookupError(value)
    return {}


def test_what_cannot_be_run_is_counted_and_can_be_opened():
    backend = by_engine(one_task(), input=[{"run": run} for run in range(9)], tasks=Unwilling(), runs=9)
    assert [(row["status"], row["error"]) for row in backend.outcomes()] == [
        ("SUCCEEDED", None),
        ("RAISED", "UsageError"),
    ]
    assert backend.failed.debugger().position == 3
    sampler = by_engine(one_task(), input=shy, tasks={"Call": {}}, runs=50)
    assert {row["status"] for row in sampler.outcomes()} == {"SUCCEEDED", "RAISED"}
    with pytest.raises(LookupError):
        sampler.failed.debugger()


def test_a_task_that_nobody_answers_ends_the_simulation():
    with pytest.raises(UnansweredTask, match="Call"):
        by_engine(one_task())


MISUSED = {
    "no runs": ({"runs": 0}, "from 1 on"),
    "half a run": ({"runs": 1.5}, "whole number"),
    "a seed": ({"seed": "x"}, "whole number"),
    "an executor": ({"executor": 4}, "concurrent.futures.Executor"),
    "no inputs": ({"input": []}, "list of inputs is empty"),
    "an input": ({"input": {1: {2}}}, "not JSON"),
    "tasks": ({"tasks": {"Cal": {}}}, "Did you mean 'Call'"),
    "limits": ({"limits": 5}, "AWS_LIMITS"),
}


@pytest.mark.parametrize(("options", "words"), MISUSED.values(), ids=list(MISUSED))
def test_misuse_says_how_to_mend_it(options, words):
    with pytest.raises(UsageError, match=words):
        simulate(one_task(), **{"tasks": {"Call": {}}} | options)


def test_the_machine_comes_first():
    with pytest.raises(UsageError, match="StateMachine"):
        simulate({"StartAt": "A"})


# --- closed forms -----------------------------------------------------------------------------------
def test_without_jitter_the_time_is_exact():
    for machine in (one_task(retrier(MaxAttempts=5)), two_states()):
        for vectorised in (True, False):
            simulation = simulate(
                machine, tasks={"Call": attempts(BUSY, BUSY, {})}, runs=500, vectorised=vectorised
            )
            extra = 4 if machine == two_states() else 0
            assert (
                simulation.time.lowest == simulation.time.highest == simulation.time.mean.value == 3 + extra
            )
            assert simulation.time.percentile(99) == (3 + extra,) * 3


@pytest.mark.parametrize("vectorised", [True, False])
def test_full_jitter_halves_the_mean_and_spreads_evenly(vectorised):
    machine = one_task(retrier(IntervalSeconds=8, MaxAttempts=1, JitterStrategy="FULL"))
    simulation = simulate(
        machine, tasks={"Call": attempts(BUSY, {})}, runs=4_000, vectorised=vectorised, **QUIET
    )
    assert simulation.time.mean.low < 4 < simulation.time.mean.high
    for percent in (10, 50, 90):
        estimate = simulation.time.percentile(percent)
        assert estimate.low < 8 * percent / 100 < estimate.high
    assert simulation.summary.time.deviation() / 1e6 == pytest.approx(8 / math.sqrt(12), rel=0.05)


def test_the_chance_of_success_by_attempts_is_geometric():
    machine = one_task(retrier(MaxAttempts=4))
    simulation = simulate(machine, tasks=FLAKY, runs=20_000, **QUIET)
    for count, chance in simulation.chance_by_attempts():
        assert chance == pytest.approx(1 - 0.4**count, abs=0.015)


# --- prices -----------------------------------------------------------------------------------------
def test_prices_of_both_kinds():
    tasks = {"Call": attempts(failure("Busy", seconds=0.25), result({}, seconds=0.05))}
    simulation = simulate(one_task(retrier(MaxAttempts=1)), tasks=tasks, runs=100, **QUIET)
    assert simulation.price().value == pytest.approx(2 * 25)  # two transitions; 25 dollars a million
    assert simulation.summary.units == 13 * 100  # 1.3 s
    gigabytes = 1.3 * 64 / 1024 * 1_000_000
    assert simulation.price("EXPRESS").value == pytest.approx(1 + gigabytes * 0.00001667)
    dear = PRICES._replace(standard_transition=1.0)
    assert simulation.price(executions=10, prices=dear).value == 20
    with pytest.raises(UsageError, match="STANDARD or EXPRESS"):
        simulation.price("FAST")


def test_the_steps_of_the_express_price():
    prices = Prices(express_request=0, express_gb_seconds=((10, 1.0), (20, 0.5), (math.inf, 0.25)))
    units_of_a_gigabyte = 16 * 10
    assert express_price(0, 12 * units_of_a_gigabyte, prices=prices) == pytest.approx(10 + 1)
    assert express_price(0, 24 * units_of_a_gigabyte, prices=prices) == pytest.approx(10 + 5 + 1)
    assert express_price(0, units_of_a_gigabyte, memory_mb=65, prices=prices) == pytest.approx(2)
    assert standard_price(4_000) == pytest.approx(0.1)


def test_runs_that_express_would_end_are_counted():
    simulation = simulate(one_task(), tasks={"Call": result({}, seconds=301)}, runs=10, **QUIET)
    assert simulation.summary.too_long == 10
    assert "too long for Express" in str(simulation)
    assert simulate(
        one_task(), tasks={"Call": result({}, seconds=301)}, runs=9, type="EXPRESS", **QUIET
    ).failed


# --- who makes the runs -----------------------------------------------------------------------------
JITTERY = one_task(retrier(JitterStrategy="FULL", MaxAttempts=5), TimeoutSeconds=3)
SLOW = {"Call": faulty(result({}, seconds=exponential(1)), flaky(0.3, error="Busy"))}


def test_the_result_is_the_same_for_any_number_of_workers():
    alone = by_engine(JITTERY, tasks=SLOW, runs=1_000, seed=3)
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(2) as processes:
        for executor in (threads, processes):
            assert (
                by_engine(JITTERY, tasks=SLOW, runs=1_000, seed=3, executor=executor).summary == alone.summary
            )
    assert by_engine(JITTERY, tasks=SLOW, runs=1_000, seed=4).summary != alone.summary


@pytest.mark.filterwarnings("ignore")  # the cluster's own
def test_dask_makes_the_same_runs():
    import distributed

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        spread = by_engine(
            JITTERY, tasks={"Call": lambda event: event}, runs=700, executor=client.get_executor()
        )
    assert spread.summary == by_engine(JITTERY, tasks={"Call": lambda event: event}, runs=700).summary


def dies_once(event):
    marker = Path(event["marker"])
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {}


def dies(event):
    if event["main"] != os.getpid():
        os.kill(os.getpid(), signal.SIGKILL)
    return {}


def test_the_chunk_of_a_lost_worker_is_run_again(tmp_path):
    given = {"marker": str(tmp_path / "died")}
    with ProcessPoolExecutor(2) as executor:
        simulation = by_engine(
            one_task(), input=given, tasks={"Call": dies_once}, runs=900, executor=executor
        )
    assert (simulation.runs, simulation.success.value) == (900, 1)


def test_a_worker_that_is_always_lost_is_told():
    with ProcessPoolExecutor(1) as executor, pytest.raises(UsageError, match="runs 0 to 9 was lost 3 times"):
        by_engine(one_task(), input={"main": os.getpid()}, tasks={"Call": dies}, runs=10, executor=executor)


def test_what_cannot_be_sent_to_other_processes_is_told():
    with ProcessPoolExecutor(1) as executor, pytest.raises(UsageError, match="cannot be sent"):
        by_engine(one_task(), tasks={"Call": lambda event: event}, executor=executor)


def test_an_unanswered_task_is_told_from_a_worker_too():
    with ProcessPoolExecutor(1) as executor, pytest.raises(UnansweredTask):
        by_engine(one_task(), executor=executor)


def test_a_plan_travels_with_everything():
    plan = pickle.loads(pickle.dumps(Plan(JITTERY, {}, SLOW, 3, {"limits": None})))
    assert plan.start(7).run().time == Plan(JITTERY, {}, SLOW, 3, {"limits": None}).start(7).run().time


# --- interrupts and progress ------------------------------------------------------------------------
def interrupting(after):
    calls = []

    def answer(event):
        calls.append(event)
        if len(calls) == after:
            raise KeyboardInterrupt
        return {}

    return answer


@pytest.mark.parametrize("after", [1, 100, CHUNK, CHUNK + 1, 2 * CHUNK + 50])
def test_an_interrupt_gives_what_is_done(after):
    simulation = by_engine(one_task(), tasks={"Call": interrupting(after)})
    assert simulation.runs == after - 1
    assert simulation.interrupted
    if after > 1:
        assert (
            simulation.summary
            == by_engine(one_task(), tasks={"Call": lambda _event: {}}, runs=after - 1).summary
        )
        assert f"Interrupted after {after - 1} of 600 runs" in str(simulation)
    else:
        assert "No runs" in str(simulation)
        with pytest.raises(UsageError, match="Not one run"):
            simulation.time.percentile(50)
        assert simulation.slowest is simulation.failed is None


def test_an_interrupt_of_workers_keeps_the_chunks_before():
    with ThreadPoolExecutor(1) as executor:
        simulation = by_engine(one_task(), tasks={"Call": interrupting(CHUNK + 9)}, executor=executor)
    assert (simulation.runs, simulation.interrupted) == (CHUNK, True)


def test_an_interrupt_is_put_off_while_a_part_is_merged():
    done = []

    def merge():
        with progress.uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        merge()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_another_thread_interrupts_are_nobodys_affair():
    found = []
    thread = threading.Thread(
        target=lambda: found.append(by_engine(one_task(), tasks={"Call": {}}, runs=3).runs)
    )
    thread.start()
    thread.join()
    assert found == [3]


def test_nothing_is_printed_when_it_is_quick(capsys, monkeypatch):
    by_engine(one_task(), tasks={"Call": {}}, runs=300, progress=True)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "PAUSE", 0)
    by_engine(one_task(), tasks={"Call": {}}, runs=300, progress=False)
    assert capsys.readouterr() == ("", "")
    by_engine(one_task(), tasks={"Call": {}}, runs=600, progress=True)
    assert capsys.readouterr() == ("", "")  # nobody looks: it is no terminal
    terminal = io.StringIO()
    monkeypatch.setattr("rich._console", Console(force_terminal=True, file=terminal))
    by_engine(one_task(), tasks={"Call": {}}, runs=600, progress=True)
    assert "600/600" in terminal.getvalue()


def test_in_a_notebook_the_bar_is_one_output_that_ends_empty(monkeypatch):
    shown = []

    class Handle:
        def update(self, data, **_):
            shown.append(data["text/html"])

    def display(data, **_):
        shown.append(data["text/html"])
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setattr(progress, "PAUSE", 0)
    monkeypatch.setattr(progress, "in_a_notebook", lambda: True)
    by_engine(one_task(), tasks={"Call": {}}, runs=300, progress=True)
    first, *bars, last = shown
    assert (first, last) == ("", "")
    assert [bar.count("<progress ") for bar in bars] == [1, 1]
    assert "300 of 300 runs" in bars[-1]


# --- showing ----------------------------------------------------------------------------------------
def test_it_shows_itself_without_numpy_and_matplotlib():
    simulation = by_engine(two_states(), tasks={"Call": result({}, seconds=uniform(0, 2))})
    bundle = simulation._repr_mimebundle_()
    assert "succeeded" in bundle["text/plain"]
    assert bundle["text/html"].count("<svg") == 3  # two in one
    assert simulation.table().column("figure")[0] == "succeeded (share)"
    assert len(simulation.plot().axes) == 2


def test_a_few_slow_runs_leave_room_for_the_others():
    tasks = {"Call": faulty(result({}, seconds=uniform(0, 1)), flaky(0.005, error="Busy"))}
    machine = one_task(retrier(IntervalSeconds=1_000, MaxAttempts=1))
    chart = time_chart(simulate(machine, tasks=tasks, runs=2_000, progress=False))
    assert chart.x.high < 1.1
    assert "1 % take longer, up to 16 min" in chart.note
    (bars,) = (mark for mark in chart.marks if isinstance(mark, Boxes))
    assert sum(box.top for box in bars.boxes) == pytest.approx(0.99, abs=0.002)
    assert "longer" not in time_chart(simulate(one_task(), tasks=tasks, runs=500)).note


def test_the_names_of_errors_are_escaped():
    simulation = by_engine(one_task(), tasks={"Call": failure("<script>")}, runs=3)
    assert "<script>" not in simulation._repr_mimebundle_()["text/html"]
