"""The library, bent to AWS's rules: parses, evaluates within limits, and words its errors as AWS does.

AWS runs JSONata 2.0.6 in JavaScript; ``jsonata-python`` is a port by way of Java.  What the two
do differently is replaced here on one interpreter object, never in the library's classes, so
that other users of the library in the same process notice nothing.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import re
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sfnbook.query import jsonata_functions as functions
from sfnbook.query import jsonata_values as operators
from sfnbook.query.jsonata_compile import DEEPEST, UNDEFINED
from sfnbook.query.jsonata_functions import LARGEST_SEQUENCE, LARGEST_VALUE, MEMORY, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from sfnbook.query.environment import Environment
    from sfnbook.values import Json

TIME_LIMIT: Final = 5.0
"""Seconds.  AWS allows one, but the library needs tens of times longer than AWS for the same
expression, and refusing what AWS evaluates would be worse than a runaway that ends late."""

STACK: Final = (
    "Stack overflow error: Check for non-terminating recursive function.  "
    "Consider rewriting as tail-recursive"
)
TIMEOUT: Final = "Expression evaluation timeout: Check for infinite loop"


class NotJsonata(Exception):  # noqa: N818 - carries a parser's message
    """A text is no JSONata 2.0.6; ``message`` is what the parser says of it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class EvaluationError(Exception):
    """An expression threw; the message begins with the punctuation that AWS puts before it."""


class _Alarm(BaseException):
    """Time is up inside one call of the library, where nothing else is asked."""


class _Engine(threading.local):
    """A parser and an interpreter with AWS's functions; one a thread, as the library's are."""

    def __init__(self) -> None:
        module = functions.library()
        self.library = module.Jsonata
        self.null = module.Utils.NULL_VALUE
        self.parser = module.Parser()
        _refuse_later_operators(self.parser)
        with self.current(None):
            self.interpreter = _interpreter(self.parser)
        self.globals = self.library.Frame(None)
        self.globals.bindings = self._functions()

    @contextlib.contextmanager
    def current(self, interpreter: Any) -> Iterator[None]:
        """Make an interpreter the one that the library works with in this thread, for a while."""
        holder = self.library.CURRENT
        before = getattr(holder, "jsonata", None)
        if interpreter is not None:
            holder.jsonata = interpreter
        try:
            yield
        finally:
            holder.__dict__.pop("jsonata", None)
            if before is not None:
                holder.jsonata = before

    def _functions(self) -> dict[str, Any]:
        found = {
            name: self._copied(function) for name, function in self.library.static_frame.bindings.items()
        }
        del found["eval"]
        return found | {name: self.native(name, *entry) for name, entry in functions.FUNCTIONS.items()}

    def _copied(self, function: Any) -> Any:
        twin = copy.copy(function)
        twin.signature = copy.copy(function.signature)
        return self._knowing_null(twin)

    def native(self, name: str, function: Any, signature: str) -> Any:
        """A function of ours as one of the library's."""
        made = self.library.JFunction(self.library.JLambda(function), signature)
        made.function_name = made.signature.function_name = name
        made.get_number_of_args = made.signature.get_number_of_args
        return self._knowing_null(made)

    def _knowing_null(self, function: Any) -> Any:
        # The library's signatures take null for a missing argument, so that $count(null) is 0.
        signature, null = function.signature, self.null
        symbol = signature.get_symbol
        signature.get_symbol = lambda value: "l" if value is null else symbol(value)
        signature.throw_validation_error = functools.partial(_mismatch, signature)
        return function


def _mismatch(signature: Any, _arguments: Any, supplied: str, name: str) -> NoReturn:
    """Name the first argument that does not fit; the library names the first one of all."""
    pattern, fitting = "", 0
    for parameter in signature._params:  # noqa: SLF001 - the library keeps them nowhere else
        pattern += parameter.regex
        found = re.match(pattern, supplied)
        if not found:
            break
        fitting = found.end()
    refuse("T0410", fitting + 1, name)


engine: Final = functools.cache(_Engine)
"""The engine, made (and the library imported) at the first use."""


def _refuse_later_operators(parser: Any) -> None:
    infix: Any = functions.library().Parser.Infix

    class Later(infix):  # type: ignore[misc]
        """``??`` and ``?:`` came with 2.1; to 2.0.6 each is a ``?`` and something that cannot follow."""

        def nud(self) -> Any:
            raise functions.library().JException("S0211", self.position - 1, self.value[0])

        def led(self, _left: Any) -> Any:
            raise functions.library().JException("S0211", self.position, self.value[1])

    for operator in ("??", "?:"):
        later = Later(parser, operator)
        later.lbp = parser.symbol_table["?"].lbp
        parser.symbol_table[operator] = later


