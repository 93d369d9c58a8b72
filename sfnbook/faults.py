"""What people laid over states: errors, results, latency, lost heartbeats, until their attempts come.

They are kept in the WORLD frame, so they go back and forth with the execution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook.failing import resolve
from sfnbook.frames import WORLD, Change, Failure, Fault, Frame
from sfnbook.tasks.faults import delayed, silenced
from sfnbook.values import without_indices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sfnbook.scene import Scene
    from sfnbook.tasks.protocol import Outcome

ANSWERING: Final = frozenset({"error", "result"})
"""Faults that answer instead of whoever is asked: the first one that is meant strikes alone."""

OVERLAYS: Final[dict[str, Callable[[Outcome, float], Outcome]]] = {"latency": delayed, "heartbeats": silenced}
"""Faults that change what is answered: all that are meant do."""


def names_of(frame: Frame, name: str) -> set[str]:
    """What people may call the state that a frame stands at.

    Its name; its path, with or without indices ("Orders[3].Charge", "Orders.Charge"); in a nested execution
    the path below the Task that started it ("Start/Charge"), and below its machine ("Child/Charge").
    """
    path, machine = frame.scope.prefix + name, frame.scope.execution.machine
    bare = without_indices(path)
    return {name, path, bare, f"{machine}/{bare.rpartition('/')[2]}"}


def find(frame: Frame, name: str, scene: Scene) -> Fault | None:
    """The first error or result that is meant for this attempt of this state."""
    return next((fault for fault in meant(frame, name, scene) if fault.kind in ANSWERING), None)


def meant(frame: Frame, name: str, scene: Scene) -> Iterator[Fault]:
    """The faults that are meant for this attempt of this state."""
    return among(scene.world.faults, frame, name)


def among(faults: Iterable[Fault], frame: Frame, name: str) -> Iterator[Fault]:
    """Those of some faults that are meant for this attempt of this state."""
    attempt, targets = frame.visit.retries + 1, names_of(frame, name)
    for fault in faults:
        numbers = fault.attempts
        if fault.target in targets and (not isinstance(numbers, tuple) or attempt in numbers):
            yield fault


def laid_over(frame: Frame, name: str, scene: Scene, outcome: Outcome) -> Outcome:
    """An outcome with the latency and the silence that are meant for this attempt."""
    for fault in meant(frame, name, scene):
        if fault.kind in OVERLAYS:
            outcome = OVERLAYS[fault.kind](outcome, fault.seconds)
    return outcome


def used_up(
    frame: Frame, name: str, scene: Scene, others: tuple[tuple[Frame | None, Frame | None], ...] = ()
) -> tuple[tuple[Frame | None, Frame | None], ...]:
    """``others`` with the WORLD frame after this attempt: a fault that counts down goes when it is spent.

    Of the errors and results only the first was used, and that only if nobody else was asked:
    the caller asked `find` before.
    """
    struck, old = find(frame, name, scene), scene.frames[WORLD]
    used = [fault for fault in meant(frame, name, scene) if fault is struck or fault.kind in OVERLAYS]
    faults = tuple(left for fault in old.work.faults if (left := _left(fault, used)) is not None)
    if faults == old.work.faults:
        return others
    now = next((new for _, new in others if new is not None and new.id == WORLD), old)
    after = now._replace(work=now.work._replace(faults=faults))
    return (*(pair for pair in others if pair[0] is not old), (old, after))


def _left(fault: Fault, used: list[Fault]) -> Fault | None:
    """What is left of a fault, if anything."""
    if not isinstance(fault.attempts, int) or not any(fault is one for one in used):
        return fault
    return fault._replace(attempts=fault.attempts - 1) if fault.attempts > 1 else None


def injected(state: Any, frame: Frame, scene: Scene) -> Change | None:
    """The failure of a Map or Parallel that someone injected, instead of its start."""
    fault = find(frame, state.name, scene) if scene.world.faults else None
    if fault is None or fault.kind != "error":
        return None
    change = resolve(state, frame, scene, Failure(fault.error, fault.cause, state.pointer))
    return change._replace(others=used_up(frame, state.name, scene, change.others))


def described(fault: Fault) -> str:
    """A fault in words.

    >>> described(Fault("latency", "Charge", 2, seconds=5))
    'Charge takes 5 s longer, the next 2 attempts'
    >>> described(Fault("error", "Orders[3].Charge", (1, 3), "Busy"))
    'Orders[3].Charge fails with Busy, attempt 1, 3'
    """
    what = {
        "error": f"fails with {fault.error}",
        "result": "gets the result that was set",
        "latency": f"takes {fault.seconds:g} s longer",
        "heartbeats": f"is not heard of after {fault.seconds:g} s",
    }[fault.kind]
    if fault.attempts is None:
        return f"{fault.target} {what}, every attempt"
    if isinstance(fault.attempts, int):
        count = f"{fault.attempts} attempts" if fault.attempts > 1 else "attempt"
        return f"{fault.target} {what}, the next {count}"
    return f"{fault.target} {what}, attempt {', '.join(map(str, fault.attempts))}"
