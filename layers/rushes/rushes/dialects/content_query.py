"""Query parameters of the content call, and clients that cannot follow its redirect."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rushes.dialects.validation import shown
from rushes.errors import InvalidRequest

VARIANTS = ("video", "thumbnail", "spritesheet", "sprite_sheet")
REDIRECTS = {"true": True, "false": False}
KEEPS_AUTHORIZATION = re.compile(
    r"Apache-HttpClient/[34]\.|Java-http-client/|Java/|Wget|Python-urllib/", re.IGNORECASE
)
"""User agents that send `Authorization` to the host of a redirect, too. S3 refuses a presigned URL
with that header."""
QUERY_NAMES = ("variant", "redirect")


@dataclass(frozen=True)
class ContentQuery:
    """`redirect`: None leaves the choice to the gateway."""

    variant: str
    redirect: bool | None = None


def read_content_query(query: Mapping[str, str], headers: Mapping[str, str]) -> ContentQuery:
    variant = query.get("variant", "video")
    if variant not in VARIANTS:
        raise InvalidRequest(
            f"variant must be video, thumbnail or spritesheet (got {shown(variant)})",
            param="variant",
        )
    redirect = query.get("redirect")
    if redirect is None:
        keeps = KEEPS_AUTHORIZATION.match(headers.get("user-agent", ""))
        return ContentQuery(variant, None if keeps else True)
    if redirect.lower() not in REDIRECTS:  # Python's clients write `False`
        raise InvalidRequest(
            f"redirect must be true or false (got {shown(redirect)})", param="redirect"
        )
    return ContentQuery(variant, REDIRECTS[redirect.lower()])
