"""Files that arrive inside JSON: in base64, at a JSON pointer (RFC 6901)."""

import base64
import binascii

from rushes.errors import DownloadInterrupted, InvalidOutput
from rushes.json_pointer import find
from rushes.ports import HttpReply


def unpack(reply: HttpReply, pointer: str) -> bytes:
    """The file at `pointer`, in base64 or as a data URL.

    Raises
    ------
    OutputInterrupted
        If the reply is a refusal: another look may help.
    BadOutput
        If there is no such file in it.
    """
    if reply.status != 200:
        raise DownloadInterrupted(f"the reply with the output was {reply.status}")
    text = find(reply.body, pointer)
    if not isinstance(text, str):
        raise InvalidOutput(f"there is no file at {pointer} of the provider's reply")
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidOutput(f"what is at {pointer} of the provider's reply is not base64") from None
