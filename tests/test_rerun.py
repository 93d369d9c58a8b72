"""The log of a run gives the same run again, and calls nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

import sfnbook
from sfnbook.debugging.branches import Recording
from sfnbook.sessions.log import FIELDS, OF_PEOPLE, log_of
from sfnbook.sessions.rerun import DO, Rerun, digest
from tests.debugging import CALLBACK, CHARGE, LAMBDA, MAP, task
from tests.machines import block
from tests.scenarios import ACTIVITY, LAW, Scenario, scenarios


def again(execution: sfnbook.Execution, log: Any = None, **setup: Any) -> tuple[Rerun, int | None]:
    """The run made again from its log, which has been JSON text on the way."""
    log = json.loads(json.dumps(log_of(Recording.of(execution)) if log is None else log))
    rerun = Rerun(execution.setup)
    digests = [digest(change) for change in execution.changes]
    return rerun, rerun.again(log, len(digests), lambda number, change: digest(change) == digests[number])


@LAW
@given(scenarios())
def test_a_run_made_again_from_its_log_has_the_same_changes(scenario: Scenario) -> None:
    execution = scenario.run()
    rerun, differs = again(execution)
    assert differs is None
    assert rerun.changes == execution.changes
    assert (rerun.frames, rerun.counters, rerun.clock, rerun.billed) == (
        execution.frames, execution.counters, execution.clock, execution.billed,
    )  # fmt: skip


FILES = {"b/items.json": [{"n": 1}, {"n": 2}], "b/pairs.json": {"a": 1, "b": 2}}
DISTRIBUTED = {
    "Type": "Map",
    "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
                   "Parameters": {"Bucket": "b", "Key": "items.json"}},
    "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                      **block(Do={"Type": "Pass", "End": True})},
    "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "out"}},
    "End": True,
}  # fmt: skip


def reading(key: str, **fields: Any) -> dict[str, Any]:
    reader = {**DISTRIBUTED["ItemReader"], "Parameters": {"Bucket": "b", "Key": key}}
    return block(Each={**DISTRIBUTED, "ItemReader": reader, **fields})


@pytest.mark.parametrize(
    "definition",
    [
        reading("items.json"),
        reading("pairs.json"),
        reading("missing.json"),
        reading("missing.json", Retry=[{"ErrorEquals": ["States.ALL"]}]),
        reading("items.json", ItemBatcher={"MaxItemsPerBatch": 2}),
        reading("items.json", ResultWriter={**DISTRIBUTED["ResultWriter"], "Parameters": {"Bucket": "gone"}}),
        block(Around={"Type": "Parallel", "Branches": [reading("missing.json")], "End": True}),
    ],
)
def test_files_are_read_once_and_never_again(definition: Any) -> None:
    execution = sfnbook.load(definition).start(files=FILES).run()
    execution.setup.files = None
    rerun, differs = again(execution)
    assert differs is None
    assert rerun.history() == execution.history()


def edited() -> sfnbook.Execution:
    """Everything that people do, in one run."""
    execution = sfnbook.load({**MAP, "StartAt": "First"}).start({"items": [1, 2]}, tasks={"Charge": 1})
    execution.run(until="Orders").edit_input({"items": [3, 4]}).set_variable("v", {"x": 1})
    execution.inject_error("Charge", "E", "c", attempts=[1]).set_result("Orders[1].Charge", [5])
    return execution.run(4).stop("Enough", "for today").redrive().run()


def test_what_people_do_is_done_again() -> None:
    rerun, differs = again(edited())
    assert differs is None
    assert rerun.history() == edited().history()


def test_an_answer_from_outside_is_given_again() -> None:
    execution = sfnbook.load(CALLBACK).start().run()
    execution.pending[0].heartbeat()
    execution.advance(3).pending[0].fail("E", "no")
    rerun, differs = again(execution.run())
    assert differs is None
    assert rerun.error == "E"


def test_an_answer_on_its_way_and_planned_heartbeats() -> None:
    states = {**CALLBACK["States"], "Ask": {**CALLBACK["States"]["Ask"], "HeartbeatSeconds": 10}}
    execution = sfnbook.load({**CALLBACK, "States": states}).start().run()
    execution.pending[0].heartbeat(every=5, until=40)
    execution.pending[0].answer(sfnbook.tasks.result({"ok": 1}, seconds=60, heartbeats=[8, 16]))
    execution.pending[0].succeed({"ok": 2}, after=12)
    execution.run()
    rerun, differs = again(execution)
    assert differs is None
    assert rerun.changes == execution.changes
    assert (rerun.output, rerun.time) == ({"ok": 2}, 12)


def test_a_worker_that_hands_its_task_on() -> None:
    machine = sfnbook.load(block(Work=task(Resource=ACTIVITY, End=True)))
    execution = machine.start(tasks={"Work": lambda _event: sfnbook.tasks.waiting()}).run()
    execution.pending[0].answer(sfnbook.tasks.never())
    rerun, differs = again(execution.stop())
    assert differs is None
    assert rerun.changes == execution.changes


def test_nobody_is_called() -> None:
    calls = []
    execution = sfnbook.load(CHARGE).start(tasks={"Charge": lambda event: calls.append(event) or {}}).run()
    again(execution)
    assert len(calls) == 1


@pytest.mark.parametrize("missing", ["call", "input"])
def test_without_an_entry_the_run_differs_from_there_on(missing: str) -> None:
    execution = sfnbook.load(CHARGE).start(tasks={"Charge": {"ok": 1}}).run(until="Last").edit_input({}).run()
    log = log_of(Recording.of(execution))
    at = next(entry["at"] for entry in log if entry["do"] == missing)
    assert again(execution, [entry for entry in log if entry["do"] != missing])[1] == at


def test_another_definition_differs_where_it_does_something_else() -> None:
    def start(seconds: int) -> sfnbook.Execution:
        states = block(A={"Type": "Pass", "Next": "B"}, B={"Type": "Wait", "Seconds": seconds, "End": True})
        return sfnbook.load(states).start()

    first, second = start(1).run(), start(2)
    rerun = Rerun(second.setup)
    assert rerun.again([], first.cursor, lambda number, change: change == first.changes[number]) == 3
    assert first.changes[3].kind == "StateEntered"


def test_each_kind_of_entry_has_its_fields_and_a_way_to_be_done_again() -> None:
    assert set(DO) == set(FIELDS) - {"call", "expect", "read", "write"}
    assert len(OF_PEOPLE) == 6


def test_a_digest_tells_data_from_data() -> None:
    def last(value: Any) -> str:
        return digest(sfnbook.load(block(A=task(End=True))).start(tasks={"A": value}).run().changes[-1])

    assert last({"n": 1}) == last({"n": 1})
    assert len({last(value) for value in (1, 1.0, "1", True, None, {"n": 1}, {"n": 2})}) == 7
    assert LAMBDA
