"""Definition -> program: every state compiled once to closures, shared by all executions.

A program holds functions, so it is never pickled: its definition is, and compiling takes
microseconds a state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias, cast

from sfnbook import tolerance
from sfnbook.definition import (
    ABSENT,
    JSONATA,
    Catcher,
    Choice,
    Definition,
    Fail,
    Map,
    Parallel,
    Retrier,
    Retryable,
    State,
    Task,
    Wait,
)
from sfnbook.query import choice, fields, jsonata, paths, templates
from sfnbook.query.dataflow import (
    Assigned,
    DataFlow,
    Outgoing,
    compile_assign,
    compile_flow,
    identity,
    jsonata_outgoing,
    keep_result,
    placing,
)
from sfnbook.query.environment import Environment, Evaluate
from sfnbook.tasks.resources import EVENT_TYPES, TASK_EVENTS, EventTypes, Resource, parse_resource
from sfnbook.values import Json, escape_pointer

Test: TypeAlias = Callable[[Json, Environment], bool]


class CompiledCatcher(NamedTuple):
    """``after`` makes the output of the error output and the raw input."""

    definition: Catcher
    next: str
    after: Outgoing
    assign: Assigned | None


class CompiledRule(NamedTuple):
    """One top-level Choice rule."""

    test: Test
    next: str
    after: Outgoing | None  # None: the state's own
    assign: Assigned | None


@dataclass(slots=True, eq=False, repr=False)
class Compiled:
    """A compiled state.  ``next`` is a pointer; None after a state with ``End: true``."""

    definition: State
    type: str
    name: str
    pointer: str
    next: str | None
    cyclic: bool
    flow: DataFlow
    before: Evaluate
    after: Outgoing
    assign: Assigned | None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[CompiledCatcher, ...] = ()
    effective: Evaluate = identity
    """The raw input after InputPath alone."""
    backoff: Callable[[Any, Any], int | None] | None = None
    """f(frame, failure) -> the microseconds that a recording waited before it tried again here."""


@dataclass(slots=True, eq=False, repr=False)
class CompiledTask(Compiled):
    resource: Resource = field(default_factory=lambda: parse_resource(""))
    events: EventTypes = TASK_EVENTS
    timeout: fields.Field | None = None
    heartbeat: fields.Field | None = None
    role: Evaluate | None = None


@dataclass(slots=True, eq=False, repr=False)
class CompiledWait(Compiled):
    delay: fields.Field = identity


@dataclass(slots=True, eq=False, repr=False)
class CompiledChoice(Compiled):
    rules: tuple[CompiledRule, ...] = ()
    default: str | None = None


@dataclass(slots=True, eq=False, repr=False)
class CompiledFail(Compiled):
    error: fields.Field = identity
    cause: fields.Field = identity


@dataclass(slots=True, eq=False, repr=False)
class CompiledParallel(Compiled):
    starts: tuple[str, ...] = ()


@dataclass(slots=True, eq=False, repr=False)
class CompiledMap(Compiled):
    start: str = ""
    distributed: bool = False
    items: Evaluate = identity
    selector: Evaluate | None = None
    max_concurrency: fields.Field | None = None
    tolerated_count: fields.Field | None = None
    tolerated_percentage: fields.Field | None = None
    reader: Evaluate | None = None
    max_items: fields.Field | None = None
    batch_items: fields.Field | None = None
    batch_bytes: fields.Field | None = None
    batch_input: Evaluate | None = None
    writer: Evaluate | None = None


class Program(NamedTuple):
    """All compiled states by pointer, and where each block starts."""

    definition: Definition
    states: Mapping[str, Any]
    start: str


def compile_definition(definition: Definition) -> Program:
    """Compile a machine.

    >>> from sfnbook.parse import definition
    >>> machine = definition({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> compile_definition(machine).start
    '/States/A'
    """
    states: dict[str, Compiled] = {}
    for block in definition.blocks():
        looping = _cyclic(block)
        for name, state in block.states.items():
            states[state.pointer] = _compile_state(state, block, name in looping)
    return Program(definition, states, start_of(definition))


def start_of(block: Definition) -> str:
    """The pointer of a block's first state."""
    return f"{block.pointer}/States/{escape_pointer(block.start_at)}"


def targets(state: State) -> list[str]:
    """The names that a state can go to: Next, Choice rules, Default and catchers."""
    names = [state.next] if state.next else []
    if isinstance(state, Choice):
        names += [rule.next for rule in state.choices] + ([state.default] if state.default else [])
    if isinstance(state, Retryable):
        names += [catcher.next for catcher in state.catch]
    return names


def _cyclic(block: Definition) -> set[str]:
    """The states of a block that can be reached from themselves: only they can be visited twice."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: set[str] = set()
    for root in block.states:
        if root in index:
            continue
        work = [(root, iter(targets(block.states[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            name, following = work[-1]
            target = next((t for t in following if t in block.states), None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    at = stack.index(name)
                    if len(stack) - at > 1 or name in targets(block.states[name]):
                        found.update(stack[at:])
                    del stack[at:]
            elif target not in index:
                index[target] = low[target] = len(index)
                stack.append(target)
                work.append((target, iter(targets(block.states[target]))))
            elif target in stack:
                low[name] = min(low[name], index[target])
    return found


def _compile_state(state: State, block: Definition, cyclic: bool) -> Compiled:
    flow = compile_flow(state)
    to = _pointers(block)
    common: dict[str, Any] = {
        "definition": state,
        "type": state.type,
        "name": state.name,
        "pointer": state.pointer,
        "next": None if state.next is None else to(state.next),
        "cyclic": cyclic,
        "flow": flow,
        "before": flow.before,
        "after": flow.after,
        "assign": flow.assign,
        "effective": next((s.run for s in flow.incoming if s.name == "afterInputPath"), identity),
    }
    if isinstance(state, Retryable):
        common["retry"] = state.retry
        common["catch"] = tuple(
            _compile_catcher(state, catcher, index, to) for index, catcher in enumerate(state.catch)
        )
    kind, more = COMPILERS.get(state.type, (Compiled, None))
    return kind(**common, **(more(state, to) if more else {}))


def _pointers(block: Definition) -> Callable[[str], str]:
    return lambda name: f"{block.pointer}/States/{escape_pointer(name)}"


def _compile_catcher(state: State, catcher: Catcher, index: int, to: Callable[[str], str]) -> CompiledCatcher:
    location = f"Catch[{index}]"
    after: Outgoing
    if state.query_language == JSONATA:
        after = keep_result
        if catcher.output is not ABSENT:
            after = jsonata_outgoing(catcher.output, f"{location}/Output", True, "errorOutput")
    else:
        after = placing(catcher.result_path) or keep_result
    assign = compile_assign(state, catcher.assign, f"{location}/Assign", result="errorOutput")
    return CompiledCatcher(catcher, to(catcher.next), after, assign)


# --- each kind of state ---------------------------------------------------------------------------
def _task(state: State, _to: object) -> dict[str, Any]:
    task = cast("Task", state)
    resource = parse_resource(task.resource)
    return {
        "resource": resource,
        "events": EVENT_TYPES.get(resource.kind, TASK_EVENTS),
        "timeout": fields.number(task, "timeout_seconds", fields.seconds),
        "heartbeat": fields.number(task, "heartbeat_seconds", fields.seconds),
        "role": _role(task),
    }


def _role(task: Task) -> Evaluate | None:
    if task.credentials is ABSENT:
        return None
    literal, path = task.credentials.get("RoleArn"), task.credentials.get("RoleArn.$")
    if task.query_language == JSONATA:
        location = "Credentials/RoleArn"
        return jsonata.typed(fields.expression(literal, location), "string", literal, location)
    if path is None:
        return lambda _raw, _env: literal
    follow = templates.compile_value(path, "RoleArn.$", place="Credentials/RoleArn.$")
    return fields.text_of_path(follow, "RoleArn.$", path)


def _wait(state: State, _to: object) -> dict[str, Any]:
    return {"delay": fields.wait(cast("Wait", state))}


def _fail(state: State, _to: object) -> dict[str, Any]:
    fail = cast("Fail", state)
    return {"error": fields.label(fail, "error"), "cause": fields.label(fail, "cause")}


def _choice(state: State, to: Callable[[str], str]) -> dict[str, Any]:
    chosen = cast("Choice", state)
    rules = []
    for index, rule in enumerate(chosen.choices):
        location = f"Choices[{index}]"
        after = None
        if rule.output is not ABSENT:
            after = jsonata_outgoing(rule.output, f"{location}/Output", has_result=False)
        rules.append(
            CompiledRule(
                _condition(state, rule.rule, f"{location}/Condition"),
                to(rule.next),
                after,
                compile_assign(state, rule.assign, f"{location}/Assign", result=None),
            )
        )
    return {"rules": tuple(rules), "default": to(chosen.default) if chosen.default else None}


def _condition(state: State, rule: Json, location: str) -> Test:
    if state.query_language != JSONATA:
        return choice.compile_rule(rule)
    if isinstance(rule, bool):
        return lambda _value, _env: rule
    return cast("Test", jsonata.typed(fields.expression(rule, location), "boolean", rule, location))


def _parallel(state: State, _to: object) -> dict[str, Any]:
    return {"starts": tuple(start_of(branch) for branch in cast("Parallel", state).branches)}


def _map(state: State, _to: object) -> dict[str, Any]:
    mapped = cast("Map", state)
    return {
        "start": start_of(mapped.item_processor),
        "distributed": mapped.distributed,
        "items": _items(mapped),
        "selector": _template(mapped, mapped.item_selector, "ItemSelector"),
        "max_concurrency": fields.number(mapped, "max_concurrency", tolerance.integer),
        "tolerated_count": fields.number(mapped, "tolerated_failure_count", _count),
        "tolerated_percentage": fields.number(mapped, "tolerated_failure_percentage", _percentage),
        **_reader(mapped),
        **_batcher(mapped),
        "writer": _service_parameters(mapped, mapped.result_writer, "ResultWriter"),
    }


def _count(value: Json, _name: str, path: str | None) -> int:
    return tolerance.failure_count(value, path)


def _percentage(value: Json, _name: str, path: str | None) -> float:
    return tolerance.failure_percentage(value, path)


def _reader(state: Map) -> dict[str, Any]:
    if state.item_reader is ABSENT:
        return {}
    config = state.item_reader.get("ReaderConfig") or {}
    return {
        "reader": _service_parameters(state, state.item_reader, "ItemReader"),
        "max_items": _setting(state, config, "MaxItems", "ItemReader/ReaderConfig/"),
    }


def _batcher(state: Map) -> dict[str, Any]:
    if state.item_batcher is ABSENT:
        return {}
    given = state.item_batcher
    return {
        "batch_items": _setting(state, given, "MaxItemsPerBatch", "ItemBatcher/"),
        "batch_bytes": _setting(state, given, "MaxInputBytesPerBatch", "ItemBatcher/"),
        "batch_input": _template(state, given.get("BatchInput", ABSENT), "BatchInput"),
    }


def _setting(state: Map, given: Mapping[str, Json], name: str, place: str) -> fields.Field | None:
    literal, path = given.get(name, ABSENT), given.get(name + "Path", ABSENT)
    return fields.setting(literal, path, name, state.query_language, tolerance.integer, place)


def _service_parameters(state: Map, given: Json, place: str) -> Evaluate | None:
    """What an ItemReader or ResultWriter sends to S3."""
    if given is ABSENT:
        return None
    if state.query_language == JSONATA:
        return fields.expression(given.get("Arguments", {}), f"{place}/Arguments")
    return templates.compile_template(given.get("Parameters", {}), field=f"{place}/Parameters")


def _items(state: Map) -> Evaluate:
    if state.query_language == JSONATA:
        if state.items is ABSENT:
            return identity
        evaluate = fields.expression(state.items, "Items")
        if state.distributed or not jsonata.is_expression(state.items):
            return evaluate
        return jsonata.typed(evaluate, "array", state.items, "Items")
    return identity if state.items_path is ABSENT else paths.compile_path(state.items_path)


def _template(state: State, template: Json, location: str) -> Evaluate | None:
    """A payload template that sees the state's effective input, in either language."""
    if template is ABSENT:
        return None
    if state.query_language == JSONATA:
        return fields.expression(template, location)
    return templates.compile_template(template, field=location)


COMPILERS: Final[dict[str, tuple[type[Compiled], Callable[[State, Any], dict[str, Any]]]]] = {
    "Task": (CompiledTask, _task),
    "Wait": (CompiledWait, _wait),
    "Fail": (CompiledFail, _fail),
    "Choice": (CompiledChoice, _choice),
    "Parallel": (CompiledParallel, _parallel),
    "Map": (CompiledMap, _map),
}
