"""`python -m sfnbook` is the command line."""

from __future__ import annotations

from sfnbook.cli import app

app(prog_name="sfnbook")
