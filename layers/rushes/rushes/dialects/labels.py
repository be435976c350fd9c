"""Read what a client attaches to a job: tags and a user from headers, metadata from a body.

    rushes-tags: team=ads, campaign=spring%20sale
    rushes-user: user-4711

Names and values of `rushes-tags` end at `=` and `,`. Both headers are percent-encoded UTF-8: each
byte of commas, `%`, quotes and characters outside ASCII is sent as `%` and two hexadecimal digits.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from urllib.parse import unquote_to_bytes

from rushes.dialects.validation import shown
from rushes.errors import InvalidRequest
from rushes.jobs.labels import NO_LABELS, Labels

TAGS_HEADER, USER_HEADER = "rushes-tags", "rushes-user"
MAX_TAGS = 10
"""S3 stores as many with an object."""
MAX_TAG_VALUE = 128
MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_VALUE = 16, 64, 512
"""OpenAI's limits."""
MAX_USER = 128
TAG_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
TAG_NAME_RULE = "must have 1 to 40 characters of A-Z a-z 0-9 _ . -"
ENCODED = re.compile(r"(?:[ !#$&-+\--\[\]-~]|%[0-9A-Fa-f]{2})*")
"""Printable ASCII without commas, quotes and backslashes; each `%` begins an encoded byte."""
ENCODING_RULE = (
    "must be printable ASCII;"
    " percent-encode commas, quotes, % and characters outside ASCII as UTF-8"
)
CONTROL_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, surrogates, and the separators of lines and paragraphs."""
LINE_CHARACTERS = "\t\n\r"


def with_header_labels(labels: Labels, headers: Mapping[str, str]) -> Labels:
    """Add the labels of a create call's headers to those of its body."""
    tags, user = read_tags_header(headers), read_user_header(headers)
    if user is not None and labels.user not in (None, user):
        raise InvalidRequest(
            f"{USER_HEADER} must be equal to user (got {shown(user)} and {shown(labels.user)})",
            param=USER_HEADER,
        )
    if not tags and user is None:
        return labels
    return labels.model_copy(update={"tags": tags or labels.tags, "user": user or labels.user})


def read_tags_header(headers: Mapping[str, str]) -> dict[str, str]:
    """Parse `rushes-tags`; empty members are ignored, as of any list (RFC 9110, 5.6.1)."""
    members = (text.strip(" \t") for text in headers.get(TAGS_HEADER, "").split(","))
    return check_tags([_read_tag(member) for member in members if member], TAGS_HEADER)


def read_user_header(headers: Mapping[str, str]) -> str | None:
    raw = headers.get(USER_HEADER, "").strip(" \t")
    return check_user(_decoded(raw, USER_HEADER, USER_HEADER), USER_HEADER) if raw else None


def read_labels(metadata: Mapping[str, str] | None, user: str | None) -> Labels:
    """Return the labels of a body."""
    if not metadata and user is None:
        return NO_LABELS
    checked = None if user is None else check_user(user)
    return Labels(metadata=check_metadata(metadata or {}), user=checked)


def check_tags(tags: Collection[tuple[str, str]], field: str) -> dict[str, str]:
    """Return the tags by name; `field` is their field or header in the request.

    Raises
    ------
    InvalidRequest
        If there are more than `MAX_TAGS`, or one is invalid or duplicated.
    """
    if len(tags) > MAX_TAGS:
        raise InvalidRequest(
            f"{field}: at most {MAX_TAGS} tags are allowed (got {len(tags)})", param=field
        )
    found: dict[str, str] = {}
    for name, value in tags:
        if TAG_NAME.fullmatch(name) is None:
            raise InvalidRequest(
                f"{field}: tag name {TAG_NAME_RULE} (got {shown(name)})", param=field
            )
        if name in found:
            raise InvalidRequest(f"{field}: tag {name} is duplicated", param=field)
        _check_text(value, f"{field}: value of {name}", field, (1, MAX_TAG_VALUE))
        found[name] = value
    return found


def check_metadata(metadata: Mapping[str, str], field: str = "metadata") -> dict[str, str]:
    """Return OpenAI's metadata; raise InvalidRequest if it exceeds OpenAI's limits."""
    if len(metadata) > MAX_METADATA:
        raise InvalidRequest(
            f"{field}: at most {MAX_METADATA} pairs are allowed (got {len(metadata)})", param=field
        )
    for name, value in metadata.items():
        _check_text(name, f"{field}: a name", field, (1, MAX_METADATA_NAME))
        bounds = (0, MAX_METADATA_VALUE)
        _check_text(value, f"{field}: value of {shown(name)}", field, bounds, LINE_CHARACTERS)
    return dict(metadata)


def check_user(user: str, field: str = "user") -> str:
    _check_text(user, field, field, (1, MAX_USER))
    return user


def _read_tag(member: str) -> tuple[str, str]:
    name, separator, value = member.partition("=")
    name = name.rstrip(" \t")
    if not separator:
        raise InvalidRequest(
            f"{TAGS_HEADER}: each tag must be name=value (got {shown(member)})", param=TAGS_HEADER
        )
    return name, _decoded(value.lstrip(" \t"), f"{TAGS_HEADER}: value of {name[:40]}", TAGS_HEADER)


def _decoded(raw: str, subject: str, field: str) -> str:
    if ENCODED.fullmatch(raw) is None:
        raise InvalidRequest(f"{subject} {ENCODING_RULE} (got {shown(raw)})", param=field)
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        message = f"{subject} must be percent-encoded UTF-8 (got {shown(raw)})"
        raise InvalidRequest(message, param=field) from None


def _check_text(
    text: str, subject: str, field: str, bounds: tuple[int, int], allowed: str = ""
) -> None:
    """Refuse a text of another length, and control characters that are not `allowed`."""
    minimum, maximum = bounds
    if not minimum <= len(text) <= maximum:
        raise InvalidRequest(
            f"{subject} must have {minimum} to {maximum} characters"
            f" (got {shown(text)}, {len(text)} characters)",
            param=field,
        )
    if any(is_control(character) and character not in allowed for character in text):
        raise InvalidRequest(
            f"{subject} must not have control characters (got {shown(text)})", param=field
        )


def is_control(character: str) -> bool:
    return unicodedata.category(character) in CONTROL_CATEGORIES
