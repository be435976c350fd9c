"""The words that the OpenAI and the Bifrost video APIs have in common for jobs and for errors."""

import json

from rushes.errors import RushesError
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus

JSON = {"content-type": "application/json"}
POLLED = {**JSON, "openai-poll-after-ms": "2000"}
"""Pollers are told when to come back; OpenAI's SDKs keep the first value for the whole wait."""

FIELDS = {"generate_audio": "audio", "webhook_url": "webhook"}
"""What a field of ours is called in these APIs, where the names differ."""


def as_json(body: object) -> str:
    """Compact: an answer may have 6 MB."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def status_of(job: Job) -> str:
    """Neither API has a word for cancelled: it is a failure whose code says so."""
    return "failed" if job.status is JobStatus.CANCELLED else job.status.value


def completed_at(job: Job) -> int | None:
    done = job.status is JobStatus.COMPLETED and job.finished_at
    return int(job.finished_at or 0) if done else None


def error_of(job: Job) -> dict[str, str] | None:
    if job.status is JobStatus.CANCELLED:
        return {"code": "cancelled", "message": "the job was cancelled"}
    if job.status is JobStatus.FAILED and job.error:
        return {"code": job.error.code, "message": job.error.message}
    return None


def error_type(error: RushesError) -> str:
    match error.http_status:
        case 401:
            return "authentication_error"
        case status if status < 500:
            return "invalid_request_error"
    return "server_error"


def error_fields(error: RushesError) -> dict[str, str | None]:
    """The inner error object: in the same place and with the same names in both APIs."""
    return {
        "message": error.message,
        "type": error_type(error),
        "param": FIELDS.get(error.param or "", error.param),
        "code": error.error_code,
    }
