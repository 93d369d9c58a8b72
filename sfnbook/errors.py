"""The exceptions that people meet, and the error names of the States Language.

    SfnbookError
    ├── DefinitionError      the state machine is not valid; holds every Diagnostic
    ├── UsageError           sfnbook was asked for something that cannot be
    │   └── UnansweredTask   a Task was reached and nobody answers for it
    └── ExecutionFailed      raised by Execution.result(): the execution did not succeed

What goes wrong *inside* a state machine is a value (``error``, ``cause``), never one of
these.  `Failed` is the one exception of the interpreter itself: a field that could not be
evaluated raises it, the engine turns it into a value at once, and nobody else sees it.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALL = "States.ALL"
TASK_FAILED = "States.TaskFailed"
TIMEOUT = "States.Timeout"
HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
PERMISSIONS = "States.Permissions"
RUNTIME = "States.Runtime"
RESULT_PATH_MATCH_FAILURE = "States.ResultPathMatchFailure"
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"
QUERY_EVALUATION_ERROR = "States.QueryEvaluationError"
ITEM_READER_FAILED = "States.ItemReaderFailed"
RESULT_WRITER_FAILED = "States.ResultWriterFailed"
EXCEED_TOLERATED_FAILURE_THRESHOLD = "States.ExceedToleratedFailureThreshold"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of a definition: what it is, where, and AWS's code for it.

    ``pointer`` is AWS's location (``/States/Charge/Retry[0]``); ``line`` and ``column``
    count from 1 and are None where the definition was not given as text.  ``message`` is AWS's;
    ``hint`` is what might be meant instead.
    """

    severity: str
    code: str
    message: str
    pointer: str | None = None
    line: int | None = None
    column: int | None = None
    hint: str = ""

    def __str__(self) -> str:
        # AWS's location of a text that is no JSON quotes the whole text, in the message once more.
        quotes = bool(self.pointer) and str(self.pointer).startswith("[Source")
        message = self.message.partition("\n at [Source")[0] if quotes else self.message
        where = f" at {self.pointer}" if self.pointer and not quotes else ""
        position = f" (line {self.line}, column {self.column})" if self.line else ""
        hint = f". {self.hint}" if self.hint else ""
        return f"{self.severity} {self.code}: {message}{where}{position}{hint}"


class SfnbookError(Exception):
    """The root of all exceptions that sfnbook raises on purpose."""


class DefinitionError(SfnbookError):
    """The definition cannot be run; ``diagnostics`` holds every problem at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = list(diagnostics)
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.diagnostics,))


class UsageError(SfnbookError):
    """sfnbook was asked for something that cannot be; the text says how to mend it."""


class UnansweredTask(UsageError):  # noqa: N818 - the name says what happened, as in the API
    """A Task was reached and nobody answers for it; ``literal`` is the code to paste.

    ``why`` says where a replay left its recording; empty where there is none.
    """

    def __init__(self, path: str, state: str, literal: str, why: str = "") -> None:
        self.path, self.state, self.literal, self.why = path, state, literal, why
        left = f" The replay leaves the recording here: {why}" if why else ""
        super().__init__(
            f"Nobody answers for the Task {path!r}.{left} Give it an answer, for example:"
            f"\n\n    {literal}\n\n"
            "A function is called with the Task's input; any other value is the Task's result."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.path, self.state, self.literal, self.why))


class ExecutionFailed(SfnbookError):  # noqa: N818 - the name of AWS's history event
    """The execution ended without a result: ``state``, ``error``, ``cause`` and ``why``."""

    def __init__(self, status: str, state: str, error: str | None, cause: str | None, why: str) -> None:
        self.status, self.state, self.error, self.cause, self.why = status, state, error, cause, why
        what = ": ".join(part for part in (error, cause) if part) or "no error name, no cause"
        super().__init__(f"{status} in state {state!r}: {what}" + (f"\n{why}" if why else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.status, self.state, self.error, self.cause, self.why))


class Failed(Exception):  # noqa: N818 - internal: a field's evaluation failed
    """A field could not be evaluated; carries the ASL error until the engine makes it a value.

    ``location`` is the JSONata field for the EvaluationFailed event (``Output/a``), None for
    JSONPath.  ``prefixed`` says whether AWS puts "An error occurred while executing the
    state ..." in front of the cause.
    """

    def __init__(
        self, error: str, cause: str | None, *, location: str | None = None, prefixed: bool = True
    ) -> None:
        super().__init__(error, cause)
        self.error, self.cause, self.location, self.prefixed = error, cause, location, prefixed


# --- advice ---------------------------------------------------------------------------------------
_MOST_NAMES: Final = 20


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known name that is most like a word, in any case of letters, the first of equals; None if none is.

    >>> nearest("CHRAGE", ["Charge", "Refund"]), nearest("x", ["Charge"])
    ('Charge', None)
    """
    plain = {name.casefold(): name for name in reversed(list(known))}
    near = get_close_matches(str(word).casefold(), plain, n=1)
    return plain[near[0]] if near else None


def did_you_mean(word: object, known: Iterable[str], called: str = "There are") -> str:
    """Advice for an unknown word: the name that is most like it, else all there are.

    >>> did_you_mean("Chrage", ["Charge", "Refund"])
    "Did you mean 'Charge'?"
    >>> did_you_mean("x", ["Charge", "Refund"], "The states are")
    "The states are: 'Charge', 'Refund'."
    """
    names = list(dict.fromkeys(known))
    near = nearest(word, names)
    if near is not None:
        return f"Did you mean {near!r}?"
    listed = ", ".join(map(repr, names[:_MOST_NAMES])) or "none"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{called}: {listed}{more}."


def warn(message: str) -> None:
    """Warn at the line of people's own code that led here, however deep inside the package this is."""
    level, frame = 1, sys._getframe()  # noqa: SLF001 - the way of the standard library itself
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)


def kind_of(value: object) -> str:
    """What somebody gave, by its class.

    >>> kind_of([1]), kind_of(1)
    ('a list', 'an int')
    """
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
