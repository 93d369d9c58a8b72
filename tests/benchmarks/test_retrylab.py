"""The retry lab's bars: each test prints its figure (run with ``pytest -m benchmark -s``)."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import sfnbook
from sfnbook.retrylab.plan import Plan, run_chunk
from tests.benchmarks.test_engine import BENCH, TASKS, workload

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(not BENCH.is_dir(), reason="the workloads are not beside this checkout"),
]

ROUNDS = 5


def retry_5() -> tuple[sfnbook.StateMachine, dict[str, Any]]:
    work = workload("retry_5")
    options = {"input": work["input"], "tasks": TASKS["retry_5"], "progress": False}
    return sfnbook.load(work["definition"]), options


def seconds(runs: int, clock: Callable[[], float] = time.perf_counter, **more: Any) -> float:
    machine, options = retry_5()
    begin = clock()
    simulation = sfnbook.simulate(machine, runs=runs, **options | more)
    took = clock() - begin
    assert (simulation.runs, simulation.success.value) == (runs, 1)
    assert simulation.time.mean.value == 31
    return took


def test_engine_path() -> None:
    speeds = sorted(10_000 / seconds(10_000, vectorised=False) for _ in range(ROUNDS))
    print(
        f"\nretry_5 by the engine: {statistics.median(speeds):,.0f} runs/s (bar 10,000), best {speeds[-1]:,.0f}"
    )


def test_two_processes() -> None:
    ratios = []
    for _ in range(ROUNDS):
        alone = seconds(10_000, vectorised=False)
        with ProcessPoolExecutor(2) as executor:
            list(executor.map(abs, range(2)))  # both have started
            ratios.append(alone / seconds(10_000, vectorised=False, executor=executor))
    print(f"\ntwo processes: {statistics.median(ratios):.2f} times one, median of {ROUNDS} (bar 1.5)")


def test_vectorised_path() -> None:
    times = [seconds(1_000_000) for _ in range(ROUNDS)]
    machine, options = retry_5()
    definition = machine.source
    definition["States"]["Call"]["Retry"][0]["JitterStrategy"] = "FULL"
    jitter = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        sfnbook.simulate(sfnbook.load(definition), runs=1_000_000, **options)
        jitter.append(time.perf_counter() - begin)
    print(f"\n1,000,000 runs vectorised: {statistics.median(times):.2f} s without jitter, "
          f"{statistics.median(jitter):.2f} s with (bar 1 s)")  # fmt: skip


def test_memory() -> None:
    machine, options = retry_5()
    definition = machine.source
    definition["States"]["Call"]["Retry"][0]["JitterStrategy"] = "FULL"
    machine = sfnbook.load(definition)
    sfnbook.simulate(machine, runs=1_000, **options)
    kept = {}
    for runs in (1_000, 100_000, 1_000_000):
        tracemalloc.start()
        simulation = sfnbook.simulate(machine, runs=runs, **options)
        kept[simulation.runs] = tuple(size / 1e6 for size in tracemalloc.get_traced_memory())
        tracemalloc.stop()
    shown = "; ".join(f"{runs:,} runs {now:.1f} MB, at most {peak:.1f}" for runs, (now, peak) in kept.items())
    print(f"\nmemory of a simulation (kept, and while it runs): {shown}")


def test_memory_by_the_engine() -> None:
    machine, options = retry_5()
    plan = Plan(machine, options["input"], options["tasks"], 0, {})
    run_chunk(plan, 0, 256)
    tracemalloc.start()
    peaks = []
    for first in range(0, 8 * 256, 256):
        run_chunk(plan, first, 256)
        peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
    tracemalloc.stop()
    print(
        f"\nmemory of a chunk by the engine: {peaks[0]:.2f} MB at the first, {peaks[-1]:.2f} MB at the eighth"
    )
