"""Tags of S3 objects, within the characters that S3 accepts."""

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import TagTypeDef

PUNCTUATION = frozenset(" +-=._:/@")
"""Characters of a tag besides letters and numbers of any script."""


def tag_set(tags: Mapping[str, str]) -> "list[TagTypeDef]":
    return [{"Key": _accepted(name), "Value": _accepted(value)} for name, value in tags.items()]


def _accepted(text: str) -> str:
    """Replace each character that S3 refuses."""
    return "".join(letter if _is_accepted(letter) else "_" for letter in text)


def _is_accepted(letter: str) -> bool:
    return letter in PUNCTUATION or unicodedata.category(letter)[0] in "LN"
