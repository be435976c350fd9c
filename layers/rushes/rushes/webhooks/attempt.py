"""One POST and what came of it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

AttemptTrigger = Literal["scheduled", "manual"]
"""By the table of delays, or because somebody asked for it."""

EXCERPT_BYTES = 1024
UNWRITABLE = "unwritable"
"""Nothing was sent: what it is about cannot be read, and the receiver has no part in it."""
MANUAL_ATTEMPTS = 20
"""How many attempts that somebody asked for are kept of a delivery, the newest."""


class Attempt(BaseModel):
    """One POST and what came of it: a status, or why there is none."""

    model_config = ConfigDict(
        frozen=True, extra="allow", validate_by_name=True, validate_by_alias=True
    )

    at: float
    status_code: int | None = None
    error: str | None = None
    """timeout, tls, refused, unreachable, broken or address_refused; or unwritable."""
    latency_ms: int = 0
    response_excerpt: str = ""
    """The beginning of the answer's body."""
    trigger: AttemptTrigger = Field(default="scheduled", validation_alias="kind")


def excerpt(body: bytes) -> str:
    """An answer's beginning. Controls, each six characters in JSON, are not kept as they are."""
    text = body[:EXCERPT_BYTES].decode(errors="replace")
    return "".join(
        it if it >= " " or it in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" for it in text
    )


def kept(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """All of the schedule's, and the newest of those that somebody asked for."""
    manual = [attempt for attempt in attempts if attempt.trigger == "manual"]
    dropped = manual[:-MANUAL_ATTEMPTS]
    return tuple(attempt for attempt in attempts if attempt not in dropped)
