"""Send a job's create call: at most one generation, even if calls are lost."""

import math
from dataclasses import dataclass

from rushes.errors import (
    AwsUnavailable,
    ProviderPaused,
    TooManyJobs,
    UpstreamError,
    UpstreamModelUnavailable,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnavailable,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.http import HttpCall
from rushes.ports.providers import Timings
from rushes.providers.base import Provider, Submitted, SupportsLookup
from rushes.workflow import failure_log, wait_times
from rushes.workflow.concurrency import Concurrency
from rushes.workflow.fetch_inputs import FetchInputs
from rushes.workflow.job_metrics import record_queue_age, record_retry
from rushes.workflow.lease import (
    LEASE_SECONDS,
    LeaseHeld,
    OutcomeUnknown,
    acquire_lease,
    check_lease,
    needs_lookup,
)
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.quarantine import find_create_call
from rushes.workflow.rate_limiter import Admission, RateLimiter
from rushes.workflow.reconcile import confirm_absent, is_absent, lookup
from rushes.workflow.task import (
    ACCEPT_SECONDS,
    AWS_RETRY_SECONDS,
    TO_POLL,
    JobContext,
    NextStep,
    job_error,
    pending,
    queued_too_long,
    with_started_event,
)

MIN_RETRY_DELAY = 2.0
SLOW_PREPARATION = 2.0
"""Seconds after which the provider may have been paused meanwhile."""
KEY_RETRY_DELAYS = (60, 300)
"""Seconds before the job's next create calls after a rejected API key, which may be renewed."""


@dataclass(frozen=True)
class Submit:
    context: JobContext
    providers: ProviderClient
    rate_limiter: RateLimiter
    fetch_inputs: FetchInputs
    timings: Timings
    concurrency: Concurrency

    def run(self, account: str, job_id: str) -> NextStep:
        return self.context.run(account, job_id, self._step)

    def _step(self, job: Job) -> NextStep:
        return self._find(job) if job.is_quarantined else self._run(job)

    def _run(self, job: Job) -> NextStep:
        if job.operation:
            return TO_POLL
        record_queue_age(job, self.context.clock())
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

    def _find(self, job: Job) -> NextStep:
        """Continue a job of a backup that its provider knows; send no create call."""
        found = find_create_call(self.context, self.providers, job)
        if isinstance(found, Submitted):
            return self._record(job, found, self.providers.provider(job))
        return found

    def _fail(self, job: Job, error: UpstreamError, *, begun: bool) -> NextStep:
        """Fail the job; the outcome is unknown after an unanswered create call (`begun`)."""
        if not begun or isinstance(error, OutcomeUnknown):
            return self.context.fail(job, error)
        guaranteed = self.providers.idempotency(job) != "none"
        if guaranteed and error.error_code in ("upstream_account", "upstream_unauthorized"):
            # With a renewed API key or a paid bill the lost create call can still be confirmed.
            self._unconfirmed(job, error)
            return pending(self._delay(job))
        message = f"a create call had no response; since then: {error.message}"
        return self.context.fail(job, OutcomeUnknown(message))

    def _submit(self, job: Job) -> NextStep:
        idempotency, now = self.providers.idempotency(job), self.context.clock()
        check_lease(job, idempotency, now)
        if now > job.accept_until:
            raise _not_accepted_in_time(job)
        if any(entry.url for entry in job.request.inputs):
            return self.fetch_inputs.run(job)
        if needs_lookup(job, idempotency):
            return self._reconcile(job)
        try:
            self.concurrency.check(job)
            return self._begin(job)
        except TooManyJobs as error:
            return self._wait_for_room(job, error)

    def _begin(self, job: Job) -> NextStep:
        """Acquire the lease, send the create call, record the operation.

        The lease is written before the call: a lease without an operation means that a create
        call was begun and that its outcome is unknown.
        """
        admission = self.rate_limiter.admit(job, self.context.waited(job))
        if admission.wait:
            return self._hold(job, admission)
        admitted_at = self.context.clock()
        try:
            call = self.providers.prepare_create(job)
        except UpstreamError as error:  # no lease is held yet
            begun = job.is_submission_unconfirmed
            if error.key_rejected and (
                step := self._retry_with_key(job, error, begun=begun, leased=False)
            ):
                return step
            if not error.retryable or self._moves_on(job, error):
                raise
            self._explain(job, error)
            return self._retry(job, self._delay(job, error.wait_seconds), error)
        if self.context.clock() - admitted_at > SLOW_PREPARATION and (
            paused := self.rate_limiter.paused(job)
        ):
            return self._hold(job, paused)
        leased = self.context.jobs.change(
            job.account, job.id, self._acquire_lease, self.concurrency.maxima(job)
        )
        try:
            step = self._create(leased, call, admission)
        except UpstreamError as error:
            step = self._refused(leased, error, admission)
        if step["status"] == "pending":
            record_retry(leased)
        return step

    def _acquire_lease(self, job: Job) -> Job:
        return acquire_lease(job, self.providers.idempotency(job), self.context.clock())

    def _create(self, job: Job, call: HttpCall, admission: Admission) -> NextStep:
        retry_delay = wait_times.retry_delay(job.submissions, None)
        provider = self.providers.provider(job)  # later, it may have left the catalog
        try:
            submitted = self.providers.create(job, call)
        except (UpstreamUnreachable, UpstreamUnavailable) as error:
            step = self._move_on_or_retry(job, error, retry_delay)
            self.rate_limiter.unanswered(job, error.message)
            return step
        except UpstreamThrottled as error:
            requested = error.wait_seconds
            delay = retry_delay if requested is None else self._delay(job, requested)
            step = self._retry(self._postponed(job, error), delay, error)
            self.rate_limiter.throttle(job.provider, requested)
            self.rate_limiter.answered(job, admission)
            return step
        except (UpstreamNoResponse, UpstreamProtocolError) as error:
            if self.providers.idempotency(job) == "none":
                raise
            self._unconfirmed(job, error)
            if isinstance(error, UpstreamNoResponse):
                self.rate_limiter.unanswered(job, error.message)
            return pending(retry_delay)
        except AwsUnavailable:  # reading the API key or a file failed: nothing was sent
            self.context.update_same(job, Job.postponed)
            return pending(AWS_RETRY_SECONDS)
        step = self._record(job, submitted, provider)
        self.rate_limiter.key_accepted(job, admission)
        self.providers.count_create(job)
        return step

    def _refused(self, job: Job, error: UpstreamError, admission: Admission) -> NextStep:
        """Decide on the leased job: an earlier create call may be unconfirmed."""
        begun = job.submission_unconfirmed_since is not None
        step = None
        if error.key_rejected:
            step = self._retry_with_key(job, error, begun=begun, leased=True)
        step = step or self._fail(job, error, begun=begun)
        self._record_health(job, error, admission)
        return step

    def _record_health(self, job: Job, error: UpstreamError, admission: Admission) -> None:
        """Tell the circuits whether the provider answered, and accepted the API key."""
        if isinstance(error, UpstreamNoResponse):
            self.rate_limiter.unanswered(job, error.message)
        elif isinstance(error, UpstreamRefused | UpstreamModelUnavailable) and (
            error.error_code != "upstream_unauthorized"
        ):
            self.rate_limiter.key_accepted(job, admission)
        else:
            self.rate_limiter.answered(job, admission)

    def _retry_with_key(
        self, job: Job, error: UpstreamError, *, begun: bool, leased: bool
    ) -> NextStep | None:
        """Try again later, as the API key may be under rotation; None if the job should fail.

        The key may be invalid for this model only: the number of tries is limited.
        """
        retries = not (begun or job.fallbacks or job.key_rejections >= len(KEY_RETRY_DELAYS))
        if retries:
            self.context.update_same(
                job,
                lambda current, now: current.key_rejected(
                    now, job_error(error), error.detail, releases_lease=leased
                ),
            )
        self.rate_limiter.key_rejected(job, error.message)
        if not retries:
            return None
        return pending(self._until_deadline(job, KEY_RETRY_DELAYS[job.key_rejections]))

    def _record(self, job: Job, submitted: Submitted, provider: Provider) -> NextStep:
        has_queue = provider.profile.has_queue

        def change(current: Job, now: float) -> Job:
            if current.operation:
                return current
            return current.submitted(
                now,
                submitted.operation,
                submitted.warnings,
                waiting=has_queue and not submitted.started,
                queue_position=submitted.queue_position,
            )

        job = self.context.update(job, with_started_event(change))
        self.context.event_publisher.publish(job)
        return {"status": "submitted", "wait_seconds": self._first_poll_delay(job)}

    def _hold(self, job: Job, admission: Admission) -> NextStep:
        """Wait before the create call, or move to the next model if the provider fails."""
        reason = admission.reason
        if reason and not isinstance(reason, UpstreamThrottled):
            if self._moves_on(job, reason):
                raise reason
            if job.waiting is None or job.waiting.error.code != reason.error_code:
                self._explain(job, reason)
        if isinstance(reason, ProviderPaused):  # it is to begin within a minute of the pause's end
            return pending(self._until_deadline(job, math.ceil(admission.wait)))
        return self._retry(job, self._delay(job, admission.wait), reason)

    def _wait_for_room(self, job: Job, error: TooManyJobs) -> NextStep:
        """Wait until another job of the account has ended."""
        if job.waiting is None or job.waiting.error.code != error.error_code:
            reason = JobError(code=error.error_code, message=error.message)
            self.context.update_same(job, lambda current, now: current.held(now, reason, None))
        return pending(self._delay(job))

    def _moves_on(self, job: Job, error: UpstreamError) -> bool:
        """Whether the next model is tried at once; a provider that throttles is awaited a while."""
        if isinstance(error, UpstreamThrottled) or job.is_submission_unconfirmed:
            return False
        return self.context.can_fail_over(job, error)

    def _move_on_or_retry(self, job: Job, error: UpstreamError, delay: int) -> NextStep:
        """Decide on a leased job after a create call that created nothing."""
        if self.context.can_fail_over(job, error):
            return self.context.fail(job, error)
        requested = error.wait_seconds
        delay = delay if requested is None else self._delay(job, requested)
        return self._retry(self._postponed(job, error), delay, error)

    def _postponed(self, job: Job, error: UpstreamError) -> Job:
        return self.context.update_same(
            job, lambda current, now: current.postponed(now, job_error(error), error.detail)
        )

    def _unconfirmed(self, job: Job, error: UpstreamError) -> Job:
        return self.context.update_same(
            job,
            lambda current, now: current.submission_unconfirmed(
                now, job_error(error), error.detail
            ),
        )

    def _explain(self, job: Job, error: UpstreamError) -> Job:
        """Record why no create call is sent, without a lease."""
        return self.context.update_same(
            job, lambda current, now: current.held(now, job_error(error), error.detail)
        )

    def _retry(self, job: Job, delay: int, error: UpstreamError | None = None) -> NextStep:
        """Try again after `delay` seconds: no create call has created anything.

        A job with a fallback waits for a limited time; with its own pace only if the model has one.
        """
        remaining = self.context.queue_seconds_left(job, ACCEPT_SECONDS if error else None)
        if remaining is None:
            return pending(delay)
        if remaining < 0:
            raise queued_too_long(error) from error
        return pending(wait_times.whole_seconds(remaining + 1, delay))

    def _delay(self, job: Job, requested_seconds: float | None = None) -> int:
        """Return seconds until the next try; each one costs events of the execution's history."""
        delay = wait_times.next_poll_delay(
            self.context.waited(job), requested_seconds, MIN_RETRY_DELAY
        )
        return self._until_deadline(job, delay)

    def _until_deadline(self, job: Job, delay: int) -> int:
        """Return the delay, or the shorter time until the job's deadline."""
        return wait_times.whole_seconds(job.accept_until - self.context.clock() + 1, delay)

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
            failure_log.report(job, "lookup", error)
            return pending(self._delay(job, error.wait_seconds))
        if found:
            return self._record(job, found, provider)
        if is_absent(job, self.context.clock()):
            self.context.update(job, confirm_absent(job))
        return pending(self._delay(job))

    def _first_poll_delay(self, job: Job) -> int:
        """Poll a waiting job early, to see its beginning."""
        delay = wait_times.typical_delay(job, self.timings, self.context.catalogs)
        return delay if job.has_begun else min(delay, wait_times.MAX_QUEUED_DELAY)


def _not_accepted_in_time(job: Job) -> UpstreamError:
    """Return the error of a job at its deadline, with the latest reason of its wait."""
    message = "no provider accepted the job in time"
    if job.waiting is None:
        return UpstreamError(message, code="upstream_timeout")
    return UpstreamError(
        f"{message}: {job.waiting.error.message}",
        code="upstream_timeout",
        upstream_code=job.waiting.error.upstream_code,
        detail=job.waiting.detail,
    )
