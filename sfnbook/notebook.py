"""The notebook around us: is there one that can show widgets, and in which forms it is given an object."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def in_a_notebook() -> bool:
    """Is there a kernel that widgets can talk to?

    >>> in_a_notebook()
    False
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None and find_spec("ipywidgets") is not None


def displayed(text: str, html: str) -> dict[str, str]:
    """The forms in which an object displays itself: as text, and as HTML in which no ``$`` begins a formula.

    Jupyter typesets what stands between two of them; here they are dollars and paths.

    >>> displayed("$.a", "<p>$.a</p>")["text/html"]
    '<div class="mathjax_ignore tex2jax_ignore"><p>$.a</p></div>'
    """
    return {"text/plain": text, "text/html": f'<div class="mathjax_ignore tex2jax_ignore">{html}</div>'}
