"""The frozen dataclasses of a state machine, one field for each field of the States Language.

A field's name is the ASL name in snake case.  `ABSENT` marks a field that is not there where
``null`` means something else (``"InputPath": null`` makes the input ``{}``).
Specification: https://states-language.net/
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sfnbook.values import Json


class Absent:
    """The type of `ABSENT`; there is one instance, also after pickling."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __reduce__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final[Any] = Absent()

JSONPATH: Final = "JSONPath"
JSONATA: Final = "JSONata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrier:
    """One entry of Retry, with AWS's defaults (seconds)."""

    error_equals: tuple[str, ...]
    interval_seconds: int = 1
    max_attempts: int = 3
    backoff_rate: float = 2.0
    max_delay_seconds: int | None = None
    jitter_strategy: str = "NONE"
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    """One entry of Catch."""

    error_equals: tuple[str, ...]
    next: str
    result_path: Json = ABSENT
    output: Json = ABSENT
    assign: Json = ABSENT
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceRule:
    """One top-level entry of Choices; ``rule`` is its JSON (JSONPath) or its Condition (JSONata)."""

    rule: Json
    next: str
    output: Json = ABSENT
    assign: Json = ABSENT
    comment: str | None = None


# Eleven classes of some twenty fields: their generated comparisons and texts would cost a tenth of
# the time that `import sfnbook` takes.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class State:
    """What all states have.  ``pointer`` is the JSON pointer of the state in the definition."""

    type: ClassVar[str] = ""

    name: str
    pointer: str
    query_language: str = JSONPATH
    comment: str | None = None
    next: str | None = None
    end: bool = False
    input_path: Json = ABSENT
    output_path: Json = ABSENT
    assign: Json = ABSENT
    output: Json = ABSENT

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, item.name) == getattr(other, item.name) for item in fields(self))

    __hash__ = None  # type: ignore[assignment] # fields hold JSON, which does not hash

    def __repr__(self) -> str:
        return f"<{self.type} {self.name!r}>"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Pass(State):
    type: ClassVar[str] = "Pass"

    parameters: Json = ABSENT
    result: Json = ABSENT
    result_path: Json = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Succeed(State):
    type: ClassVar[str] = "Succeed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Fail(State):
    type: ClassVar[str] = "Fail"

    error: Json = ABSENT
    cause: Json = ABSENT
    error_path: Json = ABSENT
    cause_path: Json = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Wait(State):
    type: ClassVar[str] = "Wait"

    seconds: Json = ABSENT
    seconds_path: Json = ABSENT
    timestamp: Json = ABSENT
    timestamp_path: Json = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Choice(State):
    type: ClassVar[str] = "Choice"

    choices: tuple[ChoiceRule, ...] = ()
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Retryable(State):
    """What the states that do work share: Task, Parallel and Map."""

    parameters: Json = ABSENT
    arguments: Json = ABSENT
    result_selector: Json = ABSENT
    result_path: Json = ABSENT
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Task(Retryable):
    type: ClassVar[str] = "Task"

    resource: str = ""
    timeout_seconds: Json = ABSENT
    timeout_seconds_path: Json = ABSENT
    heartbeat_seconds: Json = ABSENT
    heartbeat_seconds_path: Json = ABSENT
    credentials: Json = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Parallel(Retryable):
    type: ClassVar[str] = "Parallel"

    branches: tuple[Definition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Map(Retryable):
    """``item_processor`` is also what the deprecated Iterator was read into, and
    ``item_selector`` the deprecated Parameters; ``processor_config`` and the three I/O
    fields are the JSON as written."""

    type: ClassVar[str] = "Map"

    item_processor: Definition
    processor_config: Mapping[str, Json] = field(default_factory=dict)
    items_path: Json = ABSENT
    items: Json = ABSENT
    item_selector: Json = ABSENT
    item_reader: Json = ABSENT
    item_batcher: Json = ABSENT
    result_writer: Json = ABSENT
    max_concurrency: Json = ABSENT
    max_concurrency_path: Json = ABSENT
    tolerated_failure_count: Json = ABSENT
    tolerated_failure_count_path: Json = ABSENT
    tolerated_failure_percentage: Json = ABSENT
    tolerated_failure_percentage_path: Json = ABSENT
    label: str | None = None

    @property
    def distributed(self) -> bool:
        """Is this a Distributed Map, whose iterations are executions of their own?"""
        return self.processor_config.get("Mode") == "DISTRIBUTED"


STATE_TYPES: Final[dict[str, type[State]]] = {
    kind.type: kind for kind in (Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A block of states: the whole machine, a Parallel branch or an item processor.

    ``pointer`` is "" for the machine, else where the block stands, for example
    ``/States/Both/Branches/0``.
    """

    start_at: str
    states: Mapping[str, State]
    pointer: str = ""
    comment: str | None = None
    version: str = "1.0"
    timeout_seconds: int | None = None
    query_language: str = JSONPATH

    def blocks(self) -> Iterator[Definition]:
        """The block itself and every block inside it, outer ones first."""
        yield self
        for state in self.states.values():
            for inner in inner_blocks(state):
                yield from inner.blocks()

    def walk(self) -> Iterator[State]:
        """Every state of this block and of the blocks inside it, outer ones first."""
        for block in self.blocks():
            yield from block.states.values()


def inner_blocks(state: State) -> tuple[Definition, ...]:
    """The blocks directly inside a state: branches, or the item processor, or none."""
    if isinstance(state, Parallel):
        return state.branches
    if isinstance(state, Map):
        return (state.item_processor,)
    return ()
