"""What is missing, where, and which command mends it: on environments that are folders of files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sfnbook import doctor
from sfnbook.cli import app
from sfnbook.doctor import FRONT_ENDS, Place, examine

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"ipywidgets": "8.1.9", "anywidget": "0.11.0", "ipykernel": "7.0"}
VERSIONS = {"@jupyter-widgets/jupyterlab-manager": "5.0.13", "anywidget": "0.11.0"}


def environment(prefix: Path, *, program: str = "jupyter-lab", front_ends: Any = None) -> Path:
    """A Jupyter with front ends; the path of its program."""
    for name, version in (VERSIONS if front_ends is None else front_ends).items():
        file = prefix / "share/jupyter/labextensions" / name / "package.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"name": name, "version": version}))
    path = prefix / "bin" / program
    path.parent.mkdir(parents=True, exist_ok=True)
    (prefix / "bin/python").touch()
    path.write_text(f"#!{prefix}/bin/python\nimport jupyterlab\n")
    return path


def place(tmp_path: Path, *programs: Path, **versions: str | None) -> Place:
    here = tmp_path / "here"
    (here / "bin").mkdir(parents=True, exist_ok=True)
    (here / "bin/python").touch()
    found = GOOD | versions
    return Place(
        here / "bin/python", here, {path.name: path for path in programs},
        tmp_path / "user/data", tmp_path / "user/config", found.get,
    )  # fmt: skip


def wrong(made: Place) -> list[tuple[str, str]]:
    return [(finding.text, finding.mend) for finding in examine(made) if not finding.fine]


def test_all_in_one_environment_is_fine(tmp_path: Path) -> None:
    program = environment(tmp_path / "here")
    assert wrong(place(tmp_path, program)) == []


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ({"anywidget": None}, "anywidget is not installed beside sfnbook."),
        ({"ipywidgets": "7.6.5"}, "ipywidgets is 7.6.5; 7.7 or later is needed."),
        ({"anywidget": "0.9.3"}, "anywidget is 0.9.3; 0.9.18 or later is needed."),
        ({"ipykernel": None}, "ipykernel is not installed, so no notebook can run on this Python."),
    ],
)
def test_the_half_in_the_kernel(tmp_path: Path, versions: dict[str, str | None], told: str) -> None:
    made = place(tmp_path, environment(tmp_path / "here"), **versions)
    [(text, mend)] = wrong(made)
    assert text == told
    assert mend.startswith(f"{made.python} -m pip install")


@pytest.mark.parametrize("missing", FRONT_ENDS)
def test_the_half_in_jupyter(tmp_path: Path, missing: str) -> None:
    there = {name: version for name, version in VERSIONS.items() if name != missing}
    other = tmp_path / "other"
    made = place(tmp_path, environment(other, front_ends=there))
    (text, mend), (kernel, install) = wrong(made)
    package, brings, _ = FRONT_ENDS[missing]
    assert text == f"The front end of {package} is not installed where JupyterLab is."
    assert mend == f"{other}/bin/python -m pip install --upgrade {brings}"
    assert kernel == "JupyterLab has no kernel that runs on this Python."
    assert install.startswith(f"{made.python} -m ipykernel install --user")


def test_an_old_front_end(tmp_path: Path) -> None:
    old = {**VERSIONS, "@jupyter-widgets/jupyterlab-manager": "3.1.9"}
    [(text, _)] = wrong(place(tmp_path, environment(tmp_path / "here", front_ends=old)))
    assert text == "The front end of ipywidgets for JupyterLab is 3.1.9; 5 or later is needed."


def test_a_front_end_of_the_user_counts(tmp_path: Path) -> None:
    environment(tmp_path / "there")
    (tmp_path / "user").mkdir()
    (tmp_path / "there/share/jupyter").rename(tmp_path / "user/data")
    assert wrong(place(tmp_path, environment(tmp_path / "here", front_ends={}))) == []


def test_a_kernel_of_this_python_in_another_jupyter(tmp_path: Path) -> None:
    made = place(tmp_path, environment(tmp_path / "other", program="voila"))
    file = tmp_path / "user/data/kernels/mine/kernel.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"argv": [str(made.python), "-m"], "display_name": "Mine"}))
    assert wrong(made) == []
    assert "Voila: the kernel 'Mine' runs on this Python." in [finding.text for finding in examine(made)]


@pytest.mark.parametrize(
    "disabled", [{"anywidget": True}, {"anywidget:plugin": True, "other": True}, ["anywidget"]]
)
def test_an_extension_that_is_switched_off(tmp_path: Path, disabled: Any) -> None:
    program = environment(tmp_path / "here")
    file = tmp_path / "user/config/labconfig/page_config.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"disabledExtensions": disabled}))
    [(text, mend)] = wrong(place(tmp_path, program))
    assert text == f"JupyterLab: the extension anywidget is switched off in {file}."
    assert mend == "jupyter labextension enable anywidget"


@pytest.mark.parametrize("content", ["", "[1]", "\ufffe", "{"])
def test_damaged_files_are_files_that_are_not_there(tmp_path: Path, content: str) -> None:
    program = environment(tmp_path / "here")
    file = tmp_path / "here/share/jupyter/labextensions/anywidget/package.json"
    file.write_text(content)
    [(text, _)] = wrong(place(tmp_path, program))
    assert "front end of anywidget is not installed" in text


def test_without_a_jupyter_nothing_is_wrong(tmp_path: Path) -> None:
    made = place(tmp_path)
    assert wrong(made) == []
    assert "No Jupyter is on the path here" in examine(made)[-1].text


def test_a_program_that_is_no_script_stands_in_its_environment(tmp_path: Path) -> None:
    program = environment(tmp_path / "here")
    program.write_bytes(b"\x7fELF")
    assert wrong(place(tmp_path, program)) == []


@pytest.mark.parametrize(("versions", "code"), [(GOOD, 0), ({"ipykernel": "7"}, 1)])
def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], code: int
) -> None:
    made = place(tmp_path, environment(tmp_path / "here"))._replace(versions=versions.get)
    monkeypatch.setattr(doctor.Place, "here", lambda: made)
    ran = CliRunner().invoke(app, ["doctor"])
    assert ran.exit_code == code
    assert ("WRONG  anywidget is not installed" in ran.output) == bool(code)


def test_here_is_this_python() -> None:
    assert Place.here().versions("pytest") == pytest.__version__
    assert Place.here().versions("no-such-package-anywhere") is None
