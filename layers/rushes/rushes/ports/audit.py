"""Log of the changes that operators make: who changed what, and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

RETENTION_DAYS = 400
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "account": ("create", "update", "disable", "enable"),
    "config": ("publish", "rollback"),
    "job": ("retry", "restart", "cancel", "fail", "resume"),
    "key": ("create", "update", "rotate", "revoke", "register"),
    "provider": ("pause", "resume", "set_key", "test"),
    "queues": ("redrive",),
    "webhook": ("enable", "disable", "resend"),
    "webhooks": ("reencrypt",),
}
"""Verbs of each resource."""


@dataclass(frozen=True)
class AuditEntry:
    """One change, recorded before it is made or in the same transaction."""

    at: float
    actor: str
    """Who made it: `key:` and the id of an API key, or the ARN of an AWS identity."""
    action: str
    """Resource and verb of `ACTIONS`, such as `key.create`."""
    target: str
    """Kind and name of what was changed, such as `key:0123456789abcdef`."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """JSON values, without secrets."""
    id: str = ""
    """Set by the log."""


@dataclass(frozen=True)
class AuditFilter:
    """Entries with exactly these values, from `since` on; None matches all."""

    actor: str | None = None
    action: str | None = None
    """An action, or a resource and a dot (`key.`) for all of its actions."""
    target: str | None = None
    since: float | None = None


@dataclass(frozen=True)
class AuditPage:
    """Entries, the newest first. With a cursor there may be more, also if the page is empty."""

    entries: tuple[AuditEntry, ...] = ()
    next_cursor: str | None = None


class AuditLog(Protocol):
    def record(self, entry: AuditEntry) -> None: ...
    def page(self, filters: AuditFilter, limit: int, cursor: str | None = None) -> AuditPage:
        """Return entries, the newest first.

        Raises
        ------
        UnknownCursor
        """
        ...
