"""Who answers for a Task: the keys, the words, functions as Lambda handlers, backends, resources."""

# Handlers have the parameters that Lambda gives them, used or not.
# ruff: noqa: ARG002, ARG005

import ast
import copy
import decimal
import functools
import json
import pickle
import re
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.definition import Task
from sfnbook.errors import SfnbookError, UnansweredTask, UsageError
from sfnbook.tasks import Call, Outcome, attempts, failure, never, result, sequence
from sfnbook.tasks.answers import TaskRef, compile_answers, literal, task_ref
from sfnbook.tasks.functions import LambdaContext, takes_context
from sfnbook.tasks.protocol import TaskFailure, failed, spelled, succeeded
from sfnbook.tasks.resources import (
    error_prefix,
    function_name,
    parameters_for_api,
    parse_resource,
)
from tests.naming import named

SHARED = (Path(__file__).resolve().parents[1] / "../shared").resolve()

PAY = "arn:aws:lambda:eu-west-1:123456789012:function:pay"
INVOKE = "arn:aws:states:::lambda:invoke"
INVOKE_TOKEN = "arn:aws:states:::lambda:invoke.waitForTaskToken"
SDK_INVOKE = "arn:aws:states:::aws-sdk:lambda:invoke"
SEND = "arn:aws:states:::sqs:sendMessage"

CHARGE = TaskRef("Orders.Charge", "Charge", INVOKE, "charge-card")
TELL = TaskRef("Tell", "Tell", "arn:aws:states:::sns:publish", None)
REFUND = TaskRef("Refund", "Refund", PAY, "pay")


def a_call(resource=PAY, value=None, **fields):
    fields = {"context": {"Execution": {"Id": "arn:aws:states:eu-west-1:7:execution:m:x"}}} | fields
    return Call("Orders[3].Charge", "Charge", resource, {} if value is None else value, **fields)


def answered(tasks, call=None, ref=REFUND):
    """What `tasks` answers for one Task."""
    answers = compile_answers(tasks, [ref])
    return answers.perform(answers.find(ref), call or a_call(ref.resource))


def double(event):
    return event["n"] * 2


class Shop:
    """A backend that a pickle can name."""

    def __init__(self, outcome=None):
        self.outcome, self.calls = outcome, []

    def call(self, call):
        self.calls.append(call)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


# ---------------------------------------------------------------- keys

SPECIFIC = ["Orders.Charge", "Charge", INVOKE, "charge-card", "*"]


@pytest.mark.parametrize("key", SPECIFIC)
def test_each_kind_of_key_finds_the_task(key):
    assert compile_answers({key: {"Payload": 1}}, [CHARGE]).find(CHARGE).key == key


@given(st.permutations(SPECIFIC).flatmap(lambda keys: st.integers(1, 5).map(lambda n: keys[:n])))
def test_the_most_specific_key_wins_in_any_order(keys):
    answers = compile_answers({key: failure(key) for key in keys}, [CHARGE])
    answer = answers.find(CHARGE)
    assert answer.key == min(keys, key=SPECIFIC.index)
    assert answers.perform(answer, a_call(INVOKE)).error == answer.key


def test_a_task_without_a_function_name_is_not_found_by_none():
    assert compile_answers({"Tell": 1}, [TELL, CHARGE]).find(CHARGE) is None


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("Chrage", "'Charge'"),
        ("Orders[3].Charge", "'Orders.Charge'"),
        ("charge_card", "'charge-card'"),
        ("arn:aws:states:::lambda:invok", repr(INVOKE)),
        ("Zzz", "The Tasks are: 'Orders.Charge', 'Tell'."),
        (7, "The Tasks are"),
        (None, "The Tasks are"),
    ],
    ids=named,
)
def test_a_key_that_matches_no_task_names_the_nearest(key, advice):
    with pytest.raises(UsageError, match=re.escape(f"tasks[{key!r}] matches no Task.")) as raised:
        compile_answers({key: 1}, [CHARGE, TELL])
    assert advice in str(raised.value)


def test_every_task_may_be_none_at_all():
    assert compile_answers({"*": 1}, []).unanswered([]) == []


@pytest.mark.parametrize("tasks", [None, {}], ids=named)
def test_nobody_answers(tasks):
    answers = compile_answers(tasks, [CHARGE, TELL])
    assert answers.find(CHARGE) is None
    assert answers.unanswered([CHARGE, TELL]) == ["Orders.Charge", "Tell"]


@pytest.mark.parametrize(
    "whole", [lambda event: {"n": 1}, Shop(succeeded({"Payload": 1}))], ids=["f", "backend"]
)
def test_a_function_or_backend_as_the_whole_answers_for_every_task(whole):
    answers = compile_answers(whole, [CHARGE, TELL])
    assert answers.unanswered([CHARGE, TELL]) == []


@pytest.mark.parametrize("whole", [[1], 3, "Charge", result(1), attempts(1)], ids=named)
def test_anything_else_as_the_whole_is_refused(whole):
    with pytest.raises(UsageError, match="tasks is a mapping"):
        compile_answers(whole, [REFUND])


