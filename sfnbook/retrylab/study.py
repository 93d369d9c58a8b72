"""One policy under some conditions, and what is known of it so far: it grows a little at a time.

A study at its end has the same numbers as `simulate` and `herd` with as many runs; before that it has
those of fewer runs.  So a view can show the first hundreds while a slider moves, and the rest when
it stands still.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sfnbook import chance
from sfnbook.retrylab.herd import Trial
from sfnbook.retrylab.load import Load
from sfnbook.retrylab.plan import Chunk, Plan
from sfnbook.retrylab.progress import uninterrupted
from sfnbook.retrylab.rivals import TASK, machine_of
from sfnbook.retrylab.simulation import Simulation
from sfnbook.retrylab.stampede import Running
from sfnbook.retrylab.summary import Summary
from sfnbook.retrylab.vectorised import NotPlain, vector_of

if TYPE_CHECKING:
    from sfnbook.retrylab.conditions import Conditions
    from sfnbook.retrylab.policies import Policy

RUNS: Final = 10_000
"""Executions that a study is done with."""

HERDS: Final = 20
"""Herds that it is done with."""

FEW: Final = 256
"""Executions that are enough to look at."""

PIECE: Final = 0.008
"""Seconds of real time that one piece of work should take."""

CALLS: Final = 1_000
"""Calls of a herd in one piece of work."""

MOST_VECTORISED: Final = 100
"""Retries above which only the engine makes runs: NumPy would leave it all those that reach a limit."""


class Study:
    """Runs of one policy; `step` makes a few more of them.

    >>> from sfnbook.retrylab.conditions import Conditions
    >>> from sfnbook.retrylab.policies import read_policy
    >>> study = Study("none", read_policy([]), Conditions(failure_rate=1, clients=30), runs=300, herds=2)
    >>> while study.step():
    ...     pass
    >>> study.simulation.runs, study.simulation.success.value, study.trial.load.runs
    (300, 0.0, 2)
    """

    def __init__(
        self,
        name: str,
        policy: Policy,
        conditions: Conditions,
        seed: int = 0,
        *,
        runs: int = RUNS,
        herds: int = HERDS,
    ) -> None:
        self.name, self.policy, self.conditions, self.seed = name, policy, conditions, seed
        self.runs, self.herds = runs, herds
        self.plan = Plan(machine_of(policy), {}, {TASK: conditions.answer}, seed)
        self.summary = Summary()
        self._trial = Trial(name, policy, conditions.arrivals)
        self._herd: Running | None = None
        few_retries = sum(retrier.max_attempts for retrier in policy.retry) <= MOST_VECTORISED
        self._vector = vector_of(self.plan) if few_retries else None
        self._block = FEW if self._vector else 16 if few_retries else 1
        self._chunk = Chunk(self.plan, 0)
        self._execute()
        self._trample()  # from here on there is something to look at

    # --- work -----------------------------------------------------------------------------------
    @property
    def done(self) -> float:
        """Which part of the work is done."""
        return min(self.summary.runs / self.runs, self._trial.load.runs / self.herds)

    @property
    def is_shown(self) -> bool:
        """Is there enough to look at?"""
        return self.summary.runs >= min(FEW, self.runs) and self._trial.load.runs > 0

    def step(self) -> bool:
        """Do a little of what is furthest behind; is there more to do?"""
        if self._trial.load.runs / self.herds < self.summary.runs / self.runs:
            self._trample()
        elif self.summary.runs < self.runs:
            self._execute()
        return self.done < 1

    def _execute(self) -> None:
        """A few more executions; as many as a piece of work can hold."""
        first, began = self.summary.runs, time.perf_counter()
        count = min(self._block, self.runs - first)
        executed = self._executed(first, count)
        with uninterrupted():
            self.summary.merge(executed)
        part = PIECE / max(time.perf_counter() - began, 1e-6)
        self._block = max(1, round(count * min(part, 2.0)))

    def _executed(self, first: int, count: int) -> Summary:
        if self._vector is not None:
            try:
                return self._vector.run(first, count)
            except NotPlain:
                self._vector = None
        self._chunk.begin(first)
        return self._chunk.run(count)

    def _trample(self) -> None:
        """A part of the next herd; the herd is counted when it is over."""
        conditions, trial = self.conditions, self._trial
        if self._herd is None:
            seed = chance.combine(self.seed, trial.load.runs)
            self._herd = Running(
                self.policy, trial.arrivals, conditions.served, conditions.clients, seed, Load()
            )
        if not self._herd.advance(CALLS):
            with uninterrupted():
                trial.load.merge(self._herd.load)
                trial.add(self._herd.so_far())
                self._herd = None

    # --- what is known --------------------------------------------------------------------------
    @property
    def simulation(self) -> Simulation:
        """The executions so far."""
        return Simulation(self.plan, self.summary, self.runs)

    @property
    def trial(self) -> Trial:
        """The herds so far; where not even one is over, what it came to until now."""
        if self._trial.load.runs:
            return self._trial
        started = Trial(self.name, self.policy, self.conditions.arrivals)
        if self._herd is not None:
            started.load.merge(self._herd.load)
            started.add(self._herd.so_far())
        return started
