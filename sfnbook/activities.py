"""What happened at each activity: its queue, its workers and how long tasks waited, from the changes so far.

Nothing here is counted while an execution runs.  An activity is one ARN, whoever polls it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.clock import NEVER, duration, seconds
from sfnbook.frames import POLLING, Activity, Awaiting, Change, Frame, FrameId
from sfnbook.notebook import displayed
from sfnbook.polling import until_in
from sfnbook.working import wait_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sfnbook.timeline import Timeline

MOST_ROWS: Final = 20
"""Rows of a queue over time that are shown."""


class Moment(NamedTuple):
    """How things stand at an activity from a time (virtual seconds) on."""

    time: float
    waiting: int
    busy: int


class Waits(NamedTuple):
    """How many virtual seconds tasks waited in the queue until a worker took them."""

    shortest: float
    mean: float
    p95: float
    longest: float


class ActivityRecord:
    """One activity: ``workers`` of a pool poll it (0: its tasks are taken by hand), ``taken`` tasks so far.

    ``waited`` are the virtual seconds that each of them was in the queue, in the order of taking.
    """

    def __init__(self, arn: str, workers: int, waited: list[float], over_time: list[Moment]) -> None:
        self.arn, self.workers, self.waited, self._over_time = arn, workers, waited, over_time

    @property
    def name(self) -> str:
        """The activity's name, the end of its ARN."""
        return self.arn.rpartition(":")[2]

    @property
    def waiting(self) -> int:
        """How many tasks wait now: the depth of the queue."""
        return self._over_time[-1].waiting

    @property
    def most_waiting(self) -> int:
        """The greatest depth of the queue so far."""
        return max(moment.waiting for moment in self._over_time)

    @property
    def busy(self) -> int:
        """How many workers are at work now."""
        return self._over_time[-1].busy

    @property
    def taken(self) -> int:
        """How many tasks workers have taken."""
        return len(self.waited)

    @property
    def waits(self) -> Waits | None:
        """The shortest, mean, 95 % and longest time in the queue; None when no task was taken."""
        if not self.waited:
            return None
        ordered = sorted(self.waited)
        p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
        return Waits(ordered[0], math.fsum(ordered) / len(ordered), p95, ordered[-1])

    def over_time(self) -> list[Moment]:
        """The depth of the queue and the workers at work, from each time on at which one of them changed."""
        return list(self._over_time)

    def __repr__(self) -> str:
        busy = f"{self.busy} of {self.workers} workers busy" if self.workers else f"{self.busy} taken by hand"
        return f"<Activity {self.name!r}: {self.waiting} waiting, {busy}, {self.taken} taken>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        rows = [
            (duration(time), str(waiting), str(busy)) for time, waiting, busy in _thinned(self._over_time)
        ]
        over_time = _table(("from", "waiting", "busy"), rows)
        shown = _table(COLUMNS, [_row(self)]) + _picture(self._over_time) + over_time
        return displayed(repr(self), shown)


class Activities(Mapping[str, ActivityRecord]):
    """The activities that have had a task, by ARN; in a notebook a table.

    >>> import sfnbook
    >>> from sfnbook.tasks import result, worker
    >>> arn = "arn:aws:states:us-east-1:123456789012:activity:pack"
    >>> pack = {"Type": "Task", "Resource": arn, "End": True}
    >>> machine = sfnbook.load({"StartAt": "Pack", "States": {"Pack": pack}})
    >>> machine.start(tasks={arn: worker(result("ok", seconds=5))}).run(until=1).activities[arn]
    <Activity 'pack': 0 waiting, 1 of 1 workers busy, 1 taken>
    """

    def __init__(self, records: Mapping[str, ActivityRecord]) -> None:
        self._records = dict(records)

    def __getitem__(self, arn: str) -> ActivityRecord:
        return self._records[arn]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.values())) or "<no activity has had a task>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        shown = _table(COLUMNS, [_row(record) for record in self.values()])
        return displayed(repr(self), shown if self else f"<p>{escape(repr(self))}</p>")


# --- reading the changes ----------------------------------------------------------------------------
class Notes(NamedTuple):
    """What the changes say of one activity."""

    pools: dict[int, int]  # workers, by the number of the queue that they poll
    waited: list[float]
    steps: list[tuple[int, int, int]]  # (time, more that wait, more that are busy)


