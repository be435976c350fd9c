"""Decode base64 files inside JSON replies, found by JSON pointer (RFC 6901)."""

import base64
import binascii

from rushes.errors import DownloadInterrupted, InvalidOutput
from rushes.json_pointer import resolve_in_json
from rushes.ports.http import HttpReply


def unpack(reply: HttpReply, pointer: str) -> bytes:
    """Decode the file at `pointer`, which is base64 or a base64 data URL.

    Raises
    ------
    DownloadInterrupted
        If the reply's status is not 200: a new request may succeed.
    InvalidOutput
        If there is no base64 text at `pointer`.
    """
    if reply.status != 200:
        raise DownloadInterrupted(f"the reply with the output had status {reply.status}")
    text = resolve_in_json(reply.body, pointer)
    if not isinstance(text, str):
        raise InvalidOutput(f"the provider's reply has no file at {pointer}")
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidOutput(f"the provider's reply has no base64 at {pointer}") from None
