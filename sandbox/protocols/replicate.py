"""Replicate's predictions; an error has a title, a detail and the status."""

import time
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import override

from sandbox import errors
from sandbox.errors import UnknownJobError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Failure, Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import RequireApiKey
from sandbox.protocols.fields import Fields, Seconds
from sandbox.protocols.json_protocol import mount_url
from sandbox.protocols.model_arguments import (
    Arguments,
    Settings,
    Side,
    VideoArguments,
    build_spec,
    model_error_handlers,
)
from sandbox.protocols.output_files import output_url
from sandbox.protocols.request_body import read_json
from sandbox.rendering.render_spec import Modality

FLAGGED = "The input or output was flagged as sensitive. Please try again. (E005)"
CORE_ERRORS: dict[type[Exception], tuple[int, str]] = {
    errors.RefusedError: (422, "The input was flagged as sensitive."),
    errors.TooManyRequestsError: (429, "Request was throttled. Expected available in 1 second."),
    errors.UnavailableError: (503, "The sandbox is overloaded. Please try again later."),
    errors.UnknownJobError: (404, "The requested resource could not be found."),
    errors.UnusableInputError: (422, ""),
}
TITLES = {404: "Not found", 422: "Input validation failed", 429: "Too many requests"}


def error_response(status: int, detail: str) -> JSONResponse:
    title = TITLES.get(status, "The request failed")
    headers = {"retry-after": "1"} if status == 429 else None
    body = {"title": title, "detail": detail, "status": status}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def unauthorized() -> Response:
    return JSONResponse({"detail": "No user found for this key."}, 401)


def _faults(error: ValidationError) -> str:
    faults = [(".".join(map(str, f["loc"])), f["msg"]) for f in error.errors()]
    return "\n".join(f"- {loc}: {msg}" for loc, msg in faults)


HANDLERS = model_error_handlers(CORE_ERRORS, error_response, _faults)


class Video(VideoArguments):
    duration: Seconds = 5
    image: str | None = None

    @override
    def settings(self) -> Settings:
        return Settings(self.size, self.duration, self.negative_prompt, self.image)


class Image(Arguments):
    modality: ClassVar[Modality] = "image"
    width: Side = 1024
    height: Side = 1024
    image: str | None = None

    @override
    def settings(self) -> Settings:
        return Settings((self.width, self.height), image_url=self.image)


class Tone(Arguments):
    modality: ClassVar[Modality] = "audio"
    duration: Seconds = 5

    @override
    def settings(self) -> Settings:
        return Settings(seconds=self.duration)


MODELS: dict[str, type[Arguments]] = {
    "sandbox/video": Video,
    "sandbox/image": Image,
    "sandbox/tone": Tone,
}
OFFICIAL = frozenset({"sandbox/video", "sandbox/image"})
"""Official models run by name; all others only by version."""
VERSIONS = {f"{number:064x}": name for number, name in enumerate(MODELS, start=1)}


CANCELED = "canceled"
STATUSES = {
    JobStatus.QUEUED: "starting",
    JobStatus.IN_PROGRESS: "processing",
    JobStatus.COMPLETED: "succeeded",
    JobStatus.FAILED: "failed",
}


class CreateByModel(Fields):
    input: dict[str, Any]


class CreateByVersion(CreateByModel):
    version: str


class Predictions:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create_by_model(self, request: Request) -> Response:
        model = f"{request.path_params['owner']}/{request.path_params['name']}"
        if model not in OFFICIAL:
            raise UnknownJobError(model)
        body = await read_json(request)
        params = CreateByModel.model_validate(body.fields, strict=True)
        return await self._create(request, model, params)

    async def create_by_version(self, request: Request) -> Response:
        body = await read_json(request)
        params = CreateByVersion.model_validate(body.fields, strict=True)
        if params.version not in VERSIONS:
            raise UnknownJobError(params.version)
        return await self._create(request, VERSIONS[params.version], params)

    async def get(self, request: Request) -> Response:
        return JSONResponse(self._view(self._sandbox.poll(request.path_params["id"]), request))

    async def cancel(self, request: Request) -> Response:
        job = self._sandbox.find(request.path_params["id"])
        self._sandbox.stop(job.id, CANCELED)
        return JSONResponse(self._view(job, request))

    async def _create(self, request: Request, model: str, params: CreateByModel) -> Response:
        arguments = MODELS[model].model_validate(params.input, strict=True)
        job = self._sandbox.submit(await build_spec(self._sandbox, model, arguments), None)
        return JSONResponse(self._view(job, request), 201)

    def _view(self, job: Job, request: Request) -> dict[str, object]:
        canceled = job.failure is not None and job.failure.code == CANCELED
        status = CANCELED if canceled else STATUSES[job.status]
        url = f"{mount_url(request, '')}/predictions/{job.id}"
        view: dict[str, object] = {
            "id": job.id,
            "model": job.spec.model,
            "version": next(key for key, name in VERSIONS.items() if name == job.spec.model),
            "input": {"prompt": job.spec.prompt},
            "logs": "",
            "error": job.failure and _error_message(job.failure),
            "status": UNKNOWN_STATUS if "unknown-status" in job.directives else status,
            "created_at": datetime.fromtimestamp(job.created_at, UTC).isoformat(),
            "output": None,
            "urls": {"get": url, "cancel": f"{url}/cancel"},
        }
        if job.status is JobStatus.COMPLETED:
            output = output_url(job, request)
            view["output"] = [output] if job.spec.modality == "image" else output
            seconds = (job.ended_at or time.time()) - (job.started_at or job.created_at)
            view["metrics"] = {"predict_time": seconds}
        return view


def _error_message(failure: Failure) -> str | None:
    if failure.code == CANCELED:
        return None
    return FLAGGED if failure.code == "content_filter" else failure.message


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    api = Predictions(sandbox)
    return Starlette(
        routes=[
            Route("/models/{owner}/{name}/predictions", api.create_by_model, methods=["POST"]),
            Route("/predictions", api.create_by_version, methods=["POST"]),
            Route("/predictions/{id}", api.get),
            Route("/predictions/{id}/cancel", api.cancel, methods=["POST"]),
        ],
        middleware=[Middleware(RequireApiKey, f"Bearer {api_key}", unauthorized)],
        exception_handlers=HANDLERS,
    )
