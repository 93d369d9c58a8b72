"""A saved session opens at the same moment, runs nothing, and says what is wrong with a file."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook.debugger import Debugger
from sfnbook.sessions import session
from sfnbook.tasks import sequence
from tests.debugging import CALLBACK, CHARGE, LINE, MACHINES, debug, debug_map
from tests.machines import block
from tests.scenarios import LAW, Scenario, echo, scenarios

if TYPE_CHECKING:
    from collections.abc import Callable


def reopened(debugger: Debugger, path: Path, **given: Any) -> Debugger:
    debugger.save(path)
    return Debugger.open(path, **given)


def moment(debugger: Debugger) -> dict[str, Any]:
    """All that a colleague should find as it was."""
    return {
        "branches": [(one.name, one.parent, one.fork, one.why, one.execution.cursor) for one in debugger.branches],
        "changes": [one.execution.changes for one in debugger.branches],
        "frames": [one.execution.frames for one in debugger.branches],
        "current": debugger.branches.current.name,
        "breakpoints": list(map(str, debugger.breakpoints)),
        "watches": dict(debugger.watches),
        "stands": repr(debugger),
        "history": debugger.execution.history(),
    }  # fmt: skip


# --- the same moment ------------------------------------------------------------------------------
@LAW
@given(scenarios(), st.data())
def test_what_is_opened_is_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory, scenario: Scenario, data: Any
) -> None:
    execution = scenario.run()
    debugger = Debugger.of(sfnbook.load(scenario.definition), execution)
    for _ in range(data.draw(st.integers(0, 3))):
        debugger.goto(data.draw(st.integers(0, debugger.length - 1)))
        try:
            debugger.edit_input({"n": data.draw(st.integers(0, 3)), "items": [{"n": 1, "items": []}]})
        except sfnbook.UsageError:
            continue
        debugger.run(at_most=data.draw(st.integers(0, 20)))
    path = tmp_path_factory.mktemp("session") / "s.json"
    opened = reopened(debugger, path, tasks={**scenario.tasks, "Child/Told": echo})
    assert moment(opened) == moment(debugger)
    assert opened.fork().run(at_most=50) == debugger.run(at_most=50)


@pytest.mark.parametrize("name", MACHINES)
def test_saving_again_gives_the_same_file(name: str, tmp_path: Path) -> None:
    debugger = MACHINES[name]()
    debugger.run()
    debugger.goto(5)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    reopened(debugger, first).save(second)
    assert first.read_text() == second.read_text()


def test_branches_breakpoints_watches_and_the_selected_flow(tmp_path: Path) -> None:
    debugger = debug_map(answer={"ok": 1})
    debugger.breakpoints.add("Charge", when="$states.input > 1", hits=2)
    debugger.breakpoints.add(on_error="E", at_time=3)
    debugger.watches["first"] = "$.items[0]"
    debugger.run_to("Orders")
    debugger.edit_input({"items": [7, 8, 9]}).inject_error("Orders[1].Charge", "E", "no", attempts="all")
    debugger.run_to("Charge")
    debugger.restart()
    debugger.step_over()
    debugger.edit_input({"items": []})
    debugger.branches.rename("branch 1", "nothing to do")
    debugger.switch("main")
    debugger.run(at_most=20)
    debugger.select("Orders[1]")
    opened = reopened(debugger, tmp_path / "s.json")
    assert moment(opened) == moment(debugger)
    assert opened.path == debugger.path


def test_nobody_is_called_before_the_recorded_end(tmp_path: Path) -> None:
    debugger = debug_map(answer={"ok": 1})
    debugger.run_to("Rest")
    calls: list[Any] = []
    opened = reopened(
        debugger, tmp_path / "s.json", tasks={"Charge": lambda event: calls.append(event) or event}
    )
    opened.restart()
    opened.goto(debugger.length - 1)
    assert calls == []
    opened.run()
    assert calls
    assert opened.status == "SUCCEEDED"


def test_without_tasks_it_asks_beyond_the_recorded_end(tmp_path: Path) -> None:
    debugger = debug(CHARGE, tasks={"Charge": {"ok": 1}})
    debugger.run_to("Charge")
    opened = reopened(debugger, tmp_path / "s.json")
    opened.run()
    assert opened.blocked == "unanswered"
    opened.answer({"by": "hand"}).run()
    assert opened.output == {"by": "hand"}


def test_what_an_answer_counted_is_kept(tmp_path: Path) -> None:
    debugger = debug_map(answer=sequence(1, 2, 3))
    debugger.run_to("Rest")
    opened = reopened(debugger, tmp_path / "s.json", tasks={"Charge": sequence(1, 2, 3)})
    assert opened.fork().run() == debugger.run()
    opened.run()
    assert opened.output == debugger.output


def test_an_open_callback_is_open_again(tmp_path: Path) -> None:
    debugger = debug(CALLBACK)
    debugger.run()
    opened = reopened(debugger, tmp_path / "s.json")
    assert opened.pending[0].token == debugger.pending[0].token
    opened.pending[0].succeed({"yes": True})
    opened.run()
    assert opened.output == {"yes": True}


def test_a_definition_keeps_its_lines(tmp_path: Path) -> None:
    text = '{"StartAt": "A",\n "States": {\n  "A": {"Type": "Pass",\n   "End": true}}}'
    opened = reopened(Debugger(sfnbook.load(text, name="Lines")), tmp_path / "s.json")
    assert opened.machine.name == "Lines"
    assert opened.machine._read.position("/States/A") == (3, 8)


def test_a_breakpoint_with_a_function_is_left_out_and_said(tmp_path: Path) -> None:
    debugger = debug(LINE)
    debugger.breakpoints.add("B", when=bool)
    debugger.save(tmp_path / "s.json")
    with pytest.warns(UserWarning, match="its condition is a function"):
        opened = Debugger.open(tmp_path / "s.json")
    assert len(opened.breakpoints) == 0
    assert "condition is a function" in opened.notes[0]


def test_opening_imports_and_evaluates_nothing(tmp_path: Path) -> None:
    text = "{% ($eval('1'); __import__('os').system('touch pwned')) %}"
    debugger = debug(
        block(A={"Type": "Pass", "Comment": text, "End": True}), {"__reduce__": ["os.system", text]}
    )
    debugger.run()
    debugger.save(tmp_path / "s.json")
    Debugger.open(tmp_path / "s.json")
    before = set(sys.modules)
    Debugger.open(tmp_path / "s.json")
    assert set(sys.modules) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.json"]


# --- what is not as it was ------------------------------------------------------------------------
def changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    made = json.loads(path.read_text())
    change(made)
    path.write_text(json.dumps(made))
    return path


def saved(tmp_path: Path) -> Path:
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": {"ok": 1}})
    debugger.run()
    debugger.back()
    debugger.save(tmp_path / "s.json")
    return tmp_path / "s.json"


def test_a_changed_definition_is_told_with_the_first_transition_that_differs(tmp_path: Path) -> None:
    def change(made: dict[str, Any]) -> None:
        made["starts"][0]["machines"]["main"]["definition"]["States"]["Last"] = {
            "Type": "Wait",
            "Seconds": 5,
            "End": True,
        }

    path = changed(saved(tmp_path), change)
    with pytest.warns(
        UserWarning, match=r"'main' differs .* at transition 6: now it is <StateEntered Last at 0 s>"
    ):
        opened = Debugger.open(path)
    assert opened.transition.kind == "StateExited"
    assert opened.length == 6


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (lambda branch: branch["log"][0].update(result={"ok": 2}), 3),
        (lambda branch: branch["log"][0].update(after=-5), 3),
        (lambda branch: branch["log"][0].update(after="soon"), 3),
        (lambda branch: branch["log"].clear(), 3),
        (lambda branch: branch["log"].insert(0, {"at": 2, "do": "input", "frame": [9, 9], "value": 1}), 2),
        (lambda branch: branch["log"].insert(0, {"at": 2, "do": "faults", "value": [{"target": 1}]}), 2),
        (lambda branch: branch["log"].insert(0, {"at": 2, "do": "answer", "frame": [0, 0], "beat": 0}), 2),
        (lambda branch: branch["log"].insert(0, {"at": 1, "do": "redrive"}), 1),
    ],
)
def test_a_log_that_does_not_fit_is_cut_where_it_does_not(tmp_path: Path, change: Any, at: int) -> None:
    path = changed(saved(tmp_path), lambda made: change(made["branches"][0]))
    with pytest.warns(UserWarning, match=f"at transition {at}:"):
        opened = Debugger.open(path)
    assert opened.length == at


def test_a_branch_of_a_branch_that_is_cut_is_cut_with_it(tmp_path: Path) -> None:
    debugger = debug(CHARGE, {"n": 1}, tasks={"Charge": {"ok": 1}})
    debugger.run_to("Last")
    debugger.back()
    debugger.inject_error("Charge", "E")
    debugger.save(tmp_path / "s.json")
    path = changed(tmp_path / "s.json", lambda made: made["branches"][0]["log"].clear())
    with pytest.warns(UserWarning, match="differs"):
        opened = Debugger.open(path)
    assert [branch.length for branch in opened.branches] == [3, 3]
    assert len(opened.notes) == 2


def test_samples_go_on_with_the_value_that_is_next(tmp_path: Path) -> None:
    look = {"Type": "Task", "Resource": CHARGE["States"]["Charge"]["Resource"], "Next": "Done?"}
    ready = {"Variable": "$.status", "StringEquals": "READY", "Next": "Twice?"}
    failed = {"Variable": "$.status", "StringEquals": "FAILED", "Next": "Bad"}
    debugger = debug(
        {
            "StartAt": "Look",
            "States": {
                "Look": look,
                "Done?": {"Type": "Choice", "Choices": [ready, failed], "Default": "Look"},
                "Twice?": {"Type": "Pass", "Next": "Look"},
                "Bad": {"Type": "Fail"},
            },
        },
        tasks="sample",
    )
    debugger.run_to("Twice?")
    debugger.save(tmp_path / "s.json")
    opened = Debugger.open(tmp_path / "s.json", tasks="sample")
    assert not opened.notes
    assert opened.run() == debugger.run()
    assert opened.transitions == debugger.transitions


# --- bad files ------------------------------------------------------------------------------------
BAD: dict[str, tuple[Any, str]] = {
    "no session": (lambda made: made.pop("format"), "is no session of sfnbook"),
    "newer": (lambda made: made.update(version=2, sfnbook="9.9"), r"newer sfnbook \(9\.9, format 2\)"),
    "version": (lambda made: made.update(version="1"), "version is not a number"),
    "branches": (lambda made: made.update(branches=[]), "branches is not a list of branches"),
    "missing": (lambda made: made["branches"][0].pop("cursor"), r"branches\[0\]\.cursor is not there"),
    "type": (lambda made: made["branches"][0].update(cursor=True), r"branches\[0\]\.cursor is not a whole number"),
    "entry": (lambda made: made["branches"][0]["log"][0].update(do="exec"), r"log\[0\]\.do is not one of"),
    "entry at": (lambda made: made["branches"][0]["log"][0].update(at=99), r"log\[0\]\.at is not the number"),
    "current": (lambda made: made.update(current="other"), "current is not one of 'main'"),
    "shares": (lambda made: made["branches"][0].update(shares=[0, 3]), r"branches\[0\]\.shares is not a branch"),
    "limits": (lambda made: made["starts"][0].update(limits={"events": 1}), "limits is not an object of"),
    "no machine": (lambda made: made["starts"][0].update(machines={}), "machines is not an object with"),
    "definition": (
        lambda made: made["starts"][0]["machines"]["main"]["definition"].update(StartAt="Nowhere"),
        "state machine that is not valid",
    ),
    "start time": (lambda made: made["starts"][0].update(start_time="soon"), "is no instant"),
    "selected": (lambda made: made.update(selected=[1]), "frame is not two numbers"),
    "watch": (lambda made: made.update(watches={"w": "1 +"}), "neither a path nor JSONata"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_file_says_what_and_where(tmp_path: Path, name: str) -> None:
    change, message = BAD[name]
    path = changed(saved(tmp_path), change)
    before = path.read_bytes()
    with pytest.raises(sfnbook.UsageError, match=message):
        Debugger.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[1, 2]", "is no session"),
        ('{"format": "sfnbook session", "version": 1, "x": NaN}', "cannot be read as JSON: NaN"),
        ("[" * 100_000, "cannot be read as JSON|ends too early"),
        ('{"format": "sfnbook session"', "ends too early"),
    ],
)
def test_what_is_no_session_at_all(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(sfnbook.UsageError, match=message):
        Debugger.open(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_ends_too_early(tmp_path: Path, part: float) -> None:
    path = saved(tmp_path)
    text = path.read_text()
    path.write_text(text[: int(len(text) * part) - 2])
    with pytest.raises(sfnbook.UsageError, match=r"ends too early|is not JSON"):
        Debugger.open(path)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    with pytest.raises(sfnbook.UsageError, match=r"There is no file .* Did you mean 's.json'"):
        Debugger.open(tmp_path / "s.jso")
    with pytest.raises(sfnbook.UsageError, match="cannot be read"):
        Debugger.open(tmp_path)
    monkeypatch.setattr(session, "MAX_BYTES", 10)
    with pytest.raises(sfnbook.UsageError, match="more than 10 are not read"):
        Debugger.open(path)
    path.write_bytes(b"\xff\xfe\x00")
    monkeypatch.undo()
    with pytest.raises(sfnbook.UsageError, match="not a UTF-8 text"):
        Debugger.open(path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()

    def fails(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(sfnbook.UsageError, match="cannot be written: No space left"):
        debug(LINE).save(path)
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path]
    with pytest.raises(sfnbook.UsageError, match="cannot be written"):
        debug(LINE).save(tmp_path / "no" / "such" / "s.json")


def test_an_execution_without_history_cannot_be_saved(tmp_path: Path) -> None:
    machine = sfnbook.load(LINE)
    debugger = Debugger.of(machine, machine.start(keep_history=False).run())
    with pytest.raises(sfnbook.UsageError, match="keeps no history"):
        debugger.save(tmp_path / "s.json")


def test_text_of_any_kind_survives(tmp_path: Path) -> None:
    given = {"a": "\ud800 \u2028 </script> ü 𝄞", "big": 2**80, "small": 1e-300, "one": 1.0}
    debugger = debug(LINE, given)
    debugger.run()
    opened = reopened(debugger, tmp_path / "s.json")
    assert opened.output == given
    assert repr(opened.output) == repr(given)


@pytest.mark.benchmark
def test_opening_ten_thousand_transitions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    debugger = debug_map(
        items=[{"orderId": number, "lines": [1, 2, 3]} for number in range(1_450)], answer=echo
    )
    debugger.run()
    begin = time.perf_counter()
    debugger.save(tmp_path / "s.json")
    middle = time.perf_counter()
    Debugger.open(tmp_path / "s.json")
    opened = time.perf_counter() - middle
    figure = f"saved in {middle - begin:.2f} s, opened in {opened:.2f} s (bar: 1 s)"
    with capsys.disabled():
        print(f"\n{debugger.length:,} transitions: {figure}")  # noqa: T201


# --- replays ----------------------------------------------------------------------------------------
def drawing_replay() -> sfnbook.Debugger:
    """A replay whose recording drew random values, which only the recording knows."""
    draw = {
        "Type": "Pass",
        "Parameters": {"id.$": "States.UUID()", "card": "4111 1111"},
        "ResultPath": "$.drawn",
        "Next": "T",
    }
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"id.$": "$.drawn.id", "key.$": "States.UUID()"},
        "End": True,
    }
    machine = sfnbook.load({"StartAt": "Draw", "States": {"Draw": draw, "T": call}})
    was = machine.start(
        {"n": 1}, seed=5, tasks={"T": sfnbook.tasks.failure("Busy", "for 4111 1111", seconds=2)}
    ).run()
    return sfnbook.replay(machine, was.history())


def test_a_replay_is_opened_as_it_was(tmp_path):
    debugger = drawing_replay()
    debugger.save(tmp_path / "session.json")
    opened = sfnbook.Debugger.open(tmp_path / "session.json")
    assert opened.notes == ()
    assert opened.transitions == debugger.transitions
    assert opened.transition == debugger.transition
    opened.restart()
    opened.edit_input({"n": 2})
    opened.run()
    assert "event 5 (TaskScheduled) was sent" in opened.unanswered.why


def test_a_replay_is_redacted_with_its_recording(tmp_path):
    drawing_replay().save(tmp_path / "session.json", redact=["$..card"])
    assert "4111" not in (tmp_path / "session.json").read_text()
    opened = sfnbook.Debugger.open(tmp_path / "session.json")
    assert opened.transition.error == "Busy"


def test_an_isolated_replay_is_opened_as_it_was(tmp_path):
    inner = {
        "StartAt": "T",
        "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}},
    }
    machine = sfnbook.load(
        {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}}}
    )
    was = machine.start([1, 2], tasks={"T": sfnbook.tasks.failure("Busy")}).run()
    alone = sfnbook.replay(machine, was.history()).isolate("M[0]")
    alone.save(tmp_path / "session.json")
    opened = sfnbook.Debugger.open(tmp_path / "session.json")
    assert (opened.notes, opened.transition) == ((), alone.transition)


def test_a_damaged_recording_is_told(tmp_path):
    file = tmp_path / "session.json"
    drawing_replay().save(file)
    made = json.loads(file.read_text())
    made["starts"][0]["recording"]["events"][0] = {"id": 1}
    file.write_text(json.dumps(made))
    with pytest.raises(sfnbook.UsageError, match=r"is damaged: starts\[0\].recording is not the recording"):
        sfnbook.Debugger.open(file)
