"""JSON -> definition: reads a definition that `validate` has found well formed into dataclasses.

Reading is driven by the dataclasses themselves: a field is looked up under its ASL name, and
the few that are not plain JSON have a reader in `READERS`.
"""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sfnbook.definition import (
    JSONPATH,
    STATE_TYPES,
    Catcher,
    ChoiceRule,
    Definition,
    Retrier,
    State,
)
from sfnbook.values import Json, escape_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def definition(source: Mapping[str, Json], pointer: str = "", language: str | None = None) -> Definition:
    """Read a whole machine, or one of its blocks at ``pointer`` in the machine's ``language``.

    >>> machine = definition({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    >>> machine.states["A"].pointer
    '/States/A'
    """
    language = language or source.get("QueryLanguage", JSONPATH)
    return Definition(
        start_at=source["StartAt"],
        states={
            name: _state(name, state, f"{pointer}/States/{escape_pointer(name)}", language)
            for name, state in source["States"].items()
        },
        pointer=pointer,
        comment=source.get("Comment"),
        version=source.get("Version", "1.0"),
        timeout_seconds=source.get("TimeoutSeconds"),
        query_language=language,
    )


def _state(name: str, source: Mapping[str, Json], pointer: str, language: str) -> State:
    kind: Any = STATE_TYPES[source["Type"]]
    given = {attribute: source[asl] for asl, attribute in _asl_names(kind).items() if asl in source}
    given["query_language"] = source.get("QueryLanguage", language)
    for attribute, read in READERS.items():
        if attribute in given:
            given[attribute] = read(given[attribute])
    if kind.type == "Parallel":
        given["branches"] = tuple(
            definition(branch, f"{pointer}/Branches/{index}", language)
            for index, branch in enumerate(source["Branches"])
        )
    if kind.type == "Map":
        given |= _map_fields(source, pointer, language)
    state: State = kind(name=name, pointer=pointer, **given)
    return state


def _map_fields(source: Mapping[str, Json], pointer: str, language: str) -> dict[str, Any]:
    field = "ItemProcessor" if "ItemProcessor" in source else "Iterator"
    processor = source[field]
    given: dict[str, Any] = {
        "item_processor": definition(processor, f"{pointer}/{field}", language),
        "processor_config": processor.get("ProcessorConfig", {}),
    }
    if "ItemSelector" not in source and "Parameters" in source:
        given["item_selector"] = source["Parameters"]
    return given


def _retrier(source: Mapping[str, Json]) -> Retrier:
    return Retrier(**_plain(Retrier, source))


def _catcher(source: Mapping[str, Json]) -> Catcher:
    return Catcher(**_plain(Catcher, source))


def _choice_rule(source: Mapping[str, Json]) -> ChoiceRule:
    given = _plain(ChoiceRule, source)
    if "Condition" in source:
        given["rule"] = source["Condition"]
    else:
        given["rule"] = {key: value for key, value in source.items() if key not in _RULE_TARGETS}
    return ChoiceRule(**given)


_RULE_TARGETS: Final = frozenset({"Next", "Assign", "Output", "Comment"})


def _plain(kind: type, source: Mapping[str, Json]) -> dict[str, Any]:
    given = {attribute: source[asl] for asl, attribute in _asl_names(kind).items() if asl in source}
    if "error_equals" in given:
        given["error_equals"] = tuple(given["error_equals"])
    return given


READERS: Final[dict[str, Callable[[Json], Any]]] = {
    "retry": lambda entries: tuple(map(_retrier, entries)),
    "catch": lambda entries: tuple(map(_catcher, entries)),
    "choices": lambda entries: tuple(map(_choice_rule, entries)),
}

# Filled in by the reader itself, or handled apart from the plain copy.
_NOT_COPIED: Final = frozenset(
    {"name", "pointer", "rule", "branches", "item_processor", "processor_config", "query_language"}
)


@cache
def _asl_names(kind: Any) -> dict[str, str]:
    """ASL field name -> attribute, for the fields that a dataclass takes as they are.

    >>> _asl_names(Retrier)["ErrorEquals"]
    'error_equals'
    """
    names = [item.name for item in fields(kind) if item.name not in _NOT_COPIED]
    return {re.sub(r"(?:^|_)([a-z])", lambda letter: letter[1].upper(), name): name for name in names}
