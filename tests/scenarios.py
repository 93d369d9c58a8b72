"""Strategies that build whole scenarios: a valid state machine, its input, and who answers its Tasks.

Every block is a chain of states with a bounded loop in it; Map and Parallel hold further blocks.
Payloads keep one shape (`NODE`), so that most states work and few fail before they begin.
"""

from __future__ import annotations

import os
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import sfnbook
from sfnbook.tasks import (
    attempts,
    denied,
    exponential,
    failing,
    failure,
    faulty,
    flaky,
    iterations,
    latency,
    lost_heartbeats,
    never,
    outage,
    result,
    sequence,
    throttled,
    uniform,
    worker,
)
from sfnbook.tasks import timed as taking

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
COMMON = {"deadline": None, "suppress_health_check": SLOW, "database": None}
settings.register_profile("laws-quick", max_examples=50, derandomize=True, **COMMON)
settings.register_profile("laws-thorough", max_examples=1000, **COMMON)
LAW = settings.get_profile(f"laws-{os.environ.get('SFNBOOK_LAWS', 'quick')}")
"""Decorates a law; SFNBOOK_LAWS=thorough looks longer, and elsewhere each time."""

LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:f"
ACTIVITY = "arn:aws:states:us-east-1:111122223333:activity:a"
INTEGRATION = "arn:aws:states:::"
JSONATA = "JSONata"
ERRORS = ["E1", "E2", "States.Timeout"]
STARTING = ["states:startExecution.sync:2", "states:startExecution.sync", "states:startExecution"]
CHILD = {"StartAt": "Grow", "States": {"Grow": {"Type": "Wait", "Seconds": 3, "Next": "Told"},
                                       "Told": {"Type": "Task", "Resource": LAMBDA, "End": True}}}  # fmt: skip


# --- who answers ----------------------------------------------------------------------------------
def echo(event):
    return event


def count_keys(event, context):
    return {"keys": len(event), "attempt": context.attempt, "time": context.time}


def picky(event, context):
    if (context.attempt + len(context.path)) % 2:
        raise sfnbook.TaskFailure("E1", "odd")
    return {"ok": context.path}


def broken(event):
    raise KeyError("missing")


VALUES = st.sampled_from(
    [None, 0, 7, "text", {"n": 2}, {"items": [], "n": 1}, {"deep": {"list": [1, {"x": None}]}}]
)


def timed() -> st.SearchStrategy[Any]:
    seconds = st.sampled_from([0, 0.5, 1, 2, 2.5, 7, uniform(0.5, 4), exponential(2)])
    beats = st.sampled_from([(), (0.25,), (0.5, 0.5)])
    return st.one_of(
        st.builds(lambda value, after: result(value, seconds=after), VALUES, seconds),
        st.builds(lambda value, beat: result(value, seconds=3, heartbeats=beat), VALUES, beats),
        st.builds(
            lambda error, after: failure(error, "why", seconds=after), st.sampled_from(ERRORS), seconds
        ),
        st.sampled_from([failure(None, None), never(), result({"n": 3, "items": [1]}), result([])]),
    )


FAULTS = st.sampled_from(
    [
        failing(1, error="E1"), failing(), flaky(0.5), flaky(0.9, error="E2"), outage(1, 4),
        outage(0, 2, error="E1"), throttled(0.5), throttled(1, burst=2), denied(), latency(1.5),
        latency(uniform(0, 3)), lost_heartbeats(0.3),
    ]
)  # fmt: skip
SOUND = st.one_of(
    timed(),
    VALUES,
    st.sampled_from([echo, count_keys, picky, broken, taking(picky, seconds=uniform(1, 3))]),
    st.lists(timed(), min_size=1, max_size=3).map(lambda some: attempts(*some)),
    st.lists(timed(), min_size=1, max_size=4).map(lambda some: sequence(*some)),
    st.builds(lambda some, others: iterations({1: some}, others), timed(), timed()),
)
ANSWERS = st.one_of(
    SOUND,
    st.builds(
        lambda answer, faults: faulty(answer, *faults), SOUND, st.lists(FAULTS, min_size=1, max_size=3)
    ),
)


