"""What differs between two definitions, state by state, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sfnbook.values import Json

BLOCKS: Final = ("ItemProcessor", "Iterator")
_SHOWN: Final = 4


def revisions(old: Json, new: Json) -> list[str]:
    """Each state that was changed, added or removed, by path, with the fields that differ.

    >>> was = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    >>> now = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}}
    >>> revisions(was, now)
    ['A: End, Next', 'B is new']
    """
    before, after = dict(_states(old, "")), dict(_states(new, ""))
    found = []
    for path in {**before, **after}:
        if path not in after:
            found.append(f"{path} is gone")
        elif path not in before:
            found.append(f"{path} is new")
        elif fields := _differing(before[path], after[path]):
            found.append(f"{path}: {', '.join(fields)}")
    top = _differing(_without(old, "States"), _without(new, "States"))
    return found + ([f"the machine: {', '.join(top)}"] if top else [])


def told(found: list[str]) -> str:
    """The differences as one line.

    >>> told(["A: Retry", "B is new"]), told([])
    ('A: Retry; B is new', 'nothing is different')
    """
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more or "nothing is different"


def _states(block: Json, prefix: str) -> Iterator[tuple[str, Json]]:
    """Every state without the blocks inside it, by its path without indices."""
    states = block.get("States") if isinstance(block, dict) else None
    for name, state in (states or {}).items():
        if not isinstance(state, dict):
            continue
        yield prefix + name, _without(state, *BLOCKS, "Branches")
        for inner in (*(state.get(field) for field in BLOCKS), *(state.get("Branches") or ())):
            yield from _states(inner, f"{prefix}{name}.")


def _without(value: Json, *fields: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in fields}


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [
        name
        for name in {**old, **new}
        if name != "Comment" and old.get(name, _NOTHING) != new.get(name, _NOTHING)
    ]


_NOTHING: Final = object()
