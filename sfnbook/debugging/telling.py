"""Transitions in words: what happened, as one would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sfnbook.transition import Transition


class Said(NamedTuple):
    """How a kind of transition is told: the words after the state, and the status it looks like."""

    words: str
    status: str


SAID: Final[dict[str, Said]] = {
    "ExecutionStarted": Said("The execution started", "current"),
    "StateEntered": Said("was entered", "current"),
    "TaskScheduled": Said("was scheduled with its arguments", "current"),
    "TaskStarted": Said("started", "current"),
    "TaskSubmitted": Said("was accepted by the service", "waiting"),
    "TaskSucceeded": Said("has its result", "succeeded"),
    "TaskFailed": Said("failed", "failed"),
    "TaskTimedOut": Said("timed out", "failed"),
    "RetryScheduled": Said("will be tried again", "retrying"),
    "Caught": Said("failed and was caught", "caught"),
    "StateExited": Said("was left", "succeeded"),
    "FanOutStarted": Said("started its branches or iterations", "current"),
    "IterationStarted": Said("started", "current"),
    "IterationSucceeded": Said("came to its end", "succeeded"),
    "FanOutSucceeded": Said("has all its results", "succeeded"),
    "FanOutFailed": Said("failed with one of its branches or iterations", "failed"),
    "Aborted": Said("was stopped because another one failed", "cancelled"),
    "ExecutionSucceeded": Said("The execution succeeded", "succeeded"),
    "ExecutionFailed": Said("The execution failed", "failed"),
    "ExecutionTimedOut": Said("The execution timed out", "failed"),
    "ExecutionAborted": Said("The execution was stopped", "aborted"),
    "Redriven": Said("The execution goes on from where it failed", "current"),
    "Edited": Said("was edited by you", "waiting"),
    "Injected": Said("The outcome of coming attempts was changed by you", "waiting"),
    "Answered": Said("was answered by you", "waiting"),
    "Heartbeat": Said("was heard of", "waiting"),
}
"""One entry for each of `frames.KINDS`."""


def sentence(transition: Transition) -> str:
    """What happened, in words, as plain text.

    >>> import sfnbook
    >>> execution = sfnbook.load({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}).start()
    >>> [sentence(transition) for transition in execution][:2]
    ['The execution started', 'A was entered']
    """
    said = SAID[transition.kind]
    whole = said.words.startswith("The ")
    text = said.words if whole else f"{subject(transition)} {said.words}"
    return f"{text}: {transition.error}" if transition.error else text


def subject(transition: Transition) -> str:
    """Whom a transition is about; what people do may be about the whole execution."""
    return str(transition.path or transition.state or "The execution")
