"""Resolve JSON pointers (RFC 6901)."""

import re
from typing import Any

from pydantic_core import from_json

from rushes.errors import UpstreamProtocolError


def resolve_in_json(body: bytes, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    """Parse a provider's reply and resolve a pointer in it; None if nothing is there.

    Raises
    ------
    UpstreamProtocolError
        If the reply is not JSON.
    """
    try:
        value = from_json(body)
    except ValueError as error:
        raise UpstreamProtocolError("the provider's reply is not JSON") from error
    return resolve_pointer(value, pointer)


def resolve_pointer(value: Any, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and re.fullmatch("[0-9]+", name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
