"""The words in which answers for Tasks are written.

>>> from sfnbook.tasks import attempts, failure, result
>>> attempts(failure("Lambda.ServiceException"), result({"ok": True}, seconds=2))
attempts(failure('Lambda.ServiceException'), result({'ok': True}, seconds=2))
"""

from __future__ import annotations

from sfnbook.tasks.protocol import Call, Outcome, attempts, failure, never, result, sequence

__all__ = ["Call", "Outcome", "attempts", "failure", "never", "result", "sequence"]
