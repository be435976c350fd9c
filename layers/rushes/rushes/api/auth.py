"""Authentication by API key."""

import hmac
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from rushes.api.foreign_keys import vendor_of
from rushes.api.key_hashing import KEY, KEY_ID, KEY_PREFIX, digest_of
from rushes.api.log_events import AUTHENTICATION_FAILED
from rushes.api.request_limits import FailedKeyLimiter
from rushes.dialects.base import HttpRequest
from rushes.errors import AwsUnavailable, ClientError, ExpiredApiKey, InvalidApiKey
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.times import utc_text
from rushes.ports import Clock
from rushes.ports.api_keys import DEFAULT_SCOPES, ApiKey, ApiKeys, Scope
from rushes.redaction import REDACTOR

CACHE_TTL = 5.0
"""Seconds for which a warm function accepts a key after its revocation."""
USE_INTERVAL = 3600.0
"""Seconds between two writes of a key's last use."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Identity:
    """Who makes a request."""

    account: str
    key_id: str
    name: str = ""
    scopes: frozenset[Scope] = DEFAULT_SCOPES
    models: frozenset[str] | None = None
    """Names and patterns of the models that the key may use; None: all."""
    limits_id: str = ""
    """Id under which the key's own limits are stored: that of the first key before rotations."""

    @property
    def actor(self) -> str:
        """Name of the caller in the audit log."""
        return f"key:{self.key_id}"

    def of_call(self, info: IdempotencyInfo, request_id: str) -> IdempotencyInfo:
        """Return the identity of a create call with its caller."""
        return replace(
            info,
            request_id=request_id or None,
            key_id=self.key_id,
            limits_id=self.limits_id,
            models=self.models,
        )


class Authenticator:
    """`failed_keys` slows down the guessing of keys; a key that a warm function knows passes.

    Known keys are kept after `CACHE_TTL`, to be read again: others of the same network may have
    used up its attempts.
    """

    def __init__(
        self,
        keys: ApiKeys,
        failed_keys: FailedKeyLimiter | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._keys = keys
        self._failed_keys = failed_keys
        self._clock = clock
        self._cache: dict[str, tuple[float, ApiKey]] = {}

    def identify(
        self, request: HttpRequest, read_key: Callable[[Mapping[str, str]], str]
    ) -> Identity:
        """Return the account of a request's key. Log a failure; redact a valid key from now on."""
        api_key = ""
        try:
            api_key = read_key(request.headers)
            identity = self.authenticate(api_key, request.source_ip)
        except ClientError as error:
            found = KEY_ID.match(api_key)
            logger.warning(
                AUTHENTICATION_FAILED,
                code=error.error_code,
                key_id=found and found[1],
                source_ip=request.source_ip,
                request_id=request.request_id,
            )
            raise _with_hint(error, api_key) from None
        REDACTOR.remember(api_key)  # only a valid key: any other text may occur in responses
        return identity

    def authenticate(self, api_key: str, source_ip: str = "") -> Identity:
        """Return the account of a key.

        Raises
        ------
        InvalidApiKey
            If the key is malformed, unknown, wrong or revoked: one message for all of them.
        ExpiredApiKey
            If the key has expired; only the holder of its secret learns that.
        TooManyFailedKeys
            If `source_ip` has sent too many such keys: no key is looked up then.
        """
        match = KEY.fullmatch(api_key)
        key_id, secret = (match[1], match[2]) if match else ("", "")
        read_at, record = self._cache.get(key_id, (float("-inf"), None))
        if time.monotonic() - read_at >= CACHE_TTL:
            if self._failed_keys and not _has_secret(record, secret):
                self._failed_keys.check(source_ip)
            record = self._read(key_id) if match else None
        if _has_secret(record, secret) and record and not record.revoked:
            return self._identity(record)
        if self._failed_keys:
            self._failed_keys.check(source_ip)
            self._failed_keys.count(source_ip)
        raise InvalidApiKey("the API key is not valid")

    def _identity(self, record: ApiKey) -> Identity:
        now = self._clock()
        if record.is_expired(now):
            raise ExpiredApiKey(_expiry(record), param="authorization")
        if now - (record.last_used_at or 0.0) >= USE_INTERVAL:
            self._record_use(record, now)
        return Identity(
            account=record.account,
            key_id=record.key_id,
            name=record.name,
            scopes=record.scopes,
            models=record.models,
            limits_id=record.limits_id,
        )

    def _record_use(self, record: ApiKey, now: float) -> None:
        """Write the last use, once an hour; a request does not fail for it."""
        read_at, _ = self._cache[record.key_id]
        self._cache[record.key_id] = (read_at, replace(record, last_used_at=now))
        with suppress(AwsUnavailable):
            self._keys.record_use(record.key_id, now, USE_INTERVAL)

    def _read(self, key_id: str) -> ApiKey | None:
        read_at = time.monotonic()  # before the read, which may last seconds
        record = self._keys.get(key_id)
        if record:
            self._cache[key_id] = (read_at, record)
        else:
            self._cache.pop(key_id, None)
        return record


def _expiry(record: ApiKey) -> str:
    successor = f"; it was replaced by the key {record.replaced_by}" if record.replaced_by else ""
    return f"the API key expired at {utc_text(record.expires_at or 0.0)}{successor}"


def _with_hint(error: ClientError, api_key: str) -> ClientError:
    """Add the vendor to the error for a key of another service, without the key itself."""
    if not isinstance(error, InvalidApiKey) or not api_key or api_key.startswith(KEY_PREFIX):
        return error
    vendor = vendor_of(api_key)
    found = f"it looks like a key of {vendor}; " if vendor else ""
    hint = f"{found}keys of this gateway begin with {KEY_PREFIX}"
    return InvalidApiKey(f"{error.message}: {hint}", param="authorization")


def _has_secret(record: ApiKey | None, secret: str) -> bool:
    digest = record.digest if record else digest_of("")
    return hmac.compare_digest(digest, digest_of(secret)) and record is not None
