"""Results of a job: outputs, artifacts, outcome, error, and earlier provider attempts."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from rushes.jobs.request import StoredFile
from rushes.jobs.status import JobStatus


class JobError(BaseModel):
    """Why a job failed. `upstream_code` is the provider's error code."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    upstream_code: str | None = None


class JobOutcome(BaseModel):
    """The terminal state that a task decided and finish will write."""

    model_config = ConfigDict(frozen=True)

    status: JobStatus
    error: JobError | None = None


class Output(BaseModel):
    """A file at the provider: at a URL or inside a JSON reply."""

    model_config = ConfigDict(frozen=True)

    url: str
    """Absolute, or relative to the provider's base URL if it begins with a slash."""
    needs_key: bool = False
    """Whether the download requires the provider's API key."""
    content_type: str | None = None
    pointer: str | None = None
    """JSON pointer (RFC 6901) to the base64 content in the reply of `url`."""
    json_body: dict[str, Any] | None = None
    """Body of a POST to `url`; without it, the request is a GET."""


class Artifact(StoredFile):
    """An output stored in the bucket."""

    sha256: str
    """Of the stored bytes, in hexadecimal."""


class ProviderAttempt(BaseModel):
    """An earlier provider of the job, and the error that caused the failover."""

    model_config = ConfigDict(frozen=True)

    model: str
    provider: str
    operation: dict[str, Any] | None
    started_at: float
    ended_at: float
    error: JobError
    cost: float | None = None
    """Estimate in US dollars; the provider may not have billed it."""
