"""Parse the replies to cancel requests."""

from collections.abc import Iterable
from typing import Any

from rushes.errors import UpstreamError
from rushes.json_pointer import resolve_in_json, resolve_pointer
from rushes.ports.http import HttpReply
from rushes.providers import replies
from rushes.providers.base import CancelReply
from rushes.providers.states import State, plain, state_of

NO_SUCH_METHOD = frozenset({405, 501})
FINISHED_WORDS = frozenset({"alreadycompleted", "alreadyfinished"})
REPLIES = {
    State.CANCELLED: CancelReply.STOPPED,
    State.FAILED: CancelReply.STOPPED,
    State.SUCCEEDED: CancelReply.FINISHED,
}
"""By the job's state in the reply; in any other state it may stop later."""


def parse_cancel(
    reply: HttpReply,
    pointers: Iterable[str] = ("/status",),
    *,
    done: CancelReply = CancelReply.REQUESTED,
) -> CancelReply:
    """Read the job's status in the reply.

    `done` is the meaning of 200 and 204 without a status. 202 is a promise only, and so is a body
    that is not JSON, such as a proxy's page: it does not come from the provider's API.

    Raises
    ------
    UpstreamError
        If the provider refuses the request without saying that the job has finished.
    """
    if reply.status in NO_SUCH_METHOD:
        return CancelReply.UNSUPPORTED
    body = _json(reply)
    status = _status(body, pointers)
    if plain(status) in FINISHED_WORDS:
        return CancelReply.FINISHED
    replies.raise_for_status(reply)
    confirms = body is not None or not reply.body.strip()
    if not status and confirms and reply.status in (200, 204):
        return done
    return REPLIES.get(state_of(status) or State.RUNNING, CancelReply.REQUESTED)


def _json(reply: HttpReply) -> Any:  # noqa: ANN401 - any JSON
    """Return the parsed body; None if it is empty or not JSON."""
    try:
        return resolve_in_json(reply.body, "")
    except UpstreamError:
        return None


def _status(body: object, pointers: Iterable[str]) -> str:
    """Return the first status in the body, empty if there is none."""
    found = (resolve_pointer(body, pointer) for pointer in pointers)
    return next((status for status in found if isinstance(status, str)), "")
