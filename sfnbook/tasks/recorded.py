"""A recorded execution answers for its Tasks again.

It answers where path, visit, attempt and the Task's input are those of the recording; anywhere else it
declines and says at which event the replay leaves the recording, and why.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from sfnbook.recordings.places import FAILED, Around, Attempt, Places, Visit, between
from sfnbook.tasks.protocol import Call, Outcome
from sfnbook.values import Json, difference, text

if TYPE_CHECKING:
    from sfnbook.definition import Definition, State
    from sfnbook.recordings.events import Event

SENT: Final = ("parameters", "input")
POLICIES: Final = frozenset(
    {
        "retry", "catch", "timeout_seconds", "timeout_seconds_path", "heartbeat_seconds",
        "heartbeat_seconds_path", "comment", "next", "end",
    }
)  # fmt: skip
"""The fields that say nothing about what a state makes of its data."""

_SHORT: Final = 200
_MOST_BEATS: Final = 10_000
# AWS strikes some milliseconds after the second.
_LATE: Final = 1.0


class Recorded:
    """The answers of a recording, by place; a backend that may decline.

    >>> from sfnbook.parse import definition
    >>> from sfnbook.recordings.reading import read
    >>> machine = definition({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    >>> empty = read([{"id": 1, "previousEventId": 0, "type": "ExecutionStarted"}])
    >>> Recorded(Places(empty, machine)).declines(Call("A", "A", "arn:aws:states:::sqs:sendMessage", {}))
    'the recording ends at event 1 (ExecutionStarted).'
    """

    def __init__(
        self,
        places: Places,
        *,
        inside: bool = True,
        prefix: str = "",
        outer: Around = (),
        definition: Definition | None = None,
        sources: tuple[Json, Json] = (None, None),
    ) -> None:
        self.places = places
        # The JSON of the definition that was recorded, and of the one that is answered for.
        self.sources = sources
        # Do Map Runs and nested executions end as they were recorded, rather than run again?
        self.inside = inside
        # Where in the recording the execution that is answered stands, and what defines it.
        self.prefix, self.outer = prefix, outer
        self.definition = definition or places.definition
        self._states = {state.pointer: state for state in self.definition.walk()}

    def within(self, prefix: str, outer: Around, definition: Definition, source: Json) -> Recorded:
        """The answers for one iteration or branch that runs alone."""
        return Recorded(
            self.places, inside=self.inside, prefix=self.prefix + prefix, outer=(*self.outer, *outer),
            definition=definition, sources=(self.sources[0], source),
        )  # fmt: skip

    def visit(self, path: str, around: Around, number: int) -> Visit | None:
        """The recorded visit of a state that is visited here."""
        return self.places.visit(self.prefix + path, (*self.outer, *around), number)

    def declines(self, call: Call) -> str:
        """Why the recording has no answer for a call; empty if it has one."""
        if call.context.get("Execution", {}).get("RedriveCount"):
            return "the recording has no redrive."
        visit = self.visit(call.path, call.around, call.visit)
        if visit is None:
            return self._never_there(call)
        attempt = visit.attempted(call.attempt)
        if attempt is None:
            return self._not_tried(call, visit)
        return _other_input(call, attempt) or self._no_end(call, attempt)

    def call(self, call: Call) -> Outcome:
        """The recorded end of an attempt that `declines` has nothing against."""
        visit = self.visit(call.path, call.around, call.visit)
        attempt = None if visit is None else visit.attempted(call.attempt)
        assert attempt is not None  # noqa: S101 - see above
        outcome = outcome_of(attempt)
        limit = call.remaining
        if limit is not None and limit < attempt.seconds <= limit + _LATE:
            # What AWS took in time is in time, though it was written down a little later.
            return outcome._replace(seconds=limit)
        return outcome

    def queued(self, call: Call) -> float:
        """How many seconds an activity task waited for its worker."""
        visit = self.visit(call.path, call.around, call.visit)
        attempt = None if visit is None else visit.attempted(call.attempt)
        return 0.0 if attempt is None else attempt.queued

    def knows(self, state: State) -> bool:
        """Does this state treat its data as it did when it was recorded?"""
        return self._same(state, POLICIES)

    def retries(self, state: State) -> bool:
        """Does this state retry as it did when it was recorded?"""
        was = self._states.get(state.pointer)
        return was is not None and getattr(was, "retry", ()) == getattr(state, "retry", ())

    def _same(self, state: State, apart_from: frozenset[str]) -> bool:
        was = self._states.get(state.pointer)
        if type(was) is not type(state):
            return False
        names = (one.name for one in fields(state) if one.name not in apart_from)
        return all(getattr(was, name) == getattr(state, name) for name in names)

    # --- why not ----------------------------------------------------------------------------------
    def _never_there(self, call: Call) -> str:
        seen = [key for key in self.places.visits if key[0] == self.prefix + call.path]
        if self._over() and seen:
            times = "once" if len(seen) == 1 else f"{len(seen)} times"
            return f"the recording was here {times}, and not a further time."
        if self._over():
            return "this branch was not taken in the recording."
        return f"the recording ends at {self._last()}."

    def _not_tried(self, call: Call, visit: Visit) -> str:
        last = visit.attempts[-1].last if visit.attempts else visit.entered
        return f"the recording has no attempt {call.attempt} here: it goes on otherwise after {last}."

    def _no_end(self, call: Call, attempt: Attempt) -> str:
        ended = attempt.ended
        if ended is None and attempt.started is None and attempt.scheduled.type.startswith("Activity"):
            return "in the recording no worker took this task."
        if ended is None:
            return (
                "" if self.inside else "nobody had answered yet."
            )  # its own run: who was asked is asked again
        if ended.type.endswith("Succeeded") and "output" not in ended.details:
            return f"{ended} has no output: it was not recorded."
        if ended.type.endswith("TimedOut") and _may_take_longer(call, attempt):
            return f"{ended} is a timeout after {attempt.seconds:g} s, and this Task may take longer."
        return ""

    def _over(self) -> bool:
        return self.places.recording.ended is not None

    def _last(self) -> Event:
        return self.places.recording.events[-1]


def sent(attempt: Attempt) -> Json:
    """What a Task was sent in the recording; None if that is not recorded."""
    details = attempt.scheduled.details
    return next((details[name] for name in SENT if name in details), None)


def _other_input(call: Call, attempt: Attempt) -> str:
    recorded = attempt.scheduled.details
    if not any(name in recorded for name in SENT):
        return ""
    there = sent(attempt)
    if call.input == there:
        return ""
    differs = difference(with_token(there, call.input, call.token), call.input)
    if differs is None:
        return ""
    where = f" They differ at {differs.pointer or 'the top'}." if differs.pointer else ""
    return f"the recording has other arguments here: {attempt.scheduled} was sent {_short(there)}.{where}"


def with_token(there: Json, here: Json, token: str | None) -> Json:
    """The recorded arguments, with the task token of this run in the place of the recorded one."""
    if token is None:
        return there
    if isinstance(there, dict) and isinstance(here, dict):
        return {key: with_token(value, here.get(key), token) for key, value in there.items()}
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        return [with_token(one, other, token) for one, other in zip(there, here, strict=True)]
    if isinstance(there, str) and isinstance(here, str) and token in here:
        pattern = re.escape(here).replace(re.escape(token), r"[^\s\"]+")
        return here if re.fullmatch(pattern, there) else there
    return there


def _short(value: Json) -> str:
    shown = text(value)
    return shown if len(shown) <= _SHORT else f"{shown[: _SHORT - 3]}..."


def outcome_of(attempt: Attempt) -> Outcome:
    """The end of a recorded attempt; without one the Task waits for somebody to end it."""
    ended, submitted = attempt.ended, attempt.submitted
    more: dict[str, Any] = {
        "submitted": None if submitted is None else submitted.details.get("output"),
        "worker": None if attempt.started is None else attempt.started.details.get("workerName"),
        "why": f"{attempt.scheduled} of the recording",
    }
    if ended is None and attempt.over is not None and _limit(attempt, "heartbeatInSeconds"):
        # It was heard of until everything was stopped.
        return Outcome(never=True, heartbeats=_beats(attempt), **more)
    if ended is None:
        return Outcome(waits=True, **more)
    seconds = attempt.seconds
    if ended.type.endswith("TimedOut"):
        return Outcome(never=True, heartbeats=_beats(attempt), **more)
    if ended.type.endswith(FAILED):
        error, cause = ended.details.get("error"), ended.details.get("cause")
        refused = submitted is None
        return Outcome(None, error, cause, True, seconds, _beats(attempt), refused=refused, **more)
    return Outcome(ended.details["output"], seconds=seconds, heartbeats=_beats(attempt), **more)


def _limit(attempt: Attempt, name: str) -> float | None:
    value = attempt.scheduled.details.get(name)
    return value if isinstance(value, (int, float)) else None


def _beats(attempt: Attempt) -> tuple[float, ...]:
    """The heartbeats that there must have been: a history has none, but the Task lived on."""
    every = _limit(attempt, "heartbeatInSeconds")
    if not every:
        return ()
    ended = attempt.ended
    until = attempt.seconds if ended is not None else between(attempt.started, attempt.over)
    if ended is not None and ended.type.endswith("TimedOut"):
        limit = _limit(attempt, "timeoutInSeconds")
        if limit is None or until < limit:
            # A heartbeat was missed: the last one came so long before.
            until -= every
            return tuple(until - every * number for number in range(int(until / every) + 1) if until > 0)
    count = min(int(until / every), _MOST_BEATS)
    return tuple(every * number for number in range(1, count + 1))


def _may_take_longer(call: Call, attempt: Attempt) -> bool:
    """Has this Task more time than the recorded one had when it timed out?"""
    limit = _limit(attempt, "timeoutInSeconds")
    if limit is None or (attempt.seconds and attempt.seconds < limit):
        return False
    return call.remaining is None or call.remaining > limit + _LATE
