"""What Pipelet's and fal's queues have in common: even most of their paths are the same."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from rushes.dialects.api_key import read_key
from rushes.dialects.base import (
    ALL_MODALITIES,
    HttpRequest,
    HttpResponse,
    JobReference,
    JobView,
    Route,
)
from rushes.dialects.openai_videos.openai_format import JSON
from rushes.dialects.references import read_reference
from rushes.dialects.request_body import read_fields
from rushes.dialects.webhook_param import read_target
from rushes.errors import InvalidRequest, NotFound, RushesError
from rushes.jobs.job import Job
from rushes.jobs.request import WebhookTarget
from rushes.jobs.status import JobStatus

MODEL_SEGMENTS = 6
"""A model is a path, and a route's variable is one step of a path: there is a route per length."""
APP_SEGMENTS = 3
"""Clients ask for a job below the first two steps of its model, or three for fal's workflows."""
RESERVED = frozenset({"submit", "status", "cancel", "metrics"})
"""Another vendor's routes on the same path; a model of that name could never be told from them."""
WEBHOOK_QUERY, WEBHOOK_HEADER = "fal_webhook", "x-pipelet-webhook"
"""Where clients say whom to tell; both are understood wherever the other one is."""
WEBHOOK_FIELDS = f"{WEBHOOK_HEADER} or {WEBHOOK_QUERY}"


def queue_routes(prefix: str) -> tuple[Route, ...]:
    routes = []
    for length in range(1, MODEL_SEGMENTS + 1):
        model = prefix + "".join(f"/<step_{n}>" for n in range(length))
        routes.append(Route("POST", model, "create"))
        if length <= APP_SEGMENTS:
            one = f"{model}/requests/<job_id>"
            routes.append(Route("GET", f"{one}/status", "status"))
            routes.append(Route("PUT", f"{one}/cancel", "cancel"))
            routes.append(Route("GET", one, "result"))
    return tuple(routes)


def speaks_fal(headers: Mapping[str, str]) -> bool:
    """Only fal's clients send `Authorization: Key …`."""
    return re.match(r"\s*key\s", headers.get("authorization", ""), re.IGNORECASE) is not None


class QueueDialect:
    """`prefix` is what the paths of its answers begin with: the one that it was asked by."""

    modalities = ALL_MODALITIES
    fields: ClassVar[Mapping[str, str]] = {}
    """What a field of ours is called there, where the names differ."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def read_key(self, headers: Mapping[str, str]) -> str:
        written = headers.get("authorization", "")
        as_bearer = re.sub(r"(^|,)\s*key\s", r"\1Bearer ", written, flags=re.IGNORECASE)
        return read_key({**headers, "authorization": as_bearer})

    def read_reference(self, written: str) -> JobReference:
        return read_reference(written)

    def read_model(self, request: HttpRequest) -> str:
        steps = unquote(request.path.removeprefix(f"{self.prefix}/")).split("/")
        if steps[0] in RESERVED or "requests" in steps:
            raise NotFound(
                f"there is nothing at {request.method} {request.path[:200]}", code="unknown_url"
            )
        return "/".join(steps)

    def read_json(self, request: HttpRequest) -> dict[str, Any]:
        if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
            raise InvalidRequest("only a JSON body is understood", param="content-type")
        return read_fields(request.headers, request.body)

    def addresses(self, view: JobView) -> dict[str, str]:
        """Where to ask for a job; the model is there for show, jobs are found by their ids."""
        app = "/".join(view.job.request.model.split("/")[:2])
        one = f"{view.base_url}{self.prefix}/{quote(app)}/requests/{view.job.id}"
        return {"response_url": one, "status_url": f"{one}/status", "cancel_url": f"{one}/cancel"}

    def write_error(self, error: RushesError) -> HttpResponse:
        return HttpResponse(error.http_status, json.dumps({"detail": self.detail(error)}), JSON)

    def detail(self, error: RushesError) -> str:
        """There is one text only: it has to name the field, too."""
        name = self.fields.get(error.param or "", error.param)
        if not name or name.lower() in error.message.lower():
            return error.message
        return f"{name}: {error.message}"


def check_queries(request: HttpRequest) -> None:
    for name in request.query.keys() - {WEBHOOK_QUERY}:
        raise InvalidRequest(f"{name[:80]} is not supported", param=name[:80])


def read_webhook(request: HttpRequest) -> WebhookTarget | None:
    """Whoever is told of fal's way hears fal's words, and of Pipelet's Pipelet's."""
    as_query, as_header = request.query.get(WEBHOOK_QUERY), request.headers.get(WEBHOOK_HEADER)
    if as_query and as_header:
        raise InvalidRequest(
            f"{WEBHOOK_QUERY} says the same as {WEBHOOK_HEADER}", param=WEBHOOK_QUERY
        )
    if as_header:
        return read_target(WEBHOOK_HEADER, as_header, "pipelet")
    return read_target(WEBHOOK_QUERY, as_query, "fal") if as_query else None


def state_of(job: Job) -> str:
    """In Pipelet's words; fal has the first three of them only."""
    return "IN_QUEUE" if job.status is JobStatus.QUEUED else job.status.value.upper()


@dataclass(frozen=True)
class Trouble:
    """Why a job has come to a bad end."""

    code: str
    message: str


def trouble_of(job: Job) -> Trouble | None:
    if job.status is JobStatus.CANCELLED:
        return Trouble("request_cancelled", "the request was cancelled")
    if job.status is JobStatus.FAILED and job.error:
        return Trouble(job.error.code, job.error.message)
    return Trouble("internal_error", "it failed") if job.status is JobStatus.FAILED else None


def refusal_of(job: Job) -> HttpResponse | None:
    """The answer to who wants a result and there is none."""
    trouble = trouble_of(job)
    if trouble:
        return HttpResponse(422, json.dumps({"detail": trouble.message}), JSON)
    if not job.is_finished:
        return HttpResponse(400, json.dumps({"detail": "Request is still in progress"}), JSON)
    return None
