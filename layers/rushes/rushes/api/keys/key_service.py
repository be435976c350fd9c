"""Create, list, change, rotate and revoke API keys. Each change has an audit entry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rushes.api.key_hashing import create_api_key
from rushes.api.keys.schemas import (
    KEY_ID,
    MAX_DAYS,
    NEVER,
    KeyChanges,
    NewKey,
    Rotation,
    models_of,
    scopes_of,
)
from rushes.api.paging import entries_of
from rushes.errors import InvalidRequest, KeyConflict, NotFound
from rushes.jobs.times import utc_text
from rushes.ports import Clock
from rushes.ports.api_keys import ApiKey, KeyRegistry
from rushes.ports.audit import AuditEntry

PAGE = 100
"""Keys that one request reads."""
HOUR, DAY = 3600.0, 24 * 3600.0


@dataclass(frozen=True)
class CreatedKey:
    """A new key and its text, which is not stored."""

    secret: str
    key: ApiKey
    replaced: ApiKey | None = None
    """The key that a rotation replaced."""


@dataclass(frozen=True)
class KeyService:
    """`actor` of a change is the operator, as the audit log names it."""

    keys: KeyRegistry
    clock: Clock

    def create(self, request: NewKey, actor: str) -> CreatedKey:
        now = self.clock()
        secret, key = create_api_key(request.account, now)
        key = replace(
            key,
            name=request.name,
            scopes=scopes_of(request.scopes),
            models=models_of(request.models),
            expires_at=_expiry(request.expires_at, now),
            created_by=actor,
        )
        entry = _entry(now, actor, "key.create", key.key_id, request.account, _facts(key))
        self.keys.create(key, entry)
        return CreatedKey(secret, key)

    def page(
        self, account: str, limit: int, after: str | None = None
    ) -> tuple[tuple[ApiKey, ...], bool]:
        return self.keys.page(account, limit, after)

    def all(self, account: str) -> Iterator[ApiKey]:
        return entries_of(lambda after: self.page(account, PAGE, after), lambda key: key.key_id)

    def get(self, key_id: str, account: str | None = None) -> ApiKey:
        """Return a key.

        Raises
        ------
        NotFound
            If it does not exist, or belongs to another account than the given one.
        """
        found = self.keys.get(key_id) if KEY_ID.fullmatch(key_id) else None
        if found is None or account not in (None, found.account):
            raise NotFound(f"key {key_id[:80]} not found", param="key_id")
        return found

    def update(self, key_id: str, changes: KeyChanges, actor: str) -> ApiKey:
        """Change the name, scopes, models or expiry. A revoked key stays revoked."""
        now, before = self.clock(), self.get(key_id)
        fields: dict[str, Any] = {}
        if changes.name is not None:
            fields["name"] = changes.name
        if changes.scopes is not None:
            fields["scopes"] = scopes_of(changes.scopes)
        if changes.models is not None:
            fields["models"] = models_of(changes.models)
        if changes.expires_at is not None:
            fields["expires_at"] = _expiry(changes.expires_at, now)

        def change(key: ApiKey) -> ApiKey:
            _require_active(key, "changed")
            if key.replaced_by and "expires_at" in fields:
                raise _rotated(key)
            return replace(key, **fields)

        shown = {name: _facts(replace(before, **fields))[name] for name in fields}
        entry = _entry(now, actor, "key.update", key_id, before.account, shown)
        return self.keys.change(key_id, change, entry)

    def rotate(self, key_id: str, request: Rotation, actor: str) -> CreatedKey:
        """Create a key in place of another one, which expires after the overlap.

        The new key has the same permissions, limits and lifetime. Of two rotations at once, the
        second is refused.

        Raises
        ------
        KeyConflict
        """
        now, before = self.clock(), self.get(key_id)
        secret, new = create_api_key(before.account, now)
        ends_at = now + request.overlap_hours * HOUR

        def successor(key: ApiKey) -> ApiKey:
            lifetime = None if key.expires_at is None else key.expires_at - key.created_at
            return replace(
                new,
                name=key.name,
                scopes=key.scopes,
                models=key.models,
                expires_at=None if lifetime is None else now + lifetime,
                created_by=actor,
                first_key_id=key.limits_id,
            )

        def change(key: ApiKey) -> tuple[ApiKey, ApiKey]:
            _require_active(key, "rotated")
            if key.replaced_by:
                raise _rotated(key)
            expires_at = min(ends_at, key.expires_at or ends_at)
            return replace(key, replaced_by=new.key_id, expires_at=expires_at), successor(key)

        detail = {"replaced_by": new.key_id, "expires_at": utc_text(ends_at)}
        entry = _entry(now, actor, "key.rotate", key_id, before.account, detail)
        replaced = self.keys.replace(key_id, change, entry)
        return CreatedKey(secret, self.get(new.key_id), replaced)

    def revoke(self, key_id: str, actor: str) -> ApiKey:
        """Revoke a key for good; functions refuse it within 5 seconds."""
        now, before = self.clock(), self.get(key_id)

        def change(key: ApiKey) -> ApiKey:
            return key if key.revoked else replace(key, revoked=True, revoked_at=now)

        entry = _entry(now, actor, "key.revoke", key_id, before.account, {"name": before.name})
        return self.keys.change(key_id, change, entry)


def _entry(
    now: float, actor: str, action: str, key_id: str, account: str, detail: Mapping[str, Any]
) -> AuditEntry:
    return AuditEntry(now, actor, action, f"key:{key_id}", {"account": account, **detail})


def _facts(key: ApiKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "models": None if key.models is None else sorted(key.models),
        "expires_at": None if key.expires_at is None else utc_text(key.expires_at),
    }


def _expiry(text: str, now: float) -> float | None:
    if text == NEVER:
        return None
    at = datetime.fromisoformat(text).timestamp()
    if not now < at <= now + MAX_DAYS * DAY:
        raise InvalidRequest(
            f"expires_at must be in the future, within {MAX_DAYS} days, or {NEVER} (got {text})",
            param="expires_at",
        )
    return at


def _require_active(key: ApiKey, verb: str) -> None:
    if key.revoked:
        raise KeyConflict(
            f"key {key.key_id} is revoked and cannot be {verb}; create another key", param="key_id"
        )


def _rotated(key: ApiKey) -> KeyConflict:
    return KeyConflict(
        f"key {key.key_id} was rotated before: the key {key.replaced_by} is in its place",
        param="key_id",
    )
