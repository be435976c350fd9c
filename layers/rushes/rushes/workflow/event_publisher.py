"""Publish a job's events from its outbox to the event bus."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.jobs.job import Job
from rushes.ports import Bus, Clock
from rushes.ports.jobs import Jobs
from rushes.workflow.log_events import EVENTS_NOT_PUBLISHED, EVENTS_REJECTED

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class EventPublisher:
    """Delivers at least once: the sweeper publishes again after a failure."""

    jobs: Jobs
    bus: Bus
    clock: Clock

    def publish(self, job: Job) -> bool:
        """Return whether the outbox is empty now; rejected events stay in it."""
        if not job.outbox:
            return True
        try:
            rejected = self.bus.put(job.outbox)
            published = tuple(
                event for index, event in enumerate(job.outbox) if index not in rejected
            )
            if published:
                self.jobs.change(
                    job.account, job.id, lambda current: current.published(self.clock(), published)
                )
        except RushesError as error:
            logger.warning(EVENTS_NOT_PUBLISHED, job_id=job.id, reason=error.message)
            return False
        if rejected:
            logger.warning(EVENTS_REJECTED, job_id=job.id, count=len(rejected))
        return not rejected