# ---------------------------------------------------------------- values

VALUES = [{"a": [1]}, "text", 0, 1.5, True, None, {}]


@pytest.mark.parametrize("value", VALUES, ids=named)
def test_a_plain_value_is_the_result(value):
    assert answered({"Refund": value}) == Outcome(value)


def test_values_are_private_copies():
    value = {"a": [1]}
    answers = compile_answers({"Refund": value, "*": result(value)}, [REFUND, TELL])
    value["a"].append(2)
    for ref in (REFUND, TELL):
        assert answers.perform(answers.find(ref), a_call()).result == {"a": [1]}


@pytest.mark.parametrize(
    "value", [{1, 2}, float("nan"), {"a": object()}, {"Payload": result(1)}, b"", result({1})], ids=named
)
def test_a_mock_that_is_not_json_is_refused_at_the_start(value):
    with pytest.raises(UsageError, match=r"tasks\['Refund'\] is not JSON"):
        compile_answers({"Refund": value}, [REFUND])


@pytest.mark.parametrize("value", [[1, {"a": 2}], (1, {"a": 2}), attempts([1, {"a": 2}])], ids=named)
def test_a_bare_list_is_refused_with_both_spellings(value):
    with pytest.raises(UsageError) as raised:
        compile_answers({"Refund": value}, [REFUND])
    assert "result([1, {'a': 2}])" in str(raised.value)
    assert "attempts(1, {'a': 2})" in str(raised.value)


def test_a_list_is_a_result_in_result():
    assert answered({"Refund": result([1, 2])}).result == [1, 2]


@pytest.mark.parametrize("wrong", [ValueError, ValueError("x"), attempts(1, ValueError)], ids=named)
def test_an_exception_is_not_an_answer(wrong):
    with pytest.raises(UsageError, match=re.escape("failure('ValueError')")):
        compile_answers({"Refund": wrong}, [REFUND])


def test_json_text_gets_a_warning():
    with pytest.warns(UserWarning, match=r"json\.loads"):
        assert answered({"Refund": '{"a": 1}'}).result == '{"a": 1}'


@pytest.mark.parametrize("value", ["{not json", "[1]", "3", "{"], ids=named)
def test_other_text_gets_none(value):
    assert answered({"Refund": value}).result == value


# ---------------------------------------------------------------- lambda:invoke wants its Payload


@pytest.mark.parametrize(
    ("value", "wrapped"),
    [
        ({"ok": True}, "{'ok': True}"),
        (3, "3"),
        (None, "None"),
        (result("x"), "'x'"),
        (attempts(failure("E"), {"ok": 1}), "{'ok': 1}"),
        (sequence({"Payload": 1}, attempts(1)), "1"),
        (succeeded([1]), "[1]"),
    ],
    ids=named,
)
def test_a_response_without_payload_is_refused_with_the_wrapped_form(value, wrapped):
    with pytest.raises(UsageError) as raised:
        compile_answers({"Charge": value}, [CHARGE])
    paste = str(raised.value).split("\n\n")[1].strip()
    assert paste == f'{{"Payload": {wrapped}}}'
    assert compile_answers({"Charge": ast.literal_eval(paste)}, [CHARGE]).find(CHARGE)


@pytest.mark.parametrize(
    ("value", "resource"),
    [
        ({"Payload": 1}, INVOKE),
        (failure("E"), INVOKE),
        (never(), INVOKE),
        (failed("E"), INVOKE),
        ({"approved": True}, INVOKE_TOKEN),
        ({"approved": True}, PAY),
        ({"StatusCode": 200}, SDK_INVOKE),
        ({"ok": 1}, "${ChargeFunctionArn}"),
    ],
    ids=named,
)
def test_what_needs_no_payload(value, resource):
    ref = CHARGE._replace(resource=resource)
    assert compile_answers({"Charge": value}, [ref]).find(ref).key == "Charge"


def test_only_the_tasks_that_an_answer_answers_for_matter():
    tasks = {"*": {"ok": True}, "Charge": {"Payload": 1}}
    assert compile_answers(tasks, [CHARGE, TELL]).unanswered([CHARGE, TELL]) == []
    with pytest.raises(UsageError, match=r"tasks\['\*'\] answers for 'Orders\.Charge'"):
        compile_answers({"*": {"ok": True}}, [CHARGE, TELL])


def test_a_long_value_is_not_repeated():
    with pytest.raises(UsageError) as raised:
        compile_answers({"Charge": {"text": "x" * 5000}}, [CHARGE])
    assert '{"Payload": ...}' in str(raised.value)


