"""JSONPath text -> steps, by the grammar of the Java library Jayway JsonPath, which AWS uses.

Three roots: ``$`` (the input), ``$$`` (the context object) and ``$name`` (a variable).  What
Jayway refuses is a `PathProblem`; the little that Jayway knows and this reader does not is an
`UnsupportedPath`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple


class PathProblem(Exception):  # noqa: N818 - not an error of the simulator, but of a path
    """The text is not a path; the problem's text says why."""


class UnsupportedPath(PathProblem):
    """AWS understands the path and this simulator does not; never a wrong answer instead."""


class Step(NamedTuple):
    """One step of a path; ``kind`` is of `DEFINITE`, or an indefinite one that `path_search` knows.

    ``fragment`` is the step as Jayway prints it in its messages.
    """

    kind: str
    argument: Any
    fragment: str


class Path(NamedTuple):
    """``root`` is ``$``, ``$$``, or the name of a variable."""

    root: str
    steps: tuple[Step, ...]


class Operand(NamedTuple):
    """One side of a comparison in a filter: ``item`` (``@``) and ``root`` (``$``) hold steps."""

    kind: str
    value: Any


class Condition(NamedTuple):
    """A filter, or a part of one: a relation, or `and` and `or` (a list), `not` and `exists`."""

    operator: str
    left: Any
    right: Any = None


DEFINITE: Final = frozenset({"name", "index", "merge", "function"})
"""The kinds of step that give one value at most."""

PATH_FUNCTIONS: Final = ("length", "min", "max", "avg", "sum", "stddev", "keys", "first", "last")

# Jayway knows these too.
_OTHER_FUNCTIONS: Final = frozenset({"concat", "append", "index"})
_OTHER_RELATIONS: Final = frozenset({"TYPE", "MATCHES"})

_ROOT: Final = re.compile(r"\$\$|\$([^\W\d_]\w*)?")
_NAME: Final = re.compile(r"[^ .\[(]+")
_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_QUOTED_NAMES: Final = re.compile(rf"\[\s*((?:{_QUOTED})(?:\s*,\s*(?:{_QUOTED}))*)\s*\]", re.DOTALL)
_ONE_QUOTED: Final = re.compile(_QUOTED, re.DOTALL)
_NUMBERS: Final = re.compile(r"\[([\d\s,:-]+)\]", re.ASCII)
_SLICE: Final = re.compile(r"(-?\d+)?:(-?\d+)?(?::(?:-?\d+)?)?", re.ASCII)
_INDEXES: Final = re.compile(r"-?\d+(\s*,\s*-?\d+)*", re.ASCII)
_FROM_END: Final = re.compile(r"\[\s*\(\s*@\.length\s*-\s*(\d+)\s*\)\s*\]", re.ASCII)
_WILDCARD: Final = re.compile(r"\[\s*\*\s*\]")
_FILTER: Final = re.compile(r"\[\s*\?\s*(?=\()")
_FILTER_END: Final = re.compile(r"\s*\]")


def unsupported(what: str) -> UnsupportedPath:
    """The problem of a path that AWS understands and this simulator does not.

    >>> str(unsupported("the filter operator type"))
    'the filter operator type is not supported by the simulator'
    """
    return UnsupportedPath(f"{what} is not supported by the simulator")


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    """Read a path.

    >>> [step.fragment for step in parse("$.a['b c'][0]").steps]
    ["['a']", "['b c']", '[0]']
    >>> parse("$order.lines").root
    'order'
    """
    root = _ROOT.match(text)
    if root is None:
        raise PathProblem("Path must start with '$'")
    name, position = root[1] or root[0], root.end()
    if text[position : position + 1] not in {"", ".", "["}:
        raise PathProblem(f"Illegal character at position {position} expected '.' or '['")
    try:
        return Path(name, _steps(text, position))
    except RecursionError:
        raise unsupported("a filter nested this deep") from None


def _steps(text: str, position: int) -> tuple[Step, ...]:
    if text.endswith("."):
        raise PathProblem("Path must not end with a '.' or '..'")
    steps: list[Step] = []
    while position < len(text):
        scan = text.startswith("..", position)
        position += 2 if scan else text.startswith(".", position)
        step, position = _step(text, position)
        if scan:
            step = _scan(step, last=position == len(text))
        steps.append(step)
    return _checked(steps)


def _step(text: str, position: int) -> tuple[Step, int]:
    char = text[position]
    if char == "[":
        return _bracket(text, position)
    if char == "*":
        return Step("wildcard", None, "[*]"), position + 1
    name = _NAME.match(text, position)
    if name is None:
        raise PathProblem(f"Character '{char}' on position {position} is not valid.")
    after = text[name.end() : name.end() + 1]
    if after == " ":
        raise PathProblem(
            "Use bracket notion ['my prop'] if your property contains blank characters. "
            f"position: {name.end()}"
        )
    if after == "(":
        return _function(text, name[0], name.end())
    return Step("name", name[0], f"['{name[0]}']"), name.end()


