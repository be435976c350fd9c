"""Ask a provider once how a job stands, and decide what follows from it."""

from typing import Any

from aws_lambda_powertools import Logger
from pydantic_core import from_json, to_json
from typing_extensions import override

from rushes.errors import UnknownUpstreamStatus, UpstreamError
from rushes.jobs.job import Job, folder_of
from rushes.jobs.request import StoredFile
from rushes.jobs.status import UpstreamCancelled
from rushes.providers.base import (
    Cancels,
    Failed,
    Pending,
    PollResult,
    Succeeded,
)
from rushes.workflow.task import Outcome, Step, pending, queued_too_long

DOCUMENT_BYTES = 128 * 1024
PATIENCE_SECONDS = 300.0
"""How long a provider may answer nonsense about a job before the job fails."""


logger = Logger(service="rushes", child=True)


class Poll(Step):
    @override
    def take(self, job: Job) -> Outcome:
        if job.operation is None:  # the next candidate is to have it, and the answer was lost
            return {"status": "resubmit", "wait_seconds": 1}
        if job.cancel_requested_at:
            upstream = self._stop_upstream(job)
            return self.end(
                job, lambda current: current.cancelled_by_client(self.clock(), upstream)
            )
        if self.clock() > job.deadline_at and not job.generated_at:
            self._stop_upstream(job)
            allowed = job.deadline_at - job.created_at
            late = f"the provider did not finish within {allowed:.0f} s"
            return self.fail_with(job, UpstreamError(late, code="upstream_timeout"))
        try:
            result = self.ask(job)
        except UpstreamError as error:
            return self._trouble(job, error)
        return self._follow(job, result)

    def _follow(self, job: Job, result: PollResult) -> Outcome:
        match result:
            case Pending(queued=True) if self.has_waited_enough(job) and self._stopped(job):
                return self.fail_with(job, queued_too_long())
            case Pending():
                self._note_progress(job, result.progress or 0)
                shortest = self.provider(job).profile.shortest_wait
                return pending(self.wait(job, result.wait_seconds, shortest))
            case Succeeded():
                document = self._kept(job, result.document)
                self.change(
                    job,
                    lambda current: current.generated(
                        self.clock(), result.outputs, result.cost, document
                    ),
                )
                return {"status": "succeeded", "wait_seconds": 0}
            case Failed():
                return self.fail(job, result.error)

    def _kept(
        self, job: Job, document: dict[str, Any] | None
    ) -> dict[str, Any] | StoredFile | None:
        """The document, or where it was put because the job's row cannot hold it."""
        if document is None:
            return None
        content = to_json(document, inf_nan_mode="null")  # speech models do tell NaN
        if len(content) <= DOCUMENT_BYTES:
            plain: dict[str, Any] = from_json(content)
            return plain
        return self.keep_document(folder_of(job, "outputs"), content)

    def _note_progress(self, job: Job, progress: int) -> None:
        """Write only what is news: a poll that learns nothing costs no write."""
        if progress > job.progress or job.failing_since:
            self.change(job, lambda current: current.progressed(self.clock(), progress))

    def _trouble(self, job: Job, error: UpstreamError) -> Outcome:
        """Bad moments pass; nonsense and refusals are borne for a while.

        The render is running and paid for: a key that is being exchanged, or a secret that somebody
        is writing, must not end it. A status that we do not know may be a new word for a stage on
        the way: only the deadline ends that.
        """
        wait = pending(self.wait(job, error.wait_seconds))
        if error.retryable:
            return wait
        failing_response = self.change(
            job, lambda current: current.failing_response(self.clock(), error.message)
        )
        if isinstance(error, UnknownUpstreamStatus):
            logger.warning("unknown status", job_id=job.id, provider=job.provider)
            return wait
        since = failing_response.failing_since or self.clock()
        return self.fail_with(job, error) if self.clock() - since > PATIENCE_SECONDS else wait

    def _stop_upstream(self, job: Job) -> UpstreamCancelled:
        """Tell the provider to stop, where it can; what came of it is noted on the job."""
        try:
            note, cancelled = self._cancel(job)
        except UpstreamError as error:
            note = f"the provider could not be told to stop: {error.message}"
            cancelled = UpstreamCancelled.NO
        self.change(job, lambda current: current.warned(self.clock(), note))
        return cancelled

    def _stopped(self, job: Job) -> bool:
        """Whether the provider has surely let go of the job."""
        try:
            return self._cancel(job)[1] is UpstreamCancelled.YES
        except UpstreamError:
            return False

    def _cancel(self, job: Job) -> tuple[str, UpstreamCancelled]:
        provider = self.provider(job)
        if not isinstance(provider, Cancels):
            return "the provider cannot be told to stop", UpstreamCancelled.UNSUPPORTED
        upstream = self.upstreams.find(job.provider)
        reply = self.http_client.send(upstream, provider.cancel(job.operation or {}))
        if reply.status >= 300:
            note = f"the provider was told to stop and answered {reply.status}"
            return note, UpstreamCancelled.NO
        if reply.status in (200, 204):
            return "the provider was told to stop", UpstreamCancelled.YES
        return "the provider was asked to stop", UpstreamCancelled.NO

    @override
    def take_late(self, job: Job) -> Outcome:
        if self.clock() > (job.track_until or 0):
            return self.settle(job, lambda current: current.given_up(self.clock(), stopped=False))
        try:
            result = self.ask(job)
        except UpstreamError as error:
            return pending(self.wait(job, error.wait_seconds))
        match result:
            case Pending():
                return pending(self.wait(job, result.wait_seconds))
            case Succeeded():
                return {"status": "succeeded", "wait_seconds": 0}
            case Failed():
                return self.settle(
                    job, lambda current: current.given_up(self.clock(), stopped=True)
                )
