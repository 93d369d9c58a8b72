"""Reading definitions: texts, files, dicts, describe-state-machine, placeholders, places."""

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook import positions, yamltext
from sfnbook.errors import DefinitionError, UsageError
from sfnbook.source import MAX_FILE_BYTES, Source, deeper_than, from_text, read

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
TEXT = json.dumps(PASS, indent=2)
YAML = "StartAt: A\nStates:\n  A:\n    Type: Pass\n    End: true\n"

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def unreadable(text):
    with pytest.raises(DefinitionError) as raised:
        from_text(text)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "INVALID_JSON_DESCRIPTION"
    return diagnostic


@pytest.mark.parametrize("given_as", [PASS, TEXT, json.dumps(PASS), "\ufeff" + TEXT, YAML], ids=range(5))
def test_every_way_of_giving_a_definition_reads_the_same(given_as):
    assert read(given_as).data == PASS


@pytest.mark.parametrize(("name", "text"), [("a.asl.json", TEXT), ("a.yaml", YAML), ("a", "\ufeff" + TEXT)])
def test_files(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read(path).data == read(str(path)).data == PASS


def test_a_dict_is_copied():
    mine = json.loads(TEXT)
    source = read(mine)
    mine["States"]["A"]["Type"] = "Wait"
    assert source.data == PASS
    assert source.text is None
    assert source.position("/States") is None


def test_a_source_is_read_once():
    source = read(TEXT)
    assert read(source) is source
    assert pickle.loads(pickle.dumps(source)) == source


@pytest.mark.parametrize("blanks", ["", "  ", "\n\t\n"])
def test_blanks_are_a_text_without_a_definition(blanks):
    assert read(blanks) == Source(None, blanks)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (5, "not int"),
        (None, "not NoneType"),
        ({"a": {1, 2}}, "is not JSON"),
        ({"a": float("nan")}, "is not JSON"),
        ("no\x00where.json", "cannot be read"),
        ("x" * 5000, r"\.\.\.' cannot be read"),
    ],
    ids=["number", "none", "set", "nan", "null byte", "long"],
)
def test_what_is_no_definition_at_all(bad, says):
    with pytest.raises(UsageError, match=says):
        read(bad)


def test_a_missing_file_names_its_neighbours(tmp_path):
    (tmp_path / "order.asl.json").write_text(TEXT)
    with pytest.raises(UsageError, match=r"no file '.*ordre.asl.json'. Did you mean 'order.asl.json'\?"):
        read(tmp_path / "ordre.asl.json")
    with pytest.raises(UsageError, match="no folder"):
        read(tmp_path / "nowhere" / "a.json")
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path)


def test_a_huge_or_binary_file_is_refused(tmp_path):
    huge, binary = tmp_path / "huge.json", tmp_path / "binary.json"
    with huge.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    binary.write_bytes(b"\xff\xfe{}")
    with pytest.raises(UsageError, match="8,388,609 bytes"):
        read(huge)
    with pytest.raises(UsageError, match="not a UTF-8 text"):
        read(binary)


# -- describe-state-machine -----------------------------------------------------------------

ARN = "arn:aws:states:us-east-1:111111111111:stateMachine:Order"
ROLE = "arn:aws:iam::111111111111:role/r"


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("more", "name", "kind"),
    [({"name": "Order", "type": "EXPRESS"}, "Order", "EXPRESS"), ({}, "Order", None)],
    ids=["describe-state-machine", "for-execution"],
)
def test_descriptions(as_text, more, name, kind):
    inner = '{"StartAt": "A",\n "States": {"A": {"Type": "Wait", "Seconds": ${Wait}, "End": true}}}'
    described = {"stateMachineArn": ARN, "roleArn": ROLE, "definition": inner, **more}
    source = read(json.dumps(described) if as_text else described, substitutions={"Wait": 5})
    assert source.data["States"]["A"]["Seconds"] == 5
    assert (source.name, source.arn, source.type, source.role_arn) == (name, ARN, kind, ROLE)
    assert source.position("/States") == (2, 12)


# -- placeholders ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ('{"a": ${N}}', {"N": 5}, {"a": 5}),
        ('{"a": ${N}}', {"N": "x"}, {"a": "x"}),
        ('{"a": ${N}}', {"N": {"b": [None]}}, {"a": {"b": [None]}}),
        ('{"a": "${N}"}', {"N": 'quo"te\\'}, {"a": 'quo"te\\'}),
        ('{"a": "x${N}y${N}"}', {"N": 5}, {"a": "x5y5"}),
        ('{"${N}": "\\"${N}"}', {"N": "k"}, {"k": '"k'}),
        ('{"a": "${AWS::Region}-${Q.Arn}"}', {"AWS::Region": "eu", "Q.Arn": "z"}, {"a": "eu-z"}),
        ("a: ${N}\nb: '${N}'\nc: x-${N}", {"N": 5}, {"a": 5, "b": "5", "c": "x-5"}),
        ({"a": ["x${N}", "${N}"]}, {"N": 5}, {"a": ["x5", 5]}),
    ],
    ids=range(9),
)
def test_substitutions(text, given, expected):
    source = read(text, substitutions=given)
    assert source.data == expected
    assert source.placeholders == ()


