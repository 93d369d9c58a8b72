"""What AWS did, sfnbook does: the recorded cases, one test each.

The data lies beside the repository and is not part of it; without it these tests are skipped.
`EXPECTED_FAILURES` names every clean case that fails, with its reason; one that starts to pass
fails its test.
"""

from __future__ import annotations

import importlib.util
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.engine import run

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared" / "conformance"
CASES = CONFORMANCE / "cases"

EXPECTED_FAILURES: dict[str, str] = {}

FLOORS = {
    "execution": {"outcome": 99, "sequence": 98, "full": 95},
    "test_state": {"full": 95},
    "validation": {"full": 95},
}


def load_comparator() -> Any:
    spec = importlib.util.spec_from_file_location("conformance_compare", CONFORMANCE / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def clean_cases() -> list[dict[str, Any]]:
    cases = [json.loads(file.read_text("utf-8")) for file in sorted(CASES.glob("*/*/*.json"))]
    return [case for case in cases if case.get("clean", True)]


pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the recorded cases are not beside this checkout")


def differences_of(comparator: Any, case: dict[str, Any]) -> list[Any]:
    visible = {key: value for key, value in case.items() if key != "expect"}
    differences: list[Any] = comparator.compare_case(case, run(visible))
    return differences


@pytest.fixture(scope="module")
def comparator() -> Any:
    return load_comparator()


@pytest.mark.parametrize("case", clean_cases() if CASES.is_dir() else [], ids=lambda case: case["id"])
def test_recorded_case(comparator: Any, case: dict[str, Any], request: pytest.FixtureRequest) -> None:
    if case["id"] in EXPECTED_FAILURES:
        request.applymarker(pytest.mark.xfail(strict=True, reason=EXPECTED_FAILURES[case["id"]]))
    assert differences_of(comparator, case) == []


def test_shares_by_kind_and_area(comparator: Any) -> None:
    """The bars: shares of the clean cases for each kind, and no area of four or more below 90 % outcome."""
    counts: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for case in clean_cases():
        for level, passed in comparator.levels(case, differences_of(comparator, case)).items():
            if passed is not None:
                counts[case["kind"]][level].append(passed)
                if level == "outcome":
                    counts[f"{case['kind']}/{case['area']}"][level].append(passed)
    shares = {
        (group, level): 100 * sum(passed) / len(passed)
        for group, by_level in counts.items()
        for level, passed in by_level.items()
        if "/" not in group or len(passed) >= 4
    }
    below = {
        key: share
        for key, share in shares.items()
        if share < (90 if "/" in key[0] else FLOORS[key[0]].get(key[1], 0))
    }
    assert below == {}
