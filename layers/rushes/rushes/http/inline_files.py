"""Decode files inside JSON replies, found by JSON pointer (RFC 6901)."""

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from rushes.errors import DownloadInterrupted, InvalidOutput
from rushes.json_pointer import resolve_in_json
from rushes.ports.http import HttpReply

WHITESPACE = b" \t\r\n\f\v"
STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
READABLE = (200, 201, 203)
MAX_HEADER_CHARACTERS = 300
"""Of a data URL, before its content."""
_BASE64_MARK = re.compile(r";\s*base64\s*,", re.IGNORECASE)
"""End of the header; the codecs in it may be separated by commas, too."""


def unpack(reply: HttpReply, pointer: str) -> bytes:
    """Decode the file at `pointer`, which is base64 or a data URL.

    Raises
    ------
    DownloadInterrupted
        If the reply has another status than success: a new request may succeed.
    InvalidOutput
        If there is no such text at `pointer`.
    """
    if reply.status not in READABLE:
        raise DownloadInterrupted(f"the reply with the output had status {reply.status}")
    text = resolve_in_json(reply.body, pointer)
    if not isinstance(text, str):
        raise InvalidOutput(f"the provider's reply has no file at {pointer}")
    try:
        return _decode(text)
    except ValueError:
        raise InvalidOutput(f"the provider's reply has no base64 at {pointer}") from None


def _decode(text: str) -> bytes:
    """Decode base64, or a data URL (RFC 2397), whose content is base64 or percent-encoded."""
    text = text.strip()
    if text[:5].casefold() != "data:":
        return _decode_base64(text.encode("ascii"))
    mark = _BASE64_MARK.search(text, 0, MAX_HEADER_CHARACTERS)
    if mark is None:
        return unquote_to_bytes(text.partition(",")[2])
    content = text[mark.end() :]
    return _decode_base64(unquote_to_bytes(content) if "%" in content else content.encode("ascii"))


def _decode_base64(encoded: bytes) -> bytes:
    """Decode either alphabet, with or without line breaks and padding."""
    if _has(encoded, b"-_") and _has(encoded, b"+/"):
        raise ValueError("characters of both alphabets")
    text = encoded.translate(STANDARD_ALPHABET, WHITESPACE).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _has(encoded: bytes, characters: bytes) -> bool:
    return any(character in encoded for character in characters)
