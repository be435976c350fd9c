"""Secrets of the canary tests, the forms in which a program may quote them, and their search."""

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from rushes.catalog.provider_config import ProviderEntry
from rushes.providers import PROVIDERS
from tests.default_config import default_catalog

Quote = Callable[[str], str]
PART = 12
"""Characters: a text that has so many of a secret's characters in a row leaks it."""


@dataclass(frozen=True)
class Canary:
    """A secret. `protocol` is the provider's that is asked; `api_key` is what the operator stored.

    The provider does not know a secret that is not its key, and quotes it all the same.
    """

    name: str
    protocol: str
    secret: str
    api_key: str = ""
    header: str | None = None
    scheme: str = ""

    @property
    def entry(self) -> ProviderEntry:
        base_url = "https://upstream.example/v1"
        if self.protocol != "declarative":
            return ProviderEntry(protocol=self.protocol, base_url=base_url)
        spec = default_catalog().providers["sandbox-minimax"].spec
        assert spec
        own = {"key_header": self.header or "authorization", "key_scheme": self.scheme}
        return ProviderEntry(
            protocol="declarative", base_url=base_url, spec=spec.model_copy(update=own)
        )


PASSWORD = "c4n4ry/Pa55+word=Zx8"
CANARIES = (
    Canary("openai", "openai_compatible", "sk-proj-C4n4ryAbcdEfgh-Ijkl_Mnop0123456789"),
    Canary(
        *("fal", "fal", "C4n4ry9f8e7d6c5b4a39281706"),
        api_key="5f1e2d3c-aaaa-bbbb-cccc-0123456789ab:C4n4ry9f8e7d6c5b4a39281706",
    ),
    Canary("gemini", "gemini", "AIzaSyC4n4ry-Dd_eeFFggHHiiJJkkLLmmNNooP"),
    Canary("interactions", "interactions", "AIzaSyC4n4ry-Interactions_00112233445566"),
    Canary("bedrock", "bedrock", "bedrock-api-key-C4n4ryAbcdEfgh0123456789=="),
    Canary("kling", "kling", "C4n4ryApiKeyOfKling0123456789abcdef"),
    Canary("kling_v1", "kling_v1", "C4n4rySecretKeyOfKlingV1_0123456789"),
    Canary("minimax", "minimax", "sk-api-C4n4ry-Minimax_0123456789abcdef"),
    Canary("vertex", "vertex", "ya29.C4n4ry.a0AfB_byDc-ZXyJhbGciOiJSUzI1.e30.c2lnbmF0dXJl"),
    Canary("openrouter", "openrouter", "sk-or-v1-C4n4ryOpenRouter0123456789abcdef"),
    Canary("xai", "xai", "xai-C4n4ryKeyOfXai0123456789abcdefABCDEF"),
    Canary("replicate", "replicate", "r8_C4n4ryTokenOfReplicate0123456789abcd"),
    Canary("runway", "runway", "key_c4n4ry0123456789abcdef0123456789abcdef"),
    Canary("tiyaro", "tiyaro", "C4n4ry.Tiyaro~key+with/slashes=and&signs"),
    Canary("x-api-key", "declarative", "C4n4ryXapiKey0123456789", header="x-api-key"),
    Canary("token", "declarative", "C4n4ryTokenScheme0123456789", scheme="Token"),
    Canary(
        *("basic", "declarative", PASSWORD),
        api_key=base64.b64encode(f"operator:{PASSWORD}".encode()).decode(),
        scheme="Basic",
    ),
    Canary("client", "together", "made by the harness", api_key="sk-together-of-the-operator"),
    Canary(
        *("signing", "pipelet", f"whsec_{base64.b64encode(b'c4n4ry' * 5).decode()}"),
        api_key="pipelet-key-of-the-operator",
    ),
)
assert {canary.protocol for canary in CANARIES} >= set(PROVIDERS) - {"openai_with_lookup"}


def _json_escapes(secret: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in secret)


def _in_base64(secret: str) -> str:
    return base64.b64encode(f"user:{secret}".encode()).decode()


FORMS: dict[str, Quote] = {
    "raw": lambda secret: secret,
    "header": lambda secret: f"Authorization: Bearer {secret}",
    "upper case": str.upper,
    "lower case": str.lower,
    "query": lambda secret: f"https://upstream.example/v1/files/1?alt=media&key={secret}",
    "percent": lambda secret: quote(secret, safe=""),
    "percent, every character": lambda secret: "".join(f"%{ord(char):02X}" for char in secret),
    "percent twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "some escapes": lambda secret: re.sub("[^a-z0-9]", lambda m: _json_escapes(m[0]), secret),
    "JSON escapes": _json_escapes,
    "JSON in JSON": lambda secret: json.dumps(json.dumps({"key": secret}))[1:-1],
    "escapes in JSON in JSON": lambda secret: _json_escapes(secret).replace("\\", "\\\\"),
    "HTML": lambda secret: "".join(f"&#{ord(char)};" for char in secret),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 of user and key": _in_base64,
    "base64 in the URL alphabet": lambda secret: _in_base64(secret).translate({43: 45, 47: 95}),
    "twice": lambda secret: secret + secret,
}


def leaks(secret: str, text: str) -> bool:
    """Whether the text has the secret's beginning or end in any form."""
    parts = (secret[:PART].lower(), secret[-PART:].lower())
    return any(part in layer for layer in _layers(text) for part in parts)


def _layers(text: str) -> Iterator[str]:
    """Decode the text in each way, also several ways in turn; all in lower case."""
    for _ in range(4):
        yield text.lower()
        yield "\0".join(map(_decoded_base64, re.findall(r"[A-Za-z0-9+/_-]{12,}", text)))
        escaped = text
        text = re.sub(r"\\+u00([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text)
        text = html.unescape(unquote(text.replace("\\", "")))
        if text == escaped:
            return


@lru_cache(maxsize=100_000)
def _decoded_base64(token: str) -> str:
    """Decode a token from each of its first characters on; NUL is between the results."""
    plain = token.translate({45: 43, 95: 47})
    parts = (plain[start:] for start in range(4))
    return "\0".join(
        base64.b64decode(part[: len(part) // 4 * 4]).decode("latin-1").lower() for part in parts
    )
