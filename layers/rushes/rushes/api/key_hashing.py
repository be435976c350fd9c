"""Creation and hashing of API keys: the table stores a digest, never the key.

A key is `rk_` + its id + `_` + 32 random bytes in URL-safe base64.
"""

import hashlib
import re
import secrets

from rushes.ports.api_keys import ApiKey

KEY_PREFIX = "rk_"
KEY_ID = re.compile(r"rk_([0-9a-f]{16})_")
KEY = re.compile(KEY_ID.pattern + r"([A-Za-z0-9_-]{43})")
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def create_api_key(account: str, now: float) -> tuple[str, ApiKey]:
    """Return a new API key and the record to store; the record does not contain the key."""
    if not ACCOUNT.fullmatch(account):
        raise ValueError(
            f"account must match {ACCOUNT.pattern}: lower-case letters, digits and hyphens"
            f" (got {account!r})"
        )
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    record = ApiKey(key_id=key_id, account=account, digest=digest_of(secret), created_at=now)
    return f"rk_{key_id}_{secret}", record


def digest_of(secret: str) -> str:
    """Hash with SHA-256: 256 random bits need no slow password hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
