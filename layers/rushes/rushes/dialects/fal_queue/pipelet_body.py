"""What a create call to Pipelet's queue says, in its body and in its headers."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from rushes.dialects.openai_videos.schemas import Seconds, Seed, Whole, check
from rushes.dialects.openai_videos.video_routes import check_length
from rushes.dialects.references import Files, read_file
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Role, Upload

Pixels = Annotated[Whole, Field(ge=1, le=99_999)]


class _Body(BaseModel):
    """A model's own fields go to it if the catalog lets them."""

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    prompt: str = ""
    data_uri: Any = None
    duration: Seconds | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    seed: Seed | None = None
    negative_prompt: str | None = None


def read_body(
    model: str, fields: Mapping[str, Any]
) -> tuple[GenerationRequest, tuple[tuple[Role, Upload], ...]]:
    body = check(_Body, fields)
    uploads, inputs = _read_picture(body.data_uri)
    generation = GenerationRequest(
        model=model,
        prompt=body.prompt,
        seconds=body.duration,
        size=_size(body.width, body.height),
        seed=body.seed,
        negative_prompt=body.negative_prompt,
        inputs=inputs,
        provider_options=body.model_extra or {},
    )
    check_length(generation)
    return generation, uploads


def read_preferences(headers: Mapping[str, str]) -> dict[str, str]:
    output = headers.get("x-pipelet-output", "")
    if output not in ("", "binary"):
        raise InvalidRequest("x-pipelet-output can be binary only", param="x-pipelet-output")
    return {"output": output} if output else {}


def _read_picture(written: Any) -> Files:  # noqa: ANN401 - as sent
    """A data URL or bare base64, which some programs break into lines."""
    if isinstance(written, str) and not written.startswith(("data:", "http://", "https://")):
        written = "data:;base64," + re.sub(r"\s", "", written)
    return ((), ()) if written is None else read_file("data_uri", Role.IMAGE, written)


def _size(width: int | None, height: int | None) -> str | None:
    """Without a width it is the one that the model has for that height."""
    if width and not height:
        raise InvalidRequest("width goes with a height only", param="width")
    return f"{width or ''}x{height}" if height else None
