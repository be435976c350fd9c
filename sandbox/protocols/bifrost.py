"""Bifrost's video API, version of May 2026: JSON only, ids as `id:provider`, remix and deletion."""

import dataclasses
from typing import Annotated

from pydantic import AfterValidator, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.errors import UnusableInputError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job
from sandbox.jobs import Sandbox
from sandbox.protocols import json_protocol
from sandbox.protocols.api_error import ApiError
from sandbox.protocols.fields import Fields, NegativePrompt, Prompt, SecondsText, Seed, check
from sandbox.protocols.openai_videos.requests import check_size_text, spec_for_remix
from sandbox.protocols.request_body import read_json
from sandbox.rendering.render_spec import DEFAULT_FPS, RenderSpec

PROVIDER = "sandbox"
MODELS = frozenset({f"{PROVIDER}/sandbox-1", f"{PROVIDER}/sandbox-1-pro"})


def _check_model(model: str) -> str:
    if model not in MODELS:
        raise ValueError(f"must be one of {', '.join(sorted(MODELS))}")
    return model


class Fallback(Fields):
    provider: str
    model: str


class CreateVideo(Fields):
    """The published fields; `audio` has no effect, as the sandbox renders no sound."""

    model: Annotated[str, AfterValidator(_check_model)]
    prompt: Prompt
    input_reference: str | None = None
    seconds: SecondsText = "4"
    size: Annotated[str, AfterValidator(check_size_text)] = "1280x720"
    negative_prompt: NegativePrompt | None = None
    seed: Seed | None = None
    video_uri: str | None = None
    audio: bool | None = None
    fallbacks: Annotated[tuple[Fallback, ...], Field(max_length=10)] = ()


class RemixVideo(Fields):
    prompt: Prompt


async def build_spec(sandbox: Sandbox, params: CreateVideo) -> RenderSpec:
    width, height = map(int, params.size.split("x"))
    spec = RenderSpec(
        prompt=params.prompt,
        model=params.model,
        width=width,
        height=height,
        seconds=int(params.seconds),
        fps=DEFAULT_FPS,
        seed=params.seed,
        negative_prompt=params.negative_prompt,
    )
    try:
        spec = await json_protocol.with_image(sandbox, spec, params.input_reference)
        return await json_protocol.with_clip(sandbox, spec, params.video_uri)
    except UnusableInputError as error:
        raise ApiError(400, str(error), code="invalid_value") from error


class BifrostVideos:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def create(self, request: Request) -> Response:
        job = await json_protocol.submit(
            self._sandbox, request, CreateVideo, lambda params: build_spec(self._sandbox, params)
        )
        return JSONResponse(view_job(job))

    async def remix(self, request: Request) -> Response:
        body = await read_json(request)
        with json_protocol.log_rejection(self._sandbox, body, source="remix"):
            source = self._sandbox.completed(job_id(request))
            spec = spec_for_remix(self._sandbox, source, check(RemixVideo, body).prompt, "remix")
        return JSONResponse(view_job(self._sandbox.submit(spec, None)))

    async def retrieve(self, request: Request) -> Response:
        return JSONResponse(view_job(self._sandbox.poll(job_id(request))))

    async def delete(self, request: Request) -> Response:
        self._sandbox.delete(job_id(request))
        video_id = request.path_params["video_id"]
        return JSONResponse({"id": video_id, "object": "video", "deleted": True})

    async def content(self, request: Request) -> Response:
        if request.query_params.get("variant", "video") != "video":
            raise ApiError(404, "The sandbox renders videos only.", code="not_found")
        return json_protocol.download(self._sandbox, request, job_id(request))


def job_id(request: Request) -> str:
    """Return the id before the provider."""
    found, _, provider = str(request.path_params["video_id"]).rpartition(":")
    if provider != PROVIDER:
        raise ApiError(400, "The video id must be id:provider.", code="invalid_value")
    return found


def view_job(job: Job) -> dict[str, object]:
    """Return the published fields, without those that do not apply."""
    unknown = "unknown-status" in job.directives
    view: dict[str, object] = {
        "id": f"{job.id}:{PROVIDER}",
        "object": "video",
        "model": job.spec.model,
        "status": UNKNOWN_STATUS if unknown else job.status.value,
        "progress": job.progress,
        "created_at": int(job.created_at),
        "prompt": job.spec.prompt,
        "size": job.spec.size,
        "seconds": str(job.spec.seconds),
        "extra_fields": {"provider": PROVIDER, "model_requested": job.spec.model, "latency": 1},
    }
    if job.ended_at:
        view["completed_at"] = int(job.ended_at)
    if job.spec.clip_id:
        view["remixed_from_video_id"] = f"{job.spec.clip_id}:{PROVIDER}"
    if job.failure:
        view["error"] = dataclasses.asdict(job.failure)
    return view


def write_error(status: int, code: str, message: str) -> Response:
    error = {"type": "invalid_request_error", "code": code or None, "message": message}
    body = {"is_bifrost_error": status < 500, "status_code": status, "error": error}
    return JSONResponse(body, status)


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    api = BifrostVideos(sandbox)
    return Starlette(
        routes=[
            Route("/videos", api.create, methods=["POST"]),
            Route("/videos/{video_id}", api.retrieve),
            Route("/videos/{video_id}", api.delete, methods=["DELETE"]),
            Route("/videos/{video_id}/content", api.content),
            Route("/videos/{video_id}/remix", api.remix, methods=["POST"]),
        ],
        middleware=[json_protocol.require_key(f"Bearer {api_key}", write_error)],
        exception_handlers=json_protocol.error_handlers(write_error),
    )
