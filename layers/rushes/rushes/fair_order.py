"""Share a sequence of work fairly between its owners, for example accounts. Pure functions."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Entry = TypeVar("Entry")

MIN_PER_PART = 5
"""Entries of each part of an owner's work, even if other parts use up the owner's share."""


def in_turns(entries: Iterable[Entry], owner_of: Callable[[Entry], Hashable]) -> list[Entry]:
    """Let the owners take turns: the first entry of each, then the second of each, and so on."""
    counts: Counter[Hashable] = Counter()
    turns: list[tuple[int, Entry]] = []
    for entry in entries:
        owner = owner_of(entry)
        turns.append((counts[owner], entry))
        counts[owner] += 1
    return [entry for _, entry in sorted(turns, key=lambda turn: turn[0])]


class Shares:
    """Counts the entries of each owner and of each part of its work, for example a receiver."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._owners: Counter[str] = Counter()
        self._parts: Counter[tuple[str, str]] = Counter()

    def take(self, owner: str, part: str) -> bool:
        """Return whether another entry is within the share.

        That is the first `limit` entries of the owner, and the first `MIN_PER_PART` of each part.
        """
        if self._has_had(owner, part):
            self._parts[owner, part] += 1
            return False
        self._owners[owner] += 1
        self._parts[owner, part] += 1
        return True

    def used_up(self) -> list[tuple[str, str]]:
        """Return the owners and parts that get no more, those with the most entries first."""
        return [pair for pair, _ in self._parts.most_common() if self._has_had(*pair)]

    def _has_had(self, owner: str, part: str) -> bool:
        least = min(MIN_PER_PART, self._limit)
        return self._owners[owner] >= self._limit and self._parts[owner, part] >= least
