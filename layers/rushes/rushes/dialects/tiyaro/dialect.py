"""Tiyaro's asynchronous inference API: upload URLs, create by model path, and polling.

Tiyaro's documentation and its sample disagree about codes and nesting. A response has its fields
at the top and again under `response`, which satisfies both. Tiyaro publishes no error schema;
this dialect uses `{"message", "code", "param"}`.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from rushes.dialects.base import (
    ALL_MODALITIES,
    DialectDefaults,
    HttpRequest,
    HttpResponse,
    JobView,
    Route,
    Verb,
    model_paths,
)
from rushes.dialects.json_format import as_json, without_nulls
from rushes.dialects.openai_errors import job_error
from rushes.dialects.request_body import read_fields
from rushes.dialects.response_headers import JSON_HEADERS
from rushes.dialects.tiyaro.schemas import ModelInput, SubmitBody, SubmitQuery, UploadQuery
from rushes.dialects.validation import check_request_size, shown, validate
from rushes.errors import InvalidRequest, RushesError
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.content_type import EXTENSIONS, media_type_of
from rushes.jobs.request import CreateRequest, Role, UploadUrlRequest
from rushes.jobs.status import JobStatus, Stage

MODELS = "/v1/async"
JOBS = f"{MODELS}/requests"
MAX_MODEL_SEGMENTS = 8

CONTENT_TYPES = {extension: name for name, extension in EXTENSIONS.items()}
MEDIA_TYPES = {extension: media_type_of(name) for extension, name in CONTENT_TYPES.items()}
"""Media type (audio, video, image) by file extension."""
ROLES = {"audio": Role.AUDIO, "video": Role.SOURCE_VIDEO, "image": Role.IMAGE}

TERMINAL_STATUSES = {
    JobStatus.COMPLETED: "success",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}
STAGE_STATUSES = {Stage.ACCEPTED: "accepted", Stage.WAITING: "pending", Stage.SUBMITTING: "pending"}
FIELD_NAMES = {
    **dict.fromkeys(("input_reference", "image", "source_video", "audio"), "URL"),
    "video_id": "id",
}
"""Values of `param` in errors, by field name of the gateway."""


class TiyaroDialect(DialectDefaults):
    name = "tiyaro"
    modalities = ALL_MODALITIES
    routes = (
        Route("POST", "/v1/input/upload-url", "upload"),
        Route("GET", f"{JOBS}/<job_id>", "retrieve"),
        *(Route("POST", path, "create") for path in model_paths(MODELS, MAX_MODEL_SEGMENTS)),
    )

    def read_upload(self, request: HttpRequest) -> UploadUrlRequest:
        query = validate(UploadQuery, request.query)
        extension = query.extension.lower()
        if extension not in MEDIA_TYPES:
            raise InvalidRequest(
                f"extension must be one of {', '.join(MEDIA_TYPES)} (got {shown(extension)})",
                param="extension",
            )
        content_type = CONTENT_TYPES[extension]
        if query.content_type not in (None, content_type):
            raise InvalidRequest(
                f"contentType must be {content_type} (got {shown(query.content_type)})",
                param="contentType",
            )
        return UploadUrlRequest(extension, query.content_type, query.content_length)

    def write_upload(self, url: str) -> HttpResponse:
        """Serialize the URL under both names: Tiyaro's schema misspells it as `uplaodUrl`."""
        put = {"PUT": url}
        body = {"uploadUrl": put, "response": {"uploadUrl": put, "uplaodUrl": put}}
        return HttpResponse(201, as_json(body), JSON_HEADERS)

    def read_create(self, request: HttpRequest) -> CreateRequest:
        tier = validate(SubmitQuery, request.query).service_tier
        body = validate(SubmitBody, read_fields(request.headers, request.body))
        model_input = validate(ModelInput, without_nulls(body.input))
        options = {**(model_input.model_extra or {}), **({"serviceTier": tier} if tier else {})}
        model = request.path.removeprefix(f"{MODELS}/")
        generation = model_input.generation(model=model, provider_options=options)
        check_request_size(generation)
        uploaded = ((_role_of(body.url), body.url),) if body.url else ()
        return CreateRequest(generation, uploaded=uploaded)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        inner = _job(view)
        body = {**inner, "response": inner}
        return HttpResponse(202 if verb == "create" else 200, as_json(body), JSON_HEADERS)

    def write_error(self, error: RushesError) -> HttpResponse:
        param = FIELD_NAMES.get(error.param or "", error.param)
        body = {"message": error.message, "code": error.error_code, "param": param}
        return HttpResponse(error.http_status, as_json(body), JSON_HEADERS)


def _role_of(url: str) -> Role:
    """Return the file's role by the extension of its upload URL."""
    try:
        extension = urlsplit(url).path.rpartition(".")[2]
    except ValueError:  # brackets without an IPv6 address
        extension = ""
    if extension not in MEDIA_TYPES:
        raise InvalidRequest(
            "URL was not issued by POST /v1/input/upload-url for this account", param="URL"
        )
    return ROLES[MEDIA_TYPES[extension]]


def _job(view: JobView) -> dict[str, Any]:
    job = view.job
    return {
        "id": job.id,
        "model": job.request.model,
        "status": TERMINAL_STATUSES.get(job.status) or STAGE_STATUSES.get(job.stage, "processing"),
        "acceptedAt": _timestamp(job.created_at),
        "startedAt": _timestamp(job.submitted_at),
        "completedAt": _timestamp(job.finished_at),
        "result": _result(view) if job.status is JobStatus.COMPLETED else None,
        "error": job_error(job),
        "urls": {"GET": f"{view.base_url}{JOBS}/{job.id}"},
    }


def _result(view: JobView) -> dict[str, Any]:
    """Serialize the model's JSON with its files as presigned URLs, valid for an hour."""
    files = [
        {"url": view.link(artifact), "content_type": artifact.content_type, "size": artifact.size}
        for artifact in ordered_artifacts(view.job)
    ]
    return {**(view.document or {}), **({"outputs": files} if files else {})}


def _timestamp(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
