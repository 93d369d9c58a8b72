"""The test that a session becomes passes, and fails when the definition does something else."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook.debugger import Debugger
from sfnbook.sessions.regression import test_text as text_of
from sfnbook.tasks import attempts, failure, never, result, sequence, to_mock_config, worker
from tests.debugging import CALLBACK, CHARGE, LINE, MAP, RETRY, debug, debug_map, task
from tests.machines import block
from tests.scenarios import ACTIVITY, LAW, Scenario, scenarios

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]


def run_tests(text: str) -> Debugger:
    """Run the tests of a file's text, and give the debugger that they look at."""
    names: dict[str, Any] = {"__name__": "written"}
    exec(compile(text, "test_written.py", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    made: Debugger = names["session"]()
    return made


def written(debugger: Debugger, path: Path) -> str:
    debugger.to_pytest(path)
    return path.read_text(encoding="utf-8")


@LAW
@given(scenarios(), st.data())
def test_the_test_of_a_scenario_passes(scenario: Scenario, data: Any) -> None:
    debugger = Debugger.of(sfnbook.load(scenario.definition), scenario.run())
    debugger.goto(data.draw(st.integers(0, debugger.length - 1)))
    try:
        debugger.edit_input({"n": 1, "items": [{"n": 1, "items": []}]})
    except sfnbook.UsageError:
        debugger.goto(debugger.length - 1)
    debugger.run(at_most=60)
    recording = debugger.execution
    recording.seek(recording.length)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*JSON")
        made = run_tests(text_of(recording))
    assert [one.id for one in made.transitions] == [one.id for one in debugger.transitions]
    assert made.execution.history() == debugger.execution.history()


def busy() -> Debugger:
    """A session with everything that people do."""
    debugger = debug(
        MAP, {"items": [1, 2]}, tasks={"Charge": attempts(failure("Busy", "later", seconds=2), result([1]))}
    )
    debugger.run_to("Orders")
    debugger.edit_input({"items": [3, 4, 5]})
    debugger.set_variable("v", {"x": "a \"quoted\" 'text'"})
    debugger.inject_error("Orders[1].Charge", "E", "c", attempts=[1, 2])
    debugger.set_result("Orders[2].Charge", {"by": "hand"})
    debugger.inject_error("Charge", "F", attempts="all")
    debugger.run_to("Charge")
    debugger.clear_faults("Charge")
    debugger.run_to("Rest")
    debugger.stop("Enough", "for today")
    return debugger


def waiting() -> Debugger:
    states = {
        **CALLBACK["States"],
        "Ask": {**CALLBACK["States"]["Ask"], "HeartbeatSeconds": 10, "Retry": RETRY},
    }
    debugger = debug({**CALLBACK, "States": states})
    debugger.run()
    debugger.advance()
    debugger.run()
    debugger.pending[0].heartbeat(every=5, until=60)
    debugger.advance(12)
    debugger.pending[0].fail("Busy", "no")
    debugger.run()
    debugger.pending[0].answer(result({"ok": 1}, seconds=25, heartbeats=[8, 16, 24]))
    debugger.run()
    return debugger


def worked() -> Debugger:
    debugger = debug(block(Work=task(Resource=ACTIVITY, TimeoutSeconds=60, End=True)))
    debugger.run()
    debugger.execution.get_activity_task(ACTIVITY, "Ann")
    debugger.pending[0].succeed({"done": True}, after=3)
    debugger.run()
    return debugger


def taken_later() -> Debugger:
    """Time passes to where nothing strikes, and somebody does something at that instant."""
    debugger = debug(block(Work=task(Resource=ACTIVITY, TimeoutSeconds=60, End=True)))
    debugger.run()
    debugger.advance(1)
    debugger.execution.get_activity_task(ACTIVITY, "Ann")
    debugger.pending[0].fail("E", "no")
    debugger.run()
    return debugger


def never_taken() -> Debugger:
    """There are workers, and the execution times out before one of them comes."""
    states = block(A={"Type": "Wait", "Seconds": 1, "Next": "Work"}, Work=task(Resource=ACTIVITY, End=True))
    debugger = debug({**states, "TimeoutSeconds": 3}, tasks={"Work": worker(7, poll_seconds=9)})
    debugger.run()
    return debugger


def timed() -> Debugger:
    states = block(A=task(TimeoutSeconds=60, HeartbeatSeconds=10, Retry=RETRY, End=True))
    debugger = debug(states, tasks={"A": attempts(never(), result(1, seconds=25, heartbeats=[9, 18]), 7)})
    debugger.run()
    return debugger


def in_order() -> Debugger:
    debugger = debug_map(answer=sequence(1, "two", result([3]), result({"four": 4}, seconds=1)))
    debugger.run()
    debugger.restart()
    return debugger


def described() -> Debugger:
    arn = "arn:aws:states:eu-west-1:999999999999:stateMachine:Order"
    states = block(
        A={
            "Type": "Pass",
            "Parameters": {"by.$": "$$.StateMachine.Id", "run.$": "$$.Execution.Name"},
            "End": True,
        }
    )
    machine = sfnbook.load(
        {"stateMachineArn": arn, "name": "Order", "type": "EXPRESS", "definition": json.dumps(states)}
    )
    limits = sfnbook.AWS_LIMITS._replace(events=None)
    debugger = Debugger(
        machine, {"n": 1}, seed=7, start_time="2024-02-29T00:00:00Z", name="mine", limits=limits
    )
    debugger.run()
    return debugger


def halfway() -> Debugger:
    debugger = debug(CHARGE, {"n": 1})
    debugger.run()
    return debugger


def stopped_between() -> Debugger:
    debugger = debug(LINE, {"n": 1})
    debugger.set_variable("v", 1).set_variable("v", 2)
    debugger.run(at_most=2)
    return debugger


def before_a_question() -> Debugger:
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": 7})
    debugger.run(at_most=3)
    return debugger


def at_the_deadline() -> Debugger:
    ask = CALLBACK["States"]["Ask"] | {"TimeoutSeconds": 60}
    debugger = debug({**CALLBACK, "States": {**CALLBACK["States"], "Ask": ask}})
    debugger.advance()
    debugger.back()
    debugger.pending[0].succeed("just in time")
    debugger.run()
    assert debugger.output == "just in time"
    return debugger


def slowed() -> Debugger:
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": result(7, seconds=2)})
    debugger.inject_latency("Charge", 5, attempts="all").inject_error("Charge", "E", attempts=[2])
    debugger.run()
    assert debugger.time == 7
    return debugger


def slowed_by_hand() -> Debugger:
    debugger = debug(CHARGE, {"n": 1})
    debugger.inject_latency("Charge", 5).run()
    debugger.answer("late")
    debugger.run()
    assert debugger.time == 5
    return debugger


SESSIONS = {
    one.__name__: one
    for one in (
        busy,
        waiting,
        worked,
        taken_later,
        never_taken,
        timed,
        in_order,
        described,
        halfway,
        stopped_between,
        before_a_question,
        at_the_deadline,
        slowed,
        slowed_by_hand,
    )
}


@pytest.mark.parametrize("name", SESSIONS)
def test_the_test_of_a_session_passes(name: str, tmp_path: Path) -> None:
    debugger = SESSIONS[name]()
    made = run_tests(written(debugger, tmp_path / "test_it.py"))
    assert [one.id for one in made.transitions] == [one.id for one in debugger.transitions]


def test_pytest_itself_runs_it(pytester: pytest.Pytester) -> None:
    busy().to_pytest(pytester.path / "test_busy.py")
    pytester.inline_run("-p", "no:cacheprovider", "-W", "error").assertoutcome(passed=2)


def test_it_fails_when_the_definition_does_something_else(tmp_path: Path) -> None:
    debugger = debug(LINE, {"n": 1})
    debugger.run()
    text = written(debugger, tmp_path / "test_it.py").replace('"Next": "C"', '"Next": "C", "Result": 2', 1)
    with pytest.raises(AssertionError):
        run_tests(text)


def test_what_it_reads_like(tmp_path: Path) -> None:
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": {"ok": True}}, name=None)
    debugger.run_to("Charge")
    debugger.inject_error("Charge", "CardDeclined", "no funds")
    debugger.run()
    text = written(debugger, tmp_path / "test_it.py")
    assert text.partition("def session")[2].split("\n")[2:8] == [
        "    machine = sfnbook.load(DEFINITION, name=NAME)",
        "    execution = machine.start(INPUT, tasks=TASKS)",
        "    debugger = sfnbook.Debugger.of(machine, execution)",
        "    go(debugger, 1)",
        '    debugger.inject_error("Charge", "CardDeclined", "no funds", attempts=1)',
        "    debugger.run()",
    ]
    assert 'assert debugger.error == "CardDeclined"' in text
    assert "\t" not in text


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (7, "7"),
        (result([7]), "result([7])"),
        (result("x", seconds=1.5), 'result("x", seconds=1.5)'),
        (failure("E"), 'failure("E")'),
        (failure(None, None), "failure(None, None)"),
        (never(), "never()"),
        (attempts(failure("E", "c"), 1), 'attempts(\n        failure("E", "c"),\n        1,\n    )'),
    ],
)
def test_how_answers_are_written(answer: Any, told: str, tmp_path: Path) -> None:
    debugger = debug(block(A=task(TimeoutSeconds=60, Retry=RETRY, End=True)), tasks={"A": answer})
    debugger.run()
    assert f'TASKS = {{\n    "A": {told},\n}}' in written(debugger, tmp_path / "test_it.py")


