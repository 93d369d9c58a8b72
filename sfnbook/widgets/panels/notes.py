"""What a saved session or a replayed recording lacks, or is not as it was: shown at the top, once."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sfnbook.widgets.forms import update
from sfnbook.widgets.markup import Act, markup
from sfnbook.widgets.words import clipped

if TYPE_CHECKING:
    from sfnbook.widgets.panel import Desk, Moment

READ = Act("read:", "I have read this")


class Notes:
    """The notes of the debugger, until somebody has read them."""

    def __init__(self, desk: Desk) -> None:
        self.text = self.widget = markup(desk.plain, lambda _: self._read())
        self._seen: tuple[str, ...] = ()
        self._notes: tuple[str, ...] = ()

    def _read(self) -> None:
        self._seen = self._notes
        self._show()

    def show(self, moment: Moment) -> None:
        """Show the notes that nobody has read."""
        self._notes = tuple(moment.debugger.notes)
        self._show()

    def _show(self) -> None:
        fresh = [note for note in self._notes if note not in self._seen]
        update(self.widget.layout, display=None if fresh else "none")
        rows = "".join(f"<li>{escape(clipped(note))}</li>" for note in fresh)
        body = f"<ul>{rows}</ul>{READ.html()}"
        html = f'<div class="sfn-message sfn-tone" data-tone="caught" role="status">{body}</div>'
        self.text.show(html if fresh else "", [READ] if fresh else [])
