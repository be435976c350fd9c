"""What looks after jobs: never started, left behind by their execution, ended but not announced."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import CorruptRecord, RushesError
from rushes.jobs.job import Job
from rushes.ports import Blobs, Change, Clock, Executions, Jobs
from rushes.workflow.event_publisher import EventPublisher

BATCH = 500

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Sweeper:
    jobs: Jobs
    blobs: Blobs
    executions: Executions
    publish: EventPublisher
    clock: Clock

    def sweep(self) -> int:
        """Repair what needs it; gives how many jobs that was. Any number may run at once."""
        return sum(self._repaired(job) for job in self.jobs.due(self.clock(), BATCH))

    def look_after(self, account: str, job_id: str) -> int:
        """The same for one job, whose execution is said to have broken off."""
        try:
            job = self.jobs.get(account, job_id)
        except CorruptRecord as error:
            logger.error("damaged", row=f"{account}#{job_id}", reason=error.message)  # noqa: TRY400
            return 0
        return int(job is not None and job.next_check_at is not None and self._repaired(job))

    def _repaired(self, job: Job) -> bool:
        """One job's trouble keeps no other from being looked at."""
        try:
            return self._repair(job)
        except RushesError as error:
            logger.warning("not repaired", job_id=job.id, reason=error.message)
            return False

    def _repair(self, job: Job) -> bool:
        published = bool(job.outbox) and self.publish(job)
        if job.needs_execution:
            return self._keep_running(job) or published
        return self._purge(job) or published

    def _purge(self, job: Job) -> bool:
        """Once more, now that nobody can be storing anything for a deleted job."""
        if job.purge_at is None or job.purge_at > self.clock():
            return False
        for folder in job.folders:
            self.blobs.delete(folder)
        self.jobs.change(job.account, job.id, lambda current: current.purged(self.clock()))
        return True

    def _keep_running(self, job: Job) -> bool:
        running = self.executions.is_running(job)
        if running:
            self.jobs.change(job.account, job.id, self._seen_running)
            return False
        if running is False:
            job = self.jobs.change(job.account, job.id, self._restarted(job))
        if not job.needs_execution:  # it was listed by an index that lags behind
            return False
        self.executions.start(job)
        logger.warning("repaired", job_id=job.id, execution=job.execution_name)
        return True

    def _seen_running(self, job: Job) -> Job:
        """It goes to the end of the line, or silent jobs would hide the others."""
        return job.mark_running(self.clock()) if job.needs_execution else job

    def _restarted(self, seen: Job) -> Change:
        def change(job: Job) -> Job:
            changed_since = not job.needs_execution or job.executions != seen.executions
            return job if changed_since else job.restarted(self.clock())

        return change
