"""The timeline as a Gantt chart: a row for each state, or each iteration of a Map, a bar for each attempt.

A fold over the changes that only ever grows: the chart shows the whole recording, and the cursor is
a line in it.  `Gantt.chart` gives rows and bars in virtual seconds, few enough to be drawn: of a large
Map the iterations that are worth looking at, the others together in one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import SECOND
from sfnbook.frames import (
    ABORTED,
    AWAITING,
    DEADLINE,
    FAILED_FOR_GOOD,
    OVER,
    RETRYING,
    SUCCEEDED,
    TIMED_OUT,
    WAITING,
)
from sfnbook.growing import Growing
from sfnbook.values import state_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sfnbook.frames import Change, Frame, FrameId

MOST_ITERATIONS: Final = 24
"""Rows of one Map; those beyond share one."""
MOST_BARS: Final = 240
"""Bars in one row; beyond, those that would touch are drawn as one."""

WORK: Final = "work"
WAIT: Final = "wait"
BACKOFF: Final = "backoff"
GROUP: Final = "group"

_STATUS: Final[dict[str, str]] = {
    SUCCEEDED: "succeeded",
    FAILED_FOR_GOOD: "failed",
    TIMED_OUT: "failed",
    ABORTED: "cancelled",
}
_URGENCY: Final = ("failed", "caught", "retrying", "current", "waiting", "cancelled", "succeeded")
_PROCESSORS: Final = ("/ItemProcessor", "/Iterator")


class Bar(NamedTuple):
    """A stretch of virtual seconds in a row.

    ``kind`` is "work", "wait" (a Wait, or the outside), "backoff" (until a retry) or "group";
    ``status`` a name of `theme.STATUSES`; ``number`` that of the transition with which it began.
    """

    row: int
    start: float
    end: float
    kind: str
    status: str
    label: str
    number: int


class Row(NamedTuple):
    """A row's name, and how deep it lies in Maps, Parallels and nested executions."""

    label: str
    depth: int


class Chart(NamedTuple):
    """What is drawn: rows from the top, their bars, and where the time axis ends, in virtual seconds."""

    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    end: float


class _Span:
    """A bar while it grows; times in microseconds."""

    __slots__ = ("attempt", "end", "kind", "name", "number", "start", "status")

    def __init__(self, name: str, attempt: int, kind: str, start: int, number: int) -> None:
        self.name, self.attempt, self.kind, self.start, self.number = name, attempt, kind, start, number
        self.end: int | None = None
        self.status = "waiting" if kind == WAIT else "retrying" if kind == BACKOFF else "current"

    @property
    def label(self) -> str:
        if self.kind == GROUP:
            return f"{self.name}: {self.attempt:,} together, {self.status}"
        what = {BACKOFF: "back-off before ", WAIT: "wait in "}.get(self.kind, "")
        return f"{what}{self.name}, attempt {self.attempt}: {self.status}"


class _Line:
    """A row while it grows: its spans, and the rows below it."""

    __slots__ = ("below", "iterations", "name", "retries", "spans")

    def __init__(self, name: str) -> None:
        self.name, self.retries = name, 0
        self.spans: list[_Span] = []
        self.below: dict[tuple[int, str], _Line] = {}  # by branch and name
        self.iterations: dict[int, _Line] = {}

    def state(self, branch: int, name: str) -> _Line:
        key = (branch, name)
        if key not in self.below:
            self.below[key] = _Line(name)
        return self.below[key]


