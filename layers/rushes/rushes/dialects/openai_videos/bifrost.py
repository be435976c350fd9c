"""Bifrost's video API. Empty fields are absent, and `:provider` is appended to an id."""

import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, Field
from typing_extensions import override

from rushes.dialects.base import (
    Dialect,
    HttpRequest,
    HttpResponse,
    JobView,
    PageView,
    Route,
    Verb,
)
from rushes.dialects.input_files import Files, read_file
from rushes.dialects.json_format import as_json, without_nulls
from rushes.dialects.model_list import MAX_MODELS, ModelPage, ModelQuery, read_offset
from rushes.dialects.openai_errors import error_object, error_type, job_error
from rushes.dialects.openai_models import model_list, model_routes
from rushes.dialects.openai_videos.list_query import ListQuery
from rushes.dialects.openai_videos.openai_format import FIELD_NAMES, completed_at, status_of
from rushes.dialects.openai_videos.schemas import BifrostCreateBody, CreateBody
from rushes.dialects.openai_videos.videos_dialect import VideosDialect, video_routes
from rushes.dialects.response_headers import JSON_HEADERS, MODEL_HEADERS, POLL_HEADERS
from rushes.dialects.together.dialect import TogetherDialect
from rushes.dialects.upload_url import read_upload_request, write_upload_url
from rushes.dialects.validation import validate
from rushes.errors import InvalidRequest, RushesError
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, Role, UploadUrlRequest
from rushes.jobs.status import JobStatus
from rushes.ports.jobs import JobQuery

# fmt: off
PUBLISHED_PROVIDERS = frozenset((
    "openai", "azure", "anthropic", "bedrock", "cohere", "vertex", "vllm", "mistral",
    "ollama", "groq", "sgl", "parasail", "perplexity", "replicate", "cerebras", "gemini",
    "openrouter", "elevenlabs", "huggingface", "nebius", "xai", "runway", "fireworks",
))
# fmt: on
"""Provider names of Bifrost's schema; `extra_fields` omits the names of a deployment."""

TOGETHER_AGENT = re.compile(r"(Async)?Together/")
TOGETHER_CALLS = re.compile(r"POST /v1/videos|(GET|HEAD) (/v1/videos/[^/]+|/v1/models)")

REQUEST_TYPES = {
    "create": "video_generation",
    "retrieve": "video_retrieve",
    "remix": "video_remix",
    "edit": "video_generation",
}


class _ListQuery(ListQuery):
    limit: int = Field(default=20, ge=1, le=100)


class _ModelQuery(BaseModel):
    provider: str | None = None
    page_size: int = Field(default=MAX_MODELS, ge=1)
    page_token: str | None = None


