"""Two executions side by side: where they part in path, where in data, and what came of it.

Transitions are matched by place (path, visit and attempt, and those of everything around them), never
by their position, so the interleaving of branches and iterations makes no difference.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook.debugger import Debugger
from sfnbook.debugging.branches import Branch
from sfnbook.errors import UsageError, kind_of
from sfnbook.execution import Execution
from sfnbook.frames import WORLD, task_in
from sfnbook.notebook import displayed
from sfnbook.prices import PRICES, express_price, express_units, standard_price
from sfnbook.scene import around
from sfnbook.tables import Table
from sfnbook.values import MISSING, Json, differences, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.frames import Change
    from sfnbook.transition import Transition

Place: TypeAlias = tuple[Any, ...]

BY_PEOPLE: Final = frozenset({"Edited", "Injected", "Answered", "Heartbeat"})
FAILING: Final = frozenset({"TaskFailed", "TaskTimedOut", "FanOutFailed", "Caught", "ExecutionFailed"})
_SHOWN: Final = 10
_LONGEST: Final = 120


class Parting(NamedTuple):
    """Where two executions part: the last transition in common and the next of each; None at an end."""

    common: Transition | None
    a: Transition | None
    b: Transition | None

    def __str__(self) -> str:
        after = "from the start" if self.common is None else f"after {_place_of(self.common)}"
        return f"{after}: {_place_of(self.a)} | {_place_of(self.b)}"


class DataDifference(NamedTuple):
    """A payload that differs at a transition that both have: a JSON pointer and both values."""

    transition: Transition
    what: str
    pointer: str
    a: Json
    b: Json

    def __str__(self) -> str:
        return f"{_place_of(self.transition)}, {self.what}{self.pointer}: {_short(self.a)} | {_short(self.b)}"


@dataclass(frozen=True, repr=False)
class Comparison:
    """What `compare` found; it displays itself.

    ``path`` is where the two part, ``data`` the first payload that differs before or after that,
    ``differences`` all of them, ``outcome`` a row for each figure of both.  ``same`` says whether
    there is no difference at all.
    """

    names: tuple[str, str]
    path: Parting | None
    differences: tuple[DataDifference, ...]
    outcome: Table

    @property
    def data(self) -> DataDifference | None:
        """The first difference in data."""
        return self.differences[0] if self.differences else None

    @property
    def same(self) -> bool:
        """Did both go the same way with the same data?"""
        return self.path is None and not self.differences

    def table(self) -> Table:
        """The differences in data, a row each."""
        return Table(
            {
                "transition": _place_of(one.transition),
                "payload": one.what + one.pointer,
                self.names[0]: _short(one.a),
                self.names[1]: _short(one.b),
            }
            for one in self.differences
        )

    def __repr__(self) -> str:
        lines = [f"{self.names[0]} | {self.names[1]}", f"path  {self.path or 'the same'}"]
        lines += [f"data  {self.data or 'the same'}"]
        lines += [f"      {one}" for one in self.differences[1:_SHOWN]]
        more = len(self.differences) - _SHOWN
        lines += [f"      and {more} more" for _ in range(more > 0)]
        return "\n".join([*lines, "", repr(self.outcome)])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        first = self.data
        rows = (("path", self.path or "the same"), ("data", first or "the same"))
        head = "".join(f"<p><b>{name}</b> {escape(str(value))}</p>" for name, value in rows)
        html = f"{head}<p><b>outcome</b></p>{self.outcome.to_html()}"
        if self.differences:
            html += f"<p><b>differences in data</b></p>{self.table().to_html()}"
        return displayed(repr(self), html)


def compare(a: Any, b: Any) -> Comparison:
    """Compare two executions, branches or debuggers (their current branches), recorded ends included.

    The first difference in path and in data, then the rest: outcomes, times, transitions, prices in
    US dollars.  They may be of different definitions.  Raises UsageError for anything else.

    >>> import sfnbook
    >>> rule = {"Variable": "$.n", "NumericGreaterThan": 1, "Next": "Many"}
    >>> machine = sfnbook.load({"StartAt": "How many?", "States": {
    ...     "How many?": {"Type": "Choice", "Choices": [rule], "Default": "One"},
    ...     "One": {"Type": "Succeed"}, "Many": {"Type": "Succeed"}}})
    >>> print(compare(machine.start({"n": 1}).run(), machine.start({"n": 2}).run()).path)
    after How many? (StateExited): One (StateEntered) | Many (StateEntered)
    """
    one, other = _execution(a), _execution(b)
    names = _names(a, b)
    left, right = _way(one), _way(other)
    found = tuple(
        difference
        for place, step in left.items()
        if place in right
        for difference in _differences(step, right[place])
    )
    return Comparison(names, _parting(left, right), found, _outcome(names, one, other))


def _execution(given: Any) -> Execution:
    if isinstance(given, Debugger | Branch):
        given = given.execution
    if not isinstance(given, Execution):
        raise UsageError(
            f"compare takes executions, branches and debuggers, not {kind_of(given)}. "
            "A recorded history becomes one with sfnbook.replay(machine, history)."
        )
    if given.cursor > len(given.changes):
        raise UsageError("This execution keeps no history (keep_history=False), so it cannot be compared.")
    whole = given.fork()
    while whole.cursor < len(whole.changes):
        whole.proceed()
    return whole


def _names(a: Any, b: Any) -> tuple[str, str]:
    names = _name(a), _name(b)
    return names if names[0] != names[1] else ("a", "b")


def _name(given: Any) -> str:
    if isinstance(given, Debugger):
        given = given.branches.current
    return given.name if isinstance(given, Branch | Execution) else ""


# --- path -----------------------------------------------------------------------------------------
class Step(NamedTuple):
    """A transition, and the change that it shows."""

    transition: Transition
    change: Change


Way: TypeAlias = dict[Place, Step]
"""What an execution went through, in order, by place."""


def _way(execution: Execution) -> Way:
    """The transitions by place; a place that comes again is numbered."""
    seen: Counter[Place] = Counter()
    found: Way = {}
    for number, change in enumerate(execution.changes):
        if change.kind in BY_PEOPLE or change.frame.id == WORLD:
            continue
        transition = execution.transition(change, number)
        place = (transition.id, around(change.frame))
        found[(*place, seen[place])] = Step(transition, change)
        seen[place] += 1
    return found


def _parting(left: Way, right: Way) -> Parting | None:
    """The first place of each that the other does not come to, and what they had in common before."""
    lone = [next((step.transition for place, step in way.items() if place not in other), None)
            for way, other in ((left, right), (right, left))]  # fmt: skip
    there = [(one.time, one.number, side) for side, one in enumerate(lone) if one is not None]
    if not there:
        return None
    _, number, side = min(there)
    way, other = (left, right) if side == 0 else (right, left)
    before = [
        step.transition for place, step in way.items() if step.transition.number < number and place in other
    ]
    parts = lone[side]
    flow = "" if parts is None else _flow(parts.path)
    same = [one for one in before if _flow(one.path) == flow]
    return Parting(next(iter((same or before)[-1:]), None), *lone)


def _flow(path: str) -> str:
    """The iteration, branch or nested execution that a path is in."""
    return path[: max(path.rfind("."), path.rfind("/")) + 1]


# --- data -----------------------------------------------------------------------------------------
def _differences(one: Step, other: Step) -> Iterator[DataDifference]:
    theirs = dict(_payloads(other))
    for what, value in _payloads(one):
        for found in differences(value, theirs.get(what, MISSING)):
            yield DataDifference(one.transition, what, found.pointer, found.left, found.right)


def _payloads(step: Step) -> Iterator[tuple[str, Json]]:
    """What goes in or comes out at a transition."""
    transition, kind = step.transition, step.transition.kind
    if kind in {"ExecutionStarted", "StateEntered"}:
        yield "input", transition.input
    elif kind == "TaskScheduled":
        task = task_in(step.change.frame.work)
        yield "arguments", None if task is None else task.arguments
    elif kind in {"TaskSucceeded", "StateExited", "ExecutionSucceeded", "Caught"}:
        yield "result" if kind == "TaskSucceeded" else "output", transition.output
    if kind in {"StateExited", "Caught"}:
        yield "variables", dict(transition.variables)
    if kind in FAILING:
        yield "error", transition.error
        yield "cause", transition.cause


# --- the rest -------------------------------------------------------------------------------------
FIGURES: Final = ("status", "error", "cause", "output", "time", "transitions", "billed_transitions")


def _outcome(names: tuple[str, str], one: Execution, other: Execution) -> Table:
    left, right = _figures(one), _figures(other)
    rows = [{"": name, names[0]: left[name], names[1]: right[name]} for name in left]
    return Table(row for row in rows if any(row[name] is not None for name in names))


def _figures(execution: Execution) -> dict[str, Any]:
    shown: dict[str, Any] = {name: getattr(execution, name) for name in FIGURES}
    shown["output"] = None if execution.output is None else _short(execution.output)
    shown["cause"] = None if execution.cause is None else _short(execution.cause)
    shown["transitions"] = execution.cursor
    shown["price as Standard, $"] = standard_price(execution.billed, PRICES)
    duration = execution.clock - execution.setup.birth.time
    shown["price as Express, $"] = express_price(1, express_units(duration), prices=PRICES)
    return shown


def _place_of(transition: Transition | None) -> str:
    if transition is None:
        return "the end"
    attempt = f", attempt {transition.attempt}" if transition.attempt > 1 else ""
    path = transition.path or "the execution"
    return f"{path} ({transition.kind}{attempt})"


def _short(value: Json) -> str:
    if value is MISSING:
        return "nothing"
    shown = value if isinstance(value, str) else text(value)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 3]}..."
