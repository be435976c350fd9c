"""Routes, statuses and errors that fal's and Pipelet's queue APIs share."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from typing_extensions import override

from rushes.dialects.api_key import read_key
from rushes.dialects.base import (
    ALL_MODALITIES,
    DialectDefaults,
    HttpRequest,
    HttpResponse,
    JobView,
    Route,
    model_paths,
)
from rushes.dialects.input_files import Uploads
from rushes.dialects.request_body import read_json_fields
from rushes.dialects.response_headers import JSON_HEADERS
from rushes.dialects.validation import check_request_size
from rushes.dialects.webhook_param import read_webhook_url
from rushes.errors import InvalidRequest, NotFound, RushesError
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, WebhookTarget
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus

MAX_MODEL_SEGMENTS = 6
MAX_APP_SEGMENTS = 3
"""Clients request a job below the first two segments of its model; fal's workflows have three."""
RESERVED = frozenset({"submit", "status", "cancel", "metrics"})
"""Another vendor's routes on the same path: a model of such a name would be ambiguous."""
WEBHOOK_QUERY, WEBHOOK_HEADER = "fal_webhook", "x-pipelet-webhook"
WEBHOOK_FIELDS = f"{WEBHOOK_HEADER} or {WEBHOOK_QUERY}"

ReadPreferences = Callable[[Mapping[str, str]], dict[str, str]]
ReadArguments = Callable[[str, Mapping[str, Any]], tuple[GenerationRequest, Uploads]]


def queue_routes(prefix: str) -> tuple[Route, ...]:
    routes = []
    for length, model in enumerate(model_paths(prefix, MAX_MODEL_SEGMENTS), 1):
        routes.append(Route("POST", model, "create"))
        if length <= MAX_APP_SEGMENTS:
            one = f"{model}/requests/<job_id>"
            routes.append(Route("GET", f"{one}/status", "status"))
            routes.append(Route("PUT", f"{one}/cancel", "cancel"))
            routes.append(Route("GET", one, "result"))
    return tuple(routes)


def has_fal_key(headers: Mapping[str, str]) -> bool:
    """Detect `Authorization: Key …`, which only fal's clients send."""
    return re.match(r"\s*key\s", headers.get("authorization", ""), re.IGNORECASE) is not None


class QueueDialect(DialectDefaults):
    prefix: str
    """Path prefix of the request, and of the URLs in the response."""
    modalities = ALL_MODALITIES
    field_names: ClassVar[Mapping[str, str]] = {}
    """Field names for errors, by field name of the gateway."""

    def __init__(self, prefix: str | None = None) -> None:
        self.prefix = prefix or self.prefix

    @override
    def read_key(self, headers: Mapping[str, str]) -> str:
        raw = headers.get("authorization", "")
        as_bearer = re.sub(r"(^|,)\s*key\s", r"\1Bearer ", raw, flags=re.IGNORECASE)
        return read_key({**headers, "authorization": as_bearer})

    def build_request(
        self, request: HttpRequest, read_preferences: ReadPreferences, read_arguments: ReadArguments
    ) -> CreateRequest:
        model = self.read_model(request)
        check_query(request)
        preferences = read_preferences(request.headers)
        fields = read_json_fields(request.headers, request.body)
        generation, uploads = read_arguments(model, fields)
        check_request_size(generation)
        webhook = read_webhook(request)
        return CreateRequest(generation, uploads=uploads, preferences=preferences, webhook=webhook)

    def read_model(self, request: HttpRequest) -> str:
        segments = unquote(request.path.removeprefix(f"{self.prefix}/")).split("/")
        if segments[0] in RESERVED or "requests" in segments:
            url = f"{request.method} {request.path[:200]}"
            raise NotFound(f"unknown URL: {url}", code="unknown_url")
        return "/".join(segments)

    def urls(self, view: JobView) -> dict[str, str]:
        """Build the job's URLs. Their model is ignored on the way back: the id finds the job."""
        app = "/".join(view.job.request.model.split("/")[:2])
        one = f"{view.base_url}{self.prefix}/{quote(app)}/requests/{view.job.id}"
        return {"response_url": one, "status_url": f"{one}/status", "cancel_url": f"{one}/cancel"}

    def write_error(self, error: RushesError) -> HttpResponse:
        body = {"detail": self.detail(error)}
        return HttpResponse(error.http_status, json.dumps(body), JSON_HEADERS)

    def detail(self, error: RushesError) -> str:
        """Return the message with the field's name, because the body has no `param`."""
        name = self.field_names.get(error.param or "", error.param)
        if not name or name.lower() in error.message.lower():
            return error.message
        return f"{name}: {error.message}"


def check_query(request: HttpRequest) -> None:
    for name in request.query.keys() - {WEBHOOK_QUERY}:
        raise InvalidRequest(f"{name[:80]} is not supported", param=name[:80])


def read_webhook(request: HttpRequest) -> WebhookTarget | None:
    """Read the webhook URL: the query parameter selects fal's payload, the header Pipelet's."""
    in_query, in_header = request.query.get(WEBHOOK_QUERY), request.headers.get(WEBHOOK_HEADER)
    if in_query and in_header:
        raise InvalidRequest(
            f"{WEBHOOK_QUERY} and {WEBHOOK_HEADER} are mutually exclusive", param=WEBHOOK_QUERY
        )
    if in_header:
        return read_webhook_url(WEBHOOK_HEADER, in_header, "pipelet")
    return read_webhook_url(WEBHOOK_QUERY, in_query, "fal") if in_query else None


def queue_status(job: Job) -> str:
    """Return Pipelet's status; fal has the first three of them."""
    return "IN_QUEUE" if job.status is JobStatus.QUEUED else job.status.value.upper()


def failure_of(job: Job) -> JobError | None:
    if job.status is JobStatus.CANCELLED:
        return JobError(code="request_cancelled", message="the request was cancelled")
    if job.status is JobStatus.FAILED:
        return job.error or JobError(code="internal_error", message="it failed")
    return None


def no_result_response(job: Job) -> HttpResponse | None:
    """Return the response for a job that failed or still runs, None for a completed one."""
    if failure := failure_of(job):
        status, detail = 422, failure.message
    elif not job.is_finished:
        status, detail = 400, "Request is still in progress"
    else:
        return None
    return HttpResponse(status, json.dumps({"detail": detail}), JSON_HEADERS)
