"""API Gateway's mapping templates: the small part of the Velocity Template Language that they use.

References (``$input.json('$.id')``, ``${name}``), ``#set``, ``#if``, ``#foreach`` and comments, with
the variables ``$input``, ``$util``, ``$context`` and ``$stageVariables``.  Anything else is refused,
with its place.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sfnbook.errors import UsageError, did_you_mean, kind_of

if TYPE_CHECKING:
    from sfnbook.values import Json

MOST: Final = 100_000
"""So many steps a template may take; a loop in a loop ends there."""

UNSET: Final[Any] = object()

_NAME: Final = re.compile(r"[A-Za-z_][\w-]*")
_REFERENCE: Final = re.compile(r"\$(!?)(\{?)(?=[A-Za-z_])")
_DIRECTIVE: Final = re.compile(r"#(set|if|elseif|else|end|foreach)\b")
_COMMENT: Final = re.compile(r"##[^\n]*\n?|#\*.*?\*#", re.DOTALL)
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_SPACE: Final = re.compile(r"\s*")


def render(template: str, variables: dict[str, Any]) -> str:
    """The text that a template makes; ``#set`` changes ``variables``.

    >>> render('#set($n = "Ada")Hello $n#if($n == "Bob")!#else, $missing#end', {})
    'Hello Ada, $missing'
    """
    reader = _Reader(template)
    block, stop = reader.block()
    if stop:
        reader.fail(f"#{stop} without an #if or #foreach before it")
    return _Run(variables).text_of(block)


# --- reading ----------------------------------------------------------------------------------------
class _Reader:
    """Template -> nodes, each a tuple whose first item is its kind."""

    def __init__(self, template: str) -> None:
        self.text, self.position = template, 0

    def fail(self, problem: str) -> NoReturn:
        line = self.text.count("\n", 0, self.position) + 1
        column = self.position - self.text.rfind("\n", 0, self.position)
        raise UsageError(f"The mapping template, line {line}, column {column}: {problem}.")

    def block(self) -> tuple[list[Any], str]:
        """The nodes up to a directive that ends a block, and its name."""
        nodes: list[Any] = []
        while self.position < len(self.text):
            if comment := _COMMENT.match(self.text, self.position):
                self.position = comment.end()
            elif directive := _DIRECTIVE.match(self.text, self.position):
                self.position = directive.end()
                if directive[1] in {"elseif", "else", "end"}:
                    return nodes, directive[1]
                nodes.append(DIRECTIVES[directive[1]](self))
            elif _REFERENCE.match(self.text, self.position):
                nodes.append(self.reference())
            else:
                plain = re.compile(r"[^$#]+|[$#]").match(self.text, self.position)
                assert plain is not None  # noqa: S101 - there is a character
                nodes.append(("text", plain[0]))
                self.position = plain.end()
        return nodes, ""

    def set(self) -> Any:
        self.expect("(")
        target = self.reference()
        self.expect("=")
        value = self.expression()
        self.expect(")")
        # The line break after a directive belongs to it.
        if found := re.compile(r"[ \t]*\n").match(self.text, self.position):
            self.position = found.end()
        return ("set", target, value)

    def condition(self) -> Any:
        self.expect("(")
        test = self.expression()
        self.expect(")")
        body, stop = self.block()
        if stop == "elseif":
            return ("if", test, body, [self.condition()])
        otherwise: list[Any] = []
        if stop == "else":
            otherwise, stop = self.block()
        if stop != "end":
            self.fail("an #if has no #end")
        return ("if", test, body, otherwise)

    def loop(self) -> Any:
        self.expect("(")
        variable = self.reference()
        self.expect("in")
        values = self.expression()
        self.expect(")")
        body, stop = self.block()
        if stop != "end":
            self.fail("a #foreach has no #end")
        return ("foreach", variable, values, body)

    def reference(self) -> Any:
        start = self.position
        opening = _REFERENCE.match(self.text, start)
        if opening is None:
            self.fail("a reference such as $name is missing")
        self.position = opening.end()
        name = self.name()
        steps = []
        while (step := self.step()) is not None:
            steps.append(step)
        if opening[2]:
            self.expect("}")
        return ("reference", name, steps, bool(opening[1]), self.text[start : self.position])

    def name(self) -> str:
        found = _NAME.match(self.text, self.position)
        if found is None:
            self.fail("a name is missing")
        self.position = found.end()
        return found[0]

    def step(self) -> Any:
        if self.text.startswith("[", self.position):
            self.position += 1
            index = self.expression()
            self.expect("]")
            return ("get", [index])
        if not re.compile(r"\.[A-Za-z_]").match(self.text, self.position):
            return None
        self.position += 1
        name = self.name()
        return (name, self.several(")")) if self.take("(", here=True) else (name, None)

    def several(self, closing: str) -> list[Any]:
        """Expressions separated by commas, up to a bracket."""
        found = []
        while not self.take(closing):
            found.append(self.expression())
            if not self.take(","):
                self.expect(closing)
                break
        return found

    # --- expressions ------------------------------------------------------------------------------
    def expression(self, level: int = 0) -> Any:
        if level == len(LEVELS):
            return self.operand()
        left = self.expression(level + 1)
        while (sign := next((sign for sign in LEVELS[level] if self.take(sign)), None)) is not None:
            left = ("operator", sign, left, self.expression(level + 1))
        return left

    def operand(self) -> Any:
        if self.take("!"):
            return ("not", self.operand())
        if self.take("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if self.take("["):
            return ("list", self.several("]"))
        if self.take("{"):
            return ("map", self.pairs())
        self.skip()
        if self.text.startswith("$", self.position):
            return self.reference()
        if self.text[self.position : self.position + 1] in {"'", '"'}:
            return self.quoted()
        if number := _NUMBER.match(self.text, self.position):
            self.position = number.end()
            return ("value", float(number[0]) if number[1] else int(number[0]))
        word = self.name()
        if word not in WORDS:
            self.fail(f"{word!r} is no value; a reference begins with $")
        return ("value", WORDS[word])

    def quoted(self) -> Any:
        """Text: in double quotes with references, in single quotes as it is; a doubled quote is one."""
        quote = self.text[self.position]
        found = re.compile(rf"{quote}((?:[^{quote}]|{quote}{quote})*){quote}").match(self.text, self.position)
        if found is None:
            self.fail(f"a text has no closing {quote}")
        self.position = found.end()
        inside = found[1].replace(quote * 2, quote)
        return ("value", inside) if quote == "'" else ("interpolated", _Reader(inside).block()[0])

    def pairs(self) -> list[Any]:
        found = []
        while not self.take("}"):
            key = self.expression()
            self.expect(":")
            found.append((key, self.expression()))
            if not self.take(","):
                self.expect("}")
                break
        return found

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.position)
        self.position = found.end() if found else self.position

    def take(self, sign: str, *, here: bool = False) -> bool:
        if not here:
            self.skip()
        if not self.text.startswith(sign, self.position):
            return False
        # "!" is not the beginning of "!=", nor "<" that of "<=".
        if sign in {"!", "<", ">"} and self.text.startswith("=", self.position + 1):
            return False
        self.position += len(sign)
        return True

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            self.fail(f"{sign!r} is missing")


DIRECTIVES: Final[dict[str, Callable[[_Reader], Any]]] = {
    "foreach": _Reader.loop,
    "if": _Reader.condition,
    "set": _Reader.set,
}
WORDS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}
LEVELS: Final = (("||",), ("&&",), ("==", "!=", "<=", ">=", "<", ">"), ("+", "-"))
"""Operators, the weakest first."""


# --- running ----------------------------------------------------------------------------------------
class _Run:
    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables, self.left = variables, MOST

    def text_of(self, nodes: list[Any]) -> str:
        return "".join(self.node(node) for node in nodes)

    def node(self, node: Any) -> str:
        self.left -= 1
        if self.left < 0:
            raise UsageError(
                f"The mapping template takes more than {MOST:,} steps: a #foreach has too many items."
            )
        match node:
            case ("text", written):
                return str(written)
            case ("reference", _, _, quiet, source):
                value = self.value(node)
                if value is UNSET:
                    return "" if quiet else str(source)
                return shown(value)
            case ("set", target, value):
                self.assign(target, self.value(value))
            case ("if", test, body, otherwise):
                return self.text_of(body if true(self.value(test)) else otherwise)
            case ("foreach", variable, values, body):
                return self.loop(variable[1], self.value(values), body)
        return ""

    def loop(self, name: str, values: Any, body: list[Any]) -> str:
        made = []
        for value in (
            values.values() if isinstance(values, dict) else values if isinstance(values, list) else ()
        ):
            self.variables[name] = value
            made.append(self.text_of(body))
        return "".join(made)

    def assign(self, target: Any, value: Any) -> None:
        _, name, steps, _, source = target
        if not steps:
            self.variables[name] = value
            return
        holder = self.follow(self.variables.get(name, UNSET), steps[:-1])
        if not isinstance(holder, dict) or steps[-1][1] is not None:
            raise UsageError(
                f"The mapping template sets {source}, which is no variable or field of an object."
            )
        holder[steps[-1][0]] = value

    def value(self, node: Any) -> Any:
        match node:
            case ("value", value):
                return value
            case ("interpolated", nodes):
                return self.text_of(nodes)
            case ("list", items):
                return [self.value(item) for item in items]
            case ("map", pairs):
                return {shown(self.value(key)): self.value(value) for key, value in pairs}
            case ("not", inner):
                return not true(self.value(inner))
            case ("operator", sign, left, right):
                return self.operated(sign, left, right)
        return self.follow(self.variables.get(node[1], UNSET), node[2])

    def operated(self, sign: str, left: Any, right: Any) -> Any:
        first = self.value(left)
        if sign in {"&&", "||"}:
            return true(self.value(right)) if true(first) is (sign == "&&") else true(first)
        second = self.value(right)
        if sign == "+" and (isinstance(first, str) or isinstance(second, str)):
            return shown(first) + shown(second)
        try:
            return OPERATORS[sign](first, second)
        except TypeError:
            return False if sign in {"<", ">", "<=", ">="} else UNSET

    def follow(self, value: Any, steps: list[Any]) -> Any:
        for name, arguments in steps:
            if value is UNSET or value is None:
                return UNSET
            if arguments is None:
                value = value.get(name, UNSET) if isinstance(value, Mapping) else UNSET
            else:
                value = called(value, name, [self.value(argument) for argument in arguments])
        return value


OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
}


def true(value: Any) -> bool:
    """Velocity's truth: what is there, and is not false.

    >>> true(""), true(None), true([])
    (True, False, True)
    """
    return value is not UNSET and value is not None and value is not False


def shown(value: Any) -> str:
    """A value as Java prints it.

    >>> shown({"a": [1, True, None]})
    '{a=[1, true, null]}'
    """
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_inner(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inner, value))}]"
    return "" if value is None or value is UNSET else _inner(value)


def _inner(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return shown(value) if isinstance(value, dict | list) else str(value)


# --- methods ----------------------------------------------------------------------------------------
class Methods(dict[str, Any]):
    """An object of API Gateway's: its methods by name (functions) beside its fields."""


