"""Statuses: what the picture shows, at any cursor, however it was reached."""

import copy

import pytest

from sfnbook.drawing.layout import layout
from sfnbook.drawing.statuses import Statuses, container_of
from tests.debugging import (
    CAUGHT,
    INPUTS,
    LINE,
    LOOP,
    MACHINES,
    MAP,
    PARALLEL,
    FailsFirst,
    block,
    debug,
    debug_map,
    do,
)


def by_name(statuses):
    return {pointer.rpartition("/")[2]: status for pointer, status in statuses.items()}


STATUSES = {
    "nothing yet": (LINE, [], {}),
    "about to run": (LINE, ["run_to B"], {"A": "succeeded", "B": "current"}),
    "all done": (LINE, ["run"], {"A": "succeeded", "B": "succeeded", "C": "succeeded"}),
    "a Parallel waits when all of it does": (
        PARALLEL,
        ["run_to Left", "step_out", "back", "back", "back", "back"],
        {"Both": "waiting", "Left": "succeeded", "Left2": "succeeded", "Right": "waiting"},
    ),
    "an error is caught": (
        CAUGHT,
        ["run"],
        {"Both": "caught", "Slow": "cancelled", "Bad": "failed", "Mend": "succeeded"},
    ),
    "a retry": (
        MAP,
        ["run_to Orders[0].Charge", *["step"] * 10],
        {"First": "succeeded", "Orders": "retrying", "Charge": "retrying"},
    ),
}


@pytest.mark.parametrize(("definition", "moves", "expected"), STATUSES.values(), ids=STATUSES)
def test_statuses(definition, moves, expected):
    tasks = {"Charge": FailsFirst()} if definition is MAP else None
    debugger = debug(definition, INPUTS.get(id(definition)), tasks=tasks)
    do(debugger, moves)
    assert by_name(debugger.statuses()) == expected


def test_a_map_retries_when_all_of_it_does():
    debugger = debug_map([1])
    debugger.breakpoints.add(when=lambda transition: transition.kind == "RetryScheduled")
    debugger.run()
    assert by_name(debugger.statuses()) == {
        "First": "succeeded",
        "Orders": "retrying",
        "Charge": "retrying",
    }


FAILING = block(
    All={
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemProcessor": block(
            Pick={
                "Type": "Choice",
                "Choices": [{"Variable": "$", "NumericEquals": 0, "Next": "Done"}],
                "Default": "Slow",
            },
            Done={"Type": "Succeed"},
            Slow={"Type": "Wait", "SecondsPath": "$", "Next": "Bad"},
            Bad={"Type": "Fail", "Error": "Oops"},
        ),
        "End": True,
    }
)


def test_an_uncaught_error_fails_all_around_it():
    debugger = debug(FAILING, {"items": [0, 9, 5, 0]})
    debugger.run()
    assert by_name(debugger.statuses()) == {
        "All": "failed",
        "Pick": "succeeded",
        "Done": "succeeded",
        "Slow": "cancelled",
        "Bad": "failed",
    }
    assert debugger.iterations() == {"/States/All": {"succeeded": 2, "failed": 1, "aborted": 1}}


def test_iterations_are_counted():
    debugger = debug_map([1, 2, 3, 4, 5])
    seen = []
    while debugger.step():
        counts = debugger.iterations().get("/States/Orders", {})
        if not seen or seen[-1] != counts:
            seen.append(counts)
    assert seen == [
        {},
        {"running": 1},
        {"running": 2},
        {"running": 1, "succeeded": 1},
        {"running": 2, "succeeded": 1},
        {"running": 1, "succeeded": 2},
        {"running": 2, "succeeded": 2},
        {"running": 1, "succeeded": 3},
        {"running": 2, "succeeded": 3},
        {"running": 1, "succeeded": 4},
        {"succeeded": 5},
    ]


def distributed(definition):
    changed = copy.deepcopy(definition)
    changed["States"]["Each"]["ItemProcessor"]["ProcessorConfig"] = {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",
    }
    return changed


@pytest.mark.parametrize("definition", [LOOP, distributed(LOOP)], ids=["inline", "distributed"])
def test_a_map_that_begins_anew_forgets_its_last_run(definition):
    debugger = debug(definition, INPUTS[id(LOOP)])
    counts = []
    while debugger.run_to("Turn"):
        counts.append(debugger.iterations().get("/States/Each"))
    assert counts[:3] == [{"succeeded": 3}, {"succeeded": 1}, {"succeeded": 2}]
    debugger.goto(debugger.find(state="Each", kind="StateEntered")[1])
    assert debugger.iterations() == {}
    assert by_name(debugger.statuses())["Each"] == "current"
    assert "Do" not in by_name(debugger.statuses())


@pytest.mark.parametrize(
    ("pointer", "container"),
    [
        ("/States/A", ""),
        ("/States/M/ItemProcessor/States/A", "/States/M"),
        ("/States/M/ItemProcessor/States/P/Branches/1/States/States", "/States/M/ItemProcessor/States/P"),
        ("/States/States/Branches/0/States/a~1States~1b", "/States/States"),
    ],
)
def test_container_of(pointer, container):
    assert container_of(pointer) == container


