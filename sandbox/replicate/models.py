"""The sandbox's models as this API offers them, and what each accepts as its input."""

from typing import ClassVar

from typing_extensions import override

from sandbox.arguments import Arguments, AspectRatio, Resolution, Seconds, Side, sides_of
from sandbox.render_spec import Kind


class Film(Arguments):
    kind: ClassVar[Kind] = "video"
    duration: Seconds = 5
    resolution: Resolution = "720p"
    aspect_ratio: AspectRatio = "16:9"
    negative_prompt: str | None = None
    image: str | None = None

    @property
    @override
    def sides(self) -> tuple[int, int]:
        return sides_of(self.resolution, self.aspect_ratio)

    @property
    @override
    def seconds(self) -> int:
        return self.duration

    @property
    @override
    def unwanted(self) -> str | None:
        return self.negative_prompt

    @property
    @override
    def picture(self) -> str | None:
        return self.image


class Picture(Arguments):
    kind: ClassVar[Kind] = "image"
    width: Side = 1024
    height: Side = 1024
    image: str | None = None

    @property
    @override
    def sides(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    @override
    def picture(self) -> str | None:
        return self.image


class Tone(Arguments):
    kind: ClassVar[Kind] = "audio"
    duration: Seconds = 5

    @property
    @override
    def seconds(self) -> int:
        return self.duration


MODELS: dict[str, type[Arguments]] = {
    "sandbox/film": Film,
    "sandbox/picture": Picture,
    "sandbox/tone": Tone,
}
OFFICIAL = frozenset({"sandbox/film", "sandbox/picture"})
"""Those that can be asked for by name; the others by a version only."""
VERSIONS = {f"{number:064x}": name for number, name in enumerate(MODELS, start=1)}
