"""Runway's tasks."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.errors import UnusableInputError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols import json_protocol, runway_models
from sandbox.protocols.api_error import ApiError
from sandbox.protocols.fields import Fields, Seconds, Seed, check, check_size
from sandbox.protocols.request_body import read_json
from sandbox.rendering.render_spec import RenderSpec

VERSION = "2024-11-06"
Ratio = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}:[1-9]\d{1,3}$")]
PromptText = Annotated[str, Field(min_length=1, max_length=1000)]
STATUSES = {
    JobStatus.QUEUED: "THROTTLED",
    JobStatus.IN_PROGRESS: "RUNNING",
    JobStatus.COMPLETED: "SUCCEEDED",
    JobStatus.FAILED: "FAILED",
}
FAILURE_CODES = {"content_filter": "SAFETY.OUTPUT.VIDEO", "internal_error": "INTERNAL"}


class _Task(Fields):
    model: Literal["sandbox-1", "sandbox-1-pro"]
    ratio: Ratio
    seed: Seed | None = None


class TextToVideo(_Task):
    promptText: PromptText  # noqa: N815 - Runway's name
    duration: Seconds


class PromptImage(Fields):
    uri: str
    position: Literal["first", "last"]


class ImageToVideo(_Task):
    promptImage: str | Annotated[list[PromptImage], Field(min_length=1, max_length=2)]  # noqa: N815
    promptText: Annotated[str, Field(max_length=1000)] = ""  # noqa: N815
    duration: Seconds


class VideoToVideo(_Task):
    """The result is one second long; Runway's has the length of its source."""

    promptText: PromptText  # noqa: N815
    videoUri: str  # noqa: N815


class Runway:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def text_to_video(self, request: Request) -> Response:
        async def build_spec(params: TextToVideo) -> RenderSpec:
            return _build_spec(params, params.promptText, params.duration)

        return await self._create(request, "text_to_video", TextToVideo, build_spec)

    async def image_to_video(self, request: Request) -> Response:
        async def build_spec(params: ImageToVideo) -> RenderSpec:
            spec = _build_spec(params, params.promptText, params.duration)
            return await json_protocol.with_image(self._sandbox, spec, _first_image(params))

        return await self._create(request, "image_to_video", ImageToVideo, build_spec)

    async def video_to_video(self, request: Request) -> Response:
        async def build_spec(params: VideoToVideo) -> RenderSpec:
            spec = _build_spec(params, params.promptText, 1)
            return await json_protocol.with_clip(self._sandbox, spec, params.videoUri)

        return await self._create(request, "video_to_video", VideoToVideo, build_spec)

    async def _create(
        self,
        request: Request,
        route: str,
        params: type[json_protocol.Params],
        build_spec: Callable[[json_protocol.Params], Awaitable[RenderSpec]],
    ) -> Response:
        """Create a task of one of Runway's models, by its published type, or of the sandbox's."""
        _check_version(request)
        body = await read_json(request)
        with json_protocol.log_rejection(self._sandbox, body):
            if model := runway_models.find(route, body.fields.get("model")):
                spec = await runway_models.build_spec(self._sandbox, model, body.fields)
            else:
                spec = await build_spec(check(params, body))
        return JSONResponse({"id": self._sandbox.submit(spec, None).id})

    async def retrieve(self, request: Request) -> Response:
        _check_version(request)
        return JSONResponse(_view(self._sandbox.poll(request.path_params["id"]), request))

    async def cancel(self, request: Request) -> Response:
        _check_version(request)
        self._sandbox.delete(request.path_params["id"])
        return Response(status_code=204)

    async def output(self, request: Request) -> Response:
        return json_protocol.download(self._sandbox, request, request.path_params["id"])


def _check_version(request: Request) -> None:
    if request.headers.get("x-runway-version") != VERSION:
        raise ApiError(400, f"Set the header X-Runway-Version to {VERSION}.")


def _build_spec(params: _Task, prompt: str, seconds: int) -> RenderSpec:
    across, down = map(int, params.ratio.split(":"))
    width, height = check_size((across, down))
    return RenderSpec(prompt, params.model, width, height, seconds, seed=params.seed)


def _first_image(params: ImageToVideo) -> str:
    if isinstance(params.promptImage, str):
        return params.promptImage
    by_position = {image.position: image.uri for image in params.promptImage}
    if "first" not in by_position:
        raise UnusableInputError("promptImage needs an image with position 'first'.")
    return by_position["first"]


def _view(job: Job, request: Request) -> dict[str, object]:
    """Return the published members, without those that do not apply."""
    status = UNKNOWN_STATUS if "unknown-status" in job.directives else STATUSES[job.status]
    view: dict[str, object] = {"id": job.id, "status": status, "createdAt": job.created_at}
    if job.status is JobStatus.IN_PROGRESS:
        view["progress"] = job.progress / 100
    if job.status is JobStatus.COMPLETED:
        view["output"] = [f"{json_protocol.mount_url(request)}/outputs/{job.id}.mp4"]
    if job.failure:
        view["failure"] = job.failure.message
        view["failureCode"] = FAILURE_CODES.get(job.failure.code, "INTERNAL")
    return view


def write_error(status: int, code: str, message: str) -> Response:  # noqa: ARG001 - no codes here
    return JSONResponse({"error": message}, status, {"retry-after": "1"} if status == 429 else None)


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    api = Runway(sandbox)
    handlers = json_protocol.error_handlers(write_error)
    authenticated = Starlette(
        routes=[
            Route("/text_to_video", api.text_to_video, methods=["POST"]),
            Route("/image_to_video", api.image_to_video, methods=["POST"]),
            Route("/video_to_video", api.video_to_video, methods=["POST"]),
            Route("/tasks/{id}", api.retrieve),
            Route("/tasks/{id}", api.cancel, methods=["DELETE"]),
        ],
        middleware=[json_protocol.require_key(f"Bearer {api_key}", write_error)],
        exception_handlers=handlers,
    )
    return Starlette(
        routes=[Mount("/v1", authenticated), Route("/outputs/{id}.mp4", api.output)],
        exception_handlers=handlers,
    )
