"""The engine's bars: each test prints its figure (run with ``pytest -m benchmark -s``).

A run counts only with the right output and the full history.  Nothing asserts wall-clock time: the
figures are for people, and a slow machine is not a mistake.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

import sfnbook
from sfnbook.tasks import attempts, failure
from tests.benchmarks.calibration import ROUNDS, measure

BENCH = Path(__file__).resolve().parents[3] / "shared" / "bench"

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(not BENCH.is_dir(), reason="the workloads are not beside this checkout"),
]

FLAKY = failure("Lambda.ServiceException")
TASKS = {"retry_5": {"Call": attempts(*[FLAKY] * 5, {"StatusCode": 200, "Payload": {"ok": True}})}}


def workload(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BENCH / "workloads" / f"{name}.json").read_text("utf-8"))
    return found


def start(name: str, work: dict[str, Any], machine: sfnbook.StateMachine) -> sfnbook.Execution:
    limits = None if name == "map_10000" else sfnbook.AWS_LIMITS
    return machine.start(work["input"], tasks=TASKS.get(name), limits=limits)


def check_output(name: str, execution: sfnbook.Execution) -> None:
    expected = json.loads((BENCH / "baseline.json").read_text("utf-8"))["expected_output_sha256_12"][name]
    text = json.dumps(execution.output, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == expected
    assert execution.history()[-1]["type"] == "ExecutionSucceeded"


STATES = [
    ("chain_500", 100_000),
    ("loop_1000", 100_000),
    ("loop_5000", 100_000),
    ("parallel_50x10", 100_000),
    ("jsonata_chain_500", 5_000),
    ("jsonata_loop_1000", 15_000),
]


@pytest.mark.parametrize(("name", "bar"), STATES, ids=[name for name, _ in STATES])
def test_states_per_second(name: str, bar: int) -> None:
    work = workload(name)
    machine = sfnbook.load(work["definition"])
    check_output(name, start(name, work, machine).run())
    measured = measure(lambda: start(name, work, machine).run)
    speed = work["transitions"] / measured.seconds
    print(f"\n{name}: {speed:,.0f} states/s (bar {bar:,}); {measured.ratio:.3f} of the calibration loop")


@pytest.mark.parametrize("name", ["map_1000", "map_10000"])
def test_map_per_item(name: str) -> None:
    work = workload(name)
    machine = sfnbook.load(work["definition"])
    check_output(name, start(name, work, machine).run())
    measured = measure(lambda: start(name, work, machine).run, rounds=ROUNDS if name == "map_1000" else 3)
    count = len(work["input"]["items"])
    print(f"\n{name}: {measured.seconds * 1000 / count:.4f} ms an item (bar 0.03); "
          f"{measured.ratio / count * 1000:.3f} of the calibration loop per 1,000 items")  # fmt: skip


def test_retry_5() -> None:
    work = workload("retry_5")
    machine = sfnbook.load(work["definition"])
    check_output("retry_5", start("retry_5", work, machine).run())
    measured = measure(lambda: start("retry_5", work, machine).run)
    print(f"\nretry_5: {measured.seconds * 1000:.3f} ms (bar 1 ms)")


def test_step_back() -> None:
    work = workload("loop_5000")
    execution = sfnbook.load(work["definition"]).start(work["input"]).run()
    begin, count = time.perf_counter(), 0
    while execution.back() is not None:
        count += 1
    took = time.perf_counter() - begin
    print(f"\nstep back: {took / count * 1e6:.2f} µs each over {count:,} (bar 5 µs)")


def test_fork_with_5000_frames() -> None:
    items = list(range(5_000))
    states = {"W": {"Type": "Wait", "Seconds": 1, "End": True}}
    processor = {"StartAt": "W", "States": states}
    machine = sfnbook.load(
        {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": processor, "End": True}}}
    )
    execution = machine.start(items, limits=None).run(until=0)
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        execution.fork()
        times.append(time.perf_counter() - begin)
    count = len(execution.frames)
    print(f"\nfork with {count:,} frames: {statistics.median(times) * 1000:.3f} ms (bar 1 ms)")


def test_memory_of_a_full_history() -> None:
    work = workload("chain_500")
    machine = sfnbook.load(work["definition"])
    start("chain_500", work, machine).run()
    tracemalloc.start()
    kept = [start("chain_500", work, machine).run() for _ in range(20)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    states = work["transitions"] * len(kept)
    print(f"\nmemory: {size / 1e6 / states * 10_000:.1f} MB per 10,000 states of chain_500 (bar 16 MB)")


def test_import_time() -> None:
    code = "import time; begin = time.perf_counter(); import sfnbook; print(time.perf_counter() - begin)"
    # As an installed package is imported: its bytecode is there.
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(Path(sfnbook.__file__).parent)], check=True)
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    print(f"\nimport sfnbook: {statistics.median(times):.3f} s (bar 0.1 s)")
