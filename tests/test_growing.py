"""Folds over a list that grows: step by step as at once, and begun anew for another list."""

import pytest

from sfnbook.growing import Mentions
from tests.debugging import MACHINES


def plainly(changes, pointer, cursor):
    def about(change):
        return any(side is not None and side.state == pointer for side in (change.before, change.after))

    return [number for number in reversed(range(cursor)) if about(changes[number])]


@pytest.mark.parametrize("name", MACHINES)
def test_mentions_are_what_a_look_at_all_changes_finds(name):
    debugger = MACHINES[name]()
    mentions = Mentions()
    while debugger.step():
        mentions.follow(debugger.execution.changes)
    changes = debugger.execution.changes
    for pointer in debugger.statuses():
        for cursor in range(len(changes) + 1):
            assert list(mentions.before(pointer, cursor)) == plainly(changes, pointer, cursor)


def test_another_list_is_begun_anew():
    debugger = MACHINES["map"]()
    debugger.run()
    changes = debugger.execution.changes
    mentions = Mentions().follow(changes)
    fewer = changes[:5]
    pointer = changes[4].frame.state
    assert list(mentions.follow(fewer).before(pointer, 99)) == plainly(fewer, pointer, 5)
