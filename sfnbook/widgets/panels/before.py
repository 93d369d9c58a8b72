"""The session of an earlier run of the same cell: offered at the top until somebody moves or takes it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sfnbook.widgets.forms import update
from sfnbook.widgets.markup import Act, markup

if TYPE_CHECKING:
    from sfnbook.widgets.panel import Desk, Moment

RESUME = Act("resume:", "Take over what was recorded before, as far as it still holds", "Resume")


class Before:
    """One line with a button."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.text = self.widget = markup(desk.plain, lambda _: self._resume())
        self._start = _place(desk)

    def _resume(self) -> None:
        earlier, self.desk.earlier = self.desk.earlier, None
        if earlier is not None:
            self.desk.visit(self.desk.debugger.resume, earlier)

    def show(self, _: Moment) -> None:
        """Offer it, as long as nothing has happened here."""
        if _place(self.desk) != self._start:
            self.desk.earlier = None
        earlier = self.desk.earlier
        update(self.widget.layout, display=None if earlier is not None else "none")
        if earlier is None:
            self.text.show("")
            return
        stood = f"{earlier.position:,} of {earlier.length:,} transitions, {earlier.status}"
        html = (
            '<div class="sfn-message sfn-tone" data-tone="waiting" role="status">'
            f"This cell ran before: {escape(stood)}. {RESUME.html()}</div>"
        )
        self.text.show(html, [RESUME])


def _place(desk: Desk) -> tuple[int, int]:
    return desk.debugger.position, desk.debugger.length
