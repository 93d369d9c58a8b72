"""StartExecution and StartSyncExecution, as an SDK calls them: names, inputs, idempotence.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance
from sfnbook.clock import SECOND, microseconds, start_instant
from sfnbook.errors import UsageError
from sfnbook.frames import StartedBy
from sfnbook.limits import AWS_LIMITS
from sfnbook.teststate.mocks import ApiError
from sfnbook.triggers.starts import Start, refuse
from sfnbook.values import Json, no_constant, text

if TYPE_CHECKING:
    from sfnbook.debugger import Debugger
    from sfnbook.execution import Execution
    from sfnbook.machine import StateMachine

LONGEST_NAME: Final = 80
FORGOTTEN: Final = 90 * 86_400 * SECOND
"""So long after its end the name of a Standard execution is taken."""

# White space, brackets, wildcards, special characters and control characters.
_FORBIDDEN: Final = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff]')


class Sdk:
    """The API of one state machine: each call starts an execution, or is refused as AWS refuses it.

    ``options`` are those of `StateMachine.start`.  Refusals are `UsageError` with AWS's ``code``.

    >>> import sfnbook
    >>> machine = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> sdk = Sdk(machine)
    >>> execution = sdk.start_execution(name="order-7", input='{"id": 7}')
    >>> sdk.start_execution(name="order-7", input='{"id": 7}') is execution
    True
    >>> sdk.start_execution(name="order-7", input='{"id": 8}')
    Traceback (most recent call last):
    ...
    sfnbook.teststate.mocks.ApiError: ExecutionAlreadyExists: Execution Already Exists: \
'arn:aws:states:us-east-1:111122223333:execution:StateMachine:order-7'
    """

    def __init__(self, machine: StateMachine, **options: Any) -> None:
        self.machine, self.options = machine, options
        self.executions: dict[str, Execution] = {}
        self._calls = 0

    @property
    def type(self) -> str:
        """STANDARD or EXPRESS."""
        return str(self.options.get("type") or self.machine.type)

    def start_execution(
        self,
        *,
        stateMachineArn: str | None = None,  # noqa: N803 - the API's words
        name: str | None = None,
        input: str = "{}",  # noqa: A002
        traceHeader: str | None = None,  # noqa: N803
        start_time: Any = None,
        started_by: StartedBy | None = None,
    ) -> Execution:
        """StartExecution; the same name and input give the execution that still runs.

        ``input`` is JSON text.  ``start_time`` is the moment of the call.
        """
        start = self._start(stateMachineArn, name, input, traceHeader, start_time, started_by)
        assert start.name is not None  # noqa: S101 - each has one
        earlier = None if self.type == "EXPRESS" else self.executions.get(start.name)
        if earlier is not None and not self._forgotten(earlier, start_time):
            if earlier.status == "RUNNING" and earlier.input == start.input:
                return earlier
            raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{earlier.arn}'")
        execution = start.execution(self.machine, **self._options(start_time))
        self.executions[start.name] = execution
        return execution

    def start_sync_execution(
        self,
        *,
        stateMachineArn: str | None = None,  # noqa: N803 - the API's words
        name: str | None = None,
        input: str = "{}",  # noqa: A002
        traceHeader: str | None = None,  # noqa: N803
        start_time: Any = None,
        started_by: StartedBy | None = None,
    ) -> Execution:
        """StartSyncExecution: an Express execution, run to its end; its status says how it ended."""
        if self.type != "EXPRESS":
            raise ApiError(
                "StateMachineTypeNotSupported",
                "This operation is not supported by this type of state machine",
            )
        by = started_by or StartedBy("sdk", "Started by StartSyncExecution.")
        execution = self.start_execution(
            stateMachineArn=stateMachineArn, name=name, input=input, traceHeader=traceHeader,
            start_time=start_time, started_by=by,
        )  # fmt: skip
        execution.result() if execution.run().status == "RUNNING" else None
        return execution

    def debug(self, *, name: str | None = None, input: str = "{}", start_time: Any = None) -> Debugger:  # noqa: A002
        """A debugger on what StartExecution would start."""
        start = self._start(None, name, input, None, start_time, None)
        return start.debugger(self.machine, **self._options(start_time))

    def _options(self, start_time: Any) -> dict[str, Any]:
        return self.options if start_time is None else {**self.options, "start_time": start_time}

    def _start(
        self, arn: Any, name: Any, given: Any, trace: Any, start_time: Any, started_by: StartedBy | None
    ) -> Start:
        if arn is not None and arn != self.machine.arn:
            raise ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        if not isinstance(trace, str | None):
            refuse(f"traceHeader={trace!r}:", "give a text.")
        self._calls += 1
        bits = chance.combine(self.options.get("seed", 0), chance.digest(self.machine.name), self._calls)
        named = chance.uuid_text(bits) if name is None else checked_name(name)
        whence = "a name of its own" if name is None else f"the name {named!r}"
        by = started_by or StartedBy("sdk", f"Started by StartExecution, with {whence}.")
        return Start(parsed_input(given, self.options), by, start_time, named)

    def _forgotten(self, earlier: Execution, start_time: Any) -> bool:
        end = earlier.setup.birth.time + microseconds(earlier.time)
        return earlier.status != "RUNNING" and start_instant(start_time) > end + FORGOTTEN

    def __repr__(self) -> str:
        return f"<Sdk of {self.machine.name!r}, {len(self.executions)} executions>"


def checked_name(name: object) -> str:
    """A name that an execution may have, or AWS's refusal.

    >>> checked_name("order 7")
    Traceback (most recent call last):
    ...
    sfnbook.teststate.mocks.ApiError: InvalidName: Invalid Name: 'order 7'
    """
    if not isinstance(name, str):
        refuse(f"name={name!r}:", "the name of an execution is a text.")
    if not 1 <= len(name) <= LONGEST_NAME:
        bound = "greater than or equal to 1" if not name else f"less than or equal to {LONGEST_NAME}"
        raise ApiError(
            "ValidationException",
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
            f"Member must have length {bound}",
        )
    if _FORBIDDEN.search(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")
    return name


def parsed_input(given: object, options: dict[str, Any] | None = None) -> Json:
    """The input that a JSON text is, or AWS's refusal.

    >>> parsed_input("{'id': 7}")
    Traceback (most recent call last):
    ...
    sfnbook.teststate.mocks.ApiError: InvalidExecutionInput: Invalid State Machine Execution Input: \
