"""The calls themselves."""

import time
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.arguments import brief_of
from sandbox.errors import UnknownJobError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.forms import BodyError, read_body
from sandbox.job import Failure, Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.openai_videos.fields import Fields
from sandbox.outputs import address_of, home_of
from sandbox.queue.formats import KeyCheck
from sandbox.replicate.formats import FLAGGED, HANDLERS
from sandbox.replicate.models import MODELS, OFFICIAL, VERSIONS

CANCELED = "canceled"
STATUSES = {
    JobStatus.QUEUED: "starting",
    JobStatus.IN_PROGRESS: "processing",
    JobStatus.COMPLETED: "succeeded",
    JobStatus.FAILED: "failed",
}


class OfModel(Fields):
    input: dict[str, Any]


class OfVersion(OfModel):
    version: str


class Predictions:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create_of_model(self, request: Request) -> Response:
        model = f"{request.path_params['owner']}/{request.path_params['name']}"
        if model not in OFFICIAL:
            raise UnknownJobError(model)
        wish = OfModel.model_validate(await _json_of(request), strict=True)
        return await self._create(request, model, wish)

    async def create(self, request: Request) -> Response:
        wish = OfVersion.model_validate(await _json_of(request), strict=True)
        if wish.version not in VERSIONS:
            raise UnknownJobError(wish.version)
        return await self._create(request, VERSIONS[wish.version], wish)

    async def get(self, request: Request) -> Response:
        return JSONResponse(self._view(self._sandbox.poll(request.path_params["id"]), request))

    async def cancel(self, request: Request) -> Response:
        job = self._sandbox.find(request.path_params["id"])
        self._sandbox.stop(job.id, CANCELED)
        return JSONResponse(self._view(job, request))

    async def _create(self, request: Request, model: str, wish: OfModel) -> Response:
        arguments = MODELS[model].model_validate(wish.input, strict=True)
        job = self._sandbox.submit(await brief_of(self._sandbox, model, arguments), None)
        return JSONResponse(self._view(job, request), 201)

    def _view(self, job: Job, request: Request) -> dict[str, object]:
        status = CANCELED if _is_canceled(job) else STATUSES[job.status]
        here = home_of(request)
        view: dict[str, object] = {
            "id": job.id,
            "model": job.brief.model,
            "version": next(it for it, name in VERSIONS.items() if name == job.brief.model),
            "input": {"prompt": job.brief.prompt},
            "logs": "",
            "error": job.failure and _words_of(job.failure),
            "status": UNKNOWN_STATUS if "unknown-status" in job.directives else status,
            "created_at": _moment(job.created_at),
            "output": None,
            "urls": {
                "get": f"{here}/predictions/{job.id}",
                "cancel": f"{here}/predictions/{job.id}/cancel",
            },
        }
        if job.status is JobStatus.COMPLETED:
            address = address_of(job, request)
            view["output"] = [address] if job.brief.kind == "image" else address
            took = (job.ended_at or time.time()) - (job.started_at or job.created_at)
            view["metrics"] = {"predict_time": took}
        return view


def _is_canceled(job: Job) -> bool:
    return job.failure is not None and job.failure.code == CANCELED


def _words_of(failure: Failure) -> str | None:
    if failure.code == CANCELED:
        return None
    return FLAGGED if failure.code == "content_filter" else failure.message


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


async def _json_of(request: Request) -> dict[str, object]:
    body = await read_body(request)
    if not body.typed:
        raise BodyError("Content-Type must be application/json.")
    return body.fields


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    calls = Predictions(sandbox)
    return Starlette(
        routes=[
            Route("/models/{owner}/{name}/predictions", calls.create_of_model, methods=["POST"]),
            Route("/predictions", calls.create, methods=["POST"]),
            Route("/predictions/{id}", calls.get),
            Route("/predictions/{id}/cancel", calls.cancel, methods=["POST"]),
        ],
        middleware=[Middleware(KeyCheck, expected=f"Bearer {api_key}")],
        exception_handlers=HANDLERS,
    )
