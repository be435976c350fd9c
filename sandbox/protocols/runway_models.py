"""Runway's video models: their request types by route, and the render of a request."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.jobs import Sandbox
from sandbox.protocols.api_error import ApiError
from sandbox.protocols.fields import rendered_size
from sandbox.protocols.json_protocol import with_clip, with_image
from sandbox.published import PublishedModel, Settings, read_vendor
from sandbox.rendering.render_spec import RenderSpec

MODELS = read_vendor("runway")
IMAGES = ("promptImage", "references")
VIDEOS = ("videoUri", "promptVideo")
_PIXELS = re.compile(r"(\d{3,4}):(\d{3,4})")
"""Other ratios are `16:9`, whose size the model decides, or `auto`."""


def find(route: str, model: object) -> PublishedModel | None:
    return MODELS.find(f"{route} {model}")


async def build_spec(
    sandbox: Sandbox, model: PublishedModel, fields: Mapping[str, Any]
) -> RenderSpec:
    """Return the render of a request that has the published type."""
    if violation := model.violation(fields):
        raise ApiError(400, f"Validation of body failed: {violation.field}: {violation.message}")
    width, height = _size(fields, model.defaults)
    duration = fields.get("duration")
    spec = RenderSpec(
        prompt=fields.get("promptText", ""),
        model=fields["model"],
        width=width,
        height=height,
        seconds=duration if isinstance(duration, int) else model.defaults.seconds,
        seed=fields.get("seed"),
        negative_prompt=fields.get("negativePrompt"),
    )
    spec = await with_image(sandbox, spec, _first_uri(fields, IMAGES))
    return await with_clip(sandbox, spec, _first_uri(fields, VIDEOS))


def _size(fields: Mapping[str, Any], defaults: Settings) -> tuple[int, int]:
    given = _PIXELS.fullmatch(str(fields.get("ratio")))
    width, height = map(int, given.groups() if given else defaults.size.split("x"))
    return rendered_size(width, height)


def _first_uri(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    value = next((fields[name] for name in names if fields.get(name)), None)
    if isinstance(value, list):
        value = value[0]
    return value.get("uri") if isinstance(value, dict) else value
