"""Together's video API: create and retrieve, with three statuses and a link instead of content."""

import json
from collections.abc import Mapping
from typing import Any, Self

from rushes.dialects.api_key import read_key
from rushes.dialects.base import HttpRequest, HttpResponse, JobReference, JobView, Route, Verb
from rushes.dialects.openai_videos.openai_format import JSON, error_of, error_type
from rushes.dialects.openai_videos.schemas import check
from rushes.dialects.openai_videos.video_routes import check_length
from rushes.dialects.references import read_reference
from rushes.dialects.request_body import read_fields
from rushes.dialects.together.request_body import CreateVideoBody
from rushes.dialects.webhook_param import read_webhook
from rushes.errors import InvalidRequest, RushesError
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus

FIELDS = {
    "size": "width",
    "input_reference": "media",
    "video_id": "id",
    "webhook_url": "webhook",
}
"""What a field of ours is called in this API, where the names differ."""

STATUSES = {
    JobStatus.QUEUED: "in_progress",
    JobStatus.IN_PROGRESS: "in_progress",
    JobStatus.COMPLETED: "completed",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "failed",
}


def _routes(prefix: str) -> tuple[Route, ...]:
    return Route("POST", prefix, "create"), Route("GET", f"{prefix}/<job_id>", "retrieve")


class TogetherDialect:
    name = "together"
    modalities = frozenset({"video"})
    # The second is where SDKs of version 3 arrive whose base URL ends in /v1.
    routes = (*_routes("/v2/videos"), *_routes("/v1/v2/videos"))

    def speaker(self, request: HttpRequest) -> Self:  # noqa: ARG002 - the same for all
        return self

    def read_key(self, headers: Mapping[str, str]) -> str:
        return read_key(headers)

    def read_reference(self, written: str) -> JobReference:
        return read_reference(written)

    def read_create(self, request: HttpRequest) -> CreateRequest:
        if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
            raise InvalidRequest("the body must be JSON", param="content-type")
        body = check(CreateVideoBody, read_fields(request.headers, request.body))
        uploads, inputs = body.files()
        generation = GenerationRequest(
            model=body.model,
            prompt=body.prompt or "",
            seconds=body.seconds,
            size=body.size(),
            seed=body.seed,
            negative_prompt=body.negative_prompt,
            generate_audio=body.generate_audio,
            inputs=inputs,
            provider_options=body.options(),
        )
        check_length(generation)
        webhook = read_webhook(body.webhook, "rushes")
        return CreateRequest(generation, uploads=uploads, webhook=webhook)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:  # noqa: ARG002 - the same for all
        job = view.job
        video = _video(job)
        if job.status is JobStatus.COMPLETED and job.artifacts:
            link = view.link(job.artifacts[0])
            video["outputs"] = {"cost": _cost(job.cost), "video_url": link}
        return HttpResponse(200, json.dumps(video), JSON)

    def write_error(self, error: RushesError) -> HttpResponse:
        fields = {
            "message": error.message,
            "type": error_type(error),
            "param": FIELDS.get(error.param or "", error.param),
            "code": error.error_code,
        }
        return HttpResponse(error.http_status, json.dumps({"error": fields}), JSON)


def _video(job: Job) -> dict[str, Any]:
    """The published fields; the optional ones are absent until there is something to say."""
    request = job.request
    video = {
        "id": job.id,
        "object": "video",
        "model": request.model,
        "status": STATUSES[job.status],
        "created_at": int(job.created_at),
        "completed_at": int(job.finished_at) if job.finished_at else None,
        "size": request.size or str(request.provider_options.get("resolution", "")),
        "seconds": str(request.seconds or ""),
        "error": error_of(job),
    }
    return {name: value for name, value in video.items() if value is not None}


def _cost(dollars: float | None) -> float:
    """Published as an integer; in truth Together writes fractions too, and so do we."""
    cost = dollars or 0.0
    return int(cost) if cost.is_integer() else cost
