"""Events -> places: which state, visit and attempt each recorded event belongs to.

Events of concurrent iterations and branches are interleaved, so nothing is read from their order:
each event is placed by the one that its ``previousEventId`` names.  A *flow* is the top level, an
iteration or a branch; a *visit* is one stay in a state, its retries included; and ``around`` tells
apart the rounds of whatever encloses it, so that the same iteration of a Map that ran twice is two
places.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, TypeAlias

from sfnbook.clock import seconds
from sfnbook.definition import Definition, Map, Parallel, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sfnbook.recordings.events import Event
    from sfnbook.recordings.reading import RecordedExecution
    from sfnbook.values import Json

Around: TypeAlias = tuple[tuple[int, int], ...]
"""(visit, attempt) of every state that encloses a place, the outermost first."""

Key: TypeAlias = tuple[str, Around, int]
"""A visit: path, what is around it, and its number."""

FAILED: Final = ("Failed", "TimedOut")
MILLISECOND: Final = 0.001  # the resolution of a history


class Attempt:
    """One attempt at a Task: the events that it wrote; None where there is no such event."""

    __slots__ = ("ended", "number", "over", "retried", "scheduled", "slowed", "started", "submitted")

    def __init__(self, number: int, scheduled: Event) -> None:
        self.number, self.scheduled = number, scheduled
        self.started: Event | None = None
        self.submitted: Event | None = None
        self.ended: Event | None = None
        self.retried: Event | None = None  # what began again because this attempt failed
        self.over: Event | None = None  # the end of the recording, where nothing else came of this attempt
        self.slowed = 0.0  # virtual seconds of latency that were injected, and will be again

    @property
    def seconds(self) -> float:
        """How long it took from its start to its end, without what was injected."""
        return max(between(self.started or self.scheduled, self.ended) - self.slowed, 0.0)

    @property
    def queued(self) -> float:
        """How long it waited to be started: an activity task for its worker."""
        return between(self.scheduled, self.started)

    @property
    def backoff(self) -> float | None:
        """How long after its failure the next attempt began; None if there was none, or no times.

        One that was still waited for when everything was stopped had not begun by then.
        """
        if self.ended is None or self.ended.time is None:
            return None
        if self.retried is None and self.over is not None:
            return between(self.ended, self.over) + MILLISECOND
        return None if self.retried is None else between(self.ended, self.retried)

    @property
    def last(self) -> Event:
        """Its latest event."""
        return self.ended or self.submitted or self.started or self.scheduled


class Visit:
    """One stay in a state: how it was entered and left, and what it did in between."""

    __slots__ = (
        "attempt", "attempts", "entered", "exited", "failures", "flow", "name", "number", "over", "rounds",
        "runs", "started", "then", "variables",
    )  # fmt: skip

    def __init__(self, flow: Flow, name: str, number: int, entered: Event) -> None:
        self.flow, self.name, self.number, self.entered = flow, name, number, entered
        self.variables = flow.variables
        self.exited: Event | None = None
        self.then: str | None = None  # the state that was entered after it
        self.over = False
        self.attempt = self.failures = 0  # the latest attempt that began, and how many failures there were
        self.attempts: list[Attempt] = []
        # Of a Map or Parallel, by attempt: its start, its iterations or branches, its Map Run's events.
        self.started: dict[int, Event] = {}
        self.rounds: dict[int, dict[int, Flow]] = {}
        self.runs: dict[int, list[Event]] = {}

    @property
    def path(self) -> str:
        """The state with the iterations and branches around it."""
        return self.flow.prefix + self.name

    @property
    def key(self) -> Key:
        """Where it is."""
        return self.path, self.flow.around, self.number

    @property
    def state(self) -> State | None:
        """The state in the definition, if it is there."""
        return None if self.flow.block is None else self.flow.block.states.get(self.name)

    def begin(self) -> int:
        """The next attempt begins; a failure that wrote no event is known by that alone."""
        self.attempt = max(self.failures, self.attempt) + 1
        return self.attempt

    def attempted(self, number: int) -> Attempt | None:
        """The attempt with a number, if it was recorded."""
        return next((one for one in self.attempts if one.number == number), None)


class Flow:
    """One thread of control: the top level, an iteration or a branch."""

    __slots__ = ("around", "block", "container", "counts", "current", "first", "prefix", "variables")

    def __init__(
        self,
        prefix: str,
        around: Around,
        container: Visit | None,
        block: Definition | None,
        variables: Mapping[str, Json],
    ) -> None:
        self.prefix, self.around, self.container, self.block = prefix, around, container, block
        self.variables = variables
        self.counts: Counter[str] = Counter()
        self.current: Visit | None = None
        self.first: Visit | None = None

    def climb(self) -> Iterator[Visit]:
        """The open state of this flow, and the states around it."""
        flow: Flow | None = self
        while flow is not None:
            if flow.current is not None:
                yield flow.current
            flow = flow.container.flow if flow.container is not None else None


class Place(NamedTuple):
    """Where an event belongs."""

    flow: Flow
    visit: Visit | None
    attempt: int = 0


def between(first: Event | None, last: Event | None) -> float:
    """Seconds from one event to another; 0 where the recording has no times."""
    if first is None or last is None or first.time is None or last.time is None:
        return 0.0
    return seconds(max(last.time - first.time, 0))


class Places:
    """A recorded execution laid out by place.

    >>> from sfnbook.parse import definition
    >>> from sfnbook.recordings.reading import read
    >>> machine = definition({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> history = [{"id": 1, "previousEventId": 0, "type": "ExecutionStarted"},
    ...            {"id": 2, "previousEventId": 0, "type": "PassStateEntered",
    ...             "stateEnteredEventDetails": {"name": "A"}}]
    >>> Places(read(history), machine).at[2].visit.path
    'A'
    """

    def __init__(self, recording: RecordedExecution, definition: Definition) -> None:
        self.recording, self.definition = recording, definition
        self.top = Flow("", (), None, definition, {})
        self.at: dict[int, Place] = {}
        self.visits: dict[Key, Visit] = {}
        self.events: dict[int, Event] = {event.id: event for event in recording.events}
        self.lost: list[Event] = []  # events that could not be placed
        for event in recording.events:
            self._place(event)
        self._close()

    def visit(self, path: str, around: Around, number: int) -> Visit | None:
        """The visit at a place, if it was recorded."""
        return self.visits.get((path, around, number))

    def _close(self) -> None:
        """Find the attempts that nothing came of, neither a retry nor a failure further up."""
        caused = {event.previous for event in self.recording.events}
        for visit in self.visits.values():
            last = visit.attempts[-1] if visit.attempts else None
            if last is not None and visit.exited is None and last.last.id not in caused:
                last.over = self.recording.events[-1]

    # --- placing --------------------------------------------------------------------------------
    def _place(self, event: Event) -> None:
        place = self._found(event)
        if place is None:
            self.lost.append(event)
        else:
            self.at[event.id] = place

    def _found(self, event: Event) -> Place | None:
        kind = event.type
        if kind.startswith("Execution"):
            return Place(self.top, None)
        if kind.endswith("StateEntered"):
            return self._entered(event)
        before = self.at.get(
            event.previous, Place(self.top, self.top.current) if not event.previous else None
        )
        if kind == "EvaluationFailed":
            return self._evaluation_failed(event, before)
        if before is None:
            return None
        for ending, place in self.placing.items():
            if kind.endswith(ending):
                return place(self, event, before)
        return self._of_a_task(event, before)

    def _entered(self, event: Event) -> Place | None:
        flow = self._flow_of_entering(event)
        if flow is None:
            return None
        name = str(event.details.get("name", ""))
        flow.counts[name] += 1
        visit = Visit(flow, name, flow.counts[name], event)
        before = self.at.get(event.previous)
        if before is not None and before.visit is not None and before.flow is flow:
            before.visit.then = name
        flow.current = visit
        flow.first = flow.first or visit
        self.visits[visit.key] = visit
        return Place(flow, visit)

    def _flow_of_entering(self, event: Event) -> Flow | None:
        before, cause = self.at.get(event.previous), self.events.get(event.previous)
        if event.previous == 0 or cause is None or before is None:
            # A state of the top level can be placed without its link.
            known = event.previous == 0 or event.details.get("name") in self.definition.states
            return self.top if known else None
        if cause.type == "ParallelStateStarted" and before.visit is not None:
            return self._branch(before.visit, str(event.details.get("name", "")))
        return before.flow

    def _branch(self, parallel: Visit, name: str) -> Flow:
        """The branch that begins with a state: branches are told apart by their first state."""
        state, branches = parallel.state, parallel.rounds[parallel.attempt]
        blocks = state.branches if isinstance(state, Parallel) else ()
        index = next((n for n, block in enumerate(blocks) if block.start_at == name), len(branches))
        block = blocks[index] if index < len(blocks) else None
        return self._child(parallel, index, block)

    def _child(self, container: Visit, index: int, block: Definition | None) -> Flow:
        flow = Flow(
            f"{container.path}[{index}].",
            (*container.flow.around, (container.number, container.attempt)),
            container,
            block,
            container.variables,
        )
        container.rounds[container.attempt][index] = flow
        return flow

    def _exited(self, event: Event, before: Place) -> Place | None:
        name = event.details.get("name")
        for visit in before.flow.climb():
            if visit.name == name:
                visit.exited, visit.over = event, True
                assigned = event.details.get("assignedVariables")
                if assigned:
                    visit.flow.variables = {**visit.flow.variables, **assigned}
                return Place(visit.flow, visit, visit.attempt)
        return None

    def _container(self, before: Place, kind: str, name: Json = None) -> Visit | None:
        """The nearest Map or Parallel around a place that is still at work."""
        for visit in before.flow.climb():
            if visit.over or (name is not None and visit.name != name):
                continue
            if visit.entered.type == f"{kind}StateEntered":
                return visit
        return None

    def _fan_started(self, event: Event, before: Place) -> Place | None:
        visit = self._container(before, event.type.partition("State")[0])
        if visit is None:
            return None
        self._note_retry(event)
        number = visit.begin()
        visit.started[number], visit.rounds[number] = event, {}
        return Place(visit.flow, visit, number)

    def _note_retry(self, event: Event) -> None:
        """A Map or Parallel begins again: the Task whose failure led to it waited for that."""
        cause = self.events.get(event.previous)
        while cause is not None and cause.type.endswith("StateFailed"):
            cause = self.events.get(cause.previous)
        place = None if cause is None else self.at.get(cause.id)
        if place is not None and place.visit is not None and place.visit.attempts:
            place.visit.attempts[-1].retried = event

    def _iteration(self, event: Event, before: Place) -> Place | None:
        visit = self._container(before, "Map", event.details.get("name"))
        if visit is None or not visit.rounds:
            return None
        index = event.details.get("index")
        if event.type == "MapIterationStarted" and isinstance(index, int):
            block = visit.state.item_processor if isinstance(visit.state, Map) else None
            return Place(self._child(visit, index, block), None)
        return Place(visit.flow, visit, visit.attempt)

    def _fan_ended(self, event: Event, before: Place) -> Place | None:
        visit = self._container(before, event.type.partition("State")[0])
        if visit is None:
            return None
        # A state that failed is not at work any more, though it may still be left by a catcher.
        visit.over = event.type.endswith("Failed")
        return Place(visit.flow, visit, visit.attempt)

    def _map_run(self, event: Event, before: Place) -> Place | None:
        visit = self._container(before, "Map")
        if visit is None:
            return None
        visit.runs.setdefault(visit.attempt, []).append(event)
        return Place(visit.flow, visit, visit.attempt)

    def _evaluation_failed(self, event: Event, before: Place | None) -> Place | None:
        # Its link leads to what stood before the state was entered.
        name = event.details.get("state")
        flows = [before.flow] if before is not None else [self.top]
        cause = self.events.get(event.previous)
        if cause is not None and cause.type == "ParallelStateStarted" and before and before.visit:
            flows = [*before.visit.rounds[before.visit.attempt].values()]
        for flow in flows:
            for visit in flow.climb():
                if name is None or visit.name == name:
                    visit.failures += 1
                    return Place(visit.flow, visit, max(visit.attempt, visit.failures))
        return None

    def _of_a_task(self, event: Event, before: Place) -> Place | None:
        visit = before.visit
        if visit is None:
            return None
        if event.type.endswith("Scheduled"):
            if visit.attempts:
                visit.attempts[-1].retried = event
            visit.attempts.append(Attempt(visit.begin(), event))
        elif event.type.endswith("ScheduleFailed") and not _is_open(visit):
            # What could not even be scheduled has no other event.
            visit.attempts.append(Attempt(visit.begin(), event))
            visit.attempts[-1].ended = event
            visit.failures += 1
        elif visit.attempts:
            visit.failures += event.type.endswith(FAILED)
            _note(visit.attempts[-1], event)
        return Place(visit.flow, visit, visit.attempt)

    def _aborted(self, _event: Event, before: Place) -> Place:
        # It points at the failing event, not at what was aborted.
        return Place(before.flow, None)

    # By what an event's type ends in; all others are a Task's.
    placing: ClassVar[dict[str, Callable[[Any, Event, Place], Place | None]]] = {
        "StateExited": _exited,
        "MapStateStarted": _fan_started,
        "ParallelStateStarted": _fan_started,
        "MapStateSucceeded": _fan_ended,
        "ParallelStateSucceeded": _fan_ended,
        "MapStateFailed": _fan_ended,
        "ParallelStateFailed": _fan_ended,
        "StateAborted": _aborted,
        "MapIterationStarted": _iteration,
        "MapIterationSucceeded": _iteration,
        "MapIterationFailed": _iteration,
        "MapIterationAborted": _iteration,
        "MapRunStarted": _map_run,
        "MapRunSucceeded": _map_run,
        "MapRunFailed": _map_run,
        "MapRunAborted": _map_run,
    }


def _is_open(visit: Visit) -> bool:
    return bool(visit.attempts) and visit.attempts[-1].ended is None


def _note(attempt: Attempt, event: Event) -> None:
    if event.type.endswith("Started"):
        attempt.started = event
    elif event.type.endswith("Submitted"):
        attempt.submitted = event
    elif event.type.endswith(("Succeeded", *FAILED)):
        attempt.ended = event
