"""Hand a job to its provider: at most one create call, whatever happens around it."""

from dataclasses import replace

from typing_extensions import override

from rushes import media, pace
from rushes.errors import (
    BadInputFile,
    StoreUnavailable,
    UnknownModel,
    UpstreamBusy,
    UpstreamError,
    UpstreamUnreachable,
    WriteConflict,
)
from rushes.job import Job
from rushes.ports import HttpCall
from rushes.providers.base import Submitted, TakesUploads
from rushes.request import Input, family_of
from rushes.workflow.step import STORE_TROUBLE_WAIT, Outcome, Step, pending, queued_too_long

LEASE_SECONDS = 150.0
"""Longer than the submit function may run: after it, a create call is surely over."""
INPUT_BYTES = 50 * 1024 * 1024


class LeaseHeld(WriteConflict):
    """Another invocation may be making the create call at this moment."""

    def __init__(self, seconds: float) -> None:
        super().__init__("a create call may be on its way")
        self.seconds = seconds


class Submit(Step):
    @override
    def take(self, job: Job) -> Outcome:
        if job.operation:
            return {"status": "submitted", "wait_seconds": 1}
        if job.cancel_requested_at and not job.lease_until:
            return self.end(job, lambda current: current.called_off(self.clock()))
        try:
            return self._submit(job)
        except LeaseHeld as held:
            return pending(pace.whole(held.seconds, LEASE_SECONDS))
        except UpstreamError as error:
            return self.doom(job, error)

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
        try:
            call = self._prepare(job)
        except UpstreamError as error:
            return self._not_ready(job, error)
        claimed = self.jobs.change(job.account, job.id, self._claim)
        try:
            submitted = self._create(job, call)
        except (UpstreamUnreachable, UpstreamBusy) as error:
            self.change(job, lambda current: current.postponed(self.clock()))
            if self.has_waited_enough(job):
                raise queued_too_long() from error
            return pending(pace.retry_wait(claimed.submissions, error.wait_seconds))
        except StoreUnavailable:  # the key or a file could not be read: nothing was sent
            self.change(job, lambda current: current.postponed(self.clock()))
            return pending(STORE_TROUBLE_WAIT)
        self.change(
            job,
            lambda current: current.submitted(
                self.clock(), submitted.operation, submitted.warnings
            ),
        )
        return {"status": "submitted", "wait_seconds": self._first_wait(job)}

    def _not_ready(self, job: Job, error: UpstreamError) -> Outcome:
        """The create call could not even be made ready: nothing is claimed."""
        if not error.retryable:
            raise error
        if self.has_waited_enough(job):
            raise queued_too_long() from error
        waited = self.clock() - (job.attempt_at or job.created_at)
        return pending(pace.next_wait(waited, error.wait_seconds, 2.0))

    def _check_lease(self, job: Job) -> None:
        if not job.lease_until:
            return
        if job.lease_until > self.clock():
            raise LeaseHeld(job.lease_until - self.clock())
        raise UpstreamError(
            "a create call was begun and its outcome is not known; it is not made again",
            code="upstream_outcome_unknown",
        )

    def _claim(self, job: Job) -> Job:
        """The claim, decided on the job as stored now: others may have been at it meanwhile."""
        self._check_lease(job)
        if job.operation or job.is_decided or job.cancel_requested_at:
            raise WriteConflict("another execution has taken the job further")
        return job.submitting(self.clock(), LEASE_SECONDS)

    def _prepare(self, job: Job) -> HttpCall:
        """The create call; where the provider wants the file beforehand, it is put there."""
        provider, upstream = self.provider(job), self.upstreams.find(job.provider)
        if isinstance(provider, TakesUploads) and (ask := provider.ask_address(job)):
            address = provider.read_address(self.egress.send(upstream, ask))
            self.egress.put(address, next(it.file for it in job.request.inputs if it.file))
            return provider.submit_uploaded(job, address)
        return provider.submit(job)

    def _create(self, job: Job, call: HttpCall) -> Submitted:
        """The one place where a provider is made to start something that costs money."""
        upstream = self.upstreams.find(job.provider)
        return self.provider(job).submitted(self.egress.send(upstream, call))

    def _first_wait(self, job: Job) -> int:
        timing = self.timings.get(pace.kind_of(job))
        try:
            typical = self.catalog.find(job.model or job.request.model).typical_seconds
        except UnknownModel:  # it has left the catalog since, but the provider has begun
            typical = pace.LONGEST
        return pace.first_wait(timing, typical)

    def _fetch(self, job: Job) -> Outcome:
        """Get what the request points at into the bucket, in a run of its own.

        It may take long, and the create call must have all of a function's time before it.
        """
        inputs = tuple(
            self._fetched(job, number, it) if it.url else it
            for number, it in enumerate(job.request.inputs)
        )
        self.change(job, lambda current: current.fetched(self.clock(), inputs))
        return pending(1)

    def _fetched(self, job: Job, number: int, wanted: Input) -> Input:
        upload = self.egress.fetch(wanted.url or "", INPUT_BYTES)
        kind = media.sniff(upload.content)
        if kind is None or media.family(kind) != family_of(wanted.role):
            raise BadInputFile(f"what {wanted.role.value} points to is no {family_of(wanted.role)}")
        key = f"inputs/{job.account}/{job.id}/{number}"
        return Input(role=wanted.role, file=self.blobs.put(key, replace(upload, content_type=kind)))
