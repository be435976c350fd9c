"""Tiyaro's asynchronous inference API: upload URLs, create by model path, and polling.

Tiyaro's documentation and its sample disagree about codes and nesting. A response has its fields
at the top and again under `response`, which satisfies both. Tiyaro publishes no error schema;
this dialect uses `{"message", "code", "param"}`.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from rushes.catalog.models import Catalog
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
from rushes.dialects.upload_url import NO_EXTENSION
from rushes.dialects.validation import check_request_size, shown, validate
from rushes.errors import InvalidRequest, RushesError, UnknownModel
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.content_type import EXTENSIONS, TYPES_BY_EXTENSION, media_type_of, upload_type
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, Role, UploadUrlRequest
from rushes.jobs.status import JobStatus, Stage

MODELS = "/v1/async"
JOBS = f"{MODELS}/requests"
MAX_MODEL_SEGMENTS = 8

MEDIA_TYPES = {extension: media_type_of(name) for extension, name in TYPES_BY_EXTENSION.items()}
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
    query_names: ClassVar[Mapping[Verb, Collection[str]]] = {
        "upload": ("extension", "contentType", "contentLength"),
        "create": ("serviceTier",),
    }
    routes = (
        Route("POST", "/v1/input/upload-url", "upload"),
        Route("GET", f"{JOBS}/<job_id>", "retrieve"),
        *(Route("POST", path, "create") for path in model_paths(MODELS, MAX_MODEL_SEGMENTS)),
    )

    def read_upload(self, request: HttpRequest) -> UploadUrlRequest:
        query = validate(UploadQuery, request.query)
        extension = query.extension.lower()
        if not extension:
            extension = EXTENSIONS.get(query.content_type or "", NO_EXTENSION)
            return UploadUrlRequest(extension, query.content_type, query.content_length)
        if extension not in MEDIA_TYPES:
            raise InvalidRequest(
                f"extension must be one of {', '.join(MEDIA_TYPES)} (got {shown(extension)})",
                param="extension",
            )
        named = TYPES_BY_EXTENSION[extension]
        content_type = upload_type(extension, query.content_type)
        if content_type is None:
            raise InvalidRequest(
                f"contentType must be {named} (got {shown(query.content_type)})",
                param="contentType",
            )
        if content_type != named:  # such as audio in a file named mp4
            extension = EXTENSIONS[content_type]
        return UploadUrlRequest(extension, query.content_type, query.content_length)

    def write_upload(self, url: str) -> HttpResponse:
        """Serialize the URL under both names: Tiyaro's schema misspells it as `uplaodUrl`."""
        put = {"PUT": url}
        body = {"uploadUrl": put, "response": {"uploadUrl": put, "uplaodUrl": put}}
        return HttpResponse(201, as_json(body), JSON_HEADERS)

    def read_create(self, request: HttpRequest) -> CreateRequest:
        return self._read_create(request, Role.AUDIO)

    @override
    def read_create_for(self, request: HttpRequest, catalog: Catalog) -> CreateRequest:
        return self._read_create(request, _role_of_model(catalog, _model_of(request)))

    def _read_create(self, request: HttpRequest, role: Role) -> CreateRequest:
        """Read the body; `role` is that of a file whose upload URL has no extension."""
        tier = validate(SubmitQuery, request.query).service_tier
        body = validate(SubmitBody, read_fields(request.headers, request.body))
        model_input = validate(ModelInput, without_nulls(body.input))
        options = {**(model_input.model_extra or {}), **({"serviceTier": tier} if tier else {})}
        generation = model_input.generation(
            model=_model_of(request), provider_options=options, vendor_arguments=_nulls(body.input)
        )
        check_request_size(generation)
        uploaded = ((_role_of(body.url, role), body.url),) if body.url else ()
        return CreateRequest(generation, uploaded=uploaded)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        inner = _job(view)
        body = {**inner, "response": inner}
        return HttpResponse(202 if verb == "create" else 200, as_json(body), JSON_HEADERS)

    def write_error(self, error: RushesError) -> HttpResponse:
        param = FIELD_NAMES.get(error.param or "", error.param)
        body = {"message": error.message, "code": error.error_code, "param": param}
        return HttpResponse(error.http_status, as_json(body), JSON_HEADERS)


def _model_of(request: HttpRequest) -> str:
    return unquote(request.path.removeprefix(f"{MODELS}/"))


def _role_of_model(catalog: Catalog, name: str) -> Role:
    """Return the role of a model's file: the first that it requires or accepts."""
    try:
        model = catalog.find(name)
    except UnknownModel:  # the job's creation refuses it
        return Role.AUDIO
    return next(iter((*model.needs, *model.inputs)), Role.AUDIO)


def _nulls(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model's own fields that are null, which the published sample sends."""
    own = fields.keys() - ModelInput.model_fields.keys()
    return {name: None for name in fields if name in own and fields[name] is None}


def _role_of(url: str, role: Role) -> Role:
    """Return the file's role by the extension of its upload URL, `role` without one."""
    try:
        extension = urlsplit(url).path.rpartition(".")[2]
    except ValueError:  # brackets without an IPv6 address
        extension = ""
    if extension == NO_EXTENSION:
        return role
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
        "status": _status(job),
        "acceptedAt": _timestamp(job.created_at),
        "startedAt": _timestamp(_started_at(job)),
        "completedAt": _timestamp(job.finished_at),
        "result": _result(view) if job.status is JobStatus.COMPLETED else None,
        "error": job_error(job),
        "urls": {"GET": f"{view.base_url}{JOBS}/{job.id}"},
    }


def _status(job: Job) -> str:
    """Return Tiyaro's status: a job that waits at its provider is pending."""
    waiting = "pending" if job.status is JobStatus.QUEUED else "processing"
    return TERMINAL_STATUSES.get(job.status) or STAGE_STATUSES.get(job.stage, waiting)


def _started_at(job: Job) -> float | None:
    """Return the time at which the provider began, or of the create call of older releases."""
    return job.started_at or (None if job.status is JobStatus.QUEUED else job.submitted_at)


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
