"""Sample results: a plausible answer for any Task, so that a definition nobody prepared steps to its end.

What a service answers is in its model (`shapes`, `plausible`), what later states read of it in the
definition (`reading`).  Where a Choice waits for a value, the first visit gets the one that leads on,
and later visits move through the others, so a loop ends.  The same seed gives the same samples.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from sfnbook.definition import ABSENT, Task
from sfnbook.tasks import functions, models, shapes
from sfnbook.tasks.naming import Facts
from sfnbook.tasks.needs import Need
from sfnbook.tasks.plausible import NOTHING, value
from sfnbook.tasks.protocol import Call, Outcome
from sfnbook.tasks.reading import Reading
from sfnbook.tasks.resources import Resource, invokes_lambda, parse_resource
from sfnbook.tasks.services.calling import UNDECORATED
from sfnbook.tasks.services.jobs import JOBS
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sfnbook.definition import Definition


class Sampler:
    """Answers for the Tasks of these definitions; each is looked at when it is first asked for."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions = tuple(definitions)
        self._readings: dict[int, Reading] = {}
        self._needs: dict[tuple[str, str], Need] = {}

    def call(self, call: Call) -> Outcome:
        """A sample for one attempt.  How often each Task was asked is its memory."""
        need = self.need(call.state, call.resource)
        memory, visit = call.memory, 0
        if _varies(need):
            visits = dict(memory or ())
            visit = visits.get(call.path, 0)
            memory = tuple({**visits, call.path: visit + 1}.items())
        why = _told(call.resource, need, visit)
        return Outcome(result_of(call, need, visit), submitted=accepted(call), memory=memory, why=why)

    def need(self, state: str, resource: str) -> Need:
        """What the definition of a Task reads of its result."""
        if (state, resource) not in self._needs:
            self._needs[state, resource] = self._look(state, resource)
        return self._needs[state, resource]

    def _look(self, state: str, resource: str) -> Need:
        for number, definition in enumerate(self.definitions):
            for task in definition.walk():
                if isinstance(task, Task) and (task.name, task.resource) == (state, resource):
                    return self._reading(number).results.get(task.pointer, NOTHING)
        return NOTHING

    def _reading(self, number: int) -> Reading:
        if number not in self._readings:
            self._readings[number] = Reading(self.definitions[number])
        return self._readings[number]


def sample_input(definition: Definition) -> Json:
    """An input with all that a definition reads of it.

    >>> from sfnbook.parse import definition
    >>> states = {"A": {"Type": "Pass", "InputPath": "$.order.quantity", "End": True}}
    >>> sample_input(definition({"StartAt": "A", "States": states}))
    {'order': {'quantity': 1}}
    """
    made = value(None, Reading(definition).input, "", Facts())
    return {} if made is ABSENT else made


# --- one result -------------------------------------------------------------------------------------
def result_of(call: Call, need: Need | None = None, visit: int = 0, *, brief: bool = False) -> Json:
    """A result for a call, as the history would show it; ``brief`` is for reading and pasting."""
    need = need or NOTHING
    resource = parse_resource(call.resource)
    facts = facts_of(call, resource, visit, brief=brief)
    if resource.pattern == "token" or resource.kind not in {"integration", "sdk", "http"}:
        return _free(need, facts)
    if invokes_lambda(resource):
        return _invoked(resource, call, need, facts)
    special = SPECIAL.get((resource.service, resource.action))
    if special is not None:
        return special(need, facts)
    shape = shapes.output_shape(resource)
    if shape is None and resource.pattern != "request" and (made := _ended(resource, need, facts)):
        return made
    shape = shape or shapes.FALLBACKS.get(_key(resource))
    made = _free(need, facts) if shape is None else value(shape, need, "", facts)
    if made is ABSENT or not isinstance(made, dict):
        return {}
    if resource.kind == "integration" and resource.service not in UNDECORATED and not brief:
        made |= functions.metadata(call, text(made), 200, {})
    return made


def _key(resource: Resource) -> str:
    suffix = "" if resource.pattern == "request" else f".{resource.pattern}"
    return f"{resource.service}:{resource.action}{suffix}"


def _free(need: Need, facts: Facts) -> Json:
    """A result that is anyone's to choose: what is read of it."""
    made = value(None, need, "", facts)
    return {} if made is ABSENT else made


def _invoked(resource: Resource, call: Call, need: Need, facts: Facts) -> Json:
    payload = need.members.get("Payload", NOTHING)
    if resource.kind == "sdk":
        payload = payload.parsed or NOTHING
    if facts.brief:
        return {"Payload": _free(payload, facts)}
    return functions.response(resource, call, _free(payload, facts))