# ---------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("answer", "calls", "expected"),
    [
        (attempts("a", "b"), [(1, 0), (2, 1), (3, 2), (1, 3)], ["a", "b", "b", "a"]),
        (sequence("a", "b"), [(1, 0), (2, 1), (1, 2)], ["a", "b", "b"]),
        (attempts(sequence("a", "b"), "c"), [(1, 0), (2, 1), (1, 2)], ["a", "c", "b"]),
        (sequence(attempts("a", "b"), "c"), [(1, 0), (2, 1)], ["a", "c"]),
        (attempts(lambda event: "f", "b"), [(1, 0), (2, 1)], ["f", "b"]),
        (attempts(Shop(succeeded("s"))), [(9, 0)], ["s"]),
    ],
    ids=named,
)
def test_attempts_and_sequence_choose_and_the_last_repeats(answer, calls, expected):
    got = [answered({"*": answer}, a_call(attempt=attempt, count=count)) for attempt, count in calls]
    assert [outcome.result for outcome in got] == expected


@given(st.lists(st.integers(), min_size=1), st.integers(1, 30))
def test_attempts_law(values, attempt):
    outcome = answered({"*": attempts(*values)}, a_call(attempt=attempt))
    assert outcome.result == (values + values[-1:] * 30)[attempt - 1]


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (1, False),
        (double, False),
        (attempts(1, 2), False),
        (sequence(1, 2), True),
        (attempts(1, sequence(1)), True),
        (Shop(), True),
    ],
    ids=["value", "function", "attempts", "sequence", "nested", "backend"],
)
def test_who_needs_the_count(answer, counted):
    assert compile_answers({"*": answer}, [REFUND]).find(REFUND).counted is counted


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (result(1, seconds=5), Outcome(1, seconds=5)),
        (result(1, 60, [40, 20]), Outcome(1, seconds=60, heartbeats=(20, 40))),
        (failure("E"), Outcome(error="E", cause="", failed=True)),
        (failure("E", "why", seconds=2), Outcome(error="E", cause="why", failed=True, seconds=2)),
        (failure(None, None), Outcome(failed=True)),
        (never(), Outcome(never=True)),
        (Outcome(1, seconds=3), Outcome(1, seconds=3)),
        (Outcome(never=True, heartbeats=(5, 9)), Outcome(never=True, heartbeats=(5, 9))),
    ],
    ids=named,
)
def test_what_the_words_mean(answer, outcome):
    assert answered({"*": answer}) == outcome


@pytest.mark.parametrize(
    "answer",
    [
        result({"a": [1, None]}),
        result("it's", seconds=1.5, heartbeats=(1,)),
        failure("E"),
        failure("E", "a 'cause'\n", seconds=3),
        failure(None, None),
        attempts(failure("E"), {"ok": True}, lambda event: 1, double),
        sequence(1, attempts(2), never()),
    ],
    ids=named,
)
def test_reprs_are_python(answer):
    words = {"result": result, "failure": failure, "attempts": attempts, "sequence": sequence, "never": never}
    tree = ast.parse(repr(answer), mode="eval")
    if "lambda" not in repr(answer):
        assert eval(compile(tree, "repr", "eval"), words) == answer  # our own text, in a test
    assert isinstance(tree.body, ast.Call)


@pytest.mark.parametrize("answer", [result(1), failure("E"), never(), attempts(1), sequence(1)], ids=named)
def test_answers_are_frozen(answer):
    with pytest.raises((AttributeError, TypeError)):
        answer.seconds = 3


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (lambda: result(1, seconds=-1), "not negative"),
        (lambda: result(1, seconds=float("inf")), "finite"),
        (lambda: result(1, seconds="5"), "numbers"),
        (lambda: result(1, seconds=5, heartbeats=3), "numbers"),
        (lambda: result(1, seconds=5, heartbeats=["a"]), "numbers"),
        (lambda: result(1, heartbeats=[20, 40]), "give seconds="),
        (lambda: failure(ValueError), "'ValueError'"),
        (lambda: failure(ValueError("x")), "'ValueError'"),
        (lambda: failure(404), "text"),
        (lambda: failure("E", {"a": 1}), r"json\.dumps"),
        (lambda: failed("E", seconds=-2), "not negative"),
        (lambda: TaskFailure("E", {"a": 1}), r"json\.dumps"),
        (attempts, "at least one"),
        (sequence, "at least one"),
    ],
)
def test_wrong_words_are_refused_where_they_are_written(make, advice):
    with pytest.raises(UsageError, match=advice):
        make()


# ---------------------------------------------------------------- functions


def second_without_default(event, second):
    return second


def second_named_context(event, context=None):
    return context


def second_with_default(event, retries=3):
    return retries


class Handler:
    def __call__(self, event, context):
        return context

    def method(self, event, context):
        return context


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (second_without_default, True),
        (second_named_context, True),
        (second_with_default, False),
        (double, False),
        (lambda *args: 1, False),
        (lambda event, *, context=None: 1, False),
        (Handler(), True),
        (Handler().method, True),
        (functools.partial(second_with_default, retries=4), False),
        (functools.wraps(second_without_default)(lambda *args: 1), True),
        (len, False),
        (dict, False),
        (Mock(return_value=1), False),
    ],
    ids=named,
)
def test_who_gets_the_context(function, expected):
    assert takes_context(function) is expected


@pytest.mark.parametrize("function", [dict, lambda event: event, Mock(side_effect=dict)], ids=named)
def test_callables_without_a_second_parameter_get_the_event(function):
    assert answered({"*": function}, a_call(PAY, {"n": 1})).result == {"n": 1}


