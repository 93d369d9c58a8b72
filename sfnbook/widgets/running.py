"""Running for long without holding the kernel: in slices, with the loop free between them.

Between two slices the notebook's messages are served, so a click on Stop arrives and other cells run; the
views are told at the end of each slice, at most twenty times a second.  An interrupt of the
kernel ends a slice, also one that hangs in somebody's task function.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLICE: Final = 0.05
"""Seconds of work between two looks at the outside."""
BREATH: Final = 0.005
"""Seconds in which the kernel serves its messages: with 0 the sockets are not polled."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let the kernel's interrupt raise KeyboardInterrupt; outside of a cell, ipykernel ignores it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Runner:
    """Repeats ``advance`` until it says False; ``report`` is called after each slice and at the end.

    It runs as fast as it can, or is ``paced``: so many times a second, for people to watch.
    ``seconds`` is how long a slice takes: nothing is heard before its end.  Without an event loop (a
    script, a test) `start` works until the end.
    """

    def __init__(
        self,
        advance: Callable[[], bool],
        report: Callable[[BaseException | None], None],
        seconds: float = SLICE,
    ) -> None:
        self._advance, self._report, self._seconds = advance, report, seconds
        self._task: asyncio.Task[None] | None = None
        self.paced: float | None = None

    @property
    def running(self) -> bool:
        """Is it at work?"""
        return self._task is not None

    def start(self, pace: float | None = None) -> None:
        """Begin, unless it has begun; ``pace`` is how often a second."""
        if self.running:
            return
        self.paced = pace
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            while self._slice():
                pass
            return
        self._task = loop.create_task(self._run())

    def stop(self) -> None:
        """End after the current slice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self._report(None)

    async def _run(self) -> None:
        began = time.monotonic()
        while self._slice():
            pause = BREATH if self.paced is None else began + 1 / self.paced - time.monotonic()
            await asyncio.sleep(max(pause, BREATH))
            began = time.monotonic()

    def _slice(self) -> bool:
        """Work for a while; whether there is more to do."""
        until = time.monotonic() + self._seconds
        more, problem = True, None
        try:
            with interruptible():
                while more and time.monotonic() < until:
                    more = self._advance()
                    if self.paced is not None:
                        break
        except BaseException as raised:  # noqa: BLE001 - also an interrupt is shown under the view
            problem, more = raised, False
        if not more:
            self._task = None
        self._report(problem)
        return more