@pytest.mark.parametrize("name", MACHINES)
def test_statuses_at_each_cursor_are_those_of_a_new_computation(name):
    debugger = MACHINES[name]()
    debugger.run()
    changes = debugger.execution.changes
    for cursor in [*range(len(changes)), *reversed(range(len(changes)))]:
        debugger.execution.seek(cursor)
        assert debugger.statuses() == Statuses().follow(changes, cursor).states()


def test_statuses_follow_from_branch_to_branch():
    debugger = debug_map()
    debugger.run()
    debugger.goto(9)
    debugger.inject_error("Charge", "X", attempts="all")
    debugger.run()
    for branch in ["main", "branch 1"] * 2:
        debugger.switch(branch)
        fresh = Statuses().follow(debugger.execution.changes, debugger.position)
        assert debugger.statuses() == fresh.states()


def test_an_interrupted_computation_is_made_good(monkeypatch):
    debugger = debug_map()
    debugger.run()
    changes, statuses, note = debugger.execution.changes, Statuses(), Statuses._note

    def interrupted(self, change):
        note(self, change)
        if change is changes[20]:
            raise KeyboardInterrupt

    monkeypatch.setattr(Statuses, "_note", interrupted)
    with pytest.raises(KeyboardInterrupt):
        statuses.follow(changes, len(changes))
    monkeypatch.undo()
    for cursor in (len(changes), 10, 25):
        assert statuses.follow(changes, cursor).states() == Statuses().follow(changes, cursor).states()
        assert statuses.iterations() == Statuses().follow(changes, cursor).iterations()


# --- what else the picture shows --------------------------------------------------------------------
def ways(debugger):
    return {
        (way.source.rpartition("/")[2], way.target.rpartition("/")[2], way.caught)
        for way in debugger.marks().taken
    }


def test_the_ways_that_were_taken():
    debugger = debug(CAUGHT)
    debugger.step_over()
    assert ways(debugger) == {
        ("StartAt", "Both", False),
        ("StartAt", "Slow", False),
        ("StartAt", "Bad", False),
        ("Both", "Mend", True),
    }
    debugger.run()
    assert ("Mend", "End", False) in ways(debugger)
    debugger.restart()
    assert ways(debugger) == set()


def test_a_way_that_is_taken_is_one_of_the_picture():
    debugger = debug(LOOP, INPUTS[id(LOOP)])
    debugger.run()
    drawn = {
        (edge.source, edge.target, edge.kind == "catch") for edge in layout(debugger.machine.definition).edges
    }
    assert debugger.marks().taken <= drawn
    assert drawn - debugger.marks().taken == set()


@pytest.mark.parametrize(
    ("moves", "note"),
    [([], None), (["step_over", "step", "step"], "0 of 3"), (["run"], "3 of 3"), (["run", "restart"], None)],
    ids=str,
)
def test_a_map_says_how_far_it_is(moves, note):
    debugger = debug_map()
    do(debugger, moves)
    assert debugger.marks().notes.get("/States/Orders") == note


def test_a_failed_map_says_how_many_failed():
    debugger = debug(FAILING, {"items": [0, 9, 5, 0]})
    debugger.run()
    assert debugger.marks().notes == {"/States/All": "4 of 4, 1 failed"}


def test_a_parallel_counts_its_branches():
    debugger = debug(PARALLEL)
    debugger.run()
    debugger.goto(debugger.find(kind="IterationSucceeded")[0])
    assert debugger.marks().notes == {"/States/Both": "1 of 2"}
    assert debugger.iterations() == {"/States/Both": {"running": 1, "succeeded": 1}}


def test_an_attempt_is_noted_from_the_second_on_until_the_next_visit():
    charge = "/States/Orders/ItemProcessor/States/Charge"
    debugger = debug_map([1])
    debugger.run_to("Charge")
    assert charge not in debugger.marks().notes
    debugger.run_to("Rest")
    assert debugger.marks().notes[charge] == "attempt 2"


def test_one_iteration_is_looked_at_alone():
    debugger = debug(FAILING, {"items": [0, 9, 5, 0]})
    debugger.run()
    followed = debugger.followed()
    run = followed.run_at("/States/All")
    assert [followed.child(run, index) for index in range(5)] == [
        "succeeded",
        "aborted",
        "failed",
        "succeeded",
        None,
    ]
    assert by_name(followed.marks_of(run, 0).status) == {"Pick": "succeeded", "Done": "succeeded"}
    assert by_name(followed.marks_of(run, 2).status) == {
        "Pick": "succeeded",
        "Slow": "succeeded",
        "Bad": "failed",
    }
    assert len(followed.marks_of(run, 0).taken) == 2


def test_an_execution_that_someone_stops_is_aborted():
    debugger = debug(PARALLEL)
    debugger.run_to("Left2")
    debugger.stop("Enough")
    assert by_name(debugger.statuses())["Right"] == "aborted"


@pytest.mark.parametrize("name", ["A#", "A"])
def test_a_name_may_end_like_anything(name):
    debugger = debug(block(**{name: {"Type": "Pass", "End": True}}))
    debugger.run()
    assert debugger.statuses() == {f"/States/{name}": "succeeded"}


@pytest.mark.parametrize("name", MACHINES)
def test_marks_at_each_cursor_are_those_of_a_new_computation(name):
    debugger = MACHINES[name]()
    debugger.run()
    changes = debugger.execution.changes
    for cursor in reversed(range(len(changes))):
        debugger.execution.seek(cursor)
        assert debugger.marks() == Statuses().follow(changes, cursor).marks()
