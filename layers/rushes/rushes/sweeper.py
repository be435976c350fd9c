"""What looks after forgotten jobs: never started, or left behind by their execution."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.job import Job
from rushes.ports import Change, Clock, Executions, Jobs

UNTOUCHED_SECONDS = 60.0
BATCH = 500

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Sweeper:
    jobs: Jobs
    executions: Executions
    clock: Clock

    def sweep(self) -> int:
        """Repair what needs it; gives how many jobs that was. Any number may run at once."""
        forgotten = self.jobs.untouched_since(self.clock() - UNTOUCHED_SECONDS, BATCH)
        return sum(self._repaired(job) for job in forgotten)

    def _repaired(self, job: Job) -> bool:
        """One job's trouble keeps no other from being looked at."""
        try:
            return self._repair(job)
        except RushesError as error:
            logger.warning("not repaired", job_id=job.id, reason=error.message)
            return False

    def _repair(self, job: Job) -> bool:
        running = self.executions.is_running(job)
        if running:
            self.jobs.change(job.account, job.id, self._seen_running)
            return False
        if running is False:
            job = self.jobs.change(job.account, job.id, self._restarted(job))
        if job.is_finished:  # it was listed as open by an index that lags behind
            return False
        self.executions.start(job)
        logger.warning("repaired", job_id=job.id, execution=job.execution_name)
        return True

    def _seen_running(self, job: Job) -> Job:
        """It goes to the end of the line, or silent jobs would hide the others."""
        return job if job.is_finished else job.seen_running(self.clock())

    def _restarted(self, seen: Job) -> Change:
        def change(job: Job) -> Job:
            changed_since = job.is_finished or job.executions != seen.executions
            return job if changed_since else job.restarted(self.clock())

        return change
