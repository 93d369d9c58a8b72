"""The parts of a debugger, without the debugger itself: what it stops at, watches, tells and keeps apart.

breakpoints.py    where to stop
watches.py        expressions at the cursor
branches.py       recordings that share their beginning
revising.py       what a changed definition changes
iterations.py     the iterations of a Map, found among ten thousand
totals.py         what it came to so far: transitions, price, events, bytes
telling.py        transitions in words
"""
