"""Names of test cases that are the same in every process, whatever addresses and hashes are there."""

from __future__ import annotations

import re


def named(value: object) -> str:
    """The id of a case: its text without addresses, a set in order."""
    text = repr(sorted(value)) if isinstance(value, set) else repr(value)
    return re.sub(r" (at 0x[0-9a-f]+|id='\d+')", "", text)
