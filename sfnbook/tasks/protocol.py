"""What passes between the engine and whoever answers for a Task: a Call goes out, an Outcome comes back.

Beside them stand the words for how one call ends (`result`, `failure`, `never`, `waiting`) and the
exception that a task function raises to fail in its own words.  Seconds are virtual everywhere here.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from sfnbook.errors import UsageError, kind_of
from sfnbook.tasks.durations import Duration, Seconds
from sfnbook.values import Json, checked


class Call(NamedTuple):
    """One attempt at one Task, as `Backend.call` gets it.

    ``attempt`` counts from 1 within a ``visit`` of the state; ``count`` is how many calls this
    answer got before, over visits and iterations.  ``input`` is what is sent, for
    ``lambda:invoke`` the whole ``{"FunctionName": ..., "Payload": ...}``; whoever is called
    gets a copy of it.  ``remaining`` is the time until the Task times out, if it does.  ``bits``
    are 64 random ones that belong to this attempt, and ``memory`` is what this answer's last
    Outcome asked to be remembered: chance and memory go back and forth with the execution.
    ``indices`` are those of the Map iterations around the Task, the outermost first, and ``around``
    has visit and attempt of every state around it: with them the place is named exactly.

    >>> call = Call("Orders[3].Charge", "Charge", "arn:aws:states:::sqs:sendMessage", {"MessageBody": 1})
    >>> call.attempt, call.count, call.remaining
    (1, 0, None)
    """

    path: str
    state: str
    resource: str
    input: Json
    attempt: int = 1
    visit: int = 1
    count: int = 0  # type: ignore[assignment]  # hides tuple.count, which no Call needs
    time: float = 0.0
    token: str | None = None
    context: dict[str, Any] = {}  # noqa: RUF012 - copied before user code sees it
    remaining: float | None = None
    bits: int = 0
    memory: Any = None
    indices: tuple[int, ...] = ()
    around: tuple[tuple[int, int], ...] = ()


class Outcome(NamedTuple):
    """How a Call ends: with ``result``, or ``failed`` with ``error`` and ``cause``, or ``never``.

    For ``.sync`` and ``.waitForTaskToken`` the service answers twice.  ``submitted`` is its first answer,
    ``refused`` says that the failure was that first answer already, and ``waits`` that someone outside
    will send the second with the task token.

    ``backoff`` replaces the delay that a retrier computes for this failure, and ``memory``, an
    immutable value, comes back as `Call.memory` at the next call of the same answer.  ``seconds`` may be
    a distribution, and ``why`` says in words how it came to this; `Transition.why` repeats it.

    >>> Outcome({"approved": True}, seconds=2).result
    {'approved': True}
    """

    result: Json = None
    error: str | None = None
    cause: str | None = None
    failed: bool = False
    seconds: Seconds = 0
    heartbeats: tuple[float, ...] = ()
    never: bool = False
    traceback: str | None = None
    submitted: Json = None  # the service's first answer, before the result: .sync and .waitForTaskToken
    worker: str | None = None  # the name of the worker that took an activity task
    backoff: float | None = None
    memory: Any = None
    refused: bool = False
    waits: bool = False
    why: str = ""


class Backend(Protocol):
    """Whatever has ``call(Call) -> Outcome`` answers for Tasks."""

    def call(self, call: Call, /) -> Outcome: ...


Perform: TypeAlias = Callable[[Call], Outcome]
"""A compiled answer."""


class TaskFailure(Exception):  # noqa: N818 - the name of what happens to the Task
    """Raised in a task function: the Task fails with exactly this error name and cause.

    >>> TaskFailure("CardDeclined", "no funds").error
    'CardDeclined'
    """

    def __init__(self, error: str, cause: str = "") -> None:
        self.error, self.cause = names(error, cause)
        super().__init__(error, cause)

    def __str__(self) -> str:
        return f"{self.error}: {self.cause}" if self.cause else str(self.error)


def succeeded(result: Json, seconds: Seconds = 0, heartbeats: Iterable[float] = ()) -> Outcome:
    """The Outcome of a Task that succeeds.

    >>> succeeded([1]).result
    [1]
    """
    return Outcome(result, None, None, False, *timing(seconds, heartbeats))


def failed(
    error: str | None,
    cause: str | None = None,
    seconds: Seconds = 0,
    heartbeats: Iterable[float] = (),
    traceback: str | None = None,
) -> Outcome:
    """The Outcome of a Task that fails.

    >>> failed("CardDeclined").failed
    True
    """
    error, cause = names(error, cause)
    return Outcome(None, error, cause, True, *timing(seconds, heartbeats), False, traceback)


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """The answer that `result` makes."""

    value: Json
    seconds: Seconds = 0
    heartbeats: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return f"result({spelled(self.value)}{spelled_timing(self)})"


@dataclass(frozen=True, slots=True, repr=False)
class Failure:
    """The answer that `failure` makes."""

    error: str | None
    cause: str | None = ""
    seconds: Seconds = 0
    heartbeats: tuple[float, ...] = ()

    def __repr__(self) -> str:
        cause = f", {self.cause!r}" if self.cause != "" else ""
        return f"failure({self.error!r}{cause}{spelled_timing(self)})"


@dataclass(frozen=True, slots=True, repr=False)
class Never:
    """The answer that `never` makes."""

    def __repr__(self) -> str:
        return "never()"


@dataclass(frozen=True, slots=True, repr=False)
class Waiting:
    """The answer that `waiting` makes."""

    def __repr__(self) -> str:
        return "waiting()"


Ending: TypeAlias = Outcome | Result | Failure | Never | Waiting
"""What one call may end in, written by people or by a backend."""

# Beyond this a refused value is not repeated in the form to paste.
_LONGEST_PASTE: Final = 2000

ENDINGS: Final = (Outcome, Result, Failure, Never, Waiting)


def result(value: Json, seconds: Seconds = 0, heartbeats: Iterable[float] = ()) -> Result:
    """Succeed with ``value`` after ``seconds``, beating at each of ``heartbeats``.

    ``seconds`` is a number or a distribution (`uniform`, `exponential`, `normal`).

    >>> result({"ok": True}, seconds=60, heartbeats=[20, 40])
    result({'ok': True}, seconds=60, heartbeats=(20, 40))
    """
    return Result(value, *timing(seconds, heartbeats))


def failure(
    error: str | None, cause: str | None = "", seconds: Seconds = 0, heartbeats: Iterable[float] = ()
) -> Failure:
    """Fail with this error name and cause after ``seconds``.

    >>> failure("Lambda.TooManyRequestsException", "Rate Exceeded.")
    failure('Lambda.TooManyRequestsException', 'Rate Exceeded.')
    """
    return Failure(*names(error, cause), *timing(seconds, heartbeats))


def never() -> Never:
    """No answer at all: the Task's timeout strikes, unasked.

    >>> never()
    never()
    """
    return Never()


def waiting() -> Waiting:
    """The request is sent, and someone else will answer with the task token: see `Execution.pending`.

    For ``.waitForTaskToken`` a function that stores ``context.token`` somewhere returns this, and so does
    an activity's worker that hands its task on.

    >>> waiting()
    waiting()
    """
    return Waiting()


def is_backend(thing: object) -> bool:
    """Has it a ``call`` of its own?  Looked up statically, for a Mock has any attribute one asks for."""
    return inspect.getattr_static(thing, "call", None) is not None


def spelled(value: Any) -> str:
    """The Python text of an answer; a function is shown by its name.

    >>> spelled(print), spelled(lambda event: 1), spelled("a")
    ('print', 'lambda event: ...', "'a'")
    """
    if not callable(value):
        return repr(value)
    name = str(getattr(value, "__name__", ""))
    return name if name.isidentifier() else "lambda event: ..."


def pasted(value: Any) -> str:
    """The Python text of a refused value for the code to paste, ``...`` if it is long.

    >>> pasted([1, len]), pasted("a" * 9999)
    ('[1, len]', '...')
    """
    shown = f"[{', '.join(map(spelled, value))}]" if isinstance(value, list) else spelled(value)
    if len(shown) <= _LONGEST_PASTE:
        return shown
    return "[...]" if isinstance(value, list) else "..."


def ended(ending: Ending) -> Outcome:
    """The Outcome that an answer of one call stands for.

    >>> ended(failure("E", seconds=3)).seconds
    3
    """
    match ending:
        case Result(value, seconds, heartbeats):
            return Outcome(value, seconds=seconds, heartbeats=heartbeats)
        case Failure(error, cause, seconds, heartbeats):
            return Outcome(None, error, cause, True, seconds, heartbeats)
        case Never():
            return Outcome(never=True)
        case Waiting():
            return Outcome(waits=True)
        case _:
            return _well_formed(ending)


def checked_outcome(returned: object, whose: str) -> Outcome:
    """What a user's backend returned, with its result copied, or a UsageError with advice.

    >>> checked_outcome({"ok": True}, "The backend Shop")
    Traceback (most recent call last):
    ...
    sfnbook.errors.UsageError: The backend Shop returned a dict, not an Outcome. Return \
