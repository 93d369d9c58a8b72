"""A recorded execution in the debugger: started as it was, answered as it was, standing at its failure.

The simulation runs with the recorded input, start time, name and answers, and its own history is held
against the recorded one, place by place: the first event that it did not reproduce is said in the notes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sfnbook import outside
from sfnbook.debugger import Debugger
from sfnbook.debugging.revising import revisions, told
from sfnbook.errors import UsageError, nearest
from sfnbook.family import fan_of
from sfnbook.frames import FAILED, LAPSED, STOPPING, TOP, Change, FrameId
from sfnbook.machine import StateMachine, load
from sfnbook.recordings.children import Children, by_item, read_children
from sfnbook.recordings.events import Event, parsed
from sfnbook.recordings.places import Places
from sfnbook.recordings.reading import RecordedExecution, read
from sfnbook.tasks.recorded import Recorded, with_token
from sfnbook.values import MISSING, Difference, Json, differences, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sfnbook.debugging.branches import Recording
    from sfnbook.execution import Execution

NOT_COMPARED: Final = frozenset(
    {
        "roleArn", "region", "mapRunArn", "inputDetails", "outputDetails", "assignedVariablesDetails",
        "taskCredentials",
    }
)  # fmt: skip
_TOKEN: Final = re.compile(r"sfnbook\.[0-9a-f]{64}\.\d+\.\d+")
_EVENT_NUMBER: Final = re.compile(r"event id #\d+")
_CONTEXT: Final = re.compile(r"Execution\.(?:Id|Name)")
_EARLY: Final = re.compile(r"(?:Schedule|Start|Submit)Failed$")
_GONE: Final = re.compile(r"The activity (\S+) does not exist\.")


def replay(
    machine: StateMachine | Any,
    history: Any,
    *,
    execution: Any = None,
    children: Any = None,
    tasks: Any = None,
) -> Debugger:
    """Open the debugger on a recorded execution, standing at the transition that made it fail.

    ``machine`` is the definition that ran.  ``history`` is what ``aws stepfunctions
    get-execution-history`` prints, or the CloudWatch Logs records of an Express execution: a path, a text,
    a dict or a list, one page or several, in either order.  ``execution`` chooses one of several by name
    or ARN, or is what describe-execution prints.  ``children`` are the histories of a Map Run's children,
    its result files, or a folder of them: see `Debugger.children` and `Debugger.isolate`.  ``tasks`` answers
    where the recording does not.

    Tasks are answered from the recording where path, visit, attempt and input are those of the
    recording; after an edit that leads elsewhere `Debugger.unanswered` asks, and says at which event it
    left the recording.  What the recording lacks, and the first event that the simulation does not
    reproduce, stand in `Debugger.notes`.  Raises UsageError for what is no history, or none of this machine.

    >>> import sfnbook
    >>> task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    >>> machine = sfnbook.load({"StartAt": "Send", "States": {"Send": task}})
    >>> failed = machine.start({"n": 1}, tasks={"Send": sfnbook.tasks.failure("Sqs.Busy", seconds=2)}).run()
    >>> replay(machine, failed.history()).transition
    <TaskFailed Send Sqs.Busy at 2 s>

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
    """
    recording = read(history, execution)
    machine = _named(machine if isinstance(machine, StateMachine) else load(machine), recording)
    _check_beginning(recording)
    recording, redriven = _until_redrive(recording)
    places = Places(recording, machine.definition)
    _check_states(places, machine)
    debugger = Debugger.of(machine, _started(machine, places, tasks))
    debugger.recording = recording
    debugger.notes = (*recording.notes, *redriven, *_about(machine, places))
    played = debugger.execution
    _play(played, recording)
    debugger.notes += tuple(differing(places, played))
    if children is not None:
        debugger.children = _children(children, played)
        debugger.notes += (f"{debugger.children!r}".partition("\n")[0] + ": see debugger.children.",)
    position = failing_transition(played)
    if position is not None:
        played.seek(position + 1)
    return debugger


# --- the start ------------------------------------------------------------------------------------
def _named(machine: StateMachine, recording: RecordedExecution) -> StateMachine:
    """The machine under the ARN and name that it was recorded with, for its context object."""
    arn = recording.machine_arn
    return machine if arn is None or arn == machine.arn else machine.renamed(arn)


def _check_beginning(recording: RecordedExecution) -> None:
    if recording.started is None and not recording.has_input:
        raise UsageError(
            f"The recording begins at {recording.events[0]}, not with ExecutionStarted: its first page is "
            "missing, or its log level is ERROR or FATAL. Give all pages, or the input with execution=: what "
            "`aws stepfunctions describe-execution` prints."
        )


def _until_redrive(recording: RecordedExecution) -> tuple[RecordedExecution, tuple[str, ...]]:
    redriven = next((one for one in recording.events if one.type == "ExecutionRedriven"), None)
    if redriven is None:
        return recording, ()
    events = tuple(event for event in recording.events if event.id < redriven.id)
    note = f"The execution was redriven at event {redriven.id}; the replay shows it up to there."
    return replace(recording, events=events), (note,)


def _check_states(places: Places, machine: StateMachine) -> None:
    """Is this a history of this machine at all?"""
    unknown = _unknown(places)
    if unknown and len(unknown) == len(places.visits):
        event, name = unknown[0]
        names = [state.name for state in machine.definition.walk()]
        near = nearest(name, names)
        hint = f" The nearest name in it is {near!r}." if near else ""
        raise UsageError(
            f"This is a history of another machine: state {name!r} of event {event.id} is not in "
            f"{machine.name!r}.{hint}"
        )


def _unknown(places: Places) -> list[tuple[Event, str]]:
    return [(visit.entered, visit.name) for visit in places.visits.values() if visit.state is None]


def _started(machine: StateMachine, places: Places, tasks: Any) -> Execution:
    recording = places.recording
    started = recording.started
    role = None if started is None else started.details.get("roleArn")
    execution = machine.start(
        recording.input, tasks=tasks, name=recording.name, arn=recording.arn, role_arn=role,
        start_time=None if recording.time is None else recording.time / 1_000_000,
        type=recording.type, activities=_activities(machine, recording),
    )  # fmt: skip
    return execution.answered_by_recording(Recorded(places, sources=(machine.source, machine.source)))


def _activities(machine: StateMachine, recording: RecordedExecution) -> list[str] | None:
    """The activities of the machine without one that did not exist when it was wanted."""
    gone = {found for event in recording.events for found in _GONE.findall(str(event.details.get("cause")))}
    if not gone:
        return None
    resources = (getattr(state, "resource", None) for state in machine.definition.walk())
    return [arn for arn in resources if arn is not None and ":activity:" in arn and arn not in gone]


# --- the run --------------------------------------------------------------------------------------
def _play(played: Recording, recording: RecordedExecution) -> None:
    """Run as far as was recorded: to the end, to where it was stopped, or to the last event."""
    ended, last = recording.ended, recording.events[-1]
    if ended is not None and recording.status in {"SUCCEEDED", "FAILED"}:
        while played.forward() is not None:
            pass
        return
    whole = recording.events[0].id == 1 and recording.events[-1].id == len(recording.events)
    before = len(recording.events) - (ended is not None) if whole else None
    while (ahead := played.coming()) is not None:
        if last.time is not None and ahead[1] > last.time:
            break
        if ended is None and before is not None and played.counters[TOP] >= before:
            break
        if ended is not None and ended.type == "ExecutionAborted" and before == played.counters[TOP]:
            break
        if played.forward() is None:
            break
    if ended is not None and played.status == "RUNNING":
        _end_from_outside(played, ended)


def _end_from_outside(played: Recording, ended: Event) -> None:
    """The execution was stopped, or timed out while somebody outside was waited for."""
    if ended.time is not None and ended.time > played.clock:
        outside.let_pass(played, ended.time)
    if ended.type == "ExecutionAborted":
        played.stop(ended.details.get("error"), ended.details.get("cause"))
    elif played.forward() is None and ended.type == "ExecutionTimedOut":
        played.advance()


def failing_transition(played: Recording) -> int | None:
    """The number of the transition that made an execution fail: the last attempt of its Task, if it was one.

    A failure climbs from an iteration to its Map and further up; this is where it began.
    """
    changes = played.changes[: played.cursor]
    if not changes or changes[-1].kind != "ExecutionFailed":
        return None
    number, frame = len(changes) - 1, changes[-1].before
    while frame is not None and frame.phase == STOPPING:
        below = _last(changes[:number], "FanOutFailed", frame.id)
        if below is None:  # a Map Run with too many failed executions: that is the failure
            return number
        number, frame = below, changes[below].others[0][0]
    if frame is None or frame.phase not in {FAILED, LAPSED}:
        return number
    task = _last(changes[:number], "TaskFailed" if frame.phase == FAILED else "TaskTimedOut", frame.id)
    return number if task is None or changes[task].after != frame else task


def _last(changes: Sequence[Change], kind: str, frame: FrameId) -> int | None:
    """The number of a frame's latest change of a kind."""
    numbers = range(len(changes) - 1, -1, -1)
    return next((n for n in numbers if changes[n].kind == kind and changes[n].frame.id == frame), None)


