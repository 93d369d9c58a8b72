"""A bar for work that takes longer than a moment; nothing is shown of what is quick, and nothing stays."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

PATIENCE: Final = 0.7
"""Seconds of real time before the bar appears."""

PAUSE: Final = 0.1


class Bar:
    """Shows how much of ``total`` is done, in a terminal and in a notebook; a context manager.

    >>> with Bar("runs", 10, shown=False) as bar:
    ...     bar.done(10)
    """

    def __init__(self, what: str, total: int, *, shown: bool) -> None:
        self.what, self.total = what, total
        self._next = time.monotonic() + PATIENCE if shown else float("inf")
        self._progress: Any = None
        self._task: Any = None

    def done(self, count: int) -> None:
        """So many are done now."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PAUSE
        if self._progress is None and not self._open():
            self._next = float("inf")
            return
        self._progress.update(self._task, completed=count)
        self._progress.refresh()

    def _open(self) -> bool:
        """Show the bar, if anybody looks: a terminal or a notebook."""
        from rich import get_console  # noqa: PLC0415 - only where something is shown
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        console = get_console()
        if not (console.is_terminal or console.is_jupyter):
            return False
        columns = (TextColumn(self.what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, transient=True, auto_refresh=False)
        self._task = self._progress.add_task(self.what, total=self.total)
        self._progress.start()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put off a KeyboardInterrupt to the end of the block: what is half written is worth nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield  # interrupts go to the main thread
        return
    struck: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: struck.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if struck:
        raise KeyboardInterrupt
