"""Transitions of a job until its provider has accepted it."""

from typing import Any, Self

from rushes.jobs.job_state import JobState
from rushes.jobs.request import Input
from rushes.jobs.result import (
    MAX_MESSAGE_CHARACTERS,
    JobError,
    ProviderAttempt,
    WaitReason,
    cut,
)
from rushes.jobs.status import Stage


class SubmittedJob(JobState):
    """A job with the transitions of submit, and the failover to its next model."""

    def fetched(self, now: float, inputs: tuple[Input, ...]) -> Self:
        """Replace the input URLs by files in the bucket."""
        request = self.request.model_copy(update={"inputs": inputs})
        return self._with(now, request=request, stage=self._begun_stage)

    def submitting(self, now: float, lease_seconds: float) -> Self:
        """Take the lease: no other invocation sends a create call until it ends.

        An expired lease means that the outcome of an earlier create call is unknown.
        """
        return self._with(
            now,
            stage=Stage.SUBMITTING,
            lease_until=now + lease_seconds,
            submission_unconfirmed_since=self.submission_unconfirmed_since
            or (now if self.lease_until else None),
            submissions=self.submissions + 1,
        )

    def postponed(
        self, now: float, error: JobError | None = None, detail: str | None = None
    ) -> Self:
        """Release the lease after a create call that created nothing, with the reason."""
        return self._with(
            now, stage=Stage.WAITING, lease_until=None, waiting=self._waiting(now, error, detail)
        )

    def held(self, now: float, error: JobError, detail: str | None) -> Self:
        """Record why no create call is sent."""
        waiting = self._waiting(now, error, detail)
        return self._with(now, waiting=waiting, stage=self._begun_stage)

    def _waiting(self, now: float, error: JobError | None, detail: str | None) -> WaitReason | None:
        if error is None:
            return self.waiting
        before = self.waiting
        if before is None or before.error.code != error.code:
            return WaitReason(error=error, detail=detail, since=now)
        return before.model_copy(
            update={"error": error, "detail": detail, "tries": before.tries + 1}
        )

    def key_rejected(
        self, now: float, error: JobError, detail: str | None, *, releases_lease: bool
    ) -> Self:
        """Count a rejected API key; `releases_lease` if the create call was rejected."""
        released = {"stage": Stage.WAITING, "lease_until": None} if releases_lease else {}
        return self._with(
            now,
            key_rejections=self.key_rejections + 1,
            waiting=self._waiting(now, error, detail),
            **released,
        )

    def submission_unconfirmed(
        self, now: float, error: JobError | None = None, detail: str | None = None
    ) -> Self:
        """Release the lease after a create call without a response, with the reason."""
        return self._with(
            now,
            stage=Stage.WAITING,
            lease_until=None,
            waiting=self._waiting(now, error, detail),
            submission_unconfirmed_since=self.submission_unconfirmed_since or now,
        )

    def confirmed_absent(self, now: float) -> Self:
        """Record that the provider does not list the unconfirmed create call."""
        return self._with(now, lease_until=None, submission_unconfirmed_since=None)

    def submitted(
        self,
        now: float,
        operation: dict[str, Any],
        warnings: tuple[str, ...],
        *,
        waiting: bool = False,
        queue_position: int | None = None,
    ) -> Self:
        """Record the accepted create call; `waiting` if the provider has not begun the job."""
        return self._with(
            now,
            **({"queue_position": queue_position} if waiting else self._beginning(now)),
            stage=Stage.RUNNING,
            operation=operation,
            submitted_at=now,
            deadline_at=self._renewed_deadline(now) if self.interrupted_at else self.deadline_at,
            interrupted_at=None,
            lease_until=None,
            pause=None,
            waiting=None,
            submission_unconfirmed_since=None,
            warnings=self._warnings_with(*warnings),
        )

    def failed_over(
        self,
        now: float,
        error: JobError,
        *,
        model: str,
        provider: str,
        upstream_model: str,
        cost: float,
    ) -> Self:
        """Move the job to its next model and append the current provider to `attempts`."""
        attempt = ProviderAttempt(
            model=self.made_by,
            provider=self.provider,
            operation=self.operation,
            started_at=self.attempt_at or self.created_at,
            ended_at=now,
            error=error,
            cost=self.cost,
        )
        return self._with(
            now,
            stage=Stage.WAITING,
            attempts=(*self.attempts, attempt),
            attempt_at=now,
            fallbacks=self.fallbacks[1:],
            model=model,
            provider=provider,
            upstream_model=upstream_model,
            cost=cost,
            estimate=cost,
            operation=None,
            submitted_at=None,
            started_at=None,
            queue_position=None,
            expected_at=None,
            generated_at=None,
            outputs=(),
            document=None,
            document_file=None,
            collect_attempts=0,
            collected_outputs=(),
            key_rejections=0,
            progress=0,
            reported_progress=0,
            failing_since=None,
            invalid_since=None,
            lease_until=None,
            waiting=None,
        )

    def with_detail(self, detail: str | None) -> Self:
        """Add the provider's own text to the latest of the earlier attempts, for the operator."""
        *earlier, latest = self.attempts
        kept = detail and cut(detail, MAX_MESSAGE_CHARACTERS)
        attempt = latest.model_copy(update={"detail": kept})
        return self.model_copy(update={"attempts": (*earlier, attempt)})
