"""Answers made of other answers: by attempt, by call, by Map iteration, with time."""

import pytest

from sfnbook import UsageError
from sfnbook.tasks import (
    Outcome,
    attempts,
    failing,
    failure,
    faulty,
    iterations,
    latency,
    never,
    result,
    sequence,
    timed,
    uniform,
)
from tests.machines import block, mapping, one, parallel, task
from tests.naming import named

RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}]


def double(event):
    return event * 2


def run(state, items, tasks, **options):
    return one(state).start(items, tasks=tasks, **options).run()


INNER = mapping(block(Work=task(Retry=RETRY)), ItemsPath="$", End=True)
BRANCH = parallel(block(Work=task()), End=True)


@pytest.mark.parametrize(
    ("state", "items", "answer", "expected"),
    [
        (mapping(block(Work=task())), [5, 6, 7], iterations({1: "one"}, double), [10, "one", 14]),
        (mapping(block(Work=task())), [5], iterations({(0,): "tuple"}, "other"), ["tuple"]),
        (
            mapping(block(In=INNER)),
            [[1, 2], [3]],
            iterations({0: "zero"}, "other"),
            [["zero", "other"], ["zero"]],
        ),
        (
            mapping(block(In=INNER)),
            [[1, 2], [3]],
            iterations({(1, 0): "x", 1: "y"}, "o"),
            [["o", "y"], ["x"]],
        ),
        (mapping(block(In=BRANCH)), [1, 2], iterations({1: "one"}, "other"), [["other"], ["one"]]),
        (
            mapping(block(Work=task(Retry=RETRY))),
            [1, 2],
            iterations({1: attempts(failure("E"), "again")}, sequence("a", "b")),
            ["a", "again"],
        ),
        (task(), 3, iterations({0: "no iteration"}, "other"), "other"),
    ],
)
def test_iterations_choose_by_index(state, items, answer, expected):
    execution = run(state, items, {"Work" if "Work" in str(state) else "S": answer})
    assert execution.output == expected, execution.cause


def test_iterations_of_a_distributed_map_have_indices_too():
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        **block(Work=task()),
    }
    execution = run(mapping(processor), [1, 2, 3], {"Work": iterations({2: "third"}, "other")})
    assert execution.output == ["other", "other", "third"]


def test_a_call_knows_its_indices():
    seen = []

    class Curious:
        def call(self, call):
            seen.append((call.path, call.indices))
            return result(None)

    run(mapping(block(In=INNER)), [[1, 2], [3]], Curious())
    assert seen == [("S[0].In[0].Work", (0, 0)), ("S[0].In[1].Work", (0, 1)), ("S[1].In[0].Work", (1, 0))]


class Counting:
    """A backend that remembers how often it was asked."""

    def __init__(self, name):
        self.name = name

    def call(self, call):
        asked = (call.memory or 0) + 1
        return Outcome(f"{self.name}{asked}", memory=asked)


def test_each_answer_has_a_memory_of_its_own():
    answer = iterations({0: Counting("a"), 1: "value"}, Counting("b"))
    machine = one(mapping(block(Work=task()), MaxConcurrency=1))
    assert machine.start([0] * 4, tasks={"Work": answer}).result() == ["a1", "value", "b1", "b2"]


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: iterations({}, 1), "by index"),
        (lambda: iterations([1, 2], 1), "by index"),
        (lambda: iterations({"0": 1}, 1), "whole number"),
        (lambda: iterations({True: 1}, 1), "whole number"),
        (lambda: iterations({-1: 1}, 1), "whole number"),
        (lambda: iterations({(): 1}, 1), "whole number"),
        (lambda: iterations({(0, "a"): 1}, 1), "whole number"),
        (lambda: timed({"ok": True}, seconds=3), "result({'ok': True}, seconds=...)"),
        (lambda: timed(double, seconds=-1), "not negative"),
        (lambda: timed(double, heartbeats=[3]), "give seconds="),
    ],
)
def test_wrong_words_are_refused_where_they_are_written(make, advice):
    with pytest.raises(UsageError) as raised:
        make()
    assert advice in str(raised.value)


@pytest.mark.parametrize("wrong", [iterations({0: [1]}, 1), iterations({0: 1}, [1])], ids=named)
def test_what_is_inside_is_checked_at_the_start(wrong):
    with pytest.raises(UsageError, match="is a list"):
        one(task()).start(tasks={"S": wrong})


@pytest.mark.parametrize(
    "answer",
    [iterations({0: failure("E"), (1, 2): never()}, {"ok": True}), timed(double, uniform(1, 2), [0.5])],
    ids=named,
)
def test_reprs_are_python(answer):
    words = {word.__name__: word for word in (iterations, failure, never, timed, uniform, double)}
    assert eval(repr(answer), words) == answer


def test_timed_keeps_the_time_that_an_answer_says_itself():
    answers = {"S": timed(lambda event: result(1, seconds=event), seconds=9, heartbeats=[4])}
    assert [one(task()).start(own, tasks=answers).run().time for own in (0, 2)] == [9.0, 2.0]


def test_timed_beats():
    beating = task(TimeoutSeconds=100, HeartbeatSeconds=5)
    for beats, error in (([4, 8], None), ([4], "States.Timeout")):
        execution = run(beating, 1, timed(double, seconds=10, heartbeats=beats))
        assert execution.error == error


def broken(event):
    raise KeyError("orderId")


@pytest.mark.parametrize(
    "answer",
    [
        broken,
        attempts(broken, 1),
        sequence(broken),
        iterations({0: 1}, broken),
        timed(broken, seconds=1),
        faulty(broken, latency(1), failing(9)),
        faulty(attempts(timed(broken, 1)), failing(9)),
    ],
    ids=named,
)
def test_the_traceback_of_a_handler_comes_through(answer):
    execution = run(task(), 1, {"S": answer})
    (failed,) = [one for one in execution.transitions if one.kind == "TaskFailed"]
    assert failed.error == "KeyError"
    assert 'raise KeyError("orderId")' in failed.traceback
    assert "in broken" in failed.traceback
    assert "sfnbook" not in failed.traceback.replace(__file__, "")
