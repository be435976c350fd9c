"""Calls of AWS in several threads: a function that waits for many of them has little time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Entry = TypeVar("Entry")
Result = TypeVar("Result")

WORKERS = 8
"""Fewer than the connections of a boto3 client, of which there are ten."""


def in_threads(work: Callable[[Entry], Result], entries: Iterable[Entry]) -> list[Result]:
    """Return the results in the order of the entries."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, entries))
