"""The retry lab: what a policy does before it is deployed.

policies.py      what people give as a policy -> retriers and catchers, checked
schedule.py      one policy and its errors, attempt by attempt
tally.py         how often each number occurred: means, percentiles and their intervals
summary.py       what many runs have in common: merged in run order, whoever ran them
plan.py          one run, and a chunk of them, through the engine
vectorised.py    the same numbers for a single Task, for many runs at once
executors.py     chunks on one process, many, or many machines
simulation.py    `simulate`, and what people hold of it
progress.py      a bar for what takes long; interrupts put off
comparing.py     simulations side by side: what differs by more than chance
rivals.py        policies that compete for the same Task
service.py       what stands behind a Task, and its capacity
load.py          the calls that it gets over time
stampede.py      many clients against it: one run
herd.py          the same for several policies, many times
advice.py        what to think of a policy, in words with numbers
pictures.py      results -> charts
conditions.py    what can be moved in the lab, and within which bounds
study.py         one policy under some conditions, growing a little at a time
lab.py           `RetryLab`: all of it together, moved and looked at
figures.py       charts -> matplotlib
words.py         durations, shares and money as one says them
"""

from __future__ import annotations

from sfnbook.retrylab.stampede import at_random, from_map

__all__ = ["at_random", "from_map"]
