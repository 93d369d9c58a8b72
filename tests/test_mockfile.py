"""MockConfigFile.json: read as answers, written from an execution, and what is wrong with one."""

import json
import pickle

import pytest

import sfnbook
from sfnbook import UsageError
from sfnbook.tasks import (
    attempts,
    failing,
    failure,
    faulty,
    iterations,
    mock_config,
    never,
    outage,
    result,
    sequence,
    to_mock_config,
)
from tests.machines import (
    ACTIVITY,
    CALLBACK,
    INVOKE,
    LAMBDA,
    MESSAGE,
    block,
    load,
    mapping,
    of_kind,
    one,
    parallel,
    task,
)

RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}]
BUSY = {"Throw": {"Error": "Busy", "Cause": "try later"}}


def file(responses, state="S", **more):
    cases = {"Happy": {state: "Mock"}, **more}
    return {"StateMachines": {"Order": {"TestCases": cases}}, "MockedResponses": {"Mock": responses}}


def returns(value):
    return {"Return": value}


# --- read -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("state", "given", "responses", "expected"),
    [
        (task(), 1, {"0": returns(7)}, 7),
        (task(Resource=INVOKE), 1, {"0": returns({"StatusCode": 200})}, {"StatusCode": 200}),
        (task(Retry=RETRY), 1, {"0-1": BUSY, "2": returns(7)}, 7),
        (mapping(block(S=task())), [1, 2, 3], {"0": returns("a"), "1-2": returns("b")}, ["a", "b", "b"]),
        (
            mapping(block(S=task(Retry=RETRY)), MaxConcurrency=1),
            [1, 2],
            {"0": BUSY, "1": returns("a"), "2": BUSY, "3": returns("b")},
            ["a", "b"],
        ),
        (task(ResultSelector={"x.$": "$.y"}), 1, {"0": returns({"y": [1]})}, {"x": [1]}),
    ],
)
def test_the_index_counts_retries_and_iterations(state, given, responses, expected):
    name = "S" if state["Type"] == "Task" else "All"
    execution = load({name: state | {"End": True}}).start(
        given, tasks=mock_config(file(responses), "Order#Happy")
    )
    assert execution.result() == expected


def test_the_index_counts_visits():
    again = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.more", "BooleanEquals": True, "Next": "S"}],
        "Default": "Z",
    }
    states = {
        "S": {"Type": "Task", "Resource": LAMBDA, "Next": "Again"},
        "Again": again,
        "Z": {"Type": "Succeed"},
    }
    responses = {"0-1": returns({"more": True}), "2": returns({"more": False, "n": 3})}
    assert load(states).start(tasks=mock_config(file(responses))).result() == {"more": False, "n": 3}


def test_a_throw_fails_as_it_says():
    execution = one(task()).start(tasks=mock_config(file({"0": BUSY}))).run()
    assert (execution.error, execution.cause) == ("Busy", "try later")


