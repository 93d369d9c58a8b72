"""Start: what a trigger gives.  An execution of a machine is made of it, or a debugger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from sfnbook.debugger import Debugger
from sfnbook.errors import UsageError, kind_of
from sfnbook.machine import StateMachine

if TYPE_CHECKING:
    from sfnbook.execution import Execution
    from sfnbook.frames import StartedBy
    from sfnbook.values import Json

ACCOUNT: Final = "111122223333"
REGION: Final = "us-east-1"


class Start(NamedTuple):
    """How one execution is to be started: its input, what started it, when, and under which name.

    ``options`` of its methods are the keywords of `StateMachine.start`; one that is given there wins.
    """

    input: Json
    started_by: StartedBy
    start_time: Any = None
    name: str | None = None

    def execution(self, machine: StateMachine, **options: Any) -> Execution:
        """The execution, not yet run."""
        return _machine(machine).start(self.input, **self._keywords(options))

    def debugger(self, machine: StateMachine, **options: Any) -> Debugger:
        """A debugger on it."""
        return Debugger(machine, self.input, **self._keywords(options))

    def _keywords(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {"start_time": self.start_time, "name": self.name, "started_by": self.started_by}
        return own | options


def _machine(machine: object) -> StateMachine:
    if not isinstance(machine, StateMachine):
        raise UsageError(f"A trigger starts a StateMachine, not {kind_of(machine)}: sfnbook.load(...).")
    return machine


def refuse(what: str, how: str) -> NoReturn:
    """Raise a UsageError: what is wrong and where, and how to mend it."""
    raise UsageError(f"{what} {how}")
