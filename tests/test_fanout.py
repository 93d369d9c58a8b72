"""Parallel and inline Map, field by field, in both query languages."""

from tests.machines import Fails, block, check, mapping, one, parallel, passing, table, task

RUNTIME = "States.Runtime"
QUERY = "States.QueryEvaluationError"


# --- Parallel and Map -------------------------------------------------------------------------------------
PARALLEL = {
    "results in branch order": (
        {}, [block(L={"Type": "Wait", "Seconds": 9, "Next": "LL"}, LL=passing(Result="left")),
             block(R=passing(Result="right"))], ["left", "right"],
    ),
    "each branch gets the input": ({}, [block(L=passing()), block(R=passing())], [{"a": 1}, {"a": 1}]),
    "Parameters": ({"Parameters": {"x.$": "$.a"}}, [block(L=passing())], [{"x": 1}]),
    "InputPath": ({"InputPath": "$.a"}, [block(L=passing())], [1]),
    "ResultSelector": ({"ResultSelector": {"x.$": "$[0].a"}}, [block(L=passing())], {"x": 1}),
    "ResultPath": ({"ResultPath": "$.r"}, [block(L=passing(Result=2))], {"a": 1, "r": [2]}),
    "Succeed ends its branch alone": (
        {}, [block(L={"Type": "Succeed"}), block(R=passing(Next="RR"), RR=passing(Result=2))], [{"a": 1}, 2],
    ),
    "JSONata": (
        {"QueryLanguage": "JSONata", "Arguments": {"x": "{% $states.input.a + 1 %}"},
         "Output": "{% $states.result[0].x %}"}, [block(L=passing())], 2,
    ),
}  # fmt: skip


@table(PARALLEL)
def test_parallel(case):
    fields, branches, expected = case
    check(one(parallel(*branches, **fields)).start({"a": 1}), expected)


ITEM = {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "b.$": "$.b"}

MAP = {
    "the items": ({"ItemsPath": "$.a"}, [1, 2]),
    "results in item order": ({"ItemsPath": "$.waits", "ItemProcessor": block(W={"Type": "Wait", "SecondsPath": "$",
                               "End": True})}, [9, 1, 5]),
    "InputPath before ItemsPath": ({"InputPath": "$.deep", "ItemsPath": "$.a"}, [3]),
    "ItemsPath defaults to $": ({"InputPath": "$.a"}, [1, 2]),
    "ItemsPath context": ({"ItemsPath": "$$.Execution.Input.a"}, [1, 2]),
    "ItemSelector": ({"ItemsPath": "$.a", "ItemSelector": ITEM}, [{"i": 0, "v": 1, "b": "b"},
                                                                   {"i": 1, "v": 2, "b": "b"}]),
    "Parameters is ItemSelector": ({"ItemsPath": "$.a", "Parameters": {"v.$": "$$.Map.Item.Value"}},
                                   [{"v": 1}, {"v": 2}]),
    "ResultSelector": ({"ItemsPath": "$.a", "ResultSelector": {"n.$": "States.ArrayLength($)"}}, {"n": 2}),
    "ResultPath": ({"InputPath": "$.deep", "ItemsPath": "$.a", "ResultPath": "$.deep.r", "OutputPath": "$.deep"},
                   {"a": [3], "r": [3]}),
    "empty": ({"ItemsPath": "$.none"}, []),
    "MaxConcurrency 1": ({"ItemsPath": "$.a", "MaxConcurrency": 1}, [1, 2]),
    "MaxConcurrencyPath": ({"ItemsPath": "$.a", "MaxConcurrencyPath": "$.m"}, [1, 2]),
    "not an array": ({"ItemsPath": "$.b"}, Fails(RUNTIME, 'Reference path "$.b" must point to array.')),
    "MaxConcurrencyPath is text": (
        {"ItemsPath": "$.a", "MaxConcurrencyPath": "$.b"},
        Fails(RUNTIME, 'The MaxConcurrencyPath field refers to value "b" which is not a valid integer: $.b'),
    ),
    "JSONata Items": ({"QueryLanguage": "JSONata", "Items": "{% $states.input.a %}"}, [1, 2]),
    "JSONata literal Items": ({"QueryLanguage": "JSONata", "Items": [1, "{% 1 + 1 %}"]}, [1, 2]),
    "JSONata ItemSelector": (
        {"QueryLanguage": "JSONata", "Items": "{% $states.input.a %}",
         "ItemSelector": {"v": "{% $states.context.Map.Item.Value * 10 %}", "i": "{% $states.context.Map.Item.Index %}"},
         "Output": "{% $states.result.v %}"}, [10, 20],
    ),
    "JSONata Items wrong type": (
        {"QueryLanguage": "JSONata", "Items": "{% 1 %}"},
        Fails(QUERY, "The JSONata expression '1' specified for the field 'Items' returned an unexpected result type. "
              "Expected 'array', but was 'number' for value: 1"),
    ),
    "JSONata input is no array": (
        {"QueryLanguage": "JSONata"}, Fails(QUERY, ...),
    ),
}  # fmt: skip


