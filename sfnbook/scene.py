"""What a rule may read: the frames, the clock, the programs, and the environment of expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sfnbook import chance
from sfnbook.clock import iso
from sfnbook.frames import WORLD, Frame, Item, Lineage, World, task_in
from sfnbook.limits import UNBOUNDED, Limits
from sfnbook.query.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.frames import FrameId, Identity, Queue
    from sfnbook.nested import Startable
    from sfnbook.program import Program
    from sfnbook.values import Json

RETRIED: Final = frozenset({"Task", "Parallel", "Map"})


class Scene(Environment):
    """One per execution, moved from frame to frame by `look`; rules read it and change nothing.

    It is the environment of every expression, too: making a new one for each evaluation would
    cost as much as the evaluation.
    """

    __slots__ = (
        "_last", "activities", "counters", "draws", "files", "first", "frame", "frames", "is_answered",
        "item", "limits", "machines", "measured", "now", "number", "payload_bytes", "programs", "queues",
        "seed", "token", "waited",
    )  # fmt: skip

    def __init__(
        self,
        frames: dict[FrameId, Frame],
        counters: dict[FrameId, int],
        programs: Mapping[str, Program],
        limits: Limits,
        seed: int,
    ) -> None:
        self.frames, self.counters, self.programs = frames, counters, programs
        self.limits, self.seed = limits, seed
        self.payload_bytes = UNBOUNDED if limits.payload_bytes is None else limits.payload_bytes
        self.now = 0
        self.number = self.first = 0
        self.frame: Frame = None  # type: ignore[assignment] # set by look before anything reads it
        self.item: Item | None = None
        self.token: str | None = None
        self.draws: dict[str, int] = {}
        self._last: tuple[Identity | None, FrameId, Mapping[str, Any]] = (None, WORLD, {})
        self.measured: Any = None  # arguments that were found small enough; a constant is measured once
        self.machines: Mapping[str, Startable] = {}
        self.files: Any = None
        self.activities: frozenset[str] | None = None
        self.queues: Mapping[tuple[str, str], Queue] = {}
        self.is_answered: Callable[[Scene, Any, Frame], bool] = lambda _scene, _state, _frame: True
        self.waited: Callable[[Scene, Any, Frame], int | None] = lambda _scene, _state, _frame: None

    def look(self, frame: Frame, now: int, number: int) -> Any:
        """Point the scene at the frame that is to be decided; gives its compiled state.

        ``first`` is the id that the frame's next event gets.
        """
        self.frame, self.now, self.number = frame, now, number
        self.item = self.token = None
        if self.draws:
            self.draws = {}
        execution = frame.scope.execution
        known, key, states = self._last
        if execution is not known:
            key, states = execution.key, self.programs[execution.machine].states
            self._last = execution, key, states
        self.first = self.counters[key] + 1
        return states[frame.state]

    def next_event(self, frame: Frame) -> int:
        """The id that the next event of the frame's execution gets."""
        return self.counters[frame.scope.execution.key] + 1

    def state(self, frame: Frame) -> Any:
        """The compiled state that a frame stands at."""
        return self.programs[frame.scope.execution.machine].states[frame.state]

    @property
    def world(self) -> World:
        """What must be remembered of people and answers."""
        work: World = self.frames[WORLD].work
        return work

    # --- the environment of expressions -------------------------------------------------------
    @property
    def variables(self) -> Mapping[str, Json]:  # type: ignore[override]
        return self.frame.variables

    @property
    def context(self) -> dict[str, Any]:
        """The context object.

        https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
        """
        return self.context_of(self.frame)

    def context_of(self, frame: Frame) -> dict[str, Any]:
        """The context object as the frame sees it."""
        execution = frame.scope.execution
        state = self.state(frame)
        context: dict[str, Any] = {
            "Execution": {
                "Id": execution.arn,
                "Input": execution.input,
                "Name": execution.name,
                "RoleArn": execution.role_arn,
                "StartTime": iso(execution.started),
                "RedriveCount": self.world.redrives,
            },
            "StateMachine": {"Id": execution.machine_arn, "Name": execution.machine_name},
            "State": {"Name": state.name, "EnteredTime": iso(frame.visit.time)},
        }
        if state.type in RETRIED:
            context["State"]["RetryCount"] = frame.visit.retries
        if self.world.redriven is not None:
            context["Execution"]["RedriveTime"] = iso(self.world.redriven)
        task = task_in(frame.work)
        token = self.token or (task.token if task else None)
        if token is not None:
            context["Task"] = {"Token": token}
        if self.item is not None:
            context["Map"] = {"Item": shown_item(self.item)}
        return context

    @property
    def draw(self) -> Callable[[str], int]:  # type: ignore[override]
        return self.draw_bits

    def draw_bits(self, purpose: str) -> int:
        """64 random bits for a purpose; the same purpose asked again in one step gives others."""
        count = self.draws.get(purpose, 0)
        self.draws[purpose] = count + 1
        frame = self.frame
        return chance.combine(
            self.seed,
            hashed(lineage_of(frame)),
            chance.digest(frame.phase),
            chance.digest(purpose) + self.world.redrives,
            count if self.item is None else count + (self.item.index << 20),
        )


_FRESH: Final = World()


def world_of(frame: Frame) -> Frame:
    """The WORLD frame beside a frame, before there is anything to remember."""
    return frame.at("world", None, frame.event, _FRESH, WORLD)


def lineage_of(frame: Frame, index: int = 0) -> Lineage:
    """A frame's place: what encloses it, state, visit, attempt, and the index of a child of it."""
    visit = frame.visit
    return (frame.scope.lineage, frame.state, visit.number, visit.retries, index)


def around(frame: Frame) -> tuple[tuple[int, int], ...]:
    """Visit and attempt of each state that encloses a frame, the outermost first."""
    found, lineage = [], frame.scope.lineage
    while lineage is not None:
        lineage, _, visit, retries, _ = lineage
        found.append((visit, retries + 1))
    return tuple(reversed(found))


def hashed(lineage: Lineage | None) -> int:
    """64 bits of a place; made only when somebody draws, which most iterations never do."""
    if lineage is None:
        return 0
    outer, state, visit, retries, index = lineage
    return chance.combine(hashed(outer), chance.digest(state), visit << 32 | retries, index)


def shown_item(item: Item) -> dict[str, Json]:
    """``$$.Map.Item`` of an iteration."""
    shown: dict[str, Json] = {"Index": item.index, "Value": item.value}
    if item.key is not None:
        shown["Key"] = item.key
    if item.source is not None:
        shown["Source"] = item.source
    return shown
