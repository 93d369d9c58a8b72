"""MockConfigFile.json of AWS Step Functions Local, read as answers for `tasks`.

    {"StateMachines": {"Order": {"TestCases": {"Happy": {"Charge": "ChargeOk"}}}},
     "MockedResponses": {"ChargeOk": {"0-1": {"Throw": {"Error": "Busy", "Cause": ""}},
                                      "2": {"Return": {"paid": true}}}}}

A response is chosen by how often the state was called before: visits, retries and Map iterations
count alike.  https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-test-sm-exec.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NoReturn

from sfnbook.errors import RUNTIME, UsageError, did_you_mean, kind_of, nearest
from sfnbook.source import MAX_DEPTH, MAX_FILE_BYTES, deeper_than, file_text
from sfnbook.tasks.protocol import Call, Outcome
from sfnbook.values import Json, checked

MACHINES: Final = "StateMachines"
CASES: Final = "TestCases"
# One page of AWS's documentation leaves the last letter out.
RESPONSES: Final = ("MockedResponses", "MockedResponse")
_INDICES: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Mocked:
    """The answer of one state in a test case; ``place`` says where it stands in which file."""

    state: str
    name: str
    place: str
    responses: tuple[tuple[int, int, Outcome], ...]  # first index, last index, response

    def answer(self, call: Call) -> Outcome:
        """The response for this call; without one the execution fails, as in Step Functions Local."""
        for first, last, outcome in self.responses:
            if first <= call.count <= last:
                return outcome
        there = ", ".join(shown(first, last) for first, last, _ in self.responses)
        cause = (
            f"The mocked response {self.name!r} of {self.state!r} has no index {call.count}; it has {there}."
        )
        return Outcome(None, RUNTIME, cause, failed=True, why=f"{self.place} is too short")

    def __repr__(self) -> str:
        return f"<mocked response {self.name!r}>"


def mock_config(source: Mapping[str, Json] | str | Path, case: str | None = None) -> dict[str, Mocked]:
    """One test case of a MockConfigFile.json as `tasks`: a dict from states to answers.

    ``source`` is the path of the file, its text or its JSON; ``case`` is written as Step Functions
    Local has it, ``"Machine#Case"``, and may be left out where there is only one.  States that it
    does not list are yours to answer: ``{"*": handler, **mock_config(...)}``.  Raises UsageError
    where the file is damaged, with the place and the nearest right name.

    >>> import sfnbook
    >>> file = {"StateMachines": {"Order": {"TestCases": {"Happy": {"Charge": "Paid"}}}},
    ...         "MockedResponses": {"Paid": {"0": {"Throw": {"Error": "Busy", "Cause": ""}},
    ...                                      "1-9": {"Return": {"paid": True}}}}}
    >>> charge = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:1:function:charge", "End": True,
    ...           "Retry": [{"ErrorEquals": ["Busy"]}]}
    >>> machine = sfnbook.load({"StartAt": "Charge", "States": {"Charge": charge}})
    >>> machine.start(tasks=mock_config(file, "Order#Happy")).result()
    {'paid': True}
    """
    name, data = _read(source)
    machines = _object(data, MACHINES, name)
    responses = _responses(data, name)
    machine, chosen = _case(machines, case, name)
    place = f"{MACHINES}/{machine}/{CASES}/{chosen}"
    states = _object(_object(_object(machines, machine, name), CASES, name), chosen, name)
    return {
        state: _mocked(state, mock, responses, f"{place}/{state} of {name}") for state, mock in states.items()
    }


# --- reading --------------------------------------------------------------------------------------
def _read(source: Mapping[str, Json] | str | Path) -> tuple[str, Json]:
    """How the file is called in messages, and its JSON."""
    if isinstance(source, Mapping):
        if deeper_than(source, MAX_DEPTH):
            raise UsageError("The mock configuration is nested too deeply.")
        return "the mock configuration", checked(dict(source), "The mock configuration")
    if isinstance(source, str) and source.lstrip()[:1] in {"{", "["}:
        name, text = "the mock configuration", source
        if len(text) > MAX_FILE_BYTES:
            raise UsageError(f"The mock configuration is longer than {MAX_FILE_BYTES:,} characters.")
    elif isinstance(source, str | Path):
        name, allowed = Path(source).name, f"a mock configuration has at most {MAX_FILE_BYTES:,}"
        text = file_text(Path(source), MAX_FILE_BYTES, allowed)
    else:
        raise UsageError(f"A mock configuration is a path, a JSON text or a dict, not {kind_of(source)}.")
    try:
        return name, json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{name} is not JSON: {problem}") from None


def _object(value: Json, key: str, name: str) -> dict[str, Json]:
    """The object under a key that has to be there."""
    if not isinstance(value, dict) or key not in value:
        given = list(value) if isinstance(value, dict) else []
        raise UsageError(f"{name} has no {key!r}. {did_you_mean(key, given)}")
    if not isinstance(value[key], dict):
        raise UsageError(f"{key!r} in {name} is an object, not {_brief(value[key])}.")
    found: dict[str, Json] = value[key]
    return found


def _responses(data: Json, name: str) -> dict[str, Json]:
    key = (
        RESPONSES[1]
        if isinstance(data, dict) and RESPONSES[0] not in data and RESPONSES[1] in data
        else RESPONSES[0]
    )
    return _object(data, key, name)


def _case(machines: dict[str, Json], case: str | None, name: str) -> tuple[str, str]:
    """The names of the state machine and the test case."""
    known = [
        f"{machine}#{one}"
        for machine, told in machines.items()
        for one in _object(told, CASES, f"{machine!r} of {name}")
    ]
    if case is None and len(known) == 1:
        case = known[0]
    if case not in known:
        asked = "Name one of its cases" if case is None else f"{name} has no case {case!r}"
        raise UsageError(f"{asked}. {did_you_mean(case or '', known)}")
    machine, _, chosen = case.rpartition("#")
    return machine, chosen


def _mocked(state: str, mock: Json, responses: dict[str, Json], place: str) -> Mocked:
    if not isinstance(mock, str):
        _wrong(place, f"the name of a mocked response is text, not {_brief(mock)}")
    if mock not in responses:
        _wrong(place, f"there is no mocked response {mock!r}. {did_you_mean(mock, responses)}")
    given = responses[mock]
    if not isinstance(given, dict) or not given:
        _wrong(
            place,
            f"the mocked response {mock!r} has no responses by index, such as {{'0': {{'Return': {{}}}}}}",
        )
    found = sorted(
        (
            (*_range(index, place, mock), _outcome(told, place, f"{mock}/{index}"))
            for index, told in given.items()
        ),
        key=lambda response: response[:2],
    )
    for (_, last, _), (first, _, _) in pairwise(found):
        if first <= last:
            _wrong(place, f"the mocked response {mock!r} has the index {first} twice")
    return Mocked(state, mock, place, tuple(found))


def _range(index: str, place: str, mock: str) -> tuple[int, int]:
    found = _INDICES.fullmatch(index)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if first > last:
        _wrong(place, f"{index!r} in {mock!r} is no index: write '0', or a range such as '1-2'")
    return first, last


def _outcome(told: Json, place: str, where: str) -> Outcome:
    """A ``Return`` or a ``Throw``, as what becomes of the call."""
    if not isinstance(told, dict) or len(told.keys() & {"Return", "Throw"}) != 1:
        both = isinstance(told, dict) and {"Return", "Throw"} <= told.keys()
        near = nearest(next(iter(told), ""), ["Return", "Throw"]) if isinstance(told, dict) else None
        hint = f" Did you mean {near!r}?" if near and not both else ""
        _wrong(
            place,
            f"{where} has {'both' if both else 'neither'} Return {'and' if both else 'nor'} Throw.{hint}",
        )
    if "Return" in told:
        return Outcome(told["Return"])
    thrown = told["Throw"]
    if not isinstance(thrown, dict) or not isinstance(thrown.get("Error"), str):
        _wrong(place, f"the Throw of {where} needs an Error, which is text")
    cause = thrown.get("Cause", "")
    if not isinstance(cause, str):
        _wrong(place, f"the Cause of {where} is text, not {_brief(cause)}")
    return Outcome(None, thrown["Error"], cause, failed=True)


def _wrong(place: str, what: str) -> NoReturn:
    raise UsageError(f"{place}: {what}{'' if what.endswith(('.', '?')) else '.'}")


def _brief(value: Json) -> str:
    brief = json.dumps(value)
    return brief if len(brief) <= 60 else f"{brief[:60]}..."


def shown(first: int, last: int) -> str:
    """An index, or a range of them, as the file has it."""
    return str(first) if first == last else f"{first}-{last}"
