"""The job and its state transitions.

Pure: no clock, no storage. Each transition returns a new job; the condition of every write is
derived from the table `PREDECESSORS`.
"""

from typing import Any, Literal, Self, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rushes.jobs.request import GenerationRequest, Input, StoredFile, WebhookTarget
from rushes.jobs.result import Artifact, JobError, JobOutcome, Output, ProviderAttempt
from rushes.jobs.status import PREDECESSORS, TERMINAL, JobStatus, Stage, UpstreamCancelled

STALE_AFTER = 60.0
"""Seconds without a write after which the sweeper checks an open job."""
MAX_WARNINGS = 20
"""The latest are stored: an item is limited to 400 KB."""
LATE_WRITE_GRACE = 960.0
"""Longer than any function timeout: later, no function can store a file of a deleted job."""

Folder = Literal["outputs", "inputs", "archive"]


def formerly(name: str, old_name: str, *, default: Any) -> Any:  # noqa: ANN401 - like Field
    """Declare a field that version 0.1.0 stored as `old_name`; `name` takes precedence."""
    return Field(default=default, validation_alias=AliasChoices(name, old_name))


class Job(BaseModel):
    """A request to generate media, its state and its results. Times are seconds since 1970.

    Unknown fields are preserved, so that a rollback loses no data of a newer version.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    id: str
    account: str
    dialect: str
    """The client API that created the job."""
    provider: str
    upstream_model: str
    model: str = ""
    """Catalog name of the current model; `request.model` is the requested one."""
    fallbacks: tuple[str, ...] = formerly("fallbacks", "candidates", default=())
    """Catalog names of the models to fail over to, in order."""
    attempts: tuple[ProviderAttempt, ...] = ()
    """Earlier providers."""
    attempt_at: float | None = None
    """Time of the last failover."""
    request: GenerationRequest
    modality: str = formerly("modality", "kind", default="video")
    """video, image, audio or transcription."""
    preferences: dict[str, str] = Field(default_factory=dict)
    """Response options, interpreted by the dialect only."""
    status: JobStatus = JobStatus.QUEUED
    stage: Stage = Stage.ACCEPTED
    progress: int = 0
    """Percent, approximate."""
    created_at: float
    updated_at: float
    deadline_at: float
    """Time at which an unfinished job fails."""
    submitted_at: float | None = None
    generated_at: float | None = None
    """Time of the first poll that returned the result."""
    finished_at: float | None = None
    finished_by: str | None = None
    """The execution that finished the job, so that a retried finish recognizes its own write."""
    expires_at: float | None = None
    """End of the artifacts' retention period."""
    cancel_requested_at: float | None = None
    upstream_cancelled: UpstreamCancelled | None = None
    track_until: float | None = formerly("track_until", "late_until", default=None)
    """If the provider continues after a cancel: how long its result is polled, to be archived."""
    archived_artifacts: tuple[Artifact, ...] = formerly(
        "archived_artifacts", "late_artifacts", default=()
    )
    """Files generated in spite of the cancel."""
    deleted_at: float | None = None
    purged_at: float | None = None
    """Time of the final deletion of a deleted job's files."""
    lease_until: float | None = None
    """End of the lease of a create call that may be in flight."""
    submissions: int = 0
    """Number of create calls begun."""
    submission_unconfirmed_since: float | None = formerly(
        "submission_unconfirmed_since", "unsure_since", default=None
    )
    """Start of the period in which the outcome of a create call is unknown."""
    operation: dict[str, Any] | None = None
    """Handle of the running generation, opaque outside the provider adapter."""
    failing_since: float | None = formerly("failing_since", "troubled_since", default=None)
    """Time of the first of an unbroken series of invalid responses."""
    outputs: tuple[Output, ...] = ()
    document: dict[str, Any] | None = None
    """A JSON result, such as a transcript."""
    document_file: StoredFile | None = None
    """The JSON result, if it is too large for the item."""
    artifacts: tuple[Artifact, ...] = ()
    collect_attempts: int = formerly("collect_attempts", "collections", default=0)
    """Number of tries to store the outputs."""
    outcome: JobOutcome | None = formerly("outcome", "verdict", default=None)
    error: JobError | None = None
    warnings: tuple[str, ...] = ()
    webhook: WebhookTarget | None = None
    outbox: tuple[dict[str, Any], ...] = ()
    """Events to publish, in their final form (transactional outbox)."""
    remixed_from: str | None = None
    cost: float | None = None
    """In US dollars: the catalog's estimate, or the cost that the provider reported."""
    executions: int = 1
    """Number of state machine executions started."""
    version: int = 0
    """Counts the writes; every write names the version it was decided on."""

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL

    @property
    def providers(self) -> frozenset[str]:
        """Current and earlier providers; ids issued to clients may name any of them."""
        return frozenset((self.provider, *(attempt.provider for attempt in self.attempts)))

    @property
    def has_outcome(self) -> bool:
        """Whether the terminal state is decided."""
        return self.is_finished or self.outcome is not None

    @property
    def is_cancelled(self) -> bool:
        """Whether the outcome is a cancel."""
        return self.outcome is not None and self.outcome.status is JobStatus.CANCELLED

    @property
    def is_tracked(self) -> bool:
        """Whether the provider may still run this cancelled job."""
        return self.is_finished and self.track_until is not None

    @property
    def needs_execution(self) -> bool:
        return not self.is_finished or self.is_tracked

    @property
    def is_submission_unconfirmed(self) -> bool:
        """Whether a create call was begun and its outcome is unknown."""
        return self.submission_unconfirmed_since is not None or self.lease_until is not None

    @property
    def folders(self) -> tuple[str, ...]:
        """Key prefixes of the job's files in the bucket, each with a final slash."""
        return tuple(folder_of(self, kind) for kind in get_args(Folder))

    @property
    def create_key(self) -> str:
        """Idempotency key of the create call at the current provider."""
        return f"{self.id}-{len(self.attempts) + 1}"

    @property
    def needs_immediate_check(self) -> bool:
        """Whether only the sweeper can advance the job."""
        return bool(self.outbox) or self.stage is Stage.ACCEPTED

    @property
    def next_check_at(self) -> float | None:
        """Time of the sweeper's next check; None if no work is left."""
        if self.needs_immediate_check:
            return self.updated_at
        return self.updated_at + STALE_AFTER if self.needs_execution else self.purge_at

    @property
    def purge_at(self) -> float | None:
        """Time to delete files that a late write stored for a deleted job."""
        pending = self.deleted_at and not self.purged_at
        return self.updated_at + LATE_WRITE_GRACE if pending else None

    @property
    def execution_name(self) -> str:
        """Name of the newest execution: the job's id, then with the suffix `-r2`, `-r3`."""
        return self.id if self.executions == 1 else f"{self.id}-r{self.executions}"

    def _with(self, now: float, **changes: Any) -> Self:  # noqa: ANN401 - any field of the job
        return self.model_copy(update={"updated_at": now, "version": self.version + 1, **changes})

    def fetched(self, now: float, inputs: tuple[Input, ...]) -> Self:
        """Replace the input URLs by files in the bucket."""
        return self._with(now, request=self.request.model_copy(update={"inputs": inputs}))

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

    def postponed(self, now: float) -> Self:
        """Release the lease after a create call that created nothing."""
        return self._with(now, stage=Stage.WAITING, lease_until=None)

    def submission_unconfirmed(self, now: float) -> Self:
        """Release the lease after a create call without a response."""
        return self._with(
            now,
            stage=Stage.WAITING,
            lease_until=None,
            submission_unconfirmed_since=self.submission_unconfirmed_since or now,
        )

    def confirmed_absent(self, now: float) -> Self:
        """Record that the provider does not list the unconfirmed create call."""
        return self._with(now, lease_until=None, submission_unconfirmed_since=None)

    def submitted(self, now: float, operation: dict[str, Any], warnings: tuple[str, ...]) -> Self:
        return self._with(
            now,
            status=JobStatus.IN_PROGRESS,
            stage=Stage.RUNNING,
            operation=operation,
            submitted_at=now,
            lease_until=None,
            submission_unconfirmed_since=None,
            warnings=self.warnings + warnings,
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
            model=self.model or self.request.model,
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
            operation=None,
            submitted_at=None,
            generated_at=None,
            outputs=(),
            document=None,
            document_file=None,
            collect_attempts=0,
            progress=0,
            failing_since=None,
            lease_until=None,
        )

    def progressed(self, now: float, progress: int) -> Self:
        """Raise the progress; a lower value from the provider is ignored."""
        return self._with(now, progress=max(self.progress, min(progress, 99)), failing_since=None)

    def failing(self, now: float, warning: str) -> Self:
        """Record an invalid response; an identical warning is stored once."""
        new = () if warning in self.warnings else (warning,)
        return self._with(
            now,
            warnings=(self.warnings + new)[-MAX_WARNINGS:],
            failing_since=self.failing_since or now,
        )

    def warned(self, now: float, warning: str) -> Self:
        return self._with(now, warnings=(*self.warnings, warning)[-MAX_WARNINGS:])

    def generated(
        self,
        now: float,
        outputs: tuple[Output, ...],
        cost: float | None,
        document: dict[str, Any] | StoredFile | None = None,
    ) -> Self:
        """Record the provider's result; the outputs are not stored yet."""
        return self._with(
            now,
            document=document if isinstance(document, dict) else None,
            document_file=document if isinstance(document, StoredFile) else None,
            stage=Stage.STORING,
            generated_at=self.generated_at or now,
            outputs=outputs,
            failing_since=None,
            cost=self.cost if cost is None else cost,
        )

    def collecting(self, now: float) -> Self:
        return self._with(now, collect_attempts=self.collect_attempts + 1)

    def stored(self, now: float, artifacts: tuple[Artifact, ...]) -> Self:
        return self._with(now, artifacts=artifacts, outcome=JobOutcome(status=JobStatus.COMPLETED))

    def will_fail(self, now: float, error: JobError) -> Self:
        """Decide that the job fails; finish writes the terminal status."""
        return self._with(now, outcome=JobOutcome(status=JobStatus.FAILED, error=error))

    def cancelled_by_client(self, now: float, upstream: UpstreamCancelled) -> Self:
        """Decide that the job is cancelled; a result of a provider that continues is archived."""
        continues = upstream is not UpstreamCancelled.YES and not self.deleted_at
        return self._with(
            now,
            outcome=JobOutcome(status=JobStatus.CANCELLED),
            upstream_cancelled=upstream,
            track_until=max(self.deadline_at, now) if continues else None,
        )

    def archived(self, now: float, artifacts: tuple[Artifact, ...]) -> Self:
        return self._with(now, archived_artifacts=artifacts, track_until=None)

    def tracking_ended(self, now: float, *, stopped: bool) -> Self:
        """End the polling after a cancel; `stopped` if the provider generated nothing."""
        upstream = UpstreamCancelled.YES if stopped else self.upstream_cancelled
        return self._with(now, track_until=None, upstream_cancelled=upstream)

    def cancel_requested(self, now: float) -> Self:
        """Record a cancel request and count the execution that will stop the job."""
        return self._with(now, cancel_requested_at=now, executions=self.executions + 1)

    def mark_running(self, now: float) -> Self:
        """Postpone the next check: the execution is running."""
        return self._with(now)

    def restarted(self, now: float) -> Self:
        return self._with(now, executions=self.executions + 1)

    def finished(
        self, now: float, outcome: JobOutcome, execution: str, retention_seconds: float
    ) -> Self:
        """Write the terminal state."""
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
            lease_until=None,
            artifacts=() if self.deleted_at else self.artifacts,
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


def folder_of(job: Job, kind: Folder) -> str:
    return f"{kind}/{job.account}/{job.id}/"


class JobPage(BaseModel):
    """One page of an account's jobs."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[Job, ...] = Field(default=())
    has_more: bool = False


def new_id(now: float, random_hex: str) -> str:
    """Build an id that sorts by time: milliseconds since 1970 in hexadecimal, then randomness."""
    return f"{oldest_id(now)}{random_hex}"


def oldest_id(now: float) -> str:
    """Return a lower bound of all ids created since `now`."""
    return f"job_{int(now * 1000):012x}"


def allowed_before(before: Job, after: Job) -> frozenset[JobStatus]:
    """Return the stored statuses over which `after` may be written."""
    if after.status is before.status:
        return frozenset({after.status})
    return PREDECESSORS[after.status]
