"""Publish a job's events from its outbox to the event bus."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.jobs.epoch import FIRST_EPOCH, Epoch
from rushes.jobs.events import log_fields
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
    epoch: Epoch = FIRST_EPOCH

    def publish(self, job: Job) -> bool:
        """Return whether the outbox is empty now; rejected events stay in it."""
        if not job.outbox:
            return True
        try:
            rejected = self.bus.put(self._events(job))
            published = tuple(
                event for index, event in enumerate(job.outbox) if index not in rejected
            )
            if published:
                self.jobs.change(
                    job.account, job.id, lambda current: current.published(self.clock(), published)
                )
        except RushesError as error:
            logger.warning(EVENTS_NOT_PUBLISHED, **job.log_fields, reason=error.message)
            return False
        if rejected:
            logger.warning(EVENTS_REJECTED, **job.log_fields, count=len(rejected))
        return not rejected

    def publish_once(self, event: dict[str, Any]) -> None:
        """Publish an event that is in no outbox: it may be lost."""
        try:
            rejected = self.bus.put([event])
        except RushesError as error:
            logger.warning(EVENTS_NOT_PUBLISHED, **log_fields(event), reason=error.message)
            return
        if rejected:
            logger.warning(EVENTS_REJECTED, **log_fields(event), count=len(rejected))

    def _events(self, job: Job) -> tuple[dict[str, Any], ...]:
        """Mark the events of a job of a backup: they may have been published since it was made."""
        if self.epoch.has(job.epoch):
            return job.outbox
        return tuple(
            {**event, "data": {**event.get("data", {}), "is_restored": True}}
            for event in job.outbox
        )
