"""A loop of bare NamedTuples, dicts and a heap: what this machine can do, run in turn with a workload."""

from __future__ import annotations

import heapq
import statistics
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 9


class Row(NamedTuple):
    number: int
    following: int
    payload: dict[str, Any]
    name: str
    rest: tuple[int, ...]


def calibrate(count: int = 10_000) -> list[Row]:
    heap: list[tuple[int, int]] = []
    rows: list[Row] = []
    payload: dict[str, Any] = {"a": 1, "b": {"c": 2}}
    for number in range(count):
        rows.append(Row(number, number + 1, payload, "x", (number,)))
        heapq.heappush(heap, (number % 97, number))
        if number % 3 == 0:
            heapq.heappop(heap)
        payload = {**payload, "b": number}
    return rows


class Measured(NamedTuple):
    """Medians of `ROUNDS`: seconds, and the ratio to the calibration loop run just before."""

    seconds: float
    ratio: float


def measure(prepare: Callable[[], Callable[[], Any]], rounds: int = ROUNDS) -> Measured:
    """Time what ``prepare()`` gives, in turn with the calibration loop; preparing is not timed."""
    prepare()()
    seconds, ratios = [], []
    for _ in range(rounds):
        begin = time.perf_counter()
        calibrate()
        base = time.perf_counter() - begin
        work = prepare()
        begin = time.perf_counter()
        work()
        took = time.perf_counter() - begin
        seconds.append(took)
        ratios.append(took / base)
    return Measured(statistics.median(seconds), statistics.median(ratios))
