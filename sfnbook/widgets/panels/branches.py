"""The tree of what was tried: go to a branch, name it, forget it, compare it with where you are."""

from __future__ import annotations

from html import escape
from itertools import permutations
from typing import TYPE_CHECKING

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.comparing import compare
from sfnbook.errors import UsageError
from sfnbook.prices import standard_price
from sfnbook.values import state_name
from sfnbook.widgets.forms import Form
from sfnbook.widgets.markup import REMOVE, Act, markup
from sfnbook.widgets.words import clipped, heading, message_html

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sfnbook.comparing import Comparison, Parting
    from sfnbook.debugging.branches import Branch
    from sfnbook.widgets.panel import Desk, Moment


class Branches:
    """The branches as a tree, and a comparison of two."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.name = w.Text(
            description="Name", placeholder="of the current branch", layout=w.Layout(width="auto")
        )
        self.form = Form("", [self.name], "Rename", "pencil", self._rename)
        self.tree, self.compared = markup(desk.plain, self._do), markup(desk.plain, self._do)
        self.widget = w.VBox([self.tree, self.form.widget, self.compared])
        self._with: str | None = None
        self._known: tuple[object, ...] = ()

    # --- what people do -----------------------------------------------------------------------------
    def _rename(self) -> None:
        branches = self.desk.debugger.branches
        old, name = branches.current.name, self.name.value.strip()
        self.desk.change(branches.rename, branches.current, name)
        self._with = name if self._with == old else self._with
        self.name.value = ""

    def _do(self, act: str) -> None:
        what, _, name = act.partition(":")
        debugger = self.desk.debugger
        if what == "switch":
            self.desk.visit(debugger.switch, name)
        elif what == "delete":
            self.desk.visit(debugger.branches.delete, name)
        elif what == "go":
            self.desk.visit(debugger.goto, int(name))
        elif what == "select":
            self.desk.select(name)
        elif what == "compare":
            self._with = None if self._with == name else name
            self.desk.visit(lambda: None)

    # --- showing ------------------------------------------------------------------------------------
    def show(self, moment: Moment) -> None:
        """Show the tree, and what parts the current branch from the one that is compared with it."""
        branches = moment.debugger.branches
        acts, rows = [], []
        for branch, depth in _tree(list(branches), None, 0):
            offered = list(self._offered(branch, branches.current, branches[0]))
            acts += offered
            rows.append(self._row(branch, depth, branch is branches.current, offered))
        note = f"{len(branches)} branches" if len(branches) > 1 else "an edit in the past makes another one"
        self.tree.show(heading("Branches", note) + f'<ul class="sfn-list">{"".join(rows)}</ul>', acts)
        self._compare(moment)

    def _offered(self, branch: Branch, current: Branch, first: Branch) -> Iterator[Act]:
        name = branch.name
        yield Act(f"switch:{name}", f"Go to {name}", escape(name))
        if branch is not current:
            yield Act(
                f"compare:{name}",
                f"Compare {name} with {current.name}",
                "Compare",
                pressed=name == self._with,
            )
            if branch is not first:
                yield Act(f"delete:{name}", f"Delete {name}", REMOVE)

    def _row(self, branch: Branch, depth: int, current: bool, acts: list[Act]) -> str:
        execution = branch.execution
        origin = f"from transition {branch.fork}: {clipped(branch.why)}" if branch.parent else ""
        price = standard_price(execution.billed, self.desk.debugger.prices)
        stands = f"at {execution.cursor:,} of {branch.length:,} transitions"
        spent = f"{execution.billed:,} billed, ${price:.6f}"
        figures = f"{execution.status} {stands} · {spent} · {duration(execution.time)}"
        buttons = " ".join(act.html() for act in acts[1:])
        return (
            f'<li style="--depth:{depth}"{" aria-current=true" if current else ""}>'
            f"<div><b>{acts[0].html('sfn-link')}</b> <small>{escape(origin)}</small><br>"
            f"<small>{escape(figures)}</small></div> {buttons}</li>"
        )

    def _compare(self, moment: Moment) -> None:
        branches = moment.debugger.branches
        if self._with not in branches.names or self._with == branches.current.name:
            self._with = None
            self._known = ()
            self.compared.show("")
            self.desk.mark({})
            return
        other = branches[str(self._with)]
        known = (branches.current, branches.current.length, other, other.length, other.name)
        if known == self._known:
            return
        self._known = known
        try:
            found = compare(branches.current, other)
        except UsageError as problem:
            self.compared.show(message_html(str(problem)))
            self.desk.mark({})
            return
        acts = [] if found.path is None else list(_go(found.path))
        pointers = {state.name: pointer for pointer, state in moment.states.items()}
        alone = [_alone(one, two, pointers) for one, two in permutations((branches.current, other))]
        html = comparison_html(found, acts) + "".join(
            f"<p><b>Only in {escape(one.name)}</b> {' '.join(act.html('sfn-link') for act in offered)}</p>"
            for one, offered in zip((branches.current, other), alone, strict=True)
            if offered
        )
        self.compared.show(f'<div class="sfn-compared">{html}</div>', [*acts, *alone[0], *alone[1]])
        self.desk.mark(_beside(found, alone, pointers))


def _go(parts: Parting) -> Iterator[Act]:
    """Go to where two branches part: the last transition in common, and the next one here."""
    for one, words in (
        (parts.common, "The last transition in common"),
        (parts.a, "The first one that differs"),
    ):
        if one is not None:
            yield Act(f"go:{one.number}", f"{words}: {one.kind} {one.path} (go there)", escape(words))


def comparison_html(found: Comparison, acts: list[Act]) -> str:
    """What parts two branches: the first difference in path and in data, then the figures of both."""
    names = f"{found.names[0]} | {found.names[1]}"
    lines = [("Path", str(found.path or "the same")), ("Data", str(found.data or "the same"))]
    told = "".join(f"<p><b>{name}</b> {escape(clipped(words))}</p>" for name, words in lines)
    more = len(found.differences) - 1
    table = found.table().to_html() if more > 0 else ""
    summary = "one more difference" if more == 1 else f"{more:,} more differences"
    rest = f"<details data-key=rest><summary>{summary}</summary>{table}</details>" if table else ""
    links = " ".join(act.html() for act in acts)
    return f"{heading('Compared', names)}{told}<p>{links}</p>{found.outcome.to_html()}{rest}"


def _alone(one: Branch, other: Branch, pointers: Mapping[str, str]) -> list[Act]:
    """The states that one branch entered and the other did not: a click looks at them in the graph."""
    return [
        Act(f"select:{pointers[name]}", f"{name} (look at it)", escape(name))
        for name in sorted(_entered(one) - _entered(other))
        if name in pointers
    ]


def _beside(found: Comparison, alone: list[list[Act]], pointers: Mapping[str, str]) -> dict[str, str]:
    """What the graph says beside the states in which two branches differ, by pointer."""
    said = {
        act.name.partition(":")[2]: words
        for acts, words in zip(alone, ("only here", "only there"), strict=True)
        for act in acts
    }
    first = None if found.path is None else found.path.common
    if first is not None and first.state is not None and first.state in pointers:
        said[pointers[first.state]] = "parts here"
    return said


def _entered(branch: Branch) -> set[str]:
    entered = (change.frame for change in branch.execution.changes if change.kind == "StateEntered")
    return {state_name(frame.state) for frame in entered}


def _tree(branches: list[Branch], parent: str | None, depth: int) -> Iterator[tuple[Branch, int]]:
    """The branches in the order of their tree, each with its depth."""
    for branch in branches:
        if branch.parent == parent:
            yield branch, depth
            yield from _tree(branches, branch.name, depth + 1)
