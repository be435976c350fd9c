"""What submit, poll and collect have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict, cast

from rushes.catalog.models import Catalog, ModelEntry
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import (
    AwsUnavailable,
    ProviderNotConfigured,
    UnknownModel,
    UpstreamError,
    WriteConflict,
)
from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import JobError
from rushes.ports import Blobs, Change, Clock, HttpClient, Jobs, RateLimits, Timings, Upstreams
from rushes.providers.base import FetchResult, HasResultCall, PollResult, Provider
from rushes.workflow import wait_times
from rushes.workflow.event_publisher import EventPublisher

STORE_TROUBLE_WAIT = 20
NOTHING_RUNS = frozenset({"upstream_failed", "upstream_queued_too_long"})
"""Failures after which nothing runs at the provider, even if it had taken the job."""
NOTHING_RAN = NOTHING_RUNS | {
    "provider_not_configured",
    "upstream_refused",
    "upstream_unauthorized",
}
"""Those of a create call after which it has not taken the job at all."""


class Outcome(TypedDict):
    """Where to go next: `status` and `wait_seconds` before it.

    pending: the same again; submitted: poll; succeeded: collect; resubmit: submit; ending: finish.
    """

    status: str
    wait_seconds: int


ENDING: Outcome = {"status": "ending", "wait_seconds": 0}


def pending(seconds: int) -> Outcome:
    return {"status": "pending", "wait_seconds": seconds}


def queued_too_long() -> UpstreamError:
    return UpstreamError("it waited too long for the provider", code="upstream_queued_too_long")


@dataclass(frozen=True)
class Step(ABC):
    jobs: Jobs
    blobs: Blobs
    timings: Timings
    upstreams: Upstreams
    http_client: HttpClient
    rate_limits: RateLimits
    publish: EventPublisher
    catalog: Catalog
    adapter: Callable[[ProviderEntry], Provider]
    clock: Clock

    def __call__(self, account: str, job_id: str) -> Outcome:
        """Take the step; our own store's bad moments cost a job nothing but time."""
        try:
            job = self.jobs.get(account, job_id)
            if job is None or (job.has_outcome and not job.is_tracked):
                return ENDING
            return self.take_late(job) if job.is_tracked else self.take(job)
        except (AwsUnavailable, WriteConflict):
            return pending(STORE_TROUBLE_WAIT)

    @abstractmethod
    def take(self, job: Job) -> Outcome: ...

    def take_late(self, job: Job) -> Outcome:  # noqa: ARG002 - for those that have use for it
        """The same for a job that was cancelled and is being made all the same."""
        return {"status": "submitted", "wait_seconds": 1}

    def ask(self, job: Job) -> PollResult:
        """How the job stands at its provider."""
        provider, operation = self.provider(job), job.operation or {}
        upstream = self.upstreams.find(job.provider)
        reply = self.http_client.send(upstream, provider.poll(operation))
        result = provider.polled(operation, reply)
        if not isinstance(result, FetchResult):
            return result
        teller = cast("HasResultCall", provider)
        return teller.parse_result(operation, self.http_client.send(upstream, result.call))

    def wait(
        self, job: Job, asked_seconds: float | None, shortest: float = wait_times.SHORTEST
    ) -> int:
        age = self.clock() - (job.submitted_at or job.created_at)
        return wait_times.next_wait(age, asked_seconds, shortest)

    def keep_document(self, folder: str, content: bytes) -> StoredFile:
        """A result that is JSON, beside the job's files."""
        upload = Upload("document", "application/json", content)
        return self.blobs.put(f"{folder}document.json", upload)

    def settle(self, job: Job, change: Change) -> Outcome:
        """Write what came late, unless nobody waits for it any more."""
        self.jobs.change(
            job.account,
            job.id,
            lambda current: change(current) if current.is_tracked else current,
        )
        return ENDING

    def provider(self, job: Job) -> Provider:
        """The job's provider, which may have left the catalog since."""
        entry = self.catalog.providers.get(job.provider)
        if entry is None:
            raise ProviderNotConfigured(f"provider {job.provider!r} is not in the catalog any more")
        return self.adapter(entry)

    def change(self, job: Job, change: Change) -> Job:
        """Change the job as it is stored now; another execution may have ended it meanwhile."""
        return self.jobs.change(
            job.account,
            job.id,
            lambda current: current if current.is_finished else change(current),
        )

    def end(self, job: Job, change: Change) -> Outcome:
        """Leave a verdict, unless there is one already."""
        self.change(job, lambda current: current if current.has_outcome else change(current))
        return ENDING

    def fail_with(self, job: Job, error: UpstreamError) -> Outcome:
        reason = JobError(
            code=error.error_code, message=error.message, upstream_code=error.upstream_code
        )
        return self.fail(job, reason)

    def fail(self, job: Job, reason: JobError) -> Outcome:
        """Fail the job, or hand it to its next candidate where that cannot make it twice."""
        may_move = reason.code in (NOTHING_RUNS if job.operation else NOTHING_RAN)
        following = self.model(job.fallbacks[0]) if may_move and job.fallbacks else None
        if following is None:
            return self.end(job, lambda current: current.will_fail(self.clock(), reason))

        def move(current: Job) -> Job:
            changed = current.has_outcome or current.cancel_requested_at
            taken_up = current.submission_unconfirmed_since or current.operation != job.operation
            if changed or taken_up or current.fallbacks != job.fallbacks:
                return current
            return current.failed_over(
                self.clock(),
                reason,
                model=following.name,
                provider=following.provider,
                upstream_model=following.model_at_provider,
                cost=following.price(current.request.seconds),
            )

        self.change(job, move)
        return {"status": "resubmit", "wait_seconds": 1}

    def has_waited_enough(self, job: Job) -> bool:
        """Whether another candidate should get a job that still waits for its provider."""
        model = self.model(job.model or job.request.model)
        if (
            not job.fallbacks
            or job.is_submission_unconfirmed
            or model is None
            or model.queue_seconds is None
        ):
            return False
        return self.waited(job) > model.queue_seconds

    def waited(self, job: Job) -> float:
        """Seconds since the present provider has been tried."""
        return self.clock() - (job.attempt_at or job.created_at)

    def model(self, name: str) -> ModelEntry | None:
        """None where it has left the catalog since the job was accepted."""
        try:
            return self.catalog.find(name)
        except UnknownModel:
            return None
