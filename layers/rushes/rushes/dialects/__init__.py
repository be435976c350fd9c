"""The registry of client API formats."""

from rushes.dialects.base import Dialect
from rushes.dialects.fal_queue.fal import FalDialect
from rushes.dialects.fal_queue.pipelet import PipeletDialect
from rushes.dialects.openai_videos.bifrost import BifrostDialect
from rushes.dialects.openai_videos.openai import OpenAIDialect
from rushes.dialects.tiyaro.dialect import TiyaroDialect
from rushes.dialects.together.dialect import TogetherDialect

BIFROST, OPENAI, TOGETHER = BifrostDialect(), OpenAIDialect(), TogetherDialect()
PIPELET, FAL, TIYARO = PipeletDialect(), FalDialect(), TiyaroDialect()
DIALECTS: tuple[Dialect, ...] = (BIFROST, OPENAI, TOGETHER, PIPELET, FAL, TIYARO)

FOLDERS: dict[str, Dialect] = {
    "/openai": OPENAI,
    "/v1/webhook_endpoints": OPENAI,
    "/v1/webhook_messages": OPENAI,
    "/v1/webhook_secret": OPENAI,
    "/v1/webhook_event_types": OPENAI,
    "/bifrost": BIFROST,
    "/v1/async": TIYARO,
    "/v1/input": TIYARO,
    "/v1/v2": TOGETHER,
    "/v2": TOGETHER,
    "/videos": TOGETHER,
    "/models": TOGETHER,
    "/queue": PIPELET,
    "/pipelet": PIPELET,
    "/fal": FAL,
    "/v1": BIFROST,
}
"""Dialect of the errors below a path; a path below `/v1` precedes it. The webhook API's errors have
OpenAI's envelope."""


def dialect_of(path: str) -> Dialect:
    """Return the dialect whose error envelope fits an unknown URL."""
    for folder, dialect in FOLDERS.items():
        if path == folder or path.startswith(f"{folder}/"):
            return dialect
    return BIFROST
