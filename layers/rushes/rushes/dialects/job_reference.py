"""Parse job ids; Bifrost appends the provider, as in `job_1:openai`."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from rushes.errors import InvalidRequest, NotFound

JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class JobReference:
    job_id: str
    provider: str | None
    """The provider that the client appended after a colon."""


def read_reference(raw: str) -> JobReference:
    """Parse `id` or `id:provider`, either percent-encoded or not.

    A provider may be repeated: Bifrost's clients append it to an id that has it already.
    """
    job_id, colon, provider = unquote(raw).partition(":")
    if not JOB_ID.fullmatch(job_id):
        raise NotFound(f"job {raw[:80]} not found", param="video_id")
    first, *others = provider.split(":")
    if set(others) == {first}:
        provider = first
    if colon and not provider:
        raise InvalidRequest(
            f"video_id must be id or id:provider (got {raw[:80]!a})", param="video_id"
        )
    return JobReference(job_id, provider or None)
