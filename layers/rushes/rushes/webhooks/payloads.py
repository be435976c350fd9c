"""What a message says, in the words of the API that its receiver knows.

A body is made when an attempt is made: its links are fresh, however late it is. In the bus's own
words it has no links, and is the same in every attempt.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rushes.dialects.base import JobView
from rushes.dialects.fal_queue.fal import payload_of
from rushes.dialects.fal_queue.pipelet import result_of
from rushes.dialects.openai_videos.openai_format import as_json

Event = Mapping[str, Any]
"""As it stood on the bus."""
Look = Callable[[], JobView | None]
"""Gives the job that an event is about, None where it is gone."""

COMPLETED, FAILED, CANCELLED = "job.completed", "job.failed", "job.cancelled"
ENDINGS = (COMPLETED, FAILED, CANCELLED)
OPENAI_TYPES = {COMPLETED: "video.completed", FAILED: "video.failed", CANCELLED: "video.failed"}
"""OpenAI has no word for cancelled: its own API calls such a film failed."""
PIPELET_TYPES = {
    "job.started": "acquired",
    COMPLETED: "completed",
    FAILED: "failed",
    CANCELLED: "cancelled",
}
WORDS: dict[str, tuple[str, ...]] = {
    "openai": tuple(OPENAI_TYPES),
    "fal": ENDINGS,
    "pipelet": tuple(PIPELET_TYPES),
}
"""The events that each API has words for; the bus's own has words for all."""

GONE = "the result is gone: the job was deleted"


def speaks(form: str, event_type: str) -> bool:
    """Whether there is anything to be said of such an event in that form."""
    return form not in WORDS or event_type in WORDS[form]


def body_of(event: Event, form: str, look: Look) -> str:
    """The message's body. `look` is called only where the words are about the job's result."""
    match form:
        case "openai":
            body = _openai(event)
        case "fal":
            body = _fal(event, look)
        case "pipelet":
            body = _pipelet(event, look)
        case _:
            body = dict(event)
    return as_json(body)


def _openai(event: Event) -> dict[str, Any]:
    return {
        "id": event["id"],
        "object": "event",
        "created_at": int(datetime.fromisoformat(event["timestamp"]).timestamp()),
        "type": OPENAI_TYPES[event["type"]],
        "data": {"id": event["data"]["id"]},
    }


def _fal(event: Event, look: Look) -> dict[str, Any]:
    job_id, trouble = event["data"]["id"], _trouble(event)
    body = {"request_id": job_id, "gateway_request_id": job_id}
    if trouble:
        told = {"status": "ERROR", "error": trouble["message"]}
        return {**body, **told, "payload": {"detail": trouble["message"]}}
    view = look()
    if view is None:
        return {**body, "status": "OK", "payload": None, "payload_error": GONE}
    return {**body, "status": "OK", "payload": payload_of(view)}


def _pipelet(event: Event, look: Look) -> dict[str, Any]:
    """The film is there as a link: in base64 it would be too much for most receivers."""
    event_type, trouble = PIPELET_TYPES[event["type"]], _trouble(event)
    body = {"eventType": event_type, "jobId": event["data"]["id"]}
    if trouble:
        messages = {"message": trouble["message"], "detail_message": trouble["code"]}
        return {**body, "statusMessages": messages}
    if event["type"] != COMPLETED:
        return body
    view = look()
    if view is None:
        return {**body, "statusMessages": {"message": GONE}}
    return {**body, **result_of(view, as_link=True)}


def _trouble(event: Event) -> dict[str, str] | None:
    """Why a job came to a bad end, in the words that a look at it would find as well."""
    if event["type"] == CANCELLED:
        return {"code": "request_cancelled", "message": "the request was cancelled"}
    if event["type"] == FAILED:
        return event["data"]["error"] or {"code": "internal_error", "message": "it failed"}
    return None
