"""Read the API key of a request from every header that vendors' clients use."""

import base64
from collections.abc import Mapping

from rushes.errors import ConflictingKeys, InvalidApiKey, MissingApiKey

KEY_HEADERS = ("x-bf-vk", "x-api-key")
WHITESPACE = " \t"
"""Of HTTP headers (RFC 9110, 5.6.3); `strip()` alone removes other characters, too."""


def read_key(headers: Mapping[str, str]) -> str:
    """Return the key of Bearer, of Basic (user name or password) or of a key header.

    Raise `MissingApiKey` without any key, and `ConflictingKeys` for different keys.
    """
    found = {key for name in KEY_HEADERS for key in _values(headers.get(name, ""))}
    found |= {_authorization(value) for value in _values(headers.get("authorization", ""))}
    found.discard("")
    if len(found) > 1:
        raise ConflictingKeys("the request has different API keys", param="authorization")
    if not found:
        raise MissingApiKey(
            "API key is required: send it as `Authorization: Bearer …`", param="authorization"
        )
    return found.pop()


def _values(header: str) -> list[str]:
    """Split at commas: API Gateway joins repeated headers so, and a key contains none."""
    values = (value.strip(WHITESPACE) for value in header.split(","))
    return [value for value in values if value]


def _authorization(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip(WHITESPACE)
    if scheme.lower() == "basic":
        return _basic(rest.strip(WHITESPACE))
    raise InvalidApiKey("authorization must be Bearer or Basic", param="authorization")


def _basic(encoded: str) -> str:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        raise InvalidApiKey(
            "Basic credentials are not valid base64", param="authorization"
        ) from None
    keys = {part for part in (user, password) if part.startswith("rk_")}
    if len(keys) > 1:
        raise ConflictingKeys("Basic credentials have two API keys", param="authorization")
    return keys.pop() if keys else user
