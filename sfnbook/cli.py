"""The command line: run, replay, draw and check a definition; copy and open the course; look after Jupyter.

Exit codes: 0 it went well, 1 the execution failed or the definition is invalid, 2 the command
cannot be carried out as given, 130 interrupted.  What was asked for goes to standard output, every
message to standard error.  Texts of a definition are printed as they are, never as markup.
"""

from __future__ import annotations

import functools
import json
import re
import shlex
import sys
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, ParamSpec

import typer

import sfnbook
from sfnbook import course
from sfnbook.arguments import answers_of, definition_of, json_of, machines_of
from sfnbook.errors import DefinitionError, ExecutionFailed, SfnbookError, UnansweredTask, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.text import Text

    from sfnbook.errors import Diagnostic
    from sfnbook.execution import Execution
    from sfnbook.transition import Transition
    from sfnbook.values import Json

P = ParamSpec("P")

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130
CODES: Final[dict[str, int]] = {"SUCCEEDED": OK, "RUNNING": OK}
"""Exit codes by an execution's status; every other status is a failure."""

app = typer.Typer(
    help="Simulate AWS Step Functions: no account, no network, no waiting.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

DefinitionFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A definition: JSON or YAML; - reads standard input.")
]


# --- commands -------------------------------------------------------------------------------------
def reported(command: Callable[P, int]) -> Callable[P, None]:
    """Turn what a command returns or raises into an exit code, and an exception into one message."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
                code = command(*args, **kwargs)
        except DefinitionError as invalid:
            problems = "\n".join(str(unquoted(problem)) for problem in invalid.diagnostics)
            say(f"The definition is invalid:\n{problems}", error=True)
            code = FAILED
        except ExecutionFailed as failed:
            say(str(failed), error=True)
            code = FAILED
        except UnansweredTask as task:
            say(unanswered(task), error=True)
            code = USAGE
        except SfnbookError as problem:
            say(str(problem), error=True)
            code = USAGE
        except KeyboardInterrupt:
            say("Interrupted.")
            code = INTERRUPTED
        raise typer.Exit(code)

    return run


@app.callback(invoke_without_command=True)
def prepare(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a letter must not make the command fail.
            stream.reconfigure(errors="backslashreplace")
    if version:
        typer.echo(f"sfnbook {sfnbook.__version__}")
        raise typer.Exit(OK)


@app.command()
@reported
def run(
    file: DefinitionFile,
    *,
    given: Annotated[
        str | None, typer.Option("--input", metavar="JSON|@FILE", help="The execution's input.")
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE=JSON|@FILE.py:NAME",
            help="Who answers for a Task: a result, or a function of a file. '*' stands for all Tasks.",
        ),
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Samples for all that is not given: results, or the input, too.")
    ] = False,
    machine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="The state machine that a nested execution runs."),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="What a Distributed Map reads: DIR/bucket/key."),
    ] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Print every transition, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 0,
    until: Annotated[str | None, typer.Option(metavar="STATE", help="Stop before this state.")] = None,
) -> int:
    """Run a definition on a virtual clock and print its output."""
    loaded = sfnbook.load(definition_of(file))
    execution = loaded.start(
        None if given is None else json_of(given, "--input "),
        tasks=answers_of(task or [], sample=sample),
        machines=machines_of(machine or []),
        files=files,
        seed=seed,
    )
    try:
        execution.run(until)
    finally:
        if trace:
            show_trace(execution.transitions, as_json=as_json)
    if as_json:
        typer.echo(json.dumps(summary(execution)))
        return USAGE if execution.blocked else CODES.get(execution.status, FAILED)
    if execution.blocked:
        raise UsageError(waiting(execution))
    if execution.status == "RUNNING":
        say(f"Stopped before {until} at {execution.time:g} s.")
    else:
        typer.echo(shown(json.dumps(execution.result(), indent=2, ensure_ascii=False)))
    return OK


@app.command(name="replay", short_help="Show where a recorded execution failed, and why.")
@reported
def replay_history(
    file: DefinitionFile,
    history: Annotated[
        Path,
        typer.Argument(metavar="HISTORY", help="What get-execution-history prints, or CloudWatch Logs."),
    ],
    *,
    execution: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|ARN|FILE", help="Which of several executions, or what describe-execution prints."
        ),
    ] = None,
    children: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Histories or result files of a Map Run, or a folder of them."),
    ] = None,
    around: Annotated[int, typer.Option(metavar="N", help="How many transitions before the failure.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
) -> int:
    """Replay a recorded execution and print the transitions around its failure, and why it failed."""
    debugger = sfnbook.replay(definition_of(file), history, execution=execution, children=children)
    shown_from = max(0, debugger.position - 1 - max(around, 0))
    debugger.goto(debugger.length - 1)
    show_trace(debugger.transitions[shown_from:], as_json=as_json)
    if debugger.children is not None and not as_json:
        typer.echo(shown(repr(debugger.children)))
    for note in debugger.notes:
        say(f"note: {note}")
    question = debugger.unanswered
    if question is not None and debugger.recording is not None and debugger.recording.ended is not None:
        raise UsageError(f"The replay leaves the recording at {question.path}: {question.why}")
    if as_json:
        typer.echo(json.dumps(summary(debugger.execution)))
    return CODES.get(debugger.status, FAILED)


@app.command()
@reported
def graph(
    file: DefinitionFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .svg, .png or .pdf.")],
) -> int:
    """Draw a definition."""
    from sfnbook.drawing.plots import save_figure  # noqa: PLC0415 - one command of five draws

    loaded = sfnbook.load(definition_of(file))
    try:
        save_figure(loaded.definition, output)
    except OSError as problem:
        raise UsageError(f"{str(output)!r} cannot be written: {problem.strerror}.") from None
    return OK


@app.command()
@reported
def validate(
    file: DefinitionFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as a JSON array.")] = False,
) -> int:
    """Print every problem of a definition with its line and column."""
    found = sfnbook.validate(definition_of(file))
    if as_json:
        typer.echo(json.dumps([fields_of(problem) for problem in found], indent=2))
    else:
        for problem in found:
            typer.echo(shown(located(file, unquoted(problem))))
        typer.echo(shown(f"{file}: {verdict(found)}"))
    return FAILED if any(problem.severity == "ERROR" for problem in found) else OK


@app.command(name="course", short_help="Copy the notebooks of the course.")
@reported
def copy_course(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to.")] = Path(course.FOLDER),
) -> int:
    """Copy the notebooks of the course; a notebook that you changed is never overwritten."""
    copied = course.copy_course(directory)
    for name in copied.written:
        say(f"wrote  {directory / name}")
    for name in copied.kept:
        say(f"kept   {directory / name} (changed by you)")
    say(f"The course is in {directory}.")
    return OK


@app.command(
    short_help="Open JupyterLab on the course.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
@reported
def lab(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to.")] = Path(course.FOLDER),
) -> int:
    """Copy the course and open JupyterLab on its first notebook; more options go to JupyterLab."""
    if find_spec("jupyterlab") is None:
        raise UsageError("JupyterLab is not installed here. Install it with: pip install 'sfnbook[lab]'")
    # An unknown option can land in the place of the folder: it is JupyterLab's, wherever it stands.
    given = [str(directory), *context.args]
    folders = [one for one in given if not one.startswith("-")] or [course.FOLDER]
    options = [one for one in given if one.startswith("-")]
    if len(folders) > 1:
        raise UsageError(
            f"One folder, not {' and '.join(folders)}. Options of JupyterLab are written --name=value."
        )
    from jupyterlab.labapp import LabApp  # noqa: PLC0415 - optional, and slow to load
    from jupyterlab.labapp import main as jupyter_lab  # noqa: PLC0415 - as above

    from sfnbook.lab import OPTION  # noqa: PLC0415 - needs Jupyter's server

    # `--port 8889` would make a folder of that name.
    if lacking := [one for one in options if one.lstrip("-") in LabApp.aliases]:
        raise UsageError(f"{lacking[0]} has no value. Options of JupyterLab are written {lacking[0]}=value.")
    directory = Path(folders[0])
    course.copy_course(directory)

    # As the default address, not as the file to open: so the address that is printed leads there, too.
    here = [f"--ServerApp.root_dir={directory.resolve()}", f"--LabApp.default_url=/lab/tree/{course.FIRST}"]
    jupyter_lab([*here, OPTION, *options])
    return OK


@app.command(name="export", short_help="A notebook as HTML, slides or PDF.")
@reported
def export_notebook(
    notebook: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="A notebook with its outputs.")],
    *,
    to: Annotated[str, typer.Option("--to", metavar="html|slides|pdf", help="What it becomes.")] = "html",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; else beside it.")] = None,
    execute: Annotated[bool, typer.Option("--execute", help="Run the notebook first.")] = False,
) -> int:
    """Write a notebook as HTML, slides or PDF, with the pictures of machines and debuggers."""
    from sfnbook.export import export  # noqa: PLC0415 - one command of many writes notebooks

    say(f"wrote  {export(notebook, to, output, execute=execute)}")
    return OK


@app.command(short_help="Find out why a widget does not show.")
@reported
def doctor() -> int:
    """Find out why a widget does not show in Jupyter, and say what mends it."""
    from sfnbook.doctor import Place, examine  # noqa: PLC0415 - one command of many looks around

    findings = examine(Place.here())
    for finding in findings:
        typer.echo(shown(str(finding)))
    wrong = sum(not finding.fine for finding in findings)
    if wrong:
        say(
            f"{wrong} of {len(findings)} are wrong. Mend them, restart Jupyter and reload the page.",
            error=True,
        )
        return FAILED
    typer.echo("Nothing is wrong here. If a widget still does not show: restart Jupyter and reload the page.")
    return OK


# --- what is printed ------------------------------------------------------------------------------
# C0 and C1 controls steer a terminal, the bidirectional ones turn a text around.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def shown(text: str) -> str:
    r"""Text for a terminal; what would steer the terminal is written as an escape.

    >>> print(shown("plain \x1b[31mred"))
    plain \u001b[31mred
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(message: str, *, error: bool = False) -> None:
    """One message on standard error; an error's first word is red where there are colours."""
    from rich.text import Text  # noqa: PLC0415 - only when there is something to colour

    line = Text("error: ", style="bold red") if error else Text()
    show([line.append(shown(message), style="default not bold")], stderr=True)


def show(lines: Iterable[Text], *, stderr: bool = False) -> None:
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=stderr, highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)


