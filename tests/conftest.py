"""What holds for all tests: their order, how hypothesis looks for examples, and a guard of the network."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is not a mistake.  With CI set the examples are the same each time, so that a merge is
# not decided by luck; everywhere else they are new ones.
settings.register_profile(
    "sfnbook",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sfnbook")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last and stay together: they share a server, and Playwright leaves an event loop
    running, in which `asyncio.run` fails."""
    items.sort(key=lambda item: "browser" in item.path.parts)
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody opens a connection."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
