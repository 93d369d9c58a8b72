"""The README: its examples do what they show, its files are there, and its commands are those in use."""

from __future__ import annotations

import doctest
import io
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from sfnbook import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/debugger.md", "docs/notebooks.md"]


def test_the_examples_do_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    examples = doctest.DocTestParser().get_doctest(README, {}, "README.md", "README.md", 0)
    assert len(examples.examples) > 10
    said: list[str] = []
    outcome = doctest.DocTestRunner().run(examples, out=said.append)
    assert outcome.failed == 0, "".join(said)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files(document: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / document).read_text(encoding="utf-8"))
    folder = (ROOT / document).parent
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_notebooks_are_listed() -> None:
    assert [
        path.name for path in (ROOT / "notebooks").glob("*.ipynb") if f"notebooks/{path.name})" not in README
    ] == []


def test_one_command_installs_and_runs_the_tests() -> None:
    """`.ci/run` takes the command from here, so there must be one, and it must stand alone."""
    (command,) = [line for line in README.splitlines() if "-m pytest" in line]
    assert command == (
        "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && "
        ".venv/bin/python -m pytest -n auto --dist loadgroup"
    )
    assert "command=$(grep -- '-m pytest' README.md)" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_commands_on_the_order_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shell = README.split("## In a terminal")[1].split("```sh\n")[1].split("```")[0].replace("\\\n", "")
    commands = [shlex.split(line, comments=True) for line in shell.splitlines()]
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(Path("docs/order.asl.json").read_text(encoding="utf-8")))
    assert len(commands) == 4
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            cli.app(command[command.index("sfnbook") + 1 :])
        assert ended.value.code == 0, command


def test_the_picture_shows_every_state() -> None:
    definition = json.loads((ROOT / "docs/order.asl.json").read_text(encoding="utf-8"))
    picture = (ROOT / "docs/order.svg").read_text(encoding="utf-8")
    names = [*definition["States"], *definition["States"]["Pack"]["ItemProcessor"]["States"]]
    assert [name for name in names if f"<title>{name}</title>" not in picture] == []