@pytest.mark.parametrize(
    "source",
    [
        '{"a": "${One} ${Two}", "b": "${One}${Three}"}',
        {"a": "${One} ${Two}", "b": "${One}${Three}"},
        "a: ${One} ${Two}\nb: ${One}${Three}",
    ],
    ids=["json", "dict", "yaml"],
)
def test_unfilled_placeholders_stay_in_order(source):
    assert read(source).placeholders == ("One", "Two", "Three")
    filled = read(source, substitutions={"Two": "2"})
    assert filled.placeholders == ("One", "Three")
    assert filled.data["a"] == "${One} 2"


@pytest.mark.parametrize(
    "source", ['{"a": "${Timeout}"}', {"a": "${Timeout}"}, "a: ${Timeout}\nb: 1"], ids=str
)
def test_an_unknown_substitution_names_the_nearest(source):
    with pytest.raises(UsageError, match=r"no placeholder \$\{Timeuot\}; the nearest is \$\{Timeout\}"):
        read(source, substitutions={"Timeuot": 1})


def test_a_substitution_must_be_json():
    with pytest.raises(UsageError, match="substitution for N is not JSON"):
        read('{"a": ${N}}', substitutions={"N": object()})


def test_an_unfilled_placeholder_outside_quotes_is_named():
    diagnostic = unreadable('{"a": "${Quoted}",\n "TimeoutSeconds": ${Timeout}}')
    assert "${Timeout}" in diagnostic.message
    assert 'substitutions={"Timeout": ...}' in diagnostic.message
    assert (diagnostic.line, diagnostic.column) == (2, 20)


# -- texts that cannot be read --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("rubbish here", "Unrecognized token 'rubbish': was expecting (JSON String, Number,", 8),
        ("{a: 1}", "Unexpected character ('a' (code 97)): was expecting double-quote to start field name", 3),
        ('{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field", 7),
        ('{"a":1 "b"}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object", 9),
        ('{"a":[1 2]}', "Unexpected character ('2' (code 50)): was expecting comma to separate Array", 10),
        ('{"a":"x', "Unexpected end-of-input: was expecting closing quote for a string value", 8),
        (
            '{"a":[',
            (
                "Unexpected end-of-input: expected close marker for Array "
                '(start marker at [Source: (String)"{"a":["; line: 1, column: 6])'
            ),
            7,
        ),
        ('{"a":', "Unexpected end-of-input within/between Object entries", 6),
        ('{"a"', "Unexpected end-of-input within/between Object entries", 5),
        ('{"a":[1,', "Unexpected end-of-input within/between Array entries", 9),
        ('{"a":"\\q"}', "Unrecognized character escape 'q' (code 113)", 9),
        ('{"a":]}', "Unexpected character (']' (code 93)): expected a valid value", 7),
    ],
)
def test_unreadable_json_is_told_as_aws_tells_it(text, message, column):
    diagnostic = unreadable(text)
    assert diagnostic.message.startswith(message)
    assert diagnostic.pointer == f'[Source: (String)"{text}"; line: 1, column: {column}]'
    assert diagnostic.message.endswith(f"\n at {diagnostic.pointer}")
    assert diagnostic.line == 1


def test_a_long_text_is_cut_in_the_message():
    diagnostic = unreadable("{" + " " * 600 + "x")
    assert "[truncated 102 chars]" in diagnostic.pointer
    assert len(diagnostic.message) < 1300


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('{"a":' * 10_000, 501),
        ("[" * 10_000, 101),
        ('{"NaN": NaN}', 9),
        ('{"a": -Infinity}', 7),
        ('{"a": ' + "9" * 5000 + "}", 7),
    ],
    ids=["objects", "arrays", "nan", "infinity", "digits"],
)
def test_json_that_python_alone_could_not_tell_about(text, column):
    diagnostic = unreadable(text)
    assert diagnostic.message.startswith("The definition ")
    assert (diagnostic.line, diagnostic.column) == (1, column)


