"""One iteration, branch or child execution alone: a debugger on its block of states, with its input.

What was recorded of it answers first: its own history, or what it did in the run that it is taken from.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook import outside
from sfnbook.debugging.looking import machines_of
from sfnbook.definition import Definition, Map, Parallel
from sfnbook.errors import UnansweredTask, UsageError
from sfnbook.machine import load
from sfnbook.recordings.places import Places
from sfnbook.scene import around
from sfnbook.sessions.trying import recorded_of
from sfnbook.tasks.answers import compile_answers
from sfnbook.tasks.recorded import Recorded
from sfnbook.values import Json, unescape_pointer, without_indices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.debugging.branches import Recording
    from sfnbook.execution import Execution
    from sfnbook.frames import Frame
    from sfnbook.machine import StateMachine
    from sfnbook.recordings.children import Child, Children

INDEXED: Final = re.compile(r"(?P<path>.*)\[(?P<index>\d+)\]")


class Isolated(NamedTuple):
    """The block as a machine, and its execution as far as it is recorded."""

    machine: StateMachine
    execution: Execution


def isolated(run: Recording, path: str, children: Children | None) -> Isolated:
    """What stands at a path such as "Orders[3]", alone."""
    container, index = _container(path)
    outside.known_state(run, container)
    child = children.get(index) if children is not None and children.path == container else None
    born = _born(run, path) if child is None else None
    key, block = _block(run, container, index, born)
    if child is None and born is None:
        raise UsageError(_missing(run, path, container, children))
    machine = load(_source(run, key, block), name=f"{run.top.scope.execution.machine_name}.{path}")
    recorded = _recorded(run, machine, child, born)
    execution = _started(run, machine, child, born, _in_tasks(container, key))
    if recorded is not None:
        execution = execution.answered_by_recording(recorded)
    with_answers = execution.setup
    # Nobody is called for what is not recorded: that is for whoever goes on from here.
    execution.setup = replace(with_answers, answers=compile_answers(None, []))
    with contextlib.suppress(UnansweredTask):
        execution.run()
    execution.setup = with_answers
    return Isolated(machine, execution)


def _container(path: str) -> tuple[str, int]:
    """The path of the Map or Parallel, and the index at its end."""
    found = INDEXED.fullmatch(str(path))
    if found is None:
        raise UsageError(f"isolate({path!r}): name an iteration or a branch, for example 'Orders[3]'.")
    return found["path"], int(found["index"])


def _block(run: Recording, container: str, index: int, born: Frame | None) -> tuple[str, Definition]:
    """The block of an iteration or branch, and the key of its machine: the one that ran, if one did."""
    ran = None if born is None else born.scope.execution.machine
    programs = run.setup.programs
    places = outside.leads_to(container, outside.paths_of(programs))
    states = [
        (key, programs[key].states[pointer].definition) for key, pointer in places if ran in {None, key}
    ]
    for key, state in states:
        if isinstance(state, Map):
            return key, state.item_processor
        if isinstance(state, Parallel) and index < len(state.branches):
            return key, state.branches[index]
        if isinstance(state, Parallel):
            raise UsageError(f"{container!r} has {len(state.branches)} branches, from 0 on; not {index}.")
    raise UsageError(f"{container!r} is no Map or Parallel of this machine: it has nothing to isolate.")


def _in_tasks(container: str, key: str) -> str:
    """A path as `tasks` has it: without indices, a nested execution's below its machine."""
    bare = without_indices(container)
    return bare if key == "main" else f"{key}/{bare.rpartition('/')[2]}"


def _source(run: Recording, key: str, block: Definition) -> dict[str, Json]:
    """The block's own JSON, with the query language of the machine around it."""
    source = run.setup.sources[key].data
    found = source
    for step in block.pointer.split("/")[1:]:
        found = found[int(step)] if isinstance(found, list) else found[unescape_pointer(step)]
    own = {name: value for name, value in found.items() if name != "ProcessorConfig"}
    return {**({"QueryLanguage": source["QueryLanguage"]} if "QueryLanguage" in source else {}), **own}


def _born(run: Recording, path: str) -> Frame | None:
    """The iteration's frame as it was last started, before the cursor if it was."""
    prefix = f"{path}."
    found = None
    for number, change in enumerate(run.changes):
        if found is not None and number >= run.cursor:
            break
        for before, after in ((change.before, change.after), *change.others):
            if (
                before is None
                and after is not None
                and after.scope.prefix == prefix
                and after.due is not None
            ):
                found = after
    return found


def _missing(run: Recording, path: str, container: str, children: Children | None) -> str:
    started = sorted(
        {
            after.scope.prefix.rstrip(".")
            for change in run.changes
            for before, after in ((change.before, change.after), *change.others)
            if before is None and after is not None and after.scope.prefix.startswith(f"{container}[")
        },
        key=lambda one: (len(one), one),
    )
    known = [f"{container}[{child.index}]" for child in children or ()] or started
    there = f" There are {known[0]} to {known[-1]}." if known else f" {container} has not started any."
    return f"Nothing is known of {path!r}.{there}"


def _recorded(
    run: Recording, machine: StateMachine, child: Child | None, born: Frame | None
) -> Recorded | None:
    """The child's own history, or its part of the history of the run."""
    if child is not None:
        history = child.recording
        sources = (machine.source, machine.source)
        return None if history is None else Recorded(Places(history, machine.definition), sources=sources)
    whole = run.setup.recorded or recorded_of(run)
    if whole is None or born is None or born.scope.execution is not run.top.scope.execution:
        return None
    return whole.within(born.scope.prefix, around(born), machine.definition, machine.source)


def _started(
    run: Recording, machine: StateMachine, child: Child | None, born: Frame | None, container: str
) -> Execution:
    setup = run.setup
    outer = run.top.scope.execution if born is None else born.scope.execution
    given = child.input if child is not None else (None if born is None else born.data)
    started = child.recording.time if child is not None and child.recording is not None else None
    if started is None:
        started = outer.started if born is None or born.due is None else born.due
    others = {key: one for key, one in machines_of(setup).items() if key != "main"}
    prepared = machine.prepare(
        tasks=_tasks(setup.answers.given(), {"main": machine, **others}, container),
        machines=others,
        files=setup.files,
        activities=setup.activities,
        limits=setup.limits,
    )
    execution = prepared.start(
        given, start_time=started / 1_000_000, seed=setup.seed, role_arn=outer.role_arn,
        name=outer.name if child is None else child.name,
        arn=outer.arn if child is None else child.arn,
    )  # fmt: skip
    if born is None or not born.variables:
        return execution
    birth = execution.setup.birth
    assert birth.after is not None  # noqa: S101 - a birth has a frame
    # An iteration reads the variables around it.
    after = birth.after._replace(variables=born.variables)
    return type(execution)(replace(execution.setup, birth=birth._replace(after=after)))


def _tasks(given: Mapping[str, Any], machines: Mapping[str, StateMachine], container: str) -> dict[str, Any]:
    """The answers under the names that their Tasks have here."""
    refs = [ref for key, machine in machines.items() for _, ref in machine.task_refs(key)]
    known = {name for ref in refs for name in ref.names()}
    renamed = {key.removeprefix(f"{container}."): answer for key, answer in given.items()}
    return {key: answer for key, answer in renamed.items() if key in known}
