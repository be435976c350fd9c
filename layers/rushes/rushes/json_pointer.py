"""Resolve JSON pointers (RFC 6901)."""

import re
from typing import Any

from rushes.errors import UpstreamProtocolError
from rushes.json_parser import MAX_REPLY_VALUES, TooManyValues, parse_json


def resolve_in_json(body: bytes, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    """Parse a provider's reply and resolve a pointer in it; None if nothing is there.

    Raises
    ------
    UpstreamProtocolError
        If the reply is not JSON or has too many values.
    """
    try:
        value = parse_json(body, MAX_REPLY_VALUES)
    except TooManyValues as error:
        raise UpstreamProtocolError(f"the provider's reply {error}") from error
    except ValueError as error:
        raise UpstreamProtocolError("the provider's reply is not JSON") from error
    return resolve_pointer(value, pointer)


def resolve_pointer(value: Any, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and re.fullmatch("[0-9]{1,9}", name):
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value
