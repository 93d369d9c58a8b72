"""One conformance suite for all who answer for Tasks: whatever answers, the engine treats it alike.

A new backend adds one line to `BACKENDS` and a function that makes its answer.  The function gets the
endings that the Task S shall have, attempt by attempt, and a list to which it appends whenever somebody is
really called; it gives the keywords of `start`.
"""

import pickle
from typing import Any, NamedTuple

import pytest

import sfnbook
from sfnbook import UnansweredTask
from sfnbook.recordings.places import Places
from sfnbook.recordings.reading import read
from sfnbook.tasks import (
    attempts,
    aws,
    failing,
    failure,
    faulty,
    iterations,
    latency,
    lost_heartbeats,
    mock_config,
    result,
    sample,
    sequence,
    timed,
    waiting,
    worker,
)
from sfnbook.tasks.protocol import Failure, Result
from sfnbook.tasks.recorded import Recorded
from tests.machines import ACTIVITY, CALLBACK, LAMBDA, MESSAGE, START, block, load, mapping, of_kind

OK = {"ok": True}
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 2}]


class Row(NamedTuple):
    """How the suite uses one backend, and what it may expect of it."""

    make: Any  # (endings, calls) -> keywords of start
    resource: str = LAMBDA
    parameters: Any = None  # the Task's Parameters
    output: Any = OK  # what S gives for result(OK)
    error: str = "Broken"  # how S fails for failure("Broken", "why")
    pickled: str = "answers"  # or "unanswered": nobody answers where the pickle is read
    run: Any = sfnbook.Execution.run  # to the end; more where someone outside has to act


# --- makers ---------------------------------------------------------------------------------------
def values(endings, calls):
    return {"tasks": {"S": attempts(*endings)}}


def mocks(endings, calls):
    return {"tasks": {"S": iterations({0: attempts(*endings)}, sequence(attempts(*endings)))}}


def local_function(endings, calls):
    def handler(event, context):
        calls.append(context.path)
        return endings[context.attempt - 1]

    return {"tasks": {"S": handler}}


class Scripted:
    """What it was called for stays in the list, however often its pickle is read."""

    calls: Any = None

    def __init__(self, endings):
        self.endings = endings

    def __call__(self, _event, context):
        Scripted.calls.append(context.path)
        return self.endings[context.attempt - 1]


class ScriptedBackend(Scripted):
    def call(self, call):
        Scripted.calls.append(call.path)
        return self.endings[call.attempt - 1]


def callable_object(endings, calls):
    Scripted.calls = calls
    return {"tasks": {"S": Scripted(endings)}}


def backend(endings, calls):
    Scripted.calls = calls
    return {"tasks": ScriptedBackend(endings)}


def lambda_of_an_account(endings, calls):
    Scripted.calls = calls
    return {"tasks": aws(functions={"f": Scripted(endings)})}


def by_default(endings, calls):
    Scripted.calls = calls
    return {"tasks": {"*": ScriptedBackend(endings)}}


def faults(endings, calls):
    """Nothing but faults: the errors and the latency are laid over a function that only succeeds."""

    def handler(event):
        calls.append(event)
        return OK

    failures = [number for number, ending in enumerate(endings, 1) if isinstance(ending, Failure)]
    broken = [failing(*failures, error="Broken", cause="why")] if failures else []
    *_, last = endings
    slow = [latency(last.seconds)] if last.seconds else []
    return {"tasks": faulty(handler, *slow, *broken, lost_heartbeats())}


def mock_file(endings, calls):
    """The file has no durations: they are laid over it as latency."""
    told = [
        {"Throw": {"Error": end.error, "Cause": end.cause}}
        if isinstance(end, Failure)
        else {"Return": end.value}
        for end in endings
    ]
    names = [f"Attempt{number}" for number in range(len(endings))]
    data = {
        "StateMachines": {"M": {"TestCases": {name: {"S": name} for name in names}}},
        "MockedResponses": {name: {"0-99": one} for name, one in zip(names, told, strict=True)},
    }
    mocks = [mock_config(data, f"M#{name}")["S"] for name in names]
    return {"tasks": {"S": faulty(attempts(*mocks), latency(endings[-1].seconds))}}


