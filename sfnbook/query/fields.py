"""Fields that must come out as a number, an instant or a text, with AWS's words when they do not.

Each function compiles one field, in whichever of its spellings the state uses (``Seconds``,
``SecondsPath``, an expression), to a closure; None when the field is absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from sfnbook import tolerance
from sfnbook.clock import SECOND, parse_timestamp
from sfnbook.definition import ABSENT, JSONATA, State
from sfnbook.errors import QUERY_EVALUATION_ERROR, RUNTIME, Failed
from sfnbook.query import jsonata, paths, templates
from sfnbook.query.environment import Environment, Evaluate
from sfnbook.values import Json, text

Field: TypeAlias = Callable[[Json, Environment], Any]
"""A compiled field: reads the state's raw input."""

Convert: TypeAlias = Callable[[Json, str, "str | None"], Any]

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")

LONGEST_WAIT: Final = (2**31 - 1) * SECOND


def asl_name(attribute: str) -> str:
    """The ASL name of an attribute.

    >>> asl_name("timeout_seconds_path")
    'TimeoutSecondsPath'
    """
    return "".join(word.capitalize() for word in attribute.split("_"))


def expression(value: Json, location: str) -> Evaluate:
    """A JSONata field: evaluated with ``$states.input`` alone."""
    evaluate = jsonata.compile_template(value, location)
    return lambda raw, env: evaluate({"input": raw}, env)


def number(state: State, attribute: str, convert: Convert) -> Field | None:
    """A numeric field of a state in its three spellings."""
    literal, path = getattr(state, attribute), getattr(state, attribute + "_path", ABSENT)
    return setting(literal, path, asl_name(attribute), state.query_language, convert)


def setting(
    literal: Json, path: Json, name: str, language: str, convert: Convert, place: str = ""
) -> Field | None:
    """A number as a literal, a path or an expression; ``convert(value, name, path)`` checks what came out."""
    if path is not ABSENT:
        follow = paths.compile_path(path)
        return lambda raw, env: convert(follow(raw, env), name + "Path", path)
    if literal is ABSENT:
        return None
    if language == JSONATA and jsonata.is_expression(literal):
        evaluate = jsonata.typed(expression(literal, place + name), "number", literal, place + name)
        return lambda raw, env: convert(evaluate(raw, env), name, None)
    return lambda _raw, _env: convert(literal, name, None)


def seconds(value: Json, name: str, path: str | None) -> int:
    """TimeoutSeconds and HeartbeatSeconds, as microseconds."""
    whole = tolerance.integer(value, name, path)
    if whole < 1:
        raise Failed(RUNTIME, f"{name.removesuffix('Path')} must be positive.")
    return whole * SECOND


def wait(state: Any) -> Field:
    """A Wait state's delay: a closure that gives the microseconds to wait from now on."""
    if state.query_language == JSONATA:
        return _wait_jsonata(state)
    if state.seconds_path is not ABSENT:
        path = state.seconds_path
        follow = paths.compile_path(path)
        return lambda raw, env: _delay_of_path(_found(follow, raw, env, path), path)
    if state.seconds is not ABSENT:
        delay = state.seconds * SECOND
        return lambda _raw, _env: delay
    return _wait_until(state)


def _found(follow: Evaluate, raw: Json, env: Environment, path: str) -> Json:
    try:
        return follow(raw, env)
    except Failed:
        raise Failed(
            RUNTIME, f"The SecondsPath parameter does not reference an input value: {path}"
        ) from None


def _delay_of_path(value: Json, path: str) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        shown = value if isinstance(value, str) else text(value)
        raise Failed(
            RUNTIME, f"The SecondsPath parameter cannot be parsed as a long value: {path} == {shown}"
        )
    if value < 0:
        raise Failed(RUNTIME, f"The SecondsPath parameter references a negative value: {path} == {value}")
    return _bounded(value * SECOND)


def _bounded(delay: int) -> int:
    if delay > LONGEST_WAIT:
        raise Failed(RUNTIME, "Wait state delay is too long.")
    return max(delay, 0)


def _wait_until(state: Any) -> Field:
    if state.timestamp_path is ABSENT:
        until = parse_timestamp(state.timestamp) or 0
        return lambda _raw, env: _bounded(until - env.now)
    path = state.timestamp_path

    def no_instant(shown: str) -> Failed:
        what = "does not reference a valid ISO-8601 extended offset date-time format string"
        return Failed(RUNTIME, f"The TimestampPath parameter {what}: {path} == {shown}")

    return _until(paths.compile_path(path), no_instant)


def _wait_jsonata(state: Any) -> Field:
    if state.seconds is not ABSENT:
        evaluate = expression(state.seconds, "Seconds")
        if jsonata.is_expression(state.seconds):
            evaluate = jsonata.typed(evaluate, "number", state.seconds, "Seconds")
        return lambda raw, env: _delay_of_number(evaluate(raw, env))

    def no_instant(shown: str) -> Failed:
        what = "cannot be parsed as an ISO-8601 extended offset date-time format string"
        return Failed(QUERY_EVALUATION_ERROR, f"The Timestamp field {what}: {shown}", location="Timestamp")

    return _until(expression(state.timestamp, "Timestamp"), no_instant)


def _until(read: Evaluate, no_instant: Callable[[str], Failed]) -> Field:
    def delay(raw: Json, env: Environment) -> int:
        value = read(raw, env)
        until = parse_timestamp(value)
        if until is None:
            raise no_instant(value if isinstance(value, str) else text(value))
        return _bounded(until - env.now)

    return delay


def _delay_of_number(value: Json) -> int:
    if value < 0:
        raise Failed(QUERY_EVALUATION_ERROR, "The Seconds field cannot be negative.", location="Seconds")
    return _bounded(int(value) * SECOND)


def label(state: State, attribute: str) -> Field:
    """Error or Cause of a Fail state; gives None when the field is absent."""
    literal, path = getattr(state, attribute), getattr(state, attribute + "_path")
    name = asl_name(attribute)
    if path is not ABSENT:
        return text_of_path(templates.compile_value(path, name + "Path"), name + "Path", path)
    if state.query_language == JSONATA and literal is not ABSENT:
        return jsonata.typed(expression(literal, name), "string", literal, name)
    shown = None if literal is ABSENT else literal
    return lambda _raw, _env: shown


def text_of_path(follow: Evaluate, name: str, path: str) -> Field:
    """A field whose path or intrinsic function has to find a text."""

    def read(raw: Json, env: Environment) -> str:
        value = follow(raw, env)
        if not isinstance(value, str):
            raise Failed(
                RUNTIME, f'The {name} field refers to value "{text(value)}" which is not a string: {path}'
            )
        return value

    return read
