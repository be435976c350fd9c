"""Together's video API: create and retrieve, three statuses, and a URL in place of content."""

import json
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel

from rushes.catalog.sizes import resolution_name, size_of
from rushes.dialects.base import DialectDefaults, HttpRequest, HttpResponse, JobView, Route, Verb
from rushes.dialects.json_format import without_nulls
from rushes.dialects.model_list import CREATED, ListedModel, ModelPage, ModelQuery
from rushes.dialects.openai_errors import error_object, job_error
from rushes.dialects.request_body import read_json_fields
from rushes.dialects.response_headers import JSON_HEADERS, MODEL_HEADERS
from rushes.dialects.together.schemas import CreateVideoBody
from rushes.dialects.validation import check_request_size, validate, with_field_name
from rushes.dialects.webhook_param import read_webhook
from rushes.errors import RushesError
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.cost import settled
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus

DEFAULT_RESOLUTION, DEFAULT_RATIO = "720p", "16:9"
FIELD_NAMES = {
    "size": "width",
    "input_reference": "media",
    "aspect_ratio": "ratio",
    "video_id": "id",
    "webhook_url": "webhook",
}
"""Values of `param` in errors, by field name of the gateway."""

STATUSES = {
    JobStatus.QUEUED: "in_progress",
    JobStatus.IN_PROGRESS: "in_progress",
    JobStatus.COMPLETED: "completed",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "failed",
}

MODEL_TYPES = {"transcription": "transcribe"}
"""Together's model types by modality; the others are the same."""


class _ModelQuery(BaseModel):
    dedicated: bool = False


def _routes(prefix: str) -> tuple[Route, ...]:
    return Route("POST", prefix, "create"), Route("GET", f"{prefix}/<job_id>", "retrieve")


class TogetherDialect(DialectDefaults):
    name = "together"
    modalities = frozenset({"video"})
    query_names: ClassVar[Mapping[Verb, Collection[str]]] = {"models": ("dedicated",)}
    # The SDKs append /v2/videos (Python, version 3) or /videos (others) to a base URL, which is the
    # gateway's own or ends in /v1 or /v2. Bifrost's dialect detects them below /v1.
    routes = (
        *_routes("/v2/videos"),
        *_routes("/videos"),
        *_routes("/v1/v2/videos"),
        *_routes("/v2/v2/videos"),
        Route("GET", "/v2/models", "models"),
        Route("GET", "/models", "models"),
    )

    def read_create(self, request: HttpRequest) -> CreateRequest:
        body = validate(CreateVideoBody, read_json_fields(request.headers, request.body))
        uploads, inputs = body.files()
        generation = body.generation(
            prompt=body.prompt or "",
            size=body.size(),
            aspect_ratio=body.ratio,
            inputs=inputs,
            provider_options=body.options(),
        )
        check_request_size(generation)
        webhook = read_webhook(body.webhook, "rushes")
        return CreateRequest(generation, uploads=uploads, webhook=webhook)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:  # noqa: ARG002 - same for all
        job = view.job
        video = _video(job)
        if job.status is JobStatus.COMPLETED and job.artifacts:
            link = view.link(ordered_artifacts(job)[0])
            video["outputs"] = {"cost": _cost(settled(job)), "video_url": link}
        return HttpResponse(200, json.dumps(video), JSON_HEADERS)

    def read_model_query(self, request: HttpRequest) -> ModelQuery:
        """Together's `dedicated` selects models of reserved hardware, of which there are none."""
        query = validate(_ModelQuery, request.query)
        return ModelQuery(limit=0) if query.dedicated else ModelQuery()

    def write_models(self, page: ModelPage) -> HttpResponse:
        """Write a bare list, as Together does."""
        models = [_model(model) for model in page.models]
        return HttpResponse(200, json.dumps(models), MODEL_HEADERS)

    def write_error(self, error: RushesError) -> HttpResponse:
        body = {"error": error_object(error, FIELD_NAMES)}
        if error.param == "size":  # which stands for two fields, and `param` names one
            body["error"]["message"] = with_field_name(error.message, "size", "width and height")
        return HttpResponse(error.http_status, json.dumps(body), JSON_HEADERS)


def _model(model: ListedModel) -> dict[str, Any]:
    view = model.view
    return {
        "id": view.name,
        "object": "model",
        "created": CREATED,
        "type": MODEL_TYPES.get(view.entry.modality, view.entry.modality),
        "organization": view.owner,
        **model.details,
    }


def _video(job: Job) -> dict[str, Any]:
    """Serialize the published fields; empty optional ones are absent."""
    request = job.request
    video = {
        "id": job.id,
        "object": "video",
        "model": request.model,
        "status": STATUSES[job.status],
        "created_at": int(job.created_at),
        "completed_at": int(job.finished_at) if job.finished_at else None,
        "size": _size(request),
        "seconds": str(request.seconds or ""),
        "error": job_error(job),
    }
    return without_nulls(video)


def _size(request: GenerationRequest) -> str:
    """Return width and height, which the schema requires.

    Of a model without sizes, and of a video in the shape of its input, they are those of a 16:9
    video with the requested resolution.
    """
    if request.size:
        return request.size
    options = request.provider_options
    lines = request.resolution or options.get("resolution") or DEFAULT_RESOLUTION
    ratio = options.get("ratio") or options.get("aspect_ratio") or DEFAULT_RATIO
    try:
        return size_of(resolution_name(str(lines)), str(ratio))
    except (ValueError, ZeroDivisionError):  # names of a vendor, such as `auto`
        return size_of(DEFAULT_RESOLUTION, DEFAULT_RATIO)


def _cost(dollars: float | None) -> float:
    """Serialize whole dollars as an integer, as published, and others as Together does.

    The published type is an integer, but Together's responses have fractions, which its SDKs
    accept. An integer would bill a job of 0.28 dollars as 0 or 1.
    """
    cost = dollars or 0.0
    return int(cost) if cost.is_integer() else cost
