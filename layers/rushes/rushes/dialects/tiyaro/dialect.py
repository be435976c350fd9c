"""Tiyaro's asynchronous inference: an upload address, a model's path, and an address to poll.

Its published text and its published sample disagree over codes and nesting; every answer here
holds what it tells at the top and once more under `response`, which satisfies both. Of errors it
publishes no shape: here they are `{"message", "code", "param"}`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from rushes.dialects.api_key import read_key
from rushes.dialects.base import (
    ALL_MODALITIES,
    HttpRequest,
    HttpResponse,
    JobReference,
    JobView,
    Route,
    Verb,
)
from rushes.dialects.openai_videos.openai_format import JSON, as_json, error_of
from rushes.dialects.openai_videos.schemas import check
from rushes.dialects.openai_videos.video_routes import check_length
from rushes.dialects.references import read_reference
from rushes.dialects.request_body import read_fields
from rushes.dialects.tiyaro.schemas import ModelInput, SubmitBody, SubmitQuery, UploadQuery
from rushes.errors import InvalidRequest, RushesError
from rushes.jobs.content_type import EXTENSIONS, family
from rushes.jobs.request import CreateRequest, GenerationRequest, Role
from rushes.jobs.status import JobStatus, Stage

MODELS = "/v1/async"
JOBS = f"{MODELS}/requests"
MODEL_SEGMENTS = 8
"""A model is a path, and a route's variable is one step of a path: there is a route per length."""

EXTENSIONS = {extension: family(kind) for kind, extension in EXTENSIONS.items()}
ROLES = {"audio": Role.AUDIO, "video": Role.SOURCE_VIDEO, "image": Role.IMAGE}

ENDED = {
    JobStatus.COMPLETED: "success",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}
STAGES = {Stage.ACCEPTED: "accepted", Stage.WAITING: "pending", Stage.SUBMITTING: "pending"}
FIELDS = {
    **dict.fromkeys(("input_reference", "image", "source_video", "audio"), "URL"),
    "video_id": "id",
}
"""What a field of ours is called here, where the names differ."""


class TiyaroDialect:
    name = "tiyaro"
    modalities = ALL_MODALITIES
    routes = (
        Route("POST", "/v1/input/upload-url", "upload"),
        Route("GET", f"{JOBS}/<job_id>", "retrieve"),
        *(
            Route("POST", MODELS + "".join(f"/<step_{n}>" for n in range(length)), "create")
            for length in range(1, MODEL_SEGMENTS + 1)
        ),
    )

    def speaker(self, request: HttpRequest) -> Self:  # noqa: ARG002 - the same for all
        return self

    def read_key(self, headers: Mapping[str, str]) -> str:
        return read_key(headers)

    def read_reference(self, written: str) -> JobReference:
        return read_reference(written)

    def read_upload(self, request: HttpRequest) -> str:
        extension = check(UploadQuery, request.query).extension.lower()
        if extension not in EXTENSIONS:
            raise InvalidRequest(f"extension is one of {', '.join(EXTENSIONS)}", param="extension")
        return extension

    def write_upload(self, address: str) -> HttpResponse:
        """The schema's name for it is misspelt; it is here under both."""
        told = {"PUT": address}
        body = {"uploadUrl": told, "response": {"uploadUrl": told, "uplaodUrl": told}}
        return HttpResponse(201, as_json(body), JSON)

    def read_create(self, request: HttpRequest) -> CreateRequest:
        tier = check(SubmitQuery, request.query).service_tier
        body = check(SubmitBody, read_fields(request.headers, request.body))
        given = {name: value for name, value in body.input.items() if value is not None}
        wanted = check(ModelInput, given)
        options = {**(wanted.model_extra or {}), **({"serviceTier": tier} if tier else {})}
        fields = wanted.model_dump(include=set(ModelInput.model_fields))
        model = request.path.removeprefix(f"{MODELS}/")
        generation = GenerationRequest(model=model, provider_options=options, **fields)
        check_length(generation)
        uploaded = ((_role_of(body.url), body.url),) if body.url else ()
        return CreateRequest(generation, uploaded=uploaded)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        inner = _job(view)
        body = {**inner, "response": inner}
        return HttpResponse(202 if verb == "create" else 200, as_json(body), JSON)

    def write_error(self, error: RushesError) -> HttpResponse:
        param = FIELDS.get(error.param or "", error.param)
        body = {"message": error.message, "code": error.error_code, "param": param}
        return HttpResponse(error.http_status, as_json(body), JSON)


def _role_of(address: str) -> Role:
    """What a file is for, by the extension of the address that was given out for it."""
    try:
        extension = urlsplit(address).path.rpartition(".")[2]
    except ValueError:  # brackets that hold no IPv6 address
        extension = ""
    if extension not in EXTENSIONS:
        raise InvalidRequest("URL is none that was given out by upload-url", param="URL")
    return ROLES[EXTENSIONS[extension]]


def _job(view: JobView) -> dict[str, Any]:
    job = view.job
    return {
        "id": job.id,
        "model": job.request.model,
        "status": ENDED.get(job.status) or STAGES.get(job.stage, "processing"),
        "acceptedAt": _moment(job.created_at),
        "startedAt": _moment(job.submitted_at),
        "completedAt": _moment(job.finished_at),
        "result": _result(view) if job.status is JobStatus.COMPLETED else None,
        "error": error_of(job),
        "urls": {"GET": f"{view.base_url}{JOBS}/{job.id}"},
    }


def _result(view: JobView) -> dict[str, Any]:
    """The model's own JSON, and its files, if any, as addresses that are good for an hour."""
    files = [
        {"url": view.link(artifact), "content_type": artifact.content_type, "size": artifact.size}
        for artifact in view.job.artifacts
    ]
    return {**(view.document or {}), **({"outputs": files} if files else {})}


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