def _function(text: str, name: str, position: int) -> tuple[Step, int]:
    end = closing(text, position)
    if name in _OTHER_FUNCTIONS or text[position + 1 : end].strip():
        raise unsupported(f"the path function {text[position - len(name) : end + 1]}")
    if name not in PATH_FUNCTIONS:
        raise PathProblem(f"Function with name: {name} does not exist.")
    return Step("function", name, f".{name}()"), end + 1


def _bracket(text: str, position: int) -> tuple[Step, int]:
    if match := _QUOTED_NAMES.match(text, position):
        return _quoted_names(match[1]), match.end()
    if match := _NUMBERS.match(text, position):
        return _numbers(match[1].strip()), match.end()
    if match := _WILDCARD.match(text, position):
        return Step("wildcard", None, "[*]"), match.end()
    if match := _FROM_END.match(text, position):
        return Step("index", -int(match[1]), f"[-{match[1]}]"), match.end()
    if match := _FILTER.match(text, position):
        end = closing(text, match.end())
        after = _FILTER_END.match(text, end + 1)
        if after:
            return Step("filter", _parse_filter(text[match.end() + 1 : end]), "[?]"), after.end()
    raise PathProblem(f"Could not parse token starting at position {position}. Expected ?, ', 0-9, * ")


def _quoted_names(listed: str) -> Step:
    quoted = _ONE_QUOTED.findall(listed)
    names = tuple(map(unescaped, quoted))
    delimiter = quoted[0][0]
    fragment = "[" + ",".join(f"{delimiter}{name}{delimiter}" for name in names) + "]"
    return Step("name", names[0], fragment) if len(names) == 1 else Step("merge", names, fragment)


def _numbers(listed: str) -> Step:
    if match := _SLICE.fullmatch(listed):
        limits = tuple(int(side) for side in match.groups() if side)
        if not limits:
            raise PathProblem(f"Failed to parse SliceOperation: {listed}")
        kind = "span" if len(limits) == 2 and min(limits) < 0 else "slice"
        return Step(kind, limits, f"[{match[1] or ''}:{match[2] or ''}]")
    if not _INDEXES.fullmatch(listed):
        raise PathProblem(f"Failed to parse ArrayIndexOperation: {listed}")
    numbers = tuple(map(int, listed.split(",")))
    fragment = "[" + ",".join(map(str, numbers)) + "]"
    return Step("index", numbers[0], fragment) if len(numbers) == 1 else Step("indexes", numbers, fragment)


def _scan(step: Step, *, last: bool) -> Step:
    # Jayway drops results of `..` before anything but a name, unless it is the last step.
    if step.kind != "name" and not last:
        raise unsupported(f"'..{step.fragment}' followed by another step")
    if step.kind == "function":
        raise unsupported("a path function after '..'")
    return Step("scan", step, f"..{step.fragment}")


def _checked(steps: list[Step]) -> tuple[Step, ...]:
    for position, step in enumerate(steps[:-1]):
        if step.kind == "function":
            raise unsupported("a step after a path function")
        if step.kind == "merge":
            # Only as the last step do several names make one object.
            steps[position] = step._replace(kind="names")
    if steps and steps[-1].kind == "function" and any(step.kind not in DEFINITE for step in steps):
        raise unsupported("a path function on a path that may find several values")
    return tuple(steps)


def unescaped(quoted: str) -> str:
    r"""The text inside quotes, without its backslashes.

    AWS leaves the backslash before a quote that would not have needed one, where Jayway drops it.

    >>> unescaped(r"'f\'g'"), unescaped(r"'f\"g'")
    ("f'g", 'f\\"g')
    """
    delimiter, inner = quoted[0], quoted[1:-1]
    if "\\" not in inner:
        return inner
    return _ESCAPE.sub(lambda match: _escape(match, delimiter), inner)


_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


def _escape(match: re.Match[str], delimiter: str) -> str:
    escape = match[1]
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    if escape in "'\"" and escape != delimiter:
        return match[0]
    return {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}.get(escape, escape)


def closing(text: str, position: int) -> int:
    """The place of the bracket that closes the one at ``position``; quotes and patterns are skipped.

    >>> closing("(a ')' (b))", 0)
    10
    """
    depth = 0
    for token in _BRACKETS.finditer(text, position):
        depth += (token[0] in "([") - (token[0] in ")]")
        if depth == 0:
            return token.start()
    raise PathProblem(f"Expected close character for '{text[position]}' at position {position}")


_BRACKETS: Final = re.compile(rf"{_QUOTED}|(?<=~)\s*/(?:[^/\\]|\\.)*/|[\[\]()]", re.DOTALL)


# --- filters: [?( ... )] -----------------------------------------------------------------------

