"""Chunks of runs on any `concurrent.futures.Executor`, summed up in order.

A chunk whose worker was lost is run again.  Where its whole pool broke with it, that happens in a
process of its own: whatever killed the worker shall not kill the notebook.
"""

from __future__ import annotations

import pickle
from collections import deque
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.errors import SfnbookError, UsageError
from sfnbook.retrylab.plan import CHUNK, Plan, run_chunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from sfnbook.retrylab.summary import Summary

WINDOW: Final = 64
"""Chunks that are under way at once: enough for many workers, and memory stays flat."""

TRIES: Final = 3


class Job(NamedTuple):
    """A chunk under way: its first run, how many runs it has, and what will come of it."""

    first: int
    runs: int
    future: Future[Summary]


class Workers:
    """An executor, and a pool of our own that takes its place when it breaks."""

    def __init__(self, executor: Executor, plan: Plan) -> None:
        self.executor, self.plan = executor, plan
        self._own: ProcessPoolExecutor | None = None

    def chunks(self, done: int, runs: int) -> Iterator[Summary]:
        """The summaries of all chunks that are not done, in order."""
        waiting: deque[Job] = deque()
        starts = iter(range(done, runs, CHUNK))
        try:
            while True:
                while len(waiting) < WINDOW and (first := next(starts, None)) is not None:
                    waiting.append(self._submit(first, min(CHUNK, runs - first)))
                if not waiting:
                    return
                yield self._result(waiting[0])
                waiting.popleft()
        finally:
            for job in waiting:
                job.future.cancel()
            if self._own is not None:
                self._own.shutdown(cancel_futures=True)

    def _submit(self, first: int, runs: int) -> Job:
        try:
            future = self.executor.submit(run_chunk, self.plan, first, runs)
        except BrokenExecutor:
            self._replace(self.executor)
            future = self.executor.submit(run_chunk, self.plan, first, runs)
        return Job(first, runs, future)

    def _replace(self, broken: Executor) -> None:
        """A process pool of our own instead of one that broke, unless that has been done already."""
        if self.executor is broken:
            if self._own is not None:
                self._own.shutdown(wait=False)
            self.executor = self._own = ProcessPoolExecutor()

    def _result(self, job: Job) -> Summary:
        lost: BaseException | None = None
        for _ in range(TRIES):
            executor = self.executor
            try:
                return job.future.result()
            except SfnbookError:
                raise
            except BrokenExecutor as problem:
                lost = problem
                self._replace(executor)
            except (Exception, CancelledError) as problem:  # each library loses workers in its own way
                if _is_unsendable(problem):
                    raise UsageError(_UNSENDABLE.format(problem)) from problem
                lost = problem
            job = self._submit(job.first, job.runs)
        job.future.cancel()
        raise UsageError(
            f"The worker that made runs {job.first:,} to {job.first + job.runs - 1:,} was lost {TRIES} "
            f"times ({lost!r}). Without executor= the runs are made here."
        ) from lost


def _is_unsendable(problem: BaseException) -> bool:
    # Before Python 3.14 a local function is an AttributeError, in words that differ by version.
    told = str(problem)
    return isinstance(problem, pickle.PicklingError) or "pickle" in told or "local object" in told


_UNSENDABLE: Final = (
    "The machine, its input or its tasks cannot be sent to other processes: {}. Define functions in a "
    "module, or use a ThreadPoolExecutor or dask.distributed."
)


def executor_of(given: Any) -> Executor:
    """Whatever has ``submit`` as `concurrent.futures` has it."""
    if isinstance(given, Executor) or callable(getattr(given, "submit", None)):
        executor: Executor = given
        return executor
    raise UsageError(
        f"executor={given!r}: give a concurrent.futures.Executor, for example ProcessPoolExecutor(2), "
        "or client.get_executor() of dask.distributed."
    )
