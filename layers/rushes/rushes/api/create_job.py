"""Create a job once per client call: detect duplicates, reserve its cost, store, start."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from rushes.api.account_limits import AccountLimits, JobLimits
from rushes.api.account_states import AccountStates
from rushes.api.budget_alerts import BudgetAlerts
from rushes.api.build_job import JobBuilder
from rushes.api.log_events import JOB_NOT_STARTED
from rushes.api.permissions import require_models
from rushes.api.request_limits import CreateLimiter
from rushes.catalog.selection import Candidate, fallback_of
from rushes.errors import (
    AlreadyAccepted,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    LimitReached,
    ModelNotAllowed,
    NotFound,
    RushesError,
)
from rushes.jobs import idempotency
from rushes.jobs.charges import Charge
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.ports import Clock
from rushes.ports.jobs import Executions, IdempotencyRecord, Jobs

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class CreatedJob:
    """A new job, or (`replayed`) the job of an earlier identical call."""

    job: Job
    replayed: bool = False


@dataclass(frozen=True)
class Estimate:
    """A job that is not created; `dollars` are reserved of an account with a budget."""

    job: Job
    candidates: tuple[Candidate, ...]
    dollars: float


@dataclass(frozen=True)
class CreateJob:
    """`limits` apply to calls that create a job, not to a repeated call that finds its job."""

    job_builder: JobBuilder
    jobs: Jobs
    executions: Executions
    clock: Clock
    limits: AccountLimits
    limiter: CreateLimiter | None = None
    alerts: BudgetAlerts | None = None
    accounts: AccountStates | None = None

    def run(
        self, account: str, dialect: str, create_request: CreateRequest, call: IdempotencyInfo
    ) -> CreatedJob:
        record = self._record(account, create_request, call)
        if earlier := self._earlier(account, record):
            return CreatedJob(earlier, replayed=True)
        limits_id = call.limits_id or call.key_id
        if self.accounts:
            self.accounts.require_enabled(account)
        if self.limiter:
            self.limiter.admit(self.limits.create_rates(account, limits_id))
        job = self.job_builder.build(account, dialect, create_request)
        origin = {"request_id": call.request_id, "key_id": call.key_id or None}
        job = job.model_copy(update={**origin, "labels": create_request.labels})
        try:
            self._require_models(job, create_request, call)
            job, charges = self._store(job, record and replace(record, job_id=job.id), limits_id)
        except AlreadyAccepted:
            self.job_builder.delete_inputs(job)
            earlier = self._earlier(account, record)
            if earlier is None:
                raise IdempotencyKeyInUse(
                    "another request with this Idempotency-Key is in progress"
                ) from None
            return CreatedJob(earlier, replayed=True)
        except (LimitReached, ModelNotAllowed):
            self.job_builder.delete_inputs(job)
            raise
        self.start(job)
        if self.alerts:
            self.alerts.check(charges)
        return CreatedJob(job)

    def estimate(
        self, account: str, dialect: str, create_request: CreateRequest, call: IdempotencyInfo
    ) -> Estimate:
        """Return the job that `run` would create, and its price; nothing is stored or charged.

        A request that a create call refuses is refused, unless only the time matters: rates, open
        jobs, and the part of a budget that is spent.
        """
        job, chosen = self.job_builder.plan(account, dialect, create_request)
        self._require_models(job, create_request, call)
        limits_id = call.limits_id or call.key_id
        limits = JobLimits(self.limits.of(account, limits_id), job.created_at)
        dollars, model = self._dearest(job)
        limits.reserve(dollars, model)
        return Estimate(job, (chosen.first, *chosen.fallbacks), dollars)

    def rate_headers(self, account: str, limits_id: str) -> dict[str, str]:
        """Return the headers that report the rates of a caller's create calls."""
        if self.limiter is None:
            return {}
        try:
            return self.limiter.headers(self.limits.create_rates(account, limits_id))
        except RushesError:  # the limits cannot be read, and neither could the call
            return {}

    def start(self, job: Job) -> None:
        """Start the job's newest execution; after an error the sweeper starts it."""
        try:
            self.executions.start(job)
        except RushesError as error:
            logger.warning(JOB_NOT_STARTED, **job.log_fields, reason=error.message)

    def _record(
        self, account: str, create_request: CreateRequest, call: IdempotencyInfo
    ) -> IdempotencyRecord | None:
        """Identify the call by its key, or by its body if an SDK counts its retries."""
        if call.key is None and call.retry is None:
            return None
        body, now = idempotency.fingerprint(create_request), self.clock()
        if call.key is not None:
            name = idempotency.digest(account, call.operation, call.key)
            return IdempotencyRecord(name, body, "", now + idempotency.KEY_SECONDS)
        name = idempotency.digest(account, call.operation, body)
        return IdempotencyRecord(name, body, "", now + idempotency.RETRY_SECONDS, call.retry)

    def _earlier(self, account: str, record: IdempotencyRecord | None) -> Job | None:
        """Return the job that the same call created before."""
        job_id = self._earlier_id(record) if record else None
        if job_id is None:
            return None
        job = self.jobs.get(account, job_id)
        if job is None or job.deleted_at:
            raise NotFound(f"job {job_id} of this request was deleted", param="Idempotency-Key")
        return job

    def _earlier_id(self, record: IdempotencyRecord) -> str | None:
        if record.retry is None:
            return self._id_by_key(record)
        if record.retry == 0:
            return None
        return self.jobs.adopt_retry(record.digest, record.retry, self.clock())

    def _id_by_key(self, record: IdempotencyRecord) -> str | None:
        known = self.jobs.find_record(record.digest)
        if known is None or known.expires_at < self.clock():
            return None
        if known.fingerprint != record.fingerprint:
            raise IdempotencyKeyReused(
                "this Idempotency-Key was used with a different request", param="Idempotency-Key"
            )
        return known.job_id

    def _require_models(
        self, job: Job, create_request: CreateRequest, call: IdempotencyInfo
    ) -> None:
        """Raise ModelNotAllowed unless the API key may use all models of the job.

        The job has the name of its model as requested; a remix has that of its source.
        """
        if call.models is None:
            return
        names = (job.request.model, *create_request.request.fallbacks)
        require_models(call.models, job, names, self.job_builder.catalogs.for_job(job))

    def _store(
        self, job: Job, record: IdempotencyRecord | None, limits_id: str
    ) -> tuple[Job, Sequence[Charge]]:
        """Store the job and its charges.

        With a budget the price of the dearest model that may serve the job is reserved: the
        deployment may fail over to that model later, when the account can spend no more.
        """
        limits = JobLimits(self.limits.of(job.account, limits_id), job.created_at)
        dollars, model = self._dearest(job) if limits.has_budget else (0.0, "")
        reservation, charges = limits.reserve(dollars, model)
        job = job.model_copy(update={"reservation": reservation})
        try:
            self.jobs.add(job, record, charges)
        except LimitReached:
            if self.alerts:
                self.alerts.check(charges, refused=True)
            raise
        return job, charges

    def _dearest(self, job: Job) -> tuple[float, str]:
        """Return the highest price of the models that may serve the job, and that model."""
        catalog = self.job_builder.catalogs.for_job(job)
        first = catalog.find(job.model)
        fallbacks = [fallback_of(job, catalog.find(name)) for name in job.fallbacks]
        prices = [(entry.price, entry.model.name) for entry in fallbacks if entry]
        return max([(first.price(job.request), first.name), *prices])
