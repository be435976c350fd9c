"""Registry of accounts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rushes.ports.audit import AuditEntry


@dataclass(frozen=True)
class Account:
    """An owner of jobs, keys and webhook endpoints; `name` is the one in limits and events."""

    name: str
    created_at: float
    display_name: str = ""
    contact: str = ""
    """An e-mail address."""
    notes: str = ""
    """Seen by operators only."""
    disabled_at: float | None = None
    """Since when create calls are refused; None: they are accepted."""
    version: int = 0


class Accounts(Protocol):
    """Accounts, as operators manage them. Each change is written with its audit entry."""

    def get(self, name: str) -> Account | None: ...

    def create(self, account: Account, entry: AuditEntry) -> bool:
        """Return False if there is an account of that name."""
        ...

    def change(self, name: str, change: Callable[[Account], Account], entry: AuditEntry) -> Account:
        """Apply `change` to the stored account; repeat with the new state after a conflict.

        Raises
        ------
        NotFound
        WriteConflict
        """
        ...

    def page(self, limit: int, after: str | None) -> tuple[tuple[Account, ...], bool]:
        """Return accounts by name, after a cursor, and whether there are more."""
        ...
