"""The graph: which ways there are, what they are called, that none is lost."""

import networkx as nx
import pytest

from sfnbook import parse
from sfnbook.drawing.graph import condition, edges, graph

PASS = {"Type": "Pass", "End": True}


def machine(states, start="A"):
    return parse.definition({"StartAt": start, "States": states})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param({"Variable": "$.count", "NumericLessThan": 5}, "$.count < 5", id="number"),
        pytest.param({"Variable": "$.s", "StringEquals": "DONE"}, '$.s == "DONE"', id="text-in-quotes"),
        pytest.param(
            {"Variable": "$.n", "NumericGreaterThanEqualsPath": "$.least"}, "$.n >= $.least", id="path"
        ),
        pytest.param({"Variable": "$.s", "StringMatches": "a*"}, '$.s matches "a*"', id="matches"),
        pytest.param({"Variable": "$.b", "BooleanEquals": False}, "$.b == false", id="boolean"),
        pytest.param({"Variable": "$.x", "IsPresent": True}, "$.x is present", id="is"),
        pytest.param({"Variable": "$.x", "IsNumeric": False}, "$.x is not numeric", id="is-not"),
        pytest.param(
            {"And": [{"Variable": "$.a", "IsNull": True}, {"Variable": "$.b", "NumericEquals": 1}]},
            "$.a is null and $.b == 1",
            id="and",
        ),
        pytest.param(
            {
                "And": [
                    {"Or": [{"Variable": "$.a", "IsNull": True}, {"Variable": "$.b", "IsNull": True}]},
                    {"Not": {"Variable": "$.c", "IsNull": True}},
                ]
            },
            "($.a is null or $.b is null) and not $.c is null",
            id="nested",
        ),
        pytest.param("{%  $states.input.n\n < 5 %}", "$states.input.n < 5", id="jsonata"),
        pytest.param({"Variable": "$.x", "StringSoundsLike": "b"}, '$.x StringSoundsLike "b"', id="unknown"),
    ],
)
def test_a_rule_is_condensed(rule, words):
    assert condition(rule) == words


def test_nodes_know_what_and_where_they_are():
    drawn = graph(
        machine(
            {
                "A": {"Type": "Pass", "Comment": "first", "Next": "M/x"},
                "M/x": {"Type": "Map", "ItemProcessor": {"StartAt": "B", "States": {"B": PASS}}, "End": True},
            }
        )
    )
    assert drawn.nodes["/States/A"] == {
        "name": "A",
        "type": "Pass",
        "container": None,
        "block": "",
        "comment": "first",
        "end": False,
    }
    inner = drawn.nodes["/States/M~1x/ItemProcessor/States/B"]
    assert (inner["container"], inner["block"]) == ("/States/M~1x", "/States/M~1x/ItemProcessor")
    assert inner["end"]


def test_edges_have_kinds_labels_and_indices():
    drawn = graph(
        machine(
            {
                "A": {
                    "Type": "Task",
                    "Resource": "r",
                    "Catch": [
                        {"ErrorEquals": ["X"], "Next": "C"},
                        {"ErrorEquals": ["Y", "States.ALL"], "Next": "D"},
                    ],
                    "Next": "B",
                },
                "B": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "C"}],
                    "Default": "D",
                },
                "C": PASS,
                "D": {"Type": "Fail"},
            }
        )
    )
    found = {
        (a[-1], b[-1]): (data["kind"], data["label"], data["index"]) for a, b, data in drawn.edges(data=True)
    }
    assert found == {
        ("A", "B"): ("next", "", 0),
        ("A", "C"): ("catch", "X", 0),
        ("A", "D"): ("catch", "Y, States.ALL", 1),
        ("B", "C"): ("choice", "$.n == 1", 0),
        ("B", "D"): ("default", "Default", 0),
    }


def test_parallel_edges_keep_every_label():
    definition = machine(
        {
            "A": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.n", "NumericEquals": 1, "Next": "B"},
                    {"Variable": "$.n", "NumericEquals": 2, "Next": "B"},
                ],
                "Default": "B",
            },
            "B": {
                "Type": "Task",
                "Resource": "r",
                "Next": "C",
                "Catch": [{"ErrorEquals": ["X"], "Next": "C"}],
            },
            "C": PASS,
        }
    )
    drawn = graph(definition)
    assert drawn.edges["/States/A", "/States/B"]["label"] == "$.n == 1\n$.n == 2\nDefault"
    assert drawn.edges["/States/B", "/States/C"]["kinds"] == ("next", "catch")
    assert drawn.edges["/States/B", "/States/C"]["label"] == "X"
    assert [edge.kind for edge in edges(definition) if edge.target == "/States/C"] == ["next", "catch"]


def test_everything_that_can_be_reached_is_reachable_in_the_graph():
    block = {"StartAt": "L", "States": {"L": {"Type": "Pass", "Next": "R"}, "R": PASS}}
    definition = machine(
        {"A": {"Type": "Parallel", "Branches": [block, block], "Next": "B"}, "B": {"Type": "Succeed"}}
    )
    drawn = graph(definition)
    assert drawn.graph["start"] == "/States/A"
    assert nx.descendants(drawn, "/States/A") == set(drawn) - {"/States/A"}
    assert drawn.edges["/States/A", "/States/A/Branches/1/States/L"]["kind"] == "start"
    assert set(drawn) == {state.pointer for state in definition.walk()}
