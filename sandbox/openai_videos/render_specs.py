"""From the fields of a call to a brief for the sandbox."""

import dataclasses

from sandbox import inputs
from sandbox.errors import NotReadyError, UnknownJobError, UnusableInputError
from sandbox.forms import Upload
from sandbox.job import Job
from sandbox.jobs import Sandbox
from sandbox.openai_videos.errors import ApiError
from sandbox.openai_videos.fields import (
    LARGEST_SIDE,
    LONGEST_SECONDS,
    SMALLEST_SIDE,
    CreateNamedVideo,
    CreateVideo,
    EditVideo,
    ImageReference,
)
from sandbox.render_spec import DEFAULT_FPS, Brief
from sandbox.request_log import Source


async def brief_of_create(sandbox: Sandbox, wish: CreateVideo) -> Brief:
    width, height = map(int, wish.size.split("x"))
    brief = Brief(
        prompt=wish.prompt,
        model=wish.model,
        width=width,
        height=height,
        seconds=int(wish.seconds),
        fps=wish.fps or DEFAULT_FPS,
        seed=wish.seed,
        negative_prompt=wish.negative_prompt,
    )
    if isinstance(wish, CreateNamedVideo):
        brief = dataclasses.replace(brief, reference=wish.model_dump(include={"user", "metadata"}))
    if wish.input_reference is None:
        return brief
    try:
        content = await _read_picture(wish.input_reference)
        return dataclasses.replace(brief, image=inputs.keep_picture(content, sandbox.folder))
    except UnusableInputError as problem:
        raise _unusable(str(problem), "input_reference") from problem


def brief_of_remix(sandbox: Sandbox, source: Job, prompt: str, kind: Source) -> Brief:
    """The same settings with another prompt; negative prompt and picture stay behind."""
    return dataclasses.replace(
        source.brief,
        prompt=prompt,
        negative_prompt=None,
        image=None,
        source=kind,
        clip=inputs.share_clip(source.video, sandbox.folder),
        clip_id=source.id,
    )


async def brief_of_edit(sandbox: Sandbox, wish: EditVideo) -> Brief:
    if isinstance(wish.video, Upload):
        return await _brief_of_upload(sandbox, wish, wish.video)
    try:
        source = sandbox.completed(wish.video.id)
    except (UnknownJobError, NotReadyError) as problem:
        raise ApiError(
            404, "No such completed video.", code="not_found", param="video"
        ) from problem
    return brief_of_remix(sandbox, source, wish.prompt, "edits")


async def _brief_of_upload(sandbox: Sandbox, wish: EditVideo, upload: Upload) -> Brief:
    """Size and length are those of the file, as far as the sandbox can render them."""
    try:
        clip, facts = await inputs.keep_clip(upload.content, sandbox.folder)
    except UnusableInputError as problem:
        raise _unusable(str(problem), "video") from problem
    width, height = facts.width // 2 * 2, facts.height // 2 * 2
    if min(width, height) < SMALLEST_SIDE or max(width, height) > LARGEST_SIDE:
        text = f"Both sides must be {SMALLEST_SIDE} to {LARGEST_SIDE} pixels."
        raise _unusable(text, "video")
    seconds = min(LONGEST_SECONDS, max(1, round(facts.seconds)))
    return Brief(wish.prompt, wish.model, width, height, seconds, source="edits", clip=clip)


async def _read_picture(reference: ImageReference | Upload) -> bytes:
    if isinstance(reference, Upload):
        return reference.content
    if reference.image_url is None:
        raise UnusableInputError("The sandbox keeps no files; send the picture or its URL.")
    return await inputs.read_picture_url(reference.image_url)


def _unusable(text: str, param: str) -> ApiError:
    return ApiError(400, text, code="invalid_value", param=param)
