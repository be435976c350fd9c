"""Routes of both queues, and their errors: `detail` is a text or a list of invalid fields."""

import json
from abc import ABC, abstractmethod

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import errors
from sandbox.errors import UnknownJobError
from sandbox.job import Failure, Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import RequireApiKey
from sandbox.protocols.fal_queue.published_models import InvalidArgumentsError
from sandbox.protocols.json_protocol import Handlers, mount_url
from sandbox.protocols.model_arguments import Arguments, build_spec, model_error_handlers
from sandbox.protocols.request_body import Body, read_json
from sandbox.rendering.render_spec import RenderSpec

FILTERED = "The content was flagged by a content checker."
CORE_ERRORS: dict[type[Exception], tuple[int, str]] = {
    errors.TooManyRequestsError: (429, "Rate limit reached."),
    errors.UnavailableError: (503, "The sandbox is overloaded. Please try again later."),
    errors.UnknownJobError: (404, "Request not found."),
    errors.NotReadyError: (400, "Request is still in progress"),
    errors.UnusableInputError: (422, ""),
}


def error_response(status: int, detail: object, error_type: str | None = None) -> JSONResponse:
    headers = {"x-fal-error-type": error_type} if error_type else {}
    if status == 429:
        headers["retry-after"] = "1"
    return JSONResponse({"detail": detail}, status, headers)


def filtered() -> JSONResponse:
    error_type = "content_policy_violation"
    fault = {"loc": ["body", "prompt"], "msg": FILTERED, "type": error_type}
    return error_response(422, [fault], error_type)


def failed(failure: Failure) -> JSONResponse:
    if failure.code == "content_filter":
        return filtered()
    return error_response(500, failure.message, failure.code)


def unauthorized() -> Response:
    return error_response(401, "No user found for this key.")


async def _refuse(_request: Request, _error: Exception) -> Response:
    return filtered()


async def _invalid_arguments(_request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidArgumentsError)  # noqa: S101 - registered for it only
    return error_response(422, error.faults)


def _faults(error: ValidationError) -> list[dict[str, object]]:
    faults = json.loads(error.json(include_url=False, include_context=False))
    return [{**fault, "loc": ["body", *fault["loc"]]} for fault in faults]


HANDLERS: Handlers = model_error_handlers(CORE_ERRORS, error_response, _faults)
HANDLERS[errors.RefusedError] = _refuse
HANDLERS[InvalidArgumentsError] = _invalid_arguments


class Queue(ABC):
    models: dict[str, type[Arguments]]
    key_scheme: str

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @abstractmethod
    def app_of(self, model: str) -> str:
        """Return the model's path in request URLs."""

    @abstractmethod
    def view_accepted(self, job: Job, urls: dict[str, str], request: Request) -> Response: ...
    @abstractmethod
    def view_status(self, job: Job, url: str) -> Response: ...
    @abstractmethod
    def view_result(self, job: Job, request: Request) -> Response: ...
    @abstractmethod
    def stop(self, job: Job) -> Response: ...

    async def submit(self, request: Request) -> Response:
        model = request.path_params["model"]
        body = await read_json(request)
        job = self.sandbox.submit(await self.read_spec(model, body), None)
        url = f"{mount_url(request, '')}/{self.app_of(model)}/requests/{job.id}"
        urls = {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}
        return self.view_accepted(job, urls, request)

    async def read_spec(self, model: str, body: Body) -> RenderSpec:
        if model not in self.models:
            raise UnknownJobError(model)
        arguments = self.models[model].model_validate(body.fields, strict=True)
        return await build_spec(self.sandbox, model, arguments)

    async def status(self, request: Request) -> Response:
        job = self.sandbox.poll(self._find(request).id)
        return self.view_status(job, str(request.url).removesuffix("/status"))

    async def result(self, request: Request) -> Response:
        return self.view_result(self._find(request), request)

    async def cancel(self, request: Request) -> Response:
        return self.stop(self._find(request))

    def _find(self, request: Request) -> Job:
        """Return the job if the URL contains its own app."""
        job = self.sandbox.find(request.path_params["id"])
        if self.app_of(job.spec.model) != request.path_params["app"]:
            raise UnknownJobError(job.id)
        return job

    def queue_position(self, job: Job) -> int:
        queued = (other for other in self.sandbox.jobs.values() if other.status is JobStatus.QUEUED)
        return sum(other.created_at < job.created_at for other in queued)


def create_app(queue: Queue, api_key: str) -> Starlette:
    one = "/{app:path}/requests/{id}"
    return Starlette(
        routes=[
            Route(f"{one}/status", queue.status),
            Route(f"{one}/cancel", queue.cancel, methods=["PUT"]),
            Route(one, queue.result),
            Route("/{model:path}", queue.submit, methods=["POST"]),
        ],
        middleware=[Middleware(RequireApiKey, f"{queue.key_scheme} {api_key}", unauthorized)],
        exception_handlers=HANDLERS,
    )
