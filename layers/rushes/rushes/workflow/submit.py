"""Hand a job to its provider: at most one film for it, whatever happens around the create call."""

from dataclasses import replace

from typing_extensions import override

from rushes.errors import (
    AwsUnavailable,
    UpstreamError,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnreachable,
    WriteConflict,
)
from rushes.jobs.events import started
from rushes.jobs.job import Job
from rushes.jobs.status import UpstreamCancelled
from rushes.ports import Change, HttpCall
from rushes.providers.base import Submitted, SupportsLookup, SupportsUpload
from rushes.workflow import wait_times
from rushes.workflow.fetch_inputs import fetched
from rushes.workflow.rate_limiter import RateLimiter
from rushes.workflow.reconcile import look_through
from rushes.workflow.task import STORE_TROUBLE_WAIT, Outcome, Step, pending, queued_too_long

LEASE_SECONDS = 150.0
"""Longer than a create call may take from its claim on: after it, the call is surely over."""
SHORTEST_WAIT = 2.0
SEARCH_SECONDS = 900.0
"""What is not listed by then was not made: more than twice as long as a create call may take, and
ten minutes by which two functions' clocks may differ."""


class LeaseHeld(WriteConflict):
    """Another invocation may be making the create call at this moment."""

    def __init__(self, seconds: float) -> None:
        super().__init__("a create call may be on its way")
        self.seconds = seconds


class OutcomeUnknown(UpstreamError):
    code = "upstream_outcome_unknown"