'Expecting property name enclosed in double quotes: line 1 column 2 (char 1)'
    """
    if not isinstance(given, str):
        raise UsageError(f"input= is JSON text, as the API takes it: json.dumps({given!r}).")
    limits = (options or {}).get("limits", AWS_LIMITS)
    most = None if limits is None else limits.payload_bytes
    if most is not None and len(given.encode("utf-8", "surrogatepass")) > most:
        raise ApiError(
            "InvalidExecutionInput",
            f"Invalid State Machine Execution Input: longer than {most:,} bytes of UTF-8",
        )
    try:
        return json.loads(given, parse_constant=no_constant)
    except (ValueError, RecursionError) as problem:
        raise ApiError(
            "InvalidExecutionInput", f"Invalid State Machine Execution Input: '{problem}'"
        ) from None


# --- responses --------------------------------------------------------------------------------------
def started(execution: Execution) -> dict[str, Json]:
    """What StartExecution answers."""
    return {"executionArn": execution.arn, "startDate": execution.setup.birth.time / SECOND}


def ended(execution: Execution) -> dict[str, Json]:
    """What StartSyncExecution answers: a failed execution is an answer, too."""
    begin = execution.setup.birth.time
    spent = microseconds(execution.time) // 1000
    answer: dict[str, Json] = {
        "billingDetails": {
            "billedDurationInMilliseconds": -(-spent // 100) * 100 or 100,
            "billedMemoryUsedInMB": 64,
        },
        "executionArn": execution.arn,
        "input": text(execution.input),
        "inputDetails": {"included": True},
        "name": execution.name,
        "startDate": begin / SECOND,
        "stateMachineArn": execution.top.scope.execution.machine_arn,
        "status": execution.status,
        "stopDate": (begin + microseconds(execution.time)) / SECOND,
        "traceHeader": "",
    }
    if execution.status == "SUCCEEDED":
        return answer | {"output": text(execution.output), "outputDetails": {"included": True}}
    failed = {"error": execution.error, "cause": execution.cause}
    return answer | {name: one for name, one in failed.items() if one is not None}
