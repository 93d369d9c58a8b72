"""A notebook for readers without a kernel: its pictures are there, and what is wrong is said."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import sfnbook
from sfnbook import export as module
from sfnbook.cli import app
from sfnbook.export import export
from tests.debugging import LINE

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("nbconvert")

SVG = sfnbook.load(LINE).to_svg()
OUTPUT = {
    "output_type": "display_data",
    "metadata": {},
    "data": {
        "text/plain": ["<Debugger>"],
        "application/vnd.jupyter.widget-view+json": {"model_id": "1", "version_major": 2, "version_minor": 0},
        "image/svg+xml": SVG.splitlines(keepends=True),
    },
}


def notebook(folder: Path, *sources: str, outputs: Any = ()) -> Path:
    cells = [
        {"cell_type": "code", "id": f"c{number}", "metadata": {}, "execution_count": None, "source": source,
         "outputs": list(outputs)}
        for number, source in enumerate(sources)
    ]  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path = folder / "lesson.ipynb"
    path.write_text(json.dumps(made))
    return path


@pytest.mark.parametrize("kind", ["html", "slides"])
def test_the_picture_is_there_and_the_widget_is_not(tmp_path: Path, kind: str) -> None:
    made = export(notebook(tmp_path, "debugger", outputs=[OUTPUT]), kind)
    assert made.name == {"html": "lesson.html", "slides": "lesson.slides.html"}[kind]
    text = made.read_text(encoding="utf-8")
    assert 'src="data:image/svg+xml;base64,' in text
    assert "widget-view+json" not in text
    assert "require.min.js" not in text


@pytest.mark.skipif(not any(map(shutil.which, module.BROWSERS)), reason="no browser that prints is here")
def test_a_browser_prints_the_pdf(tmp_path: Path) -> None:
    made = export(notebook(tmp_path, "debugger", outputs=[OUTPUT]), "pdf", tmp_path / "out.pdf")
    assert made == tmp_path / "out.pdf"
    assert made.read_bytes()[:5] == b"%PDF-"


def test_without_a_browser_the_way_round_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BROWSERS", ())
    with pytest.raises(sfnbook.UsageError, match="Export to html"):
        export(notebook(tmp_path, "1"), "pdf")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"There is no file .*Did you mean 'lesson.ipynb'"),
        ("{", "is no notebook"),
        ("[]", "is no notebook"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: str | None, message: str) -> None:
    path = notebook(tmp_path, "1")
    if content is None:
        path = tmp_path / "lessen.ipynb"
    else:
        path.write_text(content)
    with pytest.raises(sfnbook.UsageError, match=message):
        export(path, "html")


def test_a_kind_that_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(sfnbook.UsageError, match="html or slides or pdf, not 'docx'"):
        export(notebook(tmp_path, "1"), "docx")


def test_the_command_runs_the_notebook_first(tmp_path: Path) -> None:
    source = f"import sfnbook\nsfnbook.load({LINE!r})"
    path = notebook(tmp_path, source)
    ran = CliRunner().invoke(app, ["export", str(path), "--execute", "-o", str(tmp_path / "out.html")])
    assert (ran.exit_code, "wrote" in ran.output) == (0, True)
    assert 'src="data:image/svg+xml;base64,' in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert json.loads(path.read_text())["cells"][0]["outputs"] == []


def test_a_cell_that_fails_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    path = notebook(tmp_path, "1 / 0")
    with pytest.raises(sfnbook.UsageError, match="failed, so nothing was written: ZeroDivisionError"):
        export(path, "html", execute=True)
    assert list(tmp_path.iterdir()) == [path]