class Submit(Step):
    @override
    def take(self, job: Job) -> Outcome:
        if job.operation:
            return {"status": "submitted", "wait_seconds": 1}
        if job.cancel_requested_at and not job.is_submission_unconfirmed:
            return self.end(
                job,
                lambda current: current.cancelled_by_client(self.clock(), UpstreamCancelled.YES),
            )
        try:
            return self._submit(job)
        except LeaseHeld as held:
            return pending(wait_times.whole(held.seconds, LEASE_SECONDS))
        except UpstreamError as error:
            return self._give_up(job, error, begun=job.is_submission_unconfirmed)

    @property
    def rate_limiter(self) -> RateLimiter:
        return RateLimiter(self.rate_limits, self.catalog, self.clock)

    def _give_up(self, job: Job, error: UpstreamError, *, begun: bool) -> Outcome:
        """`begun`: a create call before this one was not answered; no refusal proves anything."""
        if not begun or isinstance(error, OutcomeUnknown):
            return self.fail_with(job, error)
        vouched_for = self._capability(job) != "none"
        if vouched_for and error.error_code == "upstream_unauthorized":
            # The key may be renewed, and then the lost call be asked after.
            self.change(job, lambda current: current.unsure(self.clock()))
            return pending(self._later(job))
        told = f"a create call was not answered; since then: {error.message}"
        return self.fail_with(job, OutcomeUnknown(told))

    def _submit(self, job: Job) -> Outcome:
        """Claim the job, make the call, note the operation.

        The claim is written before the call: whoever finds one without an operation knows that
        a create call was begun, and that nobody can tell what became of it.
        """
        self._check_lease(job)
        if self.clock() > job.deadline_at:
            raise UpstreamError("no provider took the job in time", code="upstream_timeout")
        if any(it.url for it in job.request.inputs):
            return self._fetch(job)
        if self._is_searched(job):
            return self._search(job)
        return self._begin(job)

    def _begin(self, job: Job) -> Outcome:
        if wait := self.rate_limiter.wait(job):
            return self._held_back(job, wait)
        try:
            call = self._prepare(job)
        except UpstreamError as error:
            return self._not_ready(job, error)
        claimed = self.jobs.change(job.account, job.id, self._claim)
        try:
            return self._create(claimed, call)
        except UpstreamError as error:  # told of the job as it was claimed: it may be unsure since
            return self._give_up(
                claimed, error, begun=claimed.submission_unconfirmed_since is not None
            )

    def _create(self, job: Job, call: HttpCall) -> Outcome:
        try:
            submitted = self._call(job, call)
        except UpstreamUnreachable as error:
            return self._postponed(job, error, wait_times.retry_wait(job.submissions, None))
        except UpstreamThrottled as error:
            asked = error.wait_seconds
            unasked = wait_times.retry_wait(job.submissions, None)
            outcome = self._postponed(
                job, error, unasked if asked is None else self._later(job, asked)
            )
            self.rate_limiter.hold(job.provider, asked)
            return outcome
        except UpstreamRefused as error:
            if error.key_refused:
                self.rate_limiter.close(job.provider, error.message)
            raise
        except (UpstreamNoResponse, UpstreamProtocolError):
            if self._capability(job) == "none":
                raise
            self.change(job, lambda current: current.unsure(self.clock()))
            return pending(wait_times.retry_wait(job.submissions, None))
        except AwsUnavailable:  # the key or a file could not be read: nothing was sent
            self.change(job, lambda current: current.postponed(self.clock()))
            return pending(STORE_TROUBLE_WAIT)
        return self._taken(job, submitted)

    def _taken(self, job: Job, submitted: Submitted) -> Outcome:
        def note(current: Job) -> Job:
            if current.operation:
                return current
            running = current.submitted(self.clock(), submitted.operation, submitted.warnings)
            if any(attempt.operation for attempt in current.attempts):  # that was told already
                return running
            return running.with_event(started(running).model_dump(mode="json"))

        job = self.change(job, note)
        self.publish(job)
        return {"status": "submitted", "wait_seconds": self._first_wait(job)}

    def _postponed(self, job: Job, error: UpstreamError, wait: int) -> Outcome:
        """The call surely made nothing; another one may be made later."""
        postponed = self.change(job, lambda current: current.postponed(self.clock()))
        if self.has_waited_enough(postponed):
            raise queued_too_long() from error
        return pending(wait)

    def _not_ready(self, job: Job, error: UpstreamError) -> Outcome:
        """The create call could not even be made ready: nothing is claimed."""
        if not error.retryable:
            raise error
        if self.has_waited_enough(job):
            raise queued_too_long() from error
        return pending(self._later(job, error.wait_seconds))

    def _held_back(self, job: Job, wait: float) -> Outcome:
        if self.has_waited_enough(job):
            raise queued_too_long()
        return pending(self._later(job, wait))

    def _later(self, job: Job, asked_seconds: float | None = None) -> int:
        """Seconds until another look is worth its place in the execution's history."""
        return wait_times.next_wait(self.waited(job), asked_seconds, SHORTEST_WAIT)

    def _capability(self, job: Job) -> str:
        entry = self.catalog.providers.get(job.provider)
        return entry.idempotency if entry else "none"

    def _check_lease(self, job: Job) -> None:
        if not job.lease_until:
            return
        if job.lease_until > self.clock():
            raise LeaseHeld(job.lease_until - self.clock())
        if self._capability(job) == "none":
            raise OutcomeUnknown(
                "a create call was begun and its outcome is not known; it is not made again"
            )

    def _claim(self, job: Job) -> Job:
        """The claim, decided on the job as stored now: others may have been at it meanwhile."""
        self._check_lease(job)
        if job.operation or job.has_outcome or self._is_searched(job):
            raise WriteConflict("another execution has taken the job further")
        if job.cancel_requested_at and not job.is_submission_unconfirmed:
            raise WriteConflict("its client has called it off")
        return job.submitting(self.clock(), LEASE_SECONDS)

    def _is_searched(self, job: Job) -> bool:
        """Whether a create call was begun that the provider has to be looked through for."""
        return job.is_submission_unconfirmed and self._capability(job) == "lookup"

    def _search(self, job: Job) -> Outcome:
        provider = self.provider(job)
        if not isinstance(provider, SupportsLookup):
            raise OutcomeUnknown(f"{job.provider} cannot be searched, though its entry says so")
        try:
            found = look_through(self.http_client, self.upstreams.find(job.provider), provider, job)
        except UpstreamError as error:
            return pending(self._later(job, error.wait_seconds))
        if found:
            return self._taken(job, found)
        begun = job.submission_unconfirmed_since or ((job.lease_until or 0.0) - LEASE_SECONDS)
        if self.clock() - begun > SEARCH_SECONDS:
            self.change(job, self._absent(job))
        return pending(self._later(job))

    def _absent(self, searched: Job) -> Change:
        """Of the call that was searched for; another execution may have begun one since."""

        def change(job: Job) -> Job:
            same_call = job.submissions == searched.submissions
            return job.confirmed_absent(self.clock()) if same_call else job

        return change

    def _prepare(self, job: Job) -> HttpCall:
        """The create call; where the provider wants the file beforehand, it is put there."""
        provider, upstream = self.provider(job), self.upstreams.find(job.provider)
        if isinstance(provider, SupportsUpload) and (ask := provider.upload_url_request(job)):
            address = provider.parse_upload_url(self.http_client.send(upstream, ask))
            self.http_client.put(address, next(it.file for it in job.request.inputs if it.file))
            return provider.submit_request_with_upload(job, address)
        return provider.submit(job)

    def _call(self, job: Job, call: HttpCall) -> Submitted:
        """The one place where a provider is made to start something that costs money."""
        upstream = self.upstreams.find(job.provider)
        if self._capability(job) == "key":
            call = replace(call, headers={**call.headers, "idempotency-key": job.create_key})
        reply = self.http_client.send(upstream, call)
        if reply.status == 409 and self._capability(job) == "key":
            raise UpstreamThrottled("the provider is still answering the same call")
        return self.provider(job).submitted(reply)

    def _first_wait(self, job: Job) -> int:
        timing = self.timings.get(wait_times.timing_key(job))
        model = self.model(job.model or job.request.model)
        return wait_times.first_wait(timing, model.typical_seconds if model else wait_times.LONGEST)

    def _fetch(self, job: Job) -> Outcome:
        """Get what the request points at into the bucket, in a run of its own.

        It may take long, and the create call must have all of a function's time before it.
        """
        inputs = fetched(job, self.http_client, self.blobs)
        self.change(job, lambda current: current.fetched(self.clock(), inputs))
        return pending(1)
