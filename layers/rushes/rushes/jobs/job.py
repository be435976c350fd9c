"""The job and its state transitions.

Pure: no clock, no storage. Each transition returns a new job; the condition of every write is
derived from the table `PREDECESSORS`.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rushes.errors import UpstreamNoResponse
from rushes.jobs.pause import Pause
from rushes.jobs.request import (
    GenerationRequest,
    Input,
    LengthAndSize,
    StoredFile,
    WebhookTarget,
)
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import (
    MAX_MESSAGE_CHARACTERS,
    Artifact,
    CollectedOutput,
    JobError,
    JobOutcome,
    Output,
    ProviderAttempt,
    WaitReason,
    cut,
)
from rushes.jobs.status import PREDECESSORS, TERMINAL, JobStatus, Stage, UpstreamCancelled
from rushes.jobs.stored import is_known, or_unknown

STALE_AFTER = 60.0
"""Seconds after the latest step, or the wait before the next, until the sweeper checks a job."""
MIN_CHECK_DELAY = 30.0
"""A write moves a check that would come earlier: each move costs two writes of the index."""
MAX_PAGE_BYTES = 3 * 1024 * 1024
"""Of the jobs of one page: half of the 6 MB that a Lambda function may return."""
MAX_WARNINGS = 20
"""The latest are stored: an item is limited to 400 KB."""
MAX_WARNING_CHARACTERS = 300
INTERRUPTED_SECONDS = 3600.0
"""After the latest failed execution: how long a job may then wait for its create call."""
LATE_WRITE_GRACE = 960.0
"""Longer than any function timeout: later, no function can store a file of a deleted job."""

RESTORED_WARNING = "restored from a backup: it is looked up at its provider and not sent again"
MAX_RENEWED_SECONDS = 24 * 3600.0
"""Of a deadline that begins again."""

Folder = Literal["outputs", "inputs", "archive", "provider"]
"""`provider`: where a provider with access to the bucket writes; collect copies from there."""


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
    request_id: str | None = None
    """`x-request-id` of the response to the create call; None in jobs of older releases."""
    provider: str
    upstream_model: str
    model: str = ""
    """Catalog name of the current model; `request.model` is the requested one."""
    fallbacks: tuple[str, ...] = formerly("fallbacks", "candidates", default=())
    """Catalog names of the models to fail over to, in order."""
    requested: LengthAndSize | None = None
    """As the client requested them, for the fallbacks; None: those of `request`."""
    nearest_models: tuple[str, ...] = ()
    """Fallbacks that may change length and size (`on_mismatch = "nearest"`)."""
    config_version: int | None = None
    """Published configuration that accepted the job; None in jobs of older releases."""
    attempts: tuple[ProviderAttempt, ...] = ()
    """Earlier providers."""
    attempt_at: float | None = None
    """Time of the last failover."""
    request: GenerationRequest
    modality: str = formerly("modality", "kind", default="video")
    """video, image, audio or transcription."""
    preferences: dict[str, str] = Field(default_factory=dict)
    """Response options, interpreted by the dialect only."""
    status: Annotated[JobStatus, or_unknown(JobStatus)] = JobStatus.QUEUED
    stage: Annotated[Stage, or_unknown(Stage)] = Stage.ACCEPTED
    progress: int = 0
    """Percent, approximate."""
    created_at: float
    updated_at: float
    deadline_at: float
    """Time at which an unfinished job fails."""
    submitted_at: float | None = None
    started_at: float | None = None
    """Time at which the current provider said that it has begun, or returned the result."""
    queue_position: int | None = None
    """Number of jobs in front of a waiting one, if its provider reports it."""
    expected_at: float | None = None
    """The provider's estimate of the time of the result."""
    generated_at: float | None = None
    """Time of the first poll that returned the result."""
    finished_at: float | None = None
    finished_by: str | None = None
    """The execution that finished the job, so that a retried finish recognizes its own write."""
    expires_at: float | None = None
    """End of the artifacts' retention period."""
    cancel_requested_at: float | None = None
    upstream_cancelled: Annotated[UpstreamCancelled, or_unknown(UpstreamCancelled)] | None = None
    is_unbilled_cancel: bool = False
    """Whether the provider had not begun the cancelled job, or reported that it failed.

    A confirmed cancel of a job that had begun is no proof of that: providers bill its running time.
    """
    track_until: float | None = formerly("track_until", "late_until", default=None)
    """How long the result of a finished job is fetched again, to be archived.

    Of a cancelled job that its provider continues, or of a failed one (dead letter) whose result
    may exist there and could not be read.
    """
    archived_artifacts: tuple[Artifact, ...] = formerly(
        "archived_artifacts", "late_artifacts", default=()
    )
    """Files that were generated in spite of the cancel, or could be read after the failure only."""
    deleted_at: float | None = None
    purged_at: float | None = None
    """Time of the final deletion of a deleted job's files."""
    lease_until: float | None = None
    """End of the lease of a create call that may be in flight."""
    submissions: int = 0
    """Number of create calls begun."""
    key_rejections: int = 0
    """Number of its create calls for which the current provider rejected the API key."""
    waiting: WaitReason | None = None
    """Why the current provider has not accepted the job, for the operator; None once it has."""
    submission_unconfirmed_since: float | None = formerly(
        "submission_unconfirmed_since", "unsure_since", default=None
    )
    """Start of the period in which the outcome of a create call is unknown."""
    operation: dict[str, Any] | None = None
    """Handle of the running generation, opaque outside the provider adapter."""
    failing_since: float | None = formerly("failing_since", "troubled_since", default=None)
    """Time of the first of an unbroken series of failed polls."""
    invalid_since: float | None = None
    """Time of the first invalid response in that series; the others are about the provider."""
    outputs: tuple[Output, ...] = ()
    document: dict[str, Any] | None = None
    """A JSON result, such as a transcript."""
    document_file: StoredFile | None = None
    """The JSON result, if it is too large for the item."""
    artifacts: tuple[Artifact, ...] = ()
    collected_outputs: tuple[CollectedOutput, ...] = ()
    """Outputs stored so far, until all are."""
    collect_attempts: int = formerly("collect_attempts", "collections", default=0)
    """Number of tries to store the outputs."""
    outcome: JobOutcome | None = formerly("outcome", "verdict", default=None)
    error: JobError | None = None
    warnings: tuple[str, ...] = ()
    webhook: WebhookTarget | None = None
    outbox: tuple[dict[str, Any], ...] = ()
    """Events to publish, in their final form (transactional outbox)."""
    remixed_from: str | None = None
    remixed_from_provider: str | None = None
    """First provider of that job, which some ids name."""
    remixed_operation: dict[str, Any] | None = None
    """Handle of that job's generation, valid at `remixed_provider` only."""
    remixed_provider: str | None = None
    cost: float | None = None
    """In US dollars: the catalog's estimate, or the cost that the provider reported."""
    reservation: Reservation | None = None
    """None if the deployment had no daily budget when it accepted the job."""
    executions: int = 1
    """Number of state machine executions started."""
    check_at: float | None = None
    """Time of the sweeper's check of an open job; None, in jobs of older releases: `STALE_AFTER`
    after the last write."""
    request_revision: int | None = 0
    """Version of the job that its request was stored with; None if both are in one item."""
    restarts: int = 0
    """Executions that replaced one which ended, in a row without progress."""
    restart_mark: str = ""
    """Progress of the job at the latest of them."""
    interrupted_at: float | None = None
    """Latest time at which an execution failed, or followed one that did, before a provider had
    accepted the job."""
    pause: Pause | None = None
    """None if the sweeper starts executions for the job."""
    epoch: str | None = None
    """Epoch of the table that accepted the job (`jobs/epoch.py`); None for older releases."""
    restored_to: str | None = None
    """Epoch in which the job was found in a backup; None for others."""
    version: int = 0
    """Counts the writes; every write names the version it was decided on."""

    @property
    def log_fields(self) -> dict[str, Any]:
        """The ids in each log line and metric about the job."""
        return {"job_id": self.id, "account": self.account, "request_id": self.request_id}

    @property
    def source_operation(self) -> dict[str, Any] | None:
        """The handle of the remixed job, if the current provider made it."""
        return self.remixed_operation if self.remixed_provider == self.provider else None

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL

    @property
    def providers(self) -> frozenset[str]:
        """Current and earlier providers; ids issued to clients may name any of them."""
        return frozenset((self.provider, *(attempt.provider for attempt in self.attempts)))

    @property
    def first_provider(self) -> str:
        """The provider that the create response named, which ids with a provider keep."""
        return self.attempts[0].provider if self.attempts else self.provider

    @property
    def has_outcome(self) -> bool:
        """Whether the terminal state is decided."""
        return self.is_finished or self.outcome is not None

    @property
    def is_cancelled(self) -> bool:
        """Whether the outcome is a cancel."""
        return self.outcome is not None and self.outcome.status is JobStatus.CANCELLED

    @property
    def is_quarantined(self) -> bool:
        """Whether a create call may have been sent that a restore has lost: none is sent now."""
        is_decided = self.operation is not None or self.has_outcome
        return not is_decided and self.restored_to not in (None, self.epoch)

    @property
    def unknown_values(self) -> tuple[str, ...]:
        """States of a newer release, such as a stage: this one leaves the job alone."""
        members = [self.status, self.stage, *(entry.role for entry in self.request.inputs)]
        if self.outcome:
            members.append(self.outcome.status)
        return tuple(member.value for member in members if not is_known(member))

    @property
    def for_clients(self) -> Self:
        """The job for a response: a status of a newer release is shown as in progress."""
        if is_known(self.status):
            return self
        return self.model_copy(update={"status": JobStatus.IN_PROGRESS})

    @property
    def has_begun(self) -> bool:
        """Whether the current provider is known to have begun the job."""
        return self.started_at is not None

    @property
    def is_tracked(self) -> bool:
        """Whether the provider may still have a result of this finished job."""
        return self.is_finished and self.track_until is not None

    @property
    def is_dead_letter(self) -> bool:
        """Whether the job failed, and a result that its provider may have is fetched again."""
        return self.is_tracked and self.status is JobStatus.FAILED

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
        if self.pause and not self.outbox:
            return False
        return bool(self.outbox) or self.stage is Stage.ACCEPTED

    @property
    def next_check_at(self) -> float | None:
        """Time of the sweeper's next check; None if no work is left."""
        if self.needs_immediate_check:
            return self.updated_at
        if self.pause and self.needs_execution:
            return self.pause.check_at
        return self._stale_at if self.needs_execution else self.purge_at

    @property
    def _stale_at(self) -> float:
        return self.updated_at + STALE_AFTER if self.check_at is None else self.check_at

    @property
    def purge_at(self) -> float | None:
        """Time to delete files that a late write stored for a deleted job."""
        pending = self.deleted_at and not self.purged_at
        return self.updated_at + LATE_WRITE_GRACE if pending else None

    @property
    def execution_name(self) -> str:
        """Name of the newest execution: the job's id, then with the suffix `-r2`, `-r3`."""
        return self.id if self.executions == 1 else f"{self.id}-r{self.executions}"

    @property
    def original_request(self) -> GenerationRequest:
        """The request with the client's length and size, which each fallback adapts anew."""
        if self.requested is None:
            return self.request
        changes = {name: getattr(self.requested, name) for name in LengthAndSize.model_fields}
        return self.request.model_copy(update=changes)

    @property
    def accept_until(self) -> float:
        """Time at which a job that no provider has accepted fails.

        A job whose execution failed is tried again after that: the fault was the deployment's.
        """
        return max(self.deadline_at, (self.interrupted_at or 0.0) + INTERRUPTED_SECONDS)

    def _renewed_deadline(self, now: float) -> float:
        """Return a deadline that begins now."""
        allowed = min(self.deadline_at - self.created_at, MAX_RENEWED_SECONDS)
        return max(self.deadline_at, now + allowed)

    def _with(self, now: float, **changes: Any) -> Self:  # noqa: ANN401 - any field of the job
        is_late_enough = self.check_at is not None and self.check_at >= now + MIN_CHECK_DELAY
        check_at = self.check_at if is_late_enough else now + STALE_AFTER
        written = {"updated_at": now, "version": self.version + 1, "check_at": check_at}
        return self.model_copy(update={**written, **changes})

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

    def _beginning(self, now: float) -> dict[str, Any]:
        """Return the changes for a job that its provider has begun.

        After a failover the job has the status of the first provider: it does not go back.
        """
        status = JobStatus.IN_PROGRESS if self.status is JobStatus.QUEUED else self.status
        return {"status": status, "started_at": self.started_at or now, "queue_position": None}

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

    def _warnings_with(self, *new: str) -> tuple[str, ...]:
        """Append warnings within the bounds; an identical one is stored once."""
        texts = dict.fromkeys(
            (*self.warnings, *(cut(text, MAX_WARNING_CHARACTERS) for text in new))
        )
        return tuple(texts)[-MAX_WARNINGS:]

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
        return self._with(now, artifacts=artifacts, collected_outputs=(), outcome=outcome)

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

    def cancel_requested(self, now: float) -> Self:
        """Record a cancel request and count the execution that will stop the job."""
        return self._with(
            now,
            cancel_requested_at=now,
            executions=self.executions + 1,
            check_at=now + STALE_AFTER,
        )

    def mark_running(self, now: float) -> Self:
        """Postpone the next check: the execution is running."""
        return self._with(now, pause=None, stage=self._begun_stage, check_at=now + STALE_AFTER)

    def planned(self, now: float, wait_seconds: float) -> Self:
        """Postpone the next check behind a wait of the execution, if it would come earlier."""
        is_begun = self.stage is not Stage.ACCEPTED
        if not self.needs_execution or (is_begun and self.with_wait(now, wait_seconds) is self):
            return self
        return self._with(now, stage=self._begun_stage).with_wait(now, wait_seconds)

    def with_wait(self, now: float, wait_seconds: float) -> Self:
        """Do the same as `planned`, to be written with another transition."""
        if self._stale_at >= now + wait_seconds + MIN_CHECK_DELAY:
            return self
        return self.model_copy(update={"check_at": now + wait_seconds + STALE_AFTER})

    @property
    def _begun_stage(self) -> Stage:
        """The stage of a job whose execution is known to run."""
        return Stage.WAITING if self.stage is Stage.ACCEPTED else self.stage

    def restarted(self, now: float) -> Self:
        """Count another execution, which replaces one that ended."""
        return self._with(
            now,
            executions=self.executions + 1,
            restarts=self.restarts_in_a_row + 1,
            restart_mark=self._mark,
            interrupted_at=None if self.operation or self.has_outcome else now,
            pause=None,
            check_at=now + STALE_AFTER,
        )

    @property
    def restarts_in_a_row(self) -> int:
        """Restarts since the job made progress."""
        return self.restarts if self.restart_mark == self._mark else 0

    @property
    def _mark(self) -> str:
        """Progress of the job: a later execution does not make it again."""
        counts = (len(self.attempts), self.submissions, len(self.collected_outputs))
        done = (bool(self.operation), bool(self.generated_at), self.has_outcome, self.is_finished)
        return f"{counts} {done}"

    def paused(self, now: float, pause: Pause) -> Self:
        return self._with(now, pause=pause)

    def resumed(self, now: float) -> Self:
        """End a pause by an operator's word: also a job of a backup may be sent to its provider."""
        released = {"lease_until": None, "submission_unconfirmed_since": None}
        return self._with(
            now,
            pause=None,
            restarts=0,
            epoch=self.restored_to or self.epoch,
            check_at=now + STALE_AFTER,
            deadline_at=self._renewed_deadline(now),
            **(released if self.is_quarantined else {}),
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

    def interrupted(self, now: float, cause: str) -> Self:
        """Keep a job open whose execution failed before a provider had accepted it."""
        error = JobError(code="internal_error", message="the workflow failed")
        return self._with(now, interrupted_at=now, waiting=self._waiting(now, error, cause))

    def left_alone(self, now: float, wait_seconds: float) -> Self:
        """Postpone the next check of a job with unknown values; its create call has time, too."""
        waiting = {} if self.operation else {"interrupted_at": now}
        return self._with(now, **waiting).with_wait(now, wait_seconds)

    def restored(self, now: float, epoch: str) -> Self:
        """Mark an open job of a backup: its later create calls and results are not known."""
        return self._with(
            now,
            restored_to=epoch,
            deadline_at=self._renewed_deadline(now),
            attempt_at=now,
            failing_since=None,
            invalid_since=None,
            pause=None,
            warnings=self._warnings_with(RESTORED_WARNING),
            **self._possibly_sent(now),
        )

    def withheld(self, now: float) -> Self:
        """Mark the next create call of a job of a backup, after a failover, as possibly sent."""
        return self._with(now, **self._possibly_sent(now))

    def _possibly_sent(self, now: float) -> dict[str, Any]:
        """Return the changes after which also an older release sends no create call."""
        if self.operation or self.has_outcome:
            return {}
        return {
            "stage": Stage.WAITING,
            "lease_until": now,
            "submission_unconfirmed_since": self.submission_unconfirmed_since or now,
        }

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


def folder_of(job: Job, kind: Folder) -> str:
    return f"{kind}/{job.account}/{job.id}/"


class JobPage(BaseModel):
    """One page of an account's jobs."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[Job, ...] = Field(default=())
    has_more: bool = False


def first_page(jobs: Iterable[Job], limit: int) -> JobPage:
    """Take the first jobs: at most `limit` and `MAX_PAGE_BYTES`, but at least one.

    The iterator may read from storage: at most one job beyond the page is taken from it.
    """
    page: list[Job] = []
    length = 0
    for job in jobs:
        length += len(job.model_dump_json().encode())
        if len(page) == limit or (page and length > MAX_PAGE_BYTES):
            return JobPage(jobs=tuple(page), has_more=True)
        page.append(job)
    return JobPage(jobs=tuple(page))


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
