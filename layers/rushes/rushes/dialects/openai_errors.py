"""OpenAI's error objects, which Bifrost, Together and Tiyaro share."""

from collections.abc import Mapping

from rushes.dialects.validation import with_field_name
from rushes.errors import RushesError
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus


def job_error(job: Job) -> dict[str, str] | None:
    """Return the error of a failed job. Cancelled is a code, because OpenAI lacks the status."""
    if job.status is JobStatus.CANCELLED:
        return {"code": "cancelled", "message": "the job was cancelled"}
    if job.status is JobStatus.FAILED and job.error:
        return {"code": job.error.code, "message": job.error.message}
    return None


def error_type(error: RushesError) -> str:
    if error.http_status == 401:
        return "authentication_error"
    return "invalid_request_error" if error.http_status < 500 else "server_error"


def error_object(error: RushesError, field_names: Mapping[str, str]) -> dict[str, str | None]:
    """Build OpenAI's error object; `field_names` translates `param` to the dialect's field."""
    name = error.param or ""
    param = field_names.get(name, error.param)
    message = with_field_name(error.message, name, param or "")
    if message.endswith(f" does not accept {name}"):
        message = f"{message.removesuffix(name)}{param}"
    return {
        "message": message,
        "type": error_type(error),
        "param": param,
        "code": error.error_code,
    }
