"""From the fields of a create call to a brief for the sandbox."""

import dataclasses

from sandbox import inputs
from sandbox.errors import UnusableInputError
from sandbox.jobs import Sandbox
from sandbox.openai_videos.errors import ApiError
from sandbox.render_spec import Brief
from sandbox.together.fields import CreateVideo, VideoRef


async def brief_of(sandbox: Sandbox, wish: CreateVideo) -> Brief:
    width, height = wish.size
    brief = Brief(
        prompt=wish.prompt,
        model=wish.model,
        width=width,
        height=height,
        seconds=int(wish.seconds),
        fps=wish.fps,
        seed=wish.seed,
        negative_prompt=wish.negative_prompt,
    )
    try:
        return await _with_files(sandbox, wish, brief)
    except UnusableInputError as problem:
        raise ApiError(400, str(problem), code="invalid_value", param="media") from problem


async def _with_files(sandbox: Sandbox, wish: CreateVideo, brief: Brief) -> Brief:
    """A first frame, or else a reference, is the background; a source film plays in a corner."""
    media = wish.media
    pictures = [it.input_image for it in media.frame_images] + media.reference_images
    if pictures:
        image = inputs.keep_picture(await inputs.read_picture_url(pictures[0]), sandbox.folder)
        brief = dataclasses.replace(brief, image=image)
    source = media.source_video
    if source is not None:
        url = source.video if isinstance(source, VideoRef) else source
        content = await inputs.read_picture_url(url)
        clip, _ = await inputs.keep_clip(content, sandbox.folder)
        brief = dataclasses.replace(brief, clip=clip, source="edits")
    return brief
