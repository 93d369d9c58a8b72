"""Answer -> function of a Call: what people wrote, settled into private values and compiled once.

A compiled answer says what it needs of the engine, because each need costs a little at every call.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.errors import UsageError, warn
from sfnbook.tasks import functions
from sfnbook.tasks.composed import Attempts, Iterations, Sample, Sequence, Timed
from sfnbook.tasks.faults import STRIKES, Fault, Faulty, laid_over
from sfnbook.tasks.mockfile import Mocked
from sfnbook.tasks.protocol import (
    ENDINGS,
    Call,
    Failure,
    Never,
    Outcome,
    Perform,
    Result,
    Waiting,
    ended,
    is_backend,
    pasted,
)
from sfnbook.tasks.workers import Worker
from sfnbook.values import Json, checked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sfnbook.definition import Definition

CHOOSING: Final = (Attempts, Sequence, Iterations)
"""Answers that choose one of their ``answers`` for each call."""

WRAPPING: Final = (Faulty, Timed, Worker)
"""Answers that lay something over their ``answer``."""


class Compiled(NamedTuple):
    """A compiled answer.

    ``counted`` says that it needs `Call.count`, ``remembers`` that it leaves a memory, ``draws`` that
    it needs `Call.bits`, ``asks`` that it calls people's code, which may read the context.
    ``outcomes``, if any, are all it has to say, attempt by attempt, and the last one repeats: then
    no Call has to be made.
    """

    run: Perform
    counted: bool = False
    remembers: bool = False
    draws: bool = False
    asks: bool = False
    outcomes: tuple[Outcome, ...] = ()


def parts(spec: Any) -> Iterator[Any]:
    """An answer and all answers in it."""
    yield spec
    inner = spec.answers if isinstance(spec, CHOOSING) else ()
    for answer in (spec.answer,) if isinstance(spec, WRAPPING) else inner:
        yield from parts(answer)


# --- settling -------------------------------------------------------------------------------------
def settled(spec: Any, place: str, definitions: Iterable[Definition] = ()) -> Any:
    """The answer with private copies of its values, each of them a Result; UsageError if it is none.

    A sample is made for ``definitions``.
    """
    match spec:
        case Attempts() | Sequence() | Iterations():
            inner = tuple(settled(answer, place, definitions) for answer in spec.answers)
            return replace(spec, answers=inner)
        case Timed() | Faulty() | Worker():
            return replace(spec, answer=settled(spec.answer, place, definitions))
        case Sample():
            return Sample(tuple(definitions))
        case Result(value, seconds, heartbeats):
            return Result(_json(value, place), seconds, heartbeats)
        case Failure() | Never() | Mocked() | Waiting():
            return spec
        case Outcome():
            outcome = ended(spec)
            return outcome._replace(result=_json(outcome.result, place))
        case list() | tuple():
            inside = pasted(list(spec))[1:-1]
            raise UsageError(
                f"{place} is a list, which may mean two things. The list as the Task's result: "
                f"result([{inside}]); one answer for each attempt: attempts({inside})."
            )
    _refuse_callable(spec, place)
    return spec if callable(spec) or is_backend(spec) else Result(_json(spec, place))


def _refuse_callable(spec: Any, place: str) -> None:
    is_class = isinstance(spec, type)
    if isinstance(spec, BaseException) or (is_class and issubclass(spec, BaseException)):
        name = spec.__name__ if is_class else type(spec).__name__
        raise UsageError(f"{place} is an exception. To fail with its name: failure({name!r})")
    if is_class and is_backend(spec):
        raise UsageError(f"{place} is a class; a backend is an object of it: {spec.__name__}()")
    if inspect.iscoroutinefunction(spec):
        raise UsageError(
            f"{place} is an async function; a task function is an ordinary one (def, not async def)."
        )


def _json(value: Json, place: str) -> Json:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        _warn_of_json_text(value, place)
    return checked(value, f"The value of {place}")


def _warn_of_json_text(value: str, place: str) -> None:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return
    warn(f"{place} is JSON text; a result is a JSON value. Perhaps json.loads(...) is meant.")


# --- compiling ------------------------------------------------------------------------------------
def compiled(spec: Any) -> Compiled:
    """The function that a settled answer is, with what it needs.

    >>> compiled(Result(5)).run(Call("A", "A", "r", {})).result
    5
    """
    match spec:
        case Attempts(answers):
            made = _choosing(answers, _bounded(len(answers), lambda call: call.attempt - 1))
            written = all(isinstance(answer, ENDINGS) for answer in answers)
            return made._replace(outcomes=tuple(map(ended, answers))) if written else made
        case Sequence(answers):
            number = _bounded(len(answers), lambda call: call.count)
            return _choosing(answers, number)._replace(counted=True)
        case Iterations(keys, answers):
            return _choosing(answers, _by_indices({key: number for number, key in enumerate(keys)}))
        case Worker(answer):
            return compiled(answer)
        case Timed(answer, seconds, heartbeats):
            return _timed(compiled(answer), seconds, heartbeats)
        case Mocked():
            return Compiled(spec.answer, counted=True)
        case Faulty(answer, faults):
            return _faulty(compiled(answer), faults)
        case Sample(definitions):
            from sfnbook.tasks.samples import Sampler  # noqa: PLC0415 - few executions need it

            return Compiled(Sampler(definitions).call, remembers=True, draws=True, asks=True)
        case Result() | Failure() | Never() | Waiting() | Outcome():
            outcome = ended(spec)
            return Compiled(lambda _: outcome, outcomes=(outcome,))
    if is_backend(spec):
        # A backend is handed the Call itself, so it may read whatever there is.
        return Compiled(lambda call: functions.call_backend(spec, call), True, True, True, True)
    with_context = functions.takes_context(spec)
    return Compiled(lambda call: functions.call_function(spec, with_context, call), asks=True)


def _bounded(length: int, number: Callable[[Call], int]) -> Callable[[Call], int]:
    return lambda call: min(number(call), length - 1)


def _by_indices(numbers: dict[Any, int]) -> Callable[[Call], int]:
    """The most exact key for the iterations around a call: the longest tuple, then the innermost index."""

    def number(call: Call) -> int:
        indices = call.indices
        for start in range(len(indices)):
            if (found := numbers.get(indices[start:])) is not None:
                return found
        return numbers.get(indices[-1], len(numbers)) if indices else len(numbers)

    return number


def _choosing(answers: tuple[Any, ...], number: Callable[[Call], int]) -> Compiled:
    chosen = [compiled(answer) for answer in answers]
    needs = zip(*(one[1:-1] for one in chosen), strict=True)
    counted, remembers, draws, asks = (any(needed) for needed in needs)
    runs = [one.run for one in chosen]

    def run(call: Call) -> Outcome:
        return runs[number(call)](call)

    def remembering(call: Call) -> Outcome:
        # Each of them has a memory of its own.
        index = number(call)
        memories = call.memory or (None,) * len(runs)
        outcome = runs[index](call._replace(memory=memories[index]))
        return outcome._replace(memory=(*memories[:index], outcome.memory, *memories[index + 1 :]))

    return Compiled(remembering if remembers else run, counted, remembers, draws, asks)


def _timed(inner: Compiled, seconds: Any, heartbeats: tuple[float, ...]) -> Compiled:
    def run(call: Call) -> Outcome:
        outcome = inner.run(call)
        if outcome.seconds or outcome.never or outcome.waits:
            return outcome
        return outcome._replace(seconds=seconds, heartbeats=heartbeats)

    return inner._replace(run=run, outcomes=())


def _faulty(inner: Compiled, faults: tuple[Fault, ...]) -> Compiled:
    # Its memory holds the count and the memory of the answer below; what AWS says quotes the context.
    quotes = any(fault.name in STRIKES and fault.error is None for fault in faults)
    run = laid_over(inner.run, faults)
    return Compiled(run, remembers=True, draws=True, asks=inner.asks or quotes)
