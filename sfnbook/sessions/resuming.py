"""The session from before on a debugger that was made anew: what was recorded is run again on its machine.

A cell that is run again makes a new debugger, often of a definition or of task functions that were
changed meanwhile.  What still holds of the earlier session goes on from there; the first transition
that differs is named.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sfnbook import outside
from sfnbook.debugging.branches import Branch, Branches, Recording
from sfnbook.errors import UsageError
from sfnbook.sessions.log import log_of
from sfnbook.sessions.rerun import Rerun, digest
from sfnbook.sessions.session import cut, sharing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.debugging.breakpoints import Breakpoint
    from sfnbook.sessions.session import Session
    from sfnbook.setting import Setup


def resumed(session: Session, setup: Setup) -> Session:
    """An earlier session run again on the setup of a new execution; nobody is called."""
    earlier = list(session.branches)
    first = earlier[0].execution.setup
    setups = {id(first): setup}
    made: list[Branch] = []
    notes: list[str] = []
    for number, branch in enumerate(earlier):
        old = branch.execution
        # A branch with a definition of its own keeps it, and asks those who answer now.
        own = setups.setdefault(id(old.setup), replace(old.setup, answers=setup.answers))
        parent, count = sharing(branch, earlier[:number])
        rerun = Rerun(own) if parent is None else Rerun.of(made[parent].execution)
        execution, differs = _again(rerun, count, old)
        made.append(branch.with_execution(execution))
        if differs is not None:
            notes.append(
                f"Branch {branch.name!r} goes on as before up to transition {differs}, which differs now; "
                f"before it was {old.shown(differs)!r}."
            )
    kept = list(_kept(session.breakpoints, made[0].execution, notes))
    branches = Branches.of(made, session.branches.current.name)
    return session._replace(branches=branches, breakpoints=tuple(kept), notes=tuple(notes))


def _again(rerun: Rerun, count: int, old: Recording) -> tuple[Recording, int | None]:
    cut(rerun, count)
    differs: int | None = rerun.length
    if rerun.length == count:
        differs = rerun.again(
            log_of(old, count),
            old.length,
            lambda number, change: digest(change) == digest(old.changes[number]),
        )
    if differs is not None:
        cut(rerun, differs)
    execution = Recording.of(rerun)
    execution.seek(min(old.cursor, execution.length))
    return execution, differs


def _kept(
    breakpoints: tuple[Breakpoint, ...], recording: Recording, notes: list[str]
) -> Iterator[Breakpoint]:
    for one in breakpoints:
        try:
            if one.state is not None:
                outside.known_state(recording, one.state)
        except UsageError as problem:
            notes.append(f"The breakpoint {str(one)!r} is gone: {problem}")
        else:
            yield one
