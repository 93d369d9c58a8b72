"""Injected errors and set results: kept in the WORLD frame until their attempts come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfnbook.failing import resolve
from sfnbook.frames import WORLD, Change, Failure, Fault, Frame

if TYPE_CHECKING:
    from sfnbook.scene import Scene


def path_of(frame: Frame, name: str) -> str:
    """The path of the state that a frame stands at.

    "Charge" at the top, "Orders[3].Charge" in an iteration, "Child/Charge" in a nested execution.
    """
    return frame.scope.prefix + name


def find(frame: Frame, name: str, scene: Scene) -> tuple[int, Fault] | None:
    """The first fault that is meant for this attempt of this state, and its place."""
    attempt = frame.visit.retries + 1
    for index, fault in enumerate(scene.world.faults):
        if fault.target in {name, path_of(frame, name)} and _takes(fault, attempt):
            return index, fault
    return None


def _takes(fault: Fault, attempt: int) -> bool:
    return attempt in fault.attempts if isinstance(fault.attempts, tuple) else True


def used_up(index: int, fault: Fault, scene: Scene) -> tuple[tuple[Frame, Frame], ...]:
    """The WORLD frame after a fault struck once; a fault that counts down goes when it is spent."""
    if not isinstance(fault.attempts, int):
        return ()
    world = scene.frames[WORLD]
    faults = list(world.work.faults)
    if fault.attempts > 1:
        faults[index] = fault._replace(attempts=fault.attempts - 1)
    else:
        del faults[index]
    return ((world, world._replace(work=world.work._replace(faults=tuple(faults)))),)


def injected(state: Any, frame: Frame, scene: Scene) -> Change | None:
    """The failure of a Map or Parallel that someone injected, instead of its start."""
    found = find(frame, state.name, scene) if scene.world.faults else None
    if found is None or not found[1].fails:
        return None
    index, fault = found
    change = resolve(state, frame, scene, Failure(fault.error, fault.cause, state.pointer))
    return change._replace(others=change.others + used_up(index, fault, scene))
