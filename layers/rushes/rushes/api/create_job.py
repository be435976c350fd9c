"""How a job is accepted: stored once for each call, then started."""

import time
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from rushes.api.build_job import JobBuilder
from rushes.errors import (
    AlreadyAccepted,
    BudgetExceeded,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    NotFound,
    RushesError,
)
from rushes.jobs import idempotency
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.ports import BudgetCharge, Clock, Executions, IdempotencyRecord, Jobs

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class CreatedJob:
    """`replayed`: the call had been made before, and this is the job that it made then."""

    job: Job
    replayed: bool = False


@dataclass(frozen=True)
class CreateJob:
    """`daily_dollars`: what an account may spend in a day; None where there is no limit."""

    job_builder: JobBuilder
    jobs: Jobs
    executions: Executions
    clock: Clock
    daily_dollars: float | None = None

    def __call__(
        self, account: str, dialect: str, creation: CreateRequest, call: IdempotencyInfo
    ) -> CreatedJob:
        receipt = self._receipt(account, creation, call)
        earlier = self._earlier(account, receipt) if receipt else None
        if earlier:
            return CreatedJob(earlier, replayed=True)
        job = self.job_builder(account, dialect, creation)
        try:
            self._store(job, receipt and replace(receipt, job_id=job.id))
        except AlreadyAccepted:
            self.job_builder.forget(job)
            earlier = self._earlier(account, receipt) if receipt else None
            if earlier is None:
                raise IdempotencyKeyInUse(
                    "the same Idempotency-Key is in use at this moment"
                ) from None
            return CreatedJob(earlier, replayed=True)
        except BudgetExceeded:
            self.job_builder.forget(job)
            raise
        self.start(job)
        return CreatedJob(job)

    def start(self, job: Job) -> None:
        """Start the newest execution. The job is stored: what fails here, the sweeper repairs."""
        try:
            self.executions.start(job)
        except RushesError as error:
            logger.warning("not started yet", job_id=job.id, reason=error.message)

    def _receipt(
        self, account: str, creation: CreateRequest, call: IdempotencyInfo
    ) -> IdempotencyRecord | None:
        """What a repetition of this call would be known by; None where nothing tells it."""
        if call.key is None and call.retry is None:
            return None
        body, now = idempotency.fingerprint(creation), self.clock()
        if call.key is not None:
            name = idempotency.digest(account, call.operation, call.key)
            return IdempotencyRecord(name, body, "", now + idempotency.KEY_SECONDS)
        name = idempotency.digest(account, call.operation, body)
        return IdempotencyRecord(name, body, "", now + idempotency.RETRY_SECONDS, call.retry)

    def _earlier(self, account: str, receipt: IdempotencyRecord) -> Job | None:
        """The job that this very call has made before."""
        job_id = self._job_of_key(receipt) if receipt.retry is None else self._job_lost(receipt)
        if job_id is None:
            return None
        job = self.jobs.get(account, job_id)
        if job is None or job.deleted_at:
            raise NotFound("the job that this call made was deleted", param="Idempotency-Key")
        return job

    def _job_lost(self, receipt: IdempotencyRecord) -> str | None:
        """The job of a call that its SDK says it made before, and had no answer to."""
        if not receipt.retry:
            return None
        return self.jobs.claim(receipt.digest, receipt.retry, self.clock())

    def _job_of_key(self, receipt: IdempotencyRecord) -> str | None:
        known = self.jobs.receipt(receipt.digest)
        if known is None or known.expires_at < self.clock():
            return None
        if known.fingerprint != receipt.fingerprint:
            raise IdempotencyKeyReused(
                "this Idempotency-Key came with another request before", param="Idempotency-Key"
            )
        return known.job_id

    def _store(self, job: Job, receipt: IdempotencyRecord | None) -> None:
        if self.daily_dollars is None:
            self.jobs.add(job, receipt)
            return
        cost = job.cost or 0.0
        if cost > self.daily_dollars:
            raise BudgetExceeded(
                f"the job costs {cost} dollars, more than the account may spend a day"
            )
        day = time.strftime("%Y-%m-%d", time.gmtime(job.created_at))
        self.jobs.add(job, receipt, BudgetCharge(job.account, day, cost, self.daily_dollars))