_SYMBOL: Final = re.compile(r"\s*(\|\||&&|===|!==|==|!=|<=|>=|<|>|=~|[!()\[\],])")
_WORD: Final = re.compile(r"\s*([A-Za-z]+)(?![\w.])")
_NUMBER: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])", re.ASCII)
_TEXT: Final = re.compile(rf"\s*({_QUOTED})", re.DOTALL)
_PATTERN: Final = re.compile(r"\s*/((?:[^/\\]|\\.)*)/([a-zA-Z]*)", re.DOTALL)
_PATH: Final = re.compile(r"\s*(?=[@$])")
_PATH_PART: Final = re.compile(r"[^\s<>=~!&|()\[\],]+")
_LITERALS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None}
_COMPARISONS: Final = frozenset({"==", "!=", "===", "!==", "<", "<=", ">", ">=", "=~"})
_WORD_RELATIONS: Final = frozenset(
    {"IN", "NIN", "CONTAINS", "ALL", "SIZE", "EMPTY", "SUBSETOF", "ANYOF", "NONEOF"}
)
_FLAGS: Final = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}


class _Cursor:
    """Reads tokens of one filter from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0

    def take(self, token: re.Pattern[str]) -> re.Match[str] | None:
        match = token.match(self.text, self.position)
        if match:
            self.position = match.end()
        return match

    def symbol(self, *wanted: str) -> str | None:
        match = _SYMBOL.match(self.text, self.position)
        if match is None or match[1] not in wanted:
            return None
        self.position = match.end()
        return match[1]

    def problem(self) -> PathProblem:
        return PathProblem(f"Failed to parse filter: [?({self.text})], error on position: {self.position}")


def _parse_filter(text: str) -> Condition:
    cursor = _Cursor(text)
    test = _either(cursor)
    if cursor.text[cursor.position :].strip():
        raise cursor.problem()
    return test


def _either(cursor: _Cursor) -> Condition:
    tests = [_both(cursor)]
    while cursor.symbol("||"):
        tests.append(_both(cursor))
    return Condition("or", tests) if len(tests) > 1 else tests[0]


def _both(cursor: _Cursor) -> Condition:
    tests = [_negated(cursor)]
    while cursor.symbol("&&"):
        tests.append(_negated(cursor))
    return Condition("and", tests) if len(tests) > 1 else tests[0]


def _negated(cursor: _Cursor) -> Condition:
    if cursor.symbol("!"):
        return Condition("not", _negated(cursor))
    if cursor.symbol("("):
        test = _either(cursor)
        if not cursor.symbol(")"):
            raise cursor.problem()
        return test
    return _comparison(cursor)


def _comparison(cursor: _Cursor) -> Condition:
    left = _operand(cursor)
    relation = cursor.symbol(*_COMPARISONS) or _word_relation(cursor)
    if relation:
        return Condition(relation, left, _operand(cursor))
    if left.kind not in {"item", "root"}:
        raise cursor.problem()
    return Condition("exists", left)


def _word_relation(cursor: _Cursor) -> str | None:
    match = cursor.take(_WORD)
    if match is None:
        return None
    word = match[1].upper()
    if word in _OTHER_RELATIONS:
        raise unsupported(f"the filter operator {match[1]}")
    if word not in _WORD_RELATIONS:
        raise cursor.problem()
    return word


def _operand(cursor: _Cursor) -> Operand:
    if cursor.take(_PATH):
        return _path_operand(cursor)
    if match := cursor.take(_TEXT):
        return Operand("literal", unescaped(match[1]))
    if match := cursor.take(_NUMBER):
        number = match[1]
        return Operand("literal", int(number) if number.lstrip("-").isdigit() else float(number))
    if match := cursor.take(_PATTERN):
        return _pattern(match[1], match[2])
    if cursor.symbol("["):
        return _list_operand(cursor)
    match = cursor.take(_WORD)
    if match is None or match[1] not in _LITERALS:
        raise cursor.problem()
    return Operand("literal", _LITERALS[match[1]])


def _list_operand(cursor: _Cursor) -> Operand:
    items: list[Any] = []
    while not cursor.symbol("]"):
        if items and not cursor.symbol(","):
            raise cursor.problem()
        item = _operand(cursor)
        if item.kind != "literal":
            raise unsupported("a path or a pattern inside a list of a filter")
        items.append(item.value)
    return Operand("literal", items)


def _pattern(pattern: str, flags: str) -> Operand:
    if set(flags) - set(_FLAGS):
        raise unsupported(f"the pattern flags '{flags}'")
    try:
        return Operand("pattern", re.compile(pattern, sum(_FLAGS[flag] for flag in flags)))
    except re.error as problem:
        raise unsupported(f"the pattern /{pattern}/ ({problem})") from None


def _path_operand(cursor: _Cursor) -> Operand:
    start = cursor.position
    position = start + 1
    while position < len(cursor.text):
        if match := _PATH_PART.match(cursor.text, position):
            position = match.end()
        elif cursor.text[position] == "[" or (
            # "(" right after a name is a function's; after a path it would be a syntax error anyway.
            cursor.text[position] == "(" and position > start + 1
        ):
            position = closing(cursor.text, position) + 1
        else:
            break
    cursor.position = position
    kind = "item" if cursor.text[start] == "@" else "root"
    return Operand(kind, _steps(cursor.text[start + 1 : position], 0))
