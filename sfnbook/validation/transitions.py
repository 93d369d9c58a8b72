"""Rules about the graph: every target exists, every state is reached, an end exists, names are unique."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sfnbook.validation.problems import Problem, Problems
from sfnbook.validation.shapes import is_unfilled
from sfnbook.validation.walk import Block, blocks, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json

MISSING: str = "MISSING_TRANSITION_TARGET"


def targets(state: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """The names that a state can lead to, with the end of the pointer where each is written."""
    for field in ("Next", "Default"):
        if isinstance(state.get(field), str):
            yield state[field], f"/{field}"
    for field in ("Choices", "Catch"):
        for entry, end in entries(state, field):
            if isinstance(entry.get("Next"), str):
                yield entry["Next"], f"{end}/Next"


def transitions(machine: Json) -> Problems:
    """Every problem of the graph of a machine and of the graphs inside it."""
    for block in blocks(machine):
        yield from _dangling(block)
        if not block.pointer and not _ends(block):
            yield Problem("Workflow has no terminal state", None, "MISSING_END_STATE")
        else:
            yield from _unreachable(block)
    yield from _same_names(machine)
    yield from _same_labels(machine)


def _dangling(block: Block) -> Problems:
    if not block.source["States"]:
        return
    places = [(block.source.get("StartAt"), f"{block.pointer}/StartAt")]
    places += [(name, where + end) for _, state, where in block.states() for name, end in targets(state)]
    for name, where in places:
        if isinstance(name, str) and name and name not in block.source["States"] and not is_unfilled(name):
            yield Problem(f"Missing 'Next' target: {name}", where, MISSING)


def _ends(block: Block) -> bool:
    """Does some state of the top level end the execution?  One that is not read properly may."""
    states = block.source["States"]
    return not states or any(
        not isinstance(state, dict)
        or state.get("Type") in ("Succeed", "Fail")
        or bool(state.get("End"))
        or is_unfilled(state.get("Type"))
        for state in states.values()
    )


def _unreachable(block: Block) -> Problems:
    states = {name: {target for target, _ in targets(state)} for name, state, _ in block.states()}
    start = str(block.source.get("StartAt"))
    # Without a start all would be unreachable; behind a placeholder any state may stand.
    if start not in block.source["States"] or any(map(is_unfilled, set().union(*states.values()))):
        return
    reached, waiting = {start}, [start]
    while waiting:
        for target in states.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    for name in block.source["States"]:
        if name not in reached:
            yield Problem(f'State "{name}" is not reachable.', f"{block.pointer}/States/{name}", MISSING)


def _same_names(machine: Json) -> Problems:
    seen: set[str] = set()
    for block in blocks(machine):
        for name in block.source["States"]:
            if name in seen:
                yield Problem(
                    f"Duplicate State name: {name}", f"{block.pointer}/States/{name}", "DUPLICATE_STATE_NAME"
                )
            seen.add(name)


def _same_labels(machine: Json) -> Problems:
    seen: set[str] = set()
    for block in blocks(machine):
        for _, state, where in block.states():
            label = state.get("Label")
            if not isinstance(label, str) or is_unfilled(label):
                continue
            if label in seen:
                yield Problem(f"Duplicate Label name: {label}", f"{where}/Label", "DUPLICATE_LABEL_NAME")
            seen.add(label)
