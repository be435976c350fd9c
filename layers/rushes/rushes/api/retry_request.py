"""The create request of a job that failed or was cancelled, to be sent again."""

from rushes.errors import NotRetryable
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus

RETRYABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})


def request_again(job: Job) -> CreateRequest:
    """Return the request as the client made it: the models choose length and size anew.

    Raises
    ------
    NotRetryable
        If the job is not finished, or is completed.
    """
    if job.status not in RETRYABLE:
        raise NotRetryable(
            f"job {job.id} is {job.status.value}; only a failed or cancelled job can be retried"
        )
    request = job.original_request
    if job.remixed_from is not None:
        request = GenerationRequest(model="", prompt=request.prompt, fallbacks=request.fallbacks)
    return CreateRequest(
        request,
        source_id=job.remixed_from,
        preferences=job.preferences,
        webhook=job.webhook,
        labels=job.labels,
    )
