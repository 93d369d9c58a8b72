"""A person is asked: an open callback or activity task with buttons to answer it.

The view holds nothing but the task; what a button does, `Pending` does in code.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from sfnbook.clock import duration
from sfnbook.errors import SfnbookError, UsageError
from sfnbook.tasks.protocol import ENDINGS
from sfnbook.widgets.cells import forget, register
from sfnbook.widgets.documents import json_html
from sfnbook.widgets.forms import button, json_field, parsed, update
from sfnbook.widgets.frame import styles
from sfnbook.widgets.words import card, heading, message_html

if TYPE_CHECKING:
    from collections.abc import Callable


class Approval(w.VBox):  # type: ignore[misc] # ipywidgets has no types
    """What was sent with the token, the deadline, and buttons: approve, reject, or another answer.

    ``approve`` and ``reject`` are what the buttons answer: an output, or ``result(...)`` and
    ``failure(...)`` of `sfnbook.tasks`.  An execution goes on at once; a debugger stays, to be stepped.

    >>> import sfnbook
    >>> resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    >>> ask = {"Type": "Task", "Resource": resource, "End": True}
    >>> execution = sfnbook.load({"StartAt": "Ask", "States": {"Ask": ask}}).start().run()
    >>> view = execution.pending[0].ask(approve={"approved": True})
    >>> view.approve.click()
    >>> execution.output
    {'approved': True}
    >>> view.close()
    """

    def __init__(self, task: Any, *, approve: Any, reject: Any, title: str = "") -> None:
        self.task = task
        self._title = title
        self._done = ""
        self.head, self.sent, self.told = w.HTML(), w.HTML(), w.HTML()
        self.approve = button("Approve", "check", "SendTaskSuccess", lambda: self._give("Approved", approve))
        self.approve.add_class("sfn-primary")
        self.reject = button(
            "Reject", "times", "Answer that it is refused", lambda: self._give("Rejected", reject)
        )
        self.after = w.Text(
            placeholder="now",
            tooltip="Virtual seconds until the answer arrives",
            layout=w.Layout(width="90px"),
        )
        self.field = json_field("Another answer", 2)
        self.field.placeholder = "Another answer, as JSON"
        self.other = button("Answer", "reply", "SendTaskSuccess with this JSON", self._answer)
        row = w.HBox([self.approve, self.reject, w.Label("arrives after"), self.after, w.Label("seconds")])
        another = w.HBox([self.field, self.other])
        for one in (row, another):
            one.add_class("sfn-form-row")
        self._inputs = (self.approve, self.reject, self.other, self.field, self.after)
        super().__init__([styles(1), self.head, self.sent, row, another, self.told])
        self.add_class("sfn-debugger")
        self.add_class("sfn-approval")
        register(self)
        self._unobserve: Callable[[], None] = task.observe(self.refresh)
        self.refresh()

    # --- what people do -----------------------------------------------------------------------------
    def _answer(self) -> None:
        self._give("Answered", None, typed=True)

    def _give(self, done: str, answer: Any, *, typed: bool = False) -> None:
        try:
            given = parsed(self.field.value) if typed else answer
            seconds = seconds_after(self.after.value)
            if isinstance(given, ENDINGS):
                self.task.answer(given, seconds)
            else:
                self.task.succeed(given, seconds)
            self._done = done + (f"; the answer arrives after {duration(seconds)}" if seconds else "")
            self.task.resume()
        except SfnbookError as problem:
            self.refresh(str(problem))
        else:
            self.refresh()

    # --- showing ------------------------------------------------------------------------------------
    def refresh(self, problem: str = "") -> None:
        """Show how the task stands."""
        task = self.task
        open_still = task.is_open and not self._done
        update(
            self.head,
            value=heading(self._title or f"{task.path} waits for an answer", self._note(open_still)),
        )
        update(self.sent, value=json_html(task.input))
        for one in self._inputs:
            update(one, disabled=not open_still)
        told = message_html(problem) if problem else ""
        if self._done:
            told = card("succeeded", f"<b>{self._done}</b>", "", task.standing) + told
        update(self.told, value=told)

    def _note(self, open_still: bool) -> str:
        task = self.task
        if not open_still:
            return "answered" if self._done else "no longer open"
        now = f"now {duration(task.now)}"
        return f"{now}, no deadline" if task.deadline is None else f"{now}, until {duration(task.deadline)}"

    def close(self) -> None:
        """Close it and all its parts."""
        forget(self)
        if (unobserve := getattr(self, "_unobserve", None)) is not None:
            unobserve()
        w.Widget.close(self)


def seconds_after(text: str) -> float:
    """How many virtual seconds an answer takes, from a text; nothing is now.

    >>> seconds_after(""), seconds_after("3600")
    (0, 3600.0)
    """
    if not text.strip():
        return 0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not (seconds >= 0 and math.isfinite(seconds)):
        raise UsageError("The answer arrives after a number of seconds; nothing is now.")
    return seconds
