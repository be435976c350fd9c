"""A delivery's body, with the job looked up where its words are about the result."""

from dataclasses import dataclass

from rushes.dialects.base import JobView
from rushes.jobs.content_type import EXTENSIONS
from rushes.jobs.job import Job
from rushes.jobs.result import Artifact
from rushes.ports import Blobs, Clock, Jobs
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.payloads import body_of


@dataclass(frozen=True)
class PayloadRenderer:
    jobs: Jobs
    blobs: Blobs
    clock: Clock

    def __call__(self, delivery: Delivery) -> bytes:
        text = body_of(delivery.event, delivery.format, lambda: self._look(delivery))
        return text.encode()

    def _look(self, delivery: Delivery) -> JobView | None:
        """The job, for as long as its files are there."""
        job = self.jobs.get(delivery.account, delivery.job_id) if delivery.job_id else None
        if job is None or job.deleted_at or (job.expires_at and job.expires_at < self.clock()):
            return None
        return JobView(
            job=job,
            link=lambda it: self.blobs.link(it, _filename(job, it)),
            read=lambda it: self.blobs.read(it.key),
            base_url="",
        )


def _filename(job: Job, artifact: Artifact) -> str:
    return f"{job.id}.{EXTENSIONS.get(artifact.content_type, 'bin')}"
