"""What to render, in the studio's own words; every protocol translates into this."""

from dataclasses import dataclass
from pathlib import Path

from local.studio.ledger import Source

DEFAULT_FPS = 24


@dataclass(frozen=True)
class Brief:
    prompt: str
    model: str
    width: int
    height: int
    seconds: int
    fps: int = DEFAULT_FPS
    seed: int | None = None
    negative_prompt: str | None = None
    source: Source = "create"
    image: Path | None = None
    """A picture the clip starts from: it becomes the background."""
    clip: Path | None = None
    """The video a remix or an edit starts from: it plays in a corner."""
    clip_id: str | None = None
    """The job that made the clip, if one of ours did."""

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def frames(self) -> int:
        return self.seconds * self.fps
