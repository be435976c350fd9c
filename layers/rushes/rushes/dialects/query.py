"""Check query parameters: an unknown one would be ignored silently."""

from collections.abc import Collection

from rushes.dialects.base import HttpRequest
from rushes.errors import InvalidRequest

IGNORED = frozenset({"api-version", "_"})
"""Azure's OpenAI clients send the first with every request, browsers' libraries the second."""


def check_query(request: HttpRequest, allowed: Collection[str]) -> None:
    """Raise InvalidRequest for a query parameter that the URL does not have."""
    for name in sorted(request.query.keys() - IGNORED - set(allowed)):
        names = ", ".join(sorted(allowed)) or "none"
        raise InvalidRequest(
            f"{name[:80]} is not supported (query parameters of this URL: {names})",
            param=name[:80],
            kind="unknown_query_parameter",
        )
