"""StateMachine: loading, describing, displaying, and the mistakes that people make when they start one."""

from __future__ import annotations

import json
import pickle

import pytest

import sfnbook

ONE = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
TASK = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    },
}
DESCRIBED = {
    "stateMachineArn": "arn:aws:states:eu-west-1:999999999999:stateMachine:orders",
    "name": "orders",
    "type": "EXPRESS",
    "roleArn": "arn:aws:iam::999999999999:role/r",
    "definition": json.dumps(ONE),
}

MISTAKES = {
    "no such workflow type": (lambda: sfnbook.load(ONE).start(type="FAST"), "STANDARD or EXPRESS"),
    "a seed that is no number": (lambda: sfnbook.load(ONE).start(seed="x"), "whole number"),
    "limits that are none": (lambda: sfnbook.load(ONE).start(limits=5), "AWS_LIMITS"),
    "substitutions that are no dict": (lambda: sfnbook.load(ONE, substitutions=3), "give a dict"),
    "a machine that is not loaded": (lambda: sfnbook.load(ONE).start(machines={"B": ONE}), "load it first"),
    "a start that is no instant": (lambda: sfnbook.load(ONE).start(start_time="noon"), "no instant"),
    "an input that is no JSON": (lambda: sfnbook.load(ONE).start({1, 2}), "The input is not JSON"),
    "an input over the quota": (lambda: sfnbook.load(ONE).start("x" * 300_000), "limits=None lifts"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_says_how_to_mend_it(mistake):
    do, words = mistake
    with pytest.raises(sfnbook.UsageError, match=words):
        do()


def test_text_that_is_no_json_is_not_quoted_back():
    with pytest.raises(sfnbook.DefinitionError) as refused:
        sfnbook.load('{"StartAt": 1,, "a very long definition": 1}')
    assert "a very long definition" not in str(refused.value)
    assert "(line 1, column 15)" in str(refused.value)


def test_what_aws_describes_keeps_its_name_type_and_arns():
    execution = sfnbook.load(DESCRIBED).start()
    assert execution.arn.startswith("arn:aws:states:eu-west-1:999999999999:express:orders:")
    (started, *_) = execution.run().history()
    assert started["executionStartedEventDetails"]["roleArn"] == DESCRIBED["roleArn"]


def test_an_express_workflow_has_no_callbacks():
    with pytest.raises(sfnbook.DefinitionError, match="waitForTaskToken"):
        sfnbook.load(TASK).start(type="EXPRESS")


def test_it_pickles_and_compares_by_name_and_definition():
    machine = sfnbook.load(ONE, name="m")
    machine.start().run()
    assert pickle.loads(pickle.dumps(machine)) == machine
    assert machine != sfnbook.load(TASK, name="m")


def test_its_source_is_a_copy():
    machine = sfnbook.load(ONE)
    machine.source["States"].clear()
    assert list(machine.source["States"]) == ["A"]


def test_it_displays_itself_as_text_and_picture():
    bundle = sfnbook.load(ONE, name="m")._repr_mimebundle_()
    assert bundle["text/plain"] == "<StateMachine 'm': 1 states, starts at 'A'>"
    assert bundle["image/svg+xml"].startswith("<svg")
