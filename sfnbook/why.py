"""Transition -> reasons: the decision in words, with what it was made of.

Like the data flow, a reason is computed when someone asks, from the frames before and after.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sfnbook import retry
from sfnbook.clock import NEVER, SECOND, duration, iso
from sfnbook.errors import DATA_LIMIT_EXCEEDED, EXCEED_TOLERATED_FAILURE_THRESHOLD, RUNTIME, Failed
from sfnbook.explain import Origin, scene_at, state_of
from sfnbook.failing import uses
from sfnbook.family import fan_of
from sfnbook.frames import (
    ANSWERED,
    AWAITING,
    READING,
    RESULT,
    WAITING,
    Awaiting,
    Change,
    Failure,
    Fan,
    Frame,
    MapRun,
    Nested,
    Running,
    Submitting,
    task_in,
)
from sfnbook.history import failure_of
from sfnbook.query import choice, paths
from sfnbook.values import state_name
from sfnbook.working import deadline, wait_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfnbook.scene import Scene
    from sfnbook.values import Json


@dataclass(frozen=True, slots=True)
class Why:
    """A decision in words; ``rows`` are what it was made of, in the order they were looked at."""

    text: str
    rows: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((self.text, *(f"  {row}" for row in self.rows)))

    def __bool__(self) -> bool:
        return bool(self.text)


def why(change: Change, origin: Origin, number: int) -> Why:
    """The reason of a transition; an empty Why where nothing was decided."""
    explain = EXPLAINERS.get(change.kind)
    return Why("") if explain is None else explain(change, origin, number)


def _exited(change: Change, origin: Origin, number: int) -> Why:
    frame = change.before
    if frame is None:
        return Why("")
    state = state_of(origin, frame)
    if state.type != "Choice" or change.after is None:
        return Why("")
    scene = scene_at(origin, frame, change.time, number)
    value = state.before(frame.data, scene)
    taken = next((index for index, rule in enumerate(state.rules) if _true(rule, value, scene)), None)
    rows = _rows_of_rules(value, scene, state, len(state.rules) if taken is None else taken + 1)
    target = state_name(change.after.state)
    if taken is None:
        return Why(f"No rule is true, so Default decides: {target}.", tuple(rows))
    return Why(f"Rule {taken + 1} of {len(state.rules)} is the first that is true: {target}.", tuple(rows))


def _rows_of_rules(value: Json, scene: Scene, state: Any, length: int) -> list[str]:
    rows: list[str] = []
    for index, rule in enumerate(state.definition.choices[:length]):
        rows += _rule_rows(index, rule.rule, value, scene, state)
    return rows


def _true(rule: Any, value: Json, scene: Scene) -> bool:
    try:
        return bool(rule.test(value, scene))
    except Failed:
        return False


def _rule_rows(index: int, rule: Json, value: Json, scene: Scene, state: Any) -> list[str]:
    if not isinstance(rule, dict):
        outcome = "true" if _true(state.rules[index], value, scene) else "false"
        return [f"rule {index + 1}: {rule}: {outcome}"]
    try:
        row = choice.explain_rule(rule, value, scene)
    except Failed as problem:
        return [f"rule {index + 1}: {problem.cause}"]
    return [f"rule {index + 1}: {row.text}", *_nested(row.rows, 1)]


def _nested(rows: Any, depth: int) -> list[str]:
    lines: list[str] = []
    for row in rows:
        lines += ["  " * depth + row.text, *_nested(row.rows, depth + 1)]
    return lines


def _retried(change: Change, origin: Origin, _number: int) -> Why:
    frame, after = change.before, change.after
    if frame is None or after is None or after.due is None:
        return Why("")
    state = state_of(origin, frame)
    failure: Failure = after.work
    index = next(
        n
        for n, used in enumerate(after.visit.used)
        if used != (frame.visit.used[n] if frame.visit.used else 0)
    )
    retrier = state.retry[index]
    used = after.visit.used[index]
    wait = f"{(after.due - change.time) / 1_000_000:.15g} s"  # a number as the formula has it
    formula = f"{retrier.interval_seconds} s × {retrier.backoff_rate:g}^{used - 1}"
    base = retry.base_delay(retrier, used - 1)
    if retrier.max_delay_seconds is not None and base == retrier.max_delay_seconds:
        formula += f", at most MaxDelaySeconds {retrier.max_delay_seconds} s"
    if retrier.jitter_strategy == "FULL":
        formula += f", JitterStrategy FULL: somewhere between 0 and {base:.15g} s"
    if failure.backoff is not None:
        formula = f"the recorded delay; the retrier computes {formula}"
    return Why(
        f"Retrier {index + 1} takes {failure.error}: attempt {after.visit.retries + 1} starts in {wait} "
        f"({formula}; {used} of {retrier.max_attempts} retries used).",
        tuple(_retrier_rows(state, frame, failure, stop=index)),
    )


def _retrier_rows(state: Any, frame: Frame, failure: Failure, stop: int | None = None) -> list[str]:
    rows = []
    for index, retrier in enumerate(state.retry):
        names = ", ".join(retrier.error_equals)
        if not retry.matches(retrier.error_equals, failure.error, heartbeat=failure.heartbeat):
            rows.append(
                f"retrier {index + 1} [{names}]: does not match {failure.error}{_never(names, failure)}"
            )
            continue
        used = uses(frame, index)
        if index == stop:
            rows.append(
                f"retrier {index + 1} [{names}]: matches, used {used} of {retrier.max_attempts} times before"
            )
        else:
            rows.append(
                f"retrier {index + 1} [{names}]: matches, but {_spent(retrier.max_attempts)}; "
                "the first match decides, so later retriers are not asked"
            )
        break
    return rows


def _spent(most: int) -> str:
    few = {0: "with MaxAttempts 0 it never retries", 1: "its only retry is used up"}
    return few.get(most, f"its {most} retries are used up")


def _never(names: str, failure: Failure) -> str:
    if "States.TaskFailed" in names and (failure.error or "").endswith("Timeout"):
        return " (States.TaskFailed matches every error but a timeout)"
    return ""


def _catcher_rows(state: Any, failure: Failure, stop: int | None = None) -> list[str]:
    rows = []
    for index, catcher in enumerate(state.catch):
        names = ", ".join(catcher.definition.error_equals)
        if retry.matches(catcher.definition.error_equals, failure.error, heartbeat=failure.heartbeat):
            rows.append(f"catcher {index + 1} [{names}]: matches, goes to {state_name(catcher.next)}")
            break
        rows.append(f"catcher {index + 1} [{names}]: does not match {failure.error}{_never(names, failure)}")
        if index == stop:
            break
    return rows


def _caught(change: Change, origin: Origin, _number: int) -> Why:
    frame, after = change.before, change.after
    if frame is None or after is None:
        return Why("")
    state = state_of(origin, frame)
    index, failure = after.work.rule, after.work.failure
    rows = _retrier_rows(state, frame, failure) + _catcher_rows(state, failure, stop=index)
    path = state.catch[index].definition.result_path
    where = (
        "replaces the input"
        if not isinstance(path, str) or path == "$"
        else f"is put at {path} of the raw input"
    )
    return Why(
        f"Catcher {index + 1} takes {failure.error}: next is {state_name(after.state)}; "
        f"the Error Output {where}.",
        tuple(rows),
    )


def _failed(change: Change, origin: Origin, number: int) -> Why:
    failure = failure_of(change.frame)
    frame = change.before if change.kind != "FanOutFailed" else change.others[0][0]
    if failure is None or frame is None:
        return Why("")
    state = state_of(origin, frame)
    shown = failure.error or "an error without a name"
    rows: list[str] = [*_told(frame.work)]
    fan = fan_of(frame)
    if failure.error == EXCEED_TOLERATED_FAILURE_THRESHOLD and fan is not None and fan.run is not None:
        rows.append(f"{fan.run.failed_items} of {fan.run.total} items failed; {_tolerance(fan.run)}")
    if failure.error == RUNTIME:
        rows.append("States.Runtime is never retried and never caught, not even by States.ALL")
        rows += _runtime_rows(frame, state, change, origin, number)
    elif failure.error == DATA_LIMIT_EXCEEDED and failure.limit:
        stage, size = failure.limit
        allowed = origin.limits.payload_bytes
        rows.append(
            f"{stage}: {size:,} bytes, AWS takes {allowed or 0:,}; limits=None lifts the limit, "
            "sfnbook.AWS_LIMITS._replace(payload_bytes=...) moves it"
        )
    elif state.retry or state.catch:
        rows += _retrier_rows(state, frame, failure) + _catcher_rows(state, failure)
    elif state.type != "Fail":
        rows.append(f"{state.name} has no Retry and no Catch")
    return Why(f"{shown} in {state.name}: nobody takes it, so {FATE[change.kind]}.", tuple(rows))


FATE: Final = {
    "ExecutionFailed": "the execution fails",
    "FanOutFailed": "the Map or Parallel around it fails at once",
}


def _runtime_rows(frame: Frame, state: Any, change: Change, origin: Origin, number: int) -> list[str]:
    """What stood in the way of the interpreter: a full history, rules, or a path that found nothing."""
    failure = failure_of(change.frame)
    if failure is not None and failure.limit:
        what, limit = failure.limit
        return [f"{limit:,} {what} are all that AWS allows; limits=None lifts the limit"]
    scene = scene_at(origin, frame, change.time, number)
    value = _where_it_failed(frame, state, scene)
    rows = _rows_of_rules(value, scene, state, len(state.rules)) if state.type == "Choice" else []
    found = PATH_IN_CAUSE.search((failure.cause if failure else None) or "")
    if found is not None:
        path = found["quoted"] or found["bare"]
        near = paths.nearest(_root(path, value, scene), path)
        rows += [f"nearest to {path}: {', '.join(near)}"] if near else []
    return rows


PATH_IN_CAUSE: Final = re.compile(
    r"(?:JSONPath|Invalid path) '(?P<quoted>\$[^']*)'|input value: (?P<bare>\$\S*)"
)


def _where_it_failed(frame: Frame, state: Any, scene: Scene) -> Json:
    """What the stage was given that could not be evaluated."""
    value = frame.data
    try:
        for stage in state.flow.incoming:
            value = stage.run(value, scene)
        if frame.phase == RESULT:
            value = frame.work.result
        elif state.type not in ENDS_WITH_ITS_STAGES:
            return value
        for stage in state.flow.outgoing:
            value = stage.run(value, frame.data, scene)
    except Failed:
        pass
    return value


ENDS_WITH_ITS_STAGES: Final = frozenset({"Pass", "Succeed"})


def _root(path: str, value: Json, scene: Scene) -> Json:
    """What the root of a path stands for: ``$$`` the context object, ``$name`` a variable."""
    if path.startswith("$$"):
        return scene.context_of(scene.frame)
    name = re.match(r"\$([^\W\d]\w*)", path)
    return scene.variables.get(name[1]) if name else value


def _task_failed(change: Change, origin: Origin, _number: int) -> Why:
    frame, failure = change.after, failure_of(change.frame)
    if frame is None or failure is None:
        return Why("")
    told, by = _told(frame.work), getattr(frame.work, "answered_by", "")
    if by == "injected":
        told = ("the error was injected", *told)
    if told and by != "recording":
        return Why("; ".join(told))
    state = state_of(origin, frame)
    shown = failure.error or "an error without a name"
    cause = "" if not failure.cause else f": {failure.cause.partition(chr(10))[0]}"
    return Why(f"The Task failed with {shown}{cause}", (*told, *_asked(state, frame, failure)))


def _asked(state: Any, frame: Frame, failure: Failure) -> list[str]:
    """What Retry and Catch will say to a failure."""
    if failure.error == RUNTIME:
        return []
    index = retry.first_match(state.retry, failure.error, heartbeat=failure.heartbeat)
    again = index is not None and uses(frame, index) < state.retry[index].max_attempts
    rows = _retrier_rows(state, frame, failure, stop=index if again else None)
    return rows if again else rows + _catcher_rows(state, failure)


def _timed_out(change: Change, origin: Origin, _number: int) -> Why:
    frame = change.before
    if frame is None:
        return Why("")
    if change.kind == "ExecutionTimedOut":
        return _execution_timed_out(frame, origin)
    task, failure = task_in(frame.work), failure_of(change.frame)
    missed = failure is not None and failure.heartbeat
    limit = task.heartbeat if task and missed else (task.timeout if task else None)
    name = "HeartbeatSeconds" if missed else "TimeoutSeconds"
    shown = "its default, 99999999 s," if limit is None else f"{limit / 1_000_000:.15g} s"
    since = "the last heartbeat" if missed else "the start of the attempt"
    return Why(f"No answer within {name} ({shown}) of {since}: States.Timeout.", _told(change.frame.work))


def _execution_timed_out(frame: Frame, origin: Origin) -> Why:
    execution = frame.scope.execution
    express = execution.type == "EXPRESS"
    quota = origin.limits.express_seconds if express else origin.limits.standard_seconds
    limit = origin.programs[execution.machine].definition.timeout_seconds
    if limit is not None and (quota is None or limit <= quota):
        return Why(f"The state machine's TimeoutSeconds ({limit} s) is over; nothing can catch that.")
    kind = "An Express" if express else "A Standard"
    return Why(f"{kind} execution runs at most {quota} s; nothing can catch that.")


def _fan_started(change: Change, origin: Origin, _number: int) -> Why:
    after = change.after
    fan = None if after is None else after.work
    if after is None or not isinstance(fan, Fan):
        return Why("")
    if fan.items is None:
        return Why(f"All {fan.length} branches start at once, each with a copy of the effective input.")
    most = f", at most {fan.limit} at a time" if fan.limit else ", all at once"
    if fan.run is None:
        return Why(f"{fan.length} items{most}.")
    if after.phase == READING:
        return Why("A Distributed Map: each iteration is an execution of its own. Next its items are read.")
    return Why(f"{_items_of(fan, fan.run, state_of(origin, after))}{most}.", (_tolerance(fan.run),))


def _items_of(fan: Fan, run: MapRun, state: Any) -> str:
    source = "the state's data" if run.sources is None else run.sources.source
    counted = f"{run.total} items of {source}"
    if run.batches is None:
        return counted
    given = state.definition.item_batcher
    bounds = ", ".join(f"{name} {given[name]}" for name in given if name.startswith("Max"))
    return f"{counted} in {fan.length} batches ({bounds})"


def _tolerance(run: MapRun) -> str:
    if not run.tolerated_count and not run.tolerated_percentage:
        return "tolerated failures: none"
    bounds = f"{run.tolerated_count} items, {run.tolerated_percentage:g} %"
    return f"tolerated failures: {bounds}; a 0 sets no bound"


def _submitted(change: Change, origin: Origin, _number: int) -> Why:
    after = change.after
    if after is None or after.phase != AWAITING:
        return Why("")
    work: Awaiting = after.work
    rows = [f"token {work.task.token}"]
    if after.due is not None:
        rows.append(f"it times out at {_at(after.due, origin)}")
    return Why("Waits for SendTaskSuccess or SendTaskFailure with the task token.", tuple(rows))


def _at(moment: int, origin: Origin) -> str:
    return duration((moment - origin.started) / SECOND)


def _answered(change: Change, origin: Origin, _number: int) -> Why:
    after = change.after
    wait = None if after is None else wait_in(after)
    if after is None or after.due is None or wait is None or wait.coming is None:
        return Why("")
    arrives = "never comes" if wait.coming.due >= NEVER else f"arrives at {_at(wait.coming.due, origin)}"
    if after.phase == ANSWERED:
        return Why(f"The answer is on its way: it {arrives}." if after.due > change.time else "")
    late = f"{_limit(after)} strikes before, at {_at(after.due, origin)}"
    return Why(f"The answer {arrives}, but {late}.")


def _limit(frame: Frame) -> str:
    failure = failure_of(frame)
    return "HeartbeatSeconds" if failure is not None and failure.heartbeat else "TimeoutSeconds"


def _beat(change: Change, origin: Origin, _number: int) -> Why:
    after = change.after
    wait = None if after is None else wait_in(after)
    due = None if wait is None else deadline(wait)
    if due is None:
        return Why("")
    return Why(f"Without further heartbeats or an answer it times out at {_at(due, origin)}.")


def _entered(change: Change, origin: Origin, _number: int) -> Why:
    after = change.after
    if after is None or after.phase != WAITING or after.due is None:
        return Why("")
    until = f"{(after.due - origin.started) / SECOND:.15g} s, {iso(after.due)}"
    return Why(f"Waits {(after.due - change.time) / SECOND:.15g} s, until {until}.")


def _started(change: Change, _origin: Origin, _number: int) -> Why:
    if change.before is not None and isinstance(change.before.work, Awaiting):
        return _taken(change, change.before.work)
    work = None if change.after is None else change.after.work
    if isinstance(work, Submitting):
        work = work.running
    if isinstance(work, Running) and work.answered_by:
        by = ANSWERED_BY.get(work.answered_by, f"tasks[{work.answered_by!r}]")
        return Why(f"Answered by {by}.", _told(work))
    if isinstance(work, Nested):
        return Why("A nested execution runs.")
    return Why("")


def _told(work: Any) -> tuple[str, ...]:
    """What whoever answered said of the reason: which fault struck, for one."""
    return (work.why,) if isinstance(work, Running) and work.why else ()


def _taken(change: Change, wait: Awaiting) -> Why:
    """An activity task that was scheduled before, and waited in line."""
    work = None if change.after is None else change.after.work
    who = getattr(work, "worker", None) or "A worker"
    answer = getattr(work, "answered_by", "")
    by = f"; its answer is tasks[{answer!r}]" if answer else ""
    return Why(f"{who} took it after {duration((change.time - wait.beat) / SECOND)} in the queue{by}.")


ANSWERED_BY: Final = {"injected": "an injected error or a set result", "recording": "the recording"}
"""Who answers that is no key of ``tasks``."""


def _execution_started(change: Change, _origin: Origin, _number: int) -> Why:
    scope = change.frame.scope
    if scope.execution.started_by is not None:
        return Why(scope.execution.started_by.text, scope.execution.started_by.rows)
    return Why(f"Started by the Task {scope.prefix.rstrip('/')}.") if scope.parent is not None else Why("")


EXPLAINERS: Final[dict[str, Callable[[Change, Origin, int], Why]]] = {
    "ExecutionStarted": _execution_started,
    "StateEntered": _entered,
    "TaskSubmitted": _submitted,
    "Answered": _answered,
    "Heartbeat": _beat,
    "StateExited": _exited,
    "RetryScheduled": _retried,
    "Caught": _caught,
    "ExecutionFailed": _failed,
    "FanOutFailed": _failed,
    "TaskFailed": _task_failed,
    "TaskTimedOut": _timed_out,
    "ExecutionTimedOut": _timed_out,
    "FanOutStarted": _fan_started,
    "TaskStarted": _started,
}
