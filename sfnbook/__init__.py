"""An interactive simulator of AWS Step Functions for Jupyter.

>>> import sfnbook
>>> machine = sfnbook.load({"StartAt": "Hello", "States": {"Hello": {"Type": "Pass", "End": True}}})
>>> machine.start({"name": "Ada"}).result()
{'name': 'Ada'}
"""

from typing import TYPE_CHECKING, Any

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
    from sfnbook.debugger import Debugger

__version__ = "0.1.0"

__all__ = [
    "AWS_LIMITS",
    "NO_LIMITS",
    "Debugger",
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


def __getattr__(name: str) -> Any:
    """The debugger is loaded when it is first asked for: running a machine needs none of it."""
    if name == "Debugger":
        from sfnbook.debugger import Debugger  # noqa: PLC0415 - see above

        return Debugger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
