"""Pause of an open job: no execution is started for it."""

from enum import StrEnum
from typing import Annotated

from rushes.jobs.stored import StoredModel, or_unknown


class PauseReason(StrEnum):
    RESTORED = "restored"
    """The job comes from a backup, and its provider may have made it since."""
    RESTARTS = "restarts"
    """Its executions end without a result."""


class Pause(StoredModel):
    """Times are seconds since 1970."""

    reason: Annotated[PauseReason, or_unknown(PauseReason)]
    detail: str
    """For the operator."""
    since: float
    until: float | None = None
    """Start of the next execution; None: the operator decides."""
    check_at: float
    """Time at which the sweeper reports the pause, or ends it."""
    needs_operator: bool = False
    """Whether it is reported: other pauses are short."""

    def is_over(self, now: float) -> bool:
        return self.until is not None and self.until <= now
