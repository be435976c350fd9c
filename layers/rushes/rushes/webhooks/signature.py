"""Standard Webhooks signatures: HMAC-SHA256 over id, timestamp and body.

Of the specification's two schemes this is the symmetric one, `v1`; `v1a` (ed25519) is not offered.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from rushes.errors import InvalidRequest

PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64
NEW_SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_SECRET_BYTES)).decode()


def validate_secret(value: str) -> None:
    """Raise InvalidRequest unless `value` is a `whsec_` secret of 24 to 64 bytes."""
    _key(value)


def headers(
    message_id: str, now: float, body: bytes, active_secrets: Iterable[str]
) -> dict[str, str]:
    """Return the `webhook-*` headers, with one signature per active secret."""
    timestamp = str(int(now))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = (f"v1,{_signature(secret, signed)}" for secret in active_secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, signed: bytes) -> str:
    digest = hmac.digest(_key(secret), signed, hashlib.sha256)
    return base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    """Decode a secret. An error never repeats the value, as clients may log responses."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise InvalidRequest(
            f"secret must be {PREFIX} followed by {MIN_BYTES} to {MAX_BYTES} bytes in base64",
            param="secret",
        )
    return key
