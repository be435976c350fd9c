"""Put a job's events on the bus: they are in its row until they surely are."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.jobs.job import Job
from rushes.ports import Bus, Clock, Jobs

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class EventPublisher:
    """What breaks off here is taken up by the sweeper: an event may be said twice, never less."""

    jobs: Jobs
    bus: Bus
    clock: Clock

    def __call__(self, job: Job) -> bool:
        """Whether nothing is left to be announced. Events that are refused stay where they are."""
        if not job.outbox:
            return True
        try:
            refused = self.bus.put(job.outbox)
            said = tuple(it for index, it in enumerate(job.outbox) if index not in refused)
            if said:
                self.jobs.change(
                    job.account, job.id, lambda current: current.published(self.clock(), said)
                )
        except RushesError as error:
            logger.warning("not announced yet", job_id=job.id, reason=error.message)
            return False
        if refused:
            logger.warning("not all announced yet", job_id=job.id, refused=len(refused))
        return not refused
