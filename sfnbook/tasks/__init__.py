"""The words in which answers for Tasks are written.

>>> from sfnbook.tasks import attempts, failure, result
>>> attempts(failure("Lambda.ServiceException"), result({"ok": True}, seconds=2))
attempts(failure('Lambda.ServiceException'), result({'ok': True}, seconds=2))
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
from sfnbook.tasks.services.backend import aws
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
