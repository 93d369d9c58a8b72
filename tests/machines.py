"""Small machines to run: states by name, the first one is where they start."""

import json

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
