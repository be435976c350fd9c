"""Files that arrive inside JSON: in base64, at a JSON pointer (RFC 6901)."""

import base64
import binascii
import re
from typing import Any

from pydantic_core import from_json

from rushes.errors import BadOutput, OutputInterrupted, UpstreamConfused
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
        raise OutputInterrupted(f"the reply with the output was {reply.status}")
    text = find(reply.body, pointer)
    if not isinstance(text, str):
        raise BadOutput(f"there is no file at {pointer} of the provider's reply")
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadOutput(f"what is at {pointer} of the provider's reply is not base64") from None


def find(body: bytes, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    """What is at a pointer; None where nothing is."""
    try:
        value = from_json(body)
    except ValueError as error:
        raise UpstreamConfused("the provider's reply is not JSON") from error
    return look_up(value, pointer)


def look_up(value: Any, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and re.fullmatch("[0-9]+", name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