# --- states ---------------------------------------------------------------------------------------
class Sketch(NamedTuple):
    """What is drawn so far: ``tasks`` fills as Tasks are made, ``numbers`` keeps names apart."""

    draw: Callable[[Any], Any]
    tasks: dict[str, Any]
    numbers: Any
    outside: bool
    language: str = "JSONPath"
    depth: int = 0
    variable: str = ""

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    @property
    def jsonata(self) -> bool:
        return self.language == JSONATA


def keeping(sketch: Sketch) -> dict[str, Any]:
    """The result beside the input, instead of it, or not at all."""
    if sketch.jsonata:
        merged = "{% $merge([$states.input, {'r': $states.result}]) %}"
        return sketch.pick({"Output": merged}, {"Output": "{% $states.input %}"}, {"Output": merged}, {})
    return sketch.pick(
        {"ResultPath": "$.r"},
        {"ResultPath": None},
        {"ResultSelector": {"got.$": "$", "id.$": "States.UUID()"}, "ResultPath": "$.r"},
        {"ResultPath": "$.r.s", "OutputPath": "$"},
        {},
    )


def policies(sketch: Sketch, later: list[str]) -> dict[str, Any]:
    """Retry and Catch, each half of the time."""
    fields: dict[str, Any] = {}
    if sketch.draw(st.booleans()):
        fields["Retry"] = [retrier(sketch) for _ in range(sketch.pick(1, 2))]
    if later and sketch.draw(st.booleans()):
        fields["Catch"] = [catcher(sketch, later)]
    for entries in fields.values():
        for entry in entries[:-1]:
            entry["ErrorEquals"] = [error for error in entry["ErrorEquals"] if error != "States.ALL"] or [
                "E1"
            ]
    return fields


def retrier(sketch: Sketch) -> dict[str, Any]:
    return {
        "ErrorEquals": sketch.pick(["States.ALL"], ["E1"], ["States.TaskFailed"], ["States.Timeout", "E2"]),
        "IntervalSeconds": sketch.pick(1, 3),
        "MaxAttempts": sketch.pick(0, 1, 2),
        "BackoffRate": sketch.pick(1.0, 2.5),
        **sketch.pick({}, {"JitterStrategy": "FULL"}, {"MaxDelaySeconds": 4}),
    }


def catcher(sketch: Sketch, later: list[str]) -> dict[str, Any]:
    fields = sketch.pick({}, {"Output": "{% $merge([$states.input, $states.errorOutput]) %}"})
    if not sketch.jsonata:
        fields = sketch.pick({}, {"ResultPath": "$.caught"}, {"ResultPath": None})
    return {"ErrorEquals": sketch.pick(["States.ALL"], ["E1"]), "Next": sketch.pick(*later), **fields}


def a_pass(sketch: Sketch, _later: list[str]) -> dict[str, Any]:
    if sketch.jsonata:
        return sketch.pick(
            {},
            {"Output": "{% $merge([$states.input, {'id': $uuid(), 'dice': $random(), 'at': $now()}]) %}"},
            {"Assign": {sketch.variable: "{% $states.input.n %}"}},
            {"Output": {"items": "{% $states.input.items %}", "n": f"{{% ${sketch.variable} %}}"}},
        )
    return sketch.pick(
        {},
        {"Result": {"fixed": [1, 2]}, "ResultPath": "$.r"},
        {
            "Parameters": {"id.$": "States.UUID()", "dice.$": "States.MathRandom(1, 100)"},
            "ResultPath": "$.drawn",
        },
        {"Parameters": {"n.$": "$$.State.EnteredTime", "x.$": "$.n"}, "ResultPath": "$.r"},
        {"InputPath": None, "ResultPath": "$.nothing"},
        {"Assign": {f"{sketch.variable}.$": "$.n"}},
        {"Assign": {f"{sketch.variable}.$": "$"}, "ResultPath": None},
        {"Parameters": {"text.$": "States.Format('{} of {}', $.n, $)"}, "ResultPath": "$.r"},
        {"Parameters": {"n.$": "$.missing"}, "ResultPath": "$.r"},
    )