def accepted(call: Call) -> Json:
    """What a service answers when it takes a job or a callback request; None where nothing is submitted."""
    resource = parse_resource(call.resource)
    if resource.pattern == "request" or resource.kind == "activity":
        return None
    suffix = {"sync": ".sync", "sync:2": ".sync:2", "token": ".waitForTaskToken"}[resource.pattern]
    return result_of(call._replace(resource=call.resource.removesuffix(suffix)))


def facts_of(call: Call, resource: Resource, visit: int, *, brief: bool = False) -> Facts:
    """What a sample may tell of its call."""
    context = call.context
    machine = str(context.get("StateMachine", {}).get("Id", "")).split(":")
    operation = models.operation(resource)
    facts = Facts(
        bits=call.bits,
        service=operation.service if operation else resource.service,
        given=call.input if isinstance(call.input, dict) else {},
        visit=visit,
        begins=resource.pattern == "request" and resource.action.startswith(_BEGIN),
        brief=brief,
    )
    if len(machine) > 4:
        facts = facts._replace(region=machine[3], account=machine[4])
    entered = context.get("State", {}).get("EnteredTime")
    return facts._replace(now=entered) if entered else facts


_BEGIN: Final = ("start", "create", "run", "submit", "delete", "update")


@cache
def _source(arn: str) -> str:
    resource = parse_resource(arn)
    described = resource.pattern != "token" and models.operation(resource) is not None
    return f"of the form that {resource.service} answers in" if described else "of no special form"


def _told(arn: str, need: Need, visit: int) -> str:
    """What a sample is made of, in words."""
    read = ", with what later states read of it" if need else ""
    turn = f"; asked {visit} times before, so the Choices after it get another value" if visit else ""
    return f"a sample, {_source(arn)}{read}{turn}"


def _varies(need: Need) -> bool:
    inner = [*need.members.values(), *need.items.values(), *([need.parsed] if need.parsed else ())]
    return bool(need.options) or any(map(_varies, inner))


# --- what has a form of its own ---------------------------------------------------------------------
def _answered_by_http(need: Need, facts: Facts) -> Json:
    return {
        "ResponseBody": _free(need.members.get("ResponseBody", NOTHING), facts),
        "Headers": {"Content-Type": ["application/json"]},
        "StatusCode": 200,
        "StatusText": "OK",
    }


SPECIAL: Final[dict[tuple[str, str], Callable[[Need, Facts], Json]]] = {
    ("apigateway", "invoke"): _answered_by_http,
    ("http", "invoke"): _answered_by_http,
    ("bedrock", "invokeModel"): lambda need, facts: {
        "Body": _free(need.members.get("Body", NOTHING), facts),
        "ContentType": "application/json",
    },
    ("eks", "call"): lambda need, facts: {
        "ResponseBody": _free(need.members.get("ResponseBody", NOTHING), facts),
        "StatusCode": 200,
        "StatusText": "OK",
    },
    ("eks", "runJob"): lambda need, facts: _free(need, facts) or {"status": {"succeeded": 1}},
}
"""Optimized integrations whose answer is no API's."""


# --- jobs -------------------------------------------------------------------------------------------
def _ended(resource: Resource, need: Need, facts: Facts) -> Json:
    """The last description of a job that ended well; None where nothing describes it."""
    job, shape = JOBS.get((resource.service, resource.action)), _described(resource)
    if job is None or shape is None:
        return None
    # What the result adds to the description, its readers put before the names.
    inner = Need()
    inner.take(need)
    for name, under in need.members.items():
        if name not in shape.members:
            inner.take(under)
    made = value(shape, inner, "", facts)
    return job.shown(_with_status(made, job.status.split("."), job.good.split()))


@cache
def _described(resource: Resource) -> shapes.Shape | None:
    """The shape of one job as its service describes it."""
    job, started = JOBS.get((resource.service, resource.action)), models.operation(resource)
    operation = models.named(started.service, job.describe) if job and started else None
    shape = shapes.shape_of(operation.model, operation.name) if operation else None
    for step in job.at.split(".") if job and job.at else ():
        if shape is not None:
            shape = shape.item if step.isdigit() else shape.members.get(step)
    return shape


def _with_status(made: Json, steps: list[str], good: list[str]) -> Json:
    """A description whose status is one of the good ones."""
    if not good or not isinstance(made, dict):
        return made
    first, *rest = steps
    if rest:
        return made | {first: _with_status(made.get(first) or {}, rest, good)}
    return made if made.get(first) in good else made | {first: good[0]}