def _interpreter(parser: Any) -> Any:
    """The library's interpreter with the operators of `jsonata_values`."""
    made = functions.library().Jsonata("null")
    made.parser = parser
    call, binary = made.apply_inner, made.evaluate_binary

    def apply_inner(function: Any, arguments: Any, context: Any, frame: Any) -> Any:
        if not made.is_function_like(function):
            refuse("T1006")  # the library says so too, but prints first
        return call(function, arguments, context, frame)

    def evaluate_binary(tree: Any, context: Any, frame: Any) -> Any:
        if tree.value not in ("and", "or"):
            return binary(tree, context, frame)
        if made.boolize(made.eval(tree.lhs, context, frame)) is (tree.value == "or"):
            return tree.value == "or"
        try:
            return made.boolize(made.eval(tree.rhs, context, frame))
        except functions.library().JException as problem:
            problem.token = tree.value  # a slip of 2.0.6: the operator stands in for the function's name
            raise

    made.apply_inner = apply_inner
    made.evaluate_binary = evaluate_binary
    made.evaluate_numeric_expression = _arithmetic
    made.evaluate_range_expression = _range
    made.evaluate_string_concat = lambda left, right: _printed(left) + _printed(right)
    made.evaluate_equality_expression = _equality
    made.evaluate_includes_expression = lambda left, right: (
        left is not None and right is not None and operators.contains(right, left)
    )
    return made


def _arithmetic(left: Any, right: Any, operator: str) -> Any:
    for code, operand in (("T2001", left), ("T2002", right)):
        if operand is not None and (not operators.is_number(operand) or operand != operand):  # noqa: PLR0124 - NaN
            refuse(code, operator, operand)
        if operand is not None and abs(operand) == float("inf"):
            refuse("D1001", operand)
    return None if left is None or right is None else operators.ARITHMETIC[operator](left, right)


def _equality(left: Any, right: Any, operator: str) -> bool:
    return left is not None and right is not None and operators.equal(left, right) is (operator == "=")


def _range(first: Any, last: Any) -> Any:
    for code, end in (("T2003", first), ("T2004", last)):
        if end is not None and type(end) is not int:
            refuse(code, end)
    if first is None or last is None or first > last:
        return None
    count = last - first + 1
    if count > LARGEST_SEQUENCE:
        refuse("D2014", count) if count > 1e7 else refuse(MEMORY)
    return list(range(first, last + 1))


def _printed(value: Any) -> str:
    return "" if value is None else str(functions.string_(value))