def called(value: Any, name: str, arguments: list[Any]) -> Any:
    """Call a method of a value."""
    kind = type(value)
    known: Mapping[str, Any] = value if isinstance(value, Methods) else METHODS.get(kind, {})
    method = known.get(name)
    if not callable(method):
        names = [one for one, each in known.items() if callable(each)]
        whose = "one of API Gateway's own objects" if isinstance(value, Methods) else kind_of(value)
        raise UsageError(f"The mapping template calls .{name}() of {whose}. {did_you_mean(name, names)}")
    try:
        return method(*arguments) if isinstance(value, Methods) else method(value, *arguments)
    except (TypeError, AttributeError, re.error) as problem:
        raise UsageError(
            f"The mapping template calls .{name}({', '.join(map(repr, arguments))}): {problem}."
        ) from None


def _get(value: Any, key: Any) -> Any:
    if isinstance(value, list):
        return value[key] if isinstance(key, int) and -len(value) <= key < len(value) else UNSET
    return value.get(key, UNSET)


_JAVA_GROUP: Final = re.compile(r"\\(.)|\$(\d)")


def _replace_all(value: str, pattern: str, new: str) -> str:
    """Java's replaceAll: ``$1`` is a group, a backslash makes the next character plain."""
    written = _JAVA_GROUP.sub(
        lambda found: rf"\g<{found[2]}>" if found[2] else found[1].replace("\\", r"\\"), new
    )
    return re.sub(pattern, written, value)


