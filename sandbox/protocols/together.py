"""Together's video API: the published fields within the sandbox's limits, expiring output links."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sandbox.errors import UnusableInputError
from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Failure, Job, JobStatus
from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import HANDLERS, ApiError, bearer_key
from sandbox.protocols.fields import (
    MAX_SIDE,
    MIN_SIDE,
    Fields,
    NegativePrompt,
    Prompt,
    SecondsText,
    Seed,
    check,
    size_from,
)
from sandbox.protocols.json_protocol import (
    download,
    log_rejection,
    mount_url,
    with_clip,
    with_image,
)
from sandbox.protocols.model_arguments import AspectRatio, Resolution
from sandbox.protocols.output_files import LINK_SECONDS, Links
from sandbox.protocols.request_body import Body, read_json
from sandbox.protocols.together_models import MODELS, failure_of, read_settings
from sandbox.rendering.render_spec import RenderSpec

DEFAULT_SIZE = (1366, 768)


def _check_even(side: int) -> int:
    if side % 2:
        raise ValueError("must be even")
    return side


Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE), AfterValidator(_check_even)]


MAX_MEDIA = 10
"""Files of one kind."""


class FrameImage(Fields):
    input_image: str
    frame: Literal["first", "last"] | Annotated[int, Field(ge=0)] = "first"


class VideoRef(Fields):
    video: str


class AudioRef(Fields):
    audio: str


class Media(Fields):
    """The published object. The render shows the first image, or the first video; no sound."""

    frame_images: list[FrameImage] = Field(default_factory=list, max_length=MAX_MEDIA)
    frame_videos: list[VideoRef] = Field(default_factory=list, max_length=MAX_MEDIA)
    reference_images: list[str] = Field(default_factory=list, max_length=MAX_MEDIA)
    reference_videos: list[VideoRef] = Field(default_factory=list, max_length=MAX_MEDIA)
    source_video: str | VideoRef | None = None
    audio_inputs: list[str | AudioRef] = Field(default_factory=list, max_length=MAX_MEDIA)

    @property
    def clip(self) -> str | None:
        """URL of the video that the render shows."""
        source = self.source_video
        first = VideoRef(video=source) if isinstance(source, str) else source
        clips = [*([first] if first else []), *self.frame_videos, *self.reference_videos]
        return clips[0].video if clips else None


class CreateVideo(Fields):
    """All published fields; `guidance_scale`, `steps` and `output_quality` have no effect."""

    model: Literal["sandbox-1", "sandbox-1-pro"]
    prompt: Prompt
    height: Side | None = None
    width: Side | None = None
    resolution: Resolution | None = None
    ratio: AspectRatio | None = None
    seconds: SecondsText = "5"
    fps: Annotated[int, Field(ge=1, le=60)] = 24
    steps: Annotated[int, Field(ge=10, le=50)] = 20
    seed: Seed | None = None
    guidance_scale: int = 8
    output_format: Literal["MP4"] = "MP4"
    output_quality: int = 20
    negative_prompt: NegativePrompt | None = None
    generate_audio: Literal[False] = False
    media: Media = Media()

    @model_validator(mode="after")
    def _validate_size(self) -> "CreateVideo":
        if (self.width is None) != (self.height is None):
            raise ValueError("width requires height, and height requires width")
        if self.width and (self.resolution or self.ratio):
            raise ValueError("give either width and height or resolution and ratio")
        return self

    @property
    def size(self) -> tuple[int, int]:
        if self.width and self.height:
            return self.width, self.height
        if not self.resolution and not self.ratio:
            return DEFAULT_SIZE
        return size_from(int((self.resolution or "720p")[:-1]), self.ratio or "16:9")


async def build_spec(sandbox: Sandbox, params: CreateVideo) -> RenderSpec:
    width, height = params.size
    spec = RenderSpec(
        prompt=params.prompt,
        model=params.model,
        width=width,
        height=height,
        seconds=int(params.seconds),
        fps=params.fps,
        seed=params.seed,
        negative_prompt=params.negative_prompt,
    )
    media = params.media
    images = [frame.input_image for frame in media.frame_images] + media.reference_images
    return await with_media(sandbox, spec, images[0] if images else None, media.clip)


async def with_media(
    sandbox: Sandbox, spec: RenderSpec, image: str | None, clip: str | None
) -> RenderSpec:
    try:
        return await with_clip(sandbox, await with_image(sandbox, spec, image), clip)
    except UnusableInputError as error:
        raise ApiError(400, str(error), code="invalid_value", param="media") from error


DOLLARS_PER_SECOND = 1


class TogetherVideos:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._links = Links()

    async def create(self, request: Request) -> Response:
        body, key = await read_json(request), request.headers.get("idempotency-key")
        with log_rejection(self._sandbox, body, key):
            spec, failure = await self._read(body)
        job = self._sandbox.submit(spec, key, failure)
        return JSONResponse(self._view(job, request))

    async def _read(self, body: Body) -> tuple[RenderSpec, Failure | None]:
        """Return the job, and its failure if a documented model does not take an argument."""
        model = MODELS.find(body.fields.get("model"))
        if model is None:
            return await build_spec(self._sandbox, check(CreateVideo, body)), None
        if violation := MODELS.violation(body.fields):
            raise ApiError(400, violation.message, code="invalid_value", param=violation.field)
        failure = failure_of(model.violation(body.fields))
        settings = read_settings(body.fields, model.defaults)
        spec = settings.spec
        if failure is None:
            spec = await with_media(self._sandbox, spec, settings.image, settings.clip)
        return spec, failure

    async def retrieve(self, request: Request) -> Response:
        job = self._sandbox.poll(request.path_params["id"])
        return JSONResponse(self._view(job, request))

    async def output(self, request: Request) -> Response:
        return download(self._sandbox, request, self._links.resolve(request.path_params["token"]))

    def _view(self, job: Job, request: Request) -> dict[str, object]:
        """Return the published fields, without those that do not apply."""
        status = "in_progress" if job.status is JobStatus.QUEUED else job.status.value
        view: dict[str, object] = {
            "id": job.id,
            "object": "video",
            "model": job.spec.model,
            "status": UNKNOWN_STATUS if "unknown-status" in job.directives else status,
            "created_at": int(job.created_at),
            "size": job.spec.size,
            "seconds": str(job.spec.seconds),
        }
        if job.ended_at:
            view["completed_at"] = int(job.ended_at)
        if job.failure:
            view["error"] = {"code": job.failure.code, "message": job.failure.message}
        if job.status is JobStatus.COMPLETED:
            cost = DOLLARS_PER_SECOND * job.spec.seconds
            view["outputs"] = {"cost": cost, "video_url": self._video_url(job, request)}
        return view

    def _video_url(self, job: Job, request: Request) -> str:
        """Return a new link on every call."""
        token = self._links.create(job.id, job.directives.get("expire", LINK_SECONDS))
        return f"{mount_url(request, '/v2')}/outputs/{token}.mp4"


def create_app(sandbox: Sandbox, api_key: str) -> Starlette:
    api = TogetherVideos(sandbox)
    authenticated = Starlette(
        routes=[
            Route("/videos", api.create, methods=["POST"]),
            Route("/videos/{id}", api.retrieve),
        ],
        middleware=[bearer_key(api_key)],
        exception_handlers=HANDLERS,
    )
    return Starlette(
        routes=[Mount("/v2", authenticated), Route("/outputs/{token}.mp4", api.output)],
        exception_handlers=HANDLERS,
    )
