"""What a debugger gives away and gets back: copies, sessions as files, pages, tests and mocks.

Everything that leaves can be given stand-ins for what must not (``redact``).  The formats are
elsewhere: `session`, `page`, `regression`, `redacted`, `resuming`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sfnbook.debugging.looking import Looking
from sfnbook.errors import warn
from sfnbook.files import read_text, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from sfnbook.machine import StateMachine
    from sfnbook.sessions.session import Session


class Keeping(Looking):
    """The part of a `Debugger` that outlives it."""

    # --- copies -------------------------------------------------------------------------------------
    def fork(self) -> Self:
        """An independent debugger that stands here, with all branches, breakpoints and watches."""
        kept = self._session()._replace(branches=self.branches.copy())
        return self._like(self.machine, kept, self.recording, self.children)

    __copy__ = fork

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self.fork()

    def __getstate__(self) -> tuple[Any, ...]:
        kept = self._session()._replace(breakpoints=self.breakpoints.picklable())
        return self.machine, kept, self.recording, self.children

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        machine, kept, recording, children = state
        Looking.__init__(self, machine, *kept)
        self.recording, self.children = recording, children

    @classmethod
    def _like(cls, machine: StateMachine, kept: Session, *recorded: Any) -> Self:
        """A debugger of a session, with the ``recording`` and the ``children`` of another, if any."""
        debugger = cls.__new__(cls)
        debugger.__setstate__((machine, kept, *(recorded or (None, None))))
        return debugger

    # --- sessions -----------------------------------------------------------------------------------
    def save(self, path: str | PathLike[str], redact: Iterable[str] = ()) -> None:
        """Write the session to a file: `open` stands at the same moment, without the task functions.

        Versioned JSON, never a pickle.  ``redact`` are paths of values for which there are stand-ins
        in the file (see `redacted`).  A breakpoint whose condition is a function is left out, which
        the file says.  Raises UsageError where the file cannot be written; the old one then stays.
        """
        from sfnbook import __version__  # noqa: PLC0415 - few sessions are saved
        from sfnbook.sessions import session  # noqa: PLC0415 - few sessions are saved

        kept = self.redacted(redact)._session()  # noqa: SLF001 - its own
        write_text(path, session.text_of(session.document(kept, __version__)))

    def redacted(self, redact: Iterable[str]) -> Self:
        """A debugger with the same branches, and stand-ins of the same type for what the paths find.

        ``redact=["$..cardNumber"]`` looks in every payload: inputs, results, variables, causes that are
        JSON.  Equal values get equal stand-ins, and a text that was found once is replaced in all other
        texts, too.  Where a branch cannot go on as it did with them, it ends, which `notes` tell.
        """
        paths = (redact,) if isinstance(redact, str) else tuple(redact)
        if not paths:
            return self
        from sfnbook.sessions.redacted import redacted  # noqa: PLC0415 - few sessions are saved

        found = redacted(self._session(), paths)
        return self._like(found.machine, found)

    def history(self, redact: Iterable[str] = ()) -> list[dict[str, Any]]:
        """The events up to the cursor as GetExecutionHistory gives them; times are ISO 8601 text."""
        return self.redacted(redact).execution.history()

    def _session(self) -> Session:
        from sfnbook.sessions.session import Session  # noqa: PLC0415 - as above

        return Session(self.branches, tuple(self.breakpoints), dict(self.watches), self._selected, self.notes)

    @classmethod
    def open(cls, path: str | PathLike[str], tasks: Any = None, *, files: Any = None) -> Self:
        """The debugger of a saved session, at the moment at which it was saved.

        Opening runs nothing of the file and calls nobody: recorded outcomes answer for the Tasks.
        ``tasks`` and ``files`` answer beyond the recorded end.  What is not as it was is in `notes`,
        and is warned of.  Raises UsageError for a file that is damaged or newer.
        """
        from sfnbook.sessions import session  # noqa: PLC0415 - few sessions are saved

        text, where = read_text(path, session.MAX_BYTES), str(Path(path).name)
        found = session.opened(text, where, session.Given(tasks, files))
        for note in found.notes:
            warn(note)
        return cls._like(found.machine, found)

    def resume(self, earlier: Self) -> Self:
        """Take over what an earlier debugger recorded, as far as it still holds with this machine.

        For a cell that was run again: branches, edits, breakpoints and watches come back, and nobody
        is called.  What differs now is in `notes`; from there on this debugger's tasks answer.
        """
        from sfnbook.sessions.resuming import resumed  # noqa: PLC0415 - few sessions are resumed

        found = resumed(earlier._session(), self.execution.setup)
        self._branches, self.notes, self._selected = self._heard(found.branches), found.notes, found.selected
        self.watches.update(found.watches)
        self.breakpoints.replace(found.breakpoints)
        return self

    # --- for other readers ----------------------------------------------------------------------------
    def to_html(self, path: str | PathLike[str] | None = None, redact: Iterable[str] = ()) -> str:
        """A page of its own about the current branch, to be scrubbed without Python; written to ``path``.

        It has the picture, a slider, data flow, reasons and events, loads nothing, and works by
        keyboard, in light, in dark and on paper.  ``redact`` as in `redacted`.
        """
        from sfnbook.sessions.page import page  # noqa: PLC0415 - few sessions become a page

        text = page(self.redacted(redact))
        if path is not None:
            write_text(path, text)
        return text

    def to_pytest(self, path: str | PathLike[str], redact: Iterable[str] = ()) -> None:
        """Write the current branch as a pytest file: its answers as mocks, what was done, how it ended.

        Raises UsageError where a Distributed Map used files, which no test file can hold.
        """
        from sfnbook.sessions.regression import test_text  # noqa: PLC0415 - few sessions become a test

        recording = self.redacted(redact).execution.fork()
        recording.seek(recording.length)
        write_text(path, test_text(recording))

    def to_mock_config(
        self, path: str | PathLike[str], case: str = "Recorded", redact: Iterable[str] = ()
    ) -> None:
        """Write the outcomes of the current branch as a MockConfigFile.json of Step Functions Local.

        https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-test-sm-exec.html
        """
        from sfnbook.tasks.mockwriter import to_mock_config  # noqa: PLC0415 - few sessions become mocks

        recording = self.redacted(redact).execution.fork()
        recording.seek(recording.length)
        write_text(path, json.dumps(to_mock_config(recording, case), indent=2) + "\n")
