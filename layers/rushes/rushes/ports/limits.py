"""Amounts of the limits of accounts and API keys, as they are stored."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Usage:
    """What the jobs of an account or an API key charge to a limit."""

    total: float = 0.0
    settled: float = 0.0
    """The part of it that finished jobs have charged, of a budget."""
    reported: int = 0
    """The highest threshold, in percent of the budget, that an event has reported."""


class LimitUsage(Protocol):
    def find(self, name: str) -> Usage: ...
    def report(self, name: str, percent: int) -> None:
        """Record that an event has reported a threshold of the budget."""
        ...
