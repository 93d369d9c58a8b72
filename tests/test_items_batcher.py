"""ItemBatcher: batches hold every item once, in order, and each keeps within its limits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnbook.definition import ABSENT
from sfnbook.errors import DATA_LIMIT_EXCEEDED, RUNTIME, Failed
from sfnbook.items.batcher import batches
from sfnbook.values import size


@pytest.mark.parametrize(
    ("items", "limits", "batch_input", "expected"),
    [
        pytest.param([1, 2, 3], (2, None), ABSENT, [{"Items": [1, 2]}, {"Items": [3]}], id="count"),
        pytest.param([1, 2], (5, None), ABSENT, [{"Items": [1, 2]}], id="fewer_than_the_limit"),
        pytest.param([1, 2, 3], (None, 15), ABSENT, [{"Items": [1, 2]}, {"Items": [3]}], id="bytes"),
        pytest.param([1, 2, 3], (None, 17), ABSENT, [{"Items": [1, 2, 3]}], id="bytes_just_enough"),
        pytest.param(
            [1, 2, 3], (1, 100), ABSENT, [{"Items": [1]}, {"Items": [2]}, {"Items": [3]}], id="both"
        ),
        pytest.param([1], (1, None), {"a": 1}, [{"BatchInput": {"a": 1}, "Items": [1]}], id="input"),
        pytest.param([1], (1, None), None, [{"BatchInput": None, "Items": [1]}], id="null_input"),
        pytest.param([1, 2], (None, None), ABSENT, [{"Items": [1, 2]}], id="no_limits"),
        pytest.param([], (1, 1), ABSENT, [], id="no_items"),
    ],
)
def test_batches(items, limits, batch_input, expected):
    max_items, max_bytes = limits
    assert batches(items, max_items=max_items, max_bytes=max_bytes, batch_input=batch_input) == expected


def test_the_batch_input_counts_into_the_bytes():
    with_input = batches([1, 2], max_items=None, max_bytes=35, batch_input={"a": 1})
    assert [len(batch["Items"]) for batch in with_input] == [1, 1]
    assert len(batches([1, 2], max_items=None, max_bytes=35)) == 1


def test_an_item_too_large_for_any_batch():
    with pytest.raises(Failed) as caught:
        batches(["x", "x" * 100], max_items=None, max_bytes=50)
    assert caught.value.error == DATA_LIMIT_EXCEEDED
    assert "114 bytes" in caught.value.cause


@pytest.mark.parametrize(("max_items", "max_bytes"), [(0, None), (-1, None), (None, 0)])
def test_limits_are_positive(max_items, max_bytes):
    with pytest.raises(Failed, match="must be positive") as caught:
        batches([1], max_items=max_items, max_bytes=max_bytes)
    assert caught.value.error == RUNTIME


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=10), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@given(
    st.lists(JSON, max_size=20),
    st.none() | st.integers(1, 6),
    st.none() | st.integers(300, 600),
    st.just(ABSENT) | JSON,
)
def test_batches_are_the_items_within_the_limits(items, max_items, max_bytes, batch_input):
    try:
        found = batches(items, max_items=max_items, max_bytes=max_bytes, batch_input=batch_input)
    except Failed:
        shared = {} if batch_input is ABSENT else {"BatchInput": batch_input}
        assert any(size({**shared, "Items": [item]}) > max_bytes for item in items)
        return
    assert [item for batch in found for item in batch["Items"]] == items
    for batch in found:
        assert batch["Items"]
        assert max_items is None or len(batch["Items"]) <= max_items
        assert max_bytes is None or size(batch) <= max_bytes
    for batch, following in pairwise(found):  # closed only because one more would be too many
        fuller = {**batch, "Items": [*batch["Items"], following["Items"][0]]}
        full = len(batch["Items"]) == max_items
        assert full or (max_bytes is not None and size(fuller) > max_bytes)
