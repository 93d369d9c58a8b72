"""What happens next: one rule for each kind of state and phase, in the table `RULES`.

A rule reads the compiled state, the frame and the scene, and gives a `Change`, or a `Request` where
somebody has to be asked first: for a Task that is about to start, for a Distributed Map's items and
results.  It changes nothing and never looks at the changes so far.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sfnbook import failing, fanout, nested, working
from sfnbook.errors import RUNTIME, TIMEOUT, Failed
from sfnbook.family import container_of, halted, stopped_below, wake
from sfnbook.frames import (
    ANSWERED,
    AWAITING,
    BIRTH,
    DEADLINE,
    ENDED,
    ENTER,
    EXPIRING,
    FAILED,
    FANNING,
    JOINING,
    LAPSED,
    NESTED,
    POLLING,
    READING,
    RESULT,
    RETRYING,
    RETURNED,
    SCHEDULED,
    STARTED,
    STOPPING,
    TIMED_OUT,
    WAITING,
    WORK,
    Change,
    Failure,
    Frame,
    Left,
    Nested,
    Visit,
)
from sfnbook.values import exceeds
from sfnbook.working import Request

if TYPE_CHECKING:
    from sfnbook.program import Compiled, CompiledChoice, CompiledFail, CompiledTask, CompiledWait
    from sfnbook.query.dataflow import Assigned, Outgoing
    from sfnbook.scene import Scene
    from sfnbook.values import Json

Rule: TypeAlias = Callable[[Any, Frame, Any], Any]

_new = tuple.__new__  # a NamedTuple's own constructor costs three times as much


def decide(frame: Frame, scene: Scene, now: int, number: int) -> Change | Request:
    """The next change of a frame; ``number`` is the change's place in the execution."""
    state = scene.look(frame, now, number)
    try:
        change: Change | Request = RULES[state.type][frame.phase](state, frame, scene)
    except Failed as problem:
        return failing.resolve(state, frame, scene, failing.failure_of(problem, state, frame))
    return change


# --- entering and leaving -------------------------------------------------------------------------
def enter(state: Compiled, frame: Frame, scene: Scene) -> Change:
    """Enter a state: the visit begins."""
    first, now = scene.first, scene.now
    visit = visit_of(state, frame, scene, first)
    after = _new(
        Frame,
        (frame.id, frame.scope, frame.state, WORK, frame.data, frame.variables, visit, now, first, None),
    )
    return _new(Change, ("StateEntered", now, frame, after, (), first, ENTERED[state.type]))


def visit_of(state: Compiled, frame: Frame, scene: Scene, first: int) -> Visit:
    """A new visit; only states on a cycle can have a second one, so only they are counted."""
    counts = frame.visit.counts
    number = 1
    if state.cyclic:
        number = counts.get(state.pointer, 0) + 1
        counts = {**counts, state.pointer: number}
    return _new(Visit, (number, scene.now, frame.event, first, 0, (), counts))


def leave(
    state: Compiled,
    frame: Frame,
    scene: Scene,
    result: Json,
    *,
    to: str | None = None,
    after: Outgoing | None = None,
    assign: Assigned | None = None,
    rule: int | None = None,
) -> Change:
    """Make the output, assign the variables, and go to the next state or the end."""
    raw = frame.data
    output = (after or state.after)(result, raw, scene)
    if output is not raw and exceeds(output, scene.payload_bytes):
        failure = failing.too_large(output, state.name, "output", state, scene.payload_bytes)
        assert failure is not None  # noqa: S101 - it was measured a line above
        return failing.resolve(state, frame, scene, failure)
    variables, work = frame.variables, None
    assign = assign or state.assign
    if assign is not None:
        assigned = assign(result, raw, scene)
        variables, work = {**variables, **assigned}, Left(assigned, rule)
        if (large := too_many_bytes(assigned, variables, state, scene)) is not None:
            return failing.resolve(state, frame, scene, large)
    elif rule is not None:
        work = Left({}, rule)
    target = to or state.next
    first, now = scene.first, scene.now
    phase, pointer = (ENDED, frame.state) if target is None else (ENTER, target)
    left = _new(
        Frame,
        (frame.id, frame.scope, pointer, phase, output, variables, frame.visit, now, first, work),
    )
    return _new(Change, ("StateExited", now, frame, left, (), first, EXITED[state.type]))


def born(_state: Compiled, frame: Frame, scene: Scene) -> Change:
    """A nested execution or a Distributed Map's child starts, with a history of its own."""
    first = scene.next_event(frame)
    after = frame._replace(phase=ENTER, due=scene.now, event=0)
    return Change("ExecutionStarted", scene.now, frame, after, (), first, ("ExecutionStarted",))


def too_many_bytes(
    assigned: Mapping[str, Json], variables: Mapping[str, Json], state: Compiled, scene: Scene
) -> Failure | None:
    """The failure of an Assign that goes over a quota of variables."""
    limits = scene.limits
    for stage, value, limit in (
        ("Assign", assigned, limits.variable_bytes),
        ("variables", variables, limits.stored_variable_bytes),
    ):
        if limit is not None and (large := failing.too_large(value, state.name, stage, state, limit)):
            return large
    return None


