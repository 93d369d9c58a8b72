"""A debugging session and its parts, without what moves it.

part.py           how a part tells that it has changed
breakpoints.py    where to stop
watches.py        expressions at the cursor
branches.py       recordings that share their beginning
looking.py        the session as something to look at: the lower half of `sfnbook.Debugger`
revising.py       what a changed definition changes
iterations.py     the iterations of a Map, found among ten thousand
totals.py         what it came to so far: transitions, price, events, bytes
telling.py        transitions in words
"""
