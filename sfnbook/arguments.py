"""What the arguments mean: a definition's file, JSON, a file of JSON, or something out of a Python file.

A Python file runs when its name was given, as `python FILE` would run it; nothing else is evaluated.
"""

from __future__ import annotations

import json
import sys
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sfnbook.errors import UsageError, did_you_mean
from sfnbook.machine import StateMachine, load
from sfnbook.source import MAX_FILE_BYTES, from_text
from sfnbook.tasks import result
from sfnbook.tasks import sample as sampled
from sfnbook.tasks.answers import EVERY_TASK, SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from sfnbook.values import Json


STDIN: Final = "-"


def definition_of(file: Path) -> Any:
    """Where a command reads its definition: a file, or for "-" what another program prints."""
    if str(file) != STDIN:
        return file
    text = sys.stdin.read(MAX_FILE_BYTES + 1)
    if len(text) > MAX_FILE_BYTES:
        raise UsageError(f"The definition from standard input is longer than {MAX_FILE_BYTES:,} characters.")
    return from_text(text)


def json_of(given: str, option: str) -> Json:
    """The value of a JSON text, or of the file after an "@"; ``option`` is what stands before it.

    >>> json_of('{"n": 1}', "--input ")
    {'n': 1}
    """
    text = _text_of(given[1:], option) if given.startswith("@") else given
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        hint = "" if given.startswith("@") else f" For a file write {option}@FILE."
        raise UsageError(f"{option}{_short(given)} is not JSON: {problem}.{hint}") from None


def _text_of(file: str, option: str) -> str:
    try:
        return sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{option}@{file} is not a UTF-8 text.") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise UsageError(f"{option}@{file} cannot be read: {reason}.") from None


def answers_of(options: Iterable[str], *, sample: bool = False) -> dict[str, Any] | str:
    """The answers that ``--task STATE=...`` options give, by state; ``sample`` answers for the others.

    >>> answers_of(['Charge={"ok": true}'], sample=True)
    {'Charge': result({'ok': True}), '*': sample()}
    >>> answers_of([], sample=True)
    'sample'
    """
    answers: dict[str, Any] = {}
    for option in options:
        state, answer = _answer(option)
        if state in answers:
            raise UsageError(f"--task gives two answers for {state!r}; sfnbook.tasks.attempts takes several.")
        answers[state] = answer
    if not sample:
        return answers
    return {**answers, EVERY_TASK: answers.get(EVERY_TASK, sampled())} if answers else SAMPLE


def machines_of(options: Iterable[str]) -> dict[str, StateMachine] | None:
    """What the ``--machine`` options mean: state machines by the names that Tasks start them by."""
    machines = {}
    for option in options:
        name, separator, file = option.partition("=")
        if not (name and separator and file):
            raise UsageError(f"--machine {_short(option)}: write NAME=FILE.")
        machines[name] = load(Path(file), name=name)
    return machines or None


def _answer(option: str) -> tuple[str, Any]:
    state, sign, answer = _split(option)
    if not (state and sign):
        raise UsageError(f"--task {_short(option)}: write STATE=JSON or STATE=@FILE.py:NAME.")
    if answer.startswith("@"):
        return state, _from_file(answer[1:], f"--task {state}=")
    return state, result(json_of(answer, f"--task {state}="))


def _split(option: str) -> tuple[str, str, str]:
    """State, "=" and answer; a state's name may hold "=", too, so the first split that makes sense counts."""
    first = split = option.partition("=")
    while split[1]:
        state, sign, answer = split
        if answer.startswith("@") or _is_json(answer):
            return split
        name, found, rest = answer.partition("=")
        split = (f"{state}{sign}{name}", found, rest)
    return first


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _from_file(place: str, option: str) -> Any:
    """What ``FILE.py:NAME`` names; the file of a JSON value has no name behind it."""
    file, _, name = place.rpartition(":")
    if place.endswith(".py"):
        raise UsageError(f"--task: which function of {place!r}? Write @{place}:NAME.")
    if not file.endswith(".py"):
        return result(json_of(f"@{place}", option))
    module = _module(Path(file))
    if hasattr(module, name):
        return getattr(module, name)
    names = (one for one in vars(module) if not one.startswith("_"))
    raise UsageError(f"There is no {name!r} in {file!r}. {did_you_mean(name, names)}")


def _module(path: Path) -> ModuleType:
    """Run a Python file, once, as a module; its neighbours can be imported from it."""
    file = path.resolve()
    key = f"sfnbook answers {file}"
    if key in sys.modules:
        return sys.modules[key]
    spec = spec_from_file_location(key, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise UsageError(f"--task: there is no file {str(path)!r}.")
    module = module_from_spec(spec)
    sys.modules[key] = module
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        del sys.modules[key]
        raise UsageError(f"{path}{_line(problem, file)}: {type(problem).__name__}: {problem}") from problem
    return module


def _line(problem: Exception, file: Path) -> str:
    """Where in the file it went wrong."""
    steps = traceback.extract_tb(problem.__traceback__)
    lines = [step.lineno for step in steps if step.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
