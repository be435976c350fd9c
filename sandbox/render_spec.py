"""What to render, in the sandbox's own words; every protocol translates into this."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.request_log import Source

DEFAULT_FPS = 24
Kind = Literal["video", "image", "audio", "transcription"]


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
    kind: Kind = "video"
    """What is made: an MP4, a PNG, a WAV or JSON. A picture has no length, and sound no size."""
    source: Source = "create"
    image: Path | None = None
    """A picture the clip starts from: it becomes the background."""
    sound: Path | None = None
    """The recording that a transcription listens to."""
    clip: Path | None = None
    """The video a remix or an edit starts from: it plays in a corner."""
    clip_id: str | None = None
    """The job that made the clip, if one of ours did."""
    reference: dict[str, object] | None = None
    """What the client gave to know the job by; shown with the job as it came."""

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def frames(self) -> int:
        return self.seconds * self.fps
