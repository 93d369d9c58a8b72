"""Definitions as wholes: what is valid, warnings, texts, the recorded verdicts of AWS, and laws."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnbook import positions, source
from sfnbook.definition import STATE_TYPES
from sfnbook.errors import DefinitionError, UsageError
from sfnbook.parse import definition
from sfnbook.validation import diagnose, validate, variable_references
from sfnbook.validation.states import STATES
from tests.definitions import (
    CATCH,
    CONDITION,
    LAMBDA,
    READ,
    RETRY,
    WRITE,
    choosing,
    distributed,
    errors,
    jsonata,
    machine,
    mapping,
    passing,
    reading,
    task,
    waiting,
)

SHARED = Path(__file__).resolve().parents[1].parent / "shared"

VALID = {
    "next and end false": machine({"Type": "Pass", "Next": "Z", "End": False}),
    "nulls": passing(InputPath=None, OutputPath=None, ResultPath=None, Result=None),
    "context and variable": passing(InputPath="$$.Execution", OutputPath="$x.y[0]"),
    "error paths": machine(
        {"Type": "Fail", "ErrorPath": "States.Format('{}', $.e)", "CausePath": "$$.State.Name"}
    ),
    "zero attempts": task(
        Retry=[RETRY | {"MaxAttempts": 0, "BackoffRate": 1, "MaxDelaySeconds": 1, "Comment": ""}]
    ),
    "all alone": task(Retry=[RETRY, {"ErrorEquals": ["States.ALL"]}], Catch=[CATCH]),
    "loop inside": mapping(
        ItemProcessor={
            "StartAt": "A",
            "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}},
        }
    ),
    "reader without distributed": mapping(
        ItemReader={"Resource": READ, "ReaderConfig": {"InputType": "JSON"}}
    ),
    "distributed": distributed(
        Label="L",
        ItemReader={
            "Resource": READ,
            "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
            "Parameters": {"Bucket.$": "$.b"},
        },
        ItemBatcher={"MaxItemsPerBatch": 5},
        ResultWriter=WRITE,
        ToleratedFailurePercentage=12.5,
    ),
    "distributed may reuse names": mapping(
        Assign={"x": 1},
        ItemProcessor={
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "In",
            "States": {"In": {"Type": "Pass", "End": True, "Assign": {"x": 2}}},
        },
    ),
    "siblings share names": machine(
        {
            "Type": "Parallel",
            "End": True,
            "Branches": [
                {"StartAt": n, "States": {n: {"Type": "Pass", "End": True, "Assign": {"x": 1}}}} for n in "AB"
            ],
        }
    ),
    "nested rule": choosing(
        {
            "And": [
                {"Or": [{"Not": {"Variable": "$.a", "IsPresent": True}}]},
                {"Variable": "$x", "StringEqualsPath": "$$.State.Name"},
            ],
            "Next": "Z",
        }
    ),
    "JSONata": jsonata(
        task(
            Arguments={"a": "{% $states.input.a %}"},
            Output="{% $states.result %}",
            TimeoutSeconds="{% 5 %}",
            Credentials={"RoleArn": "{% $role %}"},
            Assign={"x": "{% $states.result.x %}"},
            Catch=[CATCH | {"Output": "{% $states.errorOutput %}"}],
        )
    ),
    "JSONata choice": jsonata(choosing(CONDITION, {"Condition": False, "Next": "Z"})),
    "JSONata wait": jsonata(waiting(Timestamp="{% $now() %}")),
    "JSONata state": machine(
        {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"a": "{% 1 %}"}, "End": True}
    ),
    "unicode variable": passing(Assign={"größe_1": 1}),
    **{
        f"resource {arn}": task(Resource=arn)
        for arn in (
            "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "arn:aws-cn:states:::states:startExecution.sync:2",
            "arn:aws:states:::aws-sdk:dynamodb:query",
            "arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken",
            "arn:aws:states:us-east-1:111111111111:activity:a",
            "arn:aws:states:::ecs:runTask.sync",
            "arn:aws:states:::http:invoke",
            f"{LAMBDA}:3",
            "arn:aws:states:::batch:submitJob.sync",
        )
    },
}


@pytest.mark.parametrize("built", VALID.values(), ids=VALID)
def test_valid(built):
    assert errors(built) == []
    definition(built)


PLACEHOLDERS = {
    "seconds": waiting(Seconds="${Seconds}"),
    "timestamp": waiting(Timestamp="${When}"),
    "resource": task(Resource="${Function}"),
    "part of a resource": task(Resource="arn:aws:states:::${Service}:${Action}"),
    "path": passing(InputPath="${Path}", Parameters={"a.$": "${Path}", "b": [{"c.$": "$.${Name}"}]}),
    "next": {
        "StartAt": "S",
        "States": {
            "S": {"Type": "Pass", "Next": "${Next}"},
            "Y": {"Type": "Succeed"},
            "Z": {"Type": "Succeed"},
        },
    },
    "start": {"StartAt": "${Start}", "States": {"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}}},
    "type": machine({"Type": "${Type}", "Foo": 1}),
    "retry": task(
        Retry=[RETRY | {"IntervalSeconds": "${I}", "ErrorEquals": ["${E}"], "JitterStrategy": "${J}"}]
    ),
    "whole retry": task(Retry="${Retry}"),
    "rule": choosing({"And": [{"Variable": "$.n", "NumericEquals": "${N}"}], "Next": "Z"}),
    "expression": jsonata(passing(Output="{% ${Number} + 1 %}")),
    "label": distributed(Label="${Label}"),
    "input type": reading(InputType="${Type}"),
    "language": passing(QueryLanguage="${Language}"),
    "concurrency": mapping(MaxConcurrency="${N}", ToleratedFailurePercentage="${P}"),
}


@pytest.mark.parametrize("built", PLACEHOLDERS.values(), ids=PLACEHOLDERS)
def test_a_placeholder_is_no_false_alarm(built):
    assert errors(built) == []


# -- warnings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("built", "code", "pointer"),
    [
        (passing(Parameters={"a": {"b": ["x", {"c": "$.d"}]}}), "NO_DOLLAR", "/States/S/Parameters/a/b[1]/c"),
        (passing(Assign={"a": "States.UUID()"}), "NO_DOLLAR", "/States/S/Assign/a"),
        (passing(Result={"a.$": "$.b"}), "PASS_RESULT_IS_STATIC", "/States/S/Result/a.$"),
        (passing(Result="$.b"), "PASS_RESULT_IS_STATIC", "/States/S/Result"),
        (machine({"Type": "Fail", "Cause": "$.cause"}), "NO_PATH", "/States/S/Cause"),
        (
            choosing({"Variable": "$.a", "StringEquals": "$.b", "Next": "Z"}),
            "NO_PATH",
            "/States/S/Choices[0]/StringEquals",
        ),
        (
            distributed(ItemBatcher={"MaxItemsPerBatch": 1, "BatchInput": {"a": "$.b"}}),
            "NO_DOLLAR",
            "/States/S/ItemBatcher/BatchInput/a",
        ),
        (passing(InputPath="$.a[?(@.b TYPE 'x')]"), "NOT_SIMULATED", "/States/S/InputPath"),
        (passing(InputPath="$nobody"), "POSSIBLY_UNDEFINED_VARIABLE", "/States/S"),
        (jsonata(passing(Output="{% $nobody %}")), "POSSIBLY_UNDEFINED_VARIABLE", "/States/S"),
        (
            mapping(
                ItemProcessor={
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "In",
                    "States": {"In": {"Type": "Pass", "End": True, "OutputPath": "$x"}},
                },
                Assign={"x": 1},
            ),
            "POSSIBLY_UNDEFINED_VARIABLE",
            "/States/S/ItemProcessor/States/In",
        ),
    ],
)
def test_warnings(built, code, pointer):
    (found,) = diagnose(built)
    assert (found.severity, found.code, found.pointer) == ("WARNING", code, pointer)


@pytest.mark.parametrize(
    "built",
    [
        passing(
            Parameters={"price": "$5.00", "name": "$dollar", "a.$": "$.b"}, Result={"a": "States of matter"}
        ),
        jsonata(passing(Output={"a": "$.b"})),
        machine({"Type": "Fail", "Cause": "It costs $.50 and more"}),
        passing(Assign={"x": 1, "y.$": "$x"}, OutputPath="$x"),
        jsonata(
            passing(
                Assign={"x": 1}, Output="{% ($y := $x; $map([1], function($v) { $v + $y + $count([]) })) %}"
            )
        ),
        mapping(
            Assign={"x": 1},
            ItemProcessor={
                "StartAt": "In",
                "States": {"In": {"Type": "Pass", "End": True, "InputPath": "$x"}},
            },
        ),
    ],
    ids=["money", "JSONata", "prose", "assigned", "bound", "outer"],
)
def test_no_warnings(built):
    assert diagnose(built) == []


REFERENCES = {
    "fields": (passing(InputPath="$a.b", OutputPath="$c[0]", ResultPath="$.d"), {"S": ["a", "c"]}),
    "templates": (
        passing(Parameters={"x.$": "States.Format('$no {}', $a)", "SomePath": "$no", "y": [{"z.$": "$b.c"}]}),
        {"S": ["a", "b"]},
    ),
    "a result is static": (passing(Result={"x.$": "$no", "InputPath": "$no"}), {}),
    "rules": (
        choosing(
            {"And": [{"Variable": "$a", "NumericEqualsPath": "$b"}], "Next": "Z", "Assign": {"c.$": "$d"}}
        ),
        {"S": ["a", "b", "d"]},
    ),
    "catchers": (task(Catch=[CATCH | {"Assign": {"x.$": "$a"}}]), {"S": ["a"]}),
    "context and input": (passing(InputPath="$$.Execution", Parameters={"x.$": "$.a"}), {}),
    "JSONata": (jsonata(passing(Output="{% $a %}")), {}),
    "garbage": ({"States": {"A": 5, "B": {"InputPath": 5, "OutputPath": "$a[["}}}, {}),
}


@pytest.mark.parametrize(("built", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_variable_references(built, expected):
    assert variable_references(built) == expected


# -- texts ----------------------------------------------------------------------------------


def test_line_and_column():
    text = '{"StartAt": "A",\n "States": {"A": {"Type": "Wait",\n  "Seconds": -1,\n  "Next": "B"}}}'
    found = {diagnostic.pointer: (diagnostic.line, diagnostic.column) for diagnostic in validate(text)}
    assert found == {"/States/A/Seconds": (3, 14), "/States/A/Next": (4, 11), None: (None, None)}


def test_the_place_of_what_is_not_in_the_text_is_around_it():
    (found,) = validate('{"StartAt": "S",\n "States": {"S": {"Type": "Succeed",\n "End": true}}}')
    assert (found.pointer, found.line) == ("/States/S", 2)


def test_keys_that_occur_twice():
    text = """{"StartAt": "A",
        "States": {"A": {"Type": "Fail", "Cause": "", "Cause": ""},
        "A": {"Type": "Succeed"}}}"""
    assert [(found.code, found.message, found.line) for found in validate(text)] == [
        ("INVALID_JSON_DESCRIPTION", "Duplicate field 'Cause'", 2),
        ("DUPLICATE_STATE_NAME", "Duplicate State name: A", 3),
    ]


@pytest.mark.parametrize(
    "given_as", ['{"a": ', "{a}", " ", "a: [\nb", '{"a":' * 9999, "[" * 9999 + "\n]", [], 5, None]
)
def test_what_cannot_be_read_is_one_diagnostic(given_as):
    (found,) = validate(given_as)
    assert found.severity == "ERROR"


def test_a_missing_file_is_no_bad_definition():
    with pytest.raises(UsageError, match="no file"):
        validate("nowhere.asl.json")


def test_a_text_longer_than_aws_takes_is_a_warning():
    text = json.dumps(passing(Result="x" * 1024 * 1024))
    (found,) = validate(text)
    assert found.severity == "WARNING"


def test_a_valid_text_is_not_read_for_places(monkeypatch):
    monkeypatch.setattr(positions, "of_json", lambda _text: pytest.fail("places were computed"))
    assert validate(json.dumps(passing())) == []


def test_the_workflow_type_of_a_description_counts():
    built = task(Resource="arn:aws:states:::ecs:runTask.sync")
    described = {"stateMachineArn": "arn:aws:states:::stateMachine:m", "definition": json.dumps(built)}
    assert validate(described) == []
    assert len(validate(described | {"type": "EXPRESS"})) == 1
    assert len(validate(built, workflow_type="EXPRESS")) == 1


# -- the shared cases -----------------------------------------------------------------------


def shared(pattern):
    return sorted(SHARED.glob(pattern)) or [
        pytest.param(None, marks=pytest.mark.skip(reason="no shared data"))
    ]


def of(path):
    return path.stem[-60:] if isinstance(path, Path) else "absent"


def verdict(case):
    if "definition" in case:
        return validate(case["definition"], workflow_type=case["workflow_type"])
    try:
        return validate(source.from_text(case["definition_text"]))
    except DefinitionError as problem:
        return problem.diagnostics


@pytest.mark.parametrize("path", shared("conformance/cases/validation/**/*.json"), ids=of)
def test_recorded_verdicts(path):
    case = json.loads(path.read_text())
    expected = case["expect"]
    found = [diagnostic for diagnostic in verdict(case) if diagnostic.severity == "ERROR"]
    assert bool(found) is not expected["valid"]
    if "exception" in expected:
        (only,) = found
        told = f"Invalid State Machine Definition: '{only.code}: {only.message} at {only.pointer}'"
        assert told == expected["exception"]["message"]
    if "diagnostics" in expected:
        assert [
            {"code": each.code, "location": each.pointer, "message": each.message, "severity": each.severity}
            for each in found
        ] == expected["diagnostics"]
    if "variableReferences" in expected:
        assert variable_references(case["definition"]) == expected["variableReferences"]


# AWS is recorded, or described in the language's own documents, where it differs from the linter.
LINTER_DIFFERS = {
    "valid-task-credentials": "AWS requires RoleArn in Credentials (recorded)",
    "valid-map-with-item-batcher-jsonata": "no JSONPath state in a JSONata machine (recorded)",
    "invalid-jsonata-surround-syntax-no-spaces": "blanks inside {% %} are not required",
}


@pytest.mark.parametrize("path", shared("conformance/lint/*.json"), ids=of)
def test_linted(path):
    name = path.stem.removesuffix(".asl")
    fine = not [found for found in validate(path) if found.severity == "ERROR"]
    assert fine is (name.startswith("valid-") ^ (name in LINTER_DIFFERS))


@pytest.mark.parametrize("area", shared("conformance/cases/execution/*"), ids=of)
def test_recorded_executions_have_valid_definitions(area):
    for path in area.rglob("*.json"):
        case = json.loads(path.read_text())
        assert errors(case["definition"], workflow_type=case["workflow_type"]) == [], path


@pytest.mark.parametrize("path", [*shared("samples/*.json"), *shared("bench/workloads/*.json")], ids=of)
def test_real_machines_are_valid(path):
    data = json.loads(path.read_text())
    assert errors(data.get("definition", data)) == []


# -- laws -----------------------------------------------------------------------------------

FIELDS = sorted({name for shape in STATES.values() for name in shape.fields})
WORDS = st.sampled_from(
    [
        "$",
        "$.a",
        "$$",
        "$x",
        "States.UUID()",
        "{% 1 %}",
        "{% a %}",
        "{%",
        "A",
        "B",
        "",
        "${P}",
        LAMBDA,
        "States.ALL",
        "JSONata",
        "JSONPath",
        "DISTRIBUTED",
        "EXPRESS",
        "CSV",
        "GIVEN",
    ]
)
NAMES = st.sampled_from(
    [*FIELDS, "StartAt", "States", "ErrorEquals", "And", "Not", "Condition", "ReaderConfig", "a.$", "A"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)
any_state = st.builds(
    lambda kind, fields: fields | {"Type": kind},
    st.sampled_from(list(STATE_TYPES)),
    st.dictionaries(st.sampled_from(FIELDS), anything, max_size=6),
)
any_machine = st.fixed_dictionaries(
    {
        "StartAt": WORDS,
        "States": st.dictionaries(st.sampled_from(["A", "B", "C"]), any_state | anything, max_size=3),
    },
    optional={"QueryLanguage": WORDS, "Version": anything, "TimeoutSeconds": anything},
)


@given(anything | any_machine)
@settings(max_examples=300, deadline=None)
def test_nothing_makes_diagnosing_fail(value):
    before = repr(value)
    found = diagnose(value)
    assert repr(value) == before
    assert all(diagnostic.message and diagnostic.code for diagnostic in found)
    variable_references(value)


@given(any_machine)
@settings(max_examples=200, deadline=None)
def test_what_has_no_error_can_be_parsed(value):
    if not errors(value) and not source.read(json.loads(json.dumps(value))).placeholders:
        assert set(definition(value).states) == set(value["States"])


@given(any_machine, st.sampled_from([None, 1]))
@settings(max_examples=100, deadline=None)
def test_every_finding_in_a_text_has_a_place(value, indent):
    text = json.dumps(value, indent=indent)
    for found in validate(text):
        inside = found.pointer is not None or found.code == "INVALID_JSON_DESCRIPTION"
        assert (found.line is not None) is inside


def test_the_tables_have_the_fields_of_the_dataclasses():
    for kind, shape in STATES.items():
        known = {name.lower().replace("_", "") for name in STATE_TYPES[kind].__dataclass_fields__}
        extra = {"type", "processorconfig", "iterator"}
        assert {name.lower() for name in shape.fields} - known <= extra, kind
