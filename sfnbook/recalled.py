"""Program -> the same program, with what cannot be computed again taken from a recording.

Where a state draws (a UUID, a random number) or reads the clock, computing it again would give other
values, other arguments and soon another branch.  So its output, arguments, variables, condition or
delay are the recorded ones, as long as the state stands at the same place with the same input,
variables and result; after an edit it computes.  A back-off is the recorded one while Retry is the
same, and a Map Run, whose children are executions of their own, ends as it did.  Everything else is
always computed: what the simulator does must be seen.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final, cast

from sfnbook.clock import microseconds
from sfnbook.definition import ABSENT, Definition, Map, State
from sfnbook.failing import resolve
from sfnbook.frames import JOINING, READING, RESULT, Change, Failure, Fan, Frame, Running
from sfnbook.program import CompiledChoice, CompiledMap, CompiledTask, CompiledWait, Program
from sfnbook.recordings.places import Visit, between
from sfnbook.scene import Scene, around
from sfnbook.tasks.recorded import Recorded, sent, with_token
from sfnbook.values import MISSING, Json, state_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sfnbook.program import Compiled
    from sfnbook.query.environment import Evaluate
    from sfnbook.recordings.events import Event

DRAWS: Final = re.compile(
    r"States\.(?:UUID|MathRandom)|\$(?:uuid|random|now|millis)\b|EnteredTime|RedriveTime"
    r"|\$\$(?:\.State|\.Execution|\.Task)?['\"]|\$states\.context(?:\.State|\.Execution|\.Task)?(?![.\w])"
)
"""What in a state's fields gives something else when it is computed again; a whole context has the time."""

MAIN: Final = "main"


def programs(given: Mapping[str, Program], recorded: Recorded) -> dict[str, Program]:
    """The programs, the main one with what was drawn in a recording."""
    return {key: _recalled(one, recorded) if key == MAIN else one for key, one in given.items()}


def _recalled(program: Program, recorded: Recorded) -> Program:
    states = dict(program.states)
    for pointer, state in program.states.items():
        if draws(state.definition) and recorded.knows(state.definition):
            states[pointer] = _Recall(state, recorded).state()
        if state.retry and recorded.retries(state.definition):
            states[pointer] = replace(states[pointer], backoff=_backoff(state.name, recorded))
    return program._replace(states=states)


def draws(state: State) -> bool:
    """Could this state give something else when it is computed again?"""
    if isinstance(state, Map) and state.distributed:
        return True
    own = (getattr(state, one.name) for one in fields(state))
    return any(DRAWS.search(repr(value)) for value in own if not _is_block(value))


def _is_block(value: Any) -> bool:
    return isinstance(value, Definition) or (
        isinstance(value, tuple) and any(isinstance(one, Definition) for one in value)
    )


