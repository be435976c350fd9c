"""A requirement of a source document, and the check that runs it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tests.contract.requirements.bench import Bench

Role = Literal["client", "upstream"]
"""Whose part of the API: the clients' (the gateway serves it) or the upstream's (it calls it)."""
Check = Callable[[Bench], object]


@dataclass(frozen=True)
class Requirement:
    id: str
    """Document, role and a name, such as `pipelet-client-cancel-queued`."""
    document: str
    role: Role
    says: str
    """The requirement in one sentence."""
    check: Check


@dataclass
class Requirements:
    """The requirements of a document in one role, in its order."""

    document: str
    role: Role
    rows: list[Requirement] = field(default_factory=list)

    def __call__(self, name: str, says: str) -> Callable[[Check], Check]:
        """Register the decorated function as the check of a requirement."""

        def register(check: Check) -> Check:
            self.add(name, says, check)
            return check

        return register

    def add(self, name: str, says: str, check: Check) -> None:
        id_ = f"{self.document}-{self.role}-{name}"
        self.rows.append(Requirement(id_, self.document, self.role, says, check))
