"""Choice rules -> closures that decide, and the same rules in words with the actual values.

A comparison of values of the wrong type is false, not an error; a Variable that is not there is
an error, except for IsPresent.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from sfnbook.clock import parse_timestamp
from sfnbook.errors import RUNTIME, Failed
from sfnbook.query import paths
from sfnbook.query.environment import Environment, Evaluate
from sfnbook.query.path_reading import NotFound
from sfnbook.values import Json, text

Decide: TypeAlias = Callable[[Json, Environment], bool]
"""A compiled rule: the input and the environment -> does it match?"""

Rule: TypeAlias = dict[str, Json]


class Operator(NamedTuple):
    """``kind`` is a key of `COMPARABLE`, or Matches or Is; ``of_path`` says that the operand is a path."""

    kind: str
    test: Callable[..., bool]
    of_path: bool = False


class Row(NamedTuple):
    """A rule in words; ``outcome`` is None where it failed or was not reached."""

    text: str
    outcome: bool | None
    rows: tuple[Row, ...] = ()


# --- values that can be compared ------------------------------------------------------------------

_NUMBERS: Final = frozenset({int, float})


def _number(value: Json) -> float | None:
    return value if type(value) in _NUMBERS else None


def _units(value: Json) -> bytes | None:
    """A string as UTF-16 code units, which is how AWS orders strings."""
    return value.encode("utf-16-be", "surrogatepass") if isinstance(value, str) else None


def _boolean(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


_NANOSECONDS: Final = re.compile(r"\.\d{6}(\d{1,3})", re.ASCII)


def timestamp(value: Json) -> int | None:
    """Nanoseconds since the epoch of a timestamp, or None.

    >>> timestamp("1970-01-01T01:00:00.000000001+01:00"), timestamp("1970-01-01")
    (1, None)
    """
    microseconds = parse_timestamp(value)
    if microseconds is None:
        return None
    rest = _NANOSECONDS.search(value)
    return microseconds * 1000 + (int(rest[1].ljust(3, "0")) if rest else 0)


COMPARABLE: Final[dict[str, Callable[[Json], Any]]] = {
    "String": _units,
    "Numeric": _number,
    "Boolean": _boolean,
    "Timestamp": timestamp,
}


def _pieces(pattern: str) -> list[str]:
    """The texts between the unescaped stars of a StringMatches pattern."""
    pieces, position = [""], 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\" and pattern[position + 1 : position + 2] in {"*", "\\"}:
            position += 1
            pieces[-1] += pattern[position]
        elif char == "\\" and position == len(pattern) - 1:
            raise Failed(RUNTIME, f"The StringMatches pattern '{pattern}' ends with an open escape '\\'.")
        elif char == "*":
            pieces.append("")
        else:
            pieces[-1] += char
        position += 1
    return pieces


def matches(value: Json, pattern: str) -> bool:
    r"""Does a string match a pattern of StringMatches?

    >>> matches("zebra.log", "zeb*.log"), matches("a*c", r"a\*c"), matches("abc", r"a\*c")
    (True, True, False)
    """
    first, *middle = _pieces(pattern)
    if not isinstance(value, str):
        return False
    if not middle:
        return value == first
    last = middle.pop()
    if len(value) < len(first) + len(last) or not (value.startswith(first) and value.endswith(last)):
        return False
    # The earliest place of each piece leaves the most room for the rest, so one pass is enough.
    position, end = len(first), len(value) - len(last)
    for piece in middle:
        position = value.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True


# --- the operators --------------------------------------------------------------------------------

_RELATIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}

OPERATORS: Final[dict[str, Operator]] = {
    f"{kind}{relation}{suffix}": Operator(kind, test, of_path=bool(suffix))
    for kind in COMPARABLE
    for relation, test in _RELATIONS.items()
    for suffix in ("", "Path")
    if kind != "Boolean" or relation == "Equals"
} | {
    "StringMatches": Operator("Matches", matches),
    "IsNull": Operator("Is", lambda value: value is None),
    "IsPresent": Operator("Is", lambda _value: True),
    "IsNumeric": Operator("Is", lambda value: _number(value) is not None),
    "IsString": Operator("Is", lambda value: isinstance(value, str)),
    "IsBoolean": Operator("Is", lambda value: isinstance(value, bool)),
    "IsTimestamp": Operator("Is", lambda value: timestamp(value) is not None),
}


def operator_of(rule: Rule) -> str | None:
    """The name of a comparison's operator.

    >>> operator_of({"Variable": "$.n", "NumericEquals": 1})
    'NumericEquals'
    """
    return next((key for key in rule if key in OPERATORS), None)


# --- rule -> closure ------------------------------------------------------------------------------


def compile_rule(rule: Rule) -> Decide:
    """A closure that says whether the rule matches.

    >>> from sfnbook.query.environment import Environment
    >>> env = Environment({}, dict, lambda purpose: 0, 0)
    >>> compile_rule({"Variable": "$.n", "NumericLessThan": 5})({"n": 3}, env)
    True
    """
    if "And" in rule:
        return _every([compile_rule(inner) for inner in rule["And"]])
    if "Or" in rule:
        return _some([compile_rule(inner) for inner in rule["Or"]])
    if "Not" in rule:
        inner = compile_rule(rule["Not"])
        return lambda value, env: not inner(value, env)
    return _comparison(rule)


def _every(rules: Sequence[Decide]) -> Decide:
    return lambda value, env: all(rule(value, env) for rule in rules)


def _some(rules: Sequence[Decide]) -> Decide:
    return lambda value, env: any(rule(value, env) for rule in rules)


def _comparison(rule: Rule) -> Decide:
    name = operator_of(rule)
    if name is None:
        return paths.raising(Failed(RUNTIME, f"The choice rule {text(rule)} has no comparison operator."))
    kind, test, of_path = OPERATORS[name]
    operand = rule[name]
    if name == "IsPresent":
        return _presence(rule["Variable"], operand)
    read = _reader(rule["Variable"])
    if of_path:
        return _compare_paths(kind, test, read, _reader(operand))
    if kind == "Is":
        return lambda value, env: test(read(value, env)) is operand
    if kind == "Matches":
        return lambda value, env: test(read(value, env), operand)
    return _compare_constant(kind, test, read, operand)


def _reader(path: str) -> Evaluate:
    return paths.compile_lookup(
        path,
        lambda _told, _searched: Failed(
            RUNTIME, f"Invalid path '{path}': The choice state's condition path references an invalid value."
        ),
    )


def _presence(path: str, wanted: bool) -> Decide:
    read = paths.compile_lookup(path, lambda told, _searched: NotFound(told))

    def decide(value: Json, env: Environment) -> bool:
        try:
            read(value, env)
        except NotFound:
            return not wanted
        return wanted

    return decide


def _compare_paths(kind: str, test: Callable[[Any, Any], bool], left: Evaluate, right: Evaluate) -> Decide:
    if kind == "Numeric":
        return _compare_numbers(test, left, right)
    comparable = COMPARABLE[kind]

    def decide(value: Json, env: Environment) -> bool:
        one, other = comparable(left(value, env)), comparable(right(value, env))
        return one is not None and other is not None and test(one, other)

    return decide


def _compare_numbers(test: Callable[[Any, Any], bool], left: Evaluate, right: Evaluate) -> Decide:
    # Loops count with this one: the type tests stand here to save two calls.
    def decide(value: Json, env: Environment) -> bool:
        one, other = left(value, env), right(value, env)
        return type(one) in _NUMBERS and type(other) in _NUMBERS and test(one, other)

    return decide


def _compare_constant(kind: str, test: Callable[[Any, Any], bool], read: Evaluate, operand: Json) -> Decide:
    comparable = COMPARABLE[kind]
    constant = comparable(operand)

    def decide(value: Json, env: Environment) -> bool:
        found = comparable(read(value, env))
        return found is not None and constant is not None and test(found, constant)

    return decide


# --- rule -> words --------------------------------------------------------------------------------

_LONGEST_SHOWN: Final = 60


def explain_rule(rule: Rule, value: Json, env: Environment) -> Row:
    """The rule in words with the values that it saw, and its parts as rows.

    >>> from sfnbook.query.environment import Environment
    >>> env = Environment({}, dict, lambda purpose: 0, 0)
    >>> explain_rule({"Variable": "$.count", "NumericLessThan": 5}, {"count": 3}, env).text
    '$.count (3) NumericLessThan 5: true'
    """
    for word in ("And", "Or"):
        if word in rule:
            return _explain_several(word, rule[word], value, env)
    if "Not" in rule:
        row = explain_rule(rule["Not"], value, env)
        return _row("Not", None if row.outcome is None else not row.outcome, (row,))
    return _explain_comparison(rule, value, env)


def _explain_several(word: str, rules: Sequence[Rule], value: Json, env: Environment) -> Row:
    rows: list[Row] = []
    outcome: bool | None = word == "And"
    decided = False
    for rule in rules:
        if decided:
            rows.append(Row(f"{_in_words(rule)}: not reached", None))
            continue
        rows.append(explain_rule(rule, value, env))
        if rows[-1].outcome is not (word == "And"):
            outcome, decided = rows[-1].outcome, True
    return _row(word, outcome, tuple(rows))


def _row(words: str, outcome: bool | None, rows: tuple[Row, ...] = ()) -> Row:
    return Row(f"{words}: {_OUTCOMES[outcome]}", outcome, rows)


_OUTCOMES: Final = {True: "true", False: "false", None: "fails"}


def _explain_comparison(rule: Rule, value: Json, env: Environment) -> Row:
    name = operator_of(rule) or "(no operator)"
    words = f"{_shown_path(rule.get('Variable', ''), value, env)} {name} "
    operand = rule.get(name)
    of_path = name in OPERATORS and OPERATORS[name].of_path
    words += _shown_path(operand, value, env) if of_path else _shown(operand)
    try:
        return _row(words, _comparison(rule)(value, env))
    except Failed as failure:
        return Row(f"{words}: fails. {failure.cause}", None)


def _shown_path(path: Json, value: Json, env: Environment) -> str:
    try:
        return f"{path} ({_shown(paths.compile_path(path)(value, env))})"
    except Failed:
        return f"{path} (not found)"


def _shown(value: Json) -> str:
    written = text(value)
    return written if len(written) <= _LONGEST_SHOWN else written[: _LONGEST_SHOWN - 1] + "…"


def _in_words(rule: Rule) -> str:
    """A rule that was not reached, without values."""
    for word in ("And", "Or", "Not"):
        if word in rule:
            return word
    name = operator_of(rule)
    return f"{rule.get('Variable')} {name} {_shown(rule.get(name or ''))}"


# --- questions about a rule -----------------------------------------------------------------------

_OPERANDS: Final[dict[str, tuple[str, Callable[[Json], bool]]]] = {
    "String": ("STRING", lambda value: isinstance(value, str)),
    "Matches": ("STRING", lambda value: isinstance(value, str)),
    "Timestamp": ("STRING", lambda value: isinstance(value, str)),
    "Numeric": ("NUMBER", lambda value: type(value) in _NUMBERS),
    "Boolean": ("BOOLEAN", lambda value: isinstance(value, bool)),
    "Is": ("BOOLEAN", lambda value: isinstance(value, bool)),
}


def check(rule: Json, pointer: str) -> list[tuple[str, str]]:
    """What is wrong with a rule, as (pointer, message); Next of the rule itself is not looked at.

    >>> check({"Variable": "$.n", "NumericEquals": "1"}, "/States/A/Choices[0]")
    [('/States/A/Choices[0]/NumericEquals', 'Expected value of type [NUMBER]')]
    """
    if not isinstance(rule, dict):
        return [(pointer, "Expected value of type [OBJECT]")]
    combined = [word for word in ("And", "Or", "Not") if word in rule]
    operators = [key for key in rule if key in OPERATORS]
    if len(combined) + len(operators) != 1:
        return [(pointer, "A choice rule must have exactly one of And, Or, Not or a comparison operator")]
    if not combined:
        return _check_comparison(rule, operators[0], pointer)
    word = combined[0]
    if "Variable" in rule:
        return [(pointer, f"Field 'Variable' is not supported beside '{word}'")]
    if word == "Not":
        return _check_inner(rule["Not"], f"{pointer}/Not")
    if not isinstance(rule[word], list):
        return [(f"{pointer}/{word}", "Expected value of type [ARRAY]")]
    if not rule[word]:
        return [(f"{pointer}/{word}", "Value cannot be empty")]
    inner = enumerate(rule[word])
    return [problem for index, each in inner for problem in _check_inner(each, f"{pointer}/{word}[{index}]")]


def _check_inner(rule: Json, pointer: str) -> list[tuple[str, str]]:
    found = check(rule, pointer)
    misplaced = [field for field in ("Next", "Assign", "Output") if isinstance(rule, dict) and field in rule]
    return found + [(pointer, f"Field '{field}' is not supported") for field in misplaced]


def _check_comparison(rule: Rule, name: str, pointer: str) -> list[tuple[str, str]]:
    if "Variable" not in rule:
        return [(pointer, "These fields are required: [Variable]")]
    found = _check_path(rule["Variable"], f"{pointer}/Variable")
    kind, _, of_path = OPERATORS[name]
    operand, where = rule[name], f"{pointer}/{name}"
    if of_path:
        return found + _check_path(operand, where)
    expected, fits = _OPERANDS[kind]
    if not fits(operand):
        return [*found, (where, f"Expected value of type [{expected}]")]
    if kind == "Timestamp" and timestamp(operand) is None:
        return [*found, (where, "String does not match RFC3339 timestamp")]
    return found


def _check_path(path: Json, pointer: str) -> list[tuple[str, str]]:
    if not isinstance(path, str):
        return [(pointer, "Expected value of type [STRING]")]
    problem = paths.check(path)
    return [(pointer, f"Value is not a Reference Path: {problem}")] if problem else []


def variables_in(rule: Json) -> set[str]:
    """The variables that a rule reads.

    >>> variables_in({"Not": {"Variable": "$.n", "NumericEqualsPath": "$limit"}})
    {'limit'}
    """
    if isinstance(rule, list):
        return set().union(*map(variables_in, rule))
    if not isinstance(rule, dict):
        return set()
    found: set[str] = set()
    for key, value in rule.items():
        if key in {"And", "Or", "Not"}:
            found |= variables_in(value)
        elif key == "Variable" or (key in OPERATORS and OPERATORS[key].of_path):
            found |= paths.variables_in(value)
    return found
