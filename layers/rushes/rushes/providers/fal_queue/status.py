"""Parse the queue status of fal and Pipelet."""

import re

from rushes.jobs.result import JobError
from rushes.ports.http import HttpReply
from rushes.providers import replies
from rushes.providers.base import Pending
from rushes.providers.states import State

SECONDS_PER_POSITION = 2.0
MAX_REPORTED = 1_000_000
MAX_POSITION = 15
"""A position beyond it does not delay the next poll further."""
CANCELLED_TYPES = frozenset({"client_cancelled", "request_cancelled"})
_PARTS_DONE = re.compile(r"(\d{1,6})\s*/\s*(\d{1,6})")


class _Messages(replies.Reply):
    message: str | None = None
    detail_message: str | None = None


class Status(replies.Reply):
    """Fields in mixed case are Pipelet's."""

    status: str
    queue_position: replies.NumberOrNone = None
    error: str | None = None
    error_type: str | None = None
    statusMessages: _Messages = _Messages()  # noqa: N815
    etaSeconds: replies.NumberOrNone = None  # noqa: N815


def pending_of(status: Status, state: State, reply: HttpReply) -> Pending:
    is_queued = state is State.QUEUED
    position = status.queue_position if is_queued else None
    return Pending(
        progress_of(status),
        replies.retry_after(reply) or wait_of(status, is_queued=is_queued),
        is_queued,
        queue_position=position_of(position),
        eta_seconds=status.etaSeconds,
    )


def position_of(position: float | None) -> int | None:
    return None if position is None else round(min(max(position, 0), MAX_REPORTED))


def was_cancelled(error_type: str | None) -> bool:
    """Whether the error type of a completed request says that it was cancelled."""
    return error_type in CANCELLED_TYPES


def progress_of(state: Status) -> int | None:
    """Parse the percentage of texts such as "Progress: 4/24 Tasks done"."""
    parts = _PARTS_DONE.search(state.statusMessages.detail_message or "")
    if not parts or not int(parts[2]):
        return None
    return min(100 * int(parts[1]) // int(parts[2]), 100)


def wait_of(state: Status, *, is_queued: bool) -> float | None:
    """Return the seconds until the next poll: Pipelet's estimate, or 2 per queue position."""
    if state.etaSeconds and state.etaSeconds > 0:
        return state.etaSeconds
    position = state.queue_position or 0
    if is_queued and position > 0:
        return SECONDS_PER_POSITION * min(position, MAX_POSITION)
    return None


def failure_of(state: Status) -> JobError:
    messages = state.statusMessages
    reason = state.error or messages.detail_message or messages.message
    return replies.failure(state.error_type or state.status.lower(), reason)
