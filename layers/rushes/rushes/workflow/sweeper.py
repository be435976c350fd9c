"""Repair jobs that were never started, lost their execution or have unpublished events."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

from aws_lambda_powertools import Logger

from rushes.errors import CorruptRecord, RushesError
from rushes.fair_order import in_turns
from rushes.jobs.job import Job
from rushes.metrics import CORRUPT_RECORD, Metric, count
from rushes.ports import Clock
from rushes.ports.jobs import Change, Executions, Jobs
from rushes.ports.storage import Blobs
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.log_events import EXECUTION_RESTARTED, JOB_NOT_REPAIRED

BATCH, SHARE = 250, 25
"""Due jobs that are read, and that are repaired before those of other accounts, per account."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Sweeper:
    jobs: Jobs
    blobs: Blobs
    executions: Executions
    event_publisher: EventPublisher
    clock: Clock

    def sweep(self, has_time: Callable[[], bool] = lambda: True) -> int:
        """Repair due jobs until there is no time left, and return their number.

        An account's jobs beyond `SHARE` come last, in turns; only their ids are kept until then.
        Any number of sweepers may run at once.
        """
        repaired = 0
        due: Counter[str] = Counter()
        last: list[tuple[str, str]] = []
        for job in self.jobs.due(self.clock(), BATCH):
            if not has_time():
                return repaired
            due[job.account] += 1
            if due[job.account] <= SHARE:
                repaired += self._try_repair(job)
            else:
                last.append((job.account, job.id))
        turns = in_turns(last, lambda key: key[0])
        return repaired + sum(
            self._try_reconcile(*key) for key in takewhile(lambda _: has_time(), turns)
        )

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

    def _try_reconcile(self, account: str, job_id: str) -> int:
        try:
            return self.reconcile_job(account, job_id)
        except RushesError as error:
            logger.warning(JOB_NOT_REPAIRED, job_id=job_id, reason=error.message)
            return 0

    def _try_repair(self, job: Job) -> bool:
        """Log an error and go on with the next job."""
        try:
            return self._repair(job)
        except RushesError as error:
            logger.warning(JOB_NOT_REPAIRED, job_id=job.id, reason=error.message)
            return False
        except Exception:  # for example because of an item that was edited by hand
            logger.exception(JOB_NOT_REPAIRED, job_id=job.id)
            count(Metric.CORRUPT_RECORD)
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
