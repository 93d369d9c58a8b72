"""Why a widget does not show: what is installed where, and the command that mends it.

A widget needs two halves: Python packages in the kernel's environment, and their front ends where
Jupyter itself is installed.  These are often not the same place, and nothing says so when one half
is missing.  Nothing is started and nothing is changed here; files are read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LEAST: Final = {"ipywidgets": (7, 7), "anywidget": (0, 9, 18)}
"""The Python packages of a widget, and the oldest versions that do."""

FRONT_ENDS: Final = {
    "@jupyter-widgets/jupyterlab-manager": ("ipywidgets", "jupyterlab_widgets", (5,)),
    "anywidget": ("anywidget", "anywidget", (0, 9)),
}
"""The front ends: (of which package, which package brings it, the oldest version that does)."""

JUPYTERS: Final = {"jupyter-lab": "JupyterLab", "jupyter-notebook": "Jupyter Notebook", "voila": "Voila"}
"""The programs that show notebooks."""


class Finding(NamedTuple):
    """One thing that was looked at: is it as it should be, and if not, what mends it?"""

    fine: bool
    text: str
    mend: str = ""

    def __str__(self) -> str:
        lines = [f"{'ok   ' if self.fine else 'WRONG'}  {self.text}"]
        return "\n".join(lines + ([f"       mend it with:  {self.mend}"] if self.mend else []))


class Place(NamedTuple):
    """Where things are: this Python and its prefix, the programs on the path, people's own folders."""

    python: Path
    prefix: Path
    programs: Mapping[str, Path]
    user_data: Path
    user_config: Path
    versions: Callable[[str], str | None]

    @classmethod
    def here(cls) -> Place:
        """The place of this process, and what it finds on the path."""
        found = {name: shutil.which(name) for name in JUPYTERS}
        data = os.environ.get("JUPYTER_DATA_DIR") or _user_data()
        config = os.environ.get("JUPYTER_CONFIG_DIR") or Path.home() / ".jupyter"
        programs = {name: Path(path) for name, path in found.items() if path}
        return cls(Path(sys.executable), Path(sys.prefix), programs, Path(data), Path(config), _version)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _user_data() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Jupyter"
    if os.name == "nt":
        return Path(os.environ.get("APPDATA", str(Path.home()))) / "jupyter"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "jupyter"


def examine(place: Place) -> list[Finding]:
    """All that is found, in the order in which one would mend it."""
    findings = [Finding(True, f"sfnbook runs on {place.python} (Python {_python_version()}).")]
    findings += _packages(place)
    found = _jupyters(place)
    if not found:
        findings.append(
            Finding(
                True,
                "No Jupyter is on the path here. VS Code and Colab bring their own; else install one: "
                "pip install 'sfnbook[lab]'",
            )
        )
    for prefix, names in found.items():
        findings += _jupyter(place, prefix, names)
    return findings


def _python_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


# --- the kernel's half ------------------------------------------------------------------------------
def _packages(place: Place) -> Iterator[Finding]:
    for package, least in LEAST.items():
        found = place.versions(package)
        install = f"{place.python} -m pip install --upgrade {package}"
        if found is None:
            yield Finding(False, f"{package} is not installed beside sfnbook.", install)
        elif _numbers(found) < least:
            wanted = ".".join(map(str, least))
            yield Finding(False, f"{package} is {found}; {wanted} or later is needed.", install)
        else:
            yield Finding(True, f"{package} {found}.")
    if place.versions("ipykernel") is None:
        install = f"{place.python} -m pip install ipykernel"
        yield Finding(False, "ipykernel is not installed, so no notebook can run on this Python.", install)


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers of a version, as far as they go.

    >>> _numbers("8.1.0rc1")
    (8, 1, 0)
    """
    return tuple(int(part) for part in re.match(r"[\d.]*", text)[0].split(".") if part)  # type: ignore[index]


# --- Jupyter's half ---------------------------------------------------------------------------------
def _jupyters(place: Place) -> dict[Path, list[str]]:
    """The environments in which Jupyter programs live, with their names."""
    found: dict[Path, list[str]] = {}
    for name, program in place.programs.items():
        found.setdefault(_prefix_of(program), []).append(JUPYTERS[name])
    return found


def _prefix_of(program: Path) -> Path:
    """The environment of a program: that of the Python in its first line, else the folder above."""
    with suppress(OSError):
        with program.open("rb") as file:
            line = file.readline(500)
        found = re.match(rb"#!\s*(\S+)", line)
        if found is not None and b"python" in found[1] and not found[1].endswith(b"/env"):
            return Path(os.fsdecode(found[1])).parent.parent
    return program.parent.parent


def _jupyter(place: Place, prefix: Path, names: list[str]) -> Iterator[Finding]:
    named = " and ".join(names)
    same = _same(prefix, place.prefix)
    where = "this environment" if same else f"another environment, {prefix}"
    yield Finding(True, f"{named} on the path: in {where}.")
    python = place.python if same else _python_of(prefix)
    folders = [place.user_data, prefix / "share" / "jupyter"]
    for name, (package, brings, least) in FRONT_ENDS.items():
        install = f"{python} -m pip install --upgrade {brings}"
        yield _front_end(name, package, least, folders, install, named)
    yield from _switched_off([place.user_config, prefix / "etc" / "jupyter"], named)
    if not same:
        yield _kernel(place, folders, named)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def _python_of(prefix: Path) -> Path:
    return prefix / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _front_end(
    name: str, package: str, least: tuple[int, ...], folders: list[Path], install: str, named: str
) -> Finding:
    files = [folder / "labextensions" / name / "package.json" for folder in folders]
    data = next((made for file in files if (made := _json(file)) is not None), None)
    if data is None:
        return Finding(False, f"The front end of {package} is not installed where {named} is.", install)
    found = str(data.get("version", ""))
    if _numbers(found) < least:
        wanted = ".".join(map(str, least))
        text = f"The front end of {package} for {named} is {found}; {wanted} or later is needed."
        return Finding(False, text, install)
    return Finding(True, f"{named}: the front end of {package} is there ({found}).")


def _switched_off(folders: list[Path], named: str) -> Iterator[Finding]:
    for folder in folders:
        file = folder / "labconfig" / "page_config.json"
        disabled = (_json(file) or {}).get("disabledExtensions", {})
        off = [one for one in disabled if not isinstance(disabled, dict) or disabled[one]]
        for name in FRONT_ENDS:
            if any(one == name or one.startswith(f"{name}:") for one in off):
                text = f"{named}: the extension {name} is switched off in {file}."
                yield Finding(False, text, f"jupyter labextension enable {name}")


def _kernel(place: Place, folders: list[Path], named: str) -> Finding:
    """Has a Jupyter of another environment a kernel that runs on this Python?"""
    for folder in folders:
        for file in sorted(folder.glob("kernels/*/kernel.json")):
            data = _json(file) or {}
            argv = data.get("argv")
            if isinstance(argv, list) and argv and _same(Path(str(argv[0])), place.python):
                shown = data.get("display_name", file.parent.name)
                return Finding(True, f"{named}: the kernel {shown!r} runs on this Python.")
    mend = f"{place.python} -m ipykernel install --user --name sfnbook --display-name 'Python (sfnbook)'"
    return Finding(False, f"{named} has no kernel that runs on this Python.", mend)


def _json(file: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is none."""
    try:
        made = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return made if isinstance(made, dict) else None
