"""Create, remix and edit calls of the OpenAI Videos API, and the render specs they describe.

Sizes and lengths are wider than OpenAI's; the README documents the extras.
"""

import dataclasses
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, InstanceOf, model_validator

from sandbox import inputs
from sandbox.errors import NotReadyError, UnknownJobError, UnusableInputError
from sandbox.job import Job
from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import ApiError
from sandbox.protocols.fields import (
    MAX_SECONDS,
    MAX_SIDE,
    MIN_SIDE,
    Fields,
    NegativePrompt,
    Prompt,
    SecondsText,
    Seed,
    check,
)
from sandbox.protocols.request_body import Body, Upload
from sandbox.published import read_vendor
from sandbox.rendering.render_spec import DEFAULT_FPS, RenderSpec
from sandbox.request_log import Source

PUBLISHED = read_vendor("openai")
_SIZE = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})")


def check_size_text(size: str) -> str:
    match = _SIZE.fullmatch(size)
    sides = [int(side) for side in match.groups()] if match else []
    if not sides or any(s % 2 or not MIN_SIDE <= s <= MAX_SIDE for s in sides):
        raise ValueError(f"size must be WxH, both even and {MIN_SIDE} to {MAX_SIDE}")
    return size


class ImageReference(Fields):
    image_url: Annotated[str, Field(max_length=20_971_520)] | None = None
    file_id: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "ImageReference":
        if (self.image_url is None) == (self.file_id is None):
            raise ValueError("provide exactly one of image_url and file_id")
        return self


class VideoReference(Fields):
    id: str


class CreateVideo(Fields):
    prompt: Prompt
    model: Literal["sandbox-1", "sandbox-1-pro"] = "sandbox-1"
    seconds: SecondsText = "4"
    size: Annotated[str, AfterValidator(check_size_text)] = "720x1280"
    input_reference: ImageReference | InstanceOf[Upload] | None = None
    seed: Seed | None = None
    negative_prompt: NegativePrompt | None = None
    fps: Annotated[int, Field(ge=1, le=60)] | None = None


class CreateVideoWithReference(CreateVideo):
    """Adds two fields that other calls of the OpenAI API use for the client's own reference."""

    user: Annotated[str, Field(max_length=512)] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None


class RemixVideo(Fields):
    prompt: Prompt


class EditVideo(Fields):
    prompt: Prompt
    video: VideoReference | InstanceOf[Upload]
    model: Literal["sandbox-1", "sandbox-1-pro"] = (
        "sandbox-1"  # not in OpenAI's API; LiteLLM sends it
    )


class ListVideos(Fields):
    limit: Annotated[int, Field(ge=0, le=100)] = 20
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None


async def spec_for_create(
    sandbox: Sandbox, params: CreateVideo, published_model: str | None = None
) -> RenderSpec:
    width, height = map(int, params.size.split("x"))
    spec = RenderSpec(
        prompt=params.prompt,
        model=published_model or params.model,
        width=width,
        height=height,
        seconds=int(params.seconds),
        fps=params.fps or DEFAULT_FPS,
        seed=params.seed,
        negative_prompt=params.negative_prompt,
    )
    if isinstance(params, CreateVideoWithReference):
        spec = dataclasses.replace(spec, reference=params.model_dump(include={"user", "metadata"}))
    if params.input_reference is None:
        return spec
    try:
        content = await _read_image(params.input_reference)
        return dataclasses.replace(spec, image=inputs.store_image(content, sandbox.folder))
    except UnusableInputError as error:
        raise _invalid(str(error), "input_reference") from error


async def spec_for_published(sandbox: Sandbox, body: Body) -> RenderSpec | None:
    """Read a create call for one of OpenAI's own models, as OpenAI's specification requires.

    None for the other models. A file counts as text, as in the specification.
    """
    name = body.fields.get("model")
    model = PUBLISHED.find(name)
    if model is None:
        return None
    fields = {
        name: value.filename if isinstance(value, Upload) else value
        for name, value in body.fields.items()
    }
    if violation := model.violation(fields):
        raise _invalid(violation.message, violation.field)
    others = {name: value for name, value in body.fields.items() if name != "model"}
    params = check(CreateVideo, Body(others, body.typed))
    return await spec_for_create(sandbox, params, str(name))


def spec_for_remix(sandbox: Sandbox, job: Job, prompt: str, source: Source) -> RenderSpec:
    """Copy the job's settings without its negative prompt and image."""
    return dataclasses.replace(
        job.spec,
        prompt=prompt,
        negative_prompt=None,
        image=None,
        source=source,
        clip=inputs.link_clip(job.output, sandbox.folder),
        clip_id=job.id,
    )


async def spec_for_edit(sandbox: Sandbox, params: EditVideo) -> RenderSpec:
    if isinstance(params.video, Upload):
        return await _spec_for_upload(sandbox, params, params.video)
    try:
        job = sandbox.completed(params.video.id)
    except (UnknownJobError, NotReadyError) as error:
        text = "No such completed video."
        raise ApiError(404, text, code="not_found", param="video") from error
    return spec_for_remix(sandbox, job, params.prompt, "edits")


async def _spec_for_upload(sandbox: Sandbox, params: EditVideo, upload: Upload) -> RenderSpec:
    """Take size and length from the uploaded video, within the sandbox's limits."""
    try:
        clip, info = await inputs.store_clip(upload.content, sandbox.folder)
    except UnusableInputError as error:
        raise _invalid(str(error), "video") from error
    width, height = info.width // 2 * 2, info.height // 2 * 2
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_SIDE:
        raise _invalid(f"Both sides must be {MIN_SIDE} to {MAX_SIDE} pixels.", "video")
    seconds = min(MAX_SECONDS, max(1, round(info.seconds)))
    return RenderSpec(
        params.prompt, params.model, width, height, seconds, source="edits", clip=clip
    )


async def _read_image(reference: ImageReference | Upload) -> bytes:
    if isinstance(reference, Upload):
        return reference.content
    if reference.image_url is None:
        raise UnusableInputError("The sandbox stores no files; send the image or its URL.")
    return await inputs.read_url(reference.image_url)


def _invalid(text: str, param: str) -> ApiError:
    return ApiError(400, text, code="invalid_value", param=param)
