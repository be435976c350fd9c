"""Protocols that the core calls and `aws` and `http` implement, and the values they exchange."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

Entry = TypeVar("Entry")
Result = TypeVar("Result")

Clock = Callable[[], float]
"""Returns seconds since 1970."""


class ForEach(Protocol):
    """Applies `work` to each entry, one at a time or several at once; results are in order."""

    def __call__(
        self, work: Callable[[Entry], Result], entries: Iterable[Entry], /
    ) -> list[Result]: ...


class Bus(Protocol):
    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        """Put events on the bus and return the indexes of the rejected ones."""
        ...
