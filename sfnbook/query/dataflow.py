"""The two query languages as pipelines of stages: what happens to data on its way through a state.

A state's data flow is ``incoming`` (raw input to what the work gets), the work, and
``outgoing`` (result to output).  Each stage has the name that the TestState API gives to what
comes out of it.  The engine runs the composed closures; explanations run the stages one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from sfnbook.definition import ABSENT, JSONATA, State
from sfnbook.query import jsonata, paths, templates
from sfnbook.query.environment import Environment, Evaluate
from sfnbook.values import Json

Outgoing: TypeAlias = Callable[[Json, Json, Environment], Json]
"""f(result, raw input, environment)"""

Assigned: TypeAlias = Callable[[Json, Json, Environment], Mapping[str, Json]]
"""f(result, raw input, environment) -> the variables assigned"""


class Stage(NamedTuple):
    """``name`` is TestState's name for what comes out, ``field`` the ASL field that does it."""

    name: str
    field: str
    run: Any


class DataFlow(NamedTuple):
    """A compiled data flow; the two functions are the stages composed."""

    incoming: tuple[Stage, ...]
    outgoing: tuple[Stage, ...]
    before: Evaluate
    after: Outgoing
    assign: Assigned | None


def identity(value: Json, _env: Environment) -> Json:
    return value


def keep_result(result: Json, _raw: Json, _env: Environment) -> Json:
    return result


def empty(*_args: object) -> Json:
    return {}


# --- JSONPath -----------------------------------------------------------------------------------
def filtering(path: Json) -> Evaluate | None:
    """InputPath and OutputPath: absent or ``$`` keeps the value, null gives ``{}``."""
    if path is ABSENT or path == "$":
        return None
    return empty if path is None else paths.compile_path(path)


def placing(result_path: Json) -> Outgoing | None:
    """ResultPath: absent or ``$`` keeps the result, null the raw input."""
    if result_path is ABSENT or result_path == "$":
        return None
    if result_path is None:
        return lambda _result, raw, _env: raw
    put = paths.compile_result_path(result_path)
    return lambda result, raw, _env: put(raw, result)


def jsonpath_flow(state: State, *, templated: str = "parameters") -> DataFlow:
    """The stages of a JSONPath state; ``templated`` is the attribute of its payload template."""
    incoming: list[Stage] = []
    outgoing: list[Stage] = []
    if (select := filtering(state.input_path)) is not None:
        incoming.append(Stage("afterInputPath", "InputPath", select))
    template = getattr(state, templated, ABSENT)
    if template is not ABSENT:
        incoming.append(Stage("afterParameters", "Parameters", templates.compile_template(template)))
    literal = getattr(state, "result", ABSENT)
    if literal is not ABSENT:
        incoming.append(Stage("result", "Result", lambda _value, _env: literal))
    selector = getattr(state, "result_selector", ABSENT)
    if selector is not ABSENT:
        choose = templates.compile_template(selector, field="ResultSelector")
        outgoing.append(Stage("afterResultSelector", "ResultSelector", _ignoring_raw(choose)))
    if (place := placing(getattr(state, "result_path", ABSENT))) is not None:
        outgoing.append(Stage("afterResultPath", "ResultPath", place))
    if (select := filtering(state.output_path)) is not None:
        outgoing.append(Stage("output", "OutputPath", _ignoring_raw(select)))
    assign = None if state.assign is ABSENT else jsonpath_assign(state.assign)
    return _composed(incoming, outgoing, assign)


def _ignoring_raw(evaluate: Evaluate) -> Outgoing:
    return lambda value, _raw, env: evaluate(value, env)


def jsonpath_assign(template: Json) -> Assigned:
    return _ignoring_raw(templates.compile_template(template, field="Assign"))


# --- JSONata ------------------------------------------------------------------------------------
def jsonata_flow(state: State, *, has_result: bool) -> DataFlow:
    """The stages of a JSONata state; ``has_result`` tells the states whose work gives a result."""
    incoming: list[Stage] = []
    outgoing: list[Stage] = []
    arguments = getattr(state, "arguments", ABSENT)
    if arguments is not ABSENT:
        evaluate = jsonata.compile_template(arguments, "Arguments")
        incoming.append(Stage("afterArguments", "Arguments", lambda raw, env: evaluate({"input": raw}, env)))
    if state.output is not ABSENT:
        outgoing.append(Stage("output", "Output", jsonata_outgoing(state.output, "Output", has_result)))
    assign = None
    if state.assign is not ABSENT:
        assign = jsonata_outgoing(state.assign, "Assign", has_result)
    return _composed(incoming, outgoing, assign)


def jsonata_outgoing(template: Json, location: str, has_result: bool, name: str = "result") -> Outgoing:
    """An Output or Assign: sees ``$states.input`` and, where there is one, the result or error output."""
    evaluate = jsonata.compile_template(template, location)
    if not has_result:
        return lambda _result, raw, env: evaluate({"input": raw}, env)
    return lambda result, raw, env: evaluate({"input": raw, name: result}, env)


# --- both ---------------------------------------------------------------------------------------
WITH_RESULT = frozenset({"Task", "Parallel", "Map"})


def compile_flow(state: State) -> DataFlow:
    """The data flow of a state in its own query language."""
    if state.query_language == JSONATA:
        return jsonata_flow(state, has_result=state.type in WITH_RESULT)
    # A Map's Parameters is its ItemSelector under the deprecated name: not a stage before the work.
    return jsonpath_flow(state, templated="" if state.type == "Map" else "parameters")


def compile_assign(state: State, template: Json, location: str, *, result: str | None) -> Assigned | None:
    """An Assign inside a Choice rule or a catcher (where ``result`` is "errorOutput")."""
    if template is ABSENT:
        return None
    if state.query_language == JSONATA:
        return jsonata_outgoing(template, location, result is not None, result or "result")
    return jsonpath_assign(template)


def _composed(incoming: list[Stage], outgoing: list[Stage], assign: Assigned | None) -> DataFlow:
    return DataFlow(tuple(incoming), tuple(outgoing), _before(incoming), _after(outgoing), assign)


def _before(stages: list[Stage]) -> Evaluate:
    if not stages:
        return identity
    if len(stages) == 1 or stages[-1].name == "result":
        run: Evaluate = stages[-1].run
        return run
    first, second = (stage.run for stage in stages)
    return lambda raw, env: second(first(raw, env), env)


def _after(stages: list[Stage]) -> Outgoing:
    if not stages:
        return keep_result
    if len(stages) == 1:
        run: Outgoing = stages[0].run
        return run
    inner, last = _after(stages[:-1]), stages[-1].run
    return lambda result, raw, env: last(inner(result, raw, env), raw, env)