@contextlib.contextmanager
def _deep_stack() -> Iterator[None]:
    """Room for AWS's 100 levels, each of which is up to ten calls in the library."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 10_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


# Parsing.


def parse(source: str) -> Any:
    """The library's parse tree of an expression, or NotJsonata.

    >>> parse("1 + 2").type
    'binary'
    """
    parser = engine().parser
    parser.ancestry, parser.errors = [], []
    parser.ancestor_label = parser.ancestor_index = 0
    try:
        with _deep_stack():
            return parser.parse(source, _regex)
    except functions.library().JException as problem:
        raise NotJsonata(_sentence(problem)) from None
    except RecursionError:
        raise NotJsonata(STACK) from None
    except Exception as problem:  # noqa: BLE001 - the library's parser stumbles over bad text in many ways
        raise NotJsonata(_stumble(source, problem)) from None


def _stumble(source: str, problem: Exception) -> str:
    if isinstance(problem, KeyError):
        return f"Unknown operator: {_json(problem.args[0])}"
    if isinstance(problem, re.error):
        return f"Invalid regular expression: {problem}"
    if isinstance(problem, IndexError):
        unclosed = source.rfind("/*") > source.rfind("*/")
        return "Comment has no closing tag" if unclosed else "Unexpected end of expression"
    return f"Syntax error: {problem}"


def _regex(pattern: str, flags: Any) -> Any:
    options = (re.IGNORECASE if flags.case_insensitive else 0) | (re.MULTILINE if flags.multiline else 0)
    return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", pattern), options)


@functools.cache
def built_in() -> frozenset[str]:
    """The names of all functions that an expression may call."""
    return frozenset(engine().globals.bindings) | functions.DRAWN


# Evaluating.


def evaluate(
    tree: Any, states: Mapping[str, Json], env: Environment, names: frozenset[str], location: str
) -> Any:
    """What a tree evaluates to, or UNDEFINED; raises EvaluationError, NotJson for a function, or Internal.

    ``names`` are the variables that the tree mentions, and ``states`` the value of ``$states``.
    """
    library = engine()
    frame = library.library.Frame(library.globals)
    try:
        frame.bindings = _bounds() | _bindings(states, env, names, location)
        with library.current(library.interpreter), _deep_stack(), _alarm():
            result = library.interpreter.eval(tree, None, frame)
            return UNDEFINED if result is None else functions.from_library(result)
    except (functions.NotJson, functions.Internal):
        raise
    except (_Alarm, Exception) as problem:  # noqa: BLE001 - whatever the library stumbles over is the expression's
        raise EvaluationError(_worded(problem)) from None


def _bindings(
    states: Mapping[str, Json], env: Environment, names: frozenset[str], location: str
) -> dict[str, Any]:
    bound: dict[str, Any] = {}
    if names & functions.DRAWN:
        library = engine()
        drawing = functions.drawing(env, location)
        bound = {name: library.native(name, *entry) for name, entry in drawing.items()}
    variables = {name: env.variables[name] for name in names if name in env.variables}
    if "states" in names:
        variables["states"] = dict(states)
    return bound | {name: functions.to_library(value) for name, value in variables.items()}


_LARGEST: Final = {True: LARGEST_VALUE, False: LARGEST_SEQUENCE}


def _bounds() -> dict[str, Any]:
    """What the library calls before and after each step: AWS's limits on depth, time and memory."""
    depth, deadline = 0, time.monotonic() + TIME_LIMIT

    def enter(_tree: Any, _context: Any, _frame: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            refuse(STACK)
        if time.monotonic() > deadline:
            refuse(TIMEOUT)

    def leave(_tree: Any, _context: Any, _frame: Any, result: Any) -> None:
        nonlocal depth
        depth -= 1
        if isinstance(result, (str, list)) and len(result) > _LARGEST[isinstance(result, str)]:
            refuse(MEMORY)

    return {"__evaluate_entry": enter, "__evaluate_exit": leave}


_RUNAWAY: Final = re.compile(r"[+*}|][^()]*\)+[+*{]")
"""A repetition or a choice inside a repeated group: what makes a regular expression run for ever."""


def may_hang(pattern: str) -> bool:
    """May this regular expression hang, here where no alarm can stop it?"""
    return not _can_alarm() and bool(_RUNAWAY.search(pattern))


def _can_alarm() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    """Ends what runs too long without coming back to `_bounds`: regular expressions above all.

    The timer of used processor time is one that nobody else sets; still, a handler that is not
    the default is left alone.
    """
    if not _can_alarm() or signal.getsignal(signal.SIGVTALRM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGVTALRM, _ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, TIME_LIMIT, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise _Alarm


# Wording.

UNCODED: Final = {
    "Second argument of replace function cannot be an empty string": "D3010: ",
    "Fourth argument of replace function must evaluate to a positive number": "D3011: ",
}
"""What the library says without JSONata's code."""


def _worded(problem: BaseException) -> str:
    if isinstance(problem, functions.library().JException):
        known = problem.error in problem.error_codes
        text = f"{problem.error}: {_sentence(problem)}" if known else str(problem.error)
        text = UNCODED.get(text, "") + text
        return (". " if re.match(r"[A-Z]\d{4}: ", text) else ": ") + text
    bare = {_Alarm: TIMEOUT, RecursionError: STACK, MemoryError: MEMORY}
    return ": " + bare.get(type(problem), str(problem))


_PLACE: Final = re.compile(r"\{\{\{(\w+)\}\}\}|\{\{(\w+)\}\}")

_ELEMENTS: Final = {
    "a": "arrays", "b": "booleans", "f": "functions", "n": "numbers", "o": "objects", "s": "strings"
}  # fmt: skip


_DETAIL: Final = {"D1002": "expected", "D3100": "location"}
"""Where the library puts the one detail of an error, if not first."""


def _sentence(problem: Any) -> str:
    """The message of JSONata itself; in the library's catalogue "function" has become "Object"."""
    error = problem.error
    if error == "S0301" and problem.current is not None:
        error = "S0103"  # the library gives an unknown escape the code of an empty regular expression
    template = problem.error_codes.get(error, error).replace("Object", "function")
    details = iter([problem.current, problem.expected, _ELEMENTS.get(problem.extra, problem.extra)])
    if error in _DETAIL:
        details = iter([getattr(problem, _DETAIL[error])])
    token = getattr(problem, "token", None)

    def fill(place: re.Match[str]) -> str:
        detail = next(details, None)
        if token is not None and "token" in place.groups():
            detail = token
        return str(detail) if place[1] else _json(detail)

    return _PLACE.sub(fill, template)


def _json(value: Any) -> str:
    return operators.string([functions.from_library(value, printed=True)])[1:-1]
