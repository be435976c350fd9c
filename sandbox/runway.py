"""Runway's tasks, spoken strictly: what it does not publish is refused by name."""

from typing import Annotated, Literal

from pydantic import Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox import protocol
from sandbox.errors import UnusableInputError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.openai_videos.errors import ApiError
from sandbox.openai_videos.fields import Fields
from sandbox.render_spec import Brief

VERSION = "2024-11-06"
Ratio = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}:[1-9]\d{1,3}$")]
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
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None


class TextToVideo(_Task):
    promptText: Annotated[str, Field(min_length=1, max_length=1000)]  # noqa: N815 - Runway's name
    duration: Annotated[int, Field(ge=1, le=60)]


class Picture(Fields):
    uri: str
    position: Literal["first", "last"]


class ImageToVideo(_Task):
    promptImage: str | Annotated[list[Picture], Field(min_length=1, max_length=2)]  # noqa: N815
    promptText: Annotated[str, Field(max_length=1000)] = ""  # noqa: N815
    duration: Annotated[int, Field(ge=1, le=60)]


class VideoToVideo(_Task):
    """As long as the film that it reworks; here always a second."""

    promptText: Annotated[str, Field(min_length=1, max_length=1000)]  # noqa: N815
    videoUri: str  # noqa: N815


class Runway:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def text_to_video(self, request: Request) -> Response:
        _check_version(request)

        async def brief_of(wish: TextToVideo) -> Brief:
            return _brief(wish, wish.promptText, wish.duration)

        return _created(await protocol.submit(self._sandbox, request, TextToVideo, brief_of))

    async def image_to_video(self, request: Request) -> Response:
        _check_version(request)

        async def brief_of(wish: ImageToVideo) -> Brief:
            brief = _brief(wish, wish.promptText, wish.duration)
            return await protocol.with_picture(self._sandbox, brief, _first(wish))

        return _created(await protocol.submit(self._sandbox, request, ImageToVideo, brief_of))

    async def video_to_video(self, request: Request) -> Response:
        _check_version(request)

        async def brief_of(wish: VideoToVideo) -> Brief:
            brief = _brief(wish, wish.promptText, 1)
            return await protocol.with_clip(self._sandbox, brief, wish.videoUri)

        return _created(await protocol.submit(self._sandbox, request, VideoToVideo, brief_of))

    async def retrieve(self, request: Request) -> Response:
        _check_version(request)
        return JSONResponse(_view(self._sandbox.poll(request.path_params["id"]), request))

    async def cancel(self, request: Request) -> Response:
        _check_version(request)
        self._sandbox.delete(request.path_params["id"])
        return Response(status_code=204)

    async def output(self, request: Request) -> Response:
        return protocol.film(self._sandbox, request, request.path_params["id"])


def _check_version(request: Request) -> None:
    if request.headers.get("x-runway-version") != VERSION:
        raise ApiError(400, f"Set the header X-Runway-Version to {VERSION}.")


def _brief(wish: _Task, prompt: str, seconds: int) -> Brief:
    across, down = map(int, wish.ratio.split(":"))
    width, height = protocol.checked((across, down))
    return Brief(prompt, wish.model, width, height, seconds, seed=wish.seed)


def _first(wish: ImageToVideo) -> str:
    if isinstance(wish.promptImage, str):
        return wish.promptImage
    places = {picture.position: picture.uri for picture in wish.promptImage}
    if "first" not in places:
        raise UnusableInputError("The sandbox cannot begin with nothing.")
    return places["first"]


def _created(job: Job) -> Response:
    return JSONResponse({"id": job.id})


def _view(job: Job, request: Request) -> dict[str, object]:
    """The published members; what does not apply is left out."""
    status = UNKNOWN_STATUS if "unknown-status" in job.directives else STATUSES[job.status]
    view: dict[str, object] = {"id": job.id, "status": status, "createdAt": job.created_at}
    if job.status is JobStatus.IN_PROGRESS:
        view["progress"] = job.progress / 100
    if job.status is JobStatus.COMPLETED:
        view["output"] = [protocol.address(request, f"/outputs/{job.id}.mp4")]
    if job.failure:
        view["failure"] = job.failure.message
        view["failureCode"] = FAILURE_CODES.get(job.failure.code, "INTERNAL")
    return view


def say(status: int, code: str, message: str) -> Response:  # noqa: ARG001 - Runway has no codes here
    return JSONResponse({"error": message}, status, {"retry-after": "1"} if status == 429 else None)


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    calls = Runway(sandbox)
    spoken = protocol.handlers(say)
    keyed = Starlette(
        routes=[
            Route("/text_to_video", calls.text_to_video, methods=["POST"]),
            Route("/image_to_video", calls.image_to_video, methods=["POST"]),
            Route("/video_to_video", calls.video_to_video, methods=["POST"]),
            Route("/tasks/{id}", calls.retrieve),
            Route("/tasks/{id}", calls.cancel, methods=["DELETE"]),
        ],
        middleware=[protocol.bearer_key(api_key, say)],
        exception_handlers=spoken,
    )
    return Starlette(
        routes=[Mount("/v1", keyed), Route("/outputs/{id}.mp4", calls.output)],
        exception_handlers=spoken,
    )
