"""`RetryLab`: policies side by side under conditions that can be moved, and what they come to.

The lab holds what is set and what is known so far.  A view moves it with `set` and `choose`, lets it
work with `advance`, and shows it; everything a view does can be done in code.
"""

from __future__ import annotations

import json
import time
from html import escape
from typing import TYPE_CHECKING, Any, Final

from sfnbook.definition import Retrier, Retryable
from sfnbook.drawing.charts import together
from sfnbook.errors import ALL, UsageError
from sfnbook.machine import StateMachine, load
from sfnbook.notebook import displayed, in_a_notebook
from sfnbook.observed import Observed
from sfnbook.retry import first_match
from sfnbook.retrylab.advice import Advice, facts_of, found
from sfnbook.retrylab.comparing import Comparison, compare_simulations, figures_of
from sfnbook.retrylab.conditions import CHECKS, Conditions
from sfnbook.retrylab.figures import figure
from sfnbook.retrylab.herd import Herd
from sfnbook.retrylab.pictures import comparison_chart, schedule_charts, small_load_charts
from sfnbook.retrylab.policies import ASL, Policy, as_json, read_policy
from sfnbook.retrylab.progress import Bar
from sfnbook.retrylab.rivals import with_policy
from sfnbook.retrylab.schedule import Schedule, retry_schedule
from sfnbook.retrylab.service import Service
from sfnbook.retrylab.stampede import AT_ONCE
from sfnbook.retrylab.study import Study
from sfnbook.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.drawing.charts import Chart
    from sfnbook.retrylab.simulation import Simulation
    from sfnbook.values import Json

MOST_POLICIES: Final = 4
"""More cannot be told apart in one chart."""

FIRST: Final[dict[str, Any]] = {"ErrorEquals": [ALL], "IntervalSeconds": 1, "MaxAttempts": 6}
"""What is tried where nobody gives a policy."""

USUAL: Final = ("Lambda.TooManyRequestsException", "Lambda.ServiceException", "States.Timeout")
"""Errors that a wildcard is tried with."""


