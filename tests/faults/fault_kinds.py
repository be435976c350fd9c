"""Kinds of fault: the place and the effect."""

from dataclasses import dataclass, field
from typing import Literal

Place = Literal["create", "lookup", "poll", "download", "aws", "client", "machine"]
Effect = Literal["throttle", "conflict", "refuse entries", "lose answer", "crash", "interleave"]


@dataclass(frozen=True)
class FaultKind:
    name: str
    place: Place
    share: float = 0.07
    """The share of jobs that get this fault."""


@dataclass(frozen=True)
class UpstreamFault(FaultKind):
    """A fault of the upstream's answer."""

    commits: bool = True
    """Whether the upstream executes the call."""
    statuses: tuple[int, ...] = (200,)
    headers: dict[str, str] = field(default_factory=dict)
    corruption: str = ""
    """How the answer is corrupted; empty means not at all."""
    times: int = 1


@dataclass(frozen=True)
class AwsFault(FaultKind):
    """A fault of an AWS call, before or after its execution.

    `once` limits it to the first attempt, which boto3 retries; its phase is "before" even if the
    call is executed and its answer lost.
    """

    effect: Effect = "throttle"
    phase: Literal["before", "after"] = "before"
    operations: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    once: bool = False
    max_call: int = 1
    """The fault is injected at a random matching call up to this number."""
    guard: Literal["", "created"] = ""
    action: str = ""
    """The action that another actor takes at that moment."""