sfnbook.tasks.result({'ok': True}).
    """
    if not isinstance(returned, ENDINGS):
        raise UsageError(
            f"{whose} returned {kind_of(returned)}, not an Outcome. "
            f"Return sfnbook.tasks.result({pasted(returned)})."
        )
    outcome = ended(returned)
    what = f"What {whose} returned"
    return outcome._replace(
        result=checked(outcome.result, what), submitted=checked(outcome.submitted, f"{what} as submitted")
    )


def _well_formed(outcome: Outcome) -> Outcome:
    if outcome.error is not None and not outcome.failed:
        raise UsageError(f"An Outcome with the error {outcome.error!r} is a failure: set failed=True.")
    if outcome.failed and outcome.never:
        raise UsageError("An Outcome fails or never comes, not both: set failed or never.")
    if outcome.waits and (outcome.failed or outcome.never):
        raise UsageError("An Outcome that waits for the outside has no end of its own: set waits alone.")
    if outcome.refused and not outcome.failed:
        raise UsageError("An Outcome that was refused is a failure: set failed=True.")
    error, cause = names(outcome.error, outcome.cause)
    if outcome.never:
        seconds, heartbeats = outcome.seconds, moments(outcome.heartbeats)
    else:
        seconds, heartbeats = timing(outcome.seconds, outcome.heartbeats)
    return outcome._replace(error=error, cause=cause, seconds=seconds, heartbeats=heartbeats)


def names(error: Any, cause: Any) -> tuple[Any, Any]:
    """An error's name and its cause, checked."""
    if isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException)):
        name = error.__name__ if isinstance(error, type) else type(error).__name__
        raise UsageError(f"An error is named by text: {name!r} instead of {error!r}.")
    if not isinstance(error, str | None):
        raise UsageError(f"An error's name is text, not {error!r}.")
    if not isinstance(cause, str | None):
        raise UsageError(f"A cause is text, not {kind_of(cause)}: use json.dumps(...) for JSON.")
    return error, cause


