"""Ways through a definition that may be wrong anywhere: they pass over what is not what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sfnbook.definition import JSONPATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json


class Block(NamedTuple):
    """A machine, branch or item processor that has states."""

    source: dict[str, Json]
    pointer: str
    outer: tuple[str, ...] = ()
    """The blocks around it whose variables it sees, by pointer, outermost first."""

    def states(self) -> Iterator[tuple[str, dict[str, Json], str]]:
        """Name, source and pointer of each state."""
        for name, state in self.source["States"].items():
            if isinstance(state, dict):
                yield name, state, f"{self.pointer}/States/{name}"


def blocks(source: Json, pointer: str = "", outer: tuple[str, ...] = ()) -> Iterator[Block]:
    """Every block of a definition, outer ones first."""
    if not isinstance(source, dict) or not isinstance(source.get("States"), dict):
        return
    block = Block(source, pointer, outer)
    yield block
    for _, state, where in block.states():
        for inner, at, isolated in _inner(state, where):
            yield from blocks(inner, at, () if isolated else (*outer, pointer))


def _inner(state: dict[str, Json], pointer: str) -> Iterator[tuple[Json, str, bool]]:
    """The blocks inside a state; those of a Distributed Map see no variables from outside."""
    branches = state.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        yield branch, f"{pointer}/Branches[{index}]", False
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield state[field], f"{pointer}/{field}", is_distributed(state)


def is_distributed(state: dict[str, Json]) -> bool:
    """Is it a Map whose iterations are executions of their own?"""
    processor: Any = state.get("ItemProcessor", state.get("Iterator"))
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    return isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"


def entries(state: dict[str, Json], field: str) -> Iterator[tuple[dict[str, Json], str]]:
    """The objects of an array field (Choices, Catch, Retry), with the end of their pointers."""
    value = state.get(field)
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, dict):
            yield entry, f"/{field}[{index}]"


def is_jsonpath(state: dict[str, Json], machine: Json) -> bool:
    """Is JSONPath the language of the state?"""
    inherited = machine.get("QueryLanguage", JSONPATH) if isinstance(machine, dict) else JSONPATH
    return bool(state.get("QueryLanguage", inherited) == JSONPATH)