def test_the_context_has_the_fields_of_aws_and_our_own():
    seen = []
    call = a_call(
        INVOKE,
        {"FunctionName": "charge:live", "Payload": {}},
        attempt=2,
        time=7.5,
        token="T",
        remaining=2.5,
        context={
            "Execution": {"Id": "x"},
            "StateMachine": {"Id": "arn:aws-cn:states:cn-north-1:7:stateMachine:m"},
            "State": {"EnteredTime": "2025-02-03T04:05:06Z"},
        },
    )
    answered({"*": lambda event, context: seen.append(context)}, call)
    context = seen[0]
    assert (context.function_name, context.function_version) == ("charge", "$LATEST")
    assert context.invoked_function_arn == "arn:aws-cn:lambda:cn-north-1:7:function:charge"
    assert context.memory_limit_in_mb == "128"
    assert context.log_group_name == "/aws/lambda/charge"
    assert re.fullmatch(r"2025/02/03/\[\$LATEST\][0-9a-f]{32}", context.log_stream_name)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", context.aws_request_id)
    assert context.get_remaining_time_in_millis() == 2500
    assert (context.state, context.path, context.resource) == ("Charge", "Orders[3].Charge", INVOKE)
    assert (context.attempt, context.time, context.token) == (2, 7.5, "T")


@pytest.mark.parametrize(
    ("call", "arn"),
    [
        (a_call(PAY + ":live"), PAY + ":live"),
        (a_call(INVOKE, {"FunctionName": PAY}), PAY),
        (a_call(SEND), "arn:aws:lambda:us-east-1:123456789012:function:Charge"),
    ],
)
def test_the_arn_in_the_context(call, arn):
    assert LambdaContext(call).invoked_function_arn == arn


@pytest.mark.parametrize(
    ("remaining", "milliseconds"), [(None, 900_000), (5000, 900_000), (1.2345, 1234), (-1, 0)]
)
def test_the_remaining_time(remaining, milliseconds):
    assert LambdaContext(a_call(remaining=remaining)).get_remaining_time_in_millis() == milliseconds


class CardDeclinedError(Exception):
    pass


class BrokenTextError(Exception):
    def __str__(self):
        raise ValueError


def raising(problem):
    def handler(event):
        raise problem

    return handler


@pytest.mark.parametrize(
    ("problem", "error", "message"),
    [
        (CardDeclinedError("no funds"), "CardDeclinedError", "no funds"),
        (CardDeclinedError(), "CardDeclinedError", ""),
        (KeyError("orderId"), "KeyError", "'orderId'"),
        (UsageError("mine"), "UsageError", "mine"),
        (RecursionError("deep"), "RecursionError", "deep"),
        (BrokenTextError(), "BrokenTextError", ""),
    ],
    ids=lambda part: type(part).__name__,
)
def test_an_exception_is_a_lambda_failure(problem, error, message):
    outcome = answered({"*": raising(problem)}, a_call(INVOKE, {"FunctionName": "f"}))
    assert (outcome.failed, outcome.error, outcome.result) == (True, error, None)
    cause = json.loads(outcome.cause)
    assert list(cause) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (cause["errorMessage"], cause["errorType"]) == (message, error)
    assert outcome.cause == json.dumps(cause, separators=(",", ":"), ensure_ascii=False)
    (frame,) = cause["stackTrace"]
    assert frame.startswith(f'  File "{__file__}", line ')
    assert frame.endswith(", in handler\n    raise problem\n")
    assert outcome.traceback.startswith("Traceback (most recent call last):")
    assert "in handler" in outcome.traceback
    assert "call_function" not in outcome.traceback


def test_the_request_id_is_the_same_for_the_same_call_only():
    first, again = (answered({"*": raising(KeyError("a"))}, a_call(attempt=1)) for _ in range(2))
    other = answered({"*": raising(KeyError("a"))}, a_call(attempt=2))
    assert first.cause == again.cause != other.cause


def test_a_wrong_signature_is_a_failure_too():
    outcome = answered({"*": lambda: 1})
    assert outcome.error == "TypeError"
    assert json.loads(outcome.cause)["stackTrace"] == []


@pytest.mark.parametrize("cause", ["", "no funds"])
def test_task_failure_fails_with_exactly_this(cause):
    outcome = answered({"*": raising(TaskFailure("Card.Declined", cause))})
    assert outcome._replace(traceback=None) == Outcome(error="Card.Declined", cause=cause, failed=True)


def test_task_failure_pickles():
    again = pickle.loads(pickle.dumps(TaskFailure("E", "c")))
    assert (again.error, again.cause, str(again)) == ("E", "c", "E: c")


