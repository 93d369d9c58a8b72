"""Stand-ins: of the same type, equal for equal values, everywhere; and a run that is still the same."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnbook
from sfnbook.debugger import Debugger
from sfnbook.sessions.redaction import Redaction, of_definition
from tests.debugging import CHARGE, LINE, debug, task
from tests.machines import block
from tests.scenarios import LAW, Scenario, scenarios

if TYPE_CHECKING:
    from pathlib import Path

CARD = "4111-1111-1111-1234"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def shape(value: Any) -> Any:
    """A value without what it says: types, keys and lengths."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value)


# --- values ---------------------------------------------------------------------------------------
@given(VALUES)
def test_a_stand_in_has_the_same_shape(value: Any) -> None:
    assert shape(Redaction(["$"]).of(value)) == shape(value)


@given(
    st.lists(
        st.text(min_size=1) | st.integers() | st.floats(allow_nan=False, allow_infinity=False), max_size=8
    )
)
def test_equal_values_have_equal_stand_ins_and_others_others(values: list[Any]) -> None:
    made = Redaction(["$"]).of(values)
    pairs = {(type(one), one) for one in values}
    assert len({(type(one), one) for one in made}) == len(pairs)
    again = [made[[(type(x), x) for x in values].index((type(one), one))] for one in values]
    assert again == made


@given(VALUES)
def test_without_a_hit_the_payload_is_the_same_object(value: Any) -> None:
    payload = {"x": value}
    assert Redaction(["$.nowhere.at.all"]).of(payload) is payload


@pytest.mark.parametrize(
    ("value", "stand_in"),
    [
        (CARD, "0000-0000-0000-0001"),
        ("Ann.Smith@shop.com", "Xxx.Xxxxx@xxxx.xx1"),
        ("x", "1"),
        ("-", "-1"),
        ("2024-05-06T07:08:09Z", "2025-01-01T00:00:01Z"),
        (4111, 1001), (-25, -11), (0, 2), (7, 2), (1234.56, 1001.5), (True, False), (None, None), ("", ""),
        ([1, {"a": "b"}], [2, {"a": "2"}]),
    ],
)  # fmt: skip
def test_how_a_stand_in_looks(value: Any, stand_in: Any) -> None:
    assert Redaction(["$.v"]).of({"v": value, "w": 1}) == {"v": stand_in, "w": 1}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$..n", ["a.n", "b[0].n", "b[1].n", "n"]),
        ("$.a.n", ["a.n"]),
        ("$.b[*].n", ["b[0].n", "b[1].n"]),
        ("$.b[1]", ["b[1].m", "b[1].n"]),
        ("$..b..n", ["b[0].n", "b[1].n"]),
        ("$['a']", ["a.n"]),
        ("$.a.*", ["a.n"]),
        ("$", ["a.n", "b[0].n", "b[1].m", "b[1].n", "n"]),
    ],
)
def test_what_a_path_finds(path: str, found: list[str]) -> None:
    payload = {"a": {"n": True}, "b": [{"n": True}, {"m": True, "n": True}], "n": True}
    made = Redaction([path]).of(payload)
    hits = [place for place, value in places(made) if value is False]
    assert hits == found


def places(value: Any, place: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [one for key in sorted(value) for one in places(value[key], f"{place}.{key}".lstrip("."))]
    if isinstance(value, list):
        return [one for number, item in enumerate(value) for one in places(item, f"{place}[{number}]")]
    return [(place, value)]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ("$..n", r"redact=\['\$\.\.n'\]"),
        (["card"], "must start with"),
        (["$$.Execution.Id"], r"begin with \$"),
        (["$.a[?(@.b)]"], r"\] cannot\."),
        (["$.a[1:2]"], r"\] cannot\."),
        (["$.a[-1]"], r"\] cannot\."),
    ],
)
def test_a_path_that_does_not_just_go_down_is_refused(paths: Any, message: str) -> None:
    with pytest.raises(sfnbook.UsageError, match=message):
        Redaction(paths)


def test_a_value_that_was_found_is_replaced_wherever_else_it_stands() -> None:
    redaction = Redaction(["$..card"])
    redaction.learn({"card": CARD, "more": {"card": 123456}})
    stand_in = "0000-0000-0000-0001"
    cause = json.dumps({"errorMessage": f"no funds on {CARD}", "event": {"card": "8888"}})
    assert redaction.text(cause) == (f'{{"errorMessage":"no funds on {stand_in}","event":{{"card":"0003"}}}}')
    assert redaction.of([{CARD: 1}, 123456, 12, f"x{CARD}y"]) == [{stand_in: 1}, 100002, 12, f"x{stand_in}y"]


def test_a_short_text_is_replaced_as_a_word() -> None:
    redaction = Redaction(["$.pin"])
    redaction.learn({"pin": "1234"})
    assert redaction.text("pin 1234, order 912345") == "pin 0001, order 912345"


