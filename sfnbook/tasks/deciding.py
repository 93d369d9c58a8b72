"""Which values a Choice tells apart, and where each of them leads.

The constants in its rules are tried, with a value that they do not name and, where presence is
asked for, none at all.  The compiled rules themselves decide, so what is chosen here is what the
Choice will choose.
"""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.definition import ABSENT, JSONPATH, Choice, Definition, Fail, State
from sfnbook.errors import Failed, SfnbookError
from sfnbook.query import choice, jsonata, jsonata_library
from sfnbook.query.environment import Environment
from sfnbook.query.jsonata_compile import children
from sfnbook.tasks import needs
from sfnbook.tasks.naming import Facts
from sfnbook.tasks.needs import Need, Option, Read, Steps, under
from sfnbook.tasks.plausible import NOTHING, OTHER, key_of, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sfnbook.values import Json

MOST: Final = 4096
"""So many combinations are tried; a Choice of more variables than that keeps what was found."""

GOOD, LOOPS, BAD = 0, 1, 2
"""Where a state leads: to a good end, at best back to the same Choice, to a Fail state or an error."""


class Candidate(NamedTuple):
    """A value that a rule compares with what stands at a place; `OTHER` and `ABSENT` are candidates, too."""

    root: str
    steps: Steps
    value: Json


def reads(state: Choice, block: Definition) -> list[Read]:
    """What a Choice reads, each place with its options: the value for the best way first."""
    plain = list(_reads(state))
    found = dict(_options(state, block))
    return plain + [Read(*place, Need(options={state.pointer: options})) for place, options in found.items()]


def _reads(state: Choice) -> Iterator[Read]:
    for rule in state.choices:
        if state.query_language == JSONPATH:
            for variable, used in _variables(rule.rule):
                yield from needs.of_path(variable, used)
        elif isinstance(rule.rule, str):
            yield from needs.of_expression(rule.rule, needs.used_as("boolean"))


def _variables(rule: Json) -> Iterator[tuple[str, Need]]:
    for comparison in _comparisons(rule):
        name = choice.operator_of(comparison) or ""
        kind = _KINDS.get(choice.OPERATORS[name].kind, "") if name else ""
        used = needs.used_as(kind) if kind else NOTHING
        yield str(comparison["Variable"]), used
        if name and choice.OPERATORS[name].of_path:
            yield str(comparison[name]), used


_KINDS: Final = {
    "String": "text",
    "Matches": "text",
    "Numeric": "number",
    "Boolean": "boolean",
    "Timestamp": "timestamp",
}


def _comparisons(rule: Json) -> Iterator[dict[str, Json]]:
    if isinstance(rule, list):
        for one in rule:
            yield from _comparisons(one)
    elif isinstance(rule, dict):
        if "Variable" in rule:
            yield rule
        for word in ("And", "Or", "Not"):
            yield from _comparisons(rule.get(word))


# --- candidates -------------------------------------------------------------------------------------
def _candidates(state: Choice) -> Iterator[Candidate]:
    for rule in state.choices:
        if state.query_language == JSONPATH:
            for comparison in _comparisons(rule.rule):
                for read in needs.of_path(str(comparison["Variable"]), Need()):
                    for one in _compared(comparison):
                        yield Candidate(read.root, read.steps, one)
        elif isinstance(rule.rule, str):
            yield from _of_condition(rule.rule)


def _compared(comparison: dict[str, Json]) -> list[Json]:
    name = choice.operator_of(comparison)
    if name is None or choice.OPERATORS[name].of_path:
        return []
    operand = comparison[name]
    kind = choice.OPERATORS[name].kind
    if kind == "Is":
        return [OTHER, _TESTED.get(name, OTHER)]
    if kind == "Numeric":
        return [operand, operand - 1, operand + 1]
    if kind == "Boolean":
        return [operand, not operand]
    if kind == "Matches":
        return [str(operand).replace("\\*", "\0").replace("*", "x").replace("\0", "*")]
    if kind == "Timestamp":
        return [operand, "1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z"]
    return [operand, *(("", f"{operand}~") if name != "StringEquals" else ())]


_TESTED: Final[dict[str, Json]] = {
    "IsPresent": ABSENT,
    "IsNull": None,
    "IsNumeric": 1,
    "IsString": "text",
    "IsBoolean": True,
    "IsTimestamp": "2025-01-01T00:00:00Z",
}
"""What each test of a type tells from other values."""


def _of_condition(condition: str) -> Iterator[Candidate]:
    try:
        tree = jsonata.program(jsonata.bare(condition)).tree
    except jsonata_library.NotJsonata:
        return
    place = needs.place_of(tree)
    yield from (Candidate(*place, one) for one in (True, False) if place is not None)
    yield from _of_tree(tree)


def _of_tree(tree: Any) -> Iterator[Candidate]:
    for place, values in _of_node(tree):
        for one in values:
            yield Candidate(*place, one)
    for part in children(tree):
        yield from _of_tree(part)


