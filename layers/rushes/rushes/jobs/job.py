"""The job and its state transitions.

Pure: no clock, no storage. Each transition returns a new job; the condition of every write is
derived from the table `PREDECESSORS`.
"""

from typing import Any, Self

from rushes.errors import UpstreamNoResponse
from rushes.jobs.job_restarts import RestartableJob
from rushes.jobs.job_state import folder_of
from rushes.jobs.request import StoredFile
from rushes.jobs.result import Artifact, CollectedOutput, JobError, JobOutcome, Output
from rushes.jobs.status import PREDECESSORS, JobStatus, Stage, UpstreamCancelled


class Job(RestartableJob):
    """A request to generate media, its state and its results."""

    def progressed(
        self,
        now: float,
        progress: int,
        *,
        waiting: bool = False,
        queue_position: int | None = None,
        expected_at: float | None = None,
    ) -> Self:
        """Raise the progress; a lower value from the provider is ignored.

        A job that is not `waiting` has begun, and a job that has begun does not wait again.
        """
        waits = waiting and not self.has_begun
        return self._with(
            now,
            **({"queue_position": queue_position} if waits else self._beginning(now)),
            progress=max(self.progress, min(progress, 99)),
            expected_at=expected_at,
            failing_since=None,
            invalid_since=None,
        )

    def failing(self, now: float, warning: str | None = None, *, is_invalid: bool = False) -> Self:
        """Record a failed poll; `is_invalid` unless it says nothing about the job."""
        return self._with(
            now,
            warnings=self._warnings_with(*([warning] if warning else [])),
            failing_since=self.failing_since or now,
            invalid_since=self.invalid_since or (now if is_invalid else None),
        )

    def status_unknown(self, now: float, warning: str) -> Self:
        """Record a reply about the job that is not understood: the provider has not lost it."""
        return self._with(
            now,
            warnings=self._warnings_with(warning),
            failing_since=None,
            invalid_since=None,
        )

    def warned(self, now: float, warning: str) -> Self:
        return self._with(now, warnings=self._warnings_with(warning))

    def with_warnings(self, *warnings: str) -> Self:
        """Add warnings to be written with the same transition."""
        return self.model_copy(update={"warnings": self._warnings_with(*warnings)})

    def generated(
        self,
        now: float,
        outputs: tuple[Output, ...],
        cost: float | None,
        document: dict[str, Any] | StoredFile | None = None,
        warnings: tuple[str, ...] = (),
    ) -> Self:
        """Record the provider's result; the outputs are not stored yet."""
        return self._with(
            now,
            **self._beginning(now),
            expected_at=None,
            document=document if isinstance(document, dict) else None,
            document_file=document if isinstance(document, StoredFile) else None,
            stage=Stage.STORING,
            generated_at=self.generated_at or now,
            outputs=outputs,
            failing_since=None,
            invalid_since=None,
            cost=self.cost if cost is None else cost,
            warnings=self._warnings_with(*warnings, *self._excess(cost)),
        )

    def _excess(self, reported: float | None) -> tuple[str, ...]:
        """Return a warning if the reported cost is higher than the reservation."""
        if reported is None or self.reservation is None or self.reservation.covers(reported):
            return ()
        reserved = self.reservation.dollars
        return (f"the provider reported a cost of ${reported:.2f}; ${reserved:.2f} were reserved",)

    def collecting(self, now: float) -> Self:
        return self._with(now, collect_attempts=self.collect_attempts + 1)

    def collected(self, now: float, outputs: tuple[CollectedOutput, ...]) -> Self:
        """Record the outputs stored so far; the next one has all its tries."""
        return self._with(now, collected_outputs=outputs, collect_attempts=0)

    def stored(self, now: float, artifacts: tuple[Artifact, ...]) -> Self:
        outcome = JobOutcome(status=JobStatus.COMPLETED)
        return self._with(
            now, artifacts=artifacts, collected_outputs=(), outcome=outcome, stored_at=now
        )

    def will_fail(
        self,
        now: float,
        error: JobError,
        *,
        releases_lease: bool = False,
        track_until: float | None = None,
        detail: str | None = None,
    ) -> Self:
        """Decide that the job fails; finish writes the terminal status.

        `releases_lease` if the create call of the lease has certainly created nothing.
        `track_until` makes the job a dead letter, unless it is deleted.
        """
        return self._with(
            now,
            outcome=JobOutcome(status=JobStatus.FAILED, error=error, detail=detail),
            lease_until=None if releases_lease else self.lease_until,
            track_until=None if self.deleted_at else track_until,
        )

    def given_up(self, now: float) -> Self:
        """Fail a paused job by an operator's word; its provider may have made it."""
        unknown = self.is_submission_unconfirmed or self.operation is not None
        error = JobError(
            code=UpstreamNoResponse.code if unknown else "internal_error",
            message="the operator ended the job; its provider may have made it"
            if unknown
            else "the operator ended the job",
        )
        return self.will_fail(now, error).model_copy(update={"pause": None, "restarts": 0})

    def cancelled_by_client(
        self, now: float, upstream: UpstreamCancelled, *, is_unbilled: bool = False
    ) -> Self:
        """Decide that the job is cancelled; a result of a provider that continues is archived."""
        continues = upstream is not UpstreamCancelled.YES and not self.deleted_at
        return self._with(
            now,
            outcome=JobOutcome(status=JobStatus.CANCELLED),
            upstream_cancelled=upstream,
            is_unbilled_cancel=is_unbilled,
            track_until=max(self.deadline_at, now) if continues else None,
        )

    def cancelled_by_provider(self, now: float) -> Self:
        """Decide that the job is cancelled, as its provider says without a request of the client.

        It is unbilled if the provider has never said that it has begun.
        """
        return self._with(
            now,
            outcome=JobOutcome(status=JobStatus.CANCELLED),
            upstream_cancelled=UpstreamCancelled.YES,
            is_unbilled_cancel=not self.has_begun,
        )

    def archived(
        self, now: float, artifacts: tuple[Artifact, ...], cost: float | None = None
    ) -> Self:
        """Record the files of a tracked result, and its cost."""
        return self._with(
            now,
            archived_artifacts=artifacts,
            collected_outputs=(),
            track_until=None,
            cost=self.cost if cost is None else cost,
            warnings=self._warnings_with(*self._excess(cost)),
        )

    def tracking_ended(self, now: float, *, stopped: bool, is_unbilled: bool = False) -> Self:
        """End the polling of a finished job; `stopped` if the provider will have no result.

        Outputs that are archived so far are kept.
        """
        folder = folder_of(self, "archive")
        archived = tuple(
            file.artifact() for file in self.collected_outputs if file.key.startswith(folder)
        )
        is_stopped = stopped and not archived and self.status is JobStatus.CANCELLED
        return self._with(
            now,
            track_until=None,
            upstream_cancelled=UpstreamCancelled.YES if is_stopped else self.upstream_cancelled,
            is_unbilled_cancel=is_stopped and is_unbilled,
            archived_artifacts=archived or self.archived_artifacts,
            collected_outputs=(),
        )

    def finished(
        self, now: float, outcome: JobOutcome, execution: str, retention_seconds: float
    ) -> Self:
        """Write the terminal state; a lease that is still held is an unconfirmed create call."""
        completed = outcome.status is JobStatus.COMPLETED
        return self._with(
            now,
            status=outcome.status,
            stage=Stage.FINISHED,
            error=outcome.error,
            outcome=outcome,
            progress=100 if completed else self.progress,
            finished_at=now,
            finished_by=execution,
            expires_at=now + retention_seconds if completed else None,
            queue_position=None,
            expected_at=None,
            lease_until=None,
            pause=None,
            submission_unconfirmed_since=self.submission_unconfirmed_since
            or (now if self.lease_until and not self.operation else None),
            artifacts=() if self.deleted_at else self.artifacts,
            collected_outputs=(),
        )

    def deleted(self, now: float) -> Self:
        """Hide the job from its account; the item remains as a tombstone until it expires."""
        return self._with(now, deleted_at=now, track_until=None)

    def purged(self, now: float) -> Self:
        return self._with(now, purged_at=now)

    def with_event(self, event: dict[str, Any]) -> Self:
        """Add an event to the outbox, to be written with the same transition."""
        return self.model_copy(update={"outbox": (*self.outbox, event)})

    def published(self, now: float, events: tuple[dict[str, Any], ...]) -> Self:
        """Remove published events from the outbox."""
        return self._with(now, outbox=tuple(entry for entry in self.outbox if entry not in events))


def allowed_before(before: Job, after: Job) -> frozenset[JobStatus]:
    """Return the stored statuses over which `after` may be written."""
    if after.status is before.status:
        return frozenset({after.status})
    return PREDECESSORS[after.status]