def activities(timeline: Timeline) -> Activities:
    """The activities of an execution up to its cursor."""
    timeline.settle()
    notes: dict[str, Notes] = {}
    by_hand: dict[FrameId, Notes] = {}  # tasks that people have taken
    for queue in timeline.setup.queues.values():
        pools = notes.setdefault(queue.arn, Notes({}, [], [])).pools
        pools[queue.number] = 0 if queue.pool is None else queue.pool.count
    for change in timeline.changes[: timeline.cursor]:
        for before, after in ((change.before, change.after), *change.others):
            if after is not None and after.phase == POLLING:
                _note_queue(notes[after.work.arn], before, after.work, change.time)
            elif before is not None and before.id in by_hand and (after is None or wait_in(after) is None):
                by_hand.pop(before.id).steps.append((change.time, 0, -1))
        if change.kind == "TaskStarted" and change.before is not None:
            _note_taken(notes, by_hand, change, change.before, timeline)
    started, now = timeline.setup.birth.time, timeline.clock
    return Activities(
        {
            arn: ActivityRecord(arn, sum(one.pools.values()), one.waited, _moments(one.steps, started, now))
            for arn, one in notes.items()
            if one.steps
        }
    )


def _note_taken(
    notes: dict[str, Notes], by_hand: dict[FrameId, Notes], change: Change, task: Frame, timeline: Timeline
) -> None:
    if not isinstance(task.work, Awaiting):
        return
    queue = timeline.setup.queues[task.scope.execution.machine, task.state]
    one = notes[queue.arn]
    one.waited.append(seconds(change.time - task.work.beat))
    one.steps.append((change.time, 0, 1))
    until = until_in(change)
    if until is None:
        by_hand[task.id] = one
    elif until < NEVER:
        one.steps.append((until, 0, -1))


def _note_queue(notes: Notes, before: Frame | None, activity: Activity, time: int) -> None:
    old: Activity | None = None if before is None else before.work
    notes.steps.append((time, activity.waiting - (0 if old is None else old.waiting), 0))


def _moments(steps: list[tuple[int, int, int]], started: int, now: int) -> list[Moment]:
    waiting = busy = 0
    moments = [Moment(0.0, 0, 0)]
    for time, group in groupby(sorted(steps, key=lambda step: step[0]), key=lambda step: step[0]):
        if time > now:
            break
        for _, more_waiting, more_busy in group:
            waiting, busy = waiting + more_waiting, busy + more_busy
        moment = Moment(seconds(time - started), waiting, busy)
        if moment.time == moments[-1].time:
            moments[-1] = moment
        elif moment[1:] != moments[-1][1:]:
            moments.append(moment)
    return moments


# --- tables and pictures ----------------------------------------------------------------------------
COLUMNS: Final = (
    "activity", "waiting", "longest queue", "busy", "workers", "taken",
    "shortest wait", "mean", "95 %", "longest",
)  # fmt: skip
WIDTH, HEIGHT = 480, 80


def _row(record: ActivityRecord) -> tuple[str, ...]:
    waits = ("", "", "", "") if record.waits is None else tuple(map(duration, record.waits))
    workers = str(record.workers) if record.workers else "by hand"
    counts = (record.waiting, record.most_waiting, record.busy)
    return (record.name, *map(str, counts), workers, str(record.taken), *waits)


def _thinned(moments: list[Moment]) -> list[Moment]:
    """Some of the moments, evenly chosen, the first and the last among them."""
    last, most = len(moments) - 1, MOST_ROWS - 1
    return moments if last <= most else [moments[last * number // most] for number in range(most + 1)]


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th style='text-align:left'>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td style=text-align:left>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _picture(moments: list[Moment]) -> str:
    """The queue as an area and the busy workers as a line, over time; "" where no time has passed."""
    end, top = moments[-1].time, max(max(moment[1:]) for moment in moments)
    if not end or not top:
        return ""
    queue = _steps([(moment.time / end, moment.waiting / top) for moment in moments])
    busy = _steps([(moment.time / end, moment.busy / top) for moment in moments])
    told = f"up to {top} at a time; from 0 s to {duration(end)}"
    frame = f'viewBox="0 -4 {WIDTH} {HEIGHT + 22}" width="{WIDTH}" role="img" aria-label="The queue, {told}"'
    words = (
        f'<text y="{HEIGHT + 14}" font-size="11" fill="currentColor">area: waiting, line: busy; {told}</text>'
    )
    area = f'<path d="{queue} V{HEIGHT} H0 Z" fill="var(--jp-brand-color1, #0972d3)" fill-opacity=".3"/>'
    line = f'<path d="{busy}" fill="none" stroke="var(--jp-warn-color1, #c26000)" stroke-width="2"/>'
    return f"<svg {frame}>{area}{line}{words}</svg>"


def _steps(points: list[tuple[float, float]]) -> str:
    """A path in steps through points of the unit square."""
    parts = [f"H{x * WIDTH:.1f} V{(1 - y) * HEIGHT:.1f}" for x, y in points[1:]]
    return " ".join([f"M0 {(1 - points[0][1]) * HEIGHT:.1f}", *parts, f"H{WIDTH}"])
