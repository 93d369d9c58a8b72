"""Which notebook cell a view belongs to: running a cell again closes the views of its last run.

Without this each run leaves its widgets alive, in the kernel and in the page.
"""

from __future__ import annotations

import sys
from typing import Any, Final

_VIEWS: Final[dict[str, tuple[str, list[Any]]]] = {}


def current_cell() -> tuple[str, str] | None:
    """The id of the cell that runs now and of this run of it; None outside of a notebook's cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    parent = kernel.get_parent() or {}
    cell = (parent.get("metadata") or {}).get("cellId")
    run = (parent.get("header") or {}).get("msg_id")
    return (cell, run) if isinstance(cell, str) and isinstance(run, str) else None


def register(view: Any) -> list[Any]:
    """Note a new view; those that an earlier run of the same cell made are closed, and given back."""
    place = current_cell()
    if place is None:
        return []
    cell, run = place
    last, views = _VIEWS.get(cell, (run, []))
    closed = views if last != run else []
    for old in closed:
        old.close()
    _VIEWS[cell] = (run, [*([] if closed else views), view])
    return closed


def forget(view: Any) -> None:
    """A view was closed."""
    for cell, (run, views) in list(_VIEWS.items()):
        kept = [other for other in views if other is not view]
        if kept:
            _VIEWS[cell] = (run, kept)
        else:
            del _VIEWS[cell]
