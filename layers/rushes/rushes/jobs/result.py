"""What comes of a job: files, a verdict, an error, and what was tried before."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from rushes.jobs.request import StoredFile
from rushes.jobs.status import JobStatus


class JobError(BaseModel):
    """Why a job failed. `upstream_code` is the provider's own word for it."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    upstream_code: str | None = None


class JobOutcome(BaseModel):
    """How the job will end, decided by a step of the workflow and carried out by its last one."""

    model_config = ConfigDict(frozen=True)

    status: JobStatus
    error: JobError | None = None


class Output(BaseModel):
    """A file at the provider, at an address or inside a JSON reply."""

    model_config = ConfigDict(frozen=True)

    url: str
    """Absolute, or relative to the provider's base URL where it begins with a slash."""
    needs_key: bool = False
    """Whether its download wants the provider's key."""
    content_type: str | None = None
    pointer: str | None = None
    """Where in the JSON reply at `url` the file stands in base64 (RFC 6901)."""
    json_body: dict[str, Any] | None = None
    """What to POST to `url` for that reply; without it, it is a GET."""


class Artifact(StoredFile):
    """Our copy of an output."""

    sha256: str
    """Of the bytes as stored, in hexadecimal."""


class Attempt(BaseModel):
    """A provider that was tried before the present one, and why it was left."""

    model_config = ConfigDict(frozen=True)

    model: str
    provider: str
    operation: dict[str, Any] | None
    started_at: float
    ended_at: float
    error: JobError
    cost: float | None = None
    """What the present one's estimate was; whether it was billed, the provider knows."""
