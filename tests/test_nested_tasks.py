"""Tasks inside nested executions: who answers for them, which faults reach them, by which names, and when."""

import pickle

import pytest

import sfnbook
from sfnbook import UnansweredTask, UsageError
from sfnbook.outside import leads_to, paths_of
from sfnbook.tasks import attempts, failing, failure, faulty, latency, outage, result, throttled
from tests.machines import START, block, load, mapping, of_kind, one, task, times

RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}]
CHILD = load({"T": task(TimeoutSeconds=9, Retry=RETRY)})
SYNC = {"Type": "Task", "Resource": f"{START}.sync:2", "Parameters": {"StateMachineArn": "Child"}}


def start(tasks, child=CHILD, **more):
    """The Task S starts Child, whose Task T is answered by ``tasks``."""
    return one({**SYNC, **more}).start(machines={"Child": child}, tasks=tasks)


class Counting:
    """A function that pickles, and counts its calls in one place."""

    calls = 0

    def __call__(self, _event):
        Counting.calls += 1
        return {"call": Counting.calls}


# --- time, and copies -----------------------------------------------------------------------------
def test_the_latency_of_a_child_s_task_passes_for_the_parent():
    execution = start({"T": result({}, seconds=7)}).run()
    assert [(one.path, one.time) for one in of_kind(execution, "TaskSucceeded")] == [("S/T", 7.0), ("S", 7.0)]
    assert execution.children[0].history()[-1]["timestamp"] == "2025-01-01T00:00:07.000+00:00"


def test_the_parent_s_timeout_counts_the_latency_of_its_child():
    execution = start({"T": result({}, seconds=7)}, TimeoutSeconds=5).run()
    assert (execution.error, execution.time) == ("States.Timeout", 5.0)
    assert execution.children[0].status == "ABORTED"


def test_forks_inside_a_child_go_their_own_ways():
    execution = start({"T": attempts(failure("E"), {"by": "hand"})}).run(until="S/T")
    fork = execution.fork()
    fork.edit_input({"n": 1}, at="S/T")
    fork.set_result("S/T", {"by": "fork"})
    assert execution.run().output["Output"] == {"by": "hand"}
    assert fork.run().output["Output"] == {"by": "fork"}
    assert len(of_kind(execution, "RetryScheduled")) == 1
    assert not of_kind(fork, "RetryScheduled")


@pytest.mark.parametrize("until", ["S", "S/T"])
def test_a_pickle_taken_before_the_task_runs_to_the_same_end(until):
    execution = start({"T": Counting()}).run(until=until)
    copy = pickle.loads(pickle.dumps(execution))
    Counting.calls = 0
    story = execution.run().transitions
    Counting.calls = 0
    assert copy.run().transitions == story
    assert copy.children[0].history() == execution.children[0].history()


def test_a_pickle_without_its_function_asks_who_answers_inside_the_child():
    execution = start({"T": lambda _event: 1}).run(until="S/T")
    copy = pickle.loads(pickle.dumps(execution))
    with pytest.raises(UnansweredTask, match="the Task 'S/T'"):
        copy.run()
    assert copy.blocked == "unanswered"


def test_a_redo_starts_nobody_again():
    Counting.calls = 0
    execution = start({"T": Counting()}).run()
    story, arn = execution.transitions, execution.children[0].arn
    while execution.back() is not None:
        pass
    assert execution.children == []
    assert list(execution) == story
    assert (Counting.calls, [child.arn for child in execution.children]) == (1, [arn])


# --- faults over tasks ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "tasks",
    [{"T": {}}, {"Child/T": {}}, {"*": {}}, lambda _event: {}, "sample"],
    ids=["name", "path", "every", "function", "sample"],
)
def test_faults_over_all_of_tasks_reach_the_tasks_of_a_child(tasks):
    execution = start(faulty(tasks, latency(2), failing(1, error="Broken"))).run()
    assert [(one.path, one.error) for one in of_kind(execution, "TaskFailed")] == [("S/T", "Broken")]
    assert execution.time == 2 + 1 + 2
    assert execution.status == "SUCCEEDED"


