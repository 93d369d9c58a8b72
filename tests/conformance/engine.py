"""The adapter between recorded AWS cases and the public names of sfnbook.

`run(case)` replays one case: the recorded answers of the Tasks become a backend, the recorded
input starts the execution, and what came out is handed back for comparison.
"""

from __future__ import annotations

import json
from typing import Any

import sfnbook
from sfnbook import teststate, validation
from sfnbook.source import from_text
from sfnbook.tasks import Call, Outcome


class Recorded:
    """A backend that gives each Task the next recorded attempt of its iteration."""

    def __init__(self, tasks: dict[str, list[dict[str, Any]]]) -> None:
        self.left = {state: list(attempts) for state, attempts in tasks.items()}

    def call(self, call: Call) -> Outcome:
        attempt = self.take(call)
        if attempt is None:
            return Outcome(never=True)
        if attempt.get("timeout") or attempt.get("pending"):
            return Outcome(never=True, submitted=attempt.get("submitted"), worker=attempt.get("workerName"))
        more = {"submitted": attempt.get("submitted"), "worker": attempt.get("workerName")}
        if "result" in attempt:
            return Outcome(attempt["result"], **more)
        return Outcome(None, attempt.get("error"), attempt.get("cause"), failed=True, **more)

    def take(self, call: Call) -> dict[str, Any] | None:
        attempts = self.left.get(call.state, [])
        for index, attempt in enumerate(attempts):
            if all(
                f"{place['map']}[{place['index']}]" in call.path for place in attempt.get("iteration", [])
            ):
                return attempts.pop(index)
        return None


def activities_of(definition: Any, tasks: dict[str, Any]) -> list[str]:
    """The activities that somebody worked on: the recorder deleted the others."""
    states = definition.get("States", {}) if isinstance(definition, dict) else {}
    return [state["Resource"] for name, state in states.items() if "Resource" in state and name in tasks]


def run(case: dict[str, Any]) -> dict[str, Any]:
    return {"execution": run_execution, "validation": run_validation, "test_state": run_test_state}[
        case["kind"]
    ](case)


def definition_of(case: dict[str, Any]) -> Any:
    return case["definition"] if "definition" in case else case["definition_text"]


def described(case: dict[str, Any], machine: dict[str, Any]) -> Any:
    definition = definition_of(case)
    if not machine.get("Id"):
        return definition
    text = definition if isinstance(definition, str) else json.dumps(definition)
    return {"stateMachineArn": machine["Id"], "name": machine.get("Name"), "definition": text}


def run_execution(case: dict[str, Any]) -> dict[str, Any]:
    context, mock = case.get("context") or {}, case.get("mock") or {}
    machine = sfnbook.load(described(case, context.get("StateMachine") or {}))
    given = json.loads(case["input_text"]) if "input_text" in case else case.get("input")
    execution_context = context.get("Execution", {})
    execution = machine.start(
        given,
        tasks=Recorded(mock.get("tasks") or {}),
        files=mock.get("files"),
        activities=activities_of(case["definition"], mock.get("tasks") or {})
        if "definition" in case
        else None,
        name=execution_context.get("Name"),
        arn=execution_context.get("Id"),
        role_arn=execution_context.get("RoleArn"),
        start_time=case.get("clock"),
        type=case.get("workflow_type"),
    )
    stop = mock.get("stop")
    if stop:
        for transition in execution:
            if any(event["type"] == stop["after_event"] for event in transition.events):
                execution.stop(stop.get("error"), stop.get("cause"))
                break
    execution.run()
    return {
        "status": execution.status,
        "output": execution.output,
        "error": execution.error,
        "cause": execution.cause,
        "events": execution.history(),
    }


def run_validation(case: dict[str, Any]) -> dict[str, Any]:
    try:
        given = from_text(case["definition_text"]) if "definition_text" in case else case["definition"]
        diagnostics = validation.validate(given, workflow_type=case.get("workflow_type"))
    except sfnbook.DefinitionError as unreadable:
        diagnostics = unreadable.diagnostics
    diagnostics = [one for one in diagnostics if one.severity == "ERROR"]
    shown = [
        {"code": one.code, "location": one.pointer, "message": one.message, "severity": one.severity}
        for one in diagnostics
    ]
    result: dict[str, Any] = {"valid": not diagnostics, "diagnostics": shown}
    if not diagnostics and "definition" in case:
        result["variableReferences"] = validation.variable_references(case["definition"])
    return result


def run_test_state(case: dict[str, Any]) -> dict[str, Any]:
    request, real = case["request"], (case.get("mock") or {})
    try:
        return teststate.test_state(
            request["definition"],
            request.get("stateName"),
            request.get("input"),
            mock=mock_of(request.get("mock")),
            context=request.get("context"),
            variables=request.get("variables"),
            inspection_level=request.get("inspectionLevel", "INFO"),
            state_configuration=request.get("stateConfiguration"),
            reveal_secrets=request.get("revealSecrets", False),
            tasks=Recorded({"StateName": [real]}) if real else None,
            role_arn=request.get("roleArn"),
            account="111111111111",
        )
    except teststate.ApiError as refused:
        return {"exception": {"code": refused.code, "message": refused.message}}


def mock_of(request: dict[str, Any] | None) -> dict[str, Any] | None:
    """The mock with its result as a value; a text that is no JSON becomes a value that is none."""
    if request is None or "result_text" not in request:
        return request
    mock = {name: value for name, value in request.items() if name != "result_text"}
    try:
        return mock | {"result": json.loads(request["result_text"])}
    except ValueError:
        return mock | {"result": object()}
