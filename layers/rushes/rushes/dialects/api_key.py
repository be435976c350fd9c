"""Finding the API key in a request, wherever vendors' clients put it."""

import base64
from collections.abc import Mapping

from rushes.errors import ConflictingKeys, InvalidApiKey, MissingApiKey

KEY_HEADERS = ("x-bf-vk", "x-api-key")


def read_key(headers: Mapping[str, str]) -> str:
    """The one key of a request: Bearer, Basic (as user name or as password) or in a header.

    Raises
    ------
    MissingKey
        If there is none.
    ConflictingKeys
        If there are several, and not all the same.
    """
    found = {key for name in KEY_HEADERS for key in _values(headers.get(name, ""))}
    found |= {_authorization(value) for value in _values(headers.get("authorization", ""))}
    found.discard("")
    if len(found) > 1:
        raise ConflictingKeys("the request carries different API keys", param="authorization")
    if not found:
        raise MissingApiKey(
            "no API key: send it as `Authorization: Bearer …`", param="authorization"
        )
    return found.pop()


def _values(header: str) -> list[str]:
    """API Gateway joins a header that was sent several times with commas; no key has one."""
    return [value.strip() for value in header.split(",") if value.strip()]


def _authorization(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        return _basic(rest.strip())
    raise InvalidApiKey(
        "the Authorization header is neither Bearer nor Basic", param="authorization"
    )


def _basic(encoded: str) -> str:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise InvalidApiKey(
            "the Basic credentials cannot be decoded", param="authorization"
        ) from None
    keys = {part for part in (user, password) if part.startswith("rk_")}
    if len(keys) > 1:
        raise ConflictingKeys("the Basic credentials hold two API keys", param="authorization")
    return keys.pop() if keys else user