def workers(endings, calls):
    Scripted.calls = calls
    return {"tasks": {"S": worker(Scripted(endings), count=2)}}


def answered(execution):
    """Run to the end; the outside answers the callbacks attempt by attempt, as `callback` left it to do."""
    while execution.run().blocked == "outside":
        for open_task in execution.pending:
            open_task.answer(Answering.endings[open_task.frame.visit.retries])
    return execution


class Answering:
    """The endings that the outside gives."""

    endings: Any = ()


def callback(endings, calls):
    """The token reaches a function, and somebody outside answers with it."""
    Answering.endings, Scripted.calls = endings, calls
    return {"tasks": {"S": Scripted([waiting()] * len(endings))}}


def replayed(execution):
    """Run to the end with its own recording answering; at the first time, it is recorded."""
    if execution.setup.recorded is None:
        once = back_to_the_start(execution.fork()).run()
        places = Places(read(once.history()), execution.setup.definitions["main"])
        execution.setup = execution.answered_by_recording(Recorded(places)).setup
        execution._ready()
    return execution.run()


def samples(endings, calls):
    """A sample wherever the Task shall succeed with a value; how it fails has to be said."""
    return {"tasks": {"S": attempts(*map(sampled, endings))}}


def sampled(ending):
    return timed(sample(), ending.seconds, ending.heartbeats) if isinstance(ending, Result) else ending


CHILD = load({"T": {"Type": "Task", "Resource": LAMBDA, "End": True}})


def nested(endings, calls):
    """The Task starts a machine, whose own Task is told by its input which attempt this is."""
    Scripted.calls = calls
    return {"machines": {"Child": CHILD}, "tasks": {"Child/T": ScriptedChild(endings)}}


class ScriptedChild(Scripted):
    def __call__(self, event, context):
        Scripted.calls.append(context.path)
        return self.endings[event["attempt"]]


class Described:
    """Equal to the description of an execution that succeeded with OK, whatever its name."""

    def __eq__(self, record):
        return (record["Status"], record["Output"]) == ("SUCCEEDED", OK)

    __hash__ = None


BACKENDS = {
    "values": Row(values),
    "mocks": Row(mocks),
    "a local function": Row(local_function, pickled="unanswered"),
    "a function that pickles": Row(callable_object),
    "MockConfigFile.json": Row(mock_file),
    "faults": Row(faults, pickled="unanswered"),
    "a backend": Row(backend),
    "a backend by default": Row(by_default),
    "samples": Row(samples, output={}),
    "a worker": Row(workers, ACTIVITY),
    "a Lambda function in AWS": Row(lambda_of_an_account),
    "a recording": Row(values, run=replayed),
    "a callback": Row(callback, CALLBACK, MESSAGE, run=answered),
    "a nested execution": Row(
        nested,
        f"{START}.sync:2",
        {"StateMachineArn": "Child", "Input": {"attempt.$": "$$.State.RetryCount"}},
        output=Described(),
        error="States.TaskFailed",
    ),
}

every = pytest.mark.parametrize("row", BACKENDS.values(), ids=list(BACKENDS))


# --- the suite ------------------------------------------------------------------------------------
def task(row, **fields):
    given = {} if row.parameters is None else {"Parameters": row.parameters}
    return {"Type": "Task", "Resource": row.resource, **given, **fields, "End": True}


def start(row, *endings, calls=None, **fields):
    """An execution of the Task S, which ends so, attempt by attempt."""
    machine = load({"S": task(row, **fields)})
    return machine.start({"n": 1}, **row.make(list(endings), [] if calls is None else calls))


def run(row, *endings, **fields):
    return row.run(start(row, *endings, **fields))


def of_s(execution, kind):
    """The transitions of a kind of the Task S; it may have started others."""
    return [one for one in of_kind(execution, kind) if one.state == "S"]


def back_to_the_start(execution):
    while execution.back():
        pass
    return execution


@every
def test_success(row):
    execution = run(row, result(OK))
    assert (execution.status, execution.output) == ("SUCCEEDED", row.output), execution.cause
    assert [one.output for one in of_s(execution, "TaskSucceeded")] == [row.output]


