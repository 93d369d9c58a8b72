"""What must not leave the house is replaced by stand-ins: of the same type and shape, equal for equal values.

A stand-in is made of a counter, never of the value: nobody can compute it back.  Values are found
by JSONPath in every payload; a text or a long number that was found once is replaced wherever else
it stands, inside other texts and JSON texts too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook.clock import DEFAULT_START, SECOND, iso, parse_timestamp
from sfnbook.errors import UsageError
from sfnbook.query.path_syntax import PathProblem, Step, parse
from sfnbook.values import Json, text

if TYPE_CHECKING:
    from collections.abc import Iterator

Places: TypeAlias = frozenset[tuple[int, int]]
"""How far each path is followed at a value: (number of the path, steps done)."""

SHORTEST: Final = 4
"""Texts (characters) and numbers (digits) that are shorter are replaced where a path finds them alone."""

WORDLIKE: Final = 8
"""Texts shorter than this are replaced inside others as whole words alone."""

PAYLOAD_FIELDS: Final = frozenset(
    {
        "Parameters", "Arguments", "Result", "ResultSelector", "ItemSelector", "Assign", "Output", "Items",
        "BatchInput",
    }
)  # fmt: skip
"""Fields of a definition that hold payloads, or templates of them."""

OPERANDS: Final = ("Equals", "GreaterThan", "LessThan", "Matches", "Condition")
"""How the fields of a Choice rule end in which values stand."""


class Followed(NamedTuple):
    """One step of a path: a name or an index, or any (None); ``deep``: at any depth."""

    wanted: str | int | None
    deep: bool


class Redaction:
    """Replaces what the paths find.

    Show it everything with `learn` before `of` replaces: then a value that stands somewhere else,
    in a cause for example, is known.

    >>> redaction = Redaction(["$..cardNumber"])
    >>> redaction.of({"cardNumber": "4111 1111 1111 1234", "note": "4111 1111 1111 1234 declined"})
    {'cardNumber': '0000 0000 0000 0001', 'note': '0000 0000 0000 0001 declined'}
    """

    def __init__(self, paths: Iterable[str]) -> None:
        if isinstance(paths, str):
            raise UsageError(f"redact is a list of paths: redact=[{paths!r}].")
        self.paths = tuple(paths)
        self._steps = [_followed(path) for path in self.paths]
        self._stand_ins: dict[tuple[type, Json], Json] = {}
        self._begins: dict[str, list[str]] = {}
        # Payloads are shared, so each is looked at once; kept, so that no other gets its id.
        self._seen: dict[int, Json] = {}
        self._done: dict[int, tuple[Json, Json]] = {}

    # --- learning -------------------------------------------------------------------------------
    def learn(self, payload: Json) -> None:
        """Look for what has to be replaced."""
        if isinstance(payload, dict | list):
            if id(payload) in self._seen:
                return
            self._seen[id(payload)] = payload
        self._done.clear()
        self._look(payload, self._root)

    @property
    def _root(self) -> Places:
        return frozenset((number, 0) for number in range(len(self._steps)))

    def _look(self, value: Json, places: Places) -> None:
        if self._found(places):
            for leaf in _leaves(value):
                self._stand_in(leaf)
            return
        inner = value
        if isinstance(value, str):
            inner, places = _json_in(value), self._root
        if isinstance(inner, dict | list):
            for key, one in _items(inner):
                self._look(one, self._next(places, key))

    # --- replacing ------------------------------------------------------------------------------
    def of(self, payload: Json) -> Json:
        """The payload with its stand-ins; what has none is the same object."""
        known = self._done.get(id(payload))
        if known is not None and known[0] is payload:
            return known[1]
        made = self._replaced(payload, self._root)
        if isinstance(payload, dict | list):
            self._done[id(payload)] = payload, made
        return made

    def text(self, given: str | None) -> str | None:
        """A text, such as a cause, with its stand-ins."""
        return None if given is None else self._in_text(given)

    def _replaced(self, value: Json, places: Places) -> Json:
        if self._found(places):
            return _mapped(value, self._stand_in)
        if isinstance(value, str):
            return self._in_text(value)
        if isinstance(value, dict):
            made = {
                self._known(key): self._replaced(one, self._next(places, key)) for key, one in value.items()
            }
            return made if made != value or list(made) != list(value) else value
        if isinstance(value, list | tuple):
            items = type(value)(self._replaced(one, self._next(places, key)) for key, one in _items(value))
            return items if items != value else value
        return self._known(value)

    def _in_text(self, value: str) -> str:
        inner = _json_in(value)
        if isinstance(inner, dict | list):
            made = self._replaced(inner, self._root)
            return value if made == inner else text(made)
        return self._within(value)

    # --- following the paths ----------------------------------------------------------------------
    def _found(self, places: Places) -> bool:
        return any(done == len(self._steps[number]) for number, done in places)

    def _next(self, places: Places, key: str | int) -> Places:
        return frozenset(self._follow(places, key)) if places else places

    def _follow(self, places: Places, key: str | int) -> Iterator[tuple[int, int]]:
        for number, done in places:
            wanted, deep = self._steps[number][done]
            if deep:
                yield number, done
            if wanted is None or (wanted == key and type(wanted) is type(key)):
                yield number, done + 1

    # --- stand-ins --------------------------------------------------------------------------------
    def _stand_in(self, leaf: Json) -> Json:
        if leaf is None or leaf == "":
            return leaf
        key = type(leaf), leaf
        if key not in self._stand_ins:
            self._stand_ins[key] = STAND_INS[type(leaf)](leaf, len(self._stand_ins) + 1)
            if isinstance(leaf, str) and len(leaf) >= SHORTEST:
                self._begins.setdefault(leaf[:SHORTEST], []).append(leaf)
                self._begins[leaf[:SHORTEST]].sort(key=len, reverse=True)
        return self._stand_ins[key]

    def _known(self, value: Json) -> Json:
        """A value that no path finds here, but one did elsewhere."""
        if isinstance(value, str):
            return self._within(value)
        is_long = isinstance(value, int | float) and abs(value) >= 10**SHORTEST
        return self._stand_ins.get((type(value), value), value) if is_long else value

    def _within(self, value: str) -> str:
        begins, parts, start, position = self._begins, [], 0, 0
        if not begins:
            return value
        while position <= len(value) - SHORTEST:
            known = begins.get(value[position : position + SHORTEST])
            found = next((one for one in known or () if _stands(one, value, position)), None)
            if found is None:
                position += 1
                continue
            parts += [value[start:position], self._stand_ins[str, found]]
            start = position = position + len(found)
        return "".join(parts) + value[start:]


def _stands(known: str, value: str, position: int) -> bool:
    if not value.startswith(known, position):
        return False
    around = value[position - 1 : position] + value[position + len(known) :][:1]
    return len(known) >= WORDLIKE or not any(map(str.isalnum, around))


def _followed(path: str) -> tuple[Followed, ...]:
    """The steps of a path; UsageError for one that does not just go down."""
    try:
        root, steps = parse(str(path))
    except PathProblem as problem:
        raise UsageError(f"redact={path!r}: {problem}.") from None
    if root != "$":
        raise UsageError(f"redact={path!r}: begin with $ (each payload is searched on its own).")
    return tuple(_one(step, str(path)) for step in steps)


def _one(step: Step, path: str, *, deep: bool = False) -> Followed:
    if step.kind == "scan":
        return _one(step.argument, path, deep=True)
    if step.kind not in {"name", "index", "wildcard"} or (step.kind == "index" and step.argument < 0):
        raise UsageError(f"redact={path!r}: names, indexes and * can be followed, {step.fragment} cannot.")
    return Followed(step.argument, deep)


def _items(value: Json) -> Iterable[tuple[Any, Json]]:
    return value.items() if isinstance(value, dict) else enumerate(value)


def _leaves(value: Json) -> Iterator[Json]:
    if isinstance(value, dict | list):
        for _, one in _items(value):
            yield from _leaves(one)
    else:
        yield value


def _mapped(value: Json, function: Any) -> Json:
    if isinstance(value, dict):
        return {key: _mapped(one, function) for key, one in value.items()}
    if isinstance(value, list):
        return [_mapped(one, function) for one in value]
    return function(value)


def _json_in(value: str) -> Json:
    """The object or array that a text holds as JSON; None: it is a text."""
    if value[:1] not in {"{", "["} and value.strip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


# --- how a stand-in looks ---------------------------------------------------------------------------
def _of_text(value: str, number: int) -> str:
    """The same length, with digits for digits and letters for letters; the counter at its end."""
    if parse_timestamp(value) is not None:
        return iso(DEFAULT_START + number * SECOND)
    letters = [_of_character(one) for one in value]
    places = [place for place, one in enumerate(value) if one.isalnum()]
    digits = str(number)
    if len(places) < len(digits):
        return "".join(letters) + digits
    for place, digit in zip(places[-len(digits) :], digits, strict=True):
        letters[place] = digit
    return "".join(letters)


def _of_character(one: str) -> str:
    if one.isdigit():
        return "0"
    return ("X" if one.isupper() else "x") if one.isalpha() else one


def _of_number(value: float, number: int) -> int:
    """As many digits, the same sign; a float has no more digits than tell it from the next one."""
    digits = len(str(abs(int(value))))
    size: int = 10 ** (min(digits, 14 if type(value) is float else digits) - 1) + number
    return -size if value < 0 else size


STAND_INS: Final[dict[type, Any]] = {
    str: _of_text,
    int: _of_number,
    float: lambda value, number: _of_number(value, number) + 0.5,
    bool: lambda _value, _number: False,
}
"""How a stand-in is made, by type; null stands for itself."""


# --- definitions ------------------------------------------------------------------------------------
def of_definition(definition: Json, redaction: Redaction) -> Json:
    """A definition with stand-ins in its payloads and in the values that Choice rules compare with."""
    if isinstance(definition, list):
        return [of_definition(one, redaction) for one in definition]
    if not isinstance(definition, Mapping):
        return definition
    return {key: _of_field(key, one, redaction) for key, one in definition.items()}


def _of_field(key: str, value: Json, redaction: Redaction) -> Json:
    if key == "States" and isinstance(value, dict):
        return {name: of_definition(state, redaction) for name, state in value.items()}
    is_payload = key in PAYLOAD_FIELDS or (key.endswith(OPERANDS) and not isinstance(value, dict | list))
    if not is_payload:
        return of_definition(value, redaction)
    made = redaction.of(_mapped(value, lambda leaf: None if _is_expression(leaf) else leaf))
    return _put_back(value, made, redaction)


def _is_expression(value: Json) -> bool:
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def _put_back(template: Json, made: Json, redaction: Redaction) -> Json:
    """A template with its stand-ins; an expression stays one, wherever it stands."""
    if isinstance(template, dict):
        pairs = zip(template.values(), made.items(), strict=True)
        return {key: _put_back(one, new, redaction) for one, (key, new) in pairs}
    if isinstance(template, list):
        return [_put_back(one, new, redaction) for one, new in zip(template, made, strict=True)]
    return redaction.text(template) if _is_expression(template) else made