_SHARED: Final[dict[str, Callable[..., Any]]] = {
    "equals": operator.eq,
    "isEmpty": lambda value: not value,
    "toString": shown,
}
METHODS: Final[dict[type, dict[str, Callable[..., Any]]]] = {
    str: {
        **_SHARED,
        "contains": lambda value, part: part in value,
        "endsWith": str.endswith,
        "equalsIgnoreCase": lambda value, other: value.casefold() == other.casefold(),
        "indexOf": str.find,
        "length": len,
        "matches": lambda value, pattern: re.fullmatch(pattern, value) is not None,
        "replace": str.replace,
        "replaceAll": _replace_all,
        "split": lambda value, pattern: re.split(pattern, value),
        "startsWith": str.startswith,
        "substring": lambda value, first, last=None: value[first:last],
        "toLowerCase": str.lower,
        "toUpperCase": str.upper,
        "trim": str.strip,
    },
    dict: {
        **_SHARED,
        "containsKey": lambda value, key: key in value,
        "entrySet": lambda value: [{"key": key, "value": one} for key, one in value.items()],
        "get": _get,
        "keySet": lambda value: [*value],
        "put": lambda value, key, one: value.__setitem__(key, one),
        "size": len,
        "values": lambda value: [*value.values()],
    },
    list: {
        **_SHARED,
        "add": lambda value, one: value.append(one),
        "contains": lambda value, one: one in value,
        "get": _get,
        "size": len,
    },
    **{kind: dict(_SHARED) for kind in (int, float, bool)},
}
"""The methods of values that templates call."""