class _Recall:
    """One compiled state whose closures look into the recording first."""

    def __init__(self, compiled: Any, recorded: Recorded) -> None:
        self.compiled, self.recorded = compiled, recorded

    def state(self) -> Compiled:
        """The compiled state with other closures."""
        compiled = self.compiled
        changes: dict[str, Any] = {"after": self._after(compiled.after)}
        if compiled.assign is not None:
            changes["assign"] = self._assign(compiled.assign)
        if compiled.catch:
            changes["catch"] = tuple(self._catcher(catcher) for catcher in compiled.catch)
        if isinstance(compiled, CompiledTask):
            changes["before"] = self._arguments(compiled.before)
        elif isinstance(compiled, CompiledWait):
            changes["delay"] = self._delay(compiled.delay)
        elif isinstance(compiled, CompiledChoice):
            changes["rules"] = tuple(self._rule(rule) for rule in compiled.rules)
        elif isinstance(compiled, CompiledMap) and compiled.selector is not None:
            changes["selector"] = self._selector(compiled.selector)
        return cast("Compiled", replace(compiled, **changes))

    def _visit(self, scene: Any) -> Visit | None:
        """The recorded visit that the scene's frame repeats: same place, same input, same variables."""
        return same_visit(self.recorded, scene.frame, self.compiled.name)

    def _after(self, compute: Any) -> Any:
        def after(result: Json, raw: Json, scene: Any) -> Json:
            visit = self._visit(scene)
            if visit is None or not _same_result(visit, scene.frame, result):
                return compute(result, raw, scene)
            left = _left(visit)
            return left["output"] if "output" in left else compute(result, raw, scene)

        return after

    def _assign(self, compute: Any) -> Any:
        def assign(result: Json, raw: Json, scene: Any) -> Any:
            visit = self._visit(scene)
            if visit is None or not _same_result(visit, scene.frame, result):
                return compute(result, raw, scene)
            return _left(visit).get("assignedVariables") or compute(result, raw, scene)

        return assign

    def _catcher(self, catcher: Any) -> Any:
        def caught(name: str, compute: Any) -> Any:
            def recall(error_output: Json, raw: Json, scene: Any) -> Json:
                visit = self._visit(scene)
                left = {} if visit is None or visit.then != state_name(catcher.next) else _left(visit)
                return left[name] if name in left else compute(error_output, raw, scene)

            return recall

        assign = None if catcher.assign is None else caught("assignedVariables", catcher.assign)
        return catcher._replace(after=caught("output", catcher.after), assign=assign)

    def _arguments(self, compute: Evaluate) -> Evaluate:
        def before(raw: Json, scene: Any) -> Json:
            computed, visit = compute(raw, scene), self._visit(scene)
            attempt = None if visit is None else visit.attempted(scene.frame.visit.retries + 1)
            there = None if attempt is None else sent(attempt)
            return computed if there is None else with_token(there, computed, scene.token)

        return before

    def _delay(self, compute: Any) -> Any:
        def delay(raw: Json, scene: Any) -> int:
            visit = self._visit(scene)
            if visit is None or visit.exited is None or visit.exited.time is None:
                return cast("int", compute(raw, scene))
            return microseconds(between(visit.entered, visit.exited))

        return delay

    def _rule(self, rule: Any) -> Any:
        def test(value: Json, scene: Any) -> bool:
            visit = self._visit(scene)
            if visit is None or visit.then is None:
                return bool(rule.test(value, scene))
            return bool(visit.then == state_name(rule.next))

        changes: dict[str, Any] = {"test": test}
        if rule.after is not None:
            changes["after"] = self._after(rule.after)
        if rule.assign is not None:
            changes["assign"] = self._assign(rule.assign)
        return rule._replace(**changes)

    def _selector(self, compute: Evaluate) -> Evaluate:
        def selector(effective: Json, scene: Any) -> Json:
            visit, frame = self._visit(scene), scene.frame
            flow = None if visit is None else _round(visit, frame).get(scene.item.index)
            first = None if flow is None else flow.first
            given = MISSING if first is None else first.entered.details.get("input", MISSING)
            return compute(effective, scene) if given is MISSING else given

        return selector


def same_visit(recorded: Recorded, frame: Frame, name: str) -> Visit | None:
    """The recorded visit at a frame's place, if it was entered with the same input and variables."""
    visit = recorded.visit(frame.scope.prefix + name, around(frame), frame.visit.number)
    if visit is None or frame.data != visit.entered.details.get("input", MISSING):
        return None
    return visit if frame.variables == visit.variables else None


def _left(visit: Visit) -> Mapping[str, Json]:
    return {} if visit.exited is None else visit.exited.details


def _round(visit: Visit, frame: Frame) -> dict[int, Any]:
    return visit.rounds.get(frame.visit.retries + 1, {})


def _same_result(visit: Visit, frame: Frame, result: Json) -> bool:
    """Is the result, before it is shaped, the recorded one?  States that do no work have none."""
    attempt = visit.attempted(frame.visit.retries + 1)
    if attempt is not None:
        ended = attempt.ended
        return ended is not None and bool(result == ended.details.get("output", MISSING))
    number = frame.visit.retries + 1
    if number in visit.runs or number not in visit.rounds:
        return True
    flows = [flow for _, flow in sorted(_round(visit, frame).items())]
    return bool(result == [_output(flow.current) for flow in flows])


