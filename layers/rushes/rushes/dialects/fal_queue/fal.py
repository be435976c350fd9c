"""The queue API of fal's clients. A failed request has the status COMPLETED and an error."""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from typing_extensions import override

from rushes.catalog.models import Catalog
from rushes.dialects.base import Dialect, HttpRequest, HttpResponse, JobView, Route, Verb
from rushes.dialects.fal_queue.fal_arguments import read_arguments, read_preferences
from rushes.dialects.fal_queue.fal_errors import (
    failure_body,
    is_about_body,
    request_error_response,
    type_of_failure,
    validation_response,
)
from rushes.dialects.fal_queue.fal_models import (
    MODEL_QUERY_NAMES,
    model_page,
    read_model_query,
)
from rushes.dialects.fal_queue.fal_storage import QUERY_NAMES as STORAGE_QUERY_NAMES
from rushes.dialects.fal_queue.fal_storage import read_initiate, write_initiated
from rushes.dialects.fal_queue.model_arguments import find_model
from rushes.dialects.fal_queue.queue_dialect import (
    WEBHOOK_FIELDS,
    QueueDialect,
    failure_of,
    no_result_reason,
    queue_routes,
    queue_status,
)
from rushes.dialects.model_list import ModelPage, ModelQuery
from rushes.dialects.response_headers import JSON_HEADERS, MODEL_HEADERS
from rushes.errors import InvalidRequest, RushesError
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.content_type import extension_of, media_type_of
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, UploadUrlRequest
from rushes.jobs.result import Artifact


class FalDialect(QueueDialect):
    name = "fal"
    prefix = "/fal"
    routes = (
        *queue_routes(prefix),
        Route("GET", f"{prefix}/v1/models", "models"),
        Route("POST", f"{prefix}/storage/upload/initiate", "upload"),
    )
    query_names: ClassVar[Mapping[Verb, Collection[str]]] = {
        **QueueDialect.query_names,
        "models": MODEL_QUERY_NAMES,
        "upload": STORAGE_QUERY_NAMES,
    }
    field_names: ClassVar[Mapping[str, str]] = {
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

    def __init__(self, prefix: str | None = None, *, has_body: bool = False) -> None:
        super().__init__(prefix)
        self.has_body = has_body

    @override
    def for_request(self, request: HttpRequest) -> Dialect:
        """Return the dialect for a create call, whose errors may be about its body, or another."""
        return FalDialect(self.prefix, has_body=request.method == "POST")

    def read_create(self, request: HttpRequest) -> CreateRequest:
        return self.build_request(request, read_preferences, read_arguments)

    @override
    def read_create_for(self, request: HttpRequest, catalog: Catalog) -> CreateRequest:
        """Read the arguments by the names that fal's model has."""
        model = find_model(catalog, self.read_model(request))
        read = partial(read_arguments, model=model)
        return self.build_request(request, read_preferences, read)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        job = view.job
        if verb == "result":
            return _result(view)
        if verb == "status":
            status = 200 if job.is_finished else 202
            return HttpResponse(status, json.dumps(self.status_of(view)), _headers(job))
        body = {"request_id": job.id, **_queue_state(job), **self.urls(view)}
        return HttpResponse(200, json.dumps(body), _headers(job))

    @override
    def status_of(self, view: JobView) -> dict[str, Any]:
        return {"request_id": view.job.id, **_status(view.job), **self.urls(view)}

    def may_cancel(self, job: Job) -> bool:  # noqa: ARG002 - a running one, too
        return True

    def write_cancelled(self, job: Job, *, accepted: bool) -> HttpResponse:
        status = "CANCELLATION_REQUESTED" if accepted else "ALREADY_COMPLETED"
        return HttpResponse(202 if accepted else 400, json.dumps({"status": status}), _headers(job))

    def read_model_query(self, request: HttpRequest) -> ModelQuery:
        return read_model_query(request)

    def write_models(self, page: ModelPage) -> HttpResponse:
        return HttpResponse(200, json.dumps(model_page(page)), MODEL_HEADERS)

    def read_upload(self, request: HttpRequest) -> UploadUrlRequest:
        return read_initiate(request)

    def write_upload(self, url: str) -> HttpResponse:
        return write_initiated(url)

    def write_error(self, error: RushesError) -> HttpResponse:
        if self.has_body and isinstance(error, InvalidRequest) and is_about_body(error):
            param = error.param or ""
            return validation_response(error, self.field_names.get(param, param))
        return request_error_response(error, self.detail(error))


def _result(view: JobView) -> HttpResponse:
    job = view.job
    if failure := failure_of(job):
        status, body = 422, failure_body(failure)
    elif reason := no_result_reason(job):
        status, body = reason[0], {"detail": reason[1]}
    else:
        status, body = 200, payload_of(view)
    return HttpResponse(status, json.dumps(body), _headers(job))


def _headers(job: Job) -> dict[str, str]:
    error_type = _error_type(job)
    headers = {**JSON_HEADERS, "x-fal-request-id": job.id}
    return {**headers, "x-fal-error-type": error_type} if error_type else headers


def _error_type(job: Job) -> str | None:
    failure = failure_of(job)
    return type_of_failure(failure) if failure else None


def _queue_state(job: Job) -> dict[str, Any]:
    return {"status": "IN_QUEUE", "queue_position": job.queue_position or 0}


def _status(job: Job) -> dict[str, Any]:
    """Serialize a status, always with position and logs: some client fails without either."""
    status: dict[str, Any] = {
        "status": "COMPLETED" if job.is_finished else queue_status(job),
        "queue_position": job.queue_position or 0,
        "logs": _logs(job),
    }
    if failure := failure_of(job):
        status |= {"error": failure.message, "error_type": _error_type(job)}
    if job.submitted_at and job.generated_at:
        status["metrics"] = {"inference_time": round(job.generated_at - job.submitted_at, 3)}
    return status


def _logs(job: Job) -> list[dict[str, str]]:
    moment = datetime.fromtimestamp(job.updated_at, UTC).isoformat()
    lines = [(warning, "WARNING") for warning in job.warnings]
    if "start_timeout" in job.preferences:
        lines.append(("X-Fal-Request-Timeout is ignored: cancel the request instead", "WARNING"))
    if job.progress:
        lines.append((f"{job.progress} % done", "INFO"))
    return [
        {"message": message, "level": level, "source": "rushes", "timestamp": moment}
        for message, level in lines
    ]


def payload_of(view: JobView) -> dict[str, Any]:
    """Serialize the result of a completed request with fresh presigned URLs."""
    job = view.job
    files = ordered_artifacts(job)
    document = view.document or {}
    if not files:
        return document
    if job.modality == "image":
        images = [file for file in files if media_type_of(file.content_type) == "image"]
        return {**document, "images": [_file(view, image) for image in images or files]}
    return {**document, job.modality: _file(view, files[0])}


def _file(view: JobView, artifact: Artifact) -> dict[str, Any]:
    extension = extension_of(artifact.content_type)
    return {
        "url": view.link(artifact),
        "content_type": artifact.content_type,
        "file_name": f"{view.job.id}.{extension}",
        "file_size": artifact.size,
    }
