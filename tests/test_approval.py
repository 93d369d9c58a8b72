"""A person is asked, without a browser: what the buttons of an open task do."""

import pytest

import sfnbook
from sfnbook.tasks import failure, result
from tests.machines import activity, callback, one


@pytest.fixture
def asked():
    """An execution that waits for an answer."""
    return one(callback(TimeoutSeconds=9000)).start().run()


@pytest.fixture
def ask(asked):
    """Its view; closed in the end."""
    views = []

    def make(*given, task=None, **named):
        views.append((task or asked.pending[0]).ask(*given, **named))
        return views[-1]

    yield make
    for view in views:
        view.close()


def test_it_shows_what_is_asked_and_until_when(ask):
    view = ask(title="Pay <120>?")
    assert "Pay &lt;120&gt;?" in view.head.value
    assert "now 0 s, until 2 h 30 min" in view.head.value
    assert "QueueUrl" in view.sent.value
    assert "no deadline" in ask(task=one(callback()).start().run().pending[0]).head.value


def test_approve_and_reject(ask, asked):
    fork = asked.fork()
    ask().approve.click()
    assert (asked.status, asked.output) == ("SUCCEEDED", {"approved": True})
    view = ask(task=fork.pending[0])
    view.reject.click()
    assert (fork.status, fork.error) == ("FAILED", "Rejected")
    assert "FAILED at 0 s" in view.told.value
    assert view.reject.disabled


def test_answers_of_ones_own_for_the_buttons(ask, asked):
    ask(approve=result("yes", seconds=60), reject="no").approve.click()
    assert (asked.output, asked.time) == ("yes", 60)
    other = one(callback()).start().run()
    ask(reject="no", task=other.pending[0]).reject.click()
    assert other.output == "no"


def test_an_answer_that_takes_its_time(ask, asked):
    view = ask(reject=failure("No"))
    view.after.value = "3600"
    view.reject.click()
    assert (asked.error, asked.time) == ("No", 3600)
    assert "arrives after 1 h" in view.told.value


def test_any_other_answer(ask, asked):
    view = ask()
    view.field.value = '{"refund": 60}'
    view.other.click()
    assert asked.output == {"refund": 60}


MISTAKES = {
    "no JSON": ("{", "", "Expecting"),
    "nothing": ("", "", "Expecting value"),
    "no number": ("1", "soon", "number of seconds"),
    "the past": ("1", "-1", "number of seconds"),
    "for ever": ("1", "inf", "number of seconds"),
}


@pytest.mark.parametrize("case", MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_told_and_changes_nothing(ask, asked, case):
    typed, after, told = case
    view, length = ask(), asked.cursor
    view.field.value, view.after.value = typed, after
    view.other.click()
    assert told in view.told.value
    assert (asked.cursor, view.field.value) == (length, typed)
    assert not view.other.disabled


def test_a_task_that_is_no_longer_open(ask, asked):
    view = ask()
    asked.advance().run()
    view.approve.click()
    assert "TaskTimedOut" in view.told.value
    assert "no longer open" in view.head.value
    assert view.approve.disabled


def test_what_fails_after_the_answer_is_told(ask):
    states = {"S": {**callback(), "Next": "T"}, "T": {**callback(), "Resource": "arn:aws:states:::sqs:sendMessage",
              "Parameters": {"QueueUrl": "q", "MessageBody": "m"}, "End": True}}  # fmt: skip
    execution = sfnbook.load({"StartAt": "S", "States": states}).start().run()
    view = ask(task=execution.pending[0])
    view.approve.click()
    assert "Nobody answers for the Task" in view.told.value
    assert "Approved" in view.told.value


def test_a_debugger_stays_and_its_view_follows(ask):
    debugger = sfnbook.Debugger(one(callback(TimeoutSeconds=60)))
    debugger.run()
    view = ask(task=debugger.pending[0])
    view.approve.click()
    assert (debugger.status, debugger.transition.kind) == ("RUNNING", "Answered")
    other = ask(task=sfnbook.Debugger.of(debugger.machine, one(callback()).start().run()).pending[0])
    assert "no deadline" in other.head.value
    debugger.goto(4)
    again = ask(task=debugger.pending[0])
    debugger.pending[0].fail("Elsewhere")
    assert again.approve.disabled
    assert "no longer open" in again.head.value


def test_an_activity_task_that_nobody_took_is_answered_too(ask):
    execution = one(activity()).start().run()
    ask(task=execution.pending[0]).approve.click()
    assert execution.output == {"approved": True}


def test_outside_of_a_notebook_it_is_text(asked):
    assert asked.pending[0]._repr_mimebundle_() == {"text/plain": "<Pending S until 2 h 30 min>"}
