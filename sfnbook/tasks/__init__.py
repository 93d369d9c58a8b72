"""The words in which answers for Tasks are written, and the backends that answer by themselves.

A function is called as a Lambda handler is, and may take virtual time:

>>> import sfnbook
>>> from sfnbook.tasks import attempts, failing, failure, faulty, iterations, latency, timed, uniform
>>> retry = [{"ErrorEquals": ["CardDeclined", "Lambda.ServiceException"], "IntervalSeconds": 10}]
>>> charge = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:1:function:charge", "End": True,
...           "Retry": retry}
>>> machine = sfnbook.load({"StartAt": "Orders", "States": {"Orders": {
...     "Type": "Map", "End": True, "ItemProcessor": {"StartAt": "Charge", "States": {"Charge": charge}}}}})
>>> def handler(event, context):
...     return {"paid": event["total"], "attempt": context.attempt}
>>> orders = [{"total": 5}, {"total": 7}]
>>> execution = machine.start(orders, tasks={"Charge": timed(handler, seconds=uniform(1, 3))}).run()
>>> execution.output
[{'paid': 5, 'attempt': 1}, {'paid': 7, 'attempt': 1}]
>>> 1 <= execution.time <= 3
True

Mocks answer by attempt, by call and by Map iteration:

>>> mocks = iterations({1: attempts(failure("CardDeclined"), {"paid": 7})}, otherwise={"paid": 5})
>>> execution = machine.start(orders, tasks={"Charge": mocks}).run()
>>> execution.output, execution.time
([{'paid': 5}, {'paid': 7}], 10.0)

Faults lie over any of them, and say when they strike:

>>> execution = machine.start(orders, tasks={"Charge": faulty(handler, failing(1), latency(0.5))}).run()
>>> [transition.why.text for transition in execution.transitions if transition.kind == "TaskFailed"]
['attempt 1 is to fail', 'attempt 1 is to fail']
>>> execution.output[0], execution.time
({'paid': 5, 'attempt': 2}, 10.5)
"""

from __future__ import annotations

from sfnbook.tasks.composed import attempts, iterations, sample, sequence, timed
from sfnbook.tasks.durations import exponential, normal, uniform
from sfnbook.tasks.faults import (
    denied,
    failing,
    faulty,
    flaky,
    latency,
    lost_heartbeats,
    outage,
    throttled,
)
from sfnbook.tasks.mockfile import mock_config
from sfnbook.tasks.mockwriter import to_mock_config
from sfnbook.tasks.protocol import Call, Outcome, failure, never, result, waiting
from sfnbook.tasks.services import aws
from sfnbook.tasks.workers import worker

__all__ = [
    "Call",
    "Outcome",
    "attempts",
    "aws",
    "denied",
    "exponential",
    "failing",
    "failure",
    "faulty",
    "flaky",
    "iterations",
    "latency",
    "lost_heartbeats",
    "mock_config",
    "never",
    "normal",
    "outage",
    "result",
    "sample",
    "sequence",
    "throttled",
    "timed",
    "to_mock_config",
    "uniform",
    "waiting",
    "worker",
]
