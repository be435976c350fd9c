"""Bifrost's video API. Empty fields are absent, and an id names its provider behind a colon."""

from typing import Any, ClassVar

from pydantic import Field
from typing_extensions import override

from rushes.dialects.base import HttpRequest, HttpResponse, JobView, PageView, Verb
from rushes.dialects.openai_videos.openai_format import (
    JSON,
    POLLED,
    as_json,
    completed_at,
    error_fields,
    error_of,
    error_type,
    status_of,
)
from rushes.dialects.openai_videos.schemas import Listing
from rushes.dialects.openai_videos.video_routes import VideosDialect, video_routes
from rushes.errors import InvalidRequest, RushesError
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.jobs.status import JobStatus
from rushes.ports import JobQuery

# fmt: off
PUBLISHED_PROVIDERS = frozenset((
    "openai", "azure", "anthropic", "bedrock", "cohere", "vertex", "vllm", "mistral",
    "ollama", "groq", "sgl", "parasail", "perplexity", "replicate", "cerebras", "gemini",
    "openrouter", "elevenlabs", "huggingface", "nebius", "xai", "runway", "fireworks",
))
# fmt: on
"""The names that Bifrost's schema allows in `extra_fields`; a deployer's own are left out there."""

REQUEST_TYPES = {
    "create": "video_generation",
    "retrieve": "video_retrieve",
    "remix": "video_remix",
    "edit": "video_generation",
}


class _Listing(Listing):
    limit: int = Field(default=20, ge=1, le=100)


class BifrostDialect(VideosDialect):
    name = "bifrost"
    routes = (*video_routes("/v1/videos"), *video_routes("/bifrost/v1/videos"))
    listing: ClassVar[type[Listing]] = _Listing

    @override
    def read_create(self, request: HttpRequest) -> CreateRequest:
        creation = super().read_create(request)
        if not creation.request.model:
            raise InvalidRequest("model: Field required", param="model")
        return creation

    @override
    def read_list(self, request: HttpRequest) -> JobQuery:
        query = super().read_list(request)
        if not query.provider:
            raise InvalidRequest(
                "provider query parameter is required (/openai/v1/videos lists all of them)",
                param="provider",
            )
        return query

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        job = view.job
        video = _video(job)
        if job.status is JobStatus.COMPLETED:
            video["videos"] = [
                {"type": "url", "url": view.link(artifact), "content_type": artifact.content_type}
                for artifact in job.artifacts
            ]
        if job.error and job.error.code == "content_filtered":
            video["content_filter"] = {"filtered_count": 1, "reasons": [job.error.message]}
        video["extra_fields"] = _extra(REQUEST_TYPES.get(verb, verb), job.provider, job)
        return HttpResponse(200, as_json(video), POLLED)

    def write_page(self, view: PageView) -> HttpResponse:
        videos = [_video(job) for job in view.page.jobs]
        page: dict[str, Any] = {"object": "list", "data": videos, "has_more": view.page.has_more}
        if videos:
            page |= {"first_id": videos[0]["id"], "last_id": videos[-1]["id"]}
        page["extra_fields"] = _extra("video_list", view.provider)
        return HttpResponse(200, as_json(page), JSON)

    def write_deleted(self, job: Job) -> HttpResponse:
        gone = {
            "id": _id(job),
            "object": "video.deleted",
            "deleted": True,
            "extra_fields": _extra("video_delete", job.provider, job),
        }
        return HttpResponse(200, as_json(gone), JSON)

    def write_error(self, error: RushesError) -> HttpResponse:
        fields = {name: value for name, value in error_fields(error).items() if value is not None}
        body = {
            "type": error_type(error),
            "is_bifrost_error": True,
            "status_code": error.http_status,
            "error": fields,
            "extra_fields": {},
        }
        return HttpResponse(error.http_status, as_json(body), JSON)


def _id(job: Job) -> str:
    return f"{job.id}:{job.provider}"


def _extra(request_type: str, provider: str | None, job: Job | None = None) -> dict[str, Any]:
    extra = {"request_type": request_type}
    if provider in PUBLISHED_PROVIDERS:
        extra["provider"] = provider
    if job:
        extra |= {"model_requested": job.request.model, "model_deployment": job.upstream_model}
    return extra


def _video(job: Job) -> dict[str, Any]:
    video = {
        "id": _id(job),
        "object": "video",
        "model": job.request.model,
        "status": status_of(job),
        "progress": job.progress,
        "prompt": job.request.prompt,
        "remixed_from_video_id": job.remixed_from,
        "seconds": str(job.request.seconds) if job.request.seconds else None,
        "size": job.request.size,
        "created_at": int(job.created_at),
        "completed_at": completed_at(job),
        "expires_at": int(job.expires_at) if job.expires_at else None,
        "error": error_of(job),
    }
    return {name: value for name, value in video.items() if value is not None}