def a_wait(sketch: Sketch, _later: list[str]) -> dict[str, Any]:
    if sketch.jsonata:
        return sketch.pick(
            {"Seconds": 2}, {"Seconds": "{% $states.input.n %}"}, {"Timestamp": "2025-01-01T00:00:05Z"}
        )
    return sketch.pick(
        {"Seconds": 1},
        {"SecondsPath": "$.n"},
        {"Timestamp": "2025-01-01T00:00:04Z"},
        {"TimestampPath": "$.n"},
    )


def a_choice(sketch: Sketch, later: list[str]) -> dict[str, Any]:
    here = {"Next": sketch.pick(*later)}
    if sketch.jsonata:
        rule = {"Condition": "{% $states.input.n > 1 %}", **here}
        rule |= sketch.pick({}, {"Output": "{% $merge([$states.input, {'n': 1}]) %}"})
    else:
        rule = {"Variable": "$.n", "NumericGreaterThan": 1, **here}
        rule = sketch.pick(
            rule,
            {"And": [{"Variable": "$.items", "IsPresent": True}, {"Not": {**rule, "Next": None}}]} | here,
        )
        for inner in rule.get("And", []):
            inner.get("Not", {}).pop("Next", None)
    return {"Choices": [rule], "Default": later[0]}


def a_task(sketch: Sketch, later: list[str]) -> dict[str, Any]:
    given = "Arguments" if sketch.jsonata else "Parameters"
    fields = {"Resource": LAMBDA, **keeping(sketch), **policies(sketch, later)}
    fields |= sketch.pick({}, {"TimeoutSeconds": 2}, {"TimeoutSeconds": 5, "HeartbeatSeconds": 1})
    kind = sketch.pick("lambda", "lambda", "sync", "nested", *(["outside"] * 2 if sketch.outside else []))
    if kind == "lambda":
        arguments = (
            {"x": "{% $states.input.n %}"} if sketch.jsonata else {"x.$": "$.n", "id.$": "States.UUID()"}
        )
        return fields | sketch.pick({}, {given: arguments})
    if kind == "sync":
        return fields | {"Resource": f"{INTEGRATION}glue:startJobRun.sync", given: {"JobName": "j"}}
    if kind == "nested":
        return fields | {
            "Resource": INTEGRATION + sketch.pick(*STARTING),
            given: {"StateMachineArn": "Child", "Input": {"n": 1}},
        }
    if sketch.draw(st.booleans()):
        return fields | {"Resource": ACTIVITY}
    token = "{% $states.context.Task.Token %}" if sketch.jsonata else None
    body = {"t": token} if token else {"t.$": "$$.Task.Token"}
    arguments = {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q", "MessageBody": body}
    return fields | {"Resource": f"{INTEGRATION}sqs:sendMessage.waitForTaskToken", given: arguments}


def a_parallel(sketch: Sketch, later: list[str]) -> dict[str, Any]:
    branches = [block(sketch) for _ in range(sketch.pick(1, 2, 3))]
    return {"Branches": branches, **keeping(sketch), **policies(sketch, later)}


def a_map(sketch: Sketch, later: list[str]) -> dict[str, Any]:
    inner = block(sketch)
    fields = {
        **keeping(sketch),
        **policies(sketch, later),
        **sketch.pick({}, {"MaxConcurrency": 1}, {"MaxConcurrency": 2}),
    }
    if sketch.jsonata:
        fields |= {"Items": "{% $states.input.items %}"}
        fields |= sketch.pick(
            {}, {"ItemSelector": {"n": "{% $states.context.Map.Item.Index %}", "items": [{"n": 1}]}}
        )
    else:
        fields |= {"ItemsPath": "$.items"}
        fields |= sketch.pick(
            {}, {"ItemSelector": {"n.$": "$$.Map.Item.Index", "items.$": "$$.Map.Item.Value.items"}}
        )
    if sketch.draw(st.integers(0, 3)) == 0:
        inner = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **inner}
        fields |= sketch.pick(
            {},
            {"ToleratedFailureCount": 1},
            {"ToleratedFailurePercentage": 50},
            {"ItemBatcher": {"MaxItemsPerBatch": 2}},
        )
    return {"ItemProcessor": inner, **fields}


