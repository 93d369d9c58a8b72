"""The retry lab in a notebook: sliders and charts bound to a `RetryLab`.

A move is answered at once with a few hundred runs; when the sliders rest, an asyncio task makes the
others in small slices, and the next move ends it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import ipywidgets as w

from sfnbook.drawing.charts import to_svg
from sfnbook.errors import ALL, TASK_FAILED, DefinitionError, SfnbookError
from sfnbook.retrylab.conditions import ARRIVING, CONDITIONS, RETRIER, counts_at_once
from sfnbook.retrylab.lab import USUAL
from sfnbook.retrylab.stampede import AT_ONCE, Arrivals, at_random, from_map
from sfnbook.widgets.cells import forget, register
from sfnbook.widgets.debugger import descendants
from sfnbook.widgets.fields import Copying, Segments, Slider
from sfnbook.widgets.forms import update
from sfnbook.widgets.frame import Frame
from sfnbook.widgets.graph import with_picture
from sfnbook.widgets.labwords import advice_html, figures_html, progress_html
from sfnbook.widgets.running import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sfnbook.drawing.charts import Chart
    from sfnbook.retrylab.lab import RetryLab

FRAME: Final = 0.04
"""Seconds of work before the picture follows a move."""

REST: Final = 0.3
"""Seconds without a move before the other runs are made."""

SLICE: Final = 0.02
"""Seconds of work in one go, so that the next move is heard soon."""

BETWEEN: Final = 24
"""Slices between two pictures while the other runs are made."""

PAIR: Final = 2
"""Policies whose figures fit beside a chart."""

CHART: Final = (330, 205)
"""Width and height of a chart, in pixels."""

COMING: Final[dict[str, Callable[[Any], Arrivals]]] = {
    "at once": lambda _: AT_ONCE,
    "random": at_random,
    "map": from_map,
}
WILDCARDS: Final = frozenset({ALL, TASK_FAILED})
HOW: Final = {"at once": "at once", "at random": "random", "from a Map": "map"}


class RetryLabView(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """A `RetryLab` with a slider for everything that can be set.

    ``scale`` makes everything larger, for a projector.

    >>> from sfnbook.retrylab.lab import RetryLab
    >>> lab = RetryLab()
    >>> view = RetryLabView(lab)
    >>> view.sliders["MaxAttempts"].value = 2
    >>> lab.policies["B"][0]["MaxAttempts"]
    2
    >>> view.sliders["BackoffRate"].value = 0.5
    >>> view.sliders["BackoffRate"].problem, lab.policies["B"][0]["BackoffRate"]
    ('Minimum value is 1.0', 2.0)
    >>> view.close()
    """

    _unobserve: Callable[[], None] | None = None

    def __init__(self, lab: RetryLab, *, scale: float = 1.0) -> None:
        self.lab = lab
        self._refused: dict[str, tuple[Any, str]] = {}  # by field: what was asked for, and what is wrong
        self._slices = 0
        self._later: asyncio.TimerHandle | None = None
        self._runner = Runner(self._work, self._worked, SLICE)
        self._build()
        super().__init__([Frame([], lambda _: None, scale), self.body])
        self.add_class("sfn-debugger").add_class("sfn-lab")
        register(self)
        self._unobserve = lab.observe(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self.sliders = {
            name: Slider(field, lambda value, name=name: self.move(name, value))  # type: ignore[misc]
            for name, field in (RETRIER | CONDITIONS | ARRIVING).items()
        }
        self.policies = Segments("Policy", self._choose)
        self.retriers = Segments("Retrier", self._pick)
        self.jitter = Segments("JitterStrategy", lambda value: self.move("JitterStrategy", value))
        self.arrivals = Segments("Clients come", self._come)
        self.error = w.Combobox(
            description="Error", continuous_update=False, ensure_option=False, layout=w.Layout(width="auto")
        )
        self.error.add_class("sfn-error")
        self.error.observe(lambda change: self._name_error(change["new"]), "value")
        self.copying = Copying("Retry field of the policy")
        self.advice, self.figures, self.progress = (w.HTML() for _ in range(3))
        self.charts = [w.HTML() for _ in range(2 * len(self.lab.policies) + 1)]
        retrier = [self.sliders[name] for name in RETRIER]
        many = ("clients", "capacity")
        both = [name for name in CONDITIONS if name not in many]
        arriving = [self.arrivals, *(self.sliders[how] for how in ARRIVING)]
        rail = [
            self.policies, self.retriers, *retrier, self.jitter,
            _title("The service"), self.error, *(self.sliders[name] for name in both),
            _title("Many clients"), *(self.sliders[name] for name in many), *arriving,
            self.advice, self.copying,
        ]  # fmt: skip
        self.rail, self.pictures = w.VBox(rail), w.VBox([*self.charts, self.figures, self.progress])
        self.rail.add_class("sfn-rail")
        for late in (self.advice, self.copying):
            late.add_class("sfn-late")  # in a narrow cell they come after the charts
        self.pictures.add_class("sfn-pictures")
        for chart in self.charts:
            chart.add_class("sfn-chart")
        alone = (self.charts[-1], self.figures) if len(self.lab.policies) > PAIR else ()
        for wide in (*alone, self.progress):
            wide.add_class("sfn-wide")
        self.body = w.HBox([self.rail, self.pictures])
        self.body.add_class("sfn-lab-body")

    # --- what people do -----------------------------------------------------------------------------
    def move(self, field: str, value: Any) -> None:
        """Set a field of the chosen retrier, or a condition; what is wrong is told beside it.

        "at once", "random" and "map" are how clients come, with the number that belongs to it.
        """
        self._refused.pop(field, None)
        try:
            self.lab.set(**({"arrivals": COMING[field](value)} if field in COMING else {field: value}))
        except SfnbookError as problem:
            self._refused[field] = (value, _said(problem))
            self._show_controls()
        else:
            self._again()

    def _again(self) -> None:
        """What was refused may be right now that something else has changed."""
        for field, (value, _) in list(self._refused.items()):
            self._refused.pop(field)
            self.move(field, value)

    def _choose(self, policy: str) -> None:
        self._refused.clear()
        self.lab.choose(policy)

    def _pick(self, retrier: str) -> None:
        self._refused.clear()
        self.lab.choose(retrier=int(retrier.partition(":")[0]))

    def _come(self, how: str) -> None:
        self.move(HOW[how], 10)

    def _name_error(self, name: str) -> None:
        if name != self.lab.conditions.error:
            self.move("error", name or self.lab.conditions.error)

    # --- showing ------------------------------------------------------------------------------------
    def refresh(self) -> None:
        """Show the lab as it is set, with the runs that a moment allows; the others come when it rests."""
        self._stop()
        more = self.lab.advance(FRAME, until_shown=True)
        self._show_controls()
        self._show_results()
        if more:
            self._rest()

    def _show_controls(self) -> None:
        lab, policy = self.lab, self.lab.policies[self.lab.policy]
        how, number = lab.conditions.arrivals
        for name, slider in self.sliders.items():
            known = number if name in ARRIVING else lab.value(name)
            value, problem = self._refused.get(name, (known, ""))
            slider.show(_plain(value), problem, shown=self._applies(name))
        self.policies.show(list(lab.policies), lab.policy, shown=len(lab.policies) > 1)
        retriers = [f"{number}: {', '.join(each['ErrorEquals'])}" for number, each in enumerate(policy, 1)]
        self.retriers.show(retriers, retriers[lab.retrier - 1] if retriers else "", shown=len(retriers) > 1)
        self.jitter.show(["NONE", "FULL"], lab.value("JitterStrategy"))
        update(self.error, options=_errors(lab), value=lab.conditions.error)
        self.arrivals.show(list(HOW), next(said for said, name in HOW.items() if name == how))
        update(
            self.sliders["capacity"], unit="at once" if counts_at_once(lab.conditions.service) else "calls/s"
        )

    def _applies(self, name: str) -> bool:
        conditions = self.lab.conditions
        if name in ARRIVING:
            return name == conditions.arrivals.how
        return not (conditions.service.locking and name in {"capacity", "outage_seconds"})

    def _show_results(self) -> None:
        lab = self.lab
        *pairs, last = lab.charts()
        wide = CHART[0] * (2 if len(lab.policies) > PAIR else 1)
        for widget, chart in zip(self.charts, _in_pairs(pairs), strict=False):
            update(widget, value=to_svg(chart, width=CHART[0], height=CHART[1]))
        update(self.charts[-1], value=to_svg(last, width=wide, height=CHART[1]))
        update(self.figures, value=figures_html(lab))
        update(self.advice, value=advice_html(lab))
        update(self.copying, text=lab.asl)
        update(self.progress, value=progress_html(lab))

    # --- the other runs -----------------------------------------------------------------------------
    def _rest(self) -> None:
        """Begin with the other runs when nothing moves for a while."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # a script shows what there is; `table` and `plot` make the others
        self._later = loop.call_later(REST, self._runner.start)

    def _work(self) -> bool:
        return self.lab.advance(0)

    def _worked(self, _problem: BaseException | None) -> None:
        self._slices += 1
        if self._slices % BETWEEN == 0 or self.lab.is_done:
            self._show_results()

    @property
    def is_working(self) -> bool:
        """Are the other runs being made?"""
        return self._runner.running

    def _stop(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._runner.stop()

    def close(self) -> None:
        """Stop, and take the view and every part of it away."""
        if self._unobserve is not None:
            self._unobserve()
            self._unobserve = None
            self._stop()
            forget(self)
            for widget in descendants(self):
                widget.close()
        super().close()

    def svg(self) -> str:
        """The charts as they stand, as SVG text."""
        return self.lab.to_svg()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**options), self.svg())


def _in_pairs(charts: Sequence[Chart]) -> list[Chart]:
    """Two policies stand side by side; of any other number each has its schedule and its load in a row."""
    policies = len(charts) // 2
    if policies == PAIR:
        return list(charts)
    return [chart for pair in zip(charts[:policies], charts[policies:], strict=True) for chart in pair]


def _title(words: str) -> Any:
    made = w.HTML(f"<h4>{words}</h4>")
    made.add_class("sfn-lab-title")
    return made


def _errors(lab: RetryLab) -> tuple[str, ...]:
    """The errors that the policies name, and the usual ones."""
    named = [name for policy in lab.policies.values() for each in policy for name in each["ErrorEquals"]]
    return tuple(dict.fromkeys([*(name for name in named if name not in WILDCARDS), *USUAL]))


def _plain(value: Any) -> Any:
    """A value as a browser can have it: a distribution is shown as it is written."""
    return value if isinstance(value, int | float | str | None) else repr(value)


def _said(problem: SfnbookError) -> str:
    """What is wrong, for a place beside the field that it is about."""
    if isinstance(problem, DefinitionError):
        return "; ".join(dict.fromkeys(each.message for each in problem.diagnostics))
    return str(problem)