def _of_node(tree: Any) -> Iterator[tuple[tuple[str, Steps], list[Json]]]:
    if tree.type == "binary":
        for side, other in ((tree.lhs, tree.rhs), (tree.rhs, tree.lhs)):
            place = needs.place_of(side)
            if place is None:
                continue
            if str(tree.value) in {"and", "or"}:
                yield place, [True, False]
            elif constants := _constants(other):
                yield place, [near for one in constants for near in _near(one)]
    elif tree.type == "function" and str(tree.procedure.value) in _ASKED and tree.arguments:
        place = needs.place_of(tree.arguments[0])
        if place is not None:
            yield place, _ASKED[str(tree.procedure.value)]


_ASKED: Final[dict[str, list[Json]]] = {
    "exists": [OTHER, ABSENT],
    "not": [False, True],
    "count": [OTHER, []],
    "boolean": [True, False],
}


def _constants(tree: Any) -> list[Json]:
    if tree.type == "unary" and tree.value == "[":
        return [one for part in tree.expressions for one in _constants(part)]
    return [tree.value] if tree.type in {"string", "number", "value"} else []


def _near(constant: Json) -> list[Json]:
    number = isinstance(constant, int | float) and not isinstance(constant, bool)
    return [constant, constant - 1, constant + 1] if number else [constant]


# --- where they lead --------------------------------------------------------------------------------
def _options(state: Choice, block: Definition) -> Iterator[tuple[tuple[str, Steps], tuple[Option, ...]]]:
    """For each place that rules compare, its value on the way to each target, the best way first."""
    tried: dict[tuple[str, Steps], dict[str, Json]] = {}
    for root, steps, one in _candidates(state):
        tried.setdefault((root, steps), {}).setdefault(key_of(one), one)
    for named in tried.values():
        named.setdefault(key_of(OTHER), OTHER)
    decide = _decider(state)
    ways: dict[str, tuple[Json, ...]] = {}
    every = set(targets(state))
    for values in islice(product(*(named.values() for named in tried.values())), MOST):
        if ways.keys() >= every:
            break
        target = decide(dict(zip(tried, values, strict=True)))
        if target is not None:
            ways.setdefault(target, values)
    ordered = sorted(ways.items(), key=lambda way: _leads(way[0], state, block))
    for number, place in enumerate(tried):
        scored: dict[str, Option] = {}
        for target, values in ordered:
            option = Option(values[number], _leads(target, state, block))
            scored.setdefault(key_of(values[number]), option)
        yield place, tuple(scored.values())


def _decider(state: Choice) -> Callable[[dict[tuple[str, Steps], Json]], str | None]:
    """A function of the values at places: the name of the state that the Choice goes to."""
    rules = list(_compiled(state))
    plain = list(_reads(state))

    def decide(values: dict[tuple[str, Steps], Json]) -> str | None:
        documents = _documents(plain, values)
        variables = {root[1:]: one for root, one in documents.items() if root[1:] and root != "$$"}
        env = Environment(variables, lambda: documents.get("$$", {}), lambda _purpose: 0, 0)
        given = documents.get("$", {})
        states = {root: one for root, one in documents.items() if not root.startswith("$")}
        try:
            for test, target in rules:
                if test(given if state.query_language == JSONPATH else states, env) is True:
                    return target
        except (Failed, ArithmeticError, TypeError, ValueError):
            return None
        return state.default

    return decide


def _compiled(state: Choice) -> Iterator[tuple[Callable[..., Any], str]]:
    for rule in state.choices:
        try:
            if state.query_language == JSONPATH:
                yield choice.compile_rule(rule.rule), rule.next
            else:
                yield jsonata.compile_expression(str(rule.rule), "Condition"), rule.next
        except SfnbookError:
            continue


def _documents(plain: Iterable[Read], values: dict[tuple[str, Steps], Json]) -> dict[str, Json]:
    """What the rules read, with these values at their places and natural ones elsewhere."""
    wanted: dict[str, Need] = {}
    for root, steps, need in plain:
        wanted.setdefault(root, Need()).take(under(steps, need))
    for (root, steps), one in sorted(values.items(), key=lambda item: -len(item[0][1])):
        if one is not OTHER:
            place = wanted.setdefault(root, Need())
            place.take(under(steps, Need(options={"tried": (Option(one, 0),)})))
    made = {root: value(None, need, "", Facts()) for root, need in wanted.items()}
    return {root: one for root, one in made.items() if one is not ABSENT}


def _leads(name: str, state: Choice, block: Definition) -> int:
    """How good it is to go from a Choice to this state."""
    reached = _reached(name, block, without=state.name)
    if any(ends_well(block.states[one]) for one in reached):
        return GOOD
    return LOOPS if any(state.name in targets(block.states[one]) for one in reached) else BAD


def _reached(name: str, block: Definition, without: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found and one != without and one in block.states:
            found.add(one)
            waiting += targets(block.states[one])
    return found


def targets(state: State) -> list[str]:
    """The states that follow a state when nothing fails."""
    if isinstance(state, Choice):
        return [rule.next for rule in state.choices] + ([state.default] if state.default else [])
    return [state.next] if state.next else []


def ends_well(state: State) -> bool:
    """Is the block over after this state, without a failure?"""
    return not isinstance(state, Fail | Choice) and state.next is None
