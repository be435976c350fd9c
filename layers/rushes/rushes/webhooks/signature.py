"""Standard Webhooks signatures: HMAC-SHA256 over id, time and body, and secrets for them.

Of the specification's two kinds this is the symmetric one, `v1`; `v1a` (ed25519) is not offered.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from rushes.errors import InvalidRequest

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret."""
MINTED = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(MINTED)).decode()


def check_secret(value: str) -> None:
    """Raise InvalidRequest unless it can be signed with."""
    _key(value)


def headers(message_id: str, now: float, body: bytes, live: Iterable[str]) -> dict[str, str]:
    """What goes with a body: one signature for each live secret, and the second it was made in."""
    timestamp = str(int(now))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(secret, signed)}" for secret in live),
    }


def _signature(secret: str, signed: bytes) -> str:
    digest = hmac.digest(_key(secret), signed, hashlib.sha256)
    return base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("a secret is base64 behind `whsec_`", param="secret") from error
    if not secret.startswith(PREFIX) or not SHORTEST <= len(key) <= LONGEST:
        raise InvalidRequest(
            f"a secret is `{PREFIX}` and {SHORTEST} to {LONGEST} bytes in base64", param="secret"
        )
    return key