def timing(seconds: Seconds, heartbeats: Iterable[float]) -> tuple[Seconds, tuple[float, ...]]:
    """A duration and its heartbeats, checked and in order.

    >>> timing(60, [40, 20])
    (60, (20, 40))
    """
    beats = moments(heartbeats)
    if isinstance(seconds, Duration):
        return seconds, beats
    (end,) = moments((seconds,))
    if beats and beats[-1] > end:
        raise UsageError(f"A heartbeat at {beats[-1]} s comes after the end at {end} s: give seconds=.")
    return end, beats


def moments(seconds: Iterable[float]) -> tuple[float, ...]:
    """Virtual seconds, checked and in order."""
    try:
        given = tuple(sorted(seconds))
        wrong = [moment for moment in given if not (math.isfinite(moment) and moment >= 0)]
    except TypeError:
        shown = repr(*seconds) if isinstance(seconds, tuple) and len(seconds) == 1 else repr(seconds)
        raise UsageError(f"Seconds and heartbeats are numbers, not {shown}.") from None
    if wrong:
        raise UsageError(f"Seconds and heartbeats are finite and not negative: {wrong[0]!r}.")
    return given


def spelled_timing(answer: Any) -> str:
    """The keywords ``seconds=`` and ``heartbeats=`` that an answer was written with."""
    seconds = f", seconds={answer.seconds!r}" if answer.seconds else ""
    return seconds + (f", heartbeats={answer.heartbeats!r}" if answer.heartbeats else "")
