"""One state run alone: a frame, the engine's rules, a mock in place of the outside, and what is shown.

A Map and a Parallel start no children: their mock is the result that the children would have given.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sfnbook import distributed, failing, fanout, retry, tolerance
from sfnbook.clock import SECOND
from sfnbook.decide import RULES
from sfnbook.definition import ABSENT, JSONPATH
from sfnbook.errors import EXCEED_TOLERATED_FAILURE_THRESHOLD, TIMEOUT, Failed
from sfnbook.frames import ENTER, FAILED, RESULT, TOP, WORK, Change, Failure, Frame, Running, Scheduled
from sfnbook.history import failure_of
from sfnbook.items.batcher import batches
from sfnbook.items.formats import failed, items_of
from sfnbook.items.reader import MAX_ITEMS_NEGATIVE, read_items
from sfnbook.scene import Scene, shown_item
from sfnbook.teststate.mocks import refuse
from sfnbook.values import Json, state_name, text
from sfnbook.working import Request, started, task_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sfnbook.frames import FrameId
    from sfnbook.limits import Limits
    from sfnbook.program import CompiledMap, Program
    from sfnbook.tasks.protocol import Outcome
    from sfnbook.teststate.request import Configuration, Mock

ENDS: Final[dict[str, str]] = {
    "StateExited": "SUCCEEDED",
    "Caught": "CAUGHT_ERROR",
    "RetryScheduled": "RETRIABLE",
    "ExecutionFailed": "FAILED",
}
"""The change that ends a test, and TestState's status for it."""

NO_EVENT: Final = -1
"""The event before the test: the state is entered by event 0, which is none, so no cause names it."""

LONGEST: Final = 300 * SECOND
"""TestState runs for five minutes at most."""

_BEFORE: Final = ("afterInputPath", "afterParameters")
_AFTER: Final = ("afterResultSelector", "afterResultPath")

SHOWN_BEFORE: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("Pass", "Task"), _BEFORE),
    **dict.fromkeys(("Map", "Choice", "Wait", "Succeed", "Fail"), ("afterInputPath",)),
    "Parallel": (),
}
"""Stages that AWS shows of a JSONPath state, whether or not the field is written."""

SHOWN_AFTER: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(("Pass", "Task", "Map", "Parallel"), _AFTER)


class TrialScene(Scene):
    """A scene whose context object is the given one, if there is one."""

    __slots__ = ("given",)

    def __init__(
        self,
        frames: dict[FrameId, Frame],
        program: Program,
        limits: Limits,
        seed: int,
        given: dict[str, Any] | None,
    ) -> None:
        super().__init__(frames, {TOP: NO_EVENT}, {"main": program}, limits, seed)
        self.given = given

    def context_of(self, frame: Frame) -> dict[str, Any]:
        """The given context object, or that of a synchronous Express execution."""
        if self.given is None:
            context = super().context_of(frame)
            del context["Execution"]["RedriveCount"]
            return context
        item = {} if self.item is None else {"Map": {"Item": shown_item(self.item)}}
        return {**self.given, **item}


