"""One render job and what can be read from it."""

import enum
import time
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.render_spec import Brief

FILE_NAMES = {
    "video": "video.mp4",
    "image": "picture.png",
    "audio": "tone.wav",
    "transcription": "transcript.json",
}


class JobStatus(enum.StrEnum):
    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class Failure:
    code: str
    message: str


class JobFailedError(Exception):
    """A job ends without a video."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass
class Job:
    id: str
    brief: Brief
    folder: Path
    directives: dict[str, int]
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    ended_at: float | None = None
    rendered: float = 0.0
    """The fraction of the frames that ffmpeg has written."""
    failure: Failure | None = None
    served: int = 0
    """How often its file was asked for."""

    @property
    def video(self) -> Path:
        return self.folder / "video.mp4"

    @property
    def media(self) -> Path:
        """The file that is made, of whichever kind."""
        return self.folder / FILE_NAMES[self.brief.kind]

    @property
    def status(self) -> JobStatus:
        if self.failure:
            return JobStatus.FAILED
        if self.ended_at is not None:
            return JobStatus.COMPLETED
        return JobStatus.QUEUED if self.started_at is None else JobStatus.IN_PROGRESS

    @property
    def progress(self) -> int:
        """The percentage of the render, held back by a pretended slowness."""
        if self.status is JobStatus.COMPLETED:
            return 100
        if self.started_at is None:
            return 0
        slowness = self.directives.get("slow", 0)
        elapsed = (time.time() - self.started_at) / slowness if slowness else 1.0
        return min(99, int(100 * min(self.rendered, elapsed)))

    @property
    def is_listed(self) -> bool:
        return time.time() >= self.created_at + self.directives.get("hide", 0)

    def note_progress(self, fraction: float) -> None:
        self.rendered = fraction
