"""The dialects that clients may speak."""

from rushes.dialects.base import Dialect
from rushes.dialects.bifrost import BifrostDialect
from rushes.dialects.openai import OpenAIDialect

DIALECTS: tuple[Dialect, ...] = (BifrostDialect(), OpenAIDialect())


def dialect_of(path: str) -> Dialect:
    """In whose words to say that there is nothing at a path: the nearest dialect's."""
    for dialect in DIALECTS:
        if any(path.startswith(route.path.partition("<")[0]) for route in dialect.routes):
            return dialect
    return DIALECTS[0]
