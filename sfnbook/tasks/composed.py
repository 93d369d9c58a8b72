"""Answers made of other answers: by attempt, by call, by Map iteration, or with time added to a function.

All of them are immutable values, and may stand in each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sfnbook.errors import UsageError
from sfnbook.tasks.protocol import is_backend, spelled, spelled_timing, timing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sfnbook.definition import Definition
    from sfnbook.tasks.durations import Seconds

Indices: TypeAlias = int | tuple[int, ...]
"""A Map iteration: its index, or those of nested Maps from the outside in."""


@dataclass(frozen=True, slots=True, repr=False)
class Attempts:
    """The answer that `attempts` makes."""

    answers: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"attempts({', '.join(map(spelled, self.answers))})"


@dataclass(frozen=True, slots=True, repr=False)
class Sequence:
    """The answer that `sequence` makes."""

    answers: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"sequence({', '.join(map(spelled, self.answers))})"


@dataclass(frozen=True, slots=True, repr=False)
class Iterations:
    """The answer that `iterations` makes: one more answer than keys, the last is for all others."""

    keys: tuple[Indices, ...]
    answers: tuple[Any, ...]

    def __repr__(self) -> str:
        *chosen, otherwise = map(spelled, self.answers)
        shown = ", ".join(f"{key}: {answer}" for key, answer in zip(self.keys, chosen, strict=True))
        return f"iterations({{{shown}}}, {otherwise})"


@dataclass(frozen=True, slots=True, repr=False)
class Timed:
    """The answer that `timed` makes."""

    answer: Any
    seconds: Seconds
    heartbeats: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return f"timed({spelled(self.answer)}{spelled_timing(self)})"


def attempts(*answers: Any) -> Attempts:
    """The first answer for the first attempt of a visit, and so on; the last one repeats.

    >>> from sfnbook.tasks import failure
    >>> attempts(failure("States.Timeout"), {"ok": True})
    attempts(failure('States.Timeout'), {'ok': True})
    """
    return Attempts(_some(answers, "attempts"))


def sequence(*answers: Any) -> Sequence:
    """One answer for each call over all visits, retries and iterations; the last one repeats.

    >>> from sfnbook.tasks import never
    >>> sequence({"page": 1}, {"page": 2}, never())
    sequence({'page': 1}, {'page': 2}, never())
    """
    return Sequence(_some(answers, "sequence"))


def iterations(answers: Mapping[Indices, Any], otherwise: Any) -> Iterations:
    """An answer for each Map iteration by its index, and one for all others.

    The index is that of the innermost iteration around the Task; in nested Maps a tuple of
    indices, from the outside in, says it exactly.

    >>> from sfnbook.tasks import attempts, failure
    >>> iterations({7: failure("Damaged"), (2, 0): attempts(failure("Busy"), {"ok": True})}, {"ok": True})
    iterations({7: failure('Damaged'), (2, 0): attempts(failure('Busy'), {'ok': True})}, {'ok': True})
    """
    given: Any = answers
    if not isinstance(given, Mapping) or not given:
        raise UsageError(
            "iterations() wants answers by index: iterations({7: failure('Damaged')}, {'ok': True})."
        )
    for key in answers:
        indices = key if isinstance(key, tuple) and key else (key,)
        if not all(type(index) is int and index >= 0 for index in indices):
            raise UsageError(
                f"iterations({{{key!r}: ...}}): an index is a whole number from 0, or a tuple of them."
            )
    return Iterations(tuple(answers), (*answers.values(), otherwise))


def timed(function: Any, seconds: Seconds = 0, heartbeats: Iterable[float] = ()) -> Timed:
    """A function, a backend or a sample that takes ``seconds`` of virtual time whatever comes out of it.

    ``seconds`` is a number or a distribution (`uniform`, `exponential`, `normal`).  An answer that
    says itself how long it takes keeps its own time.

    >>> from sfnbook.tasks import uniform
    >>> def charge(event): return {"ok": True}
    >>> timed(charge, seconds=uniform(0.1, 0.3))
    timed(charge, seconds=uniform(0.1, 0.3))
    """
    if not (callable(function) or is_backend(function) or isinstance(function, Sample)):
        raise UsageError(
            f"timed() is for functions and backends. For a value: result({spelled(function)}, seconds=...)."
        )
    return Timed(function, *timing(seconds, heartbeats))


def _some(answers: tuple[Any, ...], word: str) -> tuple[Any, ...]:
    if not answers:
        raise UsageError(f"{word}() needs at least one answer, for example {word}({{'ok': True}}).")
    return answers


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """The answer that `sample` makes; ``definitions`` are those whose Tasks it answers for."""

    definitions: tuple[Definition, ...] = ()

    def __repr__(self) -> str:
        return "sample()"


def sample() -> Sample:
    """Answer with a plausible result: from the service's model and from what later states read.

    ``tasks="sample"`` answers so for every Task, ``{"Charge": charge, "*": sample()}`` for those that
    nothing else answers for.  With botocore installed, results have the form of its service models.

    >>> import sfnbook
    >>> task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    >>> output = sfnbook.load({"StartAt": "A", "States": {"A": task}}).start(tasks="sample").result()
    >>> len(output["MessageId"])
    36
    """
    return Sample()