def test_values_are_never_code(tmp_path: Path) -> None:
    evil = '"""\n__import__("os").system("touch pwned")\n\'\'\' \\ {x} \u202e \ud800'
    machine = sfnbook.load(block(A=task(Next="B"), B={"Type": "Succeed"}), name="x")
    debugger = Debugger(machine, {evil: evil}, tasks={"A": failure(evil, evil)})
    debugger.run()
    text = written(debugger, tmp_path / "test_it.py")
    assert "\u202e" not in text
    assert run_tests(text).cause == evil


def test_a_test_with_stand_ins(tmp_path: Path) -> None:
    debugger = debug(CHARGE, {"card": "4111-2222"}, tasks={"Charge": lambda event: event})
    debugger.run()
    debugger.to_pytest(tmp_path / "test_it.py", redact=["$..card"])
    text = (tmp_path / "test_it.py").read_text()
    assert "4111" not in text
    assert run_tests(text).output == {"card": "0000-0001"}


def test_files_cannot_be_in_a_test(tmp_path: Path) -> None:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
              "Parameters": {"Bucket": "b", "Key": "k"}}  # fmt: skip
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **LINE}
    states = block(Each={"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True})
    debugger = debug(states, files={"b/k": [1]})
    debugger.run()
    with pytest.raises(sfnbook.UsageError, match="at transition 3 a Distributed Map uses files"):
        debugger.to_pytest(tmp_path / "test_it.py")
    assert not (tmp_path / "test_it.py").exists()


def test_the_mock_config_of_a_session(tmp_path: Path) -> None:
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": lambda _event: {"card": "4111-2222"}})
    debugger.run()
    debugger.restart()
    debugger.to_mock_config(tmp_path / "mocks.json", "Happy", redact=["$..card"])
    made = json.loads((tmp_path / "mocks.json").read_text())
    debugger.goto(debugger.length - 1)
    expected = to_mock_config(debugger.redacted(["$..card"]).execution, "Happy")
    assert made == expected
    assert made["MockedResponses"] == {"Happy Charge": {"0": {"Return": {"card": "0000-0001"}}}}
