"""How a job is accepted: stored once for each call, then started."""

import time
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from rushes.api.build_job import Intake
from rushes.errors import (
    AlreadyAccepted,
    KeyInUse,
    KeyReused,
    NotFound,
    OverBudget,
    RushesError,
)
from rushes.jobs import idempotency
from rushes.jobs.idempotency import CreateCall
from rushes.jobs.job import Job
from rushes.jobs.request import Creation
from rushes.ports import Allowance, Clock, Executions, Jobs, Receipt

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Accepted:
    """`replayed`: the call had been made before, and this is the job that it made then."""

    job: Job
    replayed: bool = False


@dataclass(frozen=True)
class Acceptance:
    """`daily_dollars`: what an account may spend in a day; None where there is no limit."""

    intake: Intake
    jobs: Jobs
    executions: Executions
    clock: Clock
    daily_dollars: float | None = None

    def __call__(
        self, account: str, dialect: str, creation: Creation, call: CreateCall
    ) -> Accepted:
        receipt = self._receipt(account, creation, call)
        earlier = self._earlier(account, receipt) if receipt else None
        if earlier:
            return Accepted(earlier, replayed=True)
        job = self.intake(account, dialect, creation)
        try:
            self._store(job, receipt and replace(receipt, job_id=job.id))
        except AlreadyAccepted:
            self.intake.forget(job)
            earlier = self._earlier(account, receipt) if receipt else None
            if earlier is None:
                raise KeyInUse("the same Idempotency-Key is in use at this moment") from None
            return Accepted(earlier, replayed=True)
        except OverBudget:
            self.intake.forget(job)
            raise
        self.start(job)
        return Accepted(job)

    def start(self, job: Job) -> None:
        """Start the newest execution. The job is stored: what fails here, the sweeper repairs."""
        try:
            self.executions.start(job)
        except RushesError as error:
            logger.warning("not started yet", job_id=job.id, reason=error.message)

    def _receipt(self, account: str, creation: Creation, call: CreateCall) -> Receipt | None:
        """What a repetition of this call would be known by; None where nothing tells it."""
        if call.key is None and call.retry is None:
            return None
        body, now = idempotency.fingerprint(creation), self.clock()
        if call.key is not None:
            name = idempotency.digest(account, call.operation, call.key)
            return Receipt(name, body, "", now + idempotency.KEY_SECONDS)
        name = idempotency.digest(account, call.operation, body)
        return Receipt(name, body, "", now + idempotency.RETRY_SECONDS, call.retry)

    def _earlier(self, account: str, receipt: Receipt) -> Job | None:
        """The job that this very call has made before."""
        job_id = self._job_of_key(receipt) if receipt.retry is None else self._job_lost(receipt)
        if job_id is None:
            return None
        job = self.jobs.get(account, job_id)
        if job is None or job.deleted_at:
            raise NotFound("the job that this call made was deleted", param="Idempotency-Key")
        return job

    def _job_lost(self, receipt: Receipt) -> str | None:
        """The job of a call that its SDK says it made before, and had no answer to."""
        if not receipt.retry:
            return None
        return self.jobs.claim(receipt.digest, receipt.retry, self.clock())

    def _job_of_key(self, receipt: Receipt) -> str | None:
        known = self.jobs.receipt(receipt.digest)
        if known is None or known.expires_at < self.clock():
            return None
        if known.fingerprint != receipt.fingerprint:
            raise KeyReused(
                "this Idempotency-Key came with another request before", param="Idempotency-Key"
            )
        return known.job_id

    def _store(self, job: Job, receipt: Receipt | None) -> None:
        if self.daily_dollars is None:
            self.jobs.add(job, receipt)
            return
        cost = job.cost or 0.0
        if cost > self.daily_dollars:
            raise OverBudget(f"the job costs {cost} dollars, more than the account may spend a day")
        day = time.strftime("%Y-%m-%d", time.gmtime(job.created_at))
        self.jobs.add(job, receipt, Allowance(job.account, day, cost, self.daily_dollars))