@pytest.mark.parametrize("problem", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("wrap", [raising, Shop], ids=["function", "backend"])
def test_interrupts_pass_through(problem, wrap):
    with pytest.raises(problem):
        answered({"*": wrap(problem())})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1}, "Object of type set is not JSON serializable"),
        ({"a": object()}, "Object of type object is not JSON serializable"),
        ({(1, 2): 3}, "keys must be str, int, float, bool or None, not tuple"),
        (result({1}, seconds=4), "Object of type set is not JSON serializable"),
        (attempts(1), "Object of type Attempts is not JSON serializable"),
    ],
    ids=named,
)
def test_a_return_value_that_is_not_json(value, message):
    outcome = answered({"*": lambda event: value})
    assert outcome.error == "Runtime.MarshalError"
    cause = json.loads(outcome.cause)
    assert cause["errorMessage"] == f"Unable to marshal response: {message}"
    assert (cause["errorType"], cause["stackTrace"]) == ("Runtime.MarshalError", [])


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"orders": [1, {"when": datetime.now(tz=UTC)}]}, "/orders/1/when of what was returned"),
        ({"a/b": {"total": decimal.Decimal("NaN")}}, "/a~1b/total of what was returned"),
        ({"price": decimal.Decimal("1.5"), "tags": {"x"}}, "/tags of what was returned"),
        ({"digits": 10**5000}, "/digits of what was returned"),
        ({"a": {(1, 2): 3}}, "/a of what was returned"),
        (object(), "what was returned"),
    ],
    ids=["datetime", "NaN", "set", "huge", "key", "whole"],
)
def test_why_says_where_a_return_value_is_not_json(value, place):
    outcome = answered({"*": lambda event: value})
    assert outcome.error == "Runtime.MarshalError"
    assert outcome.why.startswith(f"{place} is not JSON: ")


def test_a_cycle_and_great_depth_are_told_too():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value, place in (({"a": looped()}, "/a/0 of what was returned"), (deep, "what was returned")):
        assert answered({"*": lambda event, value=value: value}).why.startswith(place)


def looped():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value", [float("nan"), decimal.Decimal("NaN"), decimal.Decimal("Infinity"), looped()], ids=named
)
def test_numbers_and_loops_that_json_has_not(value):
    assert answered({"*": lambda event: value}).error == "Runtime.MarshalError"


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ((1, 2), [1, 2]),
        ({1: "a"}, {"1": "a"}),
        (decimal.Decimal("1.50"), 1.5),
        (decimal.Decimal(7), 7),
        (None, None),
    ],
    ids=named,
)
def test_return_values_become_json_as_in_lambda(value, seen):
    assert answered({"*": lambda event: value}).result == seen


@pytest.mark.parametrize("resource", [PAY, INVOKE, SEND, SDK_INVOKE])
def test_a_function_cannot_reach_the_payload(resource):
    def spoil(event):
        event.clear()
        event["Payload"] = "spoilt"
        return event

    sent = {"FunctionName": "f", "Payload": {"items": [1]}}
    before = copy.deepcopy(sent)
    answered({"*": spoil}, a_call(resource, sent))
    assert sent == before


def test_a_function_cannot_reach_its_result_later():
    kept = {"n": 1}
    outcome = answered({"*": lambda event: kept})
    kept["n"] = 2
    assert outcome.result == {"n": 1}


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (result(5, seconds=9, heartbeats=[3]), Outcome(5, seconds=9, heartbeats=(3,))),
        (failure("E", "c", seconds=9), Outcome(error="E", cause="c", failed=True, seconds=9)),
        (never(), Outcome(never=True)),
        (succeeded(5, 2), Outcome(5, seconds=2)),
    ],
    ids=named,
)
def test_a_function_may_return_an_answer(returned, expected):
    assert answered({"*": lambda event: returned}) == expected


def test_an_async_function_is_refused():
    async def handler(event):
        return 1

    with pytest.raises(UsageError, match="async"):
        compile_answers({"*": handler}, [REFUND])


# ---------------------------------------------------------------- integrations


@pytest.mark.parametrize(
    ("resource", "sent", "event"),
    [
        (PAY, {"n": 1}, {"n": 1}),
        (PAY, "text", "text"),
        ("${PayArn}", {"n": 1}, {"n": 1}),
        (INVOKE, {"FunctionName": "f", "Payload": {"n": 1}}, {"n": 1}),
        (INVOKE, {"FunctionName": "f"}, {}),
        (INVOKE, {"FunctionName": "f", "Payload": None}, {}),
        (INVOKE, {"FunctionName": "f", "Payload": 0}, 0),
        (INVOKE_TOKEN, {"FunctionName": "f", "Payload": {"n": 1}}, {"n": 1}),
        (SDK_INVOKE, {"FunctionName": "f", "Payload": '{"n":1}'}, {"n": 1}),
        (SDK_INVOKE, {"FunctionName": "f", "Payload": "not json"}, "not json"),
        (SDK_INVOKE, {"FunctionName": "f"}, {}),
        (SEND, {"MessageBody": {"n": 1}, "QueueUrl": "q"}, {"MessageBody": {"n": 1}, "QueueUrl": "q"}),
        ("arn:aws:states:eu-west-1:7:activity:Pack", {"n": 1}, {"n": 1}),
    ],
)
def test_the_event_of_each_integration(resource, sent, event):
    seen = []
    answered({"*": seen.append}, a_call(resource, sent))
    assert seen == [event]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (PAY, {"n": 1}),
        (INVOKE_TOKEN, {"n": 1}),
        (SEND, {"n": 1}),
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", {"n": 1}),
        (SDK_INVOKE, {"ExecutedVersion": "$LATEST", "Payload": '{"n":1}', "StatusCode": 200}),
    ],
)
def test_the_result_of_each_integration(resource, expected):
    assert answered({"*": lambda event: {"n": 1}}, a_call(resource)).result == expected


