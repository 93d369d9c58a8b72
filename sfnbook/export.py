"""A notebook as HTML, slides or PDF, with its pictures: for readers who have no kernel.

nbconvert does the work.  It has to be told to take the SVG picture of an output before the widget,
which shows nothing without a kernel; and a PDF is the HTML page, printed by a browser.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sfnbook.errors import UsageError
from sfnbook.files import read_text, write_text

PRIORITY: Final = [
    "image/svg+xml", "image/png", "image/jpeg", "text/html", "text/markdown", "text/latex", "text/plain",
]  # fmt: skip
"""Which form of an output is shown: the first that it has.  Widgets are not among them."""

KINDS: Final = {"html": ".html", "slides": ".slides.html", "pdf": ".pdf"}
"""What a notebook can become, and how the file's name ends."""

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
PRINTING_SECONDS: Final = 120
MAX_BYTES: Final = 512 * 1024 * 1024
_COLOURS: Final = re.compile("\x1b\\[[0-9;]*m")


def export(notebook: Path, kind: str, output: Path | None = None, *, execute: bool = False) -> Path:
    """Write a notebook as "html", "slides" or "pdf"; the path of what was written.

    Outputs are taken as they were saved, with ``execute`` the notebook is run before.  Raises
    UsageError where the notebook cannot be read, a cell fails, or something is not installed.
    """
    if kind not in KINDS:
        raise UsageError(f"A notebook becomes {' or '.join(KINDS)}, not {kind!r}.")
    target = output or notebook.with_suffix(KINDS[kind])
    page = _page(_read(notebook), "slides" if kind == "slides" else "html", notebook, execute=execute)
    if kind == "pdf":
        _print(page, target)
    else:
        write_text(target, page)
    return target


def _read(notebook: Path) -> Any:
    if find_spec("nbconvert") is None:
        raise UsageError("nbconvert is not installed here. Install it with: pip install nbconvert")
    import nbformat  # noqa: PLC0415 - optional, and slow to load

    text = read_text(notebook, MAX_BYTES)
    try:
        return nbformat.reads(text, as_version=4)
    except Exception as problem:  # noqa: BLE001 - whatever a damaged file makes of the reader
        raise UsageError(f"{str(notebook)!r} is no notebook: {problem}") from None


def _page(made: Any, kind: str, notebook: Path, *, execute: bool) -> str:
    from nbconvert import HTMLExporter, SlidesExporter  # noqa: PLC0415 - optional, and slow to load
    from nbconvert.preprocessors import CellExecutionError  # noqa: PLC0415 - as above
    from traitlets.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.NbConvertBase.display_data_priority = PRIORITY
    config.ExecutePreprocessor.enabled = execute
    exporter: Any = (SlidesExporter if kind == "slides" else HTMLExporter)(config=config)
    # What the pages would load from a network without needing it.
    exporter.require_js_url = exporter.jquery_url = ""
    resources = {"metadata": {"path": str(notebook.parent), "name": notebook.stem}}
    try:
        text, _ = exporter.from_notebook_node(made, resources)
    except CellExecutionError as problem:
        last = _COLOURS.sub("", str(problem)).rstrip().rpartition("\n")[2]
        raise UsageError(f"A cell of {str(notebook)!r} failed, so nothing was written: {last}") from None
    return str(text)


def _print(page: str, target: Path) -> None:
    """Let a browser print a page; it shows nothing and loads nothing but the page."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise UsageError(
            "A PDF is printed by Chromium or Chrome, and neither is on the path. Export to html, "
            "open that in any browser and print it to a PDF."
        )
    with tempfile.TemporaryDirectory() as folder:
        source, printed = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(page, encoding="utf-8")
        flags = ["--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile"]
        command = [browser, *flags, *_as_root(), f"--print-to-pdf={printed}", source.as_uri()]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PRINTING_SECONDS)  # noqa: S603 - a program of the path
        except (OSError, subprocess.SubprocessError) as problem:
            raise UsageError(f"{browser} could not print the page: {problem}") from None
        if not printed.is_file():
            raise UsageError(f"{browser} printed nothing.")
        try:
            shutil.copyfile(printed, target)
        except OSError as problem:
            raise UsageError(f"{str(target)!r} cannot be written: {problem.strerror}.") from None


def _as_root() -> list[str]:
    """Chromium's sandbox does not run as root, as in a container."""
    return ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
