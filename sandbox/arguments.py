"""What one sandbox makes in several protocols: the arguments of a film, a picture and a tone.

Each protocol names some of them its own way; here is what becomes of them.
"""

import dataclasses
import re
from typing import Annotated, ClassVar

from pydantic import Field

from sandbox import inputs
from sandbox.jobs import Sandbox
from sandbox.openai_videos.fields import (
    LARGEST_SIDE,
    LONGEST_SECONDS,
    SMALLEST_SIDE,
    Fields,
    Prompt,
)
from sandbox.render_spec import Brief, Kind

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Seconds = Annotated[int, Field(ge=1, le=LONGEST_SECONDS)]
Side = Annotated[int, Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE, multiple_of=2)]
Resolution = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}p$")]
AspectRatio = Annotated[str, Field(pattern=r"^[1-9]\d?:[1-9]\d?$")]
_DATA_URL = "data:image/png;base64,"


class Arguments(Fields):
    """What all of them take."""

    kind: ClassVar[Kind]
    prompt: Prompt
    seed: Seed | None = None

    @property
    def sides(self) -> tuple[int, int]:
        return 0, 0

    @property
    def seconds(self) -> int:
        return 0

    @property
    def unwanted(self) -> str | None:
        """What to avoid."""
        return None

    @property
    def picture(self) -> str | None:
        """A data URL or an address."""
        return None


def sides_of(resolution: str, aspect_ratio: str) -> tuple[int, int]:
    """Width and height; a resolution is the length of the shorter side."""
    short = int(resolution[:-1]) // 2 * 2
    across, down = map(int, aspect_ratio.split(":"))
    long = round(short * max(across, down) / min(across, down) / 2) * 2
    return (long, short) if across >= down else (short, long)


def as_data_url(text: str) -> str:
    return _DATA_URL + re.sub(r"\s", "", text)


async def brief_of(sandbox: Sandbox, model: str, wish: Arguments) -> Brief:
    width, height = wish.sides
    brief = Brief(
        prompt=wish.prompt,
        model=model,
        width=width,
        height=height,
        seconds=wish.seconds,
        seed=wish.seed,
        negative_prompt=wish.unwanted,
        kind=wish.kind,
    )
    if wish.picture is None:
        return brief
    content = await inputs.read_picture_url(wish.picture)
    return dataclasses.replace(brief, image=inputs.keep_picture(content, sandbox.folder))
