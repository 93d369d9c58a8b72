"""EventBridge event patterns: does an event match, and if not, which field does not.

A pattern has the form of the event; at its leaves stands a list of what the value may be, plain
values or the operators of `OPERATORS`.  Every field must match, and of a list one entry.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import ipaddress
import operator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.errors import Failed, did_you_mean
from sfnbook.query import choice
from sfnbook.triggers.starts import refuse
from sfnbook.values import Json, is_number, text

if TYPE_CHECKING:
    from collections.abc import Callable

ABSENT: Final[Any] = object()


class Match(NamedTuple):
    """Does an event match a pattern?  ``rows`` say it field by field; true or false like the answer."""

    matched: bool
    rows: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.matched

    def __repr__(self) -> str:
        verdict = "matches" if self.matched else "does not match"
        return "\n".join((verdict, *(f"  {row}" for row in self.rows)))


def match(pattern: Json, event: Json) -> Match:
    """Match an event; the rows of one that does not match are the fields that do not.

    >>> print(match({"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}]}},
    ...             {"source": "shop", "detail": {"total": 7}}))
    does not match
      detail.total is 7, the pattern wants {"numeric":[">",10]}
    """
    rows = [*_rows(pattern, event, "")]
    wrong = [row for fits, row in rows if not fits]
    return Match(not wrong, tuple(wrong or (row for _, row in rows)))


def _rows(pattern: dict[str, Json], event: Json, place: str) -> list[tuple[bool, str]]:
    rows: list[tuple[bool, str]] = []
    for name, wanted in pattern.items():
        where = f"{place}.{name}" if place else name
        if name == "$or" and isinstance(wanted, list):
            rows.append(_either(wanted, event, place))
        elif isinstance(wanted, dict):
            rows += _inside(wanted, _field(event, name), where)
        else:
            rows.append(_leaf(wanted, _field(event, name), where))
    return rows


def _field(event: Json, name: str) -> Json:
    return event.get(name, ABSENT) if isinstance(event, dict) else ABSENT


def _inside(pattern: dict[str, Json], value: Json, where: str) -> list[tuple[bool, str]]:
    """An object in the pattern; of a list in the event one object must match."""
    if not isinstance(value, list):
        return _rows(pattern, value, where)
    tried = [_rows(pattern, item, where) for item in value] or [_rows(pattern, ABSENT, where)]
    return next((rows for rows in tried if all(fits for fits, _ in rows)), tried[0])


def _either(patterns: list[Json], event: Json, place: str) -> tuple[bool, str]:
    tried = [_rows(one, event, place) for one in patterns]
    for number, rows in enumerate(tried):
        if all(fits for fits, _ in rows):
            return True, f"$or: alternative {number + 1}: {'; '.join(row for _, row in rows)}"
    reasons = (row for rows in tried for fits, row in rows if not fits)
    return False, f"$or: none of {len(patterns)} alternatives: {'; '.join(reasons)}"


def _leaf(wanted: list[Json], value: Json, where: str) -> tuple[bool, str]:
    found = next((one for one in wanted if _fits(one, value)), ABSENT)
    shown = f"{where} is {text(value)}" if value is not ABSENT else f"{where} is not there"
    if found is ABSENT:
        return False, f"{shown}, the pattern wants {' or '.join(map(text, wanted)) or 'nothing'}"
    return True, f"{shown}: {text(found)}"


def _fits(wanted: Json, value: Json) -> bool:
    if isinstance(wanted, dict):
        ((name, operand),) = wanted.items()
        if name == "exists":
            # Leaves alone exist: an object has fields of its own.
            return (value is not ABSENT and not isinstance(value, dict)) is operand
        return any(one is not ABSENT and OPERATORS[name](one, operand) for one in _values(value))
    return any(_equal(one, wanted) for one in _values(value))


def _values(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _equal(value: Json, wanted: Json) -> bool:
    """Equal as JSON is written: 300 is not 300.0, and true is not 1."""
    return value is not ABSENT and type(value) is type(wanted) and value == wanted


# --- operators --------------------------------------------------------------------------------------
def _folded(test: Callable[[str, str], bool]) -> Callable[[Json, Json], bool]:
    """A comparison of texts whose operand may ask for any case of letters."""

    def fits(value: Json, operand: Json) -> bool:
        if not isinstance(value, str):
            return False
        if isinstance(operand, dict):
            return test(value.casefold(), operand["equals-ignore-case"].casefold())
        return test(value, operand)

    return fits


def _anything_but(value: Json, operand: Json) -> bool:
    if isinstance(operand, dict):
        ((name, texts),) = operand.items()
        return not any(OPERATORS[name](value, one) for one in _values(texts))
    return not any(_equal(value, one) for one in _values(operand))


COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _numeric(value: Json, operand: list[Any]) -> bool:
    if not is_number(value):
        return False
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(COMPARE[sign](value, bound) for sign, bound in pairs)


def _cidr(value: Json, operand: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False


OPERATORS: Final[dict[str, Callable[[Json, Any], bool]]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": lambda value, operand: (
        isinstance(value, str) and value.casefold() == operand.casefold()
    ),
    "exists": lambda value, operand: (value is not ABSENT) is operand,
    "numeric": _numeric,
    "prefix": _folded(str.startswith),
    "suffix": _folded(str.endswith),
    "wildcard": choice.matches,
}
"""What may stand in a list instead of a value: its test of one value of the event."""


# --- the check --------------------------------------------------------------------------------------
def check(pattern: Json, place: str = "") -> None:
    """Refuse what is no pattern, with its place, as EventBridge does when the rule is made."""
    if not isinstance(pattern, dict) or not pattern:
        refuse(f"The event pattern{_at(place)} is {text(pattern)}.", 'Give an object: {"source": ["shop"]}.')
    for name, wanted in pattern.items():
        where = f"{place}.{name}" if place else str(name)
        if name == "$or" and isinstance(wanted, list):
            if len(wanted) < 2:
                refuse(f"{where} has {len(wanted)} patterns.", "Give at least two to choose from.")
            for number, one in enumerate(wanted):
                check(one, f"{where}[{number}]")
        elif isinstance(wanted, dict):
            check(wanted, where)
        elif not isinstance(wanted, list) or not wanted:
            refuse(
                f"{where} is {text(wanted)}.", f"A pattern has a list of what may be there: [{text(wanted)}]."
            )
        else:
            for one in wanted:
                _check_entry(one, where)


def _at(place: str) -> str:
    return f" at {place}" if place else ""


def _check_entry(entry: Json, where: str) -> None:
    if isinstance(entry, list):
        refuse(f"{where} has a list inside its list.", "A list holds values and operators.")
    if not isinstance(entry, dict):
        return
    if len(entry) != 1:
        refuse(f"{where} has {text(entry)}.", 'An operator is an object with one key: {"prefix": "a"}.')
    ((name, operand),) = entry.items()
    if name not in OPERATORS:
        unknown = f"{where} has the operator {name!r}, which EventBridge does not know."
        refuse(unknown, did_you_mean(name, OPERATORS))
    problem = OPERANDS[name](operand)
    if problem:
        refuse(f"{where}: {text(entry)}.", f"{name} takes {problem}.")


def _wants(test: Callable[[Json], bool], words: str) -> Callable[[Json], str]:
    return lambda operand: "" if test(operand) else words


def _is_text(operand: Json) -> bool:
    return isinstance(operand, str)


def _is_wildcard(operand: Json) -> bool:
    try:
        return _is_text(operand) and choice.matches("", operand) in (True, False)
    except Failed:
        return False


def _is_folded(operand: Json) -> bool:
    return _is_text(operand) or (
        isinstance(operand, dict)
        and [*operand] == ["equals-ignore-case"]
        and _is_text(operand["equals-ignore-case"])
    )


def _are_bounds(operand: Json) -> bool:
    return (
        isinstance(operand, list)
        and len(operand) in {2, 4}
        and all(sign in COMPARE for sign in operand[::2])
        and all(is_number(bound) for bound in operand[1::2])
    )


def _is_network(operand: Json) -> bool:
    try:
        return _is_text(operand) and bool(ipaddress.ip_network(operand, strict=False))
    except ValueError:
        return False


def _is_other(operand: Json) -> bool:
    if isinstance(operand, dict):
        texts = [*operand.values()]
        return [*operand] in [[name] for name in _EXCLUDED] and all(map(_is_text, _values(texts[0])))
    scalars = [
        _is_text(one) or is_number(one) or one is None or isinstance(one, bool) for one in _values(operand)
    ]
    return bool(scalars) and all(scalars)


_EXCLUDED: Final = ("prefix", "suffix", "equals-ignore-case", "wildcard")

OPERANDS: Final[dict[str, Callable[[Json], str]]] = {
    "anything-but": _wants(
        _is_other, f"a value, a list of values, or one of {', '.join(_EXCLUDED)} with its text"
    ),
    "cidr": _wants(_is_network, 'a range of addresses such as "10.0.0.0/24"'),
    "equals-ignore-case": _wants(_is_text, "a text"),
    "exists": _wants(lambda operand: isinstance(operand, bool), "true or false"),
    "numeric": _wants(_are_bounds, 'one or two comparisons such as [">", 0, "<=", 5]'),
    "prefix": _wants(_is_folded, 'a text, or {"equals-ignore-case": "..."}'),
    "suffix": _wants(_is_folded, 'a text, or {"equals-ignore-case": "..."}'),
    "wildcard": _wants(_is_wildcard, r"a text with *, in which \* is a star and \\ a backslash"),
}
"""What is wrong with an operand: the words for what it should be, empty if it is that."""
