"""The setting of an execution: what does not change while it runs, and the `Call` of an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sfnbook.clock import microseconds, seconds
from sfnbook.family import indices_of
from sfnbook.frames import QUEUED
from sfnbook.program import Program, compile_definition
from sfnbook.scene import around
from sfnbook.tasks.protocol import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.definition import Definition
    from sfnbook.frames import Change, Frame, Queue
    from sfnbook.limits import Limits
    from sfnbook.nested import Startable
    from sfnbook.scene import Scene
    from sfnbook.source import Source
    from sfnbook.tasks.answers import Answer, Answers, TaskRef
    from sfnbook.tasks.recorded import Recorded
    from sfnbook.tasks.samples import Sampler


def replayed() -> Any:
    """What a recording adds to a program: few executions are replayed, so it is loaded late."""
    from sfnbook import recalled  # noqa: PLC0415

    return recalled


def place(frame: Frame, state: Any) -> tuple[str, str]:
    """The key of a Task among the answers: its machine and its pointer."""
    return frame.scope.execution.machine, state.pointer


def waits_outside(state: Any) -> bool:
    """Is this a Task that someone outside may answer: a callback or an activity?"""
    return bool(state.resource.kind == "activity" or state.resource.pattern == "token")


@dataclass(eq=False, repr=False)
class Setup:
    """What does not change in an execution, shared by its forks; keyed by machine, "main" is the first."""

    definitions: Mapping[str, Definition]
    sources: Mapping[str, Source]  # what the definitions were read from
    refs: Mapping[tuple[str, str], TaskRef]
    answers: Answers
    birth: Change
    limits: Limits
    seed: int
    machines: Mapping[str, Startable]  # those that Tasks can start
    files: Any
    activities: frozenset[str] | None
    queues: Mapping[tuple[str, str], Queue]  # of activity Tasks
    programs: Mapping[str, Program]

    recorded: Recorded | None = None
    """The recording that is replayed: it is asked before ``answers``."""

    @cached_property
    def sampler(self) -> Sampler:
        """What makes sample results for the Tasks of these definitions."""
        from sfnbook.tasks.samples import Sampler  # noqa: PLC0415 - few executions need it

        return Sampler(self.definitions.values())

    def __getstate__(self) -> dict[str, Any]:
        return {name: one for name, one in self.__dict__.items() if name not in {"programs", "sampler"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A program holds closures: the definition travels, and is compiled again.
        self.__dict__.update(state)
        self.programs = {key: compile_definition(one) for key, one in self.definitions.items()}
        if self.recorded is not None:
            self.programs = replayed().programs(self.programs, self.recorded)

    def is_answered(self, scene: Scene, state: Any, frame: Frame) -> bool:
        """Does anybody here answer this attempt at a Task?"""
        if self.recorded is not None and not self.recorded.declines(call_of(self, scene, state, frame)):
            return True
        return self.answers.find(self.refs[place(frame, state)]) is not None

    def waited(self, scene: Scene, state: Any, frame: Frame) -> int | None:
        """How long an activity task waited for its worker in the recording; None if that says nothing."""
        call = call_of(self, scene, state, frame)
        if self.recorded is None or self.recorded.declines(call):
            return None
        return microseconds(self.recorded.queued(call))


def call_of(setup: Setup, scene: Scene, state: Any, frame: Frame, answer: Answer | None = None) -> Call:
    """The call of an attempt that is about to start; a recording draws and counts nothing."""
    task, world, visit = frame.work, scene.world, frame.visit
    if frame.phase == QUEUED:
        task = task.task
    timeout = task.timeout
    fields: Any = (
        frame.scope.prefix + state.name,
        state.name,
        state.definition.resource,
        task.arguments,
        visit.retries + 1,
        visit.number,
        0 if answer is None else world.counts.get(answer.key, 0),
        seconds(scene.now - setup.birth.time),
        task.token,
        scene.context_of(frame) if answer is None or answer.asks else {},
        None if timeout is None else seconds(timeout),
        scene.draw_bits("answer") if answer is not None and answer.draws else 0,
        None if answer is None else world.memories.get(answer.key),
        indices_of(frame, scene),
        around(frame),
    )
    return tuple.__new__(Call, fields)
