"""Protocol-independent description of one render; every protocol translates into it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.request_log import Source

DEFAULT_FPS = 24
Modality = Literal["video", "image", "audio", "transcription"]


@dataclass(frozen=True)
class RenderSpec:
    prompt: str
    model: str
    width: int
    height: int
    seconds: int
    fps: int = DEFAULT_FPS
    seed: int | None = None
    negative_prompt: str | None = None
    modality: Modality = "video"
    """Output type: MP4, PNG, WAV or JSON. An image has no length; audio has no size."""
    source: Source = "create"
    image: Path | None = None
    """Input image: the background of the video."""
    audio: Path | None = None
    """Recording to transcribe."""
    clip: Path | None = None
    """Source video of a remix or edit: it plays in a corner."""
    clip_id: str | None = None
    """Id of the sandbox job that rendered the clip, if any."""
    reference: dict[str, object] | None = None
    """The client's own name for the job; returned unchanged with the job."""

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}"

    @property
    def frames(self) -> int:
        return self.seconds * self.fps