@pytest.mark.parametrize("returned", [{"n": 1}, None, "", [1]], ids=named)
def test_lambda_invoke_has_the_recorded_response(returned):
    outcome = answered(
        {"*": lambda event: result(returned, seconds=3)}, a_call(INVOKE, {"FunctionName": "f"})
    )
    response = outcome.result
    assert outcome.seconds == 3
    assert set(response) == {
        "ExecutedVersion",
        "Payload",
        "SdkHttpMetadata",
        "SdkResponseMetadata",
        "StatusCode",
    }
    assert (response["ExecutedVersion"], response["Payload"], response["StatusCode"]) == (
        "$LATEST",
        returned,
        200,
    )
    http = response["SdkHttpMetadata"]
    assert set(http) == {"AllHttpHeaders", "HttpHeaders", "HttpStatusCode"}
    assert http["HttpHeaders"]["x-amzn-RequestId"] == response["SdkResponseMetadata"]["RequestId"]
    assert http["HttpHeaders"]["Content-Length"] == str(len(json.dumps(returned, separators=(",", ":"))))


def test_an_asynchronous_invocation_has_no_payload():
    sent = {"FunctionName": "f", "InvocationType": "Event", "Payload": {"n": 1}}
    response = answered({"*": lambda event: {"n": 1}}, a_call(INVOKE, sent)).result
    assert (response["StatusCode"], response["Payload"]) == (202, "")
    assert "ExecutedVersion" not in response


# ---------------------------------------------------------------- backends


def test_a_backend_gets_the_call_and_its_own_copies():
    shop = Shop(succeeded({"ok": True}, seconds=2))
    call = a_call(SEND, {"MessageBody": {"n": 1}}, attempt=2, visit=3, count=4, token="T", remaining=9)
    assert answered({"*": shop}, call, TELL) == Outcome({"ok": True}, seconds=2)
    (seen,) = shop.calls
    assert seen == call
    seen.input["MessageBody"]["n"] = 2
    seen.context.clear()
    assert call.input == {"MessageBody": {"n": 1}}
    assert call.context


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (result(1), Outcome(1)),
        (failure("E"), Outcome(error="E", cause="", failed=True)),
        (never(), Outcome(never=True)),
        (TaskFailure("E", "c"), Outcome(error="E", cause="c", failed=True)),
    ],
    ids=named,
)
def test_what_else_a_backend_may_do(returned, expected):
    assert answered(Shop(returned))._replace(traceback=None) == expected


def test_a_broken_backend_fails_its_task():
    outcome = answered(Shop(KeyError("a")))
    assert (outcome.failed, outcome.error) == (True, "KeyError")


@pytest.mark.parametrize("refusal", [UsageError("no"), UnansweredTask("A", "A", "tasks={}")], ids=named)
def test_a_backend_may_refuse(refusal):
    with pytest.raises(SfnbookError) as raised:
        answered(Shop(refusal))
    assert raised.value is refusal


@pytest.mark.parametrize(
    ("returned", "advice"),
    [
        (
            {"ok": True},
            "The backend Shop returned a dict, not an Outcome. Return sfnbook.tasks.result({'ok': True}).",
        ),
        (None, "returned a NoneType"),
        (Outcome({1}), "not JSON"),
        (Outcome(error="E"), "failed=True"),
        (Outcome(failed=True, never=True), "not both"),
        (Outcome(waits=True, failed=True), "set waits alone"),
        (Outcome(waits=True, never=True), "set waits alone"),
        (Outcome(refused=True), "failed=True"),
        (Outcome(submitted={1}), "as submitted is not JSON"),
        (Outcome(1, seconds=-1), "not negative"),
        (Outcome(1, heartbeats=(3,)), "give seconds="),
        (Outcome(error=ValueError, failed=True), "'ValueError'"),
    ],
    ids=named,
)
def test_a_wrong_outcome_is_refused_with_advice(returned, advice):
    with pytest.raises(UsageError, match=re.escape(advice)):
        answered(Shop(returned))


def test_a_backend_class_is_not_a_backend():
    with pytest.raises(UsageError, match=re.escape("Shop()")):
        compile_answers(Shop, [REFUND])


# ---------------------------------------------------------------- pickling


def reloaded(tasks, refs=(REFUND,)):
    return pickle.loads(pickle.dumps(compile_answers(tasks, refs)))


