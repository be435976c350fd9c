"""Routes, statuses and errors that fal's and Pipelet's queue APIs share."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar
from urllib.parse import quote, unquote, urlencode

from typing_extensions import override

from rushes.dialects.api_key import read_key
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
from rushes.dialects.input_files import Uploads
from rushes.dialects.json_format import as_json
from rushes.dialects.request_body import read_json_fields
from rushes.dialects.validation import check_request_size, with_field_name
from rushes.dialects.webhook_param import read_webhook_url
from rushes.errors import InvalidRequest, NotFound, RushesError
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, WebhookTarget
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus

MAX_MODEL_SEGMENTS = 6
STREAM_QUERY = "redirects"
MAX_REDIRECTS = 19
"""Of a stream; `fetch` follows 20."""
RESERVED = frozenset({"submit", "status", "cancel", "metrics"})
"""Another vendor's routes on the same path: a model of such a name would be ambiguous."""
STREAM_HEADERS = {"content-type": "text/event-stream", "cache-control": "no-store"}
WEBHOOK_QUERY, WEBHOOK_HEADER = "fal_webhook", "x-pipelet-webhook"
WEBHOOK_FIELDS = f"{WEBHOOK_HEADER} or {WEBHOOK_QUERY}"

ReadPreferences = Callable[[Mapping[str, str]], dict[str, str]]
ReadArguments = Callable[[str, Mapping[str, Any]], tuple[GenerationRequest, Uploads]]


def queue_routes(prefix: str) -> tuple[Route, ...]:
    """Return the routes below a prefix.

    The id finds a job, whatever precedes `requests`: clients write the whole model there, or its
    first two or three segments.
    """
    routes = []
    for model in model_paths(prefix, MAX_MODEL_SEGMENTS):
        one = f"{model}/requests/<job_id>"
        routes += [
            Route("POST", model, "create"),
            Route("GET", f"{one}/status", "status"),
            Route("GET", f"{one}/status/stream", "stream"),
            Route("PUT", f"{one}/cancel", "cancel"),
            Route("GET", f"{one}/response", "result"),
            Route("GET", one, "result"),
        ]
    return tuple(routes)


def has_fal_key(headers: Mapping[str, str]) -> bool:
    """Detect `Authorization: Key …`, which only fal's clients send."""
    return re.match(r"\s*key\s", headers.get("authorization", ""), re.IGNORECASE) is not None


class QueueDialect(DialectDefaults, ABC):
    prefix: str
    """Path prefix of the request, and of the URLs in the response."""
    modalities = ALL_MODALITIES
    query_names: ClassVar[Mapping[Verb, Collection[str]]] = {
        "create": (WEBHOOK_QUERY,),
        "status": ("logs",),
        "stream": ("logs", STREAM_QUERY),
    }
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

    @abstractmethod
    def status_of(self, view: JobView) -> dict[str, Any]:
        """Return the body of a status response."""

    def write_stream(self, view: JobView, request: HttpRequest) -> HttpResponse:
        """Write the states of a finished job as server-sent events, or redirect to wait further.

        fal's client requests the result when a stream ends: it must not end before the job does.
        """
        number = request.query.get(STREAM_QUERY, "0")
        redirects = int(number) if re.fullmatch(r"\d{1,2}", number) else MAX_REDIRECTS
        if not view.job.is_finished and redirects < MAX_REDIRECTS:
            query = {**request.query, STREAM_QUERY: redirects + 1}
            # Relative, because the client may have reached the API by another host name.
            return HttpResponse(
                307, headers={**STREAM_HEADERS, "location": f"stream?{urlencode(query)}"}
            )
        status = self.status_of(view)
        events = [{**status, **state} for state in (*_passed_states(view.job), {})]
        body = "".join(f"data: {as_json(event)}\n\n" for event in events)
        return HttpResponse(200, body, {**STREAM_HEADERS, "x-fal-request-id": view.job.id})

    def detail(self, error: RushesError) -> str:
        """Return the message with the field's name, because the body has no `param`."""
        name = self.field_names.get(error.param or "", error.param)
        if not name:
            return error.message
        message = with_field_name(error.message, error.param or "", name)
        return message if name.lower() in message.lower() else f"{name}: {message}"


def _passed_states(job: Job) -> list[dict[str, Any]]:
    """Return the differences of the states before the current one."""
    if job.status is JobStatus.QUEUED:
        return []
    before = {"status": "IN_QUEUE", "logs": None}
    if not job.is_finished or job.submitted_at is None:
        return [before]
    return [before, {"status": "IN_PROGRESS", "logs": None}]


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


def no_result_reason(job: Job) -> tuple[int, str] | None:
    """Return status and reason for a job that failed or still runs, None for a completed one."""
    if failure := failure_of(job):
        return 422, failure.message
    return None if job.is_finished else (400, "Request is still in progress")
