"""What a debugging session becomes outside its kernel, and how it comes back.

log.py retained.py rerun.py    what came from outside, and the run that is made of it again
session.py resuming.py         a file, the session before
trying.py isolating.py         the same run under another definition, one iteration alone
redaction.py redacted.py       stand-ins for what must not leave the house
page.py                        a page that needs no Python
retold.py regression.py        a test
keeping.py                     all of it as methods of the debugger
"""
