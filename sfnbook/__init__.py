"""An interactive simulator of AWS Step Functions for Jupyter.

>>> import sfnbook
>>> machine = sfnbook.load({"StartAt": "Hello", "States": {"Hello": {"Type": "Pass", "End": True}}})
>>> machine.start({"name": "Ada"}).result()
{'name': 'Ada'}
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sfnbook.errors import (
    DefinitionError,
    Diagnostic,
    ExecutionFailed,
    SfnbookError,
    UnansweredTask,
    UsageError,
)
from sfnbook.execution import Execution
from sfnbook.limits import AWS_LIMITS, NO_LIMITS, Limits
from sfnbook.machine import StateMachine, load
from sfnbook.tasks.protocol import TaskFailure
from sfnbook.transition import Transition
from sfnbook.validation import validate
from sfnbook.why import Why

if TYPE_CHECKING:
    from sfnbook.comparing import Comparison, compare
    from sfnbook.debugger import Debugger
    from sfnbook.replaying import replay
    from sfnbook.retrylab.advice import advise
    from sfnbook.retrylab.herd import herd
    from sfnbook.retrylab.lab import RetryLab
    from sfnbook.retrylab.rivals import compare_policies
    from sfnbook.retrylab.schedule import retry_schedule
    from sfnbook.retrylab.service import Service
    from sfnbook.retrylab.simulation import simulate

__version__ = "0.1.0"

__all__ = [
    "AWS_LIMITS",
    "NO_LIMITS",
    "Comparison",
    "Debugger",
    "DefinitionError",
    "Diagnostic",
    "Execution",
    "ExecutionFailed",
    "Limits",
    "RetryLab",
    "Service",
    "SfnbookError",
    "StateMachine",
    "TaskFailure",
    "Transition",
    "UnansweredTask",
    "UsageError",
    "Why",
    "advise",
    "compare",
    "compare_policies",
    "herd",
    "load",
    "replay",
    "retry_schedule",
    "simulate",
    "validate",
]

LATER: Final = {
    "Comparison": "sfnbook.comparing",
    "Debugger": "sfnbook.debugger",
    "RetryLab": "sfnbook.retrylab.lab",
    "Service": "sfnbook.retrylab.service",
    "advise": "sfnbook.retrylab.advice",
    "compare": "sfnbook.comparing",
    "compare_policies": "sfnbook.retrylab.rivals",
    "herd": "sfnbook.retrylab.herd",
    "replay": "sfnbook.replaying",
    "retry_schedule": "sfnbook.retrylab.schedule",
    "simulate": "sfnbook.retrylab.simulation",
}
"""Public names that are loaded when they are first asked for: running a machine needs none of them."""


def __getattr__(name: str) -> Any:
    if name == "triggers":
        return import_module("sfnbook.triggers")
    if name in LATER:
        return getattr(import_module(LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
