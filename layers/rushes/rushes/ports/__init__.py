"""Protocols that the core calls and `aws` and `http` implement, and the values they exchange."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

Clock = Callable[[], float]
"""Returns seconds since 1970."""


class Bus(Protocol):
    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        """Put events on the bus and return the indexes of the rejected ones."""
        ...