class Gantt(Growing):
    """Follows a list of changes that grows; another list is begun anew.

    >>> import sfnbook
    >>> states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Wait", "Seconds": 5, "End": True}}
    >>> execution = sfnbook.load({"StartAt": "A", "States": states}).start().run()
    >>> chart = Gantt().follow(execution.changes).chart()
    >>> [(chart.rows[bar.row].label, bar.kind, bar.start, bar.end) for bar in chart.bars]
    [('A', 'work', 0.0, 0.0), ('B', 'wait', 0.0, 5.0)]
    """

    def begin(self) -> None:
        """Forget everything."""
        self._started = self._now = 0
        self._chart: Chart | None = None
        self._root = _Line("")
        # Where the bars of a frame go: below a line, a row for each state; or (True) all into that line.
        self._places: dict[FrameId, tuple[_Line, bool] | None] = {}
        self._open: dict[FrameId, tuple[_Line, _Span]] = {}

    # --- one change ---------------------------------------------------------------------------------
    def see(self, change: Change, number: int) -> None:
        """Take in a change."""
        kind, now, before, after = change.kind, change.time, change.before, change.after
        if not number:
            self._started = now
        self._now, self._chart = now, None
        self._settle(before, after, now)
        for old, new in change.others:
            if old is None or new is None or new.phase in OVER:
                self._settle(old, new, now)
        if after is None or after.id[0] < 0:
            return
        if kind == "StateEntered":
            self._start(after, WAIT if after.phase == WAITING else WORK, now, number)
        elif kind in {"StateExited", "Caught"}:
            self._close(after.id, now, "caught" if kind == "Caught" else "succeeded")
        elif kind == "RetryScheduled":
            self._close(after.id, now, "failed")
            self._start(after, BACKOFF, now, number)
        elif after.id in self._open:
            self._go_on(after, now, number)

    def _settle(self, old: Frame | None, new: Frame | None, now: int) -> None:
        """A frame that is born gets its place; the bar of one that ends is closed."""
        frame = new or old
        if frame is None or frame.id[0] < 0 or frame.phase == DEADLINE:
            return
        if old is None and new is not None:
            self._places[new.id] = self._place(new)
        if new is None or new.phase in OVER:
            self._close(frame.id, now, "succeeded" if new is None else _STATUS[new.phase])

    def _go_on(self, frame: Frame, now: int, number: int) -> None:
        _, span = self._open[frame.id]
        if span.kind == BACKOFF and frame.phase != RETRYING:
            self._close(frame.id, now, "retrying")
            self._start(frame, WORK, now, number)
        elif frame.phase == AWAITING or (frame.phase == WAITING and span.kind == WORK):
            span.kind, span.status = WAIT, "waiting"

    def _place(self, frame: Frame) -> tuple[_Line, bool] | None:
        """Inside an iteration nothing has rows of its own: there would be too many."""
        parent = frame.scope.parent
        if parent is None:
            return self._root, False
        around = self._places.get(parent)
        if around is None or around[1]:
            return None
        opened = self._open.get(parent)
        line = opened[0] if opened else around[0]
        if not frame.state.rpartition("/States/")[0].endswith(_PROCESSORS):
            return line, False
        index = frame.scope.index
        name = f"{line.name}[{index}]"
        return line.iterations.setdefault(index, _Line(name)), True

    def _start(self, frame: Frame, kind: str, now: int, number: int) -> None:
        place = self._places.get(frame.id)
        if place is None:
            return
        line, whole = place
        name = state_name(frame.state)
        line = line if whole else line.state(frame.scope.index, name)
        line.retries += kind == BACKOFF
        span = _Span(name, frame.visit.retries + 1, kind, now, number)
        line.spans.append(span)
        self._open[frame.id] = line, span

    def _close(self, frame: FrameId, now: int, status: str) -> None:
        opened = self._open.pop(frame, None)
        if opened is not None:
            span = opened[1]
            span.end, span.status = now, status

    # --- what is drawn --------------------------------------------------------------------------------
    def chart(self) -> Chart:
        """Rows and bars as things stand; the same object as long as nothing is new."""
        if self._chart is None:
            self._chart = self._drawn()
        return self._chart

    def _drawn(self) -> Chart:
        rows: list[Row] = []
        bars: list[Bar] = []
        for line, depth in self._lines(self._root, 0):
            bars += self._bars(line, len(rows))
            rows.append(Row(line.name, depth))
        return Chart(tuple(rows), tuple(bars), self._seconds(self._now))

    def _lines(self, line: _Line, depth: int) -> Iterator[tuple[_Line, int]]:
        for _, below in sorted(line.below.items(), key=lambda item: item[0][0]):
            yield below, depth
            chosen = _worth_looking_at(below.iterations)
            for index in chosen:
                yield below.iterations[index], depth + 1
            if rest := [one for index, one in below.iterations.items() if index not in chosen]:
                yield self._together(rest), depth + 1
            yield from self._lines(below, depth + 1)

    def _together(self, lines: list[_Line]) -> _Line:
        """One row for many iterations: a bar wherever one of them is at work."""
        joined = _Line(f"{len(lines):,} more")
        spans = [_whole(line, self._now) for line in lines if line.spans]
        joined.spans = _merged(sorted(spans, key=lambda span: span.start), 0, self._now)
        return joined

    def _bars(self, line: _Line, row: int) -> Iterator[Bar]:
        spans: Iterable[_Span] = line.spans
        if len(line.spans) > MOST_BARS:
            spans = _merged(line.spans, (self._now - self._started) // MOST_BARS, self._now)
        for span in spans:
            end = self._now if span.end is None else span.end
            yield Bar(
                row, self._seconds(span.start), self._seconds(end), span.kind, span.status, span.label,
                span.number,
            )  # fmt: skip

    def _seconds(self, time: int) -> float:
        return (time - self._started) / SECOND


def _worth_looking_at(iterations: dict[int, _Line]) -> list[int]:
    """The indices that get a row each: all of a few; of many the failed, the retried, the longest."""
    if len(iterations) <= MOST_ITERATIONS:
        return sorted(iterations)

    def interest(index: int) -> tuple[Any, ...]:
        line = iterations[index]
        if not line.spans:
            return (0, 0, 0, -index)
        last = line.spans[-1]
        return (last.status == "failed", line.retries, (last.end or 0) - line.spans[0].start, -index)

    return sorted(sorted(iterations, key=interest, reverse=True)[: MOST_ITERATIONS - 1])


def _whole(line: _Line, now: int) -> _Span:
    """An iteration from its first to its last moment."""
    first, last = line.spans[0], line.spans[-1]
    span = _Span(line.name, 1, GROUP, first.start, first.number)
    span.end, span.status = (now if last.end is None else last.end), last.status
    return span


def _merged(spans: Iterable[_Span], gap: int, now: int) -> list[_Span]:
    """Spans that are in order of their starts, with those in one that lie no further apart than ``gap``."""
    merged: list[_Span] = []
    for span in spans:
        end = now if span.end is None else span.end
        last = merged[-1] if merged else None
        if last is not None and last.end is not None and span.start <= last.end + gap:
            last.end, last.attempt = max(last.end, end), last.attempt + 1
            last.status = min(last.status, span.status, key=_URGENCY.index)
        else:
            new = _Span(span.name, 1, GROUP, span.start, span.number)
            new.end, new.status = end, span.status
            merged.append(new)
    return merged
