"""Folds over a list of changes that only grows: what was seen once is not looked at again.

They are about the whole recording, wherever the cursor stands; `Statuses` is the fold that goes
back with it.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sfnbook.frames import Change


class Growing:
    """Calls `see` for each change that is new; for another list (a branch, an edit) it begins anew."""

    def __init__(self) -> None:
        self._done = 0
        self._last: Change | None = None
        self.begin()

    def begin(self) -> None:
        """Forget everything."""
        raise NotImplementedError

    def see(self, change: Change, number: int) -> None:
        """Take in a change."""
        raise NotImplementedError

    def follow(self, changes: Sequence[Change]) -> Self:
        """Take in the changes that are new."""
        if self._done > len(changes) or (self._done and changes[self._done - 1] is not self._last):
            self._done = 0
            self.begin()
        for number in range(self._done, len(changes)):
            self.see(changes[number], number)
        self._done = len(changes)
        self._last = changes[-1] if changes else None
        return self


class Mentions(Growing):
    """The numbers of the changes about each state.

    >>> import sfnbook
    >>> states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}
    >>> execution = sfnbook.load({"StartAt": "A", "States": states}).start().run()
    >>> list(Mentions().follow(execution.changes).before("/States/A", 3))
    [2, 1, 0]
    """

    def begin(self) -> None:
        """Forget everything."""
        self._numbers: dict[str, list[int]] = {}

    def see(self, change: Change, number: int) -> None:
        """Take in a change: it is about the states that its frame left and entered."""
        for side in (change.before, change.after):
            if side is not None:
                numbers = self._numbers.setdefault(side.state, [])
                if not numbers or numbers[-1] != number:
                    numbers.append(number)

    def before(self, pointer: str, cursor: int) -> Iterator[int]:
        """The numbers of the changes about a state before the cursor, the latest first."""
        numbers = self._numbers.get(pointer, [])
        for place in reversed(range(bisect_left(numbers, cursor))):
            yield numbers[place]
