"""Repair jobs that were never started, lost their execution or have unpublished events."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import CorruptRecord, RushesError
from rushes.jobs.job import Job
from rushes.metrics import CORRUPT_RECORD, Metric, count
from rushes.ports import Clock
from rushes.ports.jobs import Change, Executions, Jobs
from rushes.ports.storage import Blobs
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.log_events import EXECUTION_RESTARTED, JOB_NOT_REPAIRED

BATCH = 500

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Sweeper:
    jobs: Jobs
    blobs: Blobs
    executions: Executions
    event_publisher: EventPublisher
    clock: Clock

    def sweep(self) -> int:
        """Repair due jobs and return their number; any number of sweepers may run at once."""
        return sum(self._try_repair(job) for job in self.jobs.due(self.clock(), BATCH))

    def reconcile_job(self, account: str, job_id: str) -> int:
        """Repair one job after Step Functions reported that its execution failed."""
        try:
            job = self.jobs.get(account, job_id)
        except CorruptRecord as error:
            logger.error(  # noqa: TRY400
                CORRUPT_RECORD, item=f"{account}#{job_id}", reason=error.message
            )
            count(Metric.CORRUPT_RECORD)
            return 0
        return int(job is not None and job.next_check_at is not None and self._try_repair(job))

    def _try_repair(self, job: Job) -> bool:
        """Log an error and go on with the next job."""
        try:
            return self._repair(job)
        except RushesError as error:
            logger.warning(JOB_NOT_REPAIRED, job_id=job.id, reason=error.message)
            return False

    def _repair(self, job: Job) -> bool:
        published = bool(job.outbox) and self.event_publisher.publish(job)
        if job.needs_execution:
            return self._ensure_execution(job) or published
        return self._purge(job) or published

    def _purge(self, job: Job) -> bool:
        """Delete a deleted job's files again, now that no function can be storing any."""
        if job.purge_at is None or job.purge_at > self.clock():
            return False
        for folder in job.folders:
            self.blobs.delete(folder)
        self.jobs.change(job.account, job.id, lambda current: current.purged(self.clock()))
        return True

    def _ensure_execution(self, job: Job) -> bool:
        running = self.executions.is_running(job)
        if running:
            self.jobs.change(job.account, job.id, self._mark_running)
            return False
        if running is False:
            job = self.jobs.change(job.account, job.id, self._restart(job))
        if not job.needs_execution:  # the index that listed it is eventually consistent
            return False
        self.executions.start(job)
        logger.warning(EXECUTION_RESTARTED, job_id=job.id, execution=job.execution_name)
        return True

    def _mark_running(self, job: Job) -> Job:
        """Move the job to the end of the due index, so that it does not hide the others."""
        return job.mark_running(self.clock()) if job.needs_execution else job

    def _restart(self, seen: Job) -> Change:
        def change(job: Job) -> Job:
            changed_since = not job.needs_execution or job.executions != seen.executions
            return job if changed_since else job.restarted(self.clock())

        return change
