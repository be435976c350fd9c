"""The job: a client's request and all that became of it, and the steps it may take.

Pure: no clock, no storage. Each step returns a new job; the table `PREDECESSORS` says which
status may follow which, and the condition of every write is derived from it.
"""

from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field

from rushes.jobs.request import GenerationRequest, Input, StoredFile, WebhookTarget
from rushes.jobs.result import Artifact, Attempt, JobError, JobOutcome, Output
from rushes.jobs.status import PREDECESSORS, TERMINAL, JobStatus, Stage, UpstreamCancelled

STALE_AFTER = 60.0
"""An open job that nobody wrote to for so long is looked after."""
WARNINGS = 20
"""The last ones are kept: a row has 400 KB."""
LATE_WRITE_GRACE = 960.0
"""Longer than any function may run: after it, nobody stores anything for a job that ended."""


Folder = Literal["outputs", "inputs", "archive"]


def formerly(stored_name: str, *, default: Any) -> Any:  # noqa: ANN401 - as pydantic's Field
    """Declare a field that version 0.1.0 stored as `stored_name`; it is read by either name."""
    return Field(default=default, validation_alias=stored_name)


class Job(BaseModel):
    """A request to generate media and all that became of it. Times are seconds since 1970.

    Fields that a newer version wrote are kept, so that going back to this one loses nothing.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
    )

    id: str
    account: str
    """Who owns it."""
    dialect: str
    """The API that it came in by."""
    provider: str
    upstream_model: str
    model: str = ""
    """The catalog's name of what makes it at present; `request.model` is what was asked for."""
    fallbacks: tuple[str, ...] = formerly("candidates", default=())
    """What is tried next, by the catalog's names, where the present provider does not make it."""
    attempts: tuple[Attempt, ...] = ()
    """What was tried before."""
    attempt_at: float | None = None
    """Since when the present provider is tried, if it is not the first."""
    request: GenerationRequest
    modality: str = formerly("kind", default="video")
    """video, image, audio or transcription."""
    preferences: dict[str, str] = Field(default_factory=dict)
    """How its client wants answers, for the dialect that it came in by."""
    status: JobStatus = JobStatus.QUEUED
    stage: Stage = Stage.ACCEPTED
    progress: int = 0
    """Percent, approximate."""
    created_at: float
    updated_at: float
    deadline_at: float
    """When the job fails if it has not ended by then."""
    submitted_at: float | None = None
    generated_at: float | None = None
    """When it was first seen that the provider was done."""
    finished_at: float | None = None
    finished_by: str | None = None
    """The execution that ended it, so that a repeated last step can tell its own write."""
    expires_at: float | None = None
    """When the artifacts may be gone."""
    cancel_requested_at: float | None = None
    upstream_cancelled: UpstreamCancelled | None = None
    track_until: float | None = formerly("late_until", default=None)
    """Cancelled, but still being made: until when the result is waited for, to be archived."""
    archived_artifacts: tuple[Artifact, ...] = formerly("late_artifacts", default=())
    """What was made in spite of the cancel."""
    deleted_at: float | None = None
    purged_at: float | None = None
    """When nothing could be left in the bucket of a deleted job."""
    lease_until: float | None = None
    """While a create call may be on its way to the provider: until when it may take."""
    submissions: int = 0
    """How often a create call was begun."""
    submission_unconfirmed_since: float | None = formerly("unsure_since", default=None)
    """Since when a create call has had no answer; what became of it is being found out."""
    operation: dict[str, Any] | None = None
    """The provider's handle on the running generation, opaque to everybody else."""
    failing_since: float | None = formerly("troubled_since", default=None)
    """Since when the provider's answers have made no sense, without a break."""
    outputs: tuple[Output, ...] = ()
    document: dict[str, Any] | None = None
    """A result that is JSON: a transcript, for example."""
    document_file: StoredFile | None = None
    """The same, where it is too large for the row."""
    artifacts: tuple[Artifact, ...] = ()
    collections: int = 0
    """How often fetching the outputs was begun."""
    outcome: JobOutcome | None = formerly("verdict", default=None)
    error: JobError | None = None
    warnings: tuple[str, ...] = ()
    webhook: WebhookTarget | None = None
    outbox: tuple[dict[str, Any], ...] = ()
    """Events that are to be put on the bus, as they will stand there."""
    remixed_from: str | None = None
    cost: float | None = None
    """In US dollars: the catalog's price for what was asked, or what the provider said it was."""
    executions: int = 1
    """How many state machine executions were started for it."""
    version: int = 0
    """Counts the writes; every write names the version it was decided on."""

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL

    @property
    def providers(self) -> frozenset[str]:
        """All that have had it: an id that names one of them was given out at its time."""
        return frozenset((self.provider, *(attempt.provider for attempt in self.attempts)))

    @property
    def has_outcome(self) -> bool:
        """Whether it is known how the job ends."""
        return self.is_finished or self.outcome is not None

    @property
    def is_cancelled(self) -> bool:
        """Whether it ends, or has ended, by its client's wish."""
        return self.outcome is not None and self.outcome.status is JobStatus.CANCELLED

    @property
    def is_tracked(self) -> bool:
        """Whether it was cancelled, and its provider goes on with it all the same."""
        return self.is_finished and self.track_until is not None

    @property
    def needs_execution(self) -> bool:
        return not self.is_finished or self.is_tracked

    @property
    def is_submission_unconfirmed(self) -> bool:
        """Whether a create call was begun of which nobody knows (yet) what became."""
        return self.submission_unconfirmed_since is not None or self.lease_until is not None

    @property
    def folders(self) -> tuple[str, ...]:
        """Where in the bucket its files are; each ends with a slash."""
        return tuple(folder_of(self, kind) for kind in get_args(Folder))

    @property
    def create_key(self) -> str:
        """What a provider can know a repeated create call by."""
        return f"{self.id}-{len(self.attempts) + 1}"

    @property
    def needs_immediate_check(self) -> bool:
        """Whether it waits for the sweeper alone, and not only for its being looked at."""
        return bool(self.outbox) or self.stage is Stage.ACCEPTED

    @property
    def next_check_at(self) -> float | None:
        """When the sweeper is to look at it; None where nothing is left to be done."""
        if self.needs_immediate_check:
            return self.updated_at
        return self.updated_at + STALE_AFTER if self.needs_execution else self.purge_at

    @property
    def purge_at(self) -> float | None:
        """When what stragglers have stored for a deleted job is to be removed, if it is to be."""
        left = self.deleted_at and not self.purged_at
        return self.updated_at + LATE_WRITE_GRACE if left else None

    @property
    def execution_name(self) -> str:
        """The name of the newest execution: the job's id, later with `-r2`, `-r3` behind it."""
        return self.id if self.executions == 1 else f"{self.id}-r{self.executions}"

    def _step(self, now: float, **changes: Any) -> Self:  # noqa: ANN401 - any field of the job
        return self.model_copy(update={"updated_at": now, "version": self.version + 1, **changes})

    def fetched(self, now: float, inputs: tuple[Input, ...]) -> Self:
        """What its request pointed at is in the bucket."""
        return self._step(now, request=self.request.model_copy(update={"inputs": inputs}))

    def submitting(self, now: float, lease_seconds: float) -> Self:
        """A create call is about to be made; nobody else may make one until the lease ends.

        A lease that has run out tells of a call before it, of which nobody knows what became.
        """
        return self._step(
            now,
            stage=Stage.SUBMITTING,
            lease_until=now + lease_seconds,
            submission_unconfirmed_since=self.submission_unconfirmed_since
            or (now if self.lease_until else None),
            submissions=self.submissions + 1,
        )

    def postponed(self, now: float) -> Self:
        """The create call surely made nothing; it may be made again."""
        return self._step(now, stage=Stage.WAITING, lease_until=None)

    def unsure(self, now: float) -> Self:
        """The create call was sent and not answered, to a provider that can be asked again."""
        return self._step(
            now,
            stage=Stage.WAITING,
            lease_until=None,
            submission_unconfirmed_since=self.submission_unconfirmed_since or now,
        )

    def confirmed_absent(self, now: float) -> Self:
        """The provider has been looked through: the create call that was lost made nothing."""
        return self._step(now, lease_until=None, submission_unconfirmed_since=None)

    def submitted(self, now: float, operation: dict[str, Any], warnings: tuple[str, ...]) -> Self:
        return self._step(
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
        """The next candidate gets it; the ledger keeps what became of the present one."""
        attempt = Attempt(
            model=self.model or self.request.model,
            provider=self.provider,
            operation=self.operation,
            started_at=self.attempt_at or self.created_at,
            ended_at=now,
            error=error,
            cost=self.cost,
        )
        return self._step(
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
            collections=0,
            progress=0,
            failing_since=None,
            lease_until=None,
        )

    def progressed(self, now: float, progress: int) -> Self:
        """Progress never runs backwards, whatever the provider says."""
        return self._step(now, progress=max(self.progress, min(progress, 99)), failing_since=None)

    def failing_response(self, now: float, warning: str) -> Self:
        """The provider's answer made no sense; each kind of nonsense is noted once."""
        new = () if warning in self.warnings else (warning,)
        return self._step(
            now,
            warnings=(self.warnings + new)[-WARNINGS:],
            failing_since=self.failing_since or now,
        )

    def warned(self, now: float, warning: str) -> Self:
        return self._step(now, warnings=(*self.warnings, warning)[-WARNINGS:])

    def generated(
        self,
        now: float,
        outputs: tuple[Output, ...],
        cost: float | None,
        document: dict[str, Any] | StoredFile | None = None,
    ) -> Self:
        """The provider is done; its outputs are still to be fetched."""
        return self._step(
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
        return self._step(now, collections=self.collections + 1)

    def stored(self, now: float, artifacts: tuple[Artifact, ...]) -> Self:
        return self._step(now, artifacts=artifacts, outcome=JobOutcome(status=JobStatus.COMPLETED))

    def will_fail(self, now: float, error: JobError) -> Self:
        """It will fail; the last step of the workflow makes it so."""
        return self._step(now, outcome=JobOutcome(status=JobStatus.FAILED, error=error))

    def cancelled_by_client(self, now: float, upstream: UpstreamCancelled) -> Self:
        """Its client wants no more of it; what is made all the same will be archived."""
        goes_on = upstream is not UpstreamCancelled.YES and not self.deleted_at
        return self._step(
            now,
            outcome=JobOutcome(status=JobStatus.CANCELLED),
            upstream_cancelled=upstream,
            track_until=max(self.deadline_at, now) if goes_on else None,
        )

    def archived(self, now: float, artifacts: tuple[Artifact, ...]) -> Self:
        return self._step(now, archived_artifacts=artifacts, track_until=None)

    def given_up(self, now: float, *, stopped: bool) -> Self:
        """Nothing comes late any more; `stopped` where the provider says that it made nothing."""
        upstream = UpstreamCancelled.YES if stopped else self.upstream_cancelled
        return self._step(now, track_until=None, upstream_cancelled=upstream)

    def cancel_requested(self, now: float) -> Self:
        """Somebody wants it stopped; a further execution is started to see to it at once."""
        return self._step(now, cancel_requested_at=now, executions=self.executions + 1)

    def mark_running(self, now: float) -> Self:
        """Its execution runs: there is no need to look after it for a while."""
        return self._step(now)

    def restarted(self, now: float) -> Self:
        return self._step(now, executions=self.executions + 1)

    def finished(
        self, now: float, outcome: JobOutcome, execution: str, keep_seconds: float
    ) -> Self:
        """The one terminal step."""
        done = outcome.status is JobStatus.COMPLETED
        return self._step(
            now,
            status=outcome.status,
            stage=Stage.FINISHED,
            error=outcome.error,
            outcome=outcome,
            progress=100 if done else self.progress,
            finished_at=now,
            finished_by=execution,
            expires_at=now + keep_seconds if done else None,
            lease_until=None,
            artifacts=() if self.deleted_at else self.artifacts,
        )

    def deleted(self, now: float) -> Self:
        """Gone for its owner; the row stays as a tombstone until it expires."""
        return self._step(now, deleted_at=now, track_until=None)

    def purged(self, now: float) -> Self:
        return self._step(now, purged_at=now)

    def with_event(self, event: dict[str, Any]) -> Self:
        """The same step, which is to be heard of: the event is written with it, then announced."""
        return self.model_copy(update={"outbox": (*self.outbox, event)})

    def published(self, now: float, events: tuple[dict[str, Any], ...]) -> Self:
        """Those events are on the bus."""
        return self._step(now, outbox=tuple(it for it in self.outbox if it not in events))


def folder_of(job: Job, kind: Folder) -> str:
    return f"{kind}/{job.account}/{job.id}/"


class JobPage(BaseModel):
    """A part of an account's list of jobs."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[Job, ...] = Field(default=())
    has_more: bool = False


def new_id(now: float, chance: str) -> str:
    """Ids sort by time: `job_`, the milliseconds since 1970 in hexadecimal, then chance."""
    return f"{oldest_id(now)}{chance}"


def oldest_id(now: float) -> str:
    """What no id that was given out since is less than."""
    return f"job_{int(now * 1000):012x}"


def allowed_before(before: Job, after: Job) -> frozenset[JobStatus]:
    """The statuses that the stored job may have for `after` to be written over it."""
    if after.status is before.status:
        return frozenset({after.status})
    return PREDECESSORS[after.status]
