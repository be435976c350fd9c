"""In-memory counterpart of `aws.dynamodb.jobs.JobTable`, with one port call per DynamoDB call.

Every write is conditional on the version and the status that were read. The fault schedule decides
how long the indexes lag.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TypeVar, cast

from typing_extensions import override

from rushes.aws.dynamodb.jobs import JobTable
from rushes.errors import AlreadyAccepted, WriteConflict
from rushes.jobs.charges import Charge, settlements
from rushes.jobs.job import Job, allowed_before
from rushes.jobs.job_page import JobPage, first_page
from rushes.ports.jobs import Change, IdempotencyRecord, JobQuery
from tests.fakes import FakeLimits
from tests.simulation.scheduler import READ_FAULTS, STORE_FAULTS, Scheduler

Result = TypeVar("Result")
RowKey = tuple[str, str]
ANSWER_LOST = "answer lost"
"""boto3 repeats the call and finds its own write."""
INDEX_LAGS = "index lags"


class RecordedLimits(FakeLimits):
    """Adds up what was charged to each limit, and what was refunded."""

    def __init__(self) -> None:
        super().__init__()
        self.charged: Counter[str] = Counter()
        """In micro-dollars, or millionths of a job."""
        self.refunded: Counter[str] = Counter()

    @override
    def add(self, charges: Sequence[Charge], now: float) -> None:
        super().add(charges, now)
        for charge in charges:
            self.charged[charge.name] += max(micro(charge.total), 0)
            self.refunded[charge.name] += max(micro(-charge.total), 0)


def micro(amount: float) -> int:
    return round(amount * 1_000_000)


class SimulatedJobs:
    """Calls `on_write` with the item before and after every write."""

    def __init__(self, scheduler: Scheduler, on_write: Callable[[Job | None, Job], None]) -> None:
        self.rows: dict[RowKey, Job] = {}
        self.records: dict[RowKey, IdempotencyRecord] = {}
        self.limits = RecordedLimits()
        self._scheduler = scheduler
        self.on_write = on_write
        self.after_write: Callable[[Job], None] = lambda _: None
        self._writers: dict[RowKey, int] = {}
        self._marks = count(1)
        self._index: dict[RowKey, Job] = {}

    def add(
        self,
        job: Job,
        record: IdempotencyRecord | None = None,
        charges: Sequence[Charge] = (),
    ) -> None:
        """Check the conditions of all parts, then write all of them or none."""
        row_key = (job.account, job.id)

        def commit() -> bool:
            if row_key in self.rows:
                raise WriteConflict(f"job {job.id} exists already")
            self._check(record, job.created_at)
            self._charge(charges, job.created_at)
            if record:
                self.records[record.digest, _sort_key(record)] = record
            return self._put(None, job)

        self._write("jobs.add", row_key, commit)

    def find_record(self, digest: str) -> IdempotencyRecord | None:
        return self._read("jobs.find_record", lambda: self.records.get((digest, "once")))

    def adopt_retry(self, digest: str, retry: int, now: float) -> str | None:
        found = self._read(
            "jobs.adopt_retry",
            lambda: [found for found in self.records.values() if found.digest == digest],
        )
        for record in sorted(found, key=lambda record: record.job_id):
            fresh = record.retry is not None and record.expires_at > now
            if fresh and (record.retry or 0) < retry and self._adopt(record, retry):
                return record.job_id
        return None

    def get(self, account: str, job_id: str) -> Job | None:
        return self._read("jobs.get", lambda: self.rows.get((account, job_id)))

    def change(
        self,
        account: str,
        job_id: str,
        change: Change,
        maxima: Mapping[str, float] | None = None,
    ) -> Job:
        """Run the real loop on the reads and conditional writes of this table."""
        return JobTable.change(cast("JobTable", self), account, job_id, change, maxima)

    def page(self, account: str, query: JobQuery) -> JobPage:
        rows = self._read("jobs.page", self._indexed).values()
        jobs = sorted(rows, key=lambda job: job.id, reverse=query.newest_first)
        found = [job for job in jobs if job.account == account and not job.deleted_at]
        return first_page(found, query.limit)

    def due_ids(self, now: float, limit: int) -> list[tuple[str, str]]:
        return [(job.account, job.id) for job in self.due(now, limit)]

    def due(self, now: float, limit: int) -> tuple[Job, ...]:
        rows = self._read("jobs.due", self._indexed).values()
        checks = [(job.next_check_at, job) for job in rows]
        due = [(at, job) for at, job in checks if at is not None and at <= now]
        return tuple(job for _, job in sorted(due, key=lambda pair: pair[0])[:limit])

    def _replace(self, before: Job, after: Job, maxima: Mapping[str, float] | None = None) -> bool:
        row_key = (before.account, before.id)

        def put() -> bool:
            stored = self.rows[row_key]
            if stored.version != before.version:
                return False
            if stored.status not in allowed_before(before, after):
                return False
            self._settle(stored, after, maxima)
            return self._put(stored, after)

        return self._write("jobs.put", row_key, put)

    def _adopt(self, record: IdempotencyRecord, retry: int) -> bool:
        row_key = (record.digest, _sort_key(record))

        def update() -> bool:
            stored = self.records[row_key]
            if (stored.retry or 0) >= retry:
                return False
            self.records[row_key] = replace(stored, retry=retry)
            return True

        return self._write("jobs.adopt", row_key, update)

    def _check(self, record: IdempotencyRecord | None, now: float) -> None:
        if record and record.retry is None:
            enabled = self.records.get((record.digest, "once"))
            if enabled and enabled.expires_at >= now:
                raise AlreadyAccepted("the create call was accepted already")

    def _charge(self, charges: Sequence[Charge], now: float) -> None:
        self.limits.add(charges, now)

    def _settle(self, before: Job, after: Job, maxima: Mapping[str, float] | None = None) -> None:
        self.limits.add(settlements(before, after, maxima), after.updated_at)

    def _put(self, before: Job | None, after: Job) -> bool:
        self.on_write(before, after)
        self.rows[after.account, after.id] = after
        self.after_write(after)
        return True

    def _read(self, operation: str, work: Callable[[], Result]) -> Result:
        return self._scheduler.call(operation, work, READ_FAULTS)

    def _indexed(self) -> dict[RowKey, Job]:
        """Return the rows that an index shows: current, or as of its last read."""
        if not self._scheduler.schedule.fault("jobs.index", (INDEX_LAGS,)):
            self._index = dict(self.rows)
        return self._index

    def _write(self, operation: str, row_key: RowKey, work: Callable[[], bool]) -> bool:
        """Write once. After a lost answer boto3 repeats the call, and others may write before."""
        mark = next(self._marks)

        def write() -> bool:
            is_done = self._writers.get(row_key) == mark or work()
            if is_done:
                self._writers[row_key] = mark
            return is_done

        if self._scheduler.schedule.fault(operation, (ANSWER_LOST,)):
            self._scheduler.call(operation, write, ())
        return self._scheduler.call(operation, write, STORE_FAULTS)


def _sort_key(record: IdempotencyRecord) -> str:
    return "once" if record.retry is None else record.job_id
