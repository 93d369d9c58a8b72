"""An interactive simulator of AWS Step Functions for Jupyter.

>>> import sfnbook
>>> machine = sfnbook.load({"StartAt": "Hello", "States": {"Hello": {"Type": "Pass", "End": True}}})
>>> machine.start({"name": "Ada"}).result()
{'name': 'Ada'}
"""

from sfnbook.errors import (
    DefinitionError,
    Diagnostic,
    ExecutionFailed,
    SfnbookError,
    UnansweredTask,
    UsageError,
)
from sfnbook.execution import Execution
from sfnbook.explain import Why
from sfnbook.limits import AWS_LIMITS, NO_LIMITS, Limits
from sfnbook.machine import StateMachine, load
from sfnbook.tasks.protocol import TaskFailure
from sfnbook.transition import Transition
from sfnbook.validation import validate

__version__ = "0.1.0"

__all__ = [
    "AWS_LIMITS",
    "NO_LIMITS",
    "DefinitionError",
    "Diagnostic",
    "Execution",
    "ExecutionFailed",
    "Limits",
    "SfnbookError",
    "StateMachine",
    "TaskFailure",
    "Transition",
    "UnansweredTask",
    "UsageError",
    "Why",
    "load",
    "validate",
]
