"""Repair jobs that were never started, lost their execution or have unpublished events."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeVar

from aws_lambda_powertools import Logger

from rushes.errors import CorruptRecord, RushesError
from rushes.fair_order import in_turns
from rushes.jobs.job import Job
from rushes.metrics import CORRUPT_RECORD, Metric, count
from rushes.ports import Clock, ForEach
from rushes.ports.jobs import Change, Executions, Jobs
from rushes.ports.storage import Blobs
from rushes.workflow import pauses
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.log_events import EXECUTION_RESTARTED, JOB_NOT_REPAIRED, JOBS_NOT_CHECKED

Entry = TypeVar("Entry")
Result = TypeVar("Result")

BATCH = 250
"""Due jobs of an account, per sweep."""

logger = Logger(service="rushes", child=True)


def one_by_one(work: Callable[[Entry], Result], entries: Iterable[Entry]) -> list[Result]:
    return [work(entry) for entry in entries]


@dataclass(frozen=True)
class Sweeper:
    jobs: Jobs
    blobs: Blobs
    executions: Executions
    event_publisher: EventPublisher
    clock: Clock
    for_each: ForEach = one_by_one

    def sweep(self, has_time: Callable[[], bool] = lambda: True) -> int:
        """Repair due jobs until there is no time left, and return their number.

        Accounts take turns, each with its longest overdue jobs first. Any number of sweepers may
        run at once.
        """
        due = takewhile(lambda _: has_time(), self.jobs.due_ids(self.clock(), BATCH))
        turns = in_turns(due, lambda ids: ids[0])
        repaired = self.for_each(lambda ids: self._try_check(*ids) if has_time() else None, turns)
        if left := repaired.count(None):
            logger.warning(JOBS_NOT_CHECKED, left=left, checked=len(repaired) - left)
        return sum(one or 0 for one in repaired)

    def reconcile_job(self, account: str, job_id: str) -> int:
        """Repair one job after Step Functions reported that its execution failed."""
        job = self._find(account, job_id)
        return int(job is not None and job.next_check_at is not None and self._try_repair(job))

    def _find(self, account: str, job_id: str) -> Job | None:
        """Return the job; None if it is absent or corrupt."""
        try:
            return self.jobs.get(account, job_id)
        except CorruptRecord as error:
            logger.error(  # noqa: TRY400
                CORRUPT_RECORD, item=f"{account}#{job_id}", reason=error.message
            )
            count(Metric.CORRUPT_RECORD)
            return None

    def _try_check(self, account: str, job_id: str) -> int:
        """Repair a job if it is still due: the index that listed it is eventually consistent."""
        try:
            job = self._find(account, job_id)
            if job is None or job.next_check_at is None or job.next_check_at > self.clock():
                return 0
            return int(self._try_repair(job))
        except RushesError as error:
            logger.warning(JOB_NOT_REPAIRED, account=account, job_id=job_id, reason=error.message)
            return 0

    def _try_repair(self, job: Job) -> bool:
        """Log an error and go on with the next job."""
        try:
            return self._repair(job)
        except RushesError as error:
            logger.warning(JOB_NOT_REPAIRED, **job.log_fields, reason=error.message)
            return False
        except Exception:  # for example because of an item that was edited by hand
            logger.exception(JOB_NOT_REPAIRED, **job.log_fields)
            count(Metric.CORRUPT_RECORD)
            return False

    def _repair(self, job: Job) -> bool:
        published = bool(job.outbox) and self.event_publisher.publish(job)
        if job.needs_execution:
            if pauses.holds(self.jobs, job, self.clock()):
                return published
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
        if running is False and job.pause:
            return False
        self.executions.start(job)
        logger.warning(EXECUTION_RESTARTED, **job.log_fields, execution=job.execution_name)
        return True

    def _mark_running(self, job: Job) -> Job:
        """Move the job to the end of the due index, so that it does not hide the others."""
        return job.mark_running(self.clock()) if job.needs_execution else job

    def _restart(self, seen: Job) -> Change:
        def change(job: Job) -> Job:
            changed_since = not job.needs_execution or job.executions != seen.executions
            return job if changed_since else pauses.next_execution(job, self.clock())

        return change
