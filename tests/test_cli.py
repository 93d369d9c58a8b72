"""The command line: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterlab.labapp import LabApp

from sfnbook import __version__, cli, load, tasks

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:charge"
RETRY = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "MaxAttempts": 2}]
CHARGE = {
    "StartAt": "Charge",
    "States": {
        "Charge": {"Type": "Task", "Resource": LAMBDA, "Retry": RETRY, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    },
}
ANSWERS = """
import sys
from dataclasses import dataclass
from neighbour import GREETING
from sfnbook.tasks import attempts, failure

print("The file runs.", file=sys.stderr)

@dataclass
class Receipt:
    text: str

class Busy(Exception):
    pass

def greet(event):
    return Receipt(f"{GREETING}, {event['name']}").text

def busy(event):
    raise Busy("[bold]come back[/bold]")

def interrupted(event):
    raise KeyboardInterrupt

once = attempts(failure("Busy"), {"ok": True})
"""


def words(value: object) -> str | None:
    """The id of a case: its command line."""
    return " ".join(map(str, value)) or "nothing" if isinstance(value, list) else None


class Ended(NamedTuple):
    code: Any
    out: str
    err: str


@pytest.fixture
def sfnbook(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ended]:
    """The command line in a folder with a definition, ``charge.json``, and answers, ``answers.py``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    Path("charge.json").write_text(json.dumps(CHARGE), encoding="utf-8")
    Path("answers.py").write_text(ANSWERS, encoding="utf-8")
    Path("neighbour.py").write_text("GREETING = 'Hello'", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "neighbour", raising=False)

    def run(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            cli.app(list(arguments), prog_name="sfnbook")
        return Ended(ended.value.code, *capsys.readouterr())

    return run


# --- replay ---------------------------------------------------------------------------------------
@pytest.fixture
def history(sfnbook: Callable[..., Ended]) -> list[dict[str, Any]]:
    """``history.json``: the Task failed three times last night."""
    busy = {"Charge": tasks.failure("Busy", "come [bold]back[/bold]", seconds=2)}
    events = load(CHARGE).start({"id": 7}, tasks=busy).run().history()
    Path("history.json").write_text(json.dumps({"events": events}), encoding="utf-8")
    return events


@pytest.mark.usefixtures("history")
def test_replay_shows_the_failure_and_why(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("replay", "charge.json", "history.json", "--around", "1")
    lines = ended.out.splitlines()
    assert (ended.code, ended.err) == (1, "")
    assert lines[0].split() == ["7", "s", "TaskStarted", "Charge"]
    assert lines[3].split()[2:] == ["TaskFailed", "Charge", "Busy"]
    assert "The Task failed with Busy: come [bold]back[/bold]" in ended.out
    assert "retrier 1 [Busy]: matches, but its 2 retries are used up" in ended.out


@pytest.mark.usefixtures("history")
def test_replay_as_json(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("replay", "charge.json", "history.json", "--around", "0", "--json")
    *transitions, summary = map(json.loads, ended.out.splitlines())
    assert [one["kind"] for one in transitions] == ["TaskFailed", "ExecutionFailed"]
    assert (summary["status"], summary["error"]) == ("FAILED", "Busy")


def test_replay_says_what_is_missing(sfnbook: Callable[..., Ended], history: list[dict[str, Any]]) -> None:
    Path("history.json").write_text(json.dumps(history[:5]), encoding="utf-8")
    ended = sfnbook("replay", "charge.json", "history.json")
    assert ended.code == 0
    assert ended.err.startswith("note: The recording ends at event 5")


@pytest.mark.usefixtures("history")
def test_replay_of_another_definition_asks(sfnbook: Callable[..., Ended]) -> None:
    other = json.loads(json.dumps(CHARGE))
    other["States"]["Charge"]["Parameters"] = {"other": 1}
    Path("other.json").write_text(json.dumps(other), encoding="utf-8")
    ended = sfnbook("replay", "other.json", "history.json")
    assert ended.code == 2
    assert "leaves the recording at Charge: the recording has other arguments here: event 3" in ended.err


@pytest.mark.usefixtures("history")
def test_replay_refuses_what_is_no_history(sfnbook: Callable[..., Ended]) -> None:
    assert sfnbook("replay", "charge.json", "charge.json").err.startswith("error: This is no history")
    assert "There is no file 'no.json'" in sfnbook("replay", "charge.json", "no.json").err


# --- run ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "output"),
    [
        (["--task", 'Charge={"id": 7}'], {"id": 7}),
        (["--task", "Charge=[1, 2]"], [1, 2]),
        (["--task", "Charge=null"], None),
        (["--task", "*=true"], True),
        (["--task", f"{LAMBDA}=1"], 1),
        (["--task", "Charge=@result.json"], {"from": "a file"}),
        (["--task", "Charge=@answers.py:once"], {"ok": True}),
        (["--task", "Charge=@answers.py:greet", "--input", '{"name": "Zoë"}'], "Hello, Zoë"),
        (["--task", "Charge=@answers.py:greet", "--input", "@input.json"], "Hello, Ada"),
        (["--sample"], {}),
        (["--sample", "--task", "Charge=1"], 1),
    ],
    ids=words,
)
def test_run_prints_the_output(sfnbook: Callable[..., Ended], options: list[str], output: Any) -> None:
    Path("result.json").write_text('{"from": "a file"}', encoding="utf-8")
    Path("input.json").write_text('\ufeff{"name": "Ada"}', encoding="utf-8")
    ended = sfnbook("run", "charge.json", *options)
    assert (ended.code, json.loads(ended.out)) == (0, output)


def test_a_name_may_hold_an_equals_sign(sfnbook: Callable[..., Ended]) -> None:
    pay = {"Type": "Task", "Resource": LAMBDA, "End": True}
    Path("odd.json").write_text(json.dumps({"StartAt": "a=b", "States": {"a=b": pay}}), encoding="utf-8")
    assert sfnbook("run", "odd.json", "--task", 'a=b={"c": "=="}').out.split() == ["{", '"c":', '"=="', "}"]


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_warning_is_one_line(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("run", "charge.json", "--input", json.dumps('{"id": 7}'), "--task", "Charge=1")
    assert (ended.code, ended.out) == (0, "1\n")
    assert ended.err.startswith("warning: The input is text that holds JSON.")
    assert ended.err.count("\n") == 1


def test_the_commands_are_told_in_whole_sentences(sfnbook: Callable[..., Ended]) -> None:
    assert "...\n" not in sfnbook("--help").out.partition("\n")[2]


def test_a_failed_execution(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("run", "charge.json", "--task", "Charge=@answers.py:busy")
    assert (ended.code, ended.out) == (1, "")
    assert "error: FAILED in state 'Charge': Busy" in ended.err
    assert "[bold]come back[/bold]" in ended.err
    assert "Traceback" not in ended.err


def test_an_unanswered_task_shows_the_options_to_give(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("run", "charge.json")
    assert (ended.code, ended.out) == (2, "")
    assert '--task \'Charge={"any": "JSON"}\'' in ended.err


def test_a_dash_reads_standard_input(sfnbook: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    def given(text: str, *arguments: str) -> Ended:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return sfnbook(*arguments)

    definition = Path("charge.json").read_text(encoding="utf-8")
    assert given(definition, "validate", "-").out == "-: valid\n"
    assert json.loads(given(definition, "run", "-", "--task", "Charge=1").out) == 1
    assert given("StartAt: A", "validate", "-").code == 1  # one line of YAML is a text, too
    assert given("[7]", "run", "charge.json", "--input", "@-", "--task", "Charge=@answers.py:once").code == 0
    monkeypatch.setattr("sfnbook.arguments.MAX_FILE_BYTES", 3)
    assert "longer than 3 characters" in given(definition, "run", "-").err


def test_an_interrupt_is_one_line(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("run", "charge.json", "--task", "Charge=@answers.py:interrupted")
    assert ended == (130, "", "The file runs.\nInterrupted.\n")


def test_until_stops_before_a_state(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("run", "charge.json", "--task", "Charge=@answers.py:once", "--until", "Done")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.endswith("Stopped before Done at 1 s.\n")


def test_an_open_callback_cannot_be_waited_for(sfnbook: Callable[..., Ended]) -> None:
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"},
        "End": True,
    }
    Path("ask.json").write_text(json.dumps({"StartAt": "Ask", "States": {"Ask": ask}}), encoding="utf-8")
    ended = sfnbook("run", "ask.json")
    assert (ended.code, ended.out) == (2, "")
    assert "waits for an answer from outside: Ask." in ended.err
    assert sfnbook("run", "ask.json", "--json").code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["charge.jsn"], "There is no file 'charge.jsn'. Did you mean 'charge.json'?"),
        (["charge.json", "--input", "{"], "--input '{' is not JSON: "),
        (
            ["charge.json", "--input", "@none.json"],
            "--input @none.json cannot be read: No such file or directory.",
        ),
        (["charge.json", "--input", "NaN"], "The input is not JSON"),
        (["charge.json", "--task", "Charge"], "write STATE=JSON or STATE=@FILE.py:NAME"),
        (["charge.json", "--task", "=1"], "write STATE=JSON or STATE=@FILE.py:NAME"),
        (["charge.json", "--task", "Charge=yes"], "--task Charge='yes' is not JSON"),
        (["charge.json", "--task", "Charge=1", "--task", "Charge=2"], "two answers for 'Charge'"),
        (["charge.json", "--task", "Chrge=1"], "Charge"),
        (["charge.json", "--task", "Charge=@answers.py"], "Write @answers.py:NAME"),
        (
            ["charge.json", "--task", "Charge=@answers.py:gret"],
            "There is no 'gret' in 'answers.py'. Did you mean 'greet'?",
        ),
        (["charge.json", "--task", "Charge=@none.py:f"], "there is no file 'none.py'"),
        (["charge.json", "--task", "Charge=@.:f"], "cannot be read: "),
        (["charge.json", "--task", "Charge=@broken.py:f"], "broken.py, line 2: ZeroDivisionError: "),
        (["charge.json", "--task", "Charge=@wrong.py:f"], "wrong.py: SyntaxError: "),
        (["charge.json", "--task", "Charge=1", "--until", "Dnoe"], "There is no state 'Dnoe'"),
    ],
    ids=words,
)
def test_what_cannot_be_done_is_one_message(
    sfnbook: Callable[..., Ended], arguments: list[str], message: str
) -> None:
    Path("broken.py").write_text("\n1 / 0\n", encoding="utf-8")
    Path("wrong.py").write_text("def f(:\n", encoding="utf-8")
    ended = sfnbook("run", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_an_invalid_definition(sfnbook: Callable[..., Ended]) -> None:
    Path("bad.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass"}}}', encoding="utf-8")
    for command in (["run", "bad.json"], ["graph", "bad.json", "-o", "x.svg"]):
        ended = sfnbook(*command)
        assert (ended.code, ended.out) == (1, "")
        assert "The definition is invalid:\nERROR " in ended.err
    assert not Path("x.svg").exists()


# --- traces ---------------------------------------------------------------------------------------
def test_a_trace_says_why(sfnbook: Callable[..., Ended]) -> None:
    out = sfnbook("run", "charge.json", "--task", "Charge=@answers.py:once", "--trace").out
    assert "           1 s  TaskSucceeded      Charge\n" in out
    assert "Retrier 1 takes Busy: attempt 2 starts in 1 s" in out
    assert out.endswith('{\n  "ok": true\n}\n')


def test_a_trace_of_what_came_before_an_error_is_printed(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("run", "charge.json", "--trace")
    assert "TaskScheduled      Charge" in ended.out
    assert ended.code == 2


def test_json_is_one_object_a_line(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("run", "charge.json", "--task", "Charge=@answers.py:once", "--trace", "--json")
    *transitions, summary = map(json.loads, ended.out.splitlines())
    assert [one["kind"] for one in transitions[:2]] == ["ExecutionStarted", "StateEntered"]
    assert next(one for one in transitions if one["kind"] == "RetryScheduled")["why"].startswith("Retrier 1")
    assert summary == {
        "status": "SUCCEEDED",
        "output": {"ok": True},
        "error": None,
        "cause": None,
        "time": 1.0,
        "billed_transitions": 3,
        "blocked": None,
    }


def test_json_of_a_failure(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("run", "charge.json", "--task", "Charge=@answers.py:busy", "--json")
    summary = json.loads(ended.out)
    assert (ended.code, summary["status"], summary["error"]) == (1, "FAILED", "Busy")


def test_the_same_seed_gives_the_same_run(sfnbook: Callable[..., Ended]) -> None:
    state = {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "End": True}
    Path("id.json").write_text(json.dumps({"StartAt": "A", "States": {"A": state}}), encoding="utf-8")
    first, again, other = (sfnbook("run", "id.json", "--seed", seed).out for seed in ("1", "1", "2"))
    assert first == again != other


# --- untrusted text -------------------------------------------------------------------------------
ODD = "[red]x[/red] :smile: \x1b[31m\u202e"


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
def test_texts_of_a_definition_are_printed_as_they_are(
    sfnbook: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, colour: bool
) -> None:
    if colour:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm-256color")
    fail = {"Type": "Fail", "Error": ODD, "Cause": "[link=x]y[/link]"}
    Path("odd.json").write_text(json.dumps({"StartAt": ODD, "States": {ODD: fail}}), encoding="utf-8")
    ended = sfnbook("run", "odd.json", "--trace")
    safe = "[red]x[/red] :smile: \\u001b[31m\\u202e"
    assert safe in ended.out
    assert safe in ended.err
    assert "[link=x]y[/link]" in ended.err
    assert "\x1b[31m\u202e" not in ended.out + ended.err
    assert ("\x1b[" in ended.out) is colour


@given(st.recursive(st.text() | st.integers(), st.lists, max_leaves=5))
def test_shown_json_is_still_json(value: Any) -> None:
    text = cli.shown(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert not [letter for letter in text if letter < " " or "\x7f" <= letter <= "\x9f"]


# --- validate, graph ------------------------------------------------------------------------------
BAD = '{\n  "StartAt": "A",\n  "States": {\n    "A": {"Type": "Succeed", "End": true}\n  }\n}'


def test_validate_prints_every_problem_with_its_place(sfnbook: Callable[..., Ended]) -> None:
    Path("bad.json").write_text(BAD, encoding="utf-8")
    ended = sfnbook("validate", "bad.json")
    first, verdict = ended.out.splitlines()
    assert first == (
        "bad.json:4:10: error SCHEMA_VALIDATION_FAILED: Field 'End' is not supported (/States/A)"
    )
    assert (ended.code, verdict, ended.err) == (1, "bad.json: invalid, 1 error", "")


@pytest.mark.parametrize("command", ["validate", "run"])
def test_bad_json_is_one_place_and_not_a_copy_of_the_file(
    sfnbook: Callable[..., Ended], command: str
) -> None:
    Path("comma.json").write_text('{"StartAt": "A",\n "States": {},\n}', encoding="utf-8")
    ended = sfnbook(command, "comma.json")
    assert ended.code == 1
    assert "double-quote to start field name" in ended.out + ended.err
    assert "StartAt" not in ended.out + ended.err


def test_validate_as_json(sfnbook: Callable[..., Ended]) -> None:
    Path("bad.json").write_text(BAD, encoding="utf-8")
    (problem,) = json.loads(sfnbook("validate", "bad.json", "--json").out)
    assert (problem["severity"], problem["line"], problem["column"]) == ("ERROR", 4, 10)
    assert sfnbook("validate", "charge.json", "--json") == (0, "[]\n", "")


def test_a_valid_definition(sfnbook: Callable[..., Ended]) -> None:
    assert sfnbook("validate", "charge.json") == (0, "charge.json: valid\n", "")


def test_a_file_that_is_no_definition(sfnbook: Callable[..., Ended]) -> None:
    Path("text.json").write_text('{"StartAt": ', encoding="utf-8")
    assert sfnbook("validate", "text.json").code == 1
    assert sfnbook("validate", "none.json").code == 2


@pytest.mark.parametrize(("suffix", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_graph_draws(sfnbook: Callable[..., Ended], suffix: str, begins: bytes) -> None:
    assert sfnbook("graph", "charge.json", "-o", f"out.{suffix}") == (0, "", "")
    assert Path(f"out.{suffix}").read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("out.gif", "out.gif: a picture is written as .svg, .png or .pdf."),
        ("none/out.svg", "cannot be written"),
    ],
)
def test_graph_cannot_draw_that(sfnbook: Callable[..., Ended], target: str, message: str) -> None:
    ended = sfnbook("graph", "charge.json", "-o", target)
    assert ended.code == 2
    assert message in ended.err


# --- the course -----------------------------------------------------------------------------------
def test_course_copies_the_notebooks(sfnbook: Callable[..., Ended]) -> None:
    assert "wrote  sfnbook-course/01-first-steps.ipynb" in sfnbook("course").err
    assert sfnbook("course").err == "The course is in sfnbook-course.\n"
    Path("sfnbook-course/01-first-steps.ipynb").write_text("mine", encoding="utf-8")
    assert "kept   sfnbook-course/01-first-steps.ipynb (changed by you)" in sfnbook("course").err


def test_lab_says_what_is_missing(sfnbook: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    ended = sfnbook("lab")
    assert (ended.code, list(Path().glob("sfnbook-course"))) == (2, [])
    assert "pip install 'sfnbook[lab]'" in ended.err


@pytest.mark.parametrize(
    ("options", "folder", "passed_on"),
    [
        ([], "sfnbook-course", []),
        (["mine"], "mine", []),
        (["mine", "--port=9", "--no-browser"], "mine", ["--port=9", "--no-browser"]),
        (["--no-browser"], "sfnbook-course", ["--no-browser"]),
        (["--port=9", "mine", "--no-browser"], "mine", ["--port=9", "--no-browser"]),
    ],
    ids=words,
)
def test_lab_opens_the_first_notebook(
    sfnbook: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    folder: str,
    passed_on: list[str],
) -> None:
    opened: list[list[str]] = []
    # Stands in for JupyterLab, which would run until someone stops it.
    stand_in = type(sys)("jupyterlab.labapp")
    stand_in.main = opened.append  # type: ignore[attr-defined]
    stand_in.LabApp = LabApp  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "jupyterlab.labapp", stand_in)
    assert sfnbook("lab", *options).code == 0
    ((root, address, prompt, *rest),) = opened
    assert root == f"--ServerApp.root_dir={Path(folder).resolve()}"
    assert address == "--LabApp.default_url=/lab/tree/01-first-steps.ipynb"
    assert prompt == "--ServerApp.kernel_websocket_connection_class=sfnbook.lab.PromptConnection"
    assert rest == passed_on
    assert (Path(folder) / "01-first-steps.ipynb").is_file()


def test_lab_takes_one_folder(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("lab", "--port", "9", "mine")
    assert (ended.code, list(Path().glob("mine"))) == (2, [])
    assert "One folder, not 9 and mine." in ended.err


def test_lab_tells_how_an_option_has_its_value(sfnbook: Callable[..., Ended]) -> None:
    ended = sfnbook("lab", "--no-browser", "--port", "9")
    assert (ended.code, list(Path().glob("9"))) == (2, [])
    assert "--port has no value. Options of JupyterLab are written --port=value." in ended.err


# --- the whole ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["--help"], 0),
        (["run", "--help"], 0),
        (["run"], 2),
        (["fly"], 2),
        (["run", "x", "--seed", "a"], 2),
    ],
    ids=words,
)
def test_usage(sfnbook: Callable[..., Ended], arguments: list[str], code: int) -> None:
    ended = sfnbook(*arguments)
    assert ended.code == code
    assert "Usage: sfnbook" in ended.out + ended.err


def test_the_module_runs() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "sfnbook", "--version"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"sfnbook {__version__}\n", "")


# --- what the Tasks start and the Maps read ---------------------------------------------------------
STARTS = {
    "StartAt": "Start",
    "States": {
        "Start": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {
                "StateMachineArn": "arn:aws:states:us-east-1:111122223333:stateMachine:kid",
                "Input": {"n": 1},
            },
            "OutputPath": "$.Output",
            "End": True,
        }
    },
}
READS = {
    "StartAt": "Rows",
    "States": {
        "Rows": {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                "Parameters": {"Bucket": "b", "Key": "rows.csv"},
            },
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Row",
                "States": {"Row": {"Type": "Pass", "End": True}},
            },
            "End": True,
        }
    },
}


def test_a_nested_execution_runs_the_machine_of_that_name(sfnbook):
    Path("starts.json").write_text(json.dumps(STARTS), encoding="utf-8")
    kid = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "Result": "from the kid", "End": True}}}
    Path("kid.json").write_text(json.dumps(kid), encoding="utf-8")
    ended = sfnbook("run", "starts.json", "--machine", "kid=kid.json")
    assert (ended.code, json.loads(ended.out)) == (0, "from the kid")


@pytest.mark.parametrize("option", ["kid", "kid=", "=kid.json"])
def test_a_machine_without_a_name_or_file_is_refused(sfnbook, option):
    ended = sfnbook("run", "charge.json", "--machine", option)
    assert ended.code == 2
    assert "NAME=FILE" in ended.err


def test_a_distributed_map_reads_a_folder(sfnbook):
    Path("reads.json").write_text(json.dumps(READS), encoding="utf-8")
    Path("store/b").mkdir(parents=True)
    Path("store/b/rows.csv").write_text("id\n1\n2\n", encoding="utf-8")
    ended = sfnbook("run", "reads.json", "--files", "store")
    assert (ended.code, json.loads(ended.out)) == (0, [{"id": "1"}, {"id": "2"}])