@pytest.mark.parametrize(
    "answer",
    [
        1,
        {"a": 1},
        failure("E"),
        never(),
        attempts(failure("E"), double),
        sequence(1, 2),
        double,
        Shop(),
        Outcome(2),
    ],
    ids=named,
)
def test_what_can_be_pickled_answers_again(answer):
    again = reloaded({"*": answer})
    before = compile_answers({"*": answer}, [REFUND]).find(REFUND)
    after = again.find(REFUND)
    assert (after.key, after.counted) == (before.key, before.counted)
    assert spelled(after.spec).split(" at ")[0] == spelled(before.spec).split(" at ")[0]


def test_a_function_is_pickled_by_reference():
    answers = reloaded({"*": double})
    assert answers.find(REFUND).spec is double
    assert answers.perform(answers.find(REFUND), a_call(PAY, {"n": 4})).result == 8


@pytest.mark.parametrize("answer", [lambda event: 1, attempts(1, lambda event: 1)], ids=["lambda", "inside"])
def test_what_cannot_be_pickled_is_unanswered(answer):
    again = reloaded({"Refund": answer, "*": 5}, [REFUND, TELL])
    assert again.unanswered([REFUND, TELL]) == ["Refund"]
    assert pickle.loads(pickle.dumps(again)).unanswered([REFUND, TELL]) == ["Refund"]


def test_a_function_that_is_gone_leaves_its_task_unanswered(monkeypatch):
    data = pickle.dumps(compile_answers({"*": double}, [REFUND]))
    monkeypatch.delattr(f"{__name__}.double")
    assert pickle.loads(data).find(REFUND) is None


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])
def test_a_copy_keeps_every_function(copying):
    answers = compile_answers({"*": lambda event: 1}, [REFUND])
    assert copying(answers).unanswered([REFUND]) == []


# ---------------------------------------------------------------- what to paste

RESOURCES = {
    PAY: ("lambda", "lambda", "invoke", "request", None, PAY),
    PAY + ":live": ("lambda", "lambda", "invoke", "request", None, PAY + ":live"),
    "arn:aws-cn:states:::lambda:invoke": ("integration", "lambda", "invoke", "request", "lambda", "invoke"),
    INVOKE_TOKEN: ("integration", "lambda", "invoke", "token", "lambda", "invoke.waitForTaskToken"),
    "arn:aws:states:::states:startExecution.sync": (
        *("integration", "states", "startExecution", "sync", "states", "startExecution.sync"),
    ),
    "arn:aws:states:::states:startExecution.sync:2": (
        *("integration", "states", "startExecution", "sync:2", "states", "startExecution.sync:2"),
    ),
    "arn:aws:states:::emr-serverless:startJobRun.sync": (
        *("integration", "emr-serverless", "startJobRun", "sync", "emr-serverless", "startJobRun.sync"),
    ),
    "arn:aws:states:::aws-sdk:dynamodb:getItem": (
        *("sdk", "dynamodb", "getItem", "request", "aws-sdk:dynamodb", "getItem"),
    ),
    "arn:aws:states:::aws-sdk:ecs:runTask.waitForTaskToken": (
        *("sdk", "ecs", "runTask", "token", "aws-sdk:ecs", "runTask.waitForTaskToken"),
    ),
    SDK_INVOKE: ("sdk", "lambda", "invoke", "request", "aws-sdk:lambda", "invoke"),
    "arn:aws:states:::http:invoke": ("http", "http", "invoke", "request", "http", "invoke"),
    "arn:aws:states:eu-west-1:7:activity:Pack": (
        *("activity", "activity", "Pack", "request", None, "arn:aws:states:eu-west-1:7:activity:Pack"),
    ),
    "${ChargeFunctionArn}": ("unknown", "", "", "request", None, "${ChargeFunctionArn}"),
    "arn:aws:states:::sqs:sendMessage.sync:3": (
        *("unknown", "", "", "request", None, "arn:aws:states:::sqs:sendMessage.sync:3"),
    ),
    "arn:aws:states:::aws-sdk:ecs:runTask.sync": (
        *("unknown", "", "", "request", None, "arn:aws:states:::aws-sdk:ecs:runTask.sync"),
    ),
    "": ("unknown", "", "", "request", None, ""),
}


@pytest.mark.parametrize(("arn", "expected"), RESOURCES.items(), ids=RESOURCES)
def test_resources(arn, expected):
    assert parse_resource(arn)[:6] == expected


@given(st.text())
def test_any_text_is_some_resource(arn):
    assert parse_resource(arn).kind in {"lambda", "activity", "integration", "sdk", "http", "unknown"}


EXAMPLES = [
    *RESOURCES,
    SEND,
    *(
        f"arn:aws:states:::{service}"
        for service in ("glue:startJobRun.sync", "ecs:runTask.sync", "events:putEvents")
    ),
    "arn:aws:states:::aws-sdk:s3:listObjectsV2",
    INVOKE,
]


@pytest.mark.parametrize("arn", EXAMPLES)
def test_the_literal_can_be_pasted_and_answers(arn):
    ref = TaskRef("A.Charge", "Charge", arn)
    call = ast.parse(f"f({literal(ref)})", mode="eval").body
    (keyword,) = call.keywords
    assert keyword.arg == "tasks"
    tasks = eval(compile(ast.Expression(keyword.value), "literal", "eval"), {})  # our own text, in a test
    assert not answered(tasks, a_call(arn), ref).failed


