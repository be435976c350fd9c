"""Counters that all functions share."""

from typing import Protocol


class Counters(Protocol):
    def add(self, name: str, expires_at: float) -> int:
        """Add one to a counter and return its value; the counter is deleted after `expires_at`."""
        ...
