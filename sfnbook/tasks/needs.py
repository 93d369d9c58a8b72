"""What a definition reads of a value: a tree of members and items, made from paths and expressions.

A `Need` is read off the text alone: ``$.order.items[0].price`` used in ``States.MathAdd`` needs an
object, in it a list, in that an object with a number.  Where an expression only passes on what it
reads, what is needed of its outcome is needed of its source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sfnbook.query import intrinsics, jsonata, jsonata_library
from sfnbook.query.jsonata_compile import children
from sfnbook.query.path_syntax import PathProblem
from sfnbook.query.path_syntax import parse as parse_path

if TYPE_CHECKING:
    from sfnbook.values import Json

Steps: TypeAlias = "tuple[str | int | None, ...]"
"""Names, indexes, and None for every item."""

EVERY: Final = None

DEEPEST: Final = 16
"""A loop may nest what it reads without end; nobody reads deeper than this."""


class Option(NamedTuple):
    """A value that a Choice tells from others; ``score`` is 0 if it leads to a good end."""

    value: Json
    score: int


@dataclass(eq=False, slots=True)
class Need:
    """What is read of one value.

    ``kinds`` are words of `KINDS`; ``options``, by Choice, the values that it tells apart, the best
    first; ``parsed`` is needed of the JSON that a text holds; ``split`` the characters at which
    a text is split, and into how many parts.
    """

    members: dict[str, Need] = field(default_factory=dict)
    items: dict[int | None, Need] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    options: dict[str, tuple[Option, ...]] = field(default_factory=dict)
    parsed: Need | None = None
    split: tuple[str, int] | None = None

    def take(self, other: Need, depth: int = 0) -> bool:
        """Need all that another one needs, too; did that change anything?"""
        if depth > DEEPEST:
            return False
        changed = not (
            other.kinds <= self.kinds
            and other.options.keys() <= self.options.keys()
            and other.members.keys() <= self.members.keys()
            and other.items.keys() <= self.items.keys()
        )
        self.kinds |= other.kinds
        self.options = {**other.options, **self.options}
        for name, need in other.members.items():
            changed |= self.members.setdefault(name, Need()).take(need, depth + 1)
        for index, need in other.items.items():
            changed |= self.items.setdefault(index, Need()).take(need, depth + 1)
        if other.parsed is not None:
            changed |= self.parsed is None
            self.parsed = Need() if self.parsed is None else self.parsed
            changed |= self.parsed.take(other.parsed, depth + 1)
        if other.split and (self.split is None or self.split[1] < other.split[1]):
            self.split, changed = other.split, True
        return changed

    def at(self, steps: Steps) -> Need:
        """What is needed of what stands under these steps; nothing if nothing is."""
        found: Need | None = self
        for step in steps:
            found = found and (found.members.get(step) if isinstance(step, str) else found.item(step))
        return found or Need()

    def item(self, index: int | None) -> Need:
        """What is needed of one item, or of every one."""
        found = Need()
        for key in {index, EVERY} if index is not EVERY else self.items:
            found.take(self.items.get(key, Need()))
        return found

    def without(self, steps: Steps) -> Need:
        """The same need, but for what stands under these steps."""
        if not steps or steps[0] not in self.members:
            return Need() if not steps else self
        first, *rest = steps
        left = {name: need for name, need in self.members.items() if name != first}
        if rest:
            # Something is put into it, so it is an object.
            left[str(first)] = used_as("object")
            left[str(first)].take(self.members[str(first)].without(tuple(rest)))
        return Need(left, self.items, self.kinds, self.options, self.parsed, self.split)

    def __bool__(self) -> bool:
        found = (self.members, self.items, self.kinds, self.options, self.split)
        return any(found) or self.parsed is not None


KINDS: Final = (
    "array", "object", "larger", "number", "boolean", "timestamp", "seconds", "base64", "digits",
    "algorithm", "text", "null",
)  # fmt: skip
"""What a value is used as; where it is used in several ways, the first word decides."""


def used_as(*kinds: str) -> Need:
    """A value that is used in this way."""
    return Need(kinds=set(kinds))


def under(steps: Steps, need: Need) -> Need:
    """The need of a value under whose steps that need stands.

    >>> under(("a", 0), used_as("text")).members["a"].items[0].kinds
    {'text'}
    """
    for step in reversed(steps[:DEEPEST]):
        need = Need(members={step: need}) if isinstance(step, str) else Need(items={step: need})
    return need


class Read(NamedTuple):
    """An expression reads ``need`` under ``steps`` of a root.

    Roots are ``$`` (what a JSONPath field works on), ``$$`` (the context object), ``input`` and
    ``result`` (of ``$states``), and ``$name`` for a variable.
    """

    root: str
    steps: Steps
    need: Need


Reads: TypeAlias = Iterator[Read]


# --- JSONPath ---------------------------------------------------------------------------------------
def of_path(path: str, need: Need) -> Reads:
    """What a path reads; what follows an indefinite step is needed of every item.

    >>> [(read.root, read.steps) for read in of_path("$order.lines[*].id", Need())]
    [('$order', ('lines', None, 'id'))]
    """
    try:
        root, path_steps = parse_path(path)
    except PathProblem:
        return
    root = root if root in {"$", "$$"} else f"${root}"
    steps: list[str | int | None] = []
    several = False
    for step in path_steps:
        if step.kind == "merge":
            for name in step.argument:
                yield Read(root, (*steps, name), need.members.get(name, Need()))
            return
        if step.kind == "function":
            numbers = step.argument in {"min", "max", "avg", "sum", "stddev"}
            need = Need(items={EVERY: used_as("number")}) if numbers else used_as("array")
            break
        if step.kind in {"name", "index"}:
            steps.append(step.argument)
        elif step.kind == "scan":
            return
        else:
            # An indefinite path gives a list: what is needed of its items is needed of each that it finds.
            need = need if several else need.item(EVERY)
            steps.append(EVERY)
            several = True
    yield Read(root, tuple(steps), need)


def of_value(expression: str, need: Need) -> Reads:
    """What a ``.$`` value reads: a path or an intrinsic function."""
    if not intrinsics.is_intrinsic(expression):
        yield from of_path(expression, need)
        return
    try:
        yield from _of_call(intrinsics.parse(expression), need)
    except intrinsics.BadCall:
        return


def _of_call(call: Any, need: Need) -> Reads:
    passed = INTRINSICS.get(call.name, _texts)
    for argument, wanted in zip(call.arguments, passed(need, call.arguments), strict=False):
        if argument.kind == "path":
            yield from of_path(argument.value, wanted)
        elif argument.kind == "call":
            yield from _of_call(argument.value, wanted)


def _texts(_need: Need, arguments: Any) -> list[Need]:
    return [used_as("text") for _ in arguments]


def _each(*kinds: str) -> Callable[[Need, Any], list[Need]]:
    return lambda _need, _arguments: [used_as(kind) if kind else Need() for kind in kinds]


def _get_item(need: Need, arguments: Any) -> list[Need]:
    index = arguments[1].value if arguments[1].kind == "literal" else EVERY
    return [under((index if isinstance(index, int) else EVERY,), need), used_as("number")]


def _split(need: Need, arguments: Any) -> list[Need]:
    parts = 1 + max((index for index in need.items if index is not None), default=1)
    characters = arguments[1].value if arguments[1].kind == "literal" else ","
    return [Need(split=(str(characters), parts)), used_as("text")]


INTRINSICS: Final[dict[str, Callable[[Need, Any], list[Need]]]] = {
    "States.StringToJson": lambda need, _arguments: [Need(parsed=need)],
    "States.JsonToString": lambda need, _arguments: [need.parsed or Need()],
    "States.Array": lambda need, arguments: [need.item(index) for index in range(len(arguments))],
    "States.ArrayPartition": lambda need, _arguments: [
        under((EVERY,), need.item(EVERY).item(EVERY)),
        used_as("number"),
    ],
    "States.ArrayContains": _each("array", ""),
    "States.ArrayRange": _each("number", "larger", "number"),
    "States.ArrayGetItem": _get_item,
    "States.ArrayLength": _each("array"),
    "States.ArrayUnique": lambda need, _arguments: [under((EVERY,), need.item(EVERY))],
    "States.Base64Decode": _each("base64"),
    "States.JsonMerge": lambda need, _arguments: [_object(need), _object(need), Need()],
    "States.Hash": _each("text", "algorithm"),
    "States.MathRandom": _each("number", "larger", "number"),
    "States.MathAdd": _each("number", "number"),
    "States.StringSplit": _split,
}
"""What each function needs of its arguments, given what is needed of its outcome; others: texts."""


def _object(need: Need) -> Need:
    return Need(members=dict(need.members), kinds={"object"})


# --- JSONata ----------------------------------------------------------------------------------------
def of_expression(text: str, need: Need) -> Reads:
    """What a JSONata expression reads.

    >>> [(read.root, read.steps) for read in of_expression("{% $states.result.n + $limit %}", Need())]
    [('result', ('n',)), ('$limit', ())]
    """
    try:
        tree = jsonata.program(jsonata.bare(text)).tree
    except jsonata_library.NotJsonata:
        return
    yield from of_tree(tree, need)


def of_tree(tree: Any, need: Need) -> Reads:
    """What a parse tree reads."""
    place = place_of(tree)
    if place is not None:
        yield Read(*place, need)
    for part, wanted in _parts(tree, need):
        yield from of_tree(part, wanted)


def place_of(tree: Any) -> tuple[str, Steps] | None:
    """The root and the steps of a plain path; predicates take any item."""
    steps = list(tree.steps) if tree.type == "path" else [tree]
    first = steps.pop(0)
    if first.type != "variable" or first.value in {"", "$"}:
        return None
    found: list[str | int | None] = list(_indexes(first.predicate))
    for step in steps:
        if step.type not in {"name", "string"}:
            break
        found += [str(step.value), *_indexes(step.stages)]
    if first.value != "states":
        return f"${first.value}", tuple(found)
    if not found:
        return None
    root = "$$" if found[0] == "context" else str(found[0])
    return root, tuple(found[1:])


def _indexes(filters: Any) -> Iterator[int | None]:
    for stage in filters or ():
        expr = getattr(stage, "expr", None)
        yield expr.value if expr is not None and type(expr.value) is int else EVERY


def _parts(tree: Any, need: Need) -> Iterable[tuple[Any, Need]]:
    """The trees inside a tree, each with what is needed of it."""
    inside = PARTS.get(tree.type)
    return [(part, Need()) for part in children(tree)] if inside is None else inside(tree, need)


def _of_steps(tree: Any, _need: Need) -> Iterator[tuple[Any, Need]]:
    if place_of(tree) is None:
        yield from ((step, Need()) for step in tree.steps)
        return
    for step in tree.steps:
        yield from ((part, Need()) for part in children(step))


def _of_constructor(tree: Any, need: Need) -> Iterator[tuple[Any, Need]]:
    if tree.value == "[":
        for index, part in enumerate(tree.expressions):
            yield part, need.item(index)
    elif tree.value == "{":
        for key, value in tree.lhs_object:
            yield key, used_as("text")
            yield value, need.members.get(str(key.value), Need()) if key.type == "string" else Need()
    else:
        yield tree.expression, used_as("number")


def _of_condition(tree: Any, need: Need) -> Iterator[tuple[Any, Need]]:
    yield tree.condition, Need()
    for part in (tree.then, tree._else):  # noqa: SLF001 - the library's name, as else is a keyword
        if part is not None:
            yield part, need


def _of_block(tree: Any, need: Need) -> Iterator[tuple[Any, Need]]:
    for part in tree.expressions:
        yield part, need if part is tree.expressions[-1] else Need()


LITERALS: Final = {"number": "number", "string": "text"}


def _operands(tree: Any, _need: Need) -> Iterator[tuple[Any, Need]]:
    for part, other in ((tree.lhs, tree.rhs), (tree.rhs, tree.lhs)):
        kind = OPERATORS.get(str(tree.value), "") or LITERALS.get(other.type, "")
        yield part, used_as(kind) if kind else Need()


OPERATORS: Final = {**dict.fromkeys("+-*/%", "number"), **dict.fromkeys(("and", "or"), "boolean")}


def _arguments(tree: Any, _need: Need) -> Iterator[tuple[Any, Need]]:
    wanted = FUNCTIONS.get(str(tree.procedure.value), ())
    for number, part in enumerate(tree.arguments):
        yield part, _as_argument(wanted[number]) if number < len(wanted) else Need()


PARTS: Final[dict[str, Callable[[Any, Need], Iterator[tuple[Any, Need]]]]] = {
    "binary": _operands,
    "block": _of_block,
    "condition": _of_condition,
    "function": _arguments,
    "path": _of_steps,
    "unary": _of_constructor,
    "variable": lambda _tree, _need: iter(()),
}
"""How need passes to the parts of a tree; to those of another kind it does not."""


FUNCTIONS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("sum", "max", "min", "average"), ("numbers",)),
    **dict.fromkeys(
        ("append", "count", "distinct", "filter", "map", "reduce", "reverse", "sort", "zip"), ("array",)
    ),
    **dict.fromkeys(("each", "keys", "lookup", "sift", "spread"), ("object",)),
    **dict.fromkeys(("abs", "ceil", "floor", "fromMillis", "power", "round", "sqrt"), ("number",)),
    **dict.fromkeys(
        ("contains", "lowercase", "match", "pad", "replace", "split", "substring", "trim", "uppercase"),
        ("text",),
    ),
    "base64decode": ("base64",),
    "hash": ("text", "algorithm"),
    "join": ("texts",),
    "merge": ("objects",),
    "not": ("boolean",),
    "number": ("digits",),
    "parse": ("json",),
    "partition": ("array", "number"),
    "random": ("number",),
    "range": ("number", "larger", "number"),
    "toMillis": ("timestamp",),
}
"""What a function needs of its arguments: words of `KINDS`, lists of them, or JSON text."""


def _as_argument(word: str) -> Need:
    if word == "json":
        return Need(parsed=Need())
    one = word.removesuffix("s")
    return used_as(word) if one == word else under((EVERY,), used_as(one))


# --- templates --------------------------------------------------------------------------------------
def of_template(template: Json, need: Need, language: str) -> Reads:
    """What a payload template reads, given what is needed of what it makes.

    >>> made = Need(members={"id": used_as("text")})
    >>> [(read.steps, read.need.kinds) for read in of_template({"id.$": "$.order"}, made, "JSONPath")]
    [(('order',), {'text'})]
    """
    if isinstance(template, dict):
        for key, value in template.items():
            name = key.removesuffix(".$") if language == "JSONPath" else key
            wanted = need.members.get(name, Need())
            if name != key and isinstance(value, str):
                yield from of_value(value, wanted)
            else:
                yield from of_template(value, wanted, language)
    elif isinstance(template, list):
        for index, value in enumerate(template):
            yield from of_template(value, need.item(index), language)
    elif language != "JSONPath" and jsonata.is_expression(template):
        yield from of_expression(str(template), need)


ATTRIBUTES: Final = {"S": "text", "N": "digits", "B": "base64", "BOOL": "boolean"}
SETS: Final = {"SS": "text", "NS": "digits", "BS": "base64"}
"""DynamoDB's types of attribute values; it is sent numbers as text."""


def of_attributes(template: Json) -> Need:
    """What DynamoDB needs of the attribute values in a Task's parameters.

    >>> needs = of_attributes({"Key": {"id": {"N.$": "$.id"}}})
    >>> needs.members["Key"].members["id"].members["N"].kinds
    {'digits'}
    """
    if isinstance(template, list):
        return Need(items={index: of_attributes(value) for index, value in enumerate(template)})
    members: dict[str, Need] = {}
    for key, value in template.items() if isinstance(template, dict) else ():
        name = key.removesuffix(".$")
        if len(template) == 1 and name in ATTRIBUTES:
            members[name] = used_as(ATTRIBUTES[name])
        elif len(template) == 1 and name in SETS:
            members[name] = Need(items={0: used_as(SETS[name])})
        else:
            members[name] = of_attributes(value)
    return Need(members=members)


def gathered(reads: Iterable[Read], root: str) -> Need:
    """All that is read of one root."""
    found = Need()
    for read in reads:
        if read.root == root:
            found.take(under(read.steps, read.need))
    return found
