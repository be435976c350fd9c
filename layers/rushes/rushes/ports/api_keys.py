"""Storage of API keys."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from rushes.ports.audit import AuditEntry


class Scope(StrEnum):
    """Permission of an API key. `admin` is for operators: it includes the others."""

    SUBMIT = "submit"
    """Create, cancel, retry and delete jobs; upload files."""
    READ = "read"
    """Read jobs, models and usage."""
    WEBHOOKS = "webhooks"
    """Manage webhook endpoints."""
    ADMIN = "admin"
    """Manage keys, accounts and providers of the whole deployment."""


DEFAULT_SCOPES = frozenset({Scope.SUBMIT, Scope.READ, Scope.WEBHOOKS})
"""Of new keys, and of keys of releases without scopes."""


@dataclass(frozen=True)
class ApiKey:
    """The stored form of an API key; the key itself is not stored."""

    key_id: str
    account: str
    digest: str
    """SHA-256 of the secret part, in hexadecimal."""
    created_at: float
    revoked: bool = False
    name: str = ""
    scopes: frozenset[Scope] = DEFAULT_SCOPES
    models: frozenset[str] | None = None
    """Names or patterns (`kling/*`) of the models and aliases that it may use; None: all."""
    expires_at: float | None = None
    last_used_at: float | None = None
    """Written at most once an hour."""
    created_by: str = ""
    """Actor, as in the audit log."""
    revoked_at: float | None = None
    replaced_by: str | None = None
    """Id of the key that a rotation made in place of this one."""
    first_key_id: str | None = None
    """Id of the first key of a chain of rotations, whose limits apply; None: its own."""
    version: int = 0
    """Counts the changes; 0 also for a key of an older release."""

    @property
    def limits_id(self) -> str:
        """The id under which `[limits.keys]` and the budgets have this key."""
        return self.first_key_id or self.key_id

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at


class ApiKeys(Protocol):
    """Keys, as requests are authenticated with them."""

    def add(self, key: ApiKey) -> None: ...
    def get(self, key_id: str) -> ApiKey | None: ...
    def record_use(self, key_id: str, now: float, interval: float) -> None:
        """Store the time of use, unless one less than `interval` seconds ago is stored."""
        ...


class KeyRegistry(Protocol):
    """Keys, as operators manage them. Each change is written with its audit entry, or not at all.

    A key whose account has no record yet creates that record.
    """

    def get(self, key_id: str) -> ApiKey | None: ...

    def create(self, key: ApiKey, entry: AuditEntry) -> None: ...

    def change(self, key_id: str, change: Callable[[ApiKey], ApiKey], entry: AuditEntry) -> ApiKey:
        """Apply `change` to the stored key; repeat with the new state after a conflict.

        Raises
        ------
        NotFound
        WriteConflict
            If every attempt conflicted.
        """
        ...

    def replace(
        self, key_id: str, change: Callable[[ApiKey], tuple[ApiKey, ApiKey]], entry: AuditEntry
    ) -> ApiKey:
        """Store the changed key and its successor, which `change` returns, in one transaction.

        Return the changed key. Raises as `change` does.
        """
        ...

    def page(self, account: str, limit: int, after: str | None) -> tuple[tuple[ApiKey, ...], bool]:
        """Return keys of an account by id, after a cursor, and whether there are more."""
        ...