def test_a_missing_index_fails_the_execution_whatever_may_catch_it():
    state = task(Retry=RETRY, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z"}])
    machine = load({"S": state, "Z": {"Type": "Succeed"}})
    execution = machine.start(tasks=mock_config(file({"0": BUSY, "2-3": returns(1)}))).run()
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert execution.cause == "The mocked response 'Mock' of 'S' has no index 1; it has 0, 2-3."
    (_, failed) = of_kind(execution, "TaskFailed")
    assert "StateMachines/Order/TestCases/Happy/S" in str(failed.why)


def test_states_that_are_not_listed_fall_to_the_default_behind():
    states = {"S": {"Type": "Task", "Resource": LAMBDA, "Next": "T"}, "T": task()}
    machine, mocks = load(states), mock_config(file({"0": returns({"n": 1})}))
    assert machine.unanswered(mocks) == ["T"]
    assert machine.start(tasks={"*": lambda event: event["n"] + 1, **mocks}).result() == 2


def test_it_may_stand_under_faults_and_in_other_answers():
    mocks = mock_config(file({"0": returns("first"), "1": returns("second")}))
    assert one(task(Retry=RETRY)).start(tasks=faulty(mocks, failing(1))).result() == "first"
    answer = iterations({1: mocks["S"]}, "other")
    machine = load({"All": mapping(block(S=task()), End=True)})
    # Its index counts all calls of the answer that it is a part of.
    assert machine.start([1, 2], tasks={"S": answer}).result() == ["other", "second"]


@pytest.mark.parametrize("as_given", ["dict", "text", "path", "str"])
def test_where_it_comes_from(as_given, tmp_path):
    data = file({"0": returns("Zoë")})
    path = tmp_path / "MockConfigFile.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    source = {"dict": data, "text": json.dumps(data, indent=1), "path": path, "str": str(path)}[as_given]
    assert one(task()).start(tasks=mock_config(source, "Order#Happy")).result() == "Zoë"


def test_the_other_spelling_of_the_documentation():
    data = file({"0": returns(1)})
    data["MockedResponse"] = data.pop("MockedResponses")
    assert list(mock_config(data)) == ["S"]


def test_a_case_with_a_number_sign_in_its_machine():
    data = {"StateMachines": {"A#B": {"TestCases": {"C": {}}}}, "MockedResponses": {}}
    assert mock_config(data, "A#B#C") == {}


# --- damaged --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("source", "case", "says"),
    [
        ("{nonsense", None, "is not JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
        ("[1]", None, "the mock configuration has no 'StateMachines'."),
        ("[" * 100_000, None, "is not JSON"),
        ({"StateMachine": {}, "MockedResponses": {}}, None, "has no 'StateMachines'. Did you mean 'StateMachine'?"),
        ({"StateMachines": [], "MockedResponses": {}}, None, "'StateMachines' in the mock configuration is an object, not []"),
        ({"StateMachines": {}}, None, "has no 'MockedResponses'."),
        (file({}), "Order#Hapy", "has no case 'Order#Hapy'. Did you mean 'Order#Happy'?"),
        (file({}), "Odrer#Happy", "has no case 'Odrer#Happy'. Did you mean 'Order#Happy'?"),
        (file({}), "Happy", "has no case 'Happy'. Did you mean 'Order#Happy'?"),
        (file({}, Sad={}), None, "Name one of its cases. There are: 'Order#Happy', 'Order#Sad'."),
        ({"StateMachines": {"A": {}}, "MockedResponses": {}}, None, "'A' of the mock configuration has no 'TestCases'."),
        (file({}, Other={"S": "Mok"}), "Order#Other", "there is no mocked response 'Mok'. Did you mean 'Mock'?"),
        (file({}, Other={"S": 3}), "Order#Other", "the name of a mocked response is text, not 3."),
        (file({}), None, "the mocked response 'Mock' has no responses by index"),
        (file([returns(1)]), None, "the mocked response 'Mock' has no responses by index"),
        (file({"one": returns(1)}), None, "'one' in 'Mock' is no index: write '0', or a range such as '1-2'."),
        (file({"2-1": returns(1)}), None, "'2-1' in 'Mock' is no index"),
        (file({"0-2": returns(1), "2": returns(2)}), None, "the mocked response 'Mock' has the index 2 twice."),
        (file({"0": returns(1) | BUSY}), None, "Mock/0 has both Return and Throw."),
        (file({"0": {}}), None, "Mock/0 has neither Return nor Throw."),
        (file({"0": {"Retrun": 1}}), None, "Mock/0 has neither Return nor Throw. Did you mean 'Return'?"),
        (file({"0": 1}), None, "Mock/0 has neither Return nor Throw."),
        (file({"0": {"Throw": {"Cause": "c"}}}), None, "the Throw of Mock/0 needs an Error, which is text."),
        (file({"0": {"Throw": {"Error": "E", "Cause": {}}}}), None, "the Cause of Mock/0 is text, not {}."),
        (file({"0": returns({1, 2})}), None, "The mock configuration is not JSON"),
        (3, None, "A mock configuration is a path, a JSON text or a dict, not an int."),
        ("MockConfgFile.json", None, "There is no file 'MockConfgFile.json'."),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(source, case, says):
    with pytest.raises(UsageError) as raised:
        mock_config(source, case)
    assert says in str(raised.value)


def test_a_mistake_is_shown_with_its_place(tmp_path):
    path = tmp_path / "mocks.json"
    path.write_text(json.dumps(file({"0": returns(1) | BUSY})), encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        mock_config(path)
    assert str(raised.value).startswith(
        "StateMachines/Order/TestCases/Happy/S of mocks.json: Mock/0 has both"
    )


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "mocks.json"
    path.write_bytes(b" " * (8 * 1024 * 1024 + 1))
    with pytest.raises(UsageError, match="8,388,609 bytes long; a mock configuration has at most 8,388,608"):
        mock_config(path)
    with pytest.raises(UsageError, match="is longer than"):
        mock_config("{" + " " * 9_000_000)


def test_a_wrong_state_is_found_at_the_start_with_its_place():
    with pytest.raises(UsageError) as raised:
        load({"Charge": task()}).start(tasks=mock_config(file({"0": returns(1)}, state="Chrage")))
    assert str(raised.value) == (
        "tasks['Chrage'] (StateMachines/Order/TestCases/Happy/Chrage of the mock configuration) matches no Task. "
        "Did you mean 'Charge'?"
    )


# --- written --------------------------------------------------------------------------------------
AGAIN = {
    "Type": "Choice",
    "Choices": [{"Variable": "$.more", "BooleanEquals": True, "Next": "S"}],
    "Default": "Z",
}
WRITTEN = {
    "a value": ({"S": task()}, 1, {"S": {"ok": True}}),
    "retries": ({"S": task(Retry=RETRY)}, 1, {"S": attempts(failure("A", "why"), failure(None, None), 7)}),
    "a failure": ({"S": task()}, 1, {"S": failure("Broken", "why")}),
    "a timeout": (
        {"S": task(TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.Timeout"]}])}, 1, {"S": attempts(never(), 2)},
    ),
    "visits": (
        {"S": {"Type": "Task", "Resource": LAMBDA, "Next": "Again"}, "Again": AGAIN, "Z": {"Type": "Succeed"}},
        1,
        {"S": sequence({"more": True, "n": 1}, {"more": True, "n": 2}, {"more": False, "n": 3})},
    ),
    "iterations that overtake each other": (
        {"All": mapping(block(S=task(Retry=RETRY)), End=True)},
        [1, 2, 3],
        {"S": iterations({0: attempts(failure("Slow", "", seconds=50), result("a", seconds=9)),
                          1: attempts(failure("Quick", "", seconds=1), result("b", seconds=1))}, result("c", seconds=3))},
    ),
    "a branch that stops the other": (
        {"P": parallel(block(S=task()), block(T=task()), Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Z"}], End=True),
         "Z": {"Type": "Succeed"}},
        1,
        {"S": failure("Broken", "", seconds=1), "T": result(1, seconds=60)},
    ),
    "a Map that is tried again": (
        {"All": mapping(block(S=task()), Retry=RETRY, End=True)},
        [1, 2],
        {"S": sequence("a", failure("E", ""), "c", "d")},
    ),
    "faults": ({"S": task(Retry=RETRY)}, 1, {"S": faulty(5, outage(0, 2))}),
    "a function": ({"S": task(Parameters={"id.$": "States.UUID()"})}, 1, {"S": lambda event: event}),
}  # fmt: skip


@pytest.mark.parametrize(("states", "given", "tasks"), WRITTEN.values(), ids=list(WRITTEN))
def test_read_back_it_gives_the_same_run(states, given, tasks):
    machine = load(states)
    execution = machine.start(given, tasks=tasks).run()
    config = json.loads(json.dumps(to_mock_config(execution)))
    again = machine.start(given, tasks=mock_config(config)).run()
    assert (again.status, again.output, again.error) == (execution.status, execution.output, execution.error)
    assert sorted(one.id for one in ends(again)) == sorted(
        one.id.replace("TimedOut", "Failed") for one in ends(execution)
    )
    assert to_mock_config(again) == config


def ends(execution):
    stopped = {one.path for one in execution.transitions if one.kind == "Aborted"}
    return [
        one
        for one in execution.transitions
        if one.kind in {"TaskSucceeded", "TaskFailed", "TaskTimedOut"}
        and not any(map(one.path.startswith, stopped))
    ]


def test_what_is_written():
    execution = (
        one(task(Retry=RETRY)).start(tasks={"S": attempts(failure("A", "why"), failure("A", "why"), 7)}).run()
    )
    assert to_mock_config(execution, "Busy twice") == {
        "StateMachines": {"StateMachine": {"TestCases": {"Busy twice": {"S": "Busy twice S"}}}},
        "MockedResponses": {
            "Busy twice S": {"0-1": {"Throw": {"Error": "A", "Cause": "why"}}, "2": {"Return": 7}}
        },
    }


def test_answers_from_outside_and_by_hand_are_in_it():
    states = {
        "Ask": {"Type": "Task", "Resource": CALLBACK, "Parameters": MESSAGE, "Next": "Work"},
        "Work": {"Type": "Task", "Resource": ACTIVITY, "Next": "Set"},
        "Set": {"Type": "Task", "Resource": LAMBDA, "End": True},
    }
    machine = load(states)
    execution = machine.start().run()
    execution.pending[0].succeed({"approved": True})
    execution.run().pending[0].succeed({"done": True})
    assert execution.set_result("Set", "by hand").run().output == "by hand"
    assert machine.start(tasks=mock_config(to_mock_config(execution))).result() == "by hand"


def test_an_execution_that_is_not_over_is_written_as_far_as_it_came():
    states = {"S": {"Type": "Task", "Resource": LAMBDA, "Next": "T"}, "T": task()}
    execution = load(states).start(tasks={"S": 1, "T": 2}).run(until="T")
    assert list(to_mock_config(execution)["MockedResponses"]) == ["Recorded S"]


def test_a_nested_execution_is_mocked_as_the_task_that_it_is():
    start = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": True,
             "Parameters": {"StateMachineArn": "Child", "Input": {"n": 1}}, "ResultSelector": {"out.$": "$.Output"}}  # fmt: skip
    machine, child = load({"S": start}), sfnbook.load({"StartAt": "C", "States": {"C": task()}}, name="Child")
    execution = machine.start(tasks={"C": {"told": True}}, machines={"Child": child}).run()
    config = to_mock_config(execution)
    assert list(config["MockedResponses"]) == ["Recorded S"]
    assert machine.start(tasks=mock_config(config)).result() == execution.output == {"out": {"told": True}}


def test_mocks_pickle():
    execution = one(task()).start(tasks=mock_config(file({"0": returns(1)})))
    assert pickle.loads(pickle.dumps(execution)).result() == 1