def _children(given: Any, played: Recording) -> Children:
    """The recorded children, with the numbers of their items where these are in the state's data."""
    found = read_children(given)
    for change in played.changes:
        fan = None if change.after is None else fan_of(change.after)
        if (
            change.kind == "FanOutStarted"
            and fan is not None
            and fan.run is not None
            and change.after is not None
        ):
            items = [
                item if not isinstance(item, tuple) else {"Key": item[0], "Value": item[1]}
                for item in fan.items
            ]
            return Children(played.path_of(change.after), by_item(found, items))
    raise UsageError("children= belongs to a Map Run, and this execution has none.")


# --- what must be said ----------------------------------------------------------------------------
def _about(machine: StateMachine, places: Places) -> Iterator[str]:
    """What a replay of this recording has to do without."""
    recording = places.recording
    ran = parsed(recording.described.get("definition"))
    found = revisions(ran, machine.source) if isinstance(ran, dict) else []
    unknown = _unknown(places)
    if found:
        yield f"The machine is not the definition that ran: {told(found)}."
    elif unknown:
        event, name = unknown[0]
        yield f"The machine is not the one that ran: state {name!r} of event {event.id} is not in it."
    if places.lost:
        more = f" and {len(places.lost) - 1} more" if len(places.lost) > 1 else ""
        yield f"The place of {places.lost[0]}{more} is not known: what it points at is missing."
    if recording.started is not None and not recording.has_input:
        yield "The input was not recorded, so it is {}: execution= takes what describe-execution prints."
    if recording.name is None and _CONTEXT.search(text(machine.source)):
        yield (
            "The definition reads the execution's name or ARN, which a history does not have: give them with "
            "execution=."
        )
    if all(event.time is None for event in recording.events):
        yield "The recording has no times: everything happens at once."


