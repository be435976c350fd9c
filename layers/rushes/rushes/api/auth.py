"""API keys: creation and verification. The table stores a digest, never the key.

A key is `rk_` + its id + `_` + 32 random bytes in URL-safe base64.
"""

import hashlib
import hmac
import re
import secrets
import time

from rushes.errors import InvalidApiKey
from rushes.ports.api_keys import ApiKey, ApiKeys

KEY = re.compile(r"rk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CACHE_TTL = 60.0
"""Seconds for which a warm function accepts a key after its revocation."""


def create_api_key(account: str, now: float) -> tuple[str, ApiKey]:
    """Return a new API key and the record to store; the record does not contain the key."""
    if not ACCOUNT.fullmatch(account):
        raise ValueError(
            f"account must match {ACCOUNT.pattern}: lower-case letters, digits and hyphens"
            f" (got {account!r})"
        )
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    record = ApiKey(key_id=key_id, account=account, digest=_digest(secret), created_at=now)
    return f"rk_{key_id}_{secret}", record


class Authenticator:
    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys
        self._cache: dict[str, tuple[float, ApiKey]] = {}

    def account(self, api_key: str) -> str:
        """Return the account of a key.

        Raises
        ------
        InvalidApiKey
            If the key is malformed, unknown, wrong or revoked: one message for all of them.
        """
        match = KEY.fullmatch(api_key)
        if match is None:
            raise InvalidApiKey("the API key is not valid")
        record = self._record(match[1])
        digest = record.digest if record else _digest("")
        if not hmac.compare_digest(digest, _digest(match[2])) or record is None or record.revoked:
            raise InvalidApiKey("the API key is not valid")
        return record.account

    def _record(self, key_id: str) -> ApiKey | None:
        read_at, cached = self._cache.get(key_id, (float("-inf"), None))
        if time.monotonic() - read_at < CACHE_TTL:
            return cached
        record = self._keys.get(key_id)
        if record:
            self._cache[key_id] = (time.monotonic(), record)
        return record


def _digest(secret: str) -> str:
    """Hash with SHA-256: 256 random bits need no slow password hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
