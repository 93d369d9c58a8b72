"""The graph of a state machine: which state can follow which, and on what condition.

`edges` reads the ways out of the states of one block; the picture is laid out from it, and
`graph` puts the blocks together for networkx.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sfnbook.definition import inner_blocks
from sfnbook.values import escape_pointer, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    import networkx as nx

    from sfnbook.definition import Definition, State
    from sfnbook.values import Json

NEXT: Final = "next"
CHOICE: Final = "choice"
DEFAULT: Final = "default"
CATCH: Final = "catch"
START: Final = "start"


class Edge(NamedTuple):
    """A way from one state to another, both as pointers.

    ``kind`` is "next", "choice", "default", "catch" or "start"; ``number`` is the place of the
    rule or catcher among its like.  Ways that share source and target are one edge with one
    line of ``label`` each; a Catch stays apart from the rest.
    """

    source: str
    target: str
    kind: str
    label: str = ""
    number: int = 0


def graph(definition: Definition) -> nx.DiGraph[str]:
    """All states, inner ones included, with the ways between them.

    A node is a state's pointer.  A Parallel or Map leads by "start" edges to where its blocks
    begin, so everything that can be reached is reachable in the graph too.

    >>> from sfnbook.parse import definition
    >>> machine = graph(definition({"StartAt": "A", "States": {
    ...     "A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}}))
    >>> list(machine.edges(data="kind")), machine.nodes["/States/B"]["end"]
    ([('/States/A', '/States/B', 'next')], True)
    """
    import networkx as nx  # noqa: PLC0415 - heavy

    drawn: nx.DiGraph[str] = nx.DiGraph(start=_pointer(definition, definition.start_at))
    _add_block(drawn, definition, None)
    return drawn


def _add_block(drawn: nx.DiGraph[str], block: Definition, container: str | None) -> None:
    for state in block.states.values():
        drawn.add_node(state.pointer, **_attributes(state, block, container))
    for edge in edges(block):
        _add_edge(drawn, edge)
    for state in block.states.values():
        for inner in inner_blocks(state):
            _add_block(drawn, inner, state.pointer)
            _add_edge(drawn, Edge(state.pointer, _pointer(inner, inner.start_at), START))


def _attributes(state: State, block: Definition, container: str | None) -> dict[str, Any]:
    return {
        "name": state.name,
        "type": state.type,
        "container": container,
        "block": block.pointer,
        "comment": state.comment,
        "end": state.end or state.type in {"Succeed", "Fail"},
    }


def _add_edge(drawn: nx.DiGraph[str], edge: Edge) -> None:
    """A DiGraph has room for one edge between two states: a Catch joins the label of the first."""
    if drawn.has_edge(edge.source, edge.target):
        found = drawn.edges[edge.source, edge.target]
        found["label"] = _lines(found["label"], edge.label)
        found["kinds"] += (edge.kind,)
    else:
        drawn.add_edge(
            edge.source, edge.target, kind=edge.kind, kinds=(edge.kind,), label=edge.label, index=edge.number
        )


def edges(block: Definition) -> list[Edge]:
    r"""The ways between the states of one block, in the order in which they are tried.

    >>> from sfnbook.parse import definition
    >>> loop = definition({"StartAt": "Again?", "States": {"Again?": {"Type": "Choice", "Choices": [
    ...     {"Variable": "$.count", "NumericLessThan": 5, "Next": "Again?"}], "Default": "Again?"}}})
    >>> edges(loop)[0].label
    '$.count < 5\nDefault'
    """
    found: dict[tuple[str, str, bool], Edge] = {}
    for state in block.states.values():
        for kind, label, target, index in _ways_out(state):
            if target in block.states:
                edge = Edge(state.pointer, _pointer(block, target), kind, label, index)
                key = (edge.source, edge.target, kind == CATCH)
                first = found.get(key)
                found[key] = first._replace(label=_lines(first.label, label)) if first else edge
    return list(found.values())


def _ways_out(state: State) -> Iterator[tuple[str, str, str, int]]:
    """Kind, label, name of the target and index of each way out of a state."""
    if state.next is not None:
        yield NEXT, "", state.next, 0
    for index, rule in enumerate(getattr(state, "choices", ())):
        yield CHOICE, condition(rule.rule), rule.next, index
    if getattr(state, "default", None) is not None:
        yield DEFAULT, "Default", state.default, 0  # type: ignore[attr-defined]
    for index, catcher in enumerate(getattr(state, "catch", ())):
        yield CATCH, ", ".join(catcher.error_equals), catcher.next, index


def _lines(*labels: str) -> str:
    return "\n".join(label for label in labels if label)


def _pointer(block: Definition, name: str) -> str:
    return f"{block.pointer}/States/{escape_pointer(name)}"


SIGNS: Final[dict[str, str]] = {
    "Equals": "==",
    "LessThan": "<",
    "LessThanEquals": "<=",
    "GreaterThan": ">",
    "GreaterThanEquals": ">=",
    "Matches": "matches",
}
_COMPARISON: Final = re.compile(rf"(?:Boolean|Numeric|String|Timestamp)({'|'.join(SIGNS)})(?:Path)?$")


def condition(rule: Json) -> str:
    """A Choice rule in a few characters.

    >>> condition({"Variable": "$.count", "NumericLessThan": 5})
    '$.count < 5'
    >>> condition({"Not": {"Variable": "$.error", "IsPresent": True}})
    'not $.error is present'
    >>> condition("{% $states.input.count < 5 %}")
    '$states.input.count < 5'
    """
    if isinstance(rule, str):
        return " ".join(rule.strip().removeprefix("{%").removesuffix("%}").split())
    if not isinstance(rule, dict):
        return text(rule)
    for word in ("And", "Or"):
        if word in rule:
            return f" {word.lower()} ".join(map(_operand, rule[word]))
    if "Not" in rule:
        return f"not {_operand(rule['Not'])}"
    tests = [
        _test(name, value) for name, value in rule.items() if name not in {"Variable", "Next", "Comment"}
    ]
    return " ".join([str(rule.get("Variable", "")), *tests]).strip()


def _operand(rule: Json) -> str:
    words = condition(rule)
    return f"({words})" if isinstance(rule, dict) and ("And" in rule or "Or" in rule) else words


def _test(operator: str, value: Json) -> str:
    if operator.startswith("Is"):
        kind = operator.removeprefix("Is").lower()
        return f"is {kind}" if value else f"is not {kind}"
    found = _COMPARISON.match(operator)
    sign = SIGNS[found[1]] if found else operator
    return f"{sign} {value if operator.endswith('Path') else text(value)}"
