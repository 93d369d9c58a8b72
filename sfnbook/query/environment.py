"""What an expression may read besides its input: variables, the context object, chance and the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from sfnbook.values import Json


class Environment:
    """Made anew for each evaluation; the context object is built only when something reads it.

    ``draw(purpose)`` gives 64 random bits that depend on the seed, the place in the execution
    and the purpose alone; ``now`` is the virtual clock in microseconds since the epoch.
    """

    __slots__ = ("_build", "_context", "draw", "now", "variables")

    def __init__(
        self,
        variables: Mapping[str, Json],
        build_context: Callable[[], dict[str, Any]],
        draw: Callable[[str], int],
        now: int,
    ) -> None:
        self.variables = variables
        self._build = build_context
        self._context: dict[str, Any] | None = None
        self.draw = draw
        self.now = now

    @property
    def context(self) -> dict[str, Any]:
        """The context object (``$$`` in JSONPath, ``$states.context`` in JSONata)."""
        if self._context is None:
            self._context = self._build()
        return self._context


Evaluate: TypeAlias = Callable[[Json, Environment], Json]
"""A compiled expression.  In JSONPath the first argument is ``$``, in JSONata the fields of
``$states`` without ``context``.  Raises `errors.Failed`."""
