"""Machines and policies that the tests of the retry lab share."""

import sfnbook

LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:f"

SEED = [
    {"ErrorEquals": ["CustomError"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 2.0},
    {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 30, "MaxAttempts": 2, "BackoffRate": 2.0},
    {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 5, "BackoffRate": 2.0},
]
"""The Retry of samples/seed-retry.asl.json."""


def retrier(**fields):
    return {"ErrorEquals": ["States.ALL"], "JitterStrategy": "NONE", **fields}


def one_task(*retry, **fields):
    """A machine of one Task, with these retriers and other fields."""
    state = {"Type": "Task", "Resource": LAMBDA, "Retry": list(retry), "End": True, **fields}
    return sfnbook.load({"StartAt": "Call", "States": {"Call": state}})
