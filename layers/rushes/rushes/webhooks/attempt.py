"""Delivery attempts: one POST and its result."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from rushes.jobs.stored_job import formerly

AttemptTrigger = Literal["scheduled", "manual"]
"""`scheduled`: by the retry policy. `manual`: by a resend request."""

EXCERPT_BYTES = 1024
RENDER_FAILED = "unwritable"
"""Error of an attempt that sent nothing, because the body could not be rendered."""
MAX_MANUAL_ATTEMPTS = 20
"""A delivery stores only its newest manual attempts."""


class DeliveryAttempt(BaseModel):
    """One POST: the status code of the response, or an error. Times are seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="allow")

    at: float
    status_code: int | None = None
    error: str | None = None
    """timeout, tls, refused, unreachable, broken, address_refused or unwritable."""
    latency_ms: int = 0
    response_excerpt: str = ""
    """First KiB of the response body."""
    trigger: AttemptTrigger = formerly("trigger", "kind", default="scheduled")


def excerpt(body: bytes) -> str:
    """Decode the first KiB and replace control characters: JSON needs six bytes for each."""
    text = body[:EXCERPT_BYTES].decode(errors="replace")
    return "".join(
        char if char >= " " or char in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def trim_manual(attempts: tuple[DeliveryAttempt, ...]) -> tuple[DeliveryAttempt, ...]:
    """Drop all but the newest manual attempts."""
    manual = [attempt for attempt in attempts if attempt.trigger == "manual"]
    dropped = manual[:-MAX_MANUAL_ATTEMPTS]
    return tuple(attempt for attempt in attempts if attempt not in dropped)
