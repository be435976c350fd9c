"""Write jobs of the native API."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from rushes.api.create_job import Estimate
from rushes.api.native.schemas import job as schemas
from rushes.api.native.schemas.shared import moment_or_none
from rushes.api.native.waiting import waiting_of
from rushes.catalog.selection import Candidate
from rushes.dialects.base import JobView
from rushes.jobs.content import ordered_artifacts
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, StoredFile
from rushes.jobs.result import Artifact, JobError, ProviderAttempt
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import JobSummary, summary_of
from rushes.jobs.times import utc_time

HANDLE_IDS = ("id", "request_id", "name", "arn")
"""Members of a provider's handle that are its id of the job; others may be URLs with secrets."""


def serialize_job(view: JobView) -> schemas.Job:
    job = view.job
    is_completed = job.status is JobStatus.COMPLETED
    return schemas.Job(
        id=job.id,
        status=job.status,
        progress=job.progress,
        modality=job.modality,
        model=job.request.model,
        made_by=job.made_by,
        provider=job.provider,
        upstream_model=job.upstream_model,
        provider_job_id=provider_job_id(job.operation),
        fallbacks=[] if job.is_finished else list(job.fallbacks),
        parameters=parameters_of(job.request),
        timeline=_timeline(job),
        attempts=_attempts(job),
        waiting=waiting_of(job),
        cancel=_cancel(job),
        cost=cost_of(summary_of(job)),
        warnings=list(job.warnings),
        artifacts=[_file(file, view.link) for file in ordered_artifacts(job)],
        document=view.document if is_completed else None,
        error=_failure(job.error) if job.status is JobStatus.FAILED else None,
        tags=job.labels.tags,
        metadata=job.labels.metadata,
        user=job.labels.user,
        key_id=job.key_id,
        api=job.dialect,
        remixed_from=job.remixed_from,
        request_id=job.request_id,
    )


def cost_of(summary: JobSummary) -> schemas.Cost:
    return schemas.Cost(
        estimated=summary.estimated, settled=summary.settled, refunded=summary.refunded
    )


def provider_job_id(operation: Mapping[str, Any] | None) -> str | None:
    """Return the provider's id of a job, without the rest of its handle."""
    found = ((operation or {}).get(name) for name in HANDLE_IDS)
    return next((value for value in found if isinstance(value, str) and "://" not in value), None)


def parameters_of(request: GenerationRequest) -> schemas.Parameters:
    return schemas.Parameters(
        prompt=request.prompt,
        seconds=request.seconds,
        size=request.size,
        resolution=request.resolution,
        aspect_ratio=request.aspect_ratio,
        seed=request.seed,
        negative_prompt=request.negative_prompt,
        generate_audio=request.generate_audio,
        inputs=[
            schemas.InputFile(
                role=entry.role.value,
                content_type=entry.file.content_type if entry.file else None,
                size=entry.file.size if entry.file else None,
                frame=entry.frame,
            )
            for entry in request.inputs
        ],
        provider_options=request.provider_options,
        arguments=request.vendor_arguments,
    )


def serialize_estimate(estimate: Estimate, requested: str) -> schemas.PriceEstimate:
    job, first = estimate.job, estimate.candidates[0]
    return schemas.PriceEstimate(
        model=requested or first.model.name,
        resolved_model=job.model,
        provider=job.provider,
        upstream_model=job.upstream_model,
        modality=job.modality,
        estimated=job.cost or 0.0,
        reserved=estimate.dollars,
        price_known=not first.model.price_unknown,
        candidates=[_candidate(candidate) for candidate in estimate.candidates],
        warnings=list(job.warnings),
    )


def _candidate(candidate: Candidate) -> schemas.EstimateCandidate:
    request = candidate.request
    return schemas.EstimateCandidate(
        model=candidate.model.name,
        provider=candidate.model.provider,
        seconds=request.seconds,
        size=request.size,
        resolution=request.resolution,
        aspect_ratio=request.aspect_ratio,
        provider_options=request.provider_options,
        arguments=request.vendor_arguments,
        estimated=candidate.price,
        warnings=list(candidate.warnings),
    )


def _timeline(job: Job) -> schemas.Timeline:
    return schemas.Timeline(
        accepted_at=utc_time(job.created_at),
        submitted_at=moment_or_none(job.submitted_at),
        started_at=moment_or_none(job.started_at),
        expected_at=moment_or_none(job.expected_at),
        generated_at=moment_or_none(job.generated_at),
        stored_at=moment_or_none(job.stored_at),
        finished_at=moment_or_none(job.finished_at),
        cancel_requested_at=moment_or_none(job.cancel_requested_at),
        content_expires_at=moment_or_none(job.expires_at),
    )


def _attempts(job: Job) -> list[schemas.Attempt]:
    """Return the earlier attempts and the current one."""
    earlier = [_earlier(number, attempt) for number, attempt in enumerate(job.attempts, 1)]
    current = schemas.Attempt(
        number=len(earlier) + 1,
        model=job.made_by,
        provider=job.provider,
        provider_job_id=provider_job_id(job.operation),
        started_at=utc_time(job.attempt_at or job.created_at),
        ended_at=moment_or_none(job.finished_at),
        error=_failure(job.error),
        estimated=job.cost,
    )
    return [*earlier, current]


def _earlier(number: int, attempt: ProviderAttempt) -> schemas.Attempt:
    return schemas.Attempt(
        number=number,
        model=attempt.model,
        provider=attempt.provider,
        provider_job_id=provider_job_id(attempt.operation),
        started_at=utc_time(attempt.started_at),
        ended_at=utc_time(attempt.ended_at),
        error=_failure(attempt.error),
        estimated=attempt.cost,
    )


def _failure(error: JobError | None) -> schemas.Failure | None:
    if error is None:
        return None
    return schemas.Failure(
        code=error.code, message=error.message, upstream_code=error.upstream_code
    )


def _cancel(job: Job) -> schemas.Cancel | None:
    if job.cancel_requested_at is None and job.status is not JobStatus.CANCELLED:
        return None
    upstream: Literal["pending", "yes", "no", "unsupported"] = "pending"
    if job.upstream_cancelled:
        upstream = job.upstream_cancelled.value
    return schemas.Cancel(requested_at=moment_or_none(job.cancel_requested_at), upstream=upstream)


def _file(file: Artifact, link: Callable[[StoredFile], str]) -> schemas.JobFile:
    return schemas.JobFile(
        url=link(file),
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
        width=file.width,
        height=file.height,
        duration=file.duration,
    )
