"""Webhook bodies in each payload format.

Each attempt renders the body anew, so its download links are fresh. In the `rushes` format it has
no links and stays identical.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rushes.dialects.base import JobView
from rushes.dialects.fal_queue.fal import payload_of
from rushes.dialects.fal_queue.fal_errors import detail_of_failure
from rushes.dialects.fal_queue.pipelet import result_of
from rushes.dialects.json_format import as_json
from rushes.jobs.content_type import extension_of
from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile
from rushes.jobs.result import JobError
from rushes.ports import Clock
from rushes.ports.jobs import Jobs
from rushes.ports.storage import Blobs
from rushes.redaction import REDACTOR
from rushes.webhooks.delivery import Delivery

Event = Mapping[str, Any]
GetView = Callable[[], JobView | None]
"""Loads the event's job; None if it was deleted."""

COMPLETED, FAILED, CANCELLED = "job.completed", "job.failed", "job.cancelled"
TERMINAL_EVENTS = (COMPLETED, FAILED, CANCELLED)
OPENAI_TYPES = {COMPLETED: "video.completed", FAILED: "video.failed", CANCELLED: "video.failed"}
"""OpenAI's API has no cancelled status: it reports such a video as failed."""
PIPELET_TYPES = {
    "job.started": "acquired",
    COMPLETED: "completed",
    FAILED: "failed",
    CANCELLED: "cancelled",
}
SUPPORTED_TYPES: dict[str, tuple[str, ...]] = {
    "openai": tuple(OPENAI_TYPES),
    "fal": TERMINAL_EVENTS,
    "pipelet": tuple(PIPELET_TYPES),
}
"""Event types of each vendor format; `rushes` supports all."""

GONE = "the job and its result were deleted"


def supports(format_name: str, event_type: str) -> bool:
    return format_name not in SUPPORTED_TYPES or event_type in SUPPORTED_TYPES[format_name]


def render(event: Event, format_name: str, get_view: GetView) -> str:
    """Return the JSON body; call `get_view` only for a body that contains the result."""
    match format_name:
        case "openai":
            body = _openai(event)
        case "fal":
            body = _fal(event, get_view)
        case "pipelet":
            body = _pipelet(event, get_view)
        case _:
            body = dict(event)
    return as_json(body)


@dataclass(frozen=True)
class PayloadRenderer:
    jobs: Jobs
    blobs: Blobs
    clock: Clock

    def render(self, delivery: Delivery) -> bytes:
        body = render(delivery.event, delivery.format, lambda: self._view(delivery))
        return REDACTOR.redact(body).encode()

    def _view(self, delivery: Delivery) -> JobView | None:
        """Load the job; None if its files no longer exist."""
        job = self.jobs.get(delivery.account, delivery.job_id) if delivery.job_id else None
        if job is None or job.deleted_at or (job.expires_at and job.expires_at < self.clock()):
            return None
        return JobView(
            job=job,
            link=lambda file: self.blobs.link(file, _filename(job, file)),
            read=lambda file: self.blobs.read(file.key),
            base_url="",
        )


def _filename(job: Job, file: StoredFile) -> str:
    return f"{job.id}.{extension_of(file.content_type)}"


def _openai(event: Event) -> dict[str, Any]:
    return {
        "id": event["id"],
        "object": "event",
        "created_at": int(datetime.fromisoformat(event["timestamp"]).timestamp()),
        "type": OPENAI_TYPES[event["type"]],
        "data": {"id": event["data"]["id"]},
    }


def _fal(event: Event, get_view: GetView) -> dict[str, Any]:
    job_id, error = event["data"]["id"], _error(event)
    body = {"request_id": job_id, "gateway_request_id": job_id}
    if error:
        detail = detail_of_failure(JobError.model_validate(error))
        return {**body, "status": "ERROR", "error": error["message"], "payload": {"detail": detail}}
    view = get_view()
    if view is None:
        return {**body, "status": "OK", "payload": None, "payload_error": GONE}
    return {**body, "status": "OK", "payload": payload_of(view)}


def _pipelet(event: Event, get_view: GetView) -> dict[str, Any]:
    """Render the result with a link: base64 would exceed most receivers' limits."""
    error = _error(event)
    body = {"eventType": PIPELET_TYPES[event["type"]], "jobId": event["data"]["id"]}
    if error:
        messages = {"message": error["message"], "detail_message": error["code"]}
        return {**body, "statusMessages": messages}
    if event["type"] != COMPLETED:
        return body
    view = get_view()
    if view is None:
        return {**body, "statusMessages": {"message": GONE}}
    return {**body, **result_of(view, as_link=True)}


def _error(event: Event) -> dict[str, str] | None:
    """Return code and message, as a status request for the job does."""
    if event["type"] == CANCELLED:
        return {"code": "request_cancelled", "message": "the request was cancelled"}
    if event["type"] == FAILED:
        return event["data"]["error"] or {"code": "internal_error", "message": "it failed"}
    return None