@pytest.mark.parametrize(
    ("text", "says", "place"),
    [
        ("A: 1\nB: !Sub x", "The YAML tag !Sub is not evaluated", (2, 4)),
        ("A: !!python/object:os.system x\n", "is not evaluated", (1, 4)),
        ("A: 1\nB: [\n", "did not find expected", (3, 1)),
        ("A: *nothing\n", "alias *nothing stands for nothing yet", (1, 4)),
        ("A: &a [*a]\n", "alias *a stands for nothing yet", (1, 8)),
        ("A: .inf\n", "has no JSON form", (1, 4)),
        # Beyond 1,000 levels libyaml itself may refuse, in words of its own.
        ("A: " + "[" * 900 + "]" * 900, "nested too deeply", (1, 504)),
        ("A:\n  <<: 5\n", "Only a mapping can be merged", (3, 1)),
    ],
    ids=range(8),
)
def test_unreadable_yaml(text, says, place):
    diagnostic = unreadable(text)
    assert says in diagnostic.message
    assert (diagnostic.line, diagnostic.column) == place


@pytest.mark.parametrize(
    "step", ["a{0}: &a{0} [{1}]", "a{0}: &a{0} {{<<: [{1}], x: 1}}"], ids=["sequence", "merge"]
)
def test_aliases_cannot_explode(step):
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [step.format(n, ", ".join([f"*a{n - 1}"] * 10)) for n in range(1, 12)]
    assert "too large" in unreadable("\n".join(lines)).message


def test_yaml_values():
    text = "a: &d {t: 2016-03-14T01:59:00Z, on: yes}\nb: {<<: *d, t: '5'}\nc: [1, 1.5, null, ~, 'yes']\n"
    assert read(text).data == {
        "a": {"t": "2016-03-14T01:59:00Z", "on": True},
        "b": {"t": "5", "on": True},
        "c": [1, 1.5, None, None, "yes"],
    }


# -- places ---------------------------------------------------------------------------------

PLACED = '{\n  "States": {\n    "a/b": {"Choices": [{"Next": "x"},\n      {"Next": "y"}]}\n  }\n}'


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("/", (1, 1)),
        ("", (1, 1)),
        ("/States", (2, 13)),
        ("/States/a/b/Choices[1]/Next", (4, 16)),
        ("/States/a~1b/Choices/1/Next", (4, 16)),
        ("/States/nothing", None),
    ],
)
def test_positions(pointer, place):
    assert from_text(PLACED).position(pointer) == place


def test_positions_in_yaml():
    source = from_text(YAML)
    assert source.position("/States/A/Type") == (4, 11)
    assert source.position("/StartAt") == (1, 10)


def test_keys_that_occur_twice_are_found():
    source = from_text('{"a": 1,\n "b": {"c": 1, "c": {"c": 2}}, "a": 2}')
    assert source.repeats
    assert source.positions.duplicates == {"/b/c": (2, 16), "/a": (2, 32)}
    assert from_text("a: 1\nb: 2\na: 3\n").positions.duplicates == {"/a": (3, 1)}
    assert not from_text(TEXT).repeats


def test_reading_does_not_compute_places(monkeypatch):
    monkeypatch.setattr(positions, "of_json", lambda _text: pytest.fail("places were computed"))
    assert read(TEXT).data == PASS


def located(value, pointer=""):
    yield pointer
    if isinstance(value, dict):
        for name, item in value.items():
            yield from located(item, f"{pointer}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from located(item, f"{pointer}[{index}]")


@given(json_values, st.sampled_from([None, 0, 3]), st.booleans())
def test_every_value_of_a_json_text_has_a_place(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = positions.of_json(text)
    assert found.duplicates == {}
    assert set(found.places) == set(located(value))


@given(json_values)
def test_a_place_is_where_the_value_begins(value):
    text = json.dumps({"here": value}, indent=1)
    line, column = positions.of_json(text).places["/here"]
    offset = positions.lines(text)[line - 1] + column - 1
    assert json.JSONDecoder().raw_decode(text, offset)[0] == value


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("<ab:#", max_size=5), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(plain_values)
def test_yaml_reads_json(value):
    text = json.dumps({"a": value})
    assert json.dumps(yamltext.read(text)[0]) == text


@given(st.text())
def test_no_text_fails_otherwise_than_with_diagnostics(text):
    try:
        from_text(text)
    except DefinitionError:
        return


@given(json_values)
def test_depth(value):
    def depth(item):
        inner = item.values() if isinstance(item, dict) else item
        return 1 + max(map(depth, inner), default=0) if isinstance(item, dict | list) else 0

    assert not deeper_than(value, depth(value))
    assert depth(value) == 0 or deeper_than(value, depth(value) - 1)


def test_depth_of_a_dict_that_contains_itself():
    loop = {}
    loop["a"] = loop["b"] = [loop, loop]
    assert deeper_than(loop, 100)
    assert isinstance(read(loop), Source)


def test_the_library_of_samples_is_read():
    samples = Path(__file__).resolve().parents[1].parent / "shared" / "samples"
    if not samples.is_dir():
        pytest.skip("no shared samples")
    for path in samples.glob("*.json"):
        assert read(path).data["States"], path
