"""A herd: many clients against one service, for several policies side by side.

What a policy does to its own execution `simulate` tells; here it is what all of them together do to the
service behind the Task, and so to each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance
from sfnbook import retry as rules
from sfnbook.clock import SECOND
from sfnbook.definition import Retrier
from sfnbook.drawing.charts import beside
from sfnbook.errors import ALL, TIMEOUT, UsageError
from sfnbook.notebook import displayed
from sfnbook.retrylab.figures import figure
from sfnbook.retrylab.load import Load
from sfnbook.retrylab.pictures import load_charts
from sfnbook.retrylab.policies import Policy, check_count, check_seed, read_policy, with_timeout
from sfnbook.retrylab.progress import Bar, uninterrupted
from sfnbook.retrylab.service import Service
from sfnbook.retrylab.stampede import AT_ONCE, Arrivals, Stampede, stampede
from sfnbook.retrylab.tally import Tally
from sfnbook.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

IMMEDIATELY: Final = Policy(
    (Retrier(error_equals=(ALL,), interval_seconds=0, max_attempts=99_999_999, backoff_rate=1.0),)
)
"""No delay at all.  AWS has no such policy; it is what the others are held against."""

BY_NAME: Final[dict[str, Policy]] = {"immediately": IMMEDIATELY}


@dataclass
class Trial:
    """One policy of a herd: what its runs came to; times in microseconds."""

    name: str
    policy: Policy
    arrivals: Arrivals
    calls: Tally = field(default_factory=Tally)
    wasted: Tally = field(default_factory=Tally)
    done: Tally = field(default_factory=Tally)
    gave_up: Tally = field(default_factory=Tally)
    unfinished: Tally = field(default_factory=Tally)
    load: Load = field(default_factory=Load)

    def add(self, run: Stampede) -> None:
        """Count one more run."""
        self.load.runs += 1
        for name, value in run._asdict().items():
            getattr(self, name).merge(Tally([value]))

    def row(self, clients: int) -> dict[str, Any]:
        """Its figures: means over the runs, times in seconds."""
        ended, done = self.gave_up.mean().value + self.unfinished.mean().value, self.done
        return {
            "policy": self.name,
            "arrivals": str(self.arrivals),
            "calls": self.calls.mean().value,
            "wasted": self.wasted.mean().value,
            "done_seconds": done.mean().value / SECOND,
            "done_low": done.mean().low / SECOND,
            "done_high": done.mean().high / SECOND,
            "done_p95": done.percentile(95).value / SECOND,
            "succeeded": (clients - ended) / clients,
            "peak_per_second": self.load.peak(),
            "peak_in_progress": self.load.peak_in_progress(),
        }


class Herd:
    """What policies do to a service; made by `herd`.

    ``trials`` are the policies by name, ``warnings`` what is wrong with them before anything runs, and
    ``runs`` how many runs each of them has had.
    """

    def __init__(self, trials: Mapping[str, Trial], service: Service, clients: int) -> None:
        self.trials, self.service, self.clients = dict(trials), service, clients
        self.warnings = [one for trial in self.trials.values() for one in _warnings(trial, service)]

    @property
    def runs(self) -> int:
        """How many runs each policy has had."""
        return next(iter(self.trials.values())).load.runs

    def table(self) -> Table:
        """A row for each policy: calls, wasted calls, when everyone is done (seconds), peaks of the load."""
        return Table(trial.row(self.clients) for trial in self.trials.values())

    def load(self, policy: str) -> Table:
        """The load of one policy over time: calls per second and run that were served and refused.

        Served is what the service took, also where the call failed by itself or nobody waited for its end.
        """
        return Table(each._asdict() for each in self.trials[policy].load.bins())

    def to_svg(self) -> str:
        """The load on the service over time, a chart for each policy side by side, as SVG."""
        return beside(load_charts(self))

    def plot(self) -> Any:
        """The same as a matplotlib Figure."""
        return figure(*load_charts(self))

    def __repr__(self) -> str:
        about = f"{self.clients:,} clients, {self.runs:,} runs; the service: {self.service.capacity}"
        return "\n".join([*self.warnings, about, repr(self.table())])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        told = "".join(f"<p><b>{escape(warning)}</b></p>" for warning in self.warnings)
        return displayed(repr(self), f"{told}<div>{self.to_svg()}</div>{self.table().to_html()}")


def herd(
    policies: Mapping[str, Any],
    *,
    service: Service,
    clients: int,
    arrivals: str | Arrivals = "at once",
    seed: int = 0,
    runs: int = 100,
    timeout_seconds: int | None = None,
    progress: bool = True,
) -> Herd:
    """Let many clients call one service, once for each policy and run, and see what it has to bear.

    ``policies`` are retry policies by name, as `retry_schedule` takes them; ``[]`` does not retry and
    ``"immediately"`` has no delay.  A pair of a policy and `from_map` is the same policy inside a Map with
    that MaxConcurrency: so the two remedies can be compared.  ``arrivals`` is ``"at once"``,
    `at_random` or `from_map`.  All policies meet the same arrivals.

    A client's call that takes longer than its policy's TimeoutSeconds, or ``timeout_seconds``, fails
    there, and the service goes on with it to its end.  An interrupt gives what is done so far.

    >>> busy = {"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 9}
    >>> jitter = {**busy, "JitterStrategy": "FULL"}
    >>> service = Service(rate=5, burst=5, seconds=0.1)
    >>> rivals = herd({"plain": busy, "jitter": jitter}, service=service, clients=40, runs=20, progress=False)
    >>> plain, jitter = rivals.table().column("wasted")
    >>> plain > jitter
    True

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    if not isinstance(service, Service):
        raise UsageError(f"service={service!r}: give a sfnbook.Service, for example Service(rate=10).")
    check_count("clients", clients)
    check_count("runs", runs)
    check_seed(seed)
    coming = _arrivals(arrivals)
    trials = {name: _trial(name, given, coming, timeout_seconds) for name, given in _named(policies)}
    made = Herd(trials, service, clients)
    with Bar("herd", runs, shown=progress) as bar:
        try:
            for run in range(runs):
                _run(trials, service, clients, chance.combine(seed, run))
                bar.done(run + 1)
        except KeyboardInterrupt:
            if not made.runs:
                raise
    return made


def _run(trials: Mapping[str, Trial], service: Service, clients: int, seed: int) -> None:
    """One run of each policy; they are counted together, so that an interrupt leaves them even."""
    loads = {name: Load() for name in trials}
    ended = {
        name: stampede(trial.policy, trial.arrivals, service, clients, seed, loads[name])
        for name, trial in trials.items()
    }
    with uninterrupted():
        for name, trial in trials.items():
            trial.load.merge(loads[name])
            trial.add(ended[name])


def _trial(name: str, given: Any, arrivals: Arrivals, timeout_seconds: Any) -> Trial:
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Arrivals):
        given, arrivals = given
    policy = BY_NAME[given] if isinstance(given, str) and given in BY_NAME else read_policy(given or [])
    limited = policy if timeout_seconds is None else with_timeout(policy, timeout_seconds)
    return Trial(name, limited, arrivals)


def _named(policies: Any) -> list[tuple[str, Any]]:
    if not isinstance(policies, dict) or not policies:
        raise UsageError("Give policies by name, for example {'none': [], 'three': [{'ErrorEquals': ...}]}.")
    return [(str(name), given) for name, given in policies.items()]


def _arrivals(given: Any) -> Arrivals:
    if given == "at once":
        return AT_ONCE
    if isinstance(given, Arrivals):
        return given
    raise UsageError(
        f'arrivals={given!r}: clients come "at once", at_random(per_second) or from_map(max_concurrency).'
    )


def _warnings(trial: Trial, service: Service) -> list[str]:
    """Errors of the service that a policy does not know."""
    errors = [service.error] if service.limited else []
    if trial.policy.timeout is not None and service.may_take_longer(trial.policy.timeout / SECOND):
        errors.append(TIMEOUT)
    return [
        f"{trial.name!r} has no retrier for {error}: a client that gets it gives up at once."
        for error in errors
        if trial.policy.retry and rules.first_match(trial.policy.retry, error) is None
    ]
