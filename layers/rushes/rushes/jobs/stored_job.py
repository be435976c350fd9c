"""The fields of a job, as they are stored."""

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from rushes.jobs.labels import NO_LABELS, Labels
from rushes.jobs.pause import Pause
from rushes.jobs.request import GenerationRequest, LengthAndSize, StoredFile, WebhookTarget
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import (
    Artifact,
    CollectedOutput,
    JobError,
    JobOutcome,
    Output,
    ProviderAttempt,
    WaitReason,
)
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from rushes.jobs.stored import or_unknown


def formerly(name: str, old_name: str, *, default: Any) -> Any:  # noqa: ANN401 - like Field
    """Declare a field that version 0.1.0 stored as `old_name`; `name` takes precedence."""
    return Field(default=default, validation_alias=AliasChoices(name, old_name))


class StoredJob(BaseModel):
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
    key_id: str | None = None
    """The API key that created the job; None in jobs of older releases."""
    labels: Labels = NO_LABELS
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
    reported_progress: int = 0
    """Progress in the latest event `job.progress`."""
    progress_reported_at: float | None = None
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
    stored_at: float | None = None
    """Time at which all files were in the bucket."""
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
    estimate: float | None = None
    """The catalog's estimate for the current model; None in jobs of older releases."""
    reservation: Reservation | None = None
    """None if the deployment had no daily budget when it accepted the job."""
    executions: int = 1
    """Number of state machine executions started."""
    check_at: float | None = None
    """Time of the sweeper's check of an open job; None, in jobs of older releases: `STALE_AFTER`
    after the last write."""
    request_revision: int | None = 0
    """Version of the job that its request was stored with; None if both are in one item."""
    has_summary: bool = Field(default=True, exclude=True)
    """Whether a summary is stored beside the job; not so in jobs of older releases."""
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