def test_a_definition_keeps_its_expressions_and_its_states() -> None:
    redaction = Redaction(["$..card"])
    redaction.learn({"card": CARD})
    states = {
        "Result": {"Type": "Pass", "Result": {"card": CARD}, "Next": CARD},
        CARD: {"Type": "Choice", "Choices": [{"Variable": "$.card", "StringEquals": CARD, "Next": "card"}]},
        "card": {"Type": "Task", "Arguments": {"card": "{% $states.input.card %}", "t": f"{{% '{CARD}' %}}"}},
    }
    made = of_definition({"States": states}, redaction)["States"]
    stand_in = "0000-0000-0000-0001"
    assert list(made) == list(states)
    assert made["Result"] == {"Type": "Pass", "Result": {"card": stand_in}, "Next": CARD}
    assert made[CARD]["Choices"] == [{"Variable": "$.card", "StringEquals": stand_in, "Next": "card"}]
    assert made["card"]["Arguments"] == {"card": "{% $states.input.card %}", "t": f"{{% '{stand_in}' %}}"}


# --- sessions -------------------------------------------------------------------------------------
ROUTE = block(
    Say={"Type": "Pass", "Parameters": {"card.$": "$.card", "amount.$": "$.amount", "text.$": "States.Format('of {}', $.card)"}, "Next": "Route"},
    Route={"Type": "Choice", "Choices": [{"Variable": "$.card", "StringEquals": CARD, "Next": "Charge"}], "Default": "Other"},
    Charge=task(Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Other"}], Next="Other"),
    Other={"Type": "Succeed"},
)  # fmt: skip


def declined(event: Any) -> Any:
    raise ValueError(f"declined {event['card']}")


def routed(definition: Any = ROUTE, path: str = "$..card", **given: Any) -> tuple[Debugger, Debugger]:
    debugger = debug(definition, {"card": CARD, "amount": 2571, **given}, tasks={"Charge": declined})
    debugger.run()
    return debugger, debugger.redacted([path])


def test_a_run_on_stand_ins_takes_the_same_way() -> None:
    debugger, made = routed()
    assert [one.id for one in made.transitions] == [one.id for one in debugger.transitions]
    assert made.notes == ()
    assert CARD not in json.dumps(made.history())
    assert made.output["text"] == "of 0000-0000-0000-0001"
    assert "declined 0000-0000-0000-0001" in made.output["e"]["Cause"]
    assert CARD in json.dumps(debugger.history())


def test_what_is_saved_with_stand_ins_opens_at_the_same_moment(tmp_path: Path) -> None:
    debugger, _ = routed()
    debugger.goto(5)
    debugger.edit_input({"card": CARD, "amount": 1})
    debugger.breakpoints.add("Charge", when=f"$states.input.card = '{CARD}'")
    debugger.watches["same"] = f"$states.input.card = '{CARD}'"
    debugger.step()
    debugger.save(tmp_path / "s.json", redact=["$..card"])
    assert CARD not in (tmp_path / "s.json").read_text()
    opened = Debugger.open(tmp_path / "s.json")
    assert [one.length for one in opened.branches] == [one.length for one in debugger.branches]
    assert opened.transition.id == debugger.transition.id
    assert opened.watches.values() == debugger.watches.values()


def test_a_choice_that_stand_ins_do_not_satisfy_is_kept_on_its_way(tmp_path: Path) -> None:
    states = {**ROUTE["States"]}
    states["Route"] = {
        **states["Route"],
        "Choices": [{"Variable": "$.amount", "NumericGreaterThan": 2000, "Next": "Charge"}],
    }
    debugger, made = routed({**ROUTE, "States": states}, "$..amount")
    assert [one.id for one in made.transitions] == [one.id for one in debugger.transitions]
    assert made.notes == (
        "Branch 'main', transition 4: stand-ins lead the Choice 'Route' elsewhere; it was kept on its way.",
    )
    debugger.save(tmp_path / "s.json", redact=["$..amount"])
    with pytest.warns(UserWarning, match="kept on its way"):
        opened = Debugger.open(tmp_path / "s.json")
    assert [one.id for one in opened.transitions] == [one.id for one in debugger.transitions]
    # Digits inside a digest are no amount.
    assert not re.search(r"\b2571\b", (tmp_path / "s.json").read_text())


def test_where_a_run_cannot_go_on_with_stand_ins_it_ends_and_says_so() -> None:
    states = {"A": {"Type": "Pass", "Parameters": {"x.$": "States.ArrayGetItem($.list, $.at)"}, "End": True}}
    debugger = debug({"StartAt": "A", "States": states}, {"list": [1, 2], "at": 0})
    debugger.run()
    made = debugger.redacted(["$.at"])
    assert made.length == 2
    assert (
        "ends at transition 2: with stand-ins it does not go on with <StateExited A at 0 s>" in made.notes[0]
    )


def test_nothing_to_redact_is_the_debugger_itself() -> None:
    debugger = debug(LINE)
    assert debugger.redacted(()) is debugger


@LAW
@given(scenarios())
def test_a_scenario_on_stand_ins_goes_the_same_way_until_it_says_otherwise(scenario: Scenario) -> None:
    debugger = Debugger.of(sfnbook.load(scenario.definition), scenario.run())
    made = debugger.redacted(["$..x", "$..deep"])
    ids = [one.id for one in made.transitions]
    assert ids == [one.id for one in debugger.transitions][: made.length]
    assert made.length == debugger.length or "ends at" in made.notes[-1]


def test_a_redacted_debugger_asks_the_same_tasks() -> None:
    debugger = debug(CHARGE, {"card": CARD}, tasks={"Charge": lambda event: event})
    debugger.run_to("Charge")
    made = debugger.redacted(["$.card"])
    made.run()
    assert made.output == {"card": "0000-0000-0000-0001"}
