"""fal's queue, as its clients speak it. A failed request is COMPLETED, with an error."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from typing_extensions import override

from rushes.dialects.base import Dialect, HttpRequest, HttpResponse, JobView, Verb
from rushes.dialects.fal_queue.fal_arguments import read_arguments, read_headers
from rushes.dialects.fal_queue.queue_dialect import (
    WEBHOOK_FIELDS,
    QueueDialect,
    check_queries,
    queue_routes,
    read_webhook,
    refusal_of,
    state_of,
    trouble_of,
)
from rushes.dialects.openai_videos.openai_format import JSON
from rushes.errors import RushesError
from rushes.jobs.content_type import EXTENSIONS
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.jobs.result import Artifact

PREFIX = "/fal"
ERROR_TYPES = {
    "content_filtered": "content_policy_violation",
    "upstream_timeout": "request_timeout",
    "upstream_queued_too_long": "startup_timeout",
}
"""fal's words for ours, where it has one."""


class FalDialect(QueueDialect):
    name = "fal"
    routes = queue_routes(PREFIX)
    fields: ClassVar[Mapping[str, str]] = {
        "video_id": "request_id",
        "seconds": "duration",
        "size": "video_size",
        "image": "image_url",
        "last_frame": "end_image_url",
        "reference": "image_urls",
        "source_video": "video_url",
        "audio": "audio_url",
        "input_reference": "",
        "webhook_url": WEBHOOK_FIELDS,
    }

    def __init__(self, prefix: str = PREFIX) -> None:
        super().__init__(prefix)

    def speaker(self, request: HttpRequest) -> Dialect:  # noqa: ARG002 - all of /fal is fal's
        return self

    def read_create(self, request: HttpRequest) -> CreateRequest:
        model = self.read_model(request)
        check_queries(request)
        preferences = read_headers(request.headers)
        fields = self.read_json(request)
        generation, uploads = read_arguments(model, fields)
        webhook = read_webhook(request)
        return CreateRequest(generation, uploads=uploads, preferences=preferences, webhook=webhook)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        job = view.job
        if verb == "result":
            refusal = refusal_of(job)
            reply = refusal or HttpResponse(200, json.dumps(payload_of(view)), JSON)
            return HttpResponse(reply.status, reply.body, _headers(job))
        if verb == "status":
            told, waits = _status(job), not job.is_finished
        else:
            told, waits = {"status": "IN_QUEUE", "queue_position": 0}, False
        body = {"request_id": job.id, **told, **self.addresses(view)}
        return HttpResponse(202 if waits else 200, json.dumps(body), _headers(job))

    def may_cancel(self, job: Job) -> bool:  # noqa: ARG002 - one that runs may be, too
        return True

    def write_cancelled(self, job: Job, *, accepted: bool) -> HttpResponse:
        status = "CANCELLATION_REQUESTED" if accepted else "ALREADY_COMPLETED"
        return HttpResponse(202 if accepted else 400, json.dumps({"status": status}), _headers(job))

    @override
    def write_error(self, error: RushesError) -> HttpResponse:
        body = {"detail": self.detail(error)}
        if error.param == "video_id" and error.http_status == 404:
            body["status"] = "NOT_FOUND"  # what a cancellation wants to hear
        headers = {**JSON, "x-fal-error-type": error.error_code}
        return HttpResponse(error.http_status, json.dumps(body), headers)


def _headers(job: Job) -> dict[str, str]:
    error_type = _error_type(job)
    headers = {**JSON, "x-fal-request-id": job.id}
    return {**headers, "x-fal-error-type": error_type} if error_type else headers


def _error_type(job: Job) -> str | None:
    trouble = trouble_of(job)
    return ERROR_TYPES.get(trouble.code, trouble.code) if trouble else None


def _status(job: Job) -> dict[str, Any]:
    """A position and logs are always there: clients fail without the one that they want."""
    status: dict[str, Any] = {
        "status": "COMPLETED" if job.is_finished else state_of(job),
        "queue_position": 0,  # nobody is in front: what waits, waits for its provider
        "logs": _logs(job),
    }
    trouble = trouble_of(job)
    if trouble:
        status |= {"error": trouble.message, "error_type": _error_type(job)}
    if job.submitted_at and job.generated_at:
        status["metrics"] = {"inference_time": round(job.generated_at - job.submitted_at, 3)}
    return status


def _logs(job: Job) -> list[dict[str, str]]:
    moment = datetime.fromtimestamp(job.updated_at, UTC).isoformat()
    lines = [(warning, "WARNING") for warning in job.warnings]
    if "start_timeout" in job.preferences:
        lines.append(("X-Fal-Request-Timeout is not watched here: cancel instead", "WARNING"))
    if job.progress:
        lines.append((f"{job.progress} % done", "INFO"))
    return [
        {"message": message, "level": level, "source": "rushes", "timestamp": moment}
        for message, level in lines
    ]


def payload_of(view: JobView) -> dict[str, Any]:
    """What a completed request came to; its links are fresh."""
    job = view.job
    files = [_file(view, artifact) for artifact in job.artifacts]
    document = view.document or {}
    if not files:
        return document
    return {
        **document,
        **({"images": files} if job.modality == "image" else {job.modality: files[0]}),
    }


def _file(view: JobView, artifact: Artifact) -> dict[str, Any]:
    extension = EXTENSIONS.get(artifact.content_type, "bin")
    return {
        "url": view.link(artifact),
        "content_type": artifact.content_type,
        "file_name": f"{view.job.id}.{extension}",
        "file_size": artifact.size,
    }
