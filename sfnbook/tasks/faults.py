"""Faults, laid over any answer: errors that strike before anybody is called, and slower or quieter answers.

`faulty` lays them over one answer or over all of `tasks`.  The first fault is the outermost: it
sees every call, the next one those that it lets through.  A fault is an immutable value and decides
from the Call alone: its attempt, its time, its random bits, its memory.  So faults go back and forth
with the execution, and the same seed has the same faults.

>>> import sfnbook
>>> from sfnbook.tasks import faulty, outage
>>> work = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True,
...         "Retry": [{"ErrorEquals": ["Lambda.ServiceException"], "IntervalSeconds": 8}]}
>>> machine = sfnbook.load({"StartAt": "Wait", "States": {
...     "Wait": {"Type": "Wait", "Seconds": 10, "Next": "Charge"}, "Charge": work}})
>>> execution = machine.start(tasks={"Charge": faulty({"Payload": "paid"}, outage(10, 30))}).run()
>>> for transition in execution.transitions:
...     if transition.kind == "TaskFailed":
...         print(f"{transition.time:g} s: {transition.error}: {transition.why}")
10 s: Lambda.ServiceException: the service is down from 10 s to 30 s
18 s: Lambda.ServiceException: the service is down from 10 s to 30 s
>>> execution.output['Payload'], execution.time
('paid', 34.0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.chance import fraction, mix
from sfnbook.clock import SECOND, microseconds
from sfnbook.errors import UsageError
from sfnbook.tasks.durations import Seconds, longer
from sfnbook.tasks.protocol import Call, Outcome, Perform, names, spelled, timing
from sfnbook.tasks.refusals import DENIED, DOWN, THROTTLED, refused
from sfnbook.values import is_number

if TYPE_CHECKING:
    from collections.abc import Callable


class Fault(NamedTuple):
    """One fault, made by a word below: `failing`, `flaky`, `outage`, `throttled`, `denied` ..."""

    name: str  # a key of STRIKES or OVERLAYS
    arguments: tuple[Any, ...] = ()
    error: str | None = None  # None: what the service itself would say
    cause: str | None = None

    def __repr__(self) -> str:
        given = list(map(repr, self.arguments))
        for name in ("error", "cause"):
            value = getattr(self, name)
            given += [] if value is None else [f"{name}={value!r}"]
        return f"{self.name}({', '.join(given)})"


@dataclass(frozen=True, slots=True, repr=False)
class Faulty:
    """The answer that `faulty` makes; as the whole of ``tasks``, its ``answer`` is the whole, too."""

    answer: Any
    faults: tuple[Fault, ...]

    def __repr__(self) -> str:
        return f"faulty({spelled(self.answer)}, {', '.join(map(repr, self.faults))})"


def faulty(answer: Any, *faults: Fault) -> Faulty:
    """Lay faults over an answer, or over all of ``tasks``: a mapping, a function or a backend.

    The first fault is the outermost.  Over a mapping they are laid over each answer in it, and
    each of these is a service with a capacity of its own.  They reach the Tasks of nested executions, too;
    what starts one of ``machines=`` asks no answer, so no fault is over it:
    `Execution.inject_error` fails it.

    >>> faulty({"ok": True}, failing(1, 2, error="CardDeclined"), latency(0.2))
    faulty({'ok': True}, failing(1, 2, error='CardDeclined'), latency(0.2))
    """
    given: tuple[Any, ...] = faults
    if isinstance(answer, Fault) or not given or not all(isinstance(fault, Fault) for fault in given):
        raise UsageError(
            "faulty() takes an answer and then faults, for example "
            "faulty({'ok': True}, outage(10, 60), throttled(5))."
        )
    return Faulty(answer, faults)


# --- the words ------------------------------------------------------------------------------------
def failing(*attempts: int, error: str | None = None, cause: str | None = None) -> Fault:
    """An error at these attempts of every visit, or, without numbers, at every attempt.

    >>> failing(1, 3, error="CardDeclined")
    failing(1, 3, error='CardDeclined')
    """
    if not all(type(attempt) is int and attempt > 0 for attempt in attempts):
        raise UsageError(f"failing{attempts!r}: attempts are counted from 1.")
    return Fault("failing", attempts, *names(error, cause))


def flaky(rate: float, error: str | None = None, cause: str | None = None) -> Fault:
    """An error at a share of the attempts, drawn from the seed: ``flaky(0.1)`` is one in ten.

    >>> flaky(0.1)
    flaky(0.1)
    """
    _check(flaky, rate, most=1)
    return Fault("flaky", (rate,), *names(error, cause))


def outage(start: float, end: float, error: str | None = None, cause: str | None = None) -> Fault:
    """The service is down from ``start`` to ``end``, in virtual seconds since the execution started.

    >>> outage(10, 60)
    outage(10, 60)
    """
    _check(outage, start, end)
    if start >= end:
        raise UsageError(f"outage({start!r}, {end!r}): an outage ends after it started.")
    return Fault("outage", (start, end), *names(error, cause))


def throttled(
    per_second: float, burst: float | None = None, error: str | None = None, cause: str | None = None
) -> Fault:
    """The service takes ``per_second`` calls a second and refuses those above.

    Up to ``burst`` calls are taken at once (by default as many as in a second): a token bucket, as
    AWS's services have it.

    >>> throttled(5, burst=10)
    throttled(5, 10)
    """
    burst = max(1, math.floor(per_second)) if burst is None else burst
    _check(throttled, per_second, burst)
    if per_second <= 0 or burst < 1:
        raise UsageError(f"throttled({per_second!r}, {burst!r}): the rate is above 0, the burst at least 1.")
    return Fault("throttled", (per_second, burst), *names(error, cause))


def denied(error: str | None = None, cause: str | None = None) -> Fault:
    """The execution's role may not call the service: ``States.Permissions``.

    >>> denied()
    denied()
    """
    return Fault("denied", (), *names(error, cause))


def latency(seconds: Seconds) -> Fault:
    """Everything comes later by ``seconds``, a number or a distribution; it may strike TimeoutSeconds.

    >>> from sfnbook.tasks import uniform
    >>> latency(uniform(1, 3))
    latency(uniform(1, 3))
    """
    return Fault("latency", (timing(seconds, ())[0],))


def lost_heartbeats(after: float = 0) -> Fault:
    """No heartbeat arrives later than ``after`` seconds into the attempt, so HeartbeatSeconds strikes.

    >>> lost_heartbeats(after=30)
    lost_heartbeats(30)
    """
    _check(lost_heartbeats, after)
    return Fault("lost_heartbeats", (after,))


def _check(word: Callable[..., Fault], *numbers: Any, most: float = math.inf) -> None:
    for number in numbers:
        if not is_number(number) or not math.isfinite(number) or not 0 <= number <= most:
            bound = "finite and not negative" if most == math.inf else f"between 0 and {most:g}"
            shown = ", ".join(map(repr, numbers))
            raise UsageError(f"{word.__name__}({shown}): the numbers are {bound}.")


# --- who strikes ----------------------------------------------------------------------------------
# Each says why it strikes, "" if it does not, and what it remembers.
def _failing(call: Call, *attempts: int) -> tuple[str, Any]:
    if not attempts:
        return "every attempt is to fail", None
    return (f"attempt {call.attempt} is to fail" if call.attempt in attempts else ""), None


def _flaky(call: Call, rate: float) -> tuple[str, Any]:
    drawn = fraction(call.bits)
    return (f"{rate:.4g} of all calls fail, and {drawn:.4g} was drawn" if drawn < rate else ""), None


def _outage(call: Call, start: float, end: float) -> tuple[str, Any]:
    return (f"the service is down from {start:g} s to {end:g} s" if start <= call.time < end else ""), None


def _throttled(call: Call, per_second: float, burst: float) -> tuple[str, Any]:
    # The bucket as one number: when it would be full again.  Whole microseconds, so nothing drifts.
    now, gap = microseconds(call.time), microseconds(1 / per_second)
    full = max(call.memory or 0, now)
    wait = full - now - round((burst - 1) * gap)
    if wait <= 0:
        return "", full + gap
    room = f"there is room again in {wait / SECOND:.6g} s"
    return f"above the capacity of {per_second:g} a second, {burst:g} at once; {room}", call.memory


def _denied(_call: Call) -> tuple[str, Any]:
    return "the execution's role lacks the permission", None


STRIKES: Final[dict[str, Callable[..., tuple[str, Any]]]] = {
    "failing": _failing,
    "flaky": _flaky,
    "outage": _outage,
    "throttled": _throttled,
    "denied": _denied,
}
"""Faults that answer instead of whoever is asked."""

REASONS: Final = {"throttled": THROTTLED, "denied": DENIED}
"""What the service says of a fault, where no error was named; of all others, that it is `DOWN`."""


# --- what becomes of an answer --------------------------------------------------------------------
def delayed(outcome: Outcome, seconds: Seconds) -> Outcome:
    """The outcome and its heartbeats, later by ``seconds``.

    >>> delayed(Outcome(1, seconds=2), 3).seconds
    5
    """
    beats = outcome.heartbeats
    if isinstance(seconds, int | float):
        beats = tuple(beat + seconds for beat in beats)
    return explained(
        outcome._replace(seconds=longer(outcome.seconds, seconds), heartbeats=beats),
        f"{seconds!r} s of latency are added",
    )


def silenced(outcome: Outcome, after: float) -> Outcome:
    """The outcome without its heartbeats later than ``after``.

    >>> silenced(Outcome(1, seconds=60, heartbeats=(20, 40)), 30).heartbeats
    (20,)
    """
    heard = tuple(beat for beat in outcome.heartbeats if beat <= after)
    return explained(outcome._replace(heartbeats=heard), f"heartbeats are lost from {after:g} s on")


def explained(outcome: Outcome, why: str) -> Outcome:
    """The outcome with one more reason."""
    return outcome._replace(why=f"{outcome.why}; {why}" if outcome.why else why)


OVERLAYS: Final[dict[str, Callable[..., Outcome]]] = {"latency": delayed, "lost_heartbeats": silenced}
"""Faults that change what was answered."""


# --- laying ---------------------------------------------------------------------------------------
def laid_over(answer: Perform, faults: tuple[Fault, ...]) -> Perform:
    """A compiled answer under faults.  Where a fault strikes nobody is called, and no call is counted.

    It remembers how many calls the answer got, what the answer remembers, and what each fault does.
    """

    def perform(call: Call) -> Outcome:
        calls, inner, memories = call.memory or (0, None, (None,) * len(faults))
        struck, why, memories, bits = _asked(call, faults, memories)
        if why:
            outcome = _failed(faults[struck], call, why)
        else:
            outcome = answer(call._replace(count=calls, memory=inner, bits=bits))
            calls, inner = calls + 1, outcome.memory
        for fault in reversed(faults[:struck]):
            if fault.name in OVERLAYS:
                outcome = OVERLAYS[fault.name](outcome, *fault.arguments)
        return outcome._replace(memory=(calls, inner, memories))

    return perform


def _asked(
    call: Call, faults: tuple[Fault, ...], memories: tuple[Any, ...]
) -> tuple[int, str, tuple[Any, ...], int]:
    """The number of the fault that strikes, why, what all remember, and the bits that are left."""
    bits, kept = call.bits, list(memories)
    for number, fault in enumerate(faults):
        if fault.name in STRIKES:
            asked = call._replace(bits=bits, memory=kept[number])
            why, kept[number] = STRIKES[fault.name](asked, *fault.arguments)
            if why:
                return number, why, tuple(kept), bits
            bits = mix(bits)
    return len(faults), "", tuple(kept), bits


def _failed(fault: Fault, call: Call, why: str) -> Outcome:
    error, cause = fault.error, fault.cause
    by_service = error is None
    if error is None:
        error, said = refused(REASONS.get(fault.name, DOWN), call)
        cause = said if cause is None else cause
    return Outcome(None, error, cause or "", True, refused=by_service, why=why)
