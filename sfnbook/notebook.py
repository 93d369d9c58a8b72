"""Is this a notebook, and can it show widgets?"""

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
