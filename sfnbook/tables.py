"""A table of results: a list of dicts, a row each, that shows itself."""

from __future__ import annotations

import math
from html import escape
from typing import Any, Final

from sfnbook.notebook import displayed

MOST_ROWS: Final = 60
"""A longer table shows its beginning and its end."""

_CELL: Final = "padding:.25em .75em;text-align:{};white-space:nowrap"


class Table(list[dict[str, Any]]):
    """Rows with the same columns.  It is a list, so ``pandas.DataFrame(table)`` takes it.

    >>> Table([{"attempt": 1, "delay": 2.5}, {"attempt": 2, "delay": None}])
    attempt  delay
          1    2.5
          2
    """

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return list({name: None for row in self for name in row})

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        return [row.get(name) for row in self]

    def __repr__(self) -> str:
        columns = self.columns
        lines = [columns, *([_shown(row.get(name)) for name in columns] for row in _some(self))]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        right = [self._is_numeric(name) for name in columns]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(line, widths, right, strict=True)
            ).rstrip()
            for line in lines
        )

    def to_html(self) -> str:
        """The table as HTML; everything in it is text."""
        columns = self.columns
        align = ["right" if self._is_numeric(name) else "left" for name in columns]
        head = "".join(
            f'<th style="{_CELL.format(side)}">{escape(name)}</th>'
            for name, side in zip(columns, align, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="{_CELL.format(side)}">{escape(_shown(row.get(name)))}</td>'
                for name, side in zip(columns, align, strict=True)
            )
            + "</tr>"
            for row in _some(self)
        )
        return f'<table style="font-variant-numeric:tabular-nums"><tr>{head}</tr>{body}</table>'

    def _is_numeric(self, name: str) -> bool:
        values = [value for value in self.column(name) if value is not None]
        return bool(values) and all(isinstance(value, int | float) for value in values)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return displayed(repr(self), self.to_html())


def _some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(rows) <= MOST_ROWS:
        return list(rows)
    return [*rows[: MOST_ROWS - 10], dict.fromkeys(rows[0], "..."), *rows[-9:]]


def _shown(value: Any) -> str:
    """A number to five digits, never with an exponent.

    >>> _shown(1234567.891), _shown(0.0000254), _shown(2.0), _shown(1.23456), _shown(None)
    ('1,234,567.9', '0.0000254', '2', '1.2346', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return str(value)
    if value == int(value):
        return f"{int(value):,}"
    digits = min(max(1, 4 - math.floor(math.log10(abs(value)))), 12)
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".")
