"""Pipelet's queue API. A result of at most 3 MiB is base64 inside the JSON response."""

import base64
import json
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
    no_result_response,
    queue_routes,
    queue_status,
)
from rushes.dialects.job_reference import JobReference
from rushes.dialects.response_headers import JSON_HEADERS
from rushes.errors import InvalidRequest, NotFound
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.jobs.result import Artifact
from rushes.jobs.status import JobStatus

OWN_PREFIX = "/pipelet/queue"
MAX_INLINE_BYTES = 3 * 1024 * 1024
"""4 MiB in base64, below the 6 MB limit of a Lambda response."""


class PipeletDialect(QueueDialect):
    name = "pipelet"
    prefix = "/queue"
    routes = (*queue_routes(prefix), *queue_routes(OWN_PREFIX))
    field_names: ClassVar[Mapping[str, str]] = {
        "video_id": "requestId",
        "seconds": "duration",
        "size": "width and height",
        "image": "data_uri",
        "input_reference": "data_uri",
        "webhook_url": WEBHOOK_FIELDS,
    }

    @override
    def for_request(self, request: HttpRequest) -> Dialect:
        """Detect the client of a shared path by its authorization scheme."""
        if request.path.startswith(OWN_PREFIX):
            return PipeletDialect(OWN_PREFIX)
        return FalDialect(self.prefix) if has_fal_key(request.headers) else self

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
            body = {"request_id": view.job.id, **self.urls(view)}
        elif verb == "status":
            body = _status(view.job, self.urls(view)["response_url"])
        elif no_result := no_result_response(view.job):
            return no_result
        else:
            body = result_of(view, as_link=view.job.preferences.get("output") == "binary")
        return HttpResponse(200, json.dumps(body), JSON_HEADERS)

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
        "queue_position": 0,  # jobs wait for their provider, not for each other
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
    """Extrapolate the remaining seconds from the progress; None before any progress."""
    if job.is_finished:
        return 0
    if not job.submitted_at or not job.progress:
        return None
    return round((job.updated_at - job.submitted_at) * (100 - job.progress) / job.progress)


def result_of(view: JobView, *, as_link: bool) -> dict[str, Any]:
    """Serialize a completed request; a small file is inlined unless `as_link` is set."""
    job = view.job
    if not job.artifacts:
        return view.document or {}
    return {job.modality: _file(view, ordered_artifacts(job)[0], as_link=as_link)}


def _file(view: JobView, artifact: Artifact, *, as_link: bool) -> dict[str, str]:
    if as_link or artifact.size > MAX_INLINE_BYTES:
        link = view.link(artifact)
        return {"data_uri": link, "data_url": link}
    return {"data_uri": base64.b64encode(view.read(artifact)).decode()}
