"""Small machines to run: states by name, the first one is where they start; and what to check of a run."""

import json

import pytest

import sfnbook

LAMBDA = "arn:aws:lambda:us-east-1:111111111111:function:f"
INVOKE = "arn:aws:states:::lambda:invoke"
CALLBACK = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
ACTIVITY = "arn:aws:states:us-east-1:111111111111:activity:work"
START = "arn:aws:states:::states:startExecution"

MESSAGE = {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}
"""Parameters of a callback."""


def definition(states, **more):
    return {"StartAt": next(iter(states)), "States": states, **more}


def block(**states):
    """A branch or an item processor."""
    return {"StartAt": next(iter(states)), "States": states}


def load(states, **more):
    return sfnbook.load(definition(states, **more))


def one(state, **more):
    """A machine of the one state S."""
    ending = {} if state["Type"] in {"Succeed", "Fail", "Choice"} or "Next" in state else {"End": True}
    return load({"S": state | ending}, **more)


def task(**fields):
    return {"Type": "Task", "Resource": LAMBDA, "End": True, **fields}


def callback(**fields):
    """A Task that waits for its token to come back."""
    return {"Type": "Task", "Resource": CALLBACK, "Parameters": MESSAGE, **fields}


def activity(**fields):
    """A Task that waits for a worker."""
    return {"Type": "Task", "Resource": ACTIVITY, **fields}


def prefix(state="S", event=2):
    """What AWS puts in front of an interpreter error."""
    return f"An error occurred while executing the state '{state}' (entered at the event id #{event}). "


def outline(events):
    """[id, previousEventId, type] of each event."""
    return [[event["id"], event["previousEventId"], event["type"]] for event in events]


def types(events):
    return [event["type"] for event in events]


def details(event):
    """The one details object of an event, its JSON texts read."""
    found = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
    return {
        name: json.loads(value) if name in {"input", "output", "parameters"} else value
        for name, value in found.items()
    }


def of_kind(execution, kind):
    return [transition for transition in execution.transitions if transition.kind == kind]


def times(execution, kind):
    """The virtual seconds of every transition of a kind."""
    return [transition.time for transition in of_kind(execution, kind)]


def parallel(*branches, **fields):
    return {"Type": "Parallel", "Branches": list(branches), **fields}


def mapping(processor, **fields):
    return {"Type": "Map", "ItemProcessor": processor, **fields}


def passing(**fields):
    return {"Type": "Pass", **({} if "Next" in fields else {"End": True}), **fields}


def visited(execution):
    return [
        transition.state for transition in execution.run().transitions if transition.kind == "StateEntered"
    ]


class Fails:
    """The execution fails with this error and this cause; ``at`` is the event that the prefix names.

    A cause of ``...`` may say anything.
    """

    def __init__(self, error, cause=None, at=2):
        self.error, self.cause, self.at = error, cause, at


def check(execution, expected):
    """Run it and compare the output, or how it failed."""
    execution.run()
    if not isinstance(expected, Fails):
        assert (execution.status, execution.output) == ("SUCCEEDED", expected), execution.cause
        return
    assert (execution.status, execution.error) == ("FAILED", expected.error)
    cause = expected.cause
    if expected.at and cause is not None:
        assert execution.cause.startswith(prefix(event=expected.at))
        cause = cause if cause is ... else prefix(event=expected.at) + cause
    assert cause is ... or execution.cause == cause


def table(cases):
    """Parametrize with a dict of cases, its keys the ids."""
    return pytest.mark.parametrize("case", cases.values(), ids=list(cases))
