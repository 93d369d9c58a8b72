"""Text files that people keep: written whole or not at all, read with a limit and with clear words."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sfnbook.errors import UsageError
from sfnbook.source import file_text

if TYPE_CHECKING:
    from os import PathLike


def write_text(path: str | PathLike[str], text: str) -> Path:
    """Write a file as a whole: until the new text is on the disk, the old one stays.

    Raises UsageError where it cannot be written.
    """
    target = _path(path)
    try:
        # What is a link stays one: the file behind it is replaced.
        target = target.resolve()
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
        made = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            made.chmod(_mode(target))
            made.replace(target)
        except BaseException:
            with suppress(OSError):
                made.unlink()
            raise
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise UsageError(f"{str(path)!r} cannot be written: {reason}.") from None
    return target


def read_text(path: str | PathLike[str], limit: int) -> str:
    """The text of a file of at most ``limit`` bytes, or a UsageError."""
    return file_text(_path(path), limit, f"more than {limit:,} are not read")


def _path(path: str | PathLike[str]) -> Path:
    try:
        return Path(path)
    except TypeError:
        raise UsageError(f"{path!r} is no path of a file.") from None


def _mode(target: Path) -> int:
    """The access that the file had; a new one gets what the user's umask leaves."""
    with suppress(OSError):
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
