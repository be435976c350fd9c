r"""Replaces secrets in text that leaves the process: client responses, events, webhooks, logs.

`REDACTOR` knows the secrets that this process uses. It finds them in each form in which another
program may quote them: as sent, in another case, percent-encoded, with JSON escapes (`\u002d`,
`\/`) or HTML references, and in base64, alone or inside other text (`user:key` of Basic). It also
finds the deployment's own API keys and signing secrets by their form.

It protects against quoting, not against a program that hides a secret on purpose.
"""

import base64
import re
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from itertools import chain, repeat
from typing import Any

MARK = "__redacted__"
"""Replaces a secret. It is the same in URLs, JSON and headers: nothing has to escape it."""
MIN_LENGTH = 8
"""Characters; a shorter text is not redacted, as it occurs in media in base64 by chance."""
MAX_SECRETS = 32
"""The latest are remembered."""
WINDOW, OVERLAP = 256 * 1024, 16 * 1024
"""Bytes searched at once, which bounds the memory, and the longest escaped secret."""
MAX_LAYERS = 3
"""Of escapes, such as a JSON text inside a URL."""
MAX_ESCAPED = 2 * 1024 * 1024
"""Bytes at each end of a body whose escapes are decoded; between them, a long body has media."""

_OWN = re.compile(rb"rk_[0-9a-f]{16}_[a-z0-9_-]{1,43}|whsec_[a-z0-9+/_-]{16,86}={0,2}")
"""API keys and signing secrets of this deployment, in lower case, and no longer than they are.

Both contain `_`, which is not in the base64 of media.
"""
_ESCAPE = re.compile(
    rb"\\++(?:u00([0-9a-fA-F]{2})|x([0-9a-fA-F]{2})|(?=([bfnrt]|u[0-9a-fA-F]{4})))?"
    rb"|%(?:25){0,3}([0-9a-fA-F]{2})"
    rb"|(&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|amp|lt|gt|quot|apos);?)"
)
_ESCAPE_CHARACTERS = (b"\\", b"%", b"&")
_LOG_FORMS = re.compile(
    r"(x-(?:amz|goog)-(?:signature|credential|security-token)(?:=|%3d|[\"'\\]*:\s*[\"'\\]*)"
    r"|[?&](?:access_token|sig|signature|token)="
    r"|\b(?:bearer|basic|key|token)\s+(?=[a-z0-9+/=._~-]{16})"
    r"|authorization[\"'\\]*\s*[:=]\s*[\"'\\]*(?:(?:bearer|basic|key|token)\s+)?)"
    r"[^&\s\"'\\<>,]+",
    re.IGNORECASE,
)
"""Signatures of presigned URLs and credentials of requests, which no log line needs."""
_BYTES = tuple(bytes((code,)) for code in range(256))

Span = tuple[int, int]


