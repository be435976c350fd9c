"""The jobs' table as `store.JobTable` has it, in memory: one call for each of DynamoDB's.

Rows are kept as jobs. Every write names the version it was decided on and the statuses it may come
from; an index is behind the table as long as it pleases the fate.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import TypeVar

from rushes.aws.dynamodb.jobs import TRIES
from rushes.errors import AlreadyAccepted, BudgetExceeded, NotFound, WriteConflict
from rushes.jobs.job import Job, JobPage, allowed_before
from rushes.ports import BudgetCharge, Change, IdempotencyRecord, JobQuery
from tests.simulation.scheduler import READ_TROUBLES, STORE_TROUBLES, Turns

Result = TypeVar("Result")
Place = tuple[str, str]
ANSWER_LOST = "answer lost"
"""boto3 repeats the call, and finds its own write."""
INDEX_LAGS = "index lags"


class SimulatedJobs:
    """`written` is told of every write that was done: what was there before, and what is now."""

    def __init__(self, turns: Turns, written: Callable[[Job | None, Job], None]) -> None:
        self.rows: dict[Place, Job] = {}
        self.receipts: dict[Place, IdempotencyRecord] = {}
        self.spent: dict[Place, float] = {}
        self._turns = turns
        self.written = written
        self._writers: dict[Place, int] = {}
        self._marks = count(1)
        self._index: dict[Place, Job] = {}

    def add(
        self,
        job: Job,
        receipt: IdempotencyRecord | None = None,
        allowance: BudgetCharge | None = None,
    ) -> None:
        """The conditions of all parts are looked at first; then all are written, or none."""
        place, mark = (job.account, job.id), next(self._marks)

        def commit() -> None:
            if self._writers.get(place) == mark:
                return
            if place in self.rows:
                raise WriteConflict(f"there is a job {job.id} already")
            self._check(receipt, allowance, job.created_at)
            if receipt:
                self.receipts[receipt.digest, _sort(receipt)] = receipt
            if allowance:
                bill = (allowance.account, allowance.day)
                self.spent[bill] = self.spent.get(bill, 0.0) + allowance.cost
            self._put(None, job, mark)

        self._write("jobs.add", commit)

    def receipt(self, digest: str) -> IdempotencyRecord | None:
        return self._read("jobs.receipt", lambda: self.receipts.get((digest, "once")))

    def claim(self, digest: str, retry: int, now: float) -> str | None:
        found = self._read(
            "jobs.claim", lambda: [it for it in self.receipts.values() if it.digest == digest]
        )
        for receipt in sorted(found, key=lambda it: it.job_id):
            fresh = receipt.retry is not None and receipt.expires_at > now
            if fresh and (receipt.retry or 0) < retry and self._take(receipt, retry):
                return receipt.job_id
        return None

    def get(self, account: str, job_id: str) -> Job | None:
        return self._read("jobs.get", lambda: self.rows.get((account, job_id)))

    def change(self, account: str, job_id: str, change: Change) -> Job:
        for _ in range(TRIES):
            before = self.get(account, job_id)
            if before is None:
                raise NotFound(f"there is no job {job_id}")
            after = change(before)
            if after is before or self._replace(before, after):
                return after
        raise WriteConflict(f"job {job_id} is being written to by others")

    def page(self, account: str, query: JobQuery) -> JobPage:
        rows = self._read("jobs.page", self._indexed).values()
        jobs = sorted(rows, key=lambda job: job.id, reverse=query.newest_first)
        found = [job for job in jobs if job.account == account and not job.deleted_at]
        return JobPage(jobs=tuple(found[: query.limit]), has_more=len(found) > query.limit)

    def due(self, now: float, limit: int) -> tuple[Job, ...]:
        rows = self._read("jobs.due", self._indexed).values()
        cares = [(job.next_check_at, job) for job in rows]
        due = [(at, job) for at, job in cares if at is not None and at <= now]
        return tuple(job for _, job in sorted(due, key=lambda it: it[0])[:limit])

    def _replace(self, before: Job, after: Job) -> bool:
        place, mark = (before.account, before.id), next(self._marks)

        def put() -> bool:
            if self._writers.get(place) == mark:
                return True
            stored = self.rows[place]
            if stored.version != before.version:
                return False
            if stored.status not in allowed_before(before, after):
                return False
            self._put(stored, after, mark)
            return True

        return self._write("jobs.put", put)

    def _take(self, receipt: IdempotencyRecord, retry: int) -> bool:
        place, mark = (receipt.digest, _sort(receipt)), next(self._marks)

        def update() -> bool:
            if self._writers.get(place) == mark:
                return True
            stored = self.receipts[place]
            if (stored.retry or 0) >= retry:
                return False
            self.receipts[place] = replace(stored, retry=retry)
            self._writers[place] = mark
            return True

        return self._write("jobs.take", update)

    def _check(
        self, receipt: IdempotencyRecord | None, allowance: BudgetCharge | None, now: float
    ) -> None:
        if receipt and receipt.retry is None:
            known = self.receipts.get((receipt.digest, "once"))
            if known and known.expires_at >= now:
                raise AlreadyAccepted("the call has been accepted already")
        if allowance:
            spent = self.spent.get((allowance.account, allowance.day), 0.0)
            if spent + allowance.cost > allowance.limit:
                raise BudgetExceeded("the account has spent what it may in a day")

    def _put(self, before: Job | None, after: Job, mark: int) -> None:
        place = (after.account, after.id)
        self.written(before, after)
        self.rows[place] = after
        self._writers[place] = mark

    def _read(self, what: str, work: Callable[[], Result]) -> Result:
        return self._turns.call(what, work, READ_TROUBLES)

    def _indexed(self) -> dict[Place, Job]:
        """What an index shows: the table as it is, or as it was when it was last asked."""
        if not self._turns.fate.trouble("jobs.index", (INDEX_LAGS,)):
            self._index = dict(self.rows)
        return self._index

    def _write(self, what: str, work: Callable[[], Result]) -> Result:
        """Where the answer is lost, boto3 makes the call again, and others may have been faster."""
        if self._turns.fate.trouble(what, (ANSWER_LOST,)):
            self._turns.call(what, work, ())
        return self._turns.call(what, work, STORE_TROUBLES)


def _sort(receipt: IdempotencyRecord) -> str:
    return "once" if receipt.retry is None else receipt.job_id
