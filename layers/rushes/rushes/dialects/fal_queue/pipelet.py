"""Pipelet's queue: a film comes back in base64 inside JSON, where it is short enough for that."""

import base64
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from rushes.dialects.base import Dialect, HttpRequest, HttpResponse, JobReference, JobView, Verb
from rushes.dialects.fal_queue.fal import FalDialect
from rushes.dialects.fal_queue.pipelet_body import read_body, read_preferences
from rushes.dialects.fal_queue.queue_dialect import (
    WEBHOOK_FIELDS,
    QueueDialect,
    check_queries,
    queue_routes,
    read_webhook,
    refusal_of,
    speaks_fal,
    state_of,
    trouble_of,
)
from rushes.dialects.openai_videos.openai_format import JSON
from rushes.errors import InvalidRequest, NotFound
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.jobs.result import Artifact
from rushes.jobs.status import JobStatus

PREFIX, OWN_PREFIX = "/queue", "/pipelet/queue"
INLINE_BYTES = 3 * 1024 * 1024
"""A third more in base64, which still is within the 6 MB that a function may answer."""


class PipeletDialect(QueueDialect):
    name = "pipelet"
    routes = (*queue_routes(PREFIX), *queue_routes(OWN_PREFIX))
    fields: ClassVar[Mapping[str, str]] = {
        "video_id": "requestId",
        "seconds": "duration",
        "size": "width and height",
        "image": "data_uri",
        "input_reference": "data_uri",
        "webhook_url": WEBHOOK_FIELDS,
    }

    def __init__(self, prefix: str = PREFIX) -> None:
        super().__init__(prefix)

    def speaker(self, request: HttpRequest) -> Dialect:
        """On the shared path the kind of key tells who calls."""
        if request.path.startswith(OWN_PREFIX):
            return PipeletDialect(OWN_PREFIX)
        return FalDialect(PREFIX) if speaks_fal(request.headers) else self

    @override
    def read_reference(self, written: str) -> JobReference:
        try:
            return super().read_reference(written)
        except NotFound:
            raise InvalidRequest("requestId has not the form of an id", param="video_id") from None

    def read_create(self, request: HttpRequest) -> CreateRequest:
        model = self.read_model(request)
        check_queries(request)
        preferences = read_preferences(request.headers)
        generation, uploads = read_body(model, self.read_json(request))
        webhook = read_webhook(request)
        return CreateRequest(generation, uploads=uploads, preferences=preferences, webhook=webhook)

    def write_job(self, view: JobView, verb: Verb) -> HttpResponse:
        if verb == "create":
            body = {"request_id": view.job.id, **self.addresses(view)}
        elif verb == "status":
            body = _status(view.job, self.addresses(view)["response_url"])
        elif refusal := refusal_of(view.job):
            return refusal
        else:
            body = result_of(view, as_link=view.job.preferences.get("output") == "binary")
        return HttpResponse(200, json.dumps(body), JSON)

    def may_cancel(self, job: Job) -> bool:
        return job.status is JobStatus.QUEUED

    def write_cancelled(self, job: Job, *, accepted: bool) -> HttpResponse:
        if accepted:
            return HttpResponse(204)
        detail = f"the request is {state_of(job)}: only a queued one can be cancelled"
        return HttpResponse(409, json.dumps({"detail": detail}), JSON)


def _status(job: Job, response_url: str) -> dict[str, Any]:
    eta = _eta(job)
    return {
        "status": state_of(job),
        "queue_position": 0,  # nobody is in front: what waits, waits for its provider
        "statusMessages": _messages(job),
        **({} if eta is None else {"etaSeconds": eta}),
        "logs": None,  # a fal client with a Bearer key wants it to be there
        "response_url": response_url,
    }


def _messages(job: Job) -> dict[str, str]:
    trouble = trouble_of(job)
    if trouble:
        return {"message": trouble.message, "detail_message": trouble.code}
    if job.status is JobStatus.COMPLETED:
        return {"message": "Job completed successfully"}
    if job.status is JobStatus.QUEUED:
        return {}
    done = f"Progress: {job.progress}/100 Tasks done"
    return {"message": "PROCESSING", "detail_message": done}


def _eta(job: Job) -> int | None:
    """From how fast it has been so far; None while nothing can be told."""
    if job.is_finished:
        return 0
    if not job.submitted_at or not job.progress:
        return None
    return round((job.updated_at - job.submitted_at) * (100 - job.progress) / job.progress)


def result_of(view: JobView, *, as_link: bool) -> dict[str, Any]:
    """What a completed request came to; a short film stands there itself, unless `as_link`."""
    job = view.job
    if not job.artifacts:
        return view.document or {}
    return {job.modality: _file(view, job.artifacts[0], as_link=as_link)}


def _file(view: JobView, artifact: Artifact, *, as_link: bool) -> dict[str, str]:
    if as_link or artifact.size > INLINE_BYTES:
        link = view.link(artifact)
        return {"data_uri": link, "data_url": link}
    return {"data_uri": base64.b64encode(view.read(artifact)).decode()}
