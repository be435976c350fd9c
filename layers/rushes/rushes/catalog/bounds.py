"""Sizes of the texts and lists in a request's options."""

from rushes.errors import InvalidRequest

MAX_CHARACTERS = 10_000
"""Of a text whose option has no `max_characters`."""
MAX_MEMBERS = 100
"""Of a list or an object."""


def check_size(name: str, value: object, max_characters: int, where: str = "") -> None:
    """Refuse a text, list or object that is too long, at any depth of an option's value.

    Raises
    ------
    InvalidRequest
    """
    if isinstance(value, str):
        if len(value) > max_characters:
            raise _too_long(name, f"{max_characters} characters{where}", len(value), "string_")
        return
    if not isinstance(value, list | tuple | dict):
        return
    if len(value) > MAX_MEMBERS:
        raise _too_long(name, f"{MAX_MEMBERS} members{where}", len(value))
    members = [*value, *value.values()] if isinstance(value, dict) else value
    for member in members:
        check_size(name, member, max_characters, " in each member")


def _too_long(name: str, limit: str, found: int, kind: str = "") -> InvalidRequest:
    message = f"{name} must have at most {limit} (got {found})"
    return InvalidRequest(message, param=name, kind=f"{kind}too_long")
