"""Workers: who takes the tasks of an activity, how many there are, how often they ask and how fast they are.

>>> from sfnbook.tasks import worker
>>> def pack(event): return {"packed": event["order"]}
>>> worker(pack, count=2, poll_seconds=5)
worker(pack, count=2, poll_seconds=5)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from sfnbook.clock import microseconds
from sfnbook.errors import UsageError
from sfnbook.tasks.protocol import spelled

NUMBERS: Final = frozenset({int, float})
MOST_POLLERS: Final = 1000
"""How many workers AWS lets poll one activity at a time."""


@dataclass(frozen=True, slots=True, repr=False)
class Worker:
    """The answer that `worker` makes."""

    answer: Any
    count: int = 1
    poll_seconds: float = 0
    speed: float = 1
    name: str = "worker"

    @property
    def poll(self) -> int:
        """Microseconds between two polls that find nothing."""
        return microseconds(self.poll_seconds)

    def __repr__(self) -> str:
        given = {"count": 1, "poll_seconds": 0, "speed": 1, "name": _name(self.answer)}
        words = (
            f", {key}={getattr(self, key)!r}" for key, usual in given.items() if getattr(self, key) != usual
        )
        return f"worker({spelled(self.answer)}{''.join(words)})"


def worker(
    answer: Any, count: int = 1, poll_seconds: float = 0, speed: float = 1, name: str | None = None
) -> Worker:
    """``count`` workers that poll an activity (GetActivityTask) and do its tasks, first come first served.

    ``answer`` is called when a worker takes a task: a function, or any other answer; the worker is busy for
    its virtual seconds, divided by ``speed``, even when the task times out meanwhile.  A free worker
    takes a task as soon as one waits; with ``poll_seconds`` one that found nothing asks again only
    after so long.  With ``never()`` it is gone for good, with ``waiting()`` it hands the token on.
    Each activity that it answers for has so many workers of its own.  ``name`` is what the history
    calls them: name-1, name-2 ...

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html

    >>> import sfnbook
    >>> arn = "arn:aws:states:us-east-1:123456789012:activity:pack"
    >>> pack = {"StartAt": "Pack", "States": {"Pack": {"Type": "Task", "Resource": arn, "End": True}}}
    >>> orders = {"StartAt": "All", "States": {"All": {"Type": "Map", "ItemProcessor": pack, "End": True}}}
    >>> tasks = {arn: worker(sfnbook.tasks.result("packed", seconds=60), count=2)}
    >>> sfnbook.load(orders).start([1, 2, 3, 4], tasks=tasks).run().time
    120.0
    """
    if type(count) is not int or not 1 <= count <= MOST_POLLERS:
        raise UsageError(f"count={count!r}: give a whole number of workers, from 1 to {MOST_POLLERS}.")
    if not _is_number(poll_seconds) or poll_seconds < 0:
        raise UsageError(f"poll_seconds={poll_seconds!r}: give virtual seconds, 0 or more.")
    if not _is_number(speed) or speed <= 0:
        raise UsageError(f"speed={speed!r}: give a positive number, 2 for twice as fast.")
    if isinstance(answer, Worker):
        raise UsageError("A worker works by itself: worker(worker(...)) has one worker() too many.")
    given: Any = name
    if given is not None and not (isinstance(given, str) and given):
        raise UsageError(f"name={name!r}: give text.")
    return Worker(answer, count, poll_seconds, speed, name or _name(answer))


def _is_number(value: Any) -> bool:
    return type(value) in NUMBERS and math.isfinite(value)


def _name(answer: Any) -> str:
    name = str(getattr(answer, "__name__", ""))
    return name if name.isidentifier() else "worker"