class RetryLab(Observed):
    """Retry policies under conditions that can be moved: schedules, many executions, a herd, the price.

    ``machine`` and ``state`` give the policy to begin with, as "now", and "new" to change beside it; else
    ``policies`` are retry policies by name, as `retry_schedule` takes them, or there are two to play with.
    ``service`` is what stands behind the Task.  In a notebook the lab shows sliders and charts.

    ``policy`` and ``retrier`` (from 1 on) say which one `set` changes.  Raises UsageError for what is no
    policy, no state or no condition, DefinitionError for a policy that AWS refuses; then nothing changes.

    >>> lab = RetryLab(policies={"plain": [{"ErrorEquals": ["Busy"], "MaxAttempts": 2}], "none": []})
    >>> lab.set("plain", MaxAttempts=4, JitterStrategy="FULL").set(failure_rate=0.5, task_seconds=0)
    <RetryLab: plain, none; 50 % of attempts fail, 100 clients at once>
    >>> lab.policies["plain"][0]["MaxAttempts"], lab.schedules["plain"].delays
    (4, [0.5, 1.0, 2.0, 4.0])
    >>> [round(row["succeeded"], 2) for row in lab.table()]
    [0.97, 0.5]

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """

    def __init__(
        self,
        machine: Any = None,
        state: str | None = None,
        *,
        policies: Mapping[str, Any] | None = None,
        service: Service | None = None,
    ) -> None:
        if service is not None and not isinstance(service, Service):
            raise UsageError(f"service={service!r}: give a sfnbook.Service, for example Service(rate=10).")
        super().__init__()
        self.machine = machine if machine is None or isinstance(machine, StateMachine) else load(machine)
        self.state = None if self.machine is None else _state_of(self.machine, state)
        given = _policies(self.machine, self.state, policies)
        self._policies = {name: read_policy(retry) for name, retry in given.items()}
        self._facts = None if self.machine is None else facts_of((self.machine, self.state))
        first = next(iter(self._policies.values()))
        timeout = None if first.timeout is None else first.timeout // 1_000_000
        self.conditions = Conditions.of(service, timeout_seconds=timeout)
        self._studies: dict[str, Study] = {}
        for name, policy in self._policies.items():
            self.choose(name, 1 if service is None and policy.retry else None)

    # --- what is set ----------------------------------------------------------------------------
    @property
    def policies(self) -> dict[str, list[dict[str, Json]]]:
        """The Retry of each policy, by name; a copy."""
        return {name: policy.asl for name, policy in self._policies.items()}

    @property
    def asl(self) -> str:
        """The Retry field of the chosen policy, as text to paste into a state."""
        entries = ",\n".join(map(_printed, self._policies[self.policy].asl))
        return f'"Retry": [\n{entries}\n]' if entries else '"Retry": []'

    def machine_with(self, policy: str | None = None) -> StateMachine:
        """The machine with a policy of the lab, the chosen one if none is named, in its state."""
        if self.machine is None or self.state is None:
            raise UsageError("The lab was made without a machine: RetryLab(machine, state).")
        return with_policy(self.machine, self.state, self._policies[self._known(policy)])

    def choose(self, policy: str | None = None, retrier: int | None = None) -> RetryLab:
        """Choose the policy, and the retrier in it from 1 on, that `set` and the sliders change.

        A retrier that is named gets an error that it takes; else it is the one that takes the error there is.
        """
        name, error = self._known(policy), self.conditions.error
        chosen = self._policies[name]
        if retrier is None:
            number = _taker(chosen, error)
        else:
            number = _checked(name, chosen, retrier)
            self.conditions = self.conditions._replace(error=_error_for(chosen, number - 1, error))
        self.policy, self.retrier = name, number
        self._tell()
        return self

    def set(self, policy: str | None = None, retrier: int | None = None, /, **changes: Any) -> RetryLab:
        """Change a retrier's fields, by their names in the States Language, or conditions; all or nothing.

        Conditions are ``failure_rate``, ``error``, ``task_seconds``, ``timeout_seconds``,
        ``outage_seconds``, ``clients``, ``arrivals`` and ``capacity``; see `Conditions`.

        >>> RetryLab().set(BackoffRate=0.5)
        Traceback (most recent call last):
        ...
        sfnbook.errors.DefinitionError: ERROR SCHEMA_VALIDATION_FAILED: Minimum value is 1.0 at \
/Retry[0]/BackoffRate
        """
        fields = {name: changes.pop(name) for name in list(changes) if name in ASL}
        _check_names(changes)
        if changes.get("arrivals") == "at once":
            changes["arrivals"] = AT_ONCE
        conditions = self.conditions.changed(**changes)
        name = self._known(policy)
        if retrier is None:
            retrier = self.retrier if name == self.policy else _taker(self._policies[name], conditions.error)
        made = self._with(name, retrier, fields) if fields else self._policies[name]
        self.conditions, self._policies[name] = conditions, made
        if "error" in changes:
            self.retrier = _taker(self._policies[self.policy], conditions.error)
        self._tell()
        return self

    def value(self, field: str) -> Any:
        """What a field of the chosen retrier, or a condition, is set to; None where it is not set."""
        if field not in ASL:
            return getattr(self.conditions, field)
        retriers = self._policies[self.policy].retry
        if not retriers:
            return 0 if field == "MaxAttempts" else getattr(Retrier(error_equals=(ALL,)), ASL[field])
        return getattr(retriers[self.retrier - 1], ASL[field])

    def _with(self, name: str, number: int, fields: Mapping[str, Any]) -> Policy:
        policy = self._policies[name]
        entries = policy.asl or [as_json(Retrier(error_equals=(ALL,)))]
        if policy.retry:
            _checked(name, policy, number)
        entry = {**entries[number - 1], **fields}
        entries[number - 1] = {key: value for key, value in entry.items() if value is not None}
        return policy._replace(retry=read_policy(entries).retry)

    def _known(self, name: str | None) -> str:
        if name is None:
            return self.policy
        if name not in self._policies:
            raise UsageError(f"There is no policy {name!r}; there are {', '.join(self._policies)}.")
        return name

    # --- what is known --------------------------------------------------------------------------
    @property
    def studies(self) -> dict[str, Study]:
        """What is known of each policy as things are set; what did not change is kept."""
        for name, policy in self._policies.items():
            applied, known = self.conditions.applied(policy), self._studies.get(name)
            if known is None or (known.policy, known.conditions) != (applied, self.conditions):
                self._studies[name] = Study(name, applied, self.conditions)
        return {name: self._studies[name] for name in self._policies}

    def advance(self, seconds: float, *, until_shown: bool = False) -> bool:
        """Work for so long in real time; is there more to do?  ``until_shown``: only a few runs of each."""
        until, studies = time.perf_counter() + seconds, list(self.studies.values())
        while True:
            behind = [one for one in studies if one.done < 1 and not (until_shown and one.is_shown)]
            if not behind:
                break
            min(behind, key=lambda one: (one.is_shown, one.done)).step()
            if time.perf_counter() >= until:
                break
        return not self.is_done

    @property
    def is_done(self) -> bool:
        """Has every policy had all its runs?"""
        return all(study.done >= 1 for study in self.studies.values())

    def finish(self) -> RetryLab:
        """Make all runs that are missing; an interrupt leaves what is done so far."""
        with Bar("retry lab", 100, shown=True) as bar:
            try:
                while self.advance(0.1):
                    bar.done(int(100 * min(study.done for study in self.studies.values())))
            except KeyboardInterrupt:
                if not all(study.is_shown for study in self.studies.values()):
                    raise
        return self

    @property
    def schedules(self) -> dict[str, Schedule]:
        """Each policy attempt by attempt: in the outage if there is one, else as if every attempt failed."""
        return {name: self._schedule(study.policy) for name, study in self.studies.items()}

    def _schedule(self, policy: Policy) -> Schedule:
        error, down = self.conditions.error, self.conditions.outage_seconds
        takes = self.conditions.mean_task_seconds
        if not down:
            return retry_schedule(policy, error, task_seconds=takes)
        refused = retry_schedule(policy, error)
        before = sum(attempt.start.mean < down for attempt in refused.attempts)
        if before == len(refused.attempts):
            return refused
        return retry_schedule(policy, [error] * before + [None], task_seconds=[0.0] * before + [takes])

    @property
    def simulations(self) -> dict[str, Simulation]:
        """Many executions under each policy, so far."""
        return {name: study.simulation for name, study in self.studies.items()}

    @property
    def comparison(self) -> Comparison:
        """The policies held against the first one, so far."""
        return compare_simulations(self.simulations)

    @property
    def herd(self) -> Herd:
        """The clients against the service, so far."""
        trials = {name: study.trial for name, study in self.studies.items()}
        return Herd(trials, self.conditions.served, self.conditions.clients)

    @property
    def advice(self) -> dict[str, Advice]:
        """What to think of each policy."""
        found_of = {}
        for name, policy in self._policies.items():
            facts = facts_of(policy) if self._facts is None else self._facts
            facts = facts._replace(policy=self.conditions.applied(policy), items=self.conditions.clients)
            if not facts.crowd:
                facts = facts._replace(crowd=self.conditions.crowd)
            found_of[name] = Advice(found(facts))
        return found_of

    # --- to look at -----------------------------------------------------------------------------
    def rows(self) -> Table:
        """A row for each policy, from the runs so far; see `table`."""
        loads = {row["policy"]: row for row in self.herd.table()}
        return Table(
            {
                **_overview(name, one),
                "calls": loads[name]["calls"],
                "wasted": loads[name]["wasted"],
                "all_done_seconds": loads[name]["done_seconds"],
                "clients_succeeded": loads[name]["succeeded"],
                "peak_per_second": loads[name]["peak_per_second"],
            }
            for name, one in self.simulations.items()
        )

    def table(self) -> Table:
        """A row for each policy, after all runs: of one execution its success, seconds, attempts and price
        (dollars for a million, Standard and Express), of the herd its calls and when everyone is done.
        """
        return self.finish().rows()

    def charts(self) -> list[Chart]:
        """A schedule and a load for each policy, on the same scales, and all distributions in one."""
        return [
            *schedule_charts(
                self.schedules, "in the outage" if self.conditions.outage_seconds else "if all fail"
            ),
            *small_load_charts(self.herd),
            comparison_chart(self.simulations)._replace(title="Have succeeded by then"),
        ]

    def to_svg(self) -> str:
        """The charts with the runs so far, as one SVG."""
        return together(self.charts(), columns=len(self._policies))

    def plot(self) -> Any:
        """The charts after all runs, as a matplotlib Figure."""
        return figure(*self.finish().charts(), columns=len(self._policies))

    def show(self, **options: Any) -> Any:
        """The notebook's view; ``options`` are those of `widgets.retrylab.RetryLabView`."""
        from sfnbook.widgets.retrylab import RetryLabView  # noqa: PLC0415

        return RetryLabView(self, **options)

    def __repr__(self) -> str:
        conditions = self.conditions
        fails = f"{conditions.failure_rate * 100:g} % of attempts fail"
        if conditions.outage_seconds:
            fails += f", down for {conditions.outage_seconds:g} s"
        names = ", ".join(self._policies)
        return f"<RetryLab: {names}; {fails}, {conditions.clients:,} clients {conditions.arrivals}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        if in_a_notebook():
            bundle: Any = self.show()._repr_mimebundle_()
            data = bundle[0] if isinstance(bundle, tuple) else bundle
            return {**(data or {}), "text/plain": repr(self)}
        self.advance(1.0, until_shown=True)
        html = f"<p>{escape(repr(self))}</p>{self.to_svg()}{self.rows().to_html()}"
        return {**displayed(repr(self), html), "image/svg+xml": self.to_svg()}


