"""What holds for all tests: their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright leaves an event loop running, in which `asyncio.run` fails."""
    items.sort(key=lambda item: "browser" in item.path.parts)
