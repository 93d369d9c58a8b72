"""A part of a debugger, and the one rule by which it changes.

Branches, breakpoints and watches are changed by buttons, by the debugger's methods, and by people who
hold them.  A view follows all of these, because each change goes the same way: what is given is
checked, then written as a whole, then told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def nobody() -> None:
    """Hears of a part that nothing holds, such as a copy."""


class Part:
    """Something that tells whoever holds it that it has changed.

    The holder sets ``tell``; a part that is copied or pickled begins anew with `nobody`.
    """

    __slots__ = ("tell",)

    def __init__(self) -> None:
        self.tell: Callable[[], object] = nobody
