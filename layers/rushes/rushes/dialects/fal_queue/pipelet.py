"""Pipelet's queue API. A result of at most 4.4 MB is base64 inside the JSON response."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from rushes.dialects.base import Dialect, HttpRequest, HttpResponse, JobView, Verb
from rushes.dialects.fal_queue.fal import FalDialect
from rushes.dialects.fal_queue.pipelet_body import read_body, read_preferences
from rushes.dialects.fal_queue.queue_dialect import (
    WEBHOOK_FIELDS,
    QueueDialect,
    failure_of,
    has_fal_key,
    no_result_reason,
    queue_routes,
    queue_status,
)
from rushes.dialects.job_reference import JobReference
from rushes.dialects.response_headers import JSON_HEADERS
from rushes.errors import InvalidRequest, NotFound, RushesError
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.jobs.result import Artifact
from rushes.jobs.status import JobStatus

OWN_PREFIX = "/pipelet/queue"
RESULT_PATH = re.compile(r"/requests/[^/]+(/response)?$")
NO_VIDEO = {"video": False}
"""Member of a response to a result request without a result.

Pipelet's documented command reads `.video.data_uri` with jq, which returns null for an absent video
and which base64 decodes to three bytes; for false jq fails.
"""
MAX_INLINE_BYTES = 4_400_000
"""5.9 MB in base64: a Lambda response is limited to 6 MB (docs/decisions/0022-large-results.md)."""


class PipeletDialect(QueueDialect):
    name = "pipelet"
    prefix = "/queue"
    routes = (*queue_routes(prefix), *queue_routes(OWN_PREFIX))
    field_names: ClassVar[Mapping[str, str]] = {
        "video_id": "requestId",
        "seconds": "duration",
        "size": "width and height",
        "image": "data_uri",
        "last_frame": "second_image_uri",
        "audio": "audio_uri",
        "input_reference": "data_uri",
        "webhook_url": WEBHOOK_FIELDS,
    }

    def __init__(self, prefix: str | None = None, *, reads_result: bool = False) -> None:
        super().__init__(prefix)
        self.reads_result = reads_result

    @override
    def for_request(self, request: HttpRequest) -> Dialect:
        """Detect the client of a shared path by its authorization scheme."""
        is_own = request.path.startswith(OWN_PREFIX)
        if has_fal_key(request.headers) and not is_own:
            return FalDialect(self.prefix).for_request(request)
        reads_result = request.method == "GET" and RESULT_PATH.search(request.path) is not None
        return PipeletDialect(OWN_PREFIX if is_own else self.prefix, reads_result=reads_result)

    @override
    def read_reference(self, raw: str) -> JobReference:
        try:
            return super().read_reference(raw)
        except NotFound:
            raise InvalidRequest("requestId is not a valid id", param="video_id") from None

    def read_create(self, request: HttpRequest) -> CreateRequest:
        return self.build_request(request, read_preferences, read_body)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        if verb == "create":
            body: dict[str, Any] = {"request_id": view.job.id, **self.urls(view)}
            return HttpResponse(200, json.dumps(body), JSON_HEADERS)
        if verb == "status":
            return HttpResponse(200, json.dumps(self.status_of(view)), JSON_HEADERS)
        if reason := no_result_reason(view.job):
            status, detail = reason
            return HttpResponse(status, json.dumps({"detail": detail, **NO_VIDEO}), JSON_HEADERS)
        return _result(view)

    @override
    def status_of(self, view: JobView) -> dict[str, Any]:
        return _status(view.job, self.urls(view)["response_url"])

    def write_error(self, error: RushesError) -> HttpResponse:
        no_video = NO_VIDEO if self.reads_result else {}
        body = {"detail": self.detail(error), **no_video}
        return HttpResponse(error.http_status, json.dumps(body), JSON_HEADERS)

    def may_cancel(self, job: Job) -> bool:
        return job.status is JobStatus.QUEUED

    def write_cancelled(self, job: Job, *, accepted: bool) -> HttpResponse:
        if accepted:
            return HttpResponse(204)
        detail = f"only an IN_QUEUE request can be cancelled (it is {queue_status(job)})"
        return HttpResponse(409, json.dumps({"detail": detail}), JSON_HEADERS)


def _status(job: Job, response_url: str) -> dict[str, Any]:
    eta = _eta(job)
    return {
        "status": queue_status(job),
        "queue_position": job.queue_position or 0,
        "statusMessages": _messages(job),
        **({} if eta is None else {"etaSeconds": eta}),
        "logs": None,  # a fal client with a Bearer key requires the field
        "response_url": response_url,
    }


def _messages(job: Job) -> dict[str, str]:
    if failure := failure_of(job):
        return {"message": failure.message, "detail_message": failure.code}
    if job.status is JobStatus.COMPLETED:
        return {"message": "Job completed successfully"}
    if job.status is JobStatus.QUEUED:
        return {}
    done = f"Progress: {job.progress}/100 Tasks done"
    return {"message": "PROCESSING", "detail_message": done}


def _eta(job: Job) -> int | None:
    """Return the provider's estimate of the remaining seconds, or extrapolate the progress.

    It is None without an estimate and before any progress.
    """
    if job.is_finished:
        return 0
    if job.expected_at is not None:
        return max(round(job.expected_at - job.updated_at), 0)
    if not job.submitted_at or not job.progress:
        return None
    return round((job.updated_at - job.submitted_at) * (100 - job.progress) / job.progress)


def _result(view: JobView) -> HttpResponse:
    """Write the result of a completed request, or an error if its file is too large for base64."""
    as_link = view.job.preferences.get("output") == "binary"
    file = ordered_artifacts(view.job)[0] if view.job.artifacts else None
    if file is None or as_link or file.size <= MAX_INLINE_BYTES:
        return HttpResponse(200, json.dumps(result_of(view, as_link=as_link)), JSON_HEADERS)
    detail = (
        f"data_uri is limited to files of {MAX_INLINE_BYTES} bytes (this one has {file.size}); "
        "download data_url, or create requests with x-pipelet-output: binary"
    )
    body = {"detail": detail, "data_url": view.link(file), **NO_VIDEO}
    return HttpResponse(406, json.dumps(body), JSON_HEADERS)


def result_of(view: JobView, *, as_link: bool) -> dict[str, Any]:
    """Serialize a completed request with its file in base64, or as a link."""
    job = view.job
    if not job.artifacts:
        return view.document or {}
    return {job.modality: _file(view, ordered_artifacts(job)[0], as_link=as_link)}


def _file(view: JobView, artifact: Artifact, *, as_link: bool) -> dict[str, str]:
    if as_link:
        link = view.link(artifact)
        return {"data_uri": link, "data_url": link}
    return {"data_uri": base64.b64encode(view.read(artifact)).decode()}