KINDS: dict[str, Callable[[Sketch, list[str]], dict[str, Any]]] = {
    "Pass": a_pass,
    "Wait": a_wait,
    "Choice": a_choice,
    "Task": a_task,
    "Parallel": a_parallel,
    "Map": a_map,
}
FLAT = ("Pass", "Wait", "Choice", "Task", "Task")
ENDS = (
    {"Type": "Succeed"}, {"Type": "Pass", "End": True}, {"Type": "Wait", "Seconds": 1, "End": True},
    {"Type": "Succeed"}, {"Type": "Pass", "End": True}, {"Type": "Wait", "Seconds": 2, "End": True},
    {"Type": "Fail", "Error": "E1", "Cause": "c"}, {"Type": "Fail"},
)  # fmt: skip


def block(sketch: Sketch) -> dict[str, Any]:
    """A chain of states; a loop, if there is one, goes round at most twice."""
    number = next(sketch.numbers)
    inner = sketch._replace(depth=sketch.depth - 1, variable=f"v{number}")
    offered = FLAT if sketch.depth <= 0 else (*FLAT, "Map", "Parallel", "Map", "Map")
    kinds = sketch.draw(st.lists(st.sampled_from(offered), min_size=1, max_size=3))
    names = [f"{kind}{number}{letter}" for kind, letter in zip(kinds, "abc", strict=False)]
    looping = sketch.draw(st.integers(0, 2)) == 0
    order = [
        f"Start{number}",
        *names,
        *([f"Count{number}", f"Again{number}"] if looping else []),
        f"End{number}",
    ]
    states: dict[str, Any] = {order[0]: {"Type": "Pass", "Assign": {inner.variable: 0}}}
    for kind, name in zip(kinds, names, strict=True):
        states[name] = {"Type": kind, **KINDS[kind](inner, order[order.index(name) + 1 :])}
        if kind == "Task" and needs_answer(states[name]):
            sketch.tasks[name] = sketch.draw(ANSWERS)
        elif kind == "Task" and states[name]["Resource"] == ACTIVITY and sketch.draw(st.booleans()):
            sketch.tasks[name] = worker(sketch.draw(ANSWERS), sketch.pick(1, 2), sketch.pick(0, 2))
    if looping:
        states |= loop(inner, number, names[0], order[-1])
    for name, following in pairwise(order):
        if states[name]["Type"] != "Choice":
            states[name]["Next"] = following
    states[order[-1]] = dict(sketch.pick(*ENDS))
    return {"StartAt": order[0], "States": states}


def needs_answer(task: dict[str, Any]) -> bool:
    return task["Resource"] == LAMBDA or task["Resource"].startswith(f"{INTEGRATION}glue")


def loop(sketch: Sketch, number: int, to: str, out: str) -> dict[str, Any]:
    name = f"loops{number}"
    if sketch.jsonata:
        add = {name: f"{{% $exists(${name}) ? ${name} + 1 : 1 %}}"}
        rule = {"Condition": f"{{% ${name} < 2 %}}"}
        return {
            f"Count{number}": {"Type": "Pass", "Assign": add},
            f"Again{number}": {"Type": "Choice", "Choices": [{**rule, "Next": to}], "Default": out},
        }
    seen = {"Variable": "$$.State.Name", "IsPresent": True}
    assign = {f"{name}.$": "States.StringSplit($$.State.EnteredTime, 'T')"}
    first = {"Not": {"Variable": f"${name}", "IsPresent": True}}
    return {
        f"Count{number}": {"Type": "Pass"},
        f"Again{number}": {
            "Type": "Choice",
            "Choices": [{"And": [seen, first], "Next": to, "Assign": assign}],
            "Default": out,
        },
    }