# --- what it begins with --------------------------------------------------------------------------
def _state_of(machine: StateMachine, state: str | None) -> str:
    """The state whose Retry is looked at: the one that was named, or the only one there is."""
    if state is not None:
        return state
    names = [each.name for each in machine.definition.walk() if isinstance(each, Retryable)]
    with_retry = [
        each.name for each in machine.definition.walk() if isinstance(each, Retryable) and each.retry
    ]
    for some in (with_retry, names):
        if len(some) == 1:
            return some[0]
    raise UsageError(f"Which state's Retry? RetryLab(machine, name), with one of: {', '.join(names) or '-'}.")


def _policies(
    machine: StateMachine | None, state: str | None, policies: Mapping[str, Any] | None
) -> dict[str, Any]:
    if policies is not None and (not isinstance(policies, dict) or not policies):
        raise UsageError("Give policies by name, for example {'none': [], 'three': [{'ErrorEquals': ...}]}.")
    given = {str(name): retry for name, retry in (policies or {}).items()}
    if machine is not None:
        now = read_policy((machine, state))
        given = {"now": now, **(given or {"new": _jittered(now)})}
    elif not given:
        given = {"A": [FIRST], "B": [FIRST | {"JitterStrategy": "FULL"}]}
    if len(given) > MOST_POLICIES:
        raise UsageError(f"{len(given)} policies: more than {MOST_POLICIES} cannot be told apart in a chart.")
    return given


