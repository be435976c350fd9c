"""What a kind of fault is: where it strikes, and what it does."""

from dataclasses import dataclass, field
from typing import Literal

Place = Literal["create", "lookup", "poll", "download", "aws", "client", "machine"]
Effect = Literal["throttle", "conflict", "refuse entries", "lose answer", "die", "meanwhile"]


@dataclass(frozen=True)
class Kind:
    name: str
    place: Place
    share: float = 0.07
    """The part of jobs that it is planned for."""


@dataclass(frozen=True)
class Mood(Kind):
    """What the upstream does with a call instead of answering it as it should."""

    commits: bool = True
    """Whether it does what was asked, before it spoils the answer."""
    statuses: tuple[int, ...] = (200,)
    headers: dict[str, str] = field(default_factory=dict)
    spoils: str = ""
    """How the answer is spoilt; empty where it goes out whole."""
    times: int = 1


@dataclass(frozen=True)
class AwsFault(Kind):
    """What goes wrong at a call to AWS: before it is executed, or after it was.

    `once`: only the first try of the call is struck, and boto3 tries again; that is decided before
    the call, even where the call is executed and its answer lost.
    """

    effect: Effect = "throttle"
    phase: Literal["before", "after"] = "before"
    operations: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    once: bool = False
    most: int = 1
    """It strikes at one of so many calls that it could strike at."""
    guard: Literal["", "created"] = ""
    action: str = ""
    """What somebody else does at that moment."""
