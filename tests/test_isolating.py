"""isolate: one iteration, branch or child execution alone, with its input, variables and answers."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

import sfnbook
from sfnbook.recordings.children import read_children
from sfnbook.tasks import result
from tests.machines import LAMBDA, START, block, load

INLINE = {
    "Prepare": {"Type": "Pass", "Assign": {"rate": 3}, "Next": "Orders"},
    "Orders": {
        "Type": "Map",
        "ItemsPath": "$.orders",
        "ItemSelector": {"order.$": "$$.Map.Item.Value", "id.$": "States.UUID()"},
        "ItemProcessor": block(
            Charge={"Type": "Task", "Resource": LAMBDA, "Parameters": {"n.$": "$.order.n", "rate.$": "$rate", "key.$": "States.UUID()"}, "Next": "Done"},
            Done={"Type": "Pass", "End": True},
        ),
        "End": True,
    },
}  # fmt: skip
DISTRIBUTED = {
    "Orders": {
        "Type": "Map",
        "Label": "Orders",
        "ToleratedFailurePercentage": 100,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **block(Charge={"Type": "Task", "Resource": LAMBDA, "End": True}),
        },
        "End": True,
    }
}
ORDERS = [{"n": number} for number in range(4)]


def charge(event: Any) -> Any:
    if event["n"] in {1, 2}:
        raise sfnbook.TaskFailure("CardDeclined", "no funds")
    return result({"paid": event["n"]}, seconds=2)


class Counting:
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __call__(self, event: Any) -> Any:
        self.calls.append(event)
        return charge(event)


def test_an_iteration_of_a_run_with_its_input_variables_and_answers() -> None:
    answers = Counting()
    debugger = sfnbook.Debugger(load(INLINE), {"orders": ORDERS}, tasks={"Orders.Charge": answers})
    debugger.run()
    assert debugger.error == "CardDeclined"
    called = len(answers.calls)
    alone = debugger.isolate("Orders[1]")
    assert alone.execution.input == debugger.find(path="Orders[1].Charge", kind="StateEntered")[0].input
    assert (alone.transition.kind, alone.transition.path, alone.error) == ("TaskFailed", "Charge", None)
    assert alone.transition.error == "CardDeclined"
    assert len(answers.calls) == called
    assert alone.machine.definition.start_at == "Charge"
    assert alone.transition.variables == {"rate": 3}


def test_edited_it_asks_whoever_answered() -> None:
    answers = Counting()
    debugger = sfnbook.Debugger(load(INLINE), {"orders": ORDERS}, tasks={"Orders.Charge": answers})
    debugger.run()
    alone = debugger.isolate("Orders[1]")
    alone.restart()
    alone.step()
    alone.edit_input({"order": {"n": 7}})
    alone.run()
    assert alone.output == {"paid": 7}
    assert answers.calls[-1]["n"] == 7


def test_an_iteration_of_a_replay() -> None:
    was = load(INLINE).start({"orders": ORDERS}, tasks={"Charge": charge}, seed=9).run()
    debugger = sfnbook.replay(load(INLINE), was.history())
    assert debugger.notes == ()
    alone = debugger.isolate("Orders[1]")
    assert (alone.transition.path, alone.transition.error) == ("Charge", "CardDeclined")
    assert alone.execution.input["order"] == {"n": 1}


def test_a_branch() -> None:
    both = {"Type": "Parallel", "End": True, "Branches": [
        block(Left={"Type": "Task", "Resource": LAMBDA, "End": True}),
        block(Right={"Type": "Wait", "Seconds": 5, "End": True}),
    ]}  # fmt: skip
    debugger = sfnbook.Debugger(load({"Both": both}), {"n": 3}, tasks={"Left": "left"})
    debugger.run()
    assert debugger.isolate("Both[0]").output == "left"
    assert debugger.isolate("Both[1]").time == 5
    with pytest.raises(sfnbook.UsageError, match="has 2 branches, from 0 on; not 2"):
        debugger.isolate("Both[2]")


def test_a_child_execution_of_a_run() -> None:
    debugger = sfnbook.Debugger(load(DISTRIBUTED), ORDERS, tasks={"Charge": charge})
    debugger.run()
    alone = debugger.isolate("Orders[2]")
    assert alone.execution.input == {"n": 2}
    alone.run()
    assert alone.error == "CardDeclined"


# --- recorded children --------------------------------------------------------------------------------
def map_run() -> sfnbook.Execution:
    return load(DISTRIBUTED).start(ORDERS, tasks={"Charge": charge}).run()


def records(execution: sfnbook.Execution, status: str) -> list[dict[str, Any]]:
    """What the ResultWriter writes of the children."""
    return [
        {
            "ExecutionArn": child.arn, "Name": child.name, "Status": child.status, "Input": json.dumps(child.input),
            "InputDetails": {"Included": True}, "StateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:M/Orders",
            **({"Output": json.dumps(child.output)} if child.status == "SUCCEEDED" else {"Error": child.error, "Cause": child.cause}),
        }
        for child in execution.children
        if child.status == status
    ]  # fmt: skip


def test_failed_items_are_grouped_and_opened_with_their_input() -> None:
    was = map_run()
    debugger = sfnbook.replay(load(DISTRIBUTED), was.history(), children=records(was, "FAILED"))
    assert debugger.output == was.output
    children = debugger.children
    assert children is not None
    (group,) = children.groups
    assert (group.error, group.cause, [child.index for child in group.children]) == (
        "CardDeclined",
        "no funds",
        [1, 2],
    )
    assert repr(children).splitlines() == [
        "Orders: 2 of 2 recorded executions failed",
        "failed  error         cause     open one",
        '     2  CardDeclined  no funds  isolate("Orders[1]")',
    ]
    alone = debugger.isolate("Orders[2]")
    assert alone.execution.input == {"n": 2}
    assert alone.execution.name == was.children[2].name
    alone.run()
    assert alone.unanswered.path == "Charge"
    assert any("debugger.children" in note for note in debugger.notes)


def test_a_child_with_its_history_stands_at_its_failure() -> None:
    was = map_run()
    histories = [child.history() for child in was.children]
    debugger = sfnbook.replay(load(DISTRIBUTED), was.history(), children=histories)
    alone = debugger.isolate("Orders[2]")
    assert (alone.transition.kind, alone.transition.error) == ("TaskFailed", "CardDeclined")
    assert debugger.isolate("Orders[3]").output == {"paid": 3}


def test_result_files_in_a_folder(tmp_path: Any) -> None:
    was = map_run()
    for status in ("SUCCEEDED", "FAILED"):
        (tmp_path / f"{status}_0.json").write_text(json.dumps(records(was, status)))
    debugger = sfnbook.replay(load(DISTRIBUTED), was.history(), children=tmp_path)
    assert repr(debugger.children).startswith("Orders: 2 of 4 recorded executions failed")
    kept = pickle.loads(pickle.dumps(debugger))
    assert len(kept.children) == 4


def test_a_record_and_a_history_of_one_child_belong_together() -> None:
    was = map_run()
    arn = was.children[1].arn
    logged = [
        {"id": str(event["id"]), "type": event["type"], "previous_event_id": str(event["previousEventId"]),
         "event_timestamp": "1735689600000", "execution_arn": arn,
         "details": next((value for key, value in event.items() if key.endswith("EventDetails")), {})}
        for event in was.children[1].history()
    ]  # fmt: skip
    (child,) = read_children([records(was, "FAILED")[0], logged])
    assert (child.error, child.recording is not None) == ("CardDeclined", True)


def test_children_escape_what_they_show() -> None:
    was = map_run()
    bad = [record | {"Error": "<b>", "Cause": "<script>"} for record in records(was, "FAILED")]
    debugger = sfnbook.replay(load(DISTRIBUTED), was.history(), children=bad)
    html = debugger.children._repr_mimebundle_()["text/html"]
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


# --- misuse -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "message"),
    {
        "no index": ("Orders", r"name an iteration or a branch, for example 'Orders\[3\]'"),
        "no text": (5, "name an iteration or a branch"),
        "unknown": ("Ordres[1]", "Did you mean 'Orders'"),
        "not a Map": ("Orders[0].Charge[1]", "is no Map or Parallel"),
        "too far": ("Orders[9]", r"There are Orders\[0\] to Orders\[3\]"),
    }.values(),
)
def test_what_cannot_be_isolated(path: str, message: str) -> None:
    debugger = sfnbook.Debugger(load(INLINE), {"orders": ORDERS}, tasks={"Charge": charge})
    debugger.run()
    with pytest.raises(sfnbook.UsageError, match=message):
        debugger.isolate(path)


def test_children_that_are_none() -> None:
    with pytest.raises(sfnbook.UsageError, match="has no child execution"):
        sfnbook.replay(load(DISTRIBUTED), map_run().history(), children=[])
    inline = load(INLINE).start({"orders": []}).run()
    with pytest.raises(sfnbook.UsageError, match="belongs to a Map Run"):
        sfnbook.replay(load(INLINE), inline.history(), children=records(map_run(), "FAILED"))


# --- nested executions ----------------------------------------------------------------------------
SYNC = {
    "Type": "Task",
    "Resource": f"{START}.sync:2",
    "Parameters": {"StateMachineArn": "Child", "Input.$": "$"},
}


def test_an_iteration_of_a_nested_execution() -> None:
    answers = Counting()
    debugger = sfnbook.Debugger(
        load({"S": {**SYNC, "End": True}}), {"orders": ORDERS}, machines={"Child": load(INLINE)},
        tasks={"Child/Orders.Charge": answers},
    )  # fmt: skip
    debugger.run()
    called = len(answers.calls)
    alone = debugger.isolate("S/Orders[1]")
    assert len(answers.calls) == called
    assert alone.execution.input == debugger.find(path="S/Orders[1].Charge", kind="StateEntered")[0].input
    assert alone.run().error == "CardDeclined"
    assert len(answers.calls) == called + 1
    with pytest.raises(
        sfnbook.UsageError, match=r"^Nothing is known of 'S/Orders\[9\]'\. There are S/Orders\[0\] to "
    ):
        debugger.isolate("S/Orders[9]")
    with pytest.raises(sfnbook.UsageError, match="'S/Prepare' is no Map or Parallel"):
        debugger.isolate("S/Prepare[0]")


def test_the_machine_that_ran_has_the_block() -> None:
    """Two machines have a state of that name; which one the Task starts is in its input."""
    branches = {"Type": "Parallel", "Branches": [block(P={"Type": "Pass", "End": True})], "End": True}
    start = {**SYNC, "Parameters": {"StateMachineArn.$": "$.which"}, "End": True}
    machines = {
        "A": load({"Orders": branches}),
        "Child": load({"Orders": {**branches, "Branches": [block(Q={"Type": "Pass", "End": True})]}}),
    }
    debugger = sfnbook.Debugger(load({"S": start}), {"which": "Child"}, machines=machines)
    debugger.run()
    assert debugger.isolate("S/Orders[0]").machine.definition.start_at == "Q"


def test_an_iteration_starts_its_nested_executions_again() -> None:
    child = load({"T": {"Type": "Task", "Resource": LAMBDA, "End": True}})
    orders = {"Type": "Map", "ItemProcessor": block(S={**SYNC, "End": True}), "End": True}
    debugger = sfnbook.Debugger(
        load({"Orders": orders}), ORDERS, machines={"Child": child}, tasks={"Child/T": charge}
    )
    debugger.run()
    alone = debugger.isolate("Orders[3]")
    alone.restart()
    alone.step()
    alone.edit_input({"n": 7})
    alone.run()
    assert alone.output["Output"] == {"paid": 7}
    assert [one.path for one in alone.execution.children] == ["S"]