def unanswered(task: UnansweredTask) -> str:
    """`UnansweredTask` in the command line's words."""
    examples = (f'{task.state}={{"any": "JSON"}}', f"{task.state}=@answers.py:function")
    lines = [f"Nobody answers for the Task {task.path!r}. Give it a result or a function:"]
    return "\n".join(lines + [f"  --task {shlex.quote(example)}" for example in examples])


def waiting(execution: Execution) -> str:
    """Why a run that nobody steers cannot go on."""
    paths = ", ".join(task.path for task in execution.pending)
    return f"The execution waits for an answer from outside: {paths}. Give one with --task."


def unquoted(problem: Diagnostic) -> Diagnostic:
    """A problem without the copy of the whole definition that AWS's message about bad JSON ends with."""
    message, quoted, _ = problem.message.partition("\n at [Source: ")
    return replace(problem, message=message, pointer=None) if quoted else problem


def located(file: Path, problem: Diagnostic) -> str:
    """A problem as compilers print it: file, line and column first."""
    place = f"{file}:{problem.line}:{problem.column}" if problem.line else str(file)
    pointer = f" ({problem.pointer})" if problem.pointer else ""
    return f"{place}: {problem.severity.lower()} {problem.code}: {problem.message}{pointer}"


def verdict(found: list[Diagnostic]) -> str:
    """The last line of `validate`."""
    errors = sum(problem.severity == "ERROR" for problem in found)
    warnings = len(found) - errors
    counted = [
        f"{count} {word}{'s' * (count > 1)}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return ", ".join(["invalid" if errors else "valid", *counted])


def fields_of(problem: Diagnostic) -> dict[str, Json]:
    return {
        name: getattr(problem, name) for name in ("severity", "code", "message", "pointer", "line", "column")
    }


def summary(execution: Execution) -> dict[str, Json]:
    """How an execution stands, as JSON."""
    names = ("status", "output", "error", "cause", "time", "billed_transitions", "blocked")
    return {name: getattr(execution, name) for name in names}


def show_trace(transitions: list[Transition], *, as_json: bool) -> None:
    if as_json:
        for transition in transitions:
            typer.echo(json.dumps(record_of(transition)))
    else:
        show(map(line_of, transitions))


def record_of(transition: Transition) -> dict[str, Json]:
    """A transition as JSON, without what it does not have."""
    names = ("kind", "time", "path", "state", "attempt", "output", "error", "cause")
    fields: dict[str, Any] = {name: getattr(transition, name) for name in names}
    fields["why"] = str(transition.why) or None
    return {name: value for name, value in fields.items() if value is not None}


def line_of(transition: Transition) -> Text:
    """A transition as a line, with its reason below it."""
    from rich.text import Text  # noqa: PLC0415

    style = "red" if transition.error else "default"
    line = Text(f"{transition.time:>12,g} s  ", style="dim")
    line.append(f"{transition.kind:<18} ", style=style)
    line.append(shown(transition.path), style="bold")
    if transition.error:
        line.append(shown(f"  {transition.error}"), style="red")
    if transition.why:
        indent = "\n" + " " * 16
        line.append(indent + shown(str(transition.why)).replace("\n", indent), style="dim not bold")
    return line
