"""How a create call that comes twice is known for one.

A client may name its call by an `Idempotency-Key`. Stainless-made SDKs (openai, together) send none
of their own accord, but count their retries: what is marked as a retry is the job of the same body
that came just before.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic_core import to_json

from rushes.errors import InvalidRequest
from rushes.jobs.request import CreateRequest

KEY = re.compile(r"[ -~]{1,255}")
KEY_SECONDS = 24 * 3600.0
"""How long a key is remembered."""
RETRY_SECONDS = 900.0
"""How long a call may be retried by an SDK and be known for the same; theirs wait 600 s at most."""
RETRIES_HEADER = "x-stainless-retry-count"


@dataclass(frozen=True)
class IdempotencyInfo:
    """What is known of a create call besides its body.

    `operation`: what was called, in which dialect. `retry`: how often the SDK says that it has made
    the call before; None where it says nothing.
    """

    operation: str
    key: str | None = None
    retry: int | None = None


def read_idempotency(operation: str, headers: Mapping[str, str]) -> IdempotencyInfo:
    """The call's names.

    Raises
    ------
    InvalidRequest
        If its key is empty, too long or not printable.
    """
    key = headers.get("idempotency-key")
    if key is not None and not KEY.fullmatch(key):
        raise InvalidRequest(
            "an Idempotency-Key has 1 to 255 printable ASCII characters", param="Idempotency-Key"
        )
    count = headers.get(RETRIES_HEADER, "")
    retry = int(count) if re.fullmatch(r"\d{1,3}", count, re.ASCII) else None
    return IdempotencyInfo(operation, key, retry)


def fingerprint(creation: CreateRequest) -> str:
    """The same for the same request, whatever the order of its fields or its form's boundary.

    What a request does not say is not in it: a field that a later version adds changes nothing.
    """
    files = [
        (role.value, it.field, hashlib.sha256(it.content).hexdigest())
        for role, it in creation.uploads
    ]
    uploaded = [(role.value, address.partition("?")[0]) for role, address in creation.uploaded]
    webhook = creation.webhook.model_dump() if creation.webhook else None
    whole = {
        "request": creation.request.model_dump(mode="json", exclude_defaults=True),
        "files": files,
        "uploaded": uploaded,
        "source": creation.source_id,
        "preferences": creation.preferences,
        "webhook": webhook,
    }
    return digest(to_json(_sorted(whole)).decode())


def digest(*parts: str) -> str:
    """One name for several parts, of which none can run over into the next."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value