@table(MAP)
def test_map(case):
    fields, expected = case
    given = {"a": [1, 2], "b": "b", "m": 1, "waits": [9, 1, 5], "none": [], "deep": {"a": [3]}}
    state = mapping(fields.get("ItemProcessor", block(P=passing())), **{k: v for k, v in fields.items()
                                                                        if k != "ItemProcessor"})  # fmt: skip
    check(one(state).start(given), expected)


def test_map_admits_at_most_max_concurrency():
    state = mapping(block(W={"Type": "Wait", "Seconds": 10, "End": True}), MaxConcurrency=2)
    execution = one(state).start([0] * 5).run()
    started = [item.time for item in execution.transitions if item.kind == "IterationStarted"]
    assert started == [0, 0, 10, 10, 20]


def test_an_inline_map_runs_at_most_forty_iterations_at_once():
    state = mapping(block(W={"Type": "Wait", "Seconds": 10, "End": True}))
    assert one(state).start([0] * 41).run().time == 20
    assert one(state).start([0] * 41, limits=None).run().time == 10


def test_the_iterator_of_old_is_the_item_processor():
    state = {"Type": "Map", "Iterator": block(P=passing(Parameters={"n.$": "$"}))}
    check(one(state).start([1]), [{"n": 1}])


def test_inner_states_do_not_see_the_item_in_the_context():
    state = mapping(block(P=passing(Parameters={"i.$": "$$.Map.Item.Index"})))
    execution = one(state).start([1]).run()
    assert (execution.status, execution.error) == ("FAILED", RUNTIME)


def test_a_failing_branch_fails_the_parallel_with_its_own_error():
    state = parallel(block(F={"Type": "Fail", "Error": "E", "Cause": "why"}),
                     block(W={"Type": "Wait", "Seconds": 9, "End": True}))  # fmt: skip
    execution = one(state).start()
    check(execution, Fails("E", "why", at=0))
    assert execution.time == 0


def test_a_map_that_is_retried_runs_all_its_iterations_again():
    calls = []

    def fails_once(event):
        calls.append(event)
        if event == 2 and calls.count(2) == 1:
            raise KeyError(event)
        return event

    state = mapping(block(T=task()), MaxConcurrency=1, Retry=[{"ErrorEquals": ["KeyError"]}])
    execution = one(state).start([1, 2, 3], tasks={"T": fails_once})
    check(execution, [1, 2, 3])
    assert calls == [1, 2, 1, 2, 3]


def test_what_a_map_read_once_stays_as_it_was():
    state = mapping(block(P=passing()), ItemsPath="$.a", ResultPath="$.a")
    check(one(state).start({"a": [1, 2]}), {"a": [1, 2]})
