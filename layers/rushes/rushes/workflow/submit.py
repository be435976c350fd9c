"""Hand a job to its provider: at most one create call, whatever happens around it."""

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
from rushes.providers.base import Submitted
from rushes.workflow.step import STORE_TROUBLE_WAIT, Outcome, Step, pending

LEASE_SECONDS = 150.0
"""Longer than the submit function may run: after it, a create call is surely over."""
IMAGE_BYTES = 20 * 1024 * 1024


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
        ready = self._with_image(job)
        claimed = self.jobs.change(job.account, job.id, self._claim)
        try:
            submitted = self._create(ready)
        except (UpstreamUnreachable, UpstreamBusy) as error:
            self.change(job, lambda current: current.postponed(self.clock()))
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

    def _create(self, job: Job) -> Submitted:
        """The one place where a provider is made to start something that costs money."""
        provider = self.provider(job)
        upstream = self.upstreams.find(job.provider)
        return provider.submitted(self.egress.send(upstream, provider.submit(job)))

    def _first_wait(self, job: Job) -> int:
        timing = self.timings.get(pace.kind_of(job))
        try:
            typical = self.catalog.find(job.request.model).typical_seconds
        except UnknownModel:  # it has left the catalog since, but the provider has begun
            typical = pace.LONGEST
        return pace.first_wait(timing, typical)

    def _with_image(self, job: Job) -> Job:
        """The job with the picture at `image_url` fetched into the bucket."""
        url = job.request.image_url
        if not url:
            return job
        upload = self.egress.fetch(url, IMAGE_BYTES)
        if not media.is_image(media.sniff(upload.content)):
            raise BadInputFile("what input_reference points to is not an image")
        file = self.blobs.put(f"inputs/{job.account}/{job.id}/image", upload)
        return job.model_copy(update={"request": job.request.model_copy(update={"image": file})})
