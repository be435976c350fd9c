"""Parse the queue status of fal and Pipelet."""

import re

from rushes.jobs.result import JobError
from rushes.providers import replies

SECONDS_PER_POSITION = 2.0
MAX_POSITION = 15
"""A position beyond it does not delay the next poll further."""
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


def progress_of(state: Status) -> int | None:
    """Parse the percentage of texts such as "Progress: 4/24 Tasks done"."""
    parts = _PARTS_DONE.search(state.statusMessages.detail_message or "")
    if not parts or not int(parts[2]):
        return None
    return min(100 * int(parts[1]) // int(parts[2]), 100)


def wait_of(state: Status) -> float | None:
    """Return the seconds until the next poll: Pipelet's estimate, or 2 per queue position."""
    if state.etaSeconds and state.etaSeconds > 0:
        return state.etaSeconds
    position = state.queue_position or 0
    if state.status == "IN_QUEUE" and position > 0:
        return SECONDS_PER_POSITION * min(position, MAX_POSITION)
    return None


def failure_of(state: Status) -> JobError:
    messages = state.statusMessages
    reason = state.error or messages.detail_message or messages.message
    return replies.failure(state.error_type or state.status.lower(), reason)
