"""Questions about a job's state, and the write that every transition is made of."""

from typing import Any, Literal, Self, get_args

from rushes.jobs.request import GenerationRequest, LengthAndSize
from rushes.jobs.result import cut
from rushes.jobs.status import TERMINAL, JobStatus, Stage
from rushes.jobs.stored import is_known
from rushes.jobs.stored_job import StoredJob

STALE_AFTER = 60.0
"""Seconds after the latest step, or the wait before the next, until the sweeper checks a job."""
MIN_CHECK_DELAY = 30.0
"""A write moves a check that would come earlier: each move costs two writes of the index."""
MAX_WARNINGS = 20
"""The latest are stored: an item is limited to 400 KB."""
MAX_WARNING_CHARACTERS = 300
INTERRUPTED_SECONDS = 3600.0
"""After the latest failed execution: how long a job may then wait for its create call."""
LATE_WRITE_GRACE = 960.0
"""Longer than any function timeout: later, no function can store a file of a deleted job."""
MAX_RENEWED_SECONDS = 24 * 3600.0
"""Of a deadline that begins again."""

Folder = Literal["outputs", "inputs", "archive", "provider"]
"""`provider`: where a provider with access to the bucket writes; collect copies from there."""


class JobState(StoredJob):
    """A job without its transitions."""

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
    def made_by(self) -> str:
        """Catalog name of the current model, or of the one that made the result."""
        return self.model or self.request.model

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

    def _warnings_with(self, *new: str) -> tuple[str, ...]:
        """Append warnings within the bounds; an identical one is stored once."""
        texts = dict.fromkeys(
            (*self.warnings, *(cut(text, MAX_WARNING_CHARACTERS) for text in new))
        )
        return tuple(texts)[-MAX_WARNINGS:]

    @property
    def _begun_stage(self) -> Stage:
        """The stage of a job whose execution is known to run."""
        return Stage.WAITING if self.stage is Stage.ACCEPTED else self.stage

    def _beginning(self, now: float) -> dict[str, Any]:
        """Return the changes for a job that its provider has begun.

        After a failover the job has the status of the first provider: it does not go back.
        """
        status = JobStatus.IN_PROGRESS if self.status is JobStatus.QUEUED else self.status
        return {"status": status, "started_at": self.started_at or now, "queue_position": None}


def folder_of(job: StoredJob, kind: Folder) -> str:
    return f"{kind}/{job.account}/{job.id}/"
