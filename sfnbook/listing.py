"""The text of a definition by lines: which lines is a state, one of its retriers, a field?"""

from __future__ import annotations

import json
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from sfnbook import positions
from sfnbook.source import Source

if TYPE_CHECKING:
    from sfnbook.values import Json


class Listing(NamedTuple):
    """The lines of a text, and where its parts stand in it."""

    source: Source
    lines: tuple[str, ...]

    @classmethod
    def of(cls, source: Source) -> Listing:
        """The listing of a definition as it was given; one that had no text is printed."""
        if source.text is None:
            source = Source(source.data, _printed(source.data))
        assert source.text is not None  # noqa: S101 - made above
        return cls(source, tuple(source.text.split("\n")))

    def lines_of(self, pointer: str) -> range:
        """The numbers, from 1 on, of the lines of what stands at a JSON pointer; empty if nothing does.

        >>> listing = Listing.of(Source({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}))
        >>> [listing.lines[number - 1].strip() for number in listing.lines_of("/States/A")]
        ['"A": {', '"Type": "Succeed"', '}']
        """
        found = self.source.position(pointer)
        if found is None:
            return range(0)
        if not self.source.is_yaml:
            return range(found[0], self._end_of_json(found) + 1)
        # A block of YAML begins below its key.
        first = found[0] - self.lines[found[0] - 2].rstrip().endswith(":")
        last = self._end_of_yaml(found)
        while last > first and not self.lines[last - 1].strip():
            last -= 1
        return range(first, last + 1)

    def _end_of_json(self, place: positions.Place) -> int:
        text = self.source.text or ""
        starts = positions.lines(text)
        _, end = json.JSONDecoder().raw_decode(text, starts[place[0] - 1] + place[1] - 1)
        return bisect_right(starts, end - 1)

    def _end_of_yaml(self, place: positions.Place) -> int:
        """The line before the next part that begins no further in: what is inside is further in."""
        line, column = place
        indent = len(self.lines[line - 1]) - len(self.lines[line - 1].lstrip(" -"))
        for number in range(line + 1, len(self.lines) + 1):
            text = self.lines[number - 1]
            if text.strip() and len(text) - len(text.lstrip(" ")) < min(indent, column - 1):
                return number - 1
        return len(self.lines)


def _printed(data: Json) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)
