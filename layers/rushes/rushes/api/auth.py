"""API keys: who is calling. Only a digest of a key is kept.

A key is `rk_` + its id + `_` + 32 random bytes in URL-safe base64.
"""

import hashlib
import hmac
import re
import secrets
import time

from rushes.errors import InvalidApiKey
from rushes.ports import ApiKey, Keys

KEY = re.compile(r"rk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CACHE_TTL = 60.0
"""How long a revoked key may still be taken by a warm function."""


def create_api_key(account: str, now: float) -> tuple[str, ApiKey]:
    """A new API key and what to store of it. The key itself cannot be had again."""
    if not ACCOUNT.fullmatch(account):
        raise ValueError(f"an account is lower-case letters, digits and hyphens, not {account!r}")
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    record = ApiKey(key_id=key_id, account=account, digest=_digest(secret), created_at=now)
    return f"rk_{key_id}_{secret}", record


class Authenticator:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._seen: dict[str, tuple[float, ApiKey]] = {}

    def account(self, api_key: str) -> str:
        """Whose key it is.

        Raises
        ------
        WrongKey
            Whatever is wrong with it: the answer does not tell which part.
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
        read_at, record = self._seen.get(key_id, (float("-inf"), None))
        if time.monotonic() - read_at < CACHE_TTL:
            return record
        found = self._keys.get(key_id)
        if found:
            self._seen[key_id] = (time.monotonic(), found)
        return found


def _digest(secret: str) -> str:
    """SHA-256 is enough for 256 random bits; a slow hash is for what people can remember."""
    return hashlib.sha256(secret.encode()).hexdigest()
