"""What views follow: something that tells whoever listens that it has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Observed:
    """What can be observed; each change ends with a call of ``_tell``.

    >>> heard, one = [], Observed()
    >>> end = one.observe(lambda: heard.append("changed"))
    >>> one._tell()
    >>> end()
    >>> one._tell()
    >>> heard
    ['changed']
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    def observe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener()`` after every change; what is returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