def end(state: Compiled, frame: Frame, scene: Scene) -> Change:
    """After the last state: the iteration, the branch or the execution ends."""
    parent = container_of(frame, scene)
    if parent is not None:
        return fanout.finish(frame, parent, scene)
    return failing.ended(state, frame, scene)


# --- the states without work of their own ---------------------------------------------------------
def pass_on(state: Compiled, frame: Frame, scene: Scene) -> Change:
    """Pass: the result is the effective input or the literal Result."""
    return leave(state, frame, scene, state.before(frame.data, scene))


def enter_wait(state: CompiledWait, frame: Frame, scene: Scene) -> Change:
    """Wait: entered and waiting at once; a delay that cannot be read fails in the next step."""
    entered = enter(state, frame, scene)
    assert entered.after is not None  # noqa: S101 - entering never ends a frame
    scene.look(entered.after, scene.now, scene.number)
    try:
        delay = state.delay(state.before(frame.data, scene), scene)
        after = entered.after._replace(phase=WAITING, due=scene.now + delay)
    except Failed as problem:
        after = entered.after._replace(phase=FAILED, work=failing.failure_of(problem, state, entered.after))
    return entered._replace(after=after)


def choose(state: CompiledChoice, frame: Frame, scene: Scene) -> Change:
    """Choice: the first rule that is true decides, else Default."""
    value = state.before(frame.data, scene)
    for index, rule in enumerate(state.rules):
        if rule.test(value, scene):
            return leave(
                state, frame, scene, value, to=rule.next, after=rule.after, assign=rule.assign, rule=index
            )
    if state.default is None:
        cause = "Failed to transition out of the state. The state does not point to a next state."
        raise Failed(RUNTIME, cause)
    return leave(state, frame, scene, value, to=state.default)


def fail(state: CompiledFail, frame: Frame, scene: Scene) -> Change:
    """Fail: ends the branch, the iteration or the execution with its Error and Cause."""
    failure = Failure(state.error(frame.data, scene), state.cause(frame.data, scene), state.pointer)
    return failing.climb(state, frame, scene, failure)


def take_result(state: Compiled, frame: Frame, scene: Scene) -> Change:
    """Task, Map, Parallel: leave with the result."""
    return leave(state, frame, scene, frame.work.result)


def submit(state: CompiledTask, frame: Frame, scene: Scene) -> Change:
    """TaskSubmitted: the service took the job or the callback request, or the nested execution runs."""
    change = working.submit(state, frame, scene)
    if isinstance(frame.work, Nested):
        assert change.after is not None  # noqa: S101 - submitting never ends a frame
        return change._replace(after=nested.submit(change.after, scene))
    return change


def ask(state: Compiled, frame: Frame, _scene: Scene) -> Request:
    """The outside has to do something first: read a Distributed Map's items."""
    return Request(state, frame)


# --- the execution's own clock ----------------------------------------------------------------------
def time_out(_state: Compiled, frame: Frame, scene: Scene) -> Change:
    """The execution ran into its TimeoutSeconds: everything in it stops where it stands."""
    top = scene.frames[frame.work]
    first = scene.next_event(top)
    failure = Failure(TIMEOUT, None, top.state)
    after = top._replace(phase=TIMED_OUT, due=None, event=first, work=halted(top, failure))
    others = (*stopped_below(top, scene, TIMED_OUT), *wake(after, scene))
    return Change("ExecutionTimedOut", scene.now, top, after, others, first, ("ExecutionTimedOut",))


# --- the table --------------------------------------------------------------------------------------
ENTERED: Final = {
    kind: (f"{kind}StateEntered",)
    for kind in ("Pass", "Task", "Wait", "Choice", "Succeed", "Fail", "Parallel", "Map")
}
EXITED: Final = {kind: (f"{kind}StateExited",) for kind in ENTERED}

_ALL: Final[dict[str, Rule]] = {
    BIRTH: born,
    ENTER: enter,
    ENDED: end,
    FAILED: working.failed,
    LAPSED: working.failed,
    # Frames beside the states: an execution's own limit, an activity.
    DEADLINE: time_out,
    POLLING: working.poll,
}

RULES: Final[dict[str, dict[str, Rule]]] = {
    "Pass": {**_ALL, WORK: pass_on},
    "Succeed": {**_ALL, WORK: pass_on},
    "Fail": {**_ALL, WORK: fail},
    "Choice": {**_ALL, WORK: choose},
    "Wait": {**_ALL, ENTER: enter_wait, WAITING: pass_on},
    "Task": {
        **_ALL,
        WORK: working.schedule,
        RETRYING: working.schedule,
        SCHEDULED: working.start,
        STARTED: submit,
        NESTED: nested.expire,
        RETURNED: nested.finished,
        ANSWERED: working.answered,
        EXPIRING: working.expire,
        AWAITING: working.expire,
        RESULT: take_result,
    },
    "Parallel": {
        **_ALL,
        WORK: fanout.start_parallel,
        RETRYING: fanout.start_parallel,
        JOINING: fanout.join,
        STOPPING: fanout.stop,
        RESULT: take_result,
    },
    "Map": {
        **_ALL,
        WORK: fanout.start_map,
        RETRYING: fanout.start_map,
        READING: ask,
        FANNING: fanout.admit,
        JOINING: fanout.join,
        STOPPING: fanout.stop,
        RESULT: take_result,
    },
}
"""What a frame does next, by the kind of its state and its phase."""