# --- scenarios ------------------------------------------------------------------------------------
def nodes(depth: int) -> st.SearchStrategy[Any]:
    """An object with a number and a list of smaller ones."""
    if not depth:
        return st.fixed_dictionaries({"n": st.integers(0, 3), "items": st.just([])})
    inner = nodes(depth - 1)
    items = st.one_of(st.lists(inner, min_size=2, max_size=4), st.lists(inner, max_size=3))
    return st.fixed_dictionaries({"n": st.integers(0, 3), "items": items})


class Scenario(NamedTuple):
    """A run to be: `start` it as often as you like."""

    definition: dict[str, Any]
    input: Any
    tasks: dict[str, Any]
    seed: int
    moves: tuple[str, ...]

    def start(self, **changes: Any) -> sfnbook.Execution:
        return sfnbook.load(self.definition).start(
            self.input, **self._answers() | {"seed": self.seed} | changes
        )

    def _answers(self) -> dict[str, Any]:
        children = {"Child": sfnbook.load(CHILD, name="Child")}
        return {"tasks": {**self.tasks, "Child/Told": echo}, "machines": children}

    def watch(self, watch: Callable[[Any], object]) -> sfnbook.Execution:
        prepared = sfnbook.load(self.definition).prepare(**self._answers())
        return drive(prepared.watched(self.input, watch, name=self.start().name, seed=self.seed), self.moves)

    def run(self, **changes: Any) -> sfnbook.Execution:
        return drive(self.start(**changes), self.moves)


@st.composite
def scenarios(draw: Any, *, outside: bool = True, depth: int = 2) -> Scenario:
    language = draw(st.sampled_from(["JSONPath", "JSONPath", JSONATA]))
    sketch = Sketch(draw, {}, count(), outside, language, depth)
    definition = {"QueryLanguage": language, **block(sketch)}
    if draw(st.integers(0, 5)) == 0:
        definition["TimeoutSeconds"] = draw(st.sampled_from([1, 6]))
    moves = tuple(draw(st.lists(st.sampled_from(list(MOVES)), max_size=6)))
    return Scenario(definition, draw(nodes(depth)), sketch.tasks, draw(st.integers(0, 99)), moves)


# --- the outside ----------------------------------------------------------------------------------
def first_open(execution: sfnbook.Execution) -> Any:
    """The task that is open longest; a worker takes it if it is an activity's."""
    if execution.pending[0].token is None:
        execution.get_activity_task(ACTIVITY, "worker")
    return next(task for task in execution.pending if task.token is not None)


def wait_on(execution: sfnbook.Execution) -> None:
    if all(task.deadline is None for task in execution.pending):
        execution.stop("Tired", "nobody came")
    else:
        execution.advance()


MOVES: dict[str, Callable[[sfnbook.Execution], Any]] = {
    "succeed": lambda execution: first_open(execution).succeed({"n": 1, "items": []}),
    "fail": lambda execution: first_open(execution).fail("E1", "said no"),
    "beat": lambda execution: first_open(execution).heartbeat(),
    "a second": lambda execution: execution.advance(1),
    "deadline": wait_on,
}


def drive(
    execution: sfnbook.Execution, moves: tuple[str, ...], go: Callable[[sfnbook.Execution], Any] | None = None
) -> sfnbook.Execution:
    """Run to the end; what waits for the outside gets ``moves``, and then the execution is stopped."""
    go = go or sfnbook.Execution.run
    for move in (*moves, *["deadline"] * 20):
        go(execution)
        if execution.blocked is None:
            return execution
        MOVES[move](execution)
    go(execution)
    return execution if execution.status != "RUNNING" else execution.stop("Tired")
