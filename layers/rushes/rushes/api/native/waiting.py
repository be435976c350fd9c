"""Why an open job makes no progress, and what can be done, in plain words."""

from collections.abc import Mapping
from typing import NamedTuple

from rushes.api.native.schemas.job import Waiting
from rushes.api.native.schemas.shared import moment_or_none
from rushes.jobs.job import Job
from rushes.jobs.pause import PauseReason
from rushes.jobs.status import Stage
from rushes.jobs.times import utc_time

WAIT_FOR_IT = "Wait: it goes on by itself. Or cancel the job."
ASK_OPERATOR = "Ask the operator of this gateway, or cancel the job."
ACTIONS: Mapping[str, str] = {
    "too_many_jobs": "Wait until another job has ended, cancel one, or ask for a higher limit.",
    "provider_paused": "The operator has paused the provider. Wait, or use another model.",
    "provider_not_configured": "Ask the operator to configure the provider, or use another model.",
    "upstream_account": "Ask the operator to check the account at the provider.",
    "upstream_unauthorized": "Ask the operator to replace the API key of the provider.",
    "upstream_model_unavailable": "Use another model; the provider does not serve this one.",
    "upstream_outcome_unknown": (
        "Wait: the gateway looks the job up at the provider, so that it is not made twice."
    ),
    "internal_error": ASK_OPERATOR,
}
"""By the code of the error because of which no provider has accepted the job."""
PAUSES: Mapping[str, tuple[str, str]] = {
    PauseReason.RESTORED: (
        "restored",
        "the job was restored from a backup; its provider may have made it since",
    ),
    PauseReason.RESTARTS: ("interrupted", "the job was interrupted several times"),
}


class _Reason(NamedTuple):
    code: str
    message: str
    action: str
    since: float


def waiting_of(job: Job) -> Waiting | None:
    """Return why the job waits; None if it runs at its provider, or has ended."""
    reason = None if job.is_finished else _reason(job)
    if reason is None:
        return None
    needs_operator = job.pause is not None and job.pause.needs_operator
    return Waiting(
        code=reason.code,
        message=reason.message,
        action=reason.action,
        since=utc_time(reason.since),
        until=moment_or_none(_until(job)),
        queue_position=job.queue_position,
        needs_operator=needs_operator,
    )


def _until(job: Job) -> float | None:
    if job.pause:
        return job.pause.until
    return job.accept_until if job.operation is None else job.deadline_at


def _reason(job: Job) -> _Reason | None:
    if pause := job.pause:
        code, message = PAUSES.get(pause.reason, ("paused", "the job is paused"))
        action = ASK_OPERATOR if pause.needs_operator else WAIT_FOR_IT
        return _Reason(code, message, action, pause.since)
    if job.has_outcome:
        return None
    return _before_provider(job) if job.operation is None else _at_provider(job)


def _before_provider(job: Job) -> _Reason:
    if wait := job.waiting:
        action = ACTIONS.get(wait.error.code, WAIT_FOR_IT)
        return _Reason(wait.error.code, wait.error.message, action, wait.since)
    if job.submission_unconfirmed_since:
        code, since = "upstream_outcome_unknown", job.submission_unconfirmed_since
        message = f"{job.provider} did not confirm the create call"
        return _Reason(code, message, ACTIONS[code], since)
    message = "the job is about to be sent to its provider"
    return _Reason("starting", message, WAIT_FOR_IT, job.attempt_at or job.created_at)


def _at_provider(job: Job) -> _Reason | None:
    if job.failing_since:
        message = f"{job.provider} does not report the state of the job"
        return _Reason("status_unknown", message, WAIT_FOR_IT, job.failing_since)
    if not job.has_begun:
        message = f"{job.provider} has accepted the job and has not begun it"
        since = job.submitted_at or job.created_at
        return _Reason("queued_at_provider", message, WAIT_FOR_IT, since)
    if job.stage is Stage.STORING and job.collect_attempts > 1:
        message = "the files are not stored yet; it is tried again"
        return _Reason("storing", message, WAIT_FOR_IT, job.generated_at or job.updated_at)
    return None