@every
def test_failure(row):
    execution = run(row, failure("Broken", "why"))
    assert (execution.status, execution.error) == ("FAILED", row.error)
    assert execution.cause


@every
def test_failure_is_retried(row):
    calls = []
    execution = row.run(start(row, failure("Broken", "why"), result(OK), calls=calls, Retry=RETRY))
    assert (execution.status, execution.output) == ("SUCCEEDED", row.output), execution.cause
    assert [one.error for one in of_kind(execution, "RetryScheduled")] == [row.error]
    assert len(calls) <= 2


@every
def test_failure_is_caught(row):
    catch = [{"ErrorEquals": [row.error], "Next": "Caught"}]
    machine = load({"S": task(row, Catch=catch), "Caught": {"Type": "Succeed"}})
    execution = row.run(machine.start(**row.make([failure("Broken", "why")], [])))
    assert execution.output["Error"] == row.error


@every
def test_latency(row):
    execution = run(row, result(OK, seconds=7))
    assert [one.time for one in of_s(execution, "TaskStarted")] == [0.0]
    assert [one.time for one in of_s(execution, "TaskSucceeded")] == [7.0]


@every
def test_latency_of_a_failure(row):
    execution = run(row, failure("Broken", "why", seconds=7))
    assert [one.time for one in of_s(execution, "TaskFailed")] == [7.0]


@every
def test_timeout(row):
    execution = run(row, result(OK, seconds=7), TimeoutSeconds=5)
    assert (execution.error, execution.time) == ("States.Timeout", 5.0)


@every
def test_an_answer_at_the_deadline_is_in_time(row):
    assert run(row, result(OK, seconds=7), TimeoutSeconds=7).status == "SUCCEEDED"


STORY = (failure("Broken", "why", seconds=2), result(OK, seconds=3))


@every
def test_a_redo_calls_nobody_again(row):
    calls = []
    execution = row.run(start(row, *STORY, calls=calls, Retry=RETRY))
    story, called = execution.transitions, list(calls)
    assert back_to_the_start(execution).time == 0
    assert list(execution) == story
    assert calls == called


@every
def test_a_fork_goes_the_same_way(row):
    execution = start(row, *STORY, Retry=RETRY)
    execution.run(until="S")
    copy = execution.fork()
    story = row.run(execution).transitions
    assert copy.cursor < len(story)
    assert row.run(copy).transitions == story
    assert execution.transitions == story


@every
def test_an_edit_in_the_past_asks_again(row):
    execution = row.run(start(row, *STORY, Retry=RETRY))
    story = execution.transitions
    back_to_the_start(execution)
    execution.edit_input({"n": 2})
    assert row.run(execution).status == "SUCCEEDED"
    edited = execution.transitions
    assert [one.id for one in edited if one.kind != "Edited"] == [one.id for one in story]


@every
def test_pickled_at_the_end_it_shows_the_same(row):
    execution = row.run(start(row, *STORY, Retry=RETRY))
    copy = pickle.loads(pickle.dumps(execution))
    assert (copy.transitions, copy.history()) == (execution.transitions, execution.history())
    assert list(back_to_the_start(copy)) == execution.transitions


@every
def test_pickled_before_the_task(row):
    execution = start(row, *STORY, Retry=RETRY)
    execution.run(until="S")
    copy = pickle.loads(pickle.dumps(execution))
    if row.pickled == "answers":
        assert row.run(copy).transitions == row.run(execution).transitions
        return
    with pytest.raises(UnansweredTask, match="'S'"):
        copy.run()
    assert copy.blocked == "unanswered"


@every
def test_each_iteration_of_a_map_is_answered(row):
    machine = load({"All": mapping(block(S=task(row, Retry=RETRY)), End=True)})
    execution = row.run(machine.start([{"n": 1}, {"n": 2}, {"n": 3}], **row.make(list(STORY), [])))
    assert execution.output == [row.output] * 3, execution.cause


@every
def test_the_same_seed_gives_the_same_history(row):
    histories = [row.run(start(row, *STORY, Retry=RETRY)).history() for _ in range(2)]
    assert histories[0] == histories[1]
