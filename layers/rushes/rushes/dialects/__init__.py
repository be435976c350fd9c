"""The registry of client API formats."""

from rushes.dialects.base import Dialect
from rushes.dialects.fal_queue.fal import FalDialect
from rushes.dialects.fal_queue.pipelet import PipeletDialect
from rushes.dialects.openai_videos.bifrost import BifrostDialect
from rushes.dialects.openai_videos.openai import OpenAIDialect
from rushes.dialects.tiyaro.dialect import TiyaroDialect
from rushes.dialects.together.dialect import TogetherDialect

DIALECTS: tuple[Dialect, ...] = (
    BifrostDialect(),
    OpenAIDialect(),
    TogetherDialect(),
    PipeletDialect(),
    FalDialect(),
    TiyaroDialect(),
)


def dialect_of(path: str) -> Dialect:
    """Return the dialect whose error envelope fits an unknown URL: the first with its prefix."""
    for dialect in DIALECTS:
        if any(path.startswith(route.path.partition("<")[0]) for route in dialect.routes):
            return dialect
    return DIALECTS[0]