def _jittered(policy: Policy) -> Policy:
    """The same with full jitter; where there is no retrier, the usual one."""
    entries = [entry | {"JitterStrategy": "FULL"} for entry in policy.asl or [FIRST]]
    return policy._replace(retry=read_policy(entries).retry)


def _checked(name: str, policy: Policy, retrier: Any) -> int:
    if retrier not in range(1, len(policy.retry) + 1):
        raise UsageError(f"There is no retrier {retrier!r} in {name!r}; it has {len(policy.retry)}.")
    number: int = retrier
    return number


def _taker(policy: Policy, error: str) -> int:
    """The retrier that takes an error, from 1 on; 1 where none does."""
    return (first_match(policy.retry, error) or 0) + 1


def _error_for(policy: Policy, index: int, known: str) -> str:
    """An error that this retrier takes: the one there is, one of its own, or a usual one."""
    own = [name for name in policy.retry[index].error_equals if not name.startswith("States.")]
    taken = (name for name in (known, *own, *USUAL) if first_match(policy.retry, name) == index)
    return next(taken, known)


def _printed(retrier: Mapping[str, Json]) -> str:
    """A retrier as people write it: a line for each field."""
    fields = (
        f"    {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in retrier.items()
    )
    return "  {\n" + ",\n".join(fields) + "\n  }"


def _check_names(changes: Mapping[str, Any]) -> None:
    for name in changes:
        if name not in CHECKS:
            raise UsageError(f"There is nothing called {name!r}. There are {', '.join((*ASL, *CHECKS))}.")


def _overview(name: str, one: Simulation) -> dict[str, Any]:
    prices = {"dollars_standard": one.price().value, "dollars_express": one.price("EXPRESS").value}
    return {**figures_of(name, one), **prices}
