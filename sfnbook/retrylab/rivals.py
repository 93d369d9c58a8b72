"""Policies that compete for the same Task, on the same seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook.clock import SECOND
from sfnbook.errors import UsageError
from sfnbook.machine import StateMachine, load
from sfnbook.retrylab.comparing import Comparison, compare_simulations
from sfnbook.retrylab.policies import Policy, find_state, read_policy, with_timeout
from sfnbook.retrylab.simulation import simulate
from sfnbook.values import unescape_pointer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.values import Json

TASK: Final = "Task"
SERVICE: Final = "arn:aws:lambda:us-east-1:111122223333:function:service"


def compare_policies(
    policies: Mapping[str, Any],
    tasks: Any,
    *,
    machine: StateMachine | None = None,
    state: str | None = None,
    timeout_seconds: int | None = None,
    **options: Any,
) -> Comparison:
    """Simulate a Task under each of some policies, on the same seeds, and compare what happens.

    ``policies`` are retry policies by name (see `retry_schedule`); the others are held against the first.
    Without a machine ``tasks`` is the answer of a single Task, which has ``timeout_seconds``.  With one
    the policies take the place of the Retry of its ``state``, and ``tasks`` are its tasks.  ``options``
    are those of `simulate`.  An interrupt ends it: what is done of two policies or more is compared.

    >>> from sfnbook.tasks import attempts, failure
    >>> slow, fast = ([{"ErrorEquals": ["Busy"], "IntervalSeconds": wait}] for wait in (10, 1))
    >>> busy = attempts(failure("Busy"), {"ok": True})
    >>> comparison = compare_policies({"slow": slow, "fast": fast}, busy, runs=100)
    >>> comparison.overview().column("mean_seconds"), comparison.differences[1].verdict
    ([10.0, 1.0], 'less')
    """
    if not isinstance(policies, dict) or len(policies) < 2:
        raise UsageError("Give at least two policies by name, for example {'none': [], 'three': [...]}.")
    if machine is None:
        tasks = {TASK: tasks}
    elif state is None:
        raise UsageError("Which state's Retry shall the policies replace? Give state=.")
    simulations = {}
    for name, given in policies.items():
        policy = read_policy(given)
        if timeout_seconds is not None:
            policy = with_timeout(policy, timeout_seconds)
        made = machine_of(policy) if machine is None else with_policy(machine, str(state), policy)
        simulation = simulate(made, tasks=tasks, **options)
        if simulation.runs:
            simulations[str(name)] = simulation
        if simulation.interrupted:
            break
    if len(simulations) < 2:  # only an interrupt leaves so few
        raise KeyboardInterrupt
    return compare_simulations(simulations)


def machine_of(policy: Policy) -> StateMachine:
    """A machine of one Task under a policy.

    >>> machine_of(read_policy([])).definition.start_at
    'Task'
    """
    state: dict[str, Json] = {"Type": "Task", "Resource": SERVICE, "Retry": policy.asl, "End": True}
    for field, limit in (("TimeoutSeconds", policy.timeout), ("HeartbeatSeconds", policy.heartbeat)):
        if limit is not None:
            state[field] = limit // SECOND
    return load({"StartAt": TASK, "States": {TASK: state}}, name="RetryLab")


def with_policy(machine: StateMachine, state: str, policy: Policy) -> StateMachine:
    """The machine with another Retry in one of its states."""
    definition: Any = machine.source
    place = definition
    for step in map(unescape_pointer, find_state(machine, state).pointer.split("/")[1:]):
        place = place[int(step)] if isinstance(place, list) else place[step]
    place["Retry"] = policy.asl
    return load(definition, name=machine.name)
