"""Look up JSON pointers (RFC 6901)."""

import re
from typing import Any

from pydantic_core import from_json

from rushes.errors import UpstreamProtocolError


def find(body: bytes, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    """What is at a pointer; None where nothing is."""
    try:
        value = from_json(body)
    except ValueError as error:
        raise UpstreamProtocolError("the provider's reply is not JSON") from error
    return resolve_pointer(value, pointer)


def resolve_pointer(value: Any, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and re.fullmatch("[0-9]+", name) and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
