"""Authentication by API key."""

import hmac
import time

from rushes.api.key_hashing import KEY, digest_of
from rushes.errors import InvalidApiKey
from rushes.ports.api_keys import ApiKey, ApiKeys

CACHE_TTL = 60.0
"""Seconds for which a warm function accepts a key after its revocation."""


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
        digest = record.digest if record else digest_of("")
        if not hmac.compare_digest(digest, digest_of(match[2])) or record is None or record.revoked:
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
