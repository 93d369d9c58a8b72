"""The course: where its notebooks are, and how they come into a folder of the learner's own.

A copy is refreshed when a newer course brings a newer text, and left alone once the learner has
changed it.  What was written is remembered by its digest, in a hidden file beside the notebooks.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from sfnbook.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST: Final = "01-first-steps.ipynb"
FOLDER: Final = "sfnbook-course"
"""Where the course goes when nobody says where."""

RECORD: Final = ".sfnbook-course.json"
_HERE: Final = Path(__file__).parent


class Copied(NamedTuple):
    """What became of the files of the course: their names, by outcome."""

    written: tuple[str, ...]
    same: tuple[str, ...]
    kept: tuple[str, ...]  # changed by the learner


def notebooks() -> Path:
    """The folder that the notebooks come from: inside the package, or beside it in a checkout.

    >>> (notebooks() / FIRST).is_file()
    True
    """
    for folder in (_HERE / "notebooks", _HERE.parent / "notebooks"):
        if (folder / FIRST).is_file():
            return folder
    raise UsageError("This installation of sfnbook has no notebooks; install it again.")


def copy_course(directory: str | Path) -> Copied:
    """Copy the notebooks into a folder, which is made if need be; a changed one is never overwritten.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first, again = copy_course(folder), copy_course(folder)
    >>> FIRST in first.written, FIRST in again.same, first.kept
    (True, True, ())
    """
    target, source = Path(directory), notebooks()
    outcomes: dict[str, list[str]] = {"written": [], "same": [], "kept": []}
    try:
        target.mkdir(parents=True, exist_ok=True)
        record = _record(target)
        for file in _files(source):
            name = file.relative_to(source).as_posix()
            new = file.read_bytes()
            outcome = _outcome(target / name, new, record.get(name))
            outcomes[outcome].append(name)
            if outcome == "written":
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (target / name).write_bytes(new)
            if outcome != "kept":
                record[name] = _digest(new)
        (target / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"The course cannot be written to {str(target)!r}: {problem.strerror}.") from None
    return Copied(**{name: tuple(files) for name, files in outcomes.items()})


def _outcome(there: Path, new: bytes, written_before: str | None) -> str:
    if not there.exists():
        return "written"
    old = there.read_bytes()
    if old == new:
        return "same"
    return "written" if _digest(old) == written_before else "kept"


def _files(source: Path) -> list[Path]:
    """The files of the course, without the hidden ones that editors and kernels leave behind."""
    found = [file for file in source.rglob("*") if file.is_file()]
    return sorted(
        file
        for file in found
        if not any(part.startswith((".", "__")) for part in file.relative_to(source).parts)
    )


def _record(target: Path) -> dict[str, str]:
    """What was written here before; a damaged record counts as none, so nothing is overwritten."""
    try:
        found: Mapping[str, object] = dict(json.loads((target / RECORD).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return {}
    return {name: digest for name, digest in found.items() if isinstance(digest, str)}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
