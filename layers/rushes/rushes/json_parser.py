"""Parse JSON from outside. Values, depth and digits are bounded before any object is built."""

from typing import Any

from pydantic_core import from_json

MAX_REQUEST_VALUES = 200_000
"""Values in a client's request: more than `MAX_REQUEST_BYTES` of the dialects can have."""
MAX_REPLY_VALUES = 1_000_000
"""Values in a provider's reply: a transcript of 20 hours with the times of each word."""


class TooManyValues(ValueError):
    """The text may have more values than allowed."""


def parse_json(text: bytes | str, max_values: int, *, allow_inf_nan: bool = True) -> Any:  # noqa: ANN401 - any JSON value
    """Return the parsed value.

    Raises
    ------
    TooManyValues
    ValueError
        If the text is not JSON, has more than 200 levels or an integer of more than 4,300 digits.
    """
    count = count_values(text)
    if count > max_values:
        raise TooManyValues(f"must have at most {max_values} values (got up to {count})")
    return from_json(text, allow_inf_nan=allow_inf_nan)


def count_values(text: bytes | str) -> int:
    """Return an upper bound of the number of values, without memory and in linear time.

    Each value but the outermost follows a comma, `[` or `{`. Those inside strings count, too, so
    that a limit must exceed the commas of a long prompt or transcript. Base64 has none.
    """
    if isinstance(text, bytes):
        return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")
    return 1 + text.count(",") + text.count("[") + text.count("{")
