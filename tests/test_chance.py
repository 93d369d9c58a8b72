"""Randomness as a function of place and purpose: the same bits for the same place, others elsewhere."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import chance
from sfnbook.tasks import failure, sequence
from tests.machines import block, load, one, task

bits = st.integers(0, chance.MASK)

# The reference outputs of SplitMix64 for the seed 1234567.
REFERENCE = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]


def test_mix_is_splitmix64():
    gamma = 0x9E3779B97F4A7C15
    assert [chance.mix((1234567 + gamma * n) & chance.MASK) for n in range(4)] == REFERENCE


@given(bits)
def test_mix_stays_within_64_bits(value):
    assert 0 <= chance.mix(value) <= chance.MASK


@given(bits)
def test_fraction_is_in_the_half_open_unit_interval(value):
    assert 0 <= chance.fraction(value) < 1


@given(st.lists(bits, min_size=1, max_size=5), bits)
def test_combine_depends_on_every_part(parts, other):
    changed = [other, *parts[1:]]
    assert (chance.combine(*parts) == chance.combine(*changed)) is (other == parts[0])


@given(bits)
def test_uuid_text_is_a_version_4_uuid(value):
    text = chance.uuid_text(value)
    assert str(uuid.UUID(text)) == text
    assert uuid.UUID(text).version == 4
    assert uuid.UUID(text).variant == uuid.RFC_4122


@given(st.text(), st.text())
def test_digest_tells_texts_apart(one_text, other):
    assert (chance.digest(one_text) == chance.digest(other)) is (one_text == other)


def test_digest_does_not_depend_on_the_process():
    assert chance.digest("jitter") == 0x83FF164A2DB12211


# --- in an execution ---------------------------------------------------------------------------------------
DRAWS = {
    "States.UUID": {"Type": "Pass", "Parameters": {"v.$": "States.UUID()"}},
    "States.MathRandom": {"Type": "Pass", "Parameters": {"v.$": "States.MathRandom(0, 1000000000)"}},
    "$uuid": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"v": "{% $uuid() %}"}},
    "$random": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"v": "{% $random() %}"}},
}


@pytest.mark.parametrize("state", DRAWS.values(), ids=list(DRAWS))
def test_the_same_seed_draws_the_same_and_another_one_does_not(state):
    machine = one(state)
    drawn = [machine.start(seed=seed).result()["v"] for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


@pytest.mark.parametrize("state", DRAWS.values(), ids=list(DRAWS))
def test_each_iteration_draws_its_own(state):
    inner = {**state, "End": True}
    machine = load({"M": {"Type": "Map", "ItemProcessor": block(P=inner), "End": True}})
    drawn = [item["v"] for item in machine.start([0] * 20).result()]
    assert len(set(drawn)) == 20


def test_two_draws_of_one_expression_differ():
    machine = one({"Type": "Pass", "QueryLanguage": "JSONata", "Output": ["{% $uuid() %}", "{% $uuid() %}",
                   "{% $random() %}", "{% $random() %}"]})  # fmt: skip
    assert len(set(machine.start().result())) == 4


def test_each_visit_of_a_loop_draws_its_own():
    states = {
        "A": {"Type": "Pass", "Parameters": {"ids.$": "States.Array($.ids, States.UUID())"}, "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.ids[0][0][0]", "IsPresent": True, "Next": "Z"}],
              "Default": "A"},
        "Z": {"Type": "Succeed"},
    }  # fmt: skip
    text = str(load(states).start({"ids": 0}).result())
    found = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", text)
    assert len(found) == len(set(found)) >= 3


def test_a_retry_draws_again():
    state = task(Parameters={"id.$": "States.UUID()"}, Retry=[{"ErrorEquals": ["E"]}])
    execution = one(state).start(tasks={"S": sequence(failure("E"), failure("E"), 1)}).run()
    sent = [
        item.data_flow["afterParameters"]["id"]
        for item in execution.transitions
        if item.kind == "TaskScheduled"
    ]
    assert len(set(sent)) == 3


def test_a_draw_does_not_depend_on_what_others_did():
    slow = {"Type": "Wait", "Seconds": 5, "Next": "P"}
    drawing = {"Type": "Pass", "Parameters": {"v.$": "States.UUID()"}, "End": True}
    alone = load({"S": {"Type": "Parallel", "Branches": [block(W=slow, P=drawing)], "End": True}})
    beside = load(
        {"S": {"Type": "Parallel", "Branches": [block(W=slow, P=drawing), block(Q=drawing)], "End": True}}
    )
    assert alone.start().result()[0] == beside.start().result()[0]


def test_going_back_and_on_again_draws_the_same():
    execution = one({"Type": "Pass", "Parameters": {"v.$": "States.UUID()"}}).start().run()
    first = execution.output
    execution.back()
    execution.back()
    execution.edit_input({"edited": True})
    assert execution.run().output == first


def test_the_seed_names_the_execution():
    machine = one({"Type": "Succeed"})
    assert machine.start(seed=1).name == machine.start(seed=1).name != machine.start(seed=2).name
