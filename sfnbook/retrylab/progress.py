"""A bar for work that takes longer than a moment; nothing is shown of what is quick, and nothing stays."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeAlias

from sfnbook.notebook import in_a_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

P = ParamSpec("P")
View: TypeAlias = Generator[None, tuple[str, int, int], None]
"""Takes what is done, how much of it, and how much there is; closing it leaves nothing behind."""

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
        self._view: View | None = None

    def done(self, count: int) -> None:
        """So many are done now."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PAUSE
        if self._view is None:
            self._view = in_notebook() if in_a_notebook() else in_terminal(self.what, self.total)
        self._view.send((self.what, count, self.total))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._view is not None:
            self._view.close()


def begun(view: Callable[P, View]) -> Callable[P, View]:
    """A generator that is ready to be sent something."""

    def begin(*given: P.args, **named: P.kwargs) -> View:
        made = view(*given, **named)
        next(made)
        return made

    return begin


@begun
def in_terminal(what: str, total: int) -> View:
    """A bar of `rich`, which goes away at the end; nothing where nobody looks."""
    from rich import get_console, progress  # noqa: PLC0415 - only where something is shown

    columns = (
        progress.TextColumn(what), progress.BarColumn(), progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )  # fmt: skip
    bar = progress.Progress(
        *columns, transient=True, auto_refresh=False, disable=not get_console().is_terminal
    )
    task = bar.add_task(what, total=total)
    with bar:
        while True:
            _, count, _ = yield
            bar.update(task, completed=count)
            bar.refresh()


@begun
def in_notebook() -> View:
    """One output that is drawn again and is empty at the end; `rich` would leave a widget in the page."""
    from IPython.display import display  # noqa: PLC0415 - only where something is shown

    def shown(html: str) -> dict[str, str]:
        return {"text/plain": "", "text/html": html}

    handle: Any = display(shown(""), raw=True, display_id=True)  # type: ignore[no-untyped-call]
    try:
        while True:
            what, count, total = yield
            bar = f'<progress value="{count}" max="{total}" style="width:16em"></progress>'
            handle.update(shown(f"{bar} {count:,} of {total:,} {escape(what)}"), raw=True)
    finally:
        handle.update(shown(""), raw=True)


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
