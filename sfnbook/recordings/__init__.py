"""Recorded executions: histories read from what AWS's tools print, and laid out by place.

`reading` makes events of whatever was given, `places` finds out which state, visit and attempt
each of them belongs to, and `children` reads what a Map Run left behind.
"""
