"""One render job: its state, output file and progress."""

import enum
import time
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.rendering.render_spec import RenderSpec

FILE_NAMES = {
    "video": "video.mp4",
    "image": "image.png",
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
    """The job ends without an output."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass
class Job:
    id: str
    spec: RenderSpec
    folder: Path
    directives: dict[str, int]
    planned_failure: Failure | None = None
    """Failure of a request that the vendor accepts and cannot generate."""
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    ended_at: float | None = None
    rendered: float = 0.0
    """Fraction of the frames that ffmpeg has written."""
    failure: Failure | None = None
    downloads: int = 0
    """Number of requests for the output file."""

    @property
    def output(self) -> Path:
        return self.folder / FILE_NAMES[self.spec.modality]

    @property
    def status(self) -> JobStatus:
        if self.failure:
            return JobStatus.FAILED
        if self.ended_at is not None:
            return JobStatus.COMPLETED
        return JobStatus.QUEUED if self.started_at is None else JobStatus.IN_PROGRESS

    @property
    def progress(self) -> int:
        """Percentage rendered, limited by the elapsed fraction of `[slow=N]`."""
        if self.status is JobStatus.COMPLETED:
            return 100
        if self.started_at is None:
            return 0
        delay = self.directives.get("slow", 0)
        elapsed = (time.time() - self.started_at) / delay if delay else 1.0
        return min(99, int(100 * min(self.rendered, elapsed)))

    @property
    def is_listed(self) -> bool:
        return time.time() >= self.created_at + self.directives.get("hide", 0)

    def set_progress(self, fraction: float) -> None:
        self.rendered = fraction