def test_an_outage_strikes_a_child_by_the_clock_of_the_whole():
    states = {"W": {"Type": "Wait", "Seconds": 10, "Next": "S"}, "S": {**SYNC, "End": True}}
    tasks = faulty({"T": {}}, outage(10, 12))
    execution = load(states).start(machines={"Child": CHILD}, tasks=tasks).run()
    assert times(execution, "TaskFailed") == [10.0, 11.0]


def test_all_children_share_the_capacity_of_one_answer():
    machine = load({"All": mapping(block(S={**SYNC, "End": True}), End=True)})
    execution = machine.start(
        [1, 2, 3], machines={"Child": CHILD}, tasks={"T": faulty(1, throttled(1))}
    ).run()
    assert times(execution, "TaskFailed") == [0.0, 0.0, 1.0]


def test_a_latency_that_would_strike_nobody_is_refused():
    for slow in (lambda one: one.inject_latency("S", 3), lambda one: one.lose_heartbeats("S")):
        with pytest.raises(UsageError, match=r"^'S' asks nobody in tasks"):
            slow(start({"T": {}}))
    execution = start({"S": {"Output": 1}}).inject_latency("S", 3).run()
    assert (execution.time, execution.children) == (3.0, [])


# --- by which names -------------------------------------------------------------------------------
NAMES = ["T", "S/T", "Child/T"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_done_to_a_task_of_a_child(name):
    assert start({"T": 1}).inject_error(name, "E", attempts=1).run().time == 1
    assert start({"T": 1}).inject_latency(name, 3).run().time == 3
    assert start({"T": 1}).set_result(name, {"set": 1}).run().output["Output"] == {"set": 1}
    assert start({"T": 1}).run(until=name).coming()[0].scope.prefix == "S/"
    execution = start({"T": lambda event: event}).run(until=name).edit_input({"new": 1}, at=name)
    assert execution.run().output["Output"] == {"new": 1}
    debugger = sfnbook.Debugger(one(SYNC), machines={"Child": CHILD}, tasks={"T": 1})
    debugger.breakpoints.add(name)
    debugger.run()
    assert debugger.path == "S/T"


@pytest.mark.parametrize("name", ["Orders.S", "Orders[1].S", "S"])
def test_what_is_done_to_a_task_of_an_iteration(name):
    machine = load({"Orders": mapping(block(S=task()), End=True)})
    execution = machine.start([1, 2], tasks={"S": 1}).inject_latency(name, 3, attempts="all").run()
    late = [one.path for one in of_kind(execution, "TaskSucceeded") if one.time == 3]
    assert late == (["Orders[1].S"] if "1" in name else ["Orders[0].S", "Orders[1].S"])


def test_a_child_of_a_child_is_named_by_the_whole_way_or_by_its_machine():
    middle = load({"M": {**SYNC, "Parameters": {"StateMachineArn": "Leaf"}, "End": True}})
    for name in ("S/M/T", "Leaf/T", "T"):
        execution = one(SYNC).start(machines={"Child": middle, "Leaf": CHILD}, tasks={"T": 1})
        assert execution.inject_latency(name, 3).run().time == 3
        assert "S/M/T" in {transition.path for transition in execution.transitions}


def test_a_path_may_mean_states_of_several_machines():
    two = load({"T": {"Type": "Pass", "Next": "A/B"}, "A/B": {"Type": "Pass", "End": True}})
    execution = one(SYNC).start(machines={"Child": CHILD, "Two": two}, tasks={"T": 1})
    paths = paths_of(execution.setup.programs)
    assert leads_to("S/T", paths) == [("Child", "/States/T"), ("Two", "/States/T")]
    assert leads_to("S/A/B", paths) == [("Two", "/States/A~1B")]
    assert leads_to("T/T", paths) == leads_to("S/U", paths) == []
    # T is a Task in one of them: that is enough.
    assert execution.inject_error("S/T", "E", attempts="all").run().status == "FAILED"


@pytest.mark.parametrize("name", ["S/U", "X/T", "Child/U"])
def test_a_path_that_leads_nowhere(name):
    with pytest.raises(UsageError, match=r"There is no state .*\. (Did you mean|The states are)"):
        start({"T": 1}).inject_error(name, "E")


def test_tasks_are_named_by_the_machine_of_a_child():
    with pytest.raises(UsageError, match=r"tasks\['S/T'\] matches no Task\. Did you mean 'Child/T'\?"):
        start({"S/T": 1})
