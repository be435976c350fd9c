"""Arguments of the fal, Pipelet and Replicate models, which name the same settings differently."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox.errors import SandboxError
from sandbox.jobs import Sandbox
from sandbox.protocols import json_protocol
from sandbox.protocols.fields import MAX_SIDE, MIN_SIDE, Fields, Prompt, Seed, size_from
from sandbox.protocols.request_body import BodyError
from sandbox.rendering.render_spec import Modality, RenderSpec

Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, multiple_of=2)]
Resolution = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}p$")]
AspectRatio = Annotated[str, Field(pattern=r"^[1-9]\d?:[1-9]\d?$")]


class Settings(NamedTuple):
    size: tuple[int, int] = (0, 0)
    seconds: int = 0
    negative_prompt: str | None = None
    image_url: str | None = None


class Arguments(Fields):
    modality: ClassVar[Modality]
    prompt: Prompt
    seed: Seed | None = None

    def settings(self) -> Settings:
        return Settings()


class VideoArguments(Arguments):
    modality: ClassVar[Modality] = "video"
    resolution: Resolution = "720p"
    aspect_ratio: AspectRatio = "16:9"
    negative_prompt: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        return size_from(int(self.resolution[:-1]) // 2 * 2, self.aspect_ratio)


async def build_spec(sandbox: Sandbox, model: str, arguments: Arguments) -> RenderSpec:
    settings = arguments.settings()
    width, height = settings.size
    spec = RenderSpec(
        prompt=arguments.prompt,
        model=model,
        width=width,
        height=height,
        seconds=settings.seconds,
        seed=arguments.seed,
        negative_prompt=settings.negative_prompt,
        modality=arguments.modality,
    )
    return await json_protocol.with_image(sandbox, spec, settings.image_url)


def model_error_handlers(
    core_errors: Mapping[type[Exception], tuple[int, str]],
    write_error: Callable[[int, Any], Response],
    view_faults: Callable[[ValidationError], object],
) -> json_protocol.Handlers:
    """Return the error handlers of a protocol; an empty text of a core error means its own."""

    async def respond(request: Request, error: Exception) -> Response:
        match error:
            case BodyError():
                return write_error(400, str(error))
            case HTTPException():
                text = f"Unknown URL: {request.method} {request.url.path}"
                return write_error(error.status_code, text)
            case ValidationError():
                return write_error(422, view_faults(error))
            case _:
                status, text = core_errors[type(error)]
                return write_error(status, text or str(error))

    return dict.fromkeys((SandboxError, BodyError, ValidationError, HTTPException), respond)
