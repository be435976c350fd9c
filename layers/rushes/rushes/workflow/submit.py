"""Send a job's create call: at most one generation, even if calls are lost."""

from dataclasses import dataclass

from rushes.catalog.source import find_model
from rushes.errors import (
    AwsUnavailable,
    UpstreamError,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.jobs.events import started_event
from rushes.jobs.job import Job
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.http import HttpCall
from rushes.ports.providers import Timings
from rushes.providers.base import Submitted, SupportsLookup
from rushes.workflow import wait_times
from rushes.workflow.fetch_inputs import FetchInputs
from rushes.workflow.lease import (
    LEASE_SECONDS,
    LeaseHeld,
    OutcomeUnknown,
    acquire_lease,
    check_lease,
    needs_lookup,
)
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.rate_limiter import Admission, RateLimiter
from rushes.workflow.reconcile import confirm_absent, is_absent, lookup
from rushes.workflow.task import (
    AWS_RETRY_SECONDS,
    TO_POLL,
    JobContext,
    NextStep,
    pending,
    queued_too_long,
)

MIN_RETRY_DELAY = 2.0
KEY_RETRY_DELAYS = (60, 300)
"""Seconds before the job's next create calls after a rejected API key, which may be renewed."""


@dataclass(frozen=True)
class Submit:
    context: JobContext
    providers: ProviderClient
    rate_limiter: RateLimiter
    fetch_inputs: FetchInputs
    timings: Timings

    def run(self, account: str, job_id: str) -> NextStep:
        return self.context.run(account, job_id, self._run)

    def _run(self, job: Job) -> NextStep:
        if job.operation:
            return TO_POLL
        if job.cancel_requested_at and not job.is_submission_unconfirmed:
            return self.context.complete(
                job, lambda current, now: current.cancelled_by_client(now, UpstreamCancelled.YES)
            )
        try:
            return self._submit(job)
        except LeaseHeld as held:
            return pending(wait_times.whole_seconds(held.seconds, LEASE_SECONDS))
        except UpstreamError as error:
            return self._fail(job, error, begun=job.is_submission_unconfirmed)

    def _fail(self, job: Job, error: UpstreamError, *, begun: bool) -> NextStep:
        """Fail the job; the outcome is unknown after an unanswered create call (`begun`)."""
        if not begun or isinstance(error, OutcomeUnknown):
            return self.context.fail(job, error)
        guaranteed = self.providers.idempotency(job) != "none"
        if guaranteed and error.error_code == "upstream_unauthorized":
            # With a renewed API key the lost create call can still be confirmed.
            self.context.update_same(job, Job.submission_unconfirmed)
            return pending(self._delay(job))
        message = f"a create call had no response; since then: {error.message}"
        return self.context.fail(job, OutcomeUnknown(message))

    def _submit(self, job: Job) -> NextStep:
        idempotency, now = self.providers.idempotency(job), self.context.clock()
        check_lease(job, idempotency, now)
        if now > job.deadline_at:
            raise UpstreamError("no provider accepted the job in time", code="upstream_timeout")
        if any(entry.url for entry in job.request.inputs):
            return self.fetch_inputs.run(job)
        if needs_lookup(job, idempotency):
            return self._reconcile(job)
        return self._begin(job)

    def _begin(self, job: Job) -> NextStep:
        """Acquire the lease, send the create call, record the operation.

        The lease is written before the call: a lease without an operation means that a create
        call was begun and that its outcome is unknown.
        """
        admission = self.rate_limiter.admit(job, self.context.waited(job))
        if admission.wait:
            return self._retry(job, self._delay(job, admission.wait))
        try:
            call = self.providers.prepare_create(job)
        except UpstreamError as error:  # no lease is held yet
            begun = job.is_submission_unconfirmed
            if error.key_rejected and (
                step := self._retry_with_key(job, error, begun=begun, leased=False)
            ):
                return step
            if not error.retryable:
                raise
            return self._retry(job, self._delay(job, error.wait_seconds), error)
        leased = self.context.jobs.change(job.account, job.id, self._acquire_lease)
        try:
            return self._create(leased, call, admission)
        except UpstreamError as error:
            return self._refused(leased, error, admission)

    def _acquire_lease(self, job: Job) -> Job:
        return acquire_lease(job, self.providers.idempotency(job), self.context.clock())

    def _create(self, job: Job, call: HttpCall, admission: Admission) -> NextStep:
        retry_delay = wait_times.retry_delay(job.submissions, None)
        try:
            submitted = self.providers.create(job, call)
        except UpstreamUnreachable as error:
            return self._retry(self.context.update_same(job, Job.postponed), retry_delay, error)
        except UpstreamThrottled as error:
            requested = error.wait_seconds
            delay = retry_delay if requested is None else self._delay(job, requested)
            step = self._retry(self.context.update_same(job, Job.postponed), delay, error)
            self.rate_limiter.throttle(job.provider, requested)
            return step
        except (UpstreamNoResponse, UpstreamProtocolError):
            if self.providers.idempotency(job) == "none":
                raise
            self.context.update_same(job, Job.submission_unconfirmed)
            return pending(retry_delay)
        except AwsUnavailable:  # reading the API key or a file failed: nothing was sent
            self.context.update_same(job, Job.postponed)
            return pending(AWS_RETRY_SECONDS)
        step = self._record(job, submitted)
        self.rate_limiter.key_accepted(job, admission)
        return step

    def _refused(self, job: Job, error: UpstreamError, admission: Admission) -> NextStep:
        """Decide on the leased job: an earlier create call may be unconfirmed."""
        begun = job.submission_unconfirmed_since is not None
        if error.key_rejected and (
            step := self._retry_with_key(job, error, begun=begun, leased=True)
        ):
            return step
        if isinstance(error, UpstreamRefused) and error.error_code != "upstream_unauthorized":
            self.rate_limiter.key_accepted(job, admission)
        return self._fail(job, error, begun=begun)

    def _retry_with_key(
        self, job: Job, error: UpstreamError, *, begun: bool, leased: bool
    ) -> NextStep | None:
        """Try again later, as the API key may be under rotation; None if the job should fail.

        The key may be invalid for this model only: the number of tries is limited.
        """
        retries = not (begun or job.fallbacks or job.key_rejections >= len(KEY_RETRY_DELAYS))
        if retries:
            self.context.update_same(
                job, lambda current, now: current.key_rejected(now, releases_lease=leased)
            )
        self.rate_limiter.key_rejected(job, error.message)
        if not retries:
            return None
        return pending(self._until_deadline(job, KEY_RETRY_DELAYS[job.key_rejections]))

    def _record(self, job: Job, submitted: Submitted) -> NextStep:
        def change(current: Job, now: float) -> Job:
            if current.operation:
                return current
            running = current.submitted(now, submitted.operation, submitted.warnings)
            if any(attempt.operation for attempt in current.attempts):  # published at the first one
                return running
            return running.with_event(started_event(running).model_dump(mode="json"))

        job = self.context.update(job, change)
        self.context.event_publisher.publish(job)
        return {"status": "submitted", "wait_seconds": self._first_poll_delay(job)}

    def _retry(self, job: Job, delay: int, error: UpstreamError | None = None) -> NextStep:
        """Try again after `delay` seconds: no create call has created anything."""
        if self.context.is_queued_too_long(job):
            raise queued_too_long() from error
        return pending(delay)

    def _delay(self, job: Job, requested_seconds: float | None = None) -> int:
        """Return seconds until the next try; each one costs events of the execution's history."""
        delay = wait_times.next_poll_delay(
            self.context.waited(job), requested_seconds, MIN_RETRY_DELAY
        )
        return self._until_deadline(job, delay)

    def _until_deadline(self, job: Job, delay: int) -> int:
        """Return the delay, or the shorter time until the job's deadline."""
        return wait_times.whole_seconds(job.deadline_at - self.context.clock() + 1, delay)

    def _reconcile(self, job: Job) -> NextStep:
        provider = self.providers.provider(job)
        if not isinstance(provider, SupportsLookup):
            raise OutcomeUnknown(
                f'provider {job.provider} does not support lookup (idempotency = "lookup")'
            )
        try:
            upstream = self.providers.upstreams.find(job)
            found = lookup(self.providers.http_client, upstream, provider, job, self.context.clock)
        except UpstreamError as error:
            return pending(self._delay(job, error.wait_seconds))
        if found:
            return self._record(job, found)
        if is_absent(job, self.context.clock()):
            self.context.update(job, confirm_absent(job))
        return pending(self._delay(job))

    def _first_poll_delay(self, job: Job) -> int:
        timing = self.timings.get(wait_times.timing_key(job))
        model = find_model(self.context.catalogs, job)
        typical_seconds = model.typical_seconds if model else wait_times.MAX_DELAY
        return wait_times.first_poll_delay(timing, typical_seconds)
