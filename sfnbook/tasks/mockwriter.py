"""MockConfigFile.json of AWS Step Functions Local, written from what an execution's Tasks came to."""

from __future__ import annotations

from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sfnbook.errors import TASK_FAILED, UsageError
from sfnbook.tasks.answers import compile_answers
from sfnbook.tasks.mockfile import CASES, MACHINES, RESPONSES, shown
from sfnbook.tasks.protocol import Call, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sfnbook.execution import Execution
    from sfnbook.transition import Transition
    from sfnbook.values import Json

ENDINGS: Final = frozenset({"TaskSucceeded", "TaskFailed", "TaskTimedOut"})


def to_mock_config(execution: Execution, case: str = "Recorded") -> dict[str, Json]:
    """The MockConfigFile.json with which a run does what this execution did, as a dict.

    The outcome of every Task is in it, whoever answered; durations are not, for the format has none.
    Where iterations run at once, their calls are counted as a run with the file makes them.

    >>> import sfnbook
    >>> charge = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:1:function:charge", "End": True}
    >>> machine = sfnbook.load({"StartAt": "Charge", "States": {"Charge": charge}}, name="Order")
    >>> to_mock_config(machine.start(tasks={"Charge": {"paid": True}}).run())["MockedResponses"]
    {'Recorded Charge': {'0': {'Return': {'paid': True}}}}
    """
    setup = execution.setup
    tape = Tape(execution.transitions, over=execution.status != "RUNNING")
    refs = list(setup.refs.values())
    # Under each path, for a state machine of ``machines=`` comes before the answer for every Task.
    answers = compile_answers({ref.path: tape for ref in refs}, refs)
    again = type(execution)(replace(setup, answers=answers))
    with suppress(Untold):
        again.run()
    mocks = {state: f"{case} {state}" for state in tape.asked}
    return {
        MACHINES: {again.top.scope.execution.machine_name: {CASES: {case: mocks}}},
        RESPONSES[0]: {mocks[state]: _counted(told) for state, told in tape.asked.items()},
    }


class Untold(UsageError):  # noqa: N818 - caught where the run is made again
    """The execution had not come so far."""


class Tape:
    """A backend that answers each attempt as it ended before, at once, and notes the order of the calls."""

    def __init__(self, transitions: Iterable[Transition], *, over: bool) -> None:
        self.asked: dict[str, list[Json]] = {}
        self._over = over
        self._ends: dict[tuple[str, int, int], deque[Transition]] = defaultdict(deque)
        for one in transitions:
            if one.kind in ENDINGS:
                self._ends[one.path, one.visit, one.attempt].append(one)

    def call(self, call: Call) -> Outcome:
        """The recorded end; of an attempt that was stopped with its Map or Parallel, an empty result."""
        ends = self._ends[call.path, call.visit, call.attempt]
        if not ends and not self._over:
            raise Untold
        told = _told(ends.popleft()) if ends else {"Return": {}}
        self.asked.setdefault(call.state, []).append(told)
        if "Return" in told:
            return Outcome(told["Return"])
        return Outcome(None, told["Throw"]["Error"], told["Throw"]["Cause"], failed=True)


def _told(end: Transition) -> dict[str, Any]:
    if end.kind == "TaskSucceeded":
        return {"Return": end.output}
    return {"Throw": {"Error": end.error or TASK_FAILED, "Cause": end.cause or ""}}


def _counted(told: list[Json]) -> dict[str, Json]:
    """Responses by index, equal ones in a row as a range."""
    starts = [number for number, one in enumerate(told) if number == 0 or one != told[number - 1]]
    ends = [*(start - 1 for start in starts[1:]), len(told) - 1]
    return {shown(start, end): told[start] for start, end in zip(starts, ends, strict=True)}