class Redactor:
    """The secrets in use, and their replacement by `MARK`."""

    def __init__(self) -> None:
        self._secrets: dict[str, _Forms] = {}

    def remember(self, *secrets: str) -> None:
        """Redact these texts from now on, unless they are shorter than `MIN_LENGTH`."""
        known = dict(self._secrets)
        for secret in secrets:
            if len(secret) >= MIN_LENGTH:
                known[secret] = known.pop(secret) if secret in known else _forms(secret)
        self._secrets = dict(list(known.items())[-MAX_SECRETS:])

    def remember_headers(self, headers: Mapping[str, str]) -> None:
        """Redact the secrets of authentication headers from now on."""
        for value in headers.values():
            self.remember(*secrets_of_header(value))

    def redact(self, text: str) -> str:
        content = text.encode("utf-8", "surrogatepass")
        redacted = self.redact_bytes(content)
        return text if redacted is content else redacted.decode("utf-8", "surrogatepass")

    def redact_bytes(self, content: bytes) -> bytes:
        """Redact a body in UTF-8 or another superset of ASCII; return it itself without secrets."""
        redacted, done = bytearray(), 0
        for start in range(0, len(content), WINDOW):
            spans = (_with_whole_escapes(content, span) for span in self._at(content, start))
            for begin, end in sorted(spans):
                if begin >= done:
                    redacted += content[done:begin] + MARK.encode()
                done = max(done, end)
        return bytes(redacted + content[done:]) if done else content

    def redact_value(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Redact every text of a JSON value, and the names of its members."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact_value(name): self.redact_value(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.redact_value(member) for member in value)
        return value

    def redact_log(self, line: str) -> str:
        """Redact a log line: of presigned URLs and `Authorization` values, too."""
        return _LOG_FORMS.sub(rf"\g<1>{MARK}", self.redact(line))

    def _at(self, content: bytes, start: int) -> Iterator[Span]:
        """Yield where secrets are in one window."""
        window = content[start : start + WINDOW + OVERLAP]
        is_end = start < MAX_ESCAPED or start >= len(content) - MAX_ESCAPED
        layers, text = 0, window
        while True:
            if any(self._find(text)):
                yield from self._located(window, start, layers)
            is_plain = not any(char in text for char in _ESCAPE_CHARACTERS)
            if is_plain or not is_end or layers == MAX_LAYERS:
                return
            layers, text = layers + 1, _ESCAPE.sub(_character, text)

    def _located(self, window: bytes, offset: int, layers: int) -> Iterator[Span]:
        """Yield the spans of secrets that are visible after decoding so many layers of escapes."""
        text, size = window, len(window)
        starts, ends = array("L", range(size)), array("L", range(1, size + 1))
        for _ in range(layers):
            text, inner_starts, inner_ends = _decoded(text)
            starts = array("L", (starts[place] for place in inner_starts))
            ends = array("L", (ends[place - 1] for place in inner_ends))
        for start, end in self._find(text):
            yield offset + starts[start], offset + ends[end - 1]

    def _find(self, text: bytes) -> Iterator[Span]:
        folded = text.lower()
        for forms in self._secrets.values():
            for form in forms.folded:
                yield from _occurrences(folded, form)
            for form in forms.exact:
                yield from _occurrences(text, form)
        if b"rk_" in folded or b"whsec_" in folded:
            yield from (match.span() for match in _OWN.finditer(folded))


def secrets_of_header(value: str) -> tuple[str, ...]:
    """Return the texts of an authentication header that are secret, first its value.

    They are the value without its scheme, for Basic also the decoded one, and of `user:password`
    or `id:secret` the second part.
    """
    scheme, _, rest = value.strip().partition(" ")
    texts = [rest.strip() or scheme]
    if scheme.lower() == "basic":
        with suppress(ValueError):
            texts.append(base64.b64decode(texts[0], validate=True).decode())
    parts = (text.partition(":")[2] for text in texts)
    return (*texts, *(part for part in parts if part))


@dataclass(frozen=True)
class _Forms:
    """A secret in lower case, and its base64, which is not the same in another case.

    A secret that itself looks escaped, as with a backslash in it, is also searched decoded.
    """

    folded: tuple[bytes, ...]
    exact: tuple[bytes, ...]


def _forms(secret: str) -> _Forms:
    content = secret.encode("utf-8", "surrogatepass")
    folded = {content.lower(), _ESCAPE.sub(_character, content).lower()}
    exact = {form for offset in range(3) for form in _in_base64(content, offset)}
    long_enough = (form for form in sorted(folded) if len(form) >= MIN_LENGTH)
    return _Forms(tuple(long_enough), tuple(sorted(exact)))


def _in_base64(content: bytes, offset: int) -> tuple[bytes, bytes]:
    """Return the characters, in both alphabets, that do not depend on the text around it.

    In a longer text, the secret begins at `offset` in one of the groups of three bytes.
    """
    begin, end = -(-offset * 8 // 6), (offset + len(content)) * 8 // 6
    padded = bytes(offset) + content
    return base64.b64encode(padded)[begin:end], base64.urlsafe_b64encode(padded)[begin:end]


def _occurrences(text: bytes, part: bytes) -> Iterator[Span]:
    start = text.find(part)
    while start >= 0:
        yield start, start + len(part)
        start = text.find(part, start + len(part))


def _with_whole_escapes(content: bytes, span: Span) -> Span:
    """Extend a span that would leave half of an escape, such as the backslash of a CR before it."""
    begin, end = span
    return begin - _is_escaped(content, begin), end + _is_escaped(content, end)


def _is_escaped(content: bytes, place: int) -> bool:
    """Whether an odd number of backslashes is before `place`, so that they escape what is there."""
    if not content.endswith(b"\\", 0, place) or place == len(content):
        return False
    before = content[max(0, place - OVERLAP) : place]
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1


def _character(match: re.Match[bytes]) -> bytes:
    r"""Return the character of an escape.

    Backslashes before any other character are dropped. Those of `\n` or `\u4e2d` become a line
    feed before the letter, which may also be the first one of a secret after a backslash.
    """
    if code := match[1] or match[2] or match[4]:
        return _BYTES[int(code, 16)]
    if match[3]:
        return b"\n"
    return unescape(match[5].decode()).encode("utf-8", "replace") if match[5] else b""


def _decoded(text: bytes) -> tuple[bytes, "array[int]", "array[int]"]:
    """Decode one layer of escapes; return where in `text` each byte starts and where it ends."""
    parts: list[bytes] = []
    starts, ends, done = array("L"), array("L"), 0
    for match in _ESCAPE.finditer(text):
        character, (begin, end) = _character(match), match.span()
        parts += text[done:begin], character
        starts.extend(chain(range(done, begin), repeat(begin, len(character))))
        ends.extend(chain(range(done + 1, begin + 1), repeat(end, len(character))))
        done = end
    starts.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return b"".join([*parts, text[done:]]), starts, ends


REDACTOR = Redactor()
"""The secrets of this process."""