class Trial:
    """A state in the middle of its test; ``shown`` are the stages so far, as JSON values."""

    def __init__(
        self,
        state: Any,
        scene: TrialScene,
        mock: Mock | None,
        configuration: Configuration,
        answer: Callable[[Frame], Outcome],
    ) -> None:
        self.state, self.scene, self.mock = state, scene, mock
        self.configuration, self.answer = configuration, answer
        self.path_based = state.definition.query_language == JSONPATH
        self.shown: dict[str, Json] = {}

    # --- running --------------------------------------------------------------------------------
    def run(self) -> Change:
        """Step until the state is left, is to be retried, or has failed."""
        frame = self.scene.frames[TOP]
        number = 0
        while (change := self._step(frame, number)).kind not in ENDS:
            number += 1
            after = change.after
            assert after is not None  # noqa: S101 - only the end of a flow leaves no frame
            frame = self._entered(after) if change.kind == "StateEntered" else after
            self.scene.frames[TOP] = frame
            self.scene.counters[TOP] = frame.event
        return change

    def _entered(self, frame: Frame) -> Frame:
        """The frame after the retries that are said to have been."""
        count = self.configuration.retries
        used = (count,) * len(self.state.retry)
        frame = frame._replace(visit=frame.visit._replace(retries=count, used=used))
        self._show_before(frame)
        return frame

    def _step(self, frame: Frame, number: int) -> Change:
        now = max(self.scene.now, frame.due or 0)
        if now - frame.scope.execution.started > LONGEST:
            failure = Failure(TIMEOUT, None, self.state.pointer)
            return failing.fail_execution(frame, self.scene, failure)
        if frame.phase == RESULT or (frame.phase, self.state.type) == (WORK, "Pass"):
            self._show_after(frame, now)
        self.scene.look(frame, now, number)
        try:
            return self._ruled(frame)
        except Failed as problem:
            return self._fail(frame, failing.failure_of(problem, self.state, frame))

    def _ruled(self, frame: Frame) -> Change:
        if frame.phase == WORK and self.state.type in failing.CONTAINERS:
            return self._fan_out(frame)
        made = RULES[self.state.type][frame.phase](self.state, frame, self.scene)
        if isinstance(made, Request):
            return started(self.state, frame, self.scene, self.answer(frame))
        change: Change = made
        return change

    def _fail(self, frame: Frame, failure: Failure) -> Change:
        return failing.resolve(self.state, frame._replace(phase=FAILED, work=failure), self.scene, failure)

    # --- Map and Parallel -----------------------------------------------------------------------
    def _fan_out(self, frame: Frame) -> Change:
        mock, state = self.mock, self.state
        assert mock is not None  # noqa: S101 - the request was refused without one
        effective = state.before(frame.data, self.scene)
        failure = self._map_failure(effective) if state.type == "Map" else None
        if mock.fails:
            failure = Failure(mock.error, mock.cause, state.pointer)
        if failure is not None:
            return self._fail(frame, failure)
        given = Scheduled(effective, None, None, None)
        after = frame._replace(phase=RESULT, work=Running(given, mock.result, None))
        return Change("FanOutSucceeded", self.scene.now, frame, after, (), 0, ())

    def _map_failure(self, effective: Json) -> Failure | None:
        """Show what a Map makes of its input; its failure, if too many iterations are said to have failed."""
        state, shown, scene = self.state, self.shown, self.scene
        items = self._items(effective)
        count = state.tolerated_count(effective, scene) if state.tolerated_count else None
        percentage = state.tolerated_percentage(effective, scene) if state.tolerated_percentage else None
        shown["maxConcurrency"] = fanout.concurrency(state, effective, scene, None)
        if count is not None:
            shown["toleratedFailureCount"] = count
        if percentage is not None:
            shown["toleratedFailurePercentage"] = percentage
        if items is None:
            return None
        self._show_inputs(effective, items)
        if not self._too_many_failed(len(items), count, percentage):
            return None
        return Failure(EXCEED_TOLERATED_FAILURE_THRESHOLD, tolerance.THRESHOLD_EXCEEDED, state.pointer)

    def _too_many_failed(self, total: int, count: int | None, percentage: float | None) -> bool:
        count_failed = self.configuration.failed_items
        if count_failed is None:
            return False
        if count_failed > total:
            refuse("Map iteration failure count must be less than or equal to the number of Map iterations")
        # Without a threshold AWS was recorded to succeed, however many iterations failed.
        bounded = count is not None or percentage is not None
        return bounded and tolerance.exceeded(count_failed, total, count or 0, percentage or 0)

    def _items(self, effective: Json) -> list[Json] | None:
        """The items; None where nothing says what an ItemReader reads."""
        state, scene = self.state, self.scene
        if state.reader is not None:
            return self._read(state, state.reader(effective, scene), effective)
        read = distributed.items_of if state.distributed else fanout.read_items
        items = read(state, effective, scene)
        if self.path_based:
            self.shown["afterItemsPath"] = state.items(effective, scene)
        return items

    def _read(self, state: CompiledMap, parameters: Mapping[str, Json], effective: Json) -> list[Json] | None:
        reader = state.definition.item_reader  # type: ignore[attr-defined] # a CompiledMap's definition is a Map
        config, data = reader.get("ReaderConfig") or {}, self.configuration.reader_data
        limit = state.max_items(effective, self.scene) if state.max_items else None
        if data is not None:
            if limit is not None and limit < 0:
                raise failed(MAX_ITEMS_NEGATIVE)
            # A listing of S3 has no InputType of its own.
            items = list(islice(items_of(data, {"InputType": "JSON", **config}), limit or None))
        elif self.scene.files is not None:
            items = read_items(reader, parameters, self.scene.files, max_items=limit).items
        else:
            return None
        if "ItemsPointer" in config:
            pairs = bool(items) and isinstance(items[0], tuple)
            self.shown["afterItemsPointer"] = dict(items) if pairs else items
        return items

    def _show_inputs(self, effective: Json, items: list[Json]) -> None:
        """What the iterations get: the items through ItemSelector and ItemBatcher."""
        state, scene = self.state, self.scene
        found = [distributed.item_of(items, index, None) for index in range(len(items))]
        values = [
            item.value if item.key is None else {"Key": item.key, "Value": item.value} for item in found
        ]
        if state.selector is not None:
            values = []
            for item in found:
                scene.item = item
                values.append(state.selector(effective, scene))
            scene.item = None
            self.shown["afterItemSelector"] = values
        if state.definition.item_batcher is not ABSENT:
            self.shown["afterItemBatcher"] = batches(
                values,
                max_items=state.batch_items(effective, scene) if state.batch_items else None,
                max_bytes=state.batch_bytes(effective, scene) if state.batch_bytes else None,
                batch_input=state.batch_input(effective, scene) if state.batch_input else ABSENT,
            )

    # --- showing --------------------------------------------------------------------------------
    def _show_before(self, frame: Frame) -> None:
        """The stages from the raw input to what the work gets, as far as they can be made."""
        state, scene, shown = self.state, self.scene, self.shown
        shown["input"] = value = frame.data
        scene.look(frame, scene.now, 0)
        if state.type == "Task" and state.resource.pattern != "request":
            scene.token = task_token(scene, frame)
        stages = {stage.name: stage for stage in state.flow.incoming}
        names: tuple[str, ...] = ("afterArguments",) if state.type == "Task" else ()
        if self.path_based:
            # AWS leaves out what a literal Result replaces.
            names = () if "result" in stages else SHOWN_BEFORE[state.type]
        with suppress(Failed):
            for name in names:
                if name in stages:
                    value = stages[name].run(value, scene)
                if name in stages or self.path_based:
                    shown[name] = value

    def _show_after(self, frame: Frame, now: int) -> None:
        """The stages from the result to the output."""
        state, scene, shown = self.state, self.scene, self.shown
        scene.look(frame, now, 0)
        stages = {stage.name: stage for stage in state.flow.outgoing}
        names = SHOWN_AFTER.get(state.type, ()) if self.path_based else ()
        with suppress(Failed):
            result = state.before(frame.data, scene) if state.type == "Pass" else frame.work.result
            if state.type == "Task" or any(stage.name == "result" for stage in state.flow.incoming):
                shown["result"] = result
            for name in names:
                if name in stages:
                    result = stages[name].run(result, frame.data, scene)
                shown[name] = result

    # --- the response ---------------------------------------------------------------------------
    def response(self, change: Change, *, inspected: bool) -> dict[str, Any]:
        """The API's response: payloads are JSON text."""
        response: dict[str, Any] = {"status": ENDS[change.kind]}
        failure = _failure(change)
        frame = change.frame
        if failure is not None:
            names = {"error": failure.error, "cause": failure.cause}
            response |= {name: value for name, value in names.items() if value is not None}
        if change.kind in {"StateExited", "Caught"}:
            response["output"] = text(frame.data)
            if frame.phase == ENTER:
                response["nextState"] = state_name(frame.state)
        if inspected:
            response["inspectionData"] = self._inspection(change, failure)
        return response

    def _inspection(self, change: Change, failure: Failure | None) -> dict[str, Any]:
        data = {name: value if name in NUMBERS else text(value) for name, value in self.shown.items()}
        if change.frame.variables:
            data["variables"] = text(dict(change.frame.variables))
        if failure is not None and (details := self._error_details(change, failure)):
            data["errorDetails"] = details
        return data

    def _error_details(self, change: Change, failure: Failure) -> dict[str, int]:
        """The retrier that takes the error, used up or not, and the catcher that took it."""
        details: dict[str, int] = {}
        index = retry.first_match(self.state.retry, failure.error, heartbeat=failure.heartbeat)
        if index is not None:
            details["retryIndex"] = index
        if change.kind == "RetryScheduled":
            due = change.frame.due or change.time
            details["retryBackoffIntervalSeconds"] = (due - change.time) // 1_000_000
        if change.kind == "Caught":
            details["catchIndex"] = change.frame.work.rule
        return details


NUMBERS: Final = frozenset({"maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage"})
"""What inspectionData shows as numbers; all else is JSON text."""


def _failure(change: Change) -> Failure | None:
    if change.kind == "StateExited":
        return None
    before = None if change.before is None else failure_of(change.before)
    return failure_of(change.frame) or before
