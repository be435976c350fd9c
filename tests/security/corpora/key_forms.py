"""API keys that resemble a valid one; none of them may be accepted."""

import base64
import string
from collections.abc import Iterator

from tests.security.corpora.api import Api
from tests.security.corpora.case import Case, naughty_strings

PATHS = ("/openai/v1/videos", "/fal/sandbox/video/requests/{job}", "/v1/webhook_endpoints")
CONFUSABLE = str.maketrans(
    "rkabcdef0123", "\u0433\u03ba\u0430\u0411\u0441\u0501\u0435\u0192\u06f0\u0661\u0662\u0663"
)
LENGTHS = (0, 1, 2, 3, 19, 20, 21, 42, 61, 62)


def cases(api: Api) -> Iterator[Case]:
    forms = tuple(dict.fromkeys(_forms(api.caller.key, api.owner.key, api.revoked_key)))
    headers = [header for form in forms for header in _headers(form)]
    for number, sent in enumerate(headers):
        path = PATHS[number % len(PATHS)]
        yield Case(f"key form {number} at {path}", "GET", path, headers=sent)


def _forms(key: str, other: str, revoked: str) -> Iterator[str]:
    prefix, key_id, secret = key.split("_", 2)
    _, other_id, other_secret = other.split("_", 2)
    yield from (revoked, "", "rk", "rk_", "rk__", f"rk_{key_id}", f"rk_{key_id}_", secret, key_id)
    yield from (f"rk_{key_id}_{other_secret}", f"rk_{other_id}_{secret}", f"{key}{other}")
    yield from (key.upper(), key.swapcase(), key.translate(CONFUSABLE), key[::-1], key * 2)
    yield from (f"{prefix}_{key_id}_{secret[::-1]}", f"{prefix}_{key_id[::-1]}_{secret}")
    yield from (
        key.replace("_", separator, 1) for separator in ("-", "", "%5f", ".", "__", "\u203f")
    )
    for length in LENGTHS:
        yield key[:length]
        yield key[length + 1 :]
    for place in range(len(key)):
        yield key[:place] + key[place + 1 :]
        yield key[:place] + chr(ord(key[place]) ^ 1) + key[place + 1 :]
        yield f"{key[:place]}\u200b{key[place:]}"
    for char in (*string.punctuation, "\x00", "\x7f", "\u00e9", "=", "A"):
        if char != ",":  # a comma separates keys, and the rest is the valid one
            yield f"{key}{char}"
            yield f"{char}{key}"
    yield from ("*", "%", "' OR 1=1--", "null", "undefined", "rk_" + "0" * 16 + "_" + "A" * 43)
    yield from (f"rk_{key_id}_{char * 43}" for char in "A_-0")
    yield from (text for text in naughty_strings()[::12] if "," not in text)


def _headers(form: str) -> Iterator[dict[str, str]]:
    """Yield the headers that can carry a key; a Basic user name may contain no colon."""
    yield {"authorization": f"Bearer {form}"}
    yield {"authorization": "", "x-api-key": form}
    yield {"authorization": "", "x-bf-vk": form}
    encoded = base64.b64encode(f"user:{form}".encode()).decode()
    yield {"authorization": f"Basic {encoded}"}