@given(st.text(min_size=1))
def test_the_literal_is_python_for_any_name(name):
    call = ast.parse(f"f({literal(TaskRef(name, name, SEND))})", mode="eval").body
    assert [key.value for key in call.keywords[0].value.keys] == [name]


# ---------------------------------------------------------------- resources, the tables


@pytest.mark.parametrize(
    ("arn", "parameters", "name"),
    [
        (PAY, None, "pay"),
        (PAY + ":$LATEST", {"FunctionName": "other"}, "pay"),
        (INVOKE, {"FunctionName": "charge"}, "charge"),
        (INVOKE, {"FunctionName": "charge:live"}, "charge"),
        (INVOKE, {"FunctionName": PAY}, "pay"),
        (INVOKE, {"FunctionName": PAY + ":7"}, "pay"),
        (INVOKE, {"FunctionName": "123456789012:function:pay"}, "pay"),
        (INVOKE, {"FunctionName": "${ChargeFunction}"}, "${ChargeFunction}"),
        (SDK_INVOKE, {"FunctionName": "charge"}, "charge"),
        (INVOKE, {"FunctionName.$": "$.f"}, None),
        (INVOKE, {"FunctionName": "{% $f %}"}, None),
        (INVOKE, "{% $arguments %}", None),
        (INVOKE, {"FunctionName": 3}, None),
        (SEND, {"FunctionName": "charge"}, None),
    ],
)
def test_the_name_of_the_function(arn, parameters, name):
    assert function_name(arn, parameters) == name


@pytest.mark.parametrize("field", ["parameters", "arguments"])
def test_a_reference_is_read_from_a_definition(field):
    given_fields = {field: {"FunctionName": "charge:1"}}
    task = Task(name="Charge", pointer="/States/Charge", resource=INVOKE, end=True, **given_fields)
    assert task_ref("Orders.Charge", task) == TaskRef("Orders.Charge", "Charge", INVOKE, "charge")


@pytest.mark.parametrize(
    ("arn", "prefix"),
    [
        ("arn:aws:states:::dynamodb:getItem", "DynamoDB"),
        ("arn:aws:states:::aws-sdk:dynamodb:getItem", "DynamoDb"),
        ("arn:aws:states:::states:startExecution", "StepFunctions"),
        ("arn:aws:states:::aws-sdk:sfn:sendTaskSuccess", "Sfn"),
        ("arn:aws:states:::aws-sdk:s3:getObject", "S3"),
        ("arn:aws:states:::events:putEvents", "EventBridge"),
        (PAY, "Lambda"),
    ],
)
def test_error_prefixes(arn, prefix):
    assert error_prefix(parse_resource(arn)) == prefix


@pytest.mark.parametrize(
    ("arn", "parameters", "expected"),
    [
        (SEND, {"MessageBody": {"a": 1}}, {"MessageBody": '{"a":1}'}),
        (SEND, {"MessageBody": "as it is"}, {"MessageBody": "as it is"}),
        (SEND, {"QueueUrl": "q"}, {"QueueUrl": "q"}),
        ("arn:aws:states:::sns:publish", {"Message": None}, {"Message": "null"}),
        (
            "arn:aws:states:::events:putEvents",
            {"Entries": [{"Detail": {"a": 1}}, {"Detail": "x"}, {}]},
            {"Entries": [{"Detail": '{"a":1}'}, {"Detail": "x"}, {}]},
        ),
        ("arn:aws:states:::aws-sdk:sqs:sendMessage", {"MessageBody": {"a": 1}}, {"MessageBody": {"a": 1}}),
        (INVOKE, {"Payload": {"a": 1}}, {"Payload": {"a": 1}}),
        (SEND, "text", "text"),
    ],
)
def test_json_becomes_text_where_the_service_wants_text(arn, parameters, expected):
    before = copy.deepcopy(parameters)
    assert parameters_for_api(parse_resource(arn), parameters) == expected
    assert parameters == before


# ---------------------------------------------------------------- what AWS recorded


def recorded():
    """(resources of the machine, event's details) of every recorded service event."""
    for file in sorted((SHARED / "conformance/cases/execution").glob("*/*.json")):
        case = json.loads(file.read_text(encoding="utf-8"))
        resources = {state["Resource"] for state in tasks_in(case.get("definition"))}
        for event in case["expect"].get("events") or ():
            for details in event.values():
                if isinstance(details, dict) and "resourceType" in details:
                    yield resources, details


def tasks_in(value):
    if isinstance(value, dict):
        if value.get("Type") == "Task":
            yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from tasks_in(inner)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded cases are not here")
def test_recorded_resources_and_error_prefixes():
    seen = 0
    for resources, details in recorded():
        parsed = {resource[4:6]: resource for resource in map(parse_resource, resources)}
        resource = parsed[details["resourceType"], details["resource"]]
        error = details.get("error") or ""
        if "." in error and not error.startswith("States."):
            assert error.partition(".")[0] == error_prefix(resource)
        seen += 1
    assert seen > 100