class BifrostDialect(VideosDialect):
    name = "bifrost"
    routes = (
        *video_routes("/v1/videos"),
        *video_routes("/bifrost/v1/videos"),
        *model_routes("/v1/models"),
        *model_routes("/bifrost/v1/models"),
        Route("POST", "/v1/uploads", "upload"),
    )
    query_names: ClassVar[Mapping[Verb, Collection[str]]] = {
        **VideosDialect.query_names,
        "models": _ModelQuery.model_fields,
    }
    create_body: ClassVar[type[CreateBody]] = BifrostCreateBody
    list_query: ClassVar[type[ListQuery]] = _ListQuery

    @override
    def for_request(self, request: HttpRequest) -> Dialect:
        """Detect Together's SDKs, whose base URL ends in `/v1`, by their user agent."""
        is_together = TOGETHER_AGENT.match(request.headers.get("user-agent", ""))
        is_shared = TOGETHER_CALLS.fullmatch(f"{request.method} {request.path}")
        return TogetherDialect() if is_together and is_shared else self

    @override
    def read_create(self, request: HttpRequest) -> CreateRequest:
        created = super().read_create(request)
        if not created.request.model:
            raise InvalidRequest("model is required", param="model")
        return created

    @override
    def read_inputs(self, body: CreateBody) -> Files:
        uploads, inputs = super().read_inputs(body)
        video = body.video_uri if isinstance(body, BifrostCreateBody) else None
        if video is None:
            return uploads, inputs
        uploaded, linked = read_file("video_uri", Role.SOURCE_VIDEO, video)
        return (*uploads, *uploaded), (*inputs, *linked)

    @override
    def read_list(self, request: HttpRequest) -> JobQuery:
        query = super().read_list(request)
        if not query.provider:
            raise InvalidRequest(
                "provider query parameter is required (/openai/v1/videos lists all providers)",
                param="provider",
            )
        return query

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        job = view.job
        video = _video(job)
        if job.status is JobStatus.COMPLETED:
            video["videos"] = [
                {"type": "url", "url": view.link(artifact), "content_type": artifact.content_type}
                for artifact in ordered_artifacts(job)
            ]
        if job.error and job.error.code == "content_filtered":
            video["content_filter"] = {"filtered_count": 1, "reasons": [job.error.message]}
        video["extra_fields"] = _extra(REQUEST_TYPES.get(verb, verb), job.provider, job)
        return HttpResponse(200, as_json(video), POLL_HEADERS)

    def write_page(self, view: PageView) -> HttpResponse:
        videos = [_video(job) for job in view.page.jobs]
        page: dict[str, Any] = {"object": "list", "data": videos, "has_more": view.page.has_more}
        if videos:
            page |= {"first_id": videos[0]["id"], "last_id": videos[-1]["id"]}
        page["extra_fields"] = _extra("video_list", view.provider)
        return HttpResponse(200, as_json(page), JSON_HEADERS)

    def write_deleted(self, job: Job) -> HttpResponse:
        deletion = {
            "id": _id(job),
            "object": "video.deleted",
            "deleted": True,
            "extra_fields": _extra("video_delete", job.provider, job),
        }
        return HttpResponse(200, as_json(deletion), JSON_HEADERS)

    @override
    def read_model_query(self, request: HttpRequest) -> ModelQuery:
        query = validate(_ModelQuery, request.query)
        offset, limit = read_offset(query.page_token, "page_token"), query.page_size
        return ModelQuery(provider=query.provider, offset=offset, limit=limit)

    def write_models(self, page: ModelPage) -> HttpResponse:
        models = {**model_list(page), "extra_fields": {"request_type": "list_models"}}
        if page.next_offset is not None:
            models["next_page_token"] = str(page.next_offset)
        return HttpResponse(200, as_json(models), MODEL_HEADERS)

    def read_upload(self, request: HttpRequest) -> UploadUrlRequest:
        return read_upload_request(request)

    def write_upload(self, url: str) -> HttpResponse:
        return write_upload_url(url)

    def write_error(self, error: RushesError) -> HttpResponse:
        body = {
            "type": error_type(error),
            "is_bifrost_error": True,
            "status_code": error.http_status,
            "error": without_nulls(error_object(error, FIELD_NAMES)),
            "extra_fields": {},
        }
        return HttpResponse(error.http_status, as_json(body), JSON_HEADERS)


def _id(job: Job) -> str:
    return f"{job.id}:{job.first_provider}"


def _source_id(job: Job) -> str | None:
    """Return the id of a remix's source; an old job does not name its provider."""
    if job.remixed_from is None or job.remixed_from_provider is None:
        return job.remixed_from
    return f"{job.remixed_from}:{job.remixed_from_provider}"


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
        "remixed_from_video_id": _source_id(job),
        "seconds": str(job.request.seconds) if job.request.seconds else None,
        "size": job.request.size,
        "created_at": int(job.created_at),
        "completed_at": completed_at(job),
        "expires_at": int(job.expires_at) if job.expires_at else None,
        "error": job_error(job),
    }
    return without_nulls(video)
