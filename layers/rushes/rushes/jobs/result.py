"""Results of a job: outputs, artifacts, outcome, error, and earlier provider attempts."""

import math
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import to_json

from rushes.jobs.request import StoredFile
from rushes.jobs.status import JobStatus
from rushes.jobs.stored import StoredModel, or_unknown

STOPPED = frozenset({"upstream_failed", "upstream_queued_too_long"})
"""Error codes after which nothing runs at the provider, even if it had accepted the job."""
NEVER_STARTED = STOPPED | {
    "provider_not_configured",
    "provider_paused",
    "upstream_account",
    "upstream_busy",
    "upstream_model_unavailable",
    "upstream_refused",
    "upstream_unauthorized",
    "upstream_unavailable",
    "upstream_unreachable",
}
"""Error codes of a create call after which the provider has not accepted the job."""
FILTERED = "content_filtered"
"""At create the provider has accepted nothing, but some providers bill it."""
NOT_BILLED = STOPPED | {FILTERED}
"""Error codes of a job that its provider had accepted and then generated nothing for."""
NOT_CREATED = NEVER_STARTED | {FILTERED, "invalid_input_reference"}
"""Error codes of a create call that was refused, or not sent."""


MAX_MESSAGE_CHARACTERS = 500
MAX_CODE_CHARACTERS = 80
"""A longer message or code is cut: an item is limited to 400 KB."""
MAX_CHARACTER_BYTES = 2
"""Average of a text, as JSON: a character takes up to 6 bytes."""


def cut(text: str, characters: int) -> str:
    """Return the beginning of a text, within `MAX_CHARACTER_BYTES` per allowed character."""
    text = text[:characters]
    while (excess := len(to_json(text)) - 2 - characters * MAX_CHARACTER_BYTES) > 0:
        text = text[: -math.ceil(excess / 6)]
    return text


def _first(characters: int) -> AfterValidator:
    return AfterValidator(lambda text: cut(text, characters))


Code = Annotated[str, _first(MAX_CODE_CHARACTERS)]


class JobError(StoredModel):
    """Why a job failed. `upstream_code` is the provider's error code."""

    code: Code
    message: Annotated[str, _first(MAX_MESSAGE_CHARACTERS)]
    upstream_code: Code | None = None


Detail = Annotated[str, _first(MAX_MESSAGE_CHARACTERS)]
"""The provider's own text, or the cause: for the operator, in no response and in no event."""


class WaitReason(StoredModel):
    """Why the current provider has not accepted the job yet."""

    error: JobError
    detail: Detail | None = None
    since: float
    """Time of the first of an unbroken series of errors with that code."""
    tries: int = 1


class JobOutcome(StoredModel):
    """The terminal state that a task decided and finish will write."""

    status: Annotated[JobStatus, or_unknown(JobStatus)]
    error: JobError | None = None
    detail: Detail | None = None


class Output(StoredModel):
    """A file at the provider: at a URL or inside a JSON reply."""

    url: str
    """Absolute, or relative to the provider's base URL if it begins with a slash."""
    relative_to: str | None = None
    """Path of the reply, relative to the base URL, if `url` is a reference in it (RFC 3986)."""
    needs_key: bool = False
    """Whether the download requires the provider's API key."""
    content_type: str | None = None
    pointer: str | None = None
    """JSON pointer (RFC 6901) to the base64 content in the reply of `url`."""
    json_body: dict[str, Any] | None = None
    """Body of a POST to `url`; without it, the request is a GET."""
    fallback: "Output | None" = None
    """Another place of the same file, if this one cannot be read."""


class Artifact(StoredFile):
    """An output stored in the bucket."""

    sha256: str
    """Of the stored bytes, in hexadecimal."""
    width: int | None = None
    height: int | None = None
    """Pixels, as displayed; None if the file's headers do not say it."""
    duration: float | None = None
    """Seconds."""


class CollectedOutput(Artifact):
    """An artifact of a job whose outputs are not all stored yet.

    Rows of releases without these fields are in the order of the outputs.
    """

    position: int | None = None
    """Among the outputs of the poll that returned it, from 0."""
    fingerprint: str | None = None
    """Identifies the output at later polls, in spite of another signature in its URL."""

    def artifact(self) -> Artifact:
        return Artifact(**self.model_dump(exclude={"position", "fingerprint"}))


class ProviderAttempt(StoredModel):
    """An earlier provider of the job, and the error that caused the failover."""

    model: str
    provider: str
    operation: dict[str, Any] | None
    started_at: float
    ended_at: float
    error: JobError
    detail: Detail | None = None
    cost: float | None = None
    """Estimate in US dollars; the provider may not have billed it."""