def _output(visit: Visit | None) -> Json:
    return MISSING if visit is None else _left(visit).get("output", MISSING)


def _backoff(name: str, recorded: Recorded) -> Any:
    """How long the recording waited before the next attempt, where it failed in the same way."""

    def backoff(frame: Frame, failure: Failure) -> int | None:
        if isinstance(frame.work, Running):
            return _of_a_task(recorded, frame, name)
        visit = same_visit(recorded, frame, name)
        again = None if visit is None else visit.started.get(frame.visit.retries + 2)
        cause = None if again is None else recorded.places.events.get(again.previous)
        if again is None or cause is None or again.time is None:
            return None
        same = cause.details.get("error", failure.error) == failure.error
        return microseconds(between(cause, again)) if same else None

    return backoff


def _of_a_task(recorded: Recorded, frame: Frame, name: str) -> int | None:
    if frame.work.answered_by != "recording":
        return None
    visit = recorded.visit(frame.scope.prefix + name, around(frame), frame.visit.number)
    attempt = None if visit is None else visit.attempted(frame.visit.retries + 1)
    waited = None if attempt is None else attempt.backoff
    return None if waited is None else microseconds(waited)


# --- Map Runs -------------------------------------------------------------------------------------
def map_run(state: CompiledMap, frame: Frame, scene: Scene, recorded: Recorded) -> Change | None:
    """The next change of a Map Run that went as recorded; None if it has to be run."""
    known = recorded.inside and recorded.knows(state.definition)
    visit = same_visit(recorded, frame, state.name) if known else None
    events = [] if visit is None else visit.runs.get(frame.visit.retries + 1, [])
    if visit is None or not events:
        return None
    if frame.phase == READING:
        return _run_started(frame, scene, events)
    return _run_ended(state, frame, scene, visit, events[-1])


def _run_started(frame: Frame, scene: Scene, events: list[Event]) -> Change:
    fan: Fan = frame.work
    assert fan.run is not None  # noqa: S101 - a Map Run is a Distributed Map's
    ended = events[-1] if len(events) > 1 else None
    due = None if ended is None else scene.now + microseconds(between(events[0], ended))
    first = scene.next_event(frame)
    run = fan.run._replace(arn=str(events[0].details.get("mapRunArn") or fan.run.arn))
    work = fan._replace(number=scene.number, length=0, items=[], run=run)
    after = frame.at(JOINING, due, first, work)
    return Change("FanOutStarted", scene.now, frame, after, (), first, ("MapRunStarted",))


def _run_ended(state: CompiledMap, frame: Frame, scene: Scene, visit: Visit, ended: Event) -> Change:
    fan: Fan = frame.work
    if not ended.type.endswith("Succeeded"):
        error, cause = ended.details.get("error"), ended.details.get("cause")
        return resolve(state, frame, scene, Failure(error, cause, state.pointer))
    first = scene.next_event(frame)
    work = Running(
        fan.effective, _result(cast("Map", state.definition), visit), None, answered_by="recording"
    )
    after = frame.at(RESULT, scene.now, first, work)
    events = ("MapRunSucceeded", "MapStateSucceeded")
    return Change("FanOutSucceeded", scene.now, frame, after, (), first, events)


def _result(state: Map, visit: Visit) -> Json:
    """What the Map Run gave, where its state's output shows it; None where that was shaped further."""
    if any(one is not ABSENT for one in (state.result_selector, state.output, state.output_path)):
        return None
    output = _left(visit).get("output")
    path = "$" if state.result_path is ABSENT else state.result_path
    if path == "$" or not isinstance(path, str):
        return output if path == "$" else None
    for name in path.removeprefix("$.").split("."):
        output = output.get(name) if isinstance(output, dict) else None
    return output