def differing(places: Places, played: Recording) -> Iterator[str]:
    """The first recorded event that the simulation did not reproduce, in words; nothing if it did."""
    question = played.question()
    events = played.history()
    own = Places(read(events), places.definition) if events else None
    found = {} if own is None else {_signature(own, event, seen): event for event, seen in _counted(own)}
    for event, seen in _counted(places):
        other = found.get(_signature(places, event, seen))
        if other is None and question is not None:
            yield f"The replay leaves the recording at {question.path}: {question.why}"
            return
        if other is None:
            yield f"The simulation did not reproduce {_named_event(places, event)}."
            return
        differs = _differs(event, other)
        if differs is not None:
            yield (
                f"The simulation differs at {_named_event(places, event)}: {differs.pointer} is "
                f"{_short(differs.right)}, recorded {_short(differs.left)}."
            )
            return


def _counted(places: Places) -> Iterator[tuple[Event, int]]:
    """The placed events, each with how many of its kind were at its place before."""
    seen: Counter[Any] = Counter()
    for event in places.recording.events:
        # What was aborted is not said: the event points at the failure.
        if event.id in places.at and not event.type.endswith(("StateAborted", "IterationAborted")):
            key = _signature(places, event, 0)
            yield event, seen[key]
            seen[key] += 1


def _signature(places: Places, event: Event, seen: int) -> tuple[Any, ...]:
    flow, visit, attempt = places.at[event.id]
    place = (flow.prefix, flow.around) if visit is None else visit.key
    # The simulation schedules, starts and submits whatever it can, and then lets it fail.
    return (*place, attempt, _EARLY.sub("Failed", event.type), seen)


def _differs(recorded: Event, own: Event) -> Difference | None:
    for name, value in recorded.details.items():
        if name in NOT_COMPARED:
            continue
        here = own.details.get(name, MISSING)
        token = _TOKEN.search(text(here)) if here is not MISSING else None
        there = with_token(value, here, token[0]) if token else value
        for differs in differences(_plain(there), _plain(here)):
            # A text within a text may be JSON that was printed in another way.
            if parsed(differs.left) != parsed(differs.right):
                return differs._replace(pointer=f"{name}{differs.pointer}")
    return None


def _plain(value: Json) -> Json:
    """A cause without the event number in it: events are numbered as they interleave."""
    return _EVENT_NUMBER.sub("event id #", value) if isinstance(value, str) else value


def _named_event(places: Places, event: Event) -> str:
    visit = places.at[event.id].visit
    return f"{event}" if visit is None else f"{event} of {visit.path}"


def _short(value: Json) -> str:
    if value is MISSING:
        return "nothing"
    shown = text(value)
    return shown if len(shown) <= 120 else f"{shown[:117]}..."
