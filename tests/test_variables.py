"""The context object, and workflow variables and their scopes."""

import sfnbook
from sfnbook.tasks import failure
from tests.machines import block, check, details, load, mapping, one, parallel, passing, table, task

RUNTIME = "States.Runtime"


# --- the context object ----------------------------------------------------------------------------------
CONTEXT = {
    "Execution.Name": ("$$.Execution.Name", "run"),
    "Execution.Id": ("$$.Execution.Id", "arn:aws:states:us-east-1:123456789012:execution:Shop:run"),
    "Execution.Input": ("$$.Execution.Input", {"a": 1}),
    "Execution.StartTime": ("$$.Execution.StartTime", "2025-06-01T09:00:00.500Z"),
    "Execution.RedriveCount": ("$$.Execution.RedriveCount", 0),
    "StateMachine.Name": ("$$.StateMachine.Name", "Shop"),
    "StateMachine.Id": ("$$.StateMachine.Id", "arn:aws:states:us-east-1:123456789012:stateMachine:Shop"),
    "State.Name": ("$$.State.Name", "S"),
    "State.EnteredTime": ("$$.State.EnteredTime", "2025-06-01T09:01:00.500Z"),
}


@table(CONTEXT)
def test_context_object(case):
    path, expected = case
    source = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "S"},
                                         "S": {"Type": "Pass", "Parameters": {"x.$": path}, "End": True}}}  # fmt: skip
    machine = sfnbook.load(source, name="Shop")
    execution = machine.start({"a": 1}, name="run", start_time="2025-06-01T09:00:00.5Z").run()
    found = execution.output["x"]
    if path in {"$$.Execution.Id", "$$.StateMachine.Id"}:
        expected, found = expected.split(":")[5:], found.split(":")[5:]
    assert found == expected


def test_what_the_context_object_of_each_state_has():
    states = {"P": passing(Parameters={"c.$": "$$"}, Next="S"),
              "S": task(Parameters={"before.$": "$.c", "c.$": "$$"})}  # fmt: skip
    output = load(states).start(tasks={"S": lambda event: event}).run().output
    assert set(output["before"]) == {"Execution", "StateMachine", "State"}
    assert set(output["before"]["Execution"]) == {
        "Id",
        "Input",
        "Name",
        "RoleArn",
        "StartTime",
        "RedriveCount",
    }
    assert set(output["before"]["State"]) == {"Name", "EnteredTime"}
    assert output["c"]["State"]["RetryCount"] == 0


def test_an_express_execution_has_an_express_arn():
    execution = one(passing(Parameters={"x.$": "$$.Execution.Id"})).start(type="EXPRESS", name="n").run()
    parts = execution.output["x"].split(":")
    assert (parts[5], parts[7], len(parts)) == ("express", "n", 9)


# --- variables -------------------------------------------------------------------------------------------
def test_assign_is_visible_from_the_next_state_on():
    states = {
        "A": passing(Assign={"n": 1, "old.$": "$.x"}, Next="B"),
        "B": passing(Assign={"n.$": "States.MathAdd($n, 1)"}, OutputPath="$n", Next="C"),
        "C": passing(Parameters={"in.$": "$", "n.$": "$n", "old.$": "$old"}),
    }
    # OutputPath of B sees the value from before its own Assign.
    check(load(states).start({"x": "old"}), {"in": 1, "n": 2, "old": "old"})


def test_all_assignments_of_a_state_happen_at_once():
    states = {
        "A": passing(Assign={"a": 1, "b": 2}, Next="B"),
        "B": passing(Assign={"a.$": "$b", "b.$": "$a"}, Next="C"),
        "C": passing(Parameters={"ab.$": "States.Array($a, $b)"}),
    }
    check(load(states).start(), {"ab": [2, 1]})


SEEN_BY_ASSIGN = {
    "Task: the result": (task(ResultSelector={"x": 0}, Assign={"v.$": "$"}), {"r": 1}),
    "Pass: its result": (passing(Result=5, Assign={"v.$": "$"}), 5),
    "Wait: the effective input": (
        {"Type": "Wait", "Seconds": 1, "InputPath": "$.a", "Assign": {"v.$": "$"}},
        1,
    ),
    "Map: the results": (mapping(block(P=passing()), ItemsPath="$.l", Assign={"v.$": "$"}), [7]),
    "Parallel: the results": (parallel(block(P=passing(Result=8)), Assign={"v.$": "$"}), [8]),
    "JSONata Task": (
        task(QueryLanguage="JSONata", Assign={"v": "{% $states.result.r + $states.input.a %}"}),
        2,
    ),
    "JSONata Pass": (passing(QueryLanguage="JSONata", Assign={"v": "{% $states.input.a %}"}), 1),
}


@table(SEEN_BY_ASSIGN)
def test_what_assign_sees(case):
    state, expected = case
    state = {key: value for key, value in state.items() if key != "End"} | {"Next": "Z"}
    machine = load({"S": state, "Z": passing(Parameters={"v.$": "$v"})})
    check(
        machine.start({"a": 1, "l": [7]}, tasks={"*": {"r": 1}} if state["Type"] == "Task" else None),
        {"v": expected},
    )


def test_the_assign_of_the_rule_that_matched_and_else_the_state_s_own():
    rules = [{"Variable": "$.n", "NumericEquals": 1, "Next": "Z", "Assign": {"v": "rule"}}]
    states = {"S": {"Type": "Choice", "Choices": rules, "Default": "Z", "Assign": {"v": "state"}},
              "Z": passing(Parameters={"v.$": "$v"})}  # fmt: skip
    machine = load(states)
    check(machine.start({"n": 1}), {"v": "rule"})
    check(machine.start({"n": 2}), {"v": "state"})


def test_a_catcher_assigns_in_place_of_the_state():
    catch = [{"ErrorEquals": ["E"], "Next": "Z", "Assign": {"v.$": "$.Error"}}]
    states = {"A": passing(Assign={"v": "none"}, Next="S"), "S": task(Assign={"v": "state"}, Catch=catch),
              "Z": passing(Parameters={"v.$": "$v"})}  # fmt: skip
    check(load(states).start(tasks={"S": failure("E")}), {"v": "E"})


def test_inner_scopes_read_outer_variables_and_keep_their_own():
    inner = block(
        I=passing(Assign={"mine.$": "$"}, Next="J"),
        J=passing(Parameters={"x.$": "States.Array($mine, $outer)"}),
    )
    states = {
        "A": passing(Assign={"outer": "o"}, Next="M"),
        "M": mapping(inner, ItemsPath="$.l") | {"Next": "Z"},
        "Z": passing(
            QueryLanguage="JSONata", Output={"r": "{% $states.input.x %}", "mine": "{% $exists($mine) %}"}
        ),
    }
    check(load(states).start({"l": [1, 2]}), {"r": [1, "o", 2, "o"], "mine": False})


def test_assigned_variables_are_in_the_exited_event_as_json_text():
    execution = one(passing(Assign={"x": 42, "s": "42", "o": {"a": [1]}})).start().run()
    exited = next(event for event in execution.history() if event["type"] == "PassStateExited")
    assert details(exited)["assignedVariables"] == {"x": "42", "s": '"42"', "o": '{"a":[1]}'}
    plain = one(passing()).start().run().history()[2]
    assert "assignedVariables" not in details(plain)


def test_a_variable_that_is_not_there():
    execution = one(passing(Parameters={"x.$": "$no"})).start().run()
    assert (execution.status, execution.error) == ("FAILED", RUNTIME)
