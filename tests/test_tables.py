"""Tables: lists of rows that show themselves, aligned and escaped."""

import pytest

from sfnbook.tables import Table

NUMBERS = [
    (True, "True"), (0, "0"), (1234567, "1,234,567"), (2.0, "2"), (0.1 + 0.2, "0.3"), (123.456789, "123.46"),
    (0.000025, "0.000025"), (-1.5, "-1.5"), (float("inf"), "inf"), (1e-9, "0.000000001"), (123456.789, "123,456.8"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "shown"), NUMBERS)
def test_numbers_have_the_digits_that_matter(value, shown):
    assert repr(Table([{"n": value}])).splitlines()[1].strip() == shown


def test_nothing_is_shown_as_nothing():
    assert repr(Table([{"a": None, "b": 1}])) == "a  b\n   1"


def test_it_is_a_list_of_rows():
    table = Table([{"a": 1, "b": "x"}, {"a": 2, "c": None}])
    assert table == [{"a": 1, "b": "x"}, {"a": 2, "c": None}]
    assert table.columns == ["a", "b", "c"]
    assert table.column("b") == ["x", None]


def test_a_long_table_shows_both_ends():
    lines = repr(Table({"n": number} for number in range(500))).splitlines()
    assert len(lines) == 61
    assert (lines[1].strip(), lines[51].strip(), lines[-1].strip()) == ("0", "...", "499")


def test_html_is_escaped():
    html = Table([{"<a>": "<b>"}])._repr_mimebundle_()["text/html"]
    assert "<a>" not in html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_no_rows():
    assert repr(Table()) == ""
    assert Table()._repr_mimebundle_()["text/html"]
